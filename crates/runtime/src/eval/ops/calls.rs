//! Calls: Python to Python without leaving the loop, native functions with their arguments in place, and the rest.
//! A call instruction: operand 0 destination, 1 window, 2 argument count, 3 whether the destination is a local;
//! word 2 argument, words 3 and 4 cache. The window is consumed, whatever happens.

use super::*;
use crate::cx::{Cx, PyResult};
use crate::eval::binding;
use crate::eval::consume;
use crate::eval::frame::{self, FrameKind};
use crate::eval::unwind::fail;
use crate::eval::{Exec, Slot, give, peek, take};
use crate::native::Args;
use crate::object::{Obj, shape};
use crate::protocol;
use crate::types::function::Builtin;
use crate::types::{Dict, Function, List, Str, Tuple};
use std::ptr::null_mut;
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

/// `G`: whether the caller's registers are a generator's.
pub unsafe fn call_any<const G: bool>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: the window holds the callable and its arguments.
    unsafe {
        let (w, n) = (f(pc, 1), f(pc, 2));
        match (**regs.add(w)).shape.get() {
            shape::FUNCTION => enter_function::<G>(cx, pc, regs, w, n),
            shape::BUILTIN if !LENS => call_builtin(cx, pc, regs, w, n),
            shape::TYPE if !LENS && n == 1 => call_class(cx, pc, regs, w),
            _ => call_window(cx, pc, regs, w, n),
        }
    }
}

/// A class with one argument: `type` tells the class of an object, and the text of a text is itself.
#[inline(never)]
unsafe fn call_class(cx: *mut Cx, pc: *mut u64, regs: *mut Slot, w: usize) {
    // SAFETY: shapes are compared before layouts are used; what has other holders dies later.
    unsafe {
        let (callee, o) = (*regs.add(w), *regs.add(w + 1));
        let types = &(*cx).types;
        if !is_last(callee) && (*cx).poll.load(Ordering::Relaxed) == 0 {
            if callee == types.type_.as_raw().as_ptr().cast() && !is_last(o) {
                let class = (*o).ty.get().as_ptr().cast();
                incref(class);
                drop_light(cx, o);
                drop_light(cx, callee);
                return finish(cx, pc, regs, pc.add(5), f(pc, 3) == 1, class);
            }
            if callee == types.str.as_raw().as_ptr().cast() && is(o, shape::STR) {
                drop_light(cx, callee);
                return finish(cx, pc, regs, pc.add(5), f(pc, 3) == 1, o);
            }
        }
        call_window(cx, pc, regs, w, 1)
    }
}

/// A built-in function: `len` of what knows its length needs no call.
#[inline(never)]
unsafe fn call_builtin(cx: *mut Cx, pc: *mut u64, regs: *mut Slot, w: usize, n: usize) {
    // SAFETY: shapes are compared before layouts are used; what has other holders dies later.
    unsafe {
        let callee = *regs.add(w);
        if n == 1 && (*cx).quick.len.is_some_and(|d| std::ptr::eq(d, (*callee.cast::<Builtin>()).def.get())) {
            let o = *regs.add(w + 1);
            let len = match (*o).shape.get() {
                shape::LIST => (**(*o.cast::<List>()).pub_items.as_ptr()).len(),
                shape::TUPLE => (*o.cast::<Tuple>()).items().len(),
                shape::STR => (*o.cast::<Str>()).len(),
                shape::DICT => (*o.cast::<Dict>()).len(&*cx),
                _ => return call_native(cx, pc, regs, w, n),
            };
            let v = fast_int(cx, len as i64);
            if !v.is_null() && !is_last(o) && !is_last(callee) && (*cx).poll.load(Ordering::Relaxed) == 0 {
                drop_light(cx, o);
                drop_light(cx, callee);
                return finish(cx, pc, regs, pc.add(5), f(pc, 3) == 1, v);
            }
        }
        if n == 2 && (*cx).quick.isinstance.is_some_and(|d| std::ptr::eq(d, (*callee.cast::<Builtin>()).def.get())) {
            return call_isinstance(cx, pc, regs, w);
        }
        call_native(cx, pc, regs, w, n)
    }
}

/// `isinstance` of two arguments: where no class has a say of its own it needs no call.
#[inline(never)]
unsafe fn call_isinstance(cx: *mut Cx, pc: *mut u64, regs: *mut Slot, w: usize) {
    // SAFETY: as above.
    unsafe {
        let (callee, o, class) = (*regs.add(w), *regs.add(w + 1), *regs.add(w + 2));
        let v = quick_isinstance(&*cx, o, class);
        if !v.is_null() && !is_last(o) && !is_last(class) && !is_last(callee) && (*cx).poll.load(Ordering::Relaxed) == 0 {
            drop_light(cx, o);
            drop_light(cx, class);
            drop_light(cx, callee);
            return finish(cx, pc, regs, pc.add(5), f(pc, 3) == 1, v);
        }
        call_native(cx, pc, regs, w, 2)
    }
}

/// Whether an object is of a class whose metaclass is `type`; null where Python has to be asked.
#[inline(never)]
unsafe fn quick_isinstance(cx: &Cx, o: Slot, class: Slot) -> Slot {
    // SAFETY: both are arguments of the call, so live.
    unsafe {
        let (o, class) = (peek(&o), peek(&class));
        if !std::ptr::eq(class.ty(), &*cx.types.type_) {
            return null_mut();
        }
        let answer = o.ty().is_subtype(cx, class.cast_unchecked::<crate::types::Type>());
        if !answer && !protocol::has_plain_class(cx, o) {
            return null_mut();
        }
        (if answer { &cx.consts.true_ } else { &cx.consts.false_ }).as_ptr().as_ptr()
    }
}

/// What `dict.get` finds for a text or a machine integer, with a count of its own; null for the usual way.
#[inline(never)]
unsafe fn quick_get(cx: &Cx, dict: Slot, key: Slot, default: Slot) -> Slot {
    // SAFETY: the arguments of the call are live, and the shape says dict.
    unsafe {
        let d = &*dict.cast::<Dict>();
        match d.find_plain(cx, peek(&key)) {
            Some(Some(i)) => give(d.value_at(cx, i).clone()),
            Some(None) => give(peek(&default).clone()),
            None => null_mut(),
        }
    }
}

/// A method of a native type: `list.append` where there is room needs no call.
#[inline(always)]
unsafe fn call_descriptor(cx: *mut Cx, pc: *mut u64, regs: *mut Slot, w: usize, n: usize) {
    // SAFETY: as above; the value moves into the list.
    unsafe {
        let callee = *regs.add(w);
        let list = *regs.add(w + 1);
        let append = n == 2 && (*cx).quick.append.is_some_and(|d| std::ptr::eq(d, crate::types::descriptor::method_of(peek(&callee))));
        if append && is(list, shape::LIST) && !is_last(list) && !is_last(callee) && (*cx).poll.load(Ordering::Relaxed) == 0 {
            let buf = &mut *(*list.cast::<List>()).pub_items.as_ptr();
            if buf.has_room() {
                let _ = buf.push_in_place(take(*regs.add(w + 2)));
                drop_light(cx, list);
                drop_light(cx, callee);
                return finish(cx, pc, regs, pc.add(5), f(pc, 3) == 1, (*cx).consts.none.as_ptr().as_ptr());
            }
        }
        let get = (n == 2 || n == 3) && (*cx).quick.get.is_some_and(|d| std::ptr::eq(d, crate::types::descriptor::method_of(peek(&callee))));
        if get && is(list, shape::DICT) && !is_last(list) && !is_last(callee) && (*cx).poll.load(Ordering::Relaxed) == 0 {
            let default = if n == 3 { *regs.add(w + 3) } else { (*cx).consts.none.as_ptr().as_ptr() };
            let v = quick_get(&*cx, list, *regs.add(w + 2), default);
            if !v.is_null() {
                drop_light(cx, list);
                drop_light(cx, callee);
                return get_over(cx, pc, regs, w, n, v);
            }
        }
        call_native(cx, pc, regs, w, n)
    }
}

/// Behind `quick_get`: key and default go.
#[inline(always)]
unsafe fn get_over(cx: *mut Cx, pc: *mut u64, regs: *mut Slot, w: usize, n: usize, v: Slot) {
    // SAFETY: both are owned temporaries; what dies of it may run Python, which the value outlives.
    unsafe {
        let (key, default) = (*regs.add(w + 2), if n == 3 { *regs.add(w + 3) } else { (*cx).consts.none.as_ptr().as_ptr() });
        if is_last(key) || n == 3 && is_last(default) {
            return get_buried(cx, pc, regs, w, n, v);
        }
        drop_light(cx, key);
        if n == 3 {
            drop_light(cx, default);
        }
        finish(cx, pc, regs, pc.add(5), f(pc, 3) == 1, v)
    }
}
#[inline(never)]
unsafe fn get_buried(cx: *mut Cx, pc: *mut u64, regs: *mut Slot, w: usize, n: usize, v: Slot) {
    // SAFETY: as above.
    unsafe {
        at(cx, pc);
        drop_slot(cx, *regs.add(w + 2));
        if n == 3 {
            drop_slot(cx, *regs.add(w + 3));
        }
        finish(cx, pc, regs, pc.add(5), f(pc, 3) == 1, v)
    }
}

/// After LOAD_METHOD: (method, object) or (unbound marker, callable).
pub unsafe fn call_method<const G: bool>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: as above.
    unsafe {
        let (w, n) = (f(pc, 1), f(pc, 2));
        match (**regs.add(w)).shape.get() {
            shape::FUNCTION => enter_function::<G>(cx, pc, regs, w, n + 1),
            shape::METHOD_DESCRIPTOR if !LENS => call_descriptor(cx, pc, regs, w, n + 1),
            shape::UNBOUND => {
                let w = w + 1;
                match (**regs.add(w)).shape.get() {
                    shape::FUNCTION => enter_function::<G>(cx, pc, regs, w, n),
                    shape::BUILTIN if !LENS => call_builtin(cx, pc, regs, w, n),
                    shape::TYPE if !LENS && n == 1 => call_class(cx, pc, regs, w),
                    _ => call_window(cx, pc, regs, w, n),
                }
            }
            _ => call_window(cx, pc, regs, w, n + 1),
        }
    }
}

/// A function written in Rust, or a method of a native type with its object in front of the arguments.
#[inline(never)]
unsafe fn call_native(cx: *mut Cx, pc: *mut u64, regs: *mut Slot, w: usize, n: usize) {
    // SAFETY: the window keeps the callable and its arguments alive until the call is over.
    unsafe {
        let callee = *regs.add(w);
        if (*cx).poll.load(Ordering::Relaxed) != 0 {
            return call_window(cx, pc, regs, w, n);
        }
        if !is(callee, shape::BUILTIN) && !crate::types::descriptor::is_of_class(&*cx, peek(&callee), peek(&*regs.add(w + 1))) {
            return call_window(cx, pc, regs, w, n);
        }
        at(cx, pc);
        let v = native_value(&mut *cx, callee, regs.add(w + 1), n);
        if v.is_null() || (*cx).poll.load(Ordering::Relaxed) != 0 {
            return native_over(cx, pc, regs, w, n, v);
        }
        for i in 0..n {
            drop_slot(cx, *regs.add(w + 1 + i));
        }
        drop_slot(cx, callee);
        finish(cx, pc, regs, pc.add(5), f(pc, 3) == 1, v)
    }
}

/// The value of a native call, or null. A function of its own, because arguments are passed by address.
#[inline(never)]
unsafe fn native_value(cx: &mut Cx, callee: Slot, args: *mut Slot, n: usize) -> Slot {
    // SAFETY: as above.
    unsafe {
        let args = std::slice::from_raw_parts(args.cast::<Obj>(), n);
        let r = if is(callee, shape::BUILTIN) {
            crate::types::function::call_builtin(cx, peek(&callee), Args::positional_only(args))
        } else {
            let def = crate::types::descriptor::method_of(peek(&callee));
            (def.call)(cx, def, &args[0], Args::positional_only(&args[1..]))
        };
        r.map_or(null_mut(), give)
    }
}

/// Behind a native call that raised, or when something waits.
#[cold]
#[inline(never)]
unsafe fn native_over(cx: *mut Cx, pc: *mut u64, regs: *mut Slot, w: usize, n: usize, v: Slot) {
    // SAFETY: the window is given back here.
    unsafe {
        let r = if v.is_null() { Err((*cx).raised_already()) } else { Ok(take(v)) };
        let saved = if r.is_err() { (*cx).save_error() } else { None };
        drop_window(cx, regs, w, n);
        let v = after_native(&mut *cx, r, saved);
        if v.is_null() {
            return fail(cx, pc, regs);
        }
        finish(cx, pc, regs, pc.add(5), f(pc, 3) == 1, v)
    }
}

/// Opens the frame of a function of Python whose arguments already lie where its window begins.
#[inline(always)]
unsafe fn enter_function<const G: bool>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot, w: usize, n: usize) {
    // SAFETY: S1, depth and room are compared before anything changes.
    unsafe {
        let callee = *regs.add(w);
        let exec = exec_known(callee);
        if exec.is_null() || (*exec).plain_args != n || (*cx).poll.load(Ordering::Relaxed) != 0 {
            return enter_near(cx, pc, regs, w, n);
        }
        let caller = (*cx).stacks.top;
        // A generator's registers are not on the stack: the arguments move there.
        let base = if G { (*caller).top } else { regs.add(w + 1) };
        if !(*cx).stacks.has_room(base, (*exec).nregs) {
            return call_window(cx, pc, regs, w, n);
        }
        if G {
            for i in 0..n {
                base.add(i).write_volatile(*regs.add(w + 1 + i));
            }
        }
        (*caller).pc = pc;
        open(cx, exec, base, callee, n, FrameKind::Call);
        go(cx, (*exec).words.as_ptr().cast_mut(), base)
    }
}

/// The register code of a function if it was made already, else null.
#[inline(always)]
unsafe fn exec_known(function: Slot) -> *const Exec {
    // SAFETY: the shape says function.
    unsafe { (*(*(*function.cast::<Function>()).code.as_ptr()).as_raw().as_ptr()).exec_known() }
}

/// Opens a frame for a call in a place that has room, and fills the locals that are no arguments.
#[inline(always)]
unsafe fn open(cx: *mut Cx, exec: *const Exec, base: *mut Slot, callee: Slot, n: usize, kind: FrameKind) {
    // SAFETY: as the caller promises.
    unsafe {
        (*cx).stacks.open(exec, base, callee, kind);
        let unbound = (*cx).consts.unbound.as_ptr().as_ptr();
        for i in n..(*exec).base {
            base.add(i).write_volatile(unbound);
        }
    }
}

/// Whether the registers of the running frame are a generator's: arguments of its calls move to the stack.
#[inline(always)]
unsafe fn in_generator(cx: *mut Cx) -> bool {
    // SAFETY: the running frame is on top.
    unsafe { !(*(*cx).stacks.top).extra.is_null() && (*(*cx).stacks.top).kind != FrameKind::Init }
}

/// Opens the frame of a function that needs defaults, cells or its closure.
#[inline(never)]
unsafe fn enter_near(cx: *mut Cx, pc: *mut u64, regs: *mut Slot, w: usize, n: usize) {
    // SAFETY: what can fail is done before anything changes.
    unsafe {
        let exec = near_frame(&mut *cx, pc, regs, w, n, &[]);
        if exec.is_null() {
            let known = exec_known(*regs.add(w));
            if !LENS && !known.is_null() && (*known).generator_args == n && (*cx).poll.load(Ordering::Relaxed) == 0 {
                return make_generator(cx, pc, regs, w);
            }
            return call_window(cx, pc, regs, w, n);
        }
        go(cx, (*exec).words.as_ptr().cast_mut(), (*(*cx).stacks.top).regs)
    }
}

/// Makes a generator of arguments that need no arranging.
unsafe fn make_generator(cx: *mut Cx, pc: *mut u64, regs: *mut Slot, w: usize) {
    // SAFETY: the arguments move into the generator; the function stays in its register until it is made.
    unsafe {
        at(cx, pc);
        let callee = *regs.add(w);
        let v = generator_of(&mut *cx, callee, regs.add(w + 1));
        if v.is_null() {
            drop_slot(cx, callee);
            return fail(cx, pc, regs);
        }
        drop_slot(cx, callee);
        finish(cx, pc, regs, pc.add(5), f(pc, 3) == 1, v)
    }
}

#[inline(never)]
unsafe fn generator_of(cx: &mut Cx, callee: Slot, args: *mut Slot) -> Slot {
    // SAFETY: as above; the shape says function.
    unsafe { frame::make_generator(cx, peek(&callee).cast_unchecked::<Function>(), exec_known(callee), args).map_or(null_mut(), give) }
}

/// Most keywords that a call may have here.
pub const NEAR_KEYWORDS: usize = 16;

/// Puts arguments, defaults, empty locals, new cells and the closure where a function wants them, and opens its frame. Null:
/// that is for the slow way, and nothing was changed.
#[inline(always)]
unsafe fn near_frame(cx: &mut Cx, pc: *mut u64, regs: *mut Slot, w: usize, n: usize, names: &[Obj]) -> *const Exec {
    // SAFETY: depth and room are compared, and what can fail is done, before anything changes.
    unsafe {
        let callee = *regs.add(w);
        let known = exec_known(callee);
        let positional = n - names.len();
        if known.is_null() || !(*known).near || positional > (*known).argcount || names.len() > NEAR_KEYWORDS || cx.poll.load(Ordering::Relaxed) != 0 {
            return std::ptr::null();
        }
        let (exec, function) = (&*known, &*callee.cast::<Function>());
        let (argcount, named) = (exec.argcount, exec.params.len());
        let caller = cx.stacks.top;
        let args = regs.add(w + 1);
        let base = if in_generator(cx) { (*caller).top } else { args };
        if named > 63 || named - argcount > NEAR_KEYWORDS || !cx.stacks.has_room(base, exec.near_room) {
            return std::ptr::null();
        }
        // Which parameters have a value.
        let mut given = (1u64 << positional) - 1;
        let mut places = [0u8; NEAR_KEYWORDS];
        for (k, name) in names.iter().enumerate() {
            let Some(i) = exec.params[exec.posonly..].iter().position(|p| p.is(name)) else { return std::ptr::null() };
            let i = i + exec.posonly;
            if given >> i & 1 == 1 {
                return std::ptr::null();
            }
            given |= 1 << i;
            places[k] = i as u8;
        }
        let missing = ((1u64 << named) - 1) & !given;
        let mut defaults: &[Obj] = &[];
        let mut keyword_defaults = [null_mut(); NEAR_KEYWORDS];
        if missing != 0 {
            defaults = (*function.defaults.as_ptr()).as_ref().and_then(|d| d.cast::<Tuple>()).map_or(&[][..], |t| t.items());
            let without = (1u64 << argcount.saturating_sub(defaults.len())) - 1;
            if missing & without != 0 {
                return std::ptr::null();
            }
            if missing >> argcount != 0 {
                let Some(d) = (*function.kwdefaults.as_ptr()).as_ref().and_then(|d| d.cast::<Dict>()) else { return std::ptr::null() };
                for i in (argcount..named).filter(|i| missing >> i & 1 == 1) {
                    let Some(at) = exec.params[i].cast::<Str>().and_then(|name| d.find_str(cx, name)) else { return std::ptr::null() };
                    keyword_defaults[i - argcount] = d.value_at(cx, at).as_ptr().as_ptr();
                }
            }
        }
        // New cells, beyond all that is or will be there. (A local array would keep the handler's frame alive: no tail calls.)
        let cells = base.add((exec.nlocals + exec.ncells).max(n + 1));
        if exec.ncells != 0 && !new_cells(cx, cells, exec.cells.len()) {
            return std::ptr::null();
        }
        // Now they move.
        let mut values = [null_mut(); NEAR_KEYWORDS];
        for (k, v) in values.iter_mut().enumerate().take(names.len()) {
            *v = *args.add(positional + k);
        }
        if base != args {
            std::ptr::copy(args, base, positional);
        }
        for k in 0..names.len() {
            *base.add(usize::from(places[k])) = values[k];
        }
        if missing != 0 {
            let first = argcount - defaults.len().min(argcount);
            let skip = defaults.len() - (argcount - first);
            for i in (positional..named).filter(|i| missing >> i & 1 == 1) {
                let v = if i < argcount { defaults[skip + i - first].as_ptr().as_ptr() } else { keyword_defaults[i - argcount] };
                incref(v);
                *base.add(i) = v;
            }
        }
        let unbound = cx.consts.unbound.as_ptr().as_ptr();
        if exec.ncells != 0 {
            place_cells(exec, base, cells, unbound);
        }
        for i in (named..exec.nlocals).chain(exec.own..exec.base) {
            base.add(i).write_volatile(unbound);
        }
        if exec.nfrees != 0 {
            let items = (*function.closure.as_ptr()).as_ref().and_then(|d| d.cast::<Tuple>()).map_or(&[][..], |t| t.items());
            for i in 0..exec.nfrees {
                let cell = items.get(i).map_or(unbound, |c| c.as_ptr().as_ptr());
                incref(cell);
                *base.add(exec.nlocals + exec.ncells + i) = cell;
            }
        }
        take_in_cells(cx, exec, base);
        (*caller).pc = pc;
        cx.stacks.open(known, base, callee, FrameKind::Call);
        known
    }
}

/// Empty cells in a row; false: there is no memory, and none was made.
#[inline(never)]
unsafe fn new_cells(cx: &mut Cx, into: *mut Slot, n: usize) -> bool {
    // SAFETY: the caller has room for so many.
    unsafe {
        for i in 0..n {
            match crate::types::function::cell(cx, None) {
                Ok(cell) => *into.add(i) = give(cell.into_obj()),
                Err(_) => {
                    cx.clear_error();
                    (0..i).for_each(|k| drop_slot(cx, *into.add(k)));
                    return false;
                }
            }
        }
    }
    true
}

/// New cells go to their registers; variables that need none are empty there.
#[inline(never)]
unsafe fn place_cells(exec: &Exec, base: *mut Slot, cells: *mut Slot, unbound: Slot) {
    // SAFETY: the cells lie beyond all registers that are written.
    unsafe {
        for i in 0..exec.ncells {
            *base.add(exec.nlocals + i) = unbound;
        }
        for (k, i) in exec.cells.iter().enumerate() {
            *base.add(exec.nlocals + usize::from(*i)) = *cells.add(k);
        }
    }
}

/// Arguments that live in cells go there.
#[inline(always)]
unsafe fn take_in_cells(cx: &mut Cx, exec: &Exec, base: *mut Slot) {
    // SAFETY: the cells are new, and the window's.
    unsafe {
        for (c, a) in &exec.cell_args {
            let cell = (*base.add(exec.nlocals + c)).cast::<crate::types::CellObj>();
            let value = std::mem::replace(&mut *base.add(*a), cx.consts.unbound.as_ptr().as_ptr());
            *(*cell).value.as_ptr().cast::<Slot>() = value;
        }
    }
}

/// Any call.
#[inline(never)]
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
            if (*exec).plain_args == n {
                return enter_simple(cx, pc, regs.add(w + 1), callee, exec, n);
            }
            (*cx).stacks.call = [callee, null_mut(), null_mut()];
            return enter_arranged(cx, pc, regs, regs.add(w + 1), n);
        }
        if is(callee, shape::METHOD) && open_method(cx, regs.add(w)) {
            // The object takes the place of the method, in front of the arguments.
            let function = (*cx).stacks.result.replace(std::ptr::null_mut());
            let exec = exec_of(&mut *cx, &*function.cast::<Function>());
            if !exec.is_null() && (*exec).plain_args == n + 1 {
                return enter_simple(cx, pc, regs.add(w), function, exec, n + 1);
            }
            (*cx).stacks.call = [function, null_mut(), null_mut()];
            return enter_arranged(cx, pc, regs, regs.add(w), n + 1);
        }
        if is(callee, shape::TYPE) && !class_fast(&mut *cx, pc, regs, w, n) {
            // A class whose `__init__` is a plain function: the instance and the function are in place now.
            return enter_init(cx, pc, regs, w, n);
        }
        let r = call_slow::<false>(&mut *cx, regs, w, n);
        if r.is_null() {
            return fail(cx, pc, regs);
        }
        finish(cx, pc, regs, pc.add(5), f(pc, 3) == 1, r)
    }
}

/// Puts the object of a bound method in its place, and the function into `result`. False: not a function of Python.
#[inline(always)]
unsafe fn open_method(cx: *mut Cx, place: *mut Slot) -> bool {
    // SAFETY: the shape says bound method; object and function get counts of their own before the method goes.
    unsafe {
        let method = &*(*place).cast::<crate::types::function::BoundMethod>();
        let (function, this) = ((*method.function.as_ptr()).as_ptr().as_ptr(), (*method.this.as_ptr()).as_ptr().as_ptr());
        if !is(function, shape::FUNCTION) {
            return false;
        }
        incref(function);
        incref(this);
        // A weak reference to the method may have a callback: it finds the window whole.
        drop_slot(cx, std::mem::replace(&mut *place, this));
        (*cx).stacks.result.set(function);
        true
    }
}

/// As `open_method`: function and object take the method's place and the one behind it, and what lies behind moves up.
#[inline(always)]
unsafe fn unfold_method(cx: *mut Cx, place: *mut Slot, behind: usize) -> bool {
    // SAFETY: as there; a window has room for one more.
    unsafe {
        let method = *place;
        let parts = &*method.cast::<crate::types::function::BoundMethod>();
        let (function, this) = ((*parts.function.as_ptr()).as_ptr().as_ptr(), (*parts.this.as_ptr()).as_ptr().as_ptr());
        if !is(function, shape::FUNCTION) {
            return false;
        }
        incref(function);
        incref(this);
        for i in (1..=behind).rev() {
            *place.add(i + 1) = *place.add(i);
        }
        *place = function;
        *place.add(1) = this;
        drop_slot(cx, method);
        true
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
#[inline(never)]
unsafe fn enter_simple(cx: *mut Cx, pc: *mut u64, base: *mut Slot, callee: Slot, exec: *const Exec, n: usize) {
    // SAFETY: S1, `push` checks the depth; the rest of the locals is filled with the unbound marker.
    unsafe {
        let mut base = base;
        if in_generator(cx) {
            // A generator's registers are not on the stack: the arguments move there.
            let top = (*(*cx).stacks.top).top;
            std::ptr::copy(base, top, n);
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

/// A Python function whose arguments have to be arranged, that has cells, or that makes a generator. The arguments lie at
/// `base`: `n` of them. In `stacks.call`: the function, the names of the last of them or null, and the instance of an
/// `__init__` call or null. (A jump has room for six words only.)
#[inline(never)]
unsafe fn enter_arranged(cx: *mut Cx, pc: *mut u64, regs: *mut Slot, mut base: *mut Slot, n: usize) {
    // SAFETY: whatever is owned here goes into the frame, or is dropped.
    unsafe {
        if in_generator(cx) {
            // A generator's registers are not on the stack: the arguments move there.
            let top = (*(*cx).stacks.top).top;
            std::ptr::copy(base, top, n);
            base = top;
        }
        match arranged(&mut *cx, base, n) {
            0 => fail(cx, pc, regs),
            1 => {
                let v = (*cx).stacks.result.replace(std::ptr::null_mut());
                finish(cx, pc, regs, pc.add(5), f(pc, 3) == 1, v)
            }
            _ => {
                let frame = &*(*cx).stacks.top;
                go(cx, frame.pc, frame.regs)
            }
        }
    }
}

/// Opens the frame of an instance's `__getitem__` for BINARY_SUBSCR; the operands move there, those that are temporaries (`owned`)
/// out of their registers. False: nothing was done.
pub(super) unsafe fn open_getitem(cx: *mut Cx, pc: *mut u64, regs: *mut Slot, operands: [Slot; 2], owned: [bool; 2], local: bool) -> bool {
    // SAFETY: the operands and the function are counted here; the frame gets counts of its own.
    unsafe {
        let ty = &*(*operands[0]).ty.get().as_ptr();
        if LENS || !ty.is_heap() || (*cx).poll.load(Ordering::Relaxed) != 0 {
            return false;
        }
        let Some(name) = &(*cx).quick.getitem_name else { return false };
        let Some(function) = ty.lookup(&*cx, name) else { return false };
        let base = (*(*cx).stacks.top).top;
        if function.shape() != shape::FUNCTION {
            return false;
        }
        let exec = exec_known(function.as_ptr().as_ptr());
        if exec.is_null() || (*exec).plain_args != 2 || !(*cx).stacks.has_room(base, (*exec).nregs) {
            return false;
        }
        for (i, o) in operands.into_iter().enumerate() {
            *base.add(i) = o;
            if owned[i] {
                *regs.add(f(pc, 1 + i)) = (*cx).consts.unbound.as_ptr().as_ptr();
            } else {
                incref(o);
            }
        }
        open(cx, exec, base, give(function), 2, if local { FrameKind::SubscrLocal } else { FrameKind::Subscr });
        true
    }
}

/// Calls a property's function for LOAD_ATTR.
pub(super) unsafe fn enter_getter(cx: *mut Cx, pc: *mut u64, regs: *mut Slot, o: Slot, function: Slot) {
    // SAFETY: the object stays in its register until the function returns; the frame gets counts of its own.
    unsafe {
        let base = (*(*cx).stacks.top).top;
        let exec = exec_known(function);
        incref(o);
        incref(function);
        *base = o;
        if !exec.is_null() && (*exec).plain_args == 1 && (*cx).stacks.has_room(base, (*exec).nregs) {
            open(cx, exec, base, function, 1, FrameKind::Getter);
            return go(cx, (*exec).words.as_ptr().cast_mut(), base);
        }
        (*cx).stacks.call = [function, null_mut(), null_mut()];
        match arranged(&mut *cx, base, 1) {
            0 => fail(cx, pc, regs),
            1 => {
                let v = (*cx).stacks.result.replace(null_mut());
                if f(pc, 2) == usize::from(T) {
                    drop_slot(cx, o);
                }
                finish(cx, pc, regs, pc.add(7), f(pc, 3) == 1, v)
            }
            _ => {
                let frame = &mut *(*cx).stacks.top;
                frame.kind = FrameKind::Getter;
                go(cx, frame.pc, frame.regs)
            }
        }
    }
}

/// 0: an error, 1: a generator was made (in `result`), 2: a frame is open.
#[inline(never)]
unsafe fn arranged(cx: &mut Cx, base: *mut Slot, n: usize) -> u32 {
    // SAFETY: as above.
    unsafe {
        let [callee, names, instance] = cx.stacks.call;
        let function = take(callee);
        let names = if names.is_null() { None } else { Some(take(names)) };
        let list: &[Obj] = names.as_ref().and_then(|t| t.cast::<Tuple>()).map_or(&[], |t| t.items());
        let instance = if instance.is_null() { None } else { Some(take(instance)) };
        let keywords = std::mem::replace(&mut cx.stacks.keywords, null_mut());
        let keywords = if keywords.is_null() { None } else { Some(take(keywords)) };
        let r = arranged_frame(cx, base, n, list, &function, [instance, keywords]);
        if let Ok(2) = r {
            // The frame owns the function now.
            let _ = give(function);
        } else {
            cx.release_with_error(function);
        }
        r.unwrap_or(0)
    }
}

unsafe fn arranged_frame(cx: &mut Cx, base: *mut Slot, n: usize, names: &[Obj], function: &Obj, [instance, keywords]: [Option<Obj>; 2]) -> PyResult<u32> {
    use retic_bytecode::code::CO_OPTIMIZED;
    // SAFETY: as above.
    unsafe {
        let func = function.cast_unchecked::<Function>();
        let exec = exec_of(cx, func);
        if exec.is_null() || !binding::arrange(cx, func, &*exec, base, n - names.len(), names, keywords) {
            let items = (0..n).map(|i| take(*base.add(i))).collect();
            let r = if exec.is_null() {
                cx.release_with_error(items);
                cx.raised_already()
            } else {
                binding::refuse(cx, func, items, names)
            };
            cx.release_with_error(instance);
            return Err(r);
        }
        if (*exec).generator {
            let g = frame::make_generator(cx, func, exec, base)?;
            if instance.is_some() {
                cx.release(g);
                cx.release(instance);
                return Err(cx.type_error("__init__() should return None, not 'generator'"));
            }
            cx.stacks.result.set(give(g));
            return Ok(1);
        }
        let kind = if instance.is_some() { FrameKind::Init } else { FrameKind::Call };
        if let Err(r) = frame::push(cx, exec, base, function.as_ptr().as_ptr(), kind) {
            let saved = cx.save_error();
            for i in 0..(*exec).arg_slots {
                drop_slot(cx, *base.add(i));
            }
            cx.release(instance);
            cx.restore_error(saved);
            return Err(r);
        }
        let frame = &mut *cx.stacks.top;
        if let Some(i) = instance {
            frame.extra = give(i);
        }
        frame::fill_frame(cx, &*exec, base, (*exec).arg_slots, func)?;
        if (*exec).flags & CO_OPTIMIZED == 0 {
            (*cx.stacks.top).namespace = give(func.globals.cloned(cx).into_obj());
        }
        (*cx.stacks.top).owns_function = true;
        Ok(2)
    }
}

/// Makes the instance of a class call in place: window becomes `__init__`, instance, arguments. True: not that simple.
/// Words 3 and 4 of the call remember the version of a class and its `__init__`.
#[inline(never)]
unsafe fn class_fast(cx: &mut Cx, pc: *mut u64, regs: *mut Slot, w: usize, n: usize) -> bool {
    // SAFETY: the window has room for one more register. The version stands for the class as it was when its `__init__` was
    // found, so the class still holds the function.
    unsafe {
        let init = init_of(cx, pc, *regs.add(w));
        if init.is_null() {
            return true;
        }
        let class = peek(&*regs.add(w)).cast_unchecked::<crate::types::Type>();
        let Ok(instance) = crate::types::object::plain(cx, class) else { return true };
        incref(init);
        for i in (0..n).rev() {
            *regs.add(w + 2 + i) = *regs.add(w + 1 + i);
        }
        *regs.add(w + 1) = give(instance);
        let old = take(std::mem::replace(&mut *regs.add(w), init));
        cx.release(old);
        false
    }
}

/// `plain_init` of a class that is called, from the call's words 3 and 4 if it is known there.
#[inline(always)]
unsafe fn init_of(cx: &mut Cx, pc: *mut u64, class: Slot) -> Slot {
    // SAFETY: a class, by its shape.
    unsafe {
        let class = peek(&class).cast_unchecked::<crate::types::Type>();
        if !class.is_heap() || class.has(crate::types::flags::ABSTRACT) {
            return null_mut();
        }
        let version = u64::from(class.version.get());
        if *pc.add(3) != version {
            *pc.add(4) = plain_init(cx, &class.clone()) as u64;
            *pc.add(3) = version;
        }
        *pc.add(4) as Slot
    }
}

/// The `__init__` in Python of a class that is made in the usual way, borrowed from the class; null if it is not so.
unsafe fn plain_init(cx: &mut Cx, class: &crate::object::Ref<crate::types::Type>) -> Slot {
    let slots = class.slots(cx);
    let object = cx.types.object.slots(cx);
    // A metaclass of the user's may change its mind without the class's version showing it.
    let meta = class.as_obj().ty();
    let usual = std::ptr::eq(meta, &*cx.types.type_) && slots.new.map(|f| f as usize) == object.new.map(|f| f as usize);
    if !usual || slots.init.map(|f| f as usize) == object.init.map(|f| f as usize) || class.version.get() == 0 {
        return null_mut();
    }
    let name = cx.name("__init__");
    match class.lookup(cx, &name) {
        Some(init) if init.shape() == shape::FUNCTION => init.as_ptr().as_ptr(),
        _ => null_mut(),
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
        let base = regs.add(w + 1);
        if (*exec).plain_args == n + 1 && !in_generator(cx) && (*cx).stacks.has_room(base, (*exec).nregs) {
            open(cx, exec, base, callee, n + 1, FrameKind::Init);
            (*(*cx).stacks.top).extra = instance;
            return go(cx, (*exec).words.as_ptr().cast_mut(), base);
        }
        (*cx).stacks.call = [callee, null_mut(), instance];
        enter_arranged(cx, pc, regs, regs.add(w + 1), n + 1)
    }
}

#[inline(never)]
unsafe fn call_slow<const NAMED: bool>(cx: &mut Cx, regs: *mut Slot, w: usize, n: usize) -> Slot {
    // SAFETY: arguments stay in the window until the call is over; then the window is dropped.
    unsafe {
        let names = if NAMED { peek(&*regs.add(w + 1 + n)).cast::<Tuple>().map_or(&[][..], |t| t.items()) } else { &[] };
        let args = Args { items: std::slice::from_raw_parts(regs.add(w + 1).cast::<Obj>(), n), names };
        let callee = peek(&*regs.add(w));
        let outer = if LENS { cx.lens.calls(callee.as_ptr().as_ptr()) } else { null_mut() };
        if LENS {
            crate::lens::calling(cx);
        }
        // The register holds the callable while it runs. Native functions and methods of native types need no way round.
        let direct = match callee.shape() {
            shape::METHOD_DESCRIPTOR => crate::types::descriptor::call_direct(cx, callee, args),
            shape::BUILTIN => Some(crate::types::function::call_builtin(cx, callee, args)),
            shape::TYPE if std::ptr::eq(callee.ty(), &*cx.types.type_) && !cx.may_run.get() => Some(crate::types::type_::call_type(cx, callee, args)),
            _ => None,
        };
        let r = match direct {
            Some(r) => r,
            None => {
                let callee = callee.clone();
                protocol::call_args(cx, &callee, args)
            }
        };
        let saved = if r.is_err() { cx.save_error() } else { None };
        drop_window(cx, regs, w, n + usize::from(NAMED));
        if LENS {
            crate::lens::settle(cx);
            cx.lens.calls(outer);
        }
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
                finish(cx, pc, regs, pc.add(5), f(pc, 3) == 1, r)
            }
        }
    };
}

/// Carries out a call instruction without entering a frame in its place: for who wants to know how it ends.
#[allow(dead_code)] // Asked for in one of the copies only.
pub(in crate::eval) unsafe fn call_here(cx: &mut Cx, op: Opcode, pc: *mut u64, regs: *mut Slot) -> PyResult {
    // SAFETY: the window holds the callable and its arguments; it is consumed.
    unsafe {
        let (w, n) = (f(pc, 1), f(pc, 2));
        let v = match op {
            Opcode::CALL_FUNCTION_KW => call_slow::<true>(cx, regs, w, *pc.add(2) as usize),
            Opcode::CALL_FUNCTION_EX => return call_ex_values(cx, pc, regs),
            Opcode::CALL_FUNCTION => call_slow::<false>(cx, regs, w, n),
            _ if is(*regs.add(w), shape::UNBOUND) => call_slow::<false>(cx, regs, w + 1, n),
            _ => call_slow::<false>(cx, regs, w, n + 1),
        };
        if v.is_null() { Err(cx.raised_already()) } else { Ok(take(v)) }
    }
}

unsafe fn settle_call(cx: &mut Cx, r: PyResult, values: Vec<Obj>, callee: Obj) -> PyResult {
    let saved = if r.is_err() { cx.save_error() } else { None };
    cx.release(values);
    cx.release(callee);
    if r.is_err() {
        cx.restore_error(saved);
    }
    r
}

#[inline(never)]
unsafe fn call_kw_any(cx: *mut Cx, pc: *mut u64, regs: *mut Slot, w: usize, n: usize) {
    // SAFETY: the window holds the callable, the arguments and the names.
    unsafe {
        at(cx, pc);
        let r = call_slow::<true>(&mut *cx, regs, w, n);
        if r.is_null() {
            return fail(cx, pc, regs);
        }
        finish(cx, pc, regs, pc.add(5), f(pc, 3) == 1, r)
    }
}

/// A call with keywords: functions of Python are entered, the rest is called.
pub unsafe fn call_kw(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: the window holds the callable, the arguments and the names.
    unsafe { call_kw_at(cx, pc, regs, f(pc, 1), *pc.add(2) as usize) }
}

/// After LOAD_METHOD, as `call_method`, with keywords.
pub unsafe fn call_method_kw(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: as above.
    unsafe {
        let (w, n) = (f(pc, 1), *pc.add(2) as usize);
        if is(*regs.add(w), shape::UNBOUND) { call_kw_at(cx, pc, regs, w + 1, n) } else { call_kw_at(cx, pc, regs, w, n + 1) }
    }
}

#[inline(always)]
unsafe fn call_kw_at(cx: *mut Cx, pc: *mut u64, regs: *mut Slot, w: usize, mut n: usize) {
    // SAFETY: as above.
    unsafe {
        let function = is(*regs.add(w), shape::FUNCTION);
        if (*cx).poll.load(Ordering::Relaxed) == 0 && (function || is(*regs.add(w), shape::METHOD) && unfold_method(cx, regs.add(w), n + 1)) {
            at(cx, pc);
            n += usize::from(!function);
            let names = *regs.add(w + 1 + n);
            if !is_last(names) {
                // The tuple is one of the code's constants: it stays.
                let exec = near_frame(&mut *cx, pc, regs, w, n, peek(&names).cast_unchecked::<Tuple>().items());
                if !exec.is_null() {
                    drop_light(cx, names);
                    return go(cx, (*exec).words.as_ptr().cast_mut(), (*(*cx).stacks.top).regs);
                }
            }
            (*cx).stacks.call = [*regs.add(w), names, null_mut()];
            return enter_arranged(cx, pc, regs, regs.add(w + 1), n);
        }
        call_kw_any(cx, pc, regs, w, n)
    }
}

/// Most arguments that `f(*args, **kwargs)` spreads over the value stack.
const SPREAD_MAX: usize = 1000;

/// A call with arguments in a tuple and keywords in a dict: functions of Python are entered, the rest is called.
pub unsafe fn call_ex(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: the window holds the callable, a tuple and perhaps a dict.
    unsafe {
        let w = f(pc, 1);
        let callee = *regs.add(w);
        if (*cx).poll.load(Ordering::Relaxed) == 0 && (is(callee, shape::FUNCTION) || is(callee, shape::METHOD) || is(callee, shape::TYPE)) {
            at(cx, pc);
            let (base, n) = spread(&mut *cx, pc, regs, w);
            if !base.is_null() {
                return enter_arranged(cx, pc, regs, base, n);
            }
        }
        call_ex_any(cx, pc, regs)
    }
}

/// Spreads the arguments over the value stack, the object of a bound method or a new instance first. Null: that is for the
/// slow way.
#[inline(never)]
unsafe fn spread(cx: &mut Cx, pc: *mut u64, regs: *mut Slot, w: usize) -> (*mut Slot, usize) {
    const NO: (*mut Slot, usize) = (null_mut(), 0);
    // SAFETY: what is spread gets counts of its own, then the containers go.
    unsafe {
        let (args, has_kw) = (*regs.add(w + 1), *pc.add(2) & 1 == 1);
        let dict = if has_kw { *regs.add(w + 2) } else { null_mut() };
        if !is(args, shape::TUPLE) || has_kw && !is(dict, shape::DICT) {
            return NO;
        }
        let items = (*args.cast::<Tuple>()).items();
        let kwargs = has_kw.then(|| peek(&dict).cast_unchecked::<Dict>());
        let named = kwargs.map_or(0, |d| d.len(cx));
        let callee = *regs.add(w);
        let (mut function, mut first, mut instance) = (callee, null_mut(), null_mut());
        if is(callee, shape::METHOD) {
            let method = &*callee.cast::<crate::types::function::BoundMethod>();
            function = (*method.function.as_ptr()).as_ptr().as_ptr();
            first = (*method.this.as_ptr()).as_ptr().as_ptr();
        } else if is(callee, shape::TYPE) {
            function = init_of(cx, pc, callee);
        }
        // What has another key is refused before an instance is made for it.
        if function.is_null() || !is(function, shape::FUNCTION) || items.len() + named > SPREAD_MAX || !kwargs.is_none_or(|d| has_text_keys(cx, d)) {
            return NO;
        }
        let handed = named != 0 && (*dict).count.get() == 1 && takes_dict(cx, function, peek(&dict).cast_unchecked::<Dict>());
        if is(callee, shape::TYPE) {
            let Ok(made) = crate::types::object::plain(cx, peek(&callee).cast_unchecked::<crate::types::Type>()) else {
                cx.clear_error();
                return NO;
            };
            instance = give(made);
            first = instance;
        }
        let mut names = null_mut();
        if let Some(d) = kwargs.filter(|_| named != 0 && !handed) {
            let Some(made) = names_of(cx, d, named) else {
                if !instance.is_null() {
                    drop_slot(cx, instance);
                }
                return NO;
            };
            names = made;
        }
        if !first.is_null() {
            incref(first);
            incref(function);
            drop_slot(cx, callee);
        }
        // A generator's registers are not on the stack.
        let base = if in_generator(cx) { (*cx.stacks.top).top } else { regs.add(w + 1) };
        let mut n = 0;
        if !first.is_null() {
            *base = first;
            n = 1;
        }
        for o in items {
            let o = o.as_ptr().as_ptr();
            incref(o);
            *base.add(n) = o;
            n += 1;
        }
        if let Some(d) = kwargs.filter(|_| !names.is_null()) {
            let mut at = 0;
            while let Some(i) = d.entry_from(cx, at) {
                *base.add(n) = give(d.value_at(cx, i).clone());
                n += 1;
                at = i + 1;
            }
        }
        drop_slot(cx, args);
        if handed {
            cx.stacks.keywords = dict;
        } else if has_kw {
            drop_slot(cx, dict);
        }
        cx.stacks.call = [function, names, instance];
        (base, n)
    }
}

/// Whether a dict of keyword arguments can become the function's own: it has `**kwargs`, and no key is a parameter.
unsafe fn takes_dict(cx: &Cx, function: Slot, dict: &Dict) -> bool {
    // SAFETY: a function, by its shape.
    unsafe {
        let exec = exec_known(function);
        if exec.is_null() || !(*exec).star_star || (*exec).params.len() > 64 {
            return false;
        }
        let mut at = 0;
        while let Some(i) = dict.entry_from(cx, at) {
            if binding::parameter(&*exec, dict.key_at(cx, i)).is_some() {
                return false;
            }
            at = i + 1;
        }
        true
    }
}

/// Whether all keys are exact text.
fn has_text_keys(cx: &Cx, dict: &Dict) -> bool {
    let mut at = 0;
    while let Some(i) = dict.entry_from(cx, at) {
        if dict.key_at(cx, i).shape() != shape::STR {
            return false;
        }
        at = i + 1;
    }
    true
}

/// The keys, a tuple. None: there is no memory.
unsafe fn names_of(cx: &mut Cx, dict: &Dict, n: usize) -> Option<Slot> {
    let mut at = 0;
    let made = Tuple::with(cx, n, |_| {
        let i = dict.entry_from(cx, at).unwrap_or(at);
        at = i + 1;
        dict.key_at(cx, i).clone()
    });
    match made {
        Ok(t) => Some(give(t)),
        Err(_) => {
            cx.clear_error();
            None
        }
    }
}

consuming_call!(call_ex_any, call_ex_values, |cx, pc, regs| {
    let (w, has_kw) = (f(pc, 1), *pc.add(2) & 1 == 1);
    let callee = consume(cx, regs, w);
    let args = consume(cx, regs, w + 1);
    let kwargs = if has_kw { Some(consume(cx, regs, w + 2)) } else { None };
    let mut values = match protocol::collect(cx, &args) {
        Ok(v) => v,
        Err(r) => {
            if cx.error_is(&cx.types.type_error) && args.ty().slots(cx).iter.is_none() && args.ty().slots(cx).getitem.is_none() {
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
    settle_call(cx, r, values, callee)
});
