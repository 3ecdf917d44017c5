//! `open` and its kin.

use super::{buffered, fileio, text};
use retic_runtime::types::Str;
use retic_runtime::{Cx, Obj, PyResult, Ref, protocol};

/// A mode text taken apart.
struct Mode {
    raw: String,
    binary: bool,
    updating: bool,
    reading: bool,
}

fn mode_of(cx: &Cx, mode: &str) -> PyResult<Mode> {
    let invalid = || cx.value_error(format!("invalid mode: '{mode}'"));
    let has = |c: char| mode.contains(c);
    if mode.chars().any(|c| !"axrwb+t".contains(c)) || mode.chars().enumerate().any(|(i, c)| mode.chars().skip(i + 1).any(|d| d == c)) {
        return Err(invalid());
    }
    if has('b') && has('t') {
        return Err(cx.value_error("can't have text and binary mode at once"));
    }
    if ['r', 'w', 'a', 'x'].iter().filter(|c| has(**c)).count() != 1 {
        return Err(cx.value_error("must have exactly one of create/read/write/append mode"));
    }
    let raw = mode.chars().filter(|c| !"bt".contains(*c)).collect();
    Ok(Mode { raw, binary: has('b'), updating: has('+'), reading: has('r') })
}

#[retic_macros::methods]
pub mod functions {
    //! The io module provides the Python interfaces to stream handling. The builtin open function is defined in this module.
    use super::*;

    /// Open file and return a stream.  Raise OSError upon failure.
    #[py("open(file, mode='r', buffering=-1, encoding=None, errors=None, newline=None, closefd=True, opener=None)")]
    pub fn open(
        cx: &mut Cx,
        file: &Obj,
        mode: Option<&Ref<Str>>,
        buffering: i64,
        encoding: Option<&Ref<Str>>,
        errors: Option<&Ref<Str>>,
        newline: Option<&Ref<Str>>,
        closefd: bool,
        opener: Option<&Obj>,
    ) -> PyResult {
        // A path object is no more than its text from here on.
        let slots = file.ty().slots(cx);
        let number = slots.index.is_some() || slots.int.is_some() || slots.float.is_some();
        let file = &if number { file.clone() } else { crate::posix::fspath(cx, file)? };
        let mode_text = mode.map_or("r".into(), |m| m.to_text(cx));
        let m = mode_of(cx, &mode_text)?;
        for (given, what) in [(encoding.is_some(), "an encoding"), (errors.is_some(), "an errors"), (newline.is_some(), "a newline")] {
            if m.binary && given {
                return Err(cx.value_error(format!("binary mode doesn't take {what} argument")));
            }
        }
        if m.binary && buffering == 1 {
            let category = cx.types.runtime_warning.clone();
            let text = "line buffering (buffering=1) isn't supported in binary mode, the default buffer size will be used";
            retic_runtime::modules::warnings::warn(cx, &category, text, 1)?;
        }
        let raw = fileio::open(cx, file, &m.raw, closefd, opener)?;
        let raw_obj = raw.as_obj().clone();
        let made = (|| {
            let tty = buffering < 0 && cx.host.isatty(raw.fd.get());
            let line_buffering = buffering == 1 || tty;
            if buffering == 0 {
                return if m.binary { Ok(raw_obj.clone()) } else { Err(cx.value_error("can't have unbuffered text I/O")) };
            }
            let size = if buffering > 1 { buffering as usize } else { super::super::BUFFER_BYTES * 16 };
            let class = if m.updating {
                if !fileio::FileIo::seekable(cx, &raw)? {
                    return Err(super::super::unsupported(cx, "File or stream is not seekable."));
                }
                "_io.BufferedRandom"
            } else if m.reading {
                "_io.BufferedReader"
            } else {
                "_io.BufferedWriter"
            };
            let from_start = !mode_text.contains('a') && opener.is_none() && file.cast::<Str>().is_some();
            let b = if from_start { buffered::over_new(cx, class, &raw_obj, size)? } else { buffered::over(cx, class, &raw_obj, size)? }.into_obj();
            if m.binary {
                return Ok(b);
            }
            if encoding.is_none() {
                super::super::warn_of_default_encoding(cx, 1)?;
            }
            let handler = errors.map(|e| e.to_text(cx));
            text::check_errors(cx, handler.as_deref())?;
            let t = text::over(cx, &b, encoding, errors, newline, line_buffering)?;
            let (key, value) = (cx.name("mode"), cx.str(&mode_text)?);
            protocol::setattr(cx, &t, &key, Some(&value))?;
            Ok(t)
        })();
        if made.is_err() {
            let saved = cx.take_error();
            if protocol::call_method(cx, &raw_obj, "close", &[]).is_err() {
                cx.clear_error();
            }
            if let Some(e) = saved {
                return Err(cx.raise(e));
            }
        }
        made
    }
    /// Opens the provided file with the intent to import the contents.
    #[py("open_code(path)")]
    pub fn open_code(cx: &mut Cx, path: &Ref<Str>) -> PyResult {
        let raw = fileio::open(cx, path.as_obj(), "rb", true, None)?.into_obj();
        Ok(buffered::over(cx, "_io.BufferedReader", &raw, super::super::BUFFER_BYTES * 16)?.into_obj())
    }
    /// A helper function to choose the text encoding.
    #[py("text_encoding(encoding, stacklevel=2, /)")]
    pub fn text_encoding(cx: &mut Cx, encoding: &Obj, stacklevel: i64) -> PyResult {
        if !encoding.is_none() {
            return Ok(encoding.clone());
        }
        super::super::warn_of_default_encoding(cx, stacklevel)?;
        let utf8 = super::super::flag(cx, "utf8_mode")?;
        cx.str(if utf8 { "utf-8" } else { "locale" })
    }
}
