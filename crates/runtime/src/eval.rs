//! The eval loop: wordcode is translated once to register code whose instructions begin with the address of the handler
//! that runs them; each handler ends by jumping to the next through that address. Promises: S1 depth stays within what
//! the translator reserved. S2 a register holds an owned value, the unbound marker, or nothing that is read again.
//!
//! `translate.rs` makes register code, `bound.rs` finds locals that are certainly bound, `keyword_methods.rs` calls that need no bound method, `binding.rs` puts arguments where parameters are, `ops/` holds the handlers, `frame.rs` the frames and calls, `unwind.rs` errors,
//! `copies.rs` the change from one copy of the handlers to the other, `tracing.rs` events for those who watch, `jump.rs` what debuggers do to frames.

mod binding;
mod bound;
mod branches;
mod copies;
#[allow(clippy::duplicate_mod)]
mod counting;
mod exec;
mod frame;
pub mod jump;
mod keyword_methods;
mod places;
mod plain;
#[allow(clippy::duplicate_mod)]
mod recording;
mod shared;
pub mod tracing;
mod unwind;

pub use copies::{Translated, use_machine};
pub use exec::{Exec, Held, Info};
pub use frame::{Frame, FrameKind, Stacks, call_function, call_with, current_module_name, run_code, run_generator, run_generator_first, within};
pub use shared::Shared;
pub use tracing::Place;
pub(crate) use unwind::chain_raised;

use crate::cx::Cx;
use crate::object::{Header, Obj};
use std::ptr::NonNull;

// What is shared by both copies of the handlers comes from the one that tells the recorder, if there is one.
use recording::ops;

/// Translates a code object, for the plain machine or the one under the lens.
pub fn translate(cx: &mut Cx, code: &crate::types::CodeObj) -> crate::cx::PyResult<Exec> {
    if cx.lens.is_on() {
        // What translation makes is not the program's.
        crate::lens::machine(cx, true);
        let exec = recording::translate::translate(cx, code);
        crate::lens::machine(cx, false);
        return exec;
    }
    if cx.lens.counts_alone() {
        crate::lens::counts_aside(cx, true);
        let exec = counting::translate::translate(cx, code);
        crate::lens::counts_aside(cx, false);
        return exec;
    }
    plain::translate::translate(cx, code)
}

/// A register.
pub(crate) type Slot = *mut Header;
/// A handler: context, instruction, registers.
pub(crate) type Handler = unsafe fn(*mut Cx, *mut u64, *mut Slot);

/// Borrows the object in a register.
#[inline(always)]
pub(crate) unsafe fn peek(slot: &Slot) -> &Obj {
    // SAFETY: S2; a register and a handle are both one pointer.
    unsafe { &*(slot as *const Slot).cast::<Obj>() }
}
/// Takes the object out of a register.
#[inline(always)]
pub(crate) unsafe fn take(slot: Slot) -> Obj {
    // SAFETY: S2, the caller gives the register's count up.
    unsafe { Obj::from_raw(NonNull::new_unchecked(slot)) }
}

/// The value of a register that the instruction uses up. The register stays behind empty: whatever is raised next must
/// not find the value there again.
///
/// # Safety
/// The register is one of the running frame's and holds a value.
#[inline(always)]
pub(crate) unsafe fn consume(cx: &crate::cx::Cx, regs: *mut Slot, register: usize) -> Obj {
    // SAFETY: as promised.
    unsafe { take(std::mem::replace(&mut *regs.add(register), cx.consts.unbound.as_ptr().as_ptr())) }
}
/// The pointer of an owned object, for a register.
#[inline(always)]
pub(crate) fn give(obj: Obj) -> Slot {
    obj.into_raw().as_ptr()
}
