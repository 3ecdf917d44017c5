//! Parameters of functions and lambdas, and of types.

use super::parser::{Is, Match, Node, Parser, Rule, Span, alternative};
use super::tokenizer::Kind;

/// What differs between `def f(...)` and `lambda ...:`.
#[derive(Clone, Copy)]
struct Form {
    /// What ends the list.
    end: &'static str,
    lambda: bool,
}

const DEF: Form = Form { end: ")", lambda: false };
const LAMBDA: Form = Form { end: ":", lambda: true };

impl Parser<'_> {
    pub fn parameters(&mut self) -> Match<()> {
        self.parameters_of(DEF)
    }
    pub fn lambda_parameters(&mut self) -> Match<()> {
        self.parameters_of(LAMBDA)
    }
    fn parameters_of(&mut self, form: Form) -> Match<()> {
        self.wary(|p| p.parameters_refused(form))?;
        alternative!(self, {
            self.slash_without_default(form)?;
            self.any(|p| p.without_default(form))?;
            self.any(|p| p.with_default(form))?;
            self.maybe(|p| p.star_etc(form))?;
            Some(())
        });
        alternative!(self, {
            self.slash_with_default(form)?;
            self.any(|p| p.with_default(form))?;
            self.maybe(|p| p.star_etc(form))?;
            Some(())
        });
        alternative!(self, {
            self.many(|p| p.without_default(form))?;
            self.any(|p| p.with_default(form))?;
            self.maybe(|p| p.star_etc(form))?;
            Some(())
        });
        alternative!(self, {
            self.many(|p| p.with_default(form))?;
            self.maybe(|p| p.star_etc(form))?;
            Some(())
        });
        self.star_etc(form)
    }
    fn comma_or_end(&mut self, form: Form) -> Match<()> {
        alternative!(self, {
            self.expect(",")?;
            Some(())
        });
        self.ahead(|p| p.expect(form.end))
    }
    fn slash_without_default(&mut self, form: Form) -> Match<()> {
        self.many(|p| p.without_default(form))?;
        self.expect("/")?;
        self.comma_or_end(form)
    }
    fn slash_with_default(&mut self, form: Form) -> Match<()> {
        self.any(|p| p.without_default(form))?;
        self.many(|p| p.with_default(form))?;
        self.expect("/")?;
        self.comma_or_end(form)
    }
    /// A parameter's name with its annotation.
    fn parameter(&mut self, form: Form) -> Match<Node> {
        let first = self.at;
        self.name()?;
        if !form.lambda {
            self.maybe(|p| {
                p.expect(":")?;
                p.expression()
            })?;
        }
        Some(self.node(Is::Other, first, Vec::new()))
    }
    fn without_default(&mut self, form: Form) -> Match<Node> {
        let a = self.parameter(form)?;
        self.comma_or_end(form)?;
        Some(a)
    }
    fn with_default(&mut self, form: Form) -> Match<Node> {
        let a = self.parameter(form)?;
        self.default()?;
        self.comma_or_end(form)?;
        Some(a)
    }
    fn maybe_default(&mut self, form: Form) -> Match<Node> {
        let a = self.parameter(form)?;
        self.maybe(Self::default)?;
        self.comma_or_end(form)?;
        Some(a)
    }
    fn default(&mut self) -> Match<()> {
        alternative!(self, {
            self.expect("=")?;
            self.expression()?;
            Some(())
        });
        self.wary(|p| {
            let a = p.expect("=")?;
            p.ahead(|p| p.any_of(&[")", ","]))?;
            p.raise_at::<()>(a, "expected default value expression")
        })?;
        None
    }
    fn star_etc(&mut self, form: Form) -> Match<()> {
        self.wary(|p| p.star_refused(form))?;
        alternative!(self, {
            self.expect("*")?;
            self.without_default(form)?;
            self.any(|p| p.maybe_default(form))?;
            self.maybe(|p| p.keywords_parameter(form))?;
            Some(())
        });
        if !form.lambda {
            alternative!(self, {
                self.expect("*")?;
                self.name()?;
                self.expect(":")?;
                self.star_expression()?;
                self.comma_or_end(form)?;
                self.any(|p| p.maybe_default(form))?;
                self.maybe(|p| p.keywords_parameter(form))?;
                Some(())
            });
        }
        alternative!(self, {
            self.expect("*")?;
            self.expect(",")?;
            self.many(|p| p.maybe_default(form))?;
            self.maybe(|p| p.keywords_parameter(form))?;
            Some(())
        });
        self.keywords_parameter(form)
    }
    fn keywords_parameter(&mut self, form: Form) -> Match<()> {
        self.wary(|p| {
            alternative!(p, {
                p.expect("**")?;
                p.parameter(form)?;
                let a = p.expect("=")?;
                p.raise_at::<()>(a, "var-keyword argument cannot have default value")
            });
            const LAST: &str = "arguments cannot follow var-keyword argument";
            alternative!(p, {
                p.expect("**")?;
                p.parameter(form)?;
                p.expect(",")?;
                let a = p.parameter(form)?;
                p.raise_node(a, LAST)
            });
            p.expect("**")?;
            p.parameter(form)?;
            p.expect(",")?;
            let a = p.any_of(&["*", "**", "/"])?;
            p.raise_at::<()>(a, LAST)
        })?;
        self.expect("**")?;
        self.without_default(form)?;
        Some(())
    }
    fn star_refused(&mut self, form: Form) -> Match<()> {
        alternative!(self, {
            let a = self.expect("*")?;
            alternative!(self, {
                self.expect(form.end)?;
                self.bare_star(form, a)
            });
            self.expect(",")?;
            self.any_of(&[form.end, "**"])?;
            self.bare_star(form, a)
        });
        alternative!(self, {
            self.expect("*")?;
            self.parameter(form)?;
            let a = self.expect("=")?;
            self.raise_at(a, "var-positional argument cannot have default value")
        });
        self.expect("*")?;
        self.one_or_comma(form)?;
        self.any(|p| p.maybe_default(form))?;
        let a = self.expect("*")?;
        self.one_or_comma(form)?;
        self.raise_at(a, "* argument may appear only once")
    }
    fn bare_star(&mut self, form: Form, star: Span) -> Match<()> {
        const MESSAGE: &str = "named arguments must follow bare *";
        if form.lambda { self.raise_last(MESSAGE) } else { self.raise_at(star, MESSAGE) }
    }
    fn one_or_comma(&mut self, form: Form) -> Match<()> {
        alternative!(self, {
            self.without_default(form)?;
            Some(())
        });
        self.expect(",")?;
        Some(())
    }
    fn slash(&mut self, form: Form) -> Match<()> {
        alternative!(self, self.slash_without_default(form));
        self.slash_with_default(form)
    }
    fn parameters_refused(&mut self, form: Form) -> Match<()> {
        alternative!(self, {
            let a = self.expect("/")?;
            self.expect(",")?;
            self.raise_at(a, "at least one argument must precede /")
        });
        alternative!(self, {
            self.slash(form)?;
            self.any(|p| p.maybe_default(form))?;
            let a = self.expect("/")?;
            self.raise_at(a, "/ may appear only once")
        });
        alternative!(self, {
            self.maybe(|p| p.slash_without_default(form))?;
            self.any(|p| p.without_default(form))?;
            alternative!(self, {
                self.slash_with_default(form)?;
                self.default_missing(form)
            });
            self.many(|p| p.with_default(form))?;
            self.default_missing(form)
        });
        alternative!(self, {
            self.any(|p| p.without_default(form))?;
            let a = self.expect("(")?;
            if form.lambda {
                self.gather(",", |p| p.parameter(form))?;
            } else {
                self.many(|p| p.without_default(form))?;
            }
            self.maybe(|p| p.expect(","))?;
            let b = self.expect(")")?;
            let what = if form.lambda { "Lambda expression" } else { "Function" };
            self.raise_range(a, b, format!("{what} parameters cannot be parenthesized"))
        });
        alternative!(self, {
            self.maybe(|p| p.slash(form))?;
            self.any(|p| p.maybe_default(form))?;
            self.expect("*")?;
            alternative!(self, {
                self.expect(",")?;
                self.slash_behind_star(form)
            });
            self.without_default(form)?;
            self.slash_behind_star(form)
        });
        self.many(|p| p.maybe_default(form))?;
        self.expect("/")?;
        let a = self.expect("*")?;
        self.raise_at(a, "expected comma between / and *")
    }
    fn default_missing(&mut self, form: Form) -> Match<()> {
        let a = self.without_default(form)?;
        self.raise_node(a, "parameter without a default follows parameter with a default")
    }
    fn slash_behind_star(&mut self, form: Form) -> Match<()> {
        self.any(|p| p.maybe_default(form))?;
        let a = self.expect("/")?;
        self.raise_at(a, "/ must be ahead of *")
    }

    // ---- of types

    pub fn type_parameters(&mut self) -> Match<()> {
        self.wary(|p| {
            p.expect("[")?;
            let token = p.expect("]")?;
            p.raise_from::<()>(token, "Type parameter list cannot be empty")
        })?;
        self.expect("[")?;
        self.gather(",", Self::type_parameter)?;
        self.maybe(|p| p.expect(","))?;
        self.expect("]")?;
        Some(())
    }
    fn type_parameter(&mut self) -> Match<Node> {
        self.kept(Rule::TypeParameter, |p| {
            let first = p.at;
            alternative!(p, {
                p.name()?;
                p.maybe(|p| {
                    p.expect(":")?;
                    p.expression()
                })?;
                p.type_default()?;
                Some(p.node(Is::Other, first, Vec::new()))
            });
            p.wary(|p| {
                alternative!(p, p.bound_refused("*", "TypeVarTuple"));
                p.bound_refused("**", "ParamSpec")
            })?;
            alternative!(p, {
                p.expect("*")?;
                p.name()?;
                p.maybe(|p| {
                    p.expect("=")?;
                    p.star_expression()
                })?;
                Some(p.node(Is::Other, first, Vec::new()))
            });
            p.expect("**")?;
            p.name()?;
            p.type_default()?;
            Some(p.node(Is::Other, first, Vec::new()))
        })
    }
    fn type_default(&mut self) -> Match<()> {
        self.maybe(|p| {
            p.expect("=")?;
            p.expression()
        })?;
        Some(())
    }
    fn bound_refused(&mut self, sign: &str, kind: &str) -> Match<()> {
        self.expect(sign)?;
        self.name()?;
        let colon = self.expect(":")?;
        let e = self.expression()?;
        let what = if self.is(e) == Is::Tuple { "constraints" } else { "bound" };
        self.raise_from(colon, format!("cannot use {what} with {kind}"))
    }
    pub fn at_newline(&mut self) -> Match<()> {
        self.ahead(|p| p.kind(Kind::Newline))
    }
}
