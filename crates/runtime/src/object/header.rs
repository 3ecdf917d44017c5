//! The sixteen bytes every object starts with, and the links in front of those the collector tracks.

use crate::types::Type;
use std::cell::Cell;
use std::ptr::NonNull;

/// Count, shape, type. A negative count means immortal (O4).
#[repr(C)]
pub struct Header {
    pub(crate) count: Cell<i32>,
    pub(crate) shape: Cell<u32>,
    pub(crate) ty: Cell<NonNull<Type>>,
}

const _: () = assert!(size_of::<Header>() == 16);

/// The count of an object that never dies.
pub const IMMORTAL: i32 = i32::MIN / 2;

/// In front of a tracked object: its neighbours in the collector's list. `prev` null: not tracked.
#[repr(C)]
pub struct GcLink {
    pub next: Cell<*mut GcLink>,
    pub prev: Cell<*mut GcLink>,
}

/// Bytes of the link.
pub const GC_LINK: usize = 16;
/// Bytes in front of the header of an instance: dictionary and weak reference list, then the link.
pub const PRE_HEADER: usize = 32;

const _: () = assert!(size_of::<GcLink>() == GC_LINK);

/// Shapes of exact built-in types that fast paths compare with. Other types and instance layouts get higher numbers.
pub mod shape {
    pub const NONE: u32 = 1;
    pub const BOOL: u32 = 2;
    /// An int of at most two digits: the value is in `Int::value`.
    pub const INT: u32 = 3;
    /// Next to INT: one comparison asks for both.
    pub const FLOAT: u32 = 4;
    pub const BIGINT: u32 = 5;
    pub const STR: u32 = 6;
    pub const BYTES: u32 = 7;
    pub const LIST: u32 = 8;
    pub const TUPLE: u32 = 9;
    pub const DICT: u32 = 10;
    pub const SET: u32 = 11;
    pub const FUNCTION: u32 = 12;
    pub const METHOD: u32 = 13;
    pub const BUILTIN: u32 = 14;
    pub const RANGE_ITER: u32 = 15;
    pub const LIST_ITER: u32 = 16;
    pub const TUPLE_ITER: u32 = 17;
    pub const GENERATOR: u32 = 18;
    pub const TYPE: u32 = 19;
    pub const CELL: u32 = 20;
    pub const UNBOUND: u32 = 21;
    pub const SLICE: u32 = 22;
    pub const METHOD_DESCRIPTOR: u32 = 23;
    /// The first shape handed out at run time.
    pub const FIRST_FREE: u32 = 64;
}
