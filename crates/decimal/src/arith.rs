//! The four operations and their kin.

use crate::compare::{by_value, check_nan, check_nans};
use crate::limbs::{Limbs, NoMemory, POWERS};
use crate::{Context, Dec, Rounding, flag, invalid, with_memory};
use std::cmp::Ordering;

/// A coefficient of one limb or none.
#[inline]
fn word(c: &Limbs) -> Option<u64> {
    match **c {
        [] => Some(0),
        [n] => Some(n),
        _ => None,
    }
}

fn usize_of(n: i64) -> Result<usize, NoMemory> {
    usize::try_from(n).map_err(|_| NoMemory)
}

pub fn add(a: &Dec, b: &Dec, ctx: &Context, status: &mut u32) -> Dec {
    add_signed(a, b, b.negative, ctx, status)
}
pub fn sub(a: &Dec, b: &Dec, ctx: &Context, status: &mut u32) -> Dec {
    add_signed(a, b, !b.negative, ctx, status)
}

fn add_signed(a: &Dec, b: &Dec, b_negative: bool, ctx: &Context, status: &mut u32) -> Dec {
    if a.is_special() || b.is_special() {
        if let Some(nan) = check_nans(a, b, ctx, status) {
            return nan;
        }
        return match (a.is_infinite(), b.is_infinite()) {
            (true, true) if a.negative != b_negative => invalid(flag::INVALID_OPERATION, status),
            (true, _) => a.clone(),
            _ => Dec::infinity(b_negative),
        };
    }
    with_memory(status, |status| Ok(sum(a, b, b_negative, ctx)?.finalized(ctx, status)))
}

/// The sum of finite numbers; digits that cannot matter in this context are one sticky digit.
fn sum(a: &Dec, b: &Dec, b_negative: bool, ctx: &Context) -> Result<Dec, NoMemory> {
    if let (Some(x), Some(y)) = (word(&a.coefficient), word(&b.coefficient)) {
        // Both in a machine word, and not far apart.
        let apart = a.exp - b.exp;
        let scaled = |n: u64, by: i64| u128::from(n) * u128::from(POWERS[by as usize]);
        if (-18..=18).contains(&apart) && ctx.prec > 1 {
            let (x, y, exp) = if apart >= 0 { (scaled(x, apart), u128::from(y), b.exp) } else { (u128::from(x), scaled(y, -apart), a.exp) };
            // A result with more digits than the precision is rounded behind this as any other.
            return Ok(if a.negative == b_negative {
                Dec::finite(a.negative, Limbs::from_u128(x + y), exp)
            } else if x == y {
                Dec::finite(ctx.rounding == Rounding::Floor, Limbs::ZERO, exp)
            } else if x > y {
                Dec::finite(a.negative, Limbs::from_u128(x - y), exp)
            } else {
                Dec::finite(b_negative, Limbs::from_u128(y - x), exp)
            });
        }
    }
    let ((big, big_negative), (small, small_negative)) = if a.exp >= b.exp { ((a, a.negative), (b, b_negative)) } else { ((b, b_negative), (a, a.negative)) };
    let (mut low, mut exp) = (&small.coefficient, small.exp);
    let tiny;
    let aligned;
    let high = if big.exp == small.exp {
        &big.coefficient
    } else {
        if !big.coefficient.is_zero() {
            let edge = big.exp - 1 + if big.digits() > ctx.prec { 0 } else { big.digits() - ctx.prec - 1 };
            if small.adjusted() < edge {
                tiny = if small.coefficient.is_zero() { Limbs::ZERO } else { Limbs::ONE };
                low = &tiny;
                exp = edge;
            }
            aligned = big.coefficient.shift_left(usize_of(big.exp - exp)?)?;
            &aligned
        } else {
            &big.coefficient
        }
    };
    if big_negative == small_negative {
        return Ok(Dec::finite(big_negative, high.add(low)?, exp));
    }
    Ok(match high.compare(low) {
        Ordering::Equal => Dec::finite(ctx.rounding == Rounding::Floor, Limbs::ZERO, exp),
        Ordering::Greater => Dec::finite(big_negative, high.sub(low)?, exp),
        Ordering::Less => Dec::finite(small_negative, low.sub(high)?, exp),
    })
}

/// The product before it is rounded; NaNs have been looked for.
fn product(a: &Dec, b: &Dec, status: &mut u32) -> Result<Dec, NoMemory> {
    let negative = a.negative != b.negative;
    if a.is_infinite() || b.is_infinite() {
        return Ok(if a.is_zero() || b.is_zero() { invalid(flag::INVALID_OPERATION, status) } else { Dec::infinity(negative) });
    }
    Ok(Dec::finite(negative, a.coefficient.mul(&b.coefficient)?, a.exp + b.exp))
}

pub fn mul(a: &Dec, b: &Dec, ctx: &Context, status: &mut u32) -> Dec {
    if (a.is_special() || b.is_special())
        && let Some(nan) = check_nans(a, b, ctx, status)
    {
        return nan;
    }
    with_memory(status, |status| Ok(product(a, b, status)?.finalized(ctx, status)))
}

/// `a * b + c`, rounded once.
pub fn fma(a: &Dec, b: &Dec, c: &Dec, ctx: &Context, status: &mut u32) -> Dec {
    if a.is_nan() || b.is_nan() {
        let signalling = [a, b, c].into_iter().find(|d| d.is_snan());
        let which = signalling.unwrap_or(if a.is_nan() { a } else { b });
        return check_nan(which, ctx, status).unwrap_or(Dec::NAN);
    }
    with_memory(status, |status| {
        let p = product(a, b, status)?;
        if p.is_nan() {
            return Ok(p);
        }
        Ok(add(&p, c, ctx, status))
    })
}

pub fn div(a: &Dec, b: &Dec, ctx: &Context, status: &mut u32) -> Dec {
    let negative = a.negative != b.negative;
    if a.is_special() || b.is_special() {
        if let Some(nan) = check_nans(a, b, ctx, status) {
            return nan;
        }
        return match (a.is_infinite(), b.is_infinite()) {
            (true, true) => invalid(flag::INVALID_OPERATION, status),
            (true, false) => Dec::infinity(negative),
            _ => {
                *status |= flag::CLAMPED;
                Dec::finite(negative, Limbs::ZERO, ctx.etiny())
            }
        };
    }
    if b.is_zero() {
        if a.is_zero() {
            return invalid(flag::DIVISION_UNDEFINED, status);
        }
        *status |= flag::DIVISION_BY_ZERO;
        return Dec::infinity(negative);
    }
    if a.is_zero() {
        return Dec::finite(negative, Limbs::ZERO, a.exp - b.exp).finalized(ctx, status);
    }
    with_memory(status, |status| {
        let ideal = a.exp - b.exp;
        let shift = b.digits() - a.digits() + ctx.prec + 1;
        let mut exp = ideal - shift;
        let small = word(&a.coefficient).zip(word(&b.coefficient)).filter(|_| shift > 0 && shift + a.digits() <= 38);
        if let Some((x, y)) = small {
            // In machine numbers.
            let n = u128::from(x) * 10u128.pow(shift as u32);
            let (mut q, r) = (n / u128::from(y), n % u128::from(y));
            if r != 0 {
                q += u128::from(q % 5 == 0);
            } else {
                while exp < ideal && q % 10 == 0 {
                    q /= 10;
                    exp += 1;
                }
            }
            return Ok(Dec::finite(negative, Limbs::from_u128(q), exp).finalized(ctx, status));
        }
        let (q, r) =
            if shift > 0 { a.coefficient.shift_left(usize_of(shift)?)?.divmod(&b.coefficient)? } else { a.coefficient.divmod(&b.coefficient.shift_left(usize_of(-shift)?)?)? };
        let q = if !r.is_zero() {
            // A digit that tells that something was left.
            if q.last_digit() % 5 == 0 { q.add_small(1)? } else { q }
        } else if exp < ideal {
            let n = (q.trailing_zeros() as i64).min(ideal - exp);
            exp += n;
            q.shift_right(n as usize)?.0
        } else {
            q
        };
        Ok(Dec::finite(negative, q, exp).finalized(ctx, status))
    })
}

/// Quotient, truncated, and remainder of finite numbers, before they are rounded; `None`: the quotient has too many digits.
fn quotient(a: &Dec, b: &Dec, ctx: &Context) -> Result<Option<(Dec, Dec)>, NoMemory> {
    let ideal = a.exp.min(b.exp);
    let negative = a.negative != b.negative;
    let smaller = a.is_zero() || by_value(&a.with_sign(false), &b.with_sign(false)) == Ordering::Less;
    if smaller {
        let mut r = a.clone();
        if a.exp > b.exp {
            if a.is_zero() {
                r.exp = ideal;
            } else {
                let shift = a.exp - b.exp;
                r.coefficient = a.coefficient.shift_left(usize_of(shift)?)?;
                r.exp = ideal;
            }
        }
        return Ok(Some((Dec::finite(negative, Limbs::ZERO, 0), r)));
    }
    if a.adjusted() - b.adjusted() > ctx.prec {
        return Ok(None);
    }
    let shift = a.exp - b.exp;
    let (q, r) =
        if shift >= 0 { a.coefficient.shift_left(usize_of(shift)?)?.divmod(&b.coefficient)? } else { a.coefficient.divmod(&b.coefficient.shift_left(usize_of(-shift)?)?)? };
    if q.digits() as i64 > ctx.prec {
        return Ok(None);
    }
    Ok(Some((Dec::finite(negative, q, 0), Dec::finite(a.negative, r, ideal))))
}

pub fn div_int(a: &Dec, b: &Dec, ctx: &Context, status: &mut u32) -> Dec {
    let negative = a.negative != b.negative;
    if a.is_special() || b.is_special() {
        if let Some(nan) = check_nans(a, b, ctx, status) {
            return nan;
        }
        return match (a.is_infinite(), b.is_infinite()) {
            (true, true) => invalid(flag::INVALID_OPERATION, status),
            (true, false) => Dec::infinity(negative),
            _ => Dec::finite(negative, Limbs::ZERO, 0),
        };
    }
    if b.is_zero() {
        if a.is_zero() {
            return invalid(flag::DIVISION_UNDEFINED, status);
        }
        *status |= flag::DIVISION_BY_ZERO;
        return Dec::infinity(negative);
    }
    with_memory(status, |status| {
        Ok(match quotient(a, b, ctx)? {
            Some((q, _)) => q.finalized(ctx, status),
            None => invalid(flag::DIVISION_IMPOSSIBLE, status),
        })
    })
}

pub fn rem(a: &Dec, b: &Dec, ctx: &Context, status: &mut u32) -> Dec {
    if a.is_special() || b.is_special() {
        if let Some(nan) = check_nans(a, b, ctx, status) {
            return nan;
        }
        if a.is_infinite() {
            return invalid(flag::INVALID_OPERATION, status);
        }
        return a.clone().finalized(ctx, status);
    }
    if b.is_zero() {
        let why = if a.is_zero() { flag::DIVISION_UNDEFINED } else { flag::INVALID_OPERATION };
        return invalid(why, status);
    }
    with_memory(status, |status| {
        Ok(match quotient(a, b, ctx)? {
            Some((_, r)) => r.finalized(ctx, status),
            None => invalid(flag::DIVISION_IMPOSSIBLE, status),
        })
    })
}

pub fn divmod(a: &Dec, b: &Dec, ctx: &Context, status: &mut u32) -> (Dec, Dec) {
    let negative = a.negative != b.negative;
    if a.is_special() || b.is_special() {
        if let Some(nan) = check_nans(a, b, ctx, status) {
            return (nan.clone(), nan);
        }
        if a.is_infinite() {
            let q = if b.is_infinite() { Dec::NAN } else { Dec::infinity(negative) };
            return (q, invalid(flag::INVALID_OPERATION, status));
        }
        return (Dec::finite(negative, Limbs::ZERO, 0), a.clone().finalized(ctx, status));
    }
    if b.is_zero() {
        if a.is_zero() {
            return (Dec::NAN, invalid(flag::DIVISION_UNDEFINED, status));
        }
        *status |= flag::DIVISION_BY_ZERO | flag::INVALID_OPERATION;
        return (Dec::infinity(negative), Dec::NAN);
    }
    match quotient(a, b, ctx) {
        Ok(Some((q, r))) => (q.finalized(ctx, status), r.finalized(ctx, status)),
        Ok(None) => (Dec::NAN, invalid(flag::DIVISION_IMPOSSIBLE, status)),
        Err(e) => (Dec::NAN, crate::no_memory(e, status)),
    }
}

/// The remainder whose quotient is the nearest integer, the even one of two.
pub fn remainder_near(a: &Dec, b: &Dec, ctx: &Context, status: &mut u32) -> Dec {
    if a.is_special() || b.is_special() {
        if let Some(nan) = check_nans(a, b, ctx, status) {
            return nan;
        }
        if a.is_infinite() {
            return invalid(flag::INVALID_OPERATION, status);
        }
        return a.clone().finalized(ctx, status);
    }
    if b.is_zero() {
        let why = if a.is_zero() { flag::DIVISION_UNDEFINED } else { flag::INVALID_OPERATION };
        return invalid(why, status);
    }
    with_memory(status, |status| {
        let exp = a.exp.min(b.exp);
        if a.is_zero() {
            return Ok(Dec::finite(a.negative, Limbs::ZERO, exp).finalized(ctx, status));
        }
        let apart = a.adjusted() - b.adjusted();
        if apart > ctx.prec {
            return Ok(invalid(flag::DIVISION_IMPOSSIBLE, status));
        }
        if apart < -1 {
            // Less than half of the divisor.
            let r = if a.exp > exp { Dec::finite(a.negative, a.coefficient.shift_left(usize_of(a.exp - exp)?)?, exp) } else { a.clone() };
            return Ok(r.finalized(ctx, status));
        }
        let x = a.coefficient.shift_left(usize_of(a.exp - exp)?)?;
        let y = b.coefficient.shift_left(usize_of(b.exp - exp)?)?;
        let (q, r) = x.divmod(&y)?;
        let twice = r.add(&r)?;
        let up = match twice.compare(&y) {
            Ordering::Greater => true,
            Ordering::Equal => q.is_odd(),
            Ordering::Less => false,
        };
        let (q, r, negative) = if up { (q.add_small(1)?, y.sub(&r)?, !a.negative) } else { (q, r, a.negative) };
        if q.digits() as i64 > ctx.prec {
            return Ok(invalid(flag::DIVISION_IMPOSSIBLE, status));
        }
        let negative = if r.is_zero() { a.negative } else { negative };
        Ok(Dec::finite(negative, r, exp).finalized(ctx, status))
    })
}

/// `0 + a`: rounded, and a negative zero loses its sign except where rounding goes down.
pub fn plus(a: &Dec, ctx: &Context, status: &mut u32) -> Dec {
    if let Some(nan) = check_nan(a, ctx, status) {
        return nan;
    }
    let mut d = a.clone();
    if d.is_zero() {
        d.negative = d.negative && ctx.rounding == Rounding::Floor;
    }
    d.finalized(ctx, status)
}
pub fn minus(a: &Dec, ctx: &Context, status: &mut u32) -> Dec {
    if let Some(nan) = check_nan(a, ctx, status) {
        return nan;
    }
    let mut d = a.with_sign(!a.negative);
    if d.is_zero() {
        d.negative = ctx.rounding == Rounding::Floor && d.negative;
    }
    d.finalized(ctx, status)
}
pub fn abs(a: &Dec, ctx: &Context, status: &mut u32) -> Dec {
    if let Some(nan) = check_nan(a, ctx, status) {
        return nan;
    }
    if a.negative { minus(a, ctx, status) } else { plus(a, ctx, status) }
}

/// The nearest number above (`up`) or below that the context can hold.
fn next(a: &Dec, up: bool, ctx: &Context, status: &mut u32) -> Dec {
    if let Some(nan) = check_nan(a, ctx, status) {
        return nan;
    }
    if a.is_infinite() {
        if a.negative != up {
            return a.clone();
        }
        return with_memory(status, |_| Ok(Dec::finite(a.negative, Limbs::nines(usize_of(ctx.prec)?)?, ctx.etop())));
    }
    let work = Context { rounding: if up { Rounding::Ceiling } else { Rounding::Floor }, ..*ctx };
    let mut own = 0;
    let rounded = a.clone().finalized(&work, &mut own);
    if own & (flag::INEXACT | flag::MALLOC_ERROR) != 0 {
        *status |= own & flag::MALLOC_ERROR;
        return rounded;
    }
    let tiny = Dec::finite(!up, Limbs::ONE, ctx.etiny() - 1);
    let mut own = 0;
    let d = add(&rounded, &tiny, &work, &mut own);
    *status |= own & flag::MALLOC_ERROR;
    d
}
pub fn next_plus(a: &Dec, ctx: &Context, status: &mut u32) -> Dec {
    next(a, true, ctx, status)
}
pub fn next_minus(a: &Dec, ctx: &Context, status: &mut u32) -> Dec {
    next(a, false, ctx, status)
}
pub fn next_toward(a: &Dec, b: &Dec, ctx: &Context, status: &mut u32) -> Dec {
    if let Some(nan) = check_nans(a, b, ctx, status) {
        return nan;
    }
    let d = match by_value(a, b) {
        Ordering::Equal => return a.with_sign(b.negative),
        Ordering::Less => next(a, true, ctx, status),
        Ordering::Greater => next(a, false, ctx, status),
    };
    if d.is_infinite() {
        *status |= flag::OVERFLOW | flag::ROUNDED | flag::INEXACT;
    } else if d.adjusted() < ctx.emin {
        *status |= flag::UNDERFLOW | flag::SUBNORMAL | flag::ROUNDED | flag::INEXACT;
        if d.is_zero() {
            *status |= flag::CLAMPED;
        }
    }
    d
}
