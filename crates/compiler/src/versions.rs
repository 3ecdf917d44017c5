//! `feature_version`: syntax that an older Python did not have is refused, as CPython's parser does (`CHECK_VERSION`).

use crate::error::{CompileError, Lines};
use ruff_python_ast::token::{TokenKind, Tokens};
use ruff_python_ast::visitor::source_order::{self, SourceOrderVisitor, TraversalSignal};
use ruff_python_ast::*;
use ruff_text_size::{Ranged, TextRange, TextSize};

/// What ends with a block.
const BLOCKS: [&str; 5] = ["Async functions are", "Async for loops are", "Async with statements are", "Pattern matching is", "Exception groups are"];

/// The first thing in a program that Python 3.`minor` did not know, in the order in which a parser is done with them.
pub(crate) fn too_new(lines: &Lines<'_>, tokens: &Tokens, module: &Mod, minor: u8) -> Option<Box<CompileError>> {
    let mut found = Found { minor, first: None };
    match module {
        Mod::Module(m) => m.body.iter().for_each(|s| found.visit_stmt(s)),
        Mod::Expression(e) => found.visit_expr(&e.body),
    }
    let first = found.first.take();
    let numbers = tokens.iter().filter(|t| minor < 6 && matches!(t.kind(), TokenKind::Int | TokenKind::Float | TokenKind::Complex));
    let underscored = numbers.map(Ranged::range).find(|r| lines.source[r.start().to_usize()..r.end().to_usize()].contains('_'));
    if let Some(number) = underscored.filter(|n| first.as_ref().is_none_or(|f| n.end() <= f.0.end())) {
        let message = "Underscores in numeric literals are only supported in Python 3.6 and greater";
        return Some(lines.error(message, number.start().to_u32(), number.end().to_u32()));
    }
    let (range, what, since) = first?;
    let slash = tokens.iter().find(|t| t.kind() == TokenKind::Slash && t.start() >= range.end()).filter(|_| what.starts_with("Positional"));
    let range = slash.map_or(range, Ranged::range);
    // The parser stands at the token behind.
    let next = tokens.iter().find(|t| t.start() >= range.end() && !matches!(t.kind(), TokenKind::Comment | TokenKind::NonLogicalNewline | TokenKind::Indent));
    // Behind a block it is the first one on a line further out.
    let dedent = tokens
        .iter()
        .skip_while(|t| t.start() < range.end())
        .find(|t| !matches!(t.kind(), TokenKind::Comment | TokenKind::NonLogicalNewline | TokenKind::Newline))
        .filter(|t| t.kind() == TokenKind::Dedent && t.start().to_usize() < lines.source.len());
    let next = match next {
        Some(t) if t.kind() == TokenKind::Newline && BLOCKS.contains(&what) => dedent.or(next),
        other => other,
    };
    let at = next.map_or(range.end(), Ranged::start).to_u32();
    let end = next.filter(|t| t.kind() != TokenKind::Newline).map_or(at, |t| t.end().to_u32());
    let mut error = lines.error(format!("{what} only supported in Python 3.{since} and greater"), at, end);
    // The end of a line is a token, too.
    error.end_column = error.end_column.max(error.column as i32 + 1);
    Some(error)
}

struct Found {
    minor: u8,
    first: Option<(TextRange, &'static str, u8)>,
}

impl Found {
    fn needs(&mut self, range: TextRange, what: &'static str, since: u8) {
        if self.minor < since && self.first.is_none_or(|(r, ..)| range.end() <= r.end()) {
            self.first = Some((range, what, since));
        }
    }
    fn parameters(&mut self, p: &Parameters) {
        if let Some(last) = p.posonlyargs.last() {
            // They are read when the stroke behind them is.
            self.needs(last.range(), "Positional-only parameters are", 8);
        }
    }
}

impl<'a> SourceOrderVisitor<'a> for Found {
    fn enter_node(&mut self, node: AnyNodeRef<'a>) -> TraversalSignal {
        let range = node.range();
        // What the parser is done with before it has seen what follows.
        let last = TextRange::new(range.start(), range.end() - TextSize::from(1).min(range.len()));
        match node {
            AnyNodeRef::StmtFunctionDef(f) => {
                self.parameters(&f.parameters);
                if f.is_async {
                    self.needs(range, "Async functions are", 5);
                }
            }
            AnyNodeRef::ExprLambda(l) => {
                if let Some(p) = &l.parameters {
                    self.parameters(p);
                }
            }
            AnyNodeRef::StmtFor(f) if f.is_async => self.needs(range, "Async for loops are", 5),
            AnyNodeRef::StmtWith(w) if w.is_async => self.needs(range, "Async with statements are", 5),
            AnyNodeRef::ExprAwait(_) => self.needs(range, "Await expressions are", 5),
            AnyNodeRef::ExprBinOp(ExprBinOp { op: Operator::MatMult, .. }) => self.needs(range, "The '@' operator is", 5),
            AnyNodeRef::StmtAugAssign(StmtAugAssign { op: Operator::MatMult, target, .. }) => self.needs(target.range(), "The '@' operator is", 5),
            AnyNodeRef::StmtAnnAssign(a) => self.needs(range, if a.simple { "Variable annotation syntax is" } else { "Variable annotations syntax is" }, 6),
            AnyNodeRef::Comprehension(c) if c.is_async => self.needs(range, "Async comprehensions are", 6),
            AnyNodeRef::ExprNamed(_) => self.needs(range, "Assignment expressions are", 8),
            AnyNodeRef::StmtMatch(_) => self.needs(range, "Pattern matching is", 10),
            AnyNodeRef::StmtTry(t) => {
                if t.is_star {
                    self.needs(range, "Exception groups are", 11);
                }
                for ExceptHandler::ExceptHandler(h) in &t.handlers {
                    if let Some(Expr::Tuple(tuple)) = h.type_.as_deref().filter(|_| h.name.is_none())
                        && !tuple.parenthesized
                    {
                        self.needs(h.range, "except expressions without parentheses are", 14);
                    }
                }
            }
            AnyNodeRef::TypeParams(_) => self.needs(last, "Type parameter lists are", 12),
            AnyNodeRef::StmtTypeAlias(_) => self.needs(range, "Type statement is", 12),
            AnyNodeRef::TypeParamTypeVar(TypeParamTypeVar { default: Some(d), .. })
            | AnyNodeRef::TypeParamParamSpec(TypeParamParamSpec { default: Some(d), .. })
            | AnyNodeRef::TypeParamTypeVarTuple(TypeParamTypeVarTuple { default: Some(d), .. }) => self.needs(d.range(), "Type parameter defaults are", 13),
            AnyNodeRef::ExprTString(_) => self.needs(last, "t-strings are", 14),
            _ => {}
        }
        TraversalSignal::Traverse
    }
    fn visit_expr(&mut self, e: &'a Expr) {
        stacker::maybe_grow(64 << 10, 1 << 20, || source_order::walk_expr(self, e));
    }
    fn visit_stmt(&mut self, s: &'a Stmt) {
        stacker::maybe_grow(64 << 10, 1 << 20, || source_order::walk_stmt(self, s));
    }
}
