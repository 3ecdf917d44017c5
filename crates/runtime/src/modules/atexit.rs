//! `atexit`: functions that run when the interpreter ends.

use crate::cx::{Cx, PyResult};
use crate::object::Obj;
use crate::protocol;
use crate::types::{Dict, Tuple, module};

/// The function of a registration, its arguments, and the dict of its keywords or None.
fn parts(entry: &Obj) -> Option<(Obj, Obj, Obj)> {
    match entry.cast::<Tuple>()?.items() {
        [function, args, keywords] => Some((function.clone(), args.clone(), keywords.clone())),
        _ => None,
    }
}

fn registered(cx: &Cx) -> Vec<Obj> {
    cx.atexit.borrow().clone()
}
fn replace(cx: &mut Cx, list: Vec<Obj>) {
    let old = cx.atexit.replace(list);
    cx.release(old);
}

#[retic_macros::methods]
mod functions {
    //! Functions that run when the interpreter ends.
    use super::*;

    /// Have a function called with these arguments when the interpreter ends: the last registered first. It is returned, so
    /// that this serves as a decorator.
    #[py("register(func, /, *args, **kwargs)")]
    pub fn register(cx: &mut Cx, func: &Obj, args: &[Obj], kwargs: Vec<(&Obj, &Obj)>) -> PyResult {
        if func.ty().slots(cx).call.is_none() {
            return Err(cx.type_error("the first argument must be callable"));
        }
        let args = cx.tuple(args.to_vec())?;
        let keywords = if kwargs.is_empty() {
            cx.none()
        } else {
            let dict = Dict::new(cx)?;
            for (name, value) in kwargs {
                let old = dict.insert(cx, name, value.clone())?;
                cx.release(old);
            }
            dict.into_obj()
        };
        let entry = cx.tuple_of([func.clone(), args, keywords])?;
        cx.atexit.borrow_mut().push(entry);
        Ok(func.clone())
    }
    /// Take back all registrations of a function, or of one that equals it.
    #[py("unregister(func, /)")]
    pub fn unregister(cx: &mut Cx, func: &Obj) -> PyResult<()> {
        let mut gone = Vec::new();
        for entry in registered(cx) {
            if let Some((f, ..)) = parts(&entry)
                && protocol::equal(cx, &f, func)?
            {
                gone.push(entry);
            }
        }
        // Comparing may have registered others.
        let keep = registered(cx).into_iter().filter(|e| !gone.iter().any(|g| g.is(e))).collect();
        replace(cx, keep);
        Ok(())
    }
    /// Forget all registrations.
    #[py("_clear()")]
    pub fn clear(cx: &mut Cx) {
        replace(cx, Vec::new());
    }
    /// Call what is registered now, and forget it.
    #[py("_run_exitfuncs()")]
    pub fn run_exitfuncs(cx: &mut Cx) {
        run(cx);
    }
    /// How many registrations there are.
    #[py("_ncallbacks()")]
    pub fn ncallbacks(cx: &mut Cx) -> usize {
        cx.atexit.borrow().len()
    }
}

pub(crate) fn make(cx: &mut Cx) -> PyResult {
    Ok(module::of_functions(cx, "atexit", functions::DOC, functions::FUNCTIONS)?.into_obj())
}

/// Runs the exit functions, last registered first. What is registered meanwhile is not run.
pub(crate) fn run(cx: &mut Cx) {
    for entry in registered(cx).into_iter().rev() {
        // It may have been taken back by one that ran before.
        if !cx.atexit.borrow().iter().rev().any(|e| e.is(&entry)) {
            continue;
        }
        let Some((function, args, keywords)) = parts(&entry) else { continue };
        let args = args.cast::<Tuple>().map(|t| t.items().to_vec()).unwrap_or_default();
        let named: Vec<(Obj, Obj)> = keywords.cast::<Dict>().map(|d| d.entries(cx)).unwrap_or_default();
        let named: Vec<(&Obj, &Obj)> = named.iter().map(|(n, v)| (n, v)).collect();
        match protocol::call_keywords(cx, &function, &args, &named) {
            Ok(r) => cx.release(r),
            Err(_) => {
                let shown = cx.save_error();
                let text = protocol::repr_text(cx, &function).unwrap_or_else(|_| {
                    cx.clear_error();
                    "<object repr() failed>".into()
                });
                cx.restore_error(shown);
                let none = cx.none();
                crate::modules::sys::hooks::unraisable(cx, Some(&format!("Exception ignored in atexit callback {text}")), &none);
            }
        }
    }
    replace(cx, Vec::new());
}
