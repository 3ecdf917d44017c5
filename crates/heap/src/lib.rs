//! Bytes with addresses: pools of 16-byte size classes with one LIFO free list each, a few lists more for kinds of objects that
//! CPython keeps apart, and large blocks.
//!
//! Here: where a block lies and who gets it next. Never here: Python types, counts, meaning. Promises, by number:
//! H1 a block is in exactly one place: a free list or its owner's hands. H2 a block's address is 16-aligned and inside
//! its arena. H3 in checked builds freed blocks are filled with a pattern. H4 the block freed last is handed out first,
//! per size class or kind. H5 whoever has himself told of blocks hears of every one that comes or goes, in order.

mod arena;
mod kept;
mod stats;
mod told;

pub use kept::Kind;
pub use stats::{ClassStats, Stats};
pub use told::{Entry, Tally, Watch, not_yet};

use std::alloc::Layout;
use std::cell::Cell;
use std::ptr::{NonNull, null_mut};

/// Blocks up to this many bytes come from size classes.
pub const SMALL_MAX: usize = 512;
/// Size classes are this many bytes apart.
pub const STEP: usize = 16;
const CLASSES: usize = SMALL_MAX / STEP + 1;
/// Bytes threaded into a free list at a time.
const PAGE_BYTES: usize = 4 << 10;
/// Bytes of arena taken at a time for one class, as CPython's pools.
pub const POOL_BYTES: usize = 16 << 10;
/// Bytes in front of a large block: its size.
const LARGE_PREFIX: usize = 16;
const POISON: u8 = 0xdd;
/// The class of ints of the usual size and floats, which the eval loop takes and gives back by itself.
const NUMBERS: usize = 32 / STEP;
/// Floats have a free list of their own, of which others get what is beyond so many; as CPython's `PyFloat_MAXFREELIST`.
const FLOATS_MAX: usize = 100;

/// The class of blocks of a size; no bytes take one, too.
#[inline(always)]
const fn class_of(size: usize) -> usize {
    size.saturating_sub(1) / STEP + 1
}

/// One interpreter's memory. Lies at a fixed address while it has blocks out.
#[repr(C)]
pub struct Heap {
    /// Heads of the free lists, by class. First in the struct: allocation is four instructions. Beside that of numbers lies that of
    /// floats, so that a shape alone says which of both is meant.
    free: [[Cell<*mut u8>; 2]; CLASSES],
    kept: kept::Kept,
    /// Blocks up to this size come the short way: `SMALL_MAX`, or nothing while somebody is told of them.
    short_max: Cell<usize>,
    /// Blocks up to this size go the short way.
    free_max: Cell<usize>,
    /// Who is told of every block at once, and what is handed to it.
    watch: Cell<Option<(Watch, usize)>>,
    /// Who is told of every block by a function for each thing that may happen.
    tally: Cell<Option<Tally>>,
    /// While somebody is told: the free blocks of numbers, which would else be taken without a word; those of floats are the second.
    aside: [Cell<*mut u8>; 2],
    arenas: arena::Arenas,
    carved: [Cell<usize>; CLASSES],
    /// Per class, what of its newest pool is on no list yet: the first block's address and how many there are.
    rest: [Cell<(*mut u8, usize)>; CLASSES],
    large_blocks: Cell<usize>,
    large_bytes: Cell<usize>,
    budget_bytes: Cell<usize>,
    charged_bytes: Cell<usize>,
}

impl Default for Heap {
    fn default() -> Heap {
        Heap::new()
    }
}

impl Heap {
    /// An empty heap without a budget.
    pub fn new() -> Heap {
        Heap {
            free: [const { [const { Cell::new(null_mut()) }; 2] }; CLASSES],
            kept: kept::Kept::default(),
            short_max: Cell::new(if cfg!(retic_plain) { 0 } else { SMALL_MAX }),
            free_max: Cell::new(if cfg!(retic_plain) { 0 } else { SMALL_MAX }),
            watch: Cell::new(None),
            tally: Cell::new(None),
            aside: [const { Cell::new(null_mut()) }; 2],
            arenas: arena::Arenas::default(),
            carved: [const { Cell::new(0) }; CLASSES],
            rest: [const { Cell::new((null_mut(), 0)) }; CLASSES],
            large_blocks: Cell::new(0),
            large_bytes: Cell::new(0),
            budget_bytes: Cell::new(usize::MAX),
            charged_bytes: Cell::new(0),
        }
    }

    /// Sets how many bytes may be charged in all. Pools and large blocks count, from now on.
    pub fn set_budget(&self, bytes: usize) {
        self.budget_bytes.set(bytes);
    }

    /// Bytes charged so far.
    pub fn charged_bytes(&self) -> usize {
        self.charged_bytes.get()
    }

    fn charge(&self, bytes: usize) -> bool {
        let Some(total) = self.charged_bytes.get().checked_add(bytes) else { return false };
        if total > self.budget_bytes.get() {
            return false;
        }
        self.charged_bytes.set(total);
        true
    }

    /// Makes room where memory or budget is used up: what the interpreter needs to go on with, to raise and to unwind, comes out
    /// of an arena kept for that. False: it is used up, too.
    pub fn open_reserve(&self) -> bool {
        let opened = self.arenas.open_reserve();
        if opened {
            self.budget_bytes.set(self.budget_bytes.get().saturating_add(arena::ARENA_BYTES));
        }
        opened
    }

    /// A block of at least `size` bytes, or `None` when memory or budget is used up. Contents are arbitrary.
    #[inline(always)]
    pub fn alloc(&self, size: usize) -> Option<NonNull<u8>> {
        self.alloc_for(size, Entry::BUFFER)
    }

    /// The same for an object whose header comes `before` bytes behind the block's beginning.
    #[inline(always)]
    pub fn alloc_object(&self, size: usize, before: usize) -> Option<NonNull<u8>> {
        self.alloc_for(size, before)
    }

    #[inline(always)]
    fn alloc_for(&self, size: usize, before: usize) -> Option<NonNull<u8>> {
        if size > self.short_max.get() {
            return self.alloc_long(size, before);
        }
        self.alloc_short(size)
    }

    /// A block of at most `SMALL_MAX` bytes that no journal hears of.
    #[inline(always)]
    fn alloc_short(&self, size: usize) -> Option<NonNull<u8>> {
        if cfg!(retic_plain) {
            return self.alloc_large(size);
        }
        let class = class_of(size);
        // SAFETY: callers ask for `SMALL_MAX` bytes at the most.
        match Heap::pop(unsafe { &self.free.get_unchecked(class)[0] }) {
            None => self.refill(class),
            block => block,
        }
    }

    #[inline(always)]
    fn pop(list: &Cell<*mut u8>) -> Option<NonNull<u8>> {
        let block = NonNull::new(list.get())?;
        // SAFETY: H1, a block on a free list is ours and its first word is the link.
        list.set(unsafe { block.cast::<*mut u8>().read() });
        Some(block)
    }

    /// A block for an int of the usual size or a float where one is at hand, else null: no call comes of it, and no journal hears of it.
    #[inline(always)]
    pub fn pop_number<const FLOAT: bool>(&self) -> *mut u8 {
        if cfg!(retic_plain) {
            return self.alloc_large(NUMBERS * STEP).map_or(null_mut(), NonNull::as_ptr);
        }
        let block = if FLOAT { Heap::pop(self.floats()).or_else(|| Heap::pop(&self.free[NUMBERS][0])) } else { Heap::pop(&self.free[NUMBERS][0]) };
        block.map_or(null_mut(), NonNull::as_ptr)
    }

    #[inline(always)]
    fn floats(&self) -> &Cell<*mut u8> {
        &self.free[NUMBERS][1]
    }

    /// A block for a float of `size` bytes, of the class of numbers.
    #[inline(always)]
    pub fn alloc_float(&self, size: usize) -> Option<NonNull<u8>> {
        if NUMBERS * STEP > self.short_max.get() {
            return self.alloc_float_long(size);
        }
        Heap::pop(self.floats()).or_else(|| self.alloc_short(NUMBERS * STEP))
    }

    #[inline(never)]
    fn alloc_float_long(&self, size: usize) -> Option<NonNull<u8>> {
        if self.watch.get().is_some() {
            return self.alloc_watched(size, 0, true);
        }
        let block = Heap::pop(self.floats()).or_else(|| self.alloc_short(NUMBERS * STEP))?;
        self.tell_birth(block, size, 0)
    }

    /// Gives the block of an int of the usual size (`nth` is 0) or of a float (1) back.
    ///
    /// # Safety
    /// As `free_number_short`.
    #[inline(always)]
    pub unsafe fn free_number(&self, block: NonNull<u8>, nth: usize) {
        if NUMBERS * STEP > self.free_max.get() {
            self.tell_death(block, NUMBERS * STEP);
        }
        // SAFETY: passed on from the caller.
        unsafe { self.free_number_short(block, nth) }
    }

    /// The same; no journal hears of it.
    ///
    /// # Safety
    /// The block is one of `pop_number` or of that size and not used again; `nth` is 0 or 1.
    #[inline(always)]
    pub unsafe fn free_number_short(&self, block: NonNull<u8>, nth: usize) {
        debug_assert!(nth < 2);
        // SAFETY: passed on from the caller.
        unsafe {
            if cfg!(retic_plain) {
                return self.free_large(block, NUMBERS * STEP);
            }
            self.push(self.free[NUMBERS].get_unchecked(nth), block, NUMBERS);
        }
    }

    /// Puts a block on a list of blocks of a class.
    ///
    /// # Safety
    /// The caller hands the block over, which has the size of the class.
    #[inline(always)]
    unsafe fn push(&self, list: &Cell<*mut u8>, block: NonNull<u8>, class: usize) {
        if cfg!(debug_assertions) && self.tally.get().is_none_or(|t| t.deaths) {
            // SAFETY: the whole class size belongs to the block.
            unsafe { block.as_ptr().write_bytes(POISON, class * STEP) };
        }
        // SAFETY: H1, the caller hands the block over; its first word becomes the link.
        unsafe { block.cast::<*mut u8>().write(list.get()) };
        list.set(block.as_ptr());
    }

    /// Gives a block back.
    ///
    /// # Safety
    /// `block` came from `alloc(size)` of this heap with the same size class and is not used again.
    #[inline(always)]
    pub unsafe fn free(&self, block: NonNull<u8>, size: usize) {
        if size > self.free_max.get() {
            // SAFETY: passed on from the caller.
            return unsafe { self.free_long(block, size) };
        }
        // SAFETY: passed on from the caller.
        unsafe { self.free_short(block, size) }
    }

    /// Gives a block of at most `SMALL_MAX` bytes back; no journal hears of it.
    ///
    /// # Safety
    /// As `free`.
    #[inline(always)]
    unsafe fn free_short(&self, block: NonNull<u8>, size: usize) {
        if cfg!(retic_plain) {
            // SAFETY: passed on from the caller; every block is a large one.
            return unsafe { self.free_large(block, size) };
        }
        let class = class_of(size);
        // SAFETY: passed on from the caller; the size is `SMALL_MAX` at the most.
        unsafe { self.push(&self.free.get_unchecked(class)[0], block, class) }
    }

    /// Large blocks, and all while somebody is told of them.
    #[inline(never)]
    fn alloc_long(&self, size: usize, before: usize) -> Option<NonNull<u8>> {
        if self.watch.get().is_some() {
            return self.alloc_watched(size, before, false);
        }
        let block = if size > SMALL_MAX { self.alloc_large(size) } else { self.alloc_short(size) }?;
        self.tell_birth(block, size, before)
    }

    #[inline(always)]
    fn tell_birth(&self, block: NonNull<u8>, size: usize, before: usize) -> Option<NonNull<u8>> {
        match self.tally.get() {
            Some(tally) => (tally.came)(tally.whose, block, size, before),
            None => Some(block),
        }
    }

    #[cold]
    #[inline(never)]
    fn alloc_watched(&self, size: usize, before: usize, float: bool) -> Option<NonNull<u8>> {
        let numbers = class_of(size) == NUMBERS;
        if numbers {
            self.put_numbers_aside();
            self.swap_aside();
        }
        let block = match float {
            true => Heap::pop(self.floats()).or_else(|| self.alloc_short(size)),
            false if size > SMALL_MAX => self.alloc_large(size),
            false => self.alloc_short(size),
        };
        if numbers {
            self.swap_aside();
        }
        self.tell_both(block?, size, before)
    }

    /// Numbers are taken from what was put aside, or from what came back without a word.
    fn swap_aside(&self) {
        for (list, aside) in self.free[NUMBERS].iter().zip(&self.aside) {
            list.swap(aside);
        }
    }

    /// # Safety
    /// As `free`.
    #[inline(never)]
    unsafe fn free_long(&self, block: NonNull<u8>, size: usize) {
        self.tell_death(block, size);
        // SAFETY: passed on from the caller.
        unsafe { if size > SMALL_MAX { self.free_large(block, size) } else { self.free_short(block, size) } }
    }

    #[inline(always)]
    fn tell_death(&self, block: NonNull<u8>, size: usize) {
        if let Some(tally) = self.tally.get() {
            (tally.went)(tally.whose, block.as_ptr() as usize, size);
        }
        if self.watch.get().is_some() {
            self.note(Entry::Went { block: block.as_ptr() as usize, size });
        }
    }

    /// Tells of a birth whose block is at hand.
    fn tell_both(&self, block: NonNull<u8>, size: usize, before: usize) -> Option<NonNull<u8>> {
        if self.watch.get().is_some() {
            let _ = self.tell_birth(block, size, before);
            self.note(Entry::Came { block: block.as_ptr() as usize, size, before });
            return Some(block);
        }
        self.tell_birth(block, size, before)
    }

    #[inline]
    fn note(&self, entry: Entry) {
        if let Some((watch, whose)) = self.watch.get() {
            watch(whose, entry);
        }
    }

    /// From now on `watch` is told of every block (and handed `whose`), or nobody is any more. Blocks of numbers that the eval
    /// loop gives back are told of when the next number is born.
    pub fn set_watch(&self, watch: Option<(Watch, usize)>) {
        if self.watch.get().is_some() {
            self.put_numbers_aside();
            self.swap_aside();
        }
        self.watch.set(watch);
        if watch.is_some() {
            self.swap_aside();
        }
        self.choose_way();
    }

    /// From now on `tally` is told of every block, or nobody is any more.
    pub fn set_tally(&self, tally: Option<Tally>) {
        self.tally.set(tally);
        self.choose_way();
    }

    fn choose_way(&self) {
        let way = |told: bool| if told || cfg!(retic_plain) { 0 } else { SMALL_MAX };
        let watched = self.watch.get().is_some();
        self.short_max.set(way(watched || self.tally.get().is_some()));
        self.free_max.set(way(watched || self.tally.get().is_some_and(|t| t.deaths)));
    }

    /// Moves the free blocks of numbers away, in their order, and tells that they went.
    fn put_numbers_aside(&self) {
        for (list, aside) in self.free[NUMBERS].iter().zip(&self.aside) {
            let mut blocks = Vec::new();
            while let Some(block) = Heap::pop(list) {
                blocks.push(block);
            }
            for block in blocks.into_iter().rev() {
                if let Some((watch, whose)) = self.watch.get() {
                    watch(whose, Entry::Went { block: block.as_ptr() as usize, size: NUMBERS * STEP });
                }
                // SAFETY: H1, it is on no list now.
                unsafe { block.cast::<*mut u8>().write(aside.get()) };
                aside.set(block.as_ptr());
            }
        }
    }

    /// The first of the free floats' blocks that are too many to be kept for floats; the others behind it are anybody's from now on.
    fn spare_float(&self) -> Option<NonNull<u8>> {
        let mut at = NonNull::new(self.floats().get())?;
        // SAFETY: H1, blocks on the list hold a link in their first word.
        unsafe {
            for _ in 1..FLOATS_MAX {
                at = NonNull::new(at.cast::<*mut u8>().read())?;
            }
            let spare = NonNull::new(at.cast::<*mut u8>().replace(null_mut()))?;
            self.free[NUMBERS][0].set(spare.cast::<*mut u8>().read());
            Some(spare)
        }
    }

    #[cold]
    #[inline(never)]
    fn refill(&self, class: usize) -> Option<NonNull<u8>> {
        let size = class * STEP;
        if class == NUMBERS
            && let Some(block) = self.spare_float()
        {
            return Some(block);
        }
        let (first, left) = match self.rest[class].get() {
            (_, 0) => {
                if !self.charge(POOL_BYTES) {
                    return None;
                }
                (self.arenas.pool(class)?, POOL_BYTES / size)
            }
            (at, left) => (NonNull::new(at)?, left),
        };
        // Threaded in address order, as CPython's pools hand fresh blocks out; a page at a time, so that memory nobody asked
        // for is not touched.
        let count = left.min((PAGE_BYTES / size).max(1));
        for i in 1..count {
            let next = if i + 1 < count { first.as_ptr().wrapping_add((i + 1) * size) } else { null_mut() };
            // SAFETY: H2, `i` counts blocks inside the pool that no list holds yet.
            unsafe { first.as_ptr().add(i * size).cast::<*mut u8>().write(next) };
        }
        self.free[class][0].set(if count > 1 { first.as_ptr().wrapping_add(size) } else { null_mut() });
        self.carved[class].set(self.carved[class].get() + count);
        self.rest[class].set((first.as_ptr().wrapping_add(count * size), left - count));
        Some(first)
    }

    #[cold]
    #[inline(never)]
    fn alloc_large(&self, size: usize) -> Option<NonNull<u8>> {
        let total = size.checked_add(LARGE_PREFIX)?;
        let layout = Layout::from_size_align(total, 16).ok()?;
        if !self.charge(total) {
            return None;
        }
        // SAFETY: the layout has a size above zero.
        let raw = unsafe { std::alloc::alloc(layout) };
        if raw.is_null() {
            self.charged_bytes.set(self.charged_bytes.get() - total);
            return None;
        }
        self.large_blocks.set(self.large_blocks.get() + 1);
        self.large_bytes.set(self.large_bytes.get() + size);
        // SAFETY: the prefix is ours.
        unsafe { raw.cast::<usize>().write(size) };
        NonNull::new(raw.wrapping_add(LARGE_PREFIX))
    }

    /// # Safety
    /// As `free`.
    #[cold]
    #[inline(never)]
    unsafe fn free_large(&self, block: NonNull<u8>, size: usize) {
        let total = size + LARGE_PREFIX;
        self.large_blocks.set(self.large_blocks.get() - 1);
        self.large_bytes.set(self.large_bytes.get() - size);
        self.charged_bytes.set(self.charged_bytes.get() - total);
        // SAFETY: allocated with this very layout in `alloc_large`.
        unsafe { std::alloc::dealloc(block.as_ptr().wrapping_sub(LARGE_PREFIX), Layout::from_size_align_unchecked(total, 16)) };
    }

    /// Resizes a block, in place where the class stays. The old block is gone on success and untouched on failure.
    ///
    /// # Safety
    /// `block` came from `alloc(old)` of this heap and is only used through the result afterwards.
    pub unsafe fn resize(&self, block: NonNull<u8>, old: usize, new: usize) -> Option<NonNull<u8>> {
        if self.short_max.get() == 0
            && let Some(tally) = self.tally.get()
        {
            (tally.moving)(tally.whose);
        }
        // SAFETY: passed on from the caller.
        let moved = unsafe { self.resized(block, old, new) };
        if self.short_max.get() == 0
            && let Some(to) = moved
        {
            if let Some(tally) = self.tally.get() {
                (tally.resized)(tally.whose, block.as_ptr() as usize, to.as_ptr() as usize, new);
            }
            self.note(Entry::Resized { from: block.as_ptr() as usize, to: to.as_ptr() as usize, size: new });
        }
        moved
    }

    /// # Safety
    /// As `resize`.
    unsafe fn resized(&self, block: NonNull<u8>, old: usize, new: usize) -> Option<NonNull<u8>> {
        let plain = cfg!(retic_plain);
        if !plain && old <= SMALL_MAX && new <= SMALL_MAX && class_of(old) == class_of(new) {
            return Some(block);
        }
        if old > SMALL_MAX && new > SMALL_MAX {
            let (old_total, new_total) = (old + LARGE_PREFIX, new.checked_add(LARGE_PREFIX)?);
            if new_total > old_total && !self.charge(new_total - old_total) {
                return None;
            }
            let layout = Layout::from_size_align(old_total, 16).ok()?;
            // SAFETY: allocated by `alloc_large` with this layout.
            let raw = unsafe { std::alloc::realloc(block.as_ptr().wrapping_sub(LARGE_PREFIX), layout, new_total) };
            if raw.is_null() {
                return None;
            }
            if new_total < old_total {
                self.charged_bytes.set(self.charged_bytes.get() - (old_total - new_total));
            }
            self.large_bytes.set(self.large_bytes.get() + new - old);
            // SAFETY: the prefix is ours.
            unsafe { raw.cast::<usize>().write(new) };
            return NonNull::new(raw.wrapping_add(LARGE_PREFIX));
        }
        let large = |size: usize| plain || size > SMALL_MAX;
        let moved = if large(new) { self.alloc_large(new) } else { self.alloc_short(new) }?;
        // SAFETY: both blocks are live, distinct and at least `min` bytes long.
        unsafe {
            moved.as_ptr().copy_from_nonoverlapping(block.as_ptr(), old.min(new));
            if large(old) {
                self.free_large(block, old);
            } else {
                self.free_short(block, old);
            }
        }
        Some(moved)
    }

    /// Bytes that a block has at the least and may be given back with. Slow: who asked for it usually knows.
    ///
    /// # Safety
    /// `block` came from `alloc` of this heap and is in its owner's hands.
    pub unsafe fn block_size(&self, block: NonNull<u8>) -> usize {
        match self.arenas.class_at(block.as_ptr()) {
            Some(class) => class * STEP,
            // SAFETY: a large block has its size in front.
            None => unsafe { block.as_ptr().sub(LARGE_PREFIX).cast::<usize>().read() },
        }
    }

    /// Blocks in their owners' hands.
    pub fn allocated_blocks(&self) -> usize {
        self.stats().classes.iter().map(|c| c.used).sum::<usize>() + self.large_blocks.get()
    }

    /// Heads of the free lists of a class.
    fn lists(&self, class: usize) -> impl Iterator<Item = *mut u8> {
        let more = if class == NUMBERS { [self.floats().get(), self.aside[0].get(), self.aside[1].get()] } else { [null_mut(); 3] };
        std::iter::once(self.free[class][0].get()).chain(more)
    }

    /// Shows the blocks of a list.
    fn each_of(head: *mut u8, mut act: impl FnMut(usize)) {
        let mut at = head;
        while !at.is_null() {
            act(at as usize);
            // SAFETY: H1, blocks on the list hold a link in their first word.
            at = unsafe { at.cast::<*mut u8>().read() };
        }
    }

    /// Every small block that is on a free list.
    pub fn each_free(&self, mut act: impl FnMut(usize)) {
        for class in 1..CLASSES {
            self.lists(class).for_each(|head| Heap::each_of(head, &mut act));
        }
        self.each_kept(act);
    }

    /// Walks the free lists and checks H1 and H2; the error names the class.
    pub fn audit(&self) -> Result<(), String> {
        for class in 1..CLASSES {
            let mut n = 0;
            for mut at in self.lists(class) {
                while !at.is_null() {
                    if !(at as usize).is_multiple_of(STEP) || !self.arenas.contains(at) {
                        return Err(format!("free list of class {} holds a foreign address", class * STEP));
                    }
                    n += 1;
                    if n > self.carved[class].get() {
                        return Err(format!("free list of class {} has a cycle", class * STEP));
                    }
                    // SAFETY: H1, blocks on the list hold a link in their first word.
                    at = unsafe { at.cast::<*mut u8>().read() };
                }
            }
        }
        self.audit_kept()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_block_freed_last_comes_first() {
        let heap = Heap::new();
        let (a, b) = (heap.alloc(20).unwrap(), heap.alloc(32).unwrap());
        assert_eq!(b.as_ptr() as usize - a.as_ptr() as usize, 32);
        // SAFETY: a and b came from this heap and are not used again.
        unsafe {
            heap.free(a, 20);
            heap.free(b, 32);
        }
        assert_eq!(heap.alloc(25), Some(b));
        assert_eq!(heap.alloc(25), Some(a));
        heap.audit().unwrap();
    }

    #[test]
    fn a_budget_refuses_and_recovers() {
        let heap = Heap::new();
        heap.set_budget(100_000);
        assert!(heap.alloc(200_000).is_none());
        let big = heap.alloc(90_000).unwrap();
        assert!(heap.alloc(90_000).is_none());
        // SAFETY: as above.
        unsafe { heap.free(big, 90_000) };
        assert!(heap.alloc(90_000).is_some());
    }

    #[test]
    fn a_reserve_helps_once() {
        let heap = Heap::new();
        let first = heap.alloc(16).unwrap();
        heap.set_budget(heap.charged_bytes());
        assert!(heap.alloc(500).is_none());
        assert!(heap.open_reserve());
        assert!(heap.alloc(500).is_some());
        assert!(!heap.open_reserve());
        // SAFETY: it came from this heap and is not used again.
        unsafe { heap.free(first, 16) };
    }

    #[test]
    fn blocks_know_their_sizes() {
        let heap = Heap::new();
        for size in [1, 16, 17, 300, 512, 513, 5000] {
            let block = heap.alloc(size).unwrap();
            // SAFETY: it came from this heap and goes back once.
            unsafe {
                let told = heap.block_size(block);
                assert!(told >= size && told < size + STEP, "{size} {told}");
                heap.free(block, told);
            }
        }
        heap.audit().unwrap();
        assert_eq!(heap.allocated_blocks(), 0);
    }

    #[test]
    fn resizing_keeps_the_bytes() {
        let heap = Heap::new();
        let a = heap.alloc(16).unwrap();
        // SAFETY: 16 bytes belong to us; the block is used through the result only.
        let b = unsafe {
            a.as_ptr().write_bytes(7, 16);
            heap.resize(a, 16, 4000).unwrap()
        };
        // SAFETY: 4000 bytes belong to us, the first 16 were copied.
        unsafe {
            assert_eq!(std::slice::from_raw_parts(b.as_ptr(), 16), [7; 16]);
            heap.free(b, 4000);
        }
        assert_eq!(heap.allocated_blocks(), 0);
    }
}
