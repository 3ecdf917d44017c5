//! Lines of statements that leave no instruction (`pass`, `break`, a constant condition): which of them are passed on the way
//! from one instruction to the next. Tracing tells of them (PEP 626); the bytes are those of 3.9 all the same.

use crate::assemble::size_of;
use crate::emit::{Block, BlockId, Instr};
use crate::error::Lines;
use crate::peephole::{self, Squeezed};
use retic_bytecode::Opcode::{self, *};
use retic_bytecode::code::{Path, RAISED};

/// The blocks of a unit as they were put together, before the peephole pass.
pub(crate) struct Plan<'l> {
    lines: &'l Lines<'l>,
    blocks: Vec<Block>,
    /// The number of each block's first instruction.
    first: Vec<usize>,
    /// The first block at or behind each where something stands: ends of statements leave long rows of empty ones.
    solid: Vec<BlockId>,
    /// Block, place in it and word of the opcode of each instruction.
    places: Vec<(BlockId, usize, usize)>,
}

/// Instructions that are on the line of the one before.
fn jumps_only(op: Opcode) -> bool {
    matches!(op, JUMP_ABSOLUTE | JUMP_FORWARD | POP_BLOCK | POP_EXCEPT | RERAISE)
}

impl<'l> Plan<'l> {
    /// None where nothing is passed anywhere.
    pub fn new(blocks: Vec<Block>, order: &[BlockId], lines: &'l Lines<'l>) -> Option<Plan<'l>> {
        if blocks.iter().all(|b| b.marks.is_empty()) {
            return None;
        }
        let (mut first, mut places, mut words) = (vec![0; blocks.len()], Vec::new(), 0);
        for b in order {
            first[*b] = places.len();
            for (k, i) in blocks[*b].instrs.iter().enumerate() {
                words += size_of(i.arg) as usize;
                places.push((*b, k, words - 1));
            }
        }
        let mut solid: Vec<BlockId> = (0..blocks.len()).collect();
        for b in order.iter().rev() {
            if let (true, true, Some(next)) = (blocks[*b].instrs.is_empty(), blocks[*b].marks.is_empty(), blocks[*b].next) {
                solid[*b] = solid[next];
            }
        }
        Some(Plan { lines, blocks, first, solid, places })
    }
    fn instr(&self, i: usize) -> &Instr {
        let (b, k, _) = self.places[i];
        &self.blocks[b].instrs[k]
    }
    /// The instruction reached from a place in a block; notes the lines that are passed.
    fn walk(&self, mut b: BlockId, mut k: usize, lines: &mut Vec<u32>) -> Option<usize> {
        loop {
            if k == 0 {
                b = self.solid[b];
            }
            let block = &self.blocks[b];
            // They stand in their order.
            let from = block.marks.partition_point(|m| m.0 < k);
            lines.extend(block.marks[from..].iter().take_while(|m| m.0 == k).map(|m| m.1));
            if k < block.instrs.len() {
                return Some(self.first[b] + k);
            }
            (b, k) = (block.next?, 0);
        }
    }
    fn behind(&self, i: usize, lines: &mut Vec<u32>) -> Option<usize> {
        let (b, k, _) = self.places[i];
        self.walk(b, k + 1, lines)
    }
    /// The lines on the way to the instruction that is left at a word: jumps to jumps and dead tests are gone.
    fn lines_to(&self, mut at: Option<usize>, word: usize, left: &[(u8, u8)], mut lines: Vec<u32>) -> Vec<u32> {
        lines.dedup();
        for _ in 0..self.places.len() {
            let Some(i) = at else { break };
            let here = self.places[i].2;
            if here == word {
                break;
            }
            let op = self.instr(i).op;
            at = match self.instr(i).target {
                Some(t) if matches!(op, JUMP_ABSOLUTE | JUMP_FORWARD) => self.walk(t, 0, &mut lines),
                _ if left.get(here).is_some_and(|w| w.0 == NOP as u8) => self.behind(i, &mut lines),
                _ => break,
            };
        }
        // The line that the instruction itself begins needs no saying.
        let own = at.map_or(0, |i| self.lines.line(self.instr(i).range.start().to_u32()));
        while !lines.is_empty() && lines.last() == Some(&own) && at.is_some_and(|i| !self.instr(i).range.is_empty() && !jumps_only(self.instr(i).op)) {
            lines.pop();
        }
        lines
    }
    /// The lines between the instructions that are left.
    pub fn paths(&self, words: &[(u8, u8)], squeezed: Option<Squeezed>) -> Vec<Path> {
        let (left, moved) = match squeezed {
            Some(s) => (s.left, s.moved),
            None => (words.to_vec(), (0..=words.len()).collect()),
        };
        let real = |mut i: usize| {
            while left.get(i).is_some_and(|w| w.0 == NOP as u8 || w.0 == EXTENDED_ARG as u8) {
                i += 1;
            }
            i
        };
        let mut out = Vec::new();
        let mut add = |from: u32, to: usize, lines: Vec<u32>| {
            if !lines.is_empty() && to < left.len() {
                out.push(Path { from, to: moved[to] as u32 * 2, lines: lines.into() });
            }
        };
        let mut lines = Vec::new();
        let at = self.walk(0, 0, &mut lines);
        let to = real(0);
        add(u32::MAX, to, self.lines_to(at, to, &left, lines));
        for (i, (_, _, word)) in self.places.iter().enumerate() {
            let Some(op) = left.get(*word).and_then(|w| Opcode::from_u8(w.0)).filter(|op| !matches!(op, NOP | EXTENDED_ARG)) else { continue };
            let from = moved[*word] as u32 * 2;
            if !op.ends_flow() {
                let mut lines = Vec::new();
                let at = self.behind(i, &mut lines);
                let to = real(word + 1);
                // Where a jump leads to the next instruction, too, the way that does not jump gets a place of its own.
                let forked = self.instr(i).target.is_some() && op.is_conditional_jump() && real(peephole::jump_target(&left, *word)) == to;
                add(from | u32::from(forked), to, self.lines_to(at, to, &left, lines));
            }
            if let Some(t) = self.instr(i).target.filter(|_| !peephole::jumps(op)) {
                let mut lines = Vec::new();
                let at = self.walk(t, 0, &mut lines);
                let to = real(peephole::jump_target(&left, *word));
                add(RAISED, to, self.lines_to(at, to, &left, lines));
            }
            if let Some(t) = self.instr(i).target.filter(|_| peephole::jumps(op)) {
                let mut lines = Vec::new();
                let at = self.walk(t, 0, &mut lines);
                let to = real(peephole::jump_target(&left, *word));
                add(from, to, self.lines_to(at, to, &left, lines));
            }
        }
        out
    }
}
