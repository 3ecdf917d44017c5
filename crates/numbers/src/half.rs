//! IEEE 754 half precision, for `struct` and `memoryview` (format `e`).

/// The value of a half-precision pattern.
pub fn to_f64(bits: u16) -> f64 {
    let sign = if bits & 0x8000 != 0 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    match exponent {
        0 => sign * fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => sign * f64::INFINITY,
        31 => f64::NAN.copysign(sign),
        e => sign * (1.0 + fraction / 1024.0) * 2f64.powi(e - 15),
    }
}

/// The nearest half-precision pattern, ties to even; `None` when the value is too large.
pub fn from_f64(v: f64) -> Option<u16> {
    let sign = if v.is_sign_negative() { 0x8000 } else { 0 };
    if v.is_nan() {
        return Some(sign | 0x7e00);
    }
    if v.is_infinite() {
        return Some(sign | 0x7c00);
    }
    let a = v.abs();
    if a == 0.0 {
        return Some(sign);
    }
    let exponent = ((a.to_bits() >> 52) as i32 - 1023).max(-14);
    // In units of the last place of the result: exact in a double.
    let scaled = a * 2f64.powi(10 - exponent);
    let rounded = scaled.round_ties_even() as u32;
    let bits = ((exponent + 14) as u32) * 1024 + rounded;
    if bits >= 0x7c00 { None } else { Some(sign | bits as u16) }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_pattern_comes_back() {
        for bits in 0..=0x7bffu16 {
            assert_eq!(super::from_f64(super::to_f64(bits)), Some(bits));
        }
        assert_eq!(super::from_f64(65520.0), None);
        assert_eq!(super::from_f64(65519.0), Some(0x7bff));
    }
}
