//! Which block belongs to which serial number: a table by address, in pages.

use rustc_hash::FxHashMap;
use std::cell::Cell;
use std::ptr::{NonNull, null_mut};

/// Bytes of address space to a page, and between blocks.
const PAGE: usize = 1 << 16;
const STEP: usize = 16;

/// Entries by address of the block. Zero: none. A page stays where it is until all go.
#[derive(Default)]
pub struct Blocks {
    pages: FxHashMap<usize, NonNull<Page>>,
    /// Pages looked at last, by the end of their number in address space: the number, its entries.
    near: Near,
}

type Page = [u64; PAGE / STEP];

struct Near([Cell<(usize, *mut u64)>; NEAR]);

/// Pages that are found without a search.
const NEAR: usize = 256;

impl Default for Near {
    fn default() -> Near {
        // No block lies in the first page of the address space.
        Near([const { Cell::new((0, null_mut())) }; NEAR])
    }
}

/// The bit that says that a block is not an object's.
const BUFFER: u64 = 1 << 63;
/// Above the serial number: the pile on which the block lands; how many steps the header comes behind the block's beginning.
const PILE: u32 = 48;
const BEFORE: u32 = 60;
/// An entry for an object.
#[inline(always)]
pub fn object(serial: u64, before: usize, pile: u8) -> u64 {
    serial | u64::from(pile) << PILE | ((before / STEP) as u64) << BEFORE
}
/// An entry for a block that is not an object's.
#[inline(always)]
pub fn buffer(serial: u64, pile: u8) -> u64 {
    object(serial, 0, pile) | BUFFER
}
#[inline(always)]
pub fn is_object(entry: u64) -> bool {
    entry != 0 && entry & BUFFER == 0
}
/// The serial number of an entry.
#[inline(always)]
pub fn serial(entry: u64) -> u64 {
    entry & ((1 << PILE) - 1)
}
/// The pile of its block.
#[inline(always)]
pub fn pile(entry: u64) -> u8 {
    (entry >> PILE) as u8
}
/// The same with another pile.
pub fn on_pile(entry: u64, pile: u8) -> u64 {
    entry & !(0xff << PILE) | u64::from(pile) << PILE
}
/// Bytes in front of the header of an entry's object.
pub fn before(entry: u64) -> usize {
    ((entry & !BUFFER) >> BEFORE) as usize * STEP
}

impl Blocks {
    /// The entry of a block, if its page was looked at a short time ago.
    #[inline(always)]
    pub fn near_entry(&self, block: usize) -> Option<NonNull<u64>> {
        let number = block / PAGE;
        let (known, page) = self.near.0[number % NEAR].get();
        // SAFETY: the place is inside the page.
        if known == number { NonNull::new(page).map(|p| unsafe { p.add(block % PAGE / STEP) }) } else { None }
    }
    #[inline(always)]
    fn entry(&self, block: usize) -> Option<NonNull<u64>> {
        self.near_entry(block).or_else(|| self.far_entry(block))
    }
    #[inline(never)]
    fn far_entry(&self, block: usize) -> Option<NonNull<u64>> {
        let number = block / PAGE;
        let page = self.pages.get(&number)?;
        self.near.0[number % NEAR].set((number, page.as_ptr().cast()));
        // SAFETY: as in `near_entry`.
        Some(unsafe { page.cast::<u64>().add(block % PAGE / STEP) })
    }
    #[cold]
    #[inline(never)]
    fn new_entry(&mut self, block: usize) -> NonNull<u64> {
        let page = NonNull::from(Box::leak(Box::new([0; PAGE / STEP])));
        self.pages.insert(block / PAGE, page);
        // SAFETY: as in `near_entry`.
        unsafe { page.cast::<u64>().add(block % PAGE / STEP) }
    }
    /// What lies at a block; zero: nothing known.
    #[inline]
    pub fn get(&self, block: usize) -> u64 {
        // SAFETY: pages are ours while we are.
        self.entry(block).map_or(0, |e| unsafe { e.read() })
    }
    #[inline(always)]
    pub fn set(&mut self, block: usize, entry: u64) {
        self.swap(block, entry);
    }
    /// Sets the entry; what it was.
    #[inline(always)]
    pub fn swap(&mut self, block: usize, entry: u64) -> u64 {
        let place = match self.entry(block) {
            Some(e) => e,
            None => self.new_entry(block),
        };
        // SAFETY: as above; nobody else looks.
        unsafe { place.replace(entry) }
    }
    /// Every entry.
    pub fn each(&self, mut act: impl FnMut(usize, u64)) {
        for (number, page) in &self.pages {
            // SAFETY: as above.
            let page = unsafe { page.as_ref() };
            for (i, entry) in page.iter().enumerate().filter(|(_, e)| **e != 0) {
                act(number * PAGE + i * STEP, *entry);
            }
        }
    }
    /// Takes the entry out.
    #[inline]
    pub fn take(&mut self, block: usize) -> u64 {
        // SAFETY: as above.
        self.entry(block).map_or(0, |e| unsafe { e.replace(0) })
    }
}

impl Drop for Blocks {
    fn drop(&mut self) {
        for page in self.pages.values() {
            // SAFETY: leaked in `new_entry`, and taken back once.
            drop(unsafe { Box::from_raw(page.as_ptr()) });
        }
    }
}
