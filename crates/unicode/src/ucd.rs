//! The Unicode character database: properties, decomposition, composition. Version 16.0.0, and 3.2.0 for IDNA and stringprep.
//!
//! The tables are those of CPython 3.14's `unicodedata`, written by `cargo xtask ucd`.

include!(concat!(env!("OUT_DIR"), "/tables.rs"));

const PAGE: usize = 128;

/// What most questions ask of a character.
#[derive(Clone, Copy, Debug)]
pub struct Record {
    /// General category, two letters.
    pub category: &'static str,
    /// Bidirectional class; empty where none is assigned.
    pub bidirectional: &'static str,
    /// Canonical combining class.
    pub combining: u8,
    pub mirrored: bool,
    /// East Asian width.
    pub width: &'static str,
}

/// The values of a digit or number: as a decimal digit, as a digit, as a fraction.
#[derive(Clone, Copy, Debug)]
pub struct Number {
    pub decimal: Option<u8>,
    pub digit: Option<u8>,
    pub numeric: Option<(i64, i64)>,
}

/// A normal form: with composition or not, by compatibility or canonically.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    pub compose: bool,
    pub compatibility: bool,
}

/// Lower, upper and title case and the folding of a character that has any of them.
pub struct Case {
    pub lower: &'static [u32],
    pub upper: &'static [u32],
    pub title: &'static [u32],
    pub fold: &'static [u32],
}

/// Bits of `flags`.
pub mod flag {
    pub const LOWER: u16 = 1;
    pub const UPPER: u16 = 2;
    pub const ID_START: u16 = 4;
    pub const ID_CONTINUE: u16 = 8;
    pub const SPACE: u16 = 16;
    pub const CASED: u16 = 32;
    pub const CASE_IGNORABLE: u16 = 64;
}

fn paged(index: &[u16], blocks: &[u16], c: u32) -> u16 {
    let c = (c as usize).min(0x10_ffff);
    blocks[index[c / PAGE] as usize * PAGE + c % PAGE]
}
fn row<T>(table: &'static [(u32, T)], c: u32) -> Option<&'static T> {
    table.binary_search_by_key(&c, |r| r.0).ok().map(|i| &table[i].1)
}

/// What `str` asks of a character, as bits.
pub fn flags(c: u32) -> u16 {
    paged(&FLAGS_INDEX, &FLAGS_BLOCKS, c)
}
/// The case mappings of a character that has any.
pub fn case(c: u32) -> Option<&'static Case> {
    row(CASES, c)
}

/// One version of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Database {
    /// Version 16.0.0.
    Current,
    /// Version 3.2.0.
    Old,
}

// Hangul syllables are composed by arithmetic (Unicode, section 3.12).
const S: u32 = 0xac00;
const L: u32 = 0x1100;
const V: u32 = 0x1161;
const T: u32 = 0x11a7;
const LS: u32 = 19;
const VS: u32 = 21;
const TS: u32 = 28;

impl Database {
    pub fn version(self) -> &'static str {
        if self == Database::Old { "3.2.0" } else { VERSION }
    }
    pub fn record(self, c: u32) -> Record {
        RECORDS[usize::from(match self {
            Database::Current => paged(&CURRENT_INDEX, &CURRENT_BLOCKS, c),
            Database::Old => paged(&OLD_INDEX, &OLD_BLOCKS, c),
        })]
    }
    pub fn number(self, c: u32) -> Option<Number> {
        let changed = if self == Database::Old { row(OLD_NUMBERS, c) } else { None };
        changed.or_else(|| row(NUMBERS, c)).copied().flatten()
    }
    /// The mapping as the database writes it: code points, perhaps with a tag before; empty where there is none.
    pub fn decomposition(self, c: u32) -> &'static str {
        let changed = if self == Database::Old { row(OLD_DECOMPOSITIONS, c) } else { None };
        changed.or_else(|| row(DECOMPOSITIONS, c)).copied().unwrap_or("")
    }
    /// Whether the character is assigned.
    pub fn is_assigned(self, c: u32) -> bool {
        self.record(c).category != "Cn"
    }

    /// The text in a normal form.
    pub fn normalize(self, text: &[u32], form: Form) -> Vec<u32> {
        let plain = if form.compose && !form.compatibility { 0x300 } else { 0xa0 };
        if text.iter().all(|c| *c < plain) {
            return text.to_vec();
        }
        let mut out = Vec::with_capacity(text.len());
        for &c in text {
            if c < plain {
                out.push(c);
            } else {
                self.decompose(c, form.compatibility, &mut out);
            }
        }
        self.order(&mut out);
        if form.compose { self.compose(&out) } else { out }
    }

    fn decompose(self, c: u32, compatibility: bool, out: &mut Vec<u32>) {
        let whole = !(S..S + LS * VS * TS).contains(&c) && self == Database::Current && self.decomposition(c).is_empty();
        if whole {
            return out.push(c);
        }
        let mut waiting = vec![c];
        while let Some(c) = waiting.pop() {
            if (S..S + LS * VS * TS).contains(&c) {
                let i = c - S;
                out.extend([L + i / (VS * TS), V + i % (VS * TS) / TS]);
                if !i.is_multiple_of(TS) {
                    out.push(T + i % TS);
                }
                continue;
            }
            if let Some(fixed) = row(CORRECTIONS, c).filter(|_| self == Database::Old) {
                out.extend(*fixed);
                continue;
            }
            let mapping = self.decomposition(c);
            let tagged = mapping.starts_with('<');
            if mapping.is_empty() || tagged && !compatibility {
                out.push(c);
                continue;
            }
            let mapping = if tagged { mapping.split_once(' ').map_or("", |m| m.1) } else { mapping };
            waiting.extend(mapping.split(' ').rev().filter_map(|t| u32::from_str_radix(t, 16).ok()));
        }
    }

    /// Sorts runs of combining characters by their class.
    fn order(self, text: &mut [u32]) {
        let mut start = 0;
        while start < text.len() {
            if Self::combining(text[start]) == 0 {
                start += 1;
                continue;
            }
            let end = start + text[start..].iter().position(|c| Self::combining(*c) == 0).unwrap_or(text.len() - start);
            text[start..end].sort_by_key(|c| Self::combining(*c));
            start = end;
        }
    }
    fn combining(c: u32) -> u8 {
        // Version 3.2.0 orders by the classes of today, as CPython does.
        if c < 0x300 { 0 } else { Database::Current.record(c).combining }
    }

    fn compose(self, text: &[u32]) -> Vec<u32> {
        let mut out: Vec<u32> = Vec::with_capacity(text.len());
        // The last starter's place in `out`, and the class of what came after it.
        let mut starter: Option<usize> = None;
        let mut last = 0u8;
        for &c in text {
            let class = Self::combining(c);
            let blocked = starter.is_some_and(|s| out.len() > s + 1 && (last == 0 || last >= class));
            if let Some(s) = starter.filter(|_| !blocked)
                && let Some(joined) = self.pair(out[s], c)
            {
                out[s] = joined;
                continue;
            }
            if class == 0 {
                starter = Some(out.len());
            }
            last = class;
            out.push(c);
        }
        out
    }
    fn pair(self, a: u32, b: u32) -> Option<u32> {
        if (L..L + LS).contains(&a) && (V..V + VS).contains(&b) {
            return Some(S + ((a - L) * VS + (b - V)) * TS);
        }
        if (S..S + LS * VS * TS).contains(&a) && (a - S).is_multiple_of(TS) && (T + 1..T + TS).contains(&b) {
            return Some(a + b - T);
        }
        PAIRS.binary_search_by_key(&(a, b), |p| p.0).ok().map(|i| PAIRS[i].1)
    }
}
