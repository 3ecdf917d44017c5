//! `_warnings`: which warnings are given, and where; those of the machine itself go the same way (Python/_warnings.c).
//! `Lib/warnings.py` shows them once it is imported.

mod filters;
mod report;

use crate::cx::{Cx, PyResult};
use crate::object::{Obj, Ref};
use crate::protocol;
use crate::types::{Dict, Str, Tuple, Type, module};
use report::Warning;

/// What `_warnings` keeps for an interpreter.
#[derive(Default)]
pub enum State {
    #[default]
    Unmade,
    Made(Box<Kept>),
    /// The interpreter ends: no warning is given any more.
    Gone,
}
#[derive(Clone)]
pub struct Kept {
    /// The list seen last as `warnings.filters`.
    filters: Obj,
    once: Obj,
    default_action: Obj,
    /// Counts changes of the filters; registries that remember another number are out of date.
    version: i64,
    /// A reentrant lock.
    lock: Obj,
    /// The context variable of the filters, where warnings follow the context.
    context: Option<Obj>,
}

fn kept(cx: &mut Cx) -> PyResult<Option<&mut Kept>> {
    if matches!(cx.warnings, State::Unmade) {
        let made = filters::initial(cx)?;
        cx.warnings = State::Made(Box::new(made));
    }
    match &mut cx.warnings {
        State::Made(kept) => Ok(Some(kept)),
        _ => Ok(None),
    }
}

/// An attribute of the module `warnings`, if there is both; `import`: the module is fetched if it can be.
fn library(cx: &mut Cx, name: &'static str, import: bool) -> PyResult<Option<Obj>> {
    let module = if import && !cx.finalizing {
        match super::import(cx, "warnings") {
            Ok(m) => m,
            Err(_) if cx.error_is(&cx.types.import_error) => {
                cx.clear_error();
                return Ok(None);
            }
            Err(r) => return Err(r),
        }
    } else {
        let key = cx.name("warnings");
        match cx.modules.as_ref().and_then(|m| m.get_str(cx, &key)) {
            Some(m) => m,
            None => return Ok(None),
        }
    };
    let name = cx.name(name);
    protocol::lookup_attr(cx, &module, &name)
}

/// Gives a warning about the code that is running.
pub fn warn(cx: &mut Cx, category: &Ref<Type>, text: &str, stack_level: i64) -> PyResult<()> {
    let text = cx.str(text)?;
    report::warn(cx, text, category.as_obj().clone(), stack_level, None, None)
}

/// Tells of an object that dies open: a ResourceWarning "unclosed ..." with its repr. Errors go where those of finalisers go.
pub fn unclosed(cx: &mut Cx, o: &Obj, what: &str) {
    let shown = protocol::repr_text(cx, o);
    let warned = shown.and_then(|shown| {
        let text = cx.str(&format!("unclosed {what}{shown}"))?;
        let category = cx.types.resource_warning.as_obj().clone();
        report::warn(cx, text, category, 1, Some(o.clone()), None)
    });
    if warned.is_err() {
        cx.unraisable(o);
    }
}

/// Gives a warning about a line of a file.
pub fn warn_at(cx: &mut Cx, category: &Ref<Type>, text: &str, file: &str, line: i64) -> PyResult<()> {
    let (text, file) = (cx.str(text)?, cx.str(file)?);
    report::give(cx, Warning { message: text, category: category.as_obj().clone(), file, line, module: None, registry: None, source_line: None, source: None })
}

/// Warns that a coroutine dies which nobody awaited. Errors go where those of finalisers go.
pub fn unawaited(cx: &mut Cx, coroutine: &Obj) {
    let told = match library(cx, "_warn_unawaited_coroutine", true) {
        Ok(Some(tell)) => protocol::call(cx, &tell, std::slice::from_ref(coroutine)).map(|r| cx.release(r)).map(|()| true),
        Ok(None) => Ok(false),
        Err(r) => Err(r),
    };
    let told = told.unwrap_or_else(|_| {
        let as_error = cx.error_is(&cx.types.runtime_warning);
        cx.unraisable(coroutine);
        as_error
    });
    if told {
        return;
    }
    let key = cx.name("__qualname__");
    let warned = protocol::getattr(cx, coroutine, &key).and_then(|name| protocol::str_text(cx, &name)).and_then(|name| {
        let text = cx.str(&format!("coroutine '{name}' was never awaited"))?;
        let category = cx.types.runtime_warning.as_obj().clone();
        report::warn(cx, text, category, 1, Some(coroutine.clone()), None)
    });
    if warned.is_err() {
        cx.unraisable(coroutine);
    }
}

/// The class of a warning: of the message itself, or the class asked for.
fn category_of(cx: &mut Cx, message: &Obj, category: Option<&Obj>) -> PyResult {
    let warning = cx.types.warning.clone();
    if protocol::isinstance(cx, message, warning.as_obj())? {
        return Ok(message.type_ref().into_obj());
    }
    let Some(category) = category else { return Ok(cx.types.user_warning.as_obj().clone()) };
    if category.cast::<Type>().is_some() && protocol::issubclass(cx, category, warning.as_obj())? {
        return Ok(category.clone());
    }
    Err(cx.type_error(format!("category must be a Warning subclass, not '{}'", category.ty().name_text())))
}

#[retic_macros::methods]
mod functions {
    //! _warnings provides basic warning filtering support.
    //! It is a helper module to speed up interpreter start-up.
    use super::*;

    /// Issue a warning, or maybe ignore it or raise an exception.
    ///
    /// `message` is the text of the warning, or a warning itself, and `category` a class of warnings (`UserWarning` if it
    /// is not given). `stacklevel` says how far up the call stack the warning appears: 2 stands for the caller of the
    /// function that calls `warn`. `source` is the object that a ResourceWarning is about. Frames of files whose names
    /// begin with one of `skip_file_prefixes`, a tuple, are not counted.
    #[py("warn(message, category=None, stacklevel=1, source=None, *, skip_file_prefixes=<unrepresentable>)")]
    pub fn warn(cx: &mut Cx, message: &Obj, category: Option<&Obj>, stacklevel: i64, source: Option<&Obj>, skip_file_prefixes: Option<&Obj>) -> PyResult<()> {
        let prefixes = match skip_file_prefixes.map(|p| (p.cast::<Tuple>(), p)) {
            None => None,
            Some((Some(t), _)) => Some(t.clone()).filter(|t| !t.items().is_empty()),
            Some((None, p)) => return Err(cx.type_error(format!("warn() argument 'skip_file_prefixes' must be tuple, not {}", p.ty().name_text()))),
        };
        let category = category_of(cx, message, category)?;
        // With prefixes, the function that warns is never what the warning is about.
        let level = if prefixes.is_some() { stacklevel.max(2) } else { stacklevel };
        report::warn(cx, message.clone(), category, level, source.cloned(), prefixes)
    }
    /// Issue a warning, or maybe ignore it or raise an exception.
    ///
    /// As `warn`, about a line of a file. `registry` remembers what was given before; from `module_globals`, the line is
    /// found where the module's loader knows it.
    #[py("warn_explicit(message, category, filename, lineno, module=<unrepresentable>, registry=None, module_globals=None, source=None)")]
    #[allow(clippy::too_many_arguments)]
    pub fn warn_explicit(
        cx: &mut Cx,
        message: &Obj,
        category: &Obj,
        filename: &Obj,
        lineno: i32,
        module: Option<&Obj>,
        registry: Option<&Obj>,
        module_globals: Option<&Obj>,
        source: Option<&Obj>,
    ) -> PyResult<()> {
        if filename.cast::<Str>().is_none() {
            return Err(cx.type_error(format!("warn_explicit() argument 'filename' must be str, not {}", filename.ty().name_text())));
        }
        let line = i64::from(lineno);
        let source_line = match module_globals {
            None => None,
            Some(g) => match g.cast::<Dict>().cloned() {
                Some(globals) => report::line_from_loader(cx, &globals, line)?,
                None => return Err(cx.type_error(format!("module_globals must be a dict, not '{}'", g.ty().name_text()))),
            },
        };
        let [message, category, file] = [message, category, filename].map(Obj::clone);
        let (module, registry, source) = (module.cloned(), registry.cloned(), source.cloned());
        report::give(cx, Warning { message, category, file, line, module, registry, source_line, source })
    }
    #[py("_filters_mutated_lock_held()")]
    pub fn filters_mutated_lock_held(cx: &mut Cx) -> PyResult<()> {
        let Some(lock) = kept(cx)?.map(|k| k.lock.clone()) else { return Ok(()) };
        let owned = protocol::call_method(cx, &lock, "_is_owned", &[])?;
        if !protocol::truth(cx, &owned)? {
            return Err(cx.runtime_error("warnings lock is not held"));
        }
        if let Some(k) = kept(cx)? {
            k.version += 1;
        }
        Ok(())
    }
    #[py("_acquire_lock()")]
    pub fn acquire_lock(cx: &mut Cx) -> PyResult<()> {
        let Some(lock) = kept(cx)?.map(|k| k.lock.clone()) else { return Ok(()) };
        protocol::call_method(cx, &lock, "acquire", &[]).map(drop)
    }
    #[py("_release_lock()")]
    pub fn release_lock(cx: &mut Cx) -> PyResult<()> {
        let Some(lock) = kept(cx)?.map(|k| k.lock.clone()) else { return Ok(()) };
        protocol::call_method(cx, &lock, "release", &[]).map(drop)
    }
}

pub fn make(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "_warnings", functions::DOC, functions::FUNCTIONS)?;
    if let Some(k) = kept(cx)?.cloned() {
        m.set(cx, "filters", k.filters)?;
        m.set(cx, "_onceregistry", k.once)?;
        m.set(cx, "_defaultaction", k.default_action)?;
    }
    let context = filters::context_variable(cx)?;
    m.set(cx, "_warnings_context", context)?;
    Ok(m.into_obj())
}
