//! What can be assigned to or deleted.

use super::parser::{Is, Match, Node, Parser, Rule, alternative};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Assigned,
    Deleted,
    Looped,
}

impl Parser<'_> {
    pub fn star_targets(&mut self) -> Match<Node> {
        let first = self.at;
        alternative!(self, {
            let one = self.star_target()?;
            self.not(|p| p.expect(","))?;
            Some(one)
        });
        let mut parts = vec![self.star_target()?];
        parts.extend(self.any(|p| {
            p.expect(",")?;
            p.star_target()
        })?);
        self.maybe(|p| p.expect(","))?;
        Some(self.node(Is::Tuple, first, parts))
    }
    pub fn star_target(&mut self) -> Match<Node> {
        self.kept(Rule::StarTarget, |p| {
            let first = p.at;
            alternative!(p, {
                p.expect("*")?;
                p.not(|p| p.expect("*"))?;
                let value = p.star_target()?;
                Some(p.node(Is::Starred, first, vec![value]))
            });
            p.target_with_star_atom()
        })
    }
    fn target_with_star_atom(&mut self) -> Match<Node> {
        self.kept(Rule::TargetWithStarAtom, |p| {
            alternative!(p, p.subscript_or_attribute());
            p.star_atom()
        })
    }
    fn star_atom(&mut self) -> Match<Node> {
        let first = self.at;
        alternative!(self, self.name());
        alternative!(self, {
            self.expect("(")?;
            let inner = self.target_with_star_atom()?;
            self.expect(")")?;
            Some(inner)
        });
        alternative!(self, {
            self.expect("(")?;
            self.maybe(|p| {
                alternative!(p, {
                    p.star_target()?;
                    p.many(|p| {
                        p.expect(",")?;
                        p.star_target()
                    })?;
                    p.maybe(|p| p.expect(","))?;
                    Some(())
                });
                p.star_target()?;
                p.expect(",")?;
                Some(())
            })?;
            self.expect(")")?;
            Some(self.node(Is::Tuple, first, Vec::new()))
        });
        self.expect("[")?;
        self.maybe(|p| {
            p.gather(",", Self::star_target)?;
            p.maybe(|p| p.expect(","))
        })?;
        self.expect("]")?;
        Some(self.node(Is::List, first, Vec::new()))
    }
    pub fn single_target(&mut self) -> Match<Node> {
        alternative!(self, self.subscript_or_attribute());
        alternative!(self, self.name());
        self.expect("(")?;
        let inner = self.single_target()?;
        self.expect(")")?;
        Some(inner)
    }
    /// The last trailer of a target: nothing follows it that would go on.
    pub fn subscript_or_attribute(&mut self) -> Match<Node> {
        let first = self.at;
        alternative!(self, {
            self.target_primary()?;
            self.expect(".")?;
            self.name()?;
            self.not(Self::goes_on)?;
            Some(self.node(Is::Attribute, first, Vec::new()))
        });
        self.target_primary()?;
        self.expect("[")?;
        self.slices()?;
        self.expect("]")?;
        self.not(Self::goes_on)?;
        Some(self.node(Is::Subscript, first, Vec::new()))
    }
    fn goes_on(&mut self) -> Match<()> {
        self.any_of(&["(", "[", "."])?;
        Some(())
    }
    fn target_primary(&mut self) -> Match<Node> {
        self.kept(Rule::TargetPrimary, |p| {
            let first = p.at;
            let mut whole = p.atom()?;
            p.ahead(Self::goes_on)?;
            while let Some(is) = p.maybe(Self::target_trailer)? {
                whole = p.node(is, first, Vec::new());
            }
            Some(whole)
        })
    }
    fn target_trailer(&mut self) -> Match<Is> {
        alternative!(self, {
            self.expect(".")?;
            self.name()?;
            self.ahead(Self::goes_on)?;
            Some(Is::Attribute)
        });
        alternative!(self, {
            self.expect("[")?;
            self.slices()?;
            self.expect("]")?;
            self.ahead(Self::goes_on)?;
            Some(Is::Subscript)
        });
        alternative!(self, {
            self.generator()?;
            self.ahead(Self::goes_on)?;
            Some(Is::Call)
        });
        self.expect("(")?;
        self.maybe(Self::arguments)?;
        self.expect(")")?;
        self.ahead(Self::goes_on)?;
        Some(Is::Call)
    }
    pub fn deleted_targets(&mut self) -> Match<()> {
        self.gather(",", Self::deleted_target)?;
        self.maybe(|p| p.expect(","))?;
        Some(())
    }
    fn deleted_target(&mut self) -> Match<Node> {
        self.kept(Rule::DeletedTarget, |p| {
            let first = p.at;
            alternative!(p, p.subscript_or_attribute());
            alternative!(p, p.name());
            alternative!(p, {
                p.expect("(")?;
                let inner = p.deleted_target()?;
                p.expect(")")?;
                Some(inner)
            });
            alternative!(p, {
                p.expect("(")?;
                p.maybe(Self::deleted_targets)?;
                p.expect(")")?;
                Some(p.node(Is::Tuple, first, Vec::new()))
            });
            p.expect("[")?;
            p.maybe(Self::deleted_targets)?;
            p.expect("]")?;
            Some(p.node(Is::List, first, Vec::new()))
        })
    }

    /// The part of an expression that cannot be a target.
    fn wrong_target(&self, n: Node, target: Target) -> Option<Node> {
        match self.is(n) {
            Is::List | Is::Tuple => self.parts(n).iter().find_map(|part| self.wrong_target(*part, target)),
            Is::Starred if target == Target::Deleted => Some(n),
            Is::Starred => self.parts(n).first().and_then(|part| self.wrong_target(*part, target)),
            Is::Comparison(true) if target == Target::Looped => self.parts(n).first().and_then(|part| self.wrong_target(*part, target)),
            Is::Comparison(_) if target == Target::Looped => None,
            Is::Name | Is::Subscript | Is::Attribute => None,
            _ => Some(n),
        }
    }
    /// Refuses an expression that cannot be a target; false, if it can.
    pub fn raise_target(&mut self, n: Node, target: Target) -> bool {
        let Some(wrong) = self.wrong_target(n, target) else { return false };
        let what = if target == Target::Deleted { "delete" } else { "assign to" };
        let name = self.name_of(wrong);
        self.raise_node::<()>(wrong, format!("cannot {what} {name}"));
        true
    }
    pub fn for_target_refused(&mut self) -> Match<()> {
        self.maybe(|p| p.expect("async"))?;
        self.expect("for")?;
        let a = self.star_expressions()?;
        self.raise_target(a, Target::Looped);
        None
    }
}
