//! Extended attributes of files, and the processors that a process runs on.

use super::arguments::FormatInt;
use super::path::{self, Path};
use retic_runtime::protocol::buffer;
use retic_runtime::types::{Bytes, Int, Set, exception, int};
use retic_runtime::{Cx, Obj, PyResult, protocol};

/// A file by descriptor, or by name and whether to follow links.
fn file(cx: &mut Cx, o: &Obj, function: &str, follow: bool) -> PyResult<Path> {
    let p = path::of(cx, o, function, true)?;
    if p.fd.is_some() && !follow {
        return Err(cx.value_error(format!("{function}: cannot use fd and follow_symlinks together")));
    }
    Ok(p)
}

fn refused<T>(cx: &mut Cx, r: std::io::Result<T>, p: &Path) -> PyResult<T> {
    r.map_err(|e| exception::raise_os(cx, &e, Some(&p.given), None))
}

#[retic_macros::methods]
pub mod functions {
    use super::*;

    /// Return the value of extended attribute attribute on path.
    ///
    /// path may be either a string, a path-like object, or an open file descriptor.
    /// If follow_symlinks is False, and the last element of the path is a symbolic
    ///   link, getxattr will examine the symbolic link itself instead of the file
    ///   the link points to.
    #[py("getxattr(path, attribute, *, follow_symlinks=True)")]
    pub fn getxattr(cx: &mut Cx, path: &Obj, attribute: &Obj, follow_symlinks: bool) -> PyResult {
        let p = file(cx, path, "getxattr", follow_symlinks)?;
        let name = path::named(cx, attribute, "getxattr", "attribute")?;
        cx.audit("os.getxattr", &[path.into(), attribute.into()])?;
        let r = cx.host.attribute(&p.bytes, p.fd, follow_symlinks, &name.bytes);
        let value = refused(cx, r, &p)?;
        Bytes::from_slice(cx, &value)
    }
    /// Set extended attribute attribute on path to value.
    ///
    /// path may be either a string, a path-like object,  or an open file descriptor.
    /// If follow_symlinks is False, and the last element of the path is a symbolic
    ///   link, setxattr will modify the symbolic link itself instead of the file
    ///   the link points to.
    #[py("setxattr(path, attribute, value, flags=0, *, follow_symlinks=True)", "(path, attribute, value, flags=0, *,\n         follow_symlinks=True)")]
    pub fn setxattr(cx: &mut Cx, path: &Obj, attribute: &Obj, value: &Obj, flags: i64, follow_symlinks: bool) -> PyResult<()> {
        let p = file(cx, path, "setxattr", follow_symlinks)?;
        let name = path::named(cx, attribute, "setxattr", "attribute")?;
        let bytes = buffer::bytes(cx, value)?;
        cx.audit("os.setxattr", &[path.into(), attribute.into(), value.into(), flags.into()])?;
        let r = cx.host.set_attribute(&p.bytes, p.fd, follow_symlinks, &name.bytes, Some(&bytes), flags as i32);
        refused(cx, r, &p)
    }
    /// Remove extended attribute attribute on path.
    ///
    /// path may be either a string, a path-like object, or an open file descriptor.
    /// If follow_symlinks is False, and the last element of the path is a symbolic
    ///   link, removexattr will modify the symbolic link itself instead of the file
    ///   the link points to.
    #[py("removexattr(path, attribute, *, follow_symlinks=True)")]
    pub fn removexattr(cx: &mut Cx, path: &Obj, attribute: &Obj, follow_symlinks: bool) -> PyResult<()> {
        let p = file(cx, path, "removexattr", follow_symlinks)?;
        let name = path::named(cx, attribute, "removexattr", "attribute")?;
        cx.audit("os.removexattr", &[path.into(), attribute.into()])?;
        let r = cx.host.set_attribute(&p.bytes, p.fd, follow_symlinks, &name.bytes, None, 0);
        refused(cx, r, &p)
    }
    /// Return a list of extended attributes on path.
    ///
    /// path may be either None, a string, a path-like object, or an open file descriptor.
    /// if path is None, listxattr will examine the current directory.
    /// If follow_symlinks is False, and the last element of the path is a symbolic
    ///   link, listxattr will examine the symbolic link itself instead of the file
    ///   the link points to.
    #[py("listxattr(path=None, *, follow_symlinks=True)")]
    pub fn listxattr(cx: &mut Cx, path: Option<&Obj>, follow_symlinks: bool) -> PyResult {
        let dot = cx.str(".")?;
        let p = file(cx, path.filter(|p| !p.is_none()).unwrap_or(&dot), "listxattr", follow_symlinks)?;
        cx.audit("os.listxattr", &[path.into()])?;
        let r = cx.host.attributes(&p.bytes, p.fd, follow_symlinks);
        let names = refused(cx, r, &p)?;
        let mut out = Vec::new();
        for name in names.split(|b| *b == 0).filter(|n| !n.is_empty()) {
            out.push(path::name(cx, name, false)?);
        }
        cx.list(out)
    }
    /// Return the affinity of the process identified by pid (or the current process if zero).
    ///
    /// The affinity is returned as a set of CPU identifiers.
    #[py("sched_getaffinity(pid, /)")]
    pub fn sched_getaffinity(cx: &mut Cx, pid: FormatInt) -> PyResult {
        let processors = cx.host.affinity(pid.0).map_err(|e| exception::raise_os(cx, &e, None, None))?;
        let s = Set::new(cx)?;
        for n in processors {
            let n = cx.int(n as i64)?;
            s.add(cx, &n)?;
        }
        Ok(s.into_obj())
    }
    /// Set the CPU affinity of the process identified by pid to mask.
    ///
    ///   pid
    ///     The process ID.
    ///   mask
    ///     An iterable of integers identifying CPUs.
    #[py("sched_setaffinity(pid, mask, /)")]
    pub fn sched_setaffinity(cx: &mut Cx, pid: FormatInt, mask: &Obj) -> PyResult<()> {
        let mut processors = Vec::new();
        for o in protocol::collect(cx, mask)? {
            if o.cast::<Int>().is_none() {
                let class = protocol::repr_text(cx, &o.type_ref().into_obj())?;
                return Err(cx.type_error(format!("expected an iterator of ints, but iterator yielded {class}")));
            }
            match int::to_i64(&o) {
                Some(n) if n < 0 => return Err(cx.value_error("negative CPU number")),
                Some(n) if n < i64::from(i32::MAX) => processors.push(n as usize),
                Some(_) => return Err(cx.overflow_error("CPU number too large")),
                None => return Err(cx.overflow_error("Python int too large to convert to C long")),
            }
        }
        cx.host.set_affinity(pid.0, &processors).map_err(|e| exception::raise_os(cx, &e, None, None))
    }
}
