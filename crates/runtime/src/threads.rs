//! Threads of Python. One runs at a time: who holds the lock of the interpreter (the GIL) has `&mut Cx`. A thread that
//! waits for the world, or whose turn is over, takes what is its own out of the context, gives the lock away, and puts
//! its own back when it has the lock again. Promises: T1 the context is touched only by the holder of the lock; T2 every
//! count is moved by the holder of the lock, so handles may cross threads inside `Carried`.

use crate::cx::{Cx, POLL_SWITCH, PyResult};
use crate::eval::Stacks;
use crate::object::Obj;
use rustc_hash::FxHashMap;
use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What of a context belongs to one thread.
pub struct Own {
    stacks: Stacks,
    handled: Option<Obj>,
    error: Option<Obj>,
    may_run: bool,
    death_depth: u32,
    native_depth: usize,
    stack_floor: usize,
    reprs: Vec<usize>,
    reraised: usize,
    tracing: crate::eval::tracing::State,
    asyncgen_hooks: (Option<Obj>, Option<Obj>),
    /// The current context of `contextvars`.
    context: Option<Obj>,
    /// The event loop of `asyncio` that runs.
    running_loop: Option<Obj>,
}

impl Own {
    fn with(stacks: Stacks) -> Own {
        Own {
            stacks,
            handled: None,
            error: None,
            may_run: false,
            death_depth: 0,
            native_depth: 0,
            stack_floor: 0,
            reprs: Vec::new(),
            reraised: 0,
            tracing: Default::default(),
            asyncgen_hooks: (None, None),
            context: None,
            running_loop: None,
        }
    }

    fn swap(&mut self, cx: &mut Cx) {
        fn cell<T: Copy>(mine: &mut T, theirs: &Cell<T>) {
            *mine = theirs.replace(*mine);
        }
        use std::mem::swap;
        swap(&mut self.stacks, &mut cx.stacks);
        swap(&mut self.handled, cx.handled.get_mut());
        swap(&mut self.error, cx.error.get_mut());
        cell(&mut self.may_run, &cx.may_run);
        cell(&mut self.death_depth, &cx.death_depth);
        cell(&mut self.native_depth, &cx.native_depth);
        cell(&mut self.stack_floor, &cx.stack_floor);
        swap(&mut self.reprs, cx.reprs.get_mut());
        cell(&mut self.reraised, &cx.reraised);
        swap(&mut self.tracing, &mut cx.tracing);
        swap(&mut self.asyncgen_hooks, &mut cx.asyncgen_hooks);
        swap(&mut self.context, &mut cx.threads.context);
        swap(&mut self.running_loop, &mut cx.threads.running_loop);
        crate::lens::thread_switched(cx);
    }
}

/// The threads of an interpreter.
pub struct State {
    gil: Arc<Gil>,
    /// The thread that runs, and the one that began.
    pub current: i64,
    pub main: i64,
    next: i64,
    /// By thread: what is its own while it does not run. The one that runs has an empty place here.
    waiting: FxHashMap<i64, Box<Own>>,
    /// The system's numbers of the threads, once there are several.
    pub natives: FxHashMap<i64, i64>,
    /// The current context of `contextvars` of the thread that runs.
    pub context: Option<Obj>,
    /// The event loop of `asyncio` that runs in it.
    pub running_loop: Option<Obj>,
    /// Weak references to every `threading.local`, whose values of a thread go with it.
    pub locals: RefCell<Vec<Obj>>,
    /// Threads that the end of the program waits for.
    pub awaited: Vec<Arc<Done>>,
    /// Bytes of native stack of new threads; 0: the default.
    pub stack_size: usize,
}

impl Default for State {
    fn default() -> State {
        State {
            gil: Arc::default(),
            current: MAIN,
            main: MAIN,
            next: MAIN,
            waiting: FxHashMap::default(),
            natives: FxHashMap::default(),
            context: None,
            running_loop: None,
            locals: RefCell::default(),
            awaited: Vec::new(),
            stack_size: 0,
        }
    }
}

const MAIN: i64 = 1;
const STACK_BYTES: usize = 16 << 20;
/// Smallest native stack that a thread really gets.
const STACK_BYTES_MIN: usize = 1 << 20;
/// What of a native stack stays out of Python's reach.
const STACK_RESERVE: usize = 512 << 10;

impl State {
    /// Number of threads beside the one that began.
    pub fn others(&self) -> usize {
        self.waiting.len().saturating_sub(1)
    }
    /// Whether a thread is there.
    pub fn is_known(&self, id: i64) -> bool {
        id == self.current || self.waiting.contains_key(&id)
    }
    /// Every thread with its innermost frame; the running thread is not among them.
    pub(crate) fn frames(&self) -> Vec<(i64, *mut crate::eval::Frame)> {
        let waiting = self.waiting.iter().filter(|(id, _)| **id != self.current);
        waiting.filter(|(_, own)| own.stacks.current().is_some()).map(|(id, own)| (*id, own.stacks.top)).collect()
    }
    /// Every thread that waits with the exception that it handles.
    pub(crate) fn handled(&self) -> Vec<(i64, Option<Obj>)> {
        self.waiting.iter().filter(|(id, _)| **id != self.current).map(|(id, own)| (*id, own.handled.clone())).collect()
    }
    /// How long a thread may run while others wait, in seconds.
    pub fn set_interval(&self, seconds: f64) {
        self.gil.interval_ns.store((seconds * 1e9) as u64, Ordering::Relaxed);
    }
    /// In the child of a fork: the other threads are gone.
    pub fn after_fork(&mut self) {
        self.gil = Arc::default();
        self.main = self.current;
        self.awaited.clear();
        self.natives.clear();
        // What the others held stays where it is: nobody can say whether it is whole.
        for (_, own) in self.waiting.drain() {
            std::mem::forget(own);
        }
    }
    /// The interpreter ends: threads that still want the lock sleep for ever.
    pub fn close(&mut self) {
        self.gil.lock().closed = true;
        // Nobody takes turns any more; what the others held stays where it is.
        for (_, own) in self.waiting.drain() {
            std::mem::forget(own);
        }
    }
}

/// The lock of an interpreter.
struct Gil {
    state: Mutex<GilState>,
    free: Condvar,
    taken: Condvar,
    interval_ns: AtomicU64,
    /// The poll word of the interpreter: who waits too long asks there.
    word: AtomicPtr<AtomicU32>,
}

#[derive(Default)]
struct GilState {
    held: bool,
    switches: u64,
    waiting: usize,
    /// Threads that gave the lock away, and sleep until it was taken.
    giving: usize,
    closed: bool,
}

impl Default for Gil {
    fn default() -> Gil {
        let held = Mutex::new(GilState { held: true, ..GilState::default() });
        Gil { state: held, free: Condvar::new(), taken: Condvar::new(), interval_ns: AtomicU64::new(5_000_000), word: AtomicPtr::default() }
    }
}

impl Gil {
    fn lock(&self) -> MutexGuard<'_, GilState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn acquire(&self) {
        let mut s = self.lock();
        s.waiting += 1;
        while s.held {
            let before = s.switches;
            let interval = Duration::from_nanos(self.interval_ns.load(Ordering::Relaxed).max(1000));
            let (again, timed) = self.free.wait_timeout(s, interval).unwrap_or_else(PoisonError::into_inner);
            s = again;
            if s.closed {
                // The context may be gone.
                break;
            }
            if timed.timed_out() && s.held && s.switches == before {
                // SAFETY: the word belongs to the context, which outlives its threads' use of it.
                if let Some(word) = unsafe { self.word.load(Ordering::Relaxed).as_ref() } {
                    word.fetch_or(POLL_SWITCH, Ordering::Relaxed);
                }
            }
        }
        s.waiting -= 1;
        if s.closed {
            drop(s);
            loop {
                std::thread::park();
            }
        }
        s.held = true;
        s.switches += 1;
        // To wake nobody would still be a call of the system.
        if s.giving > 0 {
            self.taken.notify_all();
        }
    }
    fn release(&self) {
        let mut s = self.lock();
        s.held = false;
        let wake = s.waiting > 0;
        drop(s);
        if wake {
            self.free.notify_one();
        }
    }
    /// Gives the lock to somebody who waits for it.
    fn hand_over(&self) {
        let mut s = self.lock();
        if s.waiting == 0 {
            return;
        }
        s.held = false;
        let before = s.switches;
        self.free.notify_one();
        s.giving += 1;
        while s.switches == before && s.waiting > 0 {
            s = self.taken.wait(s).unwrap_or_else(PoisonError::into_inner);
        }
        s.giving -= 1;
        drop(s);
        self.acquire();
    }
}

/// Handles on their way to another thread.
struct Carried<T>(T);
// SAFETY: T2, what is carried is touched only by who holds the lock.
unsafe impl<T> Send for Carried<T> {}
impl<T> Carried<T> {
    fn open(self) -> T {
        self.0
    }
}

/// Whether a thread is over, for those who wait for that.
#[derive(Default)]
pub struct Done {
    over: Mutex<bool>,
    changed: Condvar,
}

impl Done {
    pub fn is_over(&self) -> bool {
        *self.over.lock().unwrap_or_else(PoisonError::into_inner)
    }
    pub fn set(&self) {
        *self.over.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }
    /// Waits at most so long.
    pub fn wait(&self, most: Duration) -> bool {
        let over = self.over.lock().unwrap_or_else(PoisonError::into_inner);
        *self.changed.wait_timeout_while(over, most, |over| !*over).unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Cx {
    /// Lets other threads run while `f` waits for the world. `f` has no way to the interpreter.
    pub fn allow_threads<T>(&mut self, f: impl FnOnce() -> T) -> T {
        if self.threads.waiting.is_empty() {
            return f();
        }
        let (gil, me) = leave(self);
        gil.release();
        let result = f();
        gil.acquire();
        enter(self, me);
        result
    }

    /// Somebody else's turn.
    #[cold]
    pub(crate) fn switch_threads(&mut self) {
        if self.threads.waiting.is_empty() {
            return;
        }
        let (gil, me) = leave(self);
        gil.hand_over();
        enter(self, me);
    }

    /// Repeats a wait in short turns until it says yes or the time is over; signals are noticed in between.
    pub fn wait_in_turns(&mut self, seconds: Option<f64>, mut wait: impl FnMut(Duration) -> bool) -> PyResult<bool> {
        let start = self.host.monotonic();
        loop {
            let left = seconds.map(|s| (s - (self.host.monotonic() - start)).max(0.0));
            // Only the first thread has signals to notice.
            let turn = if self.threads.current == self.threads.main { 0.05 } else { 3600.0 };
            let turn = left.map_or(turn, |l: f64| l.min(turn));
            if self.allow_threads(|| wait(Duration::from_secs_f64(turn))) {
                return Ok(true);
            }
            self.poll_native()?;
            if left.is_some_and(|l| l <= turn) {
                return Ok(false);
            }
        }
    }
}

/// Takes what is the running thread's own out of the context.
#[inline(never)]
fn leave(cx: &mut Cx) -> (Arc<Gil>, i64) {
    let me = cx.threads.current;
    put_own(cx, me);
    (cx.threads.gil.clone(), me)
}

/// Puts what is the thread's own back into the context.
#[inline(never)]
fn enter(cx: &mut Cx, me: i64) {
    put_own(cx, me);
    cx.threads.current = me;
    cx.renew_frame_limit();
}

fn put_own(cx: &mut Cx, id: i64) {
    if let Some(mut own) = cx.threads.waiting.remove(&id) {
        own.swap(cx);
        cx.threads.waiting.insert(id, own);
    }
}

/// Changes what watches every thread; what was there before goes.
pub fn watch_all(cx: &mut Cx, mut change: impl FnMut(&mut crate::eval::tracing::State) -> Option<Obj>) {
    let current = cx.threads.current;
    let mut gone = vec![change(&mut cx.tracing)];
    for (id, own) in &mut cx.threads.waiting {
        if *id != current {
            gone.push(change(&mut own.tracing));
        }
    }
    cx.watchers_changed();
    cx.release(gone);
}

/// Starts a thread that calls `function`. Returns its number; `done` is set when it is over.
pub fn start(cx: &mut Cx, function: Obj, args: Vec<Obj>, names: Vec<Obj>, done: Arc<Done>) -> PyResult<i64> {
    cx.threads.gil.word.store(&raw mut cx.poll, Ordering::Relaxed);
    if cx.threads.waiting.is_empty() {
        // The first thread beside the main one: from now on that has a place, too.
        let me = cx.threads.current;
        cx.threads.waiting.insert(me, Box::new(Own::with(Stacks::none())));
        let native = cx.host.thread_id();
        cx.threads.natives.insert(me, native);
    }
    let id = cx.threads.next + 1;
    cx.threads.next = id;
    let wanted = if cx.threads.stack_size == 0 { STACK_BYTES } else { cx.threads.stack_size.max(STACK_BYTES_MIN) };
    let Some(stacks) = Stacks::of_thread() else { return Err(refused(cx)) };
    cx.threads.waiting.insert(id, Box::new(Own::with(stacks)));
    let gil = cx.threads.gil.clone();
    let context: *mut Cx = cx;
    let carried = Carried((context, function, args, names));
    let body = move || {
        gil.acquire();
        let (context, function, args, names) = carried.open();
        // SAFETY: T1, the lock is ours; the context outlives it, for the end of the interpreter closes the lock.
        let cx = unsafe { &mut *context };
        enter(cx, id);
        let native = cx.host.thread_id();
        cx.threads.natives.insert(id, native);
        cx.measure_stack_of(wanted - STACK_RESERVE);
        let ran = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(cx, function, args, names)));
        over(cx, id);
        done.set();
        gil.release();
        drop(ran);
    };
    if cx.host.spawn_thread(wanted, Box::new(body)).is_err() {
        cx.threads.waiting.remove(&id);
        return Err(refused(cx));
    }
    Ok(id)
}

fn refused(cx: &Cx) -> crate::cx::Raised {
    cx.runtime_error("can't start new thread")
}

fn run(cx: &mut Cx, function: Obj, args: Vec<Obj>, names: Vec<Obj>) {
    match crate::protocol::call_args(cx, &function, crate::native::Args { items: &args, names: &names }) {
        Ok(v) => cx.release(v),
        Err(_) if cx.error_is(&cx.types.system_exit) => cx.clear_error(),
        Err(_) => {
            let text = match crate::protocol::repr_text(cx, &function) {
                Ok(t) => format!("Exception ignored in thread started by {t}"),
                Err(_) => "Exception ignored in thread started by <unknown>".into(),
            };
            let none = cx.none();
            crate::modules::sys::hooks::unraisable(cx, Some(&text), &none);
        }
    }
    cx.release(args);
    cx.release(function);
    // Values of `threading.local` go with the thread.
    let id = cx.threads.current;
    let locals = cx.threads.locals.borrow().clone();
    for l in locals {
        crate::modules::thread::local::forget(cx, &l, id);
    }
}

/// The end of the running thread: its own goes, an empty place is left in the context.
fn over(cx: &mut Cx, id: i64) {
    cx.threads.natives.remove(&id);
    let handled = cx.handled.get_mut().take();
    cx.release(handled);
    let gone = (cx.tracing.trace.take(), cx.tracing.profile.take(), cx.threads.context.take(), cx.threads.running_loop.take(), std::mem::take(&mut cx.asyncgen_hooks));
    cx.release(gone);
    cx.run_condemned();
    cx.clear_error();
    if let Some(mut own) = cx.threads.waiting.remove(&id) {
        own.swap(cx);
    }
}
