//! The events JUMP, BRANCH_LEFT and BRANCH_RIGHT of `sys.monitoring`. Which way a branch goes is seen where its frame goes on:
//! with these events every instruction is instrumented, and the next one that the frame comes to settles what waits.

use super::frame::Frame;
use super::tracing::report;
use super::{Exec, places};
use crate::cx::{Cx, PyResult};
use crate::modules::sys::monitoring::Event;
use retic_bytecode::Opcode;
use rustc_hash::FxHashMap;

/// A jump of the bytecode, by offsets in it.
#[derive(Clone, Copy)]
pub(super) struct Jump {
    from: u32,
    to: u32,
    /// Where a branch goes on that does not jump; none: it always jumps.
    on: Option<u32>,
    /// The words of register code that stand there.
    words: (u32, u32),
    /// An instruction of its own, which does nothing else.
    alone: bool,
}

/// Jumps that wait for where their frames go on.
pub(super) type Waiting = FxHashMap<usize, Box<[Jump]>>;

/// The jumps of a code object, by the words of the register instructions that do them.
pub(super) fn of_code(exec: &Exec, code: &retic_bytecode::Code) -> FxHashMap<u32, Box<[Jump]>> {
    let places = places::Places::of(exec);
    let mut found: FxHashMap<u32, Vec<Jump>> = FxHashMap::default();
    for (part, base) in std::iter::once((code, 0)).chain(code.inlining().regions.iter().map(|r| (&*r.code, r.base))) {
        let mut dead = false;
        for i in part.instructions() {
            let unreached = std::mem::replace(&mut dead, Opcode::from_u8(i.opcode).is_some_and(Opcode::ends_flow));
            let Some((op, to)) = Opcode::from_u8(i.opcode).zip(i.target()) else { continue };
            let always = matches!(op, Opcode::JUMP_ABSOLUTE | Opcode::JUMP_FORWARD);
            if !always && !op.branches() {
                continue;
            }
            let (from, to, on) = (i.offset + base, to + base, i.offset + 2 + base);
            let (Some((own, alone)), Some(target)) = (places.doing(from), places.behind(to)) else { continue };
            if unreached && !alone {
                continue;
            }
            let words = (target, places.behind(on).unwrap_or(target));
            found.entry(own).or_default().push(Jump { from, to, on: (!always).then_some(on), words, alone: alone && always });
        }
    }
    found.into_iter().map(|(word, jumps)| (word, jumps.into())).collect()
}

/// Whether somebody wants these events.
pub(super) fn wanted(cx: &Cx) -> bool {
    [Event::Jump, Event::BranchLeft, Event::BranchRight].into_iter().any(|e| cx.monitoring.wants(e))
}

unsafe fn tell(cx: &mut Cx, frame: *mut Frame, event: Event, from: u32, to: u32) -> PyResult<()> {
    if !cx.monitoring.wants(event) {
        return Ok(());
    }
    // SAFETY: the frame is the top one.
    let code = unsafe { &*frame }.function().code.cloned(cx);
    let to = cx.int(i64::from(to))?;
    report(cx, event, &code, from, &[to])
}

/// A frame comes to the instruction at `word`: what waits is told of.
///
/// # Safety
/// The frame is the top one.
pub(super) unsafe fn settle(cx: &mut Cx, frame: *mut Frame, word: u32) -> PyResult<()> {
    let Some(jumps) = cx.tracing.waiting.remove(&(frame as usize)) else { return Ok(()) };
    for j in jumps {
        // SAFETY: as promised.
        unsafe {
            match j.on {
                None => tell(cx, frame, Event::Jump, j.from, j.to)?,
                Some(_) if word == j.words.0 && word != j.words.1 => return tell(cx, frame, Event::BranchRight, j.from, j.to),
                Some(on) => tell(cx, frame, Event::BranchLeft, j.from, on)?,
            }
        }
    }
    Ok(())
}

/// A frame is about to run an instruction that does these jumps.
///
/// # Safety
/// The frame is the top one.
pub(super) unsafe fn set_out(cx: &mut Cx, frame: *mut Frame, jumps: &[Jump]) -> PyResult<()> {
    match jumps {
        [] => {}
        // SAFETY: as promised.
        [one] if one.alone => unsafe { tell(cx, frame, Event::Jump, one.from, one.to)? },
        some => drop(cx.tracing.waiting.insert(frame as usize, some.into())),
    }
    Ok(())
}

/// An exception leads elsewhere.
pub(super) fn forget(cx: &mut Cx, frame: *mut Frame) {
    cx.tracing.waiting.remove(&(frame as usize));
}
