//! Everything that opens a scope: functions, lambdas, classes, comprehensions, annotations, type parameters.

use super::*;
use retic_bytecode::opcode::{Intrinsic1, Intrinsic2};
use ruff_python_ast::ExprContext::{Load, Store};

const HAS_DEFAULTS: usize = 1;
const HAS_KWDEFAULTS: usize = 2;
const HAS_ANNOTATIONS: usize = 4;
const HAS_CLOSURE: usize = 8;
const HAS_ANNOTATE: usize = 16;

impl<'a> Emitter<'a> {
    fn set_params(&mut self, p: &Parameters) {
        let u = self.u();
        u.posonlyargcount = p.posonlyargs.len() as u32;
        u.argcount = (p.posonlyargs.len() + p.args.len()) as u32;
        u.kwonlyargcount = p.kwonlyargs.len() as u32;
        u.star_args = p.vararg.is_some();
        u.star_kwargs = p.kwarg.is_some();
    }

    /// Defaults and keyword defaults; returns MAKE_FUNCTION flags.
    fn defaults(&mut self, p: &'a Parameters) -> Done<usize> {
        let mut flags = 0;
        let positional: Vec<&'a Expr> = p.posonlyargs.iter().chain(&p.args).filter_map(|a| a.default.as_deref()).collect();
        if !positional.is_empty() {
            let n = positional.len();
            for d in positional {
                self.expr(d)?;
            }
            self.op_arg(BUILD_TUPLE, n);
            flags |= HAS_DEFAULTS;
        }
        let mut keys = Vec::new();
        for a in &p.kwonlyargs {
            if let Some(d) = &a.default {
                let name = self.mangled(&a.parameter.name.id);
                keys.push(Const::Str(name));
                self.expr(d)?;
            }
        }
        if !keys.is_empty() {
            let n = keys.len();
            self.load_const(Const::Tuple(keys.into()));
            self.op_arg(BUILD_CONST_KEY_MAP, n);
            flags |= HAS_KWDEFAULTS;
        }
        Ok(flags)
    }

    /// Pushes closure cells, code and name, and makes the function.
    pub(super) fn make_closure(&mut self, code: Code, mut flags: usize, qualname: Rc<str>) {
        if !code.freevars.is_empty() {
            for name in &code.freevars {
                let resolved = self.scope().symbols.get(name).and_then(|s| s.resolved);
                let is_class_cell = matches!(&**name, "__class__" | "__classdict__") && self.scope().kind == ScopeKind::Class;
                let kind = if is_class_cell || resolved == Some(Resolved::Cell) { Resolved::Cell } else { Resolved::Free };
                if let Some(i) = self.closure_index(name, kind) {
                    self.op_arg(LOAD_CLOSURE, i as usize);
                }
            }
            self.op_arg(BUILD_TUPLE, code.freevars.len());
            flags |= HAS_CLOSURE;
        }
        self.load_const(Const::Code(Rc::new(code)));
        self.load_const(Const::Str(qualname));
        self.op_arg(MAKE_FUNCTION, flags);
    }

    /// Closes the unit and makes a function of it in the enclosing one.
    fn close_over(&mut self, flags: usize, add_none: bool) {
        let qualname = self.u().qualname.clone();
        let code = self.leave(add_none);
        self.make_closure(code, flags, qualname);
    }

    fn decorators(&mut self, list: &'a [Decorator]) -> Done {
        list.iter().try_for_each(|d| self.expr(&d.expression))
    }

    fn first_line(&self, list: &[Decorator], own: u32) -> u32 {
        list.first().map_or(own, |d| self.lines.line(d.expression.range().start().to_u32()))
    }

    pub(super) fn function_def(&mut self, f: &'a StmtFunctionDef) -> Done {
        self.decorators(&f.decorator_list)?;
        let id = symbols::key(f);
        let own_line = self.u().line;
        let firstlineno = self.first_line(&f.decorator_list, own_line);
        let Some(tp) = &f.type_params else {
            let flags = self.defaults(&f.parameters)?;
            self.function_body(f, flags, firstlineno)?;
            return self.finish_decorated(&f.decorator_list, &f.name.id);
        };
        // Generic: a hidden function makes the type parameters; defaults are evaluated outside and handed in.
        self.enter(&format!("<generic parameters of {}>", f.name.id), Owner::TypeParams(id), firstlineno);
        self.u().line = own_line;
        let flags = (usize::from(f.parameters.posonlyargs.iter().chain(&f.parameters.args).any(|a| a.default.is_some())) * HAS_DEFAULTS)
            | (usize::from(f.parameters.kwonlyargs.iter().any(|a| a.default.is_some())) * HAS_KWDEFAULTS);
        let mut handed = 0;
        for (bit, name) in [(HAS_DEFAULTS, ".defaults"), (HAS_KWDEFAULTS, ".kwdefaults")] {
            if flags & bit != 0 {
                let u = self.u();
                // The hidden parameters come first among the locals.
                u.varnames.add(name.into());
                handed += 1;
            }
        }
        self.u().argcount = handed;
        self.type_params(tp)?;
        for i in 0..handed {
            self.op_arg(LOAD_FAST, i as usize);
        }
        self.function_body(f, flags, firstlineno)?;
        // params tuple below, function on top
        self.op(ROT_TWO);
        self.op_arg(CALL_INTRINSIC_2, Intrinsic2::SetFunctionTypeParams as usize);
        self.op(RETURN_VALUE);
        self.close_over(0, true);
        let pushed = self.defaults(&f.parameters)?;
        self.op_arg(CALL_FUNCTION, pushed.count_ones() as usize);
        self.finish_decorated(&f.decorator_list, &f.name.id)
    }

    fn finish_decorated(&mut self, list: &'a [Decorator], name: &str) -> Done {
        // Each is called where it stands, the last one first.
        let whole = self.u().range;
        for d in list.iter().rev() {
            self.u().range = d.expression.range();
            self.op_arg(CALL_FUNCTION, 1);
        }
        self.u().range = whole;
        self.name(name, Store)
    }

    fn function_body(&mut self, f: &'a StmtFunctionDef, mut flags: usize, firstlineno: u32) -> Done {
        let id = symbols::key(f);
        if symbols::has_annotations(f) {
            if self.future_annotations {
                let mut keys = Vec::new();
                for (name, ann) in symbols::annotations_in_order(f) {
                    let name = self.mangled(name);
                    keys.push(Const::Str(name));
                    let text = crate::unparse::annotation(ann, self.lines.source);
                    self.load_str(&text);
                }
                let n = keys.len();
                self.load_const(Const::Tuple(keys.into()));
                self.op_arg(BUILD_CONST_KEY_MAP, n);
                flags |= HAS_ANNOTATIONS;
            } else {
                let line = self.u().line;
                self.enter("__annotate__", Owner::Annotations(id), line);
                self.begin_evaluator(line);
                let mut n = 0;
                for (name, ann) in symbols::annotations_in_order(f) {
                    let name = self.mangled(name);
                    self.load_const(Const::Str(name));
                    self.annotation_value(ann)?;
                    n += 1;
                }
                self.op_arg(BUILD_MAP, n);
                self.op(RETURN_VALUE);
                self.close_over(0, true);
                flags |= HAS_ANNOTATE;
            }
        }
        // MAKE_FUNCTION expects the annotate function above the closure order: defaults, kwdefaults, annotations/annotate, closure.
        let depth = std::mem::replace(&mut self.block_depth, 0);
        self.enter(&f.name.id, Owner::Body(id), firstlineno);
        self.set_params(&f.parameters);
        let docstring = match f.body.first() {
            Some(Stmt::Expr(e)) if self.options.optimize < 2 && matches!(&*e.value, Expr::StringLiteral(_)) => self.constant(&e.value),
            _ => None,
        };
        self.u().consts.add(docstring.unwrap_or(Const::None));
        self.body(&f.body)?;
        self.close_over(flags, true);
        self.block_depth = depth;
        Ok(())
    }

    fn annotation_value(&mut self, ann: &'a Expr) -> Done {
        if let Expr::Starred(s) = ann {
            self.expr(&s.value)?;
            self.op_arg(UNPACK_SEQUENCE, 1);
            return Ok(());
        }
        self.expr(ann)
    }

    pub(super) fn lambda(&mut self, l: &'a ExprLambda) -> Done {
        let flags = match &l.parameters {
            Some(p) => self.defaults(p)?,
            None => 0,
        };
        let line = self.lines.line(l.range.start().to_u32());
        self.enter("<lambda>", Owner::Body(symbols::key(l)), line);
        self.u().consts.add(Const::None);
        if let Some(p) = &l.parameters {
            self.set_params(p);
        }
        self.expr(&l.body)?;
        let generator = self.scope().generator;
        if generator {
            self.close_over(flags, false);
        } else {
            self.op(RETURN_VALUE);
            self.close_over(flags, true);
        }
        Ok(())
    }

    pub(super) fn class_def(&mut self, c: &'a StmtClassDef) -> Done {
        self.decorators(&c.decorator_list)?;
        let id = symbols::key(c);
        let own_line = self.u().line;
        let firstlineno = self.first_line(&c.decorator_list, own_line);
        if let Some(tp) = &c.type_params {
            self.enter(&format!("<generic parameters of {}>", c.name.id), Owner::TypeParams(id), firstlineno);
            self.u().line = own_line;
            self.type_params(tp)?;
            self.name(".type_params", Store)?;
        }
        let depth = std::mem::replace(&mut self.block_depth, 0);
        self.enter(&c.name.id, Owner::Body(id), firstlineno);
        self.name("__name__", Load)?;
        self.name("__module__", Store)?;
        let qualname = self.u().qualname.clone();
        self.load_const(Const::Str(qualname));
        self.name("__qualname__", Store)?;
        if c.type_params.is_some() {
            self.name(".type_params", Load)?;
            self.name("__type_params__", Store)?;
        }
        if self.scope().needs_classdict {
            self.load_const(Const::None);
            self.op_arg(CALL_INTRINSIC_1, Intrinsic1::LoadLocals as usize);
            if let Some(i) = self.u().cellvars.find(&"__classdict__".into()) {
                self.op_arg(STORE_DEREF, i as usize);
            }
        }
        self.suite_with_docstring(&c.body, id)?;
        if self.scope().needs_classdict
            && let Some(i) = self.u().cellvars.find(&"__classdict__".into())
        {
            self.op_arg(LOAD_CLOSURE, i as usize);
            self.name("__classdictcell__", Store)?;
        }
        self.nowhere();
        if self.scope().needs_class_closure {
            self.op_arg(LOAD_CLOSURE, 0);
            self.op(DUP_TOP);
            self.name("__classcell__", Store)?;
        } else {
            self.load_const(Const::None);
        }
        self.op(RETURN_VALUE);
        let code = self.leave(true);
        self.block_depth = depth;
        self.op(LOAD_BUILD_CLASS);
        let code_name = code.name.clone();
        self.make_closure(code, 0, code_name);
        self.load_str(&c.name.id);
        let (args, keywords): (&'a [Expr], &'a [Keyword]) = match &c.arguments {
            Some(a) => (&a.args, &a.keywords),
            None => (&[], &[]),
        };
        if c.type_params.is_none() {
            self.call_with(2, args, keywords)?;
        } else {
            self.name(".type_params", Load)?;
            self.op_arg(CALL_INTRINSIC_1, Intrinsic1::SubscriptGeneric as usize);
            self.name(".generic_base", Store)?;
            self.generic_class_call(args, keywords)?;
            self.op(RETURN_VALUE);
            self.close_over(0, true);
            self.op_arg(CALL_FUNCTION, 0);
        }
        self.finish_decorated(&c.decorator_list, &c.name.id)
    }

    /// `__build_class__(body, name, *bases, Generic[...], **keywords)`.
    fn generic_class_call(&mut self, args: &'a [Expr], keywords: &'a [Keyword]) -> Done {
        self.op_arg(BUILD_LIST, 2);
        for a in args {
            match a {
                Expr::Starred(s) => {
                    self.expr(&s.value)?;
                    self.op_arg(LIST_EXTEND, 1);
                }
                _ => {
                    self.expr(a)?;
                    self.op_arg(LIST_APPEND, 1);
                }
            }
        }
        self.name(".generic_base", Load)?;
        self.op_arg(LIST_APPEND, 1);
        self.op(LIST_TO_TUPLE);
        if !keywords.is_empty() {
            self.op_arg(BUILD_MAP, 0);
            for k in keywords {
                if let Some(a) = &k.arg {
                    self.load_str(&a.id);
                }
                self.expr(&k.value)?;
                if k.arg.is_some() {
                    self.op_arg(BUILD_MAP, 1);
                }
                self.op_arg(DICT_MERGE, 1);
            }
        }
        self.op_arg(CALL_FUNCTION_EX, usize::from(!keywords.is_empty()));
        Ok(())
    }

    /// The head of `__annotate__` and its kin: only the value format is answered here.
    fn begin_evaluator(&mut self, line: u32) {
        let u = self.u();
        u.argcount = 1;
        u.posonlyargcount = 1;
        u.line = line;
        u.line_set = false;
        let body = self.new_block();
        self.op_arg(LOAD_FAST, 0);
        self.load_const(Const::Int(2));
        self.op_arg(COMPARE_OP, 4);
        self.jump(POP_JUMP_IF_FALSE, body);
        let i = self.u().names.add("NotImplementedError".into());
        self.op_arg(LOAD_GLOBAL, i as usize);
        self.op_arg(RAISE_VARARGS, 1);
        self.use_block(body);
    }

    /// Makes the `__annotate__` function of a module or class that annotates simple names.
    pub(super) fn begin_annotations(&mut self, body: &'a [Stmt], id: usize) -> Done<bool> {
        if self.future_annotations || self.scope().eager_annotations {
            if !self.future_annotations {
                self.annotation_index.push(0);
            }
            let mut found = Vec::new();
            symbols::annotated(body, &mut found);
            if !found.is_empty() {
                self.op(SETUP_ANNOTATIONS);
            }
            return Ok(false);
        }
        self.annotation_index.push(0);
        if self.scope().annotations.is_none() {
            return Ok(false);
        }
        let mut found = Vec::new();
        symbols::annotated(body, &mut found);
        let conditional = self.scope().kind == ScopeKind::Module;
        if conditional {
            self.op_arg(BUILD_SET, 0);
            self.name("__conditional_annotations__", Store)?;
        }
        let line = self.u().line.max(1);
        self.enter("__annotate__", Owner::Annotations(id), line);
        self.begin_evaluator(line);
        self.op_arg(BUILD_MAP, 0);
        for (i, ann) in found.into_iter().enumerate() {
            let Expr::Name(n) = &*ann.target else { continue };
            let skip = self.new_block();
            if conditional {
                self.load_const(Const::Int(i as i64));
                let g = self.u().names.add("__conditional_annotations__".into());
                self.op_arg(LOAD_GLOBAL, g as usize);
                self.op_arg(CONTAINS_OP, 0);
                self.jump(POP_JUMP_IF_FALSE, skip);
            }
            let name = self.mangled(&n.id);
            self.load_const(Const::Str(name));
            self.expr(&ann.annotation)?;
            self.op_arg(MAP_ADD, 1);
            self.use_block(skip);
        }
        self.op(RETURN_VALUE);
        self.close_over(0, true);
        self.name(if conditional { "__annotate__" } else { "__annotate_func__" }, Store)?;
        Ok(true)
    }

    /// Makes the type parameters, stores each under its name, leaves the tuple of them on the stack.
    fn type_params(&mut self, tp: &'a TypeParams) -> Done {
        for p in &tp.type_params {
            let id = symbols::key(p);
            let (ident, kind, bound, default) = match p {
                TypeParam::TypeVar(t) => (&t.name, Intrinsic1::TypeVar, t.bound.as_deref(), t.default.as_deref()),
                TypeParam::TypeVarTuple(t) => (&t.name, Intrinsic1::TypeVarTuple, None, t.default.as_deref()),
                TypeParam::ParamSpec(t) => (&t.name, Intrinsic1::ParamSpec, None, t.default.as_deref()),
            };
            self.load_str(&ident.id);
            match bound {
                Some(b) => {
                    self.evaluator(&ident.id, Owner::Bound(id), b)?;
                    let how = if matches!(b, Expr::Tuple(_)) { Intrinsic2::TypeVarWithConstraints } else { Intrinsic2::TypeVarWithBound };
                    self.op_arg(CALL_INTRINSIC_2, how as usize);
                }
                None => self.op_arg(CALL_INTRINSIC_1, kind as usize),
            }
            if let Some(d) = default {
                self.evaluator(&ident.id, Owner::Default(id), d)?;
                self.op_arg(CALL_INTRINSIC_2, Intrinsic2::SetTypeParamDefault as usize);
            }
            self.op(DUP_TOP);
            self.name(&ident.id, Store)?;
        }
        self.op_arg(BUILD_TUPLE, tp.type_params.len());
        Ok(())
    }

    /// A function that evaluates one expression when asked.
    fn evaluator(&mut self, name: &str, owner: Owner, e: &'a Expr) -> Done {
        let line = self.u().line;
        self.enter(name, owner, line);
        self.begin_evaluator(line);
        self.annotation_value(e)?;
        self.op(RETURN_VALUE);
        self.close_over(0, true);
        Ok(())
    }

    pub(super) fn type_alias(&mut self, t: &'a StmtTypeAlias) -> Done {
        let Expr::Name(name) = &*t.name else { return self.error("invalid syntax", t.range) };
        let id = symbols::key(t);
        let line = self.u().line;
        if t.type_params.is_some() {
            self.enter(&format!("<generic parameters of {}>", name.id), Owner::TypeParams(id), line);
            self.u().line = line;
        }
        self.load_str(&name.id);
        match &t.type_params {
            Some(tp) => self.type_params(tp)?,
            None => self.load_const(Const::None),
        }
        self.evaluator(&name.id, Owner::Value(id), &t.value)?;
        self.op_arg(BUILD_TUPLE, 3);
        self.op_arg(CALL_INTRINSIC_1, Intrinsic1::TypeAlias as usize);
        if t.type_params.is_some() {
            self.op(RETURN_VALUE);
            self.close_over(0, true);
            self.op_arg(CALL_FUNCTION, 0);
        }
        self.name(&name.id, Store)
    }

    pub(super) fn comprehension(&mut self, e: &'a Expr, generators: &'a [Comprehension], elt: &'a Expr, value: Option<&'a Expr>) -> Done {
        let (name, id, build) = match e {
            Expr::ListComp(c) => ("<listcomp>", symbols::key(c), Some(BUILD_LIST)),
            Expr::SetComp(c) => ("<setcomp>", symbols::key(c), Some(BUILD_SET)),
            Expr::DictComp(c) => ("<dictcomp>", symbols::key(c), Some(BUILD_MAP)),
            Expr::Generator(c) => ("<genexpr>", symbols::key(c), None),
            _ => return Ok(()),
        };
        if elt.is_starred_expr() {
            return self.error("iterable unpacking cannot be used in comprehension", elt.range());
        }
        let line = self.lines.line(span(e, self.lines.source).start().to_u32());
        self.enter(name, Owner::Body(id), line);
        self.u().range = span(e, self.lines.source);
        let is_async = self.scope().coroutine;
        if let Some(op) = build {
            self.op_arg(op, 0);
        }
        self.generator(e, generators, 0, 0, elt, value)?;
        if build.is_some() {
            self.op(RETURN_VALUE);
        }
        self.close_over(0, true);
        let outermost = &generators[0];
        self.iterable(&outermost.iter)?;
        let whole = self.at_iterable(&outermost.iter);
        self.op(if outermost.is_async { GET_AITER } else { GET_ITER });
        self.u().range = whole;
        self.op_arg(CALL_FUNCTION, 1);
        if is_async && build.is_some() {
            self.await_top();
        }
        Ok(())
    }

    /// What iterates, and may raise, stands where the iterable does; gives back the range to return to.
    pub(super) fn at_iterable(&mut self, iter: &Expr) -> TextRange {
        let range = span(iter, self.lines.source);
        std::mem::replace(&mut self.u().range, range)
    }

    fn generator(&mut self, kind: &'a Expr, generators: &'a [Comprehension], index: usize, depth: usize, elt: &'a Expr, value: Option<&'a Expr>) -> Done {
        let g = &generators[index];
        if g.is_async {
            return self.async_generator(kind, generators, index, depth, elt, value);
        }
        let (mut start, if_cleanup, anchor) = (Some(self.new_block()), self.new_block(), self.new_block());
        let mut depth = depth;
        if index == 0 {
            self.u().argcount = 1;
            self.op_arg(LOAD_FAST, 0);
        } else {
            // `for y in [f(x)]` is an assignment.
            let single = match &g.iter {
                Expr::List(l) if l.elts.len() == 1 => Some(&l.elts[0]),
                Expr::Tuple(t) if t.elts.len() == 1 => Some(&t.elts[0]),
                _ => None,
            };
            match single {
                Some(only) if !matches!(only, Expr::Starred(_)) && self.constant(only).is_none() => {
                    self.expr(only)?;
                    start = None;
                }
                _ => {
                    self.iterable(&g.iter)?;
                    let whole = self.at_iterable(&g.iter);
                    self.op(GET_ITER);
                    self.u().range = whole;
                }
            }
        }
        if let Some(start) = start {
            depth += 1;
            self.use_block(start);
            let whole = self.at_iterable(&g.iter);
            self.jump(FOR_ITER, anchor);
            self.u().range = whole;
            self.next_block();
        }
        self.expr(&g.target)?;
        for test in &g.ifs {
            self.jump_if(test, if_cleanup, false)?;
            self.next_block();
        }
        if index + 1 < generators.len() {
            self.generator(kind, generators, index + 1, depth, elt, value)?;
        } else {
            self.comprehension_item(kind, depth, elt, value)?;
        }
        self.use_block(if_cleanup);
        if let Some(start) = start {
            self.jump(JUMP_ABSOLUTE, start);
            self.use_block(anchor);
        }
        Ok(())
    }

    fn async_generator(&mut self, kind: &'a Expr, generators: &'a [Comprehension], index: usize, depth: usize, elt: &'a Expr, value: Option<&'a Expr>) -> Done {
        let g = &generators[index];
        let (start, except, if_cleanup) = (self.new_block(), self.new_block(), self.new_block());
        if index == 0 {
            self.u().argcount = 1;
            self.op_arg(LOAD_FAST, 0);
        } else {
            self.iterable(&g.iter)?;
            self.op(GET_AITER);
        }
        self.use_block(start);
        self.jump(SETUP_FINALLY, except);
        self.op(GET_ANEXT);
        self.load_const(Const::None);
        self.op(YIELD_FROM);
        self.op(POP_BLOCK);
        self.expr(&g.target)?;
        for test in &g.ifs {
            self.jump_if(test, if_cleanup, false)?;
            self.next_block();
        }
        if index + 1 < generators.len() {
            self.generator(kind, generators, index + 1, depth + 1, elt, value)?;
        } else {
            self.comprehension_item(kind, depth + 1, elt, value)?;
        }
        self.use_block(if_cleanup);
        self.jump(JUMP_ABSOLUTE, start);
        self.use_block(except);
        self.op(END_ASYNC_FOR);
        Ok(())
    }

    fn comprehension_item(&mut self, kind: &Expr, depth: usize, elt: &'a Expr, value: Option<&'a Expr>) -> Done {
        self.expr(elt)?;
        // What takes the element in stands where the element does.
        let whole = self.at_iterable(elt);
        match kind {
            Expr::ListComp(_) => self.op_arg(LIST_APPEND, depth + 1),
            Expr::SetComp(_) => self.op_arg(SET_ADD, depth + 1),
            Expr::DictComp(_) => {
                if let Some(v) = value {
                    self.expr(v)?;
                }
                self.op_arg(MAP_ADD, depth + 1);
            }
            _ => {
                self.op(YIELD_VALUE);
                self.op(POP_TOP);
            }
        }
        self.u().range = whole;
        Ok(())
    }
}
