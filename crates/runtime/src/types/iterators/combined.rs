//! Iterators over other iterators: `enumerate`, `zip`, `map`, `filter`, and `iter` of a callable.

use super::{Iter, rebuilt};
use crate::cx::{Cx, PyResult};
use crate::layout;
use crate::memory;
use crate::native::Args;
use crate::object::{Buf, Guarded, Header, Obj, Ref, shape};
use crate::protocol;
use crate::types::type_::{Op, flags};
use crate::types::{Slots, Spec, Tuple, Type, int};
use std::cell::Cell;

layout! {
    /// Iterators over iterators: `enumerate`, `zip`, `map`, `filter`.
    pub struct Combined = 24, "zip" { sources: Guarded<Buf<Obj>>, function: Guarded<Option<Obj>>, count: Cell<i64>, flag: Cell<bool>, result: Guarded<Option<Obj>>, }
}

fn combined(cx: &mut Cx, ty: &Type, iterables: &[Obj], function: Option<Obj>, count: i64, flag: bool) -> PyResult {
    let mut sources = Buf::empty();
    for o in iterables {
        let it = protocol::iter(cx, o)?;
        sources.push(cx, it)?;
    }
    Ok(memory::new(cx, ty, |head| Combined {
        head,
        sources: Guarded::new(sources),
        function: Guarded::new(function),
        count: Cell::new(count),
        flag: Cell::new(flag),
        result: Guarded::new(None),
    })?
    .into_obj())
}

impl Combined {
    /// The next index and item of an `enumerate` over a list or tuple, with counts of their own, when there is one and the index a
    /// machine integer: it moves on.
    #[inline(always)]
    pub(crate) fn next_counted(&self, cx: &Cx) -> Option<(*mut Header, *mut Header)> {
        let (count, source) = (self.count.get(), self.sources.get(cx).first()?);
        if self.function.get(cx).is_some() || count == i64::MAX || !Iter::has_quick_next(source) {
            return None;
        }
        // Where there is no memory the usual way says so.
        let n = quick_int(cx, count);
        let v = if n.is_null() { n } else { quick_item(source) };
        if v.is_null() {
            return None;
        }
        self.count.set(count + 1);
        Some((n, v))
    }
    /// The next items of a `zip` of two lists or tuples, with counts of their own, when both have one: they move on.
    #[inline(always)]
    pub(crate) fn next_two(&self, cx: &Cx) -> Option<(*mut Header, *mut Header)> {
        let [a, b] = &self.sources.get(cx)[..] else { return None };
        if a.is(b) || !Iter::has_quick_next(b) {
            return None;
        }
        let first = quick_item(a);
        if first.is_null() { None } else { Some((first, quick_item(b))) }
    }
    /// The pair shown last, when nobody else holds it.
    #[inline(always)]
    pub(crate) fn free_pair(&self, cx: &Cx) -> Option<*mut Header> {
        free_pair(self.result.get(cx))
    }
}
/// An int with a count of its own, or null: a function of its own, which leaves nothing to be dropped in handlers of the eval loop.
#[inline(never)]
fn quick_int(cx: &Cx, n: i64) -> *mut Header {
    match cx.int(n) {
        Ok(o) => crate::eval::give(o),
        Err(_) => {
            cx.forget_error();
            std::ptr::null_mut()
        }
    }
}

/// The next item of a list or tuple iterator with a count of its own, or null.
#[inline(always)]
fn quick_item(source: &Obj) -> *mut Header {
    let raw = source.as_ptr().as_ptr();
    // SAFETY: the shapes are compared; the item, which its container holds, gets a count.
    unsafe {
        let v = match source.shape() {
            shape::LIST_ITER => Iter::next_in_list(raw),
            shape::TUPLE_ITER => Iter::next_in_tuple(raw),
            _ => std::ptr::null_mut(),
        };
        if let Some(head) = v.as_ref()
            && head.count.get() >= 0
        {
            head.count.set(head.count.get() + 1);
        }
        v
    }
}

/// The tuple of an iterator, when nobody else holds it and it is a pair.
#[inline(always)]
pub(crate) fn free_pair(result: &Option<Obj>) -> Option<*mut Header> {
    let t = result.as_ref().filter(|t| t.count() == 1)?;
    (t.cast::<Tuple>()?.items().len() == 2).then(|| t.as_ptr().as_ptr())
}

fn part(o: &Obj) -> &Ref<Combined> {
    // SAFETY: O3, these slots are only reached through combined iterators.
    unsafe { o.cast_unchecked::<Combined>() }
}
fn source(cx: &Cx, o: &Obj, i: usize) -> Option<Obj> {
    part(o).sources.get(cx).get(i).cloned()
}

/// `iter(callable, sentinel)`.
pub fn until(cx: &mut Cx, callable: &Obj, sentinel: &Obj) -> PyResult {
    let ty = cx.types.callable_iterator.clone();
    let it = combined(cx, &ty, &[], Some(callable.clone()), 0, false)?;
    part(&it).result.set(cx, Some(sentinel.clone()));
    Ok(it)
}

#[retic_macros::methods]
impl Combined {
    /// Return state information for pickling.
    #[py("__reduce__($self, /)")]
    fn reduce(cx: &mut Cx, this: &Ref<Combined>) -> PyResult {
        let o = this.as_obj();
        let class = o.type_ref().into_obj();
        let mut args = this.sources.get(cx).to_vec();
        if o.ty().is_subtype(cx, &cx.types.callable_iterator) {
            return match (this.function.cloned(cx), this.result.cloned(cx)) {
                (Some(f), Some(sentinel)) => rebuilt(cx, "iter", vec![f, sentinel], None),
                _ => {
                    let empty = cx.tuple(Vec::new())?;
                    rebuilt(cx, "iter", vec![empty], None)
                }
            };
        }
        if o.ty().is_subtype(cx, &cx.types.enumerate) {
            args.push(match this.function.cloned(cx) {
                Some(big) => big,
                None => cx.int(this.count.get())?,
            });
        } else if let Some(f) = this.function.cloned(cx) {
            args.insert(0, f);
        }
        let mut items = vec![class, cx.tuple(args)?];
        if this.flag.get() {
            items.push(cx.bool(true));
        }
        cx.tuple(items)
    }
    /// Set state information for unpickling: whether it is strict.
    #[py("__setstate__($self, state, /)")]
    fn setstate(_cx: &mut Cx, this: &Ref<Combined>, state: bool) {
        this.flag.set(state);
    }
}

pub fn callable_spec() -> Spec {
    Spec {
        flags: flags::GC | flags::NO_NEW,
        slots: Slots {
            iter: Some(|_, o| Ok(o.clone())),
            next: Some(|cx, o| {
                let (Some(f), Some(s)) = (part(o).function.cloned(cx), part(o).result.cloned(cx)) else { return Ok(None) };
                let r = protocol::call(cx, &f, &[]);
                let stop = cx.types.stop_iteration.clone();
                let v = cx.swallow(r, &stop)?;
                match v {
                    // The function may have used the iterator up.
                    Some(v) if part(o).function.get(cx).is_some() && !protocol::equal(cx, &s, &v)? => Ok(Some(v)),
                    _ => {
                        part(o).function.set(cx, None);
                        Ok(None)
                    }
                }
            }),
            ..Slots::EMPTY
        },
        methods: Combined::METHODS,
        ..Spec::new::<Combined>("callable_iterator")
    }
}

/// The index of an enumeration, which moves on; beyond a machine word it is an object.
fn count_up(cx: &mut Cx, o: &Obj) -> PyResult {
    let it = part(o);
    if let Some(big) = it.function.cloned(cx) {
        let one = cx.int(1)?;
        let more = protocol::binary(cx, &big, &one, Op::Add)?;
        part(o).function.set(cx, Some(more));
        return Ok(big);
    }
    let i = it.count.get();
    let n = cx.int(i)?;
    match i.checked_add(1) {
        Some(next) => it.count.set(next),
        None => {
            let one = cx.int(1)?;
            let more = protocol::binary(cx, &n, &one, Op::Add)?;
            part(o).function.set(cx, Some(more));
        }
    }
    Ok(n)
}

/// The two arguments of `enumerate`, with the complaints of CPython.
fn enumerate_arguments(cx: &mut Cx, args: Args<'_>) -> PyResult<(Obj, Option<Obj>)> {
    let positional = args.positional();
    let (given, keywords) = (positional.len() + args.names.len(), args.names.len());
    if keywords > 2 || given > 2 {
        return Err(cx.type_error(format!("enumerate() takes at most 2 arguments ({given} given)")));
    }
    let mut found = [positional.first().cloned(), positional.get(1).cloned()];
    for (name, value) in args.keywords() {
        let text = name.cast::<crate::types::Str>().map(|s| s.to_text(cx)).unwrap_or_default();
        match ["iterable", "start"].iter().position(|n| *n == text) {
            Some(i) if found[i].is_none() => found[i] = Some(value.clone()),
            _ => return Err(cx.type_error(format!("'{text}' is an invalid keyword argument for enumerate()"))),
        }
    }
    let [Some(iterable), start] = found else { return Err(cx.type_error("enumerate() missing required argument 'iterable'")) };
    Ok((iterable, start))
}

struct Enumerate;
#[retic_macros::methods]
impl Enumerate {
    /// See PEP 585
    #[py("__class_getitem__($type, object, /)")]
    fn class_getitem(cx: &mut Cx, cls: &Obj, object: &Obj) -> PyResult {
        crate::types::generic::alias(cx, cls, object)
    }
}

pub fn enumerate_spec() -> Spec {
    Spec {
        doc: "Return an enumerate object.",
        text_signature: "(iterable, start=0)",
        flags: flags::GC | flags::BASE,
        slots: Slots {
            iter: Some(|_, o| Ok(o.clone())),
            next: Some(|cx, o| {
                let Some(s) = source(cx, o, 0) else { return Ok(None) };
                let Some(v) = protocol::next(cx, &s)? else { return Ok(None) };
                let n = count_up(cx, o)?;
                let last = part(o).result.cloned(cx);
                crate::types::tuple::pair_again(cx, last, n, v).map(Some)
            }),
            new: Some(|cx, ty, args| {
                let (iterable, start) = enumerate_arguments(cx, args)?;
                let start = match start {
                    Some(s) => Some(protocol::index(cx, &s)?),
                    None => None,
                };
                let n = start.as_ref().map_or(Some(0), int::to_i64);
                let it = combined(cx, ty, &[iterable], start.filter(|_| n.is_none()), n.unwrap_or(0), false)?;
                let pair = cx.tuple_of([cx.none(), cx.none()])?;
                part(&it).result.set(cx, Some(pair));
                Ok(it)
            }),
            ..Slots::EMPTY
        },
        methods: Combined::METHODS,
        more_methods: Enumerate::METHODS,
        ..Spec::new::<Combined>("enumerate")
    }
}

/// The only keyword of `zip` and `map`.
fn strict(cx: &mut Cx, args: Args<'_>, function: &str) -> PyResult<bool> {
    let mut strict = false;
    for (name, value) in args.keywords() {
        let text = name.cast::<crate::types::Str>().map(|s| s.to_text(cx)).unwrap_or_default();
        if text != "strict" {
            let hint = crate::suggestions::hint(&text, std::iter::once("strict"));
            return Err(cx.type_error(format!("{function}() got an unexpected keyword argument '{text}'{hint}")));
        }
        strict = protocol::truth(cx, value)?;
    }
    Ok(strict)
}

/// One value of a source, or `None` at the end of the shortest; a strict iterator wants all to end together.
fn draw(cx: &mut Cx, o: &Obj, i: usize, function: &str) -> PyResult<Option<Obj>> {
    // The source may be replaced while it runs.
    let Some(s) = source(cx, o, i) else { return Ok(None) };
    let v = protocol::next(cx, &s)?;
    if v.is_some() || !part(o).flag.get() {
        return Ok(v);
    }
    ended(cx, o, i, function)?;
    Ok(None)
}

/// Source `i` of a strict iterator is at its end: are the others?
#[cold]
fn ended(cx: &mut Cx, o: &Obj, i: usize, function: &str) -> PyResult<()> {
    let n = part(o).sources.get(cx).len();
    let mut complaint = (i, "shorter");
    if i == 0 {
        for j in 1..n {
            if let Some(x) = source(cx, o, j)
                && protocol::next(cx, &x)?.is_some()
            {
                complaint = (j, "longer");
                break;
            }
        }
    }
    let (at, how) = complaint;
    if at == 0 {
        return Ok(());
    }
    let range = if at == 1 { " 1".to_string() } else { format!("s 1-{at}") };
    Err(cx.value_error(format!("{function}() argument {} is {how} than argument{range}", at + 1)))
}

fn zip_next(cx: &mut Cx, o: &Obj) -> PyResult<Option<Obj>> {
    let n = part(o).sources.get(cx).len();
    if n == 0 {
        return Ok(None);
    }
    // The tuple of the last round is used again when nobody else holds it, as CPython does.
    if let Some(last) = part(o).result.cloned(cx) {
        if last.count() == 2 && last.cast::<Tuple>().is_some_and(|t| t.items().len() == n) {
            for i in 0..n {
                let Some(v) = draw(cx, o, i, "zip")? else { return Ok(None) };
                if !crate::types::tuple::replace_item(cx, &last, i, v.clone()) {
                    // Somebody found it through the collector: it stays as it is, and this round gets one of its own.
                    let mut items = last.cast::<Tuple>().map_or(Vec::new(), |t| t.items()[..i].to_vec());
                    items.push(v);
                    return zip_fresh(cx, o, items);
                }
            }
            return Ok(Some(last));
        }
        drop(last);
    }
    zip_fresh(cx, o, Vec::with_capacity(n))
}

/// Draws what is missing and makes a tuple of it.
fn zip_fresh(cx: &mut Cx, o: &Obj, mut items: Vec<Obj>) -> PyResult<Option<Obj>> {
    for i in items.len()..part(o).sources.get(cx).len() {
        match draw(cx, o, i, "zip")? {
            Some(v) => items.push(v),
            None => return Ok(None),
        }
    }
    cx.tuple(items).map(Some)
}

pub fn zip_spec() -> Spec {
    Spec {
        text_signature: "(*iterables, strict=False)",
        doc: "The zip object yields n-length tuples, where n is the number of iterables\npassed as positional arguments to zip().",
        flags: flags::GC | flags::BASE,
        slots: Slots {
            iter: Some(|_, o| Ok(o.clone())),
            next: Some(zip_next),
            new: Some(|cx, ty, args| {
                let strict = strict(cx, args, "zip")?;
                let ty = ty.clone();
                let it = combined(cx, &ty, args.positional(), None, 0, strict)?;
                let tuple = cx.tuple(vec![cx.none(); args.positional().len()])?;
                part(&it).result.set(cx, Some(tuple));
                Ok(it)
            }),
            ..Slots::EMPTY
        },
        methods: Combined::METHODS,
        ..Spec::new::<Combined>("zip")
    }
}

pub fn map_spec() -> Spec {
    Spec {
        text_signature: "(function, iterable, /, *iterables, strict=False)",
        doc: "Make an iterator that computes the function using arguments from\neach of the iterables.  Stops when the shortest iterable is exhausted.",
        flags: flags::GC | flags::BASE,
        slots: Slots {
            iter: Some(|_, o| Ok(o.clone())),
            next: Some(|cx, o| {
                let Some(f) = part(o).function.cloned(cx) else { return Ok(None) };
                let n = part(o).sources.get(cx).len();
                if n == 1 {
                    let Some(v) = draw(cx, o, 0, "map")? else { return Ok(None) };
                    let r = protocol::call(cx, &f, std::slice::from_ref(&v));
                    cx.release_with_error(v);
                    return r.map(Some);
                }
                let mut items = Vec::with_capacity(n);
                for i in 0..n {
                    match draw(cx, o, i, "map")? {
                        Some(v) => items.push(v),
                        None => return Ok(None),
                    }
                }
                protocol::call(cx, &f, &items).map(Some)
            }),
            new: Some(|cx, ty, args| {
                let strict = strict(cx, args, "map")?;
                let a = args.positional();
                if a.len() < 2 {
                    return Err(cx.type_error("map() must have at least two arguments."));
                }
                let ty = ty.clone();
                combined(cx, &ty, &a[1..], Some(a[0].clone()), 0, strict)
            }),
            ..Slots::EMPTY
        },
        methods: Combined::METHODS,
        ..Spec::new::<Combined>("map")
    }
}

pub fn filter_spec() -> Spec {
    Spec {
        text_signature: "(function, iterable, /)",
        doc: "Return an iterator yielding those items of iterable for which function(item)\nis true. If function is None, return the items that are true.",
        flags: flags::GC | flags::BASE,
        slots: Slots {
            iter: Some(|_, o| Ok(o.clone())),
            next: Some(|cx, o| {
                loop {
                    let Some(s) = source(cx, o, 0) else { return Ok(None) };
                    let Some(v) = protocol::next(cx, &s)? else { return Ok(None) };
                    let keep = match part(o).function.cloned(cx) {
                        Some(f) if !f.is_none() => {
                            let r = protocol::call(cx, &f, &[v.clone()])?;
                            protocol::truth(cx, &r)?
                        }
                        _ => protocol::truth(cx, &v)?,
                    };
                    if keep {
                        return Ok(Some(v));
                    }
                    cx.release(v);
                    cx.poll_native()?;
                }
            }),
            new: Some(|cx, ty, args| {
                let args = args.for_init(cx, ty, &cx.types.filter, "filter")?;
                let a = args.unpack(cx, "filter", 2, 2)?;
                let ty = ty.clone();
                combined(cx, &ty, &a[1..], Some(a[0].clone()), 0, false)
            }),
            ..Slots::EMPTY
        },
        methods: Combined::METHODS,
        ..Spec::new::<Combined>("filter")
    }
}
