//! The format mini-language (PEP 3101) for numbers, and `%`-format bodies: digits in, text out.

use crate::float;

/// A parsed format specification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    pub fill: char,
    /// `<`, `>`, `=`, `^` or none given.
    pub align: Option<char>,
    /// `+`, `-`, space.
    pub sign: Option<char>,
    pub no_neg_zero: bool,
    pub alternate: bool,
    pub width: Option<usize>,
    /// `,` or `_`.
    pub grouping: Option<char>,
    pub precision: Option<usize>,
    pub kind: Option<char>,
    /// Whether a fill was written out (or `0` before the width).
    pub explicit_fill: bool,
}

/// Why a format specification is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpecError {
    TooManyDigits,
    PrecisionMissing,
    CommaAndUnderscore,
    RepeatedGrouping(char),
    Invalid,
}

/// Reads `[[fill]align][sign][z][#][0][width][grouping][.precision][type]`.
pub fn parse_spec(text: &str) -> Result<Spec, SpecError> {
    let mut short = ['\0'; 16];
    let long: Vec<char>;
    let n = text.chars().count();
    let chars: &[char] = if n <= short.len() {
        text.chars().zip(&mut short).for_each(|(c, place)| *place = c);
        &short[..n]
    } else {
        long = text.chars().collect();
        &long
    };
    let mut i = 0;
    let mut spec =
        Spec { fill: ' ', align: None, sign: None, no_neg_zero: false, alternate: false, width: None, grouping: None, precision: None, kind: None, explicit_fill: false };
    let is_align = |c: Option<&char>| matches!(c, Some('<' | '>' | '=' | '^'));
    if is_align(chars.get(1)) {
        spec.fill = chars[0];
        spec.align = Some(chars[1]);
        spec.explicit_fill = true;
        i = 2;
    } else if is_align(chars.first()) {
        spec.align = Some(chars[0]);
        i = 1;
    }
    if let Some(&c @ ('+' | '-' | ' ')) = chars.get(i) {
        spec.sign = Some(c);
        i += 1;
    }
    if chars.get(i) == Some(&'z') {
        spec.no_neg_zero = true;
        i += 1;
    }
    if chars.get(i) == Some(&'#') {
        spec.alternate = true;
        i += 1;
    }
    if !spec.explicit_fill && chars.get(i) == Some(&'0') {
        spec.fill = '0';
        spec.explicit_fill = true;
        if spec.align.is_none() {
            spec.align = Some('=');
        }
        i += 1;
    }
    let number = |i: &mut usize| -> Result<Option<usize>, SpecError> {
        let start = *i;
        let mut value = 0usize;
        while let Some(d) = chars.get(*i).and_then(|c| c.to_digit(10)) {
            value = value.checked_mul(10).and_then(|v| v.checked_add(d as usize)).filter(|v| *v <= isize::MAX as usize).ok_or(SpecError::TooManyDigits)?;
            *i += 1;
        }
        Ok((*i > start).then_some(value))
    };
    spec.width = number(&mut i)?;
    if let Some(&c @ (',' | '_')) = chars.get(i) {
        spec.grouping = Some(c);
        i += 1;
        match chars.get(i) {
            Some(&d @ (',' | '_')) if d == c => return Err(SpecError::RepeatedGrouping(c)),
            Some(',' | '_') => return Err(SpecError::CommaAndUnderscore),
            _ => {}
        }
    }
    if chars.get(i) == Some(&'.') {
        i += 1;
        spec.precision = Some(number(&mut i)?.ok_or(SpecError::PrecisionMissing)?);
    }
    if let Some(&c) = chars.get(i) {
        spec.kind = Some(c);
        i += 1;
    }
    if i < chars.len() { Err(SpecError::Invalid) } else { Ok(spec) }
}

/// Groups the digits of a whole number from the right.
pub fn group(digits: &str, separator: char, every: usize) -> String {
    let n = digits.len();
    let mut out = String::with_capacity(n + n / every);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (n - i).is_multiple_of(every) {
            out.push(separator);
        }
        out.push(c);
    }
    out
}

/// Puts sign, prefix, digits and padding together. `digits` is the whole part, `rest` what follows it.
pub fn assemble(spec: &Spec, negative: bool, prefix: &str, digits: &str, rest: &str, group_every: usize) -> String {
    let sign = match (negative, spec.sign) {
        (true, _) => "-",
        (false, Some('+')) => "+",
        (false, Some(' ')) => " ",
        _ => "",
    };
    let width = spec.width.unwrap_or(0);
    let grouped;
    let digits = match spec.grouping {
        None => digits,
        Some(sep) if spec.fill == '0' && spec.align == Some('=') => {
            // Zeros take part in the grouping: widen until the text is long enough.
            let room = width.saturating_sub(sign.len() + prefix.len() + rest.chars().count());
            let mut padded = digits.to_string();
            while group(&padded, sep, group_every).len() < room {
                padded.insert(0, '0');
            }
            grouped = group(&padded, sep, group_every);
            &grouped
        }
        Some(sep) => {
            grouped = group(digits, sep, group_every);
            &grouped
        }
    };
    let body_len = sign.len() + prefix.len() + digits.chars().count() + rest.chars().count();
    let pad = width.saturating_sub(body_len);
    let (before, inside, after) = match spec.align.unwrap_or('>') {
        '<' => (0, 0, pad),
        '^' => (pad / 2, 0, pad - pad / 2),
        '=' => (0, pad, 0),
        _ => (pad, 0, 0),
    };
    let mut out = String::with_capacity(sign.len() + prefix.len() + digits.len() + rest.len() + pad * spec.fill.len_utf8());
    let fill = |out: &mut String, n: usize| out.extend(std::iter::repeat_n(spec.fill, n));
    fill(&mut out, before);
    out.push_str(sign);
    out.push_str(prefix);
    fill(&mut out, inside);
    out.push_str(digits);
    out.push_str(rest);
    fill(&mut out, after);
    out
}

/// The magnitude of a float under a presentation type: whole part and the rest (point, fraction, exponent, `%`).
/// `kind` is one of `e E f F g G n % r` (`r`: shortest, as repr; `None`-type uses it with `add_dot_zero`).
pub fn float_body(value: f64, kind: char, precision: Option<usize>, alternate: bool, add_dot_zero: bool) -> (String, String) {
    let magnitude = value.abs();
    let upper = matches!(kind, 'E' | 'F' | 'G');
    let text = if magnitude.is_nan() {
        if kind == '%' { "nan%".to_string() } else { "nan".to_string() }
    } else if magnitude.is_infinite() {
        if kind == '%' { "inf%".to_string() } else { "inf".to_string() }
    } else {
        match kind.to_ascii_lowercase() {
            'e' => exponent_text(magnitude, precision.unwrap_or(6), alternate),
            'f' => fixed(magnitude, precision.unwrap_or(6), alternate),
            '%' => fixed(magnitude * 100.0, precision.unwrap_or(6), alternate) + "%",
            'g' | 'n' => general(magnitude, precision.unwrap_or(6).max(1), alternate, false),
            _ => match precision {
                None => {
                    let (d, p) = float::shortest_digits(magnitude);
                    let text = float::layout(&d, p, add_dot_zero, -4, 16);
                    if alternate { with_point(text) } else { text }
                }
                Some(p) => general(magnitude, p.max(1), alternate, add_dot_zero),
            },
        }
    };
    let text = if upper { text.to_ascii_uppercase() } else { text };
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    if magnitude.is_finite() { (text[..split].to_string(), text[split..].to_string()) } else { (text, String::new()) }
}

/// No float has more digits than these, before or behind the point: what is asked beyond them are zeros.
const DIGITS_MAX: usize = 1100;

/// `value` with so many digits behind the point, where an integer of 128 bits holds what must be computed: exact, and rounded
/// half to even as the C library does.
fn fixed_small(value: f64, precision: usize) -> Option<String> {
    if precision > 17 || value >= 1e15 {
        return None;
    }
    let bits = value.to_bits();
    let exponent = (bits >> 52) as i32;
    let mantissa = (bits & ((1 << 52) - 1)) | if exponent == 0 { 0 } else { 1 << 52 };
    // value = mantissa / 2^shift
    let shift = 1075 - exponent.max(1);
    let scaled = u128::from(mantissa) * 10u128.pow(precision as u32);
    let digits = match shift {
        ..=0 => scaled.checked_shl(u32::try_from(-shift).ok()?)?,
        1..=127 => {
            let (whole, rest) = (scaled >> shift, scaled & ((1 << shift) - 1));
            let half = 1u128 << (shift - 1);
            whole + u128::from(rest > half || rest == half && whole & 1 == 1)
        }
        _ => 0,
    };
    let mut digits = u64::try_from(digits).ok()?;
    let mut out = [b'0'; 40];
    let mut at = out.len();
    for i in 0.. {
        if i == precision && precision > 0 {
            at -= 1;
            out[at] = b'.';
        }
        at -= 1;
        out[at] = b'0' + (digits % 10) as u8;
        digits /= 10;
        if digits == 0 && i >= precision {
            break;
        }
    }
    Some(String::from_utf8_lossy(&out[at..]).into_owned())
}

fn fixed(value: f64, precision: usize, alternate: bool) -> String {
    if !(alternate && precision == 0)
        && let Some(text) = fixed_small(value, precision)
    {
        return text;
    }
    let mut text = format!("{value:.0$}", precision.min(DIGITS_MAX));
    text.extend(std::iter::repeat_n('0', precision.saturating_sub(DIGITS_MAX)));
    if alternate && precision == 0 {
        text.push('.');
    }
    text
}

fn exponent_text(value: f64, precision: usize, alternate: bool) -> String {
    let mut text = format!("{value:.0$e}", precision.min(DIGITS_MAX));
    if let Some(e) = text.find('e') {
        text.insert_str(e, &"0".repeat(precision.saturating_sub(DIGITS_MAX)));
    }
    let (mantissa, exp) = text.split_once('e').unwrap_or((&text, "0"));
    let exp: i32 = exp.parse().unwrap_or(0);
    let dot = if alternate && precision == 0 { "." } else { "" };
    format!("{mantissa}{dot}e{}{:02}", if exp < 0 { '-' } else { '+' }, exp.abs())
}

fn general(value: f64, precision: usize, alternate: bool, repr_style: bool) -> String {
    let shown = (precision - 1).min(DIGITS_MAX);
    let text = format!("{value:.shown$e}");
    let (mantissa, exp) = text.split_once('e').unwrap_or((&text, "0"));
    let exp: i32 = exp.parse().unwrap_or(0);
    let mut digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    if alternate {
        digits.extend(std::iter::repeat_n('0', precision - 1 - shown));
    } else {
        let kept = digits.trim_end_matches('0').len().max(1);
        digits.truncate(kept);
    }
    let high = i32::try_from(precision).unwrap_or(i32::MAX);
    // repr style (no type given, with a precision) uses exponents one step earlier, so that ".0" fits.
    let high = if repr_style { high - 1 } else { high };
    let out = float::layout(&digits, exp + 1, repr_style, -4, high);
    if alternate { with_point(out) } else { out }
}

/// A number that shows its point even if no digit follows.
fn with_point(mut text: String) -> String {
    if !text.contains('.') {
        text.insert(text.find('e').unwrap_or(text.len()), '.');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(text: &str, value: f64) -> String {
        let spec = parse_spec(text).unwrap();
        let (digits, rest) = float_body(value, spec.kind.unwrap_or('r'), spec.precision, spec.alternate, true);
        assemble(&spec, value.is_sign_negative(), "", &digits, &rest, 3)
    }

    #[test]
    fn the_short_way_rounds_as_the_long_one() {
        let mut x = 0x9e37_79b9_7f4a_7c15_u64;
        for i in 0..200_000u32 {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            let v = match i % 4 {
                0 => f64::from_bits(x & !(1 << 63)),
                1 => (x % 1_000_000) as f64 / 1000.0,
                2 => (x % 100_000) as f64 * 0.5 + 0.25,
                _ => (x >> 11) as f64 / 1e9,
            };
            let precision = (x >> 40) as usize % 19;
            if let Some(short) = fixed_small(v, precision) {
                assert_eq!(short, format!("{v:.precision$}"), "{v:?} with {precision} digits");
            }
        }
    }

    #[test]
    fn floats_as_cpython_formats_them() {
        assert_eq!(show(".3f", 2.0), "2.000");
        assert_eq!(show("010.2f", -2.5), "-000002.50");
        assert_eq!(show(",.2f", 1234567.891), "1,234,567.89");
        assert_eq!(show("g", 1e10), "1e+10");
        assert_eq!(show("g", 100000.0), "100000");
        assert_eq!(show(".3", 1234.5), "1.23e+03");
        assert_eq!(show("e", 12345.678), "1.234568e+04");
        assert_eq!(show(".1%", 0.256), "25.6%");
        assert_eq!(show("#.3g", 2.0), "2.00");
    }
}
