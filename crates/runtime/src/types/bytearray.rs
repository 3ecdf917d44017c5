//! `bytearray`.

use super::bytes::methods::{self, Row};
use super::type_::{Cmp, Op, flags};
use super::{Slots, Spec, Str, Type, int};
use crate::cx::{Cx, PyResult, Raised};
use crate::layout;
use crate::memory;
use crate::object::{Buf, Guarded, Obj, Ref};
use crate::protocol::{self, buffer};
use std::cell::Cell;
use std::ops::Range;

layout! {
    /// Bytes that can change. While views exist (`exports`), the length cannot.
    pub struct ByteArray = 52, "bytearray" { data: Guarded<Buf<u8>>, exports: Cell<usize>, }
}

impl ByteArray {
    /// The bytes.
    pub fn bytes<'a>(&'a self, cx: &'a Cx) -> &'a [u8] {
        self.data.get(cx)
    }
    /// Sets the byte in a place, counted from the end if negative. False: there is none.
    pub(crate) fn set_byte(&self, cx: &mut Cx, i: i64, byte: u8) -> bool {
        let data = self.data.get_mut(cx);
        let at = protocol::wrap_index(i, data.len());
        at.map(|at| data[at] = byte).is_some()
    }
    pub fn of_type(cx: &Cx, ty: &Type, b: &[u8]) -> PyResult<Ref<ByteArray>> {
        let mut data = Buf::empty();
        if !b.is_empty() {
            data.splice(cx, 0, 0, b)?;
        }
        memory::new(cx, ty, |head| ByteArray { head, data: Guarded::new(data), exports: Cell::new(0) })
    }
    /// Replaces a range; refuses to change the length while views exist.
    pub fn splice(&self, cx: &mut Cx, start: usize, end: usize, new: &[u8]) -> PyResult<()> {
        if self.exports.get() > 0 && end - start != new.len() {
            return Err(resized(cx));
        }
        // The buffer grows out of the interpreter's heap, which the context owns.
        let mut data = self.data.replace(cx, Buf::empty());
        let end = end.min(data.len());
        let r = data.splice(cx, start.min(end), end, new);
        self.data.replace(cx, data);
        r
    }
}

fn resized(cx: &Cx) -> Raised {
    cx.error_of(&cx.types.buffer_error, "Existing exports of data: object cannot be re-sized")
}

/// A bytearray of a copy of these bytes.
pub fn from_slice(cx: &Cx, b: &[u8]) -> PyResult {
    Ok(ByteArray::of_type(cx, &cx.types.bytearray, b)?.into_obj())
}

/// A bytearray of several rows, one behind the other.
fn of_rows(cx: &Cx, rows: &[&[u8]]) -> PyResult {
    let mut data = Buf::empty();
    data.reserve_exact(cx, protocol::sum_of_lengths(cx, rows)?)?;
    for row in rows {
        data.splice(cx, data.len(), data.len(), row)?;
    }
    Ok(memory::new(cx, &cx.types.bytearray, |head| ByteArray { head, data: Guarded::new(data), exports: Cell::new(0) })?.into_obj())
}
fn of_class(cx: &mut Cx, class: &Obj, b: &[u8]) -> PyResult {
    if class.is(cx.types.bytearray.as_obj()) {
        return from_slice(cx, b);
    }
    let made = super::Bytes::from_slice(cx, b)?;
    protocol::call(cx, class, &[made])
}
/// Some of the bytes of `this`: what may change is always copied.
fn part(cx: &Cx, this: &Ref<ByteArray>, range: Range<usize>) -> PyResult {
    from_slice(cx, &this.bytes(cx)[range])
}
impl Row for ByteArray {
    fn check_length(cx: &Cx, n: usize) -> PyResult<()> {
        protocol::check_size(cx, 1, n, 1)
    }
    fn row<'a>(&'a self, cx: &'a Cx) -> &'a [u8] {
        self.bytes(cx)
    }
    fn separator(cx: &Cx, _asked: &Obj, bytes: &[u8]) -> PyResult {
        from_slice(cx, bytes)
    }
}
methods::byte_methods!(Shared, ByteArray, of_rows, part, of_class);

fn of(o: &Obj) -> &Ref<ByteArray> {
    // SAFETY: O3, these slots are only reached through bytearrays.
    unsafe { o.cast_unchecked::<ByteArray>() }
}

fn byte_value(cx: &mut Cx, o: &Obj) -> PyResult<u8> {
    if o.ty().slots(cx).index.is_none() {
        return Err(cx.type_error(format!("'{}' object cannot be interpreted as an integer", o.ty().name_text())));
    }
    let i = protocol::index(cx, o)?;
    int::to_i64(&i).and_then(|v| u8::try_from(v).ok()).ok_or_else(|| cx.value_error("byte must be in range(0, 256)"))
}

/// Sets a byte by small ints; false: that is for the general way.
pub(crate) fn set_byte(cx: &mut Cx, o: &Obj, k: i64, v: i64) -> bool {
    let Some(this) = o.cast::<ByteArray>() else { return false };
    let data = this.data.get_mut(cx);
    let k = if k < 0 { k + data.len() as i64 } else { k };
    match (usize::try_from(k).ok().and_then(|k| data.get_mut(k)), u8::try_from(v)) {
        (Some(place), Ok(v)) => {
            *place = v;
            true
        }
        _ => false,
    }
}
fn setitem(cx: &mut Cx, o: &Obj, k: &Obj, value: Option<&Obj>) -> PyResult<()> {
    let this = of(o).clone();
    let Some(s) = k.cast::<super::Slice>() else {
        let i = protocol::sequence_index(cx, k, "bytearray")?;
        let v = value.map(|v| byte_value(cx, v)).transpose()?;
        let Some(i) = protocol::wrap_index(i, this.bytes(cx).len()) else { return Err(cx.index_error("bytearray index out of range")) };
        return match v {
            Some(v) => this.splice(cx, i, i + 1, &[v]),
            None => this.splice(cx, i, i + 1, &[]),
        };
    };
    let new = match value {
        Some(v) if v.cast::<Str>().is_some() || v.ty().slots(cx).index.is_some() && !buffer::exports(cx, v) => {
            return Err(cx.type_error("can assign only bytes, buffers, or iterables of ints in range(0, 256)"));
        }
        Some(v) => super::bytes::bytes_of(cx, v)?,
        None => Vec::new(),
    };
    let p = super::slice::resolve_late(cx, s, |cx| this.bytes(cx).len())?;
    if p.step == 1 {
        let start = p.start as usize;
        return this.splice(cx, start, start + p.len, &new);
    }
    if new.is_empty() {
        if this.exports.get() > 0 && p.len > 0 {
            return Err(resized(cx));
        }
        let gone: rustc_hash::FxHashSet<usize> = p.indices().collect();
        let kept: Vec<u8> = this.bytes(cx).iter().enumerate().filter(|(i, _)| !gone.contains(i)).map(|(_, b)| *b).collect();
        let n = this.bytes(cx).len();
        return this.splice(cx, 0, n, &kept);
    }
    if new.len() != p.len {
        return Err(cx.value_error(format!("attempt to assign bytes of size {} to extended slice of size {}", new.len(), p.len)));
    }
    let data = this.data.get_mut(cx);
    for (i, b) in p.indices().zip(new) {
        data[i] = b;
    }
    Ok(())
}

#[retic_macros::methods]
impl ByteArray {
    /// Append a single item to the end of the bytearray.
    #[py("append($self, item, /)")]
    fn append(cx: &mut Cx, this: &Ref<ByteArray>, item: &Obj) -> PyResult<()> {
        let b = byte_value(cx, item)?;
        let n = this.bytes(cx).len();
        this.splice(cx, n, n, &[b])
    }
    /// Append all the items from the iterator or sequence to the end of the bytearray.
    #[py("extend($self, iterable_of_ints, /)")]
    fn extend(cx: &mut Cx, this: &Ref<ByteArray>, iterable_of_ints: &Obj) -> PyResult<()> {
        if iterable_of_ints.cast::<Str>().is_some() {
            return Err(cx.type_error("expected iterable of integers; got: 'str'"));
        }
        let b = if protocol::buffer::exports(cx, iterable_of_ints) {
            if !protocol::buffer::in_a_row(cx, iterable_of_ints) {
                return Err(cx.type_error(format!("can't set bytearray slice from {}", iterable_of_ints.ty().name_text())));
            }
            protocol::buffer::bytes(cx, iterable_of_ints)?
        } else {
            let it = super::bytes::iterate(cx, iterable_of_ints, || format!("can't extend bytearray with {}", iterable_of_ints.ty().name_text()))?;
            protocol::length_hint(cx, iterable_of_ints, 32)?;
            super::bytes::collect_bytes(cx, &it)?
        };
        let n = this.bytes(cx).len();
        this.splice(cx, n, n, &b)
    }
    /// Insert a single item into the bytearray before the given index.
    #[py("insert($self, index, item, /)")]
    fn insert(cx: &mut Cx, this: &Ref<ByteArray>, index: i64, item: &Obj) -> PyResult<()> {
        let b = byte_value(cx, item)?;
        let n = this.bytes(cx).len() as i64;
        let at = if index < 0 { (index + n).max(0) } else { index.min(n) } as usize;
        this.splice(cx, at, at, &[b])
    }
    /// Remove and return a single item from B.
    #[py("pop($self, index=-1, /)")]
    fn pop(cx: &mut Cx, this: &Ref<ByteArray>, index: i64) -> PyResult<i64> {
        let n = this.bytes(cx).len();
        if n == 0 {
            return Err(cx.index_error("pop from empty bytearray"));
        }
        let Some(i) = protocol::wrap_index(index, n) else { return Err(cx.index_error("pop index out of range")) };
        let b = this.bytes(cx)[i];
        this.splice(cx, i, i + 1, &[])?;
        Ok(i64::from(b))
    }
    /// Remove the first occurrence of a value in the bytearray.
    #[py("remove($self, value, /)")]
    fn remove(cx: &mut Cx, this: &Ref<ByteArray>, value: &Obj) -> PyResult<()> {
        let b = byte_value(cx, value)?;
        match memchr::memchr(b, this.bytes(cx)) {
            Some(i) => this.splice(cx, i, i + 1, &[]),
            None => Err(cx.value_error("value not found in bytearray")),
        }
    }
    /// Remove all items from the bytearray.
    #[py("clear($self, /)")]
    fn clear_method(cx: &mut Cx, this: &Ref<ByteArray>) -> PyResult<()> {
        let n = this.bytes(cx).len();
        this.splice(cx, 0, n, &[])
    }
    /// Return a copy of B.
    #[py("copy($self, /)")]
    fn copy(cx: &mut Cx, this: &Ref<ByteArray>) -> PyResult {
        from_slice(cx, this.bytes(cx))
    }
    /// Reverse the order of the values in B in place.
    #[py("reverse($self, /)")]
    fn reverse(cx: &mut Cx, this: &Ref<ByteArray>) {
        this.data.get_mut(cx).reverse();
    }
    /// Resize the internal buffer of bytearray to len.
    #[py("resize($self, size, /)")]
    fn resize(cx: &mut Cx, this: &Ref<ByteArray>, size: i64) -> PyResult<()> {
        let Ok(size) = usize::try_from(size) else { return Err(cx.value_error(format!("bytearray.resize(): new size must be >= 0, got {size}"))) };
        let n = this.bytes(cx).len();
        if size <= n {
            return this.splice(cx, size, n, &[]);
        }
        protocol::check_size(cx, 1, size, 1)?;
        this.splice(cx, n, n, &vec![0; size - n])
    }
    /// Return the number of bytes actually allocated.
    #[py("__alloc__($self, /)")]
    fn alloc(cx: &mut Cx, this: &Ref<ByteArray>) -> usize {
        this.data.get(cx).capacity()
    }
    /// Returns the size of the bytearray object in memory, in bytes.
    #[py("__sizeof__($self, /)")]
    fn sizeof(cx: &mut Cx, this: &Ref<ByteArray>) -> usize {
        super::type_::sizes::basic(cx, this.as_obj()) + this.data.get(cx).capacity()
    }
    /// Return state information for pickling.
    #[py("__reduce__($self, /)")]
    fn reduce(cx: &mut Cx, this: &Ref<ByteArray>) -> PyResult {
        ByteArray::reduce_ex(cx, this, 2)
    }
    /// Return state information for pickling.
    #[py("__reduce_ex__($self, proto=0, /)")]
    fn reduce_ex(cx: &mut Cx, this: &Ref<ByteArray>, proto: i64) -> PyResult {
        let class = this.as_obj().type_ref().into_obj();
        let args = if proto < 3 {
            let text = Str::from_latin1(cx, this.bytes(cx))?.into_obj();
            let coding = cx.str("latin-1")?;
            cx.tuple_of([text, coding])?
        } else {
            let b = super::Bytes::from_slice(cx, this.bytes(cx))?;
            cx.tuple_of([b])?
        };
        let state = protocol::pickle::getstate(cx, this.as_obj())?;
        cx.tuple_of([class, args, state])
    }
}

pub fn spec() -> Spec {
    Spec {
        doc: "bytearray(iterable_of_ints) -> bytearray\nbytearray(string, encoding[, errors]) -> bytearray\nbytearray(bytes_or_buffer) -> mutable copy of bytes_or_buffer\nbytearray(int) -> bytes array of size given by the parameter initialized with null bytes\nbytearray() -> empty bytes array",
        flags: flags::BASE | flags::MATCH_SELF,
        slots: Slots {
            repr: Some(|cx, o| {
                let name = o.ty().name_text();
                let mut shown = super::bytes::repr_bytes(of(o).bytes(cx));
                // Single quotes are escaped even between double ones.
                if shown.starts_with("b\"") {
                    shown = shown.replace('\'', "\\'");
                }
                let text = format!("{name}({shown})");
                cx.str(&text)
            }),
            hash: Some(super::dunders::unhashable),
            richcompare: Some(|cx, a, b, op: Cmp| {
                if !buffer::exports(cx, a) || !buffer::exports(cx, b) {
                    return Ok(cx.not_implemented());
                }
                buffer::look_at_both(cx, a, b, |cx, x, y| Ok(cx.bool(op.of(x, y))))
            }),
            len: Some(|cx, o| Ok(of(o).bytes(cx).len())),
            getitem: Some(|cx, o, k| {
                let this = of(o).clone();
                if let Some(s) = k.cast::<super::Slice>() {
                    let r = super::slice::resolve_late(cx, s, |cx| this.bytes(cx).len())?;
                    let d = this.bytes(cx);
                    if let Some(row) = r.row().and_then(|row| d.get(row)) {
                        return from_slice(cx, row);
                    }
                    let out: Vec<u8> = r.indices().filter_map(|i| d.get(i).copied()).collect();
                    return from_slice(cx, &out);
                }
                let i = protocol::sequence_index(cx, k, "bytearray")?;
                let d = this.bytes(cx);
                match protocol::wrap_index(i, d.len()) {
                    Some(i) => cx.int(i64::from(d[i])),
                    None => Err(cx.index_error("bytearray index out of range")),
                }
            }),
            setitem: Some(setitem),
            contains: Some(|cx, o, k| {
                let p = super::bytes::contained(cx, k)?;
                Ok(methods::position(of(o).bytes(cx), &p, false).is_some())
            }),
            iter: Some(|cx, o| super::iterators::over(cx, &cx.types.bytearray_iterator.clone(), o)),
            concat: Some(|cx, a, b| {
                if !buffer::in_a_row(cx, b) {
                    return Err(cx.type_error(format!("can't concat {} to {}", b.ty().name_text(), a.ty().name_text())));
                }
                buffer::look(cx, b, |cx, y| of_rows(cx, &[of(a).bytes(cx), y]))
            }),
            repeat: Some(|cx, a, n| {
                let Some(n) = protocol::repeat_count(cx, n)? else { return Ok(cx.not_implemented()) };
                protocol::check_size(cx, of(a).bytes(cx).len(), n, 1)?;
                let out = of(a).bytes(cx).repeat(n);
                from_slice(cx, &out)
            }),
            buffer: Some(|cx, o| {
                let this = of(o);
                this.exports.set(this.exports.get() + 1);
                Ok(buffer::Buffer::plain(o.clone(), this.bytes(cx).len(), false))
            }),
            storage: Some(|cx, o| of(o).data.get(cx).raw_parts()),
            release_buffer: Some(|_, o| of(o).exports.set(of(o).exports.get().saturating_sub(1))),
            new: Some(|cx, ty, _| Ok(ByteArray::of_type(cx, ty, &[])?.into_obj())),
            init: Some(|cx, o, args| {
                let b = super::bytes::from_args(cx, args, "bytearray")?;
                let n = of(o).bytes(cx).len();
                of(o).clone().splice(cx, 0, n, &b)
            }),
            ..Slots::EMPTY
                .with(&[(Op::Mod, |cx, a, b| match a.cast::<ByteArray>() {
                    Some(x) => {
                        let format = x.bytes(cx).to_vec();
                        let out = super::str::percent::modulo_bytes(cx, &format, b)?;
                        from_slice(cx, &out)
                    }
                    None => Ok(cx.not_implemented()),
                })])
                .with_inplace(&[
                    (Op::Add, |cx, a, b| {
                        if !buffer::in_a_row(cx, b) {
                            return Err(cx.type_error(format!("can't concat {} to {}", b.ty().name_text(), a.ty().name_text())));
                        }
                        let y = buffer::bytes(cx, b)?;
                        let this = of(a).clone();
                        let n = this.bytes(cx).len();
                        this.splice(cx, n, n, &y)?;
                        Ok(a.clone())
                    }),
                    (Op::Mul, |cx, a, n| {
                        let Some(n) = protocol::repeat_count(cx, n)? else { return Ok(cx.not_implemented()) };
                        let this = of(a).clone();
                        let len = this.bytes(cx).len();
                        protocol::check_size(cx, len, n, 1)?;
                        let out = this.bytes(cx).repeat(n);
                        this.splice(cx, 0, len, &out)?;
                        Ok(a.clone())
                    }),
                ])
        },
        methods: Shared::METHODS,
        more_methods: ByteArray::METHODS,
        ..Spec::new::<ByteArray>("bytearray")
    }
}
