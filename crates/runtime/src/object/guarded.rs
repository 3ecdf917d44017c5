//! The insides of objects: cells that ask for the context, and buffers from the interpreter's heap.

use super::{Layout, Obj, Ref};
use crate::cx::{Cx, PyResult};
use std::cell::{Cell, UnsafeCell};
use std::ptr::NonNull;

/// A field that is read with `&Cx` and changed with `&mut Cx`.
#[repr(transparent)]
pub struct Guarded<T>(UnsafeCell<T>);

impl<T> Guarded<T> {
    pub const fn new(value: T) -> Guarded<T> {
        Guarded(UnsafeCell::new(value))
    }

    /// Borrows the inside for as long as nothing changes.
    #[inline(always)]
    pub fn get<'a>(&'a self, _cx: &'a Cx) -> &'a T {
        // SAFETY: changes need `&mut Cx`, which cannot exist while `&Cx` is borrowed.
        unsafe { &*self.0.get() }
    }

    /// Borrows the inside to change it; nothing else of any object can be borrowed meanwhile.
    #[inline(always)]
    pub fn get_mut<'a>(&'a self, _cx: &'a mut Cx) -> &'a mut T {
        // SAFETY: `&mut Cx` is unique, so no other borrow of any inside lives.
        unsafe { &mut *self.0.get() }
    }

    /// Puts a new value in and hands the old one out. Emptied first (M1): the caller releases the old value afterwards.
    #[inline(always)]
    pub fn replace(&self, _cx: &mut Cx, value: T) -> T {
        // SAFETY: as `get_mut`.
        unsafe { std::mem::replace(&mut *self.0.get(), value) }
    }

    /// Puts a new value in and releases the old one, which may run Python.
    #[inline(always)]
    pub fn set(&self, cx: &mut Cx, value: T) {
        let old = self.replace(cx, value);
        cx.release(old);
    }

    /// The raw field, for the memory modules.
    pub(crate) fn as_ptr(&self) -> *mut T {
        self.0.get()
    }
}

impl<T: Clone> Guarded<T> {
    /// A copy of the inside (for handles: one more count).
    #[inline(always)]
    pub fn cloned(&self, cx: &Cx) -> T {
        self.get(cx).clone()
    }
}

/// What a walk over an object's references does with each.
pub type Visit<'a> = &'a mut dyn FnMut(&Obj);

/// Shows each owned reference once (M2), and gives them up for the collector.
pub trait Trace {
    fn trace(&self, visit: Visit<'_>);
    /// Moves out what can be given up without breaking the object.
    fn clear(&self, _out: &mut Vec<Obj>) {}
}

impl Trace for Guarded<Obj> {
    fn trace(&self, visit: Visit<'_>) {
        // SAFETY: the collector holds the interpreter; nobody changes the field during the walk.
        visit(unsafe { &*self.as_ptr() });
    }
}
impl Trace for Guarded<Option<Obj>> {
    fn trace(&self, visit: Visit<'_>) {
        // SAFETY: as above.
        if let Some(o) = unsafe { &*self.as_ptr() } {
            visit(o);
        }
    }
    fn clear(&self, out: &mut Vec<Obj>) {
        // SAFETY: as above; the value is moved out before anything can run.
        out.extend(unsafe { (*self.as_ptr()).take() });
    }
}
impl<T: Layout> Trace for Guarded<Ref<T>> {
    fn trace(&self, visit: Visit<'_>) {
        // SAFETY: as above.
        visit(unsafe { &*self.as_ptr() }.as_obj());
    }
}
impl<T: Layout> Trace for Guarded<Option<Ref<T>>> {
    fn trace(&self, visit: Visit<'_>) {
        // SAFETY: as above.
        if let Some(o) = unsafe { &*self.as_ptr() } {
            visit(o.as_obj());
        }
    }
    fn clear(&self, out: &mut Vec<Obj>) {
        // SAFETY: as above.
        out.extend(unsafe { (*self.as_ptr()).take() }.map(Ref::into_obj));
    }
}
impl Trace for Guarded<Buf<Obj>> {
    /// From the end, as CPython's lists.
    fn trace(&self, visit: Visit<'_>) {
        // SAFETY: as above.
        unsafe { &*self.as_ptr() }.iter().rev().for_each(visit);
    }
    fn clear(&self, out: &mut Vec<Obj>) {
        // SAFETY: as above.
        let buf = unsafe { &mut *self.as_ptr() };
        while let Some(o) = buf.pop() {
            out.push(o);
        }
    }
}
impl Guarded<std::collections::VecDeque<Obj>> {
    /// `Trace::trace` of a queue.
    pub fn trace_items(&self, visit: Visit<'_>) {
        // SAFETY: the collector holds the interpreter; nobody changes the field during the walk.
        unsafe { &*self.as_ptr() }.iter().for_each(visit);
    }
    /// `Trace::clear` of a queue.
    pub fn clear_items(&self, out: &mut Vec<Obj>) {
        // SAFETY: as above; the values are moved out before anything can run.
        out.extend(unsafe { &mut *self.as_ptr() }.drain(..));
    }
}
impl<T: Copy> Trace for Cell<T> {
    fn trace(&self, _: Visit<'_>) {}
}
impl Trace for Guarded<Buf<u8>> {
    fn trace(&self, _: Visit<'_>) {}
}
impl Trace for Guarded<Buf<usize>> {
    fn trace(&self, _: Visit<'_>) {}
}
impl Trace for () {
    fn trace(&self, _: Visit<'_>) {}
}

/// A growable run of values in a block of the interpreter's heap. Frees itself; its values die from last to first.
#[repr(C)]
pub struct Buf<T> {
    data: *mut T,
    len: usize,
    capacity: usize,
    heap: *const retic_heap::Heap,
}

impl<T> Guarded<Buf<T>> {
    /// Appends a value.
    pub fn push(&self, cx: &mut Cx, value: T) -> PyResult<()> {
        // SAFETY: `&mut Cx` is held, so nobody borrows the values; growing runs no Python.
        unsafe { (*self.as_ptr()).push(cx, value) }
    }
    /// Puts a value in front of the one at `index`.
    pub fn insert(&self, cx: &mut Cx, index: usize, value: T) -> PyResult<()> {
        // SAFETY: as above.
        unsafe { (*self.as_ptr()).insert(cx, index, value) }
    }
}

impl<T> Buf<T> {
    pub const fn empty() -> Buf<T> {
        Buf { data: NonNull::dangling().as_ptr(), len: 0, capacity: 0, heap: std::ptr::null() }
    }

    /// Empty, in the place of another: see `had_room`.
    pub fn after(other: &Buf<T>) -> Buf<T> {
        Buf { heap: other.heap, ..Buf::empty() }
    }
    /// Whether there is room, or was some, since it was made by `empty`.
    pub fn had_room(&self) -> bool {
        !self.heap.is_null()
    }

    /// Empty, with room for exactly `capacity` values.
    #[inline]
    pub fn with_capacity(cx: &Cx, capacity: usize) -> PyResult<Buf<T>> {
        if capacity == 0 {
            return Ok(Buf::empty());
        }
        let bytes = capacity.checked_mul(size_of::<T>()).ok_or_else(|| cx.memory_error())?;
        let block = cx.heap.alloc(bytes).ok_or_else(|| cx.memory_error())?;
        Ok(Buf { data: block.as_ptr().cast(), len: 0, capacity, heap: &cx.heap })
    }

    /// So many values whose bytes are all zero, with exactly their room.
    ///
    /// # Safety
    /// Zeros are a value of the type.
    pub unsafe fn zeroed(cx: &Cx, len: usize) -> PyResult<Buf<T>> {
        let mut buf: Buf<T> = Buf::with_capacity(cx, len)?;
        // SAFETY: there is room for all of them; as promised.
        unsafe { buf.data.write_bytes(0, len) };
        buf.len = len;
        Ok(buf)
    }

    /// The values of a vector, with exactly their room.
    pub fn from_vec(cx: &Cx, mut values: Vec<T>) -> PyResult<Buf<T>> {
        let mut buf: Buf<T> = Buf::with_capacity(cx, values.len())?;
        // SAFETY: there is room for all; they move over bit by bit, and the vector forgets them.
        unsafe {
            buf.data.copy_from_nonoverlapping(values.as_ptr(), values.len());
            buf.len = values.len();
            values.set_len(0);
        }
        Ok(buf)
    }
    #[inline(always)]
    pub fn has_room(&self) -> bool {
        self.len != self.capacity
    }
    /// Appends if there is room; otherwise gives the value back.
    #[inline(always)]
    pub fn push_in_place(&mut self, value: T) -> Option<T> {
        if self.len == self.capacity {
            return Some(value);
        }
        // SAFETY: there is room for one more.
        unsafe { self.data.add(self.len).write(value) };
        self.len += 1;
        None
    }

    /// Makes room for exactly `capacity` values in all.
    pub fn reserve_exact(&mut self, cx: &Cx, capacity: usize) -> PyResult<()> {
        if capacity <= self.capacity {
            return Ok(());
        }
        let bytes = capacity.checked_mul(size_of::<T>()).ok_or_else(|| cx.memory_error())?;
        let block = if self.capacity == 0 {
            cx.heap.alloc(bytes)
        } else {
            // SAFETY: `data` is our block of that size; it is used through the result only.
            unsafe { cx.heap.resize(NonNull::new_unchecked(self.data.cast()), self.capacity * size_of::<T>(), bytes) }
        };
        let Some(block) = block else { return Err(cx.memory_error()) };
        self.data = block.as_ptr().cast();
        self.capacity = capacity;
        self.heap = &cx.heap;
        Ok(())
    }

    /// Appends with CPython's growth curve for lists.
    #[inline]
    pub fn push(&mut self, cx: &Cx, value: T) -> PyResult<()> {
        if self.len == self.capacity {
            self.grow(cx, self.len + 1)?;
        }
        // SAFETY: there is room for one more.
        unsafe { self.data.add(self.len).write(value) };
        self.len += 1;
        Ok(())
    }

    /// Room for `needed` values by CPython's list_resize rule.
    #[cold]
    #[inline(never)]
    pub fn grow(&mut self, cx: &Cx, needed: usize) -> PyResult<()> {
        if needed <= self.capacity {
            return Ok(());
        }
        let mut room = (needed + (needed >> 3) + 6) & !3;
        if needed - self.len > room - needed {
            room = (needed + 3) & !3;
        }
        self.reserve_exact(cx, room)
    }

    pub fn pop(&mut self) -> Option<T> {
        self.len = self.len.checked_sub(1)?;
        // SAFETY: the value was inside and is now outside.
        Some(unsafe { self.data.add(self.len).read() })
    }

    /// Takes the value at `index` out and closes the gap.
    pub fn remove(&mut self, index: usize) -> T {
        assert!(index < self.len);
        // SAFETY: `index` is inside; the tail moves down by one.
        unsafe {
            let value = self.data.add(index).read();
            self.data.add(index).copy_from(self.data.add(index + 1), self.len - index - 1);
            self.len -= 1;
            value
        }
    }

    /// Puts a value in at `index`.
    pub fn insert(&mut self, cx: &Cx, index: usize, value: T) -> PyResult<()> {
        assert!(index <= self.len);
        self.grow(cx, self.len + 1)?;
        // SAFETY: there is room; the tail moves up by one.
        unsafe {
            self.data.add(index + 1).copy_from(self.data.add(index), self.len - index);
            self.data.add(index).write(value);
        }
        self.len += 1;
        Ok(())
    }

    /// Takes `start..end` out.
    pub fn take_range(&mut self, start: usize, end: usize) -> Vec<T> {
        assert!(start <= end && end <= self.len);
        // SAFETY: the range is inside; its values move out and the tail moves down.
        unsafe {
            let out = (start..end).map(|i| self.data.add(i).read()).collect();
            self.data.add(start).copy_from(self.data.add(end), self.len - end);
            self.len -= end - start;
            out
        }
    }

    /// Gives back room beyond what the length needs, as CPython when a list shrinks below half.
    pub fn shrink(&mut self, cx: &Cx) {
        if self.capacity == 0 || self.len >= self.capacity / 2 {
            return;
        }
        if self.len == 0 {
            *self = Buf::after(self);
            return;
        }
        self.shrink_to(cx, (self.len + (self.len >> 3) + 6) & !3);
    }

    /// Room for as many values as are expected, more than there are: as `grow`, and less where it is far too much.
    pub fn expect(&mut self, cx: &Cx, wanted: usize) -> PyResult<()> {
        if wanted >= self.capacity / 2 {
            return self.grow(cx, wanted);
        }
        let room = (wanted + (wanted >> 3) + 6) & !3;
        self.shrink_to(cx, if wanted - self.len > room - wanted { (wanted + 3) & !3 } else { room });
        Ok(())
    }
    fn shrink_to(&mut self, cx: &Cx, room: usize) {
        if room >= self.capacity {
            return;
        }
        // SAFETY: `data` is our block; on failure the old one stays.
        let block = unsafe { cx.heap.resize(NonNull::new_unchecked(self.data.cast()), self.capacity * size_of::<T>(), room * size_of::<T>()) };
        if let Some(block) = block {
            self.data = block.as_ptr().cast();
            self.capacity = room;
        }
    }

    pub fn capacity(&self) -> usize {
        self.capacity
    }
    /// Replaces `start..end` by new values and hands the old ones out; the room must be there.
    pub fn exchange(&mut self, start: usize, end: usize, new: Vec<T>) -> Vec<T> {
        let (old_len, n) = (end - start, new.len());
        assert!(start <= end && end <= self.len && self.len - old_len + n <= self.capacity);
        // SAFETY: the range is inside and there is room; every value moves exactly once.
        unsafe {
            let old = (start..end).map(|i| self.data.add(i).read()).collect();
            self.data.add(start + n).copy_from(self.data.add(end), self.len - end);
            for (i, v) in new.into_iter().enumerate() {
                self.data.add(start + i).write(v);
            }
            self.len = self.len - old_len + n;
            old
        }
    }
}

impl Buf<u8> {
    /// Replaces `start..end` by other bytes. Room is made by the rule of CPython's bytearray, with one byte beyond the end.
    pub fn splice(&mut self, cx: &Cx, start: usize, end: usize, new: &[u8]) -> PyResult<()> {
        assert!(start <= end && end <= self.len);
        let len = self.len - (end - start) + new.len();
        if len + 1 > self.capacity {
            let generous = len <= self.capacity + (self.capacity >> 3);
            let room = if generous { len + (len >> 3) + if len < 9 { 3 } else { 6 } } else { len + 1 };
            self.reserve_exact(cx, room)?;
        }
        // SAFETY: there is room for `len` bytes; the tail moves first, then the new bytes come in.
        unsafe {
            self.data.add(start + new.len()).copy_from(self.data.add(end), self.len - end);
            self.data.add(start).copy_from_nonoverlapping(new.as_ptr(), new.len());
        }
        self.len = len;
        Ok(())
    }
    /// Address and number of the bytes.
    pub fn raw_parts(&self) -> (*const u8, usize) {
        (self.data, self.len)
    }
}

impl<T> std::ops::Deref for Buf<T> {
    type Target = [T];
    #[inline(always)]
    fn deref(&self) -> &[T] {
        // SAFETY: `len` values are initialised.
        unsafe { std::slice::from_raw_parts(self.data, self.len) }
    }
}
impl<T> std::ops::DerefMut for Buf<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: `len` values are initialised.
        unsafe { std::slice::from_raw_parts_mut(self.data, self.len) }
    }
}

impl<T> Drop for Buf<T> {
    fn drop(&mut self) {
        while let Some(value) = self.pop() {
            drop(value);
        }
        if self.capacity > 0 {
            // SAFETY: our block, from this heap, given back once.
            unsafe { (*self.heap).free(NonNull::new_unchecked(self.data.cast()), self.capacity * size_of::<T>()) };
        }
    }
}
