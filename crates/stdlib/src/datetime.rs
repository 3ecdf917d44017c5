//! `_datetime`: dates, times of day, lengths of time and zones, in the sizes of CPython's objects (PEP 495 and its
//! predecessors; what they do is what Modules/_datetimemodule.c does).

mod calendar;
mod date;
mod delta;
mod iso;
mod local;
mod moment;
mod text;
mod time;
mod zone;

use crate::params::{Params, bind, c_int};
use calendar::{Clock, Ymd};
use date::Date;
use moment::DateTime;
use retic_runtime::types::{Type, module};
use retic_runtime::{Cx, Obj, PyResult, Raised, Ref, interp, protocol};
use zone::{TimeZone, TzInfo};

/// A field that `replace` may be given; `now` when it is not.
#[inline(always)]
fn field(cx: &mut Cx, given: Option<&Obj>, now: i64) -> PyResult<i64> {
    given.map_or(Ok(now), |o| given_field(cx, o))
}
fn given_field(cx: &mut Cx, o: &Obj) -> PyResult<i64> {
    retic_runtime::native::c_int(cx, o).map(i64::from)
}

fn year_error(cx: &Cx, year: i64) -> Raised {
    cx.value_error(format!("year must be in 1..9999, not {year}"))
}
fn check_date(cx: &Cx, year: i64, month: i64, day: i64) -> PyResult<Ymd> {
    if !(1..=calendar::MAX_YEAR).contains(&year) {
        return Err(year_error(cx, year));
    }
    if !(1..=12).contains(&month) {
        return Err(cx.value_error(format!("month must be in 1..12, not {month}")));
    }
    let last = calendar::days_in_month(year, month);
    if !(1..=last).contains(&day) {
        return Err(cx.value_error(format!("day {day} must be in range 1..{last} for month {month} in year {year}")));
    }
    Ok(Ymd { year: year as u16, month: month as u8, day: day as u8 })
}
fn check_time(cx: &Cx, [hour, minute, second, micro]: [i64; 4], fold: i64) -> PyResult<Clock> {
    for (name, value, most) in [("hour", hour, 23), ("minute", minute, 59), ("second", second, 59), ("microsecond", micro, 999_999)] {
        if !(0..=most).contains(&value) {
            return Err(cx.value_error(format!("{name} must be in 0..{most}, not {value}")));
        }
    }
    if fold != 0 && fold != 1 {
        return Err(cx.value_error(format!("fold must be either 0 or 1, not {fold}")));
    }
    Ok(Clock { hour: hour as u8, minute: minute as u8, second: second as u8, fold: fold as u8, micro: micro as u32 })
}

fn is_tzinfo(o: &Obj) -> bool {
    o.cast::<TzInfo>().is_some() || o.cast::<TimeZone>().is_some()
}
/// A zone argument: None and nothing are the same.
fn check_tzinfo(cx: &Cx, o: Option<&Obj>) -> PyResult<Option<Obj>> {
    match o.filter(|o| !o.is_none()) {
        None => Ok(None),
        Some(o) if is_tzinfo(o) => Ok(Some(o.clone())),
        Some(o) => Err(cx.type_error(format!("tzinfo argument must be None or of a tzinfo subclass, not type '{}'", o.ty().name_text()))),
    }
}
fn is_naive(zone: &Option<Obj>) -> bool {
    zone.as_ref().is_none_or(Obj::is_none)
}

/// The day of a date or datetime.
fn day_of(o: &Obj) -> Option<Ymd> {
    o.cast::<Date>().map(|d| d.day.get()).or_else(|| o.cast::<DateTime>().map(|d| d.day.get()))
}
/// The day of a method's receiver.
fn receiver_day(cx: &Cx, o: &Obj) -> PyResult<Ymd> {
    day_of(o).ok_or_else(|| cx.type_error(format!("descriptor requires a 'datetime.date' object but received a '{}'", o.ty().name_text())))
}

/// The hash of a state's bytes is that of the bytes object.
fn hash_bytes(cx: &mut Cx, b: &[u8]) -> PyResult<i64> {
    let b = retic_runtime::types::Bytes::from_slice(cx, b)?;
    protocol::hash(cx, &b)
}

/// The bytes of a pickled state: those of a bytes object, or of a text that an older pickle wrote as latin-1.
fn state_bytes(o: &Obj, size: usize) -> Option<Vec<u8>> {
    if let Some(b) = o.cast::<retic_runtime::types::Bytes>() {
        return (b.bytes().len() == size).then(|| b.bytes().to_vec());
    }
    let s = o.cast::<retic_runtime::types::Str>()?;
    if s.len() != size {
        return None;
    }
    s.code_points().into_iter().map(|c| u8::try_from(c).ok()).collect()
}

/// Whether a class is one of this module's own, and not derived from it.
fn is_own(cx: &Cx, class: &Ref<Type>, name: &'static str) -> bool {
    class.as_obj().is(cx.native_type(name).as_obj())
}

fn ints<const N: usize>(cx: &Cx, values: [i64; N]) -> PyResult<Vec<Obj>> {
    values.iter().map(|v| cx.int(*v)).collect()
}

/// What `_strptime` makes of a text, as `class`.
fn strptime(cx: &mut Cx, function: &'static str, class: &Obj, text: &Obj, format: &Obj) -> PyResult {
    let m = retic_runtime::modules::import::import(cx, "_strptime")?;
    protocol::call_method(cx, &m, function, &[class.clone(), text.clone(), format.clone()])
}

/// The types, made once for an interpreter: a module that is imported anew shows the same.
fn make_types(cx: &mut Cx, m: &Ref<module::Module>) -> PyResult<()> {
    let delta = m.add_type(cx, &delta::spec())?;
    let date = m.add_type(cx, &date::spec())?;
    let time = m.add_type(cx, &time::spec())?;
    let zone = m.add_type(cx, &zone::tzinfo_spec())?;
    let moment = interp::native_type(cx, &moment::spec(), &date)?;
    let fixed = interp::native_type(cx, &zone::timezone_spec(), &zone)?;
    date::make_iso_calendar(cx)?;
    let day = i128::from(calendar::DAY_MICROS);
    let micro = delta::new(cx, 1)?.into_obj();
    let (least, most, one_day) = (delta::new(cx, -999_999_999 * day)?, delta::new(cx, 1_000_000_000 * day - 1)?, delta::new(cx, day)?);
    let (first, last) = (Ymd::of_ordinal(1), Ymd::of_ordinal(calendar::MAX_ORDINAL));
    let end = Clock::of_micros(calendar::DAY_MICROS - 1);
    let furthest = calendar::DAY_MICROS - 60_000_000;
    let constants = [
        (&delta, [("min", least.into_obj()), ("max", most.into_obj()), ("resolution", micro.clone())]),
        (&date, [("min", date::new(cx, &date, first)?), ("max", date::new(cx, &date, last)?), ("resolution", one_day.into_obj())]),
        (&time, [("min", time::new(cx, &time, calendar::MIDNIGHT, None)?), ("max", time::new(cx, &time, end, None)?), ("resolution", micro.clone())]),
        (&moment, [("min", moment::new(cx, &moment, first, calendar::MIDNIGHT, None)?), ("max", moment::new(cx, &moment, last, end, None)?), ("resolution", micro)]),
        (&fixed, [("utc", zone::new(cx, 0, None)?), ("min", zone::new(cx, -furthest, None)?), ("max", zone::new(cx, furthest, None)?)]),
    ];
    for (ty, values) in constants {
        let dict = ty.dict.cloned(cx).expect("a type has a dict");
        for (name, value) in values {
            dict.set_str(cx, name, value)?;
        }
    }
    Ok(())
}

pub fn make(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "_datetime", "Dates, times of day, lengths of time and time zones.", &[])?;
    if cx.native_types.get("datetime.timezone").is_none() {
        make_types(cx, &m)?;
    }
    for (short, full) in [
        ("timedelta", "datetime.timedelta"),
        ("date", "datetime.date"),
        ("time", "datetime.time"),
        ("tzinfo", "datetime.tzinfo"),
        ("datetime", "datetime.datetime"),
        ("timezone", "datetime.timezone"),
    ] {
        let ty = cx.native_type(full).into_obj();
        m.set(cx, short, ty)?;
    }
    let utc = zone::utc(cx);
    m.set(cx, "UTC", utc)?;
    m.set_int(cx, "MINYEAR", 1)?;
    m.set_int(cx, "MAXYEAR", calendar::MAX_YEAR)?;
    Ok(m.into_obj())
}
