//! `_contextvars`: context variables (PEP 567).
//!
//! The values of a context are one dict. Contexts share it until one of them is changed: whoever is alone with it changes it in
//! place, others copy it first, so that `copy_context()` costs nothing.

use retic_runtime::native::{MethodDef, MethodKind, Signature, receiver};
use retic_runtime::object::Guarded;
use retic_runtime::types::dict::views;
use retic_runtime::types::type_::{Cmp, flags};
use retic_runtime::types::{Dict, Slots, Spec, Str, dunders, generic, module};
use retic_runtime::{Args, Cx, Obj, PyResult, Ref, layout, memory, protocol};
use std::cell::Cell;

layout! {
    /// The values of variables. `previous` is the context that was current before this one was entered; None outside of a thread's
    /// first context and while nobody runs in it.
    pub struct Context = 326, "_contextvars.Context" { data: Guarded<Ref<Dict>>, previous: Guarded<Option<Obj>>, }
}
layout! {
    /// A variable, and where it lay last among those of a context.
    pub struct ContextVar = 327, "_contextvars.ContextVar" { name: Guarded<Obj>, default: Guarded<Option<Obj>>, near: Cell<usize>, }
}
layout! {
    /// How to go back to what was before a `set`; no old value: there was none.
    pub struct Token = 328, "_contextvars.Token" { context: Guarded<Obj>, var: Guarded<Obj>, old: Guarded<Option<Obj>>, used: Cell<bool>, }
}

fn make_context(cx: &mut Cx, data: Ref<Dict>) -> PyResult<Ref<Context>> {
    let ty = cx.native_type("_contextvars.Context");
    memory::new(cx, &ty, |head| Context { head, data: Guarded::new(data), previous: Guarded::new(None) })
}

/// The context of the running thread, made when it is first asked for.
pub fn current(cx: &mut Cx) -> PyResult<Ref<Context>> {
    if let Some(c) = cx.threads.context.as_ref().and_then(|c| c.cast::<Context>()) {
        return Ok(c.clone());
    }
    // The classes are there when somebody has a variable or a context; a thread that asks first makes them.
    retic_runtime::modules::import::import(cx, "_contextvars")?;
    let data = Dict::new(cx)?;
    let context = make_context(cx, data)?;
    let old = cx.threads.context.replace(context.as_obj().clone());
    cx.release(old);
    Ok(context)
}

/// A copy of the current context.
pub fn copy_current(cx: &mut Cx) -> PyResult {
    let data = current(cx)?.data.cloned(cx);
    Ok(make_context(cx, data)?.into_obj())
}

/// Runs `f` in a context.
///
/// # Errors
/// RuntimeError when somebody runs in it already; what `f` raises.
pub fn run_in<T>(cx: &mut Cx, context: &Ref<Context>, f: impl FnOnce(&mut Cx) -> PyResult<T>) -> PyResult<T> {
    if context.previous.get(cx).is_some() {
        let text = protocol::repr_text(cx, context.as_obj())?;
        return Err(cx.runtime_error(format!("cannot enter context: {text} is already entered")));
    }
    let before = current(cx)?.into_obj();
    context.previous.set(cx, Some(before));
    let outer = cx.threads.context.replace(context.as_obj().clone());
    let result = f(cx);
    let inner = std::mem::replace(&mut cx.threads.context, outer);
    let back = context.previous.replace(cx, None);
    match result {
        Ok(v) => {
            cx.release((inner, back));
            Ok(v)
        }
        Err(e) => {
            cx.release_with_error((inner, back));
            Err(e)
        }
    }
}

/// The dict of a context, for a change that no other context sees.
fn own_data(cx: &mut Cx, context: &Ref<Context>) -> PyResult<Ref<Dict>> {
    if context.data.get(cx).as_obj().count() > 1 {
        let copy = context.data.cloned(cx).copy(cx)?;
        context.data.set(cx, copy);
    }
    Ok(context.data.cloned(cx))
}

fn check_key(cx: &mut Cx, key: &Obj) -> PyResult<()> {
    if key.cast::<ContextVar>().is_some() {
        return Ok(());
    }
    let text = protocol::repr_text(cx, key)?;
    Err(cx.type_error(format!("a ContextVar key was expected, got {text}")))
}

fn find(cx: &mut Cx, context: &Ref<Context>, key: &Obj) -> PyResult<Option<Obj>> {
    check_key(cx, key)?;
    context.data.cloned(cx).get(cx, key)
}

/// The value of a variable in the current context where it is found at once.
#[inline]
pub fn peek<'a>(cx: &'a Cx, var: &ContextVar, key: &Obj) -> Option<&'a Obj> {
    let context = cx.threads.context.as_ref()?.cast::<Context>()?;
    context.data.get(cx).value_if(cx, var.near.get(), key)
}

/// The value of a variable in the current context, else `default`, else its own default.
pub fn value_of(cx: &mut Cx, var: &Ref<ContextVar>, default: Option<&Obj>) -> PyResult<Option<Obj>> {
    let context = current(cx)?;
    if let Some(v) = context.data.get(cx).value_if(cx, var.near.get(), var.as_obj()) {
        return Ok(Some(v.clone()));
    }
    let data = context.data.cloned(cx);
    if let Some(place) = data.find_key(cx, var.as_obj())? {
        var.near.set(place);
        return Ok(Some(data.value_at(cx, place).clone()));
    }
    Ok(default.cloned().or_else(|| var.default.cloned(cx)))
}

/// Gives a variable a value in the current context.
pub fn set_value(cx: &mut Cx, var: &Ref<ContextVar>, value: &Obj) -> PyResult<()> {
    let context = current(cx)?;
    let data = own_data(cx, &context)?;
    let old = data.insert(cx, var.as_obj(), value.clone())?;
    cx.release(old);
    Ok(())
}
/// A new variable without a default.
pub fn new_var(cx: &mut Cx, name: &str) -> PyResult<Ref<ContextVar>> {
    retic_runtime::modules::import::import(cx, "_contextvars")?;
    let (ty, name) = (cx.native_type("_contextvars.ContextVar"), cx.str(name)?);
    memory::new(cx, &ty, |head| ContextVar { head, name: Guarded::new(name), default: Guarded::new(None), near: Cell::new(0) })
}

#[retic_macros::methods]
impl ContextVar {
    #[member("name")]
    fn name(cx: &mut Cx, this: &Ref<ContextVar>) -> Obj {
        this.name.cloned(cx)
    }
    /// Return a value for the context variable for the current context.
    ///
    /// If there is no value for the variable in the current context, the method
    /// gives the argument default, if it was given; else the default that the
    /// variable was made with, if it was; else it raises LookupError.
    #[py("get($self, default=<unrepresentable>, /)")]
    fn get(cx: &mut Cx, this: &Ref<ContextVar>, default: Option<&Obj>) -> PyResult {
        match value_of(cx, this, default)? {
            Some(v) => Ok(v),
            None => {
                let class = cx.types.lookup_error.clone();
                Err(cx.raise_new(&class, Some(this.as_obj().clone())))
            }
        }
    }
    /// Set a new value for the variable in the current context, and return a Token
    /// that ContextVar.reset() goes back with.
    #[py("set($self, value, /)")]
    fn set(cx: &mut Cx, this: &Ref<ContextVar>, value: &Obj) -> PyResult {
        let context = current(cx)?;
        let data = own_data(cx, &context)?;
        let ty = cx.native_type("_contextvars.Token");
        let old = data.insert(cx, this.as_obj(), value.clone())?;
        let (context, var) = (context.into_obj(), this.as_obj().clone());
        Ok(memory::new(cx, &ty, |head| Token { head, context: Guarded::new(context), var: Guarded::new(var), old: Guarded::new(old), used: Cell::new(false) })?.into_obj())
    }
    /// Give the variable the value it had before the ContextVar.set() that made the token.
    #[py("reset($self, token, /)")]
    fn reset(cx: &mut Cx, this: &Ref<ContextVar>, token: &Obj) -> PyResult<()> {
        let Some(t) = token.cast::<Token>().cloned() else {
            let text = protocol::repr_text(cx, token)?;
            return Err(cx.type_error(format!("expected an instance of Token, got {text}")));
        };
        if t.used.get() {
            let text = protocol::repr_text(cx, token)?;
            return Err(cx.runtime_error(format!("{text} has already been used once")));
        }
        if !t.var.get(cx).is(this.as_obj()) {
            let text = protocol::repr_text(cx, token)?;
            return Err(cx.value_error(format!("{text} was created by a different ContextVar")));
        }
        let context = current(cx)?;
        if !t.context.get(cx).is(context.as_obj()) {
            let text = protocol::repr_text(cx, token)?;
            return Err(cx.value_error(format!("{text} was created in a different Context")));
        }
        t.used.set(true);
        let data = own_data(cx, &context)?;
        let gone = match t.old.cloned(cx) {
            Some(v) => data.insert(cx, this.as_obj(), v)?,
            None => data.remove(cx, this.as_obj())?,
        };
        cx.release(gone);
        Ok(())
    }
    /// See PEP 585
    #[py("__class_getitem__($type, object, /)")]
    fn class_getitem(cx: &mut Cx, cls: &Obj, object: &Obj) -> PyResult {
        generic::alias(cx, cls, object)
    }
}

fn var_new(cx: &mut Cx, ty: &Ref<retic_runtime::types::Type>, args: Args<'_>) -> PyResult {
    let (positional, keywords) = (args.positional(), args.keywords().len());
    let [name] = positional else {
        let n = positional.len();
        let most = if n == 0 { "exactly" } else { "at most" };
        return Err(cx.type_error(format!("ContextVar() takes {most} 1 positional argument ({n} given)")));
    };
    if keywords > 1 {
        return Err(cx.type_error(format!("ContextVar() takes at most 2 arguments ({} given)", keywords + 1)));
    }
    let mut default = None;
    for (k, v) in args.keywords() {
        match protocol::str_text(cx, k)?.as_str() {
            "default" => default = Some(v.clone()),
            other => return Err(cx.type_error(format!("ContextVar() got an unexpected keyword argument '{other}'"))),
        }
    }
    if name.cast::<Str>().is_none() {
        return Err(cx.type_error("context variable name must be a str"));
    }
    Ok(memory::new(cx, ty, |head| ContextVar { head, name: Guarded::new(name.clone()), default: Guarded::new(default), near: Cell::new(0) })?.into_obj())
}

fn var_repr(cx: &mut Cx, o: &Obj) -> PyResult {
    let Some(v) = o.cast::<ContextVar>().cloned() else { return Ok(cx.none()) };
    let name = v.name.cloned(cx);
    let name = protocol::repr_text(cx, &name)?;
    let default = match v.default.cloned(cx) {
        Some(d) => format!(" default={}", protocol::repr_text(cx, &d)?),
        None => String::new(),
    };
    cx.str(&format!("<ContextVar name={name}{default} at {:#x}>", o.address()))
}

fn missing(cx: &Cx) -> Obj {
    let ty = cx.native_type("Token.MISSING");
    cx.native_types
        .get("_contextvars.Token")
        .and_then(|t| t.dict.cloned(cx))
        .and_then(|d| d.entries(cx).into_iter().map(|e| e.1).find(|v| std::ptr::eq(v.ty(), &*ty)))
        .unwrap_or_else(|| cx.none())
}

#[retic_macros::methods]
impl Token {
    #[get("var")]
    fn var(cx: &mut Cx, this: &Ref<Token>) -> Obj {
        this.var.cloned(cx)
    }
    #[get("old_value")]
    fn old_value(cx: &mut Cx, this: &Ref<Token>) -> Obj {
        this.old.cloned(cx).unwrap_or_else(|| missing(cx))
    }
    /// Enter into Token context manager.
    #[py("__enter__($self, /)")]
    fn enter(_cx: &mut Cx, this: &Ref<Token>) -> Obj {
        this.as_obj().clone()
    }
    /// Exit from Token context manager, restore the linked ContextVar.
    #[py("__exit__($self, type, value, traceback, /)", "($self, type, val, tb, /)")]
    fn exit(cx: &mut Cx, this: &Ref<Token>, _type: &Obj, _value: &Obj, _traceback: &Obj) -> PyResult<()> {
        let var = this.var.cloned(cx);
        let Some(var) = var.cast::<ContextVar>() else { return Ok(()) };
        ContextVar::reset(cx, var, this.as_obj())
    }
    /// See PEP 585
    #[py("__class_getitem__($type, object, /)")]
    fn class_getitem(cx: &mut Cx, cls: &Obj, object: &Obj) -> PyResult {
        generic::alias(cx, cls, object)
    }
}

fn token_repr(cx: &mut Cx, o: &Obj) -> PyResult {
    let Some(t) = o.cast::<Token>().cloned() else { return Ok(cx.none()) };
    let var = t.var.cloned(cx);
    let var = protocol::repr_text(cx, &var)?;
    let used = if t.used.get() { " used" } else { "" };
    cx.str(&format!("<Token{used} var={var} at {:#x}>", o.address()))
}

#[retic_macros::methods]
impl Context {
    /// Return the value for `key` if `key` has a value in the context, else `default`.
    #[py("get($self, key, default=None, /)")]
    fn get(cx: &mut Cx, this: &Ref<Context>, key: &Obj, default: Option<&Obj>) -> PyResult {
        Ok(find(cx, this, key)?.or_else(|| default.cloned()).unwrap_or_else(|| cx.none()))
    }
    /// Return all variables and their values, as pairs.
    #[py("items($self, /)")]
    fn items(cx: &mut Cx, this: &Ref<Context>) -> PyResult {
        let ty = cx.types.dict_item_iterator.clone();
        views::iterator(cx, &ty, &this.data.cloned(cx))
    }
    /// Return all variables that have a value in the context.
    #[py("keys($self, /)")]
    fn keys(cx: &mut Cx, this: &Ref<Context>) -> PyResult {
        let ty = cx.types.dict_iterator.clone();
        views::iterator(cx, &ty, &this.data.cloned(cx))
    }
    /// Return the values of all variables in the context.
    #[py("values($self, /)")]
    fn values(cx: &mut Cx, this: &Ref<Context>) -> PyResult {
        let ty = cx.types.dict_value_iterator.clone();
        views::iterator(cx, &ty, &this.data.cloned(cx))
    }
    /// Return a shallow copy of the context object.
    #[py("copy($self, /)")]
    fn copy(cx: &mut Cx, this: &Ref<Context>) -> PyResult {
        let data = this.data.cloned(cx);
        Ok(make_context(cx, data)?.into_obj())
    }
}

/// `Context.run`: its arguments are passed on as they came.
const RUN: MethodDef = MethodDef {
    name: "run",
    kind: MethodKind::Method,
    signature: Signature {
        name: "run",
        params: &["callable"],
        positional_only: 1,
        positional: 1,
        required: 1,
        keyword_required: 0,
        star: true,
        star_star: true,
        text: "($self, callable, /, *args, **kwargs)",
    },
    doc: "Call a function in the context. What it changes stays there.",
    call: |cx, _, this, args| {
        let this: &Ref<Context> = receiver(cx, this)?;
        let Some((callable, rest)) = args.items.split_first().filter(|_| !args.positional().is_empty()) else {
            return Err(cx.type_error("run() missing 1 required positional argument"));
        };
        run_in(cx, this, |cx| protocol::call_args(cx, callable, Args { items: rest, names: args.names }))
    },
};

/// Context variables of this interpreter.
#[retic_macros::methods]
mod functions {
    use super::*;

    #[py("copy_context()")]
    pub fn copy_context(cx: &mut Cx) -> PyResult {
        copy_current(cx)
    }
}

fn context_spec() -> Spec {
    Spec {
        flags: flags::GC | flags::MANAGED | flags::WEAK | flags::MAPPING,
        slots: Slots {
            new: Some(|cx, _, args| {
                if !args.is_empty() {
                    return Err(cx.type_error("Context() does not accept any arguments"));
                }
                let data = Dict::new(cx)?;
                Ok(make_context(cx, data)?.into_obj())
            }),
            hash: Some(dunders::unhashable),
            richcompare: Some(|cx, a, b, op| {
                let (Some(x), Some(y), true) = (a.cast::<Context>(), b.cast::<Context>(), matches!(op, Cmp::Eq | Cmp::Ne)) else {
                    return Ok(cx.not_implemented());
                };
                let (x, y) = (x.data.cloned(cx).into_obj(), y.data.cloned(cx).into_obj());
                let same = protocol::equal(cx, &x, &y)?;
                Ok(cx.bool(same == (op == Cmp::Eq)))
            }),
            iter: Some(|cx, o| match o.cast::<Context>().cloned() {
                Some(c) => Context::keys(cx, &c),
                None => Ok(cx.none()),
            }),
            len: Some(|cx, o| Ok(o.cast::<Context>().map_or(0, |c| c.data.get(cx).len(cx)))),
            getitem: Some(|cx, o, key| {
                let Some(c) = o.cast::<Context>().cloned() else { return Ok(cx.none()) };
                find(cx, &c, key)?.ok_or_else(|| cx.key_error(key))
            }),
            contains: Some(|cx, o, key| {
                let Some(c) = o.cast::<Context>().cloned() else { return Ok(false) };
                Ok(find(cx, &c, key)?.is_some())
            }),
            ..Slots::EMPTY
        },
        methods: Context::METHODS,
        more_methods: &[RUN],
        ..Spec::new::<Context>("_contextvars.Context")
    }
}

fn var_spec() -> Spec {
    Spec {
        flags: flags::GC | flags::MANAGED | flags::WEAK,
        slots: Slots { new: Some(var_new), repr: Some(var_repr), ..Slots::EMPTY },
        methods: ContextVar::METHODS,
        getset: ContextVar::GETSET,
        ..Spec::new::<ContextVar>("_contextvars.ContextVar")
    }
}

fn token_spec() -> Spec {
    Spec {
        flags: flags::GC | flags::MANAGED | flags::WEAK,
        slots: Slots {
            new: Some(|cx, _, _| Err(cx.runtime_error("Tokens can only be created by ContextVars"))),
            repr: Some(token_repr),
            hash: Some(dunders::unhashable),
            ..Slots::EMPTY
        },
        methods: Token::METHODS,
        getset: Token::GETSET,
        ..Spec::new::<Token>("_contextvars.Token")
    }
}

layout! {
    /// The old value of a variable that had none.
    pub struct Missing = 329, "Token.MISSING" {}
}

pub fn make(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "_contextvars", "Context Variables", functions::FUNCTIONS)?;
    m.add_type(cx, &context_spec())?;
    m.add_type(cx, &var_spec())?;
    let token = m.add_type(cx, &token_spec())?;
    if cx.native_types.get("Token.MISSING").is_none() {
        let object = cx.types.object.clone();
        let spec = Spec { flags: flags::NO_NEW, slots: Slots { repr: Some(|cx, _| cx.str("<Token.MISSING>")), ..Slots::EMPTY }, ..Spec::new::<Missing>("Token.MISSING") };
        let class = retic_runtime::interp::native_type(cx, &spec, &object)?;
        let missing = memory::new(cx, &class, |head| Missing { head })?.into_obj();
        missing.make_immortal();
        let dict = token.dict.cloned(cx).expect("a type has a dict");
        dict.set_str(cx, "MISSING", missing)?;
        token.modified(cx);
    }
    Ok(m.into_obj())
}
