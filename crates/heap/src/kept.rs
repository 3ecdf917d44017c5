//! Free lists of one kind of object: CPython keeps some of the dead lists, dicts and tuples apart from its other blocks, and so
//! what is born next at their addresses is of their kind. Such a block's first word is the link, its second says how many lie
//! from it to the end of its list.
//!
//! Source: CPython 3.13's `pycore_freelist.h`.

use super::{CLASSES, FLOATS_MAX, Heap, NUMBERS, POISON, STEP};
use std::cell::Cell;
use std::ptr::{NonNull, null_mut};

/// Kinds of objects whose blocks are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Kind(usize);

impl Kind {
    /// Tuples are kept up to this many items.
    pub const TUPLE_ITEMS_MAX: usize = 20;
    /// Lists.
    pub const LIST: Kind = Kind(Kind::TUPLE_ITEMS_MAX);
    /// Dicts.
    pub const DICT: Kind = Kind(Kind::TUPLE_ITEMS_MAX + 1);
    /// Tables of dicts with room for five texts.
    pub const KEYS: Kind = Kind(Kind::TUPLE_ITEMS_MAX + 2);
    /// Slices.
    pub const SLICE: Kind = Kind(Kind::TUPLE_ITEMS_MAX + 3);
    const ALL: usize = Kind::TUPLE_ITEMS_MAX + 4;

    /// Tuples of `n` items, one of them at least and [`Kind::TUPLE_ITEMS_MAX`] at the most.
    #[inline(always)]
    pub const fn tuple(n: usize) -> Kind {
        debug_assert!(n >= 1 && n <= Kind::TUPLE_ITEMS_MAX);
        Kind(n - 1)
    }

    /// How many blocks are kept.
    #[inline(always)]
    const fn most(self) -> usize {
        match self {
            Kind::LIST | Kind::DICT | Kind::KEYS => 80,
            Kind::SLICE => 1,
            _ => 2000,
        }
    }
}

/// Heads of the lists, in the order in which they are cleared.
pub struct Kept([Cell<*mut u8>; Kind::ALL]);

impl Default for Kept {
    fn default() -> Kept {
        Kept([const { Cell::new(null_mut()) }; Kind::ALL])
    }
}

impl Heap {
    /// The block of that kind that was kept last, for an object whose header comes `before` bytes behind its beginning. None: there
    /// is none, any of that size will do. Blocks of a kind have one size.
    #[inline(always)]
    pub fn reuse(&self, kind: Kind, size: usize, before: usize) -> Option<NonNull<u8>> {
        let block = Heap::pop(&self.kept.0[kind.0])?;
        if size > self.short_max.get() {
            return self.tell_kept(block, size, before);
        }
        Some(block)
    }

    #[cold]
    #[inline(never)]
    fn tell_kept(&self, block: NonNull<u8>, size: usize, before: usize) -> Option<NonNull<u8>> {
        self.tell_both(block, size, before)
    }

    /// Gives the block of an object of a kind back, to be kept if not too many are: says whether it is.
    ///
    /// # Safety
    /// `block` came from `reuse` or `alloc` of this heap with that size, at least two words, and is not used again.
    #[inline(always)]
    pub unsafe fn keep(&self, kind: Kind, block: NonNull<u8>, size: usize) -> bool {
        // SAFETY: passed on from the caller.
        unsafe { if size > self.free_max.get() { self.keep_long(kind, block, size) } else { self.push_kept(kind, block, size) } }
    }

    /// # Safety
    /// As `keep`.
    #[inline(always)]
    unsafe fn push_kept(&self, kind: Kind, block: NonNull<u8>, size: usize) -> bool {
        let head = &self.kept.0[kind.0];
        let last = head.get();
        // SAFETY: H1, blocks on the list hold a count in their second word; the caller hands the block over.
        unsafe {
            let count = if last.is_null() { 0 } else { last.cast::<usize>().add(1).read() };
            if count >= kind.most() {
                self.free_short(block, size);
                return false;
            }
            if cfg!(debug_assertions) && self.tally.get().is_none_or(|t| t.deaths) {
                block.as_ptr().write_bytes(POISON, size.div_ceil(STEP) * STEP);
            }
            block.cast::<*mut u8>().write(last);
            block.cast::<usize>().add(1).write(count + 1);
        }
        head.set(block.as_ptr());
        true
    }

    /// # Safety
    /// As `keep`.
    #[inline(never)]
    unsafe fn keep_long(&self, kind: Kind, block: NonNull<u8>, size: usize) -> bool {
        // SAFETY: passed on from the caller.
        unsafe {
            if cfg!(retic_plain) {
                self.free(block, size);
                return false;
            }
            self.tell_death(block, size);
            self.push_kept(kind, block, size)
        }
    }

    /// Gives the kept blocks to the lists of their sizes, where whoever asks gets them, as a full collection of CPython's does with
    /// all but those of slices.
    pub fn clear_kept(&self) {
        for (list, class_list) in self.free[NUMBERS][1..].iter().chain(&self.aside[1..]).zip([&self.free[NUMBERS][0], &self.aside[0]]) {
            while let Some(block) = Heap::pop(list) {
                // SAFETY: it is on no list now.
                unsafe { self.push(class_list, block, NUMBERS) };
            }
        }
        for list in &self.kept.0[..Kind::SLICE.0] {
            while let Some(block) = Heap::pop(list) {
                if let Some(class) = self.arenas.class_at(block.as_ptr()) {
                    // SAFETY: it is on no list now; its class is that of its pool.
                    unsafe { self.push(&self.free[class][0], block, class) };
                }
            }
        }
    }

    /// Keeps blocks of `size` bytes for a kind that nobody had yet, until there are `n` of them.
    pub fn keep_fresh(&self, kind: Kind, size: usize, n: usize) {
        if cfg!(retic_plain) {
            return;
        }
        for _ in self.kept_of(kind)..n {
            if let Some(block) = self.alloc_short(size) {
                // SAFETY: the block is of that size, and nobody else's.
                unsafe { self.push_kept(kind, block, size) };
            }
        }
    }

    /// The same for floats.
    pub fn keep_fresh_floats(&self, n: usize) {
        if cfg!(retic_plain) || self.watch.get().is_some() {
            return;
        }
        for _ in self.kept_floats()..n {
            if let Some(block) = self.alloc_short(NUMBERS * STEP) {
                // SAFETY: as above.
                unsafe { self.push(self.floats(), block, NUMBERS) };
            }
        }
    }

    /// How many blocks are kept for a kind.
    pub fn kept_of(&self, kind: Kind) -> usize {
        let mut n = 0;
        Heap::each_of(self.kept.0[kind.0].get(), |_| n += 1);
        n
    }

    /// How many blocks are kept for floats.
    pub fn kept_floats(&self) -> usize {
        let mut n = 0;
        for head in [self.floats(), &self.aside[1]] {
            Heap::each_of(head.get(), |_| n += 1);
        }
        n.min(FLOATS_MAX)
    }

    /// Blocks that are kept for any kind, or floats.
    pub fn kept_blocks(&self) -> usize {
        let mut n = self.kept_floats();
        self.each_kept(|_| n += 1);
        n
    }

    /// Every block that is kept, but those of floats.
    pub(crate) fn each_kept(&self, mut act: impl FnMut(usize)) {
        self.kept.0.iter().for_each(|head| Heap::each_of(head.get(), &mut act));
    }

    /// Checks H1 and H2 of the kept blocks.
    pub(crate) fn audit_kept(&self) -> Result<(), String> {
        for (kind, head) in self.kept.0.iter().enumerate() {
            let mut at = head.get();
            let mut left = Kind(kind).most();
            while !at.is_null() {
                let class = self.arenas.class_at(at).filter(|_| (at as usize).is_multiple_of(STEP));
                if class.is_none_or(|c| c == 0 || c >= CLASSES) {
                    return Err(format!("list of kept blocks {kind} holds a foreign address"));
                }
                if left == 0 {
                    return Err(format!("list of kept blocks {kind} is too long"));
                }
                left -= 1;
                // SAFETY: H1, blocks on the list hold a link in their first word.
                at = unsafe { at.cast::<*mut u8>().read() };
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_blocks_come_back_to_their_kind_until_they_are_given_to_all() {
        let heap = Heap::new();
        assert_eq!(heap.reuse(Kind::LIST, 56, 16), None);
        let (list, dict) = (heap.alloc(56).unwrap(), heap.alloc(64).unwrap());
        // SAFETY: both came from this heap and are not used again.
        unsafe {
            assert!(heap.keep(Kind::LIST, list, 56));
            assert!(heap.keep(Kind::DICT, dict, 64));
        }
        assert_ne!(heap.alloc(56), Some(list));
        assert_eq!(heap.reuse(Kind::LIST, 56, 16), Some(list));
        heap.audit().unwrap();
        heap.clear_kept();
        assert_eq!(heap.alloc(64), Some(dict));
    }

    #[test]
    fn no_more_are_kept_than_cpython_keeps() {
        let heap = Heap::new();
        let blocks = [heap.alloc(56).unwrap(), heap.alloc(56).unwrap()];
        // SAFETY: they came from this heap and go back once.
        let kept = blocks.map(|block| unsafe { heap.keep(Kind::SLICE, block, 56) });
        assert_eq!(kept, [true, false]);
        heap.clear_kept();
        assert_eq!(heap.alloc(56), Some(blocks[1]));
        assert_eq!(heap.reuse(Kind::SLICE, 56, 16), Some(blocks[0]));
    }
}
