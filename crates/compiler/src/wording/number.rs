//! Numbers that CPython's tokenizer refuses, and where.

/// What is wrong with the number that text begins with, and how many characters were read when that was seen.
pub fn problem(text: &str) -> Option<(String, Option<usize>, usize)> {
    let s = text.as_bytes();
    let at = |i: usize| s.get(i).copied().unwrap_or(0);
    let plain = |message: &str, read: usize| Some((message.to_string(), None, read));
    if at(0) == b'0' {
        let radix = match at(1).to_ascii_lowercase() {
            b'x' => Some((16, "hexadecimal")),
            b'o' => Some((8, "octal")),
            b'b' => Some((2, "binary")),
            _ => None,
        };
        if let Some((radix, name)) = radix {
            let fits = |c: u8| char::from(c).is_digit(radix);
            let bad_digit = |i: usize| Some((format!("invalid digit '{}' in {name} literal", char::from(at(i))), None, i + 1));
            let mut i = 2;
            loop {
                if at(i) == b'_' {
                    i += 1;
                }
                if !fits(at(i)) {
                    return if at(i).is_ascii_digit() { bad_digit(i) } else { plain(&format!("invalid {name} literal"), i) };
                }
                while fits(at(i)) {
                    i += 1;
                }
                if at(i) != b'_' {
                    break;
                }
            }
            return if at(i).is_ascii_digit() { bad_digit(i) } else { end(text, i, name) };
        }
    }
    let mut i = 0;
    let leading = at(0) == b'0';
    let mut zeros_end = None;
    let digits = |i: &mut usize| -> bool {
        loop {
            while at(*i).is_ascii_digit() {
                *i += 1;
            }
            if at(*i) != b'_' {
                return true;
            }
            *i += 1;
            if !at(*i).is_ascii_digit() {
                return false;
            }
        }
    };
    if leading {
        loop {
            if at(i) == b'_' {
                i += 1;
                if !at(i).is_ascii_digit() {
                    return plain("invalid decimal literal", i);
                }
            }
            if at(i) != b'0' {
                break;
            }
            i += 1;
        }
        if at(i).is_ascii_digit() {
            zeros_end = Some(i + 1);
        }
    }
    if at(i) != b'.' && !digits(&mut i) {
        return plain("invalid decimal literal", i);
    }
    if at(i) == b'.' {
        i += 1;
        if at(i).is_ascii_digit() && !digits(&mut i) {
            return plain("invalid decimal literal", i);
        }
        zeros_end = None;
    }
    if at(i).eq_ignore_ascii_case(&b'e') {
        let e = i;
        i += 1;
        if matches!(at(i), b'+' | b'-') {
            i += 1;
            if !at(i).is_ascii_digit() {
                return plain("invalid decimal literal", i);
            }
        } else if !at(i).is_ascii_digit() {
            return end(text, e, "decimal");
        }
        if !digits(&mut i) {
            return plain("invalid decimal literal", i);
        }
        zeros_end = None;
    }
    if at(i).eq_ignore_ascii_case(&b'j') {
        return end(text, i + 1, "imaginary");
    }
    if let Some(zeros) = zeros_end {
        return Some(("leading zeros in decimal integer literals are not permitted; use an 0o prefix for octal integers".into(), Some(1), zeros));
    }
    end(text, i, "decimal")
}

/// A number may be followed by a keyword, but by no other letter.
fn end(text: &str, i: usize, name: &str) -> Option<(String, Option<usize>, usize)> {
    let rest = &text[i..];
    if ["and", "else", "for", "in", "is", "if", "not", "or"].iter().any(|k| rest.starts_with(k)) {
        return None;
    }
    let first = rest.chars().next()?;
    (first == '_' || first.is_alphanumeric()).then(|| (format!("invalid {name} literal"), None, i))
}
