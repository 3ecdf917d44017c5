//! `sys.monitoring` (PEP 669): tools, their callbacks, and the sets of events they asked for. `eval/tracing.rs` reports;
//! here it is found who hears of it.

use crate::cx::{Cx, PyResult};
use crate::object::{Obj, Ref};
use crate::types::CodeObj;
use crate::types::module::{self, Module};
use crate::types::namespace;
use rustc_hash::{FxHashMap, FxHashSet};

const TOOLS: usize = 6;
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

/// What `eval/tracing.rs` reports, numbered as the bits of `sys.monitoring.events`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Event {
    PyStart = 0,
    PyResume = 1,
    PyReturn = 2,
    PyYield = 3,
    Call = 4,
    Line = 5,
    Instruction = 6,
    Jump = 7,
    BranchLeft = 8,
    BranchRight = 9,
    StopIteration = 10,
    Raise = 11,
    ExceptionHandled = 12,
    PyUnwind = 13,
    PyThrow = 14,
    Reraise = 15,
    CReturn = 16,
    CRaise = 17,
}

/// Events that are about a place in code: they can be asked for in one code object, and switched off at one place.
const LOCAL: u32 = 0x7ff;
/// C_RETURN and C_RAISE come with CALL.
const C_EVENTS: u32 = 1 << 16 | 1 << 17;

/// Both ways of a branch at once, as before 3.14: a callback of this hears of either, and DISABLE is for both.
const BRANCH: u32 = 1 << 18;
const BRANCHES: u32 = 1 << Event::BranchLeft as u32 | 1 << Event::BranchRight as u32;

#[derive(Default)]
struct Tool {
    name: Option<Obj>,
    global: u32,
    callbacks: FxHashMap<u32, Obj>,
    /// The callbacks of branches are that of BRANCH.
    both_ways: bool,
}

/// What one interpreter knows of its tools.
#[derive(Default)]
pub struct State {
    tools: [Tool; TOOLS],
    /// By address of the code object, which is held.
    local: FxHashMap<usize, (Obj, [u32; TOOLS])>,
    /// Switched off: address of the code, offset, event, tool.
    disabled: FxHashSet<(usize, u32, u32, usize)>,
    /// Every event that somebody wants somewhere.
    wanted: u32,
    disable: Option<Obj>,
    missing: Option<Obj>,
}

impl State {
    /// Whether any event is wanted.
    pub fn any(&self) -> bool {
        self.wanted != 0
    }
    /// Whether somebody wants that event somewhere.
    pub fn wants(&self, event: Event) -> bool {
        self.wanted & (1 << event as u32) != 0
    }
    /// `sys.monitoring.MISSING`.
    pub fn missing(&self, cx: &Cx) -> Obj {
        self.missing.clone().unwrap_or_else(|| cx.none())
    }
    fn renew(&mut self) {
        let all = self.tools.iter().map(|t| t.global).chain(self.local.values().flat_map(|l| l.1)).fold(0, |a, b| a | b);
        self.wanted = if all & 1 << Event::Call as u32 == 0 { all } else { all | C_EVENTS };
    }
}

/// Calls the callbacks of an event. One that answers DISABLE is not called again for this place.
pub fn fire(cx: &mut Cx, event: Event, code: &Ref<CodeObj>, offset: u32, args: &[Obj]) -> PyResult<()> {
    let bit = event as u32;
    let address = code.as_obj().address();
    let needed = 1 << if C_EVENTS & 1 << bit != 0 { Event::Call as u32 } else { bit };
    for tool in 0..TOOLS {
        let local = cx.monitoring.local.get(&address).map_or(0, |l| l.1[tool]);
        let t = &cx.monitoring.tools[tool];
        if (t.global | local) & needed == 0 || cx.monitoring.disabled.contains(&(address, offset, bit, tool)) {
            continue;
        }
        let Some(f) = t.callbacks.get(&bit).cloned() else { continue };
        let mut values = vec![code.as_obj().clone()];
        if event != Event::Line {
            values.push(cx.int(i64::from(offset))?);
        }
        values.extend_from_slice(args);
        let answer = crate::protocol::call(cx, &f, &values)?;
        if cx.monitoring.disable.as_ref().is_some_and(|d| d.is(&answer)) {
            if LOCAL & 1 << bit == 0 {
                let gone = cx.monitoring.tools[tool].callbacks.remove(&bit);
                cx.release(gone);
                return Err(cx.value_error(format!("Cannot disable {} events. Callback removed.", EVENTS[bit as usize].0)));
            }
            let other = bit ^ Event::BranchLeft as u32 ^ Event::BranchRight as u32;
            if BRANCHES & 1 << bit != 0 && cx.monitoring.tools[tool].both_ways {
                cx.monitoring.disabled.insert((address, offset, other, tool));
            }
            cx.monitoring.disabled.insert((address, offset, bit, tool));
        }
        cx.release(answer);
    }
    Ok(())
}

fn tool(cx: &mut Cx, id: i64) -> PyResult<usize> {
    if (0..TOOLS as i64).contains(&id) { Ok(id as usize) } else { Err(cx.value_error(format!("invalid tool {id} (must be between 0 and 5)"))) }
}

fn used(cx: &mut Cx, id: i64) -> PyResult<usize> {
    let i = tool(cx, id)?;
    if cx.monitoring.tools[i].name.is_some() { Ok(i) } else { Err(cx.value_error(format!("tool {id} is not in use"))) }
}

fn event_set(cx: &mut Cx, events: i64) -> PyResult<u32> {
    if !(0..1 << 19).contains(&events) {
        return Err(cx.value_error(format!("invalid event set 0x{events:x}")));
    }
    let mut set = events as u32;
    if set & C_EVENTS != 0 {
        if set & C_EVENTS != C_EVENTS || set & 1 << Event::Call as u32 == 0 {
            return Err(cx.value_error("cannot set C_RETURN or C_RAISE events independently"));
        }
        set &= !C_EVENTS;
    }
    if set & BRANCH != 0 {
        set = set & !BRANCH | BRANCHES;
    }
    Ok(set)
}

fn code_of(cx: &mut Cx, code: &Obj) -> PyResult<Ref<CodeObj>> {
    match code.cast::<CodeObj>() {
        Some(c) => Ok(c.clone()),
        None => Err(cx.type_error("code must be a code object")),
    }
}

fn changed(cx: &mut Cx) {
    cx.monitoring.renew();
    cx.watchers_changed();
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
        if cx.monitoring.tools[i].name.is_some() {
            return Err(cx.value_error(format!("tool {tool_id} is already in use")));
        }
        cx.monitoring.tools[i].name = Some(name.clone());
        Ok(())
    }
    /// Forgets the callbacks of a tool.
    #[py("clear_tool_id(tool_id, /)")]
    pub fn clear_tool_id(cx: &mut Cx, tool_id: i64) -> PyResult<()> {
        let i = tool(cx, tool_id)?;
        if cx.monitoring.tools[i].name.is_none() {
            return Ok(());
        }
        let gone = std::mem::take(&mut cx.monitoring.tools[i].callbacks);
        cx.monitoring.tools[i].global = 0;
        cx.monitoring.local.values_mut().for_each(|l| l.1[i] = 0);
        cx.monitoring.disabled.retain(|d| d.3 != i);
        changed(cx);
        cx.release(gone);
        Ok(())
    }
    /// Should be called once a tool no longer requires the tool id.
    #[py("free_tool_id(tool_id, /)")]
    pub fn free_tool_id(cx: &mut Cx, tool_id: i64) -> PyResult<()> {
        clear_tool_id(cx, tool_id)?;
        let i = tool(cx, tool_id)?;
        let name = cx.monitoring.tools[i].name.take();
        cx.release(name);
        Ok(())
    }
    /// The name of the tool if the id is in use, else None.
    #[py("get_tool(tool_id, /)")]
    pub fn get_tool(cx: &mut Cx, tool_id: i64) -> PyResult {
        let i = tool(cx, tool_id)?;
        Ok(cx.monitoring.tools[i].name.clone().unwrap_or_else(|| cx.none()))
    }
    /// Registers the callback of an event (None removes it); returns the one before.
    #[py("register_callback(tool_id, event, func, /)")]
    pub fn register_callback(cx: &mut Cx, tool_id: i64, event: i64, func: &Obj) -> PyResult {
        let i = tool(cx, tool_id)?;
        cx.audit("sys.monitoring.register_callback", &[func.into()])?;
        if event.count_ones() != 1 || !(1..1 << 19).contains(&event) {
            return Err(cx.value_error("The callback can only be set for one event at a time"));
        }
        let bit = event.trailing_zeros();
        let bits = [Event::BranchLeft as u32, Event::BranchRight as u32];
        let t = &mut cx.monitoring.tools[i];
        t.both_ways &= !bits.contains(&bit);
        if event as u32 == BRANCH {
            t.both_ways = !func.is_none();
            let old = bits.map(|b| if func.is_none() { t.callbacks.remove(&b) } else { t.callbacks.insert(b, func.clone()) });
            let [left, right] = old;
            cx.release(right);
            return Ok(left.unwrap_or_else(|| cx.none()));
        }
        let old = match func.is_none() {
            true => cx.monitoring.tools[i].callbacks.remove(&bit),
            false => cx.monitoring.tools[i].callbacks.insert(bit, func.clone()),
        };
        Ok(old.unwrap_or_else(|| cx.none()))
    }
    /// The set of events active for the tool.
    #[py("get_events(tool_id, /)")]
    pub fn get_events(cx: &mut Cx, tool_id: i64) -> PyResult<i64> {
        let i = tool(cx, tool_id)?;
        Ok(i64::from(cx.monitoring.tools[i].global))
    }
    /// Activates a set of events.
    #[py("set_events(tool_id, event_set, /)")]
    pub fn set_events(cx: &mut Cx, tool_id: i64, event_set: i64) -> PyResult<()> {
        let i = tool(cx, tool_id)?;
        let set = super::event_set(cx, event_set)?;
        used(cx, tool_id)?;
        cx.monitoring.tools[i].global = set;
        changed(cx);
        Ok(())
    }
    /// The set of events active for the tool in one code object.
    #[py("get_local_events(tool_id, code, /)")]
    pub fn get_local_events(cx: &mut Cx, tool_id: i64, code: &Obj) -> PyResult<i64> {
        let code = code_of(cx, code)?;
        let i = tool(cx, tool_id)?;
        Ok(cx.monitoring.local.get(&code.as_obj().address()).map_or(0, |l| i64::from(l.1[i])))
    }
    /// Activates a set of events in one code object.
    #[py("set_local_events(tool_id, code, event_set, /)")]
    pub fn set_local_events(cx: &mut Cx, tool_id: i64, code: &Obj, event_set: i64) -> PyResult<()> {
        let code = code_of(cx, code)?;
        let i = tool(cx, tool_id)?;
        let set = super::event_set(cx, event_set)?;
        if set & !LOCAL != 0 {
            return Err(cx.value_error(format!("invalid local event set 0x{event_set:x}")));
        }
        used(cx, tool_id)?;
        let entry = cx.monitoring.local.entry(code.as_obj().address()).or_insert_with(|| (code.as_obj().clone(), [0; TOOLS]));
        entry.1[i] = set;
        changed(cx);
        Ok(())
    }
    /// The tools that each event is activated for: a bit for each tool, by the names of events.
    #[py("_all_events()")]
    pub fn all_events(cx: &mut Cx) -> PyResult {
        let d = crate::types::Dict::new(cx)?;
        for (name, bits) in EVENTS {
            let tools = (0..TOOLS).filter(|t| i64::from(cx.monitoring.tools[*t].global) & bits != 0).map(|t| 1 << t).sum::<i64>();
            if bits.count_ones() == 1 && tools != 0 {
                let v = cx.int(tools)?;
                d.set_str(cx, name, v)?;
            }
        }
        Ok(d.into_obj())
    }
    /// Re-enables the events that returned DISABLE.
    #[py("restart_events()")]
    pub fn restart_events(cx: &mut Cx) {
        cx.monitoring.disabled.clear();
    }
}

pub(super) fn make(cx: &mut Cx) -> PyResult<crate::object::Ref<Module>> {
    let m = module::of_functions(cx, "sys.monitoring", functions::DOC, functions::FUNCTIONS)?;
    for (name, id) in [("DEBUGGER_ID", 0), ("COVERAGE_ID", 1), ("PROFILER_ID", 2), ("OPTIMIZER_ID", 5)] {
        m.set_int(cx, name, id)?;
    }
    for name in ["DISABLE", "MISSING"] {
        let o = crate::types::object::plain(cx, &cx.types.object.clone())?;
        m.set(cx, name, o.clone())?;
        *(if name == "DISABLE" { &mut cx.monitoring.disable } else { &mut cx.monitoring.missing }) = Some(o);
    }
    let values = EVENTS.iter().map(|(name, bits)| Ok((*name, cx.int(*bits)?))).collect::<PyResult<Vec<_>>>()?;
    let events = namespace::with(cx, &values)?;
    m.set(cx, "events", events)?;
    Ok(m)
}
