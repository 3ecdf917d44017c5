//! What a path argument is: text, bytes, a path-like object, or a descriptor.

use retic_runtime::types::{Bytes, Str};
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

/// Whether an object has a way to say its path.
fn is_path(cx: &mut Cx, o: &Obj) -> bool {
    let name = cx.name("__fspath__");
    o.ty().lookup(cx, &name).is_some_and(|f| !f.is_none())
}

/// A folder to be read: a path or a descriptor, or None.
pub fn of_folder(cx: &mut Cx, o: &Obj, function: &str) -> PyResult<Path> {
    if o.ty().slots(cx).index.is_none() && !is_path(cx, o) && o.cast::<Str>().is_none() && o.cast::<Bytes>().is_none() {
        return Err(cx.type_error(format!("{function}: path should be string, bytes, os.PathLike, integer or None, not {}", o.ty().name_text())));
    }
    of(cx, o, function, true)
}

/// Text, bytes or a path-like object, where a function has no words of its own for what is none of them.
pub fn any(cx: &mut Cx, o: &Obj) -> PyResult<Vec<u8>> {
    let text = protocol::fspath(cx, o)?;
    let bytes = match text.cast::<Str>() {
        Some(s) => codecs::encode(cx, s, "utf-8", "surrogateescape")?,
        None => text.cast::<Bytes>().map(|b| b.bytes().to_vec()).unwrap_or_default(),
    };
    if bytes.contains(&0) { Err(cx.value_error("embedded null byte")) } else { Ok(bytes) }
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
        let fd = super::arguments::plain_fd(cx, o)?;
        return Ok(Path { bytes: Vec::new(), fd: Some(fd), is_bytes: false, given: o.clone() });
    }
    text_of(cx, o, function, "path", allow_fd)
}

fn text_of(cx: &mut Cx, o: &Obj, function: &str, argument: &str, allow_fd: bool) -> PyResult<Path> {
    let text = match protocol::fspath(cx, o) {
        Ok(t) => t,
        Err(_) if cx.error_is(&cx.types.type_error) && !is_path(cx, o) => {
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
