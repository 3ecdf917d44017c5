//! Turns what happens into events, and gives them serial numbers and places.

use super::Wanted;
use super::holders::Watch;
use super::naming::Names;
use super::places::{self, BUFFER, Blocks};
use super::refs::Refs;
use super::window::Window;
use crate::cx::Cx;
use crate::eval::Frame;
use crate::memory::pre_size;
use crate::object::{Header, Obj, shape};
use crate::types::{Str, Type};
use retic_events::{Asked, ELDER, Event, How, Left, Level, Look, Nature, Sink};
use retic_heap::Entry;
use rustc_hash::{FxHashMap, FxHashSet};
use std::ptr::{NonNull, null_mut};

/// Events are handed over in such numbers.
const BATCH: usize = 4096;

/// A block whose object has no header yet, as far as is known. Block 0: there is none.
#[derive(Clone, Copy, Default)]
struct Fresh {
    block: usize,
    size: usize,
    before: usize,
    serial: u64,
}

/// Where the program is, before that is given a number.
struct Here {
    step: u64,
    /// The frame that ran last, and where it is.
    top: *mut Frame,
    pc: *mut u64,
    callee: *mut Header,
    by_instruction: u32,
    /// How many frames are being left.
    leaving: u32,
    /// The machine works for itself.
    machine: bool,
}

/// What the recorder knows of a frame.
struct Entered {
    frame: *mut Frame,
    /// What was being called when it was entered.
    callee: *mut Header,
    /// Deaths that were under way.
    dying: usize,
    cycle: bool,
    raising: bool,
}

pub struct Recorder {
    pub(super) sink: Box<dyn Sink>,
    pub level: Level,
    pub watch: Option<Watch>,
    /// At the levels that tell counts.
    pub refs: Option<Box<Refs>>,
    pub window: Option<Window>,
    events: Vec<Event>,
    /// The object's block that came last, until its header is read: at the next event.
    fresh: Fresh,
    /// The sink has had enough.
    pub(super) ended: bool,
    pub(super) names: Names,
    blocks: Blocks,
    next: u64,
    next_elder: u64,
    /// Step, site and name of the last `At`.
    last: (u64, u32, u32),
    /// What the last `At` was made of.
    here: Here,
    frames: Vec<Entered>,
    /// Frames whose registers are being dropped: the frame below, the place.
    leaving: Vec<(*mut Frame, u32)>,
    dying: Vec<u64>,
    /// Why objects die whose finalisers run first: address, what was said.
    rites: Vec<(usize, (How, u32))>,
    /// Deaths that wait: the object's address, its owner's serial number.
    deferred: FxHashMap<usize, u64>,
    cycle: bool,
    machine: bool,
    /// The instruction that is over, while what it changed is told; 0: the one that runs.
    pub(super) by_instruction: u32,
    /// The last checkpoint, in 2^20 steps.
    checked: u64,
}

/// The next instruction of the frame that ran last.
#[inline(always)]
fn pc_of(cx: &Cx, top: *mut Frame) -> *mut u64 {
    // SAFETY: records from the bottom to the frame that ran last are whole.
    if top.is_null() || cx.stacks.is_bottom(top) { null_mut() } else { unsafe { (*top).pc } }
}

impl Recorder {
    pub fn new(sink: Box<dyn Sink>, wanted: Wanted) -> Recorder {
        Recorder {
            sink,
            level: wanted.level,
            watch: wanted.watch,
            refs: (wanted.level >= Level::Refs).then(Box::default),
            window: wanted.window,
            events: Vec::with_capacity(BATCH + 64),
            fresh: Fresh::default(),
            ended: false,
            names: Names::default(),
            blocks: Blocks::default(),
            next: 1,
            next_elder: ELDER,
            last: (u64::MAX, 0, 0),
            here: Here { step: u64::MAX, top: null_mut(), pc: null_mut(), callee: null_mut(), by_instruction: 0, leaving: 0, machine: false },
            frames: Vec::new(),
            leaving: Vec::new(),
            dying: Vec::new(),
            rites: Vec::new(),
            deferred: FxHashMap::default(),
            cycle: false,
            machine: false,
            by_instruction: 0,
            checked: 0,
        }
    }
    pub fn finish(&mut self) {
        self.read_fresh();
        self.flush();
        self.sink.finish();
    }
    fn flush(&mut self) {
        self.sink.events(&self.events);
        self.events.clear();
    }
    /// Somebody wants to read what was recorded so far.
    pub fn show(&mut self) {
        self.read_fresh();
        self.flush();
        self.sink.flush();
    }

    /// Adds an event of here and now. True: the sink has had enough.
    // An event is made where it is kept: moved there, it would be read wider than it was written, and the processor waits.
    #[inline(always)]
    pub fn tell(&mut self, cx: &Cx, event: Event) -> bool {
        self.read_fresh();
        self.tell_where(cx);
        self.push(event)
    }
    #[inline(always)]
    fn push(&mut self, event: Event) -> bool {
        self.events.push(event);
        if self.events.len() >= BATCH {
            self.hand_over();
        }
        self.ended
    }
    #[inline(never)]
    fn hand_over(&mut self) {
        self.flush();
        self.ended |= self.sink.enough();
    }
    /// Tells where the program is, if it was told otherwise last.
    #[inline(always)]
    fn tell_where(&mut self, cx: &Cx) {
        let top = cx.lens.top.get();
        let there = &self.here;
        let same = there.step == cx.lens.steps.get()
            && there.by_instruction == self.by_instruction
            && there.top == top
            && there.pc == pc_of(cx, top)
            && there.callee == cx.lens.callee.get()
            && there.leaving == self.leaving.len() as u32
            && there.machine == self.machine;
        if !same {
            self.tell_new_place(cx);
        }
    }
    #[inline(never)]
    fn tell_new_place(&mut self, cx: &Cx) {
        let (top, callee, step) = (cx.lens.top.get(), cx.lens.callee.get(), cx.lens.steps.get());
        let pc = pc_of(cx, top);
        let usual = !self.machine && self.by_instruction == 0 && self.leaving.is_empty() && !pc.is_null();
        let known = if usual { self.names.known_site(pc as usize) } else { self.by_instruction };
        let site = if known != 0 && !self.machine { known } else { self.place(cx) };
        let by = if callee.is_null() { 0 } else { self.names.callee(&mut *self.sink, callee) };
        (self.here.step, self.here.top, self.here.pc, self.here.callee) = (step, top, pc, callee);
        (self.here.by_instruction, self.here.leaving, self.here.machine) = (self.by_instruction, self.leaving.len() as u32, self.machine);
        if self.last.0 != step || self.last.1 != site || self.last.2 != by {
            (self.last.0, self.last.1, self.last.2) = (step, site, by);
            self.events.push(Event::At { step, site, by });
        }
    }
    /// The number of the place where the program is; 0: in no code.
    pub(super) fn place(&mut self, cx: &Cx) -> u32 {
        if self.machine {
            return 0;
        }
        if self.by_instruction != 0 {
            return self.by_instruction;
        }
        let top = cx.lens.top.get();
        if let Some((below, site)) = self.leaving.last()
            && *below == top
        {
            return *site;
        }
        self.site(cx, top)
    }
    fn site(&mut self, cx: &Cx, frame: *mut Frame) -> u32 {
        if frame.is_null() || cx.stacks.is_bottom(frame) {
            return 0;
        }
        // SAFETY: records from the bottom to the frame that ran last are whole.
        self.names.site(cx, &mut *self.sink, unsafe { &*frame })
    }

    // ---- blocks

    /// Takes in what is only known by now: the header of the block that came last, and what happened while the recorder was busy.
    pub fn settle(&mut self, cx: &Cx) -> bool {
        self.read_fresh();
        cx.lens.pending.set(false);
        let missed = std::mem::take(&mut *cx.lens.missed.borrow_mut());
        // What came and went again meanwhile has no header to be read any more.
        let (mut gone, mut passing) = (FxHashSet::default(), vec![false; missed.len()]);
        for (entry, passes) in missed.iter().zip(&mut passing).rev() {
            match entry {
                Entry::Went { block, .. } => _ = gone.insert(*block),
                Entry::Came { block, .. } => *passes = gone.remove(block),
                Entry::Resized { .. } => {}
            }
        }
        for (entry, passes) in missed.into_iter().zip(passing) {
            match entry {
                Entry::Came { block, size, before } => self.came(cx, block, size, if passes { Entry::BUFFER } else { before }),
                Entry::Went { block, .. } => self.went(cx, block),
                Entry::Resized { from, to, size } => self.resized(cx, from, to, size),
            }
        }
        self.read_fresh();
        self.ended
    }
    /// A block came.
    #[inline(always)]
    pub fn came(&mut self, cx: &Cx, block: usize, size: usize, before: usize) {
        self.read_fresh();
        self.tell_where(cx);
        let serial = self.next;
        self.next += 1;
        if before == Entry::BUFFER {
            self.blocks.set(block, serial | BUFFER);
            self.push(Event::Buffer { serial, address: block as u64, size: size as u64 });
        } else {
            self.blocks.set(block, places::object(serial, before));
            self.fresh = Fresh { block, size, before, serial };
        }
    }
    /// The object in the block that came last has its header by now.
    #[inline(always)]
    fn read_fresh(&mut self) {
        if self.fresh.block != 0 {
            self.read_header();
        }
    }
    #[inline(never)]
    fn read_header(&mut self) {
        let Fresh { block, size, before, serial } = std::mem::take(&mut self.fresh);
        let address = block + before;
        // SAFETY: L1; the word of the type is zero until whoever took the block writes the header.
        let ty = unsafe { (&raw const (*(address as *const Header)).ty).cast::<*mut Type>().read() };
        match NonNull::new(ty) {
            Some(ty) => {
                let type_id = self.names.type_of(&mut *self.sink, ty);
                self.push(Event::Birth { serial, address: address as u64, size: size as u32, before: before as u8, type_id });
            }
            None => {
                self.blocks.set(block, serial | BUFFER);
                self.push(Event::Buffer { serial, address: block as u64, size: size as u64 });
            }
        }
    }
    /// A block went.
    #[inline]
    pub fn went(&mut self, cx: &Cx, block: usize) {
        if self.fresh.block == block {
            // It went unburied: it never was an object.
            let Fresh { size, serial, .. } = std::mem::take(&mut self.fresh);
            self.push(Event::Buffer { serial, address: block as u64, size: size as u64 });
        }
        if let Some(refs) = &mut self.refs {
            refs.went(block);
        }
        let known = self.blocks.take(block);
        self.tell(cx, Event::Free { serial: places::serial(known), block: block as u64 });
    }
    /// A block has another size, and perhaps another place.
    pub fn resized(&mut self, cx: &Cx, from: usize, to: usize, size: usize) {
        self.read_fresh();
        let known = self.blocks.take(from);
        self.blocks.set(to, known);
        if known != 0 {
            self.tell(cx, Event::Resize { serial: places::serial(known), address: to as u64, size: size as u64 });
        }
    }

    /// The serial number of what lies at a block; 0: nothing known.
    pub fn at_block(&self, block: usize) -> u64 {
        places::serial(self.blocks.get(block))
    }
    /// The serial number of an object; one older than the recording gets one now.
    pub fn serial(&mut self, cx: &Cx, obj: &Obj) -> u64 {
        let before = pre_size(obj.ty());
        let block = obj.address() - before;
        let known = self.blocks.get(block);
        if known != 0 && known & BUFFER == 0 {
            return places::serial(known);
        }
        let serial = self.next_elder;
        self.next_elder += 1;
        self.blocks.set(block, places::object(serial, before));
        let type_id = self.names.type_of(&mut *self.sink, NonNull::from(obj.ty()));
        let nature = self.nature(cx, obj);
        self.tell(cx, Event::Elder { serial, address: obj.address() as u64, type_id, nature });
        serial
    }
    fn nature(&self, cx: &Cx, obj: &Obj) -> Nature {
        let immortal = obj.is_immortal();
        match obj.shape() {
            shape::NONE | shape::BOOL => Nature::Singleton,
            shape::INT if immortal => Nature::SmallInt,
            shape::STR | shape::BYTES | shape::TUPLE if immortal => Nature::Shared,
            _ if self.is_constant(cx, obj) => Nature::Constant,
            shape::STR if obj.cast::<Str>().is_some_and(|s| s.is_interned()) => Nature::Interned,
            _ if obj.is(&cx.consts.ellipsis) || obj.is(&cx.consts.not_implemented) => Nature::Singleton,
            _ if immortal || obj.cast::<Type>().is_some() || obj.cast::<crate::types::function::Builtin>().is_some() || obj.cast::<crate::types::module::Module>().is_some() => {
                Nature::BuiltIn
            }
            _ => Nature::Older,
        }
    }
    /// Whether the running code has the object among its constants.
    fn is_constant(&self, cx: &Cx, obj: &Obj) -> bool {
        let Some(frame) = cx.stacks.current() else { return false };
        let code = frame.function().code.get(cx);
        code.constants_known(cx).is_some_and(|t| t.items().iter().any(|c| c.is(obj)))
    }

    /// The serial number of an object that was born in the recording; 0: an older one.
    pub fn known(&self, obj: &Obj) -> u64 {
        let known = self.blocks.get(obj.address() - pre_size(obj.ty()));
        if known & BUFFER == 0 && places::serial(known) < ELDER { places::serial(known) } else { 0 }
    }
    /// Addresses of the recorded objects whose blocks did not go.
    pub fn living(&self) -> Vec<usize> {
        let mut out = Vec::new();
        self.blocks.each(|block, entry| {
            if entry & BUFFER == 0 && places::serial(entry) < ELDER {
                out.push(block + places::before(entry));
            }
        });
        out
    }
    pub fn text(&mut self, text: &str) -> u32 {
        self.names.text(&mut *self.sink, text)
    }
    pub fn code_of(&mut self, cx: &Cx, frame: &Frame) -> u32 {
        self.names.code(cx, &mut *self.sink, frame)
    }
    pub fn site_of(&mut self, cx: &Cx, frame: &Frame) -> u32 {
        self.names.site(cx, &mut *self.sink, frame)
    }

    // ---- deaths

    /// # Safety
    /// The object is dead and whole.
    pub unsafe fn dying(&mut self, cx: &Cx, raw: NonNull<Header>, hint: (How, u32)) -> bool {
        let raw = raw.as_ptr();
        // SAFETY: borrowed only; the object is whole.
        let obj = unsafe { crate::eval::peek(&raw) };
        let serial = self.serial(cx, obj);
        self.names.forget(obj);
        if self.level >= Level::Refs {
            self.lets_go(cx, obj);
        }
        let hint = match self.rites.iter().rposition(|r| r.0 == obj.address()) {
            Some(i) => self.rites.remove(i).1,
            None => hint,
        };
        let (how, arg) = self.cause(cx, obj.address(), serial, hint);
        self.dying.push(serial);
        self.tell(cx, Event::Dying { serial, how, arg })
    }
    /// As `dying` and the end of its block at once, of an int or a float: nothing hangs on those.
    ///
    /// # Safety
    /// As `dying`.
    pub unsafe fn number_dies(&mut self, cx: &Cx, raw: NonNull<Header>, hint: (How, u32)) -> bool {
        let (block, pointer) = (raw.as_ptr() as usize, raw.as_ptr());
        self.read_fresh();
        let known = self.blocks.take(block);
        // SAFETY: borrowed only; the object is whole.
        let serial = if known != 0 && known & BUFFER == 0 { places::serial(known) } else { self.new_elder(cx, unsafe { crate::eval::peek(&pointer) }) };
        let usual = self.deferred.is_empty() && !self.cycle && self.dying.is_empty() && hint.0 != How::FrameLeft;
        let (how, arg) = if usual { hint } else { self.cause(cx, block, serial, hint) };
        if let Some(refs) = &mut self.refs {
            refs.went(block);
        }
        self.tell_where(cx);
        self.events.push(Event::Dying { serial, how, arg });
        self.push(Event::Free { serial, block: block as u64 })
    }
    /// A number older than the recording gets a serial number for its death.
    #[inline(never)]
    fn new_elder(&mut self, cx: &Cx, obj: &Obj) -> u64 {
        let serial = self.serial(cx, obj);
        self.blocks.take(obj.address());
        serial
    }
    fn cause(&mut self, cx: &Cx, address: usize, serial: u64, hint: (How, u32)) -> (How, u32) {
        if !self.deferred.is_empty()
            && let Some(owner) = self.deferred.remove(&address)
        {
            let distance = i32::try_from(owner as i64 - serial as i64).unwrap_or(0);
            return (How::OwnerDied, distance as u32);
        }
        let under_way = self.frames.last().map_or(0, |f| f.dying);
        if self.dying.len() > under_way {
            (How::OwnerDied, 0)
        } else if self.cycle {
            (How::Cycle, 0)
        } else if hint.0 == How::FrameLeft && cx.lens.raising.get() {
            (How::Unwound, hint.1)
        } else {
            hint
        }
    }
    /// The death of an object waits until those above it are over.
    pub fn defer(&mut self, address: usize) {
        if let Some(owner) = self.dying.last() {
            self.deferred.insert(address, *owner);
        }
    }
    pub fn died(&mut self) {
        self.dying.pop();
    }
    pub fn machine(&mut self, yes: bool) {
        self.machine = yes;
    }
    pub fn cycle(&mut self, yes: bool) {
        self.cycle = yes;
    }
    pub fn finalizer(&mut self, cx: &Cx, obj: &Obj, begins: bool, hint: (How, u32)) -> bool {
        // The collector runs the finalisers of all its garbage before the first of them dies.
        if begins && !cx.collector.running.get() {
            self.rites.push((obj.address(), hint));
        }
        let serial = self.serial(cx, obj);
        self.tell(cx, Event::Finalizer { serial, begins })
    }
    pub fn revived(&mut self, cx: &Cx, obj: &Obj) -> bool {
        self.rites.retain(|r| r.0 != obj.address());
        let serial = self.serial(cx, obj);
        self.tell(cx, Event::Revived { serial })
    }

    // ---- frames

    /// A frame runs that did not run before.
    pub fn entered(&mut self, cx: &Cx, top: *mut Frame) -> bool {
        if cx.stacks.is_bottom(top) {
            return false;
        }
        // SAFETY: the frame is live.
        let code = self.names.code(cx, &mut *self.sink, unsafe { &*top });
        let ended = self.tell(cx, Event::Enter { code });
        self.frames.push(Entered {
            frame: top,
            callee: cx.lens.callee.replace(std::ptr::null_mut()),
            dying: self.dying.len(),
            cycle: self.cycle,
            raising: cx.lens.raising.replace(false),
        });
        self.cycle = false;
        ended
    }
    pub fn leaving(&mut self, cx: &Cx, frame: *mut Frame) {
        // SAFETY: the frame is live. Its variables bear the names of its own code.
        let site = self.names.outer_site(cx, &mut *self.sink, unsafe { &*frame });
        self.leaving.push((frame.wrapping_sub(1), site));
    }
    pub fn left(&mut self, cx: &Cx, frame: *mut Frame, how: Left) -> bool {
        let ended = self.tell(cx, Event::Leave { how });
        let below = frame.wrapping_sub(1);
        self.refs_left(frame);
        if how != Left::Yielded
            && let Some(i) = self.leaving.iter().rposition(|l| l.0 == below)
        {
            self.leaving.remove(i);
        }
        if let Some(i) = self.frames.iter().rposition(|f| f.frame == frame) {
            let entered = self.frames.remove(i);
            cx.lens.callee.set(entered.callee);
            cx.lens.raising.set(entered.raising);
            self.cycle = entered.cycle;
        }
        ended
    }
    pub fn thread(&mut self, cx: &Cx, id: u32) -> bool {
        self.tell(cx, Event::Thread { id })
    }

    /// Before an instruction, where each is attended to; `over`: the site of the one before. True: the recording ends here.
    pub fn attended(&mut self, cx: &Cx, over: u32) -> bool {
        if self.window.is_some() && self.window_closes(cx) {
            return true;
        }
        if self.watch.is_some() {
            self.watched(cx, false);
        }
        if self.level >= Level::Refs {
            self.refs(cx, over);
            let steps = cx.lens.steps.get();
            if steps >> 20 != self.checked {
                self.checked = steps >> 20;
                self.checkpoint(cx);
            }
        }
        false
    }
    /// For the books: how many blocks are in use; at the levels that tell counts, every count.
    pub fn checkpoint(&mut self, cx: &Cx) {
        if self.level >= Level::Refs {
            self.all_counts(cx);
        }
        self.tell(cx, Event::Checkpoint { blocks: cx.heap.allocated_blocks() as u64 });
    }

    // ---- a watched variable

    /// Before an instruction, or while a native call runs: looks at the watched variable where its line is.
    pub fn watched(&mut self, cx: &Cx, during_call: bool) {
        let Some(mut watch) = self.watch.take() else { return };
        self.watch_with(cx, &mut watch, during_call);
        self.watch = Some(watch);
    }
    fn watch_with(&mut self, cx: &Cx, watch: &mut Watch, during_call: bool) {
        let Some(frame) = cx.stacks.current() else { return };
        if *frame.function().code.get(cx).code().name != *watch.function {
            return;
        }
        let site = self.site_of(cx, frame);
        let value = watch.value_in(cx, frame);
        let now = value.as_ref().map_or(std::ptr::null_mut(), |o| o.as_ptr().as_ptr());
        if now != watch.value {
            watch.value = now;
            watch.stored = watch.last;
        }
        let line = Names::line_of(cx, frame);
        let there = watch.line.is_none_or(|l| l == line);
        let begins = !during_call && watch.line_before != line;
        watch.line_before = line;
        watch.last = site;
        if let Some(v) = value
            && there
            && (begins || during_call)
        {
            let since = watch.stored;
            self.look(cx, &v, if during_call { Look::Call } else { Look::Line }, 1, since);
        }
    }

    // ---- what the program sees

    fn here_is_mine(&mut self, cx: &Cx) -> bool {
        let top = cx.stacks.top;
        if cx.stacks.is_bottom(top) {
            return false;
        }
        // SAFETY: the top frame is live.
        let code = self.names.code(cx, &mut *self.sink, unsafe { &*top });
        self.names.is_mine(code)
    }
    pub fn asked(&mut self, cx: &Cx, obj: &Obj, how: Asked) -> bool {
        if !self.here_is_mine(cx) {
            return false;
        }
        let serial = self.serial(cx, obj);
        self.tell(cx, Event::Asked { serial, how }) || self.sink.enough()
    }
    pub fn compared(&mut self, cx: &Cx, a: &Obj, b: &Obj) -> bool {
        if !self.here_is_mine(cx) {
            return false;
        }
        let (a, b) = (self.serial(cx, a), self.serial(cx, b));
        self.tell(cx, Event::Compared { a, b, same: a == b }) || self.sink.enough()
    }
    pub fn printed(&mut self, cx: &Cx, bytes: &[u8]) -> bool {
        let ended = self.tell(cx, Event::Printed { bytes: bytes.len() as u32 });
        self.sink.printed(bytes);
        ended || self.sink.enough()
    }
}
