//! Text that grows: one byte a character until a wider one comes.

use super::width::{Unit, each_width};
use super::{Chars, Str};
use crate::cx::{Cx, PyResult};
use crate::object::Obj;

/// A string in the making.
#[derive(Default)]
pub struct Text {
    narrow: Vec<u8>,
    /// All characters, once one did not fit into a byte.
    wide: Option<Vec<u32>>,
    /// A string that is all of it: what is made is that very object.
    given: Option<Obj>,
}

impl Text {
    pub fn with_capacity(n: usize) -> Text {
        Text { narrow: Vec::with_capacity(n), wide: None, given: None }
    }
    /// Number of characters.
    pub fn len(&self) -> usize {
        self.wide.as_ref().map_or(self.narrow.len(), Vec::len)
    }
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Takes a string with which the text ends. Where it begins with it, too, no other string is made.
    pub fn last(&mut self, s: &Obj) {
        if let Some(t) = s.cast::<Str>() {
            if self.is_empty() {
                self.given = Some(s.clone());
            } else {
                self.str(t);
            }
        }
    }
    fn widen(&mut self) -> &mut Vec<u32> {
        let narrow = &mut self.narrow;
        self.wide.get_or_insert_with(|| std::mem::take(narrow).into_iter().map(u32::from).collect())
    }
    #[inline]
    pub fn push(&mut self, c: u32) {
        match (&mut self.wide, u8::try_from(c)) {
            (None, Ok(c)) => self.narrow.push(c),
            _ => self.widen().push(c),
        }
    }
    /// `n` times the same character.
    pub fn fill(&mut self, c: u32, n: usize) {
        match (&mut self.wide, u8::try_from(c)) {
            (None, Ok(c)) => self.narrow.resize(self.narrow.len() + n, c),
            _ => self.widen().extend(std::iter::repeat_n(c, n)),
        }
    }
    /// Characters of one width.
    pub(crate) fn units<U: Unit>(&mut self, units: &[U]) {
        if self.wide.is_none() {
            if let Some(bytes) = U::bytes(units) {
                return self.narrow.extend_from_slice(bytes);
            }
            if let Some(first) = units.iter().position(|c| c.point() > 0xff) {
                self.narrow.extend(units[..first].iter().map(|c| c.point() as u8));
                return self.widen().extend(units[first..].iter().map(|c| c.point()));
            }
            return self.narrow.extend(units.iter().map(|c| c.point() as u8));
        }
        self.widen().extend(units.iter().map(|c| c.point()));
    }
    pub fn str(&mut self, s: &Str) {
        each_width!(s, p => self.units(p));
    }
    /// The first `n` characters of a string.
    pub fn str_part(&mut self, s: &Str, n: usize) {
        each_width!(s, p => self.units(&p[..n.min(p.len())]));
    }
    pub fn rust(&mut self, text: &str) {
        if text.is_ascii() {
            self.units(text.as_bytes());
        } else {
            text.chars().for_each(|c| self.push(u32::from(c)));
        }
    }
    /// The string.
    pub fn finish(self, cx: &Cx) -> PyResult {
        if let Some(given) = self.given {
            return Ok(given);
        }
        Ok(match self.wide {
            None => Str::from_latin1(cx, &self.narrow)?,
            Some(wide) => Str::from_points(cx, &wide)?,
        }
        .into_obj())
    }
    /// As Rust text; lone surrogates become U+FFFD.
    pub fn to_rust(self) -> String {
        match self.wide {
            None => self.narrow.into_iter().map(char::from).collect(),
            Some(wide) => wide.into_iter().map(|c| char::from_u32(c).unwrap_or('\u{fffd}')).collect(),
        }
    }
    /// The characters as bytes: for text that is known to be narrow.
    pub fn into_bytes(self) -> Vec<u8> {
        match self.wide {
            None => self.narrow,
            Some(wide) => wide.into_iter().map(|c| c as u8).collect(),
        }
    }
}

/// `repr` of text.
pub fn repr(cx: &Cx, s: &Str) -> PyResult {
    if let Chars::One(b) = s.chars()
        && s.is_ascii()
        && b.iter().all(|c| matches!(c, b' '..=b'~') && !matches!(c, b'\'' | b'\\'))
    {
        let mut out = Text::with_capacity(b.len() + 2);
        out.push(0x27);
        out.units(b);
        out.push(0x27);
        return out.finish(cx);
    }
    each_width!(s, p => repr_units(p, false)).finish(cx)
}

/// `repr` of characters; what is not shown is escaped, with `ascii_only` all that is not ASCII.
pub(crate) fn repr_units<U: Unit>(points: &[U], ascii_only: bool) -> Text {
    let has = |c: u32| U::find(points, &[U::from_point(c)]).is_some();
    let quote = if has(0x27) && !has(0x22) { 0x22 } else { 0x27 };
    let mut out = Text::with_capacity(points.len() + 2);
    out.push(quote);
    let mut shown = 0;
    for (i, c) in points.iter().enumerate() {
        let c = c.point();
        let plain = match c {
            0x20..=0x7e => c != quote && c != 0x5c,
            0..=0x9f => false,
            _ => !ascii_only && retic_unicode::is_printable(c),
        };
        if plain {
            continue;
        }
        out.units(&points[shown..i]);
        shown = i + 1;
        match c {
            0x5c => out.rust("\\\\"),
            0x0a => out.rust("\\n"),
            0x0d => out.rust("\\r"),
            0x09 => out.rust("\\t"),
            _ if c == quote => {
                out.push(0x5c);
                out.push(quote);
            }
            _ if c < 0x100 => out.rust(&format!("\\x{c:02x}")),
            _ if c < 0x10000 => out.rust(&format!("\\u{c:04x}")),
            _ => out.rust(&format!("\\U{c:08x}")),
        }
    }
    out.units(&points[shown..]);
    out.push(quote);
    out
}
