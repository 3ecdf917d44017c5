//! Codecs by a table: one byte a character (`encodings.cp1252`, `encodings.koi8_r` and their like).

use super::{decode_with, encode_with, errors_text, pair, text_of};
use retic_runtime::codecs::{self, Bad, Coding, Replacement};
use retic_runtime::types::{Bytes, Dict, Str, int};
use retic_runtime::{Cx, Obj, PyResult, Ref, protocol};

/// What stands for no character in the text of a decoding table.
const UNDEFINED: u32 = 0xfffe;

/// What a mapping has for a key; nothing for None and for what it does not know.
fn mapped(cx: &mut Cx, mapping: &Obj, key: u32) -> PyResult<Option<Obj>> {
    let k = cx.int(i64::from(key))?;
    let r = protocol::getitem(cx, mapping, &k);
    match r {
        Ok(v) => Ok(Some(v).filter(|v| !v.is_none())),
        Err(_) if cx.error_is(&cx.types.lookup_error) => {
            cx.clear_error();
            Ok(None)
        }
        Err(r) => Err(r),
    }
}

/// The text of one byte; false where it has none.
fn decode_byte(cx: &mut Cx, mapping: &Obj, byte: u8, out: &mut Vec<u32>) -> PyResult<bool> {
    let Some(v) = mapped(cx, mapping, u32::from(byte))? else { return Ok(false) };
    match (int::to_i64(&v), v.cast::<Str>()) {
        (Some(n), _) if n == i64::from(UNDEFINED) => Ok(false),
        (Some(n), _) if (0..0x110000).contains(&n) => {
            out.push(n as u32);
            Ok(true)
        }
        (Some(_), _) => Err(cx.type_error("character mapping must be in range(0x110000)")),
        (_, Some(s)) => {
            let text = s.code_points();
            let defined = text[..] != [UNDEFINED];
            if defined {
                protocol::grow(cx, out, text.len())?;
                out.extend(text);
            }
            Ok(defined)
        }
        _ => Err(cx.type_error("character mapping must return integer, None or str")),
    }
}

/// Bytes of characters, as a mapping gives them. Those of a dictionary are kept: nothing changes it meanwhile.
struct Encoder<'a> {
    mapping: &'a Obj,
    keeps: bool,
    /// The last character of each low byte, and its byte.
    known: [(u32, u8); 256],
}
impl Encoder<'_> {
    /// The bytes of one character; false where it has none.
    fn put(&mut self, cx: &mut Cx, c: u32, out: &mut Vec<u8>) -> PyResult<bool> {
        let place = c as usize & 0xff;
        if self.known[place].0 == c {
            out.push(self.known[place].1);
            return Ok(true);
        }
        let Some(v) = mapped(cx, self.mapping, c)? else { return Ok(false) };
        match (int::to_i64(&v), v.cast::<Bytes>()) {
            (Some(n), _) if (0..256).contains(&n) => {
                if self.keeps {
                    self.known[place] = (c, n as u8);
                }
                out.push(n as u8);
                Ok(true)
            }
            (Some(_), _) => Err(cx.type_error("character mapping must be in range(256)")),
            (_, Some(b)) => {
                protocol::grow(cx, out, b.bytes().len())?;
                out.extend_from_slice(b.bytes());
                Ok(true)
            }
            _ => Err(cx.type_error(format!("character mapping must return integer, bytes or None, not {}", v.ty().name_text()))),
        }
    }
}

#[retic_macros::methods]
pub(super) mod functions {
    use super::*;

    #[py("charmap_build(map, /)")]
    pub fn charmap_build(cx: &mut Cx, map: &Ref<Str>) -> PyResult {
        let d = Dict::new(cx)?;
        for (i, c) in map.code_points().into_iter().enumerate() {
            let (k, v) = (cx.int(i64::from(c))?, cx.int(i as i64)?);
            let old = d.insert(cx, &k, v)?;
            cx.release(old);
        }
        Ok(d.into_obj())
    }
    #[py("charmap_decode(data, errors=None, mapping=None, /)")]
    pub fn charmap_decode(cx: &mut Cx, data: &Obj, errors: Option<&Ref<Str>>, mapping: Option<&Obj>) -> PyResult {
        let errors_name = errors_text(cx, errors);
        let Some(mapping) = mapping else { return decode_with(cx, Coding::Latin1, data, errors, true) };
        let mut b = protocol::buffer::bytes(cx, data)?;
        let n = b.len();
        let table = mapping.cast::<Str>().map(|s| {
            let mut t = s.code_points();
            t.resize(256, UNDEFINED);
            t
        });
        let mut out: Vec<u32> = Vec::new();
        protocol::grow(cx, &mut out, n)?;
        let mut i = 0;
        while i < b.len() {
            let done = match &table {
                Some(t) => {
                    let good = b[i..].iter().map(|c| t[*c as usize]).take_while(|c| *c != UNDEFINED);
                    let before = out.len();
                    out.extend(good);
                    i += out.len() - before;
                    i == b.len()
                }
                None => {
                    let done = decode_byte(cx, mapping, b[i], &mut out)?;
                    i += usize::from(done);
                    done
                }
            };
            if !done {
                let bad = Bad { start: i, end: i + 1, reason: "character maps to <undefined>".into() };
                let (text, next, other) = codecs::on_decode(cx, "charmap", None, &b, &bad, &errors_name)?;
                protocol::grow(cx, &mut out, text.len())?;
                out.extend(text);
                i = next;
                // The handler may have given the exception other bytes to go on with.
                b = other.unwrap_or(b);
            }
            cx.poll_native()?;
        }
        let t = cx.str_points(&out)?;
        pair(cx, t, n)
    }
    #[py("charmap_encode(str, errors=None, mapping=None, /)")]
    pub fn charmap_encode(cx: &mut Cx, str: &Obj, errors: Option<&Ref<Str>>, mapping: Option<&Obj>) -> PyResult {
        let t = text_of(cx, str, "charmap_encode")?.clone();
        let errors_name = errors_text(cx, errors);
        let Some(mapping) = mapping else { return encode_with(cx, Coding::Latin1, str, errors, "charmap_encode") };
        let keeps = std::ptr::eq(mapping.ty(), &*cx.types.dict);
        // No character is there yet: one that is none stands in each place.
        let mut encoder = Encoder { mapping, keeps, known: [(u32::MAX, 0); 256] };
        let mut out: Vec<u8> = Vec::new();
        let points = t.code_points();
        protocol::grow(cx, &mut out, points.len())?;
        let mut i = 0;
        while i < points.len() {
            if encoder.put(cx, points[i], &mut out)? {
                i += 1;
                cx.poll_native()?;
                continue;
            }
            let mut end = i + 1;
            while end < points.len() && mapped(cx, mapping, points[end])?.is_none() {
                end += 1;
                cx.poll_native()?;
            }
            let bad = Bad { start: i, end, reason: "character maps to <undefined>".into() };
            let (replacement, next) = codecs::on_encode(cx, "charmap", None, &t, &points, &bad, &errors_name)?;
            // What a handler did to the mapping counts from now on.
            encoder.known = [(u32::MAX, 0); 256];
            match replacement {
                Replacement::Bytes(b) => {
                    protocol::grow(cx, &mut out, b.len())?;
                    out.extend(b);
                }
                Replacement::Points(p) => {
                    for c in p {
                        if !encoder.put(cx, c, &mut out)? {
                            let e = codecs::encode_error(cx, "charmap", &t, &bad)?;
                            return Err(cx.raise(e));
                        }
                    }
                }
            }
            i = next;
            cx.poll_native()?;
        }
        let b = Bytes::from_slice(cx, &out)?;
        pair(cx, b, points.len())
    }
}
