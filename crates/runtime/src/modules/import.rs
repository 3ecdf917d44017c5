//! Imports. Native modules are made here; for everything else `importlib` from the packed library does the work, as in
//! CPython. It is set going at the first import that needs it, so that programs without imports start fast.

use crate::audit::Told;
use crate::cx::{Cx, PyResult, Raised};
use crate::object::{Obj, Ref};
use crate::protocol;
use crate::types::module::{self, Module};
use crate::types::{CodeObj, Dict, Str, str};

/// What one interpreter knows of imports.
#[derive(Default)]
pub struct State {
    /// `importlib._bootstrap._find_and_load`, once it runs.
    find_and_load: Option<Obj>,
    /// `importlib._bootstrap._lock_unlock_module`.
    lock_unlock: Option<Obj>,
    /// What `_imp.acquire_lock` takes.
    pub lock: super::imp::ImportLock,
    /// `importlib` is being set going.
    starting: bool,
    /// `-X importtime`: how deep imports are nested, and seconds that those inside took.
    pub times: Option<(usize, f64)>,
}

/// The module of that dotted name, imported if it is not there yet.
pub fn import(cx: &mut Cx, name: &str) -> PyResult {
    let modules = cx.modules.clone().expect("made at the start");
    let key = str::intern_text(cx, name)?;
    if let Some(m) = modules.get_str(cx, &key) {
        if m.is_none() {
            return Err(halted(cx, &key));
        }
        if cx.threads.others() > 0 {
            wait_until_whole(cx, &m, &key)?;
        }
        return Ok(m);
    }
    if cx.imports.find_and_load.is_none() {
        if let Some((_, make)) = cx.native_modules.iter().find(|(n, _)| *n == name).copied() {
            let m = make(cx)?;
            super::register(cx, name, &m)?;
            return Ok(m);
        }
        if cx.imports.starting {
            return Err(not_found(cx, &key));
        }
        start(cx)?;
    }
    let Some(find) = cx.imports.find_and_load.clone() else { return Err(not_found(cx, &key)) };
    let importer = cx.builtins.clone().expect("builtins exist");
    let import_name = cx.name("__import__");
    let importer = importer.get_str(cx, &import_name).unwrap_or_else(|| cx.none());
    if cx.is_audited() {
        audit_import(cx, &key)?;
    }
    let before = cx.imports.times;
    let begun = before.map_or(0.0, |_| cx.host.monotonic());
    cx.imports.times = before.map(|(depth, _)| (depth + 1, 0.0));
    let r = protocol::call(cx, &find, &[key.into_obj(), importer]);
    if let Some((depth, others)) = before {
        let took = cx.host.monotonic() - begun;
        let inside = cx.imports.times.map_or(0.0, |t| t.1);
        cx.imports.times = Some((depth, others + took));
        let micro = |seconds: f64| (seconds * 1e6) as i64;
        let line = format!("import time: {:>9} | {:>10} | {:indent$}{name}\n", micro(took - inside), micro(took), "", indent = 2 * depth);
        super::sys::write_error(cx, &line);
    }
    r.map_err(|r| without_importlib_frames(cx, r))
}

/// A module that another thread is still importing is waited for (`_bootstrap._lock_unlock_module`).
fn wait_until_whole(cx: &mut Cx, m: &Obj, name: &Ref<Str>) -> PyResult<()> {
    let Some(wait) = cx.imports.lock_unlock.clone() else { return Ok(()) };
    let spec = cx.name("__spec__");
    let Some(spec) = m.cast::<Module>().and_then(|m| m.dict.get(cx).get_str(cx, &spec)).filter(|s| !s.is_none()) else { return Ok(()) };
    let initializing = cx.name("_initializing");
    let Some(flag) = protocol::lookup_attr(cx, &spec, &initializing)? else { return Ok(()) };
    if protocol::truth(cx, &flag)? {
        let r = protocol::call(cx, &wait, &[name.as_obj().clone()])?;
        cx.release(r);
    }
    Ok(())
}

fn audit_import(cx: &mut Cx, name: &Ref<Str>) -> PyResult<()> {
    let sys = cx.sys.clone().expect("sys is made with the interpreter");
    let mut lists = Vec::new();
    for list in ["path", "meta_path", "path_hooks"] {
        let list = cx.name(list);
        lists.push(protocol::lookup_attr(cx, &sys, &list)?);
    }
    let [path, finders, hooks] = &lists[..] else { return Ok(()) };
    cx.audit("import", &[name.as_obj().into(), Told::Nothing, path.as_ref().into(), finders.as_ref().into(), hooks.as_ref().into()])
}

fn halted(cx: &mut Cx, name: &Ref<Str>) -> Raised {
    let text = format!("import of {} halted; None in sys.modules", name.to_text(cx));
    module_not_found(cx, text, name)
}
fn not_found(cx: &mut Cx, name: &Ref<Str>) -> Raised {
    let text = format!("No module named '{}'", name.to_text(cx));
    module_not_found(cx, text, name)
}
fn module_not_found(cx: &mut Cx, text: String, name: &Ref<Str>) -> Raised {
    let r = cx.error_of(&cx.types.module_not_found_error, text);
    if let Some(e) = cx.error_ref().cloned()
        && let Some(x) = e.cast::<crate::types::Exception>()
    {
        x.set_field(cx, crate::types::exception::fields::place::MODULE, Some(name.as_obj().clone()));
    }
    r
}

/// Runs a module of the packed library under a name and registers it.
fn run_packed(cx: &mut Cx, packed: &str, name: &str) -> PyResult<Ref<Module>> {
    let Some(entry) = cx.library.and_then(|f| f(packed)) else {
        return Err(cx.error_of(&cx.types.import_error, format!("the library has no module '{packed}'")));
    };
    let code = packed_code(cx, packed, &entry)?;
    let m = module::new(cx, name, None)?;
    let package = cx.str("")?;
    m.set(cx, "__package__", package)?;
    super::register(cx, name, m.as_obj())?;
    let globals = m.dict.cloned(cx);
    let r = crate::eval::run_code(cx, &code, &globals, globals.as_obj(), None)?;
    cx.release(r);
    Ok(m)
}

/// The code of a packed module: as it was compiled, or compiled now.
pub fn packed_code(cx: &mut Cx, name: &str, entry: &crate::cx::LibraryModule) -> PyResult<Ref<CodeObj>> {
    if let Some(code) = (entry.code)(name).filter(|_| cx.optimize == 0) {
        return CodeObj::new(cx, code);
    }
    let text = String::from_utf8_lossy(&(entry.source)(name)).into_owned();
    super::compile(cx, crate::cx::CompileRequest { source: &text, filename: &entry.path, mode: "exec", flags: 0, feature_version: 0, optimize: cx.optimize })
}

/// Lists of `sys` that importlib fills when it is set going: whoever asks for one before has it set going.
const FINDERS: [&str; 2] = ["meta_path", "path_hooks"];

/// One of importlib's lists, asked of `sys` before importlib was needed; nothing for all else.
pub fn finders(cx: &mut Cx, module: &Obj, name: &Ref<Str>) -> PyResult<Option<Obj>> {
    let waits = cx.imports.find_and_load.is_none() && !cx.imports.starting && cx.sys.as_ref().is_some_and(|sys| sys.is(module));
    if !waits || !FINDERS.iter().any(|f| name.eq_str(cx, f)) {
        return Ok(None);
    }
    start(cx)?;
    Ok(module.cast::<Module>().and_then(|m| m.dict.get(cx).get_str(cx, name)))
}

/// Sets `importlib` going: its two bootstrap modules, the finders, and the finder of the packed library.
pub fn start(cx: &mut Cx) -> PyResult<()> {
    cx.imports.starting = true;
    let r = started(cx);
    cx.imports.starting = false;
    r
}

fn started(cx: &mut Cx) -> PyResult<()> {
    let imp = import(cx, "_imp")?;
    for name in ["_thread", "_weakref", "_warnings", "marshal", "posix", "_io", "time"] {
        import(cx, name)?;
    }
    let sys = cx.sys.clone().expect("made at the start");
    // What the program has put there before is what counts, and stays as it is.
    let mut own = Vec::new();
    if let Some(m) = sys.cast::<Module>() {
        for name in FINDERS {
            let key = cx.name(name);
            own.push((m.clone(), name, m.dict.get(cx).get_str(cx, &key)));
            let list = cx.list(Vec::new())?;
            m.set(cx, name, list)?;
        }
    }
    let bootstrap = run_packed(cx, "importlib._bootstrap", "_frozen_importlib")?;
    protocol::call_method(cx, bootstrap.as_obj(), "_install", &[sys.clone(), imp])?;
    let external = run_packed(cx, "importlib._bootstrap_external", "_frozen_importlib_external")?;
    let external = external.into_obj();
    bootstrap.set(cx, "_bootstrap_external", external.clone())?;
    protocol::call_method(cx, &external, "_install", &[bootstrap.as_obj().clone()])?;
    run_packed(cx, "_retic_library", "_retic_library")?;
    let name = cx.name("_find_and_load");
    let find = protocol::getattr(cx, bootstrap.as_obj(), &name)?;
    cx.imports.find_and_load = Some(find);
    let name = cx.name("_lock_unlock_module");
    cx.imports.lock_unlock = Some(protocol::getattr(cx, bootstrap.as_obj(), &name)?);
    main_loader(cx)?;
    for (m, name, own) in own {
        if let Some(own) = own {
            m.set(cx, name, own)?;
        }
    }
    Ok(())
}

/// Gives `__main__` its `__loader__`, if importlib goes already: that of the script, or BuiltinImporter where there is no file.
pub fn main_loader(cx: &mut Cx) -> PyResult<()> {
    if cx.imports.find_and_load.is_none() {
        return Ok(());
    }
    let globals = super::main_module(cx)?.dict.cloned(cx);
    let mut known = |key: &'static str| {
        let key = cx.name(key);
        globals.get_str(cx, &key).filter(|v| !v.is_none())
    };
    if known("__loader__").is_some() || known("__spec__").is_some() {
        return Ok(());
    }
    let file = known("__file__").filter(|f| f.cast::<Str>().is_some_and(|f| !f.eq_str(cx, "<stdin>")));
    let loader = match file {
        Some(file) => {
            let external = import(cx, "_frozen_importlib_external")?;
            let main = cx.str("__main__")?;
            protocol::call_method(cx, &external, "SourceFileLoader", &[main, file])?
        }
        None => {
            let bootstrap = import(cx, "_frozen_importlib")?;
            let name = cx.name("BuiltinImporter");
            protocol::getattr(cx, &bootstrap, &name)?
        }
    };
    globals.set_str(cx, "__loader__", loader)
}

/// Tracebacks show the program's import, not importlib's inside: frames of importlib go when the error is an ImportError, or
/// when they end in `_call_with_frames_removed`.
fn without_importlib_frames(cx: &mut Cx, r: Raised) -> Raised {
    use crate::types::traceback::Traceback;
    let Some(exc) = cx.error_ref().cloned() else { return r };
    let Some(e) = exc.cast::<crate::types::Exception>() else { return r };
    let always = exc.ty().is_subtype(cx, &cx.types.import_error);
    let mut all: Vec<Obj> = Vec::new();
    let mut at = e.traceback.cloned(cx);
    while let Some(t) = at {
        at = t.cast::<Traceback>().and_then(|t| t.next.cloned(cx));
        all.push(t);
    }
    let place = |cx: &Cx, t: &Obj| -> Option<(bool, bool)> {
        let (file, name) = crate::types::traceback::place(cx, t)?;
        Some((file.starts_with("<frozen importlib") || &*file == "<frozen _retic_library>", &*name == "_call_with_frames_removed"))
    };
    // Runs of importlib's frames, kept or dropped as a whole.
    let mut keep = vec![true; all.len()];
    let mut i = 0;
    while i < all.len() {
        let start = i;
        let mut ends_removed = false;
        while i < all.len()
            && let Some((true, removed)) = place(cx, &all[i])
        {
            ends_removed = removed;
            i += 1;
        }
        if i > start && (always || ends_removed) {
            keep[start..i].iter_mut().for_each(|k| *k = false);
        }
        i = i.max(start + 1);
    }
    if keep.iter().all(|k| *k) {
        return r;
    }
    let kept: Vec<Obj> = all.into_iter().zip(keep).filter(|(_, k)| *k).map(|(t, _)| t).collect();
    for (i, t) in kept.iter().enumerate() {
        if let Some(t) = t.cast::<Traceback>() {
            t.next.set(cx, kept.get(i + 1).cloned());
        }
    }
    e.traceback.set(cx, kept.first().cloned());
    r
}

/// `__import__`: a name, relative to a package where `level` asks for it; what `fromlist` names is there afterwards.
pub fn dunder_import(cx: &mut Cx, name: &Ref<Str>, globals: Option<&Obj>, fromlist: Option<&Obj>, level: i64) -> PyResult {
    if level < 0 {
        return Err(cx.value_error("level must be >= 0"));
    }
    let text = name.to_text(cx);
    if level == 0 && text.is_empty() {
        return Err(cx.value_error("Empty module name"));
    }
    let full = if level > 0 { resolve(cx, &text, globals, level)? } else { text.clone() };
    let m = import(cx, &full)?;
    let wants_names = match fromlist {
        Some(f) if !f.is_none() => protocol::truth(cx, f)?,
        _ => false,
    };
    if !wants_names {
        let Some((first, _)) = text.split_once('.') else { return Ok(m) };
        if level == 0 {
            return import(cx, first);
        }
        // `from . import a.b` style calls: the part of the full name that belongs to the first word.
        let cut = full.len() - (text.len() - first.len());
        return import(cx, &full[..cut]);
    }
    let path = cx.name("__path__");
    if protocol::lookup_attr(cx, &m, &path)?.is_none() {
        return Ok(m);
    }
    let names = fromlist.cloned().unwrap_or_else(|| cx.none());
    handle_fromlist(cx, &m, &full, &names, false)?;
    Ok(m)
}

/// Imports the submodules that a `from` import names, or `__all__` for it.
fn handle_fromlist(cx: &mut Cx, m: &Obj, full: &str, names: &Obj, of_all: bool) -> PyResult<()> {
    for n in protocol::collect(cx, names)? {
        let Some(s) = n.cast::<Str>() else {
            let list = if of_all { format!("{full}.__all__") } else { "``from list''".into() };
            return Err(cx.type_error(format!("Item in {list} must be str, not {}", n.ty().name_text())));
        };
        if s.eq_str(cx, "*") {
            let all = cx.name("__all__");
            if let Some(list) = protocol::lookup_attr(cx, m, &all)? {
                let list = protocol::collect(cx, &list)?;
                let stars: Vec<Obj> = list.into_iter().filter(|x| !x.cast::<Str>().is_some_and(|s| s.eq_str(cx, "*"))).collect();
                let list = cx.tuple(stars)?;
                handle_fromlist(cx, m, full, &list, true)?;
            }
            continue;
        }
        if protocol::lookup_attr(cx, m, s)?.is_some() {
            continue;
        }
        let sub = format!("{full}.{}", s.to_text(cx));
        if let Err(r) = import(cx, &sub) {
            // A name that is no module is the business of the import statement; errors inside of modules are not swallowed.
            let missing = cx.error_is(&cx.types.module_not_found_error)
                && cx
                    .error_ref()
                    .and_then(|e| e.cast::<crate::types::Exception>().and_then(|x| x.field(cx, crate::types::exception::fields::place::MODULE).cloned()))
                    .is_some_and(|n| n.cast::<Str>().is_some_and(|n| n.eq_str(cx, &sub)));
            let key = str::intern_text(cx, &sub)?;
            let barred = cx.modules.as_ref().and_then(|m| m.get_str(cx, &key)).is_some_and(|m| m.is_none());
            if !missing || barred {
                return Err(r);
            }
            cx.clear_error();
        }
    }
    Ok(())
}

/// The absolute name of a relative import.
fn resolve(cx: &mut Cx, name: &str, globals: Option<&Obj>, level: i64) -> PyResult<String> {
    let Some(g) = globals.and_then(|g| g.cast::<Dict>()).cloned() else {
        return Err(cx.error_of(&cx.types.key_error, "'__name__' not in globals"));
    };
    let get = |cx: &mut Cx, key: &'static str| {
        let key = cx.name(key);
        g.get_str(cx, &key).filter(|v| !v.is_none())
    };
    let no_parent = |cx: &Cx| cx.error_of(&cx.types.import_error, "attempted relative import with no known parent package");
    let parent = cx.name("parent");
    let package = match (get(cx, "__package__"), get(cx, "__spec__")) {
        (Some(package), spec) => {
            let Some(text) = package.cast::<Str>().map(|s| s.to_text(cx)) else { return Err(cx.type_error("package must be a string")) };
            if let Some(spec) = spec {
                let parent = protocol::getattr(cx, &spec, &parent)?;
                if !protocol::equal(cx, &package, &parent)? {
                    super::warnings::warn(cx, &cx.types.deprecation_warning.clone(), "__package__ != __spec__.parent", 1)?;
                }
            }
            text
        }
        (None, Some(spec)) => {
            let parent = protocol::getattr(cx, &spec, &parent)?;
            match parent.cast::<Str>() {
                Some(s) => s.to_text(cx),
                None => return Err(cx.type_error("__spec__.parent must be a string")),
            }
        }
        (None, None) => {
            let text = "can't resolve package from __spec__ or __package__, falling back on __name__ and __path__";
            super::warnings::warn(cx, &cx.types.import_warning.clone(), text, 1)?;
            let Some(name) = get(cx, "__name__") else { return Err(cx.error_of(&cx.types.key_error, "'__name__' not in globals")) };
            let Some(name) = name.cast::<Str>().map(|s| s.to_text(cx)) else { return Err(cx.type_error("__name__ must be a string")) };
            match name.rsplit_once('.') {
                _ if get(cx, "__path__").is_some() => name,
                Some((package, _)) => package.to_string(),
                None => return Err(no_parent(cx)),
            }
        }
    };
    if package.is_empty() {
        return Err(no_parent(cx));
    }
    let mut base = package.as_str();
    for _ in 1..level {
        base = match base.rsplit_once('.') {
            Some((b, _)) => b,
            None => return Err(cx.error_of(&cx.types.import_error, "attempted relative import beyond top-level package")),
        };
    }
    Ok(if name.is_empty() { base.to_string() } else { format!("{base}.{name}") })
}
