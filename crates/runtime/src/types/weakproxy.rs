//! Weak proxies: every operation goes to the object, on both sides of an operator.

use super::type_::{Binary, Op, flags};
use super::weakref::{OPS, WeakRef, get};
use super::{Slots, Spec};
use crate::cx::{Cx, PyResult};
use crate::object::{Obj, Ref};
use crate::protocol;

fn alive(cx: &mut Cx, o: &Obj) -> PyResult {
    let target = o.cast::<WeakRef>().and_then(|w| get(w));
    target.ok_or_else(|| cx.error_of(&cx.types.reference_error, "weakly-referenced object no longer exists"))
}

/// The object of a proxy; anything else is itself.
fn unwrap(cx: &mut Cx, o: &Obj) -> PyResult {
    if is_proxy(cx, o) { alive(cx, o) } else { Ok(o.clone()) }
}

fn is_proxy(cx: &Cx, o: &Obj) -> bool {
    std::ptr::eq(o.ty(), &*cx.types.weakproxy) || std::ptr::eq(o.ty(), &*cx.types.weakproxy_callable)
}

macro_rules! forward {
    ($way:ident: $($op:ident)*) => {
        [$(Some(|cx, a, b| {
            let (x, y) = (unwrap(cx, a)?, unwrap(cx, b)?);
            protocol::$way(cx, &x, &y, Op::$op)
        })),*]
    };
}

const BINARY: [Option<Binary>; 14] = forward!(binary: Add Sub Mul MatMul TrueDiv FloorDiv Mod Pow LShift RShift And Xor Or DivMod);
const INPLACE: [Option<Binary>; 14] = forward!(inplace: Add Sub Mul MatMul TrueDiv FloorDiv Mod Pow LShift RShift And Xor Or DivMod);

fn unary(cx: &mut Cx, o: &Obj, op: &str) -> PyResult {
    let x = alive(cx, o)?;
    protocol::unary(cx, &x, op)
}

#[retic_macros::methods]
impl WeakProxy {
    /// The object as bytes.
    #[py("__bytes__($self, /)")]
    fn bytes(cx: &mut Cx, this: &Ref<WeakRef>) -> PyResult {
        let x = alive(cx, this.as_obj())?;
        let class = cx.types.bytes.as_obj().clone();
        protocol::call(cx, &class, &[x])
    }
    /// Return a reverse iterator over the object.
    #[py("__reversed__($self, /)")]
    fn reversed(cx: &mut Cx, this: &Ref<WeakRef>) -> PyResult {
        let x = alive(cx, this.as_obj())?;
        protocol::call_method(cx, &x, "__reversed__", &[])
    }
}

/// The Python face of proxies: they are weak references with other slots.
pub struct WeakProxy;

fn slots(callable: bool) -> Slots {
    Slots {
        repr: Some(|cx, o| {
            let t = match o.cast::<WeakRef>().and_then(|w| get(w)) {
                Some(x) => format!("<weakproxy at {:#x}; to '{}' at {:#x}>", o.address(), super::type_::shown_name(cx, &x.type_ref()), x.address()),
                None => format!("<weakproxy at {:#x}; dead>", o.address()),
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
        call: callable.then_some(|cx, o, args| {
            let x = alive(cx, o)?;
            protocol::call_args(cx, &x, args)
        }),
        richcompare: Some(|cx, a, b, op| {
            let (x, y) = (unwrap(cx, a)?, unwrap(cx, b)?);
            protocol::richcompare(cx, &x, &y, op)
        }),
        hash: Some(super::dunders::unhashable),
        bool: Some(|cx, o| {
            let x = alive(cx, o)?;
            protocol::truth(cx, &x)
        }),
        int: Some(|cx, o| {
            let x = alive(cx, o)?;
            let class = cx.types.int.as_obj().clone();
            protocol::call(cx, &class, &[x])
        }),
        float: Some(|cx, o| {
            let x = alive(cx, o)?;
            let class = cx.types.float.as_obj().clone();
            protocol::call(cx, &class, &[x])
        }),
        index: Some(|cx, o| {
            let x = alive(cx, o)?;
            protocol::index(cx, &x)
        }),
        neg: Some(|cx, o| unary(cx, o, "-")),
        pos: Some(|cx, o| unary(cx, o, "+")),
        invert: Some(|cx, o| unary(cx, o, "~")),
        abs: Some(|cx, o| {
            let x = alive(cx, o)?;
            protocol::call_method(cx, &x, "__abs__", &[])
        }),
        power: Some(|cx, a, b, m| {
            let (x, y, z) = (unwrap(cx, a)?, unwrap(cx, b)?, unwrap(cx, m)?);
            protocol::power(cx, &x, &y, Some(&z))
        }),
        binary: BINARY,
        inplace: INPLACE,
        len: Some(|cx, o| {
            let x = alive(cx, o)?;
            protocol::len(cx, &x)
        }),
        getitem: Some(|cx, o, k| {
            let x = alive(cx, o)?;
            protocol::getitem(cx, &x, k)
        }),
        setitem: Some(|cx, o, k, v| {
            let x = alive(cx, o)?;
            protocol::setitem(cx, &x, k, v)
        }),
        contains: Some(|cx, o, k| {
            let x = alive(cx, o)?;
            protocol::contains(cx, &x, k)
        }),
        iter: Some(|cx, o| {
            let x = alive(cx, o)?;
            protocol::iter(cx, &x)
        }),
        next: Some(|cx, o| {
            let x = alive(cx, o)?;
            if x.ty().slots(cx).next.is_none() {
                return Err(cx.type_error(format!("Weakref proxy referenced a non-iterator '{}' object", x.ty().name_text())));
            }
            protocol::next(cx, &x)
        }),
        ..Slots::EMPTY
    }
}

pub fn spec() -> Spec {
    Spec { flags: flags::GC | flags::NO_NEW, ops: &OPS, slots: slots(false), methods: WeakProxy::METHODS, ..Spec::new::<WeakRef>("weakref.ProxyType") }
}

/// The proxies of objects that can be called.
pub fn callable_spec() -> Spec {
    Spec { flags: flags::GC | flags::NO_NEW, ops: &OPS, slots: slots(true), methods: WeakProxy::METHODS, ..Spec::new::<WeakRef>("weakref.CallableProxyType") }
}
