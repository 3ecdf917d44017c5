//! `retic lens diff A B`: what the second run made more or fewer of than the first, and left alive, by line and type.

use crate::book::Book;
use crate::report::Style;
use crate::words::{Lang, fit, width};
use retic_events::Phase;
use std::collections::BTreeMap;

#[derive(Default, Clone, Copy, PartialEq, Eq)]
struct Sum {
    born: i64,
    alive: i64,
    bytes: i64,
}

/// By file, line and type: births, and those that were alive when the program was over. `alone`: there is one file, whatever it is called.
fn sums(book: &Book, all: bool, alone: bool) -> BTreeMap<(String, u32, String), Sum> {
    let mut out: BTreeMap<(String, u32, String), Sum> = BTreeMap::new();
    let end = book.phases.iter().find(|(_, p)| *p == Phase::ProgramEnded).map_or(u32::MAX, |(m, _)| m.order);
    let mut add = |site: u32, type_id: u32, born: i64, alive: i64, bytes: i64| {
        if book.line(site) != 0 && (all || book.is_mine(site)) {
            let sum = out.entry((if alone { String::new() } else { book.file(site).to_string() }, book.line(site), book.type_name(type_id).to_string())).or_default();
            sum.born += born;
            sum.alive += alive;
            sum.bytes += bytes;
        }
    };
    for l in book.lives.iter().filter(|l| l.type_id != 0) {
        let alive = i64::from(l.death.is_none_or(|d| d.at.order > end));
        add(l.born.site, l.type_id, 1, alive, alive * l.size as i64);
    }
    for t in &book.totals {
        let alive = (t.born as i64).wrapping_sub(t.died as i64);
        // A sum knows the bytes of all its objects: those alive have their share.
        add(t.site, t.type_id, t.born as i64, alive, ((t.bytes / t.born.max(1)) as i64).wrapping_mul(alive));
    }
    out
}

/// The differences, greatest first; a sentence where there are none.
pub fn diff(first: &Book, second: &Book, style: &Style) -> String {
    let lang = style.lang;
    let alone = !style.all && first.sources.len() == 1 && second.sources.len() == 1;
    let (a, b) = (sums(first, style.all, alone), sums(second, style.all, alone));
    let mut rows: Vec<(&(String, u32, String), Sum)> = Vec::new();
    for key in a.keys().chain(b.keys().filter(|k| !a.contains_key(*k))) {
        let (x, y) = (a.get(key).copied().unwrap_or_default(), b.get(key).copied().unwrap_or_default());
        let change = Sum { born: y.born - x.born, alive: y.alive - x.alive, bytes: y.bytes - x.bytes };
        if change != Sum::default() {
            rows.push((key, change));
        }
    }
    rows.sort_by_key(|(key, s)| (std::cmp::Reverse(s.alive.abs()), std::cmp::Reverse(s.born.abs()), *key));
    if rows.is_empty() {
        return format!("{}\n", lang.pick("Both runs made the same objects and left the same alive.", "两次运行创建和保留的对象完全相同。"));
    }
    let right = |text: &str, columns: usize| format!("{}{text}", " ".repeat(columns.saturating_sub(width(text))));
    let mut out = String::new();
    let heads = [lang.pick("born", "诞生"), lang.pick("alive", "存活"), lang.pick("bytes alive", "存活字节")].map(|h| right(h, 12));
    out.push_str(&format!("{}{}{}  {}\n", heads[0], heads[1], heads[2], lang.pick("where", "位置")));
    let mut sum = Sum::default();
    for ((file, line, name), s) in &rows {
        let file = second.sources.keys().next().filter(|_| alone).unwrap_or(file);
        let source = second.sources.get(file).or_else(|| first.sources.get(file)).and_then(|t| t.lines().nth((*line as usize).wrapping_sub(1))).unwrap_or("").trim();
        let short = file.rsplit('/').next().unwrap_or(file);
        let place = format!("{name}  {short}:{line}  {source}");
        out.push_str(&format!("{:>+12}{:>+12}{:>+12}  {}\n", s.born, s.alive, s.bytes, fit(&place, style.width.saturating_sub(38).max(30)).trim_end()));
        sum.born += s.born;
        sum.alive += s.alive;
        sum.bytes += s.bytes;
    }
    out.push_str(&match lang {
        Lang::En => format!("{:>+12}{:>+12}{:>+12}  in all\n", sum.born, sum.alive, sum.bytes),
        Lang::Zh => format!("{:>+12}{:>+12}{:>+12}  合计\n", sum.born, sum.alive, sum.bytes),
    });
    out
}
