//! Format specifications of int, float and str, and `str.format` templates.

use crate::cx::{Cx, PyResult};
use crate::object::Obj;
use crate::protocol;
use crate::types::{Str, int};
use retic_numbers::format::{Spec, SpecError, assemble, float_body, parse_spec};

fn spec_of(cx: &Cx, text: &str, ty: &str) -> PyResult<Spec> {
    parse_spec(text).map_err(|e| match e {
        SpecError::TooManyDigits => cx.value_error("Too many decimal digits in format string"),
        SpecError::PrecisionMissing => cx.value_error("Format specifier missing precision"),
        SpecError::CommaAndUnderscore => cx.value_error("Cannot specify both ',' and '_'."),
        SpecError::RepeatedGrouping(c) => cx.value_error(format!("Cannot specify '{c}' with '{c}'.")),
        SpecError::Invalid => cx.value_error(format!("Invalid format specifier '{text}' for object of type '{ty}'")),
    })
}
fn unknown(cx: &Cx, c: char, ty: &str) -> crate::cx::Raised {
    cx.value_error(format!("Unknown format code '{c}' for object of type '{ty}'"))
}

pub fn int(cx: &mut Cx, o: &Obj, text: &str) -> PyResult<String> {
    if text.is_empty() {
        return protocol::str_text(cx, o);
    }
    let s = spec_of(cx, text, "int")?;
    protocol::check_size(cx, 1, s.width.unwrap_or(0), 4)?;
    let b = int::to_big(o).unwrap_or(retic_numbers::Big::from(0));
    let kind = s.kind.unwrap_or('d');
    if matches!(kind, 'e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%') {
        let v = int::to_f64(cx, o)?;
        return float(cx, v, text);
    }
    if s.precision.is_some() {
        return Err(cx.value_error("Precision not allowed in integer format specifier"));
    }
    if kind == 'c' {
        let c = b.to_i64().and_then(|v| u32::try_from(v).ok()).and_then(char::from_u32).ok_or_else(|| cx.overflow_error("%c arg not in range(0x110000)"))?;
        let plain = Spec { align: s.align.or(Some('<')), ..s };
        return Ok(assemble(&plain, false, "", &c.to_string(), "", 3));
    }
    let (radix, prefix, every) = match kind {
        'd' | 'n' => (10, "", 3),
        'x' => (16, "0x", 4),
        'X' => (16, "0X", 4),
        'o' => (8, "0o", 4),
        'b' => (2, "0b", 4),
        c => return Err(unknown(cx, c, "int")),
    };
    if s.grouping == Some(',') && radix != 10 {
        return Err(cx.value_error(format!("Cannot specify ',' with '{kind}'.")));
    }
    let mut digits = b.abs().to_text(radix);
    if kind == 'X' {
        digits = digits.to_ascii_uppercase();
    }
    Ok(assemble(&s, b.is_negative(), if s.alternate { prefix } else { "" }, &digits, "", every))
}

pub fn float(cx: &mut Cx, v: f64, text: &str) -> PyResult<String> {
    if text.is_empty() {
        return Ok(retic_numbers::float::repr(v));
    }
    let s = spec_of(cx, text, "float")?;
    if s.precision.is_some_and(|p| p > i32::MAX as usize) {
        return Err(cx.value_error("precision too big"));
    }
    protocol::check_size(cx, 1, s.width.unwrap_or(0).max(s.precision.unwrap_or(0)), 4)?;
    let kind = s.kind.unwrap_or('r');
    if !matches!(kind, 'e' | 'E' | 'f' | 'F' | 'g' | 'G' | 'n' | '%' | 'r') || s.kind == Some('r') {
        return Err(unknown(cx, kind, "float"));
    }
    let (digits, rest) = float_body(v, kind, s.precision, s.alternate, s.kind.is_none());
    Ok(assemble(&s, v.is_sign_negative() && !v.is_nan(), "", &digits, &rest, 3))
}

pub fn string(cx: &mut Cx, p: &[u32], text: &str) -> PyResult<Vec<u32>> {
    let s = spec_of(cx, text, "str")?;
    if let Some(c) = s.kind.filter(|c| *c != 's') {
        return Err(unknown(cx, c, "str"));
    }
    if s.sign.is_some() {
        return Err(cx.value_error("Sign not allowed in string format specifier"));
    }
    if s.align == Some('=') && (s.fill != '0' || text.contains('=')) {
        return Err(cx.value_error("'=' alignment not allowed in string format specifier"));
    }
    let body = &p[..s.precision.unwrap_or(usize::MAX).min(p.len())];
    let pad = s.width.unwrap_or(0).saturating_sub(body.len());
    protocol::check_size(cx, 1, pad, 4)?;
    let (left, right) = match s.align {
        Some('>') => (pad, 0),
        Some('^') => (pad / 2, pad - pad / 2),
        _ => (0, pad),
    };
    let mut out = vec![u32::from(s.fill); left];
    out.extend_from_slice(body);
    out.extend(std::iter::repeat_n(u32::from(s.fill), right));
    Ok(out)
}

/// Where a replacement field finds a name.
#[derive(Clone, Copy)]
pub enum Named<'a> {
    Pairs(&'a [(&'a Obj, &'a Obj)]),
    Mapping(&'a Obj),
}

/// `str.format`.
pub fn template(cx: &mut Cx, t: &[u32], args: &[Obj], kwargs: Named<'_>) -> PyResult<Vec<u32>> {
    let mut auto = Some(0usize);
    expand(cx, t, args, kwargs, &mut auto, 2)
}

fn expand(cx: &mut Cx, t: &[u32], args: &[Obj], kwargs: Named<'_>, auto: &mut Option<usize>, depth: u32) -> PyResult<Vec<u32>> {
    let (open, close) = (u32::from('{'), u32::from('}'));
    let mut out = Vec::new();
    let mut i = 0;
    while i < t.len() {
        let c = t[i];
        i += 1;
        if c == open && t.get(i) == Some(&open) || c == close && t.get(i) == Some(&close) {
            out.push(c);
            i += 1;
            continue;
        }
        if c == close {
            return Err(cx.value_error("Single '}' encountered in format string"));
        }
        if c != open {
            out.push(c);
            continue;
        }
        if depth == 0 {
            return Err(cx.value_error("Max string recursion exceeded"));
        }
        let start = i;
        let mut level = 1;
        while i < t.len() && level > 0 {
            if t[i] == open {
                level += 1;
            } else if t[i] == close {
                level -= 1;
            }
            i += 1;
        }
        if level > 0 {
            return Err(cx.value_error(if start == t.len() { "Single '{' encountered in format string" } else { "expected '}' before end of string" }));
        }
        let field = &t[start..i - 1];
        let mut bracket = false;
        let cut = field
            .iter()
            .position(|c| {
                if *c == u32::from('[') {
                    bracket = true;
                } else if *c == u32::from(']') {
                    bracket = false;
                }
                !bracket && (*c == u32::from('!') || *c == u32::from(':'))
            })
            .unwrap_or(field.len());
        let name: String = field[..cut].iter().filter_map(|c| char::from_u32(*c)).collect();
        let mut rest = &field[cut..];
        let mut conversion = None;
        if rest.first() == Some(&u32::from('!')) {
            conversion = rest.get(1).and_then(|c| char::from_u32(*c));
            rest = &rest[2.min(rest.len())..];
            if conversion.is_none() {
                return Err(cx.value_error("end of string while looking for conversion specifier"));
            }
            if !rest.is_empty() && rest[0] != u32::from(':') {
                return Err(cx.value_error("expected ':' after conversion specifier"));
            }
        }
        let spec = rest.get(1..).unwrap_or(&[]).to_vec();
        let mut v = field_value(cx, &name, args, kwargs, auto)?;
        v = match conversion {
            None => v,
            Some('r') => protocol::repr(cx, &v)?,
            Some('s') => protocol::str(cx, &v)?,
            Some('a') => protocol::ascii(cx, &v)?,
            Some(c) => return Err(cx.value_error(format!("Unknown conversion specifier '{c}'"))),
        };
        let spec = expand(cx, &spec, args, kwargs, auto, depth - 1)?;
        let spec = cx.str_points(&spec)?;
        let r = protocol::format_value(cx, &v, &spec)?;
        out.extend(r.cast::<Str>().map(|s| s.code_points()).unwrap_or_default());
    }
    Ok(out)
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
    } else if let Ok(i) = first.parse::<usize>() {
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
            let attr = crate::types::str::intern_text(cx, &r[..n])?;
            v = protocol::getattr(cx, &v, &attr)?;
            rest = &r[n..];
        } else {
            let Some(n) = rest.find(']') else { return Err(cx.value_error("Missing ']' in format string")) };
            let key = &rest[1..n];
            let k = match key.parse::<i64>() {
                Ok(i) => cx.int(i)?,
                Err(_) => cx.str(key)?,
            };
            v = protocol::getitem(cx, &v, &k)?;
            rest = &rest[n + 1..];
        }
    }
    Ok(v)
}
