//! `_functools`: `partial`, `lru_cache`'s wrapper, `reduce`, `cmp_to_key`.

mod cache;

use retic_runtime::object::Guarded;
use retic_runtime::types::type_::{Cmp, flags};
use retic_runtime::types::{Dict, Slots, Spec, Tuple, function, module};
use retic_runtime::{Args, Cx, Obj, PyResult, Ref, layout, memory, protocol};

layout! {
    /// A function with arguments given in advance.
    pub struct Partial = 240, "functools.partial" { function: Guarded<Obj>, args: Guarded<Obj>, keywords: Guarded<Ref<Dict>>, }
}
layout! {
    /// The order that a comparison function makes.
    pub struct Key = 241, "functools.KeyWrapper" { cmp: Guarded<Obj>, object: Guarded<Option<Obj>>, }
}
fn is_placeholder(cx: &Cx, o: &Obj) -> bool {
    cx.native_types.get("functools._PlaceholderType").is_some_and(|t| std::ptr::eq(o.ty(), &**t))
}

fn tuple_items(o: &Obj) -> Vec<Obj> {
    o.cast::<Tuple>().map(|t| t.items().to_vec()).unwrap_or_default()
}

fn partial_new(cx: &mut Cx, ty: &Ref<retic_runtime::types::Type>, args: Args<'_>) -> PyResult {
    let Some((f, rest)) = args.positional().split_first() else {
        return Err(cx.type_error("type 'partial' takes at least one argument"));
    };
    if f.ty().slots(cx).call.is_none() {
        return Err(cx.type_error("the first argument must be callable"));
    }
    if rest.last().is_some_and(|l| is_placeholder(cx, l)) {
        return Err(cx.type_error("trailing Placeholders are not allowed"));
    }
    let keywords = Dict::new(cx)?;
    let (mut function, mut all) = (f.clone(), rest.to_vec());
    // A partial of a partial is one partial, unless somebody put attributes on it.
    if let Some(p) = f.cast::<Partial>().filter(|_| std::ptr::eq(f.ty(), &**ty)).cloned()
        && retic_runtime::types::object::dict_of(cx, f)?.len(cx) == 0
    {
        function = p.function.cloned(cx);
        let given = p.args.cloned(cx);
        let mut rest = all.into_iter();
        let mut merged = Vec::new();
        for a in tuple_items(&given) {
            merged.push(if is_placeholder(cx, &a) { rest.next().unwrap_or(a) } else { a });
        }
        merged.extend(rest);
        all = merged;
        let k = p.keywords.cloned(cx);
        keywords.update_from(cx, k.as_obj())?;
    }
    for (k, v) in args.keywords() {
        if is_placeholder(cx, v) {
            return Err(cx.type_error("Placeholder cannot be passed as a keyword argument"));
        }
        let old = keywords.insert(cx, k, v.clone())?;
        cx.release(old);
    }
    let all = cx.tuple(all)?;
    Ok(memory::new(cx, ty, |head| Partial { head, function: Guarded::new(function), args: Guarded::new(all), keywords: Guarded::new(keywords) })?.into_obj())
}

fn partial_call(cx: &mut Cx, o: &Obj, args: Args<'_>) -> PyResult {
    let Some(p) = o.cast::<Partial>() else { return Ok(cx.none()) };
    let (f, given, keywords) = (p.function.cloned(cx), p.args.cloned(cx), p.keywords.cloned(cx));
    let mut own = args.positional().iter();
    let mut items = Vec::new();
    for a in tuple_items(&given) {
        if is_placeholder(cx, &a) {
            match own.next() {
                Some(v) => items.push(v.clone()),
                None => return Err(cx.type_error("missing positional arguments in 'partial' call; expected at least 1, got 0")),
            }
        } else {
            items.push(a);
        }
    }
    items.extend(own.cloned());
    if keywords.len(cx) == 0 {
        items.extend(args.keywords().map(|(_, v)| v.clone()));
        return protocol::call_args(cx, &f, Args { items: &items, names: args.names });
    }
    let merged = keywords.copy(cx)?;
    for (k, v) in args.keywords() {
        let old = merged.insert(cx, k, v.clone())?;
        cx.release(old);
    }
    let mut names = Vec::new();
    for (k, v) in merged.entries(cx) {
        names.push(k);
        items.push(v);
    }
    protocol::call_args(cx, &f, Args { items: &items, names: &names })
}

#[retic_macros::methods]
impl Partial {
    #[py("__reduce__($self, /)")]
    fn reduce(cx: &mut Cx, this: &Ref<Partial>) -> PyResult {
        let (f, a, k) = (this.function.cloned(cx), this.args.cloned(cx), this.keywords.cloned(cx));
        let d = retic_runtime::types::object::dict_of(cx, this.as_obj())?;
        let d = if d.len(cx) == 0 { cx.none() } else { d.into_obj() };
        let args = cx.tuple_of([f.clone()])?;
        let state = cx.tuple_of([f, a, k.into_obj(), d])?;
        cx.tuple_of([this.as_obj().type_ref().into_obj(), args, state])
    }
    #[py("__setstate__($self, state, /)")]
    fn setstate(cx: &mut Cx, this: &Ref<Partial>, state: &Obj) -> PyResult<()> {
        let parts = tuple_items(state);
        let [f, a, k, d] = &parts[..] else { return Err(cx.type_error("invalid partial state")) };
        if f.ty().slots(cx).call.is_none() || a.cast::<Tuple>().is_none() || !(k.is_none() || k.cast::<Dict>().is_some()) {
            return Err(cx.type_error("invalid partial state"));
        }
        // What is plain is kept as it is.
        let a = if std::ptr::eq(a.ty(), &*cx.types.tuple) {
            a.clone()
        } else {
            let items = protocol::collect(cx, a)?;
            cx.tuple(items)?
        };
        let kw = match k.cast::<Dict>().filter(|_| std::ptr::eq(k.ty(), &*cx.types.dict)) {
            Some(k) => k.clone(),
            None => {
                let kw = Dict::new(cx)?;
                if !k.is_none() {
                    kw.update_from(cx, k)?;
                }
                kw
            }
        };
        this.function.set(cx, f.clone());
        this.args.set(cx, a);
        this.keywords.set(cx, kw);
        let own = retic_runtime::types::object::dict_of(cx, this.as_obj())?;
        own.clear_now(cx);
        if d.cast::<Dict>().is_some() {
            own.update_from(cx, d)?;
        }
        Ok(())
    }
    /// See PEP 585
    #[py("__class_getitem__($type, object, /)")]
    fn class_getitem(cx: &mut Cx, cls: &Obj, object: &Obj) -> PyResult {
        retic_runtime::types::generic::alias(cx, cls, object)
    }
    /// function object to use in future partial calls
    #[member("func")]
    fn func(cx: &mut Cx, this: &Ref<Partial>) -> Obj {
        this.function.cloned(cx)
    }
    /// tuple of arguments to future partial calls
    #[member("args")]
    fn args_get(cx: &mut Cx, this: &Ref<Partial>) -> Obj {
        this.args.cloned(cx)
    }
    /// dictionary of keyword arguments to future partial calls
    #[member("keywords")]
    fn keywords_get(cx: &mut Cx, this: &Ref<Partial>) -> Ref<Dict> {
        this.keywords.cloned(cx)
    }
}

fn partial_spec() -> Spec {
    Spec {
        doc: "Create a new function with partial application of the given arguments and keywords.",
        text_signature: "(func, /, *args, **keywords)",
        flags: flags::GC | flags::MANAGED | flags::DICT | flags::WEAK | flags::BASE,
        slots: Slots {
            new: Some(partial_new),
            init: Some(|_, _, _| Ok(())),
            call: Some(partial_call),
            get: Some(|cx, d, obj, _| match obj {
                Some(o) => function::bind(cx, d.clone(), o.clone()),
                None => Ok(d.clone()),
            }),
            repr: Some(|cx, o| {
                let Some(p) = o.cast::<Partial>().cloned() else { return Ok(cx.none()) };
                let class = retic_runtime::types::type_::full_name(cx, &o.type_ref());
                let Some(mark) = protocol::enter_repr(cx, o) else { return cx.str("...") };
                let r = (|| {
                    let f = p.function.cloned(cx);
                    let mut out = format!("{class}({}", protocol::repr_text(cx, &f)?);
                    let a = p.args.cloned(cx);
                    for v in tuple_items(&a) {
                        out.push_str(&format!(", {}", protocol::repr_text(cx, &v)?));
                    }
                    for (k, v) in p.keywords.cloned(cx).entries(cx) {
                        out.push_str(&format!(", {}={}", protocol::str_text(cx, &k)?, protocol::repr_text(cx, &v)?));
                    }
                    out.push(')');
                    cx.str(&out)
                })();
                protocol::leave_repr(cx, mark);
                r
            }),
            ..Slots::EMPTY
        },
        methods: Partial::METHODS,
        getset: Partial::GETSET,
        ..Spec::new::<Partial>("functools.partial")
    }
}

fn key_spec() -> Spec {
    Spec {
        flags: flags::GC | flags::NO_NEW,
        slots: Slots {
            call: Some(|cx, o, args| {
                let Some(k) = o.cast::<Key>() else { return Ok(cx.none()) };
                let params = crate::params::Params { function: "K", names: &["obj"], required: 1, positional: 1 };
                let mut v = None;
                crate::params::bind(cx, &params, &args, |_, _, o| {
                    v = Some(o.clone());
                    Ok(())
                })?;
                let cmp = k.cmp.cloned(cx);
                let ty = o.type_ref();
                Ok(memory::new(cx, &ty, |head| Key { head, cmp: Guarded::new(cmp), object: Guarded::new(v) })?.into_obj())
            }),
            richcompare: Some(|cx, a, b, op: Cmp| {
                let (Some(x), Some(y)) = (a.cast::<Key>(), b.cast::<Key>()) else { return Err(cx.type_error("other argument must be K instance")) };
                let (f, p, q) = (x.cmp.cloned(cx), x.object.cloned(cx), y.object.cloned(cx));
                let (Some(p), Some(q)) = (p, q) else { return Err(cx.attribute_error("object")) };
                let r = protocol::call(cx, &f, &[p, q])?;
                let zero = cx.int(0)?;
                protocol::richcompare(cx, &r, &zero, op)
            }),
            hash: Some(retic_runtime::types::dunders::unhashable),
            ..Slots::EMPTY
        },
        getset: Key::GETSET,
        ..Spec::new::<Key>("functools.KeyWrapper")
    }
}
#[retic_macros::methods]
impl Key {
    /// The signature of a key function.
    #[get("__text_signature__")]
    fn text_signature(_cx: &mut Cx, this: &Ref<Key>) -> &'static str {
        let _ = this;
        "(obj)"
    }
    /// Value wrapped by a key function.
    #[get("obj")]
    fn obj(cx: &mut Cx, this: &Ref<Key>) -> Option<Obj> {
        this.object.cloned(cx)
    }
}

#[retic_macros::methods]
mod functions {
    //! Tools that operate on functions.
    use super::*;

    /// Apply a function of two arguments cumulatively to the items of an iterable, from left to right.
    #[py("reduce(function, iterable, /, initial=<unrepresentable>)")]
    pub fn reduce(cx: &mut Cx, function: &Obj, iterable: &Obj, initial: Option<&Obj>) -> PyResult {
        let it = match protocol::iter(cx, iterable) {
            Ok(i) => i,
            Err(_) if cx.error_is(&cx.types.type_error) => {
                cx.clear_error();
                return Err(cx.type_error("reduce() arg 2 must support iteration"));
            }
            Err(r) => return Err(r),
        };
        let mut total = match initial {
            Some(i) => i.clone(),
            None => match protocol::next(cx, &it)? {
                Some(v) => v,
                None => return Err(cx.type_error("reduce() of empty iterable with no initial value")),
            },
        };
        while let Some(v) = protocol::next(cx, &it)? {
            total = protocol::call(cx, function, &[total, v])?;
            cx.poll_native()?;
        }
        Ok(total)
    }
    /// Convert a cmp= function into a key= function.
    #[py("cmp_to_key(mycmp)")]
    pub fn cmp_to_key(cx: &mut Cx, mycmp: &Obj) -> PyResult {
        let ty = cx.native_type("functools.KeyWrapper");
        let cmp = mycmp.clone();
        Ok(memory::new(cx, &ty, |head| Key { head, cmp: Guarded::new(cmp), object: Guarded::new(None) })?.into_obj())
    }
}

layout! {
    /// The one placeholder.
    pub struct PlaceholderObj = 243, "functools._PlaceholderType" {}
}

pub fn make(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "_functools", functions::DOC, functions::FUNCTIONS)?;
    m.add_type(cx, &partial_spec())?;
    let object = cx.types.object.clone();
    retic_runtime::interp::native_type(cx, &key_spec(), &object)?;
    m.add_type(cx, &cache::spec())?;
    let spec = Spec {
        doc: "The type of the Placeholder singleton.",
        slots: Slots { repr: Some(|cx, _| cx.str("Placeholder")), ..Slots::EMPTY },
        ..Spec::new::<PlaceholderObj>("functools._PlaceholderType")
    };
    let ty = m.add_type(cx, &spec)?;
    let one = memory::new(cx, &ty, |head| PlaceholderObj { head })?.into_obj();
    one.make_immortal();
    m.set(cx, "Placeholder", one)?;
    Ok(m.into_obj())
}
