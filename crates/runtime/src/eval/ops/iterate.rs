//! FOR_ITER: what the iterators of built-in types give next, without a call.

use super::flow::{for_generator, for_plain_generator};
use super::*;
use crate::cx::Cx;
use crate::eval::unwind::fail;
use crate::eval::{Handler, Slot, give, peek};
use crate::object::shape;
use crate::protocol;
use crate::types::Type;
use crate::types::dict::views::DictIter;
use crate::types::iterators::Iter;
use crate::types::iterators::combined::Combined;
use crate::types::range::RangeIter;
use crate::types::set::iterator::SetIter;

pub fn for_iter(d: u8) -> Handler {
    if d == 1 { for_iter_any::<1> } else { for_iter_any::<0> }
}

/// Words: 2 where to go when the iterator is done. Turns itself into the version for what it meets.
#[inline(never)]
pub(super) unsafe fn for_iter_any<const D: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: the iterator is an owned temporary; the register keeps it alive.
    unsafe {
        let it = *regs.add(f(pc, 1));
        match (*it).shape.get() {
            shape::RANGE_ITER => quicken(cx, pc, for_range::<D>),
            shape::LIST_ITER => {
                quicken(cx, pc, for_items::<D, { shape::LIST_ITER }>);
                return for_items::<D, { shape::LIST_ITER }>(cx, pc, regs);
            }
            shape::TUPLE_ITER => {
                quicken(cx, pc, for_items::<D, { shape::TUPLE_ITER }>);
                return for_items::<D, { shape::TUPLE_ITER }>(cx, pc, regs);
            }
            shape::GENERATOR => {
                quicken(cx, pc, for_plain_generator::<D>);
                return for_generator(cx, pc, regs);
            }
            _ => {
                if let Some(handler) = for_known::<D>(&*cx, it) {
                    quicken(cx, pc, handler);
                }
            }
        }
        for_next::<D>(cx, pc, regs)
    }
}

/// What any iterator gives next.
#[inline(never)]
unsafe fn for_next<const D: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: as above.
    unsafe {
        let it = *regs.add(f(pc, 1));
        at(cx, pc);
        let ok = next_slow(&mut *cx, it);
        if !ok {
            return fail(cx, pc, regs);
        }
        let v = (*cx).stacks.result.replace(std::ptr::null_mut());
        if v.is_null() {
            return go_without(cx, pc, regs, *pc.add(2) as *mut u64, *regs.add(f(pc, 1)));
        }
        finish(cx, pc, regs, pc.add(3), D == 1, v)
    }
}

/// The next int of a range of machine integers.
unsafe fn for_range<const D: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: the shape is compared before the layout is used.
    unsafe {
        let it = *regs.add(f(pc, 1));
        if is(it, shape::RANGE_ITER) {
            let r = &*it.cast::<RangeIter>();
            if let Some(v) = r.peek() {
                let o = fast_int(cx, v);
                if !o.is_null() {
                    r.step();
                    return finish(cx, pc, regs, pc.add(3), D == 1, o);
                }
            }
        }
        for_iter_any::<D>(cx, pc, regs)
    }
}

/// The next item of a list or tuple.
unsafe fn for_items<const D: u8, const SHAPE: u32>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: the shape is compared before the layout is used.
    unsafe {
        let it = *regs.add(f(pc, 1));
        if is(it, SHAPE) {
            let v = if SHAPE == shape::LIST_ITER { Iter::next_in_list(it) } else { Iter::next_in_tuple(it) };
            if !v.is_null() {
                incref(v);
                return finish(cx, pc, regs, pc.add(3), D == 1, v);
            }
            return items_over::<D>(cx, pc, regs);
        }
        for_iter_any::<D>(cx, pc, regs)
    }
}

/// A list or tuple has no more items: its iterator gives it up, and goes.
#[inline(never)]
unsafe fn items_over<const D: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: the shape was compared; the iterator stays in its register until what it held is gone.
    unsafe {
        let it = *regs.add(f(pc, 1));
        // Those who watch are told by the usual way.
        if !LENS
            && (*cx).frame_limit.get() != 0
            && let Some(over) = Iter::end(it)
        {
            at(cx, pc);
            if !over.is_null() {
                drop_slot(cx, over);
            }
            return go_without(cx, pc, regs, *pc.add(2) as *mut u64, it);
        }
        for_next::<D>(cx, pc, regs)
    }
}

/// The handler for an iterator that is told by its type.
unsafe fn for_known<const D: u8>(cx: &Cx, it: Slot) -> Option<Handler> {
    // SAFETY: the iterator lies in its register.
    let ty: *const Type = unsafe { (*it).ty.get().as_ptr() };
    let known: [(&Type, Handler); 6] = [
        (&cx.types.dict_iterator, for_entries::<D, false>),
        (&cx.types.dict_value_iterator, for_entries::<D, true>),
        (&cx.types.set_iterator, for_members::<D>),
        (&cx.types.str_iterator, for_chars::<D>),
        (&cx.types.bytes_iterator, for_bytes::<D>),
        (&cx.types.bytearray_iterator, for_bytes::<D>),
    ];
    known.into_iter().find(|(t, _)| std::ptr::eq(*t, ty)).map(|(_, handler)| handler)
}

/// The next key, or value, of a dict that has as many items as at the beginning.
unsafe fn for_entries<const D: u8, const VALUES: bool>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: the type is compared before the layout is used.
    unsafe {
        let it = *regs.add(f(pc, 1));
        let types = &(*cx).types;
        let expected: *const Type = if VALUES { &*types.dict_value_iterator } else { &*types.dict_iterator };
        if std::ptr::eq((*it).ty.get().as_ptr(), expected) {
            let it = &*it.cast::<DictIter>();
            if let Some((next, key, value)) = it.peek(&*cx) {
                let v = if VALUES { value } else { key };
                it.step(next);
                incref(v);
                return finish(cx, pc, regs, pc.add(3), D == 1, v);
            }
        }
        for_iter_any::<D>(cx, pc, regs)
    }
}

/// The next item of a set that has as many as at the beginning.
unsafe fn for_members<const D: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: as above.
    unsafe {
        let it = *regs.add(f(pc, 1));
        let types = &(*cx).types;
        if std::ptr::eq((*it).ty.get().as_ptr(), &*types.set_iterator) {
            let v = (*it.cast::<SetIter>()).advance(&*cx);
            if !v.is_null() {
                incref(v);
                return finish(cx, pc, regs, pc.add(3), D == 1, v);
            }
        }
        for_iter_any::<D>(cx, pc, regs)
    }
}

/// The next character of a text whose characters are all among the first 256.
unsafe fn for_chars<const D: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: as above.
    unsafe {
        let it = *regs.add(f(pc, 1));
        let (types, consts) = (&(*cx).types, &(*cx).consts);
        if std::ptr::eq((*it).ty.get().as_ptr(), &*types.str_iterator)
            && let Some(c) = Iter::next_latin1(it)
        {
            let v = consts.latin1[c as usize].as_ptr().as_ptr();
            incref(v);
            return finish(cx, pc, regs, pc.add(3), D == 1, v);
        }
        for_iter_any::<D>(cx, pc, regs)
    }
}

/// The next of bytes.
unsafe fn for_bytes<const D: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: as above.
    unsafe {
        let it = *regs.add(f(pc, 1));
        let types = &(*cx).types;
        let ty = (*it).ty.get().as_ptr().cast_const();
        if (std::ptr::eq(ty, &*types.bytes_iterator) || std::ptr::eq(ty, &*types.bytearray_iterator))
            && let Some(c) = Iter::next_byte(&*cx, it)
        {
            let v = fast_int(cx, i64::from(c));
            return finish(cx, pc, regs, pc.add(3), D == 1, v);
        }
        for_iter_any::<D>(cx, pc, regs)
    }
}

// Operand 0: the iterator; operands 1 and 2: two locals; word 2: words from there to behind the stores.
/// In front of a FOR_ITER whose pairs go to two locals: what shows pairs of what it has (items of a dict, `enumerate`, `zip`)
/// fills its own tuple and the locals at once, in the order in which the instructions behind do it.
pub unsafe fn for_pair(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: the iterator lies in its register.
    unsafe {
        let ty = (**regs.add(f(pc, 0))).ty.get().as_ptr().cast_const();
        let types = &(*cx).types;
        let handler: Handler = if std::ptr::eq(ty, &*types.dict_item_iterator) {
            for_pair_of::<ITEMS>
        } else if std::ptr::eq(ty, &*types.enumerate) {
            for_pair_of::<COUNTED>
        } else if std::ptr::eq(ty, &*types.zip) {
            for_pair_of::<ZIPPED>
        } else {
            for_no_pair
        };
        quicken(cx, pc, handler);
        handler(cx, pc, regs)
    }
}
const ITEMS: u8 = 0;
const COUNTED: u8 = 1;
const ZIPPED: u8 = 2;

/// The iterator shows no pairs of its own: the instructions behind do it.
pub unsafe fn for_no_pair(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: three words.
    unsafe { go(cx, pc.add(3), regs) }
}

unsafe fn for_pair_of<const KIND: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: the type is compared before the layout is used; the iterator's own pair is seen by nobody while it changes.
    unsafe {
        let it = *regs.add(f(pc, 0));
        let ty = (*it).ty.get().as_ptr().cast_const();
        let types = &(*cx).types;
        let expected: *const Type = match KIND {
            ITEMS => &*types.dict_item_iterator,
            COUNTED => &*types.enumerate,
            _ => &*types.zip,
        };
        if !std::ptr::eq(ty, expected) || (*cx).frame_limit.get() == 0 {
            return go(cx, pc.add(3), regs);
        }
        at(cx, pc);
        let Some((pair, a, b)) = next_pair::<KIND>(cx, it) else { return go(cx, pc.add(3), regs) };
        let at = pair.cast::<Slot>().add(3);
        incref(a);
        incref(b);
        let (old_a, old_b) = (std::mem::replace(&mut *at, a), std::mem::replace(&mut *at.add(1), b));
        drop_slot(cx, old_a);
        drop_slot(cx, old_b);
        put(cx, regs, f(pc, 1), true, a);
        put(cx, regs, f(pc, 2), true, b);
        go(cx, pc.add(2 + *pc.add(2) as usize), regs)
    }
}

/// The iterator's own pair and what comes next, counted; it has moved on.
#[inline(always)]
unsafe fn next_pair<const KIND: u8>(cx: *mut Cx, it: Slot) -> Option<(Slot, Slot, Slot)> {
    // SAFETY: the kind says which layout the iterator has.
    unsafe {
        let cx = &*cx;
        let (pair, a, b) = match KIND {
            ITEMS => {
                let it = &*it.cast::<DictIter>();
                let pair = it.free_pair(cx)?;
                let (next, key, value) = it.peek(cx)?;
                it.step(next);
                incref(key);
                incref(value);
                (pair, key, value)
            }
            COUNTED => {
                let it = &*it.cast::<Combined>();
                let pair = it.free_pair(cx)?;
                let (n, v) = it.next_counted(cx)?;
                (pair, n, v)
            }
            _ => {
                let it = &*it.cast::<Combined>();
                let pair = it.free_pair(cx)?;
                let (a, b) = it.next_two(cx)?;
                (pair, a, b)
            }
        };
        crate::memory::cycles::watch(cx, NonNull::new_unchecked(pair));
        Some((pair, a, b))
    }
}

/// The next value goes to `result`; null at the end. False: an error.
#[inline(never)]
unsafe fn next_slow(cx: &mut Cx, it: Slot) -> bool {
    // SAFETY: the iterator stays in its register.
    unsafe {
        // The register keeps the iterator alive.
        let obj = peek(&it);
        let r = if cx.frame_limit.get() == 0 {
            crate::eval::tracing::next(cx, obj)
        } else {
            match obj.ty().slots(cx).next {
                Some(f) if cx.room().is_ok() => f(cx, obj),
                _ => protocol::next(cx, obj),
            }
        };
        match r {
            Ok(v) => {
                cx.stacks.result.set(v.map_or(std::ptr::null_mut(), give));
                true
            }
            Err(_) if cx.error_is(&cx.types.stop_iteration) => {
                cx.clear_error();
                true
            }
            Err(_) => false,
        }
    }
}
