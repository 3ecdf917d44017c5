//! Regular expressions: executes the words that `re._compiler` produces, over text of any character width.
//!
//! The words are checked and turned into a program once (`program.rs`), with what each
//! way may begin with (`first.rs`); `matcher.rs` runs it with an explicit stack, so depth is bounded by memory only, and calls a
//! poll function in its loops. Never here: Python objects.
#![forbid(unsafe_code)]

mod first;
mod matcher;
mod program;

pub use matcher::{Found, Mode, Scratch, Stop, Subject, find};
pub use program::{Late, MAGIC, Program, Set, lower_ascii, lower_unicode};
