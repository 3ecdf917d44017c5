//! Iterators over sequences, and `enumerate`, `zip`, `map`, `filter`, `reversed`.

use super::type_::flags;
use super::{List, Slots, Spec, Str, Tuple, Type};
use crate::cx::{Cx, PyResult};
use crate::layout;
use crate::memory;
use crate::object::{Buf, Guarded, Header, Obj, Ref};
use crate::protocol;
use std::cell::Cell;

layout! {
    /// A position in a sequence.
    pub struct Iter = 23, "iterator" { seq: Guarded<Option<Obj>>, at: Cell<usize>, }
}
layout! {
    /// Iterators over iterators: `enumerate`, `zip`, `map`, `filter`.
    pub struct Combined = 24, "zip" { sources: Guarded<Buf<Obj>>, function: Guarded<Option<Obj>>, count: Cell<i64>, flag: Cell<bool>, result: Guarded<Option<Obj>>, }
}

impl Iter {
    /// The next item of a list iterator, borrowed; null at the end.
    #[inline(always)]
    pub(crate) unsafe fn next_in_list(raw: *mut Header) -> *mut Header {
        // SAFETY: the shape says list iterator; the list is alive while the iterator holds it.
        unsafe {
            let it = &*raw.cast::<Iter>();
            let Some(l) = &*it.seq.as_ptr() else { return std::ptr::null_mut() };
            if l.ty().layout.get() != <List as crate::object::Layout>::ID {
                return std::ptr::null_mut();
            }
            let items = &*(*l.as_ptr().as_ptr().cast::<List>()).pub_items.as_ptr();
            let i = it.at.get();
            match items.get(i) {
                Some(v) => {
                    it.at.set(i + 1);
                    v.as_ptr().as_ptr()
                }
                None => std::ptr::null_mut(),
            }
        }
    }
}

pub fn over(cx: &Cx, ty: &Ref<Type>, seq: &Obj) -> PyResult {
    Ok(memory::new(cx, ty, |head| Iter { head, seq: Guarded::new(Some(seq.clone())), at: Cell::new(0) })?.into_obj())
}
pub fn backwards(cx: &Cx, seq: &Obj, n: usize) -> PyResult {
    Ok(memory::new(cx, &cx.types.list_reverse_iterator, |head| Iter { head, seq: Guarded::new(Some(seq.clone())), at: Cell::new(n) })?.into_obj())
}

fn next(cx: &mut Cx, o: &Obj) -> PyResult<Option<Obj>> {
    let Some(it) = o.cast::<Iter>() else { return Ok(None) };
    let Some(seq) = it.seq.cloned(cx) else { return Ok(None) };
    let mut i = it.at.get();
    if std::ptr::eq(o.ty(), &*cx.types.list_reverse_iterator) {
        if i == 0 {
            it.seq.set(cx, None);
            return Ok(None);
        }
        i -= 1;
        it.at.set(i);
        let key = cx.int(i as i64)?;
        let r = protocol::getitem(cx, &seq, &key);
        let stop = cx.types.index_error.clone();
        return cx.swallow(r, &stop);
    }
    let v = if let Some(l) = seq.cast::<List>() {
        l.items(cx).get(i).cloned()
    } else if let Some(t) = seq.cast::<Tuple>() {
        t.items().get(i).cloned()
    } else if let Some(s) = seq.cast::<Str>() {
        if i < s.len() { Some(cx.str_points(&[s.chars().get(i)])?) } else { None }
    } else if let Some(b) = seq.cast::<super::Bytes>() {
        match b.bytes().get(i) {
            Some(c) => Some(cx.int(i64::from(*c))?),
            None => None,
        }
    } else if let Some(s) = seq.cast::<super::Set>() {
        return match s.next_entry(cx, &mut i, it)? {
            Some(v) => {
                it.at.set(i);
                Ok(Some(v))
            }
            None => {
                it.seq.set(cx, None);
                Ok(None)
            }
        };
    } else {
        let key = cx.int(i as i64)?;
        let r = protocol::getitem(cx, &seq, &key);
        match r {
            Ok(v) => Some(v),
            Err(_) if cx.error_is(&cx.types.index_error) || cx.error_is(&cx.types.stop_iteration) => {
                cx.clear_error();
                None
            }
            Err(e) => return Err(e),
        }
    };
    match v {
        Some(v) => {
            it.at.set(i + 1);
            Ok(Some(v))
        }
        None => {
            drop(seq);
            it.seq.set(cx, None);
            Ok(None)
        }
    }
}

#[retic_macros::methods]
impl Iter {
    /// Private method returning an estimate of len(list(it)).
    #[py("__length_hint__($self, /)")]
    fn length_hint(cx: &mut Cx, this: &Ref<Iter>) -> PyResult<usize> {
        match this.seq.cloned(cx) {
            Some(s) => Ok(protocol::len(cx, &s)?.saturating_sub(this.at.get())),
            None => Ok(0),
        }
    }
}

pub fn spec(name: &'static str, shape: u32) -> Spec {
    Spec {
        flags: flags::GC | flags::NO_NEW,
        shape,
        slots: Slots { iter: Some(|_, o| Ok(o.clone())), next: Some(next), ..Slots::EMPTY },
        methods: Iter::METHODS,
        ..Spec::new::<Iter>(name)
    }
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
                    Some(v) if !protocol::equal(cx, &v, &s)? => Ok(Some(v)),
                    _ => {
                        part(o).function.set(cx, None);
                        Ok(None)
                    }
                }
            }),
            ..Slots::EMPTY
        },
        ..Spec::new::<Combined>("callable_iterator")
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
                let i = part(o).count.get();
                part(o).count.set(i + 1);
                let n = cx.int(i)?;
                cx.tuple(vec![n, v]).map(Some)
            }),
            new: Some(|cx, ty, args| {
                let start = args.keyword(cx, "start").or(args.positional().get(1)).cloned();
                let Some(x) = args.positional().first().or(args.keyword(cx, "iterable")) else {
                    return Err(cx.type_error("enumerate() missing required argument 'iterable' (pos 1)"));
                };
                let n = match start {
                    Some(s) => protocol::index_i64(cx, &s)?,
                    None => 0,
                };
                combined(cx, ty, std::slice::from_ref(x), None, n, false)
            }),
            ..Slots::EMPTY
        },
        ..Spec::new::<Combined>("enumerate")
    }
}

fn zip_next(cx: &mut Cx, o: &Obj) -> PyResult<Option<Obj>> {
    let n = part(o).sources.get(cx).len();
    if n == 0 {
        return Ok(None);
    }
    let mut items = Vec::with_capacity(n);
    for i in 0..n {
        let Some(s) = source(cx, o, i) else { return Ok(None) };
        match protocol::next(cx, &s)? {
            Some(v) => items.push(v),
            None => {
                if part(o).flag.get() {
                    if i > 0 {
                        let range = if i == 1 { " 1".to_string() } else { format!("s 1-{i}") };
                        return Err(cx.value_error(format!("zip() argument {} is shorter than argument{range}", i + 1)));
                    }
                    for j in 1..n {
                        if let Some(x) = source(cx, o, j)
                            && protocol::next(cx, &x)?.is_some()
                        {
                            let range = if j == 1 { " 1".to_string() } else { format!("s 1-{j}") };
                            return Err(cx.value_error(format!("zip() argument {} is longer than argument{range}", j + 1)));
                        }
                    }
                }
                return Ok(None);
            }
        }
    }
    // The tuple of the last round is used again when nobody else holds it, as CPython does.
    if let Some(last) = part(o).result.cloned(cx) {
        if last.count() == 2 && last.cast::<Tuple>().is_some_and(|t| t.items().len() == n) {
            super::tuple::refill(cx, &last, items);
            return Ok(Some(last));
        }
        drop(last);
    }
    let t = cx.tuple(items)?;
    part(o).result.set(cx, Some(t.clone()));
    Ok(Some(t))
}

pub fn zip_spec() -> Spec {
    Spec {
        doc: "The zip object yields n-length tuples, where n is the number of iterables\npassed as positional arguments to zip().",
        flags: flags::GC | flags::BASE,
        slots: Slots {
            iter: Some(|_, o| Ok(o.clone())),
            next: Some(zip_next),
            new: Some(|cx, ty, args| {
                let strict = match args.keyword(cx, "strict") {
                    Some(s) => protocol::truth(cx, s)?,
                    None => false,
                };
                let ty = ty.clone();
                combined(cx, &ty, args.positional(), None, 0, strict)
            }),
            ..Slots::EMPTY
        },
        ..Spec::new::<Combined>("zip")
    }
}

pub fn map_spec() -> Spec {
    Spec {
        doc: "Make an iterator that computes the function using arguments from\neach of the iterables.  Stops when the shortest iterable is exhausted.",
        flags: flags::GC | flags::BASE,
        slots: Slots {
            iter: Some(|_, o| Ok(o.clone())),
            next: Some(|cx, o| {
                let n = part(o).sources.get(cx).len();
                let mut items = Vec::with_capacity(n);
                for i in 0..n {
                    let Some(s) = source(cx, o, i) else { return Ok(None) };
                    match protocol::next(cx, &s)? {
                        Some(v) => items.push(v),
                        None => return Ok(None),
                    }
                }
                let Some(f) = part(o).function.cloned(cx) else { return Ok(None) };
                protocol::call(cx, &f, &items).map(Some)
            }),
            new: Some(|cx, ty, args| {
                let a = args.positional();
                if a.len() < 2 {
                    return Err(cx.type_error("map() must have at least two arguments."));
                }
                let ty = ty.clone();
                combined(cx, &ty, &a[1..], Some(a[0].clone()), 0, false)
            }),
            ..Slots::EMPTY
        },
        ..Spec::new::<Combined>("map")
    }
}

pub fn filter_spec() -> Spec {
    Spec {
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
                let a = args.unpack(cx, "filter", 2, 2)?;
                let ty = ty.clone();
                combined(cx, &ty, &a[1..], Some(a[0].clone()), 0, false)
            }),
            ..Slots::EMPTY
        },
        ..Spec::new::<Combined>("filter")
    }
}

pub fn reversed_spec() -> Spec {
    Spec {
        doc: "Return a reverse iterator over the values of the given sequence.",
        flags: flags::GC | flags::BASE,
        slots: Slots {
            new: Some(|cx, _, args| {
                let a = args.unpack(cx, "reversed", 1, 1)?;
                let name = cx.name("__reversed__");
                if let Some(f) = protocol::special(cx, &a[0], &name)? {
                    if f.is_none() {
                        return Err(cx.type_error(format!("'{}' object is not reversible", a[0].ty().name_text())));
                    }
                    return protocol::call(cx, &f, &[]);
                }
                if a[0].ty().slots(cx).getitem.is_none() || a[0].ty().slots(cx).len.is_none() {
                    return Err(cx.type_error(format!("'{}' object is not reversible", a[0].ty().name_text())));
                }
                let n = protocol::len(cx, &a[0])?;
                backwards(cx, &a[0], n)
            }),
            ..Slots::EMPTY
        },
        ..Spec::new::<Combined>("reversed")
    }
}
