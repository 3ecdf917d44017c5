//! The report of a recording of sums: how many objects of each type each line made, and how many of those died.

use crate::book::Book;
use crate::report::Style;
use crate::words::{Lang, fit, width};
use std::collections::BTreeMap;

/// What one line made of one type.
#[derive(Default, Clone, Copy)]
struct Sum {
    born: u64,
    died: u64,
    bytes: u64,
}

/// The user's lines; with `style.all` the library's too. What has no line is one sum at the end.
pub fn report(book: &Book, style: &Style) -> String {
    let (lang, wide) = (style.lang, style.width.max(60));
    let rule = if style.plain { "-" } else { "─" }.repeat(wide);
    let mut files: BTreeMap<&str, BTreeMap<(u32, &str), Sum>> = BTreeMap::new();
    let mut rest = Sum::default();
    for t in &book.totals {
        let line = book.line(t.site);
        let shown = line != 0 && (style.all || book.is_mine(t.site));
        let sum = if shown { files.entry(book.file(t.site)).or_default().entry((line, book.type_name(t.type_id))).or_default() } else { &mut rest };
        sum.born += t.born;
        sum.died += t.died;
        sum.bytes += t.bytes;
    }
    let mut out = format!("retic trace --counts {}\n{rule}\n", book.command);
    let source_width = (wide / 3).clamp(20, 48);
    let head = [("line", "行", 6), ("born", "诞生", 10), ("died", "消亡", 10), ("live", "存活", 8)];
    let [line, born, died, live] = head.map(|(en, zh, columns)| right(lang.pick(en, zh), columns));
    out.push_str(&format!("{line} {}{born}{died}{live}  {}\n", fit(lang.pick("source", "源代码"), source_width), lang.pick("type", "类型")));
    let several = files.len() > 1;
    for (file, lines) in &files {
        if several {
            out.push_str(&format!(" {file}\n"));
        }
        let text: Vec<&str> = book.sources.get(*file).map(|s| s.lines().collect()).unwrap_or_default();
        let mut last = 0;
        let mut lines: Vec<(&(u32, &str), &Sum)> = lines.iter().collect();
        lines.sort_by_key(|((line, name), sum)| (*line, std::cmp::Reverse(sum.born), *name));
        for ((line, name), sum) in lines {
            let again = *line == last;
            last = *line;
            let source = if again { "" } else { text.get((*line as usize).wrapping_sub(1)).copied().unwrap_or("") };
            let number = if again { String::new() } else { line.to_string() };
            out.push_str(&format!("{number:>6} {}{:>10}{:>10}{:>8}  {name}\n", fit(source, source_width), sum.born, sum.died, sum.born - sum.died.min(sum.born)));
        }
    }
    out.push_str(&format!("{rule}\n"));
    let live = rest.born - rest.died.min(rest.born);
    out.push_str(&match lang {
        Lang::En => format!(" elsewhere     {} born, {} died, {live} alive\n", lang.count(rest.born, "object", ""), rest.died),
        Lang::Zh => format!(" 其他地方      {} 个对象诞生,{} 个消亡,{live} 个存活\n", rest.born, rest.died),
    });
    let bytes: u64 = book.totals.iter().map(|t| t.bytes).sum();
    out.push_str(&match lang {
        Lang::En => format!(" objects took  {bytes} bytes in all, without the blocks of lists, dictionaries and long texts\n"),
        Lang::Zh => format!(" 对象共占用    {bytes} 字节(不含列表、字典和长字符串的内存块)\n"),
    });
    out
}

fn right(text: &str, columns: usize) -> String {
    format!("{}{text}", " ".repeat(columns.saturating_sub(width(text))))
}
