//! `co_linetable`: where each instruction comes from, in the bytes that CPython has used since 3.11 (Objects/locations.md).

use crate::Code;
use crate::code::Position;

/// The forms of an entry: short ones are 0 to 9, one for each eight columns.
const ONE_LINE: u8 = 10;
const NO_COLUMNS: u8 = 13;
const LONG: u8 = 14;
const NOWHERE: u8 = 15;
/// Instructions that an entry is for, at the most.
const RUN: usize = 8;

fn put(out: &mut Vec<u8>, mut n: u64) {
    while n >= 64 {
        out.push(0x40 | (n & 63) as u8);
        n >>= 6;
    }
    out.push(n as u8);
}
fn put_signed(out: &mut Vec<u8>, n: i64) {
    put(out, n.unsigned_abs() << 1 | u64::from(n < 0));
}

/// The table of a code object.
pub fn table(code: &Code) -> Vec<u8> {
    let lines = crate::lines::lines(code);
    let mut out = Vec::new();
    let mut line = i64::from(code.firstlineno);
    let mut from = 0;
    while from < lines.len() {
        let here = code.positions.get(from).copied();
        let same = |i: usize| code.positions.get(i).copied() == here && (here.is_some() || lines[i] == lines[from]);
        let count = (from..lines.len()).take(RUN).take_while(|i| same(*i)).count();
        let head = |form: u8| 0x80 | form << 3 | (count - 1) as u8;
        match here {
            None => {
                out.push(head(NO_COLUMNS));
                put_signed(&mut out, i64::from(lines[from]) - line);
                line = i64::from(lines[from]);
            }
            Some(p) if p.line == 0 => out.push(head(NOWHERE)),
            Some(p) => {
                let ahead = i64::from(p.line) - line;
                let width = p.end_column.checked_sub(p.column);
                match width {
                    Some(width) if p.end_line == p.line && ahead == 0 && p.column < 80 && width < 16 => {
                        out.extend([head((p.column / 8) as u8), (p.column % 8) as u8 * 16 + width as u8]);
                    }
                    Some(_) if p.end_line == p.line && (0..3).contains(&ahead) && p.end_column < 128 => {
                        out.extend([head(ONE_LINE + ahead as u8), p.column as u8, p.end_column as u8]);
                    }
                    _ => {
                        out.push(head(LONG));
                        put_signed(&mut out, ahead);
                        put(&mut out, u64::from(p.end_line.saturating_sub(p.line)));
                        put(&mut out, u64::from(p.column) + 1);
                        put(&mut out, u64::from(p.end_column) + 1);
                    }
                }
                line = i64::from(p.line);
            }
        }
        from += count;
    }
    out
}

struct Reader<'a>(&'a [u8]);
impl Reader<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }
    fn number(&mut self) -> Option<u64> {
        let mut n = 0;
        for shift in (0..60).step_by(6) {
            let b = self.byte()?;
            n |= u64::from(b & 63) << shift;
            if b & 0x40 == 0 {
                return Some(n);
            }
        }
        None
    }
    fn signed(&mut self) -> Option<i64> {
        let n = self.number()?;
        Some(if n & 1 == 1 { -((n >> 1) as i64) } else { (n >> 1) as i64 })
    }
}

/// What a table says of each of `words` instructions: its place, and whether columns are known. Damaged bytes end it; what is
/// behind them is nowhere.
pub fn places(table: &[u8], first: u32, words: usize) -> (Vec<Position>, bool) {
    let mut out: Vec<Position> = Vec::new();
    let (mut r, mut line, mut columns) = (Reader(table), i64::from(first), false);
    while out.len() < words
        && let Some((place, count, known)) = entry(&mut r, &mut line)
    {
        columns |= known;
        out.extend(std::iter::repeat_n(place, count.min(words - out.len())));
    }
    out.resize(words, Position::default());
    (out, columns)
}

fn entry(r: &mut Reader, line: &mut i64) -> Option<(Position, usize, bool)> {
    let head = r.byte()?;
    let (form, count) = (head >> 3 & 15, usize::from(head & 7) + 1);
    let number = |n: u64| u32::try_from(n).ok();
    let mut place = Position::default();
    let mut known = true;
    match form {
        NOWHERE => return Some((place, count, false)),
        LONG => {
            *line = line.checked_add(r.signed()?)?;
            place.line = u32::try_from(*line).ok()?;
            place.end_line = place.line.checked_add(number(r.number()?)?)?;
            place.column = number(r.number()?.saturating_sub(1))?;
            place.end_column = number(r.number()?.saturating_sub(1))?;
            return Some((place, count, true));
        }
        NO_COLUMNS => {
            *line = line.checked_add(r.signed()?)?;
            known = false;
        }
        ONE_LINE..NO_COLUMNS => {
            *line = line.checked_add(i64::from(form - ONE_LINE))?;
            (place.column, place.end_column) = (u32::from(r.byte()?), u32::from(r.byte()?));
        }
        _ => {
            let second = u32::from(r.byte()?);
            place.column = u32::from(form) * 8 + (second >> 4 & 7);
            place.end_column = place.column + (second & 15);
        }
    }
    place.line = u32::try_from(*line).ok()?;
    place.end_line = place.line;
    Some((place, count, known))
}

/// 3.9's line table for places: pairs of byte distance and signed line distance.
pub fn lnotab(places: &[Position], first: u32) -> Vec<u8> {
    let mut out = Vec::new();
    let (mut line, mut at) = (i64::from(first), 0usize);
    for (i, p) in places.iter().enumerate() {
        let mut ahead = i64::from(p.line) - line;
        if p.line == 0 || ahead == 0 {
            continue;
        }
        let mut bytes = i * 2 - at;
        while bytes > 255 {
            out.extend([255, 0]);
            bytes -= 255;
        }
        while !(-128..=127).contains(&ahead) {
            let part = ahead.clamp(-128, 127);
            out.extend([bytes as u8, part as i8 as u8]);
            bytes = 0;
            ahead -= part;
        }
        out.extend([bytes as u8, ahead as i8 as u8]);
        (line, at) = (i64::from(p.line), i * 2);
    }
    out
}
