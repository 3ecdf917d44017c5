//! Annotation text for `from __future__ import annotations`, spelled as CPython's unparser spells it (Python/ast_unparse.c).

use retic_numbers::{big::Big, float};
use ruff_python_ast::*;
use ruff_text_size::Ranged;

/// How tightly what stands around an expression binds; what binds less is put between brackets.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Tuple,
    Test,
    Or,
    And,
    Not,
    Cmp,
    Bor,
    Bxor,
    Band,
    Shift,
    Arith,
    Term,
    Factor,
    Power,
    Await,
    Atom,
}
use Level::*;

impl Level {
    fn tighter(self) -> Level {
        const ALL: [Level; 16] = [Tuple, Test, Or, And, Not, Cmp, Bor, Bxor, Band, Shift, Arith, Term, Factor, Power, Await, Atom];
        ALL[(self as usize + 1).min(ALL.len() - 1)]
    }
}

/// The text of an annotation.
pub fn annotation(e: &Expr, source: &str) -> String {
    let mut w = Writer { source, out: String::new() };
    w.expr(e, Test);
    w.out
}

struct Writer<'s> {
    source: &'s str,
    out: String,
}

impl Writer<'_> {
    fn text(&mut self, text: &str) {
        self.out.push_str(text);
    }
    /// Something between brackets where `level` binds tighter than `own`.
    fn bracketed(&mut self, level: Level, own: Level, write: impl FnOnce(&mut Self)) {
        let brackets = level > own;
        if brackets {
            self.text("(");
        }
        write(self);
        if brackets {
            self.text(")");
        }
    }
    fn list<'e>(&mut self, items: impl IntoIterator<Item = &'e Expr>) {
        for (i, item) in items.into_iter().enumerate() {
            if i > 0 {
                self.text(", ");
            }
            self.expr(item, Test);
        }
    }

    fn expr(&mut self, e: &Expr, level: Level) {
        match e {
            Expr::BoolOp(b) => {
                let (own, word) = if b.op == BoolOp::And { (And, " and ") } else { (Or, " or ") };
                self.bracketed(level, own, |w| {
                    for (i, v) in b.values.iter().enumerate() {
                        if i > 0 {
                            w.text(word);
                        }
                        w.expr(v, own.tighter());
                    }
                });
            }
            Expr::Named(n) => self.bracketed(level, Tuple, |w| {
                w.expr(&n.target, Atom);
                w.text(" := ");
                w.expr(&n.value, Atom);
            }),
            Expr::BinOp(b) => {
                let own = match b.op {
                    Operator::Add | Operator::Sub => Arith,
                    Operator::Mult | Operator::MatMult | Operator::Div | Operator::Mod | Operator::FloorDiv => Term,
                    Operator::LShift | Operator::RShift => Shift,
                    Operator::BitOr => Bor,
                    Operator::BitXor => Bxor,
                    Operator::BitAnd => Band,
                    Operator::Pow => Power,
                };
                let (left, right) = if b.op == Operator::Pow { (own.tighter(), own) } else { (own, own.tighter()) };
                self.bracketed(level, own, |w| {
                    w.expr(&b.left, left);
                    w.text(&format!(" {} ", b.op.as_str()));
                    w.expr(&b.right, right);
                });
            }
            Expr::UnaryOp(u) => {
                let (own, sign) = match u.op {
                    UnaryOp::Invert => (Factor, "~"),
                    UnaryOp::Not => (Not, "not "),
                    UnaryOp::UAdd => (Factor, "+"),
                    UnaryOp::USub => (Factor, "-"),
                };
                self.bracketed(level, own, |w| {
                    w.text(sign);
                    w.expr(&u.operand, own);
                });
            }
            Expr::Lambda(l) => self.bracketed(level, Test, |w| {
                let positional = l.parameters.as_ref().is_some_and(|p| p.posonlyargs.len() + p.args.len() > 0);
                w.text(if positional { "lambda " } else { "lambda" });
                if let Some(p) = &l.parameters {
                    w.parameters(p);
                }
                w.text(": ");
                w.expr(&l.body, Test);
            }),
            Expr::If(c) => self.bracketed(level, Test, |w| {
                w.expr(&c.body, Or);
                w.text(" if ");
                w.expr(&c.test, Or);
                w.text(" else ");
                w.expr(&c.orelse, Test);
            }),
            Expr::Dict(d) => {
                self.text("{");
                for (i, item) in d.items.iter().enumerate() {
                    if i > 0 {
                        self.text(", ");
                    }
                    match &item.key {
                        Some(k) => {
                            self.expr(k, Test);
                            self.text(": ");
                            self.expr(&item.value, Test);
                        }
                        None => {
                            self.text("**");
                            self.expr(&item.value, Bor);
                        }
                    }
                }
                self.text("}");
            }
            Expr::Set(s) => {
                self.text("{");
                self.list(&s.elts);
                self.text("}");
            }
            Expr::ListComp(c) => self.comprehension("[", |w| w.expr(&c.elt, Test), &c.generators, "]"),
            Expr::SetComp(c) => self.comprehension("{", |w| w.expr(&c.elt, Test), &c.generators, "}"),
            Expr::Generator(c) => self.comprehension("(", |w| w.expr(&c.elt, Test), &c.generators, ")"),
            Expr::DictComp(c) => {
                let item = |w: &mut Self| {
                    if let Some(k) = &c.key {
                        w.expr(k, Test);
                        w.text(": ");
                    }
                    w.expr(&c.value, Test);
                };
                self.comprehension("{", item, &c.generators, "}");
            }
            Expr::Await(a) => self.bracketed(level, Await, |w| {
                w.text("await ");
                w.expr(&a.value, Atom);
            }),
            Expr::Yield(y) => match &y.value {
                Some(v) => {
                    self.text("(yield ");
                    self.expr(v, Test);
                    self.text(")");
                }
                None => self.text("(yield)"),
            },
            Expr::YieldFrom(y) => {
                self.text("(yield from ");
                self.expr(&y.value, Test);
                self.text(")");
            }
            Expr::Compare(c) => self.bracketed(level, Cmp, |w| {
                w.expr(&c.left, Bor);
                for (op, right) in c.ops.iter().zip(c.comparators.iter()) {
                    w.text(&format!(" {} ", op.as_str()));
                    w.expr(right, Bor);
                }
            }),
            Expr::Call(c) => {
                self.expr(&c.func, Atom);
                if let ([Expr::Generator(_)], []) = (&c.arguments.args[..], &c.arguments.keywords[..]) {
                    return self.expr(&c.arguments.args[0], Test);
                }
                self.text("(");
                self.list(&c.arguments.args);
                for (i, k) in c.arguments.keywords.iter().enumerate() {
                    if i > 0 || !c.arguments.args.is_empty() {
                        self.text(", ");
                    }
                    match &k.arg {
                        Some(name) => self.text(&format!("{}=", name.id)),
                        None => self.text("**"),
                    }
                    self.expr(&k.value, Test);
                }
                self.text(")");
            }
            Expr::FString(f) => {
                let mut body = String::new();
                for part in f.value.as_slice() {
                    match part {
                        FStringPart::Literal(s) => braces(&s.value, &mut body),
                        FStringPart::FString(f) => self.pieces(&f.elements, &mut body),
                    }
                }
                self.text("f");
                quoted(&body, &mut self.out);
            }
            Expr::TString(t) => {
                let mut body = String::new();
                for part in t.value.as_slice() {
                    self.pieces(&part.elements, &mut body);
                }
                self.text("t");
                quoted(&body, &mut self.out);
            }
            Expr::StringLiteral(s) => {
                if s.value.iter().next().is_some_and(|part| part.flags.prefix() == str_prefix::StringLiteralPrefix::Unicode) {
                    self.text("u");
                }
                quoted(s.value.to_str(), &mut self.out);
            }
            Expr::BytesLiteral(b) => {
                let all: Vec<u8> = b.value.bytes().collect();
                quoted_bytes(&all, &mut self.out);
            }
            Expr::NumberLiteral(n) => self.number(n),
            Expr::BooleanLiteral(b) => self.text(if b.value { "True" } else { "False" }),
            Expr::NoneLiteral(_) => self.text("None"),
            Expr::EllipsisLiteral(_) => self.text("..."),
            Expr::Attribute(a) => {
                self.expr(&a.value, Atom);
                let number = matches!(&*a.value, Expr::NumberLiteral(n) if matches!(n.value, Number::Int(_)));
                self.text(if number { " ." } else { "." });
                self.text(&a.attr.id);
            }
            Expr::Subscript(s) => {
                self.expr(&s.value, Atom);
                self.text("[");
                self.expr(&s.slice, Tuple);
                self.text("]");
            }
            Expr::Slice(s) => {
                if let Some(lower) = &s.lower {
                    self.expr(lower, Test);
                }
                self.text(":");
                if let Some(upper) = &s.upper {
                    self.expr(upper, Test);
                }
                if let Some(step) = &s.step {
                    self.text(":");
                    self.expr(step, Test);
                }
            }
            Expr::Starred(s) => {
                self.text("*");
                self.expr(&s.value, Bor);
            }
            Expr::Name(n) => self.text(&n.id),
            Expr::List(l) => {
                self.text("[");
                self.list(&l.elts);
                self.text("]");
            }
            Expr::Tuple(t) if t.elts.is_empty() => self.text("()"),
            Expr::Tuple(t) => self.bracketed(level, Tuple, |w| {
                w.list(&t.elts);
                if t.elts.len() == 1 {
                    w.text(",");
                }
            }),
            // Of the shell's syntax that this parser knows nothing comes here.
            Expr::IpyEscapeCommand(_) => {}
        }
    }

    fn comprehension(&mut self, open: &str, item: impl FnOnce(&mut Self), generators: &[Comprehension], close: &str) {
        self.text(open);
        item(self);
        for g in generators {
            self.text(if g.is_async { " async for " } else { " for " });
            self.expr(&g.target, Tuple);
            self.text(" in ");
            self.expr(&g.iter, Or);
            for test in &g.ifs {
                self.text(" if ");
                self.expr(test, Or);
            }
        }
        self.text(close);
    }

    fn parameters(&mut self, p: &Parameters) {
        let mut first = true;
        let mut next = |w: &mut Self| {
            if !std::mem::take(&mut first) {
                w.text(", ");
            }
        };
        for (i, a) in p.posonlyargs.iter().chain(p.args.iter()).enumerate() {
            next(self);
            self.parameter(a);
            if i + 1 == p.posonlyargs.len() {
                self.text(", /");
            }
        }
        if p.vararg.is_some() || !p.kwonlyargs.is_empty() {
            next(self);
            self.text("*");
            if let Some(v) = &p.vararg {
                self.text(&v.name.id);
            }
        }
        for a in &p.kwonlyargs {
            next(self);
            self.parameter(a);
        }
        if let Some(k) = &p.kwarg {
            next(self);
            self.text("**");
            self.text(&k.name.id);
        }
    }
    fn parameter(&mut self, a: &ParameterWithDefault) {
        self.text(&a.parameter.name.id);
        if let Some(d) = &a.default {
            self.text("=");
            self.expr(d, Test);
        }
    }

    /// The inside of an f-string, as it stands between the quotes.
    fn pieces(&mut self, elements: &[InterpolatedStringElement], body: &mut String) {
        for part in elements {
            match part {
                InterpolatedStringElement::Literal(l) => braces(&l.value, body),
                InterpolatedStringElement::Interpolation(i) => {
                    let mut conversion = i.conversion;
                    if i.debug_text.is_some() {
                        braces(&crate::emit::debug_text(self.source, i).0, body);
                        if i.format_spec.is_none() && conversion == ConversionFlag::None {
                            conversion = ConversionFlag::Repr;
                        }
                    }
                    let mut inner = Writer { source: self.source, out: String::new() };
                    inner.expr(&i.expression, Or);
                    body.push_str(if inner.out.starts_with('{') { "{ " } else { "{" });
                    body.push_str(&inner.out);
                    body.push_str(match conversion {
                        ConversionFlag::None => "",
                        ConversionFlag::Str => "!s",
                        ConversionFlag::Repr => "!r",
                        ConversionFlag::Ascii => "!a",
                    });
                    if let Some(spec) = &i.format_spec {
                        body.push(':');
                        self.pieces(&spec.elements, body);
                    }
                    body.push('}');
                }
            }
        }
    }

    fn number(&mut self, n: &ExprNumberLiteral) {
        let shown = |v: f64| float::repr(v).replace("inf", "1e309");
        let text = match &n.value {
            Number::Int(i) => match i.as_i64() {
                Some(v) => v.to_string(),
                None => {
                    let text = self.source.get(n.range().start().to_usize()..n.range().end().to_usize()).unwrap_or("");
                    match crate::literal::integer(text) {
                        Some(retic_bytecode::Const::BigInt { negative, digits }) => Big::from_digits(negative, &digits).to_text(10),
                        _ => text.to_string(),
                    }
                }
            },
            Number::Float(f) => shown(*f),
            Number::Complex { imag, .. } => {
                let t = shown(*imag);
                format!("{}j", t.strip_suffix(".0").unwrap_or(&t))
            }
        };
        self.text(&text);
    }
}

fn braces(text: &str, body: &mut String) {
    for c in text.chars() {
        body.push(c);
        if matches!(c, '{' | '}') {
            body.push(c);
        }
    }
}

/// As `repr` of a str.
fn quoted(text: &str, out: &mut String) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if c == ' ' || retic_unicode::is_printable(u32::from(c)) => out.push(c),
            c => match u32::from(c) {
                n @ ..0x100 => out.push_str(&format!("\\x{n:02x}")),
                n @ ..0x10000 => out.push_str(&format!("\\u{n:04x}")),
                n => out.push_str(&format!("\\U{n:08x}")),
            },
        }
    }
    out.push(quote);
}

/// As `repr` of bytes.
fn quoted_bytes(bytes: &[u8], out: &mut String) {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { b'"' } else { b'\'' };
    out.push('b');
    out.push(char::from(quote));
    for b in bytes {
        match b {
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            b if *b == quote => {
                out.push('\\');
                out.push(char::from(*b));
            }
            0x20..0x7f => out.push(char::from(*b)),
            b => out.push_str(&format!("\\x{b:02x}")),
        }
    }
    out.push(char::from(quote));
}
