//! Files by their names, each looked for from a folder's descriptor where there is one.

use super::files::{c_text, checked, retried};
use super::packed;
use retic_runtime::host::Stat;
use retic_runtime::host::files::{Entry, Files, HERE, Place};
use std::ffi::CStr;
use std::io::{Error, Result};

/// Asks the files in the binary where the disk has nothing; they have no descriptors to start from.
fn instead<T>(s: &super::System, real: Result<T>, at: Place<'_>, answer: impl FnOnce(packed::Found) -> Result<T>) -> Result<T> {
    if at.folder == HERE { packed::instead(real, s.packed, at.name, answer) } else { real }
}

/// The two times as the kernel takes them.
fn specs(times: Option<[i128; 2]>) -> [libc::timespec; 2] {
    match times {
        Some(t) => t.map(|ns| libc::timespec { tv_sec: ns.div_euclid(1_000_000_000) as i64, tv_nsec: ns.rem_euclid(1_000_000_000) as i64 }),
        None => [libc::timespec { tv_sec: 0, tv_nsec: libc::UTIME_NOW }; 2],
    }
}

/// All entries of a folder, which is closed then.
fn entries(dir: *mut libc::DIR) -> Result<Vec<Entry>> {
    if dir.is_null() {
        return Err(Error::last_os_error());
    }
    let mut out = Vec::new();
    // SAFETY: an open folder that nobody else has; each entry is read before the next is asked for. The error number is
    // this thread's own.
    let errno = unsafe {
        loop {
            *libc::__errno_location() = 0;
            let Some(e) = libc::readdir(dir).as_ref() else { break *libc::__errno_location() };
            let name = CStr::from_ptr(e.d_name.as_ptr()).to_bytes();
            if !matches!(name, b"." | b"..") {
                out.push((name.to_vec(), e.d_type, e.d_ino));
            }
        }
    };
    // SAFETY: the folder is closed once, here.
    unsafe { libc::closedir(dir) };
    if errno == 0 { Ok(out) } else { Err(Error::from_raw_os_error(errno)) }
}

fn no_follow(follow: bool) -> i32 {
    if follow { 0 } else { libc::AT_SYMLINK_NOFOLLOW }
}

impl Files for super::System {
    fn open(&mut self, at: Place<'_>, flags: i32, mode: u32) -> Result<i32> {
        let p = c_text(at.name)?;
        // SAFETY: a text with its final zero.
        let r = retried(|| i64::from(unsafe { libc::openat(at.folder, p.as_ptr(), flags | libc::O_CLOEXEC, mode) })).map(|fd| fd as i32);
        instead(self, r, at, |found| packed::open(found, flags))
    }
    fn stat(&self, at: Place<'_>, follow: bool) -> Result<Stat> {
        let p = c_text(at.name)?;
        // SAFETY: all-zero is a valid struct; it is filled by the call.
        let mut s: libc::stat = unsafe { std::mem::zeroed() };
        // SAFETY: reads a text with its final zero, writes one struct.
        let r = checked(i64::from(unsafe { libc::fstatat(at.folder, p.as_ptr(), &raw mut s, no_follow(follow)) })).map(|_| super::files::convert(&s));
        instead(self, r, at, |found| Ok(packed::stat(&found)))
    }
    fn list(&self, path: &[u8]) -> Result<Vec<Entry>> {
        let p = c_text(path)?;
        // SAFETY: a text with its final zero.
        let r = entries(unsafe { libc::opendir(p.as_ptr()) });
        packed::instead(r, self.packed, path, packed::list)
    }
    fn list_open(&self, fd: i32) -> Result<Vec<Entry>> {
        let copy = super::files::dup(fd)?;
        // SAFETY: the copy becomes the folder's, or is closed; the place in a folder is shared with `fd`, hence the start.
        unsafe {
            let dir = libc::fdopendir(copy);
            if dir.is_null() {
                let e = Error::last_os_error();
                libc::close(copy);
                return Err(e);
            }
            libc::rewinddir(dir);
            let r = entries(dir);
            libc::lseek(fd, 0, libc::SEEK_SET);
            r
        }
    }
    fn mkdir(&mut self, at: Place<'_>, mode: u32) -> Result<()> {
        let p = c_text(at.name)?;
        // SAFETY: a text with its final zero.
        checked(i64::from(unsafe { libc::mkdirat(at.folder, p.as_ptr(), mode) })).map(drop)
    }
    fn remove(&mut self, at: Place<'_>, folder: bool) -> Result<()> {
        let p = c_text(at.name)?;
        // SAFETY: a text with its final zero.
        checked(i64::from(unsafe { libc::unlinkat(at.folder, p.as_ptr(), if folder { libc::AT_REMOVEDIR } else { 0 }) })).map(drop)
    }
    fn rename(&mut self, from: Place<'_>, to: Place<'_>) -> Result<()> {
        let (a, b) = (c_text(from.name)?, c_text(to.name)?);
        // SAFETY: texts with their final zeros.
        checked(i64::from(unsafe { libc::renameat(from.folder, a.as_ptr(), to.folder, b.as_ptr()) })).map(drop)
    }
    fn link(&mut self, from: Place<'_>, to: Place<'_>, follow: bool) -> Result<()> {
        let (a, b) = (c_text(from.name)?, c_text(to.name)?);
        // SAFETY: texts with their final zeros.
        checked(i64::from(unsafe { libc::linkat(from.folder, a.as_ptr(), to.folder, b.as_ptr(), if follow { libc::AT_SYMLINK_FOLLOW } else { 0 }) })).map(drop)
    }
    fn symlink(&mut self, target: &[u8], at: Place<'_>) -> Result<()> {
        let (a, b) = (c_text(target)?, c_text(at.name)?);
        // SAFETY: texts with their final zeros.
        checked(i64::from(unsafe { libc::symlinkat(a.as_ptr(), at.folder, b.as_ptr()) })).map(drop)
    }
    fn readlink(&self, at: Place<'_>) -> Result<Vec<u8>> {
        let p = c_text(at.name)?;
        let mut out = vec![0u8; 256];
        loop {
            // SAFETY: writes at most as many bytes as there is room for.
            let n = checked(unsafe { libc::readlinkat(at.folder, p.as_ptr(), out.as_mut_ptr().cast(), out.len()) } as i64)? as usize;
            if n < out.len() {
                out.truncate(n);
                return Ok(out);
            }
            out.resize(out.len() * 2, 0);
        }
    }
    fn chmod(&mut self, at: Place<'_>, mode: u32, follow: bool) -> Result<()> {
        let p = c_text(at.name)?;
        // SAFETY: a text with its final zero.
        checked(i64::from(unsafe { libc::fchmodat(at.folder, p.as_ptr(), mode, no_follow(follow)) })).map(drop)
    }
    fn chown(&mut self, at: Place<'_>, uid: u32, gid: u32, follow: bool) -> Result<()> {
        let p = c_text(at.name)?;
        // SAFETY: a text with its final zero.
        checked(i64::from(unsafe { libc::fchownat(at.folder, p.as_ptr(), uid, gid, no_follow(follow)) })).map(drop)
    }
    fn make_node(&mut self, at: Place<'_>, mode: u32, device: u64) -> Result<()> {
        let p = c_text(at.name)?;
        // SAFETY: a text with its final zero.
        checked(i64::from(unsafe { libc::mknodat(at.folder, p.as_ptr(), mode, device) })).map(drop)
    }
    fn set_times(&mut self, at: Place<'_>, times: Option<[i128; 2]>, follow: bool) -> Result<()> {
        let (p, times) = (c_text(at.name)?, specs(times));
        // SAFETY: reads a text with its final zero and two structs.
        checked(i64::from(unsafe { libc::utimensat(at.folder, p.as_ptr(), times.as_ptr(), no_follow(follow)) })).map(drop)
    }
    fn set_times_open(&mut self, fd: i32, times: Option<[i128; 2]>) -> Result<()> {
        let times = specs(times);
        // SAFETY: reads two structs.
        checked(i64::from(unsafe { libc::futimens(fd, times.as_ptr()) })).map(drop)
    }
    fn access(&self, at: Place<'_>, mode: i32, effective: bool, follow: bool) -> bool {
        let Ok(p) = c_text(at.name) else { return false };
        let flags = no_follow(follow) | if effective { libc::AT_EACCESS } else { 0 };
        // SAFETY: a text with its final zero.
        let there = unsafe { libc::faccessat(at.folder, p.as_ptr(), mode, flags) == 0 };
        there || at.folder == HERE && packed::find(self.packed, at.name).is_some_and(|found| packed::allows(&found, mode))
    }
    fn truncate_named(&mut self, path: &[u8], length: i64) -> Result<()> {
        let p = c_text(path)?;
        // SAFETY: a text with its final zero.
        retried(|| i64::from(unsafe { libc::truncate(p.as_ptr(), length) })).map(drop)
    }
    fn cwd(&self) -> Result<Vec<u8>> {
        use std::os::unix::ffi::OsStringExt;
        Ok(std::env::current_dir()?.into_os_string().into_vec())
    }
    fn chdir(&mut self, path: &[u8]) -> Result<()> {
        std::env::set_current_dir(super::files::path(path))
    }
}
