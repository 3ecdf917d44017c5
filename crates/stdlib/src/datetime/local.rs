//! The host's zone: what its clocks show at a moment, and which moment they show (PEP 495).

use super::calendar::{self, Clock, Ymd};
use super::{year_error, zone};
use retic_runtime::types::{Float, exception, int};
use retic_runtime::{Cx, Obj, PyResult, Raised, protocol};

const DAY: i64 = 86_400;

fn out_of_range(cx: &Cx) -> Raised {
    cx.overflow_error("timestamp out of range for platform time_t")
}
/// What the C library says of a moment whose year no `int` holds.
fn no_such_year(cx: &mut Cx) -> Raised {
    const EOVERFLOW: i32 = 75;
    exception::raise_os(cx, &std::io::Error::from_raw_os_error(EOVERFLOW), None, None)
}
fn nan(cx: &Cx) -> Raised {
    cx.value_error("Invalid value NaN (not a number)")
}

/// Whole seconds of a timestamp, rounded down.
pub fn floor_seconds(cx: &mut Cx, o: &Obj) -> PyResult<i64> {
    if let Some(f) = o.cast::<Float>().map(|f| f.value.get()) {
        if f.is_nan() {
            return Err(nan(cx));
        }
        let f = f.floor();
        return if (-9.2e18..9.2e18).contains(&f) { Ok(f as i64) } else { Err(out_of_range(cx)) };
    }
    let n = protocol::index(cx, o)?;
    int::to_i64(&n).ok_or_else(|| out_of_range(cx))
}

/// Seconds and microseconds of a timestamp, rounded to the nearest, halves to even.
pub fn seconds_and_micros(cx: &mut Cx, o: &Obj) -> PyResult<(i64, u32)> {
    if let Some(f) = o.cast::<Float>().map(|f| f.value.get()) {
        if f.is_nan() {
            return Err(nan(cx));
        }
        let mut whole = f.trunc();
        let mut micros = ((f - whole) * 1e6).round_ties_even();
        if micros >= 1e6 {
            micros -= 1e6;
            whole += 1.0;
        } else if micros < 0.0 {
            micros += 1e6;
            whole -= 1.0;
        }
        return if (-9.2e18..9.2e18).contains(&whole) { Ok((whole as i64, micros as u32)) } else { Err(out_of_range(cx)) };
    }
    if o.ty().slots(cx).index.is_none() {
        return Err(cx.type_error(format!("argument must be int or float, not {}", o.ty().name_text())));
    }
    Ok((floor_seconds(cx, o)?, 0))
}

/// The day and time that lie so many seconds after the Epoch on a clock.
pub fn on_clock(cx: &mut Cx, seconds: i64) -> PyResult<(Ymd, Clock)> {
    let (days, rest) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
    let ordinal = days.saturating_add(calendar::EPOCH);
    if !(1..=calendar::MAX_ORDINAL).contains(&ordinal) {
        // The year that the complaint names: four hundred years have 146,097 days.
        if ordinal.abs() > i64::from(i32::MAX) * 365 {
            return Err(no_such_year(cx));
        }
        let (eras, within) = ((ordinal - 1).div_euclid(146_097), (ordinal - 1).rem_euclid(146_097) + 1);
        return Err(year_error(cx, i64::from(Ymd::of_ordinal(within).year) + eras * 400));
    }
    Ok((Ymd::of_ordinal(ordinal), Clock::of_micros(rest * 1_000_000)))
}

/// Seconds between the Epoch and a day and time, both read on one clock.
pub fn seconds_of(day: Ymd, clock: Clock) -> i64 {
    (day.ordinal() - calendar::EPOCH) * DAY + clock.seconds()
}

/// Seconds since the Epoch as local clocks show them `seconds` after the Epoch.
fn local(cx: &mut Cx, seconds: i64) -> PyResult<i64> {
    let (offset, ..) = cx.host.local_offset(seconds);
    let shown = seconds + offset;
    on_clock(cx, shown)?;
    Ok(shown)
}

/// What local clocks show, with the fold that says which of two equal readings it is.
pub fn shown(cx: &mut Cx, seconds: i64) -> PyResult<(Ymd, Clock)> {
    if seconds.unsigned_abs() > 1 << 56 {
        return Err(no_such_year(cx));
    }
    let (offset, ..) = cx.host.local_offset(seconds);
    let shown = seconds + offset;
    let (day, mut clock) = on_clock(cx, shown)?;
    // The clocks were turned back less than a day ago, and showed the same then.
    let before = cx.host.local_offset(seconds - DAY).0;
    let turned = offset - before;
    if turned < 0 && seconds + turned + cx.host.local_offset(seconds + turned).0 == shown {
        clock.fold = 1;
    }
    Ok((day, clock))
}

/// The moment (seconds since the Epoch) at which local clocks show a day and time. A time that was shown twice is meant as its
/// fold says; one that was skipped is placed as if the clocks had (fold 0) or had not yet (fold 1) been turned.
pub fn moment_of(cx: &mut Cx, day: Ymd, clock: Clock) -> PyResult<i64> {
    let t = seconds_of(day, clock);
    let a = local(cx, t)? - t;
    let u1 = t - a;
    let t1 = local(cx, u1)?;
    let b = if t1 == t {
        // One solution; there may be an earlier or later one.
        let u2 = if clock.fold == 1 { u1 + DAY } else { u1 - DAY };
        let b = local(cx, u2)? - u2;
        if a == b {
            return Ok(u1);
        }
        b
    } else {
        t1 - u1
    };
    let u2 = t - b;
    if local(cx, u2)? == t {
        return Ok(u2);
    }
    if t1 == t {
        return Ok(u1);
    }
    Ok(if clock.fold == 1 { u1.min(u2) } else { u1.max(u2) })
}

/// The host's zone when its clocks show a day and time. In a gap fold 0 means the zone before it, fold 1 the one behind it.
pub fn zone_of(cx: &mut Cx, day: Ymd, clock: Clock) -> PyResult {
    let seconds = moment_of(cx, day, clock)?;
    let other = moment_of(cx, day, Clock { fold: 1 - clock.fold, ..clock })?;
    let gap = other != seconds && (other > seconds) == (clock.fold == 1);
    zone_at(cx, if gap { other } else { seconds })
}

/// A fixed zone with the offset and name of the host's zone at a moment.
pub fn zone_at(cx: &mut Cx, seconds: i64) -> PyResult {
    let (offset, name, _) = cx.host.local_offset(seconds);
    let name = cx.str(&name)?;
    zone::new(cx, offset * 1_000_000, Some(name))
}
