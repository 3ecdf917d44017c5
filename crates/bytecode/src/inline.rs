//! Comprehensions that run in the frame around them (PEP 709). The wordcode keeps 3.9's nested function, which the listing
//! shows; what runs has its instructions in the place of the call. They get byte offsets of their own, behind the code's:
//! every table that is asked about an offset understands these.

use crate::Opcode::{self, *};
use crate::Operand;
use crate::code::*;
use std::rc::Rc;

/// Behind an inlined comprehension in the list of instructions: its variables are over. No opcode.
pub const INLINE_END: u8 = 254;

/// An inlined comprehension.
#[derive(Clone, Debug)]
pub struct Region {
    /// The offset of its first instruction.
    pub base: u32,
    pub code: Rc<Code>,
    /// The offset of the call that it stands for.
    pub call: u32,
    /// The register of its first variable, counted from the end of the code's own.
    pub first: u32,
    /// Where its names and constants begin in the lists of all.
    pub names: u32,
    pub consts: u32,
    /// The place of its code among the constants of all.
    pub constant: u32,
}
impl Region {
    fn end(&self) -> u32 {
        self.base + self.code.code.len() as u32
    }
}

/// What runs of a code object.
#[derive(Clone, Debug, Default)]
pub struct Inlining {
    /// In the order of their offsets; what is nested stands behind what it is nested in.
    pub regions: Vec<Region>,
    /// Registers for the variables of all.
    pub hidden: u32,
    /// Stack that they need above the code's own.
    pub stacksize: u32,
    /// One behind the last offset.
    pub end: u32,
}

impl Inlining {
    /// The region of an offset behind the code's own.
    pub fn region(&self, offset: u32) -> Option<&Region> {
        let at = self.regions.partition_point(|r| r.base <= offset);
        self.regions.get(at.checked_sub(1)?).filter(|r| offset < r.end())
    }
    /// The regions around an offset, the innermost first.
    pub fn around(&self, offset: u32) -> impl Iterator<Item = &Region> {
        let mut at = self.region(offset);
        std::iter::from_fn(move || {
            let here = at?;
            at = self.region(here.call);
            Some(here)
        })
    }
}

/// Whether a code is a comprehension's, by its name alone: bodies lie packed until they are called.
pub(crate) fn comprehension(code: &Code) -> bool {
    matches!(&*code.name, "<listcomp>" | "<setcomp>" | "<dictcomp>")
}

/// A comprehension that needs no frame: it neither suspends nor has variables that functions inside of it share.
fn eligible(code: &Code) -> bool {
    if !comprehension(code) || code.flags & (CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR | CO_VARARGS | CO_VARKEYWORDS) != 0 || code.argcount != 1 || code.kwonlyargcount != 0
    {
        return false;
    }
    if !code.cellvars.is_empty() || code.varnames.first().is_none_or(|v| &**v != ".0") {
        return false;
    }
    let ops: Vec<Instruction> = code.instructions().collect();
    let begins =
        matches!(&ops[..], [a, b, ..] if matches!(Opcode::from_u8(a.opcode), Some(BUILD_LIST | BUILD_SET | BUILD_MAP)) && a.arg == 0 && b.opcode == LOAD_FAST as u8 && b.arg == 0);
    let returns = ops.iter().filter(|i| i.opcode == RETURN_VALUE as u8).count();
    let takes = ops.iter().filter(|i| i.opcode == LOAD_FAST as u8 && i.arg == 0).count();
    let plain = ops.iter().all(|i| !matches!(Opcode::from_u8(i.opcode), None | Some(SETUP_FINALLY | SETUP_WITH | SETUP_ASYNC_WITH | YIELD_VALUE | YIELD_FROM)));
    begins && plain && returns == 1 && takes == 1 && ops.last().is_some_and(|i| i.opcode == RETURN_VALUE as u8)
}

/// The function of a comprehension being made: which constant, and with which cells. `list[at..]` begins with it.
struct Made {
    constant: u32,
    cells: Vec<u32>,
    /// Instructions that make it.
    len: usize,
}

fn made_at(code: &Code, list: &[Instruction], at: usize) -> Option<Made> {
    let is = |i: usize, op: Opcode| list.get(i).filter(|x| x.opcode == op as u8);
    // Prefixes belong to the instruction behind them.
    let skip = |mut i: usize| {
        while is(i, EXTENDED_ARG).is_some() {
            i += 1;
        }
        i
    };
    let mut i = skip(at);
    let mut cells = Vec::new();
    while let Some(c) = is(i, LOAD_CLOSURE) {
        cells.push(c.arg);
        i = skip(i + 1);
    }
    if !cells.is_empty() {
        is(i, BUILD_TUPLE).filter(|b| b.arg as usize == cells.len())?;
        i = skip(i + 1);
    }
    let constant = is(i, LOAD_CONST)?.arg;
    let Some(Const::Code(inner)) = code.consts.get(constant as usize) else { return None };
    if !comprehension(inner) && &*inner.name != "<genexpr>" {
        return None;
    }
    let i = skip(i + 1);
    is(i, LOAD_CONST)?;
    let i = skip(i + 1);
    is(i, MAKE_FUNCTION).filter(|m| m.arg == if cells.is_empty() { 0 } else { 8 })?;
    (inner.freevars.len() == cells.len()).then_some(Made { constant, cells, len: i + 1 - at })
}

/// What the instructions of a code object become when they stand in another one's.
struct Place {
    /// Added to offsets.
    base: u32,
    /// The code's own comprehension, or none: the outermost code.
    region: Option<usize>,
    /// The register of local 0.
    local: u32,
    /// The outermost code's number of each cell and free variable; empty: the same.
    cells: Vec<u32>,
    names: u32,
    consts: u32,
}

struct Splicer<'a> {
    outer: &'a Code,
    out: Vec<Instruction>,
    inlining: Inlining,
    names: u32,
    consts: u32,
}

impl Splicer<'_> {
    fn splice(&mut self, code: &Code, place: &Place) {
        let mut list: Vec<Instruction> = Vec::with_capacity(code.code.len() / 2);
        list.extend(code.instructions());
        // Comprehensions made and not yet called, innermost last; generator expressions count, but stay as they are.
        let mut waiting: Vec<Option<Made>> = Vec::new();
        let mut at = 0;
        while at < list.len() {
            if let Some(made) = made_at(code, &list, at) {
                let Some(Const::Code(inner)) = code.consts.get(made.constant as usize) else { break };
                if eligible(inner) {
                    // A jump may lead here.
                    self.push(Instruction { offset: list[at].offset, opcode: NOP as u8, arg: 0 }, place);
                    at += made.len;
                    waiting.push(Some(made));
                    continue;
                }
                waiting.push(None);
                for i in &list[at..at + made.len] {
                    self.push(*i, place);
                }
                at += made.len;
                continue;
            }
            let i = list[at];
            let called = i.opcode == CALL_FUNCTION as u8 && i.arg == 1 && at > 0 && matches!(Opcode::from_u8(list[at - 1].opcode), Some(GET_ITER | GET_AITER));
            at += 1;
            if called && let Some(Some(made)) = waiting.pop() {
                self.comprehension(code, &made, i.offset + place.base, place);
                continue;
            }
            if place.region.is_some() && i.opcode == RETURN_VALUE as u8 {
                // Its value is the value of the call.
                self.out.push(Instruction { offset: i.offset + place.base, opcode: INLINE_END, arg: place.region.unwrap_or(0) as u32 });
                continue;
            }
            self.push(i, place);
        }
    }

    fn comprehension(&mut self, code: &Code, made: &Made, call: u32, place: &Place) {
        let Some(Const::Code(inner)) = code.consts.get(made.constant as usize) else { return };
        let inner = inner.clone();
        let locals = inner.varnames.len() as u32;
        let (base, region, first) = (self.inlining.end, self.inlining.regions.len(), self.inlining.hidden);
        self.inlining.end += inner.code.len() as u32;
        let (names, consts) = (self.names, self.consts);
        self.names += inner.names.len() as u32;
        self.consts += inner.consts.len() as u32;
        self.inlining.regions.push(Region { base, code: inner.clone(), call, first, names, consts, constant: made.constant + place.consts });
        self.inlining.hidden += locals;
        self.inlining.stacksize += inner.stacksize + 1;
        let cells = made.cells.iter().map(|c| place.cells.get(*c as usize).copied().unwrap_or(*c)).collect();
        let own = (self.outer.nlocals() + self.outer.cellvars.len() + self.outer.freevars.len()) as u32;
        let before = self.out.len();
        self.splice(&inner, &Place { base, region: Some(region), local: own + first, cells, names, consts });
        // The iterator is on the stack already: it goes above the new collection.
        if let Some(take) = self.out.get_mut(before + 1) {
            (take.opcode, take.arg) = (ROT_TWO as u8, 0);
        }
    }

    /// An instruction with its argument as the outermost code has it.
    fn push(&mut self, i: Instruction, place: &Place) {
        let mut i = i;
        if place.region.is_some()
            && let Some(op) = Opcode::from_u8(i.opcode)
        {
            i.offset += place.base;
            match op {
                LOAD_FAST | STORE_FAST | DELETE_FAST => i.arg += place.local,
                LOAD_CONST => i.arg += place.consts,
                _ if op.operand() == Operand::Free => i.arg = place.cells.get(i.arg as usize).copied().unwrap_or(i.arg),
                _ if op.operand() == Operand::Name => i.arg += place.names,
                _ if op.operand() == Operand::JumpAbsolute => i.arg += place.base,
                _ => {}
            }
        }
        self.out.push(i);
    }
}

impl Code {
    /// Its instructions as they run, comprehensions in their places, and what these are.
    pub fn expanded(&self) -> (Vec<Instruction>, Inlining) {
        let own = self.code.len() as u32;
        let inlining = Inlining { regions: Vec::new(), hidden: 0, stacksize: 0, end: own };
        let mut out = Vec::with_capacity(self.code.len() / 2);
        // In modules and classes the names are in dicts, where locals() and the comprehension's own would meet.
        let may = self.flags & CO_OPTIMIZED != 0 && self.consts.iter().any(|c| matches!(c, Const::Code(inner) if comprehension(inner)));
        if !may {
            out.extend(self.instructions());
            return (out, inlining);
        }
        let mut s = Splicer { outer: self, out, inlining, names: self.names.len() as u32, consts: self.consts.len() as u32 };
        s.splice(self, &Place { base: 0, region: None, local: 0, cells: Vec::new(), names: 0, consts: 0 });
        (s.out, s.inlining)
    }

    /// The comprehensions that run inside of it.
    pub fn inlining(&self) -> &Inlining {
        self.inlined.get_or_init(|| self.expanded().1)
    }

    /// Name of a register below the temporaries: a local, a cell, a free variable, or a variable of a comprehension that
    /// runs inside of it.
    pub fn register_name(&self, register: usize) -> Option<&Rc<str>> {
        let own = self.varnames.iter().chain(&self.cellvars).chain(&self.freevars);
        let Some(hidden) = register.checked_sub(own.clone().count()) else { return own.clone().nth(register) };
        self.inlining().regions.iter().find_map(|r| r.code.varnames.get(hidden.checked_sub(r.first as usize)?))
    }

    /// The code that an instruction stands in, and its offset there: itself, or an inlined comprehension.
    pub fn resolve(&self, offset: u32) -> (&Code, u32) {
        if (offset as usize) < self.code.len() {
            return (self, offset);
        }
        match self.inlining().region(offset) {
            Some(r) => (&r.code, offset - r.base),
            None => (self, offset),
        }
    }
}
