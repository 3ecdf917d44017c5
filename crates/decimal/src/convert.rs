//! From and to integers and floats.

use crate::limbs::{Limbs, NoMemory};
use crate::{Dec, Kind};
use retic_numbers::big::Big;

/// The prime that hashes of numbers are taken by.
const PRIME: u64 = (1 << 61) - 1;
/// The inverse of ten by it.
const INVERSE_10: u64 = 2_075_258_708_292_324_556;

fn mul_mod(a: u64, b: u64) -> u64 {
    (u128::from(a) * u128::from(b) % u128::from(PRIME)) as u64
}
fn pow_mod(mut base: u64, mut exp: u64) -> u64 {
    let mut out = 1;
    while exp > 0 {
        if exp & 1 == 1 {
            out = mul_mod(out, base);
        }
        base = mul_mod(base, base);
        exp >>= 1;
    }
    out
}

impl Dec {
    pub fn of_big(n: &Big) -> Result<Dec, NoMemory> {
        Ok(Dec::finite(n.is_negative(), Limbs::of_big(&n.abs())?, 0))
    }
    /// A float's exact value.
    pub fn of_f64(f: f64) -> Result<Dec, NoMemory> {
        let negative = f.is_sign_negative();
        if f.is_nan() {
            return Ok(Dec { negative, ..Dec::NAN });
        }
        if f.is_infinite() {
            return Ok(Dec::infinity(negative));
        }
        if f == 0.0 {
            return Ok(Dec::finite(negative, Limbs::ZERO, 0));
        }
        let bits = f.to_bits();
        let raw = (bits >> 52 & 0x7ff) as i64;
        let fraction = bits & ((1 << 52) - 1);
        let (mut m, mut e) = if raw == 0 { (fraction, -1074) } else { (fraction | 1 << 52, raw - 1075) };
        let zeros = m.trailing_zeros();
        m >>= zeros;
        e += i64::from(zeros);
        let m = Big::from_i128(m.into());
        let (c, exp) = if e >= 0 { (m.shl(e as usize), 0) } else { (m.mul(&Big::from_i128(5).pow(-e as usize)), e) };
        Ok(Dec::finite(negative, Limbs::of_big(&c)?, exp))
    }
    /// The nearest float; the number is finite or infinite, or a quiet NaN.
    pub fn to_f64(&self) -> f64 {
        match self.kind {
            Kind::Infinite if self.negative => f64::NEG_INFINITY,
            Kind::Infinite => f64::INFINITY,
            Kind::Finite => {
                // Beyond this many digits before the point or zeros behind it there is no float.
                if self.is_zero() || self.adjusted() < -400 {
                    return if self.negative { -0.0 } else { 0.0 };
                }
                if self.adjusted() > 400 {
                    return if self.negative { f64::NEG_INFINITY } else { f64::INFINITY };
                }
                self.to_text(false, true).parse().unwrap_or(f64::NAN)
            }
            _ if self.negative => -f64::NAN,
            _ => f64::NAN,
        }
    }
    /// Truncated to an integer; the number is finite.
    pub fn to_big(&self) -> Result<Big, NoMemory> {
        let c = if self.exp >= 0 {
            if self.is_zero() { Limbs::ZERO } else { self.coefficient.shift_left(usize::try_from(self.exp).map_err(|_| NoMemory)?)? }
        } else {
            self.coefficient.shift_right(usize::try_from(-self.exp).map_err(|_| NoMemory)?)?.0
        };
        let n = c.to_big();
        Ok(if self.negative { n.neg() } else { n })
    }
    /// Truncated, where a machine number holds it.
    pub fn to_i64(&self) -> Option<i64> {
        if !self.is_finite() || self.adjusted() > 19 {
            return None;
        }
        let n = i128::from_le_bytes(self.to_big().ok()?.to_bytes_le(16, true)?.try_into().ok()?);
        i64::try_from(n).ok()
    }
    /// The hash that ints and floats of the same value have; the number is finite.
    pub fn hash(&self) -> i64 {
        let scale = if self.exp >= 0 { pow_mod(10, self.exp as u64) } else { pow_mod(INVERSE_10, self.exp.unsigned_abs()) };
        let base = crate::limbs::BASE % PRIME;
        let c = self.coefficient.iter().rev().fold(0, |n, l| ((u128::from(mul_mod(n, base)) + u128::from(*l)) % u128::from(PRIME)) as u64);
        let h = mul_mod(c, scale) as i64;
        let h = if self.negative { -h } else { h };
        if h == -1 { -2 } else { h }
    }
    /// Numerator and denominator in lowest terms; the number is finite.
    pub fn as_ratio(&self) -> Result<(Big, Big), NoMemory> {
        if self.exp >= 0 || self.is_zero() {
            return Ok((self.to_big()?, Big::from_i128(1)));
        }
        let ten = Limbs::ONE.shift_left(usize::try_from(-self.exp).map_err(|_| NoMemory)?)?;
        let (n, d) = (self.coefficient.to_big(), ten.to_big());
        let g = n.gcd(&d);
        let divide = |x: &Big| x.divmod(&g).map_or_else(|| x.clone(), |q| q.0);
        let n = divide(&n);
        Ok((if self.negative { n.neg() } else { n }, divide(&d)))
    }
}
