//! `itertools`: iterators as building blocks. One layout holds the state of all of them; each class has its own step.

use retic_runtime::native::MethodDef;
use retic_runtime::object::{Buf, Guarded};
use retic_runtime::types::type_::flags;
use retic_runtime::types::{Slots, Spec, Str, Tuple, Type, int, module};
use retic_runtime::{Args, Cx, Obj, PyResult, Ref, layout, memory, protocol};
use std::cell::Cell;

layout! {
    /// The state of an iterator: iterators or pools it draws from, a function or saved value, positions, counters.
    pub struct Itertool = 220, "itertools.chain" {
        sources: Guarded<Buf<Obj>>,
        function: Guarded<Option<Obj>>,
        value: Guarded<Option<Obj>>,
        extra: Guarded<Option<Obj>>,
        indices: Guarded<Buf<usize>>,
        n: Cell<i64>,
        m: Cell<i64>,
        step: Cell<i64>,
        flag: Cell<bool>,
        done: Cell<bool>,
    }
}

type It = Ref<Itertool>;

fn it(o: &Obj) -> &It {
    o.cast::<Itertool>().expect("slots of these classes are reached through them only")
}
fn make(cx: &Cx, ty: &Type, sources: Vec<Obj>) -> PyResult<It> {
    let mut buf = Buf::empty();
    for s in sources {
        buf.push(cx, s)?;
    }
    memory::new(cx, ty, |head| Itertool {
        head,
        sources: Guarded::new(buf),
        function: Guarded::new(None),
        value: Guarded::new(None),
        extra: Guarded::new(None),
        indices: Guarded::new(Buf::empty()),
        n: Cell::new(0),
        m: Cell::new(0),
        step: Cell::new(0),
        flag: Cell::new(false),
        done: Cell::new(false),
    })
}
fn source(cx: &Cx, t: &It, i: usize) -> Option<Obj> {
    t.sources.get(cx).get(i).cloned()
}
fn next_of(cx: &mut Cx, t: &It, i: usize) -> PyResult<Option<Obj>> {
    match source(cx, t, i) {
        Some(s) => protocol::next(cx, &s),
        None => Ok(None),
    }
}
fn iters(cx: &mut Cx, list: &[Obj]) -> PyResult<Vec<Obj>> {
    list.iter().map(|o| protocol::iter(cx, o)).collect()
}
/// An optional argument by position or name.
fn arg(cx: &Cx, args: &Args<'_>, i: usize, name: &str) -> Option<Obj> {
    args.positional().get(i).or(args.keyword(cx, name)).cloned()
}
/// Refuses arguments that a class does not take. The names in order, of which so many may be given by position.
fn fits(cx: &Cx, args: &Args<'_>, function: &str, names: &[&str], positional: usize) -> PyResult<()> {
    let plural = if names.len() == 1 { "" } else { "s" };
    let (all, first) = (args.items.len(), args.positional().len());
    if all > names.len() {
        return Err(cx.type_error(format!("{function}() takes at most {} argument{plural} ({all} given)", names.len())));
    }
    if first > positional {
        return Err(cx.type_error(format!("{function}() takes at most {positional} positional arguments ({first} given)")));
    }
    for (key, _) in args.keywords() {
        let key = key.cast::<Str>().map_or_else(String::new, |k| k.to_text(cx));
        if !names.contains(&key.as_str()) {
            let hint = retic_runtime::suggestions::hint(&key, names.iter().copied());
            return Err(cx.type_error(format!("{function}() got an unexpected keyword argument '{key}'{hint}")));
        }
    }
    Ok(())
}
fn needed(cx: &Cx, args: &Args<'_>, i: usize, name: &str, function: &str) -> PyResult {
    arg(cx, args, i, name).ok_or_else(|| cx.type_error(format!("{function}() missing required argument '{name}' (pos {})", i + 1)))
}
fn count_arg(cx: &mut Cx, o: &Obj, what: &str) -> PyResult<i64> {
    let n = protocol::index_i64(cx, o)?;
    if n < 0 { Err(cx.value_error(format!("{what} must be non-negative"))) } else { Ok(n) }
}
/// Rounds of a short loop between two polls.
const POLL_ROUNDS: usize = 4096;
fn indices(cx: &mut Cx, t: &It, list: impl Iterator<Item = usize>) -> PyResult<()> {
    let mut b = Buf::with_capacity(cx, list.size_hint().0)?;
    for (k, i) in list.enumerate() {
        b.push(cx, i)?;
        if k % POLL_ROUNDS == POLL_ROUNDS - 1 {
            cx.poll_native()?;
        }
    }
    t.indices.set(cx, b);
    Ok(())
}

fn accumulate_next(cx: &mut Cx, o: &Obj) -> PyResult<Option<Obj>> {
    let t = it(o);
    if let Some(first) = t.extra.replace(cx, None) {
        t.value.set(cx, Some(first.clone()));
        return Ok(Some(first));
    }
    let Some(v) = next_of(cx, t, 0)? else { return Ok(None) };
    let total = match t.value.cloned(cx) {
        None => v,
        Some(total) => match t.function.cloned(cx) {
            Some(f) => protocol::call(cx, &f, &[total, v])?,
            None => protocol::binary(cx, &total, &v, retic_runtime::types::type_::Op::Add)?,
        },
    };
    t.value.set(cx, Some(total.clone()));
    Ok(Some(total))
}

fn chain_next(cx: &mut Cx, o: &Obj) -> PyResult<Option<Obj>> {
    let t = it(o);
    loop {
        if let Some(active) = t.value.cloned(cx) {
            if let Some(v) = protocol::next(cx, &active)? {
                return Ok(Some(v));
            }
            t.value.set(cx, None);
        }
        if t.done.get() {
            return Ok(None);
        }
        let Some(iterable) = next_of(cx, t, 0)? else {
            t.done.set(true);
            return Ok(None);
        };
        let active = protocol::iter(cx, &iterable).inspect_err(|_| t.done.set(true))?;
        t.value.set(cx, Some(active));
        cx.poll_native()?;
    }
}

/// A tuple of the pool's items at the indices.
fn picked(cx: &mut Cx, t: &It, count: usize) -> PyResult<Option<Obj>> {
    let (pool, indices) = (t.sources.get(cx), t.indices.get(cx));
    Tuple::with(cx, count, |i| pool[indices[i]].clone()).map(Some)
}

fn combinations_next(cx: &mut Cx, o: &Obj, repeat: bool) -> PyResult<Option<Obj>> {
    let t = it(o);
    let (n, r) = (t.sources.get(cx).len(), t.n.get() as usize);
    if t.done.get() {
        return Ok(None);
    }
    if !t.flag.replace(true) {
        return picked(cx, t, r);
    }
    let ix = t.indices.get_mut(cx);
    let limit = |i: usize| if repeat { n - 1 } else { i + n - r };
    let Some(i) = (0..r).rev().find(|i| ix[*i] != limit(*i)) else {
        t.done.set(true);
        return Ok(None);
    };
    ix[i] += 1;
    for j in i + 1..r {
        ix[j] = if repeat { ix[i] } else { ix[j - 1] + 1 };
    }
    picked(cx, t, r)
}

fn permutations_next(cx: &mut Cx, o: &Obj) -> PyResult<Option<Obj>> {
    let t = it(o);
    let (n, r) = (t.sources.get(cx).len(), t.n.get() as usize);
    if t.done.get() {
        return Ok(None);
    }
    if !t.flag.replace(true) {
        return picked(cx, t, r);
    }
    // The first n numbers are the order, the r behind them the cycles.
    let ix = t.indices.get_mut(cx);
    for i in (0..r).rev() {
        ix[n + i] -= 1;
        if ix[n + i] == 0 {
            ix[i..n].rotate_left(1);
            ix[n + i] = n - i;
        } else {
            let j = n - ix[n + i];
            ix.swap(i, j);
            return picked(cx, t, r);
        }
    }
    t.done.set(true);
    Ok(None)
}

fn product_next(cx: &mut Cx, o: &Obj) -> PyResult<Option<Obj>> {
    let t = it(o);
    if t.done.get() {
        return Ok(None);
    }
    let pools = t.sources.get(cx);
    let len = |p: &Obj| p.cast::<Tuple>().map_or(0, |t| t.items().len());
    if t.flag.replace(true) {
        let mut i = pools.len();
        loop {
            if i == 0 {
                t.done.set(true);
                return Ok(None);
            }
            i -= 1;
            let next = t.indices.get(cx)[i] + 1;
            let wraps = next >= len(&t.sources.get(cx)[i]);
            t.indices.get_mut(cx)[i] = if wraps { 0 } else { next };
            if !wraps {
                break;
            }
        }
    } else if pools.iter().any(|p| len(p) == 0) {
        t.done.set(true);
        return Ok(None);
    }
    let (pools, indices) = (t.sources.get(cx), t.indices.get(cx));
    // Every pool is a tuple.
    Tuple::with(cx, pools.len(), |i| pools[i].cast::<Tuple>().map_or_else(|| cx.none(), |p| p.items()[indices[i]].clone())).map(Some)
}

fn count_next(cx: &mut Cx, o: &Obj) -> PyResult<Option<Obj>> {
    let t = it(o);
    if !t.flag.get() {
        let v = t.n.get();
        if let Some(next) = v.checked_add(t.step.get()) {
            t.n.set(next);
            return cx.int(v).map(Some);
        }
        t.flag.set(true);
        let (v, s) = (cx.int(v)?, cx.int(t.step.get())?);
        t.value.set(cx, Some(v));
        t.extra.set(cx, Some(s));
    }
    let (Some(v), Some(s)) = (t.value.cloned(cx), t.extra.cloned(cx)) else { return Ok(None) };
    let next = protocol::binary(cx, &v, &s, retic_runtime::types::type_::Op::Add)?;
    t.value.set(cx, Some(next));
    Ok(Some(v))
}

fn cycle_next(cx: &mut Cx, o: &Obj) -> PyResult<Option<Obj>> {
    let t = it(o);
    if let Some(i) = t.value.cloned(cx) {
        if let Some(v) = protocol::next(cx, &i)? {
            let mut saved = t.sources.replace(cx, Buf::empty());
            let r = saved.push(cx, v.clone());
            t.sources.replace(cx, saved);
            r?;
            return Ok(Some(v));
        }
        t.value.set(cx, None);
    }
    let n = t.sources.get(cx).len();
    if n == 0 {
        return Ok(None);
    }
    let i = t.n.get() as usize;
    let i = if i < n { i } else { 0 };
    t.n.set(i as i64 + 1);
    Ok(source(cx, t, i))
}

fn islice_next(cx: &mut Cx, o: &Obj) -> PyResult<Option<Obj>> {
    let t = it(o);
    // n: the next index wanted, m: the stop (negative: none), indices[0]: how many were drawn.
    if t.done.get() {
        return Ok(None);
    }
    let (want, stop) = (t.n.get(), t.m.get());
    let mut drawn = t.indices.get(cx)[0] as i64;
    while drawn < want {
        drawn += 1;
        t.indices.get_mut(cx)[0] = drawn as usize;
        match next_of(cx, t, 0)? {
            Some(v) => cx.release(v),
            None => {
                t.done.set(true);
                return Ok(None);
            }
        }
        cx.poll_native()?;
    }
    if stop >= 0 && want >= stop {
        t.done.set(true);
        t.sources.set(cx, Buf::empty());
        return Ok(None);
    }
    t.indices.get_mut(cx)[0] = drawn as usize + 1;
    let next = want.saturating_add(t.step.get());
    // No more are drawn behind the last than lie before the stop.
    t.n.set(if stop >= 0 { next.min(stop) } else { next });
    match next_of(cx, t, 0)? {
        Some(v) => Ok(Some(v)),
        None => {
            t.done.set(true);
            Ok(None)
        }
    }
}

fn zip_longest_next(cx: &mut Cx, o: &Obj) -> PyResult<Option<Obj>> {
    let t = it(o);
    let n = t.sources.get(cx).len();
    if n == 0 || t.n.get() == 0 {
        return Ok(None);
    }
    let fill = t.value.cloned(cx).unwrap_or_else(|| cx.none());
    let mut items = Vec::with_capacity(n);
    for i in 0..n {
        let Some(s) = source(cx, t, i) else { continue };
        if s.is_none() {
            items.push(fill.clone());
            continue;
        }
        match protocol::next(cx, &s)? {
            Some(v) => items.push(v),
            None => {
                t.n.set(t.n.get() - 1);
                if t.n.get() == 0 {
                    return Ok(None);
                }
                let none = cx.none();
                let old = std::mem::replace(&mut t.sources.get_mut(cx)[i], none);
                cx.release(old);
                items.push(fill.clone());
            }
        }
    }
    cx.tuple(items).map(Some)
}

fn groupby_step(cx: &mut Cx, t: &It) -> PyResult<bool> {
    let Some(v) = next_of(cx, t, 0)? else { return Ok(false) };
    let key = match t.function.cloned(cx) {
        Some(f) => protocol::call(cx, &f, std::slice::from_ref(&v))?,
        None => v.clone(),
    };
    t.extra.set(cx, Some(v));
    t.value.set(cx, Some(key));
    Ok(true)
}
fn groupby_next(cx: &mut Cx, o: &Obj) -> PyResult<Option<Obj>> {
    let t = it(o);
    t.m.set(t.m.get() + 1);
    // sources[1]: the key of the group handed out last.
    loop {
        match (t.value.cloned(cx), source(cx, t, 1)) {
            (Some(key), Some(target)) if !protocol::equal(cx, &key, &target)? => break,
            (Some(_), None) => break,
            _ => {
                if !groupby_step(cx, t)? {
                    return Ok(None);
                }
            }
        }
        cx.poll_native()?;
    }
    let Some(key) = t.value.cloned(cx) else { return Ok(None) };
    let mut sources = t.sources.replace(cx, Buf::empty());
    let old = if sources.len() > 1 { sources.pop() } else { None };
    sources.push(cx, key.clone())?;
    t.sources.replace(cx, sources);
    cx.release(old);
    let ty = cx.native_type("itertools._grouper");
    let g = make(cx, &ty, vec![o.clone(), key.clone()])?;
    g.m.set(t.m.get());
    cx.tuple_of([key, g.into_obj()]).map(Some)
}
fn grouper_next(cx: &mut Cx, o: &Obj) -> PyResult<Option<Obj>> {
    let g = it(o);
    let (Some(parent), Some(target)) = (source(cx, g, 0), source(cx, g, 1)) else { return Ok(None) };
    let t = it(&parent);
    if t.m.get() != g.m.get() {
        return Ok(None);
    }
    if t.extra.get(cx).is_none() && !groupby_step(cx, t)? {
        return Ok(None);
    }
    let Some(key) = t.value.cloned(cx) else { return Ok(None) };
    if !protocol::equal(cx, &key, &target)? {
        return Ok(None);
    }
    Ok(t.extra.replace(cx, None))
}

/// Values that a link of the chain under `tee` holds, as CPython's.
const LINK: usize = 57;

fn tee_next(cx: &mut Cx, o: &Obj) -> PyResult<Option<Obj>> {
    let t = it(o);
    // value and n: the link of the shared chain that this iterator stands at, and how many of its values it gave. A link
    // has the source, behind it the values that are known, in `extra` the link behind it once it is full.
    let Some(mut link) = t.value.cloned(cx) else { return Ok(None) };
    if t.n.get() as usize == LINK {
        link = match it(&link).extra.cloned(cx) {
            Some(next) => next,
            None => {
                let Some(src) = source(cx, it(&link), 0) else { return Ok(None) };
                let next = tee_link(cx, src)?;
                it(&link).extra.set(cx, Some(next.clone()));
                next
            }
        };
        t.value.set(cx, Some(link.clone()));
        t.n.set(0);
    }
    let (l, at) = (it(&link), t.n.get() as usize + 1);
    if at == l.sources.get(cx).len() {
        // While the next value is on its way, whoever asks for it too is refused.
        if l.flag.replace(true) {
            return Err(cx.runtime_error("cannot re-enter the tee iterator"));
        }
        let next = next_of(cx, l, 0);
        l.flag.set(false);
        let Some(v) = next? else { return Ok(None) };
        l.sources.get_mut(cx).push_in_place(v);
    }
    let v = source(cx, l, at);
    t.n.set(at as i64);
    Ok(v)
}
fn tee_link(cx: &mut Cx, source: Obj) -> PyResult {
    let ty = cx.native_type("itertools._tee_dataobject");
    let l = make(cx, &ty, Vec::new())?;
    let mut room = Buf::with_capacity(cx, LINK + 1)?;
    room.push_in_place(source);
    l.sources.set(cx, room);
    Ok(l.into_obj())
}
/// An iterator that stands behind the first `n` values of a link.
fn tee_over(cx: &mut Cx, link: Option<Obj>, n: i64) -> PyResult {
    let ty = cx.native_type("itertools._tee");
    let t = make(cx, &ty, Vec::new())?;
    t.value.set(cx, link);
    t.n.set(n);
    Ok(t.into_obj())
}
fn tee_copy(cx: &mut Cx, t: &It) -> PyResult {
    let link = t.value.cloned(cx);
    tee_over(cx, link, t.n.get())
}
fn tee_start(cx: &mut Cx, iterable: &Obj) -> PyResult {
    let source = protocol::iter(cx, iterable)?;
    if std::ptr::eq(source.ty(), &*cx.native_type("itertools._tee")) {
        return tee_copy(cx, it(&source));
    }
    let link = tee_link(cx, source)?;
    tee_over(cx, Some(link), 0)
}

#[retic_macros::methods]
mod functions {
    //! Functional tools for creating and using iterators.
    use super::*;

    /// Returns a tuple of n independent iterators.
    #[py("tee(iterable, n=2, /)")]
    pub fn tee(cx: &mut Cx, iterable: &Obj, n: i64) -> PyResult {
        if n < 0 {
            return Err(cx.value_error("n must be >= 0"));
        }
        protocol::check_size(cx, n as usize, 64, 1)?;
        let mut out = Vec::new();
        if n > 0 {
            let first = tee_start(cx, iterable)?;
            let t = it(&first).clone();
            out.push(first);
            for _ in 1..n {
                out.push(tee_copy(cx, &t)?);
            }
        }
        cx.tuple(out)
    }
}

struct ChainMethods;
#[retic_macros::methods]
impl ChainMethods {
    /// Alternative chain() constructor taking a single iterable argument that evaluates lazily.
    #[py("from_iterable($type, iterable, /)")]
    fn from_iterable(cx: &mut Cx, class: &Obj, iterable: &Obj) -> PyResult {
        let i = protocol::iter(cx, iterable)?;
        let Some(ty) = class.cast::<Type>().cloned() else { return Ok(cx.none()) };
        Ok(make(cx, &ty, vec![i])?.into_obj())
    }
    /// See PEP 585
    #[py("__class_getitem__($type, object, /)")]
    fn class_getitem(cx: &mut Cx, cls: &Obj, object: &Obj) -> PyResult {
        retic_runtime::types::generic::alias(cx, cls, object)
    }
}
struct TeeMethods;
#[retic_macros::methods]
impl TeeMethods {
    /// Returns an independent iterator.
    #[py("__copy__($self, /)")]
    fn copy(cx: &mut Cx, this: &Ref<Itertool>) -> PyResult {
        tee_copy(cx, this)
    }
}
struct RepeatMethods;
#[retic_macros::methods]
impl RepeatMethods {
    /// Private method returning an estimate of len(list(it)).
    #[py("__length_hint__($self, /)")]
    fn length_hint(cx: &mut Cx, this: &Ref<Itertool>) -> PyResult<i64> {
        if this.n.get() < 0 { Err(cx.type_error("len() of unsized object")) } else { Ok(this.n.get()) }
    }
}

type New = fn(&mut Cx, &Ref<Type>, Args<'_>) -> PyResult;
type Next = fn(&mut Cx, &Obj) -> PyResult<Option<Obj>>;

fn spec(name: &'static str, doc: &'static str, new: New, next: Next, methods: &'static [MethodDef]) -> Spec {
    Spec {
        doc,
        flags: flags::GC | flags::BASE,
        slots: Slots { new: Some(new), init: None, iter: Some(|_, o| Ok(o.clone())), next: Some(next), ..Slots::EMPTY },
        methods,
        text_signature: signature(name),
        ..Spec::new::<Itertool>(name)
    }
}

/// What `inspect.signature` is told of a class; nothing of `repeat` and `islice`, whose calls have no one form.
fn signature(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or(name) {
        "accumulate" => "(iterable, func=None, *, initial=None)",
        "batched" => "(iterable, n, *, strict=False)",
        "chain" => "(*iterables)",
        "combinations" | "combinations_with_replacement" => "(iterable, r)",
        "compress" => "(data, selectors)",
        "count" => "(start=0, step=1)",
        "cycle" | "pairwise" | "_tee" => "(iterable, /)",
        "dropwhile" | "takewhile" => "(predicate, iterable, /)",
        "filterfalse" | "starmap" => "(function, iterable, /)",
        "groupby" => "(iterable, key=None)",
        "permutations" => "(iterable, r=None)",
        "product" => "(*iterables, repeat=1)",
        "zip_longest" => "(*iterables, fillvalue=None)",
        _ => "",
    }
}

/// A pool of an iterable's items with `r` of them asked for.
fn pool(cx: &mut Cx, ty: &Ref<Type>, args: &Args<'_>, function: &str, optional: bool) -> PyResult<(It, usize, usize)> {
    fits(cx, args, function, &["iterable", "r"], 2)?;
    let iterable = needed(cx, args, 0, "iterable", function)?;
    let items = protocol::collect(cx, &iterable)?;
    let n = items.len();
    let r = match arg(cx, args, 1, "r") {
        Some(r) if !(optional && r.is_none()) => count_arg(cx, &r, "r")? as usize,
        None if !optional => return Err(cx.type_error(format!("{function}() missing required argument 'r' (pos 2)"))),
        _ => n,
    };
    let t = make(cx, ty, items)?;
    t.n.set(r as i64);
    protocol::check_size(cx, r, 8, 1)?;
    Ok((t, n, r))
}

fn two(cx: &mut Cx, ty: &Ref<Type>, args: Args<'_>, class: &'static str) -> PyResult<It> {
    let name = class.trim_start_matches("itertools.");
    let args = args.for_init(cx, ty, &cx.native_type(class), name)?;
    let a = args.unpack(cx, name, 2, 2)?;
    let i = protocol::iter(cx, &a[1])?;
    let t = make(cx, ty, vec![i])?;
    t.function.set(cx, Some(a[0].clone()));
    Ok(t)
}
/// Whether the predicate of an iterator holds for a value.
fn holds(cx: &mut Cx, t: &It, v: &Obj) -> PyResult<bool> {
    match t.function.cloned(cx).filter(|f| !f.is_none()) {
        Some(f) => {
            let r = protocol::call(cx, &f, std::slice::from_ref(v))?;
            protocol::truth(cx, &r)
        }
        None => protocol::truth(cx, v),
    }
}

pub fn make_module(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "itertools", functions::DOC, functions::FUNCTIONS)?;
    let classes = [
        spec(
            "itertools.accumulate",
            "Return series of accumulated sums (or other binary function results).",
            |cx, ty, args| {
                fits(cx, &args, "accumulate", &["iterable", "func", "initial"], 2)?;
                let iterable = needed(cx, &args, 0, "iterable", "accumulate")?;
                let i = protocol::iter(cx, &iterable)?;
                let t = make(cx, ty, vec![i])?;
                let f = arg(cx, &args, 1, "func").filter(|f| !f.is_none());
                t.function.set(cx, f);
                let initial = args.keyword(cx, "initial").filter(|i| !i.is_none()).cloned();
                t.extra.set(cx, initial);
                Ok(t.into_obj())
            },
            accumulate_next,
            &[],
        ),
        spec(
            "itertools.batched",
            "Batch data into tuples of length n. The last batch may be shorter than n.",
            |cx, ty, args| {
                fits(cx, &args, "batched", &["iterable", "n", "strict"], 2)?;
                let (iterable, n) = (needed(cx, &args, 0, "iterable", "batched")?, needed(cx, &args, 1, "n", "batched")?);
                let n = protocol::index_i64(cx, &n)?;
                if n < 1 {
                    return Err(cx.value_error("n must be at least one"));
                }
                let strict = match args.keyword(cx, "strict") {
                    Some(s) => protocol::truth(cx, s)?,
                    None => false,
                };
                let i = protocol::iter(cx, &iterable)?;
                let t = make(cx, ty, vec![i])?;
                t.n.set(n);
                t.flag.set(strict);
                Ok(t.into_obj())
            },
            |cx, o| {
                let t = it(o);
                let mut items = Vec::with_capacity(t.n.get().min(64) as usize);
                while (items.len() as i64) < t.n.get()
                    && let Some(v) = next_of(cx, t, 0)?
                {
                    items.push(v);
                    cx.poll_native()?;
                }
                if items.is_empty() {
                    return Ok(None);
                }
                if t.flag.get() && (items.len() as i64) < t.n.get() {
                    return Err(cx.value_error("batched(): incomplete batch"));
                }
                cx.tuple(items).map(Some)
            },
            &[],
        ),
        spec(
            "itertools.chain",
            "Return a chain object whose .__next__() method returns elements from the first iterable until it is exhausted, then elements from the next iterable, until all of the iterables are exhausted.",
            |cx, ty, args| {
                let args = args.for_init(cx, ty, &cx.native_type("itertools.chain"), "chain")?;
                let all = cx.tuple(args.items.to_vec())?;
                let i = protocol::iter(cx, &all)?;
                Ok(make(cx, ty, vec![i])?.into_obj())
            },
            chain_next,
            ChainMethods::METHODS,
        ),
        spec(
            "itertools.combinations",
            "Return successive r-length combinations of elements in the iterable.",
            |cx, ty, args| {
                let (t, n, r) = pool(cx, ty, &args, "combinations", false)?;
                // More than there are: none is ever drawn.
                protocol::check_size(cx, r, size_of::<usize>(), 1)?;
                indices(cx, &t, 0..if r > n { 0 } else { r })?;
                t.done.set(r > n);
                Ok(t.into_obj())
            },
            |cx, o| combinations_next(cx, o, false),
            &[],
        ),
        spec(
            "itertools.combinations_with_replacement",
            "Return successive r-length combinations of elements in the iterable allowing individual elements to have successive repeats.",
            |cx, ty, args| {
                let (t, n, r) = pool(cx, ty, &args, "combinations_with_replacement", false)?;
                indices(cx, &t, std::iter::repeat_n(0, r))?;
                t.done.set(n == 0 && r > 0);
                Ok(t.into_obj())
            },
            |cx, o| combinations_next(cx, o, true),
            &[],
        ),
        spec(
            "itertools.compress",
            "Return data elements corresponding to true selector elements.",
            |cx, ty, args| {
                fits(cx, &args, "compress", &["data", "selectors"], 2)?;
                let (d, s) = (needed(cx, &args, 0, "data", "compress")?, needed(cx, &args, 1, "selectors", "compress")?);
                let both = iters(cx, &[d, s])?;
                Ok(make(cx, ty, both)?.into_obj())
            },
            |cx, o| {
                let t = it(o);
                loop {
                    let Some(v) = next_of(cx, t, 0)? else { return Ok(None) };
                    let Some(s) = next_of(cx, t, 1)? else { return Ok(None) };
                    if protocol::truth(cx, &s)? {
                        return Ok(Some(v));
                    }
                    cx.poll_native()?;
                }
            },
            &[],
        ),
        Spec {
            slots: Slots {
                repr: Some(|cx, o| {
                    let t = it(o);
                    let name = o.ty().short_name();
                    let text = if t.flag.get() {
                        let (v, s) = (t.value.cloned(cx).unwrap_or_else(|| cx.none()), t.extra.cloned(cx).unwrap_or_else(|| cx.none()));
                        let (v, one) = (protocol::repr_text(cx, &v)?, int::to_i64(&s) == Some(1) && s.cast::<retic_runtime::types::Int>().is_some());
                        if one { format!("{name}({v})") } else { format!("{name}({v}, {})", protocol::repr_text(cx, &s)?) }
                    } else if t.step.get() == 1 {
                        format!("{name}({})", t.n.get())
                    } else {
                        format!("{name}({}, {})", t.n.get(), t.step.get())
                    };
                    cx.str(&text)
                }),
                ..spec("", "", |cx, _, _| Ok(cx.none()), count_next, &[]).slots
            },
            ..spec("itertools.count", "Return a count object whose .__next__() method returns consecutive values.", |cx, _, _| Ok(cx.none()), count_next, &[])
        },
        spec(
            "itertools.cycle",
            "Return elements from the iterable until it is exhausted. Then repeat the sequence indefinitely.",
            |cx, ty, args| {
                let args = args.for_init(cx, ty, &cx.native_type("itertools.cycle"), "cycle")?;
                let a = args.unpack(cx, "cycle", 1, 1)?;
                let i = protocol::iter(cx, &a[0])?;
                let t = make(cx, ty, Vec::new())?;
                t.value.set(cx, Some(i));
                Ok(t.into_obj())
            },
            cycle_next,
            &[],
        ),
        spec(
            "itertools.dropwhile",
            "Drop items from the iterable while predicate(item) is true. Afterwards, return every element until the iterable is exhausted.",
            |cx, ty, args| Ok(two(cx, ty, args, "itertools.dropwhile")?.into_obj()),
            |cx, o| {
                let t = it(o);
                loop {
                    let Some(v) = next_of(cx, t, 0)? else { return Ok(None) };
                    if t.flag.get() || !holds(cx, t, &v)? {
                        t.flag.set(true);
                        return Ok(Some(v));
                    }
                    cx.poll_native()?;
                }
            },
            &[],
        ),
        spec(
            "itertools.filterfalse",
            "Return those items of iterable for which function(item) is false.",
            |cx, ty, args| Ok(two(cx, ty, args, "itertools.filterfalse")?.into_obj()),
            |cx, o| {
                let t = it(o);
                loop {
                    let Some(v) = next_of(cx, t, 0)? else { return Ok(None) };
                    if !holds(cx, t, &v)? {
                        return Ok(Some(v));
                    }
                    cx.poll_native()?;
                }
            },
            &[],
        ),
        spec(
            "itertools.groupby",
            "make an iterator that returns consecutive keys and groups from the iterable",
            |cx, ty, args| {
                fits(cx, &args, "groupby", &["iterable", "key"], 2)?;
                let iterable = needed(cx, &args, 0, "iterable", "groupby")?;
                let key = arg(cx, &args, 1, "key").filter(|k| !k.is_none());
                let i = protocol::iter(cx, &iterable)?;
                let t = make(cx, ty, vec![i])?;
                t.function.set(cx, key);
                Ok(t.into_obj())
            },
            groupby_next,
            &[],
        ),
        spec(
            "itertools.islice",
            "Return an iterator whose next() method returns selected values from an iterable.",
            |cx, ty, args| {
                let args = args.for_init(cx, ty, &cx.native_type("itertools.islice"), "islice")?;
                let a = args.unpack(cx, "islice", 2, 4)?.to_vec();
                let bad = |cx: &mut Cx, what: &str| {
                    cx.clear_error();
                    let text = match what {
                        "step" => "Step for islice() must be a positive integer or None.",
                        "stop" => "Stop argument for islice() must be None or an integer: 0 <= x <= sys.maxsize.",
                        _ => "Indices for islice() must be None or an integer: 0 <= x <= sys.maxsize.",
                    };
                    cx.value_error(text)
                };
                let mut number = |o: Option<&Obj>, default: i64, what: &str| -> PyResult<i64> {
                    match o.filter(|o| !o.is_none()) {
                        None => Ok(default),
                        Some(o) => match protocol::index_i64(cx, o) {
                            Ok(v) if v >= i64::from(what == "step") => Ok(v),
                            _ => Err(bad(cx, what)),
                        },
                    }
                };
                let (start, stop, step) =
                    if a.len() == 2 { (0, number(a.get(1), -1, "stop")?, 1) } else { (number(a.get(1), 0, "index")?, number(a.get(2), -1, "stop")?, number(a.get(3), 1, "step")?) };
                let i = protocol::iter(cx, &a[0])?;
                let t = make(cx, ty, vec![i])?;
                t.n.set(start);
                t.m.set(stop);
                t.step.set(step);
                indices(cx, &t, std::iter::once(0))?;
                Ok(t.into_obj())
            },
            islice_next,
            &[],
        ),
        spec(
            "itertools.pairwise",
            "Return an iterator of overlapping pairs taken from the input iterator.",
            |cx, ty, args| {
                let args = args.for_init(cx, ty, &cx.native_type("itertools.pairwise"), "pairwise")?;
                let a = args.unpack(cx, "pairwise", 1, 1)?;
                let i = protocol::iter(cx, &a[0])?;
                Ok(make(cx, ty, vec![i])?.into_obj())
            },
            |cx, o| {
                let t = it(o);
                let old = match t.value.cloned(cx) {
                    Some(v) => v,
                    None => match next_of(cx, t, 0)? {
                        Some(v) => v,
                        None => return Ok(None),
                    },
                };
                if t.value.get(cx).is_none() {
                    t.value.set(cx, Some(old.clone()));
                }
                let Some(new) = next_of(cx, t, 0)? else {
                    t.value.set(cx, None);
                    t.sources.set(cx, Buf::empty());
                    return Ok(None);
                };
                t.value.set(cx, Some(new.clone()));
                cx.tuple_of([old, new]).map(Some)
            },
            &[],
        ),
        spec(
            "itertools.permutations",
            "Return successive r-length permutations of elements in the iterable.",
            |cx, ty, args| {
                let (t, n, r) = pool(cx, ty, &args, "permutations", true)?;
                indices(cx, &t, (0..n).chain((0..r.min(n)).map(|i| n - i)))?;
                t.done.set(r > n);
                Ok(t.into_obj())
            },
            permutations_next,
            &[],
        ),
        spec(
            "itertools.product",
            "Cartesian product of input iterables.  Equivalent to nested for-loops.",
            |cx, ty, args| {
                if args.names.len() > 1 && !ty.is_heap() {
                    return Err(cx.type_error(format!("product() takes at most 1 keyword argument ({} given)", args.names.len())));
                }
                let named = Args { items: &args.items[args.positional().len()..], names: args.names };
                fits(cx, &named, "product", &["repeat"], 0)?;
                let repeat = match args.keyword(cx, "repeat") {
                    Some(r) => {
                        let n = protocol::index_i64(cx, r)?;
                        if n < 0 {
                            return Err(cx.value_error("repeat argument cannot be negative"));
                        }
                        n as usize
                    }
                    None => 1,
                };
                let mut pools = Vec::new();
                for a in args.positional() {
                    let items = protocol::collect(cx, a)?;
                    pools.push(cx.tuple(items)?);
                }
                if pools.len().checked_mul(repeat).is_none_or(|n| n > isize::MAX as usize / size_of::<usize>()) {
                    return Err(cx.overflow_error("repeat argument too large"));
                }
                protocol::check_size(cx, pools.len(), repeat, 16)?;
                let mut all = Vec::with_capacity(pools.len() * repeat);
                for k in 0..if pools.is_empty() { 0 } else { repeat } {
                    all.extend(pools.iter().cloned());
                    if k % POLL_ROUNDS == POLL_ROUNDS - 1 {
                        cx.poll_native()?;
                    }
                }
                let n = all.len();
                let t = make(cx, ty, all)?;
                indices(cx, &t, std::iter::repeat_n(0, n))?;
                Ok(t.into_obj())
            },
            product_next,
            &[],
        ),
        Spec {
            slots: Slots {
                repr: Some(|cx, o| {
                    let t = it(o);
                    let v = t.value.cloned(cx).unwrap_or_else(|| cx.none());
                    let v = protocol::repr_text(cx, &v)?;
                    let name = o.ty().short_name();
                    cx.str(&if t.n.get() < 0 { format!("{name}({v})") } else { format!("{name}({v}, {})", t.n.get()) })
                }),
                ..spec("", "", |cx, _, _| Ok(cx.none()), |_, _| Ok(None), &[]).slots
            },
            ..spec(
                "itertools.repeat",
                "create an iterator which returns the object for the specified number of times. If not specified, returns the object endlessly.",
                |cx, _, _| Ok(cx.none()),
                |_, _| Ok(None),
                RepeatMethods::METHODS,
            )
        },
        spec(
            "itertools.starmap",
            "Return an iterator whose values are returned from the function evaluated with an argument tuple taken from the given sequence.",
            |cx, ty, args| Ok(two(cx, ty, args, "itertools.starmap")?.into_obj()),
            |cx, o| {
                let t = it(o);
                let Some(v) = next_of(cx, t, 0)? else { return Ok(None) };
                let items = match v.cast::<Tuple>() {
                    Some(t) => t.items().to_vec(),
                    None => protocol::collect(cx, &v)?,
                };
                let Some(f) = t.function.cloned(cx) else { return Ok(None) };
                protocol::call(cx, &f, &items).map(Some)
            },
            &[],
        ),
        spec(
            "itertools.takewhile",
            "Return successive entries from an iterable as long as the predicate evaluates to true for each entry.",
            |cx, ty, args| Ok(two(cx, ty, args, "itertools.takewhile")?.into_obj()),
            |cx, o| {
                let t = it(o);
                if t.done.get() {
                    return Ok(None);
                }
                let Some(v) = next_of(cx, t, 0)? else { return Ok(None) };
                if holds(cx, t, &v)? {
                    return Ok(Some(v));
                }
                t.done.set(true);
                Ok(None)
            },
            &[],
        ),
        spec(
            "itertools.zip_longest",
            "Return a zip_longest object whose .__next__() method returns a tuple where the i-th element comes from the i-th iterable argument.",
            |cx, ty, args| {
                if args.keywords().any(|(k, _)| k.cast::<Str>().is_none_or(|k| !k.eq_str(cx, "fillvalue"))) {
                    return Err(cx.type_error("zip_longest() got an unexpected keyword argument"));
                }
                let all = iters(cx, args.positional())?;
                let n = all.len() as i64;
                let t = make(cx, ty, all)?;
                t.n.set(n);
                let fill = args.keyword(cx, "fillvalue").cloned();
                t.value.set(cx, fill);
                Ok(t.into_obj())
            },
            zip_longest_next,
            &[],
        ),
    ];
    for mut c in classes {
        match c.name {
            "itertools.count" => {
                c.slots.new = Some(|cx, ty, args| {
                    fits(cx, &args, "count", &["start", "step"], 2)?;
                    let (start, step) = (arg(cx, &args, 0, "start"), arg(cx, &args, 1, "step"));
                    let t = make(cx, ty, Vec::new())?;
                    for o in [&start, &step].into_iter().flatten() {
                        let s = o.ty().slots(cx);
                        if s.index.is_none() && s.float.is_none() && s.int.is_none() {
                            return Err(cx.type_error("a number is required"));
                        }
                    }
                    let (start, step) = (start.map_or_else(|| cx.int(0), Ok)?, step.map_or_else(|| cx.int(1), Ok)?);
                    let exact = |o: &Obj| o.shape() == retic_runtime::object::shape::INT;
                    if let (true, true, Some(a), Some(b)) = (exact(&start), exact(&step), int::to_i64(&start), int::to_i64(&step)) {
                        t.n.set(a);
                        t.step.set(b);
                    } else {
                        t.flag.set(true);
                        t.value.set(cx, Some(start));
                        t.extra.set(cx, Some(step));
                    }
                    Ok(t.into_obj())
                });
            }
            "itertools.repeat" => {
                c.slots.new = Some(|cx, ty, args| {
                    fits(cx, &args, "repeat", &["object", "times"], 2)?;
                    let v = needed(cx, &args, 0, "object", "repeat")?;
                    let n = match arg(cx, &args, 1, "times") {
                        Some(n) => protocol::index_i64(cx, &n)?.max(0),
                        None => -1,
                    };
                    let t = make(cx, ty, Vec::new())?;
                    t.value.set(cx, Some(v));
                    t.n.set(n);
                    Ok(t.into_obj())
                });
                c.slots.next = Some(|cx, o| {
                    let t = it(o);
                    match t.n.get() {
                        0 => return Ok(None),
                        n if n > 0 => t.n.set(n - 1),
                        _ => {}
                    }
                    Ok(t.value.cloned(cx))
                });
            }
            _ => {}
        }
        m.add_type(cx, &c)?;
    }
    m.add_type(cx, &spec("itertools._grouper", "", |cx, _, _| Err(cx.type_error("cannot create 'itertools._grouper' instances")), grouper_next, &[]))?;
    m.add_type(cx, &spec("itertools._tee_dataobject", "", |cx, _, _| Err(cx.type_error("cannot create 'itertools._tee_dataobject' instances")), |_, _| Ok(None), &[]))?;
    m.add_type(
        cx,
        &spec(
            "itertools._tee",
            "Iterator wrapped to make it copyable.",
            |cx, _, args| {
                let a = args.unpack(cx, "_tee", 1, 1)?;
                tee_start(cx, &a[0])
            },
            tee_next,
            TeeMethods::METHODS,
        ),
    )?;
    Ok(m.into_obj())
}
