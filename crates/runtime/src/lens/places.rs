//! Which block belongs to which serial number: a table by address, in pages.

use rustc_hash::FxHashMap;
use std::cell::Cell;

/// Bytes of address space to a page, and between blocks.
const PAGE: usize = 1 << 16;
const STEP: usize = 16;

/// Entries by address of the block. Zero: none.
#[derive(Default)]
pub struct Blocks {
    numbers: FxHashMap<usize, usize>,
    pages: Vec<Box<[u64; PAGE / STEP]>>,
    /// Pages looked at last, by the end of their number in address space: the number, the place in `pages`.
    near: Near,
}

struct Near([Cell<(usize, usize)>; NEAR]);

/// Pages that are found without a search.
const NEAR: usize = 256;

impl Default for Near {
    fn default() -> Near {
        Near([const { Cell::new((0, 0)) }; NEAR])
    }
}

/// The bit that says that a block is not an object's.
pub const BUFFER: u64 = 1 << 63;
/// Above the serial number: how many steps the header comes behind the block's beginning.
const BEFORE: u32 = 60;
/// An entry for an object.
pub fn object(serial: u64, before: usize) -> u64 {
    serial | ((before / STEP) as u64) << BEFORE
}
/// The serial number of an entry.
pub fn serial(entry: u64) -> u64 {
    entry & ((1 << BEFORE) - 1)
}
/// Bytes in front of the header of an entry's object.
pub fn before(entry: u64) -> usize {
    ((entry & !BUFFER) >> BEFORE) as usize * STEP
}

impl Blocks {
    /// What lies at a block; zero: nothing known.
    #[inline]
    pub fn get(&self, block: usize) -> u64 {
        self.page(block).map_or(0, |p| self.pages[p][block % PAGE / STEP])
    }
    #[inline(always)]
    pub fn set(&mut self, block: usize, serial: u64) {
        let page = match self.page(block) {
            Some(p) => p,
            None => self.new_page(block),
        };
        self.pages[page][block % PAGE / STEP] = serial;
    }
    /// Sets the entry; what it was.
    #[inline(always)]
    pub fn swap(&mut self, block: usize, entry: u64) -> u64 {
        let page = match self.page(block) {
            Some(p) => p,
            None => self.new_page(block),
        };
        std::mem::replace(&mut self.pages[page][block % PAGE / STEP], entry)
    }
    #[cold]
    #[inline(never)]
    fn new_page(&mut self, block: usize) -> usize {
        self.numbers.insert(block / PAGE, self.pages.len());
        self.pages.push(Box::new([0; PAGE / STEP]));
        self.pages.len() - 1
    }
    /// Every entry.
    pub fn each(&self, mut act: impl FnMut(usize, u64)) {
        for (number, page) in &self.numbers {
            for (i, serial) in self.pages[*page].iter().enumerate().filter(|(_, s)| **s != 0) {
                act(number * PAGE + i * STEP, *serial);
            }
        }
    }
    /// Takes the entry out.
    #[inline]
    pub fn take(&mut self, block: usize) -> u64 {
        self.page(block).map_or(0, |p| std::mem::take(&mut self.pages[p][block % PAGE / STEP]))
    }
    #[inline(always)]
    fn page(&self, block: usize) -> Option<usize> {
        let number = block / PAGE;
        let (known, page) = self.near.0[number % NEAR].get();
        if known == number { Some(page) } else { self.far_page(number) }
    }
    #[inline(never)]
    fn far_page(&self, number: usize) -> Option<usize> {
        let near = &self.near.0[number % NEAR];
        let page = *self.numbers.get(&number)?;
        near.set((number, page));
        Some(page)
    }
}
