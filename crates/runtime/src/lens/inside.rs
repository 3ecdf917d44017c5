//! Recording from inside a program: `retic.trace()`. All code changes to the copy of the handlers that tells the recorder, and
//! back. What takes the events, and answers questions about them, is not the runtime's: it is behind [`Recordings`].

use super::{Wanted, settle};
use crate::cx::{Cx, PyResult};
use crate::eval::use_machine;
use retic_events::Sink;

/// Where something happened: line 0 where in no code.
pub struct Place {
    pub step: u64,
    pub file: String,
    pub line: u32,
    /// The instruction, and the native callable that ran.
    pub op: String,
    pub by: String,
}

/// A life, as a program is told of it.
pub struct LifeTold {
    pub serial: u64,
    pub type_name: String,
    pub address: u64,
    /// Bytes.
    pub size: u64,
    /// From 1: so many lived at the address up to this one; 0: not known.
    pub tenant: u32,
    pub born: Place,
    /// Where it died, and why.
    pub died: Option<(Place, String)>,
}

/// What a program asks of its recording.
pub enum Question {
    /// Lives of a type, by name; `None`: of all.
    Lives(Option<String>),
    /// Who lived at an address, in order.
    Tenants(u64),
    /// `retic why WORDS`, or `report`.
    Words { words: Vec<String>, lang: String, width: usize },
}

pub enum Answer {
    Lives(Vec<LifeTold>),
    Text(String),
}

/// Recordings of one interpreter, by number.
pub trait Recordings {
    /// Begins one, in a file or in memory; its number and what takes its events. `mine`: folders of the user's files; empty: all
    /// but the library. Errors are sentences.
    fn begin(&mut self, path: Option<&str>, mine: &[String]) -> Result<(usize, Box<dyn Sink>), String>;
    /// Answers from what was recorded so far.
    fn ask(&mut self, number: usize, question: Question) -> Result<Answer, String>;
    /// Nobody asks for it any more.
    fn forget(&mut self, number: usize);
}

impl Cx {
    /// Begins to record the running program; the number of the recording.
    pub fn begin_inside(&mut self, path: Option<&str>, mine: &[String], wanted: Wanted) -> PyResult<usize> {
        if self.lens.recorder.borrow().is_some() {
            return Err(self.runtime_error("a recording is under way"));
        }
        let Some(mut face) = self.recordings.take() else { return Err(self.runtime_error("this program cannot be recorded")) };
        let begun = face.begin(path, mine);
        self.recordings = Some(face);
        let (number, sink) = begun.map_err(|e| self.runtime_error(&e))?;
        let mut ready = use_machine(self, true);
        if ready.is_ok() && self.lens.recorder.borrow().is_some() {
            // Another thread was first.
            ready = Err(self.runtime_error("a recording is under way"));
        } else if ready.is_err() {
            self.lens.set_on(false);
        }
        if let Err(r) = ready {
            if let Some(face) = &mut self.recordings {
                face.forget(number);
            }
            return Err(r);
        }
        self.begin_recording(sink, wanted);
        self.lens.inside.set(true);
        Ok(number)
    }
    /// Ends what `begin_inside` began.
    pub fn end_inside(&mut self) -> PyResult<()> {
        // One that somebody else began goes on.
        if !self.lens.inside.replace(false) {
            return Err(self.runtime_error("no recording of this program's own is under way"));
        }
        self.end_recording();
        use_machine(self, false)
    }
    /// Asks a recording that may still be under way.
    pub fn ask_recording(&mut self, number: usize, question: Question) -> PyResult<Answer> {
        if self.lens.is_recording() {
            settle(self);
        }
        if let Some(r) = self.lens.recorder.borrow_mut().as_mut() {
            r.show(self);
        }
        let Some(mut face) = self.recordings.take() else { return Err(self.runtime_error("there is no recording")) };
        let answer = face.ask(number, question);
        self.recordings = Some(face);
        answer.map_err(|e| self.runtime_error(&e))
    }
}
