//! Arithmetic on machine integers with Python's rounding: floor division, modulo with the divisor's sign.

/// `a // b`, rounding down. `None` on overflow; `b` must not be zero.
#[inline]
pub fn floor_div(a: i64, b: i64) -> Option<i64> {
    let q = a.checked_div(b)?;
    Some(if a % b != 0 && (a < 0) != (b < 0) { q - 1 } else { q })
}

/// `a % b` with the sign of `b`; `b` must not be zero.
#[inline]
pub fn floor_mod(a: i64, b: i64) -> i64 {
    if b == -1 {
        return 0;
    }
    let r = a % b;
    if r != 0 && (r < 0) != (b < 0) { r + b } else { r }
}

/// `a / b` correctly rounded when both are exact as doubles; `None` asks for the general path.
#[inline]
pub fn true_div(a: i64, b: i64) -> Option<f64> {
    const EXACT: u64 = 1 << 53;
    (a.unsigned_abs() <= EXACT && b.unsigned_abs() <= EXACT).then(|| a as f64 / b as f64)
}

/// `base ** exp` for `exp >= 0`, `None` on overflow.
pub fn pow(base: i64, exp: u64) -> Option<i64> {
    match base {
        0 => return Some(i64::from(exp == 0)),
        1 => return Some(1),
        -1 => return Some(if exp & 1 == 0 { 1 } else { -1 }),
        _ => {}
    }
    base.checked_pow(u32::try_from(exp).ok()?)
}

/// `base ** exp % modulus` with the sign of `modulus`, which must not be zero; `exp >= 0`.
pub fn pow_mod(base: i64, mut exp: u64, modulus: i64) -> i64 {
    let m = u128::from(modulus.unsigned_abs());
    // Below the modulus, which fits a word, so that products fit two.
    let mut power = base.wrapping_rem_euclid(modulus) as u128 % m;
    let mut result = 1 % m;
    while exp > 0 {
        if exp & 1 == 1 {
            result = result * power % m;
        }
        power = power * power % m;
        exp >>= 1;
    }
    let result = result as i64;
    if modulus < 0 && result != 0 { result + modulus } else { result }
}
