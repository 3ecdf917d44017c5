//! Requests to the kernel with plain numbers, and the few with small buffers.

use super::attributes;
use super::files::{c_text, checked};
use retic_runtime::host::process::{Call, PathCall, Process};
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
        // SAFETY: numbers go in and come out; the two offsets are local variables that outlive the calls.
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
                Call::Killpg => checked(i64::from(libc::killpg(x, y))),
                Call::Lockf => checked(i64::from(libc::lockf(x, y, c))),
                Call::Nice => ambiguous(|| i64::from(libc::nice(x))),
                Call::PidfdOpen => checked(libc::syscall(libc::SYS_pidfd_open, x, b as u32)),
                Call::PosixFadvise => returned(libc::posix_fadvise(x, b, c, d as i32)),
                Call::PosixFallocate => returned(libc::posix_fallocate(x, b, c)),
                Call::SchedGetPriorityMax => checked(i64::from(libc::sched_get_priority_max(x))),
                Call::SchedGetPriorityMin => checked(i64::from(libc::sched_get_priority_min(x))),
                Call::SchedGetscheduler => checked(i64::from(libc::sched_getscheduler(x))),
                Call::Sendfile => {
                    let mut offset = c;
                    let place = if c < 0 { std::ptr::null_mut() } else { &raw mut offset };
                    checked(libc::sendfile(x, y, place, d as usize) as i64)
                }
                Call::Setegid => checked(i64::from(libc::setegid(a as u32))),
                Call::Seteuid => checked(i64::from(libc::seteuid(a as u32))),
                Call::Setgid => checked(i64::from(libc::setgid(a as u32))),
                Call::Setpgid => checked(i64::from(libc::setpgid(x, y))),
                Call::Setpriority => checked(i64::from(libc::setpriority(a as u32, b as u32, z))),
                Call::Setregid => checked(i64::from(libc::setregid(a as u32, b as u32))),
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
            }
        }
    }
    fn path_number(&mut self, call: PathCall, path: &[u8], args: [i64; 2]) -> Result<i64> {
        let text = c_text(path)?;
        let (p, [a, b]) = (text.as_ptr(), args);
        // SAFETY: a text with its final zero, alive for the call.
        unsafe {
            match call {
                PathCall::Chown => checked(i64::from(libc::chown(p, a as u32, b as u32))),
                PathCall::Chroot => checked(i64::from(libc::chroot(p))),
                PathCall::Lchown => checked(i64::from(libc::lchown(p, a as u32, b as u32))),
                PathCall::MemfdCreate => checked(i64::from(libc::memfd_create(p, a as u32))),
                PathCall::Mkfifo => checked(i64::from(libc::mkfifo(p, a as u32))),
                PathCall::Mknod => checked(i64::from(libc::mknod(p, a as u32, b as u64))),
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
    fn read_at(&mut self, fd: i32, out: &mut [u8], offset: i64) -> Result<usize> {
        // SAFETY: writes into `out` only.
        checked(unsafe { libc::pread(fd, out.as_mut_ptr().cast(), out.len(), offset) } as i64).map(|n| n as usize)
    }
    fn write_at(&mut self, fd: i32, bytes: &[u8], offset: i64) -> Result<usize> {
        // SAFETY: reads from `bytes` only.
        checked(unsafe { libc::pwrite(fd, bytes.as_ptr().cast(), bytes.len(), offset) } as i64).map(|n| n as usize)
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
            let seconds = |t: libc::timeval| t.tv_sec as f64 + t.tv_usec as f64 * 1e-6;
            let counts = [
                u.ru_maxrss,
                u.ru_ixrss,
                u.ru_idrss,
                u.ru_isrss,
                u.ru_minflt,
                u.ru_majflt,
                u.ru_nswap,
                u.ru_inblock,
                u.ru_oublock,
                u.ru_msgsnd,
                u.ru_msgrcv,
                u.ru_nsignals,
                u.ru_nvcsw,
                u.ru_nivcsw,
            ];
            Ok((seconds(u.ru_utime), seconds(u.ru_stime), counts))
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
    fn replace_program(&mut self, path: &[u8], args: &[Vec<u8>], env: Option<&[Vec<u8>]>) -> Result<()> {
        let path = c_text(path)?;
        let args = args.iter().map(|a| c_text(a)).collect::<Result<Vec<_>>>()?;
        let env = env.map(|e| e.iter().map(|v| c_text(v)).collect::<Result<Vec<_>>>()).transpose()?;
        let list = |texts: &[std::ffi::CString]| -> Vec<*const libc::c_char> { texts.iter().map(|t| t.as_ptr()).chain(std::iter::once(std::ptr::null())).collect() };
        let argv = list(&args);
        // SAFETY: lists of texts, each list with its final null, alive for the call.
        unsafe {
            match &env {
                Some(e) => libc::execve(path.as_ptr(), argv.as_ptr(), list(e).as_ptr()),
                None => libc::execv(path.as_ptr(), argv.as_ptr()),
            };
        }
        Err(Error::last_os_error())
    }
}
