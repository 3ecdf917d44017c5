//! What `retic.trace()` records into: recordings in files or in memory, and what programs ask of them.

use crate::lens::book::{Life, Moment};
use crate::lens::report::{self, Style};
use crate::lens::{Book, Lang, Writer, why};
use crate::recording::{Kept, Mine, Recording};
use retic_events::Sink;
use retic_runtime::lens::{Answer, LifeTold, Place, Question, Recordings};
use retic_system::recordings;
use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;

/// One recording: where its bytes are, and the book made of them when somebody asked last.
struct One {
    path: Option<PathBuf>,
    bytes: Rc<RefCell<Vec<u8>>>,
    book: Option<(u64, Book)>,
}

/// Among the folders of the user's files: code that is in no file is the user's too.
const TEXTS: &str = "<string>";

/// The recordings of one interpreter, by number.
#[derive(Default)]
pub struct Inside(Vec<Option<One>>);

impl Recordings for Inside {
    fn begin(&mut self, path: Option<&str>, mine: &[String]) -> Result<(usize, Box<dyn Sink>), String> {
        let bytes = Rc::new(RefCell::new(Vec::new()));
        let kept = match path {
            Some(p) => Kept::file(p.as_ref()).map_err(|e| format!("can't write '{p}': {e}"))?,
            None => Kept::Memory(bytes.clone()),
        };
        let (texts, mine): (Vec<&String>, Vec<&String>) = mine.iter().partition(|m| *m == TEXTS);
        let folders = if mine.is_empty() { vec![PathBuf::from("/")] } else { mine.iter().map(|m| recordings::real(m.as_ref())).collect() };
        let mine = Mine { folders, texts: !texts.is_empty() };
        let writer = Writer::new(kept, "retic.trace()", Box::new(move |f| mine.has(f))).map_err(|e| e.to_string())?;
        self.0.push(Some(One { path: path.map(PathBuf::from), bytes, book: None }));
        Ok((self.0.len() - 1, Box::new(Recording::new(writer, Box::new(|_| ())))))
    }

    fn ask(&mut self, number: usize, question: Question) -> Result<Answer, String> {
        let one = self.0.get_mut(number).and_then(Option::as_mut).ok_or("there is no such recording")?;
        let book = one.book()?;
        match question {
            Question::Lives(name) => {
                let wanted = |l: &&Life| l.type_id != 0 && book.is_mine(own(book, &l.born)) && name.as_ref().is_none_or(|n| book.type_name(l.type_id) == n);
                Ok(Answer::Lives(book.lives.iter().filter(wanted).map(|l| told(book, l)).collect()))
            }
            Question::Tenants(address) => {
                Ok(Answer::Lives(book.lives.iter().filter(|l| l.address.wrapping_sub(u64::from(l.before)) == address || l.address == address).map(|l| told(book, l)).collect()))
            }
            Question::Words { words, lang, width } => {
                let style = Style { lang: Lang::of(&lang).ok_or_else(|| format!("the languages are 'en' and 'zh', not '{lang}'"))?, width, ..Style::default() };
                match words.split_first() {
                    Some((verb, [])) if verb == "report" => Ok(Answer::Text(report::report(book, &style))),
                    Some((verb, rest)) => why::ask(book, &style, verb, rest.first().map(String::as_str), None).map(Answer::Text),
                    None => Err("nothing was asked".to_string()),
                }
            }
        }
    }

    fn forget(&mut self, number: usize) {
        if let Some(one) = self.0.get_mut(number) {
            *one = None;
        }
    }
}

impl One {
    /// The book of what was recorded so far.
    fn book(&mut self) -> Result<&Book, String> {
        let held = match &self.path {
            Some(p) => recordings::read(p).map_err(|e| format!("can't read '{}': {e}", p.display()))?,
            None => std::mem::take(&mut *self.bytes.borrow_mut()),
        };
        let made = match &self.book {
            Some((n, _)) if *n == held.len() as u64 => Ok(()),
            _ => crate::lens::read(&held).map(|book| self.book = Some((held.len() as u64, book))),
        };
        if self.path.is_none() {
            *self.bytes.borrow_mut() = held;
        }
        made?;
        self.book.as_ref().map(|(_, b)| b).ok_or_else(|| "there is no recording".to_string())
    }
}

/// The site of a moment in the user's own code, if it was in what that called.
fn own(book: &Book, m: &Moment) -> u32 {
    if book.is_mine(m.site) { m.site } else { m.mine }
}

fn place(book: &Book, m: &Moment) -> Place {
    let site = own(book, m);
    Place {
        step: m.step,
        file: book.file(site).to_string(),
        line: book.line(site),
        op: book.instruction(site).map_or("", |(op, _)| op.name()).to_string(),
        by: book.name(m.by).to_string(),
    }
}

fn told(book: &Book, l: &Life) -> LifeTold {
    LifeTold {
        serial: l.serial,
        type_name: if l.type_id == 0 { "buffer".to_string() } else { book.type_name(l.type_id).to_string() },
        address: l.address,
        size: l.size,
        tenant: l.tenant,
        born: place(book, &l.born),
        died: l.death.as_ref().map(|d| (place(book, &d.at), why::death(book, l, Lang::En))),
    }
}
