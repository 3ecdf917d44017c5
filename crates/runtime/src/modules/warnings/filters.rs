//! The filters: what happens to a warning.

use super::{Kept, kept, library};
use crate::cx::{Cx, PyResult};
use crate::object::Obj;
use crate::protocol;
use crate::types::{Dict, List, Str, Tuple, int};

/// What an interpreter begins with: the filters of a release build.
pub(super) fn initial(cx: &mut Cx) -> PyResult<Kept> {
    let t = &cx.types;
    let classes = [&t.deprecation_warning, &t.deprecation_warning, &t.pending_deprecation_warning, &t.import_warning, &t.resource_warning].map(|c| c.as_obj().clone());
    let mut items = Vec::with_capacity(classes.len());
    for (i, class) in classes.into_iter().enumerate() {
        // Programs see what they do themselves.
        let main = i == 0;
        let action = cx.name(if main { "default" } else { "ignore" }).into_obj();
        let module = if main { cx.name("__main__").into_obj() } else { cx.none() };
        items.push(cx.tuple_of([action, cx.none(), class, module, cx.int(0)?])?);
    }
    let thread = crate::modules::import(cx, "_thread")?;
    Ok(Kept {
        filters: cx.list(items)?,
        once: Dict::new(cx)?.into_obj(),
        default_action: cx.name("default").into_obj(),
        version: 1,
        lock: protocol::call_method(cx, &thread, "RLock", &[])?,
        context: None,
    })
}

/// `_warnings_context`: the variable whose value holds the filters, where they follow the context.
pub(super) fn context_variable(cx: &mut Cx) -> PyResult {
    if let Some(found) = kept(cx)?.and_then(|k| k.context.clone()) {
        return Ok(found);
    }
    let m = crate::modules::import(cx, "_contextvars")?;
    let name = cx.str("warnings_context")?;
    let made = protocol::call_method(cx, &m, "ContextVar", &[name])?;
    if let Some(k) = kept(cx)? {
        k.context = Some(made.clone());
    }
    Ok(made)
}

/// The filters of the current context; none where they do not follow it, or nobody set any.
fn of_context(cx: &mut Cx) -> PyResult<Option<Obj>> {
    let sys = cx.sys.clone().expect("sys is made with the interpreter");
    let (flags, aware) = (cx.name("flags"), cx.name("context_aware_warnings"));
    let Some(flags) = protocol::lookup_attr(cx, &sys, &flags)? else { return Ok(None) };
    let aware = protocol::lookup_attr(cx, &flags, &aware)?;
    if aware.and_then(|a| int::to_i64(&a)).unwrap_or(0) == 0 {
        return Ok(None);
    }
    let (variable, none) = (context_variable(cx)?, cx.none());
    let context = protocol::call_method(cx, &variable, "get", &[none])?;
    if context.is_none() {
        return Ok(None);
    }
    let key = cx.name("_filters");
    protocol::getattr(cx, &context, &key).map(Some)
}

/// What is to happen with a warning, and the filter that says so (None: it is what happens by default).
pub(super) fn action(cx: &mut Cx, category: &Obj, text: &Obj, line: i64, module: &Obj) -> PyResult<(Obj, Obj)> {
    let list = match of_context(cx)? {
        Some(filters) => filters,
        None => {
            if let Some(filters) = library(cx, "filters", false)?
                && let Some(k) = kept(cx)?
            {
                let before = std::mem::replace(&mut k.filters, filters);
                cx.release(before);
            }
            kept(cx)?.map(|k| k.filters.clone()).unwrap_or_else(|| cx.none())
        }
    };
    let Some(list) = list.cast::<List>().cloned() else { return Err(cx.value_error("_warnings.filters must be a list")) };
    let mut at = 0;
    while let Some(item) = list.items(cx).get(at).cloned() {
        cx.poll_native()?;
        let parts = item.cast::<Tuple>().map(|t| t.items()).filter(|p| p.len() == 5);
        let Some([action, message, class, place, number]) = parts else {
            return Err(cx.value_error(format!("warnings.filters item {at} isn't a 5-tuple")));
        };
        if action.cast::<Str>().is_none() {
            return Err(cx.type_error(format!("action must be a string, not '{}'", action.ty().name_text())));
        }
        let fits_text = matches(cx, message, text)?;
        let fits_module = matches(cx, place, module)?;
        let fits_class = protocol::issubclass(cx, category, class)?;
        if number.cast::<crate::types::Int>().is_none() {
            return Err(cx.type_error("an integer is required"));
        }
        let number = int::to_i64(number).ok_or_else(|| cx.overflow_error("Python int too large to convert to C ssize_t"))?;
        if fits_text && fits_module && fits_class && (number == 0 || number == line) {
            return Ok((action.clone(), item.clone()));
        }
        at += 1;
    }
    let by_default = match library(cx, "defaultaction", false)? {
        Some(found) if found.cast::<Str>().is_none() => {
            return Err(cx.type_error(format!("_warnings.defaultaction must be a string, not '{}'", found.ty().name_text())));
        }
        Some(found) => {
            if let Some(k) = kept(cx)? {
                k.default_action = found.clone();
            }
            found
        }
        None => kept(cx)?.map(|k| k.default_action.clone()).unwrap_or_else(|| cx.none()),
    };
    Ok((by_default, cx.none()))
}

/// Whether a part of a filter takes a text: None takes all, a plain text itself, and anything else what its `match` takes.
fn matches(cx: &mut Cx, part: &Obj, text: &Obj) -> PyResult<bool> {
    if part.is_none() {
        return Ok(true);
    }
    if part.shape() == crate::object::shape::STR {
        if text.cast::<Str>().is_none() {
            return Err(cx.type_error(format!("Can't compare {} and {}", part.ty().name_text(), text.ty().name_text())));
        }
        return protocol::equal(cx, part, text);
    }
    let found = protocol::call_method(cx, part, "match", std::slice::from_ref(text))?;
    protocol::truth(cx, &found)
}
