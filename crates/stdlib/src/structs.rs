//! `_struct`: values to packed bytes and back.

use retic_runtime::object::Guarded;
use retic_runtime::types::code::Hidden;
use retic_runtime::types::type_::flags;
use retic_runtime::types::{Bytes, Float, Slots, Spec, Str, Tuple, complex, int, module};
use retic_runtime::{Args, Cx, Obj, PyResult, Raised, Ref, layout, memory, protocol};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// One item of a format: its letter, how often, bytes of one, where it begins.
#[derive(Clone, Copy, Debug)]
struct Field {
    kind: u8,
    count: usize,
    size: usize,
    offset: usize,
}
impl Field {
    /// How many values it stands for.
    fn values(&self) -> usize {
        if matches!(self.kind, b's' | b'p') { 1 } else { self.count }
    }
}
/// A format taken apart.
#[derive(Clone, Debug, Default)]
struct Format {
    fields: Vec<Field>,
    size: usize,
    values: usize,
    big: bool,
    /// The machine's own sizes and places; a large float becomes an infinity.
    native: bool,
}

/// The letters of a format, and what they say.
type Recent = (Vec<u8>, Rc<Format>);

thread_local! {
    /// Formats that functions were given last, by the end of their hash.
    static RECENT: RefCell<[Option<Recent>; RECENT_MAX]> = const { RefCell::new([const { None }; RECENT_MAX]) };
}
const RECENT_MAX: usize = 32;
/// Values between two polls.
const POLL_ROUNDS: usize = 4096;

layout! {
    /// A compiled format.
    pub struct StructObj = 260, "_struct.Struct" { format: Hidden<RefCell<Rc<Format>>>, text: Guarded<Option<Obj>>, }
}
layout! {
    /// A walk over packed items of one format.
    pub struct Unpacker = 261, "_struct.unpack_iterator" { format: Guarded<Obj>, data: Guarded<Obj>, at: Cell<usize>, }
}

fn error(cx: &Cx, text: impl AsRef<str>) -> Raised {
    let class = cx.native_type("struct.error");
    cx.error_of(&class, text)
}

/// The letters of a format given as text or bytes.
fn letters<'a>(cx: &mut Cx, o: &'a Obj) -> PyResult<&'a [u8]> {
    let text = match (o.cast::<Str>(), o.cast::<Bytes>()) {
        (Some(s), _) => match s.ascii_bytes() {
            Some(a) => a,
            None => {
                retic_runtime::codecs::encode(cx, s, "ascii", "strict")?;
                return Err(error(cx, "bad char in struct format"));
            }
        },
        (_, Some(b)) => b.bytes(),
        _ => return Err(cx.type_error(format!("Struct() argument 1 must be a str or bytes object, not {}", o.ty().name_text()))),
    };
    if text.contains(&0) { Err(error(cx, "embedded null character")) } else { Ok(text) }
}

fn parse(cx: &Cx, text: &[u8]) -> PyResult<Format> {
    let (native, big, rest) = match text.first() {
        Some(b'@') => (true, false, &text[1..]),
        Some(b'=' | b'<') => (false, false, &text[1..]),
        Some(b'>' | b'!') => (false, true, &text[1..]),
        _ => (true, false, text),
    };
    let mut f = Format { big, native, ..Format::default() };
    let mut i = 0;
    while i < rest.len() {
        let c = rest[i];
        i += 1;
        if matches!(c, b' ' | 9..=13) {
            continue;
        }
        let mut count = 1usize;
        let mut c = c;
        if c.is_ascii_digit() {
            count = (c - b'0') as usize;
            loop {
                match rest.get(i) {
                    Some(d) if d.is_ascii_digit() => {
                        count = match count.checked_mul(10).and_then(|n| n.checked_add((d - b'0') as usize)).filter(|n| *n <= isize::MAX as usize) {
                            Some(n) => n,
                            None => return Err(error(cx, "total struct size too long")),
                        };
                        i += 1;
                    }
                    Some(d) => {
                        c = *d;
                        i += 1;
                        break;
                    }
                    None => return Err(error(cx, "repeat count given without format specifier")),
                }
            }
        }
        let size = match c {
            b'x' | b'c' | b'b' | b'B' | b'?' | b's' | b'p' => 1,
            b'h' | b'H' | b'e' => 2,
            b'i' | b'I' | b'f' => 4,
            b'l' | b'L' => {
                if native {
                    8
                } else {
                    4
                }
            }
            b'q' | b'Q' | b'd' => 8,
            b'F' => 8,
            b'D' => 16,
            b'n' | b'N' | b'P' if native => 8,
            _ => return Err(error(cx, "bad char in struct format")),
        };
        if native {
            let align = if c == b'F' { 4 } else { size.min(8) };
            f.size = f.size.div_ceil(align) * align;
        }
        let total = count.checked_mul(size).and_then(|n| n.checked_add(f.size)).filter(|n| *n <= isize::MAX as usize);
        let Some(total) = total else { return Err(error(cx, "total struct size too long")) };
        match c {
            b'x' => {}
            b's' | b'p' => {
                f.fields.push(Field { kind: c, count, size, offset: f.size });
                f.values += 1;
            }
            _ => {
                if count > 0 {
                    f.fields.push(Field { kind: c, count, size, offset: f.size });
                }
                f.values += count;
            }
        }
        f.size = total;
    }
    Ok(f)
}

/// Writes an int into as many bytes as `out` has, the lowest first.
#[inline]
fn pack_int(cx: &mut Cx, kind: u8, v: &Obj, out: &mut [u8]) -> PyResult<()> {
    let bits = 8 * out.len() as u32;
    if let Some(n) = int::to_i64(v) {
        let spare = 64 - bits;
        let fits = if kind == b'P' || spare == 0 && kind.is_ascii_lowercase() {
            true
        } else if kind.is_ascii_lowercase() {
            n << spare >> spare == n
        } else {
            n >= 0 && (spare == 0 || n >> bits == 0)
        };
        if fits {
            write(out, n as u64);
            return Ok(());
        }
    }
    pack_rare_int(cx, kind, bits, v, out)
}
/// The same for what has `__index__`, for large numbers, and for those that do not fit.
#[inline(never)]
fn pack_rare_int(cx: &mut Cx, kind: u8, bits: u32, v: &Obj, out: &mut [u8]) -> PyResult<()> {
    if v.ty().slots(cx).index.is_none() {
        return Err(error(cx, "required argument is not an integer"));
    }
    let i = protocol::index(cx, v)?;
    let n: Option<i128> = int::to_i64(&i).map(i128::from).or_else(|| int::to_u64(&i).map(i128::from));
    let (low, high) = match kind {
        // A pointer may be written as a signed number.
        b'P' => (i128::from(i64::MIN), i128::from(u64::MAX)),
        k if k.is_ascii_lowercase() => (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1),
        _ => (0, (1i128 << bits) - 1),
    };
    match n.filter(|n| (low..=high).contains(n)) {
        Some(n) => {
            write(out, n as u64);
            Ok(())
        }
        None if kind == b'P' => Err(error(cx, "int too large to convert")),
        None => Err(error(cx, format!("'{}' format requires {low} <= number <= {high}", kind as char))),
    }
}
/// The lowest bytes of a number.
#[inline(always)]
fn write(out: &mut [u8], n: u64) {
    let b = n.to_le_bytes();
    match out {
        [a] => *a = b[0],
        [_, _] => out.copy_from_slice(&b[..2]),
        [_, _, _, _] => out.copy_from_slice(&b[..4]),
        _ => out.copy_from_slice(&b[..out.len()]),
    }
}

/// Writes a float, the lowest byte first.
fn pack_float(cx: &Cx, f: &Format, kind: u8, x: f64, out: &mut [u8]) -> PyResult<()> {
    match kind {
        b'd' | b'D' => out.copy_from_slice(&x.to_le_bytes()),
        b'f' | b'F' => {
            let y = x as f32;
            if y.is_infinite() && x.is_finite() && !f.native {
                return Err(cx.overflow_error("float too large to pack with f format"));
            }
            out.copy_from_slice(&y.to_le_bytes());
        }
        _ => match retic_numbers::half::from_f64(x) {
            Some(h) => out.copy_from_slice(&h.to_le_bytes()),
            None => return Err(cx.overflow_error("float too large to pack with e format")),
        },
    }
    Ok(())
}

/// The bytes of a buffer: those of a bytes object themselves, others copied.
fn bytes_of<'a>(cx: &mut Cx, o: &'a Obj, copied: &'a mut Vec<u8>) -> PyResult<&'a [u8]> {
    if let Some(b) = o.cast::<Bytes>() {
        return Ok(b.bytes());
    }
    *copied = protocol::buffer::bytes(cx, o)?;
    Ok(copied)
}

/// Writes one value into its bytes, as many as it takes; for text as many as there are.
#[inline]
fn pack_one(cx: &mut Cx, f: &Format, kind: u8, v: &Obj, out: &mut [u8]) -> PyResult<()> {
    match kind {
        b's' | b'p' => {
            if v.cast::<Bytes>().is_none() && v.cast::<retic_runtime::types::ByteArray>().is_none() {
                return Err(error(cx, format!("argument for '{}' must be a bytes object", kind as char)));
            }
            let mut copied = Vec::new();
            let b = bytes_of(cx, v, &mut copied)?;
            if kind == b's' {
                let n = b.len().min(out.len());
                out[..n].copy_from_slice(&b[..n]);
            } else if let Some((length, rest)) = out.split_first_mut() {
                // All that fits is written, though the length byte counts no further than 255.
                let n = b.len().min(rest.len());
                *length = n.min(255) as u8;
                rest[..n].copy_from_slice(&b[..n]);
            }
            return Ok(());
        }
        b'c' => match v.cast::<Bytes>().map(|b| b.bytes()) {
            Some([one]) => out[0] = *one,
            _ => return Err(error(cx, "char format requires a bytes object of length 1")),
        },
        b'?' => out[0] = u8::from(protocol::truth(cx, v)?),
        b'e' | b'f' | b'd' => {
            let x = match v.cast::<Float>() {
                Some(x) => x.value.get(),
                None => match protocol::as_f64(cx, v) {
                    Ok(x) => x,
                    Err(_) => {
                        cx.clear_error();
                        return Err(error(cx, "required argument is not a float"));
                    }
                },
            };
            pack_float(cx, f, kind, x, out)?;
        }
        b'F' | b'D' => {
            let Ok((re, im)) = complex::of_any(cx, v) else {
                cx.clear_error();
                return Err(error(cx, "required argument is not a complex"));
            };
            let (first, second) = out.split_at_mut(out.len() / 2);
            pack_float(cx, f, kind, re, first)?;
            pack_float(cx, f, kind, im, second)?;
            if f.big {
                first.reverse();
                second.reverse();
            }
            return Ok(());
        }
        kind => pack_int(cx, kind, v, out)?,
    }
    if f.big {
        out.reverse();
    }
    Ok(())
}

fn pack(cx: &mut Cx, f: &Format, values: &[Obj], name: &str) -> PyResult {
    if values.len() != f.values {
        return Err(error(cx, format!("{name} expected {} items for packing (got {})", f.values, values.len())));
    }
    const USUAL: usize = 64;
    if f.size <= USUAL {
        let mut out = [0; USUAL];
        pack_into_bytes(cx, f, values, &mut out[..f.size])?;
        return Bytes::from_slice(cx, &out[..f.size]);
    }
    protocol::check_size(cx, f.size, 1, 1)?;
    let mut out = vec![0u8; f.size];
    pack_into_bytes(cx, f, values, &mut out)?;
    Bytes::from_slice(cx, &out)
}
/// Writes the values, as many as there are, into the bytes of one format, which are zero.
fn pack_into_bytes(cx: &mut Cx, f: &Format, values: &[Obj], out: &mut [u8]) -> PyResult<()> {
    let mut values = values.iter();
    for field in &f.fields {
        let width = if matches!(field.kind, b's' | b'p') { field.count } else { field.size };
        for k in 0..field.values() {
            let Some(v) = values.next() else { break };
            let at = field.offset + k * field.size;
            pack_one(cx, f, field.kind, v, &mut out[at..at + width])?;
            if k % POLL_ROUNDS == POLL_ROUNDS - 1 {
                cx.poll_native()?;
            }
        }
    }
    Ok(())
}

/// The value that some bytes stand for.
#[inline]
fn unpack_one(cx: &mut Cx, f: &Format, kind: u8, data: &[u8]) -> PyResult {
    match kind {
        b's' | b'c' => return Bytes::from_slice(cx, data),
        b'p' => {
            let n = data.first().map_or(0, |n| usize::from(*n).min(data.len() - 1));
            return Bytes::from_slice(cx, data.get(1..=n).unwrap_or_default());
        }
        b'F' | b'D' => {
            let part = |half: &[u8]| {
                let mut b = [0; 8];
                b[..half.len()].copy_from_slice(half);
                if f.big {
                    b[..half.len()].reverse();
                }
                if kind == b'D' { f64::from_le_bytes(b) } else { f64::from(f32::from_bits(u64::from_le_bytes(b) as u32)) }
            };
            let (re, im) = data.split_at(data.len() / 2);
            return complex::make(cx, part(re), part(im));
        }
        _ => {}
    }
    let mut b = [0; 8];
    let b = &mut b[..data.len().min(8)];
    b.copy_from_slice(&data[..b.len()]);
    if f.big {
        b.reverse();
    }
    let known = protocol::buffer::unpack_code(cx, kind, b);
    known.unwrap_or_else(|| Err(error(cx, "bad char in struct format")))
}

fn unpack(cx: &mut Cx, f: &Format, data: &[u8]) -> PyResult {
    const USUAL: usize = 8;
    if f.values > USUAL {
        protocol::check_size(cx, f.values, 8, 1)?;
        let mut out = Vec::with_capacity(f.values);
        unpack_each(cx, f, data, &mut |_, v| out.push(v))?;
        return cx.tuple(out);
    }
    if f.values == 1 {
        let mut out = None;
        unpack_each(cx, f, data, &mut |_, v| out = Some(v))?;
        return cx.tuple_of([out.unwrap_or_else(|| cx.none())]);
    }
    let mut out = [const { None }; USUAL];
    unpack_each(cx, f, data, &mut |i, v| out[i] = Some(v))?;
    let none = cx.none();
    Tuple::with(cx, f.values, |i| out[i].take().unwrap_or_else(|| none.clone()))
}
#[inline(always)]
fn unpack_each(cx: &mut Cx, f: &Format, data: &[u8], take: &mut impl FnMut(usize, Obj)) -> PyResult<()> {
    let mut i = 0;
    for field in &f.fields {
        let width = if matches!(field.kind, b's' | b'p') { field.count } else { field.size };
        for k in 0..field.values() {
            let at = field.offset + k * field.size;
            let v = unpack_one(cx, f, field.kind, &data[at..at + width])?;
            take(i, v);
            i += 1;
            if i % POLL_ROUNDS == 0 {
                cx.poll_native()?;
            }
        }
    }
    Ok(())
}

fn format_of(cx: &Cx, this: &Ref<StructObj>) -> PyResult<Rc<Format>> {
    if this.text.get(cx).is_none() {
        return Err(cx.runtime_error("Struct object is not initialized"));
    }
    Ok(this.format.0.borrow().clone())
}

/// Where a format of `size` bytes begins in a buffer of `n`, counted from its end if `offset` is negative. The sentences
/// are CPython's: `name` and `doing` say who asks, and for what.
fn place(cx: &mut Cx, offset: i64, n: usize, size: usize, name: &str, doing: &str) -> PyResult<usize> {
    let (wide, len, need) = (i128::from(offset), n as i128, size as i128);
    let at = if offset < 0 { wide + len } else { wide };
    if offset < 0 && at + need > len || at < 0 {
        let text = match at {
            ..0 => format!("offset {offset} out of range for {n}-byte buffer"),
            _ if doing == "packing" => format!("no space to pack {size} bytes at offset {offset}"),
            _ => format!("not enough data to unpack {size} bytes at offset {offset}"),
        };
        return Err(error(cx, text));
    }
    if at + need > len {
        return Err(error(cx, format!("{name} requires a buffer of at least {} bytes for {doing} {size} bytes at offset {at} (actual buffer size is {n})", at + need)));
    }
    Ok(at as usize)
}

fn pack_into(cx: &mut Cx, f: &Format, buffer: &Obj, offset: i64, values: &[Obj], name: &str) -> PyResult<()> {
    let data = pack(cx, f, values, name)?;
    let data = data.cast::<Bytes>().map_or(&[][..], |b| b.bytes());
    let b = protocol::buffer::writable(cx, buffer, "argument")?;
    let result = place(cx, offset, b.nbytes(), f.size, name, "packing").map(|at| {
        let part =
            protocol::buffer::Buffer { start: b.start + at, shape: protocol::buffer::Dims::One([data.len()]), strides: protocol::buffer::Dims::One([1]), itemsize: 1, ..b.clone() };
        part.scatter(cx, data);
    });
    protocol::buffer::release(cx, &b.exporter);
    result
}

fn unpack_whole(cx: &mut Cx, f: &Format, buffer: &Obj, name: &str) -> PyResult {
    let mut copied = Vec::new();
    let data = bytes_of(cx, buffer, &mut copied)?;
    if data.len() != f.size {
        return Err(error(cx, format!("{name} requires a buffer of {} bytes", f.size)));
    }
    unpack(cx, f, data)
}
fn unpack_at(cx: &mut Cx, f: &Format, buffer: &Obj, offset: i64, name: &str) -> PyResult {
    if let Some(b) = buffer.cast::<Bytes>() {
        let at = place(cx, offset, b.bytes().len(), f.size, name, "unpacking")?;
        return unpack(cx, f, &b.bytes()[at..at + f.size]);
    }
    // Only the part is copied: the rest may be a whole file.
    let (n, part) = protocol::buffer::look(cx, buffer, |cx, all| {
        let at = if offset < 0 { offset.checked_add_unsigned(all.len() as u64) } else { Some(offset) };
        let at = at.and_then(|at| usize::try_from(at).ok());
        let mut part = Vec::new();
        if let Some(found) = at.and_then(|at| all.get(at..at.checked_add(f.size)?)) {
            protocol::grow(cx, &mut part, found.len())?;
            part.extend_from_slice(found);
        }
        Ok((all.len(), part))
    })?;
    place(cx, offset, n, f.size, name, "unpacking")?;
    unpack(cx, f, &part)
}
fn walk(cx: &mut Cx, format: &Obj, f: &Format, buffer: &Obj) -> PyResult {
    if f.size == 0 {
        return Err(error(cx, "cannot iteratively unpack with a struct of length 0"));
    }
    let data = protocol::buffer::bytes(cx, buffer)?;
    if data.len() % f.size != 0 {
        return Err(error(cx, format!("iterative unpacking requires a buffer of a multiple of {} bytes", f.size)));
    }
    let data = Bytes::from_slice(cx, &data)?;
    let ty = cx.native_type("_struct.unpack_iterator");
    let format = format.clone();
    Ok(memory::new(cx, &ty, |head| Unpacker { head, format: Guarded::new(format), data: Guarded::new(data), at: Cell::new(0) })?.into_obj())
}

#[retic_macros::methods]
impl StructObj {
    /// S.pack(v1, v2, ...) -> bytes
    ///
    /// Return a bytes object containing values v1, v2, ... packed according to the format string S.format.
    #[py("pack($self, *values)", "")]
    fn pack_method(cx: &mut Cx, this: &Ref<StructObj>, values: &[Obj]) -> PyResult {
        let f = format_of(cx, this)?;
        pack(cx, &f, values, "pack")
    }
    #[py("pack_into($self, buffer, offset, /, *values)", "")]
    fn pack_into_method(cx: &mut Cx, this: &Ref<StructObj>, buffer: &Obj, offset: i64, values: &[Obj]) -> PyResult<()> {
        let f = format_of(cx, this)?;
        pack_into(cx, &f, buffer, offset, values, "pack_into")
    }
    /// Return a tuple containing unpacked values.
    #[py("unpack($self, buffer, /)")]
    fn unpack_method(cx: &mut Cx, this: &Ref<StructObj>, buffer: &Obj) -> PyResult {
        let f = format_of(cx, this)?;
        unpack_whole(cx, &f, buffer, "unpack")
    }
    /// Return a tuple containing unpacked values.
    #[py("unpack_from($self, /, buffer, offset=0)")]
    fn unpack_from_method(cx: &mut Cx, this: &Ref<StructObj>, buffer: &Obj, offset: i64) -> PyResult {
        let f = format_of(cx, this)?;
        unpack_at(cx, &f, buffer, offset, "unpack_from")
    }
    /// Return an iterator yielding tuples.
    #[py("iter_unpack($self, buffer, /)")]
    fn iter_unpack_method(cx: &mut Cx, this: &Ref<StructObj>, buffer: &Obj) -> PyResult {
        let f = format_of(cx, this)?;
        walk(cx, this.as_obj(), &f, buffer)
    }
    /// struct format string
    #[get("format")]
    fn format_get(cx: &mut Cx, this: &Ref<StructObj>) -> PyResult {
        format_of(cx, this)?;
        Ok(this.text.cloned(cx).unwrap_or_else(|| cx.none()))
    }
    /// struct size in bytes
    #[get("size")]
    fn size(cx: &mut Cx, this: &Ref<StructObj>) -> PyResult<usize> {
        Ok(format_of(cx, this)?.size)
    }
}

#[retic_macros::methods]
impl Unpacker {
    #[py("__length_hint__($self, /)")]
    fn length_hint(cx: &mut Cx, this: &Ref<Unpacker>) -> PyResult<usize> {
        let format = this.format.cloned(cx);
        let size = compiled(cx, &format)?.size.max(1);
        let whole = this.data.get(cx).cast::<Bytes>().map_or(0, |b| b.bytes().len());
        Ok(whole.saturating_sub(this.at.get()) / size)
    }
}

/// The compiled form of a format, from those given last if it is there.
fn compiled(cx: &mut Cx, o: &Obj) -> PyResult<Rc<Format>> {
    if let Some(s) = o.cast::<StructObj>() {
        return format_of(cx, s);
    }
    let text = letters(cx, o)?;
    let slot = text.iter().fold(text.len(), |h, b| h.wrapping_mul(31).wrapping_add(usize::from(*b))) % RECENT_MAX;
    let known = RECENT.with_borrow(|r| r[slot].as_ref().filter(|r| r.0 == text).map(|r| r.1.clone()));
    if let Some(f) = known {
        return Ok(f);
    }
    let f = Rc::new(parse(cx, text)?);
    // Long ones are rare, and would be kept for good.
    if text.len() <= 256 {
        RECENT.with_borrow_mut(|r| r[slot] = Some((text.to_vec(), f.clone())));
    }
    Ok(f)
}

#[retic_macros::methods]
mod functions {
    //! Functions to convert between Python values and C structs represented as Python bytes objects.
    use super::*;

    /// Return size in bytes of the struct described by the format string.
    #[py("calcsize(format, /)")]
    pub fn calcsize(cx: &mut Cx, format: &Obj) -> PyResult<usize> {
        Ok(compiled(cx, format)?.size)
    }
    /// Return a bytes object containing the values v1, v2, ... packed according to the format string.
    #[py("pack(format, /, *values)", "")]
    pub fn pack(cx: &mut Cx, format: &Obj, values: &[Obj]) -> PyResult {
        let f = compiled(cx, format)?;
        super::pack(cx, &f, values, "pack")
    }
    /// Pack the values according to the format string and write the packed bytes into the writable buffer starting at offset.
    #[py("pack_into(format, buffer, offset, /, *values)", "")]
    pub fn pack_into(cx: &mut Cx, format: &Obj, buffer: &Obj, offset: i64, values: &[Obj]) -> PyResult<()> {
        let f = compiled(cx, format)?;
        super::pack_into(cx, &f, buffer, offset, values, "pack_into")
    }
    /// Return a tuple containing values unpacked according to the format string.
    #[py("unpack(format, buffer, /)")]
    pub fn unpack(cx: &mut Cx, format: &Obj, buffer: &Obj) -> PyResult {
        let f = compiled(cx, format)?;
        unpack_whole(cx, &f, buffer, "unpack")
    }
    /// Return a tuple containing values unpacked according to the format string.
    #[py("unpack_from(format, /, buffer, offset=0)")]
    pub fn unpack_from(cx: &mut Cx, format: &Obj, buffer: &Obj, offset: i64) -> PyResult {
        let f = compiled(cx, format)?;
        unpack_at(cx, &f, buffer, offset, "unpack_from")
    }
    /// Return an iterator yielding tuples unpacked from the given bytes source.
    #[py("iter_unpack(format, buffer, /)")]
    pub fn iter_unpack(cx: &mut Cx, format: &Obj, buffer: &Obj) -> PyResult {
        let class = cx.native_type("_struct.Struct");
        let s = protocol::call(cx, class.as_obj(), std::slice::from_ref(format))?;
        let f = compiled(cx, &s)?;
        walk(cx, &s, &f, buffer)
    }
    /// Clear the internal cache.
    #[py("_clearcache()")]
    pub fn clearcache(_cx: &mut Cx) {
        RECENT.with_borrow_mut(|r| r.fill(None));
    }
}

pub fn make(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "_struct", functions::DOC, functions::FUNCTIONS)?;
    let base = cx.types.exception.as_obj().clone();
    m.add_exception(cx, "struct.error", &base)?;
    let spec = Spec {
        doc: "Return a compiled Struct object that reads and writes binary data according to the format string.",
        text_signature: "(format)",
        flags: flags::GC | flags::MANAGED | flags::WEAK | flags::BASE,
        slots: Slots {
            new: Some(|cx, ty, _| Ok(memory::new(cx, ty, |head| StructObj { head, format: Hidden(Default::default()), text: Guarded::new(None) })?.into_obj())),
            init: Some(|cx, o, args: Args<'_>| {
                let Some(this) = o.cast::<StructObj>().cloned() else { return Ok(()) };
                let Some(f) = args.positional().first().or(args.keyword(cx, "format")).cloned() else {
                    return Err(cx.type_error("Struct() missing required argument 'format' (pos 1)"));
                };
                let text = letters(cx, &f)?;
                let parsed = parse(cx, text)?;
                *this.format.0.borrow_mut() = Rc::new(parsed);
                let text = match f.cast::<Bytes>() {
                    Some(b) => Str::from_latin1(cx, b.bytes())?.into_obj(),
                    None => f,
                };
                this.text.set(cx, Some(text));
                Ok(())
            }),
            repr: Some(|cx, o| {
                let Some(this) = o.cast::<StructObj>().cloned() else { return Ok(cx.none()) };
                let f = StructObj::format_get(cx, &this)?;
                let text = format!("{}({})", o.ty().short_name(), protocol::repr_text(cx, &f)?);
                cx.str(&text)
            }),
            ..Slots::EMPTY
        },
        methods: StructObj::METHODS,
        getset: StructObj::GETSET,
        ..Spec::new::<StructObj>("_struct.Struct")
    };
    m.add_type(cx, &spec)?;
    let spec = Spec {
        flags: flags::GC | flags::NO_NEW,
        slots: Slots {
            iter: Some(|_, o| Ok(o.clone())),
            next: Some(|cx, o| {
                let Some(u) = o.cast::<Unpacker>().cloned() else { return Ok(None) };
                let (s, d) = (u.format.cloned(cx), u.data.cloned(cx));
                let f = compiled(cx, &s)?;
                let Some(b) = d.cast::<Bytes>() else { return Ok(None) };
                let at = u.at.get();
                if at + f.size > b.bytes().len() {
                    return Ok(None);
                }
                u.at.set(at + f.size);
                unpack(cx, &f, &b.bytes()[at..at + f.size]).map(Some)
            }),
            ..Slots::EMPTY
        },
        methods: Unpacker::METHODS,
        ..Spec::new::<Unpacker>("_struct.unpack_iterator")
    };
    m.add_type(cx, &spec)?;
    Ok(m.into_obj())
}
