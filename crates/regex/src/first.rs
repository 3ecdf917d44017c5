//! What a match may begin with, from any instruction on: lets a choice be made by one look at the next character.

use crate::program::{Fold, Greed, Inst, One, Program, Set, fits};

/// A set of characters that holds at least those with which a match can begin. From 256 on all are in it, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct First {
    low: [u64; 4],
    high: bool,
}

impl First {
    const NONE: First = First { low: [0; 4], high: false };

    #[inline(always)]
    pub fn has(&self, c: u32) -> bool {
        if c < 256 { self.low[(c >> 6) as usize] >> (c & 63) & 1 == 1 } else { self.high }
    }
    fn of(one: &One, sets: &[Set]) -> First {
        let mut first = First::NONE;
        match one {
            One::Literal(l) if *l < 256 => {
                first.low[(*l >> 6) as usize] = 1 << (*l & 63);
                return first;
            }
            One::In(set, Fold::None) => return First { low: sets[*set].low(), high: sets[*set].reaches_high() },
            _ => {}
        }
        for c in 0..256u32 {
            if fits(one, sets, c) {
                first.low[(c >> 6) as usize] |= 1 << (c & 63);
            }
        }
        first.high = match one {
            One::Literal(l) => *l > 255,
            One::Never => false,
            _ => true,
        };
        first
    }
    fn or(self, other: First) -> First {
        First { low: std::array::from_fn(|i| self.low[i] | other.low[i]), high: self.high || other.high }
    }
    fn meets(&self, other: &First) -> bool {
        self.high && other.high || self.low.iter().zip(&other.low).any(|(a, b)| a & b != 0)
    }
    /// The only character in it.
    fn single(&self) -> Option<u8> {
        if self.high || self.low.iter().map(|w| w.count_ones()).sum::<u32>() != 1 {
            return None;
        }
        (0..=255).find(|c| self.has(u32::from(*c)))
    }
}

/// What is known of every instruction: `None` where a match may be empty or begin with anything.
type Known = Vec<Option<First>>;

/// What the next instruction, and what the target of a choice begins with.
pub type Ways = (Option<First>, Option<First>);

/// Places where the next character can decide, and where a search need not look.
#[derive(Clone, Debug, Default)]
pub struct Peek {
    /// Of each `Split` and `Loop`.
    pub ways: Vec<Option<Box<Ways>>>,
    /// What every match begins with.
    pub start: Option<First>,
    /// The one character every match begins with.
    pub single: Option<u8>,
    /// A match begins where the text begins, or nowhere.
    pub anchored: bool,
}

fn known(program: &Program, before: &Known) -> Known {
    let insts = &program.insts;
    let mut out: Known = vec![None; insts.len() + 1];
    for pc in (0..insts.len()).rev() {
        // What stands behind is known from this walk, what stands before from the last one.
        let at = |t: usize| if t > pc { out[t] } else { before.get(t).copied().flatten() };
        let either = |a: Option<First>, b: Option<First>| Some(a?.or(b?));
        out[pc] = match &insts[pc] {
            Inst::One(one) => Some(First::of(one, &program.sets)),
            Inst::RepeatOne { one, min, .. } => {
                let own = First::of(one, &program.sets);
                if *min > 0 { Some(own) } else { at(pc + 1).map(|next| own.or(next)) }
            }
            Inst::At(_) | Inst::Mark(_) | Inst::Atomic(_) => at(pc + 1),
            Inst::LoopStart(_) => match &insts[pc + 1] {
                // The first round is not optional.
                Inst::Loop { min, .. } if *min > 0 => at(pc + 2),
                _ => at(pc + 1),
            },
            Inst::Jump(t) => at(*t),
            Inst::Split(t) | Inst::IfGroup(_, t) => either(at(pc + 1), at(*t)),
            Inst::Loop { out, .. } => either(at(pc + 1), at(*out)),
            Inst::Assert { after, .. } => at(*after),
            Inst::Fail => Some(First::NONE),
            Inst::Group(..) | Inst::Success => None,
        };
    }
    out
}

impl Peek {
    /// Looks through a program; repetitions that can never give a character back become possessive.
    pub fn new(program: &mut Program) -> Peek {
        // The second walk knows what the first learnt of the places that loops lead back to.
        let once = known(program, &Vec::new());
        let all = known(program, &once);
        let mut peek = Peek { start: all[0], single: all[0].and_then(|f| f.single()), ..Peek::default() };
        peek.anchored = matches!(program.insts.iter().find(|i| !matches!(i, Inst::Mark(_))), Some(Inst::At(0 | 2)));
        for pc in 0..program.insts.len() {
            let ways = match &program.insts[pc] {
                Inst::Split(t) | Inst::Loop { out: t, .. } => Some((all[pc + 1], all[*t])),
                _ => None,
            };
            peek.ways.push(ways.filter(|(a, b)| a.is_some() || b.is_some()).map(Box::new));
            let (sets, next) = (&program.sets, all[pc + 1]);
            if let Inst::RepeatOne { one, kind, .. } = &mut program.insts[pc]
                && *kind == Greed::Greedy
                && next.is_some_and(|n| !n.meets(&First::of(one, sets)))
            {
                *kind = Greed::Possessive;
            }
        }
        peek
    }
}
