//! A parser of XML 1.0 that is fed piece by piece and does what Expat does: the same events in the same order, the same
//! places, the same errors. It is pulled: `feed` hands bytes over, `next_event` gives one event at a time, so that whoever reads
//! the events may do anything in between. Never here: Python objects.
#![forbid(unsafe_code)]

mod code;
mod content;
mod decode;
mod dtd;
mod names;
mod scan;

pub use code::Code;
pub use decode::Encoding;
pub use dtd::{Model, ModelKind};
pub use names::Name;

use content::{Element, Namespaces};
use decode::{Decoded, Decoder};
use dtd::{Dtd, Subset};
use rustc_hash::FxHashMap;
use scan::Stop;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

/// One thing that stands in a document.
#[derive(Debug, PartialEq)]
pub enum Event {
    /// `standalone` is -1 where nothing is said. A version is missing in text declarations.
    XmlDecl {
        version: Option<String>,
        encoding: Option<String>,
        standalone: i32,
    },
    /// Attributes that are written come first: `specified` of them. The rest are defaults.
    Start {
        name: Name,
        attributes: Vec<(Name, String)>,
        specified: usize,
    },
    End(Name),
    Text(String),
    Instruction {
        target: String,
        data: String,
    },
    Comment(String),
    StartCdata,
    EndCdata,
    StartNamespace {
        prefix: Option<String>,
        uri: Option<String>,
    },
    EndNamespace {
        prefix: Option<String>,
    },
    StartDoctype {
        name: String,
        system: Option<String>,
        public: Option<String>,
        internal: bool,
    },
    EndDoctype,
    ElementDecl {
        name: String,
        model: Model,
    },
    AttlistDecl {
        element: String,
        name: String,
        kind: String,
        default: Option<String>,
        required: bool,
    },
    EntityDecl {
        name: String,
        parameter: bool,
        value: Option<String>,
        system: Option<String>,
        public: Option<String>,
        notation: Option<String>,
    },
    UnparsedEntityDecl {
        name: String,
        system: Option<String>,
        public: Option<String>,
        notation: String,
    },
    NotationDecl {
        name: String,
        system: Option<String>,
        public: Option<String>,
    },
    /// A parsed entity outside of the document. Who handles it makes a parser of `context`.
    ExternalEntity {
        context: Option<String>,
        system: Option<String>,
        public: Option<String>,
    },
    /// An entity that is not expanded.
    Skipped {
        name: String,
        parameter: bool,
    },
    /// The document depends on what stands outside, and does not say that it stands alone.
    NotStandalone,
    /// Text of the document that is no other event: only default handlers hear of it.
    Other,
    /// A word of the beginning of a document type, for who does not hear of `StartDoctype`.
    DoctypeWord,
}

/// An event and the text that it was.
#[derive(Debug)]
pub struct Told {
    pub event: Event,
    /// Where it is wanted.
    pub raw: String,
    /// Its place, where that is another than that of the token: a byte of the document at hand.
    at: Option<usize>,
    /// Only if the external entity before it was read.
    if_read: bool,
}

/// A place in a document: bytes from its beginning, lines from 1, columns from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub byte: usize,
    pub line: usize,
    pub column: usize,
}

/// What is wrong, and where.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct XmlError {
    pub code: Code,
    pub place: Place,
}

/// Text that is being read: the document, or an entity within.
struct Source {
    text: Rc<str>,
    at: usize,
    /// The entity and whether it is a parameter entity; none: the document.
    entity: Option<(String, bool)>,
    /// Elements that were open when it began.
    depth: usize,
}

/// What may come next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The very beginning: only there a declaration may stand.
    Begin,
    Prolog,
    /// Between the brackets of a document type declaration.
    Subset,
    Content,
    Cdata,
    Epilog,
    /// The external subset, or a parameter entity outside.
    External,
    Done,
}

/// When parameter entities are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ParamEntities {
    Never,
    UnlessStandalone,
    Always,
}

/// A parser of one document, or of one entity outside of it.
pub struct Parser {
    decoder: Decoder,
    /// Encodings that the caller explained.
    maps: FxHashMap<String, Encoding>,
    wants_map: Option<String>,
    /// The document's text that is not read yet begins at `sources[0].at`.
    document: Rc<str>,
    document_at: usize,
    /// What follows the document at hand: it grows here while a token that is not whole waits for more of it.
    more: String,
    /// Entities that are being read, the innermost last.
    sources: Vec<Source>,
    state: State,
    /// The state behind `Begin`.
    after_begin: State,
    is_final: bool,
    finished: bool,
    bad_bytes: Option<Code>,
    /// The error that ended it.
    failed: Option<XmlError>,
    /// Each in a box: an event is too large to be moved from hand to hand.
    pending: VecDeque<Box<Told>>,
    open: Vec<Element>,
    /// Those of elements and attributes that were met, shared with the parsers of external entities.
    names: Rc<RefCell<names::Names>>,
    /// Open elements that do not belong to this entity: see `external`.
    namespaces: Option<Namespaces>,
    dtd: Rc<RefCell<Dtd>>,
    subset: Subset,
    /// Where the event that was told last, or the error, stands: a byte of the document at hand; and the place that was computed
    /// last, with what it was computed from.
    told_at: usize,
    place: Place,
    place_at: usize,
    /// Bytes of the document read, and of entities: see `Code::Amplification`.
    expanded: usize,
    fed: usize,
    /// The text of events is wanted.
    pub keep_raw: bool,
    /// And that of tags and of text.
    pub keep_raw_content: bool,
    /// Entities of the document are put in where they stand.
    pub expand: bool,
    pub param_entities: ParamEntities,
    pub foreign_dtd: bool,
    /// A token that was not whole is tried again only when there is much more of it.
    pub deferral: bool,
    tried: usize,
    /// An external entity: content, not a document.
    is_entity: bool,
    doctype_seen: bool,
}

impl Parser {
    /// A parser of a document in an encoding that the caller knows, or that the document names. With `separator` names are
    /// those of namespaces.
    pub fn new(encoding: Option<&str>, separator: Option<&str>) -> Parser {
        let decoder = Decoder { forced: encoding.map(str::to_string), ..Decoder::default() };
        Parser {
            decoder,
            maps: FxHashMap::default(),
            wants_map: None,
            document: "".into(),
            document_at: 0,
            more: String::new(),
            sources: Vec::new(),
            state: State::Begin,
            after_begin: State::Prolog,
            is_final: false,
            finished: false,
            bad_bytes: None,
            failed: None,
            pending: VecDeque::new(),
            open: Vec::new(),
            names: Rc::default(),
            namespaces: separator.map(Namespaces::new),
            dtd: Rc::default(),
            subset: Subset::default(),
            told_at: 0,
            place: Place { byte: 0, line: 1, column: 0 },
            place_at: 0,
            expanded: 0,
            fed: 0,
            keep_raw: false,
            keep_raw_content: true,
            expand: true,
            param_entities: ParamEntities::Never,
            foreign_dtd: false,
            deferral: true,
            tried: 0,
            is_entity: false,
            doctype_seen: false,
        }
    }

    /// A parser of an external entity of this document: of content, or (without a context) of declarations.
    pub fn external(&self, context: Option<&str>, encoding: Option<&str>) -> Parser {
        let mut p = Parser::new(encoding, None);
        p.namespaces = self.namespaces.as_ref().map(|n| n.within(context.unwrap_or("")));
        p.dtd = self.dtd.clone();
        p.names = self.names.clone();
        if context.is_none() {
            p.dtd.borrow_mut().read = true;
        }
        p.maps = self.maps.clone();
        p.is_entity = true;
        p.after_begin = if context.is_some() { State::Content } else { State::External };
        p.keep_raw = self.keep_raw;
        p.keep_raw_content = self.keep_raw_content;
        p.expand = self.expand;
        p.param_entities = self.param_entities;
        p.deferral = self.deferral;
        p
    }

    /// The encoding, which the caller must name before anything is read.
    pub fn force_encoding(&mut self, name: &str) {
        self.decoder.forced = Some(name.to_string());
    }
    /// Prefixes are part of names.
    pub fn keep_prefixes(&mut self, keep: bool) {
        if let Some(n) = &mut self.namespaces {
            n.keep_prefixes = keep;
        }
    }
    /// Where the event told last, or the error, stands.
    pub fn place(&mut self) -> Place {
        self.find_place();
        self.place
    }
    /// Computes where the event told last stands.
    fn find_place(&mut self) {
        self.move_place(self.told_at);
    }
    /// Whether nothing was read yet.
    pub fn is_fresh(&self) -> bool {
        self.fed == 0 && !self.is_final
    }
    /// The document's text that was not read yet, and where in it the event told last begins.
    pub fn context(&self) -> (&str, usize) {
        (&self.document, self.told_at.max(self.place_at))
    }

    /// Hands over more of the document. An error: the document ended already.
    pub fn feed(&mut self, data: &[u8], is_final: bool) -> Result<(), XmlError> {
        if let Some(e) = self.failed {
            return Err(e);
        }
        if self.finished {
            return Err(XmlError { code: Code::Finished, place: self.place() });
        }
        self.fed += data.len();
        self.is_final |= is_final;
        self.decoder.bytes.extend_from_slice(data);
        if self.must_wait() && self.decoder.encoding.is_some() && self.bad_bytes.is_none() {
            let mut more = std::mem::take(&mut self.more);
            let read = self.decoder.decode(&mut more, self.is_final);
            self.more = more;
            match read {
                Ok(_) if self.must_wait() => return Ok(()),
                Ok(_) => {}
                Err(code) => self.bad_bytes = Some(code),
            }
        }
        // What is read is dropped; places are counted on from here.
        self.move_place(self.document_at);
        let mut text = String::with_capacity(self.document.len() - self.document_at + self.more.len() + data.len());
        text.push_str(&self.document[self.document_at..]);
        text.push_str(&std::mem::take(&mut self.more));
        (self.document_at, self.place_at, self.told_at) = (0, 0, 0);
        self.read_bytes(text);
        Ok(())
    }

    /// Reads what bytes there are behind a text.
    fn read_bytes(&mut self, mut text: String) {
        if self.bad_bytes.is_some() {
            self.document = text.into();
            return;
        }
        let read = self.decoder.decode(&mut text, self.is_final);
        let mark = std::mem::take(&mut self.decoder.mark);
        if mark > 0 {
            // A byte order mark is a character of the first line.
            self.place.byte += mark;
            self.place.column += 1;
        }
        self.document = text.into();
        match read {
            Ok(Decoded::Text | Decoded::Wait) => {}
            Ok(Decoded::Unknown(name)) => match self.maps.get(&name) {
                Some(map) => {
                    self.decoder.encoding = Some(map.clone());
                    self.read_bytes(self.document.to_string());
                }
                None => self.wants_map = Some(name),
            },
            Err(code) => self.bad_bytes = Some(code),
        }
    }

    /// The name of an encoding that must be explained before it can go on.
    pub fn wanted_encoding(&self) -> Option<&str> {
        self.wants_map.as_deref()
    }
    /// Explains an encoding: a character for each byte, or nothing: it stays unknown.
    pub fn explain_encoding(&mut self, map: Option<Box<[Option<char>; 256]>>) -> Result<(), XmlError> {
        let Some(name) = self.wants_map.take() else { return Ok(()) };
        match map {
            Some(map) => {
                self.maps.insert(name, Encoding::Map(map.clone()));
                self.decoder.encoding = Some(Encoding::Map(map));
                self.read_bytes(self.document.to_string());
                Ok(())
            }
            None => {
                // The declaration itself can be read.
                let end = self.decoder.bytes.windows(2).position(|w| w == b"?>").unwrap_or(0);
                let before: String = self.decoder.bytes[..end].iter().map(|b| char::from(*b)).collect();
                let at = before.find(name.as_str()).unwrap_or(0);
                self.place = Place { byte: at, line: 1, column: at };
                Err(self.fail(Code::UnknownEncoding))
            }
        }
    }

    /// Ends it with an error at the place of the event told last; what was found behind that is told no more.
    pub fn fail(&mut self, code: Code) -> XmlError {
        self.pending.clear();
        self.fail_with(code)
    }
    fn fail_with(&mut self, code: Code) -> XmlError {
        self.find_place();
        let e = XmlError { code, place: self.place };
        self.failed = Some(e);
        e
    }
    /// Ends it with an error at a byte of the document that is at hand.
    fn fail_at(&mut self, code: Code, at: usize) -> XmlError {
        self.find_place();
        let before = (self.place, self.place_at, self.told_at);
        self.told_at = at.max(self.told_at);
        let e = self.fail_with(code);
        (self.place, self.place_at, self.told_at) = before;
        e
    }

    /// Moves the place to a byte of the document that is at hand.
    fn move_place(&mut self, at: usize) {
        let at = at.min(self.document.len());
        if at < self.place_at {
            return;
        }
        let part = &self.document[self.place_at..at];
        self.place.byte += self.decoder.width(part);
        // A line ends with either sign, or with both in their order.
        let bytes = part.as_bytes();
        let before = self.place_at.checked_sub(1).and_then(|i| self.document.as_bytes().get(i)).copied();
        let feeds = bytes.iter().filter(|b| **b == b'\n').count();
        let returns = bytes.iter().filter(|b| **b == b'\r').count();
        let pairs = if returns > 0 { bytes.windows(2).filter(|w| *w == b"\r\n").count() } else { 0 };
        let continued = usize::from(before == Some(b'\r') && bytes.first() == Some(&b'\n'));
        self.place.line += feeds + returns - pairs - continued;
        let last_line = bytes.iter().rposition(|b| matches!(b, b'\n' | b'\r')).map_or(0, |i| i + 1);
        if feeds + returns > continued {
            self.place.column = 0;
        }
        self.place.column += part[last_line..].chars().count();
        self.place_at = at;
    }

    /// The text that is read now, and where in it.
    fn current(&self) -> (Rc<str>, usize) {
        self.sources.last().map_or_else(|| (self.document.clone(), self.document_at), |s| (s.text.clone(), s.at))
    }

    /// The next event. `None`: all that was fed is read; more is needed, or it has ended.
    pub fn next_event(&mut self) -> Result<Option<Box<Told>>, XmlError> {
        loop {
            if let Some(told) = self.pending.pop_front() {
                if told.if_read && !self.dtd.borrow_mut().was_read(told.event == Event::NotStandalone) {
                    continue;
                }
                if let Some(at) = told.at {
                    self.told_at = at.max(self.told_at);
                }
                return Ok(Some(told));
            }
            if let Some(e) = self.failed {
                (self.place, self.told_at) = (e.place, self.place_at);
                return Err(e);
            }
            if self.finished || self.wants_map.is_some() && self.document_at >= self.document.len() {
                return Ok(None);
            }
            if self.sources.is_empty() && self.must_wait() {
                return Ok(None);
            }
            // What was found before an error is told before it.
            if !self.step().unwrap_or(true) {
                if self.pending.is_empty() {
                    return Ok(None);
                }
            } else if self.sources.is_empty() {
                self.tried = 0;
            }
        }
    }

    /// A token that was not whole is left alone until there is twice as much of it (Expat's reparse deferral).
    fn must_wait(&self) -> bool {
        let left = self.document.len() - self.document_at + self.more.len();
        self.deferral && !self.is_final && self.tried > 0 && left < 2 * self.tried
    }

    /// Puts an event in line.
    fn tell(&mut self, event: Event, raw: &str) {
        let wanted = self.keep_raw && (self.keep_raw_content || !matches!(event, Event::Start { .. } | Event::End(_) | Event::Text(_)));
        let raw = if wanted { raw.to_string() } else { String::new() };
        self.pending.push_back(Box::new(Told { event, raw, at: None, if_read: false }));
    }

    /// As `tell`, of something that stands at a byte of the text that is read.
    fn tell_at(&mut self, event: Event, raw: &str, at: usize) {
        self.tell(event, raw);
        if self.sources.is_empty()
            && let Some(told) = self.pending.back_mut()
        {
            told.at = Some(at);
        }
    }

    /// Moves on in the text that is read.
    fn advance(&mut self, bytes: usize) {
        match self.sources.last_mut() {
            Some(s) => s.at += bytes,
            None => self.document_at += bytes,
        }
    }

    /// Reads one token. False: nothing can be read now.
    fn step(&mut self) -> Result<bool, XmlError> {
        if self.sources.is_empty() {
            self.told_at = self.document_at.max(self.told_at);
        }
        let done = match self.state {
            State::Begin => self.begin(),
            State::Prolog | State::Epilog => self.prolog(),
            State::Subset | State::External => self.declaration(),
            State::Content => self.content(),
            State::Cdata => self.cdata(),
            State::Done => Ok(false),
        };
        match done {
            Ok(done) => Ok(done),
            Err(Failure::Stop(Stop::Partial)) => self.partial(),
            Err(Failure::Stop(Stop::Invalid(at) | Stop::Broken(at) | Stop::PublicId(at))) => {
                let at = if self.sources.is_empty() { self.document_at + at } else { self.told_at };
                Err(self.fail_at(Code::InvalidToken, at))
            }
            Err(Failure::Code(code)) => Err(self.fail_with(code)),
            Err(Failure::At(code, at)) => {
                let at = if self.sources.is_empty() { self.document_at + at } else { self.told_at };
                Err(self.fail_at(code, at))
            }
        }
    }

    /// The text ended within a token.
    fn partial(&mut self) -> Result<bool, XmlError> {
        if !self.sources.is_empty() {
            return Err(self.fail_with(Code::UnclosedToken));
        }
        if let Some(code) = self.bad_bytes {
            let end = self.document.len();
            return Err(self.fail_at(code, end));
        }
        if self.is_final {
            let (code, at) = self.unfinished();
            return Err(self.fail_at(code, at));
        }
        // Where something was read of what was fed, more is tried at once.
        self.tried = if self.document_at == 0 { self.document.len() } else { 0 };
        Ok(false)
    }

    /// What is wrong with a token that has no end, and where: a declaration is many tokens.
    fn unfinished(&self) -> (Code, usize) {
        let from = self.document_at;
        let rest = &self.document[from..];
        if !matches!(self.state, State::Prolog | State::Subset | State::External) || !rest.starts_with("<!") || rest.starts_with("<!-") || rest.starts_with("<![") {
            return (Code::UnclosedToken, from);
        }
        let mut quote = None;
        for (i, c) in rest.char_indices() {
            quote = match quote {
                Some((q, _)) if q == c => None,
                None if c == '"' || c == '\'' => Some((c, i)),
                other => other,
            };
        }
        match quote {
            Some((_, i)) => (Code::UnclosedToken, from + i),
            None if rest.len() <= 2 => (Code::UnclosedToken, from),
            None => (Code::NoElements, self.document.len()),
        }
    }

    /// All text is read. In the document: whether it may end here.
    fn at_end(&mut self) -> Result<bool, Failure> {
        if let Some(source) = self.sources.last() {
            if source.depth != self.open.len() && !source.entity.as_ref().is_some_and(|e| e.1) {
                return Err(Failure::Code(Code::AsyncEntity));
            }
            if let Some(source) = self.sources.pop()
                && let Some((name, parameter)) = source.entity
            {
                self.dtd.borrow_mut().close_entity(&name, parameter);
            }
            return Ok(true);
        }
        if let Some(code) = self.bad_bytes {
            return Err(Failure::Code(code));
        }
        if !self.is_final {
            return Ok(false);
        }
        let whole = match self.state {
            State::Epilog | State::External => true,
            State::Content => self.is_entity && self.open.is_empty(),
            State::Begin => self.is_entity,
            _ => false,
        };
        if !whole {
            let code = match self.state {
                State::Content if self.is_entity => Code::AsyncEntity,
                State::Cdata => Code::UnclosedCdata,
                _ => Code::NoElements,
            };
            return Err(Failure::Code(code));
        }
        self.finished = true;
        self.state = State::Done;
        Ok(false)
    }

    /// Begins to read an entity's text. Refused where it is being read already, or where a document of this size has grown out
    /// of all proportion.
    fn open_entity(&mut self, name: &str, parameter: bool, text: Rc<str>) -> Result<(), Failure> {
        self.amplify(text.len())?;
        if !self.dtd.borrow_mut().open_entity(name, parameter) {
            return Err(Failure::Code(Code::RecursiveEntity));
        }
        self.sources.push(Source { text, at: 0, entity: Some((name.to_string(), parameter)), depth: self.open.len() });
        Ok(())
    }
    fn amplify(&mut self, bytes: usize) -> Result<(), Failure> {
        const ALLOWED_BYTES: usize = 8 << 20;
        const FACTOR: usize = 100;
        self.expanded += bytes;
        let all = self.fed + self.expanded;
        if all > ALLOWED_BYTES && all / self.fed.max(1) > FACTOR {
            return Err(Failure::Code(Code::Amplification));
        }
        Ok(())
    }
}

/// Why a token could not be read.
enum Failure {
    Stop(Stop),
    /// At the place of the token.
    Code(Code),
    /// At so many bytes behind the token's beginning.
    At(Code, usize),
}
impl From<Stop> for Failure {
    fn from(stop: Stop) -> Failure {
        Failure::Stop(stop)
    }
}
type Read<T> = Result<T, Failure>;
