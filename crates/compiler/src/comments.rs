//! Type comments (PEP 484): `# type: ...` behind what it is about, and `# type: ignore`. Where they are wanted they are part of the
//! grammar, and one that stands elsewhere is refused.

use crate::error::{CompileError, Lines};
use ruff_python_ast::token::{TokenKind, Tokens};
use ruff_python_ast::visitor::source_order::{self, SourceOrderVisitor, TraversalSignal};
use ruff_python_ast::*;
use ruff_text_size::{Ranged, TextRange, TextSize};
use rustc_hash::FxHashMap;

/// The type comments of a program.
#[derive(Default)]
pub(crate) struct TypeComments {
    /// By where the statement or the parameter's name begins that one is about.
    of: FxHashMap<TextSize, String>,
    /// Where assignments end without their comments, and with them.
    ends: FxHashMap<TextSize, TextSize>,
    /// Lines, and what stands behind `ignore`.
    pub ignores: Vec<(u32, String)>,
}

impl TypeComments {
    pub fn of(&self, at: TextSize) -> Option<&str> {
        self.of.get(&at).map(String::as_str)
    }
    /// The range of a statement with the comment of the assignment that it ends with.
    pub fn reach(&self, range: TextRange) -> TextRange {
        self.ends.get(&range.end()).map_or(range, |end| TextRange::new(range.start(), *end))
    }
}

/// A token of the grammar; comments that mean nothing are none.
struct Token {
    kind: TokenKind,
    /// Of a comment: without its mark.
    range: TextRange,
    claimed: bool,
}

/// The text of a type comment and where in the comment it begins.
fn type_text(comment: &str) -> Option<(usize, &str)> {
    let text = comment.strip_prefix('#')?.trim_start_matches([' ', '\t']).strip_prefix("type:")?.trim_start_matches([' ', '\t']);
    Some((comment.len() - text.len(), text))
}

/// What stands behind `ignore`; none: it is no such comment.
fn ignored(text: &str) -> Option<&str> {
    text.strip_prefix("ignore").filter(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || !c.is_ascii()))
}

/// Finds what the type comments of a program are about.
pub(crate) fn attach(lines: &Lines<'_>, tokens: &Tokens, module: &Mod) -> Result<TypeComments, Box<CompileError>> {
    let mut out = TypeComments::default();
    let mut all = Vec::new();
    for t in tokens.iter() {
        let mut range = t.range();
        if t.kind() == TokenKind::Comment {
            let Some((from, text)) = type_text(&lines.source[range.start().to_usize()..range.end().to_usize()]) else { continue };
            if let Some(tag) = ignored(text) {
                // One that has a line for itself has the end of that line, too.
                let (before, behind) = (&lines.source[..range.start().to_usize()], &lines.source[range.end().to_usize()..]);
                let alone = before.rsplit('\n').next().is_some_and(|b| b.trim().is_empty()) && (behind.is_empty() || behind.starts_with('\n'));
                out.ignores.push((lines.line(range.start().to_u32()), format!("{tag}{}", if alone { "\n" } else { "" })));
                continue;
            }
            range = TextRange::new(range.start() + TextSize::from(from as u32), range.end());
        }
        all.push(Token { kind: t.kind(), range, claimed: false });
    }
    if !all.iter().any(|t| t.kind == TokenKind::Comment) {
        return Ok(out);
    }
    let mut finder = Finder { lines, tokens: all, out, twice: None };
    match module {
        Mod::Module(m) => m.body.iter().for_each(|s| finder.visit_stmt(s)),
        Mod::Expression(e) => finder.visit_expr(&e.body),
    }
    if let Some(at) = finder.twice {
        return Err(lines.error("Cannot have two type comments on def", at.start().to_u32(), at.end().to_u32()));
    }
    if let Some(i) = finder.tokens.iter().position(|t| t.kind == TokenKind::Comment && !t.claimed) {
        let before: Vec<TokenKind> = finder.tokens[..i].iter().rev().map(|t| t.kind).filter(|k| *k != TokenKind::NonLogicalNewline).take(2).collect();
        let message = if before == [TokenKind::Comma, TokenKind::Star] { "bare * has associated type comment" } else { "invalid syntax" };
        let at = finder.tokens[i].range;
        return Err(lines.error(message, at.start().to_u32(), at.end().to_u32()));
    }
    Ok(finder.out)
}

struct Finder<'l> {
    lines: &'l Lines<'l>,
    tokens: Vec<Token>,
    out: TypeComments,
    /// The second comment of a function.
    twice: Option<TextRange>,
}

impl Finder<'_> {
    /// The first token behind a place.
    fn after(&self, at: TextSize) -> usize {
        self.tokens.partition_point(|t| t.range.start() < at)
    }
    fn kind(&self, i: usize) -> TokenKind {
        self.tokens.get(i).map_or(TokenKind::EndOfFile, |t| t.kind)
    }
    fn skip_lines(&self, mut i: usize) -> usize {
        while self.kind(i) == TokenKind::NonLogicalNewline {
            i += 1;
        }
        i
    }
    /// The colon that ends a header.
    fn colon(&self, from: TextSize) -> usize {
        let mut i = self.after(from);
        while !matches!(self.kind(i), TokenKind::Colon | TokenKind::EndOfFile) {
            i += 1;
        }
        i
    }
    /// If a token is a type comment, it is about what begins at a place.
    fn claim(&mut self, i: usize, at: TextSize) -> bool {
        if self.kind(i) != TokenKind::Comment {
            return false;
        }
        let t = &mut self.tokens[i];
        t.claimed = true;
        let text = self.lines.source[t.range.start().to_usize()..t.range.end().to_usize()].to_string();
        self.out.of.insert(at, text);
        true
    }
    fn function(&mut self, f: &StmtFunctionDef) {
        for p in f.parameters.iter() {
            let i = self.skip_lines(self.after(p.range().end()));
            let behind_comma = self.kind(i) == TokenKind::Comma;
            let i = if behind_comma { self.skip_lines(i + 1) } else { i };
            if behind_comma || self.kind(self.skip_lines(i + 1)) == TokenKind::Rpar {
                self.claim(i, p.name().range.start());
            }
        }
        let mut i = self.colon(f.returns.as_ref().map_or(f.parameters.range.end(), |r| r.range().end())) + 1;
        let beside = self.claim(i, f.range.start());
        if beside {
            i += 1;
        }
        let below = self.skip_lines(i + 1);
        if self.kind(i) == TokenKind::Newline && self.kind(below) == TokenKind::Comment && self.kind(self.skip_lines(below + 1)) == TokenKind::Indent {
            if beside {
                // The parser has seen the first word of the body.
                self.twice = self.twice.or(Some(self.tokens[self.skip_lines(below + 1)].range));
            }
            self.claim(below, f.range.start());
        }
    }
}

impl<'a> SourceOrderVisitor<'a> for Finder<'_> {
    fn enter_node(&mut self, node: AnyNodeRef<'a>) -> TraversalSignal {
        let header = match node {
            AnyNodeRef::StmtFunctionDef(f) => {
                self.function(f);
                return TraversalSignal::Traverse;
            }
            AnyNodeRef::StmtAssign(a) => {
                let i = self.after(a.range.end());
                if self.claim(i, a.range.start()) {
                    self.out.ends.insert(a.range.end(), self.tokens[i].range.end());
                }
                return TraversalSignal::Traverse;
            }
            AnyNodeRef::StmtFor(f) => f.iter.range().end(),
            AnyNodeRef::StmtWith(w) => w.items.last().map_or(w.range.end(), |i| i.range.end()),
            _ => return TraversalSignal::Traverse,
        };
        self.claim(self.colon(header) + 1, node.start());
        TraversalSignal::Traverse
    }
    fn visit_expr(&mut self, e: &'a Expr) {
        stacker::maybe_grow(64 << 10, 1 << 20, || source_order::walk_expr(self, e));
    }
    fn visit_stmt(&mut self, s: &'a Stmt) {
        stacker::maybe_grow(64 << 10, 1 << 20, || source_order::walk_stmt(self, s));
    }
}
