//! What an event meant: causes of death from what the recorder saw and what the bytecode says.

use crate::book::{Book, Death, Life, Moment};
use retic_bytecode::Opcode;
use retic_events::{How, Phase};

/// Why an object died: the closed list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A variable was stored over.
    Overwritten { name: String },
    /// A variable was deleted.
    Deleted { name: String },
    /// A function returned and let a local go; `name` empty: a temporary of its frame.
    Returned { name: String, function: String },
    /// An exception left the function.
    Unwound { name: String, function: String },
    /// A temporary was dropped.
    Temporary,
    /// An instruction used it up: its operation, or the native callable that got it.
    UsedUp { by: String },
    /// Taken out of a container: by which operation.
    TakenOut { by: String },
    /// An attribute was stored over or deleted.
    Attribute { name: String, deleted: bool },
    /// Its owner died; the serial number.
    Owner(u64),
    /// The handler was left, and the exception forgotten.
    ExceptionForgotten,
    /// The loop was over.
    LoopOver,
    /// A generator yielded, finished or was closed.
    Generator,
    /// In a cycle; the collection's number.
    Cycle(usize),
    /// The interpreter ended.
    Exit(Phase),
    /// Native code had let it go before.
    Later { by: String },
}

/// Why an object died, and the instruction that is to be named: the opcode's name and the line.
pub struct End {
    pub cause: Cause,
    pub op: &'static str,
    pub line: u32,
}

fn name_of(book: &Book, m: &Moment, arg: u32) -> String {
    book.code_at(m.site).and_then(|c| c.code.names.get(arg as usize)).map_or_else(String::new, |n| n.to_string())
}

/// How a life ended; `None`: it did not.
pub fn end(book: &Book, life: &Life) -> Option<End> {
    let d = life.death.as_ref()?;
    let m = &d.at;
    let found = book.instruction(m.site);
    let op = found.map_or("", |(op, _)| op.name());
    let line = book.line(m.site);
    let whole = |cause| Some(End { cause, op, line });
    if d.how == How::Cycle {
        return whole(Cause::Cycle(collection(book, d)));
    }
    if d.how == How::OwnerDied && d.parent != 0 {
        return whole(Cause::Owner(d.parent));
    }
    if m.site == 0
        && let Some(p) = d.phase
    {
        return whole(Cause::Exit(p));
    }
    let code = book.site(m.site).code;
    let function = book.function(m.site).to_string();
    match d.how {
        How::FrameLeft => return whole(Cause::Returned { name: book.register(code, d.arg).unwrap_or("").to_string(), function }),
        How::Unwound => return whole(Cause::Unwound { name: book.register(code, d.arg).unwrap_or("").to_string(), function }),
        How::Overwritten => {
            if let Some((offset, name)) = book.store_behind(m.site) {
                let op = book.instruction_at(code, offset).map_or(op, |(op, _)| op.name());
                let line = book.code_at(m.site).map_or(line, |c| retic_bytecode::lines::line_of(&c.code, offset));
                let cause = if op == "DELETE_FAST" { Cause::Deleted { name: name.to_string() } } else { Cause::Overwritten { name: name.to_string() } };
                return Some(End { cause, op, line });
            }
        }
        _ => {}
    }
    let by = book.name(m.by).to_string();
    if d.how == How::Later {
        return whole(Cause::Later { by: if by.is_empty() { op.to_string() } else { by } });
    }
    let Some((opcode, arg)) = found else { return whole(if by.is_empty() { Cause::Temporary } else { Cause::Later { by } }) };
    let local = |list: &[std::rc::Rc<str>]| list.get(arg as usize).map_or_else(String::new, |n| n.to_string());
    let cell = || book.code_at(m.site).map_or_else(String::new, |c| c.code.cellvars.iter().chain(&c.code.freevars).nth(arg as usize).map_or_else(String::new, |n| n.to_string()));
    use Opcode::*;
    whole(match opcode {
        STORE_NAME | STORE_GLOBAL => Cause::Overwritten { name: name_of(book, m, arg) },
        DELETE_NAME | DELETE_GLOBAL => Cause::Deleted { name: name_of(book, m, arg) },
        STORE_FAST => Cause::Overwritten { name: book.code_at(m.site).map_or_else(String::new, |c| local(&c.code.varnames)) },
        DELETE_FAST => Cause::Deleted { name: book.code_at(m.site).map_or_else(String::new, |c| local(&c.code.varnames)) },
        STORE_DEREF => Cause::Overwritten { name: cell() },
        DELETE_DEREF => Cause::Deleted { name: cell() },
        STORE_ATTR => Cause::Attribute { name: name_of(book, m, arg), deleted: false },
        DELETE_ATTR => Cause::Attribute { name: name_of(book, m, arg), deleted: true },
        STORE_SUBSCR | DELETE_SUBSCR | MAP_ADD | SET_ADD | LIST_APPEND => Cause::TakenOut { by: op.to_string() },
        POP_TOP => Cause::Temporary,
        POP_EXCEPT | RERAISE => Cause::ExceptionForgotten,
        FOR_ITER => Cause::LoopOver,
        RETURN_VALUE => Cause::Returned { name: String::new(), function },
        YIELD_VALUE | YIELD_FROM => Cause::Generator,
        CALL_FUNCTION | CALL_METHOD | CALL_FUNCTION_KW | CALL_FUNCTION_EX => {
            if is_taken_out(book, life, m) {
                Cause::TakenOut { by }
            } else if by.is_empty() {
                Cause::UsedUp { by: op.to_string() }
            } else {
                Cause::UsedUp { by }
            }
        }
        _ => Cause::UsedUp { by: op.to_string() },
    })
}

/// Methods that let go of what a container holds.
fn takes_out(by: &str) -> bool {
    let Some((_, method)) = by.rsplit_once('.') else { return false };
    matches!(
        method,
        "pop" | "popitem" | "popleft" | "clear" | "remove" | "discard" | "update" | "__setitem__" | "__delitem__" | "__delattr__" | "difference_update" | "intersection_update"
    )
}

/// Whether a death in a native callable is that of something older that a container held.
pub(crate) fn is_taken_out(book: &Book, life: &Life, m: &Moment) -> bool {
    life.born.step < m.step && takes_out(book.name(m.by)) && !is_argument_temporary(book, life, m)
}

/// Made for the call itself, in the same line and frame, and never stored.
fn is_argument_temporary(book: &Book, life: &Life, m: &Moment) -> bool {
    life.born.frame == m.frame && book.line(life.born.site) == book.line(m.site) && book.stored_as(life.born.site).is_none() && m.step.saturating_sub(life.born.step) < 16
}

/// The number of the collection in which a death falls.
pub(crate) fn collection(book: &Book, d: &Death) -> usize {
    book.collections.partition_point(|c| c.at.order <= d.at.order).saturating_sub(1)
}

/// The chain of owners from an object up to the first that did not die with another.
pub fn chain(book: &Book, life: &Life) -> Vec<u64> {
    let mut out = vec![life.serial];
    let mut at = life;
    while let Some(d) = &at.death
        && d.how == How::OwnerDied
        && d.parent != 0
        && out.len() < 1000
    {
        let Some(p) = book.life(d.parent) else { break };
        out.push(p.serial);
        at = p;
    }
    out
}

/// The variable that a new object was stored in at once: its name, and the function if it is a local.
pub fn first_holder(book: &Book, life: &Life) -> Option<(String, Option<String>)> {
    let (op, name) = book.stored_as(life.born.site)?;
    match op {
        Opcode::STORE_FAST => Some((name.to_string(), Some(book.function(life.born.site).to_string()))),
        Opcode::STORE_NAME | Opcode::STORE_GLOBAL => Some((name.to_string(), None)),
        _ => Some((format!(".{name}"), None)),
    }
}
