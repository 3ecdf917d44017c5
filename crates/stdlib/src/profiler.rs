//! `_lsprof`: how often functions are called, and how long they take. The eval loop tells of calls and returns.

use retic_runtime::eval::tracing::{Hook, Step};
use retic_runtime::object::Guarded;
use retic_runtime::types::code::Hidden;
use retic_runtime::types::function::Builtin;
use retic_runtime::types::structseq::{self, Definition};
use retic_runtime::types::type_::flags;
use retic_runtime::types::{Float, Slots, Spec, int, module};
use retic_runtime::{Args, Cx, Obj, PyResult, Ref, layout, memory, protocol};
use rustc_hash::FxHashMap;
use std::cell::{Cell, RefCell};

/// What is known of a function, or of its calls out of another.
#[derive(Default, Clone, Copy)]
struct Times {
    calls: i64,
    recursive: i64,
    /// Ticks from call to return, of calls that are not within one another.
    total: i64,
    /// Ticks in the function itself.
    own: i64,
    /// Calls that run now.
    depth: i64,
}
impl Times {
    fn begin(&mut self) {
        self.depth += 1;
    }
    fn end(&mut self, ticks: i64, own: i64) {
        self.depth -= 1;
        if self.depth == 0 {
            self.total += ticks;
        } else {
            self.recursive += 1;
        }
        self.own += own;
        self.calls += 1;
    }
}

/// A function: its code object, or the words for one written in Rust.
struct Entry {
    what: Obj,
    times: Times,
    callees: FxHashMap<usize, Times>,
}

/// A call that runs.
struct Running {
    entry: usize,
    begun: i64,
    /// Ticks of calls out of it.
    inner: i64,
}

#[derive(Default)]
struct Record {
    entries: Vec<Entry>,
    /// By the address of the code object or of the native function's definition.
    known: FxHashMap<usize, usize>,
    stack: Vec<Running>,
}

layout! {
    /// A profiler.
    pub struct Profiler = 323, "_lsprof.Profiler" {
        record: Hidden<RefCell<Record>>,
        timer: Guarded<Option<Obj>>,
        /// Seconds of a tick of the timer; 0: it tells seconds.
        unit: Cell<f64>,
        subcalls: Cell<bool>,
        builtins: Cell<bool>,
        enabled: Cell<bool>,
        /// The timer runs.
        timing: Cell<bool>,
    }
}

/// Ticks of the built-in clock, and of timers that tell seconds, in a second.
const SECOND: f64 = 1e9;

fn now(cx: &mut Cx, this: &Ref<Profiler>) -> i64 {
    let Some(timer) = this.timer.cloned(cx) else { return cx.host.clock_ns(retic_runtime::host::Clock::Monotonic) as i64 };
    this.timing.set(true);
    let answer = protocol::call(cx, &timer, &[]);
    this.timing.set(false);
    let told = answer.and_then(|t| {
        if this.unit.get() > 0.0 {
            return protocol::index_i64(cx, &t);
        }
        match t.cast::<Float>() {
            Some(f) => Ok((f.value.get() * SECOND) as i64),
            None => Ok((protocol::to_float(cx, &t)? * SECOND) as i64),
        }
    });
    told.unwrap_or_else(|_| {
        cx.unraisable(&timer);
        0
    })
}

/// The words for a function written in Rust.
fn described(cx: &mut Cx, f: &Obj) -> PyResult {
    let Some(b) = f.cast::<Builtin>().cloned() else { return protocol::repr(cx, f) };
    let name = b.def.get().name;
    if let Some(this) = b.this.cloned(cx).filter(|t| t.cast::<module::Module>().is_none()) {
        // A method is told by its descriptor, whatever object it was called on.
        let key = cx.name(name);
        let class = this.cast::<retic_runtime::types::Type>().cloned().unwrap_or_else(|| this.type_ref());
        if let Some(found) = protocol::lookup_attr(cx, class.as_obj(), &key)? {
            return protocol::repr(cx, &found);
        }
    }
    match b.module.cloned(cx).filter(|m| !m.is_none()) {
        Some(m) => {
            let m = protocol::str_text(cx, &m)?;
            cx.str(&format!("<built-in method {m}.{name}>"))
        }
        None => cx.str(&format!("<built-in method {name}>")),
    }
}

fn begin(cx: &mut Cx, this: &Ref<Profiler>, key: usize, what: impl FnOnce(&mut Cx) -> PyResult) {
    let known = this.record.0.borrow().known.get(&key).copied();
    let entry = match known {
        Some(entry) => entry,
        None => {
            let Ok(what) = what(cx) else {
                cx.clear_error();
                return;
            };
            let mut record = this.record.0.borrow_mut();
            let n = record.entries.len();
            record.entries.push(Entry { what, times: Times::default(), callees: FxHashMap::default() });
            record.known.insert(key, n);
            n
        }
    };
    let begun = now(cx, this);
    let mut record = this.record.0.borrow_mut();
    let caller = record.stack.last().map(|r| r.entry);
    record.entries[entry].times.begin();
    if let Some(caller) = caller.filter(|_| this.subcalls.get()) {
        record.entries[caller].callees.entry(entry).or_default().begin();
    }
    record.stack.push(Running { entry, begun, inner: 0 });
}

fn end(cx: &mut Cx, this: &Ref<Profiler>) {
    if this.record.0.borrow().stack.is_empty() {
        // It was called before the profiler was there.
        return;
    }
    let at = now(cx, this);
    let mut record = this.record.0.borrow_mut();
    let Some(done) = record.stack.pop() else { return };
    let ticks = at - done.begun;
    let own = ticks - done.inner;
    record.entries[done.entry].times.end(ticks, own);
    let Some(caller) = record.stack.last_mut().map(|caller| {
        caller.inner += ticks;
        caller.entry
    }) else {
        return;
    };
    if this.subcalls.get() {
        record.entries[caller].callees.entry(done.entry).or_default().end(ticks, own);
    }
}

fn tell(cx: &mut Cx, owner: &Obj, step: Step<'_>) {
    let Some(this) = owner.cast::<Profiler>().cloned() else { return };
    match step {
        Step::Entered(code) => begin(cx, &this, code.as_obj().address(), |_| Ok(code.as_obj().clone())),
        Step::Calls(f) if this.builtins.get() => {
            let key = f.cast::<Builtin>().map_or(f.address(), |b| std::ptr::from_ref(b.def.get()) as usize);
            begin(cx, &this, key, |cx| described(cx, f));
        }
        Step::Calls(_) => {}
        Step::Done if !this.builtins.get() => {}
        Step::Left | Step::Done => end(cx, &this),
    }
}

/// Takes the number of profilers in `sys.monitoring`, or gives it back. False: another tool has it.
fn tool(cx: &mut Cx, take: bool) -> PyResult<bool> {
    let sys = cx.sys.clone().expect("sys is made with the interpreter");
    let (monitoring, number) = (cx.name("monitoring"), cx.name("PROFILER_ID"));
    let monitoring = protocol::getattr(cx, &sys, &monitoring)?;
    let number = protocol::getattr(cx, &monitoring, &number)?;
    if !take {
        protocol::call_method(cx, &monitoring, "free_tool_id", &[number])?;
        return Ok(true);
    }
    let name = cx.str("cProfile")?;
    match protocol::call_method(cx, &monitoring, "use_tool_id", &[number, name]) {
        Ok(_) => Ok(true),
        Err(raised) if !cx.error_is(&cx.types.value_error) => Err(raised),
        Err(_) => {
            cx.clear_error();
            Ok(false)
        }
    }
}

static ENTRY: Definition = Definition {
    name: "_lsprof.profiler_entry",
    doc: "What a profiler knows of a function.",
    fields: &["code", "callcount", "reccallcount", "totaltime", "inlinetime", "calls"],
    visible: 6,
};
static SUBENTRY: Definition = Definition {
    name: "_lsprof.profiler_subentry",
    doc: "What a profiler knows of the calls of a function out of another.",
    fields: &["code", "callcount", "reccallcount", "totaltime", "inlinetime"],
    visible: 5,
};

/// A function, its times, and those of the functions it called.
type Row = (Obj, Times, Vec<(Obj, Times)>);

fn row(cx: &Cx, what: &Obj, t: &Times, tick: f64) -> PyResult<Vec<Obj>> {
    Ok(vec![what.clone(), cx.int(t.calls)?, cx.int(t.recursive)?, cx.float(t.total as f64 * tick)?, cx.float(t.own as f64 * tick)?])
}

#[retic_macros::methods]
impl Profiler {
    /// Begin, or go on: with subcalls it is kept who calls whom; with builtins functions written in Rust are timed, too.
    #[py("enable($self, /, subcalls=True, builtins=True)")]
    fn enable(cx: &mut Cx, this: &Ref<Profiler>, subcalls: bool, builtins: bool) -> PyResult<()> {
        if cx.tracing.hook.is_some() || !tool(cx, true)? {
            return Err(cx.value_error("Another profiling tool is already active"));
        }
        this.subcalls.set(subcalls);
        this.builtins.set(builtins);
        this.enabled.set(true);
        cx.tracing.hook = Some(Hook { owner: this.as_obj().clone(), tell });
        cx.watchers_changed();
        Ok(())
    }
    /// Stop; calls that run end now.
    #[py("disable($self, /)")]
    fn disable(cx: &mut Cx, this: &Ref<Profiler>) -> PyResult<()> {
        if this.timing.get() {
            return Err(cx.runtime_error("cannot disable profiler in external timer"));
        }
        if this.enabled.replace(false) {
            let hook = cx.tracing.hook.take();
            cx.release(hook);
            if tool(cx, false).is_err() {
                cx.clear_error();
            }
            cx.watchers_changed();
        }
        while !this.record.0.borrow().stack.is_empty() {
            end(cx, this);
        }
        Ok(())
    }
    /// Forget everything.
    #[py("clear($self, /)")]
    fn clear(cx: &mut Cx, this: &Ref<Profiler>) -> PyResult<()> {
        if this.timing.get() {
            return Err(cx.runtime_error("cannot clear profiler in external timer"));
        }
        let old = std::mem::take(&mut *this.record.0.borrow_mut());
        cx.release(old.entries.into_iter().map(|e| e.what).collect::<Vec<_>>());
        Ok(())
    }
    /// A list of profiler_entry: code (a code object, or words for a function written in Rust), callcount, reccallcount,
    /// totaltime and inlinetime in seconds, and calls: None or a list of profiler_subentry.
    #[py("getstats($self, /)")]
    fn getstats(cx: &mut Cx, this: &Ref<Profiler>) -> PyResult {
        // A timer that cannot be called says so here.
        let tick = match this.unit.get() {
            u if u > 0.0 && this.timer.get(cx).is_some() => u,
            _ => 1.0 / SECOND,
        };
        let (entry_type, sub_type) = (cx.native_type("_lsprof.profiler_entry"), cx.native_type("_lsprof.profiler_subentry"));
        let rows: Vec<Row> = {
            let record = this.record.0.borrow();
            let callees = |e: &Entry| {
                let mut list: Vec<_> = e.callees.iter().filter(|c| c.1.calls > 0).map(|(i, t)| (*i, *t)).collect();
                list.sort_by_key(|c| c.0);
                list.into_iter().map(|(i, t)| (record.entries[i].what.clone(), t)).collect()
            };
            record.entries.iter().filter(|e| e.times.calls > 0).map(|e| (e.what.clone(), e.times, callees(e))).collect()
        };
        let mut out = Vec::with_capacity(rows.len());
        for (what, times, callees) in rows {
            let mut values = row(cx, &what, &times, tick)?;
            let mut calls = Vec::with_capacity(callees.len());
            for (what, times) in callees {
                let values = row(cx, &what, &times, tick)?;
                calls.push(structseq::new(cx, &sub_type, 5, values)?);
            }
            values.push(if calls.is_empty() { cx.none() } else { cx.list(calls)? });
            out.push(structseq::new(cx, &entry_type, 6, values)?);
            cx.poll_native()?;
        }
        cx.list(out)
    }
}

const PARAMS: crate::params::Params = crate::params::Params { function: "Profiler", names: &["timer", "timeunit", "subcalls", "builtins"], required: 0, positional: 4 };

fn init(cx: &mut Cx, o: &Obj, args: Args<'_>) -> PyResult<()> {
    let Some(this) = o.cast::<Profiler>().cloned() else { return Ok(()) };
    let (mut timer, mut unit, mut subcalls, mut builtins) = (None, 0.0, true, true);
    crate::params::bind(cx, &PARAMS, &args, |cx, i, value| {
        match i {
            0 => timer = Some(value.clone()).filter(|t| !t.is_none()),
            1 if int::to_i64(value).is_some() || !value.is_none() => unit = protocol::to_float(cx, value)?,
            1 => {}
            2 => subcalls = protocol::truth(cx, value)?,
            _ => builtins = protocol::truth(cx, value)?,
        }
        Ok(())
    })?;
    let old = this.timer.replace(cx, timer);
    cx.release(old);
    this.unit.set(unit);
    this.subcalls.set(subcalls);
    this.builtins.set(builtins);
    Ok(())
}

pub fn make(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "_lsprof", "How often functions are called, and how long they take.", &[])?;
    let spec = Spec {
        doc: "Profiler(timer=None, timeunit=None, subcalls=True, builtins=True)\n\n\
              Times calls by a clock of the machine, or by a function of no arguments that tells\n\
              seconds, or, with a timeunit, whole numbers of so many seconds each.",
        flags: flags::BASE | flags::GC,
        slots: Slots {
            new: Some(|cx, ty, _| {
                Ok(memory::new(cx, ty, |head| Profiler {
                    head,
                    record: Hidden(RefCell::default()),
                    timer: Guarded::new(None),
                    unit: Cell::new(0.0),
                    subcalls: Cell::new(true),
                    builtins: Cell::new(true),
                    enabled: Cell::new(false),
                    timing: Cell::new(false),
                })?
                .into_obj())
            }),
            init: Some(init),
            ..Slots::EMPTY
        },
        methods: Profiler::METHODS,
        ..Spec::new::<Profiler>("_lsprof.Profiler")
    };
    m.add_type(cx, &spec)?;
    for (short, definition) in [("profiler_entry", &ENTRY), ("profiler_subentry", &SUBENTRY)] {
        let ty = structseq::make_type(cx, definition)?;
        m.set(cx, short, ty.into_obj())?;
    }
    Ok(m.into_obj())
}
