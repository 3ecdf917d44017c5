//! Arguments, parameters and displays.

use super::Found;
use super::juxtaposed::expression_end;
use super::tokens::{before_field, closes, listed, opens};
use ruff_python_ast::token::{Token, TokenKind, Tokens};
use ruff_text_size::Ranged;

fn place(t: &Token) -> (u32, u32) {
    (t.start().to_u32(), t.end().to_u32())
}

/// How many brackets are open at a place.
pub fn depth(all: &Tokens, at: u32) -> i32 {
    all.iter().take_while(|t| t.start().to_u32() < at).map(|t| i32::from(opens(t.kind())) - i32::from(closes(t.kind()))).sum()
}

/// The index of the bracket around a place.
pub fn bracket(tokens: &[Token], at: u32) -> Option<usize> {
    let mut open = Vec::new();
    for (i, t) in tokens.iter().enumerate().take_while(|(_, t)| t.start().to_u32() < at) {
        if opens(t.kind()) {
            open.push(i);
        } else if closes(t.kind()) {
            open.pop();
        }
    }
    open.pop()
}

/// The token behind the arguments of a call, where the parser notices their order; `at`: one of them.
pub fn behind_arguments(all: &Tokens, at: u32) -> (u32, u32) {
    let mut inside = 0;
    for t in all.iter().filter(|t| t.start().to_u32() >= at) {
        if closes(t.kind()) {
            if inside == 0 {
                return place(t);
            }
            inside -= 1;
        }
        inside += i32::from(opens(t.kind()));
    }
    (at, at)
}

/// Whether the name before a place is that of a function that is defined.
pub fn defines(all: &Tokens, at: u32) -> bool {
    let tokens = listed(all);
    let i = tokens.iter().position(|t| t.start().to_u32() >= at).unwrap_or(tokens.len());
    i >= 2 && tokens[i - 2].kind() == TokenKind::Def
}

/// Whether the bracket around a place holds the bases of a class.
pub fn of_class(all: &Tokens, at: u32) -> bool {
    let tokens = listed(all);
    bracket(&tokens, at).is_some_and(|i| i >= 2 && tokens[i - 2].kind() == TokenKind::Class)
}

/// Whether a place stands among the parameters of a lambda.
pub fn in_lambda(all: &Tokens, at: u32) -> bool {
    let tokens = listed(all);
    let Some(lambda) = tokens.iter().rposition(|t| t.start().to_u32() < at && t.kind() == TokenKind::Lambda) else { return false };
    let mut inside = 0;
    !tokens[lambda..].iter().take_while(|t| t.start().to_u32() < at).any(|t| {
        inside += i32::from(opens(t.kind())) - i32::from(closes(t.kind()));
        inside < 0 || inside == 0 && t.kind() == TokenKind::Colon
    })
}

/// Where `except*` ends that begins at a place.
pub fn except_end(all: &Tokens, at: u32) -> u32 {
    let star = all.iter().find(|t| t.start().to_u32() >= at + 6);
    star.filter(|t| t.kind() == TokenKind::Star).map_or(at + 6, |t| t.end().to_u32())
}

/// Where the key ends that stands before a place in a dict and has no colon.
pub fn key_end(all: &Tokens, at: u32) -> Option<u32> {
    let tokens = listed(all);
    let i = tokens.iter().position(|t| t.end().to_u32() > at)?;
    let group = bracket(&tokens, tokens[i].start().to_u32())?;
    let field = group.checked_sub(1).is_some_and(|b| before_field(tokens[b].kind()));
    let ends = matches!(tokens[i].kind(), TokenKind::Rbrace | TokenKind::Comma | TokenKind::For);
    (tokens[group].kind() == TokenKind::Lbrace && !field && ends && !in_lambda(all, at)).then(|| tokens[i - 1].end().to_u32())
}

/// What is said of a parameter list that the parser did not take.
pub fn parameters(all: &Tokens, at: u32) -> Option<Found> {
    let tokens = listed(all);
    let i = tokens.iter().position(|t| t.end().to_u32() > at)?;
    let here = &tokens[i];
    if here.kind() == TokenKind::Colon && i > 0 && tokens[i - 1].kind() == TokenKind::Rarrow {
        let (s, e) = place(&tokens[i - 1]);
        return Some(("expected ':'".into(), s, e));
    }
    let lambda = in_lambda(all, here.start().to_u32());
    let group = bracket(&tokens, here.start().to_u32());
    let defined = group.is_some_and(|g| {
        let mut before = g;
        // Type parameters stand between the name and the bracket.
        if before > 0 && tokens[before - 1].kind() == TokenKind::Rsqb {
            before = tokens[..before].iter().rposition(|t| t.kind() == TokenKind::Lsqb).unwrap_or(before);
        }
        tokens[g].kind() == TokenKind::Lpar && before >= 2 && tokens[before - 2].kind() == TokenKind::Def
    });
    if !lambda && !defined {
        return None;
    }
    let before = i.checked_sub(1).map(|b| tokens[b].kind())?;
    if here.kind() == TokenKind::Lpar && matches!(before, TokenKind::Lpar | TokenKind::Comma | TokenKind::Lambda) {
        // Only names and commas may stand in the bracket.
        let end = i + 1 + tokens[i + 1..].iter().position(|t| !matches!(t.kind(), TokenKind::Name | TokenKind::Comma))?;
        if tokens[end].kind() != TokenKind::Rpar {
            return None;
        }
        let what = if lambda { "Lambda expression" } else { "Function" };
        return Some((format!("{what} parameters cannot be parenthesized"), here.start().to_u32(), tokens[end].end().to_u32()));
    }
    if before == TokenKind::Equal && matches!(here.kind(), TokenKind::Rpar | TokenKind::Comma) {
        let (s, e) = place(&tokens[i - 1]);
        return Some(("expected default value expression".into(), s, e));
    }
    None
}

/// What is said of a star before a key or a value of a dict.
pub fn starred(all: &Tokens, start: u32, end: u32) -> Option<Found> {
    let tokens = listed(all);
    let i = tokens.iter().position(|t| t.start().to_u32() >= start)?;
    if i > 0 && matches!(tokens[i - 1].kind(), TokenKind::Plus | TokenKind::Minus | TokenKind::Slash | TokenKind::Percent | TokenKind::At) {
        let (s, e) = place(&tokens[i]);
        return Some(("invalid syntax".into(), s, e));
    }
    let group = bracket(&tokens, start)?;
    let behind = tokens.iter().find(|t| t.start().to_u32() >= end)?;
    let before = tokens.get(i.checked_sub(1)?)?;
    if tokens[group].kind() != TokenKind::Lbrace {
        return None;
    }
    if before.kind() == TokenKind::Colon {
        if tokens[i].kind() == TokenKind::DoubleStar {
            let (s, e) = place(&tokens[i]);
            return Some(("invalid syntax".into(), s, e));
        }
        return Some(("cannot use a starred expression in a dictionary value".into(), start, end));
    }
    if behind.kind() == TokenKind::Colon {
        let (s, e) = place(behind);
        return Some(("invalid syntax".into(), s, e));
    }
    None
}

/// What is said of a display, a comprehension or a call whose parts do not fit.
pub fn displays(source: &str, all: &Tokens, at: u32) -> Option<Found> {
    let tokens = listed(all);
    let i = tokens.iter().position(|t| t.end().to_u32() > at)?;
    let here = &tokens[i];
    let before = tokens.get(i.checked_sub(1)?)?;
    if before.kind() == TokenKind::Star && (closes(here.kind()) || here.kind() == TokenKind::Comma) {
        let group = bracket(&tokens, here.start().to_u32())?;
        let field = group > 0 && before_field(tokens[group - 1].kind());
        let call = group > 0 && matches!(tokens[group - 1].kind(), TokenKind::Name | TokenKind::Rpar | TokenKind::Rsqb);
        if tokens.get(i.wrapping_sub(2)).is_some_and(|t| opens(t.kind()) || call && t.kind() == TokenKind::Comma)
            && !field
            && !(group >= 1 && tokens[group - 1].kind() == TokenKind::Import)
        {
            let (s, e) = place(here);
            return Some(("Invalid star expression".into(), s, e));
        }
    }
    if before.kind() == TokenKind::Equal && matches!(here.kind(), TokenKind::Rpar | TokenKind::Comma) && i >= 2 && tokens[i - 2].kind() == TokenKind::Name {
        let group = bracket(&tokens, here.start().to_u32())?;
        let call = tokens[group].kind() == TokenKind::Lpar && group > 0 && matches!(tokens[group - 1].kind(), TokenKind::Name | TokenKind::Rpar | TokenKind::Rsqb);
        let first = group + 1 == i - 2 || tokens[i - 3].kind() == TokenKind::Comma;
        if call && first {
            return Some(("expected argument value expression".into(), tokens[i - 2].start().to_u32(), before.end().to_u32()));
        }
    }
    if before.kind() == TokenKind::Colon && matches!(here.kind(), TokenKind::Rbrace | TokenKind::Comma) {
        let group = bracket(&tokens, here.start().to_u32())?;
        let field = tokens.get(group.wrapping_sub(1)).is_some_and(|t| before_field(t.kind()));
        if tokens[group].kind() == TokenKind::Lbrace && !field {
            let (s, e) = place(before);
            return Some(("expression expected after dictionary key and ':'".into(), s, e));
        }
    }
    if here.kind() == TokenKind::For {
        let group = bracket(&tokens, here.start().to_u32())?;
        let elements = &tokens[group + 1..i];
        let commas = elements.iter().any(|t| t.kind() == TokenKind::Comma);
        let plain = expression_end(&tokens, group + 1);
        if matches!(tokens[group].kind(), TokenKind::Lsqb | TokenKind::Lbrace) && commas && tokens.get(plain).is_some_and(|t| t.kind() == TokenKind::Comma) {
            return Some(("did you forget parentheses around the comprehension target?".into(), tokens[group + 1].start().to_u32(), before.end().to_u32()));
        }
    }
    // Not an operator by itself: the parser wants `in` behind it.
    if here.kind() == TokenKind::Not && !source[..here.start().to_usize()].ends_with(['\n', ';']) {
        let next = tokens.get(i + 1)?;
        let value = matches!(before.kind(), TokenKind::Name | TokenKind::Int | TokenKind::Float | TokenKind::String | TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace);
        if value && next.kind() != TokenKind::In && depth(all, here.start().to_u32()) == 0 {
            let (s, e) = place(next);
            return Some(("invalid syntax".into(), s, e));
        }
    }
    let text = &source[here.start().to_usize()..here.end().to_usize()];
    if text.len() >= 2 && text.ends_with('=') && !matches!(text, "==" | "!=" | "<=" | ">=" | ":=") && depth(all, here.start().to_u32()) == 0 {
        let first = tokens[..i].iter().rposition(|t| matches!(t.kind(), TokenKind::Newline | TokenKind::Indent | TokenKind::Dedent | TokenKind::Semi)).map_or(0, |n| n + 1);
        if tokens[first..i].iter().any(|t| t.kind() == TokenKind::Comma) {
            return Some(("'tuple' is an illegal expression for augmented assignment".into(), tokens[first].start().to_u32(), before.end().to_u32()));
        }
    }
    if here.kind() == TokenKind::Greater && before.kind() == TokenKind::Less && before.end() == here.start() {
        return Some(("invalid syntax".into(), before.start().to_u32(), here.end().to_u32()));
    }
    if here.kind() == TokenKind::Colon
        && tokens.get(i.wrapping_sub(2)).is_some_and(|t| matches!(t.kind(), TokenKind::Star | TokenKind::DoubleStar))
        && before.kind() == TokenKind::Name
    {
        let group = bracket(&tokens, here.start().to_u32())?;
        let declared = tokens[group].kind() == TokenKind::Lsqb && group >= 2 && matches!(tokens[group - 2].kind(), TokenKind::Def | TokenKind::Class | TokenKind::Type);
        if declared {
            let what = if tokens[i - 2].kind() == TokenKind::Star { "TypeVarTuple" } else { "ParamSpec" };
            let kind = if tokens.get(i + 1).is_some_and(|t| t.kind() == TokenKind::Lpar) { "constraints" } else { "bound" };
            let end = tokens[expression_end(&tokens, i + 1).max(i + 1) - 1].end().to_u32();
            return Some((format!("cannot use {kind} with {what}"), here.start().to_u32(), end));
        }
    }
    None
}
