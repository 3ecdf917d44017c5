//! The Unicode character database: properties, decomposition, composition. Version 16.0.0, and 3.2.0 for IDNA and stringprep.
//!
//! The tables are those of CPython 3.14's `unicodedata`, written by `cargo xtask ucd` and read at the first question.

use std::collections::HashMap;
use std::sync::OnceLock;

static TEXT: &str = include_str!("../data/ucd.txt");

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
    pub numeric: (i64, i64),
}

/// A normal form: with composition or not, by compatibility or canonically.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    pub compose: bool,
    pub compatibility: bool,
}

/// One version of the database.
pub struct Database {
    pub version: &'static str,
    starts: Vec<u32>,
    record: Vec<u16>,
    records: Vec<Record>,
    numbers: HashMap<u32, Number>,
    decompositions: HashMap<u32, &'static str>,
    /// Full decompositions that were corrected later.
    corrections: HashMap<u32, Vec<u32>>,
    pairs: HashMap<(u32, u32), u32>,
}

fn section(name: &str) -> impl Iterator<Item = &'static str> + use<> {
    let head = format!("\n[{name} ");
    let body = TEXT.find(&head).map_or("", |at| &TEXT[at + 1..]);
    let count = body.lines().next().and_then(|l| l[name.len() + 2..].trim_end_matches(']').parse().ok()).unwrap_or(0);
    body.lines().skip(1).take(count)
}
fn hex(t: &str) -> u32 {
    u32::from_str_radix(t, 16).unwrap_or(0)
}
fn points(t: &str) -> Vec<u32> {
    t.split(' ').map(hex).collect()
}

fn number(fields: &str) -> Option<Number> {
    let mut parts = fields.split(' ');
    let mut digit = || parts.next().and_then(|t| t.parse().ok());
    let (decimal, digit) = (digit(), digit());
    let (n, d) = parts.next()?.split_once('/')?;
    Some(Number { decimal, digit, numeric: (n.parse().ok()?, d.parse().ok()?) })
}

fn read(version: &'static str, prefix: &str) -> Database {
    let records = section("records")
        .filter_map(|l| {
            let [category, bidirectional, combining, mirrored, width] = l.split(' ').collect::<Vec<_>>()[..] else { return None };
            let bidirectional = if bidirectional == "-" { "" } else { bidirectional };
            Some(Record { category, bidirectional, combining: combining.parse().unwrap_or(0), mirrored: mirrored == "1", width })
        })
        .collect();
    let (mut starts, mut record) = (Vec::new(), Vec::new());
    for (start, index) in section(&format!("{prefix}runs")).filter_map(|l| l.split_once(' ')) {
        starts.push(hex(start));
        record.push(index.parse().unwrap_or(0));
    }
    let (mut numbers, mut decompositions) = (HashMap::new(), HashMap::new());
    let changes = |name: &str| section(name).chain(section(&format!("old {name}")).take(if prefix.is_empty() { 0 } else { usize::MAX }));
    for line in changes("numeric") {
        match line.split_once(' ') {
            Some((point, fields)) => drop(number(fields).map(|n| numbers.insert(hex(point), n))),
            None => drop(numbers.remove(&hex(line))),
        }
    }
    for line in changes("decomposition") {
        match line.split_once(' ') {
            Some((point, mapping)) => drop(decompositions.insert(hex(point), mapping)),
            None => drop(decompositions.remove(&hex(line))),
        }
    }
    let pairs = section("compose").map(points).filter(|p| p.len() == 3).map(|p| ((p[0], p[1]), p[2])).collect();
    let corrections = section("old corrections").take(if prefix.is_empty() { 0 } else { usize::MAX }).map(points).map(|p| (p[0], p[1..].to_vec())).collect();
    Database { version, starts, record, records, numbers, decompositions, corrections, pairs }
}

/// Version 16.0.0.
pub fn current() -> &'static Database {
    static DATABASE: OnceLock<Database> = OnceLock::new();
    DATABASE.get_or_init(|| read(TEXT.lines().next().map_or("", |l| l.trim_start_matches("version ")), ""))
}
/// Version 3.2.0.
pub fn old() -> &'static Database {
    static DATABASE: OnceLock<Database> = OnceLock::new();
    DATABASE.get_or_init(|| read("3.2.0", "old "))
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
    pub fn record(&self, c: u32) -> Record {
        let run = self.starts.partition_point(|s| *s <= c).saturating_sub(1);
        self.records[self.record[run] as usize]
    }
    pub fn number(&self, c: u32) -> Option<Number> {
        self.numbers.get(&c).copied()
    }
    /// The mapping as the database writes it: code points, perhaps with a tag before; empty where there is none.
    pub fn decomposition(&self, c: u32) -> &'static str {
        self.decompositions.get(&c).copied().unwrap_or("")
    }
    /// Whether the character is assigned.
    pub fn is_assigned(&self, c: u32) -> bool {
        self.record(c).category != "Cn"
    }

    /// The text in a normal form.
    pub fn normalize(&self, text: &[u32], form: Form) -> Vec<u32> {
        let plain = if form.compose && !form.compatibility { 0x300 } else { 0xa0 };
        if text.iter().all(|c| *c < plain) {
            return text.to_vec();
        }
        let mut out = Vec::with_capacity(text.len());
        for &c in text {
            self.decompose(c, form.compatibility, &mut out);
        }
        self.order(&mut out);
        if form.compose { self.compose(&out) } else { out }
    }

    fn decompose(&self, c: u32, compatibility: bool, out: &mut Vec<u32>) {
        let mut waiting = vec![c];
        while let Some(c) = waiting.pop() {
            if (S..S + LS * VS * TS).contains(&c) {
                let i = c - S;
                out.extend([L + i / (VS * TS), V + i % (VS * TS) / TS]);
                if i % TS != 0 {
                    out.push(T + i % TS);
                }
                continue;
            }
            if let Some(fixed) = self.corrections.get(&c) {
                out.extend(fixed);
                continue;
            }
            let mapping = self.decomposition(c);
            let tagged = mapping.starts_with('<');
            if mapping.is_empty() || tagged && !compatibility {
                out.push(c);
                continue;
            }
            let mapping = if tagged { mapping.split_once(' ').map_or("", |m| m.1) } else { mapping };
            waiting.extend(points(mapping).into_iter().rev());
        }
    }

    /// Sorts runs of combining characters by their class.
    fn order(&self, text: &mut [u32]) {
        let mut start = 0;
        while start < text.len() {
            if self.combining(text[start]) == 0 {
                start += 1;
                continue;
            }
            let end = start + text[start..].iter().position(|c| self.combining(*c) == 0).unwrap_or(text.len() - start);
            text[start..end].sort_by_key(|c| self.combining(*c));
            start = end;
        }
    }
    fn combining(&self, c: u32) -> u8 {
        if c < 0x300 { 0 } else { self.record(c).combining }
    }

    fn compose(&self, text: &[u32]) -> Vec<u32> {
        let mut out: Vec<u32> = Vec::with_capacity(text.len());
        // The last starter's place in `out`, and the class of what came after it.
        let mut starter: Option<usize> = None;
        let mut last = 0u8;
        for &c in text {
            let class = self.combining(c);
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
    fn pair(&self, a: u32, b: u32) -> Option<u32> {
        if (L..L + LS).contains(&a) && (V..V + VS).contains(&b) {
            return Some(S + ((a - L) * VS + (b - V)) * TS);
        }
        if (S..S + LS * VS * TS).contains(&a) && (a - S) % TS == 0 && (T + 1..T + TS).contains(&b) {
            return Some(a + b - T);
        }
        self.pairs.get(&(a, b)).copied()
    }
}
