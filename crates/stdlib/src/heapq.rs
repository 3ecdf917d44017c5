//! `_heapq`: lists as heaps, the smallest item first, or the largest (the functions that end in `_max`).

use retic_runtime::types::{List, module};
use retic_runtime::{Cx, Obj, PyResult, Ref, protocol};

type L = Ref<List>;

/// Whether the item at `a` comes before the one at `b`. Comparing may run anything; a list that it made longer or shorter is refused.
fn before(cx: &mut Cx, heap: &L, a: usize, b: usize, max: bool) -> PyResult<bool> {
    let n = heap.items(cx).len();
    let (x, y) = (heap.items(cx)[a].clone(), heap.items(cx)[b].clone());
    let less = if max { protocol::less(cx, &y, &x) } else { protocol::less(cx, &x, &y) };
    cx.release(x);
    cx.release(y);
    let less = less?;
    // Whatever runs Python lies behind: until the next comparison the list stays as it is.
    cx.poll_native()?;
    if heap.items(cx).len() != n {
        return Err(cx.runtime_error("list changed size during iteration"));
    }
    Ok(less)
}

/// The item at `at` goes up, towards `top`, past those that it comes before.
fn rise(cx: &mut Cx, heap: &L, top: usize, mut at: usize, max: bool) -> PyResult<()> {
    while at > top {
        let parent = (at - 1) >> 1;
        if !before(cx, heap, at, parent, max)? {
            break;
        }
        heap.swap(cx, parent, at);
        at = parent;
    }
    Ok(())
}

/// The item at `at` changes places with the first of its children down to a leaf, and rises from there to where it belongs.
fn sink(cx: &mut Cx, heap: &L, at: usize, max: bool) -> PyResult<()> {
    let end = heap.items(cx).len();
    let mut pos = at;
    while pos < end >> 1 {
        let mut child = 2 * pos + 1;
        if child + 1 < end && !before(cx, heap, child, child + 1, max)? {
            child += 1;
        }
        heap.swap(cx, child, pos);
        pos = child;
    }
    rise(cx, heap, at, pos, max)
}

fn push(cx: &mut Cx, heap: &L, item: &Obj, max: bool) -> PyResult<()> {
    heap.push(cx, item.clone())?;
    let last = heap.items(cx).len() - 1;
    rise(cx, heap, 0, last, max)
}

fn pop(cx: &mut Cx, heap: &L, max: bool) -> PyResult {
    let Some(last) = heap.pop_last(cx) else { return Err(cx.index_error("index out of range")) };
    if heap.items(cx).is_empty() {
        return Ok(last);
    }
    let first = heap.exchange(cx, 0, last);
    sink(cx, heap, 0, max)?;
    Ok(first)
}

fn replace(cx: &mut Cx, heap: &L, item: &Obj, max: bool) -> PyResult {
    if heap.items(cx).is_empty() {
        return Err(cx.index_error("index out of range"));
    }
    let first = heap.exchange(cx, 0, item.clone());
    sink(cx, heap, 0, max)?;
    Ok(first)
}

fn push_pop(cx: &mut Cx, heap: &L, item: &Obj, max: bool) -> PyResult {
    let Some(top) = heap.items(cx).first().cloned() else { return Ok(item.clone()) };
    let less = if max { protocol::less(cx, item, &top) } else { protocol::less(cx, &top, item) };
    cx.release(top);
    if !less? {
        return Ok(item.clone());
    }
    replace(cx, heap, item, max)
}

fn arrange(cx: &mut Cx, heap: &L, max: bool) -> PyResult<()> {
    for i in (0..heap.items(cx).len() / 2).rev() {
        sink(cx, heap, i, max)?;
    }
    Ok(())
}

#[retic_macros::methods]
mod functions {
    //! Heaps: lists in which no item comes after those at twice its place plus one and plus two.
    use super::*;

    /// Push item onto heap, maintaining the heap invariant.
    #[py("heappush(heap, item, /)")]
    pub fn heappush(cx: &mut Cx, heap: &Ref<List>, item: &Obj) -> PyResult<()> {
        push(cx, heap, item, false)
    }
    /// Pop the smallest item off the heap, maintaining the heap invariant.
    #[py("heappop(heap, /)")]
    pub fn heappop(cx: &mut Cx, heap: &Ref<List>) -> PyResult {
        pop(cx, heap, false)
    }
    /// Pop and return the current smallest value, and add the new item.
    #[py("heapreplace(heap, item, /)")]
    pub fn heapreplace(cx: &mut Cx, heap: &Ref<List>, item: &Obj) -> PyResult {
        replace(cx, heap, item, false)
    }
    /// Push item on the heap, then pop and return the smallest item from the heap.
    #[py("heappushpop(heap, item, /)")]
    pub fn heappushpop(cx: &mut Cx, heap: &Ref<List>, item: &Obj) -> PyResult {
        push_pop(cx, heap, item, false)
    }
    /// Transform list into a heap, in-place, in O(len(heap)) time.
    #[py("heapify(heap, /)")]
    pub fn heapify(cx: &mut Cx, heap: &Ref<List>) -> PyResult<()> {
        arrange(cx, heap, false)
    }
    /// Push item onto max heap, maintaining the heap invariant.
    #[py("heappush_max(heap, item, /)")]
    pub fn heappush_max(cx: &mut Cx, heap: &Ref<List>, item: &Obj) -> PyResult<()> {
        push(cx, heap, item, true)
    }
    /// Maxheap variant of heappop.
    #[py("heappop_max(heap, /)")]
    pub fn heappop_max(cx: &mut Cx, heap: &Ref<List>) -> PyResult {
        pop(cx, heap, true)
    }
    /// Maxheap variant of heapreplace.
    #[py("heapreplace_max(heap, item, /)")]
    pub fn heapreplace_max(cx: &mut Cx, heap: &Ref<List>, item: &Obj) -> PyResult {
        replace(cx, heap, item, true)
    }
    /// Maxheap variant of heappushpop.
    #[py("heappushpop_max(heap, item, /)")]
    pub fn heappushpop_max(cx: &mut Cx, heap: &Ref<List>, item: &Obj) -> PyResult {
        push_pop(cx, heap, item, true)
    }
    /// Maxheap variant of heapify.
    #[py("heapify_max(heap, /)")]
    pub fn heapify_max(cx: &mut Cx, heap: &Ref<List>) -> PyResult<()> {
        arrange(cx, heap, true)
    }
}

pub fn make(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "_heapq", functions::DOC, functions::FUNCTIONS)?;
    let about = cx.str(functions::DOC)?;
    m.set(cx, "__about__", about)?;
    Ok(m.into_obj())
}
