//! Statements, and what only they have: parameters, aliases, handlers, patterns.

use super::{Made, Node, Problem, Reader, Value, Walk, index, shown};
use retic_bytecode::Const;
use ruff_python_ast::*;
use ruff_text_size::{Ranged, TextRange};

impl Walk {
    pub(super) fn stmt(&mut self, v: Value) -> Made<Stmt> {
        stacker::maybe_grow(64 << 10, 1 << 20, || match v {
            Value::Node(n) => self.stmt_here(n),
            // It is asked for its place first.
            _ => Err(Problem::Type("required field \"lineno\" missing from stmt".into())),
        })
    }

    fn stmt_here(&mut self, node: Node) -> Made<Stmt> {
        if node.place.is_none() {
            return Err(Problem::Type("required field \"lineno\" missing from stmt".into()));
        }
        let mut r = self.reader(node);
        let (range, node_index) = (r.range, index());
        Ok(match r.kind.as_str() {
            "FunctionDef" | "AsyncFunctionDef" => {
                let decorator_list = self.decorators(&mut r)?;
                let parameters = match r.take("args") {
                    Some(Value::Node(n)) => self.parameters(n)?,
                    _ => return Err(r.missing("args")),
                };
                Stmt::FunctionDef(StmtFunctionDef {
                    node_index,
                    range: with_decorators(range, &decorator_list),
                    is_async: r.kind == "AsyncFunctionDef",
                    name: r.name("name")?,
                    type_params: self.type_params(&mut r)?,
                    parameters: Box::new(parameters),
                    returns: self.maybe(&mut r, "returns")?,
                    body: self.block(&mut r, "body")?.into_iter().collect(),
                    decorator_list: decorator_list.into(),
                })
            }
            "ClassDef" => {
                let decorator_list = self.decorators(&mut r)?;
                let arguments = self.arguments(&mut r, "bases", range)?;
                let none = arguments.args.is_empty() && arguments.keywords.is_empty();
                Stmt::ClassDef(StmtClassDef {
                    node_index,
                    range: with_decorators(range, &decorator_list),
                    name: r.name("name")?,
                    type_params: self.type_params(&mut r)?,
                    arguments: (!none).then(|| Box::new(arguments)),
                    body: self.block(&mut r, "body")?.into_iter().collect(),
                    decorator_list: decorator_list.into(),
                })
            }
            "Return" => Stmt::Return(StmtReturn { node_index, range, value: self.maybe(&mut r, "value")? }),
            "Delete" => {
                let targets = self.exprs(&mut r, "targets")?;
                some(&targets, "targets", "Delete")?;
                Stmt::Delete(StmtDelete { node_index, range, targets })
            }
            "Assign" => {
                let targets = self.exprs(&mut r, "targets")?;
                some(&targets, "targets", "Assign")?;
                Stmt::Assign(StmtAssign { node_index, range, targets, value: self.boxed(&mut r, "value")? })
            }
            "TypeAlias" => {
                Stmt::TypeAlias(StmtTypeAlias { node_index, range, name: self.boxed(&mut r, "name")?, type_params: self.type_params(&mut r)?, value: self.boxed(&mut r, "value")? })
            }
            "AugAssign" => {
                let op = operator(&mut r, "op")?;
                Stmt::AugAssign(StmtAugAssign { node_index, range, target: self.boxed(&mut r, "target")?, op, value: self.boxed(&mut r, "value")? })
            }
            "AnnAssign" => {
                let simple = r.int("simple")?.ok_or_else(|| r.missing("simple"))? != 0;
                let target = self.boxed(&mut r, "target")?;
                if simple && !target.is_name_expr() {
                    return Err(Problem::Type("AnnAssign with simple non-Name target".into()));
                }
                Stmt::AnnAssign(StmtAnnAssign { node_index, range, target, annotation: self.boxed(&mut r, "annotation")?, value: self.maybe(&mut r, "value")?, simple })
            }
            "For" | "AsyncFor" => Stmt::For(StmtFor {
                node_index,
                range,
                is_async: r.kind == "AsyncFor",
                target: self.boxed(&mut r, "target")?,
                iter: self.boxed(&mut r, "iter")?,
                body: self.block(&mut r, "body")?.into_iter().collect(),
                orelse: self.stmts(&mut r, "orelse")?.into_iter().collect(),
            }),
            "While" => Stmt::While(StmtWhile {
                node_index,
                range,
                test: self.boxed(&mut r, "test")?,
                body: self.block(&mut r, "body")?.into_iter().collect(),
                orelse: self.stmts(&mut r, "orelse")?.into_iter().collect(),
            }),
            "If" => {
                let test = self.boxed(&mut r, "test")?;
                let body = self.block(&mut r, "body")?;
                let mut orelse = self.stmts(&mut r, "orelse")?;
                let mut clauses = Vec::new();
                match (orelse.pop(), orelse.is_empty()) {
                    (None, _) => {}
                    // What the grammar makes of `elif`.
                    (Some(Stmt::If(inner)), true) => {
                        let end = inner.body.last().map_or(inner.range.end(), |s| s.range().end());
                        let range = TextRange::new(inner.range.start(), end.max(inner.range.start()));
                        clauses.push(ElifElseClause { range, node_index: index(), test: Some(*inner.test), body: inner.body });
                        clauses.extend(inner.elif_else_clauses);
                    }
                    (Some(last), _) => {
                        orelse.push(last);
                        let start = orelse[0].range().start();
                        let range = TextRange::new(start, range.end().max(start));
                        clauses.push(ElifElseClause { range, node_index: index(), test: None, body: orelse.into_iter().collect() });
                    }
                }
                Stmt::If(StmtIf { node_index, range, test, body: body.into_iter().collect(), elif_else_clauses: clauses })
            }
            "With" | "AsyncWith" => {
                let mut items = Vec::new();
                for v in r.list("items")? {
                    let mut i = self.part(v, "withitem")?;
                    let context_expr = self.required(&mut i, "context_expr")?;
                    items.push(WithItem { range: context_expr.range(), node_index: index(), context_expr, optional_vars: self.maybe(&mut i, "optional_vars")? });
                }
                some(&items, "items", &r.kind)?;
                Stmt::With(StmtWith { node_index, range, is_async: r.kind == "AsyncWith", items, body: self.block(&mut r, "body")?.into_iter().collect() })
            }
            "Match" => {
                let subject = self.boxed(&mut r, "subject")?;
                let mut cases = Vec::new();
                for v in r.list("cases")? {
                    let mut c = self.part(v, "match_case")?;
                    let pattern = match c.take("pattern") {
                        Some(v) => self.pattern(v)?,
                        None => return Err(c.missing("pattern")),
                    };
                    let range = pattern.range();
                    cases.push(MatchCase { range, node_index: index(), pattern, guard: self.maybe(&mut c, "guard")?, body: self.block(&mut c, "body")?.into_iter().collect() });
                }
                some(&cases, "cases", "Match")?;
                Stmt::Match(StmtMatch { node_index, range, subject, cases })
            }
            "Raise" => {
                let (exc, cause) = (self.maybe(&mut r, "exc")?, self.maybe(&mut r, "cause")?);
                if exc.is_none() && cause.is_some() {
                    return Err(Problem::Value("Raise with cause but no exception".into()));
                }
                Stmt::Raise(StmtRaise { node_index, range, exc, cause })
            }
            "Try" | "TryStar" => self.try_of(r)?,
            "Assert" => Stmt::Assert(StmtAssert { node_index, range, test: self.boxed(&mut r, "test")?, msg: self.maybe(&mut r, "msg")? }),
            "Import" => Stmt::Import(StmtImport { node_index, range, names: self.aliases(&mut r)?, is_lazy: false }),
            "ImportFrom" => {
                let level = r.int("level")?.unwrap_or(0);
                let level = u32::try_from(level).map_err(|_| Problem::Value("Negative ImportFrom level".into()))?;
                Stmt::ImportFrom(StmtImportFrom { node_index, range, module: r.maybe_name("module")?, names: self.aliases(&mut r)?, level, is_lazy: false })
            }
            "Global" => {
                let names = r.names("names")?;
                some(&names, "names", "Global")?;
                Stmt::Global(StmtGlobal { node_index, range, names })
            }
            "Nonlocal" => {
                let names = r.names("names")?;
                some(&names, "names", "Nonlocal")?;
                Stmt::Nonlocal(StmtNonlocal { node_index, range, names })
            }
            "Expr" => Stmt::Expr(StmtExpr { node_index, range, value: self.boxed(&mut r, "value")? }),
            "Pass" => Stmt::Pass(StmtPass { node_index, range }),
            "Break" => Stmt::Break(StmtBreak { node_index, range }),
            "Continue" => Stmt::Continue(StmtContinue { node_index, range }),
            other => return Err(Problem::Type(format!("expected some sort of stmt, but got {other}()"))),
        })
    }

    fn try_of(&mut self, mut r: Reader) -> Made<Stmt> {
        let body = self.block(&mut r, "body")?;
        let mut handlers = Vec::new();
        for v in r.list("handlers")? {
            let mut h = self.part(v, "ExceptHandler")?;
            let made = ExceptHandlerExceptHandler {
                range: h.range,
                node_index: index(),
                type_: self.maybe(&mut h, "type")?,
                name: h.maybe_name("name")?,
                body: self.block(&mut h, "body")?.into_iter().collect(),
            };
            handlers.push(ExceptHandler::ExceptHandler(made));
        }
        let (orelse, finalbody) = (self.stmts(&mut r, "orelse")?, self.stmts(&mut r, "finalbody")?);
        if handlers.is_empty() && finalbody.is_empty() {
            return Err(Problem::Value(format!("{} has neither except handlers nor finalbody", r.kind)));
        }
        if handlers.is_empty() && !orelse.is_empty() {
            return Err(Problem::Value(format!("{} has orelse but no except handlers", r.kind)));
        }
        Ok(Stmt::Try(StmtTry {
            node_index: index(),
            range: r.range,
            body: body.into_iter().collect(),
            handlers,
            orelse: orelse.into_iter().collect(),
            finalbody: finalbody.into_iter().collect(),
            is_star: r.kind == "TryStar",
        }))
    }

    /// A node that can only be of one kind.
    pub(super) fn part(&mut self, v: Value, kind: &str) -> Made<Reader> {
        match v {
            Value::Node(n) if n.kind == kind => Ok(self.reader(n)),
            other => Err(Problem::Type(format!("expected some sort of {}, but got {}", if kind == "ExceptHandler" { "excepthandler" } else { kind }, shown(&other)))),
        }
    }

    fn decorators(&mut self, r: &mut Reader) -> Made<Vec<Decorator>> {
        let list = self.exprs(r, "decorator_list")?;
        Ok(list.into_iter().map(|expression| Decorator { range: expression.range(), node_index: index(), expression }).collect())
    }

    fn aliases(&mut self, r: &mut Reader) -> Made<Vec<Alias>> {
        let mut out = Vec::new();
        for v in r.list("names")? {
            let mut a = self.part(v, "alias")?;
            out.push(Alias { range: a.range, node_index: index(), name: a.name("name")?, asname: a.maybe_name("asname")? });
        }
        some(&out, "names", &r.kind)?;
        Ok(out)
    }

    fn type_params(&mut self, r: &mut Reader) -> Made<Option<Box<TypeParams>>> {
        let mut out = Vec::new();
        for v in r.list("type_params")? {
            let Value::Node(n) = v else { return Err(Problem::Type(format!("expected some sort of type_param, but got {}", shown(&v)))) };
            let mut p = self.reader(n);
            let (range, node_index) = (p.range, index());
            let (name, default) = (p.name("name")?, self.maybe(&mut p, "default_value")?);
            out.push(match p.kind.as_str() {
                "TypeVar" => TypeParam::TypeVar(TypeParamTypeVar { range, node_index, name, bound: self.maybe(&mut p, "bound")?, default }),
                "ParamSpec" => TypeParam::ParamSpec(TypeParamParamSpec { range, node_index, name, default }),
                "TypeVarTuple" => TypeParam::TypeVarTuple(TypeParamTypeVarTuple { range, node_index, name, default }),
                other => return Err(Problem::Type(format!("expected some sort of type_param, but got {other}()"))),
            });
        }
        Ok((!out.is_empty()).then(|| Box::new(TypeParams { range: r.range, node_index: index(), type_params: out })))
    }

    fn parameter(&mut self, v: Value) -> Made<Parameter> {
        let mut a = self.part(v, "arg")?;
        Ok(Parameter { range: a.range, node_index: index(), name: a.name("arg")?, annotation: self.maybe(&mut a, "annotation")? })
    }

    /// The parameters of a function or lambda.
    pub(super) fn parameters(&mut self, node: Node) -> Made<Parameters> {
        let mut r = self.reader(node);
        let mut groups = Vec::new();
        for name in ["posonlyargs", "args", "kwonlyargs"] {
            let list = r.list(name)?.into_iter().map(|v| self.parameter(v)).collect::<Made<Vec<_>>>()?;
            groups.push(list);
        }
        let defaults = self.exprs(&mut r, "defaults")?;
        let (kwonly, args, posonly) = (groups.pop().unwrap_or_default(), groups.pop().unwrap_or_default(), groups.pop().unwrap_or_default());
        let positional = posonly.len() + args.len();
        if defaults.len() > positional {
            return Err(Problem::Value("more positional defaults than args on arguments".into()));
        }
        let kw_defaults = r.list("kw_defaults")?;
        if kw_defaults.len() != kwonly.len() {
            return Err(Problem::Value("length of kwonlyargs is not the same as kw_defaults on arguments".into()));
        }
        let mut defaults = std::iter::repeat_with(|| None).take(positional - defaults.len()).chain(defaults.into_iter().map(Some).collect::<Vec<_>>());
        let mut with = |list: Vec<Parameter>| -> Vec<ParameterWithDefault> {
            let one = |parameter: Parameter| ParameterWithDefault { range: parameter.range, node_index: index(), parameter, default: defaults.next().flatten().map(Box::new) };
            list.into_iter().map(one).collect()
        };
        let (posonlyargs, args) = (with(posonly), with(args));
        let mut kwonlyargs = Vec::new();
        for (parameter, default) in kwonly.into_iter().zip(kw_defaults) {
            let default = if matches!(default, Value::Const(Const::None)) { None } else { Some(Box::new(self.expr(default)?)) };
            kwonlyargs.push(ParameterWithDefault { range: parameter.range, node_index: index(), parameter, default });
        }
        let mut star = |w: &mut Walk, name: &str| r.take(name).map(|v| w.parameter(v).map(Box::new)).transpose();
        let (vararg, kwarg) = (star(self, "vararg")?, star(self, "kwarg")?);
        Ok(Parameters {
            range: r.range,
            node_index: index(),
            posonlyargs: posonlyargs.into_iter().collect(),
            args: args.into_iter().collect(),
            vararg,
            kwonlyargs: kwonlyargs.into_iter().collect(),
            kwarg,
        })
    }

    fn patterns(&mut self, r: &mut Reader, name: &str) -> Made<Vec<Pattern>> {
        r.list(name)?.into_iter().map(|v| self.pattern(v)).collect()
    }

    fn pattern(&mut self, v: Value) -> Made<Pattern> {
        stacker::maybe_grow(64 << 10, 1 << 20, || match v {
            Value::Node(n) => self.pattern_here(n),
            other => Err(Problem::Type(format!("expected some sort of pattern, but got {}", shown(&other)))),
        })
    }

    fn pattern_here(&mut self, node: Node) -> Made<Pattern> {
        let mut r = self.reader(node);
        let (range, node_index) = (r.range, index());
        Ok(match r.kind.as_str() {
            "MatchValue" => Pattern::MatchValue(PatternMatchValue { range, node_index, value: self.boxed(&mut r, "value")? }),
            "MatchSingleton" => {
                let value = match r.take("value") {
                    None => Singleton::None,
                    Some(Value::Const(Const::Bool(true))) => Singleton::True,
                    Some(Value::Const(Const::Bool(false))) => Singleton::False,
                    Some(_) => return Err(Problem::Value("MatchSingleton can only contain True, False and None".into())),
                };
                Pattern::MatchSingleton(PatternMatchSingleton { range, node_index, value })
            }
            "MatchSequence" => Pattern::MatchSequence(PatternMatchSequence { range, node_index, patterns: self.patterns(&mut r, "patterns")? }),
            "MatchMapping" => {
                let (keys, patterns) = (self.exprs(&mut r, "keys")?, self.patterns(&mut r, "patterns")?);
                if keys.len() != patterns.len() {
                    return Err(Problem::Value("MatchMapping doesn't have the same number of keys as patterns".into()));
                }
                let rest = r.maybe_name("rest")?;
                Pattern::MatchMapping(PatternMatchMapping { range, node_index, keys: keys.into_iter().collect(), patterns: patterns.into_iter().collect(), rest })
            }
            "MatchClass" => {
                let cls = self.boxed(&mut r, "cls")?;
                let (patterns, attrs, under) = (self.patterns(&mut r, "patterns")?, r.names("kwd_attrs")?, self.patterns(&mut r, "kwd_patterns")?);
                if attrs.len() != under.len() {
                    return Err(Problem::Value("MatchClass doesn't have the same number of keyword attributes as patterns".into()));
                }
                let keywords = attrs.into_iter().zip(under).map(|(attr, pattern)| PatternKeyword { range, node_index: index(), attr, pattern }).collect();
                let arguments = PatternArguments { range, node_index: index(), patterns: patterns.into_iter().collect(), keywords };
                Pattern::MatchClass(PatternMatchClass { range, node_index, cls, arguments })
            }
            "MatchStar" => Pattern::MatchStar(PatternMatchStar { range, node_index, name: r.maybe_name("name")? }),
            "MatchAs" => {
                let pattern = r.take("pattern").map(|v| self.pattern(v).map(Box::new)).transpose()?;
                let name = r.maybe_name("name")?;
                if pattern.is_some() && name.is_none() {
                    return Err(Problem::Value("MatchAs must specify a target name if a pattern is given".into()));
                }
                Pattern::MatchAs(PatternMatchAs { range, node_index, pattern, name })
            }
            "MatchOr" => {
                let patterns = self.patterns(&mut r, "patterns")?;
                if patterns.len() < 2 {
                    return Err(Problem::Value("MatchOr requires at least 2 patterns".into()));
                }
                Pattern::MatchOr(PatternMatchOr { range, node_index, patterns })
            }
            other => return Err(Problem::Type(format!("expected some sort of pattern, but got {other}()"))),
        })
    }
}

fn with_decorators(range: TextRange, decorators: &[Decorator]) -> TextRange {
    match decorators.first() {
        // With the sign in front.
        Some(d) if d.range.start() < range.start() => TextRange::new(d.range.start().checked_sub(1.into()).unwrap_or_default(), range.end()),
        _ => range,
    }
}

fn some<T>(list: &[T], name: &str, kind: &str) -> Made<()> {
    if list.is_empty() { Err(Problem::Value(format!("empty {name} on {kind}"))) } else { Ok(()) }
}

/// An operator of two operands.
pub(super) fn operator(r: &mut Reader, name: &str) -> Made<Operator> {
    let Some(Value::Node(n)) = r.take(name) else { return Err(r.missing(name)) };
    Ok(match n.kind.as_str() {
        "Add" => Operator::Add,
        "Sub" => Operator::Sub,
        "Mult" => Operator::Mult,
        "MatMult" => Operator::MatMult,
        "Div" => Operator::Div,
        "Mod" => Operator::Mod,
        "Pow" => Operator::Pow,
        "LShift" => Operator::LShift,
        "RShift" => Operator::RShift,
        "BitOr" => Operator::BitOr,
        "BitXor" => Operator::BitXor,
        "BitAnd" => Operator::BitAnd,
        "FloorDiv" => Operator::FloorDiv,
        other => return Err(Problem::Type(format!("expected some sort of operator, but got {other}()"))),
    })
}
