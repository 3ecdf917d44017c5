//! `_sre`: compiled patterns, matches, scanners over the crate `regex`.

use retic_regex::{Found, Late, Mode, Program, Scratch, Stop, lower_ascii, lower_unicode};
use retic_runtime::object::Guarded;
use retic_runtime::types::code::Hidden;
use retic_runtime::types::str::Chars;
use retic_runtime::types::type_::{Cmp, flags};
use retic_runtime::types::{Bytes, Dict, List, Slots, Spec, Str, Tuple, int, module};
use retic_runtime::{Cx, Obj, PyResult, Ref, layout, memory, protocol};
use std::cell::Cell;
use std::sync::atomic::Ordering;

layout! {
    /// A compiled pattern. `bytes`: for byte strings; `any`: made without a pattern text.
    pub struct Pattern = 250, "re.Pattern" {
        program: Hidden<Late>,
        words: Hidden<Vec<u32>>,
        pattern: Guarded<Obj>,
        flags: Cell<i64>,
        groups: Cell<usize>,
        groupindex: Guarded<Obj>,
        indexgroup: Guarded<Obj>,
        bytes: Cell<bool>,
        any: Cell<bool>,
    }
}
layout! {
    /// A match.
    pub struct Match = 251, "re.Match" {
        string: Guarded<Obj>,
        pattern: Guarded<Ref<Pattern>>,
        spans: Hidden<Vec<Option<(usize, usize)>>>,
        pos: Cell<usize>,
        endpos: Cell<usize>,
        last: Cell<usize>,
    }
}
layout! {
    /// A search that goes on where it stopped.
    pub struct Scanner = 252, "_sre.SRE_Scanner" { pattern: Guarded<Ref<Pattern>>, string: Guarded<Obj>, at: Cell<usize>, end: Cell<usize>, pos: Cell<usize>, must_advance: Cell<bool>, done: Cell<bool>, }
}
layout! {
    /// A replacement text taken apart: literals and group numbers in turn.
    pub struct Template = 253, "re._ReplacementTemplate" { parts: Guarded<Obj>, }
}

/// The text of a search, at hand as long as its object lives.
enum Subject {
    Text(Ref<Str>),
    Bytes(Ref<Bytes>),
    Copied(Vec<u8>),
}
impl Subject {
    fn of(cx: &mut Cx, p: &Ref<Pattern>, o: &Obj) -> PyResult<Subject> {
        if let Some(s) = o.cast::<Str>() {
            if p.bytes.get() && !p.any.get() {
                return Err(cx.type_error("cannot use a bytes pattern on a string-like object"));
            }
            return Ok(Subject::Text(s.clone()));
        }
        if !protocol::buffer::exports(cx, o) {
            return Err(cx.type_error(format!("expected string or bytes-like object, got '{}'", o.ty().name_text())));
        }
        if !p.bytes.get() && !p.any.get() {
            return Err(cx.type_error("cannot use a string pattern on a bytes-like object"));
        }
        match o.cast::<Bytes>() {
            Some(b) => Ok(Subject::Bytes(b.clone())),
            None => Ok(Subject::Copied(protocol::buffer::bytes(cx, o)?)),
        }
    }
    fn len(&self) -> usize {
        match self {
            Subject::Text(s) => s.len(),
            Subject::Bytes(b) => b.bytes().len(),
            Subject::Copied(b) => b.len(),
        }
    }
    fn slice(&self, cx: &Cx, start: usize, end: usize) -> PyResult {
        match self {
            Subject::Text(s) => {
                if start == 0 && end == s.len() {
                    return Ok(s.as_obj().clone());
                }
                match s.chars() {
                    Chars::One(b) => Ok(Str::from_latin1(cx, &b[start..end])?.into_obj()),
                    Chars::Two(b) => cx.str_points(&b[start..end].iter().map(|c| u32::from(*c)).collect::<Vec<_>>()),
                    Chars::Four(b) => cx.str_points(&b[start..end]),
                }
            }
            Subject::Bytes(b) => Bytes::from_slice(cx, &b.bytes()[start..end]),
            Subject::Copied(b) => Bytes::from_slice(cx, &b[start..end]),
        }
    }
}

fn search(cx: &mut Cx, p: &Ref<Pattern>, scratch: &mut Scratch, s: &Subject, start: usize, end: usize, mode: Mode, must_advance: bool) -> PyResult<Option<Found>> {
    loop {
        let program = p.program.0.get();
        let r = {
            let word = &cx.poll;
            let mut poll = || word.load(Ordering::Relaxed) & (retic_runtime::cx::POLL_SIGNAL | retic_runtime::cx::POLL_LIMIT) != 0;
            match s {
                Subject::Text(t) => match t.chars() {
                    Chars::One(b) => retic_regex::find(program, scratch, b, start, end, mode, must_advance, &mut poll),
                    Chars::Two(b) => retic_regex::find(program, scratch, b, start, end, mode, must_advance, &mut poll),
                    Chars::Four(b) => retic_regex::find(program, scratch, b, start, end, mode, must_advance, &mut poll),
                },
                Subject::Bytes(b) => retic_regex::find(program, scratch, b.bytes(), start, end, mode, must_advance, &mut poll),
                Subject::Copied(b) => retic_regex::find(program, scratch, &b[..], start, end, mode, must_advance, &mut poll),
            }
        };
        match r {
            Ok(f) => return Ok(f),
            Err(Stop::Memory) => return Err(cx.memory_error()),
            // What waited is done; the search begins again.
            Err(Stop::Polled) => cx.poll_native()?,
        }
    }
}

/// Where the match and its groups lie.
fn spans(f: &Found, scratch: &Scratch, groups: usize) -> Vec<Option<(usize, usize)>> {
    let mut out = Vec::with_capacity(groups + 1);
    out.push(Some((f.start, f.end)));
    out.extend((0..groups).map(|g| scratch.span(g)));
    out
}

fn make_match(cx: &mut Cx, p: &Ref<Pattern>, string: &Obj, f: &Found, scratch: &Scratch, pos: usize, endpos: usize) -> PyResult {
    let (spans, string, p, last) = (spans(f, scratch, p.groups.get()), string.clone(), p.clone(), f.last);
    let ty = cx.native_type("re.Match");
    Ok(memory::new(cx, &ty, |head| Match {
        head,
        string: Guarded::new(string),
        pattern: Guarded::new(p),
        spans: Hidden(spans),
        pos: Cell::new(pos),
        endpos: Cell::new(endpos),
        last: Cell::new(last),
    })?
    .into_obj())
}

fn limits(pos: i64, endpos: i64, n: usize) -> (usize, usize) {
    let end = endpos.clamp(0, n as i64) as usize;
    (pos.clamp(0, n as i64) as usize, end)
}

fn one(cx: &mut Cx, p: &Ref<Pattern>, string: &Obj, pos: i64, endpos: i64, mode: Mode) -> PyResult<Option<Obj>> {
    let s = Subject::of(cx, p, string)?;
    let (a, b) = limits(pos, endpos, s.len());
    let mut scratch = Scratch::take();
    let found = search(cx, p, &mut scratch, &s, a, b, mode, false)?;
    let m = found.map(|f| make_match(cx, p, string, &f, &scratch, a, b)).transpose();
    scratch.keep();
    m
}

/// All matches one after the other. `each` gets the match and its groups; false ends the walk.
fn walk(cx: &mut Cx, p: &Ref<Pattern>, s: &Subject, start: usize, end: usize, mut each: impl FnMut(&mut Cx, &Found, &Scratch) -> PyResult<bool>) -> PyResult<()> {
    let mut scratch = Scratch::take();
    let (mut at, mut must_advance) = (start, false);
    while at <= end {
        let Some(f) = search(cx, p, &mut scratch, s, at, end, Mode::Search, must_advance)? else { break };
        must_advance = f.end == f.start;
        at = f.end;
        if !each(cx, &f, &scratch)? {
            break;
        }
        cx.poll_native()?;
    }
    scratch.keep();
    Ok(())
}

fn replacement(cx: &mut Cx, p: &Ref<Pattern>, repl: &Obj) -> PyResult<Result<Obj, Obj>> {
    if repl.ty().slots(cx).call.is_some() && repl.cast::<Str>().is_none() {
        return Ok(Err(repl.clone()));
    }
    let literal = match (repl.cast::<Str>(), repl.cast::<Bytes>()) {
        (Some(s), _) => match s.ascii_bytes() {
            Some(a) => !a.contains(&b'\\'),
            None => !s.code_points().contains(&92),
        },
        (_, Some(b)) => !b.bytes().contains(&b'\\'),
        _ => protocol::buffer::exports(cx, repl) && !protocol::buffer::bytes(cx, repl)?.contains(&b'\\'),
    };
    if literal {
        return Ok(Ok(repl.clone()));
    }
    let re = retic_runtime::modules::import(cx, "re")?;
    let t = protocol::call_method(cx, &re, "_compile_template", &[p.as_obj().clone(), repl.clone()])?;
    Ok(Ok(t))
}

/// The text of a template for a match.
fn expand(cx: &mut Cx, template: &Obj, s: &Subject, spans: &[Option<(usize, usize)>]) -> PyResult {
    let Some(t) = template.cast::<Template>() else { return Ok(template.clone()) };
    let parts = t.parts.cloned(cx);
    let mut out = Vec::new();
    for part in protocol::collect(cx, &parts)? {
        match int::to_i64(&part) {
            Some(g) => {
                let Some(span) = spans.get(g as usize) else { return Err(cx.index_error("no such group")) };
                if let Some((a, b)) = span {
                    out.push(s.slice(cx, *a, *b)?);
                }
            }
            None => out.push(part),
        }
    }
    join(cx, s, &out)
}

fn join(cx: &mut Cx, s: &Subject, pieces: &[Obj]) -> PyResult {
    if let Subject::Text(_) = s {
        if let Some(p) = pieces.iter().find(|p| p.cast::<Str>().is_none()) {
            return Err(cx.type_error(format!("sequence item 0: expected str instance, {} found", p.ty().name_text())));
        }
        return retic_runtime::types::str::join_pieces(cx, pieces);
    }
    let mut out = Vec::new();
    for p in pieces {
        let b = protocol::buffer::bytes(cx, p)?;
        protocol::grow(cx, &mut out, b.len())?;
        out.extend(b);
    }
    Bytes::from_slice(cx, &out)
}

fn substitute(cx: &mut Cx, p: &Ref<Pattern>, repl: &Obj, string: &Obj, count: i64) -> PyResult<(Obj, i64)> {
    let s = Subject::of(cx, p, string)?;
    let how = replacement(cx, p, repl)?;
    let n = s.len();
    let (mut pieces, mut done, mut from) = (Vec::new(), 0i64, 0usize);
    walk(cx, p, &s, 0, n, |cx, f, scratch| {
        if from < f.start {
            pieces.push(s.slice(cx, from, f.start)?);
        }
        let new = match &how {
            Ok(t) => expand(cx, t, &s, &spans(f, scratch, p.groups.get()))?,
            Err(call) => {
                let m = make_match(cx, p, string, f, scratch, 0, n)?;
                protocol::call(cx, call, &[m])?
            }
        };
        if !new.is_none() {
            pieces.push(new);
        }
        from = f.end;
        done += 1;
        Ok(count == 0 || done < count)
    })?;
    if done == 0 && (string.cast::<Str>().is_some() || string.cast::<Bytes>().is_some()) {
        return Ok((s.slice(cx, 0, n)?, 0));
    }
    if from < n {
        pieces.push(s.slice(cx, from, n)?);
    }
    Ok((join(cx, &s, &pieces)?, done))
}

#[retic_macros::methods]
impl Pattern {
    /// Matches zero or more characters at the beginning of the string.
    #[py("match($self, /, string, pos=0, endpos=9223372036854775807)")]
    fn match_method(cx: &mut Cx, this: &Ref<Pattern>, string: &Obj, pos: i64, endpos: i64) -> PyResult<Option<Obj>> {
        one(cx, this, string, pos, endpos, Mode::Match)
    }
    /// Matches against all of the string.
    #[py("fullmatch($self, /, string, pos=0, endpos=9223372036854775807)")]
    fn fullmatch(cx: &mut Cx, this: &Ref<Pattern>, string: &Obj, pos: i64, endpos: i64) -> PyResult<Option<Obj>> {
        one(cx, this, string, pos, endpos, Mode::Full)
    }
    /// Scan through string looking for a match, and return a corresponding match object instance.
    #[py("search($self, /, string, pos=0, endpos=9223372036854775807)")]
    fn search_method(cx: &mut Cx, this: &Ref<Pattern>, string: &Obj, pos: i64, endpos: i64) -> PyResult<Option<Obj>> {
        one(cx, this, string, pos, endpos, Mode::Search)
    }
    /// Return a list of all non-overlapping matches of pattern in string.
    #[py("findall($self, /, string, pos=0, endpos=9223372036854775807)")]
    fn findall(cx: &mut Cx, this: &Ref<Pattern>, string: &Obj, pos: i64, endpos: i64) -> PyResult {
        let s = Subject::of(cx, this, string)?;
        let (a, b) = limits(pos, endpos, s.len());
        let groups = this.groups.get();
        let out = List::new(cx)?;
        walk(cx, this, &s, a, b, |cx, f, scratch| {
            let text = |cx: &Cx, g: usize| match scratch.span(g) {
                Some((x, y)) => s.slice(cx, x, y),
                None => s.slice(cx, 0, 0),
            };
            let found = match groups {
                0 => s.slice(cx, f.start, f.end)?,
                1 => text(cx, 0)?,
                n => {
                    let items = (0..n).map(|g| text(cx, g)).collect::<PyResult<Vec<_>>>()?;
                    cx.tuple(items)?
                }
            };
            out.push(cx, found)?;
            Ok(true)
        })?;
        Ok(out.into_obj())
    }
    /// Return an iterator over all non-overlapping matches for the RE pattern in string.
    #[py("finditer($self, /, string, pos=0, endpos=9223372036854775807)")]
    fn finditer(cx: &mut Cx, this: &Ref<Pattern>, string: &Obj, pos: i64, endpos: i64) -> PyResult {
        let scanner = Pattern::scanner(cx, this, string, pos, endpos)?;
        let name = cx.name("search");
        let f = protocol::getattr(cx, &scanner, &name)?;
        let none = cx.none();
        retic_runtime::types::iterators::combined::until(cx, &f, &none)
    }
    #[py("scanner($self, /, string, pos=0, endpos=9223372036854775807)")]
    fn scanner(cx: &mut Cx, this: &Ref<Pattern>, string: &Obj, pos: i64, endpos: i64) -> PyResult {
        let s = Subject::of(cx, this, string)?;
        let (a, b) = limits(pos, endpos, s.len());
        let ty = cx.native_type("_sre.SRE_Scanner");
        let (p, string) = (this.clone(), string.clone());
        Ok(memory::new(cx, &ty, |head| Scanner {
            head,
            pattern: Guarded::new(p),
            string: Guarded::new(string),
            at: Cell::new(a),
            end: Cell::new(b),
            pos: Cell::new(a),
            must_advance: Cell::new(false),
            done: Cell::new(a > b),
        })?
        .into_obj())
    }
    /// Split string by the occurrences of pattern.
    #[py("split($self, /, string, maxsplit=0)")]
    fn split(cx: &mut Cx, this: &Ref<Pattern>, string: &Obj, maxsplit: i64) -> PyResult {
        let s = Subject::of(cx, this, string)?;
        let n = s.len();
        let (mut out, mut from, mut done) = (Vec::new(), 0, 0);
        let groups = this.groups.get();
        walk(cx, this, &s, 0, n, |cx, f, scratch| {
            out.push(s.slice(cx, from, f.start)?);
            for g in 0..groups {
                out.push(match scratch.span(g) {
                    Some((a, b)) => s.slice(cx, a, b)?,
                    None => cx.none(),
                });
            }
            from = f.end;
            done += 1;
            Ok(maxsplit == 0 || done < maxsplit)
        })?;
        out.push(s.slice(cx, from, n)?);
        cx.list(out)
    }
    /// Return the string obtained by replacing the leftmost non-overlapping occurrences of pattern in string by the replacement repl.
    #[py("sub($self, /, repl, string, count=0)")]
    fn sub(cx: &mut Cx, this: &Ref<Pattern>, repl: &Obj, string: &Obj, count: i64) -> PyResult {
        Ok(substitute(cx, this, repl, string, count)?.0)
    }
    /// Return the tuple (new_string, number_of_subs_made).
    #[py("subn($self, /, repl, string, count=0)")]
    fn subn(cx: &mut Cx, this: &Ref<Pattern>, repl: &Obj, string: &Obj, count: i64) -> PyResult {
        let (t, n) = substitute(cx, this, repl, string, count)?;
        let n = cx.int(n)?;
        cx.tuple_of([t, n])
    }
    #[py("__copy__($self, /)")]
    fn copy(_cx: &mut Cx, this: &Ref<Pattern>) -> Obj {
        this.as_obj().clone()
    }
    #[py("__deepcopy__($self, memo, /)")]
    fn deepcopy(_cx: &mut Cx, this: &Ref<Pattern>, memo: &Obj) -> Obj {
        let _ = memo;
        this.as_obj().clone()
    }
    /// See PEP 585
    #[py("__class_getitem__($type, object, /)")]
    fn class_getitem(cx: &mut Cx, cls: &Obj, object: &Obj) -> PyResult {
        retic_runtime::types::generic::alias(cx, cls, object)
    }
    /// The pattern string from which the RE object was compiled.
    #[get("pattern")]
    fn pattern_get(cx: &mut Cx, this: &Ref<Pattern>) -> Obj {
        this.pattern.cloned(cx)
    }
    /// The regex matching flags.
    #[get("flags")]
    fn flags_get(_cx: &mut Cx, this: &Ref<Pattern>) -> i64 {
        this.flags.get()
    }
    /// The number of capturing groups in the pattern.
    #[get("groups")]
    fn groups_get(_cx: &mut Cx, this: &Ref<Pattern>) -> usize {
        this.groups.get()
    }
    /// A dictionary mapping group names to group numbers.
    #[get("groupindex")]
    fn groupindex_get(cx: &mut Cx, this: &Ref<Pattern>) -> PyResult {
        let d = this.groupindex.cloned(cx);
        retic_runtime::types::dict::proxy(cx, d)
    }
}

const FLAG_NAMES: [(i64, &str); 8] =
    [(2, "re.IGNORECASE"), (4, "re.LOCALE"), (8, "re.MULTILINE"), (16, "re.DOTALL"), (64, "re.VERBOSE"), (128, "re.DEBUG"), (256, "re.ASCII"), (32, "re.UNICODE")];

fn pattern_spec() -> Spec {
    Spec {
        doc: "Compiled regular expression object.",
        flags: flags::GC | flags::MANAGED | flags::WEAK | flags::NO_NEW,
        slots: Slots {
            repr: Some(|cx, o| {
                let Some(p) = o.cast::<Pattern>().cloned() else { return Ok(cx.none()) };
                let pattern = p.pattern.cloned(cx);
                let mut f = p.flags.get();
                if pattern.cast::<Str>().is_some() && f & (4 | 256 | 32) == 32 {
                    f &= !32;
                }
                let mut names: Vec<String> = Vec::new();
                for (bit, name) in FLAG_NAMES {
                    if f & bit != 0 {
                        names.push(name.into());
                        f &= !bit;
                    }
                }
                if f != 0 {
                    names.push(format!("{f:#x}"));
                }
                let shown = protocol::repr_text(cx, &pattern)?;
                let shown: String = shown.chars().take(200).collect();
                let text = if names.is_empty() { format!("re.compile({shown})") } else { format!("re.compile({shown}, {})", names.join("|")) };
                cx.str(&text)
            }),
            hash: Some(|cx, o| {
                let Some(p) = o.cast::<Pattern>().cloned() else { return Ok(0) };
                let pattern = p.pattern.cloned(cx);
                let h = protocol::hash(cx, &pattern)?;
                Ok(h ^ p.flags.get() ^ p.groups.get() as i64)
            }),
            richcompare: Some(|cx, a, b, op| {
                let (Some(x), Some(y)) = (a.cast::<Pattern>().cloned(), b.cast::<Pattern>().cloned()) else { return Ok(cx.not_implemented()) };
                if !matches!(op, Cmp::Eq | Cmp::Ne) {
                    return Ok(cx.not_implemented());
                }
                let same = x.flags.get() == y.flags.get() && x.bytes.get() == y.bytes.get() && x.words.0 == y.words.0 && {
                    let (p, q) = (x.pattern.cloned(cx), y.pattern.cloned(cx));
                    protocol::equal(cx, &p, &q)?
                };
                Ok(cx.bool(same == (op == Cmp::Eq)))
            }),
            ..Slots::EMPTY
        },
        methods: Pattern::METHODS,
        getset: Pattern::GETSET,
        ..Spec::new::<Pattern>("re.Pattern")
    }
}

/// The number of a group given by number or name.
fn group_number(cx: &mut Cx, m: &Ref<Match>, key: &Obj) -> PyResult<usize> {
    let n = if key.ty().slots(cx).index.is_some() {
        let i = protocol::index(cx, key)?;
        int::to_i64(&i)
    } else {
        let p = m.pattern.cloned(cx);
        let names = p.groupindex.cloned(cx);
        match names.cast::<Dict>() {
            Some(d) => d.get(cx, key)?.and_then(|n| int::to_i64(&n)),
            None => None,
        }
    };
    match n.and_then(|n| usize::try_from(n).ok()).filter(|n| *n < m.spans.0.len()) {
        Some(n) => Ok(n),
        None => Err(cx.index_error("no such group")),
    }
}
fn group_text(cx: &mut Cx, m: &Ref<Match>, g: usize, default: Option<&Obj>) -> PyResult {
    match m.spans.0[g] {
        Some((a, b)) => {
            let (p, string) = (m.pattern.cloned(cx), m.string.cloned(cx));
            let s = Subject::of(cx, &p, &string)?;
            let n = s.len();
            s.slice(cx, a.min(n), b.min(n))
        }
        None => Ok(default.cloned().unwrap_or_else(|| cx.none())),
    }
}
fn span_of(cx: &mut Cx, m: &Ref<Match>, group: Option<&Obj>) -> PyResult<(i64, i64)> {
    let g = match group {
        Some(g) => group_number(cx, m, g)?,
        None => 0,
    };
    Ok(m.spans.0[g].map_or((-1, -1), |(a, b)| (a as i64, b as i64)))
}

#[retic_macros::methods]
impl Match {
    /// Return subgroup(s) of the match by indices or names. For 0 returns the entire match.
    #[py("group($self, /, *args)")]
    fn group(cx: &mut Cx, this: &Ref<Match>, args: &[Obj]) -> PyResult {
        match args {
            [] => group_text(cx, this, 0, None),
            [only] => {
                let g = group_number(cx, this, only)?;
                group_text(cx, this, g, None)
            }
            many => {
                let mut out = Vec::new();
                for k in many {
                    let g = group_number(cx, this, k)?;
                    out.push(group_text(cx, this, g, None)?);
                }
                cx.tuple(out)
            }
        }
    }
    /// Return a tuple containing all the subgroups of the match, from 1.
    #[py("groups($self, /, default=None)")]
    fn groups(cx: &mut Cx, this: &Ref<Match>, default: Option<&Obj>) -> PyResult {
        let mut out = Vec::new();
        for g in 1..this.spans.0.len() {
            out.push(group_text(cx, this, g, default)?);
        }
        cx.tuple(out)
    }
    /// Return a dictionary containing all the named subgroups of the match, keyed by the subgroup name.
    #[py("groupdict($self, /, default=None)")]
    fn groupdict(cx: &mut Cx, this: &Ref<Match>, default: Option<&Obj>) -> PyResult {
        let out = Dict::new(cx)?;
        let p = this.pattern.cloned(cx);
        let names = p.groupindex.cloned(cx);
        if let Some(d) = names.cast::<Dict>() {
            for (k, n) in d.entries(cx) {
                let g = group_number(cx, this, &n)?;
                let v = group_text(cx, this, g, default)?;
                let old = out.insert(cx, &k, v)?;
                cx.release(old);
            }
        }
        Ok(out.into_obj())
    }
    /// Return index of the start of the substring matched by group.
    #[py("start($self, group=0, /)")]
    fn start(cx: &mut Cx, this: &Ref<Match>, group: Option<&Obj>) -> PyResult<i64> {
        Ok(span_of(cx, this, group)?.0)
    }
    /// Return index of the end of the substring matched by group.
    #[py("end($self, group=0, /)")]
    fn end(cx: &mut Cx, this: &Ref<Match>, group: Option<&Obj>) -> PyResult<i64> {
        Ok(span_of(cx, this, group)?.1)
    }
    /// For match object m, return the 2-tuple (m.start(group), m.end(group)).
    #[py("span($self, group=0, /)")]
    fn span(cx: &mut Cx, this: &Ref<Match>, group: Option<&Obj>) -> PyResult {
        let (a, b) = span_of(cx, this, group)?;
        let v = vec![cx.int(a)?, cx.int(b)?];
        cx.tuple(v)
    }
    /// Return the string obtained by doing backslash substitution on the string template, as done by the sub() method.
    #[py("expand($self, /, template)")]
    fn expand(cx: &mut Cx, this: &Ref<Match>, template: &Obj) -> PyResult {
        let (p, string) = (this.pattern.cloned(cx), this.string.cloned(cx));
        let t = match replacement(cx, &p, template)? {
            Ok(t) => t,
            Err(_) => return Err(cx.type_error("expected str or bytes")),
        };
        let s = Subject::of(cx, &p, &string)?;
        expand(cx, &t, &s, &this.spans.0)
    }
    #[py("__copy__($self, /)")]
    fn copy(_cx: &mut Cx, this: &Ref<Match>) -> Obj {
        this.as_obj().clone()
    }
    #[py("__deepcopy__($self, memo, /)")]
    fn deepcopy(_cx: &mut Cx, this: &Ref<Match>, memo: &Obj) -> Obj {
        let _ = memo;
        this.as_obj().clone()
    }
    /// See PEP 585
    #[py("__class_getitem__($type, object, /)")]
    fn class_getitem(cx: &mut Cx, cls: &Obj, object: &Obj) -> PyResult {
        retic_runtime::types::generic::alias(cx, cls, object)
    }
    /// The string passed to match() or search().
    #[get("string")]
    fn string_get(cx: &mut Cx, this: &Ref<Match>) -> Obj {
        this.string.cloned(cx)
    }
    /// The regular expression object.
    #[get("re")]
    fn re(cx: &mut Cx, this: &Ref<Match>) -> Ref<Pattern> {
        this.pattern.cloned(cx)
    }
    /// The index into the string at which the RE engine started looking for a match.
    #[get("pos")]
    fn pos_get(_cx: &mut Cx, this: &Ref<Match>) -> usize {
        this.pos.get()
    }
    /// The index into the string beyond which the RE engine will not go.
    #[get("endpos")]
    fn endpos_get(_cx: &mut Cx, this: &Ref<Match>) -> usize {
        this.endpos.get()
    }
    /// The integer index of the last matched capturing group.
    #[get("lastindex")]
    fn lastindex(_cx: &mut Cx, this: &Ref<Match>) -> Option<usize> {
        Some(this.last.get()).filter(|l| *l > 0)
    }
    /// The name of the last matched capturing group.
    #[get("lastgroup")]
    fn lastgroup(cx: &mut Cx, this: &Ref<Match>) -> Option<Obj> {
        let p = this.pattern.cloned(cx);
        let names = p.indexgroup.cloned(cx);
        names.cast::<Tuple>().and_then(|t| t.items().get(this.last.get()).cloned()).filter(|_| this.last.get() > 0)
    }
    #[get("regs")]
    fn regs(cx: &mut Cx, this: &Ref<Match>) -> PyResult {
        let mut out = Vec::new();
        for s in &this.spans.0 {
            let (a, b) = s.map_or((-1, -1), |(a, b)| (a as i64, b as i64));
            let pair = vec![cx.int(a)?, cx.int(b)?];
            out.push(cx.tuple(pair)?);
        }
        cx.tuple(out)
    }
}

fn match_spec() -> Spec {
    Spec {
        doc: "The result of re.match() and re.search(). Match objects always have a boolean value of True.",
        flags: flags::GC | flags::NO_NEW,
        slots: Slots {
            repr: Some(|cx, o| {
                let Some(m) = o.cast::<Match>().cloned() else { return Ok(cx.none()) };
                let t = group_text(cx, &m, 0, None)?;
                let shown = protocol::repr_text(cx, &t)?;
                let shown: String = shown.chars().take(50).collect();
                let (a, b) = m.spans.0[0].unwrap_or((0, 0));
                cx.str(&format!("<re.Match object; span=({a}, {b}), match={shown}>"))
            }),
            getitem: Some(|cx, o, k| {
                let Some(m) = o.cast::<Match>().cloned() else { return Ok(cx.none()) };
                let g = group_number(cx, &m, k)?;
                group_text(cx, &m, g, None)
            }),
            ..Slots::EMPTY
        },
        methods: Match::METHODS,
        getset: Match::GETSET,
        ..Spec::new::<Match>("re.Match")
    }
}

fn scan(cx: &mut Cx, this: &Ref<Scanner>, mode: Mode) -> PyResult<Option<Obj>> {
    if this.done.get() {
        return Ok(None);
    }
    let (p, string) = (this.pattern.cloned(cx), this.string.cloned(cx));
    let s = Subject::of(cx, &p, &string)?;
    let end = this.end.get().min(s.len());
    let mut scratch = Scratch::take();
    let m = match search(cx, &p, &mut scratch, &s, this.at.get(), end, mode, this.must_advance.get())? {
        Some(f) => {
            this.must_advance.set(f.start == f.end);
            this.at.set(f.end);
            make_match(cx, &p, &string, &f, &scratch, this.pos.get(), this.end.get()).map(Some)
        }
        None => {
            this.done.set(true);
            Ok(None)
        }
    };
    scratch.keep();
    m
}
#[retic_macros::methods]
impl Scanner {
    #[py("match($self, /)")]
    fn match_method(cx: &mut Cx, this: &Ref<Scanner>) -> PyResult<Option<Obj>> {
        scan(cx, this, Mode::Match)
    }
    #[py("search($self, /)")]
    fn search_method(cx: &mut Cx, this: &Ref<Scanner>) -> PyResult<Option<Obj>> {
        scan(cx, this, Mode::Search)
    }
    #[get("pattern")]
    fn pattern_get(cx: &mut Cx, this: &Ref<Scanner>) -> Ref<Pattern> {
        this.pattern.cloned(cx)
    }
}

#[retic_macros::methods]
mod functions {
    //! Support for regular expressions.
    use super::*;

    #[py("compile(pattern, flags, code, groups, groupindex, indexgroup)")]
    pub fn compile(cx: &mut Cx, pattern: &Obj, flags: i64, code: &Ref<List>, groups: usize, groupindex: &Ref<Dict>, indexgroup: &Ref<Tuple>) -> PyResult {
        let mut words = Vec::new();
        for w in code.to_vec(cx) {
            match int::to_u64(&w).and_then(|v| u32::try_from(v).ok()) {
                Some(v) => words.push(v),
                None => return Err(cx.overflow_error("regular expression code size limit exceeded")),
            }
        }
        let Some(program) = (if groups < 1 << 24 { Program::new(&words, groups) } else { None }) else {
            return Err(cx.runtime_error("invalid SRE code"));
        };
        let ty = cx.native_type("re.Pattern");
        let (pattern, groupindex, indexgroup) = (pattern.clone(), groupindex.as_obj().clone(), indexgroup.as_obj().clone());
        let any = pattern.is_none();
        let bytes = pattern.cast::<Str>().is_none();
        Ok(memory::new(cx, &ty, |head| Pattern {
            head,
            program: Hidden(Late::new(program)),
            words: Hidden(words),
            pattern: Guarded::new(pattern),
            flags: Cell::new(flags),
            groups: Cell::new(groups),
            groupindex: Guarded::new(groupindex),
            indexgroup: Guarded::new(indexgroup),
            bytes: Cell::new(bytes),
            any: Cell::new(any),
        })?
        .into_obj())
    }
    #[py("getcodesize()")]
    pub fn getcodesize(_cx: &mut Cx) -> i64 {
        4
    }
    #[py("ascii_iscased(character, /)")]
    pub fn ascii_iscased(_cx: &mut Cx, character: i64) -> bool {
        (0..128).contains(&character) && (character as u8).is_ascii_alphabetic()
    }
    #[py("unicode_iscased(character, /)")]
    pub fn unicode_iscased(_cx: &mut Cx, character: i64) -> bool {
        let c = character as u32;
        let (mut l, mut u) = (Vec::new(), Vec::new());
        retic_unicode::lower(c, &mut l);
        retic_unicode::upper(c, &mut u);
        l != [c] || u != [c]
    }
    #[py("ascii_tolower(character, /)")]
    pub fn ascii_tolower(_cx: &mut Cx, character: i64) -> i64 {
        i64::from(lower_ascii(character as u32))
    }
    #[py("unicode_tolower(character, /)")]
    pub fn unicode_tolower(_cx: &mut Cx, character: i64) -> i64 {
        i64::from(lower_unicode(character as u32))
    }
    #[py("template(pattern, template, /)")]
    pub fn template(cx: &mut Cx, pattern: &Obj, template: &Ref<List>) -> PyResult {
        let _ = pattern;
        let mut parts = Vec::new();
        for (i, part) in template.to_vec(cx).into_iter().enumerate() {
            let empty = part.cast::<Str>().is_some_and(|s| s.is_empty()) || part.cast::<Bytes>().is_some_and(|b| b.bytes().is_empty());
            if i % 2 == 1 || !empty {
                parts.push(part);
            }
        }
        let first = template.to_vec(cx).first().cloned();
        if parts.iter().all(|p| int::to_i64(p).is_none()) {
            return Ok(first.unwrap_or_else(|| cx.none()));
        }
        let parts = cx.tuple(parts)?;
        let ty = cx.native_type("re._ReplacementTemplate");
        Ok(memory::new(cx, &ty, |head| Template { head, parts: Guarded::new(parts) })?.into_obj())
    }
}

pub fn make(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "_sre", functions::DOC, functions::FUNCTIONS)?;
    for (name, v) in [("MAGIC", i64::from(retic_regex::MAGIC)), ("CODESIZE", 4), ("MAXREPEAT", i64::from(u32::MAX)), ("MAXGROUPS", i64::from(u32::MAX) / 2)] {
        m.set_int(cx, name, v)?;
    }
    m.add_type(cx, &pattern_spec())?;
    m.add_type(cx, &match_spec())?;
    m.add_type(cx, &Spec { flags: flags::GC | flags::NO_NEW, methods: Scanner::METHODS, getset: Scanner::GETSET, ..Spec::new::<Scanner>("_sre.SRE_Scanner") })?;
    m.add_type(cx, &Spec { flags: flags::GC | flags::NO_NEW, ..Spec::new::<Template>("re._ReplacementTemplate") })?;
    Ok(m.into_obj())
}
