//! `itemgetter`, `attrgetter`, `methodcaller`.

use super::only;
use retic_runtime::object::Guarded;
use retic_runtime::types::type_::flags;
use retic_runtime::types::{Dict, Slots, Spec, Str, Tuple};
use retic_runtime::{Args, Cx, Obj, PyResult, Ref, layout, memory, protocol};

layout! {
    /// Picks items: their keys.
    pub struct ItemGetter = 310, "operator.itemgetter" { items: Guarded<Obj>, }
}
layout! {
    /// Picks attributes: their names as they were given.
    pub struct AttrGetter = 311, "operator.attrgetter" { names: Guarded<Obj>, }
}
layout! {
    /// Calls a method: its name, and what it is called with.
    pub struct MethodCaller = 312, "operator.methodcaller" { name: Guarded<Ref<Str>>, args: Guarded<Obj>, keywords: Guarded<Ref<Dict>>, }
}

fn items_of(o: &Obj) -> Vec<Obj> {
    o.cast::<Tuple>().map(|t| t.items().to_vec()).unwrap_or_default()
}
fn at_least_one<'a>(cx: &Cx, name: &str, args: Args<'a>) -> PyResult<&'a [Obj]> {
    if args.items.is_empty() {
        return Err(cx.type_error(format!("{name} expected 1 argument, got 0")));
    }
    Ok(args.items)
}
/// One result as it is, several as a tuple.
fn one_or_all(cx: &mut Cx, what: &[Obj], mut get: impl FnMut(&mut Cx, &Obj) -> PyResult) -> PyResult {
    if let [one] = what {
        return get(cx, one);
    }
    let mut out = Vec::with_capacity(what.len());
    for w in what {
        out.push(get(cx, w)?);
    }
    cx.tuple(out)
}
/// `module.name(arguments)`: how such an object shows itself; `...` where it holds itself.
fn shown(cx: &mut Cx, o: &Obj, parts: impl FnOnce(&mut Cx) -> PyResult<Vec<String>>) -> PyResult {
    let name = o.ty().name_text();
    let Some(address) = protocol::enter_repr(cx, o) else { return cx.str(&format!("{name}(...)")) };
    let parts = parts(cx);
    protocol::leave_repr(cx, address);
    let text = format!("{name}({})", parts?.join(", "));
    cx.str(&text)
}
fn reprs(cx: &mut Cx, items: &[Obj]) -> PyResult<Vec<String>> {
    items.iter().map(|i| protocol::repr_text(cx, i)).collect()
}

/// `itemgetter`.
pub fn item_spec() -> Spec {
    Spec {
        doc: "A callable that picks items: itemgetter(2)(r) is r[2], and with several keys a tuple, itemgetter(2, 5)(r) is (r[2], r[5]).",
        text_signature: "(item, /, *items)",
        flags: flags::GC,
        slots: Slots {
            new: Some(|cx, ty, args| {
                args.no_keywords(cx, "itemgetter")?;
                at_least_one(cx, "itemgetter", args)?;
                let items = cx.tuple(args.items.to_vec())?;
                Ok(memory::new(cx, ty, |head| ItemGetter { head, items: Guarded::new(items) })?.into_obj())
            }),
            call: Some(|cx, o, args| {
                let Some(g) = o.cast::<ItemGetter>() else { return Ok(cx.none()) };
                let keys = g.items.cloned(cx);
                let from = only(cx, "itemgetter", args)?;
                match keys.cast::<Tuple>().map(|t| t.items()) {
                    Some(keys) => one_or_all(cx, keys, |cx, k| protocol::getitem(cx, from, k)),
                    None => Ok(cx.none()),
                }
            }),
            repr: Some(|cx, o| {
                shown(cx, o, |cx| {
                    let items = o.cast::<ItemGetter>().map(|g| items_of(g.items.get(cx))).unwrap_or_default();
                    reprs(cx, &items)
                })
            }),
            ..Slots::EMPTY
        },
        methods: ItemGetter::METHODS,
        getset: ItemGetter::GETSET,
        ..Spec::new::<ItemGetter>("operator.itemgetter")
    }
}
#[retic_macros::methods]
impl ItemGetter {
    /// Return state information for pickling
    #[get("__text_signature__")]
    fn text_signature(_: &mut Cx, _this: &Ref<ItemGetter>) -> &'static str {
        "(obj, /)"
    }
    #[py("__reduce__($self, /)")]
    fn reduce(cx: &mut Cx, this: &Ref<ItemGetter>) -> PyResult {
        let parts = vec![this.as_obj().type_ref().into_obj(), this.items.cloned(cx)];
        cx.tuple(parts)
    }
}

/// The attribute at the end of a dotted name.
fn follow(cx: &mut Cx, from: &Obj, name: &Obj) -> PyResult {
    let Some(name) = name.cast::<Str>().cloned() else { return Ok(cx.none()) };
    let dotted = name.ascii_bytes().is_none_or(|b| b.contains(&b'.'));
    if !dotted {
        return protocol::getattr(cx, from, &name);
    }
    let mut at = from.clone();
    for part in name.to_text(cx).split('.') {
        let part = retic_runtime::types::str::intern_text(cx, part)?;
        at = protocol::getattr(cx, &at, &part)?;
    }
    Ok(at)
}

/// `attrgetter`.
pub fn attribute_spec() -> Spec {
    Spec {
        doc: "A callable that picks attributes: attrgetter('name')(r) is r.name, with dots r.name.first, and with several names a tuple.",
        text_signature: "(attr, /, *attrs)",
        flags: flags::GC,
        slots: Slots {
            new: Some(|cx, ty, args| {
                args.no_keywords(cx, "attrgetter")?;
                let given = at_least_one(cx, "attrgetter", args)?;
                let mut names = Vec::new();
                for n in given {
                    let Some(text) = n.cast::<Str>().cloned() else { return Err(cx.type_error("attribute name must be a string")) };
                    names.push(retic_runtime::types::str::intern(cx, text).into_obj());
                }
                let names = cx.tuple(names)?;
                Ok(memory::new(cx, ty, |head| AttrGetter { head, names: Guarded::new(names) })?.into_obj())
            }),
            call: Some(|cx, o, args| {
                let Some(g) = o.cast::<AttrGetter>() else { return Ok(cx.none()) };
                let names = g.names.cloned(cx);
                let from = only(cx, "attrgetter", args)?;
                match names.cast::<Tuple>().map(|t| t.items()) {
                    Some(names) => one_or_all(cx, names, |cx, n| follow(cx, from, n)),
                    None => Ok(cx.none()),
                }
            }),
            repr: Some(|cx, o| {
                shown(cx, o, |cx| {
                    let names = o.cast::<AttrGetter>().map(|g| items_of(g.names.get(cx))).unwrap_or_default();
                    reprs(cx, &names)
                })
            }),
            ..Slots::EMPTY
        },
        methods: AttrGetter::METHODS,
        getset: AttrGetter::GETSET,
        ..Spec::new::<AttrGetter>("operator.attrgetter")
    }
}
#[retic_macros::methods]
impl AttrGetter {
    /// Return state information for pickling
    #[get("__text_signature__")]
    fn text_signature(_: &mut Cx, _this: &Ref<AttrGetter>) -> &'static str {
        "(obj, /)"
    }
    #[py("__reduce__($self, /)")]
    fn reduce(cx: &mut Cx, this: &Ref<AttrGetter>) -> PyResult {
        let parts = vec![this.as_obj().type_ref().into_obj(), this.names.cloned(cx)];
        cx.tuple(parts)
    }
}

/// `methodcaller`.
pub fn method_spec() -> Spec {
    Spec {
        doc: "A callable that calls a method: methodcaller('name', 1, k=2)(r) is r.name(1, k=2).",
        text_signature: "(name, /, *args, **kwargs)",
        flags: flags::GC,
        slots: Slots {
            new: Some(|cx, ty, args| {
                let Some((name, rest)) = args.positional().split_first() else {
                    return Err(cx.type_error("methodcaller needs at least one argument, the method name"));
                };
                let Some(name) = name.cast::<Str>().cloned() else { return Err(cx.type_error("method name must be a string")) };
                let name = retic_runtime::types::str::intern(cx, name);
                let given = cx.tuple(rest.to_vec())?;
                let keywords = Dict::new(cx)?;
                for (k, v) in args.keywords() {
                    keywords.insert(cx, k, v.clone())?;
                }
                Ok(memory::new(cx, ty, |head| MethodCaller { head, name: Guarded::new(name), args: Guarded::new(given), keywords: Guarded::new(keywords) })?.into_obj())
            }),
            call: Some(|cx, o, args| {
                let Some(m) = o.cast::<MethodCaller>().cloned() else { return Ok(cx.none()) };
                let on = only(cx, "methodcaller", args)?;
                let (name, given, keywords) = (m.name.cloned(cx), m.args.cloned(cx), m.keywords.cloned(cx));
                let f = protocol::getattr(cx, on, &name)?;
                let pairs = keywords.entries(cx);
                let pairs: Vec<(&Obj, &Obj)> = pairs.iter().map(|(k, v)| (k, v)).collect();
                protocol::call_keywords(cx, &f, given.cast::<Tuple>().map_or(&[], |t| t.items()), &pairs)
            }),
            repr: Some(|cx, o| {
                let Some(m) = o.cast::<MethodCaller>().cloned() else { return Ok(cx.none()) };
                shown(cx, o, |cx| {
                    let mut parts = reprs(cx, &[m.name.cloned(cx).into_obj()])?;
                    let given = items_of(m.args.get(cx));
                    parts.extend(reprs(cx, &given)?);
                    for (k, v) in m.keywords.cloned(cx).entries(cx) {
                        let (k, v) = (protocol::str_text(cx, &k)?, protocol::repr_text(cx, &v)?);
                        parts.push(format!("{k}={v}"));
                    }
                    Ok(parts)
                })
            }),
            ..Slots::EMPTY
        },
        methods: MethodCaller::METHODS,
        getset: MethodCaller::GETSET,
        ..Spec::new::<MethodCaller>("operator.methodcaller")
    }
}
#[retic_macros::methods]
impl MethodCaller {
    /// Return state information for pickling
    #[get("__text_signature__")]
    fn text_signature(_: &mut Cx, _this: &Ref<MethodCaller>) -> &'static str {
        "(obj, /)"
    }
    #[py("__reduce__($self, /)")]
    fn reduce(cx: &mut Cx, this: &Ref<MethodCaller>) -> PyResult {
        let (class, name, args, keywords) = (this.as_obj().type_ref().into_obj(), this.name.cloned(cx).into_obj(), this.args.cloned(cx), this.keywords.cloned(cx));
        let given = items_of(&args);
        if keywords.len(cx) == 0 {
            let all = std::iter::once(name).chain(given).collect();
            let all = cx.tuple(all)?;
            return cx.tuple_of([class, all]);
        }
        // Keywords travel in a partial of the class.
        let functools = retic_runtime::modules::import::import(cx, "functools")?;
        let key = cx.name("partial");
        let partial = protocol::getattr(cx, &functools, &key)?;
        let pairs = keywords.entries(cx);
        let pairs: Vec<(&Obj, &Obj)> = pairs.iter().map(|(k, v)| (k, v)).collect();
        let made = protocol::call_keywords(cx, &partial, &[class, name], &pairs)?;
        cx.tuple_of([made, args])
    }
}
