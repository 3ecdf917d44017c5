//! Modules.

pub(crate) mod missing;

use super::type_::flags;
use super::{Dict, Slots, Spec, Str};
use crate::cx::{Cx, PyResult};
use crate::layout;
use crate::memory;
use crate::native::MethodDef;
use crate::object::{Guarded, Obj, Ref};
use crate::protocol;

layout! {
    /// A module.
    pub struct Module = 34, "module" { dict: Guarded<Ref<Dict>>, }
}

pub fn new(cx: &mut Cx, name: &str, doc: Option<&str>) -> PyResult<Ref<Module>> {
    let dict = Dict::new(cx)?;
    let n = crate::types::str::intern_text(cx, name)?.into_obj();
    dict.set_str(cx, "__name__", n)?;
    let d = match doc {
        Some(d) => cx.str(d)?,
        None => cx.none(),
    };
    dict.set_str(cx, "__doc__", d)?;
    for key in ["__package__", "__loader__", "__spec__"] {
        let none = cx.none();
        dict.set_str(cx, key, none)?;
    }
    memory::new(cx, &cx.types.module, |head| Module { head, dict: Guarded::new(dict) })
}

/// A new module with a table of functions.
pub fn of_functions(cx: &mut Cx, name: &str, doc: &str, functions: &'static [MethodDef]) -> PyResult<Ref<Module>> {
    let m = new(cx, name, Some(doc))?;
    add_functions(cx, &m, functions)?;
    Ok(m)
}
/// Puts native functions into a module.
pub fn add_functions(cx: &mut Cx, m: &Ref<Module>, functions: &'static [MethodDef]) -> PyResult<()> {
    let (dict, name) = (m.dict.cloned(cx), m.name_of(cx));
    let name = cx.str(&name)?;
    for def in functions {
        let f = super::function::builtin(cx, def, Some(m.as_obj().clone()), Some(name.clone()))?;
        dict.set_str(cx, def.name, f)?;
    }
    Ok(())
}

impl Module {
    pub fn set(&self, cx: &mut Cx, name: &'static str, value: Obj) -> PyResult<()> {
        let d = self.dict.cloned(cx);
        d.set_str(cx, name, value)
    }
    /// Makes a native type for this module and puts it in under its own name.
    pub fn add_type(&self, cx: &mut Cx, spec: &Spec) -> PyResult<Ref<super::Type>> {
        let base = cx.types.object.clone();
        let ty = crate::interp::native_type(cx, spec, &base)?;
        let d = self.dict.cloned(cx);
        let short = spec.name.rsplit('.').next().unwrap_or(spec.name);
        d.set_str(cx, short, ty.as_obj().clone())?;
        Ok(ty)
    }
    /// Makes an exception class under its full name ("struct.error") and puts it in. As every native type it is made once: a
    /// module imported anew gets the class it had, so that whoever kept it still catches what is raised.
    pub fn add_exception(&self, cx: &mut Cx, full: &'static str, base: &Obj) -> PyResult<Ref<super::Type>> {
        let (module, short) = full.rsplit_once('.').unwrap_or(("builtins", full));
        if let Some(class) = cx.native_types.get(full).cloned() {
            self.set(cx, short, class.as_obj().clone())?;
            return Ok(class);
        }
        let (name, bases, ns) = (cx.str(short)?, cx.tuple_of([base.clone()])?, Dict::new(cx)?);
        let module = cx.str(module)?;
        ns.set_str(cx, "__module__", module)?;
        let meta = cx.types.type_.as_obj().clone();
        let made = crate::protocol::call(cx, &meta, &[name, bases, ns.into_obj()])?;
        let Ok(class) = made.downcast::<super::Type>() else { return Err(cx.type_error("type() made no type")) };
        self.set(cx, short, class.as_obj().clone())?;
        cx.native_types.insert(full, class.clone());
        Ok(class)
    }
    pub fn set_int(&self, cx: &mut Cx, name: &'static str, value: i64) -> PyResult<()> {
        let v = cx.int(value)?;
        self.set(cx, name, v)
    }
    /// Whether native functions of this module's name are in it.
    fn is_native(&self, cx: &mut Cx) -> bool {
        let name = self.name_of(cx);
        self.dict.get(cx).entries(cx).iter().any(|(_, v)| super::function::native_module(cx, v).is_some_and(|m| m == name))
    }
    pub fn name_of(&self, cx: &mut Cx) -> String {
        let key = cx.name("__name__");
        self.dict.get(cx).get_str(cx, &key).and_then(|n| n.cast::<Str>().map(|s| s.to_text(cx))).unwrap_or_else(|| "?".into())
    }
}

/// Attributes of a module: data descriptors of its class, its dictionary, its class, its `__getattr__`; `None` where it is missing.
pub fn find(cx: &mut Cx, o: &Obj, name: &Ref<Str>) -> PyResult<Option<Obj>> {
    // SAFETY: O3, this slot is only reached through modules.
    let m = unsafe { o.cast_unchecked::<Module>() }.clone();
    let in_class = o.ty().lookup(cx, name);
    let get = in_class.as_ref().and_then(|d| d.ty().slots(cx).get);
    if let (Some(d), Some(get)) = (&in_class, get)
        && d.ty().slots(cx).set.is_some()
    {
        return get(cx, d, Some(o), Some(o.type_ref().as_obj())).map(Some);
    }
    if let Some(v) = m.dict.get(cx).get_str(cx, name) {
        return Ok(Some(v));
    }
    match (in_class, get) {
        (Some(d), Some(get)) => return get(cx, &d, Some(o), Some(o.type_ref().as_obj())).map(Some),
        (Some(d), None) => return Ok(Some(d)),
        (None, _) => {}
    }
    if let Some(v) = crate::modules::import::finders(cx, o, name)? {
        return Ok(Some(v));
    }
    let hook = cx.name("__getattr__");
    match m.dict.get(cx).get_str(cx, &hook) {
        Some(f) => protocol::call(cx, &f, &[name.as_obj().clone()]).map(Some),
        None => Ok(None),
    }
}

pub fn getattribute(cx: &mut Cx, o: &Obj, name: &Ref<Str>) -> PyResult {
    if let Some(v) = find(cx, o, name)? {
        return Ok(v);
    }
    let Some(m) = o.cast::<Module>().cloned() else { return Ok(cx.none()) };
    let text = missing::attribute_text(cx, &m, &name.to_text(cx))?;
    Err(super::exception::attribute_error(cx, text, o, name))
}

/// `importlib._bootstrap._module_repr`: by the spec, else by loader and file.
fn repr(cx: &mut Cx, o: &Obj) -> PyResult {
    let Some(m) = o.cast::<Module>().cloned() else { return Ok(cx.none()) };
    let found = |cx: &mut Cx, key: &'static str| {
        let key = cx.name(key);
        m.dict.get(cx).get_str(cx, &key).filter(|v| !v.is_none())
    };
    let attribute = |cx: &mut Cx, of: &Obj, key: &'static str| {
        let key = cx.name(key);
        protocol::lookup_attr(cx, of, &key).map(|v| v.filter(|v| !v.is_none()))
    };
    let (spec, loader) = (found(cx, "__spec__"), found(cx, "__loader__"));
    let (name, origin, located, loader) = match &spec {
        Some(spec) => {
            let located = match attribute(cx, spec, "has_location")? {
                Some(flag) => protocol::truth(cx, &flag)?,
                None => false,
            };
            (attribute(cx, spec, "name")?, attribute(cx, spec, "origin")?, located, attribute(cx, spec, "loader")?)
        }
        None => (found(cx, "__name__"), found(cx, "__file__"), true, loader),
    };
    let name = match &name {
        Some(n) => protocol::repr_text(cx, n)?,
        None => "'?'".into(),
    };
    if let Some(origin) = origin {
        let shown = if located { protocol::repr_text(cx, &origin)? } else { protocol::str_text(cx, &origin)? };
        return cx.str(&if located { format!("<module {name} from {shown}>") } else { format!("<module {name} ({shown})>") });
    }
    let Some(loader) = loader else {
        // Modules of the machine itself have neither spec nor loader.
        let native = spec.is_none() && matches!(name.as_str(), "'sys'" | "'builtins'") || spec.is_none() && m.is_native(cx);
        return cx.str(&if native { format!("<module {name} (built-in)>") } else { format!("<module {name}>") });
    };
    if spec.is_some() && loader.ty().short_name() == "NamespaceLoader" {
        let path = attribute(cx, &loader, "_path")?.unwrap_or_else(|| cx.none());
        let list = protocol::collect(cx, &path)?;
        let list = cx.list(list)?;
        let shown = protocol::repr_text(cx, &list)?;
        return cx.str(&format!("<module {name} (namespace) from {shown}>"));
    }
    let shown = protocol::repr_text(cx, &loader)?;
    cx.str(&format!("<module {name} ({shown})>"))
}

fn fresh(cx: &mut Cx, ty: &super::Type) -> PyResult<Ref<Module>> {
    let dict = Dict::new(cx)?;
    memory::new(cx, ty, |head| Module { head, dict: Guarded::new(dict) })
}

pub fn spec() -> Spec {
    Spec {
        doc: "Create a module object.",
        text_signature: "(name, doc=None)",
        flags: flags::GC | flags::MANAGED | flags::WEAK | flags::BASE,
        slots: Slots {
            repr: Some(repr),
            getattribute: Some(getattribute),
            setattr: Some(|cx, o, name, value| {
                if let Some(d) = o.ty().lookup(cx, name)
                    && let Some(set) = d.ty().slots(cx).set
                {
                    return set(cx, &d, o, value);
                }
                let Some(m) = o.cast::<Module>() else { return Ok(()) };
                let d = m.dict.cloned(cx);
                match value {
                    Some(v) => {
                        let old = d.insert(cx, name.as_obj(), v.clone())?;
                        cx.release(old);
                        Ok(())
                    }
                    None => match d.remove(cx, name.as_obj())? {
                        Some(old) => {
                            cx.release(old);
                            Ok(())
                        }
                        None => Err(cx.attribute_error(name.to_text(cx))),
                    },
                }
            }),
            new: Some(|cx, ty, _| Ok(fresh(cx, ty)?.into_obj())),
            init: Some(|cx, o, args| {
                let positional = args.positional();
                if args.items.len() > 2 {
                    return Err(cx.type_error(format!("module() takes at most 2 arguments ({} given)", args.items.len())));
                }
                let Some(name) = positional.first().or(args.keyword(cx, "name")) else {
                    return Err(cx.type_error("module() missing required argument 'name' (pos 1)"));
                };
                if name.cast::<Str>().is_none() {
                    return Err(cx.type_error(format!("module() argument 'name' must be str, not {}", name.ty().name_text())));
                }
                let doc = positional.get(1).or(args.keyword(cx, "doc")).cloned().unwrap_or_else(|| cx.none());
                let Some(m) = o.cast::<Module>().cloned() else { return Ok(()) };
                m.set(cx, "__name__", name.clone())?;
                m.set(cx, "__doc__", doc)?;
                for key in ["__package__", "__loader__", "__spec__"] {
                    let none = cx.none();
                    m.set(cx, key, none)?;
                }
                Ok(())
            }),
            ..Slots::EMPTY
        },
        methods: Module::METHODS,
        getset: Module::GETSET,
        ..Spec::new::<Module>("module")
    }
}
#[retic_macros::methods]
impl Module {
    /// __dir__() -> list
    #[py("__dir__($self, /)")]
    fn dir(cx: &mut Cx, this: &Ref<Module>) -> PyResult {
        let (dict, name) = (cx.name("__dict__"), cx.name("__dir__"));
        let own = protocol::getattr(cx, this.as_obj(), &dict)?;
        let Some(own) = own.cast::<Dict>().cloned() else {
            return Err(cx.type_error("<module>.__dict__ is not a dictionary"));
        };
        if let Some(f) = own.get_str(cx, &name) {
            return protocol::call(cx, &f, &[]);
        }
        let keys = own.entries(cx).into_iter().map(|e| e.0).collect();
        cx.list(keys)
    }
    #[member("__dict__")]
    fn dict_get(cx: &mut Cx, this: &Ref<Module>) -> Obj {
        this.dict.cloned(cx).into_obj()
    }
    #[get("__annotations__")]
    #[settable("")]
    fn annotations(cx: &mut Cx, this: &Ref<Module>) -> PyResult {
        let dict = this.dict.cloned(cx);
        protocol::lazy_annotations(cx, &dict)
    }
    fn set_annotations(cx: &mut Cx, this: &Ref<Module>, value: Option<&Obj>) -> PyResult<()> {
        match value {
            Some(v) => {
                this.set(cx, "__annotations__", v.clone())?;
                let key = cx.name("__annotate__");
                let old = this.dict.cloned(cx).remove(cx, key.as_obj())?;
                cx.release(old);
                Ok(())
            }
            None => {
                let key = cx.name("__annotations__");
                match this.dict.cloned(cx).remove(cx, key.as_obj())? {
                    Some(old) => {
                        cx.release(old);
                        Ok(())
                    }
                    None => Err(cx.attribute_error("__annotations__")),
                }
            }
        }
    }
    #[get("__annotate__")]
    #[settable("")]
    fn annotate(cx: &mut Cx, this: &Ref<Module>) -> PyResult {
        let (key, dict) = (cx.name("__annotate__"), this.dict.cloned(cx));
        if let Some(known) = dict.get_str(cx, &key) {
            return Ok(known);
        }
        let none = cx.none();
        this.set(cx, "__annotate__", none.clone())?;
        Ok(none)
    }
    fn set_annotate(cx: &mut Cx, this: &Ref<Module>, value: Option<&Obj>) -> PyResult<()> {
        let Some(v) = value else { return Err(cx.type_error("cannot delete __annotate__ attribute")) };
        if !v.is_none() && v.ty().slots(cx).call.is_none() {
            return Err(cx.type_error("__annotate__ must be callable or None"));
        }
        this.set(cx, "__annotate__", v.clone())?;
        if !v.is_none() {
            let key = cx.name("__annotations__");
            let old = this.dict.cloned(cx).remove(cx, key.as_obj())?;
            cx.release(old);
        }
        Ok(())
    }
}
