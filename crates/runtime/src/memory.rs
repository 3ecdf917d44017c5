//! Births and deaths. Promises: M1 releasing may run any Python code, so a field is emptied before its old value is
//! released. M2 tracing visits each owned reference once. M3 a finaliser runs at most once. M4 weak references are
//! cleared before the block is given back.
//!
//! Every object is born in `birth` and dies in `die`; the lens hangs there.

pub mod cycles;
pub mod tracer;
pub mod verify;
pub mod weak;

use crate::cx::{Cx, PyResult};
use crate::object::{GC_LINK, GcLink, Header, Layout, Obj, PRE_HEADER, Ref, Trace, shape};
use crate::types::{Type, flags};
use retic_heap::Kind;
use std::cell::Cell;
use std::ptr::NonNull;

/// What the memory modules must know of a layout.
pub struct Ops {
    /// Drops the fields, in order. Not the header, not instance attributes.
    pub drop: unsafe fn(NonNull<Header>),
    pub trace: unsafe fn(NonNull<Header>, &mut dyn FnMut(&Obj)),
    pub clear: unsafe fn(NonNull<Header>, &mut Vec<Obj>),
    /// Bytes of this very object without what lies in front of the header.
    pub size: unsafe fn(NonNull<Header>) -> usize,
}

/// The operations of a layout whose size is that of its struct (or its type's `basicsize`).
pub struct OpsOf<T>(std::marker::PhantomData<T>);
impl<T: Layout + Trace> OpsOf<T> {
    pub const OPS: Ops = Ops { drop: drop_fields::<T>, trace: trace_fields::<T>, clear: clear_fields::<T>, size: fixed_size };
    /// With a size of its own.
    pub const fn sized(size: unsafe fn(NonNull<Header>) -> usize) -> Ops {
        Ops { drop: drop_fields::<T>, trace: trace_fields::<T>, clear: clear_fields::<T>, size }
    }
}
unsafe fn drop_fields<T>(raw: NonNull<Header>) {
    // SAFETY: the object is dying; its fields are dropped once.
    unsafe { raw.cast::<T>().drop_in_place() }
}
unsafe fn trace_fields<T: Trace>(raw: NonNull<Header>, visit: &mut dyn FnMut(&Obj)) {
    // SAFETY: the object is live and has layout T.
    unsafe { raw.cast::<T>().as_ref() }.trace(visit)
}
unsafe fn clear_fields<T: Trace>(raw: NonNull<Header>, out: &mut Vec<Obj>) {
    // SAFETY: as above.
    unsafe { raw.cast::<T>().as_ref() }.clear(out)
}
pub(crate) unsafe fn fixed_size(raw: NonNull<Header>) -> usize {
    // SAFETY: O1; the context outlives its types.
    unsafe {
        let ty = raw.as_ref().ty.get().as_ref();
        if ty.flags.get() & flags::MISFITS == 0 {
            return ty.basicsize.get();
        }
        let pre = pre_size(ty);
        (*ty.cx.get()).heap.block_size(raw.cast::<u8>().sub(pre)) - pre
    }
}

/// Bytes in front of the header for objects of a type.
#[inline(always)]
pub fn pre_size(ty: &Type) -> usize {
    let f = ty.flags.get();
    if f & flags::MANAGED != 0 {
        PRE_HEADER
    } else if f & flags::GC != 0 {
        GC_LINK
    } else {
        0
    }
}

/// The dictionary pointer and the weak reference list in front of a managed instance.
#[repr(C)]
pub struct Managed {
    pub dict: Cell<Option<NonNull<Header>>>,
    pub weak: Cell<Option<NonNull<Header>>>,
}

/// The managed part of an object whose type has it.
///
/// # Safety
/// The type has the MANAGED flag.
#[inline(always)]
pub unsafe fn managed<'a>(raw: NonNull<Header>) -> &'a Managed {
    // SAFETY: managed objects are allocated with PRE_HEADER bytes in front.
    unsafe { &*raw.as_ptr().cast::<u8>().sub(PRE_HEADER).cast::<Managed>() }
}

#[inline(always)]
pub(crate) unsafe fn link<'a>(raw: NonNull<Header>) -> &'a GcLink {
    // SAFETY: the caller's type has the GC flag, so a link lies in front.
    unsafe { &*raw.as_ptr().cast::<u8>().sub(GC_LINK).cast::<GcLink>() }
}

/// Allocates an object of `size` bytes and writes its header. The fields are the caller's to write before anything else.
#[inline(always)]
pub fn birth(cx: &Cx, ty: &Type, shape: u32, size: usize) -> PyResult<NonNull<Header>> {
    let pre = pre_size(ty);
    let Some(block) = cx.heap.alloc_object(pre + size, pre) else { return Err(cx.memory_error()) };
    // SAFETY: the block has `pre + size` bytes; everything in front of the header is written here.
    unsafe {
        let raw = block.add(pre).cast::<Header>();
        if pre > 0 {
            raw.cast::<u64>().sub(pre / 8).write_bytes(0, pre / 8);
        }
        raw.write(Header { count: Cell::new(1), shape: Cell::new(shape), ty: Cell::new(NonNull::from(ty)) });
        if ty.flags.get() & flags::HEAP != 0 {
            let c = ty.head.count.get();
            if c >= 0 {
                ty.head.count.set(c + 1);
            }
        }
        Ok(raw)
    }
}

/// Allocates an object of an exact built-in type: `GC` says whether it is one that the collector tracks, from now on. The
/// fields are the caller's to write before anything else.
#[inline(always)]
pub(crate) fn birth_exact<const GC: bool>(cx: &Cx, ty: &Type, shape: u32, size: usize) -> PyResult<NonNull<Header>> {
    let pre = if GC { GC_LINK } else { 0 };
    debug_assert!(ty.flags.get() & (flags::HEAP | flags::MANAGED) == 0 && (ty.flags.get() & flags::GC != 0) == GC);
    let Some(block) = cx.heap.alloc_object(pre + size, pre) else { return Err(cx.memory_error()) };
    // SAFETY: the block has `pre + size` bytes; link and header are written here.
    unsafe {
        let raw = block.add(pre).cast::<Header>();
        raw.write(Header { count: Cell::new(1), shape: Cell::new(shape), ty: Cell::new(NonNull::from(ty)) });
        if GC {
            cycles::track_new(cx, raw);
        }
        Ok(raw)
    }
}

/// As `birth_exact` for a type with the flag KEPT: the block is that of an object of the kind that died, if there is one. Then the
/// birth does not count for the collector, as that death did not.
#[inline(always)]
pub(crate) fn birth_kept(cx: &Cx, ty: &Type, kind: Kind, size: usize) -> PyResult<NonNull<Header>> {
    debug_assert!(ty.has(flags::KEPT));
    let Some(block) = cx.heap.reuse(kind, GC_LINK + size, GC_LINK) else { return birth_first(cx, ty, size) };
    // SAFETY: as in `birth_exact`.
    unsafe {
        let raw = block.add(GC_LINK).cast::<Header>();
        raw.write(header_of(ty));
        cycles::track_kept(cx, raw);
        Ok(raw)
    }
}

#[inline(never)]
fn birth_first(cx: &Cx, ty: &Type, size: usize) -> PyResult<NonNull<Header>> {
    birth_exact::<true>(cx, ty, ty.root_shape.get(), size)
}

/// As `new` for a type with the flag KEPT.
#[inline(always)]
pub(crate) fn new_kept<T: Layout>(cx: &Cx, ty: &Type, kind: Kind, fields: impl FnOnce(Header) -> T) -> PyResult<Ref<T>> {
    debug_assert!(ty.basicsize.get() <= size_of::<T>());
    let raw = birth_kept(cx, ty, kind, size_of::<T>())?;
    // SAFETY: as in `new_unwatched`.
    unsafe {
        raw.cast::<T>().write(fields(header_of(ty)));
        Ok(Ref::from_raw(raw.cast()))
    }
}

/// The header of a new object. It is made again for the struct around it: read back, it would be read wider than it was written,
/// and the processor waits.
#[inline(always)]
fn header_of(ty: &Type) -> Header {
    Header { count: Cell::new(1), shape: Cell::new(ty.root_shape.get()), ty: Cell::new(NonNull::from(ty)) }
}

/// As `new` of an exact built-in type; the collector does not watch the object yet. With a kind, its block may be one that was kept.
pub(crate) fn new_unwatched<T: Layout>(cx: &Cx, ty: &Type, kind: Option<Kind>, fields: impl FnOnce(Header) -> T) -> PyResult<Ref<T>> {
    debug_assert!(ty.flags.get() & (flags::HEAP | flags::MANAGED | flags::GC) == flags::GC && ty.basicsize.get() <= size_of::<T>());
    let head = header_of(ty);
    if let Some(block) = kind.and_then(|kind| cx.heap.reuse(kind, GC_LINK + size_of::<T>(), GC_LINK)) {
        // SAFETY: the block has that many bytes; link and struct are written here.
        return unsafe {
            block.cast::<[usize; 2]>().write([0; 2]);
            let raw = block.add(GC_LINK).cast::<T>();
            raw.write(fields(head));
            Ok(Ref::from_raw(raw.cast()))
        };
    }
    let raw = birth(cx, ty, ty.root_shape.get(), size_of::<T>())?;
    cycles::count_birth(cx);
    // SAFETY: the block is ours; the struct has the header that was just written.
    unsafe {
        raw.cast::<T>().write(fields(head));
        Ok(Ref::from_raw(raw.cast()))
    }
}

/// Makes an object of a fixed layout. `fields` builds the whole struct around the header given.
#[inline]
pub fn new<T: Layout>(cx: &Cx, ty: &Type, fields: impl FnOnce(Header) -> T) -> PyResult<Ref<T>> {
    let f = ty.flags.get();
    if f & (flags::HEAP | flags::MANAGED) == 0 && ty.basicsize.get() <= size_of::<T>() {
        let raw =
            if f & flags::GC != 0 { birth_exact::<true>(cx, ty, ty.root_shape.get(), size_of::<T>())? } else { birth_exact::<false>(cx, ty, ty.root_shape.get(), size_of::<T>())? };
        let head = header_of(ty);
        // SAFETY: as in `new_unwatched`.
        unsafe {
            raw.cast::<T>().write(fields(head));
            return Ok(Ref::from_raw(raw.cast()));
        }
    }
    new_of_class(cx, ty, fields)
}

/// The same for classes of the user's, and objects with a dictionary or weak references.
#[inline(never)]
fn new_of_class<T: Layout>(cx: &Cx, ty: &Type, fields: impl FnOnce(Header) -> T) -> PyResult<Ref<T>> {
    if ty.flags.get() & (flags::HEAP | flags::MANAGED | flags::GC) == flags::MANAGED | flags::GC && ty.basicsize.get() <= size_of::<T>() {
        return new_managed(cx, ty, fields);
    }
    let size = ty.basicsize.get().max(size_of::<T>());
    let raw = birth(cx, ty, ty.root_shape.get(), size)?;
    let head = header_of(ty);
    // SAFETY: as in `new_unwatched`; inline attributes start empty.
    unsafe {
        raw.cast::<T>().write(fields(head));
        let extra = size - size_of::<T>();
        if extra > 0 {
            raw.cast::<u8>().add(size_of::<T>()).write_bytes(0, extra);
        }
        if ty.flags.get() & flags::GC != 0 {
            cycles::track_new(cx, raw);
        }
        Ok(Ref::from_raw(raw.cast()))
    }
}

/// As `new` of a built-in type whose objects may have weak references, and have no attributes.
#[inline(always)]
pub(crate) fn new_managed<T: Layout>(cx: &Cx, ty: &Type, fields: impl FnOnce(Header) -> T) -> PyResult<Ref<T>> {
    debug_assert!(ty.flags.get() & (flags::HEAP | flags::MANAGED | flags::GC) == flags::MANAGED | flags::GC && ty.basicsize.get() <= size_of::<T>());
    let Some(block) = cx.heap.alloc_object(PRE_HEADER + size_of::<T>(), PRE_HEADER) else { return Err(cx.memory_error()) };
    let head = header_of(ty);
    // SAFETY: the block has that many bytes; all of them are written here, the link by `track_new`.
    unsafe {
        let raw = block.add(PRE_HEADER).cast::<Header>();
        block.cast::<[usize; 2]>().write([0; 2]);
        raw.cast::<T>().write(fields(head));
        cycles::track_new(cx, raw);
        Ok(Ref::from_raw(raw.cast()))
    }
}

/// Makes an instance of a class that has the flag PLAIN, without attributes.
pub fn new_plain(cx: &Cx, ty: &Type) -> PyResult {
    debug_assert!(ty.has(flags::PLAIN));
    let size = ty.basicsize.get();
    let Some(block) = cx.heap.alloc_object(PRE_HEADER + size, PRE_HEADER) else { return Err(cx.memory_error()) };
    // SAFETY: the block has that many bytes; all of them are written here, the link by `track_new`.
    unsafe {
        let raw = block.add(PRE_HEADER).cast::<Header>();
        block.cast::<[usize; 2]>().write([0; 2]);
        raw.write(Header { count: Cell::new(1), shape: Cell::new(ty.root_shape.get()), ty: Cell::new(NonNull::from(ty)) });
        let attributes = raw.add(1).cast::<usize>();
        for i in 0..(size - size_of::<Header>()) / size_of::<usize>() {
            attributes.add(i).write(0);
        }
        let c = ty.head.count.get();
        if c >= 0 {
            ty.head.count.set(c + 1);
        }
        cycles::track_new(cx, raw);
        Ok(Obj::from_raw(raw))
    }
}

/// Gives the block of a tuple of two back whose items moved out.
///
/// # Safety
/// The last count of an exact tuple is given up; its items belong to the caller.
#[inline(always)]
pub(crate) unsafe fn free_pair(cx: &Cx, raw: NonNull<Header>) {
    const PAIR_BYTES: usize = GC_LINK + 24 + 16;
    // SAFETY: as promised.
    unsafe {
        cycles::hide(raw);
        if !cx.heap.keep(Kind::tuple(2), raw.cast::<u8>().sub(GC_LINK), PAIR_BYTES) {
            cycles::count_death(cx);
        }
    }
}

/// Gives the block of a dead object back that had `size` bytes behind what lies in front of its header, and is hidden from the
/// collector: this is where it ceases to count.
///
/// # Safety
/// Nothing of the object is used again; `f` are the flags of its type.
#[inline(always)]
unsafe fn give_back(cx: &Cx, raw: NonNull<Header>, f: u32, pre: usize, size: usize) {
    // SAFETY: as promised; the header is whole until the block goes.
    unsafe {
        let block = raw.cast::<u8>().sub(pre);
        if f & flags::KEPT != 0
            && let Some(kind) = kind_of(raw.as_ref().shape.get(), size)
        {
            if !cx.heap.keep(kind, block, pre + size) {
                cycles::count_death(cx);
            }
            return;
        }
        cx.heap.free(block, pre + size);
        if f & flags::GC != 0 {
            cycles::count_death(cx);
        }
    }
}

/// For whom the block of an object of a type with the flag KEPT is kept.
#[inline(always)]
fn kind_of(s: u32, size: usize) -> Option<Kind> {
    match s {
        shape::TUPLE => {
            let n = (size - crate::types::tuple::HEAD_BYTES) / 8;
            (n.wrapping_sub(1) < Kind::TUPLE_ITEMS_MAX).then(|| Kind::tuple(n))
        }
        shape::LIST => Some(Kind::LIST),
        shape::DICT => Some(Kind::DICT),
        shape::SLICE => Some(Kind::SLICE),
        _ => None,
    }
}

/// The block of an int of the usual size, or of a float.
pub(crate) const NUMBER_BYTES: usize = 32;

/// A float.
#[inline]
pub(crate) fn new_float(cx: &Cx, value: f64) -> PyResult {
    let Some(block) = cx.heap.alloc_float(size_of::<crate::types::Float>()) else { return Err(cx.memory_error()) };
    let float = crate::types::Float { head: header_of(&cx.types.float), value: Cell::new(value) };
    // SAFETY: the block has that many bytes.
    unsafe {
        block.cast().write(float);
        Ok(Obj::from_raw(block.cast()))
    }
}

/// The end of an object's count.
///
/// # Safety
/// The count just reached zero and the caller gives the object up.
#[cold]
#[inline(never)]
pub unsafe fn die(raw: NonNull<Header>) {
    // SAFETY: O1; the type outlives its last instance; the context outlives both. The object is dead but whole.
    unsafe {
        let cx = raw.as_ref().ty.get().as_ref().cx.get();
        let s = raw.as_ref().shape.get();
        if (s == shape::INT || s == shape::FLOAT) && (*cx).death_depth.get() < NESTING_MAX {
            // The block of a small int or a float; nothing hangs on it.
            return (*cx).heap.free_number(raw.cast(), (s - shape::INT) as usize);
        }
        die_slowly(raw)
    }
}

/// The same for all but numbers, apart from them because it saves registers.
#[inline(never)]
unsafe fn die_slowly(raw: NonNull<Header>) {
    // SAFETY: O1; the type outlives its last instance; the context outlives both.
    let (ty, cx) = unsafe {
        let ty = raw.as_ref().ty.get();
        (ty.as_ref(), &mut *ty.as_ref().cx.get())
    };
    // SAFETY: the object is dead but whole.
    let s = unsafe { raw.as_ref() }.shape.get();
    if s == shape::STR && cx.death_depth.get() < NESTING_MAX {
        // SAFETY: the shape says `str` itself; nothing hangs on one that is not interned.
        unsafe {
            if let Some(bytes) = crate::types::str::plain_bytes(raw) {
                return cx.heap.free(raw.cast(), bytes);
            }
        }
    }
    let f = ty.flags.get();
    if f & (flags::FINALIZER | flags::MANAGED | flags::HEAP) == 0 && cx.death_depth.get() < NESTING_MAX {
        // SAFETY: nothing hangs on it but what its layout drops.
        return unsafe {
            let mut pre = 0;
            if f & flags::GC != 0 {
                cycles::hide(raw);
                pre = GC_LINK;
            }
            let ops = ty.ops.get();
            let size = (ops.size)(raw);
            cx.death_depth.set(cx.death_depth.get() + 1);
            (ops.drop)(raw);
            give_back(cx, raw, f, pre, size);
            leave_death(cx);
        };
    }
    if f & (flags::PLAIN | flags::FINALIZER | flags::MISFITS) == flags::PLAIN && cx.death_depth.get() < NESTING_MAX {
        // SAFETY: managed types only; the parts of an instance are dropped once, in the order of `dissolve`.
        unsafe {
            if managed(raw).weak.get().is_none() {
                cycles::untrack(cx, raw);
                cx.death_depth.set(cx.death_depth.get() + 1);
                drop_slots(cx, raw, ty);
                drop_attributes(cx, raw);
                cx.heap.free(raw.cast::<u8>().sub(PRE_HEADER), PRE_HEADER + ty.basicsize.get());
                drop(Obj::from_raw(NonNull::from(ty).cast()));
                return leave_death(cx);
            }
        }
    }
    // SAFETY: the operations are those of generators; one that has come to its end has no finaliser to run.
    unsafe {
        if std::ptr::eq(ty.ops.get(), &crate::types::generator::OPS)
            && f & flags::HEAP == 0
            && raw.cast::<crate::types::Generator>().as_ref().is_over()
            && managed(raw).weak.get().is_none()
            && cx.death_depth.get() < NESTING_MAX
        {
            cycles::untrack(cx, raw);
            cx.death_depth.set(cx.death_depth.get() + 1);
            crate::types::generator::drop_over(cx, raw);
            return leave_death(cx);
        }
    }
    if f & (flags::FINALIZER | flags::MANAGED) != 0 {
        // SAFETY: managed types only.
        let has_weak = f & flags::MANAGED != 0 && unsafe { managed(raw) }.weak.get().is_some();
        if f & flags::FINALIZER != 0 || has_weak {
            if !cx.may_run.get() {
                // Condemned: kept alive by the queue until Python may run.
                // SAFETY: the queue takes over one count.
                unsafe {
                    raw.as_ref().count.set(1);
                    cx.condemn(Obj::from_raw(raw));
                }
                return;
            }
            // SAFETY: the object is still whole.
            if unsafe { !last_rites(cx, raw, f) } {
                return;
            }
        }
    }
    // SAFETY: nobody can reach it any more.
    unsafe { bury(cx, raw) };
}

/// Finaliser and weak references. False when the object was resurrected.
unsafe fn last_rites(cx: &mut Cx, raw: NonNull<Header>, f: u32) -> bool {
    // SAFETY: the count is held at one while Python looks at the object.
    unsafe {
        let head = raw.as_ref();
        head.count.set(1);
        let obj = Obj::from_raw(raw);
        if f & flags::FINALIZER != 0 {
            finalize(cx, &obj);
            if head.count.get() > 1 {
                crate::lens::revived(cx, &obj);
                drop(obj);
                return false;
            }
        }
        if f & flags::MANAGED != 0 && managed(raw).weak.get().is_some() {
            weak::clear(cx, &obj);
            if head.count.get() > 1 {
                drop(obj);
                return false;
            }
        }
        let _ = obj.into_raw();
        head.count.set(0);
        true
    }
}

/// Runs the finaliser of an object if it has one that did not run yet (M3).
pub fn finalize(cx: &mut Cx, obj: &Obj) {
    let ty = obj.ty();
    if ty.flags.get() & flags::GC != 0 {
        // The low bit of `next` remembers that the finaliser ran.
        // SAFETY: gc types have a link.
        let l = unsafe { link(obj.as_ptr()) };
        let next = l.next.get();
        if next as usize & 1 == 1 {
            return;
        }
        l.next.set((next as usize | 1) as *mut GcLink);
    }
    if let Some(del) = ty.slots.get(cx).del {
        let saved = cx.save_error();
        let may_run = cx.may_run.replace(false);
        crate::lens::finalizer(cx, obj, true);
        del(cx, obj);
        crate::lens::finalizer(cx, obj, false);
        cx.may_run.set(may_run);
        cx.restore_error(saved);
    }
}

/// Deaths nest this deep in Rust.
pub(crate) const NESTING_MAX: u32 = 100;

/// Drops what the object owns and gives its block back. Deep chains are threaded through a list, not the stack.
unsafe fn bury(cx: &mut Cx, raw: NonNull<Header>) {
    if cx.death_depth.get() >= NESTING_MAX {
        if cx.lens.is_recording() {
            // SAFETY: passed on.
            return unsafe { crate::lens::bury(cx, raw) };
        }
        // A finaliser may run a collection before its turn comes: the collector must not see it.
        // SAFETY: dead but whole.
        unsafe {
            if raw.as_ref().ty.get().as_ref().flags.get() & flags::GC != 0 {
                cycles::hide(raw);
            }
        }
        cx.dying.borrow_mut().push(raw);
        return;
    }
    cx.death_depth.set(cx.death_depth.get() + 1);
    // SAFETY: passed on.
    unsafe { dissolve(cx, raw) };
    leave_death(cx);
}

/// The end of a burial; the outermost one buries those that had to wait.
#[inline(always)]
fn leave_death(cx: &mut Cx) {
    cx.death_depth.set(cx.death_depth.get() - 1);
    if cx.death_depth.get() == 0 && !cx.dying.borrow().is_empty() {
        bury_waiting(cx);
    }
}

#[cold]
fn bury_waiting(cx: &mut Cx) {
    {
        loop {
            let next = cx.dying.borrow_mut().pop();
            let Some(next) = next else { break };
            cx.death_depth.set(1);
            // SAFETY: it was dead when it was put on the list.
            unsafe { dissolve(cx, next) };
            cx.death_depth.set(0);
        }
    }
}

pub(crate) unsafe fn dissolve(cx: &mut Cx, raw: NonNull<Header>) {
    // SAFETY: the object is dead but whole; each part is dropped once, the block is freed last.
    unsafe {
        let ty_ptr = raw.as_ref().ty.get();
        let ty = ty_ptr.as_ref();
        let f = ty.flags.get();
        if f & flags::GC != 0 {
            cycles::hide(raw);
        }
        let size = (ty.ops.get().size)(raw);
        let pre = pre_size(ty);
        if f & flags::HEAP != 0 {
            drop_slots(cx, raw, ty);
        }
        if f & flags::MANAGED != 0 {
            drop_attributes(cx, raw);
        }
        (ty.ops.get().drop)(raw);
        give_back(cx, raw, f, pre, size);
        if f & flags::HEAP != 0 {
            drop(Obj::from_raw(ty_ptr.cast()));
        }
    }
}

/// Drops the values of `__slots__`.
unsafe fn drop_slots(cx: &Cx, raw: NonNull<Header>, ty: &Type) {
    let (start, count) = ty.member_slots(cx);
    for i in 0..count {
        // SAFETY: the slots lie inside the object and hold a handle or nothing.
        unsafe {
            let at = raw.cast::<u8>().add(start + i * 8).cast::<Option<Obj>>();
            drop(at.as_ptr().replace(None));
        }
    }
}

/// Drops the instance's attributes: inline values in order, then the dictionary.
unsafe fn drop_attributes(cx: &Cx, raw: NonNull<Header>) {
    // SAFETY: the type is managed; inline values below the shape's length are handles or empty.
    unsafe {
        let head = raw.as_ref();
        let n = cx.shape_len(head.shape.get());
        let start = head.ty.get().as_ref().inline_offset.get();
        for i in 0..n {
            let at = raw.cast::<u8>().add(start + i * 8).cast::<Option<Obj>>();
            drop(at.as_ptr().replace(None));
        }
        if let Some(d) = managed(raw).dict.take() {
            drop(Obj::from_raw(d));
        }
    }
}

/// Shows every reference an object owns, in the order of CPython's `tp_traverse`: the order in which finalisers of garbage run stems from it.
pub fn trace(cx: &Cx, obj: &Obj, visit: &mut dyn FnMut(&Obj)) {
    let ty = obj.ty();
    let raw = obj.as_ptr();
    // SAFETY: the object is live; fields, slots and attributes hold handles or nothing.
    unsafe {
        (ty.ops.get().trace)(raw, visit);
        let f = ty.flags.get();
        if f & flags::HEAP != 0 {
            let (start, count) = ty.member_slots(cx);
            for i in 0..count {
                if let Some(o) = raw.cast::<u8>().add(start + i * 8).cast::<Option<Obj>>().as_ref() {
                    visit(o);
                }
            }
        }
        if f & flags::MANAGED != 0 {
            let start = ty.inline_offset.get();
            for i in 0..cx.shape_len(obj.shape()) {
                if let Some(o) = raw.cast::<u8>().add(start + i * 8).cast::<Option<Obj>>().as_ref() {
                    visit(o);
                }
            }
            if let Some(d) = managed(raw).dict.get() {
                visit(&*(&d as *const NonNull<Header>).cast::<Obj>());
            }
        }
        if f & flags::HEAP != 0 {
            visit(&*(&raw.as_ref().ty as *const Cell<NonNull<Type>>).cast::<Obj>());
        }
    }
}

/// Moves out what a garbage object can give up; dropping `out` breaks its cycles.
pub fn clear(cx: &Cx, obj: &Obj, out: &mut Vec<Obj>) {
    let ty = obj.ty();
    let raw = obj.as_ptr();
    // SAFETY: as in `trace`; values are moved out, slots are left empty.
    unsafe {
        let f = ty.flags.get();
        if f & flags::HEAP != 0 {
            let (start, count) = ty.member_slots(cx);
            for i in 0..count {
                out.extend(raw.cast::<u8>().add(start + i * 8).cast::<Option<Obj>>().as_ptr().replace(None));
            }
        }
        if f & flags::MANAGED != 0 {
            let start = ty.inline_offset.get();
            for i in 0..cx.shape_len(obj.shape()) {
                out.extend(raw.cast::<u8>().add(start + i * 8).cast::<Option<Obj>>().as_ptr().replace(None));
            }
            if let Some(d) = managed(raw).dict.take() {
                out.push(Obj::from_raw(d));
            }
        }
        (ty.ops.get().clear)(raw, out);
    }
    if let Some(d) = obj.cast::<crate::types::Dict>() {
        d.touch(cx);
    }
}

/// Bytes of the object's block as `sys.getsizeof` counts them: with the links in front.
pub fn size_of_object(obj: &Obj) -> usize {
    // SAFETY: live object.
    unsafe { (obj.ty().ops.get().size)(obj.as_ptr()) + pre_size(obj.ty()) }
}

impl Obj {
    /// Whether the object is the empty-local marker.
    #[inline(always)]
    pub fn is_unbound(&self) -> bool {
        self.shape() == shape::UNBOUND
    }
}
