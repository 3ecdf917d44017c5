//! Generators and coroutines: their registers live in a block of their own, where they run in place.

use super::type_::flags;
use super::{Function, Slots, Spec};
use crate::cx::{Cx, PyResult, Raised};
use crate::eval::Exec;
use crate::layout;
use crate::memory::{self, Ops};
use crate::object::{Guarded, Header, Obj, PRE_HEADER, Ref, Trace, shape};
use crate::protocol;
use retic_bytecode::code::{CO_ASYNC_GENERATOR, CO_COROUTINE, CO_ITERABLE_COROUTINE};
use std::cell::Cell;
use std::ptr::{NonNull, null_mut};

layout! {
    /// A suspended activation.
    pub struct Generator = 37, "generator" {
        function: Guarded<Ref<Function>>,
        exec: Cell<*const Exec>,
        regs: Cell<*mut *mut Header>,
        /// Where it stands, and where it goes on.
        pc: Cell<*mut u64>,
        resume_pc: Cell<*mut u64>,
        yield_reg: Cell<usize>,
        started: Cell<bool>,
        finished: Cell<bool>,
        running: Cell<bool>,
        frame_object: Cell<*mut Header>,
        handled: Guarded<Option<Obj>>,
        /// While it runs: what is handled is its own, not that of whoever resumed it.
        handles: Cell<bool>,
        name: Guarded<Obj>,
        qualname: Guarded<Obj>,
        /// Async generators: a call is under way; closed by aclose(); hooks have run; what to call instead of dying.
        async_running: Cell<bool>,
        async_closed: Cell<bool>,
        hooked: Cell<bool>,
        /// And coroutines: where they were made, if somebody wants to know.
        finalizer: Guarded<Option<Obj>>,
    }
}

impl Generator {
    /// A generator whose registers are still to be filled.
    pub(crate) unsafe fn new(cx: &mut Cx, f: &Ref<Function>, exec: *const Exec) -> PyResult<Ref<Generator>> {
        // SAFETY: the code lives as long as the function.
        let n = unsafe { (*exec).nregs };
        let Some(block) = cx.heap.alloc(n * 8) else { return Err(cx.memory_error()) };
        let regs = block.as_ptr().cast::<*mut Header>();
        let unbound = cx.consts.unbound.as_ptr().as_ptr();
        for i in 0..n {
            // SAFETY: the block has room for all registers.
            unsafe { *regs.add(i) = unbound };
        }
        // SAFETY: as above.
        let start = unsafe { (*exec).words.as_ptr().cast_mut() };
        let code_flags = unsafe { (*exec).flags };
        let origin = if code_flags & CO_COROUTINE != 0 && cx.origin_depth.get() > 0 { Some(origin(cx)?) } else { None };
        let (name, qualname) = (f.name.cloned(cx), f.qualname.cloned(cx));
        let ty = if code_flags & CO_COROUTINE != 0 {
            &cx.types.coroutine
        } else if code_flags & CO_ASYNC_GENERATOR != 0 {
            &cx.types.async_generator
        } else {
            &cx.types.generator
        };
        memory::new_managed(cx, ty, |head| Generator {
            head,
            name: Guarded::new(name),
            qualname: Guarded::new(qualname),
            async_running: Cell::new(false),
            async_closed: Cell::new(false),
            hooked: Cell::new(false),
            finalizer: Guarded::new(origin),
            function: Guarded::new(f.clone()),
            exec: Cell::new(exec),
            regs: Cell::new(regs),
            pc: Cell::new(start),
            resume_pc: Cell::new(start),
            yield_reg: Cell::new(usize::MAX),
            started: Cell::new(false),
            finished: Cell::new(false),
            running: Cell::new(false),
            frame_object: Cell::new(null_mut()),
            handled: Guarded::new(None),
            handles: Cell::new(false),
        })
    }

    /// It has run to its end, and is not known by a frame object.
    pub(crate) fn is_over(&self) -> bool {
        self.finished.get() && self.started.get() && !self.running.get() && self.frame_object.get().is_null()
    }
    /// Byte offset of the instruction where it waits.
    pub fn offset(&self) -> u32 {
        // SAFETY: the code lives as long as the function; `pc` points into its words.
        unsafe {
            let exec = &*self.exec.get();
            let word = self.pc.get().cast_const().offset_from(exec.words.as_ptr()) as u32;
            exec.infos.get(exec.infos.partition_point(|i| i.word <= word).saturating_sub(1)).map_or(0, |i| i.offset)
        }
    }
    /// The handle of a generator that a waiting frame object points at.
    pub(crate) fn of_frame(g: &Generator) -> Ref<Generator> {
        let at = NonNull::from(g).cast::<Header>();
        // SAFETY: the generator is alive; a count is added.
        unsafe {
            let kept = Obj::from_raw(at);
            let ours = kept.clone();
            let _ = kept.into_raw();
            ours.cast_unchecked::<Generator>().clone()
        }
    }
    /// Shows the registers that hold owned values now.
    fn each_live(&self, mut show: impl FnMut(usize)) {
        if self.running.get() || (self.finished.get() && self.started.get()) {
            return;
        }
        // SAFETY: the code lives as long as the function.
        let exec = unsafe { &*self.exec.get() };
        if exec.cell_args.is_empty() {
            (0..exec.base).for_each(&mut show);
        } else {
            // Cells of arguments stand where the arguments do (`Exec::settle_cells`).
            let mut all: Vec<usize> = (0..exec.base).collect();
            exec.cell_args.iter().for_each(|(cell, arg)| all.swap(*arg, exec.nlocals + cell));
            all.into_iter().for_each(&mut show);
        }
        if self.started.get() {
            // SAFETY: `pc` points into the words of this code.
            let word = unsafe { self.pc.get().cast_const().offset_from(exec.words.as_ptr()) } as u32;
            let value = self.yield_reg.get();
            exec.held_at(word).live(exec.base).filter(|r| *r != value).for_each(show);
        }
    }
    /// The same as a list.
    fn live(&self) -> Vec<usize> {
        let mut out = Vec::new();
        self.each_live(|r| out.push(r));
        out
    }
}

/// The places of the frames that run, from the innermost (`cr_origin`).
fn origin(cx: &mut Cx) -> PyResult {
    let depth = usize::try_from(cx.origin_depth.get()).unwrap_or(0);
    let mut places = Vec::new();
    for frame in cx.stacks.iter().take(depth) {
        let code = frame.function().code.get(cx).code().clone();
        let line = retic_bytecode::lines::line_of(&code, frame.offset());
        places.push((code, line));
    }
    let mut out = Vec::with_capacity(places.len());
    for (code, line) in places {
        let row = [cx.str(&code.filename)?, cx.int(i64::from(line))?, cx.str(&code.name)?];
        out.push(cx.tuple_of(row)?);
    }
    cx.tuple(out)
}

unsafe fn drop_generator(raw: NonNull<Header>) {
    // SAFETY: dying; each owned register is dropped once, then the block goes.
    unsafe {
        let g = raw.cast::<Generator>().as_ref();
        let cx = &mut *raw.as_ref().ty.get().as_ref().cx.get();
        // A generator that was never resumed to its end leaves its locals to a frame object that somebody holds.
        let object = NonNull::new(g.frame_object.replace(null_mut())).map(|o| Obj::from_raw(o));
        let waiting = !(g.running.get() || g.finished.get() && g.started.get());
        let kept = object.as_ref().is_some_and(|o| o.count() > 1) && waiting;
        if let Some(o) = object {
            super::frame::generator_gone(cx, o, g, kept);
        }
        if kept {
            for i in 0..(*g.exec.get()).base {
                *g.regs.get().add(i) = cx.consts.unbound.as_ptr().as_ptr();
            }
        }
        for r in g.live() {
            let v = std::mem::replace(&mut *g.regs.get().add(r), cx.consts.unbound.as_ptr().as_ptr());
            drop(Obj::from_raw(NonNull::new_unchecked(v)));
        }
        cx.heap.free(NonNull::new_unchecked(g.regs.get().cast()), (*g.exec.get()).nregs * 8);
        raw.cast::<Generator>().drop_in_place();
    }
}
/// The end of a generator that `is_over`: its registers hold nothing.
///
/// # Safety
/// It is dead, and nobody watches it any more.
pub(crate) unsafe fn drop_over(cx: &Cx, raw: NonNull<Header>) {
    // SAFETY: as the caller says; the code lives as long as the function, which is dropped behind it.
    unsafe {
        let g = raw.cast::<Generator>();
        let (regs, bytes) = (g.as_ref().regs.get(), (*g.as_ref().exec.get()).nregs * 8);
        cx.heap.free(NonNull::new_unchecked(regs.cast()), bytes);
        g.drop_in_place();
        cx.heap.free(raw.cast::<u8>().sub(PRE_HEADER), PRE_HEADER + size_of::<Generator>());
    }
}
unsafe fn trace_generator(raw: NonNull<Header>, visit: &mut dyn FnMut(&Obj)) {
    // SAFETY: live; owned registers hold values.
    unsafe {
        let g = raw.cast::<Generator>().as_ref();
        g.trace(visit);
        for r in g.live() {
            visit(&*g.regs.get().add(r).cast::<Obj>());
        }
    }
}
unsafe fn clear_generator(raw: NonNull<Header>, out: &mut Vec<Obj>) {
    // SAFETY: as above; values move out, the generator is over.
    unsafe {
        let g = raw.cast::<Generator>().as_ref();
        let cx = &*raw.as_ref().ty.get().as_ref().cx.get();
        for r in g.live() {
            let v = std::mem::replace(&mut *g.regs.get().add(r), cx.consts.unbound.as_ptr().as_ptr());
            out.push(Obj::from_raw(NonNull::new_unchecked(v)));
        }
        g.finished.set(true);
    }
}
unsafe fn size(_: NonNull<Header>) -> usize {
    size_of::<Generator>()
}
pub(crate) static OPS: Ops = Ops { drop: drop_generator, trace: trace_generator, clear: clear_generator, size };

/// Resumes. `Ok(Ok(value))`: yielded; `Ok(Err(result))`: returned.
pub(super) fn resume(cx: &mut Cx, g: &Ref<Generator>, value: Option<Obj>) -> PyResult<Result<Obj, Obj>> {
    if g.running.get() {
        let what = kind_name(cx, g);
        return Err(cx.value_error(format!("{what} already executing")));
    }
    if g.finished.get() {
        if std::ptr::eq(g.as_obj().ty(), &*cx.types.coroutine) {
            let thrown = cx.take_error();
            cx.release(thrown);
            return Err(cx.runtime_error("cannot reuse already awaited coroutine"));
        }
        return match value {
            Some(_) => Ok(Err(cx.none())),
            None => Err(cx.raised_already()),
        };
    }
    if !g.started.get() {
        match &value {
            Some(v) if !v.is_none() => {
                return Err(cx.type_error(format!("can't send non-None value to a just-started {}", kind_name(cx, g))));
            }
            None => {
                // An exception before the first instruction: it ends at once.
                g.finished.set(true);
                let saved = cx.save_error();
                finish_unstarted(cx, g);
                cx.restore_error(saved);
                return Err(cx.raised_already());
            }
            _ => {}
        }
    }
    let started = g.started.replace(true);
    let value = if started { value } else { None.or(value) };
    let r = if started { crate::eval::run_generator(cx, g, value) } else { crate::eval::run_generator_first(cx, g) };
    match r {
        Ok(v) if g.finished.get() => Ok(Err(v)),
        Ok(v) => Ok(Ok(v)),
        Err(_) => Err(without_stop(cx, g)),
    }
}

/// What left a generator: a StopIteration becomes a RuntimeError, which it causes (PEP 479).
pub(crate) fn without_stop(cx: &mut Cx, g: &Ref<Generator>) -> Raised {
    let stop_async = std::ptr::eq(g.as_obj().ty(), &*cx.types.async_generator) && cx.error_is(&cx.types.stop_async_iteration);
    if (stop_async || cx.error_is(&cx.types.stop_iteration))
        && let Some(e) = cx.take_error()
    {
        let raised = cx.runtime_error(format!("{} raised {}", kind_name(cx, g), if stop_async { "StopAsyncIteration" } else { "StopIteration" }));
        if let Some(new) = cx.take_error() {
            if let Some(x) = new.cast::<super::Exception>() {
                x.suppress_context.set(true);
                x.cause.set(cx, Some(e.clone()));
                x.context.set(cx, Some(e));
                x.context_set.set(true);
            }
            return cx.raise(new);
        }
        return raised;
    }
    cx.raised_already()
}

fn finish_unstarted(cx: &mut Cx, g: &Ref<Generator>) {
    // SAFETY: nobody runs the generator; its locals move out once.
    unsafe {
        for r in 0..(*g.exec.get()).base {
            let v = std::mem::replace(&mut *g.regs.get().add(r), cx.consts.unbound.as_ptr().as_ptr());
            cx.release(Obj::from_raw(NonNull::new_unchecked(v)));
        }
    }
}

/// Its frame could not be entered, and the error waits: it is over, as if that had been raised in it.
pub(crate) fn give_up(cx: &mut Cx, g: &Ref<Generator>) {
    let live = g.live();
    g.started.set(true);
    g.finished.set(true);
    let saved = cx.save_error();
    for r in live {
        // SAFETY: nobody runs the generator; what it holds moves out once.
        unsafe {
            let v = std::mem::replace(&mut *g.regs.get().add(r), cx.consts.unbound.as_ptr().as_ptr());
            cx.release(Obj::from_raw(NonNull::new_unchecked(v)));
        }
    }
    cx.restore_error(saved);
}

/// `send` to any iterator: for `yield from` and `await`.
pub fn send(cx: &mut Cx, it: &Obj, value: &Obj) -> PyResult<Result<Obj, Obj>> {
    if let Some(g) = it.cast::<Generator>() {
        return resume(cx, g, Some(value.clone()));
    }
    if let Some(send) = it.ty().slots(cx).send {
        return send(cx, it, value);
    }
    let r = if value.is_none() && it.ty().slots(cx).next.is_some() { protocol::next_raising(cx, it) } else { protocol::call_method(cx, it, "send", &[value.clone()]) };
    match r {
        Ok(v) => Ok(Ok(v)),
        Err(_) if cx.error_is(&cx.types.stop_iteration) => Ok(Err(super::exception::take_stop_value(cx))),
        Err(r) => Err(r),
    }
}

/// Whether awaiting it iterates the object itself: a coroutine, or a generator marked by `types.coroutine`.
pub fn is_coroutine(cx: &Cx, o: &Obj) -> bool {
    // SAFETY: the code lives as long as the function of the generator.
    std::ptr::eq(o.ty(), &*cx.types.coroutine) || o.cast::<Generator>().is_some_and(|g| unsafe { (*g.exec.get()).flags } & CO_ITERABLE_COROUTINE != 0)
}

/// What awaiting an object iterates.
pub fn awaitable(cx: &mut Cx, o: &Obj) -> PyResult {
    awaitable_or(cx, o, |o| format!("'{}' object can't be awaited", o.ty().name_text()))
}

/// The same; `sentence` says what is wrong with an object that cannot be awaited.
pub fn awaitable_or(cx: &mut Cx, o: &Obj, sentence: impl FnOnce(&Obj) -> String) -> PyResult {
    if is_coroutine(cx, o) {
        if o.cast::<Generator>().is_some_and(|g| g.delegate(cx).is_some()) {
            return Err(cx.runtime_error("coroutine is being awaited already"));
        }
        return Ok(o.clone());
    }
    let Some(f) = o.ty().slots(cx).await_ else {
        return Err(cx.type_error(sentence(o)));
    };
    let it = f(cx, o)?;
    if is_coroutine(cx, &it) {
        return Err(cx.type_error("__await__() returned a coroutine"));
    }
    if it.ty().slots(cx).next.is_none() {
        return Err(cx.type_error(format!("__await__() returned non-iterator of type '{}'", it.ty().name_text())));
    }
    Ok(it)
}

/// The end of a step (`Err`: its result) as the StopIteration that Python sees.
pub fn to_python(cx: &mut Cx, r: Result<Obj, Obj>) -> PyResult {
    match r {
        Ok(v) => Ok(v),
        Err(result) => Err(cx.stop_iteration(Some(result))),
    }
}

impl Generator {
    /// The iterator a suspended generator delegates to (`yield from`, `await`).
    pub fn delegate(&self, _cx: &Cx) -> Option<Obj> {
        // Only YIELD_FROM is resumed where it stands.
        if !self.started.get() || self.finished.get() || self.running.get() || self.pc.get() != self.resume_pc.get() {
            return None;
        }
        // SAFETY: suspended at YIELD_FROM: the register below the sent value holds the iterator.
        unsafe { Some((*self.regs.get().add(self.yield_reg.get() - 1).cast::<Obj>()).clone()) }
    }

    /// It waits at a `yield` that no handler stands around, and nobody watches.
    fn closes_quietly(&self, cx: &Cx) -> bool {
        // SAFETY: the code lives as long as the function; `pc` points into its words.
        let info = unsafe {
            let exec = &*self.exec.get();
            let word = self.pc.get().cast_const().offset_from(exec.words.as_ptr()) as u32;
            exec.held_at(word)
        };
        let seen = self.running.get() || !self.frame_object.get().is_null() || cx.frame_limit.get() == 0;
        let caught = info.handler != u32::MAX || !info.saved.is_empty() || self.handled.get(cx).is_some();
        !seen && !caught && self.delegate(cx).is_none()
    }

    /// Puts the result of a finished delegation in its iterator's place; the generator goes on behind YIELD_FROM.
    fn end_delegation(&self, cx: &mut Cx, result: Obj) {
        // SAFETY: as `delegate`; YIELD_FROM takes two words.
        let old = unsafe {
            self.resume_pc.set(self.pc.get().add(2));
            std::mem::replace(&mut *self.regs.get().add(self.yield_reg.get() - 1).cast::<Obj>(), result)
        };
        cx.release(old);
    }
}

fn close_delegate(cx: &mut Cx, sub: &Obj) -> PyResult<()> {
    if let Some(g) = sub.cast::<Generator>() {
        return close(cx, &g.clone()).map(drop);
    }
    let name = cx.name("close");
    match protocol::lookup_attr(cx, sub, &name) {
        Ok(Some(f)) => protocol::call(cx, &f, &[]).map(drop),
        Ok(None) => Ok(()),
        Err(_) => {
            cx.unraisable(sub);
            Ok(())
        }
    }
}

/// Raises an exception where the generator stands, or in the iterator it delegates to (PEP 380).
pub fn throw_into(cx: &mut Cx, g: &Ref<Generator>, exc: Obj) -> PyResult<Result<Obj, Obj>> {
    let given = std::slice::from_ref(&exc);
    throw_as(cx, g, &exc, given)
}

/// The same of an exception that was given as `given`, which is what other iterators get.
fn throw_as(cx: &mut Cx, g: &Ref<Generator>, exc: &Obj, given: &[Obj]) -> PyResult<Result<Obj, Obj>> {
    if let Some(sub) = g.delegate(cx) {
        if exc.ty().is_subtype(cx, &cx.types.generator_exit) {
            g.running.set(true);
            let closed = close_delegate(cx, &sub);
            g.running.set(false);
            if closed.is_ok() {
                let _ = cx.raise(exc.clone());
            }
            return resume(cx, g, None);
        }
        // Of generators that delegate to one another those who look see the frames.
        let thrown = if let Some(inner) = sub.cast::<Generator>() {
            cx.deeper("", |cx| crate::eval::within(cx, g, |cx| throw_as(cx, inner, exc, given))).map(Some)
        } else {
            g.running.set(true);
            let thrown = throw_into_delegate(cx, &sub, given);
            g.running.set(false);
            Ok(thrown)
        };
        match thrown {
            Ok(Some(Ok(Ok(v)))) => return Ok(Ok(v)),
            Ok(Some(Ok(Err(result)))) => {
                g.end_delegation(cx, result);
                let none = cx.none();
                return resume(cx, g, Some(none));
            }
            Ok(Some(Err(_))) | Err(_) => return resume(cx, g, None),
            Ok(None) => {}
        }
    }
    let _ = cx.raise(exc.clone());
    resume(cx, g, None)
}

/// The same in an iterator that is no generator; none: it takes no exceptions.
fn throw_into_delegate(cx: &mut Cx, sub: &Obj, given: &[Obj]) -> Option<PyResult<Result<Obj, Obj>>> {
    let name = cx.name("throw");
    let f = match protocol::lookup_attr(cx, sub, &name) {
        Ok(f) => f?,
        Err(r) => return Some(Err(r)),
    };
    Some(match protocol::call(cx, &f, given) {
        Ok(v) => Ok(Ok(v)),
        Err(_) if cx.error_is(&cx.types.stop_iteration) => Ok(Err(super::exception::take_stop_value(cx))),
        Err(r) => Err(r),
    })
}

/// An exception of a class, made of a value: a tuple has all arguments.
fn instance(cx: &mut Cx, class: &Obj, value: Option<&Obj>) -> PyResult {
    let args = match value.map(|v| (v, v.cast::<super::Tuple>())) {
        None => Vec::new(),
        Some((_, Some(t))) => t.items().to_vec(),
        Some((v, None)) => vec![v.clone()],
    };
    let e = protocol::call(cx, class, &args)?;
    if e.cast::<super::Exception>().is_none() {
        let shown = protocol::repr_text(cx, class)?;
        return Err(cx.type_error(format!("calling {shown} should have returned an instance of BaseException, not {}", e.ty().name_text())));
    }
    Ok(e)
}

/// The exception that the arguments of `throw` describe.
pub fn thrown(cx: &mut Cx, typ: &Obj, val: Option<&Obj>, tb: Option<&Obj>) -> PyResult {
    if val.is_some() || tb.is_some() {
        in_parts(cx, "throw")?;
    }
    from_parts(cx, typ, val, tb)
}

/// Warns of an exception that is given in parts.
pub(super) fn in_parts(cx: &mut Cx, method: &str) -> PyResult<()> {
    let category = cx.types.deprecation_warning.clone();
    crate::modules::warnings::warn(cx, &category, &format!("the (type, exc, tb) signature of {method}() is deprecated, use the single-arg signature instead."), 1)
}

/// As `thrown`, without a warning.
pub(super) fn from_parts(cx: &mut Cx, typ: &Obj, val: Option<&Obj>, tb: Option<&Obj>) -> PyResult {
    let tb = tb.filter(|t| !t.is_none());
    if tb.is_some_and(|t| t.cast::<super::traceback::Traceback>().is_none()) {
        return Err(cx.type_error("throw() third argument must be a traceback object"));
    }
    let val = val.filter(|v| !v.is_none());
    let exc = match (typ.cast::<super::Type>().filter(|t| t.has(flags::EXCEPTION)), val) {
        (Some(class), Some(v)) if v.ty().is_subtype(cx, class) => v.clone(),
        // A value of another class becomes the argument. What goes wrong then is raised in the generator instead.
        (Some(_), _) => match instance(cx, typ, val) {
            Ok(e) => e,
            Err(r) => cx.take_error().ok_or(r)?,
        },
        (None, _) if typ.cast::<super::Exception>().is_none() => {
            return Err(cx.type_error(format!("exceptions must be classes or instances deriving from BaseException, not {}", typ.ty().name_text())));
        }
        (None, Some(_)) => return Err(cx.type_error("instance exception may not have a separate value")),
        (None, None) => typ.clone(),
    };
    if let (Some(t), Some(e)) = (tb, exc.cast::<super::Exception>()) {
        e.traceback.set(cx, Some(t.clone()));
    }
    Ok(exc)
}

pub(super) fn close(cx: &mut Cx, g: &Ref<Generator>) -> PyResult {
    if g.finished.get() {
        return Ok(cx.none());
    }
    if !g.started.get() {
        // Its arguments live until the generator dies, as in CPython.
        g.finished.set(true);
        return Ok(cx.none());
    }
    if g.closes_quietly(cx) {
        // Nothing in it could see the exception: its frame is taken down, as 3.13 does it.
        g.each_live(|r| {
            // It is over before anything that dies may look at it.
            g.finished.set(true);
            // SAFETY: nobody runs the generator; what it holds moves out once.
            unsafe {
                let v = std::mem::replace(&mut *g.regs.get().add(r), cx.consts.unbound.as_ptr().as_ptr());
                cx.release(Obj::from_raw(NonNull::new_unchecked(v)));
            }
        });
        g.finished.set(true);
        return Ok(cx.none());
    }
    let exit = super::exception::make(cx, &cx.types.generator_exit.clone(), None)?;
    crate::eval::chain_raised(cx, &exit);
    match throw_into(cx, g, exit) {
        Ok(Ok(v)) => {
            cx.release(v);
            Err(cx.runtime_error(format!("{} ignored GeneratorExit", kind_name(cx, g))))
        }
        Ok(Err(result)) => Ok(result),
        Err(_) if cx.error_is(&cx.types.generator_exit) || cx.error_is(&cx.types.stop_iteration) => {
            cx.clear_error();
            Ok(cx.none())
        }
        Err(r) => Err(r),
    }
}

/// What messages call it.
pub(super) fn kind_name(cx: &Cx, g: &Ref<Generator>) -> &'static str {
    let ty = g.as_obj().ty();
    if std::ptr::eq(ty, &*cx.types.coroutine) {
        "coroutine"
    } else if std::ptr::eq(ty, &*cx.types.async_generator) {
        "async generator"
    } else {
        "generator"
    }
}

#[retic_macros::methods]
impl Generator {
    /// send(value) -> send 'value' into generator,
    #[py("send($self, value, /)", "($self, object, /)")]
    fn send_method(cx: &mut Cx, this: &Ref<Generator>, value: &Obj) -> PyResult {
        let r = resume(cx, this, Some(value.clone()))?;
        to_python(cx, r)
    }
    /// throw(value) -> raise exception in generator,
    #[py("throw($self, typ, val=None, tb=None, /)", "")]
    fn throw(cx: &mut Cx, this: &Ref<Generator>, typ: &Obj, val: Option<&Obj>, tb: Option<&Obj>) -> PyResult {
        let exc = thrown(cx, typ, val, tb)?;
        let given: Vec<Obj> = std::iter::once(typ).chain(val).chain(tb).cloned().collect();
        let r = throw_as(cx, this, &exc, &given)?;
        to_python(cx, r)
    }
    /// close() -> raise GeneratorExit inside generator.
    #[py("close($self, /)")]
    fn close_method(cx: &mut Cx, this: &Ref<Generator>) -> PyResult {
        close(cx, this)
    }
    /// The name of the function.
    #[get("__name__")]
    #[settable("")]
    fn name_get(cx: &mut Cx, this: &Ref<Generator>) -> Obj {
        this.name.cloned(cx)
    }
    /// The qualified name of the function.
    #[get("__qualname__")]
    #[settable("")]
    fn qualname_get(cx: &mut Cx, this: &Ref<Generator>) -> Obj {
        this.qualname.cloned(cx)
    }
    #[get("gi_running")]
    fn running_get(_cx: &mut Cx, this: &Ref<Generator>) -> bool {
        this.running.get()
    }
    #[get("gi_suspended")]
    fn suspended(_cx: &mut Cx, this: &Ref<Generator>) -> bool {
        this.started.get() && !this.finished.get() && !this.running.get()
    }
    /// The object that `yield from` reads, or None.
    #[get("gi_yieldfrom")]
    fn yieldfrom(cx: &mut Cx, this: &Ref<Generator>) -> Option<Obj> {
        this.delegate(cx)
    }
    #[get("gi_code")]
    fn code(cx: &mut Cx, this: &Ref<Generator>) -> Ref<super::CodeObj> {
        this.function.get(cx).code.cloned(cx)
    }
    #[get("gi_frame")]
    fn frame(cx: &mut Cx, this: &Ref<Generator>) -> PyResult {
        if this.finished.get() { Ok(cx.none()) } else { super::frame::frame_of_generator(cx, this) }
    }
    #[py("__class_getitem__($type, object, /)")]
    /// See PEP 585
    fn class_getitem(cx: &mut Cx, cls: &Obj, object: &Obj) -> PyResult {
        super::generic::alias(cx, cls, object)
    }
}
impl Generator {
    pub(super) fn set_name_get(cx: &mut Cx, this: &Ref<Generator>, value: Option<&Obj>) -> PyResult<()> {
        match value.filter(|v| v.cast::<super::Str>().is_some()) {
            Some(v) => this.name.set(cx, v.clone()),
            None => return Err(cx.type_error("__name__ must be set to a string object")),
        }
        Ok(())
    }
    pub(super) fn set_qualname_get(cx: &mut Cx, this: &Ref<Generator>, value: Option<&Obj>) -> PyResult<()> {
        match value.filter(|v| v.cast::<super::Str>().is_some()) {
            Some(v) => this.qualname.set(cx, v.clone()),
            None => return Err(cx.type_error("__qualname__ must be set to a string object")),
        }
        Ok(())
    }
}

/// The attributes and methods of coroutines.
struct Coroutine;
#[retic_macros::methods]
impl Coroutine {
    /// send(arg) -> send 'arg' into coroutine,
    #[py("send($self, arg, /)", "($self, object, /)")]
    fn send_method(cx: &mut Cx, this: &Ref<Generator>, arg: &Obj) -> PyResult {
        Generator::send_method(cx, this, arg)
    }
    /// throw(value)
    #[py("throw($self, typ, val=None, tb=None, /)", "")]
    fn throw(cx: &mut Cx, this: &Ref<Generator>, typ: &Obj, val: Option<&Obj>, tb: Option<&Obj>) -> PyResult {
        Generator::throw(cx, this, typ, val, tb)
    }
    /// close() -> raise GeneratorExit inside coroutine.
    #[py("close($self, /)")]
    fn close_method(cx: &mut Cx, this: &Ref<Generator>) -> PyResult {
        close(cx, this)
    }
    /// See PEP 585
    #[py("__class_getitem__($type, object, /)")]
    fn class_getitem(cx: &mut Cx, cls: &Obj, object: &Obj) -> PyResult {
        super::generic::alias(cx, cls, object)
    }
    /// The name of the function.
    #[get("__name__")]
    #[settable("")]
    fn name_get(cx: &mut Cx, this: &Ref<Generator>) -> Obj {
        this.name.cloned(cx)
    }
    /// The qualified name of the function.
    #[get("__qualname__")]
    #[settable("")]
    fn qualname_get(cx: &mut Cx, this: &Ref<Generator>) -> Obj {
        this.qualname.cloned(cx)
    }
    #[get("cr_running")]
    fn running(_cx: &mut Cx, this: &Ref<Generator>) -> bool {
        this.running.get()
    }
    #[get("cr_suspended")]
    fn suspended(cx: &mut Cx, this: &Ref<Generator>) -> bool {
        Generator::suspended(cx, this)
    }
    /// The object that is awaited, or None.
    #[get("cr_await")]
    fn awaits(cx: &mut Cx, this: &Ref<Generator>) -> Option<Obj> {
        this.delegate(cx)
    }
    #[get("cr_code")]
    fn code(cx: &mut Cx, this: &Ref<Generator>) -> Ref<super::CodeObj> {
        Generator::code(cx, this)
    }
    #[get("cr_frame")]
    fn frame(cx: &mut Cx, this: &Ref<Generator>) -> PyResult {
        Generator::frame(cx, this)
    }
    #[member("cr_origin")]
    fn origin(cx: &mut Cx, this: &Ref<Generator>) -> Option<Obj> {
        this.finalizer.cloned(cx)
    }
}
impl Coroutine {
    fn set_name_get(cx: &mut Cx, this: &Ref<Generator>, value: Option<&Obj>) -> PyResult<()> {
        Generator::set_name_get(cx, this, value)
    }
    fn set_qualname_get(cx: &mut Cx, this: &Ref<Generator>, value: Option<&Obj>) -> PyResult<()> {
        Generator::set_qualname_get(cx, this, value)
    }
}

layout! {
    /// What `coroutine.__await__()` returns: an iterator over the coroutine.
    pub struct CoroutineWrapper = 46, "coroutine_wrapper" { coroutine: Guarded<Ref<Generator>>, }
}
#[retic_macros::methods]
impl CoroutineWrapper {
    /// send(arg) -> send 'arg' into coroutine
    #[py("send($self, arg, /)", "($self, object, /)")]
    fn send_method(cx: &mut Cx, this: &Ref<CoroutineWrapper>, arg: &Obj) -> PyResult {
        let g = this.coroutine.cloned(cx);
        Generator::send_method(cx, &g, arg)
    }
    /// throw(value)
    #[py("throw($self, typ, val=None, tb=None, /)", "")]
    fn throw(cx: &mut Cx, this: &Ref<CoroutineWrapper>, typ: &Obj, val: Option<&Obj>, tb: Option<&Obj>) -> PyResult {
        let g = this.coroutine.cloned(cx);
        Generator::throw(cx, &g, typ, val, tb)
    }
    /// close() -> raise GeneratorExit inside coroutine.
    #[py("close($self, /)")]
    fn close_method(cx: &mut Cx, this: &Ref<CoroutineWrapper>) -> PyResult {
        let g = this.coroutine.cloned(cx);
        close(cx, &g)
    }
}
pub fn wrapper_spec() -> Spec {
    Spec {
        flags: flags::GC | flags::NO_NEW,
        slots: Slots {
            iter: Some(|_, o| Ok(o.clone())),
            next: Some(|cx, o| {
                let Some(w) = o.cast::<CoroutineWrapper>() else { return Ok(None) };
                let g = w.coroutine.cloned(cx);
                next(cx, g.as_obj())
            }),
            ..Slots::EMPTY
        },
        methods: CoroutineWrapper::METHODS,
        ..Spec::new::<CoroutineWrapper>("coroutine_wrapper")
    }
}

fn next(cx: &mut Cx, o: &Obj) -> PyResult<Option<Obj>> {
    let Some(g) = o.cast::<Generator>() else { return Ok(None) };
    let none = cx.none();
    match resume(cx, g, Some(none))? {
        Ok(v) => Ok(Some(v)),
        Err(result) if result.is_none() => Ok(None),
        Err(result) => Err(cx.stop_iteration(Some(result))),
    }
}

pub(super) fn repr(cx: &mut Cx, o: &Obj) -> PyResult {
    let name = match o.cast::<Generator>() {
        Some(g) => {
            let q = g.qualname.cloned(cx);
            protocol::str_text(cx, &q)?
        }
        None => String::new(),
    };
    cx.str(&format!("<{} object {name} at {:#x}>", o.ty().name_text(), o.address()))
}

/// Warns of a coroutine that goes before anybody awaited it.
pub(super) fn warn_unawaited(cx: &mut Cx, o: &Obj) {
    let unawaited = std::ptr::eq(o.ty(), &*cx.types.coroutine) && o.cast::<Generator>().is_some_and(|g| !g.started.get() && !g.finished.get());
    if unawaited {
        crate::modules::warnings::unawaited(cx, o);
    }
}

pub(super) fn finalize(cx: &mut Cx, o: &Obj) {
    let Some(g) = o.cast::<Generator>() else { return };
    let coroutine = std::ptr::eq(o.ty(), &*cx.types.coroutine);
    if let Some(f) = g.finalizer.cloned(cx).filter(|_| !coroutine && !g.async_closed.get() && !g.finished.get()) {
        match protocol::call(cx, &f, &[o.clone()]) {
            Ok(r) => cx.release(r),
            Err(_) => cx.unraisable(o),
        }
        return;
    }
    if g.finished.get() || !g.started.get() {
        return warn_unawaited(cx, o);
    }
    let g = g.clone();
    if close(cx, &g).is_err() {
        cx.unraisable(o);
    }
}

pub fn spec() -> Spec {
    Spec {
        flags: flags::GC | flags::MANAGED | flags::WEAK | flags::NO_NEW | flags::FINALIZER,
        shape: shape::GENERATOR,
        ops: &OPS,
        slots: Slots { repr: Some(repr), iter: Some(|_, o| Ok(o.clone())), next: Some(next), del: Some(finalize), ..Slots::EMPTY },
        methods: Generator::METHODS,
        getset: Generator::GETSET,
        ..Spec::new::<Generator>("generator")
    }
}

pub fn coroutine_spec() -> Spec {
    let base = spec();
    Spec {
        name: "coroutine",
        shape: 0,
        slots: Slots {
            iter: None,
            next: None,
            await_: Some(|cx, o| match o.cast::<Generator>() {
                Some(g) => {
                    let g = g.clone();
                    Ok(memory::new(cx, &cx.types.coroutine_wrapper, |head| CoroutineWrapper { head, coroutine: Guarded::new(g) })?.into_obj())
                }
                None => Ok(cx.none()),
            }),
            ..base.slots
        },
        methods: Coroutine::METHODS,
        getset: Coroutine::GETSET,
        ..base
    }
}
