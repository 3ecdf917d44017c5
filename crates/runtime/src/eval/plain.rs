//! The machine that tells nobody what it does: handlers and translation as they are.

/// Whether the handlers of this copy tell the recorder.
pub(in crate::eval) const LENS: bool = false;
/// Whether births are counted.
pub(in crate::eval) const COUNTS: bool = false;

#[path = "ops.rs"]
pub(in crate::eval) mod ops;
#[path = "translate.rs"]
pub(in crate::eval) mod translate;
