//! `set` and `frozenset`: CPython's open-addressed table with linear probes, so that the order of ints agrees.

pub mod iterator;
mod table;
pub(crate) use table::same_plain;

use super::type_::{Cmp, Op, flags};
use super::{Dict, Slots, Spec, Type};
use crate::cx::{Cx, PyResult};
use crate::layout;
use crate::memory;
use crate::native::Args;
use crate::object::{Buf, Guarded, Obj, Ref, shape};
use crate::protocol;
use std::cell::Cell;
use table::Entry;

layout! {
    /// A set or frozenset.
    pub struct Set = 25, "set" {
        table: Guarded<Buf<Entry>>,
        used: Cell<usize>,
        fill: Cell<usize>,
        version: Cell<u32>,
        hash: Cell<i64>,
        /// Where `pop` looks next.
        finger: Cell<usize>,
    }
}

impl Set {
    pub fn new(cx: &Cx) -> PyResult<Ref<Set>> {
        Set::of_type(cx, &cx.types.set)
    }
    fn of_type(cx: &Cx, ty: &Type) -> PyResult<Ref<Set>> {
        memory::new(cx, ty, |head| Set {
            head,
            table: Guarded::new(Buf::empty()),
            used: Cell::new(0),
            fill: Cell::new(0),
            version: Cell::new(0),
            hash: Cell::new(-1),
            finger: Cell::new(0),
        })
    }
    /// Empties the set.
    pub fn empty(&self, cx: &mut Cx) {
        self.clear_now(cx);
    }
    pub fn len(&self) -> usize {
        self.used.get()
    }
    pub fn is_empty(&self) -> bool {
        self.used.get() == 0
    }
    pub fn items(&self, cx: &Cx) -> Vec<Obj> {
        self.table.get(cx).iter().filter_map(|e| e.key.clone()).collect()
    }
    fn fill_from(&self, cx: &mut Cx, items: Vec<Obj>) -> PyResult<()> {
        for o in &items {
            self.add(cx, o)?;
        }
        cx.release(items);
        Ok(())
    }
}

/// A frozenset.
pub fn frozen(cx: &mut Cx, items: Vec<Obj>) -> PyResult {
    let ty = cx.types.frozenset.clone();
    let s = Set::of_type(cx, &ty)?;
    s.fill_from(cx, items)?;
    Ok(s.into_obj())
}

fn set(o: &Obj) -> &Ref<Set> {
    // SAFETY: O3, slots of set are only reached through sets.
    unsafe { o.cast_unchecked::<Set>() }
}

fn repr(cx: &mut Cx, o: &Obj) -> PyResult {
    let name = o.ty().name_text();
    let items = set(o).items(cx);
    if items.is_empty() {
        return cx.str(&format!("{name}()"));
    }
    let Some(guard) = protocol::enter_repr(cx, o) else { return cx.str(&format!("{name}(...)")) };
    let r = if std::ptr::eq(o.ty(), &*cx.types.set) { protocol::join_reprs(cx, items, "{", "}") } else { protocol::join_reprs(cx, items, &format!("{name}({{"), "})") };
    protocol::leave_repr(cx, guard);
    r
}

fn hash(cx: &mut Cx, o: &Obj) -> PyResult<i64> {
    let mut h = 0u64;
    for e in set(o).table.get(cx).iter().filter(|e| e.key.is_some()) {
        let x = e.hash as u64;
        h ^= ((x ^ 89869747) ^ (x << 16)).wrapping_mul(3644798167);
    }
    h ^= (set(o).len() as u64 + 1).wrapping_mul(1927868237);
    h ^= (h >> 11) ^ (h >> 25);
    h = h.wrapping_mul(69069).wrapping_add(907133923);
    Ok(if h as i64 == -1 { 590923713 } else { h as i64 })
}

fn subset(cx: &mut Cx, a: &Ref<Set>, b: &Ref<Set>) -> PyResult<bool> {
    if a.len() > b.len() {
        return Ok(false);
    }
    let mut at = 0;
    loop {
        a.skip_known(cx, b, true, &mut at);
        let Some((k, hash)) = a.next_entry(cx, &mut at) else { return Ok(true) };
        if !b.contains_hashed(cx, &k, hash)? {
            return Ok(false);
        }
        cx.poll_native()?;
    }
}

fn compare(cx: &mut Cx, a: &Obj, b: &Obj, op: Cmp) -> PyResult {
    let (Some(x), Some(y)) = (a.cast::<Set>(), b.cast::<Set>()) else { return Ok(cx.not_implemented()) };
    let r = match op {
        Cmp::Eq => x.len() == y.len() && subset(cx, x, y)?,
        Cmp::Ne => !(x.len() == y.len() && subset(cx, x, y)?),
        Cmp::Le => subset(cx, x, y)?,
        Cmp::Lt => x.len() < y.len() && subset(cx, x, y)?,
        Cmp::Ge => subset(cx, y, x)?,
        Cmp::Gt => y.len() < x.len() && subset(cx, y, x)?,
    };
    Ok(cx.bool(r))
}

/// An empty set or frozenset: what operations on a set or a set of a subclass give.
fn base_like(cx: &mut Cx, like: &Ref<Set>) -> PyResult<Ref<Set>> {
    let ty = if like.as_obj().ty().is_subtype(cx, &cx.types.frozenset) { cx.types.frozenset.clone() } else { cx.types.set.clone() };
    Set::of_type(cx, &ty)
}

fn copy_of(cx: &mut Cx, this: &Ref<Set>) -> PyResult<Ref<Set>> {
    let out = base_like(cx, this)?;
    out.merge(cx, this)?;
    Ok(out)
}

/// Whether a dict or set has a key of that hash.
fn has(cx: &mut Cx, other: &Obj, key: &Obj, hash: i64) -> PyResult<bool> {
    match (other.cast::<Set>(), other.cast::<Dict>()) {
        (Some(s), _) => s.contains_hashed(cx, key, hash),
        (_, Some(d)) => d.contains_hashed(cx, key, hash),
        _ => Ok(false),
    }
}

fn difference_of(cx: &mut Cx, this: &Ref<Set>, other: &Obj) -> PyResult<Ref<Set>> {
    let size = match (other.cast::<Set>(), other.cast::<Dict>()) {
        (Some(s), _) => Some(s.len()),
        (_, Some(d)) if other.shape() == shape::DICT => Some(d.len(cx)),
        _ => None,
    };
    if size.is_none_or(|n| this.len() >> 2 > n) {
        let out = copy_of(cx, this)?;
        remove_all(cx, &out, other)?;
        return Ok(out);
    }
    let out = base_like(cx, this)?;
    let mut at = 0;
    if let Some(s) = other.cast::<Set>() {
        while let Some((k, hash, sure)) = this.next_known(cx, s, false, &mut at) {
            if sure {
                out.add_new(cx, k, hash)?;
            } else if !s.contains_hashed(cx, &k, hash)? {
                out.add_hashed(cx, &k, hash)?;
            }
            cx.poll_native()?;
        }
        return Ok(out);
    }
    loop {
        let Some((k, hash)) = this.next_entry(cx, &mut at) else { return Ok(out) };
        if !has(cx, other, &k, hash)? {
            out.add_hashed(cx, &k, hash)?;
        }
        cx.poll_native()?;
    }
}

/// Takes what another iterable has out of a set (CPython's `set_difference_update_internal`).
fn remove_all(cx: &mut Cx, this: &Ref<Set>, other: &Obj) -> PyResult<()> {
    if this.as_obj().is(other) {
        this.clear_now(cx);
        return Ok(());
    }
    if let Some(s) = other.cast::<Set>() {
        let s = if s.len() >> 3 > this.len() { intersection_of(cx, this, other)? } else { s.clone() };
        let mut at = 0;
        while let Some((k, hash)) = s.next_entry(cx, &mut at) {
            this.discard_hashed(cx, &k, hash)?;
            cx.poll_native()?;
        }
    } else {
        table::each(cx, other, |cx, k| this.discard(cx, k).map(|_| ()))?;
    }
    this.tidy(cx)
}

pub(super) fn intersection_of(cx: &mut Cx, this: &Ref<Set>, other: &Obj) -> PyResult<Ref<Set>> {
    if this.as_obj().is(other) {
        return copy_of(cx, this);
    }
    let out = base_like(cx, this)?;
    if let Some(s) = other.cast::<Set>() {
        let (large, small) = if s.len() > this.len() { (s, this) } else { (this, s) };
        let mut at = 0;
        while let Some((k, hash, sure)) = small.next_known(cx, large, true, &mut at) {
            if sure {
                out.add_new(cx, k, hash)?;
            } else if large.contains_hashed(cx, &k, hash)? {
                out.add_hashed(cx, &k, hash)?;
            }
            cx.poll_native()?;
        }
        return Ok(out);
    }
    table::each(cx, other, |cx, k| {
        let hash = protocol::hash(cx, k)?;
        if this.contains_hashed(cx, k, hash)? {
            out.add_hashed(cx, k, hash)?;
        }
        Ok(())
    })?;
    Ok(out)
}

/// Takes out what both have, adds what only the other has.
fn toggle_all(cx: &mut Cx, this: &Ref<Set>, other: &Obj) -> PyResult<()> {
    if this.as_obj().is(other) {
        this.clear_now(cx);
        return Ok(());
    }
    if let Some(d) = other.cast::<Dict>()
        && other.shape() == shape::DICT
    {
        return table::each_key(cx, d, |cx, k, hash| {
            if !this.discard_hashed(cx, k, hash)? {
                this.add_hashed(cx, k, hash)?;
            }
            Ok(())
        });
    }
    let other = as_set(cx, other)?;
    let mut at = 0;
    while let Some((k, hash)) = other.next_entry(cx, &mut at) {
        if !this.discard_hashed(cx, &k, hash)? {
            this.add_hashed(cx, &k, hash)?;
        }
        cx.poll_native()?;
    }
    Ok(())
}

fn operator<const OP: usize>(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
    let (Some(x), Some(_)) = (a.cast::<Set>(), b.cast::<Set>()) else { return Ok(cx.not_implemented()) };
    Ok(match Op::from_index(OP) {
        Op::Or => {
            let out = copy_of(cx, x)?;
            out.update_from(cx, b)?;
            out
        }
        Op::And => intersection_of(cx, x, b)?,
        Op::Sub => difference_of(cx, x, b)?,
        _ => {
            let out = base_like(cx, x)?;
            out.update_from(cx, b)?;
            toggle_all(cx, &out, a)?;
            out
        }
    }
    .into_obj())
}
fn inplace<const OP: usize>(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
    if b.cast::<Set>().is_none() {
        return Ok(cx.not_implemented());
    }
    match Op::from_index(OP) {
        Op::Or => set(a).update_from(cx, b)?,
        Op::And => {
            let kept = intersection_of(cx, set(a), b)?;
            take_over(cx, set(a), &kept);
        }
        Op::Sub => remove_all(cx, set(a), b)?,
        _ => toggle_all(cx, set(a), b)?,
    }
    Ok(a.clone())
}
/// Moves the table of a fresh set into another.
fn take_over(cx: &mut Cx, to: &Ref<Set>, from: &Ref<Set>) {
    let table = from.table.replace(cx, Buf::empty());
    to.used.set(from.used.replace(0));
    to.fill.set(from.fill.replace(0));
    to.version.set(to.version.get().wrapping_add(1));
    to.table.set(cx, table);
}

/// A set of what an iterable shows.
pub(super) fn of_iterable(cx: &mut Cx, o: &Obj) -> PyResult<Ref<Set>> {
    let s = Set::new(cx)?;
    s.update_from(cx, o)?;
    Ok(s)
}
/// Puts what an iterable shows into a fresh set, takes it out, or exchanges it.
pub(super) fn operate(cx: &mut Cx, this: &Ref<Set>, other: &Obj, op: Op) -> PyResult {
    match op {
        Op::Or => this.update_from(cx, other)?,
        Op::Sub => remove_all(cx, this, other)?,
        _ => toggle_all(cx, this, other)?,
    }
    Ok(this.as_obj().clone())
}

fn as_set(cx: &mut Cx, o: &Obj) -> PyResult<Ref<Set>> {
    if let Some(s) = o.cast::<Set>() {
        return Ok(s.clone());
    }
    of_iterable(cx, o)
}

/// Runs a look at a key; a set, which has no hash, is looked for as a frozenset of the same keys.
fn with_key<T>(cx: &mut Cx, key: &Obj, look: impl Fn(&mut Cx, &Obj) -> PyResult<T>) -> PyResult<T> {
    match look(cx, key) {
        Err(_) if key.cast::<Set>().is_some() && cx.error_is(&cx.types.type_error) => {
            cx.clear_error();
            let ty = cx.types.frozenset.clone();
            let frozen = Set::of_type(cx, &ty)?;
            frozen.update_from(cx, key)?;
            look(cx, frozen.as_obj())
        }
        other => other,
    }
}

#[retic_macros::methods]
impl Set {
    /// Return state information for pickling.
    #[py("__reduce__($self, /)")]
    fn reduce(cx: &mut Cx, this: &Ref<Set>) -> PyResult {
        let items = protocol::collect(cx, this.as_obj())?;
        let items = cx.list(items)?;
        let args = cx.tuple_of([items])?;
        let state = protocol::pickle::getstate(cx, this.as_obj())?;
        cx.tuple_of([this.as_obj().type_ref().into_obj(), args, state])
    }
    /// See PEP 585
    #[py("__class_getitem__($type, object, /)")]
    fn class_getitem(cx: &mut Cx, cls: &Obj, object: &Obj) -> PyResult {
        super::generic::alias(cx, cls, object)
    }
    /// x.__contains__(y) <==> y in x.
    #[py("__contains__($self, object, /)")]
    fn contains_method(cx: &mut Cx, this: &Ref<Set>, object: &Obj) -> PyResult<bool> {
        with_key(cx, object, |cx, k| this.contains(cx, k))
    }
    /// Return a shallow copy of a set.
    #[py("copy($self, /)")]
    fn copy(cx: &mut Cx, this: &Ref<Set>) -> PyResult {
        if std::ptr::eq(this.as_obj().ty(), &*cx.types.frozenset) {
            return Ok(this.as_obj().clone());
        }
        Ok(copy_of(cx, this)?.into_obj())
    }
    /// Return a new set with elements from the set and all others.
    #[py("union($self, *others)", "($self, /, *others)")]
    fn union(cx: &mut Cx, this: &Ref<Set>, others: &[Obj]) -> PyResult {
        let out = copy_of(cx, this)?;
        for o in others {
            if !o.is(this.as_obj()) {
                out.update_from(cx, o)?;
            }
        }
        Ok(out.into_obj())
    }
    /// Return a new set with elements common to the set and all others.
    #[py("intersection($self, *others)", "($self, /, *others)")]
    fn intersection(cx: &mut Cx, this: &Ref<Set>, others: &[Obj]) -> PyResult {
        let Some((first, rest)) = others.split_first() else { return Ok(copy_of(cx, this)?.into_obj()) };
        let mut out = intersection_of(cx, this, first)?;
        for o in rest {
            out = intersection_of(cx, &out, o)?;
        }
        Ok(out.into_obj())
    }
    /// Return a new set with elements in the set that are not in the others.
    #[py("difference($self, *others)", "($self, /, *others)")]
    fn difference(cx: &mut Cx, this: &Ref<Set>, others: &[Obj]) -> PyResult {
        let Some((first, rest)) = others.split_first() else { return Ok(copy_of(cx, this)?.into_obj()) };
        let out = difference_of(cx, this, first)?;
        for o in rest {
            remove_all(cx, &out, o)?;
        }
        Ok(out.into_obj())
    }
    /// Return a new set with elements in either the set or other but not both.
    #[py("symmetric_difference($self, other, /)")]
    fn symmetric_difference(cx: &mut Cx, this: &Ref<Set>, other: &Obj) -> PyResult {
        let out = base_like(cx, this)?;
        out.update_from(cx, other)?;
        toggle_all(cx, &out, this.as_obj())?;
        Ok(out.into_obj())
    }
    /// Report whether another set contains this set.
    #[py("issubset($self, other, /)")]
    fn issubset(cx: &mut Cx, this: &Ref<Set>, other: &Obj) -> PyResult<bool> {
        let o = as_set(cx, other)?;
        subset(cx, this, &o)
    }
    /// Report whether this set contains another set.
    #[py("issuperset($self, other, /)")]
    fn issuperset(cx: &mut Cx, this: &Ref<Set>, other: &Obj) -> PyResult<bool> {
        if let Some(o) = other.cast::<Set>() {
            return subset(cx, o, this);
        }
        let it = protocol::iter(cx, other)?;
        while let Some(k) = protocol::next(cx, &it)? {
            if !this.contains(cx, &k)? {
                return Ok(false);
            }
            cx.poll_native()?;
        }
        Ok(true)
    }
    /// Return True if the two have no element in common.
    #[py("isdisjoint($self, other, /)")]
    fn isdisjoint(cx: &mut Cx, this: &Ref<Set>, other: &Obj) -> PyResult<bool> {
        if let Some(s) = other.cast::<Set>() {
            if s.as_obj().is(this.as_obj()) {
                return Ok(this.is_empty());
            }
            let (large, small) = if s.len() > this.len() { (s, this) } else { (this, s) };
            let mut at = 0;
            loop {
                small.skip_known(cx, large, false, &mut at);
                let Some((k, hash)) = small.next_entry(cx, &mut at) else { return Ok(true) };
                if large.contains_hashed(cx, &k, hash)? {
                    return Ok(false);
                }
                cx.poll_native()?;
            }
        }
        let it = protocol::iter(cx, other)?;
        while let Some(k) = protocol::next(cx, &it)? {
            if this.contains(cx, &k)? {
                return Ok(false);
            }
            cx.poll_native()?;
        }
        Ok(true)
    }
    /// S.__sizeof__() -> size of S in memory, in bytes.
    #[py("__sizeof__($self, /)")]
    fn sizeof(cx: &mut Cx, this: &Ref<Set>) -> usize {
        let n = this.table.get(cx).len();
        crate::types::type_::sizes::basic(cx, this.as_obj()) + if n > 8 { n * 16 } else { 0 }
    }
}

#[retic_macros::methods]
mod changing {
    //! What a frozenset does not have.
    use super::*;

    /// Add an element to a set.
    #[py("add($self, object, /)")]
    pub fn add_method(cx: &mut Cx, this: &Ref<Set>, object: &Obj) -> PyResult<()> {
        this.add(cx, object).map(|_| ())
    }
    /// Remove an element from a set if it is a member.
    #[py("discard($self, object, /)")]
    pub fn discard_method(cx: &mut Cx, this: &Ref<Set>, object: &Obj) -> PyResult<()> {
        with_key(cx, object, |cx, k| this.discard(cx, k)).map(|_| ())
    }
    /// Remove an element from a set; it must be a member.
    #[py("remove($self, object, /)")]
    pub fn remove(cx: &mut Cx, this: &Ref<Set>, object: &Obj) -> PyResult<()> {
        if with_key(cx, object, |cx, k| this.discard(cx, k))? { Ok(()) } else { Err(cx.key_error(object)) }
    }
    /// Remove and return an arbitrary set element.
    #[py("pop($self, /)")]
    pub fn pop(cx: &mut Cx, this: &Ref<Set>) -> PyResult {
        match this.pop_any(cx) {
            Some(k) => Ok(k),
            None => {
                let t = cx.str("pop from an empty set")?;
                Err(cx.key_error(&t))
            }
        }
    }
    /// Remove all elements from this set.
    #[py("clear($self, /)")]
    pub fn clear_method(cx: &mut Cx, this: &Ref<Set>) {
        this.clear_now(cx);
    }
    /// Update the set, adding elements from all others.
    #[py("update($self, *others)", "($self, /, *others)")]
    pub fn update(cx: &mut Cx, this: &Ref<Set>, others: &[Obj]) -> PyResult<()> {
        for o in others {
            this.update_from(cx, o)?;
        }
        Ok(())
    }
    /// Update the set, removing elements found in others.
    #[py("difference_update($self, *others)", "($self, /, *others)")]
    pub fn difference_update(cx: &mut Cx, this: &Ref<Set>, others: &[Obj]) -> PyResult<()> {
        for o in others {
            remove_all(cx, this, o)?;
        }
        Ok(())
    }
    /// Update the set, keeping only elements found in it and all others.
    #[py("intersection_update($self, *others)", "($self, /, *others)")]
    pub fn intersection_update(cx: &mut Cx, this: &Ref<Set>, others: &[Obj]) -> PyResult<()> {
        let kept = Set::intersection(cx, this, others)?;
        // With nothing to meet a frozenset would give itself.
        if !kept.is(this.as_obj()) {
            take_over(cx, this, set(&kept));
        }
        Ok(())
    }
    /// Update the set, keeping only elements found in either set, but not in both.
    #[py("symmetric_difference_update($self, other, /)")]
    pub fn symmetric_difference_update(cx: &mut Cx, this: &Ref<Set>, other: &Obj) -> PyResult<()> {
        toggle_all(cx, this, other)
    }
}

fn init(cx: &mut Cx, this: &Obj, args: Args<'_>) -> PyResult<()> {
    let a = args.unpack(cx, "set", 0, 1)?;
    if let Some(x) = a.first() {
        set(this).clear_now(cx);
        set(this).update_from(cx, x)?;
    }
    Ok(())
}

pub fn spec() -> Spec {
    Spec {
        doc: "Build an unordered collection of unique elements.",
        flags: flags::GC | flags::BASE | flags::MANAGED | flags::WEAK | flags::MATCH_SELF,
        shape: shape::SET,
        // With the words in front this is the block of CPython's set.
        basicsize: 184,
        text_signature: "(iterable=(), /)",
        slots: Slots {
            repr: Some(repr),
            hash: Some(super::dunders::unhashable),
            richcompare: Some(compare),
            len: Some(|_, o| Ok(set(o).len())),
            contains: Some(|cx, o, k| with_key(cx, k, |cx, k| set(o).contains(cx, k))),
            iter: Some(|cx, o| iterator::over(cx, set(o))),
            new: Some(|cx, ty, _| Ok(Set::of_type(cx, ty)?.into_obj())),
            init: Some(init),
            ..Slots::EMPTY
        }
        .with(&[(Op::Sub, operator::<1>), (Op::And, operator::<10>), (Op::Xor, operator::<11>), (Op::Or, operator::<12>)])
        .with_inplace(&[(Op::Sub, inplace::<1>), (Op::And, inplace::<10>), (Op::Xor, inplace::<11>), (Op::Or, inplace::<12>)]),
        methods: Set::METHODS,
        more_methods: changing::FUNCTIONS,
        ..Spec::new::<Set>("set")
    }
}

pub fn frozen_spec() -> Spec {
    let base = spec();
    Spec {
        name: "frozenset",
        shape: 0,
        more_methods: &[],
        doc: "Build an immutable unordered collection of unique elements.",
        slots: Slots {
            hash: Some(hash),
            init: None,
            inplace: [None; 14],
            new: Some(|cx, ty, args| {
                let exact = std::ptr::eq(&**ty, &*cx.types.frozenset);
                if exact || ty.slots(cx).init.map(|f| f as usize) == cx.types.frozenset.slots(cx).init.map(|f| f as usize) {
                    args.no_keywords(cx, "frozenset")?;
                }
                let a = Args::positional_only(args.positional()).unpack(cx, "frozenset", 0, 1)?;
                if let Some(x) = a.first()
                    && exact
                    && std::ptr::eq(x.ty(), &**ty)
                {
                    return Ok(x.clone());
                }
                let s = Set::of_type(cx, ty)?;
                if let Some(x) = a.first() {
                    s.update_from(cx, x)?;
                }
                Ok(s.into_obj())
            }),
            ..base.slots
        },
        ..base
    }
}
