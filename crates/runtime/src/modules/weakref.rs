//! `_weakref`.

use crate::cx::{Cx, PyResult};
use crate::memory::weak;
use crate::object::Obj;
use crate::types::module;

#[retic_macros::methods]
mod functions {
    //! Weak-reference support module.
    use super::*;

    /// Return the number of weak references to 'object'.
    #[py("getweakrefcount(object, /)")]
    pub fn getweakrefcount(_cx: &mut Cx, object: &Obj) -> usize {
        weak::list(object).len()
    }
    /// Return a list of all weak reference objects pointing to 'object'.
    #[py("getweakrefs(object, /)")]
    pub fn getweakrefs(cx: &mut Cx, object: &Obj) -> PyResult {
        cx.list(weak::list(object).into_iter().map(crate::object::Ref::into_obj).collect())
    }
    /// Atomically remove key from dict if it points to a dead weakref.
    #[py("_remove_dead_weakref(dct, key, /)")]
    pub fn remove_dead_weakref(cx: &mut Cx, dct: &Obj, key: &Obj) -> PyResult<()> {
        let Some(d) = dct.cast::<crate::types::Dict>() else { return Err(cx.type_error("argument 1 must be dict")) };
        if let Some(v) = d.get(cx, key)?
            && v.cast::<crate::types::weakref::WeakRef>().is_some_and(|w| crate::types::weakref::get(w).is_none())
        {
            let old = d.remove(cx, key)?;
            cx.release(old);
        }
        Ok(())
    }
    /// Create a proxy object that weakly references 'object'.
    #[py("proxy(object, callback=None, /)")]
    pub fn proxy(cx: &mut Cx, object: &Obj, callback: Option<&Obj>) -> PyResult {
        let callable = object.ty().slots(cx).call.is_some();
        let ty = if callable { cx.types.weakproxy_callable.clone() } else { cx.types.weakproxy.clone() };
        crate::types::weakref::make(cx, &ty, object, callback.cloned())
    }
}

pub fn make(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "_weakref", functions::DOC, functions::FUNCTIONS)?;
    let (r, p) = (cx.types.weakref.as_obj().clone(), cx.types.weakproxy.as_obj().clone());
    m.set(cx, "ref", r.clone())?;
    m.set(cx, "ReferenceType", r)?;
    m.set(cx, "ProxyType", p)?;
    let callable = cx.types.weakproxy_callable.as_obj().clone();
    m.set(cx, "CallableProxyType", callable)?;
    Ok(m.into_obj())
}
