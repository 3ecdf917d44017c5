//! Frame objects: a frame as Python sees it, made when somebody asks. It follows its frame through life: while the frame
//! runs it looks into the registers, while a generator waits it looks into the generator's, afterwards it keeps the locals.

use super::type_::flags;
use super::{CodeObj, Dict, Generator, Slots, Spec};
use crate::cx::{Cx, PyResult};
use crate::eval::{Frame, Place};
use crate::layout;
use crate::memory::{self, Ops, OpsOf};
use crate::object::{Buf, Guarded, Header, Obj, Ref};
use std::cell::Cell;
use std::ptr::{NonNull, null_mut};

layout! {
    /// A frame object.
    pub struct FrameObj = 40, "frame" {
        code: Guarded<Ref<CodeObj>>,
        globals: Guarded<Ref<Dict>>,
        /// The locals, cells and free variables of a frame that ended.
        locals: Guarded<Buf<Obj>>,
        /// What `f_locals` got beyond the names of the code (PEP 667).
        extra: Guarded<Option<Ref<Dict>>>,
        namespace: Guarded<Option<Obj>>,
        back: Guarded<Option<Obj>>,
        /// The running frame, or null.
        live: Cell<*mut Frame>,
        /// The generator that waits, or null. Not owned: a generator owns its frame object.
        generator: Cell<*mut Header>,
        offset: Cell<u32>,
        /// `f_trace`, `f_trace_lines`, `f_trace_opcodes`.
        trace: Guarded<Option<Obj>>,
        trace_lines: Cell<bool>,
        trace_opcodes: Cell<bool>,
        /// Where the event that is being reported stands, instead of where the frame stands.
        shown: Cell<Option<Place>>,
        /// Offset of the last point that tracing passed: smaller ones after it lie behind a jump backwards.
        passed: Cell<u32>,
        /// The line that tracing was on there, and the offset where it began; 0: none yet.
        on_line: Cell<(u32, u32)>,
        /// Where `f_lineno = n` wants the frame to go on: a word of its code, and the depth of the stack there.
        jump: Cell<Option<(u32, u32)>>,
        /// It has just been led elsewhere: nothing is told of its arrival.
        led: Cell<bool>,
    }
}

fn new(cx: &mut Cx, code: Ref<CodeObj>, globals: Ref<Dict>, namespace: Option<Obj>) -> PyResult<Ref<FrameObj>> {
    memory::new(cx, &cx.types.frame, |head| FrameObj {
        head,
        code: Guarded::new(code),
        globals: Guarded::new(globals),
        locals: Guarded::new(Buf::empty()),
        extra: Guarded::new(None),
        namespace: Guarded::new(namespace),
        back: Guarded::new(None),
        live: Cell::new(null_mut()),
        generator: Cell::new(null_mut()),
        offset: Cell::new(0),
        trace: Guarded::new(None),
        trace_lines: Cell::new(true),
        trace_opcodes: Cell::new(false),
        shown: Cell::new(None),
        passed: Cell::new(u32::MAX),
        on_line: Cell::new((0, 0)),
        jump: Cell::new(None),
        led: Cell::new(false),
    })
}

/// The frame object of a running frame, made on demand.
pub(crate) fn frame_object(cx: &mut Cx, frame: *mut Frame) -> PyResult {
    // SAFETY: the frame is live.
    let f = unsafe { &mut *frame };
    if !f.object.is_null() {
        // SAFETY: the frame owns it.
        return Ok(unsafe { crate::eval::peek(&f.object) }.clone());
    }
    let (code, globals) = (f.function().code.cloned(cx), f.function().globals.cloned(cx));
    let ns = f.namespace().cloned();
    let o = new(cx, code, globals, ns)?;
    o.live.set(frame);
    let o = o.into_obj();
    f.object = crate::eval::give(o.clone());
    Ok(o)
}

/// The frame object of a generator that is not over; the generator keeps it.
pub fn frame_of_generator(cx: &mut Cx, g: &Ref<Generator>) -> PyResult {
    if let Some(frame) = cx.stacks.running(g) {
        return frame_object(cx, frame);
    }
    if g.running.get() {
        // In another thread, whose frame it is.
        return Ok(cx.none());
    }
    if let Some(known) = std::ptr::NonNull::new(g.frame_object.get()) {
        // SAFETY: the generator owns a count of it; ours is added.
        unsafe {
            let kept = Obj::from_raw(known);
            let ours = kept.clone();
            let _ = kept.into_raw();
            return Ok(ours);
        }
    }
    let f = g.function.cloned(cx);
    let (code, globals) = (f.code.cloned(cx), f.globals.cloned(cx));
    let o = new(cx, code, globals, None)?;
    o.generator.set(g.as_obj().as_ptr().as_ptr());
    let o = o.into_obj();
    g.frame_object.set(crate::eval::give(o.clone()));
    Ok(o)
}

/// A coroutine that is a program, not a function (`PyCF_ALLOW_TOP_LEVEL_AWAIT`): its frame object keeps its namespace while it waits.
pub(crate) fn keep_namespace(cx: &mut Cx, g: &Ref<Generator>, namespace: &Obj) -> PyResult<()> {
    let object = frame_of_generator(cx, g)?;
    if let Some(o) = object.cast::<FrameObj>() {
        o.namespace.set(cx, Some(namespace.clone()));
    }
    Ok(())
}

/// A generator goes on in `frame`: its frame object looks there now.
pub(crate) fn resumed(cx: &Cx, object: &Obj, frame: *mut Frame) {
    if let Some(o) = object.cast::<FrameObj>() {
        o.live.set(frame);
        o.generator.set(null_mut());
        if let Some(namespace) = o.namespace.get(cx) {
            // SAFETY: the frame is the top one and has no namespace yet; it gets a count.
            unsafe { (*frame).namespace = crate::eval::give(namespace.clone()) };
        }
    }
}

/// A generator waits: its frame object looks into its registers.
pub(crate) fn suspended(cx: &mut Cx, object: &Obj, g: &Ref<Generator>, frame: &mut Frame) {
    let namespace = std::mem::replace(&mut frame.namespace, null_mut());
    if !namespace.is_null() {
        // SAFETY: the frame owned it; the frame object has another count.
        cx.release(unsafe { crate::eval::take(namespace) });
    }
    if let Some(o) = object.cast::<FrameObj>() {
        o.live.set(null_mut());
        o.generator.set(g.as_obj().as_ptr().as_ptr());
    }
}

/// A frame ends: its locals move into its frame object if somebody else still holds that, else they die in order.
///
/// # Safety
/// The frame is the top one; its registers are given up.
pub(crate) unsafe fn detach(cx: &mut Cx, object: &Obj, f: &mut Frame) {
    let Some(o) = object.cast::<FrameObj>() else { return };
    o.live.set(null_mut());
    o.offset.set(f.offset());
    let n = f.exec().base;
    let regs = f.regs;
    if object.count() > 1 && f.extra.is_null() {
        let below = cx.stacks.below(f);
        if !cx.stacks.is_bottom(below) {
            match frame_object(cx, below) {
                Ok(back) => o.back.set(cx, Some(back)),
                Err(_) => cx.clear_error(),
            }
        }
    }
    // SAFETY: as promised.
    unsafe { keep_locals(cx, object, regs, n) }
}

/// Moves `n` registers into a frame object that somebody holds, or drops them.
///
/// # Safety
/// The registers hold owned values that nobody reads again.
unsafe fn keep_locals(cx: &mut Cx, object: &Obj, regs: *mut *mut Header, n: usize) {
    let Some(o) = object.cast::<FrameObj>() else { return };
    if object.count() <= 1 {
        let exec = o.code.get(cx).exec_known();
        if !exec.is_null() {
            // SAFETY: register code lives as long as its code object, whose registers these are.
            unsafe { (*exec).settle_cells(regs) };
        }
    }
    let mut locals = Buf::empty();
    for i in 0..n {
        // SAFETY: every register is moved out once.
        let v = unsafe { crate::eval::take(*regs.add(i)) };
        if object.count() > 1 {
            if locals.push(cx, v).is_err() {
                cx.clear_error();
            }
        } else {
            cx.release(v);
        }
    }
    o.locals.set(cx, locals);
}

/// Locals that a frame leaves, in the order in which they die.
fn in_order(code: &CodeObj, locals: &mut [Obj]) {
    let exec = code.exec_known();
    if exec.is_null() {
        return;
    }
    // SAFETY: register code lives as long as its code object.
    let exec = unsafe { &*exec };
    for (cell, arg) in &exec.cell_args {
        if exec.nlocals + cell < locals.len() {
            locals.swap(*arg, exec.nlocals + cell);
        }
    }
}

/// The locals die first, in the order of their names.
unsafe fn drop_frame(raw: NonNull<Header>) {
    // SAFETY: the frame object is dying; its locals move out once, and the rest goes with it.
    unsafe {
        let o = raw.cast::<FrameObj>().as_ref();
        let locals = &mut *o.locals.as_ptr();
        let n = locals.len();
        let mut gone = locals.take_range(0, n);
        in_order(&*(*o.code.as_ptr()).as_raw().as_ptr(), &mut gone);
        drop(gone);
        (OpsOf::<FrameObj>::OPS.drop)(raw);
    }
}
static OPS: Ops = Ops { drop: drop_frame, ..OpsOf::<FrameObj>::OPS };

impl FrameObj {
    /// Where the frame stands: the event that is being reported, the running frame, the waiting generator, the end.
    fn place(&self) -> Place {
        if let Some(p) = self.shown.get() {
            return p;
        }
        if !self.live.get().is_null() {
            // SAFETY: `live` is emptied when the frame ends or waits.
            return Place::At(unsafe { &*self.live.get() }.offset());
        }
        match self.waiting() {
            Some(g) if !g.started.get() => Place::Start,
            Some(g) => Place::At(g.offset()),
            None => Place::At(self.offset.get()),
        }
    }
    fn waiting(&self) -> Option<&Generator> {
        // SAFETY: emptied when the generator goes on or dies.
        unsafe { self.generator.get().cast::<Generator>().as_ref() }
    }
    /// The frame is over, and counts as left at an offset.
    pub(crate) fn left_at(&self, offset: u32) {
        self.offset.set(offset);
    }
    pub(crate) fn line(&self, cx: &Cx) -> u32 {
        match self.place() {
            Place::Start => self.code.get(cx).code().firstlineno,
            Place::Passed(_, line) => line,
            Place::At(offset) => {
                let code = self.code.get(cx);
                // Some instructions are on the line of the one before.
                let (on, _) = self.on_line.get();
                if on != 0 && retic_bytecode::lines::event_line(&code.code(), offset) == 0 { on } else { code.line_at(offset) }
            }
        }
    }
    fn last_instruction(&self) -> i64 {
        match self.place() {
            Place::Start => -1,
            Place::Passed(offset, _) => i64::from(offset),
            Place::At(offset) => {
                let (on, began) = self.on_line.get();
                // SAFETY: the frame holds its code; nothing runs.
                let code = unsafe { &*self.code.as_ptr() };
                i64::from(if on != 0 && retic_bytecode::lines::event_line(&code.code(), offset) == 0 { began } else { offset })
            }
        }
    }
    /// The value of a local, cell or free variable by register; none when it is not bound.
    pub(crate) fn register(&self, cx: &Cx, i: usize) -> Option<Obj> {
        let v = if !self.live.get().is_null() {
            // SAFETY: as `place`.
            unsafe { &*self.live.get() }.register(i).clone()
        } else if let Some(g) = self.waiting() {
            // SAFETY: a waiting generator has all its registers.
            unsafe { crate::eval::peek(&*g.regs.get().add(i)) }.clone()
        } else {
            self.locals.get(cx).get(i).cloned()?
        };
        Some(v).filter(|v| !v.is_unbound())
    }
    /// Binds a local by register; false when the frame has no such place any more.
    pub(crate) fn set_register(&self, cx: &mut Cx, i: usize, value: Obj) -> bool {
        let slot = if !self.live.get().is_null() {
            // SAFETY: as `place`; locals lie below the temporaries.
            unsafe { (*self.live.get()).regs.add(i) }
        } else if let Some(g) = self.waiting() {
            // SAFETY: as above.
            unsafe { g.regs.get().add(i) }
        } else {
            let Some(place) = self.locals.get_mut(cx).get_mut(i) else { return false };
            let old = std::mem::replace(place, value);
            cx.release(old);
            return true;
        };
        // SAFETY: the register holds an owned value, which goes.
        let old = unsafe { crate::eval::take(std::mem::replace(&mut *slot, crate::eval::give(value))) };
        cx.release(old);
        true
    }
    /// Whether its code has locals of its own: functions, not modules and classes.
    pub(crate) fn optimized(&self, cx: &Cx) -> bool {
        self.namespace.get(cx).is_none() && self.code.get(cx).code().flags & retic_bytecode::code::CO_OPTIMIZED != 0
    }
}

/// Name and register of each variable of the comprehensions that a frame is in, the innermost first (PEP 709).
pub(crate) fn hidden(cx: &Cx, f: &Ref<FrameObj>) -> Vec<(std::rc::Rc<str>, usize)> {
    let c = f.code.get(cx).code().clone();
    let (Place::At(offset) | Place::Passed(offset, _)) = f.place() else { return Vec::new() };
    if (offset as usize) < c.code.len() {
        return Vec::new();
    }
    let own = c.nlocals() + c.cellvars.len() + c.freevars.len();
    let of = |r: &retic_bytecode::inline::Region| r.code.varnames.iter().enumerate().skip(1).map(|(i, n)| (n.clone(), own + r.first as usize + i)).collect::<Vec<_>>();
    c.inlining().around(offset).flat_map(of).collect()
}

/// Name and value of everything bound in a frame, in the order of its code.
pub(crate) fn variables(cx: &mut Cx, f: &Ref<FrameObj>) -> PyResult<Vec<(Obj, Obj)>> {
    let code = f.code.cloned(cx);
    let c = code.code().clone();
    let mut out = Vec::new();
    let n = c.varnames.len();
    let cell = |cx: &mut Cx, i: usize| {
        let (i, in_cell) = code.cell_place(i - n);
        let v = f.register(cx, i)?;
        if in_cell { v.cast::<super::CellObj>().and_then(|c| c.value.cloned(cx)) } else { Some(v) }
    };
    let cells = c.cellvars.iter().chain(&c.freevars).enumerate().map(|(i, name)| (n + i, name));
    for (i, n) in c.varnames.iter().enumerate().chain(cells.filter(|(_, name)| !c.varnames.contains(name))) {
        // A parameter that functions inside use lies in a cell.
        let held = c.cellvars.iter().position(|name| name == n).map(|k| c.varnames.len() + k);
        let v = match held {
            Some(k) => cell(cx, k),
            None if i >= c.varnames.len() => cell(cx, i),
            None => f.register(cx, i),
        };
        if let Some(v) = v {
            out.push((super::str::intern_text(cx, n)?.into_obj(), v));
        }
    }
    for (name, i) in hidden(cx, f) {
        let Some(v) = f.register(cx, i) else { continue };
        let name = super::str::intern_text(cx, &name)?.into_obj();
        match out.iter_mut().find(|(known, _)| known.is(&name)) {
            Some(shadowed) => shadowed.1 = v,
            None => out.push((name, v)),
        }
    }
    Ok(out)
}

/// What `locals()` gives in a frame: its namespace, or a new dict with what is bound now.
fn locals_of(cx: &mut Cx, f: &Ref<FrameObj>) -> PyResult {
    if let Some(ns) = f.namespace.cloned(cx) {
        return Ok(ns);
    }
    let d = Dict::new(cx)?;
    for (name, value) in variables(cx, f)? {
        d.insert(cx, &name, value)?;
    }
    if let Some(extra) = f.extra.cloned(cx) {
        d.update_from(cx, extra.as_obj())?;
    }
    Ok(d.into_obj())
}

/// `locals()` of the running frame.
pub fn current_locals(cx: &mut Cx) -> PyResult {
    let top = cx.stacks.top;
    if cx.stacks.is_bottom(top) {
        return Ok(cx.none());
    }
    // SAFETY: the top frame is live.
    if let Some(ns) = unsafe { &*top }.namespace() {
        return Ok(ns.clone());
    }
    // SAFETY: as above.
    let had = unsafe { !(*top).object.is_null() };
    let fo = frame_object(cx, top)?;
    let r = match fo.cast::<FrameObj>() {
        Some(f) => locals_of(cx, &f.clone()),
        None => Ok(cx.none()),
    };
    if !had {
        // SAFETY: nobody else saw the frame object: the frame forgets it.
        unsafe {
            let o = std::mem::replace(&mut (*top).object, null_mut());
            drop(crate::eval::take(o));
        }
    }
    r
}

/// A generator dies: its frame object, if somebody holds it, keeps the locals.
///
/// # Safety
/// The registers below the base hold owned values that nobody reads again, or (`locals` false) nothing.
pub(crate) unsafe fn generator_gone(cx: &mut Cx, object: Obj, g: &Generator, locals: bool) {
    if let Some(o) = object.cast::<FrameObj>() {
        o.generator.set(null_mut());
        o.live.set(null_mut());
        if locals {
            o.offset.set(g.offset());
            // SAFETY: as promised.
            unsafe { keep_locals(cx, &object, g.regs.get(), (*g.exec.get()).base) };
        }
    }
}

fn flag(cx: &mut Cx, value: Option<&Obj>, name: &str) -> PyResult<bool> {
    match value {
        None => Err(cx.attribute_error(format!("cannot delete {name}"))),
        Some(v) if v.is(&cx.consts.true_) => Ok(true),
        Some(v) if v.is(&cx.consts.false_) => Ok(false),
        Some(_) => Err(cx.type_error("attribute value type must be bool")),
    }
}

#[retic_macros::methods]
impl FrameObj {
    /// Return the code object being executed in this frame.
    #[get("f_code")]
    fn code_get(cx: &mut Cx, this: &Ref<FrameObj>) -> Ref<CodeObj> {
        this.code.cloned(cx)
    }
    /// Return the global variables used by this frame.
    #[get("f_globals")]
    fn globals_get(cx: &mut Cx, this: &Ref<FrameObj>) -> Ref<Dict> {
        this.globals.cloned(cx)
    }
    /// Return the built-in variables used by this frame.
    #[get("f_builtins")]
    fn builtins_get(cx: &mut Cx, this: &Ref<FrameObj>) -> PyResult {
        let key = cx.name("__builtins__");
        let globals = this.globals.cloned(cx);
        match globals.get_str(cx, &key) {
            Some(m) if m.cast::<Dict>().is_some() => Ok(m),
            Some(m) => Ok(match m.cast::<super::module::Module>() {
                Some(module) => module.dict.cloned(cx).into_obj(),
                None => m,
            }),
            None => Ok(cx.builtins.clone().map_or_else(|| cx.none(), Ref::into_obj)),
        }
    }
    /// Return the mapping used by the frame to look up local variables.
    #[get("f_locals")]
    fn locals_get(cx: &mut Cx, this: &Ref<FrameObj>) -> PyResult {
        if this.optimized(cx) { super::frame_locals::proxy(cx, this) } else { locals_of(cx, this) }
    }
    /// Return the current line number in the frame.
    #[get("f_lineno")]
    #[settable("")]
    fn lineno(cx: &mut Cx, this: &Ref<FrameObj>) -> i64 {
        i64::from(this.line(cx))
    }
    /// Return the index of the last attempted instruction in the frame.
    #[get("f_lasti")]
    fn lasti(_cx: &mut Cx, this: &Ref<FrameObj>) -> i64 {
        this.last_instruction()
    }
    /// Return the generator that runs in this frame, or None.
    #[get("f_generator")]
    fn generator_get(cx: &mut Cx, this: &Ref<FrameObj>) -> Obj {
        if let Some(g) = std::ptr::NonNull::new(this.generator.get()) {
            // SAFETY: emptied when the generator dies; a count is added.
            unsafe {
                let kept = Obj::from_raw(g);
                let ours = kept.clone();
                let _ = kept.into_raw();
                return ours;
            }
        }
        // SAFETY: `live` is emptied when the frame ends.
        let extra = unsafe { this.live.get().as_ref() }.map(|f| f.extra).filter(|e| !e.is_null());
        // SAFETY: the frame owns it.
        extra.map(|e| unsafe { crate::eval::peek(&e) }.clone()).filter(|o| o.cast::<Generator>().is_some()).unwrap_or_else(|| cx.none())
    }
    /// Return the trace function for this frame, or None if no trace function is set.
    #[get("f_trace")]
    #[settable("")]
    fn trace_get(cx: &mut Cx, this: &Ref<FrameObj>) -> Obj {
        this.trace.cloned(cx).unwrap_or_else(|| cx.none())
    }
    /// Whether the trace function hears of lines.
    #[member("f_trace_lines")]
    #[settable("")]
    fn trace_lines_get(_cx: &mut Cx, this: &Ref<FrameObj>) -> bool {
        this.trace_lines.get()
    }
    /// Return True if opcode tracing is enabled, False otherwise.
    #[get("f_trace_opcodes")]
    #[settable("")]
    fn trace_opcodes_get(_cx: &mut Cx, this: &Ref<FrameObj>) -> bool {
        this.trace_opcodes.get()
    }
    /// Return the previous frame in the call stack, or None.
    #[get("f_back")]
    fn back_get(cx: &mut Cx, this: &Ref<FrameObj>) -> PyResult {
        let live = this.live.get();
        if live.is_null() {
            return Ok(this.back.cloned(cx).unwrap_or_else(|| cx.none()));
        }
        // SAFETY: frames below a live one are live, down to the sentinel.
        let below = unsafe { live.sub(1) };
        if cx.stacks.is_bottom(below) { Ok(cx.none()) } else { frame_object(cx, below) }
    }
    /// Clear all references held by the frame.
    #[py("clear($self, /)")]
    fn clear_method(cx: &mut Cx, this: &Ref<FrameObj>) -> PyResult<()> {
        if !this.live.get().is_null() {
            return Err(cx.runtime_error("cannot clear an executing frame"));
        }
        if let Some(g) = this.waiting() {
            if g.started.get() {
                return Err(cx.runtime_error("cannot clear a suspended frame"));
            }
            let g = Generator::of_frame(g);
            super::generator::warn_unawaited(cx, g.as_obj());
            super::generator::close(cx, &g)?;
        }
        let locals = this.locals.get_mut(cx);
        let n = locals.len();
        let mut gone = locals.take_range(0, n);
        in_order(this.code.get(cx), &mut gone);
        cx.release(gone);
        this.extra.set(cx, None);
        Ok(())
    }
}

impl FrameObj {
    fn set_trace_get(cx: &mut Cx, this: &Ref<FrameObj>, value: Option<&Obj>) -> PyResult<()> {
        let value = value.filter(|v| !v.is_none()).cloned();
        if value.is_some() {
            crate::eval::tracing::watch_frame(cx, this);
        }
        this.trace.set(cx, value);
        Ok(())
    }
    fn set_trace_lines_get(cx: &mut Cx, this: &Ref<FrameObj>, value: Option<&Obj>) -> PyResult<()> {
        let v = flag(cx, value, "f_trace_lines")?;
        this.trace_lines.set(v);
        Ok(())
    }
    fn set_trace_opcodes_get(cx: &mut Cx, this: &Ref<FrameObj>, value: Option<&Obj>) -> PyResult<()> {
        let v = flag(cx, value, "f_trace_opcodes")?;
        this.trace_opcodes.set(v);
        if v {
            crate::eval::tracing::watch_opcodes(cx, this);
        }
        Ok(())
    }
    fn set_lineno(cx: &mut Cx, this: &Ref<FrameObj>, value: Option<&Obj>) -> PyResult<()> {
        crate::eval::jump::set_line(cx, this, value)
    }
}

pub fn spec() -> Spec {
    Spec {
        flags: flags::GC | flags::NO_NEW,
        slots: Slots {
            repr: Some(|cx, o| {
                let Some(f) = o.cast::<FrameObj>() else { return Ok(cx.none()) };
                let line = f.line(cx);
                let c = f.code.cloned(cx);
                let c = c.code();
                cx.str(&format!("<frame at {:#x}, file '{}', line {line}, code {}>", o.address(), c.filename, c.name))
            }),
            ..Slots::EMPTY
        },
        methods: FrameObj::METHODS,
        getset: FrameObj::GETSET,
        ops: &OPS,
        ..Spec::new::<FrameObj>("frame")
    }
}
