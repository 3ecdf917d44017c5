//! Tokens as the rules for sentences look at them.

use ruff_python_ast::token::{Token, TokenKind, Tokens};

/// All tokens but comments and line ends inside of brackets.
pub fn listed(all: &Tokens) -> Vec<Token> {
    all.iter().filter(|t| !matches!(t.kind(), TokenKind::Comment | TokenKind::NonLogicalNewline)).copied().collect()
}
pub fn opens(kind: TokenKind) -> bool {
    matches!(kind, TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace)
}
pub fn closes(kind: TokenKind) -> bool {
    matches!(kind, TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace)
}
/// Whether a brace behind such a token opens a field of an f-string or t-string.
pub fn before_field(kind: TokenKind) -> bool {
    matches!(kind, TokenKind::FStringStart | TokenKind::FStringMiddle | TokenKind::TStringStart | TokenKind::TStringMiddle)
}
