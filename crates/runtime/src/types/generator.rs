//! Generators and coroutines: their registers live in a block of their own, where they run in place.

use super::type_::flags;
use super::{Function, Slots, Spec};
use crate::cx::{Cx, PyResult};
use crate::eval::Exec;
use crate::layout;
use crate::memory::{self, Ops};
use crate::object::{Guarded, Header, Obj, Ref, Trace, shape};
use crate::protocol;
use retic_bytecode::code::CO_COROUTINE;
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
        let ty = if unsafe { (*exec).flags } & CO_COROUTINE != 0 { cx.types.coroutine.clone() } else { cx.types.generator.clone() };
        memory::new(cx, &ty, |head| Generator {
            head,
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
        })
    }

    /// Registers that hold owned values now.
    fn live(&self) -> Vec<usize> {
        if self.running.get() || (self.finished.get() && self.started.get()) {
            return Vec::new();
        }
        // SAFETY: the code lives as long as the function.
        let exec = unsafe { &*self.exec.get() };
        let mut out: Vec<usize> = (0..exec.base).collect();
        if self.started.get() {
            // SAFETY: `pc` points into the words of this code.
            let word = unsafe { self.pc.get().cast_const().offset_from(exec.words.as_ptr()) } as u32;
            let at = exec.infos.partition_point(|i| i.word <= word).saturating_sub(1);
            let value = self.yield_reg.get();
            out.extend(exec.infos[at].live.iter().map(|r| *r as usize).filter(|r| *r != value));
        }
        out
    }
}

unsafe fn drop_generator(raw: NonNull<Header>) {
    // SAFETY: dying; each owned register is dropped once, then the block goes.
    unsafe {
        let g = raw.cast::<Generator>().as_ref();
        let cx = &mut *raw.as_ref().ty.get().as_ref().cx.get();
        for r in g.live() {
            let v = std::mem::replace(&mut *g.regs.get().add(r), cx.consts.unbound.as_ptr().as_ptr());
            drop(Obj::from_raw(NonNull::new_unchecked(v)));
        }
        if let Some(o) = NonNull::new(g.frame_object.replace(null_mut())) {
            drop(Obj::from_raw(o));
        }
        cx.heap.free(NonNull::new_unchecked(g.regs.get().cast()), (*g.exec.get()).nregs * 8);
        raw.cast::<Generator>().drop_in_place();
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
static OPS: Ops = Ops { drop: drop_generator, trace: trace_generator, clear: clear_generator, size };

/// Resumes. `Ok(Ok(value))`: yielded; `Ok(Err(result))`: returned.
fn resume(cx: &mut Cx, g: &Ref<Generator>, value: Option<Obj>) -> PyResult<Result<Obj, Obj>> {
    if g.running.get() {
        let what = if g.as_obj().ty().name_text() == "coroutine" { "coroutine" } else { "generator" };
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
                return Err(cx.type_error(format!("can't send non-None value to a just-started {}", g.as_obj().ty().name_text())));
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
        Err(r) => {
            if cx.error_is(&cx.types.stop_iteration)
                && let Some(e) = cx.take_error()
            {
                let raised = cx.runtime_error("generator raised StopIteration");
                if let Some(new) = cx.take_error() {
                    crate::types::exception::set_cause(cx, &new, &e)?;
                    if let Some(x) = new.cast::<super::Exception>() {
                        x.context.set(cx, Some(e));
                        x.context_set.set(true);
                    }
                    let _ = cx.raise(new);
                }
                return Err(raised);
            }
            Err(r)
        }
    }
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

/// `send` to any iterator: for `yield from` and `await`.
pub fn send(cx: &mut Cx, it: &Obj, value: &Obj) -> PyResult<Result<Obj, Obj>> {
    if let Some(g) = it.cast::<Generator>() {
        return resume(cx, g, Some(value.clone()));
    }
    let r = if value.is_none() { protocol::next_raising(cx, it) } else { protocol::call_method(cx, it, "send", &[value.clone()]) };
    match r {
        Ok(v) => Ok(Ok(v)),
        Err(_) if cx.error_is(&cx.types.stop_iteration) => Ok(Err(super::exception::take_stop_value(cx))),
        Err(r) => Err(r),
    }
}

/// What awaiting an object iterates.
pub fn awaitable(cx: &mut Cx, o: &Obj) -> PyResult {
    if std::ptr::eq(o.ty(), &*cx.types.coroutine) {
        return Ok(o.clone());
    }
    match o.ty().slots(cx).await_ {
        Some(f) => f(cx, o),
        None => Err(cx.type_error(format!("object {} can't be used in 'await' expression", o.ty().name_text()))),
    }
}

fn to_python(cx: &mut Cx, r: Result<Obj, Obj>) -> PyResult {
    match r {
        Ok(v) => Ok(v),
        Err(result) => Err(cx.stop_iteration(Some(result))),
    }
}

fn close(cx: &mut Cx, g: &Ref<Generator>) -> PyResult {
    if g.finished.get() {
        return Ok(cx.none());
    }
    if !g.started.get() {
        // Its arguments live until the generator dies, as in CPython.
        g.finished.set(true);
        return Ok(cx.none());
    }
    let _ = cx.raise_new(&cx.types.generator_exit.clone(), None);
    match resume(cx, g, None) {
        Ok(Ok(v)) => {
            cx.release(v);
            let what = g.as_obj().ty().name_text();
            Err(cx.runtime_error(format!("{what} ignored GeneratorExit")))
        }
        Ok(Err(result)) => Ok(result),
        Err(_) if cx.error_is(&cx.types.generator_exit) || cx.error_is(&cx.types.stop_iteration) => {
            cx.clear_error();
            Ok(cx.none())
        }
        Err(r) => Err(r),
    }
}

#[retic_macros::methods]
impl Generator {
    /// send(value) -> send 'value' into generator,
    #[py("send($self, value, /)")]
    fn send_method(cx: &mut Cx, this: &Ref<Generator>, value: &Obj) -> PyResult {
        let r = resume(cx, this, Some(value.clone()))?;
        to_python(cx, r)
    }
    /// throw(value) -> raise exception in generator,
    #[py("throw($self, typ, val=None, tb=None, /)")]
    fn throw(cx: &mut Cx, this: &Ref<Generator>, typ: &Obj, val: Option<&Obj>, tb: Option<&Obj>) -> PyResult {
        let _ = tb;
        let exc = match val {
            Some(v) if v.cast::<super::Exception>().is_some() => v.clone(),
            Some(v) => protocol::call(cx, typ, &[v.clone()])?,
            None => super::exception::instantiate(cx, typ)?,
        };
        let _ = cx.raise(exc);
        let r = resume(cx, this, None)?;
        to_python(cx, r)
    }
    /// close() -> raise GeneratorExit inside generator.
    #[py("close($self, /)")]
    fn close_method(cx: &mut Cx, this: &Ref<Generator>) -> PyResult {
        close(cx, this)
    }
    #[get("__name__")]
    fn name(cx: &mut Cx, this: &Ref<Generator>) -> Obj {
        this.function.get(cx).name.cloned(cx)
    }
    #[get("__qualname__")]
    fn qualname(cx: &mut Cx, this: &Ref<Generator>) -> Obj {
        this.function.get(cx).qualname.cloned(cx)
    }
    #[get("gi_running")]
    fn running_get(_cx: &mut Cx, this: &Ref<Generator>) -> bool {
        this.running.get()
    }
    #[get("gi_code")]
    fn code(cx: &mut Cx, this: &Ref<Generator>) -> Ref<super::CodeObj> {
        this.function.get(cx).code.cloned(cx)
    }
    #[get("gi_frame")]
    fn frame(cx: &mut Cx, this: &Ref<Generator>) -> PyResult {
        if this.finished.get() { Ok(cx.none()) } else { super::traceback::frame_of_generator(cx, this) }
    }
}

fn finalize(cx: &mut Cx, o: &Obj) {
    let Some(g) = o.cast::<Generator>() else { return };
    if g.finished.get() || !g.started.get() {
        if !g.started.get() && !g.finished.get() && std::ptr::eq(o.ty(), &*cx.types.coroutine) {
            let name = g.function.get(cx).qualname_text(cx);
            let text = format!("<sys>:0: RuntimeWarning: coroutine '{name}' was never awaited\n");
            cx.host.write_stderr(text.as_bytes());
        }
        return;
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
        slots: Slots {
            repr: Some(|cx, o| {
                let name = o.cast::<Generator>().map(|g| g.function.cloned(cx).qualname_text(cx)).unwrap_or_default();
                cx.str(&format!("<{} object {name} at {:#x}>", o.ty().name_text(), o.address()))
            }),
            iter: Some(|_, o| Ok(o.clone())),
            next: Some(|cx, o| {
                let Some(g) = o.cast::<Generator>() else { return Ok(None) };
                let none = cx.none();
                match resume(cx, g, Some(none))? {
                    Ok(v) => Ok(Some(v)),
                    Err(result) if result.is_none() => Ok(None),
                    Err(result) => Err(cx.stop_iteration(Some(result))),
                }
            }),
            del: Some(finalize),
            ..Slots::EMPTY
        },
        methods: Generator::METHODS,
        getset: Generator::GETSET,
        ..Spec::new::<Generator>("generator")
    }
}

pub fn coroutine_spec() -> Spec {
    let base = spec();
    Spec { name: "coroutine", shape: 0, slots: Slots { iter: None, next: None, await_: Some(|_, o| Ok(o.clone())), ..base.slots }, ..base }
}
