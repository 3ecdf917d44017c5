//! The methods of `str`.

use super::{Str, find, points};
use crate::cx::{Cx, PyResult};
use crate::native::SliceIndex;
use crate::object::{Obj, Ref};
use crate::protocol;

/// `str.isidentifier`.
pub fn is_identifier(text: &str) -> bool {
    let mut chars = text.chars().map(u32::from);
    chars.next().is_some_and(retic_unicode::is_id_start) && chars.all(retic_unicode::is_id_continue)
}

fn make(cx: &Cx, points: &[u32]) -> PyResult {
    Ok(Str::from_points(cx, points)?.into_obj())
}

fn strip_with(cx: &Cx, this: &Ref<Str>, chars: Option<&Obj>, left: bool, right: bool, name: &str) -> PyResult {
    let set = match chars {
        None => None,
        Some(c) => match c.cast::<Str>() {
            Some(s) => Some(s.code_points()),
            None => return Err(cx.type_error(format!("{name} arg must be None or str"))),
        },
    };
    let p = this.code_points();
    let drop = |c: u32| match &set {
        Some(s) => s.contains(&c),
        None => retic_unicode::is_space(c),
    };
    let start = if left { p.iter().take_while(|c| drop(**c)).count() } else { 0 };
    let end = if right { p.len() - p[start..].iter().rev().take_while(|c| drop(**c)).count() } else { p.len() };
    if start == 0 && end == p.len() && this.as_obj().shape() == crate::object::shape::STR {
        return Ok(this.as_obj().clone());
    }
    make(cx, &p[start..end])
}

fn split_on(cx: &mut Cx, this: &Ref<Str>, sep: Option<&Obj>, maxsplit: i64, from_right: bool) -> PyResult {
    let p = this.code_points();
    let limit = if maxsplit < 0 { usize::MAX } else { maxsplit as usize };
    let mut parts: Vec<&[u32]> = Vec::new();
    match sep {
        None => {
            let words = |p: &[u32]| -> Vec<(usize, usize)> {
                let mut out = Vec::new();
                let mut start = None;
                for (i, c) in p.iter().enumerate() {
                    match (retic_unicode::is_space(*c), start) {
                        (true, Some(s)) => {
                            out.push((s, i));
                            start = None;
                        }
                        (false, None) => start = Some(i),
                        _ => {}
                    }
                }
                if let Some(s) = start {
                    out.push((s, p.len()));
                }
                out
            };
            let mut w = words(&p);
            if w.len() > limit {
                if from_right {
                    let end = w[w.len() - limit - 1].1;
                    let lead = p.iter().take_while(|c| retic_unicode::is_space(**c)).count();
                    w.drain(..w.len() - limit);
                    w.insert(0, (lead, end));
                } else {
                    let start = w[limit].0;
                    let tail = p.iter().rev().take_while(|c| retic_unicode::is_space(**c)).count();
                    w.truncate(limit);
                    w.push((start, p.len() - tail));
                }
            }
            parts.extend(w.into_iter().map(|(a, b)| &p[a..b]));
        }
        Some(s) => {
            let Some(s) = s.cast::<Str>() else { return Err(cx.type_error(format!("must be str or None, not {}", s.ty().name_text()))) };
            let sep = s.code_points();
            if sep.is_empty() {
                return Err(cx.value_error("empty separator"));
            }
            if from_right {
                let mut end = p.len();
                while parts.len() < limit
                    && let Some(i) = find(&p, &sep, 0, end, true)
                {
                    parts.push(&p[i + sep.len()..end]);
                    end = i;
                }
                parts.push(&p[..end]);
                parts.reverse();
            } else {
                let mut start = 0;
                while parts.len() < limit
                    && let Some(i) = find(&p, &sep, start, p.len(), false)
                {
                    parts.push(&p[start..i]);
                    start = i + sep.len();
                }
                parts.push(&p[start..]);
            }
        }
    }
    let items = parts.into_iter().map(|s| make(cx, s)).collect::<PyResult<Vec<_>>>()?;
    cx.list(items)
}

fn needle<'a>(cx: &Cx, o: &'a Obj, name: &str) -> PyResult<&'a Ref<Str>> {
    o.cast::<Str>().ok_or_else(|| cx.type_error(format!("{name} argument 1 must be str, not {}", o.ty().name_text())))
}

fn search(cx: &mut Cx, this: &Ref<Str>, sub: &Obj, start: Option<SliceIndex>, end: Option<SliceIndex>, reverse: bool, name: &str) -> PyResult<Option<usize>> {
    let sub = needle(cx, sub, name)?;
    let (s, e) = bounds(start, end, this.len());
    if !reverse && let (Some(a), Some(b)) = (this.ascii_bytes(), sub.ascii_bytes()) {
        return Ok(if s <= e { memchr::memmem::find(&a[s..e], b).map(|i| i + s) } else { None });
    }
    Ok(find(&this.code_points(), &sub.code_points(), s, e, reverse))
}

/// Start and end of a slice-like range; start may lie behind the end.
fn bounds(start: Option<SliceIndex>, end: Option<SliceIndex>, len: usize) -> (usize, usize) {
    let fix = |SliceIndex(v)| if v < 0 { v.saturating_add(len as i64).max(0) as usize } else { v as usize };
    (start.map_or(0, fix), end.map_or(len, fix).min(len))
}

fn case(cx: &Cx, this: &Ref<Str>, f: impl Fn(u32, &mut Vec<u32>)) -> PyResult {
    let mut out = Vec::with_capacity(this.len());
    for c in this.code_points() {
        f(c, &mut out);
    }
    make(cx, &out)
}

fn all(this: &Ref<Str>, test: impl Fn(u32) -> bool) -> bool {
    !this.is_empty() && this.code_points().into_iter().all(test)
}

fn affix(cx: &mut Cx, this: &Ref<Str>, what: &Obj, start: Option<SliceIndex>, end: Option<SliceIndex>, at_end: bool, name: &str) -> PyResult<bool> {
    let (s, e) = bounds(start, end, this.len());
    let p = this.code_points();
    let test = |o: &Obj| -> Option<bool> {
        let n = o.cast::<Str>()?.code_points();
        if s > e {
            return Some(false);
        }
        Some(if at_end { p[s..e].ends_with(&n) } else { p[s..e].starts_with(&n) })
    };
    if let Some(t) = what.cast::<crate::types::Tuple>() {
        for o in t.items() {
            match test(o) {
                Some(true) => return Ok(true),
                Some(false) => {}
                None => return Err(cx.type_error(format!("tuple for {name} must only contain str, not {}", o.ty().name_text()))),
            }
        }
        return Ok(false);
    }
    test(what).ok_or_else(|| cx.type_error(format!("{name} first arg must be str or a tuple of str, not {}", what.ty().name_text())))
}

fn pad(cx: &Cx, this: &Ref<Str>, width: i64, fillchar: Option<&Obj>, left: bool, right: bool) -> PyResult {
    let fill = match fillchar {
        None => 32,
        Some(f) => match f.cast::<Str>() {
            Some(s) if s.len() == 1 => s.chars().get(0),
            Some(_) => return Err(cx.type_error("The fill character must be exactly one character long")),
            None => return Err(cx.type_error(format!("The fill character must be a unicode character, not {}", f.ty().name_text()))),
        },
    };
    let n = this.len() as i64;
    if width <= n && this.as_obj().shape() == crate::object::shape::STR {
        return Ok(this.as_obj().clone());
    }
    let room = (width - n).max(0) as usize;
    protocol::check_size(cx, 1, room, 4)?;
    let mut out = Vec::new();
    protocol::grow(cx, &mut out, room + this.len())?;
    let before = match (left, right) {
        (true, true) => room / 2 + (room & width as usize & 1),
        (true, false) => room,
        _ => 0,
    };
    out.extend(std::iter::repeat_n(fill, before));
    out.extend(this.code_points());
    out.extend(std::iter::repeat_n(fill, room - before));
    make(cx, &out)
}

#[retic_macros::methods]
impl Str {
    /// Concatenate any number of strings.
    #[py("join($self, iterable, /)")]
    fn join(cx: &mut Cx, this: &Ref<Str>, iterable: &Obj) -> PyResult {
        let items = protocol::collect(cx, iterable)?;
        if let [only] = &items[..]
            && only.shape() == crate::object::shape::STR
        {
            return Ok(only.clone());
        }
        let mut pieces: Vec<&Ref<Str>> = Vec::with_capacity(items.len() * 2);
        for (i, o) in items.iter().enumerate() {
            let Some(s) = o.cast::<Str>() else {
                return Err(cx.type_error(format!("sequence item {i}: expected str instance, {} found", o.ty().name_text())));
            };
            if i > 0 && !this.is_empty() {
                pieces.push(this);
            }
            pieces.push(s);
        }
        super::join_pieces(cx, &pieces)
    }
    /// Return a list of the substrings in the string, using sep as the separator string.
    #[py("split($self, /, sep=None, maxsplit=-1)")]
    fn split(cx: &mut Cx, this: &Ref<Str>, sep: Option<&Obj>, maxsplit: i64) -> PyResult {
        split_on(cx, this, sep, maxsplit, false)
    }
    /// Return a list of the substrings in the string, using sep as the separator string, from the end.
    #[py("rsplit($self, /, sep=None, maxsplit=-1)")]
    fn rsplit(cx: &mut Cx, this: &Ref<Str>, sep: Option<&Obj>, maxsplit: i64) -> PyResult {
        split_on(cx, this, sep, maxsplit, true)
    }
    /// Return a list of the lines in the string, breaking at line boundaries.
    #[py("splitlines($self, /, keepends=False)")]
    fn splitlines(cx: &mut Cx, this: &Ref<Str>, keepends: bool) -> PyResult {
        let p = this.code_points();
        let mut items = Vec::new();
        let (mut start, mut i) = (0, 0);
        while i < p.len() {
            let end = i;
            if matches!(p[i], 0x0a..=0x0d | 0x1c..=0x1e | 0x85 | 0x2028 | 0x2029) {
                i += if p[i] == 0x0d && p.get(i + 1) == Some(&0x0a) { 2 } else { 1 };
                items.push(make(cx, &p[start..if keepends { i } else { end }])?);
                start = i;
            } else {
                i += 1;
            }
        }
        if start < p.len() {
            items.push(make(cx, &p[start..])?);
        }
        cx.list(items)
    }
    /// Return a copy of the string with leading and trailing whitespace removed.
    #[py("strip($self, chars=None, /)")]
    fn strip(cx: &mut Cx, this: &Ref<Str>, chars: Option<&Obj>) -> PyResult {
        strip_with(cx, this, chars, true, true, "strip")
    }
    /// Return a copy of the string with leading whitespace removed.
    #[py("lstrip($self, chars=None, /)")]
    fn lstrip(cx: &mut Cx, this: &Ref<Str>, chars: Option<&Obj>) -> PyResult {
        strip_with(cx, this, chars, true, false, "lstrip")
    }
    /// Return a copy of the string with trailing whitespace removed.
    #[py("rstrip($self, chars=None, /)")]
    fn rstrip(cx: &mut Cx, this: &Ref<Str>, chars: Option<&Obj>) -> PyResult {
        strip_with(cx, this, chars, false, true, "rstrip")
    }
    /// Return a copy with all occurrences of substring old replaced by new.
    #[py("replace($self, old, new, /, count=-1)")]
    fn replace(cx: &mut Cx, this: &Ref<Str>, old: &Ref<Str>, new: &Ref<Str>, count: i64) -> PyResult {
        let (p, o, n) = (this.code_points(), old.code_points(), new.code_points());
        let limit = if count < 0 { usize::MAX } else { count as usize };
        let mut out = Vec::with_capacity(p.len());
        let mut done = 0;
        if o.is_empty() {
            for c in &p {
                protocol::grow(cx, &mut out, n.len() + 1)?;
                if done < limit {
                    out.extend(&n);
                    done += 1;
                }
                out.push(*c);
            }
            if done < limit {
                protocol::grow(cx, &mut out, n.len())?;
                out.extend(&n);
            }
            return make(cx, &out);
        }
        let mut start = 0;
        while done < limit
            && let Some(i) = find(&p, &o, start, p.len(), false)
        {
            protocol::grow(cx, &mut out, i - start + n.len())?;
            out.extend_from_slice(&p[start..i]);
            out.extend(&n);
            start = i + o.len();
            done += 1;
        }
        if done == 0 && this.as_obj().shape() == crate::object::shape::STR {
            return Ok(this.as_obj().clone());
        }
        out.extend_from_slice(&p[start..]);
        make(cx, &out)
    }
    /// Return the lowest index in S where substring sub is found, or -1.
    #[py("find($self, sub, start=None, end=None, /)")]
    fn find(cx: &mut Cx, this: &Ref<Str>, sub: &Obj, start: Option<SliceIndex>, end: Option<SliceIndex>) -> PyResult<i64> {
        Ok(search(cx, this, sub, start, end, false, "find")?.map_or(-1, |i| i as i64))
    }
    /// Return the highest index in S where substring sub is found, or -1.
    #[py("rfind($self, sub, start=None, end=None, /)")]
    fn rfind(cx: &mut Cx, this: &Ref<Str>, sub: &Obj, start: Option<SliceIndex>, end: Option<SliceIndex>) -> PyResult<i64> {
        Ok(search(cx, this, sub, start, end, true, "rfind")?.map_or(-1, |i| i as i64))
    }
    /// Like find, but raises ValueError when the substring is not found.
    #[py("index($self, sub, start=None, end=None, /)")]
    fn index(cx: &mut Cx, this: &Ref<Str>, sub: &Obj, start: Option<SliceIndex>, end: Option<SliceIndex>) -> PyResult<usize> {
        search(cx, this, sub, start, end, false, "index")?.ok_or_else(|| cx.value_error("substring not found"))
    }
    /// Like rfind, but raises ValueError when the substring is not found.
    #[py("rindex($self, sub, start=None, end=None, /)")]
    fn rindex(cx: &mut Cx, this: &Ref<Str>, sub: &Obj, start: Option<SliceIndex>, end: Option<SliceIndex>) -> PyResult<usize> {
        search(cx, this, sub, start, end, true, "rindex")?.ok_or_else(|| cx.value_error("substring not found"))
    }
    /// Return the number of non-overlapping occurrences of substring sub.
    #[py("count($self, sub, start=None, end=None, /)")]
    fn count(cx: &mut Cx, this: &Ref<Str>, sub: &Obj, start: Option<SliceIndex>, end: Option<SliceIndex>) -> PyResult<usize> {
        let sub = needle(cx, sub, "count")?;
        let (mut s, e) = bounds(start, end, this.len());
        if s > e {
            return Ok(0);
        }
        if sub.is_empty() {
            return Ok(e - s + 1);
        }
        if let (Some(a), Some(b)) = (this.ascii_bytes(), sub.ascii_bytes()) {
            return Ok(memchr::memmem::find_iter(&a[s..e], b).count());
        }
        let n = sub.code_points();
        let p = this.code_points();
        let mut count = 0;
        while let Some(i) = find(&p, &n, s, e, false) {
            count += 1;
            s = i + n.len();
        }
        Ok(count)
    }
    /// Return True if the string starts with the specified prefix, False otherwise.
    #[py("startswith($self, prefix, start=None, end=None, /)")]
    fn startswith(cx: &mut Cx, this: &Ref<Str>, prefix: &Obj, start: Option<SliceIndex>, end: Option<SliceIndex>) -> PyResult<bool> {
        affix(cx, this, prefix, start, end, false, "startswith")
    }
    /// Return True if the string ends with the specified suffix, False otherwise.
    #[py("endswith($self, suffix, start=None, end=None, /)")]
    fn endswith(cx: &mut Cx, this: &Ref<Str>, suffix: &Obj, start: Option<SliceIndex>, end: Option<SliceIndex>) -> PyResult<bool> {
        affix(cx, this, suffix, start, end, true, "endswith")
    }
    /// Return a str with the given prefix string removed if present.
    #[py("removeprefix($self, prefix, /)")]
    fn removeprefix(cx: &mut Cx, this: &Ref<Str>, prefix: &Ref<Str>) -> PyResult {
        let (p, n) = (this.code_points(), prefix.code_points());
        make(cx, p.strip_prefix(&n[..]).unwrap_or(&p))
    }
    /// Return a str with the given suffix string removed if present.
    #[py("removesuffix($self, suffix, /)")]
    fn removesuffix(cx: &mut Cx, this: &Ref<Str>, suffix: &Ref<Str>) -> PyResult {
        let (p, n) = (this.code_points(), suffix.code_points());
        make(cx, if n.is_empty() { &p } else { p.strip_suffix(&n[..]).unwrap_or(&p) })
    }
    /// Return a copy of the string converted to lowercase.
    #[py("lower($self, /)")]
    fn lower(cx: &mut Cx, this: &Ref<Str>) -> PyResult {
        if let Some(b) = this.ascii_bytes() {
            let out = b.to_ascii_lowercase();
            return Ok(Str::from_latin1(cx, &out)?.into_obj());
        }
        let text = this.code_points();
        let mut out = Vec::with_capacity(text.len());
        (0..text.len()).for_each(|i| retic_unicode::lower_in(&text, i, &mut out));
        make(cx, &out)
    }
    /// Return a copy of the string converted to uppercase.
    #[py("upper($self, /)")]
    fn upper(cx: &mut Cx, this: &Ref<Str>) -> PyResult {
        case(cx, this, retic_unicode::upper)
    }
    /// Return a version of the string suitable for caseless comparisons.
    #[py("casefold($self, /)")]
    fn casefold(cx: &mut Cx, this: &Ref<Str>) -> PyResult {
        case(cx, this, retic_unicode::fold)
    }
    /// Convert uppercase characters to lowercase and lowercase characters to uppercase.
    #[py("swapcase($self, /)")]
    fn swapcase(cx: &mut Cx, this: &Ref<Str>) -> PyResult {
        let text = this.code_points();
        let mut out = Vec::with_capacity(text.len());
        for (i, c) in text.iter().enumerate() {
            match *c {
                c if retic_unicode::is_upper(c) => retic_unicode::lower_in(&text, i, &mut out),
                c if retic_unicode::is_lower(c) => retic_unicode::upper(c, &mut out),
                c => out.push(c),
            }
        }
        make(cx, &out)
    }
    /// Return a capitalized version of the string.
    #[py("capitalize($self, /)")]
    fn capitalize(cx: &mut Cx, this: &Ref<Str>) -> PyResult {
        let text = this.code_points();
        let mut out = Vec::with_capacity(text.len());
        for (i, c) in text.iter().enumerate() {
            if i == 0 { retic_unicode::title(*c, &mut out) } else { retic_unicode::lower_in(&text, i, &mut out) }
        }
        make(cx, &out)
    }
    /// Return a version of the string where each word is titlecased.
    #[py("title($self, /)")]
    fn title(cx: &mut Cx, this: &Ref<Str>) -> PyResult {
        let text = this.code_points();
        let mut out = Vec::with_capacity(text.len());
        let mut in_word = false;
        for (i, c) in text.iter().enumerate() {
            if in_word {
                retic_unicode::lower_in(&text, i, &mut out)
            } else {
                retic_unicode::title(*c, &mut out)
            }
            in_word = retic_unicode::is_cased(*c);
        }
        make(cx, &out)
    }
    #[py("isalpha($self, /)")]
    fn isalpha(_cx: &mut Cx, this: &Ref<Str>) -> bool {
        all(this, retic_unicode::is_alpha)
    }
    #[py("isdigit($self, /)")]
    fn isdigit(_cx: &mut Cx, this: &Ref<Str>) -> bool {
        all(this, retic_unicode::is_digit)
    }
    #[py("isdecimal($self, /)")]
    fn isdecimal(_cx: &mut Cx, this: &Ref<Str>) -> bool {
        all(this, |c| retic_unicode::decimal(c).is_some())
    }
    #[py("isnumeric($self, /)")]
    fn isnumeric(_cx: &mut Cx, this: &Ref<Str>) -> bool {
        all(this, retic_unicode::is_numeric)
    }
    #[py("isalnum($self, /)")]
    fn isalnum(_cx: &mut Cx, this: &Ref<Str>) -> bool {
        all(this, |c| retic_unicode::is_alpha(c) || retic_unicode::is_numeric(c))
    }
    #[py("isspace($self, /)")]
    fn isspace(_cx: &mut Cx, this: &Ref<Str>) -> bool {
        all(this, retic_unicode::is_space)
    }
    #[py("isupper($self, /)")]
    fn isupper(_cx: &mut Cx, this: &Ref<Str>) -> bool {
        let p = this.code_points();
        p.iter().any(|c| retic_unicode::is_upper(*c)) && !p.iter().any(|c| retic_unicode::is_lower(*c) || retic_unicode::is_title(*c))
    }
    #[py("islower($self, /)")]
    fn islower(_cx: &mut Cx, this: &Ref<Str>) -> bool {
        let p = this.code_points();
        p.iter().any(|c| retic_unicode::is_lower(*c)) && !p.iter().any(|c| retic_unicode::is_upper(*c) || retic_unicode::is_title(*c))
    }
    #[py("isascii($self, /)")]
    fn isascii(_cx: &mut Cx, this: &Ref<Str>) -> bool {
        this.is_ascii()
    }
    #[py("isidentifier($self, /)")]
    fn isidentifier(cx: &mut Cx, this: &Ref<Str>) -> bool {
        is_identifier(&this.to_text(cx))
    }
    #[py("isprintable($self, /)")]
    fn isprintable(_cx: &mut Cx, this: &Ref<Str>) -> bool {
        this.code_points().into_iter().all(retic_unicode::is_printable)
    }
    #[py("istitle($self, /)")]
    fn istitle(_cx: &mut Cx, this: &Ref<Str>) -> bool {
        let (mut cased, mut any) = (false, false);
        for c in this.code_points() {
            if retic_unicode::is_upper(c) || retic_unicode::is_title(c) {
                if cased {
                    return false;
                }
                (cased, any) = (true, true);
            } else if retic_unicode::is_lower(c) {
                if !cased {
                    return false;
                }
                any = true;
            } else {
                cased = false;
            }
        }
        any
    }
    /// Return a centered string of length width.
    #[py("center($self, width, fillchar=None, /)")]
    fn center(cx: &mut Cx, this: &Ref<Str>, width: i64, fillchar: Option<&Obj>) -> PyResult {
        pad(cx, this, width, fillchar, true, true)
    }
    /// Return a left-justified string of length width.
    #[py("ljust($self, width, fillchar=None, /)")]
    fn ljust(cx: &mut Cx, this: &Ref<Str>, width: i64, fillchar: Option<&Obj>) -> PyResult {
        pad(cx, this, width, fillchar, false, true)
    }
    /// Return a right-justified string of length width.
    #[py("rjust($self, width, fillchar=None, /)")]
    fn rjust(cx: &mut Cx, this: &Ref<Str>, width: i64, fillchar: Option<&Obj>) -> PyResult {
        pad(cx, this, width, fillchar, true, false)
    }
    /// Pad a numeric string with zeros on the left, to fill a field of the given width.
    #[py("zfill($self, width, /)")]
    fn zfill(cx: &mut Cx, this: &Ref<Str>, width: i64) -> PyResult {
        let p = this.code_points();
        let room = (width - p.len() as i64).max(0) as usize;
        protocol::check_size(cx, 1, room, 4)?;
        let sign = usize::from(matches!(p.first(), Some(0x2b | 0x2d)));
        let mut out = p[..sign].to_vec();
        protocol::grow(cx, &mut out, room + p.len())?;
        out.extend(std::iter::repeat_n(0x30, room));
        out.extend_from_slice(&p[sign..]);
        make(cx, &out)
    }
    /// Partition the string into three parts using the given separator.
    #[py("partition($self, sep, /)")]
    fn partition(cx: &mut Cx, this: &Ref<Str>, sep: &Ref<Str>) -> PyResult {
        let (p, s) = (this.code_points(), sep.code_points());
        if s.is_empty() {
            return Err(cx.value_error("empty separator"));
        }
        let empty = cx.consts.empty_str.clone();
        let parts = match find(&p, &s, 0, p.len(), false) {
            Some(i) => vec![make(cx, &p[..i])?, sep.as_obj().clone(), make(cx, &p[i + s.len()..])?],
            None => vec![this.as_obj().clone(), empty.clone(), empty],
        };
        cx.tuple(parts)
    }
    /// Partition the string into three parts using the given separator, from the end.
    #[py("rpartition($self, sep, /)")]
    fn rpartition(cx: &mut Cx, this: &Ref<Str>, sep: &Ref<Str>) -> PyResult {
        let (p, s) = (this.code_points(), sep.code_points());
        if s.is_empty() {
            return Err(cx.value_error("empty separator"));
        }
        let empty = cx.consts.empty_str.clone();
        let parts = match find(&p, &s, 0, p.len(), true) {
            Some(i) => vec![make(cx, &p[..i])?, sep.as_obj().clone(), make(cx, &p[i + s.len()..])?],
            None => vec![empty.clone(), empty, this.as_obj().clone()],
        };
        cx.tuple(parts)
    }
    /// Return a copy where all tab characters are expanded using spaces.
    #[py("expandtabs($self, /, tabsize=8)")]
    fn expandtabs(cx: &mut Cx, this: &Ref<Str>, tabsize: i64) -> PyResult {
        let mut out = Vec::new();
        let mut column = 0i64;
        for c in this.code_points() {
            match c {
                9 if tabsize > 0 => {
                    let n = tabsize - column % tabsize;
                    protocol::check_size(cx, 1, n as usize, 4)?;
                    protocol::grow(cx, &mut out, n as usize)?;
                    out.extend(std::iter::repeat_n(32, n as usize));
                    column += n;
                }
                9 => {}
                _ => {
                    out.push(c);
                    column = if matches!(c, 10 | 13) { 0 } else { column + 1 };
                }
            }
        }
        make(cx, &out)
    }
    /// Encode the string using the codec registered for encoding.
    #[py("encode($self, /, encoding=None, errors=None)")]
    fn encode(cx: &mut Cx, this: &Ref<Str>, encoding: Option<&Ref<Str>>, errors: Option<&Ref<Str>>) -> PyResult {
        let enc = encoding.map_or("utf-8".into(), |e| e.to_text(cx));
        let err = errors.map_or("strict".into(), |e| e.to_text(cx));
        let bytes = crate::codecs::encode(cx, this, &enc, &err)?;
        crate::types::Bytes::from_slice(cx, &bytes)
    }
    /// Return a formatted version of the string, using substitutions from args and kwargs.
    #[py("format($self, /, *args, **kwargs)")]
    fn format(cx: &mut Cx, this: &Ref<Str>, args: &[Obj], kwargs: Vec<(&Obj, &Obj)>) -> PyResult {
        if let [only] = args
            && only.shape() == crate::object::shape::STR
            && this.eq_str(cx, "{}")
        {
            return Ok(only.clone());
        }
        let out = protocol::format::template(cx, &this.code_points(), args, protocol::format::Named::Pairs(&kwargs))?;
        make(cx, &out)
    }
    /// Return a formatted version of the string, using substitutions from mapping.
    #[py("format_map($self, mapping, /)")]
    fn format_map(cx: &mut Cx, this: &Ref<Str>, mapping: &Obj) -> PyResult {
        let out = protocol::format::template(cx, &this.code_points(), &[], protocol::format::Named::Mapping(mapping))?;
        make(cx, &out)
    }
    /// Return a formatted version of the string as described by format_spec.
    #[py("__format__($self, format_spec, /)")]
    fn format_dunder(cx: &mut Cx, this: &Ref<Str>, format_spec: &Ref<Str>) -> PyResult {
        let spec = format_spec.to_text(cx);
        if spec.is_empty() {
            return protocol::str(cx, this.as_obj());
        }
        let out = protocol::format::string(cx, &this.code_points(), &spec)?;
        make(cx, &out)
    }
    /// Replace each character in the string using the given translation table.
    #[py("translate($self, table, /)")]
    fn translate(cx: &mut Cx, this: &Ref<Str>, table: &Obj) -> PyResult {
        let mut out = Vec::new();
        for c in this.code_points() {
            let key = cx.int(i64::from(c))?;
            let found = protocol::getitem(cx, table, &key);
            let lookup = cx.types.lookup_error.clone();
            match cx.swallow(found, &lookup)? {
                None => out.push(c),
                Some(v) if v.is_none() => {}
                Some(v) => match crate::types::int::to_i64(&v) {
                    Some(n) => out.push(n as u32),
                    None if v.cast::<Str>().is_some() => out.extend(points(&v)),
                    None => return Err(cx.type_error("character mapping must return integer, None or str")),
                },
            }
        }
        make(cx, &out)
    }
    /// Return a translation table usable for str.translate().
    #[py("maketrans(x, y=None, z=None, /)")]
    fn maketrans(cx: &mut Cx, x: &Obj, y: Option<&Obj>, z: Option<&Obj>) -> PyResult {
        let d = crate::types::Dict::new(cx)?;
        match (y, x.cast::<crate::types::Dict>()) {
            (None, Some(src)) => {
                for (k, v) in src.entries(cx) {
                    let k = match k.cast::<Str>() {
                        Some(s) if s.len() == 1 => cx.int(i64::from(s.chars().get(0)))?,
                        Some(_) => return Err(cx.value_error("string keys in translate table must be of length 1")),
                        None => k,
                    };
                    d.insert(cx, &k, v)?;
                }
            }
            (None, None) => return Err(cx.type_error("if you give only one argument to maketrans it must be a dict")),
            (Some(y), _) => {
                let (a, b) = (points(x), points(y));
                if a.len() != b.len() {
                    return Err(cx.value_error("the first two maketrans arguments must have equal length"));
                }
                for (p, q) in a.into_iter().zip(b) {
                    let (k, v) = (cx.int(i64::from(p))?, cx.int(i64::from(q))?);
                    d.insert(cx, &k, v)?;
                }
                for c in z.map(points).unwrap_or_default() {
                    let (k, none) = (cx.int(i64::from(c))?, cx.none());
                    d.insert(cx, &k, none)?;
                }
            }
        }
        Ok(d.into_obj())
    }
    /// Return the size of the string in memory, in bytes.
    #[py("__sizeof__($self, /)")]
    fn sizeof(_cx: &mut Cx, this: &Ref<Str>) -> usize {
        let own = crate::memory::size_of_object(this.as_obj()) - crate::memory::pre_size(this.as_obj().ty());
        // CPython's one-character Latin-1 strings carry their UTF-8 form.
        let shared = this.len() == 1 && !this.is_ascii() && this.as_obj().is_immortal() && this.chars().get(0) < 0x100;
        own + if shared { 3 } else { 0 }
    }
    #[py("__getnewargs__($self, /)")]
    fn getnewargs(cx: &mut Cx, this: &Ref<Str>) -> PyResult {
        let s = make(cx, &this.code_points())?;
        cx.tuple(vec![s])
    }
}
