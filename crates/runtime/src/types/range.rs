//! `range` and its iterators.

use super::type_::{Cmp, flags};
use super::{Slots, Spec, int};
use crate::cx::{Cx, PyResult};
use crate::layout;
use crate::memory;
use crate::object::{Guarded, Obj, Ref, shape};
use crate::protocol;
use retic_numbers::Big;
use std::cell::Cell;

layout! {
    /// A range. `small`: all bounds and the length are machine integers.
    pub struct Range = 20, "range" { start: Guarded<Obj>, stop: Guarded<Obj>, step: Guarded<Obj>, len: Guarded<Obj>, }
}
layout! {
    /// A walk along a range beyond machine integers.
    pub struct LongIter = 54, "longrange_iterator" { at: Guarded<Obj>, step: Guarded<Obj>, left: Guarded<Obj>, }
}
layout! {
    /// A walk along a range.
    pub struct RangeIter = 21, "range_iterator" { at: Cell<i64>, step: Cell<i64>, left: Cell<u64>, }
}

impl Range {
    /// Start, stop, step and length where all are machine integers.
    fn small(&self, cx: &Cx) -> Option<(i64, i64, i64, i64)> {
        Some((int::to_i64(self.start.get(cx))?, int::to_i64(self.stop.get(cx))?, int::to_i64(self.step.get(cx))?, int::to_i64(self.len.get(cx))?))
    }
    fn big(&self, cx: &Cx) -> (Big, Big, Big, Big) {
        let b = |o: &Guarded<Obj>| int::to_big(o.get(cx)).unwrap_or_else(|| Big::from_i128(0));
        (b(&self.start), b(&self.stop), b(&self.step), b(&self.len))
    }
    /// The item at an index inside.
    fn item(&self, cx: &Cx, i: &Big) -> PyResult {
        let (start, _, step, _) = self.big(cx);
        int::from_big(cx, &start.add(&i.mul(&step)))
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
    /// What `advance` would give.
    #[inline(always)]
    pub fn peek(&self) -> Option<i64> {
        (self.left.get() != 0).then(|| self.at.get())
    }
    /// `advance` after `peek` gave something.
    #[inline(always)]
    pub fn step(&self) {
        self.left.set(self.left.get().wrapping_sub(1));
        self.at.set(self.at.get().wrapping_add(self.step.get()));
    }
}

fn length(start: &Big, stop: &Big, step: &Big) -> Big {
    let zero = Big::from_i128(0);
    let one = Big::from_i128(1);
    let (low, high, stride) = if step.is_negative() { (stop, start, step.neg()) } else { (start, stop, step.clone()) };
    let distance = high.sub(low);
    if distance.is_negative() || distance.is_zero() {
        return zero;
    }
    distance.sub(&one).divmod(&stride).map_or(zero, |(q, _)| q.add(&one))
}

fn make(cx: &Cx, start: Obj, stop: Obj, step: Obj) -> PyResult {
    let small = match (int::small_value(&start), int::small_value(&stop), int::small_value(&step)) {
        // The usual ones: the difference of two ints of two digits fits.
        (Some(a), Some(b), Some(1)) => Some((b - a).max(0)),
        (Some(a), Some(b), Some(s)) => Some(if s > 0 { (b - a + s - 1) / s } else { (a - b - s - 1) / -s }.max(0)),
        _ => None,
    };
    let small = small.or_else(|| match (int::to_i64(&start), int::to_i64(&stop), int::to_i64(&step)) {
        (Some(a), Some(b), Some(s)) => {
            let (a, b, s) = (i128::from(a), i128::from(b), i128::from(s));
            i64::try_from((if s > 0 { (b - a + s - 1) / s } else { (a - b - s - 1) / -s }).max(0)).ok()
        }
        _ => None,
    });
    let len = match small {
        Some(n) => cx.int(n)?,
        None => {
            let b = |o: &Obj| int::to_big(o).unwrap_or_else(|| Big::from_i128(0));
            int::from_big(cx, &length(&b(&start), &b(&stop), &b(&step)))?
        }
    };
    Ok(memory::new(cx, &cx.types.range, |head| Range { head, start: Guarded::new(start), stop: Guarded::new(stop), step: Guarded::new(step), len: Guarded::new(len) })?.into_obj())
}

fn range(o: &Obj) -> &Ref<Range> {
    // SAFETY: O3, slots of range are only reached through ranges.
    unsafe { o.cast_unchecked::<Range>() }
}

/// The index of a value.
fn member(cx: &mut Cx, r: &Ref<Range>, v: &Obj) -> PyResult<Option<Big>> {
    if v.cast::<super::Int>().is_none() {
        let it = protocol::iter(cx, r.as_obj())?;
        let mut i = 0;
        while let Some(item) = protocol::next(cx, &it)? {
            if protocol::equal(cx, &item, v)? {
                return Ok(Some(Big::from_i128(i)));
            }
            i += 1;
            cx.poll_native()?;
        }
        return Ok(None);
    }
    if let (Some((start, _, step, len)), Some(x)) = (r.small(cx), int::to_i64(v)) {
        let (off, step) = (i128::from(x) - i128::from(start), i128::from(step));
        return Ok((off % step == 0 && off / step >= 0 && off / step < i128::from(len)).then(|| Big::from_i128(off / step)));
    }
    let (start, _, step, len) = r.big(cx);
    let x = int::to_big(v).unwrap_or_else(|| Big::from_i128(0));
    let Some((q, m)) = x.sub(&start).divmod(&step) else { return Ok(None) };
    Ok((m.is_zero() && !q.is_negative() && q.sub(&len).is_negative()).then_some(q))
}

#[retic_macros::methods]
impl Range {
    /// rangeobject.count(value) -> integer -- return number of occurrences of value
    #[py("count($self, object, /)")]
    fn count(cx: &mut Cx, this: &Ref<Range>, object: &Obj) -> PyResult<i64> {
        if object.cast::<super::Int>().is_some() {
            return Ok(i64::from(member(cx, this, object)?.is_some()));
        }
        let it = protocol::iter(cx, this.as_obj())?;
        let mut n = 0;
        while let Some(item) = protocol::next(cx, &it)? {
            n += i64::from(protocol::equal(cx, &item, object)?);
            cx.poll_native()?;
        }
        Ok(n)
    }
    /// rangeobject.index(value) -> integer -- return index of value.
    #[py("index($self, object, /)")]
    fn index(cx: &mut Cx, this: &Ref<Range>, object: &Obj) -> PyResult {
        match member(cx, this, object)? {
            Some(i) => int::from_big(cx, &i),
            None if object.cast::<super::Int>().is_some() => {
                let shown = protocol::repr_text(cx, object)?;
                Err(cx.value_error(format!("{shown} is not in range")))
            }
            None => Err(cx.value_error("sequence.index(x): x not in sequence")),
        }
    }
    /// Return a reverse iterator.
    #[py("__reversed__($self, /)")]
    fn reversed(cx: &mut Cx, this: &Ref<Range>) -> PyResult {
        if let Some((start, _, step, n)) = this.small(cx)
            && let (Some(back), Some(last)) = (step.checked_neg(), (n - 1).max(0).checked_mul(step).and_then(|d| start.checked_add(d)))
        {
            return iterator(cx, last, back, n as u64);
        }
        let (start, _, step, len) = this.big(cx);
        let last = start.add(&len.sub(&Big::from_i128(1)).mul(&step));
        let (at, step, left) = (int::from_big(cx, &last)?, int::from_big(cx, &step.neg())?, this.len.cloned(cx));
        long_iterator(cx, at, step, left)
    }
    #[py("__reduce__($self, /)")]
    fn reduce(cx: &mut Cx, this: &Ref<Range>) -> PyResult {
        let args = cx.tuple_of([this.start.cloned(cx), this.stop.cloned(cx), this.step.cloned(cx)])?;
        cx.tuple_of([cx.types.range.as_obj().clone(), args])
    }
    #[member("start")]
    fn start_get(cx: &mut Cx, this: &Ref<Range>) -> Obj {
        this.start.cloned(cx)
    }
    #[member("stop")]
    fn stop_get(cx: &mut Cx, this: &Ref<Range>) -> Obj {
        this.stop.cloned(cx)
    }
    #[member("step")]
    fn step_get(cx: &mut Cx, this: &Ref<Range>) -> Obj {
        this.step.cloned(cx)
    }
}

fn iterator(cx: &Cx, at: i64, step: i64, left: u64) -> PyResult {
    Ok(memory::new(cx, &cx.types.range_iterator, |head| RangeIter { head, at: Cell::new(at), step: Cell::new(step), left: Cell::new(left) })?.into_obj())
}
fn long_iterator(cx: &Cx, at: Obj, step: Obj, left: Obj) -> PyResult {
    Ok(memory::new(cx, &cx.types.longrange_iterator, |head| LongIter { head, at: Guarded::new(at), step: Guarded::new(step), left: Guarded::new(left) })?.into_obj())
}

/// The values at two indices, if they fit.
fn at_both(start: i64, step: i64, indices: [i64; 2]) -> Option<[i64; 2]> {
    let [a, b] = indices.map(|i| i.checked_mul(step).and_then(|d| start.checked_add(d)));
    Some([a?, b?])
}

fn getitem(cx: &mut Cx, o: &Obj, k: &Obj) -> PyResult {
    let r = range(o).clone();
    if let Some(s) = k.cast::<super::Slice>() {
        if let Some((start, _, step, len)) = r.small(cx)
            && let Some([first, last, stride]) = super::slice::plain_indices(cx, s, len)
            && let Some([a, b]) = at_both(start, step, [first, last])
            && let Some(c) = step.checked_mul(stride)
        {
            let (a, b, c) = (cx.int(a)?, cx.int(b)?, cx.int(c)?);
            return make(cx, a, b, c);
        }
        let (start, _, step, len) = r.big(cx);
        let [first, last, stride] = super::slice::indices_of(cx, s, &len)?;
        let (a, b) = (int::from_big(cx, &start.add(&first.mul(&step)))?, int::from_big(cx, &start.add(&last.mul(&step)))?);
        let c = int::from_big(cx, &step.mul(&stride))?;
        return make(cx, a, b, c);
    }
    if let Some((start, _, step, n)) = r.small(cx)
        && k.shape() == shape::INT
    {
        let i = int::to_i64(k).unwrap_or(0);
        return match protocol::wrap_index(i, n as usize) {
            Some(i) => cx.int(start + i as i64 * step),
            None => Err(cx.index_error("range object index out of range")),
        };
    }
    if k.ty().slots(cx).index.is_none() {
        return Err(cx.type_error(format!("range indices must be integers or slices, not {}", k.ty().name_text())));
    }
    let i = protocol::index(cx, k)?;
    let (_, _, _, len) = r.big(cx);
    let mut i = int::to_big(&i).unwrap_or_else(|| Big::from_i128(0));
    if i.is_negative() {
        i = i.add(&len);
    }
    if i.is_negative() || !i.sub(&len).is_negative() {
        return Err(cx.index_error("range object index out of range"));
    }
    r.item(cx, &i)
}

pub fn spec() -> Spec {
    Spec {
        doc: "range(stop) -> range object\nrange(start, stop[, step]) -> range object",
        flags: flags::SEQUENCE,
        slots: Slots {
            repr: Some(|cx, o| {
                let r = range(o).clone();
                let (a, b, s) = (r.start.cloned(cx), r.stop.cloned(cx), r.step.cloned(cx));
                let one = int::to_i64(&s) == Some(1);
                let (a, b, s) = (protocol::repr_text(cx, &a)?, protocol::repr_text(cx, &b)?, protocol::repr_text(cx, &s)?);
                let t = if one { format!("range({a}, {b})") } else { format!("range({a}, {b}, {s})") };
                cx.str(&t)
            }),
            len: Some(|cx, o| int::to_i64(range(o).len.get(cx)).map(|n| n as usize).ok_or_else(|| cx.overflow_error("Python int too large to convert to C ssize_t"))),
            bool: Some(|cx, o| Ok(int::to_i64(range(o).len.get(cx)) != Some(0))),
            getitem: Some(getitem),
            contains: Some(|cx, o, v| Ok(member(cx, range(o), v)?.is_some())),
            hash: Some(|cx, o| {
                let r = range(o).clone();
                let n = r.len.cloned(cx);
                let none = cx.none();
                let t = match int::to_i64(&n) {
                    Some(0) => vec![n, none.clone(), none],
                    Some(1) => vec![n, r.start.cloned(cx), none],
                    _ => vec![n, r.start.cloned(cx), r.step.cloned(cx)],
                };
                let t = cx.tuple(t)?;
                protocol::hash(cx, &t)
            }),
            richcompare: Some(|cx, a, b, op| {
                let (Some(x), Some(y)) = (a.cast::<Range>().cloned(), b.cast::<Range>().cloned()) else { return Ok(cx.not_implemented()) };
                if !matches!(op, Cmp::Eq | Cmp::Ne) {
                    return Ok(cx.not_implemented());
                }
                let eq = |cx: &mut Cx, p: &Guarded<Obj>, q: &Guarded<Obj>| {
                    let (p, q) = (p.cloned(cx), q.cloned(cx));
                    protocol::equal(cx, &p, &q)
                };
                let n = int::to_i64(x.len.get(cx));
                let same = eq(cx, &x.len, &y.len)? && (n == Some(0) || eq(cx, &x.start, &y.start)? && (n == Some(1) || eq(cx, &x.step, &y.step)?));
                Ok(cx.bool(same == (op == Cmp::Eq)))
            }),
            iter: Some(|cx, o| {
                let r = range(o);
                match r.small(cx) {
                    Some((start, _, step, n)) if (n as i128 * i128::from(step) + i128::from(start)).unsigned_abs() < 1 << 63 => iterator(cx, start, step, n as u64),
                    _ => long_iterator(cx, r.start.cloned(cx), r.step.cloned(cx), r.len.cloned(cx)),
                }
            }),
            new: Some(|cx, _, args| {
                let a = args.unpack(cx, "range", 1, 3)?;
                if a.iter().all(|x| x.shape() == shape::INT) && a.get(2).and_then(int::small_value) != Some(0) {
                    let (zero, one) = (cx.int(0)?, cx.int(1)?);
                    return match a {
                        [stop] => make(cx, zero, stop.clone(), one),
                        [start, stop] => make(cx, start.clone(), stop.clone(), one),
                        _ => make(cx, a[0].clone(), a[1].clone(), a[2].clone()),
                    };
                }
                let mut v = Vec::new();
                for x in a {
                    if x.ty().slots(cx).index.is_none() {
                        return Err(cx.type_error(format!("'{}' object cannot be interpreted as an integer", x.ty().name_text())));
                    }
                    v.push(protocol::index(cx, x)?);
                }
                let one = cx.int(1)?;
                match &v[..] {
                    [stop] => {
                        let zero = cx.int(0)?;
                        make(cx, zero, stop.clone(), one)
                    }
                    [_, _, step] if int::to_i64(step) == Some(0) => Err(cx.value_error("range() arg 3 must not be zero")),
                    [start, stop, step] => make(cx, start.clone(), stop.clone(), step.clone()),
                    [start, stop] => make(cx, start.clone(), stop.clone(), one),
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

pub fn long_iterator_spec() -> Spec {
    Spec {
        flags: flags::NO_NEW,
        slots: Slots {
            iter: Some(|_, o| Ok(o.clone())),
            next: Some(|cx, o| {
                let Some(it) = o.cast::<LongIter>().cloned() else { return Ok(None) };
                let left = int::to_big(it.left.get(cx)).unwrap_or_else(|| Big::from_i128(0));
                if left.is_zero() {
                    return Ok(None);
                }
                let at = it.at.cloned(cx);
                let (here, step) = (int::to_big(&at), int::to_big(it.step.get(cx)));
                if let (Some(h), Some(s)) = (here, step) {
                    let next = int::from_big(cx, &h.add(&s))?;
                    it.at.set(cx, next);
                }
                let less = int::from_big(cx, &left.sub(&Big::from_i128(1)))?;
                it.left.set(cx, less);
                Ok(Some(at))
            }),
            ..Slots::EMPTY
        },
        methods: LongIter::METHODS,
        ..Spec::new::<LongIter>("longrange_iterator")
    }
}

#[retic_macros::methods]
impl RangeIter {
    /// Private method returning an estimate of len(list(it)).
    #[py("__length_hint__($self, /)")]
    fn length_hint(_cx: &mut Cx, this: &Ref<RangeIter>) -> usize {
        this.left.get() as usize
    }
    /// Return state information for pickling.
    #[py("__reduce__($self, /)")]
    fn reduce(cx: &mut Cx, this: &Ref<RangeIter>) -> PyResult {
        let (at, step, left) = (this.at.get(), this.step.get(), this.left.get());
        let stop = int::from_big(cx, &Big::from_i128(i128::from(at) + i128::from(step) * i128::from(left)))?;
        let (start, step) = (cx.int(at)?, cx.int(step)?);
        let range = make(cx, start, stop, step)?;
        super::iterators::rebuilt(cx, "iter", vec![range], Some(0))
    }
    /// Set state information for unpickling.
    #[py("__setstate__($self, state, /)")]
    fn setstate(_cx: &mut Cx, this: &Ref<RangeIter>, state: i64) {
        let n = state.clamp(0, this.left.get().min(i64::MAX as u64) as i64);
        this.at.set(this.at.get().wrapping_add(this.step.get().wrapping_mul(n)));
        this.left.set(this.left.get() - n as u64);
    }
}

#[retic_macros::methods]
impl LongIter {
    /// Private method returning an estimate of len(list(it)).
    #[py("__length_hint__($self, /)")]
    fn length_hint(cx: &mut Cx, this: &Ref<LongIter>) -> Obj {
        this.left.cloned(cx)
    }
    /// Return state information for pickling.
    #[py("__reduce__($self, /)")]
    fn reduce(cx: &mut Cx, this: &Ref<LongIter>) -> PyResult {
        let (at, step, left) = (this.at.cloned(cx), this.step.cloned(cx), this.left.cloned(cx));
        let span = protocol::binary(cx, &step, &left, super::type_::Op::Mul)?;
        let stop = protocol::binary(cx, &at, &span, super::type_::Op::Add)?;
        let range = make(cx, at, stop, step)?;
        super::iterators::rebuilt(cx, "iter", vec![range], Some(0))
    }
    /// Set state information for unpickling.
    #[py("__setstate__($self, state, /)")]
    fn setstate(cx: &mut Cx, this: &Ref<LongIter>, state: &Obj) -> PyResult<()> {
        let n = int::to_big(&protocol::index(cx, state)?).unwrap_or_else(|| Big::from_i128(0));
        let left = int::to_big(this.left.get(cx)).unwrap_or_else(|| Big::from_i128(0));
        let n = if n.is_negative() { Big::from_i128(0) } else { n };
        let n = if left.sub(&n).is_negative() { left.clone() } else { n };
        let (Some(at), Some(step)) = (int::to_big(this.at.get(cx)), int::to_big(this.step.get(cx))) else { return Ok(()) };
        let moved = int::from_big(cx, &at.add(&step.mul(&n)))?;
        let rest = int::from_big(cx, &left.sub(&n))?;
        this.at.set(cx, moved);
        this.left.set(cx, rest);
        Ok(())
    }
}

pub fn iterator_spec() -> Spec {
    Spec {
        shape: shape::RANGE_ITER,
        methods: RangeIter::METHODS,
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
