//! Source text to [`retic_bytecode::Code`]. Pure: no I/O, no heap, no Python objects.
//!
//! The only crate that sees the parser's types. The bytes are CPython 3.9's where the meaning of the source has not
//! changed since; later syntax uses the later opcodes of `bytecode::opcode`. Read `emit.rs` first.
#![forbid(unsafe_code)]

mod annotations;
mod assemble;
mod emit;
mod error;
mod finally;
mod fold;
mod from_tree;
mod literal;
mod parse;
mod paths;
mod peephole;
mod source;
mod symbols;
mod symtable;
mod tree;
mod unparse;
mod wording;

pub use error::{CompileError, ErrorKind, Warning};
pub use from_tree::{Node, Problem, Value, compile_tree};
pub use parse::is_incomplete;
pub use source::{decode, foreign_coding};
pub use symtable::{Entry, EntryKind, FLAGS as SYMTABLE_FLAGS, symtable};
pub use tree::{Build, TreeError, tree};

use retic_bytecode::Code;
use std::rc::Rc;

/// What kind of program the source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Any number of statements.
    Exec,
    /// One expression; the code returns its value.
    Eval,
    /// One interactive statement; expression values go to `sys.displayhook`.
    Single,
}

/// How to compile.
#[derive(Clone, Debug)]
pub struct Options {
    pub mode: Mode,
    pub filename: Rc<str>,
    /// 0, 1 (`-O`: no asserts) or 2 (`-OO`: no docstrings).
    pub optimize: u8,
    /// Future flags inherited from the caller (`CO_FUTURE_ANNOTATIONS`).
    pub flags: u32,
    /// Decimal literals of more digits are refused; 0: none are (`sys.set_int_max_str_digits`).
    pub digits_max: usize,
}

/// A compiled program and the warnings met on the way.
pub struct Compiled {
    pub code: Rc<Code>,
    pub warnings: Vec<Warning>,
}

/// Compiles source text. The error is a SyntaxError (or one of its kin) in CPython's words.
pub fn compile(source: &str, options: &Options) -> Result<Compiled, Box<CompileError>> {
    with_stack(source, || {
        let parsed = parse::parse(source, options.mode, options.digits_max)?;
        emit::compile_module(source, &parsed, options).map_err(|mut e| {
            // CPython's parser says so already.
            e.late = !e.message.contains(" unpacking cannot be used in ");
            e
        })
    })
}

/// Runs what recurses as deep as the source nests.
fn with_stack<R>(source: &str, run: impl FnOnce() -> R) -> R {
    // Nesting in the source becomes recursion here and in the parser; the reserve is committed only as it is used.
    let depth_reserve = (4 << 20) + source.len().min(2 << 20) * 640;
    // Short sources cannot nest deeply; they run where they are.
    const SHORT_BYTES: usize = 4 << 10;
    if source.len() > SHORT_BYTES { stacker::grow(depth_reserve, run) } else { stacker::maybe_grow(1 << 20, depth_reserve, run) }
}
