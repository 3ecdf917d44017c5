//! `slice`, and the arithmetic of slicing.

use super::type_::{Cmp, flags};
use super::{Slots, Spec, int};
use crate::cx::{Cx, PyResult};
use crate::layout;
use crate::memory;
use crate::object::{Guarded, Obj, Ref, shape};
use crate::protocol;
use retic_heap::Kind;
use retic_numbers::Big;

layout! {
    /// A slice.
    pub struct Slice = 22, "slice" { start: Guarded<Obj>, stop: Guarded<Obj>, step: Guarded<Obj>, }
}

/// The positions a slice picks from a sequence of known length.
#[derive(Clone, Copy)]
pub struct Positions {
    pub start: i64,
    pub step: i64,
    pub len: usize,
}
impl Positions {
    pub fn indices(self) -> impl Iterator<Item = usize> {
        (0..self.len).map(move |i| (self.start + i as i64 * self.step) as usize)
    }
    /// As a range, where they lie one beside the other.
    pub fn row(self) -> Option<std::ops::Range<usize>> {
        (self.step == 1).then(|| self.start as usize..self.start as usize + self.len)
    }
    pub fn is_whole(self, n: usize) -> bool {
        self.start == 0 && self.step == 1 && self.len == n
    }
}

/// Start, stop and step of a slice.
pub fn three(cx: &Cx, o: &Obj) -> Option<[Obj; 3]> {
    let s = o.cast::<Slice>()?;
    Some([s.start.cloned(cx), s.stop.cloned(cx), s.step.cloned(cx)])
}
#[inline]
pub fn make(cx: &Cx, start: Obj, stop: Obj, step: Obj) -> PyResult {
    Ok(memory::new_kept(cx, &cx.types.slice, Kind::SLICE, |head| Slice { head, start: Guarded::new(start), stop: Guarded::new(stop), step: Guarded::new(step) })?.into_obj())
}

fn bound(cx: &mut Cx, o: &Obj) -> PyResult<Option<i64>> {
    if o.is_none() {
        return Ok(None);
    }
    if o.ty().slots(cx).index.is_none() {
        return Err(cx.type_error("slice indices must be integers or None or have an __index__ method"));
    }
    clamped(cx, o).map(Some)
}
/// An index that stops at the ends of a machine word.
pub fn clamped(cx: &mut Cx, o: &Obj) -> PyResult<i64> {
    let i = protocol::index(cx, o)?;
    Ok(int::to_i64(&i).unwrap_or_else(|| if int::to_big(&i).is_some_and(|b| b.is_negative()) { i64::MIN } else { i64::MAX }))
}

/// None or a machine integer: what needs no asking.
#[inline]
fn plain_bound(o: &Obj) -> Option<Option<i64>> {
    match o.shape() {
        shape::NONE => Some(None),
        shape::INT => int::to_i64(o).map(Some),
        _ => None,
    }
}

/// `slice.indices` and friends.
pub fn resolve(cx: &mut Cx, s: &Ref<Slice>, n: usize) -> PyResult<Positions> {
    resolve_late(cx, s, |_| n)
}

/// The same where the ends need no asking and the step is not zero.
pub(super) fn resolve_plain(cx: &Cx, s: &Ref<Slice>, n: usize) -> Option<Positions> {
    let (a, b, c) = (plain_bound(s.start.get(cx))?, plain_bound(s.stop.get(cx))?, plain_bound(s.step.get(cx))?);
    if c == Some(0) { None } else { positions(cx, a, b, c, n).ok() }
}

/// The same for what may change while the slice says what its ends are: its length is asked for afterwards.
pub fn resolve_late(cx: &mut Cx, s: &Ref<Slice>, n: impl FnOnce(&Cx) -> usize) -> PyResult<Positions> {
    if let (Some(a), Some(b), Some(c)) = (plain_bound(s.start.get(cx)), plain_bound(s.stop.get(cx)), plain_bound(s.step.get(cx))) {
        return positions(cx, a, b, c, n(cx));
    }
    let (a, b, c) = (s.start.cloned(cx), s.stop.cloned(cx), s.step.cloned(cx));
    let step = bound(cx, &c)?;
    if step == Some(0) {
        return positions(cx, None, None, step, 0);
    }
    let (start, stop) = (bound(cx, &a)?, bound(cx, &b)?);
    positions(cx, start, stop, step, n(cx))
}

/// The ends and the step that a slice has in a sequence of `n` items, where they are None or machine integers and the step is
/// not zero.
pub(super) fn plain_indices(cx: &Cx, s: &Ref<Slice>, n: i64) -> Option<[i64; 3]> {
    let (a, b, c) = (plain_bound(s.start.get(cx))?, plain_bound(s.stop.get(cx))?, plain_bound(s.step.get(cx))?);
    let step = c.unwrap_or(1);
    if step == 0 {
        return None;
    }
    let (low, high) = if step > 0 { (0, n) } else { (-1, n - 1) };
    let fix = |v: i64| if v < 0 { v.saturating_add(n).max(low) } else { v.min(high) };
    Some([a.map_or(if step > 0 { low } else { high }, fix), b.map_or(if step > 0 { high } else { low }, fix), step])
}

fn positions(cx: &Cx, start: Option<i64>, stop: Option<i64>, step: Option<i64>, n: usize) -> PyResult<Positions> {
    let step = step.unwrap_or(1).max(-i64::MAX);
    if step == 0 {
        return Err(cx.value_error("slice step cannot be zero"));
    }
    let n = n as i64;
    let (low, high) = if step > 0 { (0, n) } else { (-1, n - 1) };
    let fix = |v: i64| if v < 0 { v.saturating_add(n).max(low) } else { v.min(high) };
    let start = start.map_or(if step > 0 { low } else { high }, fix);
    let stop = stop.map_or(if step > 0 { high } else { low }, fix);
    let len = if step > 0 && start < stop {
        (stop - start - 1) / step + 1
    } else if step < 0 && stop < start {
        (start - stop - 1) / -step + 1
    } else {
        0
    };
    Ok(Positions { start, step, len: len as usize })
}

/// Whether `part` may know how to take a part of it.
pub(crate) fn is_plain_sequence(o: &Obj) -> bool {
    matches!(o.shape(), shape::LIST | shape::TUPLE | shape::STR)
}

/// The part of a list, tuple or str of exactly these types between ends that need no asking; `None` for everything else.
pub(crate) fn part(cx: &mut Cx, of: &Obj, s: &Ref<Slice>) -> Option<PyResult> {
    let (a, b, c) = (plain_bound(s.start.get(cx))?, plain_bound(s.stop.get(cx))?, plain_bound(s.step.get(cx))?);
    // SAFETY: O3, the shapes are compared.
    unsafe {
        Some(match of.shape() {
            shape::LIST => {
                let list = of.cast_unchecked::<super::List>();
                positions(cx, a, b, c, list.items(cx).len()).and_then(|at| super::list::picked(cx, list, at))
            }
            shape::TUPLE => {
                let items = of.cast_unchecked::<super::Tuple>().items();
                positions(cx, a, b, c, items.len()).and_then(|at| super::tuple::picked(cx, of, items, at))
            }
            shape::STR => {
                let text = of.cast_unchecked::<super::Str>();
                positions(cx, a, b, c, text.len()).and_then(|at| super::str::picked(cx, text, at))
            }
            _ => return None,
        })
    }
}

fn parts(cx: &Cx, o: &Obj) -> PyResult {
    match o.cast::<Slice>() {
        Some(s) => cx.tuple_of([s.start.cloned(cx), s.stop.cloned(cx), s.step.cloned(cx)]),
        None => Ok(cx.none()),
    }
}

/// Start, stop and stride in a sequence of any length (CPython's `_PySlice_GetLongIndices`).
pub(super) fn indices_of(cx: &mut Cx, s: &Ref<Slice>, length: &Big) -> PyResult<[Big; 3]> {
    let big = |cx: &mut Cx, o: &Obj| -> PyResult<Option<Big>> {
        if o.is_none() {
            return Ok(None);
        }
        if o.ty().slots(cx).index.is_none() {
            return Err(cx.type_error("slice indices must be integers or None or have an __index__ method"));
        }
        let i = protocol::index(cx, o)?;
        Ok(int::to_big(&i))
    };
    let (start, stop, step) = (s.start.cloned(cx), s.stop.cloned(cx), s.step.cloned(cx));
    let step = big(cx, &step)?.unwrap_or_else(|| Big::from_i128(1));
    if step.is_zero() {
        return Err(cx.value_error("slice step cannot be zero"));
    }
    let less = Big::from_i128(-1);
    let (lower, upper) = if step.is_negative() { (less.clone(), length.add(&less)) } else { (Big::from_i128(0), length.clone()) };
    let within = |v: Option<Big>, missing: &Big| match v {
        None => missing.clone(),
        Some(v) => {
            let v = if v.is_negative() { v.add(length) } else { v };
            if v.sub(&lower).is_negative() {
                lower.clone()
            } else if upper.sub(&v).is_negative() {
                upper.clone()
            } else {
                v
            }
        }
    };
    let (first, last) = if step.is_negative() { (&upper, &lower) } else { (&lower, &upper) };
    let start = within(big(cx, &start)?, first);
    let stop = within(big(cx, &stop)?, last);
    Ok([start, stop, step])
}

#[retic_macros::methods]
impl Slice {
    /// Return state information for pickling.
    #[py("__reduce__($self, /)")]
    fn reduce(cx: &mut Cx, this: &Ref<Slice>) -> PyResult {
        let args = cx.tuple_of([this.start.cloned(cx), this.stop.cloned(cx), this.step.cloned(cx)])?;
        cx.tuple_of([this.as_obj().type_ref().into_obj(), args])
    }
    /// Assuming a sequence of length len, calculate start, stop and stride of the slice.
    #[py("indices($self, object, /)")]
    fn indices(cx: &mut Cx, this: &Ref<Slice>, object: &Obj) -> PyResult {
        let number = protocol::index(cx, object)?;
        let length = int::to_big(&number).unwrap_or_else(|| Big::from_i128(0));
        if length.is_negative() {
            return Err(cx.value_error("length should not be negative"));
        }
        let [start, stop, step] = indices_of(cx, this, &length)?;
        let t = vec![int::from_big(cx, &start)?, int::from_big(cx, &stop)?, int::from_big(cx, &step)?];
        cx.tuple(t)
    }
    #[member("start")]
    fn start_get(cx: &mut Cx, this: &Ref<Slice>) -> Obj {
        this.start.cloned(cx)
    }
    #[member("stop")]
    fn stop_get(cx: &mut Cx, this: &Ref<Slice>) -> Obj {
        this.stop.cloned(cx)
    }
    #[member("step")]
    fn step_get(cx: &mut Cx, this: &Ref<Slice>) -> Obj {
        this.step.cloned(cx)
    }
}

pub fn spec() -> Spec {
    Spec {
        doc: "slice(stop)\nslice(start, stop[, step])\n\nCreate a slice object.  This is used for extended slicing (e.g. a[0:10:2]).",
        flags: flags::GC | flags::KEPT,
        shape: shape::SLICE,
        slots: Slots {
            repr: Some(|cx, o| {
                let t = parts(cx, o)?;
                let r = protocol::repr_text(cx, &t)?;
                cx.str(&format!("slice{r}"))
            }),
            hash: Some(|cx, o| {
                let t = parts(cx, o)?;
                protocol::hash(cx, &t)
            }),
            richcompare: Some(|cx, a, b, op: Cmp| {
                if a.cast::<Slice>().is_none() || b.cast::<Slice>().is_none() {
                    return Ok(cx.not_implemented());
                }
                let (x, y) = (parts(cx, a)?, parts(cx, b)?);
                protocol::richcompare(cx, &x, &y, op)
            }),
            new: Some(|cx, _, args| {
                let a = args.unpack(cx, "slice", 1, 3)?;
                let none = cx.none();
                match a {
                    [stop] => make(cx, none.clone(), stop.clone(), none),
                    [start, stop] => make(cx, start.clone(), stop.clone(), none),
                    _ => make(cx, a[0].clone(), a[1].clone(), a[2].clone()),
                }
            }),
            ..Slots::EMPTY
        },
        methods: Slice::METHODS,
        getset: Slice::GETSET,
        ..Spec::new::<Slice>("slice")
    }
}
