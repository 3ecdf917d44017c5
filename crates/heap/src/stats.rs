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
    /// Counts every block; walks the free lists. What is kept for a kind is free.
    pub fn stats(&self) -> Stats {
        let mut kept = [0; crate::CLASSES];
        self.each_kept(|block| {
            if let Some(class) = self.arenas.class_at(block as *const u8) {
                kept[class] += 1;
            }
        });
        let classes = (1..crate::CLASSES)
            .map(|class| {
                let mut free = kept[class];
                self.lists(class).for_each(|head| Heap::each_of(head, |_| free += 1));
                let (size, carved, left) = (class * STEP, self.carved[class].get(), self.rest[class].get().1);
                let blocks = crate::POOL_BYTES / size;
                ClassStats { size_bytes: size, used: carved - free, free: free + left, pools: (carved + left).div_ceil(blocks) }
            })
            .collect();
        Stats { classes, arenas: self.arenas.count(), large_blocks: self.large_blocks.get(), large_bytes: self.large_bytes.get(), arena_bytes: crate::arena::ARENA_BYTES }
    }
}
