//! CPython's sentences for the parser's errors. Grows case by case; tests/language/syntax_errors.md is its list.

mod blocks;
mod calls;
mod equals;
pub mod forms;
pub mod fstring;
mod juxtaposed;
mod literal;
mod number;
mod targets;
mod tokens;

use crate::error::{CompileError, Lines};
use ruff_python_ast::token::{Token, TokenKind, Tokens};
use ruff_python_parser::{InterpolatedStringErrorType, LexicalErrorType, ParseError, ParseErrorType as E};
use ruff_text_size::Ranged;
use targets::{assignment, describe};

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
    error.end_column = lines.error("", end.saturating_sub(1), end).column as i32;
    Some(error)
}

/// The last line that has anything in it, its end at the least.
fn last_line(source: &str) -> usize {
    source.strip_suffix('\n').unwrap_or(source).matches('\n').count() + 1
}

/// An error at the end of a line: one column is marked.
fn marked(lines: &Lines, message: &str, at: u32) -> Box<CompileError> {
    let mut error = lines.error(message, at, at);
    error.end_column = error.column as i32 + 1;
    error
}

/// So many errors of the lexer are looked at behind the parser's first: each costs a walk over the tokens.
const LEXICAL_MAX: usize = 16;

/// What the tokenizer refuses behind the parser's first error. Inside of an f-string that has an error nobody knows where it goes on.
pub fn refused_behind(lines: &Lines, source: &str, tokens: &Tokens, errors: &[ParseError]) -> Option<Box<CompileError>> {
    let first = errors.first()?.location.start().to_u32();
    if fstring::is_inside(tokens, first) {
        return None;
    }
    let number = tokens
        .iter()
        .filter(|t| t.start().to_u32() > first && matches!(t.kind(), TokenKind::Int | TokenKind::Float | TokenKind::Complex))
        .find_map(|t| number_at(lines, source, t.start().to_u32()));
    let lexical = errors.iter().skip(1).filter(|e| matches!(e.error, E::Lexical(_) | E::FStringError(_) | E::TStringError(_))).take(LEXICAL_MAX);
    let other = lexical.map(|e| reword(lines, source, tokens, e)).find(|e| e.is_of_tokenizer());
    match (number, other) {
        (Some(n), Some(o)) if (o.line, o.column) < (n.line, n.column) => Some(o),
        (n, o) => n.or(o),
    }
}

/// Rewrites one parser error.
pub fn reword(lines: &Lines, source: &str, tokens: &Tokens, error: &ParseError) -> Box<CompileError> {
    let mut found = reworded(lines, source, tokens, error);
    // Of a line end one column is marked.
    if found.message == "invalid syntax" && found.column > 0 && (found.end_line > found.line || found.end_column == found.column as i32) {
        let at_end = lines.text(found.line).is_some_and(|l| l.chars().count() as u32 + 1 == found.column);
        if at_end {
            (found.end_line, found.end_column) = (found.line, found.column as i32 + 1);
            // The end of a line begins with its comment.
            let comment = tokens.iter().find(|t| t.kind() == TokenKind::Comment && lines.line(t.start().to_u32()) == found.line);
            found.column = comment.map_or(found.column, |c| lines.line_column(c.start().to_u32()).1 + 1);
        }
    }
    found
}

fn reworded(lines: &Lines, source: &str, tokens: &Tokens, error: &ParseError) -> Box<CompileError> {
    let (start, end) = (error.location.start().to_u32(), error.location.end().to_u32());
    let pattern = matches!(&error.error, E::OtherError(text) if text.starts_with("Positional patterns cannot follow"));
    // In a pattern that is never closed the end comes before any rule about its parts.
    if let Some(found) = brackets(lines, source, tokens, if pattern { source.len() as u32 } else { start })
        // What stands too far right is seen before what is closed behind it.
        && !(error.error == E::UnexpectedIndentation && found.line >= lines.line(start))
    {
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
            error.end_column = error.column as i32;
        }
        error
    };
    // The first token that ends behind a place.
    let token_at = |at: u32| tokens.iter().filter(|t| !matches!(t.kind(), TokenKind::Comment | TokenKind::NonLogicalNewline)).find(|t| t.end().to_u32() > at);
    let token_behind = |at: u32| tokens.iter().filter(|t| !matches!(t.kind(), TokenKind::Comment | TokenKind::NonLogicalNewline)).find(|t| t.start().to_u32() >= at);
    let invalid = |t: Option<&Token>| match t {
        Some(t) if t.start().to_usize() < source.len() && t.end() > t.start() => lines.error("invalid syntax", t.start().to_u32(), t.end().to_u32()),
        Some(t) => marked(lines, "invalid syntax", t.start().to_u32()),
        None => marked(lines, "invalid syntax", source.len() as u32),
    };
    if let Some(opening) = fstring::misplaced(tokens, start) {
        return lines.error("invalid syntax", opening.0, opening.1);
    }
    if !matches!(error.error, E::Lexical(_) | E::FStringError(_) | E::TStringError(_))
        && let Some((message, s, e)) = forms::find(source, tokens, start).or_else(|| forms::colon_behind_walrus(tokens, start))
    {
        return lines.error(message, s, e);
    }
    let general = matches!(&error.error, E::ExpectedToken { expected: TokenKind::Colon, .. } | E::OtherError(_) | E::ExpectedExpression | E::SimpleStatementsOnSameLine);
    if general && let Some((s, e)) = forms::further(source, tokens, start) {
        return lines.error("invalid syntax", s, e);
    }
    match &error.error {
        E::Lexical(LexicalErrorType::IndentationError) => blocks::indentation(lines, source, tokens, start, true),
        E::Lexical(LexicalErrorType::UnclosedStringError) => {
            if fstring::is_closing_quote(source, tokens, start) {
                return lines.error("f-string: expecting '}'", start, start);
            }
            let rest = &source[start as usize..];
            let body = rest.trim_start_matches(|c: char| c.is_ascii_alphabetic());
            let line = lines.line(start);
            if body.starts_with("\"\"\"") || body.starts_with("'''") {
                let last = last_line(source);
                lines.error(format!("unterminated triple-quoted string literal (detected at line {last})"), start, start)
            } else {
                // A quote behind a backslash ends nothing.
                let quote = body.chars().next().unwrap_or('"');
                let text = body.split(['\n', '\r']).next().unwrap_or("");
                let hint = if text.contains(&format!("\\{quote}")) { "; perhaps you escaped the end quote?" } else { "" };
                lines.error(format!("unterminated string literal (detected at line {line}){hint}"), start, start)
            }
        }
        E::Lexical(LexicalErrorType::LineContinuationError) => {
            let nothing = source[end as usize..].trim_matches(['\r', '\n']).is_empty();
            let message = if nothing { "unexpected EOF while parsing" } else { "unexpected character after line continuation character" };
            let mut error = if nothing { lines.error(message, lines.end(), lines.end()) } else { lines.error(message, end, end) };
            error.end_column = if nothing { -1 } else { 0 };
            error
        }
        E::Lexical(_) if fstring::escape(source, tokens, start).is_some() => {
            fstring::escape(source, tokens, start).map_or_else(|| at("invalid syntax"), |(message, s, e)| lines.error(message, s, e))
        }
        E::Lexical(LexicalErrorType::Eof) => {
            let mut error = lines.error("unexpected EOF while parsing", lines.end(), lines.end());
            error.end_column = -1;
            error
        }
        E::Lexical(LexicalErrorType::UnrecognizedToken { tok: '$' | '?' | '!' | '`' }) if fstring::field(source, tokens, start).is_some() => {
            fstring::field(source, tokens, start).map_or_else(|| at("invalid syntax"), |(message, s, e)| lines.error(message, s, e))
        }
        E::Lexical(LexicalErrorType::UnrecognizedToken { tok }) => match tok {
            '$' | '?' | '!' | '`' => at("invalid syntax"),
            _ if retic_unicode::is_printable(*tok as u32) => point((format!("invalid character '{tok}' (U+{:04X})", *tok as u32), start, end), true),
            _ => point((format!("invalid non-printable character U+{:04X}", *tok as u32), start, end), true),
        },
        E::UnexpectedIndentation => blocks::indentation(lines, source, tokens, start, false),
        E::OtherError(text) if text.starts_with("Expected an indented block") => blocks::missing(lines, source, tokens, start),
        E::InvalidAssignmentTarget => {
            let hint = if equals::is_alone(tokens, start, end) { " here. Maybe you meant '==' instead of '='?" } else { "" };
            let bracketed = tokens.iter().rfind(|t| t.end().to_u32() <= start).is_some_and(|t| t.kind() == TokenKind::Lpar);
            if source[start as usize..].starts_with("yield") && !bracketed {
                return at("assignment to yield expression not possible");
            }
            assignment(lines, source, start, end, "assign to", hint)
        }
        E::InvalidNamedAssignmentTarget if source[start as usize..].starts_with('*') => invalid(token_behind(end)),
        E::InvalidNamedAssignmentTarget => assignment(lines, source, start, end, "use assignment expressions with", ""),
        E::InvalidAugmentedAssignmentTarget => {
            lines.error(format!("'{}' is an illegal expression for augmented assignment", describe(&source[start as usize..end as usize])), start, end)
        }
        E::InvalidDeleteTarget => assignment(lines, source, start, end, "delete", ""),
        E::OtherError(text) if text.contains("can be annotated") => {
            let kind = if text.contains("tuple") || text.contains("Tuple") { "tuple" } else { "list" };
            // Of a tuple without brackets the first part is shown.
            let open = source[start as usize..].starts_with(['(', '[']);
            let comma = tokens.iter().find(|t| t.start().to_u32() > start && t.kind() == TokenKind::Comma).filter(|_| !open);
            let last = comma.and_then(|c| tokens.iter().rfind(|t| t.end() <= c.start())).map_or(end, |t| t.end().to_u32());
            lines.error(format!("only single target (not {kind}) can be annotated"), start, last)
        }
        E::InvalidAnnotatedAssignmentTarget => {
            // Only an annotation makes it one.
            let colon = token_behind(end).filter(|t| t.kind() == TokenKind::Colon);
            match colon.and_then(|c| token_behind(c.end().to_u32())) {
                Some(t) if !juxtaposed::may_begin(t.kind()) => invalid(colon),
                _ => at("illegal target for annotation"),
            }
        }
        E::PositionalAfterKeywordArgument => {
            let (s, e) = calls::behind_arguments(tokens, start);
            lines.error("positional argument follows keyword argument", s, e)
        }
        E::PositionalAfterKeywordUnpacking => {
            let (s, e) = calls::behind_arguments(tokens, start);
            lines.error("positional argument follows keyword argument unpacking", s, e)
        }
        E::InvalidArgumentUnpackingOrder => {
            let comma = tokens.iter().rfind(|t| t.end().to_u32() <= start && t.kind() == TokenKind::Comma).map_or(start, |t| t.start().to_u32());
            lines.error("iterable argument unpacking follows keyword argument unpacking", comma, end)
        }
        E::NonDefaultParamAfterDefaultParam => at("parameter without a default follows parameter with a default"),
        E::ParamAfterVarKeywordParam => at("arguments cannot follow var-keyword argument"),
        E::VarParameterWithDefault => {
            let double = tokens.iter().rfind(|t| t.end().to_u32() <= start && matches!(t.kind(), TokenKind::Star | TokenKind::DoubleStar));
            let double = double.is_some_and(|t| t.kind() == TokenKind::DoubleStar);
            at(if double { "var-keyword argument cannot have default value" } else { "var-positional argument cannot have default value" })
        }
        E::EmptyTypeParams => {
            // A `type` statement is read to the token behind the bracket.
            let alias = source[..start as usize].rsplit(['\n', ';']).next().is_some_and(|l| l.trim_start().starts_with("type"));
            let behind = token_behind(end).filter(|_| alias).map_or(start, |t| t.end().to_u32() - 1);
            lines.error("Type parameter list cannot be empty", start, behind)
        }
        E::EmptyImportNames if token_at(start).is_some_and(|t| t.kind() != TokenKind::Newline) => invalid(token_at(start)),
        E::EmptyImportNames => point(("Expected one or more names after 'import'".into(), start, start), true),
        E::UnparenthesizedTupleExpression => match tokens.iter().find(|t| t.start().to_u32() >= start && t.kind() == TokenKind::Comma) {
            Some(comma) => lines.error("invalid syntax", comma.start().to_u32(), comma.end().to_u32()),
            None => at("invalid syntax"),
        },
        E::ExpectedToken { expected: TokenKind::Else, found: TokenKind::Colon } => invalid(token_at(start)),
        E::ExpectedToken { expected: TokenKind::Else, .. } => {
            let all: Vec<_> = tokens.iter().copied().collect();
            let behind = all.iter().position(|t| t.end().to_u32() > start).unwrap_or(all.len());
            let body = all[..behind].iter().rposition(|t| t.kind() == TokenKind::If).map_or(behind, |i| juxtaposed::expression_start(&all, i));
            let first = all.get(body).map_or(start, |t| t.start().to_u32());
            lines.error("expected 'else' after 'if' expression", first, all[..behind].last().map_or(end, |t| t.end().to_u32()))
        }
        E::ExpectedToken { expected: TokenKind::Lpar, .. } if calls::defines(tokens, start) => {
            if end > start && (end as usize) < source.len() {
                at("expected '('")
            } else {
                marked(lines, "expected '('", start)
            }
        }
        E::ExpectedToken { expected: TokenKind::Colon, found: TokenKind::Newline } => marked(lines, "expected ':'", start),
        E::ExpectedToken { expected: TokenKind::Comma, found: TokenKind::Dot }
            if source[..start as usize].rfind(" as ").is_some_and(|i| !source[i..start as usize].contains('\n')) =>
        {
            let statement = source[..start as usize].rsplit(['\n', ';']).next().unwrap_or("").trim_start();
            let target = if statement.starts_with("case") { "pattern" } else { "import" };
            // The name behind `as` and all its parts.
            let from = source[..start as usize].rfind(|c: char| !(c == '_' || c.is_alphanumeric())).map_or(0, |i| i + 1);
            let rest = &source[start as usize..];
            let to = start + rest.find(|c: char| !(c == '_' || c == '.' || c.is_alphanumeric())).unwrap_or(rest.len()) as u32;
            lines.error(format!("cannot use attribute as {target} target"), from as u32, to)
        }
        E::OtherError(text) if text.starts_with("Only one '*'") => lines.error("* argument may appear only once", start, start + 1),
        E::OtherError(text) if text.starts_with("'/' parameter must appear before") => at("/ must be ahead of *"),
        E::OtherError(text) if text.starts_with("Position-only parameter separator not allowed") && source[..start as usize].trim_end().ends_with([',', '*']) => {
            at("/ must be ahead of *")
        }
        E::OtherError(text) if text.starts_with("Star import must be the only") || text.starts_with("Star import cannot be") => {
            // In a list it is the star that is wrong, else what stands behind it.
            let statement: Vec<&Token> =
                tokens.iter().filter(|t| t.start().to_u32() >= start && t.kind() != TokenKind::NonLogicalNewline).take_while(|t| t.kind() != TokenKind::Newline).collect();
            let star = statement.iter().position(|t| t.kind() == TokenKind::Star);
            let list = star.is_some_and(|i| i > 0 || tokens.iter().rfind(|t| t.end().to_u32() <= start).is_some_and(|t| t.kind() == TokenKind::Comma));
            match star {
                Some(i) if list => invalid(Some(statement[i])),
                _ => invalid(token_behind(start + 1)),
            }
        }
        E::OtherError(text) if text.starts_with("Expected a parameter name") && source[start as usize..end as usize].ends_with(')') => {
            let sign = token_behind(end).map_or(end, |t| t.end().to_u32());
            lines.error("expression cannot contain assignment, perhaps you meant \"==\"?", start, sign)
        }
        E::OtherError(text) if text.starts_with("Expected a pattern") => invalid(token_behind(end)),
        E::InvalidMatchPatternTarget if source[..start as usize].trim_end().ends_with("**") => invalid(token_at(start)),
        E::InvalidMatchPatternTarget if &source[start as usize..end as usize] == "_" => at("cannot use '_' as a target"),
        E::InvalidStarPatternUsage => invalid(token_behind(end)),
        E::ExpectedImaginaryNumber if !source[start as usize..].starts_with(|c: char| c.is_ascii_digit() || c == '.') => invalid(token_at(start)),
        E::ExpectedImaginaryNumber => at("imaginary number required in complex literal"),
        E::ExpectedRealNumber if !source[start as usize..].starts_with(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-')) => invalid(token_behind(end)),
        E::ExpectedRealNumber => at("real number required in complex literal"),
        E::OtherError(text) if text.starts_with("Only one '/'") => at("/ may appear only once"),
        E::OtherError(text) if text.starts_with("Trailing comma not allowed") => {
            let importing = source[..start as usize].rsplit(['\n', ';']).next().is_some_and(|line| line.trim_start().starts_with("from"));
            let all = source[..end as usize].trim_end_matches([',', ' ']).ends_with('*');
            if importing && all {
                return invalid(token_at(end.saturating_sub(1)));
            }
            match token_behind(end) {
                Some(t) if importing && t.kind() == TokenKind::Newline => marked(lines, "trailing comma not allowed without surrounding parentheses", t.start().to_u32()),
                behind => invalid(behind),
            }
        }
        E::OtherError(text) if text.starts_with("Positional patterns cannot follow") => at("positional patterns follow keyword patterns"),
        E::OtherError(text) if text.starts_with("Expected `except` or `finally`") => {
            let opening = tokens.iter().rfind(|t| t.start().to_u32() < start && t.kind() == TokenKind::Try).map_or(0, |t| t.start().to_u32());
            let other = tokens.iter().find(|t| t.start().to_u32() > opening && t.start().to_u32() < start && t.kind() == TokenKind::Else);
            let token = other.filter(|e| lines.line_column(e.start().to_u32()).1 == lines.line_column(opening).1).or_else(|| {
                tokens.iter().find(|t| {
                    t.start().to_u32() >= start
                        && t.end() > t.start()
                        && !matches!(t.kind(), TokenKind::Newline | TokenKind::NonLogicalNewline | TokenKind::Comment | TokenKind::Dedent | TokenKind::Indent)
                })
            });
            match token.filter(|t| t.start().to_usize() < source.len()) {
                Some(t) => lines.error("expected 'except' or 'finally' block", t.start().to_u32(), t.end().to_u32()),
                None => {
                    let mut error = lines.error("expected 'except' or 'finally' block", lines.end(), lines.end());
                    error.end_column = -1;
                    error
                }
            }
        }
        E::OtherError(text) if text.contains("after decorator") && source[start as usize..].trim().is_empty() => {
            // Behind the last line stands a token without a column.
            let mut error = lines.error("invalid syntax", lines.end(), lines.end());
            (error.column, error.end_column) = (0, 0);
            error
        }
        E::OtherError(text) if text.starts_with("Multiple exception types must be") => {
            let bound = token_behind(end).filter(|t| t.kind() == TokenKind::As).and_then(|t| token_behind(t.end().to_u32()));
            lines.error("multiple exception types must be parenthesized when using 'as'", start, bound.map_or(end, |t| t.end().to_u32()))
        }
        E::OtherError(text) if text.starts_with("Cannot have both 'except'") => {
            lines.error("cannot have both 'except' and 'except*' on the same 'try'", start, calls::except_end(tokens, start))
        }
        E::OtherError(text) if text.starts_with("Expected one or more exception types") => at("expected one or more exception types"),
        E::ExpectedKeywordParam => {
            let star = tokens.iter().rfind(|t| t.start().to_u32() <= start && t.kind() == TokenKind::Star);
            let lambda = star.is_some_and(|s| calls::in_lambda(tokens, s.start().to_u32()));
            let behind = star.and_then(|s| token_behind(s.end().to_u32()));
            let behind = behind.and_then(|t| if t.kind() == TokenKind::Comma { token_behind(t.end().to_u32()) } else { Some(t) });
            match if lambda { behind } else { star } {
                Some(t) => lines.error("named arguments must follow bare *", t.start().to_u32(), t.end().to_u32()),
                None => at("named arguments must follow bare *"),
            }
        }
        E::UnparenthesizedGeneratorExpression if calls::of_class(tokens, start) && token_behind(end).is_none_or(|t| t.kind() != TokenKind::Comma) => {
            invalid(tokens.iter().find(|t| t.start().to_u32() >= start && t.kind() == TokenKind::For))
        }
        E::UnparenthesizedGeneratorExpression => at("Generator expression must be parenthesized"),
        E::IterableUnpackingInComprehension => at("iterable unpacking cannot be used in comprehension"),
        E::EmptySlice => match juxtaposed::empty_brackets(tokens, start) {
            Some((message, s, e)) => lines.error(message, s, e),
            None => at("invalid syntax"),
        },
        E::ExpectedToken { expected: TokenKind::Colon, .. } if calls::key_end(tokens, start).is_some() => {
            let last = calls::key_end(tokens, start).map_or(start, |e| e.saturating_sub(1));
            let mut error = lines.error("':' expected after dictionary key", last, last);
            error.end_column = 0;
            error
        }
        E::ExpectedToken { expected: TokenKind::Colon, .. } => match juxtaposed::find(source, tokens, start).or_else(|| equals::find(source, tokens, start)) {
            Some((message, s, e)) => lines.error(message, s, e),
            None => match calls::parameters(tokens, start) {
                Some((message, s, e)) => lines.error(message, s, e),
                None if calls::in_lambda(tokens, start) && token_at(start).is_some_and(|t| t.kind().is_keyword()) => invalid(token_at(start)),
                None if blocks::colon_may_wait(source, tokens, start) => invalid(token_at(start)),
                // An index has to begin first.
                None if tokens.iter().rfind(|t| t.end().to_u32() <= start).is_some_and(|t| t.kind() == TokenKind::Lsqb) => invalid(token_at(start)),
                None => at("expected ':'"),
            },
        },
        E::ExpectedToken { expected: TokenKind::In, .. } if calls::depth(tokens, start) > 0 => at("'in' expected after for-loop variables"),
        E::ExpectedToken { expected: TokenKind::In, .. } => at("invalid syntax"),
        E::InvalidStarredExpressionUsage => match calls::starred(tokens, start, end) {
            Some((message, s, e)) => lines.error(message, s, e),
            None => at("cannot use starred expression here"),
        },
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
        E::OtherError(text) if text.contains("Bytes literal cannot be mixed") => marked(lines, "cannot mix bytes and nonbytes literals", end),
        _ => {
            // A conditional expression wants an expression at its end.
            if let Some(t) = tokens.iter().find(|t| t.end().to_u32() > start || t.kind() == TokenKind::Newline && t.start().to_u32() >= start)
                && juxtaposed::is_behind_else(tokens, t)
            {
                let message = "expected expression after 'else', but statement is given";
                return if t.kind() == TokenKind::Newline { marked(lines, message, t.start().to_u32()) } else { lines.error(message, t.start().to_u32(), t.end().to_u32()) };
            }
            if let Some((message, s, e)) = calls::parameters(tokens, start).or_else(|| calls::displays(source, tokens, start)) {
                return lines.error(message, s, e);
            }
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
            if error.end_column <= error.column as i32 && error.end_line == error.line {
                // At the end of the text the missing line end is what is marked.
                error.end_column = error.column as i32 + 1;
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
                    error.end_column = error.column as i32;
                    return Some(error);
                };
                let fits = matches!((left, close), ('(', ')') | ('[', ']') | ('{', '}'));
                if !fits {
                    if left == '{' && fstring::opens_field(tokens, from) {
                        let mut error = lines.error(format!("f-string: unmatched '{close}'"), at, at + 1);
                        error.end_column = error.column as i32;
                        return Some(error);
                    }
                    let (here, there) = (lines.line(at), lines.line(from));
                    let mut text = format!("closing parenthesis '{close}' does not match opening parenthesis '{left}'");
                    if here != there {
                        text += &format!(" on line {there}");
                    }
                    let mut error = lines.error(text, at, at + 1);
                    error.end_column = error.column as i32;
                    return Some(error);
                }
            }
            _ => {}
        }
    }
    let &(left, from) = open.last()?;
    let rest_is_empty = source[(failed_at as usize).min(source.len())..].trim().is_empty();
    let failed =
        tokens.iter().find(|t| t.end().to_u32() > failed_at && !matches!(t.kind(), TokenKind::Newline | TokenKind::NonLogicalNewline | TokenKind::Indent | TokenKind::Dedent));
    let line = lines.line(failed.map_or(failed_at, |t| t.start().to_u32()));
    // CPython looks for open brackets to the end of the text when the parser failed in a later line.
    let in_field = fstring::opens_field(tokens, from);
    // What follows an expression might have been a set: it was read to the end.
    let imports = forms::line_begins(tokens, from).is_some_and(|k| matches!(k, TokenKind::From | TokenKind::Import));
    let tried = failed.is_some_and(|t| t.start().to_u32() == from && left == '{') && juxtaposed::is_behind_expression(tokens, from) && !imports;
    (rest_is_empty || tried && !in_field || line > lines.line(from) && !in_field).then(|| {
        let mut error = lines.error(format!("'{left}' was never closed"), from, from);
        error.end_column = 0;
        error
    })
}
