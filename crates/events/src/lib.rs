//! What can happen to an object, as plain data: the vocabulary between the recorder and the lens.
//!
//! Here: event structs and the face of those who take them. Never here: pointers to live objects, how events are
//! recorded, what they mean in words.
#![forbid(unsafe_code)]

/// One thing that happened. Objects and buffers are named by serial numbers, never by address alone: a serial number is
/// used once, an address again and again. Those that were there before the recording have numbers from [`ELDER`] on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Where and when everything behind it happened: instructions carried out so far, a site, the native callable that
    /// runs (a name; 0: none).
    At { step: u64, site: u32, by: u32 },
    /// An object got its block. `size` in bytes, of which `before` lie in front of the header at `address`.
    Birth { serial: u64, address: u64, size: u32, before: u8, type_id: u32 },
    /// An object that was there before the recording is spoken of for the first time.
    Elder { serial: u64, address: u64, type_id: u32, nature: Nature },
    /// A block that is not an object: items of a list, a table, registers.
    Buffer { serial: u64, address: u64, size: u64 },
    /// A buffer has another size, and perhaps another place.
    Resize { serial: u64, address: u64, size: u64 },
    /// An object's count came to its end, or the collector chose it. What dies inside is between this and its `Free`.
    Dying { serial: u64, how: How, arg: u32 },
    /// A block went back: an object's, which ends its death, or a buffer's. Zero: one that nobody spoke of.
    Free { serial: u64, block: u64 },
    /// A frame was entered.
    Enter { code: u32 },
    /// The top frame was left.
    Leave { how: Left },
    /// `__del__`, a weak reference's callback or a generator's close begins or ends.
    Finalizer { serial: u64, begins: bool },
    /// The object whose finaliser ran lives on.
    Revived { serial: u64 },
    /// A collection of a generation begins.
    GcBegins { generation: u8, trigger: Trigger },
    /// It ended: objects found unreachable.
    GcEnds { found: u64 },
    /// The address of an object was asked for, or shown by a default `repr`.
    Asked { serial: u64, how: Asked },
    /// `a is b` was asked.
    Compared { a: u64, b: u64, same: bool },
    /// So many bytes were printed to standard output.
    Printed { bytes: u32 },
    /// The interpreter's end has come so far.
    Phase(Phase),
    /// Another thread runs.
    Thread { id: u32 },
    /// How many blocks are in use, for the books: first and last event.
    Checkpoint { blocks: u64 },
    /// Who holds an object was looked up: its count (negative: not looked at), and how many [`Event::Held`] follow.
    Looked { serial: u64, count: i32, kind: Look, holders: u32 },
    /// One of its holders; the site where that began, if it is known.
    Held { serial: u64, holder: Holder, since: u32 },
    /// An object's count is another than the one told last, or told first.
    Count { serial: u64, count: u32 },
    /// A register of the frame that runs holds another object (0: none): a local by its number, temporaries behind them.
    Slot { slot: u32, serial: u64 },
    /// An instruction of the user's code begins.
    Step,
    /// How many objects of a type an instruction made, how many of those died, and the bytes of all.
    Total { site: u32, type_id: u32, born: u64, died: u64, bytes: u64 },
}

/// How much is recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Sums by instruction and type only ([`Event::Total`]).
    Counts,
    /// Births, deaths, buffers, frames, collections.
    #[default]
    Lives,
    /// And every change of a count, and what locals hold, while the user's code runs.
    Refs,
    /// And every instruction of the user's code with its temporaries.
    Steps,
}

/// Serial numbers from here on belong to objects older than the recording.
pub const ELDER: u64 = 1 << 40;

/// What the recorder knows of the moment an object died; the rest is in the bytecode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum How {
    /// A temporary of the instruction was used up.
    Dropped,
    /// A local was stored over; `arg`: its number.
    Overwritten,
    /// The frame was left; `arg`: the register.
    FrameLeft,
    /// The frame was left by an exception; `arg`: the register.
    Unwound,
    /// Its owner died: the one whose `Dying` encloses this; or, where its turn came later, `arg` (signed) is how far the
    /// owner's serial number is from its own.
    OwnerDied,
    /// It was in a cycle that nobody could reach.
    Cycle,
    /// Its turn came after native code had let it go.
    Later,
}

/// How a frame was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    Returned,
    Yielded,
    Raised,
}

/// What started a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    Threshold,
    Call,
    Exit,
}

/// When holders were looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// A line begins.
    Line,
    /// A native callable runs.
    Call,
    /// The program is over.
    End,
}

/// How an address came to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    Id,
    Repr,
}

/// Why an object was not born where it was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    /// Nothing special: it was there before.
    Older,
    /// None, True, False, Ellipsis, NotImplemented.
    Singleton,
    SmallInt,
    /// The empty tuple, the empty text, one-character texts, single bytes.
    Shared,
    Interned,
    /// A constant of a code object.
    Constant,
    /// A class, function or module of the interpreter.
    BuiltIn,
}

/// A phase of the interpreter's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// The program's last instruction is over.
    ProgramEnded,
    /// Exit functions run.
    AtExit,
    /// Modules and their dictionaries are emptied.
    Modules,
    /// The last collection.
    FinalCollection,
    /// Nothing runs any more; what is alive was never taken apart.
    Over,
}

/// What holds a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Holder {
    /// A local variable, by code and register.
    Local { code: u32, slot: u32 },
    /// A temporary of a frame: an argument of the call that it carries out, from 1; 0: another.
    Stack { code: u32, slot: u32 },
    /// A global variable of a module, by names.
    Global { module: u32, name: u32 },
    /// Something inside another object: its serial number and what it is there.
    Inside { owner: u64, link: Link },
    /// Native code, by name.
    Native { by: u32 },
}

/// Where inside its owner an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Link {
    Item(u32),
    /// A value under a key that is text, by name; 0: another key.
    Value(u32),
    Key,
    /// An attribute, by name.
    Attribute(u32),
    /// Some other field.
    Field,
}

/// Who takes what is recorded. Names come before the events that use them.
pub trait Sink {
    /// Events in order.
    fn events(&mut self, events: &[Event]);
    /// Whether it takes them as a file does instead, in bytes of the crate `wire`: that is quicker.
    fn takes_packed(&self) -> bool {
        false
    }
    /// A chunk of events as bytes, where it takes them so.
    fn packed(&mut self, _events: &[u8]) {}
    /// Code number `id`, packed as `bytecode::pack` writes it, its constants' code objects replaced by their names. Whether it is the user's.
    fn code(&mut self, id: u32, packed: &[u8], mine: bool);
    /// Site number `id`: a code and a byte offset.
    fn site(&mut self, id: u32, code: u32, offset: u32);
    /// Type number `id`.
    fn type_name(&mut self, id: u32, name: &str);
    /// Name number `id`.
    fn name(&mut self, id: u32, text: &str);
    /// What was printed by the last `Printed` events.
    fn printed(&mut self, bytes: &[u8]);
    /// Whether files of this name are the user's.
    fn is_mine(&self, file: &str) -> bool;
    /// Whether enough is recorded, after so many steps and questions about addresses: the program then ends as by `os._exit`.
    fn enough(&mut self, _steps: u64, _asked: u64) -> bool {
        false
    }
    /// Somebody wants to read what was recorded so far.
    fn flush(&mut self) {}
    /// The recording ends.
    fn finish(&mut self);
}
