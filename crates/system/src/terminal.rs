//! Terminals and requests to descriptors.

use super::files::checked;
use retic_runtime::host::terminal::{Block, LineCall, Settings, Terminal};
use std::io::Result;

fn read(fd: i32) -> Result<libc::termios> {
    // SAFETY: plain numbers, for which all zeros is a value.
    let mut t: libc::termios = unsafe { std::mem::zeroed() };
    // SAFETY: writes one struct.
    checked(i64::from(unsafe { libc::tcgetattr(fd, &raw mut t) }))?;
    Ok(t)
}

impl Terminal for super::System {
    fn terminal_settings(&self, fd: i32) -> Result<Settings> {
        let t = read(fd)?;
        // SAFETY: reads the struct.
        let speeds = unsafe { [libc::cfgetispeed(&raw const t), libc::cfgetospeed(&raw const t)] };
        Ok(Settings { flags: [t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag], speeds, characters: t.c_cc })
    }
    fn set_terminal_settings(&mut self, fd: i32, when: i32, settings: &Settings) -> Result<()> {
        let mut t = read(fd)?;
        [t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag] = settings.flags;
        t.c_cc = settings.characters;
        // SAFETY: changes the struct, then reads it.
        unsafe {
            checked(i64::from(libc::cfsetispeed(&raw mut t, settings.speeds[0])))?;
            checked(i64::from(libc::cfsetospeed(&raw mut t, settings.speeds[1])))?;
            checked(i64::from(libc::tcsetattr(fd, when, &raw const t))).map(drop)
        }
    }
    fn line_call(&mut self, fd: i32, call: LineCall, argument: i32) -> Result<()> {
        // SAFETY: no memory is involved.
        let r = unsafe {
            match call {
                LineCall::SendBreak => libc::tcsendbreak(fd, argument),
                LineCall::Drain => libc::tcdrain(fd),
                LineCall::Flush => libc::tcflush(fd, argument),
                LineCall::Flow => libc::tcflow(fd, argument),
            }
        };
        checked(i64::from(r)).map(drop)
    }
    fn window_size(&self, fd: i32) -> Result<[u16; 4]> {
        let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
        // SAFETY: writes one struct.
        checked(i64::from(unsafe { libc::ioctl(fd, libc::TIOCGWINSZ, &raw mut size) }))?;
        Ok([size.ws_row, size.ws_col, size.ws_xpixel, size.ws_ypixel])
    }
    fn set_window_size(&mut self, fd: i32, [ws_row, ws_col, ws_xpixel, ws_ypixel]: [u16; 4]) -> Result<()> {
        let size = libc::winsize { ws_row, ws_col, ws_xpixel, ws_ypixel };
        // SAFETY: reads one struct.
        checked(i64::from(unsafe { libc::ioctl(fd, libc::TIOCSWINSZ, &raw const size) })).map(drop)
    }
    fn control(&mut self, fd: i32, device: bool, request: u64, argument: i64) -> Result<i64> {
        // SAFETY: the argument is a number; requests that take it for an address are the caller's affair, as in CPython.
        checked(i64::from(unsafe { if device { libc::ioctl(fd, request as libc::Ioctl, argument) } else { libc::fcntl(fd, request as i32, argument) } }))
    }
    fn control_block(&mut self, fd: i32, device: bool, request: u64, block: &mut Block) -> Result<i64> {
        let at = block.as_mut_ptr();
        // SAFETY: the block is as large as a request can say that it reads or writes; addresses inside it are the caller's affair.
        checked(i64::from(unsafe { if device { libc::ioctl(fd, request as libc::Ioctl, at) } else { libc::fcntl(fd, request as i32, at) } }))
    }
    fn lock_file(&mut self, fd: i32, operation: i32) -> Result<()> {
        // SAFETY: no memory is involved.
        checked(i64::from(unsafe { libc::flock(fd, operation) })).map(drop)
    }
    fn lock_part(&mut self, fd: i32, kind: i32, wait: bool, whence: i32, start: i64, length: i64) -> Result<()> {
        // SAFETY: plain numbers, for which all zeros is a value.
        let mut lock: libc::flock = unsafe { std::mem::zeroed() };
        (lock.l_type, lock.l_whence, lock.l_start, lock.l_len) = (kind as i16, whence as i16, start, length);
        // SAFETY: reads one struct.
        checked(i64::from(unsafe { libc::fcntl(fd, if wait { libc::F_SETLKW } else { libc::F_SETLK }, &raw const lock) })).map(drop)
    }
}
