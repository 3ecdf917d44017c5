//! `posix`: what `os` is made of, asked of the host.

mod arguments;
mod children;
mod constants;
mod descriptors;
mod entries;
mod more;
mod named;
pub(crate) mod path;
mod process;
mod programs;
mod terminals;

pub(crate) use arguments::{CInt, FormatInt, c_int, id};
pub(crate) use children::fork_process;
pub(crate) use process::{group_ids, id_number};

use path::Path;
use retic_runtime::host::Stat;
use retic_runtime::host::process::Call;
pub use retic_runtime::protocol::fspath;
use retic_runtime::types::structseq::{self, Definition, UNNAMED};
use retic_runtime::types::{Bytes, Dict, exception, module};
use retic_runtime::{Cx, Obj, PyResult, protocol};

static STAT: Definition = Definition {
    name: "os.stat_result",
    doc: "stat_result: Result from stat, fstat, or lstat.",
    fields: &[
        "st_mode",
        "st_ino",
        "st_dev",
        "st_nlink",
        "st_uid",
        "st_gid",
        "st_size",
        UNNAMED,
        UNNAMED,
        UNNAMED,
        "st_atime",
        "st_mtime",
        "st_ctime",
        "st_atime_ns",
        "st_mtime_ns",
        "st_ctime_ns",
        "st_blksize",
        "st_blocks",
        "st_rdev",
    ],
    visible: 10,
};
static TERMINAL: Definition =
    Definition { name: "os.terminal_size", doc: "A tuple of (columns, lines) for holding terminal window size", fields: &["columns", "lines"], visible: 2 };
static UNAME: Definition =
    Definition { name: "posix.uname_result", doc: "uname_result: Result from os.uname().", fields: &["sysname", "nodename", "release", "version", "machine"], visible: 5 };
static TIMES: Definition =
    Definition { name: "posix.times_result", doc: "times_result: Result from os.times().", fields: &["user", "system", "children_user", "children_system", "elapsed"], visible: 5 };

fn stat_result(cx: &mut Cx, s: &Stat) -> PyResult {
    let seconds = |ns: i128| ns.div_euclid(1_000_000_000) as i64;
    let mut v = Vec::new();
    for n in
        [i64::from(s.mode), s.ino as i64, s.dev as i64, s.nlink as i64, i64::from(s.uid), i64::from(s.gid), s.size, seconds(s.atime_ns), seconds(s.mtime_ns), seconds(s.ctime_ns)]
    {
        v.push(cx.int(n)?);
    }
    for ns in [s.atime_ns, s.mtime_ns, s.ctime_ns] {
        v.push(cx.float(seconds(ns) as f64 + 1e-9 * ns.rem_euclid(1_000_000_000) as f64)?);
    }
    for ns in [s.atime_ns, s.mtime_ns, s.ctime_ns] {
        v.push(cx.int(ns as i64)?);
    }
    for n in [s.blksize, s.blocks, s.rdev as i64] {
        v.push(cx.int(n)?);
    }
    let ty = cx.native_type("os.stat_result");
    structseq::new(cx, &ty, 10, v)
}

/// A request to the host for a file; its error names the file.
fn asked<T>(cx: &mut Cx, r: std::io::Result<T>, p: &Path) -> PyResult<T> {
    r.map_err(|e| exception::raise_os(cx, &e, Some(&p.given), None))
}
fn plain<T>(cx: &mut Cx, r: std::io::Result<T>) -> PyResult<T> {
    r.map_err(|e| exception::raise_os(cx, &e, None, None))
}
/// A call of the system that takes numbers, at most four, and gives one.
fn number(cx: &mut Cx, call: Call, args: &[i64]) -> PyResult<i64> {
    let mut all = [0; 4];
    all[..args.len()].copy_from_slice(args);
    let r = cx.host.number(call, all);
    plain(cx, r)
}
/// A tuple of two numbers.
fn pair(cx: &mut Cx, a: impl Into<i64>, b: impl Into<i64>) -> PyResult {
    let items = [cx.int(a.into())?, cx.int(b.into())?];
    cx.tuple_of(items)
}

/// Sets or removes an environment variable; names that it cannot have are refused as the C library does.
fn set_env(cx: &mut Cx, name: &[u8], value: Option<&[u8]>) -> PyResult<()> {
    const EINVAL: i32 = 22;
    if name.is_empty() || name.contains(&b'=') {
        return Err(exception::raise_os(cx, &std::io::Error::from_raw_os_error(EINVAL), None, None));
    }
    cx.host.set_env(name, value);
    Ok(())
}

#[retic_macros::methods]
mod functions {
    //! This module provides access to operating system functionality that is standardized by the C Standard and the POSIX
    //! standard (a thinly disguised Unix interface).
    use super::*;

    /// Checks if PyOS_CallInputHook is set.
    #[py("_is_inputhook_installed()")]
    pub fn _is_inputhook_installed(_cx: &mut Cx) -> bool {
        false
    }
    /// Calls PyOS_CallInputHook droping the GIL first
    #[py("_inputhook()")]
    pub fn _inputhook(_cx: &mut Cx) {}
    /// Set the current numeric umask and return the previous umask.
    #[py("umask(mask, /)")]
    pub fn umask(cx: &mut Cx, mask: CInt) -> i64 {
        i64::from(cx.host.umask(mask.0 as u32))
    }
    /// Change or add an environment variable.
    #[py("putenv(name, value, /)")]
    pub fn putenv(cx: &mut Cx, name: &Obj, value: &Obj) -> PyResult<()> {
        let (n, v) = (path::any(cx, name)?, path::any(cx, value)?);
        if n.contains(&b'=') {
            return Err(cx.value_error("illegal environment variable name"));
        }
        cx.audit("os.putenv", &[name.into(), value.into()])?;
        set_env(cx, &n, Some(&v))
    }
    /// Delete an environment variable.
    #[py("unsetenv(name, /)")]
    pub fn unsetenv(cx: &mut Cx, name: &Obj) -> PyResult<()> {
        let n = path::any(cx, name)?;
        cx.audit("os.unsetenv", &[name.into()])?;
        set_env(cx, &n, None)
    }
    /// Return the current process id.
    #[py("getpid()")]
    pub fn getpid(cx: &mut Cx) -> i64 {
        cx.host.pid()
    }
    /// Return the parent's process id.
    #[py("getppid()")]
    pub fn getppid(cx: &mut Cx) -> i64 {
        cx.host.ids()[0]
    }
    /// Return the current process's user id.
    #[py("getuid()")]
    pub fn getuid(cx: &mut Cx) -> i64 {
        cx.host.ids()[1]
    }
    /// Return the current process's effective user id.
    #[py("geteuid()")]
    pub fn geteuid(cx: &mut Cx) -> i64 {
        cx.host.ids()[2]
    }
    /// Return the current process's group id.
    #[py("getgid()")]
    pub fn getgid(cx: &mut Cx) -> i64 {
        cx.host.ids()[3]
    }
    /// Return the current process's effective group id.
    #[py("getegid()")]
    pub fn getegid(cx: &mut Cx) -> i64 {
        cx.host.ids()[4]
    }
    /// Return the file system path representation of the object.
    #[py("fspath(path)")]
    pub fn fspath(cx: &mut Cx, path: &Obj) -> PyResult {
        protocol::fspath(cx, path)
    }
    /// Translate an error code to a message string.
    #[py("strerror(code, /)")]
    pub fn strerror(cx: &mut Cx, code: CInt) -> String {
        cx.host.error_text(code.0)
    }
    /// Return a bytes object containing random bytes suitable for cryptographic use.
    #[py("urandom(size, /)")]
    pub fn urandom(cx: &mut Cx, size: i64) -> PyResult {
        if size < 0 {
            return Err(cx.value_error("negative argument not allowed"));
        }
        let mut out = protocol::zeroed(cx, size as usize)?;
        cx.host.random_bytes(&mut out);
        Bytes::from_slice(cx, &out)
    }
    /// Obtain a series of random bytes.
    #[py("getrandom(size, flags=0)")]
    pub fn getrandom(cx: &mut Cx, size: i64, flags: Option<CInt>) -> PyResult {
        const EINVAL: i32 = 22;
        let Ok(size) = usize::try_from(size) else { return Err(exception::raise_os(cx, &std::io::Error::from_raw_os_error(EINVAL), None, None)) };
        let mut out = protocol::zeroed(cx, size)?;
        loop {
            match cx.host.random(&mut out, flags.map_or(0, |f| f.0) as u32) {
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => cx.poll_native()?,
                r => {
                    let n = plain(cx, r)?;
                    return Bytes::from_slice(cx, &out[..n]);
                }
            }
        }
    }
    /// Return the number of logical CPUs in the system.
    #[py("cpu_count()")]
    pub fn cpu_count(cx: &mut Cx) -> usize {
        cx.cpu_count.map_or_else(|| cx.host.cpu_count(), |n| n as usize)
    }
    /// Return an object identifying the current operating system.
    #[py("uname()")]
    pub fn uname(cx: &mut Cx) -> PyResult {
        let parts = cx.host.uname();
        let v = parts.iter().map(|t| cx.str(t)).collect::<PyResult<Vec<_>>>()?;
        let ty = cx.native_type("posix.uname_result");
        structseq::new(cx, &ty, 5, v)
    }
    /// Return a collection containing process timing information.
    #[py("times()")]
    pub fn times(cx: &mut Cx) -> PyResult {
        let used = |cx: &mut Cx, who| {
            let r = cx.host.resource_usage(who);
            plain(cx, r).map(|u| [u.0, u.1])
        };
        let (own, children, now) = (used(cx, 0)?, used(cx, -1)?, cx.host.monotonic());
        let v = own.iter().chain(&children).chain([&now]).map(|t| cx.float(*t)).collect::<PyResult<Vec<_>>>()?;
        let ty = cx.native_type("posix.times_result");
        structseq::new(cx, &ty, 5, v)
    }
    /// Split a path into drive, root and tail.
    #[py("_path_splitroot_ex(p, /)", "(p)")]
    pub fn path_splitroot_ex(cx: &mut Cx, p: &Obj) -> PyResult {
        let given = path::of_any(cx, p, "splitroot", false)?;
        let b = &given.bytes;
        let n = b.iter().take_while(|c| **c == b'/').count();
        // Two slashes at the start mean something of their own; three or more mean one.
        let root = match n {
            0 => 0,
            2 => 2,
            _ => 1,
        };
        let parts = vec![path::name(cx, b"", given.is_bytes)?, path::name(cx, &b[..root], given.is_bytes)?, path::name(cx, &b[root..], given.is_bytes)?];
        cx.tuple(parts)
    }
    /// Normalize path, eliminating double slashes, etc.
    #[py("_path_normpath(path, /)", "(path)")]
    pub fn path_normpath(cx: &mut Cx, path: &Obj) -> PyResult {
        let given = path::of_any(cx, path, "normpath", false)?;
        let b = &given.bytes;
        let n = b.iter().take_while(|c| **c == b'/').count();
        let root = match n {
            0 => 0,
            2 => 2,
            _ => 1,
        };
        let mut parts: Vec<&[u8]> = Vec::new();
        for part in b[n..].split(|c| *c == b'/') {
            match part {
                b"" | b"." => {}
                b".." if parts.last().is_some_and(|l| *l != b"..") => {
                    parts.pop();
                }
                b".." if root > 0 => {}
                p => parts.push(p),
            }
        }
        let mut out = vec![b'/'; root];
        out.extend(parts.join(&b'/'));
        if out.is_empty() {
            out.push(b'.');
        }
        path::name(cx, &out, given.is_bytes)
    }
    /// Voluntarily relinquish the CPU.
    #[py("sched_yield()")]
    pub fn sched_yield(cx: &mut Cx) {
        let sleep = cx.host.sleeper();
        cx.allow_threads(|| sleep(0.0));
    }
}

const CONSTANTS: &[(&str, i64)] = &[
    ("F_OK", 0),
    ("R_OK", 4),
    ("W_OK", 2),
    ("X_OK", 1),
    ("O_RDONLY", 0),
    ("O_WRONLY", 1),
    ("O_RDWR", 2),
    ("O_CREAT", 0o100),
    ("O_EXCL", 0o200),
    ("O_NOCTTY", 0o400),
    ("O_TRUNC", 0o1000),
    ("O_APPEND", 0o2000),
    ("O_NONBLOCK", 0o4000),
    ("O_DSYNC", 0o10000),
    ("O_DIRECTORY", 0o200_000),
    ("O_NOFOLLOW", 0o400_000),
    ("O_CLOEXEC", 0o2_000_000),
    ("O_SYNC", 0o4_010_000),
    ("O_TMPFILE", 0o20_200_000),
    ("WNOHANG", 1),
    ("WUNTRACED", 2),
    ("WCONTINUED", 8),
    ("P_PID", 1),
    ("P_PGID", 2),
    ("P_ALL", 0),
    ("EX_OK", 0),
    ("EX_USAGE", 64),
    ("EX_DATAERR", 65),
    ("EX_NOINPUT", 66),
    ("EX_UNAVAILABLE", 69),
    ("EX_SOFTWARE", 70),
    ("EX_OSERR", 71),
    ("EX_IOERR", 74),
    ("NGROUPS_MAX", 65536),
    ("TMP_MAX", 238_328),
    ("SEEK_DATA", 3),
    ("SEEK_HOLE", 4),
    ("GRND_NONBLOCK", 1),
    ("GRND_RANDOM", 2),
    ("PRIO_PROCESS", 0),
    ("POSIX_SPAWN_OPEN", 0),
    ("POSIX_SPAWN_CLOSE", 1),
    ("POSIX_SPAWN_DUP2", 2),
    ("POSIX_SPAWN_CLOSEFROM", 3),
];

/// What the system can do, by the names of CPython's build; `os` works out from them what its functions take.
const HAVE: &[&str] = &[
    "HAVE_EVENTFD",
    "HAVE_TIMERFD_CREATE",
    "HAVE_FACCESSAT",
    "HAVE_FCHDIR",
    "HAVE_FCHMOD",
    "HAVE_FCHMODAT",
    "HAVE_FCHOWN",
    "HAVE_FCHOWNAT",
    "HAVE_FEXECVE",
    "HAVE_FDOPENDIR",
    "HAVE_FPATHCONF",
    "HAVE_FSTATAT",
    "HAVE_FSTATVFS",
    "HAVE_FTRUNCATE",
    "HAVE_FUTIMENS",
    "HAVE_FUTIMES",
    "HAVE_FUTIMESAT",
    "HAVE_LINKAT",
    "HAVE_LCHOWN",
    "HAVE_LSTAT",
    "HAVE_LUTIMES",
    "HAVE_MEMFD_CREATE",
    "HAVE_MKDIRAT",
    "HAVE_MKFIFOAT",
    "HAVE_MKNODAT",
    "HAVE_OPENAT",
    "HAVE_READLINKAT",
    "HAVE_RENAMEAT",
    "HAVE_SYMLINKAT",
    "HAVE_UNLINKAT",
    "HAVE_UTIMENSAT",
    "HAVE_PTSNAME_R",
];

pub fn make(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "posix", functions::DOC, functions::FUNCTIONS)?;
    for more in [
        children::functions::FUNCTIONS,
        descriptors::functions::FUNCTIONS,
        more::functions::FUNCTIONS,
        named::functions::FUNCTIONS,
        process::functions::FUNCTIONS,
        programs::functions::FUNCTIONS,
        terminals::functions::FUNCTIONS,
    ] {
        module::add_functions(cx, &m, more)?;
    }
    for (name, value) in CONSTANTS.iter().chain(constants::CONSTANTS) {
        m.set_int(cx, name, *value)?;
    }
    for (name, table) in [("confstr_names", constants::CONFSTR), ("sysconf_names", constants::SYSCONF), ("pathconf_names", constants::PATHCONF)] {
        let d = process::names(cx, table)?;
        m.set(cx, name, d)?;
    }
    for (key, def) in [("stat_result", &STAT), ("waitid_result", &children::WAITID), ("terminal_size", &TERMINAL), ("uname_result", &UNAME), ("times_result", &TIMES)] {
        let ty = structseq::make_type(cx, def)?;
        m.set(cx, key, ty.into_obj())?;
    }
    process::make_types(cx, &m)?;
    m.add_type(cx, &entries::entry_spec())?;
    retic_runtime::interp::native_type(cx, &entries::scan_spec(), &cx.types.object.clone())?;
    let environ = Dict::new(cx)?;
    for (k, v) in cx.host.environ() {
        let (k, v) = (Bytes::from_slice(cx, &k)?, Bytes::from_slice(cx, &v)?);
        let old = environ.insert(cx, &k, v)?;
        cx.release(old);
    }
    m.set(cx, "environ", environ.into_obj())?;
    let error = cx.types.os_error.as_obj().clone();
    m.set(cx, "error", error)?;
    let have = HAVE.iter().map(|t| cx.str(t)).collect::<PyResult<Vec<_>>>()?;
    let have = cx.list(have)?;
    m.set(cx, "_have_functions", have)?;
    Ok(m.into_obj())
}
