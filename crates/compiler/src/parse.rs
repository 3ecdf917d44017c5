//! Calls the parser and turns its result into what the compiler walks.

use crate::error::{CompileError, ErrorKind, Lines, Warning};
use crate::{Mode, Options, TYPE_COMMENTS, comments, versions, wording};
use retic_bytecode::code::CO_FUTURE_BARRY_AS_BDFL;
use ruff_python_ast::PythonVersion;
use ruff_python_ast::token::{TokenKind, Tokens};
use ruff_python_ast::{Mod, Stmt};
use ruff_python_parser::{ParseOptions, parse_unchecked};
use ruff_text_size::{Ranged, TextSize};
use std::borrow::Cow;

/// The tree of a program.
pub struct Parsed {
    pub module: Mod,
    /// The tokenizer's.
    pub warnings: Vec<Warning>,
    pub type_comments: comments::TypeComments,
}

/// CPython's parser refuses more open brackets than this.
const BRACKETS_MAX: usize = 200;

/// Parses, or says in CPython's words why not.
pub fn parse(source: &str, options: &Options) -> Result<Parsed, Box<CompileError>> {
    let (mode, digits_max) = (options.mode, options.digits_max);
    let lines = Lines::new(source);
    let parser_mode = if mode == Mode::Eval { ruff_python_parser::Mode::Expression } else { ruff_python_parser::Mode::Module };
    let parser_options = || ParseOptions::from(parser_mode).with_target_version(PythonVersion::latest());
    let mut parsed = parse_unchecked(source, parser_options());
    // Only what was said before a program counts, not its own import.
    if options.flags & CO_FUTURE_BARRY_AS_BDFL != 0
        && let Cow::Owned(usual) = with_usual_sign(&lines, source, parsed.tokens())?
    {
        parsed = parse_unchecked(&usual, parser_options());
    }
    if source.starts_with('\u{feff}') {
        // Bytes were read without theirs.
        let mut error = lines.error("invalid non-printable character U+FEFF", 0, 0);
        error.end_column = 1;
        return Err(error);
    }
    if mode == Mode::Eval
        && let Some(error) = indented(source).or_else(|| indented_behind(source, parsed.tokens()))
    {
        return Err(error);
    }
    if mode != Mode::Exec
        && let Some(error) = nothing(source, parsed.tokens())
    {
        return Err(error);
    }
    if let Some(at) = too_deep(&parsed) {
        return Err(lines.error("too many nested parentheses", at, at));
    }
    if let Some((message, at)) = wording::fstring::too_deep(parsed.tokens()) {
        return Err(lines.error(message, at, at));
    }
    if let Some(at) = too_indented(parsed.tokens())
        && parsed.errors().first().is_none_or(|e| e.location.start() >= at)
    {
        let line = lines.line(at.to_u32());
        return Err(Box::new(CompileError { line, column: 1, end_line: line, end_column: -1, ..nowhere(ErrorKind::Indentation, "too many levels of indentation") }));
    }
    if let Some(error) = parsed.errors().first() {
        let mut error = wording::reword(&lines, source, parsed.tokens(), error);
        // Where the parser stops, the tokenizer goes on to the end: what it refuses comes first.
        if !error.is_of_tokenizer()
            && let Some(refused) = wording::refused_behind(&lines, source, parsed.tokens(), parsed.errors())
        {
            error = refused;
        }
        // An expression has no line end behind a backslash.
        if mode == Mode::Eval && error.message == "unexpected EOF while parsing" && source.ends_with('\\') {
            (error.message, error.column, error.end_column) = ("unexpected character after line continuation character".into(), error.column.saturating_sub(1), 0);
        }
        return Err(error);
    }
    if let Some(error) = too_long(&lines, source, parsed.tokens(), digits_max) {
        return Err(error);
    }
    if let Some((message, start, end)) = wording::forms::bracketed_keyword(parsed.tokens()) {
        return Err(lines.error(message, start, end));
    }
    let too_new = if options.feature_version > 0 { versions::too_new(&lines, parsed.tokens(), parsed.syntax(), options.feature_version) } else { None };
    let type_comments = if options.flags & TYPE_COMMENTS != 0 { comments::attach(&lines, parsed.tokens(), parsed.syntax()) } else { Ok(comments::TypeComments::default()) };
    // What comes first is refused.
    let type_comments = match (too_new, type_comments) {
        (Some(new), Err(misplaced)) => return Err(if (misplaced.line, misplaced.column) <= (new.line, new.column) { misplaced } else { new }),
        (Some(error), Ok(_)) | (None, Err(error)) => return Err(error),
        (None, Ok(comments)) => comments,
    };
    let warnings = unseparated(&lines, source, parsed.tokens());
    let newline = parsed.tokens().iter().find(|t| t.kind() == TokenKind::Newline);
    let line_ends = newline.map_or(0, |t| t.start().to_u32());
    let indented = parsed.tokens().iter().rev().take_while(|t| t.kind() != TokenKind::Newline).any(|t| t.kind() == TokenKind::Dedent);
    let module = parsed.into_syntax();
    if mode == Mode::Single
        && let Mod::Module(m) = &module
        && let [only] = &m.body[..]
        && compound(only)
        && !indented
        && !source.ends_with('\n')
    {
        // The line that a compound statement ends on without a block needs its own end.
        let line = lines.line(only.range().end().to_u32());
        return Err(Box::new(CompileError { line, end_line: line, ..nowhere(ErrorKind::Syntax, "invalid syntax") }));
    }
    if mode == Mode::Single
        && let Mod::Module(m) = &module
        && m.body.len() > 1
    {
        // Several simple statements on one line are one interactive statement.
        let first_line = lines.line(m.body[0].start().to_u32());
        if compound(&m.body[0]) {
            let at = m.body[1].start().to_u32();
            let end = source[at as usize..].char_indices().take_while(|(i, c)| *i == 0 || c.is_alphanumeric() || *c == '_').map(|(i, c)| i + c.len_utf8()).last().unwrap_or(0);
            return Err(lines.error("invalid syntax", at, at + end as u32));
        }
        if m.body.iter().skip(1).any(|s| compound(s) || lines.line(s.start().to_u32()) != first_line) {
            let mut error = lines.error("multiple statements found while compiling a single statement", line_ends, line_ends);
            error.end_column += 1;
            return Err(error);
        }
    }
    Ok(Parsed { module, warnings, type_comments })
}

/// Where a block begins that stands in more others than CPython's tokenizer keeps (its `MAXINDENT`).
fn too_indented(tokens: &Tokens) -> Option<TextSize> {
    let mut depth = 0;
    tokens.iter().find_map(|t| {
        match t.kind() {
            TokenKind::Indent => depth += 1,
            TokenKind::Dedent => depth -= 1,
            _ => {}
        }
        (depth == 100).then(|| t.end())
    })
}

/// A program under Barry with the usual sign for inequality; that sign itself is refused.
fn with_usual_sign<'s>(lines: &Lines<'_>, source: &'s str, tokens: &ruff_python_ast::token::Tokens) -> Result<Cow<'s, str>, Box<CompileError>> {
    if let Some(t) = tokens.iter().find(|t| t.kind() == TokenKind::NotEqual) {
        return Err(lines.error("with Barry as BDFL, use '<>' instead of '!='", t.start().to_u32(), t.end().to_u32()));
    }
    let mut out = Cow::Borrowed(source);
    for (a, b) in tokens.iter().zip(tokens.iter().skip(1)) {
        if a.kind() == TokenKind::Less && b.kind() == TokenKind::Greater && a.end() == b.start() {
            out.to_mut().replace_range(a.start().to_usize()..b.end().to_usize(), "!=");
        }
    }
    Ok(out)
}

/// A statement that ends with a block.
fn compound(s: &Stmt) -> bool {
    matches!(s, Stmt::FunctionDef(_) | Stmt::ClassDef(_) | Stmt::For(_) | Stmt::While(_) | Stmt::If(_) | Stmt::With(_) | Stmt::Match(_) | Stmt::Try(_))
}

fn nowhere(kind: ErrorKind, message: &str) -> CompileError {
    CompileError { kind, message: message.into(), line: 0, column: 0, end_line: 0, end_column: 0, late: false }
}

/// An expression that is indented, as programs' first lines may not be either.
fn indented(source: &str) -> Option<Box<CompileError>> {
    let (at, line) = source.split('\n').enumerate().find(|(_, l)| !matches!(l.trim_start().bytes().next(), None | Some(b'#')))?;
    let column = line.len() - line.trim_start_matches([' ', '\t', '\x0c']).len();
    let spaces = line[..column].rsplit('\x0c').next().map_or(0, str::len);
    let line = at as u32 + 1;
    let error = CompileError { line, column: column as u32, end_line: line, end_column: -1, ..nowhere(ErrorKind::Indentation, "unexpected indent") };
    (spaces > 0).then(|| Box::new(error))
}

/// An indented line behind the one that the expression ends on; blanks at the end of the text are one, too.
fn indented_behind(source: &str, tokens: &Tokens) -> Option<Box<CompileError>> {
    let end = tokens.iter().find(|t| t.kind() == TokenKind::Newline)?.end().to_usize();
    let (before, behind) = source.split_at_checked(end)?;
    let lines_before = before.matches('\n').count() as u32;
    let last = behind.rsplit('\n').next().unwrap_or("");
    let mut error = match indented(behind) {
        Some(error) => error,
        None if !last.is_empty() && last.bytes().all(|b| matches!(b, b' ' | b'\t')) => {
            let line = behind.matches('\n').count() as u32 + 1;
            Box::new(CompileError { line, column: last.len() as u32, end_line: line, end_column: -1, ..nowhere(ErrorKind::Indentation, "unexpected indent") })
        }
        None => return None,
    };
    error.line += lines_before;
    error.end_line += lines_before;
    Some(error)
}

/// What is wrong with an expression or an interactive statement that is not there.
fn nothing(source: &str, tokens: &ruff_python_ast::token::Tokens) -> Option<Box<CompileError>> {
    let blank = |t: &ruff_python_ast::token::Token| {
        matches!(t.kind(), TokenKind::Newline | TokenKind::NonLogicalNewline | TokenKind::Comment | TokenKind::EndOfFile | TokenKind::Indent | TokenKind::Dedent)
    };
    if !tokens.iter().all(blank) || source.ends_with("\\\n") || source.ends_with('\\') {
        return None;
    }
    if source.is_empty() {
        return Some(Box::new(nowhere(ErrorKind::Empty, "invalid syntax")));
    }
    let line = source.lines().count().max(1) as u32;
    let last = source.rsplit('\n').next().unwrap_or("");
    if !last.is_empty() && last.bytes().all(|b| matches!(b, b' ' | b'\t')) {
        let column = last.len() as u32;
        return Some(Box::new(CompileError { line, column, end_line: line, end_column: -1, ..nowhere(ErrorKind::Indentation, "unexpected indent") }));
    }
    Some(Box::new(CompileError { line, end_line: line, ..nowhere(ErrorKind::Syntax, "invalid syntax") }))
}

/// The first decimal integer of more digits than may be.
fn too_long(lines: &Lines<'_>, source: &str, tokens: &ruff_python_ast::token::Tokens, digits_max: usize) -> Option<Box<CompileError>> {
    let long = |t: &&ruff_python_ast::token::Token| digits_max > 0 && t.kind() == TokenKind::Int && t.range().len().to_usize() > digits_max;
    for t in tokens.iter().filter(long) {
        let text = source.get(t.start().to_usize()..t.end().to_usize()).unwrap_or("");
        let digits = text.bytes().filter(|b| *b != b'_').count();
        if digits > digits_max && text.bytes().all(|b| b == b'_' || b.is_ascii_digit()) {
            let message = format!(
                "Exceeds the limit ({digits_max} digits) for integer string conversion: value has {digits} digits; use sys.set_int_max_str_digits() to increase the limit - Consider hexadecimal for huge integer literals to avoid decimal conversion limits."
            );
            let line = lines.line(t.start().to_u32());
            return Some(Box::new(CompileError { kind: ErrorKind::Syntax, message, line, column: 0, end_line: line, end_column: 0, late: false }));
        }
    }
    None
}

/// Numbers that a keyword follows at once (`1or x`), which CPython's tokenizer warns of (`verify_end_of_number`).
fn unseparated(lines: &Lines<'_>, source: &str, tokens: &ruff_python_ast::token::Tokens) -> Vec<Warning> {
    use TokenKind::{And, Complex, Else, Float, For, If, In, Int, Is, Not, Or};
    let mut out = Vec::new();
    for (number, next) in tokens.iter().zip(tokens.iter().skip(1)) {
        if !matches!(number.kind(), Int | Float | Complex) || number.end() != next.start() || !matches!(next.kind(), And | Else | For | If | In | Is | Not | Or) {
            continue;
        }
        let text = source.get(number.start().to_usize()..number.end().to_usize()).unwrap_or("").to_ascii_lowercase();
        let kind = match text.get(..2) {
            Some("0x") => "hexadecimal",
            Some("0o") => "octal",
            Some("0b") => "binary",
            _ if text.ends_with('j') => "imaginary",
            _ => "decimal",
        };
        let end = number.end().to_u32() - 1;
        out.push((*lines.error(format!("invalid {kind} literal"), end, end)).into());
    }
    out
}

fn too_deep(parsed: &ruff_python_parser::Parsed<Mod>) -> Option<u32> {
    use TokenKind::{Lbrace, Lpar, Lsqb, Rbrace, Rpar, Rsqb};
    let mut depth = 0usize;
    for token in parsed.tokens().iter() {
        match token.kind() {
            Lpar | Lsqb | Lbrace => {
                depth += 1;
                if depth > BRACKETS_MAX {
                    return Some(token.start().to_u32());
                }
            }
            Rpar | Rsqb | Rbrace => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// Whether source is the beginning of something longer: the parser needs more than there is, or (`open_blocks`) the last line
/// stands in a block that no further line ends. As CPython with `PyCF_ALLOW_INCOMPLETE_INPUT` and `PyCF_DONT_IMPLY_DEDENT`.
pub fn is_incomplete(source: &str, mode: Mode, open_blocks: bool) -> bool {
    if mode == Mode::Eval {
        return is_incomplete_expression(source);
    }
    let parsed = parse_unchecked(source, ParseOptions::from(ruff_python_parser::Mode::Module));
    let Some(error) = parsed.errors().first() else {
        let last = source.rsplit('\n').next().unwrap_or("").trim_start();
        let begun = source.contains('\n') && !source.ends_with('\n') && (last.is_empty() || last.starts_with('#'));
        // A line that has only begun behind a block: whether it ends the block nobody knows.
        if mode == Mode::Single && begun && matches!(parsed.syntax(), Mod::Module(m) if m.body.first().is_some_and(compound)) {
            return true;
        }
        if !open_blocks || source.ends_with('\n') {
            return false;
        }
        // Where the last line begins, and how deep the blocks are there.
        let last = source.rfind('\n').map_or(0, |i| i + 1);
        let (mut depth, mut inside) = (0i64, false);
        for token in parsed.tokens().iter() {
            match token.kind() {
                TokenKind::Indent => depth += 1,
                TokenKind::Dedent => depth -= 1,
                TokenKind::Newline | TokenKind::NonLogicalNewline | TokenKind::Comment | TokenKind::EndOfFile => {}
                _ => inside = token.end().to_usize() > last && depth > 0,
            }
        }
        return inside;
    };
    let (start, end, message) = (error.location.start().to_usize(), error.location.end().to_usize(), error.error.to_string());
    let nothing_from = || source[start..].lines().all(|l| l.trim_start().is_empty() || l.trim_start().starts_with('#'));
    start >= source.len() || end >= source.len() && is_unended(&message) || message.starts_with("Expected an indented block") && nothing_from()
}

/// Errors of texts that go on behind the end.
fn is_unended(message: &str) -> bool {
    ["missing closing quote", "unexpected EOF", "unterminated triple-quoted"].iter().any(|m| message.contains(m))
}

/// The same of an expression: a bracket or a text is open, a line goes on behind its end, or nothing has begun yet.
fn is_incomplete_expression(source: &str) -> bool {
    if indented(source).is_some() {
        return false;
    }
    let parsed = parse_unchecked(source, ParseOptions::from(ruff_python_parser::Mode::Expression));
    let Some(error) = parsed.errors().first() else { return false };
    let blank = |t: &ruff_python_ast::token::Token| matches!(t.kind(), TokenKind::Newline | TokenKind::NonLogicalNewline | TokenKind::Comment | TokenKind::EndOfFile);
    if parsed.tokens().iter().all(blank) || source.trim_end_matches('\n').ends_with('\\') && source.ends_with('\n') {
        return true;
    }
    let mut depth = 0i64;
    for token in parsed.tokens().iter() {
        use TokenKind::{Lbrace, Lpar, Lsqb, Rbrace, Rpar, Rsqb};
        match token.kind() {
            Lpar | Lsqb | Lbrace => depth += 1,
            Rpar | Rsqb | Rbrace => depth -= 1,
            _ => {}
        }
    }
    let (start, end, message) = (error.location.start().to_usize(), error.location.end().to_usize(), error.error.to_string());
    start >= source.len() || depth > 0 && start >= source.trim_end().len() || end >= source.len() && is_unended(&message)
}

#[cfg(test)]
mod tests {
    use super::is_incomplete;
    use crate::Mode;

    #[test]
    fn what_wants_more_lines() {
        for s in [
            "if 1:\n",
            "(a,\n",
            "'''abc\n",
            "@a\n",
            "try:\n  pass\n",
            "if 1:\n  pass\nelse:\n",
            "x = \\\n",
            "f'''{a\n",
            "def f():\n  x = (1,\n",
            "if 1:\n  # c\n",
            "if 1:\n  pass",
            "def f(\n",
            "def x():\n pass\n  ",
            "def x():\n pass\n# c",
        ] {
            assert!(is_incomplete(s, Mode::Single, true), "{s:?}");
        }
        for s in ["x =\n", "a b\n", "(a b\n", "'abc\n", "a.\n", "x = 1", "if 1: pass", "if 1:\n  pass\n", "del (,\n", "def x():\n\npass\n"] {
            assert!(!is_incomplete(s, Mode::Single, true), "{s:?}");
        }
        assert!(!is_incomplete("if 1:\n  pass", Mode::Exec, false));
        for s in ["(\n", "(9+\n", "[1,\n", "\"\"\"a\n", "\n\n", "# c\n", "a + \\\n", "f(x,\n"] {
            assert!(is_incomplete(s, Mode::Eval, false), "{s:?}");
        }
        for s in ["9+\n", "a b\n", "(a b\n", " a\n", "if 1:\n", "a\n", ")\n", "'abc\n", "lambda\n"] {
            assert!(!is_incomplete(s, Mode::Eval, false), "{s:?}");
        }
    }
}
