//! `compile(..., PyCF_ONLY_AST)`: the compiler's tree as instances of the classes of `_ast`.

use crate::syntax_error;
use retic_bytecode::{Const, Position};
use retic_compiler::{Build, Mode, TreeError};
use retic_runtime::types::{code, object};
use retic_runtime::{Cx, Obj, PyResult, Raised, Ref, protocol, types};
use std::collections::HashMap;

struct Builder<'a> {
    cx: &'a mut Cx,
    module: Obj,
    classes: HashMap<&'static str, Ref<types::Type>>,
    /// Nodes without fields and place (`Load()`, `Add()`): one of each in a tree, as CPython has them.
    singletons: HashMap<&'static str, Obj>,
}

impl Builder<'_> {
    fn class(&mut self, kind: &'static str) -> PyResult<Ref<types::Type>> {
        if let Some(c) = self.classes.get(kind) {
            return Ok(c.clone());
        }
        let name = self.cx.name(kind);
        let class = protocol::getattr(self.cx, &self.module, &name)?;
        let Some(class) = class.cast::<types::Type>().cloned() else { return Err(self.cx.type_error(format!("_ast.{kind} is not a class"))) };
        self.classes.insert(kind, class.clone());
        Ok(class)
    }
}

impl Build for Builder<'_> {
    type Out = Obj;
    type Error = Raised;

    fn node(&mut self, kind: &'static str, fields: Vec<(&'static str, Obj)>, place: Option<Position>) -> PyResult {
        let single = place.is_none() && fields.is_empty();
        if single && let Some(o) = self.singletons.get(kind) {
            return Ok(o.clone());
        }
        let class = self.class(kind)?;
        let o = object::plain(self.cx, &class)?;
        let dict = object::dict_of(self.cx, &o)?;
        let put = |cx: &mut Cx, name: &'static str, value: Obj| -> PyResult<()> {
            let key = cx.name(name);
            let old = dict.insert(cx, key.as_obj(), value)?;
            cx.release(old);
            Ok(())
        };
        for (name, value) in fields {
            put(self.cx, name, value)?;
        }
        if let Some(p) = place {
            for (name, n) in [("lineno", p.line), ("col_offset", p.column), ("end_lineno", p.end_line), ("end_col_offset", p.end_column)] {
                let n = self.cx.int(i64::from(n))?;
                put(self.cx, name, n)?;
            }
        }
        if single {
            self.singletons.insert(kind, o.clone());
        }
        Ok(o)
    }
    fn list(&mut self, items: Vec<Obj>) -> PyResult {
        self.cx.list(items)
    }
    fn constant(&mut self, value: Const) -> PyResult {
        code::constant_object(self.cx, &value)
    }
}

/// The tree of a program; syntax errors are raised.
pub(crate) fn tree(cx: &mut Cx, source: &str, filename: &str, mode: Mode) -> PyResult {
    let module = retic_runtime::modules::import::import(cx, "_ast")?;
    // Long sources are read on a stack of their own, which is as deep as they may nest: the interpreter's floor is not there.
    let floor = cx.stack_floor.replace(0);
    let mut b = Builder { cx, module, classes: HashMap::new(), singletons: HashMap::new() };
    let made = retic_compiler::tree(source, mode, &mut b);
    cx.stack_floor.set(floor);
    match made {
        Ok(o) => Ok(o),
        Err(TreeError::Build(r)) => Err(r),
        Err(TreeError::Syntax(e)) => Err(syntax_error(cx, &e, filename, source)),
    }
}
