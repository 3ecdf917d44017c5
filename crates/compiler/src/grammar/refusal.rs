//! What is wrong with a source, and where.

use crate::error::{CompileError, ErrorKind};

/// Where an error ends.
#[derive(Clone, Copy, Debug)]
pub enum End {
    /// A line and a column of it, from 1, in characters.
    Column(u32, u32),
    /// The line only.
    Unknown(u32),
    /// The line, where the tokenizer has no column to tell (0).
    Nothing(u32),
}

#[derive(Clone, Debug)]
pub struct Refusal {
    pub kind: ErrorKind,
    pub message: String,
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
    pub end: End,
    /// Found by the tokenizer, not by the parser.
    pub by_tokenizer: bool,
    /// As [`CompileError::cut`].
    pub cut: bool,
}

impl From<Refusal> for CompileError {
    fn from(r: Refusal) -> CompileError {
        let (end_line, end_column) = match r.end {
            End::Column(line, column) => (line, column as i32),
            End::Unknown(line) => (line, -1),
            End::Nothing(line) => (line, 0),
        };
        CompileError { kind: r.kind, message: r.message, line: r.line, column: r.column, end_line, end_column, late: false, cut: r.cut }
    }
}

/// A bracket that nothing closes, known in line `now`.
pub fn never_closed(text: &str, sign: char, at: usize, now: u32) -> Refusal {
    let (line, column) = place(text, at);
    Refusal { kind: ErrorKind::Syntax, message: format!("'{sign}' was never closed"), line, column, end: End::Nothing(line), by_tokenizer: false, cut: now > line }
}

/// Line and column of a byte, both from 1.
pub fn place(text: &str, at: usize) -> (u32, u32) {
    let before = text.get(..at.min(text.len())).unwrap_or(text);
    let bytes = before.as_bytes();
    let ends = |i: &usize| bytes[*i] == b'\n' || bytes[*i] == b'\r' && bytes.get(i + 1).or(text.as_bytes().get(at)) != Some(&b'\n');
    let lines = (0..bytes.len()).filter(ends).count();
    let start = (0..bytes.len()).rev().find(ends).map_or(0, |i| i + 1);
    let beyond = at.saturating_sub(text.len());
    (lines as u32 + 1, (before[start..].chars().count() + beyond) as u32 + 1)
}
