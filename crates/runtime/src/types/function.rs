//! Functions, bound methods, native functions, cells.

use super::descriptor::StaticMethod;
use super::type_::{Cmp, flags};
use super::{CodeObj, Dict, Slots, Spec, Str, Tuple};
use crate::audit::audit_change;
use crate::cx::{Cx, PyResult};
use crate::layout;
use crate::memory;
use crate::native::{Args, MethodDef, MethodKind};
use crate::object::{Guarded, Obj, Ref, shape};
use crate::protocol;
use retic_bytecode::code::{CO_ASYNC_GENERATOR, CO_COROUTINE, CO_GENERATOR};
use std::cell::Cell;

layout! {
    /// A function.
    pub struct Function = 15, "function" {
        code: Guarded<Ref<CodeObj>>,
        globals: Guarded<Ref<Dict>>,
        /// Where `__builtins__` was no dict and no module: a stand-in that holds it.
        builtins: Guarded<Ref<Dict>>,
        closure: Guarded<Option<Obj>>,
        defaults: Guarded<Option<Obj>>,
        kwdefaults: Guarded<Option<Obj>>,
        name: Guarded<Obj>,
        qualname: Guarded<Obj>,
        module: Guarded<Option<Obj>>,
        doc: Guarded<Option<Obj>>,
        annotations: Guarded<Option<Obj>>,
        annotate: Guarded<Option<Obj>>,
        type_params: Guarded<Option<Obj>>,
        /// Whether the docstring is still among the constants of a code object whose body lies packed.
        doc_waits: Cell<bool>,
    }
}
layout! {
    /// A method bound to its object.
    pub struct BoundMethod = 16, "method" {
        function: Guarded<Obj>,
        this: Guarded<Obj>,
    }
}
layout! {
    /// A function written in Rust, bound to its module or object.
    pub struct Builtin = 17, "builtin_function_or_method" {
        def: Cell<&'static MethodDef>,
        this: Guarded<Option<Obj>>,
        module: Guarded<Option<Obj>>,
    }
}
layout! {
    /// A variable shared by closures.
    pub struct CellObj = 18, "cell" {
        value: Guarded<Option<Obj>>,
    }
}

impl Function {
    pub fn new(cx: &mut Cx, code: Ref<CodeObj>, qualname: Obj, globals: Ref<Dict>) -> PyResult<Ref<Function>> {
        let name = code.own_name(cx)?;
        let (of_module, of_builtins) = match &cx.quick.function_keys {
            Some(keys) => keys.clone(),
            None => (cx.name("__name__"), cx.name("__builtins__")),
        };
        let module = globals.get_str(cx, &of_module);
        let builtins = match globals.get_str(cx, &of_builtins) {
            Some(b) => match (b.cast::<Dict>(), b.cast::<super::module::Module>()) {
                (Some(d), _) => d.clone(),
                (None, Some(m)) => m.dict.cloned(cx),
                (None, None) => Dict::standing_in(cx, b)?,
            },
            // Globals without builtins of their own go on with those of who runs.
            None => match cx.stacks.current() {
                Some(frame) => frame.function().builtins.cloned(cx),
                None => cx.builtins.clone().expect("builtins exist"),
            },
        };
        // Most are never asked for: those that are not made yet, or whose indentation has to go, wait until somebody does.
        let doc_waits = !code.code().body.is_made() || matches!(code.code().consts.first(), Some(retic_bytecode::Const::Str(_)));
        let doc = if doc_waits { None } else { doc_of(cx, &code)? };
        memory::new(cx, &cx.types.function, |head| Function {
            head,
            code: Guarded::new(code),
            globals: Guarded::new(globals),
            builtins: Guarded::new(builtins),
            closure: Guarded::new(None),
            defaults: Guarded::new(None),
            kwdefaults: Guarded::new(None),
            name: Guarded::new(name),
            qualname: Guarded::new(qualname),
            module: Guarded::new(module),
            doc: Guarded::new(doc),
            annotations: Guarded::new(None),
            annotate: Guarded::new(None),
            type_params: Guarded::new(None),
            doc_waits: Cell::new(doc_waits),
        })
    }
    /// The mapping of names that are no globals.
    pub fn builtin_names(&self, cx: &Cx) -> Obj {
        let own = self.builtins.get(cx);
        own.stands_for(cx).unwrap_or_else(|| own.as_obj().clone())
    }
    /// Fetches the docstring from the constants, if nobody did yet.
    fn settle_doc(&self, cx: &mut Cx) -> PyResult<()> {
        if self.doc_waits.get() {
            let code = self.code.cloned(cx);
            let doc = doc_of(cx, &code)?;
            self.doc_waits.set(false);
            self.doc.set(cx, doc);
        }
        Ok(())
    }
    pub fn qualname_text(&self, cx: &Cx) -> String {
        self.qualname.get(cx).cast::<Str>().map(|s| s.to_text(cx)).unwrap_or_default()
    }
}

/// The docstring of a function's code: its first constant, where that is a text, without its indentation.
fn doc_of(cx: &mut Cx, code: &CodeObj) -> PyResult<Option<Obj>> {
    match code.code().consts.first() {
        Some(retic_bytecode::Const::Str(_)) if code.code().flags & retic_bytecode::code::CO_OPTIMIZED != 0 => {
            let doc = code.constants(cx)?.cast::<Tuple>().and_then(|t| t.items().first().cloned());
            doc.map(|d| cleaned_doc(cx, &d)).transpose()
        }
        _ => Ok(None),
    }
}

/// A docstring without the indentation that its lines share (the first counts apart), tabs as spaces. Python 3.13 and later.
pub(crate) fn cleaned_doc(cx: &Cx, doc: &Obj) -> PyResult {
    let Some(text) = doc.cast::<Str>() else { return Ok(doc.clone()) };
    if text.find_point(0x0a, 0).is_none() && text.find_point(0x09, 0).is_none() && text.find_point(0x20, 0) != Some(0) {
        return Ok(doc.clone());
    }
    let points = super::str::tabs_expanded(cx, text, 8)?;
    let spaces = |line: &[u32]| line.iter().take_while(|c| **c == 0x20).count();
    let lines: Vec<&[u32]> = points.split(|c| *c == 0x0a).collect();
    let (first, rest) = lines.split_first().map_or((&[][..], &[][..]), |(f, r)| (*f, r));
    let margin = rest.iter().filter(|l| spaces(l) < l.len()).map(|l| spaces(l)).min().unwrap_or(0);
    let mut out = first[spaces(first)..].to_vec();
    for line in rest {
        out.push(0x0a);
        out.extend_from_slice(&line[margin.min(spaces(line))..]);
    }
    if out.len() == text.len() { Ok(doc.clone()) } else { cx.str_points(&out) }
}

/// What `__annotate__` of a function with annotations as texts is: they are the same in every format.
static ANNOTATE: MethodDef = MethodDef {
    name: "__annotate__",
    kind: crate::native::MethodKind::Static,
    signature: crate::native::Signature::open("__annotate__", "(format, /)"),
    doc: "Return the annotations, which are texts.",
    call: |cx, _, this, args| {
        args.no_keywords(cx, "__annotate__")?;
        args.unpack(cx, "__annotate__", 1, 1)?;
        let Some(f) = this.cast::<Function>() else { return Ok(cx.none()) };
        let known = Function::annotations_get(cx, f)?;
        let out = Dict::new(cx)?;
        out.update_from(cx, &known)?;
        Ok(out.into_obj())
    },
};

/// Binds a function to an object.
pub fn bind(cx: &Cx, function: Obj, this: Obj) -> PyResult {
    Ok(memory::new(cx, &cx.types.method, |head| BoundMethod { head, function: Guarded::new(function), this: Guarded::new(this) })?.into_obj())
}
/// The module that a native function says it is of.
pub(crate) fn native_module(cx: &Cx, o: &Obj) -> Option<String> {
    let b = o.cast::<Builtin>()?;
    b.module.get(cx).as_ref().and_then(|m| m.cast::<Str>().map(|s| s.to_text(cx)))
}

/// A native function.
pub fn builtin(cx: &Cx, def: &'static MethodDef, this: Option<Obj>, module: Option<Obj>) -> PyResult {
    Ok(memory::new(cx, &cx.types.builtin, |head| Builtin { head, def: Cell::new(def), this: Guarded::new(this), module: Guarded::new(module) })?.into_obj())
}

pub fn cell(cx: &Cx, value: Option<Obj>) -> PyResult<Ref<CellObj>> {
    memory::new(cx, &cx.types.cell, |head| CellObj { head, value: Guarded::new(value) })
}

/// Calls a native function.
pub fn call_builtin(cx: &mut Cx, f: &Obj, args: Args<'_>) -> PyResult {
    // SAFETY: O3, this slot is only reached through native functions.
    let b = unsafe { f.cast_unchecked::<Builtin>() };
    let def = b.def.get();
    // SAFETY: whoever calls holds the function, which holds its object for good; None is immortal.
    let this: &Obj = unsafe {
        let none: *const Obj = &raw const cx.consts.none;
        (*b.this.as_ptr()).as_ref().unwrap_or(&*none)
    };
    (def.call)(cx, def, this, args)
}

fn call_method(cx: &mut Cx, m: &Obj, args: Args<'_>) -> PyResult {
    let Some(b) = m.cast::<BoundMethod>() else { return Ok(cx.none()) };
    let f = b.function.cloned(cx);
    if let Some(function) = f.cast::<Function>() {
        let this = b.this.cloned(cx);
        let r = crate::eval::call_with(cx, function, Some(&this), args);
        cx.release_with_error((this, f));
        return r;
    }
    let mut items = Vec::with_capacity(args.items.len() + 1);
    items.push(b.this.cloned(cx));
    items.extend(args.items.iter().cloned());
    let result = protocol::call_args(cx, &f, Args { items: &items, names: args.names });
    cx.release(items);
    cx.release(f);
    result
}

impl Function {
    fn set_type_params_get(cx: &mut Cx, this: &Ref<Function>, value: Option<&Obj>) -> PyResult<()> {
        match value.filter(|v| v.cast::<Tuple>().is_some()) {
            Some(v) => {
                this.type_params.set(cx, Some(v.clone()));
                Ok(())
            }
            None => Err(cx.type_error("__type_params__ must be set to a tuple")),
        }
    }
}

#[retic_macros::methods]
impl Function {
    #[get("__name__")]
    #[settable("")]
    fn name_get(cx: &mut Cx, this: &Ref<Function>) -> Obj {
        this.name.cloned(cx)
    }
    #[get("__qualname__")]
    #[settable("")]
    fn qualname_get(cx: &mut Cx, this: &Ref<Function>) -> Obj {
        this.qualname.cloned(cx)
    }
    #[member("__module__")]
    #[settable("")]
    fn module_get(cx: &mut Cx, this: &Ref<Function>) -> Option<Obj> {
        this.module.cloned(cx)
    }
    #[member("__doc__")]
    #[settable("")]
    fn doc_get(cx: &mut Cx, this: &Ref<Function>) -> PyResult<Option<Obj>> {
        this.settle_doc(cx)?;
        Ok(this.doc.cloned(cx))
    }
    #[get("__code__")]
    #[settable("")]
    fn code_get(cx: &mut Cx, this: &Ref<Function>) -> PyResult<Ref<CodeObj>> {
        cx.audit("object.__getattr__", &[this.as_obj().into(), "__code__".into()])?;
        Ok(this.code.cloned(cx))
    }
    #[member("__globals__")]
    fn globals_get(cx: &mut Cx, this: &Ref<Function>) -> Ref<Dict> {
        this.globals.cloned(cx)
    }
    #[member("__builtins__")]
    fn builtins_get(cx: &mut Cx, this: &Ref<Function>) -> Obj {
        this.builtin_names(cx)
    }
    #[member("__closure__")]
    fn closure_get(cx: &mut Cx, this: &Ref<Function>) -> Option<Obj> {
        this.closure.cloned(cx)
    }
    #[get("__defaults__")]
    #[settable("")]
    fn defaults_get(cx: &mut Cx, this: &Ref<Function>) -> PyResult<Option<Obj>> {
        cx.audit("object.__getattr__", &[this.as_obj().into(), "__defaults__".into()])?;
        Ok(this.defaults.cloned(cx))
    }
    #[get("__kwdefaults__")]
    #[settable("")]
    fn kwdefaults_get(cx: &mut Cx, this: &Ref<Function>) -> PyResult<Option<Obj>> {
        cx.audit("object.__getattr__", &[this.as_obj().into(), "__kwdefaults__".into()])?;
        Ok(this.kwdefaults.cloned(cx))
    }
    #[get("__annotations__")]
    #[settable("")]
    fn annotations_get(cx: &mut Cx, this: &Ref<Function>) -> PyResult {
        if let Some(a) = this.annotations.cloned(cx) {
            return Ok(a);
        }
        let made = match this.annotate.cloned(cx) {
            Some(f) => {
                let one = cx.int(1)?;
                protocol::call(cx, &f, &[one])?
            }
            None => Dict::new(cx)?.into_obj(),
        };
        this.annotations.set(cx, Some(made.clone()));
        Ok(made)
    }
    #[get("__annotate__")]
    #[settable("")]
    fn annotate_get(cx: &mut Cx, this: &Ref<Function>) -> PyResult {
        if let Some(f) = this.annotate.cloned(cx) {
            return Ok(f);
        }
        // With `from __future__ import annotations` they were made with the function.
        let texts = this.code.get(cx).code().flags & retic_bytecode::code::CO_FUTURE_ANNOTATIONS != 0;
        if texts && this.annotations.get(cx).is_some() {
            return builtin(cx, &ANNOTATE, Some(this.as_obj().clone()), None);
        }
        Ok(cx.none())
    }
    #[get("__type_params__")]
    #[settable("")]
    fn type_params_get(cx: &mut Cx, this: &Ref<Function>) -> Obj {
        this.type_params.cloned(cx).unwrap_or_else(|| cx.consts.empty_tuple.clone())
    }
}

fn some_value(value: Option<&Obj>) -> Option<Obj> {
    value.filter(|v| !v.is_none()).cloned()
}

impl Function {
    fn set_name_get(cx: &mut Cx, this: &Ref<Function>, value: Option<&Obj>) -> PyResult<()> {
        match value {
            Some(v) if v.cast::<Str>().is_some() => {
                this.name.set(cx, v.clone());
                Ok(())
            }
            _ => Err(cx.type_error("__name__ must be set to a string object")),
        }
    }
    fn set_qualname_get(cx: &mut Cx, this: &Ref<Function>, value: Option<&Obj>) -> PyResult<()> {
        match value {
            Some(v) if v.cast::<Str>().is_some() => {
                this.qualname.set(cx, v.clone());
                Ok(())
            }
            _ => Err(cx.type_error("__qualname__ must be set to a string object")),
        }
    }
    fn set_module_get(cx: &mut Cx, this: &Ref<Function>, value: Option<&Obj>) -> PyResult<()> {
        this.module.set(cx, value.cloned());
        Ok(())
    }
    fn set_doc_get(cx: &mut Cx, this: &Ref<Function>, value: Option<&Obj>) -> PyResult<()> {
        this.doc_waits.set(false);
        this.doc.set(cx, value.cloned());
        Ok(())
    }
    fn set_code_get(cx: &mut Cx, this: &Ref<Function>, value: Option<&Obj>) -> PyResult<()> {
        match value.and_then(|v| v.cast::<CodeObj>()) {
            Some(c) => {
                if c.code().free_variables() != this.code.get(cx).code().free_variables() {
                    let name = this.name.get(cx).cast::<Str>().map(|s| s.to_text(cx)).unwrap_or_default();
                    let (want, got) = (this.code.get(cx).code().free_variables(), c.code().free_variables());
                    return Err(cx.value_error(format!("{name}() requires a code object with {want} free vars, not {got}")));
                }
                if (c.code().flags ^ this.code.get(cx).code().flags) & (CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR) != 0 {
                    let category = cx.types.deprecation_warning.clone();
                    let text = "Assigning a code object of non-matching type is deprecated (e.g., from a generator to a plain function)";
                    crate::modules::warnings::warn(cx, &category, text, 1)?;
                }
                audit_change(cx, this.as_obj(), "__code__", value)?;
                this.settle_doc(cx)?;
                let old = this.code.replace(cx, c.clone());
                if old.exec_known().is_null() {
                    cx.release(old);
                } else {
                    // Frames and generators of this function may stand in its words.
                    cx.replaced_codes.push(old);
                }
                Ok(())
            }
            None => Err(cx.type_error("__code__ must be set to a code object")),
        }
    }
    fn set_defaults_get(cx: &mut Cx, this: &Ref<Function>, value: Option<&Obj>) -> PyResult<()> {
        if value.is_some_and(|v| !v.is_none() && v.cast::<Tuple>().is_none()) {
            return Err(cx.type_error("__defaults__ must be set to a tuple object"));
        }
        audit_change(cx, this.as_obj(), "__defaults__", value)?;
        this.defaults.set(cx, some_value(value));
        Ok(())
    }
    fn set_kwdefaults_get(cx: &mut Cx, this: &Ref<Function>, value: Option<&Obj>) -> PyResult<()> {
        if value.is_some_and(|v| !v.is_none() && v.cast::<Dict>().is_none()) {
            return Err(cx.type_error("__kwdefaults__ must be set to a dict object"));
        }
        audit_change(cx, this.as_obj(), "__kwdefaults__", value)?;
        this.kwdefaults.set(cx, some_value(value));
        Ok(())
    }
    fn set_annotations_get(cx: &mut Cx, this: &Ref<Function>, value: Option<&Obj>) -> PyResult<()> {
        this.annotations.set(cx, some_value(value));
        Ok(())
    }
    fn set_annotate_get(cx: &mut Cx, this: &Ref<Function>, value: Option<&Obj>) -> PyResult<()> {
        this.annotate.set(cx, some_value(value));
        Ok(())
    }
}

/// `types.FunctionType(code, globals, name, argdefs, closure, kwdefaults)`.
fn construct(cx: &mut Cx, _ty: &Ref<super::Type>, args: Args<'_>) -> PyResult {
    let p = args.positional();
    let get = |cx: &Cx, i: usize, name: &str| p.get(i).or(args.keyword(cx, name)).filter(|v| !v.is_none()).cloned();
    let (Some(code), Some(globals)) = (get(cx, 0, "code"), get(cx, 1, "globals")) else {
        return Err(cx.type_error("function() missing required argument 'code' (pos 1)"));
    };
    let Some(code) = code.cast::<CodeObj>().cloned() else {
        return Err(cx.type_error(format!("function() argument 'code' must be code, not {}", code.ty().name_text())));
    };
    cx.audit("function.__new__", &[code.as_obj().into()])?;
    let Some(globals) = globals.cast::<Dict>().cloned() else {
        return Err(cx.type_error(format!("function() argument 'globals' must be dict, not {}", globals.ty().name_text())));
    };
    let (name, defaults, closure, kwdefaults) = (get(cx, 2, "name"), get(cx, 3, "argdefs"), get(cx, 4, "closure"), get(cx, 5, "kwdefaults"));
    if name.as_ref().is_some_and(|n| n.cast::<Str>().is_none()) {
        return Err(cx.type_error("arg 3 (name) must be None or string"));
    }
    if defaults.as_ref().is_some_and(|d| d.cast::<Tuple>().is_none()) {
        return Err(cx.type_error("arg 4 (defaults) must be None or tuple"));
    }
    let free = code.code().free_variables();
    match &closure {
        None if free > 0 => return Err(cx.type_error("arg 5 (closure) must be tuple")),
        Some(c) => {
            let Some(t) = c.cast::<Tuple>() else { return Err(cx.type_error("arg 5 (closure) must be None or tuple")) };
            if t.items().len() != free {
                return Err(cx.value_error(format!("{} requires closure of length {free}, not {}", code.code().name, t.items().len())));
            }
            if let Some(o) = t.items().iter().find(|o| o.cast::<CellObj>().is_none()) {
                return Err(cx.type_error(format!("arg 5 (closure) expected cell, found {}", o.ty().name_text())));
            }
        }
        None => {}
    }
    if kwdefaults.as_ref().is_some_and(|d| d.cast::<Dict>().is_none()) {
        return Err(cx.type_error("arg 6 (kwdefaults) must be None or dict"));
    }
    let qualname = super::str::intern_text(cx, &code.code().qualname)?.into_obj();
    let f = Function::new(cx, code, qualname, globals)?;
    if let Some(n) = name {
        f.name.set(cx, n.clone());
        f.qualname.set(cx, n);
    }
    f.defaults.set(cx, defaults);
    f.closure.set(cx, closure);
    f.kwdefaults.set(cx, kwdefaults);
    Ok(f.into_obj())
}

pub fn spec() -> Spec {
    Spec {
        doc: "Create a function object.",
        flags: flags::GC | flags::MANAGED | flags::DICT | flags::WEAK | flags::METHOD_DESCRIPTOR,
        shape: shape::FUNCTION,
        slots: Slots {
            repr: Some(|cx, o| {
                let name = o.cast::<Function>().map(|f| f.qualname_text(cx)).unwrap_or_default();
                cx.str(&format!("<function {name} at {:#x}>", o.address()))
            }),
            call: Some(crate::eval::call_function),
            get: Some(|cx, f, obj, _| match obj {
                Some(o) => bind(cx, f.clone(), o.clone()),
                None => Ok(f.clone()),
            }),
            new: Some(construct),
            ..Slots::EMPTY
        },
        text_signature: "(code, globals, name=None, argdefs=None, closure=None, kwdefaults=None)",
        getset: Function::GETSET,
        ..Spec::new::<Function>("function")
    }
}

/// `getattr(of, name)` for pickle.
pub(super) fn by_name(cx: &mut Cx, of: Obj, name: Obj) -> PyResult {
    let b = cx.builtins_module();
    let key = cx.name("getattr");
    let getattr = protocol::getattr(cx, &b, &key)?;
    let args = cx.tuple_of([of, name])?;
    cx.tuple_of([getattr, args])
}

#[retic_macros::methods]
impl BoundMethod {
    /// Helper for pickle.
    #[py("__reduce__($self, /)")]
    fn reduce(cx: &mut Cx, this: &Ref<BoundMethod>) -> PyResult {
        let function = this.function.cloned(cx);
        let key = cx.name("__name__");
        let name = protocol::getattr(cx, &function, &key)?;
        by_name(cx, this.this.cloned(cx), name)
    }
    /// the function (or other callable) implementing a method
    #[member("__func__")]
    fn func(cx: &mut Cx, this: &Ref<BoundMethod>) -> Obj {
        this.function.cloned(cx)
    }
    /// the instance to which a method is bound
    #[member("__self__")]
    fn this_get(cx: &mut Cx, this: &Ref<BoundMethod>) -> Obj {
        this.this.cloned(cx)
    }
    #[get("__doc__")]
    fn doc(cx: &mut Cx, this: &Ref<BoundMethod>) -> PyResult {
        let f = this.function.cloned(cx);
        let name = cx.name("__doc__");
        protocol::getattr(cx, &f, &name)
    }
}

pub fn method_spec() -> Spec {
    Spec {
        text_signature: "(function, instance, /)",
        doc: "Create a bound instance method object.",
        flags: flags::GC | flags::MANAGED | flags::WEAK,
        shape: shape::METHOD,
        slots: Slots {
            repr: Some(|cx, o| {
                let Some(m) = o.cast::<BoundMethod>() else { return Ok(cx.none()) };
                let (f, this) = (m.function.cloned(cx), m.this.cloned(cx));
                let key = cx.name("__qualname__");
                let mut name = protocol::lookup_attr(cx, &f, &key)?;
                if name.is_none() {
                    let key = cx.name("__name__");
                    name = protocol::lookup_attr(cx, &f, &key)?;
                }
                let name = match name.and_then(|n| n.cast::<Str>().cloned()) {
                    Some(n) => n.to_text(cx),
                    None => "?".into(),
                };
                let shown = protocol::repr_text(cx, &this)?;
                cx.str(&format!("<bound method {name} of {shown}>"))
            }),
            call: Some(call_method),
            // It stays bound to the object that it is bound to.
            get: Some(|_, m, _, _| Ok(m.clone())),
            hash: Some(|cx, o| {
                let Some(m) = o.cast::<BoundMethod>() else { return Ok(0) };
                let (f, this) = (m.function.cloned(cx), m.this.cloned(cx));
                Ok(super::object::hash(cx, &this)? ^ protocol::hash(cx, &f)?)
            }),
            richcompare: Some(|cx, a, b, op| {
                let (Some(x), Some(y)) = (a.cast::<BoundMethod>(), b.cast::<BoundMethod>()) else { return Ok(cx.not_implemented()) };
                if !matches!(op, Cmp::Eq | Cmp::Ne) {
                    return Ok(cx.not_implemented());
                }
                let same = x.this.get(cx).is(y.this.get(cx)) && x.function.get(cx).is(y.function.get(cx));
                Ok(cx.bool(same == (op == Cmp::Eq)))
            }),
            getattribute: Some(|cx, o, name| {
                if o.ty().lookup(cx, name).is_some() {
                    return super::object::getattribute(cx, o, name);
                }
                match o.cast::<BoundMethod>() {
                    Some(m) => {
                        let f = m.function.cloned(cx);
                        protocol::getattr(cx, &f, name)
                    }
                    None => super::object::getattribute(cx, o, name),
                }
            }),
            new: Some(|cx, _, args| {
                let a = args.unpack(cx, "method", 2, 2)?;
                if a[0].ty().slots(cx).call.is_none() {
                    return Err(cx.type_error("first argument must be callable"));
                }
                if a[1].is_none() {
                    return Err(cx.type_error("instance must not be None"));
                }
                bind(cx, a[0].clone(), a[1].clone())
            }),
            ..Slots::EMPTY
        },
        getset: BoundMethod::GETSET,
        methods: BoundMethod::METHODS,
        ..Spec::new::<BoundMethod>("method")
    }
}

#[retic_macros::methods]
impl Builtin {
    /// Helper for pickle.
    #[py("__reduce__($self, /)")]
    fn reduce(cx: &mut Cx, this: &Ref<Builtin>) -> PyResult {
        let name = cx.str(this.def.get().name)?;
        match this.this.cloned(cx) {
            Some(of) if of.cast::<super::module::Module>().is_none() => by_name(cx, of, name),
            _ => Ok(name),
        }
    }
    #[get("__name__")]
    fn name(_cx: &mut Cx, this: &Ref<Builtin>) -> String {
        this.def.get().name.to_string()
    }
    #[get("__qualname__")]
    fn qualname(cx: &mut Cx, this: &Ref<Builtin>) -> String {
        let name = this.def.get().name;
        match this.this.get(cx) {
            Some(o) if o.cast::<super::module::Module>().is_none() => match o.cast::<super::Type>() {
                Some(t) => format!("{}.{name}", t.short_name()),
                None => format!("{}.{name}", o.ty().short_name()),
            },
            _ => name.to_string(),
        }
    }
    #[get("__doc__")]
    fn doc(_cx: &mut Cx, this: &Ref<Builtin>) -> Option<String> {
        let d = this.def.get().doc;
        (!d.is_empty()).then(|| d.to_string())
    }
    #[get("__text_signature__")]
    fn text_signature(cx: &mut Cx, this: &Ref<Builtin>) -> Option<String> {
        let text = Some(this.def.get().signature.text).filter(|t| !t.is_empty())?;
        // A function of a module takes the module first, and nobody else gives it.
        let of_module = this.this.get(cx).as_ref().is_some_and(|m| m.cast::<super::module::Module>().is_some());
        Some(match text.strip_prefix('(').filter(|t| of_module && !t.starts_with('$')) {
            Some(")") => "($module, /)".into(),
            Some(rest) if rest.contains(", /") => format!("($module, {rest}"),
            Some(rest) => format!("($module, /, {rest}"),
            None => text.to_string(),
        })
    }
    #[get("__self__")]
    fn this_get(cx: &mut Cx, this: &Ref<Builtin>) -> Option<Obj> {
        // A static method is bound to nothing.
        let is_static = this.def.get().kind == MethodKind::Static && !this.def.get().name.starts_with("__new__");
        this.this.cloned(cx).filter(|t| !is_static || t.cast::<super::Type>().is_none())
    }
    #[member("__module__")]
    fn module_get(cx: &mut Cx, this: &Ref<Builtin>) -> Option<Obj> {
        this.module.cloned(cx)
    }
}

/// The definition of a native function.
pub fn native_def(o: &Obj) -> Option<&'static MethodDef> {
    o.cast::<Builtin>().map(|b| b.def.get())
}

pub fn builtin_spec() -> Spec {
    Spec {
        flags: flags::GC | flags::MANAGED | flags::WEAK | flags::NO_NEW,
        shape: shape::BUILTIN,
        slots: Slots {
            repr: Some(|cx, o| {
                let Some(b) = o.cast::<Builtin>() else { return Ok(cx.none()) };
                let name = b.def.get().name;
                match b.this.cloned(cx) {
                    Some(this) if this.cast::<super::module::Module>().is_none() => {
                        let ty = this.ty().name_text();
                        cx.str(&format!("<built-in method {name} of {ty} object at {:#x}>", this.address()))
                    }
                    _ => cx.str(&format!("<built-in function {name}>")),
                }
            }),
            call: Some(call_builtin),
            hash: Some(|_, o| {
                let Some(b) = o.cast::<Builtin>() else { return Ok(0) };
                // SAFETY: the function is borrowed, and it holds its object.
                let this = unsafe { (*b.this.as_ptr()).as_ref().map_or(0, Obj::address) };
                Ok(((this >> 4) ^ (b.def.get() as *const MethodDef as usize >> 4)) as i64)
            }),
            richcompare: Some(|cx, a, b, op| {
                let (Some(x), Some(y)) = (a.cast::<Builtin>(), b.cast::<Builtin>()) else { return Ok(cx.not_implemented()) };
                if !matches!(op, Cmp::Eq | Cmp::Ne) {
                    return Ok(cx.not_implemented());
                }
                let owners = match (x.this.get(cx), y.this.get(cx)) {
                    (Some(a), Some(b)) => a.is(b),
                    (None, None) => true,
                    _ => false,
                };
                Ok(cx.bool((owners && std::ptr::eq(x.def.get(), y.def.get())) == (op == Cmp::Eq)))
            }),
            ..Slots::EMPTY
        },
        getset: Builtin::GETSET,
        methods: Builtin::METHODS,
        ..Spec::new::<Builtin>("builtin_function_or_method")
    }
}

#[retic_macros::methods]
impl CellObj {
    #[get("cell_contents")]
    #[settable("")]
    fn contents(cx: &mut Cx, this: &Ref<CellObj>) -> PyResult {
        this.value.cloned(cx).ok_or_else(|| cx.value_error("cell is empty"))
    }
}
impl CellObj {
    fn set_contents(cx: &mut Cx, this: &Ref<CellObj>, value: Option<&Obj>) -> PyResult<()> {
        this.value.set(cx, value.cloned());
        Ok(())
    }
}

pub fn cell_spec() -> Spec {
    Spec {
        text_signature: "([contents])",
        doc: "Create a new cell object.\n\n  contents\n    the contents of the cell; without it the cell is empty",
        flags: flags::GC,
        shape: shape::CELL,
        slots: Slots {
            repr: Some(|cx, o| {
                let inner = o.cast::<CellObj>().and_then(|c| c.value.cloned(cx));
                let text = match inner {
                    Some(v) => format!("<cell at {:#x}: {} object at {:#x}>", o.address(), v.ty().name_text(), v.address()),
                    None => format!("<cell at {:#x}: empty>", o.address()),
                };
                cx.str(&text)
            }),
            // Cells compare as what is in them; an empty one comes before all others.
            richcompare: Some(|cx, a, b, op| {
                let (Some(x), Some(y)) = (a.cast::<CellObj>(), b.cast::<CellObj>()) else { return Ok(cx.not_implemented()) };
                match (x.value.cloned(cx), y.value.cloned(cx)) {
                    (Some(x), Some(y)) => protocol::richcompare(cx, &x, &y, op),
                    (x, y) => Ok(cx.bool(op.of(x.is_some(), y.is_some()))),
                }
            }),
            hash: Some(|cx, o| Err(cx.type_error(format!("unhashable type: '{}'", o.ty().name_text())))),
            new: Some(|cx, _, args| {
                let a = args.unpack(cx, "cell", 0, 1)?;
                Ok(cell(cx, a.first().cloned())?.into_obj())
            }),
            ..Slots::EMPTY
        },
        getset: CellObj::GETSET,
        ..Spec::new::<CellObj>("cell")
    }
}

/// What a table row becomes in a type's dict.
pub(crate) fn from_def(cx: &mut Cx, ty: &Ref<super::Type>, def: &'static MethodDef) -> PyResult {
    match def.kind {
        MethodKind::Method => super::descriptor::method(cx, ty, def),
        MethodKind::Class => super::descriptor::class_method(cx, ty, def),
        MethodKind::Static => {
            let f = builtin(cx, def, Some(ty.as_obj().clone()), None)?;
            Ok(memory::new(cx, &cx.types.staticmethod, |head| StaticMethod { head, function: Guarded::new(f) })?.into_obj())
        }
    }
}
