//! The abstract classes: what every stream can do in terms of a few methods.

use super::unsupported;
use retic_runtime::native::MethodDef;
use retic_runtime::types::type_::flags;
use retic_runtime::types::{ByteArray, Bytes, Slots, Spec, Str, int};
use retic_runtime::{Cx, Obj, PyResult, layout, memory, protocol};

layout! {
    /// An instance of one of the abstract classes; attributes are in its dictionary.
    pub struct Stream = 210, "_io._IOBase" {}
}

/// Flags of all stream classes.
pub const FLAGS: u32 = flags::GC | flags::MANAGED | flags::DICT | flags::WEAK | flags::BASE;

/// Whether a stream says it is closed.
pub fn is_closed(cx: &mut Cx, this: &Obj) -> PyResult<bool> {
    if let Some(known) = super::buffered::plainly_closed(cx, this) {
        return Ok(known);
    }
    let name = cx.name("closed");
    let c = protocol::getattr(cx, this, &name)?;
    protocol::truth(cx, &c)
}
pub fn check_closed(cx: &mut Cx, this: &Obj) -> PyResult<()> {
    if is_closed(cx, this)? { Err(cx.value_error("I/O operation on closed file.")) } else { Ok(()) }
}
/// Calls `readable`, `writable` or `seekable`.
pub fn can(cx: &mut Cx, this: &Obj, what: &'static str) -> PyResult<bool> {
    let r = protocol::call_method(cx, this, what, &[])?;
    protocol::truth(cx, &r)
}
fn check(cx: &mut Cx, this: &Obj, what: &'static str, complaint: &str) -> PyResult<Obj> {
    if can(cx, this, what)? { Ok(cx.bool(true)) } else { Err(unsupported(cx, complaint)) }
}

/// `close()` when a stream dies without having been closed.
pub fn finalize(cx: &mut Cx, this: &Obj) {
    let closed = is_closed(cx, this);
    match closed {
        Ok(true) => {}
        Ok(false) => {
            let mark = cx.name("_finalizing");
            let yes = cx.bool(true);
            if protocol::setattr(cx, this, &mark, Some(&yes)).is_err() {
                cx.clear_error();
            }
            if protocol::call_method(cx, this, "close", &[]).is_err() {
                cx.unraisable(this);
            }
        }
        Err(_) => cx.clear_error(),
    }
}

/// The same for streams in memory: only those of classes of the user's have something to close.
pub fn finalize_class(cx: &mut Cx, this: &Obj) {
    if this.ty().is_heap() {
        finalize(cx, this);
    }
}

/// What closing a stream in two steps came to: the first error is the context of the second.
pub fn both(cx: &mut Cx, first: PyResult<()>, second: impl FnOnce(&mut Cx) -> PyResult<()>) -> PyResult<()> {
    let Err(_) = first else { return second(cx) };
    let Some(earlier) = cx.take_error() else { return second(cx) };
    if second(cx).is_ok() {
        return Err(cx.raise(earlier));
    }
    let Some(later) = cx.take_error() else { return Err(cx.raise(earlier)) };
    if !later.is(&earlier) {
        let key = cx.name("__context__");
        protocol::setattr(cx, &later, &key, Some(&earlier))?;
    }
    Err(cx.raise(later))
}

/// The repr of something that is shown as a part of a stream.
pub fn shown_within(cx: &mut Cx, whole: &Obj, part: &Obj) -> PyResult<String> {
    let Some(guard) = protocol::enter_repr(cx, whole) else {
        let name = retic_runtime::types::type_::full_name(cx, &whole.type_ref());
        return Err(cx.error_of(&cx.types.runtime_error, format!("reentrant call inside {name}.__repr__")));
    };
    let shown = protocol::repr_text(cx, part);
    protocol::leave_repr(cx, guard);
    shown
}

/// Tells the stream below that `source` dies without having been closed: whoever holds the file warns.
pub fn warn_below(cx: &mut Cx, below: Option<Obj>, source: &Obj) {
    let Some(below) = below else { return };
    let name = cx.name("_dealloc_warn");
    let told = match protocol::lookup_attr(cx, &below, &name) {
        Ok(Some(f)) => protocol::call(cx, &f, std::slice::from_ref(source)).map(drop),
        Ok(None) => Ok(()),
        Err(e) => Err(e),
    };
    if told.is_err() {
        cx.clear_error();
    }
}

struct IoBase;
#[retic_macros::methods]
impl IoBase {
    /// Change the stream position to the given byte offset.
    #[py("seek($self, offset, whence=0, /)", "($self, offset, whence=os.SEEK_SET, /)")]
    fn seek(cx: &mut Cx, this: &Obj, offset: &Obj, whence: i64) -> PyResult {
        let _ = (this, offset, whence);
        Err(unsupported(cx, "seek"))
    }
    /// Return current stream position.
    #[py("tell($self, /)")]
    fn tell(cx: &mut Cx, this: &Obj) -> PyResult {
        let (zero, one) = (cx.int(0)?, cx.int(1)?);
        protocol::call_method(cx, this, "seek", &[zero, one])
    }
    /// Truncate file to size bytes.
    #[py("truncate($self, size=None, /)")]
    fn truncate(cx: &mut Cx, this: &Obj, size: Option<&Obj>) -> PyResult {
        let _ = (this, size);
        Err(unsupported(cx, "truncate"))
    }
    /// Flush write buffers, if applicable.
    #[py("flush($self, /)")]
    fn flush(cx: &mut Cx, this: &Obj) -> PyResult<()> {
        check_closed(cx, this)
    }
    /// Flush and close the IO object.
    #[py("close($self, /)")]
    fn close(cx: &mut Cx, this: &Obj) -> PyResult<()> {
        let mark = cx.name("__IOBase_closed");
        if protocol::lookup_attr(cx, this, &mark)?.is_some() {
            return Ok(());
        }
        let flushed = protocol::call_method(cx, this, "flush", &[]);
        let yes = cx.bool(true);
        let saved = if flushed.is_err() { cx.take_error() } else { None };
        protocol::setattr(cx, this, &mark, Some(&yes))?;
        match saved {
            Some(e) => Err(cx.raise(e)),
            None => Ok(()),
        }
    }
    /// Return whether object supports random access.
    #[py("seekable($self, /)")]
    fn seekable(_cx: &mut Cx, this: &Obj) -> bool {
        let _ = this;
        false
    }
    /// Return whether object was opened for reading.
    #[py("readable($self, /)")]
    fn readable(_cx: &mut Cx, this: &Obj) -> bool {
        let _ = this;
        false
    }
    /// Return whether object was opened for writing.
    #[py("writable($self, /)")]
    fn writable(_cx: &mut Cx, this: &Obj) -> bool {
        let _ = this;
        false
    }
    #[py("_checkClosed($self, /)")]
    fn check_closed_method(cx: &mut Cx, this: &Obj) -> PyResult<()> {
        check_closed(cx, this)
    }
    #[py("_checkSeekable($self, /)")]
    fn check_seekable(cx: &mut Cx, this: &Obj) -> PyResult {
        check(cx, this, "seekable", "File or stream is not seekable.")
    }
    #[py("_checkReadable($self, /)")]
    fn check_readable(cx: &mut Cx, this: &Obj) -> PyResult {
        check(cx, this, "readable", "File or stream is not readable.")
    }
    #[py("_checkWritable($self, /)")]
    fn check_writable(cx: &mut Cx, this: &Obj) -> PyResult {
        check(cx, this, "writable", "File or stream is not writable.")
    }
    /// Return underlying file descriptor if one exists.
    #[py("fileno($self, /)")]
    fn fileno(cx: &mut Cx, this: &Obj) -> PyResult {
        let _ = this;
        Err(unsupported(cx, "fileno"))
    }
    /// Return whether this is an 'interactive' stream.
    #[py("isatty($self, /)")]
    fn isatty(cx: &mut Cx, this: &Obj) -> PyResult<bool> {
        check_closed(cx, this)?;
        Ok(false)
    }
    #[py("__enter__($self, /)")]
    fn enter(cx: &mut Cx, this: &Obj) -> PyResult {
        check_closed(cx, this)?;
        Ok(this.clone())
    }
    #[py("__exit__($self, /, *exc_info)")]
    fn exit(cx: &mut Cx, this: &Obj, exc_info: &[Obj]) -> PyResult<()> {
        let _ = exc_info;
        protocol::call_method(cx, this, "close", &[]).map(drop)
    }
    /// Read and return a line from the stream.
    #[py("readline($self, size=-1, /)")]
    fn readline(cx: &mut Cx, this: &Obj, size: Option<&Obj>) -> PyResult {
        let limit = match size {
            Some(s) if !s.is_none() => protocol::index_i64(cx, s)?,
            _ => -1,
        };
        let name = cx.name("peek");
        let peek = protocol::lookup_attr(cx, this, &name)?;
        let mut out: Vec<u8> = Vec::new();
        while limit < 0 || (out.len() as i64) < limit {
            let mut want = 1;
            if let Some(p) = &peek {
                let one = cx.int(1)?;
                let ahead = protocol::call(cx, p, &[one])?;
                let Some(b) = ahead.cast::<Bytes>() else {
                    return Err(cx.error_of(&cx.types.os_error, format!("peek() should have returned a bytes object, not '{}'", ahead.ty().name_text())));
                };
                if !b.bytes().is_empty() {
                    want = b.bytes().iter().position(|c| *c == b'\n').map_or(b.bytes().len(), |i| i + 1);
                }
            }
            if limit >= 0 {
                want = want.min((limit - out.len() as i64) as usize);
            }
            let n = cx.int(want as i64)?;
            let r = protocol::call_method(cx, this, "read", &[n])?;
            if r.is_none() {
                break;
            }
            let Some(b) = r.cast::<Bytes>() else {
                return Err(cx.error_of(&cx.types.os_error, format!("read() should have returned a bytes object, not '{}'", r.ty().name_text())));
            };
            if b.bytes().is_empty() {
                break;
            }
            out.extend_from_slice(b.bytes());
            if out.last() == Some(&b'\n') {
                break;
            }
            cx.poll_native()?;
        }
        Bytes::from_slice(cx, &out)
    }
    /// Return a list of lines from the stream.
    #[py("readlines($self, hint=-1, /)")]
    fn readlines(cx: &mut Cx, this: &Obj, hint: Option<&Obj>) -> PyResult {
        let hint = match hint {
            Some(h) if !h.is_none() => protocol::index_i64(cx, h)?,
            _ => -1,
        };
        let it = protocol::iter(cx, this)?;
        let (mut out, mut n) = (Vec::new(), 0);
        while let Some(l) = protocol::next(cx, &it)? {
            n += protocol::len(cx, &l)? as i64;
            out.push(l);
            if hint > 0 && n >= hint {
                break;
            }
            cx.poll_native()?;
        }
        cx.list(out)
    }
    /// Write a list of lines to stream.
    #[py("writelines($self, lines, /)")]
    fn writelines(cx: &mut Cx, this: &Obj, lines: &Obj) -> PyResult<()> {
        check_closed(cx, this)?;
        let it = protocol::iter(cx, lines)?;
        while let Some(l) = protocol::next(cx, &it)? {
            let r = protocol::call_method(cx, this, "write", &[l])?;
            cx.release(r);
        }
        Ok(())
    }
    #[get("closed")]
    fn closed(cx: &mut Cx, this: &Obj) -> PyResult<bool> {
        let mark = cx.name("__IOBase_closed");
        Ok(protocol::lookup_attr(cx, this, &mark)?.is_some())
    }
}

/// The next line of any stream.
pub fn next_line(cx: &mut Cx, this: &Obj) -> PyResult<Option<Obj>> {
    let l = protocol::call_method(cx, this, "readline", &[])?;
    if protocol::len(cx, &l)? == 0 { Ok(None) } else { Ok(Some(l)) }
}

fn abstract_spec(name: &'static str, doc: &'static str, methods: &'static [MethodDef]) -> Spec {
    Spec {
        doc,
        flags: FLAGS,
        slots: Slots { new: Some(|cx, ty, _| Ok(memory::new(cx, ty, |head| Stream { head })?.into_obj())), init: Some(|_, _, _| Ok(())), ..Slots::EMPTY },
        methods,
        ..Spec::new::<Stream>(name)
    }
}

pub fn io_base_spec() -> Spec {
    let s = abstract_spec("_io._IOBase", "The abstract base class for all I/O classes.", IoBase::METHODS);
    Spec {
        slots: Slots {
            iter: Some(|cx, o| {
                check_closed(cx, o)?;
                Ok(o.clone())
            }),
            next: Some(next_line),
            del: Some(finalize),
            ..s.slots
        },
        getset: IoBase::GETSET,
        ..s
    }
}

struct RawBase;
#[retic_macros::methods]
impl RawBase {
    #[py("read($self, size=-1, /)")]
    fn read(cx: &mut Cx, this: &Obj, size: Option<&Obj>) -> PyResult {
        let n = match size {
            Some(s) if !s.is_none() => protocol::index_i64(cx, s)?,
            _ => -1,
        };
        if n < 0 {
            return protocol::call_method(cx, this, "readall", &[]);
        }
        protocol::check_size(cx, 1, n as usize, 1)?;
        let b = ByteArray::of_type(cx, &cx.types.bytearray, &vec![0; n as usize])?;
        let r = protocol::call_method(cx, this, "readinto", &[b.as_obj().clone()])?;
        if r.is_none() {
            return Ok(r);
        }
        let got = protocol::index_i64(cx, &r)?;
        if got < 0 || got > n {
            return Err(cx.value_error(format!("readinto returned {got} outside buffer size {n}")));
        }
        let out = b.bytes(cx)[..got as usize].to_vec();
        Bytes::from_slice(cx, &out)
    }
    /// Read until EOF, using multiple read() call.
    #[py("readall($self, /)")]
    fn readall(cx: &mut Cx, this: &Obj) -> PyResult {
        let mut out = Vec::new();
        loop {
            let n = cx.int(super::BUFFER_BYTES as i64)?;
            let r = protocol::call_method(cx, this, "read", &[n])?;
            if r.is_none() {
                if out.is_empty() {
                    return Ok(r);
                }
                break;
            }
            let b = match r.cast::<Bytes>() {
                Some(b) => b.bytes().to_vec(),
                None => return Err(cx.type_error("read() should return bytes")),
            };
            if b.is_empty() {
                break;
            }
            protocol::grow(cx, &mut out, b.len())?;
            out.extend(b);
            cx.poll_native()?;
        }
        Bytes::from_slice(cx, &out)
    }
}
pub fn raw_spec() -> Spec {
    abstract_spec("_io._RawIOBase", "Base class for raw binary I/O.", RawBase::METHODS)
}

fn read_into(cx: &mut Cx, this: &Obj, buffer: &Obj, method: &'static str) -> PyResult<i64> {
    let b = protocol::buffer::get(cx, buffer)?;
    let (n, exporter) = (b.nbytes(), b.exporter.clone());
    let result = (|| {
        let want = cx.int(n as i64)?;
        let r = protocol::call_method(cx, this, method, &[want])?;
        let data = match r.cast::<Bytes>() {
            Some(d) => d.bytes().to_vec(),
            None => return Err(cx.type_error("read() should return bytes")),
        };
        if data.len() > n {
            return Err(cx.value_error(format!("read() returned too much data: {n} bytes requested, {} returned", data.len())));
        }
        if b.readonly {
            return Err(cx.type_error("readinto() argument must be read-write bytes-like object, not bytes"));
        }
        protocol::buffer::fill(cx, &b, &data);
        Ok(data.len() as i64)
    })();
    protocol::buffer::release(cx, &exporter);
    result
}

struct BufferedBase;
#[retic_macros::methods]
impl BufferedBase {
    /// Disconnect this buffer from its underlying raw stream and return it.
    #[py("detach($self, /)")]
    fn detach(cx: &mut Cx, this: &Obj) -> PyResult {
        let _ = this;
        Err(unsupported(cx, "detach"))
    }
    /// Read and return up to n bytes.
    #[py("read($self, size=-1, /)")]
    fn read(cx: &mut Cx, this: &Obj, size: Option<&Obj>) -> PyResult {
        let _ = (this, size);
        Err(unsupported(cx, "read"))
    }
    /// Read and return up to size bytes, with at most one read() call to the underlying raw stream.
    #[py("read1($self, size=-1, /)")]
    fn read1(cx: &mut Cx, this: &Obj, size: Option<&Obj>) -> PyResult {
        let _ = (this, size);
        Err(unsupported(cx, "read1"))
    }
    #[py("readinto($self, buffer, /)")]
    fn readinto(cx: &mut Cx, this: &Obj, buffer: &Obj) -> PyResult<i64> {
        read_into(cx, this, buffer, "read")
    }
    #[py("readinto1($self, buffer, /)")]
    fn readinto1(cx: &mut Cx, this: &Obj, buffer: &Obj) -> PyResult<i64> {
        read_into(cx, this, buffer, "read1")
    }
    /// Write buffer b to the IO stream.
    #[py("write($self, b, /)")]
    fn write(cx: &mut Cx, this: &Obj, b: &Obj) -> PyResult {
        let _ = (this, b);
        Err(unsupported(cx, "write"))
    }
}
pub fn buffered_spec() -> Spec {
    abstract_spec("_io._BufferedIOBase", "Base class for buffered IO objects.", BufferedBase::METHODS)
}

struct TextBase;
#[retic_macros::methods]
impl TextBase {
    /// Separate the underlying buffer from the TextIOBase and return it.
    #[py("detach($self, /)")]
    fn detach(cx: &mut Cx, this: &Obj) -> PyResult {
        let _ = this;
        Err(unsupported(cx, "detach"))
    }
    /// Read at most size characters from stream.
    #[py("read($self, size=-1, /)")]
    fn read(cx: &mut Cx, this: &Obj, size: Option<&Obj>) -> PyResult {
        let _ = (this, size);
        Err(unsupported(cx, "read"))
    }
    /// Read until newline or EOF.
    #[py("readline($self, size=-1, /)")]
    fn readline(cx: &mut Cx, this: &Obj, size: Option<&Obj>) -> PyResult {
        let _ = (this, size);
        Err(unsupported(cx, "readline"))
    }
    /// Write string s to stream.
    #[py("write($self, s, /)")]
    fn write(cx: &mut Cx, this: &Obj, s: &Obj) -> PyResult {
        let _ = (this, s);
        Err(unsupported(cx, "write"))
    }
    /// Encoding of the text stream.
    #[get("encoding")]
    fn encoding(cx: &mut Cx, this: &Obj) -> Obj {
        let _ = this;
        cx.none()
    }
    /// Line endings translated so far.
    #[get("newlines")]
    fn newlines(cx: &mut Cx, this: &Obj) -> Obj {
        let _ = this;
        cx.none()
    }
    /// The error setting of the decoder or encoder.
    #[get("errors")]
    fn errors(cx: &mut Cx, this: &Obj) -> Obj {
        let _ = this;
        cx.none()
    }
}
pub fn text_spec() -> Spec {
    Spec { getset: TextBase::GETSET, ..abstract_spec("_io._TextIOBase", "Base class for text I/O.", TextBase::METHODS) }
}

/// A size argument: `None` and negative mean everything.
pub fn size_arg(cx: &mut Cx, size: Option<&Obj>) -> PyResult<Option<usize>> {
    let Some(s) = size.filter(|s| !s.is_none()) else { return Ok(None) };
    if s.ty().slots(cx).index.is_none() {
        return Err(cx.type_error(format!("argument should be integer or None, not '{}'", s.ty().name_text())));
    }
    let i = protocol::index(cx, s)?;
    Ok(int::to_i64(&i).and_then(|n| usize::try_from(n).ok()))
}
/// A text argument, or CPython's complaint.
pub fn text_arg<'a>(cx: &Cx, o: &'a Obj) -> PyResult<&'a retic_runtime::Ref<Str>> {
    o.cast::<Str>().ok_or_else(|| cx.type_error(format!("string argument expected, got '{}'", o.ty().name_text())))
}

/// The attributes in a pickled state: a dict, or None.
pub(super) fn set_attributes(cx: &mut Cx, o: &Obj, attributes: &Obj, place: &str) -> PyResult<()> {
    if attributes.is_none() {
        return Ok(());
    }
    if attributes.cast::<retic_runtime::types::Dict>().is_none() {
        return Err(cx.type_error(format!("{place} item of state should be a dict, got a {}", attributes.ty().name_text())));
    }
    let name = cx.name("__dict__");
    let own = protocol::getattr(cx, o, &name)?;
    protocol::call_method(cx, &own, "update", std::slice::from_ref(attributes)).map(drop)
}

/// The attributes for a pickled state: a copy of the dict, or None where there are none.
pub(super) fn attributes(cx: &mut Cx, o: &Obj) -> PyResult {
    let name = cx.name("__dict__");
    let Some(own) = protocol::lookup_attr(cx, o, &name)? else { return Ok(cx.none()) };
    if protocol::len(cx, &own)? == 0 { Ok(cx.none()) } else { protocol::call_method(cx, &own, "copy", &[]) }
}
