//! Which loop runs in a thread, which task a loop runs, and which tasks there are.

use super::future::Future;
use super::state;
use super::task::{is_task, loop_of};
use retic_runtime::types::weakref;
use retic_runtime::{Cx, Obj, PyResult, protocol};

/// The loop that runs, else the one that the policy gives.
pub fn event_loop(cx: &mut Cx) -> PyResult {
    if let Some(l) = cx.threads.running_loop.clone() {
        return Ok(l);
    }
    let f = state(cx).known(cx)?.get_policy.clone();
    let policy = protocol::call(cx, &f, &[])?;
    protocol::call_method(cx, &policy, "get_event_loop", &[])
}

/// The number of the next task that has no name of its own.
pub fn next_name(cx: &mut Cx) -> i64 {
    let s = state(cx);
    let mut all = s.tasks.borrow_mut();
    all.named += 1;
    all.named
}

/// That a task's loop is the one that runs. Where none is known to run, one is kept in Python (`events._py__set_running_loop`),
/// which CPython 3.14 refuses, so that such a loop runs for ever; here its tasks run.
fn check_loop(cx: &mut Cx, event_loop: &Obj) -> PyResult<()> {
    if cx.threads.running_loop.as_ref().is_none_or(|l| l.is(event_loop)) {
        return Ok(());
    }
    let t = protocol::repr_text(cx, event_loop)?;
    Err(cx.runtime_error(format!("loop {t} is not the running loop")))
}

fn current(cx: &mut Cx, event_loop: &Obj) -> Option<Obj> {
    state(cx).tasks.borrow().current.iter().find(|(l, _)| l.is(event_loop)).map(|(_, t)| t.clone())
}

/// Makes a task the current one of its loop.
pub fn enter(cx: &mut Cx, event_loop: &Obj, task: &Obj) -> PyResult<()> {
    check_loop(cx, event_loop)?;
    if let Some(other) = current(cx, event_loop) {
        let (t, o) = (protocol::repr_text(cx, task)?, protocol::repr_text(cx, &other)?);
        return Err(cx.runtime_error(format!("Cannot enter into task {t} while another task {o} is being executed.")));
    }
    state(cx).tasks.borrow_mut().current.push((event_loop.clone(), task.clone()));
    Ok(())
}
pub fn leave(cx: &mut Cx, event_loop: &Obj, task: &Obj) -> PyResult<()> {
    check_loop(cx, event_loop)?;
    let now = current(cx, event_loop);
    if !now.as_ref().is_some_and(|n| n.is(task)) {
        let now = now.unwrap_or_else(|| cx.none());
        let (t, n) = (protocol::repr_text(cx, task)?, protocol::repr_text(cx, &now)?);
        return Err(cx.runtime_error(format!("Invalid attempt to leave task {t} while task {n} is entered.")));
    }
    let gone = {
        let s = state(cx);
        let mut all = s.tasks.borrow_mut();
        let at = all.current.iter().position(|(l, _)| l.is(event_loop));
        at.map(|at| all.current.swap_remove(at))
    };
    cx.release(gone);
    Ok(())
}
/// Makes another task, or none, the current one, and gives the one before.
pub fn swap(cx: &mut Cx, event_loop: &Obj, task: Option<Obj>) -> PyResult<Option<Obj>> {
    check_loop(cx, event_loop)?;
    let s = state(cx);
    let mut all = s.tasks.borrow_mut();
    let at = all.current.iter().position(|(l, _)| l.is(event_loop));
    let before = at.map(|at| all.current.swap_remove(at).1);
    if let Some(t) = task {
        all.current.push((event_loop.clone(), t));
    }
    Ok(before)
}

/// Takes a task among those that a loop will run. Tasks of other classes are kept in a WeakSet.
pub fn register(cx: &mut Cx, task: &Obj) -> PyResult<()> {
    if !is_task(cx, task) {
        let set = foreign(cx)?;
        return protocol::call_method(cx, &set, "add", std::slice::from_ref(task)).map(drop);
    }
    let ty = cx.types.weakref.clone();
    let weak = weakref::make(cx, &ty, task, None)?;
    let old = state(cx).tasks.borrow_mut().scheduled.insert(task.address(), weak);
    cx.release(old);
    Ok(())
}
pub fn unregister(cx: &mut Cx, task: &Obj) -> PyResult<()> {
    if !is_task(cx, task) {
        let set = foreign(cx)?;
        return protocol::call_method(cx, &set, "discard", std::slice::from_ref(task)).map(drop);
    }
    forget(cx, task);
    Ok(())
}
/// A task of ours is over, or dies.
pub fn forget(cx: &mut Cx, task: &Obj) {
    let gone = state(cx).tasks.borrow_mut().scheduled.remove(&task.address());
    cx.release(gone);
}
fn foreign(cx: &mut Cx) -> PyResult {
    if let Some(s) = state(cx).tasks.borrow().foreign.clone() {
        return Ok(s);
    }
    let m = retic_runtime::modules::import::import(cx, "weakref")?;
    let name = cx.name("WeakSet");
    let class = protocol::getattr(cx, &m, &name)?;
    let set = protocol::call(cx, &class, &[])?;
    state(cx).tasks.borrow_mut().foreign = Some(set.clone());
    Ok(set)
}
fn eager(cx: &mut Cx) -> PyResult {
    if let Some(s) = state(cx).tasks.borrow().eager.clone() {
        return Ok(s);
    }
    let class = cx.types.set.as_obj().clone();
    let set = protocol::call(cx, &class, &[])?;
    state(cx).tasks.borrow_mut().eager = Some(set.clone());
    Ok(set)
}
pub fn register_eager(cx: &mut Cx, task: &Obj) -> PyResult<()> {
    let set = eager(cx)?;
    protocol::call_method(cx, &set, "add", std::slice::from_ref(task)).map(drop)
}
pub fn unregister_eager(cx: &mut Cx, task: &Obj) -> PyResult<()> {
    let set = eager(cx)?;
    protocol::call_method(cx, &set, "discard", std::slice::from_ref(task)).map(drop)
}

fn or_running(cx: &mut Cx, event_loop: Option<&Obj>) -> PyResult {
    event_loop.cloned().or_else(|| cx.threads.running_loop.clone()).ok_or_else(|| cx.runtime_error("no running event loop"))
}

#[retic_macros::methods]
pub mod functions {
    use super::*;

    /// Return an asyncio event loop.
    ///
    /// In a coroutine or a callback this is the running event loop. Where no
    /// loop runs, it is what `get_event_loop_policy().get_event_loop()` gives.
    #[py("get_event_loop()")]
    pub fn get_event_loop(cx: &mut Cx) -> PyResult {
        event_loop(cx)
    }
    /// The event loop that runs in this thread; RuntimeError where none does.
    #[py("get_running_loop()")]
    pub fn get_running_loop(cx: &mut Cx) -> PyResult {
        or_running(cx, None)
    }
    /// The event loop that runs in this thread, or None. For event loops.
    #[py("_get_running_loop()")]
    pub fn get_running_or_none(cx: &mut Cx) -> Obj {
        cx.threads.running_loop.clone().unwrap_or_else(|| cx.none())
    }
    /// Set which event loop runs in this thread; None: no one. For event loops.
    #[py("_set_running_loop(loop, /)")]
    pub fn set_running_loop(cx: &mut Cx, r#loop: &Obj) {
        let old = std::mem::replace(&mut cx.threads.running_loop, Some(r#loop.clone()).filter(|l| !l.is_none()));
        cx.release(old);
    }
    /// Register a new task in asyncio as executed by loop.
    #[py("_register_task(task)")]
    pub fn register_task(cx: &mut Cx, task: &Obj) -> PyResult<()> {
        register(cx, task)
    }
    /// Register a new task in asyncio as eagerly executed by loop.
    #[py("_register_eager_task(task)")]
    pub fn register_eager_task(cx: &mut Cx, task: &Obj) -> PyResult<()> {
        register_eager(cx, task)
    }
    /// Unregister a task.
    #[py("_unregister_task(task)")]
    pub fn unregister_task(cx: &mut Cx, task: &Obj) -> PyResult<()> {
        unregister(cx, task)
    }
    /// Unregister an eager task.
    #[py("_unregister_eager_task(task)")]
    pub fn unregister_eager_task(cx: &mut Cx, task: &Obj) -> PyResult<()> {
        unregister_eager(cx, task)
    }
    /// Enter into task execution or resume suspended task.
    ///
    /// Task belongs to loop.
    #[py("_enter_task(loop, task)")]
    pub fn enter_task(cx: &mut Cx, r#loop: &Obj, task: &Obj) -> PyResult<()> {
        enter(cx, r#loop, task)
    }
    /// Leave task execution or suspend a task.
    ///
    /// Task belongs to loop.
    #[py("_leave_task(loop, task)")]
    pub fn leave_task(cx: &mut Cx, r#loop: &Obj, task: &Obj) -> PyResult<()> {
        leave(cx, r#loop, task)
    }
    /// Make task the current one of loop, and return the one that was, or None.
    ///
    /// For tasks that start eagerly.
    #[py("_swap_current_task(loop, task)")]
    pub fn swap_current_task(cx: &mut Cx, r#loop: &Obj, task: &Obj) -> PyResult {
        let before = swap(cx, r#loop, Some(task.clone()).filter(|t| !t.is_none()))?;
        Ok(before.unwrap_or_else(|| cx.none()))
    }
    /// Return a currently executed task.
    #[py("current_task(loop=None)")]
    pub fn current_task(cx: &mut Cx, r#loop: Option<&Obj>) -> PyResult {
        let event_loop = or_running(cx, r#loop)?;
        Ok(current(cx, &event_loop).unwrap_or_else(|| cx.none()))
    }
    /// Return a set of all tasks for the loop.
    #[py("all_tasks(loop=None)")]
    pub fn all_tasks(cx: &mut Cx, r#loop: Option<&Obj>) -> PyResult {
        let event_loop = or_running(cx, r#loop)?;
        let mut all: Vec<Obj> = state(cx).tasks.borrow().scheduled.values().filter_map(weakref::target).collect();
        let (eager, foreign) = (state(cx).tasks.borrow().eager.clone(), state(cx).tasks.borrow().foreign.clone());
        for set in [eager, foreign].into_iter().flatten() {
            all.extend(protocol::collect(cx, &set)?);
        }
        let mut out = Vec::new();
        for task in all {
            if !loop_of(cx, &task)?.is(&event_loop) {
                continue;
            }
            let done = match task.cast::<Future>() {
                Some(f) if is_task(cx, &task) => !f.is_pending(),
                _ => {
                    let done = protocol::call_method(cx, &task, "done", &[])?;
                    protocol::truth(cx, &done)?
                }
            };
            if !done {
                out.push(task);
            }
        }
        let (class, list) = (cx.types.set.as_obj().clone(), cx.list(out)?);
        protocol::call(cx, &class, &[list])
    }
    /// Record that `fut` is awaited on by `waiter`.
    #[py("future_add_to_awaited_by(fut, waiter, /)")]
    pub fn future_add_to_awaited_by(cx: &mut Cx, fut: &Obj, waiter: &Obj) -> PyResult<()> {
        match (fut.cast::<Future>().cloned(), waiter.cast::<Future>()) {
            (Some(f), Some(_)) => super::super::future::add_awaiter(cx, &f, waiter),
            _ => Ok(()),
        }
    }
    /// Record that `fut` is no longer awaited on by `waiter`.
    #[py("future_discard_from_awaited_by(fut, waiter, /)")]
    pub fn future_discard_from_awaited_by(cx: &mut Cx, fut: &Obj, waiter: &Obj) -> PyResult<()> {
        match (fut.cast::<Future>().cloned(), waiter.cast::<Future>()) {
            (Some(f), Some(_)) => super::super::future::discard_awaiter(cx, &f, waiter),
            _ => Ok(()),
        }
    }
}
