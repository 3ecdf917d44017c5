//! Binary operations: the general handler, and its siblings for small ints and floats.

use super::*;
use crate::cx::Cx;
use crate::eval::{Handler, Slot, give, peek};

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

pub fn binary(a: u8, b: u8, d: u8) -> Handler {
    by_kinds!(binary_any, a, b, d)
}

/// Any binary operation; turns itself into a typed version when it sees small ints or floats.
#[inline(never)]
pub unsafe fn binary_any<const A: u8, const B: u8, const D: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: operands are borrowed while the slow part runs; on success owned ones are given back.
    unsafe {
        let (a, b) = (rd::<A>(pc, regs, f(pc, 1)), rd::<B>(pc, regs, f(pc, 2)));
        at(cx, pc);
        let number = f(pc, 3);
        if let Some(h) = typed_handler::<A, B, D>(a, b, number & 15) {
            quicken(cx, pc, h);
        }
        let r = if D == 1 && A == L && f(pc, 0) == f(pc, 1) && number & 15 == 0 && is(a, shape::STR) && is(b, shape::STR) {
            append_text(cx, regs, f(pc, 0), b)
        } else if (is(a, shape::BIGINT) || is(b, shape::BIGINT)) && is_int(a) && is_int(b) {
            binary_long(cx, a, b, number)
        } else {
            binary_slow(cx, a, b, number)
        };
        if r.is_null() {
            return fail(cx, pc, regs);
        }
        release::<A>(cx, a);
        release::<B>(cx, b);
        finish(cx, pc, regs, pc.add(4), D == 1, r)
    }
}

/// The handler for operands like these, if there is one.
unsafe fn typed_handler<const A: u8, const B: u8, const D: u8>(a: Slot, b: Slot, op: usize) -> Option<Handler> {
    // SAFETY: live objects.
    let (int_a, int_b, float_a, float_b) = unsafe { (is(a, shape::INT), is(b, shape::INT), is(a, shape::FLOAT), is(b, shape::FLOAT)) };
    match op {
        3 => None,
        4 if int_a && int_b => Some(int_true_divide::<A, B, D>),
        _ if int_a && int_b => int_handler::<A, B, D>(op),
        0 | 1 | 2 | 4 if float_a && float_b => Some(float_handler::<A, B, D>(op)),
        0 | 1 | 2 | 4 if int_a && float_b || float_a && int_b => Some(mixed_handler::<A, B, D>(op)),
        _ => None,
    }
}

/// Whether an object is an int itself, of any size.
#[inline(always)]
unsafe fn is_int(o: Slot) -> bool {
    // SAFETY: live object.
    unsafe { is(o, shape::INT) || is(o, shape::BIGINT) }
}

/// The same of two ints, which nobody else is asked about.
#[inline(never)]
unsafe fn binary_long(cx: *mut Cx, a: Slot, b: Slot, number: usize) -> Slot {
    // SAFETY: operands are counted, because long computations let signals in.
    unsafe {
        let Some(compute) = (*cx).types.int.slots(&*cx).binary[number & 15] else { return binary_slow(cx, a, b, number) };
        incref(a);
        incref(b);
        let r = compute(&mut *cx, peek(&a), peek(&b));
        drop_slot(cx, a);
        drop_slot(cx, b);
        r.map_or(std::ptr::null_mut(), give)
    }
}

#[inline(never)]
unsafe fn binary_slow(cx: *mut Cx, a: Slot, b: Slot, number: usize) -> Slot {
    // SAFETY: operands are counted while Python may run.
    unsafe {
        incref(a);
        incref(b);
        let (x, y) = (peek(&a), peek(&b));
        let op = Op::from_index(number & 15);
        let r = if number >= 16 { protocol::inplace(&mut *cx, x, y, op) } else { protocol::binary(&mut *cx, x, y, op) };
        drop_slot(cx, a);
        drop_slot(cx, b);
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
                release_number::<A>(cx, a);
                release_number::<B>(cx, b);
                return finish(cx, pc, regs, pc.add(4), D == 1, r);
            }
        }
        binary_any::<A, B, D>(cx, pc, regs)
    }
}

/// `/` of two ints that are exact as floats.
unsafe fn int_true_divide<const A: u8, const B: u8, const D: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: as `int_op`.
    unsafe {
        let (a, b) = (rd::<A>(pc, regs, f(pc, 1)), rd::<B>(pc, regs, f(pc, 2)));
        if is(a, shape::INT)
            && is(b, shape::INT)
            && int_value(b) != 0
            && let Some(v) = retic_numbers::small::true_div(int_value(a), int_value(b))
        {
            let r = fast_float(cx, v);
            if !r.is_null() {
                release_number::<A>(cx, a);
                release_number::<B>(cx, b);
                return finish(cx, pc, regs, pc.add(4), D == 1, r);
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

fn mixed_handler<const A: u8, const B: u8, const D: u8>(op: usize) -> Handler {
    match op {
        0 => mixed_op::<A, B, D, 0>,
        1 => mixed_op::<A, B, D, 1>,
        2 => mixed_op::<A, B, D, 2>,
        _ => mixed_op::<A, B, D, 4>,
    }
}

#[inline(always)]
fn float_result<const OP: usize>(x: f64, y: f64) -> f64 {
    match OP {
        0 => x + y,
        1 => x - y,
        2 => x * y,
        _ => x / y,
    }
}

unsafe fn float_op<const A: u8, const B: u8, const D: u8, const OP: usize>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: as `int_op`; a temporary with one count is reused in place, as CPython does.
    unsafe {
        let (a, b) = (rd::<A>(pc, regs, f(pc, 1)), rd::<B>(pc, regs, f(pc, 2)));
        if is(a, shape::FLOAT) && is(b, shape::FLOAT) && (OP != 4 || float_value(b) != 0.0) {
            return float_result_in::<A, B, D>(cx, pc, regs, a, b, float_result::<OP>(float_value(a), float_value(b)));
        }
        binary_any::<A, B, D>(cx, pc, regs)
    }
}

/// A float and an int that is exact as one.
unsafe fn mixed_op<const A: u8, const B: u8, const D: u8, const OP: usize>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: as `float_op`.
    unsafe {
        let (a, b) = (rd::<A>(pc, regs, f(pc, 1)), rd::<B>(pc, regs, f(pc, 2)));
        let exact = |o: Slot| is(o, shape::INT) && int_value(o).unsigned_abs() <= 1 << 53;
        let (x, y) = if is(a, shape::FLOAT) && exact(b) {
            (float_value(a), int_value(b) as f64)
        } else if exact(a) && is(b, shape::FLOAT) {
            (int_value(a) as f64, float_value(b))
        } else {
            return binary_any::<A, B, D>(cx, pc, regs);
        };
        if OP == 4 && y == 0.0 {
            return binary_any::<A, B, D>(cx, pc, regs);
        }
        // A block of its own even so: only two floats share one in CPython.
        let r = fast_float(cx, float_result::<OP>(x, y));
        if r.is_null() {
            return binary_any::<A, B, D>(cx, pc, regs);
        }
        release_number::<A>(cx, a);
        release_number::<B>(cx, b);
        finish(cx, pc, regs, pc.add(4), D == 1, r)
    }
}

/// Puts a float where it belongs: into the block of a temporary that nobody else has, or a new one.
#[inline(always)]
unsafe fn float_result_in<const A: u8, const B: u8, const D: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot, a: Slot, b: Slot, v: f64) {
    // SAFETY: both operands are floats.
    unsafe {
        let r = if A == T && (*a).count.get() == 1 {
            a.cast::<f64>().add(2).write(v);
            release_number::<B>(cx, b);
            a
        } else if B == T && (*b).count.get() == 1 {
            b.cast::<f64>().add(2).write(v);
            release_number::<A>(cx, a);
            b
        } else {
            let r = fast_float(cx, v);
            if r.is_null() {
                return binary_any::<A, B, D>(cx, pc, regs);
            }
            release_number::<A>(cx, a);
            release_number::<B>(cx, b);
            r
        };
        finish(cx, pc, regs, pc.add(4), D == 1, r)
    }
}
