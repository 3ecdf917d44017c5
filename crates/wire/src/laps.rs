//! What both ends know: the tags, which event is remembered where, and the blocks that were freed last.

use retic_events::{Asked, How, Left};

/// The number of the thread that begins.
pub const FIRST_THREAD: u32 = 1;

/// How many events are remembered.
pub(crate) const NODES: usize = 4096;
/// The node before the first event.
pub(crate) const START: u16 = 0;

/// So many events of a run are one number.
pub(crate) const RUN_MAX: u32 = 4096;
/// A chunk has at most about so many events: who reads it keeps what was born in it.
pub(crate) const EVENTS_MAX: u32 = 1 << 20;

// Events that are remembered. Their tags are the lowest byte of their keys.
pub(crate) const BIRTH: u8 = 1;
pub(crate) const BUFFER: u8 = 2;
pub(crate) const DYING: u8 = 3;
pub(crate) const FREE: u8 = 4;
/// `Free` of what is dying innermost.
pub(crate) const FREE_DYING: u8 = 5;
/// `Dying` and `Free` in one.
pub(crate) const DIES: u8 = 6;
pub(crate) const ENTER: u8 = 7;
pub(crate) const LEAVE: u8 = 8;
pub(crate) const ASKED: u8 = 9;
pub(crate) const COUNT: u8 = 10;
pub(crate) const SLOT: u8 = 11;
pub(crate) const STEP: u8 = 12;
/// The last of them.
pub(crate) const REMEMBERED: u8 = STEP;
// Events that are told whole.
pub(crate) const ELDER: u8 = 16;
pub(crate) const RESIZE: u8 = 17;
pub(crate) const FINALIZER: u8 = 18;
pub(crate) const REVIVED: u8 = 19;
pub(crate) const GC_BEGINS: u8 = 20;
pub(crate) const GC_ENDS: u8 = 21;
pub(crate) const COMPARED: u8 = 22;
pub(crate) const PRINTED: u8 = 23;
pub(crate) const PHASE: u8 = 24;
pub(crate) const THREAD: u8 = 25;
pub(crate) const LOOKED: u8 = 26;
pub(crate) const HELD: u8 = 27;
pub(crate) const CHECKPOINT: u8 = 28;
pub(crate) const TOTAL: u8 = 29;
// Places of those: later in the same place; at another place, called by nobody; by a native callable.
pub(crate) const AT_STEP: u8 = 32;
pub(crate) const AT_SITE: u8 = 33;
pub(crate) const AT: u8 = 34;
/// An event that was expected first (or, with `SECOND`, second), but for what these bits say, each with its number behind it.
pub(crate) const ALMOST: u8 = 0x40;
pub(crate) const SECOND: u8 = 1;
pub(crate) const OTHER_STEP: u8 = 2;
pub(crate) const OTHER_OBJECT: u8 = 4;
pub(crate) const OTHER_BLOCK: u8 = 8;
/// So many events as expected; all bits: the number follows.
pub(crate) const RUN: u8 = 0x80;
pub(crate) const RUN_LONG: u8 = 0x7f;

/// Whether the event is about an object that has an age.
#[inline]
pub(crate) fn has_age(kind: u8) -> bool {
    matches!(kind, DYING | FREE | DIES | ASKED | COUNT | SLOT)
}
/// Whether it takes a block.
#[inline]
pub(crate) fn has_block(kind: u8) -> bool {
    matches!(kind, BIRTH | BUFFER)
}

/// What both ends know of an event when it is new.
#[derive(Clone, Copy)]
pub(crate) struct New {
    pub kind: u8,
    pub site: u32,
    pub by: u32,
    /// How many events there were since the place was reached.
    pub nth: u8,
    /// The register it is about.
    pub slot: u32,
    /// Kind and site of the event before: several instructions may be at one site.
    pub after: (u8, u32),
}

impl New {
    /// Where it is remembered.
    pub fn node(&self) -> u16 {
        let small = u32::from(self.kind) | u32::from(self.nth) << 8 | u32::from(self.after.0) << 16;
        let parts = [self.site, self.by, small, self.slot, self.after.1];
        let mix = parts.iter().fold(0u32, |mix, part| (mix.rotate_left(5) ^ part).wrapping_mul(0x9e37_79b1));
        ((mix >> 20) as u16 % NODES as u16).max(START + 1)
    }
}

/// What is known of the order of events: a node's successors, the likelier first.
#[derive(Clone, Copy, Default)]
pub(crate) struct Next(pub [u16; 2]);

impl Next {
    /// An event came next that was not among them.
    pub fn learn(&mut self, node: u16) {
        if self.0[0] != node {
            self.0 = [node, self.0[0]];
        }
    }
}

/// Types whose dead objects leave their blocks to their own kind, and all others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Category(pub(crate) u8);

/// Any other type, and blocks that are no objects.
pub const OTHER: Category = Category(0);

impl Category {
    /// The category of a type, by its name.
    pub fn of(name: &str) -> Category {
        Category(match name {
            "list" => 1,
            "dict" => 2,
            "float" => 3,
            "slice" => 4,
            "tuple" => 5,
            _ => 0,
        })
    }
}

/// Sizes are rounded up to this.
const STEP_BYTES: u64 = 16;
const CLASSES: u8 = 33;

/// The pile on which a block of so many bytes lands when it is freed.
#[inline]
pub fn pile(size: u64, category: Category) -> u8 {
    let class = match size.div_ceil(STEP_BYTES) {
        n @ 0..=32 => n as u8,
        _ => 0,
    };
    match category.0 {
        0 => class,
        5 => CLASSES + 4 + class,
        n => CLASSES - 1 + n,
    }
}

const PILES: usize = 128;
const DEEP: usize = 32;

/// Blocks that were freed, by size and category: what is freed last is handed out first.
pub(crate) struct Piles {
    blocks: Box<[[u64; DEEP]; PILES]>,
    heads: [u8; PILES],
}

impl Default for Piles {
    fn default() -> Piles {
        Piles { blocks: Box::new([[0; DEEP]; PILES]), heads: [0; PILES] }
    }
}

impl Piles {
    #[inline(always)]
    pub fn push(&mut self, pile: u8, block: u64) {
        let pile = pile as usize % PILES;
        let head = self.heads[pile];
        self.blocks[pile][head as usize % DEEP] = block;
        self.heads[pile] = head.wrapping_add(1);
    }
    /// The block that comes next.
    #[inline(always)]
    pub fn top(&self, pile: u8) -> u64 {
        let pile = pile as usize % PILES;
        self.blocks[pile][self.heads[pile].wrapping_sub(1) as usize % DEEP]
    }
    /// The block that was next is used, or was not there.
    #[inline(always)]
    pub fn pop(&mut self, pile: u8) {
        let pile = pile as usize % PILES;
        self.heads[pile] = self.heads[pile].wrapping_sub(1);
    }
    pub fn clear(&mut self) {
        self.blocks.fill([0; DEEP]);
        self.heads.fill(0);
    }
}

pub(crate) const HOWS: [How; 7] = [How::Dropped, How::Overwritten, How::FrameLeft, How::Unwound, How::OwnerDied, How::Cycle, How::Later];
pub(crate) const LEFTS: [Left; 3] = [Left::Returned, Left::Yielded, Left::Raised];
pub(crate) const ASKEDS: [Asked; 2] = [Asked::Id, Asked::Repr];
