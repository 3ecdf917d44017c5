//! `match` statements (PEP 634), with the stack discipline of CPython 3.10's compiler.

use super::*;
use ruff_python_ast::ExprContext::Store;

#[derive(Default)]
struct Context {
    /// Names captured so far; their values lie under the subject, the first on top.
    stores: Vec<Rc<str>>,
    allow_irrefutable: bool,
    /// Where to go on failure with that many values to drop.
    fail_pop: Vec<BlockId>,
    /// Values above the captures.
    on_top: usize,
}

/// Whether two constants are one key of a dict.
fn same_key(a: &Const, b: &Const) -> bool {
    let number = |c: &Const| match c {
        Const::Bool(b) => Some((f64::from(u8::from(*b)), 0.0)),
        Const::Int(i) if i.unsigned_abs() <= 1 << 53 => Some((*i as f64, 0.0)),
        Const::Float(f) => Some((f64::from_bits(*f), 0.0)),
        Const::Complex(re, im) => Some((f64::from_bits(*re), f64::from_bits(*im))),
        _ => None,
    };
    match (number(a), number(b)) {
        (Some(x), Some(y)) => x == y,
        _ => a == b,
    }
}

/// A constant as `repr` shows it; text as it was written.
fn shown(c: &Const, written: String) -> String {
    let float = |bits: u64| retic_numbers::float::repr(f64::from_bits(bits));
    match c {
        Const::Bool(b) => if *b { "True" } else { "False" }.into(),
        Const::Int(i) => i.to_string(),
        Const::Float(f) => float(*f),
        Const::Complex(re, im) if *re == 0 => format!("{}j", float(*im).trim_end_matches(".0")),
        _ => written,
    }
}

fn is_wildcard(p: &Pattern) -> bool {
    matches!(p, Pattern::MatchAs(a) if a.name.is_none() && a.pattern.is_none())
}
fn is_star_wildcard(p: &Pattern) -> bool {
    matches!(p, Pattern::MatchStar(s) if s.name.is_none())
}

impl<'a> Emitter<'a> {
    pub(super) fn match_stmt(&mut self, m: &'a StmtMatch) -> Done {
        self.expr(&m.subject)?;
        let end = self.new_block();
        let n = m.cases.len();
        let has_default = n > 1 && is_wildcard(&m.cases[n - 1].pattern);
        let tested = n - usize::from(has_default);
        for (i, case) in m.cases[..tested].iter().enumerate() {
            let last = i + 1 == tested;
            self.u().range = case.pattern.range();
            if !last {
                self.op(DUP_TOP);
            }
            let mut pc = Context { allow_irrefutable: case.guard.is_some() || i + 1 == n, ..Context::default() };
            self.pattern(&case.pattern, &mut pc)?;
            for name in std::mem::take(&mut pc.stores) {
                self.name(&name, Store)?;
            }
            if let Some(guard) = &case.guard {
                self.ensure_fail_pop(&mut pc, 0);
                self.jump_if(guard, pc.fail_pop[0], false)?;
            }
            self.u().range = case.pattern.range();
            if !last {
                self.op(POP_TOP);
            }
            self.case_body(&case.body)?;
            self.jump(JUMP_FORWARD, end);
            self.emit_fail_pop(&mut pc);
        }
        if has_default {
            let case = &m.cases[n - 1];
            self.mark(case.pattern.range());
            if let Some(guard) = &case.guard {
                self.jump_if(guard, end, false)?;
            }
            self.case_body(&case.body)?;
        }
        self.use_block(end);
        Ok(())
    }

    fn case_body(&mut self, body: &'a [Stmt]) -> Done {
        self.block_depth += 1;
        let result = self.body(body);
        self.block_depth -= 1;
        result
    }

    fn ensure_fail_pop(&mut self, pc: &mut Context, n: usize) {
        while pc.fail_pop.len() <= n {
            let b = self.new_block();
            pc.fail_pop.push(b);
        }
    }

    fn fail(&mut self, op: Opcode, pc: &mut Context) {
        let pops = pc.on_top + pc.stores.len();
        self.ensure_fail_pop(pc, pops);
        self.jump(op, pc.fail_pop[pops]);
        self.next_block();
    }

    fn emit_fail_pop(&mut self, pc: &mut Context) {
        self.nowhere();
        while pc.fail_pop.len() > 1 {
            if let Some(b) = pc.fail_pop.pop() {
                self.use_block(b);
                self.op(POP_TOP);
            }
        }
        match pc.fail_pop.pop() {
            Some(b) => self.use_block(b),
            None => self.next_block(),
        }
    }

    fn rotate(&mut self, n: usize) {
        match n {
            0 | 1 => {}
            2 => self.op(ROT_TWO),
            3 => self.op(ROT_THREE),
            4 => self.op(ROT_FOUR),
            _ => self.op_arg(ROT_N, n),
        }
    }

    fn capture(&mut self, name: Option<&Identifier>, pattern: TextRange, pc: &mut Context) -> Done {
        let Some(name) = name else {
            self.op(POP_TOP);
            return Ok(());
        };
        if pc.stores.iter().any(|s| **s == *name.id) {
            return self.error(format!("multiple assignments to name '{}' in pattern", name.id), pattern);
        }
        self.rotate(pc.on_top + pc.stores.len() + 1);
        pc.stores.push(name.id.as_str().into());
        Ok(())
    }

    fn subpattern(&mut self, p: &'a Pattern, pc: &mut Context) -> Done {
        let old = std::mem::replace(&mut pc.allow_irrefutable, true);
        let result = self.pattern(p, pc);
        pc.allow_irrefutable = old;
        result
    }

    fn pattern(&mut self, p: &'a Pattern, pc: &mut Context) -> Done {
        stacker::maybe_grow(128 << 10, 2 << 20, || self.at_line(p.range(), |e| e.pattern_inner(p, pc)))
    }

    fn pattern_inner(&mut self, p: &'a Pattern, pc: &mut Context) -> Done {
        match p {
            Pattern::MatchValue(v) => {
                if v.value.is_f_string_expr() || v.value.is_t_string_expr() {
                    return self.error("patterns may only match literals and attribute lookups", v.range);
                }
                // A power behind a sign is no number.
                if let Expr::UnaryOp(u) = &*v.value
                    && let Expr::BinOp(b) = &*u.operand
                {
                    let from = b.left.end().to_usize();
                    let sign = self.lines.source[from..].find("**").map_or(from, |n| from + n) as u32;
                    return self.error("invalid syntax", TextRange::new(sign.into(), (sign + 2).into()));
                }
                self.expr(&v.value)?;
                self.op_arg(COMPARE_OP, 2);
                self.fail(POP_JUMP_IF_FALSE, pc);
                Ok(())
            }
            Pattern::MatchSingleton(s) => {
                self.load_const(match s.value {
                    Singleton::None => Const::None,
                    Singleton::True => Const::Bool(true),
                    Singleton::False => Const::Bool(false),
                });
                self.op_arg(IS_OP, 0);
                self.fail(POP_JUMP_IF_FALSE, pc);
                Ok(())
            }
            Pattern::MatchSequence(s) => self.sequence(s, pc),
            Pattern::MatchMapping(m) => self.mapping(m, pc),
            Pattern::MatchClass(c) => self.class_pattern(c, pc),
            Pattern::MatchStar(s) => self.capture(s.name.as_ref(), s.range, pc),
            Pattern::MatchAs(a) => match &a.pattern {
                None => {
                    if !pc.allow_irrefutable {
                        return match &a.name {
                            Some(n) => self.error(format!("name capture '{}' makes remaining patterns unreachable", n.id), a.range),
                            None => self.error("wildcard makes remaining patterns unreachable", a.range),
                        };
                    }
                    self.capture(a.name.as_ref(), a.range, pc)
                }
                Some(inner) => {
                    pc.on_top += 1;
                    self.op(DUP_TOP);
                    self.pattern(inner, pc)?;
                    pc.on_top -= 1;
                    self.capture(a.name.as_ref(), a.range, pc)
                }
            },
            Pattern::MatchOr(o) => self.or_pattern(o, pc),
        }
    }

    fn sequence(&mut self, s: &'a PatternMatchSequence, pc: &mut Context) -> Done {
        let size = s.patterns.len();
        let mut star = None;
        let mut only_wildcard = true;
        for (i, p) in s.patterns.iter().enumerate() {
            if matches!(p, Pattern::MatchStar(_)) {
                if star.is_some() {
                    return self.error("multiple starred names in sequence pattern", s.range);
                }
                star = Some(i);
            }
            only_wildcard &= is_wildcard(p) || is_star_wildcard(p);
        }
        pc.on_top += 1;
        self.op(MATCH_SEQUENCE);
        self.fail(POP_JUMP_IF_FALSE, pc);
        let test = match star {
            None => Some((size, 2)),
            Some(_) if size > 1 => Some((size - 1, 5)),
            Some(_) => None,
        };
        if let Some((n, compare)) = test {
            self.op(GET_LEN);
            self.load_const(Const::Int(n as i64));
            self.op_arg(COMPARE_OP, compare);
            self.fail(POP_JUMP_IF_FALSE, pc);
        }
        pc.on_top -= 1;
        if only_wildcard {
            self.op(POP_TOP);
            return Ok(());
        }
        if let Some(at) = star.filter(|i| is_star_wildcard(&s.patterns[*i])) {
            pc.on_top += 1;
            for (i, p) in s.patterns.iter().enumerate() {
                if is_wildcard(p) || i == at {
                    continue;
                }
                self.op(DUP_TOP);
                if i < at {
                    self.load_const(Const::Int(i as i64));
                } else {
                    self.op(GET_LEN);
                    self.load_const(Const::Int((size - i) as i64));
                    self.op(BINARY_SUBTRACT);
                }
                self.op(BINARY_SUBSCR);
                self.subpattern(p, pc)?;
            }
            pc.on_top -= 1;
            self.op(POP_TOP);
            return Ok(());
        }
        match star {
            None => self.op_arg(UNPACK_SEQUENCE, size),
            Some(i) => self.op_arg(UNPACK_EX, i | (size - i - 1) << 8),
        }
        pc.on_top += size;
        for p in &s.patterns {
            pc.on_top -= 1;
            self.subpattern(p, pc)?;
        }
        Ok(())
    }

    fn mapping(&mut self, m: &'a PatternMatchMapping, pc: &mut Context) -> Done {
        let size = m.keys.len();
        pc.on_top += 1;
        self.op(MATCH_MAPPING);
        self.fail(POP_JUMP_IF_FALSE, pc);
        if size == 0 && m.rest.is_none() {
            pc.on_top -= 1;
            self.op(POP_TOP);
            return Ok(());
        }
        if size > 0 {
            self.op(GET_LEN);
            self.load_const(Const::Int(size as i64));
            self.op_arg(COMPARE_OP, 5);
            self.fail(POP_JUMP_IF_FALSE, pc);
        }
        let mut seen = Vec::new();
        for k in m.keys.iter() {
            if k.is_f_string_expr() || k.is_t_string_expr() {
                return self.error("mapping pattern keys may only match literals and attribute lookups", m.range);
            }
            if let Some(c) = self.constant(k) {
                if seen.iter().any(|s| same_key(s, &c)) {
                    return self.error(format!("mapping pattern checks duplicate key ({})", shown(&c, crate::unparse::annotation(k, self.lines.source))), m.range);
                }
                seen.push(c);
            }
            self.expr(k)?;
        }
        self.op_arg(BUILD_TUPLE, size);
        self.op(MATCH_KEYS);
        pc.on_top += 2;
        self.fail(POP_JUMP_IF_FALSE, pc);
        for (i, p) in m.patterns.iter().enumerate() {
            if is_wildcard(p) {
                continue;
            }
            self.op(DUP_TOP);
            self.load_const(Const::Int(i as i64));
            self.op(BINARY_SUBSCR);
            self.subpattern(p, pc)?;
        }
        pc.on_top -= 2;
        self.op(POP_TOP);
        match &m.rest {
            Some(rest) => {
                self.op(COPY_DICT_WITHOUT_KEYS);
                self.capture(Some(rest), m.range, pc)?;
            }
            None => self.op(POP_TOP),
        }
        pc.on_top -= 1;
        self.op(POP_TOP);
        Ok(())
    }

    fn class_pattern(&mut self, c: &'a PatternMatchClass, pc: &mut Context) -> Done {
        let (positional, keywords) = (&c.arguments.patterns, &c.arguments.keywords);
        for (i, k) in keywords.iter().enumerate() {
            if keywords[..i].iter().any(|o| o.attr.id == k.attr.id) {
                return self.error(format!("attribute name repeated in class pattern: {}", k.attr.id), k.pattern.range());
            }
        }
        self.expr(&c.cls)?;
        let names: Vec<Const> = keywords.iter().map(|k| Const::Str(k.attr.id.as_str().into())).collect();
        self.load_const(Const::Tuple(names.into()));
        self.op_arg(MATCH_CLASS, positional.len());
        pc.on_top += 1;
        self.fail(POP_JUMP_IF_FALSE, pc);
        for (i, p) in positional.iter().chain(keywords.iter().map(|k| &k.pattern)).enumerate() {
            if is_wildcard(p) {
                continue;
            }
            self.op(DUP_TOP);
            self.load_const(Const::Int(i as i64));
            self.op(BINARY_SUBSCR);
            self.subpattern(p, pc)?;
        }
        pc.on_top -= 1;
        self.op(POP_TOP);
        Ok(())
    }

    fn or_pattern(&mut self, o: &'a PatternMatchOr, pc: &mut Context) -> Done {
        let end = self.new_block();
        let mut control: Option<Vec<Rc<str>>> = None;
        for (i, alt) in o.patterns.iter().enumerate() {
            let last = i + 1 == o.patterns.len();
            let mut inner = Context { allow_irrefutable: last && pc.allow_irrefutable, ..Context::default() };
            self.op(DUP_TOP);
            self.pattern(alt, &mut inner)?;
            match &control {
                None => control = Some(inner.stores.clone()),
                Some(names) => {
                    if names.len() != inner.stores.len() {
                        return self.error("alternative patterns bind different names", o.range);
                    }
                    for at in (0..names.len()).rev() {
                        let Some(found) = inner.stores.iter().position(|s| *s == names[at]) else {
                            return self.error("alternative patterns bind different names", o.range);
                        };
                        if found != at {
                            let moved: Vec<Rc<str>> = inner.stores.drain(..=found).collect();
                            let n = moved.len();
                            let to = at - found;
                            inner.stores.splice(to..to, moved);
                            (0..n).for_each(|_| self.rotate(at + 1));
                        }
                    }
                }
            }
            self.jump(JUMP_FORWARD, end);
            self.next_block();
            self.emit_fail_pop(&mut inner);
        }
        self.op(POP_TOP);
        self.fail(JUMP_FORWARD, pc);
        self.use_block(end);
        let names = control.unwrap_or_default();
        let rotations = names.len() + 1 + pc.on_top + pc.stores.len();
        for name in names {
            self.rotate(rotations);
            if pc.stores.contains(&name) {
                return self.error(format!("multiple assignments to name '{name}' in pattern"), o.range);
            }
            pc.stores.push(name);
        }
        self.op(POP_TOP);
        Ok(())
    }
}
