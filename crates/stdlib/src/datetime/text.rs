//! The texts of dates and times: ISO 8601, `strftime`, and the tuples that `time` shows.

use super::calendar::{Clock, MIDNIGHT, Ymd};
use super::date;
use super::delta::Delta;
use super::moment::DateTime;
use super::time::Time;
use super::{day_of, ints};
use crate::time::calendar::{self as clock_text, Moment};
use retic_runtime::types::Str;
use retic_runtime::types::str::builder::Text;
use retic_runtime::{Cx, Obj, PyResult, Raised, Ref, protocol};

/// `YYYY-MM-DD`.
pub fn day(d: Ymd) -> String {
    format!("{:04}-{:02}-{:02}", d.year, d.month, d.day)
}

/// A time in the precision that `timespec` names.
pub fn clock(cx: &Cx, c: Clock, timespec: Option<&str>) -> PyResult<String> {
    let (h, m, s, us) = c.key();
    let spec = match timespec {
        None | Some("auto") if us == 0 => "seconds",
        None | Some("auto") => "microseconds",
        Some(t) => t,
    };
    Ok(match spec {
        "hours" => format!("{h:02}"),
        "minutes" => format!("{h:02}:{m:02}"),
        "seconds" => format!("{h:02}:{m:02}:{s:02}"),
        "milliseconds" => format!("{h:02}:{m:02}:{s:02}.{:03}", us / 1000),
        "microseconds" => format!("{h:02}:{m:02}:{s:02}.{us:06}"),
        _ => return Err(cx.value_error("Unknown timespec value")),
    })
}

/// An offset from UTC: sign, hours, minutes, and what else there is of it, parted by `sep`.
pub fn offset(micros: i64, sep: &str) -> String {
    let sign = if micros < 0 { '-' } else { '+' };
    let (s, us) = (micros.abs() / 1_000_000, micros.abs() % 1_000_000);
    let mut out = format!("{sign}{:02}{sep}{:02}", s / 3600, s / 60 % 60);
    if s % 60 != 0 || us != 0 {
        out += &format!("{sep}{:02}", s % 60);
    }
    if us != 0 {
        out += &format!(".{us:06}");
    }
    out
}
/// The same of what a zone answered; nothing without an answer.
pub fn offset_of(offset_from_utc: Option<&Ref<Delta>>, sep: &str) -> String {
    offset_from_utc.map_or_else(String::new, |d| offset(d.total() as i64, sep))
}

pub fn not_iso(cx: &mut Cx, text: &Obj) -> Raised {
    match protocol::repr_text(cx, text) {
        Ok(shown) => cx.value_error(format!("Invalid isoformat string: {shown}")),
        Err(raised) => raised,
    }
}

/// The day and time of a date, time or datetime; a time alone is one of 1900-01-01.
fn parts(o: &Obj) -> (Ymd, Clock) {
    let day = day_of(o).unwrap_or(Ymd { year: 1900, month: 1, day: 1 });
    let clock = o.cast::<DateTime>().map(|d| d.clock.get()).or_else(|| o.cast::<Time>().map(|t| t.clock.get()));
    (day, clock.unwrap_or(MIDNIGHT))
}

/// A date or time as `time`'s formatter takes it.
pub fn moment(_cx: &Cx, o: &Obj) -> PyResult<Moment> {
    let (day, c) = parts(o);
    Ok(Moment {
        year: day.year.into(),
        month: day.month.into(),
        day: day.day.into(),
        hour: c.hour.into(),
        minute: c.minute.into(),
        second: c.second.into(),
        wday: day.weekday(),
        yday: day.day_of_year(),
        isdst: -1,
        zone: String::new(),
        offset: 0,
    })
}

/// `time.struct_time` of a day and time.
pub fn struct_time(cx: &mut Cx, day: Ymd, c: Clock, dst: i64) -> PyResult {
    let m = retic_runtime::modules::import(cx, "time")?;
    let items = ints(cx, [day.year.into(), day.month.into(), day.day.into(), c.hour.into(), c.minute.into(), c.second.into(), day.weekday(), day.day_of_year(), dst])?;
    let items = cx.tuple(items)?;
    protocol::call_method(cx, &m, "struct_time", &[items])
}

/// The answer of the object's own zone.
fn utcoffset(cx: &mut Cx, o: &Obj) -> PyResult<Option<Ref<Delta>>> {
    match (o.cast::<DateTime>().cloned(), o.cast::<Time>().cloned()) {
        (Some(d), _) => super::moment::utcoffset(cx, &d),
        (_, Some(t)) => t.utcoffset_now(cx),
        _ => Ok(None),
    }
}
fn tzname(cx: &mut Cx, o: &Obj) -> PyResult {
    match (o.cast::<DateTime>().cloned(), o.cast::<Time>().cloned()) {
        (Some(d), _) => super::zone::tzname(cx, d.zone.cloned(cx).as_ref(), o),
        (_, Some(t)) => {
            let none = cx.none();
            super::zone::tzname(cx, t.zone.cloned(cx).as_ref(), &none)
        }
        _ => Ok(cx.none()),
    }
}

/// A zone's name of a class derived from str, whose method `replace` doubles the percent signs.
fn derived_name(cx: &mut Cx, name: &Obj, moment: &Moment) -> PyResult<String> {
    let (one, two) = (cx.str("%")?, cx.str("%%")?);
    let doubled = protocol::call_method(cx, name, "replace", &[one, two])?;
    match doubled.cast::<Str>() {
        Some(s) => {
            let format = s.to_text(cx);
            Ok(clock_text::format(moment, &format, &mut |item| crate::locale::date_text(cx, item)))
        }
        None => Err(cx.type_error("tzname.replace() did not return a string")),
    }
}

/// The end of the directive that begins behind a `%`: flags, width and modifiers, then one character.
fn directive_end(s: &[u32], mut at: usize) -> usize {
    let any = |at: usize, set: &str| s.get(at).and_then(|c| char::from_u32(*c)).is_some_and(|c| set.contains(c));
    while any(at, "-_0^#") {
        at += 1;
    }
    while any(at, "0123456789") {
        at += 1;
    }
    while any(at, "EO") {
        at += 1;
    }
    (at + 1).min(s.len())
}

/// `strftime`. `%f`, `%z`, `%:z` and `%Z` come from the object; years have four digits.
pub fn strftime(cx: &mut Cx, o: &Obj, format: &Ref<Str>) -> PyResult {
    let moment = moment(cx, o)?;
    let (day, c) = parts(o);
    let points = format.code_points();
    let mut out = Text::with_capacity(points.len());
    let mut at = 0;
    while at < points.len() {
        if points[at] != '%' as u32 {
            out.push(points[at]);
            at += 1;
            continue;
        }
        let colon = points.get(at + 1) == Some(&(':' as u32)) && points.get(at + 2) == Some(&('z' as u32));
        let end = if colon { at + 3 } else { directive_end(&points, at + 1) };
        let raw: Option<String> = points[at..end].iter().map(|p| char::from_u32(*p)).collect();
        match raw.as_deref() {
            Some("%f") => out.rust(&format!("{:06}", c.micro)),
            Some("%z") => {
                let offset = utcoffset(cx, o)?;
                out.rust(&offset_of(offset.as_ref(), ""));
            }
            Some("%:z") => {
                let offset = utcoffset(cx, o)?;
                out.rust(&offset_of(offset.as_ref(), ":"));
            }
            Some("%Z") => {
                let name = tzname(cx, o)?;
                match name.cast::<Str>() {
                    Some(s) if name.type_ref().as_obj().is(cx.types.str.as_obj()) => out.str(s),
                    Some(_) => out.rust(&derived_name(cx, &name, &moment)?),
                    None => {}
                }
            }
            Some("%Y") => out.rust(&format!("{:04}", day.year)),
            Some("%G") => out.rust(&format!("{:04}", day.iso().0)),
            Some("%C") => out.rust(&format!("{:02}", day.year / 100)),
            Some("%F") => out.rust(&self::day(day)),
            Some(raw) => out.rust(&clock_text::format(&moment, raw, &mut |item| crate::locale::date_text(cx, item))),
            None => points[at..end].iter().for_each(|p| out.push(*p)),
        }
        at = end;
    }
    out.finish(cx)
}

/// `__format__`: by the methods, which may be a derived class's.
pub fn format(cx: &mut Cx, o: &Obj, format: &Ref<Str>) -> PyResult {
    if format.is_empty() { protocol::str(cx, o) } else { protocol::call_method(cx, o, "strftime", &[format.as_obj().clone()]) }
}

/// `str()`: the ISO text, by the method.
pub fn str(cx: &mut Cx, o: &Obj) -> PyResult {
    date::str(cx, o)
}
