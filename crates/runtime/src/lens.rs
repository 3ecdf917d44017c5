//! The recorder: tells a sink what happens to objects. An interpreter is put under the lens before it runs any code, so that
//! all of it is translated for the copy of the handlers that calls `step`, or changes to that copy when a program begins to
//! record itself (`inside.rs`); recording begins later. The heap then tells of every
//! block (`blocks.rs`), and every death takes the way through `bury`. An interpreter that is not under the lens pays nothing.
//!
//! The recorder makes no Python object and keeps none; its own memory is not the interpreter's. Promise L1: between an object's birth
//! and the event that its block went, its header is whole, so addresses of blocks may be read. Promise L2: `Lens::hot` points to
//! the recorder only while nobody has it, and it lies where it is.

mod blocks;
mod holders;
mod inside;
mod naming;
mod places;
mod recorder;
mod refs;
mod slices;
mod totals;
mod window;

use crate::cx::Cx;
use crate::eval::Frame;
use crate::memory;
use crate::object::{Header, Obj, shape};
use crate::types::flags;
pub use holders::{Watch, chain, holders};
pub use inside::{Answer, LifeTold, Place, Question, Recordings};
use recorder::Recorder;
use retic_events::{Asked, Event, How, Left, Level, Phase, Sink, Trigger};
use retic_heap::Entry;
use std::cell::{Cell, RefCell};
use std::ptr::{NonNull, null_mut};
use totals::Totals;
pub use window::Window;

/// What `Cx::death_depth` is above while recording: `memory::bury` then comes here.
const RECORDED: u32 = 1 << 20;

/// What is to be recorded.
#[derive(Default)]
pub struct Wanted {
    pub level: Level,
    /// A variable whose holders are looked up whenever its line runs.
    pub watch: Option<Watch>,
    /// Only from one line to another.
    pub window: Option<Window>,
}

/// Which copy of the handlers runs the code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Machine {
    /// The one that tells nobody.
    #[default]
    Plain,
    /// The one on which births can be counted, and nothing else.
    Counting,
    /// The one that tells a recorder everything.
    Recording,
}

impl Wanted {
    /// What the code has to run on for this.
    pub fn machine(&self) -> Machine {
        let alone = self.level == Level::Counts && self.watch.is_none() && self.window.is_none();
        if alone { Machine::Counting } else { Machine::Recording }
    }
}

/// The lens of one interpreter.
pub struct Lens {
    machine: Cell<Machine>,
    recording: Cell<bool>,
    /// Sums are kept, and nothing else.
    counting: Cell<bool>,
    /// The recording begins at a line that was not reached yet.
    waiting: Cell<bool>,
    /// The program itself began the recording.
    inside: Cell<bool>,
    /// Instructions carried out.
    steps: Cell<u64>,
    /// The native callable that runs, borrowed from the register that holds it.
    callee: Cell<*mut Header>,
    /// What stands for it among places; `naming::NOT_ASKED`: nobody has asked yet.
    callee_word: Cell<u64>,
    hint: Cell<(How, u32)>,
    /// The frame that ran last.
    top: Cell<*mut Frame>,
    /// Every instruction is attended to.
    every: Cell<bool>,
    /// The next instruction is.
    attention: Cell<bool>,
    /// A variable is watched.
    watching: Cell<bool>,
    /// The recorder has something that it will know more of later, or was busy when something happened.
    pub(crate) pending: Cell<bool>,
    /// Frames are being left by an exception.
    pub(crate) raising: Cell<bool>,
    recorder: RefCell<Option<Box<Recorder>>>,
    /// The recorder, while it records and nobody has it.
    hot: Cell<*mut Recorder>,
    /// What happened to blocks while the recorder was busy.
    missed: RefCell<Vec<Entry>>,
    totals: RefCell<Option<Box<Totals>>>,
    /// The same while the heap tells of births, else null.
    sums: Cell<*mut Totals>,
    /// The machine works for itself: what it makes is at no place of the program.
    aside: Cell<bool>,
}

impl Default for Lens {
    fn default() -> Lens {
        Lens {
            machine: Cell::new(Machine::Plain),
            recording: Cell::new(false),
            counting: Cell::new(false),
            waiting: Cell::new(false),
            inside: Cell::new(false),
            steps: Cell::new(0),
            callee: Cell::new(null_mut()),
            callee_word: Cell::new(0),
            hot: Cell::new(null_mut()),
            hint: Cell::new((How::Dropped, 0)),
            top: Cell::new(null_mut()),
            every: Cell::new(false),
            attention: Cell::new(false),
            watching: Cell::new(false),
            pending: Cell::new(false),
            raising: Cell::new(false),
            recorder: RefCell::new(None),
            missed: RefCell::default(),
            totals: RefCell::new(None),
            sums: Cell::new(null_mut()),
            aside: Cell::new(false),
        }
    }
}

impl Lens {
    /// Whether code is translated for the recording machine.
    #[inline(always)]
    pub fn is_on(&self) -> bool {
        self.machine.get() == Machine::Recording
    }
    /// Whether code is translated for the machine on which births are counted.
    pub fn counts_alone(&self) -> bool {
        self.machine.get() == Machine::Counting
    }
    /// Whether events are recorded now.
    #[inline(always)]
    pub fn is_recording(&self) -> bool {
        self.recording.get()
    }
    pub(crate) fn set_on(&self, on: bool) {
        self.machine.set(if on { Machine::Recording } else { Machine::Plain });
    }
    /// Instructions carried out since the interpreter was put under the lens.
    pub fn steps(&self) -> u64 {
        self.steps.get()
    }
    /// Something native is called, or no longer; what was called outside of it.
    #[inline(always)]
    pub(crate) fn calls(&self, callee: *mut Header) -> *mut Header {
        self.callee_word.set(if callee.is_null() { 0 } else { naming::NOT_ASKED });
        self.callee.replace(callee)
    }
    /// Says why a value is dropped next.
    #[inline(always)]
    pub(crate) fn hint(&self, how: How, arg: usize) {
        self.hint.set((how, arg as u32));
    }
}

impl Lens {
    /// The recorder is where it belongs, from now on or again.
    fn warm_up(&self) {
        let at = self.recorder.borrow_mut().as_deref_mut().map_or(null_mut(), |r| &raw mut *r);
        self.hot.set(if self.recording.get() { at } else { null_mut() });
    }
    /// The recorder, if nothing waits to be told first.
    #[inline(always)]
    fn ready(&self) -> *mut Recorder {
        if self.pending.get() { null_mut() } else { self.hot.get() }
    }
}

impl Cx {
    /// Puts the interpreter under the lens. To be called before it runs any code.
    pub fn put_under_lens(&mut self, machine: Machine) {
        self.lens.machine.set(machine);
    }
    /// Begins to record, now or where the window begins. The interpreter is under the lens.
    pub fn begin_recording(&mut self, sink: Box<dyn Sink>, wanted: Wanted) {
        let able = self.lens.is_on() || self.lens.counts_alone() && wanted.machine() == Machine::Counting;
        if !able || self.lens.recorder.borrow().is_some() {
            return;
        }
        let lens = &self.lens;
        lens.watching.set(wanted.watch.is_some());
        lens.every.set(wanted.watch.is_some() || wanted.window.is_some() || wanted.level >= Level::Refs);
        let waits = wanted.window.as_ref().is_some_and(Window::waits);
        *lens.recorder.borrow_mut() = Some(Box::new(Recorder::new(sink, wanted)));
        lens.top.set(self.stacks.top);
        if waits {
            lens.waiting.set(true);
            self.lens.attention.set(true);
        } else {
            self.open();
        }
    }
    fn open(&mut self) {
        let top = self.stacks.top;
        self.lens.top.set(top);
        let counts = self.lens.recorder.borrow().as_ref().is_some_and(|r| r.level == Level::Counts);
        if counts {
            self.lens.counting.set(true);
            let mut totals: Box<Totals> = Box::default();
            self.lens.sums.set(&raw mut *totals);
            *self.lens.totals.borrow_mut() = Some(totals);
            self.heap.set_tally(Some(totals::tally(self)));
            self.lens.attention.set(self.lens.every.get());
            return;
        }
        self.lens.recording.set(true);
        self.lens.warm_up();
        self.death_depth.set(self.death_depth.get() + RECORDED);
        self.heap.set_tally(Some(blocks::tally(self)));
        checkpoint(self);
        let mut frames: Vec<*mut Frame> = self.stacks.iter().map(|f| (&raw const *f).cast_mut()).collect();
        frames.reverse();
        with(self, |cx, r| frames.into_iter().for_each(|f| _ = r.entered(cx, f)));
        self.lens.attention.set(self.lens.every.get());
    }
    fn close(&mut self) {
        self.heap.set_tally(None);
        self.lens.hot.set(null_mut());
        self.lens.sums.set(null_mut());
        self.lens.missed.borrow_mut().clear();
        *self.lens.totals.borrow_mut() = None;
        self.lens.attention.set(false);
        for flag in [&self.lens.pending, &self.lens.recording, &self.lens.counting, &self.lens.waiting, &self.lens.every, &self.lens.watching] {
            flag.set(false);
        }
        self.death_depth.set(if self.death_depth.get() >= RECORDED { self.death_depth.get() - RECORDED } else { self.death_depth.get() });
    }
    /// Ends the recording: the sink gets what is left, and its end.
    pub fn end_recording(&mut self) {
        self.stop_recording();
        let recorder = self.lens.recorder.borrow_mut().take();
        if let Some(mut r) = recorder {
            r.finish(self);
        }
    }
    /// Records no more; the sink hears of the end later.
    fn stop_recording(&mut self) {
        if self.lens.is_recording() {
            settle(self);
            checkpoint(self);
        } else if self.lens.counting.get() {
            self.heap.set_tally(None);
            self.lens.sums.set(null_mut());
            let totals = self.lens.totals.borrow_mut().take();
            if let Some(mut totals) = totals {
                totals.living(self);
                if let Some(r) = self.lens.recorder.borrow_mut().as_mut() {
                    r.tell_totals(&totals);
                }
            }
        }
        self.close();
    }
    /// Ends the recording of a child process, which must not write to its parent's file.
    pub fn forget_recording(&mut self) {
        self.close();
        std::mem::forget(self.lens.recorder.borrow_mut().take());
    }
}

/// Before an instruction is carried out.
///
/// # Safety
/// `pc` is an instruction of the top frame.
#[inline(always)]
pub(crate) unsafe fn step(cx: *mut Cx, pc: *mut u64) {
    // SAFETY: the context is live and nobody else uses it.
    unsafe {
        let cx = &mut *cx;
        let top = cx.stacks.top;
        if cx.lens.attention.get() || top != cx.lens.top.get() {
            attend(cx, pc);
        }
        cx.lens.steps.set(cx.lens.steps.get() + 1);
        (*top).pc = pc;
    }
}

/// Something waits to be told: births of the instruction before, a new frame.
#[inline(never)]
unsafe fn attend(cx: &mut Cx, pc: *mut u64) {
    let top = cx.stacks.top;
    settle(cx);
    let (recorder, every) = (cx.lens.hot.get(), cx.lens.every.get());
    if recorder.is_null() {
        cx.lens.top.set(top);
        if cx.lens.waiting.get() || cx.lens.counting.get() && every {
            // SAFETY: the top frame; the instruction is its next.
            unsafe { (*top).pc = pc };
            look_at_window(cx);
        }
        return;
    }
    // SAFETY: L2; the instruction is the next of the top frame.
    unsafe {
        let over = if every { (*recorder).over(cx) } else { 0 };
        let mut ended = top != cx.lens.top.get() && (*recorder).entered(cx, top);
        cx.lens.top.set(top);
        cx.lens.attention.set(every);
        (*top).pc = pc;
        if every && (*recorder).only_counts() {
            ended |= (*recorder).attended_counts(cx, over);
        } else if every && with(cx, |cx, r| r.attended(cx, over)) {
            finish_window(cx);
        }
        after(cx, ended);
    }
}

/// What is recorded ends here: who holds what then is told.
#[cold]
fn finish_window(cx: &mut Cx) {
    with(cx, |cx, r| r.look_at_all(cx));
    cx.stop_recording();
}

/// Before the window, or while sums are kept inside one: whether it opens or closes here.
fn look_at_window(cx: &mut Cx) {
    let waiting = cx.lens.waiting.get();
    let mut recorder = cx.lens.recorder.borrow_mut().take();
    let now = recorder.as_mut().is_none_or(|r| if waiting { r.window_opens(cx) } else { r.window_closes(cx) });
    *cx.lens.recorder.borrow_mut() = recorder;
    cx.lens.attention.set(true);
    if now && waiting {
        cx.lens.waiting.set(false);
        cx.open();
    } else if now {
        cx.stop_recording();
    }
}

/// Runs something on the recorder, if there is one.
fn with<T: Default>(cx: &mut Cx, act: impl FnOnce(&mut Cx, &mut Recorder) -> T) -> T {
    if !cx.lens.is_recording() {
        return T::default();
    }
    let Some(mut r) = cx.lens.recorder.borrow_mut().take() else { return T::default() };
    cx.lens.hot.set(null_mut());
    let out = act(cx, &mut r);
    *cx.lens.recorder.borrow_mut() = Some(r);
    cx.lens.warm_up();
    out
}

/// The sink may have had enough: then the process ends here, as by `os._exit`.
#[inline(always)]
fn after(cx: &mut Cx, ended: bool) {
    if ended {
        end_here(cx);
    }
}
#[cold]
#[inline(never)]
fn end_here(cx: &mut Cx) {
    cx.end_recording();
    cx.host.flush();
    let _ = cx.host.exit(0);
}

fn checkpoint(cx: &mut Cx) {
    with(cx, |cx, r| r.checkpoint(cx));
}

/// Lets the recorder take in what waits: the birth before, what happened while it was busy.
#[inline(always)]
pub(crate) fn settle(cx: &mut Cx) {
    if cx.lens.pending.get() {
        settle_now(cx);
    }
}
#[inline(never)]
fn settle_now(cx: &mut Cx) {
    let ended = with(cx, |cx, r| r.settle(cx));
    after(cx, ended);
}

/// As `memory::bury`, told.
///
/// # Safety
/// As `memory::bury`.
#[inline(never)]
pub(crate) unsafe fn bury(cx: &mut Cx, raw: NonNull<Header>) {
    let depth = cx.death_depth.get() - RECORDED;
    // SAFETY: passed on.
    unsafe {
        // What is too deep waits, numbers as well.
        if depth < memory::NESTING_MAX && matches!(raw.as_ref().shape.get(), shape::INT | shape::FLOAT) {
            settle(cx);
            let hint = cx.lens.hint.replace((How::Dropped, 0));
            let recorder = cx.lens.hot.get();
            if recorder.is_null() {
                blocks::wait(cx, Entry::Went { block: raw.as_ptr() as usize, size: 0 });
            } else if (*recorder).number_dies(cx, raw, hint) {
                after(cx, true);
            }
            // It is told already.
            return cx.heap.free_number_short(raw.cast(), (raw.as_ref().shape.get() - shape::INT) as usize);
        }
        bury_object(cx, raw, depth);
    }
}

/// # Safety
/// As `bury`.
#[inline(never)]
unsafe fn bury_object(cx: &mut Cx, raw: NonNull<Header>, depth: u32) {
    // SAFETY: passed on.
    unsafe {
        if depth >= memory::NESTING_MAX {
            if raw.as_ref().ty.get().as_ref().flags.get() & flags::GC != 0 {
                memory::cycles::hide(raw);
            }
            cx.dying.borrow_mut().push(raw);
            with(cx, |_, r| r.defer(raw.as_ptr() as usize));
            return;
        }
        cx.death_depth.set(RECORDED + depth + 1);
        die(cx, raw);
        cx.death_depth.set(RECORDED + depth);
        if depth > 0 {
            return;
        }
        loop {
            let next = cx.dying.borrow_mut().pop();
            let Some(next) = next else { break };
            cx.death_depth.set(RECORDED + 1);
            die(cx, next);
            cx.death_depth.set(RECORDED);
        }
    }
}

unsafe fn die(cx: &mut Cx, raw: NonNull<Header>) {
    settle(cx);
    let hint = cx.lens.hint.replace((How::Dropped, 0));
    // SAFETY: the object is whole until `dissolve`; L2.
    unsafe {
        let recorder = cx.lens.hot.get();
        if !recorder.is_null() {
            let ended = (*recorder).dying(cx, raw, hint);
            after(cx, ended);
        }
        memory::dissolve(cx, raw);
        settle(cx);
        let recorder = cx.lens.hot.get();
        if !recorder.is_null() {
            (*recorder).died();
        }
    }
}

/// A native callable is about to run, its arguments in their window.
#[inline(never)]
pub(crate) fn calling(cx: &mut Cx) {
    if cx.lens.watching.get() {
        settle(cx);
        with(cx, |cx, r| r.watched(cx, true));
        cx.lens.attention.set(cx.lens.every.get());
    }
}

/// The top frame is about to drop its registers.
#[inline(never)]
pub(crate) fn frame_leaving(cx: &mut Cx, frame: *mut Frame) {
    settle(cx);
    let recorder = cx.lens.hot.get();
    if !recorder.is_null() {
        // SAFETY: L2.
        unsafe { (*recorder).leaving(cx, frame) };
    }
    // What dies with the registers dies in the frame below; where it was left is in `leaving`.
    cx.lens.top.set(frame.wrapping_sub(1));
}

/// A frame was left and its registers are empty.
#[inline(never)]
pub(crate) fn frame_left(cx: &mut Cx, frame: *mut Frame) {
    settle(cx);
    let recorder = cx.lens.hot.get();
    if !recorder.is_null() {
        let how = if cx.lens.raising.get() { Left::Raised } else { Left::Returned };
        // SAFETY: L2.
        let ended = unsafe { (*recorder).left(cx, frame, how) };
        after(cx, ended);
        cx.lens.hint(How::Dropped, 0);
    }
    cx.lens.top.set(frame.wrapping_sub(1));
}

/// A generator's frame waits.
#[inline(never)]
pub(crate) fn frame_suspended(cx: &mut Cx, frame: *mut Frame) {
    settle(cx);
    with(cx, |cx, r| r.left(cx, frame, Left::Yielded));
    cx.lens.top.set(frame.wrapping_sub(1));
}

/// The machine works for itself from here on, or no longer: births and deaths are at no place of the program.
pub(crate) fn machine(cx: &mut Cx, yes: bool) {
    settle(cx);
    with(cx, |_, r| r.machine(yes));
}

/// A finaliser begins or ends.
#[inline(always)]
pub(crate) fn finalizer(cx: &mut Cx, obj: &Obj, begins: bool) {
    if cx.lens.is_recording() {
        finalizer_now(cx, obj, begins);
    }
}
#[cold]
#[inline(never)]
fn finalizer_now(cx: &mut Cx, obj: &Obj, begins: bool) {
    settle(cx);
    let hint = cx.lens.hint.replace((How::Dropped, 0));
    let ended = with(cx, |cx, r| r.finalizer(cx, obj, begins, hint));
    after(cx, ended);
}

/// An object was brought back by its finaliser.
pub(crate) fn revived(cx: &mut Cx, obj: &Obj) {
    if cx.lens.is_recording() {
        settle(cx);
        with(cx, |cx, r| r.revived(cx, obj));
    }
}

/// A collection begins, or ends with a number of unreachable objects.
pub(crate) fn collection(cx: &mut Cx, generation: usize, found: Option<usize>) {
    if cx.lens.is_recording() {
        settle(cx);
        let trigger = if cx.ending { Trigger::Exit } else { Trigger::Threshold };
        let trigger = if trigger == Trigger::Threshold && !cx.lens.callee.get().is_null() { Trigger::Call } else { trigger };
        with(cx, |cx, r| {
            let event = match found {
                None => Event::GcBegins { generation: generation as u8, trigger },
                Some(found) => Event::GcEnds { found: found as u64 },
            };
            r.tell(cx, event)
        });
    }
}

/// Garbage is taken apart from here on, or no longer.
pub(crate) fn cycle(cx: &mut Cx, yes: bool) {
    if cx.lens.is_recording() {
        with(cx, |_, r| r.cycle(yes));
    }
}

/// The address of an object is seen by the program.
#[inline(always)]
pub(crate) fn asked(cx: &mut Cx, obj: &Obj, how: Asked) {
    if cx.lens.is_recording() {
        asked_now(cx, obj, how);
    }
}
#[cold]
#[inline(never)]
fn asked_now(cx: &mut Cx, obj: &Obj, how: Asked) {
    settle(cx);
    let ended = with(cx, |cx, r| r.asked(cx, obj, how));
    after(cx, ended);
}

/// The program compares two objects with `is`.
pub(crate) fn compared(cx: &mut Cx, a: &Obj, b: &Obj) {
    if cx.lens.is_recording() {
        settle(cx);
        let ended = with(cx, |cx, r| r.compared(cx, a, b));
        after(cx, ended);
    }
}

/// The program printed something to standard output.
pub(crate) fn printed(cx: &mut Cx, bytes: &[u8]) {
    if cx.lens.is_recording() {
        settle(cx);
        let ended = with(cx, |cx, r| r.printed(cx, bytes));
        after(cx, ended);
    }
}

/// The interpreter's end has come to a phase.
pub(crate) fn phase(cx: &mut Cx, phase: Phase) {
    if cx.lens.is_recording() {
        settle(cx);
        with(cx, |cx, r| {
            r.tell(cx, Event::Phase(phase));
            if phase == Phase::ProgramEnded {
                r.look_at_all(cx);
            }
        });
    }
}

/// While births are counted: the machine works for itself from here on, or no longer.
pub(crate) fn counts_aside(cx: &mut Cx, yes: bool) {
    cx.lens.aside.set(yes);
    let totals = if yes { None } else { cx.lens.totals.borrow_mut().as_deref_mut().map(|t| &raw mut *t) };
    cx.lens.sums.set(totals.unwrap_or(null_mut()));
}

/// A class or a code object goes: its address, by which the sums know it, may be another's soon.
pub(crate) fn name_goes(cx: &Cx) {
    if cx.lens.counting.get() {
        totals::forget(cx);
    }
}

/// Another thread has the interpreter now.
pub(crate) fn thread_switched(cx: &mut Cx) {
    if cx.lens.counting.get() {
        cx.lens.top.set(cx.stacks.top);
    }
    if cx.lens.is_recording() {
        if cx.death_depth.get() < RECORDED {
            cx.death_depth.set(cx.death_depth.get() + RECORDED);
        }
        settle(cx);
        let id = cx.threads.current as u32;
        let top = cx.stacks.top;
        cx.lens.top.set(top);
        if top.is_null() {
            // The thread that ran has taken its stacks away.
            return;
        }
        with(cx, |cx, r| r.thread(cx, id));
    }
}
