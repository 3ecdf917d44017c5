//! `termios`: the settings of terminals.

use crate::select::descriptor;
use retic_runtime::host::terminal::{LineCall, Settings};
use retic_runtime::types::{Bytes, List, int, module};
use retic_runtime::{Cx, Obj, PyResult, Ref, protocol};

/// Raises `termios.error` for what the host says.
fn plain<T>(cx: &mut Cx, r: std::io::Result<T>) -> PyResult<T> {
    r.map_err(|e| {
        let errno = e.raw_os_error().unwrap_or(1);
        let made = (|| {
            let class = cx.native_type("termios.error").into_obj();
            let text = cx.host.error_text(errno);
            let args = [cx.int(i64::from(errno))?, cx.str(&text)?];
            protocol::call(cx, &class, &args)
        })();
        match made {
            Ok(exc) => cx.raise(exc),
            Err(r) => r,
        }
    })
}

fn line(cx: &mut Cx, fd: &Obj, call: LineCall, argument: i64) -> PyResult<()> {
    let fd = descriptor(cx, fd)?;
    let r = cx.host.line_call(fd, call, argument as i32);
    plain(cx, r)
}

/// Places of the two characters that are numbers where input is not read by lines.
const VTIME: usize = 5;
const VMIN: usize = 6;
const ICANON: u32 = 2;
/// How many of the control characters Linux has.
const CHARACTERS: usize = 32;

#[retic_macros::methods]
mod functions {
    //! This module provides an interface to the Posix calls for tty I/O control.
    use super::*;

    /// Wait until all output written to file descriptor fd has been transmitted.
    #[py("tcdrain(fd, /)")]
    pub fn tcdrain(cx: &mut Cx, fd: &Obj) -> PyResult<()> {
        line(cx, fd, LineCall::Drain, 0)
    }
    /// Suspend or resume input or output on file descriptor fd.
    #[py("tcflow(fd, action, /)")]
    pub fn tcflow(cx: &mut Cx, fd: &Obj, action: i64) -> PyResult<()> {
        line(cx, fd, LineCall::Flow, action)
    }
    /// Discard queued data on file descriptor fd.
    #[py("tcflush(fd, queue, /)")]
    pub fn tcflush(cx: &mut Cx, fd: &Obj, queue: i64) -> PyResult<()> {
        line(cx, fd, LineCall::Flush, queue)
    }
    /// Send a break on file descriptor fd.
    #[py("tcsendbreak(fd, duration, /)")]
    pub fn tcsendbreak(cx: &mut Cx, fd: &Obj, duration: i64) -> PyResult<()> {
        line(cx, fd, LineCall::SendBreak, duration)
    }
    /// Get the tty attributes for file descriptor fd: [iflag, oflag, cflag, lflag, ispeed, ospeed, cc].
    #[py("tcgetattr(fd, /)")]
    pub fn tcgetattr(cx: &mut Cx, fd: &Obj) -> PyResult {
        let fd = descriptor(cx, fd)?;
        let r = cx.host.terminal_settings(fd);
        let s = plain(cx, r)?;
        let mut characters = Vec::with_capacity(CHARACTERS);
        for (i, c) in s.characters.iter().enumerate() {
            let number = s.flags[3] & ICANON == 0 && (i == VMIN || i == VTIME);
            characters.push(if number { cx.int(i64::from(*c))? } else { Bytes::from_slice(cx, &[*c])? });
        }
        let mut items = Vec::with_capacity(7);
        for v in s.flags.iter().chain(&s.speeds) {
            items.push(cx.int(i64::from(*v))?);
        }
        items.push(cx.list(characters)?);
        cx.list(items)
    }
    /// Set the tty attributes for file descriptor fd.
    #[py("tcsetattr(fd, when, attributes, /)")]
    pub fn tcsetattr(cx: &mut Cx, fd: &Obj, when: i64, attributes: &Obj) -> PyResult<()> {
        let fd = descriptor(cx, fd)?;
        let items = attributes.cast::<List>().map(|l| l.to_vec(cx)).filter(|l| l.len() == 7);
        let Some(items) = items else { return Err(cx.type_error("tcsetattr, arg 3: must be 7 element list")) };
        let mut numbers = [0u32; 6];
        for (place, o) in numbers.iter_mut().zip(&items) {
            let o = protocol::index(cx, o)?;
            *place = int::to_i64(&o).ok_or_else(|| cx.overflow_error("Python int too large to convert to C unsigned long"))? as u32;
        }
        let characters = items[6].cast::<List>().map(|l| l.to_vec(cx)).filter(|l| l.len() == CHARACTERS);
        let Some(characters) = characters else { return Err(cx.type_error(format!("tcsetattr: attributes[6] must be {CHARACTERS} element list"))) };
        let mut settings = Settings { flags: [numbers[0], numbers[1], numbers[2], numbers[3]], speeds: [numbers[4], numbers[5]], characters: [0; 32] };
        for (place, o) in settings.characters.iter_mut().zip(&characters) {
            *place = match (o.cast::<Bytes>().map(|b| b.bytes()), int::to_i64(o)) {
                (Some([one]), _) => *one,
                (_, Some(n)) => n as u8,
                _ => return Err(cx.type_error("tcsetattr: elements of attributes must be characters or integers")),
            };
        }
        let r = cx.host.set_terminal_settings(fd, when as i32, &settings);
        plain(cx, r)
    }
    /// Get the tty winsize for file descriptor fd: (ws_row, ws_col).
    #[py("tcgetwinsize(fd, /)")]
    pub fn tcgetwinsize(cx: &mut Cx, fd: &Obj) -> PyResult {
        let fd = descriptor(cx, fd)?;
        let r = cx.host.window_size(fd);
        let size = plain(cx, r)?;
        let pair = [cx.int(i64::from(size[0]))?, cx.int(i64::from(size[1]))?];
        cx.tuple_of(pair)
    }
    /// Set the tty winsize for file descriptor fd.
    #[py("tcsetwinsize(fd, winsize, /)")]
    pub fn tcsetwinsize(cx: &mut Cx, fd: &Obj, winsize: &Obj) -> PyResult<()> {
        let fd = descriptor(cx, fd)?;
        let items = protocol::collect_at_most(cx, winsize, 3)?;
        let [rows, columns] = &items[..] else { return Err(cx.type_error("tcsetwinsize, arg 2: must be a two-item sequence")) };
        let mut pair = [0u16; 2];
        for (place, o) in pair.iter_mut().zip([rows, columns]) {
            let o = protocol::index(cx, o)?;
            *place = int::to_i64(&o).and_then(|n| u16::try_from(n).ok()).ok_or_else(|| cx.overflow_error("winsize value(s) out of range."))?;
        }
        let r = cx.host.window_size(fd);
        let mut size = plain(cx, r)?;
        size[..2].copy_from_slice(&pair);
        let r = cx.host.set_window_size(fd, size);
        plain(cx, r)
    }
}

pub fn make(cx: &mut Cx) -> PyResult {
    let m: Ref<module::Module> = module::of_functions(cx, "termios", functions::DOC, functions::FUNCTIONS)?;
    for (name, value) in NAMES {
        m.set_int(cx, name, *value)?;
    }
    let base = cx.types.exception.as_obj().clone();
    m.add_exception(cx, "termios.error", &base)?;
    Ok(m.into_obj())
}

/// The numbers of Linux.
#[rustfmt::skip]
const NAMES: &[(&str, i64)] = &[
    ("B0", 0),
    ("B1000000", 4104),
    ("B110", 3),
    ("B115200", 4098),
    ("B1152000", 4105),
    ("B1200", 9),
    ("B134", 4),
    ("B150", 5),
    ("B1500000", 4106),
    ("B1800", 10),
    ("B19200", 14),
    ("B200", 6),
    ("B2000000", 4107),
    ("B230400", 4099),
    ("B2400", 11),
    ("B2500000", 4108),
    ("B300", 7),
    ("B3000000", 4109),
    ("B3500000", 4110),
    ("B38400", 15),
    ("B4000000", 4111),
    ("B460800", 4100),
    ("B4800", 12),
    ("B50", 1),
    ("B500000", 4101),
    ("B57600", 4097),
    ("B576000", 4102),
    ("B600", 8),
    ("B75", 2),
    ("B921600", 4103),
    ("B9600", 13),
    ("BRKINT", 2),
    ("BS0", 0),
    ("BS1", 8192),
    ("BSDLY", 8192),
    ("CBAUD", 4111),
    ("CBAUDEX", 4096),
    ("CDSUSP", 25),
    ("CEOF", 4),
    ("CEOL", 0),
    ("CEOT", 4),
    ("CERASE", 127),
    ("CFLUSH", 15),
    ("CIBAUD", 0x100f0000),
    ("CINTR", 3),
    ("CKILL", 21),
    ("CLNEXT", 22),
    ("CLOCAL", 2048),
    ("CQUIT", 28),
    ("CR0", 0),
    ("CR1", 512),
    ("CR2", 1024),
    ("CR3", 1536),
    ("CRDLY", 1536),
    ("CREAD", 128),
    ("CRPRNT", 18),
    ("CRTSCTS", 0x80000000),
    ("CS5", 0),
    ("CS6", 16),
    ("CS7", 32),
    ("CS8", 48),
    ("CSIZE", 48),
    ("CSTART", 17),
    ("CSTOP", 19),
    ("CSTOPB", 64),
    ("CSUSP", 26),
    ("CWERASE", 23),
    ("ECHO", 8),
    ("ECHOCTL", 512),
    ("ECHOE", 16),
    ("ECHOK", 32),
    ("ECHOKE", 2048),
    ("ECHONL", 64),
    ("ECHOPRT", 1024),
    ("EXTA", 14),
    ("EXTB", 15),
    ("EXTPROC", 0x10000),
    ("FF0", 0),
    ("FF1", 32768),
    ("FFDLY", 32768),
    ("FIOASYNC", 21586),
    ("FIOCLEX", 21585),
    ("FIONBIO", 21537),
    ("FIONCLEX", 21584),
    ("FIONREAD", 21531),
    ("FLUSHO", 4096),
    ("HUPCL", 1024),
    ("ICANON", 2),
    ("ICRNL", 256),
    ("IEXTEN", 32768),
    ("IGNBRK", 1),
    ("IGNCR", 128),
    ("IGNPAR", 4),
    ("IMAXBEL", 8192),
    ("INLCR", 64),
    ("INPCK", 16),
    ("IOCSIZE_MASK", 0x3fff0000),
    ("IOCSIZE_SHIFT", 16),
    ("ISIG", 1),
    ("ISTRIP", 32),
    ("IUCLC", 512),
    ("IUTF8", 16384),
    ("IXANY", 2048),
    ("IXOFF", 4096),
    ("IXON", 1024),
    ("NCC", 8),
    ("NCCS", 32),
    ("NL0", 0),
    ("NL1", 256),
    ("NLDLY", 256),
    ("NOFLSH", 128),
    ("N_MOUSE", 2),
    ("N_PPP", 3),
    ("N_SLIP", 1),
    ("N_STRIP", 4),
    ("N_TTY", 0),
    ("OCRNL", 8),
    ("OFDEL", 128),
    ("OFILL", 64),
    ("OLCUC", 2),
    ("ONLCR", 4),
    ("ONLRET", 32),
    ("ONOCR", 16),
    ("OPOST", 1),
    ("PARENB", 256),
    ("PARMRK", 8),
    ("PARODD", 512),
    ("PENDIN", 16384),
    ("TAB0", 0),
    ("TAB1", 2048),
    ("TAB2", 4096),
    ("TAB3", 6144),
    ("TABDLY", 6144),
    ("TCFLSH", 21515),
    ("TCGETA", 21509),
    ("TCGETS", 21505),
    ("TCIFLUSH", 0),
    ("TCIOFF", 2),
    ("TCIOFLUSH", 2),
    ("TCION", 3),
    ("TCOFLUSH", 1),
    ("TCOOFF", 0),
    ("TCOON", 1),
    ("TCSADRAIN", 1),
    ("TCSAFLUSH", 2),
    ("TCSANOW", 0),
    ("TCSBRK", 21513),
    ("TCSBRKP", 21541),
    ("TCSETA", 21510),
    ("TCSETAF", 21512),
    ("TCSETAW", 21511),
    ("TCSETS", 21506),
    ("TCSETSF", 21508),
    ("TCSETSW", 21507),
    ("TCXONC", 21514),
    ("TIOCCONS", 21533),
    ("TIOCEXCL", 21516),
    ("TIOCGETD", 21540),
    ("TIOCGICOUNT", 21597),
    ("TIOCGLCKTRMIOS", 21590),
    ("TIOCGPGRP", 21519),
    ("TIOCGSERIAL", 21534),
    ("TIOCGSOFTCAR", 21529),
    ("TIOCGWINSZ", 21523),
    ("TIOCINQ", 21531),
    ("TIOCLINUX", 21532),
    ("TIOCMBIC", 21527),
    ("TIOCMBIS", 21526),
    ("TIOCMGET", 21525),
    ("TIOCMIWAIT", 21596),
    ("TIOCMSET", 21528),
    ("TIOCM_CAR", 64),
    ("TIOCM_CD", 64),
    ("TIOCM_CTS", 32),
    ("TIOCM_DSR", 256),
    ("TIOCM_DTR", 2),
    ("TIOCM_LE", 1),
    ("TIOCM_RI", 128),
    ("TIOCM_RNG", 128),
    ("TIOCM_RTS", 4),
    ("TIOCM_SR", 16),
    ("TIOCM_ST", 8),
    ("TIOCNOTTY", 21538),
    ("TIOCNXCL", 21517),
    ("TIOCOUTQ", 21521),
    ("TIOCPKT", 21536),
    ("TIOCPKT_DATA", 0),
    ("TIOCPKT_DOSTOP", 32),
    ("TIOCPKT_FLUSHREAD", 1),
    ("TIOCPKT_FLUSHWRITE", 2),
    ("TIOCPKT_NOSTOP", 16),
    ("TIOCPKT_START", 8),
    ("TIOCPKT_STOP", 4),
    ("TIOCSCTTY", 21518),
    ("TIOCSERCONFIG", 21587),
    ("TIOCSERGETLSR", 21593),
    ("TIOCSERGETMULTI", 21594),
    ("TIOCSERGSTRUCT", 21592),
    ("TIOCSERGWILD", 21588),
    ("TIOCSERSETMULTI", 21595),
    ("TIOCSERSWILD", 21589),
    ("TIOCSER_TEMT", 1),
    ("TIOCSETD", 21539),
    ("TIOCSLCKTRMIOS", 21591),
    ("TIOCSPGRP", 21520),
    ("TIOCSSERIAL", 21535),
    ("TIOCSSOFTCAR", 21530),
    ("TIOCSTI", 21522),
    ("TIOCSWINSZ", 21524),
    ("TOSTOP", 256),
    ("VDISCARD", 13),
    ("VEOF", 4),
    ("VEOL", 11),
    ("VEOL2", 16),
    ("VERASE", 2),
    ("VINTR", 0),
    ("VKILL", 3),
    ("VLNEXT", 15),
    ("VMIN", 6),
    ("VQUIT", 1),
    ("VREPRINT", 12),
    ("VSTART", 8),
    ("VSTOP", 9),
    ("VSUSP", 10),
    ("VSWTC", 7),
    ("VSWTCH", 7),
    ("VT0", 0),
    ("VT1", 16384),
    ("VTDLY", 16384),
    ("VTIME", 5),
    ("VWERASE", 14),
    ("XCASE", 4),
    ("XTABS", 6144),
    ("_POSIX_VDISABLE", 0),
];
