//! None, NotImplemented, Ellipsis, and the marker of empty locals.

use super::{Slots, Spec};
use crate::cx::Cx;
use crate::layout;
use crate::object::{Obj, shape};

layout! {
    /// An object that is one of a kind.
    pub struct Singleton = 2, "NoneType" {}
}

pub struct NotImplementedMethods;
#[retic_macros::methods]
impl NotImplementedMethods {
    /// Helper for pickle.
    #[py("__reduce__($self, /)")]
    fn reduce(_cx: &mut Cx, _this: &Obj) -> &'static str {
        "NotImplemented"
    }
}

pub struct EllipsisMethods;
#[retic_macros::methods]
impl EllipsisMethods {
    /// Helper for pickle.
    #[py("__reduce__($self, /)")]
    fn reduce(_cx: &mut Cx, _this: &Obj) -> &'static str {
        "Ellipsis"
    }
}

pub fn none_spec() -> Spec {
    Spec {
        doc: "The type of the None singleton.",
        text_signature: "()",
        shape: shape::NONE,
        slots: Slots {
            repr: Some(|cx, _| cx.str("None")),
            bool: Some(|_, _| Ok(false)),
            hash: Some(|_, _| Ok(0xfca86420)),
            new: Some(|cx, _, args| {
                if !args.is_empty() {
                    return Err(cx.type_error("NoneType takes no arguments"));
                }
                Ok(cx.none())
            }),
            ..Slots::EMPTY
        },
        ..Spec::new::<Singleton>("NoneType")
    }
}

pub fn not_implemented_spec() -> Spec {
    Spec {
        doc: "The type of the NotImplemented singleton.",
        text_signature: "()",
        slots: Slots {
            repr: Some(|cx, _| cx.str("NotImplemented")),
            bool: Some(|cx, _| Err(cx.type_error("NotImplemented should not be used in a boolean context"))),
            new: Some(|cx, _, args| if args.is_empty() { Ok(cx.not_implemented()) } else { Err(cx.type_error("NotImplementedType takes no arguments")) }),
            ..Slots::EMPTY
        },
        methods: NotImplementedMethods::METHODS,
        ..Spec::new::<Singleton>("NotImplementedType")
    }
}

pub fn ellipsis_spec() -> Spec {
    Spec {
        doc: "The type of the Ellipsis singleton.",
        text_signature: "()",
        slots: Slots {
            repr: Some(|cx, _| cx.str("Ellipsis")),
            new: Some(|cx, _, args| if args.is_empty() { Ok(cx.consts.ellipsis.clone()) } else { Err(cx.type_error("EllipsisType takes no arguments")) }),
            ..Slots::EMPTY
        },
        methods: EllipsisMethods::METHODS,
        ..Spec::new::<Singleton>("ellipsis")
    }
}

pub fn unbound_spec() -> Spec {
    Spec { shape: shape::UNBOUND, flags: super::flags::NO_NEW, ..Spec::new::<Singleton>("unbound") }
}
