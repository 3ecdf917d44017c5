//! Counted handles. Clone adds a count, drop gives it back; there is no other way to hold an object.

use super::header::{Header, IMMORTAL, shape};
use crate::memory;
use crate::types::Type;
use std::fmt;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr::NonNull;

/// An owned, counted reference to any object. One word; `Option<Obj>` is one word too.
#[repr(transparent)]
pub struct Obj(NonNull<Header>, PhantomData<*const ()>);

/// An owned, counted reference to an object of a known layout.
#[repr(transparent)]
pub struct Ref<T: Layout>(NonNull<T>, PhantomData<*const ()>);

/// A Rust struct that starts with a [`Header`] and is the layout of one or more Python types.
///
/// # Safety
/// The struct is `repr(C)`, its first field is a `Header`, and `ID` is unlike every other layout's.
pub unsafe trait Layout: Sized + 'static {
    /// Number of the layout; types carry it.
    const ID: u16;
    /// Python name of the base type, for messages.
    const NAME: &'static str;
}

impl Obj {
    /// Takes over one count.
    ///
    /// # Safety
    /// `raw` is a live object and the caller owns the count handed over (O2).
    #[inline(always)]
    pub unsafe fn from_raw(raw: NonNull<Header>) -> Obj {
        Obj(raw, PhantomData)
    }

    /// Gives the count to the caller.
    #[inline(always)]
    pub fn into_raw(self) -> NonNull<Header> {
        ManuallyDrop::new(self).0
    }

    #[inline(always)]
    pub fn as_ptr(&self) -> NonNull<Header> {
        self.0
    }

    /// The address: what `id()` says.
    pub fn address(&self) -> usize {
        self.0.as_ptr() as usize
    }

    #[inline(always)]
    pub(crate) fn header(&self) -> &Header {
        // SAFETY: O2, a handle's object is live.
        unsafe { self.0.as_ref() }
    }

    /// The object's type.
    #[inline(always)]
    pub fn ty(&self) -> &Type {
        // SAFETY: O1, a live header has a live type, kept alive by this object.
        unsafe { self.header().ty.get().as_ref() }
    }

    /// The object's type as a handle.
    pub fn type_ref(&self) -> Ref<Type> {
        self.ty().handle()
    }

    #[inline(always)]
    pub fn shape(&self) -> u32 {
        self.header().shape.get()
    }

    /// Whether both are the same object.
    #[inline(always)]
    pub fn is(&self, other: &Obj) -> bool {
        self.0 == other.0
    }

    #[inline(always)]
    pub fn is_none(&self) -> bool {
        self.shape() == shape::NONE
    }

    /// The count as `sys.getrefcount` shows it.
    pub fn count(&self) -> i64 {
        let c = self.header().count.get();
        if c < 0 { 4294967295 } else { i64::from(c) }
    }

    /// The count as it lies in the header.
    #[inline(always)]
    pub(crate) fn count_word(&self) -> i32 {
        self.header().count.get()
    }

    pub fn is_immortal(&self) -> bool {
        self.header().count.get() < 0
    }

    pub fn make_immortal(&self) {
        self.header().count.set(IMMORTAL);
    }

    /// The object as a layout, if its type has it (subclasses included).
    #[inline(always)]
    pub fn cast<T: Layout>(&self) -> Option<&Ref<T>> {
        if self.ty().layout.get() == T::ID {
            // SAFETY: O3, the layout was compared; `Ref<T>` and `Obj` are both one pointer.
            Some(unsafe { &*(self as *const Obj).cast::<Ref<T>>() })
        } else {
            None
        }
    }

    /// As `cast`, without looking.
    ///
    /// # Safety
    /// The object's type has layout `T` (O3).
    #[inline(always)]
    pub unsafe fn cast_unchecked<T: Layout>(&self) -> &Ref<T> {
        debug_assert!(self.ty().layout.get() == T::ID);
        // SAFETY: the caller's promise.
        unsafe { &*(self as *const Obj).cast::<Ref<T>>() }
    }

    /// Converts an owned handle.
    pub fn downcast<T: Layout>(self) -> Result<Ref<T>, Obj> {
        if self.cast::<T>().is_some() {
            let raw = self.into_raw();
            // SAFETY: O3, checked one line up; the count moves over.
            Ok(unsafe { Ref::from_raw(raw.cast()) })
        } else {
            Err(self)
        }
    }
}

impl Clone for Obj {
    #[inline(always)]
    fn clone(&self) -> Obj {
        let c = self.header().count.get();
        if c >= 0 {
            self.header().count.set(c + 1);
        }
        Obj(self.0, PhantomData)
    }
}

impl Drop for Obj {
    #[inline(always)]
    fn drop(&mut self) {
        let c = self.header().count.get();
        if c < 0 {
            return;
        }
        self.header().count.set(c - 1);
        if c == 1 {
            // SAFETY: O2, this was the last count; nobody else can reach the object by counting.
            unsafe { memory::die(self.0) };
        }
    }
}

impl<T: Layout> Ref<T> {
    /// # Safety
    /// As `Obj::from_raw`, and the object has layout `T`.
    #[inline(always)]
    pub unsafe fn from_raw(raw: NonNull<T>) -> Ref<T> {
        Ref(raw, PhantomData)
    }

    #[inline(always)]
    pub fn as_obj(&self) -> &Obj {
        // SAFETY: both are one pointer to a live object.
        unsafe { &*(self as *const Ref<T>).cast::<Obj>() }
    }

    #[inline(always)]
    pub fn into_obj(self) -> Obj {
        // SAFETY: the count moves over.
        unsafe { Obj::from_raw(ManuallyDrop::new(self).0.cast()) }
    }

    pub fn as_raw(&self) -> NonNull<T> {
        self.0
    }
}

impl<T: Layout> Deref for Ref<T> {
    type Target = T;
    /// The struct itself: its fields are `Cell`s and `Guarded`s, which ask for the context.
    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: O2 and O3, live and of this layout.
        unsafe { self.0.as_ref() }
    }
}

impl<T: Layout> Clone for Ref<T> {
    #[inline(always)]
    fn clone(&self) -> Ref<T> {
        let raw = self.as_obj().clone().into_raw();
        Ref(raw.cast(), PhantomData)
    }
}

impl<T: Layout> Drop for Ref<T> {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: gives back the one count this handle owns.
        drop(unsafe { Obj::from_raw(self.0.cast()) });
    }
}

impl<T: Layout> From<Ref<T>> for Obj {
    fn from(r: Ref<T>) -> Obj {
        r.into_obj()
    }
}

impl fmt::Debug for Obj {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} at {:#x}>", self.ty().name_text(), self.address())
    }
}
impl<T: Layout> fmt::Debug for Ref<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_obj().fmt(f)
    }
}
