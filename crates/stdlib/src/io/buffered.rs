//! `BufferedReader`, `BufferedWriter`, `BufferedRandom`, `BufferedRWPair`.

use super::base::{self, FLAGS};
use super::fileio::{self, FileIo};
use super::{BUFFER_BYTES, unsupported};
use retic_runtime::object::{Buf, Guarded};
use retic_runtime::types::{ByteArray, Bytes, Slots, Spec, Type};
use retic_runtime::{Cx, Obj, PyResult, Ref, layout, memory, protocol};
use std::cell::Cell;

layout! {
    /// A raw stream with bytes read ahead and bytes still to be written. One of the two is empty.
    pub struct Buffered = 213, "_io.BufferedReader" {
        raw: Guarded<Option<Obj>>,
        ahead: Guarded<Buf<u8>>,
        /// What raw streams that are no files read into: a bytearray of `size` bytes, made when it is needed.
        room: Guarded<Option<Obj>>,
        at: Cell<usize>,
        /// Where the raw stream stands; -1: it has to be asked.
        raw_at: Cell<i64>,
        behind: Guarded<Buf<u8>>,
        size: Cell<usize>,
        detached: Cell<bool>,
        /// Its finaliser runs.
        finalizing: Cell<bool>,
        /// Nothing goes in or out any more.
        closing: Cell<bool>,
    }
}
layout! {
    /// A reader and a writer as one stream.
    pub struct Pair = 214, "_io.BufferedRWPair" { reader: Guarded<Option<Obj>>, writer: Guarded<Option<Obj>>, }
}

fn raw(cx: &Cx, this: &Ref<Buffered>) -> PyResult {
    match this.raw.cloned(cx) {
        Some(r) => Ok(r),
        None if this.detached.get() => Err(cx.value_error("raw stream has been detached")),
        None => Err(cx.value_error("I/O operation on uninitialized object")),
    }
}
fn open_raw(cx: &mut Cx, this: &Ref<Buffered>, what: &str) -> PyResult {
    let r = raw(cx, this)?;
    let closed = match plain_file(cx, &r) {
        Some(f) => f.fd.get() < 0,
        None => base::is_closed(cx, &r)?,
    };
    if closed || this.closing.get() { Err(cx.value_error(format!("{what} of closed file"))) } else { Ok(r) }
}
/// Whether a buffer over a file is closed, where nobody overrides what says so.
pub fn plainly_closed(cx: &Cx, stream: &Obj) -> Option<bool> {
    let buffered = stream.cast::<Buffered>().filter(|_| !stream.ty().is_heap())?;
    let raw = buffered.raw.get(cx).as_ref()?;
    raw.cast::<FileIo>().filter(|_| !raw.ty().is_heap()).map(|f| f.fd.get() < 0)
}
/// The raw stream as a file whose methods nobody overrides.
fn plain_file(cx: &Cx, raw: &Obj) -> Option<Ref<FileIo>> {
    raw.cast::<FileIo>().filter(|_| std::ptr::eq(raw.ty(), &*cx.native_type("_io.FileIO"))).cloned()
}

/// The raw stream went so many bytes further.
fn moved(this: &Ref<Buffered>, bytes: usize) {
    if this.raw_at.get() >= 0 {
        this.raw_at.set(this.raw_at.get().saturating_add(bytes as i64));
    }
}

/// Shows up to `n` bytes of the raw stream; `None`: nothing without waiting.
fn with_raw<R>(cx: &mut Cx, this: &Ref<Buffered>, raw: &Obj, n: usize, look: impl FnOnce(&mut Cx, &[u8]) -> PyResult<R>) -> PyResult<Option<R>> {
    if let Some(f) = plain_file(cx, raw) {
        return fileio::with_some(cx, &f, n, |cx, bytes| {
            moved(this, bytes.len());
            look(cx, bytes)
        });
    }
    protocol::check_size(cx, 1, n, 1)?;
    let kept = this.room.replace(cx, None).filter(|b| b.count() == 1);
    let room = match kept.and_then(|b| b.cast::<ByteArray>().filter(|b| b.bytes(cx).len() == n).cloned()) {
        Some(room) => room,
        None => ByteArray::of_type(cx, &cx.types.bytearray, &vec![0; n])?,
    };
    let view = retic_runtime::types::memoryview::nameless(cx, room.as_obj())?;
    let r = protocol::call_method(cx, raw, "readinto", std::slice::from_ref(&view))?;
    cx.release(view);
    if r.is_none() {
        return Ok(None);
    }
    let Ok(got) = protocol::index_i64(cx, &r) else {
        let cause = cx.take_error();
        let failed = cx.error_of(&cx.types.os_error, "raw readinto() failed");
        let (Some(cause), Some(e)) = (cause, cx.take_error()) else { return Err(failed) };
        let key = cx.name("__cause__");
        protocol::setattr(cx, &e, &key, Some(&cause))?;
        return Err(cx.raise(e));
    };
    if got < 0 || got as usize > n {
        return Err(cx.error_of(&cx.types.os_error, format!("raw readinto() returned invalid length {got} (should have been between 0 and {n})")));
    }
    // Who got hold of the room itself may have made it shorter.
    let Some(bytes) = room.bytes(cx).get(..got as usize).map(<[u8]>::to_vec) else {
        return Err(cx.error_of(&cx.types.os_error, "raw readinto() changed the size of its buffer"));
    };
    if n == this.size.get() {
        this.room.set(cx, Some(room.into_obj()));
    }
    moved(this, bytes.len());
    look(cx, &bytes).map(Some)
}
/// Up to `n` bytes of the raw stream; `None`: nothing without waiting.
fn raw_read(cx: &mut Cx, this: &Ref<Buffered>, raw: &Obj, n: usize) -> PyResult<Option<Vec<u8>>> {
    with_raw(cx, this, raw, n, |_, bytes| Ok(bytes.to_vec()))
}

fn unread(cx: &Cx, this: &Ref<Buffered>) -> usize {
    this.ahead.get(cx).len() - this.at.get().min(this.ahead.get(cx).len())
}
fn set_ahead(cx: &mut Cx, this: &Ref<Buffered>, bytes: &[u8]) -> PyResult<()> {
    // The room of what was read before is used again.
    let mut b = this.ahead.replace(cx, Buf::empty());
    let r = b.splice(cx, 0, b.len(), bytes);
    this.ahead.set(cx, b);
    this.at.set(0);
    r
}
/// Takes up to `n` of the bytes read ahead.
fn take(cx: &Cx, this: &Ref<Buffered>, n: usize) -> Vec<u8> {
    let (at, all) = (this.at.get(), this.ahead.get(cx));
    let end = all.len().min(at.saturating_add(n));
    this.at.set(end);
    all[at.min(end)..end].to_vec()
}

/// One write to the raw stream: how many bytes it took; `None`: none without waiting.
fn raw_write(cx: &mut Cx, raw: &Obj, bytes: &[u8]) -> PyResult<Option<usize>> {
    if let Some(f) = plain_file(cx, raw) {
        return fileio::write_some(cx, &f, bytes);
    }
    let b = Bytes::from_slice(cx, bytes)?;
    let r = protocol::call_method(cx, raw, "write", &[b])?;
    if r.is_none() {
        return Ok(None);
    }
    let n = protocol::index_i64(cx, &r)?;
    if n < 0 || n as usize > bytes.len() {
        return Err(cx.error_of(&cx.types.os_error, format!("raw write() returned invalid length {n} (should have been between 0 and {})", bytes.len())));
    }
    Ok(Some(n as usize))
}

/// BlockingIOError: of what was to be written, `taken` bytes were written or are kept.
fn would_block(cx: &mut Cx, taken: usize) -> retic_runtime::Raised {
    let class = cx.types.blocking_io_error.as_obj().clone();
    let made = (|| {
        let args = [cx.int(11)?, cx.str("write could not complete without blocking")?, cx.int(taken as i64)?];
        protocol::call(cx, &class, &args)
    })();
    match made {
        Ok(e) => cx.raise(e),
        Err(r) => r,
    }
}

fn flush_writes(cx: &mut Cx, this: &Ref<Buffered>) -> PyResult<()> {
    if this.behind.get(cx).is_empty() {
        return Ok(());
    }
    let raw = raw(cx, this)?;
    let mut bytes = this.behind.get(cx).to_vec();
    this.behind.set(cx, Buf::empty());
    while !bytes.is_empty() {
        this.raw_at.set(-1);
        match raw_write(cx, &raw, &bytes) {
            Ok(Some(n)) => {
                bytes.drain(..n);
            }
            other => {
                // What could not be written is kept.
                let saved = if other.is_err() { cx.take_error() } else { None };
                let mut b = Buf::empty();
                b.splice(cx, 0, 0, &bytes)?;
                this.behind.set(cx, b);
                return Err(match saved {
                    Some(e) => cx.raise(e),
                    None => would_block(cx, 0),
                });
            }
        }
        cx.poll_native()?;
    }
    Ok(())
}

/// Forgets what was read ahead: the raw stream goes back to where the program thinks it is.
fn drop_ahead(cx: &mut Cx, this: &Ref<Buffered>) -> PyResult<()> {
    let n = unread(cx, this);
    this.ahead.set(cx, Buf::empty());
    this.at.set(0);
    if n > 0 {
        let r = raw(cx, this)?;
        let (back, one) = (cx.int(-(n as i64))?, cx.int(1)?);
        this.raw_at.set(-1);
        protocol::call_method(cx, &r, "seek", &[back, one])?;
    }
    Ok(())
}

fn refill(cx: &mut Cx, this: &Ref<Buffered>) -> PyResult<Option<usize>> {
    let r = raw(cx, this)?;
    with_raw(cx, this, &r, this.size.get(), |cx, bytes| {
        set_ahead(cx, this, bytes)?;
        Ok(bytes.len())
    })
}

fn read_bytes(cx: &mut Cx, this: &Ref<Buffered>, n: Option<usize>) -> PyResult<Option<Vec<u8>>> {
    let r = open_raw(cx, this, "read")?;
    flush_writes(cx, this)?;
    let Some(n) = n else {
        let mut out = take(cx, this, usize::MAX);
        this.raw_at.set(-1);
        let rest = match plain_file(cx, &r) {
            Some(f) => fileio::read_all(cx, &f)?,
            None => {
                let name = cx.name("readall");
                if let Some(f) = protocol::lookup_attr(cx, &r, &name)? {
                    let all = protocol::call(cx, &f, &[])?;
                    if all.is_none() {
                        None
                    } else {
                        match all.cast::<Bytes>() {
                            Some(b) => Some(b.bytes().to_vec()),
                            None => return Err(cx.type_error("readall() should return bytes")),
                        }
                    }
                } else {
                    let mut all = Vec::new();
                    while let Some(b) = raw_read(cx, this, &r, this.size.get())?.filter(|b| !b.is_empty()) {
                        protocol::grow(cx, &mut all, b.len())?;
                        all.extend(b);
                    }
                    Some(all)
                }
            }
        };
        return match rest {
            None if out.is_empty() => Ok(None),
            None => Ok(Some(out)),
            Some(b) => {
                protocol::grow(cx, &mut out, b.len())?;
                out.extend(b);
                Ok(Some(out))
            }
        };
    };
    let mut out = take(cx, this, n);
    while out.len() < n {
        let missing = n - out.len();
        if missing >= this.size.get() {
            // Whole buffers; the rest is read ahead.
            match raw_read(cx, this, &r, missing - missing % this.size.get())? {
                None if out.is_empty() => return Ok(None),
                None => break,
                Some(b) if b.is_empty() => break,
                Some(b) => {
                    protocol::grow(cx, &mut out, b.len())?;
                    out.extend(b);
                }
            }
        } else {
            match refill(cx, this)? {
                None if out.is_empty() => return Ok(None),
                None | Some(0) => break,
                Some(_) => out.extend(take(cx, this, missing)),
            }
        }
        cx.poll_native()?;
    }
    Ok(Some(out))
}

/// At most one read of the raw stream: what is read ahead, or one more piece.
pub fn read_once(cx: &mut Cx, this: &Ref<Buffered>, n: Option<usize>) -> PyResult<Vec<u8>> {
    open_raw(cx, this, "read")?;
    let n = n.unwrap_or(this.size.get());
    if n == 0 {
        return Ok(Vec::new());
    }
    flush_writes(cx, this)?;
    if unread(cx, this) == 0 {
        refill(cx, this)?;
    }
    Ok(take(cx, this, n))
}

fn bytes_or_none(cx: &mut Cx, b: Option<Vec<u8>>) -> PyResult {
    match b {
        Some(b) => Bytes::from_slice(cx, &b),
        None => Ok(cx.none()),
    }
}

fn into_buffer(cx: &mut Cx, buffer: &Obj, argument: &str, read: impl FnOnce(&mut Cx, usize) -> PyResult<Option<Vec<u8>>>) -> PyResult<Option<usize>> {
    let b = protocol::buffer::writable(cx, buffer, argument)?;
    let got = read(cx, b.nbytes());
    if let Ok(Some(data)) = &got {
        protocol::buffer::fill(cx, &b, data);
    }
    protocol::buffer::release(cx, &b.exporter);
    Ok(got?.map(|d| d.len()))
}

struct Reading;
#[retic_macros::methods]
impl Reading {
    #[py("readable($self, /)")]
    fn readable(cx: &mut Cx, this: &Ref<Buffered>) -> PyResult {
        forwarded(cx, this, "readable")
    }
    #[py("read($self, size=-1, /)")]
    fn read(cx: &mut Cx, this: &Ref<Buffered>, size: Option<&Obj>) -> PyResult {
        if let Some(s) = size.filter(|s| !s.is_none())
            && let Some(n) = retic_runtime::types::int::to_i64(s)
            && n < -1
        {
            return Err(cx.value_error("read length must be non-negative or -1"));
        }
        let n = base::size_arg(cx, size)?;
        let b = read_bytes(cx, this, n)?;
        bytes_or_none(cx, b)
    }
    #[py("read1($self, size=-1, /)")]
    fn read1(cx: &mut Cx, this: &Ref<Buffered>, size: Option<&Obj>) -> PyResult {
        let n = base::size_arg(cx, size)?;
        let b = read_once(cx, this, n)?;
        Bytes::from_slice(cx, &b)
    }
    #[py("peek($self, size=0, /)")]
    fn peek(cx: &mut Cx, this: &Ref<Buffered>, size: i64) -> PyResult {
        let _ = size;
        open_raw(cx, this, "peek")?;
        flush_writes(cx, this)?;
        if unread(cx, this) == 0 {
            refill(cx, this)?;
        }
        let b = this.ahead.get(cx)[this.at.get()..].to_vec();
        Bytes::from_slice(cx, &b)
    }
    #[py("readinto($self, buffer, /)")]
    fn readinto(cx: &mut Cx, this: &Ref<Buffered>, buffer: &Obj) -> PyResult<Option<usize>> {
        into_buffer(cx, buffer, "readinto() argument", |cx, n| read_bytes(cx, this, Some(n)))
    }
    #[py("readinto1($self, buffer, /)")]
    fn readinto1(cx: &mut Cx, this: &Ref<Buffered>, buffer: &Obj) -> PyResult<Option<usize>> {
        into_buffer(cx, buffer, "readinto1() argument", |cx, n| {
            let r = open_raw(cx, this, "readinto")?;
            flush_writes(cx, this)?;
            let mut out = take(cx, this, n);
            // One read of the raw stream, for what is missing or into an empty buffer.
            let missing = n - out.len();
            if missing > this.size.get() {
                match raw_read(cx, this, &r, missing)? {
                    Some(b) => out.extend(b),
                    None if out.is_empty() => return Ok(None),
                    None => {}
                }
            } else if missing > 0 && (out.is_empty() || n > this.size.get()) {
                match refill(cx, this)? {
                    Some(_) => out.extend(take(cx, this, missing)),
                    None if out.is_empty() => return Ok(None),
                    None => {}
                }
            }
            Ok(Some(out))
        })
    }
    #[py("readline($self, size=-1, /)")]
    fn readline(cx: &mut Cx, this: &Ref<Buffered>, size: Option<&Obj>) -> PyResult {
        let limit = base::size_arg(cx, size)?.unwrap_or(usize::MAX);
        line(cx, this, limit)
    }
}

/// The next line, of at most so many bytes; no bytes: the end.
fn line(cx: &mut Cx, this: &Ref<Buffered>, limit: usize) -> PyResult {
    open_raw(cx, this, "readline")?;
    flush_writes(cx, this)?;
    let at = this.at.get();
    let ready = this.ahead.get(cx).get(at..).unwrap_or_default();
    if let Some(i) = memchr::memchr(b'\n', &ready[..ready.len().min(limit)]) {
        this.at.set(at + i + 1);
        return Bytes::from_slice(cx, &ready[..=i]);
    }
    let mut out: Vec<u8> = Vec::new();
    while out.len() < limit {
        if unread(cx, this) == 0 && refill(cx, this)?.unwrap_or(0) == 0 {
            break;
        }
        let all = &this.ahead.get(cx)[this.at.get()..];
        let end = memchr::memchr(b'\n', all).map_or(all.len(), |i| i + 1).min(limit - out.len());
        out.extend(take(cx, this, end));
        if out.last() == Some(&b'\n') {
            break;
        }
        cx.poll_native()?;
    }
    Bytes::from_slice(cx, &out)
}

/// Takes bytes to be written; what is full goes on to the raw stream.
pub fn write_bytes(cx: &mut Cx, this: &Ref<Buffered>, b: &[u8]) -> PyResult<()> {
    let r = open_raw(cx, this, "write")?;
    drop_ahead(cx, this)?;
    let size = this.size.get();
    if this.behind.get(cx).len() + b.len() <= size {
        return keep(cx, this, b);
    }
    if flush_writes(cx, this).is_err() {
        let blocked = cx.types.blocking_io_error.clone();
        let Some(e) = cx.take_error() else { return Err(would_block(cx, 0)) };
        if !e.ty().is_subtype(cx, &blocked) {
            return Err(cx.raise(e));
        }
        // As much as there is room for is kept.
        let room = size.saturating_sub(this.behind.get(cx).len());
        if b.len() <= room {
            return keep(cx, this, b);
        }
        keep(cx, this, &b[..room])?;
        return Err(would_block(cx, room));
    }
    let mut at = 0;
    while b.len() - at > size {
        this.raw_at.set(-1);
        match raw_write(cx, &r, &b[at..])? {
            Some(n) => at += n,
            None => {
                keep(cx, this, &b[at..at + size])?;
                return Err(would_block(cx, at + size));
            }
        }
        cx.poll_native()?;
    }
    keep(cx, this, &b[at..])
}
/// Puts bytes behind those that are to be written.
fn keep(cx: &mut Cx, this: &Ref<Buffered>, b: &[u8]) -> PyResult<()> {
    let n = this.behind.get(cx).len();
    let mut data = this.behind.replace(cx, Buf::empty());
    let r = data.splice(cx, n, n, b);
    this.behind.replace(cx, data);
    r
}

struct Writing;
#[retic_macros::methods]
impl Writing {
    #[py("writable($self, /)")]
    fn writable(cx: &mut Cx, this: &Ref<Buffered>) -> PyResult {
        forwarded(cx, this, "writable")
    }
    /// Write buffer b to the IO stream.
    #[py("write($self, buffer, /)")]
    fn write(cx: &mut Cx, this: &Ref<Buffered>, buffer: &Obj) -> PyResult<usize> {
        open_raw(cx, this, "write")?;
        let b = protocol::buffer::held(cx, buffer)?;
        write_bytes(cx, this, &b)?;
        Ok(b.len())
    }
}
pub const WRITING: &[retic_runtime::native::MethodDef] = Writing::METHODS;

fn forwarded(cx: &mut Cx, this: &Ref<Buffered>, name: &'static str) -> PyResult {
    let r = raw(cx, this)?;
    protocol::call_method(cx, &r, name, &[])
}
fn raw_attribute(cx: &mut Cx, this: &Ref<Buffered>, name: &'static str) -> PyResult {
    let r = raw(cx, this)?;
    let name = cx.name(name);
    protocol::getattr(cx, &r, &name)
}
fn raw_tell(cx: &mut Cx, this: &Ref<Buffered>) -> PyResult<i64> {
    let r = forwarded(cx, this, "tell")?;
    let n = protocol::index_i64(cx, &r)?;
    this.raw_at.set(n.max(-1));
    if n < 0 { Err(cx.error_of(&cx.types.os_error, format!("Raw stream returned invalid position {n}"))) } else { Ok(n) }
}

/// `flush` for whoever holds a buffered stream.
pub fn flush(cx: &mut Cx, this: &Ref<Buffered>) -> PyResult<()> {
    open_raw(cx, this, "flush")?;
    flush_writes(cx, this)?;
    if unread(cx, this) > 0 && base::can(cx, this.as_obj(), "seekable")? && this.as_obj().ty().short_name() == "BufferedRandom" {
        drop_ahead(cx, this)?;
    }
    Ok(())
}

#[retic_macros::methods]
impl Buffered {
    #[py("flush($self, /)")]
    fn flush_method(cx: &mut Cx, this: &Ref<Buffered>) -> PyResult<()> {
        flush(cx, this)
    }
    #[py("close($self, /)")]
    fn close(cx: &mut Cx, this: &Ref<Buffered>) -> PyResult<()> {
        let r = raw(cx, this)?;
        if base::is_closed(cx, &r)? {
            return Ok(());
        }
        if this.finalizing.get() {
            base::warn_below(cx, Some(r.clone()), this.as_obj());
        }
        let flushed = protocol::call_method(cx, this.as_obj(), "flush", &[]).map(drop);
        this.closing.set(true);
        let closed = base::both(cx, flushed, |cx| protocol::call_method(cx, &r, "close", &[]).map(drop));
        this.closing.set(false);
        if closed.is_ok() {
            this.ahead.set(cx, Buf::empty());
            this.behind.set(cx, Buf::empty());
            this.at.set(0);
        }
        closed
    }
    #[py("detach($self, /)")]
    fn detach(cx: &mut Cx, this: &Ref<Buffered>) -> PyResult {
        let r = raw(cx, this)?;
        protocol::call_method(cx, this.as_obj(), "flush", &[])?;
        this.raw.set(cx, None);
        this.detached.set(true);
        Ok(r)
    }
    #[py("seek($self, target, whence=0, /)")]
    fn seek(cx: &mut Cx, this: &Ref<Buffered>, target: &Obj, whence: i64) -> PyResult<i64> {
        if !(0..=4).contains(&whence) {
            return Err(cx.value_error(format!("whence value {whence} unsupported")));
        }
        let r = open_raw(cx, this, "seek")?;
        if !base::can(cx, &r, "seekable")? {
            return Err(unsupported(cx, "File or stream is not seekable."));
        }
        let mut to = protocol::index_i64(cx, target)?;
        let left = unread(cx, this) as i64;
        if whence <= 1 && left > 0 && this.behind.get(cx).is_empty() {
            // What is read ahead may have the place in it.
            if this.raw_at.get() < 0 {
                raw_tell(cx, this)?;
            }
            let here = this.raw_at.get() - left;
            let by = if whence == 0 { to.saturating_sub(here) } else { to };
            if by <= left && by >= -(this.at.get() as i64) {
                this.at.set((this.at.get() as i64 + by) as usize);
                // Devices may stay at 0 whatever is read.
                return Ok((here + by).max(0));
            }
        }
        flush_writes(cx, this)?;
        if whence == 1 {
            to = to.saturating_sub(left);
        }
        // The room stays for what is read next.
        let all = this.ahead.get(cx).len();
        this.at.set(all);
        this.raw_at.set(-1);
        let (t, w) = (cx.int(to)?, cx.int(whence)?);
        let p = protocol::call_method(cx, &r, "seek", &[t, w])?;
        let p = protocol::index_i64(cx, &p)?;
        this.raw_at.set(p.max(-1));
        if p < 0 { Err(cx.error_of(&cx.types.os_error, format!("Raw stream returned invalid position {p}"))) } else { Ok(p) }
    }
    #[py("tell($self, /)")]
    pub fn tell(cx: &mut Cx, this: &Ref<Buffered>) -> PyResult<i64> {
        let at = raw_tell(cx, this)?;
        // Devices may stay at 0 whatever is read.
        Ok((at - unread(cx, this) as i64).max(0) + this.behind.get(cx).len() as i64)
    }
    #[py("truncate($self, pos=None, /)")]
    fn truncate(cx: &mut Cx, this: &Ref<Buffered>, pos: Option<&Obj>) -> PyResult {
        let r = open_raw(cx, this, "truncate")?;
        if !base::can(cx, this.as_obj(), "writable")? {
            return Err(unsupported(cx, "truncate"));
        }
        flush_writes(cx, this)?;
        let n = match pos.filter(|p| !p.is_none()) {
            Some(p) => p.clone(),
            None => {
                let at = Buffered::tell(cx, this)?;
                cx.int(at)?
            }
        };
        protocol::call_method(cx, &r, "truncate", &[n])
    }
    #[py("seekable($self, /)")]
    fn seekable(cx: &mut Cx, this: &Ref<Buffered>) -> PyResult {
        forwarded(cx, this, "seekable")
    }
    #[py("fileno($self, /)")]
    fn fileno(cx: &mut Cx, this: &Ref<Buffered>) -> PyResult {
        forwarded(cx, this, "fileno")
    }
    #[py("isatty($self, /)")]
    fn isatty(cx: &mut Cx, this: &Ref<Buffered>) -> PyResult {
        forwarded(cx, this, "isatty")
    }
    #[py("_dealloc_warn($self, source, /)")]
    fn dealloc_warn(cx: &mut Cx, this: &Ref<Buffered>, source: &Obj) {
        let below = this.raw.cloned(cx);
        base::warn_below(cx, below, source);
    }
    #[py("__sizeof__($self, /)")]
    fn size_of(cx: &mut Cx, this: &Ref<Buffered>) -> PyResult<i64> {
        let whole = retic_runtime::types::type_::sizes::basic(cx, this.as_obj()) as i64;
        let buffer = match this.raw.cloned(cx) {
            Some(r) if !base::is_closed(cx, &r)? => this.size.get() as i64,
            _ => 0,
        };
        Ok(whole + buffer)
    }
    #[get("_finalizing")]
    #[settable("")]
    fn finalizing(_cx: &mut Cx, this: &Ref<Buffered>) -> bool {
        this.finalizing.get()
    }
    fn set_finalizing(cx: &mut Cx, this: &Ref<Buffered>, value: Option<&Obj>) -> PyResult<()> {
        let Some(v) = value else { return Err(cx.attribute_error("cannot delete attribute")) };
        this.finalizing.set(protocol::truth(cx, v)?);
        Ok(())
    }
    #[py("__getstate__($self, /)")]
    fn getstate(cx: &mut Cx, this: &Ref<Buffered>) -> PyResult {
        let name = retic_runtime::types::type_::full_name(cx, &this.as_obj().type_ref());
        Err(cx.type_error(format!("cannot pickle '{name}' instances")))
    }
    #[member("raw")]
    fn raw_get(cx: &mut Cx, this: &Ref<Buffered>) -> Option<Obj> {
        this.raw.cloned(cx)
    }
    #[get("closed")]
    fn closed(cx: &mut Cx, this: &Ref<Buffered>) -> PyResult {
        raw_attribute(cx, this, "closed")
    }
    #[get("name")]
    fn name(cx: &mut Cx, this: &Ref<Buffered>) -> PyResult {
        raw_attribute(cx, this, "name")
    }
    #[get("mode")]
    fn mode(cx: &mut Cx, this: &Ref<Buffered>) -> PyResult {
        raw_attribute(cx, this, "mode")
    }
}

fn empty(head: retic_runtime::object::Header) -> Buffered {
    Buffered {
        head,
        raw: Guarded::new(None),
        ahead: Guarded::new(Buf::empty()),
        room: Guarded::new(None),
        at: Cell::new(0),
        raw_at: Cell::new(-1),
        behind: Guarded::new(Buf::empty()),
        size: Cell::new(BUFFER_BYTES),
        detached: Cell::new(false),
        finalizing: Cell::new(false),
        closing: Cell::new(false),
    }
}

/// A buffered stream over a raw one that was opened just now, and stands at its beginning.
pub fn over_new(cx: &mut Cx, class: &'static str, raw: &Obj, size: usize) -> PyResult<Ref<Buffered>> {
    let b = over(cx, class, raw, size)?;
    b.raw_at.set(0);
    Ok(b)
}
/// A buffered stream over a raw one.
pub fn over(cx: &mut Cx, class: &'static str, raw: &Obj, size: usize) -> PyResult<Ref<Buffered>> {
    let ty = cx.native_type(class);
    let b = memory::new(cx, &ty, empty)?;
    b.raw.set(cx, Some(raw.clone()));
    b.size.set(size);
    Ok(b)
}

fn init(cx: &mut Cx, o: &Obj, args: retic_runtime::Args<'_>, class: &str, needs: &[(&'static str, &'static str)]) -> PyResult<()> {
    let Some(this) = o.cast::<Buffered>().cloned() else { return Ok(()) };
    let p = args.positional();
    this.raw.set(cx, None);
    this.detached.set(false);
    if args.items.len() > 2 {
        return Err(cx.type_error(format!("{class}() takes at most 2 arguments ({} given)", args.items.len())));
    }
    let Some(r) = p.first().or(args.keyword(cx, "raw")).cloned() else {
        return Err(cx.type_error(format!("{class}() missing required argument 'raw' (pos 1)")));
    };
    let size = match p.get(1).or(args.keyword(cx, "buffer_size")) {
        Some(s) => protocol::index_i64(cx, s)?,
        None => BUFFER_BYTES as i64 * 16,
    };
    for (what, complaint) in needs {
        if !base::can(cx, &r, what)? {
            return Err(unsupported(cx, complaint));
        }
    }
    if size <= 0 {
        return Err(cx.value_error("buffer size must be strictly positive"));
    }
    this.raw.set(cx, Some(r));
    this.ahead.set(cx, Buf::empty());
    this.behind.set(cx, Buf::empty());
    this.at.set(0);
    this.size.set(size as usize);
    this.raw_at.set(-1);
    if raw_tell(cx, &this).is_err() {
        cx.clear_error();
    }
    Ok(())
}

fn spec(name: &'static str, doc: &'static str, init: fn(&mut Cx, &Obj, retic_runtime::Args<'_>) -> PyResult<()>, more: &'static [retic_runtime::native::MethodDef]) -> Spec {
    Spec {
        doc,
        text_signature: "(raw, buffer_size=DEFAULT_BUFFER_SIZE)",
        flags: FLAGS,
        slots: Slots {
            new: Some(|cx, ty, _| Ok(memory::new(cx, ty, empty)?.into_obj())),
            init: Some(init),
            repr: Some(|cx, o| {
                let class = retic_runtime::types::type_::full_name(cx, &o.type_ref());
                let name = cx.name("name");
                let shown = match protocol::lookup_attr(cx, o, &name) {
                    Ok(Some(n)) => format!(" name={}", base::shown_within(cx, o, &n)?),
                    Ok(None) => String::new(),
                    Err(_) => {
                        cx.clear_error();
                        String::new()
                    }
                };
                cx.str(&format!("<{class}{shown}>"))
            }),
            next: Some(|cx, o| {
                let Some(b) = o.cast::<Buffered>().cloned() else { return Ok(None) };
                if o.ty().is_heap() || o.ty().short_name() == "BufferedWriter" {
                    return base::next_line(cx, o);
                }
                let l = line(cx, &b, usize::MAX)?;
                let is_end = l.cast::<Bytes>().is_none_or(|l| l.bytes().is_empty());
                Ok(Some(l).filter(|_| !is_end))
            }),
            iter: Some(|cx, o| {
                base::check_closed(cx, o)?;
                Ok(o.clone())
            }),
            del: Some(base::finalize),
            ..Slots::EMPTY
        },
        methods: Buffered::METHODS,
        more_methods: more,
        getset: Buffered::GETSET,
        ..Spec::new::<Buffered>(name)
    }
}

const READABLE: (&str, &str) = ("readable", "File or stream is not readable.");
const WRITABLE: (&str, &str) = ("writable", "File or stream is not writable.");
const SEEKABLE: (&str, &str) = ("seekable", "File or stream is not seekable.");

pub fn reader_spec() -> Spec {
    spec("_io.BufferedReader", "Create a new buffered reader using the given readable raw IO object.", |cx, o, a| init(cx, o, a, "BufferedReader", &[READABLE]), Reading::METHODS)
}
pub fn writer_spec() -> Spec {
    spec("_io.BufferedWriter", "A buffer for a writeable sequential RawIO object.", |cx, o, a| init(cx, o, a, "BufferedWriter", &[WRITABLE]), Writing::METHODS)
}
pub fn random_spec() -> Spec {
    spec("_io.BufferedRandom", "A buffered interface to random access streams.", |cx, o, a| init(cx, o, a, "BufferedRandom", &[SEEKABLE, READABLE, WRITABLE]), Reading::METHODS)
}

fn half(cx: &Cx, this: &Ref<Pair>, writer: bool) -> PyResult {
    let slot = if writer { &this.writer } else { &this.reader };
    slot.cloned(cx).ok_or_else(|| cx.value_error("I/O operation on uninitialized object"))
}
fn ask(cx: &mut Cx, this: &Ref<Pair>, writer: bool, name: &'static str, args: &[Obj]) -> PyResult {
    let h = half(cx, this, writer)?;
    protocol::call_method(cx, &h, name, args)
}

#[retic_macros::methods]
impl Pair {
    #[py("read($self, size=-1, /)")]
    fn read(cx: &mut Cx, this: &Ref<Pair>, size: Option<&Obj>) -> PyResult {
        let args: Vec<Obj> = size.cloned().into_iter().collect();
        ask(cx, this, false, "read", &args)
    }
    #[py("read1($self, size=-1, /)")]
    fn read1(cx: &mut Cx, this: &Ref<Pair>, size: Option<&Obj>) -> PyResult {
        let args: Vec<Obj> = size.cloned().into_iter().collect();
        ask(cx, this, false, "read1", &args)
    }
    #[py("readinto($self, buffer, /)")]
    fn readinto(cx: &mut Cx, this: &Ref<Pair>, buffer: &Obj) -> PyResult {
        ask(cx, this, false, "readinto", std::slice::from_ref(buffer))
    }
    #[py("readinto1($self, buffer, /)")]
    fn readinto1(cx: &mut Cx, this: &Ref<Pair>, buffer: &Obj) -> PyResult {
        ask(cx, this, false, "readinto1", std::slice::from_ref(buffer))
    }
    #[py("peek($self, size=0, /)")]
    fn peek(cx: &mut Cx, this: &Ref<Pair>, size: i64) -> PyResult {
        let n = cx.int(size)?;
        ask(cx, this, false, "peek", &[n])
    }
    #[py("write($self, buffer, /)")]
    fn write(cx: &mut Cx, this: &Ref<Pair>, buffer: &Obj) -> PyResult {
        ask(cx, this, true, "write", std::slice::from_ref(buffer))
    }
    #[py("flush($self, /)")]
    fn flush(cx: &mut Cx, this: &Ref<Pair>) -> PyResult {
        ask(cx, this, true, "flush", &[])
    }
    #[py("readable($self, /)")]
    fn readable(cx: &mut Cx, this: &Ref<Pair>) -> PyResult {
        ask(cx, this, false, "readable", &[])
    }
    #[py("writable($self, /)")]
    fn writable(cx: &mut Cx, this: &Ref<Pair>) -> PyResult {
        ask(cx, this, true, "writable", &[])
    }
    #[py("close($self, /)")]
    fn close(cx: &mut Cx, this: &Ref<Pair>) -> PyResult<()> {
        let w = ask(cx, this, true, "close", &[]).map(drop);
        base::both(cx, w, |cx| ask(cx, this, false, "close", &[]).map(drop))
    }
    #[py("isatty($self, /)")]
    fn isatty(cx: &mut Cx, this: &Ref<Pair>) -> PyResult<bool> {
        let w = ask(cx, this, true, "isatty", &[])?;
        if protocol::truth(cx, &w)? {
            return Ok(true);
        }
        let r = ask(cx, this, false, "isatty", &[])?;
        protocol::truth(cx, &r)
    }
    #[get("closed")]
    fn closed(cx: &mut Cx, this: &Ref<Pair>) -> PyResult<bool> {
        let w = half(cx, this, true)?;
        base::is_closed(cx, &w)
    }
}

pub fn pair_spec() -> Spec {
    Spec {
        doc: "A buffered reader and writer object together.",
        flags: FLAGS,
        slots: Slots {
            new: Some(|cx, ty: &Ref<Type>, _| Ok(memory::new(cx, ty, |head| Pair { head, reader: Guarded::new(None), writer: Guarded::new(None) })?.into_obj())),
            init: Some(|cx, o, args| {
                args.no_keywords(cx, "BufferedRWPair")?;
                let a = args.unpack(cx, "BufferedRWPair", 2, 3)?;
                let Some(this) = o.cast::<Pair>().cloned() else { return Ok(()) };
                for (raw, (what, complaint)) in a.iter().zip([READABLE, WRITABLE]) {
                    if !base::can(cx, raw, what)? {
                        return Err(unsupported(cx, complaint));
                    }
                }
                let size = match a.get(2) {
                    Some(s) => protocol::index_i64(cx, s)?,
                    None => BUFFER_BYTES as i64 * 16,
                };
                if size <= 0 {
                    return Err(cx.value_error("buffer size must be strictly positive"));
                }
                let r = over(cx, "_io.BufferedReader", &a[0], size as usize)?.into_obj();
                let w = over(cx, "_io.BufferedWriter", &a[1], size as usize)?.into_obj();
                this.reader.set(cx, Some(r));
                this.writer.set(cx, Some(w));
                Ok(())
            }),
            del: Some(base::finalize),
            ..Slots::EMPTY
        },
        methods: Pair::METHODS,
        getset: Pair::GETSET,
        ..Spec::new::<Pair>("_io.BufferedRWPair")
    }
}
