//! The methods of `str`.

use super::width::{self, Unit, each_width};
use super::{Str, points};
use crate::cx::{Cx, PyResult};
use crate::native::SliceEnd;
use crate::object::{Obj, Ref};
use crate::protocol;
use crate::types::list::{List, PARTS};

/// UnicodeEncodeError for a text that UTF-8 cannot tell.
pub fn check_utf8(cx: &mut Cx, text: &Ref<Str>) -> PyResult<()> {
    if text.ascii_bytes().is_some() {
        return Ok(());
    }
    crate::codecs::encode(cx, text, "utf-8", "strict").map(drop)
}

/// `str.isidentifier`.
pub fn is_identifier(text: &str) -> bool {
    let mut chars = text.chars().map(u32::from);
    chars.next().is_some_and(retic_unicode::is_id_start) && chars.all(retic_unicode::is_id_continue)
}

fn make<U: Unit>(cx: &Cx, units: &[U]) -> PyResult {
    Ok(U::text(cx, units)?.into_obj())
}

/// Some characters of a string: those of ASCII text need not be looked at.
pub(super) fn part<U: Unit>(cx: &Cx, of: &Str, units: &[U]) -> PyResult {
    match U::bytes(units) {
        Some(bytes) if of.is_ascii() && bytes.len() > 1 => Ok(Str::of_ascii(cx, bytes)?.into_obj()),
        _ => make(cx, units),
    }
}

fn strip_with(cx: &Cx, this: &Ref<Str>, chars: Option<&Obj>, left: bool, right: bool, name: &str) -> PyResult {
    let set = match chars {
        None => None,
        Some(c) if c.is_none() => None,
        Some(c) => match c.cast::<Str>() {
            Some(s) => Some(s),
            None => return Err(cx.type_error(format!("{name} arg must be None or str"))),
        },
    };
    each_width!(this, p => {
        let range = match set {
            None => width::stripped(p, left, right, |c| retic_unicode::is_space(c.point())),
            Some(s) => each_width!(s, set => width::stripped(p, left, right, |c| set.iter().any(|s| s.point() == c.point()))),
        };
        if range == (0..p.len()) && is_exact(this) {
            return Ok(this.as_obj().clone());
        }
        part(cx, this, &p[range])
    })
}

/// Collects what a cutter finds as a list of strings.
fn pieces(cx: &mut Cx, from_right: bool, this: &Ref<Str>, cut: Cutter<'_>) -> PyResult {
    // The room that CPython makes first: for twelve at most, and no more than there can be.
    let n = this.len();
    let room = match &cut {
        Cutter::Lines(_) => 0,
        Cutter::At(sep, _) if n < sep.len() || this.kind < sep.kind => 1,
        Cutter::At(sep, usize::MAX) => (n / sep.len() + 2).min(PARTS),
        Cutter::Words(usize::MAX) => (n.saturating_sub(1) / 2 + 2).min(PARTS),
        Cutter::At(_, limit) | Cutter::Words(limit) => limit.saturating_add(1).min(PARTS),
    };
    let parts = List::with_room(cx, room)?;
    each_width!(this, p => {
        let put = &mut |piece: &[_]| -> PyResult<()> {
            // Uncut text is the string itself.
            let piece = if piece.len() == p.len() && is_exact(this) { this.as_obj().clone() } else { part(cx, this, piece)? };
            parts.push(cx, piece)
        };
        match cut {
            Cutter::Words(limit) => width::split_words(p, limit, from_right, put)?,
            Cutter::Lines(keep_ends) => width::split_lines(p, keep_ends, put)?,
            Cutter::At(sep, limit) => match unit_of(p, sep) {
                Some(sep) => width::split_at(p, &sep, limit, from_right, put)?,
                None => put(p)?,
            },
        }
    });
    if from_right {
        parts.pub_items.get_mut(cx).reverse();
    }
    Ok(parts.into_obj())
}

enum Cutter<'a> {
    Words(usize),
    At(&'a Str, usize),
    Lines(bool),
}

/// The characters of `text` in the width of `_like`, if they fit.
fn unit_of<'a, U: Unit>(_like: &[U], text: &'a Str) -> Option<std::borrow::Cow<'a, [U]>> {
    U::of(text)
}

/// The string itself, or a `str` of a subclass's characters.
fn whole(cx: &Cx, this: &Ref<Str>) -> PyResult {
    if is_exact(this) { Ok(this.as_obj().clone()) } else { each_width!(this, p => make(cx, p)) }
}

/// Whether the object is a `str` and not of a subclass: methods may give it back unchanged.
fn is_exact(this: &Ref<Str>) -> bool {
    this.as_obj().shape() == crate::object::shape::STR
}

fn split_on(cx: &mut Cx, this: &Ref<Str>, sep: Option<&Obj>, maxsplit: i64, from_right: bool) -> PyResult {
    let limit = if maxsplit < 0 { usize::MAX } else { maxsplit as usize };
    match sep {
        None => pieces(cx, from_right, this, Cutter::Words(limit)),
        Some(s) => {
            let Some(s) = s.cast::<Str>() else { return Err(cx.type_error(format!("must be str or None, not {}", s.ty().name_text()))) };
            if s.is_empty() {
                return Err(cx.value_error("empty separator"));
            }
            pieces(cx, from_right, this, Cutter::At(s, limit))
        }
    }
}

/// `p` with `old` exchanged for `new`, `limit` times at most; `first` is where it is found first.
fn replaced<U: Unit>(cx: &mut Cx, p: &[U], old: &[U], new: &[U], limit: usize, first: usize) -> PyResult {
    let mut out = Vec::new();
    protocol::grow(cx, &mut out, p.len())?;
    let mut done = 0;
    if let ([from], [to]) = (old, new) {
        out.extend_from_slice(&p[..first]);
        if limit >= p.len() {
            out.extend(p[first..].iter().map(|c| if *c == *from { *to } else { *c }));
            return make(cx, &out);
        }
        out.extend_from_slice(&p[first..]);
        let mut at = first;
        while done < limit
            && let Some(i) = U::find(&out[at..], old)
        {
            out[at + i] = *to;
            at += i + 1;
            done += 1;
        }
        return make(cx, &out);
    }
    if old.is_empty() {
        protocol::grow(cx, &mut out, new.len().checked_mul(limit.min(p.len())).ok_or_else(|| cx.memory_error())?)?;
        for c in p {
            if done < limit {
                out.extend_from_slice(new);
                done += 1;
            }
            out.push(*c);
        }
        if done < limit {
            protocol::grow(cx, &mut out, new.len())?;
            out.extend_from_slice(new);
        }
        return make(cx, &out);
    }
    let mut start = 0;
    let mut found = Some(first);
    while let Some(i) = found
        && done < limit
    {
        protocol::grow(cx, &mut out, i + new.len())?;
        out.extend_from_slice(&p[start..start + i]);
        out.extend_from_slice(new);
        start += i + old.len();
        done += 1;
        found = U::find(&p[start..], old);
    }
    protocol::grow(cx, &mut out, p.len() - start)?;
    out.extend_from_slice(&p[start..]);
    make(cx, &out)
}

/// `room` zeros behind the sign.
fn zero_filled<U: Unit>(cx: &mut Cx, p: &[U], room: usize) -> PyResult {
    let sign = usize::from(matches!(p.first().map(|c| c.point()), Some(0x2b | 0x2d)));
    let mut out = Vec::new();
    protocol::grow(cx, &mut out, room + p.len())?;
    out.extend_from_slice(&p[..sign]);
    out.extend(std::iter::repeat_n(U::from_point(0x30), room));
    out.extend_from_slice(&p[sign..]);
    make(cx, &out)
}

/// ASCII text through a table that gives ASCII characters, each looked up once. Nothing where it gives something else: the
/// general way starts afresh, as CPython's does.
fn translated(cx: &mut Cx, text: &[u8], table: &Obj) -> PyResult<Option<Obj>> {
    const UNKNOWN: u8 = 0xff;
    const GONE: u8 = 0xfe;
    let text = text.to_vec();
    let mut known = [UNKNOWN; 128];
    let mut out = Vec::with_capacity(text.len());
    for c in text {
        if known[c as usize] == UNKNOWN {
            let key = cx.int(i64::from(c))?;
            let found = protocol::getitem(cx, table, &key);
            let lookup = cx.types.lookup_error.clone();
            known[c as usize] = match cx.swallow(found, &lookup)? {
                None => c,
                Some(v) if v.is_none() => GONE,
                Some(v) => match (crate::types::int::to_i64(&v), v.cast::<Str>().map(|s| s.ascii_bytes())) {
                    (Some(n @ 0..128), _) => n as u8,
                    (_, Some(Some([one]))) => *one,
                    _ => return Ok(None),
                },
            };
        }
        match known[c as usize] {
            GONE => {}
            new => out.push(new),
        }
    }
    make(cx, &out).map(Some)
}

fn needle<'a>(cx: &Cx, o: &'a Obj, name: &str) -> PyResult<&'a Ref<Str>> {
    o.cast::<Str>().ok_or_else(|| cx.type_error(format!("{name}() argument 1 must be str, not {}", if o.is_none() { "None".into() } else { o.ty().name_text() })))
}

fn search(cx: &mut Cx, this: &Ref<Str>, sub: &Obj, start: Option<SliceEnd>, end: Option<SliceEnd>, reverse: bool, name: &str) -> PyResult<Option<usize>> {
    let sub = needle(cx, sub, name)?;
    let (s, e) = bounds(start, end, this.len());
    Ok(width::position(this, sub, s, e, reverse))
}

/// Start and end of a slice-like range; start may lie behind the end.
fn bounds(start: Option<SliceEnd>, end: Option<SliceEnd>, len: usize) -> (usize, usize) {
    let fix = |SliceEnd(v)| if v < 0 { v.saturating_add(len as i64).max(0) as usize } else { v as usize };
    (start.map_or(0, fix), end.map_or(len, fix).min(len))
}

fn case(cx: &Cx, this: &Ref<Str>, ascii: fn(&u8) -> u8, f: impl Fn(u32, &mut Vec<u32>)) -> PyResult {
    let mut out = Vec::with_capacity(this.len());
    each_width!(this, p => for c in p {
        match c.point() {
            c @ 0..0x80 => out.push(u32::from(ascii(&(c as u8)))),
            c => f(c, &mut out),
        }
    });
    make(cx, &out)
}

fn all(this: &Ref<Str>, test: impl Fn(u32) -> bool) -> bool {
    !this.is_empty() && each_width!(this, p => p.iter().all(|c| test(c.point())))
}

/// Whether there is a character of this case and none of another.
fn one_case(this: &Ref<Str>, is: impl Fn(u32) -> bool, is_other: impl Fn(u32) -> bool) -> bool {
    let mut any = false;
    each_width!(this, p => p.iter().all(|c| {
        any = any || is(c.point());
        !is_other(c.point())
    })) && any
}

fn affix(cx: &mut Cx, this: &Ref<Str>, what: &Obj, start: Option<SliceEnd>, end: Option<SliceEnd>, at_end: bool, name: &str) -> PyResult<bool> {
    let (s, e) = bounds(start, end, this.len());
    let test = |o: &Obj| -> Option<bool> {
        let n = o.cast::<Str>()?;
        Some(s <= e && e - s >= n.len() && width::has_at(this, n, if at_end { e - n.len() } else { s }))
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
    let before = match (left, right) {
        (true, true) => room / 2 + (room & width as usize & 1),
        (true, false) => room,
        _ => 0,
    };
    Str::padded(cx, this, before, room - before, fill)
}

/// The characters, with spaces to the next of every `tabsize` columns for each tab.
pub(crate) fn tabs_expanded(cx: &Cx, text: &Str, tabsize: i64) -> PyResult<Vec<u32>> {
    let mut out = Vec::new();
    let mut column = 0i64;
    for c in text.code_points() {
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
    Ok(out)
}

#[retic_macros::methods]
impl Str {
    /// Concatenate any number of strings.
    #[py("join($self, iterable, /)")]
    fn join(cx: &mut Cx, this: &Ref<Str>, iterable: &Obj) -> PyResult {
        match iterable.shape() {
            crate::object::shape::LIST => {
                let list = iterable.cast::<crate::types::List>().map_or(&[][..], |l| l.items(cx));
                return super::join_items(cx, this, list);
            }
            crate::object::shape::TUPLE => {
                let tuple = iterable.cast::<crate::types::Tuple>().map_or(&[][..], |t| t.items());
                return super::join_items(cx, this, tuple);
            }
            _ => {}
        }
        let items = match protocol::iter(cx, iterable) {
            Ok(it) => protocol::collect(cx, &it)?,
            Err(r) => {
                let type_error = cx.types.type_error.clone();
                cx.swallow(Err::<Obj, _>(r), &type_error)?;
                return Err(cx.type_error("can only join an iterable"));
            }
        };
        super::join_items(cx, this, &items)
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
        pieces(cx, false, this, Cutter::Lines(keepends))
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
        let limit = if count < 0 { usize::MAX } else { count as usize };
        let first = if limit == 0 || old.as_obj().is(new.as_obj()) || old.equals(new) { None } else { width::position(this, old, 0, this.len(), false) };
        let Some(first) = first else { return whole(cx, this) };
        each_width!(this, p => if let (Some(old), Some(new)) = (unit_of(p, old), unit_of(p, new)) {
            return replaced(cx, p, &old, &new, limit, first);
        });
        replaced(cx, &this.code_points(), &old.code_points(), &new.code_points(), limit, first)
    }
    /// Return the lowest index in S where substring sub is found, or -1.
    #[py("find($self, sub, start=None, end=None, /)", "($self, sub[, start[, end]], /)")]
    fn find(cx: &mut Cx, this: &Ref<Str>, sub: &Obj, start: Option<SliceEnd>, end: Option<SliceEnd>) -> PyResult<i64> {
        Ok(search(cx, this, sub, start, end, false, "find")?.map_or(-1, |i| i as i64))
    }
    /// Return the highest index in S where substring sub is found, or -1.
    #[py("rfind($self, sub, start=None, end=None, /)", "($self, sub[, start[, end]], /)")]
    fn rfind(cx: &mut Cx, this: &Ref<Str>, sub: &Obj, start: Option<SliceEnd>, end: Option<SliceEnd>) -> PyResult<i64> {
        Ok(search(cx, this, sub, start, end, true, "rfind")?.map_or(-1, |i| i as i64))
    }
    /// Like find, but raises ValueError when the substring is not found.
    #[py("index($self, sub, start=None, end=None, /)", "($self, sub[, start[, end]], /)")]
    fn index(cx: &mut Cx, this: &Ref<Str>, sub: &Obj, start: Option<SliceEnd>, end: Option<SliceEnd>) -> PyResult<usize> {
        search(cx, this, sub, start, end, false, "index")?.ok_or_else(|| cx.value_error("substring not found"))
    }
    /// Like rfind, but raises ValueError when the substring is not found.
    #[py("rindex($self, sub, start=None, end=None, /)", "($self, sub[, start[, end]], /)")]
    fn rindex(cx: &mut Cx, this: &Ref<Str>, sub: &Obj, start: Option<SliceEnd>, end: Option<SliceEnd>) -> PyResult<usize> {
        search(cx, this, sub, start, end, true, "rindex")?.ok_or_else(|| cx.value_error("substring not found"))
    }
    /// Return the number of non-overlapping occurrences of substring sub.
    #[py("count($self, sub, start=None, end=None, /)", "($self, sub[, start[, end]], /)")]
    fn count(cx: &mut Cx, this: &Ref<Str>, sub: &Obj, start: Option<SliceEnd>, end: Option<SliceEnd>) -> PyResult<usize> {
        let sub = needle(cx, sub, "count")?;
        let (s, e) = bounds(start, end, this.len());
        if s > e {
            return Ok(0);
        }
        if sub.is_empty() {
            return Ok(e - s + 1);
        }
        Ok(each_width!(this, p => unit_of(p, sub).map_or(0, |n| Unit::count(&p[s..e], &n))))
    }
    /// Return True if the string starts with the specified prefix, False otherwise.
    #[py("startswith($self, prefix, start=None, end=None, /)", "($self, prefix[, start[, end]], /)")]
    fn startswith(cx: &mut Cx, this: &Ref<Str>, prefix: &Obj, start: Option<SliceEnd>, end: Option<SliceEnd>) -> PyResult<bool> {
        affix(cx, this, prefix, start, end, false, "startswith")
    }
    /// Return True if the string ends with the specified suffix, False otherwise.
    #[py("endswith($self, suffix, start=None, end=None, /)", "($self, suffix[, start[, end]], /)")]
    fn endswith(cx: &mut Cx, this: &Ref<Str>, suffix: &Obj, start: Option<SliceEnd>, end: Option<SliceEnd>) -> PyResult<bool> {
        affix(cx, this, suffix, start, end, true, "endswith")
    }
    /// Return a str with the given prefix string removed if present.
    #[py("removeprefix($self, prefix, /)")]
    fn removeprefix(cx: &mut Cx, this: &Ref<Str>, prefix: &Ref<Str>) -> PyResult {
        if this.len() >= prefix.len() && !prefix.is_empty() && width::has_at(this, prefix, 0) {
            return each_width!(this, p => part(cx, this, &p[prefix.len()..]));
        }
        whole(cx, this)
    }
    /// Return a str with the given suffix string removed if present.
    #[py("removesuffix($self, suffix, /)")]
    fn removesuffix(cx: &mut Cx, this: &Ref<Str>, suffix: &Ref<Str>) -> PyResult {
        if this.len() >= suffix.len() && !suffix.is_empty() && width::has_at(this, suffix, this.len() - suffix.len()) {
            return each_width!(this, p => part(cx, this, &p[..this.len() - suffix.len()]));
        }
        whole(cx, this)
    }
    /// Return a copy of the string converted to lowercase.
    #[py("lower($self, /)")]
    fn lower(cx: &mut Cx, this: &Ref<Str>) -> PyResult {
        if let Some(b) = this.ascii_bytes() {
            return Str::mapped(cx, b, |_, c| c.to_ascii_lowercase());
        }
        let text = this.code_points();
        let mut out = Vec::with_capacity(text.len());
        for (i, c) in text.iter().enumerate() {
            match c {
                0..0x80 => out.push(u32::from((*c as u8).to_ascii_lowercase())),
                _ => retic_unicode::lower_in(&text, i, &mut out),
            }
        }
        make(cx, &out)
    }
    /// Return a copy of the string converted to uppercase.
    #[py("upper($self, /)")]
    fn upper(cx: &mut Cx, this: &Ref<Str>) -> PyResult {
        if let Some(b) = this.ascii_bytes() {
            return Str::mapped(cx, b, |_, c| c.to_ascii_uppercase());
        }
        case(cx, this, u8::to_ascii_uppercase, retic_unicode::upper)
    }
    /// Return a version of the string suitable for caseless comparisons.
    #[py("casefold($self, /)")]
    fn casefold(cx: &mut Cx, this: &Ref<Str>) -> PyResult {
        if let Some(b) = this.ascii_bytes() {
            return Str::mapped(cx, b, |_, c| c.to_ascii_lowercase());
        }
        case(cx, this, u8::to_ascii_lowercase, retic_unicode::fold)
    }
    /// Convert uppercase characters to lowercase and lowercase characters to uppercase.
    #[py("swapcase($self, /)")]
    fn swapcase(cx: &mut Cx, this: &Ref<Str>) -> PyResult {
        if let Some(b) = this.ascii_bytes() {
            return Str::mapped(cx, b, |_, c| if c.is_ascii_alphabetic() { c ^ 0x20 } else { c });
        }
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
        if let Some(b) = this.ascii_bytes() {
            return Str::mapped(cx, b, |i, c| if i == 0 { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() });
        }
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
        if let Some(b) = this.ascii_bytes() {
            let mut in_word = false;
            return Str::mapped(cx, b, |_, c| {
                let new = if in_word { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() };
                in_word = c.is_ascii_alphabetic();
                new
            });
        }
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
    /// Return True if all characters are letters and there is at least one, False otherwise.
    #[py("isalpha($self, /)")]
    fn isalpha(_cx: &mut Cx, this: &Ref<Str>) -> bool {
        all(this, retic_unicode::is_alpha)
    }
    /// Return True if all characters are digits and there is at least one, False otherwise.
    #[py("isdigit($self, /)")]
    fn isdigit(_cx: &mut Cx, this: &Ref<Str>) -> bool {
        all(this, retic_unicode::is_digit)
    }
    /// Return True if all characters are decimal digits and there is at least one, False otherwise.
    #[py("isdecimal($self, /)")]
    fn isdecimal(_cx: &mut Cx, this: &Ref<Str>) -> bool {
        all(this, |c| retic_unicode::decimal(c).is_some())
    }
    /// Return True if all characters are numeric and there is at least one, False otherwise.
    #[py("isnumeric($self, /)")]
    fn isnumeric(_cx: &mut Cx, this: &Ref<Str>) -> bool {
        all(this, retic_unicode::is_numeric)
    }
    /// Return True if all characters are letters or numbers and there is at least one, False otherwise.
    #[py("isalnum($self, /)")]
    fn isalnum(_cx: &mut Cx, this: &Ref<Str>) -> bool {
        all(this, |c| retic_unicode::is_alpha(c) || retic_unicode::is_numeric(c))
    }
    /// Return True if all characters are whitespace and there is at least one, False otherwise.
    #[py("isspace($self, /)")]
    fn isspace(_cx: &mut Cx, this: &Ref<Str>) -> bool {
        all(this, retic_unicode::is_space)
    }
    /// Return True if all cased characters are uppercase and there is at least one, False otherwise.
    #[py("isupper($self, /)")]
    fn isupper(_cx: &mut Cx, this: &Ref<Str>) -> bool {
        one_case(this, retic_unicode::is_upper, |c| retic_unicode::is_lower(c) || retic_unicode::is_title(c))
    }
    /// Return True if all cased characters are lowercase and there is at least one, False otherwise.
    #[py("islower($self, /)")]
    fn islower(_cx: &mut Cx, this: &Ref<Str>) -> bool {
        one_case(this, retic_unicode::is_lower, |c| retic_unicode::is_upper(c) || retic_unicode::is_title(c))
    }
    /// Return True if all characters are in the range U+0000 to U+007F, False otherwise. The empty string is.
    #[py("isascii($self, /)")]
    fn isascii(_cx: &mut Cx, this: &Ref<Str>) -> bool {
        this.is_ascii()
    }
    /// Return True if the string is an identifier, False otherwise; keyword.iskeyword() tells which of these are reserved.
    #[py("isidentifier($self, /)")]
    fn isidentifier(cx: &mut Cx, this: &Ref<Str>) -> bool {
        if let Some(b) = this.ascii_bytes() {
            return b.first().is_some_and(|c| !c.is_ascii_digit()) && b.iter().all(|c| c.is_ascii_alphanumeric() || *c == b'_');
        }
        is_identifier(&this.to_text(cx))
    }
    /// Return True if all characters can be printed, False otherwise. The empty string can.
    #[py("isprintable($self, /)")]
    fn isprintable(_cx: &mut Cx, this: &Ref<Str>) -> bool {
        each_width!(this, p => p.iter().all(|c| retic_unicode::is_printable(c.point())))
    }
    /// Return True if words begin with an uppercase character and go on in lowercase, False otherwise.
    #[py("istitle($self, /)")]
    fn istitle(_cx: &mut Cx, this: &Ref<Str>) -> bool {
        let (mut cased, mut any) = (false, false);
        let c = this.chars();
        for c in (0..this.len()).map(|i| c.get(i)) {
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
    #[py("center($self, width, fillchar=' ', /)")]
    fn center(cx: &mut Cx, this: &Ref<Str>, width: i64, fillchar: Option<&Obj>) -> PyResult {
        pad(cx, this, width, fillchar, true, true)
    }
    /// Return a left-justified string of length width.
    #[py("ljust($self, width, fillchar=' ', /)")]
    fn ljust(cx: &mut Cx, this: &Ref<Str>, width: i64, fillchar: Option<&Obj>) -> PyResult {
        pad(cx, this, width, fillchar, false, true)
    }
    /// Return a right-justified string of length width.
    #[py("rjust($self, width, fillchar=' ', /)")]
    fn rjust(cx: &mut Cx, this: &Ref<Str>, width: i64, fillchar: Option<&Obj>) -> PyResult {
        pad(cx, this, width, fillchar, true, false)
    }
    /// Pad a numeric string with zeros on the left, to fill a field of the given width.
    #[py("zfill($self, width, /)")]
    fn zfill(cx: &mut Cx, this: &Ref<Str>, width: i64) -> PyResult {
        let room = (width - this.len() as i64).max(0) as usize;
        if room == 0 {
            return whole(cx, this);
        }
        protocol::check_size(cx, 1, room, 4)?;
        each_width!(this, p => zero_filled(cx, p, room))
    }
    /// Partition the string into three parts using the given separator.
    #[py("partition($self, sep, /)")]
    fn partition(cx: &mut Cx, this: &Ref<Str>, sep: &Obj) -> PyResult {
        let Some(sep) = sep.cast::<Str>() else { return Err(cx.type_error(format!("must be str, not {}", sep.ty().name_text()))) };
        if sep.is_empty() {
            return Err(cx.value_error("empty separator"));
        }
        let parts = match width::position(this, sep, 0, this.len(), false) {
            Some(i) => each_width!(this, p => [part(cx, this, &p[..i])?, sep.as_obj().clone(), part(cx, this, &p[i + sep.len()..])?]),
            None => [this.as_obj().clone(), cx.consts.empty_str.clone(), cx.consts.empty_str.clone()],
        };
        cx.tuple_of(parts)
    }
    /// Partition the string into three parts using the given separator, from the end.
    #[py("rpartition($self, sep, /)")]
    fn rpartition(cx: &mut Cx, this: &Ref<Str>, sep: &Obj) -> PyResult {
        let Some(sep) = sep.cast::<Str>() else { return Err(cx.type_error(format!("must be str, not {}", sep.ty().name_text()))) };
        if sep.is_empty() {
            return Err(cx.value_error("empty separator"));
        }
        let parts = match width::position(this, sep, 0, this.len(), true) {
            Some(i) => each_width!(this, p => [part(cx, this, &p[..i])?, sep.as_obj().clone(), part(cx, this, &p[i + sep.len()..])?]),
            None => [cx.consts.empty_str.clone(), cx.consts.empty_str.clone(), this.as_obj().clone()],
        };
        cx.tuple_of(parts)
    }
    /// Return a copy where all tab characters are expanded using spaces.
    #[py("expandtabs($self, /, tabsize=8)")]
    fn expandtabs(cx: &mut Cx, this: &Ref<Str>, tabsize: i32) -> PyResult {
        if this.as_obj().shape() == crate::object::shape::STR && !each_width!(this, p => p.iter().any(|c| c.point() == 9)) {
            return Ok(this.as_obj().clone());
        }
        make(cx, &tabs_expanded(cx, this, i64::from(tabsize))?)
    }
    /// Encode the string using the codec registered for encoding.
    #[py("encode($self, /, encoding='utf-8', errors='strict')")]
    fn encode(cx: &mut Cx, this: &Ref<Str>, encoding: Option<&Ref<Str>>, errors: Option<&Ref<Str>>) -> PyResult {
        if let Some(ascii) = this.ascii_bytes()
            && encoding.is_none_or(|e| crate::codecs::keeps_ascii(e))
        {
            return crate::types::Bytes::from_slice(cx, ascii);
        }
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
        protocol::format::template(cx, this, args, protocol::format::Named::Pairs(&kwargs))
    }
    /// Return a formatted version of the string, using substitutions from mapping.
    #[py("format_map($self, mapping, /)")]
    fn format_map(cx: &mut Cx, this: &Ref<Str>, mapping: &Obj) -> PyResult {
        protocol::format::template(cx, this, &[], protocol::format::Named::Mapping(mapping))
    }
    /// Return a formatted version of the string as described by format_spec.
    #[py("__format__($self, format_spec, /)")]
    fn format_dunder(cx: &mut Cx, this: &Ref<Str>, format_spec: &Ref<Str>) -> PyResult {
        let spec = format_spec.to_text(cx);
        if spec.is_empty() {
            return protocol::str(cx, this.as_obj());
        }
        protocol::format::string(cx, this, &spec)
    }
    /// Replace each character in the string using the given translation table.
    #[py("translate($self, table, /)")]
    fn translate(cx: &mut Cx, this: &Ref<Str>, table: &Obj) -> PyResult {
        if let Some(b) = this.ascii_bytes()
            && let Some(done) = translated(cx, b, table)?
        {
            return Ok(done);
        }
        let mut out = Vec::new();
        for c in this.code_points() {
            let key = cx.int(i64::from(c))?;
            let found = protocol::getitem(cx, table, &key);
            let lookup = cx.types.lookup_error.clone();
            match cx.swallow(found, &lookup)? {
                None => out.push(c),
                Some(v) if v.is_none() => {}
                Some(v) => match crate::types::int::to_i64(&v) {
                    Some(n @ 0..0x11_0000) => out.push(n as u32),
                    None if v.cast::<Str>().is_some() => out.extend(points(&v)),
                    _ if v.cast::<crate::types::Int>().is_some() => return Err(cx.value_error("character mapping must be in range(0x110000)")),
                    _ => return Err(cx.type_error("character mapping must return integer, None or str")),
                },
            }
        }
        make(cx, &out)
    }
    /// Return a translation table usable for str.translate().
    #[py("maketrans(x, y=None, z=None, /)", "(x, y=<unrepresentable>, z=<unrepresentable>, /)")]
    fn maketrans(cx: &mut Cx, x: &Obj, y: Option<&Obj>, z: Option<&Obj>) -> PyResult {
        let d = crate::types::Dict::new(cx)?;
        match (y, x.cast::<crate::types::Dict>()) {
            (None, Some(src)) => {
                for (k, v) in src.entries(cx) {
                    let k = match k.cast::<Str>() {
                        Some(s) if s.len() == 1 => cx.int(i64::from(s.chars().get(0)))?,
                        Some(_) => return Err(cx.value_error("string keys in translate table must be of length 1")),
                        None if k.cast::<crate::types::Int>().is_none() => return Err(cx.type_error("keys in translate table must be strings or integers")),
                        None => k,
                    };
                    d.insert(cx, &k, v)?;
                }
            }
            (None, None) => return Err(cx.type_error("if you give only one argument to maketrans it must be a dict")),
            (Some(y), _) => {
                if x.cast::<Str>().is_none() {
                    return Err(cx.type_error("first maketrans argument must be a string if there is a second argument"));
                }
                for (i, o) in [(2, Some(y)), (3, z)] {
                    if let Some(o) = o.filter(|o| o.cast::<Str>().is_none()) {
                        return Err(cx.type_error(format!("maketrans() argument {i} must be str, not {}", o.ty().name_text())));
                    }
                }
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
        let s = each_width!(this, p => make(cx, p))?;
        cx.tuple_of([s])
    }
}
