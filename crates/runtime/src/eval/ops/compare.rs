//! Comparison, identity, membership: as values, and fused with the jump behind them.

use super::*;
use crate::cx::Cx;
use crate::eval::{Handler, Slot, give, peek};
use crate::object::Obj;
use crate::types::set::same_plain;
use crate::types::{List, Set, Tuple};

/// Compares, tests identity or membership: 0..5 comparison, 6 is, 7 is not, 8 in, 9 not in. 0, 1, or 2 for an error.
#[inline(never)]
unsafe fn compare_slow(cx: *mut Cx, a: Slot, b: Slot, number: usize) -> u32 {
    // SAFETY: as `binary_slow`; shapes are compared before layouts are used.
    unsafe {
        let cx = &mut *cx;
        if is(a, shape::STR) && is(b, shape::STR) && matches!(number, 2 | 3) {
            let same = a == b || (*a.cast::<Str>()).equals(&*b.cast::<Str>());
            return u32::from(same == (number == 2));
        }
        if number >= 8
            && let Some(found) = contains_plain(cx, b, a)
        {
            return u32::from(found == (number == 8));
        }
        let (x, y) = (peek(&a).clone(), peek(&b).clone());
        let r = match number {
            0..=5 => match protocol::richcompare(cx, &x, &y, Cmp::ALL[number]) {
                Ok(v) => {
                    let t = protocol::truth(cx, &v);
                    cx.release(v);
                    t
                }
                Err(r) => Err(r),
            },
            8 => protocol::contains(cx, &y, &x),
            _ => protocol::contains(cx, &y, &x).map(|b| !b),
        };
        cx.release(x);
        cx.release(y);
        r.map_or(2, u32::from)
    }
}

/// Whether a container of the usual kinds has something; nothing where Python would have to be asked.
#[inline(always)]
unsafe fn contains_plain(cx: &Cx, container: Slot, key: Slot) -> Option<bool> {
    // SAFETY: the shapes say what lies there; nothing changes while it is looked at.
    unsafe {
        match (*container).shape.get() {
            shape::DICT => (*container.cast::<Dict>()).find_plain(cx, peek(&key)).map(|found| found.is_some()),
            shape::SET => (*container.cast::<Set>()).contains_plain(cx, peek(&key)),
            shape::TUPLE => has_item((*container.cast::<Tuple>()).items(), peek(&key)),
            shape::LIST => has_item(peek(&container).cast_unchecked::<List>().items(cx), peek(&key)),
            shape::STR if is(key, shape::STR) => Some((*container.cast::<Str>()).has(&*key.cast::<Str>())),
            _ => None,
        }
    }
}

/// Longer sequences go the usual way, which polls.
const LOOKED_THROUGH: usize = 4096;

fn has_item(items: &[Obj], key: &Obj) -> Option<bool> {
    if items.len() > LOOKED_THROUGH {
        return None;
    }
    for o in items {
        if same_plain(o, key)? {
            return Some(true);
        }
    }
    Some(false)
}

pub fn compare(a: u8, b: u8, d: u8) -> Handler {
    by_kinds!(compare_value, a, b, d)
}

/// A comparison whose value is kept.
unsafe fn compare_value<const A: u8, const B: u8, const D: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: shapes are compared first; counts that are not the last go away without Python.
    unsafe {
        let (a, b) = (rd::<A>(pc, regs, f(pc, 1)), rd::<B>(pc, regs, f(pc, 2)));
        let number = f(pc, 3);
        let heavy = LENS || A == T && is_last(a) || B == T && is_last(b);
        let r = if number == 6 || number == 7 {
            (a == b) == (number == 6)
        } else if number < 6 && is(a, shape::INT) && is(b, shape::INT) {
            Cmp::ALL[number].of(int_value(a), int_value(b))
        } else {
            return compare_value_any::<A, B, D>(cx, pc, regs);
        };
        if heavy {
            return compare_value_any::<A, B, D>(cx, pc, regs);
        }
        if A == T {
            drop_light(cx, a);
        }
        if B == T {
            drop_light(cx, b);
        }
        // Both are immortal.
        let v = if r { &(*cx).consts.true_ } else { &(*cx).consts.false_ };
        finish(cx, pc, regs, pc.add(3), D == 1, v.as_ptr().as_ptr())
    }
}

#[inline(never)]
unsafe fn compare_value_any<const A: u8, const B: u8, const D: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: as `binary_any`.
    unsafe {
        let (a, b) = (rd::<A>(pc, regs, f(pc, 1)), rd::<B>(pc, regs, f(pc, 2)));
        at(cx, pc);
        let number = f(pc, 3);
        if LENS && (number == 6 || number == 7) {
            crate::lens::compared(&mut *cx, peek(&a), peek(&b));
        }
        let r = if number == 6 || number == 7 { give((*cx).bool((a == b) == (number == 6))) } else { value_of_compare(cx, a, b, number) };
        if r.is_null() {
            return fail(cx, pc, regs);
        }
        release::<A>(cx, a);
        release::<B>(cx, b);
        finish(cx, pc, regs, pc.add(3), D == 1, r)
    }
}

#[inline(never)]
unsafe fn value_of_compare(cx: *mut Cx, a: Slot, b: Slot, number: usize) -> Slot {
    // SAFETY: as `binary_slow`.
    unsafe {
        if number >= 8 || (is(a, shape::STR) && is(b, shape::STR) && matches!(number, 2 | 3)) {
            return match compare_slow(cx, a, b, number) {
                2 => std::ptr::null_mut(),
                v => give((*cx).bool(v == 1)),
            };
        }
        let cx = &mut *cx;
        let (x, y) = (peek(&a).clone(), peek(&b).clone());
        let r = protocol::richcompare(cx, &x, &y, Cmp::ALL[number]);
        cx.release(x);
        cx.release(y);
        r.map_or(std::ptr::null_mut(), give)
    }
}

pub fn compare_jump(a: u8, b: u8, number: u16) -> Handler {
    if number == 6 || number == 7 {
        return by_kinds!(is_jump, a, b, 0);
    }
    by_kinds!(compare_jump_any, a, b, 0)
}

/// Goes where a condition says.
#[inline(always)]
unsafe fn branch(cx: *mut Cx, pc: *mut u64, regs: *mut Slot, r: bool) {
    // SAFETY: word 3 is the target.
    unsafe { if usize::from(r) == f(pc, 0) { jump_to(cx, pc, *pc.add(3), regs) } else { go(cx, pc.add(4), regs) } }
}

unsafe fn is_jump<const A: u8, const B: u8, const D: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: identity needs no call; counts that are not the last go away without Python.
    unsafe {
        let (a, b) = (rd::<A>(pc, regs, f(pc, 1)), rd::<B>(pc, regs, f(pc, 2)));
        if LENS || A == T && is_last(a) || B == T && is_last(b) {
            return is_jump_any::<A, B>(cx, pc, regs);
        }
        let r = (a == b) == (f(pc, 3) == 6);
        if A == T {
            drop_light(cx, a);
        }
        if B == T {
            drop_light(cx, b);
        }
        branch(cx, pc, regs, r)
    }
}

/// Tells the lens; a function of its own, because operands are passed by address.
#[inline(never)]
unsafe fn tell_compared(cx: &mut Cx, a: Slot, b: Slot) {
    // SAFETY: operands of the instruction are alive.
    unsafe { crate::lens::compared(cx, peek(&a), peek(&b)) }
}

#[inline(never)]
unsafe fn is_jump_any<const A: u8, const B: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: as `binary_any`.
    unsafe {
        let (a, b) = (rd::<A>(pc, regs, f(pc, 1)), rd::<B>(pc, regs, f(pc, 2)));
        at(cx, pc);
        if LENS {
            tell_compared(&mut *cx, a, b);
        }
        let r = (a == b) == (f(pc, 3) == 6);
        release::<A>(cx, a);
        release::<B>(cx, b);
        branch(cx, pc, regs, r)
    }
}

#[inline(never)]
unsafe fn compare_jump_any<const A: u8, const B: u8, const D: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: as `binary_any`.
    unsafe {
        let (a, b) = (rd::<A>(pc, regs, f(pc, 1)), rd::<B>(pc, regs, f(pc, 2)));
        at(cx, pc);
        let number = f(pc, 3);
        if number < 6 && is(a, shape::INT) && is(b, shape::INT) {
            let handler = match number {
                0 => int_jump::<A, B, 0> as Handler,
                1 => int_jump::<A, B, 1>,
                2 => int_jump::<A, B, 2>,
                3 => int_jump::<A, B, 3>,
                4 => int_jump::<A, B, 4>,
                _ => int_jump::<A, B, 5>,
            };
            quicken(cx, pc, handler);
        } else if number < 6 && is(a, shape::FLOAT) && is(b, shape::FLOAT) {
            quicken(cx, pc, float_jump::<A, B>);
        } else if matches!(number, 2 | 3) && is(a, shape::STR) && is(b, shape::STR) {
            quicken(cx, pc, str_jump::<A, B>);
        }
        let r = compare_slow(cx, a, b, number);
        if r == 2 {
            return fail(cx, pc, regs);
        }
        release::<A>(cx, a);
        release::<B>(cx, b);
        branch(cx, pc, regs, r == 1)
    }
}

unsafe fn int_jump<const A: u8, const B: u8, const C: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: shapes are compared first.
    unsafe {
        let (a, b) = (rd::<A>(pc, regs, f(pc, 1)), rd::<B>(pc, regs, f(pc, 2)));
        if is(a, shape::INT) && is(b, shape::INT) {
            let r = Cmp::ALL[C as usize].of(int_value(a), int_value(b));
            release_number::<A>(cx, a);
            release_number::<B>(cx, b);
            return branch(cx, pc, regs, r);
        }
        compare_jump_any::<A, B, 0>(cx, pc, regs)
    }
}

/// Whether two texts are equal, or differ. Texts that are temporaries of their own die in the usual way.
unsafe fn str_jump<const A: u8, const B: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: shapes are compared first; counts that are not the last go away without Python.
    unsafe {
        let (a, b) = (rd::<A>(pc, regs, f(pc, 1)), rd::<B>(pc, regs, f(pc, 2)));
        if is(a, shape::STR) && is(b, shape::STR) && !(A == T && is_last(a)) && !(B == T && is_last(b)) {
            let same = a == b || (*a.cast::<Str>()).equals(&*b.cast::<Str>());
            let r = same == (f(pc, 3) == 2);
            if A == T {
                drop_light(cx, a);
            }
            if B == T {
                drop_light(cx, b);
            }
            return branch(cx, pc, regs, r);
        }
        compare_jump_any::<A, B, 0>(cx, pc, regs)
    }
}

unsafe fn float_jump<const A: u8, const B: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: shapes are compared first.
    unsafe {
        let (a, b) = (rd::<A>(pc, regs, f(pc, 1)), rd::<B>(pc, regs, f(pc, 2)));
        if is(a, shape::FLOAT) && is(b, shape::FLOAT) {
            let r = Cmp::ALL[f(pc, 3)].of(float_value(a), float_value(b));
            release_number::<A>(cx, a);
            release_number::<B>(cx, b);
            return branch(cx, pc, regs, r);
        }
        compare_jump_any::<A, B, 0>(cx, pc, regs)
    }
}
