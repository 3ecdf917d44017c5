//! Calls the parser and turns its result into what the compiler walks.

use crate::error::{CompileError, ErrorKind, Lines, Warning};
use crate::grammar::{self, BLOCKS_MAX, BRACKETS_MAX, FIELDS_MAX, STRINGS_MAX, Verdict};
use crate::{Mode, Options, TYPE_COMMENTS, comments, versions};
use retic_bytecode::code::CO_FUTURE_BARRY_AS_BDFL;
use ruff_python_ast::PythonVersion;
use ruff_python_ast::token::{TokenKind, Tokens};
use ruff_python_ast::visitor::transformer::{Transformer, walk_stmt};
use ruff_python_ast::{Mod, Stmt, StmtRaise};
use ruff_python_parser::{ParseOptions, parse_unchecked};
use ruff_text_size::Ranged;
use std::borrow::Cow;

/// The tree of a program.
pub struct Parsed {
    pub module: Mod,
    /// The tokenizer's.
    pub warnings: Vec<Warning>,
    pub type_comments: comments::TypeComments,
}

/// Parses, or says in CPython's words why not.
pub fn parse(source: &str, options: &Options) -> Result<Parsed, Box<CompileError>> {
    let (mode, digits_max) = (options.mode, options.digits_max);
    let lines = Lines::new(source);
    let parser_mode = if mode == Mode::Eval { ruff_python_parser::Mode::Expression } else { ruff_python_parser::Mode::Module };
    let parser_options = || ParseOptions::from(parser_mode).with_target_version(PythonVersion::latest());
    let mut parsed = parse_unchecked(source, parser_options());
    let barry = options.flags & CO_FUTURE_BARRY_AS_BDFL != 0;
    // Only what was said before a program counts, not its own import.
    if barry && let Cow::Owned(usual) = with_usual_sign(source, parsed.tokens()) {
        parsed = parse_unchecked(&usual, parser_options());
    }
    let nothing = mode != Mode::Exec && is_nothing(parsed.tokens());
    if nothing && source.is_empty() {
        return Err(Box::new(nowhere(ErrorKind::Empty, "invalid syntax")));
    }
    let blank = |line: &str| !line.is_empty() && line.bytes().all(|b| matches!(b, b' ' | b'\t' | b'\x0c'));
    // A last line that has only begun is indented as any other.
    let begun = mode == Mode::Single && source.rsplit('\n').next().is_some_and(blank);
    // Bytes were read without their mark.
    let marked = source.starts_with('\u{feff}');
    let doubtful = nothing
        || barry
        || begun
        || marked
        || mixes_indentation(source)
        || mode == Mode::Eval && is_indented(source, parsed.tokens())
        || is_too_deep(parsed.tokens())
        || has_leniency(parsed.tokens())
        || has_long_number(parsed.tokens(), digits_max);
    let mut patched = false;
    if let Some(error) = parsed.errors().first() {
        let place = error.location;
        if let Some(refused) = refused_by_grammar(source, options) {
            return Err(refused);
        }
        patched = true;
        parsed = parse_unchecked(&with_breaks(source, parsed.tokens()), parser_options());
        if !parsed.errors().is_empty() {
            return Err(lines.error("invalid syntax", place.start().to_u32(), place.end().to_u32()));
        }
    }
    if doubtful && let Some(refused) = refused_by_grammar(source, options) {
        return Err(refused);
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
    let mut module = parsed.into_syntax();
    if patched && let Mod::Module(m) = &mut module {
        m.body.iter_mut().for_each(|s| Raises { source }.visit_stmt(s));
    }
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

/// A program under Barry with the usual sign for inequality.
fn with_usual_sign<'s>(source: &'s str, tokens: &Tokens) -> Cow<'s, str> {
    let mut out = Cow::Borrowed(source);
    for (a, b) in tokens.iter().zip(tokens.iter().skip(1)) {
        if a.kind() == TokenKind::Less && b.kind() == TokenKind::Greater && a.end() == b.start() {
            out.to_mut().replace_range(a.start().to_usize()..b.end().to_usize(), "!=");
        }
    }
    out
}

/// The parser does not know `raise; ...`: `break` stands for the `raise` meanwhile.
fn with_breaks(source: &str, tokens: &Tokens) -> String {
    let mut out = source.to_string();
    for (a, b) in tokens.iter().zip(tokens.iter().skip(1)) {
        if a.kind() == TokenKind::Raise && b.kind() == TokenKind::Semi {
            out.replace_range(a.start().to_usize()..a.end().to_usize(), "break");
        }
    }
    out
}

/// Makes every `break` a `raise` that is one in the source.
struct Raises<'s> {
    source: &'s str,
}

impl Transformer for Raises<'_> {
    fn visit_stmt(&self, stmt: &mut Stmt) {
        match stmt {
            Stmt::Break(b) if self.source.get(b.range.start().to_usize()..b.range.end().to_usize()) == Some("raise") => {
                *stmt = Stmt::Raise(StmtRaise { node_index: Default::default(), range: b.range, exc: None, cause: None });
            }
            _ => walk_stmt(self, stmt),
        }
    }
}

/// A statement that ends with a block.
fn compound(s: &Stmt) -> bool {
    matches!(s, Stmt::FunctionDef(_) | Stmt::ClassDef(_) | Stmt::For(_) | Stmt::While(_) | Stmt::If(_) | Stmt::With(_) | Stmt::Match(_) | Stmt::Try(_))
}

fn nowhere(kind: ErrorKind, message: &str) -> CompileError {
    CompileError { kind, message: message.into(), line: 0, column: 0, end_line: 0, end_column: 0, late: false, cut: false }
}

/// What CPython's grammar has against a source that the parser takes.
pub fn refused_by_grammar(source: &str, options: &Options) -> Option<Box<CompileError>> {
    let barry = options.flags & CO_FUTURE_BARRY_AS_BDFL != 0;
    match grammar::read(source, options.mode, barry, true, options.digits_max) {
        Verdict::Refused(refused, _) => Some(refused),
        Verdict::Accepted => None,
    }
}

/// Whether an expression is indented, or a line behind it: the tokenizer knows no expression without lines.
fn is_indented(source: &str, tokens: &Tokens) -> bool {
    let blank = |c: char| matches!(c, ' ' | '\t' | '\x0c');
    let indented = |text: &str| text.split('\n').any(|l| l.starts_with(blank));
    let end = tokens.iter().find(|t| t.kind() == TokenKind::Newline).map_or(source.len(), |t| t.end().to_usize());
    let first = source.split('\n').find(|l| !matches!(l.trim_start_matches(blank).bytes().next(), None | Some(b'#')));
    first.is_some_and(|l| l.starts_with(blank)) || source.get(end..).is_some_and(indented)
}

/// Whether some lines are indented by tabs and some by spaces.
fn mixes_indentation(source: &str) -> bool {
    let blank = |c: char| matches!(c, ' ' | '\t' | '\x0c');
    let tabs = source.contains("\n\t") || source.contains(" \t") || source.contains("\x0c\t");
    tabs && source.contains("\n ") && source.lines().any(|l| l[..l.len() - l.trim_start_matches(blank).len()].contains('\t'))
}

/// Whether there is no expression or interactive statement.
fn is_nothing(tokens: &Tokens) -> bool {
    use TokenKind::{Comment, Dedent, EndOfFile, Indent, Newline, NonLogicalNewline};
    tokens.iter().all(|t| matches!(t.kind(), Newline | NonLogicalNewline | Comment | EndOfFile | Indent | Dedent))
}

/// Whether brackets, blocks or strings nest deeper than CPython's tokenizer keeps, or may.
fn is_too_deep(tokens: &Tokens) -> bool {
    use TokenKind::{Dedent, FStringEnd, FStringStart, Indent, Lbrace, Lpar, Lsqb, Rbrace, Rpar, Rsqb, TStringEnd, TStringStart};
    let (mut brackets, mut blocks) = (0usize, 0usize);
    // Of each string that is open: its braces, those of fields among them.
    let mut strings: Vec<usize> = Vec::new();
    tokens.iter().any(|t| {
        match t.kind() {
            Lpar | Lsqb | Lbrace => brackets += 1,
            Rpar | Rsqb | Rbrace => brackets = brackets.saturating_sub(1),
            Indent => blocks += 1,
            Dedent => blocks = blocks.saturating_sub(1),
            FStringStart | TStringStart => strings.push(0),
            FStringEnd | TStringEnd => _ = strings.pop(),
            _ => {}
        }
        if let Some(braces) = strings.last_mut() {
            match t.kind() {
                Lbrace => *braces += 1,
                Rbrace => *braces = braces.saturating_sub(1),
                _ => {}
            }
        }
        let fields = strings.last().copied().unwrap_or_default();
        brackets > BRACKETS_MAX || blocks >= BLOCKS_MAX || strings.len() + 1 >= STRINGS_MAX || fields > FIELDS_MAX
    })
}

/// What the parser takes and CPython's does not: an argument that is a name in brackets before a sign of equality, an operator behind `yield`.
fn has_leniency(tokens: &Tokens) -> bool {
    use TokenKind::{Comma, Comment, Equal, Lpar, Name, NonLogicalNewline, Rpar};
    let mut recent = [TokenKind::Newline; 4];
    tokens.iter().filter(|t| !matches!(t.kind(), Comment | NonLogicalNewline)).any(|t| {
        let found =
            t.kind() == Equal && matches!(recent, [Lpar | Comma, Lpar, Name, Rpar]) || recent[3] == TokenKind::Yield && t.kind().is_operator() && !may_follow_yield(t.kind());
        recent.rotate_left(1);
        recent[3] = t.kind();
        found
    })
}

/// Whether a number is written with more digits than may be.
fn has_long_number(tokens: &Tokens, digits_max: usize) -> bool {
    digits_max > 0 && tokens.iter().any(|t| t.kind() == TokenKind::Int && t.range().len().to_usize() > digits_max)
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

/// Operators that an operand begins with, and what ends an expression.
fn may_follow_yield(kind: TokenKind) -> bool {
    use TokenKind::{Colon, Comma, Ellipsis, Equal, Exclamation, Lbrace, Lpar, Lsqb, Minus, Plus, Rbrace, Rpar, Rsqb, Semi, Star, Tilde};
    matches!(kind, Colon | Exclamation | Plus | Minus | Tilde | Star | Lpar | Lsqb | Lbrace | Rpar | Rsqb | Rbrace | Equal | Comma | Semi | Ellipsis)
}

/// Whether source is the beginning of something longer: the parser needs more than there is, or (`open_blocks`) the last line
/// stands in a block that no further line ends. As CPython with `PyCF_ALLOW_INCOMPLETE_INPUT` and `PyCF_DONT_IMPLY_DEDENT`.
pub fn is_incomplete(source: &str, mode: Mode, open_blocks: bool) -> bool {
    matches!(grammar::read(source, mode, false, !open_blocks, 0), Verdict::Refused(_, true))
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
            "if 1: pass",
            "def f(\n",
            "def x():\n pass\n  ",
            "def x():\n pass\n# c",
        ] {
            assert!(is_incomplete(s, Mode::Single, true), "{s:?}");
        }
        for s in ["x =\n", "a b\n", "(a b\n", "'abc\n", "a.\n", "x = 1", "if 1:\n  pass\n", "del (,\n", "def x():\n\npass\n"] {
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
