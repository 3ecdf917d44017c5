//! `mmap`: files as memory.

use crate::params::{Params, bind, c_int};
use retic_runtime::host::{MapRequest, Mapping};
use retic_runtime::native::SliceIndex;
use retic_runtime::protocol::buffer::{self, Buffer};
use retic_runtime::types::code::Hidden;
use retic_runtime::types::type_::flags;
use retic_runtime::types::{Bytes, Int, Slice, Slots, Spec, Type, exception, module, slice};
use retic_runtime::{Args, Cx, Obj, PyResult, Raised, Ref, layout, memory, protocol};
use std::cell::{Cell, RefCell};

const SHARED: i64 = 1;
const PRIVATE: i64 = 2;
const ANONYMOUS: i64 = 32;
const PROT_READ: i64 = 1;
const PROT_WRITE: i64 = 2;
const PAGE_BYTES: i64 = 4096;

/// What a program may do with it.
#[derive(Clone, Copy, PartialEq)]
enum Access {
    Default,
    Read,
    Write,
    Copy,
}

layout! {
    /// A mapping, until it is closed.
    pub struct Map = 322, "mmap.mmap" {
        mapping: Hidden<RefCell<Option<Box<dyn Mapping>>>>,
        access: Cell<Access>,
        /// Its memory may be looked at: else that would end the process.
        readable: Cell<bool>,
        /// Its memory may be changed.
        writable: Cell<bool>,
        tracks_file: Cell<bool>,
        offset: Cell<u64>,
        position: Cell<usize>,
        exports: Cell<usize>,
    }
}

fn closed(cx: &Cx) -> Raised {
    cx.value_error("mmap closed or invalid")
}
fn os_error(cx: &mut Cx, e: &std::io::Error) -> Raised {
    exception::raise_os(cx, e, None, None)
}

/// Runs something on the mapping.
fn with<T>(cx: &Cx, this: &Map, act: impl FnOnce(&dyn Mapping) -> T) -> PyResult<T> {
    match &*this.mapping.0.borrow() {
        Some(m) => Ok(act(&**m)),
        None => Err(closed(cx)),
    }
}
fn len(cx: &Cx, this: &Map) -> PyResult<usize> {
    with(cx, this, |m| m.len())
}
/// Its bytes.
fn data<'a>(cx: &'a Cx, this: &'a Ref<Map>) -> &'a [u8] {
    buffer::storage(cx, this.as_obj())
}
/// Its bytes, to change.
fn writable<'a>(cx: &'a mut Cx, this: &'a Ref<Map>) -> PyResult<&'a mut [u8]> {
    len(cx, this)?;
    if !this.writable.get() {
        return Err(cx.type_error("mmap can't modify a readonly memory map."));
    }
    Ok(buffer::storage_mut(cx, this.as_obj()))
}

const PARAMS: Params = Params { function: "", names: &["fileno", "length", "flags", "prot", "access", "offset", "trackfd"], required: 2, positional: 6 };

fn make(cx: &mut Cx, ty: &Ref<Type>, args: Args<'_>) -> PyResult {
    let (mut n, mut tracks) = ([-1, 0, SHARED, PROT_READ | PROT_WRITE, 0, 0], true);
    let mut chosen = false;
    bind(cx, &PARAMS, &args, |cx, i, value| {
        match i {
            6 => tracks = protocol::truth(cx, value)?,
            1 | 5 => n[i] = protocol::index_i64(cx, value)?,
            _ => n[i] = c_int(cx, value)?,
        }
        chosen |= i == 2 || i == 3;
        Ok(())
    })?;
    let [fd, length, flags, prot, access, offset] = n;
    cx.audit("mmap.__new__", &[fd.into(), length.into(), access.into(), offset.into()])?;
    if length < 0 {
        return Err(cx.overflow_error("memory mapped length must be positive"));
    }
    if offset < 0 {
        return Err(cx.overflow_error("memory mapped offset must be positive"));
    }
    let plain = flags == SHARED && prot == PROT_READ | PROT_WRITE;
    if access != 0 && chosen && !plain && (0..=3).contains(&access) {
        return Err(cx.value_error("mmap can't specify both access and flags, prot."));
    }
    let (access, flags, prot) = match access {
        0 if prot & PROT_READ != 0 && prot & PROT_WRITE != 0 => (Access::Default, flags, prot),
        0 if prot & PROT_WRITE != 0 => (Access::Write, flags, prot),
        0 => (Access::Read, flags, prot),
        1 => (Access::Read, SHARED, PROT_READ),
        2 => (Access::Write, SHARED, PROT_READ | PROT_WRITE),
        3 => (Access::Copy, PRIVATE, PROT_READ | PROT_WRITE),
        _ => return Err(cx.value_error("mmap invalid access parameter.")),
    };
    let mut length = length;
    if fd != -1 {
        let stat = cx.host.fstat(fd as i32).map_err(|e| os_error(cx, &e))?;
        if stat.mode & 0o170_000 == 0o100_000 {
            if length == 0 {
                if stat.size == 0 {
                    return Err(cx.value_error("cannot mmap an empty file"));
                }
                if offset >= stat.size {
                    return Err(cx.value_error("mmap offset is greater than file size"));
                }
                length = stat.size - offset;
            } else if offset > stat.size || stat.size - offset < length {
                return Err(cx.value_error("mmap length is greater than file size"));
            }
        }
    }
    let flags = if fd == -1 { flags | ANONYMOUS } else { flags };
    let request = MapRequest { fd: fd as i32, len: length as usize, prot: prot as i32, flags: flags as i32, offset: offset as u64 };
    let mapping = cx.host.map(&request).map_err(|e| os_error(cx, &e))?;
    Ok(memory::new(cx, ty, |head| Map {
        head,
        mapping: Hidden(RefCell::new(Some(mapping))),
        access: Cell::new(access),
        readable: Cell::new(prot & (PROT_READ | PROT_WRITE) != 0),
        writable: Cell::new(prot & PROT_WRITE != 0 && access != Access::Read),
        tracks_file: Cell::new(tracks),
        offset: Cell::new(offset as u64),
        position: Cell::new(0),
        exports: Cell::new(0),
    })?
    .into_obj())
}

fn of(o: &Obj) -> Ref<Map> {
    o.cast::<Map>().cloned().expect("slots of mmap are reached through maps")
}

/// A place in it.
fn index(cx: &mut Cx, this: &Ref<Map>, k: &Obj) -> PyResult<usize> {
    let i = protocol::index_i64(cx, k)?;
    protocol::wrap_index(i, len(cx, this)?).ok_or_else(|| cx.index_error("mmap index out of range"))
}

fn getitem(cx: &mut Cx, o: &Obj, k: &Obj) -> PyResult {
    let this = of(o);
    len(cx, &this)?;
    if let Some(s) = k.cast::<Slice>() {
        let p = slice::resolve_late(cx, s, |cx| len(cx, &this).unwrap_or(0))?;
        len(cx, &this)?;
        let mut part = Vec::new();
        protocol::grow(cx, &mut part, p.len)?;
        let d = data(cx, &this);
        if p.step == 1 {
            let start = p.start as usize;
            part.extend_from_slice(d.get(start..start + p.len).unwrap_or_default());
        } else {
            part.extend(p.indices().filter_map(|i| d.get(i)));
        }
        return Bytes::from_slice(cx, &part);
    }
    if k.ty().slots(cx).index.is_none() {
        return Err(cx.type_error("mmap indices must be integers"));
    }
    let i = index(cx, &this, k)?;
    match data(cx, &this).get(i) {
        Some(b) => cx.int(i64::from(*b)),
        None => Err(cx.type_error("mmap can't read a memory map without PROT_READ")),
    }
}

fn setitem(cx: &mut Cx, o: &Obj, k: &Obj, v: Option<&Obj>) -> PyResult<()> {
    let this = of(o);
    writable(cx, &this)?;
    if let Some(s) = k.cast::<Slice>() {
        let Some(v) = v else { return Err(cx.type_error("mmap object doesn't support slice deletion")) };
        let p = slice::resolve_late(cx, s, |cx| len(cx, &this).unwrap_or(0))?;
        let new = buffer::bytes(cx, v)?;
        len(cx, &this)?;
        if new.len() != p.len {
            return Err(cx.index_error("mmap slice assignment is wrong size"));
        }
        let d = writable(cx, &this)?;
        for (i, b) in p.indices().zip(new) {
            if let Some(place) = d.get_mut(i) {
                *place = b;
            }
        }
        return Ok(());
    }
    if k.ty().slots(cx).index.is_none() {
        return Err(cx.type_error("mmap indices must be integer"));
    }
    let i = index(cx, &this, k)?;
    let Some(v) = v else { return Err(cx.type_error("mmap doesn't support item deletion")) };
    if v.ty().slots(cx).index.is_none() || v.cast::<Int>().is_none() && protocol::index(cx, v).is_err() {
        return Err(cx.type_error("mmap item value must be an int"));
    }
    let n = protocol::index_i64(cx, v)?;
    let Ok(b) = u8::try_from(n) else { return Err(cx.value_error("mmap item value must be in range(0, 256)")) };
    if let Some(place) = writable(cx, &this)?.get_mut(i) {
        *place = b;
    }
    Ok(())
}

/// Takes bytes from the position on.
fn take(cx: &mut Cx, this: &Ref<Map>, n: usize) -> PyResult {
    let from = this.position.get().min(len(cx, this)?);
    let n = n.min(len(cx, this)? - from);
    let mut part = Vec::new();
    protocol::grow(cx, &mut part, n)?;
    part.extend_from_slice(data(cx, this).get(from..from + n).unwrap_or_default());
    this.position.set(from + part.len());
    Bytes::from_slice(cx, &part)
}

/// Looks for bytes between two ends.
fn search(cx: &mut Cx, this: &Ref<Map>, view: &Obj, ends: (Option<SliceIndex>, Option<SliceIndex>), backwards: bool) -> PyResult<i64> {
    let sub = buffer::bytes(cx, view)?;
    let n = len(cx, this)?;
    let start = ends.0.map_or(this.position.get() as i64, |i| i.0);
    let stop = ends.1.map_or(n as i64, |i| i.0);
    let (start, stop) = protocol::clamp_range(start, stop, n);
    let d = data(cx, this);
    let part = d.get(start..stop.max(start)).unwrap_or_default();
    let found = if backwards { memchr::memmem::rfind(part, &sub) } else { memchr::memmem::find(part, &sub) };
    Ok(found.map_or(-1, |i| (start + i) as i64))
}

/// A mapping whose length may be changed.
fn resizable(cx: &Cx, this: &Ref<Map>) -> PyResult<()> {
    if this.exports.get() > 0 {
        return Err(cx.error_of(&cx.types.buffer_error, "mmap can't resize with extant buffers exported."));
    }
    if !this.tracks_file.get() {
        return Err(cx.value_error("mmap can't resize with trackfd=False."));
    }
    match this.access.get() {
        Access::Default | Access::Write => Ok(()),
        _ => Err(cx.type_error("mmap can't resize a readonly or copy-on-write memory map.")),
    }
}

#[retic_macros::methods]
impl Map {
    /// Give the memory back. What shows it is refused from then on.
    #[py("close($self, /)")]
    fn close(cx: &mut Cx, this: &Ref<Map>) -> PyResult<()> {
        if this.exports.get() > 0 {
            return Err(cx.error_of(&cx.types.buffer_error, "cannot close exported pointers exist"));
        }
        this.mapping.0.take();
        Ok(())
    }
    /// The first place of some bytes, or -1. The search begins at the position unless start is given.
    #[py("find($self, view, start=<unrepresentable>, end=<unrepresentable>, /)", "($self, view, start=None, end=None, /)")]
    fn find(cx: &mut Cx, this: &Ref<Map>, view: &Obj, start: Option<SliceIndex>, end: Option<SliceIndex>) -> PyResult<i64> {
        search(cx, this, view, (start, end), false)
    }
    /// The last place of some bytes, or -1. The search ends at the position unless start is given.
    #[py("rfind($self, view, start=<unrepresentable>, end=<unrepresentable>, /)", "($self, view, start=None, end=None, /)")]
    fn rfind(cx: &mut Cx, this: &Ref<Map>, view: &Obj, start: Option<SliceIndex>, end: Option<SliceIndex>) -> PyResult<i64> {
        search(cx, this, view, (start, end), true)
    }
    /// Write what was changed to the file: all of it, or size bytes from offset on (a multiple of the page's size).
    #[py("flush($self, offset=0, size=<unrepresentable>, /)", "($self, offset=0, size=None, /)")]
    fn flush(cx: &mut Cx, this: &Ref<Map>, offset: i64, size: Option<i64>) -> PyResult<()> {
        let n = len(cx, this)?;
        let size = size.unwrap_or(n as i64);
        if offset < 0 || size < 0 || n as i64 - offset < size {
            return Err(cx.value_error("flush values out of range"));
        }
        if !this.writable.get() || this.access.get() == Access::Copy {
            return Ok(());
        }
        let r = with(cx, this, |m| m.flush(offset as usize, size as usize))?;
        r.map_err(|e| os_error(cx, &e))
    }
    /// Tell the kernel how the memory will be used: one of the MADV_* constants.
    #[py("madvise($self, option, start=0, length=<unrepresentable>, /)", "($self, option, start=0, length=None, /)")]
    fn madvise(cx: &mut Cx, this: &Ref<Map>, option: i64, start: i64, length: Option<i64>) -> PyResult<()> {
        let n = len(cx, this)? as i64;
        let length = length.unwrap_or(n);
        if start < 0 || start >= n {
            return Err(cx.value_error("madvise start out of bounds"));
        }
        if length < 0 {
            return Err(cx.value_error("madvise length invalid"));
        }
        if i64::MAX - start < length {
            return Err(cx.overflow_error("madvise length too large"));
        }
        let length = length.min(n - start);
        let r = with(cx, this, |m| m.advise(option as i32, start as usize, length as usize))?;
        r.map_err(|e| os_error(cx, &e))
    }
    /// Copy count bytes from src to dest; they may overlap.
    #[py("move($self, dest, src, count, /)")]
    fn move_bytes(cx: &mut Cx, this: &Ref<Map>, dest: i64, src: i64, count: i64) -> PyResult<()> {
        let d = writable(cx, this)?;
        let n = d.len() as i64;
        if dest < 0 || src < 0 || count < 0 || n - dest < count || n - src < count {
            return Err(cx.value_error("source, destination, or count out of range"));
        }
        d.copy_within(src as usize..(src + count) as usize, dest as usize);
        Ok(())
    }
    /// Take n bytes from the position on; all that are left without n.
    #[py("read($self, n=None, /)")]
    fn read(cx: &mut Cx, this: &Ref<Map>, n: Option<&Obj>) -> PyResult {
        len(cx, this)?;
        let n = match n.filter(|n| !n.is_none()) {
            Some(n) => protocol::index_i64(cx, n)?,
            None => -1,
        };
        take(cx, this, usize::try_from(n).unwrap_or(usize::MAX))
    }
    /// Take a byte, as an int.
    #[py("read_byte($self, /)")]
    fn read_byte(cx: &mut Cx, this: &Ref<Map>) -> PyResult<i64> {
        let at = this.position.get();
        len(cx, this)?;
        match data(cx, this).get(at) {
            Some(b) => {
                this.position.set(at + 1);
                Ok(i64::from(*b))
            }
            None => Err(cx.value_error("read byte out of range")),
        }
    }
    /// Take bytes up to the end of the line, which is taken, too.
    #[py("readline($self, /)")]
    fn readline(cx: &mut Cx, this: &Ref<Map>) -> PyResult {
        let from = this.position.get().min(len(cx, this)?);
        let rest = data(cx, this).get(from..).unwrap_or_default();
        let n = memchr::memchr(b'\n', rest).map_or(rest.len(), |i| i + 1);
        take(cx, this, n)
    }
    /// Change the length of the memory and of the file.
    #[py("resize($self, newsize, /)")]
    fn resize(cx: &mut Cx, this: &Ref<Map>, newsize: i64) -> PyResult<()> {
        len(cx, this)?;
        resizable(cx, this)?;
        if newsize < 0 || newsize.checked_add(this.offset.get() as i64).is_none() {
            return Err(cx.value_error("new size out of range"));
        }
        let r = with(cx, this, |m| m.resize(newsize as usize))?;
        r.map_err(|e| match e.kind() {
            std::io::ErrorKind::Unsupported => cx.value_error("mmap: can't expand a shared anonymous mapping on Linux"),
            _ => os_error(cx, &e),
        })
    }
    /// Set the position: from the beginning (whence 0), from where it is (1) or from the end (2).
    #[py("seek($self, pos, whence=0, /)")]
    fn seek(cx: &mut Cx, this: &Ref<Map>, pos: i64, whence: i64) -> PyResult<i64> {
        let n = len(cx, this)? as i64;
        let from = match whence {
            0 => 0,
            1 => this.position.get() as i64,
            2 => n,
            _ => return Err(cx.value_error("unknown seek type")),
        };
        match from.checked_add(pos).filter(|p| (0..=n).contains(p)) {
            Some(p) => {
                this.position.set(p as usize);
                Ok(p)
            }
            None => Err(cx.value_error("seek out of range")),
        }
    }
    /// True: it has a position.
    #[py("seekable($self, /)")]
    fn seekable(_: &mut Cx, _this: &Ref<Map>) -> bool {
        true
    }
    /// The length of the file, which may be more than is mapped.
    #[py("size($self, /)")]
    fn size(cx: &mut Cx, this: &Ref<Map>) -> PyResult<i64> {
        const EBADF: i32 = 9;
        match with(cx, this, |m| m.file_size())?.filter(|_| this.tracks_file.get()) {
            Some(Ok(size)) => Ok(size as i64),
            Some(Err(e)) => Err(os_error(cx, &e)),
            None => Err(os_error(cx, &std::io::Error::from_raw_os_error(EBADF))),
        }
    }
    /// The position.
    #[py("tell($self, /)")]
    fn tell(cx: &mut Cx, this: &Ref<Map>) -> PyResult<usize> {
        len(cx, this)?;
        Ok(this.position.get())
    }
    /// Put bytes at the position; how many there were.
    #[py("write($self, bytes, /)")]
    fn write(cx: &mut Cx, this: &Ref<Map>, bytes: &Obj) -> PyResult<usize> {
        len(cx, this)?;
        let new = buffer::bytes(cx, bytes)?;
        let at = this.position.get();
        let d = writable(cx, this)?;
        let Some(place) = d.get_mut(at..).and_then(|d| d.get_mut(..new.len())) else { return Err(cx.value_error("data out of range")) };
        place.copy_from_slice(&new);
        this.position.set(at + new.len());
        Ok(new.len())
    }
    /// Put a byte at the position.
    #[py("write_byte($self, byte, /)")]
    fn write_byte(cx: &mut Cx, this: &Ref<Map>, byte: i64) -> PyResult<()> {
        len(cx, this)?;
        let Ok(b) = u8::try_from(byte) else {
            let which = if byte < 0 { "less than minimum" } else { "greater than maximum" };
            return Err(cx.overflow_error(format!("unsigned byte integer is {which}")));
        };
        let at = this.position.get();
        match writable(cx, this)?.get_mut(at) {
            Some(place) => *place = b,
            None => return Err(cx.value_error("write byte out of range")),
        }
        this.position.set(at + 1);
        Ok(())
    }
    #[py("__enter__($self, /)")]
    fn enter(cx: &mut Cx, this: &Ref<Map>) -> PyResult<Ref<Map>> {
        len(cx, this)?;
        Ok(this.clone())
    }
    #[py("__exit__($self, exc_type, exc_value, traceback, /)")]
    fn exit(cx: &mut Cx, this: &Ref<Map>, _exc_type: &Obj, _exc_value: &Obj, _traceback: &Obj) -> PyResult<()> {
        Map::close(cx, this)
    }
    #[get("closed")]
    fn is_closed(_: &mut Cx, this: &Ref<Map>) -> bool {
        this.mapping.0.borrow().is_none()
    }
}

const CONSTANTS: &[(&str, i64)] = &[
    ("PROT_EXEC", 4),
    ("PROT_READ", PROT_READ),
    ("PROT_WRITE", PROT_WRITE),
    ("MAP_SHARED", SHARED),
    ("MAP_PRIVATE", PRIVATE),
    ("MAP_32BIT", 64),
    ("MAP_ANON", ANONYMOUS),
    ("MAP_ANONYMOUS", ANONYMOUS),
    ("MAP_DENYWRITE", 2048),
    ("MAP_EXECUTABLE", 4096),
    ("MAP_NORESERVE", 16384),
    ("MAP_POPULATE", 32768),
    ("MAP_STACK", 131_072),
    ("PAGESIZE", PAGE_BYTES),
    ("ALLOCATIONGRANULARITY", PAGE_BYTES),
    ("ACCESS_DEFAULT", 0),
    ("ACCESS_READ", 1),
    ("ACCESS_WRITE", 2),
    ("ACCESS_COPY", 3),
    ("MADV_NORMAL", 0),
    ("MADV_RANDOM", 1),
    ("MADV_SEQUENTIAL", 2),
    ("MADV_WILLNEED", 3),
    ("MADV_DONTNEED", 4),
    ("MADV_FREE", 8),
    ("MADV_REMOVE", 9),
    ("MADV_DONTFORK", 10),
    ("MADV_DOFORK", 11),
    ("MADV_MERGEABLE", 12),
    ("MADV_UNMERGEABLE", 13),
    ("MADV_HUGEPAGE", 14),
    ("MADV_NOHUGEPAGE", 15),
    ("MADV_DONTDUMP", 16),
    ("MADV_DODUMP", 17),
    ("MADV_HWPOISON", 100),
];

fn repr(cx: &mut Cx, o: &Obj) -> PyResult {
    let this = of(o);
    let name = o.ty().name_text();
    let Ok(n) = len(cx, &this) else {
        cx.clear_error();
        return cx.str(&format!("<{name} closed=True>"));
    };
    let access = match this.access.get() {
        Access::Default => "DEFAULT",
        Access::Read => "READ",
        Access::Write => "WRITE",
        Access::Copy => "COPY",
    };
    cx.str(&format!("<{name} closed=False, access=ACCESS_{access}, length={n}, pos={}, offset={}>", this.position.get(), this.offset.get()))
}

pub fn make_module(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "mmap", "Files as memory.", &[])?;
    let spec = Spec {
        doc: "mmap(fileno, length[, flags[, prot[, access[, offset]]]], *, trackfd=True)\n\n\
              Maps length bytes of an open file, or all of it where length is 0, from offset on;\n\
              fileno -1 is memory of nobody's file. It is a bytearray and a file at once.",
        flags: flags::BASE | flags::MANAGED | flags::WEAK | flags::GC,
        slots: Slots {
            new: Some(make),
            repr: Some(repr),
            len: Some(|cx, o| len(cx, &of(o))),
            getitem: Some(getitem),
            // As a sequence it has bytes of length one for items.
            contains: Some(|cx, o, item| {
                let this = of(o);
                len(cx, &this)?;
                let one = item.cast::<Bytes>().and_then(|b| match b.bytes() {
                    [one] => Some(*one),
                    _ => None,
                });
                Ok(one.is_some_and(|b| memchr::memchr(b, data(cx, &this)).is_some()))
            }),
            setitem: Some(setitem),
            buffer: Some(|cx, o| {
                let this = of(o);
                let n = len(cx, &this)?;
                if !this.readable.get() {
                    return Err(cx.error_of(&cx.types.buffer_error, "mmap can't read a memory map without PROT_READ"));
                }
                this.exports.set(this.exports.get() + 1);
                Ok(Buffer::plain(o.clone(), n, !this.writable.get()))
            }),
            storage: Some(|_, o| {
                let nothing = (std::ptr::NonNull::<u8>::dangling().as_ptr().cast_const(), 0);
                o.cast::<Map>().filter(|m| m.readable.get()).and_then(|m| m.mapping.0.borrow().as_ref().map(|m| m.parts())).unwrap_or(nothing)
            }),
            release_buffer: Some(|_, o| {
                if let Some(m) = o.cast::<Map>() {
                    m.exports.set(m.exports.get().saturating_sub(1));
                }
            }),
            ..Slots::EMPTY
        },
        methods: Map::METHODS,
        getset: Map::GETSET,
        ..Spec::new::<Map>("mmap.mmap")
    };
    m.add_type(cx, &spec)?;
    let error = cx.types.os_error.as_obj().clone();
    m.set(cx, "error", error)?;
    for (name, value) in CONSTANTS {
        m.set_int(cx, name, *value)?;
    }
    Ok(m.into_obj())
}
