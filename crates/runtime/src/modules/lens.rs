//! `_retic`: what `import retic` is made of.

use crate::cx::{Cx, PyResult};
use crate::lens;
use crate::object::Obj;
use crate::types::module;

#[retic_macros::methods]
mod functions {
    //! The living seen from inside: counts and holders.
    use super::*;

    /// Return a list of (owner, words) for every reference to 'object' that can be walked to.
    ///
    /// Variables of frames and of modules have no owner: it is None.
    #[py("holders(object, /)")]
    pub fn holders(cx: &mut Cx, object: &Obj) -> PyResult {
        let found = lens::holders(cx, object)?;
        list_of(cx, found)
    }
    /// Return the same for the shortest way from 'object' to a variable, nearest first.
    #[py("chain(object, /)")]
    pub fn chain(cx: &mut Cx, object: &Obj) -> PyResult {
        let found = lens::chain(cx, object)?;
        list_of(cx, found)
    }
    /// Return the number of instructions carried out under the lens.
    #[py("steps()")]
    pub fn steps(cx: &mut Cx) -> i64 {
        cx.lens.steps() as i64
    }
    /// Return whether a recording is under way.
    #[py("is_recording()")]
    pub fn is_recording(cx: &mut Cx) -> bool {
        cx.lens.is_recording()
    }
}

fn list_of(cx: &mut Cx, found: Vec<(Option<Obj>, String)>) -> PyResult {
    let mut out = Vec::new();
    for (owner, words) in found {
        let owner = owner.unwrap_or_else(|| cx.none());
        let words = cx.str(&words)?;
        out.push(cx.tuple(vec![owner, words])?);
    }
    cx.list(out)
}

/// Makes the module.
pub fn make(cx: &mut Cx) -> PyResult {
    Ok(module::of_functions(cx, "_retic", functions::DOC, functions::FUNCTIONS)?.into_obj())
}
