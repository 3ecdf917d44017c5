//! Tracing: `sys.settrace`, `sys.setprofile`, `sys.monitoring`. Nobody pays for it who does not use it: while somebody
//! watches, the code of every frame that is entered is instrumented in place. The handler address of each instruction
//! where something is to be reported is replaced by that of `traced`, which reports and then jumps to the original. A
//! frame entered needs no test either: the limit that `push` compares the depth with is zero while somebody watches.

use super::frame::Frame;
use super::ops::{self, K, go};
use super::places::Places;
use super::unwind::fail;
use super::{Exec, Handler, Slot, branches, jump, peek};
use crate::cx::{Cx, PyResult};
use crate::modules::sys::monitoring::{self, Event};
use crate::object::{Obj, Ref, shape};
use crate::types::frame::{FrameObj, frame_object};
use crate::types::{CodeObj, Generator};
use retic_bytecode::Opcode;
use retic_bytecode::code::RAISED;
use rustc_hash::FxHashMap;
use std::cell::Cell;

/// Where a frame stands: before its first instruction, or at a byte offset.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    Start,
    At(u32),
    /// On a line without instructions, on the way to an offset.
    Passed(u32, u32),
}

/// What a native profiler is told of.
pub enum Step<'a> {
    /// A frame is entered, or goes on.
    Entered(&'a Ref<CodeObj>),
    /// The top frame is left: it returns, yields or is unwound.
    Left,
    /// A function written in Rust is called; it is done.
    Calls(&'a Obj),
    Done,
}

/// A native profiler: an object, and what tells it.
#[derive(Clone)]
pub struct Hook {
    pub owner: Obj,
    pub tell: fn(&mut Cx, &Obj, Step<'_>),
}

/// Who watches one thread.
#[derive(Default)]
pub struct State {
    pub hook: Option<Hook>,
    /// The functions of `sys.settrace` and `sys.setprofile`.
    pub trace: Option<Obj>,
    pub profile: Option<Obj>,
    /// An event is being reported: what the watcher does is not.
    inside: Cell<bool>,
    pub(super) waiting: branches::Waiting,
    /// The event that is being reported, for `f_lineno = n`.
    pub(crate) event: Cell<&'static str>,
}

impl State {
    /// From here on nothing is reported, if so asked; what was so before.
    pub(crate) fn hide(&self, yes: bool) -> bool {
        self.inside.replace(yes || self.inside.get())
    }
    /// As it was before `hide`.
    pub(crate) fn show(&self, before: bool) {
        self.inside.set(before);
    }
}

/// Where a line begins in register code, or a jump leads (`start` false).
pub struct LinePoint {
    pub word: u32,
    pub offset: u32,
    pub start: bool,
}

/// What an instruction does that is worth an event of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Plain,
    /// It does nothing of the bytecode.
    Nothing,
    Return,
    Yield,
    /// A call, by its opcode.
    Call(Opcode),
}

/// An instruction where something may be reported.
pub struct Point {
    original: Cell<u64>,
    entry: bool,
    offset: u32,
    /// Offsets of bytecode that are passed before it, where a line may begin.
    lines: Vec<u32>,
    what: What,
    jumps: Box<[branches::Jump]>,
}

/// Instructions by word, and lines without instructions by the offsets before and behind them.
#[derive(Default)]
struct Points {
    by_word: FxHashMap<u32, Point>,
    /// The lines of a path, each with the offset that stands for it.
    paths: FxHashMap<(u32, u32), Box<[(u32, u32)]>>,
}

/// The instrumentation of one piece of register code.
#[derive(Default)]
pub struct Instruments {
    points: std::cell::OnceCell<Points>,
    /// 0: none in place; 1: at points of interest; 2: at every instruction.
    level: Cell<u8>,
}

impl Instruments {
    /// Whether handler addresses are replaced: instructions must not specialise themselves meanwhile.
    pub fn in_place(&self) -> bool {
        self.level.get() != 0
    }
}

/// Lets an instruction specialise itself.
///
/// # Safety
/// `pc` is an instruction of the top frame.
#[inline(never)]
pub(super) unsafe fn quicken(cx: *mut Cx, pc: *mut u64, handler: Handler) {
    // SAFETY: as promised.
    unsafe {
        if !(*(*(*cx).stacks.top).exec).instruments.in_place() {
            *pc = handler as usize as u64;
        }
    }
}

impl Cx {
    /// Whether somebody watches.
    pub fn watched(&self) -> bool {
        self.tracing.trace.is_some() || self.tracing.profile.is_some() || self.tracing.hook.is_some() || self.monitoring.any()
    }
    /// Where `push` stops to think.
    pub(crate) fn renew_frame_limit(&self) {
        self.frame_limit.set(if self.watched() { 0 } else { self.recursion_limit.get() });
        self.stacks.set_limit(self.frame_limit.get());
    }
    /// To be called after a change of who watches: instruments the frames that run, and those to come.
    pub fn watchers_changed(&mut self) {
        self.renew_frame_limit();
        if !branches::wanted(self) {
            self.tracing.waiting.clear();
        }
        if self.watched() {
            let level = level(self);
            for f in self.stacks.iter() {
                instrument(f.exec(), f.function().code.get(self), level);
            }
        }
    }
}

/// A frame is entered while somebody watches, or the stack is full.
#[cold]
#[inline(never)]
pub(super) fn entering(cx: &mut Cx, exec: *const Exec, function: &Obj) -> PyResult<()> {
    if cx.stacks.depth() + 1 > cx.recursion_limit.get() {
        return Err(cx.recursion_error("maximum recursion depth exceeded"));
    }
    if let Some(f) = function.cast::<crate::types::Function>() {
        let level = level(cx);
        // SAFETY: the code is held by the function that is called.
        instrument(unsafe { &*exec }, f.code.get(cx), level);
    }
    Ok(())
}

/// `f_trace` of a frame was set: it may have been entered unwatched.
pub(crate) fn watch_frame(cx: &mut Cx, f: &Ref<FrameObj>) {
    let live = f.live.get();
    if !live.is_null() {
        // SAFETY: `live` is emptied when the frame ends.
        let frame = unsafe { &*live };
        instrument(frame.exec(), f.code.get(cx), 1);
        if f.on_line.get().0 == 0 && f.passed.get() == u32::MAX && frame.pc.cast_const() != frame.exec().words.as_ptr() {
            f.on_line.set((f.line(cx), frame.offset()));
            f.passed.set(frame.offset());
        }
    }
}

/// `f_trace_opcodes` of a frame was set.
pub(crate) fn watch_opcodes(cx: &mut Cx, f: &Ref<FrameObj>) {
    let code = f.code.cloned(cx);
    if let Ok(exec) = code.exec(cx) {
        // SAFETY: the code object owns it.
        instrument(unsafe { &*exec }, &code, 2);
    } else {
        cx.clear_error();
    }
}

/// How much of the code is instrumented.
fn level(cx: &Cx) -> u8 {
    if cx.monitoring.wants(Event::Instruction) || branches::wanted(cx) { 2 } else { 1 }
}

fn instrument(exec: &Exec, code: &CodeObj, level: u8) {
    let known = exec.instruments.level.get();
    if known >= level {
        return;
    }
    let points = exec.instruments.points.get_or_init(|| points_of(exec, code));
    exec.instruments.level.set(level);
    for (word, p) in &points.by_word {
        if level == 2 || p.entry || !p.lines.is_empty() || p.what != What::Plain {
            let at = exec.words.as_ptr().wrapping_add(*word as usize).cast_mut();
            // SAFETY: the first word of an instruction is a handler; the words belong to this interpreter.
            unsafe {
                if *at != traced as *const () as u64 {
                    p.original.set(*at);
                    *at = traced as *const () as u64;
                }
            }
        }
    }
}

/// Puts the original handlers back.
pub(super) fn restore(exec: &Exec) {
    exec.instruments.level.set(0);
    for (word, p) in exec.instruments.points.get().iter().flat_map(|p| &p.by_word) {
        let at = exec.words.as_ptr().wrapping_add(*word as usize).cast_mut();
        // SAFETY: as `instrument`.
        unsafe {
            if *at == traced as *const () as u64 {
                *at = p.original.get();
            }
        }
    }
}

fn points_of(exec: &Exec, code: &CodeObj) -> Points {
    let bytes = &code.code().code;
    let mut points: FxHashMap<u32, Point> = FxHashMap::default();
    let begins_loop = exec.lines.iter().any(|l| l.offset == 0 && l.word != 0);
    for (i, info) in exec.infos.iter().enumerate() {
        // Only the last instruction of those that came from one of the wordcode does what that says.
        let last = exec.infos.get(i + 1).is_none_or(|n| n.offset != info.offset);
        let what = match bytes.get(info.offset as usize).and_then(|b| Opcode::from_u8(*b)) {
            Some(Opcode::RETURN_VALUE) if last => What::Return,
            Some(Opcode::YIELD_VALUE) if last => What::Yield,
            Some(op @ (Opcode::CALL_FUNCTION | Opcode::CALL_METHOD | Opcode::CALL_FUNCTION_KW | Opcode::CALL_FUNCTION_EX)) if last => What::Call(op),
            // The first instruction of a loop that the code begins with has a word before it that no jump leads to.
            _ if info.word == 0 && !last && begins_loop => What::Nothing,
            _ => What::Plain,
        };
        points.insert(info.word, Point { original: Cell::new(0), entry: false, offset: info.offset, lines: Vec::new(), what, jumps: Box::default() });
    }
    let (at, paths) = places_of_lines(exec, code);
    for (offset, word) in at {
        if let Some(p) = points.get_mut(&word) {
            p.lines.push(offset);
        }
    }
    for (word, jumps) in branches::of_code(exec, &code.code()) {
        if let Some(p) = points.get_mut(&word) {
            p.jumps = jumps;
        }
    }
    for p in points.values_mut() {
        p.lines.sort_unstable();
        p.lines.dedup();
    }
    if exec.flags & (retic_bytecode::code::CO_GENERATOR | retic_bytecode::code::CO_COROUTINE | retic_bytecode::code::CO_ASYNC_GENERATOR) == 0
        && let Some(p) = points.get_mut(&0)
    {
        p.entry = true;
    }
    Points { by_word: points, paths }
}

/// Offsets where a line may begin or that stand at an end of a path, with the words before which they are passed; the paths.
#[allow(clippy::type_complexity, reason = "two lists for one caller")]
fn places_of_lines(exec: &Exec, code: &CodeObj) -> (Vec<(u32, u32)>, FxHashMap<(u32, u32), Box<[(u32, u32)]>>) {
    let code = code.code();
    let places = Places::of(exec);
    let (known, instructions) = (&places.known, &places.instructions);
    let mut at: Vec<(u32, u32)> = exec.lines.iter().map(|l| (l.offset, l.word)).collect();
    let mut unsaid = Vec::new();
    let mut paths = FxHashMap::default();
    let inlining = code.inlining();
    for (part, base) in std::iter::once((&*code, 0)).chain(inlining.regions.iter().map(|r| (&*r.code, r.base))) {
        let mut targets: Vec<u32> = part.instructions().filter_map(|i| i.target()).collect();
        targets.sort_unstable();
        let led_to: rustc_hash::FxHashSet<u32> = part.paths.iter().map(|p| p.to).collect();
        let (mut line, mut reachable, mut elided) = (0, true, 0);
        for i in part.instructions() {
            let target = targets.partition_point(|t| *t < i.offset);
            reachable |= targets.get(target) == Some(&i.offset);
            if led_to.contains(&i.offset) {
                line = 0;
            }
            let l = retic_bytecode::lines::event_line(part, i.offset);
            // The function of a comprehension that runs here is not made.
            let code_object = i.opcode == Opcode::LOAD_CONST as u8 && matches!(part.consts.get(i.arg as usize), Some(retic_bytecode::Const::Code(_)));
            if code_object && instructions.binary_search_by_key(&(i.offset + 4 + base), |k| k.0).is_err() {
                elided = i.offset + 4;
            }
            if elided > 0 && i.offset <= elided {
                unsaid.push(i.offset + base);
                continue;
            }
            if reachable && l != 0 && l != line {
                line = l;
                let own = i.offset + base;
                // Where others may come to in between, it is too late to tell.
                let next = targets[target..].iter().find(|t| **t > i.offset).map_or(u32::MAX, |t| t + base);
                let found = instructions.get(instructions.partition_point(|i| i.0 < own)).filter(|f| f.0 < next);
                at.extend(known.get(&own).copied().or(found.map(|f| f.1)).map(|w| (own, w)));
            }
            reachable &= !Opcode::from_u8(i.opcode).is_some_and(Opcode::ends_flow);
        }
        let mut passed = retic_bytecode::lines::passed(part).into_iter();
        for p in &part.paths {
            let (from, to) = (if p.from >= RAISED { p.from } else { p.from + base }, p.to + base);
            if from < RAISED {
                // What was fused went into the instruction before, or into the one behind.
                let op = part.code.get(p.from as usize).and_then(|b| Opcode::from_u8(*b));
                let done = op.is_some_and(|op| {
                    matches!(op, Opcode::POP_TOP | Opcode::STORE_FAST | Opcode::STORE_NAME | Opcode::STORE_GLOBAL | Opcode::STORE_DEREF) || op.is_conditional_jump()
                });
                let exact = places.before(from).filter(|w| done || instructions.binary_search(&(from, *w)).is_ok());
                at.extend(exact.or_else(|| places.behind(from)).map(|w| (from, w)));
            }
            at.extend(places.behind(to).map(|w| (to, w)));
            paths.insert((from, to), passed.by_ref().take(p.lines.len()).map(|(o, line)| (line, o + base)).collect());
        }
    }
    at.retain(|(o, _)| !unsaid.contains(o));
    (at, paths)
}

/// What `traced` does next.
#[derive(Clone, Copy)]
enum Next {
    Run(u64),
    Fail,
    Jump(*mut u64),
    /// The call was made here; its result.
    Called(Slot),
}

/// Stands for the handler of an instruction where something is to be reported.
pub(super) unsafe fn traced(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: the original handler is one for this instruction; nothing with a destructor is alive at the jumps.
    unsafe {
        match at_point(&mut *cx, pc, regs) {
            Next::Run(original) => {
                let h: Handler = std::mem::transmute(original);
                h(cx, pc, regs)
            }
            Next::Fail => fail(cx, pc, regs),
            Next::Jump(to) => go(cx, to, regs),
            Next::Called(v) => {
                ops::put(cx, regs, ops::f(pc, 0), ops::f(pc, 3) == 1, v);
                go(cx, pc.add(5), regs)
            }
        }
    }
}

#[inline(never)]
unsafe fn at_point(cx: &mut Cx, pc: *mut u64, regs: *mut Slot) -> Next {
    // SAFETY: the frame is the top one, its code is kept by its function while it runs.
    unsafe {
        let frame = cx.stacks.top;
        let exec = &*(*frame).exec;
        let word = pc.cast_const().offset_from(exec.words.as_ptr()) as u32;
        let Some(point) = exec.instruments.points.get().and_then(|p| p.by_word.get(&word)) else { return Next::Fail };
        let original = point.original.get();
        if !cx.watched() {
            // Another thread may watch the same code.
            if cx.threads.others() == 0 {
                restore(exec);
            }
            return Next::Run(original);
        }
        if cx.tracing.inside.get() {
            return Next::Run(original);
        }
        (*frame).pc = pc;
        match events(cx, frame, point, word) {
            Ok(None) => {}
            Ok(Some(to)) => return Next::Jump(to),
            Err(_) => return lost(cx, point, pc, regs),
        }
        let reported = match point.what {
            What::Return | What::Yield => {
                let slot = if point.what == What::Return && ops::f(pc, 0) == usize::from(K) { *pc.add(2) as Slot } else { *regs.add(ops::f(pc, 1)) };
                let value = peek(&slot).clone();
                let told = leaving(cx, frame, point, value);
                if told.is_ok()
                    && let Some(fo) = local_frame(cx, frame)
                    && let Some((word, depth)) = fo.jump.take()
                {
                    return jump::carry_out(cx, frame, &fo, word, depth).map_or(Next::Fail, Next::Jump);
                }
                told
            }
            What::Call(op) => return call(cx, frame, point, op, pc, regs),
            What::Plain | What::Nothing => Ok(()),
        };
        if reported.is_err() { Next::Fail } else { Next::Run(original) }
    }
}

/// An event before a call failed: a call always consumes its window.
unsafe fn lost(cx: &mut Cx, point: &Point, pc: *mut u64, regs: *mut Slot) -> Next {
    // SAFETY: the window's registers are owned temporaries.
    unsafe {
        if let What::Call(op) = point.what {
            let (w, n) = (ops::f(pc, 1), *pc.add(2) as usize);
            let count = match op {
                Opcode::CALL_FUNCTION => n + 1,
                Opcode::CALL_FUNCTION_EX => 2 + (n & 1),
                _ => n + 2,
            };
            let saved = cx.save_error();
            for i in (0..count).rev() {
                if !peek(&*regs.add(w + i)).is_unbound() {
                    ops::drop_slot(cx, *regs.add(w + i));
                }
            }
            cx.restore_error(saved);
        }
        Next::Fail
    }
}

/// The events before an instruction: entry, lines, opcode. Some: where to go on instead.
unsafe fn events(cx: &mut Cx, frame: *mut Frame, point: &Point, word: u32) -> PyResult<Option<*mut u64>> {
    // SAFETY: the frame is the top one.
    unsafe {
        let led = led(frame);
        if point.entry && led.is_none() {
            branches::forget(cx, frame);
            entered(cx, frame, Place::Start)?;
        }
        branches::settle(cx, frame, word)?;
        let code = (*frame).function().code.cloned(cx);
        for offset in &point.lines {
            if let Some(fo) = &led {
                fo.passed.set(*offset);
                fo.on_line.set((retic_bytecode::lines::event_line(&code.code(), *offset), *offset));
            } else if let Some(to) = lines_before(cx, frame, &code, *offset)? {
                return Ok(Some(to));
            }
        }
        if (*(*frame).exec).instruments.level.get() == 2 && point.what != What::Nothing {
            if cx.monitoring.wants(Event::Instruction) {
                report(cx, Event::Instruction, &code, point.offset, &[])?;
            }
            if let Some(fo) = local_frame(cx, frame)
                && fo.trace_opcodes.get()
            {
                local(cx, &fo, Place::At(point.offset), "opcode", None)?;
            }
            if branches::wanted(cx) {
                branches::set_out(cx, frame, &point.jumps)?;
            }
        }
        Ok(None)
    }
}

/// The object of a frame that `f_lineno = n` has just led elsewhere.
unsafe fn led(frame: *const Frame) -> Option<Ref<FrameObj>> {
    // SAFETY: the frame is live and owns its object.
    unsafe {
        if (*frame).object.is_null() {
            return None;
        }
        peek(&(*frame).object).cast::<FrameObj>().filter(|fo| fo.led.take()).cloned()
    }
}

/// Tells of the lines that are begun on the way to an offset and at it (PEP 626): where the line is another one than before, or
/// was come to by a jump backwards.
unsafe fn lines_before(cx: &mut Cx, frame: *mut Frame, code: &Ref<CodeObj>, offset: u32) -> PyResult<Option<*mut u64>> {
    // SAFETY: the frame is the top one.
    unsafe {
        let told = if cx.monitoring.wants(Event::Line) { object_of(cx, frame)? } else { local_frame(cx, frame) };
        let Some(fo) = told else { return Ok(None) };
        let passed = fo.passed.replace(offset);
        let size = code.code().code.len() as u32;
        // Comprehensions that run in this frame lie behind its own code.
        let mut fresh = passed != u32::MAX && offset <= passed && (passed < size || offset >= size);
        let path = (*(*frame).exec).instruments.points.get().and_then(|p| p.paths.get(&(passed, offset)).or_else(|| p.paths.get(&(RAISED, offset)))).cloned();
        let own = match retic_bytecode::lines::event_line(&code.code(), offset) {
            0 if passed == u32::MAX && path.is_none() => code.code().firstlineno,
            line => line,
        };
        let lines = path.iter().flat_map(|p| p.iter().copied()).map(|(l, o)| (l, o, Place::Passed(o, l)));
        for (line, began, place) in lines.chain(std::iter::once((own, offset, Place::At(offset)))) {
            if line == 0 || line == fo.on_line.get().0 && !fresh {
                continue;
            }
            fresh = false;
            fo.on_line.set((line, began));
            if cx.monitoring.wants(Event::Line) {
                let number = cx.int(i64::from(line))?;
                report(cx, Event::Line, code, offset, &[number])?;
            }
            if local_frame(cx, frame).is_some() && fo.trace_lines.get() {
                local(cx, &fo, place, "line", None)?;
                if let Some((word, depth)) = fo.jump.take() {
                    return jump::carry_out(cx, frame, &fo, word, depth).map(Some);
                }
            }
        }
        Ok(None)
    }
}

/// The frame object of a frame that has a trace function of its own.
unsafe fn local_frame(cx: &Cx, frame: *mut Frame) -> Option<Ref<FrameObj>> {
    // SAFETY: the frame is live and owns its object.
    unsafe {
        if cx.tracing.trace.is_none() || (*frame).object.is_null() {
            return None;
        }
        let fo = peek(&(*frame).object).cast::<FrameObj>()?;
        fo.trace.get(cx).as_ref()?;
        Some(fo.clone())
    }
}

/// Calls a watcher; its own doings are not reported.
fn watcher(cx: &mut Cx, f: &Obj, fo: &Ref<FrameObj>, place: Option<Place>, event: &'static str, arg: Option<Obj>) -> PyResult {
    let name = crate::types::str::intern_text(cx, event)?;
    let arg = arg.unwrap_or_else(|| cx.none());
    cx.tracing.inside.set(true);
    let before = (fo.shown.replace(place), cx.tracing.event.replace(event));
    let r = crate::protocol::call(cx, f, &[fo.as_obj().clone(), name.into_obj(), arg]);
    fo.shown.set(before.0);
    cx.tracing.event.set(before.1);
    cx.tracing.inside.set(false);
    r
}

/// Tells the trace function: the frame's own, or for a call the thread's.
fn tell(cx: &mut Cx, f: &Obj, fo: &Ref<FrameObj>, place: Option<Place>, event: &'static str, arg: Option<Obj>) -> PyResult<()> {
    match watcher(cx, f, fo, place, event, arg) {
        Ok(v) if v.is_none() => Ok(()),
        Ok(v) => {
            fo.trace.set(cx, Some(v));
            Ok(())
        }
        Err(r) => {
            let saved = cx.save_error();
            let gone = cx.tracing.trace.take();
            cx.release(gone);
            fo.trace.set(cx, None);
            cx.watchers_changed();
            cx.restore_error(saved);
            Err(r)
        }
    }
}

fn local(cx: &mut Cx, fo: &Ref<FrameObj>, place: Place, event: &'static str, arg: Option<Obj>) -> PyResult<()> {
    let Some(f) = fo.trace.cloned(cx) else { return Ok(()) };
    tell(cx, &f, fo, Some(place), event, arg)
}

fn profile(cx: &mut Cx, fo: &Ref<FrameObj>, place: Option<Place>, event: &'static str, arg: Option<Obj>) -> PyResult<()> {
    let Some(f) = cx.tracing.profile.clone() else { return Ok(()) };
    match watcher(cx, &f, fo, place, event, arg) {
        Ok(v) => {
            cx.release(v);
            Ok(())
        }
        Err(r) => {
            let saved = cx.save_error();
            let gone = cx.tracing.profile.take();
            cx.release(gone);
            cx.watchers_changed();
            cx.restore_error(saved);
            Err(r)
        }
    }
}

/// Tells the native profiler.
fn hooked(cx: &mut Cx, step: Step<'_>) {
    if let Some(hook) = cx.tracing.hook.clone() {
        cx.tracing.inside.set(true);
        (hook.tell)(cx, &hook.owner, step);
        cx.tracing.inside.set(false);
    }
}

/// An event for the tools of `sys.monitoring`.
pub(super) fn report(cx: &mut Cx, event: Event, code: &Ref<CodeObj>, offset: u32, args: &[Obj]) -> PyResult<()> {
    cx.tracing.inside.set(true);
    let r = monitoring::fire(cx, event, code, offset, args);
    cx.tracing.inside.set(false);
    r
}

fn object_of(cx: &mut Cx, frame: *mut Frame) -> PyResult<Option<Ref<FrameObj>>> {
    Ok(frame_object(cx, frame)?.cast::<FrameObj>().cloned())
}

/// A frame begins, or goes on.
unsafe fn entered(cx: &mut Cx, frame: *mut Frame, place: Place) -> PyResult<()> {
    let event = if place == Place::Start { Event::PyStart } else { Event::PyResume };
    if cx.monitoring.wants(event) {
        // SAFETY: the frame is the top one.
        let code = unsafe { &*frame }.function().code.cloned(cx);
        let offset = if let Place::At(o) = place { o } else { 0 };
        report(cx, event, &code, offset, &[])?;
    }
    told_of_entry(cx, frame, place)
}

/// The event "call" for the functions of this thread.
fn told_of_entry(cx: &mut Cx, frame: *mut Frame, place: Place) -> PyResult<()> {
    if cx.tracing.hook.is_some() {
        // SAFETY: the frame is the top one.
        let code = unsafe { &*frame }.function().code.cloned(cx);
        hooked(cx, Step::Entered(&code));
    }
    if cx.tracing.trace.is_none() && cx.tracing.profile.is_none() {
        return Ok(());
    }
    let Some(fo) = object_of(cx, frame)? else { return Ok(()) };
    if let Some(f) = cx.tracing.trace.clone() {
        tell(cx, &f, &fo, Some(place), "call", None)?;
    }
    profile(cx, &fo, Some(place), "call", None)
}

/// A generator goes on in the top frame: true when its watcher raised.
pub(super) unsafe fn resumed(cx: &mut Cx, g: &Generator) -> bool {
    if !cx.watched() || cx.tracing.inside.get() {
        return false;
    }
    let place = if g.yield_reg.get() == usize::MAX { Place::Start } else { Place::At(g.offset()) };
    let frame = cx.stacks.top;
    // SAFETY: the generator's frame was just opened.
    unsafe { entered(cx, frame, place).is_err() }
}

/// An exception is thrown into the generator in the top frame; what the watcher raises takes its place.
pub(super) unsafe fn thrown(cx: &mut Cx, g: &Generator) {
    if !cx.watched() || cx.tracing.inside.get() {
        return;
    }
    let Some(exc) = cx.save_error() else { return };
    let frame = cx.stacks.top;
    // SAFETY: the generator's frame was just opened.
    let r = unsafe { throw_events(cx, frame, g.offset(), &exc) };
    let exc = replaced(cx, r, exc);
    cx.restore_error(Some(exc));
}

unsafe fn throw_events(cx: &mut Cx, frame: *mut Frame, offset: u32, exc: &Obj) -> PyResult<()> {
    // SAFETY: the frame is the top one.
    unsafe {
        if cx.monitoring.wants(Event::PyThrow) {
            let code = (*frame).function().code.cloned(cx);
            report(cx, Event::PyThrow, &code, offset, std::slice::from_ref(exc))?;
        }
        told_of_entry(cx, frame, Place::At(offset))
    }
}

/// A frame returns or yields.
unsafe fn leaving(cx: &mut Cx, frame: *mut Frame, point: &Point, value: Obj) -> PyResult<()> {
    let event = if point.what == What::Return { Event::PyReturn } else { Event::PyYield };
    // SAFETY: the frame is the top one.
    unsafe { left(cx, frame, event, Some(value)) }
}

/// YIELD_FROM hands a value of its iterator on.
pub(super) unsafe fn delegated(cx: &mut Cx, frame: *mut Frame, value: &Obj) -> PyResult<()> {
    if !cx.watched() || cx.tracing.inside.get() {
        return Ok(());
    }
    // SAFETY: the frame is the top one.
    unsafe { left(cx, frame, Event::PyYield, Some(value.clone())) }
}

unsafe fn left(cx: &mut Cx, frame: *mut Frame, event: Event, value: Option<Obj>) -> PyResult<()> {
    hooked(cx, Step::Left);
    // SAFETY: the frame is the top one.
    unsafe {
        if cx.monitoring.wants(event)
            && let Some(v) = &value
        {
            let code = (*frame).function().code.cloned(cx);
            let offset = (*frame).offset();
            report(cx, event, &code, offset, std::slice::from_ref(v))?;
        }
        if let Some(fo) = local_frame(cx, frame)
            && let Some(f) = fo.trace.cloned(cx)
        {
            tell(cx, &f, &fo, None, "return", value.clone())?;
        }
        if cx.tracing.profile.is_some()
            && let Some(fo) = object_of(cx, frame)?
        {
            profile(cx, &fo, None, "return", value)?;
        }
        Ok(())
    }
}

/// An exception is raised in the top frame or comes up to it. What the watcher raises takes its place.
pub(super) unsafe fn raised(cx: &mut Cx, exc: Obj, again: bool) -> Obj {
    if !cx.watched() || cx.tracing.inside.get() {
        return exc;
    }
    let frame = cx.stacks.top;
    // SAFETY: the frame is the top one.
    let r = unsafe { raise_events(cx, frame, &exc, again) };
    replaced(cx, r, exc)
}

fn replaced(cx: &mut Cx, r: PyResult<()>, exc: Obj) -> Obj {
    match r {
        Ok(()) => exc,
        Err(_) => {
            let new = cx.take_error();
            cx.release(exc);
            new.expect("an error was raised")
        }
    }
}

unsafe fn raise_events(cx: &mut Cx, frame: *mut Frame, exc: &Obj, again: bool) -> PyResult<()> {
    // SAFETY: the frame is the top one.
    unsafe {
        let event = if again { Event::Reraise } else { Event::Raise };
        if cx.monitoring.wants(event) {
            let code = (*frame).function().code.cloned(cx);
            let offset = (*frame).offset();
            report(cx, event, &code, offset, std::slice::from_ref(exc))?;
        }
        if again { Ok(()) } else { exception_event(cx, frame, exc) }
    }
}

/// Tells the frame's trace function of an exception.
unsafe fn exception_event(cx: &mut Cx, frame: *mut Frame, exc: &Obj) -> PyResult<()> {
    // SAFETY: the frame is the top one.
    if let Some(fo) = unsafe { local_frame(cx, frame) }
        && let Some(f) = fo.trace.cloned(cx)
    {
        let tb = crate::types::traceback::of(cx, exc);
        let arg = cx.tuple_of([exc.type_ref().into_obj(), exc.clone(), tb])?;
        tell(cx, &f, &fo, None, "exception", Some(arg))?;
    }
    Ok(())
}

/// A generator driven by FOR_ITER returned a value: who watches hears of its StopIteration. False: the watcher raised.
pub(super) fn stopped(cx: &mut Cx, value: &Obj) -> bool {
    let class = cx.types.stop_iteration.clone();
    let Ok(exc) = crate::types::exception::make(cx, &class, Some(value.clone())) else { return false };
    stop_event(cx, &exc).is_ok()
}

fn stop_event(cx: &mut Cx, exc: &Obj) -> PyResult<()> {
    if cx.tracing.inside.get() {
        return Ok(());
    }
    let frame = cx.stacks.top;
    // SAFETY: the frame that iterates is the top one.
    unsafe {
        if cx.monitoring.wants(Event::StopIteration) {
            let code = (*frame).function().code.cloned(cx);
            let offset = (*frame).offset();
            report(cx, Event::StopIteration, &code, offset, std::slice::from_ref(exc))?;
        }
        exception_event(cx, frame, exc)
    }
}

/// `next()` for FOR_ITER while somebody watches: a StopIteration that Python code raised is reported.
pub(super) fn next(cx: &mut Cx, it: &Obj) -> PyResult<Option<Obj>> {
    if !it.ty().is_heap() {
        return crate::protocol::next(cx, it);
    }
    match crate::protocol::next_raising(cx, it) {
        Ok(v) => Ok(Some(v)),
        Err(r) => {
            let Some(exc) = cx.take_error() else { return Err(r) };
            if !exc.ty().is_subtype(cx, &cx.types.stop_iteration) {
                return Err(cx.raise(exc));
            }
            let r = stop_event(cx, &exc);
            cx.release(exc);
            r.map(|()| None)
        }
    }
}

/// An exception is caught by a handler of the top frame, or leaves it.
pub(super) unsafe fn unwound(cx: &mut Cx, exc: Obj, handled: bool) -> Obj {
    if !cx.watched() || cx.tracing.inside.get() {
        return exc;
    }
    let frame = cx.stacks.top;
    branches::forget(cx, frame);
    let event = if handled { Event::ExceptionHandled } else { Event::PyUnwind };
    // SAFETY: the frame is the top one.
    unsafe {
        let mut r = Ok(());
        if cx.monitoring.wants(event) {
            let code = (*frame).function().code.cloned(cx);
            let offset = (*frame).offset();
            r = report(cx, event, &code, offset, std::slice::from_ref(&exc));
        }
        if r.is_ok() && !handled {
            r = left(cx, frame, Event::PyUnwind, None);
        }
        replaced(cx, r, exc)
    }
}

/// The function that events about a call name, if it is one written in Rust; and the first argument.
unsafe fn callee(cx: &mut Cx, op: Opcode, pc: *mut u64, regs: *mut Slot) -> (Obj, Option<Obj>, Option<Obj>) {
    // SAFETY: the window holds callable and arguments.
    unsafe {
        let (mut w, mut n) = (ops::f(pc, 1), *pc.add(2) as usize);
        if op == Opcode::CALL_METHOD {
            if peek(&*regs.add(w)).is_unbound() { w += 1 } else { n += 1 }
        }
        let f = peek(&*regs.add(w)).clone();
        let first = match op {
            Opcode::CALL_FUNCTION_EX => peek(&*regs.add(w + 1)).cast::<crate::types::Tuple>().and_then(|t| t.items().first().cloned()),
            _ if n > 0 => Some(peek(&*regs.add(w + 1)).clone()),
            _ => None,
        };
        let native = if f.cast::<crate::types::function::Builtin>().is_some() {
            Some(f.clone())
        } else if std::ptr::eq(f.ty(), &*cx.types.method_descriptor) && first.is_some() {
            let this = first.clone().expect("just asked");
            crate::types::descriptor::bound(cx, &f, &this).and_then(Result::ok)
        } else if let Some(m) = f.cast::<crate::types::function::BoundMethod>() {
            Some(m.function.cloned(cx)).filter(|o| o.cast::<crate::types::function::Builtin>().is_some())
        } else {
            None
        };
        (f, native, first)
    }
}

unsafe fn call(cx: &mut Cx, frame: *mut Frame, point: &Point, op: Opcode, pc: *mut u64, regs: *mut Slot) -> Next {
    let monitored = cx.monitoring.wants(Event::Call);
    if cx.tracing.profile.is_none() && cx.tracing.hook.is_none() && !monitored {
        return Next::Run(point.original.get());
    }
    // SAFETY: the window is whole until the call consumes it.
    unsafe {
        let (f, native, first) = callee(cx, op, pc, regs);
        let python = f.shape() == shape::FUNCTION || f.cast::<crate::types::function::BoundMethod>().is_some_and(|m| m.function.get(cx).shape() == shape::FUNCTION);
        let code = (*frame).function().code.cloned(cx);
        let missing = cx.monitoring.missing(cx);
        let args = [f, first.unwrap_or(missing)];
        if monitored && report(cx, Event::Call, &code, point.offset, &args).is_err() {
            return lost(cx, point, pc, regs);
        }
        let fo = match &native {
            Some(n) if cx.tracing.profile.is_some() => match object_of(cx, frame) {
                Ok(Some(fo)) => match profile(cx, &fo, None, "c_call", Some(n.clone())) {
                    Ok(()) => Some((fo, n.clone())),
                    Err(_) => return lost(cx, point, pc, regs),
                },
                _ => return lost(cx, point, pc, regs),
            },
            _ => None,
        };
        let timed = native.as_ref().filter(|_| cx.tracing.hook.is_some());
        if fo.is_none() && timed.is_none() && (!monitored || python) {
            return Next::Run(point.original.get());
        }
        if let Some(n) = timed {
            hooked(cx, Step::Calls(n));
        }
        let mut r = ops::call_here(cx, op, pc, regs);
        if timed.is_some() {
            hooked(cx, Step::Done);
        }
        if monitored {
            let error = if r.is_err() { cx.save_error() } else { None };
            if report(cx, if r.is_ok() { Event::CReturn } else { Event::CRaise }, &code, point.offset, &args).is_err() {
                cx.release(error);
                r = Err(cx.raised_already());
            } else {
                if r.is_err() {
                    cx.restore_error(error);
                }
            }
        }
        if let Some((fo, n)) = fo {
            let error = if r.is_err() { cx.save_error() } else { None };
            let event = if r.is_ok() { "c_return" } else { "c_exception" };
            if profile(cx, &fo, None, event, Some(n)).is_err() {
                cx.release(error);
                r = Err(cx.raised_already());
            } else if r.is_err() {
                cx.restore_error(error);
            }
        }
        match r {
            Ok(v) => Next::Called(super::give(v)),
            Err(_) => Next::Fail,
        }
    }
}

/// Calls a function with the events of this thread reported although an event is being reported (`sys.call_tracing`).
pub fn call_tracing(cx: &mut Cx, f: &Obj, args: &[Obj]) -> PyResult {
    let inside = cx.tracing.inside.replace(false);
    let r = crate::protocol::call(cx, f, args);
    cx.tracing.inside.set(inside);
    r
}
