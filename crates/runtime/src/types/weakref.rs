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

/// A reference; plain ones without callback are shared.
/// What a weak reference stands for, if that lives.
pub fn target(weak: &Obj) -> Option<Obj> {
    weak.cast::<WeakRef>().and_then(|w| get(w))
}
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
static OPS: Ops = Ops { drop: drop_ref, ..OpsOf::<WeakRef>::OPS };

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
                    Some(x) => format!("<weakref at {:#x}; to '{}' at {:#x}>", o.address(), x.ty().name_text(), x.address()),
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
                let Some(x) = a.first() else { return Err(cx.type_error("__new__ expected at least 1 argument, got 0")) };
                let ty = ty.clone();
                make(cx, &ty, x, a.get(1).filter(|c| !c.is_none()).cloned())
            }),
            init: Some(|_, _, _| Ok(())),
            ..Slots::EMPTY
        },
        getset: WeakRef::GETSET,
        ..Spec::new::<WeakRef>("weakref.ReferenceType")
    }
}
#[retic_macros::methods]
impl WeakRef {
    #[get("__callback__")]
    fn callback_get(cx: &mut Cx, this: &Ref<WeakRef>) -> Option<Obj> {
        this.callback.cloned(cx)
    }
}

fn alive(cx: &mut Cx, o: &Obj) -> PyResult {
    get(of(o)).ok_or_else(|| cx.error_of(&cx.types.reference_error, "weakly-referenced object no longer exists"))
}

pub fn proxy_spec() -> Spec {
    Spec {
        flags: flags::GC,
        ops: &OPS,
        slots: Slots {
            repr: Some(|cx, o| {
                let t = match get(of(o)) {
                    Some(x) => format!("<weakproxy at {:#x} to {} at {:#x}>", o.address(), x.ty().name_text(), x.address()),
                    None => format!("<weakproxy at {:#x} to NoneType>", o.address()),
                };
                cx.str(&t)
            }),
            str: Some(|cx, o| {
                let x = alive(cx, o)?;
                protocol::str(cx, &x)
            }),
            getattribute: Some(|cx, o, n| {
                let x = alive(cx, o)?;
                protocol::getattr(cx, &x, n)
            }),
            setattr: Some(|cx, o, n, v| {
                let x = alive(cx, o)?;
                protocol::setattr(cx, &x, n, v)
            }),
            call: Some(|cx, o, args| {
                let x = alive(cx, o)?;
                protocol::call_args(cx, &x, args)
            }),
            len: Some(|cx, o| {
                let x = alive(cx, o)?;
                protocol::len(cx, &x)
            }),
            getitem: Some(|cx, o, k| {
                let x = alive(cx, o)?;
                protocol::getitem(cx, &x, k)
            }),
            iter: Some(|cx, o| {
                let x = alive(cx, o)?;
                protocol::iter(cx, &x)
            }),
            bool: Some(|cx, o| {
                let x = alive(cx, o)?;
                protocol::truth(cx, &x)
            }),
            hash: Some(super::dunders::unhashable),
            ..Slots::EMPTY
        },
        ..Spec::new::<WeakRef>("weakref.ProxyType")
    }
}
