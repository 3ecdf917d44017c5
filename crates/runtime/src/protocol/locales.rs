//! Texts of the place where the user is, and how numbers are written there.

use crate::codecs;
use crate::cx::{Cx, PyResult};
use crate::host::locales::category;
use crate::types::Str;
use retic_numbers::locale::Locale;

/// Bytes of a category as text.
pub fn text(cx: &mut Cx, bytes: &[u8], of: i32) -> PyResult {
    if bytes.is_ascii() {
        return cx.str(&String::from_utf8_lossy(bytes));
    }
    let encoding = cx.host.locale_encoding(of);
    codecs::decode(cx, bytes, &encoding, "surrogateescape")
}
/// As `text`, for Rust; what is no text in the category's encoding is read as UTF-8, with U+FFFD for what is none there.
pub fn plain_text(cx: &mut Cx, bytes: &[u8], of: i32) -> String {
    match text(cx, bytes, of) {
        Ok(t) => t.cast::<Str>().map_or(String::new(), |s| s.to_text(cx)),
        Err(_) => {
            cx.clear_error();
            String::from_utf8_lossy(bytes).into_owned()
        }
    }
}

/// How numbers are written where the user chose another locale than C for them; `None`: as in C.
pub fn numbers(cx: &mut Cx) -> Option<Locale> {
    if !cx.host.is_foreign(category::NUMERIC) {
        return None;
    }
    let c = cx.host.conventions();
    let (point, separator) = (plain_text(cx, &c.decimal_point, category::NUMERIC), plain_text(cx, &c.thousands_sep, category::NUMERIC));
    Some(Locale { point, separator, groups: c.grouping })
}
