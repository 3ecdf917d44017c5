//! `super().name`: an instruction in front of the call of `super` finds the attribute without a super object, as CPython's
//! LOAD_SUPER_ATTR does since 3.12.

use super::*;
use crate::cx::Cx;
use crate::eval::{Slot, give, peek};
use crate::object::{Obj, Ref};
use crate::types::descriptor::StaticMethod;
use crate::types::type_::flags;
use crate::types::{CellObj, Type};

/// What a cache of a `super_attr` holds.
const NOTHING: u64 = 0;
/// A method of the first argument's class.
const METHOD: u64 = 1;
/// What the first argument, a class, has.
const VALUE: u64 = 2;
/// A static method that the first argument, a class, has.
const STATIC: u64 = 3;

/// What the first argument's class (or, if it is one, itself) and `__class__` are known by; zero where they are not.
#[inline(always)]
unsafe fn known_by(start: *const Type, class: Slot) -> u64 {
    // SAFETY: both are classes, alive.
    unsafe {
        let (a, b) = ((*start).version.get(), (*class.cast::<Type>()).version.get());
        if a == 0 || b == 0 { 0 } else { u64::from(a) | u64::from(b) << 32 }
    }
}

/// What is in a cell, borrowed, or null.
#[inline(always)]
unsafe fn inside(cell: Slot) -> Slot {
    // SAFETY: the register of a free variable holds a cell.
    unsafe { (*(*cell.cast::<CellObj>()).value.as_ptr()).as_ref().map_or(std::ptr::null_mut(), |o| o.as_ptr().as_ptr()) }
}

// Operand 0: the window, where `super` lies; 1: the first argument; 2: the cell of `__class__`; 3: whether LOAD_METHOD follows, else
// LOAD_ATTR. Words: 2 how far it is from here to behind that, 3 the name, 4 the destination of LOAD_ATTR and its kind; 5 what it was
// found for, 6 what was found, 7 what that is.
pub unsafe fn super_attr(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: registers named by the instruction are live; versions are never used twice, so what was found is alive.
    unsafe {
        let (callee, this) = (*regs.add(f(pc, 0)), *regs.add(f(pc, 1)));
        let class = inside(*regs.add(f(pc, 2)));
        let kind = *pc.add(7);
        let types = &(*cx).types;
        let expected: *const Type = &*types.super_;
        if !std::ptr::eq(callee.cast::<Type>(), expected) || class.is_null() || (*cx).frame_limit.get() == 0 {
            return go(cx, pc.add(8), regs);
        }
        let start: *const Type = if kind == METHOD { (*this).ty.get().as_ptr() } else { this.cast() };
        if kind == NOTHING || kind != METHOD && peek(&this).cast::<Type>().is_none() || known_by(start, class) != *pc.add(5) {
            return super_other(cx, pc, regs, class);
        }
        let mut found = *pc.add(6) as Slot;
        if kind == STATIC {
            found = (*(*found.cast::<StaticMethod>()).function.as_ptr()).as_ptr().as_ptr();
        }
        if f(pc, 3) == 0 {
            return super_bound(cx, pc, regs, found);
        }
        let (lo, hi) = (regs.add(f(pc, 0)), regs.add(f(pc, 0) + 1));
        incref(found);
        if kind == METHOD {
            incref(this);
            (*lo, *hi) = (found, this);
        } else {
            (*lo, *hi) = ((*cx).consts.unbound.as_ptr().as_ptr(), found);
        }
        // The builtins module holds `super`.
        go_without(cx, pc, regs, pc.add(*pc.add(2) as usize), callee)
    }
}

/// Looks it up, and tries again if there is something to remember; else the instructions behind make a super object.
#[inline(never)]
unsafe fn super_other(cx: *mut Cx, pc: *mut u64, regs: *mut Slot, class: Slot) {
    // SAFETY: as above; a lookup in dicts by interned names runs no Python.
    unsafe {
        *pc.add(7) = NOTHING;
        if remember(&mut *cx, pc, *regs.add(f(pc, 1)), class) { super_attr(cx, pc, regs) } else { go(cx, pc.add(8), regs) }
    }
}

/// Whether something was found that may be remembered: it stands in the instruction's words then.
#[inline(never)]
unsafe fn remember(cx: &mut Cx, pc: *mut u64, this: Slot, class: Slot) -> bool {
    // SAFETY: word 3 is the address of the name, which the code holds; both objects are alive.
    unsafe {
        let Some((kind, key, value)) = look_up(cx, peek(&this), peek(&class), &*pc.add(3).cast::<Ref<Str>>()) else { return false };
        (*pc.add(5), *pc.add(6), *pc.add(7)) = (key, value as u64, kind);
        true
    }
}

fn look_up(cx: &Cx, this: &Obj, class: &Obj, name: &Ref<Str>) -> Option<(u64, u64, Slot)> {
    let class = class.cast::<Type>()?;
    if name.eq_str(cx, "__class__") {
        return None;
    }
    // SAFETY: both are classes.
    let key = |start: &Ref<Type>| Some(unsafe { known_by(&**start, class.as_obj().as_ptr().as_ptr()) }).filter(|k| *k != 0);
    if let Some(start) = this.cast::<Type>().filter(|t| t.is_subtype(cx, class)) {
        let v = crate::types::super_::raw_after(cx, start, class, name)?;
        let itself = [&cx.types.wrapper_descriptor, &cx.types.method_descriptor, &cx.types.function];
        let kind = match v.ty().slots(cx).get {
            None => VALUE,
            Some(_) if itself.iter().any(|t| std::ptr::eq(v.ty(), &***t)) => VALUE,
            Some(_) if std::ptr::eq(v.ty(), &*cx.types.staticmethod) => STATIC,
            Some(_) => return None,
        };
        return Some((kind, key(start)?, v.as_ptr().as_ptr()));
    }
    let start = this.type_ref();
    let v = crate::types::super_::raw_after(cx, &start, class, name)?;
    v.ty().has(flags::METHOD_DESCRIPTOR).then_some(())?;
    Some((METHOD, key(&start)?, v.as_ptr().as_ptr()))
}

/// The attribute itself, bound.
#[inline(never)]
unsafe fn super_bound(cx: *mut Cx, pc: *mut u64, regs: *mut Slot, found: Slot) {
    // SAFETY: as above.
    unsafe {
        at(cx, pc);
        let v = bound(&mut *cx, found, *regs.add(f(pc, 1)), *pc.add(7) == METHOD);
        if v.is_null() {
            return fail(cx, pc, regs);
        }
        drop_slot(cx, *regs.add(f(pc, 0)));
        let to = *pc.add(4);
        put(cx, regs, to as usize & 0xffff, to >> 16 == 1, v);
        go(cx, pc.add(*pc.add(2) as usize), regs)
    }
}

/// What was found, bound to the first argument if it is a method; null for an error.
#[inline(never)]
unsafe fn bound(cx: &mut Cx, found: Slot, this: Slot, method: bool) -> Slot {
    // SAFETY: both are alive.
    let (found, this) = unsafe { (peek(&found), peek(&this)) };
    let of = this.type_ref();
    match found.ty().slots(cx).get.filter(|_| method) {
        Some(get) => get(cx, found, Some(this), Some(of.as_obj())).map_or(std::ptr::null_mut(), give),
        None => give(found.clone()),
    }
}
