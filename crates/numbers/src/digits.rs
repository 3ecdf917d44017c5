//! Arithmetic on 30-bit digits where they lie. For numbers of a few hundred digits converting to the big-integer crate's
//! words and back costs more than computing. Digits are lowest first, without leading zeros: zero has none.

use std::cmp::Ordering;

pub(crate) const BITS: usize = 30;
pub(crate) const MASK: u32 = (1 << BITS) - 1;
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

fn trim(out: &mut Vec<u32>) {
    while out.last() == Some(&0) {
        out.pop();
    }
}

/// Makes room for as many digits; what they are is still to be said.
pub(crate) fn fit(out: &mut Vec<u32>, digits: usize) {
    if out.len() < digits { out.resize(digits, 0) } else { out.truncate(digits) }
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

/// So many digits are computed at once.
const LANES: usize = 8;

/// Each digit of `out` from the digits at its place in other rows, as far as all of them go; their union comes back.
#[inline(always)]
fn each<const N: usize>(out: &mut [u32], rows: [&[u32]; N], of: impl Fn([u32; N]) -> u32) -> u32 {
    let n = rows.iter().fold(out.len(), |n, row| n.min(row.len()));
    let (whole, single) = out[..n].as_chunks_mut::<LANES>();
    let rows = rows.map(|row| row[..n].as_chunks::<LANES>());
    let mut union = [0; LANES];
    for (i, out) in whole.iter_mut().enumerate() {
        let rows = rows.map(|row| &row.0[i]);
        for k in 0..LANES {
            out[k] = of(rows.map(|row| row[k]));
            union[k] |= out[k];
        }
    }
    let mut all = union.into_iter().fold(0, |all, d| all | d);
    for (i, out) in single.iter_mut().enumerate() {
        *out = of(rows.map(|row| row.1[i]));
        all |= *out;
    }
    all
}

/// Makes digits of what is a little more; what is carried beyond them comes back.
fn ripple(out: &mut [u32]) -> u32 {
    let mut more = 0;
    for o in out {
        more += *o;
        *o = more & MASK;
        more >>= BITS;
    }
    more
}

/// Sums of as many digits; the carry comes back. Each digit takes its neighbour's carry alone, so that many are made at once; that a
/// carry runs on through a digit of ones is rare, and done afterwards.
fn add_digits(out: &mut [u32], a: &[u32], b: &[u32]) -> u32 {
    let n = out.len().min(a.len()).min(b.len());
    let Some(last) = n.checked_sub(1) else { return 0 };
    let (out, a, b) = (&mut out[..n], &a[..n], &b[..n]);
    out[0] = (a[0] + b[0]) & MASK;
    let over = each(&mut out[1..], [&a[1..], &b[1..], a, b], |[x, y, x_below, y_below]| ((x + y) & MASK) + ((x_below + y_below) >> BITS));
    let carry = (a[last] + b[last]) >> BITS;
    if over <= MASK {
        return carry;
    }
    carry + ripple(out)
}

/// Differences of as many digits; 0 or, where one is borrowed, -1 comes back. As `add_digits`.
fn sub_digits(out: &mut [u32], a: &[u32], b: &[u32]) -> i32 {
    let n = out.len().min(a.len()).min(b.len());
    let Some(last) = n.checked_sub(1) else { return 0 };
    let (out, a, b) = (&mut out[..n], &a[..n], &b[..n]);
    let rest = |x: u32, y: u32| x as i32 - y as i32;
    out[0] = rest(a[0], b[0]) as u32 & MASK;
    let over = each(&mut out[1..], [&a[1..], &b[1..], a, b], |[x, y, x_below, y_below]| ((rest(x, y) & MASK as i32) + (rest(x_below, y_below) >> BITS)) as u32);
    let borrow = rest(a[last], b[last]) >> BITS;
    if over as i32 >= 0 {
        return borrow;
    }
    let mut more = 0;
    for o in out {
        let d = *o as i32 + more;
        *o = d as u32 & MASK;
        more = d >> BITS;
    }
    borrow + more
}

/// `out` becomes the sum. All functions here that take one replace what is in it, and return the sign of the result.
fn add_magnitudes(out: &mut Vec<u32>, a: &[u32], b: &[u32]) {
    let (long, short) = if a.len() >= b.len() { (a, b) } else { (b, a) };
    fit(out, long.len() + 1);
    let (both, rest) = long.split_at(short.len());
    let mut carry = add_digits(&mut out[..short.len()], both, short);
    for (o, x) in out[short.len()..].iter_mut().zip(rest) {
        carry += x;
        *o = carry & MASK;
        carry >>= BITS;
    }
    out[long.len()] = carry;
    trim(out);
}

/// The larger less the smaller.
fn sub_magnitudes(out: &mut Vec<u32>, a: &[u32], b: &[u32]) {
    fit(out, a.len());
    let (both, rest) = a.split_at(b.len());
    let mut borrow = sub_digits(&mut out[..b.len()], both, b);
    for (o, x) in out[b.len()..].iter_mut().zip(rest) {
        let d = *x as i32 + borrow;
        *o = d as u32 & MASK;
        borrow = d >> BITS;
    }
    trim(out);
}

/// Products of digits with one, which are written or (`ADD`) added to what is there; what is carried beyond them comes back. As in
/// `add_digits`, each digit takes what comes from its neighbour alone: the product's upper half, and then the carry.
fn mul_row<const ADD: bool>(out: &mut [u32], x: &[u32], y: u32) -> u32 {
    let y = u64::from(y);
    let (mut high, mut carry, mut union) = (0, 0, [0; LANES]);
    let (whole, single) = out.as_chunks_mut::<LANES>();
    let (whole_x, single_x) = x.as_chunks::<LANES>();
    for (o, x) in whole.iter_mut().zip(whole_x) {
        let products = x.map(|x| u64::from(x) * y);
        let highs = products.map(|p| (p >> BITS) as u32);
        let mut sums = [0; LANES];
        for k in 0..LANES {
            sums[k] = (products[k] as u32 & MASK) + if ADD { o[k] } else { 0 } + if k == 0 { high } else { highs[k - 1] };
        }
        high = highs[LANES - 1];
        for k in 0..LANES {
            o[k] = (sums[k] & MASK) + if k == 0 { carry } else { sums[k - 1] >> BITS };
            union[k] |= o[k];
        }
        carry = sums[LANES - 1] >> BITS;
    }
    let mut rest = u64::from(high) + u64::from(carry);
    for (o, x) in single.iter_mut().zip(single_x) {
        rest += u64::from(*x) * y + if ADD { u64::from(*o) } else { 0 };
        *o = rest as u32 & MASK;
        rest >>= BITS;
    }
    if union.into_iter().all(|d| d <= MASK) {
        return rest as u32;
    }
    rest as u32 + ripple(out)
}

/// Adds one.
fn increment(out: &mut Vec<u32>) {
    for d in out.iter_mut() {
        *d = (*d + 1) & MASK;
        if *d != 0 {
            return;
        }
    }
    out.push(1);
}

pub fn add(out: &mut Vec<u32>, a: Number<'_>, b: Number<'_>) -> bool {
    if a.negative == b.negative {
        add_magnitudes(out, a.digits, b.digits);
        return a.negative;
    }
    match magnitude(a.digits, b.digits) {
        Ordering::Less => {
            sub_magnitudes(out, b.digits, a.digits);
            b.negative
        }
        _ => {
            sub_magnitudes(out, a.digits, b.digits);
            a.negative
        }
    }
}

pub fn sub(out: &mut Vec<u32>, a: Number<'_>, b: Number<'_>) -> bool {
    add(out, a, Number { negative: !b.negative, digits: b.digits })
}

/// The product, unless both are long.
pub fn mul(out: &mut Vec<u32>, a: Number<'_>, b: Number<'_>) -> Option<bool> {
    let (long, short) = if a.digits.len() >= b.digits.len() { (a.digits, b.digits) } else { (b.digits, a.digits) };
    if short.len() > MUL_MAX {
        return None;
    }
    let Some((first, others)) = short.split_first() else {
        out.clear();
        return Some(false);
    };
    fit(out, long.len() + short.len());
    // The first row is what is there, the others are added.
    let n = long.len();
    out[n] = mul_row::<false>(&mut out[..n], long, *first);
    for (i, y) in (1..).zip(others) {
        out[i + n] = mul_row::<true>(&mut out[i..i + n], long, *y);
    }
    trim(out);
    Some(a.negative != b.negative)
}

pub fn shl(out: &mut Vec<u32>, a: Number<'_>, bits: usize) -> bool {
    let (whole, part) = (bits / BITS, bits % BITS);
    fit(out, whole + a.digits.len() + 1);
    out[..whole].fill(0);
    if a.digits.is_empty() {
        out[whole] = 0;
    }
    let (part, n) = (part as u32, a.digits.len());
    if let Some((first, rest)) = a.digits.split_first() {
        out[whole] = first << part & MASK;
        each(&mut out[whole + 1..], [rest, a.digits], |[d, below]| d << part & MASK | below >> (BITS as u32 - part));
        out[whole + n] = a.digits[n - 1] >> (BITS as u32 - part);
    }
    trim(out);
    a.negative
}

/// Rounded down.
pub fn shr(out: &mut Vec<u32>, a: Number<'_>, bits: usize) -> bool {
    let (whole, part) = (bits / BITS, bits % BITS);
    let kept = a.digits.get(whole..);
    fit(out, kept.map_or(0, <[u32]>::len));
    if let Some(kept) = kept {
        let part = part as u32;
        if let Some((last, _)) = kept.split_last() {
            each(out, [kept, &kept[1..]], |[d, above]| d >> part | above << (BITS as u32 - part) & MASK);
            out[kept.len() - 1] = last >> part;
        }
    }
    trim(out);
    let lost = || a.digits.iter().take(whole).any(|d| *d != 0) || a.digits.get(whole).is_some_and(|d| d & ((1 << part) - 1) != 0);
    if a.negative && lost() {
        increment(out);
    }
    a.negative
}

/// A bit operation of two numbers that are not negative.
fn bits(out: &mut Vec<u32>, a: Number<'_>, b: Number<'_>, op: impl Fn(u32, u32) -> u32) -> Option<bool> {
    if a.negative || b.negative {
        return None;
    }
    let (long, short) = if a.digits.len() >= b.digits.len() { (a.digits, b.digits) } else { (b.digits, a.digits) };
    fit(out, long.len());
    each(out, [long, short], |[x, y]| op(x, y));
    each(&mut out[short.len()..], [&long[short.len()..]], |[x]| op(x, 0));
    trim(out);
    Some(false)
}

pub fn and(out: &mut Vec<u32>, a: Number<'_>, b: Number<'_>) -> Option<bool> {
    bits(out, a, b, |x, y| x & y)
}
pub fn or(out: &mut Vec<u32>, a: Number<'_>, b: Number<'_>) -> Option<bool> {
    bits(out, a, b, |x, y| x | y)
}
pub fn xor(out: &mut Vec<u32>, a: Number<'_>, b: Number<'_>) -> Option<bool> {
    bits(out, a, b, |x, y| x ^ y)
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
                let mut digits: Vec<u32> = digits.collect();
                trim(&mut digits);
                let negative = next() % 2 == 0 && !digits.is_empty();
                out.push((negative, digits));
            }
        }
        out
    }
    fn big(m: &Made) -> Big {
        Big::from_digits(m.0, &m.1)
    }
    /// What an operation makes in a room that something else lay in before.
    fn made(operation: impl FnOnce(&mut Vec<u32>) -> bool) -> Big {
        let mut out = vec![7, 8, 9];
        let negative = operation(&mut out);
        big(&(negative, out))
    }
    fn maybe(operation: impl FnOnce(&mut Vec<u32>) -> Option<bool>) -> Option<Big> {
        let mut out = vec![7, 8, 9];
        let negative = operation(&mut out)?;
        Some(big(&(negative, out)))
    }

    #[test]
    fn as_the_crate_computes() {
        let all = numbers();
        for a in &all {
            let (x, p) = (Number { negative: a.0, digits: &a.1 }, big(a));
            for n in [0usize, 1, 29, 30, 31, 59, 60, 100, 1801] {
                assert_eq!(made(|out| shl(out, x, n)), p.shl(n));
                assert_eq!(made(|out| shr(out, x, n)), p.shr(n), "{a:?} >> {n}");
            }
            for b in &all {
                let (y, q) = (Number { negative: b.0, digits: &b.1 }, big(b));
                assert_eq!(compare(x, y), p.cmp(&q));
                assert_eq!(made(|out| add(out, x, y)), p.add(&q));
                assert_eq!(made(|out| sub(out, x, y)), p.sub(&q));
                if let Some(m) = maybe(|out| mul(out, x, y)) {
                    assert_eq!(m, p.mul(&q));
                }
                for (made, wanted) in [(maybe(|out| and(out, x, y)), p.and(&q)), (maybe(|out| or(out, x, y)), p.or(&q)), (maybe(|out| xor(out, x, y)), p.xor(&q))] {
                    if let Some(m) = made {
                        assert_eq!(m, wanted);
                    }
                }
            }
        }
    }
}
