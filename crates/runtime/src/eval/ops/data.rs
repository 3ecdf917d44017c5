//! Displays, unpacking, formatting, imports, functions being made.

use super::*;
use crate::cx::{Cx, PyResult};
use crate::eval::{Slot, consume, give, peek, take};
use crate::object::{Obj, Ref, shape};
use crate::protocol;
use crate::types::type_::flags;
use crate::types::{CodeObj, Dict, Function, List, Set, Str, Tuple};

macro_rules! unary_handler {
    ($name:ident, |$cx:ident, $o:ident| $body:expr) => {
        handler!($name, 2, |cx, pc, regs| {
            let slot = regs.add(f(pc, 1));
            let o = peek(&*slot).clone();
            let r = {
                let ($cx, $o) = (&mut *cx, &o);
                $body
            }?;
            let old = take(std::mem::replace(&mut *slot, give(r)));
            drop(o);
            cx.release(old);
            Ok(())
        });
    };
}

unary_handler!(unary_not_any, |cx, o| protocol::truth(cx, o).map(|t| cx.bool(!t)));
unary_handler!(unary_neg_any, |cx, o| protocol::unary(cx, o, "-"));
/// The opposite of a bool.
pub unsafe fn unary_not(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: the operand is an owned temporary; bools are immortal.
    unsafe {
        let slot = regs.add(f(pc, 1));
        let (yes, no) = ((*cx).consts.true_.as_ptr().as_ptr(), (*cx).consts.false_.as_ptr().as_ptr());
        if std::ptr::eq(*slot, no) {
            *slot = yes;
        } else if std::ptr::eq(*slot, yes) {
            *slot = no;
        } else {
            return unary_not_any(cx, pc, regs);
        }
        go(cx, pc.add(2), regs)
    }
}
/// The negative of a machine integer or a float.
pub unsafe fn unary_neg(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: the operand is an owned temporary.
    unsafe {
        let slot = regs.add(f(pc, 1));
        let old = *slot;
        let new = match (*old).shape.get() {
            shape::INT => fast_int(cx, -int_value(old)),
            shape::FLOAT => fast_float(cx, -float_value(old)),
            _ => std::ptr::null_mut(),
        };
        if new.is_null() {
            return unary_neg_any(cx, pc, regs);
        }
        *slot = new;
        go_without(cx, pc, regs, pc.add(2), old)
    }
}
unary_handler!(unary_pos, |cx, o| protocol::unary(cx, o, "+"));
unary_handler!(unary_invert, |cx, o| protocol::unary(cx, o, "~"));
unary_handler!(list_to_tuple, |cx, o| {
    let items = o.cast::<List>().map(|l| l.to_vec(cx)).unwrap_or_default();
    cx.tuple(items)
});

// ---- displays: destination 0, window 1, local flag 2, argument in word 2

macro_rules! building {
    ($name:ident, |$cx:ident, $arg:ident, $items:ident| $body:expr) => {
        handler!($name, 3, |cx, pc, regs| {
            let (w, n) = (f(pc, 1), *pc.add(2) as usize);
            let $arg = n;
            let count = window_size(stringify!($name), n);
            let $items: Vec<Obj> = (0..count).map(|i| consume(cx, regs, w + i)).collect();
            for i in 0..count {
                // Taken: errors below must not drop them again.
                *regs.add(w + i) = cx.consts.unbound.as_ptr().as_ptr();
            }
            let r = {
                let $cx = &mut *cx;
                $body
            }?;
            put(cx, regs, f(pc, 0), f(pc, 2) == 1, give(r));
            Ok(())
        });
    };
}

fn window_size(name: &str, n: usize) -> usize {
    match name {
        "build_slice" => n.max(2),
        _ => n,
    }
}

// The items move from their registers into the tuple or list.
handler!(build_tuple, 3, |cx, pc, regs| {
    let (w, n) = (f(pc, 1), *pc.add(2) as usize);
    let t = Tuple::of_slots(cx, regs.add(w).cast::<Obj>(), n)?;
    put(cx, regs, f(pc, 0), f(pc, 2) == 1, give(t));
    Ok(())
});
handler!(build_list, 3, |cx, pc, regs| {
    let (w, n) = (f(pc, 1), *pc.add(2) as usize);
    let l = List::of_slots(cx, regs.add(w).cast::<Obj>(), n)?;
    put(cx, regs, f(pc, 0), f(pc, 2) == 1, give(l));
    Ok(())
});
building!(build_set, |cx, _n, items| {
    let s = Set::new(cx)?;
    for o in &items {
        s.add(cx, o)?;
    }
    cx.release(items);
    Ok(s.into_obj())
});
// Keys stay in their registers until all pairs are in; values move.
handler!(build_map, 3, |cx, pc, regs| {
    let (w, n) = (f(pc, 1), *pc.add(2) as usize);
    let d = Dict::new(cx)?;
    for i in 0..n {
        let value = consume(cx, regs, w + 2 * i + 1);
        let old = d.insert(cx, peek(&*regs.add(w + 2 * i)), value)?;
        cx.release(old);
    }
    for i in 0..n {
        let key = consume(cx, regs, w + 2 * i);
        cx.release(key);
    }
    put(cx, regs, f(pc, 0), f(pc, 2) == 1, give(d.into_obj()));
    Ok(())
});
handler!(build_const_key_map, 3, |cx, pc, regs| {
    let (w, n) = (f(pc, 1), *pc.add(2) as usize);
    let d = Dict::new(cx)?;
    let keys = peek(&*regs.add(w + n)).clone();
    for (i, key) in keys.cast::<Tuple>().map_or(&[][..], |t| t.items()).iter().enumerate() {
        let value = consume(cx, regs, w + i);
        let old = d.insert(cx, key, value)?;
        cx.release(old);
    }
    let again = consume(cx, regs, w + n);
    cx.release((keys, again));
    put(cx, regs, f(pc, 0), f(pc, 2) == 1, give(d.into_obj()));
    Ok(())
});
// The pieces stay in their registers until the text is made.
handler!(build_string, 3, |cx, pc, regs| {
    let (w, n) = (f(pc, 1), *pc.add(2) as usize);
    let text = crate::types::str::join_pieces(cx, std::slice::from_raw_parts(regs.add(w).cast::<Obj>(), n))?;
    for i in 0..n {
        let piece = consume(cx, regs, w + i);
        cx.release(piece);
    }
    put(cx, regs, f(pc, 0), f(pc, 2) == 1, give(text));
    Ok(())
});
handler!(format_value, 3, |cx, pc, regs| {
    let (w, n) = (f(pc, 1), *pc.add(2) as usize);
    let first = peek(&*regs.add(w));
    let number = if n == 0 && first.shape() == shape::INT { Some(int_value(first.as_ptr().as_ptr())) } else { None };
    let text = if let Some(v) = number {
        Str::from_latin1(cx, crate::types::int::decimal(v, &mut [0; 20]))?.into_obj()
    } else if n & 7 == 0 && first.shape() == shape::STR {
        first.clone()
    } else {
        let value = match n & 3 {
            1 => protocol::str(cx, first)?,
            2 => protocol::repr(cx, first)?,
            3 => protocol::ascii(cx, first)?,
            _ => first.clone(),
        };
        if n & 4 == 0 && value.shape() == shape::STR {
            value
        } else {
            let spec = if n & 4 != 0 { peek(&*regs.add(w + 1)).clone() } else { cx.consts.empty_str.clone() };
            let made = protocol::format_value(cx, &value, &spec);
            match made {
                Ok(t) => {
                    cx.release((value, spec));
                    t
                }
                Err(r) => {
                    cx.release_with_error((value, spec));
                    return Err(r);
                }
            }
        }
    };
    for i in 0..=usize::from(n & 4 != 0) {
        let part = consume(cx, regs, w + i);
        cx.release(part);
    }
    put(cx, regs, f(pc, 0), f(pc, 2) == 1, give(text));
    Ok(())
});

macro_rules! adding {
    ($name:ident, |$cx:ident, $container:ident, $value:ident, $callee:ident| $body:block) => {
        handler!($name, 2, |cx, pc, regs| {
            let $container = peek(&*regs.add(f(pc, 0))).clone();
            let $value = consume(cx, regs, f(pc, 1));
            let $callee = f(pc, 2);
            let _ = $callee;
            let r: crate::cx::PyResult<()> = (|| {
                let $cx = &mut *cx;
                $body
            })();
            let saved = if r.is_err() { cx.save_error() } else { None };
            cx.release($value);
            drop($container);
            if r.is_err() {
                cx.restore_error(saved);
            }
            r
        });
    };
}

/// LIST_APPEND of a comprehension.
pub unsafe fn list_append(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: a comprehension's list is a list, and stays in its register; the value is an owned temporary.
    unsafe {
        let list = *regs.add(f(pc, 0));
        let value = *regs.add(f(pc, 1));
        let buf = &mut *(*list.cast::<List>()).pub_items.as_ptr();
        match buf.push_in_place(take(value)) {
            None => go(cx, pc.add(2), regs),
            Some(value) => {
                *regs.add(f(pc, 1)) = give(value);
                list_append_growing(cx, pc, regs)
            }
        }
    }
}
handler!(list_append_growing, 2, |cx, pc, regs| {
    let value = consume(cx, regs, f(pc, 1));
    // SAFETY of the cast: a comprehension's list is a list, and stays in its register.
    let list = *regs.add(f(pc, 0));
    peek(&list).cast_unchecked::<List>().push(cx, value)
});
adding!(set_add, |cx, c, v, _callee| {
    match c.cast::<Set>() {
        Some(s) => s.add(cx, &v).map(|_| ()),
        None => Err(cx.type_error(format!("'{}' object is not a set", c.ty().name_text()))),
    }
});
adding!(list_extend, |cx, c, v, _callee| {
    let Some(l) = c.cast::<List>() else { return Ok(()) };
    let r = crate::types::list::extend(cx, l, &v);
    if r.is_err() && cx.error_is(&cx.types.type_error) && v.ty().slots(cx).iter.is_none() && v.ty().slots(cx).getitem.is_none() {
        cx.clear_error();
        return Err(cx.type_error(format!("Value after * must be an iterable, not {}", v.ty().name_text())));
    }
    r
});
adding!(set_update, |cx, c, v, _callee| {
    let Some(s) = c.cast::<Set>() else { return Ok(()) };
    s.update_from(cx, &v)
});
adding!(dict_update, |cx, c, v, _callee| {
    let Some(d) = c.cast::<Dict>() else { return Ok(()) };
    let keys = cx.name("keys");
    if v.cast::<Dict>().is_none() && v.ty().lookup(cx, &keys).is_none() {
        return Err(cx.type_error(format!("'{}' object is not a mapping", v.ty().name_text())));
    }
    d.update_from(cx, &v)
});
adding!(dict_merge, |cx, c, v, callee| {
    let Some(d) = c.cast::<Dict>() else { return Ok(()) };
    if d.len(cx) == 0 && v.shape() == shape::DICT {
        // Nothing can be there twice.
        return d.update_from(cx, &v);
    }
    let regs = (*cx.stacks.top).regs;
    let callee = peek(&*regs.add(callee)).clone();
    let keys_name = cx.name("keys");
    if v.cast::<Dict>().is_none() && v.ty().lookup(cx, &keys_name).is_none() {
        let name = protocol::callable_name(cx, &callee);
        return Err(cx.type_error(format!("{name} argument after ** must be a mapping, not {}", v.ty().name_text())));
    }
    if let Some(source) = Dict::iterated_plainly(cx, &v).cloned() {
        let mut at = 0;
        while let Some((next, k, value)) = source.next_entry(cx, at) {
            at = next;
            once(cx, d, &k, &callee)?;
            d.insert(cx, &k, value)?;
            cx.poll_native()?;
        }
        return Ok(());
    }
    let keys = protocol::call_method(cx, &v, "keys", &[])?;
    for k in protocol::collect(cx, &keys)? {
        once(cx, d, &k, &callee)?;
        let value = protocol::getitem(cx, &v, &k)?;
        d.insert(cx, &k, value)?;
        cx.poll_native()?;
    }
    Ok(())
});

/// Refuses a keyword that is there already.
fn once(cx: &mut Cx, keywords: &Ref<Dict>, key: &Obj, callee: &Obj) -> PyResult<()> {
    if !keywords.contains(cx, key)? {
        return Ok(());
    }
    if key.cast::<Str>().is_none() {
        return Err(cx.type_error("keywords must be strings"));
    }
    let (name, shown) = (protocol::callable_name(cx, callee), protocol::str_text(cx, key)?);
    Err(cx.type_error(format!("{name} got multiple values for keyword argument '{shown}'")))
}

handler!(map_add, 2, |cx, pc, regs| {
    let r = f(pc, 1);
    let (k, v) = (consume(cx, regs, r), consume(cx, regs, r + 1));
    let unbound = cx.consts.unbound.as_ptr().as_ptr();
    (*regs.add(r), *regs.add(r + 1)) = (unbound, unbound);
    let container = peek(&*regs.add(f(pc, 0))).clone();
    if let Some(d) = container.cast::<Dict>() {
        let old = d.insert(cx, &k, v)?;
        cx.release(old);
    }
    cx.release(k);
    Ok(())
});

// Operand 0: the iterable's register, where the last item goes; word 2: how many.
/// Tuples and lists of the right length are taken apart in place.
pub unsafe fn unpack_sequence(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: the source is an owned temporary; each item gets a count of its own before the source goes.
    unsafe {
        let (r, n) = (f(pc, 0), *pc.add(2) as usize);
        let src = *regs.add(r);
        let items = match (*src).shape.get() {
            shape::TUPLE => (*src.cast::<Tuple>()).items(),
            shape::LIST => peek(&src).cast_unchecked::<List>().items(&*cx),
            _ => return unpack_any(cx, pc, regs),
        };
        if items.len() != n {
            return unpack_any(cx, pc, regs);
        }
        if !LENS && n == 2 && (*src).count.get() == 1 && is(src, shape::TUPLE) {
            // The tuple dies here: its items move out, and nobody counts.
            let (first, second) = (items[0].as_ptr().as_ptr(), items[1].as_ptr().as_ptr());
            memory::free_pair(&*cx, NonNull::new_unchecked(src));
            *regs.add(r + 1) = first;
            *regs.add(r) = second;
            return go(cx, pc.add(3), regs);
        }
        for (i, o) in items.iter().enumerate() {
            let item = o.as_ptr().as_ptr();
            incref(item);
            *regs.add(r + n - 1 - i) = item;
        }
        go_without(cx, pc, regs, pc.add(3), src)
    }
}

/// So many items one instruction takes apart.
pub(in crate::eval) const UNPACKED_MAX: usize = 16;

// Operand 0: the sequence; operand 2: how many; word 2: words from there to behind the stores; then the locals, four a word.
/// Takes a tuple or list of the right length apart, into locals. `OWNED`: the sequence is a temporary. Of others the instructions
/// behind it do it step by step.
pub unsafe fn unpack_to_locals<const OWNED: bool>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: the source is a register of the frame; each item gets a count of its own before the source goes.
    unsafe {
        let n = f(pc, 2);
        let generic = pc.add(3 + n.div_ceil(4));
        let src = *regs.add(f(pc, 0));
        let items = match (*src).shape.get() {
            shape::TUPLE => (*src.cast::<Tuple>()).items(),
            shape::LIST => peek(&src).cast_unchecked::<List>().items(&*cx),
            _ => return go(cx, generic, regs),
        };
        if items.len() != n {
            return go(cx, generic, regs);
        }
        let locals = pc.add(3).cast::<u16>();
        let next = pc.add(2 + *pc.add(2) as usize);
        if OWNED && n == 2 && (*src).count.get() == 1 && is(src, shape::TUPLE) && !is_last(*regs.add(*locals as usize)) && !is_last(*regs.add(*locals.add(1) as usize)) {
            // The tuple dies here: its items move out, and nobody counts. No value that the locals had dies of it but numbers.
            let pair = [items[0].as_ptr().as_ptr(), items[1].as_ptr().as_ptr()];
            memory::free_pair(&*cx, NonNull::new_unchecked(src));
            for (i, item) in pair.into_iter().enumerate() {
                let old = std::mem::replace(&mut *regs.add(*locals.add(i) as usize), item);
                let c = (*old).count.get();
                if c > 1 {
                    (*old).count.set(c - 1);
                } else if c == 1 {
                    if !is_number(old) {
                        // Both locals held it: the second death is a real one.
                        return bury_then_go(cx, pc, regs, next, old);
                    }
                    free_number(cx, old);
                }
            }
            return go(cx, next, regs);
        }
        for (i, o) in items.iter().enumerate() {
            let item = o.as_ptr().as_ptr();
            let place = regs.add(*locals.add(i) as usize);
            let old = *place;
            let c = (*old).count.get();
            if c == 1 {
                if !is_number(old) {
                    return unpack_rest::<OWNED>(cx, pc, regs, i);
                }
                free_number(cx, old);
            } else if c > 1 {
                (*old).count.set(c - 1);
            }
            incref(item);
            *place = item;
        }
        if OWNED { go_without(cx, pc, regs, next, src) } else { go(cx, next, regs) }
    }
}

/// Goes on with the item `from`, whose local gives up the last count of what it held.
#[inline(never)]
unsafe fn unpack_rest<const OWNED: bool>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot, from: usize) {
    // SAFETY: as above.
    unsafe {
        at(cx, pc);
        store_rest::<OWNED>(cx, pc, regs, from);
        go(cx, pc.add(2 + *pc.add(2) as usize), regs)
    }
}

#[inline(never)]
unsafe fn store_rest<const OWNED: bool>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot, from: usize) {
    // SAFETY: what the deaths run may change the sequence and drop it, so the rest is held first.
    unsafe {
        let src = *regs.add(f(pc, 0));
        let items = if is(src, shape::TUPLE) { (*src.cast::<Tuple>()).items() } else { peek(&src).cast_unchecked::<List>().items(&*cx) };
        let mut rest = [std::ptr::null_mut(); UNPACKED_MAX];
        for (held, o) in rest.iter_mut().zip(items).skip(from) {
            *held = o.as_ptr().as_ptr();
            incref(*held);
        }
        if OWNED {
            drop_slot(cx, src);
        }
        let locals = pc.add(3).cast::<u16>();
        for (j, item) in rest.into_iter().enumerate().take(f(pc, 2)).skip(from) {
            put(cx, regs, *locals.add(j) as usize, true, item);
        }
    }
}

handler!(unpack_any, 3, |cx, pc, regs| {
    let (r, n) = (f(pc, 0), *pc.add(2) as usize);
    let src = peek(&*regs.add(r)).clone();
    let items = match src.shape() {
        shape::TUPLE => src.cast::<Tuple>().map(|t| t.items().to_vec()).unwrap_or_default(),
        shape::LIST => src.cast::<List>().map(|l| l.to_vec(cx)).unwrap_or_default(),
        _ => match protocol::collect_at_most(cx, &src, n + 1) {
            Ok(v) => v,
            Err(e) => {
                if cx.error_is(&cx.types.type_error) && src.ty().slots(cx).iter.is_none() && src.ty().slots(cx).getitem.is_none() {
                    cx.clear_error();
                    return Err(cx.type_error(format!("cannot unpack non-iterable {} object", src.ty().name_text())));
                }
                return Err(e);
            }
        },
    };
    if items.len() < n {
        return Err(cx.value_error(format!("not enough values to unpack (expected {n}, got {})", items.len())));
    }
    if items.len() > n {
        let sized = matches!(src.shape(), shape::TUPLE | shape::LIST);
        let got = if sized { format!(", got {}", items.len()) } else { String::new() };
        return Err(cx.value_error(format!("too many values to unpack (expected {n}{got})")));
    }
    let old = consume(cx, regs, r);
    for (i, o) in items.into_iter().enumerate() {
        *regs.add(r + n - 1 - i) = give(o);
    }
    drop(src);
    cx.release(old);
    Ok(())
});

handler!(unpack_ex, 3, |cx, pc, regs| {
    let (r, arg) = (f(pc, 0), *pc.add(2) as usize);
    let (before, after) = (arg & 0xff, arg >> 8);
    let src = peek(&*regs.add(r)).clone();
    let items = match protocol::collect(cx, &src) {
        Ok(v) => v,
        Err(e) => {
            if cx.error_is(&cx.types.type_error) && src.ty().slots(cx).iter.is_none() {
                cx.clear_error();
                return Err(cx.type_error(format!("cannot unpack non-iterable {} object", src.ty().name_text())));
            }
            return Err(e);
        }
    };
    if items.len() < before + after {
        return Err(cx.value_error(format!("not enough values to unpack (expected at least {}, got {})", before + after, items.len())));
    }
    let total = before + 1 + after;
    let middle = cx.list(items[before..items.len() - after].to_vec())?;
    let mut out: Vec<Obj> = items[..before].to_vec();
    out.push(middle);
    out.extend_from_slice(&items[items.len() - after..]);
    let old = consume(cx, regs, r);
    for (i, o) in out.into_iter().enumerate() {
        *regs.add(r + total - 1 - i) = give(o);
    }
    drop(items);
    drop(src);
    cx.release(old);
    Ok(())
});

handler!(print_expr, 3, |cx, pc, regs| {
    let v = consume(cx, regs, f(pc, 1));
    *regs.add(f(pc, 1)) = cx.consts.unbound.as_ptr().as_ptr();
    crate::modules::sys::show_value(cx, v)
});

handler!(make_function, 2, |cx, pc, regs| {
    let (w, flags) = (f(pc, 1), f(pc, 3));
    let n = (flags & 0x1f).count_ones() as usize;
    let (code, qualname) = (consume(cx, regs, w + n), consume(cx, regs, w + n + 1));
    let Ok(code) = code.downcast::<CodeObj>() else { return Ok(()) };
    let globals = (*cx.stacks.top).function().globals.cloned(cx);
    let func = Function::new(cx, code, qualname, globals)?;
    let mut at = w;
    // In the order in which they lie.
    for (bit, field) in [(1, &func.defaults), (2, &func.kwdefaults), (4, &func.annotations), (16, &func.annotate), (8, &func.closure)] {
        if flags & bit != 0 {
            let value = consume(cx, regs, at);
            at += 1;
            // Bytecode of a program's own making may have anything there.
            let fits = match bit {
                1 => value.cast::<Tuple>().is_some(),
                2 => value.cast::<Dict>().is_some(),
                _ => true,
            };
            if fits {
                field.set(cx, Some(value));
            } else {
                cx.release(value);
            }
        }
    }
    put(cx, regs, f(pc, 0), f(pc, 2) == 1, give(func.into_obj()));
    Ok(())
});

// ---- imports

handler!(import_name, 3, |cx, pc, regs| {
    let w = f(pc, 1);
    let name = name_of(pc.add(2)).clone();
    let (level, fromlist) = (consume(cx, regs, w), consume(cx, regs, w + 1));
    let unbound = cx.consts.unbound.as_ptr().as_ptr();
    (*regs.add(w), *regs.add(w + 1)) = (unbound, unbound);
    let key = cx.name("__import__");
    let (g, b) = {
        let func = (*cx.stacks.top).function();
        (func.globals.cloned(cx), func.builtin_names(cx))
    };
    let Some(import) = super::names::lookup_in(cx, &b, &key)? else { return Err(cx.error_of(&cx.types.import_error, "__import__ not found")) };
    let none = cx.none();
    let locals = (*cx.stacks.top).namespace().cloned().unwrap_or(none);
    let m = protocol::call(cx, &import, &[name.into_obj(), g.into_obj(), locals, fromlist, level])?;
    put(cx, regs, f(pc, 0), f(pc, 2) == 1, give(m));
    Ok(())
});

handler!(import_from, 3, |cx, pc, regs| {
    let m = peek(&*regs.add(f(pc, 1))).clone();
    let name = name_of(pc.add(2));
    let v = crate::types::module::missing::import_from(cx, &m, name)?;
    *regs.add(f(pc, 0)) = give(v);
    Ok(())
});

handler!(import_star, 3, |cx, pc, regs| {
    let m = consume(cx, regs, f(pc, 1));
    *regs.add(f(pc, 1)) = cx.consts.unbound.as_ptr().as_ptr();
    let all = cx.name("__all__");
    let dict = cx.name("__dict__");
    let d = protocol::getattr(cx, &m, &dict)?;
    let (names, everything) = match protocol::lookup_attr(cx, &m, &all)? {
        Some(a) => (protocol::collect(cx, &a)?, true),
        None => (protocol::collect(cx, &d)?, false),
    };
    let ns = match (*cx.stacks.top).namespace() {
        Some(n) => n.clone(),
        None => (*cx.stacks.top).function().globals.cloned(cx).into_obj(),
    };
    for n in names {
        let Some(s) = n.cast::<Str>() else {
            return Err(crate::types::module::missing::odd_name(cx, &m, &n, everything)?);
        };
        if !everything && s.to_text(cx).starts_with('_') {
            continue;
        }
        let v = protocol::getattr(cx, &m, s)?;
        protocol::setitem(cx, &ns, &n, Some(&v))?;
    }
    Ok(())
});

// ---- pattern matching

handler!(get_len, 2, |cx, pc, regs| {
    let o = peek(&*regs.add(f(pc, 1))).clone();
    let n = protocol::len(cx, &o)?;
    *regs.add(f(pc, 0)) = give(cx.int(n as i64)?);
    Ok(())
});
handler!(match_mapping, 2, |cx, pc, regs| {
    let yes = peek(&*regs.add(f(pc, 1))).ty().has(flags::MAPPING);
    *regs.add(f(pc, 0)) = give(cx.bool(yes));
    Ok(())
});
handler!(match_sequence, 2, |cx, pc, regs| {
    let o = peek(&*regs.add(f(pc, 1)));
    let yes = o.ty().has(flags::SEQUENCE) && o.cast::<Str>().is_none();
    *regs.add(f(pc, 0)) = give(cx.bool(yes));
    Ok(())
});
// subject, keys -> subject, keys, values or None, whether all were found.
handler!(match_keys, 2, |cx, pc, regs| {
    let r = f(pc, 0);
    let (subject, keys) = (peek(&*regs.add(r)).clone(), peek(&*regs.add(r + 1)).clone());
    let mut values = Vec::new();
    let mut found = true;
    // `get` and not an item: a mapping that makes what is missing is not asked to.
    let (missing, seen) = (crate::types::object::plain(cx, &cx.types.object.clone())?, Set::new(cx)?);
    for k in protocol::collect(cx, &keys)? {
        if !seen.add(cx, &k)? {
            let shown = protocol::repr_text(cx, &k)?;
            return Err(cx.value_error(format!("mapping pattern checks duplicate key ({shown})")));
        }
        let v = protocol::call_method(cx, &subject, "get", &[k, missing.clone()])?;
        if v.is(&missing) {
            found = false;
            break;
        }
        values.push(v);
    }
    let v = if found { cx.tuple(values)? } else { cx.none() };
    *regs.add(r + 2) = give(v);
    *regs.add(r + 3) = give(cx.bool(found));
    Ok(())
});
// subject, class, names -> attributes or subject, whether it matched.
handler!(match_class, 2, |cx, pc, regs| {
    let (r, n) = (f(pc, 0), f(pc, 3));
    let (subject, class, names) = (peek(&*regs.add(r)).clone(), peek(&*regs.add(r + 1)).clone(), peek(&*regs.add(r + 2)).clone());
    let matched = crate::protocol::match_class(cx, &subject, &class, &names, n)?;
    drop_slot(cx, *regs.add(r + 2));
    drop_slot(cx, *regs.add(r + 1));
    let yes = matched.is_some();
    if let Some(attributes) = matched {
        let old = take(std::mem::replace(&mut *regs.add(r), give(attributes)));
        cx.release(old);
    }
    *regs.add(r + 1) = give(cx.bool(yes));
    Ok(())
});
handler!(copy_dict_without_keys, 2, |cx, pc, regs| {
    let r = f(pc, 0);
    let (subject, keys) = (peek(&*regs.add(r)).clone(), peek(&*regs.add(r + 1)).clone());
    let d = Dict::new(cx)?;
    d.update_from(cx, &subject)?;
    for k in protocol::collect(cx, &keys)? {
        d.remove(cx, &k)?;
    }
    let old = take(std::mem::replace(&mut *regs.add(r + 1), give(d.into_obj())));
    cx.release(old);
    Ok(())
});

// ---- helpers of later syntax

/// Calls a helper of the module `_typing`.
fn typing_helper(cx: &mut Cx, name: &'static str, args: &[Obj]) -> crate::cx::PyResult {
    let module = crate::modules::import(cx, "_typing")?;
    let name = cx.name(name);
    let helper = protocol::getattr(cx, &module, &name)?;
    protocol::call(cx, &helper, args)
}

handler!(intrinsic_1, 2, |cx, pc, regs| {
    use retic_bytecode::opcode::Intrinsic1 as I;
    let (w, which) = (f(pc, 1), f(pc, 3));
    let o = consume(cx, regs, w);
    *regs.add(w) = cx.consts.unbound.as_ptr().as_ptr();
    let is = |i: I| i as usize == which;
    let v = if is(I::LoadLocals) {
        match (*cx.stacks.top).namespace() {
            Some(n) => n.clone(),
            None => cx.none(),
        }
    } else if is(I::TypeAlias) {
        let parts = protocol::collect(cx, &o)?;
        typing_helper(cx, "_type_alias", &parts)?
    } else if is(I::SubscriptGeneric) {
        typing_helper(cx, "_subscript_generic", &[o.clone()])?
    } else {
        let kind = if is(I::TypeVar) {
            "_typevar"
        } else if is(I::ParamSpec) {
            "_paramspec"
        } else {
            "_typevartuple"
        };
        typing_helper(cx, kind, &[o.clone()])?
    };
    cx.release(o);
    put(cx, regs, f(pc, 0), f(pc, 2) == 1, give(v));
    Ok(())
});
handler!(intrinsic_2, 2, |cx, pc, regs| {
    use retic_bytecode::opcode::Intrinsic2 as I;
    let (w, which) = (f(pc, 1), f(pc, 3));
    let unbound = cx.consts.unbound.as_ptr().as_ptr();
    let (a, b) = (consume(cx, regs, w), consume(cx, regs, w + 1));
    (*regs.add(w), *regs.add(w + 1)) = (unbound, unbound);
    let is = |i: I| i as usize == which;
    let v = if is(I::SetFunctionTypeParams) {
        let name = cx.name("__type_params__");
        protocol::setattr(cx, &a, &name, Some(&b))?;
        a
    } else if is(I::SetTypeParamDefault) {
        typing_helper(cx, "_set_default", &[a.clone(), b])?;
        a
    } else {
        typing_helper(cx, if is(I::TypeVarWithBound) { "_typevar_bound" } else { "_typevar_constraints" }, &[a, b])?
    };
    put(cx, regs, f(pc, 0), f(pc, 2) == 1, give(v));
    Ok(())
});

// strings, interpolations -> template.
handler!(build_template, 2, |cx, pc, regs| {
    let w = f(pc, 1);
    let unbound = cx.consts.unbound.as_ptr().as_ptr();
    let (strings, holes) = (consume(cx, regs, w), consume(cx, regs, w + 1));
    (*regs.add(w), *regs.add(w + 1)) = (unbound, unbound);
    let v = crate::types::template::make(cx, strings, holes)?;
    put(cx, regs, f(pc, 0), f(pc, 2) == 1, give(v));
    Ok(())
});
// value, expression, format spec if bit 0; bits above: the conversion.
handler!(build_interpolation, 2, |cx, pc, regs| {
    let (w, arg) = (f(pc, 1), f(pc, 3));
    let unbound = cx.consts.unbound.as_ptr().as_ptr();
    let part = |i: usize| take(std::mem::replace(&mut *regs.add(w + i), unbound));
    let (value, expression) = (part(0), part(1));
    let spec = (arg & 1 != 0).then(|| part(2));
    let v = crate::types::template::interpolation(cx, value, expression, arg >> 2, spec)?;
    put(cx, regs, f(pc, 0), f(pc, 2) == 1, give(v));
    Ok(())
});
