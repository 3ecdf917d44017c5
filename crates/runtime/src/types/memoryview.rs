//! `memoryview`: bytes of another object as items of a format, in any number of dimensions.

use super::python_buffer::Exported;
use super::type_::{Cmp, flags};
use super::{Bytes, Slots, Spec, Str, Tuple, Type, int};
use crate::cx::{Cx, PyResult};
use crate::layout;
use crate::memory::{self, Ops, OpsOf};
use crate::native::SliceIndex;
use crate::object::{Guarded, Header, Obj, Ref, Trace, Visit};
use crate::protocol::{self, buffer, buffer::Buffer};
use std::cell::Cell;
use std::ptr::NonNull;

layout! {
    /// A view. `view` is empty once it is released. `exports` counts the buffers that `__buffer__` made of it; nothing can be made
    /// of a restricted one.
    pub struct MemoryView = 53, "memoryview" { view: Guarded<Option<Buffer>>, object: Guarded<Option<Obj>>, hash: Cell<i64>, exports: Cell<usize>, restricted: Cell<bool>, }
}
impl Trace for Guarded<Option<Buffer>> {
    fn trace(&self, visit: Visit<'_>) {
        // SAFETY: the collector holds the interpreter; nobody changes the field during the walk.
        if let Some(b) = unsafe { &*self.as_ptr() } {
            visit(&b.exporter);
        }
    }
}

unsafe fn drop_view(raw: NonNull<Header>) {
    // SAFETY: the view is dying; its exporter learns of it first.
    unsafe {
        let m = raw.cast::<MemoryView>().as_ref();
        let cx = &mut *raw.as_ref().ty.get().as_ref().cx.get();
        if let Some(b) = (*m.view.as_ptr()).take() {
            match b.exporter.cast::<Exported>() {
                // Its own death runs what Python has to say.
                Some(e) => _ = e.let_go(),
                None => buffer::release(cx, &b.exporter),
            }
            drop(b);
        }
        (OpsOf::<MemoryView>::OPS.drop)(raw);
    }
}
static OPS: Ops = Ops { drop: drop_view, ..OpsOf::<MemoryView>::OPS };

fn make(cx: &Cx, view: Buffer, object: Option<Obj>) -> PyResult {
    made(cx, view, object).map(Ref::into_obj)
}
fn made(cx: &Cx, view: Buffer, object: Option<Obj>) -> PyResult<Ref<MemoryView>> {
    let (view, object) = (Guarded::new(Some(view)), Guarded::new(object));
    memory::new(cx, &cx.types.memoryview, |head| MemoryView { head, view, object, hash: Cell::new(-1), exports: Cell::new(0), restricted: Cell::new(false) })
}

/// `memoryview(o)`.
pub fn of(cx: &mut Cx, o: &Obj) -> PyResult {
    if let Some(m) = o.cast::<MemoryView>() {
        let view = again(cx, m)?;
        return make(cx, view, m.object.cloned(cx));
    }
    if !buffer::exports(cx, o) {
        return Err(cx.type_error(format!("memoryview: a bytes-like object is required, not '{}'", o.ty().name_text())));
    }
    let b = buffer::get(cx, o)?;
    of_buffer(cx, b)
}
/// A view whose `obj` is None: what it is of is nobody's business.
pub fn nameless(cx: &mut Cx, o: &Obj) -> PyResult {
    let b = buffer::get(cx, o)?;
    make(cx, b, None)
}
/// A view of a buffer.
pub(super) fn of_buffer(cx: &mut Cx, b: Buffer) -> PyResult {
    let exporter = b.exporter.clone();
    make(cx, b, Some(exporter))
}
/// A view that nothing else can be made of.
pub(super) fn restricted(cx: &mut Cx, b: Buffer) -> PyResult<Ref<MemoryView>> {
    let m = made(cx, b, None)?;
    m.restricted.set(true);
    Ok(m)
}

/// One more view of the same exporter.
fn again(cx: &mut Cx, m: &Ref<MemoryView>) -> PyResult<Buffer> {
    let view = lent(cx, m)?;
    match view.exporter.cast::<Exported>() {
        Some(e) => e.hold(),
        None => _ = buffer::get(cx, &view.exporter)?,
    }
    Ok(view)
}

/// What is seen through a view of which something else is made.
pub(super) fn lent(cx: &Cx, m: &Ref<MemoryView>) -> PyResult<Buffer> {
    let view = view(cx, m)?;
    if m.restricted.get() {
        return Err(cx.value_error("cannot create new view on restricted memoryview"));
    }
    Ok(view)
}

/// Ends a view; refuses while `__buffer__` has lent it.
pub(super) fn give_back(cx: &mut Cx, m: &Ref<MemoryView>) -> PyResult<()> {
    match m.exports.get() {
        0 => {
            end(cx, m);
            Ok(())
        }
        n => Err(cx.error_of(&cx.types.buffer_error, format!("memoryview has {n} exported buffer{}", if n == 1 { "" } else { "s" }))),
    }
}
fn end(cx: &mut Cx, m: &Ref<MemoryView>) {
    if let Some(b) = m.view.replace(cx, None) {
        m.object.set(cx, None);
        buffer::release(cx, &b.exporter);
        cx.release_with_error(b);
    }
}
/// The same where the exporter is not told.
pub(super) fn forget(cx: &mut Cx, m: &Ref<MemoryView>) {
    let b = m.view.replace(cx, None);
    cx.release_with_error(b);
}

impl MemoryView {
    /// Whether its bytes lie in one row, as far as it was not released.
    pub(crate) fn in_a_row(&self, cx: &Cx) -> bool {
        self.view.get(cx).as_ref().is_none_or(Buffer::is_c_contiguous)
    }
}

pub(super) fn view(cx: &Cx, m: &Ref<MemoryView>) -> PyResult<Buffer> {
    match m.view.get(cx) {
        Some(b) => Ok(b.clone()),
        None => Err(cx.value_error("operation forbidden on released memoryview object")),
    }
}
fn this(o: &Obj) -> &Ref<MemoryView> {
    // SAFETY: O3, these slots are only reached through views.
    unsafe { o.cast_unchecked::<MemoryView>() }
}

fn item(cx: &mut Cx, v: &Buffer, at: usize) -> PyResult {
    let bytes = buffer::storage(cx, &v.exporter).get(at..at + v.itemsize);
    if let (Some(b), Some(code)) = (bytes, v.code())
        && let Some(item) = buffer::unpack_code(cx, code, b)
    {
        return item;
    }
    match bytes.map(<[u8]>::to_vec) {
        Some(b) => buffer::unpack_item(cx, &v.format, &b),
        None => Err(cx.index_error("index out of bounds")),
    }
}

/// Where an index, or a tuple of one index a dimension, points.
fn locate(cx: &mut Cx, v: &Buffer, keys: &[Obj]) -> PyResult<usize> {
    let mut at = v.start as isize;
    for (d, k) in keys.iter().enumerate() {
        let i = protocol::sequence_index(cx, k, "memoryview")?;
        match protocol::wrap_index(i, v.shape[d]) {
            Some(i) => at += i as isize * v.strides[d],
            None => return Err(cx.index_error(format!("index out of bounds on dimension {}", d + 1))),
        }
    }
    Ok(at as usize)
}

fn sliced(cx: &mut Cx, mut v: Buffer, s: &Ref<super::Slice>) -> PyResult<Buffer> {
    let p = super::slice::resolve(cx, s, v.shape[0])?;
    if p.len > 0 {
        v.start = (v.start as isize + p.start as isize * v.strides[0]) as usize;
    }
    v.shape[0] = p.len;
    v.strides[0] *= p.step as isize;
    Ok(v)
}

/// Where a plain number points in a view of one dimension; nothing where it takes more to say that.
fn place_of(v: &Buffer, k: &Obj) -> Option<usize> {
    let (buffer::Dims::One([n]), buffer::Dims::One([stride])) = (&v.shape, &v.strides) else { return None };
    let i = int::to_i64(k).filter(|_| k.shape() == crate::object::shape::INT)?;
    let i = protocol::wrap_index(i, *n)?;
    Some((v.start as isize + i as isize * stride) as usize)
}

fn getitem(cx: &mut Cx, o: &Obj, k: &Obj) -> PyResult {
    if let Some(v) = this(o).view.get(cx)
        && let (Some(at), Some(code)) = (place_of(v, k), v.code())
        && let Some(bytes) = buffer::storage(cx, &v.exporter).get(at..at + v.itemsize)
        && let Some(item) = buffer::unpack_code(cx, code, bytes)
    {
        return item;
    }
    let v = view(cx, this(o))?;
    if v.shape.is_empty() {
        return match k.cast::<Tuple>() {
            Some(t) if t.items().is_empty() => item(cx, &v, v.start),
            _ if k.is(&cx.consts.ellipsis) => Ok(o.clone()),
            _ => Err(cx.type_error("invalid indexing of 0-dim memory")),
        };
    }
    if let Some(s) = k.cast::<super::Slice>() {
        // The new view is one before anybody may release this one.
        let (of, object) = (again(cx, this(o))?, this(o).object.cloned(cx));
        let exporter = of.exporter.clone();
        return match sliced(cx, of, s) {
            Ok(part) => make(cx, part, object),
            Err(r) => {
                buffer::release(cx, &exporter);
                Err(r)
            }
        };
    }
    if let Some(t) = k.cast::<Tuple>() {
        match t.items().iter().filter(|i| i.cast::<super::Slice>().is_some()).count() {
            0 if t.items().iter().all(|i| i.ty().slots(cx).index.is_some()) => {}
            n if n > 0 && n == t.items().len() => return Err(cx.error_of(&cx.types.not_implemented_error, "multi-dimensional slicing is not implemented")),
            _ => return Err(cx.type_error("memoryview: invalid slice key")),
        }
        if t.items().len() < v.shape.len() {
            return Err(cx.error_of(&cx.types.not_implemented_error, "sub-views are not implemented"));
        }
        if t.items().len() > v.shape.len() {
            return Err(cx.type_error(format!("cannot index {}-dimension view with {}-element tuple", v.shape.len(), t.items().len())));
        }
        let at = locate(cx, &v, t.items())?;
        // Whoever said what its number is may have released the view.
        let v = view(cx, this(o))?;
        return item(cx, &v, at);
    }
    if k.ty().slots(cx).index.is_none() {
        return Err(cx.type_error("memoryview: invalid slice key"));
    }
    if v.shape.len() > 1 {
        return Err(cx.error_of(&cx.types.not_implemented_error, "multi-dimensional sub-views are not implemented"));
    }
    let at = locate(cx, &v, std::slice::from_ref(k))?;
    let v = view(cx, this(o))?;
    item(cx, &v, at)
}

fn setitem(cx: &mut Cx, o: &Obj, k: &Obj, value: Option<&Obj>) -> PyResult<()> {
    if let (Some(v), Some(value)) = (this(o).view.get(cx).as_ref().filter(|v| !v.readonly), value)
        && let (Some(at), Some(code)) = (place_of(v, k), v.code())
        && let Some((bytes, n)) = buffer::pack_code(code, value)
    {
        let exporter = v.exporter.clone();
        if let Some(place) = buffer::storage_mut(cx, &exporter).get_mut(at..at + n) {
            place.copy_from_slice(&bytes[..n]);
            return Ok(());
        }
    }
    let v = view(cx, this(o))?;
    if v.readonly {
        return Err(cx.type_error("cannot modify read-only memory"));
    }
    let Some(value) = value else { return Err(cx.type_error("cannot delete memory")) };
    if let Some(s) = k.cast::<super::Slice>().filter(|_| v.shape.len() == 1) {
        let part = sliced(cx, v, s)?;
        let from = buffer::get(cx, value)?;
        if let Err(e) = view(cx, this(o)) {
            buffer::release(cx, &from.exporter);
            return Err(e);
        }
        let same = from.format == part.format && from.shape == part.shape;
        let bytes = from.gather(cx);
        buffer::release(cx, &from.exporter);
        if !same {
            return Err(cx.value_error("memoryview assignment: lvalue and rvalue have different structures"));
        }
        part.scatter(cx, &bytes?);
        return Ok(());
    }
    let is_slice = |o: &Obj| o.cast::<super::Slice>().is_some();
    if is_slice(k) || k.cast::<Tuple>().is_some_and(|t| !t.items().is_empty() && t.items().iter().all(is_slice)) {
        return Err(cx.error_of(&cx.types.not_implemented_error, "memoryview slice assignments are currently restricted to ndim = 1"));
    }
    let keys = match k.cast::<Tuple>() {
        Some(t) if t.items().iter().all(|i| i.ty().slots(cx).index.is_some()) && t.items().len() != v.shape.len() => {
            let (given, dimensions) = (t.items().len(), v.shape.len());
            return Err(if given < dimensions {
                cx.error_of(&cx.types.not_implemented_error, "sub-views are not implemented")
            } else {
                cx.type_error(format!("cannot index {dimensions}-dimension view with {given}-element tuple"))
            });
        }
        Some(t) => t.items().to_vec(),
        None => vec![k.clone()],
    };
    if keys.len() != v.shape.len() || k.cast::<Tuple>().is_none() && k.ty().slots(cx).index.is_none() {
        return Err(cx.type_error("memoryview: invalid slice key"));
    }
    let at = locate(cx, &v, &keys)?;
    let bytes = buffer::pack_item(cx, &v.format, value)?;
    // Packing may have run Python, which may have released the view.
    let v = view(cx, this(o))?;
    if let Some(place) = buffer::storage_mut(cx, &v.exporter).get_mut(at..at + bytes.len()) {
        place.copy_from_slice(&bytes);
    }
    Ok(())
}

fn nested(cx: &mut Cx, v: &Buffer, dimension: usize, at: isize) -> PyResult {
    if dimension == v.shape.len() {
        return item(cx, v, at as usize);
    }
    let mut out = Vec::new();
    protocol::grow(cx, &mut out, v.shape[dimension])?;
    if let (true, Some(code)) = (dimension + 1 == v.shape.len(), v.code()) {
        while out.len() < v.shape[dimension] {
            let all = buffer::storage(cx, &v.exporter);
            let row = (out.len()..v.shape[dimension]).take(1 << 16).map(|i| (at + i as isize * v.strides[dimension]) as usize);
            let before = out.len();
            for item in row.map_while(|at| all.get(at..at + v.itemsize).and_then(|b| buffer::unpack_code(cx, code, b))) {
                out.push(item?);
            }
            if out.len() == before {
                break;
            }
            cx.poll_native()?;
        }
        if out.len() == v.shape[dimension] {
            return cx.list(out);
        }
        out.clear();
    }
    for i in 0..v.shape[dimension] as isize {
        out.push(nested(cx, v, dimension + 1, at + i * v.strides[dimension])?);
        cx.poll_native()?;
    }
    cx.list(out)
}

fn equal(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult<Option<bool>> {
    if a.is(b) {
        return Ok(Some(true));
    }
    let get = |cx: &mut Cx, o: &Obj| -> PyResult<Option<Buffer>> {
        match o.cast::<MemoryView>() {
            Some(m) => Ok(m.view.get(cx).clone()),
            None if buffer::exports(cx, o) => {
                let b = buffer::get(cx, o)?;
                buffer::release(cx, &b.exporter);
                Ok(Some(b))
            }
            None => Ok(None),
        }
    };
    let other_exports = buffer::exports(cx, b);
    let (Some(x), Some(y)) = (get(cx, a)?, get(cx, b)?) else {
        return Ok(if other_exports { Some(false) } else { None });
    };
    if x.shape != y.shape {
        return Ok(Some(false));
    }
    let plain = |f: &str| f.trim_start_matches('@').to_string();
    if plain(&x.format) == plain(&y.format) && !matches!(plain(&x.format).as_str(), "f" | "d" | "e" | "?") {
        return Ok(Some(x.gather(cx)? == y.gather(cx)?));
    }
    if buffer::item_size(&x.format).is_none() || buffer::item_size(&y.format).is_none() {
        return Ok(Some(false));
    }
    let (p, q) = (x.offsets(), y.offsets());
    for (i, j) in p.into_iter().zip(q) {
        let (m, n) = (item(cx, &x, i)?, item(cx, &y, j)?);
        if !protocol::equal_unidentical(cx, &m, &n)? {
            return Ok(Some(false));
        }
    }
    Ok(Some(true))
}

fn int_tuple(cx: &mut Cx, values: impl Iterator<Item = i64>) -> PyResult {
    let items = values.map(|v| cx.int(v)).collect::<PyResult<Vec<_>>>()?;
    cx.tuple(items)
}

impl MemoryView {
    /// How many there were when the view was whole.
    pub(super) fn dimensions(&self, cx: &Cx) -> usize {
        self.view.get(cx).as_ref().map_or(1, |v| v.shape.len())
    }
}

#[retic_macros::methods]
impl MemoryView {
    /// Return the data in the buffer as a byte string.
    #[py("tobytes($self, /, order='C')")]
    fn tobytes(cx: &mut Cx, this: &Ref<MemoryView>, order: Option<&Obj>) -> PyResult {
        let v = view(cx, this)?;
        let order = match order.filter(|o| !o.is_none()) {
            None => "C".into(),
            Some(o) => match o.cast::<Str>() {
                Some(o) => o.to_text(cx),
                None => return Err(cx.type_error(format!("tobytes() argument 'order' must be str or None, not {}", crate::native::called(o)))),
            },
        };
        let b = match order.as_str() {
            "C" | "A" if order == "C" || !v.is_f_contiguous() => v.gather(cx)?,
            "F" | "A" => {
                let mut turned = v.clone();
                turned.shape.reverse();
                turned.strides.reverse();
                turned.gather(cx)?
            }
            _ => return Err(cx.value_error("order must be 'C', 'F' or 'A'")),
        };
        Bytes::from_slice(cx, &b)
    }
    /// Return the data in the buffer as a list of elements.
    #[py("tolist($self, /)")]
    fn tolist(cx: &mut Cx, this: &Ref<MemoryView>) -> PyResult {
        let v = view(cx, this)?;
        nested(cx, &v, 0, v.start as isize)
    }
    /// Release the underlying buffer exposed by the memoryview object.
    #[py("release($self, /)")]
    fn release(cx: &mut Cx, this: &Ref<MemoryView>) -> PyResult<()> {
        give_back(cx, this)
    }
    /// Return a readonly version of the memoryview.
    #[py("toreadonly($self, /)")]
    fn toreadonly(cx: &mut Cx, this: &Ref<MemoryView>) -> PyResult {
        let mut v = again(cx, this)?;
        v.readonly = true;
        make(cx, v, this.object.cloned(cx))
    }
    /// Return the data in the buffer as a str of hexadecimal numbers.
    #[py("hex($self, sep=<unrepresentable>, bytes_per_sep=1)", "($self, /, sep=<unrepresentable>, bytes_per_sep=1)")]
    fn hex(cx: &mut Cx, this: &Ref<MemoryView>, sep: Option<&Obj>, bytes_per_sep: i64) -> PyResult<String> {
        let b = view(cx, this)?.gather(cx)?;
        super::bytes::methods::hex(cx, &b, sep, bytes_per_sep)
    }
    /// Cast a memoryview to a new format or shape.
    #[py("cast($self, /, format, shape=<unrepresentable>)")]
    fn cast_method(cx: &mut Cx, this: &Ref<MemoryView>, format: &Ref<Str>, shape: Option<&Obj>) -> PyResult {
        let v = view(cx, this)?;
        let format = format.to_text(cx);
        let bytes_like = |f: &str| matches!(f.trim_start_matches('@'), "B" | "b" | "c");
        if !v.is_c_contiguous() {
            return Err(cx.type_error("memoryview: casts are restricted to C-contiguous views"));
        }
        if shape.is_some() && v.shape.len() != 1 && v.shape.len() > 1 || shape.is_none() && v.shape.len() > 1 && !bytes_like(&format) {
            return Err(cx.type_error("memoryview: cast must be 1D -> ND or ND -> 1D"));
        }
        let Some(size) = buffer::item_size(&format) else {
            return Err(cx.value_error("memoryview: destination format must be a native single character format prefixed with an optional '@'"));
        };
        if buffer::item_size(&v.format).is_none() {
            return Err(cx.value_error("memoryview: source format must be a native single character format prefixed with an optional '@'"));
        }
        if !bytes_like(&format) && !bytes_like(&v.format) && format != v.format {
            return Err(cx.type_error("memoryview: cannot cast between two non-byte formats"));
        }
        let n = v.nbytes();
        if n % size != 0 {
            return Err(cx.type_error("memoryview: length is not a multiple of itemsize"));
        }
        let shape = match shape {
            None => vec![n / size],
            Some(s) => {
                if s.cast::<Tuple>().is_none() && s.cast::<super::List>().is_none() {
                    return Err(cx.type_error("shape must be a list or a tuple"));
                }
                let mut out = Vec::new();
                for d in protocol::collect(cx, s)? {
                    match int::to_i64(&d) {
                        Some(d) if d > 0 => out.push(d as usize),
                        Some(_) => return Err(cx.value_error("memoryview.cast(): elements of shape must be integers > 0")),
                        None => return Err(cx.type_error("memoryview.cast(): elements of shape must be integers")),
                    }
                }
                if out.len() > 64 {
                    return Err(cx.value_error("memoryview: number of dimensions must not exceed 64"));
                }
                if out.iter().try_fold(size, |a, b| a.checked_mul(*b)) != Some(n) {
                    return Err(cx.type_error("memoryview: product(shape) * itemsize != buffer size"));
                }
                out
            }
        };
        let mut strides = vec![0isize; shape.len()];
        let mut step = size as isize;
        for (s, n) in strides.iter_mut().zip(&shape).rev() {
            *s = step;
            step *= *n as isize;
        }
        let v = again(cx, this)?;
        make(cx, Buffer { format: format.into(), itemsize: size, shape: shape.into(), strides: strides.into(), ..v }, this.object.cloned(cx))
    }
    /// Count the number of occurrences of a value.
    #[py("count($self, value, /)")]
    fn count(cx: &mut Cx, this: &Ref<MemoryView>, value: &Obj) -> PyResult<usize> {
        let mut n = 0;
        for i in protocol::collect(cx, this.as_obj())? {
            n += usize::from(protocol::equal(cx, &i, value)?);
        }
        Ok(n)
    }
    /// Return the index of the first occurrence of a value.
    #[py("index($self, value, start=0, stop=9223372036854775807, /)", "($self, value, start=0, stop=sys.maxsize, /)")]
    fn index(cx: &mut Cx, this: &Ref<MemoryView>, value: &Obj, start: Option<SliceIndex>, stop: Option<SliceIndex>) -> PyResult<usize> {
        let (start, stop) = (start.map_or(0, |s| s.0), stop.map_or(i64::MAX, |s| s.0));
        let all = protocol::collect(cx, this.as_obj())?;
        let (start, stop) = protocol::clamp_range(start, stop, all.len());
        for (i, item) in all.iter().enumerate().take(stop).skip(start) {
            if protocol::equal(cx, item, value)? {
                return Ok(i);
            }
        }
        Err(cx.value_error("memoryview.index(x): x not found"))
    }
    #[py("__enter__($self, /)")]
    fn enter(cx: &mut Cx, this: &Ref<MemoryView>) -> PyResult {
        view(cx, this)?;
        Ok(this.as_obj().clone())
    }
    /// Release the underlying buffer exposed by the memoryview object.
    #[py("__exit__($self, /, *exc_info)")]
    fn exit(cx: &mut Cx, this: &Ref<MemoryView>, exc_info: &[Obj]) -> PyResult<()> {
        let _ = exc_info;
        MemoryView::release(cx, this)
    }
    /// See PEP 585
    #[py("__class_getitem__($type, object, /)")]
    fn class_getitem(cx: &mut Cx, cls: &Obj, object: &Obj) -> PyResult {
        super::generic::alias(cx, cls, object)
    }
    /// The underlying object of the memoryview.
    #[get("obj")]
    fn obj(cx: &mut Cx, this: &Ref<MemoryView>) -> PyResult<Option<Obj>> {
        view(cx, this)?;
        Ok(this.object.cloned(cx))
    }
    /// The amount of space in bytes that the array would use in a contiguous representation.
    #[get("nbytes")]
    fn nbytes(cx: &mut Cx, this: &Ref<MemoryView>) -> PyResult<usize> {
        Ok(view(cx, this)?.nbytes())
    }
    /// A bool indicating whether the memory is read only.
    #[get("readonly")]
    fn readonly(cx: &mut Cx, this: &Ref<MemoryView>) -> PyResult<bool> {
        Ok(view(cx, this)?.readonly)
    }
    /// The size in bytes of each element of the memoryview.
    #[get("itemsize")]
    fn itemsize(cx: &mut Cx, this: &Ref<MemoryView>) -> PyResult<usize> {
        Ok(view(cx, this)?.itemsize)
    }
    /// A string containing the format (in struct module style) for each element in the view.
    #[get("format")]
    fn format(cx: &mut Cx, this: &Ref<MemoryView>) -> PyResult<String> {
        Ok(view(cx, this)?.format.into_owned())
    }
    /// An integer indicating how many dimensions of a multi-dimensional array the memory represents.
    #[get("ndim")]
    fn ndim(cx: &mut Cx, this: &Ref<MemoryView>) -> PyResult<usize> {
        Ok(view(cx, this)?.shape.len())
    }
    /// A tuple of ndim integers giving the shape of the memory as an N-dimensional array.
    #[get("shape")]
    fn shape(cx: &mut Cx, this: &Ref<MemoryView>) -> PyResult {
        let v = view(cx, this)?;
        int_tuple(cx, v.shape.iter().map(|n| *n as i64))
    }
    /// A tuple of ndim integers giving the size in bytes to access each element for each dimension of the array.
    #[get("strides")]
    fn strides(cx: &mut Cx, this: &Ref<MemoryView>) -> PyResult {
        let v = view(cx, this)?;
        int_tuple(cx, v.strides.iter().map(|n| *n as i64))
    }
    /// A tuple of integers used internally for PIL-style arrays.
    #[get("suboffsets")]
    fn suboffsets(cx: &mut Cx, this: &Ref<MemoryView>) -> PyResult {
        view(cx, this)?;
        cx.tuple(Vec::new())
    }
    /// A bool indicating whether the memory is C contiguous.
    #[get("c_contiguous")]
    fn c_contiguous(cx: &mut Cx, this: &Ref<MemoryView>) -> PyResult<bool> {
        Ok(view(cx, this)?.is_c_contiguous())
    }
    /// A bool indicating whether the memory is Fortran contiguous.
    #[get("f_contiguous")]
    fn f_contiguous(cx: &mut Cx, this: &Ref<MemoryView>) -> PyResult<bool> {
        Ok(view(cx, this)?.is_f_contiguous())
    }
    /// A bool indicating whether the memory is contiguous.
    #[get("contiguous")]
    fn contiguous(cx: &mut Cx, this: &Ref<MemoryView>) -> PyResult<bool> {
        let v = view(cx, this)?;
        Ok(v.is_c_contiguous() || v.is_f_contiguous())
    }
}

fn new(cx: &mut Cx, _ty: &Ref<Type>, args: crate::native::Args<'_>) -> PyResult {
    let object = args.positional().first().or(args.keyword(cx, "object")).cloned();
    match object {
        Some(o) if args.items.len() == 1 => of(cx, &o),
        _ => Err(cx.type_error(if args.items.len() < 2 {
            "memoryview() missing required argument 'object' (pos 1)".to_string()
        } else {
            format!("memoryview() takes at most 1 argument ({} given)", args.items.len())
        })),
    }
}

pub fn spec() -> Spec {
    Spec {
        doc: "Create a new memoryview object which references the given object.",
        text_signature: "(object)",
        flags: flags::GC | flags::MANAGED | flags::WEAK | flags::SEQUENCE,
        ops: &OPS,
        slots: Slots {
            repr: Some(|cx, o| {
                let released = if this(o).view.get(cx).is_none() { "released " } else { "" };
                cx.str(&format!("<{released}memory at {:#x}>", o.address()))
            }),
            hash: Some(|cx, o| {
                let m = this(o).clone();
                if m.hash.get() != -1 {
                    return Ok(m.hash.get());
                }
                let v = view(cx, &m)?;
                if !v.readonly {
                    return Err(cx.value_error("cannot hash writable memoryview object"));
                }
                if !matches!(v.format.trim_start_matches('@'), "B" | "b" | "c") {
                    return Err(cx.value_error("memoryview: hashing is restricted to formats 'B', 'b' or 'c'"));
                }
                if let Some(owner) = m.object.cloned(cx) {
                    protocol::hash(cx, &owner)?;
                }
                let b = v.gather(cx)?;
                let b = Bytes::from_slice(cx, &b)?;
                let h = protocol::hash(cx, &b)?;
                m.hash.set(h);
                Ok(h)
            }),
            richcompare: Some(|cx, a, b, op| {
                if !matches!(op, Cmp::Eq | Cmp::Ne) {
                    return Ok(cx.not_implemented());
                }
                match equal(cx, a, b)? {
                    Some(same) => Ok(cx.bool(same == (op == Cmp::Eq))),
                    None => Ok(cx.not_implemented()),
                }
            }),
            len: Some(|cx, o| {
                let v = view(cx, this(o))?;
                v.shape.first().copied().ok_or_else(|| cx.type_error("0-dim memory has no length"))
            }),
            getitem: Some(getitem),
            setitem: Some(setitem),
            iter: Some(|cx, o| {
                let v = view(cx, this(o))?;
                match v.shape.len() {
                    0 => Err(cx.type_error("invalid indexing of 0-dim memory")),
                    1 => super::iterators::over(cx, &cx.types.memory_iterator.clone(), o),
                    _ => Err(cx.error_of(&cx.types.not_implemented_error, "multi-dimensional sub-views are not implemented")),
                }
            }),
            new: Some(new),
            buffer: Some(|cx, o| {
                let m = this(o).clone();
                again(cx, &m)
            }),
            release_buffer: Some(|_, _| {}),
            ..Slots::EMPTY
        },
        methods: MemoryView::METHODS,
        getset: MemoryView::GETSET,
        ..Spec::new::<MemoryView>("memoryview")
    }
}
