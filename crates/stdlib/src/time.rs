//! `time`: clocks, and the calendar in UTC and in the host's zone.

pub(crate) mod calendar;

use crate::posix::CInt;
use calendar::Moment;
use retic_runtime::host::Clock;
use retic_runtime::types::structseq::{self, Definition};
use retic_runtime::types::{Float, Str, Tuple, exception, int, module};
use retic_runtime::{Cx, Obj, PyResult, Raised, Ref, protocol};

static STRUCT_TIME: Definition = Definition {
    name: "time.struct_time",
    doc: "The time value as returned by gmtime(), localtime(), and strptime(), and\naccepted by asctime(), mktime() and strftime().",
    fields: &["tm_year", "tm_mon", "tm_mday", "tm_hour", "tm_min", "tm_sec", "tm_wday", "tm_yday", "tm_isdst", "tm_zone", "tm_gmtoff"],
    visible: 9,
};

fn struct_time(cx: &mut Cx, m: &Moment) -> PyResult {
    let mut v = Vec::with_capacity(11);
    for n in [m.year, m.month, m.day, m.hour, m.minute, m.second, m.wday, m.yday, m.isdst] {
        v.push(cx.int(n)?);
    }
    v.push(cx.str(&m.zone)?);
    v.push(cx.int(m.offset)?);
    let ty = cx.native_type("time.struct_time");
    structseq::new(cx, &ty, 9, v)
}

fn os_error(cx: &mut Cx, errno: i32) -> Raised {
    exception::raise_os(cx, &std::io::Error::from_raw_os_error(errno), None, None)
}

/// Whole seconds of a time argument; now when there is none.
fn seconds_of(cx: &mut Cx, when: Option<&Obj>) -> PyResult<i64> {
    let bad = |cx: &mut Cx| cx.overflow_error("timestamp out of range for platform time_t");
    let Some(o) = when.filter(|o| !o.is_none()) else { return Ok(cx.host.time().floor() as i64) };
    if let Some(f) = o.cast::<Float>() {
        let f = f.value.get();
        if f.is_nan() {
            return Err(cx.value_error("Invalid value NaN (not a number)"));
        }
        let f = f.floor();
        return if (-9.2e18..9.2e18).contains(&f) { Ok(f as i64) } else { Err(bad(cx)) };
    }
    let n = protocol::index(cx, o)?;
    int::to_i64(&n).ok_or_else(|| bad(cx))
}

/// Years the calendar reaches: those of a C `int`.
fn within(cx: &mut Cx, seconds: i64) -> PyResult<()> {
    if seconds.abs() > 67_768_036_191_676_799 {
        return Err(os_error(cx, 75));
    }
    Ok(())
}

fn local(cx: &mut Cx, seconds: i64) -> PyResult<Moment> {
    within(cx, seconds)?;
    let (offset, zone, dst) = cx.host.local_offset(seconds);
    Ok(Moment::at(seconds, offset, zone, dst))
}

/// The moment of a time tuple, as its numbers stand.
fn moment(cx: &mut Cx, o: &Obj, function: &str) -> PyResult<Moment> {
    let Some(t) = o.cast::<Tuple>() else { return Err(cx.type_error("Tuple or struct_time argument required")) };
    let items = t.items().to_vec();
    if items.len() != 9 {
        return Err(cx.type_error(format!("{function}(): illegal time tuple argument")));
    }
    let mut n = [0i64; 9];
    for (slot, o) in n.iter_mut().zip(&items) {
        *slot = crate::params::c_int(cx, o)?;
    }
    // C counts years from 1900.
    if n[0] < i64::from(i32::MIN) + 1900 {
        return Err(cx.overflow_error("year out of range"));
    }
    let (mut zone, mut offset) = (String::new(), 0);
    if o.type_ref().as_obj().is(cx.native_type("time.struct_time").as_obj()) {
        for (name, is_zone) in [("tm_zone", true), ("tm_gmtoff", false)] {
            let name = cx.name(name);
            if let Some(v) = protocol::lookup_attr(cx, o, &name)? {
                match v.cast::<Str>() {
                    Some(s) if is_zone => zone = s.to_text(cx),
                    _ => offset = int::to_i64(&v).unwrap_or(0),
                }
            }
        }
    }
    Ok(Moment { year: n[0], month: n[1], day: n[2], hour: n[3], minute: n[4], second: n[5], wday: n[6], yday: n[7], isdst: n[8], zone, offset })
}

/// The same, refused where a field is out of range; zero is the first of month, day and day of year.
fn checked(cx: &mut Cx, o: &Obj, function: &str) -> PyResult<Moment> {
    let mut m = moment(cx, o, function)?;
    for field in [&mut m.month, &mut m.day, &mut m.yday] {
        if *field == 0 {
            *field = 1;
        }
    }
    // C counts from Sunday and keeps the sign of a remainder: -1 is a Sunday, anything below is refused.
    let from_sunday = (m.wday + 1) % 7;
    m.wday = (from_sunday + 6) % 7;
    let ok = [
        ((1..=12).contains(&m.month), "month out of range"),
        ((1..=31).contains(&m.day), "day of month out of range"),
        ((0..=23).contains(&m.hour), "hour out of range"),
        ((0..=59).contains(&m.minute), "minute out of range"),
        ((0..=61).contains(&m.second), "seconds out of range"),
        (from_sunday >= 0, "day of week out of range"),
        ((1..=366).contains(&m.yday), "day of year out of range"),
    ];
    match ok.iter().find(|c| !c.0) {
        Some((_, text)) => Err(cx.value_error(text)),
        None => Ok(m),
    }
}

fn moment_or_now(cx: &mut Cx, t: Option<&Obj>, function: &str) -> PyResult<Moment> {
    match t.filter(|t| !t.is_none()) {
        Some(t) => checked(cx, t, function),
        None => {
            let now = seconds_of(cx, None)?;
            local(cx, now)
        }
    }
}

/// The number of a clock.
#[derive(Clone, Copy, Debug)]
pub struct ClockId(i32);
impl<'a> retic_runtime::native::FromArg<'a> for ClockId {
    fn from_arg(cx: &mut Cx, value: Option<&'a Obj>, name: &str) -> PyResult<Self> {
        let o = <&Obj>::from_arg(cx, value, name)?;
        match int::to_i64(o).and_then(|n| i32::try_from(n).ok()) {
            Some(n) => Ok(ClockId(n)),
            None => Err(cx.type_error(format!("clk_id should be integer, not {}", o.ty().name_text()))),
        }
    }
}
fn asked<T>(cx: &mut Cx, r: std::io::Result<T>) -> PyResult<T> {
    r.map_err(|e| exception::raise_os(cx, &e, None, None))
}

/// Sleeps; a signal's handler runs in between, and the rest of the time is slept then.
pub(crate) fn sleep_for(cx: &mut Cx, seconds: f64) -> PyResult<()> {
    let start = cx.host.monotonic();
    let mut left = seconds;
    loop {
        let sleep = cx.host.sleeper();
        cx.allow_threads(|| sleep(left));
        cx.poll_native()?;
        left = seconds - (cx.host.monotonic() - start);
        if left <= 0.0 {
            return Ok(());
        }
    }
}

#[retic_macros::methods]
mod functions {
    //! This module provides various functions to manipulate time values.
    use super::*;

    /// Return the current time in seconds since the Epoch.
    #[py("time()", "($self, /)")]
    pub fn time(cx: &mut Cx) -> f64 {
        cx.host.time()
    }
    /// Return the current time in nanoseconds since the Epoch.
    #[py("time_ns()", "($self, /)")]
    pub fn time_ns(cx: &mut Cx) -> i64 {
        cx.host.clock_ns(Clock::Realtime) as i64
    }
    /// Performance counter for benchmarking.
    #[py("perf_counter()", "($self, /)")]
    pub fn perf_counter(cx: &mut Cx) -> f64 {
        cx.host.monotonic()
    }
    /// Performance counter for benchmarking as nanoseconds.
    #[py("perf_counter_ns()", "($self, /)")]
    pub fn perf_counter_ns(cx: &mut Cx) -> i64 {
        cx.host.clock_ns(Clock::Monotonic) as i64
    }
    /// Monotonic clock, cannot go backward.
    #[py("monotonic()", "($self, /)")]
    pub fn monotonic(cx: &mut Cx) -> f64 {
        cx.host.monotonic()
    }
    /// Monotonic clock, cannot go backward, as nanoseconds.
    #[py("monotonic_ns()", "($self, /)")]
    pub fn monotonic_ns(cx: &mut Cx) -> i64 {
        cx.host.clock_ns(Clock::Monotonic) as i64
    }
    /// Process time for profiling: sum of the kernel and user-space CPU time.
    #[py("process_time()", "($self, /)")]
    pub fn process_time(cx: &mut Cx) -> f64 {
        cx.host.clock_ns(Clock::ProcessCpu) as f64 / 1e9
    }
    /// Process time for profiling as nanoseconds.
    #[py("process_time_ns()", "($self, /)")]
    pub fn process_time_ns(cx: &mut Cx) -> i64 {
        cx.host.clock_ns(Clock::ProcessCpu) as i64
    }
    /// Thread time for profiling: sum of the kernel and user-space CPU time.
    #[py("thread_time()", "($self, /)")]
    pub fn thread_time(cx: &mut Cx) -> f64 {
        cx.host.clock_ns(Clock::ThreadCpu) as f64 / 1e9
    }
    /// Thread time for profiling as nanoseconds.
    #[py("thread_time_ns()", "($self, /)")]
    pub fn thread_time_ns(cx: &mut Cx) -> i64 {
        cx.host.clock_ns(Clock::ThreadCpu) as i64
    }
    /// The time of a clock in seconds.
    #[py("clock_gettime(clk_id, /)")]
    pub fn clock_gettime(cx: &mut Cx, clk_id: ClockId) -> PyResult<f64> {
        let r = cx.host.clock_by_number(clk_id.0);
        asked(cx, r).map(|ns| ns as f64 / 1e9)
    }
    /// The time of a clock in nanoseconds.
    #[py("clock_gettime_ns(clk_id, /)")]
    pub fn clock_gettime_ns(cx: &mut Cx, clk_id: ClockId) -> PyResult<i64> {
        let r = cx.host.clock_by_number(clk_id.0);
        asked(cx, r)
    }
    /// clock_getres(clk_id) -> floating-point number
    ///
    /// The seconds between two times of a clock.
    #[py("clock_getres(clk_id, /)", "")]
    pub fn clock_getres(cx: &mut Cx, clk_id: ClockId) -> PyResult<f64> {
        let r = cx.host.clock_resolution(clk_id.0);
        asked(cx, r).map(|ns| ns as f64 / 1e9)
    }
    /// clock_settime(clk_id, time)
    ///
    /// Sets a clock to a time in seconds.
    #[py("clock_settime(clk_id, time, /)", "")]
    pub fn clock_settime(cx: &mut Cx, clk_id: CInt, time: &Obj) -> PyResult<()> {
        let bad = |cx: &mut Cx| cx.overflow_error("timestamp out of range for platform time_t");
        if time.is_none() {
            // Elsewhere None is now.
            protocol::index(cx, time)?;
        }
        let whole = seconds_of(cx, Some(time))?;
        let part = time.cast::<Float>().map_or(0, |f| ((f.value.get() - f.value.get().floor()) * 1e9) as i64);
        let Some(ns) = whole.checked_mul(1_000_000_000).and_then(|ns| ns.checked_add(part)) else { return Err(bad(cx)) };
        let r = cx.host.set_clock(clk_id.0, ns);
        asked(cx, r)
    }
    /// clock_settime_ns(clk_id, time)
    ///
    /// Sets a clock to a time in nanoseconds.
    #[py("clock_settime_ns(clk_id, time, /)", "")]
    pub fn clock_settime_ns(cx: &mut Cx, clk_id: CInt, time: &Obj) -> PyResult<()> {
        if time.cast::<retic_runtime::types::Int>().is_none() {
            return Err(cx.type_error(format!("expect int, got {}", time.ty().name_text())));
        }
        let Some(ns) = int::to_i64(time) else { return Err(cx.overflow_error("Python int too large to convert to C long long")) };
        let r = cx.host.set_clock(clk_id.0, ns);
        asked(cx, r)
    }
    /// pthread_getcpuclockid(thread_id) -> int
    ///
    /// The number of the clock that counts the time of a thread on the processor.
    #[py("pthread_getcpuclockid(thread_id, /)", "")]
    pub fn pthread_getcpuclockid(cx: &mut Cx, thread_id: &Obj) -> PyResult<i64> {
        const ESRCH: i32 = 3;
        if thread_id.cast::<retic_runtime::types::Int>().is_none() {
            return Err(cx.type_error(format!("pthread_getcpuclockid() argument 1 must be int, not {}", retic_runtime::native::called(thread_id))));
        }
        let id = int::to_i64(thread_id).unwrap_or(-1);
        let native = if id == cx.threads.current { Some(cx.host.thread_id()) } else { cx.threads.natives.get(&id).copied() };
        // As the kernel makes the number of one thread's clock.
        match native {
            Some(n) => Ok((!n) << 3 | 6),
            None => Err(os_error(cx, ESRCH)),
        }
    }
    /// get_clock_info(name: str) -> dict
    ///
    /// Get information of the specified clock.
    #[py("get_clock_info(name, /)", "")]
    pub fn get_clock_info(cx: &mut Cx, name: &Ref<Str>) -> PyResult {
        let (adjustable, monotonic, implementation) = match name.to_text(cx).as_str() {
            "time" => (true, false, "clock_gettime(CLOCK_REALTIME)"),
            "monotonic" | "perf_counter" => (false, true, "clock_gettime(CLOCK_MONOTONIC)"),
            "process_time" => (false, true, "clock_gettime(CLOCK_PROCESS_CPUTIME_ID)"),
            "thread_time" => (false, true, "clock_gettime(CLOCK_THREAD_CPUTIME_ID)"),
            _ => return Err(cx.value_error("unknown clock")),
        };
        let ns = cx.types.namespace.as_obj().clone();
        let o = protocol::call(cx, &ns, &[])?;
        let (a, m, i, r) = (cx.bool(adjustable), cx.bool(monotonic), cx.str(implementation)?, cx.float(1e-9)?);
        for (key, value) in [("implementation", i), ("monotonic", m), ("adjustable", a), ("resolution", r)] {
            let key = cx.name(key);
            protocol::setattr(cx, &o, &key, Some(&value))?;
        }
        Ok(o)
    }
    /// Delay execution for a given number of seconds.
    #[py("sleep(seconds, /)", "($self, object, /)")]
    pub fn sleep(cx: &mut Cx, seconds: &Obj) -> PyResult<()> {
        cx.audit("time.sleep", &[seconds.into()])?;
        let seconds = match seconds.cast::<Float>() {
            Some(f) => f.value.get(),
            None => {
                let n = protocol::index(cx, seconds)?;
                int::to_i64(&n).ok_or_else(|| cx.overflow_error("timestamp too large to convert to C PyTime_t"))? as f64
            }
        };
        if seconds.is_nan() {
            return Err(cx.value_error("Invalid value NaN (not a number)"));
        }
        if seconds < 0.0 {
            return Err(cx.value_error("sleep length must be non-negative"));
        }
        if seconds > 9.2e9 {
            return Err(cx.overflow_error("timestamp too large to convert to C PyTime_t"));
        }
        cx.host.flush();
        super::sleep_for(cx, seconds)
    }
    /// gmtime([seconds]) -> struct_time
    ///
    /// Convert seconds since the Epoch to a time tuple expressing UTC (a.k.a. GMT).
    #[py("gmtime(seconds=None, /)", "")]
    pub fn gmtime(cx: &mut Cx, seconds: Option<&Obj>) -> PyResult {
        let s = seconds_of(cx, seconds)?;
        within(cx, s)?;
        struct_time(cx, &Moment::at(s, 0, "GMT".into(), false))
    }
    /// localtime([seconds]) -> struct_time
    ///
    /// Convert seconds since the Epoch to a time tuple expressing local time.
    #[py("localtime(seconds=None, /)", "")]
    pub fn localtime(cx: &mut Cx, seconds: Option<&Obj>) -> PyResult {
        let s = seconds_of(cx, seconds)?;
        let m = local(cx, s)?;
        struct_time(cx, &m)
    }
    /// Convert a time tuple in local time to seconds since the Epoch.
    #[py("mktime(tuple, /)", "($self, object, /)")]
    pub fn mktime(cx: &mut Cx, tuple: &Obj) -> PyResult<f64> {
        let m = moment(cx, tuple, "mktime")?;
        let naive = i64::try_from(m.naive()).map_err(|_| cx.overflow_error("mktime argument out of range"))?;
        let mut offset = cx.host.local_offset(naive).0;
        for _ in 0..2 {
            offset = cx.host.local_offset(naive - offset).0;
        }
        // Where the clock went back an hour shows twice; the flag says which is meant.
        for shift in [3600, -3600] {
            let (other, _, dst) = cx.host.local_offset(naive - offset + shift);
            let now = cx.host.local_offset(naive - offset).2;
            if m.isdst >= 0 && (m.isdst > 0) != now && (m.isdst > 0) == dst && naive - other == naive - offset + shift {
                offset = other;
                break;
            }
        }
        Ok((naive - offset) as f64)
    }
    /// asctime([tuple]) -> string
    ///
    /// Convert a time tuple to a string, e.g. 'Sat Jun 06 16:26:11 1998'.
    #[py("asctime(tuple=None, /)", "")]
    pub fn asctime(cx: &mut Cx, tuple: Option<&Obj>) -> PyResult<String> {
        Ok(moment_or_now(cx, tuple, "asctime")?.asctime())
    }
    /// ctime(seconds) -> string
    ///
    /// Convert a time in seconds since the Epoch to a string in local time.
    #[py("ctime(seconds=None, /)", "")]
    pub fn ctime(cx: &mut Cx, seconds: Option<&Obj>) -> PyResult<String> {
        let s = seconds_of(cx, seconds)?;
        Ok(local(cx, s)?.asctime())
    }
    /// strftime(format[, tuple]) -> string
    ///
    /// Convert a time tuple to a string according to a format specification.
    #[py("strftime(format, tuple=None, /)", "")]
    pub fn strftime(cx: &mut Cx, format: &Ref<Str>, tuple: Option<&Obj>) -> PyResult<String> {
        let mut m = moment_or_now(cx, tuple, "strftime")?;
        // Numbers alone do not say where they are: whether there is summer time tells which of the zone's names it has.
        if m.zone.is_empty() && m.isdst >= 0 {
            let (standard, summer) = half_years(cx);
            m.zone = if m.isdst > 0 { summer.1 } else { standard.1 };
        }
        let format = format.to_text(cx);
        Ok(calendar::format(&m, &format, &mut |item| crate::locale::date_text(cx, item)))
    }
    /// strptime(string, format) -> struct_time
    ///
    /// Parse a string to a time tuple according to a format specification.
    #[py("strptime(string, format=None, /)", "")]
    pub fn strptime(cx: &mut Cx, string: &Obj, format: Option<&Obj>) -> PyResult {
        let format = match format {
            Some(f) => f.clone(),
            None => cx.str("%a %b %d %H:%M:%S %Y")?,
        };
        let m = retic_runtime::modules::import::import(cx, "_strptime")?;
        protocol::call_method(cx, &m, "_strptime_time", &[string.clone(), format])
    }
    /// Initialize, or reinitialize, the local timezone to the value stored in TZ.
    #[py("tzset()", "($self, /)")]
    pub fn tzset(cx: &mut Cx) -> PyResult<()> {
        cx.host.tzset();
        let name = cx.name("time");
        match cx.modules.clone().and_then(|m| m.get_str(cx, &name)) {
            Some(m) => zone_constants(cx, &m),
            None => Ok(()),
        }
    }
}

/// Offset in seconds and name of the zone in winter and in summer of this year.
fn half_years(cx: &Cx) -> ((i64, String), (i64, String)) {
    let year = Moment::at(cx.host.time() as i64, 0, String::new(), false).year;
    let at = |month: i64| {
        let (offset, name, _) = cx.host.local_offset(calendar::days_from_civil(year, month, 1) * 86_400);
        (offset, name)
    };
    let (jan, jul) = (at(1), at(7));
    if jan.0 <= jul.0 { (jan, jul) } else { (jul, jan) }
}

/// `timezone`, `altzone`, `daylight` and `tzname`, as the zone has them this year.
fn zone_constants(cx: &mut Cx, m: &Obj) -> PyResult<()> {
    let (standard, summer) = half_years(cx);
    let values = [cx.int(-standard.0)?, cx.int(-summer.0)?, cx.int(i64::from(standard.0 != summer.0))?];
    for (key, value) in ["timezone", "altzone", "daylight"].into_iter().zip(values) {
        let key = cx.name(key);
        protocol::setattr(cx, m, &key, Some(&value))?;
    }
    let names = vec![cx.str(&standard.1)?, cx.str(&summer.1)?];
    let names = cx.tuple(names)?;
    let key = cx.name("tzname");
    protocol::setattr(cx, m, &key, Some(&names))
}

const CONSTANTS: &[(&str, i64)] = &[
    ("CLOCK_REALTIME", 0),
    ("CLOCK_MONOTONIC", 1),
    ("CLOCK_PROCESS_CPUTIME_ID", 2),
    ("CLOCK_THREAD_CPUTIME_ID", 3),
    ("CLOCK_MONOTONIC_RAW", 4),
    ("CLOCK_BOOTTIME", 7),
    ("CLOCK_TAI", 11),
    ("_STRUCT_TM_ITEMS", 11),
];

pub fn make(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "time", functions::DOC, functions::FUNCTIONS)?;
    for (name, value) in CONSTANTS {
        m.set_int(cx, name, *value)?;
    }
    let ty = structseq::make_type(cx, &STRUCT_TIME)?;
    m.set(cx, "struct_time", ty.into_obj())?;
    let m = m.into_obj();
    zone_constants(cx, &m)?;
    Ok(m)
}
