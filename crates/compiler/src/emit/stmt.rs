//! Statements.

use super::*;
use ruff_python_ast::ExprContext::{Del, Load, Store};

impl<'a> Emitter<'a> {
    pub fn module_body(&mut self, m: &'a ModModule) -> Done {
        if let Some(first) = m.body.first() {
            self.u().line = self.lines.line(first.start().to_u32());
        }
        self.suite_with_docstring(&m.body, symbols::key(m))
    }

    /// The body of a module or class: annotations, docstring, statements.
    pub fn suite_with_docstring(&mut self, body: &'a [Stmt], id: usize) -> Done {
        let class = self.scope().kind == ScopeKind::Class;
        if !class || self.future_annotations || self.scope().eager_annotations {
            self.begin_annotations(body, id)?;
        }
        let mut rest = body;
        if self.options.optimize < 2
            && let Some(Stmt::Expr(first)) = body.first()
            && let Expr::StringLiteral(_) = &*first.value
        {
            self.u().stores_doc = true;
            self.expr(&first.value)?;
            self.name("__doc__", Store)?;
            rest = &body[1..];
        } else if self.options.optimize >= 2
            && let Some(Stmt::Expr(first)) = body.first()
            && let Expr::StringLiteral(_) = &*first.value
        {
            rest = &body[1..];
        }
        if class && !self.future_annotations && !self.scope().eager_annotations {
            self.annotation_index.push(0);
            self.body(rest)?;
            self.annotation_index.pop();
            // The annotations of a class are the last that its body makes.
            self.nowhere();
            self.begin_annotations(body, id)?;
        } else {
            self.body(rest)?;
        }
        if !self.future_annotations {
            self.annotation_index.pop();
        }
        Ok(())
    }

    pub fn body(&mut self, body: &'a [Stmt]) -> Done {
        body.iter().try_for_each(|s| self.stmt(s))
    }

    /// The body of a compound statement.
    fn inner(&mut self, body: &'a [Stmt]) -> Done {
        self.block_depth += 1;
        let result = self.body(body);
        self.block_depth -= 1;
        result
    }

    fn muted(&mut self, f: impl FnOnce(&mut Self) -> Done) -> Done {
        self.mute += 1;
        let result = f(self);
        self.mute -= 1;
        result
    }

    pub fn stmt(&mut self, s: &'a Stmt) -> Done {
        stacker::maybe_grow(128 << 10, 2 << 20, || {
            let start = match s {
                Stmt::FunctionDef(f) => f.name.range.start(),
                Stmt::ClassDef(c) => c.name.range.start(),
                _ => s.start(),
            };
            let line = self.lines.line(start.to_u32());
            let range = self.place_of(s);
            let u = self.u();
            u.line = line;
            u.line_set = false;
            u.range = range;
            u.statement = range;
            self.stmt_inner(s)?;
            match self.u().too_deep {
                Some(at) => self.error("too many statically nested blocks", at),
                None => Ok(()),
            }
        })
    }

    /// The place of a statement; decorators are places of their own.
    fn place_of(&self, s: &Stmt) -> TextRange {
        let (decorators, name) = match s {
            Stmt::FunctionDef(f) => (&f.decorator_list, f.name.range.start()),
            Stmt::ClassDef(c) => (&c.decorator_list, c.name.range.start()),
            _ => return s.range(),
        };
        let Some(last) = decorators.last() else { return s.range() };
        let mut start = last.range().end().to_usize();
        loop {
            let rest = &self.lines.source[start..];
            start += rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n', '\x0c', '\\']).len();
            if !self.lines.source[start..].starts_with('#') {
                break;
            }
            start += self.lines.source[start..].find('\n').unwrap_or(0);
        }
        // In a tree that was not read from a text the name may stand anywhere.
        let start = name.min((start as u32).into()).min(s.range().end());
        TextRange::new(start, s.range().end())
    }

    fn stmt_inner(&mut self, s: &'a Stmt) -> Done {
        match s {
            Stmt::FunctionDef(f) => self.function_def(f),
            Stmt::ClassDef(c) => self.class_def(c),
            Stmt::TypeAlias(t) => self.type_alias(t),
            Stmt::Return(r) => self.return_stmt(r),
            Stmt::Delete(d) => d.targets.iter().try_for_each(|t| self.expr(t)),
            Stmt::Assign(a) => {
                self.expr(&a.value)?;
                for (i, target) in a.targets.iter().enumerate() {
                    if i + 1 < a.targets.len() {
                        self.op(DUP_TOP);
                    }
                    self.expr(target)?;
                }
                Ok(())
            }
            Stmt::AugAssign(a) => self.aug_assign(a),
            Stmt::AnnAssign(a) => self.ann_assign(a),
            Stmt::For(f) if f.is_async => self.async_for(f),
            Stmt::For(f) => self.for_stmt(f),
            Stmt::While(w) => self.while_stmt(w),
            Stmt::If(i) => self.if_stmt(&i.test, &i.body, &i.elif_else_clauses),
            Stmt::With(w) => self.with_stmt(w, 0),
            Stmt::Match(m) => self.match_stmt(m),
            Stmt::Raise(r) => {
                let mut n = 0;
                for e in [&r.exc, &r.cause].into_iter().flatten() {
                    self.expr(e)?;
                    n += 1;
                }
                self.op_arg(RAISE_VARARGS, n);
                Ok(())
            }
            Stmt::Try(t) if !t.finalbody.is_empty() => self.try_finally(t),
            Stmt::Try(t) if t.is_star => self.try_star(t),
            Stmt::Try(t) => self.try_except(t),
            Stmt::Assert(a) => self.assert_stmt(a),
            Stmt::Import(i) => self.import(i),
            Stmt::ImportFrom(i) => self.import_from(i),
            Stmt::Global(_) | Stmt::Nonlocal(_) => Ok(()),
            Stmt::Pass(p) => {
                self.mark(p.range);
                Ok(())
            }
            Stmt::Expr(e) => self.expr_stmt(e),
            Stmt::Break(b) => self.leave_loop(b.range, true),
            Stmt::Continue(c) => self.leave_loop(c.range, false),
            Stmt::IpyEscapeCommand(c) => self.error("invalid syntax", c.range),
        }
    }

    fn expr_stmt(&mut self, e: &'a StmtExpr) -> Done {
        if self.interactive_depth > 0 && self.units.len() == 1 {
            self.expr(&e.value)?;
            self.op(PRINT_EXPR);
            return Ok(());
        }
        if self.constant(&e.value).is_some() {
            self.mark(e.range);
            return Ok(());
        }
        self.expr(&e.value)?;
        self.op(POP_TOP);
        Ok(())
    }

    fn return_stmt(&mut self, r: &'a StmtReturn) -> Done {
        let scope = self.scope();
        if scope.kind != ScopeKind::Function || scope.comprehension {
            return self.error("'return' outside function", r.range);
        }
        if r.value.is_some() && scope.coroutine && scope.generator {
            return self.error("'return' with value in async generator", r.range);
        }
        let constant = r.value.as_deref().and_then(|v| self.constant(v));
        let preserve = r.value.is_some() && constant.is_none();
        if preserve && let Some(v) = &r.value {
            self.expr(v)?;
        } else {
            self.mark(r.value.as_ref().map_or(r.range, |v| v.range()));
            self.mark(r.range);
        }
        self.unwind_all(preserve, None, r.range)?;
        if !preserve {
            self.load_const(constant.unwrap_or(Const::None));
        }
        self.op(RETURN_VALUE);
        Ok(())
    }

    /// Undoes all open blocks, innermost first; stops at the innermost loop when `to_loop` asks for it.
    fn unwind_all(&mut self, preserve: bool, to_loop: Option<&mut Option<FrameBlock<'a>>>, at: TextRange) -> Done {
        let Some(top) = self.u().frames.last().cloned() else { return Ok(()) };
        if top.kind == FrameKind::Star {
            return self.error("'break', 'continue' and 'return' cannot appear in an except* block", at);
        }
        if let Some(found) = &to_loop
            && matches!(top.kind, FrameKind::WhileLoop | FrameKind::ForLoop)
        {
            let _ = found;
            if let Some(slot) = to_loop {
                *slot = Some(top);
            }
            return Ok(());
        }
        self.u().frames.pop();
        self.unwind_one(&top, preserve)?;
        self.unwind_all(preserve, to_loop, at)?;
        self.u().frames.push(top);
        Ok(())
    }

    fn unwind_one(&mut self, frame: &FrameBlock<'a>, preserve: bool) -> Done {
        match frame.kind {
            FrameKind::WhileLoop | FrameKind::Star => {}
            FrameKind::ForLoop | FrameKind::PopValue => {
                if preserve {
                    self.op(ROT_TWO);
                }
                self.op(POP_TOP);
            }
            FrameKind::Except => self.op(POP_BLOCK),
            FrameKind::FinallyTry => {
                self.op(POP_BLOCK);
                if preserve {
                    self.push_frame(FrameKind::PopValue, 0, 0);
                }
                let line = self.u().line;
                if let Some(body) = frame.finally {
                    self.inner(body)?;
                }
                let u = self.u();
                u.line = line;
                u.line_set = false;
                self.nowhere();
                if preserve {
                    self.u().frames.pop();
                }
            }
            FrameKind::FinallyEnd => {
                if preserve {
                    self.op(ROT_FOUR);
                }
                (0..3).for_each(|_| self.op(POP_TOP));
                if preserve {
                    self.op(ROT_FOUR);
                }
                self.op(POP_EXCEPT);
            }
            FrameKind::With | FrameKind::AsyncWith => {
                self.u().range = frame.range;
                self.op(POP_BLOCK);
                if preserve {
                    self.op(ROT_TWO);
                }
                self.call_exit_with_nones();
                if frame.kind == FrameKind::AsyncWith {
                    self.await_top();
                }
                self.op(POP_TOP);
                self.nowhere();
            }
            FrameKind::HandlerCleanup => {
                if frame.name.is_some() {
                    self.op(POP_BLOCK);
                }
                if preserve {
                    self.op(ROT_FOUR);
                }
                self.op(POP_EXCEPT);
                if let Some(name) = &frame.name {
                    self.forget(name)?;
                }
                self.nowhere();
            }
        }
        Ok(())
    }

    /// `name = None; del name`, as at the end of `except ... as name`.
    fn forget(&mut self, name: &str) -> Done {
        let range = std::mem::take(&mut self.u().range);
        self.load_const(Const::None);
        self.name(name, Store)?;
        self.name(name, Del)?;
        self.u().range = range;
        Ok(())
    }

    fn leave_loop(&mut self, at: TextRange, is_break: bool) -> Done {
        let mut found = None;
        self.mark(at);
        self.unwind_all(false, Some(&mut found), at)?;
        let Some(frame) = found else {
            return self.error(if is_break { "'break' outside loop" } else { "'continue' not properly in loop" }, at);
        };
        if is_break {
            self.unwind_one(&frame, false)?;
            self.jump(JUMP_ABSOLUTE, frame.exit);
        } else {
            self.jump(JUMP_ABSOLUTE, frame.start);
        }
        Ok(())
    }

    pub fn push_frame(&mut self, kind: FrameKind, start: BlockId, exit: BlockId) {
        self.put_frame(FrameBlock { kind, start, exit, finally: None, name: None, range: TextRange::default() });
    }

    fn put_frame(&mut self, frame: FrameBlock<'a>) {
        // What waits for StopIteration around a generator counts, too.
        let generator = usize::from(self.scope().generator || self.scope().coroutine);
        let u = self.u();
        if u.frames.len() + u.handlers + generator >= BLOCKS_MAX {
            let handler = matches!(frame.kind, FrameKind::HandlerCleanup | FrameKind::Star);
            let with = matches!(frame.kind, FrameKind::With | FrameKind::AsyncWith);
            u.too_deep.get_or_insert(if handler || with { frame.range } else { u.statement });
        }
        u.frames.push(frame);
    }

    /// Awaits the value on top: GET_AWAITABLE, LOAD_CONST None, YIELD_FROM.
    pub fn await_top(&mut self) {
        self.op(GET_AWAITABLE);
        self.load_const(Const::None);
        self.op(YIELD_FROM);
    }

    fn call_exit_with_nones(&mut self) {
        self.load_const(Const::None);
        self.op(DUP_TOP);
        self.op(DUP_TOP);
        self.op_arg(CALL_FUNCTION, 3);
    }

    fn constant_test(&mut self, test: &Expr) -> Option<bool> {
        self.constant(test).map(|c| crate::fold::truth(&c))
    }

    fn if_stmt(&mut self, test: &'a Expr, body: &'a [Stmt], clauses: &'a [ElifElseClause]) -> Done {
        // An iterative walk down the elif chain: `end` blocks are used from the innermost outwards, as nesting would.
        let mut ends = Vec::new();
        let mut unmute = 0;
        let (mut test, mut body, mut clauses) = (test, body, clauses);
        loop {
            let end = self.new_block();
            ends.push(end);
            let or_else = clauses.first();
            let mut else_muted = false;
            let constant = self.constant_test(test);
            if constant.is_some() {
                self.mark(test.range());
            }
            match constant {
                Some(false) => self.muted(|e| e.inner(body))?,
                Some(true) => {
                    self.inner(body)?;
                    else_muted = true;
                }
                None => {
                    let next = if or_else.is_some() { self.new_block() } else { end };
                    self.jump_if(test, next, false)?;
                    self.inner(body)?;
                    if or_else.is_some() {
                        self.jump(JUMP_FORWARD, end);
                        self.use_block(next);
                    }
                }
            }
            let Some(clause) = or_else else { break };
            if else_muted {
                self.mute += 1;
                unmute += 1;
            }
            match &clause.test {
                None => {
                    self.inner(&clause.body)?;
                    break;
                }
                Some(t) => {
                    // An elif is an if statement of its own: it sets its line.
                    let line = self.lines.line(clause.range.start().to_u32());
                    let u = self.u();
                    u.line = line;
                    u.line_set = false;
                    u.range = clause.range;
                    (test, body, clauses) = (t, &clause.body, &clauses[1..]);
                }
            }
        }
        self.mute -= unmute;
        for end in ends.into_iter().rev() {
            self.use_block(end);
        }
        Ok(())
    }

    fn while_stmt(&mut self, w: &'a StmtWhile) -> Done {
        let constant = self.constant_test(&w.test);
        if constant == Some(false) {
            self.mark(w.test.range());
            self.muted(|e| {
                e.push_frame(FrameKind::WhileLoop, 0, 0);
                e.inner(&w.body)?;
                e.u().frames.pop();
                Ok(())
            })?;
            return self.inner(&w.orelse);
        }
        let start = self.new_block();
        let end = self.new_block();
        let anchor = self.new_block();
        self.use_block(start);
        self.push_frame(FrameKind::WhileLoop, start, end);
        if constant.is_none() {
            self.jump_if(&w.test, anchor, false)?;
        } else {
            self.mark(w.test.range());
        }
        self.inner(&w.body)?;
        self.jump(JUMP_ABSOLUTE, start);
        if constant.is_none() {
            self.use_block(anchor);
        }
        self.u().frames.pop();
        self.inner(&w.orelse)?;
        self.use_block(end);
        Ok(())
    }

    fn for_stmt(&mut self, f: &'a StmtFor) -> Done {
        let (start, cleanup, end) = (self.new_block(), self.new_block(), self.new_block());
        self.push_frame(FrameKind::ForLoop, start, end);
        self.iterable(&f.iter)?;
        let whole = self.at_iterable(&f.iter);
        self.op(GET_ITER);
        self.use_block(start);
        self.jump(FOR_ITER, cleanup);
        self.u().range = whole;
        self.expr(&f.target)?;
        self.inner(&f.body)?;
        self.jump(JUMP_ABSOLUTE, start);
        self.use_block(cleanup);
        self.u().frames.pop();
        self.inner(&f.orelse)?;
        self.use_block(end);
        Ok(())
    }

    fn async_for(&mut self, f: &'a StmtFor) -> Done {
        let (start, except, end) = (self.new_block(), self.new_block(), self.new_block());
        self.iterable(&f.iter)?;
        let place = self.u().range;
        self.op(GET_AITER);
        self.use_block(start);
        self.push_frame(FrameKind::ForLoop, start, end);
        self.jump(SETUP_FINALLY, except);
        self.op(GET_ANEXT);
        self.load_const(Const::None);
        self.op(YIELD_FROM);
        self.op(POP_BLOCK);
        self.expr(&f.target)?;
        self.inner(&f.body)?;
        self.jump(JUMP_ABSOLUTE, start);
        self.u().frames.pop();
        self.use_block(except);
        self.u().range = place;
        self.op(END_ASYNC_FOR);
        self.inner(&f.orelse)?;
        self.use_block(end);
        Ok(())
    }

    fn with_stmt(&mut self, w: &'a StmtWith, position: usize) -> Done {
        let (block, last, exit) = (self.new_block(), self.new_block(), self.new_block());
        let item = &w.items[position];
        self.expr(&item.context_expr)?;
        // What goes wrong at the way in is the item's.
        let place = item.context_expr.range();
        let whole = std::mem::replace(&mut self.u().range, place);
        if w.is_async {
            self.op(BEFORE_ASYNC_WITH);
            self.await_top();
            self.jump(SETUP_ASYNC_WITH, last);
        } else {
            self.jump(SETUP_WITH, last);
        }
        self.u().range = whole;
        self.use_block(block);
        let kind = if w.is_async { FrameKind::AsyncWith } else { FrameKind::With };
        self.put_frame(FrameBlock { kind, start: block, exit: last, finally: None, name: None, range: place });
        match &item.optional_vars {
            Some(v) => self.expr(v)?,
            None => self.op(POP_TOP),
        }
        if position + 1 == w.items.len() {
            self.inner(&w.body)?;
        } else {
            self.with_stmt(w, position + 1)?;
        }
        self.u().frames.pop();
        self.op(POP_BLOCK);
        self.u().range = place;
        self.call_exit_with_nones();
        if w.is_async {
            self.await_top();
        }
        self.op(POP_TOP);
        self.jump(if w.is_async { JUMP_ABSOLUTE } else { JUMP_FORWARD }, exit);
        self.use_block(last);
        self.op(WITH_EXCEPT_START);
        if w.is_async {
            self.await_top();
        }
        let swallowed = self.new_block();
        self.jump(POP_JUMP_IF_TRUE, swallowed);
        self.nowhere();
        self.op(RERAISE);
        self.u().range = place;
        self.use_block(swallowed);
        (0..3).for_each(|_| self.op(POP_TOP));
        self.op(POP_EXCEPT);
        self.op(POP_TOP);
        self.use_block(exit);
        Ok(())
    }

    fn try_finally(&mut self, t: &'a StmtTry) -> Done {
        let (body, end, exit) = (self.new_block(), self.new_block(), self.new_block());
        self.jump(SETUP_FINALLY, end);
        self.use_block(body);
        self.put_frame(FrameBlock { kind: FrameKind::FinallyTry, start: body, exit: end, finally: Some(&t.finalbody), name: None, range: TextRange::default() });
        if t.handlers.is_empty() {
            self.inner(&t.body)?;
        } else if t.is_star {
            self.try_star(t)?;
        } else {
            self.try_except(t)?;
        }
        self.op(POP_BLOCK);
        self.u().frames.pop();
        self.inner(&t.finalbody)?;
        self.jump(JUMP_FORWARD, exit);
        self.use_block(end);
        self.push_frame(FrameKind::FinallyEnd, end, 0);
        self.inner(&t.finalbody)?;
        self.u().frames.pop();
        self.op(RERAISE);
        self.use_block(exit);
        Ok(())
    }

    fn handler_line(&mut self, h: &ExceptHandlerExceptHandler) {
        let line = self.lines.line(h.range.start().to_u32());
        let u = self.u();
        u.line = line;
        u.line_set = false;
        u.range = h.range;
    }

    fn try_except(&mut self, t: &'a StmtTry) -> Done {
        let (body, except, orelse, end) = (self.new_block(), self.new_block(), self.new_block(), self.new_block());
        self.jump(SETUP_FINALLY, except);
        self.use_block(body);
        self.push_frame(FrameKind::Except, body, 0);
        self.inner(&t.body)?;
        self.op(POP_BLOCK);
        self.u().frames.pop();
        self.jump(JUMP_FORWARD, orelse);
        self.use_block(except);
        let (units, frames) = (self.units.len(), self.u().frames.len());
        if let Err(refused) = self.except_clauses(t, end) {
            // CPython's compiler comes by `else` before it does by the clauses, so an error there is told instead.
            self.units.truncate(units);
            self.u().frames.truncate(frames);
            return self.inner(&t.orelse).and(Err(refused));
        }
        self.use_block(orelse);
        self.inner(&t.orelse)?;
        self.use_block(end);
        Ok(())
    }

    /// The clauses of a `try` statement; behind each it goes on at `end`.
    fn except_clauses(&mut self, t: &'a StmtTry, end: BlockId) -> Done {
        self.u().handlers += 1;
        for (i, ExceptHandler::ExceptHandler(h)) in t.handlers.iter().enumerate() {
            if h.type_.is_none() && i + 1 < t.handlers.len() {
                return self.error("default 'except:' must be last", h.range);
            }
            self.handler_line(h);
            let next = self.new_block();
            if let Some(kind) = &h.type_ {
                self.op(DUP_TOP);
                self.expr(kind)?;
                self.jump(JUMP_IF_NOT_EXC_MATCH, next);
            }
            self.op(POP_TOP);
            if let Some(name) = &h.name {
                let (cleanup_end, cleanup_body) = (self.new_block(), self.new_block());
                self.name(&name.id, Store)?;
                self.op(POP_TOP);
                self.jump(SETUP_FINALLY, cleanup_end);
                self.use_block(cleanup_body);
                let bound: Rc<str> = name.id.as_str().into();
                self.put_frame(FrameBlock { kind: FrameKind::HandlerCleanup, start: cleanup_body, exit: 0, finally: None, name: Some(bound), range: h.range });
                self.inner(&h.body)?;
                self.u().frames.pop();
                self.op(POP_BLOCK);
                self.op(POP_EXCEPT);
                self.forget(&name.id)?;
                self.jump(JUMP_FORWARD, end);
                self.use_block(cleanup_end);
                self.forget(&name.id)?;
                self.nowhere();
                self.op(RERAISE);
            } else {
                let cleanup_body = self.new_block();
                self.op(POP_TOP);
                self.op(POP_TOP);
                self.use_block(cleanup_body);
                self.put_frame(FrameBlock { kind: FrameKind::HandlerCleanup, start: cleanup_body, exit: 0, finally: None, name: None, range: h.range });
                self.inner(&h.body)?;
                self.u().frames.pop();
                self.op(POP_EXCEPT);
                self.jump(JUMP_FORWARD, end);
            }
            self.use_block(next);
        }
        self.u().handlers -= 1;
        // What no clause caught goes on from the last one.
        if let Some(ExceptHandler::ExceptHandler(last)) = t.handlers.last() {
            self.u().range = last.range;
        }
        self.op(RERAISE);
        Ok(())
    }

    /// `except*`. In the handler the stack holds traceback, value, type; above them a list of what the clauses raised
    /// and what of the group is still unmatched.
    fn try_star(&mut self, t: &'a StmtTry) -> Done {
        let (body, except, orelse, end) = (self.new_block(), self.new_block(), self.new_block(), self.new_block());
        self.jump(SETUP_FINALLY, except);
        self.use_block(body);
        self.push_frame(FrameKind::Except, body, 0);
        self.inner(&t.body)?;
        self.op(POP_BLOCK);
        self.u().frames.pop();
        self.jump(JUMP_FORWARD, orelse);
        self.use_block(except);
        self.u().handlers += 1;
        // tb value type -> tb value type list rest
        self.op(ROT_TWO);
        self.op(DUP_TOP);
        self.op(ROT_THREE);
        self.op_arg(BUILD_LIST, 0);
        self.op(ROT_TWO);
        for ExceptHandler::ExceptHandler(h) in &t.handlers {
            self.handler_line(h);
            let (next, no_match, failed) = (self.new_block(), self.new_block(), self.new_block());
            if let Some(kind) = &h.type_ {
                self.expr(kind)?;
            }
            self.op(CHECK_EG_MATCH);
            self.op(DUP_TOP);
            self.load_const(Const::None);
            self.op_arg(IS_OP, 0);
            self.jump(POP_JUMP_IF_TRUE, no_match);
            match &h.name {
                Some(n) => self.name(&n.id, Store)?,
                None => self.op(POP_TOP),
            }
            self.jump(SETUP_FINALLY, failed);
            self.next_block();
            self.put_frame(FrameBlock { kind: FrameKind::Star, start: 0, exit: 0, finally: None, name: None, range: h.range });
            self.inner(&h.body)?;
            self.u().frames.pop();
            self.nowhere();
            self.op(POP_BLOCK);
            if let Some(n) = &h.name {
                self.forget(&n.id)?;
            }
            self.jump(JUMP_FORWARD, next);
            self.use_block(failed);
            if let Some(n) = &h.name {
                self.forget(&n.id)?;
            }
            self.op(POP_TOP);
            self.op_arg(LIST_APPEND, 6);
            self.op(POP_TOP);
            self.op(POP_EXCEPT);
            self.jump(JUMP_FORWARD, next);
            self.use_block(no_match);
            self.op(POP_TOP);
            self.use_block(next);
        }
        self.u().handlers -= 1;
        self.op_arg(LIST_APPEND, 1);
        self.op(PREP_RERAISE_STAR);
        // tb value raise?
        let done = self.new_block();
        self.op(DUP_TOP);
        self.load_const(Const::None);
        self.op_arg(IS_OP, 0);
        self.jump(POP_JUMP_IF_TRUE, done);
        self.op(DUP_TOP);
        self.op(RERAISE);
        self.use_block(done);
        (0..4).for_each(|_| self.op(POP_TOP));
        self.op(POP_EXCEPT);
        self.jump(JUMP_FORWARD, end);
        self.use_block(orelse);
        self.inner(&t.orelse)?;
        self.use_block(end);
        Ok(())
    }

    fn assert_stmt(&mut self, a: &'a StmtAssert) -> Done {
        if let Expr::Tuple(t) = &*a.test
            && !t.elts.is_empty()
        {
            self.warn("assertion is always true, perhaps remove parentheses?".into(), a.range);
        }
        if self.options.optimize > 0 {
            return Ok(());
        }
        let end = self.new_block();
        self.jump_if(&a.test, end, true)?;
        self.u().range = a.test.range();
        self.op(LOAD_ASSERTION_ERROR);
        if let Some(m) = &a.msg {
            self.expr(m)?;
            self.u().range = a.test.range();
            self.op_arg(CALL_FUNCTION, 1);
        }
        self.op_arg(RAISE_VARARGS, 1);
        self.use_block(end);
        Ok(())
    }

    fn aug_assign(&mut self, a: &'a StmtAugAssign) -> Done {
        let op = super::expr::inplace(a.op);
        match &*a.target {
            Expr::Name(n) => {
                self.name(&n.id, Load)?;
                self.expr(&a.value)?;
                self.op(op);
                self.name(&n.id, Store)
            }
            Expr::Attribute(t) => {
                self.at_line(t.range, |e| {
                    e.expr(&t.value)?;
                    e.op(DUP_TOP);
                    e.op_name(LOAD_ATTR, &t.attr.id);
                    Ok(())
                })?;
                self.expr(&a.value)?;
                self.op(op);
                self.at_line(t.range, |e| {
                    e.op(ROT_TWO);
                    e.op_name(STORE_ATTR, &t.attr.id);
                    Ok(())
                })
            }
            Expr::Subscript(t) => {
                self.at_line(t.range, |e| {
                    e.expr(&t.value)?;
                    e.expr(&t.slice)?;
                    e.op(DUP_TOP_TWO);
                    e.op(BINARY_SUBSCR);
                    Ok(())
                })?;
                self.expr(&a.value)?;
                self.op(op);
                self.at_line(t.range, |e| {
                    e.op(ROT_THREE);
                    e.op(STORE_SUBSCR);
                    Ok(())
                })
            }
            other => self.error("illegal expression for augmented assignment", other.range()),
        }
    }

    fn ann_assign(&mut self, a: &'a StmtAnnAssign) -> Done {
        if let Some(v) = &a.value {
            self.expr(v)?;
            self.expr(&a.target)?;
        }
        let scope = self.scope();
        match &*a.target {
            Expr::Name(n) => {
                if !a.simple || matches!(scope.kind, ScopeKind::Function | ScopeKind::Annotation) {
                    return Ok(());
                }
                let eager = scope.eager_annotations;
                if self.future_annotations || eager {
                    if self.future_annotations {
                        let text = crate::unparse::annotation(&a.annotation, self.lines.source);
                        self.load_str(&text);
                    } else {
                        self.expr(&a.annotation)?;
                    }
                    self.name("__annotations__", Load)?;
                    let name = self.mangled(&n.id);
                    self.load_const(Const::Str(name));
                    self.op(STORE_SUBSCR);
                } else if let Some(index) = self.annotation_index.last_mut() {
                    let i = *index;
                    *index += 1;
                    if scope.kind == ScopeKind::Module {
                        self.name("__conditional_annotations__", Load)?;
                        self.load_const(Const::Int(i64::from(i)));
                        self.op_arg(SET_ADD, 1);
                        self.op(POP_TOP);
                    }
                }
                Ok(())
            }
            // The parts of other targets are evaluated even when nothing is assigned.
            Expr::Attribute(t) if a.value.is_none() => {
                self.expr(&t.value)?;
                self.op(POP_TOP);
                Ok(())
            }
            Expr::Subscript(t) if a.value.is_none() => {
                self.expr(&t.value)?;
                self.op(POP_TOP);
                self.evaluated_index(&t.slice)
            }
            _ => Ok(()),
        }
    }

    /// The parts of an index, each for its effects only.
    fn evaluated_index(&mut self, index: &'a Expr) -> Done {
        match index {
            Expr::Tuple(t) => t.elts.iter().try_for_each(|e| self.evaluated_index(e)),
            Expr::Slice(s) => [&s.lower, &s.upper, &s.step].into_iter().flatten().try_for_each(|e| self.evaluated_index(e)),
            e => {
                self.expr(e)?;
                self.op(POP_TOP);
                Ok(())
            }
        }
    }

    fn import(&mut self, i: &'a StmtImport) -> Done {
        for a in &i.names {
            self.load_const(Const::Int(0));
            self.load_const(Const::None);
            self.op_plain_name(IMPORT_NAME, &a.name.id);
            match &a.asname {
                Some(asname) => {
                    let mut parts = a.name.id.split('.').skip(1).peekable();
                    let dotted = parts.peek().is_some();
                    while let Some(part) = parts.next() {
                        self.op_plain_name(IMPORT_FROM, part);
                        if parts.peek().is_some() {
                            self.op(ROT_TWO);
                            self.op(POP_TOP);
                        }
                    }
                    self.name(&asname.id, Store)?;
                    if dotted {
                        self.op(POP_TOP);
                    }
                }
                None => self.name(a.name.id.split('.').next().unwrap_or(""), Store)?,
            }
        }
        Ok(())
    }

    fn op_plain_name(&mut self, op: Opcode, name: &str) {
        if self.mute == 0 {
            let i = self.u().names.add(name.into());
            self.op_arg(op, i as usize);
        }
    }

    fn import_from(&mut self, i: &'a StmtImportFrom) -> Done {
        self.load_const(Const::Int(i64::from(i.level)));
        let names: Vec<Const> = i.names.iter().map(|a| Const::Str(a.name.id.as_str().into())).collect();
        self.load_const(Const::Tuple(names.into()));
        self.op_plain_name(IMPORT_NAME, i.module.as_ref().map_or("", |m| m.id.as_str()));
        for a in &i.names {
            if &*a.name.id == "*" {
                self.op(IMPORT_STAR);
                return Ok(());
            }
            self.op_plain_name(IMPORT_FROM, &a.name.id);
            self.name(&a.asname.as_ref().unwrap_or(&a.name).id, Store)?;
        }
        self.op(POP_TOP);
        Ok(())
    }
}
