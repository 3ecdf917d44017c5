//! Indentation, missing blocks, missing colons.

use crate::error::{CompileError, ErrorKind, Lines};
use ruff_python_ast::token::{Token, TokenKind, Tokens};
use ruff_text_size::Ranged;

/// An indentation that means nothing. CPython notices at the first token of the line, or, where it fits no block, at its end.
pub fn indentation(lines: &Lines, source: &str, tokens: &Tokens, at: u32, fits_none: bool) -> Box<CompileError> {
    let (line, _) = lines.line_column(at);
    let from = lines.start_of(line);
    let text = source[from as usize..].split(['\n', '\r']).next().unwrap_or("");
    let blanks = text.len() - text.trim_start_matches([' ', '\t', '\x0c']).len();
    let mut error = lines.error(if fits_none { "unindent does not match any outer indentation level" } else { "unexpected indent" }, from, from);
    error.kind = ErrorKind::Indentation;
    error.end_column = -1;
    if tabs_disagree(source, tokens, from, &text[..blanks]) {
        error.kind = ErrorKind::Tab;
        error.message = "inconsistent use of tabs and spaces in indentation".into();
        error.end_column = 0;
    } else if fits_none {
        error.column = text.chars().count() as u32 + 1;
    } else {
        error.column = blanks as u32;
    }
    error
}

/// The widths of an indentation with tabs as wide as eight columns, and as one.
fn widths(blanks: &str) -> (usize, usize) {
    blanks.chars().fold((0, 0), |(wide, narrow), c| match c {
        '\t' => ((wide / 8 + 1) * 8, narrow + 1),
        '\x0c' => (0, 0),
        _ => (wide + 1, narrow + 1),
    })
}

/// Whether the indentation of the line at `from` compares one way with wide tabs and another way with narrow ones.
fn tabs_disagree(source: &str, tokens: &Tokens, from: u32, blanks: &str) -> bool {
    let mut open = vec![(0, 0)];
    let mut fresh = true;
    let check = |blanks: &str, open: &mut Vec<(usize, usize)>| {
        let (wide, narrow) = widths(blanks);
        let top = *open.last().unwrap_or(&(0, 0));
        if wide == top.0 {
            return narrow != top.1;
        }
        if wide > top.0 {
            open.push((wide, narrow));
            return narrow <= top.1;
        }
        while open.len() > 1 && open.last().is_some_and(|t| wide < t.0) {
            open.pop();
        }
        open.last().is_some_and(|t| t.0 == wide && t.1 != narrow)
    };
    for token in tokens.iter().take_while(|t| t.start().to_u32() < from) {
        match token.kind() {
            TokenKind::Newline => fresh = true,
            TokenKind::NonLogicalNewline | TokenKind::Comment | TokenKind::Indent | TokenKind::Dedent => {}
            _ if fresh => {
                let start = token.start().to_usize();
                let line = source[..start].rfind(['\n', '\r']).map_or(0, |i| i + 1);
                check(&source[line..start], &mut open);
                fresh = false;
            }
            _ => {}
        }
    }
    check(blanks, &mut open)
}

/// A block that is missing behind a statement.
pub fn missing(lines: &Lines, source: &str, tokens: &Tokens, at: u32) -> Box<CompileError> {
    let what = owner_of_block(lines, source, tokens, at);
    let blank = |t: &Token| matches!(t.kind(), TokenKind::Newline | TokenKind::NonLogicalNewline | TokenKind::Comment | TokenKind::Dedent | TokenKind::EndOfFile);
    let token = tokens.iter().find(|t| t.start().to_u32() >= at && !blank(t) && t.start().to_usize() < source.len());
    let place = token.map_or((lines.end(), lines.end()), |t| (t.start().to_u32(), t.end().to_u32()));
    let mut error = lines.error(format!("expected an indented block after {what}"), place.0, place.1);
    error.kind = ErrorKind::Indentation;
    if token.is_none() {
        error.end_column = -1;
    }
    // Behind a case the parser has looked for the end of the block of all cases.
    if let Some(t) = token
        && what.starts_with("'case'")
        && tokens.iter().any(|d| d.kind() == TokenKind::Dedent && d.start().to_u32() >= at && d.start() <= t.start())
    {
        (error.column, error.end_line, error.end_column) = (0, error.line, -1);
    }
    error
}

/// Whether the statement around a place only wants its colon at the end of the line: what else stands there is just wrong.
pub fn colon_may_wait(source: &str, tokens: &Tokens, at: u32) -> bool {
    let mut first = None;
    let mut fresh = true;
    for token in tokens.iter().take_while(|t| t.start().to_u32() < at) {
        match token.kind() {
            TokenKind::Newline | TokenKind::Semi => fresh = true,
            TokenKind::NonLogicalNewline | TokenKind::Comment | TokenKind::Indent | TokenKind::Dedent => {}
            _ => {
                if fresh {
                    first = Some(token.start().to_usize()..token.end().to_usize());
                }
                fresh = false;
            }
        }
    }
    let word = first.map_or("", |r| &source[r]);
    matches!(word, "if" | "elif" | "while" | "for" | "with" | "except" | "class" | "match" | "case")
        && !source[..at as usize].rsplit('\n').next().is_some_and(|l| l.contains("lambda"))
}

/// "'if' statement on line 3", for a missing block.
fn owner_of_block(lines: &Lines, source: &str, tokens: &Tokens, at: u32) -> String {
    let mut start = None;
    let mut fresh = true;
    for token in tokens.iter().take_while(|t| t.start().to_u32() < at) {
        match token.kind() {
            TokenKind::Newline | TokenKind::Indent | TokenKind::Dedent | TokenKind::NonLogicalNewline | TokenKind::Semi => fresh = true,
            TokenKind::Comment => {}
            _ => {
                if fresh {
                    start = Some(token);
                }
                fresh = false;
            }
        }
    }
    let Some(token) = start else { return "statement".into() };
    let line = lines.line(token.start().to_u32());
    let word = &source[token.start().to_usize()..token.end().to_usize()];
    let mut next = tokens.iter().filter(|t| t.start() >= token.end());
    let word = match word {
        "async" => next.next().map_or(word, |t| &source[t.start().to_usize()..t.end().to_usize()]),
        "except" if next.next().is_some_and(|t| t.kind() == TokenKind::Star) => "except*",
        _ => word,
    };
    match word {
        "def" => format!("function definition on line {line}"),
        "class" => format!("class definition on line {line}"),
        _ => format!("'{word}' statement on line {line}"),
    }
}
