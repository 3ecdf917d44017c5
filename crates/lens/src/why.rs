//! Answers in words: why an id is the same, why an object died, what a collection found.

mod counts;
mod died;
mod held;
mod id;

pub use died::{Who, cycles, died, parse_who};
pub use held::{alive, count, holder};
pub use id::{id, same};

use crate::book::{Book, Life};
use crate::report::Style;
use crate::story::{self, End};
use crate::words::Lang;

/// The answer to `retic why VERB WHO`; `line` narrows `id` and `is` to one. What cannot be answered is a sentence.
pub fn ask(book: &Book, style: &Style, verb: &str, who: Option<&str>, line: Option<u32>) -> Result<String, String> {
    let named = || match who {
        Some(w) => parse_who(w),
        None if verb == "count" => Err("why count: whose? (NAME@FUNCTION:LINE)".to_string()),
        None => Err(format!("why {verb}: who? (#17, NAME@FUNCTION, NAME, or a type)")),
    };
    match verb {
        "id" => Ok(id(book, style, line)),
        "is" => Ok(same(book, style, line)),
        "cycle" => Ok(cycles(book, style)),
        "count" => count(book, style, &named()?),
        "alive" => alive(book, style, &named()?),
        "died" => died(book, style, &named()?),
        other => Err(format!("why {other}: there is id, is, count, died, alive, cycle")),
    }
}

/// "#214 object".
pub fn called(book: &Book, l: &Life) -> String {
    if l.type_id == 0 {
        format!("buffer #{}", l.serial)
    } else if l.serial >= retic_events::ELDER {
        book.type_name(l.type_id).to_string()
    } else {
        format!("{} #{}", book.type_name(l.type_id), l.serial)
    }
}

/// Why there was no birth where an object was used: for those older than the recording, and for constants of its code.
pub(crate) fn nature(book: &Book, l: &Life) -> Option<retic_events::Nature> {
    let plain = matches!(book.type_name(l.type_id), "str" | "int" | "float" | "complex" | "bytes" | "tuple" | "frozenset");
    l.nature.or_else(|| (l.born.site == 0 && plain).then_some(retic_events::Nature::Constant))
}

/// "line 5, CALL_FUNCTION object".
pub fn birth(book: &Book, l: &Life, lang: Lang) -> String {
    if l.nature.is_some() {
        return lang.pick("before the program", "程序开始之前").to_string();
    }
    let site = if book.is_mine(l.born.site) || l.born.mine == 0 { l.born.site } else { l.born.mine };
    let (line, op) = (book.line(site), book.instruction(site).map_or("", |(op, _)| op.name()));
    let by = book.name(l.born.by);
    let by = if by.is_empty() || site != l.born.site { String::new() } else { format!(" {by}") };
    if site == 0 {
        return lang.pick("the start of the program", "程序启动时").to_string();
    }
    match lang {
        Lang::En => format!("line {line}, {op}{by}"),
        Lang::Zh => format!("第 {line} 行,{op}{by}"),
    }
}

/// "line 6, RETURN_VALUE: test returned and let ins go".
pub fn death(book: &Book, l: &Life, lang: Lang) -> String {
    let Some(End { cause, op, line }) = story::end(book, l) else {
        return lang.pick("alive when the process ended", "进程结束时仍然存活").to_string();
    };
    // What falls with the interpreter's own things falls because that ends.
    let root = story::chain(book, l).last().and_then(|s| book.life(*s)).and_then(|r| story::end(book, r));
    let cause = match (cause, root) {
        (story::Cause::Owner(_), Some(End { cause: exit @ story::Cause::Exit(_), .. })) => exit,
        (cause, _) => cause,
    };
    let owner = match &cause {
        story::Cause::Owner(serial) => book.life(*serial).map_or(String::new(), |o| called(book, o)),
        _ => String::new(),
    };
    let cause = lang.cause(&cause, &owner);
    match lang {
        _ if line == 0 => cause,
        Lang::En => format!("line {line}, {op}: {cause}"),
        Lang::Zh => format!("第 {line} 行,{op}:{cause}"),
    }
}
