//! Modules.

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
        cx.native_types.insert(spec.name, ty.clone());
        Ok(ty)
    }
    /// Makes an exception class under its full name ("struct.error") and puts it in.
    pub fn add_exception(&self, cx: &mut Cx, full: &'static str, base: &Obj) -> PyResult<Ref<super::Type>> {
        let (module, short) = full.rsplit_once('.').unwrap_or(("builtins", full));
        let (name, bases, ns) = (cx.str(short)?, cx.tuple(vec![base.clone()])?, Dict::new(cx)?);
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
    pub fn name_of(&self, cx: &mut Cx) -> String {
        let key = cx.name("__name__");
        self.dict.get(cx).get_str(cx, &key).and_then(|n| n.cast::<Str>().map(|s| s.to_text(cx))).unwrap_or_else(|| "?".into())
    }
}

fn getattribute(cx: &mut Cx, o: &Obj, name: &Ref<Str>) -> PyResult {
    // SAFETY: O3, this slot is only reached through modules.
    let m = unsafe { o.cast_unchecked::<Module>() }.clone();
    let text = name.to_text(cx);
    if text == "__dict__" {
        return Ok(m.dict.cloned(cx).into_obj());
    }
    if let Some(v) = m.dict.get(cx).get_str(cx, name) {
        return Ok(v);
    }
    if let Some(d) = o.ty().lookup(cx, name) {
        return match d.ty().slots(cx).get {
            Some(get) => get(cx, &d, Some(o), Some(o.type_ref().as_obj())),
            None => Ok(d),
        };
    }
    let hook = cx.name("__getattr__");
    if let Some(f) = m.dict.get(cx).get_str(cx, &hook) {
        return protocol::call(cx, &f, &[name.as_obj().clone()]);
    }
    let module = m.name_of(cx);
    Err(super::exception::attribute_error(cx, format!("module '{module}' has no attribute '{text}'"), o, name))
}

pub fn spec() -> Spec {
    Spec {
        doc: "Create a module object.",
        text_signature: "(name, doc=None)",
        flags: flags::GC | flags::MANAGED | flags::WEAK | flags::BASE,
        slots: Slots {
            repr: Some(|cx, o| {
                let Some(m) = o.cast::<Module>() else { return Ok(cx.none()) };
                let m = m.clone();
                let name = m.name_of(cx);
                let key = cx.name("__file__");
                let file = m.dict.get(cx).get_str(cx, &key).and_then(|f| f.cast::<Str>().map(|s| s.to_text(cx)));
                match file {
                    Some(f) => cx.str(&format!("<module '{name}' from '{f}'>")),
                    None if name == "__main__" => cx.str("<module '__main__'>"),
                    None => cx.str(&format!("<module '{name}' (built-in)>")),
                }
            }),
            getattribute: Some(getattribute),
            setattr: Some(|cx, o, name, value| {
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
            new: Some(|cx, _, args| {
                let pos = args.positional();
                let Some(n) = pos.first().or(args.keyword(cx, "name")) else { return Err(cx.type_error("module() missing required argument 'name' (pos 1)")) };
                let text = protocol::str_text(cx, n)?;
                let m = new(cx, &text, None)?;
                if let Some(d) = pos.get(1) {
                    m.set(cx, "__doc__", d.clone())?;
                }
                Ok(m.into_obj())
            }),
            init: Some(|_, _, _| Ok(())),
            ..Slots::EMPTY
        },
        methods: Module::METHODS,
        ..Spec::new::<Module>("module")
    }
}
#[retic_macros::methods]
impl Module {
    /// __dir__() -> list
    #[py("__dir__($self, /)")]
    fn dir(cx: &mut Cx, this: &Ref<Module>) -> PyResult {
        let keys = this.dict.get(cx).entries(cx).into_iter().map(|e| e.0).collect();
        cx.list(keys)
    }
}
