//! Annotation text for `from __future__ import annotations`, spelled as CPython's unparser spells it.

use ruff_python_ast::*;
use ruff_text_size::Ranged;

/// The text of an annotation.
pub fn annotation(e: &Expr, source: &str) -> String {
    let mut out = String::new();
    write(e, source, &mut out);
    out
}

fn list(items: &[Expr], source: &str, out: &mut String) {
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        write(item, source, out);
    }
}

fn write(e: &Expr, source: &str, out: &mut String) {
    match e {
        Expr::Name(n) => out.push_str(&n.id),
        Expr::Attribute(a) => {
            write(&a.value, source, out);
            out.push('.');
            out.push_str(&a.attr.id);
        }
        Expr::Subscript(s) => {
            write(&s.value, source, out);
            out.push('[');
            match &*s.slice {
                Expr::Tuple(t) if !t.elts.is_empty() => {
                    list(&t.elts, source, out);
                    if t.elts.len() == 1 {
                        out.push(',');
                    }
                }
                other => write(other, source, out),
            }
            out.push(']');
        }
        Expr::Tuple(t) => {
            out.push('(');
            list(&t.elts, source, out);
            if t.elts.len() == 1 {
                out.push(',');
            }
            out.push(')');
        }
        Expr::List(l) => {
            out.push('[');
            list(&l.elts, source, out);
            out.push(']');
        }
        Expr::NoneLiteral(_) => out.push_str("None"),
        Expr::EllipsisLiteral(_) => out.push_str("..."),
        Expr::BooleanLiteral(b) => out.push_str(if b.value { "True" } else { "False" }),
        Expr::StringLiteral(s) => {
            let text = s.value.to_str();
            let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
            out.push(quote);
            for c in text.chars() {
                match c {
                    '\\' => out.push_str("\\\\"),
                    '\n' => out.push_str("\\n"),
                    c if c == quote => {
                        out.push('\\');
                        out.push(c);
                    }
                    c => out.push(c),
                }
            }
            out.push(quote);
        }
        Expr::BinOp(b) => {
            write(&b.left, source, out);
            out.push_str(&format!(" {} ", b.op.as_str()));
            write(&b.right, source, out);
        }
        Expr::Starred(s) => {
            out.push('*');
            write(&s.value, source, out);
        }
        Expr::Call(c) => {
            write(&c.func, source, out);
            out.push('(');
            list(&c.arguments.args, source, out);
            for (i, k) in c.arguments.keywords.iter().enumerate() {
                if i > 0 || !c.arguments.args.is_empty() {
                    out.push_str(", ");
                }
                match &k.arg {
                    Some(a) => out.push_str(&format!("{}=", a.id)),
                    None => out.push_str("**"),
                }
                write(&k.value, source, out);
            }
            out.push(')');
        }
        other => {
            let r = other.range();
            let text = source.get(r.start().to_usize()..r.end().to_usize()).unwrap_or("");
            out.push_str(&text.split_whitespace().collect::<Vec<_>>().join(" "));
        }
    }
}
