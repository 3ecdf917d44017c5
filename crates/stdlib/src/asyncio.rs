//! `_asyncio`: futures and tasks, and which loop and task run (what they do is what Modules/_asynciomodule.c does).

mod future;
mod running;
mod task;

use retic_runtime::types::{Str, Type, module};
use retic_runtime::{Args, Cx, Obj, PyResult, Ref, interp, modules, protocol};
use rustc_hash::FxHashMap;
use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

/// What the module keeps for an interpreter.
struct State {
    future: Ref<Type>,
    task: Ref<Type>,
    iter: Ref<Type>,
    step: Ref<Type>,
    names: Names,
    known: OnceCell<Known>,
    tasks: RefCell<Tasks>,
}

/// Names of attributes and keywords that every step asks for.
struct Names {
    call_soon: Ref<Str>,
    get_debug: Ref<Str>,
    cancel: Ref<Str>,
    blocking: Ref<Str>,
    add_done_callback: Ref<Str>,
    context: [Obj; 1],
    msg: [Obj; 1],
}

/// Classes and functions of the package `asyncio`, found when the first is needed: the package imports this module while it is
/// itself imported.
struct Known {
    cancelled_error: Obj,
    invalid_state: Obj,
    future_repr: Obj,
    task_repr: Obj,
    task_get_stack: Obj,
    task_print_stack: Obj,
    iscoroutine: Obj,
    get_policy: Obj,
    extract_stack: Obj,
}

/// Tasks of this interpreter.
#[derive(Default)]
struct Tasks {
    /// Loops that run a task now, with it.
    current: Vec<(Obj, Obj)>,
    /// Weak references to tasks of ours that a loop will run, by address.
    scheduled: FxHashMap<usize, Obj>,
    /// Tasks in their first step, and tasks of other classes.
    eager: Option<Obj>,
    foreign: Option<Obj>,
    /// The number of the last name that was given.
    named: i64,
}

fn state(cx: &Cx) -> Rc<State> {
    cx.native_states.get().expect("the module is imported")
}

impl State {
    fn known(&self, cx: &mut Cx) -> PyResult<&Known> {
        if let Some(k) = self.known.get() {
            return Ok(k);
        }
        let mut find = |module: &str, name: &'static str| -> PyResult {
            let m = modules::import::import(cx, module)?;
            let name = cx.name(name);
            protocol::getattr(cx, &m, &name)
        };
        let k = Known {
            cancelled_error: find("asyncio.exceptions", "CancelledError")?,
            invalid_state: find("asyncio.exceptions", "InvalidStateError")?,
            future_repr: find("asyncio.base_futures", "_future_repr")?,
            task_repr: find("asyncio.base_tasks", "_task_repr")?,
            task_get_stack: find("asyncio.base_tasks", "_task_get_stack")?,
            task_print_stack: find("asyncio.base_tasks", "_task_print_stack")?,
            iscoroutine: find("asyncio.coroutines", "iscoroutine")?,
            get_policy: find("asyncio.events", "_get_event_loop_policy")?,
            extract_stack: find("traceback", "extract_stack")?,
        };
        Ok(self.known.get_or_init(|| k))
    }
}

/// `loop.call_soon(callback, argument, context=context)`, without an argument where there is none.
fn call_soon(cx: &mut Cx, state: &State, event_loop: &Obj, callback: Obj, argument: Option<Obj>, context: Obj) -> PyResult<()> {
    let method = protocol::getattr(cx, event_loop, &state.names.call_soon)?;
    let names = &state.names.context;
    let handle = match argument {
        Some(a) => protocol::call_args(cx, &method, Args { items: &[callback, a, context], names }),
        None => protocol::call_args(cx, &method, Args { items: &[callback, context], names }),
    }?;
    cx.release(handle);
    Ok(())
}

/// An attribute, without complaint where there is none.
fn attribute(cx: &mut Cx, o: &Obj, name: &'static str) -> PyResult<Option<Obj>> {
    let name = cx.name(name);
    protocol::lookup_attr(cx, o, &name)
}
fn text(cx: &mut Cx, t: &str) -> PyResult {
    let s: Ref<Str> = cx.str_ref(t)?;
    Ok(s.into_obj())
}

pub fn make(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "_asyncio", "Accelerator module for asyncio", running::functions::FUNCTIONS)?;
    let future = m.add_type(cx, &future::spec())?;
    let task = interp::native_type(cx, &task::spec(), &future)?;
    m.set(cx, "Task", task.as_obj().clone())?;
    let object = cx.types.object.clone();
    let iter = interp::native_type(cx, &future::iter_spec(), &object)?;
    let step = interp::native_type(cx, &task::step_spec(), &object)?;
    if cx.native_states.get::<State>().is_none() {
        let names = Names {
            call_soon: cx.name("call_soon"),
            get_debug: cx.name("get_debug"),
            cancel: cx.name("cancel"),
            blocking: cx.name("_asyncio_future_blocking"),
            add_done_callback: cx.name("add_done_callback"),
            context: [cx.name("context").into_obj()],
            msg: [cx.name("msg").into_obj()],
        };
        let state = State { future, task, iter, step, names, known: OnceCell::new(), tasks: RefCell::default() };
        cx.native_states.insert(state);
    }
    Ok(m.into_obj())
}
