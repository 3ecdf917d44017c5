//! SRE code words to a program of instructions with resolved targets. Words that make no sense are refused.

use crate::first::Peek;
use std::cell::{Cell, OnceCell};
use std::sync::LazyLock;

/// The version of the words, and their names, are those of `re._constants`.
pub const MAGIC: u32 = 20_230_612;

/// How characters are folded before they are compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fold {
    None,
    Ascii,
    /// The byte locale of C: as ASCII.
    Locale,
    Unicode,
}

pub fn lower_ascii(c: u32) -> u32 {
    if (65..=90).contains(&c) { c + 32 } else { c }
}
/// The simple lower case of a character.
pub fn lower_unicode(c: u32) -> u32 {
    if c < 128 {
        return lower_ascii(c);
    }
    match char::from_u32(c) {
        Some(ch) => {
            let mut l = ch.to_lowercase();
            match (l.next(), l.next()) {
                (Some(one), None) => one as u32,
                // The one letter whose lower case is two characters: its first is what counts.
                (Some(first), Some(_)) => first as u32,
                _ => c,
            }
        }
        None => c,
    }
}
fn upper_unicode(c: u32) -> u32 {
    match char::from_u32(c) {
        Some(ch) => {
            let mut u = ch.to_uppercase();
            match (u.next(), u.next()) {
                (Some(one), None) => one as u32,
                _ => c,
            }
        }
        None => c,
    }
}

impl Fold {
    #[inline]
    pub fn lower(self, c: u32) -> u32 {
        match self {
            Fold::None => c,
            Fold::Ascii | Fold::Locale => lower_ascii(c),
            Fold::Unicode => lower_unicode(c),
        }
    }
}

/// How many classes of characters there are.
const CATEGORIES: u32 = 18;

/// The first 256 characters of each class.
static LOW: LazyLock<[[u64; 4]; CATEGORIES as usize]> =
    LazyLock::new(|| std::array::from_fn(|code| std::array::from_fn(|w| (0..64).filter(|b| category_slow(code as u32, w as u32 * 64 + b)).fold(0, |word, b| word | 1 << b))));

/// Whether a character is of a class, numbered as CHCODES.
#[inline]
pub fn category(code: u32, c: u32) -> bool {
    if c < 256 { LOW[code as usize][(c >> 6) as usize] >> (c & 63) & 1 == 1 } else { category_slow(code, c) }
}

fn category_slow(code: u32, c: u32) -> bool {
    let ascii_word = |c: u32| c < 128 && ((c as u8).is_ascii_alphanumeric() || c == 95);
    let word = |c: u32| if c < 128 { ascii_word(c) } else { retic_unicode::is_alnum(c) };
    match code {
        0 => c < 128 && (c as u8).is_ascii_digit(),
        2 => matches!(c, 32 | 9..=13),
        4 | 8 => ascii_word(c),
        6 => c == 10,
        10 => retic_unicode::decimal(c).is_some(),
        12 => retic_unicode::is_space(c),
        14 => word(c),
        16 => matches!(c, 10..=13 | 28..=30 | 0x85 | 0x2028 | 0x2029),
        odd => !category_slow(odd - 1, c),
    }
}

/// One item of a character set.
#[derive(Clone, Debug)]
enum Item {
    Literal(u32),
    Range(u32, u32),
    RangeIgnore(u32, u32),
    Category(u32),
    Bits([u32; 8]),
    Big { index: Box<[u8; 256]>, blocks: Vec<[u32; 8]> },
}

/// A set of characters, with a table for the first 256.
#[derive(Clone, Debug)]
pub struct Set {
    items: Vec<Item>,
    negate: bool,
    low: [u64; 4],
}

impl Set {
    /// Notes which of the first 256 characters are in it.
    fn find_low(&mut self) {
        for c in 0..256u32 {
            if self.slow(c) {
                self.low[(c >> 6) as usize] |= 1 << (c & 63);
            }
        }
    }
    fn slow(&self, c: u32) -> bool {
        let found = self.items.iter().any(|i| match i {
            Item::Literal(l) => *l == c,
            Item::Range(a, b) => (*a..=*b).contains(&c),
            Item::RangeIgnore(a, b) => (*a..=*b).contains(&c) || (*a..=*b).contains(&upper_unicode(c)),
            Item::Category(k) => category(*k, c),
            Item::Bits(b) => c < 256 && b[(c >> 5) as usize] >> (c & 31) & 1 == 1,
            Item::Big { index, blocks } => c < 65536 && blocks.get(index[(c >> 8) as usize] as usize).is_some_and(|b| b[((c & 255) >> 5) as usize] >> (c & 31) & 1 == 1),
        });
        found != self.negate
    }
    /// The first 256 characters, by bits.
    pub fn low(&self) -> [u64; 4] {
        self.low
    }
    /// Whether characters from 256 on may be in it.
    pub fn reaches_high(&self) -> bool {
        self.negate
            || self.items.iter().any(|i| match i {
                Item::Literal(l) => *l > 255,
                Item::Range(_, b) => *b > 255,
                Item::Category(k) => !matches!(k, 0 | 2 | 4 | 6 | 8),
                Item::Bits(_) => false,
                Item::RangeIgnore(..) | Item::Big { .. } => true,
            })
    }
    #[inline(always)]
    pub fn has(&self, c: u32) -> bool {
        if c < 256 { self.low[(c >> 6) as usize] >> (c & 63) & 1 == 1 } else { self.slow(c) }
    }
}

/// What one character must be.
#[derive(Clone, Debug)]
pub enum One {
    Any,
    AnyAll,
    Literal(u32),
    NotLiteral(u32),
    Folded(u32, Fold),
    NotFolded(u32, Fold),
    In(usize, Fold),
    Category(u32),
    Never,
}

/// Whether a character is what is asked for.
#[inline(always)]
pub fn fits(one: &One, sets: &[Set], c: u32) -> bool {
    match one {
        One::Any => c != 10,
        One::AnyAll => true,
        One::Literal(l) => *l == c,
        One::NotLiteral(l) => *l != c,
        One::Folded(l, f) => *l == f.lower(c),
        One::NotFolded(l, f) => *l != f.lower(c),
        One::In(set, Fold::None) => sets[*set].has(c),
        One::In(set, f) => sets[*set].has(f.lower(c)),
        One::Category(k) => category(*k, c),
        One::Never => false,
    }
}

/// An instruction. Targets are indices into the program.
#[derive(Clone, Debug)]
pub enum Inst {
    One(One),
    At(u32),
    Mark(usize),
    Jump(usize),
    /// Tries the next instruction, then the target.
    Split(usize),
    Group(usize, Fold),
    /// Goes on, or to the target when the group did not match.
    IfGroup(usize, usize),
    /// One character again and again; what follows is next.
    RepeatOne {
        one: One,
        min: usize,
        max: usize,
        kind: Greed,
    },
    /// Starts loop `id`.
    LoopStart(usize),
    /// Top of loop `id`: another round (next instruction) or out (target).
    Loop {
        id: usize,
        min: usize,
        max: usize,
        greedy: bool,
        out: usize,
    },
    /// An assertion: the body follows, ends in `Success`; then the target.
    Assert {
        back: usize,
        negative: bool,
        after: usize,
    },
    /// A group that is not entered again: the body follows, ends in `Success`; then the target.
    Atomic(usize),
    /// The end of the pattern, of an assertion, of an atomic group.
    Success,
    Fail,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Greed {
    Greedy,
    Lazy,
    Possessive,
}

/// A compiled pattern.
#[derive(Clone, Debug)]
pub struct Program {
    pub insts: Vec<Inst>,
    pub sets: Vec<Set>,
    pub loops: usize,
    pub groups: usize,
    /// Shortest text that can match.
    pub min_width: usize,
    /// The text every match begins with.
    pub prefix: Vec<u32>,
    pub peek: Peek,
}

struct Translator<'a> {
    code: &'a [u32],
    insts: Vec<Inst>,
    sets: Vec<Set>,
    loops: usize,
    groups: usize,
    depth: usize,
}

const MAXREPEAT: u32 = u32::MAX;
const MAX_DEPTH: usize = 1000;

impl Program {
    /// The program of the words; `None` when they are not well formed.
    pub fn new(code: &[u32], groups: usize) -> Option<Program> {
        let mut t = Translator { code, insts: Vec::new(), sets: Vec::new(), loops: 0, groups, depth: 0 };
        let (mut at, mut min_width, mut prefix) = (0, 0, Vec::new());
        // The INFO block comes first.
        if *code.first()? == op::INFO {
            let skip = *code.get(1)? as usize;
            let (mask, lo) = (*code.get(2)?, *code.get(3)?);
            min_width = lo as usize;
            if mask & 1 != 0 {
                let n = *code.get(5)? as usize;
                prefix = code.get(7..7usize.checked_add(n)?)?.to_vec();
            } else if mask & 4 != 0 {
                // Instructions tell it, too; the words must be sound all the same.
                t.set(5, 1 + skip)?;
            }
            at = 1 + skip;
        }
        let end = t.sequence(at, code.len())?;
        if end != code.len() {
            return None;
        }
        if !matches!(t.insts.last(), Some(Inst::Success)) {
            return None;
        }
        Some(Program { insts: t.insts, sets: t.sets, loops: t.loops, groups, min_width, prefix, peek: Peek::default() })
    }
}

/// A program that looks through itself when it first runs.
pub struct Late {
    fresh: Cell<Option<Box<Program>>>,
    ready: OnceCell<Box<Program>>,
}

impl Late {
    pub fn new(program: Program) -> Late {
        Late { fresh: Cell::new(Some(Box::new(program))), ready: OnceCell::new() }
    }
    pub fn get(&self) -> &Program {
        self.ready.get_or_init(|| {
            let mut program = self.fresh.take().expect("taken once, here");
            program.sets.iter_mut().for_each(Set::find_low);
            program.peek = Peek::new(&mut program);
            program
        })
    }
}

impl Translator<'_> {
    fn word(&self, at: usize) -> Option<u32> {
        self.code.get(at).copied()
    }
    /// The set whose items begin at `at`; where it ends.
    fn set(&self, mut at: usize, end: usize) -> Option<(Set, usize)> {
        let mut set = Set { items: Vec::new(), negate: false, low: [0; 4] };
        loop {
            if at >= end {
                return None;
            }
            let op = self.word(at)?;
            at += 1;
            if op == op::FAILURE {
                break;
            }
            match self.set_item(op, &mut at)? {
                Some(i) => set.items.push(i),
                None => set.negate = !set.negate,
            }
        }
        Some((set, at))
    }
    fn set_item(&self, op: u32, at: &mut usize) -> Option<Option<Item>> {
        let block = |at: usize| -> Option<[u32; 8]> { self.code.get(at..at + 8)?.try_into().ok() };
        let item = match op {
            op::NEGATE => return Some(None),
            op::LITERAL => {
                *at += 1;
                Item::Literal(self.word(*at - 1)?)
            }
            op::RANGE => {
                *at += 2;
                Item::Range(self.word(*at - 2)?, self.word(*at - 1)?)
            }
            op::RANGE_UNI_IGNORE => {
                *at += 2;
                Item::RangeIgnore(self.word(*at - 2)?, self.word(*at - 1)?)
            }
            op::CATEGORY => {
                *at += 1;
                Item::Category(self.word(*at - 1).filter(|c| *c < CATEGORIES)?)
            }
            op::CHARSET => {
                *at += 8;
                Item::Bits(block(*at - 8)?)
            }
            op::BIGCHARSET => {
                let n = self.word(*at)? as usize;
                if n > 256 {
                    return None;
                }
                let words = self.code.get(*at + 1..*at + 65)?;
                let mut index = [0u8; 256];
                for (i, w) in words.iter().enumerate() {
                    index[i * 4..i * 4 + 4].copy_from_slice(&w.to_le_bytes());
                }
                *at += 65;
                let mut blocks = Vec::with_capacity(n);
                for _ in 0..n {
                    blocks.push(block(*at)?);
                    *at += 8;
                }
                if index.iter().any(|i| *i as usize >= n) {
                    return None;
                }
                Item::Big { index: Box::new(index), blocks }
            }
            _ => return None,
        };
        Some(Some(item))
    }

    /// What one character must be, at `at`; where the words go on.
    fn one(&mut self, at: usize) -> Option<(One, usize)> {
        let arg = self.word(at + 1);
        let two = |o: One| Some((o, at + 2));
        let o = self.word(at)?;
        match o {
            op::FAILURE => Some((One::Never, at + 1)),
            op::ANY => Some((One::Any, at + 1)),
            op::ANY_ALL => Some((One::AnyAll, at + 1)),
            op::LITERAL => two(One::Literal(arg?)),
            op::NOT_LITERAL => two(One::NotLiteral(arg?)),
            op::LITERAL_IGNORE => two(One::Folded(arg?, Fold::Ascii)),
            op::NOT_LITERAL_IGNORE => two(One::NotFolded(arg?, Fold::Ascii)),
            op::LITERAL_LOC_IGNORE => two(One::Folded(lower_ascii(arg?), Fold::Locale)),
            op::NOT_LITERAL_LOC_IGNORE => two(One::NotFolded(lower_ascii(arg?), Fold::Locale)),
            op::LITERAL_UNI_IGNORE => two(One::Folded(arg?, Fold::Unicode)),
            op::NOT_LITERAL_UNI_IGNORE => two(One::NotFolded(arg?, Fold::Unicode)),
            op::CATEGORY => two(One::Category(arg.filter(|c| *c < CATEGORIES)?)),
            op::IN | op::IN_IGNORE | op::IN_LOC_IGNORE | op::IN_UNI_IGNORE => {
                let end = (at + 1).checked_add(arg? as usize)?;
                let (set, stop) = self.set(at + 2, end)?;
                if stop != end {
                    return None;
                }
                self.sets.push(set);
                let fold = match o {
                    op::IN => Fold::None,
                    op::IN_IGNORE => Fold::Ascii,
                    op::IN_LOC_IGNORE => Fold::Locale,
                    _ => Fold::Unicode,
                };
                Some((One::In(self.sets.len() - 1, fold), end))
            }
            _ => None,
        }
    }

    /// Instructions for the words from `at` to `end`.
    fn sequence(&mut self, mut at: usize, end: usize) -> Option<usize> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        while at < end {
            let o = self.word(at)?;
            let skip_end = || (at + 1).checked_add(self.word(at + 1)? as usize).filter(|e| *e <= end);
            match o {
                op::SUCCESS => {
                    self.insts.push(Inst::Success);
                    at += 1;
                }
                op::AT => {
                    self.insts.push(Inst::At(self.word(at + 1).filter(|c| *c < 12)?));
                    at += 2;
                }
                op::MARK => {
                    let m = self.word(at + 1)? as usize;
                    if m >= 2 * self.groups {
                        return None;
                    }
                    self.insts.push(Inst::Mark(m));
                    at += 2;
                }
                op::GROUPREF | op::GROUPREF_IGNORE | op::GROUPREF_LOC_IGNORE | op::GROUPREF_UNI_IGNORE => {
                    let g = self.word(at + 1)? as usize;
                    if g >= self.groups {
                        return None;
                    }
                    let fold = match o {
                        op::GROUPREF => Fold::None,
                        op::GROUPREF_IGNORE => Fold::Ascii,
                        op::GROUPREF_LOC_IGNORE => Fold::Locale,
                        _ => Fold::Unicode,
                    };
                    self.insts.push(Inst::Group(g, fold));
                    at += 2;
                }
                op::GROUPREF_EXISTS => {
                    let g = self.word(at + 1)? as usize;
                    let skip = self.word(at + 2)? as usize;
                    if g >= self.groups || skip < 1 {
                        return None;
                    }
                    let hole = self.insts.len();
                    self.insts.push(Inst::Fail);
                    // The skip leads behind the JUMP word pair of the yes branch when there is a no branch.
                    let no = (at + 2).checked_add(skip)?.checked_sub(1)?;
                    if self.has_else(at + 3, no) {
                        // The no branch begins behind JUMP and its own skip.
                        let yes_end = no - 2;
                        self.sequence_to(at + 3, yes_end)?;
                        let jump = self.insts.len();
                        self.insts.push(Inst::Fail);
                        let no_end = (no - 1).checked_add(self.word(no - 1)? as usize)?;
                        if no_end > end || no_end < no {
                            return None;
                        }
                        self.insts[hole] = Inst::IfGroup(g, self.insts.len());
                        self.sequence_to(no, no_end)?;
                        self.insts[jump] = Inst::Jump(self.insts.len());
                        at = no_end;
                    } else {
                        self.sequence_to(at + 3, no)?;
                        self.insts[hole] = Inst::IfGroup(g, self.insts.len());
                        at = no;
                    }
                }
                op::BRANCH => {
                    let mut exits = Vec::new();
                    at += 1;
                    loop {
                        let skip = self.word(at)? as usize;
                        if skip == 0 {
                            at += 1;
                            break;
                        }
                        let next = at.checked_add(skip).filter(|n| *n <= end && *n >= at + 3)?;
                        // The alternative ends with JUMP and its distance.
                        if self.word(next - 2)? != op::JUMP {
                            return None;
                        }
                        let last = self.word(next)? == 0;
                        let split = self.insts.len();
                        if !last {
                            self.insts.push(Inst::Fail);
                        }
                        self.sequence_to(at + 1, next - 2)?;
                        exits.push(self.insts.len());
                        self.insts.push(Inst::Fail);
                        if !last {
                            self.insts[split] = Inst::Split(self.insts.len());
                        }
                        at = next;
                    }
                    let after = self.insts.len();
                    if exits.is_empty() {
                        self.insts.push(Inst::Fail);
                    }
                    for e in exits {
                        self.insts[e] = Inst::Jump(after);
                    }
                }
                op::REPEAT_ONE | op::MIN_REPEAT_ONE | op::POSSESSIVE_REPEAT_ONE => {
                    let stop = skip_end()?;
                    let (min, max) = (self.word(at + 2)?, self.word(at + 3)?);
                    let (one, after) = self.one(at + 4)?;
                    if self.word(after)? != op::SUCCESS || after + 1 != stop || min > max {
                        return None;
                    }
                    let kind = match o {
                        op::REPEAT_ONE => Greed::Greedy,
                        op::MIN_REPEAT_ONE => Greed::Lazy,
                        _ => Greed::Possessive,
                    };
                    self.insts.push(Inst::RepeatOne { one, min: min as usize, max: bound(max), kind });
                    at = stop;
                }
                op::REPEAT | op::POSSESSIVE_REPEAT => {
                    let stop = skip_end()?;
                    let (min, max) = (self.word(at + 2)?, self.word(at + 3)?);
                    let until = self.word(stop)?;
                    let greedy = match (o, until) {
                        (op::REPEAT, op::MIN_UNTIL) => false,
                        (op::REPEAT, op::MAX_UNTIL) | (op::POSSESSIVE_REPEAT, op::SUCCESS) => true,
                        _ => return None,
                    };
                    if min > max {
                        return None;
                    }
                    let atomic = self.insts.len();
                    if o == op::POSSESSIVE_REPEAT {
                        self.insts.push(Inst::Fail);
                    }
                    let id = self.loops;
                    self.loops += 1;
                    self.insts.push(Inst::LoopStart(id));
                    let top = self.insts.len();
                    self.insts.push(Inst::Fail);
                    self.sequence_to(at + 4, stop)?;
                    self.insts.push(Inst::Jump(top));
                    let out = self.insts.len();
                    self.insts[top] = Inst::Loop { id, min: min as usize, max: bound(max), greedy, out };
                    if o == op::POSSESSIVE_REPEAT {
                        self.insts.push(Inst::Success);
                        self.insts[atomic] = Inst::Atomic(self.insts.len());
                    }
                    at = stop + 1;
                }
                op::ASSERT | op::ASSERT_NOT => {
                    let stop = skip_end()?;
                    let back = self.word(at + 2)? as usize;
                    let head = self.insts.len();
                    self.insts.push(Inst::Fail);
                    self.closed(at + 3, stop)?;
                    self.insts[head] = Inst::Assert { back, negative: o == op::ASSERT_NOT, after: self.insts.len() };
                    at = stop;
                }
                op::ATOMIC_GROUP => {
                    let stop = skip_end()?;
                    let head = self.insts.len();
                    self.insts.push(Inst::Fail);
                    self.closed(at + 2, stop)?;
                    self.insts[head] = Inst::Atomic(self.insts.len());
                    at = stop;
                }
                op::INFO => at = skip_end()?,
                _ => {
                    let (one, after) = self.one(at)?;
                    self.insts.push(Inst::One(one));
                    at = after;
                }
            }
        }
        self.depth -= 1;
        Some(at)
    }
    /// A sequence that fills its words exactly.
    fn sequence_to(&mut self, at: usize, end: usize) -> Option<()> {
        if at > end {
            return None;
        }
        (self.sequence(at, end)? == end).then_some(())
    }
    /// A body that ends in SUCCESS.
    fn closed(&mut self, at: usize, end: usize) -> Option<()> {
        self.sequence_to(at, end)?;
        matches!(self.insts.last(), Some(Inst::Success)).then_some(())
    }
    /// Whether the yes branch of a conditional ends with the JUMP over a no branch: the words are walked to tell.
    fn has_else(&mut self, at: usize, no: usize) -> bool {
        let Some(candidate) = no.checked_sub(2) else { return false };
        if candidate < at || self.word(candidate) != Some(op::JUMP) {
            return false;
        }
        // It is a JUMP only if the words before it make a sequence of their own.
        let (insts, sets, loops, depth) = (self.insts.len(), self.sets.len(), self.loops, self.depth);
        let fits = self.sequence_to(at, candidate).is_some();
        self.insts.truncate(insts);
        self.sets.truncate(sets);
        self.loops = loops;
        self.depth = depth;
        fits
    }
}

fn bound(max: u32) -> usize {
    if max == MAXREPEAT { usize::MAX } else { max as usize }
}

/// The opcodes by number.
mod op {
    pub const FAILURE: u32 = 0;
    pub const SUCCESS: u32 = 1;
    pub const ANY: u32 = 2;
    pub const ANY_ALL: u32 = 3;
    pub const ASSERT: u32 = 4;
    pub const ASSERT_NOT: u32 = 5;
    pub const AT: u32 = 6;
    pub const BRANCH: u32 = 7;
    pub const CATEGORY: u32 = 8;
    pub const CHARSET: u32 = 9;
    pub const BIGCHARSET: u32 = 10;
    pub const GROUPREF: u32 = 11;
    pub const GROUPREF_EXISTS: u32 = 12;
    pub const IN: u32 = 13;
    pub const INFO: u32 = 14;
    pub const JUMP: u32 = 15;
    pub const LITERAL: u32 = 16;
    pub const MARK: u32 = 17;
    pub const MAX_UNTIL: u32 = 18;
    pub const MIN_UNTIL: u32 = 19;
    pub const NOT_LITERAL: u32 = 20;
    pub const NEGATE: u32 = 21;
    pub const RANGE: u32 = 22;
    pub const REPEAT: u32 = 23;
    pub const REPEAT_ONE: u32 = 24;
    pub const MIN_REPEAT_ONE: u32 = 26;
    pub const ATOMIC_GROUP: u32 = 27;
    pub const POSSESSIVE_REPEAT: u32 = 28;
    pub const POSSESSIVE_REPEAT_ONE: u32 = 29;
    pub const GROUPREF_IGNORE: u32 = 30;
    pub const IN_IGNORE: u32 = 31;
    pub const LITERAL_IGNORE: u32 = 32;
    pub const NOT_LITERAL_IGNORE: u32 = 33;
    pub const GROUPREF_LOC_IGNORE: u32 = 34;
    pub const IN_LOC_IGNORE: u32 = 35;
    pub const LITERAL_LOC_IGNORE: u32 = 36;
    pub const NOT_LITERAL_LOC_IGNORE: u32 = 37;
    pub const GROUPREF_UNI_IGNORE: u32 = 38;
    pub const IN_UNI_IGNORE: u32 = 39;
    pub const LITERAL_UNI_IGNORE: u32 = 40;
    pub const NOT_LITERAL_UNI_IGNORE: u32 = 41;
    pub const RANGE_UNI_IGNORE: u32 = 42;
}
