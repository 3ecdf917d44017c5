//! Terminals and their other ends.

use super::arguments::{CInt, Fd, FormatInt};
use super::{number, pair, path, plain};
use retic_runtime::host::process::Call;
use retic_runtime::types::structseq;
use retic_runtime::{Cx, PyResult};

#[retic_macros::methods]
pub mod functions {
    use super::*;

    /// Whether a descriptor is a terminal.
    #[py("isatty(fd, /)")]
    pub fn isatty(cx: &mut Cx, fd: CInt) -> bool {
        cx.host.isatty(fd.0)
    }
    /// Columns and lines of the terminal's window.
    #[py("get_terminal_size(fd=<unrepresentable>, /)")]
    pub fn get_terminal_size(cx: &mut Cx, fd: Option<CInt>) -> PyResult {
        let r = cx.host.terminal_size(fd.map_or(1, |f| f.0));
        let (c, l) = plain(cx, r)?;
        let ty = cx.native_type("os.terminal_size");
        let v = vec![cx.int(c)?, cx.int(l)?];
        structseq::new(cx, &ty, 2, v)
    }
    /// A new terminal: the descriptors of its master and of its other end.
    #[py("openpty()")]
    pub fn openpty(cx: &mut Cx) -> PyResult {
        let r = cx.host.open_terminal();
        let (a, b) = plain(cx, r)?;
        pair(cx, a, b)
    }
    /// The master of a new terminal, whose other end is to be unlocked; oflag is O_RDWR, O_NOCTTY and their kin, or-ed.
    #[py("posix_openpt(oflag, /)")]
    pub fn posix_openpt(cx: &mut Cx, oflag: CInt) -> PyResult<i64> {
        let fd = number(cx, Call::PosixOpenpt, &[oflag.0.into()])?;
        let r = cx.host.set_inheritable(fd as i32, false);
        plain(cx, r).map(|()| fd)
    }
    /// Lets this process's user have the other end of a terminal's master.
    #[py("grantpt(fd, /)")]
    pub fn grantpt(cx: &mut Cx, fd: Fd) -> PyResult<()> {
        number(cx, Call::Grantpt, &[fd.0.into()]).map(drop)
    }
    /// Unlocks the other end of a terminal's master.
    #[py("unlockpt(fd, /)")]
    pub fn unlockpt(cx: &mut Cx, fd: Fd) -> PyResult<()> {
        number(cx, Call::Unlockpt, &[fd.0.into()]).map(drop)
    }
    /// The name of the other end of a terminal's master.
    #[py("ptsname(fd, /)")]
    pub fn ptsname(cx: &mut Cx, fd: Fd) -> PyResult {
        let r = cx.host.terminal_of(fd.0);
        let name = plain(cx, r)?;
        path::name(cx, &name, false)
    }
    /// Makes a terminal the process's own: it leads a session, and its standard streams are the terminal.
    #[py("login_tty(fd, /)")]
    pub fn login_tty(cx: &mut Cx, fd: Fd) -> PyResult<()> {
        number(cx, Call::LoginTty, &[fd.0.into()]).map(drop)
    }
    /// The name of a terminal.
    #[py("ttyname(fd, /)")]
    pub fn ttyname(cx: &mut Cx, fd: CInt) -> PyResult {
        let r = cx.host.terminal_name(fd.0);
        let name = plain(cx, r)?;
        path::name(cx, &name, false)
    }
    /// The name that the process's own terminal always has.
    #[py("ctermid()")]
    pub fn ctermid(_cx: &mut Cx) -> &'static str {
        "/dev/tty"
    }
    /// The process group that a terminal's keys reach.
    #[py("tcgetpgrp(fd, /)")]
    pub fn tcgetpgrp(cx: &mut Cx, fd: CInt) -> PyResult<i64> {
        number(cx, Call::Tcgetpgrp, &[fd.0.into()])
    }
    /// Says which process group a terminal's keys reach.
    #[py("tcsetpgrp(fd, pgid, /)")]
    pub fn tcsetpgrp(cx: &mut Cx, fd: CInt, pgid: FormatInt) -> PyResult<()> {
        number(cx, Call::Tcsetpgrp, &[fd.0.into(), pgid.0]).map(drop)
    }
}
