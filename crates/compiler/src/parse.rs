//! Calls the parser and turns its result into what the compiler walks.

use crate::error::{CompileError, ErrorKind, Lines};
use crate::{Mode, wording};
use ruff_python_ast::PythonVersion;
use ruff_python_ast::{Mod, Stmt};
use ruff_python_parser::{ParseOptions, parse_unchecked};
use ruff_text_size::Ranged;

/// The tree of a program.
pub struct Parsed {
    pub module: Mod,
}

/// CPython's parser refuses more open brackets than this.
const BRACKETS_MAX: usize = 200;

/// Parses, or says in CPython's words why not.
pub fn parse(source: &str, mode: Mode) -> Result<Parsed, Box<CompileError>> {
    let lines = Lines::new(source);
    let parser_mode = if mode == Mode::Eval { ruff_python_parser::Mode::Expression } else { ruff_python_parser::Mode::Module };
    let text;
    let input = if mode == Mode::Eval {
        text = source.trim_start_matches([' ', '\t']);
        // The parser's offsets must stay those of the source, so leading blanks are only skipped when there are none.
        if text.len() == source.len() { source } else { text }
    } else {
        source
    };
    let parsed = parse_unchecked(input, ParseOptions::from(parser_mode).with_target_version(PythonVersion::latest()));
    if let Some(at) = too_deep(&parsed) {
        return Err(lines.error("too many nested parentheses", at, at));
    }
    if let Some(error) = parsed.errors().first() {
        return Err(wording::reword(&lines, input, parsed.tokens(), error));
    }
    let module = parsed.into_syntax();
    if mode == Mode::Single
        && let Mod::Module(m) = &module
        && m.body.len() > 1
    {
        // Several simple statements on one line are one interactive statement.
        let first_line = lines.line(m.body[0].start().to_u32());
        let compound = |s: &Stmt| {
            !matches!(
                s,
                Stmt::Expr(_)
                    | Stmt::Assign(_)
                    | Stmt::AugAssign(_)
                    | Stmt::AnnAssign(_)
                    | Stmt::Return(_)
                    | Stmt::Delete(_)
                    | Stmt::Raise(_)
                    | Stmt::Assert(_)
                    | Stmt::Import(_)
                    | Stmt::ImportFrom(_)
                    | Stmt::Global(_)
                    | Stmt::Nonlocal(_)
                    | Stmt::Pass(_)
                    | Stmt::Break(_)
                    | Stmt::Continue(_)
                    | Stmt::TypeAlias(_)
            )
        };
        if m.body.iter().skip(1).any(|s| compound(s) || lines.line(s.start().to_u32()) != first_line) || compound(&m.body[0]) {
            return Err(lines.error("multiple statements found while compiling a single statement", 0, 0));
        }
    }
    Ok(Parsed { module })
}

fn too_deep(parsed: &ruff_python_parser::Parsed<Mod>) -> Option<u32> {
    use ruff_python_ast::token::TokenKind::{Lbrace, Lpar, Lsqb, Rbrace, Rpar, Rsqb};
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

/// Whether an interactive line is the beginning of something longer.
pub fn needs_more_input(source: &str) -> bool {
    use ruff_python_ast::token::TokenKind::{Lbrace, Lpar, Lsqb, Rbrace, Rpar, Rsqb};
    let parsed = parse_unchecked(source, ParseOptions::from(ruff_python_parser::Mode::Module));
    let mut depth = 0i64;
    for token in parsed.tokens().iter() {
        match token.kind() {
            Lpar | Lsqb | Lbrace => depth += 1,
            Rpar | Rsqb | Rbrace => depth -= 1,
            _ => {}
        }
    }
    let block_open = source.lines().last().is_some_and(|l| !l.trim().is_empty())
        && (source.trim_end().ends_with(':')
            || source.lines().count() > 1 && source.lines().last().is_some_and(|l| l.starts_with([' ', '\t']))
            || source.trim_start().starts_with('@') && source.lines().count() == 1);
    let Some(error) = parsed.errors().first() else {
        // A block goes on until an empty line.
        return block_open || (source.lines().count() >= 1 && source.trim_end_matches([' ', '\t']).ends_with("\\\n"));
    };
    if depth > 0 || source.trim_end_matches('\n').ends_with('\\') {
        return true;
    }
    if let Err(e) = parse(source, Mode::Exec) {
        if e.message.contains("unterminated triple-quoted") {
            return true;
        }
        let at_end = error.location.start().to_usize() + 1 >= source.trim_end().len();
        return at_end && (e.kind == ErrorKind::Indentation || e.message.contains("expected an indented block") || e.message.contains("expected 'except'"));
    }
    false
}
