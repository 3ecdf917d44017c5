//! Turns what happens into events, and gives them serial numbers and places.

use super::Wanted;
use super::holders::Watch;
use super::naming::{self, Names};
use super::places::{self, Blocks};
use super::refs::Refs;
use super::slices::OneByOne;
use super::window::Window;
use crate::cx::Cx;
use crate::eval::Frame;
use crate::memory::pre_size;
use crate::object::{Header, Obj, shape};
use crate::types::{Str, Type};
use retic_events::{Asked, ELDER, Event, How, Left, Level, Look, Nature, Sink};
use retic_heap::Entry;
use retic_wire::{Here, OTHER, Packer, pile};
use rustc_hash::{FxHashMap, FxHashSet};
use std::ptr::{NonNull, null_mut};

/// A block whose object has no header yet, as far as is known. Block 0: there is none.
#[derive(Default)]
struct Fresh {
    block: usize,
    size: usize,
    before: usize,
    serial: u64,
    step: u64,
    /// Such a birth was expected; else it is not known where else this place was told.
    likely: bool,
    place: u64,
    callee: u64,
    site: u32,
    by: u32,
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
    pub(super) packer: Packer,
    /// For a sink that wants slices of events.
    one_by_one: Option<Box<OneByOne>>,
    /// The object's block that came last, until its header is read: at the next event.
    fresh: Fresh,
    /// The sink has had enough.
    pub(super) ended: bool,
    pub(super) names: Names,
    blocks: Blocks,
    next: u64,
    next_elder: u64,
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
    /// The place of the instruction that is over, while what it changed is told; 0: the one that runs.
    by_place: u64,
    /// The place is another than the next instruction of the frame that ran last.
    odd: bool,
    /// The last checkpoint, in 2^20 steps.
    checked: u64,
}

/// The next instruction of the frame that ran last.
#[inline(always)]
fn pc_of(cx: &Cx, top: *mut Frame) -> *mut u64 {
    // SAFETY: records from the bottom to the frame that ran last are whole.
    if top.is_null() || cx.stacks.is_bottom(top) { null_mut() } else { unsafe { (*top).pc } }
}

/// A place that is told by its site's number: odd, as no address of an instruction is.
fn odd_place(site: u32) -> u64 {
    u64::from(site) << 1 | 1
}

/// While the recorder does what may ask the heap for something: what the heap tells waits.
pub(super) fn busy<T>(cx: &Cx, act: impl FnOnce() -> T) -> T {
    let hot = cx.lens.hot.replace(null_mut());
    let out = act();
    cx.lens.hot.set(hot);
    out
}

impl Recorder {
    pub fn new(sink: Box<dyn Sink>, wanted: Wanted) -> Recorder {
        let one_by_one = (!sink.takes_packed()).then(Box::default);
        Recorder {
            sink,
            level: wanted.level,
            watch: wanted.watch,
            refs: (wanted.level >= Level::Refs).then(Box::default),
            window: wanted.window,
            packer: Packer::default(),
            one_by_one,
            fresh: Fresh::default(),
            ended: false,
            names: Names::default(),
            blocks: Blocks::default(),
            next: 1,
            next_elder: ELDER,
            frames: Vec::new(),
            leaving: Vec::new(),
            dying: Vec::new(),
            rites: Vec::new(),
            deferred: FxHashMap::default(),
            cycle: false,
            machine: false,
            by_place: 0,
            odd: false,
            checked: 0,
        }
    }
    pub fn finish(&mut self, cx: &Cx) {
        self.read_fresh(cx);
        self.hand_over();
        self.sink.finish();
    }
    /// The sink gets what there is.
    fn hand_over(&mut self) {
        let Recorder { packer, sink, one_by_one, .. } = self;
        packer.chunk(|bytes| match one_by_one {
            Some(o) => sink.events(&o.read(bytes)),
            None => sink.packed(bytes),
        });
    }
    /// Somebody wants to read what was recorded so far.
    pub fn show(&mut self, cx: &Cx) {
        self.read_fresh(cx);
        self.hand_over();
        self.sink.flush();
    }
    /// Between events: hands over what is due, and asks whether the sink has had enough.
    #[inline(always)]
    fn look_up(&mut self) {
        if self.packer.is_due() {
            self.look_now();
        }
    }
    #[inline(never)]
    fn look_now(&mut self) {
        if self.packer.is_full() || self.one_by_one.is_some() {
            self.hand_over();
        }
        self.packer.not_due();
        self.ask_enough();
    }
    fn ask_enough(&mut self) {
        let (steps, asked) = self.packer.so_far();
        self.ended |= self.sink.enough(steps, asked);
    }

    // ---- where the program is

    /// Where and when it is, in words that are compared.
    #[inline(always)]
    fn here(&self, cx: &Cx) -> Here {
        let top = cx.lens.top.get();
        let place = if self.odd { self.odd_place(cx, top) } else { pc_of(cx, top) as u64 };
        Here { place, callee: naming::callee_word(&cx.lens), step: cx.lens.steps.get() }
    }
    #[inline(never)]
    fn odd_place(&self, cx: &Cx, top: *mut Frame) -> u64 {
        if self.machine {
            odd_place(0)
        } else if self.by_place != 0 {
            self.by_place
        } else {
            match self.leaving.last() {
                Some((below, site)) if *below == top => odd_place(*site),
                _ => pc_of(cx, top) as u64,
            }
        }
    }
    fn is_odd(&mut self) {
        self.odd = self.machine || self.by_place != 0 || !self.leaving.is_empty();
    }
    /// The numbers of the place and of what is called there.
    fn numbers(&mut self, cx: &Cx, here: &Here) -> (u32, u32) {
        let site = match here.place {
            0 => 0,
            place if place & 1 == 1 => (place >> 1) as u32,
            place => match self.names.site_at(place as usize) {
                0 => self.site(cx, cx.lens.top.get()),
                known => known,
            },
        };
        (site, self.names.callee(&mut *self.sink, cx.lens.callee.get()))
    }
    /// What was changed by an instruction that is over is told; 0: no longer.
    #[inline(always)]
    pub(super) fn by_place(&mut self, place: u64) {
        self.by_place = place;
        self.is_odd();
    }
    /// The place that will be that of the instruction that is over, once the next one is where the program is.
    #[inline(always)]
    pub fn over(&mut self, cx: &Cx) -> u64 {
        let top = cx.lens.top.get();
        let place = if self.odd { self.odd_place(cx, top) } else { pc_of(cx, top) as u64 };
        // Later its frame will be elsewhere.
        if place & 1 == 0 && place != 0 && self.names.known_site(place as usize) == 0 {
            busy(cx, || self.site(cx, top));
        }
        place
    }

    // ---- events

    /// An event of here and now, about an object, that may have happened here before.
    #[inline(always)]
    fn remembered(&mut self, cx: &Cx, key: u64, serial: u64, event: impl FnOnce() -> Event) {
        self.look_up();
        let here = self.here(cx);
        if !self.packer.again_of(key, serial, &here) {
            self.unexpected(cx, key, 0, &here, &event());
        }
    }
    /// The same about none.
    #[inline(always)]
    fn remembered_alone(&mut self, cx: &Cx, key: u64, event: impl FnOnce() -> Event) {
        self.look_up();
        let here = self.here(cx);
        if !self.packer.again(key, 0, &here) {
            self.unexpected(cx, key, 0, &here, &event());
        }
    }
    #[inline(never)]
    fn unexpected(&mut self, cx: &Cx, key: u64, extra: u64, here: &Here, event: &Event) {
        busy(cx, || {
            let at = self.numbers(cx, here);
            self.packer.tell(key, extra, here, at, event, OTHER);
        });
    }
    /// Adds an event of here and now that is never expected. True: the sink has had enough.
    #[inline(never)]
    pub fn tell(&mut self, cx: &Cx, event: Event) -> bool {
        self.read_fresh(cx);
        self.look_up();
        busy(cx, || {
            let here = self.here(cx);
            let (site, by) = self.numbers(cx, &here);
            self.packer.tell_whole(here.step, site, by, &event);
        });
        self.ended
    }
    /// An object's count is another than the one told last.
    pub fn tell_count(&mut self, cx: &Cx, serial: u64, count: u32) {
        self.read_fresh(cx);
        self.remembered(cx, retic_wire::count(count), serial, || Event::Count { serial, count });
    }
    /// A register holds another object; 0: none.
    pub fn tell_slot(&mut self, cx: &Cx, slot: u32, serial: u64) {
        self.read_fresh(cx);
        self.remembered(cx, retic_wire::slot(slot), serial, || Event::Slot { slot, serial });
    }
    /// An instruction of the user's begins.
    pub fn tell_step(&mut self, cx: &Cx) {
        self.read_fresh(cx);
        self.remembered_alone(cx, retic_wire::step(), || Event::Step);
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
        self.read_fresh(cx);
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
        self.read_fresh(cx);
        self.ended
    }
    /// A block came.
    #[inline(always)]
    pub fn came(&mut self, cx: &Cx, block: usize, size: usize, before: usize) {
        self.read_fresh(cx);
        self.look_up();
        let here = self.here(cx);
        let serial = self.next;
        self.next += 1;
        if before == Entry::BUFFER {
            return self.buffer_came(cx, block, size, serial, &here);
        }
        // Field by field: all of it at once would be read wider than it was written, and the processor waits.
        let f = &mut self.fresh;
        (f.block, f.size, f.before, f.serial, f.step) = (block, size, before, serial, here.step);
        f.likely = self.packer.expects(retic_wire::birth(size as u32, before as u8), &here);
        if !f.likely {
            self.unlikely(cx, &here);
        }
    }
    /// What may not be known any more when the header of the new block is read.
    #[inline(never)]
    fn unlikely(&mut self, cx: &Cx, here: &Here) {
        let (site, by) = busy(cx, || self.numbers(cx, here));
        let f = &mut self.fresh;
        (f.place, f.callee, f.site, f.by) = (here.place, here.callee, site, by);
    }
    #[inline(never)]
    fn buffer_came(&mut self, cx: &Cx, block: usize, size: usize, serial: u64, here: &Here) {
        self.blocks.set(block, places::buffer(serial, pile(size as u64, OTHER)));
        let key = retic_wire::buffer(size as u64);
        if !self.packer.expects(key, here) || self.packer.born_again(0, block as u64, here.step).is_none() {
            self.unexpected(cx, key, 0, here, &Event::Buffer { serial, address: block as u64, size: size as u64 });
        }
    }
    /// The object in the block that came last has its header by now.
    #[inline(always)]
    fn read_fresh(&mut self, cx: &Cx) {
        if self.fresh.block != 0 {
            self.read_header(cx);
        }
    }
    #[inline(always)]
    fn read_header(&mut self, cx: &Cx) {
        let (block, before, serial) = (self.fresh.block, self.fresh.before, self.fresh.serial);
        self.fresh.block = 0;
        let address = block + before;
        // SAFETY: L1; the word of the type is zero until whoever took the block writes the header.
        let ty = unsafe { (&raw const (*(address as *const Header)).ty).cast::<*mut Type>().read() };
        if self.fresh.likely
            && let Some(pile) = self.packer.born_again(ty as u64, block as u64, self.fresh.step)
        {
            return self.blocks.set(block, places::object(serial, before, pile));
        }
        self.read_other_header(cx, block, ty);
    }
    #[inline(never)]
    fn read_other_header(&mut self, cx: &Cx, block: usize, ty: *mut Type) {
        let Fresh { size, before, serial, step, likely, .. } = self.fresh;
        let (place, callee, site, by) = match likely {
            true => self.packer.expected_place(),
            false => (self.fresh.place, self.fresh.callee, self.fresh.site, self.fresh.by),
        };
        let here = Here { place, callee, step };
        busy(cx, || match NonNull::new(ty) {
            Some(ty) => {
                let (type_id, category) = self.names.type_of(&mut *self.sink, ty);
                self.blocks.set(block, places::object(serial, before, pile(size as u64, category)));
                let event = Event::Birth { serial, address: (block + before) as u64, size: size as u32, before: before as u8, type_id };
                self.packer.tell(retic_wire::birth(size as u32, before as u8), ty.as_ptr() as u64, &here, (site, by), &event, category);
            }
            None => {
                self.blocks.set(block, places::buffer(serial, pile(size as u64, OTHER)));
                let event = Event::Buffer { serial, address: block as u64, size: size as u64 };
                self.packer.tell(retic_wire::buffer(size as u64), 0, &here, (site, by), &event, OTHER);
            }
        });
    }
    /// A block went.
    #[inline]
    pub fn went(&mut self, cx: &Cx, block: usize) {
        if self.fresh.block == block {
            // It went unburied: it never was an object.
            self.fresh.block = 0;
            self.read_other_header(cx, block, null_mut());
        }
        self.read_fresh(cx);
        if let Some(refs) = &mut self.refs {
            refs.went(block);
        }
        let known = self.blocks.take(block);
        let serial = places::serial(known);
        self.look_up();
        let here = self.here(cx);
        if !self.packer.free_again(serial, &here) {
            let key = self.packer.free(serial);
            self.unexpected(cx, key, 0, &here, &Event::Free { serial, block: block as u64 });
        }
        self.packer.is_free(serial, block as u64, places::pile(known));
    }
    /// A block has another size, and perhaps another place.
    pub fn resized(&mut self, cx: &Cx, from: usize, to: usize, size: usize) {
        self.read_fresh(cx);
        let known = self.blocks.take(from);
        if known == 0 {
            self.blocks.set(to, 0);
            return;
        }
        self.blocks.set(to, places::on_pile(known, pile(size as u64, OTHER)));
        self.tell(cx, Event::Resize { serial: places::serial(known), address: to as u64, size: size as u64 });
    }

    /// The serial number of what lies at a block; 0: nothing known.
    pub fn at_block(&self, block: usize) -> u64 {
        places::serial(self.blocks.get(block))
    }
    /// The serial number of an object; one older than the recording gets one now.
    pub fn serial(&mut self, cx: &Cx, obj: &Obj) -> u64 {
        let before = pre_size(obj.ty());
        let block = obj.address() - before;
        self.read_fresh(cx);
        let known = self.blocks.get(block);
        if places::is_object(known) { places::serial(known) } else { self.elder(cx, obj, block, before) }
    }
    #[inline(never)]
    fn elder(&mut self, cx: &Cx, obj: &Obj, block: usize, before: usize) -> u64 {
        let serial = self.next_elder;
        self.next_elder += 1;
        self.blocks.set(block, places::object(serial, before, 0));
        let (type_id, _) = busy(cx, || self.names.type_of(&mut *self.sink, NonNull::from(obj.ty())));
        let nature = busy(cx, || self.nature(cx, obj));
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
        if places::is_object(known) && places::serial(known) < ELDER { places::serial(known) } else { 0 }
    }
    /// Addresses of the recorded objects whose blocks did not go.
    pub fn living(&mut self, cx: &Cx) -> Vec<usize> {
        self.read_fresh(cx);
        let mut out = Vec::new();
        self.blocks.each(|block, entry| {
            if places::is_object(entry) && places::serial(entry) < ELDER {
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
        if self.names.forget(obj) {
            self.packer.forget();
        }
        if self.level >= Level::Refs {
            self.lets_go(cx, obj);
        }
        let mut hint = hint;
        if !self.rites.is_empty()
            && let Some(i) = self.rites.iter().rposition(|r| r.0 == obj.address())
        {
            hint = self.rites.remove(i).1;
        }
        let (how, arg) = self.cause(cx, obj.address(), serial, hint);
        self.dying.push(serial);
        self.remembered(cx, retic_wire::dying(how, arg), serial, || Event::Dying { serial, how, arg });
        self.packer.is_dying(serial);
        self.ended
    }
    /// As `dying` and the end of its block at once, of an int or a float: nothing hangs on those.
    ///
    /// # Safety
    /// As `dying`.
    #[inline(always)]
    pub unsafe fn number_dies(&mut self, cx: &Cx, raw: NonNull<Header>, hint: (How, u32)) -> bool {
        let (block, pointer) = (raw.as_ptr() as usize, raw.as_ptr());
        self.read_fresh(cx);
        let known = self.blocks.take(block);
        // SAFETY: borrowed only; the object is whole.
        let serial = if places::is_object(known) { places::serial(known) } else { self.new_elder(cx, unsafe { crate::eval::peek(&pointer) }) };
        let (how, arg) = self.cause(cx, block, serial, hint);
        if let Some(refs) = &mut self.refs {
            refs.went(block);
        }
        self.remembered(cx, retic_wire::dies(how, arg), serial, || Event::Dying { serial, how, arg });
        self.packer.is_dead(serial, block as u64, places::pile(known));
        self.ended
    }
    /// A number older than the recording gets a serial number for its death.
    #[inline(never)]
    fn new_elder(&mut self, cx: &Cx, obj: &Obj) -> u64 {
        let serial = self.serial(cx, obj);
        self.blocks.take(obj.address());
        serial
    }
    #[inline(always)]
    fn cause(&mut self, cx: &Cx, address: usize, serial: u64, hint: (How, u32)) -> (How, u32) {
        let under_way = self.frames.last().map_or(0, |f| f.dying);
        let usual = self.deferred.is_empty() && self.dying.len() <= under_way && !self.cycle && !cx.lens.raising.get();
        if usual { hint } else { self.unusual_cause(cx, address, serial, hint) }
    }
    #[inline(never)]
    fn unusual_cause(&mut self, cx: &Cx, address: usize, serial: u64, hint: (How, u32)) -> (How, u32) {
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
        self.is_odd();
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
    #[inline(always)]
    pub fn entered(&mut self, cx: &Cx, top: *mut Frame) -> bool {
        if cx.stacks.is_bottom(top) {
            return false;
        }
        self.read_fresh(cx);
        self.look_up();
        let here = self.here(cx);
        // SAFETY: the frame is live.
        let exec = unsafe { (*top).exec };
        let code = if self.packer.again(retic_wire::enter(), exec as u64, &here) { self.packer.again_id() } else { self.entered_unexpected(cx, top, &here) };
        self.packer.is_entered(code);
        let entered = Entered { frame: top, callee: cx.lens.calls(null_mut()), dying: self.dying.len(), cycle: self.cycle, raising: cx.lens.raising.replace(false) };
        self.frames.push(entered);
        self.cycle = false;
        self.ended
    }
    #[inline(never)]
    fn entered_unexpected(&mut self, cx: &Cx, top: *mut Frame, here: &Here) -> u32 {
        // SAFETY: the frame is live.
        let frame = unsafe { &*top };
        let code = busy(cx, || self.names.code(cx, &mut *self.sink, frame));
        self.unexpected(cx, retic_wire::enter(), frame.exec as u64, here, &Event::Enter { code });
        code
    }
    #[inline(always)]
    pub fn leaving(&mut self, cx: &Cx, frame: *mut Frame) {
        // SAFETY: the frame is live. Its variables bear the names of its own code.
        let frame_now = unsafe { &*frame };
        let site = match self.names.known_outer_site(frame_now.pc as usize) {
            0 => busy(cx, || self.names.outer_site(cx, &mut *self.sink, frame_now)),
            known => known,
        };
        self.leaving.push((frame.wrapping_sub(1), site));
        self.odd = true;
    }
    #[inline(always)]
    pub fn left(&mut self, cx: &Cx, frame: *mut Frame, how: Left) -> bool {
        self.read_fresh(cx);
        self.remembered_alone(cx, retic_wire::leave(how), || Event::Leave { how });
        self.packer.is_left();
        let below = frame.wrapping_sub(1);
        if self.refs.is_some() {
            self.refs_left(frame);
        }
        if how != Left::Yielded {
            match self.leaving.last() {
                Some(l) if l.0 == below => _ = self.leaving.pop(),
                _ => self.leaving_ends(below),
            }
            self.is_odd();
        }
        let entered = match self.frames.last() {
            Some(f) if f.frame == frame => self.frames.pop(),
            _ => self.frames.iter().rposition(|f| f.frame == frame).map(|i| self.frames.remove(i)),
        };
        if let Some(entered) = entered {
            cx.lens.calls(entered.callee);
            cx.lens.raising.set(entered.raising);
            self.cycle = entered.cycle;
        }
        self.ended
    }
    #[inline(never)]
    fn leaving_ends(&mut self, below: *mut Frame) {
        if let Some(i) = self.leaving.iter().rposition(|l| l.0 == below) {
            self.leaving.remove(i);
        }
    }
    pub fn thread(&mut self, cx: &Cx, id: u32) -> bool {
        self.tell(cx, Event::Thread { id })
    }

    /// Whether each instruction is attended to for its counts alone.
    #[inline(always)]
    pub fn only_counts(&self) -> bool {
        self.window.is_none() && self.watch.is_none()
    }
    /// Before an instruction, where each is attended to for its counts alone; `over`: the place of the one before.
    #[inline(always)]
    pub fn attended_counts(&mut self, cx: &Cx, over: u64) -> bool {
        self.refs(cx, over);
        if cx.lens.steps.get() >> 20 != self.checked {
            busy(cx, || self.checkpoint_of_steps(cx));
        }
        self.ended
    }
    #[inline(never)]
    fn checkpoint_of_steps(&mut self, cx: &Cx) {
        self.checked = cx.lens.steps.get() >> 20;
        self.checkpoint(cx);
    }
    /// The same where there is more to look at. True: the recording ends here.
    pub fn attended(&mut self, cx: &Cx, over: u64) -> bool {
        if self.window.is_some() && self.window_closes(cx) {
            return true;
        }
        if self.watch.is_some() {
            self.watched(cx, false);
        }
        if self.level >= Level::Refs {
            self.attended_counts(cx, over);
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
        self.remembered(cx, retic_wire::asked(how), serial, || Event::Asked { serial, how });
        self.packer.is_asked();
        self.ask_enough();
        self.ended
    }
    pub fn compared(&mut self, cx: &Cx, a: &Obj, b: &Obj) -> bool {
        if !self.here_is_mine(cx) {
            return false;
        }
        let (a, b) = (self.serial(cx, a), self.serial(cx, b));
        self.tell(cx, Event::Compared { a, b, same: a == b });
        self.ask_enough();
        self.ended
    }
    pub fn printed(&mut self, cx: &Cx, bytes: &[u8]) -> bool {
        self.tell(cx, Event::Printed { bytes: bytes.len() as u32 });
        self.sink.printed(bytes);
        self.ask_enough();
        self.ended
    }
}
