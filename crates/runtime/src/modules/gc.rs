//! The module `gc`.

use crate::cx::{Cx, PyResult};
use crate::memory::{self, cycles};
use crate::object::Obj;
use crate::types::{List, module};

#[retic_macros::methods]
mod functions {
    //! This module provides access to the garbage collector for reference cycles.
    use super::*;
    use crate::protocol;

    /// Enable automatic garbage collection.
    #[py("enable()")]
    pub fn enable(cx: &mut Cx) {
        cx.collector.enabled.set(true);
    }
    /// Disable automatic garbage collection.
    #[py("disable()")]
    pub fn disable(cx: &mut Cx) {
        cx.collector.enabled.set(false);
    }
    /// Returns true if automatic garbage collection is enabled.
    #[py("isenabled()")]
    pub fn isenabled(cx: &mut Cx) -> bool {
        cx.collector.enabled.get()
    }
    /// Run the garbage collector.
    #[py("collect(generation=2)")]
    pub fn collect(cx: &mut Cx, generation: i64) -> PyResult<usize> {
        if !(0..=2).contains(&generation) {
            return Err(cx.value_error("invalid generation"));
        }
        Ok(cycles::collect(cx, generation as usize))
    }
    /// Return a three-tuple of the current collection counts.
    #[py("get_count()")]
    pub fn get_count(cx: &mut Cx) -> PyResult {
        let c: Vec<i64> = cx.collector.counts.iter().map(std::cell::Cell::get).collect();
        let t = c.into_iter().map(|v| cx.int(v)).collect::<PyResult<Vec<_>>>()?;
        cx.tuple(t)
    }
    /// Return the current collection thresholds.
    #[py("get_threshold()")]
    pub fn get_threshold(cx: &mut Cx) -> PyResult {
        let c: Vec<i64> = cx.collector.thresholds.iter().map(std::cell::Cell::get).collect();
        let t = c.into_iter().map(|v| cx.int(v)).collect::<PyResult<Vec<_>>>()?;
        cx.tuple(t)
    }
    /// set_threshold(threshold0, [threshold1, [threshold2]])
    ///
    /// Set the collection thresholds (the collection frequency).
    #[py("set_threshold(threshold0, threshold1=None, threshold2=None, /)", "")]
    pub fn set_threshold(cx: &mut Cx, threshold0: i64, threshold1: Option<i64>, threshold2: Option<i64>) {
        cx.collector.thresholds[0].set(threshold0);
        if let Some(t) = threshold1 {
            cx.collector.thresholds[1].set(t);
        }
        if let Some(t) = threshold2 {
            cx.collector.thresholds[2].set(t);
        }
    }
    /// Set the garbage collection debugging flags.
    #[py("set_debug(flags, /)")]
    pub fn set_debug(cx: &mut Cx, flags: i64) {
        cx.collector.debug.set(flags);
    }
    /// Get the garbage collection debugging flags.
    #[py("get_debug()")]
    pub fn get_debug(cx: &mut Cx) -> i64 {
        cx.collector.debug.get()
    }
    /// Returns true if the object is tracked by the garbage collector.
    #[py("is_tracked(obj, /)")]
    pub fn is_tracked(_cx: &mut Cx, obj: &Obj) -> bool {
        cycles::is_tracked(obj)
    }
    /// Returns true if the object has been already finalized by the garbage collector.
    #[py("is_finalized(obj, /)")]
    pub fn is_finalized(_cx: &mut Cx, obj: &Obj) -> bool {
        cycles::is_finalized(obj)
    }
    /// Return a list of objects tracked by the collector (excluding the list returned).
    #[py("get_objects(generation=None)")]
    pub fn get_objects(cx: &mut Cx, generation: Option<i64>) -> PyResult {
        cx.audit("gc.get_objects", &[generation.unwrap_or(-1).into()])?;
        let generation = match generation {
            Some(3..) => {
                return Err(cx.value_error("generation parameter must be less than the number of available generations (3)"));
            }
            Some(-1) => None,
            Some(g) if g < 0 => return Err(cx.value_error("generation parameter cannot be negative")),
            g => g.map(|g| g as usize),
        };
        let all = cycles::objects(cx, generation);
        cx.list(all)
    }
    /// Return the list of objects that directly refer to any of 'objs'.
    #[py("get_referrers(*objs)")]
    pub fn get_referrers(cx: &mut Cx, objs: &[Obj]) -> PyResult {
        if cx.is_audited() {
            let all = cx.tuple(objs.to_vec())?;
            cx.audit("gc.get_referrers", &[(&all).into()])?;
        }
        let mut out = Vec::new();
        for o in cycles::objects(cx, None) {
            let mut found = false;
            memory::trace(cx, &o, &mut |r| found |= objs.iter().any(|x| x.is(r)));
            if found {
                out.push(o);
            }
        }
        cx.list(out)
    }
    /// Return the list of objects that are directly referred to by 'objs'.
    #[py("get_referents(*objs)")]
    pub fn get_referents(cx: &mut Cx, objs: &[Obj]) -> PyResult {
        if cx.is_audited() {
            let all = cx.tuple(objs.to_vec())?;
            cx.audit("gc.get_referents", &[(&all).into()])?;
        }
        let mut out = Vec::new();
        for o in objs {
            memory::trace(cx, o, &mut |r| out.push(r.clone()));
        }
        cx.list(out)
    }
    /// Freeze all current tracked objects and ignore them for future collections.
    #[py("freeze()")]
    pub fn freeze(cx: &mut Cx) {
        cycles::freeze(cx);
    }
    /// Unfreeze all objects in the permanent generation.
    #[py("unfreeze()")]
    pub fn unfreeze(cx: &mut Cx) {
        cycles::unfreeze(cx);
    }
    /// Return the number of objects in the permanent generation.
    #[py("get_freeze_count()")]
    pub fn get_freeze_count(cx: &mut Cx) -> usize {
        cycles::frozen(cx)
    }
    /// Return a list of dictionaries containing per-generation statistics.
    #[py("get_stats()")]
    pub fn get_stats(cx: &mut Cx) -> PyResult {
        let mut out = Vec::new();
        for g in 0..3 {
            let d = crate::types::Dict::new(cx)?;
            let s = cx.collector.stats[g].get();
            for (k, v) in [("collections", s[0]), ("collected", s[1]), ("uncollectable", s[2])] {
                let v = cx.int(v)?;
                d.set_str(cx, k, v)?;
            }
            out.push(d.into_obj());
        }
        let _ = protocol::truth;
        cx.list(out)
    }
}

pub fn make(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "gc", functions::DOC, functions::FUNCTIONS)?;
    let garbage = cx.list(Vec::new())?;
    let callbacks = cx.list(Vec::new())?;
    cx.gc_garbage = Some(garbage.clone());
    cx.gc_callbacks = Some(callbacks.clone());
    m.set(cx, "garbage", garbage)?;
    m.set(cx, "callbacks", callbacks)?;
    for (name, v) in [("DEBUG_STATS", 1), ("DEBUG_COLLECTABLE", 2), ("DEBUG_UNCOLLECTABLE", 4), ("DEBUG_SAVEALL", 32), ("DEBUG_LEAK", 38)] {
        let v = cx.int(v)?;
        m.set(cx, name, v)?;
    }
    Ok(m.into_obj())
}

/// Calls `gc.callbacks`.
pub(crate) fn callbacks(cx: &mut Cx, phase: &str, generation: usize, collected: usize) {
    let Some(list) = cx.gc_callbacks.clone().and_then(|l| l.cast::<List>().map(|l| l.to_vec(cx))) else { return };
    for f in list {
        let r = (|| {
            let d = crate::types::Dict::new(cx)?;
            for (k, v) in [("generation", generation), ("collected", collected), ("uncollectable", 0)] {
                let v = cx.int(v as i64)?;
                d.set_str(cx, k, v)?;
            }
            let p = cx.str(phase)?;
            crate::protocol::call(cx, &f, &[p, d.into_obj()])
        })();
        if r.is_err() {
            cx.unraisable(&f);
        }
    }
}

/// `gc.garbage.append`.
pub(crate) fn save_garbage(cx: &mut Cx, o: Obj) {
    if let Some(l) = cx.gc_garbage.clone()
        && let Some(l) = l.cast::<List>()
        && l.push(cx, o).is_err()
    {
        cx.clear_error();
    }
}
