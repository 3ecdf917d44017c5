//! `resource`: what the process used, and its limits.

use retic_runtime::host::process::Call;
use retic_runtime::types::structseq::{self, Definition};
use retic_runtime::types::{exception, int, module};
use retic_runtime::{Cx, Obj, PyResult, protocol};

static USAGE: Definition = Definition {
    name: "resource.struct_rusage",
    doc: "What a process, its children or a thread used: a tuple of sixteen whose items have names, too.",
    fields: &[
        "ru_utime",
        "ru_stime",
        "ru_maxrss",
        "ru_ixrss",
        "ru_idrss",
        "ru_isrss",
        "ru_minflt",
        "ru_majflt",
        "ru_nswap",
        "ru_inblock",
        "ru_oublock",
        "ru_msgsnd",
        "ru_msgrcv",
        "ru_nsignals",
        "ru_nvcsw",
        "ru_nivcsw",
    ],
    visible: 16,
};

/// Linux's limits by their numbers.
const LIMITS: [(&str, i64); 17] = [
    ("RLIMIT_CPU", 0),
    ("RLIMIT_FSIZE", 1),
    ("RLIMIT_DATA", 2),
    ("RLIMIT_STACK", 3),
    ("RLIMIT_CORE", 4),
    ("RLIMIT_RSS", 5),
    ("RLIMIT_NPROC", 6),
    ("RLIMIT_NOFILE", 7),
    ("RLIMIT_OFILE", 7),
    ("RLIMIT_MEMLOCK", 8),
    ("RLIMIT_AS", 9),
    ("RLIMIT_SIGPENDING", 11),
    ("RLIMIT_MSGQUEUE", 12),
    ("RLIMIT_NICE", 13),
    ("RLIMIT_RTPRIO", 14),
    ("RLIMIT_RTTIME", 15),
    ("RLIM_INFINITY", -1),
];
/// One beyond the largest number of a limit.
const LIMITS_END: i32 = 16;
const EINVAL: i32 = 22;
const EPERM: i32 = 1;

fn limit_number(cx: &mut Cx, o: &Obj) -> PyResult<i32> {
    let n = crate::posix::c_int(cx, o)?;
    if (0..LIMITS_END).contains(&n) { Ok(n) } else { Err(cx.value_error("invalid resource specified")) }
}
/// Current and largest value; -1 is no limit.
fn limits(cx: &mut Cx, o: &Obj) -> PyResult<(u64, u64)> {
    let items = protocol::collect_at_most(cx, o, 3)?;
    let [current, largest] = &items[..] else { return Err(cx.value_error("expected a tuple of 2 integers")) };
    let mut number = |o: &Obj| {
        let n = protocol::index(cx, o)?;
        int::to_i64(&n).map(|n| n as u64).ok_or_else(|| cx.overflow_error("Python int too large to convert to C long"))
    };
    Ok((number(current)?, number(largest)?))
}
fn pair(cx: &mut Cx, (current, largest): (u64, u64)) -> PyResult {
    let items = vec![cx.int(current as i64)?, cx.int(largest as i64)?];
    cx.tuple(items)
}
fn change(cx: &mut Cx, process: i32, limit: i32, new: Option<(u64, u64)>) -> PyResult<(u64, u64)> {
    cx.host.resource_limit(process, limit, new).map_err(|e| match e.raw_os_error() {
        Some(EINVAL) => cx.value_error("current limit exceeds maximum limit"),
        Some(EPERM) if new.is_some() => cx.value_error("not allowed to raise maximum limit"),
        _ => exception::raise_os(cx, &e, None, None),
    })
}

/// A `struct_rusage`; the module is imported.
pub(crate) fn usage(cx: &mut Cx, (user, system, counts): (f64, f64, [i64; 14])) -> PyResult {
    let mut items = vec![cx.float(user)?, cx.float(system)?];
    for n in counts {
        items.push(cx.int(n)?);
    }
    let class = cx.native_type(USAGE.name);
    structseq::new(cx, &class, USAGE.visible, items)
}

#[retic_macros::methods]
mod functions {
    //! What a process used of the system, and the limits it runs under.
    use super::*;

    /// What the process, its children or the running thread used so far.
    #[py("getrusage(who, /)")]
    pub fn getrusage(cx: &mut Cx, who: &Obj) -> PyResult {
        let who = crate::posix::c_int(cx, who)?;
        let (user, system, counts) = match cx.host.resource_usage(who) {
            Ok(u) => u,
            Err(e) if e.raw_os_error() == Some(EINVAL) => return Err(cx.value_error("invalid who parameter")),
            Err(e) => return Err(exception::raise_os(cx, &e, None, None)),
        };
        usage(cx, (user, system, counts))
    }
    /// The current and the largest value of a limit.
    #[py("getrlimit(resource, /)")]
    pub fn getrlimit(cx: &mut Cx, resource: &Obj) -> PyResult {
        let limit = limit_number(cx, resource)?;
        let old = change(cx, 0, limit, None)?;
        pair(cx, old)
    }
    /// Sets a limit to (current, largest).
    #[py("setrlimit(resource, limits, /)")]
    pub fn setrlimit(cx: &mut Cx, resource: &Obj, limits: &Obj) -> PyResult<()> {
        cx.audit("resource.setrlimit", &[resource.into(), limits.into()])?;
        let limit = limit_number(cx, resource)?;
        let new = super::limits(cx, limits)?;
        change(cx, 0, limit, Some(new)).map(|_| ())
    }
    /// A limit of another process: what it was; it is set where new values are given.
    #[py("prlimit(pid, resource, limits=None, /)")]
    pub fn prlimit(cx: &mut Cx, pid: &Obj, resource: &Obj, limits: Option<&Obj>) -> PyResult {
        let pid = crate::posix::c_int(cx, pid)?;
        cx.audit("resource.prlimit", &[i64::from(pid).into(), resource.into(), limits.into()])?;
        let limit = limit_number(cx, resource)?;
        let new = match limits {
            Some(l) => Some(super::limits(cx, l)?),
            None => None,
        };
        let old = change(cx, pid, limit, new)?;
        pair(cx, old)
    }
    /// Bytes of a page of memory.
    #[py("getpagesize()")]
    pub fn getpagesize(cx: &mut Cx) -> PyResult<i64> {
        const PAGE_SIZE: i64 = 30;
        cx.host.number(Call::Sysconf, [PAGE_SIZE, 0, 0, 0]).map_err(|e| exception::raise_os(cx, &e, None, None))
    }
}

pub fn make(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "resource", functions::DOC, functions::FUNCTIONS)?;
    for (name, value) in LIMITS.into_iter().chain([("RUSAGE_SELF", 0), ("RUSAGE_CHILDREN", -1), ("RUSAGE_THREAD", 1)]) {
        let v = cx.int(value)?;
        m.set(cx, name, v)?;
    }
    let error = cx.types.os_error.as_obj().clone();
    m.set(cx, "error", error)?;
    let made = structseq::make_type(cx, &USAGE)?;
    m.set(cx, "struct_rusage", made.into_obj())?;
    Ok(m.into_obj())
}
