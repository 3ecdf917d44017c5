//! Calls: Python to Python without leaving the loop, native functions with their arguments in place, and the rest.
//! A call instruction: operand 0 destination, 1 window, 2 argument count, 3 whether the destination is a local;
//! word 2 argument, words 3 and 4 cache. The window is consumed, whatever happens.

use super::super::frame::{self, FrameKind};
use super::super::unwind::fail;
use super::super::{Exec, Handler, Slot, give, peek, take};
use super::*;
use crate::cx::{Cx, PyResult};
use crate::eval::consume;
use crate::native::Args;
use crate::object::{Obj, shape};
use crate::protocol;
use crate::types::{Dict, Function, Str, Tuple};
use std::sync::atomic::Ordering;

/// Drops the window from the last argument down, then what was called.
unsafe fn drop_window(cx: *mut Cx, regs: *mut Slot, from: usize, count: usize) {
    // SAFETY: owned temporaries.
    unsafe {
        for i in 0..count {
            drop_slot(cx, *regs.add(from + 1 + i));
        }
        drop_slot(cx, *regs.add(from));
    }
}

pub unsafe fn call_any(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: the window holds the callable and its arguments.
    unsafe { call_window(cx, pc, regs, f(pc, 1), f(pc, 2)) }
}

/// After LOAD_METHOD: (method, object) or (unbound marker, callable).
pub unsafe fn call_method(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: as above.
    unsafe {
        let w = f(pc, 1);
        if is(*regs.add(w), shape::UNBOUND) { call_window(cx, pc, regs, w + 1, f(pc, 2)) } else { call_window(cx, pc, regs, w, f(pc, 2) + 1) }
    }
}

#[inline(always)]
unsafe fn call_window(cx: *mut Cx, pc: *mut u64, regs: *mut Slot, w: usize, n: usize) {
    // SAFETY: shapes are compared before layouts are used; arguments move into the callee's window.
    unsafe {
        at(cx, pc);
        if (*cx).poll.load(Ordering::Relaxed) != 0 && (*cx).do_poll().is_err() {
            drop_window(cx, regs, w, n);
            return fail(cx, pc, regs);
        }
        let callee = *regs.add(w);
        if is(callee, shape::FUNCTION) {
            let func = &*callee.cast::<Function>();
            let exec = exec_of(&mut *cx, func);
            if exec.is_null() {
                drop_window(cx, regs, w, n);
                return fail(cx, pc, regs);
            }
            if (*exec).simple && (*exec).argcount == n && *pc.add(3) != 1 {
                return enter_simple(cx, pc, regs.add(w + 1), callee, exec, n);
            }
            return call_python(cx, pc, regs, w, n, exec);
        }
        if is(callee, shape::TYPE) && !class_fast(&mut *cx, regs, w, n) {
            // A class whose `__init__` is a plain function: the instance and the function are in place now.
            return enter_init(cx, pc, regs, w, n);
        }
        let r = call_slow(&mut *cx, regs, w, n);
        if r.is_null() {
            return fail(cx, pc, regs);
        }
        put(cx, regs, f(pc, 0), f(pc, 3) == 1, r);
        go(cx, pc.add(5), regs)
    }
}

#[inline(always)]
unsafe fn exec_of(cx: &mut Cx, func: &Function) -> *const Exec {
    // SAFETY: the function is alive in its register.
    let code = unsafe { &*func.code.as_ptr() };
    let known = code.exec_known();
    if known.is_null() { exec_slow(cx, code) } else { known }
}

#[inline(never)]
fn exec_slow(cx: &mut Cx, code: &crate::types::CodeObj) -> *const Exec {
    code.exec(cx).unwrap_or(std::ptr::null())
}

/// Opens a frame whose arguments already lie where its window begins.
#[inline(always)]
unsafe fn enter_simple(cx: *mut Cx, pc: *mut u64, base: *mut Slot, callee: Slot, exec: *const Exec, n: usize) {
    // SAFETY: S1, `push` checks the depth; the rest of the locals is filled with the unbound marker.
    unsafe {
        let generator = !(*(*cx).stacks.top).extra.is_null() && (*(*cx).stacks.top).kind != FrameKind::Init;
        let mut base = base;
        if generator {
            // A generator's registers are not on the stack: the arguments move there.
            let top = (*(*cx).stacks.top).top;
            for i in 0..n {
                *top.add(i) = *base.add(i);
            }
            base = top;
        }
        if frame::push(&mut *cx, exec, base, callee, FrameKind::Call).is_err() {
            for i in 0..n {
                drop_slot(cx, *base.add(i));
            }
            drop_slot(cx, callee);
            let caller = &*(*cx).stacks.top;
            return fail(cx, pc, caller.regs);
        }
        (*(*cx).stacks.top).owns_function = true;
        let unbound = (*cx).consts.unbound.as_ptr().as_ptr();
        for i in n..(*exec).base {
            base.add(i).write_volatile(unbound);
        }
        go(cx, (*exec).words.as_ptr().cast_mut(), base)
    }
}

/// A Python function that needs binding, cells, or makes a generator.
#[inline(never)]
unsafe fn call_python(cx: *mut Cx, pc: *mut u64, regs: *mut Slot, w: usize, n: usize, exec: *const Exec) {
    // SAFETY: the window moves into a list of values, then into the callee's registers.
    unsafe {
        let r = bind_window(&mut *cx, regs, w, n, exec);
        match r {
            2 => fail(cx, pc, regs),
            1 => {
                let frame = &*(*cx).stacks.top;
                go(cx, frame.pc, frame.regs)
            }
            _ => {
                let v = (*cx).stacks.result.replace(std::ptr::null_mut());
                put(cx, regs, f(pc, 0), f(pc, 3) == 1, v);
                go(cx, pc.add(5), regs)
            }
        }
    }
}

/// 0: a generator was made (in `result`), 1: a frame is open, 2: an error.
unsafe fn bind_window(cx: &mut Cx, regs: *mut Slot, w: usize, n: usize, exec: *const Exec) -> u32 {
    // SAFETY: as above.
    unsafe {
        let func = match consume(cx, regs, w).downcast::<Function>() {
            Ok(f) => f,
            Err(_) => return 2,
        };
        let args: Vec<Obj> = (0..n).map(|i| consume(cx, regs, w + 1 + i)).collect();
        let bound = frame::bind(cx, &func, Args::positional_only(&args));
        cx.release(args);
        let r = match bound {
            Ok(values) => enter_bound(cx, func, exec, values),
            Err(r) => {
                let saved = cx.save_error();
                cx.release(func);
                cx.restore_error(saved);
                Err(r)
            }
        };
        r.unwrap_or(2)
    }
}

/// Opens the frame of a call whose arguments are bound, or makes the generator.
unsafe fn enter_bound(cx: &mut Cx, func: crate::object::Ref<Function>, exec: *const Exec, values: Vec<Option<Obj>>) -> PyResult<u32> {
    use retic_bytecode::code::{CO_ASYNC_GENERATOR, CO_COROUTINE, CO_GENERATOR, CO_OPTIMIZED};
    // SAFETY: registers above the current frame are free.
    unsafe {
        if (*exec).flags & (CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR) != 0 {
            let g = frame::make_generator(cx, &func, exec, values)?;
            cx.stacks.result.set(give(g));
            return Ok(0);
        }
        let base = (*cx.stacks.top).top;
        let function = give(func.as_obj().clone());
        if let Err(r) = frame::push(cx, exec, base, function, FrameKind::Call) {
            drop_slot(cx, function);
            return Err(r);
        }
        (*cx.stacks.top).owns_function = true;
        let n = values.len();
        frame::place(cx, base, values);
        frame::fill(cx, &*exec, base, n, &func)?;
        if (*exec).flags & CO_OPTIMIZED == 0 {
            (*cx.stacks.top).namespace = give(func.globals.cloned(cx).into_obj());
        }
        Ok(1)
    }
}

/// Makes the instance of a class call in place: window becomes `__init__`, instance, arguments. True: not that simple.
#[inline(never)]
unsafe fn class_fast(cx: &mut Cx, regs: *mut Slot, w: usize, n: usize) -> bool {
    // SAFETY: the window has room for one more register.
    unsafe {
        let class = peek(&*regs.add(w)).cast_unchecked::<crate::types::Type>().clone();
        if !class.is_heap() || class.has(crate::types::flags::ABSTRACT) {
            return true;
        }
        let slots = class.slots(cx);
        let object = cx.types.object.slots(cx);
        let meta_call = class.as_obj().ty().slots(cx).call.map(|c| c as usize) == cx.types.type_.slots(cx).call.map(|c| c as usize);
        if !meta_call || slots.new.map(|f| f as usize) != object.new.map(|f| f as usize) || slots.init.map(|f| f as usize) == object.init.map(|f| f as usize) {
            return true;
        }
        let name = cx.name("__init__");
        let Some(init) = class.lookup(cx, &name).filter(|i| i.shape() == shape::FUNCTION) else { return true };
        let Ok(instance) = crate::types::object::plain(cx, &class) else { return true };
        for i in (0..n).rev() {
            *regs.add(w + 2 + i) = *regs.add(w + 1 + i);
        }
        *regs.add(w + 1) = give(instance);
        let old = take(std::mem::replace(&mut *regs.add(w), give(init)));
        drop(class);
        cx.release(old);
        false
    }
}

unsafe fn enter_init(cx: *mut Cx, pc: *mut u64, regs: *mut Slot, w: usize, n: usize) {
    // SAFETY: `class_fast` laid the window out; the instance gets a count of its own for the frame.
    unsafe {
        let callee = *regs.add(w);
        let instance = *regs.add(w + 1);
        let exec = exec_of(&mut *cx, &*callee.cast::<Function>());
        if exec.is_null() {
            drop_window(cx, regs, w, n + 1);
            return fail(cx, pc, regs);
        }
        incref(instance);
        let generator = !(*(*cx).stacks.top).extra.is_null() && (*(*cx).stacks.top).kind != FrameKind::Init;
        if (*exec).simple && (*exec).argcount == n + 1 && !generator {
            if frame::push(&mut *cx, exec, regs.add(w + 1), callee, FrameKind::Init).is_err() {
                drop_slot(cx, instance);
                drop_window(cx, regs, w, n + 1);
                return fail(cx, pc, regs);
            }
            let frame = &mut *(*cx).stacks.top;
            frame.owns_function = true;
            frame.extra = instance;
            let unbound = (*cx).consts.unbound.as_ptr().as_ptr();
            for i in n + 1..(*exec).base {
                regs.add(w + 1 + i).write_volatile(unbound);
            }
            return go(cx, frame.pc, frame.regs);
        }
        match bind_window(&mut *cx, regs, w, n + 1, exec) {
            2 => {
                drop_slot(cx, instance);
                fail(cx, pc, regs)
            }
            1 => {
                let frame = &mut *(*cx).stacks.top;
                frame.kind = FrameKind::Init;
                frame.extra = instance;
                go(cx, frame.pc, frame.regs)
            }
            _ => {
                let v = (*cx).stacks.result.replace(std::ptr::null_mut());
                drop_slot(cx, v);
                drop_slot(cx, instance);
                let _ = (*cx).type_error("__init__() should return None, not 'generator'");
                fail(cx, pc, regs)
            }
        }
    }
}

#[inline(never)]
unsafe fn call_slow(cx: &mut Cx, regs: *mut Slot, w: usize, n: usize) -> Slot {
    // SAFETY: arguments stay in the window until the call is over; then the window is dropped.
    unsafe {
        let callee = peek(&*regs.add(w)).clone();
        let args = std::slice::from_raw_parts(regs.add(w + 1).cast::<Obj>(), n);
        let r = protocol::call_args(cx, &callee, Args::positional_only(args));
        drop(callee);
        let saved = if r.is_err() { cx.save_error() } else { None };
        drop_window(cx, regs, w, n);
        if cx.poll.load(Ordering::Relaxed) != 0 {
            return after_native(cx, r, saved);
        }
        if r.is_err() {
            cx.restore_error(saved);
        }
        r.map_or(std::ptr::null_mut(), give)
    }
}

/// Behind a native call: deaths that had to wait, and signals.
#[cold]
#[inline(never)]
fn after_native(cx: &mut Cx, r: PyResult, saved: Option<Obj>) -> Slot {
    cx.run_condemned();
    match r {
        Ok(v) => match cx.poll_native() {
            Ok(()) => give(v),
            Err(_) => {
                cx.release_with_error(v);
                std::ptr::null_mut()
            }
        },
        Err(_) => {
            cx.restore_error(saved);
            std::ptr::null_mut()
        }
    }
}

macro_rules! consuming_call {
    ($name:ident, $slow:ident, |$cx:ident, $pc:ident, $regs:ident| $body:block) => {
        #[inline(never)]
        unsafe fn $slow($cx: &mut Cx, $pc: *mut u64, $regs: *mut Slot) -> PyResult {
            // SAFETY: the window is taken before anything can fail.
            unsafe { $body }
        }
        pub unsafe fn $name(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
            // SAFETY: nothing with a destructor is alive at the jump.
            unsafe {
                at(cx, pc);
                let r = $slow(&mut *cx, pc, regs).map_or(std::ptr::null_mut(), give);
                if r.is_null() {
                    return fail(cx, pc, regs);
                }
                put(cx, regs, f(pc, 0), f(pc, 3) == 1, r);
                go(cx, pc.add(5), regs)
            }
        }
    };
}

/// Carries out a call instruction without entering a frame in its place: for who wants to know how it ends.
pub(in crate::eval) unsafe fn call_here(cx: &mut Cx, op: Opcode, pc: *mut u64, regs: *mut Slot) -> PyResult {
    // SAFETY: the window holds the callable and its arguments; it is consumed.
    unsafe {
        let (w, n) = (f(pc, 1), f(pc, 2));
        let v = match op {
            Opcode::CALL_FUNCTION_KW => return call_kw_values(cx, pc, regs),
            Opcode::CALL_FUNCTION_EX => return call_ex_values(cx, pc, regs),
            Opcode::CALL_FUNCTION => call_slow(cx, regs, w, n),
            _ if is(*regs.add(w), shape::UNBOUND) => call_slow(cx, regs, w + 1, n),
            _ => call_slow(cx, regs, w, n + 1),
        };
        if v.is_null() { Err(cx.raised_already()) } else { Ok(take(v)) }
    }
}

unsafe fn finish(cx: &mut Cx, r: PyResult, values: Vec<Obj>, callee: Obj) -> PyResult {
    let saved = if r.is_err() { cx.save_error() } else { None };
    cx.release(values);
    cx.release(callee);
    if r.is_err() {
        cx.restore_error(saved);
    }
    r
}

consuming_call!(call_kw, call_kw_values, |cx, pc, regs| {
    let (w, n) = (f(pc, 1), *pc.add(2) as usize);
    let callee = consume(cx, regs, w);
    let values: Vec<Obj> = (0..n).map(|i| consume(cx, regs, w + 1 + i)).collect();
    let names = consume(cx, regs, w + 1 + n);
    let list: &[Obj] = names.cast::<Tuple>().map_or(&[], |t| t.items());
    let r = protocol::call_args(cx, &callee, Args { items: &values, names: list });
    finish(cx, r, values, callee)
});

consuming_call!(call_ex, call_ex_values, |cx, pc, regs| {
    let (w, has_kw) = (f(pc, 1), *pc.add(2) & 1 == 1);
    let callee = consume(cx, regs, w);
    let args = consume(cx, regs, w + 1);
    let kwargs = if has_kw { Some(consume(cx, regs, w + 2)) } else { None };
    let mut values = match protocol::collect(cx, &args) {
        Ok(v) => v,
        Err(r) => {
            if cx.error_is(&cx.types.type_error) && args.ty().slots(cx).iter.is_none() {
                cx.clear_error();
                let name = protocol::callable_name(cx, &callee);
                return Err(cx.type_error(format!("{name} argument after * must be an iterable, not {}", args.ty().name_text())));
            }
            return Err(r);
        }
    };
    let mut names = Vec::new();
    if let Some(k) = &kwargs {
        let d = match k.cast::<Dict>() {
            Some(d) => d.clone(),
            None => {
                let d = Dict::new(cx)?;
                d.update_from(cx, k)?;
                d
            }
        };
        for (key, value) in d.entries(cx) {
            if key.cast::<Str>().is_none() {
                return Err(cx.type_error("keywords must be strings"));
            }
            names.push(key);
            values.push(value);
        }
    }
    let r = protocol::call_args(cx, &callee, Args { items: &values, names: &names });
    cx.release(args);
    cx.release(kwargs);
    finish(cx, r, values, callee)
});

// ---- methods

pub fn load_method(k: u8) -> Handler {
    if k == L { load_method_any::<L> } else { load_method_any::<T> }
}

/// Words: 2 name; 3 (shape, type version), 4 method; 5, 6 the same again. Operand 0: the two result registers.
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
        at(cx, pc);
        if !load_method_slow(&mut *cx, pc, regs, o, key) {
            return fail(cx, pc, regs);
        }
        if A == T {
            // The slow part took a count of its own.
            drop_slot(cx, o);
        }
        go(cx, pc.add(9), regs)
    }
}

#[inline(never)]
unsafe fn load_method_slow(cx: &mut Cx, pc: *mut u64, regs: *mut Slot, o: Slot, key: u64) -> bool {
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
                // With attributes in a dictionary an instance may hide the method without changing its shape.
                let has_dict = ty.has(crate::types::flags::DICT) && crate::types::object::has_dict(&obj);
                if !has_dict && ty.version.get() != 0 {
                    *pc.add(5) = *pc.add(3);
                    *pc.add(6) = *pc.add(4);
                    *pc.add(3) = key;
                    *pc.add(4) = m.as_ptr().as_ptr() as u64;
                }
                *regs.add(d) = give(m);
                *regs.add(d + 1) = give(obj);
                return true;
            }
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
