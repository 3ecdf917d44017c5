//! JSON text to objects.

use retic_runtime::object::Guarded;
use retic_runtime::types::str::Chars;
use retic_runtime::types::type_::flags;
use retic_runtime::types::{Dict, List, Slots, Spec, Str, Type};
use retic_runtime::{Args, Cx, Obj, PyResult, Raised, Ref, layout, memory, protocol};
use std::cell::Cell;
use std::marker::PhantomData;

layout! {
    /// Reads values as a `JSONDecoder` asks.
    pub struct Scanner = 294, "_json.Scanner" {
        strict: Cell<bool>,
        object_hook: Guarded<Obj>,
        object_pairs_hook: Guarded<Obj>,
        parse_float: Guarded<Obj>,
        parse_int: Guarded<Obj>,
        parse_constant: Guarded<Obj>,
    }
}

fn construct(cx: &mut Cx, ty: &Ref<Type>, args: Args<'_>) -> PyResult {
    let Some(context) = args.positional().first().or(args.keyword(cx, "context")).cloned() else {
        return Err(cx.type_error("make_scanner() missing required argument 'context' (pos 1)"));
    };
    let mut field = |name: &'static str| {
        let name = cx.name(name);
        protocol::getattr(cx, &context, &name)
    };
    let (strict, object_hook, pairs) = (field("strict")?, field("object_hook")?, field("object_pairs_hook")?);
    let (float, int, constant) = (field("parse_float")?, field("parse_int")?, field("parse_constant")?);
    let strict = protocol::truth(cx, &strict)?;
    let made = memory::new(cx, ty, |head| Scanner {
        head,
        strict: Cell::new(strict),
        object_hook: Guarded::new(object_hook),
        object_pairs_hook: Guarded::new(pairs),
        parse_float: Guarded::new(float),
        parse_int: Guarded::new(int),
        parse_constant: Guarded::new(constant),
    })?;
    Ok(made.into_obj())
}

fn call(cx: &mut Cx, o: &Obj, args: Args<'_>) -> PyResult {
    let Some(this) = o.cast::<Scanner>().cloned() else { return Ok(cx.none()) };
    let string = args.positional().first().or(args.keyword(cx, "string")).cloned();
    let index = args.positional().get(1).or(args.keyword(cx, "idx")).cloned();
    let Some(string) = string else { return Err(cx.type_error("scan_once() missing required argument 'string' (pos 1)")) };
    let Some(index) = index else { return Err(cx.type_error("scan_once() missing required argument 'idx' (pos 2)")) };
    let index = protocol::index_i64(cx, &index)?;
    let s = super::text(cx, &string)?.clone();
    let Ok(at) = usize::try_from(index) else { return Err(cx.value_error("idx cannot be negative")) };
    let (value, end) = match s.chars() {
        Chars::One(_) => Reader::<u8>::new(this, s.clone()).value(cx, at)?,
        Chars::Two(_) => Reader::<u16>::new(this, s.clone()).value(cx, at)?,
        Chars::Four(_) => Reader::<u32>::new(this, s.clone()).value(cx, at)?,
    };
    let pair = vec![value, cx.int(end as i64)?];
    cx.tuple(pair)
}

pub fn spec() -> Spec {
    Spec {
        doc: "JSON scanner object",
        flags: flags::GC,
        slots: Slots { new: Some(construct), call: Some(call), ..Slots::EMPTY },
        getset: Scanner::GETSET,
        ..Spec::new::<Scanner>("_json.Scanner")
    }
}

#[retic_macros::methods]
impl Scanner {
    /// strict
    #[get("strict")]
    fn strict_get(_cx: &mut Cx, this: &Ref<Scanner>) -> bool {
        this.strict.get()
    }
    /// object_hook
    #[get("object_hook")]
    fn object_hook_get(cx: &mut Cx, this: &Ref<Scanner>) -> Obj {
        this.object_hook.cloned(cx)
    }
    #[get("object_pairs_hook")]
    fn object_pairs_hook_get(cx: &mut Cx, this: &Ref<Scanner>) -> Obj {
        this.object_pairs_hook.cloned(cx)
    }
    /// parse_float
    #[get("parse_float")]
    fn parse_float_get(cx: &mut Cx, this: &Ref<Scanner>) -> Obj {
        this.parse_float.cloned(cx)
    }
    /// parse_int
    #[get("parse_int")]
    fn parse_int_get(cx: &mut Cx, this: &Ref<Scanner>) -> Obj {
        this.parse_int.cloned(cx)
    }
    /// parse_constant
    #[get("parse_constant")]
    fn parse_constant_get(cx: &mut Cx, this: &Ref<Scanner>) -> Obj {
        this.parse_constant.cloned(cx)
    }
}

/// `json.JSONDecodeError`.
fn wrong(cx: &mut Cx, text: &str, s: &Ref<Str>, at: usize) -> Raised {
    let made = (|| {
        let m = retic_runtime::modules::import(cx, "json.decoder")?;
        let name = cx.name("JSONDecodeError");
        let class = protocol::getattr(cx, &m, &name)?;
        let args = [cx.str(text)?, s.as_obj().clone(), cx.int(at as i64)?];
        protocol::call(cx, &class, &args)
    })();
    match made {
        Ok(e) => cx.raise(e),
        Err(r) => r,
    }
}

fn stop(cx: &mut Cx, at: usize) -> Raised {
    match cx.int(at as i64) {
        Ok(n) => cx.stop_iteration(Some(n)),
        Err(r) => r,
    }
}

/// A character as it lies in a text.
pub(super) trait Unit: Copy + Into<u32> {
    /// The characters of a text of this width.
    fn of(s: &Str) -> &[Self];
    fn text(cx: &Cx, units: &[Self]) -> PyResult;
    /// How many characters at the beginning are neither quotes nor backslashes nor control characters.
    fn plain(units: &[Self]) -> usize {
        units.iter().take_while(|c| is_plain((**c).into())).count()
    }
}

#[inline(always)]
fn is_plain(c: u32) -> bool {
    c != 0x22 && c != 0x5c && c > 0x1f
}

impl Unit for u8 {
    #[inline(always)]
    fn of(s: &Str) -> &[u8] {
        match s.chars() {
            Chars::One(c) => c,
            _ => &[],
        }
    }
    #[inline(always)]
    fn text(cx: &Cx, units: &[u8]) -> PyResult {
        Ok(Str::from_latin1(cx, units)?.into_obj())
    }
    #[inline]
    fn plain(units: &[u8]) -> usize {
        // Eight at a time: a byte's high bit is set where it is below a bound.
        const ONES: u64 = 0x0101_0101_0101_0101;
        const HIGH: u64 = ONES << 7;
        let zero = |v: u64| v.wrapping_sub(ONES) & !v;
        for (i, row) in units.chunks_exact(8).enumerate() {
            let v = row.iter().rev().fold(0, |v, b| v << 8 | u64::from(*b));
            let found = (zero(v ^ (ONES * 0x22)) | zero(v ^ (ONES * 0x5c)) | v.wrapping_sub(ONES * 0x20) & !v) & HIGH;
            if found != 0 {
                return i * 8 + found.trailing_zeros() as usize / 8;
            }
        }
        let done = units.len() & !7;
        done + units[done..].iter().take_while(|c| is_plain(u32::from(**c))).count()
    }
}
impl Unit for u16 {
    #[inline(always)]
    fn of(s: &Str) -> &[u16] {
        match s.chars() {
            Chars::Two(c) => c,
            _ => &[],
        }
    }
    fn text(cx: &Cx, units: &[u16]) -> PyResult {
        cx.str_points(&units.iter().map(|c| u32::from(*c)).collect::<Vec<_>>())
    }
}
impl Unit for u32 {
    #[inline(always)]
    fn of(s: &Str) -> &[u32] {
        match s.chars() {
            Chars::Four(c) => c,
            _ => &[],
        }
    }
    fn text(cx: &Cx, units: &[u32]) -> PyResult {
        cx.str_points(units)
    }
}

/// The text that begins behind a quote, and where it ends behind the other.
pub fn string(cx: &mut Cx, s: &Ref<Str>, from: usize, strict: bool) -> PyResult<(Obj, usize)> {
    match s.chars() {
        Chars::One(_) => string_of::<u8>(cx, s, from, strict),
        Chars::Two(_) => string_of::<u16>(cx, s, from, strict),
        Chars::Four(_) => string_of::<u32>(cx, s, from, strict),
    }
}

fn string_of<U: Unit>(cx: &mut Cx, s: &Ref<Str>, from: usize, strict: bool) -> PyResult<(Obj, usize)> {
    let units = U::of(s);
    // Mostly there are no escapes: the text is a part of the other.
    let end = from + U::plain(&units[from..]);
    match units.get(end) {
        Some(c) if (*c).into() == 0x22 => Ok((U::text(cx, &units[from..end])?, end + 1)),
        _ => escaped::<U>(cx, s, from, end, strict),
    }
}

/// The same with escapes, or damaged; up to `at` nothing of the kind was seen.
fn escaped<U: Unit>(cx: &mut Cx, s: &Ref<Str>, from: usize, mut at: usize, strict: bool) -> PyResult<(Obj, usize)> {
    let units = U::of(s);
    let mut out: Vec<u32> = units[from..at].iter().map(|c| (*c).into()).collect();
    loop {
        let Some(c) = units.get(at) else { return Err(wrong(cx, "Unterminated string starting at", s, from - 1)) };
        let c: u32 = (*c).into();
        at += 1;
        match c {
            0x22 => return Ok((cx.str_points(&out)?, at)),
            0x5c => {
                let Some(e) = units.get(at) else { return Err(wrong(cx, "Unterminated string starting at", s, from - 1)) };
                let e: u32 = (*e).into();
                at += 1;
                out.push(match char::from_u32(e) {
                    Some('"' | '\\' | '/') => e,
                    Some('b') => 8,
                    Some('f') => 12,
                    Some('n') => 10,
                    Some('r') => 13,
                    Some('t') => 9,
                    Some('u') => {
                        let Some(mut u) = four_digits(units, at) else { return Err(wrong(cx, "Invalid \\uXXXX escape", s, at - 1)) };
                        at += 4;
                        let follows = |i: usize, c: u32| units.get(i).is_some_and(|u| (*u).into() == c);
                        if (0xd800..0xdc00).contains(&u) && follows(at, 0x5c) && follows(at + 1, 0x75) {
                            match four_digits(units, at + 2) {
                                Some(low) if (0xdc00..0xe000).contains(&low) => {
                                    u = 0x10000 + ((u - 0xd800) << 10) + (low - 0xdc00);
                                    at += 6;
                                }
                                Some(_) => {}
                                None => return Err(wrong(cx, "Invalid \\uXXXX escape", s, at + 1)),
                            }
                        }
                        u
                    }
                    _ => return Err(wrong(cx, "Invalid \\escape", s, at - 2)),
                });
            }
            _ if c <= 0x1f && strict => return Err(wrong(cx, "Invalid control character at", s, at - 1)),
            _ => {
                out.push(c);
                let plain = U::plain(&units[at..]);
                out.extend(units[at..at + plain].iter().map(|c| (*c).into()));
                at += plain;
            }
        }
    }
}

fn four_digits<U: Unit>(units: &[U], at: usize) -> Option<u32> {
    units.get(at..at + 4)?.iter().try_fold(0, |n, c| Some(n << 4 | char::from_u32((*c).into())?.to_digit(16)?))
}

/// Places for keys that are found by their characters.
const NEAR: usize = 64;
/// Places where one of them may be.
const TRIES: usize = 4;

/// The first place of a key.
#[inline(always)]
fn place_of(text: &[u8]) -> usize {
    let h = text.iter().rev().take(8).fold(text.len(), |h, b| h.wrapping_mul(31).wrapping_add(usize::from(*b)));
    h.wrapping_mul(0x9e37_79b9) >> 16
}

struct Reader<U: Unit> {
    scanner: Ref<Scanner>,
    s: Ref<Str>,
    strict: bool,
    /// Keys of ASCII that came already, by their length and last characters: each is one object.
    near: [Option<Ref<Str>>; NEAR],
    /// Those that found no place there, and others.
    memo: Option<Ref<Dict>>,
    width: PhantomData<U>,
}

impl<U: Unit> Reader<U> {
    fn new(scanner: Ref<Scanner>, s: Ref<Str>) -> Reader<U> {
        let strict = scanner.strict.get();
        Reader { scanner, s, strict, near: [const { None }; NEAR], memo: None, width: PhantomData }
    }
    #[inline(always)]
    fn units(&self) -> &[U] {
        U::of(&self.s)
    }
    #[inline(always)]
    fn at(&self, i: usize) -> u32 {
        self.units().get(i).map_or(0, |c| (*c).into())
    }
    #[inline(always)]
    fn skip(&self, i: usize) -> usize {
        match self.units().get(i) {
            Some(c) if (*c).into() <= 0x20 => i + self.units()[i..].iter().take_while(|c| matches!((**c).into(), 0x20 | 9 | 10 | 13)).count(),
            _ => i,
        }
    }
    fn word(&self, i: usize, word: &str) -> bool {
        self.units().get(i..i + word.len()).is_some_and(|u| u.iter().zip(word.bytes()).all(|(c, b)| (*c).into() == u32::from(b)))
    }

    fn value(&mut self, cx: &mut Cx, i: usize) -> PyResult<(Obj, usize)> {
        let Some(c) = self.units().get(i) else { return Err(stop(cx, i)) };
        match char::from_u32((*c).into()) {
            Some('"') => string_of::<U>(cx, &self.s, i + 1, self.strict),
            Some('{') => cx.deeper(" while decoding a JSON object from a unicode string", |cx| self.object(cx, i + 1)),
            Some('[') => cx.deeper(" while decoding a JSON array from a unicode string", |cx| self.array(cx, i + 1)),
            Some('n') if self.word(i, "null") => Ok((cx.none(), i + 4)),
            Some('t') if self.word(i, "true") => Ok((cx.bool(true), i + 4)),
            Some('f') if self.word(i, "false") => Ok((cx.bool(false), i + 5)),
            Some('N') if self.word(i, "NaN") => self.constant(cx, "NaN", i),
            Some('I') if self.word(i, "Infinity") => self.constant(cx, "Infinity", i),
            Some('-') if self.word(i, "-Infinity") => self.constant(cx, "-Infinity", i),
            Some('-' | '0'..='9') => self.number(cx, i),
            _ => Err(stop(cx, i)),
        }
    }

    /// A key behind a quote, the same object for the same text, and where it ends.
    fn key(&mut self, cx: &mut Cx, from: usize) -> PyResult<(Obj, usize)> {
        if let Chars::One(b) = self.s.chars() {
            let end = from + u8::plain(&b[from..]);
            if b.get(end) == Some(&b'"')
                && let Ok(known) = self.place(&b[from..end])
            {
                return Ok((known.as_obj().clone(), end + 1));
            }
        }
        let (key, end) = string_of::<U>(cx, &self.s, from, self.strict)?;
        // It may have come written otherwise.
        match key.cast::<Str>().and_then(|k| Some(self.place(k.ascii_bytes()?))) {
            Some(Ok(known)) => return Ok((known.as_obj().clone(), end)),
            Some(Err(Some(free))) => {
                self.near[free] = key.cast::<Str>().cloned();
                return Ok((key, end));
            }
            _ => {}
        }
        let memo = match &self.memo {
            Some(memo) => memo.clone(),
            None => self.memo.insert(Dict::new(cx)?).clone(),
        };
        if let Some(known) = memo.get(cx, &key)? {
            return Ok((known, end));
        }
        memo.insert(cx, &key, key.clone())?;
        Ok((key, end))
    }

    /// The key with these characters among those near, or a place that is free for it, if there is one.
    #[inline]
    fn place(&self, text: &[u8]) -> Result<&Ref<Str>, Option<usize>> {
        let first = place_of(text);
        for at in (0..TRIES).map(|i| (first + i) % NEAR) {
            match &self.near[at] {
                None => return Err(Some(at)),
                Some(known) if known.ascii_bytes() == Some(text) => return Ok(known),
                Some(_) => {}
            }
        }
        Err(None)
    }

    fn constant(&mut self, cx: &mut Cx, word: &str, i: usize) -> PyResult<(Obj, usize)> {
        let f = self.scanner.parse_constant.cloned(cx);
        let text = cx.str(word)?;
        Ok((protocol::call(cx, &f, &[text])?, i + word.len()))
    }

    fn number(&mut self, cx: &mut Cx, from: usize) -> PyResult<(Obj, usize)> {
        let digit = |i: usize| (0x30..=0x39).contains(&self.at(i));
        let mut i = from + usize::from(self.at(from) == 0x2d);
        if !digit(i) {
            return Err(stop(cx, from));
        }
        if self.at(i) == 0x30 {
            i += 1;
        } else {
            while digit(i) {
                i += 1;
            }
        }
        let mut float = false;
        if self.at(i) == 0x2e && digit(i + 1) {
            float = true;
            i += 1;
            while digit(i) {
                i += 1;
            }
        }
        if matches!(self.at(i), 0x65 | 0x45) {
            let mut e = i + 1;
            if matches!(self.at(e), 0x2b | 0x2d) {
                e += 1;
            }
            if digit(e) {
                float = true;
                while digit(e) {
                    e += 1;
                }
                i = e;
            }
        }
        let f = if float { self.scanner.parse_float.cloned(cx) } else { self.scanner.parse_int.cloned(cx) };
        let units = &self.units()[from..i];
        let own = f.is(if float { cx.types.float.as_obj() } else { cx.types.int.as_obj() });
        if own && !float && units.len() <= 18 {
            let digits = |units: &[U]| units.iter().fold(0, |n, c| n * 10 + i64::from((*c).into()) - 0x30);
            let n = if units.first().is_some_and(|c| (*c).into() == 0x2d) { -digits(&units[1..]) } else { digits(units) };
            return Ok((cx.int(n)?, i));
        }
        let text: String = units.iter().filter_map(|c| char::from_u32((*c).into())).collect();
        if own && float {
            return Ok((cx.float(text.parse().unwrap_or(f64::NAN))?, i));
        }
        let text = cx.str(&text)?;
        Ok((protocol::call(cx, &f, &[text])?, i))
    }

    /// A value inside an object or array: that none is there is an error.
    fn inner(&mut self, cx: &mut Cx, i: usize) -> PyResult<(Obj, usize)> {
        match self.value(cx, i) {
            Err(r) if cx.error_is(&cx.types.stop_iteration) => {
                let at = retic_runtime::types::exception::take_stop_value(cx);
                let Some(at) = retic_runtime::types::int::to_i64(&at) else { return Err(r) };
                let s = self.s.clone();
                Err(wrong(cx, "Expecting value", &s, at as usize))
            }
            r => r,
        }
    }

    fn error<T>(&self, cx: &mut Cx, text: &str, at: usize) -> PyResult<T> {
        Err(wrong(cx, text, &self.s, at))
    }

    fn object(&mut self, cx: &mut Cx, from: usize) -> PyResult<(Obj, usize)> {
        let pairs_hook = Some(self.scanner.object_pairs_hook.cloned(cx)).filter(|h| !h.is_none());
        let mut pairs = Vec::new();
        let d = Dict::new(cx)?;
        let mut i = self.skip(from);
        if self.at(i) != 0x7d || i >= self.s.len() {
            loop {
                if self.at(i) != 0x22 {
                    return self.error(cx, "Expecting property name enclosed in double quotes", i);
                }
                let (key, end) = self.key(cx, i + 1)?;
                i = self.skip(end);
                if self.at(i) != 0x3a {
                    return self.error(cx, "Expecting ':' delimiter", i);
                }
                let (value, end) = self.inner(cx, self.skip(i + 1))?;
                if pairs_hook.is_some() {
                    pairs.push(cx.tuple_of([key, value])?);
                } else {
                    let old = d.insert(cx, &key, value)?;
                    cx.release(old);
                }
                i = self.skip(end);
                match self.at(i) {
                    0x7d if i < self.s.len() => break,
                    0x2c => {
                        let comma = i;
                        i = self.skip(i + 1);
                        if self.at(i) == 0x7d {
                            return self.error(cx, "Illegal trailing comma before end of object", comma);
                        }
                    }
                    _ => return self.error(cx, "Expecting ',' delimiter", i),
                }
                cx.poll_native()?;
            }
        }
        if let Some(hook) = pairs_hook {
            let list = cx.list(pairs)?;
            return Ok((protocol::call(cx, &hook, &[list])?, i + 1));
        }
        let hook = self.scanner.object_hook.cloned(cx);
        let value = if hook.is_none() { d.into_obj() } else { protocol::call(cx, &hook, &[d.into_obj()])? };
        Ok((value, i + 1))
    }

    fn array(&mut self, cx: &mut Cx, from: usize) -> PyResult<(Obj, usize)> {
        let items = List::new(cx)?;
        let mut i = self.skip(from);
        if self.at(i) != 0x5d || i >= self.s.len() {
            loop {
                let (value, end) = self.inner(cx, i)?;
                items.push(cx, value)?;
                i = self.skip(end);
                match self.at(i) {
                    0x5d if i < self.s.len() => break,
                    0x2c => {
                        let comma = i;
                        i = self.skip(i + 1);
                        if self.at(i) == 0x5d {
                            return self.error(cx, "Illegal trailing comma before end of array", comma);
                        }
                    }
                    _ => return self.error(cx, "Expecting ',' delimiter", i),
                }
                cx.poll_native()?;
            }
        }
        Ok((items.into_obj(), i + 1))
    }
}
