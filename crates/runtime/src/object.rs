//! What an object is: header, handles, guarded insides. Promises: O1 a live header has a live type. O2 an `Obj` or `Ref`
//! owns exactly one count. O3 a cast happens only after a layout check. O4 immortal counts never move. O5 header size
//! and offsets are asserted at compile time.
//!
//! The borrow rule: reading an object's inside borrows `&Cx`, changing it or running Python takes `&mut Cx`, so no
//! borrow of an inside can live across a call that can run Python.

mod guarded;
mod handle;
mod header;
mod layout;

pub use guarded::{Buf, Guarded, Trace, Visit};
pub use handle::{Layout, Obj, Ref};
pub use header::{GC_LINK, GcLink, Header, IMMORTAL, PRE_HEADER, shape};
