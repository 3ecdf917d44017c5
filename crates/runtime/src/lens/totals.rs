//! The level counts: how many objects of each type each instruction made, and how many of them died. The heap tells of every
//! birth at once; of an object only its place is kept, by block. Its type is read when the next one is born. Deaths are not told:
//! whoever was born and does not live at the end has died.

use super::places::{self, Blocks};
use super::recorder::Recorder;
use crate::cx::Cx;
use crate::eval::Frame;
use crate::object::Header;
use crate::types::Type;
use retic_events::{Event, Sink};
use retic_heap::{Entry, Tally};
use rustc_hash::{FxHashMap, FxHashSet};
use std::ptr::{NonNull, null_mut};

struct Total {
    site: u32,
    type_id: u32,
    born: u64,
    bytes: u64,
    /// At the end.
    living: u64,
}

/// What one instruction makes, as it was last: most make objects of one type and size, which are counted here.
#[derive(Default)]
struct Place {
    ty: usize,
    size: usize,
    born: u64,
    /// Its number, from 1.
    number: u32,
    /// The recorder's number, and one.
    site: u32,
    /// The sum that `born` belongs to.
    total: u32,
}

/// The object that came last, until its header is read. Address 0: there is none.
struct Fresh {
    block: usize,
    address: usize,
    size: usize,
    place: *mut Place,
}

/// Places found last, by instruction.
const NEAR: usize = 512;

/// Sums by site and type.
pub struct Totals {
    fresh: Fresh,
    /// The place of an instruction, by its address.
    known: Box<[(usize, *mut Place); NEAR]>,
    /// By number less one, each at an address of its own. The first is none: no code runs.
    #[allow(clippy::vec_box, reason = "they are known by their addresses")]
    places: Vec<Box<Place>>,
    by_site: FxHashMap<u32, u32>,
    index: FxHashMap<(u32, usize), u32>,
    list: Vec<Total>,
    /// The place of each object's block. Of small blocks that went it stays until they come again.
    blocks: Blocks,
}

impl Default for Totals {
    fn default() -> Totals {
        Totals {
            fresh: Fresh { block: 0, address: 0, size: 0, place: null_mut() },
            known: Box::new([(0, null_mut()); NEAR]),
            places: vec![Box::new(Place { number: 1, site: 1, ..Place::default() })],
            by_site: FxHashMap::from_iter([(1, 1)]),
            index: FxHashMap::default(),
            list: Vec::new(),
            blocks: Blocks::default(),
        }
    }
}

/// What the heap tells of its blocks; `whose` is the address of the interpreter's context.
pub fn tally(cx: &Cx) -> Tally {
    Tally { whose: &raw const *cx as usize, came, went, moving, resized, deaths: false }
}

/// Runs something on the sums.
#[inline(always)]
fn on(whose: usize, act: impl FnOnce(&Cx, &mut Totals)) {
    // SAFETY: the context lies where it is while its heap does, and tells of its own blocks; only shared parts are looked at.
    let cx = unsafe { &*(whose as *const Cx) };
    if let Ok(mut totals) = cx.lens.totals.try_borrow_mut()
        && let Some(t) = totals.as_deref_mut()
    {
        act(cx, t);
    }
}

/// What happens for each object that is born is here, without a call: the one before and its type were expected at its place, and
/// place and block were met a short time ago.
fn came(whose: usize, at: NonNull<u8>, size: usize, before: usize) -> Option<NonNull<u8>> {
    // SAFETY: as in `on`; the sums are there while the heap tells of births, nobody uses them now, and places stay where they are.
    unsafe {
        let cx = &*(whose as *const Cx);
        let totals = cx.lens.sums.get();
        let top = cx.stacks.top;
        if before != Entry::BUFFER && !totals.is_null() && !top.is_null() {
            let t = &mut *totals;
            let pc = (*top).pc as usize;
            let known = t.known[pc / 8 % NEAR];
            if known.0 == pc
                && pc != 0
                && t.fresh.address != 0
                && let Some(entry) = t.blocks.near_entry(at.as_ptr() as usize)
            {
                let (ty, last) = (type_word(t.fresh.address), &mut *t.fresh.place);
                if last.ty == ty && last.size == t.fresh.size {
                    last.born += 1;
                    entry.write(places::object(u64::from((*known.1).number), before, 0));
                    let block = at.as_ptr() as usize;
                    (t.fresh.block, t.fresh.address, t.fresh.size, t.fresh.place) = (block, block + before, size, known.1);
                    retic_heap::not_yet(at, size, before);
                    return Some(at);
                }
            }
        }
    }
    came_anew(whose, at, size, before)
}

#[inline(never)]
fn came_anew(whose: usize, at: NonNull<u8>, size: usize, before: usize) -> Option<NonNull<u8>> {
    on(whose, |cx, t| {
        t.read_fresh(cx);
        let block = at.as_ptr() as usize;
        if before == Entry::BUFFER {
            t.blocks.take(block);
            return;
        }
        let place = t.place(cx);
        // SAFETY: places stay where they are.
        let number = unsafe { (*place).number };
        t.blocks.set(block, places::object(u64::from(number), before, 0));
        (t.fresh.block, t.fresh.address, t.fresh.size, t.fresh.place) = (block, block + before, size, place);
    });
    // SAFETY: it was just handed out.
    unsafe { retic_heap::not_yet(at, size, before) };
    Some(at)
}

/// The word of the type in a header.
///
/// # Safety
/// It is that of an object, or of one that was not written yet, or that went and whose block nobody took since: small blocks stay in
/// their arena, a large one tells when it goes. A block on a free list has its link in the first word; the word of the type is the
/// second at the earliest, and zero where no header was written.
#[inline(always)]
unsafe fn type_word(address: usize) -> usize {
    // SAFETY: passed on from the caller.
    unsafe { (&raw const (*(address as *const Header)).ty).cast::<usize>().read() }
}

/// Large blocks only: these may be the system's again.
fn went(whose: usize, block: usize, _: usize) {
    on(whose, |cx, t| {
        t.read_fresh(cx);
        t.blocks.take(block);
    });
}

fn moving(whose: usize) {
    on(whose, |cx, t| t.read_fresh(cx));
}

fn resized(whose: usize, from: usize, to: usize, _: usize) {
    on(whose, |_, t| {
        let known = t.blocks.take(from);
        t.blocks.set(to, known);
    });
}

impl Totals {
    /// The place of the instruction that runs.
    fn place(&mut self, cx: &Cx) -> *mut Place {
        let Some(frame) = cx.stacks.current().filter(|_| !cx.lens.aside.get()) else { return &raw mut *self.places[0] };
        let pc = frame.pc as usize;
        let known = self.known[pc / 8 % NEAR];
        if known.0 == pc && pc != 0 { known.1 } else { self.new_place(cx, frame) }
    }
    fn new_place(&mut self, cx: &Cx, frame: &Frame) -> *mut Place {
        let Ok(mut recorder) = cx.lens.recorder.try_borrow_mut() else { return &raw mut *self.places[0] };
        let site = recorder.as_mut().map_or(0, |r| r.site_of(cx, frame)) + 1;
        let next = self.places.len() as u32 + 1;
        let number = *self.by_site.entry(site).or_insert(next);
        if number == next {
            self.places.push(Box::new(Place { number, site, ..Place::default() }));
        }
        let place = &raw mut *self.places[number as usize - 1];
        let pc = frame.pc as usize;
        self.known[pc / 8 % NEAR] = (pc, place);
        place
    }
    /// Takes the object that came last into its sum: by now its header is written, and not yet written over, for whoever takes
    /// the block next comes by here first.
    fn read_fresh(&mut self, cx: &Cx) {
        // Field by field: all of it at once would be read wider than it was written, and the processor waits.
        let address = std::mem::take(&mut self.fresh.address);
        if address == 0 {
            return;
        }
        // SAFETY: nobody took its block since; places stay where they are.
        let (ty, place) = unsafe { (type_word(address), &mut *self.fresh.place) };
        let Some(class) = NonNull::new(ty as *mut Type) else {
            // It never was an object.
            self.blocks.take(self.fresh.block);
            return;
        };
        if place.ty != ty || place.size != self.fresh.size {
            let at = place.number as usize - 1;
            self.settle(at);
            let total = self.total_of(cx, self.places[at].site, class);
            let place = &mut self.places[at];
            (place.total, place.ty, place.size) = (total, ty, self.fresh.size);
        }
        // SAFETY: as above.
        unsafe { (*self.fresh.place).born += 1 };
    }
    /// Takes what was counted at a place into its sum.
    fn settle(&mut self, at: usize) {
        let place = &mut self.places[at];
        let born = std::mem::take(&mut place.born);
        if let Some(total) = self.list.get_mut(place.total as usize).filter(|_| born > 0) {
            total.born += born;
            total.bytes += born * place.size as u64;
        }
    }
    fn total_of(&mut self, cx: &Cx, site: u32, ty: NonNull<Type>) -> u32 {
        let key = (site, ty.as_ptr() as usize);
        if let Some(known) = self.index.get(&key) {
            return *known;
        }
        let Ok(mut recorder) = cx.lens.recorder.try_borrow_mut() else { return u32::MAX };
        let Some(r) = recorder.as_mut() else { return u32::MAX };
        let (type_id, _) = r.names.type_of(&mut *r.sink, ty);
        self.list.push(Total { site: site - 1, type_id, born: 0, bytes: 0, living: 0 });
        let n = self.list.len() as u32 - 1;
        self.index.insert(key, n);
        n
    }
    /// A class or code dies: addresses stand for nothing any more.
    fn forget(&mut self, cx: &Cx) {
        self.read_fresh(cx);
        for at in 0..self.places.len() {
            self.settle(at);
            self.places[at].ty = 0;
        }
        self.index.clear();
        self.known.fill((0, null_mut()));
        if let Ok(mut recorder) = cx.lens.recorder.try_borrow_mut()
            && let Some(r) = recorder.as_mut()
        {
            r.names.forget_all();
        }
    }
    /// The end: whoever lives now.
    pub fn living(&mut self, cx: &Cx) {
        self.read_fresh(cx);
        (0..self.places.len()).for_each(|at| self.settle(at));
        let mut free: FxHashSet<usize> = FxHashSet::default();
        cx.heap.each_free(|block| _ = free.insert(block));
        let mut all = Vec::new();
        self.blocks.each(|block, known| {
            if !free.contains(&block) {
                all.push((block, known));
            }
        });
        for (block, known) in all {
            let at = (places::serial(known) as usize).wrapping_sub(1);
            let header = (block + places::before(known)) as *const Header;
            // SAFETY: L1; the block is its owner's.
            let ty = unsafe { (&raw const (*header).ty).cast::<*mut Type>().read() };
            if let (Some(ty), Some(site)) = (NonNull::new(ty), self.places.get(at).map(|p| p.site)) {
                let n = self.total_of(cx, site, ty) as usize;
                if let Some(total) = self.list.get_mut(n) {
                    total.living += 1;
                }
            }
        }
    }
}

/// A class or a code object goes.
pub fn forget(cx: &Cx) {
    if let Ok(mut totals) = cx.lens.totals.try_borrow_mut()
        && let Some(t) = totals.as_deref_mut()
    {
        t.forget(cx);
    }
}

impl Recorder {
    /// Tells the sums.
    pub fn tell_totals(&mut self, totals: &Totals) {
        let event = |t: &Total| Event::Total { site: t.site, type_id: t.type_id, born: t.born, died: t.born.saturating_sub(t.living), bytes: t.bytes };
        let events: Vec<Event> = totals.list.iter().filter(|t| t.born > 0).map(event).collect();
        Sink::events(&mut *self.sink, &events);
    }
}
