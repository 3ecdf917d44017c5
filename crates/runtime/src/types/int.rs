//! `int` and `bool`. Up to two 30-bit digits live as a machine integer (shape INT), larger ones as digits inline.

use super::type_::{Cmp, Op, flags};
use super::{Slots, Spec, Str, Type};
use crate::cx::{Cx, PyResult};
use crate::memory::{self, Ops, OpsOf};
use crate::native::Args;
use crate::object::{Header, Layout, Obj, Ref, Trace, Visit, shape};
use crate::protocol;
use retic_numbers::digits::{self, Number};
use retic_numbers::division::{self, Divided};
use retic_numbers::{Big, hash, small};
use std::cell::Cell;
use std::ops::Range;
use std::ptr::NonNull;

/// An integer. `digits` 0: the value is in `value`; else the signed number of digits that begin where `value` lies.
#[repr(C)]
pub struct Int {
    pub head: Header,
    digits: isize,
    value: Cell<i64>,
}
// SAFETY: O3, `repr(C)` with the header first.
unsafe impl Layout for Int {
    const ID: u16 = 3;
    const NAME: &'static str = "int";
}
impl Trace for Int {
    fn trace(&self, _: Visit<'_>) {}
}

/// Largest magnitude of two digits.
const COMPACT_MAX: i64 = (1 << 60) - 1;
const HEAD_BYTES: usize = 24;

impl Int {
    /// A fresh int object for a machine integer outside the cached range.
    #[inline]
    pub fn new(cx: &Cx, v: i64) -> PyResult {
        if v.unsigned_abs() > COMPACT_MAX as u64 {
            return Int::three_digits(cx, v < 0, v.unsigned_abs());
        }
        Int::compact(cx, &cx.types.int, shape::INT, v)
    }

    fn compact(cx: &Cx, ty: &Type, shape: u32, v: i64) -> PyResult {
        let raw = memory::birth(cx, ty, shape, size_of::<Int>().max(ty.basicsize.get()))?;
        // SAFETY: the block is large enough and ours.
        unsafe {
            raw.cast::<isize>().add(2).write(0);
            raw.cast::<i64>().add(3).write(v);
            if ty.has(flags::GC) {
                memory::cycles::track(cx, raw);
            }
            Ok(Obj::from_raw(raw))
        }
    }

    /// A magnitude that takes three digits.
    fn three_digits(cx: &Cx, negative: bool, m: u64) -> PyResult {
        let digits = [(m & 0x3fff_ffff) as u32, (m >> 30 & 0x3fff_ffff) as u32, (m >> 60) as u32];
        Int::of_digits(cx, &cx.types.int, negative, &digits)
    }

    /// From a big integer, in whatever form fits.
    pub fn from_big(cx: &Cx, ty: &Type, b: &Big) -> PyResult {
        let exact = std::ptr::eq(ty, &*cx.types.int);
        if let Some(v) = b.to_i64()
            && v.unsigned_abs() <= COMPACT_MAX as u64
        {
            return if exact { cx.int(v) } else { Int::compact(cx, ty, ty.root_shape.get(), v) };
        }
        let (negative, digits) = b.to_digits();
        Int::of_digits(cx, ty, negative, &digits)
    }

    /// From sign and digits, lowest first; leading zeros are not kept.
    fn from_digits(cx: &Cx, negative: bool, mut digits: &[u32]) -> PyResult {
        while let [rest @ .., 0] = digits {
            digits = rest;
        }
        if digits.len() <= 2 {
            let v = digits.iter().rev().fold(0i64, |v, d| v << 30 | i64::from(*d));
            return cx.int(if negative { -v } else { v });
        }
        Int::of_digits(cx, &cx.types.int, negative, digits)
    }

    /// More than two digits.
    fn of_digits(cx: &Cx, ty: &Type, negative: bool, digits: &[u32]) -> PyResult {
        let exact = std::ptr::eq(ty, &*cx.types.int);
        let size = HEAD_BYTES + digits.len() * 4;
        let raw = if exact { memory::birth_exact::<false>(cx, ty, shape::BIGINT, size)? } else { memory::birth(cx, ty, ty.root_shape.get(), size)? };
        // SAFETY: the block has room for the digits.
        unsafe {
            let n = digits.len() as isize;
            raw.cast::<isize>().add(2).write(if negative { -n } else { n });
            raw.cast::<u32>().add(HEAD_BYTES / 4).copy_from_nonoverlapping(NonNull::from(digits).cast(), digits.len());
            if ty.has(flags::GC) {
                memory::cycles::track(cx, raw);
            }
            Ok(Obj::from_raw(raw))
        }
    }

    /// The value if it is a machine integer of at most two digits.
    #[inline(always)]
    pub fn small(&self) -> Option<i64> {
        (self.digits == 0).then(|| self.value.get())
    }
    /// The value of an object known to have shape INT.
    #[inline(always)]
    pub(crate) fn value_unchecked(&self) -> i64 {
        self.value.get()
    }
    /// The digits behind a number that is not a machine integer.
    fn inline_digits(&self) -> &[u32] {
        // SAFETY: that many digits lie inline.
        unsafe { std::slice::from_raw_parts((self as *const Int).cast::<u32>().add(HEAD_BYTES / 4), self.digits.unsigned_abs()) }
    }
    /// Sign and digits; those of a machine integer are put into `room`.
    fn number<'a>(&'a self, room: &'a mut [u32; 2]) -> Number<'a> {
        match self.small() {
            Some(v) => {
                let m = v.unsigned_abs();
                *room = [(m & 0x3fff_ffff) as u32, (m >> 30) as u32];
                let n = if m == 0 { 0 } else { 1 + usize::from(room[1] != 0) };
                Number { negative: v < 0, digits: &room[..n] }
            }
            None => Number { negative: self.digits < 0, digits: self.inline_digits() },
        }
    }
    pub fn big(&self) -> Big {
        match self.small() {
            Some(v) => Big::from(v),
            None => Big::from_digits(self.digits < 0, self.inline_digits()),
        }
    }
    pub fn is_zero(&self) -> bool {
        self.small() == Some(0)
    }
    /// The magnitude of a number of three digits, if it fits.
    fn three_digit_magnitude(&self) -> Option<u64> {
        match self.inline_digits() {
            [a, b, c] if *c < 16 => Some(u64::from(*a) | u64::from(*b) << 30 | u64::from(*c) << 60),
            _ => None,
        }
    }
    fn digit_count(&self) -> usize {
        match self.small() {
            Some(v) => (64 - v.unsigned_abs().leading_zeros() as usize).div_ceil(30).max(1),
            None => self.digits.unsigned_abs(),
        }
    }
}

unsafe fn size(raw: NonNull<Header>) -> usize {
    // SAFETY: live int.
    let i = unsafe { raw.cast::<Int>().as_ref() };
    // SAFETY: O1.
    let base = unsafe { raw.as_ref().ty.get().as_ref() }.basicsize.get().saturating_sub(size_of::<Int>());
    // The block of a compact int is that of two digits; sizes shown are exact, blocks are the same class.
    HEAD_BYTES + base + i.digit_count() * 4
}
static OPS: Ops = OpsOf::<Int>::sized(size);

/// An int as i64; `None` for larger ones and other objects.
#[inline]
pub fn to_i64(o: &Obj) -> Option<i64> {
    let i = o.cast::<Int>()?;
    if let Some(v) = i.small() {
        return Some(v);
    }
    let m = i.three_digit_magnitude()?;
    if i.digits < 0 { 0i64.checked_sub_unsigned(m) } else { i64::try_from(m).ok() }
}
/// An int as u64; `None` for negative and larger ones and other objects.
pub fn to_u64(o: &Obj) -> Option<u64> {
    let i = o.cast::<Int>()?;
    match i.small() {
        Some(v) => u64::try_from(v).ok(),
        None => i.three_digit_magnitude().filter(|_| i.digits > 0),
    }
}
pub fn from_u64(cx: &Cx, v: u64) -> PyResult {
    match i64::try_from(v) {
        Ok(v) => cx.int(v),
        Err(_) => Int::three_digits(cx, false, v),
    }
}
pub fn to_big(o: &Obj) -> Option<Big> {
    o.cast::<Int>().map(|i| i.big())
}
pub fn from_big(cx: &Cx, b: &Big) -> PyResult {
    Int::from_big(cx, &cx.types.int, b)
}

#[inline]
fn operands<'a>(a: &'a Obj, b: &'a Obj) -> Option<(&'a Ref<Int>, &'a Ref<Int>)> {
    Some((a.cast::<Int>()?, b.cast::<Int>()?))
}

/// `a op b` for machine integers; `None` asks for the general way.
#[inline(always)]
pub fn small_op(op: Op, x: i64, y: i64) -> Option<i64> {
    match op {
        Op::Add => x.checked_add(y),
        Op::Sub => x.checked_sub(y),
        Op::Mul => x.checked_mul(y),
        Op::FloorDiv if y != 0 => small::floor_div(x, y),
        Op::Mod if y != 0 => Some(small::floor_mod(x, y)),
        Op::And => Some(x & y),
        Op::Or => Some(x | y),
        Op::Xor => Some(x ^ y),
        Op::LShift if (0..62).contains(&y) && x.unsigned_abs() < 1 << (62 - y) => Some(x << y),
        Op::RShift if y >= 0 => Some(x >> y.min(63)),
        Op::Pow if y >= 0 => small::pow(x, y as u64),
        _ => None,
    }
}

/// The value of an exact int of at most two digits.
#[inline(always)]
pub(crate) fn small_value(o: &Obj) -> Option<i64> {
    // SAFETY: O3, the shape says int.
    (o.shape() == shape::INT).then(|| unsafe { o.cast_unchecked::<Int>() }.value.get())
}

fn arith<const OP: usize>(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
    let op = Op::from_index(OP);
    let Some((x, y)) = operands(a, b) else { return Ok(cx.not_implemented()) };
    if let (Some(p), Some(q)) = (x.small(), y.small()) {
        if let Some(r) = small_op(op, p, q) {
            return cx.int(r);
        }
        if op == Op::DivMod
            && q != 0
            && let Some(quotient) = small::floor_div(p, q)
        {
            let pair = [cx.int(quotient)?, cx.int(small::floor_mod(p, q))?];
            return cx.tuple_of(pair);
        }
        if op == Op::TrueDiv
            && q != 0
            && let Some(r) = small::true_div(p, q)
        {
            return cx.float(r);
        }
    }
    let (mut x_room, mut y_room) = ([0; 2], [0; 2]);
    let (p, q) = (x.number(&mut x_room), y.number(&mut y_room));
    // What the last result left there is written over.
    let mut room = std::mem::take(&mut cx.digits);
    let digits = p.digits.len() * 2 + q.digits.len() + SHIFTED_MAX / 30 + 4;
    if room.try_reserve(digits.saturating_sub(room.len())).is_err() {
        return Err(cx.memory_error());
    }
    let made = by_digits(op, &mut room, p, q);
    let result = match made {
        Some(Digits::Here(negative)) => Some(Int::from_digits(cx, negative, &room)),
        Some(Digits::Part((negative, range))) => Some(Int::from_digits(cx, negative, &room[range])),
        Some(Digits::Both(Divided { quotient, rest })) => Some(Int::from_digits(cx, quotient.0, &room[quotient.1]).and_then(|q| {
            let r = Int::from_digits(cx, rest.0, &room[rest.1])?;
            cx.tuple_of([q, r])
        })),
        None => None,
    };
    if room.capacity() <= DIGITS_KEPT {
        cx.digits = room;
    }
    if let Some(r) = result {
        return r;
    }
    let (x, y) = (x.big(), y.big());
    let zero = |cx: &Cx, what: &str| cx.zero_division(what);
    let r = match op {
        Op::Add => x.add(&y),
        Op::Sub => x.sub(&y),
        Op::Mul => x.mul(&y),
        Op::FloorDiv => x.divmod(&y).ok_or_else(|| zero(cx, "integer division or modulo by zero"))?.0,
        Op::Mod => x.divmod(&y).ok_or_else(|| zero(cx, "integer modulo by zero"))?.1,
        Op::DivMod => {
            let (q, r) = x.divmod(&y).ok_or_else(|| zero(cx, "integer division or modulo by zero"))?;
            let pair = vec![from_big(cx, &q)?, from_big(cx, &r)?];
            return cx.tuple(pair);
        }
        Op::TrueDiv => {
            if y.is_zero() {
                return Err(zero(cx, "division by zero"));
            }
            let v = x.true_div(&y).ok_or_else(|| cx.overflow_error("integer division result too large for a float"))?;
            return cx.float(v);
        }
        Op::And => x.and(&y),
        Op::Or => x.or(&y),
        Op::Xor => x.xor(&y),
        Op::LShift | Op::RShift => {
            if y.is_negative() {
                return Err(cx.value_error("negative shift count"));
            }
            match (y.to_u64(), op) {
                (Some(n), Op::LShift) if n < 1 << 40 => x.shl(if x.is_zero() { 0 } else { budgeted(cx, n)? }),
                (_, Op::LShift) if x.is_zero() => x,
                (_, Op::LShift) => return Err(cx.overflow_error("too many digits in integer")),
                (n, _) => x.shr(n.unwrap_or(u64::MAX).min(x.bit_length() + 1) as usize),
            }
        }
        Op::Pow => return pow(cx, a, b, None),
        Op::MatMul => return Ok(cx.not_implemented()),
    };
    from_big(cx, &r)
}

/// The context's room for digits is given back when it is larger.
const DIGITS_KEPT: usize = 1 << 12;

/// Powers with a modulus take some milliseconds when their exponent has `n` bits, the modulus `m`, and `n * m` is this.
const QUICK_POWER_BITS: u64 = 1 << 24;

/// Shifts to the left by more bits need a look at the memory first.
const SHIFTED_MAX: usize = 1 << 14;

/// What was computed on the digits where they lie.
enum Digits {
    /// A number of this sign; its digits are in the room.
    Here(bool),
    /// A number of this sign, in a part of the room.
    Part((bool, Range<usize>)),
    Both(Divided),
}

fn by_digits(op: Op, room: &mut Vec<u32>, x: Number<'_>, y: Number<'_>) -> Option<Digits> {
    let shift = match (y.negative, y.digits) {
        (false, []) => Some(0),
        (false, [n]) => Some(*n as usize),
        _ => None,
    };
    Some(Digits::Here(match op {
        Op::Add => digits::add(room, x, y),
        Op::Sub => digits::sub(room, x, y),
        Op::Mul => digits::mul(room, x, y)?,
        Op::And => digits::and(room, x, y)?,
        Op::Or => digits::or(room, x, y)?,
        Op::Xor => digits::xor(room, x, y)?,
        Op::LShift => digits::shl(room, x, shift.filter(|n| *n <= SHIFTED_MAX)?),
        Op::RShift => digits::shr(room, x, shift?),
        Op::FloorDiv => return division::divmod(room, x, y).map(|d| Digits::Part(d.quotient)),
        Op::Mod => return division::divmod(room, x, y).map(|d| Digits::Part(d.rest)),
        Op::DivMod => return division::divmod(room, x, y).map(Digits::Both),
        _ => return None,
    }))
}

/// Refuses results so large that their memory could not be had.
fn budgeted(cx: &Cx, bits: u64) -> PyResult<usize> {
    match cx.heap.alloc(((bits / 8) as usize).max(600)) {
        Some(block) => {
            // SAFETY: just allocated with this size.
            unsafe { cx.heap.free(block, ((bits / 8) as usize).max(600)) };
            Ok(bits as usize)
        }
        None => Err(cx.memory_error()),
    }
}

fn pow(cx: &mut Cx, a: &Obj, b: &Obj, modulus: Option<&Obj>) -> PyResult {
    let Some((x, y)) = operands(a, b) else { return Ok(cx.not_implemented()) };
    if let (Some(p), Some(q)) = (x.small(), y.small())
        && let Ok(q) = u64::try_from(q)
    {
        let known = match modulus {
            Some(m) if !m.is_none() => m.cast::<Int>().and_then(|m| m.small()).filter(|m| *m != 0).map(|m| small::pow_mod(p, q, m)),
            _ => small::pow(p, q),
        };
        if let Some(known) = known {
            return cx.int(known);
        }
    }
    let (mut x, mut y) = (x.big(), y.big());
    if let Some(m) = modulus.filter(|m| !m.is_none()) {
        let Some(m) = to_big(m) else { return Ok(cx.not_implemented()) };
        if m.is_zero() {
            return Err(cx.value_error("pow() 3rd argument cannot be 0"));
        }
        if y.is_negative() {
            x = inverse(&x, &m).ok_or_else(|| cx.value_error("base is not invertible for the given modulus"))?;
            y = y.neg();
        }
        // What takes its time may be stopped.
        if y.bit_length().saturating_mul(m.bit_length()) <= QUICK_POWER_BITS {
            return from_big(cx, &x.pow_mod(&y, &m));
        }
        let power = x.pow_mod_until(&y, &m, &mut || cx.poll_native().is_err());
        return match power {
            Some(power) => from_big(cx, &power),
            None => Err(cx.raised_already()),
        };
    }
    if y.is_negative() {
        let (p, q) = (to_f64(cx, a)?, to_f64(cx, b)?);
        return super::float::power(cx, p, q);
    }
    let Some(e) = y.to_u64() else {
        if x.bit_length() <= 1 {
            let odd = y.is_odd();
            return if x.is_negative() && odd { cx.int(-1) } else { cx.int(i64::from(!x.is_zero())) };
        }
        return Err(cx.memory_error());
    };
    if x.bit_length() > 1 {
        budgeted(cx, x.bit_length().saturating_mul(e))?;
    }
    from_big(cx, &x.pow(e as usize))
}

fn inverse(a: &Big, m: &Big) -> Option<Big> {
    let (mut r0, mut r1) = (m.abs(), a.divmod(&m.abs())?.1);
    let (mut t0, mut t1) = (Big::from(0), Big::from(1));
    while !r1.is_zero() {
        let (q, r) = r0.divmod(&r1)?;
        let t = t0.sub(&q.mul(&t1));
        (r0, r1, t0, t1) = (r1, r, t1, t);
    }
    (r0 == Big::from(1)).then(|| t0.divmod(&m.abs()).map(|x| x.1))?
}

pub fn to_f64(cx: &Cx, o: &Obj) -> PyResult<f64> {
    let Some(i) = o.cast::<Int>() else { return Err(cx.type_error("must be real number")) };
    match i.small() {
        Some(v) => Ok(v as f64),
        None => i.big().to_f64().ok_or_else(|| cx.overflow_error("int too large to convert to float")),
    }
}

fn compare(cx: &mut Cx, a: &Obj, b: &Obj, op: Cmp) -> PyResult {
    let Some((x, y)) = operands(a, b) else { return Ok(cx.not_implemented()) };
    let r = match (x.small(), y.small()) {
        (Some(p), Some(q)) => op.of(p, q),
        _ if a.is(b) => op.of(0, 0),
        _ => {
            let (mut x_room, mut y_room) = ([0; 2], [0; 2]);
            op.of(digits::compare(x.number(&mut x_room), y.number(&mut y_room)), std::cmp::Ordering::Equal)
        }
    };
    Ok(cx.bool(r))
}

/// The decimal digits of a number with its sign, written at the end of a buffer.
pub fn decimal(v: i64, buffer: &mut [u8; 20]) -> &[u8] {
    let mut at = buffer.len();
    let mut rest = v.unsigned_abs();
    loop {
        at -= 1;
        buffer[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if v < 0 {
        at -= 1;
        buffer[at] = b'-';
    }
    &buffer[at..]
}

/// Decimal text, refusing numbers beyond the digit limit as CPython does.
pub fn text(cx: &Cx, i: &Int) -> PyResult<String> {
    match i.small() {
        Some(v) => Ok(v.to_string()),
        None => {
            let b = i.big();
            let limit = cx.int_max_str_digits.get();
            let too_long =
                |cx: &Cx| cx.value_error(format!("Exceeds the limit ({limit} digits) for integer string conversion; use sys.set_int_max_str_digits() to increase the limit"));
            if limit > 0 && b.bit_length() > limit as u64 * 4 {
                return Err(too_long(cx));
            }
            let t = b.to_text(10);
            if limit > 0 && t.trim_start_matches('-').len() > limit {
                return Err(too_long(cx));
            }
            Ok(t)
        }
    }
}

fn repr(cx: &mut Cx, this: &Obj) -> PyResult {
    if let Some(v) = this.cast::<Int>().and_then(|i| i.small()) {
        return Ok(Str::from_latin1(cx, decimal(v, &mut [0; 20]))?.into_obj());
    }
    let i = this.cast::<Int>().cloned();
    let t = text(cx, &i.expect("int slot on an int"))?;
    cx.str(&t)
}
fn hash_slot(_: &mut Cx, this: &Obj) -> PyResult<i64> {
    Ok(match this.cast::<Int>() {
        Some(i) => match i.small() {
            Some(v) => hash::int(v),
            None => hash::digits(i.number(&mut [0; 2])),
        },
        None => 0,
    })
}
fn exact(cx: &mut Cx, this: &Obj) -> PyResult {
    if std::ptr::eq(this.ty(), &*cx.types.int) {
        return Ok(this.clone());
    }
    let b = to_big(this).unwrap_or(Big::from(0));
    from_big(cx, &b)
}
fn negate(cx: &mut Cx, this: &Obj) -> PyResult {
    match this.cast::<Int>().and_then(|i| i.small()) {
        Some(v) => cx.int(-v),
        None => from_big(cx, &to_big(this).unwrap_or(Big::from(0)).neg()),
    }
}
fn absolute(cx: &mut Cx, this: &Obj) -> PyResult {
    match this.cast::<Int>().and_then(|i| i.small()) {
        Some(v) if v >= 0 => exact(cx, this),
        Some(v) => cx.int(-v),
        None => from_big(cx, &to_big(this).unwrap_or(Big::from(0)).abs()),
    }
}
fn invert(cx: &mut Cx, this: &Obj) -> PyResult {
    from_big(cx, &to_big(this).unwrap_or(Big::from(0)).not())
}

/// `int(text, base)`.
pub fn parse(cx: &Cx, source: &str, base: u32, shown: &str) -> PyResult<Big> {
    let bad = || cx.value_error(format!("invalid literal for int() with base {base}: {shown}"));
    let t = source.trim();
    let (negative, t) = match t.strip_prefix(['+', '-']) {
        Some(rest) => (t.starts_with('-'), rest),
        None => (false, t),
    };
    let lower = t.to_ascii_lowercase();
    let prefix = match lower.get(..2) {
        Some("0x") => 16,
        Some("0o") => 8,
        Some("0b") => 2,
        _ => 0,
    };
    let (digits, radix) = match base {
        0 if prefix != 0 => (&lower[2..], prefix),
        0 => {
            if lower.len() > 1 && lower.starts_with('0') && !lower.trim_matches(['0', '_']).is_empty() {
                return Err(bad());
            }
            (lower.as_str(), 10)
        }
        b if b == prefix => (&lower[2..], b),
        b => (lower.as_str(), b),
    };
    let digits = if prefix != 0 && (base == 0 || base == prefix) { digits.strip_prefix('_').unwrap_or(digits) } else { digits };
    if digits.is_empty() || digits.starts_with('_') || digits.ends_with('_') || digits.contains("__") {
        return Err(bad());
    }
    let clean: String = digits.chars().filter(|c| *c != '_').map(|c| retic_unicode::decimal(c as u32).and_then(|d| char::from_digit(d, 10)).unwrap_or(c)).collect();
    let limit = cx.int_max_str_digits.get();
    if limit > 0 && clean.len() > limit && !radix.is_power_of_two() {
        return Err(cx.value_error(format!(
            "Exceeds the limit ({limit} digits) for integer string conversion: value has {} digits; use sys.set_int_max_str_digits() to increase the limit",
            clean.len()
        )));
    }
    if !clean.chars().all(|c| c.is_digit(radix)) {
        return Err(bad());
    }
    let b = Big::parse(&clean, radix).ok_or_else(bad)?;
    Ok(if negative { b.neg() } else { b })
}

/// A number of few digits with a sign or none, and no prefix.
fn short(text: &[u8], radix: u32) -> Option<i64> {
    let text = text.trim_ascii();
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    let mut v = 0i64;
    for c in digits {
        let digit = (*c as char).to_digit(radix)?;
        v = v.checked_mul(i64::from(radix))?.checked_add(i64::from(digit))?;
    }
    Some(if negative { -v } else { v })
}

fn new(cx: &mut Cx, ty: &Ref<Type>, args: Args<'_>) -> PyResult {
    let pos = args.positional();
    if let [x] = pos
        && args.names.is_empty()
        && x.shape() == crate::object::shape::STR
        && std::ptr::eq(&**ty, &*cx.types.int)
        && let Some(v) = x.cast::<Str>().and_then(|s| s.ascii_bytes()).and_then(|t| short(t, 10))
    {
        return cx.int(v);
    }
    if let Some(text) = args.keywords().map(|(n, _)| n.cast::<Str>().map(|s| s.to_text(cx)).unwrap_or_default()).find(|t| t != "base") {
        let hint = crate::suggestions::hint(&text, std::iter::once("base"));
        return Err(cx.type_error(format!("int() got an unexpected keyword argument '{text}'{hint}")));
    }
    let base = args.keyword(cx, "base").or(pos.get(1));
    if args.items.len() > 2 {
        let n = args.items.len();
        return Err(cx.type_error(if args.names.is_empty() {
            format!("int expected at most 2 arguments, got {n}")
        } else {
            format!("int() takes at most 2 arguments ({n} given)")
        }));
    }
    let Some(x) = pos.first() else {
        if base.is_some() {
            return Err(cx.type_error("int() missing string argument"));
        }
        return Int::from_big(cx, ty, &Big::from(0));
    };
    let value = match base {
        Some(base) => {
            let b = protocol::index(cx, base)?;
            // Numbers that fit nowhere are no base either.
            let b = to_i64(&b).unwrap_or(-1);
            if b != 0 && !(2..=36).contains(&b) {
                return Err(cx.value_error("int() base must be >= 2 and <= 36, or 0"));
            }
            let plain = x.shape() == crate::object::shape::STR && std::ptr::eq(&**ty, &*cx.types.int) && b >= 2;
            if plain && let Some(v) = x.cast::<Str>().and_then(|s| s.ascii_bytes()).and_then(|t| short(t, b as u32)) {
                return cx.int(v);
            }
            let textual = x.cast::<Str>().is_some() || x.cast::<super::Bytes>().is_some() || x.cast::<super::bytearray::ByteArray>().is_some();
            let Some(text) = source_text(cx, x).filter(|_| textual) else {
                if x.cast::<super::Bytes>().is_some() || x.cast::<super::bytearray::ByteArray>().is_some() {
                    let raw = crate::protocol::buffer::bytes(cx, x)?;
                    let text: String = raw.iter().map(|c| *c as char).collect();
                    let shown = super::bytes::repr_bytes(&raw);
                    let v = parse(cx, &text, b as u32, &shown)?;
                    return Int::from_big(cx, ty, &v);
                }
                return Err(cx.type_error("int() can't convert non-string with explicit base"));
            };
            let shown = protocol::repr_text(cx, x)?;
            parse(cx, &text, b as u32, &shown)?
        }
        None => return convert(cx, ty, x),
    };
    Int::from_big(cx, ty, &value)
}

fn source_text(cx: &mut Cx, x: &Obj) -> Option<String> {
    if let Some(s) = x.cast::<Str>() {
        return Some(s.to_text(cx));
    }
    if !protocol::buffer::in_a_row(cx, x) {
        return None;
    }
    protocol::buffer::bytes(cx, x).ok().map(|b| String::from_utf8_lossy(&b).into_owned())
}

fn convert(cx: &mut Cx, ty: &Ref<Type>, x: &Obj) -> PyResult {
    let exact_type = ty.as_obj().is(cx.types.int.as_obj());
    let r = if let Some(f) = x.ty().slots(cx).int {
        f(cx, x)?
    } else if let Some(f) = x.ty().slots(cx).index {
        f(cx, x)?
    } else if let Some(text) = source_text(cx, x) {
        let shown = protocol::repr_text(cx, x)?;
        let b = parse(cx, &text, 10, &shown)?;
        return Int::from_big(cx, ty, &b);
    } else {
        return Err(cx.type_error(format!("int() argument must be a string, a bytes-like object or a real number, not '{}'", x.ty().name_text())));
    };
    let Some(i) = r.cast::<Int>() else {
        return Err(cx.type_error(format!("__int__ returned non-int (type {})", r.ty().name_text())));
    };
    if exact_type && std::ptr::eq(r.ty(), &**ty) {
        return Ok(r);
    }
    if x.cast::<Int>().is_none() && !std::ptr::eq(r.ty(), &*cx.types.int) {
        protocol::warn_of_subclass(cx, &format!("__int__ returned non-int (type {})", r.ty().name_text()), "int")?;
    }
    let b = i.big();
    Int::from_big(cx, ty, &b)
}

#[retic_macros::methods]
impl Int {
    /// Number of bits necessary to represent self in binary.
    #[py("bit_length($self, /)")]
    fn bit_length(_cx: &mut Cx, this: &Ref<Int>) -> i64 {
        let (mut room, bits) = ([0; 2], 30);
        let digits = this.number(&mut room).digits;
        digits.last().map_or(0, |top| (digits.len() as i64 - 1) * bits + i64::from(32 - top.leading_zeros()))
    }
    /// Number of ones in the binary representation of the absolute value of self.
    #[py("bit_count($self, /)")]
    fn bit_count(_cx: &mut Cx, this: &Ref<Int>) -> i64 {
        let mut room = [0; 2];
        this.number(&mut room).digits.iter().map(|d| i64::from(d.count_ones())).sum()
    }
    /// Returns self, the complex conjugate of any int.
    #[py("conjugate($self, /)")]
    fn conjugate(cx: &mut Cx, this: &Ref<Int>) -> PyResult {
        exact(cx, this.as_obj())
    }
    /// Return a pair of integers, whose ratio is equal to the original int.
    #[py("as_integer_ratio($self, /)")]
    fn as_integer_ratio(cx: &mut Cx, this: &Ref<Int>) -> PyResult {
        let (a, b) = (exact(cx, this.as_obj())?, cx.int(1)?);
        cx.tuple_of([a, b])
    }
    /// Returns True. Exists for duck type compatibility with float.is_integer.
    #[py("is_integer($self, /)")]
    fn is_integer(_cx: &mut Cx, _this: &Ref<Int>) -> bool {
        true
    }
    /// Return an array of bytes representing an integer.
    #[py("to_bytes($self, /, length=1, byteorder='big', *, signed=False)")]
    fn to_bytes(cx: &mut Cx, this: &Ref<Int>, length: i64, byteorder: Option<&Obj>, signed: bool) -> PyResult {
        let order = byteorder_text(cx, byteorder, "to_bytes")?;
        let n = usize::try_from(length).map_err(|_| cx.value_error("length argument must be non-negative"))?;
        if let Some(mut bytes) = this.small().and_then(|v| bytes_of_small(v, n, signed)) {
            let bytes = &mut bytes[..n];
            if order {
                bytes.reverse();
            }
            return super::Bytes::from_slice(cx, bytes);
        }
        let b = this.big();
        if b.is_negative() && !signed {
            return Err(cx.overflow_error("can't convert negative int to unsigned"));
        }
        protocol::check_size(cx, n, 1, 1)?;
        let mut bytes = b.to_bytes_le(n, signed).ok_or_else(|| cx.overflow_error("int too big to convert"))?;
        if order {
            bytes.reverse();
        }
        super::Bytes::from_slice(cx, &bytes)
    }
    /// Return the integer represented by the given array of bytes.
    #[py("from_bytes($type, /, bytes, byteorder='big', *, signed=False)")]
    fn from_bytes(cx: &mut Cx, r#type: &Obj, bytes: &Obj, byteorder: Option<&Obj>, signed: bool) -> PyResult {
        let order = byteorder_text(cx, byteorder, "from_bytes")?;
        if let Some(b) = bytes.cast::<super::Bytes>()
            && bytes.shape() == shape::BYTES
            && r#type.is(cx.types.int.as_obj())
            && let Some(v) = small_of_bytes(b.bytes(), order, signed)
        {
            return cx.int(v);
        }
        let name = cx.name("__bytes__");
        let made = match protocol::special(cx, bytes, &name)? {
            Some(f) => protocol::call(cx, &f, &[])?,
            None if bytes.cast::<Str>().is_some() => return Err(cx.type_error(format!("cannot convert '{}' object to bytes", bytes.ty().name_text()))),
            None => bytes.clone(),
        };
        let mut data = super::bytes::bytes_of(cx, &made)?;
        if order {
            data.reverse();
        }
        let v = from_big(cx, &Big::from_bytes_le(&data, signed))?;
        if r#type.is(cx.types.int.as_obj()) { Ok(v) } else { protocol::call(cx, r#type, &[v]) }
    }
    /// Convert to a string according to format_spec.
    #[py("__format__($self, format_spec, /)")]
    fn format(cx: &mut Cx, this: &Ref<Int>, format_spec: &Ref<Str>) -> PyResult {
        let spec = format_spec.to_text(cx);
        let t = protocol::format::int(cx, this.as_obj(), &spec)?;
        cx.str(&t)
    }
    /// Rounding an Integral returns itself. Rounding with an ndigits argument also returns an integer.
    #[py("__round__($self, ndigits=None, /)")]
    fn round(cx: &mut Cx, this: &Ref<Int>, ndigits: Option<&Obj>) -> PyResult {
        let ndigits = match ndigits {
            Some(o) => {
                let n = protocol::index(cx, o)?;
                let far = if to_big(&n).is_some_and(|b| b.is_negative()) { i64::MIN } else { i64::MAX };
                Some(to_i64(&n).unwrap_or(far))
            }
            None => None,
        };
        match ndigits {
            // Ten times more digits than there are: nothing is left of them.
            Some(n) if n < 0 && n.unsigned_abs() > this.big().bit_length() => cx.int(0),
            Some(n) if n < 0 => {
                let unit = Big::from(10).pow(n.unsigned_abs().min(100_000) as usize);
                let b = this.big();
                let (q, r) = b.divmod(&unit).unwrap_or((Big::from(0), Big::from(0)));
                let twice = r.shl(1);
                let up = twice > unit || twice == unit && q.is_odd();
                let q = if up { q.add(&Big::from(1)) } else { q };
                from_big(cx, &q.mul(&unit))
            }
            _ => exact(cx, this.as_obj()),
        }
    }
    /// Truncating an Integral returns itself.
    #[py("__trunc__($self, /)")]
    fn trunc(cx: &mut Cx, this: &Ref<Int>) -> PyResult {
        exact(cx, this.as_obj())
    }
    /// Flooring an Integral returns itself.
    #[py("__floor__($self, /)")]
    fn floor(cx: &mut Cx, this: &Ref<Int>) -> PyResult {
        exact(cx, this.as_obj())
    }
    /// Ceiling of an Integral returns itself.
    #[py("__ceil__($self, /)")]
    fn ceil(cx: &mut Cx, this: &Ref<Int>) -> PyResult {
        exact(cx, this.as_obj())
    }
    #[py("__getnewargs__($self, /)")]
    fn getnewargs(cx: &mut Cx, this: &Ref<Int>) -> PyResult {
        let v = exact(cx, this.as_obj())?;
        cx.tuple_of([v])
    }
    /// the real part of a complex number
    #[get("real")]
    fn real(cx: &mut Cx, this: &Ref<Int>) -> PyResult {
        exact(cx, this.as_obj())
    }
    /// the imaginary part of a complex number
    #[get("imag")]
    fn imag(_cx: &mut Cx, _this: &Ref<Int>) -> i64 {
        0
    }
    /// the numerator of a rational number in lowest terms
    #[get("numerator")]
    fn numerator(cx: &mut Cx, this: &Ref<Int>) -> PyResult {
        exact(cx, this.as_obj())
    }
    /// the denominator of a rational number in lowest terms
    #[get("denominator")]
    fn denominator(_cx: &mut Cx, _this: &Ref<Int>) -> i64 {
        1
    }
}

/// Whether a byteorder argument says big.
fn byteorder_text(cx: &Cx, o: Option<&Obj>, function: &str) -> PyResult<bool> {
    let Some(o) = o else { return Ok(true) };
    let Some(text) = o.cast::<Str>() else {
        return Err(cx.type_error(format!("{function}() argument 'byteorder' must be str, not {}", crate::native::called(o))));
    };
    match text {
        t if t.eq_str(cx, "big") => Ok(true),
        t if t.eq_str(cx, "little") => Ok(false),
        _ => Err(cx.value_error("byteorder must be either 'little' or 'big'")),
    }
}

/// The number in at most seven bytes.
fn small_of_bytes(bytes: &[u8], big_end_first: bool, signed: bool) -> Option<i64> {
    if bytes.len() > 7 {
        return None;
    }
    let push = |v: i64, b: &u8| v << 8 | i64::from(*b);
    let v = if big_end_first { bytes.iter().fold(0, push) } else { bytes.iter().rev().fold(0, push) };
    let unused = 64 - 8 * bytes.len() as u32;
    Some(if signed && !bytes.is_empty() { v << unused >> unused } else { v })
}

/// The bytes of a small number, lowest first: so many of the eight hold all of it.
fn bytes_of_small(v: i64, length: usize, signed: bool) -> Option<[u8; 8]> {
    let room = 8 * length as u32;
    let fits = match (length, signed) {
        (8.., _) => false,
        // CPython finds the sign of -1 in no bytes at all.
        (0, true) => v == 0 || v == -1,
        (_, true) => v << (64 - room) >> (64 - room) == v,
        (_, false) => v >= 0 && v >> room == 0,
    };
    fits.then(|| v.to_le_bytes())
}

pub fn spec() -> Spec {
    Spec {
        doc: "int([x]) -> integer\nint(x, base=10) -> integer",
        flags: flags::BASE | flags::MATCH_SELF,
        shape: shape::INT,
        ops: &OPS,
        slots: Slots {
            repr: Some(repr),
            hash: Some(hash_slot),
            richcompare: Some(compare),
            neg: Some(negate),
            pos: Some(exact),
            abs: Some(absolute),
            invert: Some(invert),
            bool: Some(|_, o| Ok(!o.cast::<Int>().is_some_and(|i| i.is_zero()))),
            int: Some(exact),
            index: Some(exact),
            float: Some(|cx, o| {
                let v = to_f64(cx, o)?;
                cx.float(v)
            }),
            new: Some(new),
            power: Some(|cx, a, b, m| pow(cx, a, b, Some(m))),
            ..Slots::EMPTY
        }
        .with(&[
            (Op::Add, arith::<0>),
            (Op::Sub, arith::<1>),
            (Op::Mul, arith::<2>),
            (Op::TrueDiv, arith::<4>),
            (Op::FloorDiv, arith::<5>),
            (Op::Mod, arith::<6>),
            (Op::Pow, arith::<7>),
            (Op::LShift, arith::<8>),
            (Op::RShift, arith::<9>),
            (Op::And, arith::<10>),
            (Op::Xor, arith::<11>),
            (Op::Or, arith::<12>),
            (Op::DivMod, arith::<13>),
        ]),
        methods: Int::METHODS,
        getset: Int::GETSET,
        ..Spec::new::<Int>("int")
    }
}

fn bool_bits<const OP: usize>(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
    let is_bool = |o: &Obj| o.shape() == shape::BOOL;
    if !is_bool(a) || !is_bool(b) {
        return arith::<OP>(cx, a, b);
    }
    let (x, y) = (a.is(&cx.consts.true_), b.is(&cx.consts.true_));
    Ok(cx.bool(match Op::from_index(OP) {
        Op::And => x & y,
        Op::Or => x | y,
        _ => x ^ y,
    }))
}

/// True and False themselves.
pub(crate) fn make_bool(cx: &Cx, ty: &Type, v: bool) -> PyResult {
    Int::compact(cx, ty, shape::BOOL, i64::from(v))
}

pub fn bool_spec() -> Spec {
    Spec {
        text_signature: "(object=False, /)",
        doc: "Returns True when the argument is true, False otherwise.\nThe builtins True and False are the only two instances of the class bool.\nThe class bool is a subclass of the class int, and cannot be subclassed.",
        shape: shape::BOOL,
        flags: flags::MATCH_SELF,
        ops: &OPS,
        slots: Slots {
            repr: Some(|cx, o| cx.str(if o.is(&cx.consts.true_) { "True" } else { "False" })),
            new: Some(|cx, _, args| {
                let a = args.unpack(cx, "bool", 0, 1)?;
                match a.first() {
                    Some(x) => {
                        let t = protocol::truth(cx, x)?;
                        Ok(cx.bool(t))
                    }
                    None => Ok(cx.bool(false)),
                }
            }),
            invert: Some(|cx, o| {
                let class = cx.types.deprecation_warning.clone();
                let text = "Bitwise inversion '~' on bool is deprecated and will be removed in Python 3.16. This returns the bitwise inversion of the underlying int object and is usually not what you expect from negating a bool. Use the 'not' operator for boolean negation or ~int(x) if you really want the bitwise inversion of the underlying int.";
                crate::modules::warnings::warn(cx, &class, text, 1)?;
                invert(cx, o)
            }),
            ..Slots::EMPTY
        }
        .with(&[(Op::And, bool_bits::<10>), (Op::Xor, bool_bits::<11>), (Op::Or, bool_bits::<12>)]),
        ..Spec::new::<Int>("bool")
    }
}

/// `round`-style helper for floats that become ints.
pub fn of_f64(cx: &Cx, v: f64) -> PyResult {
    if v.is_nan() {
        return Err(cx.value_error("cannot convert float NaN to integer"));
    }
    if v.is_infinite() {
        return Err(cx.overflow_error("cannot convert float infinity to integer"));
    }
    if v.abs() < 9e15 {
        return cx.int(v as i64);
    }
    from_big(cx, &Big::from_f64(v.trunc()))
}
