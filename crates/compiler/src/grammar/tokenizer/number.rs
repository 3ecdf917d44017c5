//! Numbers.

use super::{Kind, Read, Token, Tokenizer, continues_name, is_digit};

impl Tokenizer<'_> {
    pub(super) fn number(&mut self, first: u8, start: usize) -> Read<Token> {
        if first != b'0' {
            let c = self.decimal_tail()?;
            return self.behind_digits(c, start);
        }
        let mut c = self.next();
        let (name, base) = match c {
            Some(b'x' | b'X') => ("hexadecimal", 16),
            Some(b'o' | b'O') => ("octal", 8),
            Some(b'b' | b'B') => ("binary", 2),
            _ => ("decimal", 10),
        };
        if base != 10 {
            let fits = |c: Option<u8>| c.is_some_and(|c| char::from(c).is_digit(base));
            c = self.next();
            loop {
                if c == Some(b'_') {
                    c = self.next();
                }
                if !fits(c) {
                    return self.wrong_digit(c, name);
                }
                while fits(c) {
                    c = self.next();
                }
                if c != Some(b'_') {
                    break;
                }
            }
            if base != 16 && is_digit(c) {
                return self.wrong_digit(c, name);
            }
            return self.ends_number(c, name, start);
        }
        loop {
            if c == Some(b'_') {
                c = self.next();
                if !is_digit(c) {
                    self.back(c);
                    return self.refuse("invalid decimal literal");
                }
            }
            if c != Some(b'0') {
                break;
            }
            c = self.next();
        }
        let zeros_end = self.at;
        let mut nonzero = false;
        if is_digit(c) {
            nonzero = true;
            c = self.decimal_tail()?;
        }
        match c {
            Some(b'.' | b'e' | b'E' | b'j' | b'J') => self.behind_digits(c, start),
            _ if nonzero => {
                self.back(c);
                let column = self.columns(self.line_start, start) as usize + 1;
                let end = self.columns(self.line_start, zeros_end) as usize;
                self.refuse_place("leading zeros in decimal integer literals are not permitted; use an 0o prefix for octal integers", column, end)
            }
            _ => self.ends_number(c, name, start),
        }
    }
    fn wrong_digit<T>(&mut self, c: Option<u8>, name: &str) -> Read<T> {
        if name != "hexadecimal"
            && let Some(digit @ b'0'..=b'9') = c
        {
            return self.refuse(format!("invalid digit '{}' in {name} literal", char::from(digit)));
        }
        self.back(c);
        self.refuse(format!("invalid {name} literal"))
    }
    /// Digits, perhaps with underscores; what comes behind them.
    fn decimal_tail(&mut self) -> Read<Option<u8>> {
        loop {
            let mut c = self.next();
            while is_digit(c) {
                c = self.next();
            }
            if c != Some(b'_') {
                return Ok(c);
            }
            c = self.next();
            if !is_digit(c) {
                self.back(c);
                return self.refuse("invalid decimal literal");
            }
        }
    }
    fn behind_digits(&mut self, c: Option<u8>, start: usize) -> Read<Token> {
        if c == Some(b'.') {
            let c = self.next();
            return self.fraction(c, start);
        }
        self.exponent(c, start)
    }
    pub(super) fn fraction(&mut self, mut c: Option<u8>, start: usize) -> Read<Token> {
        if is_digit(c) {
            c = self.decimal_tail()?;
        }
        self.exponent(c, start)
    }
    fn exponent(&mut self, mut c: Option<u8>, start: usize) -> Read<Token> {
        if let Some(b'e' | b'E') = c {
            let e = c;
            c = self.next();
            if let Some(b'+' | b'-') = c {
                c = self.next();
                if !is_digit(c) {
                    self.back(c);
                    return self.refuse("invalid decimal literal");
                }
            } else if !is_digit(c) {
                self.back(c);
                return self.ends_number(e, "decimal", start);
            }
            c = self.decimal_tail()?;
        }
        if let Some(b'j' | b'J') = c {
            c = self.next();
            return self.ends_number(c, "imaginary", start);
        }
        self.ends_number(c, "decimal", start)
    }
    /// The end of a number, `c` read behind it: only some keywords may follow at once.
    fn ends_number(&mut self, c: Option<u8>, name: &str, start: usize) -> Read<Token> {
        self.back(c);
        let rest = &self.bytes[self.at..];
        let alone = |k: &[u8]| rest.starts_with(k) && !continues_name(rest.get(k.len()).copied());
        let keyword = [&b"and"[..], b"else", b"for", b"or", b"not"].iter().any(|k| alone(k)) || [b"if", b"in", b"is"].iter().any(|k| rest.starts_with(*k));
        if !keyword && c.is_some_and(|c| c < 128) && continues_name(c) {
            return self.refuse(format!("invalid {name} literal"));
        }
        Ok(self.token(Kind::Number, start, self.at))
    }
}
