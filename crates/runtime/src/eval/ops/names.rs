//! Locals that may be empty, globals, names of namespaces, cells, attributes.

use super::*;
use crate::cx::{Cx, PyResult};
use crate::eval::unwind::fail;
use crate::eval::{Handler, Slot, consume, give, peek, take};
use crate::object::{Obj, Ref};
use crate::protocol;
use crate::types::{CellObj, Dict, Str};

pub unsafe fn name_of<'a>(word: *mut u64) -> &'a Ref<Str> {
    // SAFETY: names live as long as the code.
    unsafe { &*(word as *const Ref<Str>) }
}

handler!(check_bound, 2, |cx, pc, regs| {
    let i = f(pc, 1);
    if peek(&*regs.add(i)).is_unbound() {
        let code = (*cx.stacks.top).function().code.cloned(cx);
        let name = code.code().varnames[i].clone();
        return Err(cx.error_of(&cx.types.unbound_local_error, format!("cannot access local variable '{name}' where it is not associated with a value")));
    }
    Ok(())
});

handler!(delete_fast, 2, |cx, pc, regs| {
    let i = f(pc, 1);
    let unbound = cx.consts.unbound.as_ptr().as_ptr();
    let old = take(std::mem::replace(&mut *regs.add(i), unbound));
    if old.is_unbound() {
        let code = (*cx.stacks.top).function().code.cloned(cx);
        let name = code.code().varnames[i].clone();
        return Err(cx.error_of(&cx.types.unbound_local_error, format!("cannot access local variable '{name}' where it is not associated with a value")));
    }
    cx.release(old);
    Ok(())
});

pub fn name_error(cx: &mut Cx, name: &Ref<Str>) -> crate::cx::Raised {
    let text = format!("name '{}' is not defined", name.to_text(cx));
    crate::types::exception::name_error(cx, text, name)
}

/// The value of a global: words 3 and 4 hold its address and the versions of both dicts. Turns itself into the version for
/// a name of the module, or of the built-ins.
pub unsafe fn load_global<const D: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: the slow part runs no Python but for errors.
    unsafe {
        at(cx, pc);
        let (v, own) = load_global_slow(&mut *cx, pc);
        if v.is_null() {
            return fail(cx, pc, regs);
        }
        quicken(cx, pc, if own { load_global_known::<D, true> } else { load_global_known::<D, false> });
        finish(cx, pc, regs, pc.add(5), D == 1, v)
    }
}

unsafe fn load_global_known<const D: u8, const OWN: bool>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: the address is good while the version of the dict that has the name stands, and the one in front of it.
    unsafe {
        let function = (*(*cx).stacks.top).function.cast::<crate::types::Function>();
        let versions = *pc.add(4);
        let g = (*(*function).globals.as_ptr()).as_raw().as_ref().version();
        let b = if OWN { 0 } else { (*(*function).builtins.as_ptr()).as_raw().as_ref().version() };
        if u64::from(g) | u64::from(b) << 32 == versions {
            let v = *(*pc.add(3) as *const Slot);
            incref(v);
            return finish(cx, pc, regs, pc.add(5), D == 1, v);
        }
        load_global::<D>(cx, pc, regs)
    }
}

#[inline(never)]
unsafe fn load_global_slow(cx: &mut Cx, pc: *mut u64) -> (Slot, bool) {
    // SAFETY: the running frame's function is alive.
    unsafe {
        let name = name_of(pc.add(2));
        let (g, b) = {
            let function = (*cx.stacks.top).function();
            (function.globals.cloned(cx), function.builtins.cloned(cx))
        };
        for (d, own) in [(&g, true), (&b, false)] {
            if let Some(i) = d.find_str(cx, name) {
                let slot = d.value_slot(cx, i);
                *pc.add(3) = slot as u64;
                *pc.add(4) = u64::from(g.version()) | if own { 0 } else { u64::from(b.version()) << 32 };
                return (give((*slot).clone()), own);
            }
        }
        let _ = name_error(cx, name);
        (std::ptr::null_mut(), false)
    }
}

fn namespace(cx: &Cx) -> Obj {
    match cx.stacks.current().and_then(|f| f.namespace().cloned()) {
        Some(n) => n,
        None => cx.stacks.current().map(|f| f.function().globals.cloned(cx).into_obj()).expect("a frame is running"),
    }
}

/// A name from a mapping: `None` when it has no such key.
fn lookup_in(cx: &mut Cx, ns: &Obj, name: &Ref<Str>) -> PyResult<Option<Obj>> {
    match ns.cast::<Dict>() {
        Some(d) if ns.shape() == crate::object::shape::DICT => Ok(d.get_str(cx, name)),
        _ => {
            let r = protocol::getitem(cx, ns, name.as_obj());
            let key_error = cx.types.key_error.clone();
            cx.swallow(r, &key_error)
        }
    }
}

fn global(cx: &mut Cx, name: &Ref<Str>) -> PyResult {
    let (g, b) = {
        let f = cx.stacks.current().expect("a frame is running").function();
        (f.globals.cloned(cx), f.builtins.cloned(cx))
    };
    if let Some(v) = g.get_str(cx, name) {
        return Ok(v);
    }
    match b.get_str(cx, name) {
        Some(v) => Ok(v),
        None => Err(name_error(cx, name)),
    }
}

handler!(load_name, 3, |cx, pc, regs| {
    let name = name_of(pc.add(2));
    let ns = namespace(cx);
    let v = match lookup_in(cx, &ns, name)? {
        Some(v) => v,
        None => global(cx, name)?,
    };
    *regs.add(f(pc, 0)) = give(v);
    Ok(())
});

handler!(store_name, 3, |cx, pc, regs| {
    let name = name_of(pc.add(2));
    let value = consume(cx, regs, f(pc, 1));
    let ns = namespace(cx);
    match ns.cast::<Dict>() {
        Some(d) if ns.shape() == crate::object::shape::DICT => {
            let old = d.insert(cx, name.as_obj(), value)?;
            cx.release(old);
        }
        _ => {
            let r = protocol::setitem(cx, &ns, name.as_obj(), Some(&value));
            cx.release(value);
            r?;
        }
    }
    Ok(())
});

handler!(store_global, 3, |cx, pc, regs| {
    let name = name_of(pc.add(2));
    let value = consume(cx, regs, f(pc, 1));
    let g = (*cx.stacks.top).function().globals.cloned(cx);
    let old = g.insert(cx, name.as_obj(), value)?;
    cx.release(old);
    Ok(())
});

handler!(delete_name, 3, |cx, pc, _regs| {
    let name = name_of(pc.add(2));
    let ns = namespace(cx);
    if let Some(d) = ns.cast::<Dict>() {
        return match d.remove(cx, name.as_obj())? {
            Some(old) => {
                cx.release(old);
                Ok(())
            }
            None => Err(name_error(cx, name)),
        };
    }
    protocol::setitem(cx, &ns, name.as_obj(), None)
});

handler!(delete_global, 3, |cx, pc, _regs| {
    let name = name_of(pc.add(2));
    let g = (*cx.stacks.top).function().globals.cloned(cx);
    match g.remove(cx, name.as_obj())? {
        Some(old) => {
            cx.release(old);
            Ok(())
        }
        None => Err(name_error(cx, name)),
    }
});

handler!(load_build_class, 2, |cx, pc, regs| {
    let name = cx.name("__build_class__");
    let v = global(cx, &name)?;
    *regs.add(f(pc, 0)) = give(v);
    Ok(())
});

handler!(load_assertion_error, 2, |cx, pc, regs| {
    *regs.add(f(pc, 0)) = give(cx.types.assertion_error.as_obj().clone());
    Ok(())
});

handler!(setup_annotations, 2, |cx, _pc, _regs| {
    let ns = namespace(cx);
    let name = cx.name("__annotations__");
    if lookup_in(cx, &ns, &name)?.is_none() {
        let d = Dict::new(cx)?.into_obj();
        protocol::setitem(cx, &ns, name.as_obj(), Some(&d))?;
    }
    Ok(())
});

// ---- cells

fn free_error(cx: &mut Cx, index: usize) -> crate::cx::Raised {
    let code = cx.stacks.current().expect("a frame is running").function().code.cloned(cx);
    let c = code.code();
    match c.cellvars.get(index) {
        Some(name) => cx.error_of(&cx.types.unbound_local_error, format!("cannot access local variable '{name}' where it is not associated with a value")),
        None => {
            let name = c.freevars[index - c.cellvars.len()].clone();
            cx.error_of(&cx.types.name_error, format!("cannot access free variable '{name}' where it is not associated with a value in enclosing scope"))
        }
    }
}

/// The name of the cell or free variable with this index.
fn cell_name(cx: &mut Cx, index: usize) -> PyResult<Ref<Str>> {
    let code = cx.stacks.current().expect("a frame is running").function().code.cloned(cx);
    let c = code.code();
    let text = c.cellvars.get(index).cloned().unwrap_or_else(|| c.freevars[index - c.cellvars.len()].clone());
    crate::types::str::intern_text(cx, &text)
}

pub unsafe fn load_deref(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: cell registers hold cells; a handle or nothing lies in one.
    unsafe {
        let cell = &*(*regs.add(f(pc, 1))).cast::<CellObj>();
        let v = *cell.value.as_ptr().cast::<Slot>();
        if v.is_null() {
            return load_empty_deref(cx, pc, regs);
        }
        incref(v);
        *regs.add(f(pc, 0)) = v;
        go(cx, pc.add(2), regs)
    }
}

handler!(load_empty_deref, 2, |cx, pc, regs| {
    let slot = *regs.add(f(pc, 1));
    let value = peek(&slot).cast::<CellObj>().and_then(|c| c.value.cloned(cx));
    match value {
        Some(v) => {
            *regs.add(f(pc, 0)) = give(v);
            Ok(())
        }
        None => Err(free_error(cx, f(pc, 3))),
    }
});

handler!(load_classderef, 2, |cx, pc, regs| {
    let index = f(pc, 3);
    let name = cell_name(cx, index)?;
    let ns = namespace(cx);
    let found = lookup_in(cx, &ns, &name)?;
    let slot = *regs.add(f(pc, 1));
    let v = match found {
        Some(v) => v,
        None => peek(&slot).cast::<CellObj>().and_then(|c| c.value.cloned(cx)).ok_or_else(|| free_error(cx, index))?,
    };
    *regs.add(f(pc, 0)) = give(v);
    Ok(())
});

// The name of an annotation scope inside a class: the class's namespace is
// on top and goes first (PEP 695).
handler!(load_from_dict_or_globals, 3, |cx, pc, regs| {
    let name = name_of(pc.add(2));
    let ns = consume(cx, regs, f(pc, 1));
    let found = lookup_in(cx, &ns, name);
    cx.release(ns);
    let v = match found? {
        Some(v) => v,
        None => global(cx, name)?,
    };
    *regs.add(f(pc, 0)) = give(v);
    Ok(())
});

handler!(load_from_dict_or_deref, 2, |cx, pc, regs| {
    let index = f(pc, 3);
    let name = cell_name(cx, index)?;
    let ns = consume(cx, regs, f(pc, 1));
    let found = lookup_in(cx, &ns, &name);
    cx.release(ns);
    let slot = *regs.add(f(pc, 2));
    let v = match found? {
        Some(v) => v,
        None => peek(&slot).cast::<CellObj>().and_then(|c| c.value.cloned(cx)).ok_or_else(|| free_error(cx, index))?,
    };
    *regs.add(f(pc, 0)) = give(v);
    Ok(())
});

pub unsafe fn load_closure(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: cell registers hold cells.
    unsafe {
        let c = *regs.add(f(pc, 1));
        incref(c);
        *regs.add(f(pc, 0)) = c;
        go(cx, pc.add(2), regs)
    }
}

pub unsafe fn store_deref(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: cell registers hold cells; the temporary moves into one, what was there dies last.
    unsafe {
        let cell = &*(*regs.add(f(pc, 0))).cast::<CellObj>();
        let place = cell.value.as_ptr().cast::<Slot>();
        let old = std::mem::replace(&mut *place, *regs.add(f(pc, 1)));
        if old.is_null() { go(cx, pc.add(2), regs) } else { go_without(cx, pc, regs, pc.add(2), old) }
    }
}

handler!(delete_deref, 2, |cx, pc, regs| {
    let slot = *regs.add(f(pc, 0));
    let Some(c) = peek(&slot).cast::<CellObj>() else { return Ok(()) };
    match c.value.replace(cx, None) {
        Some(old) => {
            cx.release(old);
            Ok(())
        }
        None => Err(free_error(cx, f(pc, 3))),
    }
});

// ---- attributes. Words: 2 name, then (shape, slot offset) twice, then what the class has: 5 (shape, type version), 6 an
// object, or with a mark in the lowest bits a property, or the offset of a member of `__slots__`

const PROPERTY_MARK: u64 = 1;
const MEMBER_MARK: u64 = 2;

/// Shape and version of an object's class, which stand for everything the class has.
#[inline(always)]
unsafe fn class_key(o: Slot) -> u64 {
    // SAFETY: live object.
    unsafe { u64::from((*o).shape.get()) | u64::from((*(*o).ty.get().as_ptr()).version.get()) << 32 }
}

pub fn load_attr(a: u8, d: u8) -> Handler {
    match (a, d) {
        (L, 0) => load_attr_any::<L, 0>,
        (L, _) => load_attr_any::<L, 1>,
        (_, 0) => load_attr_any::<T, 0>,
        (_, _) => load_attr_any::<T, 1>,
    }
}

/// An attribute that lies inline at an offset known for the object's shape.
unsafe fn load_attr_any<const A: u8, const D: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: a shape stands for class and layout, so the offset holds an attribute or nothing; an object with other
    // holders dies later.
    unsafe {
        let o = *regs.add(f(pc, 1));
        let s = (*o).shape.get();
        let cache = pc.add(3).cast::<u32>();
        let offset = if *cache == s {
            *cache.add(1)
        } else if *cache.add(2) == s {
            *cache.add(3)
        } else {
            return load_attr_other::<A, D>(cx, pc, regs);
        };
        let v = *o.cast::<u8>().add(offset as usize).cast::<Slot>();
        if v.is_null() || A == T && is_last(o) {
            return load_attr_other::<A, D>(cx, pc, regs);
        }
        incref(v);
        if A == T {
            drop_light(cx, o);
        }
        finish(cx, pc, regs, pc.add(7), D == 1, v)
    }
}

/// What lies elsewhere: on the class, in a dictionary, where a method says; or in an object that dies of being asked.
unsafe fn load_attr_other<const A: u8, const D: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: operands stay counted while Python may run.
    unsafe {
        let o = *regs.add(f(pc, 1));
        if *pc.add(5) == class_key(o) {
            return load_class_attr::<A, D>(cx, pc, regs);
        }
        at(cx, pc);
        let v = load_attr_slow(&mut *cx, pc, o);
        if v.is_null() {
            return fail(cx, pc, regs);
        }
        release::<A>(cx, o);
        finish(cx, pc, regs, pc.add(7), D == 1, v)
    }
}

/// An attribute that the class has.
unsafe fn load_class_attr<const A: u8, const D: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: the key stands for the class as it was when the attribute was found there.
    unsafe {
        let o = *regs.add(f(pc, 1));
        let known = *pc.add(6);
        if known & PROPERTY_MARK != 0 || A == T && is_last(o) {
            return load_class_attr_slow::<A, D>(cx, pc, regs);
        }
        let mut v = known as Slot;
        if known & MEMBER_MARK != 0 {
            v = *o.cast::<u8>().add((known >> 2) as usize).cast::<Slot>();
            if v.is_null() {
                return load_class_attr_slow::<A, D>(cx, pc, regs);
            }
        }
        incref(v);
        if A == T {
            drop_light(cx, o);
        }
        finish(cx, pc, regs, pc.add(7), D == 1, v)
    }
}

unsafe fn load_class_attr_slow<const A: u8, const D: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: as above.
    unsafe {
        let o = *regs.add(f(pc, 1));
        at(cx, pc);
        let known = *pc.add(6);
        if known & PROPERTY_MARK != 0 {
            // A property can be given another function: it is asked each time.
            let function = crate::types::descriptor::getter_of(&*((known & !PROPERTY_MARK) as *const crate::types::descriptor::Property));
            if !function.is_null() && is(function, shape::FUNCTION) {
                return super::calls::enter_getter(cx, pc, regs, o, function);
            }
        }
        let v = load_attr_slow(&mut *cx, pc, o);
        if v.is_null() {
            return fail(cx, pc, regs);
        }
        release::<A>(cx, o);
        finish(cx, pc, regs, pc.add(7), D == 1, v)
    }
}

/// What `load_class_attr` may remember of an attribute: the object itself, a property, the place of a member.
/// Nothing when the instance may have the attribute, or asking it may do something else.
fn of_class(cx: &mut Cx, obj: &Obj, name: &Ref<Str>) -> Option<u64> {
    use crate::types::descriptor;
    let ty = obj.ty();
    if ty.version.get() == 0 || ty.slots(cx).getattribute.map(|g| g as usize) != Some(crate::types::object::getattribute as *const () as usize) {
        return None;
    }
    let found = ty.lookup(cx, name)?;
    if let Some(offset) = descriptor::member_offset(&found).filter(|_| ty.is_heap()) {
        return Some((offset as u64) << 2 | MEMBER_MARK);
    }
    if descriptor::is_exact_property(cx, &found) {
        return Some(found.as_ptr().as_ptr() as u64 | PROPERTY_MARK);
    }
    let slots = found.ty().slots(cx);
    if slots.get.is_some() || slots.set.is_some() || !ty.is_heap() || !shape_shows_attributes(cx, obj) {
        return None;
    }
    let own = crate::types::object::get_own(cx, obj, name).ok()?;
    own.is_none().then(|| found.as_ptr().as_ptr() as u64)
}

/// Whether an instance that gets an attribute gets another shape: not where attributes lie in a dictionary.
pub(super) fn shape_shows_attributes(cx: &Cx, obj: &Obj) -> bool {
    use crate::object::shape::FIRST_FREE;
    if !obj.ty().has(crate::types::flags::DICT) {
        return true;
    }
    let shapes = cx.shapes.borrow();
    let inline = obj.shape().checked_sub(FIRST_FREE).and_then(|i| shapes.get(i as usize)).is_some_and(|s| !s.in_dict);
    inline && !crate::types::object::has_dict(obj)
}

/// The byte offset of an inline attribute that nothing on the class overrides.
unsafe fn inline_offset(cx: &mut Cx, obj: &Obj, name: &Ref<Str>) -> Option<u32> {
    let ty = obj.ty();
    if !ty.is_heap() || ty.slots(cx).getattribute.map(|g| g as usize) != Some(crate::types::object::getattribute as *const () as usize) {
        return None;
    }
    if let Some(d) = ty.lookup(cx, name)
        && d.ty().slots(cx).set.is_some()
    {
        return None;
    }
    let shapes = cx.shapes.borrow();
    let s = shapes.get(obj.shape().checked_sub(crate::object::shape::FIRST_FREE)? as usize)?;
    if s.in_dict {
        return None;
    }
    let i = *s.slots.get(&name.as_obj().address())?;
    Some((ty.inline_offset.get() + i as usize * 8) as u32)
}

#[inline(never)]
unsafe fn load_attr_slow(cx: &mut Cx, pc: *mut u64, o: Slot) -> Slot {
    // SAFETY: the object is counted while Python may run; caches are words of the instruction.
    unsafe {
        let obj = peek(&o).clone();
        let name = name_of(pc.add(2));
        if let Some(offset) = inline_offset(cx, &obj, name) {
            // A class that gains a data descriptor of this name has its shapes renewed (`types/shapes.rs`).
            let cache = pc.add(3).cast::<u32>();
            *cache.add(2) = *cache;
            *cache.add(3) = *cache.add(1);
            *cache = obj.shape();
            *cache.add(1) = offset;
        } else if let Some(known) = of_class(cx, &obj, name) {
            *pc.add(5) = class_key(o);
            *pc.add(6) = known;
        }
        let r = protocol::getattr(cx, &obj, name);
        cx.release(obj);
        r.map_or(std::ptr::null_mut(), give)
    }
}

pub fn store_attr(o: u8, v: u8) -> Handler {
    match (o, v) {
        (L, L) => store_attr_any::<L, L>,
        (L, T) => store_attr_any::<L, T>,
        (L, _) => store_attr_any::<L, K>,
        (_, L) => store_attr_any::<T, L>,
        (_, T) => store_attr_any::<T, T>,
        (_, _) => store_attr_any::<T, K>,
    }
}

/// Words: 2 constant value, 3 name, 4 (shape, offset), 5 (new shape or 0, offset of a member of `__slots__`), 6 (shape,
/// type version) for the member.
unsafe fn store_attr_any<const O: u8, const V: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: as `load_attr_any`; a new attribute's slot is below the capacity of its class.
    unsafe {
        let o = *regs.add(f(pc, 1));
        let v = if V == K { *pc.add(2) as Slot } else { *regs.add(f(pc, 2)) };
        let cache = pc.add(4).cast::<u32>();
        let (offset, new) = if *cache == (*o).shape.get() {
            (*cache.add(1), *cache.add(2))
        } else if *pc.add(6) == class_key(o) {
            (*cache.add(3), 0)
        } else {
            return store_attr_other::<O, V>(cx, pc, regs);
        };
        let slot = (o.cast::<u8>().add(offset as usize)).cast::<Slot>();
        let old = *slot;
        if O == T && (is_last(o) || !old.is_null() && is_last(old)) {
            return store_attr_other::<O, V>(cx, pc, regs);
        }
        if V != T {
            incref(v);
        }
        *slot = v;
        if new != 0 {
            (*o).shape.set(new);
        }
        if O == T {
            if !old.is_null() {
                drop_light(cx, old);
            }
            drop_light(cx, o);
            return go(cx, pc.add(7), regs);
        }
        if old.is_null() { go(cx, pc.add(7), regs) } else { go_without(cx, pc, regs, pc.add(7), old) }
    }
}

unsafe fn store_attr_other<const O: u8, const V: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: operands stay counted while Python may run.
    unsafe {
        let o = *regs.add(f(pc, 1));
        let v = if V == K { *pc.add(2) as Slot } else { *regs.add(f(pc, 2)) };
        at(cx, pc);
        if !store_attr_slow(&mut *cx, pc, o, v) {
            return fail(cx, pc, regs);
        }
        release::<V>(cx, v);
        release::<O>(cx, o);
        go(cx, pc.add(7), regs)
    }
}

#[inline(never)]
unsafe fn store_attr_slow(cx: &mut Cx, pc: *mut u64, o: Slot, v: Slot) -> bool {
    // SAFETY: as `load_attr_slow`.
    unsafe {
        let (obj, value) = (peek(&o).clone(), peek(&v).clone());
        let name = name_of(pc.add(3));
        let before = obj.shape();
        let ty = obj.type_ref();
        let plain = ty.is_heap() && ty.slots(cx).setattr.map(|g| g as usize) == Some(crate::types::object::setattr as *const () as usize);
        let r = protocol::setattr(cx, &obj, name, Some(&value));
        if r.is_ok()
            && plain
            && obj.type_ref().as_obj().is(ty.as_obj())
            && let Some(offset) = inline_offset(cx, &obj, name)
        {
            let after = obj.shape();
            let cache = pc.add(4).cast::<u32>();
            *cache = before;
            *cache.add(1) = offset;
            *cache.add(2) = if after == before { 0 } else { after };
        } else if r.is_ok()
            && plain
            && ty.version.get() != 0
            && let Some(member) = ty.lookup(cx, name)
            && let Some(offset) = crate::types::descriptor::writable_member(&member)
        {
            *pc.add(6) = class_key(o);
            *pc.add(5).cast::<u32>().add(1) = offset as u32;
        }
        cx.release(value);
        cx.release(obj);
        r.is_ok()
    }
}

handler!(delete_attr, 3, |cx, pc, regs| {
    let o = consume(cx, regs, f(pc, 1));
    let r = protocol::setattr(cx, &o, name_of(pc.add(2)), None);
    cx.release(o);
    r
});
