//! `bytes`, and the codecs every program needs.

use super::type_::{Cmp, flags};
use super::{Slots, Spec, Str, Type, int};
use crate::cx::{Cx, PyResult};
use crate::memory::{self, Ops};
use crate::object::{Header, Layout, Obj, Ref, Trace, Visit, shape};
use crate::protocol;
use std::cell::Cell;
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
        let shape = if ty.is_heap() { ty.root_shape.get() } else { shape::BYTES };
        let raw = memory::birth(cx, ty, shape, HEAD_BYTES + b.len() + 1)?;
        // SAFETY: the block has room for the bytes and a final zero.
        unsafe {
            raw.cast::<usize>().add(2).write(b.len());
            raw.cast::<i64>().add(3).write(-1);
            let at = raw.cast::<u8>().add(HEAD_BYTES);
            at.as_ptr().copy_from_nonoverlapping(b.as_ptr(), b.len());
            at.add(b.len()).write(0);
            if ty.has(flags::GC) {
                memory::cycles::track(cx, raw);
            }
            Ok(Obj::from_raw(raw))
        }
    }
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
    if let Some(b) = o.cast::<Bytes>() {
        return Ok(b.bytes().to_vec());
    }
    if o.cast::<Str>().is_some() {
        return Err(cx.type_error("string argument without an encoding"));
    }
    let mut out = Vec::new();
    for x in protocol::collect(cx, o)? {
        match u8::try_from(protocol::index_i64(cx, &x)?) {
            Ok(b) => out.push(b),
            Err(_) => return Err(cx.value_error("bytes must be in range(0, 256)")),
        }
    }
    Ok(out)
}

/// `bytes.decode`.
pub fn decode(cx: &mut Cx, b: &[u8], encoding: &str, errors: &str) -> PyResult {
    let fail =
        |cx: &Cx, enc: &str, at: usize, why: &str| cx.error_of(&cx.types.unicode_decode_error, format!("'{enc}' codec can't decode byte 0x{:02x} in position {at}: {why}", b[at]));
    match encoding.to_ascii_lowercase().replace('_', "-").as_str() {
        "utf-8" | "utf8" => {
            let mut out: Vec<u32> = Vec::new();
            let mut rest = b;
            loop {
                match std::str::from_utf8(rest) {
                    Ok(t) => {
                        out.extend(t.chars().map(u32::from));
                        return cx.str_points(&out);
                    }
                    Err(e) => {
                        let good = e.valid_up_to();
                        out.extend(String::from_utf8_lossy(&rest[..good]).chars().map(u32::from));
                        let at = b.len() - rest.len() + good;
                        let bad = e.error_len().unwrap_or(rest.len() - good).max(1);
                        match errors {
                            "ignore" => {}
                            "replace" => out.push(0xfffd),
                            "surrogateescape" => out.extend(rest[good..good + bad].iter().map(|c| 0xdc00 + u32::from(*c))),
                            _ => return Err(fail(cx, "utf-8", at, if e.error_len().is_none() { "unexpected end of data" } else { "invalid start byte" })),
                        }
                        rest = &rest[good + bad..];
                    }
                }
            }
        }
        "latin-1" | "latin1" | "iso-8859-1" | "iso8859-1" => Ok(Str::from_latin1(cx, b)?.into_obj()),
        "ascii" | "us-ascii" => match b.iter().position(|c| !c.is_ascii()) {
            Some(i) if errors == "strict" => Err(fail(cx, "ascii", i, "ordinal not in range(128)")),
            _ => {
                let out: Vec<u32> = b.iter().filter(|c| c.is_ascii() || errors != "ignore").map(|c| if c.is_ascii() { u32::from(*c) } else { 0xfffd }).collect();
                cx.str_points(&out)
            }
        },
        _ => Err(cx.error_of(&cx.types.lookup_error, format!("unknown encoding: {encoding}"))),
    }
}

/// `str.encode`.
pub fn encode(cx: &mut Cx, s: &Ref<Str>, encoding: &str, errors: &str) -> PyResult<Vec<u8>> {
    let (name, max) = match encoding.to_ascii_lowercase().replace('_', "-").as_str() {
        "utf-8" | "utf8" => ("utf-8", 0x110000),
        "latin-1" | "latin1" | "iso-8859-1" => ("latin-1", 0x100),
        "ascii" | "us-ascii" => ("ascii", 0x80),
        _ => return Err(cx.error_of(&cx.types.lookup_error, format!("unknown encoding: {encoding}"))),
    };
    let mut out = Vec::with_capacity(s.len());
    for (i, c) in s.code_points().into_iter().enumerate() {
        let ch = char::from_u32(c).filter(|_| c < max);
        match ch {
            Some(ch) if name == "utf-8" => out.extend(ch.to_string().bytes()),
            Some(_) => out.push(c as u8),
            None => match errors {
                "ignore" => {}
                "replace" => out.push(b'?'),
                "backslashreplace" => out.extend(
                    if c < 0x100 {
                        format!("\\x{c:02x}")
                    } else if c < 0x10000 {
                        format!("\\u{c:04x}")
                    } else {
                        format!("\\U{c:08x}")
                    }
                    .bytes(),
                ),
                "xmlcharrefreplace" => out.extend(format!("&#{c};").bytes()),
                "surrogateescape" if (0xdc80..0xdd00).contains(&c) => out.push((c - 0xdc00) as u8),
                "surrogatepass" if name == "utf-8" => out.extend([0xe0 | (c >> 12) as u8, 0x80 | (c >> 6 & 0x3f) as u8, 0x80 | (c & 0x3f) as u8]),
                _ => {
                    let shown = if c < 0x100 {
                        format!("\\x{c:02x}")
                    } else if c < 0x10000 {
                        format!("\\u{c:04x}")
                    } else {
                        format!("\\U{c:08x}")
                    };
                    let why = if name == "utf-8" { "surrogates not allowed".into() } else { format!("ordinal not in range({max})") };
                    return Err(cx.error_of(&cx.types.unicode_encode_error, format!("'{name}' codec can't encode character '{shown}' in position {i}: {why}")));
                }
            },
        }
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

#[retic_macros::methods]
impl Bytes {
    /// Decode the bytes using the codec registered for encoding.
    #[py("decode($self, /, encoding=None, errors=None)")]
    fn decode_method(cx: &mut Cx, this: &Ref<Bytes>, encoding: Option<&Ref<Str>>, errors: Option<&Ref<Str>>) -> PyResult {
        let enc = encoding.map_or("utf-8".into(), |e| e.to_text(cx));
        let err = errors.map_or("strict".into(), |e| e.to_text(cx));
        decode(cx, this.bytes(), &enc, &err)
    }
    /// Concatenate any number of bytes objects.
    #[py("join($self, iterable_of_bytes, /)")]
    fn join(cx: &mut Cx, this: &Ref<Bytes>, iterable_of_bytes: &Obj) -> PyResult {
        let items = protocol::collect(cx, iterable_of_bytes)?;
        if let [only] = &items[..]
            && only.shape() == shape::BYTES
        {
            return Ok(only.clone());
        }
        let mut out = Vec::new();
        for (i, o) in items.iter().enumerate() {
            let Some(b) = o.cast::<Bytes>() else {
                return Err(cx.type_error(format!("sequence item {i}: expected a bytes-like object, {} found", o.ty().name_text())));
            };
            if i > 0 {
                out.extend_from_slice(this.bytes());
            }
            out.extend_from_slice(b.bytes());
        }
        Bytes::from_slice(cx, &out)
    }
    /// Create a string of hexadecimal numbers from a bytes object.
    #[py("hex($self, /)")]
    fn hex(_cx: &mut Cx, this: &Ref<Bytes>) -> String {
        this.bytes().iter().map(|b| format!("{b:02x}")).collect()
    }
    /// Return True if the bytes starts with the specified prefix, False otherwise.
    #[py("startswith($self, prefix, /)")]
    fn startswith(cx: &mut Cx, this: &Ref<Bytes>, prefix: &Obj) -> PyResult<bool> {
        let p = bytes_of(cx, prefix)?;
        Ok(this.bytes().starts_with(&p))
    }
    /// Return True if the bytes ends with the specified suffix, False otherwise.
    #[py("endswith($self, suffix, /)")]
    fn endswith(cx: &mut Cx, this: &Ref<Bytes>, suffix: &Obj) -> PyResult<bool> {
        let p = bytes_of(cx, suffix)?;
        Ok(this.bytes().ends_with(&p))
    }
    /// Return the lowest index in B where subsection sub is found, or -1.
    #[py("find($self, sub, /)")]
    fn find(cx: &mut Cx, this: &Ref<Bytes>, sub: &Obj) -> PyResult<i64> {
        let p = bytes_of(cx, sub)?;
        Ok(memchr::memmem::find(this.bytes(), &p).map_or(-1, |i| i as i64))
    }
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
            hash: Some(|cx, o| {
                let s = Str::from_latin1(cx, data(o))?;
                Ok(s.hash(cx))
            }),
            richcompare: Some(|cx, a, b, op: Cmp| {
                let (Some(x), Some(y)) = (a.cast::<Bytes>(), b.cast::<Bytes>()) else { return Ok(cx.not_implemented()) };
                Ok(cx.bool(op.of(x.bytes(), y.bytes())))
            }),
            len: Some(|_, o| Ok(data(o).len())),
            getitem: Some(|cx, o, k| {
                let d = data(o);
                if let Some(s) = k.cast::<super::Slice>() {
                    let r = super::slice::resolve(cx, s, d.len())?;
                    let out: Vec<u8> = r.indices().map(|i| d[i]).collect();
                    return Bytes::from_slice(cx, &out);
                }
                let i = protocol::sequence_index(cx, k, "byte")?;
                match protocol::wrap_index(i, d.len()) {
                    Some(i) => cx.int(i64::from(d[i])),
                    None => Err(cx.index_error("index out of range")),
                }
            }),
            contains: Some(|cx, o, k| {
                if let Some(n) = int::to_i64(k) {
                    return Ok(data(o).iter().any(|b| i64::from(*b) == n));
                }
                let p = bytes_of(cx, k)?;
                Ok(memchr::memmem::find(data(o), &p).is_some())
            }),
            iter: Some(|cx, o| super::iterators::over(cx, &cx.types.bytes_iterator.clone(), o)),
            concat: Some(|cx, a, b| match b.cast::<Bytes>() {
                Some(y) => {
                    let out = [data(a), y.bytes()].concat();
                    Bytes::from_slice(cx, &out)
                }
                None => Err(cx.type_error(format!("can't concat {} to bytes", b.ty().name_text()))),
            }),
            repeat: Some(|cx, a, n| {
                let Some(n) = protocol::repeat_count(cx, n)? else { return Ok(cx.not_implemented()) };
                protocol::check_size(cx, data(a).len(), n, 1)?;
                let out = data(a).repeat(n);
                Bytes::from_slice(cx, &out)
            }),
            new: Some(|cx, ty, args| {
                let pos = args.positional();
                let b = match pos {
                    [] => Vec::new(),
                    [x] if x.cast::<super::Int>().is_some() => {
                        let n = protocol::index_i64(cx, x)?;
                        let n = usize::try_from(n).map_err(|_| cx.value_error("negative count"))?;
                        protocol::check_size(cx, 1, n, 1)?;
                        vec![0; n]
                    }
                    [x] => bytes_of(cx, x)?,
                    [s, e, ..] => {
                        let (Some(s), Some(e)) = (s.cast::<Str>(), e.cast::<Str>()) else { return Err(cx.type_error("encoding without a string argument")) };
                        let enc = e.to_text(cx);
                        encode(cx, s, &enc, "strict")?
                    }
                };
                if ty.is_heap() { Bytes::make(cx, ty, &b) } else { Bytes::from_slice(cx, &b) }
            }),
            ..Slots::EMPTY
        },
        methods: Bytes::METHODS,
        ..Spec::new::<Bytes>("bytes")
    }
}
