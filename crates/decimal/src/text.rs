//! Numbers from text and to text.

use crate::limbs::Limbs;
use crate::{Context, Dec, Kind, MAX_EMAX, MIN_ETINY, Rounding, flag, invalid, no_memory};
use retic_numbers::format::{Spec, assemble};
use retic_numbers::locale::Locale;

fn strip_sign(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    }
}

/// What a text says before it is rounded: number or NaN, or nothing.
fn scan(text: &[u8]) -> Option<Dec> {
    let (negative, rest) = strip_sign(text);
    let starts = |word: &str| rest.len() >= word.len() && rest[..word.len()].eq_ignore_ascii_case(word.as_bytes());
    if rest.eq_ignore_ascii_case(b"inf") || rest.eq_ignore_ascii_case(b"infinity") {
        return Some(Dec::infinity(negative));
    }
    for (word, kind) in [("nan", Kind::Nan), ("snan", Kind::SignallingNan)] {
        if starts(word) {
            let payload = &rest[word.len()..];
            if !payload.iter().all(u8::is_ascii_digit) {
                return None;
            }
            return Some(Dec { negative, kind, exp: 0, coefficient: Limbs::parse(payload).ok()? });
        }
    }
    let (number, exponent) = match rest.iter().position(|c| matches!(c, b'e' | b'E')) {
        Some(at) => (&rest[..at], Some(&rest[at + 1..])),
        None => (rest, None),
    };
    let (whole, fraction) = match number.iter().position(|c| *c == b'.') {
        Some(at) => (&number[..at], &number[at + 1..]),
        None => (number, &[][..]),
    };
    let is_number = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
    if whole.len() + fraction.len() == 0 || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let mut exp = 0i64;
    if let Some(e) = exponent {
        let (down, digits) = strip_sign(e);
        if digits.is_empty() || !is_number(digits) {
            return None;
        }
        let n = digits.iter().fold(0i64, |n, d| n.saturating_mul(10).saturating_add(i64::from(d - b'0')));
        exp = if down { -n } else { n };
    }
    let exp = exp.saturating_sub(fraction.len() as i64).clamp(MIN_ETINY - 1, MAX_EMAX + 1);
    let coefficient = if fraction.is_empty() { Limbs::parse(whole) } else { Limbs::parse(&[whole, fraction].concat()) }.ok()?;
    Some(Dec::finite(negative, coefficient, exp))
}

impl Dec {
    /// From text, rounded to a context. What is no number is a NaN with the flag Conversion_syntax.
    pub fn parse(text: &[u8], ctx: &Context, status: &mut u32) -> Dec {
        match scan(text) {
            Some(d) if d.is_nan() && !d.coefficient.is_zero() && d.digits() > ctx.prec - i64::from(ctx.clamp) => invalid(flag::CONVERSION_SYNTAX, status),
            Some(d) => d.finalized(ctx, status),
            None => invalid(flag::CONVERSION_SYNTAX, status),
        }
    }
    /// From text, exactly; what has no room is an invalid operation.
    pub fn parse_exact(text: &[u8], status: &mut u32) -> Dec {
        let mut own = 0;
        let d = Dec::parse(text, &Context::wide(crate::MAX_PREC), &mut own);
        if own & (flag::INEXACT | flag::ROUNDED | flag::CLAMPED) != 0 {
            return invalid(flag::INVALID_OPERATION, status);
        }
        *status |= own & flag::ALL_INVALID;
        d
    }

    fn special_text(&self) -> Option<String> {
        let sign = if self.negative { "-" } else { "" };
        let word = match self.kind {
            Kind::Finite => return None,
            Kind::Infinite => return Some(format!("{sign}Infinity")),
            Kind::Nan => "NaN",
            Kind::SignallingNan => "sNaN",
        };
        let payload = if self.coefficient.is_zero() { String::new() } else { digits_text(&self.coefficient) };
        Some(format!("{sign}{word}{payload}"))
    }

    /// The scientific form, or with exponents that are multiples of three.
    pub fn to_text(&self, engineering: bool, capitals: bool) -> String {
        if let Some(t) = self.special_text() {
            return t;
        }
        let mut out = Vec::with_capacity(32);
        if self.negative {
            out.push(b'-');
        }
        let start = out.len();
        self.coefficient.push_digits(&mut out);
        let n = (out.len() - start) as i64;
        let left = n + self.exp;
        let point = if self.exp <= 0 && left > -6 {
            left
        } else if !engineering {
            1
        } else if self.coefficient.is_zero() {
            (left + 1).rem_euclid(3) - 1
        } else {
            (left - 1).rem_euclid(3) + 1
        };
        if point <= 0 {
            let zeros = [&b"0."[..], &vec![b'0'; -point as usize]].concat();
            out.splice(start..start, zeros);
        } else if point >= n {
            out.extend(std::iter::repeat_n(b'0', (point - n) as usize));
        } else {
            out.insert(start + point as usize, b'.');
        }
        let mut out = String::from_utf8(out).unwrap_or_default();
        if left != point {
            out.push(if capitals { 'E' } else { 'e' });
            out.push_str(&format!("{:+}", left - point));
        }
        out
    }

    /// Formatted by a format specification (`kind` and `precision` of the spec decide, the rest dresses it); a wrong
    /// kind is `None`.
    pub fn format(&self, spec: &Spec, default_kind: char, rounding: Rounding, locale: &Locale, status: &mut u32) -> Option<String> {
        let kind = spec.kind.unwrap_or(default_kind);
        if !"eEfFgG%n".contains(kind) {
            return None;
        }
        if let Some(t) = self.special_text() {
            let body = t.trim_start_matches('-');
            let body = if kind == '%' { format!("{body}%") } else { body.to_string() };
            let zeros = spec.fill == '0' && spec.align == Some('=');
            let (fill, align) = if zeros { (' ', Some('>')) } else { (spec.fill, spec.align) };
            return Some(assemble(&Spec { fill, align, grouping: None, ..spec.clone() }, self.negative, "", "", &body, 3));
        }
        let wide = Context { rounding, ..Context::wide(crate::MAX_PREC) };
        let mut d = self.clone();
        if kind == '%' {
            d.exp += 2;
        }
        if let Some(p) = spec.precision {
            let p = p as i64;
            let to_digits = |d: Dec, n: i64, status: &mut u32| if d.digits() > n { d.finalized(&Context { prec: n, ..wide }, status) } else { d };
            d = match kind {
                'e' | 'E' if !d.is_zero() => {
                    let short = p + 1 - d.digits();
                    let d = to_digits(d, p + 1, status);
                    if short > 0 { d.quantize(&Dec::finite(false, Limbs::ONE, d.exp - short), &wide, status) } else { d }
                }
                'f' | 'F' | '%' => d.quantize(&Dec::finite(false, Limbs::ONE, -p), &wide, status),
                'g' | 'G' | 'n' => to_digits(d, p.max(1), status),
                _ => d,
            };
        }
        if matches!(kind, 'f' | 'F' | '%') && d.exp > 0 {
            d = d.quantize(&Dec::ONE, &wide, status);
        }
        if d.is_nan() {
            return Some(String::new());
        }
        let negative = d.negative && !(spec.no_neg_zero && d.is_zero());
        let digits = digits_text(&d.coefficient);
        let n = digits.len() as i64;
        let left = n + d.exp;
        let at = match kind {
            'e' | 'E' => match spec.precision {
                Some(p) if d.is_zero() => 1 - p as i64,
                _ => 1,
            },
            'f' | 'F' | '%' => left,
            _ if d.exp <= 0 && left > -6 => left,
            _ => 1,
        };
        let (whole, fraction) = if at < 0 {
            ("0".to_string(), "0".repeat(-at as usize) + &digits)
        } else if at > n {
            (digits + &"0".repeat((at - n) as usize), String::new())
        } else {
            let (w, f) = digits.split_at(at as usize);
            (if w.is_empty() { "0".to_string() } else { w.to_string() }, f.to_string())
        };
        let local = kind == 'n';
        let mut rest = String::new();
        if !fraction.is_empty() || spec.alternate {
            rest.push_str(if local { &locale.point } else { "." });
            rest.push_str(&fraction);
        }
        let exp = left - at;
        if exp != 0 || matches!(kind, 'e' | 'E') {
            let letter = if kind.is_ascii_uppercase() { 'E' } else { 'e' };
            rest.push_str(&format!("{letter}{exp:+}"));
        }
        if kind == '%' {
            rest.push('%');
        }
        if local && !locale.separator.is_empty() {
            return Some(locale.assemble(spec, negative, whole, &rest));
        }
        Some(assemble(spec, negative, "", &whole, &rest, 3))
    }
}

pub fn digits_text(c: &Limbs) -> String {
    let mut out = Vec::new();
    c.push_digits(&mut out);
    String::from_utf8(out).unwrap_or_default()
}

/// For messages about memory: keeps `no_memory` in one place.
pub fn out_of_memory(status: &mut u32) -> Dec {
    no_memory(crate::limbs::NoMemory, status)
}
