//! How much room the frame of a function takes in CPython 3.13: what `sys.getsizeof` of generators, coroutines and frames says.
//! Our stack size is 3.9's. 3.13 keeps a NULL beside what it calls, one value for an exception where 3.9 keeps three, works
//! comprehensions out in the frame around them, and none of its functions needs its name on the stack. So the depth is worked
//! out from the same instructions with the widths of 3.13.

use crate::Opcode::{self, *};
use crate::code::{CO_ASYNC_GENERATOR, CO_COROUTINE, CO_GENERATOR, CO_OPTIMIZED, Const, Instruction};
use crate::{Code, Flags};
use std::collections::{BTreeSet, HashMap};

const SUSPENDS: Flags = CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR;
/// Longer displays are built item by item.
const LONG_DISPLAY: usize = 30;
/// Above the values below a handler: the exception that was handled before, this one, and with both saved away a third and fourth.
const HANDLER: usize = 4;
/// Around a `with` block: its exit method, and five more while that is called with an exception.
const WITH: usize = 6;

/// More values on the stack, or code objects in a code object, than anybody writes.
const DEEP: u32 = 1000;

/// What a value is, as far as calls are concerned.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Other,
    /// Called without a NULL beside it.
    Bare,
    /// Made by `def` or `class`: what is called with it alone decorates it.
    Defined,
    /// `__build_class__`.
    ClassBuilder,
    /// The global `super`.
    Super,
    /// A text: the constant.
    Text(usize),
    /// Code, or the comprehension made of it: the constant.
    Code(usize),
    Inlined(usize),
}

/// A value on the stack: how wide it is, and the greatest depths that were reached before it was whole and since.
#[derive(Clone)]
struct Entry {
    width: usize,
    inner: usize,
    above: usize,
    kind: Kind,
}

#[derive(Clone, Default)]
struct Stack {
    entries: Vec<Entry>,
    /// The greatest depth of what was there before the lowest.
    below: usize,
}
impl Stack {
    fn depth(&self) -> usize {
        self.entries.iter().map(|e| e.width).sum()
    }
    fn push_wide(&mut self, width: usize, kind: Kind) {
        let above = self.depth() + width;
        self.entries.push(Entry { width, inner: 0, above, kind });
    }
    fn push(&mut self) {
        self.push_wide(1, Kind::Other);
    }
    fn pop(&mut self) -> Entry {
        self.entries.pop().unwrap_or(Entry { width: 0, inner: 0, above: 0, kind: Kind::Other })
    }
    /// Takes values away; how deep it was with them.
    fn take(&mut self, n: usize) -> usize {
        let at = self.entries.len().saturating_sub(n);
        self.entries.drain(at..).map(|e| e.peak()).max().unwrap_or(0)
    }
    /// So deep it was while what lies on top has been there.
    fn reached(&mut self, peak: usize) {
        let place = self.entries.last_mut().map_or(&mut self.below, |e| &mut e.above);
        *place = peak.max(*place);
    }
    fn drop(&mut self, n: usize) {
        let peak = self.take(n);
        self.reached(peak);
    }
    /// One value in the place of some.
    fn replace(&mut self, n: usize) {
        let peak = self.take(n);
        self.push();
        self.cost(peak);
    }
    /// So deep it was before what lies on top was whole.
    fn cost(&mut self, peak: usize) {
        let place = self.entries.last_mut().map_or(&mut self.below, |e| &mut e.inner);
        *place = peak.max(*place);
    }
    /// Two ways meet.
    fn merge(&mut self, other: &Stack) {
        self.below = self.below.max(other.below);
        for (a, b) in self.entries.iter_mut().zip(&other.entries) {
            (a.inner, a.above) = (a.inner.max(b.inner), a.above.max(b.above));
        }
    }
    /// What a handler finds: what was handled before, and the exception itself; of each 3.9 keeps three.
    fn push_exception(&mut self) {
        for width in [0, 0, 1, 1, 0, 0] {
            self.push_wide(width, Kind::Other);
        }
    }
}
impl Entry {
    fn peak(&self) -> usize {
        self.inner.max(self.above)
    }
}

/// The walk through one code object.
struct Walk<'a> {
    code: &'a Code,
    /// Comprehensions are worked out in place.
    inlines: bool,
    peak: usize,
    /// What lies on the stack where jumps lead.
    known: HashMap<usize, Stack>,
}

fn inner_code(code: &Code, n: usize) -> Option<&Code> {
    match code.consts.get(n) {
        Some(Const::Code(c)) => Some(c),
        _ => None,
    }
}
fn is_comprehension(code: &Code) -> bool {
    matches!(&*code.name, "<listcomp>" | "<setcomp>" | "<dictcomp>")
}

/// Names of a frame: its own and those of the comprehensions in it.
fn names<'a>(code: &'a Code, inlines: bool, out: &mut BTreeSet<&'a str>) {
    let own = code.varnames.iter().chain(&code.cellvars).chain(&code.freevars);
    out.extend(own.map(|n| &**n).filter(|n| *n != ".0" || !is_comprehension(code)));
    if inlines {
        for n in 0..code.consts.len() {
            if let Some(c) = inner_code(code, n).filter(|c| is_comprehension(c)) {
                names(c, true, out);
            }
        }
    }
}

/// Slots of a frame in CPython 3.13: variables and stack. Deeper stacks than sources have are told as they are in 3.9.
pub fn slots(code: &Code) -> usize {
    if code.stacksize > DEEP || code.inside.depth > DEEP || code.inside.count > DEEP {
        return code.nlocals() + code.cellvars.len() + code.freevars.len() + code.stacksize as usize;
    }
    let inlines = code.flags & CO_OPTIMIZED != 0 || &*code.name == "<module>";
    let mut variables = BTreeSet::new();
    names(code, inlines, &mut variables);
    // A comprehension that is a function of its own has what it goes through.
    let hidden = usize::from(is_comprehension(code));
    let least = if code.flags & SUSPENDS != 0 { 2 } else { 1 };
    variables.len() + hidden + depth(code, inlines).max(least)
}

fn depth(code: &Code, inlines: bool) -> usize {
    let mut walk = Walk { code, inlines, peak: 0, known: HashMap::new() };
    walk.run(&code.instructions().collect::<Vec<_>>());
    walk.peak
}

impl Walk<'_> {
    fn run(&mut self, list: &[Instruction]) {
        let mut stack = Some(Stack::default());
        for (at, i) in list.iter().enumerate() {
            if let Some(there) = self.known.remove(&at) {
                match &mut stack {
                    Some(s) => s.merge(&there),
                    None => stack = Some(there),
                }
            }
            let (Some(s), Some(op)) = (&mut stack, Opcode::from_u8(i.opcode)) else { continue };
            if let Some(t) = i.target().map(|t| t as usize / 2).filter(|t| *t > at) {
                let there = taken(s, op, i.arg, &list[t.min(list.len())..]);
                match self.known.get_mut(&t) {
                    Some(known) => known.merge(&there),
                    None => _ = self.known.insert(t, there),
                }
            }
            self.step(s, op, i.arg, &list[at + 1..]);
            if op.ends_flow() {
                let rest = s.entries.len();
                s.drop(rest);
                self.peak = self.peak.max(s.below);
                stack = None;
            }
        }
    }

    /// The constant of the code of a comprehension that is worked out in place, if that is what an instruction loads.
    fn inlined(&self, i: &Instruction) -> Option<usize> {
        let n = i.arg as usize;
        (self.inlines && i.opcode == LOAD_CONST as u8 && inner_code(self.code, n).is_some_and(is_comprehension)).then_some(n)
    }
    /// Whether a closure for such a comprehension is being put together.
    fn closes_inlined(&self, behind: &[Instruction]) -> bool {
        let closing = |i: &&Instruction| matches!(Opcode::from_u8(i.opcode), Some(LOAD_CLOSURE | BUILD_TUPLE | EXTENDED_ARG));
        behind.iter().find(|i| !closing(i)).is_some_and(|i| self.inlined(i).is_some())
    }

    /// One instruction, if it does not jump; `behind` are those after it.
    fn step(&mut self, s: &mut Stack, op: Opcode, arg: u32, behind: &[Instruction]) {
        let n = arg as usize;
        let next = behind.iter().find_map(|i| Opcode::from_u8(i.opcode).filter(|op| *op != EXTENDED_ARG));
        match op {
            EXTENDED_ARG | NOP | POP_BLOCK | SETUP_FINALLY | JUMP_FORWARD | JUMP_ABSOLUTE => {}
            LOAD_CONST if next == Some(MAKE_FUNCTION) => s.push_wide(0, Kind::Other),
            LOAD_CONST if inner_code(self.code, n).is_some() => {
                let inlined = self.inlines && inner_code(self.code, n).is_some_and(is_comprehension);
                s.push_wide(usize::from(!inlined), Kind::Code(n));
            }
            LOAD_CONST if matches!(self.code.consts.get(n), Some(Const::Str(_))) => s.push_wide(1, Kind::Text(n)),
            BUILD_TUPLE if next == Some(BINARY_MODULO) && self.pieces(s, n).is_some() => {
                let pieces = self.pieces(s, n).unwrap_or_default();
                let first = s.entries.len() - n;
                // Each value lay above the text and the values before; it lies above the pieces before.
                let items = s.entries.drain(first..).zip(&pieces.values).enumerate();
                let peak = items.map(|(i, (e, (before, _)))| (e.peak() + before).saturating_sub(1 + i)).max().unwrap_or(0);
                let text = s.pop();
                let base = s.depth();
                let specs = pieces.values.iter().filter(|(_, spec)| *spec).map(|(before, _)| base + before + 2).max().unwrap_or(0);
                s.push_wide(0, Kind::Other);
                s.cost(text.inner);
                s.push();
                s.cost(peak.max(specs).max(base + pieces.total));
            }
            LOAD_CLOSURE => s.push_wide(usize::from(!self.closes_inlined(behind)), Kind::Other),
            BUILD_TUPLE if n > 0 && self.closes_inlined(behind) => {
                s.drop(n);
                s.push_wide(0, Kind::Other);
            }
            MAKE_FUNCTION => self.make_function(s, arg),
            LOAD_BUILD_CLASS => s.push_wide(1, Kind::ClassBuilder),
            LOAD_ASSERTION_ERROR => s.push_wide(1, Kind::Bare),
            LOAD_GLOBAL if self.code.names.get(n).is_some_and(|name| &**name == "super") => s.push_wide(1, Kind::Super),
            CALL_FUNCTION => self.call(s, n, matches!(next, Some(LOAD_ATTR | LOAD_METHOD))),
            CALL_FUNCTION_KW => call_with_null(s, n + 1),
            CALL_FUNCTION_EX => call_with_null(s, 1 + (n & 1)),
            BUILD_LIST | BUILD_TUPLE | BUILD_SET if n > LONG_DISPLAY => {
                let first = s.entries.len().saturating_sub(n);
                let peak = s.entries.drain(first..).enumerate().map(|(i, e)| (e.peak() + 1).saturating_sub(i)).max().unwrap_or(0);
                let base = s.depth();
                s.push();
                s.cost(peak.max(base + 2));
            }
            BUILD_CONST_KEY_MAP | BUILD_MAP if 2 * n > LONG_DISPLAY => {
                // Keys that are constants lie in a tuple above the values.
                let (taken, values_only) = if op == BUILD_MAP { (2 * n, false) } else { (n + 1, true) };
                let first = s.entries.len().saturating_sub(taken);
                let place = |i: usize| if values_only { 2 } else { 1 + i % 2 };
                let items = s.entries.drain(first..).enumerate();
                let peak = items.filter(|(i, _)| !values_only || *i < n).map(|(i, e)| (e.peak() + place(i)).saturating_sub(i)).max().unwrap_or(0);
                let base = s.depth();
                s.push();
                s.cost(peak.max(base + 3));
            }
            YIELD_FROM => {
                let base = s.depth().saturating_sub(2);
                s.replace(2);
                // What is sent, and an exception thrown in.
                s.cost(base + 3);
            }
            LOAD_METHOD | BEFORE_ASYNC_WITH | SETUP_WITH => {
                s.replace(1);
                if let Some(exit) = s.entries.last_mut().filter(|_| op != LOAD_METHOD) {
                    exit.kind = Kind::Bare;
                }
                s.push();
            }
            UNPACK_SEQUENCE | UNPACK_EX => {
                let peak = s.take(1);
                (0..=op.stack_effect(arg, false)).for_each(|_| s.push());
                s.cost(peak);
            }
            ROT_TWO | ROT_THREE | ROT_FOUR => {
                let turned = match op {
                    ROT_TWO => 2,
                    ROT_THREE => 3,
                    _ => 4,
                };
                let first = s.entries.len().saturating_sub(turned);
                s.entries[first..].rotate_right(1);
            }
            DUP_TOP => {
                let width = s.entries.last().map_or(0, |e| e.width);
                s.push_wide(width, Kind::Other);
            }
            _ => {
                let effect = op.stack_effect(arg, false);
                match usize::try_from(effect) {
                    Ok(more) if more > 0 => (0..more).for_each(|_| s.push()),
                    _ if only_takes(op) => s.drop(effect.unsigned_abs() as usize),
                    _ => s.replace(effect.unsigned_abs() as usize + 1),
                }
            }
        }
    }

    /// How a text with `%` under so many values on the stack is put together without it.
    fn pieces(&self, s: &Stack, n: usize) -> Option<Pieces> {
        let text = s.entries.len().checked_sub(n + 1).map(|at| s.entries[at].kind);
        match text.map(|kind| if let Kind::Text(c) = kind { self.code.consts.get(c) } else { None })? {
            Some(Const::Str(text)) => Pieces::of(text).filter(|p| p.values.len() == n && n > 0),
            _ => None,
        }
    }

    fn make_function(&self, s: &mut Stack, flags: u32) {
        // Its name needs no room.
        s.drop(1);
        let code = match s.entries.last() {
            Some(Entry { kind: Kind::Code(n), .. }) => Some(*n),
            _ => None,
        };
        let peak = s.take(1 + (flags & 0x1f).count_ones() as usize);
        let kind = match code.and_then(|n| Some((n, inner_code(self.code, n)?))) {
            Some((n, c)) if self.inlines && is_comprehension(c) => Kind::Inlined(n),
            Some((_, c)) if &*c.name == "<genexpr>" => Kind::Bare,
            Some((_, c)) if !c.name.starts_with('<') => Kind::Defined,
            _ => Kind::Other,
        };
        s.push_wide(usize::from(!matches!(kind, Kind::Inlined(_))), kind);
        s.cost(peak);
    }

    fn call(&self, s: &mut Stack, n: usize, for_attribute: bool) {
        let decorates = n == 1 && s.entries.last().is_some_and(|e| e.kind == Kind::Defined);
        let arguments = s.take(n);
        let called = s.pop();
        let base = s.depth();
        let null = match called.kind {
            Kind::Bare | Kind::Inlined(_) => 0,
            Kind::Super if for_attribute && (n == 0 || n == 2) => 0,
            _ => usize::from(!decorates),
        };
        let mut peak = called.inner.max(called.above.max(arguments) + null);
        if called.kind == Kind::Super && for_attribute && n == 0 {
            // `super`, the class and the first argument.
            peak = peak.max(base + 3);
        }
        if let Kind::Inlined(c) = called.kind
            && let Some(c) = inner_code(self.code, c)
        {
            // Its variables are saved, and what it goes through lies among what it works with.
            let mut own = BTreeSet::new();
            names(c, false, &mut own);
            let saved = own.iter().filter(|n| c.freevars.iter().all(|f| &**f != **n)).count();
            peak = peak.max(base + saved + depth(c, true));
        }
        let defines = decorates || called.kind == Kind::ClassBuilder;
        s.push_wide(1, if defines { Kind::Defined } else { Kind::Other });
        s.cost(peak);
    }
}

/// A text with `%s`, `%r` and `%a` alone, which 3.13 makes an f-string of.
#[derive(Default)]
struct Pieces {
    /// Of each value, how many pieces come before it, and whether it has a width or a precision.
    values: Vec<(usize, bool)>,
    total: usize,
}
impl Pieces {
    fn of(text: &str) -> Option<Pieces> {
        let mut pieces = Pieces::default();
        let mut literal = false;
        let mut rest = text;
        while !rest.is_empty() {
            let Some(at) = rest.find('%') else {
                literal = true;
                break;
            };
            literal |= at > 0;
            rest = &rest[at + 1..];
            if let Some(behind) = rest.strip_prefix('%') {
                (literal, rest) = (true, behind);
                continue;
            }
            pieces.total += usize::from(std::mem::take(&mut literal));
            let digits = |text: &'_ str| text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let flagged = rest.trim_start_matches(['-', '+', ' ', '#', '0']);
            let width = digits(flagged);
            let wide = &flagged[width..];
            let precision = wide.strip_prefix('.').map(digits);
            let end = &wide[precision.map_or(0, |p| p + 1)..];
            rest = end.strip_prefix(['s', 'r', 'a']).filter(|_| width < 3 && precision.unwrap_or(0) < 3)?;
            pieces.values.push((pieces.total, width > 0 || precision.is_some()));
            pieces.total += 1;
        }
        pieces.total += usize::from(literal);
        Some(pieces)
    }
}

/// A call with a NULL beside what is called.
fn call_with_null(s: &mut Stack, arguments: usize) {
    let arguments = s.take(arguments);
    let called = s.pop();
    s.push();
    s.cost(called.inner.max(called.above.max(arguments) + 1));
}

/// What lies on the stack where a jump leads that is taken; `there` is what stands there.
fn taken(s: &Stack, op: Opcode, arg: u32, there: &[Instruction]) -> Stack {
    let mut s = s.clone();
    match op {
        SETUP_FINALLY => {
            let base = s.depth();
            s.push_exception();
            let code = |n: usize| there.get(n).and_then(|i| Opcode::from_u8(i.opcode));
            // Where the name of an exception is deleted, and where an async loop ends, nothing more is saved.
            let ends_loop = code(0) == Some(END_ASYNC_FOR);
            let deletes_name = code(3) == Some(RERAISE) && matches!(code(2), Some(DELETE_FAST | DELETE_NAME | DELETE_GLOBAL | DELETE_DEREF));
            if !ends_loop && !deletes_name {
                s.cost(base + HANDLER);
            }
        }
        SETUP_WITH | SETUP_ASYNC_WITH => {
            // What was entered is gone; the exit method lies below.
            s.drop(1);
            if op == SETUP_WITH {
                s.push_wide(1, Kind::Bare);
            }
            let base = s.depth().saturating_sub(1);
            s.push_exception();
            s.cost(base + WITH + usize::from(op == SETUP_ASYNC_WITH));
        }
        _ => s.drop(op.stack_effect(arg, true).min(0).unsigned_abs() as usize),
    }
    s
}

/// Whether an instruction takes values and leaves nothing for them.
fn only_takes(op: Opcode) -> bool {
    let name = op.name();
    ["STORE_", "DELETE_", "POP_", "JUMP_IF_"].iter().any(|start| name.starts_with(start))
        || matches!(op, RETURN_VALUE | RAISE_VARARGS | RERAISE | PRINT_EXPR | IMPORT_STAR | END_ASYNC_FOR)
        || matches!(op, LIST_APPEND | SET_ADD | MAP_ADD | LIST_EXTEND | SET_UPDATE | DICT_UPDATE | DICT_MERGE | SETUP_ANNOTATIONS)
}
