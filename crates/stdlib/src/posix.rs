//! `posix`: what `os` is made of, asked of the host.

mod constants;
mod entries;
mod more;
pub(crate) mod path;
mod process;

pub(crate) use process::{fork_process, group_ids, id_number};

use path::Path;
use retic_runtime::audit::Told;
use retic_runtime::host::Stat;
pub use retic_runtime::protocol::fspath;
use retic_runtime::types::structseq::{self, Definition, UNNAMED};
use retic_runtime::types::{Bytes, Dict, Tuple, exception, int, module};
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

fn stat_of(cx: &mut Cx, path: &Obj, follow: bool, function: &str) -> PyResult {
    let p = path::of(cx, path, function, follow)?;
    let r = match p.fd {
        Some(fd) => cx.host.fstat(fd),
        None => cx.host.stat(&p.bytes, follow),
    };
    let s = asked(cx, r, &p)?;
    stat_result(cx, &s)
}

fn no_dir_fd(cx: &Cx, dir_fd: Option<&Obj>) -> PyResult<()> {
    match dir_fd {
        Some(_) => Err(cx.error_of(&cx.types.not_implemented_error, "dir_fd unavailable on this platform")),
        None => Ok(()),
    }
}

fn descriptor(cx: &mut Cx, o: &Obj) -> PyResult<i32> {
    let i = if o.ty().slots(cx).index.is_some() {
        o.clone()
    } else {
        protocol::call_method(cx, o, "fileno", &[]).map_err(|_| {
            cx.clear_error();
            cx.type_error("argument must be an int, or have a fileno() method.")
        })?
    };
    let v = protocol::index_i64(cx, &i)?;
    match i32::try_from(v) {
        Ok(fd) if fd >= 0 => Ok(fd),
        Ok(fd) => Err(cx.value_error(format!("file descriptor cannot be a negative integer ({fd})"))),
        Err(_) => Err(cx.overflow_error("Python int too large to convert to C int")),
    }
}

fn two_paths(cx: &mut Cx, a: &Obj, b: &Obj, name: &str, r: fn(&mut Cx, &[u8], &[u8]) -> std::io::Result<()>) -> PyResult<()> {
    let (x, y) = (path::of(cx, a, name, false)?, path::of(cx, b, name, false)?);
    r(cx, &x.bytes, &y.bytes).map_err(|e| exception::raise_os(cx, &e, Some(&x.given), Some(&y.given)))
}

/// A time of `utime` in nanoseconds.
fn as_ns(cx: &mut Cx, o: &Obj, unit_is_ns: bool) -> PyResult<i128> {
    if unit_is_ns {
        return Ok(i128::from(protocol::index_i64(cx, o)?));
    }
    if let Some(v) = int::to_i64(o) {
        return Ok(i128::from(v) * 1_000_000_000);
    }
    let v = protocol::as_f64(cx, o)?;
    Ok((v.floor() as i128) * 1_000_000_000 + ((v - v.floor()) * 1e9).floor() as i128)
}

/// Reads; handlers of signals run in between, and other threads meanwhile.
fn read_into(cx: &mut Cx, fd: i32, out: &mut [u8]) -> PyResult<std::io::Result<usize>> {
    loop {
        crate::select::let_others_run(cx, fd)?;
        match cx.host.read(fd, out) {
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => cx.poll_native()?,
            r => return Ok(r),
        }
    }
}

/// Calls what `os.register_at_fork` got: 0 before (last first), 1 in the child, 2 in the parent.
fn run_fork_hooks(cx: &mut Cx, when: usize) {
    let mut list = cx.fork_hooks[when].clone();
    if when == 0 {
        list.reverse();
    }
    for f in list {
        match protocol::call(cx, &f, &[]) {
            Ok(v) => cx.release(v),
            Err(_) => cx.unraisable(&f),
        }
    }
}

#[retic_macros::methods]
mod functions {
    //! This module provides access to operating system functionality that is standardized by the C Standard and the POSIX
    //! standard (a thinly disguised Unix interface).
    use super::*;

    /// Perform a stat system call on the given path.
    #[py("stat(path, *, dir_fd=None, follow_symlinks=True)")]
    pub fn stat(cx: &mut Cx, path: &Obj, dir_fd: Option<&Obj>, follow_symlinks: bool) -> PyResult {
        no_dir_fd(cx, dir_fd)?;
        stat_of(cx, path, follow_symlinks, "stat")
    }
    /// Perform a stat system call on the given path, without following symbolic links.
    #[py("lstat(path, *, dir_fd=None)")]
    pub fn lstat(cx: &mut Cx, path: &Obj, dir_fd: Option<&Obj>) -> PyResult {
        no_dir_fd(cx, dir_fd)?;
        stat_of(cx, path, false, "lstat")
    }
    /// Perform a stat system call on the given file descriptor.
    #[py("fstat(fd)")]
    pub fn fstat(cx: &mut Cx, fd: &Obj) -> PyResult {
        let fd = protocol::index_i64(cx, fd)? as i32;
        let r = cx.host.fstat(fd);
        let s = plain(cx, r)?;
        stat_result(cx, &s)
    }
    /// Open a file for low level IO.  Returns a file descriptor (integer).
    #[py("open(path, flags, mode=511, *, dir_fd=None)")]
    pub fn open(cx: &mut Cx, path: &Obj, flags: i64, mode: i64, dir_fd: Option<&Obj>) -> PyResult<i64> {
        no_dir_fd(cx, dir_fd)?;
        let p = path::of(cx, path, "open", false)?;
        cx.audit("open", &[path.into(), Told::Nothing, (flags | 0o2_000_000).into()])?;
        let r = cx.host.open(&p.bytes, flags as i32, mode as u32);
        asked(cx, r, &p).map(i64::from)
    }
    /// Close a file descriptor.
    #[py("close(fd)")]
    pub fn close(cx: &mut Cx, fd: i64) -> PyResult<()> {
        let r = cx.host.close(fd as i32);
        plain(cx, r)
    }
    /// Closes all file descriptors in [fd_low, fd_high), ignoring errors.
    #[py("closerange(fd_low, fd_high, /)")]
    pub fn closerange(cx: &mut Cx, fd_low: i64, fd_high: i64) -> PyResult<()> {
        for fd in fd_low.max(0)..fd_high.min(1 << 20) {
            let _ = cx.host.close(fd as i32);
            cx.poll_native()?;
        }
        Ok(())
    }
    /// Read from a file descriptor.  Returns a bytes object.
    #[py("read(fd, length, /)")]
    pub fn read(cx: &mut Cx, fd: i64, length: i64) -> PyResult {
        if length < 0 {
            return Err(exception::raise_os(cx, &std::io::Error::from_raw_os_error(22), None, None));
        }
        protocol::check_size(cx, 1, length as usize, 1)?;
        let mut out = vec![0; length as usize];
        let r = read_into(cx, fd as i32, &mut out)?;
        let n = plain(cx, r)?;
        Bytes::from_slice(cx, &out[..n])
    }
    /// Read into a writable buffer.
    #[py("readinto(fd, buffer, /)")]
    pub fn readinto(cx: &mut Cx, fd: i64, buffer: &Obj) -> PyResult<usize> {
        let b = protocol::buffer::get(cx, buffer)?;
        let mut out = vec![0; b.nbytes()];
        let r = read_into(cx, fd as i32, &mut out)?;
        if let (Ok(n), false) = (&r, b.readonly) {
            let part = retic_runtime::protocol::buffer::Buffer { shape: vec![*n], strides: vec![1], itemsize: 1, ..b.clone() };
            part.scatter(cx, &out[..*n]);
        }
        protocol::buffer::release(cx, &b.exporter);
        plain(cx, r)
    }
    /// Write a bytes object to a file descriptor.
    #[py("write(fd, data, /)")]
    pub fn write(cx: &mut Cx, fd: i64, data: &Obj) -> PyResult<usize> {
        let b = protocol::buffer::held(cx, data)?;
        let r = crate::select::write(cx, fd as i32, &b)?;
        plain(cx, r)
    }
    /// Set the position of a file descriptor.  Return the new position.
    #[py("lseek(fd, position, whence, /)")]
    pub fn lseek(cx: &mut Cx, fd: i64, position: i64, whence: i64) -> PyResult<i64> {
        let r = cx.host.seek(fd as i32, position, whence as i32);
        plain(cx, r)
    }
    /// Truncate a file, specified by file descriptor, to a specific length.
    #[py("ftruncate(fd, length, /)")]
    pub fn ftruncate(cx: &mut Cx, fd: i64, length: i64) -> PyResult<()> {
        cx.audit("os.truncate", &[fd.into(), length.into()])?;
        let r = cx.host.truncate(fd as i32, length);
        plain(cx, r)
    }
    /// Truncate a file, specified by path, to a specific length.
    #[py("truncate(path, length)")]
    pub fn truncate(cx: &mut Cx, path: &Obj, length: i64) -> PyResult<()> {
        cx.audit("os.truncate", &[path.into(), length.into()])?;
        let p = path::of(cx, path, "truncate", true)?;
        let r = match p.fd {
            Some(fd) => cx.host.truncate(fd, length),
            None => cx.host.open(&p.bytes, 1, 0).and_then(|fd| {
                let r = cx.host.truncate(fd, length);
                let _ = cx.host.close(fd);
                r
            }),
        };
        asked(cx, r, &p)
    }
    /// Force write of fd to disk.
    #[py("fsync(fd)")]
    pub fn fsync(cx: &mut Cx, fd: &Obj) -> PyResult<()> {
        let fd = descriptor(cx, fd)?;
        let r = cx.host.sync(fd);
        plain(cx, r)
    }
    /// Force write of fd to disk without forcing update of metadata.
    #[py("fdatasync(fd)")]
    pub fn fdatasync(cx: &mut Cx, fd: &Obj) -> PyResult<()> {
        fsync(cx, fd)
    }
    /// Return True if the fd is connected to a terminal.
    #[py("isatty(fd, /)")]
    pub fn isatty(cx: &mut Cx, fd: i64) -> bool {
        cx.host.isatty(fd as i32)
    }
    /// Return a duplicate of a file descriptor.
    #[py("dup(fd, /)")]
    pub fn dup(cx: &mut Cx, fd: i64) -> PyResult<i64> {
        let r = cx.host.dup(fd as i32);
        plain(cx, r).map(i64::from)
    }
    /// Duplicate file descriptor.
    #[py("dup2(fd, fd2, inheritable=True)")]
    pub fn dup2(cx: &mut Cx, fd: i64, fd2: i64, inheritable: bool) -> PyResult<i64> {
        let r = cx.host.dup2(fd as i32, fd2 as i32, inheritable);
        plain(cx, r).map(i64::from)
    }
    /// Create a pipe.
    #[py("pipe()")]
    pub fn pipe(cx: &mut Cx) -> PyResult {
        let r = cx.host.pipe();
        let (a, b) = plain(cx, r)?;
        let ends = vec![cx.int(i64::from(a))?, cx.int(i64::from(b))?];
        cx.tuple(ends)
    }
    /// Get the close-on-exe flag of the specified file descriptor.
    #[py("get_inheritable(fd, /)")]
    pub fn get_inheritable(cx: &mut Cx, fd: i64) -> PyResult<bool> {
        let r = cx.host.inheritable(fd as i32);
        plain(cx, r)
    }
    /// Set the inheritable flag of the specified file descriptor.
    #[py("set_inheritable(fd, inheritable, /)")]
    pub fn set_inheritable(cx: &mut Cx, fd: i64, inheritable: i64) -> PyResult<()> {
        let r = cx.host.set_inheritable(fd as i32, inheritable != 0);
        plain(cx, r)
    }
    /// Get the blocking mode of the file descriptor.
    #[py("get_blocking(fd, /)")]
    pub fn get_blocking(cx: &mut Cx, fd: i64) -> PyResult<bool> {
        let r = cx.host.blocking(fd as i32);
        plain(cx, r)
    }
    /// Set the blocking mode of the specified file descriptor.
    #[py("set_blocking(fd, blocking, /)")]
    pub fn set_blocking(cx: &mut Cx, fd: i64, blocking: bool) -> PyResult<()> {
        let r = cx.host.set_blocking(fd as i32, blocking);
        plain(cx, r)
    }
    /// Checks if PyOS_CallInputHook is set.
    #[py("_is_inputhook_installed()")]
    pub fn _is_inputhook_installed(_cx: &mut Cx) -> bool {
        false
    }
    /// Calls PyOS_CallInputHook droping the GIL first
    #[py("_inputhook()")]
    pub fn _inputhook(_cx: &mut Cx) {}
    /// Return the size of the terminal window as (columns, lines).
    #[py("get_terminal_size(fd=1, /)", "(fd=<unrepresentable>, /)")]
    pub fn get_terminal_size(cx: &mut Cx, fd: i64) -> PyResult {
        let r = cx.host.terminal_size(fd as i32);
        let (c, l) = plain(cx, r)?;
        let ty = cx.native_type("os.terminal_size");
        let v = vec![cx.int(c)?, cx.int(l)?];
        structseq::new(cx, &ty, 2, v)
    }
    /// Return a string describing the encoding of a terminal's file descriptor.
    #[py("device_encoding(fd)")]
    pub fn device_encoding(cx: &mut Cx, fd: i64) -> Option<&'static str> {
        cx.host.isatty(fd as i32).then_some("utf-8")
    }
    /// Return a list containing the names of the files in the directory.
    #[py("listdir(path=None)")]
    pub fn listdir(cx: &mut Cx, path: Option<&Obj>) -> PyResult {
        let dot = cx.str(".")?;
        let p = path::of(cx, path.unwrap_or(&dot), "listdir", false)?;
        cx.audit("os.listdir", &[path.unwrap_or(&dot).into()])?;
        let r = cx.host.list(&p.bytes);
        let names = asked(cx, r, &p)?;
        let names = names.into_iter().map(|n| path::name(cx, &n.0, p.is_bytes)).collect::<PyResult<Vec<_>>>()?;
        cx.list(names)
    }
    /// Return an iterator of DirEntry objects for given path.
    #[py("scandir(path=None)")]
    pub fn scandir(cx: &mut Cx, path: Option<&Obj>) -> PyResult {
        let dot = cx.str(".")?;
        let p = path::of(cx, path.unwrap_or(&dot), "scandir", false)?;
        cx.audit("os.scandir", &[path.unwrap_or(&dot).into()])?;
        entries::scan(cx, &p)
    }
    /// Create a directory.
    #[py("mkdir(path, mode=511, *, dir_fd=None)")]
    pub fn mkdir(cx: &mut Cx, path: &Obj, mode: i64, dir_fd: Option<&Obj>) -> PyResult<()> {
        no_dir_fd(cx, dir_fd)?;
        let p = path::of(cx, path, "mkdir", false)?;
        cx.audit("os.mkdir", &[path.into(), mode.into(), (-1).into()])?;
        let r = cx.host.mkdir(&p.bytes, mode as u32);
        asked(cx, r, &p)
    }
    /// Remove a directory.
    #[py("rmdir(path, *, dir_fd=None)")]
    pub fn rmdir(cx: &mut Cx, path: &Obj, dir_fd: Option<&Obj>) -> PyResult<()> {
        no_dir_fd(cx, dir_fd)?;
        let p = path::of(cx, path, "rmdir", false)?;
        cx.audit("os.rmdir", &[path.into(), (-1).into()])?;
        let r = cx.host.rmdir(&p.bytes);
        asked(cx, r, &p)
    }
    /// Remove a file (same as remove()).
    #[py("unlink(path, *, dir_fd=None)")]
    pub fn unlink(cx: &mut Cx, path: &Obj, dir_fd: Option<&Obj>) -> PyResult<()> {
        no_dir_fd(cx, dir_fd)?;
        let p = path::of(cx, path, "unlink", false)?;
        cx.audit("os.remove", &[path.into(), (-1).into()])?;
        let r = cx.host.unlink(&p.bytes);
        asked(cx, r, &p)
    }
    /// Remove a file (same as unlink()).
    #[py("remove(path, *, dir_fd=None)")]
    pub fn remove(cx: &mut Cx, path: &Obj, dir_fd: Option<&Obj>) -> PyResult<()> {
        unlink(cx, path, dir_fd)
    }
    /// Rename a file or directory.
    #[py("rename(src, dst, *, src_dir_fd=None, dst_dir_fd=None)")]
    pub fn rename(cx: &mut Cx, src: &Obj, dst: &Obj, src_dir_fd: Option<&Obj>, dst_dir_fd: Option<&Obj>) -> PyResult<()> {
        cx.audit("os.rename", &[src.into(), dst.into(), (-1).into(), (-1).into()])?;
        no_dir_fd(cx, src_dir_fd.or(dst_dir_fd))?;
        two_paths(cx, src, dst, "rename", |cx, a, b| cx.host.rename(a, b))
    }
    /// Rename a file or directory, overwriting the destination.
    #[py("replace(src, dst, *, src_dir_fd=None, dst_dir_fd=None)")]
    pub fn replace(cx: &mut Cx, src: &Obj, dst: &Obj, src_dir_fd: Option<&Obj>, dst_dir_fd: Option<&Obj>) -> PyResult<()> {
        cx.audit("os.rename", &[src.into(), dst.into(), (-1).into(), (-1).into()])?;
        no_dir_fd(cx, src_dir_fd.or(dst_dir_fd))?;
        two_paths(cx, src, dst, "replace", |cx, a, b| cx.host.rename(a, b))
    }
    /// Create a hard link to a file.
    #[py("link(src, dst, *, src_dir_fd=None, dst_dir_fd=None, follow_symlinks=True)")]
    pub fn link(cx: &mut Cx, src: &Obj, dst: &Obj, src_dir_fd: Option<&Obj>, dst_dir_fd: Option<&Obj>, follow_symlinks: bool) -> PyResult<()> {
        cx.audit("os.link", &[src.into(), dst.into(), (-1).into(), (-1).into()])?;
        let _ = follow_symlinks;
        no_dir_fd(cx, src_dir_fd.or(dst_dir_fd))?;
        two_paths(cx, src, dst, "link", |cx, a, b| cx.host.link(a, b))
    }
    /// Create a symbolic link pointing to src named dst.
    #[py("symlink(src, dst, target_is_directory=False, *, dir_fd=None)")]
    pub fn symlink(cx: &mut Cx, src: &Obj, dst: &Obj, target_is_directory: bool, dir_fd: Option<&Obj>) -> PyResult<()> {
        cx.audit("os.symlink", &[src.into(), dst.into(), (-1).into()])?;
        let _ = target_is_directory;
        no_dir_fd(cx, dir_fd)?;
        two_paths(cx, src, dst, "symlink", |cx, a, b| cx.host.symlink(a, b))
    }
    /// Return a string representing the path to which the symbolic link points.
    #[py("readlink(path, *, dir_fd=None)")]
    pub fn readlink(cx: &mut Cx, path: &Obj, dir_fd: Option<&Obj>) -> PyResult {
        no_dir_fd(cx, dir_fd)?;
        let p = path::of(cx, path, "readlink", false)?;
        let r = cx.host.readlink(&p.bytes);
        let target = asked(cx, r, &p)?;
        path::name(cx, &target, p.is_bytes)
    }
    /// Change the access permissions of a file.
    #[py("chmod(path, mode, *, dir_fd=None, follow_symlinks=True)")]
    pub fn chmod(cx: &mut Cx, path: &Obj, mode: i64, dir_fd: Option<&Obj>, follow_symlinks: bool) -> PyResult<()> {
        cx.audit("os.chmod", &[path.into(), mode.into(), (-1).into()])?;
        let _ = follow_symlinks;
        no_dir_fd(cx, dir_fd)?;
        let p = path::of(cx, path, "chmod", false)?;
        let r = cx.host.chmod(&p.bytes, mode as u32);
        asked(cx, r, &p)
    }
    /// Set the access and modified time of path.
    #[py("utime(path, times=None, *, ns=<unrepresentable>, dir_fd=None, follow_symlinks=True)")]
    pub fn utime(cx: &mut Cx, path: &Obj, times: Option<&Obj>, ns: Option<&Obj>, dir_fd: Option<&Obj>, follow_symlinks: bool) -> PyResult<()> {
        cx.audit("os.utime", &[path.into(), times.into(), ns.into(), (-1).into()])?;
        no_dir_fd(cx, dir_fd)?;
        if times.is_some() && ns.is_some() {
            return Err(cx.value_error("utime: you may specify either 'times' or 'ns' but not both"));
        }
        let p = path::of(cx, path, "utime", false)?;
        let (a, m) = match (times, ns) {
            (None, None) => {
                let now = cx.host.clock_ns(retic_runtime::host::Clock::Realtime);
                (now, now)
            }
            (t, n) => {
                let pair = t.or(n).and_then(|t| t.cast::<Tuple>()).map(|t| t.items().to_vec()).unwrap_or_default();
                let [a, m] = &pair[..] else {
                    return Err(cx.type_error(if n.is_some() { "utime: 'ns' must be a tuple of two ints" } else { "utime: 'times' must be either a tuple of two ints or None" }));
                };
                (as_ns(cx, a, n.is_some())?, as_ns(cx, m, n.is_some())?)
            }
        };
        let r = cx.host.set_times(&p.bytes, a, m, follow_symlinks);
        asked(cx, r, &p)
    }
    /// Use the real uid/gid to test for access to a path.
    #[py("access(path, mode, *, dir_fd=None, effective_ids=False, follow_symlinks=True)")]
    pub fn access(cx: &mut Cx, path: &Obj, mode: i64, dir_fd: Option<&Obj>, effective_ids: bool, follow_symlinks: bool) -> PyResult<bool> {
        let _ = (effective_ids, follow_symlinks);
        no_dir_fd(cx, dir_fd)?;
        let p = path::of(cx, path, "access", false)?;
        Ok(cx.host.access(&p.bytes, mode as i32))
    }
    /// Return a unicode string representing the current working directory.
    #[py("getcwd()")]
    pub fn getcwd(cx: &mut Cx) -> PyResult {
        let r = cx.host.cwd();
        let b = plain(cx, r)?;
        path::name(cx, &b, false)
    }
    /// Return a bytes string representing the current working directory.
    #[py("getcwdb()")]
    pub fn getcwdb(cx: &mut Cx) -> PyResult {
        let r = cx.host.cwd();
        let b = plain(cx, r)?;
        path::name(cx, &b, true)
    }
    /// Change the current working directory to the specified path.
    #[py("chdir(path)")]
    pub fn chdir(cx: &mut Cx, path: &Obj) -> PyResult<()> {
        cx.audit("os.chdir", &[path.into()])?;
        let p = path::of(cx, path, "chdir", false)?;
        let r = cx.host.chdir(&p.bytes);
        asked(cx, r, &p)
    }
    /// Set the current numeric umask and return the previous umask.
    #[py("umask(mask, /)")]
    pub fn umask(cx: &mut Cx, mask: i64) -> i64 {
        i64::from(cx.host.umask(mask as u32))
    }
    /// Change or add an environment variable.
    #[py("putenv(name, value, /)")]
    pub fn putenv(cx: &mut Cx, name: &Obj, value: &Obj) -> PyResult<()> {
        cx.audit("os.putenv", &[name.into(), value.into()])?;
        let (n, v) = (path::of(cx, name, "putenv", false)?, path::of(cx, value, "putenv", false)?);
        if n.bytes.contains(&b'=') {
            return Err(cx.value_error("illegal environment variable name"));
        }
        cx.host.set_env(&n.bytes, Some(&v.bytes));
        Ok(())
    }
    /// Delete an environment variable.
    #[py("unsetenv(name, /)")]
    pub fn unsetenv(cx: &mut Cx, name: &Obj) -> PyResult<()> {
        cx.audit("os.unsetenv", &[name.into()])?;
        let n = path::of(cx, name, "unsetenv", false)?;
        cx.host.set_env(&n.bytes, None);
        Ok(())
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
    pub fn strerror(cx: &mut Cx, code: i64) -> String {
        cx.host.error_text(code as i32)
    }
    /// Return a bytes object containing random bytes suitable for cryptographic use.
    #[py("urandom(size, /)")]
    pub fn urandom(cx: &mut Cx, size: i64) -> PyResult {
        if size < 0 {
            return Err(cx.value_error("negative argument not allowed"));
        }
        protocol::check_size(cx, 1, size as usize, 1)?;
        let mut out = vec![0; size as usize];
        cx.host.random_bytes(&mut out);
        Bytes::from_slice(cx, &out)
    }
    /// Obtain a series of random bytes.
    #[py("getrandom(size, flags=0)")]
    pub fn getrandom(cx: &mut Cx, size: i64, flags: i64) -> PyResult {
        let _ = flags;
        urandom(cx, size)
    }
    /// Return the number of logical CPUs in the system.
    #[py("cpu_count()")]
    pub fn cpu_count(cx: &mut Cx) -> usize {
        cx.cpu_count.map_or_else(|| cx.host.cpu_count(), |n| n as usize)
    }
    /// Exit to the system with specified status, without normal exit processing.
    #[py("_exit(status)")]
    pub fn exit(cx: &mut Cx, status: i64) -> PyResult<()> {
        cx.end_recording();
        cx.host.flush();
        cx.host.exit(status as i32).map_err(|e| exception::raise_os(cx, &e, None, None))
    }
    /// Kill a process with a signal.
    #[py("kill(pid, signal, /)")]
    pub fn kill(cx: &mut Cx, pid: i64, signal: i64) -> PyResult<()> {
        cx.audit("os.kill", &[pid.into(), signal.into()])?;
        cx.host.flush();
        let r = cx.host.kill(pid, signal as i32);
        plain(cx, r)
    }
    /// Wait for completion of a given child process.
    #[py("waitpid(pid, options, /)")]
    pub fn waitpid(cx: &mut Cx, pid: i64, options: i64) -> PyResult {
        let r = process::wait_child(cx, pid, options as i32)?;
        let (p, s) = plain(cx, r)?;
        let v = vec![cx.int(p)?, cx.int(i64::from(s))?];
        cx.tuple(v)
    }
    /// Convert a wait status to an exit code.
    #[py("waitstatus_to_exitcode(status)")]
    pub fn waitstatus_to_exitcode(cx: &mut Cx, status: i64) -> PyResult<i64> {
        match status & 0x7f {
            0 => Ok(status >> 8 & 0xff),
            0x7f => Err(cx.value_error(format!("invalid wait status: {status:#x}"))),
            signal => Ok(-signal),
        }
    }
    /// Return True if the process returning status exited via the exit() system call.
    #[py("WIFEXITED(status)")]
    pub fn wifexited(_cx: &mut Cx, status: i64) -> bool {
        status & 0x7f == 0
    }
    /// Return the process return code from status.
    #[py("WEXITSTATUS(status)")]
    pub fn wexitstatus(_cx: &mut Cx, status: i64) -> i64 {
        status >> 8 & 0xff
    }
    /// Return True if the process returning status was terminated by a signal.
    #[py("WIFSIGNALED(status)")]
    pub fn wifsignaled(_cx: &mut Cx, status: i64) -> bool {
        !matches!(status & 0x7f, 0 | 0x7f)
    }
    /// Return the signal that terminated the process that provided the status value.
    #[py("WTERMSIG(status)")]
    pub fn wtermsig(_cx: &mut Cx, status: i64) -> i64 {
        status & 0x7f
    }
    /// Return True if the process returning status was stopped.
    #[py("WIFSTOPPED(status)")]
    pub fn wifstopped(_cx: &mut Cx, status: i64) -> bool {
        status & 0xff == 0x7f
    }
    /// Return the signal that stopped the process that provided the status value.
    #[py("WSTOPSIG(status)")]
    pub fn wstopsig(_cx: &mut Cx, status: i64) -> i64 {
        status >> 8 & 0xff
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
        let (cpu, now) = (cx.host.clock_ns(retic_runtime::host::Clock::ProcessCpu) as f64 / 1e9, cx.host.monotonic());
        let v = [cpu, 0.0, 0.0, 0.0, now].iter().map(|t| cx.float(*t)).collect::<PyResult<Vec<_>>>()?;
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
    #[py("register_at_fork(*, before=None, after_in_child=None, after_in_parent=None)")]
    pub fn register_at_fork(cx: &mut Cx, before: Option<&Obj>, after_in_child: Option<&Obj>, after_in_parent: Option<&Obj>) -> PyResult<()> {
        let given = [before, after_in_child, after_in_parent];
        if given.iter().all(Option::is_none) {
            return Err(cx.type_error("At least one argument is required."));
        }
        for (i, name) in ["before", "after_in_child", "after_in_parent"].into_iter().enumerate() {
            if given[i].is_some_and(|f| f.ty().slots(cx).call.is_none()) {
                return Err(cx.type_error(format!("'{name}' must be callable, not {}", given[i].map_or(String::new(), |f| f.ty().name_text()))));
            }
        }
        for (list, f) in cx.fork_hooks.iter_mut().zip(given) {
            list.extend(f.cloned());
        }
        Ok(())
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
];

pub fn make(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "posix", functions::DOC, functions::FUNCTIONS)?;
    module::add_functions(cx, &m, process::functions::FUNCTIONS)?;
    module::add_functions(cx, &m, more::functions::FUNCTIONS)?;
    for (name, value) in CONSTANTS.iter().chain(constants::CONSTANTS) {
        m.set_int(cx, name, *value)?;
    }
    for (name, table) in [("sysconf_names", constants::SYSCONF), ("pathconf_names", constants::PATHCONF)] {
        let d = process::names(cx, table)?;
        m.set(cx, name, d)?;
    }
    for (key, def) in [("statvfs_result", &process::STATVFS), ("stat_result", &STAT), ("terminal_size", &TERMINAL), ("uname_result", &UNAME), ("times_result", &TIMES)] {
        let ty = structseq::make_type(cx, def)?;
        m.set(cx, key, ty.into_obj())?;
    }
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
    let have = ["HAVE_LSTAT", "HAVE_FTRUNCATE", "HAVE_FCHOWN", "HAVE_FSTATVFS", "HAVE_FPATHCONF"].iter().map(|t| cx.str(t)).collect::<PyResult<Vec<_>>>()?;
    let have = cx.list(have)?;
    m.set(cx, "_have_functions", have)?;
    Ok(m.into_obj())
}
