//! What the heap tells the recorder of its blocks, at once.

use super::recorder::Recorder;
use crate::cx::Cx;
use retic_heap::{Entry, Tally};
use std::ptr::NonNull;

/// `whose` is the address of the interpreter's context.
pub fn tally(cx: &Cx) -> Tally {
    Tally { whose: &raw const *cx as usize, came, went, moving: |_| (), resized, deaths: true }
}

/// Runs something on the recorder; while it is at work itself, the entry waits.
#[inline(always)]
fn on(whose: usize, entry: Entry, act: impl FnOnce(&Cx, &mut Recorder)) {
    // SAFETY: the context lies where it is while its heap does, and tells of its own blocks; only shared parts are looked at. L2.
    unsafe {
        let cx = &*(whose as *const Cx);
        match cx.lens.ready().as_mut() {
            Some(r) => {
                act(cx, r);
                if r.ended {
                    cx.lens.pending.set(true);
                }
            }
            None => wait(cx, entry),
        }
    }
}

/// Told when the recorder is not busy any more.
#[inline(never)]
pub fn wait(cx: &Cx, entry: Entry) {
    cx.lens.pending.set(true);
    cx.lens.missed.borrow_mut().push(entry);
}

fn came(whose: usize, at: NonNull<u8>, size: usize, before: usize) -> Option<NonNull<u8>> {
    let block = at.as_ptr() as usize;
    on(whose, Entry::Came { block, size, before }, |cx, r| r.came(cx, block, size, before));
    // SAFETY: it was just handed out.
    unsafe { retic_heap::not_yet(at, size, before) };
    Some(at)
}
fn went(whose: usize, block: usize, size: usize) {
    on(whose, Entry::Went { block, size }, |cx, r| r.went(cx, block));
}
fn resized(whose: usize, from: usize, to: usize, size: usize) {
    on(whose, Entry::Resized { from, to, size }, |cx, r| r.resized(cx, from, to, size));
}
