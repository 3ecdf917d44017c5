//! Python's arithmetic on plain numbers: big integers, float text, hashes, rounding rules.
//!
//! Never here: Python objects, errors as Python exceptions. The only crate that names the big-integer crate (`big.rs`).
#![forbid(unsafe_code)]

pub mod big;
pub mod digits;
pub mod division;
pub mod float;
pub mod format;
pub mod half;
pub mod hash;
pub mod locale;
pub mod small;

pub use big::Big;
