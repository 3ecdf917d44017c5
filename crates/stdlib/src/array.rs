//! `array`: numbers of one kind, packed.

mod item;

use retic_runtime::native::SliceIndex;
use retic_runtime::object::{Buf, Guarded, shape};
use retic_runtime::protocol::buffer::{self, Buffer, Dims};
use retic_runtime::types::type_::{Cmp, Op, flags};
use retic_runtime::types::{ByteArray, Bytes, List, Slice, Slots, Spec, Str, Tuple, Type, dunders, iterators, module, slice};
use retic_runtime::{Args, Cx, Obj, PyResult, Raised, Ref, interp, layout, memory, protocol};
use std::cell::Cell;

layout! {
    /// The packed items, the type code, the number of views.
    pub struct Array = 282, "array.array" { data: Guarded<Buf<u8>>, code: Cell<u8>, exports: Cell<usize>, }
}

impl Array {
    fn item_size(&self) -> usize {
        item::size(self.code.get()).unwrap_or(1)
    }
    fn len(&self, cx: &Cx) -> usize {
        self.data.get(cx).len() / self.item_size()
    }
    /// The bytes of an item.
    fn at<'a>(&self, cx: &'a Cx, i: usize) -> Option<[u8; 8]>
    where
        Self: 'a,
    {
        let n = self.item_size();
        let b = self.data.get(cx).get(i * n..(i + 1) * n)?;
        let mut out = [0; 8];
        out[..n].copy_from_slice(b);
        Some(out)
    }
    fn item(&self, cx: &mut Cx, i: usize) -> PyResult<Option<Obj>> {
        let (code, n) = (self.code.get(), self.item_size());
        match self.at(cx, i) {
            Some(b) => item::unpack(cx, code, &b[..n]).map(Some),
            None => Ok(None),
        }
    }
    /// Replaces items `start..end` by packed ones; the length cannot change while views exist.
    fn splice(&self, cx: &mut Cx, start: usize, end: usize, new: &[u8]) -> PyResult<()> {
        let n = self.item_size();
        if self.exports.get() > 0 && (end - start) * n != new.len() {
            return Err(cx.error_of(&cx.types.buffer_error, "cannot resize an array that is exporting buffers"));
        }
        let mut data = self.data.replace(cx, Buf::empty());
        let (start, end) = ((start * n).min(data.len()), (end * n).min(data.len()));
        let len = data.len() - (end - start) + new.len();
        // Room as CPython's array_resize makes it.
        let room = if len < data.capacity() {
            Ok(())
        } else {
            let items = len / n;
            let spare = if data.is_empty() { 0 } else { (items >> 4) + if data.len() / n < 8 { 3 } else { 7 } };
            data.reserve_exact(cx, (items + spare) * n + 1)
        };
        let r = room.and_then(|()| data.splice(cx, start, end, new));
        self.data.replace(cx, data);
        r
    }
    fn push(&self, cx: &mut Cx, o: &Obj) -> PyResult<()> {
        let b = item::pack(cx, self.code.get(), o)?;
        let n = self.len(cx);
        self.splice(cx, n, n, &b[..self.item_size()])
    }
    fn set_bytes(&self, cx: &mut Cx, i: usize, b: &[u8; 8]) -> bool {
        let n = self.item_size();
        match self.data.get_mut(cx).get_mut(i * n..(i + 1) * n) {
            Some(place) => {
                place.copy_from_slice(&b[..n]);
                true
            }
            None => false,
        }
    }
}

/// The array behind a slot's first argument: slots of the type are only reached through arrays.
fn of(o: &Obj) -> Ref<Array> {
    o.cast::<Array>().cloned().expect("an array")
}

fn empty(cx: &mut Cx, ty: &Type, code: u8) -> PyResult<Ref<Array>> {
    memory::new(cx, ty, |head| Array { head, data: Guarded::new(Buf::empty()), code: Cell::new(code), exports: Cell::new(0) })
}
fn made(cx: &mut Cx, code: u8, bytes: &[u8]) -> PyResult {
    let ty = cx.native_type("array.array");
    let a = empty(cx, &ty, code)?;
    a.splice(cx, 0, 0, bytes)?;
    Ok(a.into_obj())
}

fn wrong_length(cx: &Cx) -> Raised {
    cx.value_error("bytes length not a multiple of item size")
}

/// Adds packed bytes at the end.
fn append_bytes(cx: &mut Cx, this: &Ref<Array>, b: &[u8]) -> PyResult<()> {
    if !b.len().is_multiple_of(this.item_size()) {
        return Err(wrong_length(cx));
    }
    let n = this.len(cx);
    this.splice(cx, n, n, b)
}

fn append_text(cx: &mut Cx, this: &Ref<Array>, s: &Str) -> PyResult<()> {
    let points: Vec<u8> = s.code_points().iter().flat_map(|p| p.to_le_bytes()).collect();
    append_bytes(cx, this, &points)
}

/// Adds the items of an array of the same kind or of any iterable.
fn extend(cx: &mut Cx, this: &Ref<Array>, o: &Obj) -> PyResult<()> {
    if let Some(other) = o.cast::<Array>().cloned() {
        if other.code.get() != this.code.get() {
            return Err(cx.type_error("can only extend with array of same kind"));
        }
        let b = other.data.get(cx).to_vec();
        return append_bytes(cx, this, &b);
    }
    let it = protocol::iter(cx, o)?;
    while let Some(v) = protocol::next(cx, &it)? {
        this.push(cx, &v)?;
        cx.poll_native()?;
    }
    Ok(())
}

fn new(cx: &mut Cx, ty: &Ref<Type>, args: Args<'_>) -> PyResult {
    let own = cx.native_type("array.array");
    let args = args.for_init(cx, ty, &own, "array.array")?;
    let positional = args.positional();
    match positional.len() {
        0 => return Err(cx.type_error("array() takes at least 1 argument (0 given)")),
        1 | 2 => {}
        n => return Err(cx.type_error(format!("array() takes at most 2 arguments ({n} given)"))),
    }
    let code = match positional[0].cast::<Str>().map(|s| s.code_points()) {
        Some(p) if p.len() == 1 => p[0],
        _ => return Err(cx.type_error(format!("array() argument 1 must be a unicode character, not {}", positional[0].ty().name_text()))),
    };
    let Some(code) = u8::try_from(code).ok().filter(|c| item::size(*c).is_some()) else {
        return Err(cx.value_error("bad typecode (must be b, B, u, w, h, H, i, I, l, L, q, Q, f or d)"));
    };
    if code == b'u' {
        let class = cx.types.deprecation_warning.clone();
        retic_runtime::modules::warnings::warn(cx, &class, "The 'u' type code is deprecated and will be removed in Python 3.16", 1)?;
    }
    let initial = positional.get(1).cloned();
    if let Some(o) = &initial {
        let other = o.cast::<Array>().map(|a| a.code.get());
        if !item::is_text(code) && (o.cast::<Str>().is_some() || other.is_some_and(item::is_text)) {
            let what = if o.cast::<Str>().is_some() { "a str" } else { "a unicode array" };
            return Err(cx.type_error(format!("cannot use {what} to initialize an array with typecode '{}'", char::from(code))));
        }
    }
    let a = empty(cx, ty, code)?;
    if let Some(o) = initial {
        if o.cast::<Bytes>().is_some() || o.cast::<ByteArray>().is_some() {
            let b = buffer::bytes(cx, &o)?;
            append_bytes(cx, &a, &b)?;
        } else if let Some(s) = o.cast::<Str>().cloned() {
            append_text(cx, &a, &s)?;
        } else if let Some(other) = o.cast::<Array>().cloned().filter(|x| x.code.get() == code) {
            let b = other.data.get(cx).to_vec();
            append_bytes(cx, &a, &b)?;
        } else if o.cast::<Array>().is_some() {
            let it = protocol::iter(cx, &o)?;
            extend(cx, &a, &it)?;
        } else {
            // What is as long as it says takes no room to grow into.
            let exact = if o.cast::<List>().is_some() || o.cast::<Tuple>().is_some() { protocol::len(cx, &o)? } else { 0 };
            if exact > 0 {
                let size = a.item_size();
                protocol::check_size(cx, exact, size, 1)?;
                let mut data = Buf::empty();
                data.reserve_exact(cx, exact * size + 1)?;
                a.data.set(cx, data);
            }
            extend(cx, &a, &o)?;
        }
    }
    Ok(a.into_obj())
}

/// Where an index leads; nothing: outside.
#[inline]
fn place(cx: &mut Cx, this: &Ref<Array>, k: &Obj) -> PyResult<Option<usize>> {
    if k.shape() != shape::INT && k.ty().slots(cx).index.is_none() {
        return Err(cx.type_error("array indices must be integers"));
    }
    let i = protocol::sequence_index(cx, k, "array")?;
    Ok(protocol::wrap_index(i, this.len(cx)))
}

fn setitem(cx: &mut Cx, o: &Obj, k: &Obj, value: Option<&Obj>) -> PyResult<()> {
    let this = of(o);
    let Some(s) = k.cast::<Slice>() else {
        let Some(i) = place(cx, &this, k)? else { return Err(cx.index_error("array assignment index out of range")) };
        let Some(v) = value else { return this.splice(cx, i, i + 1, &[]) };
        let b = item::pack(cx, this.code.get(), v)?;
        return if this.set_bytes(cx, i, &b) { Ok(()) } else { Err(cx.index_error("array assignment index out of range")) };
    };
    let new = match value {
        None => Vec::new(),
        Some(v) => match v.cast::<Array>() {
            Some(a) if a.code.get() == this.code.get() => a.data.get(cx).to_vec(),
            Some(_) => return Err(cx.type_error("bad argument type for built-in operation")),
            None => return Err(cx.type_error(format!("can only assign array (not \"{}\") to array slice", v.ty().name_text()))),
        },
    };
    let p = slice::resolve_late(cx, s, |cx| this.len(cx))?;
    let size = this.item_size();
    if p.step == 1 {
        let start = p.start as usize;
        return this.splice(cx, start, start + p.len, &new);
    }
    if value.is_none() {
        let mut gone: Vec<usize> = p.indices().collect();
        gone.sort_unstable();
        let kept: Vec<u8> = this.data.get(cx).chunks(size).enumerate().filter(|(i, _)| gone.binary_search(i).is_err()).flat_map(|(_, b)| b).copied().collect();
        let n = this.len(cx);
        return this.splice(cx, 0, n, &kept);
    }
    if new.len() / size != p.len {
        return Err(cx.value_error(format!("attempt to assign array of size {} to extended slice of size {}", new.len() / size, p.len)));
    }
    let data = this.data.get_mut(cx);
    for (i, b) in p.indices().zip(new.chunks(size)) {
        data[i * size..(i + 1) * size].copy_from_slice(b);
    }
    Ok(())
}

fn getitem(cx: &mut Cx, o: &Obj, k: &Obj) -> PyResult {
    let this = of(o);
    if let Some(s) = k.cast::<Slice>() {
        let p = slice::resolve_late(cx, s, |cx| this.len(cx))?;
        let size = this.item_size();
        let data = this.data.get(cx);
        if let Some(row) = p.row().and_then(|r| data.get(r.start * size..r.end * size)) {
            let row = row.to_vec();
            return made(cx, this.code.get(), &row);
        }
        let out: Vec<u8> = p.indices().filter_map(|i| data.get(i * size..(i + 1) * size)).flatten().copied().collect();
        return made(cx, this.code.get(), &out);
    }
    let found = match place(cx, &this, k)? {
        Some(i) => this.item(cx, i)?,
        None => None,
    };
    found.ok_or_else(|| cx.index_error("array index out of range"))
}

fn compare(cx: &mut Cx, a: &Obj, b: &Obj, op: Cmp) -> PyResult {
    let (Some(x), Some(y)) = (a.cast::<Array>().cloned(), b.cast::<Array>().cloned()) else { return Ok(cx.not_implemented()) };
    if x.code.get() == y.code.get() && matches!(x.code.get(), b'B') {
        let r = op.of(&x.data.get(cx)[..], &y.data.get(cx)[..]);
        return Ok(cx.bool(r));
    }
    let mut i = 0;
    if x.code.get() == y.code.get() && !matches!(x.code.get(), b'f' | b'd' | b'e') {
        if matches!(op, Cmp::Eq | Cmp::Ne) {
            let same = x.data.get(cx)[..] == y.data.get(cx)[..];
            return Ok(cx.bool(same == (op == Cmp::Eq)));
        }
        // Whole numbers and characters are the same where their bytes are.
        let (a, b) = (x.data.get(cx), y.data.get(cx));
        i = a.iter().zip(b.iter()).position(|(a, b)| a != b).unwrap_or(a.len().min(b.len())) / x.item_size();
    }
    loop {
        let (Some(v), Some(w)) = (x.item(cx, i)?, y.item(cx, i)?) else { break };
        if !protocol::equal(cx, &v, &w)? {
            return match op {
                Cmp::Eq => Ok(cx.bool(false)),
                Cmp::Ne => Ok(cx.bool(true)),
                _ => protocol::richcompare(cx, &v, &w, op),
            };
        }
        i += 1;
        cx.poll_native()?;
    }
    let r = op.of(x.len(cx), y.len(cx));
    Ok(cx.bool(r))
}

/// The place of the first item equal to a value, in a range that is looked at again each time.
fn find(cx: &mut Cx, this: &Ref<Array>, v: &Obj, start: usize, stop: usize) -> PyResult<Option<usize>> {
    let mut i = start;
    while i < stop {
        let Some(x) = this.item(cx, i)? else { break };
        if protocol::equal(cx, &x, v)? {
            return Ok(Some(i));
        }
        i += 1;
        cx.poll_native()?;
    }
    Ok(None)
}

fn list_of(cx: &mut Cx, this: &Ref<Array>) -> PyResult {
    let mut out = Vec::new();
    protocol::grow(cx, &mut out, this.len(cx))?;
    while let Some(v) = this.item(cx, out.len())? {
        out.push(v);
    }
    cx.list(out)
}

fn text_of(cx: &mut Cx, this: &Ref<Array>, function: &str) -> PyResult {
    if !item::is_text(this.code.get()) {
        return Err(cx.value_error(format!("{function}() may only be called on unicode type arrays ('u' or 'w')")));
    }
    let words: Vec<u32> = this.data.get(cx).chunks(4).map(|b| u32::from_le_bytes(b.try_into().unwrap_or_default())).collect();
    let points = words.into_iter().map(|p| item::valid(cx, p)).collect::<PyResult<Vec<u32>>>()?;
    cx.str_points(&points)
}

fn repeated(cx: &mut Cx, this: &Ref<Array>, n: &Obj) -> PyResult<Option<Vec<u8>>> {
    let Some(n) = protocol::repeat_count(cx, n)? else { return Ok(None) };
    protocol::check_size(cx, this.data.get(cx).len(), n, 1)?;
    Ok(Some(this.data.get(cx).repeat(n)))
}

#[retic_macros::methods]
impl Array {
    /// Append new value v to the end of the array.
    #[py("append($self, v, /)")]
    fn append(cx: &mut Cx, this: &Ref<Array>, v: &Obj) -> PyResult<()> {
        this.push(cx, v)
    }
    /// Return a tuple (address, length) giving the current memory address and the length in items of the buffer used to hold array's contents.
    #[py("buffer_info($self, /)")]
    fn buffer_info(cx: &mut Cx, this: &Ref<Array>) -> PyResult {
        let (at, _) = this.data.get(cx).raw_parts();
        let pair = vec![cx.int(at as usize as i64)?, cx.int(this.len(cx) as i64)?];
        cx.tuple(pair)
    }
    /// Byteswap all items of the array.
    #[py("byteswap($self, /)")]
    fn byteswap(cx: &mut Cx, this: &Ref<Array>) {
        let n = this.item_size();
        this.data.get_mut(cx).chunks_mut(n).for_each(<[u8]>::reverse);
    }
    /// Remove all items from the array.
    #[py("clear($self, /)")]
    fn clear_method(cx: &mut Cx, this: &Ref<Array>) -> PyResult<()> {
        let n = this.len(cx);
        this.splice(cx, 0, n, &[])
    }
    /// Return number of occurrences of v in the array.
    #[py("count($self, v, /)")]
    fn count(cx: &mut Cx, this: &Ref<Array>, v: &Obj) -> PyResult<usize> {
        let (mut from, mut n) = (0, 0);
        while let Some(i) = find(cx, this, v, from, usize::MAX)? {
            (from, n) = (i + 1, n + 1);
        }
        Ok(n)
    }
    /// Append items to the end of the array.
    #[py("extend($self, bb, /)")]
    fn extend(cx: &mut Cx, this: &Ref<Array>, bb: &Obj) -> PyResult<()> {
        extend(cx, this, bb)
    }
    /// Read n objects from the file object f and append them to the end of the array.
    #[py("fromfile($self, f, n, /)")]
    fn fromfile(cx: &mut Cx, this: &Ref<Array>, f: &Obj, n: i64) -> PyResult<()> {
        if n < 0 {
            return Err(cx.value_error("negative count"));
        }
        let Some(size) = n.checked_mul(this.item_size() as i64) else { return Err(cx.memory_error()) };
        let wanted = cx.int(size)?;
        let b = protocol::call_method(cx, f, "read", &[wanted])?;
        let Some(b) = b.cast::<Bytes>() else { return Err(cx.type_error("read() didn't return bytes")) };
        let b = b.bytes().to_vec();
        append_bytes(cx, this, &b)?;
        if (b.len() as i64) < size { Err(cx.error_of(&cx.types.eof_error, "read() didn't return enough bytes")) } else { Ok(()) }
    }
    /// Append items to array from list.
    #[py("fromlist($self, list, /)")]
    fn fromlist(cx: &mut Cx, this: &Ref<Array>, list: &Obj) -> PyResult<()> {
        let Some(l) = list.cast::<List>().cloned() else { return Err(cx.type_error("arg must be list")) };
        let (old, n) = (this.len(cx), l.items(cx).len());
        let mut i = 0;
        let r = loop {
            let Some(v) = l.items(cx).get(i).cloned() else { break Ok(()) };
            if let Err(r) = this.push(cx, &v) {
                break Err(r);
            }
            i += 1;
            if l.items(cx).len() != n {
                break Err(cx.error_of(&cx.types.runtime_error, "list changed size during iteration"));
            }
        };
        if r.is_err() {
            let saved = cx.take_error();
            let now = this.len(cx);
            let cut = this.splice(cx, old.min(now), now, &[]);
            return match saved {
                Some(e) => Err(cx.raise(e)),
                None => cut,
            };
        }
        r
    }
    /// Appends items from the string, interpreting it as an array of machine values, as if it had been read from a file using the fromfile() method.
    #[py("frombytes($self, buffer, /)")]
    fn frombytes(cx: &mut Cx, this: &Ref<Array>, buffer: &Obj) -> PyResult<()> {
        let b = buffer::held(cx, buffer)?;
        append_bytes(cx, this, &b)
    }
    /// Extends this array with data from the unicode string ustr.
    #[py("fromunicode($self, ustr, /)")]
    fn fromunicode(cx: &mut Cx, this: &Ref<Array>, ustr: &Ref<Str>) -> PyResult<()> {
        if !item::is_text(this.code.get()) {
            return Err(cx.value_error("fromunicode() may only be called on unicode type arrays ('u' or 'w')"));
        }
        append_text(cx, this, ustr)
    }
    /// Return index of first occurrence of v in the array.
    #[py("index($self, v, start=0, stop=9223372036854775807, /)", "($self, v, start=0, stop=sys.maxsize, /)")]
    fn index(cx: &mut Cx, this: &Ref<Array>, v: &Obj, start: Option<SliceIndex>, stop: Option<SliceIndex>) -> PyResult<usize> {
        let (start, stop) = protocol::clamp_range(start.map_or(0, |s| s.0), stop.map_or(i64::MAX, |s| s.0), this.len(cx));
        find(cx, this, v, start, stop)?.ok_or_else(|| cx.value_error("array.index(x): x not in array"))
    }
    /// Insert a new item v into the array before position i.
    #[py("insert($self, i, v, /)")]
    fn insert(cx: &mut Cx, this: &Ref<Array>, i: i64, v: &Obj) -> PyResult<()> {
        let b = item::pack(cx, this.code.get(), v)?;
        let n = this.len(cx) as i64;
        let at = if i < 0 { (i + n).max(0) } else { i.min(n) } as usize;
        this.splice(cx, at, at, &b[..this.item_size()])
    }
    /// Return the i-th element and delete it from the array.
    #[py("pop($self, i=-1, /)")]
    fn pop(cx: &mut Cx, this: &Ref<Array>, i: i64) -> PyResult {
        let n = this.len(cx);
        if n == 0 {
            return Err(cx.index_error("pop from empty array"));
        }
        let at = protocol::wrap_index(i, n).ok_or_else(|| cx.index_error("pop index out of range"))?;
        let v = this.item(cx, at)?.ok_or_else(|| cx.index_error("pop index out of range"))?;
        this.splice(cx, at, at + 1, &[])?;
        Ok(v)
    }
    /// Remove the first occurrence of v in the array.
    #[py("remove($self, v, /)")]
    fn remove(cx: &mut Cx, this: &Ref<Array>, v: &Obj) -> PyResult<()> {
        match find(cx, this, v, 0, usize::MAX)? {
            Some(i) if i < this.len(cx) => this.splice(cx, i, i + 1, &[]),
            _ => Err(cx.value_error("array.remove(x): x not in array")),
        }
    }
    /// Reverse the order of the items in the array.
    #[py("reverse($self, /)")]
    fn reverse(cx: &mut Cx, this: &Ref<Array>) {
        let n = this.item_size();
        let data = this.data.get_mut(cx);
        data.reverse();
        data.chunks_mut(n).for_each(<[u8]>::reverse);
    }
    /// Convert the array to an array of machine values and return the bytes representation.
    #[py("tobytes($self, /)")]
    fn tobytes(cx: &mut Cx, this: &Ref<Array>) -> PyResult {
        Bytes::from_slice(cx, this.data.get(cx))
    }
    /// Write all items (as machine values) to the file object f.
    #[py("tofile($self, f, /)")]
    fn tofile(cx: &mut Cx, this: &Ref<Array>, f: &Obj) -> PyResult<()> {
        let mut at = 0;
        while at < this.data.get(cx).len() {
            let data = this.data.get(cx);
            let part = Bytes::from_slice(cx, &data[at..data.len().min(at + (64 << 10))])?;
            protocol::call_method(cx, f, "write", &[part])?;
            at += 64 << 10;
        }
        Ok(())
    }
    /// Convert array to an ordinary list with the same items.
    #[py("tolist($self, /)")]
    fn tolist(cx: &mut Cx, this: &Ref<Array>) -> PyResult {
        list_of(cx, this)
    }
    /// Extends this array with data from the unicode string ustr.
    #[py("tounicode($self, /)")]
    fn tounicode(cx: &mut Cx, this: &Ref<Array>) -> PyResult {
        text_of(cx, this, "tounicode")
    }
    /// Return a copy of the array.
    #[py("__copy__($self, /)")]
    fn copy(cx: &mut Cx, this: &Ref<Array>) -> PyResult {
        let b = this.data.get(cx).to_vec();
        made(cx, this.code.get(), &b)
    }
    /// Return a copy of the array.
    #[py("__deepcopy__($self, unused, /)")]
    fn deepcopy(cx: &mut Cx, this: &Ref<Array>, unused: &Obj) -> PyResult {
        let _ = unused;
        Array::copy(cx, this)
    }
    /// Return state information for pickling.
    #[py("__reduce_ex__($self, value, /)")]
    fn reduce_ex(cx: &mut Cx, this: &Ref<Array>, value: i64) -> PyResult {
        let o = this.as_obj();
        let state = match protocol::pickle::getstate(cx, o)? {
            s if s.cast::<Tuple>().is_some() => cx.none(),
            s => s,
        };
        let class = o.type_ref().into_obj();
        let code = cx.str(&char::from(this.code.get()).to_string())?;
        if value < 3 {
            let items = list_of(cx, this)?;
            let args = cx.tuple_of([code, items])?;
            return cx.tuple_of([class, args, state]);
        }
        let m = retic_runtime::modules::import(cx, "array")?;
        let name = cx.name("_array_reconstructor");
        let rebuild = protocol::getattr(cx, &m, &name)?;
        let bytes = Array::tobytes(cx, this)?;
        let format = cx.int(item::machine_format(this.code.get()))?;
        let args = cx.tuple_of([class, code, format, bytes])?;
        cx.tuple_of([rebuild, args, state])
    }
    /// Size of the array in memory, in bytes.
    #[py("__sizeof__($self, /)")]
    fn sizeof(cx: &mut Cx, this: &Ref<Array>) -> usize {
        retic_runtime::types::type_::sizes::basic(cx, this.as_obj()) + this.data.get(cx).capacity().saturating_sub(1)
    }
    /// See PEP 585
    #[py("__class_getitem__($type, item, /)")]
    fn class_getitem(cx: &mut Cx, cls: &Ref<Type>, item: &Obj) -> PyResult {
        retic_runtime::types::generic::alias(cx, cls.as_obj(), item)
    }
    /// the size, in bytes, of one array item
    #[get("itemsize")]
    fn itemsize_get(cx: &mut Cx, this: &Ref<Array>) -> PyResult {
        cx.int(this.item_size() as i64)
    }
    /// the typecode character used to create the array
    #[get("typecode")]
    fn typecode_get(cx: &mut Cx, this: &Ref<Array>) -> PyResult {
        cx.str(&char::from(this.code.get()).to_string())
    }
}

/// Width, kind and byte order of a machine format of pickles: ('u', 'i', 'f' or 't', bytes, big-endian).
fn machine_parts(format: i64) -> Option<(u8, usize, bool)> {
    let big = format % 2 == 1;
    Some(match format {
        0 => (b'u', 1, false),
        1 => (b'i', 1, false),
        2 | 3 => (b'u', 2, big),
        4 | 5 => (b'i', 2, big),
        6 | 7 => (b'u', 4, big),
        8 | 9 => (b'i', 4, big),
        10 | 11 => (b'u', 8, big),
        12 | 13 => (b'i', 8, big),
        14 | 15 => (b'f', 4, big),
        16 | 17 => (b'f', 8, big),
        18 | 19 => (b't', 2, big),
        20 | 21 => (b't', 4, big),
        _ => return None,
    })
}

#[retic_macros::methods]
mod functions {
    //! This module defines an object type which can efficiently represent an array of basic values: characters, integers, floating-point numbers.
    use super::*;

    /// Internal. Used for pickling support.
    #[py("_array_reconstructor(arraytype, typecode, mformat_code, items, /)")]
    pub fn array_reconstructor(cx: &mut Cx, arraytype: &Obj, typecode: String, mformat_code: i64, items: &Obj) -> PyResult {
        let own = cx.native_type("array.array");
        let Some(class) = arraytype.cast::<Type>() else {
            return Err(cx.type_error(format!("first argument must be a type object, not {}", arraytype.ty().name_text())));
        };
        if !class.is_subtype(cx, &own) {
            return Err(cx.type_error(format!("{} is not a subtype of array.array", class.name_text())));
        }
        let code = match typecode.as_bytes() {
            [c] if item::size(*c).is_some() => *c,
            _ => return Err(cx.value_error("second argument must be a valid type code")),
        };
        let Some((kind, size, big)) = machine_parts(mformat_code) else {
            return Err(cx.value_error("third argument must be a valid machine format code."));
        };
        let Some(b) = items.cast::<Bytes>().cloned() else {
            return Err(cx.type_error(format!("fourth argument should be bytes, not {}", items.ty().name_text())));
        };
        let letter = cx.str(&char::from(code).to_string())?;
        let a = protocol::call(cx, arraytype, &[letter])?;
        let Some(this) = a.cast::<Array>().cloned() else { return Ok(a) };
        if kind == b't' {
            let coding = cx.str(match (size, big) {
                (2, false) => "utf-16-le",
                (2, true) => "utf-16-be",
                (_, false) => "utf-32-le",
                (_, true) => "utf-32-be",
            })?;
            let text = protocol::call_method(cx, items, "decode", &[coding])?;
            if let Some(s) = text.cast::<Str>().cloned() {
                append_text(cx, &this, &s)?;
            }
            return Ok(a);
        }
        if !b.bytes().len().is_multiple_of(size) {
            return Err(cx.value_error("string length not a multiple of item size"));
        }
        for chunk in b.bytes().chunks(size) {
            let mut one = chunk.to_vec();
            if big {
                one.reverse();
            }
            let letter = match (kind, size) {
                (b'f', 4) => "f",
                (b'f', _) => "d",
                (b'u', 1) => "B",
                (b'u', 2) => "H",
                (b'u', 4) => "I",
                (b'u', _) => "Q",
                (_, 1) => "b",
                (_, 2) => "h",
                (_, 4) => "i",
                _ => "q",
            };
            let v = buffer::unpack_item(cx, letter, &one)?;
            this.push(cx, &v)?;
        }
        Ok(a)
    }
}

pub fn make(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "array", functions::DOC, functions::FUNCTIONS)?;
    let object = cx.types.object.clone();
    interp::native_type(cx, &iterators::spec("array.arrayiterator", 0), &object)?;
    let spec = Spec {
        doc: "array(typecode [, initializer]) -> array\n\nReturn a new array whose items are restricted by typecode, and initialized from the optional initializer value, which must be a list, string or iterable over elements of the appropriate type.",
        flags: flags::GC | flags::MANAGED | flags::WEAK | flags::BASE | flags::SEQUENCE,
        slots: Slots {
            new: Some(new),
            repr: Some(|cx, o| {
                let this = of(o);
                let name = o.ty().short_name();
                let code = char::from(this.code.get());
                if this.len(cx) == 0 {
                    return cx.str(&format!("{name}('{code}')"));
                }
                let items = if item::is_text(this.code.get()) { text_of(cx, &this, "tounicode")? } else { list_of(cx, &this)? };
                let mut out: Vec<u32> = format!("{name}('{code}', ").chars().map(u32::from).collect();
                out.extend(protocol::repr_points(cx, &items)?);
                out.push(u32::from(')'));
                cx.str_points(&out)
            }),
            hash: Some(dunders::unhashable),
            richcompare: Some(compare),
            len: Some(|cx, o| Ok(of(o).len(cx))),
            getitem: Some(getitem),
            setitem: Some(setitem),
            contains: Some(|cx, o, v| find(cx, &of(o), v, 0, usize::MAX).map(|f| f.is_some())),
            iter: Some(|cx, o| {
                let ty = cx.native_type("array.arrayiterator");
                iterators::over(cx, &ty, o)
            }),
            concat: Some(|cx, a, b| {
                let this = of(a);
                let Some(other) = b.cast::<Array>().cloned() else {
                    return Err(cx.type_error(format!("can only append array (not \"{}\") to array", b.ty().name_text())));
                };
                if other.code.get() != this.code.get() {
                    return Err(cx.type_error("bad argument type for built-in operation"));
                }
                let out = [&this.data.get(cx)[..], &other.data.get(cx)[..]].concat();
                made(cx, this.code.get(), &out)
            }),
            repeat: Some(|cx, a, n| {
                let this = of(a);
                match repeated(cx, &this, n)? {
                    Some(b) => made(cx, this.code.get(), &b),
                    None => Ok(cx.not_implemented()),
                }
            }),
            buffer: Some(|cx, o| {
                let this = of(o);
                this.exports.set(this.exports.get() + 1);
                let format = if item::is_text(this.code.get()) { 'w' } else { char::from(this.code.get()) };
                let (n, size) = (this.len(cx), this.item_size());
                Ok(Buffer { format: format.to_string().into(), itemsize: size, shape: Dims::One([n]), strides: Dims::One([size as isize]), ..Buffer::plain(o.clone(), n, false) })
            }),
            storage: Some(|cx, o| o.cast::<Array>().map_or((std::ptr::null(), 0), |a| a.data.get(cx).raw_parts())),
            release_buffer: Some(|_, o| {
                if let Some(a) = o.cast::<Array>() {
                    a.exports.set(a.exports.get().saturating_sub(1));
                }
            }),
            ..Slots::EMPTY.with_inplace(&[
                (Op::Add, |cx, a, b| {
                    if b.cast::<Array>().is_none() {
                        return Err(cx.type_error(format!("can only extend array with array (not \"{}\")", b.ty().name_text())));
                    }
                    extend(cx, &of(a), b)?;
                    Ok(a.clone())
                }),
                (Op::Mul, |cx, a, n| {
                    let this = of(a);
                    let Some(b) = repeated(cx, &this, n)? else { return Ok(cx.not_implemented()) };
                    let len = this.len(cx);
                    this.splice(cx, 0, len, &b)?;
                    Ok(a.clone())
                }),
            ])
        },
        methods: Array::METHODS,
        getset: Array::GETSET,
        ..Spec::new::<Array>("array.array")
    };
    let ty = m.add_type(cx, &spec)?;
    m.set(cx, "ArrayType", ty.as_obj().clone())?;
    let abc = retic_runtime::modules::import::import(cx, "collections.abc")?;
    let key = cx.name("MutableSequence");
    let sequence = protocol::getattr(cx, &abc, &key)?;
    protocol::call_method(cx, &sequence, "register", &[ty.as_obj().clone()])?;
    let codes = cx.str(&item::codes())?;
    m.set(cx, "typecodes", codes)?;
    Ok(m.into_obj())
}
