//! Warnings of `return`, `break` and `continue` that leave a `finally` block, and so swallow exceptions (PEP 765).

use ruff_python_ast::*;
use ruff_text_size::TextRange;

/// What stands around a statement.
#[derive(Clone, Copy, Default)]
struct Around {
    finally: bool,
    /// Inside the `finally`: a function, or a loop.
    function: bool,
    looping: bool,
}

/// What is to be said, where, in the order of the source.
pub fn leaving(body: &[Stmt]) -> Vec<(String, TextRange)> {
    let mut out = Vec::new();
    search(body, Around::default(), &mut out);
    out
}

fn search(body: &[Stmt], around: Around, out: &mut Vec<(String, TextRange)>) {
    for s in body {
        let mut warn = |what: &str, range: TextRange| out.push((format!("'{what}' in a 'finally' block"), range));
        match s {
            Stmt::Return(r) if around.finally && !around.function => warn("return", r.range),
            Stmt::Break(b) if around.finally && !around.looping => warn("break", b.range),
            Stmt::Continue(c) if around.finally && !around.looping => warn("continue", c.range),
            Stmt::FunctionDef(f) => search(&f.body, Around { function: true, ..Around::default() }, out),
            Stmt::ClassDef(c) => search(&c.body, around, out),
            Stmt::For(f) => {
                search(&f.body, Around { looping: true, ..around }, out);
                search(&f.orelse, around, out);
            }
            Stmt::While(w) => {
                search(&w.body, Around { looping: true, ..around }, out);
                search(&w.orelse, around, out);
            }
            Stmt::If(i) => {
                search(&i.body, around, out);
                for clause in &i.elif_else_clauses {
                    search(&clause.body, around, out);
                }
            }
            Stmt::With(w) => search(&w.body, around, out),
            Stmt::Match(m) => {
                for case in &m.cases {
                    search(&case.body, around, out);
                }
            }
            Stmt::Try(t) => {
                search(&t.body, around, out);
                for ExceptHandler::ExceptHandler(h) in &t.handlers {
                    search(&h.body, around, out);
                }
                search(&t.orelse, around, out);
                search(&t.finalbody, Around { finally: true, ..Around::default() }, out);
            }
            _ => {}
        }
    }
}
