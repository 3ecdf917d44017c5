//! Digits as bits, shifts, exponents.

use crate::compare::{check_nan, check_nans};
use crate::limbs::{Limbs, WIDTH};
use crate::{Context, Dec, Kind, flag, invalid, with_memory};

/// The digits of an operand of a logical operation, lowest first: zeros and ones, no sign, no exponent.
fn bits(a: &Dec) -> Option<Vec<u8>> {
    if !a.is_finite() || a.negative || a.exp != 0 {
        return None;
    }
    let n = if a.is_zero() { 0 } else { a.coefficient.digits() };
    let mut out = Vec::with_capacity(n);
    for limb in a.coefficient.iter() {
        let mut l = *limb;
        for _ in 0..WIDTH {
            if l % 10 > 1 {
                return None;
            }
            out.push((l % 10) as u8);
            l /= 10;
        }
    }
    out.truncate(n);
    Some(out)
}
fn of_bits(mut bits: Vec<u8>, ctx: &Context, status: &mut u32) -> Dec {
    bits.truncate(usize::try_from(ctx.prec).unwrap_or(usize::MAX));
    let text: Vec<u8> = bits.iter().rev().map(|b| b'0' + b).collect();
    with_memory(status, |_| Ok(Dec::finite(false, Limbs::parse(&text)?, 0)))
}

pub fn logical(a: &Dec, b: &Dec, op: fn(u8, u8) -> u8, ctx: &Context, status: &mut u32) -> Dec {
    let (Some(x), Some(y)) = (bits(a), bits(b)) else { return invalid(flag::INVALID_OPERATION, status) };
    let at = |v: &[u8], i: usize| v.get(i).copied().unwrap_or(0);
    let out = (0..x.len().max(y.len())).map(|i| op(at(&x, i), at(&y, i))).collect();
    of_bits(out, ctx, status)
}
pub fn invert(a: &Dec, ctx: &Context, status: &mut u32) -> Dec {
    let Some(x) = bits(a) else { return invalid(flag::INVALID_OPERATION, status) };
    let n = usize::try_from(ctx.prec).unwrap_or(usize::MAX);
    let mut out: Vec<u8> = Vec::new();
    if out.try_reserve_exact(n).is_err() {
        return invalid(flag::MALLOC_ERROR, status);
    }
    out.extend((0..n.max(x.len())).map(|i| 1 - x.get(i).copied().unwrap_or(0)));
    of_bits(out, ctx, status)
}

/// An operand that says how far: an integer, by the range of the context.
fn distance(b: &Dec, most: i64, status: &mut u32) -> Option<i64> {
    let n = (b.is_finite() && b.exp == 0).then(|| b.coefficient.to_u128()).flatten().and_then(|n| i64::try_from(n).ok()).filter(|n| *n <= most);
    if n.is_none() {
        *status |= flag::INVALID_OPERATION;
    }
    n.map(|n| if b.negative { -n } else { n })
}

/// The digits moved left, or right for a negative distance; what leaves the precision is gone.
pub fn shift(a: &Dec, b: &Dec, ctx: &Context, status: &mut u32) -> Dec {
    if let Some(nan) = check_nans(a, b, ctx, status) {
        return nan;
    }
    let Some(n) = distance(b, ctx.prec, status) else { return Dec::NAN };
    if a.is_infinite() {
        return a.clone();
    }
    with_memory(status, |_| {
        let mut d = a.clone();
        let prec = usize::try_from(ctx.prec).unwrap_or(usize::MAX);
        d.coefficient = if n >= 0 {
            // What would leave goes first.
            d.coefficient.low_digits(prec - n as usize).shift_left(n as usize)?
        } else {
            d.coefficient.low_digits(prec).shift_right(n.unsigned_abs() as usize)?.0
        };
        Ok(d)
    })
}
/// The same; digits that leave come in again on the other side.
pub fn rotate(a: &Dec, b: &Dec, ctx: &Context, status: &mut u32) -> Dec {
    if let Some(nan) = check_nans(a, b, ctx, status) {
        return nan;
    }
    let Some(n) = distance(b, ctx.prec, status) else { return Dec::NAN };
    if a.is_infinite() {
        return a.clone();
    }
    with_memory(status, |_| {
        let prec = usize::try_from(ctx.prec).unwrap_or(usize::MAX);
        let left = if n >= 0 { n as usize } else { prec - n.unsigned_abs() as usize };
        let mut d = a.clone();
        let c = d.coefficient.low_digits(prec);
        let high = c.low_digits(prec - left).shift_left(left)?;
        let low = c.shift_right(prec - left)?.0;
        d.coefficient = high.add(&low)?;
        Ok(d)
    })
}

/// The exponent changed by an integer.
pub fn scaleb(a: &Dec, b: &Dec, ctx: &Context, status: &mut u32) -> Dec {
    if let Some(nan) = check_nans(a, b, ctx, status) {
        return nan;
    }
    let most = 2u64.saturating_mul((ctx.prec + ctx.emax) as u64).min(i64::MAX as u64) as i64;
    let Some(n) = distance(b, most, status) else { return Dec::NAN };
    if a.is_infinite() {
        return a.clone();
    }
    let mut d = a.clone();
    d.exp = d.exp.saturating_add(n).clamp(-4 * crate::MAX_EMAX, 4 * crate::MAX_EMAX);
    d.finalized(ctx, status)
}

/// The exponent of the highest digit, as a number.
pub fn logb(a: &Dec, ctx: &Context, status: &mut u32) -> Dec {
    if let Some(nan) = check_nan(a, ctx, status) {
        return nan;
    }
    if a.is_infinite() {
        return Dec::infinity(false);
    }
    if a.is_zero() {
        *status |= flag::DIVISION_BY_ZERO;
        return Dec::infinity(true);
    }
    Dec::of_i64(a.adjusted()).finalized(ctx, status)
}

impl Dec {
    pub fn is_normal(&self, ctx: &Context) -> bool {
        self.is_finite() && !self.is_zero() && self.adjusted() >= ctx.emin
    }
    pub fn is_subnormal(&self, ctx: &Context) -> bool {
        self.is_finite() && !self.is_zero() && self.adjusted() < ctx.emin
    }
    /// One of ten names.
    pub fn number_class(&self, ctx: &Context) -> &'static str {
        match (self.kind, self.negative) {
            (Kind::Nan, _) => "NaN",
            (Kind::SignallingNan, _) => "sNaN",
            (Kind::Infinite, true) => "-Infinity",
            (Kind::Infinite, false) => "+Infinity",
            (Kind::Finite, true) if self.is_zero() => "-Zero",
            (Kind::Finite, false) if self.is_zero() => "+Zero",
            (Kind::Finite, true) if self.is_subnormal(ctx) => "-Subnormal",
            (Kind::Finite, false) if self.is_subnormal(ctx) => "+Subnormal",
            (Kind::Finite, true) => "-Normal",
            (Kind::Finite, false) => "+Normal",
        }
    }
    pub fn same_quantum(&self, b: &Dec) -> bool {
        match (self.is_finite(), b.is_finite()) {
            (true, true) => self.exp == b.exp,
            (false, false) => self.is_nan() == b.is_nan(),
            _ => false,
        }
    }
}
