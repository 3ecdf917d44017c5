//! `_signal`: numbers, handlers, timers, masks. `runtime/signals.rs` runs the handlers.

use crate::posix::CInt;
use retic_runtime::host::SignalAction;
use retic_runtime::types::exception::raise_os;
use retic_runtime::types::module;
use retic_runtime::types::structseq::{self, Definition};
use retic_runtime::{Cx, Obj, PyResult, protocol};

const NUMBERS: &[(&str, i64)] = &[
    ("SIG_DFL", 0),
    ("SIG_IGN", 1),
    ("SIG_BLOCK", 0),
    ("SIG_UNBLOCK", 1),
    ("SIG_SETMASK", 2),
    ("NSIG", 65),
    ("ITIMER_REAL", 0),
    ("ITIMER_VIRTUAL", 1),
    ("ITIMER_PROF", 2),
    ("SIGHUP", 1),
    ("SIGINT", 2),
    ("SIGQUIT", 3),
    ("SIGILL", 4),
    ("SIGTRAP", 5),
    ("SIGABRT", 6),
    ("SIGIOT", 6),
    ("SIGBUS", 7),
    ("SIGFPE", 8),
    ("SIGKILL", 9),
    ("SIGUSR1", 10),
    ("SIGSEGV", 11),
    ("SIGUSR2", 12),
    ("SIGPIPE", 13),
    ("SIGALRM", 14),
    ("SIGTERM", 15),
    ("SIGSTKFLT", 16),
    ("SIGCHLD", 17),
    ("SIGCLD", 17),
    ("SIGCONT", 18),
    ("SIGSTOP", 19),
    ("SIGTSTP", 20),
    ("SIGTTIN", 21),
    ("SIGTTOU", 22),
    ("SIGURG", 23),
    ("SIGXCPU", 24),
    ("SIGXFSZ", 25),
    ("SIGVTALRM", 26),
    ("SIGPROF", 27),
    ("SIGWINCH", 28),
    ("SIGIO", 29),
    ("SIGPOLL", 29),
    ("SIGPWR", 30),
    ("SIGSYS", 31),
    ("SIGRTMIN", 34),
    ("SIGRTMAX", 64),
];

fn checked(cx: &Cx, n: i64) -> PyResult<i64> {
    if (1..65).contains(&n) { Ok(n) } else { Err(cx.value_error("signal number out of range")) }
}

const DEFAULT: i64 = 0;
const IGNORE: i64 = 1;

/// What is known of the signals when the module is first imported.
fn learn(cx: &mut Cx, interrupt: &Obj) -> PyResult<()> {
    let mut handlers = vec![None];
    for n in 1..retic_runtime::signals::COUNT {
        handlers.push(match cx.host.signal_action(n as i32) {
            Ok(SignalAction::Default) | Err(_) => Some(cx.int(DEFAULT)?),
            Ok(SignalAction::Ignore) => Some(cx.int(IGNORE)?),
            Ok(SignalAction::Catch) if n == 2 => Some(interrupt.clone()),
            Ok(SignalAction::Catch) => None,
        });
    }
    cx.signals.handlers = handlers;
    Ok(())
}

fn in_main_thread(cx: &Cx, what: &str) -> PyResult<()> {
    if cx.threads.current == cx.threads.main { Ok(()) } else { Err(cx.value_error(format!("{what} only works in main thread of the main interpreter"))) }
}

/// Signals as a set of bits, of any iterable of numbers.
pub(crate) fn bits(cx: &mut Cx, mask: &Obj) -> PyResult<u64> {
    let mut set = 0;
    for o in protocol::collect(cx, mask)? {
        let n = protocol::index_i64(cx, &o)?;
        if !(1..65).contains(&n) {
            return Err(cx.value_error(format!("signal number {n} out of range [1; 64]")));
        }
        set |= 1u64 << (n - 1);
    }
    Ok(set)
}

fn set_of(cx: &mut Cx, bits: u64) -> PyResult {
    let s = retic_runtime::types::Set::new(cx)?;
    for n in (1..65).filter(|n| bits >> (n - 1) & 1 == 1) {
        let n = cx.int(n)?;
        s.add(cx, &n)?;
    }
    Ok(s.into_obj())
}

fn timer_error(cx: &mut Cx, e: &std::io::Error) -> retic_runtime::Raised {
    let Ok(m) = retic_runtime::modules::import(cx, "_signal") else { return raise_os(cx, e, None, None) };
    let name = cx.name("ItimerError");
    let class = protocol::getattr(cx, &m, &name);
    let text = cx.host.error_text(e.raw_os_error().unwrap_or(0));
    let made = class.and_then(|c| {
        let args = [cx.int(i64::from(e.raw_os_error().unwrap_or(0)))?, cx.str(&text)?];
        protocol::call(cx, &c, &args)
    });
    match made {
        Ok(exc) => cx.raise(exc),
        Err(r) => r,
    }
}

fn pair(cx: &mut Cx, r: std::io::Result<(f64, f64)>) -> PyResult {
    match r {
        Ok((value, interval)) => {
            let items = vec![cx.float(value)?, cx.float(interval)?];
            cx.tuple(items)
        }
        Err(e) => Err(timer_error(cx, &e)),
    }
}

/// What `sigwaitinfo` gives.
fn info(cx: &mut Cx, i: [i64; 7]) -> PyResult {
    let class = cx.native_type("signal.struct_siginfo");
    let items = i.into_iter().map(|n| cx.int(n)).collect::<PyResult<Vec<_>>>()?;
    structseq::new(cx, &class, 7, items)
}

/// Waits for one of the signals, without running its handler.
fn await_signal(cx: &mut Cx, set: u64, timeout: Option<f64>) -> PyResult<Option<[i64; 7]>> {
    let start = cx.host.monotonic();
    loop {
        let left = timeout.map(|t| (t - (cx.host.monotonic() - start)).max(0.0));
        let wait = cx.host.signal_waiter();
        match cx.allow_threads(|| wait(set, left)) {
            Ok(found) => return Ok(found),
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => cx.poll_native()?,
            Err(e) => return Err(raise_os(cx, &e, None, None)),
        }
    }
}

#[retic_macros::methods]
mod functions {
    //! This module provides mechanisms to use signal handlers in Python.
    use super::*;

    /// Set the action for the given signal.
    ///
    /// The action can be SIG_DFL, SIG_IGN, or a callable Python object.
    /// The previous action is returned.  See getsignal() for possible return values.
    #[py("signal(signalnum, handler, /)")]
    pub fn signal(cx: &mut Cx, signalnum: i64, handler: &Obj) -> PyResult {
        in_main_thread(cx, "signal")?;
        let n = checked(cx, signalnum)?;
        let action = match retic_runtime::types::int::to_i64(handler) {
            _ if handler.ty().slots(cx).call.is_some() => SignalAction::Catch,
            Some(DEFAULT) => SignalAction::Default,
            Some(IGNORE) => SignalAction::Ignore,
            _ => return Err(cx.type_error("signal handler must be signal.SIG_IGN, signal.SIG_DFL, or a callable object")),
        };
        cx.poll_native()?;
        let word = &raw const cx.poll;
        cx.host.on_signal(n as i32, action, word).map_err(|e| raise_os(cx, &e, None, None))?;
        let old = cx.signals.handlers[n as usize].replace(handler.clone());
        Ok(old.unwrap_or_else(|| cx.none()))
    }
    /// Return the current action for the given signal.
    #[py("getsignal(signalnum, /)")]
    pub fn getsignal(cx: &mut Cx, signalnum: i64) -> PyResult {
        let n = checked(cx, signalnum)?;
        Ok(cx.signals.handlers[n as usize].clone().unwrap_or_else(|| cx.none()))
    }
    /// The default handler for SIGINT installed by Python.
    ///
    /// It raises KeyboardInterrupt.
    #[py("default_int_handler(signalnum, frame, /)")]
    pub fn default_int_handler(cx: &mut Cx, signalnum: &Obj, frame: &Obj) -> PyResult {
        let _ = frame;
        protocol::index_i64(cx, signalnum)?;
        Err(cx.raise_new(&cx.types.keyboard_interrupt.clone(), None))
    }
    /// Send a signal to the executing process.
    #[py("raise_signal(signalnum, /)")]
    pub fn raise_signal(cx: &mut Cx, signalnum: i64) -> PyResult<()> {
        cx.host.flush();
        cx.host.raise_signal(signalnum as i32).map_err(|e| raise_os(cx, &e, None, None))?;
        cx.poll_native()
    }
    /// Send a signal to a thread.
    #[py("pthread_kill(thread_id, signalnum, /)")]
    pub fn pthread_kill(cx: &mut Cx, thread_id: i64, signalnum: i64) -> PyResult<()> {
        cx.audit("signal.pthread_kill", &[thread_id.into(), signalnum.into()])?;
        let known = thread_id == cx.threads.current || cx.threads.is_known(thread_id);
        if !known {
            return Err(raise_os(cx, &std::io::Error::from_raw_os_error(3), None, None));
        }
        if signalnum != 0 {
            checked(cx, signalnum)?;
            // Handlers run in the first thread whichever the signal is for.
            cx.host.raise_signal(signalnum as i32).map_err(|e| raise_os(cx, &e, None, None))?;
        }
        cx.poll_native()
    }
    /// Sends a signal to the process that a descriptor (of os.pidfd_open()) stands for. siginfo is None, flags are 0.
    #[py("pidfd_send_signal(pidfd, signalnum, siginfo=None, flags=0, /)")]
    pub fn pidfd_send_signal(cx: &mut Cx, pidfd: CInt, signalnum: CInt, siginfo: Option<&Obj>, flags: Option<CInt>) -> PyResult<()> {
        if siginfo.is_some() {
            return Err(cx.type_error("siginfo must be None"));
        }
        cx.host.signal_descriptor(pidfd.0, signalnum.0, flags.map_or(0, |f| f.0) as u32).map_err(|e| raise_os(cx, &e, None, None))?;
        cx.poll_native()
    }
    /// Arrange for SIGALRM to arrive after the given number of seconds.
    #[py("alarm(seconds, /)")]
    pub fn alarm(cx: &mut Cx, seconds: i64) -> PyResult<i64> {
        match cx.host.interval_timer(0, Some((seconds as f64, 0.0))) {
            Ok((left, _)) => Ok(left.ceil() as i64),
            Err(e) => Err(raise_os(cx, &e, None, None)),
        }
    }
    /// Sets given itimer (one of ITIMER_REAL, ITIMER_VIRTUAL or ITIMER_PROF).
    ///
    /// The timer will fire after value seconds and after that every interval seconds.
    /// The itimer can be cleared by setting seconds to zero.
    ///
    /// Returns old values as a tuple: (delay, interval).
    #[py("setitimer(which, seconds, interval=0.0, /)")]
    pub fn setitimer(cx: &mut Cx, which: i64, seconds: &Obj, interval: Option<&Obj>) -> PyResult {
        let value = protocol::to_float(cx, seconds)?;
        let again = match interval {
            Some(o) => protocol::to_float(cx, o)?,
            None => 0.0,
        };
        let r = cx.host.interval_timer(which as i32, Some((value, again)));
        pair(cx, r)
    }
    /// Returns current value of given itimer.
    #[py("getitimer(which, /)")]
    pub fn getitimer(cx: &mut Cx, which: i64) -> PyResult {
        let r = cx.host.interval_timer(which as i32, None);
        pair(cx, r)
    }
    /// Wait until a signal arrives.
    #[py("pause()")]
    pub fn pause(cx: &mut Cx) -> PyResult<()> {
        let sleep = cx.host.sleeper();
        cx.allow_threads(|| sleep(f64::from(u32::MAX)));
        cx.poll_native()
    }
    /// Fetch and/or change the signal mask of the calling thread.
    #[py("pthread_sigmask(how, mask, /)")]
    pub fn pthread_sigmask(cx: &mut Cx, how: i64, mask: &Obj) -> PyResult {
        let set = bits(cx, mask)?;
        let old = cx.host.signal_mask(how as i32, set).map_err(|e| raise_os(cx, &e, None, None))?;
        cx.poll_native()?;
        set_of(cx, old)
    }
    /// Examine pending signals.
    ///
    /// Returns a set of signal numbers that are pending for delivery to
    /// the calling thread.
    #[py("sigpending()")]
    pub fn sigpending(cx: &mut Cx) -> PyResult {
        let set = cx.host.blocked_signals();
        set_of(cx, set)
    }
    /// Wait for a signal.
    #[py("sigwait(sigset, /)")]
    pub fn sigwait(cx: &mut Cx, sigset: &Obj) -> PyResult<i64> {
        let set = bits(cx, sigset)?;
        Ok(await_signal(cx, set, None)?.map_or(0, |i| i[0]))
    }
    /// Wait synchronously until one of the signals in *sigset* is delivered.
    #[py("sigwaitinfo(sigset, /)")]
    pub fn sigwaitinfo(cx: &mut Cx, sigset: &Obj) -> PyResult {
        let set = bits(cx, sigset)?;
        let found = await_signal(cx, set, None)?.unwrap_or_default();
        info(cx, found)
    }
    /// Like sigwaitinfo(), but with a timeout.
    #[py("sigtimedwait(sigset, timeout, /)")]
    pub fn sigtimedwait(cx: &mut Cx, sigset: &Obj, timeout: &Obj) -> PyResult {
        let seconds = protocol::to_float(cx, timeout)?;
        if seconds < 0.0 {
            return Err(cx.value_error("timeout must be non-negative"));
        }
        let set = bits(cx, sigset)?;
        match await_signal(cx, set, Some(seconds))? {
            Some(found) => info(cx, found),
            None => Ok(cx.none()),
        }
    }
    /// Return the system description of the given signal.
    #[py("strsignal(signalnum, /)")]
    pub fn strsignal(cx: &mut Cx, signalnum: i64) -> PyResult<Option<String>> {
        checked(cx, signalnum)?;
        Ok(cx.host.signal_text(signalnum as i32))
    }
    /// Sets the fd to be written to (with the signal number) when a signal comes in.
    ///
    /// A library can use this to wakeup select or poll.
    /// The previous fd or -1 is returned.
    #[py("set_wakeup_fd(fd, /, *, warn_on_full_buffer=True)")]
    pub fn set_wakeup_fd(cx: &mut Cx, fd: i64, warn_on_full_buffer: bool) -> PyResult<i64> {
        let _ = warn_on_full_buffer;
        in_main_thread(cx, "set_wakeup_fd")?;
        if fd != -1 {
            cx.host.fstat(fd as i32).map_err(|e| raise_os(cx, &e, None, None))?;
            if cx.host.blocking(fd as i32).unwrap_or(false) {
                return Err(cx.value_error(format!("the fd {fd} must be in non-blocking mode")));
            }
        }
        Ok(i64::from(cx.host.set_wakeup_descriptor(fd as i32)))
    }
    /// Change system call restart behaviour.
    #[py("siginterrupt(signalnum, flag, /)")]
    pub fn siginterrupt(cx: &mut Cx, signalnum: i64, flag: bool) -> PyResult<()> {
        let _ = flag;
        checked(cx, signalnum).map(drop)
    }
    /// Return the set of valid signal numbers on this platform.
    #[py("valid_signals()")]
    pub fn valid_signals(cx: &mut Cx) -> PyResult {
        // Two real-time signals are the C library's own.
        set_of(cx, !(0b11 << 31))
    }
}

pub fn make(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "_signal", functions::DOC, functions::FUNCTIONS)?;
    for (name, v) in NUMBERS {
        m.set_int(cx, name, *v)?;
    }
    let key = cx.name("default_int_handler");
    let interrupt = protocol::getattr(cx, m.as_obj(), &key)?;
    learn(cx, &interrupt)?;
    let definition = Definition {
        name: "signal.struct_siginfo",
        doc: "struct_siginfo: Result from sigwaitinfo or sigtimedwait.\n\nThis object may be accessed either as a tuple of\n(si_signo, si_code, si_errno, si_pid, si_uid, si_status, si_band),\nor via the attributes si_signo, si_code, and so on.",
        fields: &["si_signo", "si_code", "si_errno", "si_pid", "si_uid", "si_status", "si_band"],
        visible: 7,
    };
    let class = structseq::make_type(cx, &definition)?;
    m.set(cx, "struct_siginfo", class.into_obj())?;
    let base = cx.types.os_error.as_obj().clone();
    let timer = m.add_exception(cx, "signal.itimer_error", &base)?;
    m.set(cx, "ItimerError", timer.into_obj())?;
    Ok(m.into_obj())
}
