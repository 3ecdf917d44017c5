//! `_abc`: what abstract base classes remember of their subclasses (PEP 3119).

use retic_runtime::object::Guarded;
use retic_runtime::types::type_::flags;
use retic_runtime::types::{Dict, Set, Slots, Spec, Str, Type, int, module, set, weakref};
use retic_runtime::{Cx, Obj, PyResult, Ref, layout, memory, protocol};
use std::cell::Cell;

layout! {
    /// Of one class: weak references to the classes registered with it, and to those found to be subclasses or not.
    pub struct AbcData = 300, "_abc._abc_data" {
        registry: Guarded<Ref<Set>>,
        yes: Guarded<Ref<Set>>,
        no: Guarded<Ref<Set>>,
        /// The count of registrations that `no` is good for.
        no_version: Cell<u64>,
    }
}

const COLLECTIONS: u32 = flags::SEQUENCE | flags::MAPPING;
/// The bits of `__abc_tpflags__`.
const TP_SEQUENCE: i64 = 1 << 5;
const TP_MAPPING: i64 = 1 << 6;

fn data(cx: &mut Cx, class: &Obj) -> PyResult<Ref<AbcData>> {
    let name = cx.name("_abc_impl");
    let found = protocol::getattr(cx, class, &name)?;
    match found.cast::<AbcData>() {
        Some(d) => Ok(d.clone()),
        None => Err(cx.type_error("_abc_impl is set to a wrong type")),
    }
}

fn reference(cx: &mut Cx, to: &Obj) -> PyResult {
    let class = cx.types.weakref.clone();
    weakref::make(cx, &class, to, None)
}

fn holds(cx: &mut Cx, set: &Ref<Set>, class: &Obj) -> PyResult<bool> {
    if set.is_empty() || !memory::weak::allowed(class) {
        return Ok(false);
    }
    let r = reference(cx, class)?;
    set.contains(cx, &r)
}

fn remember(cx: &mut Cx, set: &Ref<Set>, class: &Obj) -> PyResult<()> {
    // References to classes that died are swept out whenever the set has doubled.
    if set.len() >= 8 && set.len().is_power_of_two() {
        for r in set.items(cx) {
            if weakref::target(&r).is_none() {
                protocol::call_method(cx, set.as_obj(), "discard", &[r])?;
            }
        }
    }
    let r = reference(cx, class)?;
    set.add(cx, &r).map(drop)
}

fn is_abstract(cx: &mut Cx, o: &Obj) -> PyResult<bool> {
    let name = cx.name("__isabstractmethod__");
    match protocol::lookup_attr(cx, o, &name)? {
        Some(flag) => protocol::truth(cx, &flag),
        None => Ok(false),
    }
}

/// The names of a class's methods that are abstract still.
fn abstract_methods(cx: &mut Cx, class: &Obj) -> PyResult {
    let mut found = Vec::new();
    let own = class.cast::<Type>().and_then(|t| t.dict.cloned(cx));
    for (name, value) in own.map(|d| d.entries(cx)).unwrap_or_default() {
        if is_abstract(cx, &value)? {
            found.push(name);
        }
    }
    let (bases, abstracts) = (cx.name("__bases__"), cx.name("__abstractmethods__"));
    let bases = protocol::getattr(cx, class, &bases)?;
    for base in protocol::collect(cx, &bases)? {
        let Some(names) = protocol::lookup_attr(cx, &base, &abstracts)? else { continue };
        for name in protocol::collect(cx, &names)? {
            let Some(key) = name.cast::<Str>() else { continue };
            if let Some(value) = protocol::lookup_attr(cx, class, key)?
                && is_abstract(cx, &value)?
            {
                found.push(name);
            }
        }
    }
    set::frozen(cx, found)
}

/// Gives a class and its subclasses the mark that `match` looks for.
fn mark(cx: &mut Cx, class: &Ref<Type>, what: u32) {
    let mut waiting = vec![class.clone()];
    while let Some(t) = waiting.pop() {
        if !t.is_heap() || t.flags.get() & COLLECTIONS == what {
            continue;
        }
        t.flags.set(t.flags.get() & !COLLECTIONS | what);
        waiting.extend(t.subclass_list(cx));
    }
}

#[retic_macros::methods]
mod functions {
    //! Module contains faster C implementation of abc.ABCMeta
    use super::*;

    /// Returns the current ABC cache token.
    #[py("get_cache_token()")]
    pub fn get_cache_token(cx: &mut Cx) -> PyResult {
        let n = cx.abc_registrations.get();
        cx.int(n as i64)
    }
    /// Internal ABC helper for class set-up. Should be never used outside abc module.
    #[py("_abc_init(self, /)")]
    pub fn _abc_init(cx: &mut Cx, _self: &Obj) -> PyResult<()> {
        let class = _self;
        let ty = cx.native_type("_abc._abc_data");
        let (registry, yes, no) = (Set::new(cx)?, Set::new(cx)?, Set::new(cx)?);
        let version = cx.abc_registrations.get();
        let data = memory::new(cx, &ty, |head| AbcData { head, registry: Guarded::new(registry), yes: Guarded::new(yes), no: Guarded::new(no), no_version: Cell::new(version) })?;
        let names = abstract_methods(cx, class)?;
        let key = cx.name("__abstractmethods__");
        protocol::setattr(cx, class, &key, Some(&names))?;
        let key = cx.name("_abc_impl");
        protocol::setattr(cx, class, &key, Some(data.as_obj()))?;
        let key = cx.name("__abc_tpflags__");
        let Some(t) = class.cast::<Type>().cloned() else { return Ok(()) };
        let Some(wanted) = t.dict.cloned(cx).and_then(|d: Ref<Dict>| d.get_str(cx, &key)) else { return Ok(()) };
        let wanted = int::to_i64(&wanted).unwrap_or(0);
        if wanted & TP_SEQUENCE != 0 && wanted & TP_MAPPING != 0 {
            return Err(cx.type_error("__abc_tpflags__ cannot be both Py_TPFLAGS_SEQUENCE and Py_TPFLAGS_MAPPING"));
        }
        let more = if wanted & TP_SEQUENCE != 0 { flags::SEQUENCE } else { 0 } | if wanted & TP_MAPPING != 0 { flags::MAPPING } else { 0 };
        t.flags.set(t.flags.get() | more);
        protocol::setattr(cx, class, &key, None)
    }
    /// Internal ABC helper for subclasss registration. Should be never used outside abc module.
    #[py("_abc_register(self, subclass, /)")]
    pub fn _abc_register(cx: &mut Cx, _self: &Obj, subclass: &Obj) -> PyResult {
        let Some(sub) = subclass.cast::<Type>().cloned() else { return Err(cx.type_error("Can only register classes")) };
        if protocol::issubclass(cx, subclass, _self)? {
            return Ok(subclass.clone());
        }
        if protocol::issubclass(cx, _self, subclass)? {
            return Err(cx.runtime_error("Refusing to create an inheritance cycle"));
        }
        let registry = data(cx, _self)?.registry.cloned(cx);
        remember(cx, &registry, subclass)?;
        cx.abc_registrations.set(cx.abc_registrations.get() + 1);
        if let Some(t) = _self.cast::<Type>()
            && t.flags.get() & COLLECTIONS != 0
        {
            mark(cx, &sub, t.flags.get() & COLLECTIONS);
        }
        Ok(subclass.clone())
    }
    /// Internal ABC helper for instance checks. Should be never used outside abc module.
    #[py("_abc_instancecheck(self, instance, /)")]
    pub fn _abc_instancecheck(cx: &mut Cx, _self: &Obj, instance: &Obj) -> PyResult {
        let d = data(cx, _self)?;
        let key = cx.name("__class__");
        let subclass = protocol::getattr(cx, instance, &key)?;
        let yes = d.yes.cloned(cx);
        if holds(cx, &yes, &subclass)? {
            return Ok(cx.bool(true));
        }
        let own = instance.type_ref().into_obj();
        if own.is(&subclass) {
            let no = d.no.cloned(cx);
            if d.no_version.get() == cx.abc_registrations.get() && holds(cx, &no, &subclass)? {
                return Ok(cx.bool(false));
            }
            return protocol::call_method(cx, _self, "__subclasscheck__", &[subclass]);
        }
        let r = protocol::call_method(cx, _self, "__subclasscheck__", &[subclass])?;
        if protocol::truth(cx, &r)? { Ok(r) } else { protocol::call_method(cx, _self, "__subclasscheck__", &[own]) }
    }
    /// Internal ABC helper for subclasss checks. Should be never used outside abc module.
    #[py("_abc_subclasscheck(self, subclass, /)")]
    pub fn _abc_subclasscheck(cx: &mut Cx, _self: &Obj, subclass: &Obj) -> PyResult<bool> {
        let Some(sub) = subclass.cast::<Type>().cloned() else { return Err(cx.type_error("issubclass() arg 1 must be a class")) };
        let d = data(cx, _self)?;
        let yes = d.yes.cloned(cx);
        if holds(cx, &yes, subclass)? {
            return Ok(true);
        }
        if d.no_version.get() < cx.abc_registrations.get() {
            d.no.cloned(cx).empty(cx);
            d.no_version.set(cx.abc_registrations.get());
        } else {
            let no = d.no.cloned(cx);
            if holds(cx, &no, subclass)? {
                return Ok(false);
            }
        }
        let no = d.no.cloned(cx);
        let hook = protocol::call_method(cx, _self, "__subclasshook__", std::slice::from_ref(subclass))?;
        if !hook.is(&cx.consts.not_implemented) {
            let ok = protocol::truth(cx, &hook)?;
            remember(cx, if ok { &yes } else { &no }, subclass)?;
            return Ok(ok);
        }
        if sub.mro_list(cx).iter().any(|t| t.is(_self)) {
            remember(cx, &yes, subclass)?;
            return Ok(true);
        }
        let registry = d.registry.cloned(cx);
        for r in registry.items(cx) {
            let Some(known) = weakref::target(&r) else { continue };
            if protocol::issubclass(cx, subclass, &known)? {
                remember(cx, &yes, subclass)?;
                return Ok(true);
            }
        }
        let children = protocol::call_method(cx, _self, "__subclasses__", &[])?;
        for child in protocol::collect(cx, &children)? {
            if protocol::issubclass(cx, subclass, &child)? {
                remember(cx, &yes, subclass)?;
                return Ok(true);
            }
        }
        remember(cx, &no, subclass)?;
        Ok(false)
    }
    /// Internal helper for cache and registry debugging.
    #[py("_get_dump(self, /)")]
    pub fn _get_dump(cx: &mut Cx, _self: &Obj) -> PyResult {
        let d = data(cx, _self)?;
        let mut parts = Vec::new();
        for set in [d.registry.cloned(cx), d.yes.cloned(cx), d.no.cloned(cx)] {
            parts.push(protocol::call_method(cx, set.as_obj(), "copy", &[])?);
        }
        parts.push(cx.int(d.no_version.get() as i64)?);
        cx.tuple(parts)
    }
    /// Internal ABC helper to reset registry of a given class.
    #[py("_reset_registry(self, /)")]
    pub fn _reset_registry(cx: &mut Cx, _self: &Obj) -> PyResult<()> {
        data(cx, _self)?.registry.cloned(cx).empty(cx);
        Ok(())
    }
    /// Internal ABC helper to reset both caches of a given class.
    #[py("_reset_caches(self, /)")]
    pub fn _reset_caches(cx: &mut Cx, _self: &Obj) -> PyResult<()> {
        let d = data(cx, _self)?;
        d.yes.cloned(cx).empty(cx);
        d.no.cloned(cx).empty(cx);
        Ok(())
    }
}

pub fn make(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "_abc", functions::DOC, functions::FUNCTIONS)?;
    let spec = Spec { flags: flags::GC | flags::NO_NEW, slots: Slots::EMPTY, doc: "Internal state held by ABC machinery.", ..Spec::new::<AbcData>("_abc._abc_data") };
    retic_runtime::interp::native_type(cx, &spec, &cx.types.object.clone())?;
    Ok(m.into_obj())
}
