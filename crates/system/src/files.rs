//! Descriptors and files by name, over the C library.

use retic_runtime::host::Stat;
use std::ffi::CString;
use std::io::{Error, ErrorKind, Result};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

pub fn path(bytes: &[u8]) -> &Path {
    Path::new(std::ffi::OsStr::from_bytes(bytes))
}
pub fn c_text(bytes: &[u8]) -> Result<CString> {
    CString::new(bytes).map_err(|_| Error::from(ErrorKind::InvalidInput))
}
/// The C library's -1 as an error.
pub fn checked(result: i64) -> Result<i64> {
    if result < 0 { Err(Error::last_os_error()) } else { Ok(result) }
}
/// Again while a signal interrupts.
pub fn retried(mut f: impl FnMut() -> i64) -> Result<i64> {
    loop {
        match checked(f()) {
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            r => return r,
        }
    }
}

pub fn close(fd: i32) -> Result<()> {
    // SAFETY: no memory is involved.
    checked(i64::from(unsafe { libc::close(fd) })).map(drop)
}
pub fn read(fd: i32, out: &mut [u8]) -> Result<usize> {
    // SAFETY: writes into `out` only.
    checked(unsafe { libc::read(fd, out.as_mut_ptr().cast(), out.len()) } as i64).map(|n| n as usize)
}
pub fn write(fd: i32, bytes: &[u8]) -> Result<usize> {
    // SAFETY: reads from `bytes` only.
    checked(unsafe { libc::write(fd, bytes.as_ptr().cast(), bytes.len()) } as i64).map(|n| n as usize)
}
pub fn seek(fd: i32, offset: i64, whence: i32) -> Result<i64> {
    // SAFETY: no memory is involved.
    checked(unsafe { libc::lseek(fd, offset, whence) })
}
pub fn truncate(fd: i32, length: i64) -> Result<()> {
    // SAFETY: no memory is involved.
    retried(|| i64::from(unsafe { libc::ftruncate(fd, length) })).map(drop)
}
pub fn sync(fd: i32) -> Result<()> {
    // SAFETY: no memory is involved.
    retried(|| i64::from(unsafe { libc::fsync(fd) })).map(drop)
}
pub fn isatty(fd: i32) -> bool {
    // SAFETY: no memory is involved.
    unsafe { libc::isatty(fd) == 1 }
}
pub fn dup(fd: i32) -> Result<i32> {
    // SAFETY: no memory is involved.
    checked(i64::from(unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0) })).map(|fd| fd as i32)
}
pub fn dup2(fd: i32, to: i32, inheritable: bool) -> Result<i32> {
    // SAFETY: no memory is involved.
    let made = retried(|| i64::from(unsafe { libc::dup2(fd, to) }))? as i32;
    if !inheritable && fd != to {
        set_inheritable(made, false)?;
    }
    Ok(made)
}
pub fn pipe() -> Result<(i32, i32)> {
    let mut ends = [0i32; 2];
    // SAFETY: writes two numbers.
    checked(i64::from(unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) }))?;
    Ok((ends[0], ends[1]))
}
fn control(fd: i32, get: i32) -> Result<i32> {
    // SAFETY: no memory is involved.
    checked(i64::from(unsafe { libc::fcntl(fd, get) })).map(|v| v as i32)
}
fn change(fd: i32, get: i32, set: i32, bit: i32, on: bool) -> Result<()> {
    let now = control(fd, get)?;
    let new = if on { now | bit } else { now & !bit };
    // SAFETY: no memory is involved.
    checked(i64::from(unsafe { libc::fcntl(fd, set, new) })).map(drop)
}
pub fn inheritable(fd: i32) -> Result<bool> {
    Ok(control(fd, libc::F_GETFD)? & libc::FD_CLOEXEC == 0)
}
pub fn set_inheritable(fd: i32, yes: bool) -> Result<()> {
    change(fd, libc::F_GETFD, libc::F_SETFD, libc::FD_CLOEXEC, !yes)
}
pub fn blocking(fd: i32) -> Result<bool> {
    Ok(control(fd, libc::F_GETFL)? & libc::O_NONBLOCK == 0)
}
pub fn set_blocking(fd: i32, yes: bool) -> Result<()> {
    change(fd, libc::F_GETFL, libc::F_SETFL, libc::O_NONBLOCK, !yes)
}
pub fn copy_range(from: (i32, Option<i64>), to: (i32, Option<i64>), count: usize) -> Result<i64> {
    let (mut a, mut b) = (from.1, to.1);
    let place = |o: &mut Option<i64>| o.as_mut().map_or(std::ptr::null_mut(), |o| &raw mut *o);
    // SAFETY: reads and writes the two numbers.
    checked(unsafe { libc::copy_file_range(from.0, place(&mut a), to.0, place(&mut b), count, 0) } as i64)
}
pub fn terminal_size(fd: i32) -> Result<(i64, i64)> {
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: writes one struct.
    checked(i64::from(unsafe { libc::ioctl(fd, libc::TIOCGWINSZ, &raw mut size) }))?;
    Ok((i64::from(size.ws_col), i64::from(size.ws_row)))
}

pub fn convert(s: &libc::stat) -> Stat {
    let ns = |seconds: i64, ns: i64| i128::from(seconds) * 1_000_000_000 + i128::from(ns);
    Stat {
        mode: s.st_mode,
        ino: s.st_ino,
        dev: s.st_dev,
        nlink: s.st_nlink,
        uid: s.st_uid,
        gid: s.st_gid,
        size: s.st_size,
        atime_ns: ns(s.st_atime, s.st_atime_nsec),
        mtime_ns: ns(s.st_mtime, s.st_mtime_nsec),
        ctime_ns: ns(s.st_ctime, s.st_ctime_nsec),
        blksize: s.st_blksize,
        blocks: s.st_blocks,
        rdev: s.st_rdev,
    }
}
pub fn fstat(fd: i32) -> Result<Stat> {
    // SAFETY: as above.
    let mut s: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: writes one struct.
    checked(i64::from(unsafe { libc::fstat(fd, &raw mut s) }))?;
    Ok(convert(&s))
}
pub fn umask(mask: u32) -> u32 {
    // SAFETY: no memory is involved.
    unsafe { libc::umask(mask) }
}
