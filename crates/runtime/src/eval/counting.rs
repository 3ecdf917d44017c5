//! The plain machine while births are counted (the lens's level counts): each instruction notes where it is, and numbers get their
//! blocks by the way that tells. Nothing is told of deaths: what lives at the end is seen then.

/// Whether the handlers of this copy tell the recorder.
pub(in crate::eval) const LENS: bool = false;
/// Whether births are counted.
pub(in crate::eval) const COUNTS: bool = true;

#[path = "ops.rs"]
pub(in crate::eval) mod ops;
#[path = "translate.rs"]
pub(in crate::eval) mod translate;
