//! The world outside: everything the machine asks of its host goes through this trait.

pub mod accounts;
pub mod files;
pub mod locales;
pub mod network;
pub mod process;
pub mod terminal;

use std::io::{Error, ErrorKind, Result};
use std::sync::atomic::AtomicU32;

/// What `stat` says of a file. Times in nanoseconds since the epoch.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stat {
    pub mode: u32,
    pub ino: u64,
    pub dev: u64,
    pub nlink: u64,
    pub uid: u32,
    pub gid: u32,
    pub size: i64,
    pub atime_ns: i128,
    pub mtime_ns: i128,
    pub ctime_ns: i128,
    pub blksize: i64,
    pub blocks: i64,
    pub rdev: u64,
}

/// Which clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    Realtime,
    Monotonic,
    ProcessCpu,
    ThreadCpu,
}

/// A program to start: what `_posixsubprocess.fork_exec` asks for.
pub struct Spawn<'a> {
    pub args: &'a [Vec<u8>],
    pub executables: &'a [Vec<u8>],
    pub env: Option<&'a [Vec<u8>]>,
    pub cwd: Option<&'a [u8]>,
    /// Descriptors of the child's end of stdin, stdout, stderr; -1 keeps the parent's.
    pub stdio: [i32; 3],
    pub keep: &'a [i32],
    pub close_fds: bool,
    pub error_pipe: i32,
    /// Signals that the interpreter ignores have their own effect again.
    pub restore_signals: bool,
    pub new_session: bool,
    pub process_group: i32,
    pub umask: i32,
    /// Ids that the child takes: group, user, and the list of further groups.
    pub gid: Option<u32>,
    pub uid: Option<u32>,
    pub groups: Option<&'a [u32]>,
}

/// What happens when a signal comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalAction {
    Default,
    Ignore,
    Catch,
}

fn refused<T>() -> Result<T> {
    Err(Error::from(ErrorKind::PermissionDenied))
}

/// What is to be mapped: `fd` -1 is memory of nobody's file. The numbers are those of `mmap`.
pub struct MapRequest {
    pub fd: i32,
    pub len: usize,
    pub prot: i32,
    pub flags: i32,
    pub offset: u64,
}

/// Memory that is a file's. It goes with its owner.
pub trait Mapping {
    /// Where it lies. All bytes can be read, whatever happens to the file.
    fn parts(&self) -> (*const u8, usize);
    fn len(&self) -> usize;
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Writes a part to the file.
    fn flush(&self, offset: usize, len: usize) -> Result<()>;
    fn advise(&self, advice: i32, offset: usize, len: usize) -> Result<()>;
    /// Another length of mapping and file; Unsupported where shared memory without a file would grow. Nobody may hold views.
    fn resize(&self, len: usize) -> Result<()>;
    /// Bytes of the file, if there is one.
    fn file_size(&self) -> Option<Result<u64>>;
}

/// What a host provides. The real one is the crate `system`; a sandbox gives less: what it does not give is refused.
#[allow(unused_variables, reason = "the names of the parameters say what they are")]
pub trait Host: accounts::Accounts + files::Files + locales::Locales + network::Network + process::Process + terminal::Terminal {
    fn write_stdout(&mut self, bytes: &[u8]);
    fn write_stderr(&mut self, bytes: &[u8]);
    fn flush(&mut self) {}
    /// A line of standard input with its newline; empty at the end.
    fn read_line(&mut self) -> Result<Vec<u8>>;
    /// A whole file.
    fn read_file(&mut self, path: &str) -> Result<Vec<u8>>;
    /// Writes a whole file; `append` keeps what is there.
    fn write_file(&mut self, path: &str, bytes: &[u8], append: bool) -> Result<()>;
    fn is_file(&self, path: &str) -> bool;
    fn is_dir(&self, path: &str) -> bool;
    /// Nanoseconds of a clock.
    fn clock_ns(&self, clock: Clock) -> i128;
    fn random_bytes(&mut self, out: &mut [u8]);
    /// Starts a thread of the system with a native stack of so many bytes.
    fn spawn_thread(&mut self, stack: usize, body: Box<dyn FnOnce() + Send>) -> Result<()> {
        refused()
    }
    /// The system's number of the running thread.
    fn thread_id(&self) -> i64 {
        1
    }
    fn set_thread_name(&mut self, name: &str) {}
    /// What the system calls a signal.
    fn signal_text(&self, signal: i32) -> Option<String> {
        None
    }

    // ---- signals
    /// Sets what happens when a signal comes, and returns what happened before. Those caught are told of by bit
    /// `POLL_SIGNAL` in `word` and by `pending_signals`.
    fn on_signal(&mut self, signal: i32, action: SignalAction, word: *const AtomicU32) -> Result<SignalAction> {
        refused()
    }
    /// What happens now when a signal comes.
    fn signal_action(&self, signal: i32) -> Result<SignalAction> {
        Ok(SignalAction::Default)
    }
    /// The signals that came since the last call: bit 0 is signal 1.
    fn pending_signals(&mut self) -> u64 {
        0
    }
    /// Where the number of each signal is written when it comes; -1: nowhere. Returns what was set before.
    fn set_wakeup_descriptor(&mut self, fd: i32) -> i32 {
        -1
    }
    /// Seconds since the epoch.
    fn time(&self) -> f64 {
        self.clock_ns(Clock::Realtime) as f64 / 1e9
    }
    /// Seconds of a clock that never goes back.
    fn monotonic(&self) -> f64 {
        self.clock_ns(Clock::Monotonic) as f64 / 1e9
    }

    // ---- descriptors
    fn close(&mut self, fd: i32) -> Result<()> {
        refused()
    }
    fn read(&mut self, fd: i32, out: &mut [u8]) -> Result<usize> {
        refused()
    }
    fn write(&mut self, fd: i32, bytes: &[u8]) -> Result<usize> {
        refused()
    }
    fn seek(&mut self, fd: i32, offset: i64, whence: i32) -> Result<i64> {
        refused()
    }
    fn truncate(&mut self, fd: i32, length: i64) -> Result<()> {
        refused()
    }
    fn sync(&mut self, fd: i32) -> Result<()> {
        refused()
    }
    fn isatty(&self, fd: i32) -> bool {
        false
    }
    fn dup(&mut self, fd: i32) -> Result<i32> {
        refused()
    }
    fn dup2(&mut self, fd: i32, to: i32, inheritable: bool) -> Result<i32> {
        refused()
    }
    fn pipe(&mut self) -> Result<(i32, i32)> {
        refused()
    }
    fn inheritable(&self, fd: i32) -> Result<bool> {
        refused()
    }
    fn set_inheritable(&mut self, fd: i32, yes: bool) -> Result<()> {
        refused()
    }
    fn blocking(&self, fd: i32) -> Result<bool> {
        refused()
    }
    fn set_blocking(&mut self, fd: i32, yes: bool) -> Result<()> {
        refused()
    }
    /// Copies bytes from one descriptor to another inside the system; each moves on unless it comes with an offset.
    fn copy_file_range(&mut self, from: (i32, Option<i64>), to: (i32, Option<i64>), count: usize) -> Result<i64> {
        refused()
    }
    /// Columns and lines.
    fn terminal_size(&self, fd: i32) -> Result<(i64, i64)> {
        refused()
    }

    fn fstat(&self, fd: i32) -> Result<Stat> {
        refused()
    }
    fn umask(&mut self, mask: u32) -> u32 {
        0o22
    }

    // ---- process
    fn env(&self, name: &str) -> Option<String> {
        None
    }
    fn environ(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        Vec::new()
    }
    fn set_env(&mut self, name: &[u8], value: Option<&[u8]>) {}
    fn pid(&self) -> i64 {
        1
    }
    /// Parent, user, effective user, group, effective group.
    fn ids(&self) -> [i64; 5] {
        [1, 0, 0, 0, 0]
    }
    /// Ends the process; returns only where that is not allowed.
    fn exit(&mut self, status: i32) -> Result<()> {
        refused()
    }
    fn spawn(&mut self, program: &Spawn<'_>) -> Result<i64> {
        refused()
    }
    /// In a forked child: all that `spawn` does there before the program begins.
    fn prepare_child(&mut self, program: &Spawn<'_>) -> Result<()> {
        refused()
    }
    /// In a prepared child: becomes the program, or tells the error pipe why not and ends.
    fn enter_program(&mut self, program: &Spawn<'_>) {}
    /// Process and raw status.
    fn waitpid(&mut self, pid: i64, options: i32) -> Result<(i64, i32)> {
        refused()
    }
    fn kill(&mut self, pid: i64, signal: i32) -> Result<()> {
        refused()
    }
    fn cpu_count(&self) -> usize {
        1
    }
    /// System, node, release, version, machine.
    fn uname(&self) -> [String; 5] {
        ["Linux".into(), String::new(), String::new(), String::new(), "x86_64".into()]
    }
    /// Seconds east of UTC and the zone's name at a time, and whether it is summer time.
    /// Readiness of descriptors: (descriptor, events wanted) to events that are there. Milliseconds; negative waits.
    /// A function that needs no host: other threads run meanwhile.
    fn poller(&self) -> fn(&[(i32, i16)], i32) -> Result<Vec<i16>> {
        |_, _| refused()
    }
    /// A new epoll descriptor, closed on exec.
    fn epoll_create(&mut self) -> Result<i32> {
        refused()
    }
    /// `epoll_ctl`: adds (1), removes (2) or changes (3) a descriptor.
    fn epoll_control(&mut self, epoll: i32, operation: i32, fd: i32, events: u32) -> Result<()> {
        refused()
    }
    /// Waits for so many events at the most; milliseconds, negative waits. A function for the reason of `poller`.
    fn epoll_waiter(&self) -> fn(i32, usize, i32) -> Result<Vec<(i32, u32)>> {
        |_, _, _| refused()
    }
    /// Sleeps so many seconds, or until a signal comes; a function for the same reason.
    fn sleeper(&self) -> fn(f64) {
        |_| {}
    }
    fn local_offset(&self, seconds: i64) -> (i64, String, bool) {
        (0, "UTC".into(), false)
    }
    /// Maps a file, or memory, into this process.
    fn map(&mut self, request: &MapRequest) -> Result<Box<dyn Mapping>> {
        refused()
    }
    /// Takes the zone anew from the environment variable TZ.
    fn tzset(&mut self) {}
    /// The text of an error number.
    fn error_text(&self, errno: i32) -> String {
        format!("error {errno}")
    }
}
