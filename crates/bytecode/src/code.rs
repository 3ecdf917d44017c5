//! Code as plain data: what the compiler makes and the runtime turns into a code object.

use std::cell::OnceCell;
use std::rc::Rc;

/// The bits of `co_flags` (CPython's `inspect.CO_*`).
pub type Flags = u32;
/// Locals live in registers.
pub const CO_OPTIMIZED: Flags = 0x0001;
/// A new namespace for each call.
pub const CO_NEWLOCALS: Flags = 0x0002;
/// Has `*args`.
pub const CO_VARARGS: Flags = 0x0004;
/// Has `**kwargs`.
pub const CO_VARKEYWORDS: Flags = 0x0008;
/// Made inside another function.
pub const CO_NESTED: Flags = 0x0010;
/// A generator function.
pub const CO_GENERATOR: Flags = 0x0020;
/// No free variables and no cells.
pub const CO_NOFREE: Flags = 0x0040;
/// A coroutine function.
pub const CO_COROUTINE: Flags = 0x0080;
/// A generator that may be awaited (`types.coroutine`).
pub const CO_ITERABLE_COROUTINE: Flags = 0x0100;
/// An async generator function.
pub const CO_ASYNC_GENERATOR: Flags = 0x0200;
/// `from __future__ import annotations`.
pub const CO_FUTURE_ANNOTATIONS: Flags = 0x100_0000;
pub const CO_FUTURE_BARRY_AS_BDFL: Flags = 0x40_0000;

/// Not shown in `co_flags`: a module or class body that begins with a docstring, which is stored without its indentation.
pub const DOC_STORED: Flags = 0x8000_0000;

/// A constant of a code object. Floats compare by their bits, so that `0.0` and `-0.0` stay apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Const {
    None,
    Bool(bool),
    Ellipsis,
    Int(i64),
    /// An int beyond 64 bits: sign and 30-bit digits, lowest first.
    BigInt {
        negative: bool,
        digits: Rc<[u32]>,
    },
    /// Bits of an IEEE double.
    Float(u64),
    /// Bits of the real and the imaginary part.
    Complex(u64, u64),
    /// Text that is valid Unicode.
    Str(Rc<str>),
    /// Text with lone surrogates, as code points.
    WideStr(Rc<[u32]>),
    Bytes(Rc<[u8]>),
    Tuple(Rc<[Const]>),
    FrozenSet(Rc<[Const]>),
    Code(Rc<Code>),
    /// An object of another kind that a program put there, by its address.
    Object(u64),
}

/// Where in the source an instruction comes from. Lines from 1, columns in bytes from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Position {
    pub line: u32,
    pub end_line: u32,
    pub column: u32,
    pub end_column: u32,
}

/// Where a path begins that leads into an exception handler.
pub const RAISED: u32 = u32::MAX - 1;

/// Lines of statements without instructions, passed on the way from one instruction to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// Byte offsets of both. An odd one behind a conditional jump: it did not jump, and would have led to the same place.
    /// `u32::MAX`: the code is entered; `RAISED`: something was raised.
    pub from: u32,
    pub to: u32,
    pub lines: Box<[u32]>,
}

/// Positions, one an instruction word. Those of packed code stay packed until somebody asks.
#[derive(Clone, Debug, Default)]
pub struct Positions {
    packed: Option<crate::pack::Packed>,
    list: OnceCell<Vec<Position>>,
}
impl Positions {
    pub(crate) fn of_packed(packed: crate::pack::Packed) -> Positions {
        Positions { packed: Some(packed), list: OnceCell::new() }
    }
    /// All of them; those behind damaged bytes are missing.
    pub fn list(&self) -> &[Position] {
        self.list.get_or_init(|| self.packed.as_ref().map(crate::pack::Packed::positions).unwrap_or_default())
    }
    /// The position of an instruction word.
    pub fn get(&self, word: usize) -> Option<&Position> {
        self.list().get(word)
    }
    pub fn clear(&mut self) {
        *self = Positions::default();
    }
}
impl From<Vec<Position>> for Positions {
    fn from(list: Vec<Position>) -> Positions {
        Positions { packed: None, list: list.into() }
    }
}

/// Of a code object that a program put together: what its constants hold, so that nobody has to walk through them. Source text has
/// an end to how deep and how much that is; a program could put one into the next for ever, and twice each time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Inside {
    /// How deep code lies in code.
    pub depth: u32,
    /// How many code objects there are, each time that one is there.
    pub count: u32,
    /// There are objects of other kinds ([`Const::Object`]).
    pub objects: bool,
}

/// One code object: what is known of it without its instructions. The rest, its `Body`, is reached through `Deref`.
#[derive(Clone, Debug, Default)]
pub struct Code {
    pub name: Rc<str>,
    pub qualname: Rc<str>,
    pub filename: Rc<str>,
    pub argcount: u32,
    pub posonlyargcount: u32,
    pub kwonlyargcount: u32,
    pub stacksize: u32,
    pub flags: Flags,
    pub firstlineno: u32,
    /// It came from bytes that anybody may have written: to be verified before it runs.
    pub foreign: bool,
    /// What lies inside, where a program put it together.
    pub inside: Inside,
    pub body: Lazy,
}

/// The instructions of a code object and what they refer to.
#[derive(Clone, Debug, Default)]
pub struct Body {
    /// Wordcode: opcode, argument, opcode, argument ...
    pub code: Vec<u8>,
    pub consts: Vec<Const>,
    pub names: Vec<Rc<str>>,
    pub varnames: Vec<Rc<str>>,
    pub cellvars: Vec<Rc<str>>,
    pub freevars: Vec<Rc<str>>,
    /// CPython 3.9's line table: pairs of byte distance and signed line distance.
    pub lnotab: Vec<u8>,
    /// One entry an instruction word; empty where columns are not known.
    pub positions: Positions,
    /// Lines that are passed between two instructions and have none of their own (PEP 626).
    pub paths: Vec<Path>,
    /// For a class body: the names assigned as `self.name` in its functions, sorted.
    pub static_attributes: Vec<Rc<str>>,
    pub inlined: Inlined,
}

/// What `Code::inlining` found out; a copy, which may be changed, finds out anew.
#[derive(Debug, Default)]
pub struct Inlined(OnceCell<Box<crate::inline::Inlining>>);
impl Inlined {
    pub(crate) fn get_or_init(&self, make: impl FnOnce() -> crate::inline::Inlining) -> &crate::inline::Inlining {
        self.0.get_or_init(|| Box::new(make()))
    }
}
impl Clone for Inlined {
    fn clone(&self) -> Inlined {
        Inlined::default()
    }
}

/// A body, or the place where it lies packed: most functions of the library are imported and never called.
#[derive(Clone, Debug, Default)]
pub struct Lazy {
    made: OnceCell<Box<Body>>,
    packed: Option<crate::pack::Packed>,
}
impl Lazy {
    pub(crate) fn of_packed(packed: crate::pack::Packed) -> Lazy {
        Lazy { made: OnceCell::new(), packed: Some(packed) }
    }
    /// Whether the body is there already.
    pub fn is_made(&self) -> bool {
        self.made.get().is_some()
    }
    /// The same without what can be made again; `None`: there is nothing to gain.
    fn thin(&self) -> Option<Lazy> {
        let packed = self.packed.clone().filter(|_| self.is_made())?;
        Some(Lazy::of_packed(packed))
    }
    fn get(&self) -> &Body {
        self.made.get_or_init(|| Box::new(self.packed.as_ref().and_then(crate::pack::Packed::body).unwrap_or_default()))
    }
}
impl From<Body> for Lazy {
    fn from(body: Body) -> Lazy {
        Lazy { made: Box::new(body).into(), packed: None }
    }
}
impl std::ops::Deref for Code {
    type Target = Body;
    fn deref(&self) -> &Body {
        self.body.get()
    }
}
impl std::ops::DerefMut for Code {
    fn deref_mut(&mut self) -> &mut Body {
        self.body.get();
        let body = self.body.made.get_mut().expect("made just now");
        body.inlined = Inlined::default();
        body
    }
}

impl PartialEq for Code {
    /// As CPython 3.9 compares code objects: everything but file name, line table and stack size.
    fn eq(&self, other: &Code) -> bool {
        self.name == other.name
            && self.argcount == other.argcount
            && self.posonlyargcount == other.posonlyargcount
            && self.kwonlyargcount == other.kwonlyargcount
            && self.flags == other.flags
            && self.firstlineno == other.firstlineno
            && self.code == other.code
            && self.consts == other.consts
            && self.names == other.names
            && self.varnames == other.varnames
            && self.freevars == other.freevars
            && self.cellvars == other.cellvars
    }
}
impl Eq for Code {}
impl std::hash::Hash for Code {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.name.hash(state);
        (self.argcount, self.posonlyargcount, self.kwonlyargcount, self.firstlineno).hash(state);
        self.code.hash(state);
    }
}

impl Code {
    /// How many free variables it has; the body stays packed.
    pub fn free_variables(&self) -> usize {
        match (self.body.made.get(), &self.body.packed) {
            (None, Some(packed)) => packed.free_variables(),
            _ => self.freevars.len(),
        }
    }

    /// The same code with its body packed, where it was packed before somebody asked for it.
    pub fn thin(&self) -> Option<Code> {
        let body = self.body.thin()?;
        let (name, qualname, filename) = (self.name.clone(), self.qualname.clone(), self.filename.clone());
        Some(Code { name, qualname, filename, body, inside: self.inside, ..*self })
    }

    /// Number of registers for locals: `co_nlocals`.
    pub fn nlocals(&self) -> usize {
        self.varnames.len()
    }

    /// Number of arguments that take a register, `*args` and `**kwargs` included.
    pub fn arg_slots(&self) -> usize {
        (self.argcount + self.kwonlyargcount) as usize + usize::from(self.flags & CO_VARARGS != 0) + usize::from(self.flags & CO_VARKEYWORDS != 0)
    }

    /// The instructions with EXTENDED_ARG folded in: offset of the opcode word, opcode number, argument.
    pub fn instructions(&self) -> impl Iterator<Item = Instruction> + '_ {
        let mut pc = 0;
        let mut extended = 0u32;
        std::iter::from_fn(move || {
            let (op, low) = (*self.code.get(pc)?, u32::from(*self.code.get(pc + 1)?));
            let arg = extended << 8 | low;
            let found = Instruction { offset: pc as u32, opcode: op, arg };
            pc += 2;
            extended = if op == crate::Opcode::EXTENDED_ARG as u8 { arg } else { 0 };
            Some(found)
        })
    }
}

impl Code {
    /// How many instructions are of one kind.
    pub fn count_of(&self, opcode: crate::Opcode) -> usize {
        self.instructions().filter(|i| i.opcode == opcode as u8).count()
    }

    /// The instruction whose opcode word is at a byte offset, its prefixes taken in; of an inlined comprehension, too.
    pub fn instruction_at(&self, offset: u32) -> Option<Instruction> {
        let (code, own) = self.resolve(offset);
        if !std::ptr::eq(code, self) {
            return code.instruction_at(own);
        }
        let at = offset as usize;
        let (opcode, mut arg) = (*self.code.get(at)?, u32::from(*self.code.get(at + 1)?));
        let mut before = at;
        for shift in [8, 16, 24] {
            let Some(prefix) = before.checked_sub(2) else { break };
            if self.code[prefix] != crate::Opcode::EXTENDED_ARG as u8 {
                break;
            }
            arg |= u32::from(self.code[prefix + 1]) << shift;
            before = prefix;
        }
        Some(Instruction { offset, opcode, arg })
    }

    /// The instruction behind the one at a byte offset, prefixes left out.
    pub fn instruction_behind(&self, offset: u32) -> Option<Instruction> {
        let mut at = offset + 2;
        while *self.code.get(at as usize)? == crate::Opcode::EXTENDED_ARG as u8 {
            at += 2;
        }
        self.instruction_at(at)
    }
}

/// One word of code with its complete argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    pub offset: u32,
    pub opcode: u8,
    pub arg: u32,
}

/// By opcode number: 1 for a jump relative to the next instruction, 2 for one to an offset.
static JUMPS: [u8; 256] = {
    let mut table = [0; 256];
    let mut n = 0;
    while n < 256 {
        if let Some(op) = crate::Opcode::from_u8(n as u8) {
            table[n] = match op.operand() {
                crate::Operand::JumpRelative => 1,
                crate::Operand::JumpAbsolute => 2,
                _ => 0,
            };
        }
        n += 1;
    }
    table
};

impl Instruction {
    /// Where a jump goes, in bytes; `None` if this is no jump.
    #[inline]
    pub fn target(&self) -> Option<u32> {
        match JUMPS[self.opcode as usize] {
            1 => Some(self.offset.saturating_add(2).saturating_add(self.arg)),
            2 => Some(self.arg),
            _ => None,
        }
    }
}
