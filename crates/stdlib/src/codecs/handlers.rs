//! The built-in error handlers as functions of an exception: what Python/codecs.c does for programs that call them.

use retic_runtime::codecs::{self, Coding};
use retic_runtime::types::{Bytes, Exception, Str, int};
use retic_runtime::{Cx, Obj, PyResult, protocol};

/// The part of an exception's object that could not be converted.
enum Part {
    Text(Vec<u32>),
    /// Bytes of the part, and up to four from its beginning on.
    Bytes(Vec<u8>, Vec<u8>),
}

fn field(cx: &mut Cx, exc: &Obj, name: &'static str) -> PyResult {
    let key = cx.name(name);
    protocol::getattr(cx, exc, &key)
}
fn unknown(cx: &Cx, exc: &Obj) -> PyResult {
    Err(cx.type_error(format!("don't know how to handle {} in error callback", exc.ty().name_text())))
}

/// The part with its beginning and end, put right as `_PyUnicodeError_GetParams` does.
fn part(cx: &mut Cx, exc: &Obj, bytes: bool) -> PyResult<(Part, usize, usize)> {
    let object = field(cx, exc, "object")?;
    let (start, end) = (field(cx, exc, "start")?, field(cx, exc, "end")?);
    let place = |o: &Obj| int::to_i64(o).unwrap_or(0);
    let limits = |n: usize| {
        let start = place(&start).clamp(0, (n as i64 - 1).max(0)) as usize;
        (start, place(&end).max(1).min(n as i64).max(0) as usize)
    };
    match (object.cast::<Str>(), object.cast::<Bytes>()) {
        (_, Some(b)) if bytes => {
            let (s, e) = limits(b.bytes().len());
            let from = &b.bytes()[s..];
            Ok((Part::Bytes(from[..e.saturating_sub(s)].to_vec(), from[..from.len().min(4)].to_vec()), s, e))
        }
        (Some(t), _) if !bytes => {
            let (s, e) = limits(t.len());
            Ok((Part::Text(t.code_points().get(s..e).map(<[u32]>::to_vec).unwrap_or_default()), s, e))
        }
        _ => Err(cx.type_error(format!("UnicodeError 'object' attribute must be a {}", if bytes { "bytes" } else { "string" }))),
    }
}

/// What the function of a handler gives for an exception.
pub fn handle(cx: &mut Cx, exc: &Obj, name: &str) -> PyResult {
    if name == "strict" {
        return if exc.cast::<Exception>().is_some() { Err(cx.raise(exc.clone())) } else { Err(cx.type_error("codec must pass exception instance")) };
    }
    let is = |t: &retic_runtime::Ref<retic_runtime::types::Type>| exc.ty().is_subtype(cx, t);
    let (encode, decode, translate) = (is(&cx.types.unicode_encode_error), is(&cx.types.unicode_decode_error), is(&cx.types.unicode_translate_error));
    let taken = match name {
        "ignore" | "replace" | "backslashreplace" => encode || decode || translate,
        "surrogateescape" | "surrogatepass" => encode || decode,
        _ => encode,
    };
    if !taken {
        return unknown(cx, exc);
    }
    let (what, start, mut end) = match part(cx, exc, decode) {
        Ok(found) => found,
        // This one gives the exception itself.
        Err(_) if name == "surrogatepass" => {
            cx.clear_error();
            return Err(cx.raise(exc.clone()));
        }
        Err(r) => return Err(r),
    };
    let ascii = |s: String| s.bytes().map(u32::from).collect::<Vec<u32>>();
    let out = match (name, &what) {
        ("ignore", _) => Vec::new(),
        ("replace", Part::Bytes(..)) => vec![0xfffd],
        ("replace", Part::Text(t)) => vec![if translate { 0xfffd } else { u32::from(b'?') }; t.len()],
        ("backslashreplace", Part::Bytes(b, _)) => ascii(b.iter().map(|b| format!("\\x{b:02x}")).collect()),
        ("backslashreplace", Part::Text(t)) => ascii(t.iter().map(|c| codecs::escape(*c)).collect()),
        ("xmlcharrefreplace", Part::Text(t)) => ascii(t.iter().map(|c| format!("&#{c};")).collect()),
        ("namereplace", Part::Text(t)) => ascii(codecs::names_for(cx, t)?),
        ("surrogateescape", Part::Text(t)) => {
            if !t.iter().all(|c| (0xdc80..0xdd00).contains(c)) {
                return Err(cx.raise(exc.clone()));
            }
            let bytes: Vec<u8> = t.iter().map(|c| (c - 0xdc00) as u8).collect();
            return replaced_by(cx, &bytes, end);
        }
        ("surrogateescape", Part::Bytes(b, _)) => {
            let n = b.iter().take(4).take_while(|b| **b >= 0x80).count();
            if n == 0 {
                return Err(cx.raise(exc.clone()));
            }
            end = start + n;
            b[..n].iter().map(|b| 0xdc00 + u32::from(*b)).collect()
        }
        (_, what) => {
            let encoding = field(cx, exc, "encoding")?;
            let encoding = encoding.cast::<Str>().map(|s| s.to_text(cx)).unwrap_or_default();
            let coding = codecs::built_in(&encoding).filter(|c| !matches!(c, Coding::Latin1 | Coding::Ascii));
            match what {
                Part::Text(t) => match coding.filter(|_| t.iter().all(|c| (0xd800..0xe000).contains(c))).and_then(|c| c.encode_surrogates(t)) {
                    Some(bytes) => return replaced_by(cx, &bytes, end),
                    None => return Err(cx.raise(exc.clone())),
                },
                Part::Bytes(_, from) => match coding.and_then(|c| c.surrogate_at(from)) {
                    Some((c, n)) => {
                        end = start + n;
                        vec![c]
                    }
                    None => return Err(cx.raise(exc.clone())),
                },
            }
        }
    };
    let (text, end) = (cx.str_points(&out)?, cx.int(end as i64)?);
    cx.tuple_of([text, end])
}
fn replaced_by(cx: &mut Cx, bytes: &[u8], end: usize) -> PyResult {
    let (bytes, end) = (Bytes::from_slice(cx, bytes)?, cx.int(end as i64)?);
    cx.tuple_of([bytes, end])
}
