//! Shapes of classes: the first ones, and new numbers for all of them when what attribute caches took for granted ends.

use super::{Str, Type};
use crate::cx::{Cx, Shape};
use crate::memory::cycles;
use crate::object::{Ref, shape};
use rustc_hash::{FxHashMap, FxHashSet};
use std::cell::Cell;

/// Gives a type its first shapes.
pub(crate) fn make_shapes(cx: &Cx, ty: &Ref<Type>) {
    let shape = |in_dict, dict_shape| Shape {
        class: ty.as_raw(),
        names: Vec::new(),
        slots: FxHashMap::default(),
        next: FxHashMap::default(),
        in_dict,
        dict_shape,
        cached: Cell::new(false),
    };
    let dict_shape = cx.new_shape(shape(true, 0));
    ty.dict_shape.set(dict_shape);
    if ty.root_shape.get() == 0 || ty.is_heap() {
        let root = if ty.inline_capacity.get() > 0 { cx.new_shape(shape(false, dict_shape)) } else { dict_shape };
        ty.root_shape.set(root);
    }
}

/// Gives the shapes of a class and of all that inherit from it (of every class: `None`) new numbers, so that no attribute
/// cache matches their instances any more: where some cache has one of their numbers, and with a name, only when some instance may
/// have that attribute inline.
pub(crate) fn renew(cx: &Cx, ty: Option<&Ref<Type>>, name: Option<&Ref<Str>>) {
    let mut classes = FxHashSet::default();
    let mut work: Vec<_> = ty.iter().map(|t| t.as_raw()).collect();
    while let Some(t) = work.pop() {
        if classes.insert(t) {
            // SAFETY: subclasses take themselves out of the list when they die.
            work.extend(unsafe { t.as_ref() }.subclasses.get(cx).iter().copied());
        }
    }
    let mut renewed = FxHashMap::default();
    {
        let old: Vec<u32> = match ty {
            None => (0..cx.shapes.borrow().len() as u32).collect(),
            Some(_) => {
                let of = cx.shapes_of.borrow();
                classes.iter().filter_map(|c| of.get(&(c.as_ptr() as usize))).flatten().copied().collect()
            }
        };
        // Caches of other kinds go by the version of a class, which has changed already.
        let concerned = |s: &Shape| s.cached.get() && name.is_none_or(|n| s.slots.contains_key(&n.as_obj().address()));
        if ty.is_some() && !old.iter().any(|i| concerned(&cx.shapes.borrow()[*i as usize])) {
            return;
        }
        let first = cx.shapes.borrow().len() as u32 + shape::FIRST_FREE;
        for (i, new) in old.iter().zip(first..) {
            renewed.insert(*i + shape::FIRST_FREE, new);
        }
        for i in old {
            let new = {
                let s = &cx.shapes.borrow()[i as usize];
                let next = s.next.iter().map(|(n, id)| (*n, renewed.get(id).copied().unwrap_or(*id))).collect();
                let dict_shape = renewed.get(&s.dict_shape).copied().unwrap_or(s.dict_shape);
                Shape { class: s.class, names: s.names.clone(), slots: s.slots.clone(), next, in_dict: s.in_dict, dict_shape, cached: Cell::new(false) }
            };
            cx.new_shape(new);
        }
    }
    cycles::each(cx, |o| {
        if let Some(new) = renewed.get(&o.shape()) {
            o.header().shape.set(*new);
        }
        // A class makes its next instances with the new numbers.
        if let Some(t) = o.cast::<Type>() {
            for cell in [&t.root_shape, &t.dict_shape] {
                if let Some(new) = renewed.get(&cell.get()) {
                    cell.set(*new);
                }
            }
        }
    });
}

/// Gives up what the shapes of a dying class hold: it has no instances any more. Their numbers stay used, caches may have them.
pub(crate) fn forget(cx: &Cx, ty: &Type) {
    let gone = cx.shapes_of.borrow_mut().remove(&(std::ptr::from_ref(ty) as usize));
    let mut all = cx.shapes.borrow_mut();
    for i in gone.into_iter().flatten() {
        if let Some(s) = all.get_mut(i as usize) {
            (s.names, s.slots, s.next) = Default::default();
        }
    }
}
