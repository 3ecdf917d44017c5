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
    Killpg,
    Lockf,
    Nice,
    PidfdOpen,
    PosixFadvise,
    PosixFallocate,
    SchedGetPriorityMax,
    SchedGetPriorityMin,
    SchedGetscheduler,
    Sendfile,
    Setegid,
    Seteuid,
    Setgid,
    Setpgid,
    Setpriority,
    Setregid,
    Setreuid,
    Setsid,
    Setuid,
    Sync,
    Sysconf,
    Tcgetpgrp,
    Tcsetpgrp,
}

/// A request about a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathCall {
    Chown,
    Chroot,
    Lchown,
    MemfdCreate,
    Mkfifo,
    Mknod,
    Pathconf,
}

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
    fn read_at(&mut self, fd: i32, out: &mut [u8], offset: i64) -> Result<usize> {
        refused()
    }
    fn write_at(&mut self, fd: i32, bytes: &[u8], offset: i64) -> Result<usize> {
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
    /// Becomes another program; returns only when that fails.
    fn replace_program(&mut self, path: &[u8], args: &[Vec<u8>], env: Option<&[Vec<u8>]>) -> Result<()> {
        refused()
    }
}
