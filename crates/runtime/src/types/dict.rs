//! `dict`: insertion-ordered entries behind an index, as CPython's compact dict. Sizes and growth are CPython's.

pub mod ordered;
mod table;
pub mod views;

use super::type_::{Cmp, Op, flags};
use super::{Slots, Spec, Str, Type};
use crate::cx::{Cx, PyResult};
use crate::layout;
use crate::memory::{self, Ops, OpsOf};
use crate::native::Args;
use crate::object::{Guarded, Header, Obj, Ref, shape};
use crate::protocol;
use retic_heap::Kind;
use std::cell::Cell;
use std::ptr::NonNull;
pub(crate) use table::KEPT_BYTES;
use table::Table;

layout! {
    /// A dict.
    pub struct Dict = 10, "dict" {
        table: Guarded<Table>,
        /// Changes whenever a key comes or goes, or the table moves; inline caches compare it. Never used twice.
        version: Cell<u64>,
        /// Not a dict of the program's: see `standing_in`.
        stand_in: Cell<usize>,
        /// What a `defaultdict` makes values with; of other dicts nothing.
        factory: Guarded<Option<Obj>>,
    }
}

impl Dict {
    pub fn new(cx: &Cx) -> PyResult<Ref<Dict>> {
        memory::new_unwatched(cx, &cx.types.dict, Some(Kind::DICT), Dict::fields(cx))
    }
    /// As the call of a class makes it, `dict` itself, too.
    pub fn of_type(cx: &Cx, ty: &Type) -> PyResult<Ref<Dict>> {
        let fields = Dict::fields(cx);
        if std::ptr::eq(ty, &*cx.types.dict) { memory::new_unwatched(cx, ty, None, fields) } else { memory::new(cx, ty, fields) }
    }
    #[inline(always)]
    fn fields(cx: &Cx) -> impl FnOnce(Header) -> Dict {
        let version = cx.new_keys_version();
        move |head| Dict { head, table: Guarded::new(Table::empty()), version: Cell::new(version), stand_in: Cell::new(0), factory: Guarded::new(None) }
    }
    /// A dict in the place of another mapping, which it holds: no name is found in it.
    pub(crate) fn standing_in(cx: &mut Cx, mapping: Obj) -> PyResult<Ref<Dict>> {
        let d = Dict::new(cx)?;
        d.set_str(cx, "", mapping)?;
        d.stand_in.set(1);
        Ok(d)
    }
    /// The mapping that a dict stands for.
    pub(crate) fn stands_for(&self, cx: &Cx) -> Option<Obj> {
        (self.stand_in.get() == 1).then(|| self.table.get(cx).value(0).clone())
    }
    pub fn len(&self, cx: &Cx) -> usize {
        self.table.get(cx).used()
    }
    pub fn version(&self) -> u64 {
        self.version.get()
    }
    /// Marks the dict as changed in its keys, or its table as moved: no cache may use the places of its values any more.
    pub(crate) fn touch(&self, cx: &Cx) {
        self.version.set(cx.new_keys_version());
    }

    /// The value of a string key. Never runs Python.
    #[inline]
    pub fn get_str(&self, cx: &Cx, key: &Ref<Str>) -> Option<Obj> {
        let t = self.table.get(cx);
        let i = t.find_str(key, key.hash(cx))?;
        Some(t.value(i).clone())
    }
    /// Whether every key is a text.
    pub fn has_text_keys(&self, cx: &Cx) -> bool {
        let t = self.table.get(cx);
        !t.is_general() || (0..t.end()).all(|i| !t.is_live(i) || t.key(i).cast::<Str>().is_some())
    }
    /// Where a string key lies among the entries.
    pub fn find_str(&self, cx: &Cx, key: &Ref<Str>) -> Option<usize> {
        self.table.get(cx).find_str(key, key.hash(cx))
    }
    /// The same; nothing, too, where a key on the way would have to be asked.
    #[inline]
    pub(crate) fn find_text(&self, cx: &Cx, key: &Ref<Str>) -> Option<usize> {
        let t = self.table.get(cx);
        if t.is_general() { self.find_plain(cx, key.as_obj()).flatten() } else { t.find_str(key, key.hash(cx)) }
    }
    /// The address of an entry's value; good until the version changes.
    pub(crate) fn value_slot(&self, cx: &Cx, index: usize) -> *const Obj {
        self.table.get(cx).value(index)
    }

    /// Finds a string or small int without running Python; nothing if a key on the way would have to be asked.
    pub(crate) fn find_plain(&self, cx: &Cx, key: &Obj) -> Option<Option<usize>> {
        let t = self.table.get(cx);
        let (hash, number) = match key.shape() {
            shape::STR => {
                // SAFETY: O3, the shape says str.
                let s = unsafe { key.cast_unchecked::<Str>() };
                let hash = s.hash(cx);
                if !t.is_general() {
                    return Some(t.find_str(s, hash));
                }
                (hash, None)
            }
            shape::INT => {
                let n = super::int::small_value(key)?;
                (retic_numbers::hash::small(n), Some(n))
            }
            _ => return None,
        };
        let mut probe = t.probe(hash);
        while let Some(i) = t.next_candidate(&mut probe, hash) {
            let k = t.key(i);
            let same = k.is(key)
                || match (k.shape(), number) {
                    (shape::INT, Some(n)) => super::int::to_i64(k)? == n,
                    (shape::STR, Some(_)) | (shape::INT, None) => false,
                    // SAFETY: O3, both shapes say str.
                    (shape::STR, None) => unsafe { k.cast_unchecked::<Str>().same(key.cast_unchecked::<Str>()) },
                    _ => return None,
                };
            if same {
                return Some(Some(i));
            }
        }
        Some(None)
    }
    /// The value in a place that was found; good until the dict changes.
    pub fn value_at<'a>(&'a self, cx: &'a Cx, i: usize) -> &'a Obj {
        self.table.get(cx).value(i)
    }
    /// The key of a place.
    #[inline]
    pub(crate) fn key_at<'a>(&'a self, cx: &'a Cx, i: usize) -> &'a Obj {
        self.table.get(cx).key(i)
    }
    /// Puts another value in a place; the old one comes out. The collector watches again a dict that holds more than atoms.
    pub(crate) fn replace_at(&self, cx: &mut Cx, i: usize, value: Obj) -> Obj {
        self.watch(cx, &value);
        self.table.get_mut(cx).replace(i, value)
    }
    /// The value of a key where it lies at a place that is only likely; the key is the very object.
    #[inline(always)]
    pub fn value_if(&self, cx: &Cx, i: usize, key: &Obj) -> Option<&Obj> {
        let t = self.table.get(cx);
        if i < t.end() && t.is_live(i) && t.key(i).is(key) {
            // SAFETY: the entry is live; whoever asks takes a count before anything changes.
            return Some(unsafe { &*(t.value(i) as *const Obj) });
        }
        None
    }
    /// Sets a string or small int key if that needs no Python; the old value comes out.
    pub(crate) fn insert_plain(&self, cx: &mut Cx, key: &Obj, value: &Obj) -> Option<PyResult<Option<Obj>>> {
        let found = self.find_plain(cx, key)?;
        Some(match found {
            Some(i) => Ok(Some(self.replace_at(cx, i, value.clone()))),
            None => protocol::hash(cx, key).and_then(|hash| self.add(cx, key, hash, value.clone())).map(|()| None),
        })
    }

    /// Finds a key, running `__eq__` where needed.
    fn find(&self, cx: &mut Cx, this: &Obj, key: &Obj, hash: i64) -> PyResult<Option<usize>> {
        let _ = this;
        if key.shape() == shape::STR && !self.table.get(cx).is_general() {
            // SAFETY: O3, the shape says str.
            return Ok(self.table.get(cx).find_str(unsafe { key.cast_unchecked::<Str>() }, hash));
        }
        'again: loop {
            let version = self.version.get();
            let mut probe = self.table.get(cx).probe(hash);
            loop {
                let t = self.table.get(cx);
                let Some(i) = t.next_candidate(&mut probe, hash) else { return Ok(None) };
                let candidate = t.key(i);
                if candidate.is(key) {
                    return Ok(Some(i));
                }
                if let (Some(a), Some(b)) = (candidate.cast::<Str>(), key.cast::<Str>())
                    && candidate.shape() == shape::STR
                    && key.shape() == shape::STR
                {
                    if a.same(b) {
                        return Ok(Some(i));
                    }
                    continue;
                }
                let (candidate, block) = (candidate.clone(), t.block());
                let same = protocol::equal_unidentical(cx, &candidate, key)?;
                if self.version.get() != version {
                    // Only what happened to this key matters (CPython's `compare_generic`).
                    let now = self.table.get(cx);
                    let there = now.block() == block && i < now.end() && now.is_live(i) && now.key(i).is(&candidate);
                    if !there {
                        cx.release(candidate);
                        continue 'again;
                    }
                }
                cx.release(candidate);
                if same {
                    return Ok(Some(i));
                }
            }
        }
    }

    pub fn get(&self, cx: &mut Cx, key: &Obj) -> PyResult<Option<Obj>> {
        if let Some(found) = self.find_plain(cx, key) {
            return Ok(found.map(|i| self.table.get(cx).value(i).clone()));
        }
        let hash = protocol::hash(cx, key)?;
        Ok(self.find(cx, key, key, hash)?.map(|i| self.table.get(cx).value(i).clone()))
    }
    /// The same with the key's hash known.
    pub fn get_hashed(&self, cx: &mut Cx, key: &Obj, hash: i64) -> PyResult<Option<Obj>> {
        if let Some(found) = self.find_plain(cx, key) {
            return Ok(found.map(|i| self.table.get(cx).value(i).clone()));
        }
        Ok(self.find(cx, key, key, hash)?.map(|i| self.table.get(cx).value(i).clone()))
    }
    /// Where a key lies among the entries.
    pub fn find_key(&self, cx: &mut Cx, key: &Obj) -> PyResult<Option<usize>> {
        let hash = protocol::hash(cx, key)?;
        self.find(cx, key, key, hash)
    }
    pub fn contains(&self, cx: &mut Cx, key: &Obj) -> PyResult<bool> {
        if let Some(found) = self.find_plain(cx, key) {
            return Ok(found.is_some());
        }
        let hash = protocol::hash(cx, key)?;
        Ok(self.find(cx, key, key, hash)?.is_some())
    }
    /// Sets a key; hands the old value out.
    pub fn insert(&self, cx: &mut Cx, key: &Obj, value: Obj) -> PyResult<Option<Obj>> {
        let hash = protocol::hash(cx, key)?;
        self.insert_hashed(cx, key, hash, value)
    }
    /// The same with the key's hash known.
    pub fn insert_hashed(&self, cx: &mut Cx, key: &Obj, hash: i64, value: Obj) -> PyResult<Option<Obj>> {
        if let Some(i) = self.find(cx, key, key, hash)? {
            return Ok(Some(self.replace_at(cx, i, value)));
        }
        self.add(cx, key, hash, value)?;
        Ok(None)
    }
    /// Adds a key that is not there.
    fn add(&self, cx: &mut Cx, key: &Obj, hash: i64, value: Obj) -> PyResult<()> {
        self.watch(cx, key);
        self.watch(cx, &value);
        // SAFETY: `&mut Cx` is held and nothing runs meanwhile.
        unsafe { (*self.table.as_ptr()).insert(cx, key.clone(), hash, value)? };
        self.touch(cx);
        Ok(())
    }
    /// The collector watches a dict from when it holds something that could lead back to it.
    #[inline]
    fn watch(&self, cx: &Cx, held: &Obj) {
        if held.ty().has(flags::GC) && memory::cycles::may_be_tracked(held) {
            // SAFETY: a live dict; dicts are gc types.
            unsafe { memory::cycles::watch(cx, NonNull::from(self).cast::<Header>()) };
        }
    }
    pub fn set_str(&self, cx: &mut Cx, key: &'static str, value: Obj) -> PyResult<()> {
        let k = cx.name(key);
        let old = self.insert(cx, k.as_obj(), value)?;
        cx.release(old);
        Ok(())
    }
    pub fn remove(&self, cx: &mut Cx, key: &Obj) -> PyResult<Option<Obj>> {
        let hash = protocol::hash(cx, key)?;
        self.remove_hashed(cx, key, hash)
    }
    /// The same with a key whose hash is known.
    pub fn remove_hashed(&self, cx: &mut Cx, key: &Obj, hash: i64) -> PyResult<Option<Obj>> {
        let Some(i) = self.find(cx, key, key, hash)? else { return Ok(None) };
        self.touch(cx);
        let (k, v) = self.table.get_mut(cx).remove(i, hash);
        cx.release(k);
        Ok(Some(v))
    }
    /// Keys and values in order.
    pub fn entries(&self, cx: &Cx) -> Vec<(Obj, Obj)> {
        let mut out = Vec::with_capacity(self.len(cx));
        self.add_entries(cx, &mut out);
        out
    }
    /// The same behind others.
    pub fn add_entries(&self, cx: &Cx, out: &mut Vec<(Obj, Obj)>) {
        let t = self.table.get(cx);
        out.extend((0..t.end()).filter(|i| t.is_live(*i)).map(|i| (t.key(i).clone(), t.value(i).clone())));
    }
    /// The place of the entry at or after a position.
    #[inline]
    pub fn entry_from(&self, cx: &Cx, mut at: usize) -> Option<usize> {
        let t = self.table.get(cx);
        at = at.max(t.first());
        while at < t.end() {
            if t.is_live(at) {
                return Some(at);
            }
            at += 1;
        }
        None
    }
    /// The entry at or after a position, and the position behind it.
    pub fn next_entry(&self, cx: &Cx, at: usize) -> Option<(usize, Obj, Obj)> {
        let i = self.entry_from(cx, at)?;
        let t = self.table.get(cx);
        Some((i + 1, t.key(i).clone(), t.value(i).clone()))
    }
    /// The key at or after a position with its hash, and the position behind it.
    pub fn next_key(&self, cx: &Cx, at: usize) -> Option<(usize, Obj, i64)> {
        let i = self.entry_from(cx, at)?;
        let t = self.table.get(cx);
        Some((i + 1, t.key(i).clone(), t.hash_at(i)))
    }
    /// Takes an entry out that is there.
    pub(crate) fn take_entry(&self, cx: &mut Cx, i: usize, hash: i64) -> (Obj, Obj) {
        self.touch(cx);
        // SAFETY: `&mut Cx` is held and nothing runs meanwhile.
        unsafe { (*self.table.as_ptr()).remove(i, hash) }
    }
    /// Puts the entry of a key at the end. Without the memory for that it stays where it is.
    pub(crate) fn move_last(&self, cx: &mut Cx, key: &Obj, hash: i64) -> PyResult<()> {
        self.touch(cx);
        // SAFETY: `&mut Cx` is held and nothing runs meanwhile.
        unsafe { (*self.table.as_ptr()).make_room(cx, key)? };
        let Some(i) = self.find(cx, key, key, hash)? else { return Ok(()) };
        let (key, value) = self.take_entry(cx, i, hash);
        self.add(cx, &key, hash, value)
    }
    /// Takes the last entry out of a dict that has one.
    pub(crate) fn take_last(&self, cx: &mut Cx) -> (Obj, Obj) {
        self.touch(cx);
        // SAFETY: as above.
        unsafe { (*self.table.as_ptr()).pop() }.expect("the dict is not empty")
    }
    /// Whether there is a key of that hash.
    pub fn contains_hashed(&self, cx: &mut Cx, key: &Obj, hash: i64) -> PyResult<bool> {
        Ok(self.find(cx, key, key, hash)?.is_some())
    }
    /// Empties the dict; values die in order.
    pub fn clear_now(&self, cx: &mut Cx) {
        self.touch(cx);
        let old = self.table.replace(cx, Table::empty());
        cx.release(old);
    }
    pub fn copy(&self, cx: &mut Cx) -> PyResult<Ref<Dict>> {
        let new = Dict::new(cx)?;
        let t = self.table.get(cx);
        if t.used() > 0 && t.used() >= t.end() * 2 / 3 {
            new.take_over(cx, self)?;
        } else {
            new.update_from_dict(cx, self)?;
        }
        Ok(new)
    }
    /// Fills a dict that has no entries with those of another.
    fn take_over(&self, cx: &mut Cx, other: &Dict) -> PyResult<()> {
        let table = other.table.get(cx).cloned(cx)?;
        let old = self.table.replace(cx, table);
        self.touch(cx);
        cx.release(old);
        // SAFETY: live dicts.
        unsafe {
            if memory::cycles::is_watched(NonNull::from(other).cast()) {
                memory::cycles::watch(cx, NonNull::from(self).cast());
            }
        }
        Ok(())
    }
    /// `update` from another dict (CPython's `dict_merge`).
    fn update_from_dict(&self, cx: &mut Cx, other: &Dict) -> PyResult<()> {
        if std::ptr::eq(self, other) {
            return Ok(());
        }
        let n = other.len(cx);
        if n == 0 {
            return Ok(());
        }
        if self.len(cx) == 0 && other.table.get(cx).is_dense() {
            return self.take_over(cx, other);
        }
        // SAFETY: `&mut Cx` is held and nothing runs meanwhile.
        unsafe { (*self.table.as_ptr()).reserve(cx, n, (*other.table.as_ptr()).is_general())? };
        // The table may have moved, and old values that die below may run Python.
        self.touch(cx);
        let mut at = 0;
        while let Some((next, k, v)) = other.next_entry(cx, at) {
            let hash = other.table.get(cx).hash_at(next - 1);
            at = next;
            let old = self.insert_hashed(cx, &k, hash, v)?;
            cx.release(old);
            cx.release(k);
            if other.len(cx) != n {
                return Err(cx.runtime_error("dict mutated during update"));
            }
            cx.poll_native()?;
        }
        Ok(())
    }
    /// A dict, of a derived class too, whose class does not iterate otherwise.
    pub(crate) fn iterated_plainly<'a>(cx: &Cx, o: &'a Obj) -> Option<&'a Ref<Dict>> {
        let d = o.cast::<Dict>()?;
        let own = |t: &Type| t.slots(cx).iter.map(|f| f as usize);
        (o.shape() == shape::DICT || own(o.ty()) == own(&cx.types.dict)).then_some(d)
    }
    /// `update` from another dict or mapping or pairs.
    pub fn update_from(&self, cx: &mut Cx, other: &Obj) -> PyResult<()> {
        if let Some(d) = Dict::iterated_plainly(cx, other) {
            return self.update_from_dict(cx, d);
        }
        let keys = cx.name("keys");
        if protocol::lookup_attr(cx, other, &keys)?.is_some() {
            let ks = protocol::call_method(cx, other, "keys", &[])?;
            // The keys are listed before the first value is asked for, as in CPython's `dict_merge`.
            for k in protocol::collect(cx, &ks)? {
                let v = protocol::getitem(cx, other, &k)?;
                let old = self.insert(cx, &k, v)?;
                cx.release((old, k));
                cx.poll_native()?;
            }
            return Ok(());
        }
        let it = protocol::iter(cx, other)?;
        let mut n = 0;
        while let Some(pair) = protocol::next(cx, &it)? {
            self.add_pair(cx, n, &pair)?;
            cx.release(pair);
            n += 1;
            cx.poll_native()?;
        }
        Ok(())
    }
    /// Adds the `i`-th key with its value.
    fn add_pair(&self, cx: &mut Cx, i: usize, pair: &Obj) -> PyResult<()> {
        if let Some([k, v]) = pair.cast::<super::Tuple>().filter(|_| pair.shape() == shape::TUPLE).map(|t| t.items()) {
            let old = self.insert(cx, k, v.clone())?;
            cx.release(old);
            return Ok(());
        }
        let items = match protocol::collect(cx, pair) {
            Ok(v) => v,
            Err(_) if cx.error_is(&cx.types.type_error) => {
                cx.clear_error();
                return Err(cx.type_error(format!("cannot convert dictionary update sequence element #{i} to a sequence")));
            }
            Err(r) => return Err(r),
        };
        let [k, v] = &items[..] else {
            return Err(cx.value_error(format!("dictionary update sequence element #{i} has length {}; 2 is required", items.len())));
        };
        let old = self.insert(cx, k, v.clone())?;
        cx.release((old, items));
        Ok(())
    }
}

fn dict(o: &Obj) -> &Ref<Dict> {
    // SAFETY: O3, slots of dict are only reached through dicts.
    unsafe { o.cast_unchecked::<Dict>() }
}

unsafe fn size(_: NonNull<Header>) -> usize {
    48
}
unsafe fn size_by_type(raw: NonNull<Header>) -> usize {
    // SAFETY: O1; subclasses have their own basicsize.
    let ty = unsafe { raw.as_ref().ty.get().as_ref() };
    // SAFETY: live dict.
    if ty.is_heap() { ty.basicsize.get() } else { unsafe { size(raw) } }
}
static OPS: Ops = OpsOf::<Dict>::sized(size_by_type);

fn repr(cx: &mut Cx, this: &Obj) -> PyResult {
    let entries = dict(this).entries(cx);
    if entries.is_empty() {
        return cx.str("{}");
    }
    let Some(guard) = protocol::enter_repr(cx, this) else { return cx.str("{...}") };
    let result = (|| {
        let mut out = super::str::builder::Text::default();
        out.rust("{");
        for (i, (k, v)) in entries.iter().enumerate() {
            if i > 0 {
                out.rust(", ");
            }
            protocol::push_repr(cx, &mut out, k)?;
            out.rust(": ");
            protocol::push_repr(cx, &mut out, v)?;
        }
        out.rust("}");
        out.finish(cx)
    })();
    protocol::leave_repr(cx, guard);
    result
}

fn compare(cx: &mut Cx, a: &Obj, b: &Obj, op: Cmp) -> PyResult {
    let (Some(x), Some(y)) = (a.cast::<Dict>(), b.cast::<Dict>()) else { return Ok(cx.not_implemented()) };
    if !matches!(op, Cmp::Eq | Cmp::Ne) {
        return Ok(cx.not_implemented());
    }
    let same = x.len(cx) == y.len(cx) && is_within(cx, x, y, false)?;
    Ok(cx.bool(same == (op == Cmp::Eq)))
}

/// Whether another dict has all keys of one, and equal values at them if not only the keys count.
fn is_within(cx: &mut Cx, x: &Ref<Dict>, y: &Ref<Dict>, only_keys: bool) -> PyResult<bool> {
    let mut at = 0;
    loop {
        // As far as it goes without Python.
        let end = at + (1 << 14);
        while at < end
            && let Some(i) = x.entry_from(cx, at)
            && let Some(Some(j)) = y.find_plain(cx, x.key_at(cx, i))
            && (only_keys || super::set::same_plain(x.value_at(cx, i), y.value_at(cx, j)) == Some(true))
        {
            at = i + 1;
        }
        let Some((next, k, v)) = x.next_entry(cx, at) else { return Ok(true) };
        at = next;
        let same = match y.get(cx, &k)? {
            Some(_) if only_keys => true,
            Some(o) => cx.deeper(" in comparison", |cx| protocol::equal(cx, &v, &o))?,
            None => false,
        };
        if !same {
            return Ok(false);
        }
        cx.poll_native()?;
    }
}

/// `d[key]` with `__missing__` for subclasses.
pub fn getitem(cx: &mut Cx, this: &Obj, key: &Obj) -> PyResult {
    if let Some(v) = dict(this).get(cx, key)? {
        return Ok(v);
    }
    if this.shape() != shape::DICT {
        let missing = cx.name("__missing__");
        if let Some(f) = protocol::special(cx, this, &missing)? {
            let r = protocol::call(cx, &f, std::slice::from_ref(key));
            cx.release_with_error(f);
            return r;
        }
    }
    Err(cx.key_error(key))
}

fn setitem(cx: &mut Cx, this: &Obj, key: &Obj, value: Option<&Obj>) -> PyResult<()> {
    let old = match value {
        Some(v) => dict(this).insert(cx, key, v.clone())?,
        None => match dict(this).remove(cx, key)? {
            Some(old) => Some(old),
            None => return Err(cx.key_error(key)),
        },
    };
    cx.release(old);
    Ok(())
}

fn init(cx: &mut Cx, this: &Obj, args: Args<'_>) -> PyResult<()> {
    let pos = args.positional();
    if pos.len() > 1 {
        return Err(cx.type_error(format!("dict expected at most 1 argument, got {}", pos.len())));
    }
    if let Some(x) = pos.first() {
        dict(this).update_from(cx, x)?;
    }
    for (k, v) in args.keywords() {
        let old = dict(this).insert(cx, k, v.clone())?;
        cx.release(old);
    }
    Ok(())
}

fn or(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
    if a.cast::<Dict>().is_none() || b.cast::<Dict>().is_none() {
        return Ok(cx.not_implemented());
    }
    let new = dict(a).copy(cx)?;
    new.update_from(cx, b)?;
    Ok(new.into_obj())
}

#[retic_macros::methods]
impl Dict {
    /// True if the dictionary has the specified key, else False.
    #[py("__contains__($self, key, /)")]
    fn contains_method(cx: &mut Cx, this: &Ref<Dict>, key: &Obj) -> PyResult<bool> {
        this.contains(cx, key)
    }
    /// Return self[key].
    #[py("__getitem__($self, key, /)")]
    fn getitem_method(cx: &mut Cx, this: &Ref<Dict>, key: &Obj) -> PyResult {
        getitem(cx, this.as_obj(), key)
    }
    /// Return the value for key if key is in the dictionary, else default.
    #[py("get($self, key, default=None, /)")]
    fn get_method(cx: &mut Cx, this: &Ref<Dict>, key: &Obj, default: Option<&Obj>) -> PyResult {
        Ok(match this.get(cx, key)? {
            Some(v) => v,
            None => default.cloned().unwrap_or_else(|| cx.none()),
        })
    }
    /// Insert key with a value of default if key is not in the dictionary.
    #[py("setdefault($self, key, default=None, /)")]
    fn setdefault(cx: &mut Cx, this: &Ref<Dict>, key: &Obj, default: Option<&Obj>) -> PyResult {
        let hash = protocol::hash(cx, key)?;
        if let Some(i) = this.find(cx, key, key, hash)? {
            return Ok(this.table.get(cx).value(i).clone());
        }
        let v = default.cloned().unwrap_or_else(|| cx.none());
        this.add(cx, key, hash, v.clone())?;
        Ok(v)
    }
    /// D.pop(k[,d]) -> v, remove specified key and return the corresponding value.
    #[py("pop($self, key, default=<unrepresentable>, /)")]
    fn pop(cx: &mut Cx, this: &Ref<Dict>, key: &Obj, default: Option<&Obj>) -> PyResult {
        match (this.remove(cx, key)?, default) {
            (Some(v), _) => Ok(v),
            (None, Some(d)) => Ok(d.clone()),
            (None, None) => Err(cx.key_error(key)),
        }
    }
    /// Remove and return a (key, value) pair as a 2-tuple, in LIFO order.
    #[py("popitem($self, /)")]
    fn popitem(cx: &mut Cx, this: &Ref<Dict>) -> PyResult {
        // SAFETY: `&mut Cx` is held and nothing runs meanwhile.
        let table = unsafe { &mut *this.table.as_ptr() };
        let Some((k, v)) = table.pop() else {
            let text = cx.str("popitem(): dictionary is empty")?;
            return Err(cx.key_error(&text));
        };
        this.touch(cx);
        cx.tuple_of([k, v])
    }
    /// D.update([E, ]**F) -> None.  Update D from mapping/iterable E and F.
    #[py("update($self, *args, **kwargs)", "")]
    fn update(cx: &mut Cx, this: &Ref<Dict>, args: &[Obj], kwargs: Vec<(&Obj, &Obj)>) -> PyResult<()> {
        if args.len() > 1 {
            return Err(cx.type_error(format!("update expected at most 1 argument, got {}", args.len())));
        }
        if let Some(a) = args.first() {
            this.update_from(cx, a)?;
        }
        for (k, v) in kwargs {
            let old = this.insert(cx, k, v.clone())?;
            cx.release(old);
        }
        Ok(())
    }
    /// Remove all items from the dict.
    #[py("clear($self, /)")]
    fn clear_method(cx: &mut Cx, this: &Ref<Dict>) {
        this.clear_now(cx);
    }
    /// Return a shallow copy of the dict.
    #[py("copy($self, /)")]
    fn copy_method(cx: &mut Cx, this: &Ref<Dict>) -> PyResult {
        Ok(this.copy(cx)?.into_obj())
    }
    /// Return a set-like object providing a view on the dict's keys.
    #[py("keys($self, /)")]
    fn keys(cx: &mut Cx, this: &Ref<Dict>) -> PyResult {
        views::make(cx, &cx.types.dict_keys.clone(), this)
    }
    /// Return an object providing a view on the dict's values.
    #[py("values($self, /)")]
    fn values(cx: &mut Cx, this: &Ref<Dict>) -> PyResult {
        views::make(cx, &cx.types.dict_values.clone(), this)
    }
    /// Return a set-like object providing a view on the dict's items.
    #[py("items($self, /)")]
    fn items(cx: &mut Cx, this: &Ref<Dict>) -> PyResult {
        views::make(cx, &cx.types.dict_items.clone(), this)
    }
    /// Create a new dictionary with keys from iterable and values set to value.
    #[py("fromkeys($type, iterable, value=None, /)")]
    fn fromkeys(cx: &mut Cx, r#type: &Obj, iterable: &Obj, value: Option<&Obj>) -> PyResult {
        let v = value.cloned().unwrap_or_else(|| cx.none());
        let d = protocol::call(cx, r#type, &[])?;
        if let Some(own) = d.cast::<Dict>().filter(|_| std::ptr::eq(d.ty(), &*cx.types.dict)).cloned() {
            // Keys of a set or dictionary have been hashed already.
            if let Some(s) = iterable.cast::<super::Set>().filter(|_| !iterable.ty().is_heap()) {
                let mut at = 0;
                while let Some((k, hash)) = s.next_entry(cx, &mut at) {
                    let old = own.insert_hashed(cx, &k, hash, v.clone())?;
                    cx.release((old, k));
                    cx.poll_native()?;
                }
                return Ok(d);
            }
            if let Some(from) = iterable.cast::<Dict>().filter(|_| iterable.shape() == shape::DICT) {
                let mut at = 0;
                while let Some((next, k, hash)) = from.next_key(cx, at) {
                    at = next;
                    let old = own.insert_hashed(cx, &k, hash, v.clone())?;
                    cx.release((old, k));
                    cx.poll_native()?;
                }
                return Ok(d);
            }
        }
        let it = protocol::iter(cx, iterable)?;
        protocol::each_next(cx, &it, |cx, k| {
            protocol::setitem(cx, &d, &k, Some(&v))?;
            cx.release(k);
            Ok(())
        })?;
        cx.release(it);
        Ok(d)
    }
    /// Return a reverse iterator over the dict keys.
    #[py("__reversed__($self, /)")]
    fn reversed(cx: &mut Cx, this: &Ref<Dict>) -> PyResult {
        views::reverse_iterator(cx, &cx.types.dict_reverse_iterator, this)
    }
    /// Return the size of the dict in memory.
    #[py("__sizeof__($self, /)")]
    fn sizeof(cx: &mut Cx, this: &Ref<Dict>) -> usize {
        super::type_::sizes::basic(cx, this.as_obj()) + this.table.get(cx).bytes()
    }
    /// See PEP 585
    #[py("__class_getitem__($type, object, /)")]
    fn class_getitem(cx: &mut Cx, cls: &Obj, object: &Obj) -> PyResult {
        super::generic::alias(cx, cls, object)
    }
}

pub fn spec() -> Spec {
    Spec {
        doc: "dict() -> new empty dictionary\ndict(mapping) -> new dictionary initialized from a mapping object's\n    (key, value) pairs\ndict(iterable) -> new dictionary initialized as if via:\n    d = {}\n    for k, v in iterable:\n        d[k] = v\ndict(**kwargs) -> new dictionary initialized with the name=value pairs\n    in the keyword argument list.  For example:  dict(one=1, two=2)",
        flags: flags::GC | flags::KEPT | flags::BASE | flags::UNTRACKABLE | flags::MAPPING | flags::MATCH_SELF,
        shape: shape::DICT,
        basicsize: 48,
        ops: &OPS,
        slots: Slots {
            repr: Some(repr),
            hash: Some(super::dunders::unhashable),
            richcompare: Some(compare),
            len: Some(|cx, o| Ok(dict(o).len(cx))),
            getitem: Some(getitem),
            setitem: Some(setitem),
            contains: Some(|cx, o, k| dict(o).contains(cx, k)),
            iter: Some(|cx, o| views::iterator(cx, &cx.types.dict_iterator.clone(), dict(o))),
            new: Some(|cx, ty, _| Ok(Dict::of_type(cx, ty)?.into_obj())),
            init: Some(init),
            ..Slots::EMPTY
        }
        .with(&[(Op::Or, or)])
        .with_inplace(&[(Op::Or, |cx, a, b| {
            dict(a).update_from(cx, b)?;
            Ok(a.clone())
        })]),
        methods: Dict::METHODS,
        ..Spec::new::<Dict>("dict")
    }
}

layout! {
    /// A read-only view of a mapping.
    pub struct Proxy = 11, "mappingproxy" {
        mapping: Guarded<Obj>,
    }
}

pub fn proxy(cx: &Cx, mapping: Obj) -> PyResult {
    Ok(memory::new(cx, &cx.types.mappingproxy, |head| Proxy { head, mapping: Guarded::new(mapping) })?.into_obj())
}

fn inner(cx: &Cx, o: &Obj) -> Obj {
    o.cast::<Proxy>().map(|p| p.mapping.cloned(cx)).unwrap_or_else(|| cx.none())
}

#[retic_macros::methods]
impl Proxy {
    /// Return the value for key if key is in the mapping, else default.
    #[py("get($self, key, default=None, /)")]
    fn get(cx: &mut Cx, this: &Ref<Proxy>, key: &Obj, default: Option<&Obj>) -> PyResult {
        let d = default.cloned().unwrap_or_else(|| cx.none());
        let m = inner(cx, this.as_obj());
        protocol::call_method(cx, &m, "get", &[key.clone(), d])
    }
    /// Return a set-like object providing a view on the keys of the underlying mapping.
    #[py("keys($self, /)")]
    fn keys(cx: &mut Cx, this: &Ref<Proxy>) -> PyResult {
        let m = inner(cx, this.as_obj());
        protocol::call_method(cx, &m, "keys", &[])
    }
    /// Return an object providing a view on the values of the underlying mapping.
    #[py("values($self, /)")]
    fn values(cx: &mut Cx, this: &Ref<Proxy>) -> PyResult {
        let m = inner(cx, this.as_obj());
        protocol::call_method(cx, &m, "values", &[])
    }
    /// Return a set-like object providing a view on the items of the underlying mapping.
    #[py("items($self, /)")]
    fn items(cx: &mut Cx, this: &Ref<Proxy>) -> PyResult {
        let m = inner(cx, this.as_obj());
        protocol::call_method(cx, &m, "items", &[])
    }
    /// Return a shallow copy of the underlying mapping.
    #[py("copy($self, /)")]
    fn copy(cx: &mut Cx, this: &Ref<Proxy>) -> PyResult {
        let m = inner(cx, this.as_obj());
        protocol::call_method(cx, &m, "copy", &[])
    }
    /// D.__reversed__() -> reverse iterator
    #[py("__reversed__($self, /)")]
    fn reversed(cx: &mut Cx, this: &Ref<Proxy>) -> PyResult {
        let m = inner(cx, this.as_obj());
        protocol::call_method(cx, &m, "__reversed__", &[])
    }
    /// See PEP 585
    #[py("__class_getitem__($type, object, /)")]
    fn class_getitem(cx: &mut Cx, cls: &Obj, object: &Obj) -> PyResult {
        super::generic::alias(cx, cls, object)
    }
}

pub fn proxy_spec() -> Spec {
    Spec {
        text_signature: "(mapping)",
        doc: "Read-only proxy of a mapping.",
        flags: flags::GC | flags::MAPPING,
        slots: Slots {
            repr: Some(|cx, o| {
                let m = inner(cx, o);
                let t = protocol::repr_text(cx, &m)?;
                cx.str(&format!("mappingproxy({t})"))
            }),
            len: Some(|cx, o| {
                let m = inner(cx, o);
                protocol::len(cx, &m)
            }),
            getitem: Some(|cx, o, k| {
                let m = inner(cx, o);
                protocol::getitem(cx, &m, k)
            }),
            contains: Some(|cx, o, k| {
                let m = inner(cx, o);
                protocol::contains(cx, &m, k)
            }),
            iter: Some(|cx, o| {
                let m = inner(cx, o);
                protocol::iter(cx, &m)
            }),
            new: Some(|cx, _, args| {
                let a = args.unpack(cx, "mappingproxy", 1, 1)?;
                let sequence = a[0].cast::<super::List>().is_some() || a[0].cast::<super::Tuple>().is_some();
                if sequence || a[0].ty().slots(cx).getitem.is_none() {
                    return Err(cx.type_error(format!("mappingproxy() argument must be a mapping, not {}", a[0].ty().name_text())));
                }
                proxy(cx, a[0].clone())
            }),
            richcompare: Some(|cx, a, b, op| {
                let m = inner(cx, a);
                protocol::richcompare(cx, &m, b, op)
            }),
            hash: Some(|cx, o| {
                let m = inner(cx, o);
                protocol::hash(cx, &m)
            }),
            ..Slots::EMPTY
                .with(&[(Op::Or, |cx, a, b| {
                    let bare = |o: &Obj| o.cast::<Proxy>().map_or_else(|| o.clone(), |p| p.mapping.cloned(cx));
                    let (a, b) = (bare(a), bare(b));
                    protocol::binary(cx, &a, &b, Op::Or)
                })])
                .with_inplace(&[(Op::Or, |cx, _, _| Err(cx.type_error("'|=' is not supported by mappingproxy; use '|' instead")))])
        },
        methods: Proxy::METHODS,
        ..Spec::new::<Proxy>("mappingproxy")
    }
}
