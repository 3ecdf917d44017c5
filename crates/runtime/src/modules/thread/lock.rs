//! Locks. A lock is a flag that threads sleep on; a reentrant one remembers its owner besides.

use crate::cx::{Cx, PyResult};
use crate::layout;
use crate::memory;
use crate::object::{Obj, Ref};
use crate::protocol;
use crate::types::code::Hidden;
use crate::types::type_::flags;
use crate::types::{Slots, Spec};
use std::cell::{Cell, RefCell};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The flag, and how many threads sleep on it.
#[derive(Default)]
struct State {
    held: bool,
    sleepers: usize,
}
/// What threads share of a lock.
#[derive(Default)]
pub struct Raw {
    state: Mutex<State>,
    free: Condvar,
}

impl Raw {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
    pub(crate) fn take(&self) -> bool {
        !std::mem::replace(&mut self.state().held, true)
    }
    pub(crate) fn wait(&self, most: Duration) -> bool {
        let mut state = self.state();
        state.sleepers += 1;
        let (mut state, _) = self.free.wait_timeout_while(state, most, |s| s.held).unwrap_or_else(PoisonError::into_inner);
        state.sleepers -= 1;
        !std::mem::replace(&mut state.held, true)
    }
    pub(crate) fn give(&self) {
        let mut state = self.state();
        state.held = false;
        // Nobody is woken by a call of the system where nobody sleeps.
        let wake = state.sleepers > 0;
        drop(state);
        if wake {
            self.free.notify_one();
        }
    }
}

layout! {
    /// A lock; `owner` and `count` are those of a reentrant one.
    pub struct Lock = 60, "lock" { raw: Hidden<RefCell<Arc<Raw>>>, owner: Cell<i64>, count: Cell<usize>, reentrant: Cell<bool>, }
}

impl Lock {
    fn raw(&self) -> Arc<Raw> {
        self.raw.0.borrow().clone()
    }
    fn held(&self) -> bool {
        self.raw.0.borrow().state().held
    }
    fn give(&self) {
        self.raw.0.borrow().give();
    }
    fn mine(&self, cx: &Cx) -> bool {
        self.owner.get() == cx.threads.current && self.count.get() > 0
    }
}

fn wait(cx: &mut Cx, lock: &Ref<Lock>, blocking: bool, timeout: f64) -> PyResult<bool> {
    if !blocking && timeout != -1.0 {
        return Err(cx.value_error("can't specify a timeout for a non-blocking call"));
    }
    if timeout < 0.0 && timeout != -1.0 {
        return Err(cx.value_error("timeout value must be a non-negative number"));
    }
    if timeout > super::TIMEOUT_MAX {
        let beyond = timeout > i64::MAX as f64;
        return Err(cx.overflow_error(if beyond { "timestamp out of range for platform time_t" } else { "timestamp too large to convert to C PyTime_t" }));
    }
    if lock.raw.0.borrow().take() {
        return Ok(true);
    }
    if !blocking || timeout == 0.0 {
        return Ok(false);
    }
    let raw = lock.raw();
    cx.wait_in_turns((timeout >= 0.0).then_some(timeout), |most| raw.wait(most))
}

/// A timeout: a number of seconds.
fn seconds(cx: &mut Cx, timeout: Option<&Obj>) -> PyResult<f64> {
    let Some(t) = timeout else { return Ok(-1.0) };
    if t.cast::<crate::types::Float>().is_none() && t.ty().slots(cx).index.is_none() {
        return Err(cx.type_error(format!("'{}' object cannot be interpreted as an integer", t.ty().name_text())));
    }
    let s = protocol::to_float(cx, t)?;
    if s.is_nan() { Err(cx.value_error("Invalid value NaN (not a number)")) } else { Ok(s) }
}

#[retic_macros::methods]
impl Lock {
    /// Lock the lock.
    ///
    /// Without argument, this blocks if the lock is already locked
    /// (even by the same thread), waiting for another thread to release
    /// the lock, and return True once the lock is acquired.
    /// The return value reflects whether the lock is acquired.
    #[py("acquire($self, /, blocking=True, timeout=-1)")]
    fn acquire(cx: &mut Cx, this: &Ref<Lock>, blocking: bool, timeout: Option<&Obj>) -> PyResult<bool> {
        let timeout = seconds(cx, timeout)?;
        if this.reentrant.get() && this.mine(cx) {
            this.count.set(this.count.get() + 1);
            return Ok(true);
        }
        let got = wait(cx, this, blocking, timeout)?;
        if got {
            this.owner.set(cx.threads.current);
            this.count.set(1);
        }
        Ok(got)
    }
    /// Release the lock.
    #[py("release($self, /)")]
    fn release(cx: &mut Cx, this: &Ref<Lock>) -> PyResult<()> {
        if this.reentrant.get() {
            if !this.mine(cx) {
                return Err(cx.runtime_error("cannot release un-acquired lock"));
            }
            this.count.set(this.count.get() - 1);
            if this.count.get() > 0 {
                return Ok(());
            }
        } else if !this.held() {
            return Err(cx.runtime_error("release unlocked lock"));
        }
        this.count.set(0);
        this.give();
        Ok(())
    }
    /// Return whether the lock is in the locked state.
    #[py("locked($self, /)")]
    fn locked(_cx: &mut Cx, this: &Ref<Lock>) -> bool {
        this.held()
    }
    /// Lock the lock.
    #[py("__enter__($self, /)")]
    fn enter(cx: &mut Cx, this: &Ref<Lock>) -> PyResult<bool> {
        Lock::acquire(cx, this, true, None)
    }
    /// Release the lock.
    #[py("__exit__($self, /, *exc_info)")]
    fn exit(cx: &mut Cx, this: &Ref<Lock>, exc_info: &[Obj]) -> PyResult<()> {
        let _ = exc_info;
        Lock::release(cx, this)
    }
    #[py("_at_fork_reinit($self, /)")]
    fn at_fork_reinit(_cx: &mut Cx, this: &Ref<Lock>) {
        this.raw.0.replace(Arc::default());
        this.count.set(0);
    }
    /// For internal use by `threading.Condition`.
    #[py("_is_owned($self, /)")]
    fn is_owned(cx: &mut Cx, this: &Ref<Lock>) -> bool {
        this.mine(cx)
    }
    /// For internal use by reentrancy checks.
    #[py("_recursion_count($self, /)")]
    fn recursion_count(cx: &mut Cx, this: &Ref<Lock>) -> usize {
        if this.mine(cx) { this.count.get() } else { 0 }
    }
    /// For internal use by `threading.Condition`.
    #[py("_release_save($self, /)")]
    fn release_save(cx: &mut Cx, this: &Ref<Lock>) -> PyResult {
        if this.count.get() == 0 {
            return Err(cx.runtime_error("cannot release un-acquired lock"));
        }
        let state = vec![cx.int(this.count.replace(0) as i64)?, cx.int(this.owner.get())?];
        this.give();
        cx.tuple(state)
    }
    /// For internal use by `threading.Condition`.
    #[py("_acquire_restore($self, state, /)")]
    fn acquire_restore(cx: &mut Cx, this: &Ref<Lock>, state: &Obj) -> PyResult<()> {
        let (zero, one) = (cx.int(0)?, cx.int(1)?);
        let (n, owner) = (protocol::getitem(cx, state, &zero)?, protocol::getitem(cx, state, &one)?);
        let (n, owner) = (protocol::index_i64(cx, &n)?, protocol::index_i64(cx, &owner)?);
        wait(cx, this, true, -1.0)?;
        this.owner.set(owner);
        this.count.set(n.max(0) as usize);
        Ok(())
    }
}

/// What a plain lock has of the methods: all but those of a reentrant one.
const PLAIN: usize = 6;

fn fresh(cx: &mut Cx, ty: &Ref<crate::types::Type>, reentrant: bool) -> PyResult {
    let lock = memory::new(cx, ty, |head| Lock { head, raw: Hidden(RefCell::default()), owner: Cell::new(0), count: Cell::new(0), reentrant: Cell::new(reentrant) })?;
    Ok(lock.into_obj())
}

pub(super) fn spec(name: &'static str, reentrant: bool) -> Spec {
    Spec {
        doc: "A lock object is a synchronization primitive.",
        text_signature: if reentrant { "" } else { "()" },
        flags: flags::MANAGED | flags::GC | flags::WEAK | if reentrant { flags::BASE } else { 0 },
        slots: Slots {
            repr: Some(|cx, o| {
                let Some(l) = o.cast::<Lock>() else { return Ok(cx.none()) };
                let held = if l.reentrant.get() { l.count.get() > 0 } else { l.held() };
                let (state, name) = (if held { "locked" } else { "unlocked" }, o.ty().name_text());
                let text = if l.reentrant.get() {
                    format!("<{state} {name} object owner={} count={} at {:#x}>", if held { l.owner.get() } else { 0 }, l.count.get(), o.address())
                } else {
                    format!("<{state} {name} object at {:#x}>", o.address())
                };
                cx.str(&text)
            }),
            new: Some(if reentrant {
                |cx, ty, _| fresh(cx, ty, true)
            } else {
                |cx, ty, args| {
                    if !args.is_empty() {
                        return Err(cx.type_error(format!("lock expected 0 arguments, got {}", args.items.len())));
                    }
                    fresh(cx, ty, false)
                }
            }),
            init: Some(|_, _, _| Ok(())),
            ..Slots::EMPTY
        },
        methods: if reentrant { Lock::METHODS } else { Lock::METHODS.split_at(PLAIN).0 },
        ..Spec::new::<Lock>(name)
    }
}
