//! Views and iterators of dicts.

use super::Dict;
use crate::cx::{Cx, PyResult};
use crate::layout;
use crate::memory;
use crate::object::{Guarded, Header, Obj, Ref};
use crate::protocol;
use crate::types::type_::{Cmp, Op, flags};
use crate::types::{Set, Slots, Spec, Tuple, Type};
use std::cell::Cell;

layout! {
    /// A view.
    pub struct View = 12, "dict_keys" {
        dict: Guarded<Ref<Dict>>,
    }
}
layout! {
    /// An iterator over a dict. One over items has the pair it showed last, and shows it again while nobody else holds it.
    pub struct DictIter = 13, "dict_keyiterator" {
        dict: Guarded<Option<Ref<Dict>>>,
        at: Cell<usize>,
        used: Cell<usize>,
        left: Cell<usize>,
        result: Guarded<Option<Obj>>,
    }
}

pub fn make(cx: &Cx, ty: &Ref<Type>, dict: &Ref<Dict>) -> PyResult {
    Ok(memory::new(cx, ty, |head| View { head, dict: Guarded::new(dict.clone()) })?.into_obj())
}
pub fn iterator(cx: &Cx, ty: &Ref<Type>, dict: &Ref<Dict>) -> PyResult {
    let n = dict.len(cx);
    let it = memory::new(cx, ty, |head| DictIter {
        head,
        dict: Guarded::new(Some(dict.clone())),
        at: Cell::new(0),
        used: Cell::new(n),
        left: Cell::new(n),
        result: Guarded::new(None),
    })?;
    if std::ptr::eq(&**ty, &*cx.types.dict_item_iterator) {
        let pair = cx.tuple_of([cx.none(), cx.none()])?;
        // SAFETY: a fresh iterator that nobody has seen.
        unsafe { *it.result.as_ptr() = Some(pair) };
    }
    Ok(it.into_obj())
}

impl DictIter {
    /// The place behind the next entry, and its key and value, borrowed, when nothing is in the way: the dict is as it was and
    /// not at its end.
    #[inline(always)]
    pub(crate) fn peek(&self, cx: &Cx) -> Option<(usize, *mut Header, *mut Header)> {
        let d = self.dict.get(cx).as_ref()?;
        if d.len(cx) != self.used.get() || self.left.get() == 0 {
            return None;
        }
        let i = d.entry_from(cx, self.at.get())?;
        let table = d.table.get(cx);
        Some((i + 1, table.key(i).as_ptr().as_ptr(), table.value(i).as_ptr().as_ptr()))
    }
    /// The pair shown last, when nobody else holds it.
    #[inline(always)]
    pub(crate) fn free_pair(&self, cx: &Cx) -> Option<*mut Header> {
        crate::types::iterators::combined::free_pair(self.result.get(cx))
    }
    /// The place behind an item that was shown.
    #[inline(always)]
    pub(crate) fn step(&self, at: usize) {
        self.at.set(at);
        self.left.set(self.left.get() - 1);
    }
}
/// One that goes backwards; its class says over what.
pub fn reverse_iterator(cx: &Cx, ty: &Ref<Type>, dict: &Ref<Dict>) -> PyResult {
    let n = dict.len(cx);
    let end = dict.table.get(cx).end();
    let it = memory::new(cx, ty, |head| DictIter {
        head,
        dict: Guarded::new(Some(dict.clone())),
        at: Cell::new(end),
        used: Cell::new(n),
        left: Cell::new(n),
        result: Guarded::new(None),
    })?;
    if std::ptr::eq(&**ty, &*cx.types.dict_reverse_item_iterator) {
        let pair = cx.tuple_of([cx.none(), cx.none()])?;
        // SAFETY: a fresh iterator that nobody has seen.
        unsafe { *it.result.as_ptr() = Some(pair) };
    }
    Ok(it.into_obj())
}

fn next(cx: &mut Cx, this: &Obj) -> PyResult<Option<Obj>> {
    let Some(it) = this.cast::<DictIter>() else { return Ok(None) };
    let Some(d) = it.dict.get(cx) else { return Ok(None) };
    if d.len(cx) != it.used.get() {
        it.used.set(usize::MAX);
        return Err(cx.runtime_error("dictionary changed size during iteration"));
    }
    let ty = this.ty() as *const Type;
    let t = &cx.types;
    let is = |of: &Ref<Type>| std::ptr::eq(ty, &**of);
    let table = d.table.get(cx);
    if is(&t.dict_reverse_iterator) || is(&t.dict_reverse_value_iterator) || is(&t.dict_reverse_item_iterator) {
        let Some(at) = (0..it.at.get()).rev().find(|at| table.is_live(*at)) else {
            it.dict.set(cx, None);
            return Ok(None);
        };
        it.at.set(at);
        it.left.set(it.left.get().saturating_sub(1));
        if is(&t.dict_reverse_iterator) {
            return Ok(Some(table.key(at).clone()));
        }
        if is(&t.dict_reverse_value_iterator) {
            return Ok(Some(table.value(at).clone()));
        }
        let (key, value) = (table.key(at).clone(), table.value(at).clone());
        let last = it.result.cloned(cx);
        return crate::types::tuple::pair_again(cx, last, key, value).map(Some);
    }
    let Some(i) = d.entry_from(cx, it.at.get()) else {
        it.dict.set(cx, None);
        return Ok(None);
    };
    if it.left.get() == 0 {
        return Err(cx.runtime_error("dictionary keys changed during iteration"));
    }
    it.at.set(i + 1);
    it.left.set(it.left.get() - 1);
    Ok(Some(if std::ptr::eq(ty, &*cx.types.dict_iterator) {
        table.key(i).clone()
    } else if std::ptr::eq(ty, &*cx.types.dict_value_iterator) {
        table.value(i).clone()
    } else {
        let (key, value) = (table.key(i).clone(), table.value(i).clone());
        let last = it.result.cloned(cx);
        crate::types::tuple::pair_again(cx, last, key, value)?
    }))
}

#[retic_macros::methods]
impl DictIter {
    /// Private method returning an estimate of len(list(it)).
    #[py("__length_hint__($self, /)")]
    fn length_hint(cx: &mut Cx, this: &Ref<DictIter>) -> usize {
        let same = this.dict.cloned(cx).is_some_and(|d| d.len(cx) == this.used.get());
        if same { this.left.get() } else { 0 }
    }
    /// Return state information for pickling.
    #[py("__reduce__($self, /)")]
    fn reduce(cx: &mut Cx, this: &Ref<DictIter>) -> PyResult {
        let place = (this.at.get(), this.used.get(), this.left.get());
        let (o, d) = (this.as_obj(), this.dict.cloned(cx));
        let mut items = Vec::new();
        let r = loop {
            match next(cx, o) {
                Ok(Some(v)) => items.push(v),
                Ok(None) => break Ok(()),
                Err(r) => break Err(r),
            }
        };
        this.at.set(place.0);
        this.used.set(place.1);
        this.left.set(place.2);
        this.dict.set(cx, d);
        r?;
        let list = cx.list(items)?;
        crate::types::iterators::rebuilt(cx, "iter", vec![list], None)
    }
}

pub fn iterator_spec(name: &'static str) -> Spec {
    Spec {
        flags: flags::GC | flags::NO_NEW,
        slots: Slots { iter: Some(|_, o| Ok(o.clone())), next: Some(next), ..Slots::EMPTY },
        methods: DictIter::METHODS,
        ..Spec::new::<DictIter>(name)
    }
}

pub(in crate::types) fn of(cx: &Cx, o: &Obj) -> Ref<Dict> {
    // SAFETY: O3, view slots are only reached through views.
    unsafe { o.cast_unchecked::<View>() }.dict.cloned(cx)
}

fn iter(cx: &mut Cx, o: &Obj) -> PyResult {
    let d = of(cx, o);
    let ty = o.ty() as *const Type;
    let it = if std::ptr::eq(ty, &*cx.types.dict_keys) {
        cx.types.dict_iterator.clone()
    } else if std::ptr::eq(ty, &*cx.types.dict_values) {
        cx.types.dict_value_iterator.clone()
    } else {
        cx.types.dict_item_iterator.clone()
    };
    iterator(cx, &it, &d)
}

fn repr(cx: &mut Cx, o: &Obj) -> PyResult {
    let Some(guard) = protocol::enter_repr(cx, o) else { return cx.str("...") };
    let items = protocol::collect(cx, o);
    let result = match items {
        Ok(items) => {
            let name = o.ty().name_text();
            protocol::join_reprs(cx, items, &format!("{name}(["), "])")
        }
        Err(r) => Err(r),
    };
    protocol::leave_repr(cx, guard);
    result
}

fn contains(cx: &mut Cx, o: &Obj, v: &Obj) -> PyResult<bool> {
    let d = of(cx, o);
    if is_keys(cx, o) {
        return d.contains(cx, v);
    }
    let Some(t) = v.cast::<Tuple>() else { return Ok(false) };
    let [k, w] = t.items() else { return Ok(false) };
    match d.get(cx, k)? {
        Some(x) => protocol::equal(cx, &x, w),
        None => Ok(false),
    }
}

/// A new set of what a view or another iterable shows. The keys of a dictionary have been hashed already.
fn as_set(cx: &mut Cx, o: &Obj) -> PyResult<Ref<Set>> {
    let keys = if is_keys(cx, o) { of(cx, o).into_obj() } else { o.clone() };
    super::super::set::of_iterable(cx, &keys)
}
fn is_keys(cx: &Cx, o: &Obj) -> bool {
    is_a(cx, o, &cx.types.dict_keys)
}
fn is_items(cx: &Cx, o: &Obj) -> bool {
    is_a(cx, o, &cx.types.dict_items)
}
/// Whether it is such a view, of a dictionary or of an ordered one.
fn is_a(cx: &Cx, o: &Obj, ty: &Ref<Type>) -> bool {
    o.cast::<View>().is_some() && o.ty().is_subtype(cx, ty)
}

/// Whether it is a view of keys or of items.
fn is_set_like(cx: &Cx, o: &Obj) -> bool {
    is_keys(cx, o) || is_items(cx, o)
}

/// Runs a look at each thing that a view or another iterable shows, until one says no.
fn all(cx: &mut Cx, o: &Obj, mut look: impl FnMut(&mut Cx, &Obj) -> PyResult<bool>) -> PyResult<bool> {
    let it = protocol::iter(cx, o)?;
    while let Some(v) = protocol::next(cx, &it)? {
        let good = look(cx, &v)?;
        cx.release(v);
        if !good {
            return Ok(false);
        }
        cx.poll_native()?;
    }
    Ok(true)
}

/// What both have: the shorter is gone through (CPython's `_PyDictView_Intersect`).
fn intersection(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult<Ref<Set>> {
    let n = of(cx, a).len(cx);
    if let Some(s) = b.cast::<Set>().filter(|s| std::ptr::eq(b.ty(), &*cx.types.set) && n <= s.len()) {
        return super::super::set::intersection_of(cx, &s.clone(), a);
    }
    let (a, b) = if is_set_like(cx, b) && of(cx, b).len(cx) > n { (b, a) } else { (a, b) };
    let out = Set::new(cx)?;
    all(cx, b, |cx, v| {
        if contains(cx, a, v)? {
            out.add(cx, v)?;
        }
        Ok(true)
    })?;
    Ok(out)
}

/// `&`, `-`, `|` and `^`: one of both is a view, the other any iterable.
fn set_op<const OP: usize>(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
    let op = Op::from_index(OP);
    match op {
        Op::And => {
            let (view, other) = if is_set_like(cx, a) { (a, b) } else { (b, a) };
            return Ok(intersection(cx, view, other)?.into_obj());
        }
        Op::Xor if is_items(cx, a) && is_items(cx, b) => return items_of_one(cx, &of(cx, a), &of(cx, b)),
        _ => {}
    }
    let x = as_set(cx, a)?;
    super::super::set::operate(cx, &x, b, op)
}

/// The items that only one of two dictionaries has. Values of equal items need no hash.
fn items_of_one(cx: &mut Cx, a: &Ref<Dict>, b: &Ref<Dict>) -> PyResult {
    let out = Set::new(cx)?;
    for (from, other) in [(a, b), (b, a)] {
        let mut at = 0;
        while let Some((next, k, v)) = from.next_entry(cx, at) {
            at = next;
            let same = match other.get(cx, &k)? {
                Some(o) => protocol::equal(cx, &v, &o)?,
                None => false,
            };
            if !same {
                let pair = cx.tuple_of([k, v])?;
                out.add(cx, &pair)?;
            }
            cx.poll_native()?;
        }
    }
    Ok(out.into_obj())
}

/// Whether everything in a view or set is in another.
fn is_within(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult<bool> {
    let keys = (is_keys(cx, a), is_keys(cx, b));
    if !(keys == (true, true) || is_items(cx, a) && is_items(cx, b)) {
        return all(cx, a, |cx, v| protocol::contains(cx, b, v));
    }
    super::is_within(cx, &of(cx, a), &of(cx, b), keys.0)
}

fn compare(cx: &mut Cx, a: &Obj, b: &Obj, op: Cmp) -> PyResult {
    let ok = |o: &Obj| is_set_like(cx, o) || o.cast::<Set>().is_some();
    if !ok(a) || !ok(b) {
        return Ok(cx.not_implemented());
    }
    let (n, m) = (protocol::len(cx, a)?, protocol::len(cx, b)?);
    let r = match op {
        Cmp::Eq => n == m && is_within(cx, a, b)?,
        Cmp::Ne => !(n == m && is_within(cx, a, b)?),
        Cmp::Lt => n < m && is_within(cx, a, b)?,
        Cmp::Le => n <= m && is_within(cx, a, b)?,
        Cmp::Gt => n > m && is_within(cx, b, a)?,
        Cmp::Ge => n >= m && is_within(cx, b, a)?,
    };
    Ok(cx.bool(r))
}

/// What only views of keys and of items have.
struct SetLike;
#[retic_macros::methods]
impl SetLike {
    /// Return True if the view and the given iterable have a null intersection.
    #[py("isdisjoint($self, other, /)")]
    fn isdisjoint(cx: &mut Cx, this: &Ref<View>, other: &Obj) -> PyResult<bool> {
        let this = this.as_obj();
        // The shorter is gone through.
        let set_like = is_set_like(cx, other) || std::ptr::eq(other.ty(), &*cx.types.set) || std::ptr::eq(other.ty(), &*cx.types.frozenset);
        let (through, within) = if set_like && protocol::len(cx, other)? > of(cx, this).len(cx) { (this, other) } else { (other, this) };
        all(cx, through, |cx, v| Ok(!protocol::contains(cx, within, v)?))
    }
}

#[retic_macros::methods]
impl View {
    /// Return a reverse iterator over the dict's keys.
    #[py("__reversed__($self, /)")]
    fn reversed(cx: &mut Cx, this: &Ref<View>) -> PyResult {
        let d = this.dict.cloned(cx);
        let t = &cx.types;
        let ty = if std::ptr::eq(this.as_obj().ty(), &*t.dict_keys) {
            &t.dict_reverse_iterator
        } else if std::ptr::eq(this.as_obj().ty(), &*t.dict_values) {
            &t.dict_reverse_value_iterator
        } else {
            &t.dict_reverse_item_iterator
        };
        reverse_iterator(cx, ty, &d)
    }
    /// dictionary that this view refers to
    #[get("mapping")]
    fn mapping(cx: &mut Cx, this: &Ref<View>) -> PyResult {
        let d = this.dict.cloned(cx);
        super::proxy(cx, d.into_obj())
    }
}

pub fn values_spec() -> Spec {
    Spec {
        flags: flags::GC | flags::NO_NEW,
        slots: Slots { repr: Some(repr), len: Some(|cx, o| Ok(of(cx, o).len(cx))), iter: Some(iter), ..Slots::EMPTY },
        methods: View::METHODS,
        getset: View::GETSET,
        ..Spec::new::<View>("dict_values")
    }
}
pub fn keys_spec() -> Spec {
    let base = values_spec();
    Spec {
        name: "dict_keys",
        more_methods: SetLike::METHODS,
        slots: Slots { contains: Some(contains), richcompare: Some(compare), hash: Some(crate::types::dunders::unhashable), ..base.slots }.with(&[
            (Op::Sub, set_op::<1>),
            (Op::And, set_op::<10>),
            (Op::Xor, set_op::<11>),
            (Op::Or, set_op::<12>),
        ]),
        ..base
    }
}
pub fn items_spec() -> Spec {
    Spec { name: "dict_items", ..keys_spec() }
}
