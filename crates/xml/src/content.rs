//! Elements, character data, references, instructions and comments.

use crate::dtd::{Attributes, Entity};
use crate::scan::{self, Cursor, Reference, Scan, Stop, is_char, is_space};
use crate::{Code, Event, Failure, Name, ParamEntities, Parser, Read, State, names};
use rustc_hash::FxHashMap;
use std::collections::HashSet;
use std::rc::Rc;

const XML_URI: &str = "http://www.w3.org/XML/1998/namespace";
const XMLNS_URI: &str = "http://www.w3.org/2000/xmlns/";

/// An open element.
pub(crate) struct Element {
    raw: Rc<str>,
    name: Name,
    /// Prefixes that it bound.
    bound: Vec<Option<String>>,
}

/// Which names mean what.
#[derive(Clone)]
pub(crate) struct Namespaces {
    separator: String,
    pub(crate) keep_prefixes: bool,
    /// By prefix ("" for none): what it was bound to, the last binding last. An empty name: bound to nothing.
    bindings: FxHashMap<String, Vec<Rc<str>>>,
}

impl Namespaces {
    pub(crate) fn new(separator: &str) -> Namespaces {
        let bindings = std::iter::once(("xml".to_string(), vec![XML_URI.into()])).collect();
        Namespaces { separator: separator.to_string(), keep_prefixes: false, bindings }
    }
    /// Those of an external entity: what its context says is bound.
    pub(crate) fn within(&self, context: &str) -> Namespaces {
        let mut out = Namespaces::new(&self.separator);
        out.keep_prefixes = self.keep_prefixes;
        for part in context.split('\u{c}') {
            if let Some((prefix, uri)) = part.split_once('=') {
                out.bindings.insert(prefix.to_string(), vec![uri.into()]);
            }
        }
        out
    }
    fn context(&self) -> Vec<String> {
        let mut out: Vec<String> = self.bindings.iter().filter_map(|(p, u)| u.last().map(|u| format!("{p}={u}"))).collect();
        out.sort();
        out
    }
    fn bind(&mut self, prefix: &str, uri: &str) -> Result<(), Code> {
        match prefix {
            "xmlns" => return Err(Code::ReservedPrefixXmlns),
            "xml" if uri != XML_URI => return Err(Code::ReservedPrefixXml),
            "xml" => {}
            _ if uri == XML_URI || uri == XMLNS_URI => return Err(Code::ReservedUri),
            "" => {}
            _ if uri.is_empty() => return Err(Code::UndeclaringPrefix),
            _ => {}
        }
        self.bindings.entry(prefix.to_string()).or_default().push(uri.into());
        Ok(())
    }
    fn unbind(&mut self, prefix: &str) {
        if let Some(list) = self.bindings.get_mut(prefix) {
            list.pop();
        }
    }
    /// A name with the namespace in front.
    fn full(&self, name: &str, is_attribute: bool, names: &mut names::Names) -> Result<Name, Code> {
        let (prefix, local) = match name.bytes().position(|b| b == b':') {
            Some(i) => (&name[..i], &name[i + 1..]),
            None => ("", name),
        };
        if prefix.is_empty() && is_attribute {
            return Ok(names.get(name));
        }
        let uri = self.bindings.get(prefix).and_then(|l| l.last()).filter(|u| !u.is_empty());
        match uri {
            Some(uri) if self.keep_prefixes && !prefix.is_empty() => Ok(names.get(&format!("{uri}{0}{local}{0}{prefix}", self.separator))),
            Some(uri) => Ok(names.get(&format!("{uri}{}{local}", self.separator))),
            None if prefix.is_empty() => Ok(names.get(name)),
            None => Err(Code::UnboundPrefix),
        }
    }
}

/// Names that were met, each once. A few are compared one by one.
enum Names<T> {
    Few(Vec<T>),
    Many(HashSet<T>),
}
impl<T: Eq + std::hash::Hash> Names<T> {
    fn new(most: usize) -> Names<T> {
        const FEW: usize = 16;
        if most <= FEW { Names::Few(Vec::with_capacity(most)) } else { Names::Many(HashSet::new()) }
    }
    /// False: it was there.
    fn insert(&mut self, name: T) -> bool {
        match self {
            Names::Few(list) if list.contains(&name) => false,
            Names::Few(list) => {
                list.push(name);
                true
            }
            Names::Many(set) => set.insert(name),
        }
    }
}

/// A start tag as it stands.
struct Tag<'a> {
    name: &'a str,
    attributes: Vec<Attribute<'a>>,
    empty: bool,
}
struct Attribute<'a> {
    at: usize,
    name: &'a str,
    value: &'a str,
    value_at: usize,
}

/// A name; with namespaces it has one colon at most, and not at its ends.
fn qualified<'a>(c: &mut Cursor<'a>, namespaces: bool) -> Scan<&'a str> {
    let from = c.at;
    let name = c.name();
    if namespaces {
        // What was read so far may be wrong before it is complete.
        let part = &c.text[from..c.at];
        let mut colons = part.bytes().enumerate().filter(|b| b.1 == b':').map(|b| b.0);
        match (colons.next(), colons.next()) {
            (Some(0), _) => return Err(Stop::Invalid(from)),
            (_, Some(second)) => return Err(Stop::Invalid(from + second)),
            (Some(one), _) if name.is_ok() && !part[one + 1..].starts_with(scan::is_name_start) => return Err(Stop::Invalid(from + one + 1)),
            _ => {}
        }
    }
    name
}

/// The text in the quotes of an attribute: no `<`, and every `&` a reference.
fn attribute_value<'a>(c: &mut Cursor<'a>) -> Scan<&'a str> {
    let quote = c.need()?;
    if quote != '"' && quote != '\'' {
        return c.invalid();
    }
    c.bump();
    let from = c.at;
    loop {
        c.plain();
        match c.need()? {
            q if q == quote => break,
            '<' => return c.invalid(),
            '&' => {
                c.bump();
                c.reference()?;
            }
            ch if !is_char(ch) => return c.invalid(),
            _ => c.bump(),
        }
    }
    let out = &c.text[from..c.at];
    c.bump();
    Ok(out)
}

/// A start tag from its name on.
fn tag<'a>(c: &mut Cursor<'a>, namespaces: bool) -> Scan<Tag<'a>> {
    let mut out = Tag { name: qualified(c, namespaces)?, attributes: Vec::new(), empty: false };
    loop {
        let spaced = c.space();
        match c.need()? {
            '>' => {
                c.bump();
                return Ok(out);
            }
            '/' => {
                c.bump();
                c.expect('>')?;
                out.empty = true;
                return Ok(out);
            }
            _ if !spaced => return c.invalid(),
            _ => {}
        }
        let at = c.at;
        let name = qualified(c, namespaces)?;
        c.space();
        c.expect('=')?;
        c.space();
        c.need()?;
        let value_at = c.at + 1;
        let value = attribute_value(c)?;
        out.attributes.push(Attribute { at, name, value, value_at });
    }
}

impl Parser {
    /// The very beginning of a document or an entity: a declaration, if there is one.
    pub(crate) fn begin(&mut self) -> Read<bool> {
        let (text, at) = self.current();
        let c = Cursor::new(&text, at);
        const BEGIN: &str = "<?xml";
        let rest = c.rest();
        let waits = !self.is_final && self.bad_bytes.is_none();
        if rest.is_empty() && waits || waits && rest.len() <= BEGIN.len() && BEGIN.starts_with(rest) {
            return if rest.is_empty() { Ok(false) } else { Err(Stop::Partial.into()) };
        }
        if !rest.starts_with(BEGIN) || !rest[BEGIN.len()..].starts_with(is_space) {
            self.state = self.after_begin;
            if self.state == State::Prolog && self.foreign_dtd && self.param_entities != ParamEntities::Never {
                self.use_foreign_dtd();
            }
            return Ok(true);
        }
        let mut c = c;
        c.at += BEGIN.len();
        let inside = match c.until("?>") {
            Ok(t) => t,
            Err(Stop::Invalid(i)) => return Err(Failure::At(Code::InvalidToken, i - at)),
            Err(stop) => return Err(stop.into()),
        };
        let bad = if self.is_entity { Code::TextDecl } else { Code::XmlDecl };
        let event = declaration(inside, self.is_entity).map_err(|i| Failure::At(bad, BEGIN.len() + i))?;
        if let Event::XmlDecl { encoding: Some(name), standalone, .. } = &event {
            let wide = |e: &Option<crate::Encoding>| matches!(e, Some(crate::Encoding::Utf16 { .. }));
            let said = crate::decode::known(name);
            if self.decoder.forced.is_none() && said.is_some() && wide(&said) != wide(&self.decoder.encoding) {
                let i = inside.find(name.as_str()).unwrap_or(0);
                return Err(Failure::At(Code::IncorrectEncoding, BEGIN.len() + i));
            }
            self.dtd.borrow_mut().standalone |= *standalone == 1;
        } else if let Event::XmlDecl { standalone: 1, .. } = &event {
            self.dtd.borrow_mut().standalone = true;
        }
        let end = c.at;
        self.tell(event, &text[at..end]);
        self.advance(end - at);
        self.state = self.after_begin;
        if self.state == State::Prolog && self.foreign_dtd && self.param_entities != ParamEntities::Never {
            self.use_foreign_dtd();
        }
        Ok(true)
    }

    /// The reader supplies a document type where the document has none, or beside it.
    fn use_foreign_dtd(&mut self) {
        self.dtd.borrow_mut().has_references = true;
    }

    /// Before the root element and behind it.
    pub(crate) fn prolog(&mut self) -> Read<bool> {
        let (text, at) = self.current();
        let mut c = Cursor::new(&text, at);
        if c.is_at_end() {
            return self.at_end();
        }
        if c.space() {
            self.tell(Event::Other, &text[at..c.at]);
            self.advance(c.at - at);
            return Ok(true);
        }
        let after = self.state == State::Epilog;
        if !c.take('<') {
            let ch = c.need()?;
            return match ch {
                _ if scan::is_name(ch) && !after => {
                    // A word: what ends it must be able to.
                    while c.peek().is_some_and(scan::is_name) {
                        c.bump();
                    }
                    match c.peek() {
                        Some(end) if !is_space(end) && !"%>),|[?*+".contains(end) => c.invalid().map_err(|s| relative(s.into(), at)),
                        _ => Err(Failure::Code(Code::Syntax)),
                    }
                }
                _ if scan::is_name(ch) || matches!(ch, '"' | '\'' | '#' | '%' | '(' | ')' | '[' | ']' | ',' | '|' | '>') => {
                    Err(Failure::Code(if after { Code::JunkAfterDocument } else { Code::Syntax }))
                }
                _ => Err(Stop::Invalid(at).into()).map_err(|f| relative(f, at)),
            };
        }
        let done = match c.need() {
            Ok('?') => self.instruction(&text, at),
            Ok('!') => {
                c.bump();
                match c.need() {
                    Ok('-') => self.comment(&text, at),
                    Ok(ch) if ch.is_ascii_alphabetic() && after => Err(Failure::Code(Code::JunkAfterDocument)),
                    Ok(ch) if ch.is_ascii_alphabetic() => self.doctype(&text, at),
                    Ok(_) => c.invalid().map_err(Failure::from),
                    Err(stop) => Err(stop.into()),
                }
            }
            Ok(ch) if scan::is_name_start(ch) => {
                if after {
                    return Err(Failure::Code(Code::JunkAfterDocument));
                }
                if self.foreign_dtd && !self.doctype_seen && self.param_entities != ParamEntities::Never {
                    self.doctype_seen = true;
                    self.tell(Event::ExternalEntity { context: None, system: None, public: None }, "");
                    return Ok(true);
                }
                self.state = State::Content;
                return Ok(true);
            }
            Ok(_) => c.invalid().map_err(Failure::from),
            Err(stop) => Err(stop.into()),
        };
        done.map_err(|f| relative(f, at))
    }

    /// One token of an element's content.
    pub(crate) fn content(&mut self) -> Read<bool> {
        let (text, at) = self.current();
        if at >= text.len() {
            return self.at_end();
        }
        self.content_token(&text, at).map_err(|f| relative(f, at))
    }

    fn content_token(&mut self, text: &str, at: usize) -> Read<bool> {
        let mut c = Cursor::new(text, at);
        // More of the document may follow what is at hand.
        let open_ended = self.sources.is_empty() && (!self.is_final || self.bad_bytes.is_some());
        match c.need()? {
            '<' => {
                c.bump();
                match c.need()? {
                    '/' => self.end_tag(text, at),
                    '?' => self.instruction(text, at),
                    '!' => {
                        c.bump();
                        if c.need()? == '-' {
                            return self.comment(text, at);
                        }
                        c.expect_word("[CDATA[")?;
                        self.tell(Event::StartCdata, &text[at..c.at]);
                        self.advance(c.at - at);
                        self.state = State::Cdata;
                        Ok(true)
                    }
                    _ => self.start_tag(text, at),
                }
            }
            '&' => {
                c.bump();
                let reference = c.reference()?;
                let raw = &text[at..c.at];
                self.advance(c.at - at);
                self.reference(reference, raw)?;
                Ok(true)
            }
            '\r' | '\n' => {
                let carriage = c.take('\r');
                if carriage && c.is_at_end() && open_ended {
                    return Err(Stop::Partial.into());
                }
                c.take('\n');
                self.tell(Event::Text("\n".into()), &text[at..c.at]);
                self.advance(c.at - at);
                Ok(true)
            }
            _ => {
                let rest = self.piece(c.rest(), "]]>".len());
                let n = rest.bytes().position(|b| matches!(b, b'<' | b'&' | b'\r' | b'\n')).unwrap_or(rest.len());
                let mut part = &rest[..n];
                if let Some(i) = scan::first_unfit(part) {
                    if i == 0 {
                        return c.invalid().map_err(Failure::from);
                    }
                    part = &part[..i];
                }
                if part.contains(']')
                    && let Some(i) = part.find("]]>")
                {
                    if i == 0 {
                        return Err(Stop::Invalid(at + 2).into());
                    }
                    part = &part[..i];
                }
                if part.len() == c.rest().len() && open_ended {
                    // The end of a CDATA section may be half there.
                    let kept = part.len() - part.trim_end_matches(']').len();
                    part = &part[..part.len() - kept.min(2)];
                    if part.is_empty() {
                        return Err(Stop::Partial.into());
                    }
                }
                let part = self.piece(part, 0);
                self.tell(Event::Text(part.to_string()), part);
                self.advance(part.len());
                Ok(true)
            }
        }
    }

    /// Text that had to be converted is handed on in pieces; `more`: bytes that are looked at beyond one.
    fn piece<'a>(&self, part: &'a str, more: usize) -> &'a str {
        const PIECE_BYTES: usize = 1024;
        if part.len() <= PIECE_BYTES + more || self.decoder.encoding == Some(crate::Encoding::Utf8) || !self.sources.is_empty() {
            return part;
        }
        &part[..part.floor_char_boundary(PIECE_BYTES + more)]
    }

    /// A reference in content.
    fn reference(&mut self, reference: Reference<'_>, raw: &str) -> Read<()> {
        let name = match reference {
            Reference::Char(None) => return Err(Failure::Code(Code::BadCharRef)),
            Reference::Char(Some(c)) => {
                self.tell(Event::Text(c.to_string()), raw);
                return Ok(());
            }
            Reference::Entity(name) => name,
        };
        if let Some(c) = scan::predefined(name) {
            self.tell(Event::Text(c.to_string()), raw);
            return Ok(());
        }
        let found = self.dtd.borrow().entities.get(name).cloned();
        match found {
            None if self.dtd.borrow().must_declare() => Err(Failure::Code(Code::UndefinedEntity)),
            None => {
                self.tell(Event::Skipped { name: name.to_string(), parameter: false }, raw);
                Ok(())
            }
            Some(entity) if self.dtd.borrow().must_declare() && self.dtd.borrow().standalone && entity.outside => Err(Failure::Code(Code::EntityDeclaredInPe)),
            Some(Entity { notation: Some(_), .. }) => Err(Failure::Code(Code::BinaryEntity)),
            Some(Entity { text: Some(text), open, .. }) => {
                if open {
                    return Err(Failure::Code(Code::RecursiveEntity));
                }
                if !self.expand {
                    self.tell(Event::Skipped { name: name.to_string(), parameter: false }, raw);
                    return Ok(());
                }
                self.open_entity(name, false, text)
            }
            Some(entity) => {
                let mut context = self.namespaces.as_ref().map(Namespaces::context).unwrap_or_default();
                context.push(name.to_string());
                self.tell(Event::ExternalEntity { context: Some(context.join("\u{c}")), system: entity.system, public: entity.public }, raw);
                Ok(())
            }
        }
    }

    /// The inside of a CDATA section.
    pub(crate) fn cdata(&mut self) -> Read<bool> {
        let (text, at) = self.current();
        let c = Cursor::new(&text, at);
        let rest = c.rest();
        let open_ended = self.sources.is_empty() && (!self.is_final || self.bad_bytes.is_some());
        if rest.is_empty() {
            return if self.sources.is_empty() { self.at_end() } else { Err(Failure::Code(Code::UnclosedCdata)) };
        }
        if rest.starts_with("]]>") {
            self.tell(Event::EndCdata, "]]>");
            self.advance(3);
            self.state = State::Content;
            return Ok(true);
        }
        if rest.starts_with(['\r', '\n']) {
            let n = if rest.starts_with("\r\n") { 2 } else { 1 };
            if rest == "\r" && open_ended {
                return Err(Stop::Partial.into());
            }
            self.tell(Event::Text("\n".into()), &rest[..n]);
            self.advance(n);
            return Ok(true);
        }
        if open_ended && "]]".starts_with(rest) {
            return Err(Stop::Partial.into());
        }
        // Every bracket begins a piece of its own.
        let first = rest.chars().next().map_or(0, char::len_utf8);
        let window = self.piece(rest, "]]>".len());
        let n = window[first..].find(['\r', '\n', ']']).map_or(window.len(), |i| first + i);
        let mut part = &window[..n];
        if let Some(i) = part.find(|ch| !is_char(ch)) {
            if i == 0 {
                return Err(Failure::At(Code::InvalidToken, 0));
            }
            part = &part[..i];
        }
        if part.len() == rest.len() && open_ended {
            let kept = part.len() - part.trim_end_matches(']').len();
            part = &part[..part.len() - kept.min(2)];
        }
        if part.is_empty() {
            return if open_ended { Err(Stop::Partial.into()) } else { Err(Failure::Code(Code::UnclosedCdata)) };
        }
        let part = self.piece(part, 0);
        self.tell(Event::Text(part.to_string()), part);
        self.advance(part.len());
        Ok(true)
    }

    /// `<?target data?>` at `at`.
    pub(crate) fn instruction(&mut self, text: &str, at: usize) -> Read<bool> {
        let mut c = Cursor::new(text, at + 2);
        let target = c.name()?;
        let name_end = c.at;
        if c.peek().is_some_and(|ch| !is_space(ch) && ch != '?') {
            return c.invalid().map_err(Failure::from);
        }
        c.space();
        let data = if name_end == c.at {
            c.expect_word("?>")?;
            ""
        } else {
            c.until("?>")?
        };
        if target.eq_ignore_ascii_case("xml") {
            return Err(if target == "xml" { Failure::Code(Code::MisplacedXmlDecl) } else { Failure::Stop(Stop::Invalid(at + 2)) });
        }
        self.tell(Event::Instruction { target: target.to_string(), data: scan::unify_lines(data) }, &text[at..c.at]);
        self.advance(c.at - at);
        Ok(true)
    }

    /// `<!--text-->` at `at`.
    pub(crate) fn comment(&mut self, text: &str, at: usize) -> Read<bool> {
        let mut c = Cursor::new(text, at);
        c.expect_word("<!--")?;
        let inside = c.until("--")?;
        c.expect('>')?;
        self.tell(Event::Comment(scan::unify_lines(inside)), &text[at..c.at]);
        self.advance(c.at - at);
        Ok(true)
    }

    fn end_tag(&mut self, text: &str, at: usize) -> Read<bool> {
        let mut c = Cursor::new(text, at + 2);
        let name = c.name()?;
        c.space();
        c.expect('>')?;
        let level = self.sources.last().map_or(0, |s| s.depth);
        if self.open.len() <= level {
            return Err(Failure::Code(Code::AsyncEntity));
        }
        if self.open.last().is_none_or(|e| &*e.raw != name) {
            return Err(Failure::At(Code::TagMismatch, 2));
        }
        self.tell_end(&text[at..c.at]);
        self.advance(c.at - at);
        Ok(true)
    }

    /// Closes the innermost element.
    fn tell_end(&mut self, raw: &str) {
        let Some(element) = self.open.pop() else { return };
        self.tell(Event::End(element.name), raw);
        for prefix in element.bound.into_iter().rev() {
            if let Some(n) = &mut self.namespaces {
                n.unbind(prefix.as_deref().unwrap_or(""));
            }
            self.tell(Event::EndNamespace { prefix }, "");
        }
        if self.open.is_empty() && !self.is_entity {
            self.state = State::Epilog;
        }
    }

    fn start_tag(&mut self, text: &str, at: usize) -> Read<bool> {
        let mut c = Cursor::new(text, at + 1);
        let tag = tag(&mut c, self.namespaces.is_some())?;
        let end = c.at;
        let defaults: Rc<Attributes> = self.dtd.borrow().elements.get(tag.name).cloned().unwrap_or_default();
        let mut written: Vec<(&str, String, usize)> = Vec::with_capacity(tag.attributes.len());
        let mut names = Names::new(tag.attributes.len() + defaults.list.len());
        for a in &tag.attributes {
            if !names.insert(a.name) {
                return Err(Failure::At(Code::DuplicateAttribute, a.at - at));
            }
            let is_cdata = defaults.cdata.get(a.name).is_none_or(|d| *d);
            let value = self.attribute(a.value, is_cdata, a.value_at - at)?;
            written.push((a.name, value, a.at - at));
        }
        let specified = written.len();
        for d in &defaults.list {
            if let Some(value) = d.value.as_ref().filter(|_| names.insert(&d.name)) {
                written.push((&d.name, value.to_string(), 0));
            }
        }
        let raw = &text[at..end];
        let mut bound = Vec::new();
        let mut specified_left = specified;
        let (name, attributes) = match self.namespaces.take() {
            None => {
                let mut kept = self.names.borrow_mut();
                (kept.get(tag.name), written.into_iter().map(|w| (kept.get(w.0), w.1)).collect())
            }
            Some(mut spaces) => {
                let named = resolve(&mut spaces, tag.name, written, specified, &mut bound, &mut specified_left, &mut self.names.borrow_mut());
                self.namespaces = Some(spaces);
                for (prefix, uri) in &bound {
                    let uri = Some(uri.clone()).filter(|u| !u.is_empty());
                    self.tell(Event::StartNamespace { prefix: prefix.clone(), uri }, "");
                }
                named?
            }
        };
        // Without a namespace both names are one.
        let raw_name = if *name.text == *tag.name { name.text.clone() } else { tag.name.into() };
        self.open.push(Element { raw: raw_name, name: name.clone(), bound: bound.into_iter().map(|b| b.0).collect() });
        self.tell(Event::Start { name, attributes, specified: specified_left }, raw);
        self.advance(end - at);
        if tag.empty {
            let first = self.pending.len();
            self.tell_end("");
            // An empty element ends behind its tag.
            if self.sources.is_empty() {
                let at = self.document_at;
                self.pending.iter_mut().skip(first).for_each(|told| told.at = Some(at));
            }
        }
        Ok(true)
    }

    /// The value of an attribute: references replaced, white space normalised.
    pub(crate) fn attribute(&mut self, raw: &str, is_cdata: bool, at: usize) -> Read<String> {
        if is_cdata && !raw.bytes().any(|b| matches!(b, b'\r' | b'\n' | b'\t' | b'<' | b'&')) {
            return Ok(raw.to_string());
        }
        let mut out = String::with_capacity(raw.len());
        self.append_attribute(raw, at, &mut out, &mut Vec::new())?;
        if is_cdata {
            return Ok(out);
        }
        Ok(out.split(' ').filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" "))
    }

    fn append_attribute(&mut self, raw: &str, at: usize, out: &mut String, open: &mut Vec<String>) -> Read<()> {
        /// Entities within entities.
        const DEEPEST: usize = 200;
        let mut c = Cursor::new(raw, 0);
        while let Some(ch) = c.peek() {
            let here = if open.is_empty() { at + c.at } else { at };
            match ch {
                '\r' => {
                    c.bump();
                    c.take('\n');
                    out.push(' ');
                }
                '\n' | '\t' => {
                    c.bump();
                    out.push(' ');
                }
                '<' => return Err(Failure::At(Code::InvalidToken, here)),
                '&' => {
                    c.bump();
                    let name = match c.reference().map_err(|_| Failure::At(Code::InvalidToken, here))? {
                        Reference::Char(None) => return Err(Failure::At(Code::BadCharRef, here)),
                        Reference::Char(Some(ch)) => {
                            out.push(ch);
                            continue;
                        }
                        Reference::Entity(name) => name,
                    };
                    if let Some(ch) = scan::predefined(name) {
                        out.push(ch);
                        continue;
                    }
                    let found = self.dtd.borrow().entities.get(name).cloned();
                    match found {
                        None if self.dtd.borrow().must_declare() => return Err(Failure::Code(Code::UndefinedEntity)),
                        None => {}
                        Some(Entity { notation: Some(_), .. }) => return Err(Failure::At(Code::BinaryEntity, here)),
                        Some(Entity { text: Some(text), open: is_open, .. }) => {
                            if is_open || open.len() > DEEPEST || open.iter().any(|n| n == name) {
                                return Err(Failure::At(Code::RecursiveEntity, here));
                            }
                            self.amplify(text.len())?;
                            open.push(name.to_string());
                            self.append_attribute(&text, here, out, open)?;
                            open.pop();
                        }
                        Some(_) => return Err(Failure::At(Code::AttributeExternalEntity, here)),
                    }
                }
                _ => {
                    c.bump();
                    out.push(ch);
                }
            }
        }
        Ok(())
    }
}

/// An element's name and attributes.
type Named = (Name, Vec<(Name, String)>);

/// Names as those of namespaces: declarations are bound and taken out.
fn resolve(
    spaces: &mut Namespaces,
    element: &str,
    written: Vec<(&str, String, usize)>,
    specified: usize,
    bound: &mut Vec<(Option<String>, String)>,
    specified_left: &mut usize,
    kept: &mut names::Names,
) -> Read<Named> {
    let mut rest = Vec::with_capacity(written.len());
    for (i, (name, value, at)) in written.into_iter().enumerate() {
        let prefix = if name == "xmlns" { Some("") } else { name.strip_prefix("xmlns:") };
        let Some(prefix) = prefix else {
            rest.push((name, value, at));
            continue;
        };
        spaces.bind(prefix, &value).map_err(Failure::Code)?;
        bound.push((Some(prefix.to_string()).filter(|p| !p.is_empty()), value));
        if i < specified {
            *specified_left -= 1;
        }
    }
    let mut attributes: Vec<(Name, String)> = Vec::with_capacity(rest.len());
    let mut names = Names::new(rest.len());
    for (name, value, at) in rest {
        let full = spaces.full(name, true, kept).map_err(Failure::Code)?;
        if !names.insert(full.clone()) {
            return Err(Failure::At(Code::DuplicateAttribute, at));
        }
        attributes.push((full, value));
    }
    Ok((spaces.full(element, false, kept).map_err(Failure::Code)?, attributes))
}

/// Places counted from the token's beginning.
fn relative(f: Failure, at: usize) -> Failure {
    match f {
        Failure::Stop(Stop::Invalid(i) | Stop::Broken(i) | Stop::PublicId(i)) => Failure::Stop(Stop::Invalid(i.saturating_sub(at))),
        other => other,
    }
}

/// The inside of an XML or text declaration. An error: where it is not well-formed.
fn declaration(inside: &str, is_entity: bool) -> Result<Event, usize> {
    let mut c = Cursor::new(inside, 0);
    let (mut version, mut encoding, mut standalone) = (None, None, -1);
    let mut last = 0;
    loop {
        let spaced = c.space();
        if c.is_at_end() {
            break;
        }
        let from = c.at;
        while c.peek().is_some_and(|ch| ch.is_ascii() && ch != '=' && !is_space(ch)) {
            c.bump();
        }
        let name = &inside[from..c.at];
        c.space();
        if !spaced {
            return Err(from);
        }
        if !c.take('=') {
            return Err(c.at);
        }
        c.space();
        let value_at = c.at + 1;
        let value = c.literal().map_err(|_| c.at)?;
        if let Some(i) = value.find(|ch: char| !(ch.is_ascii_alphanumeric() || matches!(ch, '.' | '-' | '_'))) {
            return Err(value_at + i);
        }
        let order = match name {
            "version" => {
                version = Some(value.to_string());
                1
            }
            "encoding" => {
                if !value.starts_with(|ch: char| ch.is_ascii_alphabetic()) {
                    return Err(value_at);
                }
                encoding = Some(value.to_string());
                2
            }
            "standalone" if !is_entity => {
                standalone = match value {
                    "yes" => 1,
                    "no" => 0,
                    _ => return Err(value_at),
                };
                3
            }
            _ => return Err(from),
        };
        if order <= last || last == 0 && order != 1 && !is_entity {
            return Err(from);
        }
        last = order;
    }
    if is_entity && encoding.is_none() || !is_entity && version.is_none() {
        return Err(inside.len());
    }
    Ok(Event::XmlDecl { version, encoding, standalone })
}
