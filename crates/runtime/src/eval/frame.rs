//! Frames: fixed-size records on their own stack, register windows on another. Calls from Rust enter here.

use super::{Exec, Slot, binding, give, peek, take};
use crate::cx::{Cx, PyResult};
use crate::native::Args;
use crate::object::{Obj, Ref};
use crate::types::generator::Generator;
use crate::types::{CodeObj, Dict, Function, Tuple};
use retic_bytecode::code::*;
use std::alloc::Layout;
use std::cell::Cell;

/// What happens when a frame returns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum FrameKind {
    /// Called from Rust: the loop ends.
    Entry,
    /// Called by an instruction: the result goes to its destination.
    Call,
    /// `__init__` of a class call: the result is the instance.
    Init,
    /// A generator resumed by FOR_ITER.
    ForIter,
    /// A generator or coroutine resumed by YIELD_FROM of the generator below: what it yields goes on to whoever resumed that.
    YieldFrom,
    /// A property's function, called by LOAD_ATTR.
    Getter,
    /// `__getitem__`, called by BINARY_SUBSCR: for a temporary, or for a local.
    Subscr,
    SubscrLocal,
}

/// One activation of a code object.
#[repr(C)]
pub struct Frame {
    pub exec: *const Exec,
    pub regs: *mut Slot,
    /// The instruction being carried out, kept up to date where it can be observed.
    pub pc: *mut u64,
    /// One past the registers in use: where the next window may begin.
    pub top: *mut Slot,
    /// The function, owned by this frame for calls that gave it up, borrowed from the caller's register otherwise.
    pub function: Slot,
    pub kind: FrameKind,
    pub owns_function: bool,
    /// The namespace of module and class code; null for functions.
    pub namespace: Slot,
    /// The instance of an `__init__` call, or the generator running here. Owned.
    pub extra: Slot,
    /// The frame object, if somebody asked. Owned.
    pub object: Slot,
    /// The exception being handled by the caller of a generator; that is none of the generator's own, and another one at each
    /// resumption.
    pub handled: Option<Obj>,
}

/// The two stacks of a thread of Python.
pub struct Stacks {
    values: *mut Slot,
    frames: *mut Frame,
    pub top: *mut Frame,
    values_end: *mut Slot,
    /// The first record that a call does not open without thinking.
    stop: Cell<*mut Frame>,
    value_bytes: usize,
    frame_bytes: usize,
    pub(crate) result: Cell<Slot>,
    /// What a call hands on besides its arguments: the function, names of keywords, an instance.
    pub(super) call: [Slot; 3],
    /// Besides: keyword arguments in a dict of their own, which becomes the callee's; none of them is a parameter.
    pub(super) keywords: Slot,
}

/// Address space of the first thread's stacks, and of the other threads'.
const VALUE_BYTES: usize = 256 << 20;
const FRAME_BYTES: usize = 128 << 20;
const THREAD_VALUE_BYTES: usize = 16 << 20;
const THREAD_FRAME_BYTES: usize = 8 << 20;

fn reserve(bytes: usize) -> *mut u8 {
    let layout = Layout::from_size_align(bytes, 4096).expect("a constant layout");
    // SAFETY: not empty. Large requests are reserved, not committed, by the system allocator.
    unsafe { std::alloc::alloc(layout) }
}

unsafe fn give_back(at: *mut u8, bytes: usize) {
    if !at.is_null() {
        // SAFETY: made by `reserve` with these bytes.
        unsafe { std::alloc::dealloc(at, Layout::from_size_align_unchecked(bytes, 4096)) };
    }
}

impl Default for Stacks {
    fn default() -> Self {
        Self::new()
    }
}

impl Stacks {
    pub fn new() -> Stacks {
        Stacks::sized(VALUE_BYTES, FRAME_BYTES).expect("address space for the stacks")
    }
    /// The stacks of a further thread, if there is address space for them.
    pub fn of_thread() -> Option<Stacks> {
        Stacks::sized(THREAD_VALUE_BYTES, THREAD_FRAME_BYTES)
    }
    /// No stacks: what stands in the place of a thread's that are in use.
    pub fn none() -> Stacks {
        let nothing = std::ptr::null_mut();
        Stacks {
            values: nothing,
            frames: std::ptr::null_mut(),
            top: std::ptr::null_mut(),
            values_end: nothing,
            stop: Cell::new(std::ptr::null_mut()),
            value_bytes: 0,
            frame_bytes: 0,
            result: Cell::new(nothing.cast()),
            call: [std::ptr::null_mut(); 3],
            keywords: std::ptr::null_mut(),
        }
    }
    fn sized(value_bytes: usize, frame_bytes: usize) -> Option<Stacks> {
        let values = reserve(value_bytes).cast::<Slot>();
        let frames = reserve(frame_bytes).cast::<Frame>();
        if values.is_null() || frames.is_null() {
            // SAFETY: whichever was made was made with these bytes.
            unsafe {
                give_back(values.cast(), value_bytes);
                give_back(frames.cast(), frame_bytes);
            }
            return None;
        }
        // Frame 0 is a sentinel below the first.
        // SAFETY: both regions are ours.
        unsafe {
            frames.write(Frame {
                exec: std::ptr::null(),
                regs: values,
                pc: std::ptr::null_mut(),
                top: values,
                function: std::ptr::null_mut(),
                kind: FrameKind::Entry,
                owns_function: false,
                namespace: std::ptr::null_mut(),
                extra: std::ptr::null_mut(),
                object: std::ptr::null_mut(),
                handled: None,
            });
            let values_end = values.add(value_bytes / 8 - 70_000);
            Some(Stacks {
                values,
                frames,
                top: frames,
                values_end,
                stop: Cell::new(frames),
                value_bytes,
                frame_bytes,
                result: Cell::new(std::ptr::null_mut()),
                call: [std::ptr::null_mut(); 3],
                keywords: std::ptr::null_mut(),
            })
        }
    }

    /// Lets calls open records up to this depth, and ask `push` beyond.
    pub(crate) fn set_limit(&self, depth: usize) {
        let room = (self.frame_bytes / size_of::<Frame>()).saturating_sub(1);
        self.stop.set(self.frames.wrapping_add(if depth == 0 { 0 } else { depth.saturating_add(1).min(room) }));
    }
    /// Whether a call may open a frame with so many registers at `base` on the value stack.
    #[inline(always)]
    pub(super) fn has_room(&self, base: *mut Slot, nregs: usize) -> bool {
        self.has_record() && base.wrapping_add(nregs) <= self.values_end
    }
    /// Whether one more record may be opened without thinking.
    #[inline(always)]
    fn has_record(&self) -> bool {
        self.top.wrapping_add(1) < self.stop.get()
    }
    /// Opens a frame that owns its function.
    ///
    /// # Safety
    /// There is room.
    #[inline(always)]
    pub(super) unsafe fn open(&mut self, exec: *const Exec, regs: *mut Slot, function: Slot, kind: FrameKind) {
        // SAFETY: as promised.
        unsafe {
            let frame = self.top.add(1);
            (*frame).exec = exec;
            (*frame).regs = regs;
            (*frame).pc = (*exec).words.as_ptr().cast_mut();
            (*frame).top = regs.add((*exec).nregs);
            (*frame).function = function;
            (*frame).kind = kind;
            (*frame).owns_function = true;
            (*frame).namespace = std::ptr::null_mut();
            (*frame).extra = std::ptr::null_mut();
            (*frame).object = std::ptr::null_mut();
            (&raw mut (*frame).handled).write(None);
            self.top = frame;
        }
    }

    /// Number of active frames.
    pub fn depth(&self) -> usize {
        // SAFETY: both point into the frame region.
        unsafe { self.top.offset_from(self.frames) as usize }
    }
    /// Whether `frame` is the sentinel, of this thread or another.
    pub(crate) fn is_bottom(&self, frame: *const Frame) -> bool {
        // SAFETY: records from the sentinel to the top are whole; only the sentinel has no code.
        unsafe { (*frame).exec.is_null() }
    }
    /// The record below one.
    pub(crate) fn below(&self, frame: *mut Frame) -> *mut Frame {
        if self.is_bottom(frame) { frame } else { frame.wrapping_sub(1) }
    }
    pub fn current(&self) -> Option<&Frame> {
        // SAFETY: `top` is a live record.
        if self.top.is_null() || self.is_bottom(self.top) { None } else { Some(unsafe { &*self.top }) }
    }
    /// The frame in which a generator runs.
    pub fn running(&self, g: &Ref<Generator>) -> Option<*mut Frame> {
        let found = self.iter().find(|f| f.extra == g.as_obj().as_ptr().as_ptr())?;
        Some((found as *const Frame).cast_mut())
    }
    /// The active frames, innermost first.
    pub fn iter(&self) -> impl Iterator<Item = &Frame> {
        let mut at = self.top;
        std::iter::from_fn(move || {
            if self.is_bottom(at) {
                return None;
            }
            // SAFETY: records between the sentinel and the top are live.
            unsafe {
                let f = &*at;
                at = at.sub(1);
                Some(f)
            }
        })
    }
}

impl Drop for Stacks {
    fn drop(&mut self) {
        // SAFETY: reserved in `sized` with these bytes, or nothing.
        unsafe {
            give_back(self.values.cast(), self.value_bytes);
            give_back(self.frames.cast(), self.frame_bytes);
        }
    }
}

impl Frame {
    /// The generator whose frame it is.
    fn generator(&self) -> Option<&Generator> {
        // SAFETY: what a frame holds besides is an object, or nothing; the frame keeps it alive.
        unsafe { if self.extra.is_null() { None } else { peek(&self.extra).cast::<Generator>().map(|g| &**g) } }
    }
    /// What is handled behind a handler that is left, of what the handler saved: None, or an exception of the frame's own.
    pub(super) fn handled_outside(&self, saved: Obj) -> Option<Obj> {
        if !saved.is_none() {
            return Some(saved);
        }
        if let Some(g) = self.generator() {
            g.handles.set(false);
        }
        self.handled.clone()
    }
    /// A handler is entered: what it saves, of what is handled.
    pub(super) fn begins_to_handle(&self, handled: Option<Obj>) -> Option<Obj> {
        let Some(g) = self.generator() else { return handled };
        // The exception of whoever resumed it may be the very same: one that was thrown into it.
        let own = g.handles.replace(true);
        handled.filter(|_| own)
    }
    pub fn exec(&self) -> &Exec {
        // SAFETY: the code object is kept alive by the function of this frame.
        unsafe { &*self.exec }
    }
    pub fn function(&self) -> &Ref<Function> {
        // SAFETY: a frame's function is alive and a function.
        unsafe { &*(&self.function as *const Slot).cast::<Ref<Function>>() }
    }
    pub fn namespace(&self) -> Option<&Obj> {
        // SAFETY: null or owned by the frame.
        if self.namespace.is_null() { None } else { Some(unsafe { peek(&self.namespace) }) }
    }
    /// Byte offset of the current instruction in the wordcode.
    pub fn offset(&self) -> u32 {
        self.info().map_or(0, |i| i.offset)
    }
    /// What the current instruction holds.
    pub fn held(&self) -> Option<&super::Held> {
        self.info().and_then(|i| self.exec().held.get(i.held as usize))
    }
    pub fn info(&self) -> Option<&super::Info> {
        let exec = self.exec();
        // SAFETY: `pc` points into the words of this code.
        let word = unsafe { self.pc.cast_const().offset_from(exec.words.as_ptr()) } as u32;
        let at = exec.infos.partition_point(|i| i.word <= word);
        exec.infos.get(at.checked_sub(1)?)
    }
    /// The value of a local, cell or free variable by register.
    pub fn register(&self, i: usize) -> &Obj {
        // SAFETY: below the base of temporaries registers always hold a value or the marker.
        unsafe { peek(&*self.regs.add(i)) }
    }
}

/// Opens a frame whose window begins at `regs`. Never inlined: the record is built on the native stack.
#[inline(never)]
pub(super) unsafe fn push(cx: &mut Cx, exec: *const Exec, regs: *mut Slot, function: Slot, kind: FrameKind) -> PyResult<()> {
    // SAFETY: S1, windows and records are checked against the ends of their regions.
    unsafe {
        let frame = cx.stacks.top.add(1);
        let top = regs.add((*exec).nregs);
        if cx.stacks.depth() + 1 > cx.frame_limit.get() {
            super::tracing::entering(cx, exec, peek(&function))?;
        }
        // A generator's registers are in a block of their own.
        let on_stack = regs >= cx.stacks.values && regs <= cx.stacks.values_end;
        if on_stack && top > cx.stacks.values_end || cx.stacks.depth() + 2 > cx.stacks.frame_bytes / size_of::<Frame>() {
            return Err(cx.recursion_error("maximum recursion depth exceeded"));
        }
        frame.write(Frame {
            exec,
            regs,
            pc: (*exec).words.as_ptr().cast_mut(),
            top,
            function,
            kind,
            owns_function: false,
            namespace: std::ptr::null_mut(),
            extra: std::ptr::null_mut(),
            object: std::ptr::null_mut(),
            handled: None,
        });
        cx.stacks.top = frame;
        Ok(())
    }
}

/// Runs the top frame until it returns to Rust.
pub(super) unsafe fn execute(cx: &mut Cx) -> PyResult {
    let here = &raw const cx as usize;
    if here < cx.stack_floor.get() {
        // SAFETY: the frame just pushed is taken down again.
        unsafe { super::unwind::abandon(cx) };
        return Err(cx.recursion_error("maximum recursion depth exceeded"));
    }
    let may_run = cx.may_run.replace(false);
    // SAFETY: the frame was prepared by the caller; the first word of its code is a handler.
    unsafe {
        let frame = &*cx.stacks.top;
        let (pc, regs) = (frame.pc, frame.regs);
        let handler: super::Handler = std::mem::transmute(*pc);
        if cx.lens.is_on() {
            crate::lens::step(cx, pc);
        }
        handler(cx, pc, regs);
    }
    cx.may_run.set(may_run);
    let result = cx.stacks.result.replace(std::ptr::null_mut());
    if result.is_null() {
        // The unwinder left the exception in the context.
        return Err(cx.raised_already());
    }
    // SAFETY: the return handler gave the result over.
    Ok(unsafe { take(result) })
}

/// Fills locals after the arguments and cells.
pub(super) unsafe fn fill(cx: &mut Cx, exec: &Exec, regs: *mut Slot, bound: usize, function: &Ref<Function>) -> PyResult<()> {
    let unbound = cx.consts.unbound.as_ptr().as_ptr();
    // SAFETY: the window has room for all registers of the code.
    unsafe {
        for i in bound..exec.base {
            *regs.add(i) = unbound;
        }
        if exec.ncells + exec.nfrees > 0 {
            for i in &exec.cells {
                let cell = crate::types::function::cell(cx, None)?;
                *regs.add(exec.nlocals + usize::from(*i)) = give(cell.into_obj());
            }
            for (c, a) in &exec.cell_args {
                let cell = peek(&*regs.add(exec.nlocals + c)).cast::<crate::types::CellObj>().cloned().expect("just made");
                let arg = take(std::mem::replace(&mut *regs.add(*a), unbound));
                if !arg.is_unbound() {
                    cell.value.set(cx, Some(arg));
                }
            }
            if let Some(c) = function.closure.get(cx)
                && let Some(t) = c.cast::<Tuple>()
            {
                for (i, cell) in t.items().iter().enumerate() {
                    *regs.add(exec.nlocals + exec.ncells + i) = give(cell.clone());
                }
            }
        }
    }
    Ok(())
}

/// The same for the top frame, which is taken down when there is no memory.
pub(super) unsafe fn fill_frame(cx: &mut Cx, exec: &Exec, regs: *mut Slot, bound: usize, function: &Ref<Function>) -> PyResult<()> {
    // SAFETY: as `fill`; all registers have values before the first cell is made.
    unsafe {
        let filled = fill(cx, exec, regs, bound, function);
        if filled.is_err() {
            let saved = cx.save_error();
            super::unwind::abandon(cx);
            cx.restore_error(saved);
        }
        filled
    }
}

/// Calls a Python function from Rust.
pub fn call_function(cx: &mut Cx, f: &Obj, args: Args<'_>) -> PyResult {
    // SAFETY: O3, this slot is only reached through functions.
    let function = unsafe { f.cast_unchecked::<Function>() }.clone();
    call_with(cx, &function, None, args)
}

/// The same, with one more argument in front.
pub fn call_with(cx: &mut Cx, function: &Ref<Function>, first: Option<&Obj>, args: Args<'_>) -> PyResult {
    let known = function.code.get(cx).exec_known();
    let exec = if known.is_null() { function.code.cloned(cx).exec(cx)? } else { known };
    // SAFETY: the code object is held while the frame runs; registers above the top frame are free, `arrange` leaves a
    // value in each of the parameters'.
    unsafe {
        let regs = (*cx.stacks.top).top;
        let total = args.items.len() + usize::from(first.is_some());
        if args.names.is_empty() && (*exec).plain_args == total && cx.stacks.has_room(regs, (*exec).nregs) {
            for (i, a) in first.into_iter().chain(args.items).enumerate() {
                *regs.add(i) = give(a.clone());
            }
            cx.stacks.open(exec, regs, function.as_obj().as_ptr().as_ptr(), FrameKind::Entry);
            (*cx.stacks.top).owns_function = false;
            let unbound = cx.consts.unbound.as_ptr().as_ptr();
            for i in total..(*exec).base {
                *regs.add(i) = unbound;
            }
            return execute(cx);
        }
        if args.names.iter().all(|n| n.shape() == crate::object::shape::STR) {
            let mut n = 0;
            for a in first.into_iter().chain(args.items) {
                *regs.add(n) = give(a.clone());
                n += 1;
            }
            if !binding::arrange(cx, function, &*exec, regs, n - args.names.len(), args.names, None) {
                let items = (0..n).map(|i| take(*regs.add(i))).collect();
                let e = binding::refuse(cx, function, items, args.names);
                return Err(e);
            }
        } else {
            // Comparing such names may run Python, which needs the place above the top frame for itself.
            let items: Vec<Obj> = first.into_iter().chain(args.items).cloned().collect();
            let values = binding::bind(cx, function, Args { items: &items, names: args.names })?;
            binding::put(cx, &*exec, regs, values);
        }
        let bound = (*exec).arg_slots;
        if (*exec).generator {
            return make_generator(cx, function, exec, regs);
        }
        if let Err(r) = push(cx, exec, regs, function.as_obj().as_ptr().as_ptr(), FrameKind::Entry) {
            let saved = cx.save_error();
            for i in 0..bound {
                super::ops::drop_slot(cx, *regs.add(i));
            }
            cx.restore_error(saved);
            return Err(r);
        }
        fill_frame(cx, &*exec, regs, bound, function)?;
        if (*exec).flags & CO_OPTIMIZED == 0 {
            (*cx.stacks.top).namespace = give(function.globals.cloned(cx).into_obj());
        }
        execute(cx)
    }
}

/// Makes a generator, its registers in a block of its own. The arguments move there from `base`.
pub(super) unsafe fn make_generator(cx: &mut Cx, f: &Ref<Function>, exec: *const Exec, base: *mut Slot) -> PyResult {
    // SAFETY: the block has room for every register; the code object is held by the function.
    unsafe {
        let bound = (*exec).arg_slots;
        let generator = match Generator::new(cx, f, exec) {
            Ok(g) => g,
            Err(r) => {
                (0..bound).for_each(|i| super::ops::drop_slot(cx, *base.add(i)));
                return Err(r);
            }
        };
        let regs = generator.regs.get();
        // A few words: less than a call would take.
        (0..bound).for_each(|i| *regs.add(i) = *base.add(i));
        fill(cx, &*exec, regs, bound, f)?;
        Ok(generator.into_obj())
    }
}

/// Runs module, class or exec code with a namespace.
pub fn run_code(cx: &mut Cx, code: &Ref<CodeObj>, globals: &Ref<Dict>, namespace: &Obj, closure: Option<Obj>) -> PyResult {
    let key = cx.name("__builtins__");
    if globals.get_str(cx, &key).is_none() {
        let b = match &cx.builtins {
            Some(names) => names.as_obj().clone(),
            None => cx.builtins_module(),
        };
        globals.insert(cx, key.as_obj(), b)?;
    }
    let exec = code.exec(cx)?;
    let name = crate::types::str::intern_text(cx, &code.code().qualname)?;
    let function = Function::new(cx, code.clone(), name.into_obj(), globals.clone())?;
    function.closure.set(cx, closure);
    // SAFETY: the code object holds it.
    if unsafe { (*exec).flags } & CO_OPTIMIZED != 0 {
        // A function's: called without arguments, which it may miss.
        return call_with(cx, &function, None, Args::positional_only(&[]));
    }
    // SAFETY: as in `call_function`.
    unsafe {
        let regs = (*cx.stacks.top).top;
        if (*exec).generator {
            let made = make_generator(cx, &function, exec, regs)?;
            if let Some(g) = made.cast::<Generator>() {
                crate::types::frame::keep_namespace(cx, g, namespace)?;
            }
            return Ok(made);
        }
        push(cx, exec, regs, function.as_obj().as_ptr().as_ptr(), FrameKind::Entry)?;
        fill_frame(cx, &*exec, regs, 0, &function)?;
        (*cx.stacks.top).namespace = give(namespace.clone());
        execute(cx)
    }
}

/// Resumes a generator from Rust: `Ok(None)` when it returned (its value is in `result`).
pub fn run_generator(cx: &mut Cx, g: &Ref<Generator>, value: Option<Obj>) -> PyResult {
    // SAFETY: the generator's registers and code live as long as it does, and we hold it.
    unsafe {
        if value.is_some() && !cx.lens.is_on() && resume_plain(cx, g, FrameKind::Entry) {
            if let Some(v) = value {
                *g.regs.get().add(g.yield_reg.get()) = give(v);
            }
            return execute(cx);
        }
        resume(cx, g, FrameKind::Entry)?;
        let value = match value {
            None => {
                super::tracing::thrown(cx, g);
                None
            }
            value if super::tracing::resumed(cx, g) => {
                cx.release_with_error(value);
                None
            }
            value => value,
        };
        match value {
            Some(v) => *(*cx.stacks.top).regs.add(g.yield_reg.get()) = give(v),
            None => {
                // An exception is waiting: it is raised where the generator stands.
                return throw(cx, g);
            }
        }
        execute(cx)
    }
}

/// Runs the handlers of a generator whose frame is open: the exception that waits is raised where it stands.
unsafe fn throw(cx: &mut Cx, g: &Ref<Generator>) -> PyResult {
    // SAFETY: as in `run_generator`.
    unsafe {
        let (pc, regs) = (g.pc.get(), g.regs.get());
        super::unwind::chain_thrown(cx, g.handles.get());
        let may_run = cx.may_run.replace(false);
        if g.yield_reg.get() != usize::MAX {
            *regs.add(g.yield_reg.get()) = give(cx.none());
        }
        super::unwind::fail_at(cx, pc, regs);
        cx.may_run.set(may_run);
        let result = cx.stacks.result.replace(std::ptr::null_mut());
        if result.is_null() { Err(cx.raised_already()) } else { Ok(take(result)) }
    }
}

/// Runs what a generator that delegates hands on, with its frame on the stack: it stands there, and those who look see it.
pub fn within<R>(cx: &mut Cx, g: &Ref<Generator>, run: impl FnOnce(&mut Cx) -> R) -> PyResult<R> {
    // SAFETY: the generator waits at YIELD_FROM, which it is resumed at again; its registers live as long as it does, and we hold it.
    unsafe {
        let (pc, resume_pc, reg) = (g.pc.get(), g.resume_pc.get(), g.yield_reg.get());
        resume(cx, g, FrameKind::Entry)?;
        let frame = cx.stacks.top;
        (*frame).pc = pc;
        let r = run(cx);
        let saved = cx.save_error();
        if cx.lens.is_on() {
            super::recording::ops::flow::suspend(cx, frame, pc, resume_pc, reg);
        } else {
            super::plain::ops::flow::suspend(cx, frame, pc, resume_pc, reg);
        }
        cx.restore_error(saved);
        Ok(r)
    }
}

/// Starts a generator.
pub fn run_generator_first(cx: &mut Cx, g: &Ref<Generator>) -> PyResult {
    // SAFETY: as in `run_generator`.
    unsafe {
        resume(cx, g, FrameKind::Entry)?;
        if super::tracing::resumed(cx, g) { throw(cx, g) } else { execute(cx) }
    }
}

/// Opens the frame of a generator where it stopped, in the usual case: nobody watches, nobody asked for its frame object,
/// and no exception is being handled in it or around it. False: nothing was done.
#[inline(always)]
pub(super) unsafe fn resume_plain(cx: &mut Cx, g: &Generator, kind: FrameKind) -> bool {
    // SAFETY: as in `run_generator`; the frame gets a count of the generator.
    unsafe {
        let busy = !g.frame_object.get().is_null() || (*g.handled.as_ptr()).is_some() || (*cx.handled.get()).is_some();
        if busy || !cx.stacks.has_record() {
            return false;
        }
        let top = (*cx.stacks.top).top;
        let this = (&raw const *g).cast_mut().cast::<crate::object::Header>();
        cx.stacks.open(g.exec.get(), g.regs.get(), (*g.function.as_ptr()).as_raw().as_ptr().cast(), kind);
        let frame = &mut *cx.stacks.top;
        frame.owns_function = false;
        frame.top = top;
        frame.pc = g.resume_pc.get();
        super::ops::incref(this);
        frame.extra = this;
        g.running.set(true);
        true
    }
}

/// Takes down the frame of a generator that yields, in the same case. False: nothing was done.
#[inline(always)]
pub(super) unsafe fn suspend_plain(cx: &mut Cx, frame: *mut Frame, pc: *mut u64, resume_pc: *mut u64, reg: usize) -> bool {
    // SAFETY: the frame's `extra` is the generator, which whoever resumed it holds, too.
    unsafe {
        let this = (*frame).extra;
        let g = &*this.cast::<Generator>();
        let busy = !(*frame).object.is_null() || (*frame).handled.is_some() || (*cx.handled.get()).is_some();
        if busy || (*this).count.get() < 2 {
            return false;
        }
        g.pc.set(pc);
        g.resume_pc.set(resume_pc);
        g.yield_reg.set(reg);
        g.running.set(false);
        cx.stacks.top = frame.sub(1);
        (*this).count.set((*this).count.get() - 1);
        true
    }
}

/// Opens the frame of a generator where it stopped.
pub(super) unsafe fn resume(cx: &mut Cx, g: &Ref<Generator>, kind: FrameKind) -> PyResult<()> {
    // SAFETY: as in `run_generator`.
    unsafe {
        let exec = g.exec.get();
        let top = (*cx.stacks.top).top;
        if let Err(raised) = push(cx, exec, g.regs.get(), g.function.get(cx).as_obj().as_ptr().as_ptr(), kind) {
            crate::types::generator::give_up(cx, g);
            return Err(raised);
        }
        let frame = &mut *cx.stacks.top;
        frame.top = top;
        frame.pc = g.resume_pc.get();
        frame.extra = give(g.as_obj().clone());
        frame.object = g.frame_object.replace(std::ptr::null_mut());
        if !frame.object.is_null() {
            let object = frame.object;
            crate::types::frame::resumed(cx, peek(&object), cx.stacks.top);
        }
        g.running.set(true);
        let caller = cx.handled();
        let own = g.handled.replace(cx, None);
        frame.handled = caller;
        g.handles.set(own.is_some());
        if own.is_some() {
            *cx.handled.get() = own;
        }
        Ok(())
    }
}

/// `__name__` of the globals of the running code.
pub fn current_module_name(cx: &mut Cx) -> Option<Obj> {
    let key = cx.name("__name__");
    let globals = cx.stacks.current()?.function().globals.cloned(cx);
    globals.get_str(cx, &key)
}
