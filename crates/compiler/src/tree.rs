//! The abstract syntax tree as Python's `ast` module shows it (the ASDL of `Parser/Python.asdl`), handed node by node to
//! whoever builds it.

use crate::error::{CompileError, Lines};
use crate::literal::{self, Text};
use crate::{Mode, Options, comments, emit, parse};
use retic_bytecode::{Const, Position};
use ruff_python_ast::*;
use ruff_text_size::{Ranged, TextRange, TextSize};

/// Receives the tree, children first.
pub trait Build {
    type Out;
    type Error;
    /// A node of a class of `_ast`, with its fields, and its place where the grammar gives it one.
    fn node(&mut self, kind: &'static str, fields: Vec<(&'static str, Self::Out)>, place: Option<Position>) -> Result<Self::Out, Self::Error>;
    fn list(&mut self, items: Vec<Self::Out>) -> Result<Self::Out, Self::Error>;
    fn constant(&mut self, value: Const) -> Result<Self::Out, Self::Error>;
}

/// Why there is no tree.
pub enum TreeError<E> {
    Syntax(Box<CompileError>),
    Build(E),
}

/// Parses, and builds the tree.
pub fn tree<B: Build>(source: &str, options: &Options, build: &mut B) -> Result<B::Out, TreeError<B::Error>> {
    let mode = options.mode;
    let source = if mode == Mode::Eval { source.trim_start_matches([' ', '\t']) } else { source };
    crate::with_stack(source, || {
        let parsed = parse::parse(source, options).map_err(TreeError::Syntax)?;
        let mut w = Walk { lines: Lines::new(source), comments: &parsed.type_comments, moved: 0, b: build };
        match &parsed.module {
            Mod::Expression(e) => {
                let body = w.expr(&e.body)?;
                w.plain("Expression", vec![("body", body)])
            }
            Mod::Module(m) => {
                let body = w.body(&m.body)?;
                if mode == Mode::Single {
                    return w.plain("Interactive", vec![("body", body)]);
                }
                let mut ignores = Vec::new();
                for (line, tag) in &w.comments.ignores {
                    let fields = vec![("lineno", w.value(Const::Int(i64::from(*line)))?), ("tag", w.text(tag)?)];
                    ignores.push(w.plain("TypeIgnore", fields)?);
                }
                let ignores = w.seq(ignores)?;
                w.plain("Module", vec![("body", body), ("type_ignores", ignores)])
            }
        }
    })
}

/// The type of a function as a type comment has it, `(int, *str, **Any) -> bool`: a node `FunctionType`.
pub fn function_type<B: Build>(source: &str, options: &Options, build: &mut B) -> Result<B::Out, TreeError<B::Error>> {
    // What a call and the value behind it are to the parser: a name goes in front, and a comma stands for the arrow.
    let before = source.len() - source.trim_start().len();
    let refused = |at: usize| TreeError::Syntax(Lines::new(source).error("invalid syntax", at as u32, at as u32 + 1));
    let mut as_call = String::with_capacity(source.len() + 1);
    as_call.push_str(&source[..before]);
    if !source[before..].starts_with('(') {
        return Err(refused(before));
    }
    as_call.push('f');
    as_call.push_str(&source[before..]);
    let tokens = ruff_python_parser::parse_unchecked(&as_call, ruff_python_parser::ParseOptions::from(ruff_python_parser::Mode::Expression));
    let (mut depth, mut arrow) = (0usize, None);
    for t in tokens.tokens().iter() {
        use ruff_python_ast::token::TokenKind::{Lbrace, Lpar, Lsqb, Rarrow, Rbrace, Rpar, Rsqb};
        match t.kind() {
            Lpar | Lsqb | Lbrace => depth += 1,
            Rpar | Rsqb | Rbrace => depth = depth.saturating_sub(1),
            Rarrow if depth == 0 && arrow.is_none() => arrow = Some(t.start().to_usize()),
            _ => {}
        }
    }
    let Some(arrow) = arrow else { return Err(refused(source.trim_end().len())) };
    as_call.replace_range(arrow..arrow + 2, ", ");
    let mut reading = options.clone();
    reading.mode = Mode::Eval;
    // Leading blanks stay where they are: the columns count them.
    let blank = &as_call[before..];
    crate::with_stack(source, || {
        let parsed = parse::parse(blank, &reading).map_err(TreeError::Syntax)?;
        let parts = match &parsed.module {
            Mod::Expression(e) => match &*e.body {
                Expr::Tuple(t) if !t.parenthesized && t.elts.len() == 2 => match (&t.elts[0], &t.elts[1]) {
                    (Expr::Call(c), returns) if !returns.is_starred_expr() && c.arguments.range.end().to_usize() <= arrow - before => Some((c, returns)),
                    _ => None,
                },
                _ => None,
            },
            Mod::Module(_) => None,
        };
        // One star and two may stand at the end, once each.
        let plain = |a: &Arguments| {
            let stars = a.args.iter().rev().skip_while(|e| e.is_starred_expr()).count();
            a.keywords.len() <= 1 && a.keywords.iter().all(|k| k.arg.is_none()) && a.args.len() - stars <= 1 && !a.args[..stars].iter().any(Expr::is_starred_expr)
        };
        let Some((call, returns)) = parts.filter(|(c, _)| plain(&c.arguments)) else { return Err(refused(before)) };
        let mut w = Walk { lines: Lines::new(blank), comments: &parsed.type_comments, moved: 1, b: build };
        let mut types = Vec::new();
        for a in &call.arguments.args {
            types.push(w.expr(if let Expr::Starred(s) = a { &s.value } else { a })?);
        }
        for k in &call.arguments.keywords {
            types.push(w.expr(&k.value)?);
        }
        let fields = vec![("argtypes", w.seq(types)?), ("returns", w.expr(returns)?)];
        w.plain("FunctionType", fields)
    })
}

struct Walk<'a, B> {
    lines: Lines<'a>,
    comments: &'a comments::TypeComments,
    /// Characters of the first line that are not the source's.
    moved: u32,
    b: &'a mut B,
}

type Got<B> = Result<<B as Build>::Out, TreeError<<B as Build>::Error>>;
type Two<B> = Result<(<B as Build>::Out, <B as Build>::Out), TreeError<<B as Build>::Error>>;
type Fields<B> = Vec<(&'static str, <B as Build>::Out)>;

fn operator(op: Operator) -> &'static str {
    match op {
        Operator::Add => "Add",
        Operator::Sub => "Sub",
        Operator::Mult => "Mult",
        Operator::MatMult => "MatMult",
        Operator::Div => "Div",
        Operator::Mod => "Mod",
        Operator::Pow => "Pow",
        Operator::LShift => "LShift",
        Operator::RShift => "RShift",
        Operator::BitOr => "BitOr",
        Operator::BitXor => "BitXor",
        Operator::BitAnd => "BitAnd",
        Operator::FloorDiv => "FloorDiv",
    }
}

fn comparison(op: CmpOp) -> &'static str {
    match op {
        CmpOp::Eq => "Eq",
        CmpOp::NotEq => "NotEq",
        CmpOp::Lt => "Lt",
        CmpOp::LtE => "LtE",
        CmpOp::Gt => "Gt",
        CmpOp::GtE => "GtE",
        CmpOp::Is => "Is",
        CmpOp::IsNot => "IsNot",
        CmpOp::In => "In",
        CmpOp::NotIn => "NotIn",
    }
}

impl<B: Build> Walk<'_, B> {
    fn place(&self, r: TextRange) -> Position {
        let (line, column) = self.lines.line_column(r.start().to_u32());
        let (end_line, end_column) = self.lines.line_column(r.end().to_u32());
        let own = |line: u32, column: u32| if line == 1 { column.saturating_sub(self.moved) } else { column };
        Position { line, end_line, column: own(line, column), end_column: own(end_line, end_column) }
    }
    fn plain(&mut self, kind: &'static str, fields: Fields<B>) -> Got<B> {
        self.b.node(kind, fields, None).map_err(TreeError::Build)
    }
    fn at(&mut self, kind: &'static str, fields: Fields<B>, range: TextRange) -> Got<B> {
        let place = self.place(range);
        self.b.node(kind, fields, Some(place)).map_err(TreeError::Build)
    }
    fn seq(&mut self, items: Vec<B::Out>) -> Got<B> {
        self.b.list(items).map_err(TreeError::Build)
    }
    fn value(&mut self, c: Const) -> Got<B> {
        self.b.constant(c).map_err(TreeError::Build)
    }
    fn none(&mut self) -> Got<B> {
        self.value(Const::None)
    }
    /// The type comment about what begins at a place.
    fn comment(&mut self, at: TextSize) -> Got<B> {
        match self.comments.of(at) {
            Some(text) => self.text(text),
            None => self.none(),
        }
    }
    fn text(&mut self, s: &str) -> Got<B> {
        self.value(Const::Str(s.into()))
    }
    fn name(&mut self, i: Option<&Identifier>) -> Got<B> {
        match i {
            Some(i) => self.text(&i.id),
            None => self.none(),
        }
    }
    fn names(&mut self, list: &[Identifier]) -> Got<B> {
        let items = list.iter().map(|i| self.text(&i.id)).collect::<Result<_, _>>()?;
        self.seq(items)
    }
    fn maybe(&mut self, e: Option<&Expr>) -> Got<B> {
        match e {
            Some(e) => self.expr(e),
            None => self.none(),
        }
    }
    fn exprs<'e>(&mut self, list: impl IntoIterator<Item = &'e Expr>) -> Got<B> {
        let items = list.into_iter().map(|e| self.expr(e)).collect::<Result<_, _>>()?;
        self.seq(items)
    }
    fn body(&mut self, list: &[Stmt]) -> Got<B> {
        let items = list.iter().map(|s| self.stmt(s)).collect::<Result<_, _>>()?;
        self.seq(items)
    }
    fn ctx(&mut self, c: ExprContext) -> Got<B> {
        let kind = match c {
            ExprContext::Store => "Store",
            ExprContext::Del => "Del",
            _ => "Load",
        };
        self.plain(kind, Vec::new())
    }
    /// The place of a definition: without its decorators.
    fn definition(&self, range: TextRange, decorators: &[Decorator]) -> TextRange {
        let Some(last) = decorators.last() else { return range };
        let mut at = last.range.end().to_usize();
        let bytes = self.lines.source.as_bytes();
        while let Some(b) = bytes.get(at) {
            match b {
                b'#' => {
                    while bytes.get(at).is_some_and(|b| *b != b'\n' && *b != b'\r') {
                        at += 1;
                    }
                }
                b' ' | b'\t' | b'\n' | b'\r' | b'\x0c' | b'\\' | b')' => at += 1,
                _ => break,
            }
        }
        TextRange::new((at as u32).into(), range.end())
    }

    fn stmt(&mut self, s: &Stmt) -> Got<B> {
        stacker::maybe_grow(64 << 10, 1 << 20, || self.stmt_here(s))
    }

    fn stmt_here(&mut self, s: &Stmt) -> Got<B> {
        let range = s.range();
        let (kind, fields) = match s {
            Stmt::FunctionDef(f) => {
                let fields = vec![
                    ("name", self.text(&f.name.id)?),
                    ("args", self.parameters(Some(&f.parameters))?),
                    ("body", self.body(&f.body)?),
                    ("decorator_list", self.exprs(f.decorator_list.iter().map(|d| &d.expression))?),
                    ("returns", self.maybe(f.returns.as_deref())?),
                    ("type_comment", self.comment(range.start())?),
                    ("type_params", self.type_params(f.type_params.as_deref())?),
                ];
                let range = self.comments.reach(self.definition(range, &f.decorator_list));
                return self.at(if f.is_async { "AsyncFunctionDef" } else { "FunctionDef" }, fields, range);
            }
            Stmt::ClassDef(c) => {
                let (bases, keywords) = self.arguments(c.arguments.as_deref())?;
                let fields = vec![
                    ("name", self.text(&c.name.id)?),
                    ("bases", bases),
                    ("keywords", keywords),
                    ("body", self.body(&c.body)?),
                    ("decorator_list", self.exprs(c.decorator_list.iter().map(|d| &d.expression))?),
                    ("type_params", self.type_params(c.type_params.as_deref())?),
                ];
                let range = self.comments.reach(self.definition(range, &c.decorator_list));
                return self.at("ClassDef", fields, range);
            }
            Stmt::Return(r) => ("Return", vec![("value", self.maybe(r.value.as_deref())?)]),
            Stmt::Delete(d) => ("Delete", vec![("targets", self.exprs(&d.targets)?)]),
            Stmt::TypeAlias(t) => ("TypeAlias", vec![("name", self.expr(&t.name)?), ("type_params", self.type_params(t.type_params.as_deref())?), ("value", self.expr(&t.value)?)]),
            Stmt::Assign(a) => ("Assign", vec![("targets", self.exprs(&a.targets)?), ("value", self.expr(&a.value)?), ("type_comment", self.comment(range.start())?)]),
            Stmt::AugAssign(a) => ("AugAssign", vec![("target", self.expr(&a.target)?), ("op", self.plain(operator(a.op), Vec::new())?), ("value", self.expr(&a.value)?)]),
            Stmt::AnnAssign(a) => (
                "AnnAssign",
                vec![
                    ("target", self.expr(&a.target)?),
                    ("annotation", self.expr(&a.annotation)?),
                    ("value", self.maybe(a.value.as_deref())?),
                    ("simple", self.value(Const::Int(i64::from(a.simple)))?),
                ],
            ),
            Stmt::For(f) => (
                if f.is_async { "AsyncFor" } else { "For" },
                vec![
                    ("target", self.expr(&f.target)?),
                    ("iter", self.expr(&f.iter)?),
                    ("body", self.body(&f.body)?),
                    ("orelse", self.body(&f.orelse)?),
                    ("type_comment", self.comment(range.start())?),
                ],
            ),
            Stmt::While(w) => ("While", vec![("test", self.expr(&w.test)?), ("body", self.body(&w.body)?), ("orelse", self.body(&w.orelse)?)]),
            Stmt::If(i) => {
                let end = self.comments.reach(range).end();
                let mut orelse = Vec::new();
                for clause in i.elif_else_clauses.iter().rev() {
                    match &clause.test {
                        None => orelse = clause.body.iter().map(|s| self.stmt(s)).collect::<Result<_, _>>()?,
                        Some(test) => {
                            let fields = vec![("test", self.expr(test)?), ("body", self.body(&clause.body)?), ("orelse", self.seq(orelse)?)];
                            orelse = vec![self.at("If", fields, TextRange::new(clause.range.start(), end))?];
                        }
                    }
                }
                ("If", vec![("test", self.expr(&i.test)?), ("body", self.body(&i.body)?), ("orelse", self.seq(orelse)?)])
            }
            Stmt::With(w) => {
                let mut items = Vec::new();
                for i in &w.items {
                    let fields = vec![("context_expr", self.expr(&i.context_expr)?), ("optional_vars", self.maybe(i.optional_vars.as_deref())?)];
                    items.push(self.plain("withitem", fields)?);
                }
                (if w.is_async { "AsyncWith" } else { "With" }, vec![("items", self.seq(items)?), ("body", self.body(&w.body)?), ("type_comment", self.comment(range.start())?)])
            }
            Stmt::Match(m) => {
                let mut cases = Vec::new();
                for c in &m.cases {
                    let fields = vec![("pattern", self.pattern(&c.pattern)?), ("guard", self.maybe(c.guard.as_deref())?), ("body", self.body(&c.body)?)];
                    cases.push(self.plain("match_case", fields)?);
                }
                ("Match", vec![("subject", self.expr(&m.subject)?), ("cases", self.seq(cases)?)])
            }
            Stmt::Raise(r) => ("Raise", vec![("exc", self.maybe(r.exc.as_deref())?), ("cause", self.maybe(r.cause.as_deref())?)]),
            Stmt::Try(t) => {
                let mut handlers = Vec::new();
                for h in &t.handlers {
                    let ExceptHandler::ExceptHandler(h) = h;
                    let fields = vec![("type", self.maybe(h.type_.as_deref())?), ("name", self.name(h.name.as_ref())?), ("body", self.body(&h.body)?)];
                    handlers.push(self.at("ExceptHandler", fields, self.comments.reach(h.range))?);
                }
                (
                    if t.is_star { "TryStar" } else { "Try" },
                    vec![("body", self.body(&t.body)?), ("handlers", self.seq(handlers)?), ("orelse", self.body(&t.orelse)?), ("finalbody", self.body(&t.finalbody)?)],
                )
            }
            Stmt::Assert(a) => ("Assert", vec![("test", self.expr(&a.test)?), ("msg", self.maybe(a.msg.as_deref())?)]),
            Stmt::Import(i) => ("Import", vec![("names", self.aliases(&i.names)?)]),
            Stmt::ImportFrom(i) => {
                ("ImportFrom", vec![("module", self.name(i.module.as_ref())?), ("names", self.aliases(&i.names)?), ("level", self.value(Const::Int(i64::from(i.level)))?)])
            }
            Stmt::Global(g) => ("Global", vec![("names", self.names(&g.names)?)]),
            Stmt::Nonlocal(g) => ("Nonlocal", vec![("names", self.names(&g.names)?)]),
            Stmt::Expr(e) => ("Expr", vec![("value", self.expr(&e.value)?)]),
            Stmt::Pass(_) | Stmt::IpyEscapeCommand(_) => ("Pass", Vec::new()),
            Stmt::Break(_) => ("Break", Vec::new()),
            Stmt::Continue(_) => ("Continue", Vec::new()),
        };
        self.at(kind, fields, self.comments.reach(range))
    }

    fn aliases(&mut self, list: &[Alias]) -> Got<B> {
        let mut items = Vec::new();
        for a in list {
            let fields = vec![("name", self.text(&a.name.id)?), ("asname", self.name(a.asname.as_ref())?)];
            items.push(self.at("alias", fields, a.range)?);
        }
        self.seq(items)
    }

    fn type_params(&mut self, params: Option<&TypeParams>) -> Got<B> {
        let mut items = Vec::new();
        for p in params.iter().flat_map(|p| &p.type_params) {
            let (kind, fields) = match p {
                TypeParam::TypeVar(v) => {
                    ("TypeVar", vec![("name", self.text(&v.name.id)?), ("bound", self.maybe(v.bound.as_deref())?), ("default_value", self.maybe(v.default.as_deref())?)])
                }
                TypeParam::ParamSpec(v) => ("ParamSpec", vec![("name", self.text(&v.name.id)?), ("default_value", self.maybe(v.default.as_deref())?)]),
                TypeParam::TypeVarTuple(v) => ("TypeVarTuple", vec![("name", self.text(&v.name.id)?), ("default_value", self.maybe(v.default.as_deref())?)]),
            };
            items.push(self.at(kind, fields, p.range())?);
        }
        self.seq(items)
    }

    fn arg(&mut self, p: &Parameter) -> Got<B> {
        let fields = vec![("arg", self.text(&p.name.id)?), ("annotation", self.maybe(p.annotation.as_deref())?), ("type_comment", self.comment(p.name.range.start())?)];
        // Without the stars.
        self.at("arg", fields, TextRange::new(p.name.range.start(), p.range.end()))
    }

    fn parameters(&mut self, p: Option<&Parameters>) -> Got<B> {
        let empty = Parameters::default();
        let p = p.unwrap_or(&empty);
        let mut groups = Vec::new();
        for group in [&p.posonlyargs, &p.args, &p.kwonlyargs] {
            let items = group.iter().map(|a| self.arg(&a.parameter)).collect::<Result<_, _>>()?;
            groups.push(self.seq(items)?);
        }
        let defaults = self.exprs(p.posonlyargs.iter().chain(p.args.iter()).filter_map(|a| a.default.as_deref()))?;
        let kw_defaults = p.kwonlyargs.iter().map(|a| self.maybe(a.default.as_deref())).collect::<Result<_, _>>()?;
        let kw_defaults = self.seq(kw_defaults)?;
        let vararg = match &p.vararg {
            Some(a) => self.arg(a)?,
            None => self.none()?,
        };
        let kwarg = match &p.kwarg {
            Some(a) => self.arg(a)?,
            None => self.none()?,
        };
        let kwonly = groups.pop();
        let mut fields: Fields<B> = ["posonlyargs", "args"].into_iter().zip(groups).collect();
        fields.push(("vararg", vararg));
        fields.extend(kwonly.map(|k| ("kwonlyargs", k)));
        fields.extend([("kw_defaults", kw_defaults), ("kwarg", kwarg), ("defaults", defaults)]);
        self.plain("arguments", fields)
    }

    /// The arguments of a call and its keywords.
    fn arguments(&mut self, a: Option<&Arguments>) -> Two<B> {
        let args = self.exprs(a.iter().flat_map(|a| a.args.iter()))?;
        let mut items = Vec::new();
        for k in a.iter().flat_map(|a| a.keywords.iter()) {
            let fields = vec![("arg", self.name(k.arg.as_ref())?), ("value", self.expr(&k.value)?)];
            items.push(self.at("keyword", fields, k.range)?);
        }
        Ok((args, self.seq(items)?))
    }

    fn generators(&mut self, list: &[Comprehension]) -> Got<B> {
        let mut items = Vec::new();
        for c in list {
            let fields =
                vec![("target", self.expr(&c.target)?), ("iter", self.expr(&c.iter)?), ("ifs", self.exprs(&c.ifs)?), ("is_async", self.value(Const::Int(i64::from(c.is_async)))?)];
            items.push(self.plain("comprehension", fields)?);
        }
        self.seq(items)
    }

    fn expr(&mut self, e: &Expr) -> Got<B> {
        stacker::maybe_grow(64 << 10, 1 << 20, || self.expr_here(e))
    }

    fn expr_here(&mut self, e: &Expr) -> Got<B> {
        let range = emit::span(e, self.lines.source);
        let (kind, fields) = match e {
            Expr::BoolOp(b) => {
                let op = if b.op == BoolOp::And { "And" } else { "Or" };
                ("BoolOp", vec![("op", self.plain(op, Vec::new())?), ("values", self.exprs(&b.values)?)])
            }
            Expr::Named(n) => ("NamedExpr", vec![("target", self.expr(&n.target)?), ("value", self.expr(&n.value)?)]),
            Expr::BinOp(b) => ("BinOp", vec![("left", self.expr(&b.left)?), ("op", self.plain(operator(b.op), Vec::new())?), ("right", self.expr(&b.right)?)]),
            Expr::UnaryOp(u) => {
                let op = match u.op {
                    UnaryOp::Invert => "Invert",
                    UnaryOp::Not => "Not",
                    UnaryOp::UAdd => "UAdd",
                    UnaryOp::USub => "USub",
                };
                ("UnaryOp", vec![("op", self.plain(op, Vec::new())?), ("operand", self.expr(&u.operand)?)])
            }
            Expr::Lambda(l) => ("Lambda", vec![("args", self.parameters(l.parameters.as_deref())?), ("body", self.expr(&l.body)?)]),
            Expr::If(i) => ("IfExp", vec![("test", self.expr(&i.test)?), ("body", self.expr(&i.body)?), ("orelse", self.expr(&i.orelse)?)]),
            Expr::Dict(d) => {
                let keys = d.items.iter().map(|i| self.maybe(i.key.as_ref())).collect::<Result<_, _>>()?;
                ("Dict", vec![("keys", self.seq(keys)?), ("values", self.exprs(d.items.iter().map(|i| &i.value))?)])
            }
            Expr::Set(s) => ("Set", vec![("elts", self.exprs(&s.elts)?)]),
            Expr::ListComp(c) => ("ListComp", vec![("elt", self.expr(&c.elt)?), ("generators", self.generators(&c.generators)?)]),
            Expr::SetComp(c) => ("SetComp", vec![("elt", self.expr(&c.elt)?), ("generators", self.generators(&c.generators)?)]),
            Expr::DictComp(c) => ("DictComp", vec![("key", self.maybe(c.key.as_deref())?), ("value", self.expr(&c.value)?), ("generators", self.generators(&c.generators)?)]),
            Expr::Generator(c) => ("GeneratorExp", vec![("elt", self.expr(&c.elt)?), ("generators", self.generators(&c.generators)?)]),
            Expr::Await(a) => ("Await", vec![("value", self.expr(&a.value)?)]),
            Expr::Yield(y) => ("Yield", vec![("value", self.maybe(y.value.as_deref())?)]),
            Expr::YieldFrom(y) => ("YieldFrom", vec![("value", self.expr(&y.value)?)]),
            Expr::Compare(c) => {
                let left = self.expr(&c.left)?;
                let ops = c.ops.iter().map(|o| self.plain(comparison(*o), Vec::new())).collect::<Result<_, _>>()?;
                ("Compare", vec![("left", left), ("ops", self.seq(ops)?), ("comparators", self.exprs(&c.comparators)?)])
            }
            Expr::Call(c) => {
                let func = self.expr(&c.func)?;
                let (args, keywords) = self.arguments(Some(&c.arguments))?;
                ("Call", vec![("func", func), ("args", args), ("keywords", keywords)])
            }
            Expr::FString(f) => {
                let mut run = Pieces::new();
                for part in f.value.as_slice() {
                    match part {
                        FStringPart::Literal(s) => {
                            run.reaches(s.range);
                            run.text.push_str(&s.value);
                        }
                        FStringPart::FString(f) => self.pieces(&f.elements, f.flags.prefix().is_raw(), false, &mut run)?,
                    }
                }
                let values = self.finish(run)?;
                ("JoinedStr", vec![("values", values)])
            }
            Expr::TString(t) => {
                let mut run = Pieces::new();
                for part in t.value.as_slice() {
                    self.pieces(&part.elements, part.flags.prefix().is_raw(), true, &mut run)?;
                }
                let values = self.finish(run)?;
                ("TemplateStr", vec![("values", values)])
            }
            Expr::StringLiteral(s) => {
                let mut text = Text::default();
                for part in s.value.as_slice() {
                    let (open, close) = (part.flags.opener_len().to_usize(), part.flags.closer_len().to_usize());
                    let body = self.lines.source.get(part.range.start().to_usize() + open..part.range.end().to_usize() - close).unwrap_or("");
                    if let Err(e) = literal::decode_str(body, part.flags.prefix().is_raw(), &mut text, &mut |_, _| {}) {
                        return Err(self.syntax(e.0, range));
                    }
                }
                let kind = if s.value.as_slice().first().is_some_and(|p| p.flags.prefix().is_unicode()) { self.text("u")? } else { self.none()? };
                ("Constant", vec![("value", self.value(text.into_const())?), ("kind", kind)])
            }
            Expr::BytesLiteral(s) => {
                let bytes: Vec<u8> = s.value.iter().flat_map(|p| p.value.iter().copied()).collect();
                return self.literal(Const::Bytes(bytes.into()), range);
            }
            Expr::NumberLiteral(n) => {
                let c = match &n.value {
                    Number::Float(f) => Const::Float(f.to_bits()),
                    Number::Complex { real, imag } => Const::Complex(real.to_bits(), imag.to_bits()),
                    Number::Int(i) => match i.as_i64() {
                        Some(v) => Const::Int(v),
                        None => literal::integer(&self.lines.source[n.range.start().to_usize()..n.range.end().to_usize()]).unwrap_or(Const::Int(0)),
                    },
                };
                return self.literal(c, range);
            }
            Expr::BooleanLiteral(b) => return self.literal(Const::Bool(b.value), range),
            Expr::NoneLiteral(_) => return self.literal(Const::None, range),
            Expr::EllipsisLiteral(_) => return self.literal(Const::Ellipsis, range),
            Expr::Attribute(a) => ("Attribute", vec![("value", self.expr(&a.value)?), ("attr", self.text(&a.attr.id)?), ("ctx", self.ctx(a.ctx)?)]),
            Expr::Subscript(s) => ("Subscript", vec![("value", self.expr(&s.value)?), ("slice", self.expr(&s.slice)?), ("ctx", self.ctx(s.ctx)?)]),
            Expr::Starred(s) => ("Starred", vec![("value", self.expr(&s.value)?), ("ctx", self.ctx(s.ctx)?)]),
            Expr::Name(n) => ("Name", vec![("id", self.text(&n.id)?), ("ctx", self.ctx(n.ctx)?)]),
            Expr::List(l) => ("List", vec![("elts", self.exprs(&l.elts)?), ("ctx", self.ctx(l.ctx)?)]),
            Expr::Tuple(t) => ("Tuple", vec![("elts", self.exprs(&t.elts)?), ("ctx", self.ctx(t.ctx)?)]),
            Expr::Slice(s) => ("Slice", vec![("lower", self.maybe(s.lower.as_deref())?), ("upper", self.maybe(s.upper.as_deref())?), ("step", self.maybe(s.step.as_deref())?)]),
            Expr::IpyEscapeCommand(_) => return Err(self.syntax("invalid syntax".into(), range)),
        };
        self.at(kind, fields, range)
    }

    fn syntax(&self, message: String, range: TextRange) -> TreeError<B::Error> {
        TreeError::Syntax(self.lines.error(message, range.start().to_u32(), range.end().to_u32()))
    }

    fn literal(&mut self, c: Const, range: TextRange) -> Got<B> {
        let fields = vec![("value", self.value(c)?), ("kind", self.none()?)];
        self.at("Constant", fields, range)
    }

    /// Ends the run of text of an interpolated string.
    fn flush(&mut self, run: &mut Pieces<B>) -> Result<(), TreeError<B::Error>> {
        if !run.text.0.is_empty() {
            let c = std::mem::take(&mut run.text).into_const();
            let made = self.literal(c, run.range.unwrap_or_default())?;
            run.values.push(made);
        }
        run.range = None;
        Ok(())
    }
    fn finish(&mut self, mut run: Pieces<B>) -> Got<B> {
        self.flush(&mut run)?;
        self.seq(run.values)
    }

    fn pieces(&mut self, elements: &InterpolatedStringElements, raw: bool, template: bool, run: &mut Pieces<B>) -> Result<(), TreeError<B::Error>> {
        for element in elements {
            let i = match element {
                InterpolatedStringElement::Literal(l) => {
                    let body = self.lines.source[l.range.start().to_usize()..l.range.end().to_usize()].replace("{{", "{").replace("}}", "}");
                    run.reaches(l.range);
                    if let Err(e) = literal::decode_str(&body, raw, &mut run.text, &mut |_, _| {}) {
                        return Err(self.syntax(e.0, l.range));
                    }
                    continue;
                }
                InterpolatedStringElement::Interpolation(i) => i,
            };
            let mut conversion = match i.conversion {
                ConversionFlag::None => -1,
                ConversionFlag::Str => 115,
                ConversionFlag::Ascii => 97,
                ConversionFlag::Repr => 114,
            };
            if i.debug_text.is_some() {
                let (text, end) = emit::debug_text(self.lines.source, i);
                run.reaches(TextRange::new(i.range.start() + TextSize::from(1), TextSize::from(end as u32)));
                run.text.push_str(&text);
                if i.format_spec.is_none() && conversion == -1 {
                    conversion = 114;
                }
            }
            self.flush(run)?;
            let spec = match &i.format_spec {
                None => self.none()?,
                Some(spec) => {
                    // It begins with its colon.
                    let whole = TextRange::new(spec.range.start() - TextSize::from(1), spec.range.end());
                    let mut inner = Pieces::new();
                    self.pieces(&spec.elements, raw, false, &mut inner)?;
                    let values = self.finish(inner)?;
                    self.at("JoinedStr", vec![("values", values)], whole)?
                }
            };
            let mut fields = vec![("value", self.expr(&i.expression)?)];
            if template {
                let r = i.expression.range();
                let text = self.lines.source[r.start().to_usize()..r.end().to_usize()].to_string();
                fields.push(("str", self.text(&text)?));
            }
            fields.extend([("conversion", self.value(Const::Int(conversion))?), ("format_spec", spec)]);
            let made = self.at(if template { "Interpolation" } else { "FormattedValue" }, fields, i.range)?;
            run.values.push(made);
        }
        Ok(())
    }

    fn patterns<'p>(&mut self, list: impl IntoIterator<Item = &'p Pattern>) -> Got<B> {
        let items = list.into_iter().map(|p| self.pattern(p)).collect::<Result<_, _>>()?;
        self.seq(items)
    }

    fn pattern(&mut self, p: &Pattern) -> Got<B> {
        stacker::maybe_grow(64 << 10, 1 << 20, || self.pattern_here(p))
    }

    fn pattern_here(&mut self, p: &Pattern) -> Got<B> {
        let (kind, fields) = match p {
            Pattern::MatchValue(v) => ("MatchValue", vec![("value", self.expr(&v.value)?)]),
            Pattern::MatchSingleton(s) => {
                let c = match s.value {
                    Singleton::None => Const::None,
                    Singleton::True => Const::Bool(true),
                    Singleton::False => Const::Bool(false),
                };
                ("MatchSingleton", vec![("value", self.value(c)?)])
            }
            Pattern::MatchSequence(s) => ("MatchSequence", vec![("patterns", self.patterns(&s.patterns)?)]),
            Pattern::MatchMapping(m) => ("MatchMapping", vec![("keys", self.exprs(&m.keys)?), ("patterns", self.patterns(&m.patterns)?), ("rest", self.name(m.rest.as_ref())?)]),
            Pattern::MatchClass(c) => {
                let attrs: Vec<Identifier> = c.arguments.keywords.iter().map(|k| k.attr.clone()).collect();
                (
                    "MatchClass",
                    vec![
                        ("cls", self.expr(&c.cls)?),
                        ("patterns", self.patterns(&c.arguments.patterns)?),
                        ("kwd_attrs", self.names(&attrs)?),
                        ("kwd_patterns", self.patterns(c.arguments.keywords.iter().map(|k| &k.pattern))?),
                    ],
                )
            }
            Pattern::MatchStar(s) => ("MatchStar", vec![("name", self.name(s.name.as_ref())?)]),
            Pattern::MatchAs(a) => {
                let inner = match &a.pattern {
                    Some(p) => self.pattern(p)?,
                    None => self.none()?,
                };
                ("MatchAs", vec![("pattern", inner), ("name", self.name(a.name.as_ref())?)])
            }
            Pattern::MatchOr(o) => ("MatchOr", vec![("patterns", self.patterns(&o.patterns)?)]),
        };
        self.at(kind, fields, p.range())
    }
}

/// An interpolated string on the way: the values so far and the text since the last of them.
struct Pieces<B: Build> {
    values: Vec<B::Out>,
    text: Text,
    /// Where the text at hand stands.
    range: Option<TextRange>,
}
impl<B: Build> Pieces<B> {
    fn new() -> Self {
        Pieces { values: Vec::new(), text: Text::default(), range: None }
    }
    /// The text at hand goes on over a range.
    fn reaches(&mut self, range: TextRange) {
        self.range = Some(self.range.map_or(range, |r| r.cover(range)));
    }
}
