//! The real host: files, clocks, environment, standard streams. The only library crate that touches `std::fs` and its kin.

mod accounts;
mod attributes;
mod calls;
mod children;
pub mod constant;
mod files;
mod locales;
mod map;
mod named;
mod network;
pub mod packed;
mod process;
pub mod recordings;
mod semaphores;
pub mod signals;
mod standard;
mod terminal;

pub use standard::close_again;

use retic_runtime::host::{Clock, Host, SignalAction, Spawn, Stat};
use std::io::{BufRead, Read, Result, Write};

/// The machine we run on.
pub struct System {
    out: Vec<u8>,
    line_buffered: bool,
    at_once: bool,
    semaphores: semaphores::Table,
    /// Those that the program chose.
    locales: Option<locales::Chosen>,
    /// Finds the files that lie in the binary.
    packed: Option<packed::Finder>,
}

impl Default for System {
    fn default() -> System {
        System {
            out: Vec::new(),
            line_buffered: std::io::IsTerminal::is_terminal(&std::io::stdout()),
            at_once: false,
            semaphores: semaphores::Table::default(),
            locales: None,
            packed: None,
        }
    }
}

impl System {
    /// From now on these files are there, too.
    pub fn show(&mut self, finder: packed::Finder) {
        self.packed = Some(finder);
    }
    /// From now on standard output is kept back no more.
    pub fn write_at_once(&mut self) {
        self.at_once = true;
    }
}

impl Drop for System {
    fn drop(&mut self) {
        signals::forget();
    }
}

/// Asks the C library for one heap of `malloc` for all threads: Python's threads run one at a time, and the
/// heaps of threads grow a page a call. To be called before the process has other threads; elsewhere than with glibc it does nothing.
pub fn share_malloc() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: a setting of `malloc` that takes two numbers; nobody else calls it.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
}

const OUT_BYTES: usize = 8 << 10;

impl Host for System {
    fn write_stdout(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
        if self.at_once || self.out.len() >= OUT_BYTES || (self.line_buffered && bytes.contains(&b'\n')) {
            self.flush();
        }
    }
    fn write_stderr(&mut self, bytes: &[u8]) {
        let _ = std::io::stderr().write_all(bytes);
    }
    fn flush(&mut self) {
        let mut out = std::io::stdout();
        if out.write_all(&self.out).and_then(|()| out.flush()).is_err() {
            // A broken pipe: nobody listens any more.
            self.out.clear();
        }
        self.out.clear();
    }
    fn read_line(&mut self) -> Result<Vec<u8>> {
        let mut line = Vec::new();
        std::io::stdin().lock().read_until(b'\n', &mut line)?;
        Ok(line)
    }
    fn read_file(&mut self, path: &str) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        std::fs::File::open(path)?.read_to_end(&mut out)?;
        Ok(out)
    }
    fn write_file(&mut self, path: &str, bytes: &[u8], append: bool) -> Result<()> {
        let mut options = std::fs::OpenOptions::new();
        options.create(true).write(true).append(append).truncate(!append);
        options.open(path)?.write_all(bytes)
    }
    fn is_file(&self, path: &str) -> bool {
        std::path::Path::new(path).is_file()
    }
    fn is_dir(&self, path: &str) -> bool {
        std::path::Path::new(path).is_dir()
    }
    fn clock_ns(&self, clock: Clock) -> i128 {
        process::clock_ns(clock)
    }
    fn random_bytes(&mut self, out: &mut [u8]) {
        if !process::random_bytes(out) && std::fs::File::open("/dev/urandom").and_then(|mut f| f.read_exact(out)).is_err() {
            let seed = self.time().to_bits().to_le_bytes();
            out.iter_mut().zip(seed.iter().cycle()).for_each(|(o, s)| *o = *s);
        }
    }
    fn close(&mut self, fd: i32) -> Result<()> {
        files::close(fd)
    }
    fn read(&mut self, fd: i32, out: &mut [u8]) -> Result<usize> {
        files::read(fd, out)
    }
    fn write(&mut self, fd: i32, bytes: &[u8]) -> Result<usize> {
        if fd == 1 {
            self.flush();
        }
        files::write(fd, bytes)
    }
    fn seek(&mut self, fd: i32, offset: i64, whence: i32) -> Result<i64> {
        files::seek(fd, offset, whence)
    }
    fn truncate(&mut self, fd: i32, length: i64) -> Result<()> {
        files::truncate(fd, length)
    }
    fn sync(&mut self, fd: i32) -> Result<()> {
        files::sync(fd)
    }
    fn isatty(&self, fd: i32) -> bool {
        files::isatty(fd)
    }
    fn dup(&mut self, fd: i32) -> Result<i32> {
        files::dup(fd)
    }
    fn dup2(&mut self, fd: i32, to: i32, inheritable: bool) -> Result<i32> {
        self.flush();
        files::dup2(fd, to, inheritable)
    }
    fn pipe(&mut self) -> Result<(i32, i32)> {
        files::pipe()
    }
    fn inheritable(&self, fd: i32) -> Result<bool> {
        files::inheritable(fd)
    }
    fn set_inheritable(&mut self, fd: i32, yes: bool) -> Result<()> {
        files::set_inheritable(fd, yes)
    }
    fn blocking(&self, fd: i32) -> Result<bool> {
        files::blocking(fd)
    }
    fn set_blocking(&mut self, fd: i32, yes: bool) -> Result<()> {
        files::set_blocking(fd, yes)
    }
    fn copy_file_range(&mut self, from: (i32, Option<i64>), to: (i32, Option<i64>), count: usize) -> Result<i64> {
        files::copy_range(from, to, count)
    }
    fn terminal_size(&self, fd: i32) -> Result<(i64, i64)> {
        files::terminal_size(fd)
    }
    fn fstat(&self, fd: i32) -> Result<Stat> {
        files::fstat(fd)
    }
    fn umask(&mut self, mask: u32) -> u32 {
        files::umask(mask)
    }
    fn env(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
    fn environ(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        use std::os::unix::ffi::OsStringExt;
        std::env::vars_os().map(|(k, v)| (k.into_vec(), v.into_vec())).collect()
    }
    fn set_env(&mut self, name: &[u8], value: Option<&[u8]>) {
        process::set_env(name, value)
    }
    fn pid(&self) -> i64 {
        i64::from(std::process::id())
    }
    fn ids(&self) -> [i64; 5] {
        process::ids()
    }
    fn exit(&mut self, status: i32) -> Result<()> {
        self.flush();
        std::process::exit(status)
    }
    fn spawn(&mut self, program: &Spawn<'_>) -> Result<i64> {
        self.flush();
        process::spawn(program)
    }
    fn prepare_child(&mut self, program: &Spawn<'_>) -> Result<()> {
        process::prepare_child(program)
    }
    fn enter_program(&mut self, program: &Spawn<'_>) {
        self.flush();
        process::enter_program(program);
    }
    fn waitpid(&mut self, pid: i64, options: i32) -> Result<(i64, i32)> {
        process::waitpid(pid, options)
    }
    fn kill(&mut self, pid: i64, signal: i32) -> Result<()> {
        process::kill(pid, signal)
    }
    fn cpu_count(&self) -> usize {
        std::thread::available_parallelism().map_or(1, usize::from)
    }
    fn uname(&self) -> [String; 5] {
        process::uname()
    }
    fn poller(&self) -> fn(&[(i32, i16)], i32) -> Result<Vec<i16>> {
        process::poll
    }
    fn epoll_create(&mut self) -> Result<i32> {
        process::epoll_create()
    }
    fn epoll_control(&mut self, epoll: i32, operation: i32, fd: i32, events: u32) -> Result<()> {
        process::epoll_control(epoll, operation, fd, events)
    }
    fn epoll_waiter(&self) -> fn(i32, usize, i32) -> Result<Vec<(i32, u32)>> {
        process::epoll_wait
    }
    fn sleeper(&self) -> fn(f64) {
        process::sleep
    }
    fn spawn_thread(&mut self, stack: usize, body: Box<dyn FnOnce() + Send>) -> Result<()> {
        std::thread::Builder::new().stack_size(stack).spawn(body).map(drop)
    }
    fn thread_id(&self) -> i64 {
        process::thread_id()
    }
    fn set_thread_name(&mut self, name: &str) {
        process::set_thread_name(name);
    }
    fn on_signal(&mut self, signal: i32, action: SignalAction, word: *const std::sync::atomic::AtomicU32) -> Result<SignalAction> {
        signals::on_signal(signal, action, word)
    }
    fn signal_text(&self, signal: i32) -> Option<String> {
        signals::text(signal)
    }
    fn signal_action(&self, signal: i32) -> Result<SignalAction> {
        signals::action(signal)
    }
    fn pending_signals(&mut self) -> u64 {
        signals::pending()
    }
    fn set_wakeup_descriptor(&mut self, fd: i32) -> i32 {
        signals::set_wakeup_descriptor(fd)
    }
    fn local_offset(&self, seconds: i64) -> (i64, String, bool) {
        process::local_offset(seconds)
    }
    fn map(&mut self, request: &retic_runtime::host::MapRequest) -> Result<Box<dyn retic_runtime::host::Mapping>> {
        map::map(request)
    }
    fn tzset(&mut self) {
        process::tzset()
    }
    fn error_text(&self, errno: i32) -> String {
        let text = std::io::Error::from_raw_os_error(errno).to_string();
        text.rsplit_once(" (os error").map_or(text.clone(), |t| t.0.to_string())
    }
}

/// What the process writes to standard output from now on goes nowhere; the handle given still leads there.
pub fn set_aside_stdout() -> std::io::Result<Box<dyn std::io::Write + Send>> {
    use std::os::fd::{AsRawFd, FromRawFd};
    let nowhere = std::fs::OpenOptions::new().write(true).open("/dev/null")?;
    // SAFETY: descriptors are numbers; the copy is ours alone.
    unsafe {
        let kept = libc::fcntl(1, libc::F_DUPFD_CLOEXEC, 3);
        if kept < 0 || libc::dup2(nowhere.as_raw_fd(), 1) < 0 {
            return Err(std::io::Error::last_os_error());
        }
        Ok(Box::new(std::fs::File::from_raw_fd(kept)))
    }
}
