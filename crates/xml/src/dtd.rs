//! Document types: what is declared of elements, attributes, entities and notations.

use crate::scan::{self, Cursor, Reference, Scan, Stop, is_char, is_name, is_space};
use crate::{Code, Event, Failure, ParamEntities, Parser, Read, Source, State};
use rustc_hash::FxHashMap;
use std::collections::HashMap;
use std::rc::Rc;

/// What `ELEMENT` allows inside of an element; the numbers are Expat's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelKind {
    Empty = 1,
    Any = 2,
    Mixed = 3,
    Name = 4,
    Choice = 5,
    Seq = 6,
}

/// A content model. `quantifier`: 0 once, 1 `?`, 2 `*`, 3 `+`. It may be as deep as the document likes.
#[derive(Debug, PartialEq)]
pub struct Model {
    pub kind: ModelKind,
    pub quantifier: u8,
    pub name: Option<String>,
    pub children: Vec<Model>,
}

impl Drop for Model {
    fn drop(&mut self) {
        let mut rest = std::mem::take(&mut self.children);
        while let Some(mut m) = rest.pop() {
            rest.append(&mut m.children);
        }
    }
}

/// An entity that was declared.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entity {
    /// What it stands for, if that was said.
    pub text: Option<Rc<str>>,
    pub system: Option<String>,
    pub public: Option<String>,
    /// Of one that is not parsed.
    pub notation: Option<String>,
    /// It is being read.
    pub open: bool,
    /// Declared outside of the document, or in a parameter entity.
    pub outside: bool,
}

/// An attribute that was declared.
#[derive(Clone, Debug)]
pub(crate) struct AttributeDefault {
    pub name: Rc<str>,
    pub value: Option<Rc<str>>,
}

/// The attributes of an element, in the order of their declarations.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attributes {
    pub list: Vec<AttributeDefault>,
    /// Whether they are CDATA, by name.
    pub cdata: HashMap<Rc<str>, bool>,
}

/// All that was declared.
#[derive(Default)]
pub(crate) struct Dtd {
    pub entities: FxHashMap<String, Entity>,
    parameters: FxHashMap<String, Entity>,
    pub elements: FxHashMap<String, Rc<Attributes>>,
    pub standalone: bool,
    /// There are parameter entities or an external subset: declarations may be elsewhere.
    pub has_references: bool,
    /// Something was not read: what is declared behind it must not be believed.
    ignores: bool,
    /// An external subset or parameter entity was read since this was asked.
    pub read: bool,
}

impl Dtd {
    /// Whether an entity that is not declared is an error.
    pub fn must_declare(&self) -> bool {
        !self.has_references || self.standalone
    }
    /// Whether what stands outside was read. If not, what follows must not be believed.
    pub fn was_read(&mut self, ask: bool) -> bool {
        let read = std::mem::take(&mut self.read);
        if !read && ask {
            self.ignores = !self.standalone;
        }
        read
    }
    fn table(&mut self, parameter: bool) -> &mut FxHashMap<String, Entity> {
        if parameter { &mut self.parameters } else { &mut self.entities }
    }
    /// False: it is open already.
    pub fn open_entity(&mut self, name: &str, parameter: bool) -> bool {
        self.table(parameter).get_mut(name).is_none_or(|e| !std::mem::replace(&mut e.open, true))
    }
    pub fn close_entity(&mut self, name: &str, parameter: bool) {
        if let Some(e) = self.table(parameter).get_mut(name) {
            e.open = false;
        }
    }
}

/// The document type that is being read.
#[derive(Default)]
pub(crate) struct Subset {
    system: Option<String>,
    public: Option<String>,
    external: bool,
    /// `INCLUDE` sections that are open.
    included: usize,
}

/// `SYSTEM "s"`, `PUBLIC "p" "s"` or, for notations, `PUBLIC "p"`: public and system identifier.
fn external_id(c: &mut Cursor<'_>, short: bool) -> Scan<(Option<String>, Option<String>)> {
    if c.need()? == 'S' {
        c.expect_word("SYSTEM")?;
        c.need_space()?;
        return Ok((None, Some(c.quoted()?.to_string())));
    }
    c.expect_word("PUBLIC")?;
    c.need_space()?;
    let public = c.public_id()?;
    let before = c.at;
    let spaced = c.space();
    if c.need()? == '>' && short {
        c.at = before;
        return Ok((Some(public), None));
    }
    if !spaced {
        return c.invalid();
    }
    Ok((Some(public), Some(c.quoted()?.to_string())))
}

fn quantifier(c: &mut Cursor<'_>) -> Scan<u8> {
    Ok(match c.need()? {
        '?' => {
            c.bump();
            1
        }
        '*' => {
            c.bump();
            2
        }
        '+' => {
            c.bump();
            3
        }
        _ => 0,
    })
}

/// What stands behind the name in an element's declaration.
fn content_model(c: &mut Cursor<'_>) -> Scan<Model> {
    let leaf = |kind| Model { kind, quantifier: 0, name: None, children: Vec::new() };
    match c.need()? {
        'E' => return c.expect_word("EMPTY").map(|()| leaf(ModelKind::Empty)),
        'A' => return c.expect_word("ANY").map(|()| leaf(ModelKind::Any)),
        _ => {}
    }
    c.expect('(')?;
    c.space();
    if c.need()? == '#' {
        return mixed(c);
    }
    // Groups that are open, with what parts their items.
    let mut groups: Vec<(Option<char>, Vec<Model>)> = vec![(None, Vec::new())];
    loop {
        c.space();
        if c.need()? == '(' {
            c.bump();
            groups.push((None, Vec::new()));
            continue;
        }
        let name = c.word()?.to_string();
        let quantifier_ = quantifier(c)?;
        let mut item = Model { kind: ModelKind::Name, quantifier: quantifier_, name: Some(name), children: Vec::new() };
        loop {
            c.space();
            let Some((mark, items)) = groups.last_mut() else { return c.invalid() };
            match c.need()? {
                ch @ (',' | '|') => {
                    if mark.is_some_and(|m| m != ch) {
                        return c.invalid();
                    }
                    c.bump();
                    *mark = Some(ch);
                    items.push(item);
                    break;
                }
                ')' => {
                    c.bump();
                    items.push(item);
                    let kind = if *mark == Some('|') { ModelKind::Choice } else { ModelKind::Seq };
                    let children = std::mem::take(items);
                    groups.pop();
                    item = Model { kind, quantifier: quantifier(c)?, name: None, children };
                    if groups.is_empty() {
                        return Ok(item);
                    }
                }
                _ => return c.invalid(),
            }
        }
    }
}

/// `(#PCDATA | a | b)*` from the `#` on.
fn mixed(c: &mut Cursor<'_>) -> Scan<Model> {
    c.expect_word("#PCDATA")?;
    let mut children = Vec::new();
    loop {
        c.space();
        match c.need()? {
            ')' => {
                c.bump();
                break;
            }
            '|' => {
                c.bump();
                c.space();
                let name = Some(c.word()?.to_string());
                children.push(Model { kind: ModelKind::Name, quantifier: 0, name, children: Vec::new() });
            }
            _ => return c.invalid(),
        }
    }
    let star = c.need()? == '*';
    if star {
        c.bump();
    } else if !children.is_empty() {
        return c.invalid();
    }
    Ok(Model { kind: ModelKind::Mixed, quantifier: if star { 2 } else { 0 }, name: None, children })
}

/// Names between brackets, as Expat writes them.
fn enumeration(c: &mut Cursor<'_>, names: bool) -> Scan<String> {
    c.expect('(')?;
    let mut out = String::from("(");
    loop {
        c.space();
        out += if names { c.word()? } else { c.name_token()? };
        c.space();
        match c.need()? {
            '|' => out.push('|'),
            ')' => break,
            _ => return c.invalid(),
        }
        c.bump();
    }
    c.bump();
    out.push(')');
    Ok(out)
}

/// The type of an attribute.
fn attribute_type(c: &mut Cursor<'_>) -> Scan<String> {
    if c.need()? == '(' {
        return enumeration(c, false);
    }
    let from = c.at;
    let word = c.word()?;
    match word {
        "CDATA" | "ID" | "IDREF" | "IDREFS" | "ENTITY" | "ENTITIES" | "NMTOKEN" | "NMTOKENS" => Ok(word.to_string()),
        "NOTATION" => {
            c.need_space()?;
            Ok(format!("NOTATION{}", enumeration(c, true)?))
        }
        _ => Err(Stop::Invalid(from)),
    }
}

/// The end of a declaration: behind its `>`, which stands in no literal.
fn declaration_end(text: &str, at: usize) -> Scan<usize> {
    let mut quote = None;
    for (i, ch) in text[at..].char_indices() {
        match (quote, ch) {
            (Some(q), _) if q == ch => quote = None,
            (None, '"' | '\'') => quote = Some(ch),
            (None, '>') => return Ok(at + i + 1),
            (_, _) if !is_char(ch) => return Err(Stop::Invalid(at + i)),
            _ => {}
        }
    }
    Err(Stop::Partial)
}

impl Parser {
    /// `<!DOCTYPE ...` at `at`, up to its subset or its end.
    pub(crate) fn doctype(&mut self, text: &str, at: usize) -> Read<bool> {
        let mut c = Cursor::new(text, at);
        c.at += 2;
        while c.peek().is_some_and(|ch| ch.is_ascii_alphabetic()) {
            c.bump();
        }
        let end = c.need()?;
        if !is_space(end) && end != '%' {
            return Err(Stop::Broken(c.at).into());
        }
        if &text[at..c.at] != "<!DOCTYPE" {
            return Err(Failure::Code(Code::Syntax));
        }
        if self.doctype_seen {
            return Err(Failure::Code(Code::Syntax));
        }
        let head = (|| {
            c.need_space()?;
            let name = c.word()?.to_string();
            let spaced = c.space();
            let id = match c.need()? {
                'S' | 'P' if spaced => external_id(&mut c, false)?,
                _ => (None, None),
            };
            c.space();
            let end = c.need()?;
            if end != '[' && end != '>' {
                return c.invalid();
            }
            c.bump();
            Ok((name, id, end))
        })();
        let (name, (public, system), end) = syntax(text, at, head)?;
        let raw = if end == '[' { &text[at..c.at] } else { &text[at..c.at - 1] };
        self.doctype_seen = true;
        let external = system.is_some();
        self.subset = Subset { system: system.clone(), public: public.clone(), external, included: 0 };
        if external {
            self.foreign_dtd = false;
            self.dtd.borrow_mut().has_references = true;
            if self.param_entities == ParamEntities::Never {
                self.ask_standalone(false);
            }
        }
        for word in words(raw) {
            self.tell(Event::DoctypeWord, word);
        }
        let told_at = c.at - 1;
        self.tell_at(Event::StartDoctype { name, system, public, internal: end == '[' }, "", told_at);
        self.advance(c.at - at);
        if end == '[' {
            self.state = State::Subset;
        } else {
            self.end_doctype(">", told_at);
        }
        Ok(true)
    }

    /// Who handles it may refuse a document that does not stand alone; `if_read`: where what stands outside was read.
    fn ask_standalone(&mut self, if_read: bool) {
        if self.dtd.borrow().standalone && !if_read {
            return;
        }
        self.tell(Event::NotStandalone, "");
        if let Some(told) = self.pending.back_mut() {
            told.if_read = if_read;
        }
    }
    fn reads_parameters(&self) -> bool {
        match self.param_entities {
            ParamEntities::Never => false,
            ParamEntities::UnlessStandalone => !self.dtd.borrow().standalone,
            ParamEntities::Always => true,
        }
    }

    /// The external subset is asked for, and the document type ends.
    fn end_doctype(&mut self, raw: &str, at: usize) {
        if (self.subset.external || self.foreign_dtd) && self.reads_parameters() {
            self.dtd.borrow_mut().has_references = true;
            let (system, public) = (self.subset.system.take(), self.subset.public.take());
            self.dtd.borrow_mut().read = false;
            self.tell_at(Event::ExternalEntity { context: None, system, public }, "", at);
            self.ask_standalone(true);
        }
        self.tell_at(Event::EndDoctype, raw, at);
        self.state = State::Prolog;
    }

    /// One declaration of a subset.
    pub(crate) fn declaration(&mut self) -> Read<bool> {
        let (text, at) = self.current();
        if at >= text.len() {
            return self.at_end();
        }
        let done = self.declaration_token(&text, at);
        done.map_err(|f| match f {
            Failure::Stop(Stop::Invalid(i) | Stop::Broken(i) | Stop::PublicId(i)) => Failure::Stop(Stop::Invalid(i.saturating_sub(at))),
            other => other,
        })
    }

    fn declaration_token(&mut self, text: &str, at: usize) -> Read<bool> {
        let mut c = Cursor::new(text, at);
        if c.space() {
            self.tell(Event::Other, &text[at..c.at]);
            self.advance(c.at - at);
            return Ok(true);
        }
        let outside = self.state == State::External || !self.sources.is_empty();
        match c.need()? {
            ']' if self.subset.included > 0 => {
                syntax(text, at, c.expect_word("]]>"))?;
                self.subset.included -= 1;
                self.advance(3);
                Ok(true)
            }
            ']' if self.state == State::Subset && self.sources.is_empty() => {
                c.bump();
                c.space();
                syntax(text, at, c.expect('>'))?;
                let raw = &text[at..c.at];
                self.advance(c.at - at);
                self.end_doctype(raw, c.at - 1);
                Ok(true)
            }
            '%' => {
                c.bump();
                let name = c.name()?;
                c.expect(';')?;
                let raw = &text[at..c.at];
                self.advance(c.at - at);
                self.parameter(name, raw)?;
                Ok(true)
            }
            '<' => {
                c.bump();
                if c.need()? == '?' {
                    return self.instruction(text, at);
                }
                c.expect('!')?;
                match c.need()? {
                    '-' => return self.comment(text, at),
                    '[' if outside => return self.conditional(text, at),
                    _ => {}
                }
                let end = match declaration_end(text, at) {
                    // There is no more of it: what stands there is read as far as it goes.
                    Err(Stop::Partial) if self.is_final || !self.sources.is_empty() => text.len(),
                    end => end?,
                };
                if outside && let Some(whole) = self.with_parameters(&text[at..end])? {
                    self.advance(end - at);
                    let depth = self.open.len();
                    self.sources.push(Source { text: whole.into(), at: 0, entity: None, depth });
                    return Ok(true);
                }
                let done = self.declare(text, at, end, outside);
                if done.is_ok() {
                    self.advance(end - at);
                }
                done.map(|()| true)
            }
            _ => Err(invalid(text, at, at)),
        }
    }

    /// A declaration in which parameter entities stand outside of literals, with their text put in; none: there are none.
    fn with_parameters(&mut self, declaration: &str) -> Read<Option<String>> {
        /// A text that is being copied, and how far.
        struct Copied {
            text: Rc<str>,
            at: usize,
            entity: String,
        }
        if !declaration.contains('%') {
            return Ok(None);
        }
        let (mut out, mut quote, mut changed) = (String::with_capacity(declaration.len()), None, false);
        let mut open = vec![Copied { text: declaration.into(), at: 0, entity: String::new() }];
        while let Some(top) = open.last_mut() {
            let Some(ch) = top.text[top.at..].chars().next() else {
                open.pop();
                if !open.is_empty() {
                    out.push(' ');
                }
                continue;
            };
            let mut c = Cursor::new(&top.text, top.at + ch.len_utf8());
            if ch == '%'
                && quote.is_none()
                && c.rest().starts_with(scan::is_name_start)
                && let (Ok(name), Ok(())) = (c.name(), c.expect(';'))
            {
                let (name, end) = (name.to_string(), c.at);
                top.at = end;
                if open.iter().any(|o| o.entity == name) {
                    return Err(Failure::Code(Code::RecursiveEntity));
                }
                let value = self.dtd.borrow().parameters.get(&name).and_then(|e| e.text.clone());
                let Some(text) = value else { return Err(Failure::Code(Code::UndefinedEntity)) };
                self.amplify(text.len())?;
                out.push(' ');
                open.push(Copied { text, at: 0, entity: name });
                changed = true;
                continue;
            }
            quote = match quote {
                Some(q) if q == ch => None,
                None if ch == '"' || ch == '\'' => Some(ch),
                other => other,
            };
            out.push(ch);
            top.at += ch.len_utf8();
        }
        Ok(changed.then_some(out))
    }

    /// `%name;` between declarations.
    fn parameter(&mut self, name: &str, raw: &str) -> Read<()> {
        let was = std::mem::replace(&mut self.dtd.borrow_mut().has_references, true);
        if !self.reads_parameters() {
            let mut dtd = self.dtd.borrow_mut();
            dtd.ignores = !dtd.standalone;
            drop(dtd);
            self.ask_standalone(false);
            self.tell(Event::Other, raw);
            return Ok(());
        }
        let found = self.dtd.borrow().parameters.get(name).cloned();
        let Some(entity) = found else {
            if !self.is_entity && !was {
                return Err(Failure::Code(Code::UndefinedEntity));
            }
            let mut dtd = self.dtd.borrow_mut();
            dtd.ignores = !dtd.standalone;
            drop(dtd);
            self.tell(Event::Skipped { name: name.to_string(), parameter: true }, raw);
            return Ok(());
        };
        if entity.open {
            return Err(Failure::Code(Code::RecursiveEntity));
        }
        match entity.text {
            Some(text) => self.open_entity(name, true, text)?,
            None => {
                self.dtd.borrow_mut().read = false;
                self.tell(Event::ExternalEntity { context: None, system: entity.system, public: entity.public }, raw);
                self.ask_standalone(true);
            }
        }
        Ok(())
    }

    /// `<![INCLUDE[` or `<![IGNORE[ ... ]]>` at `at`.
    fn conditional(&mut self, text: &str, at: usize) -> Read<bool> {
        let rest = &text[at..];
        let Some(n) = rest[3..].find('[') else { return Err(Stop::Partial.into()) };
        let word = rest[3..3 + n].trim();
        let word = match word.strip_prefix('%').and_then(|w| w.strip_suffix(';')) {
            Some(name) => self.dtd.borrow().parameters.get(name).and_then(|e| e.text.clone()).map(|t| t.trim().to_string()).unwrap_or_default(),
            None => word.to_string(),
        };
        let begin = 3 + n + 1;
        match word.as_str() {
            "INCLUDE" => {
                self.subset.included += 1;
                self.advance(begin);
            }
            "IGNORE" => {
                let (mut depth, mut i) = (1, begin);
                while depth > 0 {
                    let Some(n) = rest[i..].find(['<', ']']) else { return Err(Stop::Partial.into()) };
                    i += n;
                    let (step, by) = match &rest[i..] {
                        part if part.starts_with("<![") => (3, 1),
                        part if part.starts_with("]]>") => (3, -1),
                        _ => (1, 0),
                    };
                    (depth, i) = (depth + by, i + step);
                }
                self.tell(Event::Other, &rest[..i]);
                self.advance(i);
            }
            _ => return Err(Failure::Code(Code::Syntax)),
        }
        Ok(true)
    }

    /// One of the four declarations.
    fn declare(&mut self, text: &str, at: usize, end: usize, outside: bool) -> Read<()> {
        let raw = &text[at..end];
        let mut c = Cursor::new(&text[..end], at + 2);
        let from = c.at;
        while c.peek().is_some_and(|ch| ch.is_ascii_uppercase()) {
            c.bump();
        }
        let ignores = self.dtd.borrow().ignores;
        match &text[from..c.at] {
            "ELEMENT" => {
                let read = (|| {
                    c.need_space()?;
                    let name = c.word()?.to_string();
                    c.need_space()?;
                    let begin = c.at;
                    let model = content_model(&mut c)?;
                    // It is known where its word stands, or its last bracket.
                    let end_at = text[begin..c.at].rfind(')').map_or(begin, |i| begin + i);
                    c.space();
                    c.expect('>')?;
                    Ok((name, model, end_at))
                })();
                let (name, model, end_at) = syntax(text, at, read)?;
                self.tell_at(Event::ElementDecl { name, model }, raw, end_at);
                Ok(())
            }
            "NOTATION" => {
                let read = (|| {
                    c.need_space()?;
                    let name = c.word()?.to_string();
                    c.need_space()?;
                    let id = external_id(&mut c, true)?;
                    let id_end = c.at;
                    c.space();
                    c.expect('>')?;
                    Ok((name, id, id_end))
                })();
                let (name, (public, system), id_end) = syntax(text, at, read)?;
                let told_at = match &system {
                    Some(s) => id_end - s.len() - 2,
                    None => c.at - 1,
                };
                self.tell_at(Event::NotationDecl { name, system, public }, raw, told_at);
                Ok(())
            }
            "ENTITY" => self.declare_entity(text, at, c, raw, outside, ignores),
            "ATTLIST" => self.declare_attributes(text, at, c, raw, ignores),
            _ if c.peek().is_none_or(|ch| is_space(ch) || ch == '%') => Err(Failure::Code(Code::Syntax)),
            _ => Err(Stop::Broken(c.at).into()),
        }
    }

    fn declare_entity(&mut self, text: &str, at: usize, mut c: Cursor<'_>, raw: &str, outside: bool, ignores: bool) -> Read<()> {
        let mut parameter = false;
        let (mut value_at, mut notation_at) = (None, at);
        let read = (|| {
            c.need_space()?;
            if c.need()? == '%' {
                c.bump();
                c.need_space()?;
                parameter = true;
            }
            let name = c.word()?.to_string();
            c.need_space()?;
            let (mut id, mut notation, mut value) = ((None, None), None, None);
            if matches!(c.need()?, '"' | '\'') {
                value_at = Some(c.at + 1);
                value = Some(c.quoted()?.to_string());
            } else {
                id = external_id(&mut c, false)?;
                let spaced = c.space();
                if spaced && !parameter && c.need()? == 'N' {
                    c.expect_word("NDATA")?;
                    c.need_space()?;
                    notation_at = c.at;
                    notation = Some(c.word()?.to_string());
                }
            }
            c.space();
            c.expect('>')?;
            Ok((name, id, notation, value))
        })();
        let (name, (public, system), notation, value) = syntax(text, at, read)?;
        let value = match value {
            Some(v) => Some(self.entity_value(&v, value_at.unwrap_or(at) - at, outside)?),
            None => None,
        };
        let known = self.dtd.borrow_mut().table(parameter).contains_key(&name) || !parameter && scan::predefined(&name).is_some();
        if known || ignores {
            self.tell(Event::Other, raw);
            return Ok(());
        }
        let entity = Entity { text: value.as_deref().map(Rc::from), system: system.clone(), public: public.clone(), notation: notation.clone(), open: false, outside };
        self.dtd.borrow_mut().table(parameter).insert(name.clone(), entity);
        match notation {
            Some(notation) => self.tell_at(Event::UnparsedEntityDecl { name, system, public, notation }, raw, notation_at),
            None => {
                let told_at = value_at.map_or(at + raw.len() - 1, |i| i - 1);
                self.tell_at(Event::EntityDecl { name, parameter, value, system, public, notation: None }, raw, told_at);
            }
        }
        Ok(())
    }

    /// The text of an entity: references to characters and parameter entities are replaced, others stay.
    fn entity_value(&mut self, raw: &str, at: usize, outside: bool) -> Read<String> {
        let mut out = String::with_capacity(raw.len());
        self.append_value(raw, at, outside, &mut out, 0)?;
        Ok(out)
    }
    fn append_value(&mut self, raw: &str, at: usize, outside: bool, out: &mut String, depth: usize) -> Read<()> {
        /// Entities within entities.
        const DEEPEST: usize = 200;
        let mut c = Cursor::new(raw, 0);
        while let Some(ch) = c.peek() {
            let from = c.at;
            let here = if depth == 0 { at + from } else { at };
            c.bump();
            match ch {
                '&' => match c.reference().map_err(|_| Failure::At(Code::InvalidToken, here))? {
                    Reference::Char(None) => return Err(Failure::At(Code::BadCharRef, here)),
                    Reference::Char(Some(ch)) => out.push(ch),
                    Reference::Entity(_) => out.push_str(&raw[from..c.at]),
                },
                '%' => {
                    let (Ok(name), Ok(())) = (c.name(), c.expect(';')) else { return Err(Failure::At(Code::InvalidToken, here)) };
                    if !outside {
                        return Err(Failure::At(Code::ParamEntityRef, here));
                    }
                    let value = self.dtd.borrow().parameters.get(name).and_then(|e| e.text.clone());
                    let Some(value) = value else { return Err(Failure::At(Code::UndefinedEntity, here)) };
                    if depth >= DEEPEST {
                        return Err(Failure::At(Code::RecursiveEntity, here));
                    }
                    self.amplify(value.len())?;
                    self.append_value(&value, here, outside, out, depth + 1)?;
                }
                '\r' => {
                    c.take('\n');
                    out.push('\n');
                }
                _ => out.push(ch),
            }
        }
        Ok(())
    }

    fn declare_attributes(&mut self, text: &str, at: usize, mut c: Cursor<'_>, raw: &str, ignores: bool) -> Read<()> {
        let head = (|| {
            c.need_space()?;
            c.word()
        })();
        let element = syntax(text, at, head)?.to_string();
        let mut told = false;
        loop {
            let spaced = c.space();
            if syntax(text, at, c.need())? == '>' {
                break;
            }
            let (mut value_at, mut told_at) = (0, at);
            let read = (|| {
                if !spaced {
                    return c.invalid();
                }
                let name = c.word()?.to_string();
                c.need_space()?;
                let kind = attribute_type(&mut c)?;
                c.need_space()?;
                let (mut required, mut value) = (false, None);
                let mut fixed = false;
                told_at = c.at;
                if c.need()? == '#' {
                    c.bump();
                    match c.need()? {
                        'R' => {
                            c.expect_word("REQUIRED")?;
                            required = true;
                        }
                        'I' => c.expect_word("IMPLIED")?,
                        _ => {
                            c.expect_word("FIXED")?;
                            c.need_space()?;
                            (fixed, required) = (true, true);
                        }
                    }
                } else {
                    fixed = true;
                }
                if fixed {
                    (value_at, told_at) = (c.at + 1, c.at);
                    value = Some(c.quoted()?.to_string());
                }
                Ok((name, kind, required, value))
            })();
            let (name, kind, required, value) = syntax(text, at, read)?;
            let is_cdata = kind == "CDATA";
            let default = match value {
                Some(v) => Some(self.attribute(&v, is_cdata, value_at - at)?),
                None => None,
            };
            if ignores {
                continue;
            }
            let mut dtd = self.dtd.borrow_mut();
            let known = dtd.elements.entry(element.clone()).or_default();
            if !known.cdata.contains_key(name.as_str()) {
                let (known, name) = (Rc::make_mut(known), Rc::<str>::from(name.as_str()));
                known.cdata.insert(name.clone(), is_cdata);
                known.list.push(AttributeDefault { name, value: default.as_deref().map(Rc::from) });
            }
            drop(dtd);
            // The text is that of the whole declaration: it is told with the first.
            self.tell_at(Event::AttlistDecl { element: element.clone(), name, kind, default, required }, if told { "" } else { raw }, told_at);
            told = true;
        }
        if !told {
            self.tell(Event::Other, raw);
        }
        Ok(())
    }
}

/// The words of a declaration, with their quotes, and the spaces between them.
fn words(mut text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    while let Some(first) = text.chars().next() {
        let n = match first {
            '"' | '\'' => text[1..].find(first).map_or(text.len(), |i| i + 2),
            '[' => 1,
            _ if is_space(first) => text.find(|ch| !is_space(ch)).unwrap_or(text.len()),
            _ => text.find(|ch| is_space(ch) || ch == '[').unwrap_or(text.len()),
        };
        let (word, rest) = text.split_at(n);
        out.push(word);
        text = rest;
    }
    out
}

/// A token that may stand somewhere in a declaration is a syntax error where it must not; anything else is no token.
fn invalid(text: &str, at: usize, i: usize) -> Failure {
    match text[i.min(text.len())..].chars().next() {
        None => Failure::Stop(Stop::Partial),
        Some(ch) if is_name(ch) || is_space(ch) || "\"'#%()[],|<>?*+!".contains(ch) => Failure::At(Code::Syntax, i - at),
        _ => Failure::Stop(Stop::Invalid(i)),
    }
}
fn syntax<T>(text: &str, at: usize, read: Scan<T>) -> Read<T> {
    read.map_err(|stop| match stop {
        Stop::Invalid(i) => invalid(text, at, i),
        Stop::PublicId(i) => Failure::At(Code::PublicId, i - at),
        stop => Failure::Stop(stop),
    })
}
