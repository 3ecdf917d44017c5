//! Named semaphores and shared memory, which processes find by name.

use super::files::{c_text, checked};
use retic_runtime::host::process::Semaphore;
use std::io::{Error, ErrorKind, Result};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// A semaphore that is open here. It stays so while somebody has it.
struct Named(*mut libc::sem_t);

// SAFETY: the functions on it may be called from any thread.
unsafe impl Send for Named {}
// SAFETY: as above.
unsafe impl Sync for Named {}

impl Drop for Named {
    fn drop(&mut self) {
        // SAFETY: opened in `open`, and nobody has it any more.
        unsafe { libc::sem_close(self.0) };
    }
}

/// Whether a wait succeeded: being too late or interrupted is no error.
fn waited(result: i32) -> Result<bool> {
    if result == 0 {
        return Ok(true);
    }
    let e = Error::last_os_error();
    match e.raw_os_error() {
        Some(libc::ETIMEDOUT | libc::EAGAIN | libc::EINTR) => Ok(false),
        _ => Err(e),
    }
}

impl Semaphore for Named {
    fn wait(&self, most: Duration) -> Result<bool> {
        let mut until = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: writes one timespec; the semaphore is open.
        unsafe {
            libc::clock_gettime(libc::CLOCK_REALTIME, &raw mut until);
            let ns = i64::from(most.subsec_nanos()) + until.tv_nsec;
            until.tv_sec += most.as_secs() as i64 + ns / 1_000_000_000;
            until.tv_nsec = ns % 1_000_000_000;
            waited(libc::sem_timedwait(self.0, &raw const until))
        }
    }
    fn try_wait(&self) -> Result<bool> {
        // SAFETY: the semaphore is open.
        waited(unsafe { libc::sem_trywait(self.0) })
    }
    fn post(&self) -> Result<()> {
        // SAFETY: the semaphore is open.
        checked(i64::from(unsafe { libc::sem_post(self.0) }))?;
        Ok(())
    }
    fn value(&self) -> Result<i32> {
        let mut value = 0;
        // SAFETY: the semaphore is open; writes one number.
        checked(i64::from(unsafe { libc::sem_getvalue(self.0, &raw mut value) }))?;
        Ok(value)
    }
    fn handle(&self) -> usize {
        self.0 as usize
    }
}

/// The semaphores that are open here.
#[derive(Default)]
pub struct Table(Vec<Weak<Named>>);

impl Table {
    pub fn open(&mut self, name: &[u8], create: Option<u32>) -> Result<Arc<dyn Semaphore>> {
        let name = c_text(name)?;
        // SAFETY: the name ends with a null byte.
        let made = unsafe {
            match create {
                Some(value) => libc::sem_open(name.as_ptr(), libc::O_CREAT | libc::O_EXCL, 0o600, value),
                None => libc::sem_open(name.as_ptr(), 0),
            }
        };
        if made == libc::SEM_FAILED {
            return Err(Error::last_os_error());
        }
        self.0.retain(|s| s.strong_count() > 0);
        let made = Arc::new(Named(made));
        self.0.push(Arc::downgrade(&made));
        Ok(made)
    }
    /// One that is open, by its handle.
    pub fn find(&self, handle: usize) -> Result<Arc<dyn Semaphore>> {
        let found = self.0.iter().filter_map(Weak::upgrade).find(|s| s.handle() == handle);
        found.map(|s| s as Arc<dyn Semaphore>).ok_or_else(|| Error::from(ErrorKind::NotFound))
    }
}

pub fn unlink(name: &[u8]) -> Result<()> {
    let name = c_text(name)?;
    // SAFETY: the name ends with a null byte.
    checked(i64::from(unsafe { libc::sem_unlink(name.as_ptr()) }))?;
    Ok(())
}

pub fn open_memory(name: &[u8], flags: i32, mode: u32) -> Result<i32> {
    let name = c_text(name)?;
    // SAFETY: the name ends with a null byte.
    checked(i64::from(unsafe { libc::shm_open(name.as_ptr(), flags | libc::O_CLOEXEC, mode as libc::mode_t) })).map(|fd| fd as i32)
}

pub fn unlink_memory(name: &[u8]) -> Result<()> {
    let name = c_text(name)?;
    // SAFETY: the name ends with a null byte.
    checked(i64::from(unsafe { libc::shm_unlink(name.as_ptr()) }))?;
    Ok(())
}
