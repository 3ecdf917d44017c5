//! `_thread`: locks, and the one thread there is. Starting another is refused until threads are built.

use crate::cx::{Cx, PyResult};
use crate::interp;
use crate::layout;
use crate::memory;
use crate::object::{Obj, Ref};
use crate::protocol;
use crate::types::type_::flags;
use crate::types::{Slots, Spec, module};
use std::cell::Cell;

layout! {
    /// A lock; `owner` counts how often the one thread holds a reentrant one.
    pub struct Lock = 60, "lock" { held: Cell<bool>, count: Cell<usize>, reentrant: Cell<bool>, }
}

const MAIN: i64 = 1;

fn wait(cx: &mut Cx, lock: &Ref<Lock>, blocking: bool, timeout: f64) -> PyResult<bool> {
    if !blocking && timeout >= 0.0 {
        return Err(cx.value_error("can't specify a timeout for a non-blocking call"));
    }
    if timeout < 0.0 && timeout != -1.0 {
        return Err(cx.value_error("timeout value must be a non-negative number"));
    }
    if timeout > 9_223_372_036.0 {
        return Err(cx.overflow_error("timeout value is too large"));
    }
    if !lock.held.get() {
        lock.held.set(true);
        return Ok(true);
    }
    let start = cx.host.monotonic();
    while blocking && lock.held.get() {
        if timeout >= 0.0 && cx.host.monotonic() - start >= timeout {
            return Ok(false);
        }
        cx.poll_native()?;
        cx.host.sleep(0.001);
    }
    if !blocking {
        return Ok(false);
    }
    lock.held.set(true);
    Ok(true)
}

#[retic_macros::methods]
impl Lock {
    /// Lock the lock.
    #[py("acquire($self, /, blocking=True, timeout=-1)")]
    fn acquire(cx: &mut Cx, this: &Ref<Lock>, blocking: bool, timeout: Option<f64>) -> PyResult<bool> {
        if this.reentrant.get() && this.held.get() {
            this.count.set(this.count.get() + 1);
            return Ok(true);
        }
        let got = wait(cx, this, blocking, timeout.unwrap_or(-1.0))?;
        this.count.set(1);
        Ok(got)
    }
    /// Release the lock.
    #[py("release($self, /)")]
    fn release(cx: &mut Cx, this: &Ref<Lock>) -> PyResult<()> {
        if !this.held.get() {
            return Err(cx.runtime_error(if this.reentrant.get() { "cannot release un-acquired lock" } else { "release unlocked lock" }));
        }
        let n = this.count.get().saturating_sub(1);
        this.count.set(n);
        if !this.reentrant.get() || n == 0 {
            this.held.set(false);
        }
        Ok(())
    }
    /// Return whether the lock is in the locked state.
    #[py("locked($self, /)")]
    fn locked(_cx: &mut Cx, this: &Ref<Lock>) -> bool {
        this.held.get()
    }
    /// Lock the lock.
    #[py("__enter__($self, /)")]
    fn enter(cx: &mut Cx, this: &Ref<Lock>) -> PyResult<bool> {
        Lock::acquire(cx, this, true, None)
    }
    /// Release the lock.
    #[py("__exit__($self, /, *exc_info)")]
    fn exit(cx: &mut Cx, this: &Ref<Lock>, exc_info: &[Obj]) -> PyResult<()> {
        let _ = exc_info;
        Lock::release(cx, this)
    }
    #[py("_is_owned($self, /)")]
    fn is_owned(_cx: &mut Cx, this: &Ref<Lock>) -> bool {
        this.held.get()
    }
    #[py("_recursion_count($self, /)")]
    fn recursion_count(_cx: &mut Cx, this: &Ref<Lock>) -> usize {
        if this.held.get() { this.count.get() } else { 0 }
    }
    #[py("_release_save($self, /)")]
    fn release_save(cx: &mut Cx, this: &Ref<Lock>) -> PyResult {
        if !this.held.replace(false) {
            return Err(cx.runtime_error("cannot release un-acquired lock"));
        }
        let state = vec![cx.int(this.count.replace(0) as i64)?, cx.int(MAIN)?];
        cx.tuple(state)
    }
    #[py("_acquire_restore($self, state, /)")]
    fn acquire_restore(cx: &mut Cx, this: &Ref<Lock>, state: &Obj) -> PyResult<()> {
        let zero = cx.int(0)?;
        let n = protocol::getitem(cx, state, &zero)?;
        let n = protocol::index_i64(cx, &n)?;
        wait(cx, this, true, -1.0)?;
        this.count.set(n.max(0) as usize);
        Ok(())
    }
    #[py("_at_fork_reinit($self, /)")]
    fn at_fork_reinit(_cx: &mut Cx, this: &Ref<Lock>) {
        this.held.set(false);
        this.count.set(0);
    }
}

fn lock_spec(name: &'static str, reentrant: bool) -> Spec {
    Spec {
        doc: "A lock object is a synchronization primitive.",
        flags: flags::MANAGED | flags::GC | flags::WEAK | if reentrant { flags::BASE } else { 0 },
        slots: Slots {
            repr: Some(|cx, o| {
                let Some(l) = o.cast::<Lock>() else { return Ok(cx.none()) };
                let state = if l.held.get() { "locked" } else { "unlocked" };
                let text = if l.reentrant.get() {
                    format!("<{state} {} object owner={} count={} at {:#x}>", "_thread.RLock", if l.held.get() { MAIN } else { 0 }, l.count.get(), o.address())
                } else {
                    format!("<{state} _thread.lock object at {:#x}>", o.address())
                };
                cx.str(&text)
            }),
            new: Some(if reentrant {
                |cx, ty, _| Ok(memory::new(cx, ty, |head| Lock { head, held: Cell::new(false), count: Cell::new(0), reentrant: Cell::new(true) })?.into_obj())
            } else {
                |cx, ty, _| Ok(memory::new(cx, ty, |head| Lock { head, held: Cell::new(false), count: Cell::new(0), reentrant: Cell::new(false) })?.into_obj())
            }),
            ..Slots::EMPTY
        },
        methods: Lock::METHODS,
        ..Spec::new::<Lock>(name)
    }
}

layout! {
    /// What a started thread is known by.
    pub struct Handle = 61, "_ThreadHandle" { done: Cell<bool>, }
}
#[retic_macros::methods]
impl Handle {
    #[py("join($self, timeout=None, /)")]
    fn join(_cx: &mut Cx, this: &Ref<Handle>, timeout: Option<&Obj>) {
        let _ = (this, timeout);
    }
    #[py("is_done($self, /)")]
    fn is_done(_cx: &mut Cx, this: &Ref<Handle>) -> bool {
        this.done.get()
    }
    #[py("_set_done($self, /)")]
    fn set_done(_cx: &mut Cx, this: &Ref<Handle>) {
        this.done.set(true);
    }
    #[get("ident")]
    fn ident(_cx: &mut Cx, _this: &Ref<Handle>) -> i64 {
        MAIN
    }
}
fn handle_spec() -> Spec {
    Spec {
        slots: Slots { new: Some(|cx, ty, _| Ok(memory::new(cx, ty, |head| Handle { head, done: Cell::new(false) })?.into_obj())), ..Slots::EMPTY },
        methods: Handle::METHODS,
        getset: Handle::GETSET,
        ..Spec::new::<Handle>("_thread._ThreadHandle")
    }
}

layout! {
    /// Attributes of one thread. There is one thread, so the instance dictionary holds them.
    pub struct Local = 62, "_thread._local" {}
}
fn local_spec() -> Spec {
    Spec {
        doc: "Thread-local data",
        flags: flags::MANAGED | flags::GC | flags::DICT | flags::WEAK | flags::BASE,
        slots: Slots { new: Some(|cx, ty, _| Ok(memory::new(cx, ty, |head| Local { head })?.into_obj())), ..Slots::EMPTY },
        ..Spec::new::<Local>("_thread._local")
    }
}

fn refuse(cx: &Cx) -> PyResult {
    Err(cx.runtime_error("can't start new thread"))
}

#[retic_macros::methods]
mod functions {
    //! This module provides primitive operations to write multi-threaded programs.
    use super::*;

    /// Return a non-zero integer that uniquely identifies the current thread.
    #[py("get_ident()")]
    pub fn get_ident(_cx: &mut Cx) -> i64 {
        MAIN
    }
    /// Return a non-negative integer identifying the thread as reported by the OS (kernel).
    #[py("get_native_id()")]
    pub fn get_native_id(cx: &mut Cx) -> i64 {
        cx.host.pid()
    }
    #[py("_get_main_thread_ident()")]
    pub fn get_main_thread_ident(_cx: &mut Cx) -> i64 {
        MAIN
    }
    /// Return the number of threads that threading is running.
    #[py("_count()")]
    pub fn count(_cx: &mut Cx) -> i64 {
        0
    }
    /// Start a new thread and return its identifier.
    #[py("start_new_thread(function, args, kwargs={}, /)")]
    pub fn start_new_thread(cx: &mut Cx, function: &Obj, args: &Obj, kwargs: Option<&Obj>) -> PyResult {
        let _ = (function, args, kwargs);
        refuse(cx)
    }
    /// Start a new thread that can be joined.
    #[py("start_joinable_thread(function, handle=None, daemon=True)")]
    pub fn start_joinable_thread(cx: &mut Cx, function: &Obj, handle: Option<&Obj>, daemon: bool) -> PyResult {
        let _ = (function, handle, daemon);
        refuse(cx)
    }
    /// Return whether daemon threads are allowed in this interpreter.
    #[py("daemon_threads_allowed()")]
    pub fn daemon_threads_allowed(_cx: &mut Cx) -> bool {
        true
    }
    /// Wait for all non-daemon threads (other than the calling thread) to stop.
    #[py("_shutdown()")]
    pub fn shutdown(_cx: &mut Cx) {}
    /// Simulate the arrival of the given signal in the main thread.
    #[py("interrupt_main(signum=2, /)")]
    pub fn interrupt_main(cx: &mut Cx, signum: i64) {
        let _ = signum;
        cx.request_poll(crate::cx::POLL_SIGNAL);
    }
    /// A handle for a thread that was not started here.
    #[py("_make_thread_handle(ident, /)")]
    pub fn make_thread_handle(cx: &mut Cx, ident: i64) -> PyResult {
        let _ = ident;
        let ty = cx.native_type("_thread._ThreadHandle");
        Ok(memory::new(cx, &ty, |head| Handle { head, done: Cell::new(false) })?.into_obj())
    }
    #[py("_is_main_interpreter()")]
    pub fn is_main_interpreter(_cx: &mut Cx) -> bool {
        true
    }
    /// Return the thread stack size used when creating new threads.
    #[py("stack_size(size=0, /)")]
    pub fn stack_size(_cx: &mut Cx, size: i64) -> i64 {
        let _ = size;
        0
    }
    /// Synonym for raising SystemExit.
    #[py("exit()")]
    pub fn exit(cx: &mut Cx) -> PyResult {
        Err(cx.raise_new(&cx.types.system_exit.clone(), None))
    }
    /// Set the name of the current thread.
    #[py("set_name(name)")]
    pub fn set_name(_cx: &mut Cx, name: &Obj) {
        let _ = name;
    }
    /// Handle uncaught Thread.run() exception.
    #[py("_excepthook(args, /)")]
    pub fn excepthook(cx: &mut Cx, args: &Obj) -> PyResult<()> {
        let name = cx.name("exc_value");
        let e = protocol::getattr(cx, args, &name)?;
        super::super::sys::write_error(cx, "Exception in thread:\n");
        super::super::sys::hooks::display(cx, &e);
        Ok(())
    }
}

pub fn make(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "_thread", functions::DOC, functions::FUNCTIONS)?;
    let object = cx.types.object.clone();
    let lock = interp::native_type(cx, &lock_spec("_thread.lock", false), &object)?.into_obj();
    m.set(cx, "allocate_lock", lock.clone())?;
    m.set(cx, "lock", lock.clone())?;
    m.set(cx, "LockType", lock)?;
    let rlock = interp::native_type(cx, &lock_spec("_thread.RLock", true), &object)?.into_obj();
    m.set(cx, "RLock", rlock)?;
    let local = interp::native_type(cx, &local_spec(), &object)?.into_obj();
    m.set(cx, "_local", local)?;
    let handle = interp::native_type(cx, &handle_spec(), &object)?;
    cx.native_types.insert("_thread._ThreadHandle", handle.clone());
    let handle = handle.into_obj();
    let main = protocol::call(cx, &handle, &[])?;
    m.set(cx, "_ThreadHandle", handle)?;
    m.set(cx, "_main_handle", main)?;
    let error = cx.types.runtime_error.as_obj().clone();
    m.set(cx, "error", error)?;
    let max = cx.float(9_223_372_036.0)?;
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
