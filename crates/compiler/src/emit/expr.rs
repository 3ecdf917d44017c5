//! Expressions.

use super::*;
use ruff_python_ast::ExprContext::{Del, Load, Store};

pub(super) fn binary(op: Operator) -> Opcode {
    match op {
        Operator::Add => BINARY_ADD,
        Operator::Sub => BINARY_SUBTRACT,
        Operator::Mult => BINARY_MULTIPLY,
        Operator::MatMult => BINARY_MATRIX_MULTIPLY,
        Operator::Div => BINARY_TRUE_DIVIDE,
        Operator::Mod => BINARY_MODULO,
        Operator::Pow => BINARY_POWER,
        Operator::LShift => BINARY_LSHIFT,
        Operator::RShift => BINARY_RSHIFT,
        Operator::BitOr => BINARY_OR,
        Operator::BitXor => BINARY_XOR,
        Operator::BitAnd => BINARY_AND,
        Operator::FloorDiv => BINARY_FLOOR_DIVIDE,
    }
}

pub(super) fn inplace(op: Operator) -> Opcode {
    match op {
        Operator::Add => INPLACE_ADD,
        Operator::Sub => INPLACE_SUBTRACT,
        Operator::Mult => INPLACE_MULTIPLY,
        Operator::MatMult => INPLACE_MATRIX_MULTIPLY,
        Operator::Div => INPLACE_TRUE_DIVIDE,
        Operator::Mod => INPLACE_MODULO,
        Operator::Pow => INPLACE_POWER,
        Operator::LShift => INPLACE_LSHIFT,
        Operator::RShift => INPLACE_RSHIFT,
        Operator::BitOr => INPLACE_OR,
        Operator::BitXor => INPLACE_XOR,
        Operator::BitAnd => INPLACE_AND,
        Operator::FloorDiv => INPLACE_FLOOR_DIVIDE,
    }
}

/// How a display of items is built.
#[derive(Clone, Copy)]
pub(super) struct Display {
    build: Opcode,
    add: Opcode,
    extend: Opcode,
    tuple: bool,
}
pub(super) const LIST: Display = Display { build: BUILD_LIST, add: LIST_APPEND, extend: LIST_EXTEND, tuple: false };
pub(super) const SET: Display = Display { build: BUILD_SET, add: SET_ADD, extend: SET_UPDATE, tuple: false };
pub(super) const TUPLE: Display = Display { build: BUILD_LIST, add: LIST_APPEND, extend: LIST_EXTEND, tuple: true };

/// A display of more elements takes them in as they are made (a dictionary in groups of half as many): the machine has 65,535
/// registers, and CPython 3.9 would push them all.
const LONG_DISPLAY: usize = 4096;

impl<'a> Emitter<'a> {
    pub fn expr(&mut self, e: &'a Expr) -> Done {
        stacker::maybe_grow(128 << 10, 2 << 20, || {
            let range = span(e, self.lines.source);
            if let Some(c) = self.constant(e) {
                return self.at_line(range, |s| {
                    s.load_const(c);
                    Ok(())
                });
            }
            self.at_line(range, |s| s.expr_inner(e))
        })
    }

    fn expr_inner(&mut self, e: &'a Expr) -> Done {
        match e {
            Expr::BoolOp(b) => {
                let op = if b.op == BoolOp::And { JUMP_IF_FALSE_OR_POP } else { JUMP_IF_TRUE_OR_POP };
                let end = self.new_block();
                let (last, rest) = b.values.split_last().expect("a boolean operation has operands");
                for v in rest {
                    self.expr(v)?;
                    self.jump(op, end);
                }
                self.expr(last)?;
                self.use_block(end);
                Ok(())
            }
            Expr::Named(n) => {
                self.expr(&n.value)?;
                self.op(DUP_TOP);
                self.expr(&n.target)
            }
            Expr::BinOp(b) => self.bin_op(b),
            Expr::UnaryOp(u) => self.unary_op(u),
            Expr::Lambda(l) => self.lambda(l),
            Expr::If(i) => {
                let (end, next) = (self.new_block(), self.new_block());
                self.jump_if(&i.test, next, false)?;
                self.expr(&i.body)?;
                self.jump(JUMP_FORWARD, end);
                self.use_block(next);
                self.expr(&i.orelse)?;
                self.use_block(end);
                Ok(())
            }
            Expr::Dict(d) => self.dict(&d.items),
            Expr::Set(s) => self.display(&s.elts, 0, SET),
            Expr::ListComp(c) => self.comprehension(e, &c.generators, &c.elt, None),
            Expr::SetComp(c) => self.comprehension(e, &c.generators, &c.elt, None),
            Expr::Generator(c) => self.comprehension(e, &c.generators, &c.elt, None),
            Expr::DictComp(c) => match &c.key {
                Some(k) => self.comprehension(e, &c.generators, k, Some(&c.value)),
                None => self.error("dict unpacking cannot be used in dict comprehension", c.range),
            },
            Expr::Await(a) => {
                self.expr(&a.value)?;
                self.await_top();
                Ok(())
            }
            Expr::Yield(y) => {
                self.require_function(y.range, "'yield' outside function")?;
                match &y.value {
                    Some(v) => self.expr(v)?,
                    None => self.load_const(Const::None),
                }
                self.op(YIELD_VALUE);
                Ok(())
            }
            Expr::YieldFrom(y) => {
                self.require_function(y.range, "'yield from' outside function")?;
                if self.scope().coroutine {
                    return self.error("'yield from' inside async function", y.range);
                }
                self.expr(&y.value)?;
                self.op(GET_YIELD_FROM_ITER);
                self.load_const(Const::None);
                self.op(YIELD_FROM);
                Ok(())
            }
            Expr::Compare(c) => self.compare(c),
            Expr::Call(c) => self.call(c),
            Expr::FString(f) => self.fstring(&f.value),
            Expr::TString(t) => self.tstring(&t.value),
            Expr::StringLiteral(_) | Expr::BytesLiteral(_) => self.literal_error(e),
            Expr::NumberLiteral(_) | Expr::BooleanLiteral(_) | Expr::NoneLiteral(_) | Expr::EllipsisLiteral(_) => Ok(()),
            Expr::Attribute(a) => {
                self.expr(&a.value)?;
                let op = match a.ctx {
                    Store => STORE_ATTR,
                    Del => DELETE_ATTR,
                    _ => LOAD_ATTR,
                };
                if &*a.attr.id == "__debug__" && a.ctx != Load {
                    return self.error("cannot assign to __debug__", a.range);
                }
                let whole = self.place_of_attribute(a, a.range);
                self.op_name(op, &a.attr.id);
                self.u().range = whole;
                Ok(())
            }
            Expr::Subscript(s) => {
                if s.ctx == Load {
                    self.check_subscript(s);
                }
                self.expr(&s.value)?;
                self.expr(&s.slice)?;
                self.op(match s.ctx {
                    Store => STORE_SUBSCR,
                    Del => DELETE_SUBSCR,
                    _ => BINARY_SUBSCR,
                });
                Ok(())
            }
            Expr::Starred(s) => match s.ctx {
                Store => self.error("starred assignment target must be in a list or tuple", s.range),
                _ => self.error("can't use starred expression here", s.range),
            },
            Expr::Name(n) => self.name(&n.id, n.ctx),
            Expr::List(l) => match l.ctx {
                Store => self.unpack(&l.elts, l.range),
                Del => l.elts.iter().try_for_each(|e| self.expr(e)),
                _ => self.display(&l.elts, 0, LIST),
            },
            Expr::Tuple(t) => match t.ctx {
                Store => self.unpack(&t.elts, t.range),
                Del => t.elts.iter().try_for_each(|e| self.expr(e)),
                _ => self.display(&t.elts, 0, TUPLE),
            },
            Expr::Slice(s) => {
                let mut n = 2;
                for part in [&s.lower, &s.upper] {
                    match part {
                        Some(e) => self.expr(e)?,
                        None => self.load_const(Const::None),
                    }
                }
                if let Some(step) = &s.step {
                    self.expr(step)?;
                    n = 3;
                }
                self.op_arg(BUILD_SLICE, n);
                Ok(())
            }
            Expr::IpyEscapeCommand(c) => self.error("invalid syntax", c.range),
        }
    }

    /// A chain `a + b + c ...` is as deep as it is long: it is walked without recursion.
    fn bin_op(&mut self, b: &'a ExprBinOp) -> Done {
        let mut chain = vec![b];
        while let Expr::BinOp(left) = &*chain[chain.len() - 1].left {
            if self.constant(&chain[chain.len() - 1].left).is_some() {
                break;
            }
            chain.push(left);
        }
        let innermost = chain[chain.len() - 1];
        // Positions as if each operation had been visited by `expr`.
        let mut saved = Vec::with_capacity(chain.len());
        for op in chain.iter().skip(1) {
            let line = self.lines.line(op.range.start().to_u32());
            let u = self.u();
            saved.push((u.line, u.range));
            if line != u.line {
                u.line = line;
                u.line_set = false;
            }
            u.range = op.range;
        }
        self.expr(&innermost.left)?;
        while let Some(op) = chain.pop() {
            self.expr(&op.right)?;
            self.op(binary(op.op));
            if let Some((line, range)) = saved.pop() {
                let u = self.u();
                if u.line != line {
                    u.line = line;
                    u.line_set = false;
                }
                u.range = range;
            }
        }
        Ok(())
    }

    fn unary_op(&mut self, u: &'a ExprUnaryOp) -> Done {
        if u.op == UnaryOp::Not
            && let Expr::Compare(c) = &*u.operand
            && c.ops.len() == 1
            && let Some(op) = crate::fold::negated(c.ops[0])
        {
            return self.at_line(u.range, |e| {
                e.expr(&c.left)?;
                e.last_comparator(op, &c.comparators[0])?;
                e.compare_op(op);
                Ok(())
            });
        }
        self.expr(&u.operand)?;
        self.op(match u.op {
            UnaryOp::Invert => UNARY_INVERT,
            UnaryOp::Not => UNARY_NOT,
            UnaryOp::UAdd => UNARY_POSITIVE,
            UnaryOp::USub => UNARY_NEGATIVE,
        });
        Ok(())
    }

    fn require_function(&mut self, at: TextRange, message: &str) -> Done {
        if self.scope().kind == ScopeKind::Function { Ok(()) } else { self.error(message, at) }
    }

    /// Whether a scope is that of a program that may await outside of functions.
    pub fn awaits_freely(&self, scope: &Scope) -> bool {
        self.options.flags & TOP_LEVEL_AWAIT != 0 && scope.kind == ScopeKind::Module
    }

    fn compare_op(&mut self, op: CmpOp) {
        match op {
            CmpOp::Lt => self.op_arg(COMPARE_OP, 0),
            CmpOp::LtE => self.op_arg(COMPARE_OP, 1),
            CmpOp::Eq => self.op_arg(COMPARE_OP, 2),
            CmpOp::NotEq => self.op_arg(COMPARE_OP, 3),
            CmpOp::Gt => self.op_arg(COMPARE_OP, 4),
            CmpOp::GtE => self.op_arg(COMPARE_OP, 5),
            CmpOp::Is => self.op_arg(IS_OP, 0),
            CmpOp::IsNot => self.op_arg(IS_OP, 1),
            CmpOp::In => self.op_arg(CONTAINS_OP, 0),
            CmpOp::NotIn => self.op_arg(CONTAINS_OP, 1),
        }
    }

    /// The last comparator: a list or set display after `in` becomes a constant or a tuple.
    fn last_comparator(&mut self, op: CmpOp, e: &'a Expr) -> Done {
        if matches!(op, CmpOp::In | CmpOp::NotIn) { self.iterable(e) } else { self.expr(e) }
    }

    /// An expression that is only iterated or searched: `[a, b]` is built as a tuple, constant sets as frozensets.
    pub fn iterable(&mut self, e: &'a Expr) -> Done {
        match e {
            Expr::List(l) if !l.elts.iter().any(|x| matches!(x, Expr::Starred(_))) => {
                let folded = l.elts.iter().map(|x| self.constant(x)).collect::<Option<Vec<_>>>();
                self.at_line(l.range, |s| match folded {
                    Some(items) => {
                        s.load_const(Const::Tuple(items.into()));
                        Ok(())
                    }
                    None => s.display(&l.elts, 0, TUPLE),
                })
            }
            Expr::Set(l) => match l.elts.iter().map(|x| self.constant(x)).collect::<Option<Vec<_>>>() {
                Some(items) => self.at_line(l.range, |s| {
                    s.load_const(crate::fold::frozenset(items));
                    Ok(())
                }),
                None => self.expr(e),
            },
            _ => self.expr(e),
        }
    }

    fn check_compare(&mut self, c: &ExprCompare) {
        let literal = |s: &mut Self, e: &Expr| {
            let c = s.constant(e);
            match c {
                Some(Const::None | Const::Bool(_) | Const::Ellipsis) | None => None,
                Some(Const::Str(_) | Const::WideStr(_)) => Some("str"),
                Some(Const::Bytes(_)) => Some("bytes"),
                Some(Const::Int(_) | Const::BigInt { .. }) => Some("int"),
                Some(Const::Float(_)) => Some("float"),
                Some(Const::Complex(..)) => Some("complex"),
                Some(_) => Some("tuple"),
            }
        };
        let mut left = literal(self, &c.left);
        for (op, right) in c.ops.iter().zip(c.comparators.iter()) {
            let right = literal(self, right);
            if let (CmpOp::Is | CmpOp::IsNot, Some(kind)) = (op, left.or(right)) {
                let (is, eq) = if *op == CmpOp::Is { ("is", "==") } else { ("is not", "!=") };
                self.warn(format!("\"{is}\" with '{kind}' literal. Did you mean \"{eq}\"?"), c.range);
            }
            left = right;
        }
    }

    fn compare(&mut self, c: &'a ExprCompare) -> Done {
        self.check_compare(c);
        self.expr(&c.left)?;
        let n = c.ops.len() - 1;
        if n == 0 {
            self.last_comparator(c.ops[0], &c.comparators[0])?;
            self.compare_op(c.ops[0]);
            return Ok(());
        }
        let cleanup = self.new_block();
        for i in 0..n {
            self.expr(&c.comparators[i])?;
            self.op(DUP_TOP);
            self.op(ROT_THREE);
            self.compare_op(c.ops[i]);
            self.jump(JUMP_IF_FALSE_OR_POP, cleanup);
            self.next_block();
        }
        self.last_comparator(c.ops[n], &c.comparators[n])?;
        self.compare_op(c.ops[n]);
        let end = self.new_block();
        self.jump(JUMP_FORWARD, end);
        self.use_block(cleanup);
        self.op(ROT_TWO);
        self.op(POP_TOP);
        self.use_block(end);
        Ok(())
    }

    /// Jumps to `next` when the truth of `e` is `cond`.
    pub fn jump_if(&mut self, e: &'a Expr, next: BlockId, cond: bool) -> Done {
        stacker::maybe_grow(128 << 10, 2 << 20, || self.jump_if_inner(e, next, cond))
    }

    fn jump_if_inner(&mut self, e: &'a Expr, next: BlockId, cond: bool) -> Done {
        let negatable = |c: &ExprCompare| c.ops.len() == 1 && crate::fold::negated(c.ops[0]).is_some();
        if self.constant(e).is_none() {
            match e {
                Expr::UnaryOp(u) if u.op == UnaryOp::Not && !matches!(&*u.operand, Expr::Compare(c) if negatable(c)) => return self.jump_if(&u.operand, next, !cond),
                Expr::BoolOp(b) => {
                    let cond2 = b.op == BoolOp::Or;
                    let next2 = if cond2 != cond { self.new_block() } else { next };
                    let (last, rest) = b.values.split_last().expect("a boolean operation has operands");
                    for v in rest {
                        self.jump_if(v, next2, cond2)?;
                    }
                    self.jump_if(last, next, cond)?;
                    if next2 != next {
                        self.use_block(next2);
                    }
                    return Ok(());
                }
                Expr::If(i) => {
                    let (end, next2) = (self.new_block(), self.new_block());
                    self.jump_if(&i.test, next2, false)?;
                    self.jump_if(&i.body, next, cond)?;
                    self.jump(JUMP_FORWARD, end);
                    self.use_block(next2);
                    self.jump_if(&i.orelse, next, cond)?;
                    self.use_block(end);
                    return Ok(());
                }
                Expr::Compare(c) if c.ops.len() > 1 => {
                    self.check_compare(c);
                    let n = c.ops.len() - 1;
                    let cleanup = self.new_block();
                    self.expr(&c.left)?;
                    for i in 0..n {
                        self.expr(&c.comparators[i])?;
                        self.op(DUP_TOP);
                        self.op(ROT_THREE);
                        self.compare_op(c.ops[i]);
                        self.jump(POP_JUMP_IF_FALSE, cleanup);
                        self.next_block();
                    }
                    self.last_comparator(c.ops[n], &c.comparators[n])?;
                    self.compare_op(c.ops[n]);
                    self.jump(if cond { POP_JUMP_IF_TRUE } else { POP_JUMP_IF_FALSE }, next);
                    let end = self.new_block();
                    self.jump(JUMP_FORWARD, end);
                    self.use_block(cleanup);
                    self.op(POP_TOP);
                    if !cond {
                        self.jump(JUMP_FORWARD, next);
                    }
                    self.use_block(end);
                    return Ok(());
                }
                _ => {}
            }
        }
        self.expr(e)?;
        let whole = self.at_iterable(e);
        self.jump(if cond { POP_JUMP_IF_TRUE } else { POP_JUMP_IF_FALSE }, next);
        self.u().range = whole;
        Ok(())
    }

    fn unpack(&mut self, elts: &'a [Expr], whole: TextRange) -> Done {
        let mut star = None;
        for (i, e) in elts.iter().enumerate() {
            if e.is_starred_expr() {
                if star.is_some() {
                    return self.error("multiple starred expressions in assignment", whole);
                }
                star = Some(i);
            }
        }
        match star {
            None => self.op_arg(UNPACK_SEQUENCE, elts.len()),
            Some(i) => {
                let after = elts.len() - i - 1;
                if i >= 1 << 8 || after >= 1 << 23 {
                    return self.error("too many expressions in star-unpacking assignment", elts[i].range());
                }
                self.op_arg(UNPACK_EX, i | after << 8);
            }
        }
        elts.iter().try_for_each(|e| match e {
            Expr::Starred(s) => self.expr(&s.value),
            _ => self.expr(e),
        })
    }

    /// A list, set or tuple display with `pushed` values already on the stack.
    pub(super) fn display(&mut self, elts: &'a [Expr], pushed: usize, how: Display) -> Done {
        if elts.len() > 2
            && let Some(items) = elts.iter().map(|e| self.constant(e)).collect::<Option<Vec<_>>>()
        {
            if how.tuple && pushed == 0 {
                self.load_const(Const::Tuple(items.into()));
            } else {
                // CPython 3.9 forgets what was pushed before a tuple.
                self.op_arg(how.build, pushed);
                let folded = if how.add == SET_ADD { crate::fold::frozenset(items) } else { Const::Tuple(items.into()) };
                self.load_const(folded);
                self.op_arg(how.extend, 1);
                if how.tuple {
                    self.op(LIST_TO_TUPLE);
                }
            }
            return Ok(());
        }
        let long = elts.len() > LONG_DISPLAY;
        if !long && !elts.iter().any(|e| matches!(e, Expr::Starred(_))) {
            elts.iter().try_for_each(|e| self.expr(e))?;
            self.op_arg(if how.tuple { BUILD_TUPLE } else { how.build }, elts.len() + pushed);
            return Ok(());
        }
        let mut built = long;
        if long {
            self.op_arg(how.build, pushed);
        }
        for (i, e) in elts.iter().enumerate() {
            if let Expr::Starred(s) = e {
                if !built {
                    self.op_arg(how.build, i + pushed);
                    built = true;
                }
                self.expr(&s.value)?;
                self.op_arg(how.extend, 1);
            } else {
                self.expr(e)?;
                if built {
                    self.op_arg(how.add, 1);
                }
            }
        }
        if how.tuple {
            self.op(LIST_TO_TUPLE);
        }
        Ok(())
    }

    fn dict(&mut self, items: &'a [DictItem]) -> Done {
        let mut have = false;
        let mut start = 0;
        let group = if items.len() > LONG_DISPLAY { LONG_DISPLAY / 2 } else { 0xffff };
        for (i, item) in items.iter().enumerate() {
            if item.key.is_some() {
                if i + 1 - start == group {
                    self.subdict(&items[start..=i])?;
                    if have {
                        self.op_arg(DICT_UPDATE, 1);
                    }
                    have = true;
                    start = i + 1;
                }
                continue;
            }
            if i > start {
                self.subdict(&items[start..i])?;
                if have {
                    self.op_arg(DICT_UPDATE, 1);
                }
                have = true;
            }
            start = i + 1;
            if !have {
                self.op_arg(BUILD_MAP, 0);
                have = true;
            }
            self.expr(&item.value)?;
            self.op_arg(DICT_UPDATE, 1);
        }
        if start < items.len() {
            self.subdict(&items[start..])?;
            if have {
                self.op_arg(DICT_UPDATE, 1);
            }
            have = true;
        }
        if !have {
            self.op_arg(BUILD_MAP, 0);
        }
        Ok(())
    }

    fn subdict(&mut self, items: &'a [DictItem]) -> Done {
        if items.len() > 1
            && let Some(keys) = items.iter().map(|i| i.key.as_ref().and_then(|k| self.constant(k))).collect::<Option<Vec<_>>>()
        {
            items.iter().try_for_each(|i| self.expr(&i.value))?;
            self.load_const(Const::Tuple(keys.into()));
            self.op_arg(BUILD_CONST_KEY_MAP, items.len());
            return Ok(());
        }
        for i in items {
            if let Some(k) = &i.key {
                self.expr(k)?;
            }
            self.expr(&i.value)?;
        }
        self.op_arg(BUILD_MAP, items.len());
        Ok(())
    }

    fn check_caller(&mut self, func: &Expr) {
        let Some(kind) = self.kind_of(func).filter(|k| *k != "function") else { return };
        self.warn(format!("'{kind}' object is not callable; perhaps you missed a comma?"), func.range());
    }

    /// The type of a value that is plain to see (CPython's `infer_type`).
    fn kind_of(&mut self, e: &Expr) -> Option<&'static str> {
        Some(match e {
            Expr::Tuple(_) => "tuple",
            Expr::List(_) | Expr::ListComp(_) => "list",
            Expr::Dict(_) | Expr::DictComp(_) => "dict",
            Expr::Set(_) | Expr::SetComp(_) => "set",
            Expr::FString(_) => "str",
            Expr::Generator(_) => "generator",
            Expr::Lambda(_) => "function",
            _ => match self.constant(e)? {
                Const::Str(_) | Const::WideStr(_) => "str",
                Const::Bytes(_) => "bytes",
                Const::Int(_) | Const::BigInt { .. } => "int",
                Const::Float(_) => "float",
                Const::Complex(..) => "complex",
                Const::Bool(_) => "bool",
                Const::None => "NoneType",
                Const::Ellipsis => "ellipsis",
                Const::Tuple(_) => "tuple",
                _ => return None,
            },
        })
    }

    fn check_subscript(&mut self, s: &ExprSubscript) {
        let Some(kind) = self.kind_of(&s.value) else { return };
        match kind {
            "NoneType" | "bool" | "int" | "float" | "complex" | "ellipsis" | "set" | "generator" | "function" => {
                self.warn(format!("'{kind}' object is not subscriptable; perhaps you missed a comma?"), s.value.range());
            }
            "str" | "bytes" | "tuple" | "list" => {
                let index = if matches!(&*s.slice, Expr::Slice(_)) { None } else { self.kind_of(&s.slice) };
                if let Some(index) = index.filter(|i| !matches!(*i, "int" | "bool")) {
                    self.warn(format!("{kind} indices must be integers or slices, not {index}; perhaps you missed a comma?"), s.value.range());
                }
            }
            _ => {}
        }
    }

    /// What is done with an attribute on another line than its object stands where its name does. Gives the range that was.
    fn place_of_attribute(&mut self, a: &ExprAttribute, range: TextRange) -> TextRange {
        let (begin, name) = (range.start().to_u32(), a.attr.range());
        let apart = self.lines.line(begin) != self.lines.line(name.start().to_u32());
        let place = if apart { TextRange::new(name.start(), range.end()) } else { range };
        std::mem::replace(&mut self.u().range, place)
    }

    fn call(&mut self, c: &'a ExprCall) -> Done {
        let args = &c.arguments;
        if let Expr::Attribute(m) = &*c.func
            && args.keywords.is_empty()
            && !args.args.iter().any(|a| matches!(a, Expr::Starred(_)))
        {
            self.expr(&m.value)?;
            let whole = self.place_of_attribute(m, m.range);
            self.op_name(LOAD_METHOD, &m.attr.id);
            self.u().range = whole;
            args.args.iter().try_for_each(|a| self.expr(a))?;
            let whole = self.place_of_attribute(m, c.range());
            self.op_arg(CALL_METHOD, args.args.len());
            self.u().range = whole;
            return Ok(());
        }
        self.check_caller(&c.func);
        self.expr(&c.func)?;
        self.call_with(0, &args.args, &args.keywords)
    }

    /// Emits arguments and the call; `n` positional arguments are already on the stack.
    pub fn call_with(&mut self, n: usize, args: &'a [Expr], keywords: &'a [Keyword]) -> Done {
        self.check_keywords(keywords)?;
        let long = args.len() > LONG_DISPLAY || keywords.len() > LONG_DISPLAY;
        let starred = long || args.iter().any(|a| matches!(a, Expr::Starred(_)));
        if !starred && keywords.iter().all(|k| k.arg.is_some()) {
            args.iter().try_for_each(|a| self.expr(a))?;
            if keywords.is_empty() {
                self.op_arg(CALL_FUNCTION, n + args.len());
                return Ok(());
            }
            keywords.iter().try_for_each(|k| self.expr(&k.value))?;
            self.keyword_names(keywords);
            self.op_arg(CALL_FUNCTION_KW, n + args.len() + keywords.len());
            return Ok(());
        }
        match args {
            [Expr::Starred(only)] if n == 0 => self.expr(&only.value)?,
            _ => self.display(args, n, TUPLE)?,
        }
        if !keywords.is_empty() {
            let mut have = false;
            let mut start = 0;
            for (i, k) in keywords.iter().enumerate() {
                if k.arg.is_some() && i - start < LONG_DISPLAY {
                    continue;
                }
                if i > start {
                    self.keyword_dict(&keywords[start..i])?;
                    if have {
                        self.op_arg(DICT_MERGE, 1);
                    }
                    have = true;
                }
                start = i;
                if k.arg.is_some() {
                    continue;
                }
                start = i + 1;
                if !have {
                    self.op_arg(BUILD_MAP, 0);
                    have = true;
                }
                self.expr(&k.value)?;
                self.op_arg(DICT_MERGE, 1);
            }
            if start < keywords.len() {
                self.keyword_dict(&keywords[start..])?;
                if have {
                    self.op_arg(DICT_MERGE, 1);
                }
            }
        }
        self.op_arg(CALL_FUNCTION_EX, usize::from(!keywords.is_empty()));
        Ok(())
    }

    fn keyword_names(&mut self, keywords: &[Keyword]) {
        let names: Vec<Const> = keywords.iter().filter_map(|k| k.arg.as_ref()).map(|a| Const::Str(a.id.as_str().into())).collect();
        self.load_const(Const::Tuple(names.into()));
    }

    fn keyword_dict(&mut self, keywords: &'a [Keyword]) -> Done {
        if keywords.len() > 1 {
            keywords.iter().try_for_each(|k| self.expr(&k.value))?;
            self.keyword_names(keywords);
            self.op_arg(BUILD_CONST_KEY_MAP, keywords.len());
            return Ok(());
        }
        for k in keywords {
            if let Some(a) = &k.arg {
                self.load_str(&a.id);
            }
            self.expr(&k.value)?;
        }
        self.op_arg(BUILD_MAP, keywords.len());
        Ok(())
    }

    fn check_keywords(&mut self, keywords: &[Keyword]) -> Done {
        // The places of later keywords, by name.
        let mut later = rustc_hash::FxHashMap::default();
        let mut again = vec![None; keywords.len()];
        for (i, k) in keywords.iter().enumerate().rev() {
            if let Some(a) = &k.arg {
                again[i] = later.insert(&a.id, i);
            }
        }
        for (k, again) in keywords.iter().zip(again) {
            let Some(a) = &k.arg else { continue };
            if &*a.id == "__debug__" {
                return self.error("cannot assign to __debug__", k.range);
            }
            if let Some(i) = again {
                return self.error(format!("keyword argument repeated: {}", a.id), keywords[i].range);
            }
        }
        Ok(())
    }
}
