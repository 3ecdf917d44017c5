//! Trees to blocks of instructions: the code generator of CPython 3.9, instruction for instruction.
//!
//! One file per family: `emit/stmt.rs`, `emit/expr.rs`, `emit/function.rs` (everything with a scope of its own),
//! `emit/pattern.rs` (match), `emit/strings.rs` (literals, f-strings). `assemble.rs` turns blocks into bytes.

mod expr;
mod function;
mod pattern;
mod stmt;
mod strings;
pub(crate) use strings::debug_text;

use crate::error::{CompileError, Lines, Warning};
use crate::parse::Parsed;
use crate::symbols::{self, Owner, Resolved, Scope, ScopeKind, Table};
use crate::{Compiled, Mode, Options, TOP_LEVEL_AWAIT, assemble};
use retic_bytecode::Opcode::{self, *};
use retic_bytecode::code::{CO_COROUTINE, CO_FUTURE_ANNOTATIONS, CO_FUTURE_BARRY_AS_BDFL};
use retic_bytecode::{Code, Const};
use ruff_python_ast::*;
use ruff_text_size::{Ranged, TextRange, TextSize};
use rustc_hash::FxHashMap;
use std::rc::Rc;

pub(crate) type Done<T = ()> = Result<T, Box<CompileError>>;
pub(crate) type BlockId = usize;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Instr {
    pub op: Opcode,
    pub arg: u32,
    pub target: Option<BlockId>,
    /// 0: same line as before.
    pub line: u32,
    pub range: TextRange,
}

#[derive(Default, Debug)]
pub(crate) struct Block {
    pub instrs: Vec<Instr>,
    /// Lines of statements without instructions: before which instruction, which line.
    pub marks: Vec<(usize, u32)>,
    pub next: Option<BlockId>,
    pub returns: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum FrameKind {
    WhileLoop,
    ForLoop,
    Except,
    FinallyTry,
    FinallyEnd,
    With,
    AsyncWith,
    HandlerCleanup,
    PopValue,
    /// `except*`: leaving it by break, continue or return is an error.
    Star,
}

/// What has to be undone when control leaves a block early.
#[derive(Clone)]
pub(crate) struct FrameBlock<'a> {
    pub kind: FrameKind,
    pub start: BlockId,
    pub exit: BlockId,
    pub finally: Option<&'a [Stmt]>,
    pub name: Option<Rc<str>>,
    /// Of `with`: the place of the context manager, which is left there.
    pub range: TextRange,
}

/// An ordered set of names with their indices.
pub(crate) struct Indexed<T> {
    pub items: Vec<T>,
    index: FxHashMap<T, u32>,
}
impl<T> Default for Indexed<T> {
    fn default() -> Self {
        Indexed { items: Vec::new(), index: FxHashMap::default() }
    }
}
impl<T: Clone + Eq + std::hash::Hash> Indexed<T> {
    pub fn add(&mut self, item: T) -> u32 {
        if let Some(i) = self.index.get(&item) {
            return *i;
        }
        let i = self.items.len() as u32;
        self.index.insert(item.clone(), i);
        self.items.push(item);
        i
    }
    pub fn find(&self, item: &T) -> Option<u32> {
        self.index.get(item).copied()
    }
}

/// The code object being made.
pub(crate) struct Unit<'a> {
    pub scope: usize,
    pub name: Rc<str>,
    pub qualname: Rc<str>,
    pub blocks: Vec<Block>,
    pub current: BlockId,
    pub consts: Indexed<Const>,
    pub names: Indexed<Rc<str>>,
    pub varnames: Indexed<Rc<str>>,
    pub cellvars: Indexed<Rc<str>>,
    pub freevars: Indexed<Rc<str>>,
    pub frames: Vec<FrameBlock<'a>>,
    pub line: u32,
    pub line_set: bool,
    pub firstlineno: u32,
    pub argcount: u32,
    pub posonlyargcount: u32,
    pub kwonlyargcount: u32,
    pub star_args: bool,
    pub star_kwargs: bool,
    pub range: TextRange,
    /// The statement that is at work, and the one whose blocks stand deeper in each other than CPython allows.
    pub statement: TextRange,
    pub too_deep: Option<TextRange>,
    /// Handlers around what is at work: each counts once more.
    pub handlers: usize,
    /// It begins with a docstring that it stores.
    pub stores_doc: bool,
}

/// So many blocks may stand in each other (CO_MAXBLOCKS of newer versions).
pub(crate) const BLOCKS_MAX: usize = 21;

pub(crate) struct Emitter<'a> {
    pub lines: &'a Lines<'a>,
    pub table: &'a Table,
    pub units: Vec<Unit<'a>>,
    pub options: &'a Options,
    pub future_annotations: bool,
    /// Future features; all code of the program has their flags.
    future: Future,
    pub warnings: Vec<Warning>,
    /// Greater than 0: dead code is checked but leaves no bytes.
    pub mute: u32,
    folded: FxHashMap<usize, Option<Const>>,
    /// Nesting of compound statements: expression statements print only at depth 0 in single mode.
    pub interactive_depth: u32,
    /// Depth of blocks for conditional annotations.
    pub block_depth: u32,
    /// Position of the next annotation of the current module or class body.
    pub annotation_index: Vec<u32>,
}

/// Compiles a parsed program.
pub(crate) fn compile_module(source: &str, parsed: &Parsed, options: &Options) -> Result<Compiled, Box<CompileError>> {
    let lines = Lines::new(source);
    let mut future = future_features(&lines, &parsed.module)?;
    future.flags |= options.flags & (CO_FUTURE_ANNOTATIONS | CO_FUTURE_BARRY_AS_BDFL);
    let table = symbols::build(&lines, &parsed.module, &future, options.flags & TOP_LEVEL_AWAIT != 0)?;
    let mut e = Emitter {
        lines: &lines,
        table: &table,
        units: Vec::new(),
        options,
        future_annotations: future.annotations(),
        future,
        warnings: parsed.warnings.clone(),
        mute: 0,
        folded: FxHashMap::default(),
        interactive_depth: 0,
        block_depth: 0,
        annotation_index: Vec::new(),
    };
    if let Mod::Module(m) = &parsed.module {
        for (message, at) in crate::finally::leaving(&m.body) {
            e.warn(message, at);
        }
    }
    e.enter("<module>", Owner::Body(0), 0);
    let mut add_none = true;
    match &parsed.module {
        Mod::Module(m) if options.mode == Mode::Single => {
            e.interactive_depth = 1;
            let annotated = e.begin_annotations(&m.body, symbols::key(m))?;
            let _ = annotated;
            e.body(&m.body)?;
        }
        Mod::Module(m) => e.module_body(m)?,
        Mod::Expression(x) => {
            e.expr(&x.body)?;
            add_none = false;
        }
    }
    let code = e.leave(add_none);
    Ok(Compiled { code: Rc::new(code), warnings: e.warnings })
}

/// What the `from __future__` imports at the top of a program ask for.
#[derive(Clone, Copy, Default)]
pub(crate) struct Future {
    /// Flags of the features that still mean something.
    pub flags: u32,
    /// The line of the last such import, from 1 on; 0: there is none.
    pub last_line: u32,
}

impl Future {
    pub fn annotations(&self) -> bool {
        self.flags & CO_FUTURE_ANNOTATIONS != 0
    }
}

/// Reads the `from __future__` imports at the top (future_parse of future.c). One further down is refused here where it
/// stands on the last line of these, and by `symbols` otherwise.
pub(crate) fn future_features(lines: &Lines, module: &Mod) -> Done<Future> {
    const FEATURES: [&str; 8] = ["nested_scopes", "generators", "division", "absolute_import", "with_statement", "print_function", "unicode_literals", "generator_stop"];
    let mut future = Future::default();
    let Mod::Module(m) = module else { return Ok(future) };
    let (mut done, mut before) = (false, 0);
    for (i, s) in m.body.iter().enumerate() {
        let line = lines.line(s.range().start().to_u32());
        if done && line > before {
            break;
        }
        before = line;
        match s {
            Stmt::ImportFrom(f) if f.level == 0 && f.module.as_ref().is_some_and(|n| &*n.id == "__future__") => {
                let at = |text: String, at: TextRange| lines.error(text, at.start().to_u32(), at.end().to_u32());
                if done {
                    return Err(at(LATE_FUTURE.into(), f.range));
                }
                for a in &f.names {
                    match &*a.name.id {
                        "annotations" => future.flags |= CO_FUTURE_ANNOTATIONS,
                        "barry_as_FLUFL" => future.flags |= CO_FUTURE_BARRY_AS_BDFL,
                        "braces" => return Err(at("not a chance".into(), a.range)),
                        name if FEATURES.contains(&name) => {}
                        name => return Err(at(format!("future feature {name} is not defined"), a.range)),
                    }
                }
                future.last_line = line;
            }
            Stmt::Expr(e) if i == 0 && matches!(&*e.value, Expr::StringLiteral(_)) => {}
            _ => done = true,
        }
    }
    Ok(future)
}
pub(crate) const LATE_FUTURE: &str = "from __future__ imports must occur at the beginning of the file";

impl<'a> Emitter<'a> {
    pub fn u(&mut self) -> &mut Unit<'a> {
        self.units.last_mut().expect("a unit is open while emitting")
    }

    pub fn scope(&self) -> &'a symbols::Scope {
        &self.table.scopes[self.units.last().map_or(0, |u| u.scope)]
    }

    pub fn error<T>(&self, message: impl Into<String>, at: TextRange) -> Done<T> {
        Err(self.lines.error(message, at.start().to_u32(), at.end().to_u32()))
    }

    pub fn warn(&mut self, message: String, at: TextRange) {
        self.warn_of(message, at, true);
    }
    /// A warning; `late`: of what the parser does not see.
    pub fn warn_of(&mut self, message: String, at: TextRange, late: bool) {
        if self.mute == 0 {
            let error = self.lines.error(message, at.start().to_u32(), at.end().to_u32());
            self.warnings.push(Warning { late, ..(*error).into() });
        }
    }

    /// Opens the unit of a scope. `firstlineno` 0: the first instruction decides.
    pub fn enter(&mut self, name: &str, owner: Owner, firstlineno: u32) {
        let id = self.table.of.get(&owner).copied().expect("every owner got a scope in symbols");
        let scope = &self.table.scopes[id];
        let mut cells: Vec<Rc<str>> = scope.symbols.iter().filter(|(_, s)| s.resolved == Some(Resolved::Cell)).map(|(n, _)| n.clone()).collect();
        cells.sort();
        let mut frees: Vec<Rc<str>> =
            scope.symbols.iter().filter(|(_, s)| s.resolved == Some(Resolved::Free) || s.flags & symbols::DEF_FREE_CLASS != 0).map(|(n, _)| n.clone()).collect();
        frees.sort();
        let qualname = self.qualname(name, scope);
        let mut unit = Unit {
            scope: id,
            name: name.into(),
            qualname,
            blocks: vec![Block::default()],
            current: 0,
            consts: Indexed::default(),
            names: Indexed::default(),
            varnames: Indexed::default(),
            cellvars: Indexed::default(),
            freevars: Indexed::default(),
            frames: Vec::new(),
            line: 0,
            line_set: false,
            firstlineno,
            argcount: 0,
            posonlyargcount: 0,
            kwonlyargcount: 0,
            star_args: false,
            star_kwargs: false,
            range: TextRange::default(),
            statement: TextRange::default(),
            too_deep: None,
            handlers: 0,
            stores_doc: false,
        };
        if scope.needs_class_closure {
            unit.cellvars.add("__class__".into());
        }
        if scope.needs_classdict {
            unit.cellvars.add("__classdict__".into());
        }
        scope.params.iter().for_each(|p| {
            unit.varnames.add(p.clone());
        });
        cells.into_iter().for_each(|n| {
            unit.cellvars.add(n);
        });
        frees.into_iter().for_each(|n| {
            unit.freevars.add(n);
        });
        self.units.push(unit);
    }

    fn qualname(&self, name: &str, scope: &symbols::Scope) -> Rc<str> {
        // Type parameter scopes are invisible in names.
        let mut parent = self.units.len();
        while parent > 0 && &*self.units[parent - 1].name != "<module>" && self.units[parent - 1].name.starts_with("<generic parameters of ") {
            parent -= 1;
        }
        if parent <= 1 {
            return name.into();
        }
        let unit = &self.units[parent - 1];
        let outer = &self.table.scopes[unit.scope];
        if let Some(p) = scope.parent
            && matches!(scope.kind, ScopeKind::Function | ScopeKind::Class)
            && !name.starts_with('<')
        {
            let mangled = self.table.scopes[p].mangled(name);
            let looked_up = mangled.as_deref().unwrap_or(name);
            if self.table.scopes[p].symbols.get(looked_up).is_some_and(|s| s.resolved == Some(Resolved::GlobalExplicit)) {
                return name.into();
            }
        }
        match outer.kind {
            _ if outer.comprehension || outer.kind == ScopeKind::Class => format!("{}.{name}", unit.qualname).into(),
            _ => format!("{}.<locals>.{name}", unit.qualname).into(),
        }
    }

    /// Closes the unit and assembles its code.
    pub fn leave(&mut self, add_none: bool) -> Code {
        if !self.block().returns {
            self.next_block();
            if add_none {
                self.nowhere();
                self.load_const(Const::None);
            }
            self.op(RETURN_VALUE);
        }
        let unit = self.units.pop().expect("leave closes what enter opened");
        let scope = &self.table.scopes[unit.scope];
        let mut flags = self.future.flags;
        if scope.coroutine && !scope.generator && self.awaits_freely(scope) {
            flags |= CO_COROUTINE;
        }
        assemble::assemble(unit, scope, self.lines, self.options.filename.clone(), flags)
    }

    pub fn block(&mut self) -> &mut Block {
        let u = self.u();
        &mut u.blocks[u.current]
    }

    pub fn new_block(&mut self) -> BlockId {
        let u = self.u();
        u.blocks.push(Block::default());
        u.blocks.len() - 1
    }

    pub fn use_block(&mut self, block: BlockId) {
        let u = self.u();
        u.blocks[u.current].next = Some(block);
        u.current = block;
    }

    pub fn next_block(&mut self) {
        let b = self.new_block();
        self.use_block(b);
    }

    fn push(&mut self, op: Opcode, arg: u32, target: Option<BlockId>) {
        if self.mute > 0 {
            return;
        }
        let u = self.u();
        let line = if u.line_set { 0 } else { u.line };
        u.line_set = true;
        let range = u.range;
        let block = &mut u.blocks[u.current];
        if op == RETURN_VALUE {
            block.returns = true;
        }
        block.instrs.push(Instr { op, arg, target, line, range });
    }

    /// Notes a statement that leaves no instruction.
    pub fn mark(&mut self, at: TextRange) {
        if self.mute == 0 {
            let line = self.lines.line(at.start().to_u32());
            let block = self.block();
            let before = block.instrs.len();
            block.marks.push((before, line));
        }
    }
    /// What follows belongs to no line.
    pub fn nowhere(&mut self) {
        self.u().range = TextRange::default();
    }

    pub fn op(&mut self, op: Opcode) {
        self.push(op, 0, None);
    }
    pub fn op_arg(&mut self, op: Opcode, arg: usize) {
        self.push(op, arg as u32, None);
    }
    pub fn jump(&mut self, op: Opcode, to: BlockId) {
        self.push(op, 0, Some(to));
    }

    pub fn load_const(&mut self, value: Const) {
        if self.mute > 0 {
            return;
        }
        let i = self.u().consts.add(value);
        self.push(LOAD_CONST, i, None);
    }

    pub fn load_str(&mut self, text: &str) {
        self.load_const(Const::Str(text.into()));
    }

    /// The mangled form of a name in the current scope.
    pub fn mangled(&self, name: &str) -> Rc<str> {
        match self.scope().mangled(name) {
            Some(m) => m.into(),
            None => name.into(),
        }
    }

    /// An instruction whose argument is an attribute or module name.
    pub fn op_name(&mut self, op: Opcode, name: &str) {
        if self.mute > 0 {
            return;
        }
        let name = self.mangled(name);
        let i = self.u().names.add(name);
        self.push(op, i, None);
    }

    /// Loads, stores or deletes a variable.
    pub fn name(&mut self, name: &str, ctx: ExprContext) -> Done {
        let name = self.mangled(name);
        let scope = self.scope();
        let function = matches!(scope.kind, ScopeKind::Function | ScopeKind::Annotation);
        let resolved = scope.symbols.get(&name).and_then(|s| s.resolved);
        let pick = |load, store, del| match ctx {
            ExprContext::Store => store,
            ExprContext::Del => del,
            _ => load,
        };
        match resolved {
            Some(r @ (Resolved::Free | Resolved::Cell)) => {
                let Some(index) = self.closure_index(&name, r) else { return Ok(()) };
                if ctx == ExprContext::Load && scope.sees_class && &*name != "__classdict__" && r == Resolved::Free {
                    self.name("__classdict__", ExprContext::Load)?;
                    self.op_arg(LOAD_FROM_DICT_OR_DEREF, index as usize);
                    return Ok(());
                }
                let load = if scope.kind == ScopeKind::Class { LOAD_CLASSDEREF } else { LOAD_DEREF };
                self.op_arg(pick(load, STORE_DEREF, DELETE_DEREF), index as usize);
            }
            Some(Resolved::Local) if function => {
                if self.mute == 0 {
                    let i = self.u().varnames.add(name);
                    self.push(pick(LOAD_FAST, STORE_FAST, DELETE_FAST), i, None);
                }
            }
            Some(Resolved::GlobalExplicit) => {
                let i = self.u().names.add(name);
                self.push(pick(LOAD_GLOBAL, STORE_GLOBAL, DELETE_GLOBAL), i, None);
            }
            Some(Resolved::GlobalImplicit) if function => {
                let i = self.u().names.add(name.clone());
                if ctx == ExprContext::Load && scope.sees_class {
                    self.name("__classdict__", ExprContext::Load)?;
                    self.push(LOAD_FROM_DICT_OR_GLOBALS, i, None);
                } else {
                    self.push(pick(LOAD_GLOBAL, STORE_GLOBAL, DELETE_GLOBAL), i, None);
                }
            }
            _ => {
                let i = self.u().names.add(name);
                self.push(pick(LOAD_NAME, STORE_NAME, DELETE_NAME), i, None);
            }
        }
        Ok(())
    }

    pub fn closure_index(&mut self, name: &Rc<str>, resolved: Resolved) -> Option<u32> {
        let u = self.u();
        let cells = u.cellvars.items.len() as u32;
        match resolved {
            Resolved::Cell => u.cellvars.find(name),
            _ => u.freevars.find(name).map(|i| i + cells).or_else(|| u.cellvars.find(name)),
        }
    }

    /// Runs `f` with the unit's line set to that of `at`, then back.
    pub fn at_line(&mut self, at: TextRange, f: impl FnOnce(&mut Self) -> Done) -> Done {
        let line = self.lines.line(at.start().to_u32());
        let u = self.u();
        let (old_line, old_range) = (u.line, u.range);
        if line != old_line {
            u.line = line;
            u.line_set = false;
        }
        u.range = at;
        f(self)?;
        let u = self.u();
        if old_line != u.line {
            u.line = old_line;
            u.line_set = false;
        }
        u.range = old_range;
        Ok(())
    }

    /// The value of an expression that 3.9 folds to a constant.
    pub fn constant(&mut self, e: &Expr) -> Option<Const> {
        let simple = match e {
            Expr::NumberLiteral(n) => return Some(self.number(n)),
            Expr::BooleanLiteral(b) => Const::Bool(b.value),
            Expr::NoneLiteral(_) => Const::None,
            Expr::EllipsisLiteral(_) => Const::Ellipsis,
            Expr::Name(n) if n.ctx == ExprContext::Load && &*n.id == "__debug__" => Const::Bool(self.options.optimize == 0),
            Expr::StringLiteral(_) | Expr::BytesLiteral(_) => return self.text_constant(e),
            Expr::Set(s) if crate::fold::is_constant_set(s) => {
                return s.elts.iter().map(|x| self.constant(x)).collect::<Option<Vec<_>>>().map(crate::fold::frozenset);
            }
            Expr::BinOp(_) | Expr::UnaryOp(_) | Expr::Tuple(_) | Expr::Subscript(_) => {
                let id = symbols::key(e);
                if let Some(known) = self.folded.get(&id) {
                    return known.clone();
                }
                let value = stacker::maybe_grow(64 << 10, 1 << 20, || self.fold(e));
                self.folded.insert(id, value.clone());
                return value;
            }
            _ => return None,
        };
        Some(simple)
    }

    fn fold(&mut self, e: &Expr) -> Option<Const> {
        match e {
            Expr::BinOp(b) => {
                let left = self.constant(&b.left)?;
                let right = self.constant(&b.right)?;
                crate::fold::binary(b.op, &left, &right)
            }
            Expr::UnaryOp(u) => {
                let value = self.constant(&u.operand)?;
                crate::fold::unary(u.op, &value)
            }
            Expr::Tuple(t) if t.ctx == ExprContext::Load => t.elts.iter().map(|x| self.constant(x)).collect::<Option<Vec<_>>>().map(|v| Const::Tuple(v.into())),
            Expr::Subscript(s) if s.ctx == ExprContext::Load => {
                let value = self.constant(&s.value)?;
                let index = self.constant(&s.slice)?;
                crate::fold::subscript(&value, &index)
            }
            _ => None,
        }
    }

    fn number(&self, n: &ExprNumberLiteral) -> Const {
        match &n.value {
            Number::Float(f) => Const::Float(f.to_bits()),
            Number::Complex { real, imag } => Const::Complex(real.to_bits(), imag.to_bits()),
            Number::Int(i) => match i.as_i64() {
                Some(v) => Const::Int(v),
                None => crate::literal::integer(&i.to_string()).unwrap_or(Const::Int(0)),
            },
        }
    }
}

/// The start of an expression as CPython counts it: a bare generator starts at its call's parenthesis.
pub(crate) fn span(e: &Expr, source: &str) -> TextRange {
    let range = e.range();
    if let Expr::Generator(g) = e
        && !g.parenthesized
        && let Some(open) = source[..range.start().to_usize()].rfind('(')
    {
        return TextRange::new((open as u32).into(), closing(source, range.end().to_usize()));
    }
    range
}

/// Where the bracket that closes behind a place ends, with blanks and comments between.
fn closing(source: &str, from: usize) -> TextSize {
    let mut at = from;
    let bytes = source.as_bytes();
    while let Some(b) = bytes.get(at) {
        match b {
            b')' => return ((at + 1) as u32).into(),
            b'#' => at += bytes[at..].iter().take_while(|b| !matches!(b, b'\n' | b'\r')).count(),
            b' ' | b'\t' | b'\n' | b'\r' | b'\x0c' | b'\\' => at += 1,
            _ => break,
        }
    }
    (from as u32).into()
}
