//! `fcntl`: requests to file descriptors, and locks.

use crate::select::descriptor;
use retic_runtime::host::terminal::{BLOCK_BYTES, Block};
use retic_runtime::types::{Bytes, Str, exception, int, module};
use retic_runtime::{Cx, Obj, PyResult, protocol};

/// Most bytes of a request's argument, as in CPython.
const ARGUMENT_MAX: usize = 1024;

fn plain<T>(cx: &mut Cx, r: std::io::Result<T>) -> PyResult<T> {
    r.map_err(|e| exception::raise_os(cx, &e, None, None))
}

/// The number given, if it is one.
fn number(cx: &mut Cx, argument: Option<&Obj>) -> PyResult<Option<i64>> {
    let Some(o) = argument else { return Ok(Some(0)) };
    if o.ty().slots(cx).index.is_none() {
        return Ok(None);
    }
    let o = protocol::index(cx, o)?;
    match int::to_i64(&o) {
        Some(n) => Ok(Some(n)),
        None => Err(cx.overflow_error("Python int too large to convert to C long")),
    }
}

/// The bytes given, in a block that is large enough for any request; and how many they are.
fn block(cx: &mut Cx, o: &Obj, function: &str) -> PyResult<(Box<Block>, usize)> {
    let bytes = match o.cast::<Str>() {
        Some(s) => s.to_text(cx).into_bytes(),
        None => protocol::buffer::bytes(cx, o)?,
    };
    if bytes.len() > ARGUMENT_MAX {
        return Err(cx.value_error(format!("{function} argument 3 is too long")));
    }
    let mut block = Box::new([0; BLOCK_BYTES]);
    block[..bytes.len()].copy_from_slice(&bytes);
    Ok((block, bytes.len()))
}

#[retic_macros::methods]
mod functions {
    //! This module performs file control and I/O control on file descriptors.
    use super::*;

    /// Perform the operation cmd on file descriptor fd.
    #[py("fcntl(fd, cmd, arg=0, /)")]
    pub fn fcntl(cx: &mut Cx, fd: &Obj, cmd: i64, arg: Option<&Obj>) -> PyResult {
        let fd = descriptor(cx, fd)?;
        cx.audit("fcntl.fcntl", &[i64::from(fd).into(), cmd.into(), arg.into()])?;
        if let Some(n) = number(cx, arg)? {
            let r = cx.host.control(fd, false, cmd as u64, n);
            let v = plain(cx, r)?;
            return cx.int(v);
        }
        let (mut b, n) = block(cx, arg.unwrap_or(&cx.none()), "fcntl")?;
        let r = cx.host.control_block(fd, false, cmd as u64, &mut b);
        plain(cx, r)?;
        Bytes::from_slice(cx, &b[..n])
    }
    /// Perform the operation request on file descriptor fd.
    #[py("ioctl(fd, request, arg=0, mutate_flag=True, /)")]
    pub fn ioctl(cx: &mut Cx, fd: &Obj, request: i64, arg: Option<&Obj>, mutate_flag: Option<&Obj>) -> PyResult {
        let fd = descriptor(cx, fd)?;
        cx.audit("fcntl.ioctl", &[i64::from(fd).into(), request.into(), arg.into()])?;
        if let Some(n) = number(cx, arg)? {
            let r = cx.host.control(fd, true, request as u64, n);
            let v = plain(cx, r)?;
            return cx.int(v);
        }
        let arg = arg.cloned().unwrap_or_else(|| cx.none());
        let (mut b, n) = block(cx, &arg, "ioctl")?;
        let mutate = match mutate_flag {
            Some(f) => protocol::truth(cx, f)?,
            None => true,
        };
        let target = if mutate && arg.cast::<Bytes>().is_none() && arg.cast::<Str>().is_none() { Some(protocol::buffer::writable(cx, &arg, "ioctl() argument")?) } else { None };
        let r = cx.host.control_block(fd, true, request as u64, &mut b);
        let r = plain(cx, r);
        if let Some(buffer) = target {
            if r.is_ok() {
                protocol::buffer::fill(cx, &buffer, &b[..n]);
            }
            protocol::buffer::release(cx, &arg);
            let v = r?;
            return cx.int(v);
        }
        r?;
        Bytes::from_slice(cx, &b[..n])
    }
    /// Perform the lock operation on file descriptor fd.
    #[py("flock(fd, operation, /)")]
    pub fn flock(cx: &mut Cx, fd: &Obj, operation: i64) -> PyResult<()> {
        let fd = descriptor(cx, fd)?;
        cx.audit("fcntl.flock", &[i64::from(fd).into(), operation.into()])?;
        let r = cx.host.lock_file(fd, operation as i32);
        plain(cx, r)
    }
    /// A wrapper around the fcntl() locking calls.
    #[py("lockf(fd, cmd, len=0, start=0, whence=0, /)")]
    pub fn lockf(cx: &mut Cx, fd: &Obj, cmd: i64, len: i64, start: i64, whence: i64) -> PyResult<()> {
        let fd = descriptor(cx, fd)?;
        cx.audit("fcntl.lockf", &[i64::from(fd).into(), cmd.into(), len.into(), start.into(), whence.into()])?;
        const SH: i64 = 1;
        const EX: i64 = 2;
        const NB: i64 = 4;
        const UN: i64 = 8;
        // F_RDLCK, F_WRLCK, F_UNLCK.
        let kind = match cmd {
            c if c & UN != 0 => 2,
            c if c & SH != 0 => 0,
            c if c & EX != 0 => 1,
            _ => return Err(cx.value_error("unrecognized lockf argument")),
        };
        let r = cx.host.lock_part(fd, kind, cmd & NB == 0, whence as i32, start, len);
        plain(cx, r)
    }
}

pub fn make(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "fcntl", functions::DOC, functions::FUNCTIONS)?;
    for (name, value) in NAMES {
        m.set_int(cx, name, *value)?;
    }
    Ok(m.into_obj())
}

/// The numbers of Linux.
#[rustfmt::skip]
const NAMES: &[(&str, i64)] = &[
    ("DN_ACCESS", 1),
    ("DN_ATTRIB", 32),
    ("DN_CREATE", 4),
    ("DN_DELETE", 8),
    ("DN_MODIFY", 2),
    ("DN_MULTISHOT", 0x80000000),
    ("DN_RENAME", 16),
    ("FASYNC", 8192),
    ("FD_CLOEXEC", 1),
    ("FICLONE", 0x40049409),
    ("FICLONERANGE", 0x4020940d),
    ("F_ADD_SEALS", 1033),
    ("F_DUPFD", 0),
    ("F_DUPFD_CLOEXEC", 1030),
    ("F_EXLCK", 4),
    ("F_GETFD", 1),
    ("F_GETFL", 3),
    ("F_GETLEASE", 1025),
    ("F_GETLK", 5),
    ("F_GETLK64", 5),
    ("F_GETOWN", 9),
    ("F_GETOWN_EX", 16),
    ("F_GETPIPE_SZ", 1032),
    ("F_GETSIG", 11),
    ("F_GET_FILE_RW_HINT", 1037),
    ("F_GET_RW_HINT", 1035),
    ("F_GET_SEALS", 1034),
    ("F_NOTIFY", 1026),
    ("F_OFD_GETLK", 36),
    ("F_OFD_SETLK", 37),
    ("F_OFD_SETLKW", 38),
    ("F_OWNER_PGRP", 2),
    ("F_OWNER_PID", 1),
    ("F_OWNER_TID", 0),
    ("F_RDLCK", 0),
    ("F_SEAL_FUTURE_WRITE", 16),
    ("F_SEAL_GROW", 4),
    ("F_SEAL_SEAL", 1),
    ("F_SEAL_SHRINK", 2),
    ("F_SEAL_WRITE", 8),
    ("F_SETFD", 2),
    ("F_SETFL", 4),
    ("F_SETLEASE", 1024),
    ("F_SETLK", 6),
    ("F_SETLK64", 6),
    ("F_SETLKW", 7),
    ("F_SETLKW64", 7),
    ("F_SETOWN", 8),
    ("F_SETOWN_EX", 15),
    ("F_SETPIPE_SZ", 1031),
    ("F_SETSIG", 10),
    ("F_SET_FILE_RW_HINT", 1038),
    ("F_SET_RW_HINT", 1036),
    ("F_SHLCK", 8),
    ("F_UNLCK", 2),
    ("F_WRLCK", 1),
    ("LOCK_EX", 2),
    ("LOCK_MAND", 32),
    ("LOCK_NB", 4),
    ("LOCK_READ", 64),
    ("LOCK_RW", 192),
    ("LOCK_SH", 1),
    ("LOCK_UN", 8),
    ("LOCK_WRITE", 128),
    ("RWH_WRITE_LIFE_EXTREME", 5),
    ("RWH_WRITE_LIFE_LONG", 4),
    ("RWH_WRITE_LIFE_MEDIUM", 3),
    ("RWH_WRITE_LIFE_NONE", 1),
    ("RWH_WRITE_LIFE_NOT_SET", 0),
    ("RWH_WRITE_LIFE_SHORT", 2),
];
