//! `retic lens export --json`: one JSON object a line, for other tools. First objects, then sites they name, then collections.

use crate::book::Book;
use crate::page::quote;
use crate::words::Lang;
use crate::{story, why};
use std::fmt::Write;

/// The lives of a recording as JSON lines. Keys: `kind` ("object", "buffer" or "collection"), `serial`, `type`, `address`,
/// `size` (bytes), `tenant` (from 1), `next` and `previous` (serial numbers, 0: none), `born` and `died` with `step`, `file`,
/// `line`, `op`, `by`; `died` is null for what was alive at the end and has `cause` and, where it has one, `owner`.
pub fn json(book: &Book, all: bool) -> String {
    let mut out = String::new();
    for l in &book.lives {
        if !(all || l.type_id != 0 && book.directly_mine(&l.born)) {
            continue;
        }
        let _ = write!(out, "{{\"kind\":\"{}\",\"serial\":{},\"type\":", if l.type_id == 0 { "buffer" } else { "object" }, l.serial);
        quote(&mut out, book.type_name(l.type_id));
        let _ = write!(out, ",\"address\":{},\"size\":{},\"tenant\":{},\"next\":{},\"previous\":{},\"born\":", l.address, l.size, l.tenant, l.next, l.previous);
        place(book, &l.born, &mut out);
        out.push_str("},\"died\":");
        match (&l.death, story::end(book, l)) {
            (Some(d), Some(end)) => {
                place(book, &d.at, &mut out);
                out.push_str(",\"cause\":");
                quote(&mut out, &why::death(book, l, Lang::En));
                if let story::Cause::Owner(o) = end.cause {
                    let _ = write!(out, ",\"owner\":{o}");
                }
                out.push_str("}}\n");
            }
            _ => out.push_str("null}\n"),
        }
    }
    for c in &book.collections {
        let _ = writeln!(out, "{{\"kind\":\"collection\",\"generation\":{},\"found\":{},\"step\":{},\"line\":{}}}", c.generation, c.found, c.at.step, book.line(c.at.site));
    }
    out
}

/// A moment, its brace left open.
fn place(book: &Book, m: &crate::book::Moment, out: &mut String) {
    let _ = write!(out, "{{\"step\":{},\"file\":", m.step);
    quote(out, book.file(m.site));
    let _ = write!(out, ",\"line\":{},\"op\":", book.line(m.site));
    quote(out, book.instruction(m.site).map_or("", |(op, _)| op.name()));
    out.push_str(",\"by\":");
    quote(out, book.name(m.by));
}
