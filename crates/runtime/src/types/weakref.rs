//! `weakref.ref` and proxies.

use super::type_::{Cmp, flags};
use super::{Slots, Spec};
use crate::cx::{Cx, PyResult};
use crate::layout;
use crate::memory::{self, Ops, OpsOf, weak};
use crate::object::{Guarded, Header, Obj, Ref};
use crate::protocol;
use std::cell::Cell;
use std::ptr::NonNull;

layout! {
    /// A weak reference; a link of its target's list while that lives.
    pub struct WeakRef = 36, "weakref" {
        target: Cell<Option<NonNull<Header>>>,
        next: Cell<Option<NonNull<WeakRef>>>,
        prev: Cell<Option<NonNull<WeakRef>>>,
        hash: Cell<i64>,
        callback: Guarded<Option<Obj>>,
    }
}

/// The living target.
pub fn get(w: &WeakRef) -> Option<Obj> {
    // SAFETY: references are emptied before their target dies (M4); the clone takes its own count.
    w.target.get().map(|p| unsafe { (*(&p as *const NonNull<Header>).cast::<Obj>()).clone() })
}

/// What a weak reference stands for, if that lives.
pub fn target(weak: &Obj) -> Option<Obj> {
    weak.cast::<WeakRef>().and_then(|w| get(w))
}
/// A reference; plain ones without callback are shared.
pub fn make(cx: &mut Cx, ty: &Ref<super::Type>, target: &Obj, callback: Option<Obj>) -> PyResult {
    if !weak::allowed(target) {
        return Err(cx.type_error(format!("cannot create weak reference to '{}' object", target.ty().name_text())));
    }
    if callback.is_none() && !ty.is_heap() {
        for r in weak::list(target) {
            if std::ptr::eq(r.as_obj().ty(), &**ty) && r.callback.get(cx).is_none() {
                return Ok(r.into_obj());
            }
        }
    }
    let w =
        memory::new(cx, ty, |head| WeakRef { head, target: Cell::new(None), next: Cell::new(None), prev: Cell::new(None), hash: Cell::new(-1), callback: Guarded::new(callback) })?;
    weak::link(cx, target, &w)?;
    Ok(w.into_obj())
}

unsafe fn drop_ref(raw: NonNull<Header>) {
    // SAFETY: the reference is dying; it leaves its target's list first.
    unsafe {
        weak::unlink(raw.cast::<WeakRef>().as_ref());
        (OpsOf::<WeakRef>::OPS.drop)(raw);
    }
}
pub(super) static OPS: Ops = Ops { drop: drop_ref, ..OpsOf::<WeakRef>::OPS };

fn of(o: &Obj) -> &Ref<WeakRef> {
    // SAFETY: O3, these slots are only reached through weak references.
    unsafe { o.cast_unchecked::<WeakRef>() }
}

pub fn spec() -> Spec {
    Spec {
        flags: flags::GC | flags::BASE,
        ops: &OPS,
        slots: Slots {
            repr: Some(|cx, o| {
                let t = match get(of(o)) {
                    Some(x) => {
                        let key = cx.name("__name__");
                        let name = protocol::special(cx, &x, &key)?.and_then(|n| n.cast::<super::Str>().map(|s| s.to_text(cx)));
                        let name = name.map_or_else(String::new, |n| format!(" ({n})"));
                        let class = super::type_::shown_name(cx, &x.type_ref());
                        format!("<weakref at {:#x}; to '{class}' at {:#x}{name}>", o.address(), x.address())
                    }
                    None => format!("<weakref at {:#x}; dead>", o.address()),
                };
                cx.str(&t)
            }),
            call: Some(|cx, o, _| Ok(get(of(o)).unwrap_or_else(|| cx.none()))),
            hash: Some(|cx, o| {
                let known = of(o).hash.get();
                if known != -1 {
                    return Ok(known);
                }
                let Some(x) = get(of(o)) else { return Err(cx.type_error("weak object has gone away")) };
                let h = protocol::hash(cx, &x)?;
                of(o).hash.set(h);
                Ok(h)
            }),
            richcompare: Some(|cx, a, b, op| {
                let (Some(x), Some(y)) = (a.cast::<WeakRef>(), b.cast::<WeakRef>()) else { return Ok(cx.not_implemented()) };
                if !matches!(op, Cmp::Eq | Cmp::Ne) {
                    return Ok(cx.not_implemented());
                }
                match (get(x), get(y)) {
                    (Some(p), Some(q)) => protocol::richcompare(cx, &p, &q, op),
                    _ => Ok(cx.bool(a.is(b) == (op == Cmp::Eq))),
                }
            }),
            new: Some(|cx, ty, args| {
                let a = args.positional();
                if !args.names.is_empty() && !ty.is_heap() {
                    return Err(cx.type_error("weakref() takes no keyword arguments"));
                }
                if a.len() > 2 && !ty.is_heap() {
                    return Err(cx.type_error(format!("__new__ expected at most 2 arguments, got {}", a.len())));
                }
                let Some(x) = a.first() else { return Err(cx.type_error("__new__ expected at least 1 argument, got 0")) };
                let ty = ty.clone();
                make(cx, &ty, x, a.get(1).filter(|c| !c.is_none()).cloned())
            }),
            init: Some(|cx, _, args| {
                if !args.names.is_empty() {
                    return Err(cx.type_error("weakref() takes no keyword arguments"));
                }
                args.unpack(cx, "__init__", 1, 2).map(drop)
            }),
            ..Slots::EMPTY
        },
        methods: WeakRef::METHODS,
        getset: WeakRef::GETSET,
        ..Spec::new::<WeakRef>("weakref.ReferenceType")
    }
}
#[retic_macros::methods]
impl WeakRef {
    /// See PEP 585
    #[py("__class_getitem__($type, object, /)")]
    fn class_getitem(cx: &mut Cx, cls: &Obj, object: &Obj) -> PyResult {
        super::generic::alias(cx, cls, object)
    }
    #[member("__callback__")]
    fn callback_get(cx: &mut Cx, this: &Ref<WeakRef>) -> Option<Obj> {
        this.callback.cloned(cx)
    }
}
