//! The buffer protocol (PEP 3118, 688): what bytes an object shows, and how they are read as items.

use crate::cx::{Cx, PyResult, Raised};
use crate::object::{Obj, Ref};
use crate::protocol;
use crate::types::{Bytes, int, python_buffer};
use std::borrow::Cow;

/// A view of bytes. `exporter` has the slot `storage`; offsets and strides are in bytes.
#[derive(Clone)]
pub struct Buffer {
    pub exporter: Obj,
    pub start: usize,
    pub readonly: bool,
    pub format: Cow<'static, str>,
    pub itemsize: usize,
    pub shape: Dims<usize>,
    pub strides: Dims<isize>,
}

/// A number for each dimension of a view; nearly all have one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dims<T> {
    One([T; 1]),
    Other(Vec<T>),
}
impl<T> From<Vec<T>> for Dims<T> {
    fn from(list: Vec<T>) -> Dims<T> {
        match <[T; 1]>::try_from(list) {
            Ok(one) => Dims::One(one),
            Err(list) => Dims::Other(list),
        }
    }
}
impl<T> std::ops::Deref for Dims<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        match self {
            Dims::One(one) => one,
            Dims::Other(list) => list,
        }
    }
}
impl<T> std::ops::DerefMut for Dims<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        match self {
            Dims::One(one) => one,
            Dims::Other(list) => list,
        }
    }
}

impl Buffer {
    /// A row of unsigned bytes.
    pub fn plain(exporter: Obj, len: usize, readonly: bool) -> Buffer {
        Buffer { exporter, start: 0, readonly, format: "B".into(), itemsize: 1, shape: Dims::One([len]), strides: Dims::One([1]) }
    }
    /// The format where it is one letter.
    pub fn code(&self) -> Option<u8> {
        match self.format.strip_prefix('@').unwrap_or(&self.format).as_bytes() {
            [code] => Some(*code),
            _ => None,
        }
    }
    /// Bytes of all items.
    pub fn nbytes(&self) -> usize {
        self.shape.iter().product::<usize>() * self.itemsize
    }
    pub fn is_c_contiguous(&self) -> bool {
        let mut expected = self.itemsize as isize;
        self.nbytes() == 0
            || self.shape.iter().zip(self.strides.iter()).rev().all(|(n, s)| {
                let ok = *n == 1 || *s == expected;
                expected *= *n as isize;
                ok
            })
    }
    pub fn is_f_contiguous(&self) -> bool {
        let mut expected = self.itemsize as isize;
        self.nbytes() == 0
            || self.shape.iter().zip(self.strides.iter()).all(|(n, s)| {
                let ok = *n == 1 || *s == expected;
                expected *= *n as isize;
                ok
            })
    }
    /// Offsets of the items in C order.
    pub fn offsets(&self) -> Vec<usize> {
        let mut out = vec![self.start as isize];
        for (n, s) in self.shape.iter().zip(self.strides.iter()) {
            out = out.into_iter().flat_map(|o| (0..*n as isize).map(move |i| o + i * s)).collect();
        }
        out.into_iter().map(|o| o as usize).collect()
    }
    /// The bytes of a contiguous buffer. Whoever shows them keeps them as long as there are views; one that did not shows nothing.
    fn row<'a>(&'a self, cx: &'a Cx) -> PyResult<&'a [u8]> {
        storage(cx, &self.exporter).get(self.start..self.start + self.nbytes()).ok_or_else(|| gone(cx))
    }
    /// A copy of the bytes of all items in C order.
    pub fn gather(&self, cx: &Cx) -> PyResult<Vec<u8>> {
        let mut out = Vec::new();
        protocol::grow(cx, &mut out, self.nbytes())?;
        if self.is_c_contiguous() {
            out.extend_from_slice(self.row(cx)?);
        } else {
            let all = storage(cx, &self.exporter);
            for o in self.offsets() {
                out.extend_from_slice(all.get(o..o + self.itemsize).ok_or_else(|| gone(cx))?);
            }
        }
        Ok(out)
    }
    /// Writes bytes over all items in C order; `bytes` has `nbytes` of them.
    pub fn scatter(&self, cx: &mut Cx, bytes: &[u8]) {
        let (contiguous, offsets) = (self.is_c_contiguous(), if self.is_c_contiguous() { Vec::new() } else { self.offsets() });
        let all = storage_mut(cx, &self.exporter);
        let mut put = |at: usize, part: &[u8]| {
            if let Some(place) = all.get_mut(at..at + part.len()) {
                place.copy_from_slice(part);
            }
        };
        if contiguous {
            put(self.start, bytes);
        } else {
            offsets.into_iter().zip(bytes.chunks(self.itemsize.max(1))).for_each(|(o, item)| put(o, item));
        }
    }
}

fn gone(cx: &Cx) -> Raised {
    cx.value_error("operation forbidden on released memoryview object")
}

/// All bytes of an exporter.
pub fn storage<'a>(cx: &'a Cx, o: &'a Obj) -> &'a [u8] {
    match o.ty().slots(cx).storage {
        // SAFETY: the slot hands out the object's live bytes; they move or go only under `&mut Cx`.
        Some(f) => unsafe {
            let (at, len) = f(cx, o);
            std::slice::from_raw_parts(at, len)
        },
        None => &[],
    }
}
/// As `storage`, to change. Only for exporters that are not read-only.
pub fn storage_mut<'a>(cx: &'a mut Cx, o: &'a Obj) -> &'a mut [u8] {
    match o.ty().slots(cx).storage {
        // SAFETY: as above; `&mut Cx` is unique.
        Some(f) => unsafe {
            let (at, len) = f(cx, o);
            std::slice::from_raw_parts_mut(at.cast_mut(), len)
        },
        None => &mut [],
    }
}

/// Whether an object has a buffer.
pub fn exports(cx: &Cx, o: &Obj) -> bool {
    o.ty().slots(cx).buffer.is_some()
}

/// The buffer of an object. Give it back with `release`.
pub fn get(cx: &mut Cx, o: &Obj) -> PyResult<Buffer> {
    match o.ty().slots(cx).buffer {
        Some(f) => f(cx, o),
        None => Err(cx.type_error(format!("a bytes-like object is required, not '{}'", o.ty().name_text()))),
    }
}
/// A buffer to write into; `argument` begins the refusal (`"readinto() argument"`). The caller releases it.
pub fn writable(cx: &mut Cx, o: &Obj, argument: &str) -> PyResult<Buffer> {
    let b = match o.ty().slots(cx).buffer {
        Some(f) if std::ptr::fn_addr_eq(f, python_buffer::get as fn(&mut Cx, &Obj) -> PyResult<Buffer>) => python_buffer::asked(cx, o, python_buffer::WRITABLE)?,
        Some(f) => f(cx, o)?,
        None => Buffer::plain(o.clone(), 0, true),
    };
    if b.readonly || !b.is_c_contiguous() {
        if exports(cx, o) {
            release(cx, &b.exporter);
        }
        return Err(cx.type_error(format!("{argument} must be read-write bytes-like object, not {}", crate::native::called(o))));
    }
    Ok(b)
}
/// Writes bytes over the beginning of a writable buffer.
pub fn fill(cx: &mut Cx, b: &Buffer, data: &[u8]) {
    let part = Buffer { shape: Dims::One([data.len()]), strides: Dims::One([1]), itemsize: 1, ..b.clone() };
    part.scatter(cx, data);
}
/// Ends a view got from `get`.
pub fn release(cx: &mut Cx, exporter: &Obj) {
    if let Some(f) = exporter.ty().slots(cx).release_buffer {
        f(cx, exporter);
    }
}

/// The bytes of an argument for as long as they are needed: those of a `bytes` object itself, of others a copy.
pub enum Held {
    Bytes(Ref<Bytes>),
    Copied(Vec<u8>),
    One(u8),
}
impl std::ops::Deref for Held {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match self {
            Held::Bytes(b) => b.bytes(),
            Held::Copied(v) => v,
            Held::One(b) => std::slice::from_ref(b),
        }
    }
}
/// Whether an object has a buffer whose bytes lie in one row, in their order.
pub fn in_a_row(cx: &Cx, o: &Obj) -> bool {
    exports(cx, o) && o.cast::<crate::types::memoryview::MemoryView>().is_none_or(|m| m.in_a_row(cx))
}
/// A buffer for those that take bytes in a row only.
fn get_row(cx: &mut Cx, o: &Obj) -> PyResult<Buffer> {
    let b = get(cx, o)?;
    if b.is_c_contiguous() {
        return Ok(b);
    }
    release(cx, &b.exporter);
    Err(cx.error_of(&cx.types.buffer_error, "memoryview: underlying buffer is not C-contiguous"))
}

/// The bytes of a bytes-like object, to be kept while Python may run.
pub fn held(cx: &mut Cx, o: &Obj) -> PyResult<Held> {
    match o.cast::<Bytes>() {
        Some(b) => Ok(Held::Bytes(b.clone())),
        None => bytes(cx, o).map(Held::Copied),
    }
}
/// Looks at the bytes of a bytes-like object, without a copy.
pub fn look<T>(cx: &mut Cx, o: &Obj, f: impl FnOnce(&Cx, &[u8]) -> PyResult<T>) -> PyResult<T> {
    if let Some(b) = o.cast::<Bytes>() {
        return f(cx, b.bytes());
    }
    let b = get_row(cx, o)?;
    let out = b.row(cx).and_then(|row| f(cx, row));
    release(cx, &b.exporter);
    out
}
/// The same with two objects.
pub fn look_at_both<T>(cx: &mut Cx, x: &Obj, y: &Obj, f: impl FnOnce(&Cx, &[u8], &[u8]) -> PyResult<T>) -> PyResult<T> {
    let (a, b) = (get(cx, x)?, get(cx, y));
    let out = match &b {
        Ok(b) if a.is_c_contiguous() && b.is_c_contiguous() => a.row(cx).and_then(|x| f(cx, x, b.row(cx)?)),
        Ok(b) => a.gather(cx).and_then(|x| f(cx, &x, &b.gather(cx)?)),
        Err(e) => Err(*e),
    };
    release(cx, &a.exporter);
    if let Ok(b) = b {
        release(cx, &b.exporter);
    }
    out
}

/// A copy of the bytes of a bytes-like object.
pub fn bytes(cx: &mut Cx, o: &Obj) -> PyResult<Vec<u8>> {
    look(cx, o, |cx, row| {
        let mut out = Vec::new();
        protocol::grow(cx, &mut out, row.len())?;
        out.extend_from_slice(row);
        Ok(out)
    })
}
/// The same, also of items that do not lie in one row.
pub fn gathered(cx: &mut Cx, o: &Obj) -> PyResult<Vec<u8>> {
    if o.cast::<Bytes>().is_some() {
        return bytes(cx, o);
    }
    let b = get(cx, o)?;
    let out = b.gather(cx);
    release(cx, &b.exporter);
    out
}

/// Bytes of one item of a native format; `None` for formats that are not one native item.
pub fn item_size(format: &str) -> Option<usize> {
    Some(match format.strip_prefix('@').unwrap_or(format) {
        "b" | "B" | "c" | "?" => 1,
        "h" | "H" | "e" => 2,
        "i" | "I" | "f" => 4,
        "l" | "L" | "q" | "Q" | "n" | "N" | "d" | "P" => 8,
        _ => return None,
    })
}

/// One item as an object.
pub fn unpack_item(cx: &mut Cx, format: &str, b: &[u8]) -> PyResult {
    let known = match format.strip_prefix('@').unwrap_or(format).as_bytes() {
        [code] => unpack_code(cx, *code, b),
        _ => None,
    };
    known.unwrap_or_else(|| Err(cx.error_of(&cx.types.not_implemented_error, format!("memoryview: format {format} not supported"))))
}

/// The same for one of the letters; nothing for another.
#[inline]
pub fn unpack_code(cx: &Cx, code: u8, b: &[u8]) -> Option<PyResult> {
    let n = b.len().clamp(1, 8);
    let unsigned = match b {
        [a, b, c, d, e, f, g, h] => u64::from_le_bytes([*a, *b, *c, *d, *e, *f, *g, *h]),
        [a, b, c, d] => u64::from(u32::from_le_bytes([*a, *b, *c, *d])),
        [a, b] => u64::from(u16::from_le_bytes([*a, *b])),
        [a] => u64::from(*a),
        _ => b.iter().take(8).rev().fold(0, |v, b| v << 8 | u64::from(*b)),
    };
    let signed = (unsigned as i64) << (64 - 8 * n) >> (64 - 8 * n);
    Some(match code {
        b'B' | b'H' | b'I' => cx.int(unsigned as i64),
        b'L' | b'Q' | b'N' | b'P' => int::from_u64(cx, unsigned),
        b'b' | b'h' | b'i' | b'l' | b'q' | b'n' => cx.int(signed),
        b'f' => cx.float(f64::from(f32::from_bits(unsigned as u32))),
        b'd' => cx.float(f64::from_bits(unsigned)),
        b'e' => cx.float(retic_numbers::half::to_f64(unsigned as u16)),
        b'?' => Ok(cx.bool(unsigned & 0xff != 0)),
        b'c' => Bytes::from_slice(cx, b),
        _ => return None,
    })
}

/// The bytes of a plain number as an item of one of the letters, and how many they are; nothing where it does not fit, or it
/// takes more to say.
pub fn pack_code(code: u8, o: &Obj) -> Option<([u8; 8], usize)> {
    use crate::object::shape;
    if matches!(code, b'd' | b'f') {
        let v = o.cast::<crate::types::Float>().filter(|_| o.shape() == shape::FLOAT)?.value.get();
        let bits = if code == b'd' { v.to_bits() } else { u64::from((v as f32).to_bits()) };
        return Some((bits.to_le_bytes(), if code == b'd' { 8 } else { 4 }));
    }
    let v = int::to_i64(o).filter(|_| o.shape() == shape::INT)?;
    let (fits, n) = match code {
        b'b' => (i8::try_from(v).is_ok(), 1),
        b'B' => (u8::try_from(v).is_ok(), 1),
        b'h' => (i16::try_from(v).is_ok(), 2),
        b'H' => (u16::try_from(v).is_ok(), 2),
        b'i' => (i32::try_from(v).is_ok(), 4),
        b'I' => (u32::try_from(v).is_ok(), 4),
        b'l' | b'q' | b'n' => (true, 8),
        b'L' | b'Q' | b'N' => (v >= 0, 8),
        _ => return None,
    };
    fits.then(|| (v.to_le_bytes(), n))
}

/// The bytes of an item.
pub fn pack_item(cx: &mut Cx, format: &str, o: &Obj) -> PyResult<Vec<u8>> {
    let kind = format.strip_prefix('@').unwrap_or(format);
    let Some(size) = item_size(kind) else {
        return Err(cx.error_of(&cx.types.not_implemented_error, format!("memoryview: format {format} not supported")));
    };
    let range = |cx: &Cx| cx.value_error(format!("memoryview: invalid value for format '{kind}'"));
    let wrong = |cx: &Cx| cx.type_error(format!("memoryview: invalid type for format '{kind}'"));
    match kind {
        "f" | "d" | "e" => {
            let Ok(v) = protocol::as_f64(cx, o) else {
                cx.clear_error();
                return Err(wrong(cx));
            };
            Ok(match kind {
                "f" => (v as f32).to_le_bytes().to_vec(),
                "d" => v.to_le_bytes().to_vec(),
                _ => match retic_numbers::half::from_f64(v) {
                    Some(h) => h.to_le_bytes().to_vec(),
                    None => return Err(range(cx)),
                },
            })
        }
        "?" => Ok(vec![u8::from(protocol::truth(cx, o)?)]),
        "c" => match o.cast::<Bytes>().map(|b| b.bytes()) {
            Some([one]) => Ok(vec![*one]),
            Some(_) => Err(range(cx)),
            None => Err(wrong(cx)),
        },
        _ => {
            if o.ty().slots(cx).index.is_none() {
                return Err(wrong(cx));
            }
            let i = protocol::index(cx, o)?;
            let v: i128 = match (int::to_i64(&i), int::to_u64(&i)) {
                (Some(v), _) => i128::from(v),
                (None, Some(v)) => i128::from(v),
                _ => return Err(range(cx)),
            };
            let bits = 8 * size as u32;
            let (low, high) = if kind.chars().all(char::is_lowercase) { (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1) } else { (0, (1i128 << bits) - 1) };
            if v < low || v > high {
                return Err(range(cx));
            }
            Ok((v as u64).to_le_bytes()[..size].to_vec())
        }
    }
}
