//! Roots, powers, exponentials and logarithms, rounded correctly (half to even).
//!
//! They are computed in binary fixed point with guard bits; where the digits behind the last one lie too near to a half to
//! tell, once more with more of them (Ziv's strategy). No result of exp, ln and log10 lies on a half, or is exact, beside
//! those that are looked for first.

use crate::arith::{div, mul};
use crate::compare::{by_value, check_nan, check_nans};
use crate::limbs::{Limbs, NoMemory};
use crate::{Context, Dec, MAX_PREC, Rounding, flag, invalid, with_memory};
use retic_numbers::big::Big;
use std::cell::RefCell;
use std::cmp::Ordering;

fn int(n: i64) -> Big {
    Big::from_i128(n.into())
}
fn div_big(a: &Big, b: &Big) -> Big {
    a.divmod(b).map_or_else(|| int(0), |q| q.0)
}
fn power_of_ten(n: usize) -> Big {
    int(10).pow(n)
}

/// More digits than this are not computed: there would be no memory for it.
const MOST_DIGITS: i64 = 400_000_000;

/// `atanh(1/n)` with so many bits behind the point.
fn atanh_inverse(n: i64, bits: usize) -> Big {
    let square = int(n * n);
    let mut power = div_big(&int(1).shl(bits), &int(n));
    let (mut sum, mut k) = (power.clone(), 3);
    loop {
        power = div_big(&power, &square);
        if power.is_zero() {
            return sum;
        }
        sum = sum.add(&div_big(&power, &int(k)));
        k += 2;
    }
}

thread_local! {
    /// ln 2 and ln 10 with as many bits as were ever asked for.
    static LOGARITHMS: RefCell<Option<(usize, Big, Big)>> = const { RefCell::new(None) };
}
/// ln 2 and ln 10 with so many bits behind the point, some units too small or large.
fn logarithms(bits: usize) -> (Big, Big) {
    LOGARITHMS.with_borrow_mut(|known| {
        if known.as_ref().is_none_or(|k| k.0 < bits) {
            let w = bits + 64 + bits / 4;
            // Machin-like sums over the primes 2, 3, 5 and 7.
            let (a, b, c) = (atanh_inverse(31, w), atanh_inverse(49, w), atanh_inverse(161, w));
            let sum = |x: i64, y: i64, z: i64| a.mul(&int(x)).add(&b.mul(&int(y))).add(&c.mul(&int(z)));
            *known = Some((w, sum(14, 10, 6), sum(46, 34, 20)));
        }
        match known {
            Some((w, two, ten)) => (two.shr(*w - bits), ten.shr(*w - bits)),
            None => (int(0), int(0)),
        }
    })
}

/// The logarithm of `f` in [0.5, 2], both with so many bits behind the point.
fn ln_near_one(f: &Big, bits: usize) -> Big {
    // Roots bring it so near to one that the series is short.
    let roots = (bits as f64).sqrt() as usize / 3 + 2;
    let w = bits + 2 * roots + 16;
    let mut f = f.shl(w - bits);
    for _ in 0..roots {
        f = f.shl(w).isqrt();
    }
    let one = int(1).shl(w);
    let z = div_big(&f.sub(&one).shl(w), &f.add(&one));
    let square = z.mul(&z).shr(w);
    let (mut power, mut sum, mut k) = (z.clone(), z, 3);
    loop {
        power = power.mul(&square).shr(w);
        let term = div_big(&power, &int(k));
        if term.is_zero() || term == int(-1) {
            break;
        }
        sum = sum.add(&term);
        k += 2;
    }
    // Twice the atanh, and twice for each root.
    sum.shl(1 + roots).shr(w - bits)
}

/// `c * 10 ** e` with so many bits behind the point; digits that cannot matter there do not take part.
fn fixed(c: &Limbs, e: i64, bits: usize) -> Result<Big, NoMemory> {
    let spare = c.digits() as i64 + e.min(0) + (bits as i64 * 3 / 10) + 24;
    let (c, e) = if e < 0 && spare < c.digits() as i64 {
        let drop = (c.digits() as i64 - spare.max(1)).min(-e);
        (c.shift_right(drop as usize)?.0, e + drop)
    } else {
        (c.clone(), e)
    };
    let n = c.to_big();
    Ok(if e >= 0 { n.mul(&power_of_ten(e as usize)).shl(bits) } else { div_big(&n.shl(bits), &power_of_ten(-e as usize)) })
}

/// A value with `bits` behind the point as `prec` digits and some more, if it is clear how it rounds.
fn rounded(negative: bool, value: &Big, bits: usize, exp: i64, prec: i64, extra: i64) -> Result<Option<Dec>, NoMemory> {
    // Enough digits: as many as the value has before the point less, and `extra` more.
    let whole = (value.bit_length() as i64 - bits as i64) * 3 / 10;
    let places = prec + extra - whole;
    let scaled = if places >= 0 { value.mul(&power_of_ten(places as usize)).shr(bits) } else { div_big(&value.shr(bits), &power_of_ten(-places as usize)) };
    let c = Limbs::of_big(&scaled)?;
    let drop = c.digits() as i64 - prec;
    if drop < 3 {
        return Ok(None);
    }
    let tail = c.low_digits(drop as usize);
    let half = Limbs::from_u64(5).shift_left(drop as usize - 1)?;
    let apart = if tail.compare(&half) == Ordering::Less { half.sub(&tail)? } else { tail.sub(&half)? };
    if apart.compare(&Limbs::from_u64(50)) == Ordering::Less {
        return Ok(None);
    }
    // One more digit says that it is not exact.
    Ok(Some(Dec::finite(negative, c.shift_left(1)?.add_small(1)?, exp - places - 1)))
}

/// Tries with more and more guard digits.
fn ziv(prec: i64, status: &mut u32, ctx: &Context, attempt: impl Fn(i64) -> Result<Option<Dec>, NoMemory>) -> Dec {
    if prec > MOST_DIGITS {
        return crate::text::out_of_memory(status);
    }
    let work = Context { rounding: Rounding::HalfEven, ..*ctx };
    let mut extra = 8;
    loop {
        match attempt(extra) {
            Ok(Some(d)) => {
                *status |= flag::INEXACT | flag::ROUNDED;
                return d.finalized(&work, status);
            }
            Ok(None) => extra = extra * 2 + 8,
            Err(e) => return crate::no_memory(e, status),
        }
    }
}

fn one_with_zeros(ctx: &Context, status: &mut u32) -> Dec {
    with_memory(status, |status| {
        let n = ctx.prec - 1;
        let c = Limbs::ONE.shift_left(usize::try_from(n).map_err(|_| NoMemory)?)?;
        *status |= flag::INEXACT | flag::ROUNDED;
        Ok(Dec::finite(false, c, -n))
    })
}

/// e to the power of a number.
pub fn exp(a: &Dec, ctx: &Context, status: &mut u32) -> Dec {
    if let Some(nan) = check_nan(a, ctx, status) {
        return nan;
    }
    if a.is_infinite() {
        return if a.negative { Dec::finite(false, Limbs::ZERO, 0) } else { Dec::infinity(false) };
    }
    if a.is_zero() {
        return Dec::ONE;
    }
    if a.adjusted() >= 19 {
        // Beyond all exponents.
        let d = if a.negative { Dec::finite(false, Limbs::ONE, crate::MIN_ETINY - 1) } else { Dec::finite(false, Limbs::ONE, crate::MAX_EMAX + 1) };
        *status |= flag::INEXACT | flag::ROUNDED;
        return d.finalized(&Context { rounding: Rounding::HalfEven, ..*ctx }, status);
    }
    if a.adjusted() < -(ctx.prec + 2) {
        return one_with_zeros(ctx, status);
    }
    ziv(ctx.prec, status, ctx, |extra| {
        let bits = ((ctx.prec + extra) * 10 / 3 + 32) as usize;
        let w = bits + 80;
        let x = fixed(&a.coefficient, a.exp, w)?;
        let x = if a.negative { x.neg() } else { x };
        let ten = logarithms(w).1;
        let Some((k, r)) = x.divmod(&ten) else { return Ok(None) };
        let Some(k) = k.to_i64() else { return Ok(None) };
        let r = r.shr(80);
        let value = exp_fixed(&r, bits);
        rounded(false, &value, bits, k, ctx.prec, extra - 4)
    })
}

/// e to the power of r in [0, 3), with so many bits.
fn exp_fixed(r: &Big, bits: usize) -> Big {
    let halvings = (bits as f64).sqrt() as usize / 2 + 2;
    let w = bits + 2 * halvings + 16;
    let r = r.shl(w - bits).shr(halvings);
    let one = int(1).shl(w);
    let (mut sum, mut term, mut k) = (one.add(&r), r.clone(), 2);
    loop {
        term = div_big(&term.mul(&r).shr(w), &int(k));
        if term.is_zero() {
            break;
        }
        sum = sum.add(&term);
        k += 1;
    }
    for _ in 0..halvings {
        sum = sum.mul(&sum).shr(w);
    }
    sum.shr(w - bits)
}

/// The natural logarithm with bits behind the point, of a positive number.
fn ln_fixed(a: &Dec, bits: usize) -> Result<Big, NoMemory> {
    let k = a.adjusted();
    let w = bits + 72;
    // m in [1, 10), then f in [0.7, 1.42] and a power of two.
    let m = fixed(&a.coefficient, -(a.digits() - 1), w)?;
    let mut j = m.bit_length() as i64 - w as i64 - 1;
    let mut f = m.shr(j as usize);
    if f.mul(&f).bit_length() as i64 > 2 * w as i64 + 1 {
        // Above the root of two.
        j += 1;
        f = m.shr(j as usize);
        if j as usize > 0 {
            f = m.shl(8).shr(j as usize + 8);
        }
    }
    let (two, ten) = logarithms(w);
    let ln = ln_near_one(&f, w);
    // As near to zero as can be: numbers below one have k = -1.
    Ok(ln.add(&two.mul(&int(j))).add(&ten.mul(&int(k))).shr(w - bits))
}

/// How many bits are lost because the logarithm of a number near one is small; `None`: it is one.
fn nearness(a: &Dec) -> Option<i64> {
    let mut own = 0;
    let d = crate::arith::sub(a, &Dec::ONE, &Context::wide(30.max(a.digits() + 2).min(MAX_PREC)), &mut own);
    if d.is_zero() {
        return None;
    }
    Some((-d.adjusted()).max(0) * 10 / 3 + 4)
}

pub fn ln(a: &Dec, ctx: &Context, status: &mut u32) -> Dec {
    if let Some(nan) = check_nan(a, ctx, status) {
        return nan;
    }
    if a.is_zero() {
        return Dec::infinity(true);
    }
    if a.negative {
        return invalid(flag::INVALID_OPERATION, status);
    }
    if a.is_infinite() {
        return Dec::infinity(false);
    }
    let Some(lost) = (if a.adjusted().abs() < 2 { nearness(a) } else { Some(0) }) else { return Dec::ZERO };
    ziv(ctx.prec, status, ctx, |extra| {
        let bits = ((ctx.prec + extra) * 10 / 3 + 32 + lost) as usize;
        let v = ln_fixed(a, bits)?;
        rounded(v.is_negative(), &v.abs(), bits, 0, ctx.prec, extra - 4)
    })
}

pub fn log10(a: &Dec, ctx: &Context, status: &mut u32) -> Dec {
    if let Some(nan) = check_nan(a, ctx, status) {
        return nan;
    }
    if a.is_zero() {
        return Dec::infinity(true);
    }
    if a.negative {
        return invalid(flag::INVALID_OPERATION, status);
    }
    if a.is_infinite() {
        return Dec::infinity(false);
    }
    if a.coefficient.is_power_of_ten() {
        return Dec::of_i64(a.adjusted()).finalized(&Context { rounding: Rounding::HalfEven, ..*ctx }, status);
    }
    let lost = if a.adjusted().abs() < 2 { nearness(a).unwrap_or(0) } else { 0 };
    ziv(ctx.prec, status, ctx, |extra| {
        let bits = ((ctx.prec + extra) * 10 / 3 + 32 + lost) as usize;
        let w = bits + 72;
        let v = ln_fixed(a, w)?;
        let v = div_big(&v.shl(bits), &logarithms(w).1);
        rounded(v.is_negative(), &v.abs(), bits, 0, ctx.prec, extra - 4)
    })
}

pub fn sqrt(a: &Dec, ctx: &Context, status: &mut u32) -> Dec {
    if let Some(nan) = check_nan(a, ctx, status) {
        return nan;
    }
    if a.is_zero() {
        return Dec::finite(a.negative, Limbs::ZERO, a.exp.div_euclid(2)).finalized(ctx, status);
    }
    if a.negative {
        return invalid(flag::INVALID_OPERATION, status);
    }
    if a.is_infinite() {
        return Dec::infinity(false);
    }
    let prec = ctx.prec + 1;
    let ideal = a.exp.div_euclid(2);
    with_memory(status, |status| {
        // The coefficient with an even exponent, and then as many digits as the result needs.
        let odd = a.exp.rem_euclid(2);
        let c = a.coefficient.shift_left(odd as usize)?;
        let length = (c.digits() as i64 + 1) / 2;
        let shift = prec - length;
        let (c, mut exact) = if shift >= 0 {
            (c.shift_left(usize::try_from(2 * shift).map_err(|_| NoMemory)?)?, true)
        } else {
            let (c, rest) = c.shift_right((-2 * shift) as usize)?;
            (c, rest == 0)
        };
        let n = c.to_big();
        let root = n.isqrt();
        exact = exact && root.mul(&root) == n;
        let mut q = Limbs::of_big(&root)?;
        let mut exp = ideal - shift;
        if exact {
            if exp < ideal {
                let zeros = (q.trailing_zeros() as i64).min(ideal - exp);
                q = q.shift_right(zeros as usize)?.0;
                exp += zeros;
            } else if exp > ideal {
                q = q.shift_left((exp - ideal) as usize)?;
                exp = ideal;
            }
        } else if q.last_digit() % 5 == 0 {
            q = q.add_small(1)?;
        }
        let d = Dec::finite(false, q, exp);
        Ok(d.finalized(&Context { rounding: Rounding::HalfEven, ..*ctx }, status))
    })
}

/// Power by an integer: squarings with some digits more, rounded at each.
fn pow_int(base: &Dec, n: &Dec, negative: bool, ctx: &Context, status: &mut u32) -> Dec {
    let mut work = Context::wide((ctx.prec + 2 + n.digits() + n.exp).min(MAX_PREC));
    let mut own = 0;
    let Ok(times) = n.with_sign(false).to_big() else { return crate::text::out_of_memory(status) };
    let Some(times) = times.to_u64() else { return invalid(flag::INVALID_OPERATION, status) };
    let base = if n.negative {
        work.prec += 1;
        div(&Dec::ONE, base, &work, &mut own)
    } else {
        base.clone()
    };
    let mut result = base.clone();
    let mut bit = 1u64 << (63 - times.leading_zeros()) >> 1;
    while bit != 0 {
        result = mul(&result, &result, &work, &mut own);
        if times & bit != 0 {
            result = mul(&result, &base, &work, &mut own);
        }
        if result.is_special() || result.is_zero() && own & flag::CLAMPED != 0 {
            break;
        }
        bit >>= 1;
    }
    *status |= own & (flag::INEXACT | flag::ROUNDED | flag::ALL_INVALID);
    // Beyond all exponents: as large or small as can be, for the last rounding to decide.
    if result.is_infinite() {
        result = Dec::finite(negative, Limbs::ONE, crate::MAX_EMAX + 1);
    } else if result.is_zero() {
        result = Dec::finite(negative, Limbs::ONE, crate::MIN_ETINY - 1);
    }
    result.negative = negative;
    result.finalized(ctx, status)
}

/// One to a power.
fn pow_of_one(base: &Dec, n: &Dec, negative: bool, ctx: &Context, status: &mut u32) -> Dec {
    if n.is_integer() {
        if n.negative {
            return Dec::finite(negative, Limbs::ONE, 0);
        }
        let places = if base.exp == 0 { 0 } else { n.to_i64().and_then(|n| (-base.exp).checked_mul(n)).unwrap_or(i64::MAX) };
        let places = if places > ctx.prec - 1 {
            *status |= flag::ROUNDED;
            ctx.prec - 1
        } else {
            places
        };
        return with_memory(status, |_| Ok(Dec::finite(negative, Limbs::ONE.shift_left(usize::try_from(places).map_err(|_| NoMemory)?)?, -places)));
    }
    one_with_zeros(ctx, status)
}

pub fn pow(base: &Dec, n: &Dec, ctx: &Context, status: &mut u32) -> Dec {
    if let Some(nan) = check_nans(base, n, ctx, status) {
        return nan;
    }
    let whole = n.is_integer();
    let negative = base.negative && n.is_odd_integer();
    if base.is_zero() {
        if n.is_zero() {
            return invalid(flag::INVALID_OPERATION, status);
        }
        return if n.negative { Dec::infinity(negative) } else { Dec::finite(negative, Limbs::ZERO, 0) };
    }
    if base.negative && (!whole || n.is_infinite()) {
        return invalid(flag::INVALID_OPERATION, status);
    }
    if n.is_infinite() {
        return match by_value(&base.with_sign(false), &Dec::ONE) {
            Ordering::Equal => one_with_zeros(ctx, status),
            o if (o == Ordering::Greater) != n.negative => Dec::infinity(negative),
            _ => Dec::finite(negative, Limbs::ZERO, 0),
        };
    }
    if base.is_infinite() {
        return match (n.is_zero(), n.negative) {
            (true, _) => Dec::ONE,
            (_, true) => Dec::finite(negative, Limbs::ZERO, 0),
            _ => Dec::infinity(negative),
        };
    }
    if n.is_zero() {
        return Dec::ONE;
    }
    if by_value(&base.with_sign(false), &Dec::ONE) == Ordering::Equal {
        return pow_of_one(base, n, negative, ctx, status);
    }
    if whole && n.adjusted() < 18 {
        return pow_int(base, n, negative, ctx, status);
    }
    // exp(n * ln(base)), with digits to spare.
    let mut own = 0;
    let work = Context::wide((base.digits().max(ctx.prec) + 4 + 19).min(MAX_PREC));
    let l = ln(&base.with_sign(false), &work, &mut own);
    let x = mul(&l, n, &work, &mut own);
    let mut d = exp(&x, &work, &mut own);
    *status |= own & flag::MALLOC_ERROR;
    if own & flag::MALLOC_ERROR != 0 {
        return Dec::NAN;
    }
    *status |= flag::INEXACT | flag::ROUNDED;
    if d.is_finite() && by_value(&d, &Dec::ONE) == Ordering::Equal {
        return one_with_zeros(ctx, status);
    }
    d.negative = negative;
    if d.is_infinite() {
        d = Dec::finite(negative, Limbs::ONE, crate::MAX_EMAX + 1);
    } else if d.is_zero() {
        d = Dec::finite(negative, Limbs::ONE, crate::MIN_ETINY - 1);
    }
    d.finalized(ctx, status)
}

/// `base ** n % modulus` of integers.
pub fn pow_mod(base: &Dec, n: &Dec, modulus: &Dec, ctx: &Context, status: &mut u32) -> Dec {
    for d in [base, n, modulus] {
        if d.is_nan() {
            let first = [base, n, modulus].into_iter().find(|d| d.is_snan()).unwrap_or(d);
            return check_nan(first, ctx, status).unwrap_or(Dec::NAN);
        }
    }
    let usable = base.is_integer() && n.is_integer() && modulus.is_integer() && (!n.negative || n.is_zero()) && !modulus.is_zero();
    if !usable || modulus.adjusted() >= ctx.prec || base.is_zero() && n.is_zero() {
        return invalid(flag::INVALID_OPERATION, status);
    }
    if n.adjusted() > 100_000 {
        return invalid(flag::INVALID_OPERATION, status);
    }
    let negative = base.negative && n.is_odd_integer();
    with_memory(status, |status| {
        let (e, m) = (n.to_big()?, modulus.with_sign(false).to_big()?);
        let b = if base.exp > 0 && !base.is_zero() && m != int(1) {
            // The zeros at its end by squarings.
            let zeros = int(10).pow_mod(&int(base.exp), &m);
            let product = base.coefficient.to_big().mul(&zeros);
            product.divmod(&m).map_or(product, |q| q.1)
        } else {
            base.with_sign(false).to_big()?
        };
        let r = if m == int(1) { int(0) } else { b.pow_mod(&e, &m) };
        Ok(Dec::finite(negative, Limbs::of_big(&r)?, 0).finalized(ctx, status))
    })
}
