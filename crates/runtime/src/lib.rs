//! The Python machine: objects, their lives, the eval loop, the built-in types.
//!
//! Never here: the compiler (a hook hands source in), files and clocks (the `Host` trait), the parser's types.
//! Read `object.rs`, then `cx.rs`, then `eval.rs`.
#![allow(
    clippy::missing_safety_doc,
    clippy::too_many_arguments,
    clippy::type_complexity,
    clippy::new_ret_no_self,
    clippy::should_implement_trait,
    clippy::wrong_self_convention,
    clippy::redundant_closure_call,
    reason = "handlers and slots have signatures of their own; macros call closures to use `?`"
)]
#![allow(clippy::cloned_ref_to_slice_refs, reason = "the arguments of a call are counted references: programs can see the count")]

// The macros name this crate as others do.
extern crate self as retic_runtime;

pub mod audit;
pub mod codecs;
pub mod cx;
pub mod eval;
pub mod host;
pub mod interp;
pub mod lens;
pub mod memory;
pub mod modules;
pub mod native;
pub mod object;
pub mod protocol;
pub mod signals;
pub mod suggestions;
pub mod threads;
pub mod types;

pub use cx::{Cx, PyResult, Raised};
pub use native::Args;
pub use object::{Obj, Ref};
