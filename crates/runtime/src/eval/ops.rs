//! The handlers. Fast paths are generic over operand kinds; everything that can run Python or allocate in earnest is in
//! a function that is never inlined, so that no value with a destructor is alive where a handler jumps on.

#[path = "ops/calls.rs"]
mod calls;
#[path = "ops/data.rs"]
mod data;
#[path = "ops/flow.rs"]
mod flow;
#[path = "ops/names.rs"]
mod names;

pub(in crate::eval) use calls::*;
pub(in crate::eval) use data::*;
pub(in crate::eval) use flow::*;
pub(in crate::eval) use names::*;

use super::LENS;
use crate::cx::Cx;
use crate::eval::tracing::quicken;
use crate::eval::unwind::fail;
use crate::eval::{Handler, Slot, give, peek};
use crate::memory;
use crate::object::shape;
use crate::protocol;
use crate::types::type_::{Cmp, Op};
use crate::types::{Dict, Int, Str, int};
use retic_bytecode::Opcode;
use retic_events::How;
use std::ptr::NonNull;
use std::sync::atomic::Ordering;

/// Operand kinds: a borrowed local, an owned temporary, a constant.
pub const L: u8 = 0;
pub const T: u8 = 1;
pub const K: u8 = 2;

/// Runs the instruction at `pc`. The call is in tail position: the compiler makes it a jump.
#[inline(always)]
pub unsafe fn go(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: the first word of every instruction is a handler.
    unsafe {
        if LENS {
            crate::lens::step(cx, pc);
        }
        let h: Handler = std::mem::transmute(*pc);
        h(cx, pc, regs)
    }
}

#[inline(always)]
pub(in crate::eval) unsafe fn f(pc: *mut u64, i: usize) -> usize {
    // SAFETY: word 1 holds four small operands.
    unsafe { *pc.add(1).cast::<u16>().add(i) as usize }
}

/// An operand, borrowed.
#[inline(always)]
unsafe fn rd<const KIND: u8>(pc: *mut u64, regs: *mut Slot, i: usize) -> Slot {
    // SAFETY: constants are in word 2, everything else in a register.
    unsafe { if KIND == K { *pc.add(2) as Slot } else { *regs.add(i) } }
}

#[inline(always)]
pub(in crate::eval) unsafe fn incref(o: Slot) {
    // SAFETY: live object; O4.
    unsafe {
        let c = (*o).count.get();
        if c >= 0 {
            (*o).count.set(c + 1);
        }
    }
}

/// Gives a count back; finalisers run at once.
#[inline(always)]
pub unsafe fn drop_slot(cx: *mut Cx, o: Slot) {
    // SAFETY: the caller owns the count.
    unsafe {
        let c = (*o).count.get();
        if c < 0 {
            return;
        }
        (*o).count.set(c - 1);
        if c == 1 {
            let s = (*o).shape.get();
            if !LENS && (s == shape::INT || s == shape::FLOAT) {
                (*cx).heap.free_short(NonNull::new_unchecked(o.cast()), 32);
            } else {
                dead(cx, o);
            }
        }
    }
}

#[cold]
#[inline(never)]
unsafe fn dead(cx: *mut Cx, o: Slot) {
    // SAFETY: the count is zero and the eval loop borrows no inside.
    unsafe {
        let before = (*cx).may_run.replace(true);
        memory::die(NonNull::new_unchecked(o));
        (*cx).may_run.set(before);
    }
}

#[inline(always)]
unsafe fn release<const KIND: u8>(cx: *mut Cx, o: Slot) {
    if KIND == T {
        // SAFETY: temporaries are owned.
        unsafe { drop_slot(cx, o) }
    }
}

/// Stores a result; a local's old value dies last.
#[inline(always)]
pub(in crate::eval) unsafe fn put(cx: *mut Cx, regs: *mut Slot, d: usize, local: bool, v: Slot) {
    // SAFETY: `d` is a register of the frame.
    unsafe {
        if local {
            let old = std::mem::replace(&mut *regs.add(d), v);
            if LENS {
                (*cx).lens.hint(How::Overwritten, d);
            }
            drop_slot(cx, old);
            if LENS {
                (*cx).lens.hint(How::Dropped, 0);
            }
        } else {
            *regs.add(d) = v;
        }
    }
}

/// Notes where the frame is, for errors and observers.
#[inline(always)]
pub(in crate::eval) unsafe fn at(cx: *mut Cx, pc: *mut u64) {
    // SAFETY: the running frame is on top.
    unsafe { (*(*cx).stacks.top).pc = pc }
}

/// A block for a number.
#[inline(always)]
unsafe fn number_block(cx: *mut Cx, size: usize) -> Option<NonNull<u8>> {
    // SAFETY: the context is live.
    unsafe { if LENS { (*cx).heap.alloc_object(size, 0) } else { (*cx).heap.alloc_short(size) } }
}

#[inline(always)]
unsafe fn fast_int(cx: *mut Cx, v: i64) -> Slot {
    // SAFETY: an int needs 32 bytes; every field is written.
    unsafe {
        if (crate::cx::SMALL_MIN..=crate::cx::SMALL_MAX).contains(&v) {
            return (*(*cx).small_ints.add((v - crate::cx::SMALL_MIN) as usize)).as_ptr().as_ptr();
        }
        if v.unsigned_abs() >= 1 << 60 {
            return std::ptr::null_mut();
        }
        let Some(b) = number_block(cx, 32) else { return std::ptr::null_mut() };
        let h = b.as_ptr();
        h.cast::<u64>().write(1 | (shape::INT as u64) << 32);
        h.cast::<*const crate::types::Type>().add(1).write((*cx).types.int.as_raw().as_ptr());
        h.cast::<isize>().add(2).write(0);
        h.cast::<i64>().add(3).write(v);
        h.cast()
    }
}

#[inline(always)]
unsafe fn fast_float(cx: *mut Cx, v: f64) -> Slot {
    // SAFETY: a float needs 24 bytes; every field is written.
    unsafe {
        let Some(b) = number_block(cx, 24) else { return std::ptr::null_mut() };
        let h = b.as_ptr();
        h.cast::<u64>().write(1 | (shape::FLOAT as u64) << 32);
        h.cast::<*const crate::types::Type>().add(1).write((*cx).types.float.as_raw().as_ptr());
        h.cast::<f64>().add(2).write(v);
        h.cast()
    }
}

#[inline(always)]
unsafe fn int_value(o: Slot) -> i64 {
    // SAFETY: the shape was compared.
    unsafe { (*o.cast::<Int>()).value_unchecked() }
}
#[inline(always)]
unsafe fn float_value(o: Slot) -> f64 {
    // SAFETY: the shape was compared.
    unsafe { o.cast::<f64>().add(2).read() }
}
#[inline(always)]
unsafe fn is(o: Slot, s: u32) -> bool {
    // SAFETY: live object.
    unsafe { (*o).shape.get() == s }
}

// ---- moves

pub unsafe fn move_owned(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: registers of the frame; ownership moves.
    unsafe {
        *regs.add(f(pc, 0)) = *regs.add(f(pc, 1));
        go(cx, pc.add(2), regs)
    }
}
pub unsafe fn copy_local(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: a count is added for the copy.
    unsafe {
        let v = *regs.add(f(pc, 1));
        incref(v);
        *regs.add(f(pc, 0)) = v;
        go(cx, pc.add(2), regs)
    }
}
pub unsafe fn load_const(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: the constant lives as long as the code.
    unsafe {
        let v = *pc.add(2) as Slot;
        incref(v);
        *regs.add(f(pc, 0)) = v;
        go(cx, pc.add(3), regs)
    }
}
pub unsafe fn store_owned(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: the temporary moves into the local.
    unsafe {
        at(cx, pc);
        put(cx, regs, f(pc, 0), true, *regs.add(f(pc, 1)));
        go(cx, pc.add(2), regs)
    }
}
pub unsafe fn store_copy(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: a count is added for the copy.
    unsafe {
        at(cx, pc);
        let v = *regs.add(f(pc, 1));
        incref(v);
        put(cx, regs, f(pc, 0), true, v);
        go(cx, pc.add(2), regs)
    }
}
pub unsafe fn store_const(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: as `load_const`.
    unsafe {
        at(cx, pc);
        let v = *pc.add(2) as Slot;
        incref(v);
        put(cx, regs, f(pc, 0), true, v);
        go(cx, pc.add(3), regs)
    }
}
pub unsafe fn pop_top(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: the temporary is owned.
    unsafe {
        at(cx, pc);
        drop_slot(cx, *regs.add(f(pc, 1)));
        go(cx, pc.add(2), regs)
    }
}

// ---- arithmetic

/// The number of a binary instruction: operator, plus 16 in place.
pub fn binary_number(op: Opcode) -> u16 {
    use Opcode::*;
    let (op, inplace) = match op {
        BINARY_ADD => (Op::Add, 0),
        BINARY_SUBTRACT => (Op::Sub, 0),
        BINARY_MULTIPLY => (Op::Mul, 0),
        BINARY_MATRIX_MULTIPLY => (Op::MatMul, 0),
        BINARY_TRUE_DIVIDE => (Op::TrueDiv, 0),
        BINARY_FLOOR_DIVIDE => (Op::FloorDiv, 0),
        BINARY_MODULO => (Op::Mod, 0),
        BINARY_POWER => (Op::Pow, 0),
        BINARY_LSHIFT => (Op::LShift, 0),
        BINARY_RSHIFT => (Op::RShift, 0),
        BINARY_AND => (Op::And, 0),
        BINARY_XOR => (Op::Xor, 0),
        BINARY_OR => (Op::Or, 0),
        INPLACE_ADD => (Op::Add, 16),
        INPLACE_SUBTRACT => (Op::Sub, 16),
        INPLACE_MULTIPLY => (Op::Mul, 16),
        INPLACE_MATRIX_MULTIPLY => (Op::MatMul, 16),
        INPLACE_TRUE_DIVIDE => (Op::TrueDiv, 16),
        INPLACE_FLOOR_DIVIDE => (Op::FloorDiv, 16),
        INPLACE_MODULO => (Op::Mod, 16),
        INPLACE_POWER => (Op::Pow, 16),
        INPLACE_LSHIFT => (Op::LShift, 16),
        INPLACE_RSHIFT => (Op::RShift, 16),
        INPLACE_AND => (Op::And, 16),
        INPLACE_XOR => (Op::Xor, 16),
        _ => (Op::Or, 16),
    };
    op as u16 + inplace
}

macro_rules! by_kinds {
    ($name:ident, $a:expr, $b:expr, $d:expr) => {
        match ($a, $b, $d) {
            (L, L, 0) => $name::<L, L, 0> as Handler,
            (L, L, _) => $name::<L, L, 1>,
            (L, T, 0) => $name::<L, T, 0>,
            (L, T, _) => $name::<L, T, 1>,
            (L, K, 0) => $name::<L, K, 0>,
            (L, _, _) => $name::<L, K, 1>,
            (T, L, 0) => $name::<T, L, 0>,
            (T, L, _) => $name::<T, L, 1>,
            (T, T, 0) => $name::<T, T, 0>,
            (T, T, _) => $name::<T, T, 1>,
            (T, K, 0) => $name::<T, K, 0>,
            (T, _, _) => $name::<T, K, 1>,
            (_, L, 0) => $name::<K, L, 0>,
            (_, L, _) => $name::<K, L, 1>,
            (_, T, 0) => $name::<K, T, 0>,
            (_, _, _) => $name::<K, T, 1>,
        }
    };
}
pub(super) use by_kinds;

pub fn binary(a: u8, b: u8, d: u8) -> Handler {
    by_kinds!(binary_any, a, b, d)
}

/// Any binary operation; turns itself into a typed version when it sees small ints or floats.
pub unsafe fn binary_any<const A: u8, const B: u8, const D: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: operands are borrowed while the slow part runs; on success owned ones are given back.
    unsafe {
        let (a, b) = (rd::<A>(pc, regs, f(pc, 1)), rd::<B>(pc, regs, f(pc, 2)));
        at(cx, pc);
        let number = f(pc, 3);
        let op = number & 15;
        if is(a, shape::INT) && is(b, shape::INT) {
            if let Some(h) = int_handler::<A, B, D>(op) {
                quicken(cx, pc, h);
            }
        } else if is(a, shape::FLOAT) && is(b, shape::FLOAT) && op <= 4 && op != 3 {
            quicken(cx, pc, float_handler::<A, B, D>(op));
        }
        let r = if D == 1 && A == L && f(pc, 0) == f(pc, 1) && op == 0 && is(a, shape::STR) && is(b, shape::STR) {
            append_text(cx, regs, f(pc, 0), b)
        } else {
            binary_slow(cx, a, b, number)
        };
        if r.is_null() {
            return fail(cx, pc, regs);
        }
        release::<A>(cx, a);
        release::<B>(cx, b);
        put(cx, regs, f(pc, 0), D == 1, r);
        go(cx, pc.add(4), regs)
    }
}

#[inline(never)]
unsafe fn binary_slow(cx: *mut Cx, a: Slot, b: Slot, number: usize) -> Slot {
    // SAFETY: operands are counted while Python may run.
    unsafe {
        let cx = &mut *cx;
        let (x, y) = (peek(&a).clone(), peek(&b).clone());
        let op = Op::from_index(number & 15);
        let r = if number >= 16 { protocol::inplace(cx, &x, &y, op) } else { protocol::binary(cx, &x, &y, op) };
        cx.release(x);
        cx.release(y);
        r.map_or(std::ptr::null_mut(), give)
    }
}

/// `s += t` where the local holds the only reference: grows in place.
#[inline(never)]
unsafe fn append_text(cx: *mut Cx, regs: *mut Slot, local: usize, b: Slot) -> Slot {
    // SAFETY: the local is emptied while its string may move; it gets the unbound marker that `put` then drops.
    unsafe {
        let cx = &mut *cx;
        let tail = peek(&b).clone();
        let unbound = cx.consts.unbound.as_ptr().as_ptr();
        let own = crate::eval::take(std::mem::replace(&mut *regs.add(local), unbound));
        let (Ok(s), Some(t)) = (own.downcast::<crate::types::Str>(), tail.cast::<crate::types::Str>()) else { return std::ptr::null_mut() };
        let result = match crate::types::Str::append_in_place(cx, s, t) {
            Ok((s, true)) => Ok(s.into_obj()),
            Ok((s, false)) => {
                let r = crate::types::str::concat(cx, s.as_obj(), &tail);
                *regs.add(local) = give(s.into_obj());
                r
            }
            Err(r) => Err(r),
        };
        drop(tail);
        result.map_or(std::ptr::null_mut(), give)
    }
}

fn int_handler<const A: u8, const B: u8, const D: u8>(op: usize) -> Option<Handler> {
    Some(match op {
        0 => int_op::<A, B, D, 0>,
        1 => int_op::<A, B, D, 1>,
        2 => int_op::<A, B, D, 2>,
        5 => int_op::<A, B, D, 5>,
        6 => int_op::<A, B, D, 6>,
        8 => int_op::<A, B, D, 8>,
        9 => int_op::<A, B, D, 9>,
        10 => int_op::<A, B, D, 10>,
        11 => int_op::<A, B, D, 11>,
        12 => int_op::<A, B, D, 12>,
        _ => return None,
    })
}

unsafe fn int_op<const A: u8, const B: u8, const D: u8, const OP: usize>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: shapes are compared before values are read; temporaries of ints die without Python.
    unsafe {
        let (a, b) = (rd::<A>(pc, regs, f(pc, 1)), rd::<B>(pc, regs, f(pc, 2)));
        if is(a, shape::INT)
            && is(b, shape::INT)
            && let Some(v) = int::small_op(Op::from_index(OP), int_value(a), int_value(b))
        {
            let r = fast_int(cx, v);
            if !r.is_null() {
                release::<A>(cx, a);
                release::<B>(cx, b);
                put(cx, regs, f(pc, 0), D == 1, r);
                return go(cx, pc.add(4), regs);
            }
        }
        binary_any::<A, B, D>(cx, pc, regs)
    }
}

fn float_handler<const A: u8, const B: u8, const D: u8>(op: usize) -> Handler {
    match op {
        0 => float_op::<A, B, D, 0>,
        1 => float_op::<A, B, D, 1>,
        2 => float_op::<A, B, D, 2>,
        _ => float_op::<A, B, D, 4>,
    }
}

unsafe fn float_op<const A: u8, const B: u8, const D: u8, const OP: usize>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: as `int_op`; a temporary with one count is reused in place, as CPython does.
    unsafe {
        let (a, b) = (rd::<A>(pc, regs, f(pc, 1)), rd::<B>(pc, regs, f(pc, 2)));
        if is(a, shape::FLOAT) && is(b, shape::FLOAT) {
            let (x, y) = (float_value(a), float_value(b));
            let v = match OP {
                0 => x + y,
                1 => x - y,
                2 => x * y,
                _ => x / y,
            };
            if OP != 4 || y != 0.0 {
                if A == T && (*a).count.get() == 1 {
                    a.cast::<f64>().add(2).write(v);
                    release::<B>(cx, b);
                    put(cx, regs, f(pc, 0), D == 1, a);
                    return go(cx, pc.add(4), regs);
                }
                if B == T && (*b).count.get() == 1 {
                    b.cast::<f64>().add(2).write(v);
                    release::<A>(cx, a);
                    put(cx, regs, f(pc, 0), D == 1, b);
                    return go(cx, pc.add(4), regs);
                }
                let r = fast_float(cx, v);
                if !r.is_null() {
                    release::<A>(cx, a);
                    release::<B>(cx, b);
                    put(cx, regs, f(pc, 0), D == 1, r);
                    return go(cx, pc.add(4), regs);
                }
            }
        }
        binary_any::<A, B, D>(cx, pc, regs)
    }
}

// ---- comparison

/// Compares, tests identity or membership: 0..5 comparison, 6 is, 7 is not, 8 in, 9 not in. 0, 1, or 2 for an error.
#[inline(never)]
unsafe fn compare_slow(cx: *mut Cx, a: Slot, b: Slot, number: usize) -> u32 {
    // SAFETY: as `binary_slow`; shapes are compared before layouts are used.
    unsafe {
        let cx = &mut *cx;
        if is(a, shape::STR) && is(b, shape::STR) && matches!(number, 2 | 3) {
            let same = a == b || (*a.cast::<Str>()).same(&*b.cast::<Str>());
            return u32::from(same == (number == 2));
        }
        if is(b, shape::DICT)
            && number >= 8
            && let Some(found) = (*b.cast::<Dict>()).find_plain(cx, peek(&a))
        {
            return u32::from(found.is_some() == (number == 8));
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

pub fn compare(a: u8, b: u8, d: u8) -> Handler {
    by_kinds!(compare_value, a, b, d)
}

/// A comparison whose value is kept.
unsafe fn compare_value<const A: u8, const B: u8, const D: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
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
        put(cx, regs, f(pc, 0), D == 1, r);
        go(cx, pc.add(3), regs)
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

#[inline(always)]
pub(in crate::eval) unsafe fn jump_to(cx: *mut Cx, pc: *mut u64, target: u64, regs: *mut Slot) {
    // SAFETY: targets are addresses of instructions of the same code.
    unsafe {
        let to = target as *mut u64;
        if to <= pc && (*cx).poll.load(Ordering::Relaxed) != 0 {
            return poll_jump(cx, pc, to, regs);
        }
        go(cx, to, regs)
    }
}

#[cold]
#[inline(never)]
unsafe fn poll_jump(cx: *mut Cx, pc: *mut u64, to: *mut u64, regs: *mut Slot) {
    // SAFETY: between instructions nothing is borrowed.
    unsafe {
        at(cx, pc);
        if (*cx).do_poll().is_err() {
            return fail(cx, pc, regs);
        }
        go(cx, to, regs)
    }
}

unsafe fn is_jump<const A: u8, const B: u8, const D: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: identity needs no call.
    unsafe {
        let (a, b) = (rd::<A>(pc, regs, f(pc, 1)), rd::<B>(pc, regs, f(pc, 2)));
        if LENS {
            at(cx, pc);
            crate::lens::compared(&mut *cx, peek(&a), peek(&b));
        }
        let r = (a == b) == (f(pc, 3) == 6);
        at(cx, pc);
        release::<A>(cx, a);
        release::<B>(cx, b);
        if r == (f(pc, 0) == 1) { jump_to(cx, pc, *pc.add(3), regs) } else { go(cx, pc.add(4), regs) }
    }
}

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
        }
        let r = compare_slow(cx, a, b, number);
        if r == 2 {
            return fail(cx, pc, regs);
        }
        release::<A>(cx, a);
        release::<B>(cx, b);
        if r as usize == f(pc, 0) { jump_to(cx, pc, *pc.add(3), regs) } else { go(cx, pc.add(4), regs) }
    }
}

unsafe fn int_jump<const A: u8, const B: u8, const C: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: shapes are compared first.
    unsafe {
        let (a, b) = (rd::<A>(pc, regs, f(pc, 1)), rd::<B>(pc, regs, f(pc, 2)));
        if is(a, shape::INT) && is(b, shape::INT) {
            let r = Cmp::ALL[C as usize].of(int_value(a), int_value(b));
            release::<A>(cx, a);
            release::<B>(cx, b);
            return if usize::from(r) == f(pc, 0) { jump_to(cx, pc, *pc.add(3), regs) } else { go(cx, pc.add(4), regs) };
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
            release::<A>(cx, a);
            release::<B>(cx, b);
            return if usize::from(r) == f(pc, 0) { jump_to(cx, pc, *pc.add(3), regs) } else { go(cx, pc.add(4), regs) };
        }
        compare_jump_any::<A, B, 0>(cx, pc, regs)
    }
}

/// Runs a fallible Rust operation with one result and stores it: the shape of most handlers. The window is consumed on success.
macro_rules! handler {
    ($(#[$meta:meta])* $name:ident, $len:expr, |$cx:ident, $pc:ident, $regs:ident| $body:block) => {
        $(#[$meta])*
        pub unsafe fn $name(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
            #[inline(never)]
            unsafe fn slow($cx: &mut Cx, $pc: *mut u64, $regs: *mut Slot) -> crate::cx::PyResult<()> {
                // SAFETY: registers named by the instruction are live; what is consumed is taken once.
                #[allow(unused_unsafe)]
                unsafe { $body }
            }
            // SAFETY: as above; nothing with a destructor is alive at the jump.
            unsafe {
                at(cx, pc);
                if slow(&mut *cx, pc, regs).is_err() {
                    return crate::eval::unwind::fail(cx, pc, regs);
                }
                go(cx, pc.add($len), regs)
            }
        }
    };
}
pub(super) use handler;
