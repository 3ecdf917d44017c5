//! `collections.OrderedDict`: a dict whose keys can change their place. Its order is that of the table, whose first entries go
//! away without a walk; only `move_to_end(last=False)` puts the whole table in order anew.

use super::{Dict, views};
use crate::cx::{Cx, PyResult, Raised};
use crate::layout;
use crate::memory;
use crate::native::Args;
use crate::object::{Guarded, Obj, Ref};
use crate::protocol;
use crate::types::type_::{Cmp, Op, flags};
use crate::types::{Slots, Spec, Tuple, Type};
use std::cell::Cell;

const NAME: &str = "collections.OrderedDict";
const KEYS: u8 = 0;
const VALUES: u8 = 1;
const ITEMS: u8 = 2;

layout! {
    /// An iterator over an ordered dict, forwards or backwards. `version`: that of the dict when it began.
    pub struct OrderedIter = 341, "odict_iterator" {
        dict: Guarded<Option<Ref<Dict>>>,
        kind: Cell<u8>,
        backwards: Cell<bool>,
        at: Cell<usize>,
        version: Cell<u64>,
        result: Guarded<Option<Obj>>,
    }
}

fn dict(o: &Obj) -> Ref<Dict> {
    // SAFETY: O3, slots of ordered dicts are only reached through them.
    unsafe { o.cast_unchecked::<Dict>() }.clone()
}
fn is_exact(cx: &mut Cx, o: &Obj) -> bool {
    let ty = cx.native_type(NAME);
    std::ptr::eq(o.ty(), &*ty)
}

fn iterator(cx: &mut Cx, d: &Ref<Dict>, kind: u8, backwards: bool) -> PyResult {
    let ty = cx.native_type("odict_iterator");
    let at = if backwards { d.table.get(cx).end() } else { 0 };
    let it = memory::new(cx, &ty, |head| OrderedIter {
        head,
        dict: Guarded::new(Some(d.clone())),
        kind: Cell::new(kind),
        backwards: Cell::new(backwards),
        at: Cell::new(at),
        version: Cell::new(d.version()),
        result: Guarded::new(None),
    })?;
    if kind == ITEMS {
        // It is shown again and again while nobody else holds it.
        let (k, v) = (cx.none(), cx.none());
        let pair = cx.tuple_of([k, v])?;
        it.result.set(cx, Some(pair));
    }
    Ok(it.into_obj())
}

fn next(cx: &mut Cx, this: &Obj) -> PyResult<Option<Obj>> {
    let Some(it) = this.cast::<OrderedIter>() else { return Ok(None) };
    let Some(d) = it.dict.cloned(cx) else { return Ok(None) };
    if d.version() != it.version.get() {
        it.dict.set(cx, None);
        return Err(cx.runtime_error("OrderedDict mutated during iteration"));
    }
    let found = if it.backwards.get() {
        let table = d.table.get(cx);
        (0..it.at.get()).rev().find(|i| table.is_live(*i))
    } else {
        d.entry_from(cx, it.at.get())
    };
    let Some(i) = found else {
        it.dict.set(cx, None);
        return Ok(None);
    };
    it.at.set(if it.backwards.get() { i } else { i + 1 });
    let table = d.table.get(cx);
    Ok(Some(match it.kind.get() {
        KEYS => table.key(i).clone(),
        VALUES => table.value(i).clone(),
        _ => {
            let (key, value) = (table.key(i).clone(), table.value(i).clone());
            let last = it.result.cloned(cx);
            crate::types::tuple::pair_again(cx, last, key, value)?
        }
    }))
}

#[retic_macros::methods]
impl OrderedIter {
    /// Return state information for pickling
    #[py("__reduce__($self, /)")]
    fn reduce(cx: &mut Cx, this: &Ref<OrderedIter>) -> PyResult {
        let (at, d) = (this.at.get(), this.dict.cloned(cx));
        let mut items = Vec::new();
        let r = loop {
            match next(cx, this.as_obj()) {
                Ok(Some(v)) => items.push(v),
                Ok(None) => break Ok(()),
                Err(r) => break Err(r),
            }
        };
        this.at.set(at);
        this.dict.set(cx, d);
        r?;
        let list = cx.list(items)?;
        crate::types::iterators::rebuilt(cx, "iter", vec![list], None)
    }
}

pub fn iterator_spec() -> Spec {
    Spec {
        flags: flags::GC | flags::NO_NEW,
        slots: Slots { iter: Some(|_, o| Ok(o.clone())), next: Some(next), ..Slots::EMPTY },
        methods: OrderedIter::METHODS,
        ..Spec::new::<OrderedIter>("odict_iterator")
    }
}

struct OrderedViews;
#[retic_macros::methods]
impl OrderedViews {
    /// Return a reverse iterator over the dict's entries.
    #[py("__reversed__($self, /)")]
    fn reversed(cx: &mut Cx, this: &Ref<views::View>) -> PyResult {
        let d = this.dict.cloned(cx);
        let kind = kind_of(this.as_obj());
        iterator(cx, &d, kind, true)
    }
}
fn kind_of(view: &Obj) -> u8 {
    match view.ty().short_name().as_str() {
        "odict_keys" => KEYS,
        "odict_values" => VALUES,
        _ => ITEMS,
    }
}
fn view_iter(cx: &mut Cx, o: &Obj) -> PyResult {
    let Some(v) = o.cast::<views::View>() else { return Ok(cx.none()) };
    let d = v.dict.cloned(cx);
    iterator(cx, &d, kind_of(o), false)
}

/// The views' classes, with those of dicts for bases.
pub fn view_specs(cx: &Cx) -> [(Spec, Ref<Type>); 3] {
    let made = |base: Spec, name: &'static str| Spec {
        name,
        doc: "",
        shape: 0,
        slots: Slots { iter: Some(view_iter), ..Slots::EMPTY },
        methods: OrderedViews::METHODS,
        more_methods: &[],
        getset: &[],
        ..base
    };
    [
        (made(views::keys_spec(), "odict_keys"), cx.types.dict_keys.clone()),
        (made(views::values_spec(), "odict_values"), cx.types.dict_values.clone()),
        (made(views::items_spec(), "odict_items"), cx.types.dict_items.clone()),
    ]
}

/// A KeyError whose arguments are the items of a key that is a tuple: `pop` and `move_to_end` raise it so.
fn missing(cx: &mut Cx, key: &Obj) -> Raised {
    let Some(items) = key.cast::<Tuple>().map(|t| t.items().to_vec()) else { return cx.key_error(key) };
    let class = cx.types.key_error.as_obj().clone();
    match protocol::call(cx, &class, &items) {
        Ok(e) => cx.raise(e),
        Err(r) => r,
    }
}

/// Puts a key in, by the class's own way.
fn put(cx: &mut Cx, this: &Obj, key: &Obj, value: &Obj) -> PyResult<()> {
    protocol::setitem(cx, this, key, Some(value))
}

/// What `update` and the constructor take in (`MutableMapping.update`).
fn take_in(cx: &mut Cx, this: &Obj, name: &str, args: &[Obj], keywords: &[(Obj, Obj)]) -> PyResult<()> {
    if args.len() > 1 {
        return Err(cx.type_error(format!("{name}() takes at most 1 positional argument ({} given)", args.len())));
    }
    if let Some(other) = args.first() {
        let (keys, items) = (cx.name("keys"), cx.name("items"));
        if other.shape() == crate::object::shape::DICT {
            for (k, v) in dict(other).entries(cx) {
                put(cx, this, &k, &v)?;
                cx.poll_native()?;
            }
        } else if let Some(f) = protocol::lookup_attr(cx, other, &keys)? {
            let all = protocol::call(cx, &f, &[])?;
            let it = protocol::iter(cx, &all)?;
            while let Some(k) = protocol::next(cx, &it)? {
                let v = protocol::getitem(cx, other, &k)?;
                put(cx, this, &k, &v)?;
                cx.poll_native()?;
            }
        } else {
            let pairs = match protocol::lookup_attr(cx, other, &items)? {
                Some(f) => protocol::call(cx, &f, &[])?,
                None => other.clone(),
            };
            let it = protocol::iter(cx, &pairs)?;
            while let Some(pair) = protocol::next(cx, &it)? {
                let items = protocol::collect(cx, &pair)?;
                let [k, v] = &items[..] else {
                    let n = items.len();
                    return Err(cx.value_error(if n < 2 {
                        format!("need more than {n} value{} to unpack", if n == 1 { "" } else { "s" })
                    } else {
                        "too many values to unpack (expected 2)".to_string()
                    }));
                };
                put(cx, this, k, v)?;
                cx.poll_native()?;
            }
        }
    }
    for (k, v) in keywords {
        put(cx, this, k, v)?;
    }
    Ok(())
}

fn init(cx: &mut Cx, this: &Obj, args: Args<'_>) -> PyResult<()> {
    let keywords: Vec<(Obj, Obj)> = args.keywords().map(|(k, v)| (k.clone(), v.clone())).collect();
    let p = args.positional();
    if p.len() > 1 {
        return Err(cx.type_error(format!("expected at most 1 arguments, got {}", p.len())));
    }
    take_in(cx, this, "update", p, &keywords)
}

fn repr(cx: &mut Cx, o: &Obj) -> PyResult {
    let name = o.ty().short_name();
    if dict(o).len(cx) == 0 {
        return cx.str(&format!("{name}()"));
    }
    let Some(guard) = protocol::enter_repr(cx, o) else { return cx.str("...") };
    let shown = (|| {
        let plain = Dict::new(cx)?;
        if is_exact(cx, o) {
            for (k, v) in dict(o).entries(cx) {
                let old = plain.insert(cx, &k, v)?;
                cx.release(old);
            }
        } else {
            let items = protocol::call_method(cx, o, "items", &[])?;
            plain.update_from(cx, &items)?;
        }
        protocol::repr_text(cx, plain.as_obj())
    })();
    protocol::leave_repr(cx, guard);
    let shown = shown?;
    cx.str(&format!("{name}({shown})"))
}

fn compare(cx: &mut Cx, a: &Obj, b: &Obj, op: Cmp) -> PyResult {
    if b.cast::<Dict>().is_none() || !matches!(op, Cmp::Eq | Cmp::Ne) {
        return Ok(cx.not_implemented());
    }
    let Some(plain) = cx.types.dict.slots(cx).richcompare else { return Ok(cx.not_implemented()) };
    let equal = plain(cx, a, b, Cmp::Eq)?;
    let mut same = protocol::truth(cx, &equal)?;
    let ty = cx.native_type(NAME);
    if same && b.ty().is_subtype(cx, &ty) {
        let (x, y) = (dict(a), dict(b));
        let (before, other) = (x.version(), y.version());
        let (mut i, mut j) = (0, 0);
        while let (Some((n, k, _)), Some((m, l, _))) = (x.next_key(cx, i), y.next_key(cx, j)) {
            (i, j) = (n, m);
            if !protocol::equal(cx, &k, &l)? {
                same = false;
                break;
            }
            if x.version() != before || y.version() != other {
                return Err(cx.runtime_error("OrderedDict mutated during iteration"));
            }
            cx.poll_native()?;
        }
    }
    Ok(cx.bool(same == (op == Cmp::Eq)))
}

fn or(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
    let ty = cx.native_type(NAME);
    let like = if a.ty().is_subtype(cx, &ty) { a } else { b };
    if a.cast::<Dict>().is_none() || b.cast::<Dict>().is_none() {
        return Ok(cx.not_implemented());
    }
    let new = protocol::call(cx, like.type_ref().as_obj(), std::slice::from_ref(a))?;
    take_in(cx, &new, "update", std::slice::from_ref(b), &[])?;
    Ok(new)
}

struct OrderedDict;
#[retic_macros::methods]
impl OrderedDict {
    /// Create a new ordered dictionary with keys from iterable and values set to value.
    #[py("fromkeys($type, /, iterable, value=None)")]
    fn fromkeys(cx: &mut Cx, r#type: &Obj, iterable: &Obj, value: Option<&Obj>) -> PyResult {
        let v = value.cloned().unwrap_or_else(|| cx.none());
        let d = protocol::call(cx, r#type, &[])?;
        let it = protocol::iter(cx, iterable)?;
        while let Some(k) = protocol::next(cx, &it)? {
            put(cx, &d, &k, &v)?;
            cx.poll_native()?;
        }
        Ok(d)
    }
    /// Return the size of the dict in memory.
    #[py("__sizeof__($self, /)")]
    fn sizeof(cx: &mut Cx, this: &Ref<Dict>) -> usize {
        // CPython has a node for each key, and a table of them.
        let (n, bytes) = (this.len(cx), this.table.get(cx).bytes());
        let slots = if bytes == 0 { 0 } else { this.table.get(cx).slots() };
        crate::types::type_::sizes::basic(cx, this.as_obj()) + bytes + slots * 8 + n * 32
    }
    /// Return state information for pickling
    #[py("__reduce__($self, /)")]
    fn reduce(cx: &mut Cx, this: &Ref<Dict>) -> PyResult {
        let o = this.as_obj();
        let state = protocol::call_method(cx, o, "__getstate__", &[])?;
        let items = protocol::call_method(cx, o, "items", &[])?;
        let it = protocol::iter(cx, &items)?;
        let (args, none) = (cx.consts.empty_tuple.clone(), cx.none());
        cx.tuple_of([o.type_ref().into_obj(), args, state, none, it])
    }
    /// Insert key with a value of default if key is not in the dictionary.
    #[py("setdefault($self, /, key, default=None)")]
    fn setdefault(cx: &mut Cx, this: &Ref<Dict>, key: &Obj, default: Option<&Obj>) -> PyResult {
        let o = this.as_obj();
        let v = default.cloned().unwrap_or_else(|| cx.none());
        if is_exact(cx, o) {
            if let Some(known) = this.get(cx, key)? {
                return Ok(known);
            }
        } else if protocol::contains(cx, o, key)? {
            return protocol::getitem(cx, o, key);
        }
        put(cx, o, key, &v)?;
        Ok(v)
    }
    /// od.pop(key[,default]) -> v, remove specified key and return the corresponding value.
    #[py("pop($self, /, key, default=<unrepresentable>)")]
    fn pop(cx: &mut Cx, this: &Ref<Dict>, key: &Obj, default: Option<&Obj>) -> PyResult {
        match (this.remove(cx, key)?, default) {
            (Some(v), _) => Ok(v),
            (None, Some(d)) => Ok(d.clone()),
            (None, None) => Err(missing(cx, key)),
        }
    }
    /// Remove and return a (key, value) pair from the dictionary. Pairs are returned in LIFO order if last is true or FIFO order if false.
    #[py("popitem($self, /, last=True)")]
    fn popitem(cx: &mut Cx, this: &Ref<Dict>, last: bool) -> PyResult {
        let found = if last { (0..this.table.get(cx).end()).rev().find(|i| this.table.get(cx).is_live(*i)) } else { this.entry_from(cx, 0) };
        let Some(i) = found else {
            let text = cx.str("dictionary is empty")?;
            return Err(cx.key_error(&text));
        };
        let hash = this.table.get(cx).hash_at(i);
        let (key, value) = if last { this.take_last(cx) } else { this.take_entry(cx, i, hash) };
        cx.tuple_of([key, value])
    }
    /// D.keys() -> a set-like object providing a view on D's keys
    #[py("keys($self, /)")]
    fn keys(cx: &mut Cx, this: &Ref<Dict>) -> PyResult {
        let ty = cx.native_type("odict_keys");
        views::make(cx, &ty, this)
    }
    /// D.values() -> an object providing a view on D's values
    #[py("values($self, /)")]
    fn values(cx: &mut Cx, this: &Ref<Dict>) -> PyResult {
        let ty = cx.native_type("odict_values");
        views::make(cx, &ty, this)
    }
    /// D.items() -> a set-like object providing a view on D's items
    #[py("items($self, /)")]
    fn items(cx: &mut Cx, this: &Ref<Dict>) -> PyResult {
        let ty = cx.native_type("odict_items");
        views::make(cx, &ty, this)
    }
    /// D.update([E, ]**F) -> None.  Update D from mapping/iterable E and F.
    #[py("update($self, *args, **kwargs)", "")]
    fn update(cx: &mut Cx, this: &Ref<Dict>, args: &[Obj], kwargs: Vec<(&Obj, &Obj)>) -> PyResult<()> {
        let keywords: Vec<(Obj, Obj)> = kwargs.iter().map(|(k, v)| ((*k).clone(), (*v).clone())).collect();
        take_in(cx, this.as_obj(), "update", args, &keywords)
    }
    /// od.copy() -> a shallow copy of od
    #[py("copy($self, /)")]
    fn copy(cx: &mut Cx, this: &Ref<Dict>) -> PyResult {
        let o = this.as_obj();
        let new = protocol::call(cx, o.type_ref().as_obj(), &[])?;
        let exact = is_exact(cx, o);
        for (k, v) in this.entries(cx) {
            let v = if exact { v } else { protocol::getitem(cx, o, &k)? };
            put(cx, &new, &k, &v)?;
            cx.poll_native()?;
        }
        Ok(new)
    }
    /// od.__reversed__() <==> reversed(od)
    #[py("__reversed__($self, /)")]
    fn reversed(cx: &mut Cx, this: &Ref<Dict>) -> PyResult {
        iterator(cx, this, KEYS, true)
    }
    /// Move an existing element to the end (or beginning if last is false). Raise KeyError if the element does not exist.
    #[py("move_to_end($self, /, key, last=True)")]
    fn move_to_end(cx: &mut Cx, this: &Ref<Dict>, key: &Obj, last: bool) -> PyResult<()> {
        let hash = protocol::hash(cx, key)?;
        let Some(i) = this.find(cx, key, key, hash)? else { return Err(missing(cx, key)) };
        let table = this.table.get(cx);
        let there = if last { (i + 1..table.end()).all(|j| !table.is_live(j)) } else { this.entry_from(cx, 0) == Some(i) };
        if there {
            return Ok(());
        }
        if last {
            let own = table.key(i).clone();
            return this.move_last(cx, &own, hash);
        }
        // Every key behind it follows.
        let moved: Vec<(Obj, i64)> = (0..i).filter(|j| table.is_live(*j)).map(|j| (table.key(j).clone(), table.hash_at(j))).collect();
        let behind: Vec<(Obj, i64)> = (i + 1..table.end()).filter(|j| table.is_live(*j)).map(|j| (table.key(j).clone(), table.hash_at(j))).collect();
        for (k, hash) in moved.into_iter().chain(behind) {
            this.move_last(cx, &k, hash)?;
            cx.poll_native()?;
        }
        Ok(())
    }
}

pub fn spec() -> Spec {
    let base = super::spec();
    Spec {
        name: NAME,
        doc: "Dictionary that remembers insertion order",
        text_signature: "",
        flags: base.flags & !(flags::UNTRACKABLE | flags::KEPT) | flags::MANAGED | flags::DICT | flags::WEAK,
        shape: 0,
        slots: Slots {
            repr: Some(repr),
            hash: Some(crate::types::dunders::unhashable),
            richcompare: Some(compare),
            iter: Some(|cx, o| {
                let d = dict(o);
                iterator(cx, &d, KEYS, false)
            }),
            init: Some(init),
            ..Slots::EMPTY
        }
        .with(&[(Op::Or, or)])
        .with_inplace(&[(Op::Or, |cx, a, b| {
            take_in(cx, a, "update", std::slice::from_ref(b), &[])?;
            Ok(a.clone())
        })]),
        methods: OrderedDict::METHODS,
        more_methods: &[],
        getset: &[],
        ..base
    }
}
