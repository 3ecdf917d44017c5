//! Arithmetic on 30-bit digits where they lie. For numbers of a few hundred digits converting to the big-integer crate's
//! words and back costs more than computing. Digits are lowest first, without leading zeros: zero has none.

use std::cmp::Ordering;

const BITS: usize = 30;
const MASK: u32 = (1 << BITS) - 1;
/// Products of numbers both longer than this are better made by the crate's algorithms.
const MUL_MAX: usize = 40;

/// Sign and digits of a number.
#[derive(Clone, Copy, Debug)]
pub struct Number<'a> {
    pub negative: bool,
    pub digits: &'a [u32],
}

/// Sign and digits of a result; leading zeros may be there.
pub type Made = (bool, Vec<u32>);

fn trimmed(mut v: Vec<u32>) -> Vec<u32> {
    while v.last() == Some(&0) {
        v.pop();
    }
    v
}

fn magnitude(a: &[u32], b: &[u32]) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.iter().rev().cmp(b.iter().rev()))
}

/// The order of two numbers.
pub fn compare(a: Number<'_>, b: Number<'_>) -> Ordering {
    match (a.negative && !a.digits.is_empty(), b.negative && !b.digits.is_empty()) {
        (false, true) => Ordering::Greater,
        (true, false) => Ordering::Less,
        (false, false) => magnitude(a.digits, b.digits),
        (true, true) => magnitude(b.digits, a.digits),
    }
}

fn add_magnitudes(a: &[u32], b: &[u32]) -> Vec<u32> {
    let (long, short) = if a.len() >= b.len() { (a, b) } else { (b, a) };
    let mut out = Vec::with_capacity(long.len() + 1);
    let mut carry = 0;
    for (x, y) in long.iter().zip(short) {
        carry += x + y;
        out.push(carry & MASK);
        carry >>= BITS;
    }
    for x in &long[short.len()..] {
        carry += x;
        out.push(carry & MASK);
        carry >>= BITS;
    }
    if carry != 0 {
        out.push(carry);
    }
    out
}

/// The larger less the smaller.
fn sub_magnitudes(a: &[u32], b: &[u32]) -> Vec<u32> {
    let mut out = Vec::with_capacity(a.len());
    let mut borrow = 0i32;
    for (i, x) in a.iter().enumerate() {
        let d = *x as i32 - b.get(i).map_or(0, |d| *d as i32) + borrow;
        out.push(d as u32 & MASK);
        borrow = d >> BITS;
    }
    trimmed(out)
}

pub fn add(a: Number<'_>, b: Number<'_>) -> Made {
    if a.negative == b.negative {
        return (a.negative, add_magnitudes(a.digits, b.digits));
    }
    match magnitude(a.digits, b.digits) {
        Ordering::Less => (b.negative, sub_magnitudes(b.digits, a.digits)),
        _ => (a.negative, sub_magnitudes(a.digits, b.digits)),
    }
}

pub fn sub(a: Number<'_>, b: Number<'_>) -> Made {
    add(a, Number { negative: !b.negative, digits: b.digits })
}

/// The product, unless both are long.
pub fn mul(a: Number<'_>, b: Number<'_>) -> Option<Made> {
    let (long, short) = if a.digits.len() >= b.digits.len() { (a.digits, b.digits) } else { (b.digits, a.digits) };
    if short.len() > MUL_MAX {
        return None;
    }
    let mut out = vec![0u32; long.len() + short.len()];
    for (i, y) in short.iter().enumerate() {
        let (mut carry, y) = (0u64, u64::from(*y));
        for (o, x) in out[i..].iter_mut().zip(long) {
            carry += u64::from(*o) + u64::from(*x) * y;
            *o = carry as u32 & MASK;
            carry >>= BITS;
        }
        out[i + long.len()] = carry as u32;
    }
    Some((a.negative != b.negative, trimmed(out)))
}

/// Quotient and remainder, rounded down, by a divisor of one or two digits.
pub fn divmod(a: Number<'_>, b: Number<'_>) -> Option<(Made, Made)> {
    let divisor = match b.digits {
        [d] => u64::from(*d),
        [low, high] => u64::from(*low) | u64::from(*high) << BITS,
        _ => return None,
    };
    let mut quotient = vec![0u32; a.digits.len()];
    let rest = if divisor <= u64::from(MASK) {
        let mut rest = 0u64;
        for (q, d) in quotient.iter_mut().zip(a.digits).rev() {
            rest = rest << BITS | u64::from(*d);
            *q = (rest / divisor) as u32;
            rest %= divisor;
        }
        rest
    } else {
        let (mut rest, divisor) = (0u128, u128::from(divisor));
        for (q, d) in quotient.iter_mut().zip(a.digits).rev() {
            rest = rest << BITS | u128::from(*d);
            *q = (rest / divisor) as u32;
            rest %= divisor;
        }
        rest as u64
    };
    let mut quotient = trimmed(quotient);
    let mut rest = rest;
    if rest != 0 && a.negative != b.negative {
        quotient = add_magnitudes(&quotient, &[1]);
        rest = divisor - rest;
    }
    let rest = trimmed(vec![rest as u32 & MASK, (rest >> BITS) as u32]);
    Some(((a.negative != b.negative, quotient), (b.negative, rest)))
}

pub fn shl(a: Number<'_>, bits: usize) -> Made {
    let (whole, part) = (bits / BITS, bits % BITS);
    let mut out = vec![0u32; whole];
    out.reserve(a.digits.len() + 1);
    let mut carry = 0u64;
    for d in a.digits {
        carry |= u64::from(*d) << part;
        out.push(carry as u32 & MASK);
        carry >>= BITS;
    }
    out.push(carry as u32);
    (a.negative, trimmed(out))
}

/// Rounded down.
pub fn shr(a: Number<'_>, bits: usize) -> Made {
    let (whole, part) = (bits / BITS, bits % BITS);
    let mut out = Vec::new();
    if let Some(kept) = a.digits.get(whole..) {
        out.reserve(kept.len());
        for (i, d) in kept.iter().enumerate() {
            let above = kept.get(i + 1).copied().unwrap_or(0);
            out.push(((u64::from(above) << BITS | u64::from(*d)) >> part) as u32 & MASK);
        }
    }
    let mut out = trimmed(out);
    let lost = a.digits.iter().take(whole).any(|d| *d != 0) || a.digits.get(whole).is_some_and(|d| d & ((1 << part) - 1) != 0);
    if a.negative && lost {
        out = add_magnitudes(&out, &[1]);
    }
    (a.negative, out)
}

/// A bit operation of two numbers that are not negative.
fn bits(a: Number<'_>, b: Number<'_>, op: impl Fn(u32, u32) -> u32) -> Option<Made> {
    if a.negative || b.negative {
        return None;
    }
    let n = a.digits.len().max(b.digits.len());
    let digit = |n: Number<'_>, i: usize| n.digits.get(i).copied().unwrap_or(0);
    Some((false, trimmed((0..n).map(|i| op(digit(a, i), digit(b, i))).collect())))
}

pub fn and(a: Number<'_>, b: Number<'_>) -> Option<Made> {
    bits(a, b, |x, y| x & y)
}
pub fn or(a: Number<'_>, b: Number<'_>) -> Option<Made> {
    bits(a, b, |x, y| x | y)
}
pub fn xor(a: Number<'_>, b: Number<'_>) -> Option<Made> {
    bits(a, b, |x, y| x ^ y)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Big;

    /// Numbers of every length, with runs of ones and zeros among them.
    fn numbers() -> Vec<(bool, Vec<u32>)> {
        let mut state = 12345u64;
        let mut next = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) as u32
        };
        let mut out = vec![(false, Vec::new())];
        for len in [1, 1, 1, 2, 2, 2, 3, 4, 5, 8, 13, 39, 40, 41, 60] {
            for kind in 0..4 {
                let digits = (0..len).map(|_| match kind {
                    0 => MASK,
                    1 if next() % 3 > 0 => 0,
                    _ => next() & MASK,
                });
                let digits = trimmed(digits.collect());
                let negative = next() % 2 == 0 && !digits.is_empty();
                out.push((negative, digits));
            }
        }
        out
    }
    fn big(m: &Made) -> Big {
        Big::from_digits(m.0, &m.1)
    }

    #[test]
    fn as_the_crate_computes() {
        let all = numbers();
        for a in &all {
            let (x, p) = (Number { negative: a.0, digits: &a.1 }, big(a));
            for n in [0usize, 1, 29, 30, 31, 59, 60, 100, 1801] {
                assert_eq!(big(&shl(x, n)), p.shl(n));
                assert_eq!(big(&shr(x, n)), p.shr(n), "{a:?} >> {n}");
            }
            for b in &all {
                let (y, q) = (Number { negative: b.0, digits: &b.1 }, big(b));
                assert_eq!(compare(x, y), p.cmp(&q));
                assert_eq!(big(&add(x, y)), p.add(&q));
                assert_eq!(big(&sub(x, y)), p.sub(&q));
                if let Some(m) = mul(x, y) {
                    assert_eq!(big(&m), p.mul(&q));
                }
                if let Some((d, r)) = divmod(x, y) {
                    let (e, s) = p.divmod(&q).expect("not zero");
                    assert_eq!((big(&d), big(&r)), (e, s), "{a:?} / {b:?}");
                }
                for (made, wanted) in [(and(x, y), p.and(&q)), (or(x, y), p.or(&q)), (xor(x, y), p.xor(&q))] {
                    if let Some(m) = made {
                        assert_eq!(big(&m), wanted);
                    }
                }
            }
        }
    }
}
