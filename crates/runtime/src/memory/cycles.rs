//! The cycle collector: CPython 3.13's generations and trial deletion over tracked objects.

use super::{clear, finalize, link, managed, trace, weak};
use crate::cx::Cx;
use crate::object::{GC_LINK, GcLink, Header, Obj, shape};
use crate::types::{Type, flags};
use std::cell::Cell;
use std::ptr::{NonNull, null_mut};

/// The collector's state.
pub struct Collector {
    /// Sentinels of circular lists: the generations, the permanent one (`gc.freeze`), two for a collection's own use, and
    /// one for what is there from the start and never collected.
    pub lists: Box<[GcLink; 7]>,
    pub counts: [Cell<i64>; 3],
    pub thresholds: [Cell<i64>; 3],
    pub enabled: Cell<bool>,
    pub running: Cell<bool>,
    pub debug: Cell<i64>,
    pub stats: [Cell<[i64; 3]>; 3],
    /// Objects that the last collection of everything left alive, and how many came to them from younger generations since.
    long_lived: Cell<usize>,
    pending: Cell<usize>,
}

impl Default for Collector {
    fn default() -> Collector {
        let lists = Box::new([const { GcLink { next: Cell::new(null_mut()), prev: Cell::new(null_mut()) } }; 7]);
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
            long_lived: Cell::new(0),
            pending: Cell::new(0),
        }
    }
}

/// Places in `Collector::lists` behind the three generations.
const FROZEN: usize = 3;
/// What a collection found unreachable.
const UNREACHABLE: usize = 4;
/// What is still unreachable after the finalisers, or has met its finaliser already.
const FINAL: usize = 5;
/// Built-in types, their dicts and descriptors.
const ELDERS: usize = 6;

/// Low bits of a `next` word.
const FINALIZED: usize = 1;
/// The object lies in `UNREACHABLE` while trial deletion is not over: it may come back.
const TENTATIVE: usize = 2;
/// Low bit of a `prev` word: the object is under trial. While its reachability is open the rest of the word is the number
/// of references that were not yet explained, not an address.
const COLLECTING: usize = 1;

/// The address part of a word.
#[inline(always)]
fn addr(word: *mut GcLink) -> *mut GcLink {
    (word as usize & !(FINALIZED | TENTATIVE)) as *mut GcLink
}
#[inline(always)]
fn set_next(l: &GcLink, to: *mut GcLink) {
    l.next.set(((to as usize) | (l.next.get() as usize & (FINALIZED | TENTATIVE))) as *mut GcLink);
}
fn set_tentative(l: &GcLink, on: bool) {
    let next = l.next.get() as usize;
    l.next.set(if on { next | TENTATIVE } else { next & !TENTATIVE } as *mut GcLink);
}

#[inline(always)]
unsafe fn append(list: &GcLink, l: &GcLink) {
    let head = (list as *const GcLink).cast_mut();
    let last = addr(list.prev.get());
    // SAFETY: links of a list are live while in it.
    unsafe {
        set_next(&*last, (l as *const GcLink).cast_mut());
        l.prev.set(last);
        set_next(l, head);
        list.prev.set((l as *const GcLink).cast_mut());
    }
}
unsafe fn remove(l: &GcLink) {
    let (prev, next) = (addr(l.prev.get()), addr(l.next.get()));
    // SAFETY: neighbours are live while in the list.
    unsafe {
        set_next(&*prev, next);
        let flag = (*next).prev.get() as usize & COLLECTING;
        (*next).prev.set((prev as usize | flag) as *mut GcLink);
    }
    l.prev.set(null_mut());
    set_next(l, null_mut());
}

/// Whether the collector watches the object.
pub fn is_tracked(obj: &Obj) -> bool {
    // SAFETY: a live object of a gc type.
    obj.ty().flags.get() & flags::GC != 0 && unsafe { is_watched(obj.as_ptr()) }
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
    // SAFETY: as promised.
    unsafe { track_new(cx, raw) }
}

/// The same for an object that counts already.
///
/// # Safety
/// As `track`.
#[inline]
pub(crate) unsafe fn watch(cx: &Cx, raw: NonNull<Header>) {
    // SAFETY: the caller's promise; the sentinel and the list's links are live.
    unsafe {
        let l = link(raw);
        if l.prev.get().is_null() {
            append(&cx.collector.lists[0], l);
        }
    }
}
/// # Safety
/// A live object of a gc type.
pub(crate) unsafe fn is_watched(raw: NonNull<Header>) -> bool {
    // SAFETY: the caller's promise.
    unsafe { !link(raw).prev.get().is_null() }
}

/// The same for an object whose link was never written.
///
/// # Safety
/// The header of an object of a gc type whose fields will be whole before anything runs.
#[inline(always)]
pub(crate) unsafe fn track_new(cx: &Cx, raw: NonNull<Header>) {
    // SAFETY: passed on.
    unsafe { track_kept(cx, raw) };
    count_birth(cx);
}

/// The same for an object that does not count, because one of its kind left its block.
///
/// # Safety
/// As `track_new`.
#[inline(always)]
pub(crate) unsafe fn track_kept(cx: &Cx, raw: NonNull<Header>) {
    // SAFETY: the caller's promise; the link is written before it is read.
    let l = unsafe {
        let l = raw.as_ptr().cast::<u8>().sub(crate::object::GC_LINK).cast::<GcLink>();
        (&raw mut (*l).next).cast::<usize>().write(0);
        &*l
    };
    // SAFETY: the sentinel and the list's links are live.
    unsafe { append(&cx.collector.lists[0], l) };
}

/// An object was born that the collector watches, or will; asks for a collection at the next poll when there were enough.
#[inline(always)]
pub(crate) fn count_birth(cx: &Cx) {
    let gc = &cx.collector;
    let n = gc.counts[0].get() + 1;
    gc.counts[0].set(n);
    if n > gc.thresholds[0].get() && gc.enabled.get() && gc.thresholds[0].get() > 0 && !gc.running.get() {
        cx.request_poll(crate::cx::POLL_GC);
    }
}

/// Hides an object from the collector.
///
/// # Safety
/// An object of a gc type.
#[inline]
pub unsafe fn hide(raw: NonNull<Header>) {
    // SAFETY: the caller's promise.
    let l = unsafe { link(raw) };
    if !l.prev.get().is_null() {
        // SAFETY: it is in a list.
        unsafe { remove(l) };
    }
}

/// The same for one that dies: it counts no more.
///
/// # Safety
/// An object of a gc type.
#[inline]
pub unsafe fn untrack(cx: &Cx, raw: NonNull<Header>) {
    // SAFETY: passed on.
    unsafe { hide(raw) };
    count_death(cx);
}

/// An object is no more that counted as born.
#[inline(always)]
pub(crate) fn count_death(cx: &Cx) {
    let c = &cx.collector.counts[0];
    if c.get() > 0 {
        c.set(c.get() - 1);
    }
}

/// Takes the built-in types, which live as long as the interpreter, with what hangs on them out of the generations:
/// collections need not walk over them. Modules and their dicts stay, because programs change those.
pub(crate) fn set_elders_apart(cx: &Cx, types: &[crate::object::Ref<crate::types::Type>]) {
    let dicts: rustc_hash::FxHashSet<usize> = types.iter().filter_map(|t| t.dict.get(cx).as_ref().map(|d| d.as_obj().address())).collect();
    for g in 0..FROZEN {
        let mut members = Members::of(cx, g);
        while let Some(raw) = members.next() {
            let o = member(&raw);
            let changes = o.shape() == shape::DICT && !dicts.contains(&o.address());
            if changes || std::ptr::eq(o.ty(), &*cx.types.module) {
                continue;
            }
            // SAFETY: a member of a list moves to another.
            unsafe {
                let l = link(raw);
                remove(l);
                append(&cx.collector.lists[ELDERS], l);
            }
        }
    }
}

/// Every tracked object of a generation (3: the frozen ones; `None`: of all three generations, and what was there from the
/// start), as handles.
pub fn objects(cx: &Cx, generation: Option<usize>) -> Vec<Obj> {
    let mut out = Vec::new();
    for g in [ELDERS, 0, 1, 2, FROZEN] {
        if generation.map_or(g == FROZEN, |w| w != g) {
            continue;
        }
        let mut members = Members::of(cx, g);
        while let Some(l) = members.next() {
            out.push(member(&l).clone());
        }
    }
    out
}

/// Shows every tracked object, the frozen ones too. What is shown must not be tracked or untracked meanwhile.
pub(crate) fn each(cx: &Cx, mut show: impl FnMut(&Obj)) {
    for g in [ELDERS, 0, 1, 2, FROZEN] {
        let mut members = Members::of(cx, g);
        while let Some(l) = members.next() {
            show(member(&l));
        }
    }
}

/// Walks a list. The member shown last may leave it.
struct Members {
    head: *mut GcLink,
    at: *mut GcLink,
}
impl Members {
    fn of(cx: &Cx, list: usize) -> Members {
        let head = &cx.collector.lists[list];
        Members { head: (head as *const GcLink).cast_mut(), at: addr(head.next.get()) }
    }
    /// The header of the next member.
    #[inline(always)]
    fn next(&mut self) -> Option<NonNull<Header>> {
        if self.at == self.head {
            return None;
        }
        let l = self.at;
        // SAFETY: in the list, so live.
        self.at = addr(unsafe { &*l }.next.get());
        Some(header(l))
    }
}

/// The header behind the link of a tracked object.
#[inline(always)]
fn header(l: *mut GcLink) -> NonNull<Header> {
    // SAFETY: the header lies right behind the link.
    unsafe { NonNull::new_unchecked(l.cast::<u8>().add(GC_LINK).cast::<Header>()) }
}

/// A live object seen without taking a count.
#[inline(always)]
fn member(raw: &NonNull<Header>) -> &Obj {
    // SAFETY: a handle is a pointer to a header; the object is in a list, so live.
    unsafe { &*(raw as *const NonNull<Header>).cast::<Obj>() }
}

/// Everything that is watched. Nothing may die meanwhile.
pub(super) fn each_watched(cx: &Cx, f: &mut dyn FnMut(&Obj)) -> Result<(), String> {
    for list in [0, 1, 2, FROZEN, ELDERS] {
        let head = (&raw const cx.collector.lists[list]).cast_mut();
        let mut at = head;
        loop {
            // SAFETY: the links of a list are live while in it.
            let next = unsafe { addr((*at).next.get()) };
            // SAFETY: as above.
            if unsafe { addr((*next).prev.get()) } != at {
                return Err(format!("the list {list} of the collector does not lead back at {next:p}"));
            }
            if next == head {
                break;
            }
            f(member(&header(next)));
            at = next;
        }
    }
    Ok(())
}

/// Whether a list has no member.
fn is_empty(list: &GcLink) -> bool {
    std::ptr::eq(addr(list.next.get()), list)
}

/// Moves all members of a list to another one's end.
fn merge(cx: &Cx, from: usize, to: usize) {
    let (a, b) = (&cx.collector.lists[from], &cx.collector.lists[to]);
    if is_empty(a) {
        return;
    }
    let (first, last, tail) = (addr(a.next.get()), addr(a.prev.get()), addr(b.prev.get()));
    let (a_head, b_head) = ((a as *const GcLink).cast_mut(), (b as *const GcLink).cast_mut());
    // SAFETY: both lists are whole.
    unsafe {
        set_next(&*tail, first);
        (*first).prev.set(tail);
        set_next(&*last, b_head);
    }
    b.prev.set(last);
    a.next.set(a_head);
    a.prev.set(a_head);
}

/// What was made before the program starts is not new any more: collections come when the program has made as many objects as
/// the threshold says, wherever the start-up stood.
pub(crate) fn begin_program(cx: &Cx) {
    merge(cx, 0, 1);
    cx.collector.counts[0].set(0);
}

/// `gc.freeze` and `gc.unfreeze`.
pub fn freeze(cx: &Cx) {
    (0..FROZEN).for_each(|g| merge(cx, g, FROZEN));
}
pub fn unfreeze(cx: &Cx) {
    merge(cx, FROZEN, 2);
}
/// Number of frozen objects.
pub fn frozen(cx: &Cx) -> usize {
    length(cx, FROZEN)
}

fn length(cx: &Cx, list: usize) -> usize {
    let (mut n, mut members) = (0, Members::of(cx, list));
    while members.next().is_some() {
        n += 1;
    }
    n
}

/// The collection that births asked for: the oldest generation over its threshold. Everything is collected only when a quarter
/// as many objects as are known to live long came to them: else the time of a growing program would grow as its square.
pub fn collect_due(cx: &mut Cx) {
    let gc = &cx.collector;
    if !gc.enabled.get() || gc.running.get() {
        return;
    }
    let over = |g: usize| gc.thresholds[g].get() > 0 && gc.counts[g].get() > gc.thresholds[g].get();
    let due = (0..3).rev().find(|&g| over(g) && (g < 2 || gc.pending.get() >= gc.long_lived.get() / 4));
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
    // Once modules go, callbacks are not told (`_PyGC_CollectNoFail`).
    let told = !cx.finalizing;
    if told {
        crate::modules::gc::callbacks(cx, "start", generation, 0);
    }
    if cfg!(retic_verify) {
        super::verify::insist(cx);
    }
    let found = run(cx, generation);
    if cfg!(retic_verify) {
        super::verify::insist(cx);
    }
    let stats = &cx.collector.stats[generation];
    let [n, collected, stuck] = stats.get();
    stats.set([n + 1, collected + found as i64, stuck]);
    cx.collector.running.set(false);
    crate::lens::collection(cx, generation, Some(found));
    if told {
        crate::modules::gc::callbacks(cx, "stop", generation, found);
    }
    found
}

fn run(cx: &mut Cx, generation: usize) -> usize {
    if generation < 2 {
        let older = &cx.collector.counts[generation + 1];
        older.set(older.get() + 1);
    }
    (0..=generation).for_each(|g| cx.collector.counts[g].set(0));
    (0..generation).for_each(|g| merge(cx, g, generation));
    // Dicts are looked at in collections of everything only: they may be growing.
    let alive = deduce(cx, generation, UNREACHABLE, if generation == 2 { Atoms::TuplesAndDicts } else { Atoms::Tuples });
    let older = (generation + 1).min(2);
    if generation < 2 {
        if generation == 1 {
            cx.collector.pending.set(cx.collector.pending.get() + alive);
        }
        merge(cx, generation, older);
    } else {
        cx.collector.pending.set(0);
        cx.collector.long_lived.set(alive);
    }
    if is_empty(&cx.collector.lists[UNREACHABLE]) {
        clear_kept(cx, generation);
        return 0;
    }
    empty_weak_references(cx);
    finalize_all(cx);
    // A finaliser may have brought some back: everything that is now held from outside lives on.
    deduce(cx, UNREACHABLE, FINAL, Atoms::Stay);
    let mut members = Members::of(cx, FINAL);
    while let Some(raw) = members.next() {
        settle(raw);
    }
    merge(cx, UNREACHABLE, older);
    let found = length(cx, FINAL);
    dispose(cx, older);
    clear_kept(cx, generation);
    found
}

/// After a collection of everything the blocks that were kept for objects of one kind are anybody's.
fn clear_kept(cx: &Cx, generation: usize) {
    if generation == 2 {
        cx.heap.clear_kept();
    }
}

/// Takes an object out of the trial.
fn settle(raw: NonNull<Header>) {
    // SAFETY: tracked, so it has a link.
    let l = unsafe { link(raw) };
    l.prev.set((l.prev.get() as usize & !COLLECTING) as *mut GcLink);
}

/// The link of an object under trial.
#[inline(always)]
fn on_trial(o: &Obj) -> Option<&GcLink> {
    if o.ty().flags.get() & flags::GC == 0 {
        return None;
    }
    // SAFETY: gc types have a link.
    let l = unsafe { link(o.as_ptr()) };
    (l.prev.get() as usize & COLLECTING != 0).then_some(l)
}

/// How many references of an object under trial are not yet explained.
#[inline(always)]
fn set_refs(l: &GcLink, n: usize) {
    l.prev.set((n << 1 | COLLECTING) as *mut GcLink);
}

/// Puts the members of a list under trial, none of their references explained. There is nothing to do here but to wait for
/// memory; walked from both ends, the list gives two things at a time to wait for.
fn begin_trial(list: &GcLink) {
    let counted = |l: *mut GcLink| {
        let raw = header(l);
        // SAFETY: a member of the list, so live.
        set_refs(unsafe { &*l }, member(&raw).count() as usize);
    };
    let (mut front, mut back) = (addr(list.next.get()), addr(list.prev.get()));
    if std::ptr::eq(front, list) {
        return;
    }
    loop {
        // SAFETY: members are live. The way on is read before the count takes the place of the way back.
        let (next, before) = unsafe { (addr((*front).next.get()), addr((*back).prev.get())) };
        counted(front);
        if front == back {
            return;
        }
        counted(back);
        if next == back {
            return;
        }
        (front, back) = (next, before);
    }
}

/// Trial deletion (CPython's `deduce_unreachable`): what remains of a count after the references among the members of `from`
/// is held from outside. Moves the members that cannot be reached to `to`, which is empty; these stay under trial. Of the others
/// those that hold atoms only are not watched any more (CPython's `untrack_tuples`, `untrack_dicts`), while they are at hand;
/// how many are left comes back.
fn deduce(cx: &Cx, from: usize, to: usize, atoms: Atoms) -> usize {
    const ONE: usize = 2;
    let refs = |l: &GcLink| l.prev.get() as usize >> 1;
    begin_trial(&cx.collector.lists[from]);
    let mut members = Members::of(cx, from);
    while let Some(raw) = members.next() {
        trace(cx, member(&raw), &mut |r| {
            if let Some(l) = on_trial(r) {
                l.prev.set((l.prev.get() as usize - ONE) as *mut GcLink);
            }
        });
    }
    let (reachable, unreachable) = (&cx.collector.lists[from], &cx.collector.lists[to]);
    let head = (reachable as *const GcLink).cast_mut();
    let (mut prev, mut left) = (head, 0);
    // The list is linked forwards only until its members are settled one by one.
    loop {
        // SAFETY: members of a list are live; nothing dies while they are looked at.
        unsafe {
            let at = addr((*prev).next.get());
            if at == head {
                break;
            }
            let l = &*at;
            if refs(l) > 0 {
                trace(cx, member(&header(at)), &mut |r| {
                    let Some(l) = on_trial(r) else { return };
                    if l.next.get() as usize & TENTATIVE != 0 {
                        remove(l);
                        set_tentative(l, false);
                        append(reachable, l);
                        set_refs(l, 1);
                    } else if refs(l) == 0 {
                        set_refs(l, 1);
                    }
                });
                let raw = header(at);
                let o = member(&raw);
                if o.ty().flags.get() & flags::UNTRACKABLE != 0 && atoms.let_go(cx, o) {
                    set_next(&*prev, addr(l.next.get()));
                    l.prev.set(null_mut());
                    set_next(l, null_mut());
                    continue;
                }
                l.prev.set(prev);
                prev = at;
                left += 1;
            } else {
                set_next(&*prev, addr(l.next.get()));
                append(unreachable, l);
                l.prev.set((l.prev.get() as usize | COLLECTING) as *mut GcLink);
                set_tentative(l, true);
            }
        }
    }
    reachable.prev.set(prev);
    let mut members = Members::of(cx, to);
    while let Some(raw) = members.next() {
        // SAFETY: tracked, so it has a link.
        set_tentative(unsafe { link(raw) }, false);
    }
    left
}

/// Which containers of atoms the collector stops to watch: they cannot be in a cycle.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Atoms {
    Stay,
    Tuples,
    TuplesAndDicts,
}

impl Atoms {
    /// Whether a tuple or dict need not be watched any more.
    fn let_go(self, cx: &Cx, o: &Obj) -> bool {
        if self == Atoms::Stay || self == Atoms::Tuples && o.shape() == shape::DICT {
            return false;
        }
        let mut keep = false;
        trace(cx, o, &mut |r| keep |= may_be_tracked(r));
        !keep
    }
}

/// Whether something that holds the object could be in a cycle through it (`_PyObject_GC_MAY_BE_TRACKED`).
#[inline]
pub(crate) fn may_be_tracked(o: &Obj) -> bool {
    if o.ty().flags.get() & flags::GC == 0 {
        return false;
    }
    match o.shape() {
        shape::TUPLE => is_tracked(o),
        // Those of the interpreter live for ever.
        _ => o.cast::<Type>().is_none_or(|t| t.has(flags::HEAP)),
    }
}

/// Weak references of the garbage are emptied; callbacks of references outside run now. Ends the trial.
fn empty_weak_references(cx: &mut Cx) {
    let mut calls = Vec::new();
    let mut dropped = Vec::new();
    let mut members = Members::of(cx, UNREACHABLE);
    while let Some(raw) = members.next() {
        // SAFETY: managed, checked first.
        if member(&raw).ty().flags.get() & flags::MANAGED == 0 || unsafe { managed(raw) }.weak.get().is_none() {
            continue;
        }
        for r in weak::list(member(&raw)) {
            weak::unlink(&r);
            let outside = on_trial(r.as_obj()).is_none();
            if let Some(callback) = r.callback.replace(cx, None) {
                if outside { calls.push((r.clone(), callback)) } else { dropped.push(callback) }
            }
        }
    }
    let mut members = Members::of(cx, UNREACHABLE);
    while let Some(raw) = members.next() {
        settle(raw);
    }
    for callback in dropped {
        cx.release(callback);
    }
    for (r, callback) in calls {
        if crate::protocol::call(cx, &callback, &[r.into_obj()]).is_err() {
            cx.unraisable(&callback);
        }
        cx.release(callback);
    }
}

/// Moves the first member of a list to the end of another; it must have one.
fn move_first(cx: &Cx, from: usize, to: usize) {
    let first = addr(cx.collector.lists[from].next.get());
    // SAFETY: in the list, so live.
    unsafe {
        remove(&*first);
        append(&cx.collector.lists[to], &*first);
    }
}

/// Runs the finalisers of the garbage in order. Some of it may die on the way.
fn finalize_all(cx: &mut Cx) {
    while let Some(raw) = Members::of(cx, UNREACHABLE).next() {
        move_first(cx, UNREACHABLE, FINAL);
        if member(&raw).ty().flags.get() & flags::FINALIZER != 0 {
            let o = member(&raw).clone();
            finalize(cx, &o);
            cx.release(o);
        }
    }
    merge(cx, FINAL, UNREACHABLE);
}

/// Breaks the cycles of `FINAL`, object by object; what survives its own clearing goes to the older generation.
fn dispose(cx: &mut Cx, older: usize) {
    const DEBUG_SAVEALL: i64 = 32;
    let save = cx.collector.debug.get() & DEBUG_SAVEALL != 0;
    if !save {
        crate::lens::cycle(cx, true);
    }
    let mut out = Vec::new();
    while let Some(raw) = Members::of(cx, FINAL).next() {
        let o = member(&raw).clone();
        if save {
            crate::modules::gc::save_garbage(cx, o);
        } else {
            clear(cx, &o, &mut out);
            for value in out.drain(..) {
                cx.release(value);
            }
            cx.release(o);
        }
        if Members::of(cx, FINAL).next() == Some(raw) {
            move_first(cx, FINAL, older);
        }
    }
    if !save {
        crate::lens::cycle(cx, false);
    }
}

/// Whether the object's finaliser ran.
pub fn is_finalized(obj: &Obj) -> bool {
    // SAFETY: gc types have a link.
    obj.ty().flags.get() & flags::GC != 0 && unsafe { link(obj.as_ptr()).next.get() as usize & FINALIZED != 0 }
}
