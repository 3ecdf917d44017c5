//! `_warnings`, and warnings that the machine itself gives. Filters and formats are those of `Lib/warnings.py`; this module
//! only hands over to it.

use crate::cx::{Cx, PyResult};
use crate::object::{Obj, Ref};
use crate::protocol;
use crate::types::{Type, module};

/// The module `warnings`; nothing where it cannot be had, or while it is being imported because of another warning.
fn library(cx: &mut Cx) -> PyResult<Option<Obj>> {
    if cx.imports.for_warning {
        return Ok(None);
    }
    cx.imports.for_warning = true;
    let found = super::import(cx, "warnings");
    cx.imports.for_warning = false;
    match found {
        Ok(m) => Ok(Some(m)),
        Err(_) if cx.error_is(&cx.types.import_error) => {
            cx.clear_error();
            Ok(None)
        }
        Err(e) => Err(e),
    }
}

fn forward(cx: &mut Cx, name: &'static str, args: &[Obj], kwargs: &[(&Obj, &Obj)]) -> PyResult {
    let Some(m) = library(cx)? else { return Ok(cx.none()) };
    let name = cx.name(name);
    let f = protocol::getattr(cx, &m, &name)?;
    protocol::call_keywords(cx, &f, args, kwargs)
}

/// Gives a warning about the code that is running.
pub fn warn(cx: &mut Cx, category: &Ref<Type>, text: &str, stack_level: i64) -> PyResult<()> {
    if cx.finalizing {
        // The library's filters are gone.
        return Ok(());
    }
    let args = [cx.str(text)?, category.as_obj().clone(), cx.int(stack_level)?];
    forward(cx, "warn", &args, &[]).map(drop)
}

/// Tells of an object that dies open: a ResourceWarning "unclosed ..." with its repr. Errors go where those of finalisers go.
pub fn unclosed(cx: &mut Cx, o: &Obj, what: &str) {
    let warned = match crate::protocol::repr_text(cx, o) {
        Ok(text) => {
            let category = cx.types.resource_warning.clone();
            warn(cx, &category, &format!("unclosed {what}{text}"), 1)
        }
        Err(r) => Err(r),
    };
    if warned.is_err() {
        cx.unraisable(o);
    }
}

/// Gives a warning about a line of a file.
pub fn warn_at(cx: &mut Cx, category: &Ref<Type>, text: &str, file: &str, line: i64) -> PyResult<()> {
    if cx.finalizing {
        // The library's filters are gone.
        return Ok(());
    }
    let args = [cx.str(text)?, category.as_obj().clone(), cx.str(file)?, cx.int(line)?];
    forward(cx, "warn_explicit", &args, &[]).map(drop)
}

/// Warns that a coroutine dies which nobody awaited.
pub fn unawaited(cx: &mut Cx, coroutine: &Obj) -> PyResult<()> {
    if cx.finalizing {
        // The library's filters are gone.
        let key = cx.name("__qualname__");
        let name = protocol::getattr(cx, coroutine, &key)?;
        let name = protocol::str_text(cx, &name)?;
        cx.host.write_stderr(format!("<sys>:0: RuntimeWarning: coroutine '{name}' was never awaited\n").as_bytes());
        return Ok(());
    }
    forward(cx, "_warn_unawaited_coroutine", &[coroutine.clone()], &[]).map(drop)
}

#[retic_macros::methods]
mod functions {
    //! Low-level interface to warnings functionality.
    use super::*;

    /// Issue a warning, or maybe ignore it or raise an exception.
    #[py("warn(*args, **kwargs)")]
    pub fn warn(cx: &mut Cx, args: &[Obj], kwargs: Vec<(&Obj, &Obj)>) -> PyResult {
        forward(cx, "warn", args, &kwargs)
    }
    /// Issue a warning, or maybe ignore it or raise an exception.
    #[py("warn_explicit(*args, **kwargs)")]
    pub fn warn_explicit(cx: &mut Cx, args: &[Obj], kwargs: Vec<(&Obj, &Obj)>) -> PyResult {
        forward(cx, "warn_explicit", args, &kwargs)
    }
}

pub fn make(cx: &mut Cx) -> PyResult {
    Ok(module::of_functions(cx, "_warnings", functions::DOC, functions::FUNCTIONS)?.into_obj())
}
