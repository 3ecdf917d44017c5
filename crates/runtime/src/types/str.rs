//! `str`: PEP 393. One, two or four bytes a character inline; interning; the hash is SipHash-1-3.

pub mod builder;
pub mod interned;
mod methods;
pub(crate) mod percent;
pub(crate) mod width;

use super::type_::{Cmp, Op, flags};
use super::{Slots, Spec, Type};
use crate::cx::{Cx, PyResult};
use crate::memory::{self, Ops};
use crate::native::Args;
use crate::object::{Header, Layout, Obj, Ref, Trace, Visit, shape};
use crate::protocol;
use std::cell::Cell;
use std::cmp::Ordering;
use std::hash::Hasher;
use std::mem::MaybeUninit;
use std::ptr::NonNull;
use width::{Unit, each_width};

pub(crate) use methods::tabs_expanded;
pub use methods::{check_utf8, is_identifier};

/// Text. The characters follow the struct (ASCII) or sixteen bytes later (as CPython's compact forms).
#[repr(C)]
pub struct Str {
    pub head: Header,
    len: Cell<usize>,
    hash: Cell<i64>,
    /// Bytes a character: 1, 2 or 4.
    kind: u8,
    ascii: bool,
    interned: Cell<bool>,
}
// SAFETY: O3, `repr(C)` with the header first.
unsafe impl Layout for Str {
    const ID: u16 = 6;
    const NAME: &'static str = "str";
}
impl Trace for Str {
    fn trace(&self, _: Visit<'_>) {}
}

const ASCII_BYTES: usize = 40;
const WIDE_BYTES: usize = 56;

/// The characters of a string.
pub enum Chars<'a> {
    One(&'a [u8]),
    Two(&'a [u16]),
    Four(&'a [u32]),
}
impl Chars<'_> {
    pub fn get(&self, i: usize) -> u32 {
        match self {
            Chars::One(c) => u32::from(c[i]),
            Chars::Two(c) => u32::from(c[i]),
            Chars::Four(c) => c[i],
        }
    }
    pub fn to_vec(&self) -> Vec<u32> {
        match self {
            Chars::One(c) => c.iter().map(|c| u32::from(*c)).collect(),
            Chars::Two(c) => c.iter().map(|c| u32::from(*c)).collect(),
            Chars::Four(c) => c.to_vec(),
        }
    }
}

impl Str {
    #[inline(always)]
    fn head_bytes(&self) -> usize {
        if self.ascii { ASCII_BYTES } else { WIDE_BYTES }
    }
    /// Number of characters.
    pub fn len(&self) -> usize {
        self.len.get()
    }
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    pub fn is_ascii(&self) -> bool {
        self.ascii
    }
    pub fn is_interned(&self) -> bool {
        self.interned.get()
    }
    /// The characters. Text never changes while somebody can look at it, so no context is asked for.
    pub fn chars(&self) -> Chars<'_> {
        // SAFETY: `len` characters of `kind` bytes lie behind the head.
        unsafe {
            let at = (self as *const Str).cast::<u8>().add(self.head_bytes());
            let n = self.len.get();
            match self.kind {
                1 => Chars::One(std::slice::from_raw_parts(at, n)),
                2 => Chars::Two(std::slice::from_raw_parts(at.cast(), n)),
                _ => Chars::Four(std::slice::from_raw_parts(at.cast(), n)),
            }
        }
    }
    /// Position of a character at or after a place.
    pub fn find_point(&self, point: u32, from: usize) -> Option<usize> {
        if point > 0xff && self.kind == 1 || point > 0xffff && self.kind == 2 {
            return None;
        }
        each_width!(self, p => Unit::find(&p[from..], &[Unit::from_point(point)]).map(|i| from + i))
    }
    /// Some of the characters.
    pub fn part(&self, cx: &Cx, range: std::ops::Range<usize>) -> PyResult<Ref<Str>> {
        match self.ascii_bytes() {
            Some(b) if range.len() > 1 => Str::of_ascii(cx, &b[range]),
            _ => each_width!(self, p => Unit::text(cx, &p[range])),
        }
    }
    pub fn code_points(&self) -> Vec<u32> {
        self.chars().to_vec()
    }
    /// The bytes of an ASCII string.
    pub fn ascii_bytes(&self) -> Option<&[u8]> {
        match self.chars() {
            Chars::One(b) if self.ascii => Some(b),
            _ => None,
        }
    }
    /// As Rust text; lone surrogates become U+FFFD.
    pub fn to_text(&self, _cx: &Cx) -> String {
        match self.chars() {
            Chars::One(b) if self.ascii => String::from_utf8_lossy(b).into_owned(),
            c => c.to_vec().into_iter().map(|c| char::from_u32(c).unwrap_or('\u{fffd}')).collect(),
        }
    }
    pub fn eq_str(&self, _cx: &Cx, other: &str) -> bool {
        match self.chars() {
            Chars::One(b) if self.ascii => b == other.as_bytes(),
            c => c.to_vec().into_iter().eq(other.chars().map(u32::from)),
        }
    }
    /// Whether another text is a part of this one.
    pub(crate) fn has(&self, part: &Str) -> bool {
        match (self.chars(), part.chars()) {
            (Chars::One(text), Chars::One([c])) if text.len() < 16 => text.contains(c),
            _ => width::position(self, part, 0, self.len(), false).is_some(),
        }
    }
    /// Whether both have the same characters.
    pub fn same(&self, other: &Str) -> bool {
        self.equals(other)
    }

    /// The same in place: most are short, or differ in their length.
    #[inline(always)]
    pub(crate) fn equals(&self, other: &Str) -> bool {
        let n = self.len.get();
        if n != other.len.get() || self.kind != other.kind || self.ascii != other.ascii {
            return false;
        }
        let bytes = n * usize::from(self.kind);
        // SAFETY: so many bytes lie behind both heads, which are alike.
        unsafe {
            let head = self.head_bytes();
            let (a, b) = ((self as *const Str).cast::<u8>().add(head), (other as *const Str).cast::<u8>().add(head));
            if bytes < 8 {
                return (0..bytes).all(|i| *a.add(i) == *b.add(i));
            }
            if bytes >= 128 {
                return std::slice::from_raw_parts(a, bytes) == std::slice::from_raw_parts(b, bytes);
            }
            let row = |p: *const u8, at: usize| p.add(at).cast::<u64>().read_unaligned();
            let mut at = 0;
            while at + 8 <= bytes {
                if row(a, at) != row(b, at) {
                    return false;
                }
                at += 8;
            }
            // The last row overlaps the one before.
            row(a, bytes - 8) == row(b, bytes - 8)
        }
    }

    /// The order of two texts, character by character.
    pub fn order(&self, other: &Str) -> Ordering {
        match (self.chars(), other.chars()) {
            (Chars::One(a), Chars::One(b)) => a.cmp(b),
            (Chars::Two(a), Chars::Two(b)) => a.cmp(b),
            (Chars::Four(a), Chars::Four(b)) => a.cmp(b),
            (a, b) => {
                let n = self.len().min(other.len());
                (0..n).map(|i| a.get(i).cmp(&b.get(i))).find(|o| o.is_ne()).unwrap_or(self.len().cmp(&other.len()))
            }
        }
    }

    fn alloc(cx: &Cx, ty: &Type, len: usize, kind: u8, ascii: bool) -> PyResult<NonNull<Header>> {
        let head = if ascii { ASCII_BYTES } else { WIDE_BYTES };
        let Some(bytes) = (len + 1).checked_mul(kind as usize).and_then(|b| b.checked_add(head)) else { return Err(cx.memory_error()) };
        let shape = if ty.is_heap() { ty.root_shape.get() } else { shape::STR };
        let raw = memory::birth(cx, ty, shape, bytes)?;
        // SAFETY: the block has room for the struct.
        unsafe {
            // Not read back: `memory::header_of`.
            let header = Header { count: Cell::new(1), shape: Cell::new(shape), ty: Cell::new(NonNull::from(ty)) };
            raw.cast::<Str>().write(Str { head: header, len: Cell::new(len), hash: Cell::new(-1), kind, ascii, interned: Cell::new(false) });
        }
        Ok(raw)
    }

    /// Finishes a fresh string.
    unsafe fn finish(cx: &Cx, raw: NonNull<Header>) -> Ref<Str> {
        // SAFETY: a whole string of ours.
        unsafe {
            if raw.as_ref().ty.get().as_ref().has(flags::GC) {
                memory::cycles::track(cx, raw);
            }
            Ref::from_raw(raw.cast())
        }
    }

    /// A string of ASCII or Latin-1 bytes.
    pub fn from_latin1(cx: &Cx, bytes: &[u8]) -> PyResult<Ref<Str>> {
        if let [one] = bytes
            && let Some(known) = cx.consts.latin1.get(*one as usize)
        {
            // SAFETY: O3, only strings in that table.
            return Ok(unsafe { known.cast_unchecked::<Str>() }.clone());
        }
        if bytes.is_empty() && !cx.consts.latin1.is_empty() {
            // SAFETY: O3, a string.
            return Ok(unsafe { cx.consts.empty_str.cast_unchecked::<Str>() }.clone());
        }
        Str::make(cx, &cx.types.str, bytes)
    }

    pub(crate) fn make(cx: &Cx, ty: &Type, bytes: &[u8]) -> PyResult<Ref<Str>> {
        let ascii = bytes.is_ascii();
        let raw = Str::alloc(cx, ty, bytes.len(), 1, ascii)?;
        // SAFETY: the block has room for the bytes and a final zero.
        unsafe {
            let at = raw.cast::<u8>().add(if ascii { ASCII_BYTES } else { WIDE_BYTES });
            at.as_ptr().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
            at.add(bytes.len()).write(0);
            Ok(Str::finish(cx, raw))
        }
    }

    /// ASCII text made of ASCII text, character by character.
    pub(crate) fn mapped(cx: &Cx, from: &[u8], mut to: impl FnMut(usize, u8) -> u8) -> PyResult {
        if from.len() < 2 {
            let out: Vec<u8> = from.iter().map(|c| to(0, *c)).collect();
            return Ok(Str::from_latin1(cx, &out)?.into_obj());
        }
        let raw = Str::alloc(cx, &cx.types.str, from.len(), 1, true)?;
        // SAFETY: the block has room for the characters and a final zero; every one is ASCII.
        unsafe {
            let at = raw.cast::<u8>().add(ASCII_BYTES);
            for (i, c) in from.iter().enumerate() {
                at.add(i).write(to(i, *c) & 0x7f);
            }
            at.add(from.len()).write(0);
            Ok(Str::finish(cx, raw).into_obj())
        }
    }

    /// A string of bytes that were ASCII text before; not of one alone, which is there already.
    fn of_ascii(cx: &Cx, bytes: &[u8]) -> PyResult<Ref<Str>> {
        let raw = Str::alloc(cx, &cx.types.str, bytes.len(), 1, true)?;
        // SAFETY: the block has room for the bytes and a final zero.
        unsafe {
            let at = raw.cast::<u8>().add(ASCII_BYTES);
            copy_short(bytes.as_ptr(), at.as_ptr(), bytes.len());
            at.add(bytes.len()).write(0);
            Ok(Str::finish(cx, raw))
        }
    }

    pub fn from_text(cx: &Cx, text: &str) -> PyResult<Ref<Str>> {
        if text.is_ascii() {
            return Str::from_latin1(cx, text.as_bytes());
        }
        // The longest form of a character says how wide all are; every character has one byte that continues none.
        let (mut lead, mut len) = (0, 0);
        for b in text.bytes() {
            lead = lead.max(b);
            len += usize::from(b & 0xc0 != 0x80);
        }
        match lead {
            0xf0.. => Str::filled(cx, &cx.types.str, len, false, |to| put_chars(text, to, |c| c)),
            0xc4.. => Str::filled(cx, &cx.types.str, len, false, |to| put_chars(text, to, |c| c as u16)),
            _ if len == 1 => Str::from_points(cx, &[text.chars().next().map_or(0, u32::from)]),
            _ => Str::filled(cx, &cx.types.str, len, false, |to| put_chars(text, to, |c| c as u8)),
        }
    }

    /// A string of `len` characters of the width of `U`, which `fill` writes, all of them; `ascii` says that they are that.
    fn filled<U: Unit>(cx: &Cx, ty: &Type, len: usize, ascii: bool, fill: impl FnOnce(&mut [MaybeUninit<U>])) -> PyResult<Ref<Str>> {
        let raw = Str::alloc(cx, ty, len, size_of::<U>() as u8, ascii)?;
        // SAFETY: the block has room for the characters and a final zero; the callers write all they asked for.
        unsafe {
            let at = raw.cast::<u8>().add(if ascii { ASCII_BYTES } else { WIDE_BYTES }).cast::<MaybeUninit<U>>();
            fill(std::slice::from_raw_parts_mut(at.as_ptr(), len));
            at.add(len).write(MaybeUninit::zeroed());
            Ok(Str::finish(cx, raw))
        }
    }

    /// A string of characters of one width, in the narrowest form.
    pub(crate) fn of_units<U: Unit>(cx: &Cx, ty: &Type, units: &[U]) -> PyResult<Ref<Str>> {
        let most = U::widest(units);
        if most < 0x100 && std::ptr::eq(ty, &*cx.types.str) && units.len() < 2 {
            let bytes: Vec<u8> = units.iter().map(|c| c.point() as u8).collect();
            return Str::from_latin1(cx, &bytes);
        }
        match most {
            0x10000.. => Str::filled(cx, ty, units.len(), false, |to| put_units(units, to, |c| c.point())),
            0x100.. => Str::filled(cx, ty, units.len(), false, |to| put_units(units, to, |c| c.point() as u16)),
            _ => Str::filled(cx, ty, units.len(), most < 0x80, |to| put_units(units, to, |c| c.point() as u8)),
        }
    }

    /// A string between `before` and `behind` times the same character.
    fn padded(cx: &Cx, s: &Str, before: usize, behind: usize, fill: u32) -> PyResult {
        let len = before + s.len() + behind;
        fn put<V: Unit>(s: &Str, before: usize, fill: V, to: &mut [MaybeUninit<V>]) {
            let (start, rest) = to.split_at_mut(before);
            let (middle, end) = rest.split_at_mut(s.len());
            start.fill(MaybeUninit::new(fill));
            each_width!(s, p => put_units(p, middle, |c| V::from_point(c.point())));
            end.fill(MaybeUninit::new(fill));
        }
        if len < 2 {
            let points: Vec<u32> = if s.is_empty() { vec![fill; len] } else { s.code_points() };
            return cx.str_points(&points);
        }
        let ty = &cx.types.str;
        let filled = before + behind > 0;
        let made = match (s.kind, fill) {
            (4, _) => Str::filled::<u32>(cx, ty, len, false, |to| put(s, before, fill, to)),
            (_, 0x10000..) if filled => Str::filled::<u32>(cx, ty, len, false, |to| put(s, before, fill, to)),
            (2, _) => Str::filled::<u16>(cx, ty, len, false, |to| put(s, before, fill as u16, to)),
            (_, 0x100..) if filled => Str::filled::<u16>(cx, ty, len, false, |to| put(s, before, fill as u16, to)),
            _ => Str::filled::<u8>(cx, ty, len, s.ascii && (fill < 0x80 || !filled), |to| put(s, before, fill as u8, to)),
        };
        Ok(made?.into_obj())
    }

    /// One character.
    #[inline]
    pub fn of_point(cx: &Cx, point: u32) -> PyResult {
        match cx.consts.latin1.get(point as usize) {
            Some(known) => Ok(known.clone()),
            None => Ok(Str::from_points(cx, &[point])?.into_obj()),
        }
    }

    /// From code points, in the narrowest form.
    pub fn from_points(cx: &Cx, points: &[u32]) -> PyResult<Ref<Str>> {
        Str::of_type(cx, &cx.types.str, points)
    }

    pub fn of_type(cx: &Cx, ty: &Type, points: &[u32]) -> PyResult<Ref<Str>> {
        Str::of_units(cx, ty, points)
    }

    /// The hash of a string that is a key.
    #[inline(always)]
    pub(crate) fn known_hash(&self) -> i64 {
        self.hash.get()
    }
    /// The hash, computed once.
    pub fn hash(&self, cx: &Cx) -> i64 {
        let known = self.hash.get();
        if known != -1 {
            return known;
        }
        let written = hash_of(cx, |h| match self.chars() {
            Chars::One(b) => h.write(b),
            Chars::Two(b) => b.iter().for_each(|c| h.write(&c.to_le_bytes())),
            Chars::Four(b) => b.iter().for_each(|c| h.write(&c.to_le_bytes())),
        });
        let v = if self.is_empty() { 0 } else { written };
        self.hash.set(v);
        v
    }

    /// Appends in place when the caller owns the only reference and the block has or can get the room (the same character
    /// width). Gives the string back either way; the flag says whether it was done.
    pub(crate) fn append_in_place(cx: &Cx, this: Ref<Str>, tail: &Str) -> PyResult<(Ref<Str>, bool)> {
        let s = &*this;
        let alone = s.head.count.get() == 1 && !s.interned.get() && s.head.shape.get() == shape::STR;
        if !alone || s.kind != 1 || tail.kind != 1 || s.ascii != tail.ascii || s.is_empty() || std::ptr::eq(s, tail) {
            return Ok((this, false));
        }
        let (old, new) = (s.head_bytes() + s.len() + 1, s.head_bytes() + s.len() + tail.len() + 1);
        let head = s.head_bytes();
        let raw = this.into_obj().into_raw();
        // SAFETY: we own the only count; the block is ours to resize and is used through the result only.
        unsafe {
            let Some(moved) = cx.heap.resize(raw.cast(), old, new) else {
                drop(Obj::from_raw(raw));
                return Err(cx.memory_error());
            };
            let s = moved.cast::<Str>();
            let n = s.as_ref().len();
            let Chars::One(bytes) = tail.chars() else { unreachable!("checked above") };
            moved.add(head + n).as_ptr().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
            moved.add(head + n + bytes.len()).write(0);
            s.as_ref().len.set(n + bytes.len());
            s.as_ref().hash.set(-1);
            Ok((Ref::from_raw(s), true))
        }
    }
}

/// Writes characters one beside the other; as many as there is room for, and no more than there are.
fn put_units<U: Copy, V: Unit>(units: &[U], to: &mut [MaybeUninit<V>], as_unit: impl Fn(U) -> V) {
    assert_eq!(units.len(), to.len());
    for (to, c) in to.iter_mut().zip(units) {
        to.write(as_unit(*c));
    }
}
/// The same with the characters of Rust text.
fn put_chars<V: Unit>(text: &str, to: &mut [MaybeUninit<V>], as_unit: impl Fn(u32) -> V) {
    let b = text.as_bytes();
    let tail = |i: usize| u32::from(b.get(i).copied().unwrap_or(0) & 0x3f);
    let mut i = 0;
    for to in to {
        let lead = b.get(i).copied().unwrap_or(0);
        let (c, n) = match lead {
            0..0x80 => (u32::from(lead), 1),
            0x80..0xe0 => (u32::from(lead & 0x1f) << 6 | tail(i + 1), 2),
            0xe0..0xf0 => (u32::from(lead & 0xf) << 12 | tail(i + 1) << 6 | tail(i + 2), 3),
            _ => (u32::from(lead & 7) << 18 | tail(i + 1) << 12 | tail(i + 2) << 6 | tail(i + 3), 4),
        };
        to.write(as_unit(c));
        i += n;
    }
}

/// Bytes of the block of a dying string that no table knows.
///
/// # Safety
/// The object is a whole `str`.
#[inline(always)]
pub(crate) unsafe fn plain_bytes(raw: NonNull<Header>) -> Option<usize> {
    // SAFETY: as promised.
    let s = unsafe { raw.cast::<Str>().as_ref() };
    let head = if s.ascii { ASCII_BYTES } else { WIDE_BYTES };
    (!s.interned.get()).then(|| head + (s.len.get() + 1) * s.kind as usize)
}

unsafe fn drop_str(raw: NonNull<Header>) {
    // SAFETY: dying; an interned string leaves the table.
    unsafe {
        let s = raw.cast::<Str>().as_ref();
        if s.interned.get() {
            let cx = &*raw.as_ref().ty.get().as_ref().cx.get();
            cx.interned.borrow_mut().remove(s.hash.get(), raw.cast());
        }
    }
}
unsafe fn nothing_to_trace(_: NonNull<Header>, _: &mut dyn FnMut(&Obj)) {}
unsafe fn nothing_to_clear(_: NonNull<Header>, _: &mut Vec<Obj>) {}
unsafe fn size(raw: NonNull<Header>) -> usize {
    // SAFETY: live string.
    let s = unsafe { raw.cast::<Str>().as_ref() };
    s.head_bytes() + (s.len() + 1) * s.kind as usize
}
static OPS: Ops = Ops { drop: drop_str, trace: nothing_to_trace, clear: nothing_to_clear, size };

/// The one string of these characters that names are compared by.
pub fn intern(cx: &Cx, s: Ref<Str>) -> Ref<Str> {
    if s.interned.get() {
        return s;
    }
    let h = s.hash(cx);
    let mut table = cx.interned.borrow_mut();
    // SAFETY: strings leave the table when they die.
    if let Some(known) = table.find(h, |p| unsafe { p.as_ref() }.same(&s)) {
        return another(known);
    }
    if std::ptr::eq(s.as_obj().ty(), &*cx.types.str) {
        table.insert(h, s.as_raw());
        s.interned.set(true);
    }
    s
}

/// As `intern`, for the string of a text, which is not made if it is there.
pub fn intern_text(cx: &Cx, text: &str) -> PyResult<Ref<Str>> {
    if text.len() < 2 || !text.is_ascii() {
        return Ok(intern(cx, Str::from_text(cx, text)?));
    }
    let h = hash_of(cx, |h| h.write(text.as_bytes()));
    // SAFETY: strings leave the table when they die.
    if let Some(known) = cx.interned.borrow().find(h, |p| unsafe { p.as_ref() }.ascii_bytes() == Some(text.as_bytes())) {
        return Ok(another(known));
    }
    let made = Str::make(cx, &cx.types.str, text.as_bytes())?;
    made.hash.set(h);
    cx.interned.borrow_mut().insert(h, made.as_raw());
    made.interned.set(true);
    Ok(made)
}

/// A handle more of a string in the table.
fn another(known: NonNull<Str>) -> Ref<Str> {
    // SAFETY: strings leave the table when they die; the handle made here is not dropped, only the copy is counted.
    let handle = std::mem::ManuallyDrop::new(unsafe { Ref::from_raw(known) });
    Ref::clone(&handle)
}

/// SipHash-1-3 of what `write` gives it, as a hash in Python.
#[inline]
fn hash_of(cx: &Cx, write: impl FnOnce(&mut siphasher::sip::SipHasher13)) -> i64 {
    let mut h = siphasher::sip::SipHasher13::new_with_keys(cx.hash_key.0, cx.hash_key.1);
    write(&mut h);
    match h.finish() as i64 {
        -1 => -2,
        v => v,
    }
}

/// The hash of bytes, which is that of the ASCII text of them.
pub(crate) fn hash_of_bytes(cx: &Cx, bytes: &[u8]) -> i64 {
    if bytes.is_empty() { 0 } else { hash_of(cx, |h| h.write(bytes)) }
}

fn points(o: &Obj) -> Vec<u32> {
    o.cast::<Str>().map_or(Vec::new(), |s| s.code_points())
}

/// `repr` of code points.
pub fn repr_points(points: &[u32], ascii_only: bool) -> String {
    builder::repr_units(points, ascii_only).to_rust()
}

fn compare(cx: &mut Cx, a: &Obj, b: &Obj, op: Cmp) -> PyResult {
    let (Some(x), Some(y)) = (a.cast::<Str>(), b.cast::<Str>()) else { return Ok(cx.not_implemented()) };
    let r = match op {
        Cmp::Eq => a.is(b) || x.same(y),
        Cmp::Ne => !a.is(b) && !x.same(y),
        _ => op.of(x.order(y), Ordering::Equal),
    };
    Ok(cx.bool(r))
}

/// `a + b`.
pub fn concat(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
    let (Some(x), Some(y)) = (a.cast::<Str>(), b.cast::<Str>()) else {
        return Err(cx.type_error(format!("can only concatenate str (not \"{}\") to str", b.ty().name_text())));
    };
    if x.is_empty() && b.shape() == shape::STR {
        return Ok(b.clone());
    }
    if y.is_empty() && a.shape() == shape::STR {
        return Ok(a.clone());
    }
    join_pieces(cx, &[a.clone(), b.clone()])
}

/// One string of many, sized once.
pub fn join_pieces(cx: &Cx, pieces: &[Obj]) -> PyResult {
    let mut size = Size::default();
    for p in pieces {
        if let Some(s) = p.cast::<Str>() {
            size.add(cx, s)?;
        }
    }
    size.fill(cx, &[], pieces)
}

/// `sep.join(items)`.
fn join_items(cx: &Cx, sep: &Ref<Str>, items: &[Obj]) -> PyResult {
    let mut size = Size::default();
    for (i, o) in items.iter().enumerate() {
        let Some(s) = o.cast::<Str>() else {
            return Err(cx.type_error(format!("sequence item {i}: expected str instance, {} found", o.ty().name_text())));
        };
        size.add(cx, s)?;
    }
    if let [only] = items
        && only.shape() == shape::STR
    {
        return Ok(only.clone());
    }
    if items.len() > 1 && !sep.is_empty() {
        let between = (items.len() - 1).checked_mul(sep.len()).ok_or_else(|| cx.memory_error())?;
        size.len = size.len.checked_add(between).ok_or_else(|| cx.memory_error())?;
        size.kind = size.kind.max(sep.kind);
        size.wide |= !sep.ascii;
    }
    size.fill(cx, std::slice::from_ref(sep), items)
}

/// How much room the pieces of a string take.
#[derive(Default)]
struct Size {
    len: usize,
    kind: u8,
    wide: bool,
}
impl Size {
    #[inline(always)]
    fn add(&mut self, cx: &Cx, piece: &Str) -> PyResult<()> {
        self.len = self.len.checked_add(piece.len()).ok_or_else(|| cx.memory_error())?;
        self.kind = self.kind.max(piece.kind);
        self.wide |= !piece.ascii;
        Ok(())
    }
    /// The string of these pieces, which were all counted, with the separator between them if there is one.
    fn fill(self, cx: &Cx, sep: &[Ref<Str>], pieces: &[Obj]) -> PyResult {
        let bytes = |s: &Str| -> (*const u8, usize) {
            match s.chars() {
                Chars::One(b) => (b.as_ptr(), b.len()),
                _ => (std::ptr::null(), 0),
            }
        };
        match self.kind {
            2 if self.len > 0 => return Str::filled::<u16>(cx, &cx.types.str, self.len, false, |to| put_pieces(sep, pieces, to)).map(Ref::into_obj),
            4 if self.len > 0 => return Str::filled::<u32>(cx, &cx.types.str, self.len, false, |to| put_pieces(sep, pieces, to)).map(Ref::into_obj),
            _ => {}
        }
        if self.len < 2 {
            // One of the strings that are there once.
            let between = sep.iter().filter(|_| pieces.len() > 1).map(|s| s.as_obj());
            let only = pieces.iter().chain(between).filter_map(|p| p.cast::<Str>()).find(|p| !p.is_empty());
            return Ok(Str::from_latin1(cx, only.map_or(&[], |s| if let Chars::One(b) = s.chars() { b } else { &[] }))?.into_obj());
        }
        let raw = Str::alloc(cx, &cx.types.str, self.len, 1, !self.wide)?;
        let (sep, sep_len) = sep.first().map_or((std::ptr::null(), 0), |s| bytes(s));
        // SAFETY: the block has room for all pieces, what stands between them, and a final zero.
        unsafe {
            let mut at = raw.cast::<u8>().add(if self.wide { WIDE_BYTES } else { ASCII_BYTES }).as_ptr();
            for (i, p) in pieces.iter().enumerate() {
                if i > 0 && sep_len != 0 {
                    copy_short(sep, at, sep_len);
                    at = at.add(sep_len);
                }
                let Some(p) = p.cast::<Str>() else { continue };
                let (from, n) = bytes(p);
                copy_short(from, at, n);
                at = at.add(n);
            }
            at.write(0);
            Ok(Str::finish(cx, raw).into_obj())
        }
    }
}

/// Writes the characters of all pieces, with the separator between them.
fn put_pieces<V: Unit>(sep: &[Ref<Str>], pieces: &[Obj], to: &mut [MaybeUninit<V>]) {
    let mut at = 0;
    let mut put = |s: &Str| {
        let to = &mut to[at..at + s.len()];
        at += s.len();
        each_width!(s, units => put_units(units, to, |c| V::from_point(c.point())));
    };
    for (i, p) in pieces.iter().enumerate() {
        if i > 0 {
            sep.iter().for_each(|s| put(s));
        }
        if let Some(p) = p.cast::<Str>() {
            put(p);
        }
    }
    assert_eq!(at, to.len());
}

/// Copies bytes; few of them without a call.
///
/// # Safety
/// As `copy_nonoverlapping`.
#[inline(always)]
unsafe fn copy_short(from: *const u8, to: *mut u8, n: usize) {
    // SAFETY: as promised.
    unsafe {
        match n {
            0 => {}
            1 => *to = *from,
            2..=3 => {
                to.cast::<[u8; 2]>().write(from.cast::<[u8; 2]>().read());
                *to.add(n - 1) = *from.add(n - 1);
            }
            4..=7 => {
                to.cast::<[u8; 4]>().write(from.cast::<[u8; 4]>().read());
                to.add(n - 4).cast::<[u8; 4]>().write(from.add(n - 4).cast::<[u8; 4]>().read());
            }
            8..=16 => {
                to.cast::<[u8; 8]>().write(from.cast::<[u8; 8]>().read());
                to.add(n - 8).cast::<[u8; 8]>().write(from.add(n - 8).cast::<[u8; 8]>().read());
            }
            _ => to.copy_from_nonoverlapping(from, n),
        }
    }
}

fn repeat(cx: &mut Cx, a: &Obj, n: &Obj) -> PyResult {
    let Some(n) = protocol::repeat_count(cx, n)? else { return Ok(cx.not_implemented()) };
    let Some(s) = a.cast::<Str>() else { return Ok(cx.not_implemented()) };
    if n == 1 && a.shape() == shape::STR {
        return Ok(a.clone());
    }
    if s.len().checked_mul(n).is_none_or(|all| isize::try_from(all).is_err()) {
        return Err(cx.overflow_error("repeated string is too long"));
    }
    protocol::check_size(cx, s.len(), n, s.kind as usize)?;
    if n == 0 || s.is_empty() {
        return Ok(cx.consts.empty_str.clone());
    }
    if s.len() * n < 2 {
        return each_width!(s, p => Ok(Str::of_units(cx, &cx.types.str, p)?.into_obj()));
    }
    each_width!(s, p => Ok(Str::filled(cx, &cx.types.str, s.len() * n, s.ascii, |to| put_repeated(p, to))?.into_obj()))
}

/// Writes the same characters over and over; what is there is copied in ever longer stretches.
pub(super) fn put_repeated<U: Copy>(units: &[U], to: &mut [MaybeUninit<U>]) {
    to[..units.len()].write_copy_of_slice(units);
    let mut done = units.len();
    while done < to.len() {
        let n = done.min(to.len() - done);
        to.copy_within(..n, done);
        done += n;
    }
}

fn getitem(cx: &mut Cx, this: &Obj, key: &Obj) -> PyResult {
    let Some(s) = this.cast::<Str>() else { return Ok(cx.none()) };
    if let Some(slice) = key.cast::<super::Slice>() {
        let r = super::slice::resolve(cx, slice, s.len())?;
        return picked(cx, s, r);
    }
    let i = protocol::sequence_index(cx, key, "string")?;
    match protocol::wrap_index(i, s.len()) {
        Some(i) => Str::of_point(cx, s.chars().get(i)),
        None => Err(cx.index_error("string index out of range")),
    }
}

/// A text of the characters at some positions; the text itself when these are all.
pub(super) fn picked(cx: &Cx, s: &Ref<Str>, at: super::slice::Positions) -> PyResult {
    if at.is_whole(s.len()) && s.as_obj().shape() == shape::STR {
        return Ok(s.as_obj().clone());
    }
    let str_type = &cx.types.str;
    if at.step == 1 {
        return each_width!(s, p => methods::part(cx, s, &p[at.start as usize..at.start as usize + at.len]));
    }
    if at.len < 2 {
        return each_width!(s, p => Ok(Str::of_units(cx, str_type, &at.indices().map(|i| p[i]).collect::<Vec<_>>())?.into_obj()));
    }
    each_width!(s, p => {
        if size_of_val(&p[0]) == 1 && s.ascii {
            return Ok(Str::filled(cx, str_type, at.len, true, |to| to.iter_mut().zip(at.indices()).for_each(|(to, i)| _ = to.write(p[i])))?.into_obj());
        }
        let out: Vec<_> = at.indices().map(|i| p[i]).collect();
        Ok(Str::of_units(cx, str_type, &out)?.into_obj())
    })
}

/// SipHash-1-3 of bytes under a key.
pub fn siphash13(k0: u64, k1: u64, bytes: &[u8]) -> u64 {
    let mut h = siphasher::sip::SipHasher13::new_with_keys(k0, k1);
    h.write(bytes);
    h.finish()
}

fn contains(cx: &mut Cx, this: &Obj, item: &Obj) -> PyResult<bool> {
    let (Some(s), Some(n)) = (this.cast::<Str>(), item.cast::<Str>()) else {
        return Err(cx.type_error(format!("'in <string>' requires string as left operand, not {}", item.ty().name_text())));
    };
    Ok(s.has(n))
}

fn new(cx: &mut Cx, ty: &Ref<Type>, args: Args<'_>) -> PyResult {
    let pos = args.positional();
    if !args.names.is_empty() {
        args.only(cx, "str", &["object", "encoding", "errors"])?;
    } else if pos.len() > 3 {
        return Err(cx.type_error(format!("str expected at most 3 arguments, got {}", pos.len())));
    }
    let object = pos.first().or(args.keyword(cx, "object"));
    let encoding = pos.get(1).or(args.keyword(cx, "encoding"));
    let errors = pos.get(2).or(args.keyword(cx, "errors"));
    let value = match object {
        None => cx.consts.empty_str.clone(),
        Some(o) if encoding.is_some() || errors.is_some() => {
            for (name, value) in [("encoding", encoding), ("errors", errors)] {
                if let Some(v) = value.filter(|v| v.cast::<Str>().is_none()) {
                    return Err(cx.type_error(format!("str() argument '{name}' must be str, not {}", v.ty().name_text())));
                }
            }
            if o.cast::<Str>().is_some() {
                return Err(cx.type_error("decoding str is not supported"));
            }
            if !super::super::protocol::buffer::in_a_row(cx, o) {
                return Err(cx.type_error(format!("decoding to str: need a bytes-like object, {} found", o.ty().name_text())));
            }
            let bytes = super::bytes::bytes_of(cx, o)?;
            let enc = encoding.and_then(|e| e.cast::<Str>().map(|s| s.to_text(cx))).unwrap_or_else(|| "utf-8".into());
            let err = errors.and_then(|e| e.cast::<Str>().map(|s| s.to_text(cx))).unwrap_or_else(|| "strict".into());
            crate::codecs::decode(cx, &bytes, &enc, &err)?
        }
        Some(o) => protocol::str(cx, o)?,
    };
    if ty.as_obj().is(cx.types.str.as_obj()) {
        return Ok(value);
    }
    match value.cast::<Str>() {
        Some(s) => each_width!(s, p => Ok(Str::of_units(cx, ty, p)?.into_obj())),
        None => Ok(value),
    }
}

pub fn spec() -> Spec {
    Spec {
        doc: "str(object='') -> str\nstr(bytes_or_buffer[, encoding[, errors]]) -> str\n\nCreate a new string object from the given object.",
        flags: flags::BASE | flags::MATCH_SELF,
        shape: shape::STR,
        ops: &OPS,
        basicsize: WIDE_BYTES,
        slots: Slots {
            repr: Some(|cx, o| match o.cast::<Str>() {
                Some(s) => builder::repr(cx, s),
                None => cx.str(""),
            }),
            str: Some(|cx, o| {
                if o.shape() == shape::STR {
                    return Ok(o.clone());
                }
                match o.cast::<Str>() {
                    Some(s) => each_width!(s, p => Ok(Unit::text(cx, p)?.into_obj())),
                    None => Ok(o.clone()),
                }
            }),
            hash: Some(|cx, o| Ok(o.cast::<Str>().map_or(0, |s| s.hash(cx)))),
            richcompare: Some(compare),
            len: Some(|_, o| Ok(o.cast::<Str>().map_or(0, |s| s.len()))),
            getitem: Some(getitem),
            contains: Some(contains),
            iter: Some(|cx, o| super::iterators::over(cx, &cx.types.str_iterator.clone(), o)),
            concat: Some(concat),
            repeat: Some(repeat),
            new: Some(new),
            ..Slots::EMPTY
        }
        .with(&[(Op::Mod, percent::modulo)]),
        methods: Str::METHODS,
        ..Spec::new::<Str>("str")
    }
}

impl Cx {
    /// A string of code points.
    pub fn str_points(&self, points: &[u32]) -> PyResult {
        Ok(Str::from_points(self, points)?.into_obj())
    }
}
