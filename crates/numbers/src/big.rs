//! Big integers over 30-bit digits, CPython's unit, with dashu doing the heavy algorithms.

use dashu_int::{IBig, Sign, UBig, fast_div::ConstDivisor, ops::*};
use std::cmp::Ordering;

/// An integer of any size.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Big(IBig);

/// Bits in one of CPython's digits.
pub const DIGIT_BITS: u32 = 30;

/// A residue with the sign of the modulus.
fn signed_residue(residue: UBig, modulus: &Big) -> Big {
    let result = Big(residue.into());
    if modulus.is_negative() && !result.is_zero() { result.add(modulus) } else { result }
}

impl Big {
    /// From sign and 30-bit digits, lowest first.
    pub fn from_digits(negative: bool, digits: &[u32]) -> Big {
        let mut words: Vec<u64> = Vec::with_capacity(digits.len() / 2 + 1);
        let (mut acc, mut bits) = (0u64, 0);
        for &d in digits {
            let d = u64::from(d);
            acc |= d << bits;
            bits += DIGIT_BITS;
            if bits >= 64 {
                words.push(acc);
                bits -= 64;
                acc = d >> (DIGIT_BITS - bits);
            }
        }
        words.push(acc);
        let magnitude = UBig::from_words(&words);
        Big(IBig::from_parts(if negative { Sign::Negative } else { Sign::Positive }, magnitude))
    }

    /// Sign and 30-bit digits, lowest first, no leading zero.
    pub fn to_digits(&self) -> (bool, Vec<u32>) {
        let (sign, words) = self.0.as_sign_words();
        let mut out = Vec::with_capacity(words.len() * 64 / 30 + 1);
        let (mut acc, mut bits) = (0u64, 0);
        for &w in words {
            // What is left of the word before is below a digit.
            let mut w = w;
            if bits > 0 {
                out.push((acc | w << bits) as u32 & 0x3fff_ffff);
                w >>= DIGIT_BITS - bits;
                bits += 64 - DIGIT_BITS;
            } else {
                bits = 64;
            }
            while bits >= DIGIT_BITS {
                out.push(w as u32 & 0x3fff_ffff);
                w >>= DIGIT_BITS;
                bits -= DIGIT_BITS;
            }
            acc = w;
        }
        if acc != 0 {
            out.push(acc as u32);
        }
        while out.last() == Some(&0) {
            out.pop();
        }
        (sign == Sign::Negative, out)
    }

    pub fn to_i64(&self) -> Option<i64> {
        i64::try_from(&self.0).ok()
    }
    pub fn to_u64(&self) -> Option<u64> {
        u64::try_from(&self.0).ok()
    }
    pub fn is_negative(&self) -> bool {
        self.0.sign() == Sign::Negative && !self.0.is_zero()
    }
    pub fn is_zero(&self) -> bool {
        self.0.is_zero()
    }
    /// Number of bits of the magnitude (`int.bit_length`).
    pub fn bit_length(&self) -> u64 {
        self.0.bit_len_of_magnitude()
    }
    /// Number of ones in the magnitude (`int.bit_count`).
    pub fn bit_count(&self) -> u64 {
        self.0.as_sign_words().1.iter().map(|w| u64::from(w.count_ones())).sum()
    }
    pub fn is_odd(&self) -> bool {
        self.0.as_sign_words().1.first().is_some_and(|w| w & 1 == 1)
    }
    pub fn neg(&self) -> Big {
        Big(-&self.0)
    }
    pub fn abs(&self) -> Big {
        Big(self.0.clone().abs())
    }
    pub fn not(&self) -> Big {
        Big(-&self.0 - IBig::ONE)
    }
    pub fn add(&self, other: &Big) -> Big {
        Big(&self.0 + &other.0)
    }
    pub fn sub(&self, other: &Big) -> Big {
        Big(&self.0 - &other.0)
    }
    pub fn mul(&self, other: &Big) -> Big {
        Big(&self.0 * &other.0)
    }
    /// Floor division and modulo; `None` for a zero divisor.
    pub fn divmod(&self, other: &Big) -> Option<(Big, Big)> {
        if other.0.is_zero() {
            return None;
        }
        let (q, r) = (&self.0).div_rem(&other.0);
        if !r.is_zero() && (r.sign() != other.0.sign()) {
            return Some((Big(q - IBig::ONE), Big(r + &other.0)));
        }
        Some((Big(q), Big(r)))
    }
    pub fn pow(&self, exp: usize) -> Big {
        Big(self.0.pow(exp))
    }
    /// `self ** exp % modulus` with the modulus's sign; `exp >= 0`, `modulus != 0`.
    pub fn pow_mod(&self, exp: &Big, modulus: &Big) -> Big {
        let ring = ConstDivisor::new(modulus.0.clone().unsigned_abs());
        let power = ring.reduce(self.0.clone()).pow(&exp.0.clone().unsigned_abs());
        signed_residue(power.residue(), modulus)
    }
    /// The same, bit by bit; `None`: `stop`, which is asked at each of them, said so.
    pub fn pow_mod_until(&self, exp: &Big, modulus: &Big, stop: &mut dyn FnMut() -> bool) -> Option<Big> {
        let ring = ConstDivisor::new(modulus.0.clone().unsigned_abs());
        let base = ring.reduce(self.0.clone());
        let mut power = ring.reduce(1);
        let (_, words) = exp.0.as_sign_words();
        for bit in (0..exp.bit_length()).rev() {
            power = power.sqr();
            if words[(bit / 64) as usize] >> (bit % 64) & 1 == 1 {
                power *= &base;
            }
            if stop() {
                return None;
            }
        }
        Some(signed_residue(power.residue(), modulus))
    }
    pub fn shl(&self, bits: usize) -> Big {
        Big(&self.0 << bits)
    }
    /// Arithmetic shift: rounds down.
    pub fn shr(&self, bits: usize) -> Big {
        Big(&self.0 >> bits)
    }
    pub fn and(&self, other: &Big) -> Big {
        Big(&self.0 & &other.0)
    }
    pub fn or(&self, other: &Big) -> Big {
        Big(&self.0 | &other.0)
    }
    pub fn xor(&self, other: &Big) -> Big {
        Big(&self.0 ^ &other.0)
    }
    pub fn gcd(&self, other: &Big) -> Big {
        if self.is_zero() {
            return other.abs();
        }
        if other.is_zero() {
            return self.abs();
        }
        Big((&self.0).gcd(&other.0).into())
    }
    /// Nearest double, ties to even; `None` when it overflows.
    pub fn to_f64(&self) -> Option<f64> {
        let bits = self.bit_length();
        if bits <= 64 {
            let magnitude = self.abs().to_u64()? as f64;
            return Some(if self.is_negative() { -magnitude } else { magnitude });
        }
        if bits > 1024 {
            return None;
        }
        // 64 leading bits with a sticky bit round as the whole number does.
        let shift = (bits - 64) as usize;
        let magnitude = self.abs();
        let top = magnitude.shr(shift);
        let sticky = u64::from(top.shl(shift) != magnitude);
        let value = ((top.to_u64()? | sticky) as f64) * 2f64.powi(shift as i32);
        if value.is_infinite() {
            return None;
        }
        Some(if self.is_negative() { -value } else { value })
    }
    /// The integer part of a finite double.
    pub fn from_f64(value: f64) -> Big {
        let bits = value.to_bits();
        let exponent = ((bits >> 52) & 0x7ff) as i32 - 1075;
        let mantissa = if (bits >> 52) & 0x7ff == 0 { 0 } else { (bits & ((1 << 52) - 1)) | 1 << 52 };
        let m = Big(IBig::from(mantissa));
        let magnitude = if exponent >= 0 { m.shl(exponent as usize) } else { m.shr((-exponent) as usize) };
        if value < 0.0 { magnitude.neg() } else { magnitude }
    }
    /// `self / other` correctly rounded; `None` on overflow. `other` is not zero.
    pub fn true_div(&self, other: &Big) -> Option<f64> {
        if self.is_zero() {
            return Some(if other.is_negative() { -0.0 } else { 0.0 });
        }
        let negative = self.is_negative() != other.is_negative();
        let (a, b) = (self.abs(), other.abs());
        // Scale so that the quotient has 66 bits or so, keep a sticky bit, round once.
        let shift = 66 - (a.bit_length() as i64 - b.bit_length() as i64);
        let (n, d) = if shift > 0 { (a.shl(shift as usize), b) } else { (a, b.shl((-shift) as usize)) };
        let (q, r) = n.divmod(&d)?;
        let mut exponent = -shift;
        let mut q = q;
        let sticky = !r.is_zero();
        // Subnormal results have fewer bits: drop them here so that rounding happens once.
        let keep = {
            let top = q.bit_length() as i64 + exponent;
            if top < -1021 { (53 - (-1021 - top)).max(0) } else { 53 }
        };
        let drop = (q.bit_length() as i64 - keep).max(0) as usize;
        let half = if drop > 0 { Big::from(1).shl(drop - 1) } else { Big::from(0) };
        let low = q.sub(&q.shr(drop).shl(drop));
        q = q.shr(drop);
        exponent += drop as i64;
        let up = drop > 0
            && match low.cmp(&half) {
                Ordering::Greater => true,
                Ordering::Equal => sticky || q.is_odd(),
                Ordering::Less => false,
            };
        if up {
            q = q.add(&Big::from(1));
        }
        let mut value = q.to_f64()?;
        while exponent > 900 {
            value *= 2f64.powi(900);
            exponent -= 900;
        }
        while exponent < -900 {
            value *= 2f64.powi(-900);
            exponent += 900;
        }
        value *= 2f64.powi(exponent as i32);
        if value.is_infinite() {
            return None;
        }
        Some(if negative { -value } else { value })
    }
    /// Integer square root of a number that is not negative.
    pub fn isqrt(&self) -> Big {
        if self.is_zero() {
            return Big::from(0);
        }
        let mut x = Big::from(1).shl(self.bit_length().div_ceil(2) as usize);
        loop {
            let Some((q, _)) = self.divmod(&x) else { return x };
            let y = x.add(&q).shr(1);
            if y >= x {
                return x;
            }
            x = y;
        }
    }
    /// Text in a base from 2 to 36, lower case, with a minus sign.
    pub fn to_text(&self, radix: u32) -> String {
        self.0.in_radix(radix as u8).to_string()
    }
    /// From digits in a base from 2 to 36: no sign, no underscores.
    pub fn parse(digits: &str, radix: u32) -> Option<Big> {
        IBig::from_str_radix(digits, radix).ok().map(Big)
    }
    /// Two's complement bytes, lowest first, in exactly `length` bytes; `None` if it does not fit.
    pub fn to_bytes_le(&self, length: usize, signed: bool) -> Option<Vec<u8>> {
        if self.is_negative() && !signed {
            return None;
        }
        let source = if self.is_negative() { self.not() } else { self.clone() };
        let mut out: Vec<u8> = source.0.as_sign_words().1.iter().flat_map(|w| w.to_le_bytes()).collect();
        while out.last() == Some(&0) {
            out.pop();
        }
        if out.len() > length || (signed && out.len() == length && length > 0 && out[length - 1] & 0x80 != 0) {
            return None;
        }
        out.resize(length, 0);
        if self.is_negative() {
            out.iter_mut().for_each(|b| *b = !*b);
            if length == 0 {
                return None;
            }
        }
        Some(out)
    }
    /// From bytes, lowest first.
    pub fn from_bytes_le(bytes: &[u8], signed: bool) -> Big {
        let negative = signed && bytes.last().is_some_and(|b| b & 0x80 != 0);
        let words: Vec<u64> = bytes
            .chunks(8)
            .map(|c| {
                let mut w = [0u8; 8];
                w[..c.len()].copy_from_slice(c);
                u64::from_le_bytes(w)
            })
            .collect();
        let magnitude = Big(IBig::from_parts(Sign::Positive, UBig::from_words(&words)));
        if negative { magnitude.sub(&Big::from(1).shl(bytes.len() * 8)) } else { magnitude }
    }
}

trait BitLen {
    fn bit_len_of_magnitude(&self) -> u64;
}
impl BitLen for IBig {
    fn bit_len_of_magnitude(&self) -> u64 {
        let words = self.as_sign_words().1;
        words.last().map_or(0, |w| words.len() as u64 * 64 - u64::from(w.leading_zeros()))
    }
}

impl Big {
    /// From a double-width machine integer.
    pub fn from_i128(value: i128) -> Big {
        Big(IBig::from(value))
    }
}

impl From<i64> for Big {
    fn from(value: i64) -> Big {
        Big(IBig::from(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_go_both_ways() {
        for text in ["0", "1", "1073741824", "-1152921504606846976", "123456789012345678901234567890"] {
            let (neg, digits) = text.strip_prefix('-').map_or((false, text), |t| (true, t));
            let n = Big::parse(digits, 10).unwrap();
            let n = if neg { n.neg() } else { n };
            let (sign, d) = n.to_digits();
            assert_eq!(Big::from_digits(sign, &d), n);
            assert_eq!(n.to_text(10), text);
        }
    }

    #[test]
    fn division_rounds_down() {
        let pair = |a: i64, b: i64| {
            let (q, r) = Big::from(a).divmod(&Big::from(b)).unwrap();
            (q.to_i64().unwrap(), r.to_i64().unwrap())
        };
        assert_eq!(pair(7, -2), (-4, -1));
        assert_eq!(pair(-7, 2), (-4, 1));
        assert_eq!(pair(-7, -2), (3, -1));
        assert_eq!(pair(6, -2), (-3, 0));
    }

    #[test]
    fn true_division_is_correctly_rounded() {
        let one = Big::from(1);
        assert_eq!(one.true_div(&Big::from(3)), Some(1.0 / 3.0));
        assert_eq!(Big::from(10).pow(400).true_div(&Big::from(10).pow(399)), Some(10.0));
        assert_eq!(one.true_div(&Big::from(1).shl(1074)), Some(5e-324));
        assert_eq!(one.true_div(&Big::from(1).shl(1076)), Some(0.0));
        assert_eq!(Big::from(10).pow(400).true_div(&one), None);
    }

    #[test]
    fn bytes_are_twos_complement() {
        assert_eq!(Big::from(-1).to_bytes_le(2, true), Some(vec![255, 255]));
        assert_eq!(Big::from(-129).to_bytes_le(1, true), None);
        assert_eq!(Big::from_bytes_le(&[0x7f, 0xff], true), Big::from(-129));
        assert_eq!(Big::from(128).to_bytes_le(1, true), None);
        assert_eq!(Big::from(128).to_bytes_le(1, false), Some(vec![128]));
    }
}
