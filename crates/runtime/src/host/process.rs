//! The process and what it asks of the kernel with plain numbers.

use super::refused;
use std::io::Result;

/// A request whose arguments and result are numbers; the names are those of the C functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Eventfd,
    Fchdir,
    Fchmod,
    Fchown,
    Fork,
    Fpathconf,
    Getpgid,
    Getpriority,
    Getsid,
    Grantpt,
    Killpg,
    Lockf,
    LoginTty,
    Nice,
    PidfdOpen,
    PosixFadvise,
    PosixFallocate,
    PosixOpenpt,
    SchedGetPriorityMax,
    SchedGetPriorityMin,
    SchedGetscheduler,
    SchedGetparam,
    SchedRrGetInterval,
    SchedSetparam,
    SchedSetscheduler,
    Sendfile,
    Setegid,
    Seteuid,
    Setgid,
    Setns,
    Setpgid,
    Setpriority,
    Setregid,
    Setresgid,
    Setresuid,
    Setreuid,
    Setsid,
    Setuid,
    Sync,
    Sysconf,
    Tcgetpgrp,
    Tcsetpgrp,
    TimerfdCreate,
    Unlockpt,
    Unshare,
}

/// The offset of `Sendfile` that means the descriptor's own place.
pub const SENDFILE_HERE: i64 = i64::MIN;

/// A request about a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathCall {
    Chroot,
    MemfdCreate,
    Pathconf,
}

/// What `posix_spawn` does with a descriptor in the child.
#[derive(Clone, Debug)]
pub enum FileAction {
    Open {
        fd: i32,
        path: Vec<u8>,
        flags: i32,
        mode: u32,
    },
    Close(i32),
    Dup2 {
        fd: i32,
        to: i32,
    },
    /// Closes this and all above.
    CloseFrom(i32),
}

/// A program to start with `posix_spawn`.
#[derive(Clone, Debug, Default)]
pub struct SpawnRequest {
    pub path: Vec<u8>,
    /// Looked for in the folders of PATH.
    pub search: bool,
    pub args: Vec<Vec<u8>>,
    /// None: this process's environment.
    pub env: Option<Vec<Vec<u8>>>,
    pub actions: Vec<FileAction>,
    pub group: Option<i32>,
    pub reset_ids: bool,
    pub new_session: bool,
    /// Signals not taken, and signals that have their own effect again: bit 0 is signal 1.
    pub mask: Option<u64>,
    pub defaults: Option<u64>,
    /// A policy, where one is given, and a priority.
    pub scheduler: Option<(Option<i32>, i32)>,
}

/// A child that `wait4` tells of: process, raw status, seconds of user and system time, the counts of `getrusage`.
pub type Waited = (i64, i32, (f64, f64, [i64; 14]));

/// A semaphore that processes find by its name.
pub trait Semaphore: Send + Sync {
    /// Takes one, waiting so long at most; false: too late, or interrupted.
    fn wait(&self, most: std::time::Duration) -> Result<bool>;
    fn try_wait(&self) -> Result<bool>;
    fn post(&self) -> Result<()>;
    fn value(&self) -> Result<i32>;
    /// What it is known by in this process and those forked from it.
    fn handle(&self) -> usize;
}

/// The process a host gives; by default nothing of it.
#[allow(unused_variables, reason = "the names of the parameters say what they are")]
pub trait Process {
    /// Opens a semaphore, or makes it with a value: then there must be none of that name.
    fn semaphore(&mut self, name: &[u8], create: Option<u32>) -> Result<std::sync::Arc<dyn Semaphore>> {
        refused()
    }
    /// One that is open already, by its handle.
    fn open_semaphore(&self, handle: usize) -> Result<std::sync::Arc<dyn Semaphore>> {
        refused()
    }
    fn unlink_semaphore(&mut self, name: &[u8]) -> Result<()> {
        refused()
    }
    /// Memory that processes find by its name, as a descriptor.
    fn shared_memory(&mut self, name: &[u8], flags: i32, mode: u32) -> Result<i32> {
        refused()
    }
    fn unlink_shared_memory(&mut self, name: &[u8]) -> Result<()> {
        refused()
    }
    /// Sets one of the interval timers (seconds, then every so many) or only reads it: what is left, and the interval.
    fn interval_timer(&mut self, which: i32, new: Option<(f64, f64)>) -> Result<(f64, f64)> {
        refused()
    }
    /// Sends a signal to the running thread.
    fn raise_signal(&mut self, signal: i32) -> Result<()> {
        refused()
    }
    /// Changes the signals that the running thread does not take (bit 0 is signal 1); those before.
    fn signal_mask(&mut self, how: i32, set: u64) -> Result<u64> {
        refused()
    }
    /// Signals that wait because they are not taken.
    fn blocked_signals(&self) -> u64 {
        0
    }
    /// Waits for one of a set of signals: number, code, errno, process, user, status, band. A function that needs no
    /// host: other threads run meanwhile.
    fn signal_waiter(&self) -> fn(u64, Option<f64>) -> Result<Option<[i64; 7]>> {
        |_, _| refused()
    }
    /// A request with up to four numbers.
    fn number(&mut self, call: Call, args: [i64; 4]) -> Result<i64> {
        refused()
    }
    /// A request about a path, with up to two numbers.
    fn path_number(&mut self, call: PathCall, path: &[u8], args: [i64; 2]) -> Result<i64> {
        refused()
    }
    /// Two descriptors: the ends of a pipe with flags, or master and slave of a terminal.
    fn pipe_with(&mut self, flags: i32) -> Result<(i32, i32)> {
        refused()
    }
    fn open_terminal(&mut self) -> Result<(i32, i32)> {
        refused()
    }
    /// The name of the other end of a terminal whose master this is.
    fn terminal_of(&self, master: i32) -> Result<Vec<u8>> {
        refused()
    }
    /// A child whose standard streams are a terminal of its own: its process (0 in the child) and the terminal's master.
    fn fork_terminal(&mut self) -> Result<(i64, i32)> {
        refused()
    }
    /// Reads at a place of a file; `flags` are those of `preadv2`.
    fn read_at(&mut self, fd: i32, out: &mut [u8], offset: i64, flags: i32) -> Result<usize> {
        refused()
    }
    fn write_at(&mut self, fd: i32, bytes: &[u8], offset: i64, flags: i32) -> Result<usize> {
        refused()
    }
    /// Moves bytes between a pipe and another descriptor; an offset says where, and leaves the descriptor's own place alone.
    fn splice(&mut self, from: (i32, Option<i64>), to: (i32, Option<i64>), count: usize, flags: u32) -> Result<usize> {
        refused()
    }
    /// Sets a timer that is a descriptor, or only reads it: first time and interval in nanoseconds, as they were.
    fn timer(&mut self, fd: i32, new: Option<(i32, [i64; 2])>) -> Result<[i64; 2]> {
        refused()
    }
    /// Random bytes with flags of `getrandom`; how many there were.
    fn random(&mut self, out: &mut [u8], flags: u32) -> Result<usize> {
        refused()
    }
    /// A text of the system's configuration, if it has a value.
    fn configuration_text(&self, name: i32) -> Result<Option<Vec<u8>>> {
        refused()
    }
    fn login_name(&self) -> Result<Vec<u8>> {
        refused()
    }
    /// The groups of a user, one of them given.
    fn groups_of(&self, user: &[u8], group: u32) -> Result<Vec<u32>> {
        refused()
    }
    /// Takes the groups of a user for this process.
    fn take_groups_of(&mut self, user: &[u8], group: u32) -> Result<()> {
        refused()
    }
    /// A child that ended, with what it used; process 0: none yet.
    fn wait4(&mut self, pid: i64, options: i32) -> Result<Waited> {
        refused()
    }
    /// Process, user, signal, status and code of a child that changed; `None`: none yet.
    fn waitid(&mut self, kind: i64, id: i64, options: i32) -> Result<Option<[i64; 5]>> {
        refused()
    }
    fn posix_spawn(&mut self, request: &SpawnRequest) -> Result<i64> {
        refused()
    }
    fn groups(&self) -> Result<Vec<u32>> {
        refused()
    }
    fn set_groups(&mut self, groups: &[u32]) -> Result<()> {
        refused()
    }
    /// Real, effective and saved id of the user and of the group.
    fn saved_ids(&self) -> Result<[u32; 6]> {
        refused()
    }
    /// The processors that a process (0: this one) may run on.
    fn affinity(&self, pid: i64) -> Result<Vec<usize>> {
        refused()
    }
    fn set_affinity(&mut self, pid: i64, processors: &[usize]) -> Result<()> {
        refused()
    }
    /// An extended attribute of a file: by descriptor, or by name and whether links are followed.
    fn attribute(&self, path: &[u8], fd: Option<i32>, follow: bool, name: &[u8]) -> Result<Vec<u8>> {
        refused()
    }
    /// Sets one with flags of `setxattr`, or removes it.
    fn set_attribute(&mut self, path: &[u8], fd: Option<i32>, follow: bool, name: &[u8], value: Option<&[u8]>, flags: i32) -> Result<()> {
        refused()
    }
    /// Their names, each with a zero behind it.
    fn attributes(&self, path: &[u8], fd: Option<i32>, follow: bool) -> Result<Vec<u8>> {
        refused()
    }
    /// What the process (0), its children (-1) or the running thread (1) used: seconds of user and system time, and the
    /// fourteen counts of `getrusage` in their order.
    fn resource_usage(&self, who: i32) -> Result<(f64, f64, [i64; 14])> {
        refused()
    }
    /// Sets a limit of a process (0: this one), or only reads it: the current and the largest value, as they were.
    fn resource_limit(&mut self, process: i32, resource: i32, new: Option<(u64, u64)>) -> Result<(u64, u64)> {
        refused()
    }
    /// A clock by its number, in nanoseconds.
    fn clock_by_number(&self, id: i32) -> Result<i64> {
        refused()
    }
    /// Nanoseconds between two times of a clock.
    fn clock_resolution(&self, id: i32) -> Result<i64> {
        refused()
    }
    fn set_clock(&mut self, id: i32, ns: i64) -> Result<()> {
        refused()
    }
    /// Sends a signal to the process that a descriptor stands for.
    fn signal_descriptor(&mut self, fd: i32, signal: i32, flags: u32) -> Result<()> {
        refused()
    }
    fn load_average(&self) -> Result<[f64; 3]> {
        refused()
    }
    /// `statvfs` of a path or a descriptor: block size, fragment size, blocks, free, available, files, free, available, flags,
    /// longest name, id.
    fn file_system(&self, path: &[u8], fd: Option<i32>) -> Result<[u64; 11]> {
        refused()
    }
    fn terminal_name(&self, fd: i32) -> Result<Vec<u8>> {
        refused()
    }
    /// Becomes another program, of a path or of an open file; returns only when that fails.
    fn replace_program(&mut self, path: &[u8], fd: Option<i32>, args: &[Vec<u8>], env: Option<&[Vec<u8>]>) -> Result<()> {
        refused()
    }
}
