//! The built-in encodings, byte by byte.

use super::errors::{self, Bad, Replacement};
use crate::cx::{Cx, PyResult};
use crate::object::{Obj, Ref};
use crate::types::Str;
use crate::types::str::Chars;
use crate::types::str::width::{Unit, each_width};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ByteOrder {
    /// Little here; a byte order mark is written, and read to decide.
    Native,
    Little,
    Big,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Coding {
    Utf8,
    Latin1,
    Ascii,
    Utf16(ByteOrder),
    Utf32(ByteOrder),
}

/// What a decoder made of a part of a stream.
pub struct Decoded {
    pub text: Obj,
    /// Bytes used; fewer than given only when more may follow.
    pub used: usize,
    /// The byte order found, for those that look for a mark.
    pub order: ByteOrder,
}

impl Coding {
    /// The name in error messages.
    pub fn name(self) -> &'static str {
        match self {
            Coding::Utf8 => "utf-8",
            Coding::Latin1 => "latin-1",
            Coding::Ascii => "ascii",
            Coding::Utf16(ByteOrder::Native) => "utf-16",
            Coding::Utf16(ByteOrder::Little) => "utf-16-le",
            Coding::Utf16(ByteOrder::Big) => "utf-16-be",
            Coding::Utf32(ByteOrder::Native) => "utf-32",
            Coding::Utf32(ByteOrder::Little) => "utf-32-le",
            Coding::Utf32(ByteOrder::Big) => "utf-32-be",
        }
    }
    /// The surrogate whose code the bytes begin with, and how many they are.
    pub fn surrogate_at(self, b: &[u8]) -> Option<(u32, usize)> {
        let (c, n) = match self {
            Coding::Utf8 => match b {
                [0xed, m @ 0xa0..=0xbf, l @ 0x80..=0xbf, ..] => (0xd000 | u32::from(m & 0x3f) << 6 | u32::from(l & 0x3f), 3),
                _ => return None,
            },
            Coding::Utf16(o) => (u32::from(unit16(b, o)?), 2),
            Coding::Utf32(o) => (unit32(b, o)?, 4),
            _ => return None,
        };
        (0xd800..0xe000).contains(&c).then_some((c, n))
    }
    /// The codes of surrogates; nothing of an encoding that has none for them.
    pub fn encode_surrogates(self, points: &[u32]) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        for &c in points {
            match self {
                Coding::Utf8 => out.extend([0xe0 | (c >> 12) as u8, 0x80 | (c >> 6 & 0x3f) as u8, 0x80 | (c & 0x3f) as u8]),
                Coding::Utf16(o) => put16(&mut out, c as u16, o),
                Coding::Utf32(o) => put32(&mut out, c, o),
                _ => return None,
            }
        }
        Some(out)
    }
    /// Whether a code point has a code.
    fn has(self, c: u32) -> bool {
        match self {
            Coding::Latin1 => c < 0x100,
            Coding::Ascii => c < 0x80,
            _ => !(0xd800..0xe000).contains(&c),
        }
    }
    fn put(self, out: &mut Vec<u8>, c: u32) {
        match self {
            Coding::Latin1 | Coding::Ascii => out.push(c as u8),
            Coding::Utf8 => {
                let mut buf = [0; 4];
                if let Some(ch) = char::from_u32(c) {
                    out.extend_from_slice(ch.encode_utf8(&mut buf).as_bytes());
                }
            }
            Coding::Utf16(o) if c >= 0x10000 => {
                put16(out, (0xd800 + ((c - 0x10000) >> 10)) as u16, o);
                put16(out, (0xdc00 + ((c - 0x10000) & 0x3ff)) as u16, o);
            }
            Coding::Utf16(o) => put16(out, c as u16, o),
            Coding::Utf32(o) => put32(out, c, o),
        }
    }
}

fn unit16(b: &[u8], o: ByteOrder) -> Option<u16> {
    let two = [*b.first()?, *b.get(1)?];
    Some(if o == ByteOrder::Big { u16::from_be_bytes(two) } else { u16::from_le_bytes(two) })
}
fn unit32(b: &[u8], o: ByteOrder) -> Option<u32> {
    let four: [u8; 4] = b.get(..4)?.try_into().ok()?;
    Some(if o == ByteOrder::Big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) })
}
fn put16(out: &mut Vec<u8>, c: u16, o: ByteOrder) {
    out.extend(if o == ByteOrder::Big { c.to_be_bytes() } else { c.to_le_bytes() });
}
fn put32(out: &mut Vec<u8>, c: u32, o: ByteOrder) {
    out.extend(if o == ByteOrder::Big { c.to_be_bytes() } else { c.to_le_bytes() });
}

/// Encodes text. A bad part goes to the error handler.
pub fn encode_points(cx: &mut Cx, coding: Coding, text: &Ref<Str>, errors: &str) -> PyResult<Vec<u8>> {
    if let Some(a) = text.ascii_bytes()
        && matches!(coding, Coding::Utf8 | Coding::Latin1 | Coding::Ascii)
    {
        let mut out = Vec::new();
        crate::protocol::grow(cx, &mut out, a.len())?;
        out.extend_from_slice(a);
        return Ok(out);
    }
    if let Some(out) = encode_whole(cx, coding, text)? {
        return Ok(out);
    }
    let points = text.code_points();
    let mut out = Vec::new();
    crate::protocol::grow(cx, &mut out, points.len())?;
    match coding {
        Coding::Utf16(ByteOrder::Native) => put16(&mut out, 0xfeff, ByteOrder::Little),
        Coding::Utf32(ByteOrder::Native) => put32(&mut out, 0xfeff, ByteOrder::Little),
        _ => {}
    }
    let mut i = 0;
    while i < points.len() {
        if coding.has(points[i]) {
            coding.put(&mut out, points[i]);
            i += 1;
            continue;
        }
        let end = i + points[i..].iter().take_while(|c| !coding.has(**c)).count();
        let reason = match coding {
            Coding::Latin1 => "ordinal not in range(256)",
            Coding::Ascii => "ordinal not in range(128)",
            _ => "surrogates not allowed",
        };
        let bad = Bad { start: i, end, reason: reason.into() };
        let (replacement, next) = errors::on_encode(cx, coding.name(), Some(coding), text, &points, &bad, errors)?;
        // Units of two or four bytes stay whole, and only ASCII text stands for what has no code in Unicode's own encodings.
        let (unit, most) = match coding {
            Coding::Latin1 | Coding::Ascii => (1, u32::MAX),
            Coding::Utf8 => (1, 0x7f),
            Coding::Utf16(_) => (2, 0x7f),
            Coding::Utf32(_) => (4, 0x7f),
        };
        match replacement {
            Replacement::Bytes(b) if b.len() % unit == 0 => out.extend(b),
            Replacement::Bytes(_) => {
                let e = errors::encode_error(cx, coding.name(), text, &bad)?;
                return Err(cx.raise(e));
            }
            Replacement::Points(p) => {
                if p.iter().any(|c| *c > most || !coding.has(*c)) {
                    let e = errors::encode_error(cx, coding.name(), text, &bad)?;
                    return Err(cx.raise(e));
                }
                p.iter().for_each(|c| coding.put(&mut out, *c));
            }
        }
        i = next;
        cx.poll_native()?;
    }
    Ok(out)
}

/// The whole text at once, if every character has a code.
fn encode_whole(cx: &Cx, coding: Coding, text: &Str) -> PyResult<Option<Vec<u8>>> {
    if let (Chars::One(b), Coding::Latin1) = (text.chars(), coding) {
        let mut out = Vec::new();
        crate::protocol::grow(cx, &mut out, b.len())?;
        out.extend_from_slice(b);
        return Ok(Some(out));
    }
    each_width!(text, points => {
        let widest = Unit::widest(points);
        // Only two bytes and more hold halves of surrogate pairs.
        if widest >= 0x800 && points.iter().fold(false, |any, c| any | (c.point() & 0xffff_f800 == 0xd800)) {
            return Ok(None);
        }
        let mut out = Vec::new();
        let n = points.len();
        match coding {
            Coding::Latin1 | Coding::Ascii => return Ok(None),
            Coding::Utf8 => {
                let most = match widest {
                    0x10000.. => 4,
                    0x800.. => 3,
                    _ => 2,
                };
                crate::protocol::grow(cx, &mut out, n.checked_mul(most).ok_or_else(|| cx.memory_error())?)?;
                put_utf8(&mut out, points);
            }
            Coding::Utf16(o) => {
                crate::protocol::grow(cx, &mut out, n.checked_mul(if widest >= 0x10000 { 4 } else { 2 }).and_then(|n| n.checked_add(2)).ok_or_else(|| cx.memory_error())?)?;
                if o == ByteOrder::Native {
                    put16(&mut out, 0xfeff, o);
                }
                match (widest, o) {
                    (0x10000.., _) => points.iter().for_each(|c| coding.put(&mut out, c.point())),
                    (_, ByteOrder::Big) => out.extend(points.iter().flat_map(|c| (c.point() as u16).to_be_bytes())),
                    _ => out.extend(points.iter().flat_map(|c| (c.point() as u16).to_le_bytes())),
                }
            }
            Coding::Utf32(o) => {
                crate::protocol::grow(cx, &mut out, n.checked_mul(4).and_then(|n| n.checked_add(4)).ok_or_else(|| cx.memory_error())?)?;
                if o == ByteOrder::Native {
                    put32(&mut out, 0xfeff, o);
                }
                match o {
                    ByteOrder::Big => out.extend(points.iter().flat_map(|c| c.point().to_be_bytes())),
                    _ => out.extend(points.iter().flat_map(|c| c.point().to_le_bytes())),
                }
            }
        }
        Ok(Some(out))
    })
}

/// Appends characters as UTF-8; none is half of a surrogate pair.
fn put_utf8<U: Unit>(out: &mut Vec<u8>, points: &[U]) {
    let tail = |c: u32| 0x80 | (c & 0x3f) as u8;
    for c in points {
        match c.point() {
            c @ 0..0x80 => out.push(c as u8),
            c @ 0x80..0x800 => out.extend_from_slice(&[0xc0 | (c >> 6) as u8, tail(c)]),
            c @ 0x800..0x10000 => out.extend_from_slice(&[0xe0 | (c >> 12) as u8, tail(c >> 6), tail(c)]),
            c => out.extend_from_slice(&[0xf0 | (c >> 18) as u8, tail(c >> 12), tail(c >> 6), tail(c)]),
        }
    }
}

/// Decodes a part of a stream; `last` says that nothing follows. A bad part goes to the error handler.
pub fn decode_part(cx: &mut Cx, coding: Coding, bytes: &[u8], errors: &str, last: bool) -> PyResult<Decoded> {
    let mut bytes = std::borrow::Cow::Borrowed(bytes);
    let done = |text: Obj, used: usize| Ok(Decoded { text, used, order: ByteOrder::Native });
    match coding {
        Coding::Latin1 => return done(Str::from_latin1(cx, &bytes)?.into_obj(), bytes.len()),
        Coding::Utf8 | Coding::Ascii if bytes.is_ascii() => return done(Str::from_latin1(cx, &bytes)?.into_obj(), bytes.len()),
        Coding::Utf8 => {
            if let Ok(t) = std::str::from_utf8(&bytes) {
                return done(cx.str(t)?, bytes.len());
            }
        }
        _ => {}
    }
    let mut coding = coding;
    let mut at = 0;
    // Where nothing said the order it is not known, whatever is read as.
    let mut told = true;
    // A byte order mark decides once and is not part of the text.
    match coding {
        Coding::Utf16(ByteOrder::Native) if bytes.len() >= 2 => {
            let mark = [ByteOrder::Little, ByteOrder::Big].into_iter().find(|o| unit16(&bytes, *o) == Some(0xfeff));
            at = if mark.is_some() { 2 } else { 0 };
            told = mark.is_some();
            coding = Coding::Utf16(mark.unwrap_or(ByteOrder::Little));
        }
        Coding::Utf32(ByteOrder::Native) if bytes.len() >= 4 => {
            let mark = [ByteOrder::Little, ByteOrder::Big].into_iter().find(|o| unit32(&bytes, *o) == Some(0xfeff));
            at = if mark.is_some() { 4 } else { 0 };
            told = mark.is_some();
            coding = Coding::Utf32(mark.unwrap_or(ByteOrder::Little));
        }
        Coding::Utf16(ByteOrder::Native) if last => coding = Coding::Utf16(ByteOrder::Little),
        Coding::Utf32(ByteOrder::Native) if last => coding = Coding::Utf32(ByteOrder::Little),
        _ => {}
    }
    let order = match coding {
        Coding::Utf16(o) | Coding::Utf32(o) if told => o,
        _ => ByteOrder::Native,
    };
    if let Some(text) = decode_whole(cx, coding, &bytes[at..])? {
        return Ok(Decoded { text, used: bytes.len(), order });
    }
    let mut out: Vec<u32> = Vec::new();
    crate::protocol::grow(cx, &mut out, bytes.len())?;
    while at < bytes.len() {
        match step(coding, &bytes, at, &mut out, last) {
            Ok(0) => break,
            Ok(n) => at += n,
            // The beginning of a surrogate's bytes: a handler may want to see them whole.
            Err(bad) if !last && coding == Coding::Utf8 && matches!(bytes[bad.start..], [0xed, 0xa0..=0xbf]) => {
                at = bad.start;
                break;
            }
            Err(bad) => {
                let (replacement, next, other) = errors::on_decode(cx, coding.name(), Some(coding), &bytes, &bad, errors)?;
                crate::protocol::grow(cx, &mut out, replacement.len())?;
                out.extend(replacement);
                at = next;
                // The handler may have given the exception other bytes to go on with.
                if let Some(other) = other {
                    bytes = std::borrow::Cow::Owned(other);
                }
                cx.poll_native()?;
            }
        }
    }
    Ok(Decoded { text: cx.str_points(&out)?, used: at, order })
}

/// The text of whole units of two or four bytes at once, where no pair and nothing bad is among them.
fn decode_whole(cx: &Cx, coding: Coding, bytes: &[u8]) -> PyResult<Option<Obj>> {
    let whole = match coding {
        Coding::Utf16(o) if bytes.len().is_multiple_of(2) => {
            let mut units: Vec<u16> = Vec::new();
            crate::protocol::grow(cx, &mut units, bytes.len() / 2)?;
            match o {
                ByteOrder::Big => units.extend(bytes.chunks_exact(2).map(|b| u16::from_be_bytes([b[0], b[1]]))),
                _ => units.extend(bytes.chunks_exact(2).map(|b| u16::from_le_bytes([b[0], b[1]]))),
            }
            if units.iter().fold(false, |any, c| any | (c & 0xf800 == 0xd800)) {
                return Ok(None);
            }
            Unit::text(cx, &units)?
        }
        Coding::Utf32(o) if bytes.len().is_multiple_of(4) => {
            let mut units: Vec<u32> = Vec::new();
            crate::protocol::grow(cx, &mut units, bytes.len() / 4)?;
            match o {
                ByteOrder::Big => units.extend(bytes.chunks_exact(4).map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]))),
                _ => units.extend(bytes.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))),
            }
            if units.iter().fold(false, |any, c| any | (c & 0xffff_f800 == 0xd800) | (*c > 0x10_ffff)) {
                return Ok(None);
            }
            Unit::text(cx, &units)?
        }
        _ => return Ok(None),
    };
    Ok(Some(whole.into_obj()))
}

/// Decodes what is good from `at` on; bytes used, 0 where more input is awaited.
fn step(coding: Coding, bytes: &[u8], at: usize, out: &mut Vec<u32>, last: bool) -> Result<usize, Bad> {
    let rest = &bytes[at..];
    let bad = |n: usize, reason: &str| Err(Bad { start: at, end: at + n, reason: reason.into() });
    match coding {
        Coding::Latin1 => {
            out.extend(rest.iter().map(|b| u32::from(*b)));
            Ok(rest.len())
        }
        Coding::Ascii => {
            let n = rest.iter().take_while(|b| b.is_ascii()).count();
            out.extend(rest[..n].iter().map(|b| u32::from(*b)));
            if n > 0 { Ok(n) } else { bad(1, "ordinal not in range(128)") }
        }
        Coding::Utf8 => {
            let good = match std::str::from_utf8(rest) {
                Ok(t) => {
                    out.extend(t.chars().map(u32::from));
                    return Ok(rest.len());
                }
                Err(e) => {
                    let good = e.valid_up_to();
                    if good == 0 {
                        return match e.error_len() {
                            None if !last => Ok(0),
                            None => bad(rest.len(), "unexpected end of data"),
                            Some(n) => bad(n, if n == 1 && !(0xc2..=0xf4).contains(&rest[0]) { "invalid start byte" } else { "invalid continuation byte" }),
                        };
                    }
                    good
                }
            };
            if let Ok(t) = std::str::from_utf8(&rest[..good]) {
                out.extend(t.chars().map(u32::from));
            }
            Ok(good)
        }
        Coding::Utf16(o) => {
            let Some(unit) = unit16(rest, o) else { return if last { bad(rest.len(), "truncated data") } else { Ok(0) } };
            match unit {
                0xd800..=0xdbff => match unit16(&rest[2..], o) {
                    None if !last => Ok(0),
                    None => bad(rest.len(), "unexpected end of data"),
                    Some(low @ 0xdc00..=0xdfff) => {
                        out.push(0x10000 + ((u32::from(unit) & 0x3ff) << 10) + (u32::from(low) & 0x3ff));
                        Ok(4)
                    }
                    Some(_) => bad(2, "illegal UTF-16 surrogate"),
                },
                0xdc00..=0xdfff => bad(2, "illegal encoding"),
                c => {
                    out.push(u32::from(c));
                    Ok(2)
                }
            }
        }
        Coding::Utf32(o) => {
            let Some(c) = unit32(rest, o) else { return if last { bad(rest.len(), "truncated data") } else { Ok(0) } };
            if (0xd800..0xe000).contains(&c) {
                return bad(4, "code point in surrogate code point range(0xd800, 0xe000)");
            }
            if c > 0x10ffff {
                return bad(4, "code point not in range(0x110000)");
            }
            out.push(c);
            Ok(4)
        }
    }
}
