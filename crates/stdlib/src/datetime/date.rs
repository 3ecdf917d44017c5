//! `date`, and the named tuple of its ISO calendar.

use super::calendar::{self, IsoError, Ymd};
use super::delta::Delta;
use super::{Params, bind, c_int, check_date, field, hash_bytes, ints, is_own, iso, local, moment, receiver_day, state_bytes, strptime, text, year_error};
use retic_runtime::types::structseq::{self, Definition};
use retic_runtime::types::type_::{Cmp, Op, flags};
use retic_runtime::types::{Slots, Spec, Str, Tuple, Type};
use retic_runtime::{Args, Cx, Obj, PyResult, Ref, interp, layout, memory, protocol};
use std::cell::Cell;

layout! {
    /// A day. `hash` is -1 until it is asked for.
    pub struct Date = 315, "datetime.date" { hash: Cell<i64>, day: Cell<Ymd>, }
}

pub fn new(cx: &mut Cx, ty: &Ref<Type>, day: Ymd) -> PyResult {
    Ok(memory::new(cx, ty, |head| Date { head, hash: Cell::new(-1), day: Cell::new(day) })?.into_obj())
}

/// A date of a class: what is derived is made by a call.
pub fn of_class(cx: &mut Cx, class: &Ref<Type>, day: Ymd) -> PyResult {
    if is_own(cx, class, "datetime.date") {
        return new(cx, class, day);
    }
    if is_own(cx, class, "datetime.datetime") {
        return moment::new(cx, class, day, calendar::MIDNIGHT, None);
    }
    let args = ints(cx, [day.year.into(), day.month.into(), day.day.into()])?;
    protocol::call(cx, class.as_obj(), &args)
}

/// The day of an ordinal that may lie outside the calendar.
pub fn day_of_ordinal(cx: &Cx, ordinal: i64) -> PyResult<Ymd> {
    if (1..=calendar::MAX_ORDINAL).contains(&ordinal) { Ok(Ymd::of_ordinal(ordinal)) } else { Err(cx.overflow_error("date value out of range")) }
}

const PARAMS: Params = Params { function: "", names: &["year", "month", "day"], required: 3, positional: 3 };

fn make(cx: &mut Cx, ty: &Ref<Type>, args: Args<'_>) -> PyResult {
    if let [state] = args.positional()
        && args.keywords().len() == 0
        && let Some(b) = state_bytes(state, 4)
        && let Some(day) = Ymd::of_bytes(&b)
    {
        return new(cx, ty, day);
    }
    let mut n = [0; 3];
    bind(cx, &PARAMS, &args, |cx, i, value| {
        n[i] = c_int(cx, value)?;
        Ok(())
    })?;
    let day = check_date(cx, n[0], n[1], n[2])?;
    new(cx, ty, day)
}

fn date(o: &Obj) -> Option<Ymd> {
    o.cast::<Date>().map(|d| d.day.get())
}

fn shifted(cx: &mut Cx, o: &Obj, days: i64) -> PyResult {
    let day = receiver_day(cx, o)?;
    let day = day_of_ordinal(cx, day.ordinal() + days)?;
    of_class(cx, &o.type_ref(), day)
}
fn add(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
    match (date(a), b.cast::<Delta>(), a.cast::<Delta>(), date(b)) {
        (Some(_), Some(d), ..) => shifted(cx, a, d.days.get().into()),
        (_, _, Some(d), Some(_)) => shifted(cx, b, d.days.get().into()),
        _ => Ok(cx.not_implemented()),
    }
}
fn sub(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
    let Some(day) = date(a) else { return Ok(cx.not_implemented()) };
    if let Some(other) = date(b) {
        let days = day.ordinal() - other.ordinal();
        return Ok(super::delta::new(cx, i128::from(days) * i128::from(calendar::DAY_MICROS))?.into_obj());
    }
    match b.cast::<Delta>() {
        Some(d) => shifted(cx, a, -i64::from(d.days.get())),
        None => Ok(cx.not_implemented()),
    }
}
fn richcompare(cx: &mut Cx, a: &Obj, b: &Obj, op: Cmp) -> PyResult {
    match (date(a), date(b)) {
        (Some(a), Some(b)) => Ok(cx.bool(op.of(a, b))),
        _ => Ok(cx.not_implemented()),
    }
}
fn hash(cx: &mut Cx, o: &Obj) -> PyResult<i64> {
    let d = o.cast::<Date>().cloned().expect("a date");
    if d.hash.get() == -1 {
        d.hash.set(hash_bytes(cx, &d.day.get().bytes())?);
    }
    Ok(d.hash.get())
}
fn repr(cx: &mut Cx, o: &Obj) -> PyResult {
    let d = receiver_day(cx, o)?;
    cx.str(&format!("{}({}, {}, {})", o.ty().name_text(), d.year, d.month, d.day))
}
/// The ISO text, by the method, which may be a derived class's.
pub fn str(cx: &mut Cx, o: &Obj) -> PyResult {
    protocol::call_method(cx, o, "isoformat", &[])
}

/// Year, month and day with some of them replaced.
pub fn replaced(cx: &mut Cx, day: Ymd, given: [Option<&Obj>; 3]) -> PyResult<Ymd> {
    let year = field(cx, given[0], day.year.into())?;
    let month = field(cx, given[1], day.month.into())?;
    let day = field(cx, given[2], day.day.into())?;
    check_date(cx, year, month, day)
}

#[retic_macros::methods]
impl Date {
    /// The local date of a POSIX timestamp (a number of seconds).
    #[py("fromtimestamp($type, timestamp, /)")]
    fn fromtimestamp(cx: &mut Cx, class: &Ref<Type>, timestamp: &Obj) -> PyResult {
        let seconds = local::floor_seconds(cx, timestamp)?;
        let (day, _) = local::shown(cx, seconds)?;
        of_class(cx, class, day)
    }
    /// Today's local date: what `fromtimestamp(time.time())` gives.
    #[py("today($type, /)")]
    fn today(cx: &mut Cx, class: &Ref<Type>) -> PyResult {
        if is_own(cx, class, "datetime.date") {
            let now = cx.host.time().floor() as i64;
            let (day, _) = local::shown(cx, now)?;
            return new(cx, class, day);
        }
        let time = retic_runtime::modules::import(cx, "time")?;
        let now = protocol::call_method(cx, &time, "time", &[])?;
        protocol::call_method(cx, class.as_obj(), "fromtimestamp", &[now])
    }
    /// The date of an ordinal; 1 is January 1 of the year 1.
    #[py("fromordinal($type, ordinal, /)", "")]
    fn fromordinal(cx: &mut Cx, class: &Ref<Type>, ordinal: &Obj) -> PyResult {
        let ordinal = c_int(cx, ordinal)?;
        if ordinal < 1 {
            return Err(cx.value_error("ordinal must be >= 1"));
        }
        if ordinal > calendar::MAX_ORDINAL {
            return Err(year_error(cx, calendar::MAX_YEAR + 1));
        }
        of_class(cx, class, Ymd::of_ordinal(ordinal))
    }
    /// The date of a text in a format of ISO 8601.
    #[py("fromisoformat($type, object, /)")]
    fn fromisoformat(cx: &mut Cx, class: &Ref<Type>, object: &Obj) -> PyResult {
        let Some(s) = object.cast::<Str>() else { return Err(cx.type_error("fromisoformat: argument must be str")) };
        let points = s.code_points();
        let parsed = if matches!(points.len(), 7 | 8 | 10) { iso::date(&points) } else { Err(iso::Malformed) };
        let Ok((year, month, day)) = parsed else { return Err(text::not_iso(cx, object)) };
        let day = check_date(cx, year, month, day)?;
        of_class(cx, class, day)
    }
    /// The date of an ISO 8601 year, week and weekday: the inverse of isocalendar().
    #[py("fromisocalendar($type, /, year, week, day)", "")]
    fn fromisocalendar(cx: &mut Cx, class: &Ref<Type>, year: &Obj, week: &Obj, day: &Obj) -> PyResult {
        let mut parts = [0; 3];
        for (slot, o) in parts.iter_mut().zip([year, week, day]) {
            let n = protocol::index(cx, o)?;
            *slot = retic_runtime::types::int::to_i64(&n).filter(|n| i32::try_from(*n).is_ok()).ok_or_else(|| cx.value_error("ISO calendar component out of range"))?;
        }
        let [year, week, weekday] = parts;
        match calendar::ordinal_of_iso(year, week, weekday) {
            Ok(ordinal) if ordinal < 1 => Err(year_error(cx, 0)),
            Ok(ordinal) if ordinal > calendar::MAX_ORDINAL => Err(year_error(cx, calendar::MAX_YEAR + 1)),
            Ok(ordinal) => of_class(cx, class, Ymd::of_ordinal(ordinal)),
            Err(IsoError::Year) => Err(year_error(cx, year)),
            Err(IsoError::Week) => Err(cx.value_error(format!("Invalid week: {week}"))),
            Err(IsoError::Weekday) => Err(cx.value_error(format!("Invalid weekday: {weekday} (range is [1, 7])"))),
        }
    }
    /// The date of a text in a format of time.strptime().
    #[py("strptime($type, string, format, /)", "")]
    fn strptime(cx: &mut Cx, class: &Obj, string: &Ref<Str>, format: &Ref<Str>) -> PyResult {
        strptime(cx, "_strptime_datetime_date", class, string.as_obj(), format.as_obj())
    }
    /// The text that C's ctime() makes.
    #[py("ctime($self, /)")]
    fn ctime(cx: &mut Cx, this: &Obj) -> PyResult {
        let moment = text::moment(cx, this)?;
        let text = moment.asctime();
        // Years have four digits, which they need not have in time.asctime().
        let (before, year) = text.rsplit_once(' ').unwrap_or((&text, ""));
        cx.str(&format!("{before} {year:0>4}"))
    }
    /// The text that a format of strftime() makes.
    #[py("strftime($self, /, format)", "")]
    fn strftime(cx: &mut Cx, this: &Obj, format: &Ref<Str>) -> PyResult {
        text::strftime(cx, this, format)
    }
    /// strftime() of the format, or str() when it is empty.
    #[py("__format__($self, format, /)", "")]
    fn format(cx: &mut Cx, this: &Obj, format: &Ref<Str>) -> PyResult {
        text::format(cx, this, format)
    }
    /// The text of ISO 8601, `YYYY-MM-DD`.
    #[py("isoformat($self, /)")]
    fn isoformat(cx: &mut Cx, this: &Obj) -> PyResult {
        let day = receiver_day(cx, this)?;
        cx.str(&text::day(day))
    }
    /// The weekday, from Monday = 1 to Sunday = 7.
    #[py("isoweekday($self, /)")]
    fn isoweekday(cx: &mut Cx, this: &Obj) -> PyResult<i64> {
        Ok(receiver_day(cx, this)?.weekday() + 1)
    }
    /// The weekday, from Monday = 0 to Sunday = 6.
    #[py("weekday($self, /)")]
    fn weekday(cx: &mut Cx, this: &Obj) -> PyResult<i64> {
        Ok(receiver_day(cx, this)?.weekday())
    }
    /// The ordinal in the Gregorian calendar; 1 is January 1 of the year 1.
    #[py("toordinal($self, /)")]
    fn toordinal(cx: &mut Cx, this: &Obj) -> PyResult<i64> {
        Ok(receiver_day(cx, this)?.ordinal())
    }
    /// The tuple that time.localtime() would give, at midnight.
    #[py("timetuple($self, /)")]
    fn timetuple(cx: &mut Cx, this: &Obj) -> PyResult {
        let day = receiver_day(cx, this)?;
        text::struct_time(cx, day, calendar::MIDNIGHT, -1)
    }
    /// ISO 8601 year, week number and weekday as a named tuple.
    #[py("isocalendar($self, /)")]
    fn isocalendar(cx: &mut Cx, this: &Obj) -> PyResult {
        let (year, week, weekday) = receiver_day(cx, this)?.iso();
        let ty = cx.native_type("datetime.IsoCalendarDate");
        let items = ints(cx, [year, week, weekday])?;
        structseq::new(cx, &ty, 3, items)
    }
    /// The date with the fields that are given replaced.
    #[py("replace($self, /, year=unchanged, month=unchanged, day=unchanged)")]
    fn replace(cx: &mut Cx, this: &Obj, year: Option<&Obj>, month: Option<&Obj>, day: Option<&Obj>) -> PyResult {
        let now = receiver_day(cx, this)?;
        let day = replaced(cx, now, [year, month, day])?;
        of_class(cx, &this.type_ref(), day)
    }
    /// What copy.replace() calls: replace().
    #[py("__replace__($self, /, year=unchanged, month=unchanged, day=unchanged)", "($self, /, **changes)")]
    fn dunder_replace(cx: &mut Cx, this: &Obj, year: Option<&Obj>, month: Option<&Obj>, day: Option<&Obj>) -> PyResult {
        Date::replace(cx, this, year, month, day)
    }
    /// What pickle writes: the class, and the day as four bytes.
    #[py("__reduce__($self, /)")]
    fn reduce(cx: &mut Cx, this: &Obj) -> PyResult {
        let day = receiver_day(cx, this)?;
        let state = retic_runtime::types::Bytes::from_slice(cx, &day.bytes())?;
        let state = cx.tuple_of([state])?;
        cx.tuple_of([this.type_ref().into_obj(), state])
    }
    #[get("year")]
    fn year(cx: &mut Cx, this: &Obj) -> PyResult<i64> {
        Ok(receiver_day(cx, this)?.year.into())
    }
    #[get("month")]
    fn month(cx: &mut Cx, this: &Obj) -> PyResult<i64> {
        Ok(receiver_day(cx, this)?.month.into())
    }
    #[get("day")]
    fn get_day(cx: &mut Cx, this: &Obj) -> PyResult<i64> {
        Ok(receiver_day(cx, this)?.day.into())
    }
}

pub fn spec() -> Spec {
    Spec {
        doc: "date(year, month, day)\n\nA day between 0001-01-01 and 9999-12-31 in the Gregorian calendar.",
        flags: flags::BASE,
        slots: Slots { new: Some(make), repr: Some(repr), str: Some(str), hash: Some(hash), richcompare: Some(richcompare), ..Slots::EMPTY }
            .with(&[(Op::Add, add), (Op::Sub, sub)]),
        methods: Date::METHODS,
        getset: Date::GETSET,
        ..Spec::new::<Date>("datetime.date")
    }
}

/// The methods of the result of `isocalendar()`, a tuple.
struct IsoCalendar;

#[retic_macros::methods]
impl IsoCalendar {
    /// It is pickled as the tuple it is.
    #[py("__reduce__($self, /)")]
    fn reduce(cx: &mut Cx, this: &Obj) -> PyResult {
        let items = this.cast::<Tuple>().map(|t| t.items().to_vec()).unwrap_or_default();
        let plain = cx.tuple(items)?;
        let args = cx.tuple_of([plain])?;
        cx.tuple_of([cx.types.tuple.as_obj().clone(), args])
    }
}

static ISO_CALENDAR: Definition = Definition {
    name: "datetime.IsoCalendarDate",
    doc: "What isocalendar() gives: a tuple of year, week and weekday, which are attributes, too.",
    fields: &["year", "week", "weekday"],
    visible: 3,
};

/// The class of `isocalendar()`'s results.
pub fn make_iso_calendar(cx: &mut Cx) -> PyResult<()> {
    let ty = structseq::make_type(cx, &ISO_CALENDAR)?;
    interp::add_methods(cx, &ty, IsoCalendar::METHODS)
}
