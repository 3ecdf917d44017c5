//! CPython 3.9's last pass over finished bytes (Python/peephole.c): constant tuples, jumps to jumps, dead code after
//! RETURN_VALUE. It works in place on words, leaves NOPs, then squeezes them out.

use crate::assemble::size_of;
use retic_bytecode::Opcode::{self, *};
use retic_bytecode::{Const, Position};

pub(crate) type Word = (u8, u8);

struct Pass<'a> {
    words: &'a mut Vec<Word>,
    consts: &'a mut Vec<Const>,
    blocks: Vec<u32>,
}

fn op_at(words: &[Word], i: usize) -> Option<Opcode> {
    words.get(i).and_then(|w| Opcode::from_u8(w.0))
}

/// The first word at or after `i` that is no EXTENDED_ARG.
fn find_op(words: &[Word], mut i: usize) -> usize {
    while i < words.len() && op_at(words, i) == Some(EXTENDED_ARG) {
        i += 1;
    }
    i
}

fn get_arg(words: &[Word], i: usize) -> u32 {
    let mut arg = u32::from(words[i].1);
    let mut shift = 8;
    let mut k = i;
    while k > 0 && shift < 32 && op_at(words, k - 1) == Some(EXTENDED_ARG) {
        k -= 1;
        arg |= u32::from(words[k].1) << shift;
        shift += 8;
    }
    arg
}

fn fill_nops(words: &mut [Word], start: usize, end: usize) {
    words[start..end].fill((NOP as u8, 0));
}

fn write_op(words: &mut [Word], at: usize, op: Opcode, arg: u32, len: usize) {
    for k in 0..len - 1 {
        words[at + k] = (EXTENDED_ARG as u8, (arg >> (8 * (len - 1 - k))) as u8);
    }
    words[at + len - 1] = (op as u8, arg as u8);
}

/// Writes the instruction so that it ends before `end`; `false` when it does not fit after `start`.
fn copy_op(words: &mut [Word], start: usize, op: Opcode, arg: u32, end: usize) -> bool {
    let len = size_of(arg) as usize;
    if start + len > end {
        return false;
    }
    write_op(words, end - len, op, arg, len);
    fill_nops(words, start, end - len);
    true
}

/// Changes the argument of the instruction at `i` in place; returns where its opcode is now.
fn set_arg(words: &mut [Word], i: usize, arg: u32) -> Option<usize> {
    let old = get_arg(words, i);
    if old == arg {
        return Some(i);
    }
    let (cur, new) = (size_of(old) as usize, size_of(arg) as usize);
    if cur < new {
        return None;
    }
    let op = op_at(words, i)?;
    let start = i + 1 - cur;
    write_op(words, start, op, arg, new);
    fill_nops(words, start + new, i + 1);
    Some(start + new - 1)
}

fn is_absolute(op: Opcode) -> bool {
    matches!(op, JUMP_ABSOLUTE | POP_JUMP_IF_FALSE | POP_JUMP_IF_TRUE | JUMP_IF_FALSE_OR_POP | JUMP_IF_TRUE_OR_POP | JUMP_IF_NOT_EXC_MATCH)
}
fn is_relative(op: Opcode) -> bool {
    matches!(op, FOR_ITER | JUMP_FORWARD | SETUP_FINALLY | SETUP_WITH | SETUP_ASYNC_WITH)
}
fn is_conditional(op: Opcode) -> bool {
    matches!(op, POP_JUMP_IF_FALSE | POP_JUMP_IF_TRUE | JUMP_IF_FALSE_OR_POP | JUMP_IF_TRUE_OR_POP)
}
fn on_true(op: Opcode) -> bool {
    matches!(op, POP_JUMP_IF_TRUE | JUMP_IF_TRUE_OR_POP)
}
fn is_unconditional(op: Opcode) -> bool {
    matches!(op, JUMP_ABSOLUTE | JUMP_FORWARD)
}

/// Whether an instruction may go on somewhere else by itself.
pub(crate) fn jumps(op: Opcode) -> bool {
    is_absolute(op) || matches!(op, FOR_ITER | JUMP_FORWARD)
}

/// What the pass did: the words with NOPs for those that are gone, and where each came to lie.
pub(crate) struct Squeezed {
    pub left: Vec<Word>,
    pub moved: Vec<usize>,
}

pub(crate) fn jump_target(words: &[Word], i: usize) -> usize {
    let arg = get_arg(words, i) as usize / 2;
    if op_at(words, i).is_some_and(is_absolute) { arg } else { i + 1 + arg }
}

fn mark_blocks(words: &[Word]) -> Vec<u32> {
    let mut marks = vec![0u32; words.len() + 1];
    for i in 0..words.len() {
        if op_at(words, i).is_some_and(|op| is_absolute(op) || is_relative(op)) {
            let t = jump_target(words, i).min(words.len());
            marks[t] = 1;
        }
    }
    let mut count = 0;
    for m in &mut marks {
        count += *m;
        *m = count;
    }
    marks
}

/// Runs the pass, or leaves everything as it was where CPython does.
pub(crate) fn optimize(words: &mut Vec<Word>, consts: &mut Vec<Const>, lnotab: &mut [u8], positions: &mut Vec<Position>) -> Option<Squeezed> {
    if lnotab.chunks_exact(2).any(|p| p[0] == 255) {
        return None;
    }
    let original = words.clone();
    let blocks = mark_blocks(words);
    let mut pass = Pass { words, consts, blocks };
    pass.run();
    let left = words.clone();
    match squeeze(words, lnotab, positions) {
        Some(moved) => Some(Squeezed { left, moved }),
        None => {
            *words = original;
            None
        }
    }
}

impl Pass<'_> {
    fn same_block(&self, a: usize, b: usize) -> bool {
        self.blocks[a] == self.blocks[b.min(self.blocks.len() - 1)]
    }

    fn run(&mut self) {
        let n = self.words.len();
        let mut i = find_op(self.words, 0);
        let mut consts_before;
        let mut consts_now = 0usize;
        while i < n {
            let Some(op) = op_at(self.words, i) else {
                i += 1;
                continue;
            };
            let mut start = i;
            while start >= 1 && op_at(self.words, start - 1) == Some(EXTENDED_ARG) {
                start -= 1;
            }
            let mut next = find_op(self.words, i + 1);
            let next_op = op_at(self.words, next);
            consts_before = consts_now;
            consts_now = 0;
            match op {
                LOAD_CONST => {
                    consts_now = consts_before + 1;
                    if next_op == Some(POP_JUMP_IF_FALSE) && self.same_block(start, i + 1) {
                        let at = get_arg(self.words, i) as usize;
                        if crate::fold::truth(&self.consts[at]) {
                            fill_nops(self.words, start, next + 1);
                            consts_now = 0;
                        }
                    }
                }
                BUILD_TUPLE => self.build_tuple(i, start, next, next_op, consts_before),
                JUMP_IF_FALSE_OR_POP | JUMP_IF_TRUE_OR_POP => match self.thread_or_pop(i, op) {
                    Some(again) => next = again,
                    None => self.thread_jump(i, start, op),
                },
                POP_JUMP_IF_FALSE | POP_JUMP_IF_TRUE | JUMP_FORWARD | JUMP_ABSOLUTE => self.thread_jump(i, start, op),
                RETURN_VALUE => {
                    let mut h = i + 1;
                    while h < n && self.same_block(i, h) {
                        h += 1;
                    }
                    if h > i + 1 {
                        fill_nops(self.words, i + 1, h);
                        next = find_op(self.words, h);
                    }
                }
                _ => {}
            }
            i = next;
        }
    }

    fn build_tuple(&mut self, i: usize, start: usize, next: usize, next_op: Option<Opcode>, consts_before: usize) {
        let n = get_arg(self.words, i) as usize;
        if n > 0 && consts_before >= n {
            let first = self.nth_const_back(start, n);
            if self.same_block(first, start) {
                self.fold_tuple(first, i + 1, n);
                return;
            }
        }
        if next_op != Some(UNPACK_SEQUENCE) || !self.same_block(start, i + 1) || n as u32 != get_arg(self.words, next) {
            return;
        }
        match n {
            0 | 1 => fill_nops(self.words, start, next + 1),
            2 => {
                self.words[start] = (ROT_TWO as u8, 0);
                fill_nops(self.words, start + 1, next + 1);
            }
            3 => {
                self.words[start] = (ROT_THREE as u8, 0);
                self.words[start + 1] = (ROT_TWO as u8, 0);
                fill_nops(self.words, start + 2, next + 1);
            }
            _ => {}
        }
    }

    /// Where the n-th LOAD_CONST before `i` begins.
    fn nth_const_back(&self, mut i: usize, mut n: usize) -> usize {
        loop {
            i -= 1;
            if op_at(self.words, i) == Some(LOAD_CONST) {
                n -= 1;
                if n == 0 {
                    while i > 0 && op_at(self.words, i - 1) == Some(EXTENDED_ARG) {
                        i -= 1;
                    }
                    return i;
                }
            }
        }
    }

    fn fold_tuple(&mut self, first: usize, end: usize, n: usize) {
        let mut items = Vec::with_capacity(n);
        let mut at = first;
        while items.len() < n {
            at = find_op(self.words, at);
            if op_at(self.words, at) == Some(LOAD_CONST) {
                items.push(self.consts[get_arg(self.words, at) as usize].clone());
            }
            at += 1;
        }
        self.consts.push(Const::Tuple(items.into()));
        let index = self.consts.len() as u32 - 1;
        copy_op(self.words, first, LOAD_CONST, index, end);
    }

    /// `x and y or z`: a jump that keeps its value onto another conditional jump.
    fn thread_or_pop(&mut self, i: usize, op: Opcode) -> Option<usize> {
        let target = find_op(self.words, get_arg(self.words, i) as usize / 2);
        let there = op_at(self.words, target).filter(|t| is_conditional(*t))?;
        let (at, op) = if on_true(there) == on_true(op) {
            let arg = get_arg(self.words, target);
            (set_arg(self.words, i, arg), there)
        } else {
            let popped = if op == JUMP_IF_TRUE_OR_POP { POP_JUMP_IF_TRUE } else { POP_JUMP_IF_FALSE };
            (set_arg(self.words, i, (target as u32 + 1) * 2), popped)
        };
        let at = at?;
        self.words[at].0 = op as u8;
        Some(at)
    }

    fn thread_jump(&mut self, i: usize, start: usize, mut op: Opcode) {
        let target = find_op(self.words, jump_target(self.words, i));
        let Some(there) = op_at(self.words, target) else { return };
        if is_unconditional(op) && there == RETURN_VALUE {
            self.words[start] = (RETURN_VALUE as u8, 0);
            fill_nops(self.words, start + 1, i + 1);
        } else if is_unconditional(there) {
            let mut arg = jump_target(self.words, target);
            if op == JUMP_FORWARD {
                op = JUMP_ABSOLUTE;
            } else if !is_absolute(op) {
                if arg < i + 1 {
                    return;
                }
                arg -= i + 1;
            }
            copy_op(self.words, start, op, arg as u32 * 2, i + 1);
        }
    }
}

/// Removes NOPs and fixes jumps and line table; none when an argument would have to grow. Gives where each word came to lie.
fn squeeze(words: &mut Vec<Word>, lnotab: &mut [u8], positions: &mut Vec<Position>) -> Option<Vec<usize>> {
    let n = words.len();
    let mut moved = Vec::with_capacity(n + 1);
    let mut nops = 0;
    for (i, w) in words.iter().enumerate() {
        moved.push(i - nops);
        if w.0 == NOP as u8 {
            nops += 1;
        }
    }
    moved.push(n - nops);
    let mut out: Vec<Word> = Vec::with_capacity(n);
    let mut kept: Vec<Position> = Vec::with_capacity(n);
    let mut i = 0;
    while i < n {
        let start = i;
        let mut arg = u32::from(words[i].1);
        while i + 1 < n && words[i].0 == EXTENDED_ARG as u8 {
            i += 1;
            arg = arg << 8 | u32::from(words[i].1);
        }
        let op = op_at(words, i)?;
        if op == NOP {
            i += 1;
            continue;
        }
        if is_absolute(op) {
            arg = moved[arg as usize / 2] as u32 * 2;
        } else if is_relative(op) {
            arg = (moved[arg as usize / 2 + i + 1] - moved[i] - 1) as u32 * 2;
        }
        let len = i - start + 1;
        if size_of(arg) as usize > len {
            return None;
        }
        let at = out.len();
        out.resize(at + len, (0, 0));
        write_op(&mut out, at, op, arg, len);
        kept.extend_from_slice(&positions[start..=i]);
        i += 1;
    }
    let (mut original, mut last) = (0usize, 0usize);
    for pair in lnotab.chunks_exact_mut(2) {
        original += pair[0] as usize;
        let new = moved[original / 2] * 2;
        pair[0] = (new - last) as u8;
        last = new;
    }
    *words = out;
    *positions = kept;
    Some(moved)
}
