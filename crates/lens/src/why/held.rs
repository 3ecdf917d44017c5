//! `retic why count` and `retic why alive`: every holder at a moment, and the chain that keeps an object alive.

use super::{called, died::Who};
use crate::book::{Book, Held, Life};
use crate::report::Style;
use crate::words::{Lang, wrap};
use retic_events::{ELDER, Holder, Link, Look};
use rustc_hash::{FxHashMap, FxHashSet};

/// A holder in words.
pub fn holder(book: &Book, h: &Holder, by: u32, lang: Lang) -> String {
    match *h {
        Holder::Local { code, slot } => {
            let (name, function) = (book.register(code, slot).unwrap_or("?"), book.code(code).map_or("", |c| &c.code.name));
            lang.variable(name, Some(function))
        }
        Holder::Stack { slot: 0, code } => {
            let function = book.code(code).map_or("", |c| &c.code.name);
            match lang {
                Lang::En => format!("a temporary of {function}"),
                Lang::Zh => format!("{function} 的临时值"),
            }
        }
        Holder::Stack { slot, .. } => {
            let callee = book.name(by);
            match lang {
                Lang::En => format!("argument {slot} of {callee}"),
                Lang::Zh => format!("{callee} 的第 {slot} 个参数"),
            }
        }
        Holder::Global { module, name } => {
            let (module, name) = (book.name(module), book.name(name));
            match lang {
                _ if module == "__main__" => lang.variable(name, None),
                Lang::En => format!("global {name} of module {module}"),
                Lang::Zh => format!("模块 {module} 的全局变量 {name}"),
            }
        }
        Holder::Native { .. } => lang.pick("the running frame itself", "正在运行的栈帧").to_string(),
        Holder::Inside { owner, link } => {
            let who = book.life(owner).map_or_else(|| "?".to_string(), |l| named(book, l));
            let kind = book.life(owner).map_or("", |l| book.type_name(l.type_id));
            match (link, lang) {
                (Link::Item(i), Lang::En) => format!("item {i} of {who}"),
                (Link::Item(i), Lang::Zh) => format!("{who} 的第 {i} 项"),
                (Link::Value(0), Lang::En) => format!("a value in {who}"),
                (Link::Value(0), Lang::Zh) => format!("{who} 中的值"),
                (Link::Value(n), Lang::En) => format!("value under {} in {who}", book.name(n)),
                (Link::Value(n), Lang::Zh) => format!("{who} 中键 {} 的值", book.name(n)),
                (Link::Key, Lang::En) => format!("a key in {who}"),
                (Link::Key, Lang::Zh) => format!("{who} 中的键"),
                (Link::Attribute(n), Lang::En) => format!("attribute {} of {who}", book.name(n)),
                (Link::Attribute(n), Lang::Zh) => format!("{who} 的属性 {}", book.name(n)),
                (Link::Field, Lang::En) if kind == "cell" => format!("a closure's variable ({who})"),
                (Link::Field, Lang::Zh) if kind == "cell" => format!("闭包变量({who})"),
                (Link::Field, Lang::En) => format!("inside {who}"),
                (Link::Field, Lang::Zh) => format!("在 {who} 内部"),
            }
        }
    }
}

/// An object with the name that it was first stored under.
fn named(book: &Book, l: &Life) -> String {
    match crate::story::first_holder(book, l) {
        Some((name, _)) if l.serial < ELDER => format!("{} ({name})", called(book, l)),
        _ => called(book, l),
    }
}

fn since(book: &Book, site: u32, lang: Lang) -> String {
    if site == 0 {
        return String::new();
    }
    let (line, op) = book.stored_as(site).map_or_else(|| (book.line(site), book.instruction(site).map_or("", |(op, _)| op.name())), |(op, _)| (book.line(site), op.name()));
    match lang {
        Lang::En => format!("since line {line}, {op}"),
        Lang::Zh => format!("自第 {line} 行,{op}"),
    }
}

/// Every holder of a variable's value, each time its line ran; equal moments are told once.
pub fn count(book: &Book, style: &Style, who: &Who) -> Result<String, String> {
    let lang = style.lang;
    let (Who::Variable { name, .. } | Who::Name(name)) = who else { return Err("why count: NAME@FUNCTION:LINE".to_string()) };
    let mut out = String::new();
    // Laps that differ in numbers only are told once.
    let mut told: FxHashMap<String, u64> = FxHashMap::default();
    for look in book.looks.iter().filter(|l| l.kind != Look::End) {
        let text = moment(book, lang, name, look);
        let n = told.entry(without_numbers(&text)).or_insert(0);
        *n += 1;
        if *n == 1 {
            out.push_str(&text);
            out.push('\n');
        }
    }
    if out.is_empty()
        && let Who::Variable { function, .. } = who
        && let Some(text) = super::counts::history(book, style, name, function)
    {
        return Ok(text);
    }
    if out.is_empty() {
        return Err(lang.pick("that line never ran with that variable set", "该行从未在该变量有值时执行过").to_string());
    }
    let again = told.values().copied().max().unwrap_or(1);
    if again > 1 {
        out.push_str(&match lang {
            Lang::En => format!("The same in each of {again} laps.\n"),
            Lang::Zh => format!("{again} 圈都相同。\n"),
        });
    }
    Ok(out)
}

/// A moment's text: its first line, and its holders without numbers.
fn without_numbers(text: &str) -> String {
    let (first, holders) = text.split_once('\n').unwrap_or((text, ""));
    format!("{first}\n{}", holders.replace(|c: char| c.is_ascii_digit(), ""))
}

fn moment(book: &Book, lang: Lang, name: &str, look: &Held) -> String {
    let line = book.line(look.at.site);
    let by = book.name(look.at.by);
    let Some(life) = book.life(look.serial) else { return String::new() };
    let kind = book.type_name(life.type_id);
    let mut out = if look.count as u32 == u32::MAX || look.count < 0 {
        match lang {
            Lang::En => format!("{name}, {kind}: immortal, its count never moves\n"),
            Lang::Zh => format!("{name}({kind}):永生对象,引用计数不变\n"),
        }
    } else {
        match (look.kind, lang) {
            (Look::Call, Lang::En) => format!("{name}, {kind}: count {} while {by} runs (line {line})\n", look.count),
            (Look::Call, Lang::Zh) => format!("{name}({kind}):{by} 运行期间引用计数为 {}(第 {line} 行)\n", look.count),
            (_, Lang::En) => format!("{name}, {kind}: count {} when line {line} begins\n", look.count),
            (_, Lang::Zh) => format!("{name}({kind}):第 {line} 行开始时引用计数为 {}\n", look.count),
        }
    };
    let lines: Vec<(String, String)> = look.holders.iter().map(|(h, s)| (holder(book, h, look.at.by, lang), since(book, *s, lang))).collect();
    let wide = lines.iter().map(|(h, _)| crate::words::width(h)).max().unwrap_or(0);
    for (i, (h, s)) in lines.iter().enumerate() {
        out.push_str(format!("  {}  {}  {s}", i + 1, crate::words::fit(h, wide)).trim_end());
        out.push('\n');
    }
    let missing = i64::from(look.count) - look.holders.len() as i64;
    if look.count >= 0 && missing > 0 {
        out.push_str(&match lang {
            Lang::En => format!("  {missing} more held by native code that runs\n"),
            Lang::Zh => format!("  另有 {missing} 个由正在运行的本机代码持有\n"),
        });
    }
    out
}

/// Why objects are alive when the program is over: the shortest chain of holders from what the program did not make itself.
pub fn alive(book: &Book, style: &Style, who: &Who) -> Result<String, String> {
    let lang = style.lang;
    let ends: FxHashMap<u64, &Held> = book.looks.iter().filter(|l| l.kind == Look::End).map(|l| (l.serial, l)).collect();
    let end = book.phases.first().map_or(u32::MAX, |(m, _)| m.order);
    let lives = super::died::find(book, who);
    if lives.is_empty() {
        return Err(lang.pick("the recording has no such object", "录制中没有这样的对象").to_string());
    }
    let alive: Vec<&Life> = lives.iter().copied().filter(|l| l.death.is_none_or(|d| d.at.order > end)).collect();
    if alive.is_empty() {
        let n = lives.len() as u64;
        return Ok(match lang {
            Lang::En => format!("None is alive: all {} died before the program was over.\n", lang.count(n, "object", "")),
            Lang::Zh => format!("没有存活的:{n} 个对象都在程序结束之前消亡。\n"),
        });
    }
    let mut out = String::new();
    let mut last = String::new();
    let mut same = 0u64;
    for l in &alive {
        let chain = chain(book, &ends, l.serial);
        let mut text = match lang {
            Lang::En => format!("{} is alive when the program is over; it was born at {}.\n", called(book, l), super::birth(book, l, lang)),
            Lang::Zh => format!("程序结束时 {} 仍然存活;它诞生于{}。\n", called(book, l), super::birth(book, l, lang)),
        };
        let mut shape = String::new();
        for (i, h) in chain.iter().enumerate() {
            let words = holder(book, h, 0, lang);
            text.push_str(&format!("{}{} {words}\n", "  ".repeat(i + 1), lang.pick("held by", "持有者:")));
            shape.push_str(&words.split('#').next().unwrap_or("").replace(|c: char| c.is_ascii_digit(), ""));
        }
        if chain.is_empty() {
            text.push_str(&wrap(
                lang.pick(
                    "held by nothing that can be walked: native code keeps it, or it is in a cycle that no collection has visited yet",
                    "没有可遍历的持有者:由本机代码持有,或处在尚未回收的循环中",
                ),
                style.width,
                "  ",
            ));
        }
        if shape == last && !last.is_empty() {
            same += 1;
            continue;
        }
        last = shape;
        out.push_str(&text);
    }
    if same > 0 {
        out.push_str(&match lang {
            Lang::En => format!("… and {} more, held the same way\n", lang.count(same, "object", "")),
            Lang::Zh => format!("… 另有 {same} 个对象,持有方式相同\n"),
        });
    }
    Ok(out)
}

/// The shortest chain of holders, from the object up to one older than the program or a variable.
fn chain(book: &Book, ends: &FxHashMap<u64, &Held>, serial: u64) -> Vec<Holder> {
    let mut from: FxHashMap<u64, (u64, Holder)> = FxHashMap::default();
    let mut seen: FxHashSet<u64> = FxHashSet::default();
    let mut work = std::collections::VecDeque::from([serial]);
    seen.insert(serial);
    let path = |from: &FxHashMap<u64, (u64, Holder)>, mut at: u64, last: Holder| {
        let mut out = vec![last];
        while let Some((child, h)) = from.get(&at) {
            out.push(*h);
            at = *child;
        }
        out.reverse();
        out
    };
    let mut cyclic = None;
    while let Some(at) = work.pop_front() {
        let Some(held) = ends.get(&at) else { continue };
        for (h, _) in &held.holders {
            match *h {
                Holder::Inside { owner, .. } if owner < ELDER => {
                    if seen.insert(owner) {
                        from.insert(owner, (at, *h));
                        work.push_back(owner);
                    } else if owner == serial && cyclic.is_none() {
                        cyclic = Some(path(&from, at, *h));
                    }
                }
                _ => return path(&from, at, *h),
            }
        }
    }
    let _ = book;
    cyclic.unwrap_or_default()
}
