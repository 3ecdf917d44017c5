//! Signals. The host notes that one came and sets the poll word; the first thread runs the handler at its next poll.

use crate::cx::{Cx, POLL_SIGNAL, PyResult};
use crate::object::Obj;
use crate::protocol;

/// Numbers of signals are below.
pub const COUNT: i64 = 65;

/// What the interpreter does about signals.
#[derive(Default)]
pub struct State {
    /// By number: SIG_DFL and SIG_IGN as ints, a callable, or nothing where nobody knows.
    pub handlers: Vec<Option<Obj>>,
    /// The program ended by an interrupt that nobody caught.
    pub interrupted: bool,
    /// Signals that Python code sent itself.
    pending: u64,
}

/// A signal for the first thread, from inside.
pub fn arrive(cx: &mut Cx, number: i64) -> PyResult<()> {
    if !(1..COUNT).contains(&number) {
        return Err(cx.value_error("signal number out of range"));
    }
    let handler = handler(cx, number);
    if handler.is_some_and(|h| h.ty().slots(cx).call.is_some()) || number == 2 && cx.signals.handlers.is_empty() {
        cx.signals.pending |= 1 << (number - 1);
        cx.request_poll(POLL_SIGNAL);
    }
    Ok(())
}

fn handler(cx: &Cx, number: i64) -> Option<Obj> {
    cx.signals.handlers.get(number as usize).cloned().flatten()
}

/// Runs the handlers of the signals that came. Only the first thread does.
#[cold]
pub fn deliver(cx: &mut Cx) -> PyResult<()> {
    if cx.threads.current != cx.threads.main {
        cx.request_poll(POLL_SIGNAL);
        return Ok(());
    }
    let mut came = cx.host.pending_signals() | std::mem::take(&mut cx.signals.pending);
    while came != 0 {
        let number = i64::from(came.trailing_zeros()) + 1;
        came &= came - 1;
        let result = match handler(cx, number) {
            Some(h) if h.ty().slots(cx).call.is_some() => call(cx, &h, number),
            None if number == 2 => Err(cx.raise_new(&cx.types.keyboard_interrupt.clone(), None)),
            _ => Ok(()),
        };
        if result.is_err() {
            // The others are not lost.
            cx.signals.pending |= came;
            if came != 0 {
                cx.request_poll(POLL_SIGNAL);
            }
            return result;
        }
    }
    Ok(())
}

fn call(cx: &mut Cx, handler: &Obj, number: i64) -> PyResult<()> {
    let top = cx.stacks.top;
    let frame = if cx.stacks.is_bottom(top) { cx.none() } else { crate::types::frame::frame_object(cx, top)? };
    let number = cx.int(number)?;
    let v = protocol::call(cx, handler, &[number, frame])?;
    cx.release(v);
    Ok(())
}
