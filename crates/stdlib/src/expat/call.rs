//! From events to calls of handlers.

use super::{Settings, XmlParser, with};
use crate::elementtree::Feeder;
use retic_runtime::native::GetSet;
use retic_runtime::types::{Dict, Str};
use retic_runtime::{Cx, Obj, PyResult, Ref, protocol};
use retic_xml::{Code, Event, Model, Name, Told, XmlError};

macro_rules! handlers {
    ($($name:ident = $text:literal,)*) => {
        /// The handlers of a parser, by their places.
        #[derive(Clone, Copy)]
        enum Handler { $($name,)* }
        /// The attributes that hold them.
        pub const HANDLERS: &[GetSet] = &[$(GetSet {
            name: $text,
            doc: "",
            get: |cx, this| get(cx, this, Handler::$name),
            set: Some(|cx, this, value| set(cx, this, Handler::$name, value)),
            member: false,
        },)*];
    };
}

handlers! {
    StartElement = "StartElementHandler",
    EndElement = "EndElementHandler",
    ProcessingInstruction = "ProcessingInstructionHandler",
    CharacterData = "CharacterDataHandler",
    UnparsedEntityDecl = "UnparsedEntityDeclHandler",
    NotationDecl = "NotationDeclHandler",
    StartNamespaceDecl = "StartNamespaceDeclHandler",
    EndNamespaceDecl = "EndNamespaceDeclHandler",
    Comment = "CommentHandler",
    StartCdataSection = "StartCdataSectionHandler",
    EndCdataSection = "EndCdataSectionHandler",
    Default = "DefaultHandler",
    DefaultExpand = "DefaultHandlerExpand",
    NotStandalone = "NotStandaloneHandler",
    ExternalEntityRef = "ExternalEntityRefHandler",
    StartDoctypeDecl = "StartDoctypeDeclHandler",
    EndDoctypeDecl = "EndDoctypeDeclHandler",
    EntityDecl = "EntityDeclHandler",
    XmlDecl = "XmlDeclHandler",
    ElementDecl = "ElementDeclHandler",
    AttlistDecl = "AttlistDeclHandler",
    SkippedEntity = "SkippedEntityHandler",
}

fn get(cx: &mut Cx, this: &Obj, which: Handler) -> PyResult {
    let this: &Ref<XmlParser> = retic_runtime::native::receiver(cx, this)?;
    Ok(this.handlers.get(cx)[which as usize].clone())
}
fn set(cx: &mut Cx, this: &Obj, which: Handler, value: Option<&Obj>) -> PyResult<()> {
    let this: &Ref<XmlParser> = retic_runtime::native::receiver(cx, this)?;
    let Some(value) = value else { return Err(cx.runtime_error("Cannot delete attribute")) };
    if matches!(which, Handler::CharacterData) {
        // Text before the change belongs to the old handler.
        flush(cx, this)?;
    }
    let old = std::mem::replace(&mut this.handlers.get_mut(cx)[which as usize], value.clone());
    cx.release(old);
    Ok(())
}

fn handler(cx: &Cx, this: &XmlParser, which: Handler) -> Option<Obj> {
    this.handlers.get(cx).get(which as usize).filter(|h| !h.is_none()).cloned()
}

fn has(cx: &Cx, this: &XmlParser, which: Handler) -> bool {
    this.handlers.get(cx).get(which as usize).is_some_and(|h| !h.is_none())
}

/// Calls a handler; what it leaves waiting is told by `in_callback`.
fn call(cx: &mut Cx, this: &Ref<XmlParser>, f: &Obj, args: &[Obj]) -> PyResult {
    let before = this.in_callback.replace(true);
    let r = protocol::call(cx, f, args);
    this.in_callback.set(before);
    r
}

/// Hands on the text that was collected.
pub fn flush(cx: &mut Cx, this: &Ref<XmlParser>) -> PyResult<()> {
    if this.buffer.0.borrow().is_empty() {
        return Ok(());
    }
    let mut text = std::mem::take(&mut *this.buffer.0.borrow_mut());
    if let Some(f) = handler(cx, this, Handler::CharacterData) {
        let made = cx.str(&text)?;
        match Feeder::behind(cx, &f) {
            Some(feeder) => feeder.collect_text(cx, &made)?,
            None => drop(call(cx, this, &f, &[made])?),
        }
    }
    // Its room serves again.
    if this.buffer.0.borrow().is_empty() {
        text.clear();
        *this.buffer.0.borrow_mut() = text;
    }
    Ok(())
}

/// All events that are at hand. The inner result: what is wrong with the document.
pub fn run(cx: &mut Cx, this: &Ref<XmlParser>) -> PyResult<Result<(), XmlError>> {
    loop {
        let raw = has(cx, this, Handler::Default) || has(cx, this, Handler::DefaultExpand);
        let raw_content = raw && [Handler::StartElement, Handler::EndElement, Handler::CharacterData].iter().any(|h| !has(cx, this, *h));
        let expand = !has(cx, this, Handler::Default);
        let next = with(this, |p| {
            p.keep_raw = raw;
            p.keep_raw_content = raw_content;
            p.expand = expand;
            p.next_event()
        });
        match next {
            Ok(Some(mut told)) => {
                if let Err(raised) = tell(cx, this, &mut told) {
                    // After an exception nothing more is called.
                    with(this, |p| p.fail(Code::Aborted));
                    return Err(raised);
                }
            }
            Ok(None) => match with(this, |p| p.wanted_encoding().map(str::to_string)) {
                Some(name) => {
                    let map = encoding_map(cx, &name)?;
                    if let Err(e) = with(this, |p| p.explain_encoding(Some(map))) {
                        return Ok(Err(e));
                    }
                }
                None => break,
            },
            Err(e) => return Ok(Err(e)),
        }
        cx.poll_native()?;
    }
    flush(cx, this)?;
    Ok(Ok(()))
}

/// What each byte means in an encoding that Python knows.
fn encoding_map(cx: &mut Cx, name: &str) -> PyResult<Box<[Option<char>; 256]>> {
    let all: Vec<u8> = (0..=255).collect();
    let text = retic_runtime::codecs::decode(cx, &all, name, "replace")?;
    let points = text.cast::<Str>().map(|s| s.code_points()).unwrap_or_default();
    if points.len() != 256 {
        return Err(cx.value_error("multi-byte encodings are not supported"));
    }
    let mut map = Box::new([None; 256]);
    for (slot, p) in map.iter_mut().zip(points) {
        *slot = char::from_u32(p).filter(|c| *c != '\u{fffd}');
    }
    Ok(map)
}

/// A name, the same object for the same name.
fn name(cx: &mut Cx, this: &XmlParser, text: &str) -> PyResult {
    let made = cx.str(text)?;
    let known = this.intern.cloned(cx);
    let Some(known) = known.as_ref().and_then(|d| d.cast::<Dict>()) else { return Ok(made) };
    if let Some(s) = made.cast::<Str>()
        && let Some(found) = known.get_str(cx, s)
    {
        return Ok(found);
    }
    let old = known.insert(cx, &made, made.clone())?;
    cx.release(old);
    Ok(made)
}
fn optional(cx: &mut Cx, this: &XmlParser, text: Option<&String>) -> PyResult {
    match text {
        Some(t) => name(cx, this, t),
        None => Ok(cx.none()),
    }
}
fn plain(cx: &Cx, text: Option<&String>) -> PyResult {
    text.map_or_else(|| Ok(cx.none()), |t| cx.str(t))
}

fn model(cx: &mut Cx, this: &XmlParser, m: &Model) -> PyResult {
    let mut children = Vec::with_capacity(m.children.len());
    for c in &m.children {
        children.push(cx.deeper(" in a content model", |cx| model(cx, this, c))?);
    }
    let row = [cx.int(m.kind as i64)?, cx.int(i64::from(m.quantifier))?, optional(cx, this, m.name.as_ref())?, cx.tuple(children)?];
    cx.tuple_of(row)
}

/// The attributes of an element as the program wants them.
fn attributes(cx: &mut Cx, this: &XmlParser, all: Vec<(Name, String)>, specified: usize, settings: Settings) -> PyResult {
    let n = if settings.specified_attributes { specified } else { all.len() };
    if settings.ordered_attributes {
        let mut items = Vec::with_capacity(2 * n);
        for (key, value) in all.into_iter().take(n) {
            items.push(name(cx, this, &key.text)?);
            items.push(cx.str(&value)?);
        }
        return cx.list(items);
    }
    let dict = Dict::new(cx)?;
    for (key, value) in all.into_iter().take(n) {
        let (key, value) = (name(cx, this, &key.text)?, cx.str(&value)?);
        let old = dict.insert(cx, &key, value)?;
        cx.release(old);
    }
    Ok(dict.into_obj())
}

/// Calls the handler of an event, or the one for everything else.
fn tell(cx: &mut Cx, this: &Ref<XmlParser>, told: &mut Told) -> PyResult<()> {
    use Handler as H;
    let which = match &told.event {
        Event::XmlDecl { .. } => H::XmlDecl,
        Event::Start { .. } => H::StartElement,
        Event::End(_) => H::EndElement,
        Event::Text(_) => H::CharacterData,
        Event::Instruction { .. } => H::ProcessingInstruction,
        Event::Comment(_) => H::Comment,
        Event::StartCdata => H::StartCdataSection,
        Event::EndCdata => H::EndCdataSection,
        Event::StartNamespace { .. } => H::StartNamespaceDecl,
        Event::EndNamespace { .. } => H::EndNamespaceDecl,
        Event::StartDoctype { .. } => H::StartDoctypeDecl,
        Event::EndDoctype => H::EndDoctypeDecl,
        Event::ElementDecl { .. } => H::ElementDecl,
        Event::AttlistDecl { .. } => H::AttlistDecl,
        Event::EntityDecl { .. } => H::EntityDecl,
        Event::UnparsedEntityDecl { .. } if handler(cx, this, H::UnparsedEntityDecl).is_none() => H::EntityDecl,
        Event::UnparsedEntityDecl { .. } => H::UnparsedEntityDecl,
        Event::NotationDecl { .. } => H::NotationDecl,
        Event::ExternalEntity { .. } => H::ExternalEntityRef,
        Event::Skipped { .. } => H::SkippedEntity,
        Event::NotStandalone => H::NotStandalone,
        Event::DoctypeWord if handler(cx, this, H::StartDoctypeDecl).is_some() => return Ok(()),
        Event::Other | Event::DoctypeWord => return default(cx, this, &told.raw),
    };
    let Some(f) = handler(cx, this, which) else { return default(cx, this, &told.raw) };
    let settings = this.settings.get();
    if let Event::Text(text) = &told.event {
        if !settings.buffer_text {
            let text = cx.str(text)?;
            call(cx, this, &f, &[text])?;
            return Ok(());
        }
        if this.buffer.0.borrow().len() + text.len() > settings.buffer_size {
            flush(cx, this)?;
            // The handler may have been taken away.
            let Some(f) = handler(cx, this, H::CharacterData) else { return Ok(()) };
            if text.len() > settings.buffer_size {
                let text = cx.str(text)?;
                call(cx, this, &f, &[text])?;
                return Ok(());
            }
        }
        this.buffer.0.borrow_mut().push_str(text);
        return Ok(());
    }
    flush(cx, this)?;
    if let Event::Start { .. } | Event::End(_) = &told.event
        && let Some(feeder) = Feeder::behind(cx, &f)
    {
        let before = this.in_callback.replace(true);
        let r = match &mut told.event {
            Event::Start { name, attributes, .. } => feeder.begin_element(cx, name, std::mem::take(attributes)),
            event => feeder.end_element(cx, event),
        };
        this.in_callback.set(before);
        return r;
    }
    let event = std::mem::replace(&mut told.event, Event::Other);
    let args = arguments(cx, this, event, which, settings)?;
    let r = call(cx, this, &f, &args)?;
    // Two handlers say whether it may go on.
    let refused = match which {
        H::ExternalEntityRef => Code::ExternalEntity,
        H::NotStandalone => Code::NotStandalone,
        _ => return Ok(()),
    };
    if protocol::index_i64(cx, &r)? == 0 {
        with(this, |p| p.fail(refused));
    }
    Ok(())
}

fn arguments(cx: &mut Cx, this: &Ref<XmlParser>, event: Event, which: Handler, settings: Settings) -> PyResult<Vec<Obj>> {
    let base = this.base.cloned(cx).unwrap_or_else(|| cx.none());
    Ok(match event {
        Event::XmlDecl { version, encoding, standalone } => vec![plain(cx, version.as_ref())?, plain(cx, encoding.as_ref())?, cx.int(i64::from(standalone))?],
        Event::Start { name: tag, attributes: all, specified } => {
            let all = attributes(cx, this, all, specified, settings)?;
            vec![name(cx, this, &tag.text)?, all]
        }
        Event::End(tag) => vec![name(cx, this, &tag.text)?],
        Event::Text(text) | Event::Comment(text) => vec![cx.str(&text)?],
        Event::Instruction { target, data } => vec![name(cx, this, &target)?, cx.str(&data)?],
        Event::StartNamespace { prefix, uri } => vec![optional(cx, this, prefix.as_ref())?, optional(cx, this, uri.as_ref())?],
        Event::EndNamespace { prefix } => vec![optional(cx, this, prefix.as_ref())?],
        Event::StartDoctype { name: n, system, public, internal } => {
            vec![name(cx, this, &n)?, optional(cx, this, system.as_ref())?, optional(cx, this, public.as_ref())?, cx.int(i64::from(internal))?]
        }
        Event::ElementDecl { name: n, model: m } => {
            let m = model(cx, this, &m)?;
            vec![name(cx, this, &n)?, m]
        }
        Event::AttlistDecl { element, name: n, kind, default, required } => {
            vec![name(cx, this, &element)?, name(cx, this, &n)?, cx.str(&kind)?, plain(cx, default.as_ref())?, cx.int(i64::from(required))?]
        }
        Event::EntityDecl { name: n, parameter, value, system, public, notation } => vec![
            name(cx, this, &n)?,
            cx.int(i64::from(parameter))?,
            plain(cx, value.as_ref())?,
            base,
            optional(cx, this, system.as_ref())?,
            optional(cx, this, public.as_ref())?,
            optional(cx, this, notation.as_ref())?,
        ],
        Event::UnparsedEntityDecl { name: n, system, public, notation } => {
            let (n, system, public, notation) = (name(cx, this, &n)?, optional(cx, this, system.as_ref())?, optional(cx, this, public.as_ref())?, name(cx, this, &notation)?);
            match which {
                Handler::EntityDecl => vec![n, cx.int(0)?, cx.none(), base, system, public, notation],
                _ => vec![n, base, system, public, notation],
            }
        }
        Event::NotationDecl { name: n, system, public } => vec![name(cx, this, &n)?, base, optional(cx, this, system.as_ref())?, optional(cx, this, public.as_ref())?],
        Event::ExternalEntity { context, system, public } => {
            vec![plain(cx, context.as_ref())?, base, optional(cx, this, system.as_ref())?, optional(cx, this, public.as_ref())?]
        }
        Event::Skipped { name: n, parameter } => vec![name(cx, this, &n)?, cx.int(i64::from(parameter))?],
        Event::StartCdata | Event::EndCdata | Event::EndDoctype | Event::NotStandalone | Event::Other | Event::DoctypeWord => Vec::new(),
    })
}

fn default(cx: &mut Cx, this: &Ref<XmlParser>, raw: &str) -> PyResult<()> {
    let Some(f) = handler(cx, this, Handler::Default).or_else(|| handler(cx, this, Handler::DefaultExpand)) else { return Ok(()) };
    if raw.is_empty() {
        return Ok(());
    }
    flush(cx, this)?;
    let text = cx.str(raw)?;
    call(cx, this, &f, &[text])?;
    Ok(())
}
