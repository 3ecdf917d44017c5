//! Simple statements, and how statements make programs.

use super::parser::{Is, Match, Node, Parser, Rule, Span, alternative};
use super::targets::Target;
use super::tokenizer::Kind;

impl Parser<'_> {
    pub fn program(&mut self) -> Match<()> {
        self.maybe(|p| p.many(Self::statement))?;
        self.kind(Kind::EndOfText)?;
        Some(())
    }
    pub fn interactive(&mut self) -> Match<()> {
        alternative!(self, {
            self.compound_statement()?;
            self.newline()?;
            Some(())
        });
        alternative!(self, self.simple_statements());
        // Nothing at all is no statement.
        self.newline()?;
        Some(())
    }
    pub fn evaluated(&mut self) -> Match<()> {
        self.expressions()?;
        self.any(Self::newline)?;
        self.kind(Kind::EndOfText)?;
        Some(())
    }
    pub fn statement(&mut self) -> Match<()> {
        alternative!(self, self.compound_statement());
        self.simple_statements()
    }
    pub fn simple_statements(&mut self) -> Match<()> {
        alternative!(self, {
            self.simple_statement()?;
            self.not(|p| p.expect(";"))?;
            self.newline()?;
            Some(())
        });
        self.gather(";", Self::simple_statement)?;
        self.maybe(|p| p.expect(";"))?;
        self.newline()?;
        Some(())
    }
    pub fn simple_statement(&mut self) -> Match<Node> {
        self.kept(Rule::SimpleStatement, |p| {
            let first = p.at;
            alternative!(p, {
                p.assignment()?;
                Some(p.node(Is::Other, first, Vec::new()))
            });
            alternative!(p, {
                p.type_alias()?;
                Some(p.node(Is::Other, first, Vec::new()))
            });
            alternative!(p, p.star_expressions());
            let next = p.next()?;
            let word = p.text_of(Span { start: next.start, end: next.end });
            match next.kind {
                Kind::Keyword => match word {
                    "return" => p.returned()?,
                    "import" | "from" => p.import()?,
                    "raise" => p.raise_statement()?,
                    "pass" | "break" | "continue" => _ = p.expect(word)?,
                    "del" => p.delete()?,
                    "yield" => _ = p.yield_expression()?,
                    "assert" => p.assertion()?,
                    "global" | "nonlocal" => {
                        p.expect(word)?;
                        p.gather(",", Self::name)?;
                    }
                    _ => return None,
                },
                _ => return None,
            }
            Some(p.node(Is::Other, first, Vec::new()))
        })
    }
    fn type_alias(&mut self) -> Match<()> {
        self.soft("type")?;
        self.name()?;
        self.maybe(Self::type_parameters)?;
        self.expect("=")?;
        self.expression()?;
        Some(())
    }
    fn returned(&mut self) -> Match<()> {
        self.expect("return")?;
        self.maybe(Self::star_expressions)?;
        Some(())
    }
    fn raise_statement(&mut self) -> Match<()> {
        alternative!(self, {
            self.expect("raise")?;
            self.expression()?;
            self.maybe(|p| {
                p.expect("from")?;
                p.expression()
            })?;
            Some(())
        });
        self.expect("raise")?;
        Some(())
    }
    fn delete(&mut self) -> Match<()> {
        alternative!(self, {
            self.expect("del")?;
            self.deleted_targets()?;
            self.ahead(|p| {
                alternative!(p, p.expect(";"));
                p.newline()
            })
        });
        self.wary(|p| {
            p.expect("del")?;
            let a = p.star_expressions()?;
            p.raise_target(a, Target::Deleted);
            None::<()>
        })?;
        None
    }
    fn assertion(&mut self) -> Match<()> {
        self.expect("assert")?;
        self.expression()?;
        self.maybe(|p| {
            p.expect(",")?;
            p.expression()
        })?;
        Some(())
    }

    // ---- assignment

    fn annotated_end(&mut self) -> Match<()> {
        self.expect(":")?;
        self.expression()?;
        self.maybe(|p| {
            p.expect("=")?;
            p.annotated_value()
        })?;
        Some(())
    }
    fn augmented_sign(&mut self) -> Match<Span> {
        self.any_of(&["+=", "-=", "*=", "@=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>=", "**=", "//="])
    }
    fn assignment(&mut self) -> Match<()> {
        alternative!(self, {
            self.name()?;
            self.annotated_end()
        });
        alternative!(self, {
            alternative!(self, {
                self.expect("(")?;
                self.single_target()?;
                self.expect(")")?;
                self.annotated_end()
            });
            self.subscript_or_attribute()?;
            self.annotated_end()
        });
        alternative!(self, {
            self.many(|p| {
                p.star_targets()?;
                p.expect("=")
            })?;
            self.annotated_value()?;
            self.not(|p| p.expect("="))
        });
        let mark = self.at;
        if self.single_target().and_then(|_| self.augmented_sign()).is_some() {
            self.annotated_value()?;
            return Some(());
        }
        if self.stopped() {
            return None;
        }
        self.at = mark;
        self.wary(Self::assignment_refused)?;
        None
    }
    fn annotated_display(&mut self) -> Match<Node> {
        alternative!(self, self.list());
        alternative!(self, self.tuple());
        self.expect("(")?;
        let a = self.annotated_display()?;
        self.expect(")")?;
        Some(a)
    }
    fn assignment_refused(&mut self) -> Match<()> {
        alternative!(self, {
            let a = self.annotated_display()?;
            self.expect(":")?;
            self.expression()?;
            let name = self.name_of(a);
            self.raise_node(a, format!("only single target (not {name}) can be annotated"))
        });
        alternative!(self, {
            let a = self.star_named_expression()?;
            self.expect(",")?;
            self.any(Self::star_named_expressions)?;
            self.expect(":")?;
            self.expression()?;
            self.raise_node(a, "only single target (not tuple) can be annotated")
        });
        alternative!(self, {
            let a = self.expression()?;
            self.expect(":")?;
            self.expression()?;
            self.raise_node(a, "illegal target for annotation")
        });
        let mark = self.at;
        let chained = |p: &mut Self| {
            p.any(|p| {
                p.star_targets()?;
                p.expect("=")
            })
        };
        if chained(self).is_some()
            && let Some(a) = self.star_expressions()
            && self.expect("=").is_some()
        {
            self.raise_target(a, Target::Assigned);
            return None;
        }
        if self.stopped() {
            return None;
        }
        self.at = mark;
        alternative!(self, {
            chained(self)?;
            let a = self.yield_expression()?;
            self.expect("=")?;
            self.raise_node(a, "assignment to yield expression not possible")
        });
        let a = self.star_expressions()?;
        self.augmented_sign()?;
        self.annotated_value()?;
        let name = self.name_of(a);
        self.raise_node(a, format!("'{name}' is an illegal expression for augmented assignment"))
    }

    // ---- imports

    fn import(&mut self) -> Match<()> {
        self.wary(|p| {
            alternative!(p, {
                let a = p.expect("import")?;
                p.gather(",", Self::dotted_name)?;
                p.expect("from")?;
                p.dotted_name()?;
                p.raise_from::<()>(a, "Did you mean to use 'from ... import ...' instead?")
            });
            p.expect("import")?;
            let token = p.newline()?;
            p.raise_from::<()>(token, "Expected one or more names after 'import'")
        })?;
        alternative!(self, {
            self.expect("import")?;
            self.gather(",", Self::imported_module)?;
            Some(())
        });
        alternative!(self, {
            self.expect("from")?;
            self.any(|p| p.any_of(&[".", "..."]))?;
            self.dotted_name()?;
            self.expect("import")?;
            self.imported_names()
        });
        self.expect("from")?;
        self.many(|p| p.any_of(&[".", "..."]))?;
        self.expect("import")?;
        self.imported_names()
    }
    fn dotted_name(&mut self) -> Match<()> {
        self.gather(".", Self::name)?;
        Some(())
    }
    /// What stands behind `as` and is no name, or more than one.
    fn import_target_refused(&mut self) -> Match<()> {
        self.expect("as")?;
        self.not(|p| {
            p.name()?;
            alternative!(p, {
                p.any_of(&[",", ")", ";"])?;
                Some(())
            });
            p.at_newline()
        })?;
        let a = self.expression()?;
        let name = self.name_of(a);
        self.raise_node(a, format!("cannot use {name} as import target"))
    }
    fn imported_module(&mut self) -> Match<()> {
        self.wary(|p| {
            p.dotted_name()?;
            p.import_target_refused()
        })?;
        self.dotted_name()?;
        self.bound()
    }
    fn bound(&mut self) -> Match<()> {
        self.maybe(|p| {
            p.expect("as")?;
            p.name()
        })?;
        Some(())
    }
    fn imported_name(&mut self) -> Match<()> {
        self.wary(|p| {
            p.name()?;
            p.import_target_refused()
        })?;
        self.name()?;
        self.bound()
    }
    fn imported_names(&mut self) -> Match<()> {
        alternative!(self, {
            self.expect("(")?;
            self.gather(",", Self::imported_name)?;
            self.maybe(|p| p.expect(","))?;
            self.expect(")")?;
            Some(())
        });
        alternative!(self, {
            self.gather(",", Self::imported_name)?;
            self.not(|p| p.expect(","))
        });
        alternative!(self, {
            self.expect("*")?;
            Some(())
        });
        self.wary(|p| {
            alternative!(p, {
                p.gather(",", Self::imported_name)?;
                p.expect(",")?;
                p.newline()?;
                p.raise_last::<()>("trailing comma not allowed without surrounding parentheses")
            });
            let token = p.newline()?;
            p.raise_from::<()>(token, "Expected one or more names after 'import'")
        })?;
        None
    }
}
