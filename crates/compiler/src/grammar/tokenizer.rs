//! Source to tokens one at a time, refusing what CPython's tokenizer refuses, with its sentences (`Parser/lexer/lexer.c`).

mod number;
mod text;

use super::refusal::{End, Refusal};
use super::{BLOCKS_MAX, BRACKETS_MAX};
use crate::error::ErrorKind;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Name,
    Keyword,
    Number,
    Text,
    /// The parts of an f-string or t-string.
    Opening,
    Middle,
    Closing,
    Newline,
    Indent,
    Dedent,
    EndOfText,
    /// What no token begins with, and what was refused.
    Error,
    Operator,
}

#[derive(Clone, Copy, Debug)]
pub struct Token {
    pub kind: Kind,
    /// Bytes of the text.
    pub start: usize,
    pub end: usize,
    /// Line of its end, from 1.
    pub line: u32,
    /// Whether it has a place in its line: indents, dedents and the end have none.
    pub placed: bool,
    /// Brackets around it.
    pub level: usize,
    /// A part of a t-string.
    pub template: bool,
}

/// How far reading came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    No,
    /// The end of the text was read.
    EndOfText,
    /// Or was reached inside of a string.
    InString,
    Refused,
}

/// A string with fields that is being read.
#[derive(Clone)]
struct Fields {
    quote: u8,
    quotes: usize,
    raw: bool,
    template: bool,
    /// Its first byte; the line that it begins in.
    start: usize,
    line: u32,
    line_start: usize,
    /// Brackets that are open inside.
    brackets: i32,
    /// How many of its fields are open, less one, and at which bracket each began.
    field: i32,
    in_format: bool,
    /// Text is read, not an expression.
    text: bool,
}

struct Bracket {
    sign: u8,
    line: u32,
    at: usize,
}

pub struct Tokenizer<'s> {
    pub text: &'s str,
    bytes: &'s [u8],
    pub at: usize,
    pub line: u32,
    pub line_start: usize,
    /// Behind the line that is read.
    line_end: usize,
    /// The line that was begun last while no token was read.
    buffer: usize,
    in_token: bool,
    pub done: Done,
    begins_line: bool,
    indents: Vec<(usize, usize)>,
    /// Indents (above 0) and dedents (below) that are still to be told.
    pending: i32,
    brackets: Vec<Bracket>,
    fields: Vec<Fields>,
}

const TAB: usize = 8;

const KEYWORDS: [&str; 35] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif", "else", "except", "finally", "for", "from", "global",
    "if", "import", "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
];

fn begins_name(c: Option<u8>) -> bool {
    c.is_some_and(|c| c.is_ascii_alphabetic() || c == b'_' || c >= 128)
}
fn continues_name(c: Option<u8>) -> bool {
    begins_name(c) || is_digit(c)
}
fn is_digit(c: Option<u8>) -> bool {
    c.is_some_and(|c| c.is_ascii_digit())
}

type Read<T> = Result<T, Box<Refusal>>;

impl<'s> Tokenizer<'s> {
    pub fn new(text: &'s str) -> Tokenizer<'s> {
        Tokenizer {
            text,
            bytes: text.as_bytes(),
            at: 0,
            line: 0,
            line_start: 0,
            line_end: 0,
            buffer: 0,
            in_token: false,
            done: Done::No,
            begins_line: true,
            indents: vec![(0, 0)],
            pending: 0,
            brackets: Vec::new(),
            fields: Vec::new(),
        }
    }
    pub fn level(&self) -> usize {
        self.brackets.len()
    }
    pub fn depth(&self) -> usize {
        self.indents.len() - 1
    }
    /// All open blocks end here.
    pub fn end_blocks(&mut self) {
        self.pending = -(self.depth() as i32);
        self.indents.truncate(1);
    }
    /// The innermost bracket that is open: its sign, its line, its place.
    pub fn innermost(&self) -> Option<(char, u32, usize)> {
        self.brackets.last().map(|b| (char::from(b.sign), b.line, b.at))
    }

    fn next(&mut self) -> Option<u8> {
        if self.at >= self.line_end {
            if self.at >= self.bytes.len() {
                self.done = Done::EndOfText;
                return None;
            }
            self.line += 1;
            self.line_start = self.at;
            if !self.in_token {
                self.buffer = self.at;
            }
            let rest = &self.bytes[self.at..];
            let newline = memchr_newline(rest);
            self.line_end = self.at + newline;
        }
        let c = self.bytes[self.at];
        self.at += 1;
        if c == b'\r' {
            if self.bytes.get(self.at) == Some(&b'\n') {
                self.at += 1;
            }
            return Some(b'\n');
        }
        Some(c)
    }
    fn back(&mut self, c: Option<u8>) {
        let Some(c) = c else { return };
        self.at -= 1;
        if c == b'\n' && self.bytes[self.at] == b'\n' && self.at > 0 && self.bytes[self.at - 1] == b'\r' {
            self.at -= 1;
        }
    }
    /// The character that comes next, left where it is.
    fn peek(&mut self) -> Option<u8> {
        let c = self.next();
        self.back(c);
        c
    }

    /// A refusal of what was read last.
    fn refuse<T>(&mut self, message: impl Into<String>) -> Read<T> {
        self.done = Done::Refused;
        let column = self.column();
        Err(Box::new(Refusal { kind: ErrorKind::Syntax, message: message.into(), line: self.line, column, end: End::Column(self.line, column), by_tokenizer: true, cut: true }))
    }
    fn refuse_place<T>(&mut self, message: &str, column: usize, end: usize) -> Read<T> {
        self.done = Done::Refused;
        Err(Box::new(Refusal {
            kind: ErrorKind::Syntax,
            message: message.into(),
            line: self.line,
            column: column as u32,
            end: End::Column(self.line, end as u32),
            by_tokenizer: true,
            cut: true,
        }))
    }
    /// A refusal that the parser words: of the line, from a column of it.
    fn refuse_line<T>(&mut self, kind: ErrorKind, message: &str, column: u32) -> Read<T> {
        self.done = Done::Refused;
        Err(Box::new(Refusal { kind, message: message.into(), line: self.line, column, end: End::Nothing(self.line), by_tokenizer: false, cut: false }))
    }
    fn ends_unexpectedly<T>(&mut self) -> Read<T> {
        self.done = Done::EndOfText;
        if let Some((sign, _, at)) = self.innermost() {
            return Err(Box::new(super::refusal::never_closed(self.text, sign, at, self.line)));
        }
        self.at = self.line_end;
        let column = self.columns(self.line_start, self.at);
        Err(Box::new(Refusal {
            kind: ErrorKind::Syntax,
            message: "unexpected EOF while parsing".into(),
            line: self.line,
            column,
            end: End::Unknown(self.line),
            by_tokenizer: false,
            cut: false,
        }))
    }
    /// The column of the character that was read last, from 1.
    pub fn column(&self) -> u32 {
        self.columns(self.line_start, self.at)
    }
    /// Whether it is inside of a string with fields.
    pub fn is_inside(&self) -> bool {
        !self.fields.is_empty()
    }
    fn columns(&self, from: usize, to: usize) -> u32 {
        self.text.get(from..to).map_or(0, |t| t.chars().count() - t.matches("\r\n").count()) as u32
    }

    fn token(&self, kind: Kind, start: usize, end: usize) -> Token {
        Token { kind, start, end, line: self.line, placed: true, level: self.level(), template: self.fields.last().is_some_and(|f| f.template) }
    }
    fn unplaced(&self, kind: Kind) -> Token {
        Token { placed: false, ..self.token(kind, self.at, self.at) }
    }

    /// The next token.
    pub fn read(&mut self) -> Read<Token> {
        if self.fields.last().is_some_and(|f| f.text) { self.read_text() } else { self.read_usual() }
    }

    /// Behind a backslash: the line goes on.
    fn continues(&mut self) -> Read<()> {
        if self.next() != Some(b'\n') {
            // CPython counts from where its buffer begins, in the line that it shows.
            let column = self.columns(self.buffer, self.at).min(self.columns(self.line_start, self.line_end.max(self.at)));
            return self.refuse_line(ErrorKind::Syntax, "unexpected character after line continuation character", column);
        }
        match self.next() {
            None => self.ends_unexpectedly(),
            c => {
                self.back(c);
                Ok(())
            }
        }
    }

    /// The indentation of a line; true: the line is blank.
    fn indentation(&mut self) -> Read<bool> {
        let (mut column, mut other, mut first) = (0, 0, 0);
        let c = loop {
            match self.next() {
                Some(b' ') => (column, other) = (column + 1, other + 1),
                Some(b'\t') => (column, other) = ((column / TAB + 1) * TAB, other + 1),
                Some(b'\x0c') => (column, other) = (0, 0),
                // Indentation cannot be split: the first backslash says how deep the line is.
                Some(b'\\') => {
                    first = if first == 0 { column } else { first };
                    self.continues()?;
                }
                c => break c,
            }
        };
        self.back(c);
        let blank = matches!(c, Some(b'#' | b'\n'));
        if blank || self.level() > 0 {
            return Ok(blank);
        }
        if first != 0 {
            (column, other) = (first, first);
        }
        let (top, top_other) = self.indents.last().copied().unwrap_or_default();
        let mixed = "inconsistent use of tabs and spaces in indentation";
        if column == top {
            if other != top_other {
                return self.refuse_line(ErrorKind::Tab, mixed, 1);
            }
        } else if column > top {
            if self.indents.len() >= BLOCKS_MAX {
                self.at = self.line_end;
                return self.refuse_line(ErrorKind::Indentation, "too many levels of indentation", 1);
            }
            if other <= top_other {
                return self.refuse_line(ErrorKind::Tab, mixed, 1);
            }
            self.pending += 1;
            self.indents.push((column, other));
        } else {
            while self.indents.len() > 1 && self.indents.last().is_some_and(|i| column < i.0) {
                self.pending -= 1;
                self.indents.pop();
            }
            let (top, top_other) = self.indents.last().copied().unwrap_or_default();
            if column != top {
                self.at = self.line_end;
                let width = self.column();
                let unindent = self.refuse_line(ErrorKind::Indentation, "unindent does not match any outer indentation level", width);
                return unindent.map_err(|mut refusal: Box<Refusal>| {
                    refusal.end = End::Unknown(self.line);
                    refusal
                });
            }
            if other != top_other {
                return self.refuse_line(ErrorKind::Tab, mixed, 1);
            }
        }
        Ok(false)
    }

    fn read_usual(&mut self) -> Read<Token> {
        loop {
            let mut blank = false;
            self.in_token = false;
            if self.begins_line {
                self.begins_line = false;
                blank = self.indentation()?;
            }
            if self.pending != 0 {
                let kind = if self.pending < 0 { Kind::Dedent } else { Kind::Indent };
                self.pending -= self.pending.signum();
                return Ok(self.unplaced(kind));
            }
            let (mut c, start) = loop {
                self.in_token = false;
                let c = loop {
                    match self.next() {
                        Some(b' ' | b'\t' | b'\x0c') => {}
                        c => break c,
                    }
                };
                self.in_token = true;
                if c == Some(b'\\') {
                    self.continues()?;
                    continue;
                }
                let start = if c.is_some() { self.at - 1 } else { self.at };
                break (c, if c == Some(b'\n') && self.at >= 2 && self.bytes[self.at - 2] == b'\r' && self.bytes[self.at - 1] == b'\n' { self.at - 2 } else { start });
            };
            if c == Some(b'#') {
                while c.is_some() && c != Some(b'\n') {
                    c = self.next();
                }
            }
            let Some(first) = c else {
                return if self.level() > 0 { self.ends_unexpectedly() } else { Ok(self.unplaced(Kind::EndOfText)) };
            };
            if first == b'\n' {
                self.begins_line = true;
                if blank || self.level() > 0 {
                    continue;
                }
                // Behind a comment: it begins there.
                let end = self.at - usize::from(self.at >= 2 && self.bytes[self.at - 2..self.at] == *b"\r\n");
                return Ok(self.token(Kind::Newline, start, end));
            }
            return self.read_from(first, start);
        }
    }
    fn read_from(&mut self, first: u8, start: usize) -> Read<Token> {
        if begins_name(Some(first)) {
            return self.read_name(first, start);
        }
        match first {
            b'0'..=b'9' => self.number(first, start),
            b'.' => {
                let c = self.next();
                if is_digit(c) {
                    return self.fraction(c, start);
                }
                if c == Some(b'.') {
                    let c = self.next();
                    if c == Some(b'.') {
                        return Ok(self.token(Kind::Operator, start, self.at));
                    }
                    self.back(c);
                    self.at -= 1;
                } else {
                    self.back(c);
                }
                Ok(self.token(Kind::Operator, start, start + 1))
            }
            b'\'' | b'"' => self.string(first, start),
            _ => self.operator(first, start),
        }
    }

    fn read_name(&mut self, first: u8, start: usize) -> Read<Token> {
        let (mut b, mut r, mut u, mut f, mut t) = (false, false, false, false, false);
        let mut c = Some(first);
        loop {
            let seen = match c {
                Some(b'b' | b'B') => &mut b,
                Some(b'u' | b'U') => &mut u,
                Some(b'r' | b'R') => &mut r,
                Some(b'f' | b'F') => &mut f,
                Some(b't' | b'T') => &mut t,
                _ => break,
            };
            if std::mem::replace(seen, true) {
                break;
            }
            c = self.next();
            if let Some(quote @ (b'\'' | b'"')) = c {
                for (one, other, names) in [
                    (u, b, "'u' and 'b'"),
                    (u, r, "'u' and 'r'"),
                    (u, f, "'u' and 'f'"),
                    (u, t, "'u' and 't'"),
                    (b, f, "'b' and 'f'"),
                    (b, t, "'b' and 't'"),
                    (f, t, "'f' and 't'"),
                ] {
                    if one && other {
                        let column = self.columns(self.line_start, start) as usize + 1;
                        let end = column + (self.at - 1 - start);
                        return self.refuse_place(&format!("{names} prefixes are incompatible"), column, end);
                    }
                }
                return if f || t { self.string_with_fields(quote, start, r, t) } else { self.string(quote, start) };
            }
        }
        while continues_name(c) {
            c = self.next();
        }
        self.back(c);
        let name = &self.text[start..self.at];
        if !name.is_ascii() {
            for (i, ch) in name.char_indices() {
                let fits = if i == 0 { ch == '_' || retic_unicode::is_id_start(ch as u32) } else { retic_unicode::is_id_continue(ch as u32) };
                if !fits {
                    self.at = start + i + ch.len_utf8();
                    let code = ch as u32;
                    let message = if retic_unicode::is_printable(code) {
                        format!("invalid character '{ch}' (U+{code:04X})")
                    } else {
                        format!("invalid non-printable character U+{code:04X}")
                    };
                    return self.refuse(message);
                }
            }
        }
        let kind = if KEYWORDS.binary_search(&name).is_ok() { Kind::Keyword } else { Kind::Name };
        Ok(self.token(kind, start, self.at))
    }

    // ---- operators and brackets

    fn operator(&mut self, c: u8, start: usize) -> Read<Token> {
        if c == b':'
            && let Some(f) = self.fields.last_mut()
            && f.field >= 0
            && f.brackets - 1 == f.field
        {
            // What follows the value of a field is its format.
            (f.text, f.in_format) = (true, true);
            return Ok(self.token(Kind::Operator, start, self.at));
        }
        let rest = &self.bytes[start..];
        let longer = ["**=", "//=", ">>=", "<<=", "**", "//", ">>", "<<", "->", ":=", "!=", "<>", "==", "<=", ">=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "@="];
        if let Some(op) = longer.iter().find(|op| rest.starts_with(op.as_bytes())) {
            self.at = start + op.len();
            if op.len() == 2 {
                self.peek();
            }
            return Ok(self.token(Kind::Operator, start, self.at));
        }
        // The character behind was looked at.
        self.peek();
        match c {
            b'(' | b'[' | b'{' => {
                if self.level() >= BRACKETS_MAX {
                    return self.refuse("too many nested parentheses");
                }
                self.brackets.push(Bracket { sign: c, line: self.line, at: start });
                if let Some(f) = self.fields.last_mut() {
                    f.brackets += 1;
                }
            }
            b')' | b']' | b'}' => self.closing(c)?,
            b'+' | b'-' | b'*' | b'/' | b'%' | b'@' | b'&' | b'|' | b'^' | b'~' | b'<' | b'>' | b'=' | b',' | b':' | b';' | b'!' => {}
            _ if c < 32 || c == 127 => return self.refuse(format!("invalid non-printable character U+{c:04X}")),
            _ => return Ok(self.token(Kind::Error, start, self.at)),
        }
        Ok(self.token(Kind::Operator, start, self.at))
    }
    fn closing(&mut self, c: u8) -> Read<()> {
        let sign = char::from(c);
        if let Some(f) = self.fields.last()
            && f.brackets == 0
            && c == b'}'
        {
            let message = format!("{}-string: single '}}' is not allowed", f.prefix());
            return self.refuse(message);
        }
        let Some(opening) = self.brackets.pop() else { return self.refuse(format!("unmatched '{sign}'")) };
        if !matches!((opening.sign, c), (b'(', b')') | (b'[', b']') | (b'{', b'}')) {
            if let Some(f) = self.fields.last()
                && opening.sign == b'{'
                && f.brackets - 1 == f.field
            {
                let message = format!("{}-string: unmatched '{sign}'", f.prefix());
                return self.refuse(message);
            }
            let mut message = format!("closing parenthesis '{sign}' does not match opening parenthesis '{}'", char::from(opening.sign));
            if opening.line != self.line {
                message += &format!(" on line {}", opening.line);
            }
            return self.refuse(message);
        }
        if let Some(f) = self.fields.last_mut() {
            f.brackets -= 1;
            if f.brackets < 0 {
                let message = format!("{}-string: unmatched '{sign}'", f.prefix());
                return self.refuse(message);
            }
            if c == b'}' && f.brackets == f.field {
                f.field -= 1;
                (f.text, f.in_format) = (true, false);
            }
        }
        Ok(())
    }
}

/// Bytes up to and with the first line end.
fn memchr_newline(rest: &[u8]) -> usize {
    match rest.iter().position(|c| matches!(c, b'\n' | b'\r')) {
        Some(i) if rest[i] == b'\r' && rest.get(i + 1) == Some(&b'\n') => i + 2,
        Some(i) => i + 1,
        None => rest.len(),
    }
}
