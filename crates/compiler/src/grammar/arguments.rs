//! Arguments of calls, and the bases of classes.

use super::parser::{Is, Match, Node, Parser, Rule, Span, alternative};

const MAYBE_COMPARED: &str = "invalid syntax. Maybe you meant '==' or ':=' instead of '='?";
const UNPARENTHESIZED: &str = "Generator expression must be parenthesized";

impl Parser<'_> {
    pub fn arguments(&mut self) -> Match<Node> {
        self.kept(Rule::Arguments, |p| {
            alternative!(p, {
                let a = p.args()?;
                p.maybe(|p| p.expect(","))?;
                p.ahead(|p| p.expect(")"))?;
                Some(a)
            });
            p.wary(Self::arguments_refused)?;
            None
        })
    }
    /// Its parts: what is given, in order.
    fn args(&mut self) -> Match<Node> {
        let first = self.at;
        alternative!(self, {
            let mut parts = self.gather(",", Self::positional)?;
            let named = self.maybe(|p| {
                p.expect(",")?;
                p.keywords()
            })?;
            parts.extend(named.unwrap_or_default());
            Some(self.node(Is::Other, first, parts))
        });
        let parts = self.keywords()?;
        Some(self.node(Is::Other, first, parts))
    }
    fn positional(&mut self) -> Match<Node> {
        alternative!(self, self.starred_expression());
        let value = self.walrus_or_expression()?;
        self.not(|p| p.expect("="))?;
        Some(value)
    }
    fn keywords(&mut self) -> Match<Vec<Node>> {
        alternative!(self, {
            let mut parts = self.gather(",", Self::keyword_or_starred)?;
            self.expect(",")?;
            parts.extend(self.gather(",", Self::keyword_or_mapping)?);
            Some(parts)
        });
        alternative!(self, self.gather(",", Self::keyword_or_starred));
        self.gather(",", Self::keyword_or_mapping)
    }
    pub fn starred_expression(&mut self) -> Match<Node> {
        let first = self.at;
        self.wary(|p| {
            let a = p.expect("*")?;
            p.expression()?;
            p.expect("=")?;
            let b = p.expression()?;
            p.raise_range::<()>(a, p.span(b), "cannot assign to iterable argument unpacking")
        })?;
        alternative!(self, {
            self.expect("*")?;
            let value = self.expression()?;
            Some(self.node(Is::Starred, first, vec![value]))
        });
        self.wary(|p| {
            p.expect("*")?;
            p.raise_last::<()>("Invalid star expression")
        })?;
        None
    }
    fn keyword(&mut self) -> Match<Node> {
        let first = self.at;
        self.name()?;
        self.expect("=")?;
        self.expression()?;
        Some(self.node(Is::Keyword, first, Vec::new()))
    }
    fn keyword_or_starred(&mut self) -> Match<Node> {
        self.wary(Self::keyword_refused)?;
        alternative!(self, self.keyword());
        self.starred_expression()
    }
    fn keyword_or_mapping(&mut self) -> Match<Node> {
        let first = self.at;
        self.wary(Self::keyword_refused)?;
        alternative!(self, self.keyword());
        self.expect("**")?;
        self.expression()?;
        Some(self.node(Is::Mapping, first, Vec::new()))
    }
    fn keyword_refused(&mut self) -> Match<()> {
        alternative!(self, {
            let a = self.any_of(&["True", "False", "None"])?;
            let b = self.expect("=")?;
            let name = self.text_of(a);
            self.raise_range(a, b, format!("cannot assign to {name}"))
        });
        alternative!(self, self.compared());
        alternative!(self, {
            self.not(|p| {
                p.name()?;
                p.expect("=")
            })?;
            let a = self.expression()?;
            let b = self.expect("=")?;
            self.raise_range(self.span(a), b, "expression cannot contain assignment, perhaps you meant \"==\"?")
        });
        let a = self.expect("**")?;
        self.expression()?;
        self.expect("=")?;
        let b = self.expression()?;
        self.raise_range(a, self.span(b), "cannot assign to keyword argument unpacking")
    }
    fn compared(&mut self) -> Match<()> {
        let a = self.name()?;
        let b = self.expect("=")?;
        self.expression()?;
        self.for_clauses()?;
        self.raise_range(self.span(a), b, MAYBE_COMPARED)
    }
    fn last_of(&self, nodes: &[Node], otherwise: Span) -> Span {
        nodes.last().map_or(otherwise, |n| self.span(*n))
    }
    fn arguments_refused(&mut self) -> Match<()> {
        alternative!(self, {
            alternative!(self, {
                self.gather(",", Self::positional)?;
                self.expect(",")?;
                self.keywords()?;
                self.misplaced_star()
            });
            self.keywords()?;
            self.misplaced_star()
        });
        alternative!(self, {
            let a = self.expression()?;
            let clauses = self.for_clauses()?;
            self.expect(",")?;
            self.maybe(|p| {
                alternative!(p, {
                    p.args()?;
                    Some(())
                });
                p.expression()?;
                p.for_clauses()?;
                Some(())
            })?;
            let last = self.last_of(&clauses, self.span(a));
            self.raise_range(self.span(a), last, UNPARENTHESIZED)
        });
        alternative!(self, self.compared());
        alternative!(self, {
            self.maybe(|p| {
                p.args()?;
                p.expect(",")
            })?;
            let a = self.name()?;
            let b = self.expect("=")?;
            self.ahead(|p| p.any_of(&[",", ")"]))?;
            self.raise_range(self.span(a), b, "expected argument value expression")
        });
        let mark = self.at;
        if let Some(a) = self.args()
            && let Some(clauses) = self.for_clauses()
        {
            // Of a generator that is the only argument nothing is said.
            let parts = self.parts(a).iter().copied().filter(|n| !matches!(self.is(*n), Is::Keyword | Is::Mapping)).collect::<Vec<_>>();
            if parts.len() <= 1 {
                return None;
            }
            let from = self.last_of(&parts, self.span(a));
            let last = self.last_of(&clauses, from);
            return self.raise_range(from, last, UNPARENTHESIZED);
        }
        if self.stopped() {
            return None;
        }
        self.at = mark;
        alternative!(self, {
            self.args()?;
            self.expect(",")?;
            let a = self.expression()?;
            let clauses = self.for_clauses()?;
            let last = self.last_of(&clauses, self.span(a));
            self.raise_range(self.span(a), last, UNPARENTHESIZED)
        });
        let a = self.args()?;
        self.expect(",")?;
        self.args()?;
        let unpacked = self.parts(a).iter().any(|n| self.is(*n) == Is::Mapping);
        self.raise_last(if unpacked { "positional argument follows keyword argument unpacking" } else { "positional argument follows keyword argument" })
    }
    fn misplaced_star(&mut self) -> Match<()> {
        let a = self.expect(",")?;
        self.gather(",", |p| {
            p.starred_expression()?;
            p.not(|p| p.expect("="))
        })?;
        self.raise_from(a, "iterable argument unpacking follows keyword argument unpacking")
    }
}
