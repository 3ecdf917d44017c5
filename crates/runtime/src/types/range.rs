//! `range` and its iterator. Bounds are machine integers; larger ones are refused for now.

use super::type_::{Cmp, flags};
use super::{Slots, Spec, int};
use crate::cx::{Cx, PyResult};
use crate::layout;
use crate::memory;
use crate::object::{Obj, Ref, shape};
use crate::protocol;
use std::cell::Cell;

layout! {
    /// A range.
    pub struct Range = 20, "range" { start: Cell<i64>, stop: Cell<i64>, step: Cell<i64>, _room: Cell<i64>, }
}
layout! {
    /// A walk along a range.
    pub struct RangeIter = 21, "range_iterator" { at: Cell<i64>, step: Cell<i64>, left: Cell<u64>, }
}

impl Range {
    fn len(&self) -> u64 {
        let (a, b, s) = (i128::from(self.start.get()), i128::from(self.stop.get()), i128::from(self.step.get()));
        let n = if s > 0 { (b - a + s - 1) / s } else { (a - b - s - 1) / -s };
        n.max(0) as u64
    }
    fn at(&self, i: i64) -> i64 {
        self.start.get() + i * self.step.get()
    }
}
impl RangeIter {
    /// The next value.
    #[inline(always)]
    pub fn advance(&self) -> Option<i64> {
        let left = self.left.get();
        if left == 0 {
            return None;
        }
        self.left.set(left - 1);
        let v = self.at.get();
        self.at.set(v.wrapping_add(self.step.get()));
        Some(v)
    }
    /// Takes `advance` back.
    pub fn retreat(&self) {
        self.left.set(self.left.get() + 1);
        self.at.set(self.at.get().wrapping_sub(self.step.get()));
    }
}

fn make(cx: &Cx, start: i64, stop: i64, step: i64) -> PyResult {
    Ok(memory::new(cx, &cx.types.range, |head| Range { head, start: Cell::new(start), stop: Cell::new(stop), step: Cell::new(step), _room: Cell::new(0) })?.into_obj())
}

fn range(o: &Obj) -> &Ref<Range> {
    // SAFETY: O3, slots of range are only reached through ranges.
    unsafe { o.cast_unchecked::<Range>() }
}

fn member(cx: &mut Cx, r: &Ref<Range>, v: &Obj) -> PyResult<Option<u64>> {
    let Some(x) = int::to_i64(v) else {
        for i in 0..r.len() {
            let item = cx.int(r.at(i as i64))?;
            if protocol::equal(cx, &item, v)? {
                return Ok(Some(i));
            }
            cx.poll_native()?;
        }
        return Ok(None);
    };
    let off = i128::from(x) - i128::from(r.start.get());
    let step = i128::from(r.step.get());
    Ok((off % step == 0 && off / step >= 0 && off / step < i128::from(r.len())).then_some((off / step) as u64))
}

#[retic_macros::methods]
impl Range {
    /// rangeobject.count(value) -> integer -- return number of occurrences of value
    #[py("count($self, object, /)")]
    fn count(cx: &mut Cx, this: &Ref<Range>, object: &Obj) -> PyResult<i64> {
        Ok(i64::from(member(cx, this, object)?.is_some()))
    }
    /// rangeobject.index(value) -> integer -- return index of value.
    #[py("index($self, object, /)")]
    fn index(cx: &mut Cx, this: &Ref<Range>, object: &Obj) -> PyResult<i64> {
        match member(cx, this, object)? {
            Some(i) => Ok(i as i64),
            None => {
                let shown = protocol::repr_text(cx, object)?;
                Err(cx.value_error(format!("{shown} is not in range")))
            }
        }
    }
    /// Return a reverse iterator.
    #[py("__reversed__($self, /)")]
    fn reversed(cx: &mut Cx, this: &Ref<Range>) -> PyResult {
        let n = this.len();
        iterator(cx, if n == 0 { this.start.get() } else { this.at(n as i64 - 1) }, -this.step.get(), n)
    }
    #[get("start")]
    fn start_get(_cx: &mut Cx, this: &Ref<Range>) -> i64 {
        this.start.get()
    }
    #[get("stop")]
    fn stop_get(_cx: &mut Cx, this: &Ref<Range>) -> i64 {
        this.stop.get()
    }
    #[get("step")]
    fn step_get(_cx: &mut Cx, this: &Ref<Range>) -> i64 {
        this.step.get()
    }
}

fn iterator(cx: &Cx, at: i64, step: i64, left: u64) -> PyResult {
    Ok(memory::new(cx, &cx.types.range_iterator, |head| RangeIter { head, at: Cell::new(at), step: Cell::new(step), left: Cell::new(left) })?.into_obj())
}

pub fn spec() -> Spec {
    Spec {
        doc: "range(stop) -> range object\nrange(start, stop[, step]) -> range object",
        flags: flags::SEQUENCE,
        slots: Slots {
            repr: Some(|cx, o| {
                let r = range(o);
                let (a, b, s) = (r.start.get(), r.stop.get(), r.step.get());
                let t = if s == 1 { format!("range({a}, {b})") } else { format!("range({a}, {b}, {s})") };
                cx.str(&t)
            }),
            len: Some(|_, o| Ok(range(o).len() as usize)),
            bool: Some(|_, o| Ok(range(o).len() > 0)),
            getitem: Some(|cx, o, k| {
                let r = range(o);
                let n = r.len() as usize;
                if let Some(s) = k.cast::<super::Slice>() {
                    let p = super::slice::resolve(cx, s, n)?;
                    return make(cx, r.at(p.start), r.at(p.start + p.len as i64 * p.step), r.step.get() * p.step);
                }
                let i = protocol::sequence_index(cx, k, "range")?;
                match protocol::wrap_index(i, n) {
                    Some(i) => cx.int(r.at(i as i64)),
                    None => Err(cx.index_error("range object index out of range")),
                }
            }),
            contains: Some(|cx, o, v| Ok(member(cx, range(o), v)?.is_some())),
            hash: Some(|cx, o| {
                let r = range(o);
                let t = vec![cx.int(r.len() as i64)?, cx.int(r.start.get())?, cx.int(r.step.get())?];
                let t = cx.tuple(t)?;
                protocol::hash(cx, &t)
            }),
            richcompare: Some(|cx, a, b, op| {
                let (Some(x), Some(y)) = (a.cast::<Range>(), b.cast::<Range>()) else { return Ok(cx.not_implemented()) };
                if !matches!(op, Cmp::Eq | Cmp::Ne) {
                    return Ok(cx.not_implemented());
                }
                let n = x.len();
                let same = n == y.len() && (n == 0 || x.start.get() == y.start.get() && (n == 1 || x.step.get() == y.step.get()));
                Ok(cx.bool(same == (op == Cmp::Eq)))
            }),
            iter: Some(|cx, o| iterator(cx, range(o).start.get(), range(o).step.get(), range(o).len())),
            new: Some(|cx, _, args| {
                let a = args.unpack(cx, "range", 1, 3)?;
                let mut v = Vec::new();
                for x in a {
                    v.push(protocol::index_i64(cx, x)?);
                }
                match v[..] {
                    [stop] => make(cx, 0, stop, 1),
                    [_, _, 0] => Err(cx.value_error("range() arg 3 must not be zero")),
                    [start, stop, step] => make(cx, start, stop, step),
                    [start, stop] => make(cx, start, stop, 1),
                    _ => Ok(cx.none()),
                }
            }),
            ..Slots::EMPTY
        },
        methods: Range::METHODS,
        getset: Range::GETSET,
        ..Spec::new::<Range>("range")
    }
}

pub fn iterator_spec() -> Spec {
    Spec {
        shape: shape::RANGE_ITER,
        flags: flags::NO_NEW,
        slots: Slots {
            iter: Some(|_, o| Ok(o.clone())),
            next: Some(|cx, o| match o.cast::<RangeIter>().and_then(|r| r.advance()) {
                Some(v) => cx.int(v).map(Some),
                None => Ok(None),
            }),
            ..Slots::EMPTY
        },
        ..Spec::new::<RangeIter>("range_iterator")
    }
}
