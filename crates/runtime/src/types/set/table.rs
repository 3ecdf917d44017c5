//! The table of a set: open addressing with short linear probes, sized and filled as CPython's, so that orders agree.

use super::Set;
use crate::cx::{Cx, PyResult};
use crate::object::{Buf, Guarded, Obj, Trace, Visit, shape};
use crate::protocol;
use crate::types::{Dict, Str, int};
use std::ops::Range;

const LINEAR_PROBES: usize = 9;
/// The hash of a place whose key was taken out. No key has it.
const GONE: i64 = -1;

/// A place of the table. Never used: no key and a hash of zero.
pub struct Entry {
    pub key: Option<Obj>,
    pub hash: i64,
}
impl Trace for Guarded<Buf<Entry>> {
    fn trace(&self, visit: Visit<'_>) {
        // SAFETY: the collector holds the interpreter.
        unsafe { &*self.as_ptr() }.iter().filter_map(|e| e.key.as_ref()).for_each(visit);
    }
    fn clear(&self, out: &mut Vec<Obj>) {
        // SAFETY: as above; emptied before anything can run.
        let mut table = unsafe { std::mem::replace(&mut *self.as_ptr(), Buf::empty()) };
        out.extend(table.iter_mut().filter_map(|e| e.key.take()));
    }
}

/// A walk along the places of a hash.
struct Walk {
    mask: usize,
    perturb: u64,
    start: usize,
    at: usize,
    last: usize,
}
impl Walk {
    #[inline(always)]
    fn new(hash: i64, mask: usize) -> Walk {
        let mut w = Walk { mask, perturb: hash as u64, start: hash as usize & mask, at: 0, last: 0 };
        w.enter();
        w
    }
    #[inline(always)]
    fn enter(&mut self) {
        self.at = self.start;
        self.last = if self.start + LINEAR_PROBES <= self.mask { self.start + LINEAR_PROBES } else { self.start };
    }
    /// The next place.
    #[inline(always)]
    fn step(&mut self) -> usize {
        if self.at > self.last {
            self.perturb >>= 5;
            self.start = self.start.wrapping_mul(5).wrapping_add(1).wrapping_add(self.perturb as usize) & self.mask;
            self.enter();
        }
        self.at += 1;
        self.at - 1
    }
}

/// Where a key is, or where it would go.
pub enum Found {
    At(usize),
    Free(usize),
}

/// Whether two keys are equal; nothing if that takes Python, or a look at their values.
#[inline]
pub(crate) fn same_plain(a: &Obj, b: &Obj) -> Option<bool> {
    if a.is(b) {
        return Some(true);
    }
    match (a.shape(), b.shape()) {
        // SAFETY: O3, both shapes say str.
        (shape::STR, shape::STR) => Some(unsafe { a.cast_unchecked::<Str>().same(b.cast_unchecked::<Str>()) }),
        (shape::INT, shape::INT) => Some(int::small_value(a) == int::small_value(b)),
        (shape::STR, shape::INT) | (shape::INT, shape::STR) => Some(false),
        _ => None,
    }
}

impl Set {
    fn mask(&self, cx: &Cx) -> usize {
        self.table.get(cx).len().max(8) - 1
    }
    fn changed(&self) {
        self.version.set(self.version.get().wrapping_add(1));
    }
    /// Looks a key up. The table has places.
    fn find(&self, cx: &mut Cx, key: &Obj, hash: i64) -> PyResult<Found> {
        'again: loop {
            let version = self.version.get();
            if self.table.get(cx).is_empty() {
                self.rebuild(cx, 0)?;
            }
            let mut walk = Walk::new(hash, self.mask(cx));
            let mut gone = None;
            loop {
                // As far as it goes without Python.
                let table: &[Entry] = self.table.get(cx);
                let (at, k) = loop {
                    let at = walk.step();
                    let e = &table[at];
                    let Some(k) = &e.key else {
                        if e.hash == 0 {
                            return Ok(Found::Free(gone.unwrap_or(at)));
                        }
                        gone = Some(at);
                        continue;
                    };
                    if e.hash != hash {
                        continue;
                    }
                    match same_plain(k, key) {
                        Some(true) => return Ok(Found::At(at)),
                        Some(false) => {}
                        None => break (at, k.clone()),
                    }
                };
                let block = (table.as_ptr(), table.len());
                let same = protocol::equal_unidentical(cx, &k, key)?;
                if self.version.get() != version {
                    // Only what happened to this key matters (CPython's `set_lookkey`).
                    let now: &[Entry] = self.table.get(cx);
                    let there = (now.as_ptr(), now.len()) == block && now[at].key.as_ref().is_some_and(|x| x.is(&k));
                    gone = None;
                    if !there {
                        cx.release(k);
                        continue 'again;
                    }
                }
                cx.release(k);
                if same {
                    return Ok(Found::At(at));
                }
            }
        }
    }
    /// Puts a key that is not there into the first place that was never used.
    #[inline(always)]
    fn place(table: &mut [Entry], key: Obj, hash: i64) {
        let mask = table.len() - 1;
        // Most find their first place free.
        let first = &mut table[hash as usize & mask];
        if first.key.is_none() {
            *first = Entry { key: Some(key), hash };
            return;
        }
        let mut walk = Walk::new(hash, mask);
        loop {
            let at = walk.step();
            if table[at].key.is_none() {
                table[at] = Entry { key: Some(key), hash };
                return;
            }
        }
    }
    /// Another table, of more than `min` places.
    fn rebuild(&self, cx: &mut Cx, min: usize) -> PyResult<()> {
        let mut size = 8;
        while size <= min {
            size <<= 1;
        }
        // SAFETY: a place that was never used is all zeros.
        let mut table: Buf<Entry> = unsafe { Buf::zeroed(cx, size)? };
        let mut old = self.table.replace(cx, Buf::empty());
        for e in old.iter_mut() {
            if let Some(k) = e.key.take() {
                Set::place(&mut table, k, e.hash);
            }
        }
        drop(old);
        self.changed();
        self.fill.set(self.used.get());
        self.table.set(cx, table);
        Ok(())
    }
    /// A table of the usual size for what is in it.
    fn rebuild_for_use(&self, cx: &mut Cx) -> PyResult<()> {
        let used = self.used.get();
        self.rebuild(cx, if used > 50_000 { used * 2 } else { used * 4 })
    }
    /// Makes room at once before so many keys come.
    fn expect(&self, cx: &mut Cx, more: usize) -> PyResult<()> {
        if (self.fill.get() + more) * 5 >= self.mask(cx) * 3 { self.rebuild(cx, (self.used.get() + more) * 2) } else { Ok(()) }
    }
    /// Adds a key; true when it was new.
    pub fn add(&self, cx: &mut Cx, key: &Obj) -> PyResult<bool> {
        let hash = protocol::hash(cx, key)?;
        self.add_hashed(cx, key, hash)
    }
    pub(in crate::types) fn add_hashed(&self, cx: &mut Cx, key: &Obj, hash: i64) -> PyResult<bool> {
        let Found::Free(mut at) = self.find(cx, key, hash)? else { return Ok(false) };
        if self.fill.get() >= self.mask(cx) {
            // Only a table that could not grow before is as full as this; the last free place must stay, for walks to end.
            self.rebuild_for_use(cx)?;
            let Found::Free(again) = self.find(cx, key, hash)? else { return Ok(false) };
            at = again;
        }
        self.changed();
        let before = std::mem::replace(&mut self.table.get_mut(cx)[at], Entry { key: Some(key.clone()), hash });
        self.used.set(self.used.get() + 1);
        if before.hash == GONE {
            // A place used before: the table is as full as it was.
            return Ok(true);
        }
        self.fill.set(self.fill.get() + 1);
        if self.fill.get() * 5 >= self.mask(cx) * 3 {
            self.rebuild_for_use(cx)?;
        }
        Ok(true)
    }
    /// Adds a key that is known not to be there, to a set from which nothing was taken.
    pub(super) fn add_new(&self, cx: &mut Cx, key: Obj, hash: i64) -> PyResult<()> {
        if self.table.get(cx).is_empty() {
            self.rebuild(cx, 0)?;
        }
        self.changed();
        Set::place(self.table.get_mut(cx), key, hash);
        self.used.set(self.used.get() + 1);
        self.fill.set(self.fill.get() + 1);
        if self.fill.get() * 5 >= self.mask(cx) * 3 { self.rebuild_for_use(cx) } else { Ok(()) }
    }
    pub fn contains(&self, cx: &mut Cx, key: &Obj) -> PyResult<bool> {
        let hash = protocol::hash(cx, key)?;
        self.contains_hashed(cx, key, hash)
    }
    /// The same of a text or a small int; nothing if Python would have to be asked.
    pub(crate) fn contains_plain(&self, cx: &Cx, key: &Obj) -> Option<bool> {
        let hash = match key.shape() {
            // SAFETY: O3, the shape says str.
            shape::STR => unsafe { key.cast_unchecked::<Str>() }.hash(cx),
            shape::INT => retic_numbers::hash::small(int::small_value(key)?),
            _ => return None,
        };
        self.knows(cx, key, hash)
    }
    /// Whether a key of that hash is there; nothing if Python would have to be asked.
    fn knows(&self, cx: &Cx, key: &Obj, hash: i64) -> Option<bool> {
        let table: &[Entry] = self.table.get(cx);
        if table.is_empty() {
            return Some(false);
        }
        let mut walk = Walk::new(hash, table.len() - 1);
        loop {
            let e = &table[walk.step()];
            match &e.key {
                None if e.hash == 0 => return Some(false),
                Some(k) if e.hash == hash && same_plain(k, key)? => return Some(true),
                _ => {}
            }
        }
    }
    /// The next key that another set has, or has not; false: it takes Python to know. The place moves behind it.
    pub(super) fn next_known(&self, cx: &Cx, other: &Set, has: bool, at: &mut usize) -> Option<(Obj, i64, bool)> {
        // So many at once, that the caller can poll.
        let end = at.saturating_add(1 << 16);
        let table: &[Entry] = self.table.get(cx);
        while let Some(e) = table.get(*at) {
            *at += 1;
            let Some(k) = &e.key else { continue };
            let known = if *at < end { other.knows(cx, k, e.hash) } else { None };
            if known != Some(!has) {
                return Some((k.clone(), e.hash, known.is_some()));
            }
        }
        None
    }
    /// Goes on in the table over keys of which it takes no Python to know that another set has them, or has them not.
    pub(super) fn skip_known(&self, cx: &Cx, other: &Set, has: bool, at: &mut usize) {
        // So many at once, that the caller can poll.
        let end = at.saturating_add(1 << 16);
        let t = self.table.get(cx);
        while *at < t.len().min(end) {
            let e = &t[*at];
            if let Some(k) = &e.key
                && other.knows(cx, k, e.hash) != Some(has)
            {
                return;
            }
            *at += 1;
        }
    }
    pub(super) fn contains_hashed(&self, cx: &mut Cx, key: &Obj, hash: i64) -> PyResult<bool> {
        if self.used.get() == 0 {
            return Ok(false);
        }
        Ok(matches!(self.find(cx, key, hash)?, Found::At(_)))
    }
    /// Takes a key out; true when it was there.
    pub(super) fn discard(&self, cx: &mut Cx, key: &Obj) -> PyResult<bool> {
        let hash = protocol::hash(cx, key)?;
        self.discard_hashed(cx, key, hash)
    }
    pub(super) fn discard_hashed(&self, cx: &mut Cx, key: &Obj, hash: i64) -> PyResult<bool> {
        if self.used.get() == 0 {
            return Ok(false);
        }
        let Found::At(at) = self.find(cx, key, hash)? else { return Ok(false) };
        let old = self.take(cx, at);
        cx.release(old);
        Ok(true)
    }
    fn take(&self, cx: &mut Cx, at: usize) -> Option<Obj> {
        self.changed();
        let old = std::mem::replace(&mut self.table.get_mut(cx)[at], Entry { key: None, hash: GONE });
        self.used.set(self.used.get() - 1);
        old.key
    }
    /// Takes any key out: the next one behind the place of the last such call.
    pub(super) fn pop_any(&self, cx: &mut Cx) -> Option<Obj> {
        let t = self.table.get(cx);
        if self.used.get() == 0 {
            return None;
        }
        let mask = t.len() - 1;
        let mut at = self.finger.get() & mask;
        while t[at].key.is_none() {
            at = (at + 1) & mask;
        }
        self.finger.set(at + 1);
        self.take(cx, at)
    }
    /// The key and hash at or after a place in the table; the place moves behind it.
    pub(in crate::types) fn next_entry(&self, cx: &Cx, at: &mut usize) -> Option<(Obj, i64)> {
        let k = self.entry_from(cx, at)?.clone();
        Some((k, self.table.get(cx)[*at - 1].hash))
    }
    /// The key at or after a place in the table; the place moves behind it.
    #[inline(always)]
    pub(super) fn entry_from<'a>(&'a self, cx: &'a Cx, at: &mut usize) -> Option<&'a Obj> {
        let t = self.table.get(cx);
        while *at < t.len() {
            *at += 1;
            if let Some(k) = &t[*at - 1].key {
                return Some(k);
            }
        }
        None
    }
    /// Shows the keys in some places of the table, in their order; whether there are places behind them.
    pub(in crate::types) fn each(&self, cx: &Cx, places: Range<usize>, put: impl FnMut(&Obj) -> PyResult<()>) -> PyResult<bool> {
        let t = self.table.get(cx);
        let (start, end) = (places.start.min(t.len()), places.end.min(t.len()));
        t[start..end].iter().filter_map(|e| e.key.as_ref()).try_for_each(put)?;
        Ok(end < t.len())
    }
    /// Empties the set.
    pub(super) fn clear_now(&self, cx: &mut Cx) {
        self.used.set(0);
        self.fill.set(0);
        self.finger.set(0);
        self.changed();
        let old = self.table.replace(cx, Buf::empty());
        cx.release(old);
    }
    /// Adds the keys of another set (CPython's `set_merge`).
    pub(super) fn merge(&self, cx: &mut Cx, other: &Set) -> PyResult<()> {
        if std::ptr::eq(self, other) || other.used.get() == 0 {
            return Ok(());
        }
        self.expect(cx, other.used.get())?;
        if self.fill.get() == 0 {
            // Nothing to compare with. The same table is copied, another one is filled in order.
            if self.table.get(cx).is_empty() {
                self.rebuild(cx, 0)?;
            }
            let same = self.mask(cx) == other.mask(cx) && other.fill.get() == other.used.get();
            // SAFETY: `&mut Cx` is held and nothing runs meanwhile; the two sets are not the same.
            let (to, from) = unsafe { (&mut *self.table.as_ptr(), &*other.table.as_ptr()) };
            if same {
                for (to, e) in to.iter_mut().zip(from.iter()).filter(|(_, e)| e.key.is_some()) {
                    // Never used: there is nothing to drop.
                    std::mem::forget(std::mem::replace(to, Entry { key: e.key.clone(), hash: e.hash }));
                }
            } else {
                for e in from.iter() {
                    let Some(k) = &e.key else { continue };
                    Set::place(to, k.clone(), e.hash);
                }
            }
            self.used.set(other.used.get());
            self.fill.set(other.used.get());
            self.changed();
            return Ok(());
        }
        let mut at = 0;
        loop {
            other.skip_known(cx, self, true, &mut at);
            let Some((k, hash)) = other.next_entry(cx, &mut at) else { return Ok(()) };
            self.add_hashed(cx, &k, hash)?;
            cx.release(k);
            cx.poll_native()?;
        }
    }
    /// Adds what an iterable gives (CPython's `set_update_internal`).
    pub(crate) fn update_from(&self, cx: &mut Cx, other: &Obj) -> PyResult<()> {
        if let Some(s) = other.cast::<Set>() {
            return self.merge(cx, s);
        }
        if let Some(d) = other.cast::<Dict>()
            && other.shape() == shape::DICT
        {
            let n = d.len(cx);
            self.expect(cx, n)?;
            return each_key(cx, d, |cx, k, hash| self.add_hashed(cx, k, hash).map(|_| ()));
        }
        each(cx, other, |cx, k| self.add(cx, k).map(|_| ()))
    }
    /// Keeps the table small when many keys went.
    pub(super) fn tidy(&self, cx: &mut Cx) -> PyResult<()> {
        if self.fill.get() - self.used.get() <= self.mask(cx) / 4 { Ok(()) } else { self.rebuild_for_use(cx) }
    }
}

/// Shows every key of a dict with its hash.
pub(super) fn each_key(cx: &mut Cx, d: &Dict, mut what: impl FnMut(&mut Cx, &Obj, i64) -> PyResult<()>) -> PyResult<()> {
    let mut at = 0;
    while let Some((next, k, hash)) = d.next_key(cx, at) {
        at = next;
        let r = what(cx, &k, hash);
        cx.release_with_error(k);
        r.and_then(|()| cx.poll_native())?;
    }
    Ok(())
}

/// Shows every value of an iterable.
pub(super) fn each(cx: &mut Cx, iterable: &Obj, mut what: impl FnMut(&mut Cx, &Obj) -> PyResult<()>) -> PyResult<()> {
    let it = protocol::iter(cx, iterable)?;
    loop {
        match protocol::next(cx, &it) {
            Ok(Some(v)) => {
                let r = what(cx, &v);
                cx.release_with_error(v);
                if let Err(r) = r.and_then(|()| cx.poll_native()) {
                    cx.release_with_error(it);
                    return Err(r);
                }
            }
            Ok(None) => {
                cx.release(it);
                return Ok(());
            }
            Err(r) => {
                cx.release_with_error(it);
                return Err(r);
            }
        }
    }
}
