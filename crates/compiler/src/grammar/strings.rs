//! String literals, and strings with fields.

use super::parser::{Is, Match, Node, Parser, Rule, Span, alternative};
use super::refusal::End;
use super::tokenizer::Kind;
use crate::error::ErrorKind;

impl Parser<'_> {
    pub fn strings(&mut self) -> Match<Node> {
        self.kept(Rule::Strings, |p| {
            let first = p.at;
            p.wary(Self::concatenation_refused)?;
            alternative!(p, {
                let mut fields = false;
                let parts = p.many(|p| p.string(false, &mut fields))?;
                let bytes = parts.iter().filter(|b| **b).count();
                if bytes > 0 && bytes < parts.len() {
                    return p.raise_last("cannot mix bytes and nonbytes literals");
                }
                Some(p.node(if fields { Is::FString } else { Is::Literal }, first, Vec::new()))
            });
            let mut fields = false;
            p.many(|p| p.string(true, &mut fields))?;
            Some(p.node(Is::TString, first, Vec::new()))
        })
    }
    fn span_from(&self, i: usize) -> Span {
        self.tokens.get(i).map_or(Span { start: 0, end: 0 }, |t| Span { start: t.start, end: t.end })
    }
    fn concatenation_refused(&mut self) -> Match<()> {
        let first = self.at;
        let mut fields = false;
        alternative!(self, {
            self.many(|p| p.string(false, &mut fields))?;
            self.string(true, &mut fields)?;
            self.mixed(first)
        });
        self.many(|p| p.string(true, &mut fields))?;
        self.string(false, &mut fields)?;
        self.mixed(first)
    }
    fn mixed(&mut self, first: usize) -> Match<()> {
        let (start, end) = (self.span_from(first), self.span_from(self.at - 1));
        self.raise_range(start, end, "cannot mix t-string literals with string or bytes literals")
    }
    /// One string; whether it is of bytes.
    fn string(&mut self, template: bool, fields: &mut bool) -> Match<bool> {
        let next = self.next()?;
        if next.kind == Kind::Opening && next.template == template {
            *fields = true;
            self.with_fields()?;
            return Some(false);
        }
        if template {
            return None;
        }
        let span = self.kind(Kind::Text)?;
        let text = self.text_of(span);
        let prefix = text.bytes().take_while(u8::is_ascii_alphabetic).map(|b| b.to_ascii_lowercase()).collect::<Vec<u8>>();
        let rest = &text[prefix.len()..];
        let quotes = if rest.len() >= 6 && (rest.starts_with("\"\"\"") || rest.starts_with("'''")) { 3 } else { 1 };
        let body = rest.get(quotes..rest.len().saturating_sub(quotes)).unwrap_or("");
        let raw = prefix.contains(&b'r');
        let bytes = prefix.contains(&b'b');
        if bytes && !body.is_ascii() {
            return self.raise_at(span, "bytes can only contain ASCII literal characters");
        }
        if bytes
            && !raw
            && let Some(i) = super::escapes::bad_byte(body)
        {
            return self.raise_last(format!("(value error) invalid \\x escape at position {i}"));
        }
        if !bytes && !raw {
            self.escapes(body)?;
        }
        Some(bytes)
    }
    fn escapes(&mut self, body: &str) -> Match<()> {
        let Some((from, to, reason)) = super::escapes::bad_escape(body) else { return Some(()) };
        let place =
            if from == to { format!("byte 0x{:02x} in position {from}", body.as_bytes().get(from).copied().unwrap_or(0)) } else { format!("bytes in position {from}-{to}") };
        self.raise_last(format!("(unicode error) 'unicodeescape' codec can't decode {place}: {reason}"))
    }
    fn with_fields(&mut self) -> Match<()> {
        let opening = self.kind(Kind::Opening)?;
        let raw = self.text_of(opening).bytes().any(|b| matches!(b, b'r' | b'R'));
        let mut texts = Vec::new();
        self.any(|p| p.part(raw, &mut texts))?;
        self.kind(Kind::Closing)?;
        for text in texts {
            let text = self.text_of(text);
            self.escapes(text)?;
        }
        Some(())
    }
    fn part(&mut self, raw: bool, texts: &mut Vec<Span>) -> Match<()> {
        alternative!(self, self.field(raw, texts));
        let span = self.kind(Kind::Middle)?;
        if !raw {
            texts.push(span);
        }
        Some(())
    }
    fn field(&mut self, raw: bool, texts: &mut Vec<Span>) -> Match<()> {
        alternative!(self, {
            self.expect("{")?;
            self.annotated_value()?;
            self.maybe(|p| p.expect("="))?;
            self.maybe(Self::conversion)?;
            self.maybe(|p| p.format(raw, texts))?;
            self.expect("}")?;
            Some(())
        });
        self.wary(Self::field_refused)?;
        None
    }
    fn conversion(&mut self) -> Match<()> {
        let sign = self.expect("!")?;
        let name = self.kind(Kind::Name)?;
        let prefix = self.prefix();
        if sign.end != name.start {
            return self.raise_range(sign, name, format!("{prefix}-string: conversion type must come right after the exclamation mark"));
        }
        let text = self.text_of(name);
        if !matches!(text, "s" | "r" | "a") {
            return self.raise_at(name, format!("{prefix}-string: invalid conversion character '{text}': expected 's', 'r', or 'a'"));
        }
        Some(())
    }
    fn format(&mut self, raw: bool, texts: &mut Vec<Span>) -> Match<()> {
        self.expect(":")?;
        self.any(|p| {
            alternative!(p, {
                p.kind(Kind::Middle)?;
                Some(())
            });
            p.field(raw, texts)
        })?;
        Some(())
    }
    /// What the sentences about a field begin with: the kind of the string that the last token belongs to.
    fn prefix(&self) -> char {
        let template = self.tokens.get(self.at.saturating_sub(1)).is_some_and(|t| t.template);
        if template { 't' } else { 'f' }
    }
    fn field_refused(&mut self) -> Match<()> {
        self.expect("{")?;
        let p = self.prefix();
        for sign in ["=", "!", ":", "}"] {
            alternative!(self, {
                let a = self.expect(sign)?;
                self.raise_at(a, format!("{p}-string: valid expression required before '{sign}'"))
            });
        }
        alternative!(self, {
            self.not(Self::annotated_value)?;
            self.raise_next(format!("{p}-string: expecting a valid expression after '{{'"))
        });
        alternative!(self, {
            self.annotated_value()?;
            self.not(|p| p.any_of(&["=", "!", ":", "}"]))?;
            self.raise_next(format!("{p}-string: expecting '=', or '!', or ':', or '}}'"))
        });
        alternative!(self, {
            self.annotated_value()?;
            self.expect("=")?;
            self.not(|p| p.any_of(&["!", ":", "}"]))?;
            self.raise_next(format!("{p}-string: expecting '!', or ':', or '}}'"))
        });
        alternative!(self, {
            self.value_with_sign()?;
            self.expect("!")?;
            alternative!(self, {
                self.ahead(|p| p.any_of(&[":", "}"]))?;
                self.raise_next(format!("{p}-string: missing conversion character"))
            });
            self.not(|p| p.kind(Kind::Name))?;
            self.raise_next(format!("{p}-string: invalid conversion character"))
        });
        alternative!(self, {
            self.value_with_sign()?;
            self.maybe(Self::bang_name)?;
            self.not(|p| p.any_of(&[":", "}"]))?;
            self.raise_next(format!("{p}-string: expecting ':' or '}}'"))
        });
        alternative!(self, {
            self.value_with_sign()?;
            self.maybe(Self::bang_name)?;
            let mut texts = Vec::new();
            self.format(true, &mut texts)?;
            self.not(|p| p.expect("}"))?;
            self.raise_next(format!("{p}-string: expecting '}}', or format specs"))
        });
        self.value_with_sign()?;
        self.maybe(Self::bang_name)?;
        self.not(|p| p.expect("}"))?;
        self.raise_next(format!("{p}-string: expecting '}}'"))
    }
    fn value_with_sign(&mut self) -> Match<()> {
        self.annotated_value()?;
        self.maybe(|p| p.expect("="))?;
        Some(())
    }
    fn bang_name(&mut self) -> Match<()> {
        self.expect("!")?;
        self.kind(Kind::Name)?;
        Some(())
    }
    /// A decimal literal of more digits than may be.
    pub fn too_long<T>(&mut self, span: Span, digits: usize) -> Match<T> {
        let line = self.place(span.start).0;
        let most = self.digits_max;
        self.raise(
            ErrorKind::Syntax,
            format!(
                "Exceeds the limit ({most} digits) for integer string conversion: value has {digits} digits; use sys.set_int_max_str_digits() to increase the limit - Consider hexadecimal for huge integer literals to avoid decimal conversion limits."
            ),
            (line, 0),
            End::Nothing(line),
        )
    }
}
