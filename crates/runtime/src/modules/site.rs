//! `exit`, `quit`, `help`, `copyright`, `credits` and `license`, which CPython's `site` puts among the built-ins. The objects
//! of the library are made when somebody first looks at one, so that no program pays for them.

use crate::cx::{Cx, PyResult};
use crate::layout;
use crate::memory;
use crate::object::{Guarded, Obj, Ref};
use crate::protocol;
use crate::types::type_::flags;
use crate::types::{Slots, Spec, Str};

layout! {
    /// Stands for a built-in name until it is used.
    pub struct Late = 301, "_sitebuiltins.Late" { name: Guarded<Ref<Str>>, }
}

/// The object of the library; it takes the place among the built-ins.
fn made(cx: &mut Cx, o: &Obj) -> PyResult {
    let Some(late) = o.cast::<Late>() else { return Ok(o.clone()) };
    let name = late.name.cloned(cx);
    let m = super::import(cx, "_retic_site")?;
    let made = protocol::getattr(cx, &m, &name)?;
    if let Some(b) = cx.builtins.clone()
        && b.get_str(cx, &name).is_some_and(|known| known.is(o))
    {
        let old = b.insert(cx, name.as_obj(), made.clone())?;
        cx.release(old);
    }
    Ok(made)
}

/// Puts the names among the built-ins.
pub fn install(cx: &mut Cx) -> PyResult<()> {
    let spec = Spec {
        flags: flags::GC | flags::NO_NEW,
        slots: Slots {
            repr: Some(|cx, o| {
                let o = made(cx, o)?;
                protocol::repr(cx, &o)
            }),
            str: Some(|cx, o| {
                let o = made(cx, o)?;
                protocol::str(cx, &o)
            }),
            call: Some(|cx, o, args| {
                let o = made(cx, o)?;
                protocol::call_args(cx, &o, args)
            }),
            getattribute: Some(|cx, o, name| {
                let o = made(cx, o)?;
                protocol::getattr(cx, &o, name)
            }),
            ..Slots::EMPTY
        },
        ..Spec::new::<Late>("_sitebuiltins.Late")
    };
    let ty = crate::interp::native_type(cx, &spec, &cx.types.object.clone())?;
    let Some(builtins) = cx.builtins.clone() else { return Ok(()) };
    for name in ["exit", "quit", "copyright", "credits", "license", "help"] {
        let name = cx.name(name);
        let late = memory::new(cx, &ty, |head| Late { head, name: Guarded::new(name.clone()) })?;
        builtins.insert(cx, name.as_obj(), late.into_obj())?;
    }
    Ok(())
}
