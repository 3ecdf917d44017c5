//! Clocks, environment, other processes, waiting for descriptors.

use super::files::{c_text, checked};
use retic_runtime::host::{Clock, Spawn};
use std::ffi::{CStr, CString};
use std::io::{Error, Result};

/// Fills in what the kernel's generator gives, without a file. False: it cannot be asked.
#[cfg(target_os = "linux")]
pub fn random_bytes(mut out: &mut [u8]) -> bool {
    while !out.is_empty() {
        // SAFETY: as many bytes may be written as there are.
        let n = unsafe { libc::getrandom(out.as_mut_ptr().cast(), out.len(), 0) };
        match usize::try_from(n) {
            Ok(n) => out = &mut out[n..],
            Err(_) if std::io::Error::last_os_error().kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return false,
        }
    }
    true
}
#[cfg(not(target_os = "linux"))]
pub fn random_bytes(_: &mut [u8]) -> bool {
    false
}

pub fn clock_ns(which: Clock) -> i128 {
    let id = match which {
        Clock::Realtime => libc::CLOCK_REALTIME,
        Clock::Monotonic => libc::CLOCK_MONOTONIC,
        Clock::ProcessCpu => libc::CLOCK_PROCESS_CPUTIME_ID,
        Clock::ThreadCpu => libc::CLOCK_THREAD_CPUTIME_ID,
    };
    let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes one timespec.
    unsafe { libc::clock_gettime(id, &raw mut t) };
    i128::from(t.tv_sec) * 1_000_000_000 + i128::from(t.tv_nsec)
}

pub fn set_env(name: &[u8], value: Option<&[u8]>) {
    use std::os::unix::ffi::OsStrExt;
    let name = std::ffi::OsStr::from_bytes(name);
    if name.is_empty() || name.as_bytes().contains(&b'=') || name.as_bytes().contains(&0) {
        return;
    }
    // SAFETY: the interpreter runs on one thread, and nothing else reads the environment meanwhile.
    unsafe {
        match value {
            Some(v) if !v.contains(&0) => std::env::set_var(name, std::ffi::OsStr::from_bytes(v)),
            Some(_) => {}
            None => std::env::remove_var(name),
        }
    }
}

pub fn ids() -> [i64; 5] {
    // SAFETY: no memory is involved.
    unsafe { [i64::from(libc::getppid()), i64::from(libc::getuid()), i64::from(libc::geteuid()), i64::from(libc::getgid()), i64::from(libc::getegid())] }
}

pub fn waitpid(pid: i64, options: i32) -> Result<(i64, i32)> {
    let mut status = 0;
    // SAFETY: writes one number.
    let got = checked(i64::from(unsafe { libc::waitpid(pid as i32, &raw mut status, options) }))?;
    Ok((got, status))
}
pub fn kill(pid: i64, signal: i32) -> Result<()> {
    // SAFETY: no memory is involved.
    checked(i64::from(unsafe { libc::kill(pid as i32, signal) })).map(drop)
}

fn pointers(texts: &[CString]) -> Vec<*const libc::c_char> {
    texts.iter().map(|t| t.as_ptr()).chain(std::iter::once(std::ptr::null())).collect()
}
fn texts(list: &[Vec<u8>]) -> Result<Vec<CString>> {
    list.iter().map(|t| c_text(t)).collect()
}

/// Starts a program. Everything is prepared before the fork: the child only makes system calls.
pub fn spawn(s: &Spawn<'_>) -> Result<i64> {
    let (args, programs) = (texts(s.args)?, texts(s.executables)?);
    let env = s.env.map(texts).transpose()?;
    let cwd = s.cwd.map(c_text).transpose()?;
    let (argv, envp) = (pointers(&args), env.as_deref().map(pointers));
    // SAFETY: the child calls only functions that are safe between fork and exec, on memory prepared above.
    unsafe {
        let pid = checked(i64::from(libc::fork()))?;
        if pid != 0 {
            return Ok(pid);
        }
        if let Err((errno, step)) = before(s, cwd.as_deref()) {
            give_up(s, errno, step);
        }
        let errno = enter(s, &programs, &argv, envp.as_deref());
        give_up(s, errno, "")
    }
}

/// Tells the parent why the program did not begin; `step` is subprocess's word for what failed, empty for the program itself.
unsafe fn give_up(s: &Spawn<'_>, errno: i32, step: &str) -> ! {
    let text = format_errno(errno);
    // SAFETY: writes texts that live, then ends.
    unsafe {
        libc::write(s.error_pipe, text.0.as_ptr().cast(), text.1);
        libc::write(s.error_pipe, step.as_ptr().cast(), step.len());
        libc::_exit(255)
    }
}

/// What a child made by `fork` does before a function of the caller's runs in it. A step that fails ends the child.
pub fn prepare_child(s: &Spawn<'_>) -> Result<()> {
    let cwd = s.cwd.map(c_text).transpose()?;
    // SAFETY: system calls on memory that lives.
    unsafe {
        if let Err((errno, step)) = before(s, cwd.as_deref()) {
            give_up(s, errno, step);
        }
    }
    Ok(())
}

/// The rest: returns only if the arguments hold zeros.
pub fn enter_program(s: &Spawn<'_>) {
    let (Ok(args), Ok(programs)) = (texts(s.args), texts(s.executables)) else { return };
    let Ok(env) = s.env.map(texts).transpose() else { return };
    let (argv, envp) = (pointers(&args), env.as_deref().map(pointers));
    // SAFETY: system calls on memory that lives.
    unsafe {
        let errno = enter(s, &programs, &argv, envp.as_deref());
        give_up(s, errno, "")
    }
}

/// `OSError:<hex>:` as subprocess reads it, without allocating.
fn format_errno(errno: i32) -> ([u8; 32], usize) {
    let mut out = [0u8; 32];
    let head = b"OSError:";
    out[..head.len()].copy_from_slice(head);
    let mut n = head.len();
    let mut digits = [0u8; 8];
    let (mut v, mut d) = (errno as u32, 0);
    loop {
        digits[d] = b"0123456789abcdef"[(v & 15) as usize];
        d += 1;
        v >>= 4;
        if v == 0 {
            break;
        }
    }
    for i in (0..d).rev() {
        out[n] = digits[i];
        n += 1;
    }
    out[n] = b':';
    (out, n + 1)
}

/// In the child: descriptors, folder, mask, signals, session, ids. What fails is told by its error number and subprocess's word.
unsafe fn before(s: &Spawn<'_>, cwd: Option<&CStr>) -> std::result::Result<(), (i32, &'static str)> {
    let failed = |step| Err((Error::last_os_error().raw_os_error().unwrap_or(0), step));
    // SAFETY: system calls on prepared memory.
    unsafe {
        let mut stdio = s.stdio;
        // A descriptor that would be overwritten on the way moves up first.
        for (i, fd) in stdio.iter_mut().enumerate() {
            if *fd >= 0 && *fd < i as i32 {
                *fd = libc::fcntl(*fd, libc::F_DUPFD_CLOEXEC, 3);
            }
        }
        for (i, fd) in stdio.into_iter().enumerate() {
            if fd == i as i32 {
                libc::fcntl(fd, libc::F_SETFD, 0);
            } else if fd >= 0 && libc::dup2(fd, i as i32) < 0 {
                return failed("noexec");
            }
        }
        if let Some(c) = cwd
            && libc::chdir(c.as_ptr()) < 0
        {
            return failed("noexec:chdir");
        }
        if s.umask >= 0 {
            libc::umask(s.umask as u32);
        }
        if s.restore_signals {
            for signal in [libc::SIGPIPE, libc::SIGXFSZ] {
                libc::signal(signal, libc::SIG_DFL);
            }
        }
        if s.new_session {
            libc::setsid();
        }
        if s.process_group >= 0 {
            libc::setpgid(0, s.process_group);
        }
        if let Some(groups) = s.groups
            && libc::setgroups(groups.len(), groups.as_ptr()) < 0
        {
            return failed("noexec");
        }
        if let Some(gid) = s.gid
            && libc::setregid(gid, gid) < 0
        {
            return failed("noexec");
        }
        if let Some(uid) = s.uid
            && libc::setreuid(uid, uid) < 0
        {
            return failed("noexec");
        }
    }
    Ok(())
}

/// In the child: closes all descriptors from 3 on but those kept and the error pipe.
unsafe fn close_others(s: &Spawn<'_>) {
    let kept = |fd: i32| fd == s.error_pipe || s.keep.contains(&fd);
    // The next one kept, at or after a number; those kept come in no order.
    let next = |from: i32| s.keep.iter().copied().chain([s.error_pipe]).filter(|fd| *fd >= from).min().unwrap_or(i32::MAX);
    let mut from = 3;
    // SAFETY: system calls with numbers.
    unsafe {
        while from < i32::MAX {
            let to = next(from);
            if to > from && libc::syscall(libc::SYS_close_range, from, to - 1, 0) != 0 {
                break;
            }
            from = to.saturating_add(1);
        }
        // A kernel that does not know the call.
        if from < i32::MAX {
            let all = libc::sysconf(libc::_SC_OPEN_MAX).clamp(256, 1 << 20) as i32;
            for fd in (from..all).filter(|fd| !kept(*fd)) {
                libc::close(fd);
            }
        }
    }
}

/// In the child: closes what is not kept and becomes the program. Returns only when it cannot be started.
unsafe fn enter(s: &Spawn<'_>, programs: &[CString], argv: &[*const libc::c_char], envp: Option<&[*const libc::c_char]>) -> i32 {
    let errno = || Error::last_os_error().raw_os_error().unwrap_or(0);
    // SAFETY: system calls on prepared memory.
    unsafe {
        for fd in s.keep {
            if *fd != s.error_pipe {
                libc::fcntl(*fd, libc::F_SETFD, 0);
            }
        }
        if s.close_fds {
            close_others(s);
        }
        let mut last = libc::ENOENT;
        for p in programs {
            match envp {
                Some(e) => libc::execve(p.as_ptr(), argv.as_ptr(), e.as_ptr()),
                None => libc::execv(p.as_ptr(), argv.as_ptr()),
            };
            let e = errno();
            if e != libc::ENOENT && e != libc::ENOTDIR {
                last = e;
            }
        }
        last
    }
}

pub fn uname() -> [String; 5] {
    // SAFETY: all-zero is a valid struct, which the call fills with texts that end in zero.
    unsafe {
        let mut u: libc::utsname = std::mem::zeroed();
        libc::uname(&raw mut u);
        let text = |p: *const libc::c_char| CStr::from_ptr(p).to_string_lossy().into_owned();
        [text(u.sysname.as_ptr()), text(u.nodename.as_ptr()), text(u.release.as_ptr()), text(u.version.as_ptr()), text(u.machine.as_ptr())]
    }
}

pub fn sleep(seconds: f64) {
    let whole = seconds.clamp(0.0, 1e15).floor();
    let t = libc::timespec { tv_sec: whole as libc::time_t, tv_nsec: ((seconds - whole).clamp(0.0, 0.999_999_999) * 1e9) as libc::c_long };
    // SAFETY: reads one timespec.
    unsafe { libc::nanosleep(&raw const t, std::ptr::null_mut()) };
}

pub fn thread_id() -> i64 {
    // SAFETY: no memory is involved.
    i64::from(unsafe { libc::gettid() })
}

pub fn set_thread_name(name: &str) {
    // The kernel keeps fifteen bytes.
    let mut end = name.len().min(15);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    if let Ok(text) = c_text(&name.as_bytes()[..end]) {
        // SAFETY: reads a text that ends with a zero.
        unsafe { libc::pthread_setname_np(libc::pthread_self(), text.as_ptr()) };
    }
}

pub fn poll(fds: &[(i32, i16)], timeout_ms: i32) -> Result<Vec<i16>> {
    let mut list: Vec<libc::pollfd> = fds.iter().map(|(fd, events)| libc::pollfd { fd: *fd, events: *events, revents: 0 }).collect();
    // SAFETY: reads and writes the list only.
    checked(i64::from(unsafe { libc::poll(list.as_mut_ptr(), list.len() as libc::nfds_t, timeout_ms) }))?;
    Ok(list.into_iter().map(|p| p.revents).collect())
}

pub fn epoll_create() -> Result<i32> {
    // SAFETY: makes a descriptor.
    checked(i64::from(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })).map(|fd| fd as i32)
}

pub fn epoll_control(epoll: i32, operation: i32, fd: i32, events: u32) -> Result<()> {
    let mut event = libc::epoll_event { events, u64: fd as u32 as u64 };
    // SAFETY: reads the event.
    checked(i64::from(unsafe { libc::epoll_ctl(epoll, operation, fd, &raw mut event) })).map(drop)
}

pub fn epoll_wait(epoll: i32, most: usize, timeout_ms: i32) -> Result<Vec<(i32, u32)>> {
    let mut list = vec![libc::epoll_event { events: 0, u64: 0 }; most.clamp(1, i32::MAX as usize)];
    // SAFETY: writes as many events as the list has room for, at the most.
    let n = checked(i64::from(unsafe { libc::epoll_wait(epoll, list.as_mut_ptr(), list.len() as i32, timeout_ms) }))?;
    Ok(list.into_iter().take(n as usize).map(|e| (e.u64 as i32, e.events)).collect())
}

pub fn tzset() {
    unsafe extern "C" {
        fn tzset();
    }
    // SAFETY: reads the environment, which only this thread changes, and the zone's file.
    unsafe { tzset() }
}

pub fn local_offset(seconds: i64) -> (i64, String, bool) {
    // SAFETY: all-zero is a valid struct, which the call fills; its zone name is a text the C library keeps.
    unsafe {
        let mut tm: libc::tm = std::mem::zeroed();
        if libc::localtime_r(&raw const seconds, &raw mut tm).is_null() {
            return (0, "UTC".into(), false);
        }
        let name = if tm.tm_zone.is_null() { String::new() } else { CStr::from_ptr(tm.tm_zone).to_string_lossy().into_owned() };
        (tm.tm_gmtoff, name, tm.tm_isdst > 0)
    }
}
