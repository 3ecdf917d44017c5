//! Escapes of string and bytes literals that cannot be.

fn hex_digits(text: &[u8], from: usize, most: usize) -> usize {
    text[from.min(text.len())..].iter().take(most).take_while(|c| c.is_ascii_hexdigit()).count()
}

/// Position of a `\x` that two digits do not follow.
pub fn bad_byte(body: &str) -> Option<usize> {
    let b = body.as_bytes();
    let mut i = 0;
    while i < b.len() {
        if b[i] == b'\\' {
            if b.get(i + 1) == Some(&b'x') && hex_digits(b, i + 2, 2) < 2 {
                return Some(i);
            }
            i += 1;
        }
        i += 1;
    }
    None
}

/// First and last position of an escape that means nothing, and why.
pub fn bad_escape(body: &str) -> Option<(usize, usize, String)> {
    let b = body.as_bytes();
    let mut i = 0;
    while i < b.len() {
        if b[i] != b'\\' {
            i += 1;
            continue;
        }
        let (digits, name) = match b.get(i + 1) {
            Some(b'x') => (2, "\\xXX"),
            Some(b'u') => (4, "\\uXXXX"),
            Some(b'U') => (8, "\\UXXXXXXXX"),
            Some(b'N') => {
                let close = body[i..].find('}').filter(|_| b.get(i + 2) == Some(&b'{'));
                match close {
                    None if b.get(i + 2) != Some(&b'{') => return Some((i, i + 1, "malformed \\N character escape".into())),
                    Some(3) => return Some((i, i + 2, "malformed \\N character escape".into())),
                    None => return Some((i, body.len() - 1, "malformed \\N character escape".into())),
                    Some(n) => {
                        if retic_unicode::lookup_name(&body[i + 3..i + n]).is_none() {
                            return Some((i, i + n, "unknown Unicode character name".into()));
                        }
                        i += n + 1;
                        continue;
                    }
                }
            }
            _ => {
                i += 2;
                continue;
            }
        };
        let found = hex_digits(b, i + 2, digits);
        if found < digits {
            return Some((i, i + 1 + found, format!("truncated {name} escape")));
        }
        if digits == 8 && u32::from_str_radix(&body[i + 2..i + 10], 16).is_ok_and(|c| c > 0x10ffff) {
            return Some((i, i + 9, "illegal Unicode character".into()));
        }
        i += 2 + digits;
    }
    None
}
