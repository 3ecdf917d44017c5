//! Requests to the kernel with plain numbers, and the few with small buffers.

use super::files::{c_text, checked};
use super::{attributes, children};
use retic_runtime::host::Host;
use retic_runtime::host::process::{Call, PathCall, Process, SENDFILE_HERE, SpawnRequest, Waited};
use std::io::{Error, Result};

/// The result of a function that says -1 both for an answer and for a failure.
fn ambiguous(f: impl FnOnce() -> i64) -> Result<i64> {
    // SAFETY: the error number is this thread's own.
    unsafe { *libc::__errno_location() = 0 };
    match f() {
        -1 => match Error::last_os_error() {
            e if e.raw_os_error() == Some(0) => Ok(-1),
            e => Err(e),
        },
        v => Ok(v),
    }
}
/// The result of a function that returns the error number itself.
fn returned(code: i32) -> Result<i64> {
    if code == 0 { Ok(0) } else { Err(Error::from_raw_os_error(code)) }
}

impl Process for super::System {
    fn semaphore(&mut self, name: &[u8], create: Option<u32>) -> Result<std::sync::Arc<dyn retic_runtime::host::process::Semaphore>> {
        self.semaphores.open(name, create)
    }
    fn open_semaphore(&self, handle: usize) -> Result<std::sync::Arc<dyn retic_runtime::host::process::Semaphore>> {
        self.semaphores.find(handle)
    }
    fn unlink_semaphore(&mut self, name: &[u8]) -> Result<()> {
        super::semaphores::unlink(name)
    }
    fn shared_memory(&mut self, name: &[u8], flags: i32, mode: u32) -> Result<i32> {
        super::semaphores::open_memory(name, flags, mode)
    }
    fn unlink_shared_memory(&mut self, name: &[u8]) -> Result<()> {
        super::semaphores::unlink_memory(name)
    }
    fn interval_timer(&mut self, which: i32, new: Option<(f64, f64)>) -> Result<(f64, f64)> {
        super::signals::interval_timer(which, new)
    }
    fn raise_signal(&mut self, signal: i32) -> Result<()> {
        super::signals::raise(signal)
    }
    fn signal_mask(&mut self, how: i32, set: u64) -> Result<u64> {
        super::signals::mask(how, set)
    }
    fn blocked_signals(&self) -> u64 {
        super::signals::blocked()
    }
    fn signal_waiter(&self) -> fn(u64, Option<f64>) -> Result<Option<[i64; 7]>> {
        super::signals::wait
    }
    fn number(&mut self, call: Call, args: [i64; 4]) -> Result<i64> {
        let [a, b, c, d] = args;
        let (x, y, z) = (a as i32, b as i32, c as i32);
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: zeroes are a valid record.
        let mut parameters: libc::sched_param = unsafe { std::mem::zeroed() };
        // SAFETY: numbers go in and come out; offsets and records are local variables that outlive the calls.
        unsafe {
            match call {
                Call::Eventfd => checked(i64::from(libc::eventfd(a as u32, y))),
                Call::Fchdir => checked(i64::from(libc::fchdir(x))),
                Call::Fchmod => checked(i64::from(libc::fchmod(x, b as u32))),
                Call::Fchown => checked(i64::from(libc::fchown(x, b as u32, c as u32))),
                Call::Fork => checked(i64::from(libc::fork())),
                Call::Fpathconf => ambiguous(|| libc::fpathconf(x, y)),
                Call::Getpgid => checked(i64::from(libc::getpgid(x))),
                Call::Getpriority => ambiguous(|| i64::from(libc::getpriority(a as u32, b as u32))),
                Call::Getsid => checked(i64::from(libc::getsid(x))),
                Call::Grantpt => checked(i64::from(libc::grantpt(x))),
                Call::Killpg => checked(i64::from(libc::killpg(x, y))),
                Call::Lockf => checked(i64::from(libc::lockf(x, y, c))),
                Call::LoginTty => checked(i64::from(libc::login_tty(x))),
                Call::Nice => ambiguous(|| i64::from(libc::nice(x))),
                Call::PidfdOpen => checked(libc::syscall(libc::SYS_pidfd_open, x, b as u32)),
                Call::PosixFadvise => returned(libc::posix_fadvise(x, b, c, d as i32)),
                Call::PosixFallocate => returned(libc::posix_fallocate(x, b, c)),
                Call::PosixOpenpt => checked(i64::from(libc::posix_openpt(x))),
                Call::SchedGetPriorityMax => checked(i64::from(libc::sched_get_priority_max(x))),
                Call::SchedGetPriorityMin => checked(i64::from(libc::sched_get_priority_min(x))),
                Call::SchedGetscheduler => checked(i64::from(libc::sched_getscheduler(x))),
                Call::SchedGetparam => {
                    checked(i64::from(libc::sched_getparam(x, &raw mut parameters)))?;
                    Ok(i64::from(parameters.sched_priority))
                }
                Call::SchedRrGetInterval => {
                    checked(i64::from(libc::sched_rr_get_interval(x, &raw mut time)))?;
                    Ok(time.tv_sec * 1_000_000_000 + time.tv_nsec)
                }
                Call::SchedSetparam => {
                    parameters.sched_priority = y;
                    checked(i64::from(libc::sched_setparam(x, &raw const parameters)))
                }
                Call::SchedSetscheduler => {
                    parameters.sched_priority = z;
                    checked(i64::from(libc::sched_setscheduler(x, y, &raw const parameters)))
                }
                Call::Sendfile => {
                    let mut offset = c;
                    let place = if c == SENDFILE_HERE { std::ptr::null_mut() } else { &raw mut offset };
                    checked(libc::sendfile(x, y, place, d as usize) as i64)
                }
                Call::Setegid => checked(i64::from(libc::setegid(a as u32))),
                Call::Seteuid => checked(i64::from(libc::seteuid(a as u32))),
                Call::Setgid => checked(i64::from(libc::setgid(a as u32))),
                Call::Setns => checked(i64::from(libc::setns(x, y))),
                Call::Setpgid => checked(i64::from(libc::setpgid(x, y))),
                Call::Setpriority => checked(i64::from(libc::setpriority(a as u32, b as u32, z))),
                Call::Setregid => checked(i64::from(libc::setregid(a as u32, b as u32))),
                Call::Setresgid => checked(i64::from(libc::setresgid(a as u32, b as u32, c as u32))),
                Call::Setresuid => checked(i64::from(libc::setresuid(a as u32, b as u32, c as u32))),
                Call::Setreuid => checked(i64::from(libc::setreuid(a as u32, b as u32))),
                Call::Setsid => checked(i64::from(libc::setsid())),
                Call::Setuid => checked(i64::from(libc::setuid(a as u32))),
                Call::Sync => {
                    libc::sync();
                    Ok(0)
                }
                Call::Sysconf => ambiguous(|| libc::sysconf(x)),
                Call::Tcgetpgrp => checked(i64::from(libc::tcgetpgrp(x))),
                Call::Tcsetpgrp => checked(i64::from(libc::tcsetpgrp(x, y))),
                Call::TimerfdCreate => checked(i64::from(libc::timerfd_create(x, y))),
                Call::Unlockpt => checked(i64::from(libc::unlockpt(x))),
                Call::Unshare => checked(i64::from(libc::unshare(x))),
            }
        }
    }
    fn path_number(&mut self, call: PathCall, path: &[u8], args: [i64; 2]) -> Result<i64> {
        let text = c_text(path)?;
        let (p, a) = (text.as_ptr(), args[0]);
        // SAFETY: a text with its final zero, alive for the call.
        unsafe {
            match call {
                PathCall::Chroot => checked(i64::from(libc::chroot(p))),
                PathCall::MemfdCreate => checked(i64::from(libc::memfd_create(p, a as u32))),
                PathCall::Pathconf => ambiguous(|| libc::pathconf(p, a as i32)),
            }
        }
    }
    fn pipe_with(&mut self, flags: i32) -> Result<(i32, i32)> {
        let mut ends = [0i32; 2];
        // SAFETY: writes two numbers.
        checked(i64::from(unsafe { libc::pipe2(ends.as_mut_ptr(), flags) }))?;
        Ok((ends[0], ends[1]))
    }
    fn open_terminal(&mut self) -> Result<(i32, i32)> {
        let (mut master, mut slave) = (0, 0);
        // SAFETY: writes two numbers; the other results are not wanted.
        checked(i64::from(unsafe { libc::openpty(&raw mut master, &raw mut slave, std::ptr::null_mut(), std::ptr::null(), std::ptr::null()) }))?;
        for fd in [master, slave] {
            super::files::set_inheritable(fd, false)?;
        }
        Ok((master, slave))
    }
    fn terminal_of(&self, master: i32) -> Result<Vec<u8>> {
        let mut out = vec![0u8; 256];
        // SAFETY: writes at most that many bytes, the last a zero.
        returned(unsafe { libc::ptsname_r(master, out.as_mut_ptr().cast(), out.len()) })?;
        out.truncate(out.iter().position(|b| *b == 0).unwrap_or(0));
        Ok(out)
    }
    fn fork_terminal(&mut self) -> Result<(i64, i32)> {
        children::fork_terminal()
    }
    fn read_at(&mut self, fd: i32, out: &mut [u8], offset: i64, flags: i32) -> Result<usize> {
        let part = libc::iovec { iov_base: out.as_mut_ptr().cast(), iov_len: out.len() };
        // SAFETY: writes into `out` only.
        checked(unsafe { libc::preadv2(fd, &raw const part, 1, offset, flags) } as i64).map(|n| n as usize)
    }
    fn write_at(&mut self, fd: i32, bytes: &[u8], offset: i64, flags: i32) -> Result<usize> {
        let part = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
        // SAFETY: reads from `bytes` only.
        checked(unsafe { libc::pwritev2(fd, &raw const part, 1, offset, flags) } as i64).map(|n| n as usize)
    }
    fn splice(&mut self, from: (i32, Option<i64>), to: (i32, Option<i64>), count: usize, flags: u32) -> Result<usize> {
        let (mut a, mut b) = (from.1, to.1);
        let place = |o: &mut Option<i64>| o.as_mut().map_or(std::ptr::null_mut(), |o| &raw mut *o);
        // SAFETY: reads and writes the two numbers.
        checked(unsafe { libc::splice(from.0, place(&mut a), to.0, place(&mut b), count, flags) } as i64).map(|n| n as usize)
    }
    fn timer(&mut self, fd: i32, new: Option<(i32, [i64; 2])>) -> Result<[i64; 2]> {
        const BILLION: i64 = 1_000_000_000;
        let spec = |ns: i64| libc::timespec { tv_sec: ns.div_euclid(BILLION), tv_nsec: ns.rem_euclid(BILLION) };
        let ns = |t: libc::timespec| t.tv_sec.saturating_mul(BILLION).saturating_add(t.tv_nsec);
        let mut old = libc::itimerspec { it_interval: spec(0), it_value: spec(0) };
        // SAFETY: reads one record and writes the other.
        checked(i64::from(unsafe {
            match new {
                Some((flags, [first, interval])) => {
                    let wanted = libc::itimerspec { it_interval: spec(interval), it_value: spec(first) };
                    libc::timerfd_settime(fd, flags, &raw const wanted, &raw mut old)
                }
                None => libc::timerfd_gettime(fd, &raw mut old),
            }
        }))?;
        Ok([ns(old.it_value), ns(old.it_interval)])
    }
    fn random(&mut self, out: &mut [u8], flags: u32) -> Result<usize> {
        // SAFETY: writes into `out` only.
        checked(unsafe { libc::getrandom(out.as_mut_ptr().cast(), out.len(), flags) } as i64).map(|n| n as usize)
    }
    fn configuration_text(&self, name: i32) -> Result<Option<Vec<u8>>> {
        let mut out = vec![0u8; 256];
        loop {
            // SAFETY: the error number is this thread's own; writes at most as many bytes as there is room for.
            let n = unsafe {
                *libc::__errno_location() = 0;
                libc::confstr(name, out.as_mut_ptr().cast(), out.len())
            };
            match n {
                0 => {
                    let e = Error::last_os_error();
                    return if e.raw_os_error() == Some(0) { Ok(None) } else { Err(e) };
                }
                n if n <= out.len() => {
                    out.truncate(n - 1);
                    return Ok(Some(out));
                }
                n => out.resize(n, 0),
            }
        }
    }
    fn login_name(&self) -> Result<Vec<u8>> {
        let mut out = vec![0u8; 256];
        unsafe extern "C" {
            fn getlogin_r(name: *mut libc::c_char, size: usize) -> i32;
        }
        // SAFETY: writes at most that many bytes, the last a zero.
        returned(unsafe { getlogin_r(out.as_mut_ptr().cast(), out.len()) })?;
        out.truncate(out.iter().position(|b| *b == 0).unwrap_or(0));
        Ok(out)
    }
    fn groups_of(&self, user: &[u8], group: u32) -> Result<Vec<u32>> {
        /// As many as the system lets a user be in.
        const GROUPS_MAX: usize = 65_536;
        let user = c_text(user)?;
        let mut room = 64;
        loop {
            let (mut out, mut n) = (vec![0u32; room], room as i32);
            // SAFETY: writes at most as many numbers as there is room for, and how many there are.
            if unsafe { libc::getgrouplist(user.as_ptr(), group, out.as_mut_ptr(), &raw mut n) } >= 0 {
                out.truncate(n as usize);
                return Ok(out);
            }
            if room > GROUPS_MAX {
                return Err(Error::from_raw_os_error(libc::EINVAL));
            }
            room = (n as usize).max(room * 2);
        }
    }
    fn take_groups_of(&mut self, user: &[u8], group: u32) -> Result<()> {
        let user = c_text(user)?;
        // SAFETY: a text with its final zero.
        checked(i64::from(unsafe { libc::initgroups(user.as_ptr(), group) })).map(drop)
    }
    fn wait4(&mut self, pid: i64, options: i32) -> Result<Waited> {
        children::wait4(pid, options)
    }
    fn waitid(&mut self, kind: i64, id: i64, options: i32) -> Result<Option<[i64; 5]>> {
        children::waitid(kind, id, options)
    }
    fn posix_spawn(&mut self, request: &SpawnRequest) -> Result<i64> {
        self.flush();
        children::posix_spawn(request)
    }
    fn groups(&self) -> Result<Vec<u32>> {
        // SAFETY: asks for the number first, then writes at most that many.
        unsafe {
            let n = checked(i64::from(libc::getgroups(0, std::ptr::null_mut())))?;
            let mut out = vec![0u32; n as usize];
            let n = checked(i64::from(libc::getgroups(n as i32, out.as_mut_ptr())))?;
            out.truncate(n as usize);
            Ok(out)
        }
    }
    fn set_groups(&mut self, groups: &[u32]) -> Result<()> {
        // SAFETY: reads `groups` only.
        checked(i64::from(unsafe { libc::setgroups(groups.len(), groups.as_ptr()) })).map(drop)
    }
    fn saved_ids(&self) -> Result<[u32; 6]> {
        let mut n = [0u32; 6];
        let [u0, u1, u2, g0, g1, g2] = &mut n;
        // SAFETY: each writes three numbers.
        unsafe {
            checked(i64::from(libc::getresuid(u0, u1, u2)))?;
            checked(i64::from(libc::getresgid(g0, g1, g2)))?;
        }
        Ok(n)
    }
    fn affinity(&self, pid: i64) -> Result<Vec<usize>> {
        attributes::affinity(pid)
    }
    fn set_affinity(&mut self, pid: i64, processors: &[usize]) -> Result<()> {
        attributes::set_affinity(pid, processors)
    }
    fn attribute(&self, path: &[u8], fd: Option<i32>, follow: bool, name: &[u8]) -> Result<Vec<u8>> {
        attributes::attribute(path, fd, follow, name)
    }
    fn set_attribute(&mut self, path: &[u8], fd: Option<i32>, follow: bool, name: &[u8], value: Option<&[u8]>, flags: i32) -> Result<()> {
        attributes::set_attribute(path, fd, follow, name, value, flags)
    }
    fn attributes(&self, path: &[u8], fd: Option<i32>, follow: bool) -> Result<Vec<u8>> {
        attributes::attributes(path, fd, follow)
    }
    fn resource_usage(&self, who: i32) -> Result<(f64, f64, [i64; 14])> {
        // SAFETY: zeroes are a valid record, which the call fills.
        unsafe {
            let mut u: libc::rusage = std::mem::zeroed();
            checked(i64::from(libc::getrusage(who, &raw mut u)))?;
            Ok(children::usage(&u))
        }
    }
    fn resource_limit(&mut self, process: i32, resource: i32, new: Option<(u64, u64)>) -> Result<(u64, u64)> {
        let wanted = new.map(|(current, largest)| libc::rlimit { rlim_cur: current, rlim_max: largest });
        let mut old = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        let wanted = wanted.as_ref().map_or(std::ptr::null(), |w| w as *const libc::rlimit);
        // SAFETY: null or a record that outlives the call; the other is filled.
        checked(i64::from(unsafe { libc::prlimit(process, resource as _, wanted, &raw mut old) }))?;
        Ok((old.rlim_cur, old.rlim_max))
    }
    fn clock_by_number(&self, id: i32) -> Result<i64> {
        let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: writes one record.
        checked(i64::from(unsafe { libc::clock_gettime(id, &raw mut t) }))?;
        Ok(t.tv_sec * 1_000_000_000 + t.tv_nsec)
    }
    fn clock_resolution(&self, id: i32) -> Result<i64> {
        let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: writes one record.
        checked(i64::from(unsafe { libc::clock_getres(id, &raw mut t) }))?;
        Ok(t.tv_sec * 1_000_000_000 + t.tv_nsec)
    }
    fn set_clock(&mut self, id: i32, ns: i64) -> Result<()> {
        let t = libc::timespec { tv_sec: ns.div_euclid(1_000_000_000), tv_nsec: ns.rem_euclid(1_000_000_000) };
        // SAFETY: reads one record.
        checked(i64::from(unsafe { libc::clock_settime(id, &raw const t) })).map(drop)
    }
    fn signal_descriptor(&mut self, fd: i32, signal: i32, flags: u32) -> Result<()> {
        // SAFETY: numbers alone; the record of the signal is the kernel's own.
        checked(unsafe { libc::syscall(libc::SYS_pidfd_send_signal, fd, signal, std::ptr::null::<libc::siginfo_t>(), flags) }).map(drop)
    }
    fn load_average(&self) -> Result<[f64; 3]> {
        let mut out = [0f64; 3];
        // SAFETY: writes at most three numbers.
        if unsafe { libc::getloadavg(out.as_mut_ptr(), 3) } == 3 { Ok(out) } else { Err(Error::from_raw_os_error(libc::ENOSYS)) }
    }
    fn file_system(&self, path: &[u8], fd: Option<i32>) -> Result<[u64; 11]> {
        // SAFETY: zeroes are a valid record, which the call fills.
        unsafe {
            let mut s: libc::statvfs = std::mem::zeroed();
            match fd {
                Some(fd) => checked(i64::from(libc::fstatvfs(fd, &raw mut s)))?,
                None => checked(i64::from(libc::statvfs(c_text(path)?.as_ptr(), &raw mut s)))?,
            };
            Ok([s.f_bsize, s.f_frsize, s.f_blocks, s.f_bfree, s.f_bavail, s.f_files, s.f_ffree, s.f_favail, s.f_flag, s.f_namemax, s.f_fsid])
        }
    }
    fn terminal_name(&self, fd: i32) -> Result<Vec<u8>> {
        let mut out = vec![0u8; 256];
        // SAFETY: writes at most that many bytes, the last a zero.
        returned(unsafe { libc::ttyname_r(fd, out.as_mut_ptr().cast(), out.len()) })?;
        out.truncate(out.iter().position(|b| *b == 0).unwrap_or(0));
        Ok(out)
    }
    fn replace_program(&mut self, path: &[u8], fd: Option<i32>, args: &[Vec<u8>], env: Option<&[Vec<u8>]>) -> Result<()> {
        let path = c_text(path)?;
        let args = args.iter().map(|a| c_text(a)).collect::<Result<Vec<_>>>()?;
        let env = env.map(|e| e.iter().map(|v| c_text(v)).collect::<Result<Vec<_>>>()).transpose()?;
        let list = |texts: &[std::ffi::CString]| -> Vec<*const libc::c_char> { texts.iter().map(|t| t.as_ptr()).chain(std::iter::once(std::ptr::null())).collect() };
        let argv = list(&args);
        // SAFETY: lists of texts, each list with its final null, alive for the call.
        unsafe {
            match (&env, fd) {
                (Some(e), Some(fd)) => libc::fexecve(fd, argv.as_ptr(), list(e).as_ptr()),
                (Some(e), None) => libc::execve(path.as_ptr(), argv.as_ptr(), list(e).as_ptr()),
                (None, _) => libc::execv(path.as_ptr(), argv.as_ptr()),
            };
        }
        Err(Error::last_os_error())
    }
}
