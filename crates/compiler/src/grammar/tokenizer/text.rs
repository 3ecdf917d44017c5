//! Strings, and strings with fields: f-strings and t-strings.

use super::super::{FIELDS_MAX, STRINGS_MAX};
use super::{Done, Fields, Kind, Read, Token, Tokenizer};

impl Tokenizer<'_> {
    pub(super) fn string(&mut self, quote: u8, start: usize) -> Read<Token> {
        let (first_line, first_start) = (self.line, self.line_start);
        let (mut quotes, mut closing) = (1, 0);
        let mut c = self.next();
        if c == Some(quote) {
            c = self.next();
            if c == Some(quote) {
                quotes = 3;
            } else {
                closing = 1;
            }
        }
        if c != Some(quote) {
            self.back(c);
        }
        let mut escaped = false;
        while closing != quotes {
            let c = self.next();
            if c.is_none() || quotes == 1 && c == Some(b'\n') {
                let line = self.line;
                (self.at, self.line, self.line_start) = (start + 1, first_line, first_start);
                let message = match self.fields.last() {
                    // What looks like a beginning may be the end of the string around it.
                    Some(f) if f.quote == quote && f.quotes == quotes => format!("{}-string: expecting '}}'", f.prefix()),
                    _ if quotes == 3 => format!("unterminated triple-quoted string literal (detected at line {line})"),
                    _ if escaped => format!("unterminated string literal (detected at line {line}); perhaps you escaped the end quote?"),
                    _ => format!("unterminated string literal (detected at line {line})"),
                };
                let refused = self.refuse(message);
                if c.is_none() {
                    self.done = Done::InString;
                }
                return refused;
            }
            if c == Some(quote) {
                closing += 1;
            } else {
                closing = 0;
                if c == Some(b'\\') {
                    escaped |= self.next() == Some(quote);
                }
            }
        }
        Ok(self.token(Kind::Text, start, self.at))
    }
    pub(super) fn string_with_fields(&mut self, quote: u8, start: usize, raw: bool, template: bool) -> Read<Token> {
        let mut quotes = 1;
        let second = self.next();
        if second == Some(quote) {
            let third = self.next();
            if third == Some(quote) {
                quotes = 3;
            } else {
                self.back(third);
                self.back(second);
            }
        } else {
            self.back(second);
        }
        if self.fields.len() + 1 >= STRINGS_MAX {
            return self.refuse("too many nested f-strings or t-strings");
        }
        let (line, line_start) = (self.line, self.line_start);
        self.fields.push(Fields { quote, quotes, raw, template, start, line, line_start, brackets: 0, field: -1, in_format: false, text: true });
        Ok(self.token(Kind::Opening, start, self.at))
    }
    /// A field of the innermost string begins.
    fn open_field(&mut self) -> Read<()> {
        let Some(f) = self.fields.last_mut() else { return Ok(()) };
        f.field += 1;
        if f.field >= FIELDS_MAX as i32 {
            let message = format!("{}-string: expressions nested too deeply", f.prefix());
            return self.refuse(message);
        }
        f.text = false;
        Ok(())
    }
    fn expression_again(&mut self) {
        if let Some(f) = self.fields.last_mut() {
            (f.text, f.in_format) = (false, false);
        }
    }
    /// Inside of an f-string or t-string, where its text is.
    pub(super) fn read_text(&mut self) -> Read<Token> {
        let Some(f) = self.fields.last().cloned() else { return self.read_usual() };
        let start = self.at;
        self.in_token = true;
        let first = self.next();
        if first == Some(b'{') {
            let second = self.peek();
            self.back(first);
            if second != Some(b'{') {
                self.open_field()?;
                return self.read_usual();
            }
        } else {
            self.back(first);
        }
        let mut closing = 0;
        while closing < f.quotes {
            let c = self.next();
            if c != Some(f.quote) {
                self.back(c);
                break;
            }
            closing += 1;
        }
        if closing == f.quotes {
            let token = self.token(Kind::Closing, start, self.at);
            self.fields.pop();
            return Ok(token);
        }
        self.at = start;
        let middle = |s: &Self, end: usize| s.token(Kind::Middle, start, end);
        let (mut closing, mut named) = (0, false);
        while closing != f.quotes {
            let c = self.next();
            let in_format = f.in_format && f.field >= 0;
            if c.is_none() || f.quotes == 1 && c == Some(b'\n') {
                if in_format && c == Some(b'\n') {
                    if f.quotes == 1 {
                        let p = f.prefix();
                        return self.refuse(format!("{p}-string: newlines are not allowed in format specifiers for single quoted {p}-strings"));
                    }
                    self.back(c);
                    self.expression_again();
                    return Ok(middle(self, self.at));
                }
                let line = self.line;
                (self.at, self.line, self.line_start) = (f.start + 1, f.line, f.line_start);
                let triple = if f.quotes == 3 { "triple-quoted " } else { "" };
                let refused = self.refuse(format!("unterminated {triple}{}-string literal (detected at line {line})", f.prefix()));
                if c.is_none() && f.quotes == 3 {
                    self.done = Done::InString;
                }
                return refused;
            }
            if c == Some(f.quote) {
                closing += 1;
                continue;
            }
            closing = 0;
            match c {
                Some(b'{') => {
                    let next = self.next();
                    if next != Some(b'{') || in_format {
                        self.back(next);
                        self.back(c);
                        self.open_field()?;
                        return Ok(middle(self, self.at));
                    }
                    return Ok(middle(self, self.at - 1));
                }
                Some(b'}') if named => return Ok(middle(self, self.at)),
                Some(b'}') => {
                    let next = self.next();
                    if next == Some(b'}') && !in_format && f.brackets == 0 {
                        return Ok(middle(self, self.at - 1));
                    }
                    self.back(next);
                    self.back(c);
                    self.expression_again();
                    return Ok(middle(self, self.at));
                }
                Some(b'\\') => {
                    let next = self.next();
                    if let Some(b'{' | b'}') = next {
                        self.back(next);
                    } else if !f.raw && next == Some(b'N') {
                        let brace = self.next();
                        if brace == Some(b'{') {
                            named = true;
                        } else {
                            self.back(brace);
                        }
                    }
                }
                _ => {}
            }
        }
        self.at -= f.quotes;
        Ok(middle(self, self.at))
    }
}

impl Fields {
    pub(super) fn prefix(&self) -> char {
        if self.template { 't' } else { 'f' }
    }
}
