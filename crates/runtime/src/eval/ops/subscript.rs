//! Subscripts and slices: read, stored, deleted.

use super::*;
use crate::cx::Cx;
use crate::eval::unwind::fail;
use crate::eval::{Handler, Slot, consume, give, peek};
use crate::object::shape;
use crate::protocol;
use crate::types::{Bytes, Dict, List, Str, Tuple};

pub fn subscr(a: u8, b: u8, d: u8) -> Handler {
    by_kinds!(subscr_any, a, b, d)
}

#[inline(always)]
unsafe fn kinded<const KIND: u8>(pc: *mut u64, regs: *mut Slot, i: usize) -> Slot {
    // SAFETY: constants are in word 2.
    unsafe { if KIND == K { *pc.add(2) as Slot } else { *regs.add(i) } }
}

#[inline(never)]
unsafe fn subscr_any<const A: u8, const B: u8, const D: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: operands stay counted while Python may run.
    unsafe {
        let (a, b) = (kinded::<A>(pc, regs, f(pc, 1)), kinded::<B>(pc, regs, f(pc, 2)));
        if is(b, shape::INT) {
            if is(a, shape::LIST) {
                quicken(cx, pc, subscr_item::<A, B, D, { shape::LIST }>);
            } else if is(a, shape::TUPLE) {
                quicken(cx, pc, subscr_item::<A, B, D, { shape::TUPLE }>);
            } else if is(a, shape::STR) {
                quicken(cx, pc, subscr_char::<A, B, D>);
            } else if is(a, shape::BYTES) {
                quicken(cx, pc, subscr_byte::<A, B, D>);
            }
        } else if is(a, shape::DICT) && is(b, shape::STR) {
            quicken(cx, pc, subscr_text::<A, B, D>);
        } else if is(b, shape::SLICE) && crate::types::slice::is_plain_sequence(peek(&a)) {
            quicken(cx, pc, subscr_slice::<A, B, D>);
        }
        at(cx, pc);
        if (*a).shape.get() >= shape::FIRST_FREE && super::calls::open_getitem(cx, pc, regs, [a, b], [A == T, B == T], D == 1) {
            let frame = (*cx).stacks.top;
            return go(cx, (*(*frame).exec).words.as_ptr().cast_mut(), (*frame).regs);
        }
        let v = subscr_slow(&mut *cx, a, b);
        if v.is_null() {
            return fail(cx, pc, regs);
        }
        release::<A>(cx, a);
        release::<B>(cx, b);
        finish(cx, pc, regs, pc.add(3), D == 1, v)
    }
}

/// The items of a list or tuple.
#[inline(always)]
unsafe fn items_of<const SHAPE: u32>(o: Slot) -> (*mut Slot, usize) {
    // SAFETY: the shape was compared; nothing changes them while they are looked at.
    unsafe {
        if SHAPE == shape::LIST {
            let items = &**(*o.cast::<List>()).pub_items.as_ptr();
            (items.as_ptr().cast::<Slot>().cast_mut(), items.len())
        } else {
            let items = (*o.cast::<Tuple>()).items();
            (items.as_ptr().cast::<Slot>().cast_mut(), items.len())
        }
    }
}

/// An item of a list or tuple by a small int.
unsafe fn subscr_item<const A: u8, const B: u8, const D: u8, const SHAPE: u32>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: shapes are compared before layouts are used; a container with other holders dies later.
    unsafe {
        let (a, b) = (kinded::<A>(pc, regs, f(pc, 1)), kinded::<B>(pc, regs, f(pc, 2)));
        if is(a, SHAPE) && is(b, shape::INT) && !(A == T && is_last(a)) {
            let (items, len) = items_of::<SHAPE>(a);
            let mut i = int_value(b);
            if i < 0 {
                i += len as i64;
            }
            if (i as u64) < len as u64 {
                let v = *items.add(i as usize);
                incref(v);
                if A == T {
                    drop_light(cx, a);
                }
                release_number::<B>(cx, b);
                return finish(cx, pc, regs, pc.add(3), D == 1, v);
            }
        }
        subscr_any::<A, B, D>(cx, pc, regs)
    }
}

/// A character, among the first 256, of a text by a small int.
unsafe fn subscr_char<const A: u8, const B: u8, const D: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: as `subscr_item`; a text that is a temporary of its own dies in the usual way.
    unsafe {
        let (a, b) = (kinded::<A>(pc, regs, f(pc, 1)), kinded::<B>(pc, regs, f(pc, 2)));
        if is(a, shape::STR)
            && is(b, shape::INT)
            && !(A == T && is_last(a))
            && let crate::types::str::Chars::One(text) = (*a.cast::<Str>()).chars()
        {
            let mut i = int_value(b);
            if i < 0 {
                i += text.len() as i64;
            }
            if let Some(c) = text.get(i as usize).filter(|_| i >= 0) {
                let consts = &(*cx).consts;
                let v = consts.latin1[*c as usize].as_ptr().as_ptr();
                incref(v);
                if A == T {
                    drop_light(cx, a);
                }
                release_number::<B>(cx, b);
                return finish(cx, pc, regs, pc.add(3), D == 1, v);
            }
        }
        subscr_any::<A, B, D>(cx, pc, regs)
    }
}

/// The number of a byte of bytes by a small int.
unsafe fn subscr_byte<const A: u8, const B: u8, const D: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: as `subscr_item`; numbers of bytes are small ints, so there is always one.
    unsafe {
        let (a, b) = (kinded::<A>(pc, regs, f(pc, 1)), kinded::<B>(pc, regs, f(pc, 2)));
        if is(a, shape::BYTES) && is(b, shape::INT) && !(A == T && is_last(a)) {
            let bytes = (*a.cast::<Bytes>()).bytes();
            let i = int_value(b);
            let i = if i < 0 { i + bytes.len() as i64 } else { i };
            if (i as u64) < bytes.len() as u64 {
                let v = fast_int(cx, i64::from(bytes[i as usize]));
                if A == T {
                    drop_light(cx, a);
                }
                release_number::<B>(cx, b);
                return finish(cx, pc, regs, pc.add(3), D == 1, v);
            }
        }
        subscr_any::<A, B, D>(cx, pc, regs)
    }
}

/// The value of a text in a dict.
#[inline(never)]
unsafe fn subscr_text<const A: u8, const B: u8, const D: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: shapes are compared before layouts are used; the operands stay counted until the value is.
    unsafe {
        let (a, b) = (kinded::<A>(pc, regs, f(pc, 1)), kinded::<B>(pc, regs, f(pc, 2)));
        if is(a, shape::DICT) && is(b, shape::STR) {
            let v = value_of_text(&*cx, a, b);
            if !v.is_null() {
                incref(v);
                if A == T || B == T {
                    at(cx, pc);
                    release::<A>(cx, a);
                    release::<B>(cx, b);
                }
                return finish(cx, pc, regs, pc.add(3), D == 1, v);
            }
        }
        subscr_any::<A, B, D>(cx, pc, regs)
    }
}

/// The value, or null where the usual way must be gone.
#[inline(always)]
unsafe fn value_of_text(cx: &Cx, a: Slot, b: Slot) -> Slot {
    // SAFETY: the shapes say what lies there.
    unsafe {
        let d = &*a.cast::<Dict>();
        match d.find_text(cx, peek(&b).cast_unchecked()) {
            Some(i) => d.value_at(cx, i).as_ptr().as_ptr(),
            None => std::ptr::null_mut(),
        }
    }
}

/// A part of a list, tuple or text between small ints or None.
#[inline(never)]
unsafe fn subscr_slice<const A: u8, const B: u8, const D: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: the operands stay counted until the part is made.
    unsafe {
        let (a, b) = (kinded::<A>(pc, regs, f(pc, 1)), kinded::<B>(pc, regs, f(pc, 2)));
        if is(b, shape::SLICE) {
            at(cx, pc);
            let v = slice_slow(&mut *cx, a, b);
            if !v.is_null() {
                release::<A>(cx, a);
                release::<B>(cx, b);
                return finish(cx, pc, regs, pc.add(3), D == 1, v);
            }
        }
        subscr_any::<A, B, D>(cx, pc, regs)
    }
}

/// The part, or null where the usual way must be gone.
#[inline(never)]
unsafe fn slice_slow(cx: &mut Cx, a: Slot, b: Slot) -> Slot {
    // SAFETY: both are alive; the shape says slice.
    unsafe {
        match crate::types::slice::part(cx, peek(&a), peek(&b).cast_unchecked()) {
            Some(Ok(v)) => give(v),
            Some(Err(_)) => {
                // Said once more by the usual way.
                cx.clear_error();
                std::ptr::null_mut()
            }
            None => std::ptr::null_mut(),
        }
    }
}

#[inline(never)]
unsafe fn subscr_slow(cx: &mut Cx, a: Slot, b: Slot) -> Slot {
    // SAFETY: counted while Python may run; the shapes say what lies there.
    unsafe {
        if is(a, shape::DICT)
            && let Some(Some(i)) = (*a.cast::<Dict>()).find_plain(cx, peek(&b))
        {
            return give((*a.cast::<Dict>()).value_at(cx, i).clone());
        }
        if is(a, shape::BYTES) && is(b, shape::INT) {
            let bytes = (*a.cast::<Bytes>()).bytes();
            let i = int_value(b);
            let i = if i < 0 { i + bytes.len() as i64 } else { i };
            if (i as u64) < bytes.len() as u64 {
                return fast_int(cx, i64::from(bytes[i as usize]));
            }
        }
        if is(b, shape::INT) && (is(a, shape::LIST) || is(a, shape::TUPLE) || is(a, shape::STR)) {
            let (items, len) = if is(a, shape::LIST) {
                items_of::<{ shape::LIST }>(a)
            } else if is(a, shape::TUPLE) {
                items_of::<{ shape::TUPLE }>(a)
            } else {
                (std::ptr::null_mut(), (*a.cast::<Str>()).len())
            };
            let i = int_value(b);
            let i = if i < 0 { i + len as i64 } else { i };
            if (i as u64) < len as u64 {
                if items.is_null() {
                    return Str::of_point(cx, (*a.cast::<Str>()).chars().get(i as usize)).map_or(std::ptr::null_mut(), give);
                }
                return give(peek(&*items.add(i as usize)).clone());
            }
        }
        let (x, y) = (peek(&a).clone(), peek(&b).clone());
        let r = protocol::getitem(cx, &x, &y);
        cx.release(y);
        cx.release(x);
        r.map_or(std::ptr::null_mut(), give)
    }
}

pub fn store_subscr(c: u8, i: u8, v: u8) -> Handler {
    match (c, i, v) {
        (L, L, L) => store_subscr_any::<L, L, L>,
        (L, L, _) => store_subscr_any::<L, L, T>,
        (L, T, L) => store_subscr_any::<L, T, L>,
        (L, T, _) => store_subscr_any::<L, T, T>,
        (L, _, L) => store_subscr_any::<L, K, L>,
        (L, _, _) => store_subscr_any::<L, K, T>,
        (_, L, L) => store_subscr_any::<T, L, L>,
        (_, L, _) => store_subscr_any::<T, L, T>,
        (_, T, L) => store_subscr_any::<T, T, L>,
        (_, T, _) => store_subscr_any::<T, T, T>,
        (_, _, L) => store_subscr_any::<T, K, L>,
        (_, _, _) => store_subscr_any::<T, K, T>,
    }
}

/// Operands: 0 container, 1 key, 2 value.
#[inline(never)]
unsafe fn store_subscr_any<const C: u8, const I: u8, const V: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: as `subscr_any`.
    unsafe {
        let (c, i, v) = (*regs.add(f(pc, 0)), kinded::<I>(pc, regs, f(pc, 1)), *regs.add(f(pc, 2)));
        if is(c, shape::LIST) && is(i, shape::INT) {
            quicken(cx, pc, store_item::<C, I, V>);
        }
        at(cx, pc);
        if !store_subscr_slow(&mut *cx, c, i, v) {
            return fail(cx, pc, regs);
        }
        release::<I>(cx, i);
        release::<C>(cx, c);
        release::<V>(cx, v);
        go(cx, pc.add(3), regs)
    }
}

/// An item of a list by a small int. What was there dies first.
unsafe fn store_item<const C: u8, const I: u8, const V: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: as `subscr_item`.
    unsafe {
        let (c, i, v) = (*regs.add(f(pc, 0)), kinded::<I>(pc, regs, f(pc, 1)), *regs.add(f(pc, 2)));
        if !LENS && is(c, shape::LIST) && is(i, shape::INT) && !(C == T && is_last(c)) {
            let (items, len) = items_of::<{ shape::LIST }>(c);
            let mut k = int_value(i);
            if k < 0 {
                k += len as i64;
            }
            if (k as u64) < len as u64 {
                let place = items.add(k as usize);
                let old = *place;
                if I == K && C == L || !is_last(old) {
                    if V != T {
                        incref(v);
                    }
                    *place = v;
                    if I == K && C == L {
                        return go_without(cx, pc, regs, pc.add(3), old);
                    }
                    drop_light(cx, old);
                    release_number::<I>(cx, i);
                    if C == T {
                        drop_light(cx, c);
                    }
                    return go(cx, pc.add(3), regs);
                }
            }
        }
        store_subscr_any::<C, I, V>(cx, pc, regs)
    }
}

#[inline(never)]
unsafe fn store_subscr_slow(cx: &mut Cx, c: Slot, i: Slot, v: Slot) -> bool {
    // SAFETY: counted while Python may run; shape and type say what lies there.
    unsafe {
        if std::ptr::eq(peek(&c).ty(), &*cx.types.bytearray) && is(i, shape::INT) && is(v, shape::INT) {
            let array = peek(&c).cast_unchecked::<crate::types::ByteArray>();
            if let Ok(byte) = u8::try_from(int_value(v))
                && array.set_byte(cx, int_value(i), byte)
            {
                return true;
            }
        }
        if is(c, shape::DICT)
            && let Some(r) = (*c.cast::<Dict>()).insert_plain(cx, peek(&i), peek(&v))
        {
            return match r {
                Ok(old) => {
                    cx.release(old);
                    true
                }
                Err(_) => false,
            };
        }
        if is(c, shape::LIST) && is(i, shape::INT) {
            let (items, len) = items_of::<{ shape::LIST }>(c);
            let k = int_value(i);
            let k = if k < 0 { k + len as i64 } else { k };
            if (k as u64) < len as u64 {
                incref(v);
                drop_slot(cx, std::mem::replace(&mut *items.add(k as usize), v));
                return true;
            }
        }
        if is(i, shape::INT)
            && is(v, shape::INT)
            && std::ptr::eq(peek(&c).ty(), &*cx.types.bytearray)
            && crate::types::bytearray::set_byte(cx, peek(&c), int_value(i), int_value(v))
        {
            return true;
        }
        let (x, y, z) = (peek(&c).clone(), peek(&i).clone(), peek(&v).clone());
        let r = protocol::setitem(cx, &x, &y, Some(&z));
        drop(z);
        cx.release(y);
        cx.release(x);
        r.is_ok()
    }
}

handler!(delete_subscr, 2, |cx, pc, regs| {
    let r = f(pc, 0);
    let (c, k) = (consume(cx, regs, r), consume(cx, regs, r + 1));
    let result = protocol::setitem(cx, &c, &k, None);
    let saved = if result.is_err() { cx.save_error() } else { None };
    cx.release(k);
    cx.release(c);
    if result.is_err() {
        cx.restore_error(saved);
    }
    result
});

handler!(build_slice, 3, |cx, pc, regs| {
    let (w, n) = (f(pc, 1), *pc.add(2) as usize);
    let (start, stop) = (consume(cx, regs, w), consume(cx, regs, w + 1));
    let step = if n == 3 { consume(cx, regs, w + 2) } else { cx.none() };
    let s = crate::types::slice::make(cx, start, stop, step)?;
    put(cx, regs, f(pc, 0), f(pc, 2) == 1, give(s));
    Ok(())
});
