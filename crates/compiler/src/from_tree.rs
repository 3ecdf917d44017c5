//! Trees of Python's `ast` module, made or changed by a program, back to what the compiler walks. The checks are those of
//! CPython's `Python-ast.c` (kinds and missing fields) and `ast.c` (what the grammar would have refused).
//!
//! The compiler finds places by offsets into a source text, so a tree gets one: blank lines as long as its places ask for,
//! and behind them the texts of its literals.

mod expr;
mod stmt;
mod validate;

use crate::error::CompileError;
use crate::parse::Parsed;
use crate::{Compiled, Mode, Options, emit};
use retic_bytecode::{Const, Position};
use ruff_python_ast::{AtomicNodeIndex, Expr, Identifier, Mod, ModExpression, ModModule, Stmt, name::Name};
use ruff_text_size::{TextRange, TextSize};
use std::fmt::Write;

/// A node: the name of its class, its fields, its place.
#[derive(Debug)]
pub struct Node {
    pub kind: String,
    pub fields: Vec<(String, Value)>,
    pub place: Option<Position>,
}

/// What a field holds.
#[derive(Debug)]
pub enum Value {
    Node(Node),
    List(Vec<Value>),
    Const(Const),
    /// What no tree may have, as `repr` shows it, and the name of its type.
    Other(String, String),
}

/// Why a tree does not compile.
pub enum Problem {
    Type(String),
    Value(String),
    Syntax(Box<CompileError>),
}

type Made<T> = Result<T, Problem>;

/// Compiles a tree: a `Module`, `Interactive` or `Expression`.
pub fn compile_tree(node: Node, options: &Options) -> Result<Compiled, Problem> {
    let mut room = Room::default();
    room.see(&node);
    // Nesting is checked by whoever read the tree.
    stacker::grow(64 << 20, || {
        validate::tree(&node)?;
        let mut walk = Walk { text: room.text(), starts: room.starts, widths: room.widths };
        let module = walk.module(node, options.mode)?;
        emit::compile_module(&walk.text, &Parsed { module, warnings: Vec::new(), type_comments: Default::default() }, options).map_err(Problem::Syntax)
    })
}

/// How long the lines must be that the places of a tree lie in.
#[derive(Default)]
struct Room {
    widths: Vec<u32>,
    starts: Vec<u32>,
}

/// Lines and columns beyond these are not told apart: nobody reads such files.
const LINES_MAX: usize = 1 << 20;
const COLUMNS_MAX: u32 = 1 << 16;
const TEXT_MAX: u64 = 1 << 28;

impl Room {
    fn see(&mut self, node: &Node) {
        if let Some(p) = node.place {
            for (line, column) in [(p.line, p.column), (p.end_line, p.end_column)] {
                let line = (line.max(1) as usize).min(LINES_MAX);
                if self.widths.len() < line {
                    self.widths.resize(line, 0);
                }
                self.widths[line - 1] = self.widths[line - 1].max(column.min(COLUMNS_MAX));
            }
        }
        for (_, v) in &node.fields {
            self.see_value(v);
        }
    }
    fn see_value(&mut self, v: &Value) {
        match v {
            Value::Node(n) => self.see(n),
            Value::List(items) => items.iter().for_each(|i| self.see_value(i)),
            _ => {}
        }
    }
    fn text(&mut self) -> String {
        if self.widths.iter().map(|w| u64::from(*w) + 1).sum::<u64>() > TEXT_MAX {
            self.widths.iter_mut().for_each(|w| *w = 0);
        }
        let mut out = String::new();
        for w in &self.widths {
            self.starts.push(out.len() as u32);
            out.extend(std::iter::repeat_n(' ', *w as usize));
            out.push('\n');
        }
        if self.starts.is_empty() {
            self.starts.push(0);
            self.widths.push(0);
            out.push('\n');
        }
        out
    }
}

struct Walk {
    text: String,
    /// Where each line begins, and its columns.
    starts: Vec<u32>,
    widths: Vec<u32>,
}

/// A node being read: fields are taken out by name.
struct Reader {
    kind: String,
    fields: Vec<(String, Value)>,
    range: TextRange,
    /// Fields that are there and None.
    none: Vec<String>,
}

impl Reader {
    fn take(&mut self, name: &str) -> Option<Value> {
        let i = self.fields.iter().position(|(n, _)| n == name)?;
        let value = self.fields.swap_remove(i).1;
        if matches!(value, Value::Const(Const::None)) {
            self.none.push(name.to_string());
            return None;
        }
        Some(value)
    }
    fn missing(&self, name: &str) -> Problem {
        if self.none.iter().any(|n| n == name) {
            return Problem::Value(format!("field '{name}' is required for {}", self.kind));
        }
        Problem::Type(format!("required field \"{name}\" missing from {}", self.kind))
    }
    fn list(&mut self, name: &str) -> Made<Vec<Value>> {
        match self.take(name) {
            Some(Value::List(items)) => Ok(items),
            None => Ok(Vec::new()),
            Some(other) => Err(Problem::Type(format!("{} field \"{name}\" must be a list, not a {}", self.kind, type_name(&other)))),
        }
    }
    fn text(&mut self, name: &str) -> Made<Option<Name>> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Const(Const::Str(s))) => Ok(Some(Name::new(&*s))),
            Some(_) => Err(Problem::Type("AST identifier must be of type str".into())),
        }
    }
    fn name(&mut self, name: &str) -> Made<Identifier> {
        let id = self.text(name)?.ok_or_else(|| self.missing(name))?;
        Ok(Identifier::new(id, self.range))
    }
    fn maybe_name(&mut self, name: &str) -> Made<Option<Identifier>> {
        Ok(self.text(name)?.map(|id| Identifier::new(id, self.range)))
    }
    fn names(&mut self, name: &str) -> Made<Vec<Identifier>> {
        let range = self.range;
        let one = |v| match v {
            Value::Const(Const::Str(s)) => Ok(Identifier::new(&*s, range)),
            _ => Err(Problem::Type("AST identifier must be of type str".into())),
        };
        self.list(name)?.into_iter().map(one).collect()
    }
    fn int(&mut self, name: &str) -> Made<Option<i64>> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Const(Const::Int(i))) => Ok(Some(i)),
            Some(Value::Const(Const::Bool(b))) => Ok(Some(i64::from(b))),
            Some(other) => Err(Problem::Value(format!("invalid integer value: {}", shown(&other)))),
        }
    }
}

fn type_name(v: &Value) -> String {
    match v {
        Value::Node(n) => n.kind.clone(),
        Value::List(_) => "list".into(),
        Value::Const(c) => match c {
            Const::None => "NoneType",
            Const::Bool(_) => "bool",
            Const::Int(_) | Const::BigInt { .. } => "int",
            Const::Float(_) => "float",
            Const::Complex(..) => "complex",
            Const::Bytes(_) => "bytes",
            Const::Tuple(_) => "tuple",
            Const::FrozenSet(_) => "frozenset",
            Const::Ellipsis => "ellipsis",
            _ => "str",
        }
        .into(),
        Value::Other(_, name) => name.clone(),
    }
}

fn shown(v: &Value) -> String {
    match v {
        Value::Other(repr, _) => repr.clone(),
        Value::Const(Const::Int(i)) => i.to_string(),
        Value::Const(Const::Str(s)) => format!("'{s}'"),
        Value::Const(Const::None) => "None".into(),
        other => format!("<{}>", type_name(other)),
    }
}

fn index() -> AtomicNodeIndex {
    AtomicNodeIndex::NONE
}

impl Walk {
    fn offset(&self, line: u32, column: u32) -> u32 {
        let line = (line.max(1) as usize).min(self.starts.len()) - 1;
        self.starts[line] + column.min(self.widths[line])
    }
    fn range(&self, place: Option<Position>) -> TextRange {
        let Some(p) = place else { return TextRange::empty(0.into()) };
        let start = self.offset(p.line, p.column);
        let end = self.offset(p.end_line.max(p.line), p.end_column).max(start);
        TextRange::new(start.into(), end.into())
    }
    fn reader(&self, node: Node) -> Reader {
        Reader { range: self.range(node.place), kind: node.kind, fields: node.fields, none: Vec::new() }
    }
    /// Puts a text behind the lines; where it lies.
    fn append(&mut self, text: &str) -> TextRange {
        let start = self.text.len() as u32;
        self.text.push_str(text);
        self.text.push('\n');
        TextRange::new(start.into(), (self.text.len() as u32 - 1).into())
    }
    /// The body of a literal in which every character stands for itself.
    fn escaped(text: &[u32]) -> String {
        let mut out = String::new();
        for c in text {
            let _ = match char::from_u32(*c) {
                Some(c @ ('\\' | '\'' | '"' | '\n' | '\r' | '{' | '}')) => write!(out, "\\x{:02x}", c as u32),
                Some(c) => write!(out, "{c}"),
                None => write!(out, "\\u{c:04x}"),
            };
        }
        out
    }

    fn module(&mut self, node: Node, mode: Mode) -> Made<Mod> {
        let mut r = self.reader(node);
        let wanted = match mode {
            Mode::Exec => "Module",
            Mode::Eval => "Expression",
            Mode::Single => "Interactive",
        };
        if r.kind != wanted {
            return Err(Problem::Type(format!("expected {wanted} node, got {}", r.kind)));
        }
        if mode == Mode::Eval {
            let body = self.required(&mut r, "body")?;
            return Ok(Mod::Expression(ModExpression { node_index: index(), range: body_range(&body), body: Box::new(body) }));
        }
        let body: Vec<Stmt> = self.stmts(&mut r, "body")?;
        let end = TextSize::of(self.text.as_str());
        Ok(Mod::Module(ModModule { node_index: index(), range: TextRange::new(0.into(), end), body: body.into_iter().collect() }))
    }

    fn required(&mut self, r: &mut Reader, name: &str) -> Made<Expr> {
        match r.take(name) {
            Some(v) => self.expr(v),
            None => Err(r.missing(name)),
        }
    }
    fn boxed(&mut self, r: &mut Reader, name: &str) -> Made<Box<Expr>> {
        self.required(r, name).map(Box::new)
    }
    fn maybe(&mut self, r: &mut Reader, name: &str) -> Made<Option<Box<Expr>>> {
        r.take(name).map(|v| self.expr(v).map(Box::new)).transpose()
    }
    fn exprs(&mut self, r: &mut Reader, name: &str) -> Made<Vec<Expr>> {
        r.list(name)?.into_iter().map(|v| self.present(v)).collect()
    }
    /// An expression in a list where None may not be.
    fn present(&mut self, v: Value) -> Made<Expr> {
        match v {
            Value::Const(Const::None) => Err(Problem::Value("None disallowed in expression list".into())),
            v => self.expr(v),
        }
    }
    fn stmts(&mut self, r: &mut Reader, name: &str) -> Made<Vec<Stmt>> {
        let items = r.list(name)?;
        items
            .into_iter()
            .map(|v| match v {
                Value::Const(Const::None) => Err(Problem::Value("None disallowed in statement list".into())),
                v => self.stmt(v),
            })
            .collect()
    }
    /// A block that may not be empty.
    fn block(&mut self, r: &mut Reader, name: &str) -> Made<Vec<Stmt>> {
        let body = self.stmts(r, name)?;
        if body.is_empty() { Err(Problem::Value(format!("empty {name} on {}", r.kind))) } else { Ok(body) }
    }
}

fn body_range(e: &Expr) -> TextRange {
    use ruff_text_size::Ranged;
    e.range()
}
