//! Format specifications of int, float and str, and `str.format` templates.

use crate::cx::{Cx, PyResult};
use crate::object::shape;
use crate::object::{Obj, Ref};
use crate::protocol;
use crate::types::str::builder::Text;
use crate::types::str::width::{Unit, each_width};
use crate::types::{Str, int};
use retic_numbers::format::{Spec, SpecError, assemble, float_body, parse_spec};

/// Reads a specification; `default` is the presentation type where none is written.
fn spec_of(cx: &Cx, text: &str, ty: &str, default: Option<char>) -> PyResult<Spec> {
    let spec = parse_spec(text).map_err(|e| match e {
        SpecError::TooManyDigits => cx.value_error("Too many decimal digits in format string"),
        SpecError::PrecisionMissing => cx.value_error("Format specifier missing precision"),
        SpecError::CommaAndUnderscore => cx.value_error("Cannot specify both ',' and '_'."),
        SpecError::RepeatedGrouping(c) => cx.value_error(format!("Cannot specify '{c}' with '{c}'.")),
        SpecError::Invalid => cx.value_error(format!("Invalid format specifier '{text}' for object of type '{ty}'")),
    })?;
    match (spec.grouping, spec.kind.or(default)) {
        (None, _) | (_, None | Some('d' | 'e' | 'f' | 'g' | 'E' | 'F' | 'G' | '%')) | (Some('_'), Some('b' | 'o' | 'x' | 'X')) => Ok(spec),
        (Some(sep), Some(kind)) => Err(cx.value_error(format!("Cannot specify '{sep}' with {}.", shown(kind)))),
    }
}
/// A presentation type in a message.
fn shown(kind: char) -> String {
    if ('!'..='\u{7f}').contains(&kind) { format!("'{kind}'") } else { format!("'\\x{:x}'", u32::from(kind)) }
}
fn unknown(cx: &Cx, c: char, ty: &str) -> crate::cx::Raised {
    cx.value_error(format!("Unknown format code {} for object of type '{ty}'", shown(c)))
}

pub fn int(cx: &mut Cx, o: &Obj, text: &str) -> PyResult<String> {
    if text.is_empty() {
        return protocol::str_text(cx, o);
    }
    let s = spec_of(cx, text, &o.ty().name_text(), Some('d'))?;
    protocol::check_size(cx, 1, s.width.unwrap_or(0), 4)?;
    let kind = s.kind.unwrap_or('d');
    if matches!(kind, 'e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%') {
        let v = int::to_f64(cx, o)?;
        return float(cx, v, text, &o.ty().name_text());
    }
    if !matches!(kind, 'd' | 'n' | 'x' | 'X' | 'o' | 'b' | 'c') {
        return Err(unknown(cx, kind, &o.ty().name_text()));
    }
    if s.precision.is_some() {
        return Err(cx.value_error("Precision not allowed in integer format specifier"));
    }
    if s.no_neg_zero {
        return Err(cx.value_error("Negative zero coercion (z) not allowed in integer format specifier"));
    }
    if kind == 'c' {
        if s.sign.is_some() {
            return Err(cx.value_error("Sign not allowed with integer format specifier 'c'"));
        }
        if s.alternate {
            return Err(cx.value_error("Alternate form (#) not allowed with integer format specifier 'c'"));
        }
        let Some(v) = int::to_i64(o) else { return Err(cx.overflow_error("Python int too large to convert to C long")) };
        let c = u32::try_from(v).ok().and_then(char::from_u32).ok_or_else(|| cx.overflow_error("%c arg not in range(0x110000)"))?;
        return Ok(assemble(&s, false, "", &c.to_string(), "", 3));
    }
    let (radix, prefix, every) = match kind {
        'd' | 'n' => (10, "", 3),
        'x' => (16, "0x", 4),
        'X' => (16, "0X", 4),
        'o' => (8, "0o", 4),
        _ => (2, "0b", 4),
    };
    let (negative, mut digits) = match int::to_i64(o) {
        Some(v) => (v < 0, digits_of(v.unsigned_abs(), u64::from(radix))),
        None => {
            let b = int::to_big(o).unwrap_or(retic_numbers::Big::from(0));
            (b.is_negative(), b.abs().to_text(radix))
        }
    };
    if kind == 'X' {
        digits = digits.to_ascii_uppercase();
    }
    if kind == 'n'
        && let Some(place) = super::locales::numbers(cx)
    {
        return Ok(place.assemble(&s, negative, digits, ""));
    }
    Ok(assemble(&s, negative, if s.alternate { prefix } else { "" }, &digits, "", every))
}

fn digits_of(mut v: u64, radix: u64) -> String {
    let mut out = Vec::with_capacity(20);
    loop {
        out.push(b"0123456789abcdef"[(v % radix) as usize]);
        v /= radix;
        if v == 0 {
            break;
        }
    }
    out.reverse();
    String::from_utf8(out).unwrap_or_default()
}

/// Whether `z` takes the sign away: what is shown of a finite number is all zeros.
fn loses_sign(s: &Spec, v: f64, digits: &str, rest: &str) -> bool {
    let zero = |t: &str| !t.bytes().take_while(|c| !c.eq_ignore_ascii_case(&b'e')).any(|c| matches!(c, b'1'..=b'9'));
    s.no_neg_zero && v.is_finite() && zero(digits) && zero(rest)
}

/// `float.__format__`; `ty` is what messages call the object's class.
pub fn float(cx: &mut Cx, v: f64, text: &str, ty: &str) -> PyResult<String> {
    if text.is_empty() {
        return Ok(retic_numbers::float::repr(v));
    }
    let s = spec_of(cx, text, ty, None)?;
    if s.precision.is_some_and(|p| p > i32::MAX as usize) {
        return Err(cx.value_error("precision too big"));
    }
    protocol::check_size(cx, 1, s.width.unwrap_or(0).max(s.precision.unwrap_or(0)), 4)?;
    let kind = s.kind.unwrap_or('r');
    if !matches!(kind, 'e' | 'E' | 'f' | 'F' | 'g' | 'G' | 'n' | '%' | 'r') || s.kind == Some('r') {
        return Err(unknown(cx, kind, ty));
    }
    let (digits, rest) = float_body(v, kind, s.precision, s.alternate, s.kind.is_none());
    let dropped = loses_sign(&s, v, &digits, &rest);
    let s = if v.is_finite() { s } else { Spec { grouping: None, ..s } };
    if kind == 'n'
        && v.is_finite()
        && let Some(place) = super::locales::numbers(cx)
    {
        return Ok(place.assemble(&s, v.is_sign_negative() && !dropped, digits, &place.rest(&rest)));
    }
    Ok(assemble(&s, v.is_sign_negative() && !v.is_nan() && !dropped, "", &digits, &rest, 3))
}

/// `complex.__format__` with a specification that is not empty.
pub fn complex(cx: &mut Cx, (re, im): (f64, f64), text: &str, ty: &str) -> PyResult<String> {
    let s = spec_of(cx, text, ty, None)?;
    protocol::check_size(cx, 1, s.width.unwrap_or(0).max(s.precision.unwrap_or(0)), 4)?;
    if let Some(kind) = s.kind.filter(|k| !matches!(k, 'e' | 'E' | 'f' | 'F' | 'g' | 'G' | 'n')) {
        return Err(unknown(cx, kind, ty));
    }
    if s.align == Some('=') || s.fill == '0' && s.explicit_fill {
        let zero = s.fill == '0' && s.explicit_fill;
        return Err(cx.value_error(if zero { "Zero padding is not allowed in complex format specifier" } else { "'=' alignment flag is not allowed in complex format specifier" }));
    }
    let kind = s.kind.unwrap_or(if s.precision.is_some() { 'g' } else { 'r' });
    let unsigned_zero = re == 0.0 && !re.is_sign_negative();
    let (skip_real, bracketed) = (s.kind.is_none() && unsigned_zero, s.kind.is_none() && !unsigned_zero);
    let place = if kind == 'n' { super::locales::numbers(cx) } else { None };
    let part = |v: f64, sign: Option<char>| {
        let (digits, rest) = float_body(v, kind, s.precision, s.alternate, false);
        let dropped = loses_sign(&s, v, &digits, &rest);
        let bare = Spec { fill: ' ', align: None, sign, width: None, grouping: if v.is_finite() { s.grouping } else { None }, ..s.clone() };
        if let Some(place) = place.as_ref().filter(|_| v.is_finite()) {
            return place.assemble(&bare, v.is_sign_negative() && !dropped, digits, &place.rest(&rest));
        }
        assemble(&bare, v.is_sign_negative() && !v.is_nan() && !dropped, "", &digits, &rest, 3)
    };
    let body = if skip_real { format!("{}j", part(im, s.sign)) } else { format!("{}{}j", part(re, s.sign), part(im, Some('+'))) };
    let body = if bracketed { format!("({body})") } else { body };
    let outer = Spec { sign: None, grouping: None, ..s };
    Ok(assemble(&outer, false, "", "", &body, 3))
}

pub fn string(cx: &mut Cx, p: &Ref<Str>, text: &str) -> PyResult {
    let s = spec_of(cx, text, "str", Some('s'))?;
    if let Some(c) = s.kind.filter(|c| *c != 's') {
        return Err(unknown(cx, c, "str"));
    }
    let refused = match s {
        Spec { sign: Some(' '), .. } => Some("Space"),
        Spec { sign: Some(_), .. } => Some("Sign"),
        Spec { no_neg_zero: true, .. } => Some("Negative zero coercion (z)"),
        Spec { alternate: true, .. } => Some("Alternate form (#)"),
        _ => None,
    };
    if let Some(what) = refused {
        return Err(cx.value_error(format!("{what} not allowed in string format specifier")));
    }
    if s.align == Some('=') && (s.fill != '0' || text.contains('=')) {
        return Err(cx.value_error("'=' alignment not allowed in string format specifier"));
    }
    let len = s.precision.unwrap_or(usize::MAX).min(p.len());
    let pad = s.width.unwrap_or(0).saturating_sub(len);
    protocol::check_size(cx, 1, pad, 4)?;
    let (left, right) = match s.align {
        Some('>') => (pad, 0),
        Some('^') => (pad / 2, pad - pad / 2),
        _ => (0, pad),
    };
    if pad == 0 && len == p.len() {
        return Ok(p.as_obj().clone());
    }
    let mut out = Text::with_capacity(len + pad);
    out.fill(u32::from(s.fill), left);
    out.str_part(p, len);
    out.fill(u32::from(s.fill), right);
    out.finish(cx)
}

/// `__format__` of an int, float or str that is of no subclass; nothing for other objects.
pub fn built_in(cx: &mut Cx, o: &Obj, spec: &Obj) -> Option<PyResult> {
    let spec = spec.cast::<Str>()?;
    if spec.is_empty() && matches!(o.shape(), shape::STR | shape::INT | shape::FLOAT) {
        return Some(protocol::str(cx, o));
    }
    let text = std::str::from_utf8(spec.ascii_bytes()?).ok()?;
    Some(match o.shape() {
        shape::STR => string(cx, o.cast::<Str>()?, text),
        shape::INT if std::ptr::eq(o.ty(), &*cx.types.int) => int(cx, o, text).and_then(|t| cx.str(&t)),
        shape::FLOAT => {
            let v = o.cast::<crate::types::Float>()?.value.get();
            float(cx, v, text, "float").and_then(|t| cx.str(&t))
        }
        _ => return None,
    })
}

/// Where a replacement field finds a name.
#[derive(Clone, Copy)]
pub enum Named<'a> {
    Pairs(&'a [(&'a Obj, &'a Obj)]),
    Mapping(&'a Obj),
}

/// `str.format`.
pub fn template(cx: &mut Cx, t: &Ref<Str>, args: &[Obj], kwargs: Named<'_>) -> PyResult {
    let mut auto = Some(0usize);
    let out = each_width!(t, units => expand(cx, units, args, kwargs, &mut auto, 2))?;
    // Without fields the text stays what it is.
    let plain = out.len() == t.len() && each_width!(t, units => !units.iter().any(|c| c.point() == u32::from('{') || c.point() == u32::from('}')));
    if plain { Ok(t.as_obj().clone()) } else { out.finish(cx) }
}

fn expand<U: Unit>(cx: &mut Cx, t: &[U], args: &[Obj], kwargs: Named<'_>, auto: &mut Option<usize>, depth: u32) -> PyResult<Text> {
    let (open, close) = (u32::from('{'), u32::from('}'));
    let point = |i: usize| t.get(i).map(|c| c.point());
    let mut out = Text::with_capacity(t.len() * 2);
    let mut i = 0;
    while i < t.len() {
        let plain = t[i..].iter().position(|c| c.point() == open || c.point() == close).unwrap_or(t.len() - i);
        out.units(&t[i..i + plain]);
        i += plain;
        let Some(c) = point(i) else { break };
        i += 1;
        if point(i) == Some(c) {
            out.push(c);
            i += 1;
            continue;
        }
        if c == close {
            return Err(cx.value_error("Single '}' encountered in format string"));
        }
        if depth == 0 {
            return Err(cx.value_error("Max string recursion exceeded"));
        }
        // The name goes on to the conversion, the specification or the end; brackets hide those.
        let start = i;
        let end = loop {
            let Some(c) = point(i).and_then(char::from_u32) else {
                if point(i).is_some() {
                    i += 1;
                    continue;
                }
                return Err(cx.value_error(if start == t.len() { "Single '{' encountered in format string" } else { "expected '}' before end of string" }));
            };
            match c {
                '{' => return Err(cx.value_error("unexpected '{' in field name")),
                '[' => i = t[i..].iter().position(|c| c.point() == u32::from(']')).map_or(t.len(), |n| i + n + 1),
                '}' | ':' | '!' => break i,
                _ => i += 1,
            }
        };
        let name: String = t[start..end].iter().filter_map(|c| char::from_u32(c.point())).collect();
        let mut conversion = None;
        let mut spec: &[U] = &[];
        let mut nested = false;
        let mut open_spec = point(i) == Some(u32::from(':'));
        i += 1;
        if point(end) == Some(u32::from('!')) {
            let Some(c) = point(i) else { return Err(cx.value_error("end of string while looking for conversion specifier")) };
            conversion = char::from_u32(c);
            i += 1;
            match point(i) {
                Some(c) if c == close => i += 1,
                Some(c) if c != u32::from(':') => return Err(cx.value_error("expected ':' after conversion specifier")),
                _ => {
                    open_spec = true;
                    i = (i + 1).min(t.len());
                }
            }
        }
        if open_spec {
            let start = i;
            let mut level = 1;
            while level > 0 {
                match point(i) {
                    Some(c) if c == open => {
                        nested = true;
                        level += 1;
                    }
                    Some(c) if c == close => level -= 1,
                    Some(_) => {}
                    None => return Err(cx.value_error("unmatched '{' in format spec")),
                }
                i += 1;
            }
            spec = &t[start..i - 1];
        }
        let mut v = field_value(cx, &name, args, kwargs, auto)?;
        v = match conversion {
            None => v,
            Some('r') => protocol::repr(cx, &v)?,
            Some('s') => protocol::str(cx, &v)?,
            Some('a') => protocol::ascii(cx, &v)?,
            Some(c) if ('!'..='\u{7f}').contains(&c) => return Err(cx.value_error(format!("Unknown conversion specifier {c}"))),
            Some(c) => return Err(cx.value_error(format!("Unknown conversion specifier \\x{:x}", u32::from(c)))),
        };
        let spec = if nested { expand(cx, spec, args, kwargs, auto, depth - 1)?.finish(cx)? } else { U::text(cx, spec)?.into_obj() };
        let r = protocol::format_value(cx, &v, &spec)?;
        if i == t.len() {
            out.last(&r);
        } else if let Some(s) = r.cast::<Str>() {
            out.str(s);
        }
        cx.release(r);
        cx.release(v);
    }
    Ok(out)
}

/// Digits only: an index.
fn whole_number(cx: &Cx, text: &str) -> PyResult<Option<usize>> {
    if text.is_empty() || !text.bytes().all(|c| c.is_ascii_digit()) {
        return Ok(None);
    }
    match text.parse::<i64>() {
        Ok(n) => Ok(Some(n as usize)),
        Err(_) => Err(cx.value_error("Too many decimal digits in format string")),
    }
}

fn field_value(cx: &mut Cx, name: &str, args: &[Obj], kwargs: Named<'_>, auto: &mut Option<usize>) -> PyResult {
    let end = name.find(['.', '[']).unwrap_or(name.len());
    let first = &name[..end];
    let positional = |cx: &Cx, i: usize| args.get(i).cloned().ok_or_else(|| cx.index_error(format!("Replacement index {i} out of range for positional args tuple")));
    let mut v = if first.is_empty() {
        if matches!(kwargs, Named::Mapping(_)) {
            return Err(cx.value_error("Format string contains positional fields"));
        }
        let Some(i) = *auto else { return Err(cx.value_error("cannot switch from manual field specification to automatic field numbering")) };
        *auto = Some(i + 1);
        positional(cx, i)?
    } else if let Some(i) = whole_number(cx, first)? {
        if matches!(kwargs, Named::Mapping(_)) {
            return Err(cx.value_error("Format string contains positional fields"));
        }
        if auto.is_some_and(|n| n > 0) {
            return Err(cx.value_error("cannot switch from automatic field numbering to manual field specification"));
        }
        *auto = None;
        positional(cx, i)?
    } else {
        let key = cx.str(first)?;
        match kwargs {
            Named::Mapping(m) => super::getitem(cx, m, &key)?,
            Named::Pairs(pairs) => match pairs.iter().find(|(k, _)| k.cast::<Str>().is_some_and(|s| s.eq_str(cx, first))) {
                Some((_, v)) => (*v).clone(),
                None => return Err(cx.key_error(&key)),
            },
        }
    };
    let mut rest = &name[end..];
    while !rest.is_empty() {
        if let Some(r) = rest.strip_prefix('.') {
            let n = r.find(['.', '[']).unwrap_or(r.len());
            if n == 0 {
                return Err(cx.value_error("Empty attribute in format string"));
            }
            let attr = crate::types::str::intern_text(cx, &r[..n])?;
            v = protocol::getattr(cx, &v, &attr)?;
            rest = &r[n..];
        } else {
            if !rest.starts_with('[') {
                return Err(cx.value_error("Only '.' or '[' may follow ']' in format field specifier"));
            }
            let Some(n) = rest.find(']') else { return Err(cx.value_error("Missing ']' in format string")) };
            let key = &rest[1..n];
            if key.is_empty() {
                return Err(cx.value_error("Empty attribute in format string"));
            }
            let k = match whole_number(cx, key)? {
                Some(i) => cx.int(i as i64)?,
                None => cx.str(key)?,
            };
            v = protocol::getitem(cx, &v, &k)?;
            rest = &rest[n + 1..];
        }
    }
    Ok(v)
}
