//! `_queue`: `SimpleQueue`, an unbounded queue between threads, and `Empty`.

use crate::collections::Items;
use retic_runtime::object::Guarded;
use retic_runtime::types::code::Hidden;
use retic_runtime::types::type_::flags;
use retic_runtime::types::{Slots, Spec, generic, module};
use retic_runtime::{Cx, Obj, PyResult, Ref, layout, memory, protocol};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How many items nobody has taken yet, and how many threads sleep until there is one.
#[derive(Default)]
struct State {
    count: usize,
    sleepers: usize,
}
/// What threads share of a queue.
#[derive(Default)]
struct Ready {
    state: Mutex<State>,
    some: Condvar,
}
impl State {
    fn take(&mut self) -> bool {
        let had = self.count > 0;
        self.count = self.count.saturating_sub(1);
        had
    }
}
impl Ready {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn give(&self) {
        let mut s = self.state();
        s.count += 1;
        let wake = s.sleepers > 0;
        drop(s);
        if wake {
            self.some.notify_one();
        }
    }
    fn take(&self) -> bool {
        self.state().take()
    }
    fn wait(&self, most: Duration) -> bool {
        let mut s = self.state();
        s.sleepers += 1;
        let (mut s, _) = self.some.wait_timeout_while(s, most, |s| s.count == 0).unwrap_or_else(PoisonError::into_inner);
        s.sleepers -= 1;
        s.take()
    }
}

layout! {
    /// A queue between threads.
    pub struct SimpleQueue = 313, "_queue.SimpleQueue" { items: Items, ready: Hidden<Arc<Ready>>, }
}

fn take(cx: &mut Cx, this: &Ref<SimpleQueue>, block: bool, timeout: Option<&Obj>) -> PyResult {
    let ready = this.ready.0.clone();
    let mut seconds = None;
    if let Some(t) = timeout.filter(|_| block) {
        let s = protocol::to_float(cx, t)?;
        if s < 0.0 {
            return Err(cx.value_error("'timeout' must be a non-negative number"));
        }
        if s.is_nan() {
            return Err(cx.value_error("Invalid value NaN (not a number)"));
        }
        if s > i64::MAX as f64 / 1e9 {
            return Err(cx.overflow_error("timeout value is too large"));
        }
        seconds = Some(s);
    }
    let got = ready.take() || block && cx.wait_in_turns(seconds, |most| ready.wait(most))?;
    let item = if got { this.items.0.get_mut(cx).pop_front() } else { None };
    match item {
        Some(item) => Ok(item),
        None => {
            let empty = cx.native_type("_queue.Empty");
            let e = protocol::call(cx, empty.as_obj(), &[])?;
            Err(cx.raise(e))
        }
    }
}

#[retic_macros::methods]
impl SimpleQueue {
    /// Append an item. There is always room, so `block` and `timeout`, which `queue.Queue` has, say nothing.
    #[py("put($self, /, item, block=True, timeout=None)")]
    fn put(cx: &mut Cx, this: &Ref<SimpleQueue>, item: &Obj, _block: bool, _timeout: Option<&Obj>) -> PyResult<()> {
        let queue = this.items.0.get_mut(cx);
        if queue.try_reserve(1).is_err() {
            return Err(cx.memory_error());
        }
        queue.push_back(item.clone());
        this.ready.0.give();
        Ok(())
    }
    /// Append an item, as put() does.
    #[py("put_nowait($self, /, item)")]
    fn put_nowait(cx: &mut Cx, this: &Ref<SimpleQueue>, item: &Obj) -> PyResult<()> {
        SimpleQueue::put(cx, this, item, true, None)
    }
    /// Take the oldest item; while there is none, wait for it. `timeout` (seconds) bounds the wait, and Empty is raised behind
    /// it; without `block` it is raised at once.
    #[py("get($self, /, block=True, timeout=None)")]
    fn get(cx: &mut Cx, this: &Ref<SimpleQueue>, block: bool, timeout: Option<&Obj>) -> PyResult {
        take(cx, this, block, timeout)
    }
    /// Take the oldest item, or raise Empty.
    #[py("get_nowait($self, /)")]
    fn get_nowait(cx: &mut Cx, this: &Ref<SimpleQueue>) -> PyResult {
        take(cx, this, false, None)
    }
    /// Whether nothing waits now; other threads may change that at once.
    #[py("empty($self, /)")]
    fn empty(cx: &mut Cx, this: &Ref<SimpleQueue>) -> bool {
        this.items.0.get(cx).is_empty()
    }
    /// How many items wait now; other threads may change that at once.
    #[py("qsize($self, /)")]
    fn qsize(cx: &mut Cx, this: &Ref<SimpleQueue>) -> usize {
        this.items.0.get(cx).len()
    }
    /// See PEP 585
    #[py("__class_getitem__($type, object, /)")]
    fn class_getitem(cx: &mut Cx, cls: &Obj, object: &Obj) -> PyResult {
        generic::alias(cx, cls, object)
    }
}

pub fn make(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "_queue", "C implementation of the Python queue module.\nThis module is an implementation detail, please do not use it directly.", &[])?;
    let spec = Spec {
        doc: "A queue without a bound, first in, first out, which signal handlers and finalisers may use, too.",
        text_signature: "()",
        flags: flags::GC | flags::MANAGED | flags::WEAK | flags::BASE,
        slots: Slots {
            new: Some(|cx, ty, args| {
                args.unpack(cx, "SimpleQueue", 0, 0)?;
                Ok(memory::new(cx, ty, |head| SimpleQueue { head, items: Items(Guarded::new(VecDeque::new())), ready: Hidden(Arc::default()) })?.into_obj())
            }),
            ..Slots::EMPTY
        },
        methods: SimpleQueue::METHODS,
        ..Spec::new::<SimpleQueue>("_queue.SimpleQueue")
    };
    m.add_type(cx, &spec)?;
    let base = cx.types.exception.as_obj().clone();
    let empty = m.add_exception(cx, "_queue.Empty", &base)?;
    cx.native_types.insert("_queue.Empty", empty);
    Ok(m.into_obj())
}
