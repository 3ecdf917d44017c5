//! `bytes`.

pub(crate) mod methods;

use super::type_::{Cmp, Op, flags};
use super::{Slots, Spec, Str, Type, int};
use crate::cx::{Cx, PyResult};
use crate::memory::{self, Ops};
use crate::native::Args;
use crate::object::{Header, Layout, Obj, Ref, Trace, Visit, shape};
use crate::protocol::buffer::Held;
use crate::protocol::{self, buffer};
use methods::Row;
use std::cell::Cell;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::ptr::NonNull;

/// Bytes inline after the header.
#[repr(C)]
pub struct Bytes {
    pub head: Header,
    len: usize,
    hash: Cell<i64>,
}
// SAFETY: O3, `repr(C)` with the header first.
unsafe impl Layout for Bytes {
    const ID: u16 = 7;
    const NAME: &'static str = "bytes";
}
impl Trace for Bytes {
    fn trace(&self, _: Visit<'_>) {}
}
const HEAD_BYTES: usize = 32;

impl Bytes {
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: `len` bytes lie behind the struct.
        unsafe { std::slice::from_raw_parts((self as *const Bytes).cast::<u8>().add(HEAD_BYTES), self.len) }
    }
    pub fn from_slice(cx: &Cx, b: &[u8]) -> PyResult {
        match b {
            [] if !cx.consts.bytes1.is_empty() => return Ok(cx.consts.empty_bytes.clone()),
            [one] => {
                if let Some(o) = cx.consts.bytes1.get(*one as usize) {
                    return Ok(o.clone());
                }
            }
            _ => {}
        }
        Bytes::make(cx, &cx.types.bytes, b)
    }
    pub(crate) fn make(cx: &Cx, ty: &Type, b: &[u8]) -> PyResult {
        Bytes::filled(cx, ty, b.len(), |to| put(to, b))
    }
    /// Bytes of several rows, one behind the other.
    pub fn of_rows(cx: &Cx, rows: &[&[u8]]) -> PyResult {
        let n = protocol::sum_of_lengths(cx, rows)?;
        if n < 2 {
            return Bytes::from_slice(cx, rows.iter().find(|r| !r.is_empty()).copied().unwrap_or_default());
        }
        Bytes::filled(cx, &cx.types.bytes, n, |mut to| {
            for row in rows {
                let (here, rest) = to.split_at_mut(row.len());
                put(here, row);
                to = rest;
            }
        })
    }
    /// Bytes that `fill` writes, all `n` of them.
    fn filled(cx: &Cx, ty: &Type, n: usize, fill: impl FnOnce(&mut [MaybeUninit<u8>])) -> PyResult {
        let shape = if ty.is_heap() { ty.root_shape.get() } else { shape::BYTES };
        let raw = memory::birth(cx, ty, shape, n.checked_add(HEAD_BYTES + 1).ok_or_else(|| cx.memory_error())?)?;
        // SAFETY: the block has room for the bytes and a final zero; the callers write all they asked for.
        unsafe {
            raw.cast::<usize>().add(2).write(n);
            raw.cast::<i64>().add(3).write(-1);
            let at = raw.cast::<MaybeUninit<u8>>().add(HEAD_BYTES);
            fill(std::slice::from_raw_parts_mut(at.as_ptr(), n));
            at.add(n).write(MaybeUninit::new(0));
            if ty.has(flags::GC) {
                memory::cycles::track(cx, raw);
            }
            Ok(Obj::from_raw(raw))
        }
    }
    /// The hash, computed once.
    pub fn hash(&self, cx: &Cx) -> i64 {
        if self.hash.get() == -1 {
            self.hash.set(super::str::hash_of_bytes(cx, self.bytes()));
        }
        self.hash.get()
    }
}
/// The longest row of bytes there can be, as CPython counts it.
const LENGTH_MAX: usize = isize::MAX as usize - (HEAD_BYTES + 1);

/// OverflowError for a length no bytes object has, MemoryError for one that does not fit here.
fn check_length(cx: &Cx, n: usize) -> PyResult<()> {
    if n > LENGTH_MAX {
        return Err(cx.overflow_error("byte string is too large"));
    }
    protocol::check_size(cx, 1, n, 1)
}

impl Row for Bytes {
    fn check_length(cx: &Cx, n: usize) -> PyResult<()> {
        check_length(cx, n)
    }
    fn row<'a>(&'a self, _cx: &'a Cx) -> &'a [u8] {
        self.bytes()
    }
    fn separator(_cx: &Cx, asked: &Obj, _bytes: &[u8]) -> PyResult {
        Ok(asked.clone())
    }
}

/// Writes bytes into a place of their length.
fn put(to: &mut [MaybeUninit<u8>], b: &[u8]) {
    to.write_copy_of_slice(b);
}

unsafe fn nothing(_: NonNull<Header>) {}
unsafe fn no_trace(_: NonNull<Header>, _: &mut dyn FnMut(&Obj)) {}
unsafe fn no_clear(_: NonNull<Header>, _: &mut Vec<Obj>) {}
unsafe fn size(raw: NonNull<Header>) -> usize {
    // SAFETY: live bytes.
    HEAD_BYTES + 1 + unsafe { raw.cast::<Bytes>().as_ref() }.len
}
static OPS: Ops = Ops { drop: nothing, trace: no_trace, clear: no_clear, size };

/// The bytes of a bytes-like object, or of an iterable of ints.
pub fn bytes_of(cx: &mut Cx, o: &Obj) -> PyResult<Vec<u8>> {
    if buffer::exports(cx, o) {
        return buffer::gathered(cx, o);
    }
    if o.cast::<Str>().is_some() {
        return Err(cx.type_error("string argument without an encoding"));
    }
    let it = iterate(cx, o, || format!("cannot convert '{}' object to bytes", o.ty().name_text()))?;
    collect_bytes(cx, &it)
}

/// The iterator of an iterable; TypeError with a sentence of the caller's where it is none.
pub(super) fn iterate(cx: &mut Cx, o: &Obj, sentence: impl FnOnce() -> String) -> PyResult {
    match protocol::iter(cx, o) {
        Err(_) if cx.error_is(&cx.types.type_error) => {
            cx.clear_error();
            Err(cx.type_error(sentence()))
        }
        other => other,
    }
}

/// The ints that an iterator gives.
pub(super) fn collect_bytes(cx: &mut Cx, it: &Obj) -> PyResult<Vec<u8>> {
    let mut out = Vec::new();
    while let Some(x) = protocol::next(cx, it)? {
        if x.ty().slots(cx).index.is_none() {
            return Err(cx.type_error(format!("'{}' object cannot be interpreted as an integer", x.ty().name_text())));
        }
        let i = protocol::index(cx, &x)?;
        match int::to_i64(&i).and_then(|v| u8::try_from(v).ok()) {
            Some(b) => {
                protocol::grow(cx, &mut out, 1)?;
                out.push(b);
            }
            None => return Err(cx.value_error("bytes must be in range(0, 256)")),
        }
        cx.poll_native()?;
    }
    Ok(out)
}

fn data(o: &Obj) -> &[u8] {
    o.cast::<Bytes>().map_or(&[], |b| b.bytes())
}

/// `repr` of bytes.
pub fn repr_bytes(b: &[u8]) -> String {
    let quote = if b.contains(&b'\'') && !b.contains(&b'"') { '"' } else { '\'' };
    let mut out = format!("b{quote}");
    for &c in b {
        match c {
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            c if c as char == quote => {
                out.push('\\');
                out.push(quote);
            }
            0x20..=0x7e => out.push(c as char),
            c => out.push_str(&format!("\\x{c:02x}")),
        }
    }
    out.push(quote);
    out
}

/// What `in` looks for: one byte or a run of them.
pub(super) fn contained(cx: &mut Cx, k: &Obj) -> PyResult<Held> {
    if buffer::exports(cx, k) {
        return buffer::held(cx, k);
    }
    if k.ty().slots(cx).index.is_none() {
        return Err(cx.type_error(format!("a bytes-like object is required, not '{}'", k.ty().name_text())));
    }
    methods::needle(cx, k)
}
fn of_class(cx: &mut Cx, class: &Obj, b: &[u8]) -> PyResult {
    let made = Bytes::from_slice(cx, b)?;
    if class.is(cx.types.bytes.as_obj()) { Ok(made) } else { protocol::call(cx, class, &[made]) }
}
/// Some of the bytes of `this`: the object itself where these are all, if it is exactly of the type.
fn part(cx: &Cx, this: &Ref<Bytes>, range: Range<usize>) -> PyResult {
    if range.len() == this.len && std::ptr::eq(this.as_obj().ty(), &*cx.types.bytes) { Ok(this.as_obj().clone()) } else { Bytes::from_slice(cx, &this.bytes()[range]) }
}
/// All of them.
fn same_of(cx: &Cx, o: &Obj) -> PyResult {
    o.cast::<Bytes>().map_or_else(|| Ok(o.clone()), |b| part(cx, b, 0..b.len))
}
methods::byte_methods!(Shared, Bytes, Bytes::of_rows, part, of_class);

#[retic_macros::methods]
impl Bytes {
    /// Convert this value to exact type bytes.
    #[py("__bytes__($self, /)")]
    fn bytes_method(cx: &mut Cx, this: &Ref<Bytes>) -> PyResult {
        if std::ptr::eq(this.as_obj().ty(), &*cx.types.bytes) { Ok(this.as_obj().clone()) } else { Bytes::from_slice(cx, this.bytes()) }
    }
    #[py("__getnewargs__($self, /)")]
    fn getnewargs(cx: &mut Cx, this: &Ref<Bytes>) -> PyResult {
        let b = Bytes::from_slice(cx, this.bytes())?;
        cx.tuple_of([b])
    }
}

/// Two hexadecimal digits a byte.
pub fn hex_digits(cx: &Cx, b: &[u8]) -> PyResult<Vec<u8>> {
    let mut out = Vec::new();
    protocol::grow(cx, &mut out, b.len().checked_mul(2).ok_or_else(|| cx.memory_error())?)?;
    let digit = |d: u8| d + if d < 10 { b'0' } else { b'a' - 10 };
    out.extend(b.iter().flat_map(|c| [digit(c >> 4), digit(c & 15)]));
    Ok(out)
}

/// What `__bytes__` gives, where an object has it.
fn by_dunder(cx: &mut Cx, x: &Obj) -> PyResult<Option<Obj>> {
    let key = cx.name("__bytes__");
    let Some(f) = protocol::special(cx, x, &key)? else { return Ok(None) };
    let r = protocol::call(cx, &f, &[])?;
    if r.cast::<Bytes>().is_none() {
        return Err(cx.type_error(format!("__bytes__ returned non-bytes (type {})", r.ty().name_text())));
    }
    Ok(Some(r))
}

/// What the constructors of `bytes` and `bytearray` take: nothing, a count, a text with its encoding, bytes, ints.
pub(super) fn from_args(cx: &mut Cx, args: Args<'_>, name: &str) -> PyResult<Vec<u8>> {
    let pos = args.positional();
    args.only(cx, name, &["source", "encoding", "errors"])?;
    let get = |cx: &Cx, i: usize, key: &str| pos.get(i).or(args.keyword(cx, key)).cloned();
    let (source, encoding, errors) = (get(cx, 0, "source"), get(cx, 1, "encoding"), get(cx, 2, "errors"));
    let Some(x) = source else {
        if encoding.is_some() || errors.is_some() {
            return Err(cx.type_error(if encoding.is_some() { "encoding without a string argument" } else { "errors without a string argument" }));
        }
        return Ok(Vec::new());
    };
    let text = |cx: &mut Cx, o: Option<Obj>, what: &str| match o {
        None => Ok(None),
        Some(o) => match o.cast::<Str>() {
            Some(s) => Ok(Some(s.to_text(cx))),
            None => Err(cx.type_error(format!("{name}() argument '{what}' must be str, not {}", o.ty().name_text()))),
        },
    };
    let (encoding, errors) = (text(cx, encoding, "encoding")?, text(cx, errors, "errors")?);
    if let Some(s) = x.cast::<Str>()
        && let Some(e) = &encoding
    {
        return crate::codecs::encode(cx, s, e, errors.as_deref().unwrap_or("strict"));
    }
    if x.cast::<Str>().is_some() && errors.is_some() {
        return Err(cx.type_error("string argument without an encoding"));
    }
    if encoding.is_some() || errors.is_some() {
        return Err(cx.type_error(if encoding.is_some() { "encoding without a string argument" } else { "errors without a string argument" }));
    }
    if name == "bytes"
        && let Some(b) = by_dunder(cx, &x)?
    {
        return Ok(data(&b).to_vec());
    }
    if x.ty().slots(cx).index.is_some() && !buffer::exports(cx, &x) {
        let i = protocol::index(cx, &x)?;
        let Some(n) = int::to_i64(&i) else { return Err(cx.overflow_error("cannot fit 'int' into an index-sized integer")) };
        let n = usize::try_from(n).map_err(|_| cx.value_error("negative count"))?;
        match name {
            "bytes" => check_length(cx, n)?,
            _ => protocol::check_size(cx, 1, n, 1)?,
        }
        return Ok(vec![0; n]);
    }
    bytes_of(cx, &x)
}

pub fn spec() -> Spec {
    Spec {
        doc: "bytes(iterable_of_ints) -> bytes\nbytes(string, encoding[, errors]) -> bytes\nbytes(bytes_or_buffer) -> immutable copy of bytes_or_buffer\nbytes(int) -> bytes object of size given by the parameter initialized with null bytes\nbytes() -> empty bytes object",
        flags: flags::BASE | flags::MATCH_SELF,
        shape: shape::BYTES,
        basicsize: HEAD_BYTES + 1,
        ops: &OPS,
        slots: Slots {
            repr: Some(|cx, o| cx.str(&repr_bytes(data(o)))),
            hash: Some(|cx, o| Ok(o.cast::<Bytes>().map_or(0, |b| b.hash(cx)))),
            richcompare: Some(|cx, a, b, op: Cmp| {
                let (Some(x), Some(y)) = (a.cast::<Bytes>(), b.cast::<Bytes>()) else { return Ok(cx.not_implemented()) };
                Ok(cx.bool(op.of(x.bytes(), y.bytes())))
            }),
            len: Some(|_, o| Ok(data(o).len())),
            getitem: Some(|cx, o, k| {
                let d = data(o);
                if let Some(s) = k.cast::<super::Slice>() {
                    let r = super::slice::resolve(cx, s, d.len())?;
                    if r.is_whole(d.len()) {
                        return same_of(cx, o);
                    }
                    return match r.row() {
                        Some(row) => Bytes::from_slice(cx, &d[row]),
                        None => Bytes::from_slice(cx, &r.indices().map(|i| d[i]).collect::<Vec<u8>>()),
                    };
                }
                let i = protocol::sequence_index(cx, k, "byte")?;
                match protocol::wrap_index(i, d.len()) {
                    Some(i) => cx.int(i64::from(d[i])),
                    None => Err(cx.index_error("index out of range")),
                }
            }),
            contains: Some(|cx, o, k| {
                let p = contained(cx, k)?;
                Ok(methods::position(data(o), &p, false).is_some())
            }),
            iter: Some(|cx, o| super::iterators::over(cx, &cx.types.bytes_iterator.clone(), o)),
            concat: Some(|cx, a, b| {
                if !buffer::in_a_row(cx, b) {
                    return Err(cx.type_error(format!("can't concat {} to bytes", b.ty().name_text())));
                }
                // What nothing is added to stays what it is.
                let nothing = |o: &Obj| o.cast::<Bytes>().is_some_and(|b| b.bytes().is_empty());
                let kept = if nothing(b) { Some(a) } else { Some(b).filter(|_| nothing(a)) };
                if let Some(whole) = kept.filter(|k| k.cast::<Bytes>().is_some()) {
                    return same_of(cx, whole);
                }
                buffer::look(cx, b, |cx, other| Bytes::of_rows(cx, &[data(a), other]))
            }),
            repeat: Some(|cx, a, n| {
                let Some(n) = protocol::repeat_count(cx, n)? else { return Ok(cx.not_implemented()) };
                if data(a).len().checked_mul(n).is_none_or(|all| all > LENGTH_MAX) {
                    return Err(cx.overflow_error("repeated bytes are too long"));
                }
                protocol::check_size(cx, data(a).len(), n, 1)?;
                if n == 1 {
                    return same_of(cx, a);
                }
                let d = data(a);
                if d.len() * n < 2 {
                    return Bytes::from_slice(cx, &d[..d.len().min(n)]);
                }
                Bytes::filled(cx, &cx.types.bytes, d.len() * n, |to| super::str::put_repeated(d, to))
            }),
            buffer: Some(|_, o| Ok(buffer::Buffer::plain(o.clone(), data(o).len(), true))),
            storage: Some(|_, o| (data(o).as_ptr(), data(o).len())),
            new: Some(|cx, ty, args| {
                // An exact bytes object is its own copy.
                if let ([x], true, false) = (args.items, args.names.is_empty(), ty.is_heap())
                    && std::ptr::eq(x.ty(), &*cx.types.bytes)
                {
                    return Ok(x.clone());
                }
                if let ([x], true, false) = (args.items, args.names.is_empty(), ty.is_heap())
                    && let Some(given) = by_dunder(cx, x)?
                {
                    return Ok(given);
                }
                // Of what is nothing but bytes, one copy is made.
                if let ([x], true, false) = (args.items, args.names.is_empty(), ty.is_heap())
                    && buffer::in_a_row(cx, x)
                    && !x.ty().is_heap()
                {
                    return buffer::look(cx, x, Bytes::from_slice);
                }
                let b = from_args(cx, args, "bytes")?;
                if ty.is_heap() { Bytes::make(cx, ty, &b) } else { Bytes::from_slice(cx, &b) }
            }),
            ..Slots::EMPTY.with(&[(Op::Mod, |cx, a, b| match a.cast::<Bytes>() {
                Some(x) => {
                    let out = super::str::percent::modulo_bytes(cx, x.bytes(), b)?;
                    Bytes::from_slice(cx, &out)
                }
                None => Ok(cx.not_implemented()),
            })])
        },
        methods: Shared::METHODS,
        more_methods: Bytes::METHODS,
        ..Spec::new::<Bytes>("bytes")
    }
}
