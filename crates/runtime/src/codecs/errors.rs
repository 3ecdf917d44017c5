//! Error handlers (PEP 293): the built-in ones as Rust functions, the others as Python callables.

use super::engine::Coding;
use crate::cx::{Cx, PyResult, Raised};
use crate::object::{Obj, Ref};
use crate::protocol;
use crate::types::{Bytes, Dict, Str, Tuple, int};

/// What cannot be decoded or encoded, and why.
#[derive(Clone, Debug)]
pub struct Bad {
    pub start: usize,
    pub end: usize,
    pub reason: String,
}

/// What stands for the bad part, and where to go on.
pub enum Replacement {
    Points(Vec<u32>),
    Bytes(Vec<u8>),
}

/// The UnicodeDecodeError of a bad part.
pub fn decode_error(cx: &mut Cx, name: &str, bytes: &[u8], bad: &Bad) -> PyResult {
    let args = vec![cx.str(name)?, Bytes::from_slice(cx, bytes)?, cx.int(bad.start as i64)?, cx.int(bad.end as i64)?, cx.str(&bad.reason)?];
    let class = cx.types.unicode_decode_error.as_obj().clone();
    protocol::call(cx, &class, &args)
}
/// The UnicodeEncodeError of a bad part.
pub fn encode_error(cx: &mut Cx, name: &str, text: &Ref<Str>, bad: &Bad) -> PyResult {
    let args = vec![cx.str(name)?, text.as_obj().clone(), cx.int(bad.start as i64)?, cx.int(bad.end as i64)?, cx.str(&bad.reason)?];
    let class = cx.types.unicode_encode_error.as_obj().clone();
    protocol::call(cx, &class, &args)
}

fn raise(cx: &mut Cx, e: PyResult) -> Raised {
    match e {
        Ok(e) => cx.raise(e),
        Err(r) => r,
    }
}

/// `codecs.register_error`.
pub fn register_error(cx: &mut Cx, name: &Obj, handler: &Obj) -> PyResult<()> {
    if handler.ty().slots(cx).call.is_none() {
        return Err(cx.type_error("handler must be callable"));
    }
    let table = match cx.codecs.handlers.clone() {
        Some(d) => d,
        None => {
            let d = Dict::new(cx)?;
            cx.codecs.handlers = Some(d.clone());
            d
        }
    };
    let old = table.insert(cx, name, handler.clone())?;
    cx.release(old);
    Ok(())
}

/// The handler registered by a program under a name.
pub fn lookup_error(cx: &mut Cx, name: &str) -> PyResult<Option<Obj>> {
    let key = cx.str(name)?;
    match cx.codecs.handlers.clone() {
        Some(d) => d.get(cx, &key),
        None => Ok(None),
    }
}

fn handler_of(cx: &mut Cx, name: &str) -> PyResult {
    match lookup_error(cx, name)? {
        Some(h) => Ok(h),
        None => Err(cx.error_of(&cx.types.lookup_error, format!("unknown error handler name '{name}'"))),
    }
}

/// Position from a handler's answer.
fn position(cx: &mut Cx, o: &Obj, len: usize) -> PyResult<usize> {
    let given = protocol::index_i64(cx, o)?;
    let at = if given < 0 { given + len as i64 } else { given };
    if at < 0 || at > len as i64 {
        return Err(cx.index_error(format!("position {given} from error handler out of bounds")));
    }
    Ok(at as usize)
}

pub fn escape(c: u32) -> String {
    if c < 0x100 {
        format!("\\x{c:02x}")
    } else if c < 0x10000 {
        format!("\\u{c:04x}")
    } else {
        format!("\\U{c:08x}")
    }
}

/// What a decoder of that name, built in or not, puts in place of a bad part, where to go on, and the bytes to go on with where a
/// handler gave the exception others.
pub fn on_decode(cx: &mut Cx, codec: &str, coding: Option<Coding>, bytes: &[u8], bad: &Bad, errors: &str) -> PyResult<(Vec<u32>, usize, Option<Vec<u8>>)> {
    let part = &bytes[bad.start..bad.end];
    let known = lookup_error(cx, errors)?.is_some();
    match errors {
        _ if known => {}
        "strict" => {
            let e = decode_error(cx, codec, bytes, bad);
            return Err(raise(cx, e));
        }
        "ignore" => return Ok((Vec::new(), bad.end, None)),
        "replace" => return Ok((vec![0xfffd], bad.end, None)),
        "backslashreplace" => return Ok((part.iter().flat_map(|b| format!("\\x{b:02x}").into_bytes()).map(u32::from).collect(), bad.end, None)),
        "surrogateescape" => {
            let n = part.iter().take(4).take_while(|b| **b >= 0x80).count();
            if n > 0 {
                return Ok((part[..n].iter().map(|b| 0xdc00 + u32::from(*b)).collect(), bad.start + n, None));
            }
            let e = decode_error(cx, codec, bytes, bad);
            return Err(raise(cx, e));
        }
        "surrogatepass" => {
            if let Some((c, n)) = coding.and_then(|c| c.surrogate_at(&bytes[bad.start..])) {
                return Ok((vec![c], bad.start + n, None));
            }
            let e = decode_error(cx, codec, bytes, bad);
            return Err(raise(cx, e));
        }
        _ => {}
    }
    asked_decode(cx, codec, bytes, bad, errors)
}

/// What a registered handler puts in place of a bad part, where to go on, and the bytes to go on with where it gave the exception
/// others.
pub fn asked_decode(cx: &mut Cx, codec: &str, bytes: &[u8], bad: &Bad, errors: &str) -> PyResult<(Vec<u32>, usize, Option<Vec<u8>>)> {
    if matches!(errors, "xmlcharrefreplace" | "namereplace") && lookup_error(cx, errors)?.is_none() {
        return Err(cx.type_error("don't know how to handle UnicodeDecodeError in error callback"));
    }
    let handler = handler_of(cx, errors)?;
    let e = decode_error(cx, codec, bytes, bad)?;
    let answer = protocol::call(cx, &handler, std::slice::from_ref(&e))?;
    let name = cx.name("object");
    let now = protocol::getattr(cx, &e, &name)?;
    let Some(now) = now.cast::<crate::types::Bytes>() else { return Err(cx.type_error("object attribute must be bytes")) };
    let other = Some(now.bytes()).filter(|b| *b != bytes).map(<[u8]>::to_vec);
    let len = other.as_ref().map_or(bytes.len(), Vec::len);
    match answer.cast::<Tuple>().map(|t| t.items()) {
        Some([text, at]) if text.cast::<Str>().is_some() && at.cast::<crate::types::Int>().is_some() => {
            let at = position(cx, at, len)?;
            Ok((text.cast::<Str>().map(|s| s.code_points()).unwrap_or_default(), at, other))
        }
        _ => Err(cx.type_error("decoding error handler must return (str, int) tuple")),
    }
}

/// Characters by their names, as escapes; by their numbers where they have none.
pub fn names_for(cx: &mut Cx, part: &[u32]) -> PyResult<String> {
    let mut out = String::new();
    for c in part {
        let module = crate::modules::import(cx, "unicodedata")?;
        let (ch, none) = (cx.str_points(&[*c])?, cx.none());
        let name = protocol::call_method(cx, &module, "name", &[ch, none])?;
        match name.cast::<Str>() {
            Some(n) => out.push_str(&format!("\\N{{{}}}", n.to_text(cx))),
            None => out.push_str(&escape(*c)),
        }
    }
    Ok(out)
}

/// What an encoder puts in place of a bad part, and where to go on.
pub fn on_encode(cx: &mut Cx, codec: &str, coding: Option<Coding>, text: &Ref<Str>, points: &[u32], bad: &Bad, errors: &str) -> PyResult<(Replacement, usize)> {
    let part = &points[bad.start..bad.end];
    let known = lookup_error(cx, errors)?.is_some();
    let ascii = |s: String| Replacement::Points(s.bytes().map(u32::from).collect());
    match errors {
        _ if known => {}
        "strict" => {
            let e = encode_error(cx, codec, text, bad);
            return Err(raise(cx, e));
        }
        "ignore" => return Ok((Replacement::Points(Vec::new()), bad.end)),
        "replace" => return Ok((Replacement::Points(vec![u32::from('?'); part.len()]), bad.end)),
        "backslashreplace" => return Ok((ascii(part.iter().map(|c| escape(*c)).collect()), bad.end)),
        "xmlcharrefreplace" => return Ok((ascii(part.iter().map(|c| format!("&#{c};")).collect()), bad.end)),
        "namereplace" => {
            let out = names_for(cx, part)?;
            return Ok((ascii(out), bad.end));
        }
        "surrogateescape" => {
            let n = part.iter().take_while(|c| (0xdc80..0xdd00).contains(*c)).count();
            if n > 0 {
                return Ok((Replacement::Bytes(part[..n].iter().map(|c| (c - 0xdc00) as u8).collect()), bad.start + n));
            }
            let e = encode_error(cx, codec, text, bad);
            return Err(raise(cx, e));
        }
        "surrogatepass" => {
            let n = part.iter().take_while(|c| (0xd800..0xe000).contains(*c)).count();
            if n > 0
                && let Some(b) = coding.and_then(|c| c.encode_surrogates(&part[..n]))
            {
                return Ok((Replacement::Bytes(b), bad.start + n));
            }
            let e = encode_error(cx, codec, text, bad);
            return Err(raise(cx, e));
        }
        _ => {}
    }
    let handler = handler_of(cx, errors)?;
    let e = encode_error(cx, codec, text, bad)?;
    let answer = protocol::call(cx, &handler, &[e])?;
    if let Some([what, at]) = answer.cast::<Tuple>().map(|t| t.items())
        && int::to_i64(at).is_some()
    {
        let (what, at) = (what.clone(), position(cx, at, points.len())?);
        if let Some(s) = what.cast::<Str>() {
            return Ok((Replacement::Points(s.code_points()), at));
        }
        if let Some(b) = what.cast::<Bytes>() {
            return Ok((Replacement::Bytes(b.bytes().to_vec()), at));
        }
    }
    Err(cx.type_error("encoding error handler must return (str/bytes, int) tuple"))
}
