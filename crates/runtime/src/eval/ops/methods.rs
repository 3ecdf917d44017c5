//! LOAD_METHOD: what a call needs of an object. What was found is remembered as by LOAD_ATTR (`attributes.rs`).

use super::*;
use crate::cx::Cx;
use crate::eval::unwind::fail;
use crate::eval::{Handler, Slot, give, peek};
use crate::object::{Obj, Ref};
use crate::protocol;
use crate::types::Str;
use crate::types::descriptor::{self, ClassMethod};

pub fn load_method(k: u8) -> Handler {
    if k == L { load_method_any::<L> } else { load_method_any::<T> }
}

/// Beside the marks of static and class methods: an attribute that lies inline, above these bits its offset.
const OWN_MARK: u64 = 4;
/// Or in the instance's dictionary, most likely at the place above these bits.
const OWN_PLACE_MARK: u64 = 12;
/// All marks; `HIDDEN_MARK` alone is for a method.
const METHOD_MARKS: u64 = 15;

/// Words: 2 name; 3 (shape, type version), 4 method; 5, 6 the same again. Operand 0: the two result registers. `cx.shared`
/// may remember more.
unsafe fn load_method_any<const A: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: shape and version stand for the class as it was when the method was found.
    unsafe {
        let o = *regs.add(f(pc, 1));
        let s = (*o).shape.get();
        let d = f(pc, 0);
        let version = (*(*o).ty.get().as_ptr()).version.get();
        let key = u64::from(s) | u64::from(version) << 32;
        let m = if *pc.add(3) == key {
            *pc.add(4)
        } else if *pc.add(5) == key {
            *pc.add(6)
        } else {
            0
        };
        if m & METHOD_MARKS != 0 {
            return load_marked_method::<A>(cx, pc, regs, m, false);
        }
        if m != 0 {
            let m = m as Slot;
            incref(m);
            if A == L {
                incref(o);
            }
            *regs.add(d) = m;
            *regs.add(d + 1) = o;
            return go(cx, pc.add(9), regs);
        }
        load_method_other::<A>(cx, pc, regs)
    }
}

/// A method that the instruction does not remember: perhaps another does.
#[inline(never)]
unsafe fn load_method_other<const A: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: as above.
    unsafe {
        let key = class_key(*regs.add(f(pc, 1)));
        match (*cx).shared.method(key, name_of(pc.add(2)).as_obj().address()) {
            Some(m) if *pc.add(3) != key => {
                remember(pc, key, m);
                load_method_any::<A>(cx, pc, regs)
            }
            _ => load_method_elsewhere::<A>(cx, pc, regs),
        }
    }
}

/// Keeps what was found in words 3 and 4, and what was there in words 5 and 6.
unsafe fn remember(pc: *mut u64, key: u64, m: u64) {
    // SAFETY: words of a LOAD_METHOD.
    unsafe {
        *pc.add(5) = *pc.add(3);
        *pc.add(6) = *pc.add(4);
        *pc.add(3) = key;
        *pc.add(4) = m;
    }
}

#[inline(never)]
unsafe fn load_method_elsewhere<const A: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: the slow part holds the object while Python may run.
    unsafe {
        let o = *regs.add(f(pc, 1));
        at(cx, pc);
        if !load_method_slow::<A>(&mut *cx, pc, regs, o, class_key(o)) {
            return fail(cx, pc, regs);
        }
        // The slow part took a count of its own.
        if A == T { go_without(cx, pc, regs, pc.add(9), o) } else { go(cx, pc.add(9), regs) }
    }
}

/// A static or class method, or an attribute of the instance: what it gives needs no object any more. Or a method that an
/// instance may hide.
#[inline(never)]
unsafe fn load_marked_method<const A: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot, marked: u64, of_class: bool) {
    // SAFETY: the class holds the method while its version stands; a class that is asked for a class method is bound.
    unsafe {
        let (o, d) = (*regs.add(f(pc, 1)), f(pc, 0));
        let mark = marked & METHOD_MARKS;
        if mark == HIDDEN_MARK {
            if is_hidden(&*cx, o, name_of(pc.add(2))) {
                return load_method_elsewhere::<A>(cx, pc, regs);
            }
            let m = (marked & !HIDDEN_MARK) as Slot;
            incref(m);
            if A == L {
                incref(o);
            }
            *regs.add(d) = m;
            *regs.add(d + 1) = o;
            return go(cx, pc.add(9), regs);
        }
        if mark & OWN_MARK != 0 {
            let at = marked >> 4;
            let place = if mark == OWN_MARK { o.cast::<u8>().add(at as usize).cast::<Slot>().cast_const() } else { likely_value(cx, o, at as usize, name_of(pc.add(2))) };
            if place.is_null() || (*place).is_null() {
                return load_method_elsewhere::<A>(cx, pc, regs);
            }
            let v = *place;
            incref(v);
            *regs.add(d) = (*cx).consts.unbound.as_ptr().as_ptr();
            *regs.add(d + 1) = v;
            return if A == T { go_without(cx, pc, regs, pc.add(9), o) } else { go(cx, pc.add(9), regs) };
        }
        let v = if marked & STATIC_MARK != 0 { static_value(marked) } else { bound_to_class(&mut *cx, marked, o, of_class) };
        if v.is_null() {
            return fail(cx, pc, regs);
        }
        *regs.add(d) = (*cx).consts.unbound.as_ptr().as_ptr();
        *regs.add(d + 1) = v;
        if A == T { go_without(cx, pc, regs, pc.add(9), o) } else { go(cx, pc.add(9), regs) }
    }
}

#[inline(never)]
unsafe fn bound_to_class(cx: &mut Cx, marked: u64, o: Slot, of_class: bool) -> Slot {
    // SAFETY: as above.
    unsafe {
        let function = (*((marked & !CLASS_MARK) as *const ClassMethod)).function.cloned(cx);
        let class = if of_class { peek(&o).clone() } else { peek(&o).type_ref().into_obj() };
        crate::types::function::bind(cx, function, class).map_or(std::ptr::null_mut(), give)
    }
}

/// What a call needs of a class: word 3 the class's version, 4 what it has.
unsafe fn load_method_of_type<const A: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: as `load_attr_of_type`.
    unsafe {
        let (o, d) = (*regs.add(f(pc, 1)), f(pc, 0));
        if type_key(o) != *pc.add(3) || A == T && is_last(o) {
            return load_method_any::<A>(cx, pc, regs);
        }
        let known = *pc.add(4);
        if known & (STATIC_MARK | CLASS_MARK) != 0 {
            return load_marked_method::<A>(cx, pc, regs, known, true);
        }
        incref(known as Slot);
        if A == T {
            drop_light(cx, o);
        }
        *regs.add(d) = (*cx).consts.unbound.as_ptr().as_ptr();
        *regs.add(d + 1) = known as Slot;
        go(cx, pc.add(9), regs)
    }
}

/// What a call needs of a module: word 3 the version of its dict, 4 the address of the value.
unsafe fn load_method_of_module<const A: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: as `load_attr_of_module`.
    unsafe {
        let (o, d) = (*regs.add(f(pc, 1)), f(pc, 0));
        let v = module_value(cx, o, *pc.add(3), *pc.add(4));
        if v.is_null() || A == T && is_last(o) {
            return load_method_any::<A>(cx, pc, regs);
        }
        incref(v);
        if A == T {
            drop_light(cx, o);
        }
        *regs.add(d) = (*cx).consts.unbound.as_ptr().as_ptr();
        *regs.add(d + 1) = v;
        go(cx, pc.add(9), regs)
    }
}

/// What LOAD_METHOD may remember of what is called and is no method: a static or class method, or an attribute of instances.
unsafe fn called_attribute(cx: &mut Cx, obj: &Obj, name: &Ref<Str>) -> Option<u64> {
    // SAFETY: as `inline_offset`.
    unsafe {
        if let Some(offset) = inline_offset(cx, obj, name) {
            return Some(u64::from(offset) << 4 | OWN_MARK);
        }
        if let Some(place) = place_in_dict(cx, obj, name) {
            return Some((place as u64) << 4 | OWN_PLACE_MARK);
        }
        let found = obj.ty().lookup(cx, name)?;
        if let Some(offset) = descriptor::member_offset_in(cx, &found, obj.ty()).filter(|_| obj.ty().is_heap()) {
            return Some((offset as u64) << 4 | OWN_MARK);
        }
        let mark = method_mark(cx, &found)?;
        (hiding(cx, obj, name)? == 0).then_some(mark)
    }
}

#[inline(never)]
unsafe fn load_method_slow<const A: u8>(cx: &mut Cx, pc: *mut u64, regs: *mut Slot, o: Slot, key: u64) -> bool {
    // SAFETY: as above.
    unsafe {
        let obj = peek(&o).clone();
        let name = name_of(pc.add(2));
        let d = f(pc, 0);
        let ty = obj.type_ref();
        let plain = ty.slots(cx).getattribute.map(|g| g as usize) == Some(crate::types::object::getattribute as *const () as usize);
        if plain
            && let Some(m) = ty.lookup(cx, name)
            && m.ty().has(crate::types::flags::METHOD_DESCRIPTOR)
        {
            let own = match crate::types::object::get_own(cx, &obj, name) {
                Ok(own) => own,
                Err(_) => return false,
            };
            if own.is_none() {
                if ty.version.get() != 0
                    && let Some(mark) = hiding(cx, &obj, name)
                {
                    let known = m.as_ptr().as_ptr() as u64 | mark;
                    remember(pc, key, known);
                    cx.shared.set_method(key, name.as_obj().address(), known);
                }
                *regs.add(d) = give(m);
                *regs.add(d + 1) = give(obj);
                return true;
            }
        }
        if plain
            && ty.version.get() != 0
            && let Some(known) = called_attribute(cx, &obj, name)
        {
            remember(pc, key, known);
            cx.shared.set_method(key, name.as_obj().address(), known);
        } else if let Some(known) = of_type(cx, &obj, name) {
            *pc.add(3) = type_key(o);
            *pc.add(4) = known;
            quicken(cx, pc, load_method_of_type::<A>);
        } else if let Some((version, place)) = of_module(cx, &obj, name) {
            *pc.add(3) = version;
            *pc.add(4) = place;
            quicken(cx, pc, load_method_of_module::<A>);
        }
        match protocol::getattr(cx, &obj, name) {
            Ok(v) => {
                *regs.add(d) = give(cx.consts.unbound.clone());
                *regs.add(d + 1) = give(v);
                cx.release(obj);
                true
            }
            Err(_) => {
                drop(obj);
                false
            }
        }
    }
}
