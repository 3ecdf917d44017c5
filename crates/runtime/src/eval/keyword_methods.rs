//! Calls of methods with keywords, `o.f(1, b=2)`. The wordcode of 3.9 makes a bound method for them with LOAD_ATTR, newer
//! compilers none; the register code does as those where nothing stands between but arguments made in one go.

use retic_bytecode::Opcode::{self, *};
use retic_bytecode::code::Instruction;
use rustc_hash::FxHashSet;

/// Offsets of the LOAD_ATTR that read the method of such a call, and of the CALL_FUNCTION_KW.
pub(super) fn find(list: &[Instruction], is_target: &impl Fn(u32) -> bool) -> FxHashSet<u32> {
    let mut found = FxHashSet::default();
    if !list.iter().any(|i| i.opcode == CALL_FUNCTION_KW as u8) {
        return found;
    }
    // Where each value on the stack comes from, if from LOAD_ATTR; of those below nothing is known.
    let mut stack: Vec<Option<u32>> = Vec::new();
    for i in list {
        if is_target(i.offset) {
            stack.clear();
        }
        let (pops, pushes) = match Opcode::from_u8(i.opcode) {
            Some(CALL_FUNCTION_KW) => {
                let below = stack.len().checked_sub(i.arg as usize + 2);
                if let Some(Some(load)) = below.map(|at| stack[at]) {
                    found.extend([load, i.offset]);
                }
                (i.arg as usize + 2, 1)
            }
            Some(op) => match effect(op, i.arg as usize) {
                Some(known) => known,
                None => {
                    stack.clear();
                    continue;
                }
            },
            None => return FxHashSet::default(),
        };
        stack.truncate(stack.len().saturating_sub(pops));
        stack.resize(stack.len() + pushes, None);
        if i.opcode == LOAD_ATTR as u8
            && let Some(top) = stack.last_mut()
        {
            *top = Some(i.offset);
        }
    }
    found
}

/// How many values an instruction takes off the stack and puts there, where it only makes values.
fn effect(op: Opcode, arg: usize) -> Option<(usize, usize)> {
    Some(match op {
        LOAD_CONST | LOAD_FAST | LOAD_GLOBAL | LOAD_NAME | LOAD_DEREF | LOAD_CLOSURE => (0, 1),
        LOAD_ATTR | UNARY_NOT | UNARY_NEGATIVE | UNARY_POSITIVE | UNARY_INVERT => (1, 1),
        LOAD_METHOD => (1, 2),
        BINARY_ADD | BINARY_SUBTRACT | BINARY_MULTIPLY | BINARY_TRUE_DIVIDE | BINARY_FLOOR_DIVIDE | BINARY_MODULO | BINARY_POWER | BINARY_SUBSCR | BINARY_AND | BINARY_OR
        | BINARY_XOR | BINARY_LSHIFT | BINARY_RSHIFT | COMPARE_OP | IS_OP | CONTAINS_OP => (2, 1),
        BUILD_TUPLE | BUILD_LIST | BUILD_SET | BUILD_STRING | BUILD_SLICE => (arg, 1),
        BUILD_MAP => (2 * arg, 1),
        BUILD_CONST_KEY_MAP | CALL_FUNCTION => (arg + 1, 1),
        CALL_METHOD => (arg + 2, 1),
        MAKE_FUNCTION => (2 + (arg & 15).count_ones() as usize, 1),
        LIST_TO_TUPLE => (1, 1),
        FORMAT_VALUE => (if arg & 4 == 4 { 2 } else { 1 }, 1),
        LIST_EXTEND | DICT_MERGE | DICT_UPDATE | SET_UPDATE => (1, 0),
        _ => return None,
    })
}
