//! `BytesIO`: bytes in memory as a stream.

use super::base::{self, FLAGS};
use retic_runtime::object::{Buf, Guarded};
use retic_runtime::types::{Bytes, Slots, Spec, memoryview};
use retic_runtime::{Cx, Obj, PyResult, Ref, layout, memory, protocol};
use std::cell::Cell;

layout! {
    /// The bytes, the position, the number of views from `getbuffer`. `shared`: they are those of a bytes object, and `data` is empty.
    pub struct BytesIo = 212, "_io.BytesIO" { data: Guarded<Buf<u8>>, shared: Guarded<Option<Obj>>, at: Cell<usize>, closed: Cell<bool>, exports: Cell<u32>, }
}

fn check(cx: &Cx, this: &Ref<BytesIo>) -> PyResult<()> {
    if this.closed.get() { Err(cx.value_error("I/O operation on closed file.")) } else { Ok(()) }
}
fn check_exports(cx: &Cx, this: &Ref<BytesIo>) -> PyResult<()> {
    if this.exports.get() > 0 { Err(cx.error_of(&cx.types.buffer_error, "Existing exports of data: object cannot be re-sized")) } else { Ok(()) }
}
/// What is in it.
fn content<'a>(cx: &'a Cx, this: &'a Ref<BytesIo>) -> &'a [u8] {
    match this.shared.get(cx).as_ref().and_then(|o| o.cast::<Bytes>()) {
        Some(b) => b.bytes(),
        None => this.data.get(cx),
    }
}
/// Bytes of its own, before they are changed or shown.
fn own(cx: &mut Cx, this: &Ref<BytesIo>) -> PyResult<()> {
    if let Some(shared) = this.shared.cloned(cx) {
        let mut data = Buf::empty();
        data.splice(cx, 0, 0, shared.cast::<Bytes>().map_or(&[], |b| b.bytes()))?;
        this.data.replace(cx, data);
        this.shared.set(cx, None);
    }
    Ok(())
}
/// All of it, as an object that it shares from now on.
fn whole(cx: &mut Cx, this: &Ref<BytesIo>) -> PyResult {
    if let Some(shared) = this.shared.cloned(cx) {
        return Ok(shared);
    }
    let made = Bytes::from_slice(cx, this.data.get(cx))?;
    if this.exports.get() == 0 {
        this.data.set(cx, Buf::empty());
        this.shared.set(cx, Some(made.clone()));
    }
    Ok(made)
}
fn splice(cx: &mut Cx, this: &Ref<BytesIo>, start: usize, end: usize, new: &[u8]) -> PyResult<()> {
    own(cx, this)?;
    let mut data = this.data.replace(cx, Buf::empty());
    let r = data.splice(cx, start, end, new);
    this.data.replace(cx, data);
    r
}
/// What lies between the position and `n` bytes on; the position moves.
fn take(cx: &mut Cx, this: &Ref<BytesIo>, n: Option<usize>) -> PyResult {
    let (start, end) = taken(cx, this, n);
    if start == 0 && end > 0 && end == content(cx, this).len() && this.shared.get(cx).is_some() {
        return whole(cx, this);
    }
    Bytes::from_slice(cx, &content(cx, this)[start..end])
}
fn taken(cx: &Cx, this: &Ref<BytesIo>, n: Option<usize>) -> (usize, usize) {
    let data = content(cx, this);
    let start = this.at.get().min(data.len());
    let end = n.map_or(data.len(), |n| data.len().min(start.saturating_add(n)));
    if end > start {
        this.at.set(end);
    }
    (start, end)
}
fn line_end(cx: &Cx, this: &Ref<BytesIo>) -> usize {
    let data = content(cx, this);
    let start = this.at.get().min(data.len());
    memchr::memchr(b'\n', &data[start..]).map_or(data.len() - start, |i| i + 1)
}

#[retic_macros::methods]
impl BytesIo {
    /// Read at most size bytes, returned as a bytes object.
    #[py("read($self, size=-1, /)")]
    fn read(cx: &mut Cx, this: &Ref<BytesIo>, size: Option<&Obj>) -> PyResult {
        check(cx, this)?;
        let n = base::size_arg(cx, size)?;
        take(cx, this, n)
    }
    /// Read at most size bytes, returned as a bytes object.
    #[py("read1($self, size=-1, /)")]
    fn read1(cx: &mut Cx, this: &Ref<BytesIo>, size: Option<&Obj>) -> PyResult {
        BytesIo::read(cx, this, size)
    }
    /// Next line from the file, as a bytes object.
    #[py("readline($self, size=-1, /)")]
    fn readline(cx: &mut Cx, this: &Ref<BytesIo>, size: Option<&Obj>) -> PyResult {
        check(cx, this)?;
        let n = base::size_arg(cx, size)?;
        let end = line_end(cx, this);
        take(cx, this, Some(n.map_or(end, |n| n.min(end))))
    }
    /// Read bytes into buffer.
    #[py("readinto($self, buffer, /)")]
    fn readinto(cx: &mut Cx, this: &Ref<BytesIo>, buffer: &Obj) -> PyResult<usize> {
        check(cx, this)?;
        let b = protocol::buffer::writable(cx, buffer, "readinto() argument")?;
        let (start, end) = taken(cx, this, Some(b.nbytes()));
        let data = content(cx, this)[start..end].to_vec();
        protocol::buffer::fill(cx, &b, &data);
        protocol::buffer::release(cx, &b.exporter);
        Ok(data.len())
    }
    /// Write bytes to file.
    #[py("write($self, b, /)")]
    fn write(cx: &mut Cx, this: &Ref<BytesIo>, b: &Obj) -> PyResult<usize> {
        check(cx, this)?;
        check_exports(cx, this)?;
        let new = protocol::buffer::held(cx, b)?;
        if new.is_empty() {
            return Ok(0);
        }
        let at = this.at.get();
        let len = content(cx, this).len();
        if at > len {
            protocol::check_size(cx, 1, at - len, 1)?;
            splice(cx, this, len, len, &vec![0; at - len])?;
        }
        let end = (at + new.len()).min(content(cx, this).len());
        splice(cx, this, at, end, &new)?;
        this.at.set(at + new.len());
        Ok(new.len())
    }
    /// Change stream position.
    #[py("seek($self, pos, whence=0, /)")]
    fn seek(cx: &mut Cx, this: &Ref<BytesIo>, pos: &Obj, whence: i64) -> PyResult<i64> {
        check(cx, this)?;
        let pos = protocol::index_i64(cx, pos)?;
        let base = match whence {
            0 if pos < 0 => return Err(cx.value_error(format!("negative seek value {pos}"))),
            0 => 0,
            1 => this.at.get() as i64,
            2 => content(cx, this).len() as i64,
            _ => return Err(cx.value_error(format!("invalid whence ({whence}, should be 0, 1 or 2)"))),
        };
        let Some(to) = base.checked_add(pos) else { return Err(cx.overflow_error("new position too large")) };
        this.at.set(to.max(0) as usize);
        Ok(to.max(0))
    }
    /// Current file position, an integer.
    #[py("tell($self, /)")]
    fn tell(cx: &mut Cx, this: &Ref<BytesIo>) -> PyResult<usize> {
        check(cx, this)?;
        Ok(this.at.get())
    }
    /// Truncate the file to at most size bytes.
    #[py("truncate($self, size=None, /)")]
    fn truncate(cx: &mut Cx, this: &Ref<BytesIo>, size: Option<&Obj>) -> PyResult<i64> {
        check(cx, this)?;
        check_exports(cx, this)?;
        let n = match size.filter(|s| !s.is_none()) {
            Some(s) => protocol::index_i64(cx, s)?,
            None => this.at.get() as i64,
        };
        if n < 0 {
            return Err(cx.value_error(format!("negative size value {n}")));
        }
        let len = content(cx, this).len();
        if (n as usize) < len {
            splice(cx, this, n as usize, len, &[])?;
        }
        Ok(n)
    }
    /// Retrieve the entire contents of the BytesIO object.
    #[py("getvalue($self, /)")]
    fn getvalue(cx: &mut Cx, this: &Ref<BytesIo>) -> PyResult {
        check(cx, this)?;
        whole(cx, this)
    }
    /// Get a read-write view over the contents of the BytesIO object.
    #[py("getbuffer($self, /)")]
    fn getbuffer(cx: &mut Cx, this: &Ref<BytesIo>) -> PyResult {
        check(cx, this)?;
        memoryview::of(cx, this.as_obj())
    }
    /// Disable all I/O operations.
    #[py("close($self, /)")]
    fn close(cx: &mut Cx, this: &Ref<BytesIo>) -> PyResult<()> {
        check_exports(cx, this)?;
        this.closed.set(true);
        this.shared.set(cx, None);
        this.data.set(cx, Buf::empty());
        Ok(())
    }
    /// Does nothing.
    #[py("flush($self, /)")]
    fn flush(cx: &mut Cx, this: &Ref<BytesIo>) -> PyResult<()> {
        check(cx, this)
    }
    /// Returns True if the IO object can be read.
    #[py("readable($self, /)")]
    fn readable(cx: &mut Cx, this: &Ref<BytesIo>) -> PyResult<bool> {
        check(cx, this).map(|()| true)
    }
    /// Returns True if the IO object can be written.
    #[py("writable($self, /)")]
    fn writable(cx: &mut Cx, this: &Ref<BytesIo>) -> PyResult<bool> {
        check(cx, this).map(|()| true)
    }
    /// Returns True if the IO object can be seeked.
    #[py("seekable($self, /)")]
    fn seekable(cx: &mut Cx, this: &Ref<BytesIo>) -> PyResult<bool> {
        check(cx, this).map(|()| true)
    }
    #[py("isatty($self, /)")]
    fn isatty(cx: &mut Cx, this: &Ref<BytesIo>) -> PyResult<bool> {
        check(cx, this).map(|()| false)
    }
    #[py("__getstate__($self, /)")]
    fn getstate(cx: &mut Cx, this: &Ref<BytesIo>) -> PyResult {
        let v = BytesIo::getvalue(cx, this)?;
        let at = cx.int(this.at.get() as i64)?;
        let attributes = super::base::attributes(cx, this.as_obj())?;
        cx.tuple_of([v, at, attributes])
    }
    #[py("__setstate__($self, state, /)")]
    fn setstate(cx: &mut Cx, this: &Ref<BytesIo>, state: &Obj) -> PyResult<()> {
        let parts = match state.cast::<retic_runtime::types::Tuple>() {
            Some(t) => t.items().to_vec(),
            None => Vec::new(),
        };
        let [value, at, attributes] = &parts[..] else {
            return Err(cx.type_error(format!("{}.__setstate__ argument should be 3-tuple, got {}", this.as_obj().ty().name_text(), state.ty().name_text())));
        };
        BytesIo::getvalue(cx, this)?;
        let new = protocol::buffer::held(cx, value)?;
        let len = content(cx, this).len();
        splice(cx, this, 0, len, &new)?;
        if at.cast::<retic_runtime::types::Int>().is_none() {
            return Err(cx.type_error(format!("second item of state must be an integer, not {}", at.ty().name_text())));
        }
        let at = protocol::index_i64(cx, at)?;
        if at < 0 {
            return Err(cx.value_error("position value cannot be negative"));
        }
        this.at.set(at as usize);
        super::base::set_attributes(cx, this.as_obj(), attributes, "third")
    }
    /// True if the file is closed.
    #[get("closed")]
    fn closed_get(_cx: &mut Cx, this: &Ref<BytesIo>) -> bool {
        this.closed.get()
    }
}

pub fn spec() -> Spec {
    Spec {
        doc: "Buffered I/O implementation using an in-memory bytes buffer.",
        text_signature: "(initial_bytes=b'')",
        flags: FLAGS,
        slots: Slots {
            new: Some(|cx, ty, _| {
                Ok(memory::new(cx, ty, |head| BytesIo {
                    head,
                    data: Guarded::new(Buf::empty()),
                    shared: Guarded::new(None),
                    at: Cell::new(0),
                    closed: Cell::new(false),
                    exports: Cell::new(0),
                })?
                .into_obj())
            }),
            init: Some(|cx, o, args| {
                let Some(this) = o.cast::<BytesIo>().cloned() else { return Ok(()) };
                args.only(cx, "BytesIO", &["initial_bytes"])?;
                let initial = args.positional().first().or(args.keyword(cx, "initial_bytes")).filter(|i| !i.is_none()).cloned();
                check_exports(cx, &this)?;
                this.at.set(0);
                if let Some(b) = initial.as_ref().filter(|i| std::ptr::eq(i.ty(), &*cx.types.bytes)) {
                    this.data.set(cx, Buf::empty());
                    this.shared.set(cx, Some(b.clone()));
                    return Ok(());
                }
                let b = match initial {
                    Some(i) => protocol::buffer::bytes(cx, &i)?,
                    None => Vec::new(),
                };
                let len = content(cx, &this).len();
                splice(cx, &this, 0, len, &b)
            }),
            iter: Some(|cx, o| {
                if let Some(b) = o.cast::<BytesIo>() {
                    check(cx, b)?;
                }
                Ok(o.clone())
            }),
            next: Some(|cx, o| {
                let Some(this) = o.cast::<BytesIo>().cloned() else { return Ok(None) };
                check(cx, &this)?;
                let end = line_end(cx, &this);
                if end == 0 { Ok(None) } else { take(cx, &this, Some(end)).map(Some) }
            }),
            buffer: Some(|cx, o| {
                let Some(b) = o.cast::<BytesIo>() else { return Err(cx.type_error("a bytes-like object is required")) };
                own(cx, b)?;
                b.exports.set(b.exports.get() + 1);
                Ok(protocol::buffer::Buffer::plain(o.clone(), b.data.get(cx).len(), false))
            }),
            storage: Some(|cx, o| o.cast::<BytesIo>().map_or((std::ptr::NonNull::<u8>::dangling().as_ptr().cast_const(), 0), |b| b.data.get(cx).raw_parts())),
            release_buffer: Some(|_, o| {
                if let Some(b) = o.cast::<BytesIo>() {
                    b.exports.set(b.exports.get().saturating_sub(1));
                }
            }),
            del: Some(base::finalize_class),
            ..Slots::EMPTY
        },
        methods: BytesIo::METHODS,
        getset: BytesIo::GETSET,
        ..Spec::new::<BytesIo>("_io.BytesIO")
    }
}
