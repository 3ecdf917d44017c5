//! `retic why id` and `retic why is`: the same id or another one, the same object or not, and why.

use super::{birth, called, death};
use crate::book::{Book, Life, Moment, Question};
use crate::report::{Style, short};
use crate::story;
use crate::words::{Lang, fit, width, wrap};
use retic_events::{Asked, ELDER, Nature};
use std::collections::{BTreeMap, BTreeSet};

/// One object that was asked about, each time.
struct Seen<'a> {
    at: Moment,
    life: &'a Life,
}

/// What several answers have to do with each other.
#[derive(Debug, PartialEq, Eq, Clone)]
enum Finding {
    /// Always one object.
    OneObject,
    /// One address, one object after the other.
    InTurn,
    /// Each new one is born before the old one dies.
    Rebinding,
    /// All alive at once.
    Together,
    /// A block was taken by something else in between: that one's serial number.
    Taken(u64),
    /// Different, one after the other, at different addresses.
    Moved,
}

/// The whole answer; `line` restricts it to questions asked there.
pub fn id(book: &Book, style: &Style, line: Option<u32>) -> String {
    let lang = style.lang;
    let mut by_site: BTreeMap<(u32, u32), Vec<Seen>> = BTreeMap::new();
    let mut order: Vec<(u32, u32)> = Vec::new();
    for (at, q) in &book.questions {
        if let Question::Address { serial, how } = q
            && line.is_none_or(|l| book.line(at.site) == l)
            && let Some(life) = book.life(*serial)
        {
            let key = (at.site, u32::from(*how == Asked::Repr));
            if !by_site.contains_key(&key) {
                order.push(key);
            }
            by_site.entry(key).or_default().push(Seen { at: *at, life });
        }
    }
    if by_site.is_empty() {
        return match lang {
            Lang::En => "The program asked for no id: there is no id(x) and no default repr in its own code.\n".to_string(),
            Lang::Zh => "程序没有查看过任何 id:它自己的代码里没有 id(x),也没有默认的 repr。\n".to_string(),
        };
    }
    let mut out = String::new();
    let single: Vec<(u32, u32)> = order.iter().filter(|k| by_site[k].len() == 1).copied().collect();
    for key in &order {
        let seen = &by_site[key];
        if seen.len() > 1 {
            one(book, style, seen, &mut out);
        }
    }
    if single.len() > 1 {
        // Asked once each, at several places: they are compared with each other.
        let all: Vec<Seen> = single.iter().flat_map(|k| by_site[k].iter().map(|s| Seen { at: s.at, life: s.life })).collect();
        across(book, style, &all, &mut out);
    } else if let [key] = single[..]
        && by_site.len() == 1
    {
        alone(book, style, &by_site[&key][0], &mut out);
    }
    out
}

fn title(book: &Book, style: &Style, text: &str, site: u32, out: &mut String) {
    let place = format!("{}:{}", file_name(book.file(site)), book.line(site));
    let gap = style.width.saturating_sub(width(text) + width(&place)).max(2);
    out.push_str(&format!("{text}{}{place}\n\n", " ".repeat(gap)));
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn objects<'a>(seen: &[Seen<'a>]) -> Vec<&'a Life> {
    let mut known = BTreeSet::new();
    seen.iter().filter(|s| known.insert(s.life.serial)).map(|s| s.life).collect()
}

fn dead_before(a: &Life, b: &Life) -> bool {
    a.freed.is_some_and(|f| f.order < b.born.order)
}
fn died_after_birth(a: &Life, b: &Life) -> bool {
    a.freed.is_none_or(|f| f.order > b.born.order)
}

fn judge(book: &Book, lives: &[&Life]) -> Finding {
    if lives.len() == 1 {
        return Finding::OneObject;
    }
    let addresses: BTreeSet<u64> = lives.iter().map(|l| l.address).collect();
    let pairs: Vec<(&Life, &Life)> = lives.windows(2).map(|w| (w[0], w[1])).collect();
    if addresses.len() == 1 {
        return Finding::InTurn;
    }
    if addresses.len() == lives.len() && lives.iter().enumerate().all(|(i, a)| lives[i + 1..].iter().all(|b| died_after_birth(a, b))) {
        return Finding::Together;
    }
    if pairs.iter().all(|(a, b)| died_after_birth(a, b) || a.address == b.address) && pairs.iter().any(|(a, b)| a.address != b.address) {
        return Finding::Rebinding;
    }
    for (a, b) in &pairs {
        if a.address != b.address && dead_before(a, b) {
            let mut next = a.next;
            while let Some(l) = book.life(next)
                && l.born.order < b.born.order
            {
                if l.freed.is_none_or(|f| f.order > b.born.order) {
                    return Finding::Taken(l.serial);
                }
                next = l.next;
            }
        }
    }
    Finding::Moved
}

/// One place that asked several times.
fn one(book: &Book, style: &Style, seen: &[Seen], out: &mut String) {
    let lang = style.lang;
    let lives = objects(seen);
    let finding = judge(book, &lives);
    let site = seen[0].at.site;
    let function = book.function(site);
    let laps = seen.len() as u64;
    let heading = match &finding {
        Finding::OneObject | Finding::InTurn => lang.pick("Why is the id the same every time?", "为什么每次的 id 都一样?"),
        Finding::Rebinding => lang.pick("Why does the id change back and forth?", "为什么 id 来回变化?"),
        _ => lang.pick("Why is the id different?", "为什么 id 不一样?"),
    };
    title(book, style, heading, site, out);
    let n = lives.len() as u64;
    let ran = if function == "<module>" {
        match lang {
            Lang::En => format!("The line ran {laps} times"),
            Lang::Zh => format!("这一行执行了 {laps} 次"),
        }
    } else {
        match lang {
            Lang::En => format!("{function}() asked {laps} times"),
            Lang::Zh => format!("{function}() 查看了 {laps} 次"),
        }
    };
    let text = match (&finding, lang) {
        (Finding::OneObject, _) => return same_object(book, style, lives[0], &ran, out),
        (Finding::InTurn, Lang::En) => format!(
            "It is not the same object. {ran} and met {n} objects, one after the other. Each one died before the next was born, and a freed block is the first to be handed out again. So they lived, in turn, at one address."
        ),
        (Finding::InTurn, Lang::Zh) => {
            format!("这不是同一个对象。{ran},先后遇到 {n} 个对象;前一个消亡之后,下一个才诞生,而最后释放的内存块会最先被再次分配。所以它们先后住在同一个地址。")
        }
        (Finding::Rebinding, Lang::En) => format!(
            "{ran} and met {n} objects. Each new one was born before the old one died, so it could not have the old one's block: the blocks take turns. The old one dies when its name is stored over, and its block waits for the object after the next."
        ),
        (Finding::Rebinding, Lang::Zh) => format!(
            "{ran},遇到 {n} 个对象。每个新对象都在旧对象消亡之前诞生,所以拿不到旧对象的内存块:两个内存块轮流使用。名字被重新赋值时旧对象才消亡,它的内存块留给再下一个对象。"
        ),
        (Finding::Together, Lang::En) => {
            format!("{ran} and met {n} objects that are alive at the same time. Two objects that live at the same time must have different addresses.")
        }
        (Finding::Together, Lang::Zh) => format!("{ran},遇到 {n} 个同时活着的对象。同时活着的对象地址必然不同。"),
        (Finding::Taken(by), _) => taken(book, *by, &ran, n, lang),
        (Finding::Moved, Lang::En) => format!("{ran} and met {n} objects at different addresses: when each was born, another block was the one freed last."),
        (Finding::Moved, Lang::Zh) => format!("{ran},遇到 {n} 个地址不同的对象:每个对象诞生时,最后释放的是别的内存块。"),
    };
    out.push_str(&wrap(&text, style.width, "  "));
    out.push('\n');
    table(book, style, &lives, out);
    if finding == Finding::InTurn {
        between(book, style, &lives, out);
    }
    out.push('\n');
    closing(style, &finding, out);
    advice(book, style, &finding, lives[0], site, out);
}

fn taken(book: &Book, by: u64, ran: &str, n: u64, lang: Lang) -> String {
    let Some(l) = book.life(by) else { return String::new() };
    let (who, where_) = (called(book, l), birth(book, l, lang));
    match lang {
        Lang::En => format!(
            "{ran} and met {n} objects. In between, the block that one of them had left was given to something else: {who} ({where_}). So the next object had to take another block."
        ),
        Lang::Zh => format!("{ran},遇到 {n} 个对象。其间,其中一个对象留下的内存块给了别人:{who}({where_})。所以下一个对象只能用另一个内存块。"),
    }
}

/// Objects in lines; laps that are like the two before fold.
fn table(book: &Book, style: &Style, lives: &[&Life], out: &mut String) {
    let lang = style.lang;
    let head = [lang.pick("object", "对象"), lang.pick("address", "地址"), lang.pick("born", "诞生"), lang.pick("held by", "持有者"), lang.pick("died", "消亡")];
    let rows: Vec<[String; 5]> = lives
        .iter()
        .map(|l| {
            let held = story::first_holder(book, l).map_or_else(|| "-".to_string(), |(name, function)| lang.variable(&name, function.as_deref()));
            [called(book, l), short(l.address), birth(book, l, lang), held, death(book, l, lang)]
        })
        .collect();
    // Of a run of like rows the first two are shown; where addresses take turns, alike means all but the address.
    let few = rows.iter().map(|r| &r[1]).collect::<BTreeSet<_>>().len() <= 2;
    let like = |a: &[String; 5], b: &[String; 5]| a[2..] == b[2..] && (few || a[1] == b[1]);
    let mut shown: Vec<Result<&[String; 5], (usize, usize)>> = Vec::new();
    let mut i = 0;
    while i < rows.len() {
        let run = rows[i..].iter().take_while(|r| like(r, &rows[i])).count();
        let keep = if run > 2 { 2 } else { run };
        shown.extend(rows[i..i + keep].iter().map(Ok));
        if run > keep {
            shown.push(Err((i + keep + 1, i + run)));
        }
        i += run;
        if shown.len() > 12 && i < rows.len() {
            shown.push(Err((i + 1, rows.len())));
            break;
        }
    }
    let columns: Vec<usize> = (0..4).map(|c| shown.iter().flatten().map(|r| width(&r[c])).chain([width(head[c])]).max().unwrap_or(0)).collect();
    let line = |out: &mut String, cells: [&str; 5]| {
        let mut text = String::from("    ");
        for (c, w) in columns.iter().enumerate() {
            text.push_str(&fit(cells[c], *w));
            text.push_str("  ");
        }
        let used = width(&text);
        let last = wrap(cells[4], style.width.max(used + 24) - used, "");
        let mut parts = last.lines();
        out.push_str(&format!("{text}{}\n", parts.next().unwrap_or("")));
        for p in parts {
            out.push_str(&format!("{}{p}\n", " ".repeat(used)));
        }
    };
    line(out, head);
    for row in shown {
        match (row, lang) {
            (Ok(r), _) => line(out, [&r[0], &r[1], &r[2], &r[3], &r[4]]),
            (Err((from, to)), Lang::En) if from == to => out.push_str(&format!("    …  number {to} the same\n")),
            (Err((from, to)), Lang::En) => out.push_str(&format!("    …  numbers {from} to {to} the same\n")),
            (Err((from, to)), Lang::Zh) if from == to => out.push_str(&format!("    …  第 {to} 个相同\n")),
            (Err((from, to)), Lang::Zh) => out.push_str(&format!("    …  第 {from} 到第 {to} 个相同\n")),
        }
    }
}

/// What lay between a death and the next birth at the address.
fn between(book: &Book, style: &Style, lives: &[&Life], out: &mut String) {
    let lang = style.lang;
    let (Some(a), Some(b)) = (lives.first(), lives.get(1)) else { return };
    let Some(freed) = a.freed else { return };
    let steps = b.born.step.saturating_sub(freed.step);
    let mut others = 0u64;
    let mut next = a.next;
    while let Some(l) = book.life(next)
        && l.serial != b.serial
        && l.born.order < b.born.order
    {
        others += 1;
        next = l.next;
    }
    // The interpreter's end is not counted.
    let end = book.phases.first().map_or(u32::MAX, |(m, _)| m.order);
    let tenants = book.tenants(a.serial).into_iter().filter(|s| book.life(*s).is_some_and(|l| l.born.order < end)).count() as u64;
    let nobody = match lang {
        Lang::En if others == 0 => "nothing else took the block".to_string(),
        Lang::En => format!("{} had the block for a while and gave it back", lang.count(others, "other tenant", "")),
        Lang::Zh if others == 0 => "没有别人用过这个内存块".to_string(),
        Lang::Zh => format!("其间另有 {others} 任住户短暂用过这个内存块"),
    };
    let size = a.size;
    out.push_str(&match lang {
        Lang::En => format!(
            "    the address: {:#x} ({size} bytes, {} in all)\n    between a death and the next birth: {}, {nobody}\n",
            a.address,
            lang.count(tenants, "tenant", ""),
            lang.count(steps, "instruction", "")
        ),
        Lang::Zh => format!("    这个地址:{:#x}({size} 字节,先后 {tenants} 任住户)\n    从消亡到下一个诞生:{steps} 条指令,{nobody}\n", a.address),
    });
}

fn closing(style: &Style, finding: &Finding, out: &mut String) {
    let text = match (finding, style.lang) {
        (Finding::Together, Lang::En) => "id() is the address of a living object. Ids can only repeat when lives do not overlap.",
        (Finding::Together, Lang::Zh) => "id() 是活着的对象的地址;只有生命不重叠的对象,id 才可能相同。",
        (_, Lang::En) => "id() is the address of a living object. Two objects that never live at the same time may share it.",
        (_, Lang::Zh) => "id() 是活着的对象的地址;不同时存在的两个对象可以先后使用同一个地址。",
    };
    out.push_str(&wrap(text, style.width, "  "));
    out.push('\n');
}

fn advice(book: &Book, style: &Style, finding: &Finding, first: &Life, site: u32, out: &mut String) {
    let lang = style.lang;
    if *finding != Finding::InTurn {
        return;
    }
    let Some((name, Some(function))) = story::first_holder(book, first) else { return };
    let line = book.line(site);
    let (label, ids) = match lang {
        Lang::En => ("Try", "different ids, because nobody dies"),
        Lang::Zh => ("试试", "id 各不相同,因为没有对象消亡"),
    };
    out.push_str(&format!("  {label}  keep.append({name})  → {ids}\n       retic why count {name}@{function}:{line}\n       retic why died {name}@{function}\n\n"));
}

fn same_object(book: &Book, style: &Style, l: &Life, ran: &str, out: &mut String) {
    let lang = style.lang;
    let who = called(book, l);
    let text = match super::nature(book, l) {
        Some(n) => match lang {
            Lang::En => format!("{ran} and met one and the same object, {} {who}: no new one was made, because {}.", article(&who), lang.nature(n)),
            Lang::Zh => format!("{ran},遇到的是同一个 {who} 对象:没有创建新对象,因为{}。", lang.nature(n)),
        },
        None => {
            let held = story::first_holder(book, l).map_or(String::new(), |(name, f)| {
                let variable = lang.variable(&name, f.as_deref());
                match lang {
                    Lang::En => format!(" It is held by the {variable}."),
                    Lang::Zh => format!("它由{variable} 持有。"),
                }
            });
            match lang {
                Lang::En => format!("{ran} and met one and the same object, {who}, born at {}. It lived all the time, so its id could not change.{held}", birth(book, l, lang)),
                Lang::Zh => format!("{ran},遇到的是同一个对象 {who}(诞生于{})。它一直活着,所以 id 不会变。{held}", birth(book, l, lang)),
            }
        }
    };
    out.push_str(&wrap(&text, style.width, "  "));
    out.push('\n');
}

fn article(word: &str) -> &'static str {
    if word.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}

/// Questions asked once each, at several places.
fn across(book: &Book, style: &Style, seen: &[Seen], out: &mut String) {
    let lang = style.lang;
    title(book, style, lang.pick("Which ids are the same, and why?", "哪些 id 相同,为什么?"), seen[0].at.site, out);
    let mut told = false;
    for (i, a) in seen.iter().enumerate() {
        for b in &seen[i + 1..] {
            let Some(text) = pair(book, lang, a.life, b.life, (book.line(a.at.site), book.line(b.at.site))) else { continue };
            out.push_str(&wrap(&text, style.width, "  "));
            out.push('\n');
            told = true;
        }
    }
    let lives = objects(seen);
    if !told {
        let text = match lang {
            Lang::En => "All of them are different objects at different addresses.",
            Lang::Zh => "它们是地址不同的不同对象。",
        };
        out.push_str(&wrap(text, style.width, "  "));
        out.push('\n');
    }
    table(book, style, &lives, out);
    out.push('\n');
    if lives.len() > 1 && lives.iter().any(|l| l.serial < ELDER) {
        closing(style, &judge(book, &lives), out);
    }
}

/// What two objects that were asked about have in common; `None`: nothing.
fn pair(book: &Book, lang: Lang, a: &Life, b: &Life, lines: (u32, u32)) -> Option<String> {
    let seen = match (lines.0 == lines.1, lang) {
        (true, Lang::En) => format!("Line {} shows, twice,", lines.0),
        (true, Lang::Zh) => format!("第 {} 行两次看到的", lines.0),
        (false, Lang::En) => format!("Lines {} and {} show", lines.0, lines.1),
        (false, Lang::Zh) => format!("第 {} 行和第 {} 行", lines.0, lines.1),
    };
    if a.serial == b.serial {
        let who = called(book, a);
        return Some(match (a.nature, lang) {
            (Some(n), Lang::En) => format!("{seen} the same object, {} {who}: {}.", article(&who), lang.nature(n)),
            (Some(n), Lang::Zh) => format!("{seen}是同一个 {who} 对象:{}。", lang.nature(n)),
            (None, Lang::En) => format!("{seen} the same object, {who}: two names or two looks, one object, alive all the time."),
            (None, Lang::Zh) => format!("{seen}是同一个对象 {who}:名字可以不同,对象只有一个,一直活着。"),
        });
    }
    if a.address != b.address {
        return None;
    }
    let (one, two) = (called(book, a), called(book, b));
    Some(match lang {
        Lang::En => format!(
            "{seen} one address but two objects: {one} died ({}) before {two} was born ({}), and the block freed last is handed out first.",
            death(book, a, lang),
            birth(book, b, lang)
        ),
        Lang::Zh => format!("{seen}地址相同,却是两个对象:{one} 消亡({})之后 {two} 才诞生({}),而最后释放的内存块会最先被再次分配。", death(book, a, lang), birth(book, b, lang)),
    })
}

fn alone(book: &Book, style: &Style, seen: &Seen, out: &mut String) {
    let lang = style.lang;
    title(book, style, lang.pick("Whose id is it?", "这是谁的 id?"), seen.at.site, out);
    let who = called(book, seen.life);
    let text = match (seen.life.nature, lang) {
        (Some(n), Lang::En) => format!("It was asked for once: {} {who} that was not made here, because {}.", article(&who), lang.nature(n)),
        (Some(n), Lang::Zh) => format!("只查看了一次:这个 {who} 对象不是在这里创建的,因为{}。", lang.nature(n)),
        (None, Lang::En) => format!("It was asked for once: {who}, born at {}; {}.", birth(book, seen.life, lang), death(book, seen.life, lang)),
        (None, Lang::Zh) => format!("只查看了一次:{who},诞生于{};{}。", birth(book, seen.life, lang), death(book, seen.life, lang)),
    };
    out.push_str(&wrap(&text, style.width, "  "));
    out.push('\n');
    let before = seen.life.previous;
    if let Some(p) = book.life(before) {
        let text = match lang {
            Lang::En => format!("Before it, {} had the block: {}.", called(book, p), death(book, p, lang)),
            Lang::Zh => format!("在它之前,这个内存块的住户是 {}:{}。", called(book, p), death(book, p, lang)),
        };
        out.push_str(&wrap(&text, style.width, "  "));
        out.push('\n');
    }
}

/// `retic why is`: each comparison with `is`, and why it holds or not.
pub fn same(book: &Book, style: &Style, line: Option<u32>) -> String {
    let lang = style.lang;
    let mut out = String::new();
    let mut known = BTreeSet::new();
    for (at, q) in &book.questions {
        let Question::Same { a, b, same } = q else { continue };
        if line.is_some_and(|l| book.line(at.site) != l) || !known.insert((at.site, *same)) {
            continue;
        }
        let (Some(a), Some(b)) = (book.life(*a), book.life(*b)) else { continue };
        title(book, style, if *same { lang.pick("They are one object.", "它们是同一个对象。") } else { lang.pick("They are two objects.", "它们是两个对象。") }, at.site, &mut out);
        let (one, two) = (called(book, a), called(book, b));
        let text = match (*same, a.nature, lang) {
            (true, Some(n), Lang::En) => format!("Both sides are the same {one}, because {}.", lang.nature(n)),
            (true, Some(n), Lang::Zh) => format!("两边是同一个 {one},因为{}。", lang.nature(n)),
            (true, None, Lang::En) => format!("Both sides are {one}, born at {}: two ways to reach one object.", birth(book, a, lang)),
            (true, None, Lang::Zh) => format!("两边都是 {one}(诞生于{}):两条路通向同一个对象。", birth(book, a, lang)),
            (false, _, _) => {
                let side = |l: &Life, who: &str| match (l.nature, lang) {
                    (Some(Nature::Singleton), Lang::En) => format!("{who} (there is only one)"),
                    (Some(Nature::Singleton), Lang::Zh) => format!("{who}(只有一个)"),
                    (Some(n), Lang::En) => format!("{} {who} ({})", article(who), lang.nature(n)),
                    (Some(n), Lang::Zh) => format!("{who}({})", lang.nature(n)),
                    (None, Lang::En) => format!("{who}, born at {}", birth(book, l, lang)),
                    (None, Lang::Zh) => format!("{who}(诞生于{})", birth(book, l, lang)),
                };
                let (one, two) = (side(a, &one), side(b, &two));
                match lang {
                    Lang::En => format!(
                        "One side is {one}; the other is {two}. `is` asks whether they are one object, not whether they are equal; both are alive, so they have two addresses."
                    ),
                    Lang::Zh => format!("一边是 {one};另一边是 {two}。`is` 问的是是否为同一个对象,而不是是否相等;两者都活着,所以地址不同。"),
                }
            }
        };
        out.push_str(&wrap(&text, style.width, "  "));
        out.push('\n');
    }
    if out.is_empty() {
        out = match lang {
            Lang::En => "The program compared nothing with `is` in its own code.\n".to_string(),
            Lang::Zh => "程序自己的代码里没有用 `is` 比较过对象。\n".to_string(),
        };
    }
    out
}
