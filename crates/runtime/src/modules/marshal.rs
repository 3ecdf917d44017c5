//! `marshal`: values to bytes and back, in CPython's format; code objects in our own packing. As `Python/marshal.c` behaves.

use crate::cx::{Cx, PyResult, Raised};
use crate::object::{Obj, Ref};
use crate::protocol::{self, buffer};
use crate::types::{ByteArray, Bytes, CodeObj, Dict, List, Set, Str, Tuple, int, module};
use rustc_hash::FxHashMap;
use std::borrow::Cow;

const MAX_DEPTH: usize = 2000;
/// Bytes that are asked of a file at once, at most.
const PART: usize = 1 << 20;

/// What a value is written with.
struct Writer {
    out: Vec<u8>,
    /// From 3 on what appears twice is written once, from 4 on there are short forms, from 5 on slices.
    version: i64,
    code: bool,
    /// Whether objects get numbers.
    numbered: bool,
    /// The objects written so far that others may refer to, by address; they are held meanwhile.
    known: FxHashMap<usize, u32>,
    held: Vec<Obj>,
}

/// The bit of a type code that says: this object gets a number.
const NUMBERED: u8 = 0x80;

impl Writer {
    fn new(version: i64, code: bool) -> Writer {
        Writer { out: Vec::new(), version, code, numbered: version >= 3, known: FxHashMap::default(), held: Vec::new() }
    }
    fn size(&mut self, n: usize) {
        self.out.extend((n as u32).to_le_bytes());
    }
    fn int(&mut self, o: &Obj, flag: u8) {
        match int::to_i64(o).and_then(|v| i32::try_from(v).ok()) {
            Some(v) => {
                self.out.push(b'i' | flag);
                self.out.extend(v.to_le_bytes());
            }
            None => {
                let (negative, digits) = int::to_big(o).map(|b| b.to_digits()).unwrap_or_default();
                // Digits of 30 bits become digits of 15.
                let mut halves: Vec<u16> = digits.iter().flat_map(|d| [(d & 0x7fff) as u16, (d >> 15) as u16]).collect();
                while halves.last() == Some(&0) {
                    halves.pop();
                }
                let n = halves.len() as i32;
                self.out.push(b'l' | flag);
                self.out.extend((if negative { -n } else { n }).to_le_bytes());
                halves.iter().for_each(|d| self.out.extend(d.to_le_bytes()));
            }
        }
    }
    fn float(&mut self, v: f64) {
        if self.version > 1 {
            self.out.extend(v.to_le_bytes());
        } else {
            let (digits, rest) = retic_numbers::format::float_body(v.abs(), 'g', Some(17), false, false);
            let text = format!("{}{digits}{rest}", if v.is_sign_negative() { "-" } else { "" });
            self.out.push(text.len() as u8);
            self.out.extend_from_slice(text.as_bytes());
        }
    }
    fn text(&mut self, cx: &mut Cx, s: &Ref<Str>, flag: u8) -> PyResult<()> {
        let interned = s.is_interned();
        if let Some(a) = s.ascii_bytes().filter(|_| self.version >= 4) {
            if a.len() < 256 {
                self.out.push(if interned { b'Z' } else { b'z' } | flag);
                self.out.push(a.len() as u8);
            } else {
                self.out.push(if interned { b'A' } else { b'a' } | flag);
                self.size(a.len());
            }
            protocol::grow(cx, &mut self.out, a.len())?;
            self.out.extend_from_slice(a);
        } else {
            let b = crate::codecs::encode(cx, s, "utf-8", "surrogatepass")?;
            self.out.push(if interned && self.version >= 3 { b't' } else { b'u' } | flag);
            self.size(b.len());
            protocol::grow(cx, &mut self.out, b.len())?;
            self.out.extend(b);
        }
        Ok(())
    }
    /// Writes a value of which the writer itself holds so many handles.
    fn write(&mut self, cx: &mut Cx, o: &Obj, mine: i64, depth: usize) -> PyResult<()> {
        cx.room()?;
        cx.poll_native()?;
        if depth > MAX_DEPTH {
            return Err(cx.value_error("object too deeply nested to marshal"));
        }
        protocol::grow(cx, &mut self.out, 16)?;
        let simple = [(&cx.consts.none, b'N'), (&cx.consts.true_, b'T'), (&cx.consts.false_, b'F'), (&cx.consts.ellipsis, b'.'), (cx.types.stop_iteration.as_obj(), b'S')];
        if let Some((_, code)) = simple.into_iter().find(|(s, _)| o.is(s)) {
            self.out.push(code);
            return Ok(());
        }
        let mut flag = 0;
        if self.numbered {
            if let Some(n) = self.known.get(&o.address()) {
                self.out.push(b'r');
                self.out.extend(n.to_le_bytes());
                return Ok(());
            }
            // What nobody else holds cannot appear again.
            if o.is_immortal() || o.count() > 1 + mine || o.cast::<Str>().is_some_and(|s| s.is_interned()) {
                self.known.insert(o.address(), self.held.len() as u32);
                protocol::grow(cx, &mut self.held, 1)?;
                self.held.push(o.clone());
                flag = NUMBERED;
            }
        }
        self.write_new(cx, o, flag, depth)
    }
    fn items(&mut self, cx: &mut Cx, items: &[Obj], mine: i64, depth: usize) -> PyResult<()> {
        items.iter().try_for_each(|i| self.write(cx, i, mine, depth + 1))
    }
    fn write_new(&mut self, cx: &mut Cx, o: &Obj, flag: u8, depth: usize) -> PyResult<()> {
        let exact = |t: &Ref<crate::types::Type>| std::ptr::eq(o.ty(), &**t);
        if exact(&cx.types.int) {
            self.int(o, flag);
        } else if exact(&cx.types.float) {
            self.out.push(if self.version > 1 { b'g' } else { b'f' } | flag);
            self.float(protocol::exact_float(o));
        } else if exact(&cx.types.complex) {
            let (re, im) = crate::types::complex::value(o);
            self.out.push(if self.version > 1 { b'y' } else { b'x' } | flag);
            self.float(re);
            self.float(im);
        } else if let Some(s) = o.cast::<Str>().filter(|_| exact(&cx.types.str)) {
            self.text(cx, s, flag)?;
        } else if let Some(t) = o.cast::<Tuple>().filter(|_| exact(&cx.types.tuple)) {
            if t.items().len() < 256 && self.version >= 4 {
                self.out.push(b')' | flag);
                self.out.push(t.items().len() as u8);
            } else {
                self.out.push(b'(' | flag);
                self.size(t.items().len());
            }
            self.items(cx, t.items(), 0, depth)?;
        } else if let Some(l) = o.cast::<List>().filter(|_| exact(&cx.types.list)) {
            let items = l.to_vec(cx);
            self.out.push(b'[' | flag);
            self.size(items.len());
            self.items(cx, &items, 1, depth)?;
        } else if let Some(d) = o.cast::<Dict>().filter(|_| exact(&cx.types.dict)) {
            self.out.push(b'{' | flag);
            for (k, v) in d.entries(cx) {
                self.write(cx, &k, 1, depth + 1)?;
                self.write(cx, &v, 1, depth + 1)?;
            }
            self.out.push(b'0');
        } else if let Some(s) = o.cast::<Set>().filter(|_| exact(&cx.types.set) || exact(&cx.types.frozenset)) {
            self.out.push(if exact(&cx.types.set) { b'<' } else { b'>' } | flag);
            let items = s.items(cx);
            self.size(items.len());
            // In the order of their bytes, so that equal sets give equal bytes.
            let mut parts = Vec::new();
            for i in items {
                // Without numbers, so that what is nested is written once.
                let mut alone = Writer { numbered: false, ..Writer::new(self.version, self.code) };
                alone.write(cx, &i, 1, depth + 1)?;
                parts.push((alone.out, i));
            }
            parts.sort_by(|a, b| a.0.cmp(&b.0));
            for (bytes, i) in &parts {
                if self.numbered {
                    self.write(cx, i, 1, depth + 1)?;
                } else {
                    protocol::grow(cx, &mut self.out, bytes.len())?;
                    self.out.extend_from_slice(bytes);
                }
            }
        } else if let Some(c) = o.cast::<CodeObj>() {
            if !self.code || c.code().inside.objects {
                return Err(cx.value_error("unmarshallable object"));
            }
            let Some(b) = retic_bytecode::pack::write(&c.code()) else { return Err(cx.value_error("object too deeply nested to marshal")) };
            self.out.push(b'c' | flag);
            self.size(b.len());
            protocol::grow(cx, &mut self.out, b.len())?;
            self.out.extend(b);
        } else if let Some(parts) = crate::types::slice::three(cx, o).filter(|_| self.version >= 5) {
            self.out.push(b':' | flag);
            self.items(cx, &parts, 1, depth)?;
        } else if buffer::exports(cx, o) {
            let b = buffer::bytes(cx, o)?;
            self.out.push(b's' | flag);
            self.size(b.len());
            protocol::grow(cx, &mut self.out, b.len())?;
            self.out.extend(b);
        } else {
            return Err(cx.value_error("unmarshallable object"));
        }
        Ok(())
    }
}

/// Where bytes come from.
enum Source<'a> {
    Bytes(&'a [u8]),
    /// An open file; it is asked for just as many bytes as are needed.
    File(Obj),
}

struct Reader<'a> {
    source: Source<'a>,
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
    fn take(&mut self, cx: &mut Cx, n: usize) -> PyResult<Cow<'a, [u8]>> {
        let file = match &mut self.source {
            Source::Bytes(bytes) => {
                let (part, rest) = bytes.split_at_checked(n).ok_or_else(|| Self::short(cx))?;
                *bytes = rest;
                return Ok(Cow::Borrowed(part));
            }
            Source::File(f) => f.clone(),
        };
        let mut bytes = Vec::new();
        while bytes.len() < n {
            // A length that is wrong takes no more memory than there are bytes.
            let part = (n - bytes.len()).min(PART);
            let place = ByteArray::of_type(cx, &cx.types.bytearray, &vec![0; part])?;
            let view = crate::types::memoryview::of(cx, place.as_obj())?;
            let read = protocol::call_method(cx, &file, "readinto", std::slice::from_ref(&view))?;
            let got = protocol::index_i64(cx, &read)?;
            if got > part as i64 {
                return Err(cx.value_error(format!("read() returned too much data: {part} bytes requested, {got} returned")));
            }
            if got != part as i64 {
                return Err(cx.error_of(&cx.types.eof_error, "EOF read where not expected"));
            }
            protocol::grow(cx, &mut bytes, part)?;
            bytes.extend_from_slice(place.bytes(cx));
            cx.release(view);
        }
        Ok(Cow::Owned(bytes))
    }
    fn long(&mut self, cx: &mut Cx) -> PyResult<i32> {
        let b = self.take(cx, 4)?;
        Ok(i32::from_le_bytes([b[0], b[1], b[2], b[3]]))
    }
    fn count(&mut self, cx: &mut Cx, what: &str) -> PyResult<usize> {
        let n = self.long(cx)?;
        usize::try_from(n).map_err(|_| Self::bad(cx, &format!("{what} size out of range")))
    }
    fn double(&mut self, cx: &mut Cx) -> PyResult<f64> {
        let b: [u8; 8] = (&*self.take(cx, 8)?).try_into().map_err(|_| Self::short(cx))?;
        Ok(f64::from_le_bytes(b))
    }
    fn float_text(&mut self, cx: &mut Cx) -> PyResult<f64> {
        let n = self.take(cx, 1)?[0] as usize;
        let t = self.take(cx, n)?;
        std::str::from_utf8(&t).ok().and_then(|t| t.parse().ok()).ok_or_else(|| Self::bad(cx, "float"))
    }

    /// `None`: the end mark of a dict.
    fn read(&mut self, cx: &mut Cx, depth: usize) -> PyResult<Option<Obj>> {
        if depth > MAX_DEPTH {
            return Err(cx.value_error("recursion limit exceeded"));
        }
        cx.poll_native()?;
        cx.room()?;
        let head = match self.take(cx, 1) {
            Ok(b) => b[0],
            Err(_) if cx.error_is(&cx.types.eof_error) => {
                cx.clear_error();
                return Err(cx.error_of(&cx.types.eof_error, "EOF read where object expected"));
            }
            Err(r) => return Err(r),
        };
        let keep = head & NUMBERED != 0;
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
                let b: [u8; 8] = (&*self.take(cx, 8)?).try_into().map_err(|_| Self::short(cx))?;
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
                Bytes::from_slice(cx, &b)?
            }
            b'z' | b'Z' | b'a' | b'A' => {
                let n = if kind.eq_ignore_ascii_case(&b'z') { self.take(cx, 1)?[0] as usize } else { self.count(cx, "string")? };
                let b = self.take(cx, n)?;
                let s = Str::from_latin1(cx, &b)?;
                if kind.is_ascii_uppercase() { crate::types::str::intern(cx, s).into_obj() } else { s.into_obj() }
            }
            b'u' | b't' => {
                let n = self.count(cx, "string")?;
                let b = self.take(cx, n)?.to_vec();
                crate::codecs::decode(cx, &b, "utf-8", "surrogatepass")?
            }
            b')' | b'(' | b'[' | b'<' | b'>' => {
                let what = match kind {
                    b'(' | b')' => "tuple",
                    b'[' => "list",
                    _ => "set",
                };
                let n = if kind == b')' { self.take(cx, 1)?[0] as usize } else { self.count(cx, what)? };
                let mut items = Vec::new();
                let list = if kind == b'[' { Some(List::new(cx)?) } else { None };
                if let (Some(i), Some(l)) = (slot, &list) {
                    self.refs[i] = l.as_obj().clone();
                }
                for _ in 0..n {
                    let Some(v) = self.read(cx, depth + 1)? else {
                        return Err(cx.type_error(format!("NULL object in marshal data for {what}")));
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
                while let Some(k) = self.read(cx, depth + 1)? {
                    let Some(v) = self.read(cx, depth + 1)? else { break };
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
                match retic_bytecode::pack::read(&b) {
                    Some(c) => CodeObj::new(cx, c)?.into_obj(),
                    None => return Err(Self::bad(cx, "code object")),
                }
            }
            b':' => {
                let mut parts = [cx.none(), cx.none(), cx.none()];
                for p in &mut parts {
                    let Some(v) = self.read(cx, depth + 1)? else { return Err(Self::bad(cx, "slice")) };
                    *p = v;
                }
                let [start, stop, step] = parts;
                crate::types::slice::make(cx, start, stop, step)?
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

fn read_from(cx: &mut Cx, source: Source<'_>, code: bool) -> PyResult {
    let mut r = Reader { source, refs: Vec::new(), code };
    let o = r.read(cx, 1)?;
    cx.release(r.refs);
    o.ok_or_else(|| cx.type_error("NULL object in marshal data for object"))
}

#[retic_macros::methods]
mod functions {
    //! This module contains functions that can read and write Python values in a binary format.
    use super::*;

    /// Return the bytes object that would be written to a file by dump(value, file).
    #[py("dumps(value, version=5, /, *, allow_code=True)", "(value, version=version, /, *, allow_code=True)")]
    pub fn dumps(cx: &mut Cx, value: &Obj, version: i64, allow_code: bool) -> PyResult {
        cx.audit("marshal.dumps", &[value.into(), version.into()])?;
        let mut writer = Writer::new(version, allow_code);
        // The caller's argument is a handle of its own.
        writer.write(cx, value, 0, 1)?;
        let Writer { out, held, .. } = writer;
        cx.release(held);
        Bytes::from_slice(cx, &out)
    }
    /// Convert the bytes-like object to a value.
    #[py("loads(bytes, /, *, allow_code=True)")]
    pub fn loads(cx: &mut Cx, bytes: &Obj, allow_code: bool) -> PyResult {
        cx.audit("marshal.loads", &[bytes.into()])?;
        let b = buffer::bytes(cx, bytes)?;
        read_from(cx, Source::Bytes(&b), allow_code)
    }
    /// Write the value on the open file.
    #[py("dump(value, file, version=5, /, *, allow_code=True)", "(value, file, version=version, /, *, allow_code=True)")]
    pub fn dump(cx: &mut Cx, value: &Obj, file: &Obj, version: i64, allow_code: bool) -> PyResult {
        let b = dumps(cx, value, version, allow_code)?;
        protocol::call_method(cx, file, "write", &[b])
    }
    /// Read one value from the open file and return it.
    #[py("load(file, /, *, allow_code=True)")]
    pub fn load(cx: &mut Cx, file: &Obj, allow_code: bool) -> PyResult {
        cx.audit("marshal.load", &[])?;
        let zero = cx.int(0)?;
        let nothing = protocol::call_method(cx, file, "read", &[zero])?;
        if nothing.cast::<Bytes>().is_none() {
            return Err(cx.type_error(format!("file.read() returned not bytes but {}", nothing.ty().name_text())));
        }
        read_from(cx, Source::File(file.clone()), allow_code)
    }
}

pub fn make(cx: &mut Cx) -> PyResult {
    let m: Ref<module::Module> = module::of_functions(cx, "marshal", functions::DOC, functions::FUNCTIONS)?;
    let version = cx.int(5)?;
    m.set(cx, "version", version)?;
    Ok(m.into_obj())
}
