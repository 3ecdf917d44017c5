//! The report that `retic trace` prints: the user's lines with births and deaths, the addresses that had several tenants,
//! what is left.

use crate::book::{Book, Change, Death, Life};
use crate::story::{self, Cause};
use crate::words::{Lang, fit, width, wrap};
use retic_events::{ELDER, How, Phase, Trigger};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// How a report is shown.
#[derive(Clone, Copy)]
pub struct Style {
    pub lang: Lang,
    /// Columns.
    pub width: usize,
    /// No box characters and bars.
    pub plain: bool,
    /// Everything is unfolded: lines of the library too.
    pub all: bool,
}

impl Default for Style {
    fn default() -> Style {
        Style { lang: Lang::En, width: 80, plain: false, all: false }
    }
}

#[derive(Default)]
struct Line {
    born: u64,
    died: u64,
    alive: u64,
    /// What was born here, by type: number, first and last serial, addresses.
    made: BTreeMap<String, Made>,
    /// Causes of deaths here, by words.
    ends: BTreeMap<String, u64>,
}

#[derive(Default)]
struct Made {
    count: u64,
    first: u64,
    last: u64,
    address: Option<u64>,
    several: bool,
}

impl Made {
    /// Adds a life; they come in the order of their serial numbers.
    fn add(&mut self, l: &Life) {
        self.count += 1;
        if self.first == 0 {
            (self.first, self.address) = (l.serial, Some(l.address));
        }
        self.several |= self.address != Some(l.address);
        self.last = l.serial;
    }
    /// Adds what another place of the line made.
    fn join(&mut self, other: Made) {
        self.several |= other.several || self.count > 0 && self.address != other.address;
        if self.count == 0 || other.first < self.first {
            (self.first, self.address) = (other.first, other.address);
        }
        self.last = self.last.max(other.last);
        self.count += other.count;
    }
}

/// The whole report.
pub fn report(book: &Book, style: &Style) -> String {
    if !book.totals.is_empty() {
        return crate::totals::report(book, style);
    }
    let (lang, wide) = (style.lang, style.width.max(60));
    let rule = if style.plain { "-" } else { "─" }.repeat(wide);
    let mut out = String::new();
    let head = format!("retic trace {}", book.command);
    let (born, died, left) = book.balance();
    let steps = lang.count(book.program_end(), "step", "步");
    out.push_str(&format!("{head}   {}   {steps}\n{rule}\n", laps(book, lang)));
    if let Some(d) = &book.damage {
        out.push_str(&format!(" {}: {d}\n", lang.pick("only a part of the recording could be read", "只能读出录制的一部分")));
    }
    if book.first > 1 {
        let n = book.first - 1;
        out.push_str(&match lang {
            Lang::En => format!(" only the last part was kept: {} before it are not told of\n", lang.count(n, "birth", "")),
            Lang::Zh => format!(" 只保留了最后一部分:之前的 {n} 次诞生未列出\n"),
        });
    }
    let files = lines_of(book, style.all);
    let several = files.len() > 1;
    let source_width = (wide / 3).clamp(20, 48);
    let told_at = source_width + 26;
    out.push_str(&format!(
        " {} {}{}{}{}  {}\n",
        pad(lang.pick("line", "行"), 5),
        fit(lang.pick("source", "源代码"), source_width),
        pad(lang.pick("born", "诞生"), 6),
        pad(lang.pick("died", "消亡"), 6),
        pad(lang.pick("live", "存活"), 6),
        lang.pick("what happened", "发生了什么")
    ));
    for (file, lines) in &files {
        if several {
            out.push_str(&format!(" {file}\n"));
        }
        let text: Vec<&str> = book.sources.get(file).map(|s| s.lines().collect()).unwrap_or_default();
        for (n, line) in lines {
            let source = text.get((*n as usize).wrapping_sub(1)).copied().unwrap_or("");
            out.push_str(&format!(" {n:>5} {}{:>6}{:>6}{:>6}  ", fit(source, source_width), line.born, line.died, line.alive));
            let told: String = what(line, lang).iter().map(|t| wrap(t, wide.saturating_sub(told_at).max(20), "")).collect();
            for (i, t) in told.lines().enumerate() {
                if i > 0 {
                    out.push_str(&" ".repeat(told_at));
                }
                out.push_str(t);
                out.push('\n');
            }
            if told.is_empty() {
                out.push('\n');
            }
        }
    }
    out.push_str(&format!("{rule}\n"));
    tenants(book, style, &mut out);
    counts(book, lang, &mut out);
    for c in book.collections.iter().filter(|c| c.trigger != Trigger::Exit && c.found > 0) {
        out.push_str(&format!(
            " {}\n",
            match lang {
                Lang::En => format!("collection    generation {}, because {}: {} unreachable", c.generation, lang.trigger(c.trigger), lang.count(c.found, "object", "个对象")),
                Lang::Zh => format!("垃圾回收      第 {} 代,因为{}:{} 个对象不可达", c.generation, lang.trigger(c.trigger), c.found),
            }
        ));
    }
    let (mine, own_left) = own_at_end(book);
    out.push_str(&match lang {
        Lang::En => format!(" left at exit  {own_left} of the {mine} that the program made itself; {left} of all {born} since its start ({died} died)\n"),
        Lang::Zh => format!(" 退出时存活    程序自己创建的 {mine} 个对象中有 {own_left} 个;开始以来全部 {born} 个中有 {left} 个({died} 个消亡)\n"),
    });
    out
}

/// Locals whose counts are told, and counts of each.
const COUNTED_MAX: usize = 4;
const COUNTS_MAX: usize = 16;

/// The counts of the first object that each local of the user's functions held, where the recording has them.
fn counts(book: &Book, lang: Lang, out: &mut String) {
    let mut first: Vec<(u32, u32, u64)> = Vec::new();
    let mut all: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
    for (at, change) in &book.changes {
        match *change {
            Change::Slot { slot, serial } if first.len() < COUNTED_MAX => {
                let code = book.frames.get(at.frame as usize).copied().unwrap_or(0);
                let local = book.code(code).is_some_and(|c| c.mine && (slot as usize) < c.code.varnames.len());
                let told = book.life(serial).is_some_and(|l| serial < ELDER && !is_plain(book.type_name(l.type_id)));
                if local && told && !first.iter().any(|f| (f.0, f.1) == (code, slot)) {
                    first.push((code, slot, serial));
                }
            }
            Change::Count { serial, count } => all.entry(serial).or_default().push(count),
            _ => {}
        }
    }
    for (code, slot, serial) in first {
        let Some(list) = all.get(&serial) else { continue };
        let mut text = list.iter().take(COUNTS_MAX).map(u32::to_string).collect::<Vec<_>>().join(" ");
        if list.len() > COUNTS_MAX {
            text.push_str(" …");
        } else if book.life(serial).is_some_and(|l| l.death.is_some()) {
            text.push_str(" 0");
        }
        let (name, function) = (book.register(code, slot).unwrap_or("?"), book.code(code).map_or("", |c| &c.code.name));
        out.push_str(&match lang {
            Lang::En => format!(" count of {name} in {function}  {text}\n"),
            Lang::Zh => format!(" {function} 中 {name} 的引用计数  {text}\n"),
        });
    }
}

fn pad(text: &str, columns: usize) -> String {
    format!("{}{text}", " ".repeat(columns.saturating_sub(width(text))))
}

/// Of the objects that the user's instructions made: how many, and how many were alive when the program was over.
fn own_at_end(book: &Book) -> (u64, u64) {
    let end = book.phases.first().map_or(u32::MAX, |(m, _)| m.order);
    let (mut n, mut left) = (0, 0);
    for l in book.own_lives().filter(|l| !is_passing(l)) {
        n += 1;
        left += u64::from(l.death.is_none_or(|d| d.at.order > end));
    }
    (n, left)
}

/// The function of the user's that ran most often, if one ran more than once.
fn laps(book: &Book, lang: Lang) -> String {
    let mut most: BTreeMap<u32, u32> = BTreeMap::new();
    for f in book.frames.iter().filter(|f| book.code(**f).is_some_and(|c| c.mine)) {
        *most.entry(*f).or_default() += 1;
    }
    match most.iter().max_by_key(|(code, n)| (**n, std::cmp::Reverse(**code))) {
        Some((code, n)) if *n > 1 => {
            let name = book.code(*code).map_or("", |c| &c.code.name);
            match lang {
                Lang::En => format!("{n} laps of {name}()"),
                Lang::Zh => format!("{name}() 运行 {n} 圈"),
            }
        }
        _ => String::new(),
    }
}

/// Where a death is told, and in which words ([`death_key`]); no words: its owner's death is told.
struct Told {
    file: String,
    line: u32,
    words: Option<String>,
    count: u64,
}

/// What deaths have in common that are told alike: place, innermost place of the user's, callable, cause and its argument, phase,
/// type, whether it was taken out of a container.
type Alike = (u32, u32, u32, How, u32, Option<Phase>, u32, bool);

/// Deaths that are told alike share one entry; most deaths of a loop do.
#[derive(Default)]
struct Deaths {
    told: Vec<Option<Told>>,
    alike: FxHashMap<Alike, usize>,
}

impl Deaths {
    fn add(&mut self, book: &Book, l: &Life, d: &Death) {
        let arg = match d.how {
            How::OwnerDied if d.parent != 0 => u32::MAX,
            How::Cycle => story::collection(book, d) as u32,
            _ => d.arg,
        };
        let alike = (d.at.site, d.at.mine, d.at.by, d.how, arg, d.phase, l.type_id, d.at.by != 0 && story::is_taken_out(book, l, &d.at));
        let i = *self.alike.entry(alike).or_insert_with(|| {
            self.told.push(Deaths::told(book, l, d));
            self.told.len() - 1
        });
        if let Some(t) = &mut self.told[i] {
            t.count += 1;
        }
    }
    fn told(book: &Book, l: &Life, d: &Death) -> Option<Told> {
        let own = book.directly_mine(&d.at);
        let at = if own { d.at.site } else { d.at.mine };
        let e = story::end(book, l).filter(|_| at != 0)?;
        let words = if matches!(e.cause, Cause::Owner(_)) { None } else { Some(death_key(book, l, &e.cause)) };
        Some(Told { file: book.file(at).to_string(), line: if own { e.line } else { book.line(at) }, words, count: 0 })
    }
}

fn lines_of(book: &Book, all: bool) -> BTreeMap<String, BTreeMap<u32, Line>> {
    let mut births: FxHashMap<(u32, u32), (Made, u64)> = FxHashMap::default();
    let mut deaths = Deaths::default();
    let end = book.phases.first().map_or(u32::MAX, |(m, _)| m.order);
    for l in book.lives.iter().filter(|l| l.type_id != 0 && (all || !is_passing(l))) {
        let own = book.directly_mine(&l.born);
        if own || all && l.born.site != 0 {
            let (m, alive) = births.entry((l.born.site, l.type_id)).or_default();
            m.add(l);
            *alive += u64::from(l.death.is_none_or(|d| d.at.order > end));
        }
        if let Some(d) = &l.death
            && d.at.order <= end
            && (own || all)
        {
            deaths.add(book, l, d);
        }
    }
    let mut files: BTreeMap<String, BTreeMap<u32, Line>> = BTreeMap::new();
    for ((site, type_id), (made, alive)) in births {
        let line = files.entry(book.file(site).to_string()).or_default().entry(book.line(site)).or_default();
        line.born += made.count;
        line.alive += alive;
        line.made.entry(book.type_name(type_id).to_string()).or_default().join(made);
    }
    for t in deaths.told.into_iter().flatten() {
        let line = files.entry(t.file).or_default().entry(t.line).or_default();
        line.died += t.count;
        if let Some(words) = t.words {
            *line.ends.entry(words).or_default() += t.count;
        }
    }
    files
}

/// Born and dead inside one instruction, by no callable that the program named: the machine's own scratch paper.
fn is_passing(l: &Life) -> bool {
    l.born.by == 0 && l.death.is_some_and(|d| d.at.step == l.born.step && d.at.site == l.born.site)
}

/// What stands for a cause in the sums of a line; both languages are made of it when it is shown.
fn death_key(book: &Book, l: &Life, cause: &Cause) -> String {
    format!("{}\0{}\0{}", book.type_name(l.type_id), Lang::En.cause(cause, ""), Lang::Zh.cause(cause, ""))
}

/// Most kinds of objects, and causes, that a line tells.
const TOLD_MAX: usize = 4;

fn what(line: &Line, lang: Lang) -> Vec<String> {
    let mut out = Vec::new();
    let mut made: Vec<(&String, &Made)> = line.made.iter().collect();
    made.sort_by_key(|(name, m)| (is_plain(name), std::cmp::Reverse(m.count)));
    for (name, m) in made.iter().take(TOLD_MAX) {
        let place = match (m.several, m.address) {
            (false, Some(a)) if m.count > 1 => match lang {
                Lang::En => format!(", all at {}", short(a)),
                Lang::Zh => format!(",都在 {}", short(a)),
            },
            _ => String::new(),
        };
        let which = if m.count == 1 { format!("#{}", m.first) } else { format!("#{} … #{}", m.first, m.last) };
        out.push(format!("{name} {which}{place}"));
    }
    let mut ends: Vec<(&String, &u64)> = line.ends.iter().collect();
    ends.sort_by_key(|(key, n)| (is_plain(key.split('\0').next().unwrap_or("")), std::cmp::Reverse(**n)));
    for (key, n) in ends.iter().take(TOLD_MAX) {
        let mut parts = key.split('\0');
        let (name, en, zh) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""), parts.next().unwrap_or(""));
        let times = if **n > 1 { format!("{n} × ") } else { String::new() };
        out.push(match lang {
            Lang::En => format!("{times}{name} died: {en}"),
            Lang::Zh => format!("{times}{name} 消亡:{zh}"),
        });
    }
    let more = made.len().saturating_sub(TOLD_MAX) + ends.len().saturating_sub(TOLD_MAX);
    if more > 0 {
        out.push(match lang {
            Lang::En => format!("… and {} more", lang.count(more as u64, "kind", "")),
            Lang::Zh => format!("… 另有 {more} 种"),
        });
    }
    out
}

/// Numbers and texts come last: few people look for them.
fn is_plain(name: &str) -> bool {
    matches!(name, "int" | "float" | "str" | "bytes")
}

/// The end of an address, which is what tells it from others.
pub fn short(address: u64) -> String {
    format!("0x…{:05x}", address & 0xf_ffff)
}

/// Addresses that are told with their tenants.
const SHARED_MAX: usize = 3;

/// Addresses that several objects of the user's had in turn.
fn tenants(book: &Book, style: &Style, out: &mut String) {
    let lang = style.lang;
    // By address: how many, and whether all of them are numbers and texts.
    let mut by_address: FxHashMap<u64, (u64, bool)> = FxHashMap::default();
    for l in book.own_lives().filter(|l| !is_passing(l)) {
        let of = by_address.entry(l.address).or_insert((0, true));
        of.0 += 1;
        of.1 &= is_plain(book.type_name(l.type_id));
    }
    let mut shared: Vec<(bool, std::cmp::Reverse<u64>, u64)> = by_address.into_iter().filter(|(_, v)| v.0 > 1).map(|(a, v)| (v.1, std::cmp::Reverse(v.0), a)).collect();
    shared.sort_unstable();
    let more = shared.len().saturating_sub(SHARED_MAX);
    shared.truncate(SHARED_MAX);
    let mut kinds_of: BTreeMap<u64, BTreeMap<&str, u64>> = shared.iter().map(|s| (s.2, BTreeMap::new())).collect();
    for l in book.own_lives().filter(|l| !is_passing(l)) {
        if let Some(kinds) = kinds_of.get_mut(&l.address) {
            *kinds.entry(book.type_name(l.type_id)).or_default() += 1;
        }
    }
    for (_, std::cmp::Reverse(n), address) in shared {
        let kinds = &kinds_of[&address];
        let kinds: Vec<String> = kinds.iter().map(|(k, of)| if n == *of { format!("`{k}`") } else { format!("{of} `{k}`") }).collect();
        let bar = if style.plain { String::new() } else { format!("{}  ", "▇▁".repeat(n.min(8) as usize)) };
        out.push_str(&match lang {
            Lang::En => format!(" address {}  {bar}{}, {}, one at a time\n", short(address), lang.count(n, "tenant", ""), kinds.join(", ")),
            Lang::Zh => format!(" 地址 {}  {bar}先后 {n} 任住户:{}\n", short(address), kinds.join("、")),
        });
    }
    if more > 0 {
        out.push_str(&match lang {
            Lang::En => format!(" {} more with several tenants\n", lang.count(more as u64, "address", "")),
            Lang::Zh => format!(" 另有 {more} 个地址有过多任住户\n"),
        });
    }
}
