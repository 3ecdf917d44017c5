//! The journal: which blocks came and went, in order, for a watcher who reads it later. Off, it costs nothing.

use std::cell::{Cell, RefCell};

/// What happened to a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Handed out. `before`: bytes in front of the header of the object it is for, or [`Entry::BUFFER`].
    Came { block: usize, size: usize, before: usize },
    /// Given back, with so many bytes.
    Went { block: usize, size: usize },
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
    #[inline]
    pub(crate) fn push(&self, entry: Entry) {
        self.entries.borrow_mut().push(entry);
    }
    /// Moves the entries to `out`, which is emptied before.
    pub fn take(&self, out: &mut Vec<Entry>) {
        out.clear();
        std::mem::swap(&mut *self.entries.borrow_mut(), out);
    }
}
