//! Children: starting them with `posix_spawn` or on a terminal of their own, and waiting for what they used.

use super::files::{c_text, checked};
use retic_runtime::host::process::{FileAction, SpawnRequest, Waited};
use std::ffi::CString;
use std::io::{Error, Result};

/// What the C library says of its own results: 0, or the error number.
fn done(code: i32) -> Result<()> {
    if code == 0 { Ok(()) } else { Err(Error::from_raw_os_error(code)) }
}

/// The counts of a record of `getrusage`, and its seconds.
pub fn usage(u: &libc::rusage) -> (f64, f64, [i64; 14]) {
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
    (seconds(u.ru_utime), seconds(u.ru_stime), counts)
}

pub fn wait4(pid: i64, options: i32) -> Result<Waited> {
    let mut status = 0;
    // SAFETY: zeroes are a valid record; the call fills it and the number.
    let (got, used) = unsafe {
        let mut used: libc::rusage = std::mem::zeroed();
        (checked(i64::from(libc::wait4(pid as i32, &raw mut status, options, &raw mut used)))?, used)
    };
    Ok((got, status, usage(&used)))
}

pub fn waitid(kind: i64, id: i64, options: i32) -> Result<Option<[i64; 5]>> {
    // SAFETY: zeroes are a valid record, which the call fills; its fields are those of a child's signal.
    unsafe {
        let mut info: libc::siginfo_t = std::mem::zeroed();
        checked(i64::from(libc::waitid(kind as libc::idtype_t, id as libc::id_t, &raw mut info, options)))?;
        if info.si_pid() == 0 {
            return Ok(None);
        }
        Ok(Some([i64::from(info.si_pid()), i64::from(info.si_uid()), i64::from(info.si_signo), i64::from(info.si_status()), i64::from(info.si_code)]))
    }
}

pub fn fork_terminal() -> Result<(i64, i32)> {
    let mut master = -1;
    // SAFETY: writes one number; the other results are not wanted.
    let pid = checked(i64::from(unsafe { libc::forkpty(&raw mut master, std::ptr::null_mut(), std::ptr::null(), std::ptr::null()) }))?;
    Ok((pid, master))
}

/// A set of signals from its bits.
fn signals(bits: u64) -> libc::sigset_t {
    // SAFETY: zeroes are a valid set, which the calls change.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        for n in (1..=64).filter(|n| bits >> (n - 1) & 1 == 1) {
            libc::sigaddset(&raw mut set, n);
        }
        set
    }
}

/// What a started child does with its descriptors; freed at the end.
struct Actions(libc::posix_spawn_file_actions_t);
impl Drop for Actions {
    fn drop(&mut self) {
        // SAFETY: was initialised.
        unsafe { libc::posix_spawn_file_actions_destroy(&raw mut self.0) };
    }
}
/// What it begins with; freed at the end.
struct Attributes(libc::posix_spawnattr_t);
impl Drop for Attributes {
    fn drop(&mut self) {
        // SAFETY: was initialised.
        unsafe { libc::posix_spawnattr_destroy(&raw mut self.0) };
    }
}

fn actions(list: &[FileAction], texts: &mut Vec<CString>) -> Result<Actions> {
    // SAFETY: zeroes are a valid struct to be initialised; the texts outlive it.
    unsafe {
        let mut a = Actions(std::mem::zeroed());
        done(libc::posix_spawn_file_actions_init(&raw mut a.0))?;
        for action in list {
            match action {
                FileAction::Open { fd, path, flags, mode } => {
                    texts.push(c_text(path)?);
                    let path = texts[texts.len() - 1].as_ptr();
                    done(libc::posix_spawn_file_actions_addopen(&raw mut a.0, *fd, path, *flags, *mode))?;
                }
                FileAction::Close(fd) => done(libc::posix_spawn_file_actions_addclose(&raw mut a.0, *fd))?,
                FileAction::Dup2 { fd, to } => done(libc::posix_spawn_file_actions_adddup2(&raw mut a.0, *fd, *to))?,
                FileAction::CloseFrom(first) => {
                    if let Some(add) = add_close_from() {
                        done(add(&raw mut a.0, *first))?;
                        continue;
                    }
                    for fd in open_descriptors()?.into_iter().filter(|fd| fd >= first) {
                        done(libc::posix_spawn_file_actions_addclose(&raw mut a.0, fd))?;
                    }
                }
            }
        }
        Ok(a)
    }
}

/// The C library's function for closing all descriptors from one on, where it has it (glibc since 2.34).
fn add_close_from() -> Option<unsafe extern "C" fn(*mut libc::posix_spawn_file_actions_t, libc::c_int) -> libc::c_int> {
    // SAFETY: the name is this function's, of this type; null becomes None.
    unsafe { std::mem::transmute(libc::dlsym(libc::RTLD_DEFAULT, c"posix_spawn_file_actions_addclosefrom_np".as_ptr())) }
}

/// The numbers of this process's descriptors.
fn open_descriptors() -> Result<Vec<i32>> {
    let mut all = Vec::new();
    for e in std::fs::read_dir("/proc/self/fd")? {
        if let Some(fd) = e?.file_name().to_str().and_then(|n| n.parse().ok()) {
            all.push(fd);
        }
    }
    Ok(all)
}

fn attributes(r: &SpawnRequest) -> Result<Attributes> {
    let mut flags = 0;
    // SAFETY: zeroes are a valid struct to be initialised; the sets and the record are copied into it.
    unsafe {
        let mut a = Attributes(std::mem::zeroed());
        done(libc::posix_spawnattr_init(&raw mut a.0))?;
        if let Some(group) = r.group {
            done(libc::posix_spawnattr_setpgroup(&raw mut a.0, group))?;
            flags |= libc::POSIX_SPAWN_SETPGROUP;
        }
        if r.reset_ids {
            flags |= libc::POSIX_SPAWN_RESETIDS;
        }
        if r.new_session {
            flags |= i32::from(libc::POSIX_SPAWN_SETSID);
        }
        if let Some(bits) = r.mask {
            done(libc::posix_spawnattr_setsigmask(&raw mut a.0, &signals(bits)))?;
            flags |= libc::POSIX_SPAWN_SETSIGMASK;
        }
        if let Some(bits) = r.defaults {
            done(libc::posix_spawnattr_setsigdefault(&raw mut a.0, &signals(bits)))?;
            flags |= libc::POSIX_SPAWN_SETSIGDEF;
        }
        if let Some((policy, priority)) = r.scheduler {
            if let Some(policy) = policy {
                done(libc::posix_spawnattr_setschedpolicy(&raw mut a.0, policy))?;
                flags |= libc::POSIX_SPAWN_SETSCHEDULER;
            }
            let mut wanted: libc::sched_param = std::mem::zeroed();
            wanted.sched_priority = priority;
            done(libc::posix_spawnattr_setschedparam(&raw mut a.0, &raw const wanted))?;
            flags |= libc::POSIX_SPAWN_SETSCHEDPARAM;
        }
        done(libc::posix_spawnattr_setflags(&raw mut a.0, flags as libc::c_short))?;
        Ok(a)
    }
}

pub fn posix_spawn(r: &SpawnRequest) -> Result<i64> {
    let texts = |list: &[Vec<u8>]| list.iter().map(|t| c_text(t)).collect::<Result<Vec<_>>>();
    let (path, args) = (c_text(&r.path)?, texts(&r.args)?);
    let env = match &r.env {
        Some(e) => texts(e)?,
        None => {
            use std::os::unix::ffi::OsStringExt;
            let pairs = std::env::vars_os().map(|(k, v)| [k.into_vec(), v.into_vec()].join(&b'='));
            texts(&pairs.collect::<Vec<_>>())?
        }
    };
    let list = |texts: &[CString]| -> Vec<*mut libc::c_char> { texts.iter().map(|t| t.as_ptr().cast_mut()).chain(std::iter::once(std::ptr::null_mut())).collect() };
    let (argv, envp) = (list(&args), list(&env));
    let mut kept = Vec::new();
    let (actions, attributes) = (actions(&r.actions, &mut kept)?, attributes(r)?);
    let mut pid = 0;
    // SAFETY: texts and lists with their ends, alive for the call, which writes one number.
    let code = unsafe {
        if r.search {
            libc::posix_spawnp(&raw mut pid, path.as_ptr(), &raw const actions.0, &raw const attributes.0, argv.as_ptr(), envp.as_ptr())
        } else {
            libc::posix_spawn(&raw mut pid, path.as_ptr(), &raw const actions.0, &raw const attributes.0, argv.as_ptr(), envp.as_ptr())
        }
    };
    done(code).map(|()| i64::from(pid))
}
