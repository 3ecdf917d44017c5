//! The handlers. Fast paths are generic over operand kinds; everything that can run Python or allocate in earnest is in
//! a function that is never inlined, so that no value with a destructor is alive where a handler jumps on.
//!
//! A fast path makes no call that comes back: it looks first, changes registers and counts when it knows that it can finish,
//! and leaves by a jump, to the next instruction, to a slower handler, or to `bury_then_go`. So it needs no room on the
//! native stack.

#[path = "ops/arith.rs"]
mod arith;
#[path = "ops/attributes.rs"]
mod attributes;
#[path = "ops/calls.rs"]
mod calls;
#[path = "ops/compare.rs"]
mod compare;
#[path = "ops/data.rs"]
mod data;
#[path = "ops/flow.rs"]
pub(in crate::eval) mod flow;
#[path = "ops/iterate.rs"]
mod iterate;
#[path = "ops/methods.rs"]
mod methods;
#[path = "ops/names.rs"]
mod names;
#[path = "ops/subscript.rs"]
mod subscript;
#[path = "ops/supers.rs"]
mod supers;

pub(in crate::eval) use arith::*;
pub(in crate::eval) use attributes::*;
pub(in crate::eval) use calls::*;
pub(in crate::eval) use compare::*;
pub(in crate::eval) use data::*;
pub(in crate::eval) use flow::*;
pub(in crate::eval) use iterate::*;
pub(in crate::eval) use methods::*;
pub(in crate::eval) use names::*;
pub(in crate::eval) use subscript::*;
pub(in crate::eval) use supers::*;

use super::{COUNTS, LENS};
use crate::cx::Cx;
use crate::eval::tracing::quicken;
use crate::eval::unwind::fail;
use crate::eval::{Handler, Slot};
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
        if COUNTS {
            at(cx, pc);
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

/// Whether an object with one count dies on the spot: ints and floats own nothing, and nobody is told.
#[inline(always)]
unsafe fn is_number(o: Slot) -> bool {
    // SAFETY: live object.
    unsafe { !LENS && (*o).shape.get().wrapping_sub(shape::INT) <= shape::FLOAT - shape::INT }
}

#[inline(always)]
unsafe fn free_number(cx: *mut Cx, o: Slot) {
    // SAFETY: the last count of an int or float of the usual size is given up; one shape comes behind the other.
    unsafe { (*cx).heap.free_number_short(NonNull::new_unchecked(o.cast()), ((*o).shape.get() - shape::INT) as usize) }
}

/// Gives a count back; finalisers run at once.
#[inline(always)]
pub unsafe fn drop_slot(cx: *mut Cx, o: Slot) {
    // SAFETY: the caller owns the count.
    unsafe {
        let c = (*o).count.get();
        if c > 1 {
            (*o).count.set(c - 1);
        } else if c == 1 {
            if is_number(o) {
                free_number(cx, o);
            } else {
                dead(cx, o);
            }
        }
    }
}

/// Whether giving this count back would mean a burial.
#[inline(always)]
unsafe fn is_last(o: Slot) -> bool {
    // SAFETY: live object.
    unsafe { (*o).count.get() == 1 && !is_number(o) }
}

/// Gives back a count that is not the last, or a number's.
#[inline(always)]
unsafe fn drop_light(cx: *mut Cx, o: Slot) {
    // SAFETY: the caller owns the count, and asked `is_last`.
    unsafe {
        let c = (*o).count.get();
        if c > 1 {
            (*o).count.set(c - 1);
        } else if c == 1 {
            free_number(cx, o);
        }
    }
}

/// Gives back a temporary that is known to be an int or a float.
#[inline(always)]
unsafe fn release_number<const KIND: u8>(cx: *mut Cx, o: Slot) {
    if KIND == T {
        // SAFETY: temporaries are owned; the shape was compared.
        unsafe { if LENS { drop_slot(cx, o) } else { drop_light(cx, o) } }
    }
}

/// Ends an instruction: gives `old` back, finalisers at once, and goes on at `next`.
#[inline(always)]
pub(in crate::eval) unsafe fn go_without(cx: *mut Cx, pc: *mut u64, regs: *mut Slot, next: *mut u64, old: Slot) {
    // SAFETY: the caller owns the count, and has nothing left to do.
    unsafe {
        let c = (*old).count.get();
        if c > 1 {
            (*old).count.set(c - 1);
        } else if c == 1 {
            if !is_number(old) {
                return bury_then_go(cx, pc, regs, next, old);
            }
            free_number(cx, old);
        }
        go(cx, next, regs)
    }
}

#[inline(never)]
pub(in crate::eval) unsafe fn bury_then_go(cx: *mut Cx, pc: *mut u64, regs: *mut Slot, next: *mut u64, old: Slot) {
    // SAFETY: the last count; the frame says where it is.
    unsafe {
        at(cx, pc);
        dead(cx, old);
        go(cx, next, regs)
    }
}

/// Ends an instruction with a result for operand 0; a local's old value dies last.
#[inline(always)]
pub(in crate::eval) unsafe fn finish(cx: *mut Cx, pc: *mut u64, regs: *mut Slot, next: *mut u64, local: bool, v: Slot) {
    // SAFETY: operand 0 is a register of the frame.
    unsafe {
        if local && LENS {
            at(cx, pc);
            put(cx, regs, f(pc, 0), true, v);
        } else if local {
            let old = std::mem::replace(&mut *regs.add(f(pc, 0)), v);
            return go_without(cx, pc, regs, next, old);
        } else {
            *regs.add(f(pc, 0)) = v;
        }
        go(cx, next, regs)
    }
}

#[cold]
#[inline(never)]
unsafe fn dead(cx: *mut Cx, o: Slot) {
    // SAFETY: the last count is given up, and the eval loop borrows no inside.
    unsafe {
        (*o).count.set(0);
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

/// A block for a number, or null when the slow way has to find one.
#[inline(always)]
unsafe fn number_block<const FLOAT: bool>(cx: *mut Cx) -> *mut u8 {
    // SAFETY: the context is live.
    let heap = unsafe { &(*cx).heap };
    if LENS || COUNTS {
        let block = if FLOAT { heap.alloc_float(memory::NUMBER_BYTES) } else { heap.alloc_object(memory::NUMBER_BYTES, 0) };
        return block.map_or(std::ptr::null_mut(), NonNull::as_ptr);
    }
    heap.pop_number::<FLOAT>()
}

/// An int, or null when it is for the slow way: too large, or no block at hand.
#[inline(always)]
unsafe fn fast_int(cx: *mut Cx, v: i64) -> Slot {
    // SAFETY: an int needs 32 bytes; every field is written.
    unsafe {
        if (crate::cx::SMALL_MIN..=crate::cx::SMALL_MAX).contains(&v) {
            return (*(*cx).small_ints.add((v - crate::cx::SMALL_MIN) as usize)).as_ptr().as_ptr();
        }
        if v.wrapping_add((1 << 60) - 1) as u64 > (1 << 61) - 2 {
            return std::ptr::null_mut();
        }
        let h = number_block::<false>(cx);
        if h.is_null() {
            return std::ptr::null_mut();
        }
        h.cast::<u64>().write(1 | (shape::INT as u64) << 32);
        h.cast::<*const crate::types::Type>().add(1).write((*cx).types.int.as_raw().as_ptr());
        h.cast::<isize>().add(2).write(0);
        h.cast::<i64>().add(3).write(v);
        h.cast()
    }
}

/// A float, or null when no block is at hand.
#[inline(always)]
unsafe fn fast_float(cx: *mut Cx, v: f64) -> Slot {
    // SAFETY: a float needs 24 bytes; every field is written.
    unsafe {
        let h = number_block::<true>(cx);
        if h.is_null() {
            return std::ptr::null_mut();
        }
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
    unsafe { finish(cx, pc, regs, pc.add(2), true, *regs.add(f(pc, 1))) }
}
pub unsafe fn store_copy(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: a count is added for the copy.
    unsafe {
        let v = *regs.add(f(pc, 1));
        incref(v);
        finish(cx, pc, regs, pc.add(2), true, v)
    }
}
pub unsafe fn store_const(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: as `load_const`.
    unsafe {
        let v = *pc.add(2) as Slot;
        incref(v);
        finish(cx, pc, regs, pc.add(3), true, v)
    }
}
pub unsafe fn pop_top(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: the temporary is owned.
    unsafe { go_without(cx, pc, regs, pc.add(2), *regs.add(f(pc, 1))) }
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

/// Runs a fallible Rust operation with one result and stores it: the shape of most handlers. The window is consumed on success.
macro_rules! handler {
    ($(#[$meta:meta])* $name:ident, $len:expr, |$cx:ident, $pc:ident, $regs:ident| $body:block) => {
        $(#[$meta])*
        #[inline(never)]
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
