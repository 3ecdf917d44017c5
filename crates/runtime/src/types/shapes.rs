//! Shapes of classes: the first ones, and new numbers for all of them when what attribute caches took for granted ends.

use super::{Str, Type};
use crate::cx::{Cx, Shape};
use crate::memory::cycles;
use crate::object::{Ref, shape};
use rustc_hash::{FxHashMap, FxHashSet};

/// Gives a type its first shapes.
pub(crate) fn make_shapes(cx: &Cx, ty: &Ref<Type>) {
    let shape = |in_dict, dict_shape| Shape { class: ty.as_raw(), names: Vec::new(), slots: FxHashMap::default(), next: FxHashMap::default(), in_dict, dict_shape };
    let dict_shape = cx.new_shape(shape(true, 0));
    ty.dict_shape.set(dict_shape);
    if ty.root_shape.get() == 0 || ty.is_heap() {
        let root = if ty.inline_capacity.get() > 0 { cx.new_shape(shape(false, dict_shape)) } else { dict_shape };
        ty.root_shape.set(root);
    }
}

/// Gives the shapes of a class and of all that inherit from it (of every class: `None`) new numbers, so that no attribute
/// cache matches their instances any more. With a name, only when some instance may have that attribute inline.
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
        let mut all = cx.shapes.borrow_mut();
        let hit = |s: &Shape| ty.is_none() || classes.contains(&s.class);
        if name.is_some_and(|n| !all.iter().any(|s| hit(s) && s.slots.contains_key(&n.as_obj().address()))) {
            return;
        }
        let old: Vec<usize> = (0..all.len()).filter(|i| hit(&all[*i])).collect();
        for (k, i) in old.iter().enumerate() {
            renewed.insert(*i as u32 + shape::FIRST_FREE, (all.len() + k) as u32 + shape::FIRST_FREE);
        }
        for i in old {
            let s = &all[i];
            let next = s.next.iter().map(|(n, id)| (*n, renewed.get(id).copied().unwrap_or(*id))).collect();
            let dict_shape = renewed.get(&s.dict_shape).copied().unwrap_or(s.dict_shape);
            let new = Shape { class: s.class, names: s.names.clone(), slots: s.slots.clone(), next, in_dict: s.in_dict, dict_shape };
            all.push(new);
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
