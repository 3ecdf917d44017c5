//! Modules tied to the machine, and finding modules by name.

pub(crate) mod atexit;
pub mod builtins;
pub mod gc;
pub mod imp;
pub mod import;
mod lens;
pub mod marshal;
pub mod site;
pub mod sys;
pub mod thread;
pub(crate) mod tracemalloc;
pub mod warnings;
pub mod weakref;

pub use import::import;

use crate::cx::{CompileRequest, Cx, PyResult};
use crate::object::{Obj, Ref};
use crate::types::module::{self, Module};
use crate::types::{CodeObj, Dict, Str};

/// Makes builtins and sys.
pub(crate) fn install(cx: &mut Cx) -> PyResult<()> {
    cx.modules = Some(Dict::new(cx)?);
    let b = builtins::make(cx)?;
    cx.builtins = Some(b.dict.cloned(cx));
    register(cx, "builtins", b.as_obj())?;
    let s = sys::make(cx)?;
    cx.sys = Some(s.as_obj().clone());
    register(cx, "sys", s.as_obj())?;
    cx.native_modules.extend([
        ("gc", gc::make as fn(&mut Cx) -> PyResult),
        ("_weakref", weakref::make),
        ("_retic", lens::make),
        ("atexit", atexit::make),
        ("_imp", imp::make),
        ("marshal", marshal::make),
        ("_warnings", warnings::make),
        ("_thread", thread::make),
        ("_tracemalloc", tracemalloc::make),
    ]);
    Ok(())
}

fn register(cx: &mut Cx, name: &str, m: &Obj) -> PyResult<()> {
    let key = cx.str(name)?;
    let modules = cx.modules.clone().expect("made first");
    modules.insert(cx, &key, m.clone())?;
    Ok(())
}

/// `__main__`, made on demand.
pub fn main_module(cx: &mut Cx) -> PyResult<Ref<Module>> {
    let key = cx.name("__main__");
    let modules = cx.modules.clone().expect("made at the start");
    if let Some(m) = modules.get_str(cx, &key).and_then(|m| m.downcast::<Module>().ok()) {
        return Ok(m);
    }
    let m = module::new(cx, "__main__", None)?;
    let b = cx.builtins_module();
    m.set(cx, "__builtins__", b)?;
    register(cx, "__main__", m.as_obj())?;
    Ok(m)
}

/// Empties a module's namespace: names with one underscore first, then the rest, in order.
fn clear_namespace(cx: &mut Cx, d: &Ref<Dict>) {
    for private in [true, false] {
        for (k, v) in d.entries(cx) {
            let name = k.cast::<Str>().map(|s| s.to_text(cx)).unwrap_or_default();
            let is_private = name.starts_with('_') && !name.starts_with("__");
            if v.is_none() || name == "__builtins__" || private != is_private {
                continue;
            }
            drop(v);
            let none = cx.none();
            if let Ok(old) = d.insert(cx, &k, none) {
                cx.release(old);
            }
        }
    }
}

/// Lets go of all modules: first by taking them out of `sys.modules` in order, so that namespaces nobody else holds die
/// as they stand; then, after a collection, by emptying those that are left, last imported first.
/// The names in `sys` and `builtins` that keep the program's objects alive: None first of all (CPython's pylifecycle.c,
/// `finalize_modules_delete_special`).
fn forget_in_sys(cx: &mut Cx) {
    let none = cx.none();
    if let Some(b) = cx.builtins.clone() {
        let key = cx.name("_");
        if let Ok(old) = b.insert(cx, key.as_obj(), none.clone()) {
            cx.release(old);
        }
    }
    let Some(sys) = cx.sys.as_ref().and_then(|s| s.cast::<Module>()).map(|m| m.dict.cloned(cx)) else { return };
    let names = ["path", "argv", "ps1", "ps2", "last_exc", "last_type", "last_value", "last_traceback", "path_hooks", "path_importer_cache", "meta_path", "__interactivehook__"];
    for name in names {
        let key = cx.name(name);
        if sys.get_str(cx, &key).is_some()
            && let Ok(old) = sys.insert(cx, key.as_obj(), none.clone())
        {
            cx.release(old);
        }
    }
}

pub(crate) fn finalize(cx: &mut Cx) {
    cx.finalizing = true;
    cx.imports = Default::default();
    cx.command = None;
    forget_in_sys(cx);
    let Some(modules) = cx.modules.clone() else { return };
    let mut left = Vec::new();
    for (k, m) in modules.entries(cx) {
        let name = k.cast::<Str>().map(|s| s.to_text(cx)).unwrap_or_default();
        if matches!(name.as_str(), "sys" | "builtins") {
            continue;
        }
        let none = cx.none();
        if let Ok(old) = modules.insert(cx, &k, none) {
            cx.release(old);
        }
        // Those that others hold are remembered weakly: the collection may find that only garbage does.
        if m.count() > 1 {
            let weak = cx.types.weakref.clone();
            match crate::types::weakref::make(cx, &weak, &m, None) {
                Ok(w) => left.push(w),
                Err(_) => cx.clear_error(),
            }
        }
        cx.release(m);
    }
    crate::memory::cycles::collect(cx, 2);
    while let Some(w) = left.pop() {
        let m = crate::types::weakref::target(&w);
        cx.release(w);
        let Some(m) = m else { continue };
        if let Some(dict) = m.cast::<Module>().map(|m| m.dict.cloned(cx)) {
            clear_namespace(cx, &dict);
        }
        cx.release(m);
    }
    crate::lens::phase(cx, retic_events::Phase::FinalCollection);
    crate::memory::cycles::collect(cx, 2);
    cx.warnings = warnings::State::Gone;
}

/// The module of that name if it was imported already.
pub fn is_imported(cx: &mut Cx, name: &str) -> Option<Obj> {
    let key = crate::types::str::intern_text(cx, name).ok()?;
    cx.modules.clone()?.get_str(cx, &key).filter(|m| !m.is_none())
}

/// Source to a code object through the installed compiler.
pub fn compile(cx: &mut Cx, request: CompileRequest<'_>) -> PyResult<Ref<CodeObj>> {
    let Some(hook) = cx.compile_hook else { return Err(cx.runtime_error("no compiler is installed")) };
    let code = hook(cx, request)?;
    CodeObj::new(cx, code)
}
