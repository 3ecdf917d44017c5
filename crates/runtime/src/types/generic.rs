//! `types.GenericAlias` (PEP 585: `list[int]`) and unions (PEP 604: `int | str`).

use super::type_::{Cmp, Op, flags};
use super::{List, Slots, Spec, Str, Tuple, Type};
use crate::cx::{Cx, PyResult};
use crate::layout;
use crate::memory;
use crate::native::Args;
use crate::object::{Guarded, Obj, Ref};
use crate::protocol;
use std::cell::Cell;

layout! {
    /// A class with arguments in brackets.
    pub struct Alias = 43, "types.GenericAlias" {
        origin: Guarded<Obj>,
        args: Guarded<Obj>,
        parameters: Guarded<Option<Obj>>,
        /// `*tuple[int]`.
        starred: Cell<bool>,
    }
}
layout! {
    /// What `*tuple[int]` runs over: the alias, starred, once.
    pub struct AliasIter = 325, "generic_alias_iterator" { alias: Guarded<Option<Obj>>, }
}
layout! {
    /// Alternatives joined by `|`.
    pub struct Union = 44, "typing.Union" { args: Guarded<Obj>, parameters: Guarded<Option<Obj>>, }
}

fn items(o: &Obj) -> Vec<Obj> {
    o.cast::<Tuple>().map(|t| t.items().to_vec()).unwrap_or_default()
}

/// `origin[args]`.
pub fn alias(cx: &mut Cx, origin: &Obj, args: &Obj) -> PyResult {
    make_alias(cx, origin, args, false)
}

fn make_alias(cx: &mut Cx, origin: &Obj, args: &Obj, starred: bool) -> PyResult {
    let ty = cx.types.generic_alias.clone();
    make_alias_of(cx, &ty, origin, args, starred)
}

fn make_alias_of(cx: &mut Cx, ty: &Ref<Type>, origin: &Obj, args: &Obj, starred: bool) -> PyResult {
    let args = if args.cast::<Tuple>().is_some() { args.clone() } else { cx.tuple_of([args.clone()])? };
    let origin = origin.clone();
    Ok(memory::new(cx, ty, |head| Alias { head, origin: Guarded::new(origin), args: Guarded::new(args), parameters: Guarded::new(None), starred: Cell::new(starred) })?.into_obj())
}

/// The type variables in arguments, each once, in order.
fn parameters(cx: &mut Cx, args: &Obj) -> PyResult {
    fn walk(cx: &mut Cx, args: &[Obj], out: &mut Vec<Obj>) -> PyResult<()> {
        for a in args {
            if a.cast::<Type>().is_some() {
                continue;
            }
            if a.cast::<Tuple>().is_some() || a.cast::<List>().is_some() {
                let inner = protocol::collect(cx, a)?;
                cx.deeper(" in type parameters", |cx| walk(cx, &inner, out))?;
                continue;
            }
            let name = cx.name("__typing_subst__");
            let found = if protocol::lookup_attr(cx, a, &name)?.is_some() {
                vec![a.clone()]
            } else {
                let name = cx.name("__parameters__");
                protocol::lookup_attr(cx, a, &name)?.map(|p| items(&p)).unwrap_or_default()
            };
            for p in found {
                if !out.iter().any(|o| o.is(&p)) {
                    out.push(p);
                }
            }
        }
        Ok(())
    }
    let mut out = Vec::new();
    walk(cx, &items(args), &mut out)?;
    cx.tuple(out)
}

/// What stands in brackets, with `*tuple[int, str]` taken apart.
fn unpacked(cx: &mut Cx, item: &Obj) -> PyResult<Vec<Obj>> {
    let given = if item.cast::<Tuple>().is_some() { items(item) } else { vec![item.clone()] };
    let mut out = Vec::with_capacity(given.len());
    for a in given {
        let name = cx.name("__typing_unpacked_tuple_args__");
        let inner = if a.cast::<Type>().is_some() { None } else { protocol::lookup_attr(cx, &a, &name)? };
        match inner.filter(|i| i.cast::<Tuple>().is_some()).map(|i| items(&i)) {
            Some(inner) if !inner.last().is_some_and(|l| l.is(&cx.consts.ellipsis)) => out.extend(inner),
            _ => out.push(a),
        }
    }
    Ok(out)
}

/// Arguments with parameters replaced by items, as `Alias[items]` asks.
fn substitute(cx: &mut Cx, this: &Obj, args: &Obj, params: &Obj, item: &Obj) -> PyResult {
    let params = items(params);
    let shown = |cx: &mut Cx| protocol::repr_text(cx, this);
    if params.is_empty() {
        let text = shown(cx)?;
        return Err(cx.type_error(format!("{text} is not a generic class")));
    }
    let given = unpacked(cx, item)?;
    let mut item = cx.tuple(given)?;
    for p in &params {
        let name = cx.name("__typing_prepare_subst__");
        if let Some(prepare) = protocol::lookup_attr(cx, p, &name)?.filter(|p| !p.is_none()) {
            item = protocol::call(cx, &prepare, &[this.clone(), item])?;
            if item.cast::<Tuple>().is_none() {
                item = cx.tuple_of([item])?;
            }
        }
    }
    let given = unpacked(cx, &item)?;
    if given.len() != params.len() {
        let text = shown(cx)?;
        let word = if given.len() > params.len() { "many" } else { "few" };
        return Err(cx.type_error(format!("Too {word} arguments for {text}; actual {}, expected {}", given.len(), params.len())));
    }
    fn one(cx: &mut Cx, args: &[Obj], params: &[Obj], given: &[Obj], out: &mut Vec<Obj>) -> PyResult<()> {
        for a in args {
            if a.cast::<Type>().is_some() {
                out.push(a.clone());
                continue;
            }
            if let Some(is_list) = a.cast::<List>().map(|_| true).or(a.cast::<Tuple>().map(|_| false)) {
                let inner = protocol::collect(cx, a)?;
                let mut new = Vec::new();
                cx.deeper(" in type parameters", |cx| one(cx, &inner, params, given, &mut new))?;
                out.push(if is_list { cx.list(new)? } else { cx.tuple(new)? });
                continue;
            }
            let name = cx.name("__typing_is_unpacked_typevartuple__");
            let unpack = match protocol::lookup_attr(cx, a, &name)? {
                Some(u) => protocol::truth(cx, &u)?,
                None => false,
            };
            let name = cx.name("__typing_subst__");
            let new = match protocol::lookup_attr(cx, a, &name)? {
                Some(subst) => {
                    let i = params.iter().position(|p| p.is(a)).unwrap_or(0);
                    protocol::call(cx, &subst, &[given[i].clone()])?
                }
                None => {
                    let name = cx.name("__parameters__");
                    let sub = protocol::lookup_attr(cx, a, &name)?.map(|p| items(&p)).unwrap_or_default();
                    if sub.is_empty() {
                        a.clone()
                    } else {
                        let mut picked = Vec::new();
                        for s in &sub {
                            let Some(i) = params.iter().position(|p| p.is(s)) else {
                                picked.push(s.clone());
                                continue;
                            };
                            // What runs over something stands for many.
                            let many = params[i].ty().slots(cx).iter.is_some() && given[i].cast::<Tuple>().is_some();
                            if many { picked.extend(items(&given[i])) } else { picked.push(given[i].clone()) }
                        }
                        let key = cx.tuple(picked)?;
                        protocol::getitem(cx, a, &key)?
                    }
                }
            };
            if unpack { out.extend(items(&new)) } else { out.push(new) }
        }
        Ok(())
    }
    let mut out = Vec::new();
    one(cx, &items(args), &params, &given, &mut out)?;
    cx.tuple(out)
}

/// How an argument shows in a repr.
fn shown(cx: &mut Cx, o: &Obj) -> PyResult<String> {
    if o.is(&cx.consts.ellipsis) {
        return Ok("...".into());
    }
    if o.is_none() || std::ptr::eq(o.as_ptr().as_ptr(), cx.types.none.as_obj().as_ptr().as_ptr()) {
        return Ok("None".into());
    }
    if let Some(l) = o.cast::<List>() {
        let mut parts = Vec::new();
        for i in l.to_vec(cx) {
            parts.push(cx.deeper(" while getting the repr of an object", |cx| shown(cx, &i))?);
        }
        return Ok(format!("[{}]", parts.join(", ")));
    }
    let (origin, args) = (cx.name("__origin__"), cx.name("__args__"));
    if protocol::lookup_attr(cx, o, &origin)?.is_some() && protocol::lookup_attr(cx, o, &args)?.is_some() {
        return protocol::repr_text(cx, o);
    }
    let (qualname, module) = (cx.name("__qualname__"), cx.name("__module__"));
    if let (Some(q), Some(m)) = (protocol::lookup_attr(cx, o, &qualname)?, protocol::lookup_attr(cx, o, &module)?)
        && !m.is_none()
    {
        let (q, m) = (protocol::str_text(cx, &q)?, protocol::str_text(cx, &m)?);
        return Ok(if m == "builtins" { q } else { format!("{m}.{q}") });
    }
    protocol::repr_text(cx, o)
}

fn alias_of(o: &Obj) -> &Ref<Alias> {
    // SAFETY: O3, these slots are only reached through aliases.
    unsafe { o.cast_unchecked::<Alias>() }
}
fn union_of(o: &Obj) -> &Ref<Union> {
    // SAFETY: O3, these slots are only reached through unions.
    unsafe { o.cast_unchecked::<Union>() }
}

fn alias_repr(cx: &mut Cx, o: &Obj) -> PyResult {
    let (origin, args) = (alias_of(o).origin.cloned(cx), alias_of(o).args.cloned(cx));
    let mut out = if alias_of(o).starred.get() { "*".to_string() } else { String::new() };
    out.push_str(&shown(cx, &origin)?);
    out.push('[');
    let list = items(&args);
    if list.is_empty() {
        out.push_str("()");
    }
    for (i, a) in list.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        out.push_str(&cx.deeper(" while getting the repr of an object", |cx| shown(cx, a))?);
    }
    out.push(']');
    cx.str(&out)
}

fn alias_call(cx: &mut Cx, o: &Obj, args: Args<'_>) -> PyResult {
    let origin = alias_of(o).origin.cloned(cx);
    let made = protocol::call_args(cx, &origin, args)?;
    let name = cx.name("__orig_class__");
    let set = protocol::setattr(cx, &made, &name, Some(o));
    if set.is_err() {
        if !cx.error_is(&cx.types.attribute_error) && !cx.error_is(&cx.types.type_error) {
            return set.map(|()| made);
        }
        cx.clear_error();
    }
    Ok(made)
}

/// Attributes of the alias itself; all others are those of the origin.
const OWN: [&str; 12] = [
    "__class__",
    "__origin__",
    "__args__",
    "__unpacked__",
    "__parameters__",
    "__typing_unpacked_tuple_args__",
    "__mro_entries__",
    "__reduce_ex__",
    "__reduce__",
    "__copy__",
    "__deepcopy__",
    "__bases__",
];

fn alias_getattribute(cx: &mut Cx, o: &Obj, name: &Ref<Str>) -> PyResult {
    let text = name.to_text(cx);
    if OWN.contains(&text.as_str()) {
        return super::object::getattribute(cx, o, name);
    }
    let origin = alias_of(o).origin.cloned(cx);
    protocol::getattr(cx, &origin, name)
}

fn alias_compare(cx: &mut Cx, a: &Obj, b: &Obj, op: Cmp) -> PyResult {
    let (Some(x), Some(y)) = (a.cast::<Alias>(), b.cast::<Alias>()) else { return Ok(cx.not_implemented()) };
    if !matches!(op, Cmp::Eq | Cmp::Ne) {
        return Ok(cx.not_implemented());
    }
    let same = if x.starred.get() != y.starred.get() {
        false
    } else {
        let (p, q, r, s) = (x.origin.cloned(cx), y.origin.cloned(cx), x.args.cloned(cx), y.args.cloned(cx));
        protocol::equal(cx, &p, &q)? && protocol::equal(cx, &r, &s)?
    };
    Ok(cx.bool(same == (op == Cmp::Eq)))
}

#[retic_macros::methods]
impl Alias {
    #[py("__mro_entries__($self, bases, /)", "($self, object, /)")]
    fn mro_entries(cx: &mut Cx, this: &Ref<Alias>, bases: &Obj) -> PyResult {
        let _ = bases;
        let o = this.origin.cloned(cx);
        cx.tuple_of([o])
    }
    #[py("__instancecheck__($self, instance, /)")]
    fn instancecheck(cx: &mut Cx, this: &Ref<Alias>, instance: &Obj) -> PyResult<()> {
        let _ = (this, instance);
        Err(cx.type_error("isinstance() argument 2 cannot be a parameterized generic"))
    }
    #[py("__subclasscheck__($self, cls, /)", "($self, object, /)")]
    fn subclasscheck(cx: &mut Cx, this: &Ref<Alias>, cls: &Obj) -> PyResult<()> {
        let _ = (this, cls);
        Err(cx.type_error("issubclass() argument 2 cannot be a parameterized generic"))
    }
    #[py("__reduce__($self, /)")]
    fn reduce(cx: &mut Cx, this: &Ref<Alias>) -> PyResult {
        let (o, a) = (this.origin.cloned(cx), this.args.cloned(cx));
        if this.starred.get() {
            let plain = make_alias(cx, &o, &a, false)?;
            let it = protocol::iter(cx, &plain)?;
            let (builtins, name) = (cx.builtins_module(), cx.name("next"));
            let next = protocol::getattr(cx, &builtins, &name)?;
            let args = cx.tuple_of([it])?;
            return cx.tuple_of([next, args]);
        }
        let args = cx.tuple_of([o, a])?;
        cx.tuple_of([cx.types.generic_alias.as_obj().clone(), args])
    }
    #[py("__dir__($self, /)")]
    fn dir(cx: &mut Cx, this: &Ref<Alias>) -> PyResult {
        let origin = this.origin.cloned(cx);
        let (builtins, name) = (cx.builtins_module(), cx.name("dir"));
        let dir = protocol::getattr(cx, &builtins, &name)?;
        let list = protocol::call(cx, &dir, &[origin])?;
        if let Some(l) = list.cast::<List>() {
            for n in OWN {
                let n = cx.str(n)?;
                if !protocol::contains(cx, &list, &n)? {
                    l.push(cx, n)?;
                }
            }
        }
        Ok(list)
    }
    #[member("__origin__")]
    fn origin_get(cx: &mut Cx, this: &Ref<Alias>) -> Obj {
        this.origin.cloned(cx)
    }
    #[member("__args__")]
    fn args_get(cx: &mut Cx, this: &Ref<Alias>) -> Obj {
        this.args.cloned(cx)
    }
    /// Type variables in the GenericAlias.
    #[get("__parameters__")]
    fn parameters_get(cx: &mut Cx, this: &Ref<Alias>) -> PyResult {
        if let Some(p) = this.parameters.cloned(cx) {
            return Ok(p);
        }
        let args = this.args.cloned(cx);
        let p = parameters(cx, &args)?;
        this.parameters.set(cx, Some(p.clone()));
        Ok(p)
    }
    #[member("__unpacked__")]
    fn unpacked(_cx: &mut Cx, this: &Ref<Alias>) -> bool {
        this.starred.get()
    }
    #[get("__typing_unpacked_tuple_args__")]
    fn unpacked_args(cx: &mut Cx, this: &Ref<Alias>) -> Option<Obj> {
        let tuple = cx.types.tuple.as_obj().clone();
        if this.starred.get() && this.origin.get(cx).is(&tuple) { Some(this.args.cloned(cx)) } else { None }
    }
}

pub fn alias_spec() -> Spec {
    Spec {
        text_signature: "(origin, args, /)",
        doc: "Represent a PEP 585 generic type\n\nE.g. for t = list[int], t.__origin__ is list and t.__args__ is (int,).",
        flags: flags::GC | flags::MANAGED | flags::WEAK | flags::BASE,
        slots: Slots {
            repr: Some(alias_repr),
            call: Some(alias_call),
            getattribute: Some(alias_getattribute),
            richcompare: Some(alias_compare),
            hash: Some(|cx, o| {
                let (a, b) = (alias_of(o).origin.cloned(cx), alias_of(o).args.cloned(cx));
                Ok(protocol::hash(cx, &a)? ^ protocol::hash(cx, &b)?)
            }),
            getitem: Some(|cx, o, k| {
                let this = alias_of(o).clone();
                let params = Alias::parameters_get(cx, &this)?;
                let (origin, args) = (this.origin.cloned(cx), this.args.cloned(cx));
                let new = substitute(cx, o, &args, &params, k)?;
                make_alias(cx, &origin, &new, this.starred.get())
            }),
            iter: Some(|cx, o| {
                let ty = cx.types.generic_alias_iterator.clone();
                Ok(memory::new(cx, &ty, |head| AliasIter { head, alias: Guarded::new(Some(o.clone())) })?.into_obj())
            }),
            new: Some(|cx, ty, args| {
                let a = args.unpack(cx, "GenericAlias", 2, 2)?;
                make_alias_of(cx, &ty.clone(), &a[0], &a[1], false)
            }),
            ..Slots::EMPTY.with(&[(Op::Or, or)])
        },
        methods: Alias::METHODS,
        getset: Alias::GETSET,
        ..Spec::new::<Alias>("types.GenericAlias")
    }
}

#[retic_macros::methods]
impl AliasIter {
    #[py("__reduce__($self, /)")]
    fn reduce(cx: &mut Cx, this: &Ref<AliasIter>) -> PyResult {
        let left = match this.alias.cloned(cx) {
            Some(alias) => alias,
            None => cx.tuple(Vec::new())?,
        };
        super::iterators::rebuilt(cx, "iter", vec![left], None)
    }
}

pub fn alias_iterator_spec() -> Spec {
    Spec {
        flags: flags::GC | flags::NO_NEW,
        slots: Slots {
            iter: Some(|_, o| Ok(o.clone())),
            next: Some(|cx, o| {
                let Some(it) = o.cast::<AliasIter>() else { return Ok(None) };
                let Some(alias) = it.alias.cloned(cx) else { return Ok(None) };
                it.alias.set(cx, None);
                let this = alias_of(&alias);
                let (origin, args) = (this.origin.cloned(cx), this.args.cloned(cx));
                make_alias(cx, &origin, &args, true).map(Some)
            }),
            ..Slots::EMPTY
        },
        methods: AliasIter::METHODS,
        ..Spec::new::<AliasIter>("generic_alias_iterator")
    }
}

// ---- unions

fn can_join(cx: &Cx, o: &Obj) -> bool {
    o.is_none()
        || o.cast::<Type>().is_some()
        || o.cast::<Alias>().is_some()
        || o.cast::<Union>().is_some()
        || o.ty().short_name() == "TypeAliasType" && o.ty().is_subtype(cx, &cx.types.object)
}

/// `a | b` of types: the slot of `type`, aliases and unions.
pub fn or(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
    if !can_join(cx, a) || !can_join(cx, b) {
        return Ok(cx.not_implemented());
    }
    join(cx, &[a.clone(), b.clone()])
}

/// The union of alternatives: flat, each once; the only one alone.
pub fn join(cx: &mut Cx, parts: &[Obj]) -> PyResult {
    let mut flat: Vec<Obj> = Vec::new();
    for p in parts {
        let inner = match p.cast::<Union>() {
            Some(u) => items(&u.args.cloned(cx)),
            None if p.is_none() => vec![cx.types.none.as_obj().clone()],
            None => vec![p.clone()],
        };
        for i in inner {
            let mut known = false;
            for f in &flat {
                if f.is(&i) || (f.cast::<Type>().is_none() || i.cast::<Type>().is_none()) && protocol::equal(cx, f, &i)? {
                    known = true;
                    break;
                }
            }
            if !known {
                flat.push(i);
            }
        }
    }
    if let [only] = &flat[..] {
        return Ok(only.clone());
    }
    let args = cx.tuple(flat)?;
    Ok(memory::new(cx, &cx.types.union, |head| Union { head, args: Guarded::new(args), parameters: Guarded::new(None) })?.into_obj())
}

/// The alternatives of a union, for `isinstance` and `issubclass`.
pub fn alternatives(cx: &Cx, o: &Obj) -> Option<Vec<Obj>> {
    o.cast::<Union>().map(|u| items(u.args.get(cx)))
}

/// The alternatives that have a hash, as a set, and the others.
fn union_parts(cx: &mut Cx, u: &Ref<Union>) -> PyResult<(Obj, Vec<Obj>)> {
    let (mut hashed, mut others) = (Vec::new(), Vec::new());
    for a in items(&u.args.cloned(cx)) {
        match protocol::hash(cx, &a) {
            Ok(_) => hashed.push(a),
            Err(r) if !cx.error_is(&cx.types.type_error) => return Err(r),
            Err(_) => {
                cx.clear_error();
                others.push(a);
            }
        }
    }
    Ok((super::set::frozen(cx, hashed)?, others))
}

/// Whether two unions have the same alternatives, in any order.
fn same_union(cx: &mut Cx, x: &Ref<Union>, y: &Ref<Union>) -> PyResult<bool> {
    let ((p, more), (q, mut others)) = (union_parts(cx, x)?, union_parts(cx, y)?);
    if more.len() != others.len() || !protocol::equal(cx, &p, &q)? {
        return Ok(false);
    }
    for a in &more {
        let mut found = None;
        for (i, b) in others.iter().enumerate() {
            if protocol::equal(cx, a, b)? {
                found = Some(i);
                break;
            }
        }
        match found {
            Some(i) => drop(others.swap_remove(i)),
            None => return Ok(false),
        }
    }
    Ok(true)
}

impl Union {
    /// Whether an object is an instance of one of its parts.
    pub(crate) fn has_instance(&self, cx: &mut Cx, o: &Obj) -> PyResult<bool> {
        let args = self.args.cloned(cx);
        let Some(parts) = args.cast::<Tuple>() else { return Ok(false) };
        for c in parts.items() {
            if protocol::isinstance(cx, o, c)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

#[retic_macros::methods]
impl Union {
    #[py("__class_getitem__($type, params, /)")]
    fn class_getitem(cx: &mut Cx, cls: &Obj, params: &Obj) -> PyResult {
        let _ = cls;
        let list = if params.cast::<Tuple>().is_some() { items(params) } else { vec![params.clone()] };
        if list.is_empty() {
            return Err(cx.type_error("Cannot take a Union of no types."));
        }
        let mut ready = Vec::new();
        for p in list {
            // A string is a forward reference; typing knows how to wrap it.
            ready.push(if p.cast::<Str>().is_some() {
                let typing = crate::modules::import(cx, "typing")?;
                let name = cx.name("ForwardRef");
                let f = protocol::getattr(cx, &typing, &name)?;
                protocol::call(cx, &f, &[p])?
            } else {
                p
            });
        }
        join(cx, &ready)
    }
    #[py("__mro_entries__($self, bases, /)", "($self, object, /)")]
    fn mro_entries(cx: &mut Cx, this: &Ref<Union>, bases: &Obj) -> PyResult {
        let _ = bases;
        let text = protocol::repr_text(cx, this.as_obj())?;
        Err(cx.type_error(format!("Cannot subclass {text}")))
    }
    #[py("__instancecheck__($self, instance, /)")]
    fn instancecheck(cx: &mut Cx, this: &Ref<Union>, instance: &Obj) -> PyResult<bool> {
        this.has_instance(cx, instance)
    }
    #[py("__subclasscheck__($self, cls, /)", "($self, object, /)")]
    fn subclasscheck(cx: &mut Cx, this: &Ref<Union>, cls: &Obj) -> PyResult<bool> {
        if cls.cast::<Type>().is_none() {
            return Err(cx.type_error("issubclass() arg 1 must be a class"));
        }
        let args = this.args.cloned(cx);
        for c in items(&args) {
            if protocol::issubclass(cx, cls, &c)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
    #[py("__reduce__($self, /)")]
    fn reduce(cx: &mut Cx, this: &Ref<Union>) -> PyResult {
        let module = crate::modules::import(cx, "operator")?;
        let name = cx.name("getitem");
        let f = protocol::getattr(cx, &module, &name)?;
        let args = cx.tuple_of([cx.types.union.as_obj().clone(), this.args.cloned(cx)])?;
        cx.tuple_of([f, args])
    }
    #[member("__args__")]
    fn args_get(cx: &mut Cx, this: &Ref<Union>) -> Obj {
        this.args.cloned(cx)
    }
    #[get("__name__")]
    fn name(cx: &mut Cx, _this: &Ref<Union>) -> PyResult {
        cx.str("Union")
    }
    #[get("__qualname__")]
    fn qualname(cx: &mut Cx, _this: &Ref<Union>) -> PyResult {
        cx.str("Union")
    }
    #[member("__origin__")]
    fn origin(cx: &mut Cx, _this: &Ref<Union>) -> Obj {
        cx.types.union.as_obj().clone()
    }
    /// Type variables in the GenericAlias.
    #[get("__parameters__")]
    fn parameters_get(cx: &mut Cx, this: &Ref<Union>) -> PyResult {
        if let Some(p) = this.parameters.cloned(cx) {
            return Ok(p);
        }
        let args = this.args.cloned(cx);
        let p = parameters(cx, &args)?;
        this.parameters.set(cx, Some(p.clone()));
        Ok(p)
    }
}

pub fn union_spec() -> Spec {
    Spec {
        doc: "Represent a union type\n\nE.g. for int | str",
        flags: flags::GC | flags::NO_NEW | flags::MANAGED | flags::WEAK,
        slots: Slots {
            repr: Some(|cx, o| {
                let args = union_of(o).args.cloned(cx);
                let mut parts = Vec::new();
                for a in items(&args) {
                    parts.push(cx.deeper(" while getting the repr of an object", |cx| shown(cx, &a))?);
                }
                cx.str(&parts.join(" | "))
            }),
            hash: Some(|cx, o| {
                let args = union_of(o).args.cloned(cx);
                let s = super::set::frozen(cx, items(&args))?;
                protocol::hash(cx, &s)
            }),
            richcompare: Some(|cx, a, b, op| {
                let (Some(x), Some(y)) = (a.cast::<Union>().cloned(), b.cast::<Union>().cloned()) else { return Ok(cx.not_implemented()) };
                if !matches!(op, Cmp::Eq | Cmp::Ne) {
                    return Ok(cx.not_implemented());
                }
                let same = same_union(cx, &x, &y)?;
                Ok(cx.bool(same == (op == Cmp::Eq)))
            }),
            getitem: Some(|cx, o, k| {
                let this = union_of(o).clone();
                let params = Union::parameters_get(cx, &this)?;
                let args = this.args.cloned(cx);
                let new = substitute(cx, o, &args, &params, k)?;
                join(cx, &items(&new))
            }),
            ..Slots::EMPTY.with(&[(Op::Or, or)])
        },
        methods: Union::METHODS,
        getset: Union::GETSET,
        ..Spec::new::<Union>("typing.Union")
    }
}
