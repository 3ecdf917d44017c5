//! `select.epoll` of Linux.

use super::{descriptor, duration};
use retic_runtime::native::Args;
use retic_runtime::types::{Slots, Spec, Type, exception, module};
use retic_runtime::{Cx, Obj, PyResult, Ref, layout, memory, protocol};
use std::cell::Cell;

layout! {
    /// An epoll descriptor; -1 when it was closed.
    pub struct Epoll = 342, "select.epoll" { fd: Cell<i32>, }
}

const CLOEXEC: i64 = 0x80000;
const ADD: i32 = 1;
const REMOVE: i32 = 2;
const CHANGE: i32 = 3;
/// Events that are returned at once where no limit was given (CPython: `FD_SETSIZE - 1`).
const MOST: i64 = 1023;

fn open(cx: &mut Cx, this: &Ref<Epoll>) -> PyResult<i32> {
    match this.fd.get() {
        -1 => Err(cx.value_error("I/O operation on closed epoll object")),
        fd => Ok(fd),
    }
}

fn wrap(cx: &mut Cx, ty: &Type, fd: i32) -> PyResult {
    Ok(memory::new(cx, ty, |head| Epoll { head, fd: Cell::new(fd) })?.into_obj())
}

fn make(cx: &mut Cx, ty: &Ref<Type>, args: Args<'_>) -> PyResult {
    args.only(cx, "epoll", &["sizehint", "flags"])?;
    let mut numbers = [-1, 0];
    for (i, name) in ["sizehint", "flags"].into_iter().enumerate() {
        if let Some(o) = args.positional().get(i).or(args.keyword(cx, name)).cloned() {
            numbers[i] = protocol::index_i64(cx, &o)?;
        }
    }
    let [hint, flags] = numbers;
    if hint != -1 && hint <= 0 {
        return Err(cx.value_error("negative sizehint"));
    }
    if flags & !CLOEXEC != 0 {
        return Err(cx.error_of(&cx.types.os_error, "invalid flags"));
    }
    match cx.host.epoll_create() {
        Ok(fd) => wrap(cx, ty, fd),
        Err(e) => Err(exception::raise_os(cx, &e, None, None)),
    }
}

fn control(cx: &mut Cx, this: &Ref<Epoll>, operation: i32, fd: &Obj, events: i64) -> PyResult<()> {
    let own = open(cx, this)?;
    let fd = descriptor(cx, fd)?;
    let Ok(events) = u32::try_from(events) else {
        let negative = events < 0;
        return Err(cx.overflow_error(if negative { "can't convert negative value to unsigned int" } else { "Python int too large to convert to C unsigned int" }));
    };
    cx.host.epoll_control(own, operation, fd, events).map_err(|e| exception::raise_os(cx, &e, None, None))
}

#[retic_macros::methods]
impl Epoll {
    /// Close the epoll control file descriptor.
    ///
    /// Further operations on the epoll object will raise an exception.
    #[py("close($self, /)")]
    fn close(cx: &mut Cx, this: &Ref<Epoll>) -> PyResult<()> {
        match this.fd.replace(-1) {
            -1 => Ok(()),
            fd => cx.host.close(fd).map_err(|e| exception::raise_os(cx, &e, None, None)),
        }
    }
    /// Return the epoll control file descriptor.
    #[py("fileno($self, /)")]
    fn fileno(cx: &mut Cx, this: &Ref<Epoll>) -> PyResult<i64> {
        open(cx, this).map(i64::from)
    }
    /// Create an epoll object from a given control fd.
    #[py("fromfd($cls, fd, /)", "($type, fd, /)")]
    fn fromfd(cx: &mut Cx, cls: &Ref<Type>, fd: i64) -> PyResult {
        wrap(cx, cls, fd as i32)
    }
    /// Modify event mask for a registered file descriptor.
    ///
    ///   fd
    ///     the target file descriptor of the operation
    ///   eventmask
    ///     a bit set composed of the various EPOLL constants
    #[py("modify($self, /, fd, eventmask)")]
    fn modify(cx: &mut Cx, this: &Ref<Epoll>, fd: &Obj, eventmask: i64) -> PyResult<()> {
        control(cx, this, CHANGE, fd, eventmask)
    }
    /// Registers a new fd or raises an OSError if the fd is already registered.
    ///
    ///   fd
    ///     the target file descriptor of the operation
    ///   eventmask
    ///     a bit set composed of the various EPOLL constants
    ///
    /// The epoll interface supports all file descriptors that support poll.
    #[py("register($self, /, fd, eventmask=7)")]
    fn register(cx: &mut Cx, this: &Ref<Epoll>, fd: &Obj, eventmask: i64) -> PyResult<()> {
        control(cx, this, ADD, fd, eventmask)
    }
    /// Remove a registered file descriptor from the epoll object.
    ///
    ///   fd
    ///     the target file descriptor of the operation
    #[py("unregister($self, /, fd)")]
    fn unregister(cx: &mut Cx, this: &Ref<Epoll>, fd: &Obj) -> PyResult<()> {
        control(cx, this, REMOVE, fd, 0)
    }
    /// Wait for events on the epoll file descriptor.
    ///
    ///   timeout
    ///     the maximum time to wait in seconds (as float);
    ///     a timeout of None or -1 makes poll wait indefinitely
    ///   maxevents
    ///     the maximum number of events returned; -1 means no limit
    ///
    /// Returns a list containing any descriptors that have events to report,
    /// as a list of (fd, events) 2-tuples.
    #[py("poll($self, /, timeout=None, maxevents=-1)")]
    fn poll(cx: &mut Cx, this: &Ref<Epoll>, timeout: Option<&Obj>, maxevents: i64) -> PyResult {
        open(cx, this)?;
        let timeout = duration(cx, timeout, "timeout must be an integer or None")?;
        if timeout.is_some_and(|t| t * 1000.0 > f64::from(i32::MAX)) {
            return Err(cx.overflow_error("timeout is too large"));
        }
        let timeout = timeout.filter(|t| *t >= 0.0);
        let most = match maxevents {
            -1 => MOST,
            n if n < 1 => return Err(cx.value_error(format!("maxevents must be greater than 0, got {n}"))),
            n => n.min(1 << 16),
        };
        let start = cx.host.monotonic();
        // As in `select.poll`.
        let longest = if cx.threads.current == cx.threads.main { 100.0 } else { 60_000.0 };
        let ready = loop {
            let left = timeout.map(|t| (t - (cx.host.monotonic() - start)).max(0.0));
            let turn = left.map_or(longest, |l| (l * 1000.0).ceil().min(longest)) as i32;
            let (wait, fd) = (cx.host.epoll_waiter(), open(cx, this)?);
            match cx.allow_threads(|| wait(fd, most as usize, turn)) {
                Ok(events) if !events.is_empty() || left.is_some_and(|l| l <= 0.0) => break events,
                Ok(_) => {}
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(exception::raise_os(cx, &e, None, None)),
            }
            cx.poll_native()?;
        };
        let mut out = Vec::new();
        for (fd, events) in ready {
            let pair = vec![cx.int(i64::from(fd))?, cx.int(i64::from(events))?];
            out.push(cx.tuple(pair)?);
        }
        cx.list(out)
    }
    #[py("__enter__($self, /)")]
    fn enter(cx: &mut Cx, this: &Ref<Epoll>) -> PyResult<Ref<Epoll>> {
        open(cx, this)?;
        Ok(this.clone())
    }
    #[py("__exit__($self, exc_type=None, exc_value=None, exc_tb=None, /)")]
    fn exit(cx: &mut Cx, this: &Ref<Epoll>, exc_type: Option<&Obj>, exc_value: Option<&Obj>, exc_tb: Option<&Obj>) -> PyResult<()> {
        let _ = (exc_type, exc_value, exc_tb);
        Epoll::close(cx, this)
    }
    /// True if the epoll handler is closed
    #[get("closed")]
    fn closed(_cx: &mut Cx, this: &Ref<Epoll>) -> bool {
        this.fd.get() == -1
    }
}

fn finalize(cx: &mut Cx, o: &Obj) {
    let Some(this) = o.cast::<Epoll>().cloned() else { return };
    if this.fd.get() >= 0 {
        let _ = cx.host.close(this.fd.replace(-1));
    }
}

/// Adds the type and its constants.
pub fn add(cx: &mut Cx, m: &module::Module) -> PyResult<()> {
    let spec = Spec {
        doc: "select.epoll(sizehint=-1, flags=0)\n\nReturns an epolling object\n\nsizehint must be a positive integer or -1 for the default size. The\nsizehint is used to optimize internal data structures. It doesn't limit\nthe maximum number of monitored events.",
        slots: Slots { new: Some(make), del: Some(finalize), ..Slots::EMPTY },
        methods: Epoll::METHODS,
        getset: Epoll::GETSET,
        ..Spec::new::<Epoll>("select.epoll")
    };
    m.add_type(cx, &spec)?;
    let constants = [
        ("EPOLLIN", 1),
        ("EPOLLPRI", 2),
        ("EPOLLOUT", 4),
        ("EPOLLERR", 8),
        ("EPOLLHUP", 16),
        ("EPOLLRDNORM", 64),
        ("EPOLLRDBAND", 128),
        ("EPOLLWRNORM", 256),
        ("EPOLLWRBAND", 512),
        ("EPOLLMSG", 1024),
        ("EPOLLRDHUP", 8192),
        ("EPOLLEXCLUSIVE", 1 << 28),
        ("EPOLLONESHOT", 1 << 30),
        ("EPOLLET", 1 << 31),
        ("EPOLL_CLOEXEC", CLOEXEC),
    ];
    for (name, value) in constants {
        m.set_int(cx, name, value)?;
    }
    Ok(())
}
