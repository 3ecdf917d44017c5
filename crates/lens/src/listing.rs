//! `retic dis --lives`: the listing of the user's code, with births and deaths beside each instruction.

use crate::book::Book;
use crate::story;
use crate::words::{Lang, fit, wrap};
use retic_bytecode::{Const, Opcode, dis, lines};
use std::collections::BTreeMap;

/// A constant as `repr` would have it, as far as that needs no Python.
pub fn constant(c: &Const) -> String {
    match c {
        Const::None => "None".to_string(),
        Const::Bool(b) => if *b { "True" } else { "False" }.to_string(),
        Const::Ellipsis => "Ellipsis".to_string(),
        Const::Int(i) => i.to_string(),
        Const::Float(bits) => format!("{:?}", f64::from_bits(*bits)),
        Const::Str(s) if s.starts_with("<code object ") => s.to_string(),
        Const::Str(s) => format!("'{s}'"),
        Const::Code(code) => format!("<code object {}>", code.name),
        Const::Bytes(_) => "b'…'".to_string(),
        Const::Tuple(items) => format!("({})", items.iter().map(constant).collect::<Vec<_>>().join(", ")),
        _ => "…".to_string(),
    }
}

/// An instruction with its argument, as the page and the listing show it.
pub fn instruction(code: &retic_bytecode::Code, i: retic_bytecode::code::Instruction) -> String {
    let Some(op) = Opcode::from_u8(i.opcode) else { return String::new() };
    let arg = dis::arg_text(code, op, i.arg, i.target(), &mut |n| code.consts.get(n).map_or(String::new(), constant));
    let arg = arg.trim().trim_start_matches('(').trim_end_matches(')');
    if !arg.is_empty() {
        format!("{} {arg}", op.name())
    } else if op.has_arg() {
        format!("{} {}", op.name(), i.arg)
    } else {
        op.name().to_string()
    }
}

/// The listing of every code of the user's that ran.
pub fn with_lives(book: &Book, lang: Lang, width: usize) -> String {
    let mut marks: BTreeMap<(u32, u32), Vec<String>> = BTreeMap::new();
    let mut sums: BTreeMap<(u32, u32, bool, String), u64> = BTreeMap::new();
    for l in book.lives.iter().filter(|l| l.type_id != 0) {
        let passing = l.born.by == 0 && l.death.is_some_and(|d| d.at.step == l.born.step);
        if book.directly_mine(&l.born) && !passing {
            let s = book.site(l.born.site);
            *sums.entry((s.code, s.offset, true, book.type_name(l.type_id).to_string())).or_default() += 1;
        }
        if let Some(d) = &l.death
            && book.directly_mine(&d.at)
            && !passing
            && let Some(end) = story::end(book, l)
            && !matches!(end.cause, story::Cause::Owner(_))
        {
            let s = book.site(d.at.site);
            // A store that is part of the instruction before is told where it stands.
            let offset = match &end.cause {
                story::Cause::Overwritten { .. } | story::Cause::Deleted { .. } => book.store_behind(d.at.site).filter(|_| end.op.ends_with("_FAST")).map_or(s.offset, |(o, _)| o),
                _ => s.offset,
            };
            *sums.entry((s.code, offset, false, format!("{}: {}", book.type_name(l.type_id), lang.cause(&end.cause, "")))).or_default() += 1;
        }
    }
    for ((code, offset, born, what), n) in sums {
        let sign = if born { '+' } else { '-' };
        let times = if n > 1 { format!("{n} × ") } else { String::new() };
        marks.entry((code, offset)).or_default().push(format!("{sign} {times}{what}"));
    }
    let mut out = String::new();
    for (id, c) in book.codes.iter().enumerate() {
        let Some(c) = c.as_ref().filter(|c| c.mine) else { continue };
        out.push_str(&format!("{}{}:\n", if out.is_empty() { "" } else { "\n" }, c.code.qualname));
        let starts: BTreeMap<u32, u32> = lines::line_starts(&c.code).into_iter().collect();
        for i in c.code.instructions() {
            let line = starts.get(&i.offset).map_or(String::new(), |l| l.to_string());
            let head = format!("{line:>4} {:>6} {}", i.offset, fit(&instruction(&c.code, i), 32));
            let told = marks.get(&(id as u32, i.offset)).map_or(String::new(), |m| m.iter().map(|t| wrap(t, width.saturating_sub(46).max(24), "")).collect::<String>());
            let mut told = told.lines();
            out.push_str(format!("{head}  {}", told.next().unwrap_or("")).trim_end());
            out.push('\n');
            for t in told {
                out.push_str(&format!("{}{t}\n", " ".repeat(46)));
            }
        }
    }
    out
}
