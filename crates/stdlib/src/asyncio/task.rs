//! `Task`: a future that runs a coroutine step by step.

use super::future::{self, Future, State};
use super::{attribute, call_soon, running, state, text};
use crate::contextvars::{self, Context};
use crate::params::{Params, bind};
use retic_runtime::native::{MethodDef, MethodKind, Signature};
use retic_runtime::object::Guarded;
use retic_runtime::types::generator::{self, Generator};
use retic_runtime::types::type_::flags;
use retic_runtime::types::{Int, Slots, Spec, Str, function, generic, int};
use retic_runtime::{Args, Cx, Obj, PyResult, Ref, layout, memory, protocol};

layout! {
    /// What the loop calls to run a task: its next step, with an error that is thrown into it or without.
    pub struct Step = 332, "TaskStepMethWrapper" { task: Guarded<Obj>, error: Guarded<Option<Obj>>, }
}

/// What a future that a task waits for calls when it is done.
static WAKEUP: MethodDef = MethodDef {
    name: "task_wakeup",
    kind: MethodKind::Method,
    signature: Signature::open("task_wakeup", ""),
    doc: "",
    call: |cx, _, this, args| {
        args.no_keywords(cx, "task_wakeup")?;
        let [done] = args.unpack(cx, "task_wakeup", 1, 1)? else { return Ok(cx.none()) };
        match this.cast::<Future>().cloned() {
            Some(task) => wake(cx, &task, done),
            None => Ok(cx.none()),
        }
    },
};

fn is_own(cx: &Cx, o: &Obj) -> bool {
    let s = state(cx);
    std::ptr::eq(o.ty(), &*s.future) || std::ptr::eq(o.ty(), &*s.task)
}
pub fn is_task(cx: &Cx, o: &Obj) -> bool {
    let s = state(cx);
    std::ptr::eq(o.ty(), &*s.task) || o.ty().is_subtype(cx, &s.task)
}

/// Has the loop run the next step.
fn step_soon(cx: &mut Cx, task: &Ref<Future>, error: Option<Obj>) -> PyResult<()> {
    let s = state(cx);
    let this = task.as_obj().clone();
    let step = memory::new(cx, &s.step, |head| Step { head, task: Guarded::new(this), error: Guarded::new(error) })?.into_obj();
    let (event_loop, context) = (task.home(cx)?, task.context.cloned(cx).unwrap_or_else(|| cx.none()));
    call_soon(cx, &s, &event_loop, step, None, context)
}
/// The next step raises a RuntimeError in the coroutine.
fn error_soon(cx: &mut Cx, task: &Ref<Future>, sentence: String) -> PyResult<()> {
    let class = cx.types.runtime_error.as_obj().clone();
    let t = text(cx, &sentence)?;
    let error = protocol::call(cx, &class, &[t])?;
    step_soon(cx, task, Some(error))
}

fn init(cx: &mut Cx, o: &Obj, args: Args<'_>) -> PyResult<()> {
    let Some(this) = o.cast::<Future>().cloned() else { return Ok(()) };
    let mut given: [Option<&Obj>; 5] = [None; 5];
    let names = &["coro", "loop", "name", "context", "eager_start"];
    bind(cx, &Params { function: "Task", names, required: 1, positional: 1 }, &args, |_, i, v| {
        given[i] = Some(v);
        Ok(())
    })?;
    let [Some(coro), event_loop, name, context, eager] = given else { return Ok(()) };
    future::init(cx, &this, event_loop)?;
    let is_coroutine = generator::is_coroutine(cx, coro) && coro.cast::<Generator>().is_some() || {
        let f = state(cx).known(cx)?.iscoroutine.clone();
        let r = protocol::call(cx, &f, std::slice::from_ref(coro))?;
        protocol::truth(cx, &r)?
    };
    if !is_coroutine {
        this.log_destroy_pending.set(false);
        let t = protocol::repr_text(cx, coro)?;
        return Err(cx.type_error(format!("a coroutine was expected, got {t}")));
    }
    let context = match context.filter(|c| !c.is_none()) {
        Some(c) => c.clone(),
        None => contextvars::copy_current(cx)?,
    };
    this.context.set(cx, Some(context.clone()));
    this.waiter.set(cx, None);
    this.must_cancel.set(false);
    this.log_destroy_pending.set(true);
    this.cancels.set(0);
    this.coroutine.set(cx, Some(coro.clone()));
    let name = match name.filter(|n| !n.is_none()) {
        None => {
            let n = running::next_name(cx);
            cx.int(n)?
        }
        Some(n) if n.cast::<Str>().is_some() => n.clone(),
        Some(n) => protocol::str(cx, n)?,
    };
    this.name.set(cx, Some(name));
    let eager = match eager {
        Some(e) => protocol::truth(cx, e)?,
        None => false,
    };
    if eager {
        let home = this.home(cx)?;
        let running = protocol::call_method(cx, &home, "is_running", &[])?;
        if protocol::truth(cx, &running)? {
            return start_eagerly(cx, &this, &home, &context);
        }
    }
    step_soon(cx, &this, None)?;
    running::register(cx, o)
}

/// Runs the first step now.
fn start_eagerly(cx: &mut Cx, task: &Ref<Future>, home: &Obj, context: &Obj) -> PyResult<()> {
    let before = running::swap(cx, home, Some(task.as_obj().clone()))?;
    let stepped = (|cx: &mut Cx| {
        running::register_eager(cx, task.as_obj())?;
        let r = match context.cast::<Context>().cloned() {
            Some(c) => contextvars::run_in(cx, &c, |cx| step(cx, task, None)),
            None => Err(cx.type_error("a Context was expected")),
        };
        let saved = cx.save_error();
        let gone = running::unregister_eager(cx, task.as_obj());
        cx.restore_error(saved);
        r.and_then(|r| gone.map(|()| r))
    })(cx);
    let saved = cx.save_error();
    let back = running::swap(cx, home, before).map(drop);
    cx.restore_error(saved);
    if task.is_pending() {
        running::register(cx, task.as_obj())?;
    } else {
        let coroutine = task.coroutine.replace(cx, None);
        cx.release_with_error(coroutine);
    }
    stepped?;
    back
}

/// Lets the task go on: `error` is thrown into its coroutine.
fn step(cx: &mut Cx, task: &Ref<Future>, error: Option<Obj>) -> PyResult<()> {
    if !task.is_pending() {
        let t = protocol::repr_text(cx, task.as_obj())?;
        let e = match &error {
            Some(e) => protocol::repr_text(cx, e)?,
            None => "None".into(),
        };
        return Err(future::invalid_state(cx, &format!("__step(): already done: {t} {e}")));
    }
    let mut error = error;
    if task.must_cancel.get() {
        let cancelled = match &error {
            Some(e) => is_cancelled_error(cx, e)?,
            None => false,
        };
        if !cancelled {
            error = Some(future::cancelled_error(cx, task)?);
        }
        task.must_cancel.set(false);
    }
    if task.waiter.get(cx).is_some() {
        task.waiter.set(cx, None);
    }
    let Some(coroutine) = task.coroutine.cloned(cx) else { return Err(cx.runtime_error("uninitialized Task object")) };
    let r = match error {
        None => {
            let none = cx.none();
            generator::send(cx, &coroutine, &none)
        }
        Some(e) => throw(cx, &coroutine, e),
    };
    drop(coroutine);
    match r {
        Ok(Ok(yielded)) => handle(cx, task, yielded),
        Ok(Err(value)) => {
            if task.must_cancel.replace(false) {
                let message = task.cancel_message.cloned(cx);
                future::cancel(cx, task, message).map(drop)
            } else {
                future::set_result(cx, task, value)
            }
        }
        Err(raised) => {
            let Some(e) = cx.take_error() else { return Err(raised) };
            if is_cancelled_error(cx, &e)? {
                task.cancelled_exception.set(cx, Some(e));
                return future::cancel(cx, task, None).map(drop);
            }
            let passed_on = e.ty().is_subtype(cx, &cx.types.keyboard_interrupt) || e.ty().is_subtype(cx, &cx.types.system_exit);
            future::set_exception(cx, task, &e)?;
            if passed_on { Err(cx.raise(e)) } else { Ok(()) }
        }
    }
}

fn is_cancelled_error(cx: &mut Cx, e: &Obj) -> PyResult<bool> {
    let class = state(cx).known(cx)?.cancelled_error.clone();
    Ok(class.cast::<retic_runtime::types::Type>().is_some_and(|c| e.ty().is_subtype(cx, c)))
}

fn throw(cx: &mut Cx, coroutine: &Obj, e: Obj) -> PyResult<Result<Obj, Obj>> {
    match protocol::call_method(cx, coroutine, "throw", &[e]) {
        Ok(v) => Ok(Ok(v)),
        Err(_) if cx.error_is(&cx.types.stop_iteration) => Ok(Err(retic_runtime::types::exception::take_stop_value(cx))),
        Err(r) => Err(r),
    }
}

/// What the coroutine handed out says for what it waits.
fn handle(cx: &mut Cx, task: &Ref<Future>, yielded: Obj) -> PyResult<()> {
    let this = task.as_obj().clone();
    if yielded.is(&this) {
        let t = protocol::repr_text(cx, &this)?;
        return error_soon(cx, task, format!("Task cannot await on itself: {t}"));
    }
    if is_own(cx, &yielded)
        && let Some(f) = yielded.cast::<Future>().cloned()
    {
        let same = match (f.event_loop.get(cx), task.event_loop.get(cx)) {
            (Some(a), Some(b)) => a.is(b),
            _ => false,
        };
        if !same {
            return other_loop(cx, task, &yielded);
        }
        if !f.blocking.get() {
            return not_from(cx, task, &yielded);
        }
        future::add_awaiter(cx, &f, &this)?;
        f.blocking.set(false);
        let wakeup = function::builtin(cx, &WAKEUP, Some(this), None)?;
        let context = task.context.cloned(cx).unwrap_or_else(|| cx.none());
        future::add_callback(cx, &f, wakeup, context)?;
        task.waiter.set(cx, Some(yielded.clone()));
        if task.must_cancel.get() {
            let message = task.cancel_message.cloned(cx);
            let done = if is_task(cx, &yielded) { cancel(cx, &f, message)? } else { future::cancel(cx, &f, message)? };
            if done {
                task.must_cancel.set(false);
            }
        }
        return Ok(());
    }
    if yielded.is_none() {
        return step_soon(cx, task, None);
    }
    // Futures of other classes.
    if let Some(blocking) = attribute(cx, &yielded, "_asyncio_future_blocking")?.filter(|b| !b.is_none()) {
        let blocking = protocol::truth(cx, &blocking)?;
        let its = loop_of(cx, &yielded)?;
        if !task.home(cx)?.is(&its) {
            return other_loop(cx, task, &yielded);
        }
        if !blocking {
            return not_from(cx, task, &yielded);
        }
        if let Some(f) = yielded.cast::<Future>().cloned() {
            future::add_awaiter(cx, &f, &this)?;
        }
        let (s, no) = (state(cx), cx.bool(false));
        protocol::setattr(cx, &yielded, &s.names.blocking, Some(&no))?;
        let wakeup = function::builtin(cx, &WAKEUP, Some(this), None)?;
        let context = task.context.cloned(cx).unwrap_or_else(|| cx.none());
        let method = protocol::getattr(cx, &yielded, &s.names.add_done_callback)?;
        protocol::call_args(cx, &method, Args { items: &[wakeup, context], names: &s.names.context })?;
        task.waiter.set(cx, Some(yielded.clone()));
        if task.must_cancel.get() && cancel_other(cx, task, &yielded)? {
            task.must_cancel.set(false);
        }
        return Ok(());
    }
    let (t, y) = (protocol::repr_text(cx, &this)?, protocol::repr_text(cx, &yielded)?);
    if std::ptr::eq(yielded.ty(), &*cx.types.generator) {
        return error_soon(cx, task, format!("yield was used instead of yield from for generator in task {t} with {y}"));
    }
    error_soon(cx, task, format!("Task got bad yield: {y}"))
}
fn other_loop(cx: &mut Cx, task: &Ref<Future>, yielded: &Obj) -> PyResult<()> {
    let (t, y) = (protocol::repr_text(cx, task.as_obj())?, protocol::repr_text(cx, yielded)?);
    error_soon(cx, task, format!("Task {t} got Future {y} attached to a different loop"))
}
fn not_from(cx: &mut Cx, task: &Ref<Future>, yielded: &Obj) -> PyResult<()> {
    let (t, y) = (protocol::repr_text(cx, task.as_obj())?, protocol::repr_text(cx, yielded)?);
    error_soon(cx, task, format!("yield was used instead of yield from in task {t} with {y}"))
}
/// The loop of any future.
pub fn loop_of(cx: &mut Cx, o: &Obj) -> PyResult {
    if let Some(f) = o.cast::<Future>().filter(|_| is_own(cx, o)).cloned() {
        return f.home(cx);
    }
    match attribute(cx, o, "get_loop")? {
        Some(f) => protocol::call(cx, &f, &[]),
        None => {
            let name = cx.name("_loop");
            protocol::getattr(cx, o, &name)
        }
    }
}
/// `other.cancel(msg=...)` with the task's message.
fn cancel_other(cx: &mut Cx, task: &Ref<Future>, other: &Obj) -> PyResult<bool> {
    let message = task.cancel_message.cloned(cx).unwrap_or_else(|| cx.none());
    let s = state(cx);
    let method = protocol::getattr(cx, other, &s.names.cancel)?;
    let r = protocol::call_args(cx, &method, Args { items: &[message], names: &s.names.msg })?;
    protocol::truth(cx, &r)
}

/// One step as the loop sees it: the task is the current one meanwhile.
fn run(cx: &mut Cx, task: &Ref<Future>, error: Option<Obj>) -> PyResult {
    let home = task.home(cx)?;
    running::enter(cx, &home, task.as_obj())?;
    let r = step(cx, task, error);
    let saved = cx.save_error();
    let left = running::leave(cx, &home, task.as_obj());
    match r {
        Ok(()) => left?,
        Err(r) => {
            if left.is_err() {
                cx.clear_error();
            }
            cx.restore_error(saved);
            return Err(r);
        }
    }
    if !task.is_pending() {
        running::unregister(cx, task.as_obj())?;
    }
    Ok(cx.none())
}

fn wake(cx: &mut Cx, task: &Ref<Future>, done: &Obj) -> PyResult {
    let r = match done.cast::<Future>().cloned() {
        Some(f) => {
            future::discard_awaiter(cx, &f, task.as_obj())?;
            if is_own(cx, done) { future::result(cx, &f) } else { protocol::call_method(cx, done, "result", &[]) }
        }
        None => protocol::call_method(cx, done, "result", &[]),
    };
    match r {
        Ok(value) => {
            cx.release(value);
            run(cx, task, None)
        }
        Err(r) => match cx.take_error() {
            Some(e) => run(cx, task, Some(e)),
            None => Err(r),
        },
    }
}

fn cancel(cx: &mut Cx, task: &Ref<Future>, message: Option<Obj>) -> PyResult<bool> {
    task.log_traceback.set(false);
    if !task.is_pending() {
        return Ok(false);
    }
    task.cancels.set(task.cancels.get() + 1);
    if let Some(waiter) = task.waiter.cloned(cx) {
        let s = state(cx);
        let method = protocol::getattr(cx, &waiter, &s.names.cancel)?;
        let m = message.clone().unwrap_or_else(|| cx.none());
        let r = protocol::call_args(cx, &method, Args { items: &[m], names: &s.names.msg })?;
        if protocol::truth(cx, &r)? {
            return Ok(true);
        }
    }
    task.must_cancel.set(true);
    task.cancel_message.set(cx, message);
    Ok(true)
}

fn or_none(cx: &Cx, field: &Guarded<Option<Obj>>) -> Obj {
    field.cloned(cx).unwrap_or_else(|| cx.none())
}

pub struct Task;
#[retic_macros::methods]
impl Task {
    /// A task's result is its coroutine's.
    #[py("set_result($self, result, /)")]
    fn set_result(cx: &mut Cx, this: &Ref<Future>, _result: &Obj) -> PyResult<()> {
        let _ = this;
        Err(cx.runtime_error("Task does not support set_result operation"))
    }
    /// A task's exception is its coroutine's.
    #[py("set_exception($self, exception, /)")]
    fn set_exception(cx: &mut Cx, this: &Ref<Future>, _exception: &Obj) -> PyResult<()> {
        let _ = this;
        Err(cx.runtime_error("Task does not support set_exception operation"))
    }
    /// Request that this task cancel itself.
    ///
    /// A CancelledError is thrown into the coroutine when the loop runs it
    /// next. The coroutine may clean up, or refuse; so the task need not end,
    /// and cancelled() is true only when a CancelledError has ended it.
    ///
    /// This also increases the task's count of cancellation requests.
    #[py("cancel($self, /, msg=None)")]
    fn cancel(cx: &mut Cx, this: &Ref<Future>, msg: Option<&Obj>) -> PyResult<bool> {
        cancel(cx, this, msg.cloned())
    }
    /// How often the task was asked to cancel: cancel() adds one, uncancel() takes one away.
    #[py("cancelling($self, /)")]
    fn cancelling(_cx: &mut Cx, this: &Ref<Future>) -> i64 {
        this.cancels.get()
    }
    /// Take one request to cancel away, and return how many are left.
    ///
    /// For tasks that catch CancelledError and go on.
    #[py("uncancel($self, /)")]
    fn uncancel(_cx: &mut Cx, this: &Ref<Future>) -> i64 {
        if this.cancels.get() > 0 {
            this.cancels.set(this.cancels.get() - 1);
            if this.cancels.get() == 0 {
                this.must_cancel.set(false);
            }
        }
        this.cancels.get()
    }
    /// Return the list of stack frames for this task's coroutine.
    ///
    /// If the coroutine is not done, this returns the stack where it is
    /// suspended (one frame). If it ended well or was cancelled, the list is
    /// empty; if an exception ended it, it holds the traceback's frames.
    #[py("get_stack($self, /, *, limit=None)")]
    fn get_stack(cx: &mut Cx, this: &Ref<Future>, limit: Option<&Obj>) -> PyResult {
        let f = state(cx).known(cx)?.task_get_stack.clone();
        let limit = limit.cloned().unwrap_or_else(|| cx.none());
        protocol::call(cx, &f, &[this.as_obj().clone(), limit])
    }
    /// Print the stack or traceback for this task's coroutine, as traceback does for the frames of get_stack().
    #[py("print_stack($self, /, *, limit=None, file=None)")]
    fn print_stack(cx: &mut Cx, this: &Ref<Future>, limit: Option<&Obj>, file: Option<&Obj>) -> PyResult {
        let f = state(cx).known(cx)?.task_print_stack.clone();
        let (limit, file) = (limit.cloned().unwrap_or_else(|| cx.none()), file.cloned().unwrap_or_else(|| cx.none()));
        protocol::call(cx, &f, &[this.as_obj().clone(), limit, file])
    }
    /// Give the CancelledError that a cancelled task ends with.
    ///
    /// The error that cancelled it is given once, and a new one from then on.
    #[py("_make_cancelled_error($self, /)")]
    fn make_cancelled_error(cx: &mut Cx, this: &Ref<Future>) -> PyResult {
        future::cancelled_error(cx, this)
    }
    #[py("get_name($self, /)")]
    fn get_name(cx: &mut Cx, this: &Ref<Future>) -> PyResult {
        let name = or_none(cx, &this.name);
        let Some(n) = name.cast::<Int>().and_then(|_| int::to_i64(&name)) else { return Ok(name) };
        let t = text(cx, &format!("Task-{n}"))?;
        this.name.set(cx, Some(t.clone()));
        Ok(t)
    }
    #[py("set_name($self, value, /)")]
    fn set_name(cx: &mut Cx, this: &Ref<Future>, value: &Obj) -> PyResult<()> {
        let value = if value.cast::<Str>().is_some() { value.clone() } else { protocol::str(cx, value)? };
        this.name.set(cx, Some(value));
        Ok(())
    }
    #[py("get_coro($self, /)")]
    fn get_coro(cx: &mut Cx, this: &Ref<Future>) -> Obj {
        or_none(cx, &this.coroutine)
    }
    #[py("get_context($self, /)")]
    fn get_context(cx: &mut Cx, this: &Ref<Future>) -> Obj {
        or_none(cx, &this.context)
    }
    /// See PEP 585
    #[py("__class_getitem__($type, object, /)")]
    fn class_getitem(cx: &mut Cx, cls: &Obj, object: &Obj) -> PyResult {
        generic::alias(cx, cls, object)
    }
    #[get("_log_destroy_pending")]
    #[settable("")]
    fn log_destroy_pending_get(_cx: &mut Cx, this: &Ref<Future>) -> bool {
        this.log_destroy_pending.get()
    }
    fn set_log_destroy_pending_get(cx: &mut Cx, this: &Ref<Future>, value: Option<&Obj>) -> PyResult<()> {
        let Some(v) = value else { return Err(cx.attribute_error("cannot delete attribute")) };
        this.log_destroy_pending.set(protocol::truth(cx, v)?);
        Ok(())
    }
    #[get("_must_cancel")]
    fn must_cancel_get(_cx: &mut Cx, this: &Ref<Future>) -> bool {
        this.must_cancel.get()
    }
    #[get("_coro")]
    fn coro_get(cx: &mut Cx, this: &Ref<Future>) -> Obj {
        or_none(cx, &this.coroutine)
    }
    #[get("_fut_waiter")]
    fn fut_waiter_get(cx: &mut Cx, this: &Ref<Future>) -> Obj {
        or_none(cx, &this.waiter)
    }
}

fn finalize(cx: &mut Cx, o: &Obj) {
    if let Some(this) = o.cast::<Future>().cloned() {
        if this.state.get() == State::Pending
            && this.log_destroy_pending.get()
            && future::tell_loop(cx, &this, "Task was destroyed but it is pending!", &[("task", o.clone())]).is_err()
        {
            cx.unraisable(o);
        }
        running::forget(cx, o);
    }
    future::finalize(cx, o);
}

pub fn spec() -> Spec {
    Spec {
        doc: "A coroutine wrapped in a Future.",
        text_signature: "(coro, *, loop=<unrepresentable>, name=<unrepresentable>, context=<unrepresentable>, eager_start=False)",
        flags: flags::GC | flags::MANAGED | flags::DICT | flags::WEAK | flags::BASE,
        slots: Slots {
            new: Some(|cx, ty, _| future::blank(cx, ty)),
            init: Some(init),
            repr: Some(|cx, o| {
                let f = state(cx).known(cx)?.task_repr.clone();
                protocol::call(cx, &f, std::slice::from_ref(o))
            }),
            iter: Some(future::iterate),
            await_: Some(future::iterate),
            del: Some(finalize),
            ..Slots::EMPTY
        },
        methods: Task::METHODS,
        getset: Task::GETSET,
        ..Spec::new::<Future>("_asyncio.Task")
    }
}

#[retic_macros::methods]
impl Step {
    #[get("__self__")]
    fn this(cx: &mut Cx, this: &Ref<Step>) -> Obj {
        this.task.cloned(cx)
    }
    #[get("__qualname__")]
    fn qualname(cx: &mut Cx, this: &Ref<Step>) -> PyResult {
        let task = this.task.cloned(cx);
        let coroutine = task.cast::<Future>().map(|t| or_none(cx, &t.coroutine)).unwrap_or_else(|| cx.none());
        let name = cx.name("__qualname__");
        protocol::getattr(cx, &coroutine, &name)
    }
}

pub fn step_spec() -> Spec {
    Spec {
        flags: flags::GC | flags::MANAGED | flags::NO_NEW,
        slots: Slots {
            call: Some(|cx, o, args| {
                let Some(s) = o.cast::<Step>().cloned() else { return Ok(cx.none()) };
                if !args.names.is_empty() {
                    return Err(cx.type_error("function takes no keyword arguments"));
                }
                if !args.is_empty() {
                    return Err(cx.type_error("function takes no positional arguments"));
                }
                let (task, error) = (s.task.cloned(cx), s.error.cloned(cx));
                match task.cast::<Future>() {
                    Some(t) => run(cx, t, error),
                    None => Ok(cx.none()),
                }
            }),
            ..Slots::EMPTY
        },
        getset: Step::GETSET,
        ..Spec::new::<Step>("TaskStepMethWrapper")
    }
}
