//! `select`: waiting for descriptors with `select`, `poll` and `epoll`.

mod epoll;

use retic_runtime::object::Guarded;
use retic_runtime::types::type_::flags;
use retic_runtime::types::{Dict, Float, List, Slots, Spec, exception, int, module};
use retic_runtime::{Cx, Obj, PyResult, Ref, layout, memory, protocol};
use std::cell::Cell;

layout! {
    /// Descriptors and the events asked of each.
    pub struct Poll = 280, "select.poll" { wanted: Guarded<Ref<Dict>>, waits: Cell<bool>, }
}

pub(crate) fn descriptor(cx: &mut Cx, o: &Obj) -> PyResult<i32> {
    let n = if o.cast::<retic_runtime::types::Int>().is_some() {
        int::to_i64(o)
    } else {
        let name = cx.name("fileno");
        match protocol::lookup_attr(cx, o, &name)? {
            Some(f) => {
                let r = protocol::call(cx, &f, &[])?;
                if r.cast::<retic_runtime::types::Int>().is_none() {
                    return Err(cx.type_error("fileno() returned a non-integer"));
                }
                int::to_i64(&r)
            }
            None => return Err(cx.type_error("argument must be an int, or have a fileno() method.")),
        }
    };
    match n.and_then(|n| i32::try_from(n).ok()) {
        Some(fd) if fd >= 0 => Ok(fd),
        Some(fd) => Err(cx.value_error(format!("file descriptor cannot be a negative integer ({fd})"))),
        None => Err(cx.overflow_error("Python int too large to convert to C int")),
    }
}

/// Waits in short turns, so that signals are noticed.
pub(crate) fn wait(cx: &mut Cx, fds: &[(i32, i16)], timeout: Option<f64>) -> PyResult<Vec<i16>> {
    let start = cx.host.monotonic();
    // Only the first thread has signals to notice.
    let longest = if cx.threads.current == cx.threads.main { 100.0 } else { 60_000.0 };
    loop {
        let left = timeout.map(|t| (t - (cx.host.monotonic() - start)).max(0.0));
        let turn = left.map_or(longest, |l| (l * 1000.0).ceil().min(longest)) as i32;
        let poll = cx.host.poller();
        let r = cx.allow_threads(|| poll(fds, turn));
        match r {
            Ok(events) if events.iter().any(|e| *e != 0) || left.is_some_and(|l| l <= 0.0) => return Ok(events),
            Ok(_) => {}
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(exception::raise_os(cx, &e, None, None)),
        }
        cx.poll_native()?;
    }
}

/// Before a read that may wait: if there are other threads, they run until the descriptor is ready.
pub(crate) fn let_others_run(cx: &mut Cx, fd: i32) -> PyResult<()> {
    if cx.threads.others() == 0 || !cx.host.blocking(fd).unwrap_or(false) {
        return Ok(());
    }
    wait(cx, &[(fd, IN)], None).map(drop)
}

/// Bytes that go into any descriptor that says it is ready for writing, without waiting (POSIX's PIPE_BUF on Linux).
pub(crate) const SURE_BYTES: usize = 4096;

/// Whether a write might wait while other threads could run: a descriptor that waits, and no regular file.
pub(crate) fn write_may_wait(cx: &mut Cx, fd: i32) -> bool {
    const KIND: u32 = 0o170_000;
    const REGULAR: u32 = 0o100_000;
    cx.threads.others() > 0 && cx.host.blocking(fd).unwrap_or(false) && cx.host.fstat(fd).is_ok_and(|s| s.mode & KIND != REGULAR)
}

pub(crate) fn wait_writable(cx: &mut Cx, fd: i32) -> PyResult<()> {
    wait(cx, &[(fd, OUT)], None).map(drop)
}

/// `write`: all of the bytes where the descriptor waits, as the system does it. Whoever would take them out may be another
/// thread, so with others about it goes piece by piece, and they run in between.
pub(crate) fn write(cx: &mut Cx, fd: i32, bytes: &[u8]) -> PyResult<std::io::Result<usize>> {
    let patient = write_may_wait(cx, fd);
    let mut done = 0;
    loop {
        let rest = &bytes[done..];
        if patient {
            wait_writable(cx, fd)?;
        }
        match cx.host.write(fd, if patient { &rest[..rest.len().min(SURE_BYTES)] } else { rest }) {
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => cx.poll_native()?,
            Ok(n) if patient && n > 0 && done + n < bytes.len() => done += n,
            Ok(n) => return Ok(Ok(done + n)),
            Err(_) if done > 0 => return Ok(Ok(done)),
            Err(e) => return Ok(Err(e)),
        }
    }
}

const IN: i16 = 1;
const PRI: i16 = 2;
const OUT: i16 = 4;
const ERR: i16 = 8;
const HUP: i16 = 16;
const NVAL: i16 = 32;
/// Descriptors from here on are too large for `select` (FD_SETSIZE).
const SELECTABLE: i32 = 1024;

/// Seconds, or whatever unit the caller has; `None` for ever.
fn duration(cx: &mut Cx, timeout: Option<&Obj>, wrong: &str) -> PyResult<Option<f64>> {
    let Some(t) = timeout.filter(|t| !t.is_none()) else { return Ok(None) };
    let n = match t.cast::<Float>() {
        Some(f) => f.value.get(),
        None if t.ty().slots(cx).index.is_none() => return Err(cx.type_error(wrong)),
        None => {
            let n = protocol::index(cx, t)?;
            int::to_i64(&n).ok_or_else(|| cx.overflow_error("timestamp too large to convert to C PyTime_t"))? as f64
        }
    };
    if n.is_nan() {
        return Err(cx.value_error("Invalid value NaN (not a number)"));
    }
    if n.abs() > 9.2e18 {
        return Err(cx.overflow_error("timestamp out of range for platform time_t"));
    }
    Ok(Some(n))
}

/// Events asked for, as C's `unsigned short`.
fn mask(cx: &mut Cx, o: &Obj) -> PyResult<i64> {
    if o.ty().slots(cx).index.is_none() {
        return Err(cx.type_error("an integer is required"));
    }
    let n = protocol::index(cx, o)?;
    match int::to_i64(&n) {
        Some(n) if n < 0 => Err(cx.value_error("value must be positive")),
        Some(n) if n <= 0xffff => Ok(n),
        Some(_) => Err(cx.overflow_error("Python int too large for C unsigned short")),
        None => Err(cx.overflow_error("Python int too large to convert to C unsigned long")),
    }
}

#[retic_macros::methods]
mod functions {
    //! This module supports asynchronous I/O on multiple file descriptors.
    use super::*;

    /// Wait until one or more file descriptors are ready for some kind of I/O.
    #[py("select(rlist, wlist, xlist, timeout=None, /)")]
    pub fn select(cx: &mut Cx, rlist: &Obj, wlist: &Obj, xlist: &Obj, timeout: Option<&Obj>) -> PyResult {
        let timeout = duration(cx, timeout, "timeout must be a float or None")?;
        if timeout.is_some_and(|t| t < 0.0) {
            return Err(cx.value_error("timeout must be non-negative"));
        }
        let mut lists = Vec::new();
        let mut fds: Vec<(i32, i16)> = Vec::new();
        for (l, events) in [(rlist, IN), (wlist, OUT), (xlist, PRI)] {
            let sequence = match l.cast::<List>() {
                Some(list) => list.clone(),
                None => {
                    let items = protocol::collect(cx, l).map_err(|r| {
                        if !cx.error_is(&cx.types.type_error) {
                            return r;
                        }
                        cx.clear_error();
                        cx.type_error("arguments 1-3 must be sequences")
                    })?;
                    let made = cx.list(items)?;
                    let Some(list) = made.cast::<List>() else { continue };
                    list.clone()
                }
            };
            // Looking at one may change the list.
            let mut items = Vec::new();
            while let Some(o) = sequence.items(cx).get(items.len()).cloned() {
                let fd = descriptor(cx, &o)?;
                if items.len() >= SELECTABLE as usize {
                    return Err(cx.value_error("too many file descriptors in select()"));
                }
                if fd >= SELECTABLE {
                    return Err(cx.value_error("filedescriptor out of range in select()"));
                }
                fds.push((fd, events));
                items.push(o);
            }
            lists.push(items);
        }
        let ready = wait(cx, &fds, timeout)?;
        if ready.iter().any(|r| r & NVAL != 0) {
            return Err(exception::raise_os(cx, &std::io::Error::from_raw_os_error(9), None, None));
        }
        let mut at = 0;
        let mut out = Vec::new();
        for (items, mask) in lists.into_iter().zip([IN | HUP | ERR, OUT | ERR, PRI]) {
            let n = items.len();
            let chosen = items.into_iter().zip(&ready[at..at + n]).filter(|(_, r)| **r & mask != 0).map(|(o, _)| o).collect();
            at += n;
            out.push(cx.list(chosen)?);
        }
        cx.tuple(out)
    }
    /// Returns a polling object.
    #[py("poll()")]
    pub fn poll(cx: &mut Cx) -> PyResult {
        let ty = cx.native_type("select.poll");
        let d = Dict::new(cx)?;
        Ok(memory::new(cx, &ty, |head| Poll { head, wanted: Guarded::new(d), waits: Cell::new(false) })?.into_obj())
    }
}

#[retic_macros::methods]
impl Poll {
    /// Register a file descriptor with the polling object.
    #[py("register($self, fd, eventmask=7, /)")]
    fn register(cx: &mut Cx, this: &Ref<Poll>, fd: &Obj, eventmask: Option<&Obj>) -> PyResult<()> {
        let fd = descriptor(cx, fd)?;
        let eventmask = match eventmask {
            Some(m) => mask(cx, m)?,
            None => 7,
        };
        let (k, v) = (cx.int(i64::from(fd))?, cx.int(eventmask)?);
        let old = this.wanted.cloned(cx).insert(cx, &k, v)?;
        cx.release(old);
        Ok(())
    }
    /// Modify an already registered file descriptor.
    #[py("modify($self, fd, eventmask, /)")]
    fn modify(cx: &mut Cx, this: &Ref<Poll>, fd: &Obj, eventmask: &Obj) -> PyResult<()> {
        let n = descriptor(cx, fd)?;
        mask(cx, eventmask)?;
        let k = cx.int(i64::from(n))?;
        if this.wanted.cloned(cx).get(cx, &k)?.is_none() {
            return Err(exception::raise_os(cx, &std::io::Error::from_raw_os_error(2), None, None));
        }
        Poll::register(cx, this, fd, Some(eventmask))
    }
    /// Remove a file descriptor being tracked by the polling object.
    #[py("unregister($self, fd, /)")]
    fn unregister(cx: &mut Cx, this: &Ref<Poll>, fd: &Obj) -> PyResult<()> {
        let fd = descriptor(cx, fd)?;
        let k = cx.int(i64::from(fd))?;
        match this.wanted.cloned(cx).remove(cx, &k)? {
            Some(old) => {
                cx.release(old);
                Ok(())
            }
            None => Err(cx.key_error(&k)),
        }
    }
    /// Polls the set of registered file descriptors, returning a list containing any descriptors that have events.
    #[py("poll($self, timeout=None, /)")]
    fn poll_method(cx: &mut Cx, this: &Ref<Poll>, timeout: Option<&Obj>) -> PyResult {
        let timeout = duration(cx, timeout, "timeout must be an integer or None")?;
        if timeout.is_some_and(|t| t > f64::from(i32::MAX)) {
            return Err(cx.overflow_error("timeout is too large"));
        }
        if this.waits.get() {
            return Err(cx.runtime_error("concurrent poll() invocation"));
        }
        let mut fds = Vec::new();
        for (k, v) in this.wanted.cloned(cx).entries(cx) {
            fds.push((int::to_i64(&k).unwrap_or(-1) as i32, int::to_i64(&v).unwrap_or(0) as i16));
        }
        this.waits.set(true);
        let ready = wait(cx, &fds, timeout.filter(|t| *t >= 0.0).map(|t| t / 1000.0));
        this.waits.set(false);
        let ready = ready?;
        let mut out = Vec::new();
        for ((fd, _), r) in fds.iter().zip(ready).filter(|(_, r)| *r != 0) {
            let pair = vec![cx.int(i64::from(*fd))?, cx.int(i64::from(r))?];
            out.push(cx.tuple(pair)?);
        }
        cx.list(out)
    }
}

pub fn make(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "select", functions::DOC, functions::FUNCTIONS)?;
    for (name, v) in [
        ("POLLIN", IN),
        ("POLLPRI", PRI),
        ("POLLOUT", OUT),
        ("POLLERR", ERR),
        ("POLLHUP", HUP),
        ("POLLNVAL", 32),
        ("POLLRDNORM", 64),
        ("POLLRDBAND", 128),
        ("POLLWRNORM", 256),
        ("POLLWRBAND", 512),
        ("POLLMSG", 1024),
        ("POLLRDHUP", 8192),
    ] {
        m.set_int(cx, name, i64::from(v))?;
    }
    m.set_int(cx, "PIPE_BUF", 4096)?;
    epoll::add(cx, &m)?;
    let error = cx.types.os_error.as_obj().clone();
    m.set(cx, "error", error)?;
    let spec = Spec { flags: flags::GC | flags::NO_NEW, slots: Slots::EMPTY, methods: Poll::METHODS, ..Spec::new::<Poll>("select.poll") };
    retic_runtime::interp::native_type(cx, &spec, &cx.types.object.clone())?;
    Ok(m.into_obj())
}
