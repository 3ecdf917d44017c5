//! `set` and `frozenset`: CPython's open-addressed table with linear probes, so that the order of ints agrees.

pub mod iterator;

use super::type_::{Cmp, Op, flags};
use super::{Slots, Spec, Str, Type};
use crate::cx::{Cx, PyResult};
use crate::layout;
use crate::memory;
use crate::native::Args;
use crate::object::{Buf, Guarded, Obj, Ref, Trace, Visit, shape};
use crate::protocol;
use std::cell::Cell;

const LINEAR_PROBES: usize = 9;

/// A slot of the table.
pub struct Entry {
    key: Option<Obj>,
    dummy: bool,
    hash: i64,
}
impl Trace for Guarded<Buf<Entry>> {
    fn trace(&self, visit: Visit<'_>) {
        // SAFETY: the collector holds the interpreter.
        unsafe { &*self.as_ptr() }.iter().filter_map(|e| e.key.as_ref()).for_each(visit);
    }
    fn clear(&self, out: &mut Vec<Obj>) {
        // SAFETY: as above; emptied before anything can run.
        let table = unsafe { std::mem::replace(&mut *self.as_ptr(), Buf::empty()) };
        let mut table = table;
        out.extend(table.iter_mut().filter_map(|e| e.key.take()));
    }
}

layout! {
    /// A set or frozenset.
    pub struct Set = 25, "set" {
        table: Guarded<Buf<Entry>>,
        used: Cell<usize>,
        fill: Cell<usize>,
        version: Cell<u32>,
        hash: Cell<i64>,
    }
}

impl Set {
    pub fn new(cx: &Cx) -> PyResult<Ref<Set>> {
        Set::of_type(cx, &cx.types.set)
    }
    fn of_type(cx: &Cx, ty: &Type) -> PyResult<Ref<Set>> {
        memory::new(cx, ty, |head| Set { head, table: Guarded::new(Buf::empty()), used: Cell::new(0), fill: Cell::new(0), version: Cell::new(0), hash: Cell::new(-1) })
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
    /// The position of a key, or of the slot where it would go.
    fn find(&self, cx: &mut Cx, key: &Obj, hash: i64) -> PyResult<(bool, usize)> {
        'again: loop {
            let version = self.version.get();
            let mask = self.table.get(cx).len().wrapping_sub(1);
            if self.table.get(cx).is_empty() {
                return Ok((false, usize::MAX));
            }
            let mut perturb = hash as u64;
            let mut i = hash as usize & mask;
            let mut free = usize::MAX;
            loop {
                let probes = if i + LINEAR_PROBES <= mask { LINEAR_PROBES } else { 0 };
                for j in i..=i + probes {
                    let e = &self.table.get(cx)[j];
                    let Some(k) = &e.key else {
                        if !e.dummy {
                            return Ok((false, if free != usize::MAX { free } else { j }));
                        }
                        if free == usize::MAX {
                            free = j;
                        }
                        continue;
                    };
                    if e.hash != hash {
                        continue;
                    }
                    if k.is(key) {
                        return Ok((true, j));
                    }
                    if let (Some(a), Some(b)) = (k.cast::<Str>(), key.cast::<Str>()) {
                        if a.same(b) {
                            return Ok((true, j));
                        }
                        continue;
                    }
                    let k = k.clone();
                    let same = protocol::equal_unidentical(cx, &k, key)?;
                    cx.release(k);
                    if self.version.get() != version {
                        continue 'again;
                    }
                    if same {
                        return Ok((true, j));
                    }
                }
                perturb >>= 5;
                i = i.wrapping_mul(5).wrapping_add(1).wrapping_add(perturb as usize) & mask;
            }
        }
    }
    fn rebuild(&self, cx: &mut Cx, min: usize) -> PyResult<()> {
        let mut size = 8;
        while size <= min {
            size <<= 1;
        }
        let mut table: Buf<Entry> = Buf::with_capacity(cx, size)?;
        for _ in 0..size {
            table.push(cx, Entry { key: None, dummy: false, hash: 0 })?;
        }
        let mask = size - 1;
        let mut old = self.table.replace(cx, Buf::empty());
        for e in old.iter_mut() {
            let Some(k) = e.key.take() else { continue };
            let mut perturb = e.hash as u64;
            let mut i = e.hash as usize & mask;
            'place: loop {
                let probes = if i + LINEAR_PROBES <= mask { LINEAR_PROBES } else { 0 };
                for j in i..=i + probes {
                    if table[j].key.is_none() {
                        table[j] = Entry { key: Some(k), dummy: false, hash: e.hash };
                        break 'place;
                    }
                }
                perturb >>= 5;
                i = i.wrapping_mul(5).wrapping_add(1).wrapping_add(perturb as usize) & mask;
            }
        }
        drop(old);
        self.fill.set(self.used.get());
        self.table.set(cx, table);
        Ok(())
    }
    /// Adds a key; true when it was new.
    pub fn add(&self, cx: &mut Cx, key: &Obj) -> PyResult<bool> {
        let hash = protocol::hash(cx, key)?;
        let (found, at) = loop {
            if self.table.get(cx).is_empty() {
                self.rebuild(cx, 7)?;
            }
            let result = self.find(cx, key, hash)?;
            // A comparison may have emptied the set: then there is no slot yet.
            if result.1 != usize::MAX {
                break result;
            }
        };
        if found {
            return Ok(false);
        }
        self.version.set(self.version.get().wrapping_add(1));
        let e = &mut self.table.get_mut(cx)[at];
        let was_dummy = e.dummy;
        *e = Entry { key: Some(key.clone()), dummy: false, hash };
        self.used.set(self.used.get() + 1);
        if !was_dummy {
            self.fill.set(self.fill.get() + 1);
        }
        let size = self.table.get(cx).len();
        if self.fill.get() * 5 >= (size - 1) * 3 {
            let used = self.used.get();
            self.rebuild(cx, if used > 50_000 { used * 2 } else { used * 4 })?;
        }
        Ok(true)
    }
    pub fn contains(&self, cx: &mut Cx, key: &Obj) -> PyResult<bool> {
        let hash = protocol::hash(cx, key)?;
        Ok(self.find(cx, key, hash)?.0)
    }
    fn discard(&self, cx: &mut Cx, key: &Obj) -> PyResult<bool> {
        let hash = protocol::hash(cx, key)?;
        let (found, at) = self.find(cx, key, hash)?;
        if found {
            self.version.set(self.version.get().wrapping_add(1));
            let old = std::mem::replace(&mut self.table.get_mut(cx)[at], Entry { key: None, dummy: true, hash: -1 });
            self.used.set(self.used.get() - 1);
            cx.release(old);
        }
        Ok(found)
    }
    /// For the iterator: the next key at or after `at`.
    /// The item at or after a place in the table; the place moves behind it.
    fn next_entry(&self, cx: &Cx, at: &mut usize) -> Option<Obj> {
        let t = self.table.get(cx);
        while *at < t.len() {
            *at += 1;
            if let Some(k) = &t[*at - 1].key {
                return Some(k.clone());
            }
        }
        None
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
    for k in a.items(cx) {
        if !b.contains(cx, &k)? {
            return Ok(false);
        }
    }
    Ok(true)
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

fn combine(cx: &mut Cx, ty: &Ref<Type>, a: &Ref<Set>, b: &Ref<Set>, op: Op) -> PyResult {
    let out = Set::of_type(cx, ty)?;
    match op {
        Op::Or => {
            let items = a.items(cx);
            out.fill_from(cx, items)?;
            let items = b.items(cx);
            out.fill_from(cx, items)?;
        }
        Op::And => {
            let (small, large) = if a.len() > b.len() { (b, a) } else { (a, b) };
            for k in small.items(cx) {
                if large.contains(cx, &k)? {
                    out.add(cx, &k)?;
                }
            }
        }
        _ => {
            for k in a.items(cx) {
                if !b.contains(cx, &k)? {
                    out.add(cx, &k)?;
                }
            }
            if op == Op::Xor {
                for k in b.items(cx) {
                    if !a.contains(cx, &k)? {
                        out.add(cx, &k)?;
                    }
                }
            }
        }
    }
    Ok(out.into_obj())
}

fn operator<const OP: usize>(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
    let (Some(x), Some(y)) = (a.cast::<Set>(), b.cast::<Set>()) else { return Ok(cx.not_implemented()) };
    let ty = if a.ty().is_subtype(cx, &cx.types.frozenset) { cx.types.frozenset.clone() } else { cx.types.set.clone() };
    combine(cx, &ty, x, y, Op::from_index(OP))
}
fn inplace<const OP: usize>(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
    if b.cast::<Set>().is_none() {
        return Ok(cx.not_implemented());
    }
    let r = operator::<OP>(cx, a, b)?;
    take_over(cx, set(a), set(&r));
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

fn as_set(cx: &mut Cx, o: &Obj) -> PyResult<Ref<Set>> {
    if let Some(s) = o.cast::<Set>() {
        return Ok(s.clone());
    }
    let s = Set::new(cx)?;
    let items = protocol::collect(cx, o)?;
    s.fill_from(cx, items)?;
    Ok(s)
}

fn with_all(cx: &mut Cx, this: &Ref<Set>, others: &[Obj], op: Op) -> PyResult {
    let ty = if this.as_obj().ty().is_subtype(cx, &cx.types.frozenset) { cx.types.frozenset.clone() } else { cx.types.set.clone() };
    let empty = Set::new(cx)?;
    let mut r = combine(cx, &ty, this, &empty, Op::Or)?;
    for o in others {
        let s = as_set(cx, o)?;
        r = combine(cx, &ty, set(&r), &s, op)?;
    }
    Ok(r)
}

#[retic_macros::methods]
impl Set {
    /// Return state information for pickling.
    #[py("__reduce__($self, /)")]
    fn reduce(cx: &mut Cx, this: &Ref<Set>) -> PyResult {
        let items = protocol::collect(cx, this.as_obj())?;
        let items = cx.list(items)?;
        let args = cx.tuple(vec![items])?;
        let state = protocol::pickle::getstate(cx, this.as_obj())?;
        cx.tuple(vec![this.as_obj().type_ref().into_obj(), args, state])
    }
    /// See PEP 585
    #[py("__class_getitem__($cls, object, /)")]
    fn class_getitem(cx: &mut Cx, cls: &Obj, object: &Obj) -> PyResult {
        super::generic::alias(cx, cls, object)
    }
    /// Add an element to a set.
    #[py("add($self, object, /)")]
    fn add_method(cx: &mut Cx, this: &Ref<Set>, object: &Obj) -> PyResult<()> {
        this.add(cx, object).map(|_| ())
    }
    /// Remove an element from a set if it is a member.
    #[py("discard($self, object, /)")]
    fn discard_method(cx: &mut Cx, this: &Ref<Set>, object: &Obj) -> PyResult<()> {
        this.discard(cx, object).map(|_| ())
    }
    /// Remove an element from a set; it must be a member.
    #[py("remove($self, object, /)")]
    fn remove(cx: &mut Cx, this: &Ref<Set>, object: &Obj) -> PyResult<()> {
        if this.discard(cx, object)? { Ok(()) } else { Err(cx.key_error(object)) }
    }
    /// Remove and return an arbitrary set element.
    #[py("pop($self, /)")]
    fn pop(cx: &mut Cx, this: &Ref<Set>) -> PyResult {
        let Some(k) = this.items(cx).into_iter().next() else {
            let t = cx.str("pop from an empty set")?;
            return Err(cx.key_error(&t));
        };
        this.discard(cx, &k)?;
        Ok(k)
    }
    /// Remove all elements from this set.
    #[py("clear($self, /)")]
    fn clear_method(cx: &mut Cx, this: &Ref<Set>) {
        this.used.set(0);
        this.fill.set(0);
        this.version.set(this.version.get().wrapping_add(1));
        let old = this.table.replace(cx, Buf::empty());
        cx.release(old);
    }
    /// Update the set, adding elements from all others.
    #[py("update($self, *others)")]
    fn update(cx: &mut Cx, this: &Ref<Set>, others: &[Obj]) -> PyResult<()> {
        for o in others {
            let items = protocol::collect(cx, o)?;
            this.fill_from(cx, items)?;
        }
        Ok(())
    }
    /// Update the set, removing elements found in others.
    #[py("difference_update($self, *others)")]
    fn difference_update(cx: &mut Cx, this: &Ref<Set>, others: &[Obj]) -> PyResult<()> {
        for o in others {
            for k in protocol::collect(cx, o)? {
                this.discard(cx, &k)?;
            }
        }
        Ok(())
    }
    /// Update the set, keeping only elements found in it and all others.
    #[py("intersection_update($self, *others)")]
    fn intersection_update(cx: &mut Cx, this: &Ref<Set>, others: &[Obj]) -> PyResult<()> {
        let r = with_all(cx, this, others, Op::And)?;
        take_over(cx, this, set(&r));
        Ok(())
    }
    /// Update the set, keeping only elements found in either set, but not in both.
    #[py("symmetric_difference_update($self, other, /)")]
    fn symmetric_difference_update(cx: &mut Cx, this: &Ref<Set>, other: &Obj) -> PyResult<()> {
        let r = with_all(cx, this, std::slice::from_ref(other), Op::Xor)?;
        take_over(cx, this, set(&r));
        Ok(())
    }
    #[py("copy($self, /)")]
    fn copy(cx: &mut Cx, this: &Ref<Set>) -> PyResult {
        if std::ptr::eq(this.as_obj().ty(), &*cx.types.frozenset) {
            return Ok(this.as_obj().clone());
        }
        with_all(cx, this, &[], Op::Or)
    }
    #[py("union($self, *others)")]
    fn union(cx: &mut Cx, this: &Ref<Set>, others: &[Obj]) -> PyResult {
        with_all(cx, this, others, Op::Or)
    }
    #[py("intersection($self, *others)")]
    fn intersection(cx: &mut Cx, this: &Ref<Set>, others: &[Obj]) -> PyResult {
        with_all(cx, this, others, Op::And)
    }
    #[py("difference($self, *others)")]
    fn difference(cx: &mut Cx, this: &Ref<Set>, others: &[Obj]) -> PyResult {
        with_all(cx, this, others, Op::Sub)
    }
    #[py("symmetric_difference($self, other, /)")]
    fn symmetric_difference(cx: &mut Cx, this: &Ref<Set>, other: &Obj) -> PyResult {
        with_all(cx, this, std::slice::from_ref(other), Op::Xor)
    }
    #[py("issubset($self, other, /)")]
    fn issubset(cx: &mut Cx, this: &Ref<Set>, other: &Obj) -> PyResult<bool> {
        let o = as_set(cx, other)?;
        subset(cx, this, &o)
    }
    #[py("issuperset($self, other, /)")]
    fn issuperset(cx: &mut Cx, this: &Ref<Set>, other: &Obj) -> PyResult<bool> {
        let o = as_set(cx, other)?;
        subset(cx, &o, this)
    }
    #[py("isdisjoint($self, other, /)")]
    fn isdisjoint(cx: &mut Cx, this: &Ref<Set>, other: &Obj) -> PyResult<bool> {
        for k in protocol::collect(cx, other)? {
            if this.contains(cx, &k)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
    #[py("__sizeof__($self, /)")]
    fn sizeof(cx: &mut Cx, this: &Ref<Set>) -> usize {
        let n = this.table.get(cx).len();
        184 + if n > 8 { n * 16 } else { 0 }
    }
}

fn init(cx: &mut Cx, this: &Obj, args: Args<'_>) -> PyResult<()> {
    let a = args.unpack(cx, "set", 0, 1)?;
    if let Some(x) = a.first() {
        let items = protocol::collect(cx, x)?;
        set(this).fill_from(cx, items)?;
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
            contains: Some(|cx, o, k| set(o).contains(cx, k)),
            iter: Some(|cx, o| iterator::over(cx, set(o))),
            new: Some(|cx, ty, _| Ok(Set::of_type(cx, ty)?.into_obj())),
            init: Some(init),
            ..Slots::EMPTY
        }
        .with(&[(Op::Sub, operator::<1>), (Op::And, operator::<10>), (Op::Xor, operator::<11>), (Op::Or, operator::<12>)])
        .with_inplace(&[(Op::Sub, inplace::<1>), (Op::And, inplace::<10>), (Op::Xor, inplace::<11>), (Op::Or, inplace::<12>)]),
        methods: Set::METHODS,
        ..Spec::new::<Set>("set")
    }
}

pub fn frozen_spec() -> Spec {
    let base = spec();
    Spec {
        name: "frozenset",
        shape: 0,
        doc: "Build an immutable unordered collection of unique elements.",
        slots: Slots {
            hash: Some(hash),
            init: None,
            inplace: [None; 14],
            new: Some(|cx, ty, args| {
                let a = args.unpack(cx, "frozenset", 0, 1)?;
                if let Some(x) = a.first()
                    && std::ptr::eq(x.ty(), &**ty)
                {
                    return Ok(x.clone());
                }
                let s = Set::of_type(cx, ty)?;
                if let Some(x) = a.first() {
                    let items = protocol::collect(cx, x)?;
                    s.fill_from(cx, items)?;
                }
                Ok(s.into_obj())
            }),
            ..base.slots
        },
        ..base
    }
}
