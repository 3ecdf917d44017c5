//! Statements with blocks.

use super::parser::{Is, Match, Node, Parser, Rule, Span, alternative};
use super::targets::Target;
use super::tokenizer::Kind;

const COLON: &str = "expected ':'";

impl Parser<'_> {
    pub fn block(&mut self) -> Match<Node> {
        self.kept(Rule::Block, |p| {
            let first = p.at;
            alternative!(p, {
                p.newline()?;
                p.kind(Kind::Indent)?;
                p.many(Self::statement)?;
                p.kind(Kind::Dedent)?;
                Some(p.node(Is::Other, first, Vec::new()))
            });
            alternative!(p, {
                p.simple_statements()?;
                Some(p.node(Is::Other, first, Vec::new()))
            });
            p.wary(|p| {
                p.newline()?;
                p.not(|p| p.kind(Kind::Indent))?;
                p.raise_indentation::<()>("expected an indented block")
            })?;
            None
        })
    }
    /// Behind the head of a statement: a colon and no block.
    pub fn no_block(&mut self, head: Span, what: &str) -> Match<()> {
        self.expect(":")?;
        self.newline()?;
        self.not(|p| p.kind(Kind::Indent))?;
        let line = self.place(head.start).0;
        self.raise_indentation(format!("expected an indented block after {what} on line {line}"))
    }
    fn no_colon(&mut self) -> Match<()> {
        self.newline()?;
        self.raise_last(COLON)
    }

    pub fn compound_statement(&mut self) -> Match<()> {
        let next = self.next()?;
        let word = self.text_of(Span { start: next.start, end: next.end });
        if matches!(next.kind, Kind::Keyword | Kind::Operator) {
            if matches!(word, "def" | "@" | "async") {
                alternative!(self, self.function());
            }
            if word == "if" {
                alternative!(self, self.if_statement());
            }
            if matches!(word, "class" | "@") {
                alternative!(self, self.class());
            }
            if matches!(word, "with" | "async") {
                alternative!(self, self.with_statement());
            }
            if matches!(word, "for" | "async") {
                alternative!(self, self.for_statement());
            }
            if word == "try" {
                alternative!(self, self.try_statement());
            }
            if word == "while" {
                alternative!(self, self.while_statement());
            }
        }
        self.match_statement()
    }

    // ---- functions and classes

    fn decorators(&mut self) -> Match<()> {
        self.many(|p| {
            p.expect("@")?;
            p.named_expression()?;
            p.newline()
        })?;
        Some(())
    }
    fn function(&mut self) -> Match<()> {
        alternative!(self, {
            self.decorators()?;
            self.function_itself()
        });
        self.function_itself()
    }
    fn function_itself(&mut self) -> Match<()> {
        self.wary(|p| {
            alternative!(p, {
                p.maybe(|p| p.expect("async"))?;
                let a = p.expect("def")?;
                p.name()?;
                p.maybe(Self::type_parameters)?;
                p.expect("(")?;
                p.maybe(Self::parameters)?;
                p.expect(")")?;
                p.maybe(Self::result_type)?;
                p.no_block(a, "function definition")
            });
            p.maybe(|p| p.expect("async"))?;
            p.definition(Self::forced)
        })?;
        alternative!(self, self.definition(Self::expect));
        self.expect("async")?;
        self.definition(Self::expect)
    }
    fn result_type(&mut self) -> Match<Node> {
        self.expect("->")?;
        self.expression()
    }
    /// `sign` reads what nothing else can stand for.
    fn definition(&mut self, sign: impl Fn(&mut Self, &str) -> Match<Span>) -> Match<()> {
        self.expect("def")?;
        self.name()?;
        self.maybe(Self::type_parameters)?;
        sign(self, "(")?;
        self.maybe(Self::parameters)?;
        self.expect(")")?;
        self.maybe(Self::result_type)?;
        sign(self, ":")?;
        self.block()?;
        Some(())
    }
    fn class(&mut self) -> Match<()> {
        alternative!(self, {
            self.decorators()?;
            self.class_itself()
        });
        self.class_itself()
    }
    fn class_head(&mut self) -> Match<Span> {
        let a = self.expect("class")?;
        self.name()?;
        self.maybe(Self::type_parameters)?;
        self.maybe(|p| {
            p.expect("(")?;
            p.maybe(Self::arguments)?;
            p.expect(")")
        })?;
        Some(a)
    }
    fn class_itself(&mut self) -> Match<()> {
        self.wary(|p| {
            alternative!(p, {
                p.class_head()?;
                p.no_colon()
            });
            let a = p.class_head()?;
            p.no_block(a, "class definition")
        })?;
        self.class_head()?;
        self.expect(":")?;
        self.block()?;
        Some(())
    }

    // ---- conditions and loops

    /// `word condition` without a colon or without a block.
    fn condition_refused(&mut self, word: &str) -> Match<()> {
        alternative!(self, {
            self.expect(word)?;
            self.named_expression()?;
            self.no_colon()
        });
        let a = self.expect(word)?;
        self.named_expression()?;
        self.no_block(a, &format!("'{word}' statement"))
    }
    fn condition(&mut self, word: &str) -> Match<()> {
        self.expect(word)?;
        self.named_expression()?;
        self.expect(":")?;
        self.block()?;
        Some(())
    }
    fn if_statement(&mut self) -> Match<()> {
        self.wary(|p| p.condition_refused("if"))?;
        alternative!(self, {
            self.condition("if")?;
            self.elif()
        });
        self.condition("if")?;
        self.maybe(Self::else_block)?;
        Some(())
    }
    fn elif(&mut self) -> Match<()> {
        self.deep(|p| {
            p.wary(|p| p.condition_refused("elif"))?;
            alternative!(p, {
                p.condition("elif")?;
                p.elif()
            });
            p.condition("elif")?;
            p.maybe(Self::else_block)?;
            Some(())
        })
    }
    fn else_block(&mut self) -> Match<()> {
        self.wary(|p| {
            alternative!(p, {
                let a = p.expect("else")?;
                p.no_block(a, "'else' statement")
            });
            p.expect("else")?;
            p.expect(":")?;
            p.block()?;
            p.expect("elif")?;
            p.raise_last::<()>("'elif' block follows an 'else' block")
        })?;
        self.expect("else")?;
        self.forced(":")?;
        self.block()?;
        Some(())
    }
    fn while_statement(&mut self) -> Match<()> {
        self.wary(|p| p.condition_refused("while"))?;
        self.condition("while")?;
        self.maybe(Self::else_block)?;
        Some(())
    }
    fn for_head(&mut self) -> Match<Span> {
        self.maybe(|p| p.expect("async"))?;
        let a = self.expect("for")?;
        self.star_targets()?;
        self.expect("in")?;
        self.star_expressions()?;
        Some(a)
    }
    fn for_statement(&mut self) -> Match<()> {
        self.wary(|p| {
            alternative!(p, {
                p.for_head()?;
                p.no_colon()
            });
            let a = p.for_head()?;
            p.no_block(a, "'for' statement")
        })?;
        let mark = self.at;
        for asynchronous in [false, true] {
            self.at = mark;
            let begun = (|| {
                if asynchronous {
                    self.expect("async")?;
                }
                self.expect("for")?;
                self.star_targets()?;
                self.expect("in")
            })();
            if begun.is_some() {
                self.star_expressions()?;
                self.expect(":")?;
                self.block()?;
                self.maybe(Self::else_block)?;
                return Some(());
            }
            if self.stopped() {
                return None;
            }
        }
        self.at = mark;
        self.wary(Self::for_target_refused)?;
        None
    }

    // ---- with

    fn with_statement(&mut self) -> Match<()> {
        self.wary(|p| {
            alternative!(p, {
                let a = p.with_head(false)?;
                p.no_block(a, "'with' statement")
            });
            let a = p.with_head_bracketed()?;
            p.no_block(a, "'with' statement")
        })?;
        for asynchronous in [false, true] {
            alternative!(self, {
                if asynchronous {
                    self.expect("async")?;
                }
                self.expect("with")?;
                self.expect("(")?;
                self.gather(",", Self::with_item)?;
                self.maybe(|p| p.expect(","))?;
                self.expect(")")?;
                self.expect(":")?;
                self.block()?;
                Some(())
            });
            alternative!(self, {
                if asynchronous {
                    self.expect("async")?;
                }
                self.expect("with")?;
                self.gather(",", Self::with_item)?;
                self.expect(":")?;
                self.block()?;
                Some(())
            });
        }
        self.wary(|p| {
            alternative!(p, {
                p.with_head(false)?;
                p.no_colon()
            });
            p.with_head_bracketed()?;
            p.no_colon()
        })?;
        None
    }
    fn with_head(&mut self, bracketed: bool) -> Match<Span> {
        self.maybe(|p| p.expect("async"))?;
        let a = self.expect("with")?;
        if bracketed {
            self.expect("(")?;
        }
        self.gather(",", |p| {
            if bracketed {
                p.expressions()?;
            } else {
                p.expression()?;
            }
            p.maybe(|p| {
                p.expect("as")?;
                p.star_target()
            })
        })?;
        Some(a)
    }
    fn with_head_bracketed(&mut self) -> Match<Span> {
        let a = self.with_head(true)?;
        self.maybe(|p| p.expect(","))?;
        self.expect(")")?;
        Some(a)
    }
    fn with_item(&mut self) -> Match<()> {
        alternative!(self, {
            self.expression()?;
            self.expect("as")?;
            self.star_target()?;
            self.ahead(|p| p.any_of(&[",", ")", ":"]))
        });
        self.wary(|p| {
            p.expression()?;
            p.expect("as")?;
            let a = p.expression()?;
            p.ahead(|p| p.any_of(&[",", ")", ":"]))?;
            p.raise_target(a, Target::Assigned);
            None::<()>
        })?;
        self.expression()?;
        Some(())
    }

    // ---- try

    fn try_statement(&mut self) -> Match<()> {
        self.wary(Self::try_refused)?;
        alternative!(self, {
            self.try_block()?;
            self.finally_block()
        });
        alternative!(self, {
            self.try_block()?;
            self.many(|p| p.except_block(false))?;
            self.behind_handlers()
        });
        self.try_block()?;
        self.many(|p| p.except_block(true))?;
        self.behind_handlers()
    }
    fn try_block(&mut self) -> Match<()> {
        self.expect("try")?;
        self.forced(":")?;
        self.block()?;
        Some(())
    }
    fn behind_handlers(&mut self) -> Match<()> {
        self.maybe(Self::else_block)?;
        self.maybe(Self::finally_block)?;
        Some(())
    }
    fn finally_block(&mut self) -> Match<()> {
        self.wary(|p| {
            let a = p.expect("finally")?;
            p.no_block(a, "'finally' statement")
        })?;
        self.expect("finally")?;
        self.forced(":")?;
        self.block()?;
        Some(())
    }
    fn as_name(&mut self) -> Match<Node> {
        self.expect("as")?;
        self.name()
    }
    fn try_refused(&mut self) -> Match<()> {
        const BOTH: &str = "cannot have both 'except' and 'except*' on the same 'try'";
        alternative!(self, {
            let a = self.expect("try")?;
            self.no_block(a, "'try' statement")
        });
        alternative!(self, {
            self.expect("try")?;
            self.expect(":")?;
            self.block()?;
            self.not(|p| p.any_of(&["except", "finally"]))?;
            self.raise_last("expected 'except' or 'finally' block")
        });
        alternative!(self, {
            self.expect("try")?;
            self.expect(":")?;
            self.any(Self::block)?;
            self.many(|p| p.except_block(false))?;
            let a = self.expect("except")?;
            let b = self.expect("*")?;
            self.expression()?;
            self.maybe(Self::as_name)?;
            self.expect(":")?;
            self.raise_range(a, b, BOTH)
        });
        self.expect("try")?;
        self.expect(":")?;
        self.any(Self::block)?;
        self.many(|p| p.except_block(true))?;
        let a = self.expect("except")?;
        self.maybe(|p| {
            p.expression()?;
            p.maybe(Self::as_name)
        })?;
        self.expect(":")?;
        self.raise_at(a, BOTH)
    }
    fn except_head(&mut self, star: bool) -> Match<Span> {
        let a = self.expect("except")?;
        if star {
            self.expect("*")?;
        }
        Some(a)
    }
    /// A handler; of groups, with a star.
    fn except_block(&mut self, star: bool) -> Match<()> {
        let word = if star { "except*" } else { "except" };
        let what = format!("'{word}' statement");
        self.wary(|p| {
            alternative!(p, {
                let a = p.except_head(star)?;
                p.expression()?;
                p.maybe(Self::as_name)?;
                p.no_block(a, &what)
            });
            if star {
                return None;
            }
            let a = p.except_head(star)?;
            p.no_block(a, &what)
        })?;
        alternative!(self, {
            self.except_head(star)?;
            self.expression()?;
            self.maybe(Self::as_name)?;
            self.expect(":")?;
            self.block()?;
            Some(())
        });
        alternative!(self, {
            self.except_head(star)?;
            self.expressions()?;
            self.expect(":")?;
            self.block()?;
            Some(())
        });
        if !star {
            alternative!(self, {
                self.except_head(star)?;
                self.expect(":")?;
                self.block()?;
                Some(())
            });
        }
        self.wary(|p| p.except_refused(star, word))?;
        None
    }
    fn except_refused(&mut self, star: bool, word: &str) -> Match<()> {
        alternative!(self, {
            self.except_head(star)?;
            let a = self.expression()?;
            self.several_bound(a)
        });
        alternative!(self, {
            self.except_head(star)?;
            self.expression()?;
            self.maybe(Self::as_name)?;
            self.no_colon()
        });
        alternative!(self, {
            self.except_head(star)?;
            if !star {
                return self.no_colon();
            }
            let bare = self.maybe(Self::newline)?;
            if bare.is_none() {
                self.expect(":")?;
            }
            self.raise_last("expected one or more exception types")
        });
        self.except_head(star)?;
        self.expression()?;
        self.expect("as")?;
        let a = self.expression()?;
        self.expect(":")?;
        self.block()?;
        let name = self.name_of(a);
        self.raise_node(a, format!("cannot use {word} statement with {name}"))
    }
    fn several_bound(&mut self, first: Node) -> Match<()> {
        self.expect(",")?;
        self.expressions()?;
        self.expect("as")?;
        self.name()?;
        self.expect(":")?;
        let from = self.span(first);
        self.raise_from(from, "multiple exception types must be parenthesized when using 'as'")
    }
}
