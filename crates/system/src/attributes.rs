//! Extended attributes of files, and the processors that a process runs on.

use super::files::{c_text, checked};
use std::io::{Error, Result};

/// Calls with a buffer that grows until what is there fits.
fn whole(mut read: impl FnMut(*mut libc::c_void, usize) -> isize) -> Result<Vec<u8>> {
    const RANGE: i32 = 34;
    let mut buffer = vec![0u8; 256];
    loop {
        let n = read(buffer.as_mut_ptr().cast(), buffer.len());
        if let Ok(n) = usize::try_from(n) {
            buffer.truncate(n);
            return Ok(buffer);
        }
        let error = Error::last_os_error();
        if error.raw_os_error() != Some(RANGE) || buffer.len() > 1 << 20 {
            return Err(error);
        }
        buffer.resize(buffer.len() * 4, 0);
    }
}

pub fn attribute(path: &[u8], fd: Option<i32>, follow: bool, name: &[u8]) -> Result<Vec<u8>> {
    let (path, name) = (c_text(path)?, c_text(name)?);
    // SAFETY: reads two texts that end with a zero, writes into the buffer at most what it is told.
    whole(|at, len| unsafe {
        match fd {
            Some(fd) => libc::fgetxattr(fd, name.as_ptr(), at, len),
            None if follow => libc::getxattr(path.as_ptr(), name.as_ptr(), at, len),
            None => libc::lgetxattr(path.as_ptr(), name.as_ptr(), at, len),
        }
    })
}

pub fn attributes(path: &[u8], fd: Option<i32>, follow: bool) -> Result<Vec<u8>> {
    let path = c_text(path)?;
    // SAFETY: as in `attribute`.
    whole(|at, len| unsafe {
        match fd {
            Some(fd) => libc::flistxattr(fd, at.cast(), len),
            None if follow => libc::listxattr(path.as_ptr(), at.cast(), len),
            None => libc::llistxattr(path.as_ptr(), at.cast(), len),
        }
    })
}

pub fn set_attribute(path: &[u8], fd: Option<i32>, follow: bool, name: &[u8], value: Option<&[u8]>, flags: i32) -> Result<()> {
    let (path, name) = (c_text(path)?, c_text(name)?);
    // SAFETY: reads the texts, and the value as far as it goes.
    let r = unsafe {
        match (value, fd) {
            (Some(v), Some(fd)) => libc::fsetxattr(fd, name.as_ptr(), v.as_ptr().cast(), v.len(), flags),
            (Some(v), None) if follow => libc::setxattr(path.as_ptr(), name.as_ptr(), v.as_ptr().cast(), v.len(), flags),
            (Some(v), None) => libc::lsetxattr(path.as_ptr(), name.as_ptr(), v.as_ptr().cast(), v.len(), flags),
            (None, Some(fd)) => libc::fremovexattr(fd, name.as_ptr()),
            (None, None) if follow => libc::removexattr(path.as_ptr(), name.as_ptr()),
            (None, None) => libc::lremovexattr(path.as_ptr(), name.as_ptr()),
        }
    };
    checked(i64::from(r)).map(drop)
}

/// Processors that a mask has room for: more than any machine has.
const MOST: usize = 1 << 16;

pub fn affinity(pid: i64) -> Result<Vec<usize>> {
    let mut mask = vec![0u64; MOST / 64];
    // SAFETY: writes into the mask at most its length.
    checked(i64::from(unsafe { libc::sched_getaffinity(pid as i32, mask.len() * 8, mask.as_mut_ptr().cast()) }))?;
    Ok((0..MOST).filter(|n| mask[n / 64] >> (n % 64) & 1 == 1).collect())
}

pub fn set_affinity(pid: i64, processors: &[usize]) -> Result<()> {
    let mut mask = vec![0u64; MOST / 64];
    for n in processors {
        match mask.get_mut(n / 64) {
            Some(word) => *word |= 1 << (n % 64),
            None => return Err(Error::from_raw_os_error(libc::EINVAL)),
        }
    }
    // SAFETY: reads the mask.
    checked(i64::from(unsafe { libc::sched_setaffinity(pid as i32, mask.len() * 8, mask.as_ptr().cast()) })).map(drop)
}
