//! Counting blocks, for `sys.getallocatedblocks` and `sys._debugmallocstats`.

use crate::{Heap, STEP};

/// One size class.
#[derive(Clone, Debug, Default)]
pub struct ClassStats {
    pub size_bytes: usize,
    pub used: usize,
    pub free: usize,
}

/// A picture of a heap.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    pub classes: Vec<ClassStats>,
    pub arenas: usize,
    pub large_blocks: usize,
    pub large_bytes: usize,
}

impl Heap {
    /// Counts every block; walks the free lists.
    pub fn stats(&self) -> Stats {
        let classes = (1..self.free.len())
            .map(|class| {
                let aside = if class == super::NUMBERS { self.aside.get() } else { std::ptr::null_mut() };
                let mut free = 0;
                for mut at in [self.free[class].get(), aside] {
                    while !at.is_null() {
                        free += 1;
                        // SAFETY: H1, blocks on the list hold a link in their first word.
                        at = unsafe { at.cast::<*mut u8>().read() };
                    }
                }
                ClassStats { size_bytes: class * STEP, used: self.carved[class].get() - free, free }
            })
            .collect();
        Stats { classes, arenas: self.arenas.count(), large_blocks: self.large_blocks.get(), large_bytes: self.large_bytes.get() }
    }
}
