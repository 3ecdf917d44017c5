//! `tzinfo`, what zones derive from, and `timezone`, a fixed offset from UTC.

use super::calendar::DAY_MICROS;
use super::delta::{self, Delta};
use super::moment::{self, DateTime};
use super::{Params, bind, text};
use retic_runtime::object::Guarded;
use retic_runtime::types::type_::{Cmp, flags};
use retic_runtime::types::{Dict, Slots, Spec, Str};
use retic_runtime::{Cx, Obj, PyResult, Raised, Ref, layout, memory, protocol};

layout! {
    /// A zone of a derived class.
    pub struct TzInfo = 318, "datetime.tzinfo" { }
}
layout! {
    /// A fixed offset with or without a name of its own.
    pub struct TimeZone = 319, "datetime.timezone" { offset: Guarded<Ref<Delta>>, name: Guarded<Option<Obj>>, }
}

/// The one zone of UTC.
pub fn utc(cx: &mut Cx) -> Obj {
    let key = cx.name("utc");
    let dict: Option<Ref<Dict>> = cx.native_type("datetime.timezone").dict.cloned(cx);
    dict.and_then(|d| d.get_str(cx, &key)).unwrap_or_else(|| cx.none())
}
fn is_utc(cx: &mut Cx, o: &Obj) -> bool {
    utc(cx).is(o)
}

/// A fixed zone, `micros` east of UTC (less than a day).
pub fn new(cx: &mut Cx, micros: i64, name: Option<Obj>) -> PyResult {
    let offset = delta::new(cx, micros.into())?;
    of_delta(cx, offset, name)
}

fn of_delta(cx: &mut Cx, offset: Ref<Delta>, name: Option<Obj>) -> PyResult {
    if offset.is_zero() && name.is_none() {
        let known = utc(cx);
        if !known.is_none() {
            return Ok(known);
        }
    }
    check_offset(cx, &offset)?;
    let ty = cx.native_type("datetime.timezone");
    Ok(memory::new(cx, &ty, |head| TimeZone { head, offset: Guarded::new(offset), name: Guarded::new(name) })?.into_obj())
}

fn check_offset(cx: &mut Cx, offset: &Ref<Delta>) -> PyResult<()> {
    if offset.total().abs() < DAY_MICROS.into() {
        return Ok(());
    }
    let shown = protocol::repr_text(cx, offset.as_obj())?;
    Err(cx.value_error(format!("offset must be a timedelta strictly between -timedelta(hours=24) and timedelta(hours=24), not {shown}")))
}

/// `zone.utcoffset(when)` or `zone.dst(when)`: a length of less than a day, or nothing.
fn ask(cx: &mut Cx, zone: Option<&Obj>, method: &'static str, when: &Obj) -> PyResult<Option<Ref<Delta>>> {
    let Some(zone) = zone.filter(|z| !z.is_none()) else { return Ok(None) };
    if let Some(fixed) = zone.cast::<TimeZone>() {
        return Ok(if method == "utcoffset" { Some(fixed.offset.cloned(cx)) } else { None });
    }
    let answer = protocol::call_method(cx, zone, method, std::slice::from_ref(when))?;
    if answer.is_none() {
        return Ok(None);
    }
    let Some(offset) = answer.cast::<Delta>().cloned() else {
        return Err(cx.type_error(format!("tzinfo.{method}() must return None or timedelta, not '{}'", answer.ty().name_text())));
    };
    check_offset(cx, &offset)?;
    Ok(Some(offset))
}
pub fn utcoffset(cx: &mut Cx, zone: Option<&Obj>, when: &Obj) -> PyResult<Option<Ref<Delta>>> {
    ask(cx, zone, "utcoffset", when)
}
pub fn dst(cx: &mut Cx, zone: Option<&Obj>, when: &Obj) -> PyResult<Option<Ref<Delta>>> {
    ask(cx, zone, "dst", when)
}
/// `zone.tzname(when)`: a str or None.
pub fn tzname(cx: &mut Cx, zone: Option<&Obj>, when: &Obj) -> PyResult {
    let Some(zone) = zone.filter(|z| !z.is_none()) else { return Ok(cx.none()) };
    let answer = protocol::call_method(cx, zone, "tzname", std::slice::from_ref(when))?;
    if answer.is_none() || answer.cast::<Str>().is_some() {
        return Ok(answer);
    }
    Err(cx.type_error(format!("tzinfo.tzname() must return None or a string, not '{}'", answer.ty().name_text())))
}
/// An offset or None as an object.
pub fn shown(cx: &Cx, offset: Option<Ref<Delta>>) -> Obj {
    offset.map_or_else(|| cx.none(), Ref::into_obj)
}

fn must_implement(cx: &Cx, what: &str) -> Raised {
    cx.error_of(&cx.types.not_implemented_error, format!("a tzinfo subclass must implement {what}()"))
}

/// The datetime of this very zone that `fromutc` was given.
fn own_time(cx: &Cx, this: &Obj, o: &Obj) -> PyResult<Ref<DateTime>> {
    let Some(dt) = o.cast::<DateTime>() else { return Err(cx.type_error("fromutc: argument must be a datetime")) };
    if !dt.zone.get(cx).as_ref().is_some_and(|z| z.is(this)) {
        return Err(cx.value_error("fromutc: dt.tzinfo is not self"));
    }
    Ok(dt.clone())
}

#[retic_macros::methods]
impl TzInfo {
    /// The name of the zone at a datetime.
    #[py("tzname($self, object, /)")]
    fn tzname(cx: &mut Cx, _this: &Obj, _object: &Obj) -> PyResult {
        Err(must_implement(cx, "tzname"))
    }
    /// The offset from UTC at a datetime, as a timedelta; it is negative in the west.
    #[py("utcoffset($self, object, /)")]
    fn utcoffset(cx: &mut Cx, _this: &Obj, _object: &Obj) -> PyResult {
        Err(must_implement(cx, "utcoffset"))
    }
    /// How much of the offset is daylight saving time at a datetime.
    #[py("dst($self, object, /)")]
    fn dst(cx: &mut Cx, _this: &Obj, _object: &Obj) -> PyResult {
        Err(must_implement(cx, "dst"))
    }
    /// The local datetime of one that is read in UTC.
    #[py("fromutc($self, object, /)")]
    fn fromutc(cx: &mut Cx, this: &Obj, object: &Obj) -> PyResult {
        own_time(cx, this, object)?;
        let Some(offset) = utcoffset(cx, Some(this), object)? else { return Err(cx.value_error("fromutc: non-None utcoffset() result required")) };
        let Some(saved) = dst(cx, Some(this), object)? else { return Err(cx.value_error("fromutc: non-None dst() result required")) };
        let standard = moment::shifted(cx, object, offset.total() - saved.total())?;
        let Some(saved) = dst(cx, Some(this), &standard)? else {
            return Err(cx.value_error("fromutc: tz.dst() gave inconsistent results; cannot convert"));
        };
        if saved.is_zero() { Ok(standard) } else { moment::shifted(cx, &standard, saved.total()) }
    }
    /// What pickle writes: the class, the arguments that `__getinitargs__` names, and the state.
    #[py("__reduce__($self, /)")]
    fn reduce(cx: &mut Cx, this: &Obj) -> PyResult {
        let name = cx.name("__getinitargs__");
        let args = match protocol::lookup_attr(cx, this, &name)? {
            Some(f) => protocol::call(cx, &f, &[])?,
            None => cx.tuple(Vec::new())?,
        };
        let state = protocol::call_method(cx, this, "__getstate__", &[])?;
        cx.tuple_of([this.type_ref().into_obj(), args, state])
    }
}

/// Fixed zones ignore the datetime they are asked about, but it must be one.
fn check_when(cx: &Cx, o: &Obj, method: &str) -> PyResult<()> {
    if o.is_none() || o.cast::<DateTime>().is_some() {
        return Ok(());
    }
    Err(cx.type_error(format!("{method}(dt) argument must be a datetime instance or None, not {}", o.ty().name_text())))
}

fn name_of(cx: &mut Cx, this: &Ref<TimeZone>) -> PyResult {
    if let Some(name) = this.name.cloned(cx) {
        return Ok(name);
    }
    let micros = this.offset.get(cx).total() as i64;
    if micros == 0 {
        return cx.str("UTC");
    }
    cx.str(&format!("UTC{}", text::offset(micros, ":")))
}

#[retic_macros::methods]
impl TimeZone {
    /// The name that was given, or `UTC` with the offset.
    #[py("tzname($self, object, /)")]
    fn tzname(cx: &mut Cx, this: &Ref<TimeZone>, object: &Obj) -> PyResult {
        check_when(cx, object, "tzname")?;
        name_of(cx, this)
    }
    /// The offset.
    #[py("utcoffset($self, object, /)")]
    fn utcoffset(cx: &mut Cx, this: &Ref<TimeZone>, object: &Obj) -> PyResult<Ref<Delta>> {
        check_when(cx, object, "utcoffset")?;
        Ok(this.offset.cloned(cx))
    }
    /// None: a fixed zone knows no daylight saving time.
    #[py("dst($self, object, /)")]
    fn dst(cx: &mut Cx, _this: &Ref<TimeZone>, object: &Obj) -> PyResult<()> {
        check_when(cx, object, "dst")
    }
    /// The local datetime of one that is read in UTC.
    #[py("fromutc($self, object, /)")]
    fn fromutc(cx: &mut Cx, this: &Ref<TimeZone>, object: &Obj) -> PyResult {
        own_time(cx, this.as_obj(), object)?;
        let offset = this.offset.get(cx).total();
        moment::shifted(cx, object, offset)
    }
    /// The arguments that make this zone, for pickle.
    #[py("__getinitargs__($self, /)")]
    fn getinitargs(cx: &mut Cx, this: &Ref<TimeZone>) -> PyResult {
        let offset = this.offset.cloned(cx).into_obj();
        let args = std::iter::once(offset).chain(this.name.cloned(cx)).collect();
        cx.tuple(args)
    }
}

const PARAMS: Params = Params { function: "timezone", names: &["offset", "name"], required: 1, positional: 2 };

pub fn tzinfo_spec() -> Spec {
    Spec {
        doc: "What time zones derive from: they implement utcoffset(), dst() and tzname().",
        flags: flags::BASE,
        slots: Slots { new: Some(|cx, ty, _| Ok(memory::new(cx, ty, |head| TzInfo { head })?.into_obj())), ..Slots::EMPTY },
        methods: TzInfo::METHODS,
        ..Spec::new::<TzInfo>("datetime.tzinfo")
    }
}

fn of(o: &Obj) -> Ref<TimeZone> {
    o.cast::<TimeZone>().cloned().expect("slots of timezone are reached through timezones")
}

pub fn timezone_spec() -> Spec {
    Spec {
        doc: "A zone with a fixed offset from UTC.",
        slots: Slots {
            new: Some(|cx, _, args| {
                let (mut offset, mut name) = (None, None);
                bind(cx, &PARAMS, &args, |cx, i, value| {
                    let wanted = if i == 0 { "datetime.timedelta" } else { "str" };
                    match (i, value.cast::<Delta>(), value.cast::<Str>()) {
                        (0, Some(d), _) => offset = Some(d.clone()),
                        (1, _, Some(_)) => name = Some(value.clone()),
                        _ => return Err(cx.type_error(format!("timezone() argument {} must be {wanted}, not {}", i + 1, value.ty().name_text()))),
                    }
                    Ok(())
                })?;
                of_delta(cx, offset.expect("required"), name)
            }),
            repr: Some(|cx, o| {
                if is_utc(cx, o) {
                    return cx.str("datetime.timezone.utc");
                }
                let zone = of(o);
                let (offset, name) = (zone.offset.cloned(cx).into_obj(), zone.name.cloned(cx));
                let mut inner = protocol::repr_text(cx, &offset)?;
                if let Some(name) = name {
                    inner += ", ";
                    inner += &protocol::repr_text(cx, &name)?;
                }
                cx.str(&format!("{}({inner})", o.ty().name_text()))
            }),
            str: Some(|cx, o| name_of(cx, &of(o))),
            hash: Some(|cx, o| {
                let offset = of(o).offset.cloned(cx);
                delta::hash(cx, &offset)
            }),
            richcompare: Some(|cx, a, b, op| match (a.cast::<TimeZone>(), b.cast::<TimeZone>()) {
                (Some(a), Some(b)) if matches!(op, Cmp::Eq | Cmp::Ne) => Ok(cx.bool(op.of(a.offset.get(cx).key(), b.offset.get(cx).key()))),
                _ => Ok(cx.not_implemented()),
            }),
            ..Slots::EMPTY
        },
        methods: TimeZone::METHODS,
        ..Spec::new::<TimeZone>("datetime.timezone")
    }
}
