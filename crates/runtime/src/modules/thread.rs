//! `_thread`: starting threads, their handles, locks, and values of one thread.

pub(crate) mod local;
pub(crate) mod lock;

use crate::cx::{Cx, PyResult};
use crate::interp;
use crate::layout;
use crate::memory;
use crate::object::{Obj, Ref};
use crate::protocol;
use crate::threads::{self, Done};
use crate::types::code::Hidden;
use crate::types::{Dict, Slots, Spec, Str, Tuple, module};
use std::cell::Cell;
use std::sync::Arc;

/// Seconds that a wait may be asked for.
const TIMEOUT_MAX: f64 = 9_223_372_036.0;

layout! {
    /// What a started thread is known by; number 0: not started.
    pub struct Handle = 61, "_ThreadHandle" { done: Hidden<Arc<Done>>, ident: Cell<i64>, }
}

impl Handle {
    fn make(cx: &mut Cx, ident: i64) -> PyResult<Ref<Handle>> {
        let ty = cx.native_type("_thread._ThreadHandle");
        memory::new(cx, &ty, |head| Handle { head, done: Hidden(Arc::default()), ident: Cell::new(ident) })
    }
}

#[retic_macros::methods]
impl Handle {
    /// Wait for the thread, at most so many seconds.
    #[py("join($self, timeout=None, /)", "")]
    fn join(cx: &mut Cx, this: &Ref<Handle>, timeout: Option<&Obj>) -> PyResult<()> {
        let seconds = match timeout.filter(|t| !t.is_none()) {
            Some(t) => Some(protocol::to_float(cx, t)?).filter(|s| *s >= 0.0),
            None => None,
        };
        if seconds.is_some_and(|s| s > TIMEOUT_MAX) {
            return Err(cx.overflow_error("timestamp too large to convert to C PyTime_t"));
        }
        if this.ident.get() == 0 {
            return Err(cx.runtime_error("thread not started"));
        }
        if this.ident.get() == cx.threads.current && !this.done.0.is_over() {
            return Err(cx.runtime_error("Cannot join current thread"));
        }
        let done = this.done.0.clone();
        cx.wait_in_turns(seconds, |most| done.wait(most)).map(drop)
    }
    /// Whether the thread is over.
    #[py("is_done($self, /)")]
    fn is_done(_cx: &mut Cx, this: &Ref<Handle>) -> bool {
        this.done.0.is_over()
    }
    #[py("_set_done($self, /)")]
    fn set_done(cx: &mut Cx, this: &Ref<Handle>) -> PyResult<()> {
        if this.ident.get() == 0 {
            return Err(cx.runtime_error("thread not started"));
        }
        this.done.0.set();
        Ok(())
    }
    #[get("ident")]
    fn ident(cx: &mut Cx, this: &Ref<Handle>) -> PyResult {
        if this.ident.get() == 0 { Ok(cx.none()) } else { cx.int(this.ident.get()) }
    }
}
fn handle_spec() -> Spec {
    Spec {
        slots: Slots {
            new: Some(|cx, _, _| Ok(Handle::make(cx, 0)?.into_obj())),
            repr: Some(|cx, o| {
                let ident = o.cast::<Handle>().map_or(0, |h| h.ident.get());
                cx.str(&format!("<_ThreadHandle object: ident={ident}>"))
            }),
            ..Slots::EMPTY
        },
        methods: Handle::METHODS,
        getset: Handle::GETSET,
        ..Spec::new::<Handle>("_thread._ThreadHandle")
    }
}

fn callable(cx: &Cx, f: &Obj, text: &str) -> PyResult<()> {
    if f.ty().slots(cx).call.is_none() { Err(cx.type_error(text)) } else { Ok(()) }
}

#[retic_macros::methods]
mod functions {
    //! This module provides primitive operations to write multi-threaded programs.
    //! The 'threading' module provides a more convenient interface.
    use super::*;

    /// Return a non-zero integer that uniquely identifies the current thread
    /// amongst other threads that exist simultaneously.
    #[py("get_ident()")]
    pub fn get_ident(cx: &mut Cx) -> i64 {
        cx.threads.current
    }
    /// Return a non-negative integer identifying the thread as reported
    /// by the OS (kernel).
    #[py("get_native_id()")]
    pub fn get_native_id(cx: &mut Cx) -> i64 {
        cx.host.thread_id()
    }
    /// Internal only. Return a non-zero integer that uniquely identifies the main thread
    /// of the main interpreter.
    #[py("_get_main_thread_ident()")]
    pub fn get_main_thread_ident(cx: &mut Cx) -> i64 {
        cx.threads.main
    }
    /// Return the number of currently running Python threads, excluding
    /// the main thread.
    #[py("_count()")]
    pub fn count(cx: &mut Cx) -> i64 {
        cx.threads.others() as i64
    }
    /// Start a new thread and return its identifier.
    #[py("start_new_thread(function, args, kwargs={}, /)")]
    pub fn start_new_thread(cx: &mut Cx, function: &Obj, args: &Obj, kwargs: Option<&Obj>) -> PyResult<i64> {
        callable(cx, function, "first arg must be callable")?;
        cx.audit("_thread.start_new_thread", &[function.into(), args.into(), kwargs.into()])?;
        let Some(items) = args.cast::<Tuple>().map(|t| t.items().to_vec()) else { return Err(cx.type_error("2nd arg must be a tuple")) };
        let (mut items, mut names) = (items, Vec::new());
        if let Some(k) = kwargs {
            let Some(d) = k.cast::<Dict>().cloned() else { return Err(cx.type_error("optional 3rd arg must be a dictionary")) };
            for (name, value) in d.entries(cx) {
                names.push(name);
                items.push(value);
            }
        }
        threads::start(cx, function.clone(), items, names, Arc::default())
    }
    /// An obsolete synonym of start_new_thread().
    #[py("start_new(function, args, kwargs={}, /)")]
    pub fn start_new(cx: &mut Cx, function: &Obj, args: &Obj, kwargs: Option<&Obj>) -> PyResult<i64> {
        start_new_thread(cx, function, args, kwargs)
    }
    /// *For internal use only*: start a new thread.
    #[py("start_joinable_thread(function, handle=None, daemon=True)")]
    pub fn start_joinable_thread(cx: &mut Cx, function: &Obj, handle: Option<&Obj>, daemon: bool) -> PyResult<Ref<Handle>> {
        callable(cx, function, "thread function must be callable")?;
        cx.audit("_thread.start_joinable_thread", &[function.into(), i64::from(daemon).into(), handle.into()])?;
        let handle = match handle.filter(|h| !h.is_none()) {
            None => Handle::make(cx, 0)?,
            Some(h) => match h.cast::<Handle>() {
                Some(h) => h.clone(),
                None => return Err(cx.type_error("'handle' must be a _ThreadHandle")),
            },
        };
        if handle.ident.get() != 0 {
            return Err(cx.runtime_error("thread already started"));
        }
        if cx.finalizing {
            let class = cx.types.python_finalization_error.clone();
            return Err(cx.error_of(&class, "can't create new thread at interpreter shutdown"));
        }
        let done = handle.done.0.clone();
        let ident = threads::start(cx, function.clone(), Vec::new(), Vec::new(), done.clone())?;
        handle.ident.set(ident);
        if !daemon {
            cx.threads.awaited.retain(|d| !d.is_over());
            cx.threads.awaited.push(done);
        }
        Ok(handle)
    }
    /// Return True if daemon threads are allowed in the current interpreter,
    /// and False otherwise.
    #[py("daemon_threads_allowed()")]
    pub fn daemon_threads_allowed(_cx: &mut Cx) -> bool {
        true
    }
    /// Wait for all non-daemon threads (other than the calling thread) to stop.
    #[py("_shutdown()")]
    pub fn shutdown(cx: &mut Cx) -> PyResult<()> {
        while let Some(done) = cx.threads.awaited.pop() {
            cx.wait_in_turns(None, |most| done.wait(most))?;
        }
        Ok(())
    }
    /// Simulate the arrival of the given signal in the main thread,
    /// where the corresponding signal handler will be executed.
    #[py("interrupt_main(signum=signal.SIGINT, /)")]
    pub fn interrupt_main(cx: &mut Cx, signum: Option<i64>) -> PyResult<()> {
        crate::signals::arrive(cx, signum.unwrap_or(2))
    }
    /// Internal only. Make a thread handle for threads not spawned
    /// by the _thread or threading module.
    #[py("_make_thread_handle(ident, /)")]
    pub fn make_thread_handle(cx: &mut Cx, ident: i64) -> PyResult<Ref<Handle>> {
        Handle::make(cx, ident)
    }
    /// Return True if the current interpreter is the main Python interpreter.
    #[py("_is_main_interpreter()")]
    pub fn is_main_interpreter(_cx: &mut Cx) -> bool {
        true
    }
    /// Return the thread stack size used when creating new threads.
    #[py("stack_size(size=0, /)")]
    pub fn stack_size(cx: &mut Cx, size: Option<i64>) -> PyResult<usize> {
        let old = cx.threads.stack_size;
        match size {
            None => {}
            Some(n) if n < 0 => return Err(cx.value_error("size must be 0 or a positive value")),
            Some(n) if n != 0 && !(0x8000..=1 << 32).contains(&n) => return Err(cx.value_error(format!("size not valid: {n} bytes"))),
            Some(n) => cx.threads.stack_size = n as usize,
        }
        Ok(old)
    }
    /// This is synonymous to ``raise SystemExit''.  It will cause the current
    /// thread to exit silently unless the exception is caught.
    #[py("exit()")]
    pub fn exit(cx: &mut Cx) -> PyResult {
        Err(cx.raise_new(&cx.types.system_exit.clone(), None))
    }
    /// An obsolete synonym of exit().
    #[py("exit_thread()")]
    pub fn exit_thread(cx: &mut Cx) -> PyResult {
        exit(cx)
    }
    /// An obsolete synonym of allocate_lock().
    #[py("allocate()")]
    pub fn allocate(cx: &mut Cx) -> PyResult {
        let class = cx.native_type("_thread.lock").into_obj();
        protocol::call(cx, &class, &[])
    }
    /// Create a new lock object.
    #[py("allocate_lock()")]
    pub fn allocate_lock(cx: &mut Cx) -> PyResult {
        allocate(cx)
    }
    /// Set the name of the current thread.
    #[py("set_name(name)")]
    pub fn set_name(cx: &mut Cx, name: &Ref<Str>) {
        let text = name.to_text(cx);
        cx.host.set_thread_name(&text);
    }
    /// Handle uncaught Thread.run() exception.
    #[py("_excepthook(args, /)")]
    pub fn excepthook(cx: &mut Cx, args: &Obj) -> PyResult<()> {
        let class = cx.native_type("_thread._ExceptHookArgs");
        if !std::ptr::eq(args.ty(), &*class) {
            return Err(cx.type_error("_thread.excepthook argument type must be ExceptHookArgs"));
        }
        let mut field = |name: &'static str| {
            let name = cx.name(name);
            protocol::getattr(cx, args, &name)
        };
        let (class, value, thread) = (field("exc_type")?, field("exc_value")?, field("thread")?);
        if class.is(cx.types.system_exit.as_obj()) {
            return Ok(());
        }
        let name = cx.name("_name");
        let called = match protocol::lookup_attr(cx, &thread, &name)? {
            Some(n) => protocol::str_text(cx, &n)?,
            None => cx.threads.current.to_string(),
        };
        crate::modules::sys::write_error(cx, &format!("Exception in thread {called}:\n"));
        crate::modules::sys::hooks::display(cx, &value);
        Ok(())
    }
}

pub fn make(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "_thread", functions::DOC, functions::FUNCTIONS)?;
    let object = cx.types.object.clone();
    let lock = interp::native_type(cx, &lock::spec("_thread.lock", false), &object)?;
    let lock = lock.into_obj();
    m.set(cx, "lock", lock.clone())?;
    m.set(cx, "LockType", lock)?;
    let rlock = interp::native_type(cx, &lock::spec("_thread.RLock", true), &object)?.into_obj();
    m.set(cx, "RLock", rlock)?;
    let local = interp::native_type(cx, &local::spec(), &object)?.into_obj();
    m.set(cx, "_local", local)?;
    let handle = interp::native_type(cx, &handle_spec(), &object)?;
    m.set(cx, "_ThreadHandle", handle.into_obj())?;
    let error = cx.types.runtime_error.as_obj().clone();
    m.set(cx, "error", error)?;
    let max = cx.float(TIMEOUT_MAX)?;
    m.set(cx, "TIMEOUT_MAX", max)?;
    let args = crate::types::structseq::make_type(
        cx,
        &crate::types::structseq::Definition {
            name: "_thread._ExceptHookArgs",
            doc: "Type used to pass arguments to threading.excepthook.",
            fields: &["exc_type", "exc_value", "exc_traceback", "thread"],
            visible: 4,
        },
    )?;
    m.set(cx, "_ExceptHookArgs", args.into_obj())?;
    Ok(m.into_obj())
}
