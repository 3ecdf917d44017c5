//! `frame.f_lineno = n` in a trace function: the frame goes on at another line. What lies on the operand stack at each
//! instruction is worked out anew, as kinds: a jump may only leave blocks, never enter one.

use super::Slot;
use super::frame::Frame;
use super::ops::drop_slot;
use crate::cx::{Cx, PyResult};
use crate::object::{Obj, Ref};
use crate::protocol;
use crate::types::frame::FrameObj;
use retic_bytecode::Opcode::{self, *};
use retic_bytecode::{Code, lines};

/// What a value on the operand stack is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Object,
    Iterator,
    /// One of the six that a running handler keeps.
    Except,
}

/// What lies on the stack before each instruction; none where no way leads.
fn stacks(code: &Code) -> Vec<Option<Vec<Kind>>> {
    let n = code.code.len() / 2;
    let mut known: Vec<Option<Vec<Kind>>> = vec![None; n];
    let list: Vec<_> = code.instructions().collect();
    let mut work = vec![(0usize, Vec::new())];
    while let Some((mut at, mut stack)) = work.pop() {
        while at < n {
            if known[at].is_some() {
                break;
            }
            known[at] = Some(stack.clone());
            let i = &list[at];
            let Some(op) = Opcode::from_u8(i.opcode) else { break };
            let target = i.target().map(|t| t as usize / 2);
            match op {
                SETUP_FINALLY => work.extend(target.map(|t| (t, plus(&stack, &[Kind::Except; 6])))),
                SETUP_WITH | SETUP_ASYNC_WITH => {
                    // The method `__exit__` lies below what the handler keeps.
                    let mut below = stack.clone();
                    below.pop();
                    if op == SETUP_WITH {
                        below.push(Kind::Object);
                    }
                    work.extend(target.map(|t| (t, plus(&below, &[Kind::Except; 6]))));
                    if op == SETUP_WITH {
                        stack = plus(&below, &[Kind::Object]);
                    }
                }
                GET_ITER | GET_AITER => {
                    stack.pop();
                    stack.push(Kind::Iterator);
                }
                _ => {
                    if let Some(t) = target {
                        let mut there = stack.clone();
                        resize(&mut there, op.stack_effect(i.arg, true));
                        work.push((t, there));
                    }
                    resize(&mut stack, op.stack_effect(i.arg, false));
                }
            }
            if op.ends_flow() {
                break;
            }
            at += 1;
        }
    }
    known
}

fn plus(stack: &[Kind], more: &[Kind]) -> Vec<Kind> {
    [stack, more].concat()
}

fn resize(stack: &mut Vec<Kind>, effect: i32) {
    let len = (stack.len() as i64 + i64::from(effect)).max(0) as usize;
    stack.resize(len, Kind::Object);
}

/// Whether popping values off `from` leads to `to`.
fn compatible(from: &[Kind], to: &[Kind]) -> bool {
    to.len() <= from.len() && from.iter().zip(to).all(|(f, t)| *t == Kind::Object || f == t)
}

/// The setter of `f_lineno`.
pub(crate) fn set_line(cx: &mut Cx, f: &Ref<FrameObj>, value: Option<&Obj>) -> PyResult<()> {
    let Some(value) = value else { return Err(cx.attribute_error("cannot delete attribute")) };
    if value.cast::<crate::types::Int>().is_none() {
        return Err(cx.value_error("lineno must be an integer"));
    }
    let live = f.live.get();
    match cx.tracing.event.get() {
        "line" | "opcode" if !live.is_null() => {}
        // SAFETY: the frame waits for its trace function.
        "return" if !live.is_null() && unsafe { yields(&*live, &f.code.cloned(cx)) } => {}
        "" => return Err(cx.value_error("f_lineno can only be set in a trace function")),
        "call" => return Err(cx.value_error("can't jump from the 'call' trace event of a new frame")),
        _ => return Err(cx.value_error("can only jump from a 'line' trace event")),
    }
    if f.trace.get(cx).is_none() {
        return Err(cx.value_error("f_lineno can only be set by a trace function"));
    }
    let line = protocol::index_i64(cx, value)?;
    let code_obj = f.code.cloned(cx);
    let code = code_obj.code().clone();
    if line < i64::from(code.firstlineno) {
        return Err(cx.value_error(format!("line {line} comes before the current code block")));
    }
    let known = stacks(&code);
    let reachable = |offset: u32| known.get(offset as usize / 2).is_some_and(Option::is_some);
    let starts: Vec<(u32, u32)> = lines::line_starts(&code).into_iter().filter(|s| reachable(s.0)).collect();
    let Some(new) = starts.iter().map(|s| i64::from(s.1)).filter(|l| *l >= line).min() else {
        return Err(cx.value_error(format!("line {line} comes after the current code block")));
    };
    // SAFETY: the frame waits for its trace function.
    let (here, exec) = unsafe { ((*live).offset(), &*(*live).exec) };
    let here = match f.shown.get() {
        Some(super::Place::At(o) | super::Place::Passed(o, _)) => o,
        _ => here,
    };
    let Some(from) = known.get(here as usize / 2).cloned().flatten() else { return Err(cx.value_error("can't jump from unreachable code")) };
    // SAFETY: as above.
    if unsafe { (*live).held() }.is_some_and(|held| held.live(exec.base).count() > from.len()) {
        // Among the arguments of a method with keywords, whose object is on the stack, too.
        return Err(cx.value_error("incompatible stacks"));
    }
    let mut best: Option<(u32, usize)> = None;
    let mut why = "cannot find bytecode for specified line";
    for (offset, l) in &starts {
        if i64::from(*l) != new {
            continue;
        }
        let Some(to) = known.get(*offset as usize / 2).cloned().flatten() else { continue };
        let word = exec.lines.iter().find(|p| p.start && p.offset == *offset).map(|p| p.word);
        match word {
            Some(word) if compatible(&from, &to) && plain(exec, word, to.len()) => {
                if best.is_none_or(|b| to.len() > b.1) {
                    best = Some((word, to.len()));
                }
            }
            _ => {
                why = match to.last() {
                    Some(Kind::Except) => "can't jump into an 'except' block as there's no exception",
                    Some(Kind::Iterator) => "can't jump into the body of a for loop",
                    _ => "incompatible stacks",
                }
            }
        }
    }
    let Some((word, depth)) = best else { return Err(cx.value_error(why)) };
    let unbound: Vec<usize> = (0..exec.nlocals).filter(|i| f.register(cx, *i).is_none() && !exec.cell_args.iter().any(|(_, a)| a == i)).collect();
    if !unbound.is_empty() {
        let s = if unbound.len() == 1 { "" } else { "s" };
        let class = cx.types.runtime_warning.clone();
        crate::modules::warnings::warn(cx, &class, &format!("assigning None to {} unbound local{s}", unbound.len()), 1)?;
        for i in unbound {
            let none = cx.none();
            f.set_register(cx, i, none);
        }
    }
    f.jump.set(Some((word, depth as u32)));
    Ok(())
}

/// Whether a frame stands at YIELD_VALUE.
fn yields(frame: &Frame, code: &crate::types::CodeObj) -> bool {
    code.code().code.get(frame.offset() as usize) == Some(&(YIELD_VALUE as u8))
}

/// Whether the temporaries before an instruction lie in their canonical registers.
fn plain(exec: &super::Exec, word: u32, depth: usize) -> bool {
    let at = exec.infos.partition_point(|i| i.word < word);
    exec.infos.get(at).is_some_and(|i| exec.held[i.held as usize].live(exec.base).take(depth).enumerate().filter(|(k, r)| *r == exec.base + k).count() == depth)
}

/// Pops what the new place does not have and says where it is.
///
/// # Safety
/// The frame is the top one and stands where all its temporaries are in canonical registers.
pub(super) unsafe fn carry_out(cx: &mut Cx, frame: *mut Frame, object: &FrameObj, word: u32, depth: u32) -> PyResult<*mut u64> {
    // SAFETY: as promised; each temporary is dropped once.
    unsafe {
        object.led.set(true);
        let exec = &*(*frame).exec;
        let regs: *mut Slot = (*frame).regs;
        let Some(info) = (*frame).held() else { return Err(cx.system_error("no place to jump from")) };
        let keep = exec.base + depth as usize;
        if let Some(r) = info.saved.iter().find(|r| **r as usize >= keep) {
            let outer = (*frame).handled_outside(super::peek(&*regs.add(*r as usize)).clone());
            let before = std::mem::replace(&mut *cx.handled.get(), outer);
            cx.release(before);
        }
        for r in info.live(exec.base).rev().filter(|r| *r >= keep) {
            drop_slot(cx, *regs.add(r));
        }
        Ok(exec.words.as_ptr().add(word as usize).cast_mut())
    }
}
