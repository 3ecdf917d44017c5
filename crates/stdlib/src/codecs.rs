//! `_codecs`: the built-in encodings as functions, and the registry.

mod charmap;
mod handlers;
mod utf7;

use handlers::handle;
use retic_runtime::codecs::{self, Bad, ByteOrder, Coding, decode_part, encode_points};
use retic_runtime::types::{Bytes, Str, module};
use retic_runtime::{Cx, Obj, PyResult, Ref, protocol};
use std::borrow::Cow;

fn errors_text(cx: &Cx, errors: Option<&Ref<Str>>) -> String {
    errors.map_or("strict".into(), |e| e.to_text(cx))
}
fn text_of<'a>(cx: &Cx, o: &'a Obj, name: &str) -> PyResult<&'a Ref<Str>> {
    o.cast::<Str>().ok_or_else(|| cx.type_error(format!("{name}() argument 1 must be str, not {}", o.ty().name_text())))
}
fn pair(cx: &mut Cx, value: Obj, used: usize) -> PyResult {
    let n = cx.int(used as i64)?;
    cx.tuple_of([value, n])
}
fn encode_with(cx: &mut Cx, coding: Coding, s: &Obj, errors: Option<&Ref<Str>>, name: &str) -> PyResult {
    let t = text_of(cx, s, name)?;
    let errors = errors_text(cx, errors);
    let b = encode_points(cx, coding, t, &errors)?;
    let b = Bytes::from_slice(cx, &b)?;
    pair(cx, b, t.len())
}
fn decode_with(cx: &mut Cx, coding: Coding, data: &Obj, errors: Option<&Ref<Str>>, last: bool) -> PyResult {
    let b = protocol::buffer::held(cx, data)?;
    let errors = errors_text(cx, errors);
    let d = decode_part(cx, coding, &b, &errors, last)?;
    pair(cx, d.text, d.used)
}
/// As the `_ex` decoders: the byte order comes in and goes out as a number.
fn decode_order(cx: &mut Cx, wide: bool, data: &Obj, errors: Option<&Ref<Str>>, order: i64, last: bool) -> PyResult {
    let b = protocol::buffer::held(cx, data)?;
    let errors = errors_text(cx, errors);
    let o = match order {
        0 => ByteOrder::Native,
        n if n < 0 => ByteOrder::Little,
        _ => ByteOrder::Big,
    };
    let coding = if wide { Coding::Utf32(o) } else { Coding::Utf16(o) };
    let d = decode_part(cx, coding, &b, &errors, last)?;
    let found = match (order, d.order, d.used) {
        (0, _, 0) | (0, ByteOrder::Native, _) => 0,
        (_, ByteOrder::Big, _) => 1,
        _ => -1,
    };
    let items = vec![d.text, cx.int(d.used as i64)?, cx.int(found)?];
    cx.tuple(items)
}

/// Escapes of `unicode_escape` (and, with `raw`, of `raw_unicode_escape`).
fn decode_escapes(cx: &mut Cx, data: &[u8], errors: &str, raw: bool, last: bool) -> PyResult<(Vec<u32>, usize)> {
    let codec = if raw { "rawunicodeescape" } else { "unicodeescape" };
    let mut data = Cow::Borrowed(data);
    let mut out = Vec::new();
    let mut i = 0;
    while i < data.len() {
        if data[i] != b'\\' {
            out.push(u32::from(data[i]));
            i += 1;
            continue;
        }
        let start = i;
        let Some(&c) = data.get(i + 1) else {
            if !last {
                break;
            }
            if raw {
                out.push(92);
                i += 1;
                continue;
            }
            let end = data.len();
            i = fail(cx, &mut data, Bad { start, end, reason: "\\ at end of string".into() }, errors, codec, &mut out)?;
            continue;
        };
        let count = match c {
            b'x' if !raw => 2,
            b'u' => 4,
            b'U' => 8,
            _ => 0,
        };
        if count > 0 {
            let digits: Vec<u32> = data[i + 2..].iter().take(count).map_while(|d| (*d as char).to_digit(16)).collect();
            if digits.len() < count {
                if !last && i + 2 + digits.len() == data.len() {
                    break;
                }
                let kind = match c {
                    b'x' => "truncated \\xXX escape",
                    b'u' => "truncated \\uXXXX escape",
                    _ => "truncated \\UXXXXXXXX escape",
                };
                i = fail(cx, &mut data, Bad { start, end: i + 2 + digits.len(), reason: kind.into() }, errors, codec, &mut out)?;
                continue;
            }
            let v = digits.iter().fold(0u64, |v, d| v * 16 + u64::from(*d));
            if v > 0x10ffff {
                i = fail(cx, &mut data, Bad { start, end: i + 2 + count, reason: "illegal Unicode character".into() }, errors, codec, &mut out)?;
                continue;
            }
            out.push(v as u32);
            i += 2 + count;
            continue;
        }
        if raw {
            out.push(92);
            i += 1;
            continue;
        }
        i += 2;
        match c {
            b'\n' => {}
            b'\\' | b'\'' | b'"' => out.push(u32::from(c)),
            b'a' => out.push(7),
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'n' => out.push(10),
            b'r' => out.push(13),
            b't' => out.push(9),
            b'v' => out.push(11),
            b'0'..=b'7' => {
                let mut v = u32::from(c - b'0');
                for _ in 0..2 {
                    match data.get(i) {
                        Some(d @ b'0'..=b'7') => {
                            v = v * 8 + u32::from(d - b'0');
                            i += 1;
                        }
                        _ => break,
                    }
                }
                out.push(v);
            }
            b'N' => {
                let end = data[i..].iter().position(|c| *c == b'}').map(|e| i + e);
                let name = match (data.get(i), end) {
                    (Some(b'{'), Some(e)) if e > i + 1 => String::from_utf8_lossy(&data[i + 1..e]).into_owned(),
                    (brace, _) => {
                        // As far as it could be read: to the brace, and all behind it that is not closed.
                        let end = match (brace, end) {
                            (Some(b'{'), Some(_)) => i + 1,
                            (Some(b'{'), None) => data.len(),
                            _ => i,
                        };
                        i = fail(cx, &mut data, Bad { start, end, reason: "malformed \\N character escape".into() }, errors, codec, &mut out)?;
                        continue;
                    }
                };
                let module = retic_runtime::modules::import(cx, "unicodedata")?;
                let n = cx.str(&name)?;
                match protocol::call_method(cx, &module, "lookup", &[n]) {
                    Ok(v) => out.extend(v.cast::<Str>().map(|s| s.code_points()).unwrap_or_default()),
                    Err(_) => {
                        cx.clear_error();
                        let e = end.unwrap_or(i) + 1;
                        i = fail(cx, &mut data, Bad { start, end: e, reason: "unknown Unicode character name".into() }, errors, codec, &mut out)?;
                        continue;
                    }
                }
                i = end.unwrap_or(i) + 1;
            }
            c => out.extend([92, u32::from(c)]),
        }
    }
    Ok((out, i))
}
/// Gives a bad escape to the error handler; where to go on.
/// The error handler of a name, as a callable.
fn handler(cx: &mut Cx, name: &str) -> PyResult {
    if let Some(h) = codecs::lookup_error(cx, name)? {
        return Ok(h);
    }
    match HANDLER_NAMES.iter().position(|h| *h == name) {
        Some(i) => retic_runtime::types::function::builtin(cx, &by_name::FUNCTIONS[i], None, None),
        None => Err(cx.error_of(&cx.types.lookup_error, format!("unknown error handler name '{name}'"))),
    }
}

/// Asks the error handler what stands for a bad part; where to go on, perhaps in other bytes.
fn fail(cx: &mut Cx, data: &mut Cow<'_, [u8]>, bad: Bad, errors: &str, name: &str, out: &mut Vec<u32>) -> PyResult<usize> {
    let registered = codecs::lookup_error(cx, errors)?.is_some();
    match errors {
        _ if registered => {}
        "ignore" => return Ok(bad.end),
        "replace" => {
            out.push(0xfffd);
            return Ok(bad.end);
        }
        "backslashreplace" => {
            out.extend(data[bad.start..bad.end].iter().flat_map(|b| format!("\\x{b:02x}").into_bytes()).map(u32::from));
            return Ok(bad.end);
        }
        "surrogateescape" if data[bad.start] >= 0x80 => {
            let part: Vec<u8> = data[bad.start..bad.end].iter().copied().take(4).take_while(|b| *b >= 0x80).collect();
            out.extend(part.iter().map(|b| 0xdc00 + u32::from(*b)));
            return Ok(bad.start + part.len());
        }
        "strict" | "surrogateescape" | "surrogatepass" => {
            let e = codecs::decode_error(cx, name, data, &bad)?;
            return Err(cx.raise(e));
        }
        _ => {}
    }
    let (replacement, at, other) = codecs::asked_decode(cx, name, data, &bad, errors)?;
    protocol::grow(cx, out, replacement.len())?;
    out.extend(replacement);
    if let Some(other) = other {
        *data = Cow::Owned(other);
    }
    cx.poll_native()?;
    Ok(at)
}

#[retic_macros::methods]
mod by_name {
    //! Error handlers.
    use super::*;
    /// Implements the 'strict' error handling.
    #[py("strict_errors(exception, /)")]
    pub fn strict_errors(cx: &mut Cx, exception: &Obj) -> PyResult {
        handle(cx, exception, "strict")
    }
    /// Implements the 'ignore' error handling.
    #[py("ignore_errors(exception, /)")]
    pub fn ignore_errors(cx: &mut Cx, exception: &Obj) -> PyResult {
        handle(cx, exception, "ignore")
    }
    /// Implements the 'replace' error handling.
    #[py("replace_errors(exception, /)")]
    pub fn replace_errors(cx: &mut Cx, exception: &Obj) -> PyResult {
        handle(cx, exception, "replace")
    }
    /// Implements the 'xmlcharrefreplace' error handling.
    #[py("xmlcharrefreplace_errors(exception, /)")]
    pub fn xmlcharrefreplace_errors(cx: &mut Cx, exception: &Obj) -> PyResult {
        handle(cx, exception, "xmlcharrefreplace")
    }
    /// Implements the 'backslashreplace' error handling.
    #[py("backslashreplace_errors(exception, /)")]
    pub fn backslashreplace_errors(cx: &mut Cx, exception: &Obj) -> PyResult {
        handle(cx, exception, "backslashreplace")
    }
    /// Implements the 'namereplace' error handling.
    #[py("namereplace_errors(exception, /)")]
    pub fn namereplace_errors(cx: &mut Cx, exception: &Obj) -> PyResult {
        handle(cx, exception, "namereplace")
    }
    /// Implements the 'surrogateescape' error handling.
    #[py("surrogateescape(exception, /)")]
    pub fn surrogateescape(cx: &mut Cx, exception: &Obj) -> PyResult {
        handle(cx, exception, "surrogateescape")
    }
    /// Implements the 'surrogatepass' error handling.
    #[py("surrogatepass(exception, /)")]
    pub fn surrogatepass(cx: &mut Cx, exception: &Obj) -> PyResult {
        handle(cx, exception, "surrogatepass")
    }
}
pub(crate) const HANDLER_NAMES: [&str; 8] = ["strict", "ignore", "replace", "xmlcharrefreplace", "backslashreplace", "namereplace", "surrogateescape", "surrogatepass"];

macro_rules! coding_functions {
    ($($encode:ident $decode:ident $encode_sig:literal $decode_sig:literal $coding:expr;)*) => {
        #[retic_macros::methods]
        mod plain {
            //! The built-in encodings.
            use super::*;
            $(
                #[py($encode_sig)]
                pub fn $encode(cx: &mut Cx, str: &Obj, errors: Option<&Ref<Str>>) -> PyResult {
                    encode_with(cx, $coding, str, errors, stringify!($encode))
                }
                #[py($decode_sig)]
                pub fn $decode(cx: &mut Cx, data: &Obj, errors: Option<&Ref<Str>>, r#final: bool) -> PyResult {
                    decode_with(cx, $coding, data, errors, r#final)
                }
            )*
        }
    };
}
coding_functions! {
    utf_8_encode utf_8_decode "utf_8_encode(str, errors=None, /)" "utf_8_decode(data, errors=None, final=False, /)" Coding::Utf8;
    utf_16_le_encode utf_16_le_decode "utf_16_le_encode(str, errors=None, /)" "utf_16_le_decode(data, errors=None, final=False, /)" Coding::Utf16(ByteOrder::Little);
    utf_16_be_encode utf_16_be_decode "utf_16_be_encode(str, errors=None, /)" "utf_16_be_decode(data, errors=None, final=False, /)" Coding::Utf16(ByteOrder::Big);
    utf_32_le_encode utf_32_le_decode "utf_32_le_encode(str, errors=None, /)" "utf_32_le_decode(data, errors=None, final=False, /)" Coding::Utf32(ByteOrder::Little);
    utf_32_be_encode utf_32_be_decode "utf_32_be_encode(str, errors=None, /)" "utf_32_be_decode(data, errors=None, final=False, /)" Coding::Utf32(ByteOrder::Big);
    latin_1_encode latin_1_decode "latin_1_encode(str, errors=None, /)" "latin_1_decode(data, errors=None, final=False, /)" Coding::Latin1;
    ascii_encode ascii_decode "ascii_encode(str, errors=None, /)" "ascii_decode(data, errors=None, final=True, /)" Coding::Ascii;
    utf_16_plain utf_16_decode "_utf_16_plain(str, errors=None, /)" "utf_16_decode(data, errors=None, final=False, /)" Coding::Utf16(ByteOrder::Native);
    utf_32_plain utf_32_decode "_utf_32_plain(str, errors=None, /)" "utf_32_decode(data, errors=None, final=False, /)" Coding::Utf32(ByteOrder::Native);
}

#[retic_macros::methods]
mod functions {
    //! The codec registry and the built-in encodings.
    use super::*;

    /// Register a codec search function.
    #[py("register(search_function, /)")]
    pub fn register(cx: &mut Cx, search_function: &Obj) -> PyResult<()> {
        if search_function.ty().slots(cx).call.is_none() {
            return Err(cx.type_error("argument must be callable"));
        }
        cx.codecs.searches.push(search_function.clone());
        Ok(())
    }
    /// Unregister a codec search function and clear the registry's cache.
    #[py("unregister(search_function, /)")]
    pub fn unregister(cx: &mut Cx, search_function: &Obj) {
        cx.codecs.searches.retain(|s| !s.is(search_function));
        let old = cx.codecs.found.take();
        cx.release(old);
    }
    /// Looks up a codec tuple in the Python codec registry and returns a CodecInfo object.
    #[py("lookup(encoding, /)")]
    pub fn lookup(cx: &mut Cx, encoding: &Ref<Str>) -> PyResult {
        codecs::encode(cx, encoding, "utf-8", "strict")?;
        let e = encoding.to_text(cx);
        codecs::lookup(cx, &e)
    }
    #[py("_forget_codec(encoding, /)")]
    pub fn forget_codec(cx: &mut Cx, encoding: &Obj) -> PyResult<()> {
        if let Some(d) = cx.codecs.found.clone() {
            let old = d.remove(cx, encoding)?;
            cx.release(old);
        }
        Ok(())
    }
    /// Encodes obj using the codec registered for encoding.
    #[py("encode(obj, encoding='utf-8', errors='strict')")]
    pub fn encode(cx: &mut Cx, obj: &Obj, encoding: Option<&Ref<Str>>, errors: Option<&Ref<Str>>) -> PyResult {
        let (e, err) = (encoding.map_or("utf-8".into(), |e| e.to_text(cx)), errors_text(cx, errors));
        let codec = codecs::lookup(cx, &e)?;
        codecs::call_codec(cx, &codec, &e, &err, obj, 0)
    }
    /// Decodes obj using the codec registered for encoding.
    #[py("decode(obj, encoding='utf-8', errors='strict')")]
    pub fn decode(cx: &mut Cx, obj: &Obj, encoding: Option<&Ref<Str>>, errors: Option<&Ref<Str>>) -> PyResult {
        let (e, err) = (encoding.map_or("utf-8".into(), |e| e.to_text(cx)), errors_text(cx, errors));
        let codec = codecs::lookup(cx, &e)?;
        codecs::call_codec(cx, &codec, &e, &err, obj, 1)
    }
    /// Register the specified error handler under the name errors.
    #[py("register_error(errors, handler, /)")]
    pub fn register_error(cx: &mut Cx, errors: &Ref<Str>, handler: &Obj) -> PyResult<()> {
        codecs::register_error(cx, errors.as_obj(), handler)
    }
    #[py("_unregister_error(errors, /)")]
    pub fn unregister_error(cx: &mut Cx, errors: &Ref<Str>) -> PyResult<bool> {
        match cx.codecs.handlers.clone() {
            Some(d) => {
                let old = d.remove(cx, errors.as_obj())?;
                Ok(old.is_some())
            }
            None => Ok(false),
        }
    }
    /// Return the error handler for the specified error handling name.
    #[py("lookup_error(name, /)")]
    pub fn lookup_error(cx: &mut Cx, name: &Ref<Str>) -> PyResult {
        let n = name.to_text(cx);
        handler(cx, &n)
    }
    #[py("utf_16_encode(str, errors=None, byteorder=0, /)")]
    pub fn utf_16_encode(cx: &mut Cx, str: &Obj, errors: Option<&Ref<Str>>, byteorder: i64) -> PyResult {
        let o = [ByteOrder::Little, ByteOrder::Native, ByteOrder::Big][(byteorder.signum() + 1) as usize];
        encode_with(cx, Coding::Utf16(o), str, errors, "utf_16_encode")
    }
    #[py("utf_32_encode(str, errors=None, byteorder=0, /)")]
    pub fn utf_32_encode(cx: &mut Cx, str: &Obj, errors: Option<&Ref<Str>>, byteorder: i64) -> PyResult {
        let o = [ByteOrder::Little, ByteOrder::Native, ByteOrder::Big][(byteorder.signum() + 1) as usize];
        encode_with(cx, Coding::Utf32(o), str, errors, "utf_32_encode")
    }
    #[py("utf_16_ex_decode(data, errors=None, byteorder=0, final=False, /)")]
    pub fn utf_16_ex_decode(cx: &mut Cx, data: &Obj, errors: Option<&Ref<Str>>, byteorder: i64, r#final: bool) -> PyResult {
        decode_order(cx, false, data, errors, byteorder, r#final)
    }
    #[py("utf_32_ex_decode(data, errors=None, byteorder=0, final=False, /)")]
    pub fn utf_32_ex_decode(cx: &mut Cx, data: &Obj, errors: Option<&Ref<Str>>, byteorder: i64, r#final: bool) -> PyResult {
        decode_order(cx, true, data, errors, byteorder, r#final)
    }
    #[py("unicode_escape_encode(str, errors=None, /)")]
    pub fn unicode_escape_encode(cx: &mut Cx, str: &Obj, errors: Option<&Ref<Str>>) -> PyResult {
        let _ = errors;
        let t = text_of(cx, str, "unicode_escape_encode")?;
        let mut out = String::new();
        for c in t.code_points() {
            match c {
                9 => out.push_str("\\t"),
                10 => out.push_str("\\n"),
                13 => out.push_str("\\r"),
                92 => out.push_str("\\\\"),
                32..=126 => out.push(c as u8 as char),
                c => out.push_str(&codecs::escape(c)),
            }
        }
        let b = Bytes::from_slice(cx, out.as_bytes())?;
        pair(cx, b, t.len())
    }
    #[py("unicode_escape_decode(data, errors=None, final=True, /)")]
    pub fn unicode_escape_decode(cx: &mut Cx, data: &Obj, errors: Option<&Ref<Str>>, r#final: bool) -> PyResult {
        let b = escape_input(cx, data)?;
        let e = errors_text(cx, errors);
        let (p, used) = decode_escapes(cx, &b, &e, false, r#final)?;
        warn_of_escapes(cx, &b[..used], "")?;
        let t = cx.str_points(&p)?;
        pair(cx, t, used)
    }
    #[py("raw_unicode_escape_encode(str, errors=None, /)")]
    pub fn raw_unicode_escape_encode(cx: &mut Cx, str: &Obj, errors: Option<&Ref<Str>>) -> PyResult {
        let _ = errors;
        let t = text_of(cx, str, "raw_unicode_escape_encode")?;
        let mut out: Vec<u8> = Vec::new();
        for c in t.code_points() {
            if c < 256 { out.push(c as u8) } else { out.extend(codecs::escape(c).into_bytes()) }
        }
        let b = Bytes::from_slice(cx, &out)?;
        pair(cx, b, t.len())
    }
    #[py("raw_unicode_escape_decode(data, errors=None, final=True, /)")]
    pub fn raw_unicode_escape_decode(cx: &mut Cx, data: &Obj, errors: Option<&Ref<Str>>, r#final: bool) -> PyResult {
        let b = escape_input(cx, data)?;
        let e = errors_text(cx, errors);
        let (p, used) = decode_escapes(cx, &b, &e, true, r#final)?;
        let t = cx.str_points(&p)?;
        pair(cx, t, used)
    }
    #[py("utf_7_encode(str, errors=None, /)")]
    pub fn utf_7_encode(cx: &mut Cx, str: &Obj, errors: Option<&Ref<Str>>) -> PyResult {
        let _ = errors;
        let t = text_of(cx, str, "utf_7_encode")?;
        let b = utf7::encode(cx, &t.code_points())?;
        let b = Bytes::from_slice(cx, &b)?;
        pair(cx, b, t.len())
    }
    #[py("utf_7_decode(data, errors=None, final=False, /)")]
    pub fn utf_7_decode(cx: &mut Cx, data: &Obj, errors: Option<&Ref<Str>>, r#final: bool) -> PyResult {
        let b = protocol::buffer::held(cx, data)?;
        let e = errors_text(cx, errors);
        let (p, used) = utf7::decode(cx, &b, &e, r#final)?;
        let t = cx.str_points(&p)?;
        pair(cx, t, used)
    }
    #[py("escape_encode(data, errors=None, /)")]
    pub fn escape_encode(cx: &mut Cx, data: &Obj, errors: Option<&Ref<Str>>) -> PyResult {
        let _ = errors;
        let Some(b) = data.cast::<Bytes>().map(|b| b.bytes().to_vec()) else {
            return Err(cx.type_error(format!("escape_encode() argument 1 must be bytes, not {}", retic_runtime::native::called(data))));
        };
        let shown = retic_runtime::types::bytes::repr_bytes(&b);
        let mut inner = shown[2..shown.len() - 1].to_string();
        if shown.starts_with("b\"") {
            inner = inner.replace('\'', "\\'");
        }
        let out = Bytes::from_slice(cx, inner.as_bytes())?;
        pair(cx, out, b.len())
    }
    #[py("escape_decode(data, errors=None, /)")]
    pub fn escape_decode(cx: &mut Cx, data: &Obj, errors: Option<&Ref<Str>>) -> PyResult {
        let b = escape_input(cx, data)?;
        let e = errors_text(cx, errors);
        let mut out = Vec::new();
        let mut i = 0;
        while i < b.len() {
            if b[i] != b'\\' {
                out.push(b[i]);
                i += 1;
                continue;
            }
            let Some(&c) = b.get(i + 1) else { return Err(cx.value_error("Trailing \\ in string")) };
            i += 2;
            match c {
                b'\n' => {}
                b'\\' | b'\'' | b'"' => out.push(c),
                b'a' => out.push(7),
                b'b' => out.push(8),
                b'f' => out.push(12),
                b'n' => out.push(10),
                b'r' => out.push(13),
                b't' => out.push(9),
                b'v' => out.push(11),
                b'0'..=b'7' => {
                    let mut v = u32::from(c - b'0');
                    for _ in 0..2 {
                        if let Some(d @ b'0'..=b'7') = b.get(i) {
                            v = v * 8 + u32::from(d - b'0');
                            i += 1;
                        } else {
                            break;
                        }
                    }
                    out.push(v as u8);
                }
                b'x' => match (b.get(i).and_then(|c| (*c as char).to_digit(16)), b.get(i + 1).and_then(|c| (*c as char).to_digit(16))) {
                    (Some(h), Some(l)) => {
                        out.push((h * 16 + l) as u8);
                        i += 2;
                    }
                    (h, _) => match e.as_str() {
                        "ignore" => i += usize::from(h.is_some()),
                        "replace" => {
                            out.push(b'?');
                            i += usize::from(h.is_some());
                        }
                        _ => return Err(cx.value_error(format!("invalid \\x escape at position {}", i - 2))),
                    },
                },
                c => out.extend([b'\\', c]),
            }
        }
        warn_of_escapes(cx, &b, "b")?;
        let r = Bytes::from_slice(cx, &out)?;
        pair(cx, r, b.len())
    }
    #[py("readbuffer_encode(data, errors=None, /)")]
    pub fn readbuffer_encode(cx: &mut Cx, data: &Obj, errors: Option<&Ref<Str>>) -> PyResult {
        let _ = errors;
        let b = escape_input(cx, data)?;
        let r = Bytes::from_slice(cx, &b)?;
        pair(cx, r, b.len())
    }
}

/// Warns of the first escape that means nothing, or an octal one of more than a byte; `kind` stands before the quotes.
fn warn_of_escapes(cx: &mut Cx, data: &[u8], kind: &str) -> PyResult<()> {
    const TAIL: &str = "Such sequences will not work in the future. ";
    let known = |c: u8| b"\n\\'\"abfnrtvx01234567".contains(&c) || kind.is_empty() && b"uUN".contains(&c);
    let mut i = 0;
    let found = loop {
        match data.get(i..) {
            Some([b'\\', c, ..]) if !known(*c) => break format!("{kind}\"\\{}\" is an invalid escape sequence. {TAIL}", char::from(*c)),
            Some([b'\\', a @ b'4'..=b'7', b @ b'0'..=b'7', c @ b'0'..=b'7', ..]) => {
                break format!("{kind}\"\\{}{}{}\" is an invalid octal escape sequence. {TAIL}", char::from(*a), char::from(*b), char::from(*c));
            }
            Some([b'\\', _, ..]) => i += 2,
            Some([_, ..]) => i += 1,
            _ => return Ok(()),
        }
    };
    let category = cx.types.deprecation_warning.clone();
    retic_runtime::modules::warnings::warn(cx, &category, &found, 1)
}

/// Bytes, or text as UTF-8.
fn escape_input(cx: &mut Cx, data: &Obj) -> PyResult<Vec<u8>> {
    match data.cast::<Str>() {
        Some(s) => codecs::encode(cx, s, "utf-8", "strict"),
        None => protocol::buffer::bytes(cx, data),
    }
}

pub fn make(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "_codecs", functions::DOC, functions::FUNCTIONS)?;
    let dict = m.dict.cloned(cx);
    let name = cx.str("_codecs")?;
    for def in plain::FUNCTIONS.iter().chain(charmap::functions::FUNCTIONS) {
        let f = retic_runtime::types::function::builtin(cx, def, Some(m.as_obj().clone()), Some(name.clone()))?;
        dict.set_str(cx, def.name, f)?;
    }

    Ok(m.into_obj())
}
