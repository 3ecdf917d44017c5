//! The methods that `bytes` and `bytearray` share, over plain byte slices.

use crate::cx::{Cx, PyResult};
use crate::object::{Obj, Ref};
use crate::protocol::{self, buffer};
use crate::types::list::PARTS;
use crate::types::{Str, Tuple, int};

/// A byte searched for, or a bytes-like object.
pub fn needle(cx: &mut Cx, o: &Obj) -> PyResult<Vec<u8>> {
    if o.ty().slots(cx).index.is_some() && !buffer::exports(cx, o) {
        let i = protocol::index(cx, o)?;
        return match int::to_i64(&i).and_then(|v| u8::try_from(v).ok()) {
            Some(b) => Ok(vec![b]),
            None => Err(cx.value_error("byte must be in range(0, 256)")),
        };
    }
    if !buffer::exports(cx, o) {
        return Err(cx.type_error(format!("argument should be integer or bytes-like object, not '{}'", o.ty().name_text())));
    }
    buffer::bytes(cx, o)
}

fn bounds(cx: &mut Cx, start: Option<&Obj>, end: Option<&Obj>, n: usize) -> PyResult<(usize, usize)> {
    let mut one = |o: Option<&Obj>, default: usize| -> PyResult<usize> {
        let Some(o) = o.filter(|o| !o.is_none()) else { return Ok(default) };
        if o.ty().slots(cx).index.is_none() {
            return Err(cx.type_error("slice indices must be integers or None or have an __index__ method"));
        }
        let v = crate::types::slice::clamped(cx, o)?;
        Ok(if v < 0 { v.saturating_add(n as i64).max(0) as usize } else { v as usize })
    };
    let (s, e) = (one(start, 0)?, one(end, n)?);
    Ok((s, e.min(n)))
}

pub fn search(cx: &mut Cx, hay: &[u8], sub: &Obj, start: Option<&Obj>, end: Option<&Obj>, reverse: bool) -> PyResult<Option<usize>> {
    let needle = needle(cx, sub)?;
    let (s, e) = bounds(cx, start, end, hay.len())?;
    if s > e {
        return Ok(None);
    }
    let part = &hay[s..e];
    let found = if reverse { memchr::memmem::rfind(part, &needle) } else { memchr::memmem::find(part, &needle) };
    Ok(found.map(|i| i + s))
}
pub fn search_or_raise(cx: &mut Cx, hay: &[u8], sub: &Obj, start: Option<&Obj>, end: Option<&Obj>, reverse: bool) -> PyResult<usize> {
    search(cx, hay, sub, start, end, reverse)?.ok_or_else(|| cx.value_error("subsection not found"))
}
pub fn count(cx: &mut Cx, hay: &[u8], sub: &Obj, start: Option<&Obj>, end: Option<&Obj>) -> PyResult<usize> {
    let needle = needle(cx, sub)?;
    let (s, e) = bounds(cx, start, end, hay.len())?;
    if s > e {
        return Ok(0);
    }
    if needle.is_empty() {
        return Ok(e - s + 1);
    }
    Ok(memchr::memmem::find_iter(&hay[s..e], &needle).count())
}

pub fn tail_match(cx: &mut Cx, b: &[u8], what: &Obj, start: Option<&Obj>, end: Option<&Obj>, name: &str) -> PyResult<bool> {
    let (s, e) = bounds(cx, start, end, b.len())?;
    let options = match what.cast::<Tuple>() {
        Some(t) => t.items().to_vec(),
        None => vec![what.clone()],
    };
    let is_tuple = what.cast::<Tuple>().is_some();
    for o in &options {
        if !buffer::exports(cx, o) {
            let text = if is_tuple {
                format!("a bytes-like object is required, not '{}'", o.ty().name_text())
            } else {
                format!("{name} first arg must be bytes or a tuple of bytes, not {}", o.ty().name_text())
            };
            return Err(cx.type_error(text));
        }
        let p = buffer::bytes(cx, o)?;
        if s <= e && (if name == "startswith" { b[s..e].starts_with(&p) } else { b[s..e].ends_with(&p) }) {
            return Ok(true);
        }
    }
    Ok(false)
}

pub fn is_space(b: u8) -> bool {
    matches!(b, b' ' | b'\t'..=b'\r')
}

pub fn strip<'a>(cx: &mut Cx, b: &'a [u8], set: Option<&Obj>, left: bool, right: bool) -> PyResult<&'a [u8]> {
    let set = match set {
        Some(s) => Some(buffer::bytes(cx, s)?),
        None => None,
    };
    let drop = |c: &u8| match &set {
        Some(s) => s.contains(c),
        None => is_space(*c),
    };
    let start = if left { b.iter().take_while(|c| drop(c)).count() } else { 0 };
    let end = if right { b.len() - b[start..].iter().rev().take_while(|c| drop(c)).count() } else { b.len() };
    Ok(&b[start..end])
}

/// Parts that a list of them has room for at first, as CPython's.
pub fn room_for_parts(maxsplit: i64) -> usize {
    usize::try_from(maxsplit).map_or(PARTS, |n| n.saturating_add(1).min(PARTS))
}

/// The ranges `split` and `rsplit` cut out.
pub fn split(cx: &mut Cx, b: &[u8], sep: Option<&Obj>, maxsplit: i64, from_right: bool) -> PyResult<Vec<(usize, usize)>> {
    let limit = if maxsplit < 0 { usize::MAX } else { maxsplit as usize };
    let mut out = Vec::new();
    match sep {
        Some(s) => {
            let sep = buffer::bytes(cx, s)?;
            if sep.is_empty() {
                return Err(cx.value_error("empty separator"));
            }
            if from_right {
                let mut end = b.len();
                while out.len() < limit
                    && let Some(i) = memchr::memmem::rfind(&b[..end], &sep)
                {
                    out.push((i + sep.len(), end));
                    end = i;
                }
                out.push((0, end));
                out.reverse();
            } else {
                let mut start = 0;
                for i in memchr::memmem::find_iter(b, &sep).take(limit) {
                    out.push((start, i));
                    start = i + sep.len();
                }
                out.push((start, b.len()));
            }
        }
        None => {
            let (mut i, n) = (0, b.len());
            while i < n {
                if is_space(b[i]) {
                    i += 1;
                    continue;
                }
                let start = i;
                while i < n && !is_space(b[i]) {
                    i += 1;
                }
                out.push((start, i));
            }
            if out.len() > limit {
                // What is not split any more keeps the space at its far end.
                if from_right {
                    let end = out[out.len() - limit - 1].1;
                    out.drain(..out.len() - limit);
                    out.insert(0, (0, end));
                } else {
                    let start = out[limit].0;
                    out.truncate(limit);
                    out.push((start, n));
                }
            }
        }
    }
    Ok(out)
}

pub fn lines(b: &[u8], keep: bool) -> Vec<(usize, usize)> {
    let (mut out, mut start, mut i) = (Vec::new(), 0, 0);
    while i < b.len() {
        let end = i;
        match b[i] {
            b'\r' if b.get(i + 1) == Some(&b'\n') => i += 2,
            b'\n' | b'\r' => i += 1,
            _ => {
                i += 1;
                continue;
            }
        }
        out.push((start, if keep { i } else { end }));
        start = i;
    }
    if start < b.len() {
        out.push((start, b.len()));
    }
    out
}

pub fn replace(cx: &mut Cx, b: &[u8], old: &Obj, new: &Obj, limit: i64) -> PyResult<Vec<u8>> {
    let (old, new) = (buffer::bytes(cx, old)?, buffer::bytes(cx, new)?);
    let limit = if limit < 0 { usize::MAX } else { limit as usize };
    let mut out = Vec::new();
    if old.is_empty() {
        let n = limit.min(b.len() + 1);
        protocol::check_size(cx, new.len(), n, 1)?;
        for (i, c) in b.iter().enumerate() {
            if i < n {
                out.extend_from_slice(&new);
            }
            out.push(*c);
        }
        if n > b.len() {
            out.extend_from_slice(&new);
        }
        return Ok(out);
    }
    let mut start = 0;
    for i in memchr::memmem::find_iter(b, &old).take(limit) {
        protocol::grow(cx, &mut out, i - start + new.len())?;
        out.extend_from_slice(&b[start..i]);
        out.extend_from_slice(&new);
        start = i + old.len();
    }
    protocol::grow(cx, &mut out, b.len() - start)?;
    out.extend_from_slice(&b[start..]);
    Ok(out)
}

pub fn pad(cx: &mut Cx, b: &[u8], width: i64, fill: Option<&Obj>, name: &str, share: fn(usize, i64) -> usize) -> PyResult<Vec<u8>> {
    let fill = match fill {
        None => b' ',
        Some(f) => match (buffer::exports(cx, f), buffer::exports(cx, f).then(|| buffer::bytes(cx, f)).transpose()?) {
            (true, Some(v)) if v.len() == 1 => v[0],
            (true, Some(v)) => {
                return Err(cx.type_error(format!("{name}(): argument 2 must be a byte string of length 1, not a {} object of length {}", f.ty().name_text(), v.len())));
            }
            _ => return Err(cx.type_error(format!("{name}() argument 2 must be a byte string of length 1, not {}", f.ty().name_text()))),
        },
    };
    let missing = (width.max(0) as usize).saturating_sub(b.len());
    protocol::check_size(cx, 1, missing.saturating_add(b.len()), 1)?;
    let left = share(missing, width).min(missing);
    let mut out = vec![fill; left];
    out.extend_from_slice(b);
    out.resize(b.len() + missing, fill);
    Ok(out)
}

pub fn expand_tabs(cx: &mut Cx, b: &[u8], size: i64) -> PyResult<Vec<u8>> {
    let (mut out, mut column) = (Vec::new(), 0i64);
    for &c in b {
        match c {
            b'\t' if size > 0 => {
                let n = size - column % size;
                protocol::grow(cx, &mut out, n as usize)?;
                out.resize(out.len() + n as usize, b' ');
                column += n;
            }
            b'\t' => {}
            _ => {
                out.push(c);
                column = if matches!(c, b'\n' | b'\r') { 0 } else { column + 1 };
            }
        }
    }
    Ok(out)
}

pub fn title(b: &[u8]) -> Vec<u8> {
    let mut inside = false;
    b.iter()
        .map(|c| {
            let r = if inside { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() };
            inside = c.is_ascii_alphabetic();
            r
        })
        .collect()
}
pub fn is_title(b: &[u8]) -> bool {
    let (mut inside, mut any) = (false, false);
    for c in b {
        if c.is_ascii_uppercase() && inside || c.is_ascii_lowercase() && !inside {
            return false;
        }
        inside = c.is_ascii_alphabetic();
        any |= inside;
    }
    any
}

pub fn join(cx: &mut Cx, sep: &[u8], items: &[Obj]) -> PyResult<Vec<u8>> {
    let mut out = Vec::new();
    for (i, o) in items.iter().enumerate() {
        if !buffer::exports(cx, o) {
            return Err(cx.type_error(format!("sequence item {i}: expected a bytes-like object, {} found", o.ty().name_text())));
        }
        let b = buffer::bytes(cx, o)?;
        protocol::grow(cx, &mut out, sep.len() + b.len())?;
        if i > 0 {
            out.extend_from_slice(sep);
        }
        out.extend_from_slice(&b);
        cx.poll_native()?;
    }
    Ok(out)
}

/// `hex`: groups of `every` bytes counted from the right (negative: from the left).
pub fn hex(cx: &mut Cx, b: &[u8], sep: Option<&Obj>, every: i64) -> PyResult<String> {
    let sep = match sep {
        None => None,
        Some(s) => {
            let points = match s.cast::<Str>() {
                Some(t) => t.code_points(),
                None if buffer::exports(cx, s) => buffer::bytes(cx, s)?.into_iter().map(u32::from).collect(),
                None => return Err(cx.type_error("sep must be str or bytes.")),
            };
            match points[..] {
                [c] if c < 128 => Some(c as u8 as char),
                [_] => return Err(cx.value_error("sep must be ASCII.")),
                _ => return Err(cx.value_error("sep must be length 1.")),
            }
        }
    };
    protocol::check_size(cx, b.len(), 3, 1)?;
    let mut out = String::with_capacity(b.len() * 2);
    let n = every.unsigned_abs() as usize;
    for (i, c) in b.iter().enumerate() {
        if let Some(s) = sep
            && i > 0
            && n > 0
            && (if every > 0 { (b.len() - i).is_multiple_of(n) } else { i.is_multiple_of(n) })
        {
            out.push(s);
        }
        out.push(char::from_digit(u32::from(c >> 4), 16).unwrap_or('0'));
        out.push(char::from_digit(u32::from(c & 15), 16).unwrap_or('0'));
    }
    Ok(out)
}

/// `fromhex`.
pub fn from_hex(cx: &mut Cx, o: &Obj) -> PyResult<Vec<u8>> {
    let points = match o.cast::<Str>() {
        Some(s) => s.code_points(),
        None if buffer::exports(cx, o) => buffer::bytes(cx, o)?.into_iter().map(u32::from).collect(),
        None => return Err(cx.type_error(format!("fromhex() argument must be str or bytes-like, not {}", o.ty().name_text()))),
    };
    let mut out = Vec::new();
    let mut i = 0;
    let digit = |i: usize| points.get(i).and_then(|c| char::from_u32(*c)).and_then(|c| c.to_digit(16));
    while i < points.len() {
        if points[i] < 128 && is_space(points[i] as u8) {
            i += 1;
            continue;
        }
        match (digit(i), digit(i + 1)) {
            (Some(h), Some(l)) => out.push((h * 16 + l) as u8),
            (Some(_), None) if i + 1 >= points.len() => return Err(cx.value_error("fromhex() arg must contain an even number of hexadecimal digits")),
            (h, _) => return Err(cx.value_error(format!("non-hexadecimal number found in fromhex() arg at position {}", if h.is_some() { i + 1 } else { i }))),
        }
        i += 2;
    }
    Ok(out)
}

pub fn translate(cx: &mut Cx, b: &[u8], table: &Obj, delete: Option<&Obj>) -> PyResult<Vec<u8>> {
    let table = if table.is_none() { None } else { Some(buffer::bytes(cx, table)?) };
    if table.as_ref().is_some_and(|t| t.len() != 256) {
        return Err(cx.value_error("translation table must be 256 characters long"));
    }
    let delete = match delete {
        Some(d) => buffer::bytes(cx, d)?,
        None => Vec::new(),
    };
    Ok(b.iter().filter(|c| !delete.contains(c)).map(|c| table.as_ref().map_or(*c, |t| t[*c as usize])).collect())
}

pub fn make_table(cx: &mut Cx, from: &Obj, to: &Obj) -> PyResult<Vec<u8>> {
    let (f, t) = (buffer::bytes(cx, from)?, buffer::bytes(cx, to)?);
    if f.len() != t.len() {
        return Err(cx.value_error("maketrans arguments must have same length"));
    }
    let mut out: Vec<u8> = (0..=255).collect();
    f.iter().zip(&t).for_each(|(a, b)| out[*a as usize] = *b);
    Ok(out)
}

pub fn decode(cx: &mut Cx, b: &[u8], encoding: Option<&Ref<Str>>, errors: Option<&Ref<Str>>) -> PyResult {
    if b.is_ascii() && encoding.is_none_or(|e| crate::codecs::keeps_ascii(e)) {
        return Ok(Str::from_latin1(cx, b)?.into_obj());
    }
    let enc = encoding.map_or("utf-8".into(), |e| e.to_text(cx));
    let err = errors.map_or("strict".into(), |e| e.to_text(cx));
    crate::codecs::decode(cx, b, &enc, &err)
}

/// Three parts around a separator; `None` when it is not there.
pub fn partition(cx: &mut Cx, b: &[u8], sep: &Obj, last: bool) -> PyResult<(Vec<u8>, Option<usize>)> {
    let sep = buffer::bytes(cx, sep)?;
    if sep.is_empty() {
        return Err(cx.value_error("empty separator"));
    }
    let at = if last { memchr::memmem::rfind(b, &sep) } else { memchr::memmem::find(b, &sep) };
    Ok((sep, at))
}

/// Declares the methods on a struct `$face`; `$data` copies the bytes of a receiver, `$make` makes a result;
/// `$same` gives the receiver back where the bytes are its own and it need not be copied.
macro_rules! byte_methods {
    ($face:ident, $ty:ty, $data:expr, $make:expr, $same:expr, $class_make:expr) => {
        pub struct $face;
        #[retic_macros::methods]
        impl $face {
            /// Return a copy with only its first character capitalized (ASCII) and the rest lower-cased.
            #[py("capitalize($self, /)")]
            fn capitalize(cx: &mut Cx, this: &Ref<$ty>) -> PyResult {
                let mut b = $data(cx, this).to_ascii_lowercase();
                if let Some(c) = b.first_mut() {
                    c.make_ascii_uppercase();
                }
                $make(cx, &b)
            }
            /// Return a centered string of length width.
            #[py("center($self, width, fillchar=b' ', /)")]
            fn center(cx: &mut Cx, this: &Ref<$ty>, width: i64, fillchar: Option<&Obj>) -> PyResult {
                let b = $data(cx, this);
                let b = methods::pad(cx, &b, width, fillchar, "center", |n, w| n / 2 + (n & w as usize & 1))?;
                $same(cx, this, &b)
            }
            /// Return the number of non-overlapping occurrences of subsection 'sub' in bytes B[start:end].
            #[py("count($self, sub, start=None, end=None, /)")]
            fn count(cx: &mut Cx, this: &Ref<$ty>, sub: &Obj, start: Option<&Obj>, end: Option<&Obj>) -> PyResult<usize> {
                let b = $data(cx, this);
                methods::count(cx, &b, sub, start, end)
            }
            /// Decode the bytes using the codec registered for encoding.
            #[py("decode($self, /, encoding='utf-8', errors='strict')")]
            fn decode(cx: &mut Cx, this: &Ref<$ty>, encoding: Option<&Ref<Str>>, errors: Option<&Ref<Str>>) -> PyResult {
                let b = $data(cx, this);
                methods::decode(cx, &b, encoding, errors)
            }
            /// Return True if the bytes ends with the specified suffix, False otherwise.
            #[py("endswith($self, suffix, start=None, end=None, /)")]
            fn endswith(cx: &mut Cx, this: &Ref<$ty>, suffix: &Obj, start: Option<&Obj>, end: Option<&Obj>) -> PyResult<bool> {
                let b = $data(cx, this);
                methods::tail_match(cx, &b, suffix, start, end, "endswith")
            }
            /// Return a copy where all tab characters are expanded using spaces.
            #[py("expandtabs($self, /, tabsize=8)")]
            fn expandtabs(cx: &mut Cx, this: &Ref<$ty>, tabsize: i64) -> PyResult {
                let b = $data(cx, this);
                let b = methods::expand_tabs(cx, &b, tabsize)?;
                $make(cx, &b)
            }
            /// Return the lowest index in B where subsection 'sub' is found, such that 'sub' is contained within B[start,end].
            #[py("find($self, sub, start=None, end=None, /)")]
            fn find(cx: &mut Cx, this: &Ref<$ty>, sub: &Obj, start: Option<&Obj>, end: Option<&Obj>) -> PyResult<i64> {
                let b = $data(cx, this);
                Ok(methods::search(cx, &b, sub, start, end, false)?.map_or(-1, |i| i as i64))
            }
            /// Create a bytes object from a string of hexadecimal numbers.
            #[py("fromhex($type, string, /)")]
            fn fromhex(cx: &mut Cx, class: &Obj, string: &Obj) -> PyResult {
                let b = methods::from_hex(cx, string)?;
                $class_make(cx, class, &b)
            }
            /// Create a string of hexadecimal numbers from a bytes object.
            #[py("hex($self, sep=<unrepresentable>, bytes_per_sep=1)")]
            fn hex(cx: &mut Cx, this: &Ref<$ty>, sep: Option<&Obj>, bytes_per_sep: i64) -> PyResult<String> {
                let b = $data(cx, this);
                methods::hex(cx, &b, sep, bytes_per_sep)
            }
            /// Return the lowest index in B where subsection 'sub' is found; raises ValueError when it is not found.
            #[py("index($self, sub, start=None, end=None, /)")]
            fn index(cx: &mut Cx, this: &Ref<$ty>, sub: &Obj, start: Option<&Obj>, end: Option<&Obj>) -> PyResult<usize> {
                let b = $data(cx, this);
                methods::search_or_raise(cx, &b, sub, start, end, false)
            }
            /// B.isalnum() -> bool
            #[py("isalnum($self, /)")]
            fn isalnum(cx: &mut Cx, this: &Ref<$ty>) -> bool {
                let b = $data(cx, this);
                !b.is_empty() && b.iter().all(u8::is_ascii_alphanumeric)
            }
            /// B.isalpha() -> bool
            #[py("isalpha($self, /)")]
            fn isalpha(cx: &mut Cx, this: &Ref<$ty>) -> bool {
                let b = $data(cx, this);
                !b.is_empty() && b.iter().all(u8::is_ascii_alphabetic)
            }
            /// B.isascii() -> bool
            #[py("isascii($self, /)")]
            fn isascii(cx: &mut Cx, this: &Ref<$ty>) -> bool {
                $data(cx, this).is_ascii()
            }
            /// B.isdigit() -> bool
            #[py("isdigit($self, /)")]
            fn isdigit(cx: &mut Cx, this: &Ref<$ty>) -> bool {
                let b = $data(cx, this);
                !b.is_empty() && b.iter().all(u8::is_ascii_digit)
            }
            /// B.islower() -> bool
            #[py("islower($self, /)")]
            fn islower(cx: &mut Cx, this: &Ref<$ty>) -> bool {
                let b = $data(cx, this);
                b.iter().any(u8::is_ascii_lowercase) && !b.iter().any(u8::is_ascii_uppercase)
            }
            /// B.isspace() -> bool
            #[py("isspace($self, /)")]
            fn isspace(cx: &mut Cx, this: &Ref<$ty>) -> bool {
                let b = $data(cx, this);
                !b.is_empty() && b.iter().all(|c| methods::is_space(*c))
            }
            /// B.istitle() -> bool
            #[py("istitle($self, /)")]
            fn istitle(cx: &mut Cx, this: &Ref<$ty>) -> bool {
                methods::is_title(&$data(cx, this))
            }
            /// B.isupper() -> bool
            #[py("isupper($self, /)")]
            fn isupper(cx: &mut Cx, this: &Ref<$ty>) -> bool {
                let b = $data(cx, this);
                b.iter().any(u8::is_ascii_uppercase) && !b.iter().any(u8::is_ascii_lowercase)
            }
            /// Concatenate any number of bytes objects.
            #[py("join($self, iterable_of_bytes, /)")]
            fn join(cx: &mut Cx, this: &Ref<$ty>, iterable_of_bytes: &Obj) -> PyResult {
                let b = $data(cx, this);
                let items = protocol::collect(cx, iterable_of_bytes)?;
                let b = methods::join(cx, &b, &items)?;
                match &items[..] {
                    [one] if one.cast::<$ty>().is_some() => $same(cx, one.cast::<$ty>().unwrap_or(this), &b),
                    _ => $make(cx, &b),
                }
            }
            /// Return a left-justified string of length width.
            #[py("ljust($self, width, fillchar=b' ', /)")]
            fn ljust(cx: &mut Cx, this: &Ref<$ty>, width: i64, fillchar: Option<&Obj>) -> PyResult {
                let b = $data(cx, this);
                let b = methods::pad(cx, &b, width, fillchar, "ljust", |_, _| 0)?;
                $same(cx, this, &b)
            }
            /// B.lower() -> copy of B
            #[py("lower($self, /)")]
            fn lower(cx: &mut Cx, this: &Ref<$ty>) -> PyResult {
                let b = $data(cx, this).to_ascii_lowercase();
                $make(cx, &b)
            }
            /// Strip leading bytes contained in the argument.
            #[py("lstrip($self, bytes=None, /)")]
            fn lstrip(cx: &mut Cx, this: &Ref<$ty>, bytes: Option<&Obj>) -> PyResult {
                let b = $data(cx, this);
                let b = methods::strip(cx, &b, bytes, true, false)?;
                $same(cx, this, b)
            }
            /// Return a translation table usable for the bytes or bytearray translate method.
            #[py("maketrans(frm, to, /)")]
            fn maketrans(cx: &mut Cx, frm: &Obj, to: &Obj) -> PyResult {
                let b = methods::make_table(cx, frm, to)?;
                crate::types::Bytes::from_slice(cx, &b)
            }
            /// Partition the bytes into three parts using the given separator.
            #[py("partition($self, sep, /)")]
            fn partition(cx: &mut Cx, this: &Ref<$ty>, sep: &Obj) -> PyResult {
                let b = $data(cx, this);
                let (s, at) = methods::partition(cx, &b, sep, false)?;
                let parts = match at {
                    Some(i) => vec![$same(cx, this, &b[..i])?, $make(cx, &s)?, $same(cx, this, &b[i + s.len()..])?],
                    None => vec![$same(cx, this, &b)?, $make(cx, b"")?, $make(cx, b"")?],
                };
                cx.tuple(parts)
            }
            /// Return a bytes object with the given prefix string removed if present.
            #[py("removeprefix($self, prefix, /)")]
            fn removeprefix(cx: &mut Cx, this: &Ref<$ty>, prefix: &Obj) -> PyResult {
                let b = $data(cx, this);
                let p = protocol::buffer::bytes(cx, prefix)?;
                $same(cx, this, b.strip_prefix(&p[..]).unwrap_or(&b))
            }
            /// Return a bytes object with the given suffix string removed if present.
            #[py("removesuffix($self, suffix, /)")]
            fn removesuffix(cx: &mut Cx, this: &Ref<$ty>, suffix: &Obj) -> PyResult {
                let b = $data(cx, this);
                let p = protocol::buffer::bytes(cx, suffix)?;
                $same(cx, this, if p.is_empty() { &b[..] } else { b.strip_suffix(&p[..]).unwrap_or(&b) })
            }
            /// Return a copy with all occurrences of substring old replaced by new.
            #[py("replace($self, old, new, count=-1, /)")]
            fn replace(cx: &mut Cx, this: &Ref<$ty>, old: &Obj, new: &Obj, count: i64) -> PyResult {
                let b = $data(cx, this);
                let b = methods::replace(cx, &b, old, new, count)?;
                $same(cx, this, &b)
            }
            /// Return the highest index in B where subsection 'sub' is found.
            #[py("rfind($self, sub, start=None, end=None, /)")]
            fn rfind(cx: &mut Cx, this: &Ref<$ty>, sub: &Obj, start: Option<&Obj>, end: Option<&Obj>) -> PyResult<i64> {
                let b = $data(cx, this);
                Ok(methods::search(cx, &b, sub, start, end, true)?.map_or(-1, |i| i as i64))
            }
            /// Return the highest index in B where subsection 'sub' is found; raises ValueError when it is not found.
            #[py("rindex($self, sub, start=None, end=None, /)")]
            fn rindex(cx: &mut Cx, this: &Ref<$ty>, sub: &Obj, start: Option<&Obj>, end: Option<&Obj>) -> PyResult<usize> {
                let b = $data(cx, this);
                methods::search_or_raise(cx, &b, sub, start, end, true)
            }
            /// Return a right-justified string of length width.
            #[py("rjust($self, width, fillchar=b' ', /)")]
            fn rjust(cx: &mut Cx, this: &Ref<$ty>, width: i64, fillchar: Option<&Obj>) -> PyResult {
                let b = $data(cx, this);
                let b = methods::pad(cx, &b, width, fillchar, "rjust", |n, _| n)?;
                $same(cx, this, &b)
            }
            /// Partition the bytes into three parts using the given separator, searched from the end.
            #[py("rpartition($self, sep, /)")]
            fn rpartition(cx: &mut Cx, this: &Ref<$ty>, sep: &Obj) -> PyResult {
                let b = $data(cx, this);
                let (s, at) = methods::partition(cx, &b, sep, true)?;
                let parts = match at {
                    Some(i) => vec![$same(cx, this, &b[..i])?, $make(cx, &s)?, $same(cx, this, &b[i + s.len()..])?],
                    None => vec![$make(cx, b"")?, $make(cx, b"")?, $same(cx, this, &b)?],
                };
                cx.tuple(parts)
            }
            /// Return a list of the sections in the bytes, using sep as the delimiter, from the end.
            #[py("rsplit($self, /, sep=None, maxsplit=-1)")]
            fn rsplit(cx: &mut Cx, this: &Ref<$ty>, sep: Option<&Obj>, maxsplit: i64) -> PyResult {
                let b = $data(cx, this);
                let parts = methods::split(cx, &b, sep, maxsplit, true)?;
                let list = $crate::types::List::with_room(cx, methods::room_for_parts(maxsplit))?;
                for (s, e) in parts {
                    let part = $same(cx, this, &b[s..e])?;
                    list.push(cx, part)?;
                }
                Ok(list.into_obj())
            }
            /// Strip trailing bytes contained in the argument.
            #[py("rstrip($self, bytes=None, /)")]
            fn rstrip(cx: &mut Cx, this: &Ref<$ty>, bytes: Option<&Obj>) -> PyResult {
                let b = $data(cx, this);
                let b = methods::strip(cx, &b, bytes, false, true)?;
                $same(cx, this, b)
            }
            /// Return a list of the sections in the bytes, using sep as the delimiter.
            #[py("split($self, /, sep=None, maxsplit=-1)")]
            fn split(cx: &mut Cx, this: &Ref<$ty>, sep: Option<&Obj>, maxsplit: i64) -> PyResult {
                let b = $data(cx, this);
                let parts = methods::split(cx, &b, sep, maxsplit, false)?;
                let list = $crate::types::List::with_room(cx, methods::room_for_parts(maxsplit))?;
                for (s, e) in parts {
                    let part = $same(cx, this, &b[s..e])?;
                    list.push(cx, part)?;
                }
                Ok(list.into_obj())
            }
            /// Return a list of the lines in the bytes, breaking at line boundaries.
            #[py("splitlines($self, /, keepends=False)")]
            fn splitlines(cx: &mut Cx, this: &Ref<$ty>, keepends: bool) -> PyResult {
                let b = $data(cx, this);
                let list = $crate::types::List::new(cx)?;
                for (s, e) in methods::lines(&b, keepends) {
                    let line = $same(cx, this, &b[s..e])?;
                    list.push(cx, line)?;
                }
                Ok(list.into_obj())
            }
            /// Return True if the bytes starts with the specified prefix, False otherwise.
            #[py("startswith($self, prefix, start=None, end=None, /)")]
            fn startswith(cx: &mut Cx, this: &Ref<$ty>, prefix: &Obj, start: Option<&Obj>, end: Option<&Obj>) -> PyResult<bool> {
                let b = $data(cx, this);
                methods::tail_match(cx, &b, prefix, start, end, "startswith")
            }
            /// Strip leading and trailing bytes contained in the argument.
            #[py("strip($self, bytes=None, /)")]
            fn strip(cx: &mut Cx, this: &Ref<$ty>, bytes: Option<&Obj>) -> PyResult {
                let b = $data(cx, this);
                let b = methods::strip(cx, &b, bytes, true, true)?;
                $same(cx, this, b)
            }
            /// B.swapcase() -> copy of B
            #[py("swapcase($self, /)")]
            fn swapcase(cx: &mut Cx, this: &Ref<$ty>) -> PyResult {
                let b: Vec<u8> = $data(cx, this).iter().map(|c| if c.is_ascii_uppercase() { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() }).collect();
                $make(cx, &b)
            }
            /// B.title() -> copy of B
            #[py("title($self, /)")]
            fn title(cx: &mut Cx, this: &Ref<$ty>) -> PyResult {
                let b = methods::title(&$data(cx, this));
                $make(cx, &b)
            }
            /// Return a copy with each character mapped by the given translation table.
            #[py("translate($self, table, /, delete=b'')")]
            fn translate(cx: &mut Cx, this: &Ref<$ty>, table: &Obj, delete: Option<&Obj>) -> PyResult {
                let b = $data(cx, this);
                let b = methods::translate(cx, &b, table, delete)?;
                $same(cx, this, &b)
            }
            /// B.upper() -> copy of B
            #[py("upper($self, /)")]
            fn upper(cx: &mut Cx, this: &Ref<$ty>) -> PyResult {
                let b = $data(cx, this).to_ascii_uppercase();
                $make(cx, &b)
            }
            /// Pad a numeric string with zeros on the left, to fill a field of the given width.
            #[py("zfill($self, width, /)")]
            fn zfill(cx: &mut Cx, this: &Ref<$ty>, width: i64) -> PyResult {
                let b = $data(cx, this);
                let missing = (width.max(0) as usize).saturating_sub(b.len());
                protocol::check_size(cx, 1, missing.saturating_add(b.len()), 1)?;
                let sign = usize::from(matches!(b.first(), Some(b'+' | b'-')));
                let b = [&b[..sign], &vec![b'0'; missing], &b[sign..]].concat();
                $same(cx, this, &b)
            }
        }
    };
}
pub(crate) use byte_methods;
