//! Line tables: CPython 3.9's lnotab, read the ways `dis` and tracebacks need.

use crate::Code;

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
