//! `_bisect`: where something belongs in a sorted sequence.

use retic_runtime::types::module;
use retic_runtime::types::type_::Cmp;
use retic_runtime::{Cx, Obj, PyResult, protocol};

/// The place before the first item that is not less than `x` (left), or behind the last that is not greater.
fn place(cx: &mut Cx, a: &Obj, x: &Obj, lo: i64, hi: Option<&Obj>, key: Option<&Obj>, left: bool) -> PyResult<i64> {
    if lo < 0 {
        return Err(cx.value_error("lo must be non-negative"));
    }
    let mut lo = lo;
    let mut hi = match hi {
        Some(h) => protocol::index_i64(cx, h)?,
        None => protocol::len(cx, a)? as i64,
    };
    while lo < hi {
        let mid = ((lo as u64 + hi as u64) / 2) as i64;
        let at = cx.int(mid)?;
        let item = protocol::getitem(cx, a, &at)?;
        let item = match key {
            Some(k) => protocol::call(cx, k, &[item])?,
            None => item,
        };
        let less = if left { protocol::richcompare(cx, &item, x, Cmp::Lt)? } else { protocol::richcompare(cx, x, &item, Cmp::Lt)? };
        if protocol::truth(cx, &less)? == left {
            lo = mid + 1;
        } else {
            hi = mid;
        }
        cx.poll_native()?;
    }
    Ok(lo)
}

fn insort(cx: &mut Cx, a: &Obj, x: &Obj, lo: i64, hi: Option<&Obj>, key: Option<&Obj>, left: bool) -> PyResult<()> {
    let wanted = match key {
        Some(k) => protocol::call(cx, k, std::slice::from_ref(x))?,
        None => x.clone(),
    };
    let at = place(cx, a, &wanted, lo, hi, key, left)?;
    let at = cx.int(at)?;
    let r = protocol::call_method(cx, a, "insert", &[at, x.clone()])?;
    cx.release(r);
    Ok(())
}

#[retic_macros::methods]
mod functions {
    //! Bisection algorithms.
    //!
    //! This module provides support for maintaining a list in sorted order without
    //! having to sort the list after each insertion.
    use super::*;

    /// Return the index where to insert item x in list a, assuming a is sorted.
    ///
    /// The return value i is such that all e in a[:i] have e <= x, and all e in
    /// a[i:] have e > x.
    #[py("bisect_right(a, x, lo=0, hi=None, *, key=None)")]
    pub fn bisect_right(cx: &mut Cx, a: &Obj, x: &Obj, lo: i64, hi: Option<&Obj>, key: Option<&Obj>) -> PyResult<i64> {
        place(cx, a, x, lo, hi, key, false)
    }
    /// Return the index where to insert item x in list a, assuming a is sorted.
    ///
    /// The return value i is such that all e in a[:i] have e < x, and all e in
    /// a[i:] have e >= x.
    #[py("bisect_left(a, x, lo=0, hi=None, *, key=None)")]
    pub fn bisect_left(cx: &mut Cx, a: &Obj, x: &Obj, lo: i64, hi: Option<&Obj>, key: Option<&Obj>) -> PyResult<i64> {
        place(cx, a, x, lo, hi, key, true)
    }
    /// Insert item x in list a, and keep it sorted assuming a is sorted.
    ///
    /// If x is already in a, insert it to the right of the rightmost x.
    #[py("insort_right(a, x, lo=0, hi=None, *, key=None)")]
    pub fn insort_right(cx: &mut Cx, a: &Obj, x: &Obj, lo: i64, hi: Option<&Obj>, key: Option<&Obj>) -> PyResult<()> {
        insort(cx, a, x, lo, hi, key, false)
    }
    /// Insert item x in list a, and keep it sorted assuming a is sorted.
    ///
    /// If x is already in a, insert it to the left of the leftmost x.
    #[py("insort_left(a, x, lo=0, hi=None, *, key=None)")]
    pub fn insort_left(cx: &mut Cx, a: &Obj, x: &Obj, lo: i64, hi: Option<&Obj>, key: Option<&Obj>) -> PyResult<()> {
        insort(cx, a, x, lo, hi, key, true)
    }
}

pub fn make(cx: &mut Cx) -> PyResult {
    Ok(module::of_functions(cx, "_bisect", functions::DOC, functions::FUNCTIONS)?.into_obj())
}
