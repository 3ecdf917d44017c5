//! Running a program over a text: backtracking with a stack of its own.

use crate::first::First;
use crate::program::{Fold, Greed, Inst, One, Program, category, fits};
use std::cell::Cell;

/// A text by character.
pub trait Subject: Copy {
    fn len(self) -> usize;
    fn at(self, i: usize) -> u32;
    /// Position of a character from `from` on.
    fn find(self, c: u32, from: usize, end: usize) -> Option<usize> {
        (from..end).find(|i| self.at(*i) == c)
    }
    fn is_empty(self) -> bool {
        self.len() == 0
    }
}
impl Subject for &[u8] {
    fn len(self) -> usize {
        <[u8]>::len(self)
    }
    #[inline(always)]
    fn at(self, i: usize) -> u32 {
        u32::from(self[i])
    }
    fn find(self, c: u32, from: usize, end: usize) -> Option<usize> {
        let b = u8::try_from(c).ok()?;
        memchr::memchr(b, &self[from..end]).map(|i| from + i)
    }
}
impl Subject for &[u16] {
    fn len(self) -> usize {
        <[u16]>::len(self)
    }
    #[inline(always)]
    fn at(self, i: usize) -> u32 {
        u32::from(self[i])
    }
}
impl Subject for &[u32] {
    fn len(self) -> usize {
        <[u32]>::len(self)
    }
    #[inline(always)]
    fn at(self, i: usize) -> u32 {
        self[i]
    }
}

/// Where a match must lie.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// Anywhere from the start on.
    Search,
    /// At the start.
    Match,
    /// From the start to the end.
    Full,
}

/// A match: its ends, the group closed last (0: none). Where the groups lie the `Scratch` says.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    pub start: usize,
    pub end: usize,
    pub last: usize,
}

/// Why a search was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The poll function asked for it.
    Polled,
    /// The stack cannot grow any further.
    Memory,
}

/// What is tried when the way taken fails.
enum Back {
    /// Go on at an instruction.
    Try { pc: usize, pos: usize, trail: usize },
    /// A greedy run of one character: give one back.
    Shorter { pc: usize, low: usize, pos: usize, trail: usize },
    /// A lazy run: take one more.
    Longer { inst: usize, pos: usize, left: usize, trail: usize },
    /// The beginning of an assertion or atomic group.
    Barrier { inst: usize, pos: usize, trail: usize },
}

/// What is put back on the way.
enum Undo {
    Mark(usize, usize),
    Last(usize),
    Loop(usize, (usize, usize)),
}

/// What a search writes on. It is kept from one search to the next, and holds the groups of the match found last.
#[derive(Default)]
pub struct Scratch {
    marks: Vec<usize>,
    loops: Vec<(usize, usize)>,
    stack: Vec<Back>,
    trail: Vec<Undo>,
}

thread_local! {
    /// What the last search left.
    static SPARE: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

impl Scratch {
    /// The one that lies ready, or a new one.
    pub fn take() -> Box<Scratch> {
        SPARE.take().unwrap_or_default()
    }
    /// Lays it ready for the next search, unless it has grown large.
    pub fn keep(self: Box<Scratch>) {
        if self.stack.capacity() <= 4096 && self.trail.capacity() <= 4096 && self.marks.capacity() <= 4096 {
            SPARE.set(Some(self));
        }
    }
    /// Where group `g` (counted from 0) of the match lies.
    pub fn span(&self, g: usize) -> Option<(usize, usize)> {
        match (self.marks[2 * g], self.marks[2 * g + 1]) {
            (a, b) if a != NEVER && b != NEVER && a <= b => Some((a, b)),
            _ => None,
        }
    }
}

struct Machine<'a, S> {
    program: &'a Program,
    text: S,
    end: usize,
    last: usize,
    s: &'a mut Scratch,
    steps: u32,
    full: bool,
    /// Groups may have places that an attempt before left.
    marked: bool,
    /// Where a match may not end: an empty match already reported.
    must_advance: Option<usize>,
    poll: &'a mut dyn FnMut() -> bool,
}

const NEVER: usize = usize::MAX;
/// Steps between two polls.
const POLL_STEPS: u32 = 1 << 14;
/// Entries the stack may hold.
const STACK_MAX: usize = 1 << 27;

/// The first match in `text[start..end]`. `must_advance`: an empty match at the start does not count. `poll` says whether to stop.
#[allow(clippy::too_many_arguments)]
pub fn find<S: Subject>(
    program: &Program,
    scratch: &mut Scratch,
    text: S,
    start: usize,
    end: usize,
    mode: Mode,
    must_advance: bool,
    poll: &mut dyn FnMut() -> bool,
) -> Result<Option<Found>, Stop> {
    let end = end.min(text.len());
    if start > end || end - start < program.min_width {
        return Ok(None);
    }
    scratch.loops.clear();
    scratch.loops.resize(program.loops, (0, NEVER));
    scratch.marks.resize(program.groups * 2, NEVER);
    let mut m = Machine { program, text, end, last: 0, s: scratch, steps: 0, full: mode == Mode::Full, marked: true, must_advance: must_advance.then_some(start), poll };
    if mode != Mode::Search || program.peek.anchored {
        return Ok(m.run(start)?.map(|e| Found { start, end: e, last: m.last }));
    }
    let mut at = start;
    let last_start = end - program.min_width;
    while at <= last_start {
        // What every match begins with is looked for first.
        if let Some(c) = program.prefix.first() {
            match text.find(*c, at, end) {
                Some(i) if i <= last_start => at = i,
                _ => return Ok(None),
            }
            if program.prefix.len() > 1 && !program.prefix.iter().enumerate().all(|(i, c)| at + i < end && text.at(at + i) == *c) {
                at += 1;
                m.tick()?;
                continue;
            }
        } else if let Some(c) = program.peek.single {
            match text.find(u32::from(c), at, end) {
                Some(i) if i <= last_start => at = i,
                _ => return Ok(None),
            }
        } else if let Some(first) = &program.peek.start {
            while at < end && !first.has(text.at(at)) {
                at += 1;
            }
            if at > last_start || at >= end {
                return Ok(None);
            }
        }
        if let Some(e) = m.run(at)? {
            return Ok(Some(Found { start: at, end: e, last: m.last }));
        }
        at += 1;
        m.tick()?;
    }
    Ok(None)
}

impl<S: Subject> Machine<'_, S> {
    #[inline]
    fn tick(&mut self) -> Result<(), Stop> {
        self.steps += 1;
        if self.steps >= POLL_STEPS {
            self.steps = 0;
            if (self.poll)() {
                return Err(Stop::Polled);
            }
        }
        Ok(())
    }
    #[inline(always)]
    fn fits(&self, one: &One, c: u32) -> bool {
        fits(one, &self.program.sets, c)
    }
    /// Whether a way that begins with `first` can match at a position.
    #[inline(always)]
    fn may_begin(&self, first: &Option<First>, pos: usize) -> bool {
        first.as_ref().is_none_or(|f| pos < self.end && f.has(self.text.at(pos)))
    }
    /// What is put back when the way taken fails; nothing when there is no other way.
    #[inline(always)]
    fn note(&mut self, undo: Undo) {
        if !self.s.stack.is_empty() {
            self.s.trail.push(undo);
        }
    }
    /// How far a run of one character reaches from `pos`.
    fn run_length(&mut self, one: &One, pos: usize, max: usize) -> usize {
        let limit = pos.saturating_add(max).min(self.end);
        let mut i = pos;
        match one {
            One::AnyAll => return limit,
            One::Any => return self.text.find(10, pos, limit).unwrap_or(limit),
            One::In(set, Fold::None) => {
                let set = &self.program.sets[*set];
                while i < limit && set.has(self.text.at(i)) {
                    i += 1;
                }
            }
            _ => {
                while i < limit && self.fits(one, self.text.at(i)) {
                    i += 1;
                }
            }
        }
        i
    }
    fn is_word(&self, i: usize, code: u32) -> bool {
        i < self.end && category(code, self.text.at(i))
    }
    fn holds(&self, at: u32, pos: usize) -> bool {
        let boundary = |code: u32| (pos > 0 && self.is_word(pos - 1, code)) != self.is_word(pos, code);
        match at {
            0 | 2 => pos == 0,
            1 => pos == 0 || self.text.at(pos - 1) == 10,
            3 => boundary(4),
            4 => !boundary(4),
            5 => pos == self.end || pos + 1 == self.end && self.text.at(pos) == 10,
            6 => pos == self.end || self.text.at(pos) == 10,
            7 => pos == self.end,
            8 => boundary(8),
            9 => !boundary(8),
            10 => boundary(14),
            _ => !boundary(14),
        }
    }
    fn push(&mut self, b: Back) -> Result<(), Stop> {
        if self.s.stack.len() >= STACK_MAX || self.s.stack.len() == self.s.stack.capacity() && self.s.stack.try_reserve(self.s.stack.len().max(64)).is_err() {
            return Err(Stop::Memory);
        }
        self.s.stack.push(b);
        Ok(())
    }
    fn unwind(&mut self, trail: usize) {
        while self.s.trail.len() > trail {
            match self.s.trail.pop() {
                Some(Undo::Mark(i, v)) => self.s.marks[i] = v,
                Some(Undo::Last(l)) => self.last = l,
                Some(Undo::Loop(i, v)) => self.s.loops[i] = v,
                None => {}
            }
        }
    }
    fn set_loop(&mut self, id: usize, v: (usize, usize)) {
        self.note(Undo::Loop(id, self.s.loops[id]));
        self.s.loops[id] = v;
    }

    /// Matches at `start`; the end of the match.
    fn run(&mut self, start: usize) -> Result<Option<usize>, Stop> {
        let (mut pc, mut pos) = (0, start);
        self.s.stack.clear();
        self.s.trail.clear();
        if self.marked {
            // Not where there are none: to write nothing to where nothing is costs the C library's `memset` a fault.
            if !self.s.marks.is_empty() {
                self.s.marks.fill(NEVER);
            }
            self.marked = false;
        }
        self.last = 0;
        let program = self.program;
        'forward: loop {
            self.tick()?;
            let failed = match &program.insts[pc] {
                Inst::One(one) => {
                    if pos < self.end && self.fits(one, self.text.at(pos)) {
                        pos += 1;
                        pc += 1;
                        continue;
                    }
                    true
                }
                Inst::At(a) => {
                    pc += 1;
                    !self.holds(*a, pos)
                }
                Inst::Mark(i) => {
                    self.note(Undo::Mark(*i, self.s.marks[*i]));
                    self.s.marks[*i] = pos;
                    self.marked = true;
                    if i & 1 == 1 {
                        self.note(Undo::Last(self.last));
                        self.last = i / 2 + 1;
                    }
                    pc += 1;
                    false
                }
                Inst::Jump(t) => {
                    pc = *t;
                    false
                }
                Inst::Split(t) => {
                    let (here, there) = match &program.peek.ways[pc] {
                        Some(w) => (self.may_begin(&w.0, pos), self.may_begin(&w.1, pos)),
                        None => (true, true),
                    };
                    if here && there {
                        let trail = self.s.trail.len();
                        self.push(Back::Try { pc: *t, pos, trail })?;
                    }
                    pc = if here { pc + 1 } else { *t };
                    !here && !there
                }
                Inst::Group(g, fold) => match self.s.span(*g) {
                    Some((a, b)) => {
                        let n = b - a;
                        let same = n <= self.end - pos && (0..n).all(|i| fold.lower(self.text.at(a + i)) == fold.lower(self.text.at(pos + i)));
                        pos += if same { n } else { 0 };
                        pc += 1;
                        !same
                    }
                    _ => true,
                },
                Inst::IfGroup(g, t) => {
                    pc = if self.s.span(*g).is_some() { pc + 1 } else { *t };
                    false
                }
                Inst::RepeatOne { one, min, max, kind } => {
                    if self.end - pos < *min {
                        true
                    } else {
                        let trail = self.s.trail.len();
                        let here = pos;
                        match kind {
                            Greed::Lazy => {
                                let reached = if *min > 0 { self.run_length(one, pos, *min) } else { pos };
                                if reached - here < *min {
                                    true
                                } else {
                                    pos = reached;
                                    if *max > *min {
                                        self.push(Back::Longer { inst: pc, pos, left: max - min, trail })?;
                                    }
                                    pc += 1;
                                    false
                                }
                            }
                            _ => {
                                let reached = self.run_length(one, pos, *max);
                                if reached - here < *min {
                                    true
                                } else {
                                    pos = reached;
                                    if *kind == Greed::Greedy && reached > here + min {
                                        self.push(Back::Shorter { pc: pc + 1, low: here + min, pos, trail })?;
                                    }
                                    pc += 1;
                                    false
                                }
                            }
                        }
                    }
                }
                Inst::LoopStart(id) => {
                    self.set_loop(*id, (0, NEVER));
                    pc += 1;
                    false
                }
                Inst::Loop { id, min, max, greedy, out } => {
                    let (count, last) = self.s.loops[*id];
                    let trail = self.s.trail.len();
                    // Another empty round changes nothing.
                    let again = count < *max && last != pos;
                    let (here, there) = match &program.peek.ways[pc] {
                        Some(w) if again => (self.may_begin(&w.0, pos), self.may_begin(&w.1, pos)),
                        _ => (true, true),
                    };
                    if count < *min {
                        self.set_loop(*id, (count + 1, pos));
                        pc += 1;
                    } else if *greedy {
                        if again && here {
                            if there {
                                self.push(Back::Try { pc: *out, pos, trail })?;
                            }
                            self.set_loop(*id, (count + 1, pos));
                            pc += 1;
                        } else {
                            pc = *out;
                        }
                    } else {
                        if again && here {
                            self.push(Back::Longer { inst: pc, pos, left: count, trail })?;
                        }
                        pc = *out;
                    }
                    false
                }
                Inst::Assert { back, negative, after } => {
                    if pos < *back {
                        if *negative {
                            pc = *after;
                            false
                        } else {
                            true
                        }
                    } else {
                        let trail = self.s.trail.len();
                        self.push(Back::Barrier { inst: pc, pos, trail })?;
                        pos -= back;
                        pc += 1;
                        false
                    }
                }
                Inst::Atomic(_) => {
                    let trail = self.s.trail.len();
                    self.push(Back::Barrier { inst: pc, pos, trail })?;
                    pc += 1;
                    false
                }
                Inst::Success => {
                    // The innermost open barrier is what ends here; without one it is the whole pattern.
                    let barrier = self.open_barrier();
                    match barrier {
                        None => {
                            if self.full && pos != self.end || self.must_advance == Some(pos) && start == pos {
                                true
                            } else {
                                return Ok(Some(pos));
                            }
                        }
                        Some(i) => {
                            let Back::Barrier { inst, pos: before, trail } = self.s.stack[i] else { return Ok(None) };
                            self.s.stack.truncate(i);
                            match &program.insts[inst] {
                                Inst::Assert { negative: true, .. } => {
                                    self.unwind(trail);
                                    true
                                }
                                Inst::Assert { after, .. } => {
                                    pos = before;
                                    pc = *after;
                                    false
                                }
                                Inst::Atomic(after) => {
                                    pc = *after;
                                    false
                                }
                                _ => return Ok(None),
                            }
                        }
                    }
                }
                Inst::Fail => true,
            };
            if !failed {
                continue;
            }
            loop {
                match self.s.stack.pop() {
                    None => {
                        self.unwind(0);
                        return Ok(None);
                    }
                    Some(Back::Try { pc: p, pos: at, trail }) => {
                        self.unwind(trail);
                        (pc, pos) = (p, at);
                        continue 'forward;
                    }
                    Some(Back::Shorter { pc: p, low, pos: at, trail }) => {
                        self.unwind(trail);
                        let mut at = at - 1;
                        // Where a certain character must follow, shorter runs before another one are skipped.
                        if let Inst::One(One::Literal(l)) = &program.insts[p] {
                            while at > low && (at >= self.end || self.text.at(at) != *l) {
                                at -= 1;
                            }
                        }
                        if at > low {
                            self.s.stack.push(Back::Shorter { pc: p, low, pos: at, trail });
                        }
                        (pc, pos) = (p, at);
                        continue 'forward;
                    }
                    Some(Back::Longer { inst, pos: at, left, trail }) => {
                        self.unwind(trail);
                        match &program.insts[inst] {
                            Inst::RepeatOne { one, .. } if left > 0 && at < self.end && self.fits(one, self.text.at(at)) => {
                                if left > 1 {
                                    self.s.stack.push(Back::Longer { inst, pos: at + 1, left: left - 1, trail });
                                }
                                (pc, pos) = (inst + 1, at + 1);
                                continue 'forward;
                            }
                            Inst::Loop { id, .. } => {
                                self.set_loop(*id, (left + 1, at));
                                (pc, pos) = (inst + 1, at);
                                continue 'forward;
                            }
                            _ => {}
                        }
                    }
                    Some(Back::Barrier { inst, pos: at, trail }) => {
                        self.unwind(trail);
                        if let Inst::Assert { negative: true, after, .. } = &program.insts[inst] {
                            (pc, pos) = (*after, at);
                            continue 'forward;
                        }
                    }
                }
                self.tick()?;
            }
        }
    }

    /// The barrier whose body is being matched. Barriers that are closed have been cut off the stack.
    fn open_barrier(&self) -> Option<usize> {
        self.s.stack.iter().rposition(|b| matches!(b, Back::Barrier { .. }))
    }
}
