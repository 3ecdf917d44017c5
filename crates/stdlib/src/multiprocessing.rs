//! `_multiprocessing` and `_posixshmem`: locks and memory that processes share by name.

use crate::params::{Params, bind, c_int};
use retic_runtime::host::process::Semaphore;
use retic_runtime::object::Guarded;
use retic_runtime::types::code::Hidden;
use retic_runtime::types::type_::flags;
use retic_runtime::types::{Dict, Slots, Spec, Str, Type, exception, module};
use retic_runtime::{Args, Cx, Obj, PyResult, Raised, Ref, layout, memory, protocol};
use std::cell::Cell;
use std::sync::Arc;

const RECURSIVE_MUTEX: i64 = 0;
const SEMAPHORE: i64 = 1;
const SEM_VALUE_MAX: i64 = 2_147_483_647;

layout! {
    /// A lock or semaphore. `count`: how often this process has it; `owner`: the thread that took it last.
    pub struct SemLock = 324, "_multiprocessing.SemLock" {
        semaphore: Hidden<Arc<dyn Semaphore>>,
        kind: Cell<i64>,
        max: Cell<i64>,
        count: Cell<i64>,
        owner: Cell<i64>,
        name: Guarded<Option<Obj>>,
    }
}

fn os_error(cx: &mut Cx, e: &std::io::Error) -> Raised {
    exception::raise_os(cx, e, None, None)
}
fn bytes_of(cx: &mut Cx, name: &Ref<Str>) -> PyResult<Vec<u8>> {
    retic_runtime::codecs::encode(cx, name, "utf-8", "surrogateescape")
}

fn new(cx: &mut Cx, ty: &Type, semaphore: Arc<dyn Semaphore>, kind: i64, max: i64, name: Option<Obj>) -> PyResult {
    let made = memory::new(cx, ty, |head| SemLock {
        head,
        semaphore: Hidden(semaphore),
        kind: Cell::new(kind),
        max: Cell::new(max),
        count: Cell::new(0),
        owner: Cell::new(0),
        name: Guarded::new(name),
    })?;
    Ok(made.into_obj())
}

const PARAMS: Params = Params { function: "SemLock", names: &["kind", "value", "maxvalue", "name", "unlink"], required: 5, positional: 5 };

fn make_lock(cx: &mut Cx, ty: &Ref<Type>, args: Args<'_>) -> PyResult {
    let (mut n, mut name, mut unlink) = ([0; 3], None, false);
    bind(cx, &PARAMS, &args, |cx, i, value| {
        match i {
            3 => match value.cast::<Str>() {
                Some(s) => name = Some(s.clone()),
                None => return Err(cx.type_error(format!("SemLock() argument 'name' must be str, not {}", value.ty().name_text()))),
            },
            4 => unlink = protocol::truth(cx, value)?,
            _ => n[i] = c_int(cx, value)?,
        }
        Ok(())
    })?;
    let [kind, value, max] = n;
    let Some(name) = name else { return Err(cx.type_error("SemLock() argument 'name' must be str")) };
    if kind != RECURSIVE_MUTEX && kind != SEMAPHORE {
        return Err(cx.value_error("unrecognized kind"));
    }
    let Ok(initial) = u32::try_from(value) else { return Err(os_error(cx, &std::io::Error::from_raw_os_error(22))) };
    let bytes = bytes_of(cx, &name)?;
    let made = cx.host.semaphore(&bytes, Some(initial)).map_err(|e| os_error(cx, &e))?;
    if unlink {
        cx.host.unlink_semaphore(&bytes).map_err(|e| os_error(cx, &e))?;
    }
    new(cx, ty, made, kind, max, if unlink { None } else { Some(name.into_obj()) })
}

/// Whether the running thread has it.
fn is_mine(cx: &Cx, this: &SemLock) -> bool {
    this.count.get() > 0 && this.owner.get() == cx.threads.current
}
fn value(cx: &mut Cx, this: &SemLock) -> PyResult<i64> {
    this.semaphore.0.value().map(|v| i64::from(v.max(0))).map_err(|e| os_error(cx, &e))
}

#[retic_macros::methods]
impl SemLock {
    /// Take it; while it is not to be had, wait: so many seconds at most, or without block not at all.
    #[py("acquire($self, /, block=True, timeout=None)")]
    fn acquire(cx: &mut Cx, this: &Ref<SemLock>, block: bool, timeout: Option<&Obj>) -> PyResult<bool> {
        let seconds = match timeout.filter(|_| block) {
            Some(t) => Some(protocol::to_float(cx, t)?.max(0.0)),
            None => None,
        };
        if this.kind.get() == RECURSIVE_MUTEX && is_mine(cx, this) {
            this.count.set(this.count.get() + 1);
            return Ok(true);
        }
        let semaphore = this.semaphore.0.clone();
        let mut got = semaphore.try_wait().map_err(|e| os_error(cx, &e))?;
        if !got && block {
            let mut failed = None;
            got = cx.wait_in_turns(seconds, |most| {
                semaphore.wait(most).unwrap_or_else(|e| {
                    failed = Some(e);
                    true
                })
            })?;
            if let Some(e) = failed {
                return Err(os_error(cx, &e));
            }
        }
        if got {
            this.count.set(this.count.get() + 1);
            this.owner.set(cx.threads.current);
        }
        Ok(got)
    }
    /// Give it back.
    #[py("release($self, /)")]
    fn release(cx: &mut Cx, this: &Ref<SemLock>) -> PyResult<()> {
        if this.kind.get() == RECURSIVE_MUTEX {
            if !is_mine(cx, this) {
                return Err(cx.error_of(&cx.types.assertion_error, "attempt to release recursive lock not owned by thread"));
            }
            if this.count.get() > 1 {
                this.count.set(this.count.get() - 1);
                return Ok(());
            }
        } else if value(cx, this)? >= this.max.get() {
            return Err(cx.value_error("semaphore or lock released too many times"));
        }
        this.semaphore.0.post().map_err(|e| os_error(cx, &e))?;
        this.count.set(this.count.get() - 1);
        Ok(())
    }
    /// How often this process has it.
    #[py("_count($self, /)")]
    fn get_count(_: &mut Cx, this: &Ref<SemLock>) -> i64 {
        this.count.get()
    }
    /// Whether this thread has it.
    #[py("_is_mine($self, /)")]
    fn get_is_mine(cx: &mut Cx, this: &Ref<SemLock>) -> bool {
        is_mine(cx, this)
    }
    /// How many there are to be had.
    #[py("_get_value($self, /)")]
    fn get_value(cx: &mut Cx, this: &Ref<SemLock>) -> PyResult<i64> {
        value(cx, this)
    }
    /// Whether there are none.
    #[py("_is_zero($self, /)")]
    fn is_zero(cx: &mut Cx, this: &Ref<SemLock>) -> PyResult<bool> {
        Ok(value(cx, this)? == 0)
    }
    /// The lock of another process, by its name; by its handle, where this process was forked from that.
    #[py("_rebuild($type, handle, kind, maxvalue, name, /)")]
    fn rebuild(cx: &mut Cx, ty: &Ref<Type>, handle: usize, kind: i64, maxvalue: i64, name: &Obj) -> PyResult {
        let found = match name.cast::<Str>().cloned() {
            Some(name) => {
                let bytes = bytes_of(cx, &name)?;
                cx.host.semaphore(&bytes, None)
            }
            None => cx.host.open_semaphore(handle),
        };
        let semaphore = found.map_err(|e| os_error(cx, &e))?;
        new(cx, ty, semaphore, kind, maxvalue, Some(name.clone()).filter(|n| !n.is_none()))
    }
    /// A process that was forked has none of it.
    #[py("_after_fork($self, /)")]
    fn after_fork(_: &mut Cx, this: &Ref<SemLock>) {
        this.count.set(0);
    }
    /// Take it.
    #[py("__enter__($self, /)")]
    fn enter(cx: &mut Cx, this: &Ref<SemLock>) -> PyResult<bool> {
        SemLock::acquire(cx, this, true, None)
    }
    /// Give it back.
    #[py("__exit__($self, exc_type=None, exc_value=None, exc_tb=None, /)")]
    fn exit(cx: &mut Cx, this: &Ref<SemLock>, _exc_type: Option<&Obj>, _exc_value: Option<&Obj>, _exc_tb: Option<&Obj>) -> PyResult<()> {
        SemLock::release(cx, this)
    }
    #[get("handle")]
    fn handle(_: &mut Cx, this: &Ref<SemLock>) -> usize {
        this.semaphore.0.handle()
    }
    #[get("kind")]
    fn get_kind(_: &mut Cx, this: &Ref<SemLock>) -> i64 {
        this.kind.get()
    }
    #[get("maxvalue")]
    fn maxvalue(_: &mut Cx, this: &Ref<SemLock>) -> i64 {
        this.max.get()
    }
    #[get("name")]
    fn get_name(cx: &mut Cx, this: &Ref<SemLock>) -> Option<Obj> {
        this.name.cloned(cx)
    }
}

#[retic_macros::methods]
mod functions {
    //! Locks that processes share.
    use super::*;

    /// Take a semaphore's name away.
    #[py("sem_unlink(name, /)")]
    pub fn sem_unlink(cx: &mut Cx, name: &Ref<Str>) -> PyResult<()> {
        let name = bytes_of(cx, name)?;
        cx.host.unlink_semaphore(&name).map_err(|e| os_error(cx, &e))
    }
}

pub fn make(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "_multiprocessing", functions::DOC, functions::FUNCTIONS)?;
    let spec = Spec {
        doc: "A lock or semaphore that processes share by its name.",
        flags: flags::BASE,
        slots: Slots { new: Some(make_lock), ..Slots::EMPTY },
        methods: SemLock::METHODS,
        getset: SemLock::GETSET,
        ..Spec::new::<SemLock>("_multiprocessing.SemLock")
    };
    let ty = m.add_type(cx, &spec)?;
    let dict = ty.dict.cloned(cx).expect("a type has a dict");
    let most = cx.int(SEM_VALUE_MAX)?;
    dict.set_str(cx, "SEM_VALUE_MAX", most)?;
    let known = Dict::new(cx)?;
    for name in ["HAVE_SEM_OPEN", "HAVE_SEM_TIMEDWAIT"] {
        let one = cx.int(1)?;
        known.set_str(cx, name, one)?;
    }
    m.set(cx, "flags", known.into_obj())?;
    Ok(m.into_obj())
}

#[retic_macros::methods]
mod memory_functions {
    //! Memory that processes find by its name.
    use super::*;

    /// Open or make it: a file descriptor.
    #[py("shm_open(path, flags, mode=511)")]
    pub fn shm_open(cx: &mut Cx, path: &Ref<Str>, flags: i64, mode: i64) -> PyResult<i64> {
        let path = bytes_of(cx, path)?;
        cx.host.shared_memory(&path, flags as i32, mode as u32).map(i64::from).map_err(|e| os_error(cx, &e))
    }
    /// Take its name away: it goes when nobody uses it any more.
    #[py("shm_unlink(path)")]
    pub fn shm_unlink(cx: &mut Cx, path: &Ref<Str>) -> PyResult<()> {
        let path = bytes_of(cx, path)?;
        cx.host.unlink_shared_memory(&path).map_err(|e| os_error(cx, &e))
    }
}

pub fn make_memory(cx: &mut Cx) -> PyResult {
    Ok(module::of_functions(cx, "_posixshmem", memory_functions::DOC, memory_functions::FUNCTIONS)?.into_obj())
}
