//! Bodies that use their `__annotations__` while they run.
//!
//! With PEP 649 a module or class has no such name while its body runs: a program that reads it there is one for Python 3.13
//! or older. Its body keeps the older meaning: annotations are evaluated where they stand and put into the dict.

use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{Expr, ExprContext, Stmt};

#[derive(Default)]
struct Uses {
    read: bool,
    bound: bool,
}

impl<'a> Visitor<'a> for Uses {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        // Names in other scopes are others' affair.
        if !matches!(stmt, Stmt::FunctionDef(_) | Stmt::ClassDef(_)) {
            walk_stmt(self, stmt);
        }
    }
    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Lambda(_) => {}
            Expr::Name(n) if n.id.as_str() == "__annotations__" => match n.ctx {
                ExprContext::Load => self.read = true,
                _ => self.bound = true,
            },
            _ => walk_expr(self, expr),
        }
    }
}

/// Whether a body reads `__annotations__` without ever binding it.
pub fn are_used(source: &str, body: &[Stmt]) -> bool {
    if !source.contains("__annotations__") {
        return false;
    }
    let mut uses = Uses::default();
    body.iter().for_each(|s| uses.visit_stmt(s));
    uses.read && !uses.bound
}
