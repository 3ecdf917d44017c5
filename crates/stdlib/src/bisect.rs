//! `_bisect`: where something belongs in a sorted sequence.

use retic_runtime::types::{List, module};
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
        let known = a.cast::<List>().filter(|_| std::ptr::eq(a.ty(), &*cx.types.list)).and_then(|l| l.items(cx).get(mid as usize).cloned());
        let item = match known {
            Some(item) => item,
            None => {
                let at = cx.int(mid)?;
                protocol::getitem(cx, a, &at)?
            }
        };
        let item = match key {
            Some(k) => protocol::call(cx, k, &[item])?,
            None => item,
        };
        let less = if left { protocol::less(cx, &item, x) } else { protocol::less(cx, x, &item) };
        cx.release(item);
        if less? == left {
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
    //! Where items belong in sorted lists, found by halving.
    use super::*;

    /// Where x belongs in the sorted list a: behind all that equal it. Only a[lo:hi] is
    /// looked at; a key is taken of the items, not of x.
    #[py("bisect_right(a, x, lo=0, hi=None, *, key=None)")]
    pub fn bisect_right(cx: &mut Cx, a: &Obj, x: &Obj, lo: i64, hi: Option<&Obj>, key: Option<&Obj>) -> PyResult<i64> {
        place(cx, a, x, lo, hi, key, false)
    }
    /// Where x belongs in the sorted list a: behind all that are less. Only a[lo:hi] is
    /// looked at; a key is taken of the items, not of x.
    #[py("bisect_left(a, x, lo=0, hi=None, *, key=None)")]
    pub fn bisect_left(cx: &mut Cx, a: &Obj, x: &Obj, lo: i64, hi: Option<&Obj>, key: Option<&Obj>) -> PyResult<i64> {
        place(cx, a, x, lo, hi, key, true)
    }
    /// Put x into the sorted list a behind what equals it. Only a[lo:hi] is looked at; a key is taken
    /// of x, too.
    #[py("insort_right(a, x, lo=0, hi=None, *, key=None)")]
    pub fn insort_right(cx: &mut Cx, a: &Obj, x: &Obj, lo: i64, hi: Option<&Obj>, key: Option<&Obj>) -> PyResult<()> {
        insort(cx, a, x, lo, hi, key, false)
    }
    /// Put x into the sorted list a before what equals it. Only a[lo:hi] is looked at; a key is taken
    /// of x, too.
    #[py("insort_left(a, x, lo=0, hi=None, *, key=None)")]
    pub fn insort_left(cx: &mut Cx, a: &Obj, x: &Obj, lo: i64, hi: Option<&Obj>, key: Option<&Obj>) -> PyResult<()> {
        insort(cx, a, x, lo, hi, key, true)
    }
}

pub fn make(cx: &mut Cx) -> PyResult {
    Ok(module::of_functions(cx, "_bisect", functions::DOC, functions::FUNCTIONS)?.into_obj())
}
