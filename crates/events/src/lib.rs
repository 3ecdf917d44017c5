//! What can happen to an object, as plain data: the vocabulary between the recorder and the lens.
//!
//! Here: event structs. Never here: pointers to live objects, how events are recorded, what they mean in words.
#![forbid(unsafe_code)]

/// A place in a program: which code object, which instruction, which line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub code: u32,
    pub offset_bytes: u32,
    pub line: u32,
}

/// One thing that happened. Objects are named by serial numbers, never by address alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// An object got its block.
    Birth { serial: u64, address: u64, size_bytes: u32, type_id: u32, place: Place },
    /// An object's block went back.
    Death { serial: u64, cause: Cause, place: Place },
    /// A holder began or ceased to hold an object.
    Count { serial: u64, delta: i32, holder: Holder, place: Place },
}

/// Why an object died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The last reference was dropped.
    LastReference,
    /// The collector found it in a cycle nobody could reach.
    Cycle,
    /// The interpreter ended.
    Exit,
}

/// What holds a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// A local variable, by register.
    Local(u16),
    /// A temporary of the running code.
    Temporary,
    /// A field or item of another object.
    Object(u64),
    /// The interpreter itself.
    Machine,
}
