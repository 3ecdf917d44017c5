//! `sys.monitoring` (PEP 669): tools and callbacks are kept; the eval loop does not fire events yet, so asking for any is
//! refused.

use crate::cx::{Cx, PyResult};
use crate::object::Obj;
use crate::types::module::{self, Module};
use crate::types::namespace;

const TOOLS_MAX: i64 = 6;
const EVENTS: &[(&str, i64)] = &[
    ("PY_START", 1),
    ("PY_RESUME", 1 << 1),
    ("PY_RETURN", 1 << 2),
    ("PY_YIELD", 1 << 3),
    ("CALL", 1 << 4),
    ("LINE", 1 << 5),
    ("INSTRUCTION", 1 << 6),
    ("JUMP", 1 << 7),
    ("BRANCH_LEFT", 1 << 8),
    ("BRANCH_RIGHT", 1 << 9),
    ("STOP_ITERATION", 1 << 10),
    ("RAISE", 1 << 11),
    ("EXCEPTION_HANDLED", 1 << 12),
    ("PY_UNWIND", 1 << 13),
    ("PY_THROW", 1 << 14),
    ("RERAISE", 1 << 15),
    ("C_RETURN", 1 << 16),
    ("C_RAISE", 1 << 17),
    ("BRANCH", 1 << 18),
    ("NO_EVENTS", 0),
];

/// What one interpreter knows of its tools.
#[derive(Default)]
pub struct State {
    names: [Option<Obj>; TOOLS_MAX as usize],
    callbacks: Vec<(i64, i64, Obj)>,
}

fn tool(cx: &mut Cx, id: i64) -> PyResult<usize> {
    if (0..TOOLS_MAX).contains(&id) { Ok(id as usize) } else { Err(cx.value_error(format!("invalid tool {id} (must be between 0 and 5)"))) }
}

fn used(cx: &mut Cx, id: i64) -> PyResult<()> {
    let i = tool(cx, id)?;
    if cx.monitoring.names[i].is_some() { Ok(()) } else { Err(cx.value_error(format!("tool {id} is not in use"))) }
}

fn set(cx: &mut Cx, id: i64, events: i64) -> PyResult<()> {
    used(cx, id)?;
    if !(0..1 << 19).contains(&events) {
        return Err(cx.value_error(format!("invalid event set 0x{events:x}")));
    }
    if events != 0 {
        return Err(cx.error_of(&cx.types.not_implemented_error, "sys.monitoring: events are not fired yet"));
    }
    Ok(())
}

#[retic_macros::methods]
mod functions {
    //! Monitoring of the events of execution (PEP 669).
    use super::*;

    /// Must be called before a tool uses its id.
    #[py("use_tool_id(tool_id, name, /)")]
    pub fn use_tool_id(cx: &mut Cx, tool_id: i64, name: &Obj) -> PyResult<()> {
        let i = tool(cx, tool_id)?;
        if name.cast::<crate::types::Str>().is_none() {
            return Err(cx.value_error("tool name must be a str"));
        }
        if cx.monitoring.names[i].is_some() {
            return Err(cx.value_error(format!("tool {tool_id} is already in use")));
        }
        cx.monitoring.names[i] = Some(name.clone());
        Ok(())
    }
    /// Forgets the callbacks of a tool.
    #[py("clear_tool_id(tool_id, /)")]
    pub fn clear_tool_id(cx: &mut Cx, tool_id: i64) -> PyResult<()> {
        tool(cx, tool_id)?;
        let (gone, kept) = std::mem::take(&mut cx.monitoring.callbacks).into_iter().partition(|c| c.0 == tool_id);
        cx.monitoring.callbacks = kept;
        let gone: Vec<(i64, i64, Obj)> = gone;
        drop(gone);
        Ok(())
    }
    /// Should be called once a tool no longer requires the tool id.
    #[py("free_tool_id(tool_id, /)")]
    pub fn free_tool_id(cx: &mut Cx, tool_id: i64) -> PyResult<()> {
        clear_tool_id(cx, tool_id)?;
        let i = tool(cx, tool_id)?;
        let name = cx.monitoring.names[i].take();
        drop(name);
        Ok(())
    }
    /// The name of the tool if the id is in use, else None.
    #[py("get_tool(tool_id, /)")]
    pub fn get_tool(cx: &mut Cx, tool_id: i64) -> PyResult {
        let i = tool(cx, tool_id)?;
        Ok(cx.monitoring.names[i].clone().unwrap_or_else(|| cx.none()))
    }
    /// Registers the callback of an event (None removes it); returns the one before.
    #[py("register_callback(tool_id, event, func, /)")]
    pub fn register_callback(cx: &mut Cx, tool_id: i64, event: i64, func: &Obj) -> PyResult {
        tool(cx, tool_id)?;
        if event.count_ones() != 1 || !(1..1 << 19).contains(&event) {
            return Err(cx.value_error("The callback can only be set for one event at a time"));
        }
        let known = cx.monitoring.callbacks.iter().position(|c| (c.0, c.1) == (tool_id, event));
        let old = known.map(|i| cx.monitoring.callbacks.swap_remove(i).2);
        if !func.is_none() {
            cx.monitoring.callbacks.push((tool_id, event, func.clone()));
        }
        Ok(old.unwrap_or_else(|| cx.none()))
    }
    /// The set of events active for the tool.
    #[py("get_events(tool_id, /)")]
    pub fn get_events(cx: &mut Cx, tool_id: i64) -> PyResult<i64> {
        used(cx, tool_id)?;
        Ok(0)
    }
    /// Activates a set of events.
    #[py("set_events(tool_id, event_set, /)")]
    pub fn set_events(cx: &mut Cx, tool_id: i64, event_set: i64) -> PyResult<()> {
        super::set(cx, tool_id, event_set)
    }
    /// The set of events active for the tool in one code object.
    #[py("get_local_events(tool_id, code, /)")]
    pub fn get_local_events(cx: &mut Cx, tool_id: i64, _code: &Obj) -> PyResult<i64> {
        used(cx, tool_id)?;
        Ok(0)
    }
    /// Activates a set of events in one code object.
    #[py("set_local_events(tool_id, code, event_set, /)")]
    pub fn set_local_events(cx: &mut Cx, tool_id: i64, _code: &Obj, event_set: i64) -> PyResult<()> {
        super::set(cx, tool_id, event_set)
    }
    /// Re-enables the events that returned DISABLE.
    #[py("restart_events()")]
    pub fn restart_events(_cx: &mut Cx) {}
}

pub(super) fn make(cx: &mut Cx) -> PyResult<crate::object::Ref<Module>> {
    let m = module::of_functions(cx, "sys.monitoring", functions::DOC, functions::FUNCTIONS)?;
    for (name, id) in [("DEBUGGER_ID", 0), ("COVERAGE_ID", 1), ("PROFILER_ID", 2), ("OPTIMIZER_ID", 5)] {
        m.set_int(cx, name, id)?;
    }
    for name in ["DISABLE", "MISSING"] {
        let o = crate::types::object::plain(cx, &cx.types.object.clone())?;
        m.set(cx, name, o)?;
    }
    let values = EVENTS.iter().map(|(name, bits)| Ok((*name, cx.int(*bits)?))).collect::<PyResult<Vec<_>>>()?;
    let events = namespace::with(cx, &values)?;
    m.set(cx, "events", events)?;
    Ok(m)
}
