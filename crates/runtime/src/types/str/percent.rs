//! `%` formatting.

use super::Str;
use super::builder::Text;
use super::width::{Unit, each_width};
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
    let out = each_width!(t, units => fill(cx, units, values, false))?;
    // Without directives the text stays what it is.
    let plain = out.len() == t.len() && each_width!(t, units => !units.iter().any(|c| c.point() == u32::from('%')));
    if plain { Ok(text.clone()) } else { out.finish(cx) }
}

/// `bytes % values` (PEP 461).
pub fn modulo_bytes(cx: &mut Cx, text: &[u8], values: &Obj) -> PyResult<Vec<u8>> {
    Ok(fill(cx, text, values, true)?.into_bytes())
}

/// What `%b` shows of a value: its bytes.
fn value_bytes(cx: &mut Cx, v: &Obj) -> PyResult<Vec<u8>> {
    let name = cx.name("__bytes__");
    Ok(if crate::protocol::buffer::exports(cx, v) {
        crate::protocol::buffer::gathered(cx, v)?
    } else if let Some(f) = protocol::special(cx, v, &name)? {
        let r = protocol::call(cx, &f, &[])?;
        match r.cast::<crate::types::Bytes>() {
            Some(b) => b.bytes().to_vec(),
            None => return Err(cx.type_error(format!("__bytes__ returned non-bytes (type {})", r.ty().name_text()))),
        }
    } else {
        return Err(cx.type_error(format!("%b requires a bytes-like object, or an object that implements __bytes__, not '{}'", v.ty().name_text())));
    })
}

/// `%d` of a small int.
fn out_number(out: &mut Text, n: i64, width: usize, left: bool) {
    let mut buffer = [0; 20];
    let digits = int::decimal(n, &mut buffer);
    let pad = width.saturating_sub(digits.len());
    if !left {
        out.fill(32, pad);
    }
    out.units(digits);
    if left {
        out.fill(32, pad);
    }
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

/// What a directive puts in, before it is padded.
enum Body {
    /// So many characters of a string at most.
    Str(Obj, usize),
    Ascii(String),
    Bytes(Vec<u8>),
    Point(u32),
}
impl Body {
    fn len(&self) -> usize {
        match self {
            Body::Str(o, n) => o.cast::<Str>().map_or(0, |s| s.len()).min(*n),
            Body::Ascii(t) => t.len(),
            Body::Bytes(b) => b.len(),
            Body::Point(_) => 1,
        }
    }
    fn put(&self, out: &mut Text) {
        match self {
            Body::Str(o, n) => {
                if let Some(s) = o.cast::<Str>() {
                    out.str_part(s, *n);
                }
            }
            Body::Ascii(t) => out.rust(t),
            Body::Bytes(b) => out.units(b),
            Body::Point(c) => out.push(*c),
        }
    }
}

fn fill<U: Unit>(cx: &mut Cx, t: &[U], values: &Obj, bytes: bool) -> PyResult<Text> {
    let (items, is_tuple) = match values.cast::<Tuple>() {
        Some(v) => (v.items().to_vec(), true),
        None => (vec![values.clone()], false),
    };
    let textual = values.cast::<Str>().is_some() || bytes && crate::protocol::buffer::exports(cx, values);
    let mapping = (!is_tuple && !textual && values.ty().slots(cx).getitem.is_some()).then(|| values.clone());
    let mut source = Source { items, next: 0, is_tuple, mapping };
    let mut used_mapping = false;
    let mut out = Text::with_capacity(t.len() * 2);
    let ch = |i: usize| t.get(i).and_then(|c| char::from_u32(c.point()));
    let mut i = 0;
    while i < t.len() {
        let plain = t[i..].iter().position(|c| c.point() == u32::from('%')).unwrap_or(t.len() - i);
        if plain > 0 {
            out.units(&t[i..i + plain]);
            i += plain;
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
                let raw: Vec<u8> = t[start..i - 1].iter().map(|c| c.point() as u8).collect();
                crate::types::Bytes::from_slice(cx, &raw)?
            } else {
                U::text(cx, &t[start..i - 1])?.into_obj()
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
                let limit = if what == "width too big" { "ssize_t" } else { "int" };
                return match int::to_i64(&v) {
                    _ if v.cast::<Int>().is_none() => Err(cx.type_error("* wants int")),
                    Some(n) if limit == "ssize_t" || i32::try_from(n).is_ok() => Ok(Some(n)),
                    _ => Err(cx.overflow_error(format!("Python int too large to convert to C {limit}"))),
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
            let too_big = if bytes { "prec too big" } else { "precision too big" };
            let n = number(cx, &mut i, &mut source, too_big)?.unwrap_or(0).max(0);
            if n > i64::from(i32::MAX) {
                return Err(cx.value_error(too_big));
            }
            precision = Some(n as usize);
        }
        if matches!(ch(i), Some('h' | 'l' | 'L')) {
            i += 1;
        }
        let Some(kind) = ch(i) else { return Err(cx.value_error("incomplete format")) };
        i += 1;
        protocol::check_size(cx, 1, width as usize, 4)?;
        if kind == '%' && i >= 2 && ch(i - 2) == Some('%') {
            out.push(u32::from('%'));
            continue;
        }
        let (sign, body): (&str, Body) = match kind {
            's' | 'b' if bytes => {
                let v = source.take(cx)?;
                let mut p = value_bytes(cx, &v)?;
                if let Some(n) = precision {
                    p.truncate(n);
                }
                ("", Body::Bytes(p))
            }
            'c' if bytes => {
                let v = source.take(cx)?;
                let b = if v.ty().slots(cx).index.is_some() {
                    match int::to_i64(&protocol::index(cx, &v)?) {
                        Some(n) if (0..256).contains(&n) => vec![n as u8],
                        _ => return Err(cx.overflow_error("%c arg not in range(256)")),
                    }
                } else {
                    let b = if crate::protocol::buffer::exports(cx, &v) { value_bytes(cx, &v)? } else { Vec::new() };
                    if b.len() != 1 {
                        let what = v.ty().name_text();
                        let sized = matches!(what.as_str(), "bytes" | "bytearray");
                        let what = if sized { format!("a {what} object of length {}", b.len()) } else { what };
                        return Err(cx.type_error(format!("%c requires an integer in range(256) or a single byte, not {what}")));
                    }
                    b
                };
                ("", Body::Bytes(b))
            }
            's' | 'r' | 'a' => {
                let v = source.take(cx)?;
                let s = match kind {
                    's' => protocol::str(cx, &v)?,
                    'r' if !bytes => protocol::repr(cx, &v)?,
                    _ => protocol::ascii(cx, &v)?,
                };
                ("", Body::Str(s, precision.unwrap_or(usize::MAX)))
            }
            'c' => {
                let mut v = source.take(cx)?;
                if v.cast::<Int>().is_none() && v.ty().slots(cx).index.is_some() {
                    v = protocol::index(cx, &v)?;
                }
                let p = match (int::to_i64(&v), v.cast::<Str>()) {
                    (Some(n), _) if (0..0x110000).contains(&n) => n as u32,
                    _ if v.cast::<Int>().is_some() => return Err(cx.overflow_error("%c arg not in range(0x110000)")),
                    (_, Some(s)) if s.len() == 1 => s.chars().get(0),
                    (_, Some(s)) => return Err(cx.type_error(format!("%c requires an int or a unicode character, not a string of length {}", s.len()))),
                    _ => {
                        let what = crate::types::type_::shown_name(cx, &v.type_ref());
                        return Err(cx.type_error(format!("%c requires an int or a unicode character, not {what}")));
                    }
                };
                ("", Body::Point(p))
            }
            'd' | 'i' | 'u' | 'x' | 'X' | 'o' => {
                let v = source.take(cx)?;
                if let Some(n) = v.cast::<Int>().and_then(|i| i.small())
                    && matches!(kind, 'd' | 'i' | 'u')
                    && precision.is_none()
                    && !(zero || plus || space)
                {
                    out_number(&mut out, n, width as usize, left);
                    continue;
                }
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
                (sign, Body::Ascii(format!("{prefix}{digits}")))
            }
            'e' | 'E' | 'f' | 'F' | 'g' | 'G' => {
                let v = source.take(cx)?;
                let x = protocol::to_float(cx, &v).map_err(|r| {
                    if cx.error_is(&cx.types.type_error) {
                        cx.type_error(format!("{}, not {}", if bytes { "float argument required" } else { "must be real number" }, v.ty().name_text()))
                    } else {
                        r
                    }
                })?;
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
                (sign, Body::Ascii(text))
            }
            other => {
                source.take(cx)?;
                return Err(cx.value_error(format!("unsupported format character '{other}' (0x{:x}) at index {}", other as u32, i - 1)));
            }
        };
        let len = sign.len() + body.len();
        let pad = (width as usize).saturating_sub(len);
        if !left {
            out.fill(32, pad);
        }
        out.rust(sign);
        match &body {
            Body::Str(s, n) if !bytes && i == t.len() && pad == 0 && s.cast::<Str>().is_some_and(|s| s.len() <= *n) => {
                out.last(s);
                continue;
            }
            _ => body.put(&mut out),
        }
        if left {
            out.fill(32, pad);
        }
    }
    let leftover = if source.is_tuple { source.next < source.items.len() } else { !used_mapping && source.next == 0 && source.mapping.is_none() };
    if leftover && values.cast::<Dict>().is_none() {
        return Err(cx.type_error(format!("not all arguments converted during {} formatting", if bytes { "bytes" } else { "string" })));
    }
    Ok(out)
}
