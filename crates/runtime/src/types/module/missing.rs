//! What is said where a module has not what is asked of it: the sentence names what most likely went wrong (CPython's
//! moduleobject.c, `_Py_module_getattro_impl`, and ceval.c, `_PyEval_ImportFrom`).

use super::Module;
use crate::cx::{Cx, PyResult, Raised};
use crate::object::{Obj, Ref};
use crate::protocol;
use crate::types::{Set, Str};

/// What a module's spec tells.
struct Origin {
    /// The file, where the spec has a location.
    file: Option<String>,
    /// The file lies where the program does, under the name of a module of the library.
    shadows_library: bool,
    /// The file lies where the program does.
    shadows: bool,
    /// The module's code runs yet.
    initializing: bool,
}

fn origin(cx: &mut Cx, spec: &Obj, module: &Obj) -> PyResult<Origin> {
    let mut out = Origin { file: None, shadows_library: false, shadows: false, initializing: flag(cx, spec, "_initializing")? };
    if flag(cx, spec, "has_location")?
        && let Some(file) = attribute(cx, spec, "origin")?.and_then(|o| o.cast::<Str>().map(|s| s.to_text(cx)))
    {
        out.shadows = beside_program(cx, &file);
        out.file = Some(file);
    }
    if out.shadows
        && let Some(sys) = cx.sys.clone()
        && let Some(names) = attribute(cx, &sys, "stdlib_module_names")?
        && names.cast::<Set>().is_some()
    {
        out.shadows_library = protocol::contains(cx, &names, module)?;
    }
    Ok(out)
}

fn attribute(cx: &mut Cx, of: &Obj, name: &'static str) -> PyResult<Option<Obj>> {
    let key = cx.name(name);
    protocol::lookup_attr(cx, of, &key)
}
fn flag(cx: &mut Cx, of: &Obj, name: &'static str) -> PyResult<bool> {
    match attribute(cx, of, name)? {
        Some(v) => protocol::truth(cx, &v),
        None => Ok(false),
    }
}

/// Whether the file, or the package that it begins, lies in the folder that `sys.path` started with.
fn beside_program(cx: &mut Cx, file: &str) -> bool {
    let Some(folder) = cx.program_folder.clone() else { return false };
    let Some((mut root, last)) = file.rsplit_once('/') else { return false };
    if last == "__init__.py" {
        root = root.rsplit_once('/').map_or("", |(up, _)| up);
    }
    if folder.is_empty() {
        return cx.host.cwd().is_ok_and(|cwd| cwd == root.as_bytes());
    }
    folder == root
}

/// What is said of an attribute that a module has not.
pub(super) fn attribute_text(cx: &mut Cx, m: &Ref<Module>, attribute: &str) -> PyResult<String> {
    let (name_key, spec_key) = (cx.name("__name__"), cx.name("__spec__"));
    let Some(name_obj) = m.dict.get(cx).get_str(cx, &name_key).filter(|n| n.cast::<Str>().is_some()) else {
        return Ok(format!("module has no attribute '{attribute}'"));
    };
    let name = protocol::str_text(cx, &name_obj)?;
    let Some(spec) = m.dict.get(cx).get_str(cx, &spec_key).filter(|s| !s.is_none()) else {
        return Ok(format!("module '{name}' has no attribute '{attribute}'"));
    };
    let from = origin(cx, &spec, &name_obj)?;
    Ok(match from {
        Origin { shadows_library: true, file: Some(file), .. } => format!(
            "module '{name}' has no attribute '{attribute}' (consider renaming '{file}' since it has the same name as the standard library module named '{name}' \
             and the import system gives it precedence)"
        ),
        Origin { initializing: true, shadows: true, file: Some(file), .. } => {
            format!("module '{name}' has no attribute '{attribute}' (consider renaming '{file}' if it has the same name as a library you intended to import)")
        }
        Origin { initializing: true, file: Some(file), .. } => {
            format!("partially initialized module '{name}' from '{file}' has no attribute '{attribute}' (most likely due to a circular import)")
        }
        Origin { initializing: true, .. } => format!("partially initialized module '{name}' has no attribute '{attribute}' (most likely due to a circular import)"),
        _ => {
            let key = cx.name("_uninitialized_submodules");
            if let Some(list) = protocol::lookup_attr(cx, &spec, &key)? {
                let wanted = cx.str(attribute)?;
                if protocol::contains(cx, &list, &wanted)? {
                    return Ok(format!("cannot access submodule '{attribute}' of module '{name}' (most likely due to a circular import)"));
                }
            }
            format!("module '{name}' has no attribute '{attribute}'")
        }
    })
}

/// `from m import *` met a name that is no text, in `__all__` or else in the module's dictionary.
pub(crate) fn odd_name(cx: &mut Cx, m: &Obj, name: &Obj, in_all: bool) -> PyResult<Raised> {
    let module = match attribute(cx, m, "__name__")? {
        Some(n) => protocol::str_text(cx, &n)?,
        None => NAMELESS.into(),
    };
    let (what, list) = if in_all { ("Item", "__all__") } else { ("Key", "__dict__") };
    Ok(cx.type_error(format!("{what} in {module}.{list} must be str, not {}", name.ty().name_text())))
}

/// What a module without a name is called.
const NAMELESS: &str = "<unknown module name>";

/// `from m import name`: the attribute, or the module of that name below it.
pub(crate) fn import_from(cx: &mut Cx, m: &Obj, name: &Ref<Str>) -> PyResult {
    if let Some(v) = protocol::lookup_attr(cx, m, name)? {
        return Ok(v);
    }
    let module = attribute(cx, m, "__name__")?.filter(|n| n.cast::<Str>().is_some());
    if let Some(module) = &module {
        let full = format!("{}.{}", protocol::str_text(cx, module)?, name.to_text(cx));
        if let Some(modules) = cx.modules.clone() {
            let key = cx.str_ref(&full)?;
            if let Some(v) = modules.get_str(cx, &key) {
                return Ok(v);
            }
        }
    }
    Err(cannot_import(cx, m, module, name)?)
}

fn cannot_import(cx: &mut Cx, m: &Obj, module: Option<Obj>, name: &Ref<Str>) -> PyResult<Raised> {
    let module = match module {
        Some(n) => n,
        None => cx.str(NAMELESS)?,
    };
    let (shown, from) = (protocol::repr_text(cx, name.as_obj())?, protocol::repr_text(cx, &module)?);
    let mut file = None;
    let text = match attribute(cx, m, "__spec__")? {
        None => format!("cannot import name {shown} from {from} (unknown location)"),
        Some(spec) => {
            let mut known = origin(cx, &spec, &module)?;
            if known.file.is_none()
                && let Some(m) = m.cast::<Module>().cloned()
            {
                let key = cx.name("__file__");
                known.file = m.dict.get(cx).get_str(cx, &key).and_then(|f| f.cast::<Str>().map(|s| s.to_text(cx)));
            }
            file = known.file.clone();
            let quoted = match &file {
                Some(f) => {
                    let f = cx.str(f)?;
                    protocol::repr_text(cx, &f)?
                }
                None => String::new(),
            };
            match known {
                Origin { shadows_library: true, .. } => format!(
                    "cannot import name {shown} from {from} (consider renaming {quoted} since it has the same name as the standard library module named {from} \
                     and the import system gives it precedence)"
                ),
                Origin { initializing: true, shadows: true, .. } => {
                    format!("cannot import name {shown} from {from} (consider renaming {quoted} if it has the same name as a library you intended to import)")
                }
                Origin { initializing: true, file: Some(f), .. } => {
                    format!("cannot import name {shown} from partially initialized module {from} (most likely due to a circular import) ({f})")
                }
                Origin { initializing: true, .. } => format!("cannot import name {shown} from partially initialized module {from} (most likely due to a circular import)"),
                Origin { file: Some(f), .. } => format!("cannot import name {shown} from {from} ({f})"),
                Origin { .. } => format!("cannot import name {shown} from {from} (unknown location)"),
            }
        }
    };
    let file = match file {
        Some(f) => Some(cx.str(&f)?),
        None => None,
    };
    Ok(crate::types::exception::import_error(cx, text, module, file, name))
}
