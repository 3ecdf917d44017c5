//! Weak references: the list in front of an object, clearing at death, callbacks.

use super::managed;
use crate::cx::{Cx, PyResult};
use crate::object::{Obj, Ref};
use crate::types::weakref::WeakRef;
use crate::types::{Type, flags};
use std::ptr::NonNull;

/// Whether weak references to the object can be made.
pub fn allowed(obj: &Obj) -> bool {
    obj.ty().flags.get() & flags::WEAK != 0
}

fn head(obj: &Obj) -> Option<NonNull<WeakRef>> {
    // SAFETY: WEAK types are managed.
    unsafe { managed(obj.as_ptr()) }.weak.get().map(NonNull::cast)
}

/// The weak references to an object: those without a callback, then newest first; borrowed pointers turned into handles.
pub fn list(obj: &Obj) -> Vec<Ref<WeakRef>> {
    let mut out = Vec::new();
    if !allowed(obj) {
        return out;
    }
    let mut at = head(obj);
    while let Some(w) = at {
        // SAFETY: a reference leaves the list before its block is given back. One with a count of zero waits for its
        // burial, or is giving up what it owns at this moment: no handle of it may be made.
        let r = unsafe { &*(&w as *const NonNull<WeakRef>).cast::<Ref<WeakRef>>() };
        if r.as_obj().count() > 0 {
            out.push(r.clone());
        }
        at = r.next.get();
    }
    out
}

/// What a list begins with: the plain reference, then the plain proxy, which nobody waits for.
fn is_basic(cx: &Cx, w: NonNull<WeakRef>, proxy: bool) -> bool {
    // SAFETY: in the list, so live.
    let w = unsafe { w.as_ref() };
    let ty = w.head.ty.get().as_ptr().cast_const();
    let is = |t: &Ref<Type>| std::ptr::eq(ty, &**t);
    w.callback.get(cx).is_none() && if proxy { is(&cx.types.weakproxy) || is(&cx.types.weakproxy_callable) } else { is(&cx.types.weakref) }
}

/// Puts a new reference into its target's list: behind those it begins with (CPython's `insert_weakref`).
pub fn link(cx: &mut Cx, target: &Obj, new: &Ref<WeakRef>) -> PyResult<()> {
    let raw = new.as_raw();
    new.target.set(Some(target.as_ptr()));
    // SAFETY: WEAK types are managed; what is in the list is live.
    unsafe {
        let reference = head(target).filter(|w| is_basic(cx, *w, false));
        let before = if is_basic(cx, raw, false) {
            None
        } else if is_basic(cx, raw, true) {
            reference
        } else {
            reference.map_or_else(|| head(target), |r| r.as_ref().next.get()).filter(|w| is_basic(cx, *w, true)).or(reference)
        };
        let next = before.map_or_else(|| head(target), |b| b.as_ref().next.get());
        new.prev.set(before);
        new.next.set(next);
        if let Some(n) = next {
            n.as_ref().prev.set(Some(raw));
        }
        match before {
            Some(b) => b.as_ref().next.set(Some(raw)),
            None => managed(target.as_ptr()).weak.set(Some(raw.cast())),
        }
    }
    Ok(())
}

/// Takes a reference out of its target's list.
pub fn unlink(w: &WeakRef) {
    let Some(target) = w.target.take() else { return };
    let (prev, next) = (w.prev.take(), w.next.take());
    // SAFETY: neighbours are in the list, so live; the target is live while references point at it.
    unsafe {
        match prev {
            Some(p) => p.as_ref().next.set(next),
            None => managed(target).weak.set(next.map(NonNull::cast)),
        }
        if let Some(n) = next {
            n.as_ref().prev.set(prev);
        }
    }
}

/// Empties all weak references to a dying object, then calls their callbacks (M4), newest first as CPython.
pub fn clear(cx: &mut Cx, obj: &Obj) {
    let all = list(obj);
    let mut calls = Vec::new();
    for r in &all {
        unlink(r);
        if let Some(callback) = r.callback.replace(cx, None) {
            calls.push((r.clone(), callback));
        }
    }
    // Those that are themselves dead: they call nobody.
    while let Some(dead) = head(obj) {
        // SAFETY: in the list, so its block is whole.
        unlink(unsafe { dead.as_ref() });
    }
    for (r, callback) in calls {
        // A reference that is itself going away calls nobody.
        if r.as_obj().count() > 2 {
            let saved = cx.save_error();
            if crate::protocol::call(cx, &callback, &[r.as_obj().clone()]).is_err() {
                cx.unraisable(&callback);
            }
            cx.restore_error(saved);
        }
        cx.release(callback);
        cx.release(r);
    }
    drop(all);
}
