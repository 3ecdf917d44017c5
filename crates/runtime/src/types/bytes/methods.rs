//! The methods that `bytes` and `bytearray` share, over plain byte slices.

use crate::cx::{Cx, PyResult};
use crate::object::{Obj, Ref, shape};
use crate::protocol::buffer::Held;
use crate::protocol::{self, buffer};
use crate::types::list::PARTS;
use crate::types::str::width::Unit;
use crate::types::{ByteArray, Bytes, Str, Tuple, int};
use std::ops::Range;

/// What has bytes of its own: `bytes` and `bytearray`.
pub trait Row {
    /// Refuses a length that such a row cannot have.
    fn check_length(cx: &Cx, n: usize) -> PyResult<()>;
    /// The bytes, for as long as nothing can change them.
    fn row<'a>(&'a self, cx: &'a Cx) -> &'a [u8];
    /// The separator among the parts of a row: the object asked with, or a copy of its bytes.
    fn separator(cx: &Cx, asked: &Obj, bytes: &[u8]) -> PyResult;
}

/// A byte searched for, or a bytes-like object.
pub fn needle(cx: &mut Cx, o: &Obj) -> PyResult<Held> {
    if o.ty().slots(cx).index.is_some() && !buffer::exports(cx, o) {
        let i = protocol::index(cx, o)?;
        return match int::to_i64(&i).and_then(|v| u8::try_from(v).ok()) {
            Some(b) => Ok(Held::One(b)),
            None => Err(cx.value_error("byte must be in range(0, 256)")),
        };
    }
    if !buffer::exports(cx, o) {
        return Err(cx.type_error(format!("argument should be integer or bytes-like object, not '{}'", o.ty().name_text())));
    }
    buffer::held(cx, o)
}

/// Start and end of a slice-like range of a row, which is as long as it is once both are known.
fn bounds(cx: &mut Cx, start: Option<&Obj>, end: Option<&Obj>, row: &impl Row) -> PyResult<(usize, usize)> {
    let mut one = |o: Option<&Obj>, default: i64| -> PyResult<i64> {
        let Some(o) = o.filter(|o| !o.is_none()) else { return Ok(default) };
        if o.ty().slots(cx).index.is_none() {
            return Err(cx.type_error("slice indices must be integers or None or have an __index__ method"));
        }
        crate::types::slice::clamped(cx, o)
    };
    let (s, e) = (one(start, 0)?, one(end, i64::MAX)?);
    let n = row.row(cx).len();
    let place = |v: i64| if v < 0 { v.saturating_add(n as i64).max(0) as usize } else { v as usize };
    Ok((place(s), place(e).min(n)))
}

pub fn search(cx: &mut Cx, this: &impl Row, sub: &Obj, start: Option<&Obj>, end: Option<&Obj>, reverse: bool) -> PyResult<Option<usize>> {
    let needle = needle(cx, sub)?;
    let (s, e) = bounds(cx, start, end, this)?;
    let Some(part) = this.row(cx).get(s..e) else { return Ok(None) };
    Ok(position(part, &needle, reverse).map(|i| i + s))
}
/// First or last position of some bytes.
pub fn position(row: &[u8], needle: &[u8], reverse: bool) -> Option<usize> {
    if reverse { Unit::rfind(row, needle) } else { Unit::find(row, needle) }
}
pub fn search_or_raise(cx: &mut Cx, this: &impl Row, sub: &Obj, start: Option<&Obj>, end: Option<&Obj>, reverse: bool) -> PyResult<usize> {
    search(cx, this, sub, start, end, reverse)?.ok_or_else(|| cx.value_error("subsection not found"))
}
pub fn count(cx: &mut Cx, this: &impl Row, sub: &Obj, start: Option<&Obj>, end: Option<&Obj>) -> PyResult<usize> {
    let needle = needle(cx, sub)?;
    let (s, e) = bounds(cx, start, end, this)?;
    let Some(part) = this.row(cx).get(s..e) else { return Ok(0) };
    Ok(if needle.is_empty() { e - s + 1 } else { Unit::count(part, &needle) })
}

pub fn tail_match(cx: &mut Cx, this: &impl Row, what: &Obj, start: Option<&Obj>, end: Option<&Obj>, name: &str) -> PyResult<bool> {
    let (s, e) = bounds(cx, start, end, this)?;
    let options = match what.cast::<Tuple>() {
        Some(t) => t.items(),
        None => std::slice::from_ref(what),
    };
    for o in options {
        if !buffer::exports(cx, o) {
            let text = if what.cast::<Tuple>().is_some() {
                format!("a bytes-like object is required, not '{}'", o.ty().name_text())
            } else {
                format!("{name} first arg must be bytes or a tuple of bytes, not {}", o.ty().name_text())
            };
            return Err(cx.type_error(text));
        }
        let p = buffer::held(cx, o)?;
        if let Some(part) = this.row(cx).get(s..e)
            && (if name == "startswith" { part.starts_with(&p) } else { part.ends_with(&p) })
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether there is a letter of this case and none of the other.
pub fn one_case(row: &[u8], is: impl Fn(&u8) -> bool, is_other: impl Fn(&u8) -> bool) -> bool {
    let mut any = false;
    row.iter().all(|c| {
        any |= is(c);
        !is_other(c)
    }) && any
}

pub fn is_space(b: u8) -> bool {
    matches!(b, b' ' | b'\t'..=b'\r')
}

/// What stays when bytes are taken from the ends: those of a set, else white space.
pub fn strip(cx: &mut Cx, this: &impl Row, set: Option<&Obj>, left: bool, right: bool) -> PyResult<Range<usize>> {
    let set = match set {
        Some(s) => Some(buffer::held(cx, s)?),
        None => None,
    };
    let drop = |c: &u8| match &set {
        Some(s) => s.contains(c),
        None => is_space(*c),
    };
    let b = this.row(cx);
    let start = if left { b.iter().take_while(|c| drop(c)).count() } else { 0 };
    let end = if right { b.len() - b[start..].iter().rev().take_while(|c| drop(c)).count() } else { b.len() };
    Ok(start..end)
}

/// Parts that a list of them has room for at first, as CPython's.
pub fn room_for_parts(maxsplit: i64) -> usize {
    usize::try_from(maxsplit).map_or(PARTS, |n| n.saturating_add(1).min(PARTS))
}

/// The ranges `split` and `rsplit` cut out, from left to right.
pub fn split(cx: &mut Cx, this: &impl Row, sep: Option<&Obj>, maxsplit: i64, from_right: bool) -> PyResult<Vec<Range<usize>>> {
    let limit = if maxsplit < 0 { usize::MAX } else { maxsplit as usize };
    let mut out = Vec::new();
    let sep = match sep {
        Some(s) => Some(buffer::held(cx, s)?),
        None => None,
    };
    let b = this.row(cx);
    match &sep {
        Some(sep) if sep.is_empty() => return Err(cx.value_error("empty separator")),
        Some(sep) if from_right => {
            let mut end = b.len();
            while out.len() < limit
                && let Some(i) = Unit::rfind(&b[..end], sep)
            {
                out.push(i + sep.len()..end);
                end = i;
            }
            out.push(0..end);
        }
        Some(sep) => {
            let mut start = 0;
            let mut cut = |i: usize| {
                out.push(start..i);
                start = i + sep.len();
            };
            match sep[..] {
                [one] => memchr::memchr_iter(one, b).take(limit).for_each(&mut cut),
                _ => memchr::memmem::find_iter(b, &sep[..]).take(limit).for_each(&mut cut),
            }
            out.push(start..b.len());
        }
        None => {
            // White space at either end of a word; what is not cut any more keeps the space at its far end.
            let word = |c: &u8| !is_space(*c);
            if from_right {
                let mut end = b.len();
                while let Some(last) = b[..end].iter().rposition(word) {
                    let start = if out.len() == limit { 0 } else { b[..last].iter().rposition(|c| is_space(*c)).map_or(0, |i| i + 1) };
                    out.push(start..last + 1);
                    end = start;
                }
            } else {
                let mut start = 0;
                while let Some(first) = b[start..].iter().position(word) {
                    let first = start + first;
                    let end = if out.len() == limit { b.len() } else { b[first..].iter().position(|c| is_space(*c)).map_or(b.len(), |i| first + i) };
                    out.push(first..end);
                    start = end;
                }
            }
        }
    }
    if from_right {
        out.reverse();
    }
    Ok(out)
}

pub fn lines(b: &[u8], keep: bool) -> Vec<(usize, usize)> {
    let (mut out, mut start, mut i) = (Vec::new(), 0, 0);
    while i < b.len() {
        let end = i;
        match b[i] {
            b'\r' if b.get(i + 1) == Some(&b'\n') => i += 2,
            b'\n' | b'\r' => i += 1,
            _ => {
                i += 1;
                continue;
            }
        }
        out.push((start, if keep { i } else { end }));
        start = i;
    }
    if start < b.len() {
        out.push((start, b.len()));
    }
    out
}

/// The bytes with some exchanged for others; nothing where these are not there.
pub fn replace(cx: &mut Cx, this: &impl Row, old: &Obj, new: &Obj, limit: i64) -> PyResult<Option<Vec<u8>>> {
    let (old, new) = (buffer::held(cx, old)?, buffer::held(cx, new)?);
    let limit = if limit < 0 { usize::MAX } else { limit as usize };
    let b = this.row(cx);
    let mut out = Vec::new();
    if old.is_empty() {
        let n = limit.min(b.len() + 1);
        let all = new.len().checked_mul(n).and_then(|n| n.checked_add(b.len())).ok_or_else(|| cx.memory_error())?;
        protocol::grow(cx, &mut out, all)?;
        match new[..] {
            [one] => out.extend(b[..n.min(b.len())].iter().flat_map(|c| [one, *c])),
            _ => b[..n.min(b.len())].iter().for_each(|c| {
                out.extend_from_slice(&new);
                out.push(*c);
            }),
        }
        if n > b.len() {
            out.extend_from_slice(&new);
        } else {
            out.extend_from_slice(&b[n..]);
        }
        return Ok(Some(out));
    }
    let first = if limit == 0 { None } else { Unit::find(b, &old[..]) };
    let Some(first) = first else { return Ok(None) };
    protocol::grow(cx, &mut out, b.len())?;
    if let ([old], [new]) = (&old[..], &new[..]) {
        if limit >= b.len() {
            out.extend(b.iter().map(|c| if c == old { *new } else { *c }));
        } else {
            out.extend_from_slice(b);
            memchr::memchr_iter(*old, &b[first..]).take(limit).for_each(|i| out[first + i] = *new);
        }
        return Ok(Some(out));
    }
    let mut start = 0;
    let mut put = |i: usize| {
        protocol::grow(cx, &mut out, i - start + new.len())?;
        out.extend_from_slice(&b[start..i]);
        out.extend_from_slice(&new);
        start = i + old.len();
        Ok(())
    };
    match old[..] {
        [one] => memchr::memchr_iter(one, b).take(limit).try_for_each(&mut put)?,
        _ => memchr::memmem::find_iter(b, &old[..]).take(limit).try_for_each(&mut put)?,
    }
    protocol::grow(cx, &mut out, b.len() - start)?;
    out.extend_from_slice(&b[start..]);
    Ok(Some(out))
}

/// What fills before and behind bytes that are to be `width` wide.
pub fn pad<R: Row>(cx: &mut Cx, this: &R, width: i64, fill: Option<&Obj>, name: &str, share: fn(usize, i64) -> usize) -> PyResult<(Vec<u8>, Vec<u8>)> {
    let fill = match fill {
        None => b' ',
        Some(f) if buffer::exports(cx, f) => match buffer::held(cx, f)?[..] {
            [one] => one,
            ref v => {
                return Err(cx.type_error(format!("{name}(): argument 2 must be a byte string of length 1, not a {} object of length {}", f.ty().name_text(), v.len())));
            }
        },
        Some(f) => return Err(cx.type_error(format!("{name}() argument 2 must be a byte string of length 1, not {}", f.ty().name_text()))),
    };
    let n = this.row(cx).len();
    let missing = (width.max(0) as usize).saturating_sub(n);
    R::check_length(cx, missing.saturating_add(n))?;
    let left = share(missing, width).min(missing);
    Ok((vec![fill; left], vec![fill; missing - left]))
}

pub fn expand_tabs(cx: &Cx, b: &[u8], size: i64) -> PyResult<Vec<u8>> {
    let (mut out, mut column) = (Vec::new(), 0i64);
    for &c in b {
        match c {
            b'\t' if size > 0 => {
                let n = size - column % size;
                protocol::grow(cx, &mut out, n as usize)?;
                out.resize(out.len() + n as usize, b' ');
                column += n;
            }
            b'\t' => {}
            _ => {
                out.push(c);
                column = if matches!(c, b'\n' | b'\r') { 0 } else { column + 1 };
            }
        }
    }
    Ok(out)
}

pub fn title(b: &[u8]) -> Vec<u8> {
    let mut inside = false;
    b.iter()
        .map(|c| {
            let r = if inside { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() };
            inside = c.is_ascii_alphabetic();
            r
        })
        .collect()
}
pub fn is_title(b: &[u8]) -> bool {
    let (mut inside, mut any) = (false, false);
    for c in b {
        if c.is_ascii_uppercase() && inside || c.is_ascii_lowercase() && !inside {
            return false;
        }
        inside = c.is_ascii_alphabetic();
        any |= inside;
    }
    any
}

/// The bytes of all items with a separator between them, where all are `bytes` or `bytearray`.
pub fn rows_of<'a>(cx: &'a Cx, sep: &'a [u8], items: &'a [Obj]) -> Option<Vec<&'a [u8]>> {
    let mut rows = Vec::new();
    for (i, o) in items.iter().enumerate() {
        let row = match (o.cast::<Bytes>(), o.cast::<ByteArray>()) {
            (Some(b), _) => b.bytes(),
            (_, Some(b)) => b.bytes(cx),
            _ => return None,
        };
        if i > 0 && !sep.is_empty() {
            rows.push(sep);
        }
        rows.push(row);
    }
    Some(rows)
}

/// Does something while a bytearray cannot change its size.
pub fn held_still<T>(cx: &mut Cx, o: &Obj, f: impl FnOnce(&mut Cx) -> T) -> T {
    let Some(held) = o.cast::<ByteArray>() else { return f(cx) };
    held.exports.set(held.exports.get() + 1);
    let r = f(cx);
    held.exports.set(held.exports.get().saturating_sub(1));
    r
}

/// The items of what is to be joined.
pub fn joined(cx: &mut Cx, o: &Obj) -> PyResult<Vec<Obj>> {
    if matches!(o.shape(), shape::LIST | shape::TUPLE) {
        return protocol::collect(cx, o);
    }
    let it = super::iterate(cx, o, || "can only join an iterable".into())?;
    protocol::collect(cx, &it)
}

pub fn join(cx: &mut Cx, sep: &[u8], items: &[Obj]) -> PyResult<Vec<u8>> {
    let mut out = Vec::new();
    for (i, o) in items.iter().enumerate() {
        if !buffer::in_a_row(cx, o) {
            return Err(cx.type_error(format!("sequence item {i}: expected a bytes-like object, {} found", o.ty().name_text())));
        }
        buffer::look(cx, o, |cx, b| {
            protocol::grow(cx, &mut out, sep.len() + b.len())?;
            if i > 0 {
                out.extend_from_slice(sep);
            }
            out.extend_from_slice(b);
            Ok(())
        })?;
        cx.poll_native()?;
    }
    Ok(out)
}

/// `hex`: groups of `every` bytes counted from the right (negative: from the left).
pub fn hex(cx: &mut Cx, b: &[u8], sep: Option<&Obj>, every: i64) -> PyResult<String> {
    let sep = match sep {
        None => None,
        Some(s) => {
            let points = match s.cast::<Str>() {
                Some(t) => t.code_points(),
                None if buffer::exports(cx, s) => buffer::bytes(cx, s)?.into_iter().map(u32::from).collect(),
                None => {
                    // CPython asks for its length first.
                    let n = protocol::len(cx, s)?;
                    return Err(if n == 1 { cx.type_error("sep must be str or bytes.") } else { cx.value_error("sep must be length 1.") });
                }
            };
            match points[..] {
                [c] if c < 128 => Some(c as u8 as char),
                [_] => return Err(cx.value_error("sep must be ASCII.")),
                _ => return Err(cx.value_error("sep must be length 1.")),
            }
        }
    };
    let digits = super::hex_digits(cx, b)?;
    let n = every.unsigned_abs() as usize;
    let Some(sep) = sep.filter(|_| n > 0) else { return Ok(String::from_utf8(digits).unwrap_or_default()) };
    protocol::check_size(cx, b.len(), 3, 1)?;
    let mut out = String::with_capacity(b.len() * 3);
    for (i, pair) in digits.chunks_exact(2).enumerate() {
        if i > 0 && (if every > 0 { (b.len() - i).is_multiple_of(n) } else { i.is_multiple_of(n) }) {
            out.push(sep);
        }
        out.extend(pair.iter().map(|d| char::from(*d)));
    }
    Ok(out)
}

/// `fromhex`.
pub fn from_hex(cx: &mut Cx, o: &Obj) -> PyResult<Vec<u8>> {
    let points = match o.cast::<Str>() {
        Some(s) => s.code_points(),
        None if buffer::exports(cx, o) => buffer::bytes(cx, o)?.into_iter().map(u32::from).collect(),
        None => return Err(cx.type_error(format!("fromhex() argument must be str or bytes-like, not {}", o.ty().name_text()))),
    };
    let mut out = Vec::new();
    let mut i = 0;
    let digit = |i: usize| points.get(i).and_then(|c| char::from_u32(*c)).and_then(|c| c.to_digit(16));
    while i < points.len() {
        if points[i] < 128 && is_space(points[i] as u8) {
            i += 1;
            continue;
        }
        match (digit(i), digit(i + 1)) {
            (Some(h), Some(l)) => out.push((h * 16 + l) as u8),
            (Some(_), None) if i + 1 >= points.len() => return Err(cx.value_error("fromhex() arg must contain an even number of hexadecimal digits")),
            (h, _) => return Err(cx.value_error(format!("non-hexadecimal number found in fromhex() arg at position {}", if h.is_some() { i + 1 } else { i }))),
        }
        i += 2;
    }
    Ok(out)
}

pub fn translate(cx: &mut Cx, this: &impl Row, table: &Obj, delete: Option<&Obj>) -> PyResult<Vec<u8>> {
    let mut to: [u8; 256] = std::array::from_fn(|i| i as u8);
    if !table.is_none() {
        let t = buffer::held(cx, table)?;
        to = <[u8; 256]>::try_from(&t[..]).map_err(|_| cx.value_error("translation table must be 256 characters long"))?;
    }
    let mut gone = [false; 256];
    let mut any = false;
    if let Some(d) = delete {
        buffer::held(cx, d)?.iter().for_each(|c| {
            gone[*c as usize] = true;
            any = true;
        });
    }
    let b = this.row(cx);
    let mut out = Vec::new();
    protocol::grow(cx, &mut out, b.len())?;
    if any {
        out.extend(b.iter().filter(|c| !gone[**c as usize]).map(|c| to[*c as usize]));
    } else {
        out.extend(b.iter().map(|c| to[*c as usize]));
    }
    Ok(out)
}

pub fn make_table(cx: &mut Cx, from: &Obj, to: &Obj) -> PyResult<Vec<u8>> {
    let (f, t) = (buffer::held(cx, from)?, buffer::held(cx, to)?);
    if f.len() != t.len() {
        return Err(cx.value_error("maketrans arguments must have same length"));
    }
    let mut out: Vec<u8> = (0..=255).collect();
    f.iter().zip(&t[..]).for_each(|(a, b)| out[*a as usize] = *b);
    Ok(out)
}

pub fn decode(cx: &mut Cx, b: &[u8], encoding: Option<&Ref<Str>>, errors: Option<&Ref<Str>>) -> PyResult {
    if b.is_ascii() && encoding.is_none_or(|e| crate::codecs::keeps_ascii(e)) {
        return Ok(Str::from_latin1(cx, b)?.into_obj());
    }
    let enc = encoding.map_or("utf-8".into(), |e| e.to_text(cx));
    let err = errors.map_or("strict".into(), |e| e.to_text(cx));
    crate::codecs::decode(cx, b, &enc, &err)
}

/// A separator and where it is; `None` when it is not there.
pub fn partition(cx: &mut Cx, this: &impl Row, sep: &Obj, last: bool) -> PyResult<(Held, Option<usize>)> {
    let sep = buffer::held(cx, sep)?;
    if sep.is_empty() {
        return Err(cx.value_error("empty separator"));
    }
    let at = position(this.row(cx), &sep, last);
    Ok((sep, at))
}

/// Part of a row that begins with a prefix, or ends with a suffix, without it.
pub fn without(row: &[u8], affix: &[u8], at_end: bool) -> Range<usize> {
    let n = row.len();
    match at_end {
        false if row.starts_with(affix) => affix.len()..n,
        true if row.ends_with(affix) => 0..n - affix.len(),
        _ => 0..n,
    }
}

/// Declares the methods on a struct `$face`; `$make` makes a result; `$part` one of a range of the receiver's bytes, which is the
/// receiver itself where these are all and it need not be copied.
macro_rules! byte_methods {
    ($face:ident, $ty:ty, $make:expr, $part:expr, $class_make:expr) => {
        pub struct $face;
        #[retic_macros::methods]
        impl $face {
            /// Return a copy with only its first character capitalized (ASCII) and the rest lower-cased.
            #[py("capitalize($self, /)")]
            fn capitalize(cx: &mut Cx, this: &Ref<$ty>) -> PyResult {
                let mut b = this.row(cx).to_ascii_lowercase();
                if let Some(c) = b.first_mut() {
                    c.make_ascii_uppercase();
                }
                $make(cx, &[&b])
            }
            /// Return a centered string of length width.
            #[py("center($self, width, fillchar=b' ', /)")]
            fn center(cx: &mut Cx, this: &Ref<$ty>, width: i64, fillchar: Option<&Obj>) -> PyResult {
                let (before, behind) = methods::pad(cx, &**this, width, fillchar, "center", |n, w| n / 2 + (n & w as usize & 1))?;
                if before.is_empty() && behind.is_empty() {
                    return $part(cx, this, 0..this.row(cx).len());
                }
                $make(cx, &[&before[..], this.row(cx), &behind[..]])
            }
            /// Return the number of non-overlapping occurrences of subsection 'sub' in bytes B[start:end].
            #[py("count($self, sub, start=None, end=None, /)", "($self, sub[, start[, end]], /)")]
            fn count(cx: &mut Cx, this: &Ref<$ty>, sub: &Obj, start: Option<&Obj>, end: Option<&Obj>) -> PyResult<usize> {
                methods::count(cx, &**this, sub, start, end)
            }
            /// Decode the bytes using the codec registered for encoding.
            #[py("decode($self, /, encoding='utf-8', errors='strict')")]
            fn decode(cx: &mut Cx, this: &Ref<$ty>, encoding: Option<&Ref<Str>>, errors: Option<&Ref<Str>>) -> PyResult {
                if this.row(cx).is_ascii() && encoding.is_none_or(|e| $crate::codecs::keeps_ascii(e)) {
                    return Ok(Str::from_latin1(cx, this.row(cx))?.into_obj());
                }
                let b = protocol::buffer::held(cx, this.as_obj())?;
                methods::decode(cx, &b, encoding, errors)
            }
            /// Return True if the bytes ends with the specified suffix, False otherwise.
            #[py("endswith($self, suffix, start=None, end=None, /)", "($self, suffix[, start[, end]], /)")]
            fn endswith(cx: &mut Cx, this: &Ref<$ty>, suffix: &Obj, start: Option<&Obj>, end: Option<&Obj>) -> PyResult<bool> {
                methods::tail_match(cx, &**this, suffix, start, end, "endswith")
            }
            /// Return a copy where all tab characters are expanded using spaces.
            #[py("expandtabs($self, /, tabsize=8)")]
            fn expandtabs(cx: &mut Cx, this: &Ref<$ty>, tabsize: i32) -> PyResult {
                let b = methods::expand_tabs(cx, this.row(cx), i64::from(tabsize))?;
                $make(cx, &[&b])
            }
            /// Return the lowest index in B where subsection 'sub' is found, such that 'sub' is contained within B[start,end].
            #[py("find($self, sub, start=None, end=None, /)", "($self, sub[, start[, end]], /)")]
            fn find(cx: &mut Cx, this: &Ref<$ty>, sub: &Obj, start: Option<&Obj>, end: Option<&Obj>) -> PyResult<i64> {
                Ok(methods::search(cx, &**this, sub, start, end, false)?.map_or(-1, |i| i as i64))
            }
            /// Create a bytes object from a string of hexadecimal numbers.
            #[py("fromhex($type, string, /)")]
            fn fromhex(cx: &mut Cx, class: &Obj, string: &Obj) -> PyResult {
                let b = methods::from_hex(cx, string)?;
                $class_make(cx, class, &b)
            }
            /// Create a string of hexadecimal numbers from a bytes object.
            #[py("hex($self, sep=<unrepresentable>, bytes_per_sep=1)", "($self, /, sep=<unrepresentable>, bytes_per_sep=1)")]
            fn hex(cx: &mut Cx, this: &Ref<$ty>, sep: Option<&Obj>, bytes_per_sep: i64) -> PyResult<String> {
                let b = protocol::buffer::held(cx, this.as_obj())?;
                methods::hex(cx, &b, sep, bytes_per_sep)
            }
            /// Return the lowest index in B where subsection 'sub' is found; raises ValueError when it is not found.
            #[py("index($self, sub, start=None, end=None, /)", "($self, sub[, start[, end]], /)")]
            fn index(cx: &mut Cx, this: &Ref<$ty>, sub: &Obj, start: Option<&Obj>, end: Option<&Obj>) -> PyResult<usize> {
                methods::search_or_raise(cx, &**this, sub, start, end, false)
            }
            /// B.isalnum() -> bool
            #[py("isalnum($self, /)")]
            fn isalnum(cx: &mut Cx, this: &Ref<$ty>) -> bool {
                let b = this.row(cx);
                !b.is_empty() && b.iter().all(u8::is_ascii_alphanumeric)
            }
            /// B.isalpha() -> bool
            #[py("isalpha($self, /)")]
            fn isalpha(cx: &mut Cx, this: &Ref<$ty>) -> bool {
                let b = this.row(cx);
                !b.is_empty() && b.iter().all(u8::is_ascii_alphabetic)
            }
            /// B.isascii() -> bool
            #[py("isascii($self, /)")]
            fn isascii(cx: &mut Cx, this: &Ref<$ty>) -> bool {
                this.row(cx).is_ascii()
            }
            /// B.isdigit() -> bool
            #[py("isdigit($self, /)")]
            fn isdigit(cx: &mut Cx, this: &Ref<$ty>) -> bool {
                let b = this.row(cx);
                !b.is_empty() && b.iter().all(u8::is_ascii_digit)
            }
            /// B.islower() -> bool
            #[py("islower($self, /)")]
            fn islower(cx: &mut Cx, this: &Ref<$ty>) -> bool {
                methods::one_case(this.row(cx), u8::is_ascii_lowercase, u8::is_ascii_uppercase)
            }
            /// B.isspace() -> bool
            #[py("isspace($self, /)")]
            fn isspace(cx: &mut Cx, this: &Ref<$ty>) -> bool {
                let b = this.row(cx);
                !b.is_empty() && b.iter().all(|c| methods::is_space(*c))
            }
            /// B.istitle() -> bool
            #[py("istitle($self, /)")]
            fn istitle(cx: &mut Cx, this: &Ref<$ty>) -> bool {
                methods::is_title(this.row(cx))
            }
            /// B.isupper() -> bool
            #[py("isupper($self, /)")]
            fn isupper(cx: &mut Cx, this: &Ref<$ty>) -> bool {
                methods::one_case(this.row(cx), u8::is_ascii_uppercase, u8::is_ascii_lowercase)
            }
            /// Concatenate any number of bytes objects.
            #[py("join($self, iterable_of_bytes, /)")]
            fn join(cx: &mut Cx, this: &Ref<$ty>, iterable_of_bytes: &Obj) -> PyResult {
                let b = protocol::buffer::held(cx, this.as_obj())?;
                let items = methods::held_still(cx, this.as_obj(), |cx| methods::joined(cx, iterable_of_bytes))?;
                if let [one] = &items[..]
                    && let Some(one) = one.cast::<$ty>()
                {
                    return $part(cx, one, 0..one.row(cx).len());
                }
                if let Some(rows) = methods::rows_of(cx, &b, &items) {
                    return $make(cx, &rows);
                }
                let b = methods::join(cx, &b, &items)?;
                $make(cx, &[&b])
            }
            /// Return a left-justified string of length width.
            #[py("ljust($self, width, fillchar=b' ', /)")]
            fn ljust(cx: &mut Cx, this: &Ref<$ty>, width: i64, fillchar: Option<&Obj>) -> PyResult {
                let (before, behind) = methods::pad(cx, &**this, width, fillchar, "ljust", |_, _| 0)?;
                if before.is_empty() && behind.is_empty() {
                    return $part(cx, this, 0..this.row(cx).len());
                }
                $make(cx, &[&before[..], this.row(cx), &behind[..]])
            }
            /// B.lower() -> copy of B
            #[py("lower($self, /)")]
            fn lower(cx: &mut Cx, this: &Ref<$ty>) -> PyResult {
                let b = this.row(cx).to_ascii_lowercase();
                $make(cx, &[&b])
            }
            /// Strip leading bytes contained in the argument.
            #[py("lstrip($self, bytes=None, /)")]
            fn lstrip(cx: &mut Cx, this: &Ref<$ty>, bytes: Option<&Obj>) -> PyResult {
                let kept = methods::strip(cx, &**this, bytes, true, false)?;
                $part(cx, this, kept)
            }
            /// Return a translation table usable for the bytes or bytearray translate method.
            #[py("maketrans(frm, to, /)")]
            fn maketrans(cx: &mut Cx, frm: &Obj, to: &Obj) -> PyResult {
                let b = methods::make_table(cx, frm, to)?;
                crate::types::Bytes::from_slice(cx, &b)
            }
            /// Partition the bytes into three parts using the given separator.
            #[py("partition($self, sep, /)")]
            fn partition(cx: &mut Cx, this: &Ref<$ty>, sep: &Obj) -> PyResult {
                let (s, at) = methods::partition(cx, &**this, sep, false)?;
                let n = this.row(cx).len();
                let parts = match at {
                    Some(i) => vec![$part(cx, this, 0..i)?, <$ty>::separator(cx, sep, &s)?, $part(cx, this, i + s.len()..n)?],
                    None => {
                        let whole = $part(cx, this, 0..n)?;
                        vec![whole, $make(cx, &[])?, $make(cx, &[])?]
                    }
                };
                cx.tuple(parts)
            }
            /// Return a bytes object with the given prefix string removed if present.
            #[py("removeprefix($self, prefix, /)")]
            fn removeprefix(cx: &mut Cx, this: &Ref<$ty>, prefix: &Obj) -> PyResult {
                let p = protocol::buffer::held(cx, prefix)?;
                $part(cx, this, methods::without(this.row(cx), &p, false))
            }
            /// Return a bytes object with the given suffix string removed if present.
            #[py("removesuffix($self, suffix, /)")]
            fn removesuffix(cx: &mut Cx, this: &Ref<$ty>, suffix: &Obj) -> PyResult {
                let p = protocol::buffer::held(cx, suffix)?;
                $part(cx, this, methods::without(this.row(cx), &p, true))
            }
            /// Return a copy with all occurrences of substring old replaced by new.
            #[py("replace($self, old, new, count=-1, /)")]
            fn replace(cx: &mut Cx, this: &Ref<$ty>, old: &Obj, new: &Obj, count: i64) -> PyResult {
                match methods::replace(cx, &**this, old, new, count)? {
                    Some(b) => $make(cx, &[&b]),
                    None => $part(cx, this, 0..this.row(cx).len()),
                }
            }
            /// Return the highest index in B where subsection 'sub' is found.
            #[py("rfind($self, sub, start=None, end=None, /)", "($self, sub[, start[, end]], /)")]
            fn rfind(cx: &mut Cx, this: &Ref<$ty>, sub: &Obj, start: Option<&Obj>, end: Option<&Obj>) -> PyResult<i64> {
                Ok(methods::search(cx, &**this, sub, start, end, true)?.map_or(-1, |i| i as i64))
            }
            /// Return the highest index in B where subsection 'sub' is found; raises ValueError when it is not found.
            #[py("rindex($self, sub, start=None, end=None, /)", "($self, sub[, start[, end]], /)")]
            fn rindex(cx: &mut Cx, this: &Ref<$ty>, sub: &Obj, start: Option<&Obj>, end: Option<&Obj>) -> PyResult<usize> {
                methods::search_or_raise(cx, &**this, sub, start, end, true)
            }
            /// Return a right-justified string of length width.
            #[py("rjust($self, width, fillchar=b' ', /)")]
            fn rjust(cx: &mut Cx, this: &Ref<$ty>, width: i64, fillchar: Option<&Obj>) -> PyResult {
                let (before, behind) = methods::pad(cx, &**this, width, fillchar, "rjust", |n, _| n)?;
                if before.is_empty() && behind.is_empty() {
                    return $part(cx, this, 0..this.row(cx).len());
                }
                $make(cx, &[&before[..], this.row(cx), &behind[..]])
            }
            /// Partition the bytes into three parts using the given separator, searched from the end.
            #[py("rpartition($self, sep, /)")]
            fn rpartition(cx: &mut Cx, this: &Ref<$ty>, sep: &Obj) -> PyResult {
                let (s, at) = methods::partition(cx, &**this, sep, true)?;
                let n = this.row(cx).len();
                let parts = match at {
                    Some(i) => vec![$part(cx, this, 0..i)?, <$ty>::separator(cx, sep, &s)?, $part(cx, this, i + s.len()..n)?],
                    None => {
                        let whole = $part(cx, this, 0..n)?;
                        vec![$make(cx, &[])?, $make(cx, &[])?, whole]
                    }
                };
                cx.tuple(parts)
            }
            /// Return a list of the sections in the bytes, using sep as the delimiter, from the end.
            #[py("rsplit($self, /, sep=None, maxsplit=-1)")]
            fn rsplit(cx: &mut Cx, this: &Ref<$ty>, sep: Option<&Obj>, maxsplit: i64) -> PyResult {
                let parts = methods::split(cx, &**this, sep, maxsplit, true)?;
                let list = $crate::types::List::with_room(cx, methods::room_for_parts(maxsplit))?;
                for part in parts {
                    let part = $part(cx, this, part)?;
                    list.push(cx, part)?;
                }
                Ok(list.into_obj())
            }
            /// Strip trailing bytes contained in the argument.
            #[py("rstrip($self, bytes=None, /)")]
            fn rstrip(cx: &mut Cx, this: &Ref<$ty>, bytes: Option<&Obj>) -> PyResult {
                let kept = methods::strip(cx, &**this, bytes, false, true)?;
                $part(cx, this, kept)
            }
            /// Return a list of the sections in the bytes, using sep as the delimiter.
            #[py("split($self, /, sep=None, maxsplit=-1)")]
            fn split(cx: &mut Cx, this: &Ref<$ty>, sep: Option<&Obj>, maxsplit: i64) -> PyResult {
                let parts = methods::split(cx, &**this, sep, maxsplit, false)?;
                let list = $crate::types::List::with_room(cx, methods::room_for_parts(maxsplit))?;
                for part in parts {
                    let part = $part(cx, this, part)?;
                    list.push(cx, part)?;
                }
                Ok(list.into_obj())
            }
            /// Return a list of the lines in the bytes, breaking at line boundaries.
            #[py("splitlines($self, /, keepends=False)")]
            fn splitlines(cx: &mut Cx, this: &Ref<$ty>, keepends: bool) -> PyResult {
                let list = $crate::types::List::new(cx)?;
                for (s, e) in methods::lines(this.row(cx), keepends) {
                    let line = $part(cx, this, s..e)?;
                    list.push(cx, line)?;
                }
                Ok(list.into_obj())
            }
            /// Return True if the bytes starts with the specified prefix, False otherwise.
            #[py("startswith($self, prefix, start=None, end=None, /)", "($self, prefix[, start[, end]], /)")]
            fn startswith(cx: &mut Cx, this: &Ref<$ty>, prefix: &Obj, start: Option<&Obj>, end: Option<&Obj>) -> PyResult<bool> {
                methods::tail_match(cx, &**this, prefix, start, end, "startswith")
            }
            /// Strip leading and trailing bytes contained in the argument.
            #[py("strip($self, bytes=None, /)")]
            fn strip(cx: &mut Cx, this: &Ref<$ty>, bytes: Option<&Obj>) -> PyResult {
                let kept = methods::strip(cx, &**this, bytes, true, true)?;
                $part(cx, this, kept)
            }
            /// B.swapcase() -> copy of B
            #[py("swapcase($self, /)")]
            fn swapcase(cx: &mut Cx, this: &Ref<$ty>) -> PyResult {
                let b: Vec<u8> = this.row(cx).iter().map(|c| if c.is_ascii_uppercase() { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() }).collect();
                $make(cx, &[&b])
            }
            /// B.title() -> copy of B
            #[py("title($self, /)")]
            fn title(cx: &mut Cx, this: &Ref<$ty>) -> PyResult {
                let b = methods::title(this.row(cx));
                $make(cx, &[&b])
            }
            /// Return a copy with each character mapped by the given translation table.
            #[py("translate($self, table, /, delete=b'')")]
            fn translate(cx: &mut Cx, this: &Ref<$ty>, table: &Obj, delete: Option<&Obj>) -> PyResult {
                let b = methods::translate(cx, &**this, table, delete)?;
                if b.len() == this.row(cx).len() && &b[..] == this.row(cx) {
                    return $part(cx, this, 0..b.len());
                }
                $make(cx, &[&b])
            }
            /// B.upper() -> copy of B
            #[py("upper($self, /)")]
            fn upper(cx: &mut Cx, this: &Ref<$ty>) -> PyResult {
                let b = this.row(cx).to_ascii_uppercase();
                $make(cx, &[&b])
            }
            /// Pad a numeric string with zeros on the left, to fill a field of the given width.
            #[py("zfill($self, width, /)")]
            fn zfill(cx: &mut Cx, this: &Ref<$ty>, width: i64) -> PyResult {
                let b = this.row(cx);
                let missing = (width.max(0) as usize).saturating_sub(b.len());
                if missing == 0 {
                    return $part(cx, this, 0..b.len());
                }
                <$ty as methods::Row>::check_length(cx, missing.saturating_add(b.len()))?;
                let sign = usize::from(matches!(b.first(), Some(b'+' | b'-')));
                $make(cx, &[&b[..sign], &vec![b'0'; missing], &b[sign..]])
            }
        }
    };
}
pub(crate) use byte_methods;
