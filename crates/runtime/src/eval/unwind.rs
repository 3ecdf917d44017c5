//! Errors: finding the handler of an instruction, leaving frames, tracebacks.

use super::frame::{Frame, FrameKind};
use super::ops::{drop_slot, go};
use super::{Slot, give, peek, take, tracing};
use crate::cx::Cx;
use crate::types::generator::Generator;
use crate::types::{Exception, traceback};
use retic_events::How;

/// Raises the waiting exception at an instruction of the top frame.
pub(super) unsafe fn fail(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: called by handlers on their own frame.
    unsafe {
        let (next, regs) = find(&mut *cx, pc, regs);
        if !next.is_null() {
            go(cx, next, regs)
        }
    }
}

/// As `fail`, entered from Rust.
pub(super) unsafe fn fail_at(cx: &mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: as above.
    unsafe { fail(cx, pc, regs) }
}

/// The variables of comprehensions that an exception leaves, whose handler stands around them.
#[inline(never)]
unsafe fn leave_comprehensions(cx: &mut Cx, frame: &Frame, regs: *mut Slot) {
    // SAFETY: below the base of temporaries registers hold a value or the marker; each is dropped once.
    unsafe {
        let (own, base) = (frame.exec().own, frame.exec().base);
        let code = frame.function().code.get(cx).code().clone();
        // The lens tells them by the names that they have in the innermost.
        let inner = code.inlining().around(frame.offset()).next().map_or(0..0, |r| own + r.first as usize..own + r.first as usize + r.code.varnames.len());
        for r in own..base {
            let old = std::mem::replace(&mut *regs.add(r), cx.consts.unbound.as_ptr().as_ptr());
            if inner.contains(&r) {
                cx.lens.hint(How::Unwound, r - inner.start);
            }
            drop_slot(cx, old);
        }
        cx.lens.hint(How::Dropped, 0);
    }
}

/// Where to go on: the handler and its registers, or null when the exception leaves to Rust.
#[cold]
#[inline(never)]
unsafe fn find(cx: &mut Cx, mut pc: *mut u64, mut regs: *mut Slot) -> (*mut u64, *mut Slot) {
    // SAFETY: frames and registers are live; each owned register is dropped or kept once (S2).
    unsafe {
        loop {
            let frame: *mut Frame = cx.stacks.top;
            (*frame).pc = pc;
            let Some(exc) = cx.take_error() else {
                cx.stacks.result.set(std::ptr::null_mut());
                return (std::ptr::null_mut(), regs);
            };
            let again = cx.reraised.get() == exc.address();
            set_context(cx, &exc);
            traceback::add(cx, &exc, &*frame);
            let exc = if cx.frame_limit.get() == 0 { tracing::raised(cx, exc, again) } else { exc };
            let exec = &*(*frame).exec;
            let word = pc.cast_const().offset_from(exec.words.as_ptr()) as u32;
            let info = exec.held_at(word);
            let handled = info.handler != u32::MAX;
            let keep = if handled { exec.base + info.depth as usize } else { 0 };
            // Handlers that are left give back the exception that was handled before theirs.
            if let Some(r) = info.saved.iter().find(|r| **r as usize >= keep) {
                let outer = (*frame).handled_outside(peek(&*regs.add(*r as usize)).clone());
                let before = std::mem::replace(&mut *cx.handled.get(), outer);
                cx.release(before);
            }
            for r in info.live(exec.base).rev() {
                if !handled || r >= keep {
                    drop_slot(cx, *regs.add(r));
                }
            }
            let exc = if cx.frame_limit.get() == 0 { tracing::unwound(cx, exc, handled) } else { exc };
            if handled {
                if exec.own < exec.base {
                    leave_comprehensions(cx, &*frame, regs);
                }
                let base = regs.add(keep);
                let old = (*frame).begins_to_handle(cx.handled());
                *base = give(cx.none());
                *base.add(1) = give(old.unwrap_or_else(|| cx.none()));
                *base.add(2) = give(cx.none());
                *base.add(3) = give(cx.none());
                *base.add(4) = give(exc.clone());
                *base.add(5) = give(exc.type_ref().into_obj());
                let before = (*cx.handled.get()).replace(exc);
                cx.release(before);
                return (exec.words.as_ptr().add(info.handler as usize).cast_mut(), regs);
            }
            // Behind what a statement does at its end the frame is where the exception was raised.
            let first = if again { traceback::first_place(cx, &exc, &*frame) } else { None };
            let _ = cx.raise(exc);
            let kind = (*frame).kind;
            // Whoever resumed one from Rust asks there.
            let generator = match kind {
                FrameKind::ForIter | FrameKind::YieldFrom => peek(&(*frame).extra).cast::<Generator>().cloned(),
                _ => None,
            };
            cx.lens.raising.set(true);
            close(cx, frame);
            cx.lens.raising.set(false);
            if let Some(entry) = first {
                traceback::back_to_place(cx, &entry);
                cx.release_with_error(entry);
            }
            if let Some(g) = generator {
                let _ = crate::types::generator::without_stop(cx, &g);
                cx.release_with_error(g);
            }
            if kind == FrameKind::Entry {
                cx.stacks.result.set(std::ptr::null_mut());
                return (std::ptr::null_mut(), regs);
            }
            let caller = &*cx.stacks.top;
            pc = caller.pc;
            regs = caller.regs;
        }
    }
}

/// The exception that is handled becomes the context of one that a statement or C's `PyErr_SetObject` raises, whatever it had.
pub(crate) fn chain_raised(cx: &mut Cx, exc: &crate::object::Obj) {
    if let Some(handled) = cx.handled().filter(|h| !h.is(exc)) {
        chain(cx, exc, handled);
    }
}

/// The exception handled when this one was raised becomes its context, if it has none.
unsafe fn set_context(cx: &mut Cx, exc: &crate::object::Obj) {
    let Some(handled) = cx.handled() else { return };
    if handled.is(exc) {
        return;
    }
    if exc.cast::<Exception>().is_some_and(|e| e.context.get(cx).is_none() && !e.context_set.get()) {
        chain(cx, exc, handled);
    }
}

/// An exception that is thrown into the top frame, a generator's: what the generator handles becomes its context, whatever it had
/// (CPython's `_PyErr_ChainStackItem`); what is handled around the generator does not.
pub(super) fn chain_thrown(cx: &mut Cx, handles: bool) {
    let Some(exc) = cx.error_ref().cloned() else { return };
    match cx.handled() {
        Some(handled) if handles && !handled.is(&exc) => chain(cx, &exc, handled),
        _ => {
            if let Some(e) = exc.cast::<Exception>() {
                e.context_set.set(true);
            }
        }
    }
}

fn chain(cx: &mut Cx, exc: &crate::object::Obj, handled: crate::object::Obj) {
    if let Some(e) = exc.cast::<Exception>() {
        // Never make a ring of contexts.
        let mut at = Some(handled.clone());
        let mut steps = 0;
        while let Some(o) = at {
            let Some(x) = o.cast::<Exception>() else { break };
            if x.context.get(cx).as_ref().is_some_and(|c| c.is(exc)) {
                x.context.set(cx, None);
                break;
            }
            steps += 1;
            if steps > 10_000 {
                break;
            }
            at = x.context.cloned(cx);
        }
        e.context_set.set(true);
        e.context.set(cx, Some(handled));
    }
}

/// Takes a frame down: locals die in index order, then the function, then what the frame held.
pub(super) unsafe fn close(cx: &mut Cx, frame: *mut Frame) {
    // SAFETY: the frame is the top one; its registers are dropped or handed to its frame object once.
    unsafe {
        let f = &mut *frame;
        let exec = &*f.exec;
        let (extra, regs, namespace, function, owns_function) = (f.extra, f.regs, f.namespace, f.function, f.owns_function);
        let handled = f.handled.take();
        let generator = extra.as_ref().and_then(|_| peek(&extra).cast::<Generator>().cloned());
        if !f.object.is_null() {
            let object = take(std::mem::replace(&mut f.object, std::ptr::null_mut()));
            crate::types::frame::detach(cx, &object, f);
            crate::lens::frame_leaving(cx, frame);
            cx.stacks.top = frame.sub(1);
            cx.release(object);
            crate::lens::frame_left(cx, frame);
        } else {
            exec.settle_cells(regs);
            if cx.lens.is_on() {
                super::recording::ops::drop_registers(cx, frame, regs, 0, exec.base);
            } else {
                super::plain::ops::drop_registers(cx, frame, regs, 0, exec.base);
            }
        }
        if let Some(g) = generator {
            let own = std::mem::replace(&mut *cx.handled.get(), handled);
            cx.release(own);
            g.finished.set(true);
            g.running.set(false);
        }
        if !namespace.is_null() {
            drop_slot(cx, namespace);
        }
        if owns_function {
            drop_slot(cx, function);
        }
        if !extra.is_null() {
            drop_slot(cx, extra);
        }
    }
}

/// Takes down the top frame that never ran.
pub(super) unsafe fn abandon(cx: &mut Cx) {
    // SAFETY: passed on.
    unsafe {
        let top = cx.stacks.top;
        close(cx, top);
    }
}
