//! `types.SimpleNamespace`: attributes from keywords, a repr, comparison.

use super::type_::{Cmp, flags};
use super::{Dict, Slots, Spec, Str};
use crate::cx::{Cx, PyResult};
use crate::layout;
use crate::memory;
use crate::native::Args;
use crate::object::{Obj, Ref};
use crate::protocol;

layout! {
    /// A namespace; its attributes are in its instance dictionary.
    pub struct Namespace = 45, "types.SimpleNamespace" {}
}

/// A namespace with these attributes.
pub fn with(cx: &mut Cx, attributes: &[(&'static str, Obj)]) -> PyResult {
    let ty = cx.types.namespace.clone();
    let o = memory::new(cx, &ty, |head| Namespace { head })?.into_obj();
    for (name, value) in attributes {
        let name = cx.name(name);
        protocol::setattr(cx, &o, &name, Some(value))?;
    }
    Ok(o)
}

fn init(cx: &mut Cx, o: &Obj, args: Args<'_>) -> PyResult<()> {
    let positional = args.positional();
    if positional.len() > 1 {
        return Err(cx.type_error(format!("{} expected at most 1 positional argument, got {}", o.ty().name_text(), positional.len())));
    }
    let dict = super::object::dict_of(cx, o)?;
    if let Some(source) = positional.first() {
        let d = Dict::new(cx)?;
        d.update_from(cx, source)?;
        for (k, v) in d.entries(cx) {
            if k.cast::<Str>().is_none() {
                return Err(cx.type_error("keywords must be strings"));
            }
            let old = dict.insert(cx, &k, v)?;
            cx.release(old);
        }
    }
    for (k, v) in args.keywords() {
        let old = dict.insert(cx, k, v.clone())?;
        cx.release(old);
    }
    Ok(())
}

fn repr(cx: &mut Cx, o: &Obj) -> PyResult {
    let name = if std::ptr::eq(o.ty(), &*cx.types.namespace) { "namespace".to_string() } else { o.ty().name_text() };
    let Some(mark) = protocol::enter_repr(cx, o) else { return cx.str(&format!("{name}(...)")) };
    let result = (|| {
        let dict = super::object::dict_of(cx, o)?;
        let mut parts = Vec::new();
        for (k, v) in dict.entries(cx) {
            if let Some(k) = k.cast::<Str>().map(|s| s.to_text(cx)).filter(|k| !k.is_empty()) {
                parts.push(format!("{k}={}", protocol::repr_text(cx, &v)?));
            }
        }
        cx.str(&format!("{name}({})", parts.join(", ")))
    })();
    protocol::leave_repr(cx, mark);
    result
}

#[retic_macros::methods]
impl Namespace {
    /// Return state information for pickling
    #[py("__reduce__($self, /)")]
    fn reduce(cx: &mut Cx, this: &Ref<Namespace>) -> PyResult {
        let o = this.as_obj();
        let dict = super::object::dict_of(cx, o)?.into_obj();
        let args = cx.tuple(Vec::new())?;
        cx.tuple_of([o.type_ref().into_obj(), args, dict])
    }
    /// Return a copy of the namespace object with new values for the specified attributes.
    #[py("__replace__($self, /, **changes)")]
    fn replace(cx: &mut Cx, this: &Ref<Namespace>, changes: Vec<(&Obj, &Obj)>) -> PyResult {
        let o = this.as_obj();
        let class = o.type_ref().into_obj();
        let new = protocol::call(cx, &class, &[])?;
        let (from, to) = (super::object::dict_of(cx, o)?, super::object::dict_of(cx, &new)?);
        to.update_from(cx, from.as_obj())?;
        for (k, v) in changes {
            let old = to.insert(cx, k, v.clone())?;
            cx.release(old);
        }
        Ok(new)
    }
}

pub fn spec() -> Spec {
    Spec {
        doc: "A simple attribute-based namespace.",
        text_signature: "(mapping_or_iterable=(), /, **kwargs)",
        flags: flags::GC | flags::MANAGED | flags::DICT | flags::BASE,
        slots: Slots {
            repr: Some(repr),
            new: Some(|cx, ty, _| Ok(memory::new(cx, ty, |head| Namespace { head })?.into_obj())),
            init: Some(init),
            richcompare: Some(|cx, a, b, op| {
                if a.cast::<Namespace>().is_none() || b.cast::<Namespace>().is_none() || !matches!(op, Cmp::Eq | Cmp::Ne) {
                    return Ok(cx.not_implemented());
                }
                let (x, y) = (super::object::dict_of(cx, a)?, super::object::dict_of(cx, b)?);
                protocol::richcompare(cx, x.as_obj(), y.as_obj(), op)
            }),
            hash: Some(super::dunders::unhashable),
            ..Slots::EMPTY
        },
        methods: Namespace::METHODS,
        ..Spec::new::<Namespace>("types.SimpleNamespace")
    }
}
