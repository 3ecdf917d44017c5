//! Unicode lookups as Python needs them.
//!
//! Never here: strings as objects. The tables are those of UCD 16, whatever version the standard library has.
#![forbid(unsafe_code)]

pub mod ucd;

use ucd::{Database, flag};

fn category(c: u32) -> &'static [u8] {
    Database::Current.record(c).category.as_bytes()
}
fn has(c: u32, bit: u16) -> bool {
    ucd::flags(c) & bit != 0
}

/// Whether `str.isprintable` says yes for this code point.
pub fn is_printable(c: u32) -> bool {
    match c {
        0x20..=0x7e => true,
        0..=0xa0 | 0xad => false,
        0xa1..=0xff => true,
        _ => !matches!(category(c)[0], b'C' | b'Z'),
    }
}

/// `str.isspace` for one code point.
#[inline]
pub fn is_space(c: u32) -> bool {
    match c {
        0..=0x7f => matches!(c, 9..=13 | 0x1c..=0x20),
        _ => has(c, flag::SPACE),
    }
}

/// The value of a decimal digit (`str.isdecimal`).
pub fn decimal(c: u32) -> Option<u32> {
    match c {
        0x30..=0x39 => Some(c - 0x30),
        0..=0xff => None,
        _ => Database::Current.number(c)?.decimal.map(u32::from),
    }
}

/// `str.isdigit` for one code point: decimals and digits in superscript and the like.
pub fn is_digit(c: u32) -> bool {
    if c < 0x80 { (0x30..=0x39).contains(&c) } else { Database::Current.number(c).is_some_and(|n| n.digit.is_some()) }
}

/// `str.isnumeric` for one code point.
pub fn is_numeric(c: u32) -> bool {
    if c < 0x80 { (0x30..=0x39).contains(&c) } else { Database::Current.number(c).is_some_and(|n| n.numeric.is_some()) }
}

/// `str.isalnum` for one code point.
pub fn is_alnum(c: u32) -> bool {
    is_alpha(c) || is_numeric(c)
}

/// `str.isalpha` for one code point: letters only, no marks or numbers.
pub fn is_alpha(c: u32) -> bool {
    if c < 0x80 { matches!(c, 0x41..=0x5a | 0x61..=0x7a) } else { category(c)[0] == b'L' }
}

fn mapped(c: u32, out: &mut Vec<u32>, form: impl Fn(&'static ucd::Case) -> &'static [u32]) {
    match ucd::case(c) {
        Some(case) => out.extend(form(case)),
        None => out.push(c),
    }
}

/// Lower, upper and title case of one code point, appended.
pub fn lower(c: u32, out: &mut Vec<u32>) {
    match c {
        0x41..=0x5a => out.push(c + 32),
        0..=0x7f => out.push(c),
        _ => mapped(c, out, |m| m.lower),
    }
}
/// The lower case of a character in its text: a capital sigma at the end of a word has a form of its own.
pub fn lower_in(text: &[u32], i: usize, out: &mut Vec<u32>) {
    if text[i] != 0x3a3 {
        return lower(text[i], out);
    }
    let cased = |c: Option<&u32>| c.is_some_and(|c| is_cased(*c));
    let before = text[..i].iter().rev().find(|c| !is_case_ignorable(**c));
    let after = text[i + 1..].iter().find(|c| !is_case_ignorable(**c));
    out.push(if cased(before) && !cased(after) { 0x3c2 } else { 0x3c3 });
}
pub fn upper(c: u32, out: &mut Vec<u32>) {
    match c {
        0x61..=0x7a => out.push(c - 32),
        0..=0x7f => out.push(c),
        _ => mapped(c, out, |m| m.upper),
    }
}
pub fn title(c: u32, out: &mut Vec<u32>) {
    if c < 0x80 { upper(c, out) } else { mapped(c, out, |m| m.title) }
}
/// Full case folding of one code point.
pub fn fold(c: u32, out: &mut Vec<u32>) {
    if c < 0x80 { lower(c, out) } else { mapped(c, out, |m| m.fold) }
}
pub fn is_upper(c: u32) -> bool {
    if c < 0x80 { (0x41..=0x5a).contains(&c) } else { has(c, flag::UPPER) }
}
pub fn is_lower(c: u32) -> bool {
    if c < 0x80 { (0x61..=0x7a).contains(&c) } else { has(c, flag::LOWER) }
}
/// Title case letters (Lt).
pub fn is_title(c: u32) -> bool {
    c > 0x7f && category(c) == b"Lt"
}
/// Whether a final sigma may follow (Unicode's Cased), and what it looks past (Case_Ignorable).
pub fn is_cased(c: u32) -> bool {
    has(c, flag::CASED)
}
pub fn is_case_ignorable(c: u32) -> bool {
    has(c, flag::CASE_IGNORABLE)
}
/// Identifier start and continuation (PEP 3131).
pub fn is_id_start(c: u32) -> bool {
    has(c, flag::ID_START)
}
pub fn is_id_continue(c: u32) -> bool {
    has(c, flag::ID_CONTINUE)
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
