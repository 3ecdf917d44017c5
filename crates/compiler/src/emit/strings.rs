//! String and bytes literals, f-strings, t-strings.

use super::*;
use crate::literal::{self, LiteralError, Text};

/// Pieces of an f-string that are on the stack together, at the most.
const PIECES_MAX: usize = 20_000;

impl<'a> Emitter<'a> {
    /// The constant of a string or bytes literal; `None` when it does not decode (see `literal_error`).
    pub(super) fn text_constant(&mut self, e: &Expr) -> Option<Const> {
        let id = symbols::key(e);
        if let Some(known) = self.folded.get(&id) {
            return known.clone();
        }
        let value = self.decode(e).ok();
        self.folded.insert(id, value.clone());
        value
    }

    /// The error of a literal that did not decode.
    pub(super) fn literal_error(&mut self, e: &Expr) -> Done {
        match self.decode(e) {
            Ok(c) => {
                self.load_const(c);
                Ok(())
            }
            Err(LiteralError(message)) => self.error(message, e.range()),
        }
    }

    fn body_of(&self, range: TextRange, open: u32, close: u32) -> &'a str {
        let (start, end) = (range.start().to_u32() + open, range.end().to_u32() - close);
        self.lines.source.get(start as usize..end as usize).unwrap_or("")
    }

    fn decode(&mut self, e: &Expr) -> Result<Const, LiteralError> {
        let mut warned: Vec<(u32, String)> = Vec::new();
        let result = match e {
            Expr::StringLiteral(s) => {
                let mut text = Text::default();
                let mut result = Ok(());
                for part in s.value.as_slice() {
                    let flags = part.flags;
                    let (open, close) = (flags.opener_len().to_u32(), flags.closer_len().to_u32());
                    let body = self.body_of(part.range, open, close);
                    let base = part.range.start().to_u32() + open;
                    result = literal::decode_str(body, flags.prefix().is_raw(), &mut text, &mut |at, m| warned.push((base + at as u32, m)));
                    if result.is_err() {
                        break;
                    }
                }
                result.map(|()| text.into_const())
            }
            Expr::BytesLiteral(s) => {
                let mut bytes = Vec::new();
                let mut result = Ok(());
                for part in s.value.iter() {
                    let flags = part.flags;
                    let (open, close) = (flags.opener_len().to_u32(), flags.closer_len().to_u32());
                    let body = self.body_of(part.range, open, close);
                    // CPython's places leave the prefix and the quotes of bytes out.
                    let base = part.range.start().to_u32();
                    result = literal::decode_bytes(body, flags.prefix().is_raw(), &mut bytes, &mut |at, m| warned.push((base + at as u32, m)));
                    if result.is_err() {
                        break;
                    }
                }
                result.map(|()| Const::Bytes(bytes.into()))
            }
            _ => Err(LiteralError("invalid syntax".into())),
        };
        for (at, m) in warned {
            self.warn_of(m, TextRange::at(at.into(), 2.into()), false);
        }
        result
    }

    /// Pieces of an f-string: text runs are joined, as CPython joins adjacent literals.
    pub(super) fn fstring(&mut self, value: &'a FStringValue) -> Done {
        let mut text = Text::default();
        let mut count = 0;
        for part in value.as_slice() {
            match part {
                FStringPart::Literal(s) => {
                    let flags = s.flags;
                    let body = self.body_of(s.range, flags.opener_len().to_u32(), flags.closer_len().to_u32());
                    self.text_run(body, flags.prefix().is_raw(), &mut text, s.range)?;
                }
                FStringPart::FString(f) => self.pieces(&f.elements, f.flags.prefix().is_raw(), &mut text, &mut count)?,
            }
        }
        self.flush(&mut text, &mut count);
        if count != 1 {
            self.op_arg(BUILD_STRING, count);
        }
        Ok(())
    }

    fn text_run(&mut self, body: &str, raw: bool, text: &mut Text, at: TextRange) -> Done {
        let mut warned = Vec::new();
        let result = literal::decode_str(body, raw, text, &mut |_, m| warned.push(m));
        for m in warned {
            self.warn_of(m, at, false);
        }
        result.or_else(|LiteralError(m)| self.error(m, at))
    }

    fn flush(&mut self, text: &mut Text, count: &mut usize) {
        if !text.0.is_empty() {
            let run = std::mem::take(text).into_const();
            self.load_const(run);
            self.another_piece(count);
        }
    }

    /// One piece more is on the stack; many are joined already, for the stack has an end.
    fn another_piece(&mut self, count: &mut usize) {
        *count += 1;
        if *count == PIECES_MAX {
            self.op_arg(BUILD_STRING, *count);
            *count = 1;
        }
    }

    fn pieces(&mut self, elements: &'a [InterpolatedStringElement], raw: bool, text: &mut Text, count: &mut usize) -> Done {
        for element in elements {
            match element {
                InterpolatedStringElement::Literal(l) => self.literal_piece(l, raw, text)?,
                InterpolatedStringElement::Interpolation(i) => {
                    let mut conversion = i.conversion;
                    if i.debug_text.is_some() {
                        text.push_str(&debug_text(self.lines.source, i).0);
                        if i.format_spec.is_none() && conversion == ConversionFlag::None {
                            conversion = ConversionFlag::Repr;
                        }
                    }
                    self.flush(text, count);
                    self.expr(&i.expression)?;
                    let mut arg = match conversion {
                        ConversionFlag::None => 0,
                        ConversionFlag::Str => 1,
                        ConversionFlag::Repr => 2,
                        ConversionFlag::Ascii => 3,
                    };
                    if let Some(spec) = &i.format_spec {
                        self.format_spec(&spec.elements, raw)?;
                        arg |= 4;
                    }
                    self.op_arg(FORMAT_VALUE, arg);
                    self.another_piece(count);
                }
            }
        }
        Ok(())
    }

    fn literal_piece(&mut self, l: &InterpolatedStringLiteralElement, raw: bool, text: &mut Text) -> Done {
        let source = &self.lines.source[l.range.start().to_usize()..l.range.end().to_usize()];
        let body = source.replace("{{", "{").replace("}}", "}");
        // `\N{...}` has single braces that are no doubled ones; the replacement above leaves them alone.
        self.text_run(&body, raw, text, l.range)
    }

    fn format_spec(&mut self, elements: &'a [InterpolatedStringElement], raw: bool) -> Done {
        let mut text = Text::default();
        let mut count = 0;
        self.pieces(elements, raw, &mut text, &mut count)?;
        if count == 0 {
            self.load_const(text.into_const());
            return Ok(());
        }
        self.flush(&mut text, &mut count);
        if count != 1 {
            self.op_arg(BUILD_STRING, count);
        }
        Ok(())
    }

    /// A t-string (PEP 750): a tuple of texts and a tuple of interpolations become a template.
    pub(super) fn tstring(&mut self, value: &'a TStringValue) -> Done {
        let mut texts = vec![Text::default()];
        let mut holes = Vec::new();
        for part in value.as_slice() {
            let raw = part.flags.prefix().is_raw();
            for element in part.elements.iter() {
                match element {
                    InterpolatedStringElement::Literal(l) => {
                        let mut run = Text::default();
                        self.literal_piece(l, raw, &mut run)?;
                        texts.last_mut().expect("never empty").0.extend(run.0);
                    }
                    InterpolatedStringElement::Interpolation(i) => {
                        if i.debug_text.is_some() {
                            let text = debug_text(self.lines.source, i).0;
                            texts.last_mut().expect("never empty").push_str(&text);
                        }
                        holes.push((i, raw));
                        texts.push(Text::default());
                    }
                }
            }
        }
        let strings: Vec<Const> = texts.into_iter().map(Text::into_const).collect();
        self.load_const(Const::Tuple(strings.into()));
        let n = holes.len();
        let many = n >= PIECES_MAX;
        if many {
            self.op_arg(BUILD_LIST, 0);
        }
        for (i, raw) in holes {
            self.expr(&i.expression)?;
            let range = i.expression.range();
            // Of a tree that a program made, the text lies elsewhere, alone.
            let end = if i.range.contains_range(range) { range.end() } else { i.range.end() };
            let source = self.lines.source.get(i.range.start().to_usize() + 1..end.to_usize()).unwrap_or("");
            self.load_str(source.trim());
            let mut arg = match i.conversion {
                ConversionFlag::None if i.debug_text.is_some() && i.format_spec.is_none() => 2,
                ConversionFlag::None => 0,
                ConversionFlag::Str => 1,
                ConversionFlag::Repr => 2,
                ConversionFlag::Ascii => 3,
            } << 2;
            if let Some(spec) = &i.format_spec {
                self.format_spec(&spec.elements, raw)?;
                arg |= 1;
            }
            self.op_arg(BUILD_INTERPOLATION, arg);
            if many {
                self.op_arg(LIST_APPEND, 1);
            }
        }
        if many {
            self.op(LIST_TO_TUPLE);
        } else {
            self.op_arg(BUILD_TUPLE, n);
        }
        self.op(BUILD_TEMPLATE);
        Ok(())
    }
}

/// The `x = ` of `f"{x = }"`: source text between the brace and the conversion, format or closing brace, without comments; and where it ends.
pub(crate) fn debug_text(source: &str, i: &InterpolatedElement) -> (String, usize) {
    let start = i.range.start().to_usize() + 1;
    let limit = i.range.end().to_usize();
    let mut end = i.expression.range().end().to_usize();
    // Past closing parentheses, blanks and comments to the `=`, then the blanks and comments after it.
    let bytes = source.as_bytes();
    let line_end = |at: usize| source[at..limit].find(['\n', '\r']).map_or(limit, |n| at + n);
    while end < limit && bytes[end] != b'=' {
        end = if bytes[end] == b'#' { line_end(end) } else { end + 1 };
    }
    end += 1;
    while end < limit && (bytes[end].is_ascii_whitespace() || bytes[end] == b'#') {
        end = if bytes[end] == b'#' { line_end(end) } else { end + 1 };
    }
    let end = end.min(limit);
    (without_comments(&source[start..end]), end)
}

/// Source text without its comments.
fn without_comments(text: &str) -> String {
    if !text.contains('#') {
        return text.to_string();
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['#', '"', '\'']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if rest.starts_with('#') {
            rest = &rest[rest.find(['\n', '\r']).unwrap_or(rest.len())..];
            continue;
        }
        // A string goes over whole.
        let quote = &rest[..1];
        let triple = quote.repeat(3);
        let quotes = if rest.starts_with(&triple) { &triple[..] } else { quote };
        let mut end = quotes.len();
        while end < rest.len() && !rest[end..].starts_with(quotes) {
            let backslash = rest[end..].starts_with('\\');
            end += rest[end..].chars().take(1 + usize::from(backslash)).map(char::len_utf8).sum::<usize>();
        }
        let end = (end + quotes.len()).min(rest.len());
        out.push_str(&rest[..end]);
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}
