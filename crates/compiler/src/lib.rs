//! Source text to [`retic_bytecode::Code`]. Pure: no I/O, no heap, no Python objects.
//!
//! The only crate that sees the parser's types. The bytes are CPython 3.9's where the meaning of the source has not
//! changed since; later syntax uses the later opcodes of `bytecode::opcode`. Read `emit.rs` first.
#![forbid(unsafe_code)]

mod annotations;
mod assemble;
mod comments;
mod emit;
mod error;
mod finally;
mod fold;
mod from_tree;
mod grammar;
mod literal;
mod parse;
mod paths;
mod peephole;
mod source;
mod symbols;
mod symtable;
mod tree;
mod unparse;
mod versions;

pub use error::{CompileError, ErrorKind, Warning};
pub use from_tree::{Node, Problem, Value, compile_tree};
pub use parse::is_incomplete;
pub use source::{decode, foreign_coding};
pub use symtable::{Entry, EntryKind, FLAGS as SYMTABLE_FLAGS, symtable};
pub use tree::{Build, TreeError, function_type, tree};

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

/// Type comments are read (`PyCF_TYPE_COMMENTS`).
pub const TYPE_COMMENTS: u32 = 0x1000;
/// `await`, `async for` and `async with` may stand outside of functions: the code makes a coroutine (`PyCF_ALLOW_TOP_LEVEL_AWAIT`).
pub const TOP_LEVEL_AWAIT: u32 = 0x2000;

/// How to compile.
#[derive(Clone, Debug)]
pub struct Options {
    pub mode: Mode,
    pub filename: Rc<str>,
    /// 0, 1 (`-O`: no asserts) or 2 (`-OO`: no docstrings).
    pub optimize: u8,
    /// Future flags inherited from the caller (`CO_FUTURE_ANNOTATIONS`, `CO_FUTURE_BARRY_AS_BDFL`), `TYPE_COMMENTS`, `TOP_LEVEL_AWAIT`.
    pub flags: u32,
    /// Syntax newer than Python 3.`feature_version` is refused; 0: none is.
    pub feature_version: u8,
    /// Decimal literals of more digits are refused; 0: none are (`sys.set_int_max_str_digits`).
    pub digits_max: usize,
}

impl Options {
    /// As code of a file is compiled that nothing is said of.
    pub fn new(mode: Mode, filename: &str) -> Options {
        Options { mode, filename: filename.into(), optimize: 0, flags: 0, feature_version: 0, digits_max: 0 }
    }
}

/// A compiled program and the warnings met on the way.
pub struct Compiled {
    pub code: Rc<Code>,
    pub warnings: Vec<Warning>,
}

/// Compiles source text. The error is a SyntaxError (or one of its kin) in CPython's words.
pub fn compile(source: &str, options: &Options) -> Result<Compiled, Box<CompileError>> {
    with_stack(source, || {
        let parsed = parse::parse(source, options)?;
        emit::compile_module(source, &parsed, options).map_err(|mut e| {
            // What CPython's own parser refuses comes before what its compiler does.
            match parse::refused_by_grammar(source, options) {
                Some(earlier) => earlier,
                None => {
                    e.late = true;
                    e
                }
            }
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
