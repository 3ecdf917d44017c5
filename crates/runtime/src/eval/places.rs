//! Where the instructions of bytecode stand in register code.

use super::Exec;
use rustc_hash::FxHashMap;

/// Offsets of bytecode and words of register code.
pub(super) struct Places {
    /// Where lines begin and jumps lead.
    pub known: FxHashMap<u32, u32>,
    /// The register instructions, by the offsets that they came from.
    pub instructions: Vec<(u32, u32)>,
}

impl Places {
    pub fn of(exec: &Exec) -> Places {
        let mut instructions: Vec<(u32, u32)> = exec.infos.iter().map(|i| (i.offset, i.word)).collect();
        instructions.sort_unstable();
        Places { known: exec.lines.iter().map(|l| (l.offset, l.word)).collect(), instructions }
    }
    /// The first register instruction at or behind an offset.
    pub fn behind(&self, offset: u32) -> Option<u32> {
        self.known.get(&offset).copied().or_else(|| self.instructions.get(self.instructions.partition_point(|i| i.0 < offset)).map(|i| i.1))
    }
    /// The last register instruction at or before an offset.
    pub fn before(&self, offset: u32) -> Option<u32> {
        self.instructions[..self.instructions.partition_point(|i| i.0 <= offset)].last().map(|i| i.1)
    }
    /// The register instruction that does what stands at an offset, and whether it came from there.
    pub fn doing(&self, offset: u32) -> Option<(u32, bool)> {
        let word = self.before(offset)?;
        Some((word, self.instructions.binary_search(&(offset, word)).is_ok()))
    }
}
