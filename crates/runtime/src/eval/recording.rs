//! The same machine under the lens: a second copy of handlers and translation, in which each instruction tells the recorder
//! where it is, and every death goes the long way. Code is translated for one copy or the other, so the plain one
//! pays nothing; `copies.rs` changes all of it from one to the other.

/// Whether the handlers of this copy tell the recorder.
pub(in crate::eval) const LENS: bool = true;
/// Whether births are counted.
pub(in crate::eval) const COUNTS: bool = false;

#[path = "ops.rs"]
pub(in crate::eval) mod ops;
#[path = "translate.rs"]
pub(in crate::eval) mod translate;
