//! `Future`: a result that comes later. A task is one with more fields (`task.rs`); they share a layout.

use super::{attribute, call_soon, state, text};
use crate::contextvars;
use crate::params::{Params, bind};
use retic_runtime::object::Guarded;
use retic_runtime::types::type_::flags;
use retic_runtime::types::{Dict, Exception, List, Set, Slots, Spec, generator, generic};
use retic_runtime::{Args, Cx, Obj, PyResult, Raised, Ref, layout, memory, protocol};
use std::cell::Cell;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum State {
    Pending,
    Cancelled,
    Finished,
}

layout! {
    /// A future; no loop: it was not initialised. The first callback has a place of its own.
    pub struct Future = 330, "_asyncio.Future" {
        event_loop: Guarded<Option<Obj>>,
        callback: Guarded<Option<Obj>>,
        callback_context: Guarded<Option<Obj>>,
        callbacks: Guarded<Option<Ref<List>>>,
        result: Guarded<Option<Obj>>,
        exception: Guarded<Option<Obj>>,
        exception_traceback: Guarded<Option<Obj>>,
        source_traceback: Guarded<Option<Obj>>,
        cancel_message: Guarded<Option<Obj>>,
        cancelled_exception: Guarded<Option<Obj>>,
        /// Who awaits it: one future, or a set of them.
        awaited_by: Guarded<Option<Obj>>,
        state: Cell<State>,
        log_traceback: Cell<bool>,
        blocking: Cell<bool>,
        /// Of tasks.
        must_cancel: Cell<bool>,
        log_destroy_pending: Cell<bool>,
        cancels: Cell<i64>,
        coroutine: Guarded<Option<Obj>>,
        context: Guarded<Option<Obj>>,
        waiter: Guarded<Option<Obj>>,
        /// A text, or the number in `Task-N`, which becomes a text when it is asked for.
        name: Guarded<Option<Obj>>,
    }
}
layout! {
    /// What awaiting a future iterates.
    pub struct FutureIter = 331, "_asyncio.FutureIter" { future: Guarded<Option<Obj>>, }
}

impl retic_runtime::object::Trace for State {
    fn trace(&self, _: retic_runtime::object::Visit<'_>) {}
    fn clear(&self, _: &mut Vec<Obj>) {}
}

pub fn blank(cx: &mut Cx, ty: &Ref<retic_runtime::types::Type>) -> PyResult {
    Ok(memory::new(cx, ty, |head| Future {
        head,
        event_loop: Guarded::new(None),
        callback: Guarded::new(None),
        callback_context: Guarded::new(None),
        callbacks: Guarded::new(None),
        result: Guarded::new(None),
        exception: Guarded::new(None),
        exception_traceback: Guarded::new(None),
        source_traceback: Guarded::new(None),
        cancel_message: Guarded::new(None),
        cancelled_exception: Guarded::new(None),
        awaited_by: Guarded::new(None),
        state: Cell::new(State::Pending),
        log_traceback: Cell::new(false),
        blocking: Cell::new(false),
        must_cancel: Cell::new(false),
        log_destroy_pending: Cell::new(true),
        cancels: Cell::new(0),
        coroutine: Guarded::new(None),
        context: Guarded::new(None),
        waiter: Guarded::new(None),
        name: Guarded::new(None),
    })?
    .into_obj())
}

impl Future {
    pub fn is_pending(&self) -> bool {
        self.state.get() == State::Pending
    }
    /// Its loop.
    ///
    /// # Errors
    /// RuntimeError when it was not initialised.
    pub fn home(&self, cx: &mut Cx) -> PyResult {
        self.event_loop.cloned(cx).ok_or_else(|| cx.runtime_error("Future object is not initialized."))
    }
    fn none_or(cx: &Cx, field: &Guarded<Option<Obj>>) -> Obj {
        field.cloned(cx).unwrap_or_else(|| cx.none())
    }
}

/// The beginning of `__init__`: everything as new, on a loop.
pub fn init(cx: &mut Cx, this: &Ref<Future>, event_loop: Option<&Obj>) -> PyResult<()> {
    this.state.set(State::Pending);
    for flag in [&this.log_traceback, &this.blocking] {
        flag.set(false);
    }
    let fields = [
        &this.callback,
        &this.callback_context,
        &this.result,
        &this.exception,
        &this.exception_traceback,
        &this.source_traceback,
        &this.cancel_message,
        &this.cancelled_exception,
        &this.awaited_by,
    ];
    for field in fields {
        if field.get(cx).is_some() {
            field.set(cx, None);
        }
    }
    this.callbacks.set(cx, None);
    let event_loop = match event_loop.filter(|l| !l.is_none()) {
        Some(l) => l.clone(),
        None => super::running::event_loop(cx)?,
    };
    this.event_loop.set(cx, Some(event_loop.clone()));
    let s = state(cx);
    let debug = protocol::getattr(cx, &event_loop, &s.names.get_debug)?;
    let debug = protocol::call(cx, &debug, &[])?;
    if protocol::truth(cx, &debug)? {
        let extract = s.known(cx)?.extract_stack.clone();
        let stack = protocol::call(cx, &extract, &[])?;
        this.source_traceback.set(cx, Some(stack));
    }
    Ok(())
}

/// Has the loop call all callbacks.
fn schedule_callbacks(cx: &mut Cx, this: &Ref<Future>) -> PyResult<()> {
    let first = this.callback.replace(cx, None);
    let context = this.callback_context.replace(cx, None);
    let rest = this.callbacks.replace(cx, None);
    if first.is_none() && rest.is_none() {
        return Ok(());
    }
    let (event_loop, s) = (this.home(cx)?, state(cx));
    if let (Some(f), Some(c)) = (first, context) {
        call_soon(cx, &s, &event_loop, f, Some(this.as_obj().clone()), c)?;
    }
    let pairs = rest.map(|l| l.to_vec(cx)).unwrap_or_default();
    for pair in &pairs {
        if let Some([f, c]) = pair.cast::<retic_runtime::types::Tuple>().map(|t| t.items()) {
            call_soon(cx, &s, &event_loop, f.clone(), Some(this.as_obj().clone()), c.clone())?;
        }
    }
    cx.release(pairs);
    Ok(())
}

pub fn add_callback(cx: &mut Cx, this: &Ref<Future>, f: Obj, context: Obj) -> PyResult<()> {
    let event_loop = this.home(cx)?;
    if !this.is_pending() {
        let s = state(cx);
        return call_soon(cx, &s, &event_loop, f, Some(this.as_obj().clone()), context);
    }
    if this.callback.get(cx).is_none() && this.callbacks.get(cx).is_none() {
        this.callback.set(cx, Some(f));
        this.callback_context.set(cx, Some(context));
        return Ok(());
    }
    let pair = cx.tuple_of([f, context])?;
    let list = match this.callbacks.cloned(cx) {
        Some(l) => l,
        None => {
            let l = List::new(cx)?;
            this.callbacks.set(cx, Some(l.clone()));
            l
        }
    };
    list.push(cx, pair)
}

pub fn invalid_state(cx: &mut Cx, sentence: &str) -> Raised {
    match state(cx).known(cx).map(|k| k.invalid_state.clone()).and_then(|class| Ok((class, text(cx, sentence)?))).and_then(|(class, t)| protocol::call(cx, &class, &[t])) {
        Ok(e) => cx.raise(e),
        Err(r) => r,
    }
}

/// The error that a cancelled future is left with: the one that cancelled it, once, else a new one with the message.
pub fn cancelled_error(cx: &mut Cx, this: &Ref<Future>) -> PyResult {
    if let Some(e) = this.cancelled_exception.replace(cx, None) {
        return Ok(e);
    }
    let class = state(cx).known(cx)?.cancelled_error.clone();
    match this.cancel_message.cloned(cx).filter(|m| !m.is_none()) {
        Some(m) => protocol::call(cx, &class, &[m]),
        None => protocol::call(cx, &class, &[]),
    }
}

/// The result, or the exception, raised.
pub fn result(cx: &mut Cx, this: &Ref<Future>) -> PyResult {
    match this.state.get() {
        State::Cancelled => {
            let e = cancelled_error(cx, this)?;
            Err(cx.raise_chained(e))
        }
        State::Pending => Err(invalid_state(cx, "Result is not set.")),
        State::Finished => {
            this.log_traceback.set(false);
            match this.exception.cloned(cx) {
                Some(e) => {
                    let tb = this.exception_traceback.replace(cx, None);
                    if let Some(x) = e.cast::<Exception>() {
                        x.traceback.set(cx, tb.filter(|t| !t.is_none()));
                    }
                    Err(cx.raise_chained(e))
                }
                None => Ok(Future::none_or(cx, &this.result)),
            }
        }
    }
}

pub fn set_result(cx: &mut Cx, this: &Ref<Future>, value: Obj) -> PyResult<()> {
    this.home(cx)?;
    if !this.is_pending() {
        return Err(invalid_state(cx, "invalid state"));
    }
    this.result.set(cx, Some(value));
    this.state.set(State::Finished);
    schedule_callbacks(cx, this)
}

pub fn set_exception(cx: &mut Cx, this: &Ref<Future>, e: &Obj) -> PyResult<()> {
    this.home(cx)?;
    if !this.is_pending() {
        return Err(invalid_state(cx, "invalid state"));
    }
    let mut e = match e.cast::<retic_runtime::types::Type>() {
        Some(class) if class.has(flags::EXCEPTION) => protocol::call(cx, e, &[])?,
        _ => e.clone(),
    };
    if e.cast::<Exception>().is_none() {
        return Err(cx.type_error("invalid exception object"));
    }
    if e.ty().is_subtype(cx, &cx.types.stop_iteration) {
        let class = cx.types.runtime_error.as_obj().clone();
        let sentence = text(cx, "StopIteration interacts badly with generators and cannot be raised into a Future")?;
        let new = protocol::call(cx, &class, &[sentence])?;
        if let Some(x) = new.cast::<Exception>() {
            x.cause.set(cx, Some(e.clone()));
            x.suppress_context.set(true);
            x.context.set(cx, Some(e));
            x.context_set.set(true);
        }
        e = new;
    }
    let tb = e.cast::<Exception>().and_then(|x| x.traceback.cloned(cx));
    this.exception.set(cx, Some(e));
    this.exception_traceback.set(cx, tb);
    this.state.set(State::Finished);
    schedule_callbacks(cx, this)?;
    this.log_traceback.set(true);
    Ok(())
}

/// Cancels; false: it was done already.
pub fn cancel(cx: &mut Cx, this: &Ref<Future>, message: Option<Obj>) -> PyResult<bool> {
    this.log_traceback.set(false);
    if !this.is_pending() {
        return Ok(false);
    }
    this.state.set(State::Cancelled);
    this.cancel_message.set(cx, message);
    schedule_callbacks(cx, this)?;
    Ok(true)
}

/// Notes that `waiter` awaits `of`.
pub fn add_awaiter(cx: &mut Cx, of: &Ref<Future>, waiter: &Obj) -> PyResult<()> {
    match of.awaited_by.cloned(cx) {
        None => of.awaited_by.set(cx, Some(waiter.clone())),
        Some(one) if one.is(waiter) => {}
        Some(many) if many.cast::<Set>().is_some() => {
            protocol::call_method(cx, &many, "add", std::slice::from_ref(waiter))?;
        }
        Some(one) => {
            let both = cx.tuple_of([one, waiter.clone()])?;
            let class = cx.types.set.as_obj().clone();
            let set = protocol::call(cx, &class, &[both])?;
            of.awaited_by.set(cx, Some(set));
        }
    }
    Ok(())
}
pub fn discard_awaiter(cx: &mut Cx, of: &Ref<Future>, waiter: &Obj) -> PyResult<()> {
    match of.awaited_by.cloned(cx) {
        Some(one) if one.is(waiter) => of.awaited_by.set(cx, None),
        Some(many) if many.cast::<Set>().is_some() => {
            protocol::call_method(cx, &many, "discard", std::slice::from_ref(waiter))?;
        }
        _ => {}
    }
    Ok(())
}

#[retic_macros::methods]
impl Future {
    /// Return the result, or raise the exception, of a future that is done.
    ///
    /// A cancelled one raises CancelledError, one that is not done
    /// InvalidStateError.
    #[py("result($self, /)")]
    fn py_result(cx: &mut Cx, this: &Ref<Future>) -> PyResult {
        result(cx, this)
    }
    /// Return the exception that was set on this future.
    ///
    /// The exception (or None) is there when the future is done. A cancelled
    /// one raises CancelledError, one that is not done InvalidStateError.
    #[py("exception($self, /)")]
    fn py_exception(cx: &mut Cx, this: &Ref<Future>) -> PyResult {
        match this.state.get() {
            State::Cancelled => {
                let e = cancelled_error(cx, this)?;
                Err(cx.raise_chained(e))
            }
            State::Pending => Err(invalid_state(cx, "Exception is not set.")),
            State::Finished => {
                this.log_traceback.set(false);
                Ok(Future::none_or(cx, &this.exception))
            }
        }
    }
    /// Mark the future done and set its result. InvalidStateError when it is done already.
    #[py("set_result($self, result, /)")]
    fn py_set_result(cx: &mut Cx, this: &Ref<Future>, result: &Obj) -> PyResult<()> {
        set_result(cx, this, result.clone())
    }
    /// Mark the future done and set an exception. InvalidStateError when it is done already.
    #[py("set_exception($self, exception, /)")]
    fn py_set_exception(cx: &mut Cx, this: &Ref<Future>, exception: &Obj) -> PyResult<()> {
        set_exception(cx, this, exception)
    }
    /// Have the loop call fn, with the future, when the future is done.
    ///
    /// Of a future that is done already the loop calls it soon.
    #[py("add_done_callback($self, fn, /, *, context=<unrepresentable>)")]
    fn add_done_callback(cx: &mut Cx, this: &Ref<Future>, r#fn: &Obj, context: Option<&Obj>) -> PyResult<()> {
        let context = match context {
            Some(c) => c.clone(),
            None => contextvars::copy_current(cx)?,
        };
        add_callback(cx, this, r#fn.clone(), context)
    }
    /// Take fn out of the callbacks, as often as it stands there.
    ///
    /// How often it was is what you get.
    #[py("remove_done_callback($self, fn, /)")]
    fn remove_done_callback(cx: &mut Cx, this: &Ref<Future>, r#fn: &Obj) -> PyResult<usize> {
        this.home(cx)?;
        let mut removed = 0;
        if let Some(first) = this.callback.cloned(cx)
            && protocol::equal(cx, &first, r#fn)?
        {
            this.callback.set(cx, None);
            this.callback_context.set(cx, None);
            removed = 1;
        }
        let Some(list) = this.callbacks.cloned(cx) else { return Ok(removed) };
        let mut kept = Vec::new();
        let mut at = 0;
        // Comparisons may change the list.
        while let Some(pair) = list.items(cx).get(at).cloned() {
            at += 1;
            let same = match pair.cast::<retic_runtime::types::Tuple>().and_then(|t| t.items().first().cloned()) {
                Some(g) => protocol::equal(cx, &g, r#fn)?,
                None => false,
            };
            if same { removed += 1 } else { kept.push(pair) }
        }
        if kept.is_empty() {
            this.callbacks.set(cx, None);
        } else {
            let n = list.items(cx).len();
            list.splice(cx, 0, n, kept)?;
        }
        Ok(removed)
    }
    /// Cancel the future, and have the loop call its callbacks.
    ///
    /// False when it was done or cancelled before, else True.
    #[py("cancel($self, /, msg=None)")]
    fn py_cancel(cx: &mut Cx, this: &Ref<Future>, msg: Option<&Obj>) -> PyResult<bool> {
        this.home(cx)?;
        cancel(cx, this, msg.cloned())
    }
    /// Return True if the future was cancelled.
    #[py("cancelled($self, /)")]
    fn cancelled(_cx: &mut Cx, this: &Ref<Future>) -> bool {
        this.state.get() == State::Cancelled
    }
    /// Whether the future has a result or an exception, or was cancelled.
    #[py("done($self, /)")]
    fn done(_cx: &mut Cx, this: &Ref<Future>) -> bool {
        !this.is_pending()
    }
    /// Return the event loop the Future is bound to.
    #[py("get_loop($self, /)")]
    fn get_loop(cx: &mut Cx, this: &Ref<Future>) -> PyResult {
        this.home(cx)
    }
    /// Give the CancelledError that a cancelled future ends with.
    ///
    /// The error that cancelled it is given once, and a new one from then on.
    #[py("_make_cancelled_error($self, /)")]
    fn make_cancelled_error(cx: &mut Cx, this: &Ref<Future>) -> PyResult {
        cancelled_error(cx, this)
    }
    /// See PEP 585
    #[py("__class_getitem__($type, object, /)")]
    fn class_getitem(cx: &mut Cx, cls: &Obj, object: &Obj) -> PyResult {
        generic::alias(cx, cls, object)
    }
    #[get("_state")]
    fn state_get(cx: &mut Cx, this: &Ref<Future>) -> Obj {
        let name = match this.state.get() {
            State::Pending => cx.name("PENDING"),
            State::Cancelled => cx.name("CANCELLED"),
            State::Finished => cx.name("FINISHED"),
        };
        name.into_obj()
    }
    #[get("_asyncio_future_blocking")]
    #[settable("")]
    fn blocking_get(_cx: &mut Cx, this: &Ref<Future>) -> bool {
        this.blocking.get()
    }
    fn set_blocking_get(cx: &mut Cx, this: &Ref<Future>, value: Option<&Obj>) -> PyResult<()> {
        let Some(v) = value else { return Err(cx.attribute_error("cannot delete attribute")) };
        this.blocking.set(protocol::truth(cx, v)?);
        Ok(())
    }
    #[get("_asyncio_awaited_by")]
    fn awaited_by_get(cx: &mut Cx, this: &Ref<Future>) -> PyResult {
        let class = cx.types.frozenset.as_obj().clone();
        match this.awaited_by.cloned(cx) {
            None => Ok(cx.none()),
            Some(many) if many.cast::<Set>().is_some() => protocol::call(cx, &class, &[many]),
            Some(one) => {
                let t = cx.tuple_of([one])?;
                protocol::call(cx, &class, &[t])
            }
        }
    }
    #[get("_loop")]
    fn loop_get(cx: &mut Cx, this: &Ref<Future>) -> Obj {
        Future::none_or(cx, &this.event_loop)
    }
    #[get("_callbacks")]
    fn callbacks_get(cx: &mut Cx, this: &Ref<Future>) -> PyResult {
        let mut all = Vec::new();
        if let (Some(f), Some(c)) = (this.callback.cloned(cx), this.callback_context.cloned(cx)) {
            all.push(cx.tuple_of([f, c])?);
        }
        if let Some(l) = this.callbacks.cloned(cx) {
            all.extend(l.to_vec(cx));
        }
        if all.is_empty() { Ok(cx.none()) } else { cx.list(all) }
    }
    #[get("_result")]
    fn result_get(cx: &mut Cx, this: &Ref<Future>) -> Obj {
        Future::none_or(cx, &this.result)
    }
    #[get("_exception")]
    fn exception_get(cx: &mut Cx, this: &Ref<Future>) -> Obj {
        Future::none_or(cx, &this.exception)
    }
    #[get("_log_traceback")]
    #[settable("")]
    fn log_traceback_get(_cx: &mut Cx, this: &Ref<Future>) -> bool {
        this.log_traceback.get()
    }
    fn set_log_traceback_get(cx: &mut Cx, this: &Ref<Future>, value: Option<&Obj>) -> PyResult<()> {
        let Some(v) = value else { return Err(cx.attribute_error("cannot delete attribute")) };
        if protocol::truth(cx, v)? {
            return Err(cx.value_error("_log_traceback can only be set to False"));
        }
        this.log_traceback.set(false);
        Ok(())
    }
    #[get("_source_traceback")]
    fn source_traceback_get(cx: &mut Cx, this: &Ref<Future>) -> Obj {
        Future::none_or(cx, &this.source_traceback)
    }
    #[get("_cancel_message")]
    #[settable("")]
    fn cancel_message_get(cx: &mut Cx, this: &Ref<Future>) -> Obj {
        Future::none_or(cx, &this.cancel_message)
    }
    fn set_cancel_message_get(cx: &mut Cx, this: &Ref<Future>, value: Option<&Obj>) -> PyResult<()> {
        let Some(v) = value else { return Err(cx.attribute_error("cannot delete attribute")) };
        this.cancel_message.set(cx, Some(v.clone()));
        Ok(())
    }
}

/// Tells the loop of something about a future that dies: `what` is who is meant, under that name.
pub fn tell_loop(cx: &mut Cx, this: &Ref<Future>, sentence: &str, entries: &[(&'static str, Obj)]) -> PyResult<()> {
    let Some(event_loop) = this.event_loop.cloned(cx) else { return Ok(()) };
    let context = Dict::new(cx)?;
    let sentence = text(cx, sentence)?;
    context.set_str(cx, "message", sentence)?;
    for (name, value) in entries {
        context.set_str(cx, name, value.clone())?;
    }
    if let Some(tb) = this.source_traceback.cloned(cx) {
        context.set_str(cx, "source_traceback", tb)?;
    }
    if let Some(f) = attribute(cx, &event_loop, "call_exception_handler")? {
        let r = protocol::call(cx, &f, &[context.into_obj()]);
        if r.is_err() {
            cx.unraisable(&f);
        }
    }
    Ok(())
}

pub fn finalize(cx: &mut Cx, o: &Obj) {
    let Some(this) = o.cast::<Future>().cloned() else { return };
    if !this.log_traceback.replace(false) {
        return;
    }
    let Some(e) = this.exception.cloned(cx) else { return };
    let name = o.ty().name_text();
    let sentence = format!("{} exception was never retrieved", name.rsplit('.').next().unwrap_or(&name));
    if tell_loop(cx, &this, &sentence, &[("exception", e), ("future", o.clone())]).is_err() {
        cx.unraisable(o);
    }
}

/// What awaiting a future iterates.
pub fn iterate(cx: &mut Cx, o: &Obj) -> PyResult {
    let Some(f) = o.cast::<Future>().cloned() else { return Ok(cx.none()) };
    f.home(cx)?;
    let ty = &state(cx).iter;
    Ok(memory::new(cx, ty, |head| FutureIter { head, future: Guarded::new(Some(f.into_obj())) })?.into_obj())
}

pub fn spec() -> Spec {
    Spec {
        doc: "A result that comes later, in one event loop.\n\nAs concurrent.futures.Future, but: result() and exception() take no\ntimeout and raise an error before the future is done; the loop calls the\ncallbacks; wait() and as_completed() of that package do not take it.",
        text_signature: "(*, loop=<unrepresentable>)",
        flags: flags::GC | flags::MANAGED | flags::DICT | flags::WEAK | flags::BASE,
        slots: Slots {
            new: Some(|cx, ty, _| blank(cx, ty)),
            init: Some(|cx, o, args: Args<'_>| {
                let Some(this) = o.cast::<Future>().cloned() else { return Ok(()) };
                let mut event_loop = None;
                bind(cx, &Params { function: "Future", names: &["loop"], required: 0, positional: 0 }, &args, |_, _, v| {
                    event_loop = Some(v);
                    Ok(())
                })?;
                init(cx, &this, event_loop)
            }),
            repr: Some(|cx, o| {
                let f = state(cx).known(cx)?.future_repr.clone();
                protocol::call(cx, &f, std::slice::from_ref(o))
            }),
            iter: Some(iterate),
            await_: Some(iterate),
            del: Some(finalize),
            ..Slots::EMPTY
        },
        methods: Future::METHODS,
        getset: Future::GETSET,
        ..Spec::new::<Future>("_asyncio.Future")
    }
}

/// One step: the future itself while it is not done, then its result.
fn step(cx: &mut Cx, o: &Obj) -> PyResult<Result<Obj, Obj>> {
    let Some(it) = o.cast::<FutureIter>().cloned() else { return Ok(Err(cx.none())) };
    let Some(f) = it.future.cloned(cx) else { return Ok(Err(cx.none())) };
    let Some(future) = f.cast::<Future>().cloned() else { return Ok(Err(cx.none())) };
    if future.is_pending() {
        if !future.blocking.get() {
            future.blocking.set(true);
            return Ok(Ok(f));
        }
        return Err(cx.runtime_error("await wasn't used with future"));
    }
    it.future.set(cx, None);
    result(cx, &future).map(Err)
}

#[retic_macros::methods]
impl FutureIter {
    #[py("send($self, value, /)", "($self, object, /)")]
    fn send(cx: &mut Cx, this: &Ref<FutureIter>, _value: &Obj) -> PyResult {
        let r = step(cx, this.as_obj())?;
        generator::to_python(cx, r)
    }
    #[py("throw($self, type, value=<unrepresentable>, traceback=<unrepresentable>, /)")]
    fn throw(cx: &mut Cx, this: &Ref<FutureIter>, r#type: &Obj, value: Option<&Obj>, traceback: Option<&Obj>) -> PyResult {
        this.future.set(cx, None);
        let e = generator::thrown(cx, r#type, value.filter(|v| !v.is_none()), traceback.filter(|t| !t.is_none()))?;
        Err(cx.raise(e))
    }
    #[py("close($self, /)")]
    fn close(cx: &mut Cx, this: &Ref<FutureIter>) {
        this.future.set(cx, None);
    }
}

pub fn iter_spec() -> Spec {
    Spec {
        flags: flags::GC | flags::MANAGED | flags::NO_NEW,
        slots: Slots {
            iter: Some(|_, o| Ok(o.clone())),
            next: Some(|cx, o| match step(cx, o)? {
                Ok(v) => Ok(Some(v)),
                Err(v) if v.is_none() => Ok(None),
                r => generator::to_python(cx, r).map(Some),
            }),
            send: Some(|cx, o, _| step(cx, o)),
            ..Slots::EMPTY
        },
        methods: FutureIter::METHODS,
        ..Spec::new::<FutureIter>("_asyncio.FutureIter")
    }
}
