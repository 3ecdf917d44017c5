//! The lens: what a recording says about the lives of objects. Files, the book kept from events, answers in words, the page.
//!
//! Here: everything after the events. Never here: the runtime, files by name, processes.
#![forbid(unsafe_code)]

pub mod book;
pub mod diff;
pub mod export;
pub mod file;
pub mod listing;
pub mod page;
pub mod parquet;
pub mod perfetto;
pub mod report;
pub mod story;
mod totals;
pub mod why;
pub mod words;

pub use book::Book;
pub use file::{Writer, read};
pub use words::Lang;
