//! The world outside: everything the machine asks of its host goes through this trait.

/// What a host provides. The real one is the crate `system`; a sandbox gives less.
pub trait Host {
    fn write_stdout(&mut self, bytes: &[u8]);
    fn write_stderr(&mut self, bytes: &[u8]);
    fn flush(&mut self) {}
    /// A line of standard input with its newline; empty at the end.
    fn read_line(&mut self) -> std::io::Result<Vec<u8>>;
    /// A whole file.
    fn read_file(&mut self, path: &str) -> std::io::Result<Vec<u8>>;
    /// Writes a whole file; `append` keeps what is there.
    fn write_file(&mut self, path: &str, bytes: &[u8], append: bool) -> std::io::Result<()>;
    fn is_file(&self, path: &str) -> bool;
    fn is_dir(&self, path: &str) -> bool;
    /// Seconds since the epoch.
    fn time(&self) -> f64;
    /// Seconds of a clock that never goes back.
    fn monotonic(&self) -> f64;
    /// Seconds of processor time.
    fn cpu_time(&self) -> f64;
    fn random_bytes(&mut self, out: &mut [u8]);
    fn env(&self, name: &str) -> Option<String>;
    fn pid(&self) -> i64 {
        1
    }
    fn sleep(&self, _seconds: f64) {}
}
