//! Files by name: what `os` does with them, from a folder's descriptor where one is given.

use super::arguments::{CInt, Device, DirFd, Fd, Gid, Offset, Uid};
use super::path::{self, Path};
use super::{asked, entries, plain, stat_result};
use retic_runtime::audit::Told;
use retic_runtime::host::files::{HERE, Place};
use retic_runtime::types::{Tuple, exception, int};
use retic_runtime::{Cx, Obj, PyResult, protocol};
use std::io::Error;

const EINVAL: i32 = 22;
const FIFO: u32 = 0o010_000;

impl Path {
    /// Where the name is looked for.
    pub(super) fn from(&self, folder: Option<DirFd>) -> Place<'_> {
        Place { name: &self.bytes, folder: folder.map_or(HERE, |f| f.0) }
    }
}
/// A folder as audit hooks are told of it.
fn told(folder: Option<DirFd>) -> Told<'static> {
    folder.map_or(-1, |f| i64::from(f.0)).into()
}

pub(super) fn stat_of(cx: &mut Cx, path: &Obj, folder: Option<DirFd>, follow: bool, function: &str, allow_fd: bool) -> PyResult {
    let p = path::of(cx, path, function, allow_fd)?;
    let r = match p.fd {
        Some(_) if folder.is_some() => return Err(cx.value_error(format!("{function}: can't specify dir_fd without matching path"))),
        Some(_) if !follow => return Err(cx.value_error(format!("{function}: cannot use fd and follow_symlinks together"))),
        Some(fd) => cx.host.fstat(fd),
        None => cx.host.stat(p.from(folder), follow),
    };
    let s = asked(cx, r, &p)?;
    stat_result(cx, &s)
}

/// Two names and their folders; a failure names both.
fn both(cx: &mut Cx, a: (&Path, Option<DirFd>), b: (&Path, Option<DirFd>), ask: impl FnOnce(&mut Cx, Place<'_>, Place<'_>) -> std::io::Result<()>) -> PyResult<()> {
    ask(cx, a.0.from(a.1), b.0.from(b.1)).map_err(|e| exception::raise_os(cx, &e, Some(&a.0.given), Some(&b.0.given)))
}
fn rename_as(cx: &mut Cx, function: &str, src: &Obj, dst: &Obj, from: Option<DirFd>, to: Option<DirFd>) -> PyResult<()> {
    let (a, b) = (path::named(cx, src, function, "src")?, path::named(cx, dst, function, "dst")?);
    cx.audit("os.rename", &[src.into(), dst.into(), told(from), told(to)])?;
    both(cx, (&a, from), (&b, to), |cx, a, b| cx.host.rename(a, b))
}

/// A time of `utime` in nanoseconds; its seconds fit a `time_t`.
fn as_ns(cx: &mut Cx, o: &Obj, unit_is_ns: bool) -> PyResult<i128> {
    const BILLION: i128 = 1_000_000_000;
    let large = |cx: &mut Cx| cx.overflow_error("timestamp out of range for platform time_t");
    if !unit_is_ns && let Some(f) = o.cast::<retic_runtime::types::Float>() {
        let v = f.value.get();
        if v.is_nan() {
            return Err(cx.value_error("Invalid value NaN (not a number)"));
        }
        let (whole, part) = (v.floor(), v - v.floor());
        if !(-9.3e18..9.2e18).contains(&whole) {
            return Err(large(cx));
        }
        return Ok(whole as i128 * BILLION + (part * 1e9).floor() as i128);
    }
    let n = protocol::index(cx, o)?;
    let wide = int::to_i64(&n).map(i128::from).or_else(|| {
        let bytes: [u8; 16] = int::to_big(&n)?.to_bytes_le(16, true)?.try_into().ok()?;
        Some(i128::from_le_bytes(bytes))
    });
    let ns = wide.and_then(|n| if unit_is_ns { Some(n) } else { n.checked_mul(BILLION) });
    ns.filter(|ns| i64::try_from(ns.div_euclid(BILLION)).is_ok()).ok_or_else(|| large(cx))
}

/// A folder to be read: `None` is the working folder.
fn folder(cx: &mut Cx, path: Option<&Obj>, function: &str) -> PyResult<Path> {
    match path {
        Some(p) => path::of_folder(cx, p, function),
        None => {
            let here = cx.str(".")?;
            path::of(cx, &here, function, false)
        }
    }
}

#[retic_macros::methods]
pub mod functions {
    use super::*;

    /// What the system knows of a file: a path, or an open file's descriptor.
    ///
    /// With dir_fd a relative path starts at that folder. With follow_symlinks=False a symbolic link itself is meant. A
    /// descriptor goes with neither.
    #[py("stat(path, *, dir_fd=None, follow_symlinks=True)")]
    pub fn stat(cx: &mut Cx, path: &Obj, dir_fd: Option<DirFd>, follow_symlinks: bool) -> PyResult {
        stat_of(cx, path, dir_fd, follow_symlinks, "stat", true)
    }
    /// What the system knows of a file; of a symbolic link itself.
    #[py("lstat(path, *, dir_fd=None)")]
    pub fn lstat(cx: &mut Cx, path: &Obj, dir_fd: Option<DirFd>) -> PyResult {
        stat_of(cx, path, dir_fd, false, "lstat", false)
    }
    /// Opens a file for reading and writing by its descriptor, a number, which is returned.
    ///
    /// With dir_fd a relative path starts at that folder. Programs started later do not inherit the descriptor.
    #[py("open(path, flags, mode=511, *, dir_fd=None)")]
    pub fn open(cx: &mut Cx, path: &Obj, flags: CInt, mode: Option<CInt>, dir_fd: Option<DirFd>) -> PyResult<i64> {
        let p = path::of(cx, path, "open", false)?;
        cx.audit("open", &[path.into(), Told::Nothing, i64::from(flags.0 | 0o2_000_000).into()])?;
        let r = cx.host.open(p.from(dir_fd), flags.0, mode.map_or(0o777, |m| m.0) as u32);
        asked(cx, r, &p).map(i64::from)
    }
    /// Whether the process's real ids allow something of a file: F_OK (it is there) or R_OK, W_OK, X_OK or-ed.
    ///
    /// With dir_fd a relative path starts at that folder; with effective_ids the effective ids count; with
    /// follow_symlinks=False a symbolic link itself is meant.
    #[py("access(path, mode, *, dir_fd=None, effective_ids=False, follow_symlinks=True)", "(path, mode, *, dir_fd=None, effective_ids=False,\n       follow_symlinks=True)")]
    pub fn access(cx: &mut Cx, path: &Obj, mode: CInt, dir_fd: Option<DirFd>, effective_ids: bool, follow_symlinks: bool) -> PyResult<bool> {
        let p = path::of(cx, path, "access", false)?;
        Ok(cx.host.access(p.from(dir_fd), mode.0, effective_ids, follow_symlinks))
    }
    /// Makes another folder the working folder: a path or a folder's descriptor.
    #[py("chdir(path)")]
    pub fn chdir(cx: &mut Cx, path: &Obj) -> PyResult<()> {
        let p = path::of(cx, path, "chdir", true)?;
        cx.audit("os.chdir", &[path.into()])?;
        let r = match p.fd {
            Some(fd) => cx.host.number(retic_runtime::host::process::Call::Fchdir, [fd.into(), 0, 0, 0]).map(drop),
            None => cx.host.chdir(&p.bytes),
        };
        asked(cx, r, &p)
    }
    /// Makes the folder of a descriptor the working folder.
    #[py("fchdir(fd)")]
    pub fn fchdir(cx: &mut Cx, fd: Fd) -> PyResult<()> {
        cx.audit("os.chdir", &[i64::from(fd.0).into()])?;
        let r = cx.host.number(retic_runtime::host::process::Call::Fchdir, [fd.0.into(), 0, 0, 0]).map(drop);
        plain(cx, r)
    }
    /// Sets who may read, write and run a file: a path, or an open file's descriptor.
    ///
    /// With dir_fd a relative path starts at that folder; with follow_symlinks=False a symbolic link itself is changed,
    /// where the system can do that.
    #[py("chmod(path, mode, *, dir_fd=None, follow_symlinks=True)", "(path, mode, *, dir_fd=None,\n      follow_symlinks=(os.name != 'nt'))")]
    pub fn chmod(cx: &mut Cx, path: &Obj, mode: CInt, dir_fd: Option<DirFd>, follow_symlinks: bool) -> PyResult<()> {
        const EOPNOTSUPP: i32 = 95;
        let p = path::of(cx, path, "chmod", true)?;
        cx.audit("os.chmod", &[path.into(), i64::from(mode.0).into(), told(dir_fd)])?;
        let r = match p.fd {
            Some(fd) => cx.host.number(retic_runtime::host::process::Call::Fchmod, [fd.into(), mode.0.into(), 0, 0]).map(drop),
            None => cx.host.chmod(p.from(dir_fd), mode.0 as u32, follow_symlinks),
        };
        match r {
            Err(e) if p.fd.is_none() && !follow_symlinks && e.raw_os_error() == Some(EOPNOTSUPP) => match dir_fd {
                Some(_) => Err(cx.value_error("chmod: cannot use dir_fd and follow_symlinks together")),
                None => Err(cx.error_of(&cx.types.not_implemented_error, "chmod: follow_symlinks unavailable on this platform")),
            },
            r => asked(cx, r, &p),
        }
    }
    /// Sets who may read, write and run the file of a descriptor.
    #[py("fchmod(fd, mode)")]
    pub fn fchmod(cx: &mut Cx, fd: CInt, mode: CInt) -> PyResult<()> {
        cx.audit("os.chmod", &[i64::from(fd.0).into(), i64::from(mode.0).into(), (-1).into()])?;
        let r = cx.host.number(retic_runtime::host::process::Call::Fchmod, [fd.0.into(), mode.0.into(), 0, 0]).map(drop);
        plain(cx, r)
    }
    /// Sets the user and the group that own a file: a path, or an open file's descriptor. An id of -1 stays.
    ///
    /// With dir_fd a relative path starts at that folder; with follow_symlinks=False a symbolic link itself is changed. As in
    /// CPython a descriptor goes with the latter, which says nothing then.
    #[py("chown(path, uid, gid, *, dir_fd=None, follow_symlinks=True)")]
    pub fn chown(cx: &mut Cx, path: &Obj, uid: Uid, gid: Gid, dir_fd: Option<DirFd>, follow_symlinks: bool) -> PyResult<()> {
        let p = path::of(cx, path, "chown", true)?;
        if p.fd.is_some() && dir_fd.is_some() {
            return Err(cx.value_error("chown: can't specify both dir_fd and fd"));
        }
        cx.audit("os.chown", &[path.into(), shown(uid.0), shown(gid.0), told(dir_fd)])?;
        let r = match p.fd {
            Some(fd) => cx.host.number(retic_runtime::host::process::Call::Fchown, [fd.into(), uid.0.into(), gid.0.into(), 0]).map(drop),
            None => cx.host.chown(p.from(dir_fd), uid.0, gid.0, follow_symlinks),
        };
        asked(cx, r, &p)
    }
    /// Sets the user and the group that own the file of a descriptor. An id of -1 stays.
    #[py("fchown(fd, uid, gid)")]
    pub fn fchown(cx: &mut Cx, fd: CInt, uid: Uid, gid: Gid) -> PyResult<()> {
        cx.audit("os.chown", &[i64::from(fd.0).into(), shown(uid.0), shown(gid.0), (-1).into()])?;
        let r = cx.host.number(retic_runtime::host::process::Call::Fchown, [fd.0.into(), uid.0.into(), gid.0.into(), 0]).map(drop);
        plain(cx, r)
    }
    /// Sets the user and the group that own a file; a symbolic link itself is changed. An id of -1 stays.
    #[py("lchown(path, uid, gid)")]
    pub fn lchown(cx: &mut Cx, path: &Obj, uid: Uid, gid: Gid) -> PyResult<()> {
        let p = path::of(cx, path, "lchown", false)?;
        cx.audit("os.chown", &[path.into(), shown(uid.0), shown(gid.0), (-1).into()])?;
        let r = cx.host.chown(p.from(None), uid.0, gid.0, false);
        asked(cx, r, &p)
    }
    /// Gives a file another name besides its own.
    ///
    /// With src_dir_fd or dst_dir_fd that relative path starts at that folder; with follow_symlinks=False a symbolic link
    /// itself gets the name.
    #[py("link(src, dst, *, src_dir_fd=None, dst_dir_fd=None, follow_symlinks=True)", "(src, dst, *, src_dir_fd=None, dst_dir_fd=None,\n     follow_symlinks=True)")]
    pub fn link(cx: &mut Cx, src: &Obj, dst: &Obj, src_dir_fd: Option<DirFd>, dst_dir_fd: Option<DirFd>, follow_symlinks: bool) -> PyResult<()> {
        let (a, b) = (path::named(cx, src, "link", "src")?, path::named(cx, dst, "link", "dst")?);
        cx.audit("os.link", &[src.into(), dst.into(), told(src_dir_fd), told(dst_dir_fd)])?;
        // As CPython on Linux: without folders links are not followed, whatever is asked.
        let follow = follow_symlinks && (src_dir_fd.is_some() || dst_dir_fd.is_some());
        both(cx, (&a, src_dir_fd), (&b, dst_dir_fd), |cx, a, b| cx.host.link(a, b, follow))
    }
    /// The names in a folder, in no order, without "." and "..": of a path, of a folder's descriptor, or of the working folder.
    ///
    /// Names are bytes where the path is.
    #[py("listdir(path=None)")]
    pub fn listdir(cx: &mut Cx, path: Option<&Obj>) -> PyResult {
        let p = folder(cx, path, "listdir")?;
        cx.audit("os.listdir", &[path.into()])?;
        let r = match p.fd {
            Some(fd) => cx.host.list_open(fd),
            None => cx.host.list(&p.bytes),
        };
        let names = asked(cx, r, &p)?;
        let names = names.into_iter().map(|n| path::name(cx, &n.0, p.is_bytes)).collect::<PyResult<Vec<_>>>()?;
        cx.list(names)
    }
    /// Walks over a folder: a DirEntry for each name, of a path, of a folder's descriptor, or of the working folder.
    #[py("scandir(path=None)")]
    pub fn scandir(cx: &mut Cx, path: Option<&Obj>) -> PyResult {
        let p = folder(cx, path, "scandir")?;
        cx.audit("os.scandir", &[path.into()])?;
        entries::scan(cx, &p)
    }
    /// Makes a folder.
    ///
    /// With dir_fd a relative path starts at that folder.
    #[py("mkdir(path, mode=511, *, dir_fd=None)")]
    pub fn mkdir(cx: &mut Cx, path: &Obj, mode: Option<CInt>, dir_fd: Option<DirFd>) -> PyResult<()> {
        let p = path::of(cx, path, "mkdir", false)?;
        let mode = mode.map_or(0o777, |m| m.0);
        cx.audit("os.mkdir", &[path.into(), i64::from(mode).into(), told(dir_fd)])?;
        let r = cx.host.mkdir(p.from(dir_fd), mode as u32);
        asked(cx, r, &p)
    }
    /// Makes a named pipe.
    ///
    /// With dir_fd a relative path starts at that folder.
    #[py("mkfifo(path, mode=438, *, dir_fd=None)")]
    pub fn mkfifo(cx: &mut Cx, path: &Obj, mode: Option<CInt>, dir_fd: Option<DirFd>) -> PyResult<()> {
        let p = path::of(cx, path, "mkfifo", false)?;
        let r = cx.host.make_node(p.from(dir_fd), mode.map_or(0o666, |m| m.0) as u32 & 0o7777 | FIFO, 0);
        plain(cx, r)
    }
    /// Makes a file, a named pipe or a device, as its mode says.
    ///
    /// With dir_fd a relative path starts at that folder.
    #[py("mknod(path, mode=384, device=0, *, dir_fd=None)")]
    pub fn mknod(cx: &mut Cx, path: &Obj, mode: Option<CInt>, device: Option<Device>, dir_fd: Option<DirFd>) -> PyResult<()> {
        let p = path::of(cx, path, "mknod", false)?;
        let device = device.map_or(0, |d| d.0);
        // -1 is no device.
        let r = if device == u64::MAX { Err(Error::from_raw_os_error(EINVAL)) } else { cx.host.make_node(p.from(dir_fd), mode.map_or(0o600, |m| m.0) as u32, device) };
        plain(cx, r)
    }
    /// Where a symbolic link leads, as it was written.
    ///
    /// With dir_fd a relative path starts at that folder.
    #[py("readlink(path, *, dir_fd=None)")]
    pub fn readlink(cx: &mut Cx, path: &Obj, dir_fd: Option<DirFd>) -> PyResult {
        let p = path::of(cx, path, "readlink", false)?;
        let r = cx.host.readlink(p.from(dir_fd));
        let target = asked(cx, r, &p)?;
        path::name(cx, &target, p.is_bytes)
    }
    /// Gives a file or folder another name.
    ///
    /// With src_dir_fd or dst_dir_fd that relative path starts at that folder.
    #[py("rename(src, dst, *, src_dir_fd=None, dst_dir_fd=None)")]
    pub fn rename(cx: &mut Cx, src: &Obj, dst: &Obj, src_dir_fd: Option<DirFd>, dst_dir_fd: Option<DirFd>) -> PyResult<()> {
        rename_as(cx, "rename", src, dst, src_dir_fd, dst_dir_fd)
    }
    /// Gives a file or folder another name; what had that name is gone.
    ///
    /// With src_dir_fd or dst_dir_fd that relative path starts at that folder.
    #[py("replace(src, dst, *, src_dir_fd=None, dst_dir_fd=None)")]
    pub fn replace(cx: &mut Cx, src: &Obj, dst: &Obj, src_dir_fd: Option<DirFd>, dst_dir_fd: Option<DirFd>) -> PyResult<()> {
        rename_as(cx, "replace", src, dst, src_dir_fd, dst_dir_fd)
    }
    /// Removes an empty folder.
    ///
    /// With dir_fd a relative path starts at that folder.
    #[py("rmdir(path, *, dir_fd=None)")]
    pub fn rmdir(cx: &mut Cx, path: &Obj, dir_fd: Option<DirFd>) -> PyResult<()> {
        let p = path::of(cx, path, "rmdir", false)?;
        cx.audit("os.rmdir", &[path.into(), told(dir_fd)])?;
        let r = cx.host.remove(p.from(dir_fd), true);
        asked(cx, r, &p)
    }
    /// Makes a symbolic link named dst that leads to src.
    ///
    /// target_is_directory matters on Windows alone. With dir_fd a relative dst starts at that folder.
    #[py("symlink(src, dst, target_is_directory=False, *, dir_fd=None)")]
    pub fn symlink(cx: &mut Cx, src: &Obj, dst: &Obj, target_is_directory: bool, dir_fd: Option<DirFd>) -> PyResult<()> {
        let _ = target_is_directory;
        let (a, b) = (path::named(cx, src, "symlink", "src")?, path::named(cx, dst, "symlink", "dst")?);
        cx.audit("os.symlink", &[src.into(), dst.into(), told(dir_fd)])?;
        both(cx, (&a, None), (&b, dir_fd), |cx, a, b| cx.host.symlink(a.name, b))
    }
    /// Removes a file.
    ///
    /// With dir_fd a relative path starts at that folder.
    #[py("unlink(path, *, dir_fd=None)")]
    pub fn unlink(cx: &mut Cx, path: &Obj, dir_fd: Option<DirFd>) -> PyResult<()> {
        removed(cx, path, dir_fd, "unlink")
    }
    /// Removes a file.
    ///
    /// With dir_fd a relative path starts at that folder.
    #[py("remove(path, *, dir_fd=None)")]
    pub fn remove(cx: &mut Cx, path: &Obj, dir_fd: Option<DirFd>) -> PyResult<()> {
        removed(cx, path, dir_fd, "remove")
    }
    /// Sets when a file, of a path or a descriptor, was last read and changed: to now, to times, two numbers of seconds,
    /// or to ns, two whole numbers of nanoseconds.
    ///
    /// With dir_fd a relative path starts at that folder; with follow_symlinks=False a symbolic link itself is meant. A
    /// descriptor goes with neither.
    #[py(
        "utime(path, times=None, *, ns=<unrepresentable>, dir_fd=None, follow_symlinks=True)",
        "(path, times=None, *, ns=<unrepresentable>,\n      dir_fd=None, follow_symlinks=True)"
    )]
    pub fn utime(cx: &mut Cx, path: &Obj, times: Option<&Obj>, ns: Option<&Obj>, dir_fd: Option<DirFd>, follow_symlinks: bool) -> PyResult<()> {
        let p = path::of(cx, path, "utime", true)?;
        cx.audit("os.utime", &[path.into(), times.into(), ns.into(), told(dir_fd)])?;
        if times.is_some() && ns.is_some() {
            return Err(cx.value_error("utime: you may specify either 'times' or 'ns' but not both"));
        }
        let wanted = match times.or(ns) {
            None => None,
            Some(given) => {
                let pair = given.cast::<Tuple>().map(|t| t.items().to_vec()).unwrap_or_default();
                let [a, m] = &pair[..] else {
                    return Err(cx.type_error(if ns.is_some() { "utime: 'ns' must be a tuple of two ints" } else { "utime: 'times' must be either a tuple of two ints or None" }));
                };
                Some([as_ns(cx, a, ns.is_some())?, as_ns(cx, m, ns.is_some())?])
            }
        };
        let r = match p.fd {
            Some(_) if dir_fd.is_some() => return Err(cx.value_error("utime: can't specify dir_fd without matching path")),
            Some(_) if !follow_symlinks => Err(Error::from_raw_os_error(EINVAL)),
            Some(fd) => cx.host.set_times_open(fd, wanted),
            None => cx.host.set_times(p.from(dir_fd), wanted, follow_symlinks),
        };
        asked(cx, r, &p)
    }
    /// Makes a file, of a path or a descriptor, so many bytes long.
    #[py("truncate(path, length)")]
    pub fn truncate(cx: &mut Cx, path: &Obj, length: Offset) -> PyResult<()> {
        let p = path::of(cx, path, "truncate", true)?;
        cx.audit("os.truncate", &[path.into(), length.0.into()])?;
        match p.fd {
            Some(fd) => {
                let r = cx.host.truncate(fd, length.0);
                plain(cx, r)
            }
            None => {
                let r = cx.host.truncate_named(&p.bytes, length.0);
                asked(cx, r, &p)
            }
        }
    }
    /// The working folder.
    #[py("getcwd()")]
    pub fn getcwd(cx: &mut Cx) -> PyResult {
        let r = cx.host.cwd();
        let b = plain(cx, r)?;
        path::name(cx, &b, false)
    }
    /// The working folder, as bytes.
    #[py("getcwdb()")]
    pub fn getcwdb(cx: &mut Cx) -> PyResult {
        let r = cx.host.cwd();
        let b = plain(cx, r)?;
        path::name(cx, &b, true)
    }
    /// Makes another folder the root of the file system for this process.
    #[py("chroot(path)")]
    pub fn chroot(cx: &mut Cx, path: &Obj) -> PyResult<()> {
        let p = path::of(cx, path, "chroot", false)?;
        let r = cx.host.path_number(retic_runtime::host::process::PathCall::Chroot, &p.bytes, [0, 0]).map(drop);
        asked(cx, r, &p)
    }
}

/// An id as audit hooks are told of it.
fn shown(id: u32) -> Told<'static> {
    if id == u32::MAX { (-1).into() } else { i64::from(id).into() }
}
fn removed(cx: &mut Cx, path: &Obj, folder: Option<DirFd>, function: &str) -> PyResult<()> {
    let p = path::of(cx, path, function, false)?;
    cx.audit("os.remove", &[path.into(), told(folder)])?;
    let r = cx.host.remove(p.from(folder), false);
    asked(cx, r, &p)
}
