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
    let chars: Vec<char> = text.chars().collect();
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
    let mut digits = digits.to_string();
    let width = spec.width.unwrap_or(0);
    if let Some(sep) = spec.grouping {
        if spec.fill == '0' && spec.align == Some('=') {
            // Zeros take part in the grouping: widen until the text is long enough.
            let room = width.saturating_sub(sign.len() + prefix.len() + rest.chars().count());
            let mut padded = digits.clone();
            while group(&padded, sep, group_every).len() < room {
                padded.insert(0, '0');
            }
            digits = group(&padded, sep, group_every);
        } else {
            digits = group(&digits, sep, group_every);
        }
    }
    let body_len = sign.len() + prefix.len() + digits.chars().count() + rest.chars().count();
    let pad = width.saturating_sub(body_len);
    let fill = |n: usize| std::iter::repeat_n(spec.fill, n).collect::<String>();
    match spec.align.unwrap_or('>') {
        '<' => format!("{sign}{prefix}{digits}{rest}{}", fill(pad)),
        '^' => format!("{}{sign}{prefix}{digits}{rest}{}", fill(pad / 2), fill(pad - pad / 2)),
        '=' => format!("{sign}{prefix}{}{digits}{rest}", fill(pad)),
        _ => format!("{}{sign}{prefix}{digits}{rest}", fill(pad)),
    }
}

/// The magnitude of a float under a presentation type: whole part and the rest (point, fraction, exponent, `%`).
/// `kind` is one of `e E f F g G n % r` (`r`: shortest, as repr; `None`-type uses it with `add_dot_zero`).
pub fn float_body(value: f64, kind: char, precision: Option<usize>, alternate: bool, add_dot_zero: bool) -> (String, String) {
    let magnitude = value.abs();
    let upper = matches!(kind, 'E' | 'F' | 'G');
    let text = if magnitude.is_nan() {
        "nan".to_string()
    } else if magnitude.is_infinite() {
        "inf".to_string()
    } else {
        match kind.to_ascii_lowercase() {
            'e' => exponent_text(magnitude, precision.unwrap_or(6), alternate),
            'f' => fixed(magnitude, precision.unwrap_or(6), alternate),
            '%' => fixed(magnitude * 100.0, precision.unwrap_or(6), alternate) + "%",
            'g' | 'n' => general(magnitude, precision.unwrap_or(6).max(1), alternate, false),
            _ => match precision {
                None => {
                    let (d, p) = float::shortest_digits(magnitude);
                    float::layout(&d, p, add_dot_zero, -4, 16)
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

fn fixed(value: f64, precision: usize, alternate: bool) -> String {
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
    let high = if repr_style { high.max(1) } else { high };
    let mut out = float::layout(&digits, exp + 1, repr_style, -4, high);
    if alternate && !out.contains('.') {
        match out.find('e') {
            Some(i) => out.insert(i, '.'),
            None => out.push('.'),
        }
    }
    out
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
