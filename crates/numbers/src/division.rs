//! Division of 30-bit digits where they lie. Divisors of one or two digits take two digits of the dividend at a time, by multiplying
//! with a reciprocal (Möller and Granlund, "Improved division by invariant integers", 2011); longer ones go digit by digit (Knuth,
//! volume 2, 4.3.1, algorithm D), with estimates from the leading bits alone, so that nothing is shifted.

use crate::digits::{BITS, MASK, Number, fit};
use std::ops::Range;

/// Divisors and quotients both longer than this are better made by the crate's algorithms.
const LONG: usize = 40;

/// Where in the room quotient and remainder lie, rounded down, each with its sign; leading zeros may be there.
#[derive(Debug)]
pub struct Divided {
    pub quotient: (bool, Range<usize>),
    pub rest: (bool, Range<usize>),
}

/// Divides into `room`, whose content is replaced. `None`: the divisor is zero, or better divided otherwise.
pub fn divmod(room: &mut Vec<u32>, a: Number<'_>, b: Number<'_>) -> Option<Divided> {
    let (n, d) = (a.digits.len(), b.digits.len());
    if d == 0 || d > LONG && n > d + LONG {
        return None;
    }
    // The remainder, and behind it the quotient with room for one more digit.
    let rest = if n < d {
        room.clear();
        room.extend(a.digits);
        room.resize(d + 1, 0);
        0..d
    } else if d <= 2 {
        fit(room, 2 + n + 1);
        let (rest, quotient) = room.split_at_mut(2);
        quotient[n] = 0;
        let r = by_short(&mut quotient[..n], a.digits, b.digits);
        (rest[0], rest[1]) = (r as u32 & MASK, (r >> BITS) as u32);
        0..2
    } else {
        room.clear();
        room.extend(a.digits);
        room.resize(n + 1 + (n - d + 1) + 1, 0);
        let (rest, quotient) = room.split_at_mut(n + 1);
        by_long(&mut quotient[..n - d + 1], rest, b.digits);
        0..d
    };
    let quotient = (if n < d || d <= 2 { rest.end } else { n + 1 })..room.len();
    if a.negative != b.negative && room[rest.clone()].iter().any(|d| *d != 0) {
        increment(&mut room[quotient.clone()]);
        from_divisor(&mut room[rest.clone()], b.digits);
    }
    Some(Divided { quotient: (a.negative != b.negative, quotient), rest: (b.negative, rest) })
}

/// Adds one to a number that has room for it.
fn increment(digits: &mut [u32]) {
    for d in digits {
        *d = (*d + 1) & MASK;
        if *d != 0 {
            return;
        }
    }
}

/// A remainder becomes what it lacks to the divisor.
fn from_divisor(rest: &mut [u32], divisor: &[u32]) {
    let mut borrow = 0;
    for (i, r) in rest.iter_mut().enumerate() {
        let d = divisor.get(i).map_or(0, |d| *d as i32) - *r as i32 + borrow;
        *r = d as u32 & MASK;
        borrow = d >> BITS;
    }
}

/// Divides by one or two digits; the remainder comes back.
fn by_short(out: &mut [u32], a: &[u32], divisor: &[u32]) -> u64 {
    let divisor = divisor.iter().rev().fold(0, |v, d| v << BITS | u64::from(*d));
    if a.len() <= 4 && divisor <= u64::from(MASK) {
        let mut rest = 0;
        for (q, d) in out.iter_mut().zip(a).rev() {
            rest = rest << BITS | u64::from(*d);
            *q = (rest / divisor) as u32;
            rest %= divisor;
        }
        return rest;
    }
    let shift = divisor.leading_zeros();
    let divisor = divisor << shift;
    let reciprocal = (u128::MAX / u128::from(divisor)) as u64;
    let mut rest = 0;
    // Two digits a time, the odd one at the top alone.
    let odd = a.len() % 2;
    let pairs = a.len() - odd;
    if let (Some(top), Some(q)) = (a.get(pairs), out.get_mut(pairs)) {
        *q = step(&mut rest, u64::from(*top), divisor, reciprocal, shift) as u32;
    }
    for (q, pair) in out[..pairs].chunks_exact_mut(2).zip(a[..pairs].chunks_exact(2)).rev() {
        let quotient = step(&mut rest, u64::from(pair[0]) | u64::from(pair[1]) << BITS, divisor, reciprocal, shift);
        (q[0], q[1]) = (quotient as u32 & MASK, (quotient >> BITS) as u32);
    }
    rest >> shift
}

/// `rest`, shifted as the divisor is, and 60 more bits behind it, divided; the quotient's 60 bits come back.
#[inline(always)]
fn step(rest: &mut u64, next: u64, divisor: u64, reciprocal: u64, shift: u32) -> u64 {
    let n = u128::from(*rest) << (2 * BITS) | u128::from(next) << shift;
    let (high, low) = ((n >> 64) as u64, n as u64);
    let estimate = (u128::from(reciprocal) * u128::from(high)).wrapping_add(n);
    let mut q = ((estimate >> 64) as u64).wrapping_add(1);
    let mut r = low.wrapping_sub(q.wrapping_mul(divisor));
    if r > estimate as u64 {
        q = q.wrapping_sub(1);
        r = r.wrapping_add(divisor);
    }
    if r >= divisor {
        q = q.wrapping_add(1);
        r -= divisor;
    }
    *rest = r;
    q
}

/// Divides by three digits or more, no more than the dividend has. `rest` is the dividend with a zero on top, and becomes the
/// remainder.
fn by_long(out: &mut [u32], rest: &mut [u32], divisor: &[u32]) {
    let d = divisor.len();
    let (top, second, third) = (u64::from(divisor[d - 1]), u64::from(divisor[d - 2]), u64::from(divisor[d - 3]));
    // The divisor's leading 60 bits.
    let shift = top.leading_zeros() - (64 - BITS as u32);
    let down = BITS as u32 - shift;
    let lead = (top << BITS | second) << shift | third >> down;
    let (lead_high, lead_low) = (lead >> BITS, lead & u64::from(MASK));
    for (j, q) in out.iter_mut().enumerate().rev() {
        let row = &mut rest[j..=j + d];
        let (u0, u1, u2, u3) = (u64::from(row[d]), u64::from(row[d - 1]), u64::from(row[d - 2]), u64::from(row[d - 3]));
        // The leading 90 bits of the row, shifted alike.
        let high = (u0 << BITS | u1) << shift | u2 >> down;
        let low = (u2 << shift | u3 >> down) & u64::from(MASK);
        let mut estimate = high / lead_high;
        let mut left = high % lead_high;
        while estimate > u64::from(MASK) || estimate * lead_low > (left << BITS | low) {
            estimate -= 1;
            left += lead_high;
            if left > u64::from(MASK) {
                break;
            }
        }
        let mut carry = 0i64;
        let times = estimate as i64;
        for (u, v) in row.iter_mut().zip(divisor) {
            carry += i64::from(*u) - times * i64::from(*v);
            *u = carry as u32 & MASK;
            carry >>= BITS;
        }
        if i64::from(row[d]) + carry < 0 {
            estimate -= 1;
            let mut back = 0;
            for (u, v) in row.iter_mut().zip(divisor) {
                back += *u + v;
                *u = back & MASK;
                back >>= BITS;
            }
        }
        row[d] = 0;
        *q = estimate as u32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Big;

    fn checked(a: &(bool, Vec<u32>), b: &(bool, Vec<u32>)) {
        let number = |n: &(bool, Vec<u32>)| Big::from_digits(n.0, &n.1);
        let mut room = vec![7, 8, 9];
        let Some(made) = divmod(&mut room, Number { negative: a.0, digits: &a.1 }, Number { negative: b.0, digits: &b.1 }) else { return };
        let of = |(negative, range): &(bool, Range<usize>)| Big::from_digits(*negative, &room[range.clone()]);
        assert_eq!(Some((of(&made.quotient), of(&made.rest))), number(a).divmod(&number(b)), "{a:?} / {b:?}");
    }

    #[test]
    fn as_the_crate_divides() {
        let mut state = 99u64;
        let mut next = move || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) as u32
        };
        let mut number = |digits: usize, kind: u32| {
            let mut out: Vec<u32> = (0..digits)
                .map(|_| match kind % 4 {
                    0 => MASK,
                    1 if next() % 3 > 0 => 0,
                    2 if next() % 2 > 0 => MASK,
                    _ => next() & MASK,
                })
                .collect();
            let top = if kind.is_multiple_of(3) { 1 } else { next() % MASK + 1 };
            *out.last_mut().expect("a digit") = top;
            (next() % 2 == 0, out)
        };
        for (i, a) in [1, 2, 3, 4, 5, 6, 7, 9, 20, 41, 90].into_iter().enumerate() {
            for b in [1, 2, 3, 4, 5, 8, 21, 39, 60] {
                for kind in 0..40 {
                    let (x, y) = (number(a, kind), number(b, kind / 4 + i as u32));
                    checked(&x, &y);
                    // Quotients whose estimates are wrong: one less than a multiple.
                    let mut near = Big::from_digits(x.0, &x.1).mul(&Big::from_digits(y.0, &y.1)).to_digits();
                    checked(&near, &y);
                    if let Some(low) = near.1.first_mut().filter(|d| **d > 0) {
                        *low -= 1;
                    }
                    checked(&near, &y);
                }
            }
        }
    }
}
