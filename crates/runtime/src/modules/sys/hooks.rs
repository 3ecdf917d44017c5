//! What happens to exceptions nobody caught: `sys.excepthook`, `sys.unraisablehook`, and the texts they print.

use super::write_error;
use crate::cx::Cx;
use crate::object::Obj;
use crate::protocol;
use crate::types::{exception, structseq, traceback};

/// An attribute of `sys`, unless it is missing.
fn sys_attribute(cx: &mut Cx, name: &'static str) -> Option<Obj> {
    let (sys, key) = (cx.sys.clone()?, cx.name(name));
    let found = protocol::lookup_attr(cx, &sys, &key).ok().flatten();
    cx.clear_error();
    found
}
fn set_sys(cx: &mut Cx, name: &'static str, value: &Obj) {
    let Some(sys) = cx.sys.clone() else { return };
    let key = cx.name(name);
    if protocol::setattr(cx, &sys, &key, Some(value)).is_err() {
        cx.clear_error();
    }
}

/// Prints an exception as `sys.excepthook` does: by the module `traceback`, as CPython since 3.13, or by the short form of
/// our own where that cannot be imported.
pub fn display(cx: &mut Cx, exc: &Obj) {
    if cx.finalizing || is_long(cx, exc) || display_by_library(cx, exc).is_none() {
        let text = traceback::format_exception(cx, exc);
        write_error(cx, &text);
    }
}
/// Whether a traceback is longer than any program's that the library could show in reasonable time.
fn is_long(cx: &Cx, exc: &Obj) -> bool {
    const ENTRIES_MAX: usize = 50_000;
    let mut at = traceback::of(cx, exc);
    for _ in 0..ENTRIES_MAX {
        match at.cast::<traceback::Traceback>().and_then(|t| t.next.cloned(cx)) {
            Some(next) => at = next,
            None => return false,
        }
    }
    true
}
/// Tells the module `linecache`, just imported, the lines of `-c`, under the file name they were compiled with.
pub fn tell_command(cx: &mut Cx, linecache: &Obj) -> crate::cx::PyResult<()> {
    let Some((code, text)) = cx.command.take() else { return Ok(()) };
    let (name, file) = (cx.name("_register_code"), cx.str("<string>")?);
    let register = protocol::getattr(cx, linecache, &name)?;
    let done = protocol::call(cx, &register, &[code, text, file])?;
    cx.release(done);
    Ok(())
}
fn display_by_library(cx: &mut Cx, exc: &Obj) -> Option<()> {
    if cx.command.is_some() && crate::modules::import(cx, "linecache").is_err() {
        cx.clear_error();
    }
    let name = cx.name("_print_exception_bltin");
    let shown = crate::modules::import(cx, "traceback").and_then(|m| protocol::getattr(cx, &m, &name)).and_then(|f| protocol::call(cx, &f, std::slice::from_ref(exc)));
    if shown.is_err() {
        cx.clear_error();
    }
    shown.ok().map(drop)
}

/// The exception nobody caught: kept in `sys.last_exc` and handed to `sys.excepthook`.
pub fn uncaught(cx: &mut Cx, exc: &Obj) {
    cx.host.flush();
    let (class, trace) = (exc.type_ref().into_obj(), traceback::of(cx, exc));
    for (name, value) in [("last_exc", exc), ("last_type", &class), ("last_value", exc), ("last_traceback", &trace)] {
        set_sys(cx, name, value);
    }
    let Some(hook) = sys_attribute(cx, "excepthook") else {
        write_error(cx, "sys.excepthook is missing\n");
        return display(cx, exc);
    };
    if cx.audit("sys.excepthook", &[(&hook).into(), (&class).into(), exc.into(), (&trace).into()]).is_err() {
        // Who refuses has nothing shown.
        let refused = cx.take_error();
        let quiet = refused.as_ref().is_some_and(|e| e.ty().is_subtype(cx, &cx.types.runtime_error.clone()));
        if !quiet && let Some(e) = refused {
            display(cx, &e);
        }
        return;
    }
    if protocol::call(cx, &hook, &[class, exc.clone(), trace]).is_ok() {
        return;
    }
    let Some(second) = cx.take_error() else { return };
    if second.ty().is_subtype(cx, &cx.types.system_exit.clone()) {
        let _ = cx.raise(second);
        return;
    }
    write_error(cx, "Error in sys.excepthook:\n");
    display(cx, &second);
    write_error(cx, "\nOriginal exception was:\n");
    display(cx, exc);
}

/// Reports the waiting exception, which cannot be raised, through `sys.unraisablehook`.
pub fn unraisable(cx: &mut Cx, message: Option<&str>, from: &Obj) {
    let Some(e) = cx.take_error() else { return };
    if traceback::of(cx, &e).is_none()
        && let Some(frame) = cx.stacks.current()
    {
        let frame: *const _ = frame;
        traceback::add(cx, &e, frame);
    }
    let hook = sys_attribute(cx, "unraisablehook").filter(|h| !h.is_none());
    let own = hook.as_ref().is_none_or(|h| h.cast::<crate::types::function::Builtin>().is_some());
    if let (Some(hook), false) = (hook, own) {
        let called = arguments(cx, &e, message, from).and_then(|a| {
            cx.audit("sys.unraisablehook", &[(&hook).into(), (&a).into()])?;
            protocol::call(cx, &hook, &[a])
        });
        if called.is_ok() {
            return cx.release(e);
        }
        let Some(second) = cx.take_error() else { return };
        let text = print_unraisable(cx, Some("Exception ignored in sys.unraisablehook"), Some(&hook), &second);
        write_error(cx, &text);
        return cx.release(e);
    }
    if cx.is_audited() {
        let hook = sys_attribute(cx, "unraisablehook").unwrap_or_else(|| cx.none());
        let refused = arguments(cx, &e, message, from).and_then(|a| cx.audit("sys.unraisablehook", &[(&hook).into(), (&a).into()]));
        if refused.is_err() {
            cx.clear_error();
        }
    }
    let text = print_unraisable(cx, message, Some(from).filter(|f| message.is_none() || !f.is_none()), &e);
    write_error(cx, &text);
    cx.release(e);
}

/// The text for an exception that cannot be raised.
pub fn print_unraisable(cx: &mut Cx, message: Option<&str>, from: Option<&Obj>, e: &Obj) -> String {
    let mut text = message.unwrap_or("Exception ignored in").to_string();
    if let Some(o) = from {
        text.push_str(": ");
        text.push_str(&protocol::repr_text(cx, o).unwrap_or_else(|_| {
            cx.clear_error();
            "<object repr() failed>".into()
        }));
    } else {
        text.push(':');
    }
    text.push('\n');
    text.push_str(&traceback::format_exception(cx, e));
    text
}

/// `sys.UnraisableHookArgs`.
fn arguments(cx: &mut Cx, e: &Obj, message: Option<&str>, from: &Obj) -> crate::cx::PyResult {
    let name = "UnraisableHookArgs";
    let ty = match cx.native_types.get(name) {
        Some(t) => t.clone(),
        None => {
            let fields = &["exc_type", "exc_value", "exc_traceback", "err_msg", "object"];
            structseq::make_type(cx, &structseq::Definition { name, doc: "Arguments of sys.unraisablehook: what was ignored, where, and why.", fields, visible: 5 })?
        }
    };
    let message = match message {
        Some(m) => cx.str(m)?,
        None => cx.none(),
    };
    let values = vec![e.type_ref().into_obj(), e.clone(), traceback::of(cx, e), message, from.clone()];
    structseq::new(cx, &ty, 5, values)
}

/// Whether an exception asks the process to end, and with which status; its text goes to the standard error stream.
pub fn exit_status(cx: &mut Cx, e: &Obj) -> Option<i32> {
    if !e.ty().is_subtype(cx, &cx.types.system_exit.clone()) {
        return None;
    }
    let name = cx.name("code");
    let code = protocol::getattr(cx, e, &name).unwrap_or_else(|_| cx.none());
    cx.clear_error();
    if code.is_none() {
        return Some(0);
    }
    if let Some(n) = crate::types::int::to_i64(&code) {
        return Some(n as i32 & 0xff);
    }
    let text = protocol::str(cx, &code).and_then(|t| written(cx, &t));
    if text.is_err() {
        cx.clear_error();
    }
    write_error(cx, "\n");
    Some(1)
}

/// Writes a text to standard error, whatever its characters are.
fn written(cx: &mut Cx, text: &Obj) -> crate::cx::PyResult<()> {
    match sys_attribute(cx, "stderr").filter(|s| !s.is_none()) {
        Some(stream) => protocol::call_method(cx, &stream, "write", std::slice::from_ref(text)).map(|r| cx.release(r)),
        None => {
            let text = protocol::str_text(cx, text)?;
            write_error(cx, &text);
            Ok(())
        }
    }
}

/// The exception's own traceback, or the one given with it.
pub fn adopt_traceback(cx: &mut Cx, exc: &Obj, trace: &Obj) {
    if let Some(e) = exc.cast::<exception::Exception>()
        && trace.cast::<traceback::Traceback>().is_some()
        && e.traceback.get(cx).is_none()
    {
        e.traceback.set(cx, Some(trace.clone()));
    }
}
