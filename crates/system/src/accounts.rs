//! Users and groups, from the system's databases (`<pwd.h>`, `<grp.h>`).

use super::files::c_text;
use retic_runtime::host::accounts::{Accounts, Group, Sought, User};
use std::ffi::{CStr, c_char};
use std::io::{Error, Result};
use std::sync::{Mutex, MutexGuard};

/// Walking through a database has one place in the whole process: one walk at a time.
static WALK: Mutex<()> = Mutex::new(());
fn walk() -> MutexGuard<'static, ()> {
    WALK.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Sizes of the buffer for an entry's texts: where it starts, where growing ends.
const FIRST: usize = 1 << 10;
const LAST: usize = 1 << 26;

/// # Safety
/// `p` is null or points to bytes that end in zero.
unsafe fn bytes(p: *const c_char) -> Vec<u8> {
    // SAFETY: by the contract above.
    if p.is_null() { Vec::new() } else { unsafe { CStr::from_ptr(p) }.to_bytes().to_vec() }
}
/// # Safety
/// The texts of `p` end in zero.
unsafe fn user(p: &libc::passwd) -> User {
    // SAFETY: by the contract above.
    unsafe {
        User { name: bytes(p.pw_name), password: bytes(p.pw_passwd), uid: p.pw_uid, gid: p.pw_gid, gecos: bytes(p.pw_gecos), directory: bytes(p.pw_dir), shell: bytes(p.pw_shell) }
    }
}
/// # Safety
/// The texts of `g` end in zero, its list of members in a null pointer.
unsafe fn group(g: &libc::group) -> Group {
    let mut members = Vec::new();
    // SAFETY: by the contract above.
    unsafe {
        let mut at = g.gr_mem;
        while !at.is_null() && !(*at).is_null() {
            members.push(bytes(*at));
            at = at.add(1);
        }
        Group { name: bytes(g.gr_name), password: bytes(g.gr_passwd), gid: g.gr_gid, members }
    }
}

/// Asks with buffers that grow until the entry fits; `ask` gives the system's number of what went wrong, and whether there was an entry.
fn with_buffer<T>(mut ask: impl FnMut(&mut [c_char]) -> (i32, Option<T>)) -> Result<Option<T>> {
    let mut size = FIRST;
    loop {
        match ask(&mut vec![0; size]) {
            (libc::ERANGE, _) if size < LAST => size *= 2,
            (libc::EINTR, _) => {}
            // What the C library says of an entry that is not there.
            (0 | libc::ENOENT | libc::ESRCH, found) => return Ok(found),
            (errno, _) => return Err(Error::from_raw_os_error(errno)),
        }
    }
}

impl Accounts for super::System {
    fn user(&self, sought: Sought<'_>) -> Result<Option<User>> {
        let name = if let Sought::Name(name) = sought { Some(c_text(name)?) } else { None };
        with_buffer(|buffer| {
            // SAFETY: plain numbers and pointers, for which all zeros is a value.
            let mut entry: libc::passwd = unsafe { std::mem::zeroed() };
            let mut found = std::ptr::null_mut();
            let (b, n) = (buffer.as_mut_ptr(), buffer.len());
            // SAFETY: writes the entry, the buffer of that length, and one pointer; the texts are read before they go.
            unsafe {
                let r = match (&name, sought) {
                    (Some(name), _) => libc::getpwnam_r(name.as_ptr(), &raw mut entry, b, n, &raw mut found),
                    (None, Sought::Id(id)) => libc::getpwuid_r(id, &raw mut entry, b, n, &raw mut found),
                    (None, Sought::Name(_)) => 0,
                };
                (r, if found.is_null() { None } else { Some(user(&entry)) })
            }
        })
    }
    fn users(&self) -> Result<Vec<User>> {
        let _one = walk();
        let mut all = Vec::new();
        // SAFETY: nobody else walks meanwhile; each entry is read before the next is asked for.
        unsafe {
            libc::setpwent();
            while let Some(entry) = libc::getpwent().as_ref() {
                all.push(user(entry));
            }
            libc::endpwent();
        }
        Ok(all)
    }
    fn group(&self, sought: Sought<'_>) -> Result<Option<Group>> {
        let name = if let Sought::Name(name) = sought { Some(c_text(name)?) } else { None };
        with_buffer(|buffer| {
            // SAFETY: plain numbers and pointers, for which all zeros is a value.
            let mut entry: libc::group = unsafe { std::mem::zeroed() };
            let mut found = std::ptr::null_mut();
            let (b, n) = (buffer.as_mut_ptr(), buffer.len());
            // SAFETY: as for users; the list of members lies in the buffer.
            unsafe {
                let r = match (&name, sought) {
                    (Some(name), _) => libc::getgrnam_r(name.as_ptr(), &raw mut entry, b, n, &raw mut found),
                    (None, Sought::Id(id)) => libc::getgrgid_r(id, &raw mut entry, b, n, &raw mut found),
                    (None, Sought::Name(_)) => 0,
                };
                (r, if found.is_null() { None } else { Some(group(&entry)) })
            }
        })
    }
    fn groups_known(&self) -> Result<Vec<Group>> {
        let _one = walk();
        let mut all = Vec::new();
        // SAFETY: as for users.
        unsafe {
            libc::setgrent();
            while let Some(entry) = libc::getgrent().as_ref() {
                all.push(group(entry));
            }
            libc::endgrent();
        }
        Ok(all)
    }
}
