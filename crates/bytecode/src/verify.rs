//! Whether bytecode may run. What the compiler makes always may; what came from a program (`types.CodeType(...)`, `marshal`, a `.pyc`
//! file) is looked at first: operands in range, jumps to instructions, a stack that is the same on every way, and on it what
//! each instruction takes for granted. The instructions looked at are those that run, comprehensions in their places.

use crate::Operand;
use crate::code::*;
use crate::inline::INLINE_END;
use crate::opcode::Opcode::{self, *};
use std::collections::{HashMap, HashSet};

/// Why code may not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The byte offset of the instruction.
    pub offset: u32,
    pub why: &'static str,
}

/// What lies in an entry of the stack.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Kind {
    /// Some object.
    Any,
    /// One that BUILD_LIST made, and so on.
    List,
    Set,
    Dict,
    Tuple,
    /// A constant, by number.
    Constant(u32),
    Cell,
    /// A tuple of so many cells.
    Cells(u32),
    /// The two that LOAD_METHOD leaves for CALL_METHOD.
    Method(bool),
    /// What was being handled before this handler ran: three, for POP_EXCEPT.
    Before(u8),
}
use Kind::*;

impl Kind {
    fn is_object(self) -> bool {
        !matches!(self, Method(_) | Before(_))
    }
}

/// What is known of the stack where a jump leads.
#[derive(Clone, PartialEq)]
struct State {
    stack: Vec<Kind>,
    /// The handlers of the blocks, and how much of the stack stays for each.
    blocks: Vec<(u32, usize)>,
}

impl State {
    /// Keeps what both know; false where they cannot be one.
    fn meet(&mut self, other: &State) -> bool {
        if self.blocks != other.blocks || self.stack.len() != other.stack.len() {
            return false;
        }
        self.stack.iter_mut().zip(&other.stack).all(|(k, o)| {
            let fits = k == o || k.is_object() && o.is_object();
            if k != o {
                *k = Any;
            }
            fits
        })
    }
}

const DIFFERS: &str = "a stack that differs from one way to another";

/// Entries of a stack, and locals, at the most: registers have numbers of 16 bits.
const DEPTH_MAX: usize = 30_000;
const LOCALS_MAX: usize = 30_000;
const NESTED_MAX: u32 = 200;

struct Verifier<'a> {
    code: &'a Code,
    consts: Vec<&'a Const>,
    names: usize,
    /// Registers that LOAD_FAST may not read: arguments that are moved into cells, by number.
    moved: Vec<bool>,
    /// Behind the code's own registers: where the variables of comprehensions are.
    hidden: std::ops::Range<usize>,
    /// The index of an instruction, by its offset; of EXTENDED_ARG, that of the instruction behind it.
    places: HashMap<u32, usize>,
    /// Of places that jumps lead to: those further on, and those that something further on leads back to.
    states: HashMap<usize, State>,
    now: State,
    at: u32,
    deepest: usize,
}

/// Whether code may run, and how deep its stack becomes.
///
/// # Errors
/// The first fault found.
pub fn verify(code: &Code) -> Result<u32, Fault> {
    operands(code, 0)?;
    let (list, inlining) = code.expanded();
    let fault = |why| Err(Fault { offset: 0, why });
    let own = code.nlocals() + code.cellvars.len() + code.freevars.len();
    if own + inlining.hidden as usize > LOCALS_MAX {
        return fault("too many variables");
    }
    if code.arg_slots() > code.nlocals() || code.posonlyargcount > code.argcount {
        return fault("more arguments than variables");
    }
    let kinds = [CO_GENERATOR, CO_COROUTINE, CO_ASYNC_GENERATOR].iter().filter(|f| code.flags & **f != 0).count();
    if kinds > 1 || code.arg_slots() > 0 && code.flags & CO_OPTIMIZED == 0 {
        return fault("flags that exclude each other");
    }
    let mut v = Verifier {
        code,
        consts: code.consts.iter().chain(inlining.regions.iter().flat_map(|r| &r.code.consts)).collect(),
        names: code.names.len() + inlining.regions.iter().map(|r| r.code.names.len()).sum::<usize>(),
        moved: code.varnames.iter().enumerate().map(|(i, n)| i < code.arg_slots() && code.cellvars.contains(n)).collect(),
        hidden: own..own + inlining.hidden as usize,
        places: HashMap::new(),
        states: HashMap::new(),
        now: State { stack: Vec::new(), blocks: Vec::new() },
        at: 0,
        deepest: 0,
    };
    v.run(&list)?;
    Ok(v.deepest as u32)
}

/// What can be said of each instruction alone; of the comprehensions inside, too, which will stand among them.
fn operands(code: &Code, depth: u32) -> Result<(), Fault> {
    if depth > NESTED_MAX || !code.code.len().is_multiple_of(2) || code.code.is_empty() || code.code.len() > i32::MAX as usize {
        return Err(Fault { offset: 0, why: "no whole number of instructions" });
    }
    let mut prefixes = 0;
    for i in code.instructions() {
        let fault = |why| Err(Fault { offset: i.offset, why });
        let Some(op) = Opcode::from_u8(i.opcode) else { return fault("unknown opcode") };
        prefixes = if op == EXTENDED_ARG { prefixes + 1 } else { 0 };
        if prefixes > 3 {
            return fault("too many EXTENDED_ARG");
        }
        if op == EXTENDED_ARG {
            continue;
        }
        let n = i.arg as usize;
        let fits = match op.operand() {
            Operand::Const => n < code.consts.len(),
            Operand::Name => n < code.names.len(),
            Operand::Local => n < code.nlocals(),
            Operand::Free => n < code.cellvars.len() + code.freevars.len(),
            Operand::Compare => n < crate::opcode::COMPARE_OPS.len(),
            Operand::JumpRelative | Operand::JumpAbsolute => n < code.code.len(),
            Operand::None | Operand::Number => match op {
                IS_OP | CONTAINS_OP | CALL_FUNCTION_EX => n <= 1,
                RAISE_VARARGS => n <= 2,
                BUILD_SLICE => n == 2 || n == 3,
                FORMAT_VALUE => n <= 7,
                MAKE_FUNCTION => n <= 0x1f,
                BUILD_INTERPOLATION => n <= 0xf,
                CALL_INTRINSIC_1 => (1..=6).contains(&n),
                CALL_INTRINSIC_2 => (1..=4).contains(&n),
                LIST_APPEND | SET_ADD | MAP_ADD | LIST_EXTEND | SET_UPDATE | DICT_UPDATE | DICT_MERGE | ROT_N => (1..=DEPTH_MAX).contains(&n),
                UNPACK_EX => (n & 0xff) + (n >> 8) < DEPTH_MAX,
                _ => !op.has_arg() || n <= DEPTH_MAX,
            },
        };
        if !fits {
            return fault("an argument out of range");
        }
    }
    if prefixes > 0 {
        return Err(Fault { offset: code.code.len() as u32 - 2, why: "EXTENDED_ARG at the end" });
    }
    for c in &code.consts {
        if let Const::Code(inner) = c
            && crate::inline::comprehension(inner)
        {
            operands(inner, depth + 1)?;
        }
    }
    Ok(())
}

impl Verifier<'_> {
    fn fault<T>(&self, why: &'static str) -> Result<T, Fault> {
        Err(Fault { offset: self.at, why })
    }

    fn run(&mut self, list: &[Instruction]) -> Result<(), Fault> {
        let mut whole: Vec<Instruction> = Vec::with_capacity(list.len());
        let mut waiting = Vec::new();
        for i in list {
            waiting.push(i.offset);
            if i.opcode != EXTENDED_ARG as u8 {
                self.places.extend(waiting.drain(..).map(|o| (o, whole.len())));
                whole.push(*i);
            }
        }
        for p in self.code.paths.iter().filter(|p| p.from < RAISED && p.from & 1 == 1) {
            let kept = self.places.get(&(p.from & !1)).and_then(|i| Opcode::from_u8(whole[*i].opcode));
            if matches!(kept, Some(JUMP_IF_FALSE_OR_POP | JUMP_IF_TRUE_OR_POP)) {
                return self.fault("a way that leads nowhere");
            }
        }
        let leads_back = |(place, i): (usize, &Instruction)| i.target().and_then(|t| self.places.get(&t).copied()).filter(|to| *to <= place);
        let back: HashSet<usize> = whole.iter().enumerate().filter_map(leads_back).collect();
        let mut reached = true;
        for (place, i) in whole.iter().enumerate() {
            self.at = i.offset;
            match self.states.remove(&place) {
                Some(known) => {
                    let before = std::mem::replace(&mut self.now, known);
                    if reached && !self.now.meet(&before) {
                        return self.fault(DIFFERS);
                    }
                }
                None if reached => {}
                None => continue,
            }
            // From here on it is as it is: what jumps back must fit.
            if back.contains(&place) {
                self.states.insert(place, self.now.clone());
            }
            reached = true;
            if i.opcode == INLINE_END {
                continue;
            }
            let Some(op) = Opcode::from_u8(i.opcode) else { return self.fault("unknown opcode") };
            self.one(op, i, whole.get(place + 1), place)?;
            self.deepest = self.deepest.max(self.now.stack.len());
            if self.deepest > DEPTH_MAX {
                return self.fault("a stack that is too deep");
            }
            reached = !op.ends_flow();
        }
        if reached { self.fault("no end") } else { Ok(()) }
    }

    /// Where another way comes to an instruction further on.
    fn arrive(&mut self, place: usize, other: &State) -> Result<(), Fault> {
        let fits = match self.states.get_mut(&place) {
            Some(known) => known.meet(other),
            None => {
                self.states.insert(place, other.clone());
                true
            }
        };
        if fits { Ok(()) } else { self.fault(DIFFERS) }
    }

    /// A jump; `from` is the place of the instruction.
    fn jump(&mut self, from: usize, target: Option<u32>, state: &State) -> Result<(), Fault> {
        let Some(place) = target.and_then(|t| self.places.get(&t).copied()) else { return self.fault("a jump to no instruction") };
        if place > from {
            return self.arrive(place, state);
        }
        let Some(known) = self.states.get(&place) else { return self.fault("a jump back to where no way led") };
        let fits = known.blocks == state.blocks
            && known.stack.len() == state.stack.len()
            && known.stack.iter().zip(&state.stack).all(|(k, o)| k == o || *k == Any && o.is_object() || *k == Tuple && self.is_tuple(*o));
        if fits { Ok(()) } else { self.fault(DIFFERS) }
    }

    fn floor(&self) -> usize {
        self.now.blocks.last().map_or(0, |b| b.1)
    }
    fn pop_any(&mut self) -> Result<Kind, Fault> {
        if self.now.stack.len() <= self.floor() {
            return self.fault("a stack that is empty");
        }
        match self.now.stack.pop() {
            Some(kind) => Ok(kind),
            None => self.fault("a stack that is empty"),
        }
    }
    /// Takes an object off the stack.
    fn pop(&mut self) -> Result<Kind, Fault> {
        let kind = self.pop_any()?;
        if kind.is_object() { Ok(kind) } else { self.fault("no object on the stack") }
    }
    fn pops(&mut self, n: usize) -> Result<(), Fault> {
        for _ in 0..n {
            self.pop()?;
        }
        Ok(())
    }
    fn push(&mut self, kind: Kind) {
        self.now.stack.push(kind);
    }
    fn pushes(&mut self, n: usize) {
        self.now.stack.extend(std::iter::repeat_n(Any, n));
    }
    /// So many objects are on the stack, and stay.
    fn has(&self, n: usize) -> Result<(), Fault> {
        let len = self.now.stack.len();
        match len.checked_sub(n) {
            Some(from) if self.now.stack[from..].iter().all(|k| k.is_object()) => Ok(()),
            _ => self.fault("a stack that is empty"),
        }
    }
    fn constant(&self, kind: Kind) -> Option<&Const> {
        match kind {
            Constant(n) => self.consts.get(n as usize).copied(),
            _ => None,
        }
    }
    fn is_tuple(&self, kind: Kind) -> bool {
        matches!(kind, Tuple | Cells(_)) || matches!(self.constant(kind), Some(Const::Tuple(_)))
    }
    /// Entry `n` below the top is what an instruction changes in place.
    fn container(&self, n: usize, kind: Kind) -> Result<(), Fault> {
        match self.now.stack.len().checked_sub(n + 1).map(|i| self.now.stack[i]) {
            Some(k) if k == kind => Ok(()),
            _ => self.fault("a container of another type"),
        }
    }
    /// What a handler finds on the stack, above `depth` entries.
    fn raised(&self, depth: usize) -> State {
        let mut stack = self.now.stack[..depth].to_vec();
        stack.extend([Before(0), Before(1), Before(2), Any, Any, Any]);
        State { stack, blocks: self.now.blocks.clone() }
    }
    /// Takes off what a handler found: three objects if they are left, and what was being handled before.
    fn pop_before(&mut self) -> Result<(), Fault> {
        for n in [2, 1, 0] {
            if self.pop_any()? != Before(n) {
                return self.fault("no exception that is being handled");
            }
        }
        Ok(())
    }

    #[allow(clippy::too_many_lines)]
    fn one(&mut self, op: Opcode, i: &Instruction, next: Option<&Instruction>, place: usize) -> Result<(), Fault> {
        let n = i.arg as usize;
        let target = i.target();
        match op {
            NOP | EXTENDED_ARG | SETUP_ANNOTATIONS | DELETE_NAME | DELETE_GLOBAL | DELETE_DEREF => {}
            LOAD_FAST | STORE_FAST | DELETE_FAST => {
                let own = n < self.code.nlocals() && !self.moved[n];
                if !own && !self.hidden.contains(&n) {
                    return self.fault("a variable that has a cell");
                }
                match op {
                    LOAD_FAST => self.push(Any),
                    STORE_FAST => _ = self.pop()?,
                    _ => {}
                }
            }
            LOAD_CONST => {
                if n >= self.consts.len() {
                    return self.fault("an argument out of range");
                }
                self.push(Constant(i.arg));
            }
            LOAD_GLOBAL | LOAD_NAME | STORE_NAME | STORE_GLOBAL | LOAD_ATTR | STORE_ATTR | DELETE_ATTR | LOAD_METHOD | IMPORT_NAME | IMPORT_FROM | LOAD_FROM_DICT_OR_GLOBALS
                if n >= self.names =>
            {
                return self.fault("an argument out of range");
            }
            LOAD_GLOBAL | LOAD_NAME | LOAD_BUILD_CLASS | LOAD_ASSERTION_ERROR | LOAD_DEREF | LOAD_CLASSDEREF => self.push(Any),
            LOAD_CLOSURE => self.push(Cell),
            POP_TOP | STORE_NAME | STORE_GLOBAL | STORE_DEREF | PRINT_EXPR | IMPORT_STAR | DELETE_ATTR => self.pops(1)?,
            STORE_ATTR | DELETE_SUBSCR => self.pops(2)?,
            STORE_SUBSCR => self.pops(3)?,
            ROT_TWO => self.rotate(2)?,
            ROT_THREE => self.rotate(3)?,
            ROT_FOUR => {
                let len = self.now.stack.len();
                let handled = len >= 4 && self.now.stack[len - 4..len - 1] == [Before(0), Before(1), Before(2)];
                if handled && next.is_some_and(|n| n.opcode == POP_EXCEPT as u8) {
                    // The value of a return steps below what the handler keeps, which goes at once.
                    if len - 4 < self.floor() || !self.now.stack[len - 1].is_object() {
                        return self.fault("a stack that is empty");
                    }
                    self.now.stack[len - 4..].rotate_right(1);
                } else {
                    self.rotate(4)?;
                }
            }
            ROT_N => self.rotate(n)?,
            DUP_TOP | DUP_TOP_TWO => {
                let count = if op == DUP_TOP { 1 } else { 2 };
                self.has(count)?;
                let len = self.now.stack.len();
                self.now.stack.extend_from_within(len - count..);
            }
            UNARY_POSITIVE
            | UNARY_NEGATIVE
            | UNARY_NOT
            | UNARY_INVERT
            | GET_ITER
            | GET_YIELD_FROM_ITER
            | GET_AITER
            | LOAD_ATTR
            | LOAD_FROM_DICT_OR_GLOBALS
            | LOAD_FROM_DICT_OR_DEREF
            | CALL_INTRINSIC_1 => self.replace(1)?,
            BINARY_POWER
            | BINARY_MULTIPLY
            | BINARY_MATRIX_MULTIPLY
            | BINARY_MODULO
            | BINARY_ADD
            | BINARY_SUBTRACT
            | BINARY_SUBSCR
            | BINARY_FLOOR_DIVIDE
            | BINARY_TRUE_DIVIDE
            | BINARY_LSHIFT
            | BINARY_RSHIFT
            | BINARY_AND
            | BINARY_XOR
            | BINARY_OR
            | INPLACE_POWER
            | INPLACE_MULTIPLY
            | INPLACE_MATRIX_MULTIPLY
            | INPLACE_MODULO
            | INPLACE_ADD
            | INPLACE_SUBTRACT
            | INPLACE_FLOOR_DIVIDE
            | INPLACE_TRUE_DIVIDE
            | INPLACE_LSHIFT
            | INPLACE_RSHIFT
            | INPLACE_AND
            | INPLACE_XOR
            | INPLACE_OR
            | COMPARE_OP
            | IS_OP
            | CONTAINS_OP
            | IMPORT_NAME
            | CALL_INTRINSIC_2
            | BUILD_TEMPLATE => self.replace(2)?,
            IMPORT_FROM | GET_LEN | MATCH_MAPPING | MATCH_SEQUENCE | GET_ANEXT => {
                self.has(1)?;
                self.push(Any);
            }
            MATCH_KEYS => {
                self.has(2)?;
                self.pushes(2);
            }
            MATCH_CLASS => {
                self.pops(3)?;
                self.pushes(2);
            }
            COPY_DICT_WITHOUT_KEYS | CHECK_EG_MATCH => {
                self.pops(2)?;
                self.pushes(2);
            }
            BUILD_SLICE => self.replace(n)?,
            FORMAT_VALUE => self.replace(1 + usize::from(n & 4 != 0))?,
            BUILD_INTERPOLATION => self.replace(2 + (n & 1))?,
            BUILD_STRING => self.replace(n)?,
            BUILD_TUPLE => {
                let len = self.now.stack.len();
                let cells = n > 0 && len >= n && self.now.stack[len - n..].iter().all(|k| *k == Cell);
                self.pops(n)?;
                self.push(if cells { Cells(i.arg) } else { Tuple });
            }
            BUILD_LIST => self.build(n, List)?,
            BUILD_SET => self.build(n, Set)?,
            BUILD_MAP => self.build(2 * n, Dict)?,
            BUILD_CONST_KEY_MAP => {
                let keys = self.pop()?;
                if !matches!(self.constant(keys), Some(Const::Tuple(t)) if t.len() == n) {
                    return self.fault("keys that are no constant");
                }
                self.build(n, Dict)?;
            }
            LIST_TO_TUPLE => {
                self.container(0, List)?;
                self.pops(1)?;
                self.push(Tuple);
            }
            LIST_APPEND | LIST_EXTEND => {
                self.pops(1)?;
                self.container(n - 1, List)?;
            }
            SET_ADD => {
                self.pops(1)?;
                // The annotations that were met lie in a set under a name: its type is looked at when it runs.
                if self.container(n - 1, Any).is_err() {
                    self.container(n - 1, Set)?;
                }
            }
            SET_UPDATE => {
                self.pops(1)?;
                self.container(n - 1, Set)?;
            }
            DICT_UPDATE | DICT_MERGE => {
                self.pops(1)?;
                self.container(n - 1, Dict)?;
                // What is called lies two below the dict.
                let callee = self.now.stack.len().checked_sub(n + 2).map(|i| self.now.stack[i]);
                if op == DICT_MERGE && !callee.is_some_and(Kind::is_object) {
                    return self.fault("a stack that is empty");
                }
            }
            MAP_ADD => {
                self.pops(2)?;
                self.container(n - 1, Dict)?;
            }
            UNPACK_SEQUENCE => {
                self.pops(1)?;
                self.pushes(n);
            }
            UNPACK_EX => {
                self.pops(1)?;
                self.pushes((n & 0xff) + 1 + (n >> 8));
            }
            LOAD_METHOD => {
                self.pops(1)?;
                self.push(Method(false));
                self.push(Method(true));
            }
            CALL_METHOD => {
                self.pops(n)?;
                if self.pop_any()? != Method(true) || self.pop_any()? != Method(false) {
                    return self.fault("no method on the stack");
                }
                self.push(Any);
            }
            CALL_FUNCTION => self.replace(n + 1)?,
            CALL_FUNCTION_KW => {
                let names = self.pop()?;
                if !matches!(self.constant(names), Some(Const::Tuple(t)) if t.len() <= n && t.iter().all(|c| matches!(c, Const::Str(_) | Const::WideStr(_)))) {
                    return self.fault("names of arguments that are no constant");
                }
                self.replace(n + 1)?;
            }
            CALL_FUNCTION_EX => self.replace(2 + n)?,
            MAKE_FUNCTION => self.make_function(n)?,
            JUMP_FORWARD | JUMP_ABSOLUTE => {
                let state = self.now.clone();
                self.jump(place, target, &state)?;
            }
            POP_JUMP_IF_FALSE | POP_JUMP_IF_TRUE => {
                self.pops(1)?;
                let state = self.now.clone();
                self.jump(place, target, &state)?;
            }
            JUMP_IF_FALSE_OR_POP | JUMP_IF_TRUE_OR_POP => {
                self.has(1)?;
                let state = self.now.clone();
                self.jump(place, target, &state)?;
                self.pops(1)?;
            }
            JUMP_IF_NOT_EXC_MATCH => {
                self.pops(2)?;
                let state = self.now.clone();
                self.jump(place, target, &state)?;
            }
            FOR_ITER => {
                self.has(1)?;
                let mut state = self.now.clone();
                state.stack.pop();
                self.jump(place, target, &state)?;
                self.push(Any);
            }
            RETURN_VALUE => {
                self.pops(1)?;
                if !self.now.stack.is_empty() || !self.now.blocks.is_empty() {
                    return self.fault("something left on the stack");
                }
            }
            RAISE_VARARGS => self.pops(n)?,
            SETUP_FINALLY | SETUP_WITH | SETUP_ASYNC_WITH => {
                if op == SETUP_WITH {
                    self.replace(1)?;
                } else if op == SETUP_ASYNC_WITH {
                    self.has(1)?;
                }
                let depth = self.now.stack.len() - usize::from(op == SETUP_ASYNC_WITH);
                let Some(handler) = target.and_then(|t| self.places.get(&t).copied()).filter(|h| *h > place) else { return self.fault("a jump to no instruction") };
                let state = self.raised(depth);
                self.arrive(handler, &state)?;
                // Blocks are told apart by their handlers, however these are reached.
                self.now.blocks.push((handler as u32, depth));
                if op == SETUP_WITH {
                    self.push(Any);
                }
            }
            POP_BLOCK => {
                if self.now.blocks.pop().is_none() {
                    return self.fault("no block to leave");
                }
            }
            POP_EXCEPT => self.pop_before()?,
            RERAISE => self.pops(3)?,
            END_ASYNC_FOR => {
                self.pops(3)?;
                self.pop_before()?;
                self.pops(1)?;
            }
            WITH_EXCEPT_START => {
                let len = self.now.stack.len();
                let fits = len >= 7 && len - 7 >= self.floor() && self.now.stack[len - 7..] == [Any, Before(0), Before(1), Before(2), Any, Any, Any];
                if !fits {
                    return self.fault("no exception that is being handled");
                }
                self.push(Any);
            }
            PREP_RERAISE_STAR => {
                self.has(3)?;
                self.replace(1)?;
            }
            GET_AWAITABLE => self.replace(1)?,
            BEFORE_ASYNC_WITH => {
                self.pops(1)?;
                self.pushes(2);
            }
            YIELD_VALUE | YIELD_FROM => {
                if self.code.flags & (CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR) == 0 {
                    return self.fault("a yield outside of generators");
                }
                self.replace(if op == YIELD_VALUE { 1 } else { 2 })?;
            }
        }
        Ok(())
    }

    /// Takes objects and leaves one.
    fn replace(&mut self, n: usize) -> Result<(), Fault> {
        self.build(n, Any)
    }
    fn build(&mut self, n: usize, kind: Kind) -> Result<(), Fault> {
        self.pops(n)?;
        self.push(kind);
        Ok(())
    }
    fn rotate(&mut self, n: usize) -> Result<(), Fault> {
        self.has(n)?;
        let len = self.now.stack.len();
        if len - n < self.floor() {
            return self.fault("a stack that is empty");
        }
        self.now.stack[len - n..].rotate_right(1);
        Ok(())
    }

    fn make_function(&mut self, flags: usize) -> Result<(), Fault> {
        let (name, code) = (self.pop()?, self.pop()?);
        let free = match (self.constant(code), self.constant(name)) {
            (Some(Const::Code(inner)), Some(Const::Str(_) | Const::WideStr(_))) => inner.free_variables(),
            _ => return self.fault("a function without code or name"),
        };
        // In the order in which they lie, the last first.
        let cells = if flags & 8 != 0 { self.pop()? } else { Cells(0) };
        if cells != Cells(free as u32) {
            return self.fault("a function without its cells");
        }
        // The rest is looked at when it runs: of generic functions the defaults are variables.
        self.pops((flags & 0x17).count_ones() as usize)?;
        self.push(Any);
        Ok(())
    }
}
