//! `list.sort`: stable. Keys of plain types are compared without Python.

use super::List;
use crate::cx::{Cx, PyResult};
use crate::object::{Buf, Obj, Ref, shape};
use crate::protocol;
use crate::types::str::Chars;
use crate::types::{Str, Tuple, int};
use std::cmp::Ordering;

/// Sorts a list; it looks empty meanwhile, as in CPython.
pub fn sort(cx: &mut Cx, this: &Ref<List>, key: Option<&Obj>, reverse: bool) -> PyResult<()> {
    let mut items = std::mem::replace(this.pub_items.get_mut(cx), Buf::empty());
    let mut keys = Vec::new();
    let result = match key {
        None => order(cx, &items, reverse),
        Some(f) => match make_keys(cx, f, &items, &mut keys) {
            Ok(()) => order(cx, &keys, reverse),
            Err(r) => Err(r),
        },
    };
    let result = result.map(|order| put_in_order(&mut items, order));
    // Keys that die may change the list, too.
    cx.release_with_error(keys);
    let touched = this.pub_items.replace(cx, items);
    let modified = touched.had_room();
    cx.release_with_error(touched);
    result?;
    if modified { Err(cx.value_error("list modified during sort")) } else { Ok(()) }
}

fn make_keys(cx: &mut Cx, f: &Obj, items: &[Obj], keys: &mut Vec<Obj>) -> PyResult<()> {
    keys.reserve(items.len());
    for o in items {
        keys.push(protocol::call(cx, f, std::slice::from_ref(o))?);
        cx.poll_native()?;
    }
    Ok(())
}

/// Lays items out anew: the one at `order[i]` comes to `i`. Each circle of places is gone round once.
fn put_in_order(items: &mut [Obj], mut order: Vec<u32>) {
    const DONE: u32 = u32::MAX;
    for first in 0..order.len() {
        let mut to = first;
        loop {
            let from = std::mem::replace(&mut order[to], DONE);
            if from == DONE || from as usize == first {
                break;
            }
            items.swap(to, from as usize);
            to = from as usize;
        }
    }
}

/// The places of the items in sorted order.
fn order(cx: &mut Cx, keys: &[Obj], reverse: bool) -> PyResult<Vec<u32>> {
    let n = u32::try_from(keys.len()).map_err(|_| cx.memory_error())?;
    let mut order: Vec<u32> = if reverse { (0..n).rev().collect() } else { (0..n).collect() };
    if n > 1 && !sort_plain(keys, &mut order) {
        merge_sort(cx, keys, &mut order)?;
    }
    if reverse {
        order.reverse();
    }
    Ok(order)
}

/// What plain keys are compared by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Plain {
    Int,
    Float,
    Text,
}

fn plain(o: &Obj) -> Option<Plain> {
    match o.shape() {
        shape::INT if int::to_i64(o).is_some() => Some(Plain::Int),
        shape::FLOAT if !protocol::exact_float(o).is_nan() => Some(Plain::Float),
        shape::STR => Some(Plain::Text),
        _ => None,
    }
}

fn text(o: &Obj) -> &Str {
    // SAFETY: O3, callers know that it is a str.
    unsafe { o.cast_unchecked::<Str>() }
}

/// The beginning of a text as a number: in order as the texts are, as far as it tells them apart. Eight characters of narrow text,
/// three of other.
fn beginning(text: &Str, narrow: bool) -> u64 {
    let mut first = [0; 8];
    match text.chars() {
        Chars::One(b) if narrow => {
            let n = b.len().min(8);
            first[..n].copy_from_slice(&b[..n]);
            u64::from_be_bytes(first)
        }
        c => (0..3).fold(0, |all, i| all << 21 | if i < text.len() { u64::from(c.get(i)) } else { 0 }),
    }
}

/// Compares two keys of the same plain type.
#[inline]
fn compare_plain(what: Plain, a: &Obj, b: &Obj) -> Ordering {
    match what {
        Plain::Int => int::to_i64(a).cmp(&int::to_i64(b)),
        Plain::Float => protocol::exact_float(a).partial_cmp(&protocol::exact_float(b)).unwrap_or(Ordering::Equal),
        Plain::Text => text(a).order(text(b)),
    }
}

/// Sorts where no comparison can run Python or fail: ints, floats, text, or tuples of these, column by column.
fn sort_plain(keys: &[Obj], order: &mut [u32]) -> bool {
    let first = &keys[0];
    if let Some(what) = plain(first) {
        if !keys.iter().all(|k| plain(k) == Some(what)) {
            return false;
        }
        match what {
            Plain::Int => by(order, keys, |k| int::to_i64(k).unwrap_or(0), Ord::cmp),
            Plain::Float => by(order, keys, protocol::exact_float, |a, b| a.partial_cmp(b).unwrap_or(Ordering::Equal)),
            Plain::Text => {
                let narrow = keys.iter().all(|k| matches!(text(k).chars(), Chars::One(_)));
                by(order, keys, |k| (beginning(text(k), narrow), k), |a, b| a.0.cmp(&b.0).then_with(|| if a.1.is(b.1) { Ordering::Equal } else { text(a.1).order(text(b.1)) }));
            }
        }
        return true;
    }
    let Some(columns) = columns(keys) else { return false };
    by(
        order,
        keys,
        |k| k.cast::<Tuple>().map_or(&[][..], |t| t.items()),
        |a, b| {
            for (i, what) in columns.iter().enumerate() {
                match (a.get(i), b.get(i)) {
                    (Some(x), Some(y)) if x.is(y) => {}
                    (Some(x), Some(y)) => match compare_plain(*what, x, y) {
                        Ordering::Equal => {}
                        other => return other,
                    },
                    _ => break,
                }
            }
            a.len().cmp(&b.len())
        },
    );
    true
}

/// The types of the columns if all keys are tuples whose items are plain and of one type in each column.
fn columns(keys: &[Obj]) -> Option<Vec<Plain>> {
    let mut columns: Vec<Plain> = Vec::new();
    for k in keys {
        if k.shape() != shape::TUPLE {
            return None;
        }
        for (i, o) in k.cast::<Tuple>()?.items().iter().enumerate() {
            let what = plain(o)?;
            match columns.get(i) {
                Some(known) if *known != what => return None,
                Some(_) => {}
                None => columns.push(what),
            }
        }
    }
    Some(columns)
}

/// Sorts places by values read from the keys once.
fn by<'a, K: Copy>(order: &mut [u32], keys: &'a [Obj], value: impl Fn(&'a Obj) -> K, compare: impl Fn(&K, &K) -> Ordering) {
    if order.windows(2).all(|w| compare(&value(&keys[w[0] as usize]), &value(&keys[w[1] as usize])).is_le()) {
        return;
    }
    let mut pairs: Vec<(K, u32)> = order.iter().map(|i| (value(&keys[*i as usize]), *i)).collect();
    pairs.sort_by(|a, b| compare(&a.0, &b.0));
    for (place, (_, i)) in order.iter_mut().zip(pairs) {
        *place = i;
    }
}

/// Finds runs, then merges them: never more comparisons than needed for sorted input.
fn merge_sort(cx: &mut Cx, keys: &[Obj], v: &mut [u32]) -> PyResult<()> {
    let n = v.len();
    let mut runs: Vec<(usize, usize)> = Vec::new();
    let mut i = 0;
    while i < n {
        let start = i;
        i += 1;
        if i < n {
            if less(cx, keys, v[i], v[i - 1])? {
                while i < n && less(cx, keys, v[i], v[i - 1])? {
                    i += 1;
                }
                v[start..i].reverse();
            } else {
                while i < n && !less(cx, keys, v[i], v[i - 1])? {
                    i += 1;
                }
            }
        }
        runs.push((start, i));
    }
    while runs.len() > 1 {
        let mut merged = Vec::with_capacity(runs.len() / 2 + 1);
        for pair in runs.chunks(2) {
            if let [(a, mid), (_, end)] = *pair {
                merge(cx, keys, &mut v[a..end], mid - a)?;
                merged.push((a, end));
            } else {
                merged.push(pair[0]);
            }
        }
        runs = merged;
    }
    Ok(())
}

fn merge(cx: &mut Cx, keys: &[Obj], v: &mut [u32], mid: usize) -> PyResult<()> {
    let left = v[..mid].to_vec();
    let (mut i, mut j, mut k) = (0, mid, 0);
    // The right part is read before it is written over: `k` never overtakes `j`.
    while i < left.len() && j < v.len() {
        if less(cx, keys, v[j], left[i])? {
            v[k] = v[j];
            j += 1;
        } else {
            v[k] = left[i];
            i += 1;
        }
        k += 1;
    }
    v[k..k + left.len() - i].copy_from_slice(&left[i..]);
    Ok(())
}

fn less(cx: &mut Cx, keys: &[Obj], a: u32, b: u32) -> PyResult<bool> {
    let less = protocol::less(cx, &keys[a as usize], &keys[b as usize])?;
    cx.poll_native()?;
    Ok(less)
}
