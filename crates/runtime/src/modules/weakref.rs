//! `_weakref`, and the part of `weakref` that needs no library.

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
        let mut all: Vec<Obj> = weak::list(object).into_iter().map(crate::object::Ref::into_obj).collect();
        all.reverse();
        cx.list(all)
    }
    /// Create a proxy object that weakly references 'object'.
    #[py("proxy(object, callback=None, /)")]
    pub fn proxy(cx: &mut Cx, object: &Obj, callback: Option<&Obj>) -> PyResult {
        let ty = cx.types.weakproxy.clone();
        crate::types::weakref::make(cx, &ty, object, callback.cloned())
    }
}

pub fn make(cx: &mut Cx) -> PyResult {
    named(cx, "_weakref")
}
/// Stands in for Lib/weakref.py until the library is packed in: references and proxies only.
pub fn make_weakref(cx: &mut Cx) -> PyResult {
    named(cx, "weakref")
}

fn named(cx: &mut Cx, name: &str) -> PyResult {
    let m = module::of_functions(cx, name, functions::DOC, functions::FUNCTIONS)?;
    let (r, p) = (cx.types.weakref.as_obj().clone(), cx.types.weakproxy.as_obj().clone());
    m.set(cx, "ref", r.clone())?;
    m.set(cx, "ReferenceType", r)?;
    m.set(cx, "ProxyType", p)?;
    Ok(m.into_obj())
}
