//! The process: groups, priorities, limits of the system, other programs, descriptors by number.

use super::constants::{PATHCONF, SYSCONF};
use super::path;
use retic_runtime::audit::Told;
use retic_runtime::host::process::{Call, PathCall};
use retic_runtime::protocol::buffer;
use retic_runtime::types::structseq::{self, Definition};
use retic_runtime::types::{Bytes, Dict, Int, Str, Tuple, exception, int};
use retic_runtime::{Cx, Obj, PyResult, protocol};
use std::io::Result;

pub static STATVFS: Definition = Definition {
    name: "os.statvfs_result",
    doc: "statvfs_result: Result from statvfs or fstatvfs.",
    fields: &["f_bsize", "f_frsize", "f_blocks", "f_bfree", "f_bavail", "f_files", "f_ffree", "f_favail", "f_flag", "f_namemax", "f_fsid"],
    visible: 10,
};

fn done<T>(cx: &mut Cx, r: Result<T>) -> PyResult<T> {
    r.map_err(|e| exception::raise_os(cx, &e, None, None))
}
fn number(cx: &mut Cx, call: Call, args: &[i64]) -> PyResult<i64> {
    let mut all = [0; 4];
    all[..args.len()].copy_from_slice(args);
    let r = cx.host.number(call, all);
    done(cx, r)
}
fn on_path(cx: &mut Cx, call: PathCall, o: &Obj, function: &str, args: [i64; 2]) -> PyResult<i64> {
    let p = path::of(cx, o, function, false)?;
    cx.host.path_number(call, &p.bytes, args).map_err(|e| exception::raise_os(cx, &e, Some(&p.given), None))
}

/// The id of a user ("uid") or a group ("gid"): a number of 32 bits, or -1 where the system takes that for "leave it".
pub fn id_number(cx: &mut Cx, what: &str, n: i64) -> PyResult<u32> {
    match n {
        -1 => Ok(u32::MAX),
        n if n < 0 => Err(cx.overflow_error(format!("{what} is less than minimum"))),
        n => u32::try_from(n).map_err(|_| cx.overflow_error(format!("{what} is greater than maximum"))),
    }
}
fn owner(cx: &mut Cx, uid: i64, gid: i64) -> PyResult<[i64; 2]> {
    Ok([id_number(cx, "uid", uid)?, id_number(cx, "gid", gid)?].map(i64::from))
}
/// The ids of a sequence of groups, at most as many as the system takes.
pub fn group_ids(cx: &mut Cx, o: &Obj) -> PyResult<Vec<u32>> {
    const NGROUPS_MAX: usize = 65536;
    if o.ty().slots(cx).getitem.is_none() || o.cast::<Dict>().is_some() {
        return Err(cx.type_error("setgroups argument must be a sequence"));
    }
    let items = protocol::collect(cx, o)?;
    if items.len() > NGROUPS_MAX {
        return Err(cx.value_error("too many groups"));
    }
    let mut ids = Vec::with_capacity(items.len());
    for g in &items {
        if g.cast::<Int>().is_none() {
            return Err(cx.type_error("groups must be integers"));
        }
        let n = protocol::index_i64(cx, g)?;
        ids.push(id_number(cx, "gid", n)?);
    }
    Ok(ids)
}

/// A name of a limit: its number, or one of the names of a table.
fn limit(cx: &mut Cx, o: &Obj, table: &[(&str, i64)]) -> PyResult<i64> {
    if let Some(s) = o.cast::<Str>() {
        let text = s.to_text(cx);
        return table.iter().find(|n| n.0 == text).map(|n| n.1).ok_or_else(|| cx.value_error("unrecognized configuration name"));
    }
    if o.ty().slots(cx).index.is_none() {
        return Err(cx.type_error("configuration names must be strings or integers"));
    }
    protocol::index_i64(cx, o)
}

/// Arguments and environment of a program.
fn program(cx: &mut Cx, argv: &Obj, function: &str) -> PyResult<Vec<Vec<u8>>> {
    if argv.cast::<Tuple>().is_none() && argv.cast::<retic_runtime::types::List>().is_none() {
        return Err(cx.type_error(format!("{function}() arg 2 must be a tuple or list")));
    }
    let items = protocol::collect(cx, argv)?;
    let mut out = Vec::new();
    for o in &items {
        out.push(path::of(cx, o, function, false)?.bytes);
    }
    match out.first() {
        None => Err(cx.value_error(format!("{function}() arg 2 must not be empty"))),
        Some(first) if first.is_empty() => Err(cx.value_error(format!("{function}() arg 2 first element cannot be empty"))),
        Some(_) => Ok(out),
    }
}
fn environment(cx: &mut Cx, env: &Obj) -> PyResult<Vec<Vec<u8>>> {
    let items = protocol::call_method(cx, env, "items", &[])?;
    let mut out = Vec::new();
    for pair in protocol::collect(cx, &items)? {
        let pair = protocol::collect(cx, &pair)?;
        let [k, v] = &pair[..] else { return Err(cx.type_error("environment can only contain strings")) };
        let mut text = path::of(cx, k, "execve", false)?.bytes;
        if text.is_empty() || text[1..].contains(&b'=') {
            return Err(cx.value_error("illegal environment variable name"));
        }
        text.push(b'=');
        text.extend(path::of(cx, v, "execve", false)?.bytes);
        if text.contains(&0) {
            return Err(cx.value_error("embedded null byte"));
        }
        out.push(text);
    }
    Ok(out)
}

fn ids(cx: &mut Cx, from: usize) -> PyResult {
    let r = cx.host.saved_ids();
    let n = done(cx, r)?;
    let items = n[from..from + 3].iter().map(|n| cx.int(i64::from(*n))).collect::<PyResult<Vec<_>>>()?;
    cx.tuple(items)
}

const WNOHANG: i32 = 1;

/// `waitpid`; handlers of signals run in between, and other threads meanwhile.
pub(super) fn wait_child(cx: &mut Cx, pid: i64, options: i32) -> PyResult<std::io::Result<(i64, i32)>> {
    let mut pause = 0.0005;
    loop {
        let alone = cx.threads.others() == 0 || options & WNOHANG != 0;
        match cx.host.waitpid(pid, if alone { options } else { options | WNOHANG }) {
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => cx.poll_native()?,
            Ok((0, _)) if !alone => {
                let sleep = cx.host.sleeper();
                cx.allow_threads(|| sleep(pause));
                pause = f64::min(pause * 2.0, 0.02);
                cx.poll_native()?;
            }
            r => return Ok(r),
        }
    }
}

/// A child process with the running thread only: 0 in the child, its process id in the parent. Hooks of `os.register_at_fork` run.
pub(crate) fn fork_process(cx: &mut Cx) -> PyResult<i64> {
    cx.host.flush();
    super::run_fork_hooks(cx, 0);
    let pid = number(cx, Call::Fork, &[])?;
    if pid == 0 {
        cx.threads.after_fork();
        cx.forget_recording();
    }
    super::run_fork_hooks(cx, if pid == 0 { 1 } else { 2 });
    Ok(pid)
}

#[retic_macros::methods]
pub mod functions {
    //! The process.
    use super::*;

    /// Return an integer-valued system configuration variable.
    #[py("sysconf(name, /)")]
    pub fn sysconf(cx: &mut Cx, name: &Obj) -> PyResult<i64> {
        let n = limit(cx, name, SYSCONF)?;
        number(cx, Call::Sysconf, &[n])
    }
    /// Return the configuration limit name for the file or directory path.
    #[py("pathconf(path, name)")]
    pub fn pathconf(cx: &mut Cx, path: &Obj, name: &Obj) -> PyResult<i64> {
        let n = limit(cx, name, PATHCONF)?;
        if let Some(fd) = int::to_i64(path) {
            return number(cx, Call::Fpathconf, &[fd, n]);
        }
        on_path(cx, PathCall::Pathconf, path, "pathconf", [n, 0])
    }
    /// Return the configuration limit name for the file descriptor fd.
    #[py("fpathconf(fd, name, /)")]
    pub fn fpathconf(cx: &mut Cx, fd: i64, name: &Obj) -> PyResult<i64> {
        let n = limit(cx, name, PATHCONF)?;
        number(cx, Call::Fpathconf, &[fd, n])
    }
    /// Return average recent system load information: over the last 1, 5, and 15 minutes.
    #[py("getloadavg()")]
    pub fn getloadavg(cx: &mut Cx) -> PyResult {
        let r = cx.host.load_average();
        let items = done(cx, r)?.iter().map(|n| cx.float(*n)).collect::<PyResult<Vec<_>>>()?;
        cx.tuple(items)
    }
    /// Call the system call getpgid(), and return the result.
    #[py("getpgid(pid)")]
    pub fn getpgid(cx: &mut Cx, pid: i64) -> PyResult<i64> {
        number(cx, Call::Getpgid, &[pid])
    }
    /// Return the current process group id.
    #[py("getpgrp()")]
    pub fn getpgrp(cx: &mut Cx) -> PyResult<i64> {
        number(cx, Call::Getpgid, &[0])
    }
    /// Call the system call setpgid(pid, pgrp).
    #[py("setpgid(pid, pgrp, /)")]
    pub fn setpgid(cx: &mut Cx, pid: i64, pgrp: i64) -> PyResult<()> {
        number(cx, Call::Setpgid, &[pid, pgrp]).map(drop)
    }
    /// Make the current process the leader of its process group.
    #[py("setpgrp()")]
    pub fn setpgrp(cx: &mut Cx) -> PyResult<()> {
        number(cx, Call::Setpgid, &[0, 0]).map(drop)
    }
    /// Call the system call getsid(pid) and return the result.
    #[py("getsid(pid, /)")]
    pub fn getsid(cx: &mut Cx, pid: i64) -> PyResult<i64> {
        number(cx, Call::Getsid, &[pid])
    }
    /// Call the system call setsid().
    #[py("setsid()")]
    pub fn setsid(cx: &mut Cx) -> PyResult<()> {
        number(cx, Call::Setsid, &[]).map(drop)
    }
    /// Return program scheduling priority.
    #[py("getpriority(which, who)")]
    pub fn getpriority(cx: &mut Cx, which: i64, who: i64) -> PyResult<i64> {
        number(cx, Call::Getpriority, &[which, who])
    }
    /// Set program scheduling priority.
    #[py("setpriority(which, who, priority)")]
    pub fn setpriority(cx: &mut Cx, which: i64, who: i64, priority: i64) -> PyResult<()> {
        number(cx, Call::Setpriority, &[which, who, priority]).map(drop)
    }
    /// Add increment to the priority of process and return the new priority.
    #[py("nice(increment, /)")]
    pub fn nice(cx: &mut Cx, increment: i64) -> PyResult<i64> {
        number(cx, Call::Nice, &[increment])
    }
    /// Get the maximum scheduling priority for policy.
    #[py("sched_get_priority_max(policy)")]
    pub fn sched_get_priority_max(cx: &mut Cx, policy: i64) -> PyResult<i64> {
        number(cx, Call::SchedGetPriorityMax, &[policy])
    }
    /// Get the minimum scheduling priority for policy.
    #[py("sched_get_priority_min(policy)")]
    pub fn sched_get_priority_min(cx: &mut Cx, policy: i64) -> PyResult<i64> {
        number(cx, Call::SchedGetPriorityMin, &[policy])
    }
    /// Get the scheduling policy for the process identified by pid.
    #[py("sched_getscheduler(pid, /)")]
    pub fn sched_getscheduler(cx: &mut Cx, pid: i64) -> PyResult<i64> {
        number(cx, Call::SchedGetscheduler, &[pid])
    }
    /// Kill a process group with a signal.
    #[py("killpg(pgid, signal, /)")]
    pub fn killpg(cx: &mut Cx, pgid: i64, signal: i64) -> PyResult<()> {
        cx.audit("os.killpg", &[pgid.into(), signal.into()])?;
        number(cx, Call::Killpg, &[pgid, signal]).map(drop)
    }
    /// Abort the interpreter immediately.
    #[py("abort()")]
    pub fn abort(cx: &mut Cx) -> PyResult<()> {
        cx.host.flush();
        let me = cx.host.pid();
        let r = cx.host.kill(me, 6);
        done(cx, r)
    }
    /// Fork a child process: 0 in the child, its process id in the parent.
    #[py("fork()")]
    pub fn fork(cx: &mut Cx) -> PyResult<i64> {
        cx.audit("os.fork", &[])?;
        super::super::fork_process(cx)
    }
    /// Return the group ids of the process.
    #[py("getgroups()")]
    pub fn getgroups(cx: &mut Cx) -> PyResult {
        let r = cx.host.groups();
        let items = done(cx, r)?.iter().map(|n| cx.int(i64::from(*n))).collect::<PyResult<Vec<_>>>()?;
        cx.list(items)
    }
    /// Set the groups of the current process to list.
    #[py("setgroups(groups, /)")]
    pub fn setgroups(cx: &mut Cx, groups: &Obj) -> PyResult<()> {
        let groups = group_ids(cx, groups)?;
        let r = cx.host.set_groups(&groups);
        done(cx, r)
    }
    /// Return a tuple of the current process's real, effective, and saved user ids.
    #[py("getresuid()")]
    pub fn getresuid(cx: &mut Cx) -> PyResult {
        ids(cx, 0)
    }
    /// Return a tuple of the current process's real, effective, and saved group ids.
    #[py("getresgid()")]
    pub fn getresgid(cx: &mut Cx) -> PyResult {
        ids(cx, 3)
    }
    /// Set the current process's user id.
    #[py("setuid(uid, /)")]
    pub fn setuid(cx: &mut Cx, uid: i64) -> PyResult<()> {
        let uid = id_number(cx, "uid", uid)?;
        number(cx, Call::Setuid, &[i64::from(uid)]).map(drop)
    }
    /// Set the current process's group id.
    #[py("setgid(gid, /)")]
    pub fn setgid(cx: &mut Cx, gid: i64) -> PyResult<()> {
        let gid = id_number(cx, "gid", gid)?;
        number(cx, Call::Setgid, &[i64::from(gid)]).map(drop)
    }
    /// Set the current process's effective user id.
    #[py("seteuid(euid, /)")]
    pub fn seteuid(cx: &mut Cx, euid: i64) -> PyResult<()> {
        let euid = id_number(cx, "uid", euid)?;
        number(cx, Call::Seteuid, &[i64::from(euid)]).map(drop)
    }
    /// Set the current process's effective group id.
    #[py("setegid(egid, /)")]
    pub fn setegid(cx: &mut Cx, egid: i64) -> PyResult<()> {
        let egid = id_number(cx, "gid", egid)?;
        number(cx, Call::Setegid, &[i64::from(egid)]).map(drop)
    }
    /// Set the current process's real and effective user ids.
    #[py("setreuid(ruid, euid, /)")]
    pub fn setreuid(cx: &mut Cx, ruid: i64, euid: i64) -> PyResult<()> {
        let (ruid, euid) = (id_number(cx, "uid", ruid)?, id_number(cx, "uid", euid)?);
        number(cx, Call::Setreuid, &[ruid, euid].map(i64::from)).map(drop)
    }
    /// Set the current process's real and effective group ids.
    #[py("setregid(rgid, egid, /)")]
    pub fn setregid(cx: &mut Cx, rgid: i64, egid: i64) -> PyResult<()> {
        let (rgid, egid) = (id_number(cx, "gid", rgid)?, id_number(cx, "gid", egid)?);
        number(cx, Call::Setregid, &[rgid, egid].map(i64::from)).map(drop)
    }
    /// Force write of everything to disk.
    #[py("sync()")]
    pub fn sync(cx: &mut Cx) -> PyResult<()> {
        number(cx, Call::Sync, &[]).map(drop)
    }
    /// Change to the directory of the given file descriptor.
    #[py("fchdir(fd)")]
    pub fn fchdir(cx: &mut Cx, fd: &Obj) -> PyResult<()> {
        cx.audit("os.chdir", &[fd.into()])?;
        let fd = match int::to_i64(fd) {
            Some(n) => n,
            None => {
                let r = protocol::call_method(cx, fd, "fileno", &[])?;
                protocol::index_i64(cx, &r)?
            }
        };
        number(cx, Call::Fchdir, &[fd]).map(drop)
    }
    /// Change the access permissions of the file given by file descriptor fd.
    #[py("fchmod(fd, mode)")]
    pub fn fchmod(cx: &mut Cx, fd: i64, mode: i64) -> PyResult<()> {
        cx.audit("os.chmod", &[fd.into(), mode.into(), (-1).into()])?;
        number(cx, Call::Fchmod, &[fd, mode]).map(drop)
    }
    /// Change the owner and group id of the file specified by file descriptor.
    #[py("fchown(fd, uid, gid)")]
    pub fn fchown(cx: &mut Cx, fd: i64, uid: i64, gid: i64) -> PyResult<()> {
        cx.audit("os.chown", &[fd.into(), uid.into(), gid.into(), (-1).into()])?;
        let [uid, gid] = owner(cx, uid, gid)?;
        number(cx, Call::Fchown, &[fd, uid, gid]).map(drop)
    }
    /// Change the owner and group id of path to the numeric uid and gid.
    #[py("chown(path, uid, gid, *, dir_fd=None, follow_symlinks=True)")]
    pub fn chown(cx: &mut Cx, path: &Obj, uid: i64, gid: i64, dir_fd: Option<&Obj>, follow_symlinks: bool) -> PyResult<()> {
        cx.audit("os.chown", &[path.into(), uid.into(), gid.into(), (-1).into()])?;
        if dir_fd.is_some() {
            return Err(cx.error_of(&cx.types.not_implemented_error, "chown: dir_fd unavailable on this platform"));
        }
        let [uid, gid] = owner(cx, uid, gid)?;
        if let Some(fd) = int::to_i64(path) {
            return number(cx, Call::Fchown, &[fd, uid, gid]).map(drop);
        }
        on_path(cx, if follow_symlinks { PathCall::Chown } else { PathCall::Lchown }, path, "chown", [uid, gid]).map(drop)
    }
    /// Change the owner and group id of path to the numeric uid and gid; symbolic links are not followed.
    #[py("lchown(path, uid, gid)")]
    pub fn lchown(cx: &mut Cx, path: &Obj, uid: i64, gid: i64) -> PyResult<()> {
        on_path(cx, PathCall::Lchown, path, "lchown", [uid, gid]).map(drop)
    }
    /// Change root directory to path.
    #[py("chroot(path)")]
    pub fn chroot(cx: &mut Cx, path: &Obj) -> PyResult<()> {
        on_path(cx, PathCall::Chroot, path, "chroot", [0, 0]).map(drop)
    }
    /// Create a "fifo" (a POSIX named pipe).
    #[py("mkfifo(path, mode=438)", "(path, mode=438, *, dir_fd=None)")]
    pub fn mkfifo(cx: &mut Cx, path: &Obj, mode: i64) -> PyResult<()> {
        on_path(cx, PathCall::Mkfifo, path, "mkfifo", [mode, 0]).map(drop)
    }
    /// Create a node in the file system.
    #[py("mknod(path, mode=384, device=0)", "(path, mode=384, device=0, *, dir_fd=None)")]
    pub fn mknod(cx: &mut Cx, path: &Obj, mode: i64, device: i64) -> PyResult<()> {
        on_path(cx, PathCall::Mknod, path, "mknod", [mode, device]).map(drop)
    }
    /// Create an anonymous file and return its descriptor.
    #[py("memfd_create(name, flags=1)", "(name, flags=MFD_CLOEXEC)")]
    pub fn memfd_create(cx: &mut Cx, name: &Obj, flags: i64) -> PyResult<i64> {
        on_path(cx, PathCall::MemfdCreate, name, "memfd_create", [flags, 0])
    }
    /// Create a pipe with flags set atomically: the two descriptors.
    #[py("pipe2(flags, /)")]
    pub fn pipe2(cx: &mut Cx, flags: i64) -> PyResult {
        let r = cx.host.pipe_with(flags as i32);
        let (a, b) = done(cx, r)?;
        let pair = vec![cx.int(i64::from(a))?, cx.int(i64::from(b))?];
        cx.tuple(pair)
    }
    /// Open a pseudo-terminal: descriptors for its two ends.
    #[py("openpty()")]
    pub fn openpty(cx: &mut Cx) -> PyResult {
        let r = cx.host.open_terminal();
        let (a, b) = done(cx, r)?;
        let pair = vec![cx.int(i64::from(a))?, cx.int(i64::from(b))?];
        cx.tuple(pair)
    }
    /// Return the name of the terminal device connected to fd.
    #[py("ttyname(fd, /)")]
    pub fn ttyname(cx: &mut Cx, fd: i64) -> PyResult {
        let r = cx.host.terminal_name(fd as i32);
        let name = done(cx, r)?;
        path::name(cx, &name, false)
    }
    /// Return the name of the controlling terminal for this process.
    #[py("ctermid()")]
    pub fn ctermid(_cx: &mut Cx) -> &'static str {
        "/dev/tty"
    }
    /// Return the process group associated with the terminal specified by fd.
    #[py("tcgetpgrp(fd, /)")]
    pub fn tcgetpgrp(cx: &mut Cx, fd: i64) -> PyResult<i64> {
        number(cx, Call::Tcgetpgrp, &[fd])
    }
    /// Set the process group associated with the terminal specified by fd.
    #[py("tcsetpgrp(fd, pgid, /)")]
    pub fn tcsetpgrp(cx: &mut Cx, fd: i64, pgid: i64) -> PyResult<()> {
        number(cx, Call::Tcsetpgrp, &[fd, pgid]).map(drop)
    }
    /// Apply, test or remove a POSIX lock on an open file descriptor.
    #[py("lockf(fd, command, length, /)")]
    pub fn lockf(cx: &mut Cx, fd: i64, command: i64, length: i64) -> PyResult<()> {
        cx.audit("os.lockf", &[fd.into(), command.into(), length.into()])?;
        number(cx, Call::Lockf, &[fd, command, length]).map(drop)
    }
    /// Announce an intention to access data in a specific pattern.
    #[py("posix_fadvise(fd, offset, length, advice, /)")]
    pub fn posix_fadvise(cx: &mut Cx, fd: i64, offset: i64, length: i64, advice: i64) -> PyResult<()> {
        number(cx, Call::PosixFadvise, &[fd, offset, length, advice]).map(drop)
    }
    /// Ensure a file has allocated at least a particular number of bytes on disk.
    #[py("posix_fallocate(fd, offset, length, /)")]
    pub fn posix_fallocate(cx: &mut Cx, fd: i64, offset: i64, length: i64) -> PyResult<()> {
        number(cx, Call::PosixFallocate, &[fd, offset, length]).map(drop)
    }
    /// Copy count bytes from one descriptor to another; the number of bytes copied.
    #[py("sendfile(out_fd, in_fd, offset, count)")]
    pub fn sendfile(cx: &mut Cx, out_fd: i64, in_fd: i64, offset: &Obj, count: i64) -> PyResult<i64> {
        let offset = if offset.is_none() { -1 } else { protocol::index_i64(cx, offset)? };
        let mut count = count;
        if crate::select::write_may_wait(cx, out_fd as i32) {
            crate::select::wait_writable(cx, out_fd as i32)?;
            count = count.min(crate::select::SURE_BYTES as i64);
        }
        number(cx, Call::Sendfile, &[out_fd, in_fd, offset, count])
    }
    /// Copy count bytes from one file descriptor to another inside the kernel, from and to offsets where they are given.
    #[py("copy_file_range(src, dst, count, offset_src=None, offset_dst=None)")]
    pub fn copy_file_range(cx: &mut Cx, src: i64, dst: i64, count: i64, offset_src: Option<i64>, offset_dst: Option<i64>) -> PyResult<i64> {
        if count < 0 {
            return Err(cx.value_error("negative value for 'count' not allowed"));
        }
        let r = cx.host.copy_file_range((src as i32, offset_src), (dst as i32, offset_dst), count as usize);
        done(cx, r)
    }
    /// Creates and returns an event notification file descriptor.
    #[py("eventfd(initval, flags=524288)", "(initval, flags=EFD_CLOEXEC)")]
    pub fn eventfd(cx: &mut Cx, initval: i64, flags: i64) -> PyResult<i64> {
        number(cx, Call::Eventfd, &[initval, flags])
    }
    /// Read eventfd value
    #[py("eventfd_read(fd)")]
    pub fn eventfd_read(cx: &mut Cx, fd: &Obj) -> PyResult {
        let fd = crate::posix::descriptor(cx, fd)?;
        let mut value = [0; 8];
        loop {
            crate::select::let_others_run(cx, fd)?;
            match cx.host.read(fd, &mut value) {
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => cx.poll_native()?,
                r => {
                    done(cx, r)?;
                    return retic_runtime::types::int::from_u64(cx, u64::from_ne_bytes(value));
                }
            }
        }
    }
    /// Write eventfd value.
    #[py("eventfd_write(fd, value)")]
    pub fn eventfd_write(cx: &mut Cx, fd: &Obj, value: &Obj) -> PyResult<()> {
        let fd = crate::posix::descriptor(cx, fd)?;
        let Some(whole) = retic_runtime::types::int::to_big(value) else { return Err(cx.type_error("an integer is required")) };
        if whole.is_negative() {
            return Err(cx.value_error("value must be positive"));
        }
        let Some(value) = whole.to_u64() else { return Err(cx.overflow_error("int too big to convert")) };
        let r = crate::select::write(cx, fd, &value.to_ne_bytes())?;
        done(cx, r).map(drop)
    }
    /// Return a file descriptor referring to the process pid.
    #[py("pidfd_open(pid, flags=0)")]
    pub fn pidfd_open(cx: &mut Cx, pid: i64, flags: i64) -> PyResult<i64> {
        number(cx, Call::PidfdOpen, &[pid, flags])
    }
    /// Read a number of bytes from a file descriptor starting at a particular offset.
    #[py("pread(fd, length, offset, /)")]
    pub fn pread(cx: &mut Cx, fd: i64, length: i64, offset: i64) -> PyResult {
        let Ok(length) = usize::try_from(length) else { return Err(exception::raise_os(cx, &std::io::Error::from_raw_os_error(22), None, None)) };
        let mut room = Vec::new();
        protocol::grow(cx, &mut room, length)?;
        room.resize(length, 0);
        let r = cx.host.read_at(fd as i32, &mut room, offset);
        let n = done(cx, r)?;
        Bytes::from_slice(cx, &room[..n])
    }
    /// Write bytes to a file descriptor starting at a particular offset.
    #[py("pwrite(fd, buffer, offset, /)")]
    pub fn pwrite(cx: &mut Cx, fd: i64, buffer: &Obj, offset: i64) -> PyResult<usize> {
        let b = buffer::held(cx, buffer)?;
        let r = cx.host.write_at(fd as i32, &b, offset);
        done(cx, r)
    }
    /// Read from a file descriptor fd into an iterable of buffers.
    #[py("readv(fd, buffers, /)")]
    pub fn readv(cx: &mut Cx, fd: i64, buffers: &Obj) -> PyResult<usize> {
        let mut views = Vec::new();
        let r = (|| {
            for o in protocol::collect(cx, buffers)? {
                views.push(buffer::writable(cx, &o, "readv")?);
            }
            let size = views.iter().map(buffer::Buffer::nbytes).sum();
            let mut room = Vec::new();
            protocol::grow(cx, &mut room, size)?;
            room.resize(size, 0);
            let r = cx.host.read(fd as i32, &mut room);
            let n = done(cx, r)?;
            let mut rest = &room[..n];
            for v in &views {
                let (part, after) = rest.split_at(rest.len().min(v.nbytes()));
                buffer::fill(cx, v, part);
                rest = after;
            }
            Ok(n)
        })();
        for v in &views {
            buffer::release(cx, &v.exporter);
        }
        r
    }
    /// Iterate over buffers, and write the contents of each to a file descriptor.
    #[py("writev(fd, buffers, /)")]
    pub fn writev(cx: &mut Cx, fd: i64, buffers: &Obj) -> PyResult<usize> {
        let mut all = Vec::new();
        for o in protocol::collect(cx, buffers)? {
            let b = buffer::bytes(cx, &o)?;
            protocol::grow(cx, &mut all, b.len())?;
            all.extend(b);
        }
        let r = cx.host.write(fd as i32, &all);
        done(cx, r)
    }
    /// Perform a statvfs system call on the given path.
    #[py("statvfs(path)")]
    pub fn statvfs(cx: &mut Cx, path: &Obj) -> PyResult {
        let p = super::path::of(cx, path, "statvfs", true)?;
        let s = cx.host.file_system(&p.bytes, p.fd).map_err(|e| exception::raise_os(cx, &e, Some(&p.given), None))?;
        let items = s.iter().map(|n| int::from_u64(cx, *n)).collect::<PyResult<Vec<_>>>()?;
        let ty = cx.native_type("os.statvfs_result");
        structseq::new(cx, &ty, 10, items)
    }
    /// Perform an fstatvfs system call on the given fd.
    #[py("fstatvfs(fd, /)")]
    pub fn fstatvfs(cx: &mut Cx, fd: &Obj) -> PyResult {
        statvfs(cx, fd)
    }
    /// Execute the command in a subshell; its wait status.
    #[py("system(command)")]
    pub fn system(cx: &mut Cx, command: &Obj) -> PyResult<i64> {
        cx.audit("os.system", &[command.into()])?;
        let command = path::of(cx, command, "system", false)?.bytes;
        cx.host.flush();
        let args = [b"sh".to_vec(), b"-c".to_vec(), command];
        let shell = [b"/bin/sh".to_vec()];
        let spawn = retic_runtime::host::Spawn {
            args: &args,
            executables: &shell,
            env: None,
            cwd: None,
            stdio: [-1; 3],
            keep: &[],
            close_fds: false,
            error_pipe: -1,
            restore_signals: false,
            new_session: false,
            process_group: -1,
            umask: -1,
            gid: None,
            uid: None,
            groups: None,
        };
        let r = cx.host.spawn(&spawn);
        let pid = done(cx, r)?;
        let r = wait_child(cx, pid, 0)?;
        done(cx, r).map(|(_, status)| i64::from(status))
    }
    /// Wait for completion of a child process: its process id and wait status.
    #[py("wait()")]
    pub fn wait(cx: &mut Cx) -> PyResult {
        let r = wait_child(cx, -1, 0)?;
        let (pid, status) = done(cx, r)?;
        let pair = vec![cx.int(pid)?, cx.int(i64::from(status))?];
        cx.tuple(pair)
    }
    /// Execute an executable path with arguments, replacing current process.
    #[py("execv(path, argv, /)")]
    pub fn execv(cx: &mut Cx, path: &Obj, argv: &Obj) -> PyResult<()> {
        cx.audit("os.exec", &[path.into(), argv.into(), Told::Nothing])?;
        let p = super::path::of(cx, path, "execv", false)?;
        let args = program(cx, argv, "execv")?;
        cx.host.flush();
        cx.host.replace_program(&p.bytes, &args, None).map_err(|e| exception::raise_os(cx, &e, None, None))
    }
    /// Execute an executable path with arguments and an environment, replacing current process.
    #[py("execve(path, argv, env)")]
    pub fn execve(cx: &mut Cx, path: &Obj, argv: &Obj, env: &Obj) -> PyResult<()> {
        cx.audit("os.exec", &[path.into(), argv.into(), env.into()])?;
        let p = super::path::of(cx, path, "execve", false)?;
        let args = program(cx, argv, "execve")?;
        let env = environment(cx, env)?;
        cx.host.flush();
        cx.host.replace_program(&p.bytes, &args, Some(&env)).map_err(|e| exception::raise_os(cx, &e, Some(&p.given), None))
    }
    /// Extracts a device major number from a raw device number.
    #[py("major(device, /)")]
    pub fn major(_cx: &mut Cx, device: i64) -> i64 {
        let d = device as u64;
        ((d >> 8 & 0xfff) | (d >> 32 & !0xfff)) as i64
    }
    /// Extracts a device minor number from a raw device number.
    #[py("minor(device, /)")]
    pub fn minor(_cx: &mut Cx, device: i64) -> i64 {
        let d = device as u64;
        ((d & 0xff) | (d >> 12 & !0xff & 0xffff_ffff)) as i64
    }
    /// Composes a raw device number from the major and minor device numbers.
    #[py("makedev(major, minor, /)")]
    pub fn makedev(_cx: &mut Cx, major: i64, minor: i64) -> i64 {
        let (a, b) = (major as u64, minor as u64);
        ((b & 0xff) | (a & 0xfff) << 8 | (b & !0xff) << 12 | (a & !0xfff) << 32) as i64
    }
    /// Return True if the process returning status was dumped to a core file.
    #[py("WCOREDUMP(status, /)")]
    pub fn wcoredump(_cx: &mut Cx, status: i64) -> bool {
        status & 0x80 != 0
    }
    /// Return True if a particular process was continued from a job control stop.
    #[py("WIFCONTINUED(status)")]
    pub fn wifcontinued(_cx: &mut Cx, status: i64) -> bool {
        status == 0xffff
    }
}

/// The tables of names.
pub fn names(cx: &mut Cx, table: &'static [(&'static str, i64)]) -> PyResult {
    let d = Dict::new(cx)?;
    for (name, n) in table {
        let n = cx.int(*n)?;
        d.set_str(cx, name, n)?;
    }
    Ok(d.into_obj())
}
