//! What others are told of blocks: who watches hears of each when it comes, goes, or is resized. Nobody there, it costs nothing.

use std::ptr::NonNull;

/// Empties the second word of a header that is not written yet, by which it is told from one that is.
///
/// # Safety
/// The block has `size` bytes that nobody uses yet.
#[inline(always)]
pub unsafe fn not_yet(block: NonNull<u8>, size: usize, before: usize) {
    if before != Entry::BUFFER && size >= before + size_of::<[usize; 2]>() {
        // SAFETY: passed on from the caller.
        unsafe { block.add(before).cast::<usize>().add(1).write(0) };
    }
}

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

/// Is told what happens to a block while it happens; it must not ask the heap for anything.
pub type Watch = fn(usize, Entry);

/// Is told of blocks while they come and go; like a [`Watch`], but with a function for each.
#[derive(Clone, Copy)]
pub struct Tally {
    /// Handed to the functions first.
    pub whose: usize,
    /// A block came: block, bytes, bytes in front of the header or [`Entry::BUFFER`]. It gives the block back, so that the heap can
    /// end in it, and has it pass through [`not_yet`].
    pub came: fn(usize, NonNull<u8>, usize, usize) -> Option<NonNull<u8>>,
    /// A block went: block, bytes.
    pub went: fn(usize, usize, usize),
    /// A block is about to be resized: what is known of the one that came last is taken in, for its header may move.
    pub moving: fn(usize),
    /// A block was resized: from, to, bytes.
    pub resized: fn(usize, usize, usize, usize),
    /// Whether it hears of small blocks that go, too.
    pub deaths: bool,
}
