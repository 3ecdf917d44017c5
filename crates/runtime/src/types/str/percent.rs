//! `%` formatting.

use super::Str;
use crate::cx::{Cx, PyResult};
use crate::object::Obj;
use crate::protocol;
use crate::types::{Dict, Int, Tuple, int};
use retic_numbers::format;

/// `text % values`.
pub fn modulo(cx: &mut Cx, text: &Obj, values: &Obj) -> PyResult {
    let Some(t) = text.cast::<Str>() else { return Ok(cx.not_implemented()) };
    if t.eq_str(cx, "%s") && values.shape() == crate::object::shape::STR {
        return Ok(values.clone());
    }
    let out = fill(cx, &t.code_points(), values, false)?;
    cx.str_points(&out)
}

/// `bytes % values` (PEP 461).
pub fn modulo_bytes(cx: &mut Cx, text: &[u8], values: &Obj) -> PyResult<Vec<u8>> {
    let points: Vec<u32> = text.iter().map(|b| u32::from(*b)).collect();
    Ok(fill(cx, &points, values, true)?.into_iter().map(|c| c as u8).collect())
}

/// What `%b` shows of a value: its bytes.
fn value_bytes(cx: &mut Cx, v: &Obj) -> PyResult<Vec<u32>> {
    let name = cx.name("__bytes__");
    let b = if crate::protocol::buffer::exports(cx, v) {
        crate::protocol::buffer::bytes(cx, v)?
    } else if let Some(f) = protocol::special(cx, v, &name)? {
        let r = protocol::call(cx, &f, &[])?;
        match r.cast::<crate::types::Bytes>() {
            Some(b) => b.bytes().to_vec(),
            None => return Err(cx.type_error(format!("__bytes__ returned non-bytes (type {})", r.ty().name_text()))),
        }
    } else {
        return Err(cx.type_error(format!("%b requires a bytes-like object, or an object that implements __bytes__, not '{}'", v.ty().name_text())));
    };
    Ok(b.into_iter().map(u32::from).collect())
}

struct Source {
    items: Vec<Obj>,
    next: usize,
    is_tuple: bool,
    mapping: Option<Obj>,
}

impl Source {
    fn take(&mut self, cx: &Cx) -> PyResult {
        let v = self.items.get(self.next).cloned().ok_or_else(|| cx.type_error("not enough arguments for format string"))?;
        self.next += 1;
        Ok(v)
    }
}

fn fill(cx: &mut Cx, t: &[u32], values: &Obj, bytes: bool) -> PyResult<Vec<u32>> {
    let (items, is_tuple) = match values.cast::<Tuple>() {
        Some(v) => (v.items().to_vec(), true),
        None => (vec![values.clone()], false),
    };
    let textual = values.cast::<Str>().is_some() || bytes && crate::protocol::buffer::exports(cx, values);
    let mapping = (!is_tuple && !textual && values.ty().slots(cx).getitem.is_some()).then(|| values.clone());
    let mut source = Source { items, next: 0, is_tuple, mapping };
    let mut used_mapping = false;
    let mut out = Vec::with_capacity(t.len());
    let ch = |i: usize| t.get(i).and_then(|c| char::from_u32(*c));
    let mut i = 0;
    while i < t.len() {
        if t[i] != u32::from('%') {
            out.push(t[i]);
            i += 1;
            continue;
        }
        i += 1;
        if ch(i) == Some('(') {
            let Some(m) = source.mapping.clone() else { return Err(cx.type_error("format requires a mapping")) };
            let start = i + 1;
            let mut depth = 1;
            i += 1;
            while depth > 0 {
                match ch(i) {
                    Some('(') => depth += 1,
                    Some(')') => depth -= 1,
                    None => return Err(cx.value_error("incomplete format key")),
                    _ => {}
                }
                i += 1;
            }
            let key = if bytes {
                let raw: Vec<u8> = t[start..i - 1].iter().map(|c| *c as u8).collect();
                crate::types::Bytes::from_slice(cx, &raw)?
            } else {
                cx.str_points(&t[start..i - 1])?
            };
            let v = protocol::getitem(cx, &m, &key)?;
            source.items = vec![v];
            source.next = 0;
            used_mapping = true;
        }
        let (mut left, mut plus, mut space, mut alt, mut zero) = (false, false, false, false, false);
        loop {
            match ch(i) {
                Some('-') => left = true,
                Some('+') => plus = true,
                Some(' ') => space = true,
                Some('#') => alt = true,
                Some('0') => zero = true,
                _ => break,
            }
            i += 1;
        }
        let number = |cx: &mut Cx, i: &mut usize, source: &mut Source, what: &str| -> PyResult<Option<i64>> {
            if ch(*i) == Some('*') {
                *i += 1;
                let v = source.take(cx)?;
                return match int::to_i64(&v) {
                    Some(n) => Ok(Some(n)),
                    None => Err(cx.type_error("* wants int")),
                };
            }
            let mut n: Option<i64> = None;
            while let Some(d) = ch(*i).and_then(|c| c.to_digit(10)) {
                if n.is_some_and(|n| n > (i64::MAX - i64::from(d)) / 10) {
                    return Err(cx.value_error(what));
                }
                n = Some(n.unwrap_or(0).saturating_mul(10).saturating_add(i64::from(d)));
                *i += 1;
            }
            Ok(n)
        };
        let mut width = number(cx, &mut i, &mut source, "width too big")?.unwrap_or(0);
        if width < 0 {
            left = true;
            width = -width;
        }
        let mut precision = None;
        if ch(i) == Some('.') {
            i += 1;
            let n = number(cx, &mut i, &mut source, "precision too big")?.unwrap_or(0).max(0);
            if n > i64::from(i32::MAX) {
                return Err(cx.value_error("precision too big"));
            }
            precision = Some(n as usize);
        }
        if matches!(ch(i), Some('h' | 'l' | 'L')) {
            i += 1;
        }
        let Some(kind) = ch(i) else { return Err(cx.value_error("incomplete format")) };
        i += 1;
        if width > 1 << 31 {
            return Err(cx.overflow_error("width too big"));
        }
        protocol::check_size(cx, 1, width as usize, 4)?;
        if kind == '%' {
            out.push(u32::from('%'));
            continue;
        }
        let (sign, body): (&str, Vec<u32>) = match kind {
            's' | 'b' if bytes => {
                let v = source.take(cx)?;
                let mut p = value_bytes(cx, &v)?;
                if let Some(n) = precision {
                    p.truncate(n);
                }
                ("", p)
            }
            'c' if bytes => {
                let v = source.take(cx)?;
                let b = if v.ty().slots(cx).index.is_some() {
                    match int::to_i64(&protocol::index(cx, &v)?) {
                        Some(n) if (0..256).contains(&n) => vec![n as u32],
                        _ => return Err(cx.overflow_error("%c arg not in range(256)")),
                    }
                } else {
                    let b = if crate::protocol::buffer::exports(cx, &v) { value_bytes(cx, &v)? } else { Vec::new() };
                    if b.len() != 1 {
                        return Err(cx.type_error(format!("%c requires an integer in range(256) or a single byte, not {}", v.ty().name_text())));
                    }
                    b
                };
                ("", b)
            }
            's' | 'r' | 'a' => {
                let v = source.take(cx)?;
                let s = match kind {
                    's' => protocol::str(cx, &v)?,
                    'r' if !bytes => protocol::repr(cx, &v)?,
                    _ => protocol::ascii(cx, &v)?,
                };
                let mut p = s.cast::<Str>().map(|s| s.code_points()).unwrap_or_default();
                if let Some(n) = precision {
                    p.truncate(n);
                }
                ("", p)
            }
            'c' => {
                let v = source.take(cx)?;
                let p = match (int::to_i64(&v), v.cast::<Str>()) {
                    (Some(n), _) if (0..0x110000).contains(&n) => vec![n as u32],
                    (Some(_), _) => return Err(cx.overflow_error("%c arg not in range(0x110000)")),
                    (_, Some(s)) if s.len() == 1 => s.code_points(),
                    _ => return Err(cx.type_error(format!("%c requires an int or a unicode character, not {}", v.ty().name_text()))),
                };
                ("", p)
            }
            'd' | 'i' | 'u' | 'x' | 'X' | 'o' => {
                let v = source.take(cx)?;
                let n = if v.cast::<Int>().is_some() {
                    int::to_big(&v)
                } else if matches!(kind, 'd' | 'i' | 'u') && (v.ty().slots(cx).int.is_some() || v.ty().slots(cx).index.is_some()) && v.cast::<Str>().is_none() {
                    let int_type = cx.types.int.as_obj().clone();
                    let r = protocol::call(cx, &int_type, &[v.clone()])?;
                    int::to_big(&r)
                } else if v.ty().slots(cx).index.is_some() {
                    let r = protocol::index(cx, &v)?;
                    int::to_big(&r)
                } else {
                    None
                };
                let Some(n) = n else {
                    let what = if matches!(kind, 'd' | 'i' | 'u') { "a real number is required" } else { "an integer is required" };
                    return Err(cx.type_error(format!("%{kind} format: {what}, not {}", v.ty().name_text())));
                };
                let negative = n.is_negative();
                let radix = match kind {
                    'x' | 'X' => 16,
                    'o' => 8,
                    _ => 10,
                };
                let mut digits = n.abs().to_text(radix);
                if let Some(p) = precision {
                    protocol::check_size(cx, 1, p, 4)?;
                    digits = format!("{}{digits}", "0".repeat(p.saturating_sub(digits.len())));
                }
                if kind == 'X' {
                    digits = digits.to_ascii_uppercase();
                }
                let sign = match (negative, plus, space) {
                    (true, ..) => "-",
                    (_, true, _) => "+",
                    (.., true) => " ",
                    _ => "",
                };
                let prefix = match (alt, kind) {
                    (true, 'x') => "0x",
                    (true, 'X') => "0X",
                    (true, 'o') => "0o",
                    _ => "",
                };
                if zero && !left {
                    let room = (width as usize).saturating_sub(sign.len() + prefix.len());
                    digits = format!("{}{digits}", "0".repeat(room.saturating_sub(digits.len())));
                }
                (sign, format!("{prefix}{digits}").chars().map(u32::from).collect())
            }
            'e' | 'E' | 'f' | 'F' | 'g' | 'G' => {
                let v = source.take(cx)?;
                let x = protocol::to_float(cx, &v)
                    .map_err(|r| if cx.error_is(&cx.types.type_error) { cx.type_error(format!("must be real number, not {}", v.ty().name_text())) } else { r })?;
                if alt || !matches!(kind, 'g' | 'G') {
                    protocol::check_size(cx, 1, precision.unwrap_or(6), 4)?;
                }
                let (whole, rest) = format::float_body(x, kind, Some(precision.unwrap_or(6)), alt, false);
                let sign = match (x.is_sign_negative() && !x.is_nan(), plus, space) {
                    (true, ..) => "-",
                    (_, true, _) => "+",
                    (.., true) => " ",
                    _ => "",
                };
                let mut text = format!("{whole}{rest}");
                if zero && !left && x.is_finite() {
                    let room = (width as usize).saturating_sub(sign.len());
                    text = format!("{}{text}", "0".repeat(room.saturating_sub(text.len())));
                }
                (sign, text.chars().map(u32::from).collect())
            }
            other => {
                return Err(cx.value_error(format!("unsupported format character '{other}' (0x{:x}) at index {}", other as u32, i - 1)));
            }
        };
        let len = sign.len() + body.len();
        let pad = (width as usize).saturating_sub(len);
        if !left {
            out.extend(std::iter::repeat_n(32, pad));
        }
        out.extend(sign.chars().map(u32::from));
        out.extend(body);
        if left {
            out.extend(std::iter::repeat_n(32, pad));
        }
    }
    let leftover = if source.is_tuple { source.next < source.items.len() } else { !used_mapping && source.next == 0 && source.mapping.is_none() };
    if leftover && values.cast::<Dict>().is_none() {
        return Err(cx.type_error("not all arguments converted during string formatting"));
    }
    Ok(out)
}
