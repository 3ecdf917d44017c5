//! `tuple`: a counted run of handles inline after the header.

use super::type_::{Cmp, flags};
use super::{Slots, Spec, Type};
use crate::cx::{Cx, PyResult};
use crate::memory::{self, Ops};
use crate::native::{Args, SliceIndex};
use crate::object::{Header, Layout, Obj, Ref, Trace, Visit, shape};
use crate::protocol;
use retic_heap::Kind;
use std::ptr::NonNull;

/// A tuple; its items follow.
#[repr(C)]
pub struct Tuple {
    pub head: Header,
    len: usize,
}
// SAFETY: O3, `repr(C)` with the header first.
unsafe impl Layout for Tuple {
    const ID: u16 = 5;
    const NAME: &'static str = "tuple";
}
impl Trace for Tuple {
    fn trace(&self, visit: Visit<'_>) {
        self.items().iter().rev().for_each(visit);
    }
}

pub(crate) const HEAD_BYTES: usize = 24;

impl Tuple {
    /// The items. A tuple never changes, so no context is asked for.
    #[inline(always)]
    pub fn items(&self) -> &[Obj] {
        // SAFETY: `len` handles lie behind the struct.
        unsafe { std::slice::from_raw_parts((self as *const Tuple).cast::<u8>().add(HEAD_BYTES).cast::<Obj>(), self.len) }
    }

    /// A tuple of the given items, which move in.
    pub fn from_vec(cx: &Cx, items: Vec<Obj>) -> PyResult {
        Tuple::of_type(cx, &cx.types.tuple, items)
    }

    pub fn of_type(cx: &Cx, ty: &Type, items: Vec<Obj>) -> PyResult {
        if items.is_empty() && std::ptr::eq(ty, &*cx.types.tuple) {
            return Ok(cx.consts.empty_tuple.clone());
        }
        Tuple::make(cx, ty, items)
    }

    /// A tuple of `n` items, each of which is at hand without running Python.
    pub fn with(cx: &Cx, n: usize, mut item: impl FnMut(usize) -> Obj) -> PyResult {
        if n == 0 {
            return Ok(cx.consts.empty_tuple.clone());
        }
        let raw = Tuple::birth(cx, n)?;
        // SAFETY: the block has room for the items; nobody looks at it before they are there.
        unsafe {
            raw.cast::<usize>().add(2).write(n);
            let to = raw.cast::<Obj>().add(HEAD_BYTES / 8);
            for i in 0..n {
                to.add(i).write(item(i));
            }
            Ok(Obj::from_raw(raw))
        }
    }

    /// A tuple of `n` items that move out of where they lie; they stay when there is no memory.
    ///
    /// # Safety
    /// `from` points at that many owned handles, which nobody reads again.
    pub(crate) unsafe fn of_slots(cx: &Cx, from: *const Obj, n: usize) -> PyResult {
        if n == 0 {
            return Ok(cx.consts.empty_tuple.clone());
        }
        let raw = Tuple::birth(cx, n)?;
        // SAFETY: the block has room for the items, which move in.
        unsafe {
            raw.cast::<usize>().add(2).write(n);
            let to = raw.cast::<Obj>().add(HEAD_BYTES / 8).as_ptr();
            for i in 0..n {
                to.add(i).write(from.add(i).read());
            }
            Ok(Obj::from_raw(raw))
        }
    }

    /// A tuple of items that others keep, too.
    pub fn of_slice(cx: &Cx, items: &[Obj]) -> PyResult {
        if items.is_empty() {
            return Ok(cx.consts.empty_tuple.clone());
        }
        let n = items.len();
        let raw = Tuple::birth(cx, n)?;
        // SAFETY: the block has room for the items.
        unsafe {
            raw.cast::<usize>().add(2).write(n);
            let at = raw.cast::<Obj>().add(HEAD_BYTES / 8);
            for (i, item) in items.iter().enumerate() {
                at.add(i).write(item.clone());
            }
            Ok(Obj::from_raw(raw))
        }
    }

    /// A tuple that has room for `n` items, at least one, and none yet.
    #[inline(always)]
    fn birth(cx: &Cx, n: usize) -> PyResult<NonNull<Header>> {
        let (ty, size) = (&cx.types.tuple, HEAD_BYTES + n * 8);
        if n <= Kind::TUPLE_ITEMS_MAX { memory::birth_kept(cx, ty, Kind::tuple(n), size) } else { memory::birth_exact::<true>(cx, ty, shape::TUPLE, size) }
    }

    pub(crate) fn make(cx: &Cx, ty: &Type, items: Vec<Obj>) -> PyResult {
        let n = items.len();
        let shape = if ty.is_heap() { ty.root_shape.get() } else { shape::TUPLE };
        let exact = std::ptr::eq(ty, &*cx.types.tuple) && n > 0;
        let raw = if exact { Tuple::birth(cx, n)? } else { memory::birth(cx, ty, shape, HEAD_BYTES + n * 8)? };
        // SAFETY: the block has room for the items, which move in.
        unsafe {
            raw.cast::<usize>().add(2).write(n);
            let at = raw.cast::<Obj>().add(HEAD_BYTES / 8);
            for (i, item) in items.into_iter().enumerate() {
                at.add(i).write(item);
            }
            memory::cycles::track(cx, raw);
            Ok(Obj::from_raw(raw))
        }
    }
}

unsafe fn drop_items(raw: NonNull<Header>) {
    // SAFETY: dying; each item is dropped once, from last to first.
    unsafe {
        let n = raw.cast::<Tuple>().as_ref().len;
        let at = raw.cast::<Obj>().add(HEAD_BYTES / 8);
        for i in (0..n).rev() {
            at.add(i).drop_in_place();
        }
    }
}
unsafe fn trace_items(raw: NonNull<Header>, visit: &mut dyn FnMut(&Obj)) {
    // SAFETY: live tuple.
    unsafe { raw.cast::<Tuple>().as_ref() }.items().iter().rev().for_each(visit);
}
unsafe fn nothing(_: NonNull<Header>, _: &mut Vec<Obj>) {}
unsafe fn size(raw: NonNull<Header>) -> usize {
    // SAFETY: live tuple.
    HEAD_BYTES + unsafe { raw.cast::<Tuple>().as_ref() }.len * 8
}
static OPS: Ops = Ops { drop: drop_items, trace: trace_items, clear: nothing, size };

fn items(o: &Obj) -> &[Obj] {
    o.cast::<Tuple>().map_or(&[], |t| t.items())
}

fn repr(cx: &mut Cx, this: &Obj) -> PyResult {
    let t = items(this);
    if t.is_empty() {
        return cx.str("()");
    }
    let Some(guard) = protocol::enter_repr(cx, this) else { return cx.str("(...)") };
    let result = protocol::join_reprs(cx, t.to_vec(), "(", if t.len() == 1 { ",)" } else { ")" });
    protocol::leave_repr(cx, guard);
    result
}

fn hash(cx: &mut Cx, this: &Obj) -> PyResult<i64> {
    let mut all = retic_numbers::hash::Tuple::new();
    for o in items(this) {
        all.add(match o.shape() {
            shape::STR | shape::INT => protocol::hash(cx, o)?,
            _ => cx.deeper("", |cx| protocol::hash(cx, o))?,
        });
    }
    Ok(all.end())
}

fn compare(cx: &mut Cx, a: &Obj, b: &Obj, op: Cmp) -> PyResult {
    if b.cast::<Tuple>().is_none() || a.cast::<Tuple>().is_none() {
        return Ok(cx.not_implemented());
    }
    let (x, y) = (items(a), items(b));
    protocol::compare_sequences(cx, x.len(), y.len(), op, |_, i, show| protocol::pairs_from(items(a), items(b), i, show))
}

fn getitem(cx: &mut Cx, this: &Obj, key: &Obj) -> PyResult {
    let t = items(this);
    if let Some(s) = key.cast::<super::Slice>() {
        let r = super::slice::resolve(cx, s, t.len())?;
        return picked(cx, this, t, r);
    }
    let i = protocol::sequence_index(cx, key, "tuple")?;
    match protocol::wrap_index(i, t.len()) {
        Some(i) => Ok(t[i].clone()),
        None => Err(cx.index_error("tuple index out of range")),
    }
}

/// A tuple of the items at some positions; the tuple itself when these are all.
pub(super) fn picked(cx: &Cx, this: &Obj, items: &[Obj], at: super::slice::Positions) -> PyResult {
    if at.is_whole(items.len()) && this.shape() == shape::TUPLE {
        return Ok(this.clone());
    }
    if at.step == 1 {
        return Tuple::of_slice(cx, &items[at.start as usize..at.start as usize + at.len]);
    }
    cx.tuple(at.indices().map(|i| items[i].clone()).collect())
}

fn new(cx: &mut Cx, ty: &Ref<Type>, args: Args<'_>) -> PyResult {
    let args = args.for_init(cx, ty, &cx.types.tuple, "tuple")?;
    let a = args.unpack(cx, "tuple", 0, 1)?;
    let list = match a.first() {
        None => Vec::new(),
        Some(x) if x.shape() == shape::TUPLE && ty.as_obj().is(cx.types.tuple.as_obj()) => return Ok(x.clone()),
        Some(x) if x.shape() == shape::LIST && ty.as_obj().is(cx.types.tuple.as_obj()) => {
            let Some(list) = x.cast::<super::List>() else { return Ok(x.clone()) };
            return Tuple::of_slice(cx, list.items(cx));
        }
        Some(x) => protocol::collect(cx, x)?,
    };
    Tuple::of_type(cx, ty, list)
}

fn concat(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
    if b.cast::<Tuple>().is_none() {
        return Err(cx.type_error(format!("can only concatenate tuple (not \"{}\") to tuple", b.ty().name_text())));
    }
    if items(a).is_empty() && b.shape() == shape::TUPLE {
        return Ok(b.clone());
    }
    if items(b).is_empty() && a.shape() == shape::TUPLE {
        return Ok(a.clone());
    }
    let all = items(a).iter().chain(items(b)).cloned().collect();
    cx.tuple(all)
}

fn repeat(cx: &mut Cx, a: &Obj, n: &Obj) -> PyResult {
    let Some(n) = protocol::repeat_count(cx, n)? else { return Ok(cx.not_implemented()) };
    if n == 1 && a.shape() == shape::TUPLE {
        return Ok(a.clone());
    }
    protocol::check_size(cx, items(a).len(), n, 8)?;
    let all = (0..n).flat_map(|_| items(a).iter().cloned()).collect();
    cx.tuple(all)
}

/// Puts another item into a tuple that only the caller and one holder know; false if somebody else does.
pub(crate) fn replace_item(cx: &mut Cx, t: &Obj, i: usize, item: Obj) -> bool {
    if t.count() != 2 {
        cx.release(item);
        return false;
    }
    // SAFETY: the tuple has that many items, and nobody else can see it change.
    let old = unsafe {
        let at = t.as_ptr().cast::<Obj>().add(HEAD_BYTES / 8);
        memory::cycles::watch(cx, t.as_ptr());
        std::mem::replace(&mut *at.add(i).as_ptr(), item)
    };
    cx.release(old);
    true
}

/// The pair that an iterator showed last, with other items, when only it and the caller hold it; else a new one.
pub(crate) fn pair_again(cx: &mut Cx, last: Option<Obj>, first: Obj, second: Obj) -> PyResult {
    match last {
        Some(t) if t.count() == 2 && t.cast::<Tuple>().is_some_and(|t| t.items().len() == 2) => {
            // SAFETY: the tuple has two items, and nobody else can see them change.
            let old = unsafe {
                let at = t.as_ptr().cast::<Obj>().add(HEAD_BYTES / 8);
                memory::cycles::watch(cx, t.as_ptr());
                (std::mem::replace(&mut *at.as_ptr(), first), std::mem::replace(&mut *at.add(1).as_ptr(), second))
            };
            cx.release(old);
            Ok(t)
        }
        _ => cx.tuple_of([first, second]),
    }
}

#[retic_macros::methods]
impl Tuple {
    /// Return number of occurrences of value.
    #[py("count($self, value, /)")]
    fn count(cx: &mut Cx, this: &Ref<Tuple>, value: &Obj) -> PyResult<i64> {
        let mut n = 0;
        for o in this.items() {
            n += i64::from(protocol::equal(cx, o, value)?);
        }
        Ok(n)
    }
    /// Return first index of value.
    #[py("index($self, value, start=0, stop=9223372036854775807, /)", "($self, value, start=0, stop=sys.maxsize, /)")]
    fn index(cx: &mut Cx, this: &Ref<Tuple>, value: &Obj, start: Option<SliceIndex>, stop: Option<SliceIndex>) -> PyResult<i64> {
        let (start, stop) = (start.map_or(0, |s| s.0), stop.map_or(i64::MAX, |s| s.0));
        let (start, stop) = protocol::clamp_range(start, stop, this.items().len());
        for i in start..stop {
            if protocol::equal(cx, &this.items()[i], value)? {
                return Ok(i as i64);
            }
        }
        Err(cx.value_error("tuple.index(x): x not in tuple"))
    }
    #[py("__getnewargs__($self, /)")]
    fn getnewargs(cx: &mut Cx, this: &Ref<Tuple>) -> PyResult {
        let copy = cx.tuple(this.items().to_vec())?;
        cx.tuple_of([copy])
    }
    /// See PEP 585
    #[py("__class_getitem__($type, object, /)")]
    fn class_getitem(cx: &mut Cx, cls: &Obj, object: &Obj) -> PyResult {
        super::generic::alias(cx, cls, object)
    }
}

pub fn spec() -> Spec {
    Spec {
        doc: "Built-in immutable sequence.\n\nIf no argument is given, the constructor returns an empty tuple.\nIf iterable is specified the tuple is initialized from iterable's items.\n\nIf the argument is a tuple, the return value is the same object.",
        flags: flags::GC | flags::KEPT | flags::BASE | flags::UNTRACKABLE | flags::SEQUENCE | flags::MATCH_SELF,
        shape: shape::TUPLE,
        basicsize: HEAD_BYTES,
        ops: &OPS,
        text_signature: "(iterable=(), /)",
        slots: Slots {
            repr: Some(repr),
            hash: Some(hash),
            richcompare: Some(compare),
            len: Some(|_, o| Ok(items(o).len())),
            getitem: Some(getitem),
            contains: Some(|cx, o, v| {
                for x in items(o) {
                    if protocol::equal(cx, x, v)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }),
            iter: Some(|cx, o| super::iterators::over(cx, &cx.types.tuple_iterator.clone(), o)),
            concat: Some(concat),
            repeat: Some(repeat),
            new: Some(new),
            ..Slots::EMPTY
        },
        methods: Tuple::METHODS,
        ..Spec::new::<Tuple>("tuple")
    }
}
