//! The journal: which blocks came and went, in order, for a watcher who reads it later. Off, it costs nothing.

use std::cell::{Cell, RefCell};

/// What happened to a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Handed out. `before`: bytes in front of the header of the object it is for, or [`Entry::BUFFER`].
    Came { block: usize, size: usize, before: usize },
    /// Given back.
    Went { block: usize },
    /// Resized, perhaps to another place.
    Resized { from: usize, to: usize, size: usize },
}

impl Entry {
    /// `before` of a block that is not for an object.
    pub const BUFFER: usize = usize::MAX;
}

/// The entries nobody has read yet.
#[derive(Default)]
pub struct Journal {
    kept: Cell<bool>,
    /// Blocks that came and went again are of no interest.
    lasting: Cell<bool>,
    entries: RefCell<Vec<Entry>>,
}

impl Journal {
    /// Whether anything is written down.
    #[inline]
    pub fn is_kept(&self) -> bool {
        self.kept.get()
    }
    pub(crate) fn keep(&self, keep: bool) {
        self.kept.set(keep);
    }
    /// Whoever reads later wants only blocks that last: those that come and go soon after leave no entries, so that long work
    /// with passing blocks needs no room here.
    pub fn keep_lasting(&self, lasting: bool) {
        self.lasting.set(lasting);
    }
    pub(crate) fn push(&self, entry: Entry) {
        /// Entries that are looked through for the block's coming.
        const NEAR: usize = 8;
        let mut entries = self.entries.borrow_mut();
        if self.lasting.get()
            && let Entry::Went { block: gone } = entry
        {
            let from = entries.len().saturating_sub(NEAR);
            if let Some(i) = entries[from..].iter().rposition(|e| matches!(e, Entry::Came { block, .. } | Entry::Went { block } if *block == gone))
                && matches!(entries[from + i], Entry::Came { .. })
            {
                entries.remove(from + i);
                return;
            }
        }
        entries.push(entry);
    }
    /// Moves the entries to `out`, which is emptied before.
    pub fn take(&self, out: &mut Vec<Entry>) {
        out.clear();
        std::mem::swap(&mut *self.entries.borrow_mut(), out);
    }
}
