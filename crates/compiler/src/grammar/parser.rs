//! The machine that the rules of the grammar run on: tokens as far as they were asked for, what was read already, the
//! first refusal. Rules give what they match, or nothing, with the place where it was; after a refusal nothing matches.

use super::refusal::{End, Refusal, never_closed, place};
use super::tokenizer::{Done, Kind, Token, Tokenizer};
use crate::error::ErrorKind;
use rustc_hash::FxHashMap;

/// Bytes of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub start: usize,
    pub end: usize,
}

/// What an expression is, as far as sentences tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Is {
    Attribute,
    Subscript,
    Starred,
    Name,
    List,
    Tuple,
    Lambda,
    Call,
    Operation,
    Generator,
    Yield,
    Await,
    ListComprehension,
    SetComprehension,
    DictComprehension,
    Dict,
    Set,
    FString,
    TString,
    None,
    True,
    False,
    Ellipsis,
    Literal,
    /// A comparison; whether its first operator is `in`.
    Comparison(bool),
    Conditional,
    Walrus,
    /// An argument `name=value`; `**mapping`.
    Keyword,
    Mapping,
    /// What has no name: parts of statements.
    Other,
}

impl Is {
    pub fn name(self) -> &'static str {
        match self {
            Is::Attribute => "attribute",
            Is::Subscript => "subscript",
            Is::Starred => "starred",
            Is::Name => "name",
            Is::List => "list",
            Is::Tuple => "tuple",
            Is::Lambda => "lambda",
            Is::Call => "function call",
            Is::Operation => "expression",
            Is::Generator => "generator expression",
            Is::Yield => "yield expression",
            Is::Await => "await expression",
            Is::ListComprehension => "list comprehension",
            Is::SetComprehension => "set comprehension",
            Is::DictComprehension => "dict comprehension",
            Is::Dict => "dict literal",
            Is::Set => "set display",
            Is::FString => "f-string expression",
            Is::TString => "t-string expression",
            Is::None => "None",
            Is::True => "True",
            Is::False => "False",
            Is::Ellipsis => "ellipsis",
            Is::Comparison(_) => "comparison",
            Is::Conditional => "conditional expression",
            Is::Walrus => "named expression",
            Is::Literal | Is::Keyword | Is::Mapping | Is::Other => "literal",
        }
    }
}

/// A matched part, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node(u32);

impl Node {
    /// A part that nobody asks about.
    pub const NONE: Node = Node(u32::MAX);
}

struct Matched {
    is: Is,
    span: Span,
    parts: Box<[Node]>,
}

/// Rules whose results are kept (`memo` in CPython's grammar).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    SimpleStatement,
    Block,
    Expression,
    StarExpression,
    Disjunction,
    Conjunction,
    Inversion,
    BitwiseOr,
    BitwiseXor,
    BitwiseAnd,
    Shift,
    Sum,
    Term,
    Factor,
    AwaitPrimary,
    Primary,
    Strings,
    Arguments,
    NamedExpressionRefused,
    StarTarget,
    TargetWithStarAtom,
    TargetPrimary,
    DeletedTarget,
    ClosedPattern,
    StarPattern,
    NameOrAttribute,
    TypeParameter,
}

pub type Match<T> = Option<T>;

pub struct Parser<'s> {
    pub tokenizer: Tokenizer<'s>,
    pub tokens: Vec<Token>,
    pub at: usize,
    nodes: Vec<Matched>,
    memo: FxHashMap<(Rule, usize), (Option<Node>, usize)>,
    /// What is wrong; nothing matches any more.
    pub refusal: Option<Box<Refusal>>,
    /// Rules that only say what is wrong are tried.
    pub wary: bool,
    /// Interactive: the end of the text ends the statement, and its blocks if they may end so.
    single: Option<bool>,
    begun: bool,
    /// `<>` stands for `!=`.
    pub barry: bool,
    /// Decimal literals of more digits are refused; 0: none are.
    pub digits_max: usize,
    depth: usize,
    /// Rules that may still be tried.
    fuel: u64,
    /// Reading was given up: the source is too deep, or wariness led round and round.
    pub gave_up: bool,
}

/// Rules inside of each other; CPython's parser takes fewer.
const DEPTH_MAX: usize = 60_000;

/// Tries one alternative; the next is tried where it did not match.
macro_rules! alternative {
    ($p:ident, $body:expr) => {{
        let mark = $p.at;
        let mut attempt = || $body;
        let matched = attempt();
        if matched.is_some() {
            return matched;
        }
        if $p.stopped() {
            return None;
        }
        $p.at = mark;
    }};
}
pub(super) use alternative;

impl<'s> Parser<'s> {
    /// `single`: an interactive statement; whether the end of the text ends its blocks.
    pub fn new(text: &'s str, single: Option<bool>) -> Parser<'s> {
        Parser {
            tokenizer: Tokenizer::new(text),
            tokens: Vec::new(),
            at: 0,
            nodes: Vec::new(),
            memo: FxHashMap::default(),
            refusal: None,
            wary: false,
            single,
            begun: false,
            barry: false,
            digits_max: 0,
            depth: 0,
            fuel: u64::MAX,
            gave_up: false,
        }
    }
    /// From the beginning again, warily.
    pub fn again(&mut self) {
        self.at = 0;
        self.wary = true;
        self.memo.clear();
        self.nodes.clear();
        // Rules of wariness may try a place again and again.
        self.fuel = (1 << 22) + 4000 * self.tokens.len() as u64;
    }
    pub fn stopped(&self) -> bool {
        self.refusal.is_some() || self.gave_up
    }
    pub fn text_of(&self, span: Span) -> &'s str {
        self.tokenizer.text.get(span.start..span.end).unwrap_or("")
    }

    // ---- tokens

    fn fill(&mut self) -> Match<()> {
        match self.tokenizer.read() {
            Ok(mut token) => {
                if self.single.is_some() && token.kind == Kind::EndOfText && self.begun {
                    token.kind = Kind::Newline;
                    self.begun = false;
                    if self.single == Some(true) && self.tokenizer.depth() > 0 {
                        self.tokenizer.end_blocks();
                    }
                } else {
                    self.begun = true;
                }
                self.tokens.push(token);
                Some(())
            }
            Err(refusal) => {
                self.tokens.push(Token {
                    kind: Kind::Error,
                    start: self.tokenizer.at,
                    end: self.tokenizer.at,
                    line: self.tokenizer.line,
                    placed: true,
                    level: self.tokenizer.level(),
                    template: false,
                });
                self.refusal = Some(refusal);
                None
            }
        }
    }
    /// The token that comes next.
    pub fn next(&mut self) -> Match<Token> {
        if self.stopped() {
            return None;
        }
        if self.at >= self.tokens.len() {
            self.fill()?;
        }
        self.tokens.get(self.at).copied()
    }
    fn take(&mut self, token: Token) -> Match<Span> {
        self.at += 1;
        Some(Span { start: token.start, end: token.end })
    }
    /// An operator or keyword.
    pub fn expect(&mut self, text: &str) -> Match<Span> {
        let t = self.next()?;
        let fits = matches!(t.kind, Kind::Operator | Kind::Keyword) && self.tokenizer.text.get(t.start..t.end) == Some(text);
        if fits { self.take(t) } else { None }
    }
    pub fn any_of(&mut self, texts: &[&str]) -> Match<Span> {
        texts.iter().find_map(|t| self.expect(t))
    }
    /// A name that is a keyword here only.
    pub fn soft(&mut self, text: &str) -> Match<Span> {
        let t = self.next()?;
        if t.kind == Kind::Name && self.tokenizer.text.get(t.start..t.end) == Some(text) { self.take(t) } else { None }
    }
    pub fn kind(&mut self, kind: Kind) -> Match<Span> {
        let t = self.next()?;
        if t.kind == kind { self.take(t) } else { None }
    }
    pub fn newline(&mut self) -> Match<Span> {
        self.kind(Kind::Newline)
    }
    /// A name that is no keyword.
    pub fn name(&mut self) -> Match<Node> {
        let first = self.at;
        self.kind(Kind::Name)?;
        Some(self.node(Is::Name, first, Vec::new()))
    }
    /// What has to come, or nothing else can.
    pub fn forced(&mut self, text: &str) -> Match<Span> {
        let t = self.next()?;
        if self.tokenizer.text.get(t.start..t.end) == Some(text) && matches!(t.kind, Kind::Operator | Kind::Keyword) {
            return self.take(t);
        }
        self.raise_at_token(self.at, ErrorKind::Syntax, format!("expected '{text}'"))
    }

    // ---- combinations

    /// What may be missing.
    pub fn maybe<T>(&mut self, rule: impl FnOnce(&mut Self) -> Match<T>) -> Match<Option<T>> {
        let mark = self.at;
        let matched = rule(self);
        if matched.is_none() {
            self.at = mark;
        }
        if self.stopped() { None } else { Some(matched) }
    }
    /// Any number, also none.
    pub fn any<T>(&mut self, mut rule: impl FnMut(&mut Self) -> Match<T>) -> Match<Vec<T>> {
        let mut out = Vec::new();
        while let Some(one) = self.maybe(&mut rule)? {
            out.push(one);
        }
        Some(out)
    }
    /// One or more.
    pub fn many<T>(&mut self, rule: impl FnMut(&mut Self) -> Match<T>) -> Match<Vec<T>> {
        let out = self.any(rule)?;
        if out.is_empty() { None } else { Some(out) }
    }
    /// One or more with a sign between them.
    pub fn gather<T>(&mut self, sign: &str, mut rule: impl FnMut(&mut Self) -> Match<T>) -> Match<Vec<T>> {
        let mut out = vec![rule(self)?];
        while let Some(one) = self.maybe(|p| {
            p.expect(sign)?;
            rule(p)
        })? {
            out.push(one);
        }
        Some(out)
    }
    /// What comes next, left where it is.
    pub fn ahead<T>(&mut self, rule: impl FnOnce(&mut Self) -> Match<T>) -> Match<()> {
        let mark = self.at;
        let matched = rule(self).is_some();
        self.at = mark;
        if matched && !self.stopped() { Some(()) } else { None }
    }
    /// What must not come next.
    pub fn not<T>(&mut self, rule: impl FnOnce(&mut Self) -> Match<T>) -> Match<()> {
        let mark = self.at;
        let matched = rule(self).is_some();
        self.at = mark;
        if matched || self.stopped() { None } else { Some(()) }
    }
    /// A rule of wariness.
    pub fn wary<T>(&mut self, rule: impl FnOnce(&mut Self) -> Match<T>) -> Match<()> {
        if self.wary {
            let mark = self.at;
            rule(self);
            self.at = mark;
        }
        if self.stopped() { None } else { Some(()) }
    }
    /// Without wariness.
    pub fn plainly<T>(&mut self, rule: impl FnOnce(&mut Self) -> Match<T>) -> Match<T> {
        let wary = std::mem::replace(&mut self.wary, false);
        let out = rule(self);
        self.wary = wary;
        out
    }
    /// A rule whose results are kept.
    pub fn kept(&mut self, name: Rule, rule: impl FnOnce(&mut Self) -> Match<Node>) -> Match<Node> {
        if self.stopped() {
            return None;
        }
        if let Some((node, at)) = self.memo.get(&(name, self.at)) {
            self.at = *at;
            return *node;
        }
        let mark = self.at;
        let node = self.deep(rule);
        if !self.stopped() {
            self.memo.insert((name, mark), (node, self.at));
        }
        node
    }
    /// A rule that may stand in itself.
    pub fn deep<T>(&mut self, rule: impl FnOnce(&mut Self) -> Match<T>) -> Match<T> {
        if self.stopped() {
            return None;
        }
        self.fuel = self.fuel.saturating_sub(1);
        if self.depth >= DEPTH_MAX || self.fuel == 0 {
            self.gave_up = true;
            return None;
        }
        self.depth += 1;
        let out = stacker::maybe_grow(64 << 10, 1 << 20, || rule(self));
        self.depth -= 1;
        out
    }

    // ---- matched parts

    /// A part from token `first` to the last that was taken.
    pub fn node(&mut self, is: Is, first: usize, parts: Vec<Node>) -> Node {
        let start = self.tokens.get(first).map_or(0, |t| t.start);
        let blank = |t: &&Token| !matches!(t.kind, Kind::Newline | Kind::Indent | Kind::Dedent | Kind::EndOfText);
        let end = self.tokens[..self.at.min(self.tokens.len())].iter().rev().find(blank).map_or(start, |t| t.end);
        self.nodes.push(Matched { is, span: Span { start, end }, parts: parts.into_boxed_slice() });
        Node(self.nodes.len() as u32 - 1)
    }
    pub fn is(&self, n: Node) -> Is {
        self.nodes.get(n.0 as usize).map_or(Is::Other, |m| m.is)
    }
    pub fn span(&self, n: Node) -> Span {
        self.nodes.get(n.0 as usize).map_or(Span { start: 0, end: 0 }, |m| m.span)
    }
    pub fn parts(&self, n: Node) -> &[Node] {
        self.nodes.get(n.0 as usize).map_or(&[], |m| &m.parts)
    }
    pub fn name_of(&self, n: Node) -> &'static str {
        self.is(n).name()
    }

    // ---- refusals

    pub fn raise<T>(&mut self, kind: ErrorKind, message: impl Into<String>, start: (u32, u32), end: End) -> Match<T> {
        if self.refusal.is_none() {
            self.refusal = Some(Box::new(Refusal { kind, message: message.into(), line: start.0, column: start.1, end, by_tokenizer: false, cut: self.tokenizer.line > start.0 }));
        }
        None
    }
    pub fn place(&self, at: usize) -> (u32, u32) {
        place(self.tokenizer.text, at)
    }
    pub fn raise_at<T>(&mut self, span: Span, message: impl Into<String>) -> Match<T> {
        self.raise_between(ErrorKind::Syntax, message, span)
    }
    fn raise_between<T>(&mut self, kind: ErrorKind, message: impl Into<String>, span: Span) -> Match<T> {
        let (start, mut end) = (self.place(span.start), self.place(span.end));
        if end.0 > start.0 {
            // Columns are counted in the line that is shown, which is the first.
            let line = self.tokenizer.text.get(span.start..).and_then(|t| t.split(['\n', '\r']).next()).unwrap_or("");
            end.1 = end.1.min(start.1 + line.chars().count() as u32);
        }
        self.raise(kind, message, start, End::Column(end.0, end.1))
    }
    pub fn raise_node<T>(&mut self, n: Node, message: impl Into<String>) -> Match<T> {
        self.raise_at(self.span(n), message)
    }
    pub fn raise_range<T>(&mut self, from: Span, to: Span, message: impl Into<String>) -> Match<T> {
        self.raise_at(Span { start: from.start, end: to.end }, message)
    }
    /// From a place to the character that the tokenizer read last.
    pub fn raise_from<T>(&mut self, from: Span, message: impl Into<String>) -> Match<T> {
        let (start, end) = (self.place(from.start), (self.tokenizer.line, self.tokenizer.column()));
        self.raise(ErrorKind::Syntax, message, start, End::Column(end.0, end.1))
    }
    /// At the last token that was read.
    pub fn raise_last<T>(&mut self, message: impl Into<String>) -> Match<T> {
        self.raise_at_token(self.tokens.len().saturating_sub(1), ErrorKind::Syntax, message)
    }
    pub fn raise_indentation<T>(&mut self, message: impl Into<String>) -> Match<T> {
        self.raise_at_token(self.tokens.len().saturating_sub(1), ErrorKind::Indentation, message)
    }
    /// At the token that comes next.
    pub fn raise_next<T>(&mut self, message: impl Into<String>) -> Match<T> {
        self.next()?;
        self.raise_at_token(self.at, ErrorKind::Syntax, message)
    }
    pub fn raise_at_token<T>(&mut self, i: usize, kind: ErrorKind, message: impl Into<String>) -> Match<T> {
        let t = self.tokens.get(i).copied()?;
        if t.placed {
            if t.kind == Kind::Newline {
                let (start, end) = (self.place(t.start), self.place(t.end - 1));
                return self.raise(kind, message, start, End::Column(start.0, end.1 + 1));
            }
            return self.raise_between(kind, message, Span { start: t.start, end: t.end });
        }
        let column = self.tokenizer.column();
        self.raise(kind, message, (t.line, column), End::Unknown(t.line))
    }

    /// The tokenizer goes on to the end of the text: what it refuses there comes before what the parser refused.
    pub fn read_to_end(&mut self) {
        if self.tokenizer.done != Done::No {
            return;
        }
        let Some(before) = self.refusal.take() else { return };
        let line = self.tokens.last().map_or(1, |t| t.line);
        loop {
            match self.tokenizer.read() {
                Ok(t) if t.kind == Kind::EndOfText => break,
                Ok(_) => {}
                // Of strings with fields nothing is said that is wrong inside of them.
                Err(_) if self.tokenizer.is_inside() => break,
                Err(refusal) => {
                    if refusal.by_tokenizer {
                        self.refusal = Some(refusal);
                    } else if let Some((sign, opened, at)) = self.tokenizer.innermost()
                        && line > opened
                    {
                        self.refusal = Some(Box::new(never_closed(self.tokenizer.text, sign, at, self.tokenizer.line)));
                    }
                    break;
                }
            }
        }
        if self.refusal.is_none() {
            self.refusal = Some(before);
        }
    }
}
