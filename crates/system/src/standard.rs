//! Standard descriptors that were closed when the process began. Rust's start opens `/dev/null` in their place, so that
//! nothing else takes their numbers; a Python program finds them closed, and None in `sys.stdin` and its kin.

use std::sync::atomic::{AtomicU8, Ordering};

/// Bit 0: standard input was closed, and so on.
static CLOSED: AtomicU8 = AtomicU8::new(0);

/// Runs before `main`, as everything in this section of the binary does.
#[cfg(target_os = "linux")]
#[used]
// SAFETY: a function of C's calling convention that needs nothing of what `main` sets up.
#[unsafe(link_section = ".init_array")]
static LOOK: extern "C" fn() = look;

#[cfg(target_os = "linux")]
extern "C" fn look() {
    for fd in 0..3 {
        // SAFETY: no memory is involved.
        if unsafe { libc::fcntl(fd, libc::F_GETFD) } < 0 {
            CLOSED.fetch_or(1 << fd, Ordering::Relaxed);
        }
    }
}

/// Closes again what was closed. To be called once, before the program has files of its own.
pub fn close_again() {
    let closed = CLOSED.swap(0, Ordering::Relaxed);
    for fd in (0..3).filter(|fd| closed >> fd & 1 == 1) {
        // SAFETY: no memory is involved; nobody uses these descriptors yet.
        unsafe { libc::close(fd) };
    }
}
