//! Jumps, loops, returns, generators, exceptions.

use super::iterate::for_iter_any;
use super::*;
use crate::cx::{Cx, PyResult};
use crate::eval::frame::{Frame, FrameKind, resume, resume_plain, suspend_plain};
use crate::eval::unwind::{close, fail};
use crate::eval::{Handler, Slot, consume, give, peek, take};
use crate::object::Obj;
use crate::object::shape;
use crate::protocol;
use crate::types::{Exception, Generator};

pub unsafe fn jump<const BACK: bool>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: the target is an instruction of this code.
    unsafe { if BACK { jump_to(cx, pc, *pc.add(2), regs) } else { go(cx, *pc.add(2) as *mut u64, regs) } }
}

pub fn pop_jump(k: u8, when: bool) -> Handler {
    match (k, when) {
        (L, false) => pop_jump_any::<L, false>,
        (L, true) => pop_jump_any::<L, true>,
        (_, false) => pop_jump_any::<T, false>,
        (_, true) => pop_jump_any::<T, true>,
    }
}

/// Whether an object is true: 0, 1, or 2 for an error.
#[inline(never)]
unsafe fn truth_slow(cx: &mut Cx, o: Slot) -> u32 {
    // SAFETY: counted while Python may run; shapes are compared before layouts are used.
    unsafe {
        match (*o).shape.get() {
            shape::NONE => 0,
            shape::STR => u32::from(!(*o.cast::<Str>()).is_empty()),
            shape::LIST => u32::from(!(**(*o.cast::<crate::types::List>()).pub_items.as_ptr()).is_empty()),
            shape::TUPLE => u32::from(!(*o.cast::<crate::types::Tuple>()).items().is_empty()),
            shape::BYTES => u32::from(!(*o.cast::<crate::types::Bytes>()).bytes().is_empty()),
            shape::DICT => u32::from((*o.cast::<crate::types::Dict>()).len(cx) != 0),
            _ => {
                let slots = peek(&o).ty().slots(cx);
                if slots.bool.is_none() && slots.len.is_none() {
                    return 1;
                }
                let obj = peek(&o).clone();
                let r = protocol::truth(cx, &obj);
                cx.release(obj);
                r.map_or(2, u32::from)
            }
        }
    }
}

/// Whether a bool, an int or None is true; nothing for others.
#[inline(always)]
unsafe fn plain_truth(cx: *mut Cx, o: Slot) -> Option<bool> {
    // SAFETY: shapes are compared before layouts are used.
    unsafe {
        match (*o).shape.get() {
            shape::BOOL => Some(o == (*cx).consts.true_.as_ptr().as_ptr()),
            shape::INT => Some(int_value(o) != 0),
            shape::NONE => Some(false),
            _ => None,
        }
    }
}

unsafe fn pop_jump_any<const A: u8, const WHEN: bool>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: the shape is compared first.
    unsafe {
        let o = *regs.add(f(pc, 1));
        let Some(t) = plain_truth(cx, o) else { return pop_jump_slow::<A, WHEN>(cx, pc, regs) };
        release_number::<A>(cx, o);
        if t == WHEN { jump_to(cx, pc, *pc.add(2), regs) } else { go(cx, pc.add(3), regs) }
    }
}

#[inline(never)]
unsafe fn pop_jump_slow<const A: u8, const WHEN: bool>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: as the binary operations.
    unsafe {
        let o = *regs.add(f(pc, 1));
        at(cx, pc);
        let t = truth_slow(&mut *cx, o);
        if t == 2 {
            return fail(cx, pc, regs);
        }
        release::<A>(cx, o);
        if (t == 1) == WHEN { jump_to(cx, pc, *pc.add(2), regs) } else { go(cx, pc.add(3), regs) }
    }
}

pub unsafe fn jump_or_pop<const WHEN: bool>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: the shape is compared first; the value stays where it is when the jump is taken.
    unsafe {
        let o = *regs.add(f(pc, 1));
        let Some(t) = plain_truth(cx, o) else { return jump_or_pop_slow::<WHEN>(cx, pc, regs) };
        if t == WHEN {
            return jump_to(cx, pc, *pc.add(2), regs);
        }
        release_number::<T>(cx, o);
        go(cx, pc.add(3), regs)
    }
}

#[inline(never)]
unsafe fn jump_or_pop_slow<const WHEN: bool>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: as `pop_jump_slow`.
    unsafe {
        let o = *regs.add(f(pc, 1));
        at(cx, pc);
        let t = truth_slow(&mut *cx, o);
        if t == 2 {
            return fail(cx, pc, regs);
        }
        if (t == 1) == WHEN {
            return jump_to(cx, pc, *pc.add(2), regs);
        }
        go_without(cx, pc, regs, pc.add(3), o)
    }
}

handler!(get_iter, 2, |cx, pc, regs| {
    let o = consume(cx, regs, f(pc, 1));
    let r = protocol::iter(cx, &o);
    match r {
        Ok(it) => {
            *regs.add(f(pc, 0)) = give(it);
            cx.release(o);
            Ok(())
        }
        Err(e) => {
            *regs.add(f(pc, 1)) = give(o);
            Err(e)
        }
    }
});

/// Jumps into a generator in the usual case.
pub(super) unsafe fn for_plain_generator<const D: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: the shape says generator; its register keeps it alive.
    unsafe {
        let it = *regs.add(f(pc, 1));
        if !is(it, shape::GENERATOR) {
            return for_iter_any::<D>(cx, pc, regs);
        }
        let g = &*it.cast::<Generator>();
        if LENS || g.finished.get() || g.running.get() {
            return for_generator(cx, pc, regs);
        }
        at(cx, pc);
        if !resume_plain(&mut *cx, g, FrameKind::ForIter) {
            return for_generator(cx, pc, regs);
        }
        let inside = g.regs.get();
        if g.started.replace(true) {
            let none = (*cx).consts.none.as_ptr().as_ptr();
            *inside.add(g.yield_reg.get()) = none;
        }
        go(cx, g.resume_pc.get(), inside)
    }
}

/// Jumps into a generator; its YIELD jumps back.
#[inline(never)]
pub(super) unsafe fn for_generator(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: the shape says generator; its frame goes on top of this one.
    unsafe {
        at(cx, pc);
        match enter_generator(&mut *cx, *regs.add(f(pc, 1))) {
            0 => fail(cx, pc, regs),
            1 => {
                drop_slot(cx, *regs.add(f(pc, 1)));
                go(cx, *pc.add(2) as *mut u64, regs)
            }
            2 => {
                let frame = (*cx).stacks.top;
                go(cx, (*frame).pc, (*frame).regs)
            }
            _ => {
                let frame = (*cx).stacks.top;
                let (pc, regs) = failed_entry(frame);
                fail(cx, pc, regs)
            }
        }
    }
}

/// Where the generator in the top frame stands.
unsafe fn failed_entry(frame: *mut Frame) -> (*mut u64, *mut Slot) {
    // SAFETY: the frame's `extra` is the generator.
    unsafe { (peek(&(*frame).extra).cast_unchecked::<Generator>().pc.get(), (*frame).regs) }
}

/// 0: an error, 1: the generator is over, 2: its frame is open, 3: its frame is open and who watches raised.
#[inline(never)]
unsafe fn enter_generator(cx: &mut Cx, it: Slot) -> u32 {
    // SAFETY: the shape says generator.
    unsafe {
        let g = peek(&it).cast_unchecked::<Generator>();
        if g.finished.get() {
            return 1;
        }
        if g.running.get() {
            let _ = cx.value_error("generator already executing");
            return 0;
        }
        let started = g.started.replace(true);
        if resume(cx, g, FrameKind::ForIter).is_err() {
            return 0;
        }
        let raised = crate::eval::tracing::resumed(cx, g);
        if started {
            *g.regs.get().add(g.yield_reg.get()) = give(cx.none());
        }
        if raised { 3 } else { 2 }
    }
}

pub fn return_value(k: u8) -> Handler {
    match k {
        L => return_any::<L>,
        T => return_any::<T>,
        _ => return_any::<K>,
    }
}

unsafe fn return_any<const A: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: the returned local is moved out before locals die; the window is left for good.
    unsafe {
        let frame = (*cx).stacks.top;
        let v = if A == K {
            let v = *pc.add(2) as Slot;
            incref(v);
            v
        } else if A == L {
            let slot = regs.add(f(pc, 1));
            if (*frame).object.is_null() {
                std::mem::replace(&mut *slot, (*cx).consts.unbound.as_ptr().as_ptr())
            } else {
                incref(*slot);
                *slot
            }
        } else {
            *regs.add(f(pc, 1))
        };
        (*frame).pc = pc;
        if LENS || (*frame).kind != FrameKind::Call || !(*frame).object.is_null() || !(*frame).namespace.is_null() {
            return return_other(cx, frame, regs, v);
        }
        let left = drop_locals(cx, frame, regs);
        if left != usize::MAX {
            return return_rest(cx, frame, regs, v, left);
        }
        deliver(cx, v)
    }
}

/// In front of the return of a function whose arguments have cells: they go where they die in their order.
pub unsafe fn settle_cells(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: behind this nothing reads locals by name, unless a frame object does, which knows by itself.
    unsafe {
        let frame = (*cx).stacks.top;
        // Who watches may raise an error at the return, which a handler of this function catches: names hold until then.
        if (*frame).object.is_null() && (*cx).frame_limit.get() != 0 {
            (*(*frame).exec).settle_cells(regs);
        }
        go(cx, pc.add(2), regs)
    }
}

/// Takes the top frame off and drops its registers and its function, as long as no finaliser may run: `usize::MAX`, or the
/// first register where one may (one beyond the last: the function).
#[inline(always)]
unsafe fn drop_locals(cx: *mut Cx, frame: *mut Frame, regs: *mut Slot) -> usize {
    // SAFETY: the window is left for good.
    unsafe {
        let count = (*(*frame).exec).base;
        (*cx).stacks.top = frame.sub(1);
        let mut i = 0;
        while i < count {
            let o = *regs.add(i);
            if is_last(o) {
                return i;
            }
            drop_light(cx, o);
            i += 1;
        }
        if (*frame).owns_function {
            let function = (*frame).function;
            if is_last(function) {
                return count;
            }
            drop_light(cx, function);
        }
        usize::MAX
    }
}

/// The return of a frame that is not an ordinary call's.
#[inline(never)]
unsafe fn return_other(cx: *mut Cx, frame: *mut Frame, regs: *mut Slot, v: Slot) {
    // SAFETY: as `return_any`.
    unsafe {
        let (kind, extra) = ((*frame).kind, (*frame).extra);
        let generator = matches!(kind, FrameKind::ForIter | FrameKind::YieldFrom) || kind == FrameKind::Entry && !extra.is_null();
        if generator || !(*frame).object.is_null() || !(*frame).namespace.is_null() {
            return leave(cx, frame, v);
        }
        if LENS {
            return return_rest(cx, frame, regs, v, 0);
        }
        let left = drop_locals(cx, frame, regs);
        if left != usize::MAX {
            return return_rest(cx, frame, regs, v, left);
        }
        deliver_other(cx, kind, extra, v)
    }
}

/// Drops the registers of a frame that returns, from `from` on, and its function; finalisers may run.
#[inline(never)]
unsafe fn return_rest(cx: *mut Cx, frame: *mut Frame, regs: *mut Slot, v: Slot, from: usize) {
    // SAFETY: finalisers push frames over this record, so it is read before.
    unsafe {
        let (exec, function, owns_function) = ((*frame).exec, (*frame).function, (*frame).owns_function);
        let (kind, extra) = ((*frame).kind, (*frame).extra);
        drop_registers(cx, frame, regs, from, (*exec).base);
        if owns_function {
            drop_slot(cx, function);
        }
        if kind == FrameKind::Call { deliver(cx, v) } else { deliver_other(cx, kind, extra, v) }
    }
}

/// What becomes of the value of a frame that is gone and was not an ordinary call's.
#[inline(never)]
unsafe fn deliver_other(cx: *mut Cx, kind: FrameKind, extra: Slot, v: Slot) {
    // SAFETY: the caller's frame is on top; the instance and the value are owned here.
    unsafe {
        match kind {
            FrameKind::Init if is(v, shape::NONE) => deliver(cx, extra),
            FrameKind::Init => {
                init_result_error(&mut *cx, v, extra);
                let caller = (*cx).stacks.top;
                fail(cx, (*caller).pc, (*caller).regs)
            }
            FrameKind::Getter => {
                let caller = (*cx).stacks.top;
                let (pc, regs) = ((*caller).pc, (*caller).regs);
                if f(pc, 2) == usize::from(T) {
                    drop_slot(cx, *regs.add(f(pc, 1)));
                }
                finish(cx, pc, regs, pc.add(7), f(pc, 3) == 1, v)
            }
            FrameKind::Subscr | FrameKind::SubscrLocal => {
                let caller = (*cx).stacks.top;
                let (pc, regs) = ((*caller).pc, (*caller).regs);
                finish(cx, pc, regs, pc.add(3), kind == FrameKind::SubscrLocal, v)
            }
            // The loop ends: the result is Rust's.
            _ => (*cx).stacks.result.set(v),
        }
    }
}

/// Takes the top frame off and drops its registers. Finalisers may run meanwhile: the windows of what they call begin
/// beyond the dying registers.
///
/// # Safety
/// The frame is the top one; its registers are given up.
#[inline(always)]
pub(in crate::eval) unsafe fn drop_registers(cx: *mut Cx, frame: *mut Frame, regs: *mut Slot, from: usize, count: usize) {
    // SAFETY: as promised; every frame has one below it, the bottom's record included.
    unsafe {
        let caller = frame.sub(1);
        if LENS {
            crate::lens::frame_leaving(&mut *cx, frame);
        }
        let (before, end) = ((*caller).top, (*frame).top);
        (*cx).stacks.top = caller;
        (*caller).top = if end > before { end } else { before };
        for i in from..count {
            if LENS {
                (*cx).lens.hint(How::FrameLeft, i);
            }
            drop_slot(cx, *regs.add(i));
        }
        if LENS {
            crate::lens::frame_left(&mut *cx, frame);
        }
        (*caller).top = before;
    }
}

/// Stores the result of a call in the caller and goes on there.
#[inline(always)]
pub unsafe fn deliver(cx: *mut Cx, v: Slot) {
    // SAFETY: the caller's instruction is a call: destination in operand 0, local flag in operand 3.
    unsafe {
        let caller = (*cx).stacks.top;
        let (pc, regs) = ((*caller).pc, (*caller).regs);
        finish(cx, pc, regs, pc.add(5), f(pc, 3) == 1, v)
    }
}

#[inline(never)]
unsafe fn leave(cx: *mut Cx, frame: *mut Frame, v: Slot) {
    // SAFETY: the frame is closed once; what follows depends on its kind.
    unsafe {
        let kind = (*frame).kind;
        match kind {
            FrameKind::Entry => {
                close(&mut *cx, frame);
                (*cx).stacks.result.set(v);
            }
            FrameKind::Call | FrameKind::Getter | FrameKind::Init | FrameKind::Subscr | FrameKind::SubscrLocal => {
                let instance = if kind == FrameKind::Init { std::mem::replace(&mut (*frame).extra, std::ptr::null_mut()) } else { std::ptr::null_mut() };
                close(&mut *cx, frame);
                if kind == FrameKind::Call { deliver(cx, v) } else { deliver_other(cx, kind, instance, v) }
            }
            FrameKind::ForIter => {
                close(&mut *cx, frame);
                let told = (*cx).frame_limit.get() != 0 || told_of_value(&mut *cx, v);
                drop_slot(cx, v);
                let caller = (*cx).stacks.top;
                if !told {
                    return fail(cx, (*caller).pc, (*caller).regs);
                }
                let (pc, regs) = ((*caller).pc, (*caller).regs);
                drop_slot(cx, *regs.add(f(pc, 1)));
                go(cx, *pc.add(2) as *mut u64, regs)
            }
            FrameKind::YieldFrom => {
                close(&mut *cx, frame);
                let caller = (*cx).stacks.top;
                let (pc, regs) = ((*caller).pc, (*caller).regs);
                if (*cx).frame_limit.get() == 0 && !told_of_value(&mut *cx, v) {
                    drop_slot(cx, v);
                    return fail(cx, pc, regs);
                }
                // The result takes the generator's place.
                let old = std::mem::replace(&mut *regs.add(f(pc, 0)), v);
                drop_slot(cx, old);
                go(cx, pc.add(2), regs)
            }
        }
    }
}

/// Tells who watches of the StopIteration that carries a value; false when that raised. A function of its own, because the value
/// is passed by address.
#[inline(never)]
unsafe fn told_of_value(cx: &mut Cx, v: Slot) -> bool {
    // SAFETY: the caller owns it.
    let v = unsafe { peek(&v) };
    v.is_none() || crate::eval::tracing::stopped(cx, v)
}

#[inline(never)]
unsafe fn init_result_error(cx: &mut Cx, v: Slot, instance: Slot) {
    // SAFETY: both are owned here.
    unsafe {
        let v = take(v);
        let _ = cx.type_error(format!("__init__() should return None, not '{}'", v.ty().name_text()));
        let saved = cx.save_error();
        cx.release(take(instance));
        cx.restore_error(saved);
    }
}

// ---- generators

pub unsafe fn gen_start(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: the first instruction of generator code; sent values have nowhere to go yet.
    unsafe { go(cx, pc.add(2), regs) }
}

/// Hands a value to whoever resumed the generator. It goes on behind this instruction, with the sent value in place.
pub unsafe fn yield_value(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: the frame's `extra` is the generator; the frame is taken down but the registers stay in the generator.
    unsafe {
        at(cx, pc);
        let v = *regs.add(f(pc, 1));
        let frame = (*cx).stacks.top;
        let kind = (*frame).kind;
        if LENS || !suspend_plain(&mut *cx, frame, pc, pc.add(2), f(pc, 0)) {
            return yield_slow(cx, pc, regs);
        }
        hand_over(cx, kind, v)
    }
}

/// Gives what a generator yielded to Rust, or to the FOR_ITER that resumed it.
#[inline(always)]
unsafe fn hand_over(cx: *mut Cx, kind: FrameKind, v: Slot) {
    // SAFETY: the generator's frame is gone; its caller's is on top and stands at FOR_ITER.
    unsafe {
        if kind == FrameKind::YieldFrom {
            return hand_on(cx, v);
        }
        if kind == FrameKind::Entry {
            (*cx).stacks.result.set(v);
            return;
        }
        let caller = (*cx).stacks.top;
        let (pc, regs) = ((*caller).pc, (*caller).regs);
        finish(cx, pc, regs, pc.add(3), f(pc, 3) == 1, v)
    }
}

/// The generators that delegated to the one that yielded yield, too, one after the other.
unsafe fn hand_on(cx: *mut Cx, v: Slot) {
    // SAFETY: each of these frames stands at YIELD_FROM and is suspended there.
    unsafe {
        loop {
            let frame = (*cx).stacks.top;
            let (pc, kind) = ((*frame).pc, (*frame).kind);
            let sent = f(pc, 0) + 1;
            if LENS || (*cx).frame_limit.get() == 0 || !suspend_plain(&mut *cx, frame, pc, pc, sent) {
                return hand_on_slow(cx, v);
            }
            if kind != FrameKind::YieldFrom {
                return hand_over(cx, kind, v);
            }
        }
    }
}

#[inline(never)]
unsafe fn hand_on_slow(cx: *mut Cx, v: Slot) {
    // SAFETY: as above.
    unsafe {
        let frame = (*cx).stacks.top;
        let (pc, regs, kind) = ((*frame).pc, (*frame).regs, (*frame).kind);
        if crate::eval::tracing::delegated(&mut *cx, frame, peek(&v)).is_err() {
            drop_slot(cx, v);
            return fail(cx, pc, regs);
        }
        suspend(&mut *cx, frame, pc, pc, f(pc, 0) + 1);
        hand_over(cx, kind, v)
    }
}

#[inline(never)]
unsafe fn yield_slow(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: as above.
    unsafe {
        let v = *regs.add(f(pc, 1));
        let frame = (*cx).stacks.top;
        let kind = (*frame).kind;
        suspend(&mut *cx, frame, pc, pc.add(2), f(pc, 0));
        hand_over(cx, kind, v)
    }
}

#[inline(never)]
pub(in crate::eval) unsafe fn suspend(cx: &mut Cx, frame: *mut Frame, pc: *mut u64, resume_pc: *mut u64, reg: usize) {
    // SAFETY: as above.
    unsafe {
        let f = &mut *frame;
        let g = peek(&f.extra).cast_unchecked::<Generator>().clone();
        g.pc.set(pc);
        g.resume_pc.set(resume_pc);
        g.yield_reg.set(reg);
        g.started.set(true);
        g.running.set(false);
        g.frame_object.set(std::mem::replace(&mut f.object, std::ptr::null_mut()));
        if !g.frame_object.get().is_null() {
            crate::types::frame::suspended(cx, peek(&g.frame_object.get()), &g, f);
        }
        let caller = f.handled.take();
        let own = std::mem::replace(&mut *cx.handled.get(), caller);
        // Only an exception that is being handled inside the generator is its own.
        if g.handles.replace(false) {
            g.handled.set(cx, own)
        } else {
            cx.release(own)
        }
        if LENS {
            crate::lens::frame_suspended(cx, frame);
        }
        cx.stacks.top = frame.sub(1);
        let extra = take(std::mem::replace(&mut f.extra, std::ptr::null_mut()));
        drop(g);
        // Whoever resumed the generator holds it; this count goes away without its death.
        cx.release(extra);
    }
}

/// Delegates to the iterator in the register below; the value sent is in the register above.
pub unsafe fn yield_from(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: both registers are owned temporaries.
    unsafe {
        at(cx, pc);
        let (sub, sent) = (f(pc, 0), f(pc, 0) + 1);
        let it = *regs.add(sub);
        if !LENS && (*cx).frame_limit.get() != 0 && (is(it, shape::GENERATOR) || std::ptr::eq(peek(&it).ty(), &*(&*cx).types.coroutine)) {
            let g = &*it.cast::<Generator>();
            let (value, started) = (*regs.add(sent), g.started.get());
            let ready = !g.finished.get() && !g.running.get() && (started || is(value, shape::NONE));
            if ready && resume_plain(&mut *cx, g, FrameKind::YieldFrom) {
                // The value moves into the generator; the first one has nowhere to go, and is None.
                let inside = g.regs.get();
                *regs.add(sent) = (*cx).consts.none.as_ptr().as_ptr();
                if started {
                    *inside.add(g.yield_reg.get()) = value;
                } else {
                    g.started.set(true);
                }
                return go(cx, g.resume_pc.get(), inside);
            }
        }
        match yield_from_step(&mut *cx, regs, sub, sent) {
            0 => fail(cx, pc, regs),
            1 => {
                // Done: the result takes the iterator's place.
                go(cx, pc.add(2), regs)
            }
            _ => {
                let frame = (*cx).stacks.top;
                let kind = (*frame).kind;
                // Resumed here again, with the sent value above the iterator.
                let out = (*cx).stacks.result.replace(std::ptr::null_mut());
                if crate::eval::tracing::delegated(&mut *cx, frame, peek(&out)).is_err() {
                    drop_slot(cx, out);
                    return fail(cx, pc, regs);
                }
                if LENS || !suspend_plain(&mut *cx, frame, pc, pc, sent) {
                    suspend(&mut *cx, frame, pc, pc, sent);
                }
                hand_over(cx, kind, out)
            }
        }
    }
}

#[inline(never)]
unsafe fn yield_from_step(cx: &mut Cx, regs: *mut Slot, sub: usize, sent: usize) -> u32 {
    // SAFETY: as above; the sent value is consumed.
    unsafe {
        let it = peek(&*regs.add(sub)).clone();
        let none = give(cx.none());
        let value = take(std::mem::replace(&mut *regs.add(sent), none));
        let r = crate::types::generator::send(cx, &it, &value);
        cx.release(value);
        cx.release(it);
        match r {
            Ok(Ok(v)) => {
                cx.stacks.result.set(give(v));
                2
            }
            Ok(Err(result)) if cx.frame_limit.get() == 0 && !result.is_none() && !crate::eval::tracing::stopped(cx, &result) => {
                cx.release(result);
                0
            }
            Ok(Err(result)) => {
                let old = take(std::mem::replace(&mut *regs.add(sub), give(result)));
                cx.release(old);
                1
            }
            Err(_) => 0,
        }
    }
}

handler!(get_yield_from_iter, 2, |cx, pc, regs| {
    let slot = regs.add(f(pc, 1));
    if (**slot).shape.get() == shape::GENERATOR || peek(&*slot).cast::<Generator>().is_some() {
        let awaits = retic_bytecode::code::CO_COROUTINE | retic_bytecode::code::CO_ITERABLE_COROUTINE;
        if std::ptr::eq(peek(&*slot).ty(), &*cx.types.coroutine) && (*cx.stacks.top).function().code.get(cx).code().flags & awaits == 0 {
            return Err(cx.type_error("cannot 'yield from' a coroutine object in a non-coroutine generator"));
        }
        return Ok(());
    }
    let o = peek(&*slot).clone();
    let it = protocol::iter(cx, &o)?;
    let old = take(std::mem::replace(&mut *slot, give(it)));
    cx.release(old);
    Ok(())
});

/// A coroutine that has not begun is awaited as it is.
#[inline(never)]
pub unsafe fn get_awaitable(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: the register holds a value, which stays where it is.
    unsafe {
        let o = *regs.add(f(pc, 1));
        if std::ptr::eq(peek(&o).ty(), &*(&*cx).types.coroutine) && !(*o.cast::<Generator>()).started.get() {
            return go(cx, pc.add(2), regs);
        }
        get_awaitable_any(cx, pc, regs)
    }
}

handler!(get_awaitable_any, 2, |cx, pc, regs| {
    let slot = regs.add(f(pc, 1));
    let o = peek(&*slot).clone();
    // The third operand says whose result it is.
    let method = match f(pc, 3) {
        1 => "__aenter__",
        2 => "__aexit__",
        _ => "",
    };
    let it = crate::types::generator::awaitable_or(cx, &o, |o| match method {
        "" => format!("'{}' object can't be awaited", o.ty().name_text()),
        _ => format!("'async with' received an object from {method} that does not implement __await__: {}", o.ty().name_text()),
    })?;
    let old = take(std::mem::replace(&mut *slot, give(it)));
    cx.release(old);
    Ok(())
});

// manager -> exit method, awaitable of the enter method.
handler!(before_async_with, 2, |cx, pc, regs| {
    let r = f(pc, 0);
    let manager = peek(&*regs.add(r)).clone();
    let (exit_name, enter_name) = (cx.name("__aexit__"), cx.name("__aenter__"));
    // CPython 3.14 asks for the way out first.
    let Some(exit) = protocol::special(cx, &manager, &exit_name)? else { return Err(crate::suggestions::no_manager(cx, &manager, true, "__aexit__")) };
    let Some(enter) = protocol::special(cx, &manager, &enter_name)? else { return Err(crate::suggestions::no_manager(cx, &manager, true, "__aenter__")) };
    let result = protocol::call(cx, &enter, &[])?;
    let old = take(std::mem::replace(&mut *regs.add(r), give(exit)));
    *regs.add(r + 1) = give(result);
    drop(manager);
    cx.release(enter);
    cx.release(old);
    Ok(())
});

handler!(get_aiter, 2, |cx, pc, regs| {
    let slot = regs.add(f(pc, 1));
    let o = peek(&*slot).clone();
    let it = crate::types::async_generator::for_aiter(cx, &o)?;
    let old = take(std::mem::replace(&mut *slot, give(it)));
    cx.release(old);
    Ok(())
});

handler!(get_anext, 2, |cx, pc, regs| {
    let it = peek(&*regs.add(f(pc, 1))).clone();
    let a = crate::types::async_generator::for_anext(cx, &it)?;
    *regs.add(f(pc, 0)) = give(a);
    Ok(())
});

// The iterator at operand 0, the exception's six values above: StopAsyncIteration ends the loop.
handler!(end_async_for, 2, |cx, pc, regs| {
    let r = f(pc, 0);
    let exc = peek(&*regs.add(r + 5)).clone();
    if !exc.ty().is_subtype(cx, &cx.types.stop_async_iteration) {
        return raise_again(cx, exc);
    }
    let outer = consume(cx, regs, r + 2);
    let restored = (*cx.stacks.top).handled_outside(outer);
    let before = std::mem::replace(&mut *cx.handled.get(), restored);
    cx.release(before);
    cx.release(exc);
    for i in [6, 5, 0] {
        drop_slot(cx, *regs.add(r + i));
    }
    Ok(())
});

handler!(wrap_yielded, 2, |cx, pc, regs| {
    let slot = regs.add(f(pc, 1));
    let o = peek(&*slot).clone();
    let w = crate::types::async_generator::wrap(cx, o)?;
    let old = take(std::mem::replace(&mut *slot, give(w)));
    cx.release(old);
    Ok(())
});

// ---- exceptions

// rest, type -> rest without what matches, what matches or None.
handler!(check_eg_match, 2, |cx, pc, regs| {
    let r = f(pc, 0);
    let (rest, class) = (peek(&*regs.add(r)).clone(), peek(&*regs.add(r + 1)).clone());
    let (matched, left) = crate::types::exception_group::clause(cx, &rest, &class)?;
    if let Some(m) = &matched {
        let before = (*cx.handled.get()).replace(m.clone());
        cx.release(before);
    }
    let none = cx.none();
    let old = take(std::mem::replace(&mut *regs.add(r), give(left.unwrap_or_else(|| none.clone()))));
    let old_class = take(std::mem::replace(&mut *regs.add(r + 1), give(matched.unwrap_or(none))));
    drop(rest);
    cx.release(old);
    drop(class);
    cx.release(old_class);
    Ok(())
});

// list of results (operand 0) -> what is to be raised, or None; operand 1: the exception the statement caught.
handler!(prep_reraise_star, 2, |cx, pc, regs| {
    let (list, orig) = (peek(&*regs.add(f(pc, 0))).clone(), peek(&*regs.add(f(pc, 1))).clone());
    let results = protocol::collect(cx, &list)?;
    let next = crate::types::exception_group::after_clauses(cx, &orig, &results)?;
    let next = next.unwrap_or_else(|| cx.none());
    drop(list);
    let old = take(std::mem::replace(&mut *regs.add(f(pc, 0)), give(next)));
    cx.release(old);
    cx.release(orig);
    cx.release(results);
    Ok(())
});

// Operand 3: 0 raises again, 1 an exception, 2 with a cause.
handler!(raise, 2, |cx, pc, regs| {
    let (r, n) = (f(pc, 0), f(pc, 3));
    if n == 0 {
        return match cx.handled() {
            Some(e) => {
                crate::types::traceback::reraising(cx, &e);
                Err(cx.raise(e))
            }
            None => Err(cx.runtime_error("No active exception to reraise")),
        };
    }
    let exc = peek(&*regs.add(r)).clone();
    let exc = crate::types::exception::instantiate(cx, &exc)?;
    if n == 2 {
        let cause = peek(&*regs.add(r + 1)).clone();
        crate::types::exception::set_cause(cx, &exc, &cause)?;
    }
    crate::eval::unwind::chain_raised(cx, &exc);
    Err(cx.raise(exc))
});

// Raises the exception of a handler again, keeping its traceback.
handler!(reraise, 2, |cx, pc, regs| {
    let exc = peek(&*regs.add(f(pc, 0) + 1)).clone();
    raise_again(cx, exc)
});

/// Raises an exception that a handler kept. Bytecode of a program's own making may have put anything in its place.
fn raise_again(cx: &mut Cx, exc: Obj) -> PyResult<()> {
    if exc.cast::<Exception>().is_none() {
        return Err(cx.type_error("exceptions must derive from BaseException"));
    }
    crate::types::traceback::reraising(cx, &exc);
    Err(cx.raise(exc))
}

handler!(pop_except, 2, |cx, pc, regs| {
    let r = f(pc, 0);
    let old = consume(cx, regs, r + 1);
    let restored = (*cx.stacks.top).handled_outside(old);
    let before = std::mem::replace(&mut *cx.handled.get(), restored);
    cx.release(before);
    Ok(())
});

/// Drops exception and pattern; jumps when they do not match.
pub unsafe fn exc_match_jump(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: two owned temporaries.
    unsafe {
        at(cx, pc);
        match exc_match(&mut *cx, regs, f(pc, 0)) {
            0 => go(cx, *pc.add(2) as *mut u64, regs),
            1 => go(cx, pc.add(3), regs),
            _ => fail(cx, pc, regs),
        }
    }
}

#[inline(never)]
unsafe fn exc_match(cx: &mut Cx, regs: *mut Slot, r: usize) -> u32 {
    // SAFETY: as above; they stay owned by the frame until the answer is known.
    unsafe {
        let (exc, pattern) = (peek(&*regs.add(r)).clone(), peek(&*regs.add(r + 1)).clone());
        let m = protocol::exception_matches(cx, &exc, &pattern);
        if m.is_ok() {
            drop_slot(cx, *regs.add(r + 1));
            drop_slot(cx, *regs.add(r));
        }
        drop(exc);
        cx.release(pattern);
        m.map_or(2, u32::from)
    }
}

// manager -> exit method, result of enter.
handler!(with_enter, 2, |cx, pc, regs| {
    let r = f(pc, 0);
    let manager = peek(&*regs.add(r)).clone();
    let (exit_name, enter_name) = (cx.name("__exit__"), cx.name("__enter__"));
    let Some(exit) = protocol::special(cx, &manager, &exit_name)? else { return Err(crate::suggestions::no_manager(cx, &manager, false, "__exit__")) };
    let Some(enter) = protocol::special(cx, &manager, &enter_name)? else { return Err(crate::suggestions::no_manager(cx, &manager, false, "__enter__")) };
    let result = protocol::call(cx, &enter, &[])?;
    let old = take(std::mem::replace(&mut *regs.add(r), give(exit)));
    *regs.add(r + 1) = give(result);
    drop(manager);
    cx.release(enter);
    cx.release(old);
    Ok(())
});

// Calls the exit method (operand 1) with the exception on the stack; the answer goes to operand 0.
handler!(with_except_start, 2, |cx, pc, regs| {
    let (r, low) = (f(pc, 0), f(pc, 1));
    let exit = peek(&*regs.add(low)).clone();
    let exc = peek(&*regs.add(r - 2)).clone();
    let tb = crate::types::traceback::of(cx, &exc);
    let ty = exc.type_ref().into_obj();
    let result = protocol::call(cx, &exit, &[ty, exc, tb])?;
    *regs.add(r) = give(result);
    cx.release(exit);
    Ok(())
});
