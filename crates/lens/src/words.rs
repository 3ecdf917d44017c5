//! Every sentence the lens says, in English and Chinese. Numbers and opcode names are never translated.

use crate::story::Cause;
use retic_events::{Nature, Phase, Trigger};

/// The language of the answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Lang {
    #[default]
    En,
    Zh,
}

impl Lang {
    /// By a name such as `zh`, `zh_CN.UTF-8`, `en`.
    pub fn of(name: &str) -> Option<Lang> {
        match name.get(..2)? {
            "zh" => Some(Lang::Zh),
            "en" => Some(Lang::En),
            _ => None,
        }
    }
    /// One of two texts.
    pub fn pick<T>(self, en: T, zh: T) -> T {
        match self {
            Lang::En => en,
            Lang::Zh => zh,
        }
    }

    /// "1 object", "5 objects".
    pub fn count(self, n: u64, en: &str, zh: &str) -> String {
        match self {
            Lang::En if n == 1 => format!("1 {en}"),
            Lang::En if en.ends_with('s') => format!("{n} {en}es"),
            Lang::En => format!("{n} {en}s"),
            Lang::Zh => format!("{n} {zh}"),
        }
    }

    /// A cause of death, as a clause. `owner` names the owner for causes that have one.
    pub fn cause(self, cause: &Cause, owner: &str) -> String {
        let q = |n: &str| if n.is_empty() { self.pick("a temporary".to_string(), "临时值".to_string()) } else { n.to_string() };
        match self {
            Lang::En => match cause {
                Cause::Overwritten { name } => format!("{} was stored over", q(name)),
                Cause::Deleted { name } => format!("{} was deleted", q(name)),
                Cause::Returned { name, function } if name.is_empty() => format!("{function} returned"),
                Cause::Returned { name, function } => format!("{function} returned and let {name} go"),
                Cause::Unwound { name, function } => format!("an exception left {function}, which let {} go", q(name)),
                Cause::Temporary => "nobody kept the value".to_string(),
                Cause::UsedUp { by } => format!("used up by {by}"),
                Cause::TakenOut { by } => format!("taken out of its container by {by}"),
                Cause::Attribute { name, deleted: false } => format!("the attribute {name} was stored over"),
                Cause::Attribute { name, deleted: true } => format!("the attribute {name} was deleted"),
                Cause::Owner(_) => format!("its owner {owner} died"),
                Cause::ExceptionForgotten => "the handler was left and the exception forgotten".to_string(),
                Cause::LoopOver => "the loop was over".to_string(),
                Cause::Generator => "the generator went on".to_string(),
                Cause::Cycle(_) => "it was in a cycle that nobody could reach; the collector took it apart".to_string(),
                Cause::Exit(p) => format!("the interpreter ended ({})", self.phase(*p)),
                Cause::Later { by } => format!("let go by {by}"),
            },
            Lang::Zh => match cause {
                Cause::Overwritten { name } => format!("{} 被重新赋值", q(name)),
                Cause::Deleted { name } => format!("{} 被删除", q(name)),
                Cause::Returned { name, function } if name.is_empty() => format!("{function} 返回"),
                Cause::Returned { name, function } => format!("{function} 返回,{name} 被释放"),
                Cause::Unwound { name, function } => format!("异常离开 {function},{} 被释放", q(name)),
                Cause::Temporary => "没有人保留这个值".to_string(),
                Cause::UsedUp { by } => format!("被 {by} 用掉"),
                Cause::TakenOut { by } => format!("被 {by} 从容器中取出"),
                Cause::Attribute { name, deleted: false } => format!("属性 {name} 被重新赋值"),
                Cause::Attribute { name, deleted: true } => format!("属性 {name} 被删除"),
                Cause::Owner(_) => format!("它的持有者 {owner} 消亡"),
                Cause::ExceptionForgotten => "离开异常处理,异常被遗忘".to_string(),
                Cause::LoopOver => "循环结束".to_string(),
                Cause::Generator => "生成器继续运行".to_string(),
                Cause::Cycle(_) => "处在无人可达的循环引用中,由垃圾回收器拆除".to_string(),
                Cause::Exit(p) => format!("解释器结束({})", self.phase(*p)),
                Cause::Later { by } => format!("被 {by} 释放"),
            },
        }
    }

    /// A variable: a local of a function, an attribute (its name begins with a dot), or a global.
    pub fn variable(self, name: &str, function: Option<&str>) -> String {
        match (function, name.strip_prefix('.'), self) {
            (Some(f), _, Lang::En) => format!("local {name} of {f}"),
            (Some(f), _, Lang::Zh) => format!("{f} 的局部变量 {name}"),
            (None, Some(a), Lang::En) => format!("attribute {a}"),
            (None, Some(a), Lang::Zh) => format!("属性 {a}"),
            (None, None, Lang::En) => format!("global {name}"),
            (None, None, Lang::Zh) => format!("全局变量 {name}"),
        }
    }

    pub fn phase(self, p: Phase) -> &'static str {
        match p {
            Phase::ProgramEnded => self.pick("the program was over", "程序已结束"),
            Phase::AtExit => self.pick("exit functions", "退出函数"),
            Phase::Modules => self.pick("modules were emptied", "清空模块"),
            Phase::FinalCollection => self.pick("the last collection", "最后一次回收"),
            Phase::Over => self.pick("at the very end", "最终"),
        }
    }
    pub fn trigger(self, t: Trigger) -> &'static str {
        match t {
            Trigger::Threshold => self.pick("enough objects had been born", "新对象数量达到阈值"),
            Trigger::Call => self.pick("the program asked for it", "程序主动调用"),
            Trigger::Exit => self.pick("the interpreter ended", "解释器结束"),
        }
    }
    /// Why an object was not born where it was used.
    pub fn nature(self, n: Nature) -> &'static str {
        match n {
            Nature::Older => self.pick("it was made before the program began", "它在程序开始之前就已存在"),
            Nature::Singleton => self.pick("there is only one such object, and it never dies", "这种对象只有一个,永不消亡"),
            Nature::SmallInt => self.pick("ints from -5 to 256 are made once and kept for ever", "-5 到 256 的整数只创建一次,永久保留"),
            Nature::Shared => self.pick("empty and one-character values are made once and kept for ever", "空值和单字符值只创建一次,永久保留"),
            Nature::Interned => self.pick("the text is interned: equal texts of this kind are one object", "这个字符串是驻留的:同样的文本共用一个对象"),
            Nature::Constant => self.pick("it is a constant of the code: made once, when the code was compiled", "它是代码中的常量:编译时创建一次"),
            Nature::BuiltIn => self.pick("it belongs to the interpreter", "它属于解释器本身"),
        }
    }
}

/// Columns a text takes on a terminal: wide characters count twice.
pub fn width(text: &str) -> usize {
    text.chars()
        .map(
            |c| if matches!(c as u32, 0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff | 0xfe30..=0xfe6f | 0xff00..=0xff60 | 0xffe0..=0xffe6) { 2 } else { 1 },
        )
        .sum()
}

/// A text cut or filled to a number of columns.
pub fn fit(text: &str, columns: usize) -> String {
    let mut out = String::new();
    let mut used = 0;
    let whole = width(text) <= columns;
    for c in text.chars() {
        let w = width(&c.to_string());
        if used + w > columns - usize::from(!whole) {
            break;
        }
        out.push(c);
        used += w;
    }
    if !whole {
        out.push('…');
        used += 1;
    }
    out.push_str(&" ".repeat(columns.saturating_sub(used)));
    out
}

/// A paragraph in lines of at most so many columns, indented.
pub fn wrap(text: &str, columns: usize, indent: &str) -> String {
    let room = columns.saturating_sub(indent.len()).max(20);
    let mut out = String::new();
    let mut line = String::new();
    // Words for English, characters for Chinese: a break may come after any wide character.
    let mut pieces: Vec<String> = vec![String::new()];
    for c in text.chars() {
        if let Some(last) = pieces.last_mut() {
            last.push(c);
        }
        if c == ' ' || width(&c.to_string()) == 2 {
            pieces.push(String::new());
        }
    }
    // No line begins with a closing mark.
    let mut joined: Vec<String> = Vec::new();
    for p in pieces {
        // A number stays with what it counts.
        let number = joined
            .last()
            .is_some_and(|l: &String| l.ends_with("第 ") || l.trim_end().ends_with(|c: char| c.is_ascii_digit()) && p.starts_with(|c: char| width(&c.to_string()) == 2));
        let closing = p.chars().next().is_some_and(|c| ",。:;)!?、".contains(c));
        match joined.last_mut() {
            Some(last) if closing || number => last.push_str(&p),
            _ => joined.push(p),
        }
    }
    for p in joined {
        if width(&line) + width(p.trim_end()) > room {
            out.push_str(indent);
            out.push_str(line.trim_end());
            out.push('\n');
            line.clear();
        }
        line.push_str(&p);
    }
    if !line.trim().is_empty() {
        out.push_str(indent);
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}
