//! Counting blocks, for `sys.getallocatedblocks` and `sys._debugmallocstats`.

use crate::{Heap, STEP};

/// One size class.
#[derive(Clone, Debug, Default)]
pub struct ClassStats {
    pub size_bytes: usize,
    pub used: usize,
    pub free: usize,
    /// Pools of [`crate::POOL_BYTES`] that it got from arenas.
    pub pools: usize,
}

/// A picture of a heap.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    pub classes: Vec<ClassStats>,
    pub arenas: usize,
    pub large_blocks: usize,
    pub large_bytes: usize,
    pub arena_bytes: usize,
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
                let (size, carved, left) = (class * STEP, self.carved[class].get(), self.rest[class].get().1);
                let blocks = crate::POOL_BYTES / size;
                ClassStats { size_bytes: size, used: carved - free, free: free + left, pools: (carved + left).div_ceil(blocks) }
            })
            .collect();
        Stats { classes, arenas: self.arenas.count(), large_blocks: self.large_blocks.get(), large_bytes: self.large_bytes.get(), arena_bytes: crate::arena::ARENA_BYTES }
    }
}
