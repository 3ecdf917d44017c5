//! Which block belongs to which serial number: a table by address, in pages.

use rustc_hash::FxHashMap;

/// Bytes of address space to a page, and between blocks.
const PAGE: usize = 1 << 16;
const STEP: usize = 16;

/// Serial numbers by address of the block. Zero: none.
#[derive(Default)]
pub struct Blocks {
    pages: FxHashMap<usize, Box<[u64; PAGE / STEP]>>,
}

/// The bit that says that a block is not an object's.
pub const BUFFER: u64 = 1 << 63;

impl Blocks {
    /// What lies at a block; zero: nothing known.
    pub fn get(&self, block: usize) -> u64 {
        self.pages.get(&(block / PAGE)).map_or(0, |p| p[block % PAGE / STEP])
    }
    pub fn set(&mut self, block: usize, serial: u64) {
        let page = self.pages.entry(block / PAGE).or_insert_with(|| Box::new([0; PAGE / STEP]));
        page[block % PAGE / STEP] = serial;
    }
    /// Takes the entry out.
    pub fn take(&mut self, block: usize) -> u64 {
        self.pages.get_mut(&(block / PAGE)).map_or(0, |p| std::mem::take(&mut p[block % PAGE / STEP]))
    }
}
