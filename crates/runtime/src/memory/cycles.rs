//! The cycle collector: CPython 3.13's generations and trial deletion over tracked objects.

use super::{clear, finalize, link, managed, trace, weak};
use crate::cx::Cx;
use crate::object::{GC_LINK, GcLink, Header, Obj};
use crate::types::flags;
use rustc_hash::{FxHashMap, FxHashSet};
use std::cell::Cell;
use std::ptr::{NonNull, null_mut};

/// The collector's state.
pub struct Collector {
    /// Sentinels of the generations' circular lists; the fourth is the permanent one (`gc.freeze`).
    pub lists: Box<[GcLink; 4]>,
    pub counts: [Cell<i64>; 3],
    pub thresholds: [Cell<i64>; 3],
    pub enabled: Cell<bool>,
    pub running: Cell<bool>,
    pub debug: Cell<i64>,
    pub stats: [Cell<[i64; 3]>; 3],
}

impl Default for Collector {
    fn default() -> Collector {
        let lists = Box::new([const { GcLink { next: Cell::new(null_mut()), prev: Cell::new(null_mut()) } }; 4]);
        for l in lists.iter() {
            let at = (l as *const GcLink).cast_mut();
            l.next.set(at);
            l.prev.set(at);
        }
        Collector {
            lists,
            counts: [const { Cell::new(0) }; 3],
            thresholds: [Cell::new(2000), Cell::new(10), Cell::new(10)],
            enabled: Cell::new(true),
            running: Cell::new(false),
            debug: Cell::new(0),
            stats: [const { Cell::new([0; 3]) }; 3],
        }
    }
}

/// The address part of a `next` word; its low bit says that the finaliser ran.
fn addr(next: *mut GcLink) -> *mut GcLink {
    (next as usize & !1) as *mut GcLink
}
fn set_next(l: &GcLink, to: *mut GcLink) {
    l.next.set(((to as usize) | (l.next.get() as usize & 1)) as *mut GcLink);
}

unsafe fn append(list: &GcLink, l: &GcLink) {
    let head = (list as *const GcLink).cast_mut();
    let last = list.prev.get();
    // SAFETY: links of a list are live while in it.
    unsafe {
        set_next(&*last, (l as *const GcLink).cast_mut());
        l.prev.set(last);
        set_next(l, head);
        list.prev.set((l as *const GcLink).cast_mut());
    }
}
unsafe fn remove(l: &GcLink) {
    let (prev, next) = (l.prev.get(), addr(l.next.get()));
    // SAFETY: neighbours are live while in the list.
    unsafe {
        set_next(&*prev, next);
        (*next).prev.set(prev);
    }
    l.prev.set(null_mut());
    set_next(l, null_mut());
}

/// Whether the collector watches the object.
pub fn is_tracked(obj: &Obj) -> bool {
    // SAFETY: gc types have a link.
    obj.ty().flags.get() & flags::GC != 0 && unsafe { !link(obj.as_ptr()).prev.get().is_null() }
}

/// Begins to watch a new object; asks for a collection at the next poll when enough were born.
///
/// # Safety
/// A whole object of a gc type.
#[inline]
pub unsafe fn track(cx: &Cx, raw: NonNull<Header>) {
    // SAFETY: the caller's promise.
    let l = unsafe { link(raw) };
    if !l.prev.get().is_null() {
        return;
    }
    let gc = &cx.collector;
    // SAFETY: the sentinel and the list's links are live.
    unsafe { append(&gc.lists[0], l) };
    let n = gc.counts[0].get() + 1;
    gc.counts[0].set(n);
    if n > gc.thresholds[0].get() && gc.enabled.get() && gc.thresholds[0].get() > 0 && !gc.running.get() {
        cx.request_poll(crate::cx::POLL_GC);
    }
}

/// # Safety
/// An object of a gc type.
pub unsafe fn untrack(cx: &Cx, raw: NonNull<Header>) {
    // SAFETY: the caller's promise.
    let l = unsafe { link(raw) };
    if l.prev.get().is_null() {
        return;
    }
    // SAFETY: it is in a list.
    unsafe { remove(l) };
    let c = &cx.collector.counts[0];
    if c.get() > 0 {
        c.set(c.get() - 1);
    }
}

/// Every tracked object of a generation (3: the frozen ones; `None`: of all three generations), as handles.
pub fn objects(cx: &Cx, generation: Option<usize>) -> Vec<Obj> {
    let mut out = Vec::new();
    for g in 0..4 {
        if generation.map_or(g == 3, |w| w != g) {
            continue;
        }
        let head = (&cx.collector.lists[g] as *const GcLink).cast_mut();
        let mut at = addr(cx.collector.lists[g].next.get());
        while at != head {
            out.push(handle(at));
            // SAFETY: in the list, so live.
            at = addr(unsafe { &*at }.next.get());
        }
    }
    out
}

fn handle(l: *mut GcLink) -> Obj {
    // SAFETY: the header lies right behind the link of a tracked, live object; the clone takes a count of its own.
    unsafe {
        let raw = NonNull::new_unchecked(l.cast::<u8>().add(GC_LINK).cast::<Header>());
        (*(&raw as *const NonNull<Header>).cast::<Obj>()).clone()
    }
}

fn merge(cx: &Cx, from: usize, to: usize) {
    let (a, b) = (&cx.collector.lists[from], &cx.collector.lists[to]);
    loop {
        let at = addr(a.next.get());
        if std::ptr::eq(at, a) {
            return;
        }
        // SAFETY: both lists are whole.
        unsafe {
            remove(&*at);
            append(b, &*at);
        }
    }
}

/// `gc.freeze` and `gc.unfreeze`.
pub fn freeze(cx: &Cx) {
    (0..3).for_each(|g| merge(cx, g, 3));
}
pub fn unfreeze(cx: &Cx) {
    merge(cx, 3, 2);
}
/// Number of frozen objects.
pub fn frozen(cx: &Cx) -> usize {
    let list = &cx.collector.lists[3];
    let (mut n, mut at) = (0, addr(list.next.get()));
    while !std::ptr::eq(at, list) {
        n += 1;
        // SAFETY: in the list, so live.
        at = addr(unsafe { &*at }.next.get());
    }
    n
}

/// The collection that births asked for: the oldest generation over its threshold.
pub fn collect_due(cx: &mut Cx) {
    let gc = &cx.collector;
    if !gc.enabled.get() || gc.running.get() {
        return;
    }
    let due = (0..3).rev().find(|&g| gc.thresholds[g].get() > 0 && gc.counts[g].get() > gc.thresholds[g].get());
    if let Some(generation) = due {
        collect(cx, generation);
    }
}

/// Collects a generation and the younger ones. Returns how many unreachable objects were found.
pub fn collect(cx: &mut Cx, generation: usize) -> usize {
    if cx.collector.running.replace(true) {
        return 0;
    }
    crate::lens::collection(cx, generation, None);
    crate::modules::gc::callbacks(cx, "start", generation, 0);
    let found = run(cx, generation);
    let stats = &cx.collector.stats[generation];
    let [n, collected, stuck] = stats.get();
    stats.set([n + 1, collected + found as i64, stuck]);
    cx.collector.running.set(false);
    crate::lens::collection(cx, generation, Some(found));
    crate::modules::gc::callbacks(cx, "stop", generation, found);
    found
}

fn run(cx: &mut Cx, generation: usize) -> usize {
    if generation < 2 {
        let older = &cx.collector.counts[generation + 1];
        older.set(older.get() + 1);
    }
    (0..=generation).for_each(|g| cx.collector.counts[g].set(0));
    (0..generation).for_each(|g| merge(cx, g, generation));
    let mut young: Vec<Obj> = objects(cx, Some(generation));
    untrack_atoms(cx, &mut young);
    // Trial deletion: what remains of a count after the references among the young is held from outside.
    let mut external: FxHashMap<usize, i64> = young.iter().map(|o| (o.address(), o.count() - 1)).collect();
    for o in &young {
        trace(cx, o, &mut |r| {
            if let Some(c) = external.get_mut(&r.address()) {
                *c -= 1;
            }
        });
    }
    let mut reachable: FxHashSet<usize> = FxHashSet::default();
    let mut work: Vec<Obj> = young.iter().filter(|o| external[&o.address()] > 0).cloned().collect();
    reachable.extend(work.iter().map(Obj::address));
    while let Some(o) = work.pop() {
        trace(cx, &o, &mut |r| {
            if external.contains_key(&r.address()) && reachable.insert(r.address()) {
                work.push(r.clone());
            }
        });
    }
    let garbage: Vec<Obj> = young.iter().filter(|o| !reachable.contains(&o.address())).cloned().collect();
    if generation < 2 {
        drop(external);
        merge_young(cx, generation);
    }
    drop(young);
    if garbage.is_empty() {
        return 0;
    }
    dispose(cx, garbage)
}

fn merge_young(cx: &Cx, generation: usize) {
    merge(cx, generation, generation + 1);
}

/// Tuples of atoms and dictionaries of atoms cannot be in a cycle: the collector stops watching them.
fn untrack_atoms(cx: &Cx, young: &mut Vec<Obj>) {
    young.retain(|o| {
        let ty = o.ty();
        if ty.flags.get() & flags::UNTRACKABLE == 0 {
            return true;
        }
        let mut keep = false;
        trace(cx, o, &mut |r| keep |= may_be_tracked(r));
        if !keep {
            // SAFETY: tuples and dictionaries are gc types.
            unsafe {
                let l = link(o.as_ptr());
                if !l.prev.get().is_null() {
                    remove(l);
                }
            }
        }
        keep
    });
}

fn may_be_tracked(o: &Obj) -> bool {
    let f = o.ty().flags.get();
    f & flags::GC != 0 && (f & flags::UNTRACKABLE == 0 || is_tracked(o))
}

fn dispose(cx: &mut Cx, garbage: Vec<Obj>) -> usize {
    let found = garbage.len();
    // Weak references of the garbage are emptied first; callbacks of references outside run now.
    let members: FxHashSet<usize> = garbage.iter().map(Obj::address).collect();
    let mut calls = Vec::new();
    for o in &garbage {
        if o.ty().flags.get() & flags::MANAGED == 0 {
            continue;
        }
        // SAFETY: managed, checked above.
        if unsafe { managed(o.as_ptr()) }.weak.get().is_none() {
            continue;
        }
        for r in weak::list(o) {
            weak::unlink(&r);
            if let Some(callback) = r.callback.replace(cx, None)
                && !members.contains(&r.as_obj().address())
            {
                calls.push((r.clone(), callback));
            }
        }
    }
    for (r, callback) in calls {
        if crate::protocol::call(cx, &callback, &[r.into_obj()]).is_err() {
            cx.unraisable(&callback);
        }
        cx.release(callback);
    }
    for o in &garbage {
        if o.ty().flags.get() & flags::FINALIZER != 0 {
            finalize(cx, o);
        }
    }
    // A finaliser may have brought some back: everything that is now held from outside lives on.
    let mut external: FxHashMap<usize, i64> = garbage.iter().map(|o| (o.address(), o.count() - 1)).collect();
    for o in &garbage {
        trace(cx, o, &mut |r| {
            if let Some(c) = external.get_mut(&r.address()) {
                *c -= 1;
            }
        });
    }
    let mut alive: FxHashSet<usize> = FxHashSet::default();
    let mut work: Vec<Obj> = garbage.iter().filter(|o| external[&o.address()] > 0).cloned().collect();
    alive.extend(work.iter().map(Obj::address));
    while let Some(o) = work.pop() {
        trace(cx, &o, &mut |r| {
            if external.contains_key(&r.address()) && alive.insert(r.address()) {
                work.push(r.clone());
            }
        });
    }
    let dead: Vec<Obj> = garbage.into_iter().filter(|o| !alive.contains(&o.address())).collect();
    const DEBUG_SAVEALL: i64 = 32;
    if cx.collector.debug.get() & DEBUG_SAVEALL != 0 {
        for o in dead {
            crate::modules::gc::save_garbage(cx, o);
        }
        return found;
    }
    crate::lens::cycle(cx, true);
    for o in &dead {
        let mut out = Vec::new();
        clear(cx, o, &mut out);
        for value in out {
            cx.release(value);
        }
    }
    for o in dead {
        cx.release(o);
    }
    crate::lens::cycle(cx, false);
    found
}

/// Whether the object's finaliser ran.
pub fn is_finalized(obj: &Obj) -> bool {
    // SAFETY: gc types have a link.
    obj.ty().flags.get() & flags::GC != 0 && unsafe { link(obj.as_ptr()).next.get() as usize & 1 == 1 }
}
