//! `marshal`: values to bytes and back, in CPython's format; code objects in our own packing. As `Python/marshal.c` behaves.

use crate::cx::{Cx, PyResult, Raised};
use crate::object::{Obj, Ref};
use crate::protocol::{self, buffer};
use crate::types::{Bytes, CodeObj, Dict, Float, Int, List, Set, Str, Tuple, int, module};

const MAX_DEPTH: usize = 1000;

fn write_int(cx: &Cx, o: &Obj, out: &mut Vec<u8>) {
    match int::to_i64(o).and_then(|v| i32::try_from(v).ok()) {
        Some(v) => {
            out.push(b'i');
            out.extend(v.to_le_bytes());
        }
        None => {
            let _ = cx;
            let (negative, digits) = int::to_big(o).map(|b| b.to_digits()).unwrap_or_default();
            // Digits of 30 bits become digits of 15.
            let mut halves: Vec<u16> = digits.iter().flat_map(|d| [(d & 0x7fff) as u16, (d >> 15) as u16]).collect();
            while halves.last() == Some(&0) {
                halves.pop();
            }
            let n = halves.len() as i32;
            out.push(b'l');
            out.extend((if negative { -n } else { n }).to_le_bytes());
            halves.iter().for_each(|d| out.extend(d.to_le_bytes()));
        }
    }
}

fn write(cx: &mut Cx, o: &Obj, out: &mut Vec<u8>, depth: usize, code: bool) -> PyResult<()> {
    if depth > MAX_DEPTH {
        return Err(cx.value_error("object too deeply nested to marshal"));
    }
    protocol::grow(cx, out, 16)?;
    let size = |out: &mut Vec<u8>, n: usize| out.extend((n as u32).to_le_bytes());
    let ty = o.ty();
    if o.is_none() {
        out.push(b'N');
    } else if o.is(&cx.consts.true_) {
        out.push(b'T');
    } else if o.is(&cx.consts.false_) {
        out.push(b'F');
    } else if o.is(&cx.consts.ellipsis) {
        out.push(b'.');
    } else if o.is(cx.types.stop_iteration.as_obj()) {
        out.push(b'S');
    } else if std::ptr::eq(ty, &*cx.types.int) && o.cast::<Int>().is_some() {
        write_int(cx, o, out);
    } else if let Some(f) = o.cast::<Float>().filter(|_| std::ptr::eq(ty, &*cx.types.float)) {
        let _ = f;
        out.push(b'g');
        out.extend(protocol::exact_float(o).to_le_bytes());
    } else if std::ptr::eq(ty, &*cx.types.complex) {
        let (re, im) = crate::types::complex::value(o);
        out.push(b'y');
        out.extend(re.to_le_bytes());
        out.extend(im.to_le_bytes());
    } else if let Some(s) = o.cast::<Str>().filter(|_| std::ptr::eq(ty, &*cx.types.str)) {
        if let Some(a) = s.ascii_bytes() {
            if a.len() < 256 {
                out.push(if s.is_interned() { b'Z' } else { b'z' });
                out.push(a.len() as u8);
            } else {
                out.push(if s.is_interned() { b'A' } else { b'a' });
                size(out, a.len());
            }
            out.extend_from_slice(a);
        } else {
            let b = crate::codecs::encode(cx, s, "utf-8", "surrogatepass")?;
            out.push(if s.is_interned() { b't' } else { b'u' });
            size(out, b.len());
            out.extend(b);
        }
    } else if let Some(t) = o.cast::<Tuple>().filter(|_| std::ptr::eq(ty, &*cx.types.tuple)) {
        if t.items().len() < 256 {
            out.push(b')');
            out.push(t.items().len() as u8);
        } else {
            out.push(b'(');
            size(out, t.items().len());
        }
        for i in t.items() {
            cx.deeper("", |cx| write(cx, i, out, depth + 1, code))?;
        }
    } else if let Some(l) = o.cast::<List>().filter(|_| std::ptr::eq(ty, &*cx.types.list)) {
        let items = l.to_vec(cx);
        out.push(b'[');
        size(out, items.len());
        for i in &items {
            cx.deeper("", |cx| write(cx, i, out, depth + 1, code))?;
        }
    } else if let Some(d) = o.cast::<Dict>().filter(|_| std::ptr::eq(ty, &*cx.types.dict)) {
        out.push(b'{');
        for (k, v) in d.entries(cx) {
            cx.deeper("", |cx| write(cx, &k, out, depth + 1, code))?;
            cx.deeper("", |cx| write(cx, &v, out, depth + 1, code))?;
        }
        out.push(b'0');
    } else if let Some(s) = o.cast::<Set>().filter(|_| std::ptr::eq(ty, &*cx.types.set) || std::ptr::eq(ty, &*cx.types.frozenset)) {
        out.push(if std::ptr::eq(ty, &*cx.types.set) { b'<' } else { b'>' });
        let items = s.items(cx);
        size(out, items.len());
        // In the order of their bytes, so that equal sets give equal bytes.
        let mut parts = Vec::new();
        for i in &items {
            let mut b = Vec::new();
            cx.deeper("", |cx| write(cx, i, &mut b, depth + 1, code))?;
            parts.push(b);
        }
        parts.sort();
        parts.into_iter().for_each(|b| out.extend(b));
    } else if let Some(c) = o.cast::<CodeObj>() {
        if !code {
            return Err(cx.value_error("unmarshallable object"));
        }
        let b = retic_bytecode::pack::write(c.code());
        out.push(b'c');
        size(out, b.len());
        out.extend(b);
    } else if buffer::exports(cx, o) {
        let b = buffer::bytes(cx, o)?;
        out.push(b's');
        size(out, b.len());
        protocol::grow(cx, out, b.len())?;
        out.extend(b);
    } else {
        return Err(cx.value_error("unmarshallable object"));
    }
    Ok(())
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    refs: Vec<Obj>,
    code: bool,
}

impl<'a> Reader<'a> {
    fn short(cx: &Cx) -> Raised {
        cx.error_of(&cx.types.eof_error, "marshal data too short")
    }
    fn bad(cx: &Cx, why: &str) -> Raised {
        cx.value_error(format!("bad marshal data ({why})"))
    }
    fn take(&mut self, cx: &Cx, n: usize) -> PyResult<&'a [u8]> {
        let part = self.bytes.get(self.at..self.at.saturating_add(n)).ok_or_else(|| Self::short(cx))?;
        self.at += n;
        Ok(part)
    }
    fn long(&mut self, cx: &Cx) -> PyResult<i32> {
        let b = self.take(cx, 4)?;
        Ok(i32::from_le_bytes([b[0], b[1], b[2], b[3]]))
    }
    fn count(&mut self, cx: &Cx, what: &str) -> PyResult<usize> {
        let n = self.long(cx)?;
        usize::try_from(n).map_err(|_| Self::bad(cx, &format!("{what} size out of range")))
    }
    fn double(&mut self, cx: &Cx) -> PyResult<f64> {
        let b: [u8; 8] = self.take(cx, 8)?.try_into().map_err(|_| Self::short(cx))?;
        Ok(f64::from_le_bytes(b))
    }
    fn float_text(&mut self, cx: &Cx) -> PyResult<f64> {
        let n = self.take(cx, 1)?[0] as usize;
        let t = self.take(cx, n)?;
        std::str::from_utf8(t).ok().and_then(|t| t.parse().ok()).ok_or_else(|| Self::bad(cx, "float"))
    }

    /// `None`: the end mark of a dict.
    fn read(&mut self, cx: &mut Cx, depth: usize) -> PyResult<Option<Obj>> {
        if depth > MAX_DEPTH {
            return Err(cx.value_error("recursion limit exceeded"));
        }
        cx.poll_native()?;
        let head = match self.bytes.get(self.at) {
            Some(b) => *b,
            None => return Err(cx.error_of(&cx.types.eof_error, "EOF read where object expected")),
        };
        self.at += 1;
        let keep = head & 0x80 != 0;
        // Containers take their number before their items do.
        let slot = keep.then(|| {
            self.refs.push(cx.none());
            self.refs.len() - 1
        });
        let kind = head & 0x7f;
        let made = match kind {
            b'0' => {
                if let Some(i) = slot {
                    self.refs.truncate(i);
                }
                return Ok(None);
            }
            b'N' => cx.none(),
            b'T' => cx.bool(true),
            b'F' => cx.bool(false),
            b'.' => cx.consts.ellipsis.clone(),
            b'S' => cx.types.stop_iteration.as_obj().clone(),
            b'i' => {
                let v = self.long(cx)?;
                cx.int(i64::from(v))?
            }
            b'I' => {
                let b: [u8; 8] = self.take(cx, 8)?.try_into().map_err(|_| Self::short(cx))?;
                cx.int(i64::from_le_bytes(b))?
            }
            b'l' => {
                let n = self.long(cx)?;
                let len = n.unsigned_abs() as usize;
                let raw = self.take(cx, len.saturating_mul(2))?;
                let halves: Vec<u32> = raw.chunks(2).map(|c| u32::from(u16::from_le_bytes([c[0], c[1]]))).collect();
                if halves.iter().any(|h| *h > 0x7fff) {
                    return Err(Self::bad(cx, "digit out of range in long"));
                }
                if halves.last() == Some(&0) {
                    return Err(Self::bad(cx, "unnormalized long data"));
                }
                let digits: Vec<u32> = halves.chunks(2).map(|c| c[0] | c.get(1).unwrap_or(&0) << 15).collect();
                int::from_big(cx, &retic_numbers::Big::from_digits(n < 0, &digits))?
            }
            b'f' => {
                let v = self.float_text(cx)?;
                cx.float(v)?
            }
            b'g' => {
                let v = self.double(cx)?;
                cx.float(v)?
            }
            b'x' => {
                let (a, b) = (self.float_text(cx)?, self.float_text(cx)?);
                crate::types::complex::make(cx, a, b)?
            }
            b'y' => {
                let (a, b) = (self.double(cx)?, self.double(cx)?);
                crate::types::complex::make(cx, a, b)?
            }
            b's' => {
                let n = self.count(cx, "bytes object")?;
                let b = self.take(cx, n)?;
                Bytes::from_slice(cx, b)?
            }
            b'z' | b'Z' | b'a' | b'A' => {
                let n = if kind.eq_ignore_ascii_case(&b'z') { self.take(cx, 1)?[0] as usize } else { self.count(cx, "string")? };
                let b = self.take(cx, n)?;
                let s = Str::from_latin1(cx, b)?;
                if kind.is_ascii_uppercase() { crate::types::str::intern(cx, s).into_obj() } else { s.into_obj() }
            }
            b'u' | b't' => {
                let n = self.count(cx, "string")?;
                let b = self.take(cx, n)?.to_vec();
                crate::codecs::decode(cx, &b, "utf-8", "surrogatepass")?
            }
            b')' | b'(' | b'[' | b'<' | b'>' => {
                let n = if kind == b')' { self.take(cx, 1)?[0] as usize } else { self.count(cx, "container")? };
                let mut items = Vec::new();
                let list = if kind == b'[' { Some(List::new(cx)?) } else { None };
                if let (Some(i), Some(l)) = (slot, &list) {
                    self.refs[i] = l.as_obj().clone();
                }
                for _ in 0..n {
                    let Some(v) = cx.deeper("", |cx| self.read(cx, depth + 1))? else {
                        return Err(cx.type_error("NULL object in marshal data for container"));
                    };
                    match &list {
                        Some(l) => l.push(cx, v)?,
                        None => items.push(v),
                    }
                }
                match (kind, list) {
                    (_, Some(l)) => l.into_obj(),
                    (b'<', _) => {
                        let s = Set::new(cx)?;
                        for i in &items {
                            s.add(cx, i)?;
                        }
                        s.into_obj()
                    }
                    (b'>', _) => crate::types::set::frozen(cx, items)?,
                    _ => cx.tuple(items)?,
                }
            }
            b'{' => {
                let d = Dict::new(cx)?;
                if let Some(i) = slot {
                    self.refs[i] = d.as_obj().clone();
                }
                while let Some(k) = cx.deeper("", |cx| self.read(cx, depth + 1))? {
                    let Some(v) = cx.deeper("", |cx| self.read(cx, depth + 1))? else { break };
                    let old = d.insert(cx, &k, v)?;
                    cx.release(old);
                }
                d.into_obj()
            }
            b'c' => {
                if !self.code {
                    return Err(cx.value_error("unmarshalling code objects is disallowed"));
                }
                let n = self.count(cx, "code")?;
                let b = self.take(cx, n)?;
                match retic_bytecode::pack::read(b) {
                    Some(c) => CodeObj::new(cx, c)?.into_obj(),
                    None => return Err(Self::bad(cx, "code object")),
                }
            }
            b'r' => {
                let i = self.count(cx, "reference")?;
                match self.refs.get(i) {
                    Some(o) => o.clone(),
                    None => return Err(Self::bad(cx, "invalid reference")),
                }
            }
            _ => return Err(Self::bad(cx, "unknown type code")),
        };
        if let Some(i) = slot {
            self.refs[i] = made.clone();
        }
        Ok(Some(made))
    }
}

fn loads_from(cx: &mut Cx, bytes: &[u8], code: bool) -> PyResult<(Obj, usize)> {
    let mut r = Reader { bytes, at: 0, refs: Vec::new(), code };
    match r.read(cx, 0)? {
        Some(o) => Ok((o, r.at)),
        None => Err(cx.type_error("NULL object in marshal data for object")),
    }
}

#[retic_macros::methods]
mod functions {
    //! This module contains functions that can read and write Python values in a binary format.
    use super::*;

    /// Return the bytes object that would be written to a file by dump(value, file).
    #[py("dumps(value, version=5, /, *, allow_code=True)")]
    pub fn dumps(cx: &mut Cx, value: &Obj, version: i64, allow_code: bool) -> PyResult {
        let _ = version;
        let mut out = Vec::new();
        write(cx, value, &mut out, 0, allow_code)?;
        Bytes::from_slice(cx, &out)
    }
    /// Convert the bytes-like object to a value.
    #[py("loads(bytes, /, *, allow_code=True)")]
    pub fn loads(cx: &mut Cx, bytes: &Obj, allow_code: bool) -> PyResult {
        let b = buffer::bytes(cx, bytes)?;
        Ok(loads_from(cx, &b, allow_code)?.0)
    }
    /// Write the value on the open file.
    #[py("dump(value, file, version=5, /, *, allow_code=True)")]
    pub fn dump(cx: &mut Cx, value: &Obj, file: &Obj, version: i64, allow_code: bool) -> PyResult {
        let b = dumps(cx, value, version, allow_code)?;
        protocol::call_method(cx, file, "write", &[b])
    }
    /// Read one value from the open file and return it.
    #[py("load(file, /, *, allow_code=True)")]
    pub fn load(cx: &mut Cx, file: &Obj, allow_code: bool) -> PyResult {
        // Values say no length: the rest of the file is read, and what was not used is given back by seeking.
        let data = protocol::call_method(cx, file, "read", &[])?;
        let b = buffer::bytes(cx, &data)?;
        let (o, used) = loads_from(cx, &b, allow_code)?;
        if used < b.len() {
            let (back, whence) = (cx.int(used as i64 - b.len() as i64)?, cx.int(1)?);
            protocol::call_method(cx, file, "seek", &[back, whence])?;
        }
        Ok(o)
    }
}

pub fn make(cx: &mut Cx) -> PyResult {
    let m: Ref<module::Module> = module::of_functions(cx, "marshal", functions::DOC, functions::FUNCTIONS)?;
    let version = cx.int(5)?;
    m.set(cx, "version", version)?;
    Ok(m.into_obj())
}
