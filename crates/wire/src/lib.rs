//! Events as bytes. What a program does it mostly does again: each event is followed by one that came next the last time, in the
//! same place, so many instructions later, of an object as old, in the block that was freed last. Both ends remember what came next
//! after what ([`laps`]), and a stretch in which all came as expected is one number. Where something is otherwise, what differs is
//! told; what is new is told whole.
//!
//! A chunk begins with all that its reader must know of what was before, so chunks can be read alone.
//!
//! Here: [`Packer`] and [`Unpacker`]. Never here: files, what events mean, objects: the words that a recorder knows places and types
//! by are numbers that are compared and never followed.
#![forbid(unsafe_code)]

mod laps;
mod pack;
mod state;
mod unpack;

pub use laps::{Category, FIRST_THREAD, OTHER, pile};
pub use pack::{Here, Packer, asked, birth, buffer, count, dies, dying, enter, leave, slot, step};
pub use unpack::{Input, Unpacker};
