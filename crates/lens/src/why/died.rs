//! `retic why died` and `retic why cycle`.

use super::{birth, called, death};
use crate::book::{Book, Life};
use crate::report::Style;
use crate::story;
use crate::words::{Lang, wrap};
use retic_events::{How, Trigger};

/// Who is meant: `#17`, or `NAME@FUNCTION`, or `NAME` for a variable of the module, or the name of a type.
#[derive(Debug, PartialEq, Eq)]
pub enum Who {
    Serial(u64),
    Variable { name: String, function: String, line: Option<u32> },
    Name(String),
}

/// Reads `#17`, `ins@test`, `ins@test:6`, `ins`.
pub fn parse_who(text: &str) -> Result<Who, String> {
    if let Some(n) = text.strip_prefix('#') {
        return n.parse().map(Who::Serial).map_err(|_| format!("{text}: a number should follow #"));
    }
    let Some((name, rest)) = text.split_once('@') else { return Ok(Who::Name(text.to_string())) };
    let (function, line) = match rest.split_once(':') {
        Some((f, l)) => (f, Some(l.parse().map_err(|_| format!("{text}: a line number should follow :"))?)),
        None => (rest, None),
    };
    Ok(Who::Variable { name: name.to_string(), function: function.to_string(), line })
}

/// The lives that are meant, in order of birth.
pub fn find<'a>(book: &'a Book, who: &Who) -> Vec<&'a Life> {
    match who {
        Who::Serial(n) => book.life(*n).into_iter().collect(),
        Who::Variable { name, function, line } => book
            .own_lives()
            .filter(|l| {
                line.is_none_or(|n| book.line(l.born.site) == n) && story::first_holder(book, l).is_some_and(|(n, f)| n == *name && f.as_deref().unwrap_or("<module>") == function)
            })
            .collect(),
        Who::Name(name) => {
            let of_type: Vec<&Life> = book.own_lives().filter(|l| book.type_name(l.type_id) == name).collect();
            if !of_type.is_empty() {
                return of_type;
            }
            book.own_lives().filter(|l| story::first_holder(book, l).is_some_and(|(n, _)| n == *name)).collect()
        }
    }
}

/// Why objects died, with the chain up to the first cause.
pub fn died(book: &Book, style: &Style, who: &Who) -> Result<String, String> {
    let lang = style.lang;
    let lives = find(book, who);
    if lives.is_empty() {
        return Err(lang.pick("the recording has no such object", "录制中没有这样的对象").to_string());
    }
    let mut out = String::new();
    let mut last: Option<String> = None;
    let mut same = 0;
    for l in &lives {
        let told = one(book, style, l);
        if last.as_ref().is_some_and(|t| *t == told.1) {
            same += 1;
            continue;
        }
        out.push_str(&told.0);
        last = Some(told.1);
    }
    if same > 0 {
        out.push_str(&match lang {
            Lang::En => format!("  … and {} more, the same way\n", lang.count(same, "object", "")),
            Lang::Zh => format!("  … 另有 {same} 个对象,情况相同\n"),
        });
    }
    Ok(out)
}

/// The answer, and what of it is the same for objects that died the same way.
fn one(book: &Book, style: &Style, l: &Life) -> (String, String) {
    let lang = style.lang;
    let chain = story::chain(book, l);
    let top = chain.last().and_then(|s| book.life(*s)).unwrap_or(l);
    let (born, end) = (birth(book, l, lang), death(book, top, lang));
    // A place, or where there is none a reason.
    let placed = story::end(book, top).is_some_and(|e| e.line != 0);
    let (died, reason) = if placed { ("at", "于") } else { ("because", ":") };
    let who = called(book, l);
    let owners = chain.len() - 1;
    let text = if l.death.is_none() {
        let whole = !book.phases.is_empty();
        match lang {
            Lang::En => format!("{who} did not die: it was alive when the {} ended. It was born at {born}.", if whole { "process" } else { "recording" }),
            Lang::Zh => format!("{who} 没有消亡:{}结束时它还活着。它诞生于{born}。", if whole { "进程" } else { "录制" }),
        }
    } else if owners == 0 {
        match lang {
            Lang::En => format!("{who}, born at {born}, died {died} {end}."),
            Lang::Zh => format!("{who}(诞生于{born})消亡{reason}{end}。"),
        }
    } else {
        let mut links: Vec<String> = chain[1..].iter().filter_map(|s| book.life(*s)).take(6).map(|o| called(book, o)).collect();
        if owners > links.len() {
            links.push(match lang {
                Lang::En => format!("{} more", owners - links.len()),
                Lang::Zh => format!("另外 {} 个", owners - links.len()),
            });
        }
        match lang {
            Lang::En => format!("{who}, born at {born}, fell with its owner: held by {}. The first of them died {died} {end}.", links.join(", held by ")),
            Lang::Zh => format!("{who}(诞生于{born})随持有者一起消亡:持有者依次为 {}。最先消亡的一个:{end}。", links.join("、")),
        }
    };
    let mut out = wrap(&text, style.width, "");
    if let Some(f) = l.finalized {
        let line = book.line(if book.is_mine(f.site) { f.site } else { f.mine });
        let text = match lang {
            Lang::En if l.revived => format!("Its finaliser ran at line {line} and brought it back to life."),
            Lang::En => format!("Its finaliser ran before, at line {line}."),
            Lang::Zh if l.revived => format!("它的终结方法在第 {line} 行运行,并让它复活。"),
            Lang::Zh => format!("在此之前,它的终结方法在第 {line} 行运行。"),
        };
        out.push_str(&wrap(&text, style.width, "  "));
    }
    let over = book.phases.first().map_or(u32::MAX, |(m, _)| m.order);
    if let Some(n) = book.life(l.next).filter(|n| n.born.order < over) {
        let text = match lang {
            Lang::En => format!("Its block went to {} ({}).", called(book, n), birth(book, n, lang)),
            Lang::Zh => format!("它的内存块给了 {}({})。", called(book, n), birth(book, n, lang)),
        };
        out.push_str(&wrap(&text, style.width, "  "));
    }
    (out, format!("{born}\0{end}\0{owners}\0{}", l.death.is_none()))
}

/// The cycles that collections found.
pub fn cycles(book: &Book, style: &Style) -> String {
    let lang = style.lang;
    let mut out = String::new();
    for (n, c) in book.collections.iter().enumerate() {
        let until = book.collections.get(n + 1).map_or(u32::MAX, |c| c.at.order);
        let members: Vec<&Life> = book
            .lives
            .iter()
            .filter(|l| {
                l.type_id != 0
                    && l.death.is_some_and(|d| d.at.order > c.at.order && d.at.order < until && (d.how == How::Cycle || d.how == How::OwnerDied && root_is_cycle(book, l)))
            })
            .collect();
        if c.found == 0 || members.is_empty() || c.trigger == Trigger::Exit && !style.all {
            continue;
        }
        let line = book.line(if book.is_mine(c.at.site) { c.at.site } else { c.at.mine });
        let place = if line == 0 {
            String::new()
        } else {
            match lang {
                Lang::En => format!(" at line {line}"),
                Lang::Zh => format!("(第 {line} 行)"),
            }
        };
        let (number, count, why) = (n + 1, members.len() as u64, lang.trigger(c.trigger));
        let text = match lang {
            Lang::En => format!(
                "Collection {number}{place} of generation {} ran because {why}. It took apart {} that could only be reached from each other:",
                c.generation,
                lang.count(count, "object", "")
            ),
            Lang::Zh => format!("第 {number} 次回收{place},第 {} 代,因为{why}。它拆除了 {count} 个只能互相到达的对象:", c.generation),
        };
        out.push_str(&wrap(&text, style.width, ""));
        for l in members.iter().take(12) {
            let held = story::first_holder(book, l).map_or(String::new(), |(name, _)| match lang {
                Lang::En => format!(", once {name}"),
                Lang::Zh => format!(",曾名为 {name}"),
            });
            out.push_str(&format!("    {}  {}{held}\n", called(book, l), birth(book, l, lang)));
        }
        if members.len() > 12 {
            out.push_str(&match lang {
                Lang::En => format!("    … and {} more\n", members.len() - 12),
                Lang::Zh => format!("    … 另有 {} 个\n", members.len() - 12),
            });
        }
        out.push('\n');
    }
    if out.is_empty() {
        out = match lang {
            Lang::En => "No collection found a cycle: every object that died did so when its count reached zero.\n".to_string(),
            Lang::Zh => "没有一次回收发现循环引用:所有消亡的对象都是因为引用计数归零。\n".to_string(),
        };
    }
    out
}

fn root_is_cycle(book: &Book, l: &Life) -> bool {
    let chain = story::chain(book, l);
    chain.last().and_then(|s| book.life(*s)).and_then(|r| r.death).is_some_and(|d| d.how == How::Cycle)
}
