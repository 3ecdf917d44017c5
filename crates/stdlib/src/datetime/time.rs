//! `time`: a time of day.

use super::calendar::Clock;
use super::delta::Delta;
use super::{Params, bind, c_int, check_time, check_tzinfo, delta, field, hash_bytes, ints, is_naive, is_own, iso, state_bytes, strptime, text, zone};
use retic_runtime::object::Guarded;
use retic_runtime::types::type_::{Cmp, flags};
use retic_runtime::types::{Bytes, Slots, Spec, Str, Type};
use retic_runtime::{Args, Cx, Obj, PyResult, Ref, layout, memory, protocol};
use std::cell::Cell;

layout! {
    /// A time of day, in a zone or naive. `hash` is -1 until it is asked for.
    pub struct Time = 316, "datetime.time" { hash: Cell<i64>, clock: Cell<Clock>, zone: Guarded<Option<Obj>>, }
}

pub fn new(cx: &mut Cx, ty: &Ref<Type>, clock: Clock, zone: Option<Obj>) -> PyResult {
    Ok(memory::new(cx, ty, |head| Time { head, hash: Cell::new(-1), clock: Cell::new(clock), zone: Guarded::new(zone) })?.into_obj())
}

/// A time of a class: what is derived is made by a call, and gets its fold afterwards.
fn of_class(cx: &mut Cx, class: &Ref<Type>, clock: Clock, zone: Option<Obj>) -> PyResult {
    if is_own(cx, class, "datetime.time") {
        return new(cx, class, clock, zone);
    }
    let mut args = ints(cx, [clock.hour.into(), clock.minute.into(), clock.second.into(), clock.micro.into()])?;
    args.push(zone.unwrap_or_else(|| cx.none()));
    let made = protocol::call(cx, class.as_obj(), &args)?;
    if clock.fold == 1
        && let Some(t) = made.cast::<Time>()
    {
        t.clock.set(Clock { fold: 1, ..t.clock.get() });
    }
    Ok(made)
}

impl Time {
    /// What the time's zone says without a date.
    pub fn utcoffset_now(&self, cx: &mut Cx) -> PyResult<Option<Ref<Delta>>> {
        let (zone, none) = (self.zone.cloned(cx), cx.none());
        zone::utcoffset(cx, zone.as_ref(), &none)
    }
    /// Microseconds since midnight in UTC.
    fn in_utc(&self, offset: &Delta) -> i128 {
        i128::from(self.clock.get().micros()) - offset.total()
    }
}

const PARAMS: Params = Params { function: "", names: &["hour", "minute", "second", "microsecond", "tzinfo", "fold"], required: 0, positional: 5 };

fn make(cx: &mut Cx, ty: &Ref<Type>, args: Args<'_>) -> PyResult {
    if let [state, rest @ ..] = args.positional()
        && rest.len() < 2
        && args.keywords().len() == 0
        && let Some(mut b) = state_bytes(state, 6)
    {
        let fold = b[0] & 0x80 != 0;
        b[0] &= 0x7f;
        if let Some(clock) = Clock::of_bytes(&b, fold) {
            let zone = state_zone(cx, rest.first())?;
            return new(cx, ty, clock, zone);
        }
    }
    let (mut n, mut zone) = ([0; 6], None);
    bind(cx, &PARAMS, &args, |cx, i, value| {
        match i {
            4 => zone = Some(value),
            _ => n[i] = c_int(cx, value)?,
        }
        Ok(())
    })?;
    let zone = check_tzinfo(cx, zone)?;
    let clock = check_time(cx, [n[0], n[1], n[2], n[3]], n[5])?;
    new(cx, ty, clock, zone)
}

/// The zone of a pickled state.
pub fn state_zone(cx: &Cx, zone: Option<&Obj>) -> PyResult<Option<Obj>> {
    match zone {
        Some(z) if !z.is_none() && !super::is_tzinfo(z) => Err(cx.type_error("bad tzinfo state arg")),
        z => Ok(z.filter(|z| !z.is_none()).cloned()),
    }
}

fn of(o: &Obj) -> Ref<Time> {
    o.cast::<Time>().cloned().expect("slots of time are reached through times")
}

fn richcompare(cx: &mut Cx, a: &Obj, b: &Obj, op: Cmp) -> PyResult {
    let (Some(a), Some(b)) = (a.cast::<Time>().cloned(), b.cast::<Time>().cloned()) else { return Ok(cx.not_implemented()) };
    let (za, zb) = (a.zone.cloned(cx), b.zone.cloned(cx));
    let same = is_naive(&za) && is_naive(&zb) || matches!((&za, &zb), (Some(x), Some(y)) if x.is(y));
    if !same {
        let (oa, ob) = (a.utcoffset_now(cx)?, b.utcoffset_now(cx)?);
        match (&oa, &ob) {
            (Some(oa), Some(ob)) => return Ok(cx.bool(op.of(a.in_utc(oa), b.in_utc(ob)))),
            (None, None) => {}
            _ if op == Cmp::Eq => return Ok(cx.bool(false)),
            _ if op == Cmp::Ne => return Ok(cx.bool(true)),
            _ => return Err(cx.type_error("can't compare offset-naive and offset-aware times")),
        }
    }
    Ok(cx.bool(op.of(a.clock.get().key(), b.clock.get().key())))
}

fn hash(cx: &mut Cx, o: &Obj) -> PyResult<i64> {
    let t = of(o);
    if t.hash.get() == -1 {
        // The fold takes no part: the zone is asked without it.
        let clock = Clock { fold: 0, ..t.clock.get() };
        let offset = if t.clock.get().fold == 0 {
            t.utcoffset_now(cx)?
        } else {
            let (ty, zone) = (o.type_ref(), t.zone.cloned(cx));
            let plain = of_class(cx, &ty, clock, zone)?;
            match plain.cast::<Time>().cloned() {
                Some(plain) => plain.utcoffset_now(cx)?,
                None => None,
            }
        };
        let h = match offset {
            None => hash_bytes(cx, &clock.bytes())?,
            Some(offset) => {
                let utc = delta::new(cx, t.in_utc(&offset))?;
                delta::hash(cx, &utc)?
            }
        };
        t.hash.set(h);
    }
    Ok(t.hash.get())
}

fn repr(cx: &mut Cx, o: &Obj) -> PyResult {
    let t = of(o);
    let (h, m, s, us) = t.clock.get().key();
    let mut out = format!("{}({h}, {m}", o.ty().name_text());
    if us != 0 {
        out += &format!(", {s}, {us}");
    } else if s != 0 {
        out += &format!(", {s}");
    }
    if let Some(zone) = t.zone.cloned(cx) {
        out += ", tzinfo=";
        out += &protocol::repr_text(cx, &zone)?;
    }
    if t.clock.get().fold == 1 {
        out += ", fold=1";
    }
    out.push(')');
    cx.str(&out)
}

/// The state that pickles hold; a fold is the highest bit of the hour from protocol 4 on.
fn reduced(cx: &mut Cx, this: &Ref<Time>, protocol: i64) -> PyResult {
    let clock = this.clock.get();
    let mut b = clock.bytes();
    if protocol > 3 && clock.fold == 1 {
        b[0] |= 0x80;
    }
    let mut state = vec![Bytes::from_slice(cx, &b)?];
    state.extend(this.zone.cloned(cx));
    let state = cx.tuple(state)?;
    cx.tuple_of([this.as_obj().type_ref().into_obj(), state])
}

/// A clock with some of its fields replaced.
pub fn replaced(cx: &mut Cx, c: Clock, given: [Option<&Obj>; 4], fold: Option<&Obj>) -> PyResult<Clock> {
    let mut parts = [c.hour.into(), c.minute.into(), c.second.into(), c.micro.into()];
    for (part, given) in parts.iter_mut().zip(given) {
        *part = field(cx, given, *part)?;
    }
    let fold = field(cx, fold, c.fold.into())?;
    check_time(cx, parts, fold)
}
/// The zone that `replace` is given: none given is the old one, and None takes it away.
pub fn replaced_zone(cx: &Cx, given: Option<&Obj>, now: Option<Obj>) -> PyResult<Option<Obj>> {
    if given.is_none() { Ok(now) } else { check_tzinfo(cx, given) }
}

/// Reads a time and its zone. The flag says that it is midnight at the end of the day.
pub fn from_iso(cx: &mut Cx, whole: &Obj, points: &[u32]) -> PyResult<([i64; 4], Option<Obj>, bool)> {
    let Ok(mut read) = iso::time(points) else { return Err(text::not_iso(cx, whole)) };
    let end_of_day = read.parts[0] == 24;
    if end_of_day {
        if read.parts[1..] != [0, 0, 0] {
            return Err(cx.value_error("minute, second, and microsecond must be 0 when hour is 24"));
        }
        read.parts[0] = 0;
    }
    let zone = match read.offset {
        Some(micros) => Some(zone::new(cx, micros, None)?),
        None => None,
    };
    Ok((read.parts, zone, end_of_day))
}

#[retic_macros::methods]
impl Time {
    /// The time of a text in a format of ISO 8601.
    #[py("fromisoformat($type, object, /)")]
    fn fromisoformat(cx: &mut Cx, class: &Ref<Type>, object: &Obj) -> PyResult {
        let Some(s) = object.cast::<Str>() else { return Err(cx.type_error("fromisoformat: argument must be str")) };
        let points = s.code_points();
        let rest = points.strip_prefix(&[u32::from(b'T')]).unwrap_or(&points);
        let (parts, zone, _) = from_iso(cx, object, rest)?;
        let clock = check_time(cx, parts, 0)?;
        of_class(cx, class, clock, zone)
    }
    /// The time of a text in a format of time.strptime().
    #[py("strptime($type, string, format, /)", "")]
    fn strptime(cx: &mut Cx, class: &Obj, string: &Ref<Str>, format: &Ref<Str>) -> PyResult {
        strptime(cx, "_strptime_datetime_time", class, string.as_obj(), format.as_obj())
    }
    /// The text of ISO 8601: `HH:MM:SS`, microseconds unless they are 0, and the offset of the zone.
    ///
    /// timespec says which parts to write: 'auto', 'hours', 'minutes', 'seconds', 'milliseconds' or 'microseconds'.
    #[py("isoformat($self, /, timespec='auto')", "")]
    fn isoformat(cx: &mut Cx, this: &Ref<Time>, timespec: Option<&Ref<Str>>) -> PyResult {
        let spec = timespec.map(|t| t.to_text(cx));
        let mut out = text::clock(cx, this.clock.get(), spec.as_deref())?;
        let offset = this.utcoffset_now(cx)?;
        out += &text::offset_of(offset.as_ref(), ":");
        cx.str(&out)
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
    /// What the zone says of its offset from UTC, without a date.
    #[py("utcoffset($self, /)")]
    fn utcoffset(cx: &mut Cx, this: &Ref<Time>) -> PyResult {
        let offset = this.utcoffset_now(cx)?;
        Ok(zone::shown(cx, offset))
    }
    /// What the zone says of its name, without a date.
    #[py("tzname($self, /)")]
    fn tzname(cx: &mut Cx, this: &Ref<Time>) -> PyResult {
        let (zone, none) = (this.zone.cloned(cx), cx.none());
        zone::tzname(cx, zone.as_ref(), &none)
    }
    /// What the zone says of daylight saving time, without a date.
    #[py("dst($self, /)")]
    fn dst(cx: &mut Cx, this: &Ref<Time>) -> PyResult {
        let (zone, none) = (this.zone.cloned(cx), cx.none());
        let saved = zone::dst(cx, zone.as_ref(), &none)?;
        Ok(zone::shown(cx, saved))
    }
    /// The time with the fields that are given replaced.
    #[py("replace($self, /, hour=unchanged, minute=unchanged, second=unchanged, microsecond=unchanged, tzinfo=unchanged, *, fold=unchanged)")]
    fn replace(
        cx: &mut Cx,
        this: &Ref<Time>,
        hour: Option<&Obj>,
        minute: Option<&Obj>,
        second: Option<&Obj>,
        microsecond: Option<&Obj>,
        tzinfo: Option<&Obj>,
        fold: Option<&Obj>,
    ) -> PyResult {
        let clock = replaced(cx, this.clock.get(), [hour, minute, second, microsecond], fold)?;
        let zone = replaced_zone(cx, tzinfo, this.zone.cloned(cx))?;
        of_class(cx, &this.as_obj().type_ref(), clock, zone)
    }
    /// What copy.replace() calls: replace().
    #[py("__replace__($self, /, hour=unchanged, minute=unchanged, second=unchanged, microsecond=unchanged, tzinfo=unchanged, *, fold=unchanged)", "($self, /, **changes)")]
    fn dunder_replace(
        cx: &mut Cx,
        this: &Ref<Time>,
        hour: Option<&Obj>,
        minute: Option<&Obj>,
        second: Option<&Obj>,
        microsecond: Option<&Obj>,
        tzinfo: Option<&Obj>,
        fold: Option<&Obj>,
    ) -> PyResult {
        Time::replace(cx, this, hour, minute, second, microsecond, tzinfo, fold)
    }
    /// What pickle writes: the class, and the time as six bytes, with the zone if there is one.
    #[py("__reduce_ex__($self, proto, /)", "")]
    fn reduce_ex(cx: &mut Cx, this: &Ref<Time>, proto: i64) -> PyResult {
        reduced(cx, this, proto)
    }
    /// The same for protocol 2.
    #[py("__reduce__($self, /)")]
    fn reduce(cx: &mut Cx, this: &Ref<Time>) -> PyResult {
        reduced(cx, this, 2)
    }
    #[get("hour")]
    fn hour(_: &mut Cx, this: &Ref<Time>) -> i64 {
        this.clock.get().hour.into()
    }
    #[get("minute")]
    fn minute(_: &mut Cx, this: &Ref<Time>) -> i64 {
        this.clock.get().minute.into()
    }
    #[get("second")]
    fn second(_: &mut Cx, this: &Ref<Time>) -> i64 {
        this.clock.get().second.into()
    }
    #[get("microsecond")]
    fn microsecond(_: &mut Cx, this: &Ref<Time>) -> i64 {
        this.clock.get().micro.into()
    }
    #[get("tzinfo")]
    fn tzinfo(cx: &mut Cx, this: &Ref<Time>) -> Option<Obj> {
        this.zone.cloned(cx)
    }
    #[get("fold")]
    fn fold(_: &mut Cx, this: &Ref<Time>) -> i64 {
        this.clock.get().fold.into()
    }
}

pub fn spec() -> Spec {
    Spec {
        doc: "time([hour[, minute[, second[, microsecond[, tzinfo]]]]], *, fold=0)\n\n\
              A time of day, in a time zone (an instance of a class derived from tzinfo)\nor naive.",
        flags: flags::BASE,
        slots: Slots { new: Some(make), repr: Some(repr), str: Some(text::str), hash: Some(hash), richcompare: Some(richcompare), ..Slots::EMPTY },
        methods: Time::METHODS,
        getset: Time::GETSET,
        ..Spec::new::<Time>("datetime.time")
    }
}
