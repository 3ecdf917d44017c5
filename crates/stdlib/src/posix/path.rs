//! What a path argument is: text, bytes, a path-like object, or a descriptor.

use retic_runtime::modules::warnings;
use retic_runtime::types::{Bytes, Str, int};
use retic_runtime::{Cx, Obj, PyResult, codecs, protocol};

/// A path as the host takes it, and as the program gave it.
pub struct Path {
    pub bytes: Vec<u8>,
    pub fd: Option<i32>,
    /// The program gave bytes: results are bytes too.
    pub is_bytes: bool,
    /// What errors name: the text or bytes that a path object stands for.
    pub given: Obj,
}

/// The path argument of a function.
pub fn of(cx: &mut Cx, o: &Obj, function: &str, allow_fd: bool) -> PyResult<Path> {
    let p = of_any(cx, o, function, allow_fd)?;
    if p.bytes.contains(&0) {
        let what = if p.is_bytes { "byte" } else { "character" };
        return Err(cx.value_error(format!("{function}: embedded null {what} in path")));
    }
    Ok(p)
}

/// Another argument that is taken like a path, by its name.
pub fn named(cx: &mut Cx, o: &Obj, function: &str, argument: &str) -> PyResult<Path> {
    let p = text_of(cx, o, function, argument, false)?;
    if p.bytes.contains(&0) {
        let what = if p.is_bytes { "byte" } else { "character" };
        return Err(cx.value_error(format!("{function}: embedded null {what} in {argument}")));
    }
    Ok(p)
}

/// A path argument that is only text to the function: zeros may be in it.
pub fn of_any(cx: &mut Cx, o: &Obj, function: &str, allow_fd: bool) -> PyResult<Path> {
    if allow_fd && o.ty().slots(cx).index.is_some() {
        if std::ptr::eq(o.ty(), &*cx.types.bool) {
            let category = cx.types.runtime_warning.clone();
            warnings::warn(cx, &category, "bool is used as a file descriptor", 1)?;
        }
        let i = protocol::index(cx, o)?;
        return match int::to_i64(&i).map_or_else(|| Err(int::to_big(&i).is_some_and(|b| b.is_negative())), |v| i32::try_from(v).map_err(|_| v < 0)) {
            Ok(fd) => Ok(Path { bytes: Vec::new(), fd: Some(fd), is_bytes: false, given: o.clone() }),
            Err(below) => Err(cx.overflow_error(if below { "fd is less than minimum" } else { "fd is greater than maximum" })),
        };
    }
    text_of(cx, o, function, "path", allow_fd)
}

fn text_of(cx: &mut Cx, o: &Obj, function: &str, argument: &str, allow_fd: bool) -> PyResult<Path> {
    let text = match protocol::fspath(cx, o) {
        Ok(t) => t,
        Err(_) if cx.error_is(&cx.types.type_error) && !retic_runtime::protocol::lookup_attr_quiet(cx, o, "__fspath__") => {
            cx.clear_error();
            let what = if allow_fd { "string, bytes, os.PathLike or integer" } else { "string, bytes or os.PathLike" };
            return Err(cx.type_error(format!("{function}: {argument} should be {what}, not {}", o.ty().name_text())));
        }
        Err(r) => return Err(r),
    };
    let (bytes, is_bytes) = match text.cast::<Str>() {
        Some(s) => (codecs::encode(cx, s, "utf-8", "surrogateescape")?, false),
        None => (text.cast::<Bytes>().map(|b| b.bytes().to_vec()).unwrap_or_default(), true),
    };
    Ok(Path { bytes, fd: None, is_bytes, given: text })
}

/// A name from the host as the program wants it.
pub fn name(cx: &mut Cx, bytes: &[u8], as_bytes: bool) -> PyResult {
    if as_bytes { Bytes::from_slice(cx, bytes) } else { codecs::decode(cx, bytes, "utf-8", "surrogateescape") }
}
