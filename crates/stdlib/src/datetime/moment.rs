//! `datetime`: a day and a time on it.

use super::calendar::{self, Clock, DAY_MICROS, Ymd};
use super::date;
use super::delta::{self, Delta};
use super::time::{self, Time};
use super::{Params, bind, c_int, check_date, check_time, check_tzinfo, day_of, hash_bytes, ints, is_naive, is_own, iso, local, state_bytes, strptime, text, zone};
use retic_runtime::object::Guarded;
use retic_runtime::types::type_::{Cmp, Op, flags};
use retic_runtime::types::{Bytes, Slots, Spec, Str, Type};
use retic_runtime::{Args, Cx, Obj, PyResult, Ref, layout, memory, protocol};
use std::cell::Cell;

layout! {
    /// A day and a time, in a zone or naive. `hash` is -1 until it is asked for.
    pub struct DateTime = 317, "datetime.datetime" { hash: Cell<i64>, day: Cell<Ymd>, clock: Cell<Clock>, zone: Guarded<Option<Obj>>, }
}

pub fn new(cx: &mut Cx, ty: &Ref<Type>, day: Ymd, clock: Clock, zone: Option<Obj>) -> PyResult {
    Ok(memory::new(cx, ty, |head| DateTime { head, hash: Cell::new(-1), day: Cell::new(day), clock: Cell::new(clock), zone: Guarded::new(zone) })?.into_obj())
}

/// A datetime of a class: what is derived is made by a call, and gets its fold afterwards.
fn of_class(cx: &mut Cx, class: &Ref<Type>, day: Ymd, clock: Clock, zone: Option<Obj>) -> PyResult {
    if is_own(cx, class, "datetime.datetime") {
        return new(cx, class, day, clock, zone);
    }
    let (h, m, s, us) = clock.key();
    let mut args = ints(cx, [day.year.into(), day.month.into(), day.day.into(), h.into(), m.into(), s.into(), us.into()])?;
    args.push(zone.unwrap_or_else(|| cx.none()));
    let made = protocol::call(cx, class.as_obj(), &args)?;
    if clock.fold == 1
        && let Some(d) = made.cast::<DateTime>()
    {
        d.clock.set(Clock { fold: 1, ..d.clock.get() });
    }
    Ok(made)
}

impl DateTime {
    /// Microseconds since the first moment of the year 1, as the clock shows them.
    fn micros(&self) -> i128 {
        i128::from(self.day.get().ordinal()) * i128::from(DAY_MICROS) + i128::from(self.clock.get().micros())
    }
    fn key(&self) -> (Ymd, (u8, u8, u8, u32)) {
        (self.day.get(), self.clock.get().key())
    }
}
/// What the datetime's zone says of it.
pub fn utcoffset(cx: &mut Cx, this: &Ref<DateTime>) -> PyResult<Option<Ref<Delta>>> {
    let zone = this.zone.cloned(cx);
    zone::utcoffset(cx, zone.as_ref(), this.as_obj())
}

const PARAMS: Params = Params { function: "", names: &["year", "month", "day", "hour", "minute", "second", "microsecond", "tzinfo", "fold"], required: 3, positional: 8 };

fn make(cx: &mut Cx, ty: &Ref<Type>, args: Args<'_>) -> PyResult {
    if let [state, rest @ ..] = args.positional()
        && rest.len() < 2
        && args.keywords().len() == 0
        && let Some(mut b) = state_bytes(state, 10)
    {
        let fold = b[2] & 0x80 != 0;
        b[2] &= 0x7f;
        if let (Some(day), Some(clock)) = (Ymd::of_bytes(&b[..4]), Clock::of_bytes(&b[4..], fold)) {
            let zone = time::state_zone(cx, rest.first())?;
            return new(cx, ty, day, clock, zone);
        }
    }
    let (mut n, mut zone) = ([0; 9], None);
    bind(cx, &PARAMS, &args, |cx, i, value| {
        match i {
            7 => zone = Some(value),
            _ => n[i] = c_int(cx, value)?,
        }
        Ok(())
    })?;
    let day = check_date(cx, n[0], n[1], n[2])?;
    let clock = check_time(cx, [n[3], n[4], n[5], n[6]], n[8])?;
    let zone = check_tzinfo(cx, zone)?;
    new(cx, ty, day, clock, zone)
}

fn moment(o: &Obj) -> Option<&Ref<DateTime>> {
    o.cast::<DateTime>()
}
fn of(o: &Obj) -> Ref<DateTime> {
    moment(o).cloned().expect("slots of datetime are reached through datetimes")
}

/// A datetime so many microseconds later on its own clock, of its class and in its zone.
pub fn shifted(cx: &mut Cx, o: &Obj, micros: i128) -> PyResult {
    let d = of(o);
    let (day, clock) = moved(cx, &d, micros)?;
    let zone = d.zone.cloned(cx);
    of_class(cx, &o.type_ref(), day, clock, zone)
}
fn moved(cx: &Cx, d: &DateTime, micros: i128) -> PyResult<(Ymd, Clock)> {
    let total = d.micros() + micros;
    let (ordinal, rest) = match i64::try_from(total) {
        Ok(t) => (t.div_euclid(DAY_MICROS), t.rem_euclid(DAY_MICROS)),
        Err(_) => return Err(cx.overflow_error("date value out of range")),
    };
    Ok((date::day_of_ordinal(cx, ordinal)?, Clock::of_micros(rest)))
}

fn add(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
    match (moment(a), b.cast::<Delta>(), a.cast::<Delta>(), moment(b)) {
        (Some(_), Some(d), ..) => shifted(cx, a, d.total()),
        (_, _, Some(d), Some(_)) => shifted(cx, b, d.total()),
        _ => Ok(cx.not_implemented()),
    }
}
fn same_zone(cx: &Cx, a: &DateTime, b: &DateTime) -> bool {
    match (a.zone.get(cx), b.zone.get(cx)) {
        (Some(x), Some(y)) => x.is(y),
        (None, None) => true,
        _ => false,
    }
}
/// `a - b` in microseconds.
fn difference(cx: &mut Cx, a: &Ref<DateTime>, b: &Ref<DateTime>) -> PyResult<i128> {
    let shown = a.micros() - b.micros();
    if same_zone(cx, a, b) {
        return Ok(shown);
    }
    match (utcoffset(cx, a)?, utcoffset(cx, b)?) {
        (None, None) => Ok(shown),
        (Some(oa), Some(ob)) => Ok(shown - (oa.total() - ob.total())),
        _ => Err(cx.type_error("can't subtract offset-naive and offset-aware datetimes")),
    }
}
fn sub(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
    let Some(d) = moment(a).cloned() else { return Ok(cx.not_implemented()) };
    if let Some(other) = moment(b).cloned() {
        let micros = difference(cx, &d, &other)?;
        return Ok(delta::new(cx, micros)?.into_obj());
    }
    match b.cast::<Delta>().map(|d| d.total()) {
        Some(micros) => shifted(cx, a, -micros),
        None => Ok(cx.not_implemented()),
    }
}

/// The same reading of the clock, the other time it is shown.
fn other_fold(cx: &mut Cx, d: &Ref<DateTime>) -> PyResult<Option<Ref<DateTime>>> {
    let clock = d.clock.get();
    let (ty, zone) = (d.as_obj().type_ref(), d.zone.cloned(cx));
    let flipped = of_class(cx, &ty, d.day.get(), Clock { fold: 1 - clock.fold, ..clock }, zone)?;
    Ok(moment(&flipped).cloned())
}
/// Whether the offset depends on the fold: such a time equals none in another zone (PEP 495).
fn is_problematic(cx: &mut Cx, d: &Ref<DateTime>, offset: &Ref<Delta>) -> PyResult<bool> {
    let Some(other) = other_fold(cx, d)? else { return Ok(false) };
    let offset_then = utcoffset(cx, &other)?;
    Ok(offset_then.is_none_or(|o| o.key() != offset.key()))
}

fn richcompare(cx: &mut Cx, a: &Obj, b: &Obj, op: Cmp) -> PyResult {
    let (Some(a), Some(b)) = (moment(a).cloned(), moment(b).cloned()) else { return Ok(cx.not_implemented()) };
    if same_zone(cx, &a, &b) {
        return Ok(cx.bool(op.of(a.key(), b.key())));
    }
    match (utcoffset(cx, &a)?, utcoffset(cx, &b)?) {
        (None, None) => Ok(cx.bool(op.of(a.key(), b.key()))),
        (Some(oa), Some(ob)) => {
            let diff = a.micros() - b.micros() - (oa.total() - ob.total());
            let problem = diff == 0 && matches!(op, Cmp::Eq | Cmp::Ne) && (is_problematic(cx, &a, &oa)? || is_problematic(cx, &b, &ob)?);
            Ok(cx.bool(op.of(if problem { 1 } else { diff }, 0)))
        }
        _ => match op {
            Cmp::Eq => Ok(cx.bool(false)),
            Cmp::Ne => Ok(cx.bool(true)),
            _ => Err(cx.type_error("can't compare offset-naive and offset-aware datetimes")),
        },
    }
}

fn hash(cx: &mut Cx, o: &Obj) -> PyResult<i64> {
    let d = of(o);
    if d.hash.get() == -1 {
        // The fold takes no part: the zone is asked without it.
        let plain = if d.clock.get().fold == 1 { other_fold(cx, &d)? } else { Some(d.clone()) };
        let offset = match &plain {
            Some(plain) => utcoffset(cx, plain)?,
            None => None,
        };
        let h = match offset {
            None => {
                let b = state(&d, false);
                hash_bytes(cx, &b)?
            }
            Some(offset) => {
                let utc = delta::new(cx, d.micros() - offset.total())?;
                delta::hash(cx, &utc)?
            }
        };
        d.hash.set(h);
    }
    Ok(d.hash.get())
}

fn repr(cx: &mut Cx, o: &Obj) -> PyResult {
    let d = of(o);
    let (day, (h, m, s, us)) = d.key();
    let mut out = format!("{}({}, {}, {}, {h}, {m}", o.ty().name_text(), day.year, day.month, day.day);
    if us != 0 {
        out += &format!(", {s}, {us}");
    } else if s != 0 {
        out += &format!(", {s}");
    }
    if d.clock.get().fold == 1 {
        out += ", fold=1";
    }
    if let Some(zone) = d.zone.cloned(cx) {
        out += ", tzinfo=";
        out += &protocol::repr_text(cx, &zone)?;
    }
    out.push(')');
    cx.str(&out)
}
fn str(cx: &mut Cx, o: &Obj) -> PyResult {
    let space = cx.str(" ")?;
    protocol::call_method(cx, o, "isoformat", &[space])
}

/// The ten bytes that pickles hold; a fold is the highest bit of the month.
fn state(d: &DateTime, fold: bool) -> [u8; 10] {
    let mut out = [0; 10];
    out[..4].copy_from_slice(&d.day.get().bytes());
    out[4..].copy_from_slice(&d.clock.get().bytes());
    if fold && d.clock.get().fold == 1 {
        out[2] |= 0x80;
    }
    out
}
fn reduced(cx: &mut Cx, this: &Ref<DateTime>, protocol: i64) -> PyResult {
    let mut parts = vec![Bytes::from_slice(cx, &state(this, protocol > 3))?];
    parts.extend(this.zone.cloned(cx));
    let parts = cx.tuple(parts)?;
    cx.tuple_of([this.as_obj().type_ref().into_obj(), parts])
}

/// The datetime of a moment (seconds since the Epoch) in the host's zone, or in a zone.
fn of_moment(cx: &mut Cx, class: &Ref<Type>, seconds: i64, micro: u32, zone: Option<Obj>) -> PyResult {
    let (day, clock) = if zone.is_none() { local::shown(cx, seconds)? } else { local::on_clock(cx, seconds)? };
    let made = of_class(cx, class, day, Clock { micro, ..clock }, zone.clone())?;
    match zone {
        Some(zone) => protocol::call_method(cx, &zone, "fromutc", &[made]),
        None => Ok(made),
    }
}
/// Seconds since the Epoch and microseconds, now.
fn now(cx: &mut Cx) -> (i64, u32) {
    let ns = cx.host.clock_ns(retic_runtime::host::Clock::Realtime);
    (ns.div_euclid(1_000_000_000) as i64, (ns.rem_euclid(1_000_000_000) / 1000) as u32)
}
fn in_utc(cx: &mut Cx, class: &Ref<Type>, seconds: i64, micro: u32) -> PyResult {
    let (day, clock) = local::on_clock(cx, seconds)?;
    of_class(cx, class, day, Clock { micro, ..clock }, None)
}
fn deprecated(cx: &mut Cx, old: &str, new: &str) -> PyResult<()> {
    let text = format!(
        "datetime.datetime.{old}() is deprecated and scheduled for removal in a future version. Use timezone-aware objects to represent datetimes in UTC: datetime.datetime.{new}."
    );
    let class = cx.types.deprecation_warning.clone();
    retic_runtime::modules::warnings::warn(cx, &class, &text, 1)
}

/// The same reading in another zone.
fn with_zone(cx: &mut Cx, d: &Ref<DateTime>, day: Ymd, clock: Clock, zone: Option<Obj>) -> PyResult {
    let ty = d.as_obj().type_ref();
    of_class(cx, &ty, day, clock, zone)
}

#[retic_macros::methods]
impl DateTime {
    /// The datetime now: local, or in the zone that is given.
    #[py("now($type, /, tz=None)")]
    fn now(cx: &mut Cx, class: &Ref<Type>, tz: Option<&Obj>) -> PyResult {
        let zone = check_tzinfo(cx, tz)?;
        let (seconds, micro) = now(cx);
        of_moment(cx, class, seconds, micro, zone)
    }
    /// A naive datetime that shows UTC now.
    #[py("utcnow($type, /)")]
    fn utcnow(cx: &mut Cx, class: &Ref<Type>) -> PyResult {
        deprecated(cx, "utcnow", "now(datetime.UTC)")?;
        let (seconds, micro) = now(cx);
        in_utc(cx, class, seconds, micro)
    }
    /// The datetime of a POSIX timestamp (a number of seconds): local, or in the zone that is given.
    #[py("fromtimestamp($type, /, timestamp, tz=None)", "")]
    fn fromtimestamp(cx: &mut Cx, class: &Ref<Type>, timestamp: &Obj, tz: Option<&Obj>) -> PyResult {
        let zone = check_tzinfo(cx, tz)?;
        let (seconds, micro) = local::seconds_and_micros(cx, timestamp)?;
        of_moment(cx, class, seconds, micro, zone)
    }
    /// A naive datetime that shows UTC at a POSIX timestamp.
    #[py("utcfromtimestamp($type, timestamp, /)", "")]
    fn utcfromtimestamp(cx: &mut Cx, class: &Ref<Type>, timestamp: &Obj) -> PyResult {
        deprecated(cx, "utcfromtimestamp", "fromtimestamp(timestamp, datetime.UTC)")?;
        let (seconds, micro) = local::seconds_and_micros(cx, timestamp)?;
        in_utc(cx, class, seconds, micro)
    }
    /// The datetime of a text in a format of time.strptime().
    #[py("strptime($type, string, format, /)", "")]
    fn strptime(cx: &mut Cx, class: &Obj, string: &Ref<Str>, format: &Ref<Str>) -> PyResult {
        strptime(cx, "_strptime_datetime_datetime", class, string.as_obj(), format.as_obj())
    }
    /// The datetime of a day and a time, in the time's zone or the one that is given.
    #[py("combine($type, /, date, time, tzinfo=unchanged)", "")]
    fn combine(cx: &mut Cx, class: &Ref<Type>, date: &Obj, time: &Obj, tzinfo: Option<&Obj>) -> PyResult {
        let Some(day) = day_of(date) else { return Err(cx.type_error(format!("combine() argument 1 must be datetime.date, not {}", date.ty().name_text()))) };
        let Some(time) = time.cast::<Time>().cloned() else {
            return Err(cx.type_error(format!("combine() argument 2 must be datetime.time, not {}", time.ty().name_text())));
        };
        let zone = time::replaced_zone(cx, tzinfo, time.zone.cloned(cx))?;
        of_class(cx, class, day, time.clock.get(), zone)
    }
    /// The datetime of a text in a format of ISO 8601.
    #[py("fromisoformat($type, object, /)")]
    fn fromisoformat(cx: &mut Cx, class: &Ref<Type>, object: &Obj) -> PyResult {
        let Some(s) = object.cast::<Str>() else { return Err(cx.type_error("fromisoformat: argument must be str")) };
        let points = s.code_points();
        let split = if points.len() < 7 { Err(iso::Malformed) } else { iso::separator(&points) };
        let split = split.map(|n| n.min(points.len()));
        let Ok((mut year, mut month, mut day, split)) = split.and_then(|n| iso::date(&points[..n]).map(|(y, m, d)| (y, m, d, n))) else { return Err(text::not_iso(cx, object)) };
        let (mut parts, mut zone) = ([0; 4], None);
        if split < points.len() {
            let end_of_day;
            (parts, zone, end_of_day) = time::from_iso(cx, object, &points[split + 1..])?;
            let last = calendar::days_in_month(year, month);
            if end_of_day && (1..=12).contains(&month) && day <= last {
                day += 1;
                if day > last {
                    (month, day) = (month + 1, 1);
                }
                if month > 12 {
                    (year, month) = (year + 1, 1);
                }
            }
        }
        let day = check_date(cx, year, month, day)?;
        let clock = check_time(cx, parts, 0)?;
        of_class(cx, class, day, clock, zone)
    }
    /// The day.
    #[py("date($self, /)")]
    fn date(cx: &mut Cx, this: &Ref<DateTime>) -> PyResult {
        let ty = cx.native_type("datetime.date");
        date::new(cx, &ty, this.day.get())
    }
    /// The time, without the zone.
    #[py("time($self, /)")]
    fn time(cx: &mut Cx, this: &Ref<DateTime>) -> PyResult {
        let ty = cx.native_type("datetime.time");
        time::new(cx, &ty, this.clock.get(), None)
    }
    /// The time with the zone.
    #[py("timetz($self, /)")]
    fn timetz(cx: &mut Cx, this: &Ref<DateTime>) -> PyResult {
        let (ty, zone) = (cx.native_type("datetime.time"), this.zone.cloned(cx));
        time::new(cx, &ty, this.clock.get(), zone)
    }
    /// The tuple that time.localtime() would give.
    #[py("timetuple($self, /)")]
    fn timetuple(cx: &mut Cx, this: &Ref<DateTime>) -> PyResult {
        let zone = this.zone.cloned(cx);
        let saved = zone::dst(cx, zone.as_ref(), this.as_obj())?;
        text::struct_time(cx, this.day.get(), this.clock.get(), saved.map_or(-1, |d| i64::from(!d.is_zero())))
    }
    /// The tuple that time.gmtime() would give.
    #[py("utctimetuple($self, /)")]
    fn utctimetuple(cx: &mut Cx, this: &Ref<DateTime>) -> PyResult {
        let (day, clock) = match utcoffset(cx, this)? {
            Some(offset) => moved(cx, this, -offset.total())?,
            None => (this.day.get(), this.clock.get()),
        };
        text::struct_time(cx, day, clock, 0)
    }
    /// Seconds since 1970-01-01 00:00 UTC, a float; a naive datetime is a local one.
    #[py("timestamp($self, /)")]
    fn timestamp(cx: &mut Cx, this: &Ref<DateTime>) -> PyResult<f64> {
        if is_naive(&this.zone.cloned(cx)) {
            let seconds = local::moment_of(cx, this.day.get(), this.clock.get())?;
            return Ok(seconds as f64 + f64::from(this.clock.get().micro) / 1e6);
        }
        let Some(offset) = utcoffset(cx, this)? else { return Err(cx.type_error("can't subtract offset-naive and offset-aware datetimes")) };
        let micros = this.micros() - i128::from(calendar::EPOCH) * i128::from(DAY_MICROS) - offset.total();
        let d = delta::new(cx, micros)?;
        Delta::total_seconds(cx, &d)
    }
    /// The text of ISO 8601, with `sep` between day and time: microseconds unless they are 0, and the offset of the zone.
    ///
    /// timespec says which parts of the time to write: 'auto', 'hours', 'minutes', 'seconds', 'milliseconds' or
    /// 'microseconds'.
    #[py("isoformat($self, /, sep='T', timespec='auto')", "")]
    fn isoformat(cx: &mut Cx, this: &Ref<DateTime>, sep: Option<&Obj>, timespec: Option<&Ref<Str>>) -> PyResult {
        let sep = match sep {
            None => u32::from(b'T'),
            Some(o) => match o.cast::<Str>() {
                Some(s) if s.len() == 1 => s.chars().get(0),
                Some(s) => return Err(cx.type_error(format!("isoformat() argument 1 must be a unicode character, not a string of length {}", s.len()))),
                None => return Err(cx.type_error(format!("isoformat() argument 1 must be a unicode character, not {}", o.ty().name_text()))),
            },
        };
        let spec = timespec.map(|t| t.to_text(cx));
        let mut out = text::day(this.day.get());
        let mut clock = text::clock(cx, this.clock.get(), spec.as_deref())?;
        let offset = utcoffset(cx, this)?;
        clock += &text::offset_of(offset.as_ref(), ":");
        match char::from_u32(sep) {
            Some(c) => {
                out.push(c);
                out += &clock;
                cx.str(&out)
            }
            None => {
                let points: Vec<u32> = out.chars().map(u32::from).chain([sep]).chain(clock.chars().map(u32::from)).collect();
                cx.str_points(&points)
            }
        }
    }
    /// What the zone says of its offset from UTC.
    #[py("utcoffset($self, /)")]
    fn dt_utcoffset(cx: &mut Cx, this: &Ref<DateTime>) -> PyResult {
        let offset = utcoffset(cx, this)?;
        Ok(zone::shown(cx, offset))
    }
    /// What the zone says of its name.
    #[py("tzname($self, /)")]
    fn tzname(cx: &mut Cx, this: &Ref<DateTime>) -> PyResult {
        let zone = this.zone.cloned(cx);
        zone::tzname(cx, zone.as_ref(), this.as_obj())
    }
    /// What the zone says of daylight saving time.
    #[py("dst($self, /)")]
    fn dst(cx: &mut Cx, this: &Ref<DateTime>) -> PyResult {
        let zone = this.zone.cloned(cx);
        let saved = zone::dst(cx, zone.as_ref(), this.as_obj())?;
        Ok(zone::shown(cx, saved))
    }
    /// The datetime with the fields that are given replaced.
    #[py(
        "replace($self, /, year=unchanged, month=unchanged, day=unchanged, hour=unchanged, minute=unchanged, second=unchanged, microsecond=unchanged, tzinfo=unchanged, *, fold=unchanged)"
    )]
    fn replace(
        cx: &mut Cx,
        this: &Ref<DateTime>,
        year: Option<&Obj>,
        month: Option<&Obj>,
        day: Option<&Obj>,
        hour: Option<&Obj>,
        minute: Option<&Obj>,
        second: Option<&Obj>,
        microsecond: Option<&Obj>,
        tzinfo: Option<&Obj>,
        fold: Option<&Obj>,
    ) -> PyResult {
        let day = date::replaced(cx, this.day.get(), [year, month, day])?;
        let clock = time::replaced(cx, this.clock.get(), [hour, minute, second, microsecond], fold)?;
        let zone = time::replaced_zone(cx, tzinfo, this.zone.cloned(cx))?;
        with_zone(cx, this, day, clock, zone)
    }
    /// What copy.replace() calls: replace().
    #[py(
        "__replace__($self, /, year=unchanged, month=unchanged, day=unchanged, hour=unchanged, minute=unchanged, second=unchanged, microsecond=unchanged, tzinfo=unchanged, *, fold=unchanged)"
    )]
    fn dunder_replace(
        cx: &mut Cx,
        this: &Ref<DateTime>,
        year: Option<&Obj>,
        month: Option<&Obj>,
        day: Option<&Obj>,
        hour: Option<&Obj>,
        minute: Option<&Obj>,
        second: Option<&Obj>,
        microsecond: Option<&Obj>,
        tzinfo: Option<&Obj>,
        fold: Option<&Obj>,
    ) -> PyResult {
        DateTime::replace(cx, this, year, month, day, hour, minute, second, microsecond, tzinfo, fold)
    }
    /// The same moment in another zone, or in the local one; a naive datetime is a local one.
    #[py("astimezone($self, /, tz=None)", "")]
    fn astimezone(cx: &mut Cx, this: &Ref<DateTime>, tz: Option<&Obj>) -> PyResult {
        let target = check_tzinfo(cx, tz)?;
        let own = this.zone.cloned(cx);
        if let (Some(own), Some(target)) = (&own, &target)
            && own.is(target)
        {
            return Ok(this.as_obj().clone());
        }
        let offset = match utcoffset(cx, this)? {
            Some(offset) => offset,
            None => {
                let zone = local::zone_of(cx, this.day.get(), this.clock.get())?;
                match zone::utcoffset(cx, Some(&zone), this.as_obj())? {
                    Some(offset) => offset,
                    None => return Err(cx.value_error("the local zone has no offset")),
                }
            }
        };
        let (day, clock) = moved(cx, this, -offset.total())?;
        let utc = zone::utc(cx);
        let target = match target {
            Some(target) => target,
            None => local::zone_at(cx, local::seconds_of(day, clock))?,
        };
        if target.is(&utc) {
            return with_zone(cx, this, day, clock, Some(utc));
        }
        let shown = with_zone(cx, this, day, clock, Some(target.clone()))?;
        protocol::call_method(cx, &target, "fromutc", &[shown])
    }
    /// What pickle writes: the class, and the datetime as ten bytes, with the zone if there is one.
    #[py("__reduce_ex__($self, proto, /)", "")]
    fn reduce_ex(cx: &mut Cx, this: &Ref<DateTime>, proto: i64) -> PyResult {
        reduced(cx, this, proto)
    }
    /// The same for protocol 2.
    #[py("__reduce__($self, /)")]
    fn reduce(cx: &mut Cx, this: &Ref<DateTime>) -> PyResult {
        reduced(cx, this, 2)
    }
    #[get("hour")]
    fn hour(_: &mut Cx, this: &Ref<DateTime>) -> i64 {
        this.clock.get().hour.into()
    }
    #[get("minute")]
    fn minute(_: &mut Cx, this: &Ref<DateTime>) -> i64 {
        this.clock.get().minute.into()
    }
    #[get("second")]
    fn second(_: &mut Cx, this: &Ref<DateTime>) -> i64 {
        this.clock.get().second.into()
    }
    #[get("microsecond")]
    fn microsecond(_: &mut Cx, this: &Ref<DateTime>) -> i64 {
        this.clock.get().micro.into()
    }
    #[get("tzinfo")]
    fn tzinfo(cx: &mut Cx, this: &Ref<DateTime>) -> Option<Obj> {
        this.zone.cloned(cx)
    }
    #[get("fold")]
    fn fold(_: &mut Cx, this: &Ref<DateTime>) -> i64 {
        this.clock.get().fold.into()
    }
}

pub fn spec() -> Spec {
    Spec {
        doc: "datetime(year, month, day[, hour[, minute[, second[, microsecond[, tzinfo]]]]], *, fold=0)\n\n\
              A day and a time, in a time zone (an instance of a class derived from\ntzinfo) or naive.",
        flags: flags::BASE,
        slots: Slots { new: Some(make), repr: Some(repr), str: Some(str), hash: Some(hash), richcompare: Some(richcompare), ..Slots::EMPTY }
            .with(&[(Op::Add, add), (Op::Sub, sub)]),
        methods: DateTime::METHODS,
        getset: DateTime::GETSET,
        ..Spec::new::<DateTime>("datetime.datetime")
    }
}
