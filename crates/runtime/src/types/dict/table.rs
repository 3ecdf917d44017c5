//! The hash table of a dict: one block with an index of small integers and the entries behind it, laid out and grown as
//! CPython's keys objects, so that blocks and sizes agree. String-only tables keep no hashes.

use crate::cx::{Cx, PyResult};
use crate::object::{Obj, Ref, Trace, Visit};
use crate::types::Str;
use retic_heap::{Entry, Heap, Kind};
use std::ptr::{NonNull, null_mut};

const HEAD_BYTES: usize = 32;
/// Blocks of tables with so many places (as a power of two) and texts alone are kept.
const KEPT_LOG2: u8 = 3;
/// Bytes of such a block.
pub(crate) const KEPT_BYTES: usize = Table::layout(KEPT_LOG2, false);
const EMPTY: i64 = -1;
const DUMMY: i64 = -2;

#[repr(C)]
struct Head {
    log2: u8,
    general: bool,
    usable: u32,
    end: u32,
    used: u32,
    /// No entry before this one is live.
    first: u32,
    heap: *const Heap,
}
const _: () = assert!(size_of::<Head>() <= HEAD_BYTES);

/// The table; null while a dict never had a key.
#[repr(transparent)]
pub struct Table(*mut Head);

/// A walk along the probe sequence of a hash.
pub struct Probe {
    perturb: u64,
    slot: usize,
    first: bool,
}

impl Probe {
    #[inline(always)]
    fn step(&mut self, mask: usize) {
        self.perturb >>= 5;
        self.slot = self.slot.wrapping_mul(5).wrapping_add(self.perturb as usize).wrapping_add(1) & mask;
    }
}

/// The places in a table's block, worked out once for many looks.
#[derive(Clone, Copy)]
struct Parts {
    index: *mut u8,
    entries: *mut u8,
    mask: usize,
    width: usize,
    general: bool,
}
impl Parts {
    /// The key's place of an entry; the value lies behind it.
    #[inline(always)]
    fn entry(self, i: usize) -> *mut Option<Obj> {
        self.entries.wrapping_add(if self.general { i * 24 + 8 } else { i * 16 }).cast()
    }
    #[inline(always)]
    fn hash(self, i: usize) -> i64 {
        // SAFETY: a live entry. The hash lies in front of the key; keys of string tables are strings with a known hash.
        unsafe {
            let e = self.entry(i);
            if self.general { e.cast::<i64>().sub(1).read() } else { (*e).as_ref().unwrap_unchecked().cast_unchecked::<Str>().known_hash() }
        }
    }
    #[inline(always)]
    fn slot(self, s: usize) -> i64 {
        // SAFETY: `s` is below the index size.
        unsafe {
            match self.width {
                1 => i64::from(self.index.cast::<i8>().add(s).read()),
                2 => i64::from(self.index.cast::<i16>().add(s).read()),
                4 => i64::from(self.index.cast::<i32>().add(s).read()),
                _ => self.index.cast::<i64>().add(s).read(),
            }
        }
    }
    #[inline(always)]
    fn set_slot(self, s: usize, v: i64) {
        // SAFETY: as above.
        unsafe {
            match self.width {
                1 => self.index.cast::<i8>().add(s).write(v as i8),
                2 => self.index.cast::<i16>().add(s).write(v as i16),
                4 => self.index.cast::<i32>().add(s).write(v as i32),
                _ => self.index.cast::<i64>().add(s).write(v),
            }
        }
    }
    /// Puts an entry's number into the first free place on the walk of its hash.
    #[inline(always)]
    fn point(self, hash: i64, i: usize) {
        let mut p = Probe { perturb: hash as u64, slot: hash as usize & self.mask, first: true };
        while self.slot(p.slot) >= 0 {
            p.step(self.mask);
        }
        self.set_slot(p.slot, i as i64);
    }
}

impl Table {
    pub const fn empty() -> Table {
        Table(null_mut())
    }
    fn head(&self) -> Option<&Head> {
        // SAFETY: null or our live block.
        unsafe { self.0.as_ref() }
    }
    /// No entry before this place is live.
    #[inline(always)]
    pub fn first(&self) -> usize {
        self.head().map_or(0, |h| h.first as usize)
    }
    /// Places of the index.
    pub fn slots(&self) -> usize {
        self.head().map_or(0, |h| 1 << h.log2)
    }
    pub fn used(&self) -> usize {
        self.head().map_or(0, |h| h.used as usize)
    }
    /// What tells a block from others that were there before: where it lies, and how it is laid out.
    pub fn block(&self) -> (usize, u8, bool) {
        self.head().map_or((0, 0, false), |h| (self.0 as usize, h.log2, h.general))
    }
    /// One past the last entry ever used.
    pub fn end(&self) -> usize {
        self.head().map_or(0, |h| h.end as usize)
    }
    pub fn is_general(&self) -> bool {
        self.head().is_some_and(|h| h.general)
    }
    const fn index_width(log2: u8) -> usize {
        match log2 {
            0..=7 => 1,
            8..=15 => 2,
            16..=31 => 4,
            _ => 8,
        }
    }
    /// CPython's `calculate_log2_keysize`, which is generous with some small sizes.
    fn log2_for(wanted: usize) -> u8 {
        (usize::BITS - (((wanted | 8) - 1) | 7).leading_zeros()) as u8
    }
    const fn usable_of(size: usize) -> usize {
        (size << 1) / 3
    }
    const fn layout(log2: u8, general: bool) -> usize {
        let size = 1usize << log2;
        HEAD_BYTES + size * Table::index_width(log2) + Table::usable_of(size) * if general { 24 } else { 16 }
    }
    fn is_kept(log2: u8, general: bool) -> bool {
        log2 == KEPT_LOG2 && !general
    }
    /// Bytes of the block.
    pub fn bytes(&self) -> usize {
        self.head().map_or(0, |h| Table::layout(h.log2, h.general))
    }
    /// Where index and entries lie; the table has a block.
    #[inline(always)]
    fn parts(&self) -> Parts {
        // SAFETY: callers know that the table is not null; a live block.
        let h = unsafe { &*self.0 };
        let size = 1usize << h.log2;
        let index = self.0.cast::<u8>().wrapping_add(HEAD_BYTES);
        let width = Table::index_width(h.log2);
        Parts { index, entries: index.wrapping_add(size * width), mask: size - 1, width, general: h.general }
    }
    #[inline(always)]
    fn entry(&self, i: usize) -> *mut Option<Obj> {
        self.parts().entry(i)
    }
    #[inline]
    pub fn is_live(&self, i: usize) -> bool {
        // SAFETY: entries below `end` are initialised.
        unsafe { (*self.entry(i)).is_some() }
    }
    #[inline]
    pub fn key(&self, i: usize) -> &Obj {
        // SAFETY: callers ask for live entries.
        unsafe { (*self.entry(i)).as_ref().unwrap_unchecked() }
    }
    #[inline]
    pub fn value(&self, i: usize) -> &Obj {
        // SAFETY: as above; the value lies behind the key.
        unsafe { (*self.entry(i).add(1)).as_ref().unwrap_unchecked() }
    }
    /// The hash of a live entry.
    #[inline]
    pub fn hash_at(&self, i: usize) -> i64 {
        self.parts().hash(i)
    }
    /// Starts a walk.
    #[inline]
    pub fn probe(&self, hash: i64) -> Probe {
        let mask = self.head().map_or(0, |h| (1usize << h.log2) - 1);
        Probe { perturb: hash as u64, slot: hash as usize & mask, first: true }
    }
    /// The next entry on the walk whose hash is equal.
    pub fn next_candidate(&self, p: &mut Probe, hash: i64) -> Option<usize> {
        if self.0.is_null() {
            return None;
        }
        let parts = self.parts();
        loop {
            if !p.first {
                p.step(parts.mask);
            }
            p.first = false;
            match parts.slot(p.slot) {
                EMPTY => return None,
                DUMMY => {}
                i if parts.hash(i as usize) == hash => return Some(i as usize),
                _ => {}
            }
        }
    }
    /// Finds a string key.
    #[inline]
    pub fn find_str(&self, key: &Ref<Str>, hash: i64) -> Option<usize> {
        if self.0.is_null() {
            return None;
        }
        let parts = self.parts();
        let mut p = Probe { perturb: hash as u64, slot: hash as usize & parts.mask, first: true };
        loop {
            match parts.slot(p.slot) {
                EMPTY => return None,
                DUMMY => {}
                i => {
                    let i = i as usize;
                    // SAFETY: an entry in the index is live.
                    let k = unsafe { (*parts.entry(i)).as_ref().unwrap_unchecked() };
                    if k.is(key.as_obj()) {
                        return Some(i);
                    }
                    if parts.hash(i) == hash
                        && let Some(s) = k.cast::<Str>()
                        && s.equals(key)
                    {
                        return Some(i);
                    }
                }
            }
            p.step(parts.mask);
        }
    }
    fn alloc(cx: &Cx, log2: u8, general: bool) -> PyResult<Table> {
        let bytes = Table::layout(log2, general);
        let kept = if Table::is_kept(log2, general) { cx.heap.reuse(Kind::KEYS, bytes, Entry::BUFFER) } else { None };
        let Some(block) = kept.or_else(|| cx.heap.alloc(bytes)) else { return Err(cx.memory_error()) };
        let size = 1usize << log2;
        // SAFETY: the block has room for head, index and entries.
        unsafe {
            let head = block.cast::<Head>();
            head.write(Head { log2, general, usable: Table::usable_of(size) as u32, end: 0, used: 0, first: 0, heap: &cx.heap });
            block.add(HEAD_BYTES).write_bytes(0xff, size * Table::index_width(log2));
            Ok(Table(head.as_ptr()))
        }
    }
    #[inline]
    fn put(&mut self, key: Obj, hash: i64, value: Obj) {
        let parts = self.parts();
        let i = self.end();
        parts.point(hash, i);
        // SAFETY: there is room for one more entry.
        unsafe {
            let e = parts.entry(i);
            if parts.general {
                e.cast::<i64>().sub(1).write(hash);
            }
            e.write(Some(key));
            e.add(1).write(Some(value));
            (*self.0).end += 1;
            (*self.0).used += 1;
            (*self.0).usable -= 1;
        }
    }
    /// Another block for at least `wanted` index places; dead entries are left behind.
    fn rebuild(&mut self, cx: &Cx, wanted: usize, general: bool) -> PyResult<()> {
        let new = Table::alloc(cx, Table::log2_for(wanted), general)?;
        let (from, to) = (self.parts(), new.parts());
        let mut n = 0;
        for i in 0..self.end() {
            // SAFETY: live entries move over bit by bit; the old block forgets them below.
            unsafe {
                let e = from.entry(i);
                if (*e).is_none() {
                    continue;
                }
                let hash = from.hash(i);
                to.point(hash, n);
                let t = to.entry(n);
                if general {
                    t.cast::<i64>().sub(1).write(hash);
                }
                std::ptr::copy_nonoverlapping(e, t, 2);
                n += 1;
            }
        }
        // SAFETY: both blocks are ours.
        unsafe {
            (*new.0).end = n as u32;
            (*new.0).used = n as u32;
            (*new.0).usable -= n as u32;
        }
        if let Some(h) = self.head_mut() {
            h.end = 0;
            h.first = 0;
        }
        *self = new;
        Ok(())
    }
    /// A block with the same entries at the same places, each with one count more (CPython's `clone_combined_dict_keys`).
    pub fn cloned(&self, cx: &Cx) -> PyResult<Table> {
        let Some(h) = self.head() else { return Ok(Table::empty()) };
        let bytes = self.bytes();
        let Some(block) = cx.heap.alloc(bytes) else { return Err(cx.memory_error()) };
        // SAFETY: both blocks have that size; the new one's handles get counts of their own.
        unsafe {
            std::ptr::copy_nonoverlapping(self.0.cast::<u8>(), block.as_ptr(), bytes);
            let parts = self.parts();
            for i in 0..h.end as usize {
                let e = parts.entry(i);
                std::mem::forget((*e).clone());
                std::mem::forget((*e.add(1)).clone());
            }
        }
        Ok(Table(block.cast().as_ptr()))
    }
    /// Whether a copy of the whole block is what CPython makes for `update` of an empty dict.
    pub fn is_dense(&self) -> bool {
        self.head().is_some_and(|h| h.used == h.end && (h.log2 == 3 || Table::usable_of((1usize << h.log2) / 2) < h.used as usize))
    }
    /// Makes room for `more` entries at once if the whole table could not hold them (CPython's `dict_merge`).
    pub fn reserve(&mut self, cx: &Cx, more: usize, general: bool) -> PyResult<()> {
        let Some(h) = self.head() else {
            *self = Table::alloc(cx, Table::log2_for((more * 3).div_ceil(2)), general)?;
            return Ok(());
        };
        if Table::usable_of(1usize << h.log2) >= more {
            return Ok(());
        }
        let wanted = ((h.used as usize + more) * 3).div_ceil(2);
        let general = general || h.general;
        self.rebuild(cx, wanted, general)
    }
    /// Takes the last entry out; its place and those behind it are free again.
    pub fn pop(&mut self) -> Option<(Obj, Obj)> {
        let last = (0..self.end()).rev().find(|i| self.is_live(*i))?;
        let entry = self.remove(last, self.hash_at(last));
        if let Some(h) = self.head_mut() {
            h.end = last as u32;
            h.first = h.first.min(h.end);
        }
        Some(entry)
    }
    fn head_mut(&mut self) -> Option<&mut Head> {
        // SAFETY: null or our live block.
        unsafe { self.0.as_mut() }
    }
    /// Adds a key that is not there.
    pub fn insert(&mut self, cx: &Cx, key: Obj, hash: i64, value: Obj) -> PyResult<()> {
        self.make_room(cx, &key)?;
        self.put(key, hash, value);
        Ok(())
    }
    /// Sees to it that a key can be added without more memory.
    pub fn make_room(&mut self, cx: &Cx, key: &Obj) -> PyResult<()> {
        let exact_str = key.shape() == crate::object::shape::STR;
        if self.0.is_null() {
            *self = Table::alloc(cx, 3, !exact_str)?;
        } else if !exact_str && !self.is_general() {
            self.rebuild(cx, self.used() * 3, true)?;
        } else if self.head().is_some_and(|h| h.usable == 0) {
            let general = self.is_general();
            self.rebuild(cx, self.used() * 3, general)?;
        }
        Ok(())
    }
    /// Puts a value into an entry; hands out the old one.
    pub fn replace(&mut self, i: usize, value: Obj) -> Obj {
        // SAFETY: a live entry.
        unsafe { std::mem::replace((*self.entry(i).add(1)).as_mut().unwrap_unchecked(), value) }
    }
    /// Takes an entry out.
    pub fn remove(&mut self, i: usize, hash: i64) -> (Obj, Obj) {
        let parts = self.parts();
        let mut p = self.probe(hash);
        while parts.slot(p.slot) != i as i64 {
            p.step(parts.mask);
        }
        parts.set_slot(p.slot, DUMMY);
        if let Some(h) = self.head_mut() {
            h.used -= 1;
        }
        // SAFETY: a live entry; its parts move out.
        let entry = unsafe {
            let e = self.entry(i);
            ((*e).take().unwrap_unchecked(), (*e.add(1)).take().unwrap_unchecked())
        };
        if self.first() == i {
            let next = (i + 1..self.end()).find(|j| self.is_live(*j)).unwrap_or(self.end());
            if let Some(h) = self.head_mut() {
                h.first = next as u32;
            }
        }
        entry
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        if self.0.is_null() {
            return;
        }
        for i in 0..self.end() {
            // SAFETY: each part is dropped once, in order: key, then value.
            unsafe {
                let e = self.entry(i);
                drop((*e).take());
                drop((*e.add(1)).take());
            }
        }
        let bytes = self.bytes();
        // SAFETY: our block, given back once.
        unsafe {
            let (head, block) = (&*self.0, NonNull::new_unchecked(self.0.cast()));
            let heap = &*head.heap;
            if Table::is_kept(head.log2, head.general) {
                heap.keep(Kind::KEYS, block, bytes);
            } else {
                heap.free(block, bytes);
            }
        }
    }
}

impl Trace for crate::object::Guarded<Table> {
    fn trace(&self, visit: Visit<'_>) {
        // SAFETY: the collector holds the interpreter; nothing changes during the walk.
        let t = unsafe { &*self.as_ptr() };
        for i in 0..t.end() {
            if t.is_live(i) {
                visit(t.value(i));
                visit(t.key(i));
            }
        }
    }
    fn clear(&self, out: &mut Vec<Obj>) {
        // SAFETY: as above; the table is emptied before anything can run.
        unsafe {
            let t = &mut *self.as_ptr();
            for i in 0..t.end() {
                let e = t.entry(i);
                out.extend((*e).take());
                out.extend((*e.add(1)).take());
            }
            drop(std::mem::replace(t, Table::empty()));
        }
    }
}
