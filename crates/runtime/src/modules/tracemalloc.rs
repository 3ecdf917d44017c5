//! `_tracemalloc`: where memory in use was asked for.

use crate::cx::{Cx, PyResult};
use crate::memory::tracer::{self, Trace};
use crate::object::Obj;
use crate::types::module;
use rustc_hash::FxHashMap;

/// Frames as Python sees them: names of files and lines, the innermost first.
fn frames(cx: &mut Cx, t: &Trace) -> PyResult {
    let mut out = Vec::with_capacity(t.frames.len());
    for (file, line) in t.frames.iter().rev() {
        let (file, line) = (crate::types::str::intern_text(cx, file)?.into_obj(), cx.int(i64::from(*line))?);
        out.push(cx.tuple_of([file, line])?);
    }
    if out.is_empty() {
        let (file, line) = (cx.str("<unknown>")?, cx.int(0)?);
        out.push(cx.tuple_of([file, line])?);
    }
    cx.tuple(out)
}

/// A number of frames that may be kept.
pub(crate) fn checked_limit(cx: &Cx, nframe: i64) -> PyResult<usize> {
    if (1..=65535).contains(&nframe) { Ok(nframe as usize) } else { Err(cx.value_error("the number of frames must be in range [1; 65535]")) }
}

#[retic_macros::methods]
mod functions {
    //! Where memory that is in use was asked for: the native side of tracemalloc.
    use super::*;

    /// Begin to trace; nframe is how many frames are kept for a block.
    #[py("start(nframe=1, /)")]
    pub fn start(cx: &mut Cx, nframe: i64) -> PyResult<()> {
        let limit = checked_limit(cx, nframe)?;
        tracer::start(cx, limit);
        Ok(())
    }
    /// End tracing and forget all traces.
    #[py("stop()")]
    pub fn stop(cx: &mut Cx) {
        tracer::stop(cx);
    }
    /// Whether memory is traced.
    #[py("is_tracing()")]
    pub fn is_tracing(cx: &mut Cx) -> bool {
        cx.tracer.get_mut().is_some()
    }
    /// Forget the traces so far.
    #[py("clear_traces()")]
    pub fn clear_traces(cx: &mut Cx) {
        if let Some(t) = cx.tracer.get_mut() {
            t.clear();
        }
    }
    /// How many frames are kept for a block.
    #[py("get_traceback_limit()")]
    pub fn get_traceback_limit(cx: &mut Cx) -> usize {
        cx.tracer.get_mut().as_ref().map_or(1, |t| t.limit)
    }
    /// Bytes traced now, and the most there have been.
    #[py("get_traced_memory()")]
    pub fn get_traced_memory(cx: &mut Cx) -> PyResult {
        let (now, most) = cx.tracer.get_mut().as_ref().map_or((0, 0), |t| (t.current, t.peak));
        cx.tuple_of([cx.int(now as i64)?, cx.int(most as i64)?])
    }
    /// The most bytes there have been are counted anew from now on.
    #[py("reset_peak()")]
    pub fn reset_peak(cx: &mut Cx) {
        if let Some(t) = cx.tracer.get_mut() {
            t.peak = t.current;
        }
    }
    /// Bytes that the traces take.
    #[py("get_tracemalloc_memory()")]
    pub fn get_tracemalloc_memory(cx: &mut Cx) -> usize {
        cx.tracer.get_mut().as_ref().map_or(0, |t| t.own_bytes())
    }
    /// All traces: domain, size, frames, and how many frames there were.
    #[py("_get_traces()")]
    pub fn get_traces(cx: &mut Cx) -> PyResult {
        let list = tracer::unheard(cx, |cx, t| {
            let mut known = FxHashMap::default();
            let mut out = Vec::new();
            for block in t.blocks() {
                let (frames, total) = match known.get(&block.stack) {
                    Some((frames, total)) => (Obj::clone(frames), *total),
                    None => {
                        let trace = t.trace(block.stack);
                        let made = frames(cx, &trace)?;
                        known.insert(block.stack, (made.clone(), trace.total));
                        (made, trace.total)
                    }
                };
                let row = [cx.int(0)?, cx.int(block.size as i64)?, frames, cx.int(i64::from(total.max(1)))?];
                out.push(cx.tuple_of(row)?);
            }
            cx.list(out)
        });
        match list {
            Some(list) => list,
            None => cx.list(Vec::new()),
        }
    }
    /// The frames that asked for an object's block, or None.
    #[py("_get_object_traceback(obj, /)")]
    pub fn get_object_traceback(cx: &mut Cx, obj: &Obj) -> PyResult {
        match tracer::trace_of(cx, obj) {
            Some(t) => frames(cx, &t),
            None => Ok(cx.none()),
        }
    }
}

pub(crate) fn make(cx: &mut Cx) -> PyResult {
    Ok(module::of_functions(cx, "_tracemalloc", functions::DOC, functions::FUNCTIONS)?.into_obj())
}
