//! Async generators (PEP 525) and the awaitables of `__anext__`, `asend`, `athrow`, `aclose`; `anext()` with a default.

use super::generator::{self, Generator};
use super::type_::flags;
use super::{Slots, Spec};
use crate::cx::{Cx, PyResult, Raised};
use crate::layout;
use crate::memory;
use crate::object::{Guarded, Obj, Ref};
use crate::protocol;
use std::cell::Cell;

layout! {
    /// A value yielded by an async generator, told apart from what its awaits yield.
    pub struct Yielded = 47, "async_generator_wrapped_value" { value: Guarded<Obj>, }
}
layout! {
    /// The awaitable of one step of an async generator.
    pub struct Step = 48, "async_generator_asend" {
        generator: Guarded<Ref<Generator>>,
        /// The value to send; for `athrow` the exception; for `aclose` nothing.
        value: Guarded<Option<Obj>>,
        state: Cell<State>,
        kind: Cell<Kind>,
    }
}
layout! {
    /// The awaitable of `anext(iterator, default)`.
    pub struct AnextDefault = 49, "anext_awaitable" { wrapped: Guarded<Obj>, default: Guarded<Obj>, iterator: Guarded<Option<Obj>>, }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum State {
    Fresh,
    Running,
    Closed,
}
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Send,
    Throw,
    Close,
}
impl Kind {
    fn name(self) -> &'static str {
        ["anext", "athrow", "aclose"][self as usize]
    }
    /// The method that makes it.
    fn method(self) -> &'static str {
        ["asend", "athrow", "aclose"][self as usize]
    }
    fn reuse(self) -> &'static str {
        ["__anext__()/asend()", "aclose()/athrow()", "aclose()/athrow()"][self as usize]
    }
}

/// Wraps what `yield` hands out of an async generator.
pub fn wrap(cx: &Cx, value: Obj) -> PyResult {
    Ok(memory::new(cx, &cx.types.async_wrapped_value, |head| Yielded { head, value: Guarded::new(value) })?.into_obj())
}

fn step(cx: &mut Cx, g: &Ref<Generator>, kind: Kind, value: Option<Obj>) -> PyResult {
    hook_first(cx, g)?;
    let ty = if kind == Kind::Send { cx.types.async_asend.clone() } else { cx.types.async_athrow.clone() };
    let g = g.clone();
    Ok(memory::new(cx, &ty, |head| Step { head, generator: Guarded::new(g), value: Guarded::new(value), state: Cell::new(State::Fresh), kind: Cell::new(kind) })?.into_obj())
}

/// The hooks of `sys.set_asyncgen_hooks` see the generator at its first use.
fn hook_first(cx: &mut Cx, g: &Ref<Generator>) -> PyResult<()> {
    if g.hooked.replace(true) {
        return Ok(());
    }
    let (first, finalizer) = cx.asyncgen_hooks.clone();
    g.finalizer.set(cx, finalizer);
    if let Some(f) = first {
        let r = protocol::call(cx, &f, &[g.as_obj().clone()])?;
        cx.release(r);
    }
    Ok(())
}

/// What a step of the generator came to: the value of an inner await, or the value that this step ends with.
fn unwrap(cx: &mut Cx, s: &Ref<Step>, r: PyResult<Result<Obj, Obj>>) -> PyResult<Result<Obj, Obj>> {
    let g = s.generator.cloned(cx);
    let kind = s.kind.get();
    let finish = |g: &Ref<Generator>| {
        g.async_running.set(false);
        s.state.set(State::Closed);
    };
    match r {
        Ok(Ok(v)) => match v.cast::<Yielded>() {
            Some(_) if kind == Kind::Close => {
                finish(&g);
                Err(cx.runtime_error("async generator ignored GeneratorExit"))
            }
            Some(y) => {
                let value = y.value.cloned(cx);
                finish(&g);
                Ok(Err(value))
            }
            None => Ok(Ok(v)),
        },
        Ok(Err(_)) => {
            finish(&g);
            g.async_closed.set(true);
            if kind == Kind::Close { Ok(Err(cx.none())) } else { Err(cx.raise_new(&cx.types.stop_async_iteration.clone(), None)) }
        }
        Err(r) => {
            finish(&g);
            let over = cx.error_is(&cx.types.stop_async_iteration) || cx.error_is(&cx.types.generator_exit);
            if over {
                g.async_closed.set(true);
            }
            if over && kind == Kind::Close {
                cx.clear_error();
                return Ok(Err(cx.none()));
            }
            Err(r)
        }
    }
}

fn reused(cx: &Cx, s: &Ref<Step>) -> Raised {
    cx.runtime_error(format!("cannot reuse already awaited {}", s.kind.get().reuse()))
}

/// Marks the step as begun; an error when it cannot begin.
fn begin(cx: &mut Cx, s: &Ref<Step>, g: &Ref<Generator>) -> PyResult<()> {
    if g.async_running.get() {
        s.state.set(State::Closed);
        return Err(cx.runtime_error(format!("{}(): asynchronous generator is already running", s.kind.get().name())));
    }
    if s.kind.get() != Kind::Send && g.async_closed.get() {
        s.state.set(State::Closed);
        return Err(cx.raise_new(&cx.types.stop_async_iteration.clone(), None));
    }
    s.state.set(State::Running);
    g.async_running.set(true);
    Ok(())
}

fn send(cx: &mut Cx, s: &Ref<Step>, value: &Obj) -> PyResult<Result<Obj, Obj>> {
    let g = s.generator.cloned(cx);
    match s.state.get() {
        State::Closed => return Err(reused(cx, s)),
        State::Running => {
            let r = generator::resume(cx, &g, Some(value.clone()));
            return unwrap(cx, s, r);
        }
        State::Fresh => {}
    }
    let kind = s.kind.get();
    if kind != Kind::Send && g.finished.get() {
        s.state.set(State::Closed);
        return Ok(Err(cx.none()));
    }
    begin(cx, s, &g)?;
    let own = s.value.cloned(cx);
    let r = match kind {
        Kind::Send => {
            let v = if value.is_none() { own.unwrap_or_else(|| cx.none()) } else { value.clone() };
            generator::resume(cx, &g, Some(v))
        }
        _ if !value.is_none() => {
            s.state.set(State::Closed);
            g.async_running.set(false);
            return Err(cx.runtime_error("can't send non-None value to a just-started coroutine"));
        }
        Kind::Throw => {
            let parts = own.as_ref().and_then(|o| o.cast::<super::Tuple>()).map_or(Vec::new(), |t| t.items().to_vec());
            let thrown = match &parts[..] {
                [typ, val, tb] => generator::from_parts(cx, typ, Some(val), Some(tb)),
                _ => Err(cx.runtime_error("nothing to throw")),
            };
            match thrown {
                Ok(exc) => generator::throw_into(cx, &g, exc),
                Err(r) => Err(r),
            }
        }
        Kind::Close => {
            g.async_closed.set(true);
            let exit = super::exception::make(cx, &cx.types.generator_exit.clone(), None)?;
            generator::throw_into(cx, &g, exit)
        }
    };
    unwrap(cx, s, r)
}

#[retic_macros::methods]
impl Step {
    /// send(value) -> sends a value into the step.
    #[py("send($self, value, /)", "($self, object, /)")]
    fn send_method(cx: &mut Cx, this: &Ref<Step>, value: &Obj) -> PyResult {
        let r = send(cx, this, value)?;
        generator::to_python(cx, r)
    }
    /// throw(value) -> raises an exception inside the step.
    #[py("throw($self, typ, val=None, tb=None, /)", "")]
    fn throw(cx: &mut Cx, this: &Ref<Step>, typ: &Obj, val: Option<&Obj>, tb: Option<&Obj>) -> PyResult {
        let g = this.generator.cloned(cx);
        match this.state.get() {
            State::Closed => return Err(reused(cx, this)),
            State::Fresh => begin(cx, this, &g)?,
            State::Running => {}
        }
        let exc = generator::thrown(cx, typ, val, tb)?;
        let r = generator::throw_into(cx, &g, exc);
        let r = unwrap(cx, this, r)?;
        generator::to_python(cx, r)
    }
    /// close() -> ends the step.
    #[py("close($self, /)")]
    fn close(cx: &mut Cx, this: &Ref<Step>) -> PyResult<()> {
        if this.state.get() == State::Closed {
            return Ok(());
        }
        let exit = super::exception::make(cx, &cx.types.generator_exit.clone(), None)?;
        match Step::throw(cx, this, &exit, None, None) {
            Ok(_) => Err(cx.runtime_error("coroutine ignored GeneratorExit")),
            Err(_) if [&cx.types.stop_iteration, &cx.types.stop_async_iteration, &cx.types.generator_exit].iter().any(|t| cx.error_is(t)) => {
                cx.clear_error();
                Ok(())
            }
            Err(r) => Err(r),
        }
    }
}

/// A step that nobody awaited dies: a warning.
fn unawaited(cx: &mut Cx, o: &Obj) {
    let Some(s) = o.cast::<Step>().filter(|s| s.state.get() == State::Fresh) else { return };
    let (method, generator) = (s.kind.get().method(), s.generator.cloned(cx));
    let qualname = generator.qualname.cloned(cx);
    let warned = protocol::str_text(cx, &qualname).and_then(|of| {
        let category = cx.types.runtime_warning.clone();
        crate::modules::warnings::warn(cx, &category, &format!("coroutine method '{method}' of '{of}' was never awaited"), 1)
    });
    if warned.is_err() {
        cx.unraisable(o);
    }
}

pub fn step_spec(name: &'static str) -> Spec {
    Spec {
        flags: flags::GC | flags::NO_NEW | flags::FINALIZER,
        slots: Slots {
            iter: Some(|_, o| Ok(o.clone())),
            await_: Some(|_, o| Ok(o.clone())),
            next: Some(|cx, o| {
                let Some(s) = o.cast::<Step>() else { return Ok(None) };
                let none = cx.none();
                let r = send(cx, &s.clone(), &none)?;
                generator::to_python(cx, r).map(Some)
            }),
            send: Some(|cx, o, value| match o.cast::<Step>().cloned() {
                Some(s) => send(cx, &s, value),
                None => Ok(Err(cx.none())),
            }),
            del: Some(unawaited),
            ..Slots::EMPTY
        },
        methods: Step::METHODS,
        ..Spec::new::<Step>(name)
    }
}
pub fn yielded_spec() -> Spec {
    Spec { flags: flags::GC | flags::NO_NEW, ..Spec::new::<Yielded>("async_generator_wrapped_value") }
}

struct AsyncGenerator;
#[retic_macros::methods]
impl AsyncGenerator {
    /// asend(v) -> send 'v' in generator.
    #[py("asend($self, value, /)", "($self, object, /)")]
    fn asend(cx: &mut Cx, this: &Ref<Generator>, value: &Obj) -> PyResult {
        step(cx, this, Kind::Send, Some(value.clone()))
    }
    /// athrow(value) -> raise exception in generator.
    #[py("athrow($self, typ, val=None, tb=None, /)", "")]
    fn athrow(cx: &mut Cx, this: &Ref<Generator>, typ: &Obj, val: Option<&Obj>, tb: Option<&Obj>) -> PyResult {
        if val.is_some() || tb.is_some() {
            generator::in_parts(cx, "athrow")?;
        }
        // What is wrong with them shows when they are thrown.
        let none = cx.none();
        let parts = [Some(typ), val, tb].map(|p| p.unwrap_or(&none).clone()).to_vec();
        let parts = cx.tuple(parts)?;
        step(cx, this, Kind::Throw, Some(parts))
    }
    /// aclose() -> raise GeneratorExit inside generator.
    #[py("aclose($self, /)")]
    fn aclose(cx: &mut Cx, this: &Ref<Generator>) -> PyResult {
        step(cx, this, Kind::Close, None)
    }
    /// See PEP 585
    #[py("__class_getitem__($type, object, /)")]
    fn class_getitem(cx: &mut Cx, cls: &Obj, object: &Obj) -> PyResult {
        super::generic::alias(cx, cls, object)
    }
    /// The name of the function.
    #[get("__name__")]
    #[settable("")]
    fn name(cx: &mut Cx, this: &Ref<Generator>) -> Obj {
        this.name.cloned(cx)
    }
    /// The qualified name of the function.
    #[get("__qualname__")]
    #[settable("")]
    fn qualname(cx: &mut Cx, this: &Ref<Generator>) -> Obj {
        this.qualname.cloned(cx)
    }
    #[member("ag_running")]
    fn running(_cx: &mut Cx, this: &Ref<Generator>) -> bool {
        this.async_running.get()
    }
    #[get("ag_suspended")]
    fn suspended(_cx: &mut Cx, this: &Ref<Generator>) -> bool {
        this.started.get() && !this.finished.get() && !this.running.get()
    }
    /// The object that is awaited, or None.
    #[get("ag_await")]
    fn awaits(cx: &mut Cx, this: &Ref<Generator>) -> Option<Obj> {
        this.delegate(cx)
    }
    #[get("ag_code")]
    fn code(cx: &mut Cx, this: &Ref<Generator>) -> Ref<super::CodeObj> {
        this.function.get(cx).code.cloned(cx)
    }
    #[get("ag_frame")]
    fn frame(cx: &mut Cx, this: &Ref<Generator>) -> PyResult {
        if this.finished.get() { Ok(cx.none()) } else { super::frame::frame_of_generator(cx, this) }
    }
}

impl AsyncGenerator {
    fn set_name(cx: &mut Cx, this: &Ref<Generator>, value: Option<&Obj>) -> PyResult<()> {
        Generator::set_name_get(cx, this, value)
    }
    fn set_qualname(cx: &mut Cx, this: &Ref<Generator>, value: Option<&Obj>) -> PyResult<()> {
        Generator::set_qualname_get(cx, this, value)
    }
}

pub fn spec() -> Spec {
    Spec {
        flags: flags::GC | flags::MANAGED | flags::WEAK | flags::NO_NEW | flags::FINALIZER,
        ops: &generator::OPS,
        slots: Slots {
            repr: Some(generator::repr),
            aiter: Some(|_, o| Ok(o.clone())),
            anext: Some(|cx, o| match o.cast::<Generator>() {
                Some(g) => step(cx, &g.clone(), Kind::Send, None),
                None => Ok(cx.none()),
            }),
            del: Some(generator::finalize),
            ..Slots::EMPTY
        },
        methods: AsyncGenerator::METHODS,
        getset: AsyncGenerator::GETSET,
        ..Spec::new::<Generator>("async_generator")
    }
}

/// `aiter(o)`.
pub fn aiter(cx: &mut Cx, o: &Obj, complaint: &str) -> PyResult {
    let Some(f) = o.ty().slots(cx).aiter else {
        return Err(cx.type_error(format!("{complaint}{}", o.ty().name_text())));
    };
    f(cx, o)
}

/// `GET_AITER`.
pub fn for_aiter(cx: &mut Cx, o: &Obj) -> PyResult {
    let it = aiter(cx, o, "'async for' requires an object with __aiter__ method, got ")?;
    if it.ty().slots(cx).anext.is_none() {
        return Err(cx.type_error(format!("'async for' received an object from __aiter__ that does not implement __anext__: {}", it.ty().name_text())));
    }
    Ok(it)
}

/// `GET_ANEXT`: what awaiting the next value iterates.
pub fn for_anext(cx: &mut Cx, it: &Obj) -> PyResult {
    let Some(f) = it.ty().slots(cx).anext else {
        return Err(cx.type_error(format!("'async for' requires an iterator with __anext__ method, got {}", it.ty().name_text())));
    };
    let next = f(cx, it)?;
    match generator::awaitable(cx, &next) {
        Ok(a) => Ok(a),
        Err(_) => {
            let cause = cx.take_error();
            let r = cx.type_error(format!("'async for' received an invalid object from __anext__: {}", next.ty().name_text()));
            if let (Some(new), Some(c)) = (cx.take_error(), cause) {
                super::exception::set_cause(cx, &new, &c)?;
                let _ = cx.raise(new);
            }
            Err(r)
        }
    }
}

/// `anext(it)` and `anext(it, default)`.
pub fn anext(cx: &mut Cx, it: &Obj, default: Option<&Obj>) -> PyResult {
    let Some(f) = it.ty().slots(cx).anext else {
        return Err(cx.type_error(format!("'{}' object is not an async iterator", it.ty().name_text())));
    };
    let wrapped = f(cx, it)?;
    let Some(d) = default.cloned() else { return Ok(wrapped) };
    Ok(memory::new(cx, &cx.types.anext_awaitable, |head| AnextDefault { head, wrapped: Guarded::new(wrapped), default: Guarded::new(d), iterator: Guarded::new(None) })?.into_obj())
}

/// The iterator behind the awaited value, made once.
fn inner(cx: &mut Cx, a: &Ref<AnextDefault>) -> PyResult {
    if let Some(i) = a.iterator.cloned(cx) {
        return Ok(i);
    }
    let w = a.wrapped.cloned(cx);
    let i = generator::awaitable(cx, &w)?;
    a.iterator.set(cx, Some(i.clone()));
    Ok(i)
}

/// StopAsyncIteration of the inner awaitable becomes the default.
fn or_default(cx: &mut Cx, a: &Ref<AnextDefault>, r: PyResult) -> PyResult {
    match r {
        Err(_) if cx.error_is(&cx.types.stop_async_iteration) => {
            cx.clear_error();
            let d = a.default.cloned(cx);
            Err(cx.stop_iteration(Some(d)))
        }
        r => r,
    }
}

#[retic_macros::methods]
impl AnextDefault {
    /// send(value) -> sends a value into the awaitable.
    #[py("send($self, value, /)", "($self, object, /)")]
    fn send_method(cx: &mut Cx, this: &Ref<AnextDefault>, value: &Obj) -> PyResult {
        let i = inner(cx, this)?;
        let r = match generator::send(cx, &i, value) {
            Ok(Ok(v)) => Ok(v),
            Ok(Err(result)) => Err(cx.stop_iteration(Some(result))),
            Err(r) => Err(r),
        };
        or_default(cx, this, r)
    }
    /// throw(value) -> raises an exception in the awaitable.
    #[py("throw($self, *args)")]
    fn throw(cx: &mut Cx, this: &Ref<AnextDefault>, args: &[Obj]) -> PyResult {
        let i = inner(cx, this)?;
        let r = protocol::call_method(cx, &i, "throw", args);
        or_default(cx, this, r)
    }
    /// close() -> closes the awaitable.
    #[py("close($self, /)")]
    fn close(cx: &mut Cx, this: &Ref<AnextDefault>) -> PyResult {
        let i = inner(cx, this)?;
        protocol::call_method(cx, &i, "close", &[])
    }
}

pub fn anext_spec() -> Spec {
    Spec {
        flags: flags::GC | flags::NO_NEW,
        slots: Slots {
            iter: Some(|_, o| Ok(o.clone())),
            await_: Some(|_, o| Ok(o.clone())),
            next: Some(|cx, o| {
                let Some(a) = o.cast::<AnextDefault>().cloned() else { return Ok(None) };
                let none = cx.none();
                AnextDefault::send_method(cx, &a, &none).map(Some)
            }),
            ..Slots::EMPTY
        },
        methods: AnextDefault::METHODS,
        ..Spec::new::<AnextDefault>("anext_awaitable")
    }
}
