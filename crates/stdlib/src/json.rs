//! `_json`: what the package `json` does character by character.

mod read;
mod write;

use retic_runtime::interp;
use retic_runtime::types::module;
use retic_runtime::{Cx, Obj, PyResult, Ref, types::Str};

/// A text argument of a function of this module.
fn text<'a>(cx: &Cx, o: &'a Obj) -> PyResult<&'a Ref<Str>> {
    o.cast::<Str>().ok_or_else(|| cx.type_error(format!("first argument must be a string, not {}", o.ty().name_text())))
}

#[retic_macros::methods]
mod functions {
    //! json speedups
    use super::*;

    /// encode_basestring(string) -> string
    ///
    /// Return a JSON representation of a Python string
    #[py("encode_basestring(string, /)", "($self, object, /)")]
    pub fn encode_basestring(cx: &mut Cx, string: &Obj) -> PyResult {
        let mut out = write::Text::default();
        write::quote(text(cx, string)?, false, &mut out);
        out.finish(cx)
    }
    /// encode_basestring_ascii(string) -> string
    ///
    /// Return an ASCII-only JSON representation of a Python string
    #[py("encode_basestring_ascii(string, /)", "($self, object, /)")]
    pub fn encode_basestring_ascii(cx: &mut Cx, string: &Obj) -> PyResult {
        let mut out = write::Text::default();
        write::quote(text(cx, string)?, true, &mut out);
        out.finish(cx)
    }
    /// scanstring(string, end, strict=True) -> (string, end)
    ///
    /// Scan the string s for a JSON string. End is the index of the
    /// character in s after the quote that started the JSON string.
    /// Unescapes all valid JSON string escape sequences and raises ValueError
    /// on attempt to decode an invalid string. If strict is False then literal
    /// control characters are allowed in the string.
    ///
    /// Returns a tuple of the decoded string and the index of the character in s
    /// after the end quote.
    #[py("scanstring(string, end, strict=True, /)", "")]
    pub fn scanstring(cx: &mut Cx, string: &Obj, end: i64, strict: bool) -> PyResult {
        let s = text(cx, string)?.clone();
        let Some(from) = usize::try_from(end).ok().filter(|e| *e <= s.len()) else { return Err(cx.value_error("end is out of bounds")) };
        let (value, end) = read::string(cx, &s, from, strict)?;
        let pair = vec![value, cx.int(end as i64)?];
        cx.tuple(pair)
    }
}

pub fn make(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "_json", functions::DOC, functions::FUNCTIONS)?;
    let object = cx.types.object.clone();
    let scanner = interp::native_type(cx, &read::spec(), &object)?;
    m.set(cx, "make_scanner", scanner.into_obj())?;
    let encoder = interp::native_type(cx, &write::spec(), &object)?;
    m.set(cx, "make_encoder", encoder.into_obj())?;
    Ok(m.into_obj())
}
