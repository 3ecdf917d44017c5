//! One warning: where it belongs, whether it was given before, and giving it.

use super::{filters, kept, library};
use crate::cx::{Cx, PyResult};
use crate::object::{Obj, Ref};
use crate::protocol;
use crate::types::{Dict, Str, Tuple};
use std::rc::Rc;

/// A warning and what it is about.
pub(super) struct Warning {
    /// A text, or an instance of a class of warnings.
    pub message: Obj,
    pub category: Obj,
    pub file: Obj,
    pub line: i64,
    /// The name of the module; none: as the file's.
    pub module: Option<Obj>,
    /// What was given before, a dict or None.
    pub registry: Option<Obj>,
    pub source_line: Option<Obj>,
    /// The object that a ResourceWarning is about.
    pub source: Option<Obj>,
}

/// Where in the program a warning belongs.
struct Place {
    file: Obj,
    line: i64,
    globals: Ref<Dict>,
}

/// Gives a warning about the frame so many levels up, from 1 on.
pub(super) fn warn(cx: &mut Cx, message: Obj, category: Obj, level: i64, source: Option<Obj>, prefixes: Option<Ref<Tuple>>) -> PyResult<()> {
    let Some(place) = place(cx, level, prefixes.as_ref())? else { return Ok(()) };
    let key = cx.name("__warningregistry__");
    let registry = match place.globals.get_str(cx, &key) {
        Some(r) => r,
        None => {
            let made = Dict::new(cx)?.into_obj();
            let old = place.globals.insert(cx, key.as_obj(), made.clone())?;
            cx.release(old);
            made
        }
    };
    let name = cx.name("__name__");
    let module = match place.globals.get_str(cx, &name).filter(|n| n.is_none() || n.cast::<Str>().is_some()) {
        Some(name) => name,
        None => cx.str("<string>")?,
    };
    give(cx, Warning { message, category, file: place.file, line: place.line, module: Some(module), registry: Some(registry), source_line: None, source })
}

/// The frame a warning belongs to, and `sys` where there are not so many.
fn place(cx: &mut Cx, mut level: i64, prefixes: Option<&Ref<Tuple>>) -> PyResult<Option<Place>> {
    let files: Vec<Rc<str>> = cx.stacks.iter().map(|f| f.function().code.get(cx).code().filename.clone()).collect();
    // Seen from the importing machinery, its own frames count.
    let all = level <= 0 || files.first().is_some_and(|f| is_internal(f));
    let mut at = 0;
    while level > 1 && at < files.len() {
        level -= 1;
        at += 1;
        while !all && let Some(file) = files.get(at) {
            if !is_internal(file) && !is_skipped(cx, file, prefixes)? {
                break;
            }
            at += 1;
        }
    }
    if let Some(f) = cx.stacks.iter().nth(at) {
        let function = f.function();
        let code = function.code.get(cx);
        let (file, line) = (code.code().filename.clone(), code.line_at(f.offset()));
        return Ok(Some(Place { file: cx.str(&file)?, line: i64::from(line), globals: function.globals.cloned(cx) }));
    }
    let sys = cx.sys.as_ref().and_then(|s| s.cast::<crate::types::module::Module>()).map(|m| m.dict.cloned(cx));
    let Some(globals) = sys else { return Ok(None) };
    Ok(Some(Place { file: cx.str("<sys>")?, line: 0, globals }))
}

/// Whether a file is the importing machinery's.
fn is_internal(file: &str) -> bool {
    file.contains("importlib") && file.contains("_bootstrap")
}

fn is_skipped(cx: &mut Cx, file: &str, prefixes: Option<&Ref<Tuple>>) -> PyResult<bool> {
    for prefix in prefixes.into_iter().flat_map(|p| p.items()) {
        cx.poll_native()?;
        let Some(prefix) = prefix.cast::<Str>() else {
            return Err(cx.type_error(format!("Found non-str '{}' in skip_file_prefixes.", prefix.ty().name_text())));
        };
        if file.starts_with(&prefix.to_text(cx)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Gives a warning, unless a filter or what was given before keeps it back; it is raised where a filter says so.
pub(super) fn give(cx: &mut Cx, w: Warning) -> PyResult<()> {
    let module = match &w.module {
        // A module's namespace is emptied as the interpreter ends.
        Some(m) if m.is_none() => return Ok(()),
        Some(m) => m.clone(),
        None => module_of(cx, &w.file)?,
    };
    let registry = match w.registry.as_ref().filter(|r| !r.is_none()).map(|r| r.cast::<Dict>()) {
        None => None,
        Some(Some(d)) => Some(d.clone()),
        Some(None) => return Err(cx.type_error("'registry' must be a dict or None")),
    };
    let warning = cx.types.warning.as_obj().clone();
    let (text, category, message) = if protocol::isinstance(cx, &w.message, &warning)? {
        (protocol::str(cx, &w.message)?, w.message.type_ref().into_obj(), w.message.clone())
    } else {
        let made = protocol::call(cx, &w.category, std::slice::from_ref(&w.message))?;
        (w.message.clone(), w.category.clone(), made)
    };
    let line = cx.int(w.line)?;
    let key = cx.tuple_of([text.clone(), category.clone(), line.clone()])?;
    if let Some(r) = &registry
        && given_before(cx, r, &key, false)?
    {
        return Ok(());
    }
    let (action, item) = filters::action(cx, &category, &text, w.line, &module)?;
    let action = action.cast::<Str>().map(|s| s.to_text(cx)).unwrap_or_default();
    match action.as_str() {
        "error" => return Err(raised(cx, &category, message)),
        "ignore" => return Ok(()),
        "always" | "all" => {}
        _ => {
            if let Some(r) = &registry {
                let yes = cx.bool(true);
                let old = r.insert(cx, &key, yes)?;
                cx.release(old);
            }
            let of_all_lines = cx.tuple_of([text.clone(), category.clone()])?;
            let again = match (action.as_str(), &registry) {
                ("once", Some(r)) | ("module", Some(r)) => given_before(cx, r, &of_all_lines, true)?,
                ("once", None) => {
                    let Some(once) = once_registry(cx)? else { return Ok(()) };
                    given_before(cx, &once, &of_all_lines, true)?
                }
                ("default" | "module", _) => false,
                _ => {
                    let (action, item) = (cx.str(&action)?, item);
                    let (action, item) = (protocol::repr_text(cx, &action)?, protocol::repr_text(cx, &item)?);
                    return Err(cx.runtime_error(format!("Unrecognized action ({action}) in warnings.filters:\n {item}")));
                }
            };
            if again {
                return Ok(());
            }
        }
    }
    show(cx, &w, category, text, message, line)
}

/// The error that a warning has become.
fn raised(cx: &mut Cx, category: &Obj, message: Obj) -> crate::cx::Raised {
    let base = cx.types.base_exception.clone();
    if message.ty().is_subtype(cx, &base) {
        return cx.raise(message);
    }
    match protocol::repr_text(cx, category) {
        Ok(shown) => cx.system_error(format!("_PyErr_SetObject: exception {shown} is not a BaseException subclass")),
        Err(r) => r,
    }
}

/// The name of a module as its file says it.
fn module_of(cx: &mut Cx, file: &Obj) -> PyResult {
    let text = protocol::str_text(cx, file)?;
    match text.strip_suffix(".py") {
        Some(stem) => cx.str(stem),
        None if text.is_empty() => cx.str("<unknown>"),
        None => Ok(file.clone()),
    }
}

/// Whether a registry has a key, which it gets if `set`. A registry made under other filters forgets all.
fn given_before(cx: &mut Cx, registry: &Ref<Dict>, key: &Obj, set: bool) -> PyResult<bool> {
    let Some(now) = kept(cx)?.map(|k| k.version) else { return Ok(true) };
    let name = cx.name("version");
    let of = registry.get_str(cx, &name).filter(|v| v.shape() == crate::object::shape::INT);
    if of.and_then(|v| crate::types::int::to_i64(&v)) == Some(now) {
        if let Some(given) = registry.get(cx, key)?
            && protocol::truth(cx, &given)?
        {
            return Ok(true);
        }
    } else {
        registry.clear_now(cx);
        let version = cx.int(now)?;
        let old = registry.insert(cx, name.as_obj(), version)?;
        cx.release(old);
    }
    if set {
        let yes = cx.bool(true);
        let old = registry.insert(cx, key, yes)?;
        cx.release(old);
    }
    Ok(false)
}

/// What remembers warnings that are given once and belong to no registry.
fn once_registry(cx: &mut Cx) -> PyResult<Option<Ref<Dict>>> {
    if let Some(found) = library(cx, "onceregistry", false)? {
        if found.cast::<Dict>().is_none() {
            return Err(cx.type_error(format!("_warnings.onceregistry must be a dict, not '{}'", found.ty().name_text())));
        }
        if let Some(k) = kept(cx)? {
            k.once = found;
        }
    }
    Ok(kept(cx)?.and_then(|k| k.once.cast::<Dict>().cloned()))
}

/// Hands a warning to `warnings._showwarnmsg`, or writes it as that does where the module is not there.
fn show(cx: &mut Cx, w: &Warning, category: Obj, text: Obj, message: Obj, line: Obj) -> PyResult<()> {
    let Some(shower) = library(cx, "_showwarnmsg", w.source.is_some())? else {
        if write(cx, w, &category, &text).is_err() {
            cx.clear_error();
        }
        return Ok(());
    };
    if shower.ty().slots(cx).call.is_none() {
        return Err(cx.type_error("warnings._showwarnmsg() must be set to a callable"));
    }
    let Some(class) = library(cx, "WarningMessage", false)? else { return Err(cx.runtime_error("unable to get warnings.WarningMessage")) };
    let none = cx.none();
    let source = w.source.clone().unwrap_or_else(|| none.clone());
    let told = protocol::call(cx, &class, &[message, category, w.file.clone(), line, none.clone(), none, source])?;
    let done = protocol::call(cx, &shower, &[told])?;
    cx.release(done);
    Ok(())
}

fn write(cx: &mut Cx, w: &Warning, category: &Obj, text: &Obj) -> PyResult<()> {
    let (name, stderr) = (cx.name("__name__"), cx.name("stderr"));
    let name = protocol::getattr(cx, category, &name)?;
    let sys = cx.sys.clone().expect("sys is made with the interpreter");
    let Some(stream) = protocol::lookup_attr(cx, &sys, &stderr)? else {
        cx.host.write_stderr(b"lost sys.stderr\n");
        return Ok(());
    };
    let file = protocol::str_text(cx, &w.file)?;
    let source_line = match &w.source_line {
        Some(line) => Some(protocol::str_text(cx, line)?),
        None => crate::types::traceback::source_bytes(cx, &file).and_then(|bytes| {
            let at = usize::try_from(w.line - 1).ok()?;
            String::from_utf8_lossy(&bytes).lines().nth(at).map(str::to_string)
        }),
    };
    let source_line = source_line.as_deref().map(|l| l.trim_matches([' ', '\t', '\x0c'])).filter(|l| !l.is_empty());
    let pieces = [w.file.clone(), cx.str(&format!(":{}: ", w.line))?, name, cx.str(": ")?, text.clone(), cx.str("\n")?];
    for piece in pieces {
        let piece = protocol::str(cx, &piece)?;
        let wrote = protocol::call_method(cx, &stream, "write", &[piece])?;
        cx.release(wrote);
    }
    if let Some(line) = source_line {
        let line = cx.str(&format!("  {line}\n"))?;
        let wrote = protocol::call_method(cx, &stream, "write", &[line])?;
        cx.release(wrote);
    }
    Ok(())
}

/// The line of a module's source, from its loader; none where there is no loader, or it has no source.
pub(super) fn line_from_loader(cx: &mut Cx, globals: &Ref<Dict>, line: i64) -> PyResult<Option<Obj>> {
    let bootstrap = crate::modules::import(cx, "_frozen_importlib_external")?;
    let loader = protocol::call_method(cx, &bootstrap, "_bless_my_loader", &[globals.as_obj().clone()])?;
    let (name, get_source) = (cx.name("__name__"), cx.name("get_source"));
    let Some(name) = globals.get_str(cx, &name) else { return Ok(None) };
    let Some(get_source) = protocol::lookup_attr(cx, &loader, &get_source)? else { return Ok(None) };
    let source = protocol::call(cx, &get_source, &[name])?;
    if source.is_none() {
        return Ok(None);
    }
    if source.cast::<Str>().is_none() {
        return Err(cx.type_error(format!("must be str, not {}", source.ty().name_text())));
    }
    let (class, key) = (cx.types.str.as_obj().clone(), cx.name("splitlines"));
    let splitlines = protocol::getattr(cx, &class, &key)?;
    let lines = protocol::call(cx, &splitlines, &[source])?;
    let at = cx.int(line - 1)?;
    protocol::getitem(cx, &lines, &at).map(Some)
}
