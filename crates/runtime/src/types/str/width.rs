//! Work on characters of one width, so that text need not be widened to code points first.

use super::{Chars, Str};
use crate::cx::{Cx, PyResult};
use crate::object::Ref;
use std::borrow::Cow;

/// A character as it lies in a string: one, two or four bytes.
pub(crate) trait Unit: Copy + Eq + 'static {
    fn point(self) -> u32;
    /// The unit of a character that is not too wide for it.
    fn from_point(point: u32) -> Self;
    /// No less than the widest of the characters, below the same limit of a width.
    fn widest(units: &[Self]) -> u32;
    /// The characters as bytes, if that is what they are.
    fn bytes(_units: &[Self]) -> Option<&[u8]> {
        None
    }
    /// The characters of text that is not wider than this.
    fn of(text: &Str) -> Option<Cow<'_, [Self]>>;
    /// A string of these characters, in the narrowest form.
    fn text(cx: &Cx, units: &[Self]) -> PyResult<Ref<Str>>;
    /// First position of `needle`.
    fn find(hay: &[Self], needle: &[Self]) -> Option<usize> {
        search(hay, needle, false)
    }
    /// Last position of `needle`.
    fn rfind(hay: &[Self], needle: &[Self]) -> Option<usize> {
        search(hay, needle, true)
    }
    /// Number of occurrences that do not overlap. The needle is not empty.
    fn count(hay: &[Self], needle: &[Self]) -> usize {
        let (mut n, mut at) = (0, 0);
        while let Some(i) = Self::find(&hay[at..], needle) {
            n += 1;
            at += i + needle.len();
        }
        n
    }
}

impl Unit for u8 {
    #[inline(always)]
    fn point(self) -> u32 {
        u32::from(self)
    }
    #[inline(always)]
    fn from_point(point: u32) -> u8 {
        point as u8
    }
    #[inline]
    fn widest(units: &[u8]) -> u32 {
        if units.is_ascii() { 0x7f } else { 0xff }
    }
    #[inline(always)]
    fn bytes(units: &[u8]) -> Option<&[u8]> {
        Some(units)
    }
    fn of(text: &Str) -> Option<Cow<'_, [u8]>> {
        match text.chars() {
            Chars::One(c) => Some(Cow::Borrowed(c)),
            _ => None,
        }
    }
    #[inline]
    fn text(cx: &Cx, units: &[u8]) -> PyResult<Ref<Str>> {
        Str::from_latin1(cx, units)
    }
    #[inline]
    fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
        match needle {
            [one] => memchr::memchr(*one, hay),
            _ => memchr::memmem::find(hay, needle),
        }
    }
    fn rfind(hay: &[u8], needle: &[u8]) -> Option<usize> {
        match needle {
            [one] => memchr::memrchr(*one, hay),
            _ => memchr::memmem::rfind(hay, needle),
        }
    }
    fn count(hay: &[u8], needle: &[u8]) -> usize {
        match needle {
            [one] => memchr::memchr_iter(*one, hay).count(),
            _ => memchr::memmem::find_iter(hay, needle).count(),
        }
    }
}
impl Unit for u16 {
    #[inline(always)]
    fn point(self) -> u32 {
        u32::from(self)
    }
    #[inline(always)]
    fn from_point(point: u32) -> u16 {
        point as u16
    }
    #[inline]
    fn widest(units: &[u16]) -> u32 {
        u32::from(units.iter().fold(0, |all, c| all | c))
    }
    fn of(text: &Str) -> Option<Cow<'_, [u16]>> {
        match text.chars() {
            Chars::One(c) => Some(c.iter().map(|c| u16::from(*c)).collect()),
            Chars::Two(c) => Some(Cow::Borrowed(c)),
            Chars::Four(_) => None,
        }
    }
    fn text(cx: &Cx, units: &[u16]) -> PyResult<Ref<Str>> {
        Str::of_units(cx, &cx.types.str, units)
    }
}
impl Unit for u32 {
    #[inline(always)]
    fn point(self) -> u32 {
        self
    }
    #[inline(always)]
    fn from_point(point: u32) -> u32 {
        point
    }
    #[inline]
    fn widest(units: &[u32]) -> u32 {
        units.iter().fold(0, |all, c| all | c)
    }
    fn of(text: &Str) -> Option<Cow<'_, [u32]>> {
        Some(match text.chars() {
            Chars::Four(c) => Cow::Borrowed(c),
            c => Cow::Owned(c.to_vec()),
        })
    }
    fn text(cx: &Cx, units: &[u32]) -> PyResult<Ref<Str>> {
        Str::from_points(cx, units)
    }
}

/// Runs an expression with the characters of a string, whatever their width.
macro_rules! each_width {
    ($text:expr, $units:ident => $body:expr) => {
        match $text.chars() {
            $crate::types::str::Chars::One($units) => $body,
            $crate::types::str::Chars::Two($units) => $body,
            $crate::types::str::Chars::Four($units) => $body,
        }
    };
}
pub(crate) use each_width;

fn search<U: Unit>(hay: &[U], needle: &[U], reverse: bool) -> Option<usize> {
    if hay.len() < needle.len() {
        return None;
    }
    if needle.len() > 8 {
        return search_long(hay, needle, reverse);
    }
    let (Some(first), last) = (needle.first(), hay.len() - needle.len()) else { return Some(if reverse { hay.len() } else { 0 }) };
    let fits = |i: usize| hay[i..i + needle.len()] == *needle;
    let mut at = if reverse { last + 1 } else { 0 };
    if reverse {
        while let Some(i) = last_of(&hay[..at], *first) {
            if fits(i) {
                return Some(i);
            }
            at = i;
        }
    } else {
        while let Some(i) = first_of(&hay[at..=last], *first) {
            if fits(at + i) {
                return Some(at + i);
            }
            at += i + 1;
        }
    }
    None
}

/// Characters that are looked at together, which the compiler does in one go.
const ROW: usize = 32;

fn has<U: Unit>(row: &[U], c: U) -> bool {
    row.iter().fold(false, |found, x| found | (*x == c))
}
/// Position of the first character that is `c`.
fn first_of<U: Unit>(hay: &[U], c: U) -> Option<usize> {
    let rows = hay.chunks(ROW).position(|row| has(row, c))? * ROW;
    hay[rows..].iter().position(|x| *x == c).map(|i| rows + i)
}
fn last_of<U: Unit>(hay: &[U], c: U) -> Option<usize> {
    let rows = hay.len() - hay.rchunks(ROW).position(|row| has(row, c))? * ROW;
    hay[..rows].iter().rposition(|x| *x == c)
}

/// Linear in both lengths (Knuth, Morris, Pratt); backwards it reads both texts from the end.
fn search_long<U: Unit>(hay: &[U], needle: &[U], reverse: bool) -> Option<usize> {
    let (n, m) = (hay.len(), needle.len());
    let h = |i: usize| if reverse { hay[n - 1 - i] } else { hay[i] };
    let p = |i: usize| if reverse { needle[m - 1 - i] } else { needle[i] };
    // How much of the pattern still fits after a mismatch behind each prefix.
    let mut fall = vec![0usize; m];
    let mut k = 0;
    for i in 1..m {
        while k > 0 && p(i) != p(k) {
            k = fall[k - 1];
        }
        k += usize::from(p(i) == p(k));
        fall[i] = k;
    }
    k = 0;
    for i in 0..n {
        while k > 0 && h(i) != p(k) {
            k = fall[k - 1];
        }
        k += usize::from(h(i) == p(k));
        if k == m {
            return Some(if reverse { n - 1 - i } else { i + 1 - m });
        }
    }
    None
}

/// Position of `needle` in `hay[start..end]`.
pub(crate) fn position(hay: &Str, needle: &Str, start: usize, end: usize, reverse: bool) -> Option<usize> {
    if start > end || end > hay.len() {
        return None;
    }
    each_width!(hay, h => position_in(h, needle, start, end, reverse))
}

fn position_in<U: Unit>(hay: &[U], needle: &Str, start: usize, end: usize, reverse: bool) -> Option<usize> {
    let needle = U::of(needle)?;
    let part = &hay[start..end];
    if reverse { U::rfind(part, &needle) } else { U::find(part, &needle) }.map(|i| i + start)
}

/// Whether the characters from `at` on begin with `affix`.
pub(crate) fn has_at(hay: &Str, affix: &Str, at: usize) -> bool {
    match (hay.chars(), affix.chars()) {
        (Chars::One(h), Chars::One(a)) => h[at..].starts_with(a),
        (Chars::Two(h), Chars::Two(a)) => h[at..].starts_with(a),
        (Chars::Four(h), Chars::Four(a)) => h[at..].starts_with(a),
        (h, a) => hay.len() - at >= affix.len() && (0..affix.len()).all(|i| h.get(at + i) == a.get(i)),
    }
}

/// The part of the characters that stays when those that `drop` names are taken from the ends.
pub(crate) fn stripped<U: Unit>(p: &[U], left: bool, right: bool, drop: impl Fn(U) -> bool) -> std::ops::Range<usize> {
    let start = if left { p.iter().position(|c| !drop(*c)).unwrap_or(p.len()) } else { 0 };
    let end = if right { p[start..].iter().rposition(|c| !drop(*c)).map_or(start, |i| start + i + 1) } else { p.len() };
    start..end
}

/// Cuts at white space, at most `limit` times; `put` takes the pieces from left to right or, `from_right`, from right to left.
pub(crate) fn split_words<U: Unit>(p: &[U], limit: usize, from_right: bool, put: &mut dyn FnMut(&[U]) -> PyResult<()>) -> PyResult<()> {
    let space = |c: &U| retic_unicode::is_space(c.point());
    let mut cuts = 0;
    if from_right {
        let mut end = p.len();
        loop {
            end = p[..end].iter().rposition(|c| !space(c)).map_or(0, |i| i + 1);
            if end == 0 {
                return Ok(());
            }
            if cuts == limit {
                return put(&p[..end]);
            }
            let start = p[..end].iter().rposition(space).map_or(0, |i| i + 1);
            put(&p[start..end])?;
            cuts += 1;
            end = start;
        }
    }
    let mut start = 0;
    loop {
        start = match p[start..].iter().position(|c| !space(c)) {
            Some(i) => start + i,
            None => return Ok(()),
        };
        if cuts == limit {
            return put(&p[start..]);
        }
        let end = p[start..].iter().position(space).map_or(p.len(), |i| start + i);
        put(&p[start..end])?;
        cuts += 1;
        start = end;
    }
}

/// Cuts at a separator, which is not empty, at most `limit` times; the order is that of `split_words`.
pub(crate) fn split_at<U: Unit>(p: &[U], sep: &[U], limit: usize, from_right: bool, put: &mut dyn FnMut(&[U]) -> PyResult<()>) -> PyResult<()> {
    let mut cuts = 0;
    if from_right {
        let mut end = p.len();
        while cuts < limit
            && let Some(i) = U::rfind(&p[..end], sep)
        {
            put(&p[i + sep.len()..end])?;
            end = i;
            cuts += 1;
        }
        return put(&p[..end]);
    }
    let mut start = 0;
    while cuts < limit
        && let Some(i) = U::find(&p[start..], sep)
    {
        put(&p[start..start + i])?;
        start += i + sep.len();
        cuts += 1;
    }
    put(&p[start..])
}

/// Cuts at the ends of lines.
pub(crate) fn split_lines<U: Unit>(p: &[U], keep_ends: bool, put: &mut dyn FnMut(&[U]) -> PyResult<()>) -> PyResult<()> {
    let breaks = |c: &U| matches!(c.point(), 0x0a..=0x0d | 0x1c..=0x1e | 0x85 | 0x2028 | 0x2029);
    let mut start = 0;
    while start < p.len() {
        let end = p[start..].iter().position(breaks).map_or(p.len(), |i| start + i);
        let next = match p.get(end).map(|c| c.point()) {
            Some(0x0d) if p.get(end + 1).is_some_and(|c| c.point() == 0x0a) => end + 2,
            Some(_) => end + 1,
            None => end,
        };
        put(&p[start..if keep_ends { next } else { end }])?;
        start = next;
    }
    Ok(())
}
