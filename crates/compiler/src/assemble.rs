//! Blocks to bytes: jump offsets, EXTENDED_ARG, stack depth, the line table; then the peephole pass.

use crate::emit::{Block, Instr, Unit};
use crate::error::Lines;
use crate::paths::Plan;
use crate::peephole;
use crate::symbols::{Scope, ScopeKind};
use retic_bytecode::code::*;
use retic_bytecode::{Code, Opcode, Operand};
use std::rc::Rc;

/// Words an instruction with this argument takes.
pub fn size_of(arg: u32) -> u32 {
    match arg {
        0..=0xff => 1,
        0x100..=0xffff => 2,
        0x1_0000..=0xff_ffff => 3,
        _ => 4,
    }
}

/// Makes the code object of a finished unit.
pub(crate) fn assemble(mut unit: Unit, scope: &Scope, lines: &Lines, filename: Rc<str>, future_flags: u32) -> Code {
    let order = block_order(&unit.blocks);
    let first_line = unit.blocks[0].instrs.first().map_or(0, |i| i.line);
    if unit.firstlineno == 0 {
        unit.firstlineno = if first_line != 0 { first_line } else { 1 };
    }
    resolve_jumps(&mut unit.blocks, &order);
    let stacksize = stack_depth(&unit.blocks);
    let mut table = LineTable { out: Vec::new(), line: unit.firstlineno, offset: 0 };
    let mut words: Vec<(u8, u8)> = Vec::new();
    let mut positions: Vec<Position> = Vec::new();
    for b in &order {
        for i in &unit.blocks[*b].instrs {
            if i.line != 0 {
                table.add(words.len() as u32, i.line);
            }
            let position = position_of(lines, i);
            for k in (1..size_of(i.arg)).rev() {
                words.push((Opcode::EXTENDED_ARG as u8, (i.arg >> (8 * k)) as u8));
                positions.push(position);
            }
            words.push((i.op as u8, i.arg as u8));
            positions.push(position);
        }
    }
    let mut consts = unit.consts.items;
    let mut lnotab = table.out;
    let squeezed = peephole::optimize(&mut words, &mut consts, &mut lnotab, &mut positions);
    let paths = Plan::new(unit.blocks, &order, lines).map_or_else(Vec::new, |p| p.paths(&words, squeezed));
    let mut flags = future_flags | if unit.stores_doc { DOC_STORED } else { 0 };
    if matches!(scope.kind, ScopeKind::Function | ScopeKind::Annotation) {
        flags |= CO_NEWLOCALS | CO_OPTIMIZED;
        if scope.nested {
            flags |= CO_NESTED;
        }
        flags |= match (scope.generator, scope.coroutine) {
            (true, false) => CO_GENERATOR,
            (false, true) => CO_COROUTINE,
            (true, true) => CO_ASYNC_GENERATOR,
            _ => 0,
        };
        if unit.star_args {
            flags |= CO_VARARGS;
        }
        if unit.star_kwargs {
            flags |= CO_VARKEYWORDS;
        }
    }
    if unit.cellvars.items.is_empty() && unit.freevars.items.is_empty() {
        flags |= CO_NOFREE;
    }
    let mut static_attributes = scope.attributes.clone();
    static_attributes.sort();
    Code {
        name: unit.name,
        qualname: unit.qualname,
        filename,
        argcount: unit.argcount,
        posonlyargcount: unit.posonlyargcount,
        kwonlyargcount: unit.kwonlyargcount,
        stacksize,
        flags,
        firstlineno: unit.firstlineno,
        foreign: false,
        inside: Default::default(),
        body: Body {
            code: words.into_iter().flat_map(|(op, arg)| [op, arg]).collect(),
            consts,
            names: unit.names.items,
            varnames: unit.varnames.items,
            cellvars: unit.cellvars.items,
            freevars: unit.freevars.items,
            lnotab,
            positions: positions.into(),
            paths,
            static_attributes,
            inlined: Default::default(),
        }
        .into(),
    }
}

fn position_of(lines: &Lines, i: &Instr) -> Position {
    if i.range.is_empty() {
        return Position::default();
    }
    let (line, column) = lines.line_column(i.range.start().to_u32());
    let (end_line, end_column) = lines.line_column(i.range.end().to_u32());
    Position { line, end_line, column, end_column }
}

fn block_order(blocks: &[Block]) -> Vec<usize> {
    let mut order = vec![0];
    let mut at = 0;
    while let Some(next) = blocks[at].next {
        order.push(next);
        at = next;
    }
    order
}

fn resolve_jumps(blocks: &mut [Block], order: &[usize]) {
    let mut starts = vec![0u32; blocks.len()];
    loop {
        let mut at = 0;
        for b in order {
            starts[*b] = at;
            at += blocks[*b].instrs.iter().map(|i| size_of(i.arg)).sum::<u32>();
        }
        let mut again = false;
        for b in order {
            let mut at = starts[*b];
            for i in &mut blocks[*b].instrs {
                let size = size_of(i.arg);
                at += size;
                let Some(target) = i.target else { continue };
                let mut arg = starts[target];
                if i.op.operand() == Operand::JumpRelative {
                    arg = arg.saturating_sub(at);
                }
                i.arg = arg * 2;
                again |= size_of(i.arg) != size;
            }
        }
        if !again {
            return;
        }
    }
}

fn stack_depth(blocks: &[Block]) -> u32 {
    let mut start = vec![i32::MIN; blocks.len()];
    let mut work = vec![0usize];
    start[0] = 0;
    let mut max = 0;
    let reach = |start: &mut Vec<i32>, work: &mut Vec<usize>, b: usize, depth: i32| {
        if start[b] < depth && start[b] < 0 {
            start[b] = depth;
            work.push(b);
        }
    };
    while let Some(b) = work.pop() {
        let mut depth = start[b];
        let mut next = blocks[b].next;
        for i in &blocks[b].instrs {
            let after = depth + i.op.stack_effect(i.arg, false);
            max = max.max(after);
            if let Some(target) = i.target {
                let there = depth + i.op.stack_effect(i.arg, true);
                max = max.max(there);
                reach(&mut start, &mut work, target, there);
            }
            depth = after;
            if i.op.ends_flow() {
                next = None;
                break;
            }
        }
        if let Some(n) = next {
            reach(&mut start, &mut work, n, depth);
        }
    }
    max.max(0) as u32
}

struct LineTable {
    out: Vec<u8>,
    line: u32,
    /// Words so far at the last entry.
    offset: u32,
}

impl LineTable {
    /// Notes that the instruction at word `at` begins `line` (assemble_lnotab of compile.c).
    fn add(&mut self, at: u32, line: u32) {
        let mut bytes = (at - self.offset) * 2;
        let mut delta = i64::from(line) - i64::from(self.line);
        if delta == 0 {
            return;
        }
        while bytes > 255 {
            self.out.extend([255, 0]);
            bytes -= 255;
        }
        while !(-128..=127).contains(&delta) {
            let step = if delta < 0 { -128 } else { 127 };
            self.out.extend([bytes as u8, step as i8 as u8]);
            bytes = 0;
            delta -= i64::from(step);
        }
        self.out.extend([bytes as u8, delta as i8 as u8]);
        self.line = line;
        self.offset = at;
    }
}
