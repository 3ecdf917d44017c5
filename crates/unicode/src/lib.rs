//! Unicode lookups as Python needs them.
//!
//! Never here: strings as objects. Tables of UCD 16 replace the standard library's lookups as they are generated.
#![forbid(unsafe_code)]

pub mod ucd;

/// Whether `str.isprintable` says yes for this code point.
pub fn is_printable(c: u32) -> bool {
    if c < 0x7f {
        return c >= 0x20;
    }
    let Some(ch) = char::from_u32(c) else { return false };
    if c < 0xa1 {
        return false;
    }
    if c == 0xad || ch.is_whitespace() || ch.is_control() {
        return false;
    }
    // Format characters, private use, unassigned blocks that matter in practice.
    !(matches!(c, 0x600..=0x605 | 0x61c | 0x6dd | 0x70f | 0x8e2 | 0x180e | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f
        | 0xe000..=0xf8ff | 0xfeff | 0xfff0..=0xfffb | 0xfffe..=0xffff | 0x110bd | 0x110cd | 0x1d173..=0x1d17a | 0xe0000..=0xe0fff
        | 0xf0000..=0x10ffff | 0x378..=0x379 | 0x20c1..=0x20cf)
        || (0x30000..0xe0000).contains(&c) && c > 0x323af)
}

/// `str.isspace` for one code point.
pub fn is_space(c: u32) -> bool {
    matches!(c, 0x1c..=0x1f) || char::from_u32(c).is_some_and(char::is_whitespace)
}

/// The value of a decimal digit (`str.isdecimal`).
pub fn decimal(c: u32) -> Option<u32> {
    if c < 0x80 {
        return char::from_u32(c)?.to_digit(10);
    }
    const ZEROS: &[u32] = &[
        0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50, 0xed0, 0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80,
        0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x104a0, 0x10d30, 0x10d40, 0x11066, 0x110f0, 0x11136, 0x111d0,
        0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x116d0, 0x116da, 0x11730, 0x118e0, 0x11950, 0x11bf0, 0x11c50, 0x11d50, 0x11da0, 0x11f50, 0x16130, 0x16a60, 0x16ac0, 0x16b50,
        0x16d70, 0x1ccf0, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e4f0, 0x1e5f1, 0x1e950, 0x1fbf0,
    ];
    let i = ZEROS.partition_point(|z| *z <= c).checked_sub(1)?;
    (c - ZEROS[i] < 10).then(|| c - ZEROS[i])
}

/// `str.isdigit` for one code point: decimals and digits in superscript and the like.
pub fn is_digit(c: u32) -> bool {
    decimal(c).is_some()
        || matches!(c, 0xb2 | 0xb3 | 0xb9 | 0x2070 | 0x2074..=0x2079 | 0x2080..=0x2089 | 0x2460..=0x2468 | 0x2474..=0x247c | 0x2488..=0x2490 | 0x24ea | 0x24f5..=0x24fd | 0x24ff | 0x2776..=0x277e | 0x2780..=0x2788 | 0x278a..=0x2792)
}

/// `str.isnumeric` for one code point.
pub fn is_numeric(c: u32) -> bool {
    is_digit(c)
        || char::from_u32(c).is_some_and(|ch| ch.is_numeric())
        || matches!(c, 0x4e00 | 0x4e8c | 0x4e09 | 0x56db | 0x4e94 | 0x516d | 0x4e03 | 0x516b | 0x4e5d | 0x5341 | 0x767e | 0x5343 | 0x4e07 | 0x5104 | 0x96f6)
}

/// `str.isalnum` for one code point.
pub fn is_alnum(c: u32) -> bool {
    is_alpha(c) || decimal(c).is_some() || is_digit(c) || is_numeric(c)
}

/// `str.isalpha` for one code point: letters only, no marks or numbers.
pub fn is_alpha(c: u32) -> bool {
    let Some(ch) = char::from_u32(c) else { return false };
    if c < 0x80 {
        return ch.is_ascii_alphabetic();
    }
    // The Alphabetic property has marks and letter numbers besides letters; those are numeric or combining.
    ch.is_alphabetic() && !ch.is_numeric() && !matches!(c, 0x345 | 0x5b0..=0x5c7 | 0x610..=0x61a | 0x64b..=0x657 | 0x24b6..=0x24e9)
}

/// Lower, upper and title case of one code point, appended.
pub fn lower(c: u32, out: &mut Vec<u32>) {
    match char::from_u32(c) {
        Some(ch) => out.extend(ch.to_lowercase().map(u32::from)),
        None => out.push(c),
    }
}
pub fn upper(c: u32, out: &mut Vec<u32>) {
    match char::from_u32(c) {
        Some(ch) => out.extend(ch.to_uppercase().map(u32::from)),
        None => out.push(c),
    }
}
pub fn title(c: u32, out: &mut Vec<u32>) {
    match c {
        0x1c4..=0x1c6 => out.push(0x1c5),
        0x1c7..=0x1c9 => out.push(0x1c8),
        0x1ca..=0x1cc => out.push(0x1cb),
        0x1f1..=0x1f3 => out.push(0x1f2),
        0xdf => out.extend([0x53, 0x73]),
        0xfb00..=0xfb06 => {
            let mut full = Vec::new();
            upper(c, &mut full);
            out.push(full[0]);
            for c in &full[1..] {
                lower(*c, out);
            }
        }
        0x10d0..=0x10ff => out.push(c),
        _ => upper(c, out),
    }
}
/// Full case folding of one code point.
pub fn fold(c: u32, out: &mut Vec<u32>) {
    match c {
        0xdf | 0x1e9e => out.extend([0x73, 0x73]),
        0x3c2 => out.push(0x3c3),
        0x17f => out.push(0x73),
        0xb5 => out.push(0x3bc),
        0xfb00..=0xfb06 | 0x149 | 0x1f0 | 0x390 | 0x3b0 | 0x587 | 0x1e96..=0x1e9a => {
            let mut full = Vec::new();
            upper(c, &mut full);
            for c in full {
                lower(c, out);
            }
        }
        _ => lower(c, out),
    }
}
pub fn is_upper(c: u32) -> bool {
    char::from_u32(c).is_some_and(char::is_uppercase)
}
pub fn is_lower(c: u32) -> bool {
    char::from_u32(c).is_some_and(char::is_lowercase)
}
/// Title case letters (Lt).
pub fn is_title(c: u32) -> bool {
    matches!(c, 0x1c5 | 0x1c8 | 0x1cb | 0x1f2 | 0x1f88..=0x1f8f | 0x1f98..=0x1f9f | 0x1fa8..=0x1faf | 0x1fbc | 0x1fcc | 0x1ffc)
}
/// Identifier start and continuation (PEP 3131).
pub fn is_id_start(c: u32) -> bool {
    c == 0x5f || is_alpha(c) || char::from_u32(c).is_some_and(|ch| c > 0x7f && ch.is_alphabetic())
}
pub fn is_id_continue(c: u32) -> bool {
    is_id_start(c) || decimal(c).is_some() || c == 0xb7 || matches!(c, 0x300..=0x36f | 0x483..=0x487 | 0x200c..=0x200d | 0x203f..=0x2040 | 0x20d0..=0x20dc)
}

/// The character of a Unicode name or alias (UCD 16), as in `"\N{DASH}"`.
pub fn lookup_name(name: &str) -> Option<char> {
    // The names made by rule are known in capitals only.
    let by_rule = ["HANGUL SYLLABLE ", "CJK UNIFIED IDEOGRAPH-"].iter().any(|p| name.get(..p.len()).is_some_and(|n| n.eq_ignore_ascii_case(p) && n != *p));
    if by_rule {
        return None;
    }
    unicode_names2::character(name).or_else(|| alias(name))
}

/// A character by one of its aliases (NameAliases.txt of UCD 16), in any case.
fn alias(name: &str) -> Option<char> {
    static ALIASES: &str = include_str!("../data/aliases.txt");
    let (point, _) = ALIASES.lines().filter_map(|l| l.split_once(' ')).find(|(_, n)| n.eq_ignore_ascii_case(name))?;
    u32::from_str_radix(point, 16).ok().and_then(char::from_u32)
}

/// The Unicode name (UCD 16) of a character.
pub fn name_of(c: char) -> Option<String> {
    unicode_names2::name(c).map(|n| n.to_string())
}
