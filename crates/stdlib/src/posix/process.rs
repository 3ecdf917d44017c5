//! The process: its ids and groups, how it is scheduled, limits and texts of the system.

use super::arguments::{self, CInt, Device, DevicePart, Fd, FormatInt, Gid, Uid};
use super::constants::{CONFSTR, PATHCONF, SYSCONF};
use super::{number, path, plain};
use retic_runtime::host::process::{Call, PathCall};
use retic_runtime::types::module::Module;
use retic_runtime::types::structseq::{self, Definition};
use retic_runtime::types::{Dict, Int, Str, Tuple, Type, int};
use retic_runtime::{Args, Cx, Obj, PyResult, Ref, protocol};

static STATVFS: Definition = Definition {
    name: "os.statvfs_result",
    doc: "statvfs_result: Result from statvfs or fstatvfs.",
    fields: &["f_bsize", "f_frsize", "f_blocks", "f_bfree", "f_bavail", "f_files", "f_ffree", "f_favail", "f_flag", "f_namemax", "f_fsid"],
    visible: 10,
};

static SCHED_PARAM: Definition = Definition {
    name: "posix.sched_param",
    doc: "How a process is scheduled.\n\n  sched_priority\n    The priority, the only parameter there is.",
    fields: &["sched_priority"],
    visible: 1,
};

/// The id of a user ("uid") or a group ("gid"): a number of 32 bits, or -1 where the system takes that for "leave it".
pub fn id_number(cx: &mut Cx, what: &str, n: i64) -> PyResult<u32> {
    match n {
        -1 => Ok(u32::MAX),
        // CPython's word for both ends.
        n => u32::try_from(n).map_err(|_| cx.overflow_error(format!("{what} is less than minimum"))),
    }
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
        ids.push(arguments::id(cx, "gid", g)?);
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
    arguments::c_int(cx, o).map(i64::from)
}

fn ids(cx: &mut Cx, from: usize) -> PyResult {
    let r = cx.host.saved_ids();
    let n = plain(cx, r)?;
    let items = n[from..from + 3].iter().map(|n| cx.int(i64::from(*n))).collect::<PyResult<Vec<_>>>()?;
    cx.tuple(items)
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
        let p = path::of(cx, path, "pathconf", true)?;
        let r = match p.fd {
            Some(fd) => cx.host.number(Call::Fpathconf, [fd.into(), n, 0, 0]),
            None => cx.host.path_number(PathCall::Pathconf, &p.bytes, [n, 0]),
        };
        super::super::asked(cx, r, &p)
    }
    /// Return the configuration limit name for the file descriptor fd.
    #[py("fpathconf(fd, name, /)")]
    pub fn fpathconf(cx: &mut Cx, fd: Fd, name: &Obj) -> PyResult<i64> {
        let n = limit(cx, name, PATHCONF)?;
        number(cx, Call::Fpathconf, &[fd.0.into(), n])
    }
    /// Return average recent system load information: over the last 1, 5, and 15 minutes.
    #[py("getloadavg()")]
    pub fn getloadavg(cx: &mut Cx) -> PyResult {
        let r = cx.host.load_average();
        let items = plain(cx, r)?.iter().map(|n| cx.float(*n)).collect::<PyResult<Vec<_>>>()?;
        cx.tuple(items)
    }
    /// Call the system call getpgid(), and return the result.
    #[py("getpgid(pid)")]
    pub fn getpgid(cx: &mut Cx, pid: FormatInt) -> PyResult<i64> {
        number(cx, Call::Getpgid, &[pid.0])
    }
    /// Return the current process group id.
    #[py("getpgrp()")]
    pub fn getpgrp(cx: &mut Cx) -> PyResult<i64> {
        number(cx, Call::Getpgid, &[0])
    }
    /// Call the system call setpgid(pid, pgrp).
    #[py("setpgid(pid, pgrp, /)")]
    pub fn setpgid(cx: &mut Cx, pid: FormatInt, pgrp: FormatInt) -> PyResult<()> {
        number(cx, Call::Setpgid, &[pid.0, pgrp.0]).map(drop)
    }
    /// Make the current process the leader of its process group.
    #[py("setpgrp()")]
    pub fn setpgrp(cx: &mut Cx) -> PyResult<()> {
        number(cx, Call::Setpgid, &[0, 0]).map(drop)
    }
    /// Call the system call getsid(pid) and return the result.
    #[py("getsid(pid, /)")]
    pub fn getsid(cx: &mut Cx, pid: FormatInt) -> PyResult<i64> {
        number(cx, Call::Getsid, &[pid.0])
    }
    /// Call the system call setsid().
    #[py("setsid()")]
    pub fn setsid(cx: &mut Cx) -> PyResult<()> {
        number(cx, Call::Setsid, &[]).map(drop)
    }
    /// Return program scheduling priority.
    #[py("getpriority(which, who)")]
    pub fn getpriority(cx: &mut Cx, which: CInt, who: CInt) -> PyResult<i64> {
        number(cx, Call::Getpriority, &[which.0.into(), who.0.into()])
    }
    /// Set program scheduling priority.
    #[py("setpriority(which, who, priority)")]
    pub fn setpriority(cx: &mut Cx, which: CInt, who: CInt, priority: CInt) -> PyResult<()> {
        number(cx, Call::Setpriority, &[which.0.into(), who.0.into(), priority.0.into()]).map(drop)
    }
    /// Add increment to the priority of process and return the new priority.
    #[py("nice(increment, /)")]
    pub fn nice(cx: &mut Cx, increment: CInt) -> PyResult<i64> {
        number(cx, Call::Nice, &[increment.0.into()])
    }
    /// Get the maximum scheduling priority for policy.
    #[py("sched_get_priority_max(policy)")]
    pub fn sched_get_priority_max(cx: &mut Cx, policy: CInt) -> PyResult<i64> {
        number(cx, Call::SchedGetPriorityMax, &[policy.0.into()])
    }
    /// Get the minimum scheduling priority for policy.
    #[py("sched_get_priority_min(policy)")]
    pub fn sched_get_priority_min(cx: &mut Cx, policy: CInt) -> PyResult<i64> {
        number(cx, Call::SchedGetPriorityMin, &[policy.0.into()])
    }
    /// Get the scheduling policy for the process identified by pid.
    #[py("sched_getscheduler(pid, /)")]
    pub fn sched_getscheduler(cx: &mut Cx, pid: FormatInt) -> PyResult<i64> {
        number(cx, Call::SchedGetscheduler, &[pid.0])
    }
    /// Return the group ids of the process.
    #[py("getgroups()")]
    pub fn getgroups(cx: &mut Cx) -> PyResult {
        let r = cx.host.groups();
        let items = plain(cx, r)?.iter().map(|n| cx.int(i64::from(*n))).collect::<PyResult<Vec<_>>>()?;
        cx.list(items)
    }
    /// Set the groups of the current process to list.
    #[py("setgroups(groups, /)")]
    pub fn setgroups(cx: &mut Cx, groups: &Obj) -> PyResult<()> {
        let groups = group_ids(cx, groups)?;
        let r = cx.host.set_groups(&groups);
        plain(cx, r)
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
    /// Sets the process's user.
    #[py("setuid(uid, /)")]
    pub fn setuid(cx: &mut Cx, uid: Uid) -> PyResult<()> {
        number(cx, Call::Setuid, &[uid.0.into()]).map(drop)
    }
    /// Sets the process's group.
    #[py("setgid(gid, /)")]
    pub fn setgid(cx: &mut Cx, gid: Gid) -> PyResult<()> {
        number(cx, Call::Setgid, &[gid.0.into()]).map(drop)
    }
    /// Sets the process's effective user.
    #[py("seteuid(euid, /)")]
    pub fn seteuid(cx: &mut Cx, euid: Uid) -> PyResult<()> {
        number(cx, Call::Seteuid, &[euid.0.into()]).map(drop)
    }
    /// Sets the process's effective group.
    #[py("setegid(egid, /)")]
    pub fn setegid(cx: &mut Cx, egid: Gid) -> PyResult<()> {
        number(cx, Call::Setegid, &[egid.0.into()]).map(drop)
    }
    /// Sets the process's real and effective user; -1 stays.
    #[py("setreuid(ruid, euid, /)")]
    pub fn setreuid(cx: &mut Cx, ruid: Uid, euid: Uid) -> PyResult<()> {
        number(cx, Call::Setreuid, &[ruid.0.into(), euid.0.into()]).map(drop)
    }
    /// Sets the process's real and effective group; -1 stays.
    #[py("setregid(rgid, egid, /)")]
    pub fn setregid(cx: &mut Cx, rgid: Gid, egid: Gid) -> PyResult<()> {
        number(cx, Call::Setregid, &[rgid.0.into(), egid.0.into()]).map(drop)
    }
    /// Sets the process's real, effective and saved user; -1 stays.
    #[py("setresuid(ruid, euid, suid, /)")]
    pub fn setresuid(cx: &mut Cx, ruid: Uid, euid: Uid, suid: Uid) -> PyResult<()> {
        number(cx, Call::Setresuid, &[ruid.0.into(), euid.0.into(), suid.0.into()]).map(drop)
    }
    /// Sets the process's real, effective and saved group; -1 stays.
    #[py("setresgid(rgid, egid, sgid, /)")]
    pub fn setresgid(cx: &mut Cx, rgid: Gid, egid: Gid, sgid: Gid) -> PyResult<()> {
        number(cx, Call::Setresgid, &[rgid.0.into(), egid.0.into(), sgid.0.into()]).map(drop)
    }
    /// Force write of everything to disk.
    #[py("sync()")]
    pub fn sync(cx: &mut Cx) -> PyResult<()> {
        number(cx, Call::Sync, &[]).map(drop)
    }
    /// Perform a statvfs system call on the given path.
    #[py("statvfs(path)")]
    pub fn statvfs(cx: &mut Cx, path: &Obj) -> PyResult {
        let p = super::path::of(cx, path, "statvfs", true)?;
        statvfs_of(cx, &p)
    }
    /// The state of the file system of a descriptor.
    #[py("fstatvfs(fd, /)")]
    pub fn fstatvfs(cx: &mut Cx, fd: CInt) -> PyResult {
        let r = cx.host.file_system(&[], Some(fd.0));
        let s = plain(cx, r)?;
        statvfs_result(cx, &s)
    }
    /// The major number of a device.
    #[py("major(device, /)")]
    pub fn major(cx: &mut Cx, device: Device) -> PyResult {
        let d = device.0;
        part(cx, device, (d >> 8 & 0xfff) | (d >> 32 & !0xfff))
    }
    /// The minor number of a device.
    #[py("minor(device, /)")]
    pub fn minor(cx: &mut Cx, device: Device) -> PyResult {
        let d = device.0;
        part(cx, device, (d & 0xff) | (d >> 12 & !0xff & 0xffff_ffff))
    }
    /// The device with a major and a minor number.
    #[py("makedev(major, minor, /)")]
    pub fn makedev(cx: &mut Cx, major: DevicePart, minor: DevicePart) -> PyResult {
        let (a, b) = (u64::from(major.0), u64::from(minor.0));
        device_number(cx, (b & 0xff) | (a & 0xfff) << 8 | (b & !0xff) << 12 | (a & !0xfff) << 32)
    }
    /// The scheduling parameters of a process (0: this one).
    #[py("sched_getparam(pid, /)")]
    pub fn sched_getparam(cx: &mut Cx, pid: FormatInt) -> PyResult {
        let n = number(cx, Call::SchedGetparam, &[pid.0])?;
        let n = cx.int(n)?;
        let ty = cx.native_type(SCHED_PARAM.name);
        structseq::new(cx, &ty, 1, vec![n])
    }
    /// The time that the round-robin policy gives a process (0: this one) at once, in seconds.
    #[py("sched_rr_get_interval(pid, /)")]
    pub fn sched_rr_get_interval(cx: &mut Cx, pid: FormatInt) -> PyResult<f64> {
        number(cx, Call::SchedRrGetInterval, &[pid.0]).map(|ns| ns as f64 / 1e9)
    }
    /// Sets the scheduling parameters of a process (0: this one): a sched_param.
    #[py("sched_setparam(pid, param, /)")]
    pub fn sched_setparam(cx: &mut Cx, pid: FormatInt, param: &Obj) -> PyResult<()> {
        let priority = priority(cx, param)?;
        number(cx, Call::SchedSetparam, &[pid.0, priority.into()]).map(drop)
    }
    /// Sets the scheduling policy of a process (0: this one), with a sched_param.
    #[py("sched_setscheduler(pid, policy, param, /)")]
    pub fn sched_setscheduler(cx: &mut Cx, pid: FormatInt, policy: CInt, param: &Obj) -> PyResult<()> {
        let priority = priority(cx, param)?;
        number(cx, Call::SchedSetscheduler, &[pid.0, policy.0.into(), priority.into()]).map(drop)
    }
    /// Moves the running thread into the namespace of a descriptor: of a kind (CLONE_NEW and its kin), or 0 for any.
    #[py("setns(fd, nstype=0)")]
    pub fn setns(cx: &mut Cx, fd: Fd, nstype: Option<CInt>) -> PyResult<()> {
        number(cx, Call::Setns, &[fd.0.into(), nstype.map_or(0, |n| n.0).into()]).map(drop)
    }
    /// Takes parts of the process that others share, as flags of CLONE_ say, for its own.
    #[py("unshare(flags)")]
    pub fn unshare(cx: &mut Cx, flags: CInt) -> PyResult<()> {
        number(cx, Call::Unshare, &[flags.0.into()]).map(drop)
    }
    /// A text of the system's configuration, by one of the names in confstr_names or a number; None where it has no value.
    #[py("confstr(name, /)")]
    pub fn confstr(cx: &mut Cx, name: &Obj) -> PyResult {
        let n = limit(cx, name, CONFSTR)?;
        let r = cx.host.configuration_text(n as i32);
        match plain(cx, r)? {
            Some(text) => path::name(cx, &text, false),
            None => Ok(cx.none()),
        }
    }
    /// The name under which the user of the process's terminal came in.
    #[py("getlogin()")]
    pub fn getlogin(cx: &mut Cx) -> PyResult {
        let r = cx.host.login_name();
        let name = plain(cx, r)?;
        path::name(cx, &name, false)
    }
    /// The groups that a user belongs to, as a list of ids; group is among them.
    #[py("getgrouplist(user, group, /)")]
    pub fn getgrouplist(cx: &mut Cx, user: &Obj, group: Gid) -> PyResult {
        if user.cast::<Str>().is_none() {
            return Err(cx.type_error(format!("getgrouplist() argument 1 must be str, not {}", user.ty().name_text())));
        }
        let user = path::any(cx, user)?;
        let r = cx.host.groups_of(&user, group.0);
        let items = plain(cx, r)?.iter().map(|n| cx.int(i64::from(*n))).collect::<PyResult<Vec<_>>>()?;
        cx.list(items)
    }
    /// Takes the groups of a user, and one more, for the process.
    #[py("initgroups(username, gid, /)")]
    pub fn initgroups(cx: &mut Cx, username: &Obj, gid: Gid) -> PyResult<()> {
        let user = path::any(cx, username)?;
        let r = cx.host.take_groups_of(&user, gid.0);
        plain(cx, r)
    }
}

/// A part of a device's number; of no device it is -1.
fn part(cx: &mut Cx, device: Device, n: u64) -> PyResult {
    device_number(cx, if device.0 == u64::MAX { u64::MAX } else { n })
}
fn device_number(cx: &mut Cx, n: u64) -> PyResult {
    if n == u64::MAX { cx.int(-1) } else { int::from_u64(cx, n) }
}
fn statvfs_of(cx: &mut Cx, p: &path::Path) -> PyResult {
    let r = cx.host.file_system(&p.bytes, p.fd);
    let s = super::asked(cx, r, p)?;
    statvfs_result(cx, &s)
}
fn statvfs_result(cx: &mut Cx, s: &[u64; 11]) -> PyResult {
    let items = s.iter().map(|n| int::from_u64(cx, *n)).collect::<PyResult<Vec<_>>>()?;
    let ty = cx.native_type(STATVFS.name);
    structseq::new(cx, &ty, STATVFS.visible, items)
}
/// `sched_param(sched_priority)`.
fn scheduling(cx: &mut Cx, ty: &Ref<Type>, args: Args<'_>) -> PyResult {
    let params = crate::params::Params { function: "sched_param", names: &["sched_priority"], required: 1, positional: 1 };
    let mut value = None;
    crate::params::bind(cx, &params, &args, |_, _, o| {
        value = Some(o.clone());
        Ok(())
    })?;
    let value = value.unwrap_or_else(|| cx.none());
    structseq::new(cx, ty, 1, vec![value])
}
/// The priority of a `sched_param`.
pub(super) fn priority(cx: &mut Cx, o: &Obj) -> PyResult<i32> {
    if !std::ptr::eq(o.ty(), &*cx.native_type(SCHED_PARAM.name)) {
        return Err(cx.type_error("must have a sched_param object"));
    }
    let value = o.cast::<Tuple>().and_then(|t| t.items().first().cloned()).unwrap_or_else(|| cx.none());
    let n = protocol::index(cx, &value)?;
    int::to_i64(&n).and_then(|n| i32::try_from(n).ok()).ok_or_else(|| cx.overflow_error("sched_priority out of range"))
}

/// The types of results.
pub fn make_types(cx: &mut Cx, m: &Ref<Module>) -> PyResult<()> {
    let ty = structseq::make_type(cx, &STATVFS)?;
    m.set(cx, "statvfs_result", ty.into_obj())?;
    let ty = structseq::make_type_with(cx, &SCHED_PARAM, (scheduling, "(sched_priority)"))?;
    m.set(cx, "sched_param", ty.into_obj())
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
