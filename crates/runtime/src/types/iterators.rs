//! Iterators over sequences, forwards and backwards.

pub mod combined;

use super::type_::flags;
use super::{List, Slots, Spec, Str, Tuple, Type};
use crate::cx::{Cx, PyResult};
use crate::layout;
use crate::memory;
use crate::object::{Guarded, Header, Obj, Ref, shape};
use crate::protocol;
use std::cell::Cell;
use std::ptr::NonNull;

layout! {
    /// A position in a sequence.
    pub struct Iter = 23, "iterator" { seq: Guarded<Option<Obj>>, at: Cell<usize>, }
}
impl Iter {
    /// The next item of a tuple iterator, borrowed; null at the end.
    #[inline(always)]
    pub(crate) unsafe fn next_in_tuple(raw: *mut Header) -> *mut Header {
        // SAFETY: the shape says tuple iterator; the tuple is alive while the iterator holds it.
        unsafe {
            let it = &*raw.cast::<Iter>();
            let Some(t) = (*it.seq.as_ptr()).as_ref().and_then(|s| s.cast::<Tuple>()) else { return std::ptr::null_mut() };
            let i = it.at.get();
            match t.items().get(i) {
                Some(v) => {
                    it.at.set(i + 1);
                    v.as_ptr().as_ptr()
                }
                None => std::ptr::null_mut(),
            }
        }
    }
    /// The next item of a list or tuple iterator; nothing for others, and at the end.
    #[inline(always)]
    pub(crate) fn quick_next(o: &Obj) -> Option<Obj> {
        let raw = o.as_ptr().as_ptr();
        // SAFETY: the shapes are compared; the item gets a count of its own.
        unsafe {
            let v = match o.shape() {
                shape::LIST_ITER => Iter::next_in_list(raw),
                shape::TUPLE_ITER => Iter::next_in_tuple(raw),
                _ => return None,
            };
            let v = NonNull::new(v)?;
            Some((*(&v as *const NonNull<Header>).cast::<Obj>()).clone())
        }
    }
    /// Whether `quick_next` would give an item.
    #[inline(always)]
    pub(crate) fn has_quick_next(o: &Obj) -> bool {
        let raw = o.as_ptr().as_ptr();
        // SAFETY: the shapes are compared; the place goes back where it was.
        unsafe {
            let it = &*raw.cast::<Iter>();
            match o.shape() {
                shape::LIST_ITER | shape::TUPLE_ITER => {}
                _ => return false,
            }
            let at = it.at.get();
            let v = if o.shape() == shape::LIST_ITER { Iter::next_in_list(raw) } else { Iter::next_in_tuple(raw) };
            it.at.set(at);
            !v.is_null()
        }
    }
    /// The next character of an iterator over a text of one byte a character; nothing for others, and at the end.
    ///
    /// # Safety
    /// The type says iterator of a str.
    #[inline(always)]
    pub(crate) unsafe fn next_latin1(raw: *mut Header) -> Option<u8> {
        // SAFETY: as promised; the text is alive while the iterator holds it.
        unsafe {
            let it = &*raw.cast::<Iter>();
            let crate::types::str::Chars::One(text) = (*it.seq.as_ptr()).as_ref()?.cast::<Str>()?.chars() else { return None };
            let c = *text.get(it.at.get())?;
            it.at.set(it.at.get() + 1);
            Some(c)
        }
    }
    /// The next byte of an iterator over `bytes` or a `bytearray`; nothing for others, and at the end.
    ///
    /// # Safety
    /// The type says iterator of one of them.
    #[inline(always)]
    pub(crate) unsafe fn next_byte(cx: &Cx, raw: *mut Header) -> Option<u8> {
        // SAFETY: as promised; the bytes are alive while the iterator holds them.
        let it = unsafe { &*raw.cast::<Iter>() };
        let seq = it.seq.get(cx).as_ref()?;
        let row = match seq.cast::<super::Bytes>() {
            Some(b) => b.bytes(),
            None => seq.cast::<super::ByteArray>()?.bytes(cx),
        };
        let c = *row.get(it.at.get())?;
        it.at.set(it.at.get() + 1);
        Some(c)
    }
    /// Of a list or tuple iterator that gave no more: what it went over is taken out, null if that was done before. False: it
    /// goes over something else.
    ///
    /// # Safety
    /// The shape says list or tuple iterator, and what comes out is owned.
    #[inline(always)]
    pub(crate) unsafe fn end(raw: *mut Header) -> Option<*mut Header> {
        // SAFETY: as promised; nothing else looks at the place meanwhile.
        unsafe {
            let seq = &mut *(*raw.cast::<Iter>()).seq.as_ptr();
            match seq {
                Some(s) if s.cast::<List>().is_none() && s.cast::<Tuple>().is_none() => None,
                _ => Some(seq.take().map_or(std::ptr::null_mut(), |s| s.into_raw().as_ptr())),
            }
        }
    }
    /// The next item of a list iterator, borrowed; null at the end.
    #[inline(always)]
    pub(crate) unsafe fn next_in_list(raw: *mut Header) -> *mut Header {
        // SAFETY: the shape says list iterator; the list is alive while the iterator holds it.
        unsafe {
            let it = &*raw.cast::<Iter>();
            let Some(l) = &*it.seq.as_ptr() else { return std::ptr::null_mut() };
            if l.ty().layout.get() != <List as crate::object::Layout>::ID {
                return std::ptr::null_mut();
            }
            let items = &*(*l.as_ptr().as_ptr().cast::<List>()).pub_items.as_ptr();
            let i = it.at.get();
            match items.get(i) {
                Some(v) => {
                    it.at.set(i + 1);
                    v.as_ptr().as_ptr()
                }
                None => std::ptr::null_mut(),
            }
        }
    }
}

/// Hands on everything in an object that is exactly of a type which shows what it holds without Python: texts, bytes, sets,
/// dictionaries and their views of keys and values. False for others, of which nothing is handed on.
pub(crate) fn each_plain(cx: &mut Cx, o: &Obj, mut put: impl FnMut(&Cx, Obj) -> PyResult<()>) -> PyResult<bool> {
    let mut at = 0;
    loop {
        match plain_stretch(cx, o, &mut at, &mut put)? {
            None => return Ok(false),
            Some(false) => return Ok(true),
            Some(true) => cx.poll_native()?,
        }
    }
}

/// So many things are handed on between two polls.
const STRETCH: usize = 1 << 16;

/// Hands on the next things from a place on; whether there may be more behind them. Nothing for objects of other types.
fn plain_stretch(cx: &Cx, o: &Obj, at: &mut usize, put: &mut impl FnMut(&Cx, Obj) -> PyResult<()>) -> PyResult<Option<bool>> {
    let is = |t: &Type| std::ptr::eq(o.ty(), t);
    let t = &cx.types;
    let from = *at;
    *at += STRETCH;
    if let Some(s) = o.cast::<Str>().filter(|_| is(&t.str)) {
        let c = s.chars();
        for i in from..s.len().min(*at) {
            put(cx, Str::of_point(cx, c.get(i))?)?;
        }
        return Ok(Some(*at < s.len()));
    }
    let bytes = o.cast::<super::Bytes>().filter(|_| is(&t.bytes)).map(|b| b.bytes());
    if let Some(row) = bytes.or_else(|| o.cast::<super::ByteArray>().filter(|_| is(&t.bytearray)).map(|b| b.bytes(cx))) {
        row.iter().skip(from).take(STRETCH).try_for_each(|c| put(cx, cx.byte(*c)))?;
        return Ok(Some(*at < row.len()));
    }
    if let Some(s) = o.cast::<super::Set>().filter(|_| is(&t.set) || is(&t.frozenset)) {
        return s.each(cx, from..*at, |k| put(cx, k.clone())).map(Some);
    }
    let values = is(&t.dict_values);
    let d = match o.cast::<super::Dict>().filter(|_| is(&t.dict)) {
        Some(d) => d.clone(),
        None if values || is(&t.dict_keys) => super::dict::views::of(cx, o),
        None => return Ok(None),
    };
    let (end, mut next) = (*at, from);
    while let Some(i) = d.entry_from(cx, next).filter(|i| *i < end) {
        put(cx, if values { d.value_at(cx, i) } else { d.key_at(cx, i) }.clone())?;
        next = i + 1;
    }
    Ok(Some(d.entry_from(cx, next).is_some()))
}

pub fn over(cx: &Cx, ty: &Ref<Type>, seq: &Obj) -> PyResult {
    Ok(memory::new(cx, ty, |head| Iter { head, seq: Guarded::new(Some(seq.clone())), at: Cell::new(0) })?.into_obj())
}
/// From the end; `ty` is the list's own reverse iterator or `reversed`.
pub fn backwards(cx: &Cx, ty: &Ref<Type>, seq: &Obj, n: usize) -> PyResult {
    Ok(memory::new(cx, ty, |head| Iter { head, seq: Guarded::new(Some(seq.clone())), at: Cell::new(n) })?.into_obj())
}

fn is_backward(cx: &Cx, o: &Obj) -> bool {
    std::ptr::eq(o.ty(), &*cx.types.list_reverse_iterator) || o.ty().is_subtype(cx, &cx.types.reversed)
}

/// What `__reduce__` of an iterator gives: a built-in function, its arguments, and a state.
pub fn rebuilt(cx: &mut Cx, function: &'static str, args: Vec<Obj>, state: Option<i64>) -> PyResult {
    let key = cx.name(function);
    let found = cx.builtins.as_ref().and_then(|b| b.get_str(cx, &key));
    let Some(f) = found else { return Err(cx.error_of(&cx.types.attribute_error, function)) };
    let mut items = vec![f, cx.tuple(args)?];
    if let Some(n) = state {
        items.push(cx.int(n)?);
    }
    cx.tuple(items)
}

fn next_backward(cx: &mut Cx, o: &Obj) -> PyResult<Option<Obj>> {
    let Some(it) = o.cast::<Iter>() else { return Ok(None) };
    let Some(seq) = it.seq.cloned(cx) else { return Ok(None) };
    let Some(i) = it.at.get().checked_sub(1) else {
        it.seq.set(cx, None);
        return Ok(None);
    };
    it.at.set(i);
    if seq.shape() == shape::LIST
        && let Some(l) = seq.cast::<List>()
    {
        // A list that has become shorter ends the loop.
        let v = l.items(cx).get(i).cloned();
        if v.is_none() {
            it.seq.set(cx, None);
        }
        return Ok(v);
    }
    let key = cx.int(i as i64)?;
    let r = protocol::getitem(cx, &seq, &key);
    let stop = cx.types.index_error.clone();
    cx.swallow(r, &stop)
}

fn next(cx: &mut Cx, o: &Obj) -> PyResult<Option<Obj>> {
    let Some(it) = o.cast::<Iter>() else { return Ok(None) };
    let i = it.at.get();
    let Some(seq) = it.seq.get(cx) else { return Ok(None) };
    let v = if let Some(l) = seq.cast::<List>() {
        l.items(cx).get(i).cloned()
    } else if let Some(t) = seq.cast::<Tuple>() {
        t.items().get(i).cloned()
    } else if let Some(s) = seq.cast::<Str>() {
        if i < s.len() { Some(Str::of_point(cx, s.chars().get(i))?) } else { None }
    } else if let Some(b) = seq.cast::<super::Bytes>() {
        b.bytes().get(i).map(|c| cx.byte(*c))
    } else if let Some(b) = seq.cast::<super::ByteArray>().filter(|b| !b.as_obj().ty().is_heap()) {
        b.bytes(cx).get(i).map(|c| cx.byte(*c))
    } else {
        if i >= isize::MAX as usize {
            return Err(cx.overflow_error("iter index too large"));
        }
        let seq = seq.clone();
        let key = cx.int(i as i64)?;
        match protocol::getitem(cx, &seq, &key) {
            Ok(v) => Some(v),
            Err(_) if cx.error_is(&cx.types.index_error) || cx.error_is(&cx.types.stop_iteration) => {
                cx.clear_error();
                None
            }
            Err(e) => return Err(e),
        }
    };
    match v {
        Some(v) => {
            it.at.set(i + 1);
            Ok(Some(v))
        }
        None => {
            it.seq.set(cx, None);
            Ok(None)
        }
    }
}

#[retic_macros::methods]
impl Iter {
    /// Private method returning an estimate of len(list(it)).
    #[py("__length_hint__($self, /)")]
    fn length_hint(cx: &mut Cx, this: &Ref<Iter>) -> PyResult {
        let Some(s) = this.seq.cloned(cx) else { return cx.int(0) };
        if s.ty().slots(cx).len.is_none() {
            return Ok(cx.not_implemented());
        }
        let n = protocol::len(cx, &s)?;
        let left = match is_backward(cx, this.as_obj()) {
            true if n < this.at.get() => 0,
            true => this.at.get(),
            false => n.saturating_sub(this.at.get()),
        };
        cx.int(left as i64)
    }
    /// Return state information for pickling.
    #[py("__reduce__($self, /)")]
    fn reduce(cx: &mut Cx, this: &Ref<Iter>) -> PyResult {
        let Some(s) = this.seq.cloned(cx) else {
            let is = |t: &Type| std::ptr::eq(this.as_obj().ty(), t);
            let list = is(&cx.types.list_iterator) || is(&cx.types.list_reverse_iterator);
            let empty = match () {
                () if list => cx.list(Vec::new())?,
                () if is(&cx.types.str_iterator) => cx.str("")?,
                () => cx.tuple(Vec::new())?,
            };
            let function = if is_backward(cx, this.as_obj()) { "reversed" } else { "iter" };
            return rebuilt(cx, function, vec![empty], None);
        };
        if is_backward(cx, this.as_obj()) {
            return rebuilt(cx, "reversed", vec![s], Some(this.at.get() as i64 - 1));
        }
        rebuilt(cx, "iter", vec![s], Some(this.at.get() as i64))
    }
    /// Set state information for unpickling.
    #[py("__setstate__($self, state, /)")]
    fn setstate(cx: &mut Cx, this: &Ref<Iter>, state: i64) -> PyResult<()> {
        let Some(s) = this.seq.cloned(cx) else { return Ok(()) };
        if is_backward(cx, this.as_obj()) {
            let n = protocol::len(cx, &s)? as i64;
            this.at.set((state.clamp(-1, n - 1) + 1).max(0) as usize);
            return Ok(());
        }
        if state < 0 && std::ptr::eq(this.as_obj().ty(), &*cx.types.list_iterator) {
            // A list's iterator is at its end there; others begin again.
            this.seq.set(cx, None);
            return Ok(());
        }
        let end = if s.ty().slots(cx).len.is_some() && s.ty().is_heap() { usize::MAX } else { protocol::len(cx, &s).unwrap_or(usize::MAX) };
        cx.clear_error();
        this.at.set((state.max(0) as usize).min(end));
        Ok(())
    }
}

pub fn spec(name: &'static str, shape: u32) -> Spec {
    Spec {
        flags: flags::GC | flags::NO_NEW,
        shape,
        slots: Slots { iter: Some(|_, o| Ok(o.clone())), next: Some(next), ..Slots::EMPTY },
        methods: Iter::METHODS,
        ..Spec::new::<Iter>(name)
    }
}

/// Iterators of lists from their end.
pub fn reverse_spec(name: &'static str) -> Spec {
    let forwards = spec(name, 0);
    Spec { slots: Slots { next: Some(next_backward), ..forwards.slots }, ..forwards }
}

pub fn reversed_spec() -> Spec {
    Spec {
        text_signature: "(sequence, /)",
        doc: "Return a reverse iterator over the values of the given sequence.",
        flags: flags::GC | flags::BASE,
        slots: Slots {
            iter: Some(|_, o| Ok(o.clone())),
            next: Some(next_backward),
            new: Some(|cx, ty, args| {
                let args = args.for_init(cx, ty, &cx.types.reversed, "reversed")?;
                let a = args.unpack(cx, "reversed", 1, 1)?;
                let name = cx.name("__reversed__");
                if let Some(f) = protocol::special(cx, &a[0], &name)? {
                    if f.is_none() {
                        return Err(cx.type_error(format!("'{}' object is not reversible", a[0].ty().name_text())));
                    }
                    return protocol::call(cx, &f, &[]);
                }
                if a[0].ty().slots(cx).getitem.is_none() || a[0].ty().slots(cx).len.is_none() {
                    return Err(cx.type_error(format!("'{}' object is not reversible", a[0].ty().name_text())));
                }
                let n = protocol::len(cx, &a[0])?;
                backwards(cx, ty, &a[0], n)
            }),
            ..Slots::EMPTY
        },
        methods: Iter::METHODS,
        ..Spec::new::<Iter>("reversed")
    }
}
