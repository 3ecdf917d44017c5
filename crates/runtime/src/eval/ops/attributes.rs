//! Attributes: inline, on the class, of a module, of a class itself. What was found is remembered by shape and version in the
//! words of the instruction.

use super::*;
use crate::cx::Cx;
use crate::eval::shared::Known;
use crate::eval::unwind::fail;
use crate::eval::{Handler, Slot, consume, give, peek};
use crate::object::{Obj, Ref};
use crate::protocol;
use crate::types::descriptor::{self, ClassMethod, GetSetDescr, Property, StaticMethod};
use crate::types::module::Module;
use crate::types::{Str, Type};

// ---- reading. Words: 2 name, then (shape, slot offset) twice, then what the class has: 5 (shape, type version), 6 an
// object, or with a mark in the lowest bits a property, or the offset of a member of `__slots__`. What these words do not
// remember any more `cx.shared` may.

const PROPERTY_MARK: u64 = 1;
const MEMBER_MARK: u64 = 2;
/// With the property's: a computed attribute of a native type, or a function or method that is bound each time.
const DESCRIPTOR_MARK: u64 = 5;
/// Both: above them the place that the attribute most likely has in the instance's dictionary.
const PLACE_MARK: u64 = 3;
/// With an object's address or the descriptor's: unless the instance's dictionary has the attribute.
pub(super) const HIDDEN_MARK: u64 = 8;

/// Whether an instance's dictionary has an attribute.
#[inline(never)]
pub(super) unsafe fn is_hidden(cx: &Cx, o: Slot, name: &Ref<Str>) -> bool {
    // SAFETY: only asked of objects whose class has dictionaries, so is managed.
    unsafe { crate::types::object::peek_dict(peek(&o)).is_some_and(|d| d.find_str(cx, name).is_some()) }
}

/// What lies at a likely place of an instance's dictionary under the name, or null.
#[inline(always)]
pub(super) unsafe fn likely_value(cx: *mut Cx, o: Slot, place: usize, name: &Ref<Str>) -> *const Slot {
    // SAFETY: only asked of objects whose class has dictionaries, so is managed.
    unsafe {
        match crate::types::object::peek_dict(peek(&o)) {
            Some(d) => d.value_if(&*cx, place, name.as_obj()).map_or(std::ptr::null(), |v| (v as *const Obj).cast()),
            None => std::ptr::null(),
        }
    }
}

/// Shape and version of an object's class, which stand for everything the class has.
#[inline(always)]
pub(super) unsafe fn class_key(o: Slot) -> u64 {
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
#[inline(never)]
unsafe fn load_attr_other<const A: u8, const D: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: operands stay counted while Python may run.
    unsafe {
        let o = *regs.add(f(pc, 1));
        if *pc.add(5) == class_key(o) {
            return load_class_attr::<A, D>(cx, pc, regs);
        }
        load_shared_attr::<A, D>(cx, pc, regs)
    }
}

/// An attribute that the instruction does not remember: perhaps another does.
#[inline(never)]
unsafe fn load_shared_attr<const A: u8, const D: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: the key stands for shape and class as they were when the attribute was found; an object with other holders
    // dies later.
    unsafe {
        let o = *regs.add(f(pc, 1));
        let (key, name) = (class_key(o), name_of(pc.add(2)).as_obj().address());
        match (*cx).shared.attribute(key, name) {
            Some(Known::OfClass(known)) => {
                *pc.add(5) = key;
                *pc.add(6) = known;
                load_class_attr::<A, D>(cx, pc, regs)
            }
            Some(Known::Inline(offset)) => {
                let v = *o.cast::<u8>().add(offset as usize).cast::<Slot>();
                if v.is_null() || A == T && is_last(o) {
                    return load_attr_elsewhere::<A, D>(cx, pc, regs);
                }
                let cache = pc.add(3).cast::<u32>();
                *cache.add(2) = *cache;
                *cache.add(3) = *cache.add(1);
                *cache = (*o).shape.get();
                *cache.add(1) = offset as u32;
                incref(v);
                if A == T {
                    drop_light(cx, o);
                }
                finish(cx, pc, regs, pc.add(7), D == 1, v)
            }
            None => load_attr_elsewhere::<A, D>(cx, pc, regs),
        }
    }
}

/// The general way; what is found is remembered.
#[inline(never)]
unsafe fn load_attr_elsewhere<const A: u8, const D: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: operands stay counted while Python may run.
    unsafe {
        let o = *regs.add(f(pc, 1));
        at(cx, pc);
        let v = load_attr_slow::<A, D>(&mut *cx, pc, o);
        if v.is_null() {
            return fail(cx, pc, regs);
        }
        release::<A>(cx, o);
        finish(cx, pc, regs, pc.add(7), D == 1, v)
    }
}

/// An attribute that the class has.
#[inline(never)]
unsafe fn load_class_attr<const A: u8, const D: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: the key stands for the class as it was when the attribute was found there.
    unsafe {
        let o = *regs.add(f(pc, 1));
        let known = *pc.add(6);
        if known & PLACE_MARK == PLACE_MARK {
            let v = likely_value(cx, o, (known >> 2) as usize, name_of(pc.add(2)));
            if v.is_null() || A == T && is_last(o) {
                return load_attr_elsewhere::<A, D>(cx, pc, regs);
            }
            let v = *v;
            incref(v);
            if A == T {
                drop_light(cx, o);
            }
            return finish(cx, pc, regs, pc.add(7), D == 1, v);
        }
        let member = known & PLACE_MARK == MEMBER_MARK;
        if !member && known & HIDDEN_MARK != 0 && is_hidden(&*cx, o, name_of(pc.add(2))) {
            return load_attr_elsewhere::<A, D>(cx, pc, regs);
        }
        if known & PROPERTY_MARK != 0 || A == T && is_last(o) {
            return load_class_attr_slow::<A, D>(cx, pc, regs);
        }
        let mut v = (known & !HIDDEN_MARK) as Slot;
        if member {
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

#[inline(never)]
unsafe fn load_class_attr_slow<const A: u8, const D: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: as above.
    unsafe {
        let o = *regs.add(f(pc, 1));
        at(cx, pc);
        let known = *pc.add(6);
        if known & DESCRIPTOR_MARK == DESCRIPTOR_MARK {
            let v = described(&mut *cx, (known & !15) as Slot, o);
            if v.is_null() {
                return fail(cx, pc, regs);
            }
            release::<A>(cx, o);
            return finish(cx, pc, regs, pc.add(7), D == 1, v);
        }
        if known & PROPERTY_MARK != 0 {
            // A property can be given another function: it is asked each time.
            let function = descriptor::getter_of(&*((known & !PROPERTY_MARK) as *const Property));
            if !function.is_null() && is(function, shape::FUNCTION) {
                return super::calls::enter_getter(cx, pc, regs, o, function);
            }
        }
        let v = load_attr_slow::<A, D>(&mut *cx, pc, o);
        if v.is_null() {
            return fail(cx, pc, regs);
        }
        release::<A>(cx, o);
        finish(cx, pc, regs, pc.add(7), D == 1, v)
    }
}

/// What a computed attribute or a method of the object's class gives for it, or null.
#[inline(never)]
unsafe fn described(cx: &mut Cx, found: Slot, o: Slot) -> Slot {
    // SAFETY: the class holds the descriptor while its version stands; both are counted while Python may run.
    unsafe {
        let (found, obj) = (peek(&found).clone(), peek(&o).clone());
        let r = if found.shape() == shape::FUNCTION {
            crate::types::function::bind(cx, found.clone(), obj.clone())
        } else if let Some(g) = found.cast::<GetSetDescr>() {
            (g.def.get().get)(cx, &obj)
        } else {
            let class = obj.type_ref().into_obj();
            match found.ty().slots(cx).get {
                Some(get) => get(cx, &found, Some(&obj), Some(&class)),
                None => Ok(found.clone()),
            }
        };
        match r {
            Ok(v) => {
                cx.release((found, obj));
                give(v)
            }
            Err(_) => {
                cx.release_with_error((found, obj));
                std::ptr::null_mut()
            }
        }
    }
}

/// What `load_class_attr` may remember of an attribute: the object itself, a property, the place of a member.
/// Nothing when the instance may have the attribute, or asking it may do something else.
fn of_class(cx: &mut Cx, obj: &Obj, name: &Ref<Str>) -> Option<u64> {
    let ty = obj.ty();
    if let Some(found) = computed_of_type(cx, obj, name) {
        return Some(found.as_ptr().as_ptr() as u64 | DESCRIPTOR_MARK);
    }
    if ty.version.get() == 0 || ty.slots(cx).getattribute.map(|g| g as usize) != Some(crate::types::object::getattribute as *const () as usize) {
        return None;
    }
    if let Some(place) = place_in_dict(cx, obj, name) {
        return Some((place as u64) << 2 | PLACE_MARK);
    }
    let found = ty.lookup(cx, name)?;
    if let Some(offset) = descriptor::member_offset_in(cx, &found, ty).filter(|_| ty.is_heap()) {
        return Some((offset as u64) << 2 | MEMBER_MARK);
    }
    if descriptor::is_exact_property(cx, &found) {
        return Some(found.as_ptr().as_ptr() as u64 | PROPERTY_MARK);
    }
    if found.cast::<GetSetDescr>().is_some() {
        return Some(found.as_ptr().as_ptr() as u64 | DESCRIPTOR_MARK);
    }
    let at = found.as_ptr().as_ptr() as u64 | hiding(cx, obj, name)?;
    if found.shape() == shape::FUNCTION || std::ptr::eq(found.ty(), &*cx.types.method_descriptor) {
        return Some(at | DESCRIPTOR_MARK);
    }
    let slots = found.ty().slots(cx);
    (slots.get.is_none() && slots.set.is_none() && ty.is_heap()).then_some(at)
}

/// A computed attribute of a class, like `__name__`, that its metaclass has: that goes before all the class has.
fn computed_of_type(cx: &Cx, obj: &Obj, name: &Ref<Str>) -> Option<Obj> {
    let meta = obj.cast::<Type>()?.as_obj().ty();
    let plain = meta.slots(cx).getattribute.map(|g| g as usize) == cx.types.type_.slots(cx).getattribute.map(|g| g as usize);
    if !plain || meta.version.get() == 0 {
        return None;
    }
    meta.lookup(cx, name).filter(|d| d.cast::<GetSetDescr>().is_some())
}

/// Whether instances of the object's shape may have an attribute of their own under a name: no (zero), by their dictionary
/// (the mark), or it has one (nothing).
pub(super) fn hiding(cx: &mut Cx, obj: &Obj, name: &Ref<Str>) -> Option<u64> {
    if !obj.ty().has(crate::types::flags::DICT) {
        return Some(0);
    }
    if crate::types::object::get_own(cx, obj, name).ok()?.is_some() {
        return None;
    }
    // An instance whose attributes go to a dictionary gets the shape that says so.
    let shapes = cx.shapes.borrow();
    let inline = obj.shape().checked_sub(crate::object::shape::FIRST_FREE).and_then(|i| shapes.get(i as usize)).is_some_and(|s| !s.in_dict);
    Some(if inline { 0 } else { HIDDEN_MARK })
}

/// Where an instance with a dictionary has an attribute in it that nothing on the class overrides.
pub(super) fn place_in_dict(cx: &Cx, obj: &Obj, name: &Ref<Str>) -> Option<usize> {
    let ty = obj.ty();
    if !ty.has(crate::types::flags::DICT) || ty.lookup(cx, name).is_some_and(|d| d.ty().slots(cx).set.is_some()) {
        return None;
    }
    let dict = crate::types::object::peek_dict(obj)?;
    dict.find_str(cx, name).filter(|i| dict.value_if(cx, *i, name.as_obj()).is_some())
}

/// The byte offset of an inline attribute that nothing on the class overrides.
pub(super) unsafe fn inline_offset(cx: &mut Cx, obj: &Obj, name: &Ref<Str>) -> Option<u32> {
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
    s.cached.set(true);
    Some((ty.inline_offset.get() + i as usize * 8) as u32)
}

/// An attribute of a class that the class, and not its metaclass, has: the object itself, or a static or class method
/// with its mark.
pub(super) fn of_type(cx: &Cx, obj: &Obj, name: &Ref<Str>) -> Option<u64> {
    let ty = obj.cast::<Type>().filter(|t| t.version.get() != 0)?;
    let meta = obj.ty();
    let plain = meta.slots(cx).getattribute.map(|g| g as usize) == cx.types.type_.slots(cx).getattribute.map(|g| g as usize);
    // What a metaclass has goes before only if it decides about setting, too; a class may learn that later.
    if !plain || meta.version.get() == 0 || meta.lookup(cx, name).is_some_and(|m| m.ty().slots(cx).set.is_some() || m.ty().is_heap()) {
        return None;
    }
    let found = ty.lookup(cx, name)?;
    let itself = [&cx.types.wrapper_descriptor, &cx.types.method_descriptor];
    let plain = found.ty().slots(cx).get.is_none() || found.shape() == shape::FUNCTION || itself.iter().any(|t| std::ptr::eq(found.ty(), &***t));
    if plain { Some(found.as_ptr().as_ptr() as u64) } else { method_mark(cx, &found) }
}

pub(super) const STATIC_MARK: u64 = 1;
pub(super) const CLASS_MARK: u64 = 2;

/// A static method, or a class method of a function, with its mark.
pub(super) fn method_mark(cx: &Cx, found: &Obj) -> Option<u64> {
    let at = found.as_ptr().as_ptr() as u64;
    if std::ptr::eq(found.ty(), &*cx.types.staticmethod) {
        return Some(at | STATIC_MARK);
    }
    let function = found.cast::<ClassMethod>().filter(|_| std::ptr::eq(found.ty(), &*cx.types.classmethod))?.function.get(cx);
    (function.shape() == shape::FUNCTION).then_some(at | CLASS_MARK)
}

/// What a static method holds now, with a count of its own.
#[inline(always)]
pub(super) unsafe fn static_value(marked: u64) -> Slot {
    // SAFETY: the mark says static method; the class holds it while its version stands.
    unsafe {
        let v = (*(*((marked & !STATIC_MARK) as *const StaticMethod)).function.as_ptr()).as_ptr().as_ptr();
        incref(v);
        v
    }
}

/// What stands for a class and all it has: its version, and that of its metaclass. Zero: no class.
#[inline(always)]
pub(super) unsafe fn type_key(o: Slot) -> u64 {
    // SAFETY: the layout says class before its fields are read.
    unsafe {
        let meta = &*(*o).ty.get().as_ptr();
        if meta.layout.get() != <Type as crate::object::Layout>::ID {
            return 0;
        }
        // No shape has that bit.
        u64::from((*o.cast::<Type>()).version.get()) << 32 | u64::from(meta.version.get()) | 1 << 31
    }
}

/// An attribute of a class: word 5 its key (where keys of other kinds have a shape, it has none), 6 what it has.
unsafe fn load_attr_of_type<const A: u8, const D: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: the shape says class, and a version is never used twice.
    unsafe {
        let o = *regs.add(f(pc, 1));
        if type_key(o) != *pc.add(5) || A == T && is_last(o) {
            return load_attr_any::<A, D>(cx, pc, regs);
        }
        let known = *pc.add(6);
        let v = if known & STATIC_MARK != 0 {
            static_value(known)
        } else {
            incref(known as Slot);
            known as Slot
        };
        if A == T {
            drop_light(cx, o);
        }
        finish(cx, pc, regs, pc.add(7), D == 1, v)
    }
}

/// A name of a module: word 5 the version of its dict (negated: no key of another kind has the highest bit), 6 the address
/// of the value.
unsafe fn load_attr_of_module<const A: u8, const D: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: the type says module; the address is good while the version stands, which is never used twice.
    unsafe {
        let o = *regs.add(f(pc, 1));
        let v = module_value(cx, o, *pc.add(5), *pc.add(6));
        if v.is_null() || A == T && is_last(o) {
            return load_attr_any::<A, D>(cx, pc, regs);
        }
        incref(v);
        if A == T {
            drop_light(cx, o);
        }
        finish(cx, pc, regs, pc.add(7), D == 1, v)
    }
}

/// What lies at a place of a module's dict, or null.
#[inline(always)]
pub(super) unsafe fn module_value(cx: *mut Cx, o: Slot, version: u64, place: u64) -> Slot {
    // SAFETY: as above.
    unsafe {
        if (*o).ty.get() != (*cx).types.module.as_raw() {
            return std::ptr::null_mut();
        }
        let dict = &*(*o.cast::<Module>()).dict.as_ptr();
        if !dict.version() == version { *(place as *const Slot) } else { std::ptr::null_mut() }
    }
}

/// The version of a module's dict and the address of a name's value, where the class has no say.
pub(super) fn of_module(cx: &Cx, obj: &Obj, name: &Ref<Str>) -> Option<(u64, u64)> {
    let m = obj.cast::<Module>().filter(|_| std::ptr::eq(obj.ty(), &*cx.types.module))?;
    if obj.ty().lookup(cx, name).is_some() || name.eq_str(cx, "__dict__") {
        return None;
    }
    let d = m.dict.get(cx);
    let i = d.find_str(cx, name)?;
    Some((!d.version(), d.value_slot(cx, i) as u64))
}

#[inline(never)]
unsafe fn load_attr_slow<const A: u8, const D: u8>(cx: &mut Cx, pc: *mut u64, o: Slot) -> Slot {
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
            if obj.ty().version.get() != 0 {
                cx.shared.set_attribute(class_key(o), name.as_obj().address(), Known::Inline(u64::from(offset)));
            }
        } else if let Some(known) = of_class(cx, &obj, name) {
            *pc.add(5) = class_key(o);
            *pc.add(6) = known;
            cx.shared.set_attribute(class_key(o), name.as_obj().address(), Known::OfClass(known));
        } else if let Some(known) = of_type(cx, &obj, name).filter(|k| k & CLASS_MARK == 0) {
            *pc.add(5) = type_key(o);
            *pc.add(6) = known;
            quicken(cx, pc, load_attr_of_type::<A, D>);
        } else if let Some((version, place)) = of_module(cx, &obj, name) {
            *pc.add(5) = version;
            *pc.add(6) = place;
            quicken(cx, pc, load_attr_of_module::<A, D>);
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

/// In the place of a member's offset: the likely place in the instance's dictionary, above this bit.
const IN_DICT: u32 = 1;

/// Words: 2 constant value, 3 name, 4 (shape, offset), 5 (new shape or 0, offset of a member of `__slots__`), 6 and 7 as 4
/// and 5 for another shape, 8 (shape, type version) for the member.
unsafe fn store_attr_any<const O: u8, const V: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: as `load_attr_any`; a new attribute's slot is below the capacity of its class.
    unsafe {
        let o = *regs.add(f(pc, 1));
        let v = if V == K { *pc.add(2) as Slot } else { *regs.add(f(pc, 2)) };
        let cache = pc.add(4).cast::<u32>();
        let (offset, new) = if *cache == (*o).shape.get() {
            (*cache.add(1), *cache.add(2))
        } else if *cache.add(4) == (*o).shape.get() {
            (*cache.add(5), *cache.add(6))
        } else if *pc.add(8) == class_key(o) && *cache.add(3) & IN_DICT == 0 {
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
            return go(cx, pc.add(9), regs);
        }
        if old.is_null() { go(cx, pc.add(9), regs) } else { go_without(cx, pc, regs, pc.add(9), old) }
    }
}

#[inline(never)]
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
        go(cx, pc.add(9), regs)
    }
}

/// Stores into an instance's dictionary, where its class is known to leave the attribute to it. False: nothing was done.
#[inline(never)]
unsafe fn store_in_dict(cx: &mut Cx, pc: *mut u64, o: Slot, v: Slot) -> crate::cx::PyResult<bool> {
    // SAFETY: as `likely_value`; the old value is released when the new one lies there (M1).
    unsafe {
        let hint = *pc.add(5).cast::<u32>().add(1);
        if hint & IN_DICT == 0 {
            return Ok(false);
        }
        let (key, name) = (class_key(o), name_of(pc.add(3)));
        let d = if *pc.add(8) == key {
            crate::types::object::peek_dict(peek(&o)).cloned()
        } else if *pc.add(8) >> 32 == key >> 32 && crate::types::object::overflows_to(cx, peek(&o), name) == Some(*pc.add(8) as u32) {
            Some(crate::types::object::dict_of(cx, peek(&o))?)
        } else {
            None
        };
        let Some(d) = d else { return Ok(false) };
        let place = (hint >> 1) as usize;
        let old = if d.value_if(cx, place, name.as_obj()).is_some() { Ok(Some(d.replace_at(cx, place, peek(&v).clone()))) } else { d.insert(cx, name.as_obj(), peek(&v).clone()) };
        let stored = old.map(|old| cx.release(old));
        if stored.is_ok() {
            cx.release(d);
        } else {
            cx.release_with_error(d);
        }
        stored.map(|()| true)
    }
}

#[inline(never)]
unsafe fn store_attr_slow(cx: &mut Cx, pc: *mut u64, o: Slot, v: Slot) -> bool {
    // SAFETY: as `load_attr_slow`.
    unsafe {
        match store_in_dict(cx, pc, o, v) {
            Ok(false) => {}
            stored => return stored.is_ok(),
        }
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
            let shapes = cx.shapes.borrow();
            shapes.get(before.wrapping_sub(crate::object::shape::FIRST_FREE) as usize).into_iter().for_each(|s| s.cached.set(true));
            drop(shapes);
            let cache = pc.add(4).cast::<u32>();
            if *cache != before {
                *pc.add(6) = *pc.add(4);
                *cache.add(6) = *cache.add(2);
            }
            *cache = before;
            *cache.add(1) = offset;
            *cache.add(2) = if after == before { 0 } else { after };
        } else if r.is_ok()
            && plain
            && ty.version.get() != 0
            && obj.type_ref().as_obj().is(ty.as_obj())
            && let Some(place) = place_in_dict(cx, &obj, name).filter(|p| *p < 1 << 20)
        {
            *pc.add(8) = class_key(o);
            *pc.add(5).cast::<u32>().add(1) = (place as u32) << 1 | IN_DICT;
        } else if r.is_ok()
            && plain
            && ty.version.get() != 0
            && let Some(member) = ty.lookup(cx, name)
            && let Some(offset) = descriptor::writable_member(&member)
        {
            *pc.add(8) = class_key(o);
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
