//! Patterns of `match`.

use super::parser::{Is, Match, Node, Parser, Rule, Span, alternative};
use super::tokenizer::Kind;

impl Parser<'_> {
    pub fn patterns(&mut self) -> Match<()> {
        alternative!(self, self.open_sequence_pattern());
        self.pattern()?;
        Some(())
    }
    fn pattern(&mut self) -> Match<Node> {
        let first = self.at;
        alternative!(self, {
            self.or_pattern()?;
            self.expect("as")?;
            self.capture_target()?;
            Some(self.node(Is::Other, first, Vec::new()))
        });
        self.wary(|p| {
            p.or_pattern()?;
            p.expect("as")?;
            alternative!(p, {
                let a = p.soft("_")?;
                p.raise_at::<()>(a, "cannot use '_' as a target")
            });
            let a = p.expression()?;
            let name = p.name_of(a);
            p.raise_node::<()>(a, format!("cannot use {name} as pattern target"))
        })?;
        self.or_pattern()
    }
    fn or_pattern(&mut self) -> Match<Node> {
        let first = self.at;
        self.gather("|", Self::closed_pattern)?;
        Some(self.node(Is::Other, first, Vec::new()))
    }
    fn closed_pattern(&mut self) -> Match<Node> {
        self.kept(Rule::ClosedPattern, |p| {
            let first = p.at;
            alternative!(p, p.literal_pattern());
            alternative!(p, p.capture_target());
            alternative!(p, {
                p.soft("_")?;
                Some(p.node(Is::Other, first, Vec::new()))
            });
            alternative!(p, {
                p.attribute()?;
                p.not(|p| p.any_of(&[".", "(", "="]))?;
                Some(p.node(Is::Other, first, Vec::new()))
            });
            alternative!(p, {
                p.expect("(")?;
                p.pattern()?;
                p.expect(")")?;
                Some(p.node(Is::Other, first, Vec::new()))
            });
            alternative!(p, p.sequence_pattern());
            alternative!(p, p.mapping_pattern());
            p.class_pattern()
        })
    }
    fn literal_pattern(&mut self) -> Match<Node> {
        let first = self.at;
        alternative!(self, {
            self.signed_number()?;
            self.not(|p| p.any_of(&["+", "-"]))?;
            Some(self.node(Is::Literal, first, Vec::new()))
        });
        alternative!(self, {
            self.signed_real_number()?;
            self.any_of(&["+", "-"])?;
            let n = self.number()?;
            let span = self.span(n);
            if !self.text_of(span).ends_with(['j', 'J']) {
                return self.raise_at(span, "imaginary number required in complex literal");
            }
            Some(self.node(Is::Literal, first, Vec::new()))
        });
        alternative!(self, self.strings());
        self.any_of(&["None", "True", "False"])?;
        Some(self.node(Is::Literal, first, Vec::new()))
    }
    fn signed_number(&mut self) -> Match<()> {
        self.maybe(|p| p.expect("-"))?;
        self.number()?;
        Some(())
    }
    fn signed_real_number(&mut self) -> Match<()> {
        self.maybe(|p| p.expect("-"))?;
        let n = self.number()?;
        let span = self.span(n);
        if self.text_of(span).ends_with(['j', 'J']) && !self.text_of(span).starts_with("0x") {
            return self.raise_at(span, "real number required in complex literal");
        }
        Some(())
    }
    fn capture_target(&mut self) -> Match<Node> {
        self.not(|p| p.soft("_"))?;
        let name = self.name()?;
        self.not(|p| p.any_of(&[".", "(", "="]))?;
        Some(name)
    }
    /// `name.name`, any number of times.
    fn name_or_attribute(&mut self) -> Match<Node> {
        self.kept(Rule::NameOrAttribute, |p| {
            let first = p.at;
            let name = p.name()?;
            let more = p.any(|p| {
                p.expect(".")?;
                p.name()
            })?;
            Some(if more.is_empty() { name } else { p.node(Is::Attribute, first, Vec::new()) })
        })
    }
    fn attribute(&mut self) -> Match<Node> {
        let n = self.name_or_attribute()?;
        if self.is(n) == Is::Attribute { Some(n) } else { None }
    }
    fn sequence_pattern(&mut self) -> Match<Node> {
        let first = self.at;
        alternative!(self, {
            self.expect("[")?;
            self.maybe(Self::maybe_sequence_pattern)?;
            self.expect("]")?;
            Some(self.node(Is::Other, first, Vec::new()))
        });
        self.expect("(")?;
        self.maybe(Self::open_sequence_pattern)?;
        self.expect(")")?;
        Some(self.node(Is::Other, first, Vec::new()))
    }
    fn open_sequence_pattern(&mut self) -> Match<()> {
        self.maybe_star_pattern()?;
        self.expect(",")?;
        self.maybe(Self::maybe_sequence_pattern)?;
        Some(())
    }
    fn maybe_sequence_pattern(&mut self) -> Match<()> {
        self.gather(",", Self::maybe_star_pattern)?;
        self.maybe(|p| p.expect(","))?;
        Some(())
    }
    fn maybe_star_pattern(&mut self) -> Match<Node> {
        alternative!(self, {
            self.kept(Rule::StarPattern, |p| {
                let first = p.at;
                p.expect("*")?;
                alternative!(p, p.capture_target());
                p.soft("_")?;
                Some(p.node(Is::Other, first, Vec::new()))
            })
        });
        self.pattern()
    }
    fn mapping_pattern(&mut self) -> Match<Node> {
        let first = self.at;
        alternative!(self, {
            self.expect("{")?;
            self.expect("}")?;
            Some(self.node(Is::Other, first, Vec::new()))
        });
        alternative!(self, {
            self.expect("{")?;
            self.double_star_pattern()?;
            self.expect("}")?;
            Some(self.node(Is::Other, first, Vec::new()))
        });
        alternative!(self, {
            self.expect("{")?;
            self.items_pattern()?;
            self.expect(",")?;
            self.double_star_pattern()?;
            self.expect("}")?;
            Some(self.node(Is::Other, first, Vec::new()))
        });
        self.expect("{")?;
        self.items_pattern()?;
        self.maybe(|p| p.expect(","))?;
        self.expect("}")?;
        Some(self.node(Is::Other, first, Vec::new()))
    }
    fn double_star_pattern(&mut self) -> Match<()> {
        self.expect("**")?;
        self.capture_target()?;
        self.maybe(|p| p.expect(","))?;
        Some(())
    }
    fn items_pattern(&mut self) -> Match<()> {
        self.gather(",", |p| {
            let key = p.maybe(Self::literal_pattern)?;
            if key.is_none() {
                p.attribute()?;
            }
            p.expect(":")?;
            p.pattern()
        })?;
        Some(())
    }
    fn class_pattern(&mut self) -> Match<Node> {
        let first = self.at;
        alternative!(self, {
            self.name_or_attribute()?;
            self.expect("(")?;
            self.expect(")")?;
            Some(self.node(Is::Other, first, Vec::new()))
        });
        alternative!(self, {
            self.name_or_attribute()?;
            self.expect("(")?;
            self.positional_patterns()?;
            self.maybe(|p| p.expect(","))?;
            self.expect(")")?;
            Some(self.node(Is::Other, first, Vec::new()))
        });
        alternative!(self, {
            self.name_or_attribute()?;
            self.expect("(")?;
            self.keyword_patterns()?;
            self.maybe(|p| p.expect(","))?;
            self.expect(")")?;
            Some(self.node(Is::Other, first, Vec::new()))
        });
        alternative!(self, {
            self.name_or_attribute()?;
            self.expect("(")?;
            self.positional_patterns()?;
            self.expect(",")?;
            self.keyword_patterns()?;
            self.maybe(|p| p.expect(","))?;
            self.expect(")")?;
            Some(self.node(Is::Other, first, Vec::new()))
        });
        self.wary(|p| {
            p.name_or_attribute()?;
            p.expect("(")?;
            p.maybe(|p| {
                p.positional_patterns()?;
                p.expect(",")
            })?;
            p.keyword_patterns()?;
            p.expect(",")?;
            let all = p.positional_patterns()?;
            let (from, to) = (all.first().map(|n| p.span(*n))?, all.last().map(|n| p.span(*n))?);
            p.raise_range::<()>(from, to, "positional patterns follow keyword patterns")
        })?;
        None
    }
    fn positional_patterns(&mut self) -> Match<Vec<Node>> {
        self.gather(",", Self::pattern)
    }
    fn keyword_patterns(&mut self) -> Match<Vec<Node>> {
        self.gather(",", |p| {
            p.name()?;
            p.expect("=")?;
            p.pattern()
        })
    }

    pub fn match_statement(&mut self) -> Match<()> {
        alternative!(self, {
            self.soft("match")?;
            self.subject()?;
            self.expect(":")?;
            self.newline()?;
            self.kind(Kind::Indent)?;
            self.many(Self::case)?;
            self.kind(Kind::Dedent)?;
            Some(())
        });
        self.wary(|p| {
            alternative!(p, {
                p.soft("match")?;
                p.subject()?;
                p.newline()?;
                p.raise_last::<()>("expected ':'")
            });
            let a = p.soft("match")?;
            p.subject()?;
            p.no_block(a, "'match' statement")
        })?;
        None
    }
    fn subject(&mut self) -> Match<()> {
        alternative!(self, {
            self.star_named_expression()?;
            self.expect(",")?;
            self.maybe(Self::star_named_expressions)?;
            Some(())
        });
        self.named_expression()?;
        Some(())
    }
    fn case(&mut self) -> Match<()> {
        self.wary(|p| {
            alternative!(p, {
                p.case_head()?;
                p.newline()?;
                p.raise_last::<()>("expected ':'")
            });
            let a = p.case_head()?;
            p.no_block(a, "'case' statement")
        })?;
        self.case_head()?;
        self.expect(":")?;
        self.block()?;
        Some(())
    }
    fn case_head(&mut self) -> Match<Span> {
        let a = self.soft("case")?;
        self.patterns()?;
        self.maybe(|p| {
            p.expect("if")?;
            p.named_expression()
        })?;
        Some(a)
    }
}
