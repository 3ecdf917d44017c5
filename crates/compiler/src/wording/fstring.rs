//! Errors inside of f-strings and t-strings.

use super::Found;
use ruff_python_ast::token::{Token, TokenKind, Tokens};
use ruff_python_parser::InterpolatedStringErrorType as E;
use ruff_text_size::Ranged;

/// What is said of an error that the parser knows for one of these strings. The flag: the end is not shown.
pub fn known(source: &str, tokens: &Tokens, kind: &E, word: &str, start: u32, end: u32) -> (Found, bool) {
    let rest = &source[(start as usize).min(source.len())..];
    match kind {
        E::InvalidConversionFlag => {
            let token = tokens.iter().find(|t| t.start().to_u32() >= start);
            let text = token.map_or("", |t| &source[t.start().to_usize()..t.end().to_usize()]);
            let (s, e) = token.map_or((start, end), |t| (t.start().to_u32(), t.end().to_u32()));
            if text.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_') {
                ((format!("{word}: invalid conversion character '{text}': expected 's', 'r', or 'a'"), s, e), false)
            } else if rest.starts_with(['}', ':']) {
                ((format!("{word}: missing conversion character"), s, e), false)
            } else {
                ((format!("{word}: invalid conversion character"), s, e), false)
            }
        }
        E::ConversionFlagNotImmediatelyAfterExclamation => {
            let mark = source[..start as usize].rfind('!').map_or(start, |i| i as u32);
            let flag = tokens.iter().find(|t| t.start().to_u32() > mark && t.end().to_u32() > start).map_or(end, |t| t.end().to_u32());
            ((format!("{word}: conversion type must come right after the exclamation mark"), mark, flag.max(start + 1)), false)
        }
        E::SingleRbrace => ((format!("{word}: single '}}' is not allowed"), start, start), true),
        E::LambdaWithoutParentheses if sign_before(tokens, start).is_some() => {
            let (s, e) = sign_before(tokens, start).unwrap_or((start, end));
            ((format!("{word}: expecting a valid expression after '{{'"), s, e), false)
        }
        E::LambdaWithoutParentheses => ((format!("{word}: lambda expressions are not allowed without parentheses"), start, end), false),
        E::NewlineInFormatSpec => ((format!("{word}: newlines are not allowed in format specifiers for single quoted {word}s"), start + 1, start + 1), true),
        E::UnclosedLbrace => unclosed(source, tokens, word, start),
        E::UnterminatedString | E::UnterminatedTripleQuotedString => {
            let triple = matches!(kind, E::UnterminatedTripleQuotedString);
            let opening = tokens.iter().rfind(|t| matches!(t.kind(), TokenKind::FStringStart | TokenKind::TStringStart) && t.start().to_u32() <= start);
            let s = opening.map_or(start, |t| t.start().to_u32());
            // A field that is still open is what CPython misses first.
            let open = opening.is_some_and(|o| depth_since(tokens, o, source.len() as u32) > 0);
            if open {
                return ((format!("{word}: expecting '}}'"), start, start), true);
            }
            let line = if triple { super::last_line(source) } else { source[..s as usize].matches('\n').count() + 1 };
            let what = if triple { "triple-quoted " } else { "" };
            ((format!("unterminated {what}{word} literal (detected at line {line})"), s, s), true)
        }
    }
}

/// The beginning of an f-string around a place, where no string may stand: behind `from`, `class`, a dot and the like.
pub fn misplaced(tokens: &Tokens, at: u32) -> Option<(u32, u32)> {
    use TokenKind::{As, Class, Def, Dot, FStringEnd, FStringStart, From, Global, Import, Nonlocal, TStringEnd, TStringStart};
    let mut depth = 0;
    for t in tokens.iter().filter(|t| t.start().to_u32() <= at).rev() {
        match t.kind() {
            FStringEnd | TStringEnd if t.end().to_u32() <= at => depth += 1,
            FStringStart | TStringStart if depth > 0 => depth -= 1,
            FStringStart | TStringStart => {
                let before = tokens.iter().rfind(|b| b.end() <= t.start())?;
                let bare = matches!(before.kind(), As | Class | Def | Dot | From | Global | Import | Nonlocal);
                let raised = before.kind() == From
                    && tokens
                        .iter()
                        .rfind(|b| b.end() <= before.start())
                        .is_some_and(|b| !matches!(b.kind(), TokenKind::Newline | TokenKind::Indent | TokenKind::Dedent | TokenKind::Semi));
                return (bare && !raised).then(|| (t.start().to_u32(), t.end().to_u32()));
            }
            TokenKind::Newline => return None,
            _ => {}
        }
    }
    None
}

/// The sign between the brace that opens a field and what stands at a place.
fn sign_before(tokens: &Tokens, at: u32) -> Option<(u32, u32)> {
    let mut before = tokens.iter().filter(|t| t.end().to_u32() <= at).rev();
    let sign = before.next().filter(|t| matches!(t.kind(), TokenKind::Plus | TokenKind::Minus | TokenKind::Tilde | TokenKind::Not))?;
    before.next().filter(|t| t.kind() == TokenKind::Lbrace).map(|_| (sign.start().to_u32(), sign.end().to_u32()))
}

/// An escape that means nothing, in the part of such a string that a place is in. What is marked is what follows that part.
pub fn escape(source: &str, tokens: &Tokens, at: u32) -> Option<Found> {
    let strings = |t: &&Token| matches!(t.kind(), TokenKind::FStringStart | TokenKind::TStringStart | TokenKind::FStringEnd | TokenKind::TStringEnd);
    let opening = tokens.iter().filter(strings).rfind(|t| t.start().to_u32() < at)?;
    if !matches!(opening.kind(), TokenKind::FStringStart | TokenKind::TStringStart) {
        return None;
    }
    let sign = &source[opening.start().to_usize()..opening.end().to_usize()];
    let quotes = sign.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    if sign.to_ascii_lowercase().contains('r') {
        return None;
    }
    // The part begins behind the opening or the field before.
    let field = tokens.iter().rfind(|t| t.kind() == TokenKind::Rbrace && t.end().to_u32() <= at && t.start() >= opening.end());
    let from = field.map_or(opening.end(), |t| t.end()).to_usize();
    let mut to = from;
    let bytes = source.as_bytes();
    while to < bytes.len() && !source[to..].starts_with(quotes) {
        match bytes[to] {
            b'\\' if source[to..].starts_with("\\N{") => to += 3,
            b'\\' => to += 1 + source[to + 1..].chars().next().map_or(0, char::len_utf8),
            b'{' if bytes.get(to + 1) == Some(&b'{') => to += 2,
            b'{' => break,
            _ => to += source[to..].chars().next().map_or(1, char::len_utf8),
        }
    }
    let to = to.min(source.len());
    let (first, last, reason) = super::literal::bad_escape(&source[from..to])?;
    let width = if source[to..].starts_with(quotes) { quotes.len() } else { 1 };
    Some((format!("(unicode error) 'unicodeescape' codec can't decode bytes in position {first}-{last}: {reason}"), to as u32, (to + width) as u32))
}

/// What is missing in a field that the parser found unclosed at a place.
fn unclosed(source: &str, tokens: &Tokens, word: &str, at: u32) -> (Found, bool) {
    let listed: Vec<&Token> = tokens.iter().filter(|t| !matches!(t.kind(), TokenKind::Comment | TokenKind::NonLogicalNewline)).collect();
    let plain = ((format!("{word}: expecting '}}'"), at, at), true);
    let Some(i) = listed.iter().position(|t| t.start().to_u32() >= at) else { return plain };
    let here = listed[i];
    let place = (here.start().to_u32(), here.end().to_u32());
    // What stands in the field before: its conversion, its format, its sign of debugging.
    let mut depth = 0;
    let (mut conversion, mut format) = (false, false);
    for t in listed[..i].iter().rev() {
        match t.kind() {
            TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace => depth += 1,
            TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace if depth > 0 => depth -= 1,
            TokenKind::Lbrace => break,
            TokenKind::Exclamation if depth == 0 => conversion = true,
            TokenKind::Colon if depth == 0 => format = true,
            _ => {}
        }
    }
    let quote = matches!(here.kind(), TokenKind::FStringEnd | TokenKind::TStringEnd);
    if format {
        return if quote { ((format!("{word}: expecting '}}', or format specs"), place.0, place.1), false) } else { plain };
    }
    if quote {
        // Letters before the quote belong to it: they would begin another string.
        let letters = listed[..i].last().filter(|t| t.end() == here.start() && t.kind() == TokenKind::Name);
        let prefix =
            letters.filter(|t| matches!(source[t.start().to_usize()..t.end().to_usize()].to_ascii_lowercase().as_str(), "r" | "b" | "u" | "f" | "t" | "rb" | "br" | "fr" | "rf"));
        return prefix.map_or(plain, |t| ((format!("{word}: expecting '}}'"), t.start().to_u32(), t.start().to_u32()), true));
    }
    let debug = listed[..i].last().is_some_and(|t| t.kind() == TokenKind::Equal);
    let what = match () {
        () if conversion => "':' or '}'",
        () if debug => "'!', or ':', or '}'",
        () => "'=', or '!', or ':', or '}'",
    };
    ((format!("{word}: expecting {what}"), place.0, place.1), false)
}

/// Fields may stand in the formats of fields, and so on, but not deeper than this.
const FIELDS_MAX: usize = 3;

/// And so may strings stand in fields of strings.
const STRINGS_MAX: usize = 149;

/// Where a string stands too deep in the fields of others, or a field in their formats: what is said, and the place.
pub fn too_deep(tokens: &Tokens) -> Option<(String, u32)> {
    // Of each string that is open: its kind, and of each brace whether it opens a field.
    let mut open: Vec<(&'static str, Vec<bool>)> = Vec::new();
    let mut before = None;
    for t in tokens.iter() {
        match t.kind() {
            TokenKind::FStringStart | TokenKind::TStringStart if open.len() >= STRINGS_MAX => {
                return Some(("too many nested f-strings or t-strings".to_string(), t.start().to_u32() + 1));
            }
            TokenKind::FStringStart => open.push(("f-string", Vec::new())),
            TokenKind::TStringStart => open.push(("t-string", Vec::new())),
            TokenKind::FStringEnd | TokenKind::TStringEnd => _ = open.pop(),
            TokenKind::Lbrace => {
                if let Some((word, braces)) = open.last_mut() {
                    let in_format = before == Some(TokenKind::Colon) && braces.last() == Some(&true);
                    let field = in_format || before.is_some_and(super::tokens::before_field);
                    braces.push(field);
                    if field && braces.len() > FIELDS_MAX {
                        return Some((format!("{word}: expressions nested too deeply"), t.start().to_u32().saturating_sub(1)));
                    }
                }
            }
            TokenKind::Rbrace => {
                if let Some((_, braces)) = open.last_mut() {
                    braces.pop();
                }
            }
            _ => {}
        }
        before = Some(t.kind());
    }
    None
}

/// Whether a place is inside of an f-string or t-string.
pub fn is_inside(tokens: &Tokens, at: u32) -> bool {
    let depth = |t: &Token| match t.kind() {
        TokenKind::FStringStart | TokenKind::TStringStart => 1,
        TokenKind::FStringEnd | TokenKind::TStringEnd => -1,
        _ => 0,
    };
    tokens.iter().take_while(|t| t.start().to_u32() < at).map(depth).sum::<i32>() > 0
}

/// Whether a brace opens a field of an f-string.
pub fn opens_field(tokens: &Tokens, brace: u32) -> bool {
    let before = tokens.iter().rfind(|t| t.end().to_u32() <= brace && t.start().to_u32() < brace);
    before.is_some_and(|t| super::tokens::before_field(t.kind()))
}

/// Whether the string that begins at a place and never ends is the closing quote of an f-string with an open field.
pub fn is_closing_quote(source: &str, tokens: &Tokens, at: u32) -> bool {
    let mut open: Vec<&Token> = Vec::new();
    for t in tokens.iter().take_while(|t| t.start().to_u32() < at) {
        match t.kind() {
            TokenKind::FStringStart => open.push(t),
            TokenKind::FStringEnd => {
                open.pop();
            }
            _ => {}
        }
    }
    let Some(outer) = open.last() else { return false };
    let quotes = |text: &str| {
        let text = text.trim_start_matches(|c: char| c.is_ascii_alphabetic());
        (text.chars().next(), text.starts_with("\"\"\"") || text.starts_with("'''"))
    };
    quotes(&source[outer.start().to_usize()..]) == quotes(&source[at as usize..])
}

fn depth_since(tokens: &Tokens, opening: &Token, until: u32) -> i32 {
    tokens
        .iter()
        .filter(|t| t.start() >= opening.end() && t.start().to_u32() < until)
        .map(|t| match t.kind() {
            TokenKind::Lbrace => 1,
            TokenKind::Rbrace => -1,
            _ => 0,
        })
        .sum()
}

/// What is said when the parser tripped over the token at `at` inside of a field; `None` outside of fields.
pub fn field(source: &str, tokens: &Tokens, at: u32) -> Option<Found> {
    // The open brackets before the token, and whether each opens a field.
    let mut stack: Vec<(TokenKind, bool)> = Vec::new();
    let mut word = "f-string";
    let mut previous: Option<Token> = None;
    let mut here = None;
    for t in tokens.iter().filter(|t| !matches!(t.kind(), TokenKind::Comment | TokenKind::NonLogicalNewline)) {
        if t.start().to_u32() >= at {
            here = Some(*t);
            break;
        }
        match t.kind() {
            TokenKind::FStringStart => {
                stack.push((t.kind(), false));
                word = "f-string";
            }
            TokenKind::TStringStart => {
                stack.push((t.kind(), false));
                word = "t-string";
            }
            TokenKind::Lbrace => {
                let opens_field = stack.last().is_some_and(|(k, field)| {
                    matches!(k, TokenKind::FStringStart | TokenKind::TStringStart)
                        || *field && previous.is_some_and(|p| matches!(p.kind(), TokenKind::Colon | TokenKind::FStringMiddle))
                });
                stack.push((TokenKind::Lbrace, opens_field));
            }
            TokenKind::Lpar | TokenKind::Lsqb => stack.push((t.kind(), false)),
            TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace | TokenKind::FStringEnd | TokenKind::TStringEnd => {
                stack.pop();
            }
            _ => {}
        }
        previous = Some(*t);
    }
    let (previous, here) = (previous?, here?);
    if !stack.last().is_some_and(|(_, field)| *field) {
        return None;
    }
    let (s, e) = (here.start().to_u32(), here.end().to_u32());
    let text = &source[s as usize..e as usize];
    if matches!(here.kind(), TokenKind::FStringEnd | TokenKind::TStringEnd) && previous.kind() == TokenKind::Lbrace {
        return Some((format!("{word}: expecting '}}'"), s, s));
    }
    if previous.kind() == TokenKind::Lbrace {
        return Some(match text {
            "}" | "!" | ":" | "=" => (format!("{word}: valid expression required before '{text}'"), s, e),
            _ => (format!("{word}: expecting a valid expression after '{{'"), s, e),
        });
    }
    if matches!(here.kind(), TokenKind::FStringEnd | TokenKind::TStringEnd) {
        return Some((format!("{word}: expecting '}}'"), s, s));
    }
    // A sign with nothing behind it is no expression at all.
    let alone = matches!(previous.kind(), TokenKind::Plus | TokenKind::Minus | TokenKind::Tilde | TokenKind::Not | TokenKind::Lambda | TokenKind::Await);
    if alone && tokens.iter().rfind(|t| t.end() <= previous.start() && t.start() < previous.start()).is_some_and(|t| t.kind() == TokenKind::Lbrace) {
        return Some((format!("{word}: expecting a valid expression after '{{'"), previous.start().to_u32(), previous.end().to_u32()));
    }
    if previous.kind() == TokenKind::Star {
        return Some((format!("{word}: expecting a valid expression after '{{'"), previous.start().to_u32(), previous.end().to_u32()));
    }
    // A lambda takes the colon for its own.
    let lambda = tokens.iter().rfind(|t| t.start().to_u32() < at && t.kind() == TokenKind::Lambda);
    if let Some(l) = lambda
        && !source[l.end().to_usize()..s as usize].contains(['(', '{'])
    {
        if let Some((s, e)) = sign_before(tokens, l.start().to_u32()) {
            return Some((format!("{word}: expecting a valid expression after '{{'"), s, e));
        }
        return Some((format!("{word}: lambda expressions are not allowed without parentheses"), l.start().to_u32(), s));
    }
    // An operator without its right side ends the expression before it.
    let word_operator = matches!(previous.kind(), TokenKind::If | TokenKind::Else | TokenKind::And | TokenKind::Or | TokenKind::In | TokenKind::Is | TokenKind::Not);
    let operator = word_operator || previous.kind().is_operator() && !matches!(previous.kind(), TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace);
    let (s, e) = if operator { (previous.start().to_u32(), previous.end().to_u32()) } else { (s, e) };
    Some((format!("{word}: expecting '=', or '!', or ':', or '}}'"), s, e))
}
