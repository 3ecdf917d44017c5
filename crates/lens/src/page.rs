//! The page: one HTML file with everything in it, that works from `file://` and asks the network for nothing.

use crate::book::{Book, Change, Life};
use crate::report::Style;
use crate::words::Lang;
use crate::{story, why};
use rustc_hash::{FxHashMap, FxHashSet};
use std::fmt::Write;

const FRAME: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str = include_str!("page/page.js");

/// Lives that a page shows; of longer recordings the first, and the page says so.
pub const LIVES_MAX: usize = 300_000;

/// The page of a recording. `all`: lives of the library too.
pub fn page(book: &Book, all: bool) -> String {
    let data = data(book, all);
    let packed = base64(&crate::file::pack(data.as_bytes()));
    let title = escape(&book.command);
    FRAME.replace("{{title}}", &title).replace("{{style}}", STYLE).replace("{{data}}", &packed).replace("{{script}}", SCRIPT)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A JSON string.
pub(crate) fn quote(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if (c as u32) < 0x20 || c == '<' || c == '\u{2028}' || c == '\u{2029}' => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

fn list<T>(out: &mut String, items: impl IntoIterator<Item = T>, mut one: impl FnMut(&mut String, T)) {
    out.push('[');
    for (i, item) in items.into_iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        one(out, item);
    }
    out.push(']');
}

/// Numbers, each as the distance from the one before.
fn deltas(out: &mut String, items: impl IntoIterator<Item = i64>) {
    let mut last = 0;
    list(out, items, |out, v: i64| {
        let _ = write!(out, "{}", v.wrapping_sub(last));
        last = v;
    });
}

/// Which lives are shown: the user's own, and every tenant of the blocks they lived in.
fn chosen(book: &Book, all: bool) -> Vec<&Life> {
    let own = |l: &Life| l.type_id != 0 && (book.directly_mine(&l.born) || all && l.born.site != 0) && (all || l.born.by != 0 || l.death.is_none_or(|d| d.at.step != l.born.step));
    let mut blocks: FxHashSet<u64> = FxHashSet::default();
    for l in book.lives.iter().filter(|l| own(l)).take(LIVES_MAX) {
        blocks.insert(l.address.wrapping_sub(u64::from(l.before)));
    }
    book.lives.iter().filter(|l| blocks.contains(&(l.address.wrapping_sub(u64::from(l.before))))).take(LIVES_MAX).collect()
}

fn data(book: &Book, all: bool) -> String {
    let lives = chosen(book, all);
    let mut out = String::from("{");
    let field = |out: &mut String, name: &str| {
        if !out.ends_with('{') {
            out.push(',');
        }
        let _ = write!(out, "\"{name}\":");
    };
    field(&mut out, "command");
    quote(&mut out, &book.command);
    field(&mut out, "steps");
    let _ = write!(out, "{}", book.steps);
    field(&mut out, "events");
    let _ = write!(out, "{}", book.events);
    field(&mut out, "cut");
    let _ = write!(out, "{}", u8::from(lives.len() >= LIVES_MAX));
    field(&mut out, "sources");
    list(&mut out, &book.sources, |out, (name, text)| {
        list(out, [name.as_str(), text.as_str()], quote);
    });
    field(&mut out, "codes");
    list(&mut out, book.codes.iter().enumerate(), |out, (i, c)| match c {
        Some(c) => {
            out.push('[');
            quote(out, &c.code.name);
            out.push(',');
            quote(out, &c.code.filename);
            let _ = write!(out, ",{},", u8::from(c.mine));
            // The user's codes with their listing.
            if c.mine {
                listing(book, i as u32, out);
            } else {
                out.push_str("[]");
            }
            out.push(']');
        }
        None => out.push_str("null"),
    });
    field(&mut out, "sites");
    list(&mut out, 0..book.sites.len() as u32, |out, s| {
        let site = book.site(s);
        let _ = write!(out, "[{},{},{}]", site.code, site.offset, book.line(s));
    });
    field(&mut out, "types");
    list(&mut out, &book.types, |out, t| quote(out, t));
    field(&mut out, "names");
    list(&mut out, &book.names, |out, t| quote(out, t));
    // Columns of lives.
    let site_of = |m: &crate::book::Moment| if book.is_mine(m.site) || m.mine == 0 { m.site } else { m.mine };
    let mut causes: Vec<(String, String)> = Vec::new();
    let mut known: FxHashMap<String, usize> = FxHashMap::default();
    let mut cause_of = |l: &Life| -> i64 {
        if l.death.is_none() {
            return -1;
        }
        let en = why::death(book, l, Lang::En);
        if let Some(i) = known.get(&en) {
            return *i as i64;
        }
        known.insert(en.clone(), causes.len());
        causes.push((en, why::death(book, l, Lang::Zh)));
        causes.len() as i64 - 1
    };
    let ends: Vec<i64> = lives.iter().map(|l| cause_of(l)).collect();
    let column = |out: &mut String, name: &str, of: &dyn Fn(&Life) -> i64| {
        let _ = write!(out, ",\"{name}\":");
        deltas(out, lives.iter().map(|l| of(l)));
    };
    column(&mut out, "serial", &|l| l.serial as i64);
    column(&mut out, "type", &|l| i64::from(l.type_id));
    column(&mut out, "address", &|l| l.address as i64);
    column(&mut out, "before", &|l| i64::from(l.before));
    column(&mut out, "size", &|l| l.size as i64);
    column(&mut out, "born", &|l| l.born.step as i64);
    column(&mut out, "bornAt", &|l| i64::from(site_of(&l.born)));
    column(&mut out, "bornBy", &|l| i64::from(if site_of(&l.born) == l.born.site { l.born.by } else { 0 }));
    column(&mut out, "bornOrder", &|l| i64::from(l.born.order));
    column(&mut out, "died", &|l| l.death.map_or(-1, |d| d.at.step as i64));
    column(&mut out, "diedAt", &|l| l.death.map_or(0, |d| i64::from(site_of(&d.at))));
    column(&mut out, "diedOrder", &|l| l.freed.map_or(-1, |f| i64::from(f.order)));
    column(&mut out, "next", &|l| l.next as i64);
    column(&mut out, "previous", &|l| l.previous as i64);
    column(&mut out, "mine", &|l| i64::from(l.type_id != 0 && book.directly_mine(&l.born)));
    let _ = write!(out, ",\"end\":");
    deltas(&mut out, ends);
    field(&mut out, "causes");
    list(&mut out, &causes, |out, (en, zh)| list(out, [en.as_str(), zh.as_str()], quote));
    field(&mut out, "held");
    list(&mut out, lives.iter().filter(|l| l.type_id != 0), |out, l| {
        let name = story::first_holder(book, l).map_or(String::new(), |(n, f)| f.map_or(n.clone(), |f| format!("{n}@{f}")));
        let _ = write!(out, "[{},", l.serial);
        quote(out, &name);
        out.push(']');
    });
    field(&mut out, "holders");
    list(&mut out, book.looks.iter().filter(|k| k.kind == retic_events::Look::End), |out, k| {
        let _ = write!(out, "[{},", k.serial);
        list(out, k.holders.iter().take(40), |out, (h, _)| {
            let owner = match h {
                retic_events::Holder::Inside { owner, .. } if *owner < retic_events::ELDER => *owner,
                _ => 0,
            };
            let _ = write!(out, "[{owner},");
            quote(out, &why::holder(book, h, 0, Lang::En));
            out.push(',');
            quote(out, &why::holder(book, h, 0, Lang::Zh));
            out.push(']');
        });
        out.push(']');
    });
    field(&mut out, "prints");
    list(&mut out, &book.prints, |out, (at, from, to)| {
        let text = book.output.get(*from..*to).map(String::from_utf8_lossy).unwrap_or_default();
        let _ = write!(out, "[{},{},{},", at.order, at.step, site_of(at));
        quote(out, &text);
        out.push(']');
    });
    changes(book, &lives, &mut out);
    field(&mut out, "answer");
    list(&mut out, [Lang::En, Lang::Zh], |out, lang| quote(out, &why::id(book, &Style { lang, width: 90, ..Style::default() }, None)));
    out.push('}');
    out
}

/// Changes of counts and registers that a page shows, and instructions; of longer recordings the first.
pub const CHANGES_MAX: usize = 400_000;

/// What the levels refs and steps tell: columns of changes, the codes of the frames they are in, the names of their registers,
/// and what other objects than those shown they speak of.
fn changes(book: &Book, lives: &[&Life], out: &mut String) {
    let shown = &book.changes[..book.changes.len().min(CHANGES_MAX)];
    let known: FxHashSet<u64> = lives.iter().map(|l| l.serial).collect();
    let mut others: Vec<u64> = Vec::new();
    let mut told: FxHashSet<u64> = FxHashSet::default();
    let mut frames: Vec<u32> = Vec::new();
    let rows: Vec<[i64; 3]> = shown
        .iter()
        .map(|(at, c)| {
            let (kind, serial, value) = match *c {
                Change::Step => (0, 0, 0),
                Change::Count { serial, count } => (1, serial, i64::from(count)),
                Change::Slot { slot, serial } => (2, serial, i64::from(slot)),
            };
            if serial != 0 && !known.contains(&serial) && told.insert(serial) {
                others.push(serial);
            }
            if frames.last() != Some(&at.frame) {
                frames.push(at.frame);
            }
            [kind, serial as i64, value]
        })
        .collect();
    let mut column = |name: &str, of: &dyn Fn(usize) -> i64| {
        let _ = write!(out, ",\"{name}\":");
        deltas(out, (0..rows.len()).map(of));
    };
    column("changeKind", &|i| rows[i][0]);
    column("changeOf", &|i| rows[i][1]);
    column("changeTo", &|i| rows[i][2]);
    column("changeOrder", &|i| i64::from(shown[i].0.order));
    column("changeStep", &|i| shown[i].0.step as i64);
    column("changeAt", &|i| i64::from(shown[i].0.site));
    column("changeFrame", &|i| i64::from(shown[i].0.frame));
    frames.sort_unstable();
    frames.dedup();
    out.push_str(",\"frames\":");
    list(out, &frames, |out, f| {
        let _ = write!(out, "[{f},{}]", book.frames.get(*f as usize).copied().unwrap_or(0));
    });
    out.push_str(",\"registers\":");
    list(out, book.codes.iter().enumerate(), |out, (i, c)| {
        let names = c
            .as_ref()
            .filter(|c| c.mine && !rows.is_empty())
            .map_or(0, |c| c.code.varnames.len() + c.code.cellvars.len() + c.code.freevars.len() + c.code.inlining().hidden as usize);
        list(out, 0..names as u32, |out, slot| quote(out, book.register(i as u32, slot).unwrap_or("?")));
    });
    out.push_str(",\"others\":");
    list(out, others, |out, serial| {
        let _ = write!(out, "[{serial},");
        quote(out, &book.life(serial).map_or("?".to_string(), |l| why::called(book, l)));
        out.push(']');
    });
}

/// The listing of a code: offset, line or 0, text.
fn listing(book: &Book, id: u32, out: &mut String) {
    let Some(c) = book.code(id) else { return out.push_str("[]") };
    let starts: FxHashMap<u32, u32> = retic_bytecode::lines::line_starts(&c.code).into_iter().collect();
    list(out, c.code.instructions(), |out, i| {
        let _ = write!(out, "[{},{},", i.offset, starts.get(&i.offset).copied().unwrap_or(0));
        quote(out, &crate::listing::instruction(&c.code, i));
        out.push(']');
    });
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let n = chunk.iter().fold(0u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            if i <= chunk.len() {
                out.push(char::from(LETTERS[(n >> (18 - 6 * i) & 63) as usize]));
            } else {
                out.push('=');
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_as_rfc_4648_has_it() {
        for (raw, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(raw.as_bytes()), text);
        }
    }

    #[test]
    fn names_cannot_leave_their_string() {
        let mut out = String::new();
        quote(&mut out, "</script>\"\\\n\u{2028}");
        assert_eq!(out, "\"\\u003c/script>\\\"\\\\\\u000a\\u2028\"");
        assert_eq!(escape("<b title=\"&\">"), "&lt;b title=&quot;&amp;&quot;&gt;");
    }
}
