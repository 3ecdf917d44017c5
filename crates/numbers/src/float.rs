//! Floats: `repr`, parsing, floor division, powers, as CPython's floatobject.c does them.

use crate::big::Big;

/// The digits and decimal exponent of the shortest text that reads back as `value` (finite, not negative):
/// `0.d1d2d3... * 10**exponent`.
pub fn shortest_digits(value: f64) -> (String, i32) {
    if value == 0.0 {
        return ("0".into(), 1);
    }
    let mut buffer = zmij::Buffer::new();
    split_decimal(buffer.format_finite(value))
}

/// Takes `12.5e-7` apart into digits and the position of the point.
fn split_decimal(text: &str) -> (String, i32) {
    let (mantissa, exp) = match text.find(['e', 'E']) {
        Some(i) => (&text[..i], text[i + 1..].parse::<i32>().unwrap_or(0)),
        None => (text, 0),
    };
    let (int, frac) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all: String = int.chars().chain(frac.chars()).collect();
    let zeros = all.len() - all.trim_start_matches('0').len();
    let digits = all.trim_start_matches('0').trim_end_matches('0');
    let point = int.len() as i32 + exp - zeros as i32;
    if digits.is_empty() { ("0".into(), 1) } else { (digits.to_string(), point) }
}

/// `repr(value)`.
pub fn repr(value: f64) -> String {
    if value.is_nan() {
        return "nan".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf".into() } else { "-inf".into() };
    }
    if (1e-4..1e16).contains(&value.abs()) {
        let mut buffer = zmij::Buffer::new();
        let text = buffer.format_finite(value);
        if !text.contains('e') {
            return text.to_string();
        }
    }
    let sign = if value.is_sign_negative() { "-" } else { "" };
    let (digits, point) = shortest_digits(value.abs());
    let body = layout(&digits, point, true, -4, 16);
    format!("{sign}{body}")
}

/// Lays digits out in fixed or exponent form: exponent form when the decimal exponent is below `low` or at least `high`.
pub fn layout(digits: &str, point: i32, add_dot_zero: bool, low: i32, high: i32) -> String {
    let exp = point - 1;
    if exp < low || exp >= high {
        let mut out = String::from(&digits[..1]);
        if digits.len() > 1 {
            out.push('.');
            out.push_str(&digits[1..]);
        }
        out.push_str(&format!("e{}{:02}", if exp < 0 { '-' } else { '+' }, exp.abs()));
        return out;
    }
    if point <= 0 {
        return format!("0.{}{}", "0".repeat((-point) as usize), digits);
    }
    let point = point as usize;
    if digits.len() <= point {
        let mut out = format!("{}{}", digits, "0".repeat(point - digits.len()));
        if add_dot_zero {
            out.push_str(".0");
        }
        return out;
    }
    format!("{}.{}", &digits[..point], &digits[point..])
}

/// `float(text)` for text already stripped and ASCII: underscores between digits allowed.
pub fn parse(text: &str) -> Option<f64> {
    if text.bytes().all(|c| c.is_ascii_digit() || matches!(c, b'.' | b'-' | b'e')) {
        return text.parse().ok();
    }
    let lower = text.to_ascii_lowercase();
    let (negative, body) = match lower.strip_prefix(['+', '-']) {
        Some(rest) => (lower.starts_with('-'), rest),
        None => (false, lower.as_str()),
    };
    let magnitude = match body {
        "inf" | "infinity" => f64::INFINITY,
        "nan" => f64::NAN,
        _ => {
            let bytes = body.as_bytes();
            if !bytes.iter().all(|c| c.is_ascii_digit() || matches!(c, b'.' | b'e' | b'+' | b'-' | b'_')) {
                return None;
            }
            for (i, &c) in bytes.iter().enumerate() {
                let digit = |j: Option<usize>| j.and_then(|j| bytes.get(j)).is_some_and(u8::is_ascii_digit);
                if c == b'_' && !(digit(i.checked_sub(1)) && digit(Some(i + 1))) {
                    return None;
                }
            }
            if !bytes.iter().any(u8::is_ascii_digit) || !(bytes[0].is_ascii_digit() || bytes[0] == b'.') {
                return None;
            }
            body.replace('_', "").parse::<f64>().ok()?
        }
    };
    Some(if negative { -magnitude } else { magnitude })
}

/// `divmod(a, b)` for floats; `b` is not zero.
pub fn divmod(a: f64, b: f64) -> (f64, f64) {
    let mut m = a % b;
    let mut div = (a - m) / b;
    if m != 0.0 {
        if (b < 0.0) != (m < 0.0) {
            m += b;
            div -= 1.0;
        }
    } else {
        m = 0f64.copysign(b);
    }
    let floor = if div != 0.0 {
        let f = div.floor();
        if div - f > 0.5 { f + 1.0 } else { f }
    } else {
        0f64.copysign(a / b)
    };
    (floor, m)
}

/// `round(value)`: half to even.
pub fn round_half_even(value: f64) -> f64 {
    value.round_ties_even()
}

/// `round(value, digits)`: correctly rounded on the decimal text, as CPython does.
pub fn round_digits(value: f64, digits: i64) -> f64 {
    if !value.is_finite() || digits > 323 {
        return value;
    }
    if digits < -308 {
        return 0f64.copysign(value);
    }
    if digits >= 0 {
        return format!("{:.*}", digits as usize, value).parse().unwrap_or(value);
    }
    // Negative digits: round the exact integer part to a power of ten, half to even.
    let unit = Big::from(10).pow((-digits) as usize);
    let whole = Big::from_f64(value.abs().trunc());
    let fraction = value.abs().fract() != 0.0;
    let Some((q, r)) = whole.divmod(&unit) else { return value };
    let twice = r.shl(1);
    let up = twice > unit || (twice == unit && (fraction || q.is_odd()));
    let q = if up { q.add(&Big::from(1)) } else { q };
    let result = q.mul(&unit).to_f64().unwrap_or(f64::INFINITY);
    result.copysign(value)
}

/// What `pow(a, b)` of two floats ends in.
pub enum Power {
    Value(f64),
    /// 0.0 to a negative power.
    ZeroDivision,
    /// A negative number to a fractional power: the result is complex.
    Complex,
    Overflow,
}

/// `a ** b` by the rules of float_pow.
pub fn pow(a: f64, b: f64) -> Power {
    if b == 0.0 || a == 1.0 {
        return Power::Value(1.0);
    }
    if a.is_nan() || b.is_nan() {
        return Power::Value(f64::NAN);
    }
    if b.is_infinite() {
        let m = a.abs();
        return Power::Value(if m == 1.0 {
            1.0
        } else if (b > 0.0) == (m > 1.0) {
            b.abs()
        } else {
            0.0
        });
    }
    let odd = b.abs() % 2.0 == 1.0;
    if a.is_infinite() {
        let v = if b > 0.0 { a.abs() } else { 0.0 };
        return Power::Value(if odd { v.copysign(a) } else { v });
    }
    if a == 0.0 {
        if b < 0.0 {
            return Power::ZeroDivision;
        }
        return Power::Value(if odd { a } else { 0.0 });
    }
    if a < 0.0 && b != b.floor() {
        return Power::Complex;
    }
    let value = a.powf(b);
    if value.is_infinite() { Power::Overflow } else { Power::Value(value) }
}

/// Why a text is no float in base 16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HexError {
    Invalid,
    TooLarge,
}

/// `float.fromhex`: correctly rounded, half to even.
pub fn from_hex(text: &str) -> Result<f64, HexError> {
    let t = text.trim_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']).to_ascii_lowercase();
    let (negative, t) = match t.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, t.strip_prefix('+').unwrap_or(&t)),
    };
    let sign = if negative { -1.0 } else { 1.0 };
    match t {
        "inf" | "infinity" => return Ok(sign * f64::INFINITY),
        "nan" => return Ok(f64::NAN.copysign(sign)),
        _ => {}
    }
    let t = t.strip_prefix("0x").unwrap_or(t);
    let (digits, exponent) = match t.split_once('p') {
        Some((d, e)) => {
            let body = e.strip_prefix(['+', '-']).unwrap_or(e);
            if body.is_empty() || !body.bytes().all(|b| b.is_ascii_digit()) {
                return Err(HexError::Invalid);
            }
            let size = body.trim_start_matches('0');
            let size = if size.len() > 15 { 1i64 << 52 } else { size.parse().unwrap_or(0) };
            (d, if e.starts_with('-') { -size } else { size })
        }
        None => (t, 0),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_hexdigit()) {
        return Err(HexError::Invalid);
    }
    // The first 64 significant bits, whether a later one is set, and the exponent of the last bit kept.
    let (mut kept, mut sticky, mut scale) = (0u64, false, exponent - 4 * fraction.len() as i64);
    for b in whole.bytes().chain(fraction.bytes()) {
        let d = u64::from((b as char).to_digit(16).unwrap_or(0));
        if kept >> 60 == 0 {
            kept = kept << 4 | d;
        } else {
            sticky |= d != 0;
            scale += 4;
        }
    }
    if kept == 0 {
        return Ok(sign * 0.0);
    }
    let top = scale + 63 - i64::from(kept.leading_zeros());
    if top >= 1024 {
        return Err(HexError::TooLarge);
    }
    if top < -1075 {
        return Ok(sign * 0.0);
    }
    // Bits below the last one of the result: at least so many that 53 are left, more where it is subnormal.
    let last = (top - 52).max(-1074);
    let drop = last - scale;
    let mantissa = if drop <= 0 {
        kept << -drop
    } else if drop > 64 {
        0
    } else {
        let (high, low) = if drop == 64 { (0, kept) } else { (kept >> drop, kept & ((1 << drop) - 1)) };
        let half = 1u64 << (drop - 1);
        let up = low > half || low == half && (sticky || high & 1 == 1);
        high + u64::from(up)
    };
    // Two steps, so that neither power is out of range; the mantissa has 53 bits, so neither rounds.
    let value = mantissa as f64 * 2f64.powi((last / 2) as i32) * 2f64.powi((last - last / 2) as i32);
    if value.is_infinite() { Err(HexError::TooLarge) } else { Ok(sign * value) }
}

/// `float.hex`.
pub fn hex(value: f64) -> String {
    if !value.is_finite() {
        return repr(value);
    }
    let sign = if value.is_sign_negative() { "-" } else { "" };
    if value == 0.0 {
        return format!("{sign}0x0.0p+0");
    }
    let bits = value.to_bits();
    let (biased, mantissa) = ((bits >> 52 & 0x7ff) as i32, bits & ((1 << 52) - 1));
    let (lead, exp) = if biased == 0 { (0, -1022) } else { (1, biased - 1023) };
    format!("{sign}0x{lead}.{mantissa:013x}p{exp:+}")
}

/// The numerator and the power of two of the denominator: `value == n / 2**k` (finite).
pub fn integer_ratio(value: f64) -> (Big, u32) {
    let bits = value.to_bits();
    let biased = (bits >> 52 & 0x7ff) as i32;
    let mut mantissa = if biased == 0 { (bits & ((1 << 52) - 1)) << 1 } else { bits & ((1 << 52) - 1) | 1 << 52 };
    let mut exponent = biased - 1075;
    if mantissa == 0 {
        return (Big::from(0), 0);
    }
    let zeros = mantissa.trailing_zeros();
    mantissa >>= zeros;
    exponent += zeros as i32;
    let n = Big::from(mantissa as i64);
    let n = if value < 0.0 { n.neg() } else { n };
    if exponent >= 0 { (n.shl(exponent as usize), 0) } else { (n, (-exponent) as u32) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repr_is_cpythons() {
        for (v, t) in [
            (1.0, "1.0"),
            (0.1, "0.1"),
            (1e16, "1e+16"),
            (1e15, "1000000000000000.0"),
            (1e-4, "0.0001"),
            (1e-5, "1e-05"),
            (-0.0, "-0.0"),
            (1_144_061_379_383_392.3, "1144061379383392.2"),
            (5e-324, "5e-324"),
            (1.7976931348623157e308, "1.7976931348623157e+308"),
            (123456.789, "123456.789"),
        ] {
            assert_eq!(repr(v), t);
        }
    }

    #[test]
    fn rounding_to_digits() {
        assert_eq!(round_digits(2.675, 2), 2.67);
        assert_eq!(round_digits(1250.0, -2), 1200.0);
        assert_eq!(round_digits(1350.0, -2), 1400.0);
        assert_eq!(round_digits(-0.4, 0), -0.0);
    }

    #[test]
    fn divmod_has_the_sign_of_the_divisor() {
        assert_eq!(divmod(-7.0, 2.0), (-4.0, 1.0));
        assert_eq!(divmod(7.0, -2.0), (-4.0, -1.0));
    }
}
