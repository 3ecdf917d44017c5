//! What cannot be assigned to, deleted, or named.

use crate::error::{CompileError, Lines};

pub fn describe(text: &str) -> &'static str {
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
    if first == '*' && !text.starts_with("**") {
        return "starred";
    }
    let quoted = text.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    if quoted.starts_with(['"', '\'']) && text.len() - quoted.len() <= 2 {
        let prefix = text[..text.len() - quoted.len()].to_ascii_lowercase();
        return match () {
            () if prefix.contains('f') => "f-string expression",
            () if prefix.contains('t') => "t-string expression",
            () => "literal",
        };
    }
    if first.is_ascii_digit() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_')) || first == '"' || first == '\'' {
        return "literal";
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
        return if let Some(loops) = text.find(" for ") {
            if text[..loops].contains(':') { "dict comprehension" } else { "set comprehension" }
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
            ':' if depth == 0 && text[i..].starts_with(":=") => return "named expression",
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

pub fn assignment(lines: &Lines, source: &str, start: u32, end: u32, verb: &str, hint: &str) -> Box<CompileError> {
    let what = describe(source.get(start as usize..end as usize).unwrap_or(""));
    let hint = if what == "generator expression" { "" } else { hint };
    let hint = if matches!(what, "None" | "True" | "False" | "__debug__" | "ellipsis") && what != "ellipsis" { "" } else { hint };
    lines.error(format!("cannot {verb} {what}{hint}"), start, end)
}
