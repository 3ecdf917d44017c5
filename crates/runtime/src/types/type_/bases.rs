//! The bases of a class: order of resolution, layout, metaclass, and their change (`__bases__`).

use super::{Type, flags, refresh_slots};
use crate::cx::{Cx, PyResult};
use crate::object::{Obj, Ref};
use crate::protocol;
use crate::types::function::Function;
use crate::types::{Tuple, shapes};

/// The bases as types.
pub(super) fn list(cx: &Cx, ty: &Type) -> Vec<Ref<Type>> {
    ty.bases.get(cx).as_ref().and_then(|b| b.cast::<Tuple>()).map(|t| t.items().iter().filter_map(|o| o.cast::<Type>().cloned()).collect()).unwrap_or_default()
}

/// The method resolution order of a class from its bases, or as its metaclass says.
pub(super) fn order(cx: &mut Cx, ty: &Ref<Type>) -> PyResult {
    let name = cx.name("mro");
    let custom = ty.as_obj().type_ref().lookup(cx, &name).filter(|m| m.cast::<Function>().is_some());
    let mro = match custom {
        Some(m) => {
            let r = protocol::call(cx, &m, &[ty.as_obj().clone()])?;
            let mro = protocol::collect(cx, &r)?;
            let own = solid(cx, ty);
            for c in &mro {
                let Some(c) = c.cast::<Type>() else { return Err(cx.type_error(format!("mro() returned a non-class ('{}')", c.ty().name_text()))) };
                let other = solid(cx, c);
                let mut above = Some(own.clone());
                while above.as_ref().is_some_and(|t| !t.as_obj().is(other.as_obj())) {
                    above = above.and_then(|t| t.base.cloned(cx));
                }
                if above.is_none() {
                    return Err(cx.type_error(format!("mro() returned base with unsuitable layout ('{}')", c.name_text())));
                }
            }
            mro
        }
        None => {
            let bases = list(cx, ty);
            compute_mro(cx, ty, &bases)?
        }
    };
    cx.tuple(mro)
}

/// Puts a class into the lists of its bases.
pub(super) fn enter(cx: &mut Cx, ty: &Ref<Type>) -> PyResult<()> {
    for b in list(cx, ty) {
        // SAFETY: `&mut Cx` is held and nobody borrows the list.
        unsafe { (*b.subclasses.as_ptr()).push(cx, ty.as_raw())? };
    }
    Ok(())
}

/// Takes a class out of the lists of its bases.
pub(super) fn leave(cx: &Cx, ty: &Type) {
    for b in list(cx, ty) {
        // SAFETY: nobody borrows the list; the bases are alive while the class holds them.
        let subclasses = unsafe { &mut *b.subclasses.as_ptr() };
        if let Some(at) = subclasses.iter().position(|t| std::ptr::eq(t.as_ptr(), ty)) {
            subclasses.remove(at);
        }
    }
}

/// Gives a class other bases: new order for it and all that derive from it (CPython's `type_set_bases`).
pub(super) fn replace(cx: &mut Cx, ty: &Ref<Type>, value: Option<&Obj>) -> PyResult<()> {
    let name = ty.name_text();
    if !ty.is_heap() {
        return Err(cx.type_error(format!("cannot set '__bases__' attribute of immutable type '{name}'")));
    }
    let Some(value) = value else { return Err(cx.type_error(format!("cannot delete '__bases__' attribute of immutable type '{name}'"))) };
    let Some(tuple) = value.cast::<Tuple>().cloned() else {
        return Err(cx.type_error(format!("can only assign tuple to {name}.__bases__, not {}", value.ty().name_text())));
    };
    if tuple.items().is_empty() {
        return Err(cx.type_error(format!("can only assign non-empty tuple to {name}.__bases__, not ()")));
    }
    let mut bases = Vec::new();
    for o in tuple.items() {
        let Some(b) = o.cast::<Type>() else {
            return Err(cx.type_error(format!("{name}.__bases__ must be tuple of classes, not '{}'", o.ty().name_text())));
        };
        // While an order is being made again the old one may not know of it yet: the chain of bases does.
        let mut at = Some(b.clone());
        let mut below = false;
        while let Some(t) = at {
            below |= t.as_obj().is(ty.as_obj());
            at = t.base.cloned(cx);
        }
        if below || b.is_subtype(cx, ty) {
            return Err(cx.type_error("a __bases__ item causes an inheritance cycle"));
        }
        bases.push(b.clone());
    }
    let base = best_base(cx, &bases)?;
    let old_base = ty.base.cloned(cx).unwrap_or_else(|| cx.types.object.clone());
    if base.is_heap() != old_base.is_heap() || !base.is_heap() && !base.as_obj().is(old_base.as_obj()) {
        return Err(cx.type_error(format!("__bases__ assignment: '{}' deallocator differs from '{}'", base.name_text(), old_base.name_text())));
    }
    let shape = flags::DICT | flags::WEAK;
    let alike = solid(cx, &base).as_obj().is(solid(cx, &old_base).as_obj()) && (base.flags.get() & shape == old_base.flags.get() & shape || ty.flags.get() & shape == shape);
    if !alike {
        return Err(cx.type_error(format!("__bases__ assignment: '{}' object layout differs from '{}'", base.name_text(), old_base.name_text())));
    }
    let old_bases = ty.bases.cloned(cx);
    leave(cx, ty);
    ty.bases.set(cx, Some(value.clone()));
    ty.base.set(cx, Some(base));
    let mut changed: Vec<(Ref<Type>, Option<Obj>)> = Vec::new();
    match reorder(cx, ty, &mut changed) {
        Ok(()) => {
            enter(cx, ty)?;
            refresh_slots(cx, ty);
            changed.iter().for_each(|(t, _)| t.modified(cx));
            // The new bases may have data descriptors and attribute hooks that caches know nothing of.
            shapes::renew(cx, Some(ty), None);
            cx.release((old_bases, old_base, changed));
            Ok(())
        }
        Err(r) => {
            for (t, mro) in changed {
                t.mro.set(cx, mro);
            }
            ty.bases.set(cx, old_bases);
            ty.base.set(cx, Some(old_base));
            enter(cx, ty)?;
            Err(r)
        }
    }
}

/// Computes the order again for a class and its subclasses; what it was goes into `changed`.
fn reorder(cx: &mut Cx, ty: &Ref<Type>, changed: &mut Vec<(Ref<Type>, Option<Obj>)>) -> PyResult<()> {
    let mut work = vec![ty.clone()];
    while let Some(t) = work.pop() {
        let mro = order(cx, &t)?;
        changed.push((t.clone(), t.mro.cloned(cx)));
        t.mro.set(cx, Some(mro));
        for s in t.subclasses.get(cx).iter() {
            // SAFETY: subclasses take themselves out of the list when they die.
            work.push(unsafe { s.as_ref() }.handle());
        }
    }
    Ok(())
}

/// The C3 linearisation.
pub(super) fn compute_mro(cx: &mut Cx, ty: &Ref<Type>, bases: &[Ref<Type>]) -> PyResult<Vec<Obj>> {
    for (i, b) in bases.iter().enumerate() {
        if bases[..i].iter().any(|o| o.as_obj().is(b.as_obj())) {
            return Err(cx.type_error(format!("duplicate base class {}", b.name_text())));
        }
        if b.mro.get(cx).is_none() {
            return Err(cx.type_error(format!("Cannot extend an incomplete type '{}'", b.name_text())));
        }
    }
    let mut lists: Vec<Vec<Obj>> = bases.iter().map(|b| b.mro_list(cx).to_vec()).collect();
    lists.push(bases.iter().map(|b| b.as_obj().clone()).collect());
    let mut out = vec![ty.as_obj().clone()];
    loop {
        lists.retain(|l| !l.is_empty());
        if lists.is_empty() {
            return Ok(out);
        }
        let good = lists.iter().map(|l| l[0].clone()).find(|c| !lists.iter().any(|l| l[1..].iter().any(|o| o.is(c))));
        let Some(next) = good else {
            let mut names: Vec<String> = Vec::new();
            for l in &lists {
                let n = l[0].cast::<Type>().map(|t| t.name_text()).unwrap_or_default();
                if !names.contains(&n) {
                    names.push(n);
                }
            }
            return Err(cx.type_error(format!("Cannot create a consistent method resolution order (MRO) for bases {}", names.join(", "))));
        };
        for l in &mut lists {
            if l[0].is(&next) {
                l.remove(0);
            }
        }
        out.push(next);
    }
}

/// The ancestor that last added something to the layout.
pub(in crate::types) fn solid(cx: &Cx, t: &Ref<Type>) -> Ref<Type> {
    let mut t = t.clone();
    while let Some(b) = t.base.cloned(cx) {
        let fields = !t.is_heap() && b.basicsize.get() != t.basicsize.get();
        if fields || b.layout.get() != t.layout.get() || b.members.get() != t.members.get() {
            break;
        }
        t = b;
    }
    t
}

/// The base whose layout instances get.
pub(super) fn best_base(cx: &mut Cx, bases: &[Ref<Type>]) -> PyResult<Ref<Type>> {
    let mut winner: Option<(Ref<Type>, Ref<Type>)> = None;
    for b in bases {
        if !b.has(flags::BASE) {
            let name = super::full_name(cx, b);
            return Err(cx.type_error(format!("type '{name}' is not an acceptable base type")));
        }
        let s = solid(cx, b);
        match &winner {
            None => winner = Some((b.clone(), s)),
            Some((_, w)) => {
                if w.is_subtype(cx, &s) {
                    continue;
                }
                if !s.is_subtype(cx, w) {
                    return Err(cx.type_error("multiple bases have instance lay-out conflict"));
                }
                winner = Some((b.clone(), s));
            }
        }
    }
    Ok(winner.map_or_else(|| cx.types.object.clone(), |w| w.0))
}

/// The most derived metaclass of the bases.
pub fn metaclass(cx: &mut Cx, meta: &Ref<Type>, bases: &[Obj]) -> PyResult<Ref<Type>> {
    let mut winner = meta.clone();
    for b in bases {
        let t = b.type_ref();
        if winner.is_subtype(cx, &t) {
            continue;
        }
        if t.is_subtype(cx, &winner) {
            winner = t;
            continue;
        }
        return Err(cx.type_error("metaclass conflict: the metaclass of a derived class must be a (non-strict) subclass of the metaclasses of all its bases"));
    }
    Ok(winner)
}

/// The nearest class, this one or a base, whose instances have something that those of its base have not.
fn adder(cx: &Cx, ty: &Ref<Type>) -> Ref<Type> {
    let shape = flags::DICT | flags::WEAK;
    let mut at = ty.clone();
    while let Some(base) = at.base.cloned(cx) {
        if base.members.get() != at.members.get() || (base.flags.get() ^ at.flags.get()) & shape != 0 {
            break;
        }
        at = base;
    }
    at
}
/// The names of the slots that a class adds, in order.
fn slots_added(cx: &Cx, ty: &Ref<Type>) -> Vec<String> {
    let Some(dict) = ty.dict.cloned(cx) else { return Vec::new() };
    let mut names: Vec<String> = dict.entries(cx).iter().filter_map(|(_, v)| super::super::descriptor::slot_name(cx, v, ty)).collect();
    names.sort_unstable();
    names
}
/// Whether an object of one class may become one of the other: their slots have the same names at the same places
/// (CPython's `compatible_for_assignment`).
pub fn have_same_slots(cx: &Cx, a: &Ref<Type>, b: &Ref<Type>) -> bool {
    let (a, b) = (adder(cx, a), adder(cx, b));
    if a.as_obj().is(b.as_obj()) {
        return true;
    }
    let same_base = match (a.base.cloned(cx), b.base.cloned(cx)) {
        (Some(x), Some(y)) => x.as_obj().is(y.as_obj()),
        (None, None) => true,
        _ => false,
    };
    same_base && slots_added(cx, &a) == slots_added(cx, &b)
}
