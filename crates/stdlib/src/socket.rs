//! `_socket`: sockets. Waiting is done in short turns, so that signals and other threads are served meanwhile.

mod address;
mod constants;
mod families;
mod names;

use crate::posix::{CInt, FormatInt};
use retic_runtime::protocol::buffer;
use retic_runtime::types::type_::flags;
use retic_runtime::types::{Bytes, Slots, Spec, exception, int, module};
use retic_runtime::{Args, Cx, Obj, PyResult, Raised, Ref, layout, memory, protocol};
use std::cell::Cell;
use std::io::{Error, ErrorKind};

layout! {
    /// A socket: its descriptor (-1 when closed), family, kind, protocol; seconds to wait, negative for ever.
    pub struct Socket = 281, "_socket.socket" { fd: Cell<i32>, family: Cell<i32>, kind: Cell<i32>, protocol: Cell<i32>, timeout: Cell<f64>, }
}

const IN: i16 = 1;
const OUT: i16 = 4;
const NONBLOCK: i32 = 2048;
const CLOEXEC: i32 = 524_288;

fn raise_os(cx: &mut Cx, e: &Error) -> Raised {
    exception::raise_os(cx, e, None, None)
}

fn default_timeout(cx: &Cx) -> f64 {
    cx.socket_timeout.get()
}
fn set_default_timeout(cx: &Cx, t: f64) {
    cx.socket_timeout.set(t);
}

/// Seconds of a timeout argument; -1 for None.
fn timeout_argument(cx: &mut Cx, o: &Obj) -> PyResult<f64> {
    if o.is_none() {
        return Ok(-1.0);
    }
    let t = protocol::as_f64(cx, o)?;
    if t.is_nan() {
        return Err(cx.value_error("Invalid value NaN (not a number)"));
    }
    if t < 0.0 {
        return Err(cx.value_error("Timeout value out of range"));
    }
    if t > 9e9 {
        return Err(cx.overflow_error("timestamp too large to convert to C PyTime_t"));
    }
    Ok(t)
}

fn fill(cx: &mut Cx, this: &Socket, fd: i32, family: i32, kind: i32, protocol: i32) -> PyResult<()> {
    this.fd.set(fd);
    this.family.set(family);
    this.kind.set(kind & !(NONBLOCK | CLOEXEC));
    this.protocol.set(protocol);
    if kind & NONBLOCK != 0 {
        this.timeout.set(0.0);
        return Ok(());
    }
    let t = default_timeout(cx);
    this.timeout.set(t);
    if t >= 0.0 { cx.host.set_blocking(fd, false).map_err(|e| raise_os(cx, &e)) } else { Ok(()) }
}

/// A socket object over an open descriptor.
fn from_descriptor(cx: &mut Cx, fd: i32, family: i32, kind: i32, protocol: i32) -> PyResult {
    let ty = cx.native_type("_socket.socket");
    let made = empty(cx, &ty)?;
    if let Some(s) = made.cast::<Socket>().cloned() {
        fill(cx, &s, fd, family, kind, protocol)?;
    }
    Ok(made)
}

fn empty(cx: &mut Cx, ty: &Ref<retic_runtime::types::Type>) -> PyResult {
    let made = memory::new(cx, ty, |head| Socket { head, fd: Cell::new(-1), family: Cell::new(-1), kind: Cell::new(-1), protocol: Cell::new(-1), timeout: Cell::new(-1.0) })?;
    Ok(made.into_obj())
}

fn init(cx: &mut Cx, o: &Obj, args: Args<'_>) -> PyResult<()> {
    let Some(this) = o.cast::<Socket>().cloned() else { return Ok(()) };
    let names = ["family", "type", "proto", "fileno"];
    let given: Vec<Option<Obj>> = (0..4).map(|i| args.positional().get(i).or(args.keyword(cx, names[i])).cloned()).collect();
    let mut numbers = [-1i64; 3];
    for (n, o) in numbers.iter_mut().zip(&given) {
        if let Some(o) = o {
            *n = protocol::index_i64(cx, o)?;
        }
    }
    cx.audit("socket.__new__", &[o.into(), numbers[0].into(), numbers[1].into(), numbers[2].into()])?;
    let [mut family, mut kind, mut proto] = numbers.map(|n| n as i32);
    if let Some(f) = given[3].as_ref().filter(|f| !f.is_none()) {
        if f.cast::<retic_runtime::types::Float>().is_some() {
            return Err(cx.type_error("integer argument expected, got float"));
        }
        let fd = protocol::index_i64(cx, f)? as i32;
        if fd < 0 {
            return Err(cx.value_error("negative file descriptor"));
        }
        let own = cx.host.socket_address(fd, false).map_err(|e| raise_os(cx, &e))?;
        if family == -1 {
            family = address::family_of(&own);
        }
        for (slot, option) in [(&mut kind, 3), (&mut proto, 38)] {
            if *slot == -1 {
                let b = cx.host.socket_option(fd, 1, option, 4).map_err(|e| raise_os(cx, &e))?;
                *slot = b.try_into().map_or(0, i32::from_ne_bytes);
            }
        }
        return fill(cx, &this, fd, family, kind, proto);
    }
    let or = |n: i32, default: i32| if n == -1 { default } else { n };
    let (family, kind, proto) = (or(family, address::INET), or(kind, 1), or(proto, 0));
    let fd = cx.host.socket(family, kind, proto).map_err(|e| raise_os(cx, &e))?;
    fill(cx, &this, fd, family, kind, proto)
}

/// The flag of a request that does not wait.
const DONTWAIT: i64 = 0x40;
/// The flag of a request that waits until all of its room is full.
const WAITALL: i64 = 0x100;

/// Sends or receives: first without waiting, then when the socket is ready. `op` gets the flags to ask with.
fn when_there<T>(cx: &mut Cx, this: &Ref<Socket>, events: i16, flags: i64, mut op: impl FnMut(&mut Cx, i32, i32) -> std::io::Result<T>) -> PyResult<T> {
    // Who wants all of it at once waits in the system for the rest.
    let whole = flags & WAITALL != 0;
    let asked = if whole { flags } else { flags | DONTWAIT } as i32;
    if !whole {
        match op(cx, this.fd.get(), asked) {
            Err(e) if e.kind() == ErrorKind::WouldBlock && flags & DONTWAIT == 0 && this.timeout.get() != 0.0 => {}
            Err(e) if e.kind() == ErrorKind::Interrupted => cx.poll_native()?,
            Err(e) => return Err(raise_os(cx, &e)),
            Ok(v) => return Ok(v),
        }
    }
    when_ready(cx, this, events, flags, |cx, fd| op(cx, fd, asked))
}

/// Runs `op` when the socket is ready, as its timeout asks; at once where its flags say that it does not wait. `op` answers
/// WouldBlock to be asked again.
fn when_ready<T>(cx: &mut Cx, this: &Ref<Socket>, events: i16, flags: i64, mut op: impl FnMut(&mut Cx, i32) -> std::io::Result<T>) -> PyResult<T> {
    let timeout = if flags & DONTWAIT != 0 { 0.0 } else { this.timeout.get() };
    let start = cx.host.monotonic();
    loop {
        // A closed socket waits for nothing: the request itself says so.
        if timeout != 0.0 && this.fd.get() >= 0 {
            let left = (timeout > 0.0).then(|| timeout - (cx.host.monotonic() - start));
            let ready = match left {
                Some(l) if l <= 0.0 => Vec::new(),
                _ => crate::select::wait(cx, &[(this.fd.get(), events)], left)?,
            };
            if ready.iter().all(|e| *e == 0) {
                return Err(cx.error_of(&cx.types.timeout_error, "timed out"));
            }
        }
        match op(cx, this.fd.get()) {
            Err(e) if e.kind() == ErrorKind::WouldBlock && timeout != 0.0 => {}
            Err(e) if e.kind() == ErrorKind::Interrupted => cx.poll_native()?,
            Err(e) => return Err(raise_os(cx, &e)),
            Ok(v) => return Ok(v),
        }
    }
}

fn receive(cx: &mut Cx, this: &Ref<Socket>, size: i64, flags: i64, function: &str) -> PyResult<(Vec<u8>, Vec<u8>)> {
    let Ok(size) = usize::try_from(size) else { return Err(cx.value_error(format!("negative buffersize in {function}"))) };
    let mut room = protocol::zeroed(cx, size)?;
    let (n, from) = when_there(cx, this, IN, flags, |cx, fd, flags| cx.host.receive(fd, &mut room, flags))?;
    room.truncate(n);
    Ok((room, from))
}

/// Receives into a writable buffer, at most `nbytes` where that is not zero.
fn receive_into(cx: &mut Cx, this: &Ref<Socket>, target: &Obj, nbytes: i64, flags: i64, function: &str) -> PyResult<(usize, Vec<u8>)> {
    let view = buffer::writable(cx, target, &format!("{function}() argument"))?;
    let got = match usize::try_from(nbytes) {
        Err(_) => Err(cx.value_error(format!("negative buffersize in {function}"))),
        Ok(n) if n > view.nbytes() => Err(cx.value_error(format!("nbytes is greater than the length of the buffer in {function}"))),
        Ok(0) => receive(cx, this, view.nbytes() as i64, flags, function),
        Ok(n) => receive(cx, this, n as i64, flags, function),
    };
    if let Ok((data, _)) = &got {
        buffer::fill(cx, &view, data);
    }
    buffer::release(cx, &view.exporter);
    got.map(|(data, from)| (data.len(), from))
}

/// Sends; a blocking socket does not return before all is gone.
fn send(cx: &mut Cx, this: &Ref<Socket>, data: &[u8], flags: i64, to: Option<&[u8]>) -> PyResult<usize> {
    let whole = this.timeout.get() < 0.0 && flags & DONTWAIT == 0;
    let mut sent = 0;
    loop {
        sent += when_there(cx, this, OUT, flags, |cx, fd, flags| cx.host.send(fd, &data[sent..], flags, to))?;
        if !whole || sent >= data.len() || this.kind.get() != 1 {
            return Ok(sent);
        }
    }
}

/// Connects, waiting as the timeout asks; the error number where it fails.
fn connect(cx: &mut Cx, this: &Ref<Socket>, address: &[u8]) -> PyResult<i32> {
    let fd = this.fd.get();
    let timeout = this.timeout.get();
    let failed = |e: &Error| e.raw_os_error().unwrap_or(if e.kind() == ErrorKind::PermissionDenied { 1 } else { 5 });
    if timeout < 0.0
        && let Err(e) = cx.host.set_blocking(fd, false)
    {
        return Ok(failed(&e));
    }
    let started = cx.host.connect(fd, address);
    let result = match started {
        Ok(()) => Ok(0),
        // EINPROGRESS, EINTR: it goes on by itself.
        Err(e) if timeout != 0.0 && matches!(e.raw_os_error(), Some(115 | 4)) => match crate::select::wait(cx, &[(fd, OUT)], Some(timeout).filter(|t| *t > 0.0)) {
            Ok(events) if events.iter().all(|e| *e == 0) => Err(cx.error_of(&cx.types.timeout_error, "timed out")),
            Ok(_) => match cx.host.socket_option(fd, 1, 4, 4) {
                Ok(b) => Ok(b.try_into().map_or(0, i32::from_ne_bytes)),
                Err(e) => Ok(failed(&e)),
            },
            Err(r) => Err(r),
        },
        Err(e) => Ok(failed(&e)),
    };
    if timeout < 0.0 {
        let _ = cx.host.set_blocking(fd, true);
    }
    result
}

fn own_address(cx: &mut Cx, this: &Ref<Socket>, peer: bool) -> PyResult {
    let a = cx.host.socket_address(this.fd.get(), peer).map_err(|e| raise_os(cx, &e))?;
    address::decode(cx, &a, this.protocol.get())
}

/// Data, ancillary items, flags and sender of a message.
fn receive_message(cx: &mut Cx, this: &Ref<Socket>, size: usize, ancbufsize: i64, flags: i64) -> PyResult<(Vec<u8>, [Obj; 3])> {
    let Some(room) = usize::try_from(ancbufsize).ok().filter(|n| *n <= i32::MAX as usize) else { return Err(cx.value_error("invalid ancillary data buffer length")) };
    protocol::check_size(cx, 1, size, 1)?;
    protocol::check_size(cx, 1, room, 1)?;
    let m = when_there(cx, this, IN, flags, |cx, fd, flags| cx.host.receive_message(fd, size, room, flags))?;
    let mut items = Vec::new();
    for (level, kind, data) in &m.ancillary {
        let parts = vec![cx.int(i64::from(*level))?, cx.int(i64::from(*kind))?, Bytes::from_slice(cx, data)?];
        items.push(cx.tuple(parts)?);
    }
    let more = [cx.list(items)?, cx.int(i64::from(m.flags))?, address::decode(cx, &m.address, this.protocol.get())?];
    Ok((m.data, more))
}

#[retic_macros::methods]
impl Socket {
    /// Wait for an incoming connection: a descriptor and the address of the other end.
    #[py("_accept($self, /)")]
    fn accept(cx: &mut Cx, this: &Ref<Socket>) -> PyResult {
        let (fd, from) = when_ready(cx, this, IN, 0, |cx, fd| cx.host.accept(fd))?;
        let pair = vec![cx.int(i64::from(fd))?, address::decode(cx, &from, this.protocol.get())?];
        cx.tuple(pair)
    }
    /// Bind the socket to a local address.
    #[py("bind($self, address, /)", "($self, object, /)")]
    fn bind(cx: &mut Cx, this: &Ref<Socket>, address: &Obj) -> PyResult<()> {
        let a = address::encode(cx, this.family.get(), this.protocol.get(), address, "bind")?;
        cx.audit("socket.bind", &[this.as_obj().into(), address.into()])?;
        cx.host.bind(this.fd.get(), &a).map_err(|e| raise_os(cx, &e))
    }
    /// Close the socket. It cannot be used after this call.
    #[py("close($self, /)")]
    fn close(cx: &mut Cx, this: &Ref<Socket>) -> PyResult<()> {
        let fd = this.fd.replace(-1);
        match if fd < 0 { Ok(()) } else { cx.host.close(fd) } {
            // ECONNRESET: the other end is gone already.
            Err(e) if e.raw_os_error() != Some(104) => Err(raise_os(cx, &e)),
            _ => Ok(()),
        }
    }
    /// Connect the socket to a remote address.
    #[py("connect($self, address, /)", "($self, object, /)")]
    fn connect(cx: &mut Cx, this: &Ref<Socket>, address: &Obj) -> PyResult<()> {
        let a = address::encode(cx, this.family.get(), this.protocol.get(), address, "connect")?;
        cx.audit("socket.connect", &[this.as_obj().into(), address.into()])?;
        match connect(cx, this, &a)? {
            0 => Ok(()),
            errno => Err(raise_os(cx, &Error::from_raw_os_error(errno))),
        }
    }
    /// This is like connect(address), but returns an error code instead of raising an exception.
    #[py("connect_ex($self, address, /)", "($self, object, /)")]
    fn connect_ex(cx: &mut Cx, this: &Ref<Socket>, address: &Obj) -> PyResult<i64> {
        let a = address::encode(cx, this.family.get(), this.protocol.get(), address, "connect_ex")?;
        cx.audit("socket.connect", &[this.as_obj().into(), address.into()])?;
        match connect(cx, this, &a) {
            Ok(errno) => Ok(i64::from(errno)),
            Err(_) if cx.error_is(&cx.types.timeout_error) => {
                cx.clear_error();
                Ok(11)
            }
            Err(r) => Err(r),
        }
    }
    /// Close the socket object without closing the underlying file descriptor.
    #[py("detach($self, /)")]
    fn detach(_cx: &mut Cx, this: &Ref<Socket>) -> i64 {
        i64::from(this.fd.replace(-1))
    }
    /// Return the integer file descriptor of the socket.
    #[py("fileno($self, /)")]
    fn fileno(_cx: &mut Cx, this: &Ref<Socket>) -> i64 {
        i64::from(this.fd.get())
    }
    /// Return the address of the remote endpoint.
    #[py("getpeername($self, /)")]
    fn getpeername(cx: &mut Cx, this: &Ref<Socket>) -> PyResult {
        own_address(cx, this, true)
    }
    /// Return the address of the local endpoint.
    #[py("getsockname($self, /)")]
    fn getsockname(cx: &mut Cx, this: &Ref<Socket>) -> PyResult {
        own_address(cx, this, false)
    }
    /// getsockopt(level, option[, buffersize]) -> value
    ///
    /// Get a socket option: an integer, or bytes where a buffer length is given.
    #[py("getsockopt($self, level, option, buffersize=0, /)", "")]
    fn getsockopt(cx: &mut Cx, this: &Ref<Socket>, level: FormatInt, option: FormatInt, buffersize: i64) -> PyResult {
        if !(0..=1024).contains(&buffersize) {
            return Err(cx.error_of(&cx.types.os_error, "getsockopt buflen out of range"));
        }
        let size = if buffersize == 0 { 4 } else { buffersize as usize };
        let b = cx.host.socket_option(this.fd.get(), level.0 as i32, option.0 as i32, size).map_err(|e| raise_os(cx, &e))?;
        if buffersize == 0 { cx.int(i64::from(b.try_into().map_or(0, i32::from_ne_bytes))) } else { Bytes::from_slice(cx, &b) }
    }
    /// setsockopt(level, option, value: int)
    ///
    /// Set a socket option to an integer, bytes, or nothing with a length.
    #[py("setsockopt($self, level, option, value, optlen=None, /)", "")]
    fn setsockopt(cx: &mut Cx, this: &Ref<Socket>, level: FormatInt, option: FormatInt, value: &Obj, optlen: Option<&Obj>) -> PyResult<()> {
        let bytes = match optlen {
            Some(n) if value.is_none() => vec![0; protocol::index_i64(cx, n)?.clamp(0, 1024) as usize],
            Some(_) => return Err(cx.type_error(format!("setsockopt() argument 3 must be None, not {}", value.ty().name_text()))),
            None if value.cast::<int::Int>().is_some() => match int::to_i64(value).and_then(|n| i32::try_from(n).ok().or(u32::try_from(n).ok().map(|u| u as i32))) {
                Some(n) => n.to_ne_bytes().to_vec(),
                None => return Err(cx.overflow_error("signed integer is greater than maximum")),
            },
            None => buffer::bytes(cx, value)?,
        };
        cx.host.set_socket_option(this.fd.get(), level.0 as i32, option.0 as i32, &bytes).map_err(|e| raise_os(cx, &e))
    }
    /// listen([backlog])
    ///
    /// Enable a server to accept connections.
    #[py("listen($self, backlog=128, /)", "")]
    fn listen(cx: &mut Cx, this: &Ref<Socket>, backlog: Option<FormatInt>) -> PyResult<()> {
        let backlog = backlog.map_or(128, |b| b.0).max(0);
        cx.host.listen(this.fd.get(), backlog as i32).map_err(|e| raise_os(cx, &e))
    }
    /// recv(buffersize[, flags]) -> data
    ///
    /// Receive up to buffersize bytes from the socket.
    #[py("recv($self, buffersize, flags=0, /)", "")]
    fn recv(cx: &mut Cx, this: &Ref<Socket>, buffersize: i64, flags: Option<FormatInt>) -> PyResult {
        let flags = flags.map_or(0, |f| f.0);
        let (data, _) = receive(cx, this, buffersize, flags, "recv")?;
        Bytes::from_slice(cx, &data)
    }
    /// recvfrom(buffersize[, flags]) -> (data, address info)
    ///
    /// Like recv(buffersize, flags) but also return the sender's address info.
    #[py("recvfrom($self, buffersize, flags=0, /)", "")]
    fn recvfrom(cx: &mut Cx, this: &Ref<Socket>, buffersize: i64, flags: Option<FormatInt>) -> PyResult {
        let flags = flags.map_or(0, |f| f.0);
        let (data, from) = receive(cx, this, buffersize, flags, "recvfrom")?;
        let pair = vec![Bytes::from_slice(cx, &data)?, address::decode(cx, &from, this.protocol.get())?];
        cx.tuple(pair)
    }
    /// recv_into(buffer, [nbytes[, flags]]) -> nbytes_read
    ///
    /// A version of recv() that stores its data into a buffer.
    #[py("recv_into($self, buffer, nbytes=0, flags=0)", "")]
    fn recv_into(cx: &mut Cx, this: &Ref<Socket>, buffer: &Obj, nbytes: i64, flags: Option<FormatInt>) -> PyResult<usize> {
        let flags = flags.map_or(0, |f| f.0);
        receive_into(cx, this, buffer, nbytes, flags, "recv_into").map(|r| r.0)
    }
    /// recvfrom_into(buffer[, nbytes[, flags]]) -> (nbytes, address info)
    ///
    /// Like recv_into(buffer[, nbytes[, flags]]) but also return the sender's address info.
    #[py("recvfrom_into($self, buffer, nbytes=0, flags=0)", "")]
    fn recvfrom_into(cx: &mut Cx, this: &Ref<Socket>, buffer: &Obj, nbytes: i64, flags: Option<FormatInt>) -> PyResult {
        let flags = flags.map_or(0, |f| f.0);
        let (n, from) = receive_into(cx, this, buffer, nbytes, flags, "recvfrom_into")?;
        let pair = vec![cx.int(n as i64)?, address::decode(cx, &from, this.protocol.get())?];
        cx.tuple(pair)
    }
    /// recvmsg(bufsize[, ancbufsize[, flags]]) -> (data, ancdata, msg_flags, address)
    ///
    /// Receive normal data and ancillary data from the socket.
    #[py("recvmsg($self, bufsize, ancbufsize=0, flags=0, /)", "")]
    fn recvmsg(cx: &mut Cx, this: &Ref<Socket>, bufsize: i64, ancbufsize: i64, flags: Option<FormatInt>) -> PyResult {
        let flags = flags.map_or(0, |f| f.0);
        let Ok(size) = usize::try_from(bufsize) else { return Err(cx.value_error("negative buffer size in recvmsg()")) };
        let (data, [items, flags, from]) = receive_message(cx, this, size, ancbufsize, flags)?;
        let parts = vec![Bytes::from_slice(cx, &data)?, items, flags, from];
        cx.tuple(parts)
    }
    /// recvmsg_into(buffers[, ancbufsize[, flags]]) -> (nbytes, ancdata, msg_flags, address)
    ///
    /// Receive normal data into buffers, and ancillary data.
    #[py("recvmsg_into($self, buffers, ancbufsize=0, flags=0, /)", "")]
    fn recvmsg_into(cx: &mut Cx, this: &Ref<Socket>, buffers: &Obj, ancbufsize: i64, flags: Option<FormatInt>) -> PyResult {
        let flags = flags.map_or(0, |f| f.0);
        let mut views = Vec::new();
        let result = (|| {
            for o in protocol::collect(cx, buffers)? {
                views.push(buffer::writable(cx, &o, "recvmsg_into() argument")?);
            }
            let size = views.iter().map(buffer::Buffer::nbytes).sum();
            receive_message(cx, this, size, ancbufsize, flags)
        })();
        if let Ok((data, _)) = &result {
            let mut rest = &data[..];
            for v in &views {
                let (part, after) = rest.split_at(rest.len().min(v.nbytes()));
                buffer::fill(cx, v, part);
                rest = after;
            }
        }
        for v in &views {
            buffer::release(cx, &v.exporter);
        }
        let (data, [items, flags, from]) = result?;
        let parts = vec![cx.int(data.len() as i64)?, items, flags, from];
        cx.tuple(parts)
    }
    /// send(data[, flags]) -> count
    ///
    /// Send a data string to the socket; the number of bytes sent.
    #[py("send($self, data, flags=0, /)", "")]
    fn send(cx: &mut Cx, this: &Ref<Socket>, data: &Obj, flags: Option<FormatInt>) -> PyResult<usize> {
        let flags = flags.map_or(0, |f| f.0);
        let data = buffer::held(cx, data)?;
        send(cx, this, &data, flags, None)
    }
    /// sendall(data[, flags])
    ///
    /// Send a data string to the socket, all of it.
    #[py("sendall($self, data, flags=0, /)", "")]
    fn sendall(cx: &mut Cx, this: &Ref<Socket>, data: &Obj, flags: Option<FormatInt>) -> PyResult<()> {
        let flags = flags.map_or(0, |f| f.0);
        let data = buffer::held(cx, data)?;
        let mut sent = 0;
        while sent < data.len() {
            sent += send(cx, this, &data[sent..], flags, None)?;
            cx.poll_native()?;
        }
        Ok(())
    }
    /// sendto(data[, flags], address) -> count
    ///
    /// Like send(data, flags) but allows specifying the destination address.
    #[py("sendto($self, /, *args)", "")]
    fn sendto(cx: &mut Cx, this: &Ref<Socket>, args: &[Obj]) -> PyResult<usize> {
        let (data, flags, to) = match args {
            [data, to] => (data, None, to),
            [data, flags, to] => (data, Some(flags), to),
            _ => return Err(cx.type_error(format!("sendto() takes 2 or 3 arguments ({} given)", args.len()))),
        };
        let data = buffer::held(cx, data)?;
        let flags = match flags {
            Some(f) => crate::params::c_int(cx, f)?,
            None => 0,
        };
        cx.audit("socket.sendto", &[this.as_obj().into(), to.into()])?;
        let to = address::encode(cx, this.family.get(), this.protocol.get(), to, "sendto")?;
        send(cx, this, &data, flags, Some(&to))
    }
    /// sendmsg(buffers[, ancdata[, flags[, address]]]) -> count
    ///
    /// Send normal and ancillary data to the socket.
    #[py("sendmsg($self, buffers, ancdata=(), flags=0, address=None, /)", "")]
    fn sendmsg(cx: &mut Cx, this: &Ref<Socket>, buffers: &Obj, ancdata: Option<&Obj>, flags: Option<FormatInt>, address: Option<&Obj>) -> PyResult<usize> {
        let flags = flags.map_or(0, |f| f.0);
        let mut data = Vec::new();
        for o in protocol::collect(cx, buffers)? {
            let b = buffer::bytes(cx, &o)?;
            protocol::grow(cx, &mut data, b.len())?;
            data.extend(b);
        }
        let mut items = Vec::new();
        for o in match ancdata {
            Some(a) => protocol::collect(cx, a)?,
            None => Vec::new(),
        } {
            let parts = protocol::collect(cx, &o)?;
            let [level, kind, bytes] = &parts[..] else { return Err(cx.type_error("[sendmsg() ancillary data items] must be sequences of length 3")) };
            items.push((protocol::index_i64(cx, level)? as i32, protocol::index_i64(cx, kind)? as i32, buffer::bytes(cx, bytes)?));
        }
        let to = match address.filter(|a| !a.is_none()) {
            Some(a) => Some(address::encode(cx, this.family.get(), this.protocol.get(), a, "sendmsg")?),
            None => None,
        };
        cx.audit("socket.sendmsg", &[this.as_obj().into(), address.into()])?;
        when_ready(cx, this, OUT, flags, |cx, fd| cx.host.send_message(fd, &data, &items, flags as i32, to.as_deref()))
    }
    /// sendmsg_afalg([msg], *, op[, iv[, assoclen[, flags=MSG_MORE]]])
    ///
    /// Sends a message to a cipher of the kernel (AF_ALG): what to do (ALG_OP_ENCRYPT and its kin), the vector it begins with,
    /// and how many bytes are signed only. Returns how many bytes were sent.
    #[py("sendmsg_afalg($self, msg=None, *, op=None, iv=None, assoclen=None, flags=0)", "")]
    fn sendmsg_afalg(cx: &mut Cx, this: &Ref<Socket>, msg: Option<&Obj>, op: Option<&Obj>, iv: Option<&Obj>, assoclen: Option<&Obj>, flags: Option<FormatInt>) -> PyResult<usize> {
        let flags = flags.map_or(0, |f| f.0);
        if this.family.get() != families::ALG {
            return Err(cx.error_of(&cx.types.os_error, "algset is only supported for AF_ALG"));
        }
        let items = families::cipher_items(cx, op, iv, assoclen)?;
        let mut data = Vec::new();
        for o in match msg {
            Some(m) => protocol::collect(cx, m)?,
            None => Vec::new(),
        } {
            let b = buffer::bytes(cx, &o)?;
            protocol::grow(cx, &mut data, b.len())?;
            data.extend(b);
        }
        when_ready(cx, this, OUT, flags, |cx, fd| cx.host.send_message(fd, &data, &items, flags as i32, None))
    }
    /// Set the socket to blocking (flag is true) or non-blocking (false).
    #[py("setblocking($self, flag, /)", "($self, object, /)")]
    fn setblocking(cx: &mut Cx, this: &Ref<Socket>, flag: bool) -> PyResult<()> {
        this.timeout.set(if flag { -1.0 } else { 0.0 });
        cx.host.set_blocking(this.fd.get(), flag).map_err(|e| raise_os(cx, &e))
    }
    /// True if the socket is in blocking mode.
    #[py("getblocking($self, /)")]
    fn getblocking(_cx: &mut Cx, this: &Ref<Socket>) -> bool {
        this.timeout.get() != 0.0
    }
    /// Set a timeout on socket operations, in seconds.
    #[py("settimeout($self, timeout, /)", "($self, object, /)")]
    fn settimeout(cx: &mut Cx, this: &Ref<Socket>, timeout: &Obj) -> PyResult<()> {
        let t = timeout_argument(cx, timeout)?;
        this.timeout.set(t);
        cx.host.set_blocking(this.fd.get(), t < 0.0).map_err(|e| raise_os(cx, &e))
    }
    /// Returns the timeout in seconds (float) associated with socket operations.
    #[py("gettimeout($self, /)")]
    fn gettimeout(_cx: &mut Cx, this: &Ref<Socket>) -> Option<f64> {
        Some(this.timeout.get()).filter(|t| *t >= 0.0)
    }
    /// Shut down the reading side of the socket (0), the writing side (1) or both (2).
    #[py("shutdown($self, how, /)", "($self, object, /)")]
    fn shutdown(cx: &mut Cx, this: &Ref<Socket>, how: CInt) -> PyResult<()> {
        cx.host.shutdown(this.fd.get(), how.0).map_err(|e| raise_os(cx, &e))
    }
    /// the socket family
    #[member("family")]
    fn family_get(cx: &mut Cx, this: &Ref<Socket>) -> PyResult {
        cx.int(i64::from(this.family.get()))
    }
    /// the socket type
    #[member("type")]
    fn type_get(cx: &mut Cx, this: &Ref<Socket>) -> PyResult {
        cx.int(i64::from(this.kind.get()))
    }
    /// the socket protocol
    #[member("proto")]
    fn proto_get(cx: &mut Cx, this: &Ref<Socket>) -> PyResult {
        cx.int(i64::from(this.protocol.get()))
    }
    /// the socket timeout
    #[get("timeout")]
    fn timeout_get(cx: &mut Cx, this: &Ref<Socket>) -> PyResult {
        match this.timeout.get() {
            t if t >= 0.0 => cx.float(t),
            _ => Ok(cx.none()),
        }
    }
}

/// A socket that dies open is closed with a warning.
fn finalize(cx: &mut Cx, o: &Obj) {
    let Some(this) = o.cast::<Socket>().cloned() else { return };
    if this.fd.get() < 0 {
        return;
    }
    retic_runtime::modules::warnings::unclosed(cx, o, "");
    let fd = this.fd.replace(-1);
    if fd >= 0 {
        let _ = cx.host.close(fd);
    }
}

pub fn make(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "_socket", names::functions::DOC, names::functions::FUNCTIONS)?;
    for (name, value) in constants::CONSTANTS {
        m.set_int(cx, name, *value)?;
    }
    let yes = cx.bool(true);
    m.set(cx, "has_ipv6", yes)?;
    let os_error = cx.types.os_error.as_obj().clone();
    let timeout = cx.types.timeout_error.as_obj().clone();
    m.set(cx, "error", os_error.clone())?;
    m.set(cx, "timeout", timeout)?;
    m.add_exception(cx, "socket.herror", &os_error)?;
    m.add_exception(cx, "socket.gaierror", &os_error)?;
    let spec = Spec {
        doc: "Open a socket of the given type: socket(family=AF_INET, type=SOCK_STREAM, proto=0, fileno=None).",
        text_signature: "(family=-1, type=-1, proto=-1, fileno=None)",
        flags: flags::GC | flags::MANAGED | flags::BASE,
        slots: Slots {
            new: Some(|cx, ty, _| empty(cx, ty)),
            init: Some(init),
            del: Some(finalize),
            repr: Some(|cx, o| {
                let Some(s) = o.cast::<Socket>().cloned() else { return Ok(cx.none()) };
                let text = format!("<socket object, fd={}, family={}, type={}, proto={}>", s.fd.get(), s.family.get(), s.kind.get(), s.protocol.get());
                cx.str(&text)
            }),
            ..Slots::EMPTY
        },
        methods: Socket::METHODS,
        getset: Socket::GETSET,
        ..Spec::new::<Socket>("_socket.socket")
    };
    let ty = m.add_type(cx, &spec)?;
    m.set(cx, "SocketType", ty.as_obj().clone())?;
    Ok(m.into_obj())
}
