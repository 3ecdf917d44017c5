//! Signals of the process: a handler that notes them and wakes the interpreter up.

use super::files::checked;
use retic_runtime::host::SignalAction;
use std::io::Result;
use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicU32, AtomicU64, Ordering};

/// Signals that came: bit 0 is signal 1.
static CAME: AtomicU64 = AtomicU64::new(0);
/// The poll word of the interpreter that asked last.
static WORD: AtomicPtr<AtomicU32> = AtomicPtr::new(std::ptr::null_mut());
/// Where the number of each signal is written.
static WAKEUP: AtomicI32 = AtomicI32::new(-1);

/// Does only what may be done inside a signal handler: atomics, and one `write`.
extern "C" fn caught(signal: libc::c_int) {
    CAME.fetch_or(1 << (signal - 1), Ordering::SeqCst);
    let word = WORD.load(Ordering::SeqCst);
    // SAFETY: whoever set the word takes it back before it goes (`forget`); `errno` is kept for the code interrupted.
    unsafe {
        let errno = *libc::__errno_location();
        if let Some(word) = word.as_ref() {
            word.fetch_or(retic_runtime::cx::POLL_SIGNAL, Ordering::SeqCst);
        }
        let fd = WAKEUP.load(Ordering::SeqCst);
        if fd >= 0 {
            let byte = signal as u8;
            libc::write(fd, (&raw const byte).cast(), 1);
        }
        *libc::__errno_location() = errno;
    }
}

pub fn on_signal(signal: i32, action: SignalAction, word: *const AtomicU32) -> Result<SignalAction> {
    if action == SignalAction::Catch {
        WORD.store(word.cast_mut(), Ordering::SeqCst);
    }
    // SAFETY: both structures are ours; the handler is made for a signal's context.
    unsafe {
        let mut new: libc::sigaction = std::mem::zeroed();
        let mut old: libc::sigaction = std::mem::zeroed();
        new.sa_sigaction = match action {
            SignalAction::Default => libc::SIG_DFL,
            SignalAction::Ignore => libc::SIG_IGN,
            SignalAction::Catch => caught as *const () as usize,
        };
        libc::sigemptyset(&raw mut new.sa_mask);
        checked(i64::from(libc::sigaction(signal, &raw const new, &raw mut old)))?;
        Ok(named(&old))
    }
}

/// What happens now when a signal comes.
pub fn action(signal: i32) -> Result<SignalAction> {
    // SAFETY: the structure is ours.
    unsafe {
        let mut old: libc::sigaction = std::mem::zeroed();
        checked(i64::from(libc::sigaction(signal, std::ptr::null(), &raw mut old)))?;
        Ok(named(&old))
    }
}

fn named(a: &libc::sigaction) -> SignalAction {
    match a.sa_sigaction {
        libc::SIG_DFL => SignalAction::Default,
        libc::SIG_IGN => SignalAction::Ignore,
        _ => SignalAction::Catch,
    }
}

pub fn text(signal: i32) -> Option<String> {
    // SAFETY: a static text, or null.
    let text = unsafe { std::ffi::CStr::from_ptr(std::ptr::NonNull::new(libc::strsignal(signal))?.as_ptr()) };
    Some(text.to_string_lossy().into_owned()).filter(|t| !t.starts_with("Unknown signal"))
}

pub fn pending() -> u64 {
    CAME.swap(0, Ordering::SeqCst)
}

pub fn set_wakeup_descriptor(fd: i32) -> i32 {
    WAKEUP.swap(fd, Ordering::SeqCst)
}

/// The interpreter goes: its poll word is not written to any more.
pub fn forget() {
    WORD.store(std::ptr::null_mut(), Ordering::SeqCst);
}

/// A set of signals as the system has it.
fn set_of(bits: u64) -> libc::sigset_t {
    // SAFETY: the structure is ours; the numbers are those of signals.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        for n in (1..65).filter(|n| bits >> (n - 1) & 1 == 1) {
            libc::sigaddset(&raw mut set, n);
        }
        set
    }
}
fn bits_of(set: &libc::sigset_t) -> u64 {
    // SAFETY: reads the structure.
    (1..65).filter(|n| unsafe { libc::sigismember(set, *n) } == 1).fold(0, |all, n| all | 1 << (n - 1))
}

pub fn mask(how: i32, bits: u64) -> Result<u64> {
    let new = set_of(bits);
    let mut old = set_of(0);
    // SAFETY: both structures are ours.
    match unsafe { libc::pthread_sigmask(how, &raw const new, &raw mut old) } {
        0 => Ok(bits_of(&old)),
        e => Err(std::io::Error::from_raw_os_error(e)),
    }
}

pub fn blocked() -> u64 {
    let mut set = set_of(0);
    // SAFETY: writes the structure.
    unsafe { libc::sigpending(&raw mut set) };
    bits_of(&set)
}

pub fn raise(signal: i32) -> Result<()> {
    // SAFETY: no memory is involved.
    checked(i64::from(unsafe { libc::raise(signal) })).map(drop)
}

fn time_of(seconds: f64) -> libc::timeval {
    libc::timeval { tv_sec: seconds.floor() as libc::time_t, tv_usec: ((seconds - seconds.floor()) * 1e6).ceil().min(999_999.0) as libc::suseconds_t }
}
fn seconds_of(t: libc::timeval) -> f64 {
    t.tv_sec as f64 + t.tv_usec as f64 / 1e6
}

pub fn interval_timer(which: i32, new: Option<(f64, f64)>) -> Result<(f64, f64)> {
    let zero = libc::timeval { tv_sec: 0, tv_usec: 0 };
    let mut old = libc::itimerval { it_interval: zero, it_value: zero };
    // SAFETY: both structures are ours.
    let r = unsafe {
        match new {
            Some((value, interval)) => {
                let new = libc::itimerval { it_interval: time_of(interval), it_value: time_of(value) };
                libc::setitimer(which as _, &raw const new, &raw mut old)
            }
            None => libc::getitimer(which as _, &raw mut old),
        }
    };
    checked(i64::from(r))?;
    Ok((seconds_of(old.it_value), seconds_of(old.it_interval)))
}

/// Waits for one of the signals; none when the time is over first.
pub fn wait(bits: u64, seconds: Option<f64>) -> Result<Option<[i64; 7]>> {
    let set = set_of(bits);
    let s = seconds.unwrap_or(1e9);
    let time = libc::timespec { tv_sec: s.floor() as libc::time_t, tv_nsec: ((s - s.floor()) * 1e9) as libc::c_long };
    // SAFETY: the structures are ours; the fields read are those that signals of every kind fill.
    unsafe {
        let mut info: libc::siginfo_t = std::mem::zeroed();
        let n = libc::sigtimedwait(&raw const set, &raw mut info, &raw const time);
        if n < 0 {
            let e = std::io::Error::last_os_error();
            return if e.raw_os_error() == Some(libc::EAGAIN) { Ok(None) } else { Err(e) };
        }
        let (pid, uid) = (i64::from(info.si_pid()), i64::from(info.si_uid()));
        Ok(Some([i64::from(n), i64::from(info.si_code), i64::from(info.si_errno), pid, uid, i64::from(info.si_status()), 0]))
    }
}

/// The running thread takes no signals any more: they are for the others.
pub fn leave_to_others() {
    let _ = mask(libc::SIG_BLOCK, u64::MAX);
}

/// Ends the process as an interrupt does where nobody catches it, so that a shell sees why.
pub fn die_interrupted() {
    let _ = on_signal(libc::SIGINT, SignalAction::Default, std::ptr::null());
    let _ = mask(libc::SIG_UNBLOCK, 1 << (libc::SIGINT - 1));
    let _ = raise(libc::SIGINT);
}
