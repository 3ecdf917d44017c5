//! Code as bytes: how compiled modules lie in the binary and in `__pycache__`. Numbers are little-endian varints; texts are
//! kept once and referred to by number. Reading never trusts its input: damaged bytes give `None`.

use crate::code::{Body, Code, Const, Lazy, Path, Position, Positions, RAISED};
use crate::varint::{number, zigzag};
use std::cell::OnceCell;
use std::collections::HashMap;
use std::rc::Rc;

/// Changes with the format, the opcode table or what the compiler writes; the magic number of `.pyc` files follows.
pub const FORMAT: u8 = 10;
/// The first bytes.
pub const MAGIC: [u8; 4] = [b'r', b't', b'c', b'0' + FORMAT];
/// Constants nest at most this deep.
const MAX_DEPTH: u32 = 500;
/// Of so many texts one has its place written down; the rest are found behind it.
const STRIDE: usize = 4;

/// Bytes of a code object. `None`: they lie too deep in each other.
pub fn write(code: &Code) -> Option<Vec<u8>> {
    let mut w = Writer::default();
    w.code(code);
    if w.too_deep {
        return None;
    }
    let mut out = MAGIC.to_vec();
    let (mut places, mut texts) = (Vec::new(), Vec::new());
    for (i, t) in w.texts.iter().enumerate() {
        if i % STRIDE == 0 {
            places.extend((texts.len() as u32).to_le_bytes());
        }
        number(&mut texts, t.len() as u64);
        texts.extend_from_slice(t.as_bytes());
    }
    number(&mut out, w.texts.len() as u64);
    number(&mut out, texts.len() as u64);
    out.extend(places);
    out.extend(texts);
    out.extend(w.out);
    let sum = checksum(&out);
    out.extend(sum.to_le_bytes());
    Some(out)
}

/// FNV-1a: damage is told before anything is made of the bytes.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x100_0000_01b3))
}

#[derive(Default)]
struct Writer {
    /// Code objects that the one at hand lies in.
    depth: u32,
    too_deep: bool,
    out: Vec<u8>,
    texts: Vec<Rc<str>>,
    known: HashMap<Rc<str>, u64>,
}

impl Writer {
    fn number(&mut self, v: u64) {
        number(&mut self.out, v);
    }
    fn bytes(&mut self, b: &[u8]) {
        self.number(b.len() as u64);
        self.out.extend_from_slice(b);
    }
    fn text(&mut self, t: &Rc<str>) {
        let next = self.texts.len() as u64;
        let i = *self.known.entry(t.clone()).or_insert(next);
        if i == next {
            self.texts.push(t.clone());
        }
        self.number(i);
    }
    fn list(&mut self, list: &[Rc<str>]) {
        self.number(list.len() as u64);
        list.iter().for_each(|t| self.text(t));
    }
    fn constant(&mut self, c: &Const) {
        let tag = |w: &mut Writer, t: u8| w.out.push(t);
        match c {
            Const::None => tag(self, 0),
            Const::Bool(false) => tag(self, 1),
            Const::Bool(true) => tag(self, 2),
            Const::Ellipsis => tag(self, 3),
            Const::Int(v) => {
                tag(self, 4);
                self.number(zigzag(*v));
            }
            Const::BigInt { negative, digits } => {
                tag(self, 5);
                self.number(u64::from(*negative));
                self.number(digits.len() as u64);
                digits.iter().for_each(|d| self.number(u64::from(*d)));
            }
            Const::Float(b) => {
                tag(self, 6);
                self.out.extend(b.to_le_bytes());
            }
            Const::Complex(a, b) => {
                tag(self, 7);
                self.out.extend(a.to_le_bytes());
                self.out.extend(b.to_le_bytes());
            }
            Const::Str(s) => {
                tag(self, 8);
                self.text(s);
            }
            Const::WideStr(p) => {
                tag(self, 9);
                self.number(p.len() as u64);
                p.iter().for_each(|c| self.number(u64::from(*c)));
            }
            Const::Bytes(b) => {
                tag(self, 10);
                self.bytes(b);
            }
            Const::Tuple(items) | Const::FrozenSet(items) => {
                tag(self, if matches!(c, Const::Tuple(_)) { 11 } else { 12 });
                self.number(items.len() as u64);
                items.iter().for_each(|i| self.constant(i));
            }
            // No bytes stand for an object; whoever writes such code asks first.
            Const::Object(_) => tag(self, 0),
            Const::Code(code) => {
                tag(self, 13);
                self.code(code);
            }
        }
    }
    fn code(&mut self, c: &Code) {
        if self.depth > MAX_DEPTH {
            self.too_deep = true;
            return;
        }
        self.depth += 1;
        for t in [&c.name, &c.qualname, &c.filename] {
            self.text(t);
        }
        for n in [c.argcount, c.posonlyargcount, c.kwonlyargcount, c.stacksize, c.flags, c.firstlineno] {
            self.number(u64::from(n));
        }
        // The body's length, so that a reader may come back for it.
        let before = std::mem::take(&mut self.out);
        self.body(c);
        let body = std::mem::replace(&mut self.out, before);
        self.bytes(&body);
        self.depth -= 1;
    }
    fn body(&mut self, c: &Body) {
        // Whoever makes functions of it asks for that alone.
        self.number(c.freevars.len() as u64);
        self.bytes(&c.code);
        self.number(c.consts.len() as u64);
        c.consts.iter().for_each(|k| self.constant(k));
        for l in [&c.names, &c.varnames, &c.cellvars, &c.freevars, &c.static_attributes] {
            self.list(l);
        }
        self.bytes(&c.lnotab);
        self.bytes(&packed_positions(c.positions.list()));
        self.number(c.paths.len() as u64);
        for p in &c.paths {
            // The entry is written as the offset before the first.
            self.number(u64::from(p.from.wrapping_add(1)));
            self.number(u64::from(p.to));
            self.number(p.lines.len() as u64);
            p.lines.iter().for_each(|l| self.number(u64::from(*l)));
        }
    }
}

fn packed_positions(list: &[Position]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut before = Position::default();
    for p in list {
        if *p == before {
            number(&mut out, 0);
            continue;
        }
        number(&mut out, 1 + zigzag(i64::from(p.line) - i64::from(before.line)));
        number(&mut out, zigzag(i64::from(p.end_line) - i64::from(p.line)));
        number(&mut out, u64::from(p.column));
        number(&mut out, zigzag(i64::from(p.end_column) - i64::from(p.column)));
        before = *p;
    }
    out
}

/// The positions in these bytes, as far as they are whole.
fn positions(packed: &[u8]) -> Vec<Position> {
    let mut r = Reader { rest: packed, texts: &Rc::default(), depth: 0 };
    let mut out = Vec::new();
    let mut p = Position::default();
    while !r.rest.is_empty()
        && let Some(next) = r.position(p)
    {
        p = next;
        out.push(p);
    }
    out
}

/// The code object in these bytes, which are this program's own: no sum is worked out, and the code objects inside stay
/// packed until somebody asks.
pub fn read_own(bytes: &'static [u8]) -> Option<Rc<Code>> {
    read_body(Data::Own(&bytes[..bytes.len().checked_sub(8)?]), false)
}

/// The code object in these bytes; `None` when they are damaged or of another version. The code objects inside stay packed, too, and
/// may not run before they are verified: what has the right sum may still be anything.
pub fn read(bytes: &[u8]) -> Option<Rc<Code>> {
    let (bytes, sum) = bytes.split_at_checked(bytes.len().checked_sub(8)?)?;
    if checksum(bytes).to_le_bytes() != sum {
        return None;
    }
    read_body(Data::Read(bytes.into()), true)
}

fn read_body(data: Data, foreign: bool) -> Option<Rc<Code>> {
    let mut r = Reader { rest: data.strip_prefix(&MAGIC)?, texts: &Rc::default(), depth: 0 };
    let (count, len) = (r.count()?, r.count()?);
    let places = offset(&data, r.take(count.div_ceil(STRIDE).checked_mul(4)?)?)?;
    let at = offset(&data, r.take(len)?)?;
    let end = offset(&data, r.rest)?;
    let texts = Rc::new(Texts { count, places, at, end, foreign, filename: OnceCell::new(), data });
    let mut r = Reader { rest: texts.data.get(texts.end as usize..)?, texts: &texts, depth: 0 };
    let mut code = r.head()?;
    let len = r.count()?;
    r.rest = r.take(len)?;
    code.body = r.body()?.into();
    Some(Rc::new(code))
}

/// Where a part of bytes lies in them.
fn offset(all: &[u8], part: &[u8]) -> Option<u32> {
    u32::try_from((part.as_ptr() as usize).checked_sub(all.as_ptr() as usize)?).ok()
}

/// Bytes that code lies packed in: this program's own, or read from somewhere.
#[derive(Debug)]
enum Data {
    Own(&'static [u8]),
    Read(Rc<[u8]>),
}
impl Default for Data {
    fn default() -> Data {
        Data::Own(&[])
    }
}
impl std::ops::Deref for Data {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match self {
            Data::Own(bytes) => bytes,
            Data::Read(bytes) => bytes,
        }
    }
}

/// The bytes of a module, and where its texts lie in them. Nothing is kept of those but the file's name, which all code has: the
/// parts that hold the others come and go.
#[derive(Debug, Default)]
struct Texts {
    data: Data,
    count: usize,
    /// Where every `STRIDE`th text begins, behind `at`: four bytes each.
    places: u32,
    at: u32,
    end: u32,
    foreign: bool,
    filename: OnceCell<(u64, Rc<str>)>,
}
impl Texts {
    fn get(&self, i: u64) -> Option<&str> {
        let i = usize::try_from(i).ok().filter(|i| *i < self.count)?;
        let place = self.data.get(self.places as usize + i / STRIDE * 4..)?.first_chunk()?;
        let from = (self.at as usize).checked_add(u32::from_le_bytes(*place) as usize)?;
        let mut rest = self.data.get(from..self.end as usize)?;
        for _ in 0..i % STRIDE {
            let len = read_number(&mut rest)?;
            rest = rest.get(usize::try_from(len).ok()?..)?;
        }
        let len = read_number(&mut rest)?;
        std::str::from_utf8(rest.get(..usize::try_from(len).ok()?)?).ok()
    }
}

/// A part of a module's bytes that is not read yet.
#[derive(Clone, Debug)]
pub struct Packed {
    texts: Rc<Texts>,
    from: u32,
    len: u32,
    /// How deep the body lies in others.
    depth: u32,
}
impl Packed {
    fn bytes(&self) -> &[u8] {
        self.texts.data.get(self.from as usize..).and_then(|d| d.get(..self.len as usize)).unwrap_or_default()
    }
    pub(crate) fn body(&self) -> Option<Body> {
        Reader { rest: self.bytes(), texts: &self.texts, depth: self.depth }.body()
    }
    /// How many free variables the body has.
    pub(crate) fn free_variables(&self) -> usize {
        read_number(&mut self.bytes()).map_or(0, |n| usize::try_from(n).unwrap_or(usize::MAX))
    }
    /// The positions that the bytes stand for; those behind damaged bytes are missing.
    pub(crate) fn positions(&self) -> Vec<Position> {
        positions(self.bytes())
    }
}

/// The number at the beginning of some bytes, taken from them.
fn read_number(bytes: &mut &[u8]) -> Option<u64> {
    let (mut v, mut shift) = (0u64, 0);
    loop {
        let (b, rest) = bytes.split_first()?;
        *bytes = rest;
        v |= u64::from(b & 0x7f).checked_shl(shift)?;
        if b & 0x80 == 0 {
            return Some(v);
        }
        shift += 7;
    }
}

struct Reader<'a> {
    rest: &'a [u8],
    texts: &'a Rc<Texts>,
    depth: u32,
}

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.rest.split_at_checked(n)?;
        self.rest = rest;
        Some(head)
    }
    fn number(&mut self) -> Option<u64> {
        read_number(&mut self.rest)
    }
    /// A number of things that each take at least one byte.
    fn count(&mut self) -> Option<usize> {
        let n = self.number()? as usize;
        (n <= self.rest.len()).then_some(n)
    }
    fn signed(&mut self) -> Option<i64> {
        let v = self.number()?;
        Some((v >> 1) as i64 ^ -((v & 1) as i64))
    }
    /// The next bytes, to be read later.
    fn packed(&mut self, n: usize) -> Option<Packed> {
        let from = offset(&self.texts.data, self.rest)?;
        self.take(n)?;
        Some(Packed { texts: self.texts.clone(), from, len: n as u32, depth: self.depth + 1 })
    }
    fn word(&mut self) -> Option<u32> {
        u32::try_from(self.number()?).ok()
    }
    fn text(&mut self) -> Option<Rc<str>> {
        let i = self.number()?;
        self.texts.get(i).map(Rc::from)
    }
    fn filename(&mut self) -> Option<Rc<str>> {
        let i = self.number()?;
        if let Some((_, known)) = self.texts.filename.get().filter(|known| known.0 == i) {
            return Some(known.clone());
        }
        let text: Rc<str> = self.texts.get(i)?.into();
        _ = self.texts.filename.set((i, text.clone()));
        Some(text)
    }
    fn list(&mut self) -> Option<Vec<Rc<str>>> {
        let n = self.count()?;
        (0..n).map(|_| self.text()).collect()
    }
    fn bits(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }
    fn constant(&mut self, depth: u32) -> Option<Const> {
        if depth > MAX_DEPTH {
            return None;
        }
        let tag = self.take(1)?[0];
        Some(match tag {
            0 => Const::None,
            1 => Const::Bool(false),
            2 => Const::Bool(true),
            3 => Const::Ellipsis,
            4 => Const::Int(self.signed()?),
            5 => {
                let negative = self.number()? != 0;
                let n = self.count()?;
                Const::BigInt { negative, digits: (0..n).map(|_| self.word()).collect::<Option<Vec<_>>>()?.into() }
            }
            6 => Const::Float(self.bits()?),
            7 => Const::Complex(self.bits()?, self.bits()?),
            8 => Const::Str(self.text()?),
            9 => {
                let n = self.count()?;
                Const::WideStr((0..n).map(|_| self.word()).collect::<Option<Vec<_>>>()?.into())
            }
            10 => {
                let n = self.count()?;
                Const::Bytes(self.take(n)?.into())
            }
            11 | 12 => {
                let n = self.count()?;
                let items: Rc<[Const]> = (0..n).map(|_| self.constant(depth + 1)).collect::<Option<Vec<_>>>()?.into();
                if tag == 11 { Const::Tuple(items) } else { Const::FrozenSet(items) }
            }
            13 => Const::Code(self.code()?),
            _ => return None,
        })
    }
    /// The position behind another one.
    fn position(&mut self, mut p: Position) -> Option<Position> {
        let head = self.number()?;
        if head > 0 {
            let v = head - 1;
            let delta = (v >> 1) as i64 ^ -((v & 1) as i64);
            p.line = u32::try_from(i64::from(p.line) + delta).ok()?;
            p.end_line = u32::try_from(i64::from(p.line) + self.signed()?).ok()?;
            p.column = self.word()?;
            p.end_column = u32::try_from(i64::from(p.column) + self.signed()?).ok()?;
        }
        Some(p)
    }
    fn code(&mut self) -> Option<Rc<Code>> {
        let mut c = self.head()?;
        let len = self.count()?;
        c.body = Lazy::of_packed(self.packed(len)?);
        Some(Rc::new(c))
    }
    fn head(&mut self) -> Option<Code> {
        let (first, second) = (self.number()?, self.number()?);
        let name: Rc<str> = self.texts.get(first)?.into();
        let qualname = if first == second { name.clone() } else { self.texts.get(second)?.into() };
        Some(Code {
            name,
            qualname,
            filename: self.filename()?,
            argcount: self.word()?,
            posonlyargcount: self.word()?,
            kwonlyargcount: self.word()?,
            stacksize: self.word()?,
            flags: self.word()?,
            firstlineno: self.word()?,
            foreign: self.texts.foreign,
            inside: Default::default(),
            body: Lazy::default(),
        })
    }
    fn body(&mut self) -> Option<Body> {
        if self.depth > MAX_DEPTH {
            return None;
        }
        let free = self.count()?;
        let n = self.count()?;
        let code = self.take(n)?.to_vec();
        let n = self.count()?;
        let consts = (0..n).map(|_| self.constant(0)).collect::<Option<Vec<_>>>()?;
        let (names, varnames, cellvars, freevars, static_attributes) = (self.list()?, self.list()?, self.list()?, self.list()?, self.list()?);
        if freevars.len() != free {
            return None;
        }
        let n = self.count()?;
        let lnotab = self.take(n)?.to_vec();
        let n = self.count()?;
        let positions = Positions::of_packed(self.packed(n)?);
        let n = self.count()?;
        let mut paths = Vec::with_capacity(n);
        for _ in 0..n {
            let (from, to, n) = (self.word()?.wrapping_sub(1), self.word()?, self.count()?);
            let within = |o: u32| (o as usize) < code.len();
            if !within(to) || !within(from) && from < RAISED {
                return None;
            }
            paths.push(Path { from, to, lines: (0..n).map(|_| self.word()).collect::<Option<_>>()? });
        }
        Some(Body { code, consts, names, varnames, cellvars, freevars, lnotab, positions, paths, static_attributes, inlined: Default::default() })
    }
}
