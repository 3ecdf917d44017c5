//! `__buffer__` and `__release_buffer__` written in Python (PEP 688): who shows another object's bytes, and hears when nobody
//! looks at them any more. What CPython's `_buffer_wrapper` in Objects/typeobject.c does.

use super::descriptor::Wrapper;
use super::memoryview::{self, MemoryView};
use super::type_::flags;
use super::{Slots, Spec, Type};
use crate::cx::{Cx, PyResult};
use crate::layout;
use crate::memory;
use crate::object::{Guarded, Obj, Ref};
use crate::protocol::buffer::Buffer;
use std::cell::Cell;

layout! {
    /// The exporter of such a buffer: the view that `__buffer__` gave, or none where the object's own bytes are shown, and the
    /// object that is told of the end. Both are gone then.
    pub struct Exported = 55, "_buffer_wrapper" { view: Guarded<Option<Obj>>, object: Guarded<Option<Obj>>, holds: Cell<usize>, }
}

/// `PyBUF_WRITABLE`, and `PyBUF_FULL_RO`, which asks for anything to read.
pub const WRITABLE: i64 = 1;
pub const FULL_RO: i64 = 284;

/// The slots of the built-in type whose bytes an object has of its own.
fn native(cx: &Cx, ty: &Type) -> Option<Slots> {
    ty.mro_list(cx).iter().filter_map(|t| t.cast::<Type>()).find(|t| !t.is_heap()).map(|t| *t.slots(cx)).filter(|s| s.storage.is_some())
}

/// Whether a class says in Python what its method does.
fn in_python(cx: &mut Cx, o: &Obj, name: &'static str) -> bool {
    let key = cx.name(name);
    o.ty().lookup(cx, &key).is_some_and(|f| f.cast::<Wrapper>().is_none())
}

fn exported(cx: &Cx, view: Option<Obj>, object: &Obj) -> PyResult {
    let (view, object) = (Guarded::new(view), Guarded::new(Some(object.clone())));
    Ok(memory::new(cx, &cx.types.python_buffer, |head| Exported { head, view, object, holds: Cell::new(1) })?.into_obj())
}

/// The buffer of an object by the slots of a built-in type.
pub fn own(cx: &mut Cx, slots: &Slots, o: &Obj) -> PyResult<Buffer> {
    let Some(f) = slots.buffer else { return Err(cx.type_error(format!("a bytes-like object is required, not '{}'", o.ty().name_text()))) };
    let mut b = f(cx, o)?;
    if o.ty().is_heap() && b.exporter.is(o) && in_python(cx, o, "__release_buffer__") {
        b.exporter = exported(cx, None, o)?;
    }
    Ok(b)
}

/// The slot of classes that have `__buffer__` or `__release_buffer__` of their own.
pub fn get(cx: &mut Cx, o: &Obj) -> PyResult<Buffer> {
    asked(cx, o, FULL_RO)
}
/// The same with CPython's flags of a request.
pub fn asked(cx: &mut Cx, o: &Obj, flags: i64) -> PyResult<Buffer> {
    if !in_python(cx, o, "__buffer__") {
        let slots = native(cx, o.ty()).unwrap_or(Slots::EMPTY);
        return own(cx, &slots, o);
    }
    let flags = cx.int(flags)?;
    let r = super::dunders::call_special(cx, o, "__buffer__", &[&flags])?;
    let Some(m) = r.cast::<MemoryView>() else {
        return Err(cx.type_error(format!("__buffer__ returned non-memoryview object (type {})", r.ty().name_text())));
    };
    let v = memoryview::lent(cx, m)?;
    m.exports.set(m.exports.get() + 1);
    Ok(Buffer { exporter: exported(cx, Some(r), o)?, ..v })
}

impl Exported {
    /// One look more.
    pub fn hold(&self) {
        self.holds.set(self.holds.get() + 1);
    }
    /// One look less; true when it was the last.
    pub fn let_go(&self) -> bool {
        self.holds.set(self.holds.get().saturating_sub(1));
        self.holds.get() == 0
    }
    /// The object whose bytes these are.
    pub fn is_of(&self, cx: &Cx, o: &Obj) -> bool {
        self.object.get(cx).as_ref().is_some_and(|x| x.is(o))
    }
}

/// Ends the buffer and tells the object.
fn finish(cx: &mut Cx, this: &Ref<Exported>) {
    let (view, Some(object)) = (this.view.replace(cx, None), this.object.replace(cx, None)) else { return };
    let saved = cx.save_error();
    let told = in_python(cx, &object, "__release_buffer__");
    match view.as_ref().and_then(|v| v.cast::<MemoryView>()) {
        Some(m) => {
            m.exports.set(m.exports.get().saturating_sub(1));
            // A view of the object's own bytes tells it when it ends itself.
            let of_its_own = m.view.get(cx).as_ref().is_some_and(|b| b.exporter.is(&object) || b.exporter.cast::<Exported>().is_some_and(|e| e.is_of(cx, &object)));
            if told && !of_its_own {
                tell(cx, &object, m.as_obj());
            }
        }
        None => {
            let slots = native(cx, object.ty()).unwrap_or(Slots::EMPTY);
            let release = |cx: &mut Cx| {
                if let Some(f) = slots.release_buffer {
                    f(cx, &object);
                }
            };
            // What it is shown cannot be kept.
            if let Some(f) = slots.buffer.filter(|_| told) {
                match f(cx, &object).and_then(|b| memoryview::restricted(cx, b)) {
                    Ok(m) => {
                        tell(cx, &object, m.as_obj());
                        memoryview::forget(cx, &m);
                        release(cx);
                    }
                    Err(_) => cx.unraisable(&object),
                }
            }
            release(cx);
        }
    }
    cx.restore_error(saved);
    cx.release_with_error((view, object));
}
fn tell(cx: &mut Cx, object: &Obj, view: &Obj) {
    match super::dunders::call_special(cx, object, "__release_buffer__", &[view]) {
        Ok(r) => cx.release(r),
        Err(_) => {
            let (message, none) = (format!("Exception ignored in __release_buffer__ of {}", object.ty().name_text()), cx.none());
            crate::modules::sys::hooks::unraisable(cx, Some(&message), &none);
        }
    }
}

/// `__release_buffer__` of a built-in type: ends a view of this object.
pub fn release_view(cx: &mut Cx, this: &Obj, view: &Obj) -> PyResult<()> {
    let Some(m) = view.cast::<MemoryView>().cloned() else { return Err(cx.type_error("expected a memoryview object")) };
    if m.restricted.get() {
        return Ok(());
    }
    let of_this = match m.view.get(cx) {
        None => return Err(cx.value_error("memoryview's buffer has already been released")),
        Some(b) => b.exporter.is(this) || b.exporter.cast::<Exported>().is_some_and(|e| e.view.get(cx).is_none() && e.is_of(cx, this)),
    };
    if !of_this {
        return Err(cx.value_error("memoryview's buffer is not this object"));
    }
    memoryview::give_back(cx, &m)
}

pub fn spec() -> Spec {
    Spec {
        flags: flags::GC | flags::NO_NEW,
        slots: Slots {
            storage: Some(|cx, o| {
                // One may show what another one shows, as deep as a program likes.
                let mut at = Some(o);
                while let Some(e) = at.and_then(|o| o.cast::<Exported>()) {
                    at = match e.view.get(cx) {
                        Some(v) => v.cast::<MemoryView>().and_then(|m| m.view.get(cx).as_ref()).map(|b| &b.exporter),
                        None => e.object.get(cx).as_ref(),
                    };
                }
                match at.and_then(|o| Some((o, o.ty().slots(cx).storage?))) {
                    Some((o, f)) => f(cx, o),
                    None => ([].as_ptr(), 0),
                }
            }),
            release_buffer: Some(|cx, o| {
                let e = this(o).clone();
                if e.let_go() {
                    finish(cx, &e);
                }
            }),
            del: Some(|cx, o| finish(cx, &this(o).clone())),
            ..Slots::EMPTY
        },
        ..Spec::new::<Exported>("_buffer_wrapper")
    }
}
fn this(o: &Obj) -> &Ref<Exported> {
    // SAFETY: O3, these slots are only reached through such objects.
    unsafe { o.cast_unchecked::<Exported>() }
}
