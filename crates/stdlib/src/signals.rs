//! `_signal`: numbers and handlers. Handlers are remembered; only Ctrl-C reaches the interpreter so far.

use retic_runtime::types::{Dict, module};
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

fn table(cx: &mut Cx) -> PyResult<retic_runtime::Ref<Dict>> {
    let m = retic_runtime::modules::import(cx, "_signal")?;
    let name = cx.name("_handlers");
    match protocol::getattr(cx, &m, &name)?.downcast::<Dict>() {
        Ok(d) => Ok(d),
        Err(_) => Dict::new(cx),
    }
}
fn checked(cx: &Cx, n: i64) -> PyResult<i64> {
    if (1..65).contains(&n) { Ok(n) } else { Err(cx.value_error("signal number out of range")) }
}

#[retic_macros::methods]
mod functions {
    //! This module provides mechanisms to use signal handlers in Python.
    use super::*;

    /// Set the action for the given signal.
    #[py("signal(signalnum, handler, /)")]
    pub fn signal(cx: &mut Cx, signalnum: i64, handler: &Obj) -> PyResult {
        let n = checked(cx, signalnum)?;
        let number = retic_runtime::types::int::to_i64(handler);
        if handler.ty().slots(cx).call.is_none() && !matches!(number, Some(0 | 1)) {
            return Err(cx.type_error("signal handler must be signal.SIG_IGN, signal.SIG_DFL, or a callable object"));
        }
        let d = table(cx)?;
        let k = cx.int(n)?;
        let old = d.insert(cx, &k, handler.clone())?;
        match old {
            Some(o) => Ok(o),
            None => cx.int(0),
        }
    }
    /// Return the current action for the given signal.
    #[py("getsignal(signalnum, /)")]
    pub fn getsignal(cx: &mut Cx, signalnum: i64) -> PyResult {
        let n = checked(cx, signalnum)?;
        let d = table(cx)?;
        let k = cx.int(n)?;
        match d.get(cx, &k)? {
            Some(h) => Ok(h),
            None => cx.int(0),
        }
    }
    /// The default handler for SIGINT installed by Python.
    #[py("default_int_handler(signalnum, frame, /)")]
    pub fn default_int_handler(cx: &mut Cx, signalnum: &Obj, frame: &Obj) -> PyResult {
        let _ = (signalnum, frame);
        Err(cx.raise_new(&cx.types.keyboard_interrupt.clone(), None))
    }
    /// Send a signal to the executing process.
    #[py("raise_signal(signalnum, /)")]
    pub fn raise_signal(cx: &mut Cx, signalnum: i64) -> PyResult<()> {
        let n = checked(cx, signalnum)?;
        let d = table(cx)?;
        let k = cx.int(n)?;
        match d.get(cx, &k)? {
            Some(h) if h.ty().slots(cx).call.is_some() => {
                let none = cx.none();
                protocol::call(cx, &h, &[k, none]).map(drop)
            }
            Some(h) if retic_runtime::types::int::to_i64(&h) == Some(1) => Ok(()),
            _ => {
                let pid = cx.host.pid();
                cx.host.kill(pid, n as i32).map_err(|e| retic_runtime::types::exception::raise_os(cx, &e, None, None))
            }
        }
    }
    /// Return the system description of the given signal.
    #[py("strsignal(signalnum, /)")]
    pub fn strsignal(cx: &mut Cx, signalnum: i64) -> PyResult<Option<String>> {
        checked(cx, signalnum)?;
        Ok(NUMBERS.iter().find(|e| e.0.starts_with("SIG") && !e.0.starts_with("SIG_") && e.1 == signalnum).map(|e| e.0.to_string()))
    }
    /// Sets the fd to be written to (with the signal number) when a signal comes in.
    #[py("set_wakeup_fd(fd, /, *, warn_on_full_buffer=True)")]
    pub fn set_wakeup_fd(_cx: &mut Cx, fd: i64, warn_on_full_buffer: bool) -> i64 {
        let _ = (fd, warn_on_full_buffer);
        -1
    }
    /// Change system call restart behaviour.
    #[py("siginterrupt(signalnum, flag, /)")]
    pub fn siginterrupt(_cx: &mut Cx, signalnum: i64, flag: bool) {
        let _ = (signalnum, flag);
    }
    /// Return the set of valid signal numbers on this platform.
    #[py("valid_signals()")]
    pub fn valid_signals(cx: &mut Cx) -> PyResult {
        let s = retic_runtime::types::Set::new(cx)?;
        for n in 1..65 {
            let n = cx.int(n)?;
            s.add(cx, &n)?;
        }
        Ok(s.into_obj())
    }
}

pub fn make(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "_signal", functions::DOC, functions::FUNCTIONS)?;
    for (name, v) in NUMBERS {
        m.set_int(cx, name, *v)?;
    }
    let d = Dict::new(cx)?;
    let key = cx.name("default_int_handler");
    let handler = protocol::getattr(cx, m.as_obj(), &key)?;
    let k = cx.int(2)?;
    d.insert(cx, &k, handler)?;
    m.set(cx, "_handlers", d.into_obj())?;
    Ok(m.into_obj())
}
