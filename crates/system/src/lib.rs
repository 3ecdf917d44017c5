//! The real host: files, clocks, environment, standard streams. The only library crate that touches `std::fs` and its kin.

use retic_runtime::host::Host;
use std::io::{BufRead, Read, Write};

/// The machine we run on.
pub struct System {
    out: Vec<u8>,
    line_buffered: bool,
}

impl Default for System {
    fn default() -> System {
        System { out: Vec::new(), line_buffered: std::io::IsTerminal::is_terminal(&std::io::stdout()) }
    }
}

const OUT_BYTES: usize = 8 << 10;

impl Host for System {
    fn write_stdout(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
        if self.out.len() >= OUT_BYTES || (self.line_buffered && bytes.contains(&b'\n')) {
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
    fn read_line(&mut self) -> std::io::Result<Vec<u8>> {
        let mut line = Vec::new();
        std::io::stdin().lock().read_until(b'\n', &mut line)?;
        Ok(line)
    }
    fn read_file(&mut self, path: &str) -> std::io::Result<Vec<u8>> {
        let mut out = Vec::new();
        std::fs::File::open(path)?.read_to_end(&mut out)?;
        Ok(out)
    }
    fn write_file(&mut self, path: &str, bytes: &[u8], append: bool) -> std::io::Result<()> {
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
    fn time(&self) -> f64 {
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64())
    }
    fn monotonic(&self) -> f64 {
        clock(libc::CLOCK_MONOTONIC)
    }
    fn cpu_time(&self) -> f64 {
        clock(libc::CLOCK_PROCESS_CPUTIME_ID)
    }
    fn random_bytes(&mut self, out: &mut [u8]) {
        if std::fs::File::open("/dev/urandom").and_then(|mut f| f.read_exact(out)).is_err() {
            let seed = self.time().to_bits().to_le_bytes();
            out.iter_mut().zip(seed.iter().cycle()).for_each(|(o, s)| *o = *s);
        }
    }
    fn env(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
    fn pid(&self) -> i64 {
        i64::from(std::process::id())
    }
    fn sleep(&self, seconds: f64) {
        std::thread::sleep(std::time::Duration::from_secs_f64(seconds.clamp(0.0, 1e9)));
    }
}

fn clock(which: libc::clockid_t) -> f64 {
    let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes one timespec.
    unsafe { libc::clock_gettime(which, &raw mut t) };
    t.tv_sec as f64 + t.tv_nsec as f64 * 1e-9
}
