//! Two expressions side by side: a forgotten comma, or a statement of Python 2.

use super::Found;
use super::tokens::{closes, listed, opens};
use ruff_python_ast::token::{Token, TokenKind, Tokens};
use ruff_text_size::Ranged;

/// Whether a token can be the last of an expression.
pub fn ends(kind: TokenKind) -> bool {
    use TokenKind::{Complex, Ellipsis, FStringEnd, False, Float, Int, Name, None, Rbrace, Rpar, Rsqb, String, TStringEnd, True};
    kind.is_soft_keyword() || matches!(kind, Name | Int | Float | Complex | String | FStringEnd | TStringEnd | Rpar | Rsqb | Rbrace | None | True | False | Ellipsis)
}

/// Whether a token can be the first of an expression and nothing else.
fn begins(kind: TokenKind) -> bool {
    use TokenKind::{Await, Complex, Ellipsis, FStringStart, False, Float, Int, Lambda, Lbrace, Lpar, Lsqb, Name, None, Not, String, TStringStart, Tilde, True};
    kind.is_soft_keyword()
        || matches!(
            kind,
            Name | Int | Float | Complex | String | FStringStart | TStringStart | Lpar | Lsqb | Lbrace | None | True | False | Ellipsis | Lambda | Not | Tilde | Await
        )
}

/// Whether an expression can begin with a token.
pub fn may_begin(kind: TokenKind) -> bool {
    begins(kind) || matches!(kind, TokenKind::Minus | TokenKind::Plus | TokenKind::Star | TokenKind::Yield)
}

/// Whether a token outside of brackets ends an expression that begins before it.
fn stops(kind: TokenKind) -> bool {
    use TokenKind::{As, Async, Colon, ColonEqual, Comma, Else, EndOfFile, Equal, Exclamation, FStringEnd, FStringMiddle, For, If, Newline, Semi, TStringEnd, TStringMiddle};
    closes(kind)
        || kind == TokenKind::Unknown
        || matches!(
            kind,
            As | FStringEnd | FStringMiddle | TStringEnd | TStringMiddle | Comma | Equal | Colon | ColonEqual | Newline | EndOfFile | For | Async | Semi | If | Else | Exclamation
        )
}

/// The index behind the expression that begins at `from`.
pub fn expression_end(tokens: &[Token], from: usize) -> usize {
    let (mut depth, mut i) = (0, from);
    while let Some(t) = tokens.get(i) {
        let kind = t.kind();
        if depth == 0 && i > from && (stops(kind) || ends(tokens[i - 1].kind()) && begins(kind) && !opens(kind)) {
            break;
        }
        if depth == 0 && stops(kind) {
            break;
        }
        depth += i32::from(opens(kind)) - i32::from(closes(kind));
        i += 1;
    }
    i
}

/// Whether tokens can be a whole expression, as far as their ends and brackets tell.
pub fn whole(tokens: &[Token], from: usize, to: usize) -> bool {
    let Some(list) = tokens.get(from..to).filter(|l| !l.is_empty()) else { return false };
    let depth: i32 = list.iter().map(|t| i32::from(opens(t.kind())) - i32::from(closes(t.kind()))).sum();
    let inside = list.windows(2).all(|w| !opens(w[0].kind()) || may_begin(w[1].kind()) || closes(w[1].kind()) || matches!(w[1].kind(), TokenKind::Colon | TokenKind::DoubleStar));
    depth == 0 && inside && may_begin(list[0].kind()) && list.last().is_some_and(|t| ends(t.kind()))
}

/// The index where the expression that ends before `behind` begins.
pub fn expression_start(tokens: &[Token], behind: usize) -> usize {
    let (mut depth, mut i) = (0, behind);
    while i > 0 {
        let kind = tokens[i - 1].kind();
        // All of an f-string, with what is nested.
        if depth == 0 && matches!(kind, TokenKind::FStringEnd | TokenKind::TStringEnd) {
            let mut open = 0;
            while i > 0 {
                i -= 1;
                match tokens[i].kind() {
                    TokenKind::FStringEnd | TokenKind::TStringEnd => open += 1,
                    TokenKind::FStringStart | TokenKind::TStringStart => open -= 1,
                    _ => {}
                }
                if open == 0 {
                    break;
                }
            }
            continue;
        }
        // Behind a value a star multiplies.
        if depth == 0 && matches!(kind, TokenKind::Star | TokenKind::DoubleStar) && i > 1 && ends(tokens[i - 2].kind()) {
            i -= 1;
            continue;
        }
        if depth == 0
            && (opens(kind)
                || stops(kind) && !closes(kind)
                || matches!(kind, TokenKind::Star | TokenKind::DoubleStar | TokenKind::In | TokenKind::Return | TokenKind::Indent | TokenKind::Dedent | TokenKind::While))
        {
            break;
        }
        depth += i32::from(closes(kind)) - i32::from(opens(kind));
        i -= 1;
    }
    i
}

/// Whether the token at `at` stands right behind an expression.
pub fn is_behind_expression(all: &Tokens, at: u32) -> bool {
    all.iter().rfind(|t| t.end().to_u32() <= at && !matches!(t.kind(), TokenKind::Comment | TokenKind::NonLogicalNewline)).is_some_and(|t| ends(t.kind()))
}

/// Whether a token stands behind the `else` of a conditional expression.
pub fn is_behind_else(all: &Tokens, token: &Token) -> bool {
    let mut before = all.iter().filter(|t| t.start() < token.start() && !matches!(t.kind(), TokenKind::Comment | TokenKind::NonLogicalNewline)).rev();
    before.next().is_some_and(|t| t.kind() == TokenKind::Else) && before.next().is_some_and(|t| ends(t.kind()))
}

/// What is said of `x[]` inside of brackets: two expressions, the second an empty list.
pub fn empty_brackets(all: &Tokens, at: u32) -> Option<Found> {
    let tokens = listed(all);
    let i = tokens.iter().rposition(|t| t.kind() == TokenKind::Lsqb && t.start().to_u32() <= at)?;
    let depth: i32 = tokens[..i].iter().map(|t| i32::from(opens(t.kind())) - i32::from(closes(t.kind()))).sum();
    if depth <= 0 {
        return None;
    }
    let first = expression_start(&tokens, i);
    let last = tokens[expression_end(&tokens, first).max(i + 1) - 1].end().to_u32();
    Some(("invalid syntax. Perhaps you forgot a comma?".into(), tokens[first].start().to_u32(), last))
}

/// What is said of the token at `at` if it begins an expression right behind another.
pub fn find(source: &str, all: &Tokens, at: u32) -> Option<Found> {
    let tokens = listed(all);
    let i = tokens.iter().position(|t| t.start().to_u32() >= at)?;
    let (before, here) = (tokens.get(i.checked_sub(1)?)?, &tokens[i]);
    if !ends(before.kind()) || !begins(here.kind()) {
        return None;
    }
    // A conversion stands alone.
    if i >= 2 && tokens[i - 2].kind() == TokenKind::Exclamation {
        return None;
    }
    let depth: i32 = tokens[..i].iter().map(|t| i32::from(opens(t.kind())) - i32::from(closes(t.kind()))).sum();
    let text = |t: &Token| &source[t.start().to_usize()..t.end().to_usize()];
    if before.kind() == TokenKind::Name && matches!(text(before), "print" | "exec") {
        let name = text(before);
        // All that stands behind, with its commas.
        let mut end = expression_end(&tokens, i);
        while tokens.get(end).is_some_and(|t| t.kind() == TokenKind::Comma) {
            end = expression_end(&tokens, end + 1);
        }
        let last = tokens[end.max(i + 1) - 1].end().to_u32();
        return Some((format!("Missing parentheses in call to '{name}'. Did you mean {name}(...)?"), before.start().to_u32(), last));
    }
    let first = expression_start(&tokens, i);
    // Names of parameters and imports, and what a comprehension goes over, are no expressions of that kind.
    let around = super::calls::bracket(&tokens, here.start().to_u32());
    let names = around.is_some_and(|g| g >= 1 && (tokens[g - 1].kind() == TokenKind::Import || g >= 2 && tokens[g - 2].kind() == TokenKind::Def));
    let parameter = names && first + 1 == i && matches!(tokens[first.max(1) - 1].kind(), TokenKind::Lpar | TokenKind::Comma | TokenKind::Star | TokenKind::DoubleStar);
    if parameter || first > 0 && tokens[first - 1].kind() == TokenKind::In && around.is_some_and(|g| tokens[g..first].iter().any(|t| t.kind() == TokenKind::For)) {
        return None;
    }
    let named_string = tokens[first].kind() == TokenKind::Name && tokens.get(first + 1).is_some_and(|t| t.kind() == TokenKind::String);
    if depth <= 0 || named_string || tokens[first].kind().is_soft_keyword() {
        return None;
    }
    let last = tokens[expression_end(&tokens, i).max(i + 1) - 1].end().to_u32();
    Some(("invalid syntax. Perhaps you forgot a comma?".into(), tokens[first].start().to_u32(), last))
}
