//! Why a source is no program: the grammar as CPython's parser reads it, asked once the parser has refused a source.
//!
//! CPython parses twice. The first time finds out how far a source can be read; the second also tries rules that match
//! what people write by mistake (`invalid_...` in its `Grammar/python.gram`), and the first of those that matches says the
//! sentence. Which sentence that is depends on the order of the rules and on how many tokens were asked for, so both are
//! kept here. `tokenizer.rs` reads tokens, `parser.rs` is the machine, the other files are rules, each after the part of
//! the language that it reads.

mod arguments;
mod compound;
mod escapes;
mod expressions;
mod parameters;
mod parser;
mod patterns;
mod refusal;
mod statements;
mod strings;
mod targets;
mod tokenizer;

use crate::Mode;
use crate::error::{CompileError, ErrorKind};
use parser::Parser;
use refusal::{End, Refusal};
use tokenizer::{Done, Kind};

/// What CPython's tokenizer keeps: open brackets, blocks inside of each other, strings with fields inside of each other, fields of
/// one string inside of each other.
pub const BRACKETS_MAX: usize = 200;
pub const BLOCKS_MAX: usize = 100;
pub const STRINGS_MAX: usize = 150;
pub const FIELDS_MAX: usize = 3;

/// What the grammar says of a source.
pub enum Verdict {
    /// It is a program, or too deep to be read here.
    Accepted,
    /// It is none; whether its end was reached before that was known.
    Refused(Box<CompileError>, bool),
}

/// Reads a source. `barry`: `<>` stands for `!=`; `ends_blocks`: the end of an interactive statement ends its blocks;
/// `digits_max`: decimal literals of more digits are refused (0: none are).
pub fn read(source: &str, mode: Mode, barry: bool, ends_blocks: bool, digits_max: usize) -> Verdict {
    let ended;
    let text = if mode == Mode::Exec && !source.ends_with('\n') && !source.is_empty() {
        ended = format!("{source}\n");
        &ended[..]
    } else {
        source
    };
    let mut p = Parser::new(text, (mode == Mode::Single).then_some(ends_blocks));
    (p.barry, p.digits_max) = (barry, digits_max);
    let parse = |p: &mut Parser| match mode {
        Mode::Exec => p.program(),
        Mode::Eval => p.evaluated(),
        Mode::Single => p.interactive(),
    };
    if parse(&mut p).is_some() {
        return Verdict::Accepted;
    }
    if p.gave_up {
        return Verdict::Accepted;
    }
    let incomplete = matches!(p.tokenizer.done, Done::EndOfText | Done::InString);
    let last = p.tokens.len().saturating_sub(1);
    if !p.stopped() {
        p.again();
        parse(&mut p);
        p.gave_up = false;
    }
    if p.stopped() {
        // The parser's refusals wait for the tokenizer's.
        p.read_to_end();
    } else {
        refuse_plainly(&mut p, last);
    }
    match p.refusal {
        Some(refusal) => Verdict::Refused(Box::new((*refusal).into()), incomplete),
        None => Verdict::Accepted,
    }
}

/// No rule has a sentence for it.
fn refuse_plainly(p: &mut Parser, last: usize) {
    let Some(token) = p.tokens.get(last).copied() else {
        let refusal = Refusal {
            kind: ErrorKind::Syntax,
            message: "error at start before reading any input".into(),
            line: 1,
            column: 0,
            end: End::Nothing(1),
            by_tokenizer: false,
            cut: false,
        };
        p.refusal = Some(Box::new(refusal));
        return;
    };
    match token.kind {
        Kind::Indent => _ = p.raise_indentation::<()>("unexpected indent"),
        Kind::Dedent => _ = p.raise_indentation::<()>("unexpected unindent"),
        _ => {
            if token.placed {
                p.raise_at_token::<()>(last, ErrorKind::Syntax, "invalid syntax");
            } else {
                // The end of the text has no place in its line.
                let end = End::Nothing(token.line);
                p.raise::<()>(ErrorKind::Syntax, "invalid syntax", (token.line, 0), end);
            }
            p.read_to_end();
        }
    }
}
