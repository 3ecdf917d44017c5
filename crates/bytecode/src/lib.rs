//! The words: opcode table, code as plain data, line tables, the text of `dis`.
//!
//! Here: what CPython 3.9 calls wordcode (two bytes an instruction), plus the opcodes of later syntax
//! under CPython's later names. Never here: Python objects, the heap, how an instruction runs.
//! Read `opcode.rs` first.
#![forbid(unsafe_code)]

pub mod code;
pub mod dis;
pub mod inline;
pub mod lines;
pub mod locations;
pub mod opcode;
pub mod pack;
pub mod room;
pub mod varint;
pub mod verify;

pub use code::{Code, Const, Flags, Position};
pub use opcode::{Opcode, Operand};
