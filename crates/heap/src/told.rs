//! What others are told of blocks: who watches hears of each when it comes, goes, or is resized. Nobody there, it costs nothing.

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
    /// A block came: block, bytes, bytes in front of the header or [`Entry::BUFFER`]. The second word of a header is zero until it
    /// is written.
    pub came: fn(usize, usize, usize, usize),
    /// A block went: block, bytes.
    pub went: fn(usize, usize, usize),
    /// A block was resized: from, to, bytes.
    pub resized: fn(usize, usize, usize, usize),
}
