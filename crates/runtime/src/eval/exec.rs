//! Register code as data: words, and what is known of each instruction.

use super::copies::Listed;
use super::tracing::{Instruments, LinePoint};
use crate::object::Obj;
use std::rc::Rc;

/// What is known of one instruction of register code.
pub struct Info {
    /// Index of its first word.
    pub word: u32,
    /// Byte offset of the wordcode instruction it came from.
    pub offset: u32,
    /// Place in `Exec::held`.
    pub held: u32,
}

/// What an instruction holds when it fails, and who handles that; shared by many instructions of a code.
pub struct Held {
    /// Word index of the handler that catches its errors; `u32::MAX`: none.
    pub handler: u32,
    /// Stack depth the handler starts from.
    pub depth: u16,
    /// Owned temporaries: so many registers from the first one for temporaries on, then these.
    pub run: u16,
    pub above: Rc<[u16]>,
    /// Registers where running handlers keep the exception that was handled before theirs, outermost first.
    pub saved: Rc<[u16]>,
}

impl Held {
    /// Registers that hold owned temporaries when the instruction fails, bottom first. `base`: that of the code.
    pub fn live(&self, base: usize) -> impl DoubleEndedIterator<Item = usize> + '_ {
        (base..base + usize::from(self.run)).chain(self.above.iter().map(|r| usize::from(*r)))
    }
}

/// Register code.
pub struct Exec {
    pub words: Box<[u64]>,
    pub infos: Box<[Info]>,
    pub held: Box<[Held]>,
    pub nlocals: usize,
    /// Registers of locals, cells and free variables; those of comprehensions follow, up to `base`.
    pub own: usize,
    pub ncells: usize,
    pub nfrees: usize,
    /// Locals, cells, free variables; temporaries start here.
    pub base: usize,
    pub nregs: usize,
    /// Registers that a call needs that is made without the general way: new cells lie beyond the arguments first.
    pub near_room: usize,
    pub flags: u32,
    pub argcount: usize,
    pub posonly: usize,
    /// Registers of parameters: named ones, `*args`, `**kwargs`.
    pub arg_slots: usize,
    pub star: bool,
    pub star_star: bool,
    /// A call makes a generator, a coroutine or an asynchronous generator.
    pub generator: bool,
    /// Interned names of the positional and keyword-only parameters.
    pub params: Vec<Obj>,
    /// How many arguments a call needs that can enter without binding: all parameters are positional and nothing lies in
    /// cells. `usize::MAX`: no call can.
    pub plain_args: usize,
    /// The same for a function whose call makes a generator.
    pub generator_args: usize,
    /// No parameter takes what is left over, and a call runs at once.
    pub near: bool,
    /// Cells that take over an argument: (cell index, argument index).
    pub cell_args: Vec<(usize, usize)>,
    /// Variables with cells, by index: those that only comprehensions share, which run in the frame itself, need no cell and lie in
    /// a register. Empty: all have cells.
    pub uncelled: Box<[Option<u16>]>,
    /// Indices of those that have cells.
    pub cells: Box<[u16]>,
    /// Objects the words point at.
    pub keep: Vec<Obj>,
    /// Where tracing reports lines, by word.
    pub lines: Vec<LinePoint>,
    pub instruments: Instruments,
    /// Its place on the list of what was translated.
    pub listed: Option<Listed>,
}

impl Exec {
    /// What the instruction holds that a word is of.
    pub fn held_at(&self, word: u32) -> &Held {
        let at = self.infos.partition_point(|i| i.word <= word).saturating_sub(1);
        &self.held[self.infos[at].held as usize]
    }
    /// The register of a variable with a cell or of a free one, by index, and whether a cell lies there.
    pub(crate) fn cell_place(&self, i: usize) -> (usize, bool) {
        match self.uncelled.get(i).copied().flatten() {
            Some(register) => (usize::from(register), false),
            None => (self.nlocals + i, true),
        }
    }
    /// Before the registers of a frame are given up in order: cells of arguments take the arguments' places, where they have been since
    /// 3.11 (`localsplus`), so that they die in that order.
    ///
    /// # Safety
    /// `regs` are the registers of this code; nobody reads them by their names again.
    pub(crate) unsafe fn settle_cells(&self, regs: *mut super::Slot) {
        for (cell, arg) in &self.cell_args {
            // SAFETY: both are registers of the code. An argument whose cell is there already is not empty.
            unsafe {
                if (**regs.add(*arg)).shape.get() == crate::object::shape::UNBOUND {
                    std::ptr::swap(regs.add(*arg), regs.add(self.nlocals + cell));
                }
            }
        }
    }
}
