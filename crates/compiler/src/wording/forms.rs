//! Mistakes that are told by the tokens around them, whatever the parser says of them.

use super::Found;
use super::calls::bracket;
use super::juxtaposed::{ends, expression_end, expression_start, may_begin};
use super::targets::describe;
use super::tokens::{before_field, closes, listed, opens};
use ruff_python_ast::token::{Token, TokenKind, Tokens};
use ruff_text_size::Ranged;

fn place(t: &Token) -> (u32, u32) {
    (t.start().to_u32(), t.end().to_u32())
}

/// Where the logical line begins that a token is in.
fn line_start(tokens: &[Token], i: usize) -> usize {
    tokens[..i].iter().rposition(|t| matches!(t.kind(), TokenKind::Newline | TokenKind::Indent | TokenKind::Dedent | TokenKind::Semi)).map_or(0, |n| n + 1)
}

/// What the logical line begins with that a place is in.
pub fn line_begins(all: &Tokens, at: u32) -> Option<TokenKind> {
    let tokens = listed(all);
    let i = tokens.iter().position(|t| t.end().to_u32() > at)?;
    tokens.get(line_start(&tokens, i)).map(|t| t.kind())
}

/// The token that CPython's parser came to where ours stopped before it: behind a `not` that might have been `not in`, and behind
/// the name of a `type` statement.
pub fn further(source: &str, all: &Tokens, at: u32) -> Option<(u32, u32)> {
    let tokens = listed(all);
    let i = tokens.iter().position(|t| t.end().to_u32() > at)?;
    let first = line_start(&tokens, i);
    let text = |t: &Token| &source[t.start().to_usize()..t.end().to_usize()];
    let inline = !matches!(tokens[first].kind(), TokenKind::From | TokenKind::Import);
    let negated = tokens[i].kind() == TokenKind::Not && i > 0 && ends(tokens[i - 1].kind()) && inline;
    let alias = i == first + 1 && text(&tokens[first]) == "type" && tokens[i].kind() == TokenKind::Name;
    let behind = tokens.get(i + 1).filter(|t| (negated || alias) && t.kind() != TokenKind::In && t.end().to_usize() <= source.len() && t.end() > t.start())?;
    Some(place(behind))
}

/// Whether a bracket is that of a call.
fn is_call(tokens: &[Token], open: usize) -> bool {
    tokens[open].kind() == TokenKind::Lpar
        && open > 0
        && matches!(tokens[open - 1].kind(), TokenKind::Name | TokenKind::Rpar | TokenKind::Rsqb | TokenKind::String)
        && !(open > 1 && matches!(tokens[open - 2].kind(), TokenKind::Def | TokenKind::Class))
}

/// What is said of the place where the parser failed, `at`.
pub fn find(source: &str, all: &Tokens, at: u32) -> Option<Found> {
    let tokens = listed(all);
    let i = tokens.iter().position(|t| t.end().to_u32() > at)?;
    prefixes(source, &tokens, i)
        .or_else(|| between_strings(&tokens, i))
        .or_else(|| import_from(&tokens, i))
        .or_else(|| not_behind_operator(&tokens, i))
        .or_else(|| loop_without_in(&tokens, i))
        .or_else(|| bound_to(source, &tokens, i))
        .or_else(|| argument(&tokens, i))
        .or_else(|| parameter(&tokens, i))
        .or_else(|| star(&tokens, i))
}

/// `ur'x'`: letters that stand together before no string.
fn prefixes(source: &str, tokens: &[Token], i: usize) -> Option<Found> {
    let (name, string) = (tokens.get(i.checked_sub(1)?)?, &tokens[i]);
    if name.kind() != TokenKind::Name || !matches!(string.kind(), TokenKind::String | TokenKind::FStringStart | TokenKind::TStringStart) || name.end() != string.start() {
        return None;
    }
    let (s, e) = place(name);
    // Letters that make a prefix belong to the string's token.
    let own = source[string.start().to_usize()..].chars().take_while(char::is_ascii_alphabetic);
    let word: String = source[s as usize..e as usize].chars().chain(own).collect::<String>().to_ascii_lowercase();
    let alone = word.chars().all(|c| "ubrft".contains(c) && word.matches(c).count() == 1);
    let pairs = [('u', 'b'), ('u', 'r'), ('u', 'f'), ('u', 't'), ('b', 'f'), ('b', 't'), ('f', 't')];
    let (a, b) = pairs.into_iter().find(|(a, b)| word.contains(*a) && word.contains(*b)).filter(|_| alone)?;
    Some((format!("'{a}' and '{b}' prefixes are incompatible"), s, s + word.len() as u32))
}

/// `'a' b 'c'`.
fn between_strings(tokens: &[Token], i: usize) -> Option<Found> {
    let end = expression_end(tokens, i);
    let strings = tokens.get(i.checked_sub(1)?)?.kind() == TokenKind::String && tokens.get(end)?.kind() == TokenKind::String && tokens[i].kind() != TokenKind::String;
    (strings && end > i).then(|| ("invalid syntax. Is this intended to be part of the string?".into(), tokens[i].start().to_u32(), tokens[end - 1].end().to_u32()))
}

/// `import a from b`.
fn import_from(tokens: &[Token], i: usize) -> Option<Found> {
    let first = line_start(tokens, i);
    if tokens[i].kind() != TokenKind::From || tokens[first].kind() != TokenKind::Import {
        return None;
    }
    let names = tokens[i + 1..].iter().take_while(|t| matches!(t.kind(), TokenKind::Name | TokenKind::Dot)).count();
    // CPython's place goes to where its tokenizer is.
    let last = tokens[i + names].end().to_u32();
    let end = tokens.get(i + names + 1).filter(|t| t.kind() == TokenKind::As).map_or(last, |t| t.end().to_u32() - 1);
    (names > 0).then(|| ("Did you mean to use 'from ... import ...' instead?".into(), tokens[first].start().to_u32(), end))
}

/// `1 + not x`.
fn not_behind_operator(tokens: &[Token], i: usize) -> Option<Found> {
    use TokenKind::{And, At, DoubleSlash, Else, For, If, In, Is, Minus, Not, Or, Percent, Plus, Slash, Star, Tilde};
    let before = tokens.get(i.checked_sub(1)?)?.kind();
    if tokens[i].kind() != Not || !matches!(before, Plus | Minus | Star | Slash | Percent | DoubleSlash | At | Tilde) {
        return None;
    }
    // A star may begin an argument.
    if before == Star && tokens.get(i.wrapping_sub(2)).is_none_or(|t| opens(t.kind()) || t.kind() == TokenKind::Comma) {
        return None;
    }
    let end = expression_end(tokens, i);
    let mut depth = 0;
    let stop = tokens[i + 1..end].iter().position(|t| {
        depth += i32::from(opens(t.kind())) - i32::from(closes(t.kind()));
        depth == 0 && matches!(t.kind(), And | Or | If | Else | For | In | Is)
    });
    let last = stop.map_or(end, |n| i + 1 + n).checked_sub(1).filter(|l| *l > i)?;
    Some(("'not' after an operator must be parenthesized".into(), tokens[i].start().to_u32(), tokens[last].end().to_u32()))
}

/// `for x < y` and `[x for x if y]`: what follows the variables is no `in`.
fn loop_without_in(tokens: &[Token], i: usize) -> Option<Found> {
    use TokenKind::{And, EqEqual, For, Greater, GreaterEqual, If, In, Is, Less, LessEqual, Newline, Not, NotEqual, Or};
    let first = (0..=i).rev().find(|n| tokens[*n].kind() == For || tokens[*n].kind() == Newline).filter(|n| tokens[*n].kind() == For)?;
    let (mut depth, mut inside) = (0, 0);
    for t in &tokens[..first] {
        inside += i32::from(opens(t.kind())) - i32::from(closes(t.kind()));
    }
    for t in &tokens[first + 1..] {
        depth += i32::from(opens(t.kind())) - i32::from(closes(t.kind()));
        if depth < 0 || depth == 0 && matches!(t.kind(), In | Newline | TokenKind::Colon) {
            return None;
        }
        if depth == 0 && matches!(t.kind(), If | Less | Greater | EqEqual | NotEqual | LessEqual | GreaterEqual | Not | Is | And | Or) {
            let (s, e) = place(t);
            let message = if inside > 0 { "'in' expected after for-loop variables" } else { "invalid syntax" };
            return Some((message.into(), s, e));
        }
    }
    None
}

/// What stands behind `as` and is no name: in imports, patterns and `except`.
fn bound_to(source: &str, tokens: &[Token], i: usize) -> Option<Found> {
    let first = line_start(tokens, i);
    let text = |t: &Token| &source[t.start().to_usize()..t.end().to_usize()];
    let word = text(tokens.get(first)?);
    if !matches!(word, "import" | "from" | "case" | "except") {
        return None;
    }
    let bound = (first..=i).rev().find(|n| tokens[*n].kind() == TokenKind::As)?;
    let end = expression_end(tokens, bound + 1);
    let (from, last) = (tokens.get(bound + 1).filter(|_| end > bound + 1)?, &tokens[end - 1]);
    if !may_begin(from.kind()) || end == bound + 2 && from.kind() == TokenKind::Name || i >= end || from.kind().is_soft_keyword() {
        return None;
    }
    let what = describe(&source[from.start().to_usize()..last.end().to_usize()]);
    let said = match word {
        "except" => format!("cannot use except statement with {what}"),
        "case" => format!("cannot use {what} as pattern target"),
        _ => format!("cannot use {what} as import target"),
    };
    Some((said, from.start().to_u32(), last.end().to_u32()))
}

/// `f(*a=1)`, `f(lambda: x = 1)`, `f(a.b := 1)`.
fn argument(tokens: &[Token], i: usize) -> Option<Found> {
    // A failure at a bracket is one in front of it.
    let group = bracket(tokens, tokens[i].start().to_u32()).filter(|g| is_call(tokens, *g))?;
    let mut depth = 0;
    let first = (group + 1..i)
        .rev()
        .find(|n| {
            depth += i32::from(closes(tokens[*n].kind())) - i32::from(opens(tokens[*n].kind()));
            depth == 0 && tokens[*n].kind() == TokenKind::Comma
        })
        .map_or(group + 1, |n| n + 1);
    let kind = tokens.get(first)?.kind();
    let unpacks = matches!(kind, TokenKind::Star | TokenKind::DoubleStar);
    let mut sign = expression_end(tokens, first + usize::from(unpacks));
    if kind == TokenKind::Lambda {
        // Its colon does not end it.
        while tokens.get(sign).is_some_and(|t| matches!(t.kind(), TokenKind::Comma | TokenKind::Colon)) {
            let colon = tokens[sign].kind() == TokenKind::Colon;
            sign = expression_end(tokens, sign + 1);
            if colon {
                break;
            }
        }
    }
    let equal = tokens.get(sign)?;
    let start = tokens[first].start().to_u32();
    match equal.kind() {
        TokenKind::ColonEqual if sign > first + 1 && tokens[first + 1..sign].iter().any(|t| t.kind() == TokenKind::Dot) => {
            let (s, e) = place(equal);
            Some(("invalid syntax".into(), s, e))
        }
        TokenKind::Equal if unpacks => {
            let end = expression_end(tokens, sign + 1).max(sign + 1);
            let what = if kind == TokenKind::Star { "iterable argument" } else { "keyword argument" };
            Some((format!("cannot assign to {what} unpacking"), start, tokens[end - 1].end().to_u32()))
        }
        TokenKind::Equal if kind == TokenKind::Lambda => Some(("expression cannot contain assignment, perhaps you meant \"==\"?".into(), start, equal.end().to_u32())),
        _ => None,
    }
}

/// Parameters that have no names, and slashes that stand wrong.
fn parameter(tokens: &[Token], i: usize) -> Option<Found> {
    use TokenKind::{Comma, Def, DoubleStar, False, Lambda, Lpar, None as NoneWord, Rsqb, Slash, Star, True};
    let here = &tokens[i];
    if i >= 2 && tokens[i - 1].kind() == Rsqb && !matches!(here.kind(), Lpar) {
        // Behind the type parameters of a function.
        let mut depth = 0;
        let open = (0..i).rev().find(|n| {
            depth += i32::from(closes(tokens[*n].kind())) - i32::from(opens(tokens[*n].kind()));
            depth == 0
        })?;
        if open >= 2 && tokens[open - 2].kind() == Def {
            let (s, e) = place(here);
            return Some(("expected '('".into(), s, e));
        }
    }
    let group = bracket(tokens, here.start().to_u32());
    let defined = group.is_some_and(|g| tokens[g].kind() == Lpar && g >= 2 && tokens[g - 2].kind() == Def);
    let lambda = tokens[..i].iter().rposition(|t| t.kind() == Lambda).filter(|l| !tokens[*l..i].iter().any(|t| t.kind() == TokenKind::Colon));
    if !defined && lambda.is_none() {
        return None;
    }
    let mut at = i;
    // The parser may have stopped at the star.
    if matches!(tokens[at].kind(), Star | DoubleStar) {
        at += 1;
    }
    let before = tokens.get(at.checked_sub(1)?)?.kind();
    let (s, e) = place(tokens.get(at)?);
    if matches!(tokens[at].kind(), NoneWord | True | False) && matches!(before, Lpar | Comma | Star | DoubleStar | Lambda) {
        return Some(("invalid syntax".into(), s, e));
    }
    if here.kind() == Slash && tokens.get(i + 1).is_some_and(|t| t.kind() == Comma) && matches!(tokens.get(i.checked_sub(1)?)?.kind(), Lpar | Lambda) {
        let (s, e) = place(here);
        return Some(("at least one argument must precede /".into(), s, e));
    }
    let slash = [i, i.checked_sub(1)?].into_iter().find(|n| tokens[*n].kind() == Slash && tokens.get(*n + 1).is_some_and(|t| t.kind() == Star));
    slash.map(|n| {
        let (s, e) = place(&tokens[n + 1]);
        ("expected comma between / and *".into(), s, e)
    })
}

/// Stars in slices and annotations.
fn star(tokens: &[Token], i: usize) -> Option<Found> {
    use TokenKind::{Colon, Lbrace, Lpar, Lsqb, Star};
    let here = &tokens[i];
    let group = bracket(tokens, here.start().to_u32());
    let (s, e) = place(here);
    if here.kind() == Colon && i > 0 && group.is_some_and(|g| tokens[g].kind() != Lbrace) {
        let g = group?;
        let direct = tokens[i - 1].kind() == Star && tokens.get(i.wrapping_sub(2)).is_some_and(|t| opens(t.kind()) || t.kind() == TokenKind::Comma);
        let wrapped = tokens[g].kind() == Lpar && g > 0 && tokens[g - 1].kind() == Star && bracket(tokens, tokens[g].start().to_u32()).is_some_and(|o| tokens[o].kind() == Lsqb);
        if direct || wrapped {
            return Some(("Invalid star expression".into(), s, e));
        }
    }
    if here.kind() == Star {
        if group.is_some_and(|g| tokens[g].kind() == Lbrace || g > 0 && before_field(tokens[g - 1].kind())) {
            return None;
        }
        let end = expression_end(tokens, i + 1);
        let behind = tokens.get(end).filter(|t| t.kind() == Colon && group.is_some() && end > i + 1);
        if let Some(colon) = behind {
            let (s, e) = place(colon);
            return Some(("invalid syntax".into(), s, e));
        }
        return (i > 0 && tokens[i - 1].kind() == Colon).then(|| ("invalid syntax".into(), s, e));
    }
    // `x[:*]`
    let before = tokens.get(i.checked_sub(1)?)?;
    let empty = before.kind() == Star && closes(here.kind()) && tokens.get(i.wrapping_sub(2)).is_some_and(|t| t.kind() == Colon);
    empty.then(|| ("invalid syntax".into(), before.start().to_u32(), before.end().to_u32()))
}

/// `f((x)=1)`, which looks like a keyword: the name and the sign.
pub fn bracketed_keyword(all: &Tokens) -> Option<Found> {
    use TokenKind::{Comma, Equal, Lpar, Name, Rpar};
    let mut recent = [TokenKind::Newline; 4];
    let mut depth = 0;
    let mut name = 0;
    for t in all.iter().filter(|t| !matches!(t.kind(), TokenKind::Comment | TokenKind::NonLogicalNewline)) {
        if t.kind() == Equal && depth > 0 && matches!(recent, [Lpar | Comma, Lpar, Name, Rpar]) {
            return Some(("expression cannot contain assignment, perhaps you meant \"==\"?".into(), name, t.end().to_u32()));
        }
        if t.kind() == Name {
            name = t.start().to_u32();
        }
        depth += i32::from(opens(t.kind())) - i32::from(closes(t.kind()));
        recent.rotate_left(1);
        recent[3] = t.kind();
    }
    None
}

/// Where the value ends that is compared with an `=` by mistake: in front of any operator that binds less than `|`.
pub fn operand_end(tokens: &[Token], from: usize) -> usize {
    use TokenKind::{And, EqEqual, Greater, GreaterEqual, If, In, Is, Less, LessEqual, Not, NotEqual, Or};
    let end = expression_end(tokens, from);
    let mut depth = 0;
    let stop = tokens[from..end].iter().position(|t| {
        depth += i32::from(opens(t.kind())) - i32::from(closes(t.kind()));
        depth == 0 && matches!(t.kind(), And | Or | If | In | Is | Not | Less | Greater | EqEqual | NotEqual | LessEqual | GreaterEqual)
    });
    stop.map_or(end, |n| from + n)
}

/// A walrus whose value is followed by a colon, in a dict or a slice: the colon.
pub fn colon_behind_walrus(all: &Tokens, at: u32) -> Option<Found> {
    let tokens = listed(all);
    let sign = tokens.iter().position(|t| t.end().to_u32() > at).and_then(|i| (i..tokens.len().min(i + 3)).find(|n| tokens[*n].kind() == TokenKind::ColonEqual))?;
    let colon = tokens.get(expression_end(&tokens, sign + 1)).filter(|t| t.kind() == TokenKind::Colon)?;
    let open = bracket(&tokens, colon.start().to_u32())?;
    let first = expression_start(&tokens, sign);
    (matches!(tokens[open].kind(), TokenKind::Lbrace | TokenKind::Lsqb) && first > open).then(|| ("invalid syntax".into(), colon.start().to_u32(), colon.end().to_u32()))
}
