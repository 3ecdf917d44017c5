//! Arenas: large stretches of memory cut into pools. They live as long as the heap.

use crate::POOL_BYTES;
use std::alloc::Layout;
use std::cell::{Cell, RefCell};
use std::ptr::NonNull;

/// Bytes of one arena, as CPython's.
pub const ARENA_BYTES: usize = 1 << 20;

/// Pools in an arena.
const POOLS: usize = ARENA_BYTES / POOL_BYTES;

#[derive(Default)]
pub struct Arenas {
    all: RefCell<Vec<NonNull<u8>>>,
    /// The size class of each pool, arena by arena.
    classes: RefCell<Vec<[u8; POOLS]>>,
    /// Bytes of the newest arena already cut.
    used: Cell<usize>,
    /// An arena that nobody has cut yet, for the day when the system has no more.
    reserve: Cell<Option<NonNull<u8>>>,
}

const LAYOUT: Layout = match Layout::from_size_align(ARENA_BYTES, ARENA_BYTES) {
    Ok(layout) => layout,
    Err(_) => panic!("arena size is a power of two"),
};

impl Arenas {
    /// A fresh pool for blocks of a size class.
    pub fn pool(&self, class: usize) -> Option<NonNull<u8>> {
        let mut all = self.all.borrow_mut();
        if all.is_empty() || self.used.get() == ARENA_BYTES {
            // SAFETY: the layout is not empty.
            let fresh = || unsafe { NonNull::new(std::alloc::alloc(LAYOUT)) };
            if all.is_empty() {
                self.reserve.set(fresh());
            }
            all.push(fresh()?);
            self.used.set(0);
        }
        let at = self.used.get();
        self.used.set(at + POOL_BYTES);
        let mut classes = self.classes.borrow_mut();
        classes.resize(all.len(), [0; POOLS]);
        if let Some(newest) = classes.last_mut() {
            newest[at / POOL_BYTES] = class as u8;
        }
        // SAFETY: H2, `at` is below the arena's size.
        all.last().map(|a| unsafe { a.add(at) })
    }

    /// Lets the next pools be cut from the reserve. False: it is used up.
    pub fn open_reserve(&self) -> bool {
        let Some(arena) = self.reserve.take() else { return false };
        self.all.borrow_mut().push(arena);
        self.used.set(0);
        true
    }

    /// Whether an address lies in one of the arenas.
    pub fn contains(&self, at: *const u8) -> bool {
        let base = at as usize & !(ARENA_BYTES - 1);
        self.all.borrow().iter().any(|a| a.as_ptr() as usize == base)
    }

    /// The size class of the pool that an address lies in; none: it lies in no arena.
    pub fn class_at(&self, at: *const u8) -> Option<usize> {
        let base = at as usize & !(ARENA_BYTES - 1);
        let arena = self.all.borrow().iter().position(|a| a.as_ptr() as usize == base)?;
        Some(usize::from(self.classes.borrow()[arena][(at as usize - base) / POOL_BYTES]))
    }

    pub fn count(&self) -> usize {
        self.all.borrow().len()
    }
}

impl Drop for Arenas {
    fn drop(&mut self) {
        for arena in self.all.borrow_mut().drain(..).chain(self.reserve.take()) {
            // SAFETY: allocated in `pool` with this layout; the heap ends, nobody holds a block.
            unsafe { std::alloc::dealloc(arena.as_ptr(), LAYOUT) };
        }
    }
}
