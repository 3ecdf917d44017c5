//! The level counts: how many objects of each type each instruction made, and how many of them died. The heap tells of every
//! block at once; of an object only its site is kept, by block, and its type is read when it goes, or at the end.

use super::places::{self, Blocks};
use super::recorder::Recorder;
use crate::cx::Cx;
use crate::memory::pre_size;
use crate::object::Header;
use crate::types::Type;
use retic_events::{Event, Sink};
use retic_heap::{Entry, Tally};
use rustc_hash::FxHashMap;
use std::ptr::NonNull;

struct Total {
    site: u32,
    type_id: u32,
    born: u64,
    died: u64,
    bytes: u64,
    /// Its objects are classes, or code: their addresses stand for numbers.
    names: bool,
}

/// What one instruction makes, as it was last: most make objects of one type and size, which are counted here.
#[derive(Clone, Copy, Default)]
struct Place {
    /// The recorder's number, and one.
    site: u32,
    /// The sum that `died` belongs to.
    total: u32,
    ty: usize,
    size: usize,
    died: u64,
}

/// Places and sums found last, by instruction and by site and type.
const NEAR: usize = 512;

/// Sums by site and type.
pub struct Totals {
    /// The place of an instruction, by its address. The first place is none: no code runs.
    known: Box<[(usize, u32); NEAR]>,
    places: Vec<Place>,
    by_site: FxHashMap<u32, u32>,
    /// Places that count deaths of a type.
    warm: Vec<u32>,
    /// The sum, by site and address of the type.
    near: Box<[(u32, u32, usize); NEAR]>,
    index: FxHashMap<(u32, usize), u32>,
    list: Vec<Total>,
    /// The place of each object's block, from 1.
    blocks: Blocks,
}

impl Default for Totals {
    fn default() -> Totals {
        Totals {
            known: Box::new([(0, 0); NEAR]),
            places: vec![Place { site: 1, ..Place::default() }],
            by_site: FxHashMap::from_iter([(1, 0)]),
            warm: Vec::new(),
            near: Box::new([(0, 0, 0); NEAR]),
            index: FxHashMap::default(),
            list: Vec::new(),
            blocks: Blocks::default(),
        }
    }
}

/// What the heap tells of its blocks; `whose` is the address of the interpreter's context.
pub fn tally(cx: &Cx) -> Tally {
    Tally { whose: &raw const *cx as usize, came, went, resized }
}

fn came(whose: usize, block: usize, _: usize, before: usize) {
    if before == Entry::BUFFER {
        return;
    }
    // SAFETY: the context lies where it is while its heap does, and tells of its own blocks; only shared parts are looked at.
    let cx = unsafe { &*(whose as *const Cx) };
    if let Ok(mut totals) = cx.lens.totals.try_borrow_mut()
        && let Some(t) = totals.as_deref_mut()
    {
        let place = t.place(cx) + 1;
        t.blocks.set(block, places::object(u64::from(place), before));
    }
}

fn went(whose: usize, block: usize, size: usize) {
    // SAFETY: as above.
    let cx = unsafe { &*(whose as *const Cx) };
    if let Ok(mut totals) = cx.lens.totals.try_borrow_mut()
        && let Some(t) = totals.as_deref_mut()
    {
        let known = t.blocks.take(block);
        if known != 0 {
            t.sum_up(cx, block, known, size, true);
        }
    }
}

fn resized(whose: usize, from: usize, to: usize, _: usize) {
    // SAFETY: as above.
    let cx = unsafe { &*(whose as *const Cx) };
    if let Ok(mut totals) = cx.lens.totals.try_borrow_mut()
        && let Some(t) = totals.as_deref_mut()
    {
        let known = t.blocks.take(from);
        if known != 0 {
            t.blocks.set(to, known);
        }
    }
}

impl Totals {
    /// The place of the instruction that runs.
    #[inline(always)]
    fn place(&mut self, cx: &Cx) -> u32 {
        let Some(frame) = cx.stacks.current() else { return 0 };
        let pc = frame.pc as usize;
        let known = self.known[pc / 8 % NEAR];
        if known.0 == pc { known.1 } else { self.new_place(cx, frame) }
    }
    #[inline(never)]
    fn new_place(&mut self, cx: &Cx, frame: &crate::eval::Frame) -> u32 {
        let Ok(mut recorder) = cx.lens.recorder.try_borrow_mut() else { return 0 };
        let site = recorder.as_mut().map_or(0, |r| r.site_of(cx, frame)) + 1;
        let place = *self.by_site.entry(site).or_insert(self.places.len() as u32);
        if place as usize == self.places.len() {
            self.places.push(Place { site, ..Place::default() });
        }
        let pc = frame.pc as usize;
        self.known[pc / 8 % NEAR] = (pc, place);
        place
    }
    /// Takes an object into its sum: one that dies, or that lives at the end.
    #[inline(always)]
    fn sum_up(&mut self, cx: &Cx, block: usize, known: u64, size: usize, dies: bool) {
        let at = (places::serial(known) as u32).wrapping_sub(1);
        let header = (block + places::before(known)) as *const Header;
        // SAFETY: L1; the block is still its owner's, and the word of the type is zero until the header is written.
        let ty = unsafe { (&raw const (*header).ty).cast::<*mut Type>().read() };
        let Some(place) = self.places.get_mut(at as usize) else { return };
        if dies && place.ty == ty as usize && place.size == size && !ty.is_null() {
            place.died += 1;
            return;
        }
        if let Some(ty) = NonNull::new(ty) {
            self.sum_up_other(cx, at, ty, size, dies);
        }
    }
    /// The same for another type or size than the one before.
    #[inline(never)]
    fn sum_up_other(&mut self, cx: &Cx, at: u32, ty: NonNull<Type>, size: usize, dies: bool) {
        let site = self.places[at as usize].site;
        let key = ty.as_ptr() as usize;
        let slot = (site as usize ^ (key >> 4)) % NEAR;
        let near = self.near[slot];
        let n = if (near.0, near.2) == (site, key) { near.1 } else { self.total_of(cx, site, ty, slot) };
        let Some(total) = self.list.get_mut(n as usize) else { return };
        total.born += 1;
        total.bytes += size as u64;
        total.died += u64::from(dies);
        if !dies {
            return;
        }
        if total.names {
            self.forget(cx);
        } else {
            self.settle(at as usize);
            let place = &mut self.places[at as usize];
            if place.ty == 0 {
                self.warm.push(at);
            }
            (place.total, place.ty, place.size) = (n, key, size);
        }
    }
    /// Takes what was counted at a place into its sum.
    fn settle(&mut self, at: usize) {
        let place = &mut self.places[at];
        let died = std::mem::take(&mut place.died);
        if let Some(total) = self.list.get_mut(place.total as usize).filter(|_| died > 0) {
            total.born += died;
            total.died += died;
            total.bytes += died * place.size as u64;
        }
    }
    #[inline(never)]
    fn total_of(&mut self, cx: &Cx, site: u32, ty: NonNull<Type>, slot: usize) -> u32 {
        let key = ty.as_ptr() as usize;
        let n = match self.index.get(&(site, key)) {
            Some(n) => *n,
            None => {
                let Ok(mut recorder) = cx.lens.recorder.try_borrow_mut() else { return u32::MAX };
                let Some(r) = recorder.as_mut() else { return u32::MAX };
                let type_id = r.names.type_of(&mut *r.sink, ty);
                // SAFETY: the type of a live object is live.
                let class = unsafe { ty.as_ref() };
                let names = class.is_subtype(cx, &cx.types.type_) || class.is_subtype(cx, &cx.types.code);
                self.list.push(Total { site: site - 1, type_id, born: 0, died: 0, bytes: 0, names });
                let n = self.list.len() as u32 - 1;
                self.index.insert((site, key), n);
                n
            }
        };
        self.near[slot] = (site, n, key);
        n
    }
    /// A class or code dies: addresses stand for nothing any more.
    #[cold]
    fn forget(&mut self, cx: &Cx) {
        for at in std::mem::take(&mut self.warm) {
            self.settle(at as usize);
            self.places[at as usize].ty = 0;
        }
        self.index.clear();
        self.near.fill((0, 0, 0));
        self.known.fill((0, 0));
        if let Ok(mut recorder) = cx.lens.recorder.try_borrow_mut()
            && let Some(r) = recorder.as_mut()
        {
            r.names.forget_all();
        }
    }
    /// Those that live, too.
    pub fn living(&mut self, cx: &Cx) {
        (0..self.places.len()).for_each(|at| self.settle(at));
        let mut all = Vec::new();
        self.blocks.each(|block, known| all.push((block, known)));
        for (block, known) in all {
            let header = (block + places::before(known)) as *mut Header;
            // SAFETY: L1, as in `sum_up`; a header whose type is written is whole between instructions.
            let size = unsafe {
                match NonNull::new((&raw const (*header).ty).cast::<*mut Type>().read()) {
                    Some(ty) => (ty.as_ref().ops.get().size)(NonNull::new_unchecked(header)) + pre_size(ty.as_ref()),
                    None => continue,
                }
            };
            self.sum_up(cx, block, known, size, false);
        }
    }
}

impl Recorder {
    /// Tells the sums.
    pub fn tell_totals(&mut self, totals: &Totals) {
        let events: Vec<Event> = totals.list.iter().map(|t| Event::Total { site: t.site, type_id: t.type_id, born: t.born, died: t.died, bytes: t.bytes }).collect();
        Sink::events(&mut *self.sink, &events);
    }
}
