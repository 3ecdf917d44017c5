//! `retic why count` from a recording with counts: every change of the count of what a variable held, with the instruction
//! that made it.

use super::called;
use crate::book::{Book, Change, Moment};
use crate::report::Style;
use crate::story;
use crate::words::{Lang, fit, width};
use retic_bytecode::Opcode;
use rustc_hash::FxHashMap;

/// What happened to one object's count.
struct Row {
    count: Option<u32>,
    at: Moment,
}

/// The counts of the objects that a variable of a function held, one after the other; laps that are the same are told once.
/// `None`: the recording has no counts, or the variable held nothing.
pub fn history(book: &Book, style: &Style, name: &str, function: &str) -> Option<String> {
    let lang = style.lang;
    let slot_of = |frame: u32| {
        let id = book.frames.get(frame as usize).copied()?;
        let c = book.code(id).filter(|c| c.mine && *c.code.name == *function)?;
        c.code.varnames.iter().position(|v| **v == *name).map(|i| i as u32)
    };
    let mut order: Vec<u64> = Vec::new();
    let mut rows: FxHashMap<u64, Vec<Row>> = FxHashMap::default();
    for (at, change) in &book.changes {
        if let Change::Slot { slot, serial } = change
            && *serial != 0
            && slot_of(at.frame) == Some(*slot)
            && !rows.contains_key(serial)
        {
            order.push(*serial);
            rows.insert(*serial, Vec::new());
        }
    }
    for (at, change) in &book.changes {
        if let Change::Count { serial, count } = change
            && let Some(list) = rows.get_mut(serial)
        {
            list.push(Row { count: Some(*count), at: *at });
        }
    }
    let mut out = String::new();
    let mut told: FxHashMap<String, u64> = FxHashMap::default();
    for serial in order {
        let Some(life) = book.life(serial) else { continue };
        let mut list = rows.remove(&serial).unwrap_or_default();
        if let Some(d) = &life.death {
            list.push(Row { count: None, at: d.at });
        }
        let lines: Vec<[String; 3]> = list.iter().map(|r| row(book, lang, life, r)).collect();
        let wide = |i: usize| lines.iter().map(|l| width(&l[i])).max().unwrap_or(0);
        let (first, second) = (wide(0), wide(1));
        let body: String = lines.iter().map(|l| format!("  {}  {}  {}", fit(&l[0], first), fit(&l[1], second), l[2]).trim_end().to_string() + "\n").collect();
        let key = body.clone() + book.type_name(life.type_id);
        let n = told.entry(key).or_insert(0);
        *n += 1;
        if *n == 1 {
            out.push_str(&match lang {
                Lang::En => format!("{name} of {function}: {}\n{body}\n", called(book, life)),
                Lang::Zh => format!("{function} 的 {name}:{}\n{body}\n", called(book, life)),
            });
        }
    }
    let again = told.values().copied().max()?;
    if again > 1 {
        out.push_str(&match lang {
            Lang::En => format!("The same in each of {again} laps.\n"),
            Lang::Zh => format!("{again} 圈都相同。\n"),
        });
    }
    Some(out)
}

fn row(book: &Book, lang: Lang, life: &crate::book::Life, r: &Row) -> [String; 3] {
    let site = if book.is_mine(r.at.site) { r.at.site } else { r.at.mine };
    let op = book.instruction(site);
    // An instruction that stores what it made says so with the store.
    let s = book.site(site);
    let line = book.line(site);
    let name = book.code(s.code).and_then(|c| c.code.instruction_at(s.offset).map(|i| crate::listing::instruction(&c.code, i))).unwrap_or_default();
    let calls = matches!(op, Some((Opcode::CALL_FUNCTION | Opcode::CALL_METHOD | Opcode::CALL_FUNCTION_KW | Opcode::CALL_FUNCTION_EX, _)));
    let by = if calls { book.name(r.at.by) } else { "" };
    let place = match (line, lang) {
        (0, _) => lang.pick("out of sight", "视野之外").to_string(),
        (_, Lang::En) => format!("line {line}"),
        (_, Lang::Zh) => format!("第 {line} 行"),
    };
    let does = if by.is_empty() { name } else { format!("{name} {by}") };
    match r.count {
        Some(n) => [format!("{} {n}", lang.pick("count", "计数")), place, does],
        None => {
            let why = story::end(book, life).map_or(String::new(), |e| lang.cause(&e.cause, ""));
            [lang.pick("dies", "消亡").to_string(), place, why]
        }
    }
}
