//! Expressions: operators, conditions, names and displays.

use super::parser::{Is, Match, Node, Parser, Rule, Span, alternative};
use super::tokenizer::Kind;

const SOFT_KEYWORDS: [&str; 4] = ["_", "case", "match", "type"];

impl Parser<'_> {
    pub fn expressions(&mut self) -> Match<Node> {
        self.listed(Self::expression)
    }
    pub fn star_expressions(&mut self) -> Match<Node> {
        self.listed(Self::star_expression)
    }
    /// One, or several with commas.
    fn listed(&mut self, one: impl Fn(&mut Self) -> Match<Node>) -> Match<Node> {
        let first = self.at;
        let mut parts = vec![one(self)?];
        let more = self.any(|p| {
            p.expect(",")?;
            one(p)
        })?;
        let several = !more.is_empty();
        parts.extend(more);
        let comma = self.maybe(|p| p.expect(","))?.is_some();
        Some(if several || comma { self.node(Is::Tuple, first, parts) } else { parts[0] })
    }
    pub fn star_expression(&mut self) -> Match<Node> {
        self.kept(Rule::StarExpression, |p| {
            alternative!(p, p.star_of_bitwise_or());
            p.expression()
        })
    }
    fn star_of_bitwise_or(&mut self) -> Match<Node> {
        let first = self.at;
        self.expect("*")?;
        let value = self.bitwise_or()?;
        Some(self.node(Is::Starred, first, vec![value]))
    }
    pub fn star_named_expressions(&mut self) -> Match<Vec<Node>> {
        let all = self.gather(",", Self::star_named_expression)?;
        self.maybe(|p| p.expect(","))?;
        Some(all)
    }
    pub fn star_named_expression(&mut self) -> Match<Node> {
        alternative!(self, self.star_of_bitwise_or());
        self.named_expression()
    }
    pub fn assignment_expression(&mut self) -> Match<Node> {
        let first = self.at;
        self.name()?;
        self.expect(":=")?;
        self.expression()?;
        Some(self.node(Is::Walrus, first, Vec::new()))
    }
    pub fn named_expression(&mut self) -> Match<Node> {
        alternative!(self, self.assignment_expression());
        self.wary(Self::named_expression_refused)?;
        let value = self.expression()?;
        self.not(|p| p.expect(":="))?;
        Some(value)
    }
    /// `assignment_expression | expression !':='`
    pub fn walrus_or_expression(&mut self) -> Match<Node> {
        alternative!(self, self.assignment_expression());
        let value = self.expression()?;
        self.not(|p| p.expect(":="))?;
        Some(value)
    }
    fn named_expression_refused(&mut self) -> Match<Node> {
        self.kept(Rule::NamedExpressionRefused, |p| {
            alternative!(p, {
                let a = p.expression()?;
                p.expect(":=")?;
                p.expression()?;
                let name = p.name_of(a);
                p.raise_node(a, format!("cannot use assignment expressions with {name}"))
            });
            alternative!(p, {
                let a = p.name()?;
                p.expect("=")?;
                let b = p.bitwise_or()?;
                p.not(|p| p.any_of(&["=", ":="]))?;
                p.raise_range(p.span(a), p.span(b), "invalid syntax. Maybe you meant '==' or ':=' instead of '='?")
            });
            p.not(|p| {
                alternative!(p, p.list());
                alternative!(p, p.tuple());
                alternative!(p, p.generator());
                p.any_of(&["True", "None", "False"])?;
                Some(Node::NONE)
            })?;
            let a = p.bitwise_or()?;
            p.expect("=")?;
            p.bitwise_or()?;
            p.not(|p| p.any_of(&["=", ":="]))?;
            let name = p.name_of(a);
            p.raise_node(a, format!("cannot assign to {name} here. Maybe you meant '==' instead of '='?"))
        })
    }

    pub fn expression(&mut self) -> Match<Node> {
        self.kept(Rule::Expression, |p| {
            p.wary(Self::expression_refused)?;
            p.wary(Self::legacy_statement)?;
            p.expression_itself()
        })
    }
    fn expression_itself(&mut self) -> Match<Node> {
        let first = self.at;
        alternative!(self, {
            self.disjunction()?;
            self.expect("if")?;
            self.disjunction()?;
            self.expect("else")?;
            self.expression()?;
            Some(self.node(Is::Conditional, first, Vec::new()))
        });
        alternative!(self, self.disjunction());
        self.lambda()
    }
    /// `print x` and `exec x`, as names.
    fn is_legacy(&self, n: Node) -> bool {
        self.is(n) == Is::Name && matches!(self.text_of(self.span(n)), "print" | "exec")
    }
    fn legacy_statement(&mut self) -> Match<Node> {
        let a = self.name()?;
        self.not(|p| p.expect("("))?;
        let b = self.star_expressions()?;
        if !self.is_legacy(a) {
            return None;
        }
        let name = self.text_of(self.span(a));
        self.raise_range(self.span(a), self.span(b), format!("Missing parentheses in call to '{name}'. Did you mean {name}(...)?"))
    }
    fn expression_refused(&mut self) -> Match<Node> {
        alternative!(self, {
            self.kind(Kind::Text)?;
            let between = self.many(|p| {
                p.not(|p| p.kind(Kind::Text))?;
                p.plainly(Self::expression_itself)
            })?;
            self.kind(Kind::Text)?;
            let (from, to) = (between.first().map(|n| self.span(*n))?, between.last().map(|n| self.span(*n))?);
            self.raise_range(from, to, "invalid syntax. Is this intended to be part of the string?")
        });
        // Soft keywords can be read as names behind names, and of a wrong prefix of a string nothing is said.
        let mark = self.at;
        let two = self.not(|p| {
            alternative!(p, {
                p.name()?;
                p.kind(Kind::Text)?;
                Some(())
            });
            SOFT_KEYWORDS.iter().find_map(|k| p.soft(k)).map(|_| ())
        });
        if two.is_some()
            && let Some(a) = self.disjunction()
            && let Some(b) = self.plainly(Self::expression_itself)
        {
            let level = self.tokens.get(self.at.wrapping_sub(1)).map_or(0, |t| t.level);
            if self.is_legacy(a) || level == 0 {
                return None;
            }
            return self.raise_range(self.span(a), self.span(b), "invalid syntax. Perhaps you forgot a comma?");
        }
        if self.stopped() {
            return None;
        }
        self.at = mark;
        alternative!(self, {
            let a = self.disjunction()?;
            self.expect("if")?;
            let b = self.disjunction()?;
            self.not(|p| p.any_of(&["else", ":"]))?;
            self.raise_range(self.span(a), self.span(b), "expected 'else' after 'if' expression")
        });
        alternative!(self, {
            self.disjunction()?;
            self.expect("if")?;
            self.disjunction()?;
            self.expect("else")?;
            self.not(Self::expression)?;
            self.raise_next("expected expression after 'else', but statement is given")
        });
        alternative!(self, {
            let a = self.any_of(&["pass", "break", "continue"])?;
            self.expect("if")?;
            self.disjunction()?;
            self.expect("else")?;
            self.simple_statement()?;
            self.raise_at(a, "expected expression before 'if', but statement is given")
        });
        let a = self.expect("lambda")?;
        self.maybe(Self::lambda_parameters)?;
        let b = self.expect(":")?;
        let template = self.next()?.template;
        self.ahead(|p| p.kind(Kind::Middle))?;
        let prefix = if template { 't' } else { 'f' };
        self.raise_range(a, b, format!("{prefix}-string: lambda expressions are not allowed without parentheses"))
    }
    pub fn lambda(&mut self) -> Match<Node> {
        let first = self.at;
        self.expect("lambda")?;
        self.maybe(Self::lambda_parameters)?;
        self.expect(":")?;
        self.expression()?;
        Some(self.node(Is::Lambda, first, Vec::new()))
    }
    pub fn yield_expression(&mut self) -> Match<Node> {
        let first = self.at;
        self.expect("yield")?;
        alternative!(self, {
            self.expect("from")?;
            self.expression()?;
            Some(self.node(Is::Yield, first, Vec::new()))
        });
        self.maybe(Self::star_expressions)?;
        Some(self.node(Is::Yield, first, Vec::new()))
    }
    /// `yield_expr | star_expressions`
    pub fn annotated_value(&mut self) -> Match<Node> {
        alternative!(self, self.yield_expression());
        self.star_expressions()
    }

    pub fn disjunction(&mut self) -> Match<Node> {
        self.kept(Rule::Disjunction, |p| p.joined("or", Self::conjunction))
    }
    fn conjunction(&mut self) -> Match<Node> {
        self.kept(Rule::Conjunction, |p| p.joined("and", Self::inversion))
    }
    fn joined(&mut self, sign: &str, part: impl Fn(&mut Self) -> Match<Node>) -> Match<Node> {
        let first = self.at;
        let one = part(self)?;
        let more = self.any(|p| {
            p.expect(sign)?;
            part(p)
        })?;
        Some(if more.is_empty() { one } else { self.node(Is::Operation, first, Vec::new()) })
    }
    fn inversion(&mut self) -> Match<Node> {
        self.kept(Rule::Inversion, |p| {
            let first = p.at;
            alternative!(p, {
                p.expect("not")?;
                p.inversion()?;
                Some(p.node(Is::Operation, first, Vec::new()))
            });
            p.comparison()
        })
    }
    fn comparison(&mut self) -> Match<Node> {
        let first = self.at;
        let left = self.bitwise_or()?;
        let mut contains = None;
        let pairs = self.any(|p| {
            let begins = p.at;
            p.comparison_sign()?;
            let is_in = p.at == begins + 1 && p.tokens.get(begins).is_some_and(|t| p.text_of(Span { start: t.start, end: t.end }) == "in");
            p.bitwise_or()?;
            contains.get_or_insert(is_in);
            Some(())
        })?;
        if pairs.is_empty() {
            return Some(left);
        }
        Some(self.node(Is::Comparison(contains == Some(true)), first, vec![left]))
    }
    fn comparison_sign(&mut self) -> Match<()> {
        alternative!(self, {
            self.expect("==")?;
            Some(())
        });
        alternative!(self, self.unequal());
        alternative!(self, {
            self.any_of(&["<=", "<", ">=", ">"])?;
            Some(())
        });
        alternative!(self, {
            self.expect("not")?;
            self.expect("in")?;
            Some(())
        });
        alternative!(self, {
            self.expect("in")?;
            Some(())
        });
        self.expect("is")?;
        self.maybe(|p| p.expect("not"))?;
        Some(())
    }
    fn unequal(&mut self) -> Match<()> {
        if self.barry {
            if self.expect("<>").is_some() {
                return Some(());
            }
            let sign = self.expect("!=")?;
            return self.raise_at(sign, "with Barry as BDFL, use '<>' instead of '!='");
        }
        self.expect("!=")?;
        Some(())
    }

    /// A binary operator that groups from the left.
    fn operation(&mut self, name: Rule, signs: &[&str], part: impl Fn(&mut Self) -> Match<Node>) -> Match<Node> {
        self.kept(name, |p| {
            let first = p.at;
            let mut left = part(p)?;
            loop {
                let more = p.maybe(|p| {
                    p.any_of(signs)?;
                    part(p)
                })?;
                if more.is_none() {
                    return Some(left);
                }
                left = p.node(Is::Operation, first, Vec::new());
            }
        })
    }
    pub fn bitwise_or(&mut self) -> Match<Node> {
        self.operation(Rule::BitwiseOr, &["|"], |p| p.operation(Rule::BitwiseXor, &["^"], |p| p.operation(Rule::BitwiseAnd, &["&"], Self::shift)))
    }
    fn shift(&mut self) -> Match<Node> {
        self.kept(Rule::Shift, |p| {
            let first = p.at;
            p.wary(Self::arithmetic_refused)?;
            let mut left = p.sum()?;
            loop {
                let more = p.maybe(|p| {
                    p.any_of(&["<<", ">>"])?;
                    p.sum()
                })?;
                if more.is_none() {
                    return Some(left);
                }
                left = p.node(Is::Operation, first, Vec::new());
            }
        })
    }
    fn arithmetic_refused(&mut self) -> Match<Node> {
        self.sum()?;
        self.any_of(&["+", "-", "*", "/", "%", "//", "@"])?;
        let a = self.expect("not")?;
        let b = self.inversion()?;
        self.raise_range(a, self.span(b), "'not' after an operator must be parenthesized")
    }
    fn sum(&mut self) -> Match<Node> {
        self.operation(Rule::Sum, &["+", "-"], |p| p.operation(Rule::Term, &["*", "/", "//", "%", "@"], Self::factor))
    }
    fn factor(&mut self) -> Match<Node> {
        self.kept(Rule::Factor, |p| {
            let first = p.at;
            p.wary(|p| {
                p.any_of(&["+", "-", "~"])?;
                let a = p.expect("not")?;
                let b = p.factor()?;
                p.raise_range::<Node>(a, p.span(b), "'not' after an operator must be parenthesized")
            })?;
            alternative!(p, {
                p.any_of(&["+", "-", "~"])?;
                p.factor()?;
                Some(p.node(Is::Operation, first, Vec::new()))
            });
            let base = p.await_primary()?;
            let power = p.maybe(|p| {
                p.expect("**")?;
                p.factor()
            })?;
            Some(if power.is_some() { p.node(Is::Operation, first, Vec::new()) } else { base })
        })
    }
    fn await_primary(&mut self) -> Match<Node> {
        self.kept(Rule::AwaitPrimary, |p| {
            let first = p.at;
            alternative!(p, {
                p.expect("await")?;
                p.primary()?;
                Some(p.node(Is::Await, first, Vec::new()))
            });
            p.primary()
        })
    }
    pub fn primary(&mut self) -> Match<Node> {
        self.kept(Rule::Primary, |p| {
            let first = p.at;
            let mut whole = p.atom()?;
            while let Some(is) = p.maybe(Self::trailer)? {
                whole = p.node(is, first, vec![whole]);
            }
            Some(whole)
        })
    }
    fn trailer(&mut self) -> Match<Is> {
        alternative!(self, {
            self.expect(".")?;
            self.name()?;
            Some(Is::Attribute)
        });
        alternative!(self, {
            self.generator()?;
            Some(Is::Call)
        });
        alternative!(self, {
            self.expect("(")?;
            self.maybe(Self::arguments)?;
            self.expect(")")?;
            Some(Is::Call)
        });
        self.expect("[")?;
        self.slices()?;
        self.expect("]")?;
        Some(Is::Subscript)
    }
    pub fn slices(&mut self) -> Match<()> {
        alternative!(self, {
            self.slice()?;
            self.not(|p| p.expect(","))
        });
        self.gather(",", |p| {
            alternative!(p, p.slice());
            p.starred_expression()?;
            Some(())
        })?;
        self.maybe(|p| p.expect(","))?;
        Some(())
    }
    fn slice(&mut self) -> Match<()> {
        alternative!(self, {
            self.maybe(Self::expression)?;
            self.expect(":")?;
            self.maybe(Self::expression)?;
            self.maybe(|p| {
                p.expect(":")?;
                p.maybe(Self::expression)
            })?;
            Some(())
        });
        self.named_expression()?;
        Some(())
    }

    pub fn atom(&mut self) -> Match<Node> {
        let first = self.at;
        alternative!(self, self.name());
        for (word, is) in [("True", Is::True), ("False", Is::False), ("None", Is::None)] {
            alternative!(self, {
                self.expect(word)?;
                Some(self.node(is, first, Vec::new()))
            });
        }
        let next = self.next()?;
        match next.kind {
            Kind::Text | Kind::Opening => return self.strings(),
            Kind::Number => return self.number(),
            _ => {}
        }
        match self.text_of(Span { start: next.start, end: next.end }) {
            "(" if next.kind == Kind::Operator => {
                alternative!(self, self.tuple());
                alternative!(self, self.group());
                self.generator()
            }
            "[" if next.kind == Kind::Operator => {
                alternative!(self, self.list());
                self.list_comprehension()
            }
            "{" if next.kind == Kind::Operator => {
                alternative!(self, self.dict());
                alternative!(self, self.set());
                alternative!(self, self.dict_comprehension());
                self.set_comprehension()
            }
            _ => {
                self.expect("...")?;
                Some(self.node(Is::Ellipsis, first, Vec::new()))
            }
        }
    }
    pub fn number(&mut self) -> Match<Node> {
        let first = self.at;
        let span = self.kind(Kind::Number)?;
        let text = self.text_of(span);
        let digits = text.bytes().filter(|b| *b != b'_').count();
        if self.digits_max > 0 && digits > self.digits_max && text.bytes().all(|b| b == b'_' || b.is_ascii_digit()) {
            return self.too_long(span, digits);
        }
        Some(self.node(Is::Literal, first, Vec::new()))
    }
    fn group(&mut self) -> Match<Node> {
        alternative!(self, {
            self.expect("(")?;
            let value = self.maybe(Self::yield_expression)?;
            let value = match value {
                Some(v) => v,
                None => self.named_expression()?,
            };
            self.expect(")")?;
            Some(value)
        });
        self.wary(|p| {
            alternative!(p, {
                p.expect("(")?;
                let a = p.starred_expression()?;
                p.expect(")")?;
                p.raise_node::<()>(a, "cannot use starred expression here")
            });
            p.expect("(")?;
            let a = p.expect("**")?;
            p.expression()?;
            p.expect(")")?;
            p.raise_at::<()>(a, "cannot use double starred expression here")
        })?;
        None
    }
    pub fn list(&mut self) -> Match<Node> {
        let first = self.at;
        self.expect("[")?;
        let parts = self.maybe(Self::star_named_expressions)?;
        self.expect("]")?;
        Some(self.node(Is::List, first, parts.unwrap_or_default()))
    }
    pub fn tuple(&mut self) -> Match<Node> {
        let first = self.at;
        self.expect("(")?;
        let parts = self.maybe(|p| {
            let one = p.star_named_expression()?;
            p.expect(",")?;
            let mut parts = p.maybe(Self::star_named_expressions)?.unwrap_or_default();
            parts.insert(0, one);
            Some(parts)
        })?;
        self.expect(")")?;
        Some(self.node(Is::Tuple, first, parts.unwrap_or_default()))
    }
    fn set(&mut self) -> Match<Node> {
        let first = self.at;
        self.expect("{")?;
        self.star_named_expressions()?;
        self.expect("}")?;
        Some(self.node(Is::Set, first, Vec::new()))
    }
    fn dict(&mut self) -> Match<Node> {
        let first = self.at;
        alternative!(self, {
            self.expect("{")?;
            self.maybe(|p| {
                p.gather(",", Self::pair)?;
                p.maybe(|p| p.expect(","))
            })?;
            self.expect("}")?;
            Some(self.node(Is::Dict, first, Vec::new()))
        });
        self.expect("{")?;
        self.pairs_refused()?;
        None
    }
    fn pair(&mut self) -> Match<()> {
        alternative!(self, {
            self.expect("**")?;
            self.bitwise_or()?;
            Some(())
        });
        self.expression()?;
        self.expect(":")?;
        self.expression()?;
        Some(())
    }
    fn pairs_refused(&mut self) -> Match<()> {
        alternative!(self, {
            self.gather(",", Self::pair)?;
            self.expect(",")?;
            alternative!(self, {
                let a = self.expression()?;
                self.not(|p| p.expect(":"))?;
                let span = self.span(a);
                let (line, _) = self.place(span.start);
                let (_, column) = self.place(span.end);
                let end = self.place(span.end).0;
                self.raise(crate::error::ErrorKind::Syntax, "':' expected after dictionary key", (line, column - 1), super::refusal::End::Nothing(end))
            });
            self.value_refused()
        });
        self.value_refused()
    }
    fn value_refused(&mut self) -> Match<()> {
        alternative!(self, {
            self.expression()?;
            self.expect(":")?;
            let a = self.expect("*")?;
            self.bitwise_or()?;
            self.raise_from(a, "cannot use a starred expression in a dictionary value")
        });
        self.expression()?;
        let a = self.expect(":")?;
        self.ahead(|p| p.any_of(&["}", ","]))?;
        self.raise_at(a, "expression expected after dictionary key and ':'")
    }

    // ---- comprehensions

    pub fn for_clauses(&mut self) -> Match<Vec<Node>> {
        self.many(Self::for_clause)
    }
    fn for_clause(&mut self) -> Match<Node> {
        let first = self.at;
        for asynchronous in [true, false] {
            let mut sure = false;
            let mark = self.at;
            let clause = (|| {
                if asynchronous {
                    self.expect("async")?;
                }
                self.expect("for")?;
                self.star_targets()?;
                self.expect("in")?;
                sure = true;
                self.disjunction()?;
                self.any(|p| {
                    p.expect("if")?;
                    p.disjunction()
                })?;
                Some(self.node(Is::Other, first, Vec::new()))
            })();
            if clause.is_some() || sure || self.stopped() {
                return clause;
            }
            self.at = mark;
        }
        self.wary(|p| {
            p.maybe(|p| p.expect("async"))?;
            p.expect("for")?;
            p.bitwise_or()?;
            p.any(|p| {
                p.expect(",")?;
                p.bitwise_or()
            })?;
            p.maybe(|p| p.expect(","))?;
            p.not(|p| p.expect("in"))?;
            p.raise_last::<()>("'in' expected after for-loop variables")
        })?;
        self.wary(Self::for_target_refused)?;
        None
    }
    pub fn list_comprehension(&mut self) -> Match<Node> {
        self.comprehension("[", "]", Is::ListComprehension, Self::named_expression)
    }
    fn set_comprehension(&mut self) -> Match<Node> {
        self.comprehension("{", "}", Is::SetComprehension, Self::named_expression)
    }
    pub fn generator(&mut self) -> Match<Node> {
        self.comprehension("(", ")", Is::Generator, Self::walrus_or_expression)
    }
    fn comprehension(&mut self, open: &str, close: &str, is: Is, value: impl Fn(&mut Self) -> Match<Node>) -> Match<Node> {
        let first = self.at;
        alternative!(self, {
            self.expect(open)?;
            value(self)?;
            self.for_clauses()?;
            self.expect(close)?;
            Some(self.node(is, first, Vec::new()))
        });
        self.wary(Self::comprehension_refused)?;
        None
    }
    fn comprehension_refused(&mut self) -> Match<()> {
        const MESSAGE: &str = "did you forget parentheses around the comprehension target?";
        alternative!(self, {
            self.any_of(&["[", "(", "{"])?;
            let a = self.starred_expression()?;
            self.for_clauses()?;
            self.raise_node(a, "iterable unpacking cannot be used in comprehension")
        });
        alternative!(self, {
            self.any_of(&["[", "{"])?;
            let a = self.star_named_expression()?;
            self.expect(",")?;
            let b = self.star_named_expressions()?;
            self.for_clauses()?;
            let last = b.last().map_or(self.span(a), |n| self.span(*n));
            self.raise_range(self.span(a), last, MESSAGE)
        });
        self.any_of(&["[", "{"])?;
        let a = self.star_named_expression()?;
        let b = self.expect(",")?;
        self.for_clauses()?;
        self.raise_range(self.span(a), b, MESSAGE)
    }
    fn dict_comprehension(&mut self) -> Match<Node> {
        let first = self.at;
        alternative!(self, {
            self.expect("{")?;
            self.expression()?;
            self.expect(":")?;
            self.expression()?;
            self.for_clauses()?;
            self.expect("}")?;
            Some(self.node(Is::DictComprehension, first, Vec::new()))
        });
        self.wary(|p| {
            p.expect("{")?;
            let a = p.expect("**")?;
            p.bitwise_or()?;
            p.for_clauses()?;
            p.expect("}")?;
            p.raise_at::<()>(a, "dict unpacking cannot be used in dict comprehension")
        })?;
        None
    }
}
