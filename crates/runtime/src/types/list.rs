//! `list`: a counted array of handles in a block of its own. Growth follows CPython's curve.

mod sort;

pub use sort::sort;

use super::type_::{Cmp, Op, flags};
use super::{Slots, Spec, Type};
use crate::cx::{Cx, PyResult};
use crate::layout;
use crate::memory;
use crate::native::{Args, SliceIndex};
use crate::object::{Buf, Guarded, Obj, Ref, shape};
use crate::protocol;
use retic_heap::Kind;

layout! {
    /// A list.
    pub struct List = 8, "list" {
        pub_items: Guarded<Buf<Obj>>,
    }
}

/// Parts of a text that a list has room for at first, where it is not known how many there will be.
pub const PARTS: usize = 12;

impl List {
    pub fn new(cx: &Cx) -> PyResult<Ref<List>> {
        memory::new_kept(cx, &cx.types.list, Kind::LIST, |head| List { head, pub_items: Guarded::new(Buf::empty()) })
    }
    /// As the call of a class makes it, `list` itself, too.
    pub fn of_type(cx: &Cx, ty: &Type) -> PyResult<Ref<List>> {
        memory::new(cx, ty, |head| List { head, pub_items: Guarded::new(Buf::empty()) })
    }
    /// A list of the given items, with exactly that room.
    pub fn from_vec(cx: &Cx, items: Vec<Obj>) -> PyResult {
        let list = List::new(cx)?;
        let buf = Buf::from_vec(cx, items)?;
        // SAFETY: a fresh list nobody has seen.
        unsafe { *list.pub_items.as_ptr() = buf };
        Ok(list.into_obj())
    }
    /// An empty list with room for exactly so many items.
    pub fn with_room(cx: &Cx, room: usize) -> PyResult<Ref<List>> {
        let list = List::new(cx)?;
        // SAFETY: a fresh list nobody has seen.
        unsafe { (*list.pub_items.as_ptr()).reserve_exact(cx, room)? };
        Ok(list)
    }
    /// A list of items that others keep, too, with room for exactly `n`; what comes behind these is left.
    #[inline]
    pub fn of<'a>(cx: &Cx, n: usize, items: impl Iterator<Item = &'a Obj>) -> PyResult {
        let list = List::new(cx)?;
        let mut buf = Buf::with_capacity(cx, n)?;
        for o in items.take(n) {
            let _ = buf.push_in_place(o.clone());
        }
        // SAFETY: a fresh list nobody has seen.
        unsafe { *list.pub_items.as_ptr() = buf };
        Ok(list.into_obj())
    }
    /// A list of `n` items that move out of where they lie; they stay when there is no memory.
    ///
    /// # Safety
    /// `from` points at that many owned handles, which nobody reads again.
    pub(crate) unsafe fn of_slots(cx: &Cx, from: *const Obj, n: usize) -> PyResult {
        let list = List::new(cx)?;
        let mut buf = Buf::with_capacity(cx, n)?;
        // SAFETY: there is room for all of them, so none is refused; a fresh list nobody has seen.
        unsafe {
            for i in 0..n {
                buf.push(cx, from.add(i).read())?;
            }
            *list.pub_items.as_ptr() = buf;
        }
        Ok(list.into_obj())
    }
    #[inline(always)]
    pub fn items<'a>(&'a self, cx: &'a Cx) -> &'a [Obj] {
        self.pub_items.get(cx)
    }
    pub fn to_vec(&self, cx: &Cx) -> Vec<Obj> {
        self.items(cx).to_vec()
    }
    pub fn push(&self, cx: &mut Cx, o: Obj) -> PyResult<()> {
        // SAFETY: `&mut Cx` is held: no borrow of the items lives.
        unsafe { (*self.pub_items.as_ptr()).push(cx, o) }
    }
    /// Replaces `start..end` by new items; the old ones are released afterwards, from last to first.
    pub fn splice(&self, cx: &mut Cx, start: usize, end: usize, mut new: Vec<Obj>) -> PyResult<()> {
        if let Some(items) = self.pub_items.get_mut(cx).get_mut(start..end).filter(|i| i.len() == new.len()) {
            items.swap_with_slice(&mut new);
            while let Some(o) = new.pop() {
                cx.release(o);
            }
            return Ok(());
        }
        // SAFETY: `&mut Cx` is held: no borrow of the items lives, and nothing runs until `release`.
        let mut old = unsafe {
            let buf = &mut *self.pub_items.as_ptr();
            let wanted = buf.len() - (end - start) + new.len();
            buf.grow(cx, wanted)?;
            let old = buf.exchange(start, end, new);
            buf.shrink(cx);
            old
        };
        while let Some(o) = old.pop() {
            cx.release(o);
        }
        Ok(())
    }
    /// Two items change places.
    pub fn swap(&self, cx: &mut Cx, a: usize, b: usize) {
        self.pub_items.get_mut(cx).swap(a, b);
    }
    /// Puts an item in the place of another, which it gives back.
    pub fn exchange(&self, cx: &mut Cx, i: usize, new: Obj) -> Obj {
        std::mem::replace(&mut self.pub_items.get_mut(cx)[i], new)
    }
    /// Takes the last item away.
    pub fn pop_last(&self, cx: &mut Cx) -> Option<Obj> {
        let n = self.items(cx).len();
        (n > 0).then(|| self.take_at(cx, n - 1))
    }
    fn take_at(&self, cx: &mut Cx, i: usize) -> Obj {
        // SAFETY: as above.
        unsafe {
            let buf = &mut *self.pub_items.as_ptr();
            let o = buf.remove(i);
            buf.shrink(cx);
            o
        }
    }
}

fn list(o: &Obj) -> &Ref<List> {
    // SAFETY: O3, slots of list are only reached through lists.
    unsafe { o.cast_unchecked::<List>() }
}

fn repr(cx: &mut Cx, this: &Obj) -> PyResult {
    if list(this).items(cx).is_empty() {
        return cx.str("[]");
    }
    let Some(guard) = protocol::enter_repr(cx, this) else { return cx.str("[...]") };
    let items = list(this).to_vec(cx);
    let result = protocol::join_reprs(cx, items, "[", "]");
    protocol::leave_repr(cx, guard);
    result
}

fn compare(cx: &mut Cx, a: &Obj, b: &Obj, op: Cmp) -> PyResult {
    if b.cast::<List>().is_none() || a.cast::<List>().is_none() {
        return Ok(cx.not_implemented());
    }
    let (n, m) = (list(a).items(cx).len(), list(b).items(cx).len());
    protocol::compare_sequences(cx, n, m, op, |cx, i, show| protocol::pairs_from(list(a).items(cx), list(b).items(cx), i, show))
}

fn getitem(cx: &mut Cx, this: &Obj, key: &Obj) -> PyResult {
    if let Some(s) = key.cast::<super::Slice>() {
        let r = super::slice::resolve_late(cx, s, |cx| list(this).items(cx).len())?;
        return picked(cx, list(this), r);
    }
    let i = protocol::sequence_index(cx, key, "list")?;
    let l = list(this).items(cx);
    match protocol::wrap_index(i, l.len()) {
        Some(i) => Ok(l[i].clone()),
        None => Err(cx.index_error("list index out of range")),
    }
}

/// A new list of the items at some positions.
pub(super) fn picked(cx: &Cx, from: &Ref<List>, at: super::slice::Positions) -> PyResult {
    let items = from.items(cx);
    if at.step == 1 {
        // Nothing has run since the positions were found; `get` all the same.
        let part = items.get(at.start as usize..at.start as usize + at.len).unwrap_or_default();
        List::of(cx, part.len(), part.iter())
    } else {
        List::of(cx, at.len, at.indices().filter_map(|i| items.get(i)))
    }
}

fn setitem(cx: &mut Cx, this: &Obj, key: &Obj, value: Option<&Obj>) -> PyResult<()> {
    if let Some(s) = key.cast::<super::Slice>() {
        return set_slice(cx, this, s, value);
    }
    let i = protocol::sequence_index(cx, key, "list")?;
    let n = list(this).items(cx).len();
    let Some(i) = protocol::wrap_index(i, n) else { return Err(cx.index_error("list assignment index out of range")) };
    let old = match value {
        Some(v) => std::mem::replace(&mut list(this).pub_items.get_mut(cx)[i], v.clone()),
        None => list(this).take_at(cx, i),
    };
    cx.release(old);
    Ok(())
}

/// How many items `replace_run` replaces at once.
const RUN_MAX: usize = 32;

/// Replaces a run of items by as many of another list or tuple. False, and nothing done, where the ends of the slice must be
/// asked for, where the lengths differ and where they are large.
fn replace_run(cx: &mut Cx, this: &Obj, s: &Ref<super::Slice>, value: &Obj) -> bool {
    let n = list(this).items(cx).len();
    let Some(r) = super::slice::resolve_plain(cx, s, n).filter(|r| r.step == 1 && r.len <= RUN_MAX) else { return false };
    let from: *const [Obj] = match value.shape() {
        shape::LIST if !value.is(this) => list(value).items(cx),
        shape::TUPLE => value.cast::<super::Tuple>().map_or(&[][..], |t| t.items()),
        _ => return false,
    };
    let mut gone: [Option<Obj>; RUN_MAX] = [const { None }; RUN_MAX];
    // SAFETY: `&mut Cx` is held, the two are not the same, and nothing runs before the last item is replaced.
    unsafe {
        if from.len() != r.len {
            return false;
        }
        let to = &mut (&mut *list(this).pub_items.as_ptr())[r.start as usize..][..r.len];
        for ((place, new), gone) in to.iter_mut().zip(&*from).zip(&mut gone) {
            *gone = Some(std::mem::replace(place, new.clone()));
        }
    }
    for o in gone[..r.len].iter_mut().rev() {
        cx.release(o.take());
    }
    true
}

fn set_slice(cx: &mut Cx, this: &Obj, s: &Ref<super::Slice>, value: Option<&Obj>) -> PyResult<()> {
    if let Some(v) = value
        && replace_run(cx, this, s, v)
    {
        return Ok(());
    }
    let new = match value {
        Some(v) => Some(match protocol::collect(cx, v) {
            Ok(v) => v,
            Err(r) => {
                if cx.error_is(&cx.types.type_error) && v.ty().slots(cx).iter.is_none() {
                    cx.clear_error();
                    return Err(cx.type_error("must assign iterable to extended slice"));
                }
                return Err(r);
            }
        }),
        None => None,
    };
    let r = super::slice::resolve_late(cx, s, |cx| list(this).items(cx).len())?;
    if r.step == 1 {
        let start = r.start as usize;
        return list(this).splice(cx, start, start + r.len, new.unwrap_or_default());
    }
    match new {
        Some(new) => {
            if new.len() != r.len {
                return Err(cx.value_error(format!("attempt to assign sequence of size {} to extended slice of size {}", new.len(), r.len)));
            }
            let mut old = Vec::new();
            for (i, v) in r.indices().zip(new) {
                old.push(std::mem::replace(&mut list(this).pub_items.get_mut(cx)[i], v));
            }
            cx.release(old);
        }
        None => {
            let mut at: Vec<usize> = r.indices().collect();
            at.sort_unstable();
            let mut old = Vec::new();
            for i in at.into_iter().rev() {
                old.push(list(this).take_at(cx, i));
            }
            cx.release(old);
        }
    }
    Ok(())
}

fn init(cx: &mut Cx, this: &Obj, mut args: Args<'_>) -> PyResult<()> {
    let new_of = |cx: &Cx, t: &Type| t.slots(cx).new.map(|f| f as usize);
    if !args.names.is_empty() && new_of(cx, this.ty()) != new_of(cx, &cx.types.list) {
        // Keywords are for the `__new__` that the class has of its own.
        args = Args::positional_only(args.positional());
    }
    let a = args.unpack(cx, "list", 0, 1)?;
    let n = list(this).items(cx).len();
    list(this).splice(cx, 0, n, Vec::new())?;
    match a.first() {
        Some(x) => extend(cx, list(this), x),
        None => Ok(()),
    }
}

/// CPython reserves room for an even number of items when it knows how many are coming.
fn even(n: usize) -> usize {
    (n + 1) & !1
}

/// `list.extend`.
pub fn extend(cx: &mut Cx, this: &Ref<List>, iterable: &Obj) -> PyResult<()> {
    if matches!(iterable.shape(), shape::LIST | shape::TUPLE) {
        let own = iterable.is(this.as_obj());
        // SAFETY: `&mut Cx` is held and nothing runs meanwhile; items of another object stay where they are, own ones are read anew.
        unsafe {
            let buf = &mut *this.pub_items.as_ptr();
            let new = match iterable.cast::<super::Tuple>() {
                Some(t) => t.items(),
                None if own => &[],
                None => &**iterable.cast_unchecked::<List>().pub_items.as_ptr(),
            };
            let n = if own { buf.len() } else { new.len() };
            if buf.is_empty() {
                buf.reserve_exact(cx, even(n))?
            } else {
                buf.grow(cx, buf.len() + n)?
            }
            for i in 0..n {
                let o = if own { buf[i].clone() } else { new[i].clone() };
                buf.push(cx, o)?;
            }
        }
        return Ok(());
    }
    let it = protocol::iter(cx, iterable)?;
    let t = &cx.types;
    let counted = [&t.set, &t.frozenset, &t.dict, &t.dict_keys, &t.dict_values, &t.dict_items].iter().any(|known| std::ptr::eq(iterable.ty(), &***known));
    let hint = protocol::length_hint(cx, iterable, 8)? as usize;
    // SAFETY: as above.
    unsafe {
        let buf = &mut *this.pub_items.as_ptr();
        let wanted = buf.len().checked_add(hint).filter(|n| i64::try_from(*n).is_ok());
        if counted || buf.capacity() > 0 {
            // On the chance that one that is far too large lies, it is ignored.
            if let Some(wanted) = wanted {
                buf.expect(cx, wanted)?;
            }
        } else {
            buf.reserve_exact(cx, even(hint))?;
        }
    }
    // SAFETY: as above, at each item.
    let plain = super::iterators::each_plain(cx, iterable, |cx, v| unsafe { (*this.pub_items.as_ptr()).push(cx, v) })?;
    if !plain {
        protocol::each_next(cx, &it, |cx, v| this.push(cx, v))?;
    }
    if !counted {
        // The guess may have been too large.
        // SAFETY: as above.
        unsafe { (*this.pub_items.as_ptr()).shrink(cx) };
    }
    cx.release(it);
    Ok(())
}

fn concat(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
    let Some(y) = b.cast::<List>() else {
        return Err(cx.type_error(format!("can only concatenate list (not \"{}\") to list", b.ty().name_text())));
    };
    let (x, y) = (list(a).items(cx), y.items(cx));
    List::of(cx, x.len() + y.len(), x.iter().chain(y.iter()))
}

fn repeat(cx: &mut Cx, a: &Obj, n: &Obj) -> PyResult {
    let Some(n) = protocol::repeat_count(cx, n)? else { return Ok(cx.not_implemented()) };
    let items = list(a).items(cx);
    protocol::check_size(cx, items.len(), n, 8)?;
    List::of(cx, items.len() * n, (0..n).flat_map(|_| items.iter()))
}

#[retic_macros::methods]
impl List {
    /// Append object to the end of the list.
    #[py("append($self, object, /)")]
    fn append(cx: &mut Cx, this: &Ref<List>, object: &Obj) -> PyResult<()> {
        this.push(cx, object.clone())
    }
    /// Extend list by appending elements from the iterable.
    #[py("extend($self, iterable, /)")]
    fn extend_method(cx: &mut Cx, this: &Ref<List>, iterable: &Obj) -> PyResult<()> {
        extend(cx, this, iterable)
    }
    /// Insert object before index.
    #[py("insert($self, index, object, /)")]
    fn insert(cx: &mut Cx, this: &Ref<List>, index: i64, object: &Obj) -> PyResult<()> {
        let n = this.items(cx).len() as i64;
        let at = if index < 0 { (index + n).max(0) } else { index.min(n) } as usize;
        // SAFETY: `&mut Cx` is held and nothing runs meanwhile.
        unsafe { (*this.pub_items.as_ptr()).insert(cx, at, object.clone()) }
    }
    /// Remove and return item at index (default last).
    #[py("pop($self, index=-1, /)")]
    fn pop(cx: &mut Cx, this: &Ref<List>, index: i64) -> PyResult {
        let n = this.items(cx).len();
        if n == 0 {
            return Err(cx.index_error("pop from empty list"));
        }
        match protocol::wrap_index(index, n) {
            Some(i) => Ok(this.take_at(cx, i)),
            None => Err(cx.index_error("pop index out of range")),
        }
    }
    /// Remove first occurrence of value.
    #[py("remove($self, value, /)")]
    fn remove(cx: &mut Cx, this: &Ref<List>, value: &Obj) -> PyResult<()> {
        let mut i = 0;
        while let Some(o) = this.items(cx).get(i).cloned() {
            if protocol::equal(cx, &o, value)? {
                if i < this.items(cx).len() {
                    let old = this.take_at(cx, i);
                    drop(o);
                    cx.release(old);
                }
                return Ok(());
            }
            i += 1;
        }
        Err(cx.value_error("list.remove(x): x not in list"))
    }
    /// Return self[index].
    #[py("__getitem__($self, index, /)")]
    fn getitem_method(cx: &mut Cx, this: &Ref<List>, index: &Obj) -> PyResult {
        getitem(cx, this.as_obj(), index)
    }
    /// Remove all items from list.
    #[py("clear($self, /)")]
    fn clear_method(cx: &mut Cx, this: &Ref<List>) {
        let now = Buf::after(this.pub_items.get(cx));
        let old = this.pub_items.replace(cx, now);
        cx.release(old);
    }
    /// Return a shallow copy of the list.
    #[py("copy($self, /)")]
    fn copy(cx: &mut Cx, this: &Ref<List>) -> PyResult {
        let items = this.to_vec(cx);
        cx.list(items)
    }
    /// Return number of occurrences of value.
    #[py("count($self, value, /)")]
    fn count(cx: &mut Cx, this: &Ref<List>, value: &Obj) -> PyResult<i64> {
        let (mut n, mut i) = (0, 0);
        while let Some(o) = this.items(cx).get(i).cloned() {
            n += i64::from(protocol::equal(cx, &o, value)?);
            i += 1;
        }
        Ok(n)
    }
    /// Return first index of value.
    #[py("index($self, value, start=0, stop=9223372036854775807, /)", "($self, value, start=0, stop=sys.maxsize, /)")]
    fn index(cx: &mut Cx, this: &Ref<List>, value: &Obj, start: Option<SliceIndex>, stop: Option<SliceIndex>) -> PyResult<usize> {
        let (start, stop) = (start.map_or(0, |s| s.0), stop.map_or(i64::MAX, |s| s.0));
        let (mut i, stop) = protocol::clamp_range(start, stop, this.items(cx).len());
        while i < stop
            && let Some(o) = this.items(cx).get(i).cloned()
        {
            if protocol::equal(cx, &o, value)? {
                return Ok(i);
            }
            i += 1;
        }
        let shown = protocol::repr_text(cx, value)?;
        Err(cx.value_error(format!("{shown} is not in list")))
    }
    /// Reverse *IN PLACE*.
    #[py("reverse($self, /)")]
    fn reverse(cx: &mut Cx, this: &Ref<List>) {
        this.pub_items.get_mut(cx).reverse();
    }
    /// Sort the list in ascending order and return None.
    #[py("sort($self, /, *, key=None, reverse=False)")]
    fn sort_method(cx: &mut Cx, this: &Ref<List>, key: Option<&Obj>, reverse: bool) -> PyResult<()> {
        sort(cx, this, key, reverse)
    }
    /// Return a reverse iterator over the list.
    #[py("__reversed__($self, /)")]
    fn reversed(cx: &mut Cx, this: &Ref<List>) -> PyResult {
        let n = this.items(cx).len();
        super::iterators::backwards(cx, &cx.types.list_reverse_iterator.clone(), this.as_obj(), n)
    }
    /// Return the size of the list in memory, in bytes.
    #[py("__sizeof__($self, /)")]
    fn sizeof(cx: &mut Cx, this: &Ref<List>) -> usize {
        super::type_::sizes::basic(cx, this.as_obj()) + this.pub_items.get(cx).capacity() * 8
    }
    /// See PEP 585
    #[py("__class_getitem__($type, object, /)")]
    fn class_getitem(cx: &mut Cx, cls: &Obj, object: &Obj) -> PyResult {
        super::generic::alias(cx, cls, object)
    }
}

pub fn spec() -> Spec {
    Spec {
        doc: "Built-in mutable sequence.\n\nIf no argument is given, the constructor creates a new empty list.\nThe argument must be an iterable if specified.",
        flags: flags::GC | flags::KEPT | flags::BASE | flags::SEQUENCE | flags::MATCH_SELF,
        shape: shape::LIST,
        basicsize: 48,
        text_signature: "(iterable=(), /)",
        slots: Slots {
            repr: Some(repr),
            hash: Some(super::dunders::unhashable),
            richcompare: Some(compare),
            len: Some(|cx, o| Ok(list(o).items(cx).len())),
            getitem: Some(getitem),
            setitem: Some(setitem),
            contains: Some(|cx, o, v| {
                let mut i = 0;
                while let Some(x) = list(o).items(cx).get(i).cloned() {
                    if protocol::equal(cx, &x, v)? {
                        return Ok(true);
                    }
                    i += 1;
                }
                Ok(false)
            }),
            iter: Some(|cx, o| super::iterators::over(cx, &cx.types.list_iterator.clone(), o)),
            concat: Some(concat),
            repeat: Some(repeat),
            new: Some(|cx, ty, _| Ok(List::of_type(cx, ty)?.into_obj())),
            init: Some(init),
            ..Slots::EMPTY
        }
        .with_inplace(&[
            (Op::Add, |cx, a, b| {
                extend(cx, list(a), b)?;
                Ok(a.clone())
            }),
            (Op::Mul, |cx, a, n| {
                let Some(n) = protocol::repeat_count(cx, n)? else { return Ok(cx.not_implemented()) };
                let items = list(a).to_vec(cx);
                protocol::check_size(cx, items.len(), n, 8)?;
                if n == 0 {
                    let len = items.len();
                    list(a).splice(cx, 0, len, Vec::new())?;
                }
                for _ in 1..n {
                    for o in &items {
                        list(a).push(cx, o.clone())?;
                    }
                }
                Ok(a.clone())
            }),
        ]),
        methods: List::METHODS,
        ..Spec::new::<List>("list")
    }
}
