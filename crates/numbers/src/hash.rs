//! Numeric hashes: all numbers that compare equal hash equal (modulus 2**61 - 1, CPython's pyhash.c).

use crate::digits::Number;

const MODULUS: u64 = (1 << 61) - 1;

/// `hash(int)` for a machine integer.
#[inline]
pub fn int(value: i64) -> i64 {
    let m = (value.unsigned_abs() % MODULUS) as i64;
    let h = if value < 0 { -m } else { m };
    if h == -1 { -2 } else { h }
}

/// The same for an int of two digits, which is below the modulus.
#[inline(always)]
pub fn small(value: i64) -> i64 {
    if value == -1 { -2 } else { value }
}

/// `hash(int)` of a number's digits where they lie.
pub fn digits(value: Number<'_>) -> i64 {
    let Number { negative, digits } = value;
    let mut x = 0u64;
    for &d in digits.iter().rev() {
        x = ((x << 30) & MODULUS) | (x >> 31);
        x += u64::from(d);
        if x >= MODULUS {
            x -= MODULUS;
        }
    }
    let h = if negative { -(x as i64) } else { x as i64 };
    if h == -1 { -2 } else { h }
}

/// `hash(float)`; `None` for nan, whose hash is by identity.
pub fn float(value: f64) -> Option<i64> {
    if value.is_nan() {
        return None;
    }
    if value.is_infinite() {
        return Some(if value > 0.0 { 314159 } else { -314159 });
    }
    let (mut m, mut e) = frexp(value.abs());
    let mut x = 0u64;
    while m != 0.0 {
        x = ((x << 28) & MODULUS) | (x >> (61 - 28));
        m *= 268435456.0;
        e -= 28;
        let y = m as u64;
        m -= y as f64;
        x += y;
        if x >= MODULUS {
            x -= MODULUS;
        }
    }
    let e = e.rem_euclid(61) as u32;
    x = ((x << e) & MODULUS) | (x >> (61 - e));
    let h = if value < 0.0 { -(x as i64) } else { x as i64 };
    Some(if h == -1 { -2 } else { h })
}

/// Mantissa in [0.5, 1) and exponent.
pub fn frexp(value: f64) -> (f64, i32) {
    if value == 0.0 || !value.is_finite() {
        return (value, 0);
    }
    let bits = value.to_bits();
    let biased = (bits >> 52 & 0x7ff) as i32;
    if biased == 0 {
        let (m, e) = frexp(value * 2f64.powi(64));
        return (m, e - 64);
    }
    (f64::from_bits(bits & !(0x7ff << 52) | 1022 << 52), biased - 1022)
}

/// Combines item hashes as CPython's tuple hash (xxHash of 64-bit lanes), one after the other.
pub struct Tuple {
    acc: u64,
    len: u64,
}
impl Tuple {
    const P1: u64 = 11400714785074694791;
    const P2: u64 = 14029467366897019727;
    const P5: u64 = 2870177450012600261;

    #[allow(clippy::new_without_default)]
    pub fn new() -> Tuple {
        Tuple { acc: Tuple::P5, len: 0 }
    }
    #[inline]
    pub fn add(&mut self, lane: i64) {
        self.acc = self.acc.wrapping_add((lane as u64).wrapping_mul(Tuple::P2)).rotate_left(31).wrapping_mul(Tuple::P1);
        self.len += 1;
    }
    /// The hash of all that was added.
    #[inline]
    pub fn end(self) -> i64 {
        let acc = self.acc.wrapping_add(self.len ^ (Tuple::P5 ^ 3527539));
        if acc == u64::MAX { 1546275796 } else { acc as i64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_numbers_hash_equal() {
        assert_eq!(float(3.0), Some(int(3)));
        assert_eq!(float(-1.0), Some(-2));
        assert_eq!(float(0.5), Some(1152921504606846976));
        // 2**61, and -(2**61).
        assert_eq!(digits(Number { negative: false, digits: &[0, 0, 2] }), 1);
        assert_eq!(digits(Number { negative: true, digits: &[0, 0, 2] }), -2);
        assert_eq!(float(2f64.powi(61)), Some(1));
    }

    #[test]
    fn tuples_hash_as_in_cpython() {
        assert_eq!(Tuple::new().end(), 5740354900026072187);
        let mut pair = Tuple::new();
        pair.add(1);
        pair.add(2);
        assert_eq!(pair.end(), -3550055125485641917);
    }
}
