//! The text of `python3.9 -m dis`, to the byte.

use crate::code::{Code, Const};
use crate::lines::line_starts;
use crate::opcode::{COMPARE_OPS, Opcode, Operand};
use std::collections::HashSet;
use std::rc::Rc;

/// Where each jump of the code lands.
pub fn find_labels(code: &Code) -> HashSet<u32> {
    code.instructions().filter_map(|i| i.target()).collect()
}

/// What `dis` prints in parentheses after an argument; empty for nothing.
pub fn arg_text(code: &Code, op: Opcode, arg: u32, target: Option<u32>, constant: &mut dyn FnMut(usize) -> String) -> String {
    let name = |list: &[Rc<str>], i: usize| list.get(i).map(|s| s.to_string()).unwrap_or_default();
    let at = arg as usize;
    match op.operand() {
        Operand::Const => constant(at),
        Operand::Name => name(&code.names, at),
        Operand::Local => name(&code.varnames, at),
        Operand::Free if at < code.cellvars.len() => name(&code.cellvars, at),
        Operand::Free => name(&code.freevars, at - code.cellvars.len()),
        Operand::Compare => COMPARE_OPS.get(at).map(|s| s.to_string()).unwrap_or_default(),
        Operand::JumpRelative => format!("to {}", target.unwrap_or(0)),
        _ if op == Opcode::FORMAT_VALUE => {
            let mut text = ["", "str", "repr", "ascii"][at & 3].to_string();
            if at & 4 != 0 {
                text += if text.is_empty() { "with format" } else { ", with format" };
            }
            text
        }
        _ if op == Opcode::MAKE_FUNCTION => ["defaults", "kwdefaults", "annotations", "closure", "annotate"]
            .iter()
            .enumerate()
            .filter(|(bit, _)| arg >> bit & 1 == 1)
            .map(|(_, s)| *s)
            .collect::<Vec<_>>()
            .join(", "),
        _ => String::new(),
    }
}

/// Writes the listing of one code object. `constant` gives the repr of the constant with that index.
pub fn disassemble(code: &Code, last_instruction: Option<u32>, constant: &mut dyn FnMut(usize) -> String, out: &mut String) {
    let labels = find_labels(code);
    let starts: std::collections::HashMap<u32, u32> = line_starts(code).into_iter().collect();
    let line_width = starts.values().max().map_or(3, |l| l.to_string().len().max(3));
    let offset_width = code.code.len().saturating_sub(2).to_string().len().max(4);
    for i in code.instructions() {
        let new_line = starts.get(&i.offset);
        if new_line.is_some() && i.offset > 0 {
            out.push('\n');
        }
        let mut line = match new_line {
            Some(n) => format!("{n:>line_width$}"),
            None => " ".repeat(line_width),
        };
        line += if last_instruction == Some(i.offset) { " -->" } else { "    " };
        line += if labels.contains(&i.offset) { " >> " } else { "    " };
        line += &format!("{:>offset_width$}", i.offset);
        line.push(' ');
        match Opcode::from_u8(i.opcode) {
            Some(op) if op.has_arg() => {
                line += &format!("{:<20}{:>6}", op.name(), i.arg);
                let text = arg_text(code, op, i.arg, i.target(), constant);
                if !text.is_empty() {
                    line += &format!(" ({text})");
                }
            }
            Some(op) => line += op.name(),
            None => line += &format!("<{}>", i.opcode),
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
}

/// The code objects among the constants, in order.
pub fn nested(code: &Code) -> impl Iterator<Item = (usize, &Rc<Code>)> {
    code.consts.iter().enumerate().filter_map(|(i, c)| match c {
        Const::Code(code) => Some((i, code)),
        _ => None,
    })
}
