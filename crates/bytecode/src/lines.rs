//! Line tables: CPython 3.9's lnotab, read the ways `dis` and tracebacks need.

use crate::Code;
use std::collections::HashMap;

/// The (offset, line) pairs where a new line starts, as `dis.findlinestarts` of 3.9.
pub fn line_starts(code: &Code) -> Vec<(u32, u32)> {
    let mut out = Vec::new();
    let (mut addr, mut line) = (0u32, i64::from(code.firstlineno));
    let mut last = None;
    for pair in code.lnotab.chunks_exact(2) {
        if pair[0] != 0 {
            if last != Some(line) {
                out.push((addr, line as u32));
                last = Some(line);
            }
            addr += u32::from(pair[0]);
            if addr as usize >= code.code.len() {
                return out;
            }
        }
        line += i64::from(pair[1] as i8);
    }
    if last != Some(line) {
        out.push((addr, line as u32));
    }
    out
}

/// The line of the instruction at byte `offset`, as `PyCode_Addr2Line` of 3.9.
/// An offset behind the code's own is one of a comprehension that runs inside of it.
pub fn line_of(code: &Code, offset: u32) -> u32 {
    let (code, offset) = code.resolve(offset);
    let (mut addr, mut line) = (0u32, i64::from(code.firstlineno));
    for pair in code.lnotab.chunks_exact(2) {
        addr += u32::from(pair[0]);
        if addr > offset {
            break;
        }
        line += i64::from(pair[1] as i8);
    }
    line as u32
}

/// The line that tracing tells of an instruction: where its source begins, as newer compilers have it. 0: it belongs to no line,
/// and is on the one before.
pub fn event_line(code: &Code, offset: u32) -> u32 {
    use crate::Opcode::{JUMP_ABSOLUTE, JUMP_FORWARD, POP_BLOCK, POP_EXCEPT, RERAISE};
    let (code, at) = code.resolve(offset);
    let word = at as usize / 2;
    match code.positions.get(word) {
        _ if code.code.get(word * 2).is_some_and(|op| [JUMP_ABSOLUTE, JUMP_FORWARD, POP_BLOCK, POP_EXCEPT, RERAISE].iter().any(|o| *o as u8 == *op)) => 0,
        Some(p) => p.line,
        None => line_of(code, at),
    }
}

/// The line without instructions, such as that of `pass`, that all ways to an instruction come from.
pub fn line_led_from(code: &Code, offset: u32) -> Option<u32> {
    let mut lines = code.paths.iter().filter(|p| p.to == offset).map(|p| p.lines.last().copied());
    let line = lines.next()??;
    lines.all(|l| l == Some(line)).then_some(line)
}

/// Of an instruction that raises again: the line that it belongs to; 0: the one where the exception was raised first.
pub fn reraised_at(code: &Code, offset: u32) -> Option<u32> {
    let (code, at) = code.resolve(offset);
    let word = at as usize / 2;
    let again = code.code.get(word * 2).is_some_and(|op| *op == crate::Opcode::RERAISE as u8);
    code.positions.get(word).filter(|_| again).map(|p| p.line)
}

/// Offsets that stand for lines without instructions, where nothing else stands: inside of an instruction beside them, one for
/// each line of each path, in their order.
pub fn passed(code: &Code) -> Vec<(u32, u32)> {
    let mut taken: HashMap<u32, u32> = HashMap::new();
    let mut out = Vec::new();
    for p in &code.paths {
        // Beside the instruction that it leads to, beside the one that it comes from, or further on.
        let beside = (p.from < crate::code::RAISED).then_some(p.from | 1);
        let further = (p.to..code.code.len() as u32).step_by(2).skip(1).map(|o| o + 1);
        let mut free = std::iter::once(p.to + 1).chain(beside).chain(further).peekable();
        for line in &p.lines {
            while free.peek().is_some_and(|o| taken.get(o).is_some_and(|l| l != line)) {
                free.next();
            }
            let own = free.peek().copied().unwrap_or(p.to + 1);
            taken.insert(own, *line);
            out.push((own, *line));
        }
    }
    out
}

/// Ranges of offsets and the line of each: (start, end, line), as tracing tells of them. Instructions of no line go with those
/// before them.
pub fn ranges(code: &Code) -> Vec<(u32, u32, u32)> {
    let mut out: Vec<(u32, u32, u32)> = Vec::new();
    let mut passed = passed(code);
    passed.sort_unstable();
    passed.dedup();
    let mut add = |from: u32, to: u32, line: u32| match out.last_mut() {
        Some(r) if r.2 == line && r.1 == from => r.1 = to,
        _ => out.push((from, to, line)),
    };
    let ends: HashMap<u32, u32> = code.paths.iter().rev().filter_map(|p| Some((p.to, *p.lines.last()?))).collect();
    let mut line = code.firstlineno;
    for at in (0..code.code.len() as u32).step_by(2) {
        match event_line(code, at) {
            0 => line = ends.get(&at).copied().unwrap_or(line),
            own => line = own,
        }
        let inside = &passed[passed.partition_point(|p| p.0 < at + 1)..passed.partition_point(|p| p.0 <= at + 1)];
        if inside.is_empty() {
            add(at, at + 2, line);
        } else {
            add(at, at + 1, line);
            inside.iter().for_each(|p| add(at + 1, at + 2, p.1));
        }
    }
    out
}

/// The line of every instruction, in order: one walk where `line_of` for each would be quadratic.
pub fn lines(code: &Code) -> Vec<u32> {
    let words = code.code.len() / 2;
    let mut out = Vec::with_capacity(words);
    let (mut addr, mut line) = (0usize, i64::from(code.firstlineno));
    for pair in code.lnotab.chunks_exact(2) {
        addr += usize::from(pair[0]);
        while out.len() < words && out.len() * 2 < addr {
            out.push(line as u32);
        }
        line += i64::from(pair[1] as i8);
    }
    out.resize(words, line as u32);
    out
}
