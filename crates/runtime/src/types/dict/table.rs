//! The hash table of a dict: one block with an index of small integers and the entries behind it, laid out and grown as
//! CPython's keys objects, so that blocks and sizes agree. String-only tables keep no hashes.

use crate::cx::{Cx, PyResult};
use crate::object::{Obj, Ref, Trace, Visit};
use crate::types::Str;
use std::ptr::{NonNull, null_mut};

const HEAD_BYTES: usize = 32;
const EMPTY: i64 = -1;
const DUMMY: i64 = -2;

#[repr(C)]
struct Head {
    log2: u8,
    general: bool,
    usable: u32,
    end: u32,
    used: u32,
    heap: *const retic_heap::Heap,
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

impl Table {
    pub const fn empty() -> Table {
        Table(null_mut())
    }
    fn head(&self) -> Option<&Head> {
        // SAFETY: null or our live block.
        unsafe { self.0.as_ref() }
    }
    pub fn used(&self) -> usize {
        self.head().map_or(0, |h| h.used as usize)
    }
    /// One past the last entry ever used.
    pub fn end(&self) -> usize {
        self.head().map_or(0, |h| h.end as usize)
    }
    pub fn is_general(&self) -> bool {
        self.head().is_some_and(|h| h.general)
    }
    fn index_width(log2: u8) -> usize {
        match log2 {
            0..=7 => 1,
            8..=15 => 2,
            16..=31 => 4,
            _ => 8,
        }
    }
    fn usable_of(size: usize) -> usize {
        (size << 1) / 3
    }
    fn layout(log2: u8, general: bool) -> usize {
        let size = 1usize << log2;
        HEAD_BYTES + size * Table::index_width(log2) + Table::usable_of(size) * if general { 24 } else { 16 }
    }
    /// Bytes of the block.
    pub fn bytes(&self) -> usize {
        self.head().map_or(0, |h| Table::layout(h.log2, h.general))
    }
    fn entries(&self) -> *mut u8 {
        let Some(h) = self.head() else { return null_mut() };
        self.0.cast::<u8>().wrapping_add(HEAD_BYTES + (1usize << h.log2) * Table::index_width(h.log2))
    }
    fn entry(&self, i: usize) -> *mut Option<Obj> {
        let general = self.is_general();
        let at = self.entries().wrapping_add(i * if general { 24 } else { 16 } + if general { 8 } else { 0 });
        at.cast()
    }
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
    fn hash_at(&self, i: usize, cx: Option<&Cx>) -> i64 {
        if self.is_general() {
            // SAFETY: the hash lies in front of the key.
            unsafe { self.entry(i).cast::<i64>().sub(1).read() }
        } else {
            let _ = cx;
            // SAFETY: keys of string tables are strings with a known hash.
            unsafe { self.key(i).cast_unchecked::<Str>() }.known_hash()
        }
    }
    fn slot(&self, s: usize) -> i64 {
        let Some(h) = self.head() else { return EMPTY };
        let base = self.0.cast::<u8>().wrapping_add(HEAD_BYTES);
        // SAFETY: `s` is below the index size.
        unsafe {
            match Table::index_width(h.log2) {
                1 => i64::from(base.cast::<i8>().add(s).read()),
                2 => i64::from(base.cast::<i16>().add(s).read()),
                4 => i64::from(base.cast::<i32>().add(s).read()),
                _ => base.cast::<i64>().add(s).read(),
            }
        }
    }
    fn set_slot(&mut self, s: usize, v: i64) {
        let Some(h) = self.head() else { return };
        let base = self.0.cast::<u8>().wrapping_add(HEAD_BYTES);
        // SAFETY: as above.
        unsafe {
            match Table::index_width(h.log2) {
                1 => base.cast::<i8>().add(s).write(v as i8),
                2 => base.cast::<i16>().add(s).write(v as i16),
                4 => base.cast::<i32>().add(s).write(v as i32),
                _ => base.cast::<i64>().add(s).write(v),
            }
        }
    }
    fn mask(&self) -> usize {
        self.head().map_or(0, |h| (1usize << h.log2) - 1)
    }
    /// Starts a walk.
    pub fn probe(&self, hash: i64) -> Probe {
        Probe { perturb: hash as u64, slot: hash as usize & self.mask(), first: true }
    }
    fn step(&self, p: &mut Probe) {
        p.perturb >>= 5;
        p.slot = p.slot.wrapping_mul(5).wrapping_add(p.perturb as usize).wrapping_add(1) & self.mask();
    }
    /// The next entry on the walk whose hash is equal.
    pub fn next_candidate(&self, p: &mut Probe, hash: i64, cx: &Cx) -> Option<usize> {
        if self.0.is_null() {
            return None;
        }
        loop {
            if !p.first {
                self.step(p);
            }
            p.first = false;
            match self.slot(p.slot) {
                EMPTY => return None,
                DUMMY => {}
                i if self.hash_at(i as usize, Some(cx)) == hash => return Some(i as usize),
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
        let mut p = self.probe(hash);
        loop {
            match self.slot(p.slot) {
                EMPTY => return None,
                DUMMY => {}
                i => {
                    let k = self.key(i as usize);
                    if k.is(key.as_obj()) {
                        return Some(i as usize);
                    }
                    if self.hash_at(i as usize, None) == hash
                        && let Some(s) = k.cast::<Str>()
                        && s.same(key)
                    {
                        return Some(i as usize);
                    }
                }
            }
            self.step(&mut p);
        }
    }
    fn alloc(cx: &Cx, log2: u8, general: bool) -> PyResult<Table> {
        let bytes = Table::layout(log2, general);
        let Some(block) = cx.heap.alloc(bytes) else { return Err(cx.memory_error()) };
        let size = 1usize << log2;
        // SAFETY: the block has room for head, index and entries.
        unsafe {
            let head = block.cast::<Head>();
            head.write(Head { log2, general, usable: Table::usable_of(size) as u32, end: 0, used: 0, heap: &cx.heap });
            block.add(HEAD_BYTES).write_bytes(0xff, size * Table::index_width(log2));
            Ok(Table(head.as_ptr()))
        }
    }
    fn put(&mut self, key: Obj, hash: i64, value: Obj) {
        let mut p = self.probe(hash);
        while self.slot(p.slot) >= 0 {
            self.step(&mut p);
        }
        let i = self.end();
        self.set_slot(p.slot, i as i64);
        // SAFETY: there is room for one more entry.
        unsafe {
            let e = self.entry(i);
            if self.is_general() {
                e.cast::<i64>().sub(1).write(hash);
            }
            e.write(Some(key));
            e.add(1).write(Some(value));
            (*self.0).end += 1;
            (*self.0).used += 1;
            (*self.0).usable -= 1;
        }
    }
    fn rebuild(&mut self, cx: &Cx, general: bool) -> PyResult<()> {
        let wanted = (self.used() * 3).max(8);
        let log2 = (usize::BITS - (wanted - 1).leading_zeros()).max(3) as u8;
        let mut new = Table::alloc(cx, log2, general)?;
        for i in 0..self.end() {
            // SAFETY: live entries move over; the old block forgets them.
            unsafe {
                let hash = if self.is_live(i) { self.hash_at(i, Some(cx)) } else { continue };
                let e = self.entry(i);
                if let (Some(k), Some(v)) = ((*e).take(), (*e.add(1)).take()) {
                    new.put(k, hash, v);
                }
            }
        }
        if let Some(h) = self.head_mut() {
            h.end = 0;
        }
        *self = new;
        Ok(())
    }
    fn head_mut(&mut self) -> Option<&mut Head> {
        // SAFETY: null or our live block.
        unsafe { self.0.as_mut() }
    }
    /// Adds a key that is not there.
    pub fn insert(&mut self, cx: &Cx, key: Obj, hash: i64, value: Obj) -> PyResult<()> {
        let exact_str = key.shape() == crate::object::shape::STR;
        if self.0.is_null() {
            *self = Table::alloc(cx, 3, !exact_str)?;
        } else if !exact_str && !self.is_general() {
            self.rebuild(cx, true)?;
        } else if self.head().is_some_and(|h| h.usable == 0) {
            let general = self.is_general();
            self.rebuild(cx, general)?;
        }
        self.put(key, hash, value);
        Ok(())
    }
    /// Puts a value into an entry; hands out the old one.
    pub fn replace(&mut self, i: usize, value: Obj) -> Obj {
        // SAFETY: a live entry.
        unsafe { std::mem::replace((*self.entry(i).add(1)).as_mut().unwrap_unchecked(), value) }
    }
    /// Takes an entry out.
    pub fn remove(&mut self, i: usize, hash: i64) -> (Obj, Obj) {
        let mut p = self.probe(hash);
        while self.slot(p.slot) != i as i64 {
            self.step(&mut p);
        }
        self.set_slot(p.slot, DUMMY);
        if let Some(h) = self.head_mut() {
            h.used -= 1;
        }
        // SAFETY: a live entry; its parts move out.
        unsafe {
            let e = self.entry(i);
            ((*e).take().unwrap_unchecked(), (*e.add(1)).take().unwrap_unchecked())
        }
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
        unsafe { (*(*self.0).heap).free(NonNull::new_unchecked(self.0.cast()), bytes) };
    }
}

impl Trace for crate::object::Guarded<Table> {
    fn trace(&self, visit: Visit<'_>) {
        // SAFETY: the collector holds the interpreter; nothing changes during the walk.
        let t = unsafe { &*self.as_ptr() };
        for i in 0..t.end() {
            if t.is_live(i) {
                visit(t.key(i));
                visit(t.value(i));
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
