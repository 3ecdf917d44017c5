//! Terminals and requests to descriptors.

use super::refused;
use std::io::Result;

/// The settings of a terminal, as the kernel has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Input, output, control and local flags.
    pub flags: [u32; 4],
    /// Speed of input and of output.
    pub speeds: [u32; 2],
    /// The control characters.
    pub characters: [u8; 32],
}

/// Bytes that a request to a device may read and write: its number has 14 bits for their count.
pub const BLOCK_BYTES: usize = 1 << 14;
/// The block of a request.
pub type Block = [u8; BLOCK_BYTES];

/// What else can be asked of a terminal's line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineCall {
    SendBreak,
    Drain,
    Flush,
    Flow,
}

/// The terminals a host gives; by default none.
#[allow(unused_variables, reason = "the names of the parameters say what they are")]
pub trait Terminal {
    fn terminal_settings(&self, fd: i32) -> Result<Settings> {
        refused()
    }
    /// `when`: `TCSANOW`, `TCSADRAIN` or `TCSAFLUSH`.
    fn set_terminal_settings(&mut self, fd: i32, when: i32, settings: &Settings) -> Result<()> {
        refused()
    }
    fn line_call(&mut self, fd: i32, call: LineCall, argument: i32) -> Result<()> {
        refused()
    }
    /// Lines, columns, and their sizes in pixels.
    fn window_size(&self, fd: i32) -> Result<[u16; 4]> {
        refused()
    }
    fn set_window_size(&mut self, fd: i32, size: [u16; 4]) -> Result<()> {
        refused()
    }
    /// `fcntl` and `ioctl` with a number.
    fn control(&mut self, fd: i32, device: bool, request: u64, argument: i64) -> Result<i64> {
        refused()
    }
    /// The same with a block that is read and written.
    fn control_block(&mut self, fd: i32, device: bool, request: u64, block: &mut Block) -> Result<i64> {
        refused()
    }
    fn lock_file(&mut self, fd: i32, operation: i32) -> Result<()> {
        refused()
    }
    /// A lock on a part of a file: kind (`F_RDLCK`, `F_WRLCK`, `F_UNLCK`), whether to wait, whence, start, length.
    fn lock_part(&mut self, fd: i32, kind: i32, wait: bool, whence: i32, start: i64, length: i64) -> Result<()> {
        refused()
    }
}
