//! CPython's sentences for the parser's errors. Grows case by case; tests/language/syntax_errors.md is its list.

mod equals;
mod fstring;
mod juxtaposed;
mod literal;
mod number;

use crate::error::{CompileError, ErrorKind, Lines};
use ruff_python_ast::token::{TokenKind, Tokens};
use ruff_python_parser::{InterpolatedStringErrorType, LexicalErrorType, ParseError, ParseErrorType as E};
use ruff_text_size::Ranged;

/// A sentence and where its place begins and ends.
type Found = (String, u32, u32);

/// The number that is refused at or right before a place.
fn number_at(lines: &Lines, source: &str, at: u32) -> Option<Box<CompileError>> {
    let bytes = source.as_bytes();
    let mut from = (at as usize).min(bytes.len());
    while from > 0 && (bytes[from - 1].is_ascii_alphanumeric() || matches!(bytes[from - 1], b'_' | b'.')) {
        from -= 1;
    }
    let literal = bytes.get(from)?;
    if !(literal.is_ascii_digit() || *literal == b'.' && bytes.get(from + 1).is_some_and(u8::is_ascii_digit)) {
        return None;
    }
    let (message, begin, read) = number::problem(&source[from..])?;
    let end = from as u32 + read as u32;
    // The tokenizer's place is the last character it read.
    let start = begin.map_or(end.saturating_sub(1), |b| from as u32 + b as u32 - 1);
    let mut error = lines.error(message, start, end);
    error.end_column = lines.error("", end.saturating_sub(1), end).column;
    Some(error)
}

/// An error at the end of a line: one column is marked.
fn marked(lines: &Lines, message: &str, at: u32) -> Box<CompileError> {
    let mut error = lines.error(message, at, at);
    error.end_column = error.column + 1;
    error
}

/// Rewrites one parser error.
pub fn reword(lines: &Lines, source: &str, tokens: &Tokens, error: &ParseError) -> Box<CompileError> {
    let (start, end) = (error.location.start().to_u32(), error.location.end().to_u32());
    if let Some(found) = brackets(lines, source, tokens, start) {
        return found;
    }
    if let Some(found) = number_at(lines, source, start) {
        return found;
    }
    let at = |message: &str| lines.error(message, start, end);
    // The place of an error that has no end of its own.
    let point = |(message, s, e): Found, hidden: bool| {
        let mut error = lines.error(message, s, e);
        if hidden {
            error.end_column = error.column;
        }
        error
    };
    let indentation = |message: String, s: u32, e: u32| {
        let mut error = lines.error(message, s, e);
        error.kind = ErrorKind::Indentation;
        error
    };
    match &error.error {
        E::Lexical(LexicalErrorType::IndentationError) => indentation("unindent does not match any outer indentation level".into(), start, end),
        E::Lexical(LexicalErrorType::UnclosedStringError) => {
            let rest = &source[start as usize..];
            let body = rest.trim_start_matches(|c: char| c.is_ascii_alphabetic());
            let line = lines.line(start);
            if body.starts_with("\"\"\"") || body.starts_with("'''") {
                let last = lines.line(source.len() as u32);
                lines.error(format!("unterminated triple-quoted string literal (detected at line {last})"), start, start)
            } else {
                lines.error(format!("unterminated string literal (detected at line {line})"), start, start)
            }
        }
        E::Lexical(LexicalErrorType::LineContinuationError) => at("unexpected character after line continuation character"),
        E::Lexical(LexicalErrorType::Eof) => at("unexpected EOF while parsing"),
        E::Lexical(LexicalErrorType::UnrecognizedToken { tok }) => match tok {
            '$' | '?' | '!' | '`' => at("invalid syntax"),
            _ if !tok.is_control() && *tok != '\u{a0}' => point((format!("invalid character '{tok}' (U+{:04X})", *tok as u32), start, end), true),
            _ => point((format!("invalid non-printable character U+{:04X}", *tok as u32), start, end), true),
        },
        E::UnexpectedIndentation => indentation("unexpected indent".into(), start, end),
        E::OtherError(text) if text.starts_with("Expected an indented block") => {
            let what = owner_of_block(lines, source, tokens, start);
            let token = tokens.iter().find(|t| t.start().to_u32() >= start && !matches!(t.kind(), TokenKind::Newline | TokenKind::NonLogicalNewline));
            let (s, e) = token.map_or((start, start), |t| (t.start().to_u32(), t.end().to_u32()));
            indentation(format!("expected an indented block after {what}"), s, e)
        }
        E::InvalidAssignmentTarget => {
            let hint = if equals::is_alone(tokens, start, end) { " here. Maybe you meant '==' instead of '='?" } else { "" };
            if source[start as usize..].starts_with("yield") {
                return at("assignment to yield expression not possible");
            }
            assignment(lines, source, start, end, "assign to", hint)
        }
        E::InvalidNamedAssignmentTarget => assignment(lines, source, start, end, "use assignment expressions with", ""),
        E::InvalidAugmentedAssignmentTarget => {
            lines.error(format!("'{}' is an illegal expression for augmented assignment", describe(&source[start as usize..end as usize])), start, end)
        }
        E::InvalidDeleteTarget => assignment(lines, source, start, end, "delete", ""),
        E::OtherError(text) if text.contains("can be annotated") => {
            let kind = if text.contains("tuple") || text.contains("Tuple") { "tuple" } else { "list" };
            at(&format!("only single target (not {kind}) can be annotated"))
        }
        E::InvalidAnnotatedAssignmentTarget => at("illegal target for annotation"),
        E::PositionalAfterKeywordArgument => at("positional argument follows keyword argument"),
        E::PositionalAfterKeywordUnpacking => at("positional argument follows keyword argument unpacking"),
        E::InvalidArgumentUnpackingOrder => at("iterable argument unpacking follows keyword argument unpacking"),
        E::NonDefaultParamAfterDefaultParam => at("parameter without a default follows parameter with a default"),
        E::ParamAfterVarKeywordParam => at("arguments cannot follow var-keyword argument"),
        E::VarParameterWithDefault => {
            let double = tokens.iter().rfind(|t| t.end().to_u32() <= start && matches!(t.kind(), TokenKind::Star | TokenKind::DoubleStar));
            let double = double.is_some_and(|t| t.kind() == TokenKind::DoubleStar);
            at(if double { "var-keyword argument cannot have default value" } else { "var-positional argument cannot have default value" })
        }
        E::EmptyTypeParams => lines.error("Type parameter list cannot be empty", start, start),
        E::EmptyImportNames => point(("Expected one or more names after 'import'".into(), start, start), true),
        E::UnparenthesizedTupleExpression => match tokens.iter().find(|t| t.start().to_u32() >= start && t.kind() == TokenKind::Comma) {
            Some(comma) => lines.error("invalid syntax", comma.start().to_u32(), comma.end().to_u32()),
            None => at("invalid syntax"),
        },
        E::ExpectedToken { expected: TokenKind::Else, .. } => {
            let all: Vec<_> = tokens.iter().copied().collect();
            let behind = all.iter().position(|t| t.end().to_u32() > start).unwrap_or(all.len());
            let body = all[..behind].iter().rposition(|t| t.kind() == TokenKind::If).map_or(behind, |i| juxtaposed::expression_start(&all, i));
            let first = all.get(body).map_or(start, |t| t.start().to_u32());
            lines.error("expected 'else' after 'if' expression", first, all[..behind].last().map_or(end, |t| t.end().to_u32()))
        }
        E::ExpectedToken { expected: TokenKind::Lpar, found: TokenKind::Newline } => marked(lines, "expected '('", start),
        E::ExpectedToken { expected: TokenKind::Colon, found: TokenKind::Newline } => marked(lines, "expected ':'", start),
        E::ExpectedToken { expected: TokenKind::Comma, found: TokenKind::Dot }
            if source[..start as usize].rfind(" as ").is_some_and(|i| !source[i..start as usize].contains('\n')) =>
        {
            // The name behind `as` and all its parts.
            let from = source[..start as usize].rfind(|c: char| !(c == '_' || c.is_alphanumeric())).map_or(0, |i| i + 1);
            let rest = &source[start as usize..];
            let to = start + rest.find(|c: char| !(c == '_' || c == '.' || c.is_alphanumeric())).unwrap_or(rest.len()) as u32;
            lines.error("cannot use attribute as import target", from as u32, to)
        }
        E::OtherError(text) if text.starts_with("Only one '*'") => at("* argument may appear only once"),
        E::OtherError(text) if text.starts_with("Only one '/'") => at("/ may appear only once"),
        E::OtherError(text) if text.starts_with("Trailing comma not allowed") => {
            let importing = source[..start as usize].rsplit(['\n', ';']).next().is_some_and(|line| line.trim_start().starts_with("from"));
            marked(lines, if importing { "trailing comma not allowed without surrounding parentheses" } else { "invalid syntax" }, end)
        }
        E::OtherError(text) if text.starts_with("Positional patterns cannot follow") => at("positional patterns follow keyword patterns"),
        E::OtherError(text) if text.starts_with("Expected `except` or `finally`") => marked(lines, "expected 'except' or 'finally' block", start),
        E::OtherError(text) if text.starts_with("Multiple exception types must be") => at("multiple exception types must be parenthesized when using 'as'"),
        E::OtherError(text) if text.starts_with("Cannot have both 'except'") => lines.error("cannot have both 'except' and 'except*' on the same 'try'", start, start + 6),
        E::OtherError(text) if text.starts_with("Expected one or more exception types") => at("expected one or more exception types"),
        E::ExpectedKeywordParam => at("named arguments must follow bare *"),
        E::UnparenthesizedGeneratorExpression => at("Generator expression must be parenthesized"),
        E::IterableUnpackingInComprehension => at("iterable unpacking cannot be used in comprehension"),
        E::EmptySlice => at("invalid syntax"),
        E::ExpectedToken { expected: TokenKind::Colon, .. } => match juxtaposed::find(source, tokens, start).or_else(|| equals::find(source, tokens, start)) {
            Some((message, s, e)) => lines.error(message, s, e),
            None => at("expected ':'"),
        },
        E::ExpectedToken { expected: TokenKind::In, .. } => at("invalid syntax"),
        E::InvalidStarredExpressionUsage => at("cannot use starred expression here"),
        E::FStringError(InterpolatedStringErrorType::UnclosedLbrace) if juxtaposed::find(source, tokens, start).is_some() => {
            juxtaposed::find(source, tokens, start).map_or_else(|| at("invalid syntax"), |(message, s, e)| lines.error(message, s, e))
        }
        E::FStringError(kind) => {
            let (found, hidden) = fstring::known(source, tokens, kind, "f-string", start, end);
            point(found, hidden)
        }
        E::TStringError(kind) => {
            let (found, hidden) = fstring::known(source, tokens, kind, "t-string", start, end);
            point(found, hidden)
        }
        E::Lexical(LexicalErrorType::FStringError(kind)) => {
            let (found, hidden) = fstring::known(source, tokens, kind, "f-string", start, end);
            point(found, hidden)
        }
        E::Lexical(LexicalErrorType::TStringError(kind)) => {
            let (found, hidden) = fstring::known(source, tokens, kind, "t-string", start, end);
            point(found, hidden)
        }
        E::OtherError(text) if text.contains("Bytes literal cannot be mixed") => lines.error("cannot mix bytes and nonbytes literals", end, end + 1),
        _ => {
            if let Some((message, s, e)) = juxtaposed::find(source, tokens, start)
                .or_else(|| fstring::field(source, tokens, start))
                .or_else(|| equals::find(source, tokens, start))
                .or_else(|| literal::find(source, tokens, start))
            {
                return lines.error(message, s, e);
            }
            let mut error = at("invalid syntax");
            // CPython marks the offending token.
            if let Some(token) = tokens.iter().find(|t| t.end().to_u32() > start) {
                error = lines.error("invalid syntax", token.start().to_u32().max(start.min(token.start().to_u32())), token.end().to_u32());
            }
            if error.end_column <= error.column && error.end_line == error.line {
                // At the end of the text the missing line end is what is marked.
                error.end_column = error.column + 1;
            }
            error
        }
    }
}

/// Unclosed and mismatched brackets outrank whatever the parser tripped over.
fn brackets(lines: &Lines, source: &str, tokens: &Tokens, failed_at: u32) -> Option<Box<CompileError>> {
    let mut open: Vec<(char, u32)> = Vec::new();
    let mut last_end = 0;
    for token in tokens.iter() {
        let at = token.start().to_u32();
        last_end = last_end.max(token.end().to_u32());
        match token.kind() {
            TokenKind::Lpar => open.push(('(', at)),
            TokenKind::Lsqb => open.push(('[', at)),
            TokenKind::Lbrace => open.push(('{', at)),
            TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace => {
                let close = source[at as usize..].chars().next()?;
                let Some((left, from)) = open.pop() else {
                    let mut error = lines.error(format!("unmatched '{close}'"), at, at + 1);
                    error.end_column = error.column;
                    return Some(error);
                };
                let fits = matches!((left, close), ('(', ')') | ('[', ']') | ('{', '}'));
                if !fits {
                    let (here, there) = (lines.line(at), lines.line(from));
                    let mut text = format!("closing parenthesis '{close}' does not match opening parenthesis '{left}'");
                    if here != there {
                        text += &format!(" on line {there}");
                    }
                    let mut error = lines.error(text, at, at + 1);
                    error.end_column = error.column;
                    return Some(error);
                }
            }
            _ => {}
        }
    }
    let &(left, from) = open.last()?;
    let rest_is_empty = source[(failed_at as usize).min(source.len())..].trim().is_empty();
    rest_is_empty.then(|| lines.error(format!("'{left}' was never closed"), from, from + 1))
}

/// "'if' statement on line 3", for a missing block.
fn owner_of_block(lines: &Lines, source: &str, tokens: &Tokens, at: u32) -> String {
    let mut start = None;
    let mut fresh = true;
    for token in tokens.iter().take_while(|t| t.start().to_u32() < at) {
        match token.kind() {
            TokenKind::Newline | TokenKind::Indent | TokenKind::Dedent | TokenKind::NonLogicalNewline | TokenKind::Semi => fresh = true,
            TokenKind::Comment => {}
            _ => {
                if fresh {
                    start = Some(token);
                }
                fresh = false;
            }
        }
    }
    let Some(token) = start else { return "statement".into() };
    let line = lines.line(token.start().to_u32());
    let word = &source[token.start().to_usize()..token.end().to_usize()];
    match word {
        "def" | "async" => format!("function definition on line {line}"),
        "class" => format!("class definition on line {line}"),
        _ => format!("'{word}' statement on line {line}"),
    }
}

fn describe(text: &str) -> &'static str {
    let text = text.trim();
    let first = text.chars().next().unwrap_or(' ');
    match text {
        "None" | "True" | "False" => {
            return match text {
                "None" => "None",
                "True" => "True",
                _ => "False",
            };
        }
        "..." => return "ellipsis",
        "__debug__" => return "__debug__",
        _ => {}
    }
    if first.is_ascii_digit() || first == '"' || first == '\'' {
        return if text.starts_with(['f', 'F']) { "f-string expression" } else { "literal" };
    }
    if text.starts_with("lambda") {
        return "lambda";
    }
    if first == '(' && text.ends_with(')') {
        return if text.contains(" for ") { "generator expression" } else { "tuple" };
    }
    if first == '[' {
        return if text.contains(" for ") { "list comprehension" } else { "list" };
    }
    if first == '{' {
        return if text.contains(" for ") {
            "dict comprehension"
        } else if text.contains(':') || text == "{}" {
            "dict literal"
        } else {
            "set display"
        };
    }
    if text.starts_with("await ") {
        return "await expression";
    }
    if text.starts_with("yield") {
        return "yield expression";
    }
    let mut depth = 0;
    let mut operator = None;
    for (i, c) in text.char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            '<' | '>' | '=' | '!' if depth == 0 => return "comparison",
            '+' | '-' | '*' | '/' | '%' | '&' | '|' | '^' | '~' | '@' if depth == 0 => operator = Some(i),
            _ => {}
        }
    }
    if text.contains(" if ") && text.contains(" else ") {
        return "conditional expression";
    }
    if [" in ", " is ", " not in "].iter().any(|w| text.contains(w)) {
        return "comparison";
    }
    if operator.is_some() || text.starts_with("not ") || text.contains(" and ") || text.contains(" or ") {
        return "expression";
    }
    if text.ends_with(')') {
        return "function call";
    }
    if text.ends_with(']') {
        return "subscript";
    }
    if text.contains('.') {
        return "attribute";
    }
    "name"
}

fn assignment(lines: &Lines, source: &str, start: u32, end: u32, verb: &str, hint: &str) -> Box<CompileError> {
    let what = describe(source.get(start as usize..end as usize).unwrap_or(""));
    let hint = if matches!(what, "None" | "True" | "False" | "__debug__" | "ellipsis") && what != "ellipsis" { "" } else { hint };
    lines.error(format!("cannot {verb} {what}{hint}"), start, end)
}
