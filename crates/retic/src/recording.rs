//! A recording as a file: the writer of `.lens` files with the sources of the user's files behind it.

use crate::bytecode::{Code, Const};
use crate::events::{Event, Sink};
use crate::lens::Writer;
use crate::lens::file::{Store, move_down};
use retic_system::recordings::{self, OpenFile};
use std::cell::RefCell;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// A recording under way: where its bytes go, and what is done when it ends.
pub struct Recording {
    writer: Option<Writer<Kept>>,
    /// The user's files, and what they are called in the recording.
    files: Vec<(String, String)>,
    /// Files below this folder are called by their way from there: a recording tells nobody where it was made.
    here: PathBuf,
    end: Option<End>,
}

/// Takes the number of bytes written, or what went wrong.
pub type End = Box<dyn FnOnce(Result<u64, String>)>;

/// A file, or memory.
pub enum Kept {
    File(OpenFile),
    Memory(Rc<RefCell<Vec<u8>>>),
}

impl Kept {
    /// A new file, or an old one made empty.
    pub fn file(path: &Path) -> std::io::Result<Kept> {
        OpenFile::create(path).map(Kept::File)
    }
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Kept::File(f) => f.write(bytes),
            Kept::Memory(m) => m.borrow_mut().write(bytes),
        }
    }
    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Kept::File(f) => f.flush(),
            Kept::Memory(_) => Ok(()),
        }
    }
}

/// Which files are the user's: those below some folders, and, where said so, texts that are in no file.
pub struct Mine {
    pub folders: Vec<PathBuf>,
    pub texts: bool,
}

impl Mine {
    /// Whether a file is.
    pub fn has(&self, file: &str) -> bool {
        if file.starts_with("/retic/lib/") || file.starts_with("<frozen") {
            return false;
        }
        if file.starts_with('<') {
            return self.texts && (file == "<string>" || file == "<stdin>");
        }
        let real = recordings::real(file.as_ref());
        self.folders.iter().any(|m| real.starts_with(m))
    }
}

impl Store for Kept {
    fn retain(&mut self, ranges: &[(u64, u64)]) -> std::io::Result<()> {
        match self {
            Kept::File(f) => {
                let left = move_down(f, ranges)?;
                f.cut(left)
            }
            Kept::Memory(m) => Store::retain(&mut *m.borrow_mut(), ranges),
        }
    }
}

/// Gives a code, and those that run inside of it, another file name.
fn call_it(code: &mut Code, name: &Rc<str>) {
    code.filename = name.clone();
    for c in &mut code.consts {
        if let Const::Code(inner) = c {
            call_it(Rc::make_mut(inner), name);
        }
    }
}

impl Sink for Recording {
    fn events(&mut self, events: &[Event]) {
        self.each(|w| w.events(events));
    }
    fn code(&mut self, id: u32, packed: &[u8], mine: bool) {
        let Some(mut code) = crate::bytecode::pack::read(packed).filter(|_| mine) else {
            return self.each(|w| w.code(id, packed, mine));
        };
        let file = code.filename.to_string();
        let shown = Path::new(&file).strip_prefix(&self.here).map_or_else(|_| file.clone(), |p| p.display().to_string());
        if !self.files.iter().any(|known| known.0 == file) {
            self.files.push((file, shown.clone()));
        }
        call_it(Rc::make_mut(&mut code), &shown.into());
        let packed = crate::bytecode::pack::write(&code).unwrap_or_default();
        self.each(|w| w.code(id, &packed, mine));
    }
    fn site(&mut self, id: u32, code: u32, offset: u32) {
        self.each(|w| w.site(id, code, offset));
    }
    fn type_name(&mut self, id: u32, name: &str) {
        self.each(|w| w.type_name(id, name));
    }
    fn name(&mut self, id: u32, text: &str) {
        self.each(|w| w.name(id, text));
    }
    fn printed(&mut self, bytes: &[u8]) {
        self.each(|w| w.printed(bytes));
    }
    fn is_mine(&self, file: &str) -> bool {
        self.writer.as_ref().is_some_and(|w| w.is_mine(file))
    }
    fn takes_packed(&self) -> bool {
        true
    }
    fn packed(&mut self, events: &[u8]) {
        self.each(|w| w.packed(events));
    }
    fn enough(&mut self, steps: u64, asked: u64) -> bool {
        self.writer.as_mut().is_some_and(|w| w.enough(steps, asked))
    }
    fn flush(&mut self) {
        self.each(Sink::flush);
    }
    fn finish(&mut self) {
        let Some(mut writer) = self.writer.take() else { return };
        for (file, shown) in std::mem::take(&mut self.files) {
            if let Ok(text) = recordings::read(file.as_ref()) {
                writer.source(&shown, &String::from_utf8_lossy(&text));
            }
        }
        let end = writer.end().map_err(|e| e.to_string());
        if let Some(act) = self.end.take() {
            act(end);
        }
    }
}

impl Recording {
    /// What `writer` takes, and at its end the sources; then `end` hears how that went.
    pub fn new(writer: Writer<Kept>, end: End) -> Recording {
        Recording { writer: Some(writer), files: Vec::new(), here: recordings::real(".".as_ref()), end: Some(end) }
    }
    fn each(&mut self, act: impl FnOnce(&mut Writer<Kept>)) {
        if let Some(w) = &mut self.writer {
            act(w);
        }
    }
}
