//! Which locals are certainly bound where: reads of the others are checked.

use retic_bytecode::Opcode::{self, *};
use retic_bytecode::code::{Code, Instruction};
use rustc_hash::FxHashMap;

/// A set of locals, one bit each. Those beyond the bits are never known to be bound: their reads are checked.
#[derive(Clone, Copy, PartialEq, Default)]
pub(super) struct Locals(u128);
impl Locals {
    pub(super) fn first(n: usize) -> Locals {
        Locals(if n >= 128 { u128::MAX } else { (1 << n) - 1 })
    }
    pub(super) fn has(self, local: usize) -> bool {
        local < 128 && self.0 >> local & 1 == 1
    }
    pub(super) fn set(&mut self, local: usize, bound: bool) {
        if local < 128 {
            self.0 = self.0 & !(1 << local) | u128::from(bound) << local;
        }
    }
}

/// Which locals are certainly bound at each jump target: a forward pass over the wordcode until nothing changes. `is_target`: whether
/// a jump leads to an offset.
pub(super) fn bound_at_labels(code: &Code, hidden: u32, list: &[Instruction], fix: &impl Fn(u32) -> u32, is_target: &impl Fn(u32) -> bool) -> FxHashMap<u32, Locals> {
    let mut at: FxHashMap<u32, Locals> = FxHashMap::default();
    if code.nlocals() == 0 && hidden == 0 || list.iter().all(|i| i.target().is_none()) {
        return at;
    }
    loop {
        let mut changed = false;
        let mut cur = Some(Locals::first(code.arg_slots()));
        // Handlers of the try blocks met so far.
        let mut open: Vec<u32> = Vec::new();
        // What changes further on is met in this pass; only what changes behind it asks for another.
        let mut merge = |at: &mut FxHashMap<u32, Locals>, from: u32, t: u32, s: Locals| {
            let behind = t <= from;
            let old = at.entry(t).or_insert_with(|| {
                changed |= behind;
                s
            });
            let both = Locals(old.0 & s.0);
            changed |= behind && *old != both;
            *old = both;
        };
        for i in list {
            if is_target(i.offset)
                && let Some(known) = at.get(&i.offset).copied()
            {
                let here = cur.map_or(known, |c| Locals(c.0 & known.0));
                at.insert(i.offset, here);
                cur = Some(here);
            }
            let Some(c) = cur.as_mut() else { continue };
            let Some(op) = Opcode::from_u8(i.opcode) else { continue };
            match op {
                STORE_FAST => c.set(i.arg as usize, true),
                DELETE_FAST => {
                    c.set(i.arg as usize, false);
                    for h in &open {
                        merge(&mut at, i.offset, *h, *c);
                    }
                }
                _ => {}
            }
            let snapshot = *c;
            if let Some(t) = i.target().map(fix) {
                if matches!(op, SETUP_FINALLY | SETUP_WITH | SETUP_ASYNC_WITH) {
                    open.push(t);
                }
                merge(&mut at, i.offset, t, snapshot);
            }
            if op.ends_flow() {
                cur = None;
            }
        }
        if !changed {
            return at;
        }
    }
}
