//! An `=` where no assignment may stand.

use super::Found;
use super::forms::operand_end;
use super::juxtaposed::{expression_end, expression_start, may_begin, whole};
use super::targets::describe;
use super::tokens::{closes, listed, opens};
use ruff_python_ast::token::{TokenKind, Tokens};
use ruff_text_size::Ranged;

fn compares(kind: TokenKind) -> bool {
    matches!(kind, TokenKind::Less | TokenKind::Greater | TokenKind::EqEqual | TokenKind::NotEqual | TokenKind::LessEqual | TokenKind::GreaterEqual)
}

/// Whether the target of an assignment stands alone in front of the only `=` of its statement: then a comparison may be meant.
pub fn is_alone(all: &Tokens, start: u32, end: u32) -> bool {
    let tokens = listed(all);
    let Some(first) = tokens.iter().position(|t| t.end().to_u32() > start) else { return false };
    // A bracket around the target is part of it.
    let mut before = first;
    while before > 0 && tokens[before - 1].kind() == TokenKind::Lpar {
        before -= 1;
    }
    let outside = tokens[..first].iter().map(|t| i32::from(opens(t.kind())) - i32::from(closes(t.kind()))).sum::<i32>() == 0;
    let begins = before == 0
        || outside && tokens[before - 1].kind() == TokenKind::Comma
        || matches!(tokens[before - 1].kind(), TokenKind::Newline | TokenKind::Indent | TokenKind::Dedent | TokenKind::Semi | TokenKind::Colon);
    if !begins || before == first && matches!(tokens[first].kind(), TokenKind::Lambda | TokenKind::Not) {
        return false;
    }
    let mut behind = tokens.iter().position(|t| t.start().to_u32() >= end).unwrap_or(tokens.len());
    while tokens.get(behind).is_some_and(|t| t.kind() == TokenKind::Rpar) {
        behind += 1;
    }
    let mut depth = 0;
    let words = tokens[first..behind].iter().any(|t| {
        depth += i32::from(opens(t.kind())) - i32::from(closes(t.kind()));
        before == first
            && depth == 0
            && (matches!(t.kind(), TokenKind::If | TokenKind::And | TokenKind::Or | TokenKind::Comma | TokenKind::In | TokenKind::Is) || compares(t.kind()))
    });
    if words || tokens.get(behind).is_none_or(|t| t.kind() != TokenKind::Equal) {
        return false;
    }
    let after = expression_end(&tokens, behind + 1);
    tokens.get(after).is_none_or(|t| !matches!(t.kind(), TokenKind::Equal | TokenKind::ColonEqual))
}

/// What is said of an `=` inside of brackets or in a condition; `at` is where the parser failed.
pub fn find(source: &str, all: &Tokens, at: u32) -> Option<Found> {
    let tokens = listed(all);
    let failed = tokens.iter().position(|t| t.end().to_u32() > at)?;
    // The parser may have failed at the target or at the sign behind it.
    let sign = if tokens[failed].kind() == TokenKind::Equal { failed } else { expression_end(&tokens, failed) };
    if tokens.get(sign)?.kind() != TokenKind::Equal {
        return None;
    }
    let first = expression_start(&tokens, sign);
    if first >= sign {
        return None;
    }
    let begin = tokens[first].start().to_u32();
    let opening = first.checked_sub(1).map(|i| tokens[i].kind());
    // Which bracket it stands in, and whether that is a call's.
    let mut depth = 0;
    let mut bracket = None;
    for (i, t) in tokens[..first].iter().enumerate().rev() {
        match t.kind() {
            TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace => depth += 1,
            TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace if depth > 0 => depth -= 1,
            TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace => {
                bracket = Some(i);
                break;
            }
            _ => {}
        }
    }
    let call = bracket.is_some_and(|i| {
        tokens[i].kind() == TokenKind::Lpar
            && i > 0
            && matches!(tokens[i - 1].kind(), TokenKind::Name | TokenKind::Rpar | TokenKind::Rsqb | TokenKind::String)
            && !(i > 1 && matches!(tokens[i - 2].kind(), TokenKind::Def | TokenKind::Class))
    });
    let target = &source[begin as usize..tokens[sign - 1].end().to_usize()];
    if call {
        if !may_begin(tokens[first].kind()) {
            return None;
        }
        if matches!(target, "True" | "False" | "None") {
            return Some((format!("cannot assign to {target}"), begin, tokens[sign].end().to_u32()));
        }
        let message = "expression cannot contain assignment, perhaps you meant \"==\"?";
        return (sign - first > 1 || tokens[first].kind() != TokenKind::Name).then(|| (message.into(), begin, tokens[sign].end().to_u32()));
    }
    let condition = matches!(opening, Some(TokenKind::If | TokenKind::While | TokenKind::Elif));
    if bracket.is_none() && !condition {
        return None;
    }
    let (sign_start, sign_end) = (tokens[sign].start().to_u32(), tokens[sign].end().to_u32());
    let value = opening == Some(TokenKind::Colon) && bracket.is_some_and(|i| tokens[i].kind() == TokenKind::Lbrace);
    if value || matches!(target, "True" | "False" | "None") {
        return Some(("invalid syntax".into(), sign_start, sign_end));
    }
    let end = operand_end(&tokens, sign + 1).max(sign + 1);
    if tokens.get(end).is_some_and(|t| matches!(t.kind(), TokenKind::Equal | TokenKind::ColonEqual)) {
        return None;
    }
    if !whole(&tokens, sign + 1, end) {
        return None;
    }
    if sign - first == 1 && (tokens[first].kind() == TokenKind::Name || tokens[first].kind().is_soft_keyword()) {
        return Some(("invalid syntax. Maybe you meant '==' or ':=' instead of '='?".into(), begin, tokens[end - 1].end().to_u32()));
    }
    let display = opens(tokens[first].kind()) && tokens[first].kind() != TokenKind::Lbrace;
    let operand = operand_end(&tokens, first) == sign;
    (operand && !display).then(|| (format!("cannot assign to {} here. Maybe you meant '==' instead of '='?", describe(target)), begin, tokens[sign - 1].end().to_u32()))
}
