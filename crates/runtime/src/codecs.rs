//! Text encodings: the ones built in (UTF-8, UTF-16, UTF-32, Latin-1, ASCII), error handlers, and the registry of others.
//! As CPython's `Objects/unicodeobject.c` and `Python/codecs.c` behave.

mod engine;
mod errors;

pub use engine::{ByteOrder, Coding, Decoded, decode_part, encode_points};
pub use errors::{Bad, Replacement, asked_decode, decode_error, encode_error, escape, lookup_error, names_for, on_decode, on_encode, register_error};

use crate::cx::{Cx, PyResult};
use crate::object::{Obj, Ref};
use crate::protocol;
use crate::types::{Bytes, Dict, Str, Tuple};

/// What one interpreter knows of codecs.
#[derive(Default)]
pub struct Registry {
    /// Search functions, in order of registration.
    pub searches: Vec<Obj>,
    /// Normalised name to codec tuple.
    pub found: Option<Ref<Dict>>,
    /// Name to error handler, the ones registered by programs.
    pub handlers: Option<Ref<Dict>>,
    /// The package `encodings` has been asked to register itself.
    pub started: bool,
}

/// Lower case, with everything but letters, digits and dots as one underscore: how names of codecs are compared.
pub fn normalized(name: &str) -> String {
    let mut out = String::new();
    let mut gap = false;
    for c in name.chars() {
        if c.is_alphanumeric() || c == '.' {
            if gap && !out.is_empty() {
                out.push('_');
            }
            gap = false;
            out.extend(c.to_lowercase());
        } else {
            gap = true;
        }
    }
    out
}

/// Whether a name is one of the usual ones under which ASCII text and its bytes are the same.
pub fn keeps_ascii(encoding: &Str) -> bool {
    let name: Option<&[u8]> = encoding.ascii_bytes();
    matches!(name, Some(b"utf-8" | b"utf8" | b"UTF-8" | b"ascii" | b"latin-1" | b"latin1"))
}

/// The built-in coding of that name.
pub fn built_in(name: &str) -> Option<Coding> {
    match name {
        "utf-8" | "utf8" => return Some(Coding::Utf8),
        "latin-1" => return Some(Coding::Latin1),
        "ascii" => return Some(Coding::Ascii),
        _ => {}
    }
    Some(match normalized(name).as_str() {
        "utf_8" | "utf8" => Coding::Utf8,
        "latin_1" | "latin1" | "iso_8859_1" | "iso8859_1" | "l1" => Coding::Latin1,
        "ascii" | "us_ascii" => Coding::Ascii,
        "utf_16" | "utf16" => Coding::Utf16(ByteOrder::Native),
        "utf_16_le" | "utf_16le" => Coding::Utf16(ByteOrder::Little),
        "utf_16_be" | "utf_16be" => Coding::Utf16(ByteOrder::Big),
        "utf_32" | "utf32" => Coding::Utf32(ByteOrder::Native),
        "utf_32_le" | "utf_32le" => Coding::Utf32(ByteOrder::Little),
        "utf_32_be" | "utf_32be" => Coding::Utf32(ByteOrder::Big),
        _ => return None,
    })
}

/// `bytes.decode`: text of a whole byte string.
pub fn decode(cx: &mut Cx, bytes: &[u8], encoding: &str, errors: &str) -> PyResult {
    if let Some(coding) = built_in(encoding) {
        return Ok(decode_part(cx, coding, bytes, errors, true)?.text);
    }
    let data = Bytes::from_slice(cx, bytes)?;
    let text = through_registry(cx, encoding, errors, &data, 1)?;
    if text.cast::<Str>().is_none() {
        return Err(cx.type_error(format!("'{encoding}' decoder returned '{}' instead of 'str'; use codecs.decode() to decode to arbitrary types", text.ty().name_text())));
    }
    Ok(text)
}

/// `str.encode`.
pub fn encode(cx: &mut Cx, text: &Ref<Str>, encoding: &str, errors: &str) -> PyResult<Vec<u8>> {
    if let Some(coding) = built_in(encoding) {
        return encode_points(cx, coding, text, errors);
    }
    let bytes = through_registry(cx, encoding, errors, text.as_obj(), 0)?;
    match bytes.cast::<Bytes>() {
        Some(b) => Ok(b.bytes().to_vec()),
        None => Err(cx.type_error(format!("'{encoding}' encoder returned '{}' instead of 'bytes'; use codecs.encode() to encode to arbitrary types", bytes.ty().name_text()))),
    }
}

/// Calls the encoder (0) or decoder (1) of a registered codec; the first item of its answer.
pub fn through_registry(cx: &mut Cx, encoding: &str, errors: &str, value: &Obj, which: usize) -> PyResult {
    let codec = lookup(cx, encoding)?;
    let flag = cx.name("_is_text_encoding");
    if let Some(f) = protocol::lookup_attr(cx, &codec, &flag)?
        && !protocol::truth(cx, &f)?
    {
        let (what, with) = if which == 0 { ("encode", "codecs.encode()") } else { ("decode", "codecs.decode()") };
        let _ = what;
        return Err(cx.error_of(&cx.types.lookup_error, format!("'{encoding}' is not a text encoding; use {with} to handle arbitrary codecs")));
    }
    call_codec(cx, &codec, encoding, errors, value, which)
}

/// As `through_registry` for a codec already found. An exception of the codec's gets a note.
pub fn call_codec(cx: &mut Cx, codec: &Obj, encoding: &str, errors: &str, value: &Obj, which: usize) -> PyResult {
    let key = cx.int(which as i64)?;
    let f = protocol::getitem(cx, codec, &key)?;
    let errors = cx.str(errors)?;
    let pair = match protocol::call(cx, &f, &[value.clone(), errors]) {
        Ok(pair) => pair,
        Err(r) => {
            let Some(e) = cx.take_error() else { return Err(r) };
            let note = cx.str(&format!("{} with '{encoding}' codec failed", if which == 0 { "encoding" } else { "decoding" }))?;
            protocol::call_method(cx, &e, "add_note", &[note])?;
            return Err(cx.raise(e));
        }
    };
    match pair.cast::<Tuple>().map(|t| t.items()) {
        Some([first, _]) => Ok(first.clone()),
        _ => Err(cx.type_error(if which == 0 { "encoder must return a tuple (object, integer)" } else { "decoder must return a tuple (object, integer)" })),
    }
}

/// The codec tuple registered under a name: the search functions are asked in order, the answer is kept.
pub fn lookup(cx: &mut Cx, encoding: &str) -> PyResult {
    if encoding.contains('\0') {
        return Err(cx.value_error("embedded null character"));
    }
    if !cx.codecs.started {
        cx.codecs.started = true;
        // The package registers its search function when it is imported.
        crate::modules::import(cx, "encodings")?;
    }
    let key = cx.str(&encoding.to_lowercase().replace(' ', "-"))?;
    let found = match cx.codecs.found.clone() {
        Some(d) => d,
        None => {
            let d = Dict::new(cx)?;
            cx.codecs.found = Some(d.clone());
            d
        }
    };
    if let Some(c) = found.get(cx, &key)? {
        return Ok(c);
    }
    let name = cx.str(&normalized(encoding))?;
    for search in cx.codecs.searches.clone() {
        let codec = protocol::call(cx, &search, &[name.clone()])?;
        if codec.is_none() {
            continue;
        }
        if codec.cast::<Tuple>().is_none_or(|t| t.items().len() != 4) {
            return Err(cx.type_error("codec search functions must return 4-tuples"));
        }
        let old = found.insert(cx, &key, codec.clone())?;
        cx.release(old);
        return Ok(codec);
    }
    Err(cx.error_of(&cx.types.lookup_error, format!("unknown encoding: {encoding}")))
}

/// A text in UTF-8; UnicodeEncodeError where half a surrogate pair is in it.
pub fn utf8(cx: &mut Cx, text: &Ref<Str>) -> PyResult<Vec<u8>> {
    engine::encode_points(cx, engine::Coding::Utf8, text, "strict")
}
