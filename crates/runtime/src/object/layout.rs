//! The macro that declares an object struct: layout id, tracing and clearing come from its fields (M2).

use super::{Header, Trace, Visit};

impl Trace for Header {
    fn trace(&self, _: Visit<'_>) {}
}

/// Declares the struct of a built-in type: `layout! { pub struct List = 8, "list" { items: Guarded<Buf<Obj>>, } }`.
#[macro_export]
macro_rules! layout {
    ($(#[$meta:meta])* pub struct $name:ident = $id:literal, $py:literal { $($(#[$fmeta:meta])* $field:ident: $ty:ty,)* }) => {
        $(#[$meta])*
        #[repr(C)]
        pub struct $name {
            pub head: $crate::object::Header,
            $($(#[$fmeta])* pub $field: $ty,)*
        }
        #[allow(unsafe_code, reason = "the macro writes the struct itself")]
        // SAFETY: O3, `repr(C)`, the header first, ids are unlike (checked by a test over the table of types).
        unsafe impl $crate::object::Layout for $name {
            const ID: u16 = $id;
            const NAME: &'static str = $py;
        }
        impl $crate::object::Trace for $name {
            fn trace(&self, _visit: $crate::object::Visit<'_>) {
                $($crate::object::Trace::trace(&self.$field, &mut *_visit);)*
            }
            fn clear(&self, _out: &mut Vec<$crate::object::Obj>) {
                $($crate::object::Trace::clear(&self.$field, _out);)*
            }
        }
    };
}
