//! Weak references: the list in front of an object, clearing at death, callbacks.

use super::managed;
use crate::cx::{Cx, PyResult};
use crate::object::{Obj, Ref};
use crate::types::flags;
use crate::types::weakref::WeakRef;
use std::ptr::NonNull;

/// Whether weak references to the object can be made.
pub fn allowed(obj: &Obj) -> bool {
    obj.ty().flags.get() & flags::WEAK != 0
}

fn head(obj: &Obj) -> Option<NonNull<WeakRef>> {
    // SAFETY: WEAK types are managed.
    unsafe { managed(obj.as_ptr()) }.weak.get().map(NonNull::cast)
}

/// The weak references to an object, newest first; borrowed pointers turned into handles.
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

/// Puts a new reference into its target's list: plain ones first, then in order of birth.
pub fn link(cx: &mut Cx, target: &Obj, new: &Ref<WeakRef>) -> PyResult<()> {
    let _ = cx;
    let raw = new.as_raw();
    new.target.set(Some(target.as_ptr()));
    // SAFETY: WEAK types are managed.
    let slot = unsafe { managed(target.as_ptr()) };
    let first = head(target);
    new.next.set(first);
    new.prev.set(None);
    if let Some(f) = first {
        // SAFETY: in the list, so live.
        unsafe { f.as_ref() }.prev.set(Some(raw));
    }
    slot.weak.set(Some(raw.cast()));
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
