//! Literals re-decoded from source: string escapes with lone surrogates, bytes, integers of any size.

use retic_bytecode::Const;
use retic_numbers::Big;
use std::rc::Rc;

/// Text as code points on the way to a constant.
#[derive(Default)]
pub struct Text(pub Vec<u32>);

impl Text {
    pub fn push_str(&mut self, s: &str) {
        self.0.extend(s.chars().map(u32::from));
    }
    /// A `Str` when valid Unicode, else a `WideStr`.
    pub fn into_const(self) -> Const {
        match self.0.iter().map(|c| char::from_u32(*c)).collect::<Option<String>>() {
            Some(s) => Const::Str(s.into()),
            None => Const::WideStr(self.0.into()),
        }
    }
}

/// A problem inside a literal.
pub struct LiteralError(pub String);

fn invalid_escape(c: char) -> String {
    format!("\"\\{c}\" is an invalid escape sequence. Such sequences will not work in the future. Did you mean \"\\\\{c}\"? A raw string is also an option.")
}

/// Decodes the escapes of a string body. `warn` hears of invalid escapes (offset, message).
pub fn decode_str(body: &str, raw: bool, out: &mut Text, warn: &mut dyn FnMut(usize, String)) -> Result<(), LiteralError> {
    let mut chars = body.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c == '\r' {
            if chars.peek().is_some_and(|(_, n)| *n == '\n') {
                chars.next();
            }
            out.0.push(u32::from('\n'));
            continue;
        }
        if c != '\\' || raw {
            out.0.push(u32::from(c));
            continue;
        }
        let Some((_, e)) = chars.next() else {
            // What ends so stands before a field of an f-string.
            warn(at, invalid_escape('{'));
            out.0.push(u32::from('\\'));
            break;
        };
        let simple = match e {
            '\n' => continue,
            '\r' => {
                if chars.peek().is_some_and(|(_, n)| *n == '\n') {
                    chars.next();
                }
                continue;
            }
            '\\' | '\'' | '"' => e,
            'a' => '\x07',
            'b' => '\x08',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\x0b',
            '0'..='7' => {
                let mut value = e.to_digit(8).unwrap_or(0);
                for _ in 0..2 {
                    let Some(d) = chars.peek().and_then(|(_, n)| n.to_digit(8)) else { break };
                    value = value * 8 + d;
                    chars.next();
                }
                if value > 0o377 {
                    warn(at, invalid_octal(value));
                }
                out.0.push(value);
                continue;
            }
            'x' | 'u' | 'U' => {
                let count = match e {
                    'x' => 2,
                    'u' => 4,
                    _ => 8,
                };
                let mut value = 0u32;
                let mut seen = 0;
                while seen < count {
                    let Some(d) = chars.peek().and_then(|(_, n)| n.to_digit(16)) else { break };
                    value = value.wrapping_shl(4) | d;
                    chars.next();
                    seen += 1;
                }
                let end = at + 1 + seen;
                if seen < count {
                    let form = match e {
                        'x' => "\\xXX",
                        'u' => "\\uXXXX",
                        _ => "\\UXXXXXXXX",
                    };
                    return Err(LiteralError(format!("(unicode error) 'unicodeescape' codec can't decode bytes in position {at}-{end}: truncated {form} escape")));
                }
                if value > 0x10ffff {
                    return Err(LiteralError(format!("(unicode error) 'unicodeescape' codec can't decode bytes in position {at}-{end}: illegal Unicode character")));
                }
                out.0.push(value);
                continue;
            }
            'N' => {
                let rest = &body[at + 2..];
                let name = rest.strip_prefix('{').and_then(|r| r.split_once('}')).map(|(n, _)| n);
                let Some(name) = name.filter(|n| !n.is_empty()) else {
                    return Err(LiteralError(format!("(unicode error) 'unicodeescape' codec can't decode bytes in position {at}-{}: malformed \\N character escape", at + 1)));
                };
                let Some(value) = retic_unicode::lookup_name(name) else {
                    return Err(LiteralError(format!(
                        "(unicode error) 'unicodeescape' codec can't decode bytes in position {at}-{}: unknown Unicode character name",
                        at + name.len() + 3
                    )));
                };
                out.0.push(u32::from(value));
                for _ in 0..name.chars().count() + 2 {
                    chars.next();
                }
                continue;
            }
            _ => {
                warn(at, invalid_escape(e));
                out.0.push(u32::from('\\'));
                e
            }
        };
        out.0.push(u32::from(simple));
    }
    Ok(())
}

/// Decodes a bytes body.
pub fn decode_bytes(body: &str, raw: bool, out: &mut Vec<u8>, warn: &mut dyn FnMut(usize, String)) -> Result<(), LiteralError> {
    let bytes = body.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        let c = bytes[i];
        i += 1;
        if !c.is_ascii() {
            return Err(LiteralError("bytes can only contain ASCII literal characters".into()));
        }
        if c == b'\r' {
            if bytes.get(i) == Some(&b'\n') {
                i += 1;
            }
            out.push(b'\n');
            continue;
        }
        if c != b'\\' || raw || i >= bytes.len() {
            out.push(c);
            continue;
        }
        let (e, from) = (bytes[i], i - 1);
        i += 1;
        let byte = match e {
            b'\n' => continue,
            b'\r' => {
                if bytes.get(i) == Some(&b'\n') {
                    i += 1;
                }
                continue;
            }
            b'\\' | b'\'' | b'"' => e,
            b'a' => 7,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 11,
            b'0'..=b'7' => {
                let mut value = u32::from(e - b'0');
                for _ in 0..2 {
                    match bytes.get(i) {
                        Some(d @ b'0'..=b'7') => value = value * 8 + u32::from(d - b'0'),
                        _ => break,
                    }
                    i += 1;
                }
                if value > 0o377 {
                    warn(from, invalid_octal(value));
                }
                value as u8
            }
            b'x' => {
                let hex = |b: Option<&u8>| b.and_then(|b| (*b as char).to_digit(16));
                match (hex(bytes.get(i)), hex(bytes.get(i + 1))) {
                    (Some(a), Some(b)) => {
                        i += 2;
                        (a * 16 + b) as u8
                    }
                    _ => return Err(LiteralError(format!("(value error) invalid \\x escape at position {}", i - 2))),
                }
            }
            _ => {
                let shown = e as char;
                warn(
                    i - 2,
                    format!(
                        "\"\\{shown}\" is an invalid escape sequence. Such sequences will not work in the future. Did you mean \"\\\\{shown}\"? A raw string is also an option."
                    ),
                );
                out.push(b'\\');
                e
            }
        };
        out.push(byte);
    }
    Ok(())
}

fn invalid_octal(value: u32) -> String {
    format!("\"\\{value:o}\" is an invalid octal escape sequence. Such sequences will not work in the future. Did you mean \"\\\\{value:o}\"? A raw string is also an option.")
}

/// The integer of a literal's source text (`0x_ff`, `1_000`).
pub fn integer(text: &str) -> Option<Const> {
    let clean: String = text.chars().filter(|c| *c != '_').collect();
    let lower = clean.to_ascii_lowercase();
    let (digits, radix) = match lower.get(..2) {
        Some("0x") => (&lower[2..], 16),
        Some("0o") => (&lower[2..], 8),
        Some("0b") => (&lower[2..], 2),
        _ => (lower.as_str(), 10),
    };
    if let Ok(v) = i64::from_str_radix(digits, radix) {
        return Some(Const::Int(v));
    }
    Some(big(&Big::parse(digits, radix)?))
}

/// A constant for a number of any size.
pub fn big(value: &Big) -> Const {
    match value.to_i64() {
        Some(v) => Const::Int(v),
        None => {
            let (negative, digits) = value.to_digits();
            Const::BigInt { negative, digits: Rc::from(digits) }
        }
    }
}
