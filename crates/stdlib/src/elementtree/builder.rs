//! `TreeBuilder`, and what stands between a parser and a builder.

use super::element::{self, Element};
use super::{dict_argument, fixed, or_none, parse_error};
use retic_runtime::object::{Buf, Guarded};
use retic_runtime::types::function::Builtin;
use retic_runtime::types::type_::flags;
use retic_runtime::types::{Dict, List, Slots, Spec, Tuple, Type, int};
use retic_runtime::{Args, Cx, Obj, PyResult, Ref, layout, memory, protocol};
use retic_xml::{Event, Name};
use std::cell::Cell;

layout! {
    /// A builder: `this` is the element that is open, `path` those around it, `last` the one whose text comes, or behind which
    /// (`behind`) text comes. `data` is text that is not yet anybody's. `append` takes the events of `reported`.
    pub struct TreeBuilder = 339, "xml.etree.ElementTree.TreeBuilder" {
        root: Guarded<Option<Obj>>,
        this: Guarded<Option<Obj>>,
        last: Guarded<Option<Obj>>,
        behind: Cell<bool>,
        data: Guarded<Buf<Obj>>,
        path: Guarded<Buf<Obj>>,
        element_factory: Guarded<Option<Obj>>,
        comment_factory: Guarded<Option<Obj>>,
        pi_factory: Guarded<Option<Obj>>,
        insert_comments: Cell<bool>,
        insert_pis: Cell<bool>,
        append: Guarded<Option<Obj>>,
        reported: Cell<u32>,
        element_type: Guarded<Ref<Type>>,
    }
}
layout! {
    /// The handlers of a parser: names and attributes come in the parser's form and go to the target in the tree's. `builder` is
    /// the target when it is a builder of the class itself.
    pub struct Feeder = 340, "_retic_elementtree._Feeder" {
        builder: Guarded<Option<Ref<TreeBuilder>>>,
        start: Guarded<Option<Obj>>,
        end: Guarded<Option<Obj>>,
        names: Guarded<Ref<Dict>>,
        /// The same by the parser's numbers; None: not met yet.
        by_number: Guarded<Buf<Obj>>,
    }
}

type B = Ref<TreeBuilder>;

/// Kinds of events, by bits.
const EVENTS: [&str; 6] = ["start", "end", "start-ns", "end-ns", "comment", "pi"];
const START: u32 = 0;
const END: u32 = 1;
const COMMENT: u32 = 4;
const PI: u32 = 5;

/// What makes comments and processing instructions for builders that were given nothing else.
pub fn factories(cx: &mut Cx) -> PyResult {
    let m = retic_runtime::modules::import(cx, "_retic_elementtree")?;
    let name = cx.name("_factories");
    protocol::getattr(cx, &m, &name)
}

/// Tells who reads the events of one of a kind.
fn report(cx: &mut Cx, this: &B, kind: u32, what: Obj) -> PyResult<()> {
    if this.reported.get() >> kind & 1 == 0 {
        return Ok(());
    }
    let Some(append) = this.append.cloned(cx) else { return Ok(()) };
    let name = cx.name(EVENTS[kind as usize]).into_obj();
    let pair = cx.tuple_of([name, what])?;
    let r = protocol::call(cx, &append, &[pair])?;
    cx.release(r);
    Ok(())
}

/// Gives the text that has come to whose it is.
fn flush(cx: &mut Cx, this: &B) -> PyResult<()> {
    if this.data.get(cx).is_empty() {
        return Ok(());
    }
    let pieces = this.data.replace(cx, Buf::empty());
    let Some(last) = this.last.cloned(cx) else { return Ok(()) };
    let mut pieces: Vec<Obj> = pieces.iter().cloned().collect();
    let exact = last.cast::<Element>().filter(|_| std::ptr::eq(last.ty(), &**this.element_type.get(cx))).cloned();
    if let Some(e) = exact {
        let field = if this.behind.get() { &e.tail } else { &e.text };
        if let Some(before) = field.cloned(cx).filter(|t| !t.is_none()) {
            pieces.insert(0, before);
        }
        let text = joined(cx, pieces)?;
        field.set(cx, Some(text));
        return Ok(());
    }
    let name = cx.name(if this.behind.get() { "tail" } else { "text" });
    let before = protocol::getattr(cx, &last, &name)?;
    if !before.is_none() {
        pieces.insert(0, before);
    }
    let text = joined(cx, pieces)?;
    protocol::setattr(cx, &last, &name, Some(&text))
}

fn joined(cx: &mut Cx, mut pieces: Vec<Obj>) -> PyResult {
    if pieces.len() == 1
        && let Some(only) = pieces.pop()
    {
        return Ok(only);
    }
    let (empty, list) = (cx.str("")?, cx.list(pieces)?);
    protocol::call_method(cx, &empty, "join", &[list])
}

/// Puts an element into the one that is open.
fn put(cx: &mut Cx, into: &Obj, new: &Obj) -> PyResult<()> {
    if let Some(e) = into.cast::<Element>().filter(|_| new.cast::<Element>().is_some()) {
        return element::append(cx, e, new.clone());
    }
    let r = protocol::call_method(cx, into, "append", std::slice::from_ref(new))?;
    cx.release(r);
    Ok(())
}

fn start(cx: &mut Cx, this: &B, tag: Obj, attrib: Option<Ref<Dict>>) -> PyResult {
    flush(cx, this)?;
    let new = match this.element_factory.cloned(cx) {
        None => {
            let ty = this.element_type.cloned(cx);
            element::of_type(cx, &ty, Some(tag), attrib)?.into_obj()
        }
        Some(f) => {
            let attrib = match attrib {
                Some(d) => d,
                None => Dict::new(cx)?,
            };
            protocol::call(cx, &f, &[tag, attrib.into_obj()])?
        }
    };
    let outer = this.this.cloned(cx);
    match &outer {
        Some(outer) => put(cx, outer, &new)?,
        None if this.root.get(cx).is_some() => return Err(parse_error(cx, "multiple elements on top level")),
        None => this.root.set(cx, Some(new.clone())),
    }
    let outer = or_none(cx, outer);
    this.path.push(cx, outer)?;
    this.this.set(cx, Some(new.clone()));
    this.last.set(cx, Some(new.clone()));
    this.behind.set(false);
    report(cx, this, START, new.clone())?;
    Ok(new)
}

fn end(cx: &mut Cx, this: &B) -> PyResult {
    flush(cx, this)?;
    let Some(outer) = this.path.get_mut(cx).pop() else { return Err(cx.index_error("pop from empty stack")) };
    let left = this.this.replace(cx, Some(outer).filter(|o| !o.is_none()));
    let left = or_none(cx, left);
    this.last.set(cx, Some(left.clone()));
    this.behind.set(true);
    report(cx, this, END, left.clone())?;
    Ok(left)
}

fn collect(cx: &mut Cx, this: &B, text: &Obj) -> PyResult<()> {
    if this.last.get(cx).is_none() {
        // Text in front of the first element is nobody's.
        return Ok(());
    }
    this.data.push(cx, text.clone())
}

/// A comment or a processing instruction.
fn single(cx: &mut Cx, this: &B, kind: u32, args: &[Obj]) -> PyResult {
    let (factory, insert) = if kind == COMMENT { (&this.comment_factory, this.insert_comments.get()) } else { (&this.pi_factory, this.insert_pis.get()) };
    let new = match factory.cloned(cx) {
        Some(f) => {
            let new = protocol::call(cx, &f, args)?;
            if insert && let Some(outer) = this.this.cloned(cx) {
                flush(cx, this)?;
                put(cx, &outer, &new)?;
                this.last.set(cx, Some(new.clone()));
                this.behind.set(true);
            }
            new
        }
        None if kind == COMMENT => args[0].clone(),
        None => cx.tuple(args.to_vec())?,
    };
    report(cx, this, kind, new.clone())?;
    Ok(new)
}

fn init(cx: &mut Cx, o: &Obj, args: Args<'_>) -> PyResult<()> {
    let Some(this) = o.cast::<TreeBuilder>().cloned() else { return Ok(()) };
    let p = args.positional();
    if p.len() > 1 {
        return Err(cx.type_error(format!("TreeBuilder() takes at most 1 positional argument ({} given)", p.len())));
    }
    let names = ["element_factory", "comment_factory", "pi_factory", "insert_comments", "insert_pis"];
    let mut found: [Option<Obj>; 5] = [const { None }; 5];
    found[0] = p.first().cloned();
    for (k, v) in args.keywords() {
        let text = protocol::str_text(cx, k)?;
        match names.iter().position(|n| *n == text) {
            Some(i) => found[i] = Some(v.clone()),
            None => return Err(cx.type_error(format!("TreeBuilder() got an unexpected keyword argument '{text}'"))),
        }
    }
    let [element, comment, pi, comments, pis] = found.map(|f| f.filter(|f| !f.is_none()));
    let usual = factories(cx)?;
    let usual = |i: usize| usual.cast::<Tuple>().and_then(|t| t.items().get(i).cloned()).filter(|f| !f.is_none());
    this.element_factory.set(cx, element);
    this.comment_factory.set(cx, comment.or_else(|| usual(0)));
    this.pi_factory.set(cx, pi.or_else(|| usual(1)));
    for (flag, value) in [(&this.insert_comments, comments), (&this.insert_pis, pis)] {
        flag.set(match value {
            Some(v) => protocol::truth(cx, &v)?,
            None => false,
        });
    }
    Ok(())
}

#[retic_macros::methods]
impl TreeBuilder {
    #[py("data($self, data, /)")]
    fn data_method(cx: &mut Cx, this: &B, data: &Obj) -> PyResult<()> {
        collect(cx, this, data)
    }
    #[py("start($self, tag, attrs, /)")]
    fn start_method(cx: &mut Cx, this: &B, tag: &Obj, attrs: &Obj) -> PyResult {
        let given = dict_argument(cx, Some(attrs), "start() argument 2")?.cloned();
        start(cx, this, tag.clone(), given)
    }
    #[py("end($self, tag, /)")]
    fn end_method(cx: &mut Cx, this: &B, tag: &Obj) -> PyResult {
        let _ = tag;
        end(cx, this)
    }
    #[py("comment($self, text, /)")]
    fn comment(cx: &mut Cx, this: &B, text: &Obj) -> PyResult {
        single(cx, this, COMMENT, std::slice::from_ref(text))
    }
    #[py("pi($self, target, text=None, /)")]
    fn pi(cx: &mut Cx, this: &B, target: &Obj, text: Option<&Obj>) -> PyResult {
        let text = or_none(cx, text.cloned());
        single(cx, this, PI, &[target.clone(), text])
    }
    #[py("close($self, /)")]
    fn close(cx: &mut Cx, this: &B) -> Option<Obj> {
        this.root.cloned(cx)
    }
}

pub fn spec() -> Spec {
    Spec {
        flags: flags::GC | flags::BASE,
        slots: Slots {
            new: Some(|cx, ty, _| {
                let element_type = cx.native_type("xml.etree.ElementTree.Element");
                Ok(memory::new(cx, ty, |head| TreeBuilder {
                    head,
                    root: Guarded::new(None),
                    this: Guarded::new(None),
                    last: Guarded::new(None),
                    behind: Cell::new(false),
                    data: Guarded::new(Buf::empty()),
                    path: Guarded::new(Buf::empty()),
                    element_factory: Guarded::new(None),
                    comment_factory: Guarded::new(None),
                    pi_factory: Guarded::new(None),
                    insert_comments: Cell::new(false),
                    insert_pis: Cell::new(false),
                    append: Guarded::new(None),
                    reported: Cell::new(0),
                    element_type: Guarded::new(element_type),
                })?
                .into_obj())
            }),
            init: Some(init),
            ..Slots::EMPTY
        },
        methods: TreeBuilder::METHODS,
        ..Spec::new::<TreeBuilder>("xml.etree.ElementTree.TreeBuilder")
    }
}

#[retic_macros::methods]
impl Feeder {
    /// The handler of the beginning of an element; attributes are a list of names and values in turn.
    #[py("start($self, tag, attributes, /)")]
    fn start(cx: &mut Cx, this: &Ref<Feeder>, tag: &Obj, attributes: &Ref<List>) -> PyResult {
        let names = this.names.cloned(cx);
        let tag = fixed(cx, &names, tag)?;
        let given = attributes.to_vec(cx);
        let mut attrib = None;
        if !given.is_empty() {
            let d = Dict::new(cx)?;
            for pair in given.chunks_exact(2) {
                let name = fixed(cx, &names, &pair[0])?;
                let old = d.insert(cx, &name, pair[1].clone())?;
                cx.release(old);
            }
            attrib = Some(d);
        }
        if let Some(b) = this.builder.cloned(cx) {
            return start(cx, &b, tag, attrib);
        }
        let Some(f) = this.start.cloned(cx) else { return Ok(cx.none()) };
        let attrib = match attrib {
            Some(d) => d,
            None => Dict::new(cx)?,
        };
        protocol::call(cx, &f, &[tag, attrib.into_obj()])
    }
    /// The handler of the end of an element.
    #[py("end($self, tag, /)")]
    fn end(cx: &mut Cx, this: &Ref<Feeder>, tag: &Obj) -> PyResult {
        if let Some(b) = this.builder.cloned(cx) {
            return end(cx, &b);
        }
        let names = this.names.cloned(cx);
        let tag = fixed(cx, &names, tag)?;
        match this.end.cloned(cx) {
            Some(f) => protocol::call(cx, &f, &[tag]),
            None => Ok(cx.none()),
        }
    }
    /// The handler of text.
    #[py("data($self, text, /)")]
    fn data(cx: &mut Cx, this: &Ref<Feeder>, text: &Obj) -> PyResult<()> {
        match this.builder.cloned(cx) {
            Some(b) => collect(cx, &b, text),
            None => Ok(()),
        }
    }
    /// Has `append` called for each of the events named, as a pair of its name and what it is about; gives the bits of those the
    /// parser has to tell by itself. The target must be a builder.
    #[py("report($self, append, events, /)")]
    fn report_to(cx: &mut Cx, this: &Ref<Feeder>, append: &Obj, events: &Obj) -> PyResult<i64> {
        let Some(b) = this.builder.cloned(cx) else {
            return Err(cx.type_error("event handling only supported for ElementTree.TreeBuilder targets"));
        };
        b.append.set(cx, Some(append.clone()));
        b.reported.set(0);
        if events.is_none() {
            b.reported.set(1 << END);
            return Ok(0);
        }
        let mut bits = 0;
        for e in protocol::collect(cx, events)? {
            let name = match e.cast::<retic_runtime::types::Str>() {
                Some(s) => s.to_text(cx),
                None => match e.cast::<retic_runtime::types::Bytes>() {
                    Some(b) => String::from_utf8_lossy(b.bytes()).into_owned(),
                    None => return Err(cx.value_error("invalid events sequence")),
                },
            };
            match EVENTS.iter().position(|n| *n == name) {
                Some(i) => bits |= 1u32 << i,
                None => return Err(cx.value_error(format!("unknown event '{name}'"))),
            }
        }
        b.reported.set(bits);
        Ok(i64::from(bits))
    }
    /// Reports an event of a kind, by its number among the names, that the parser tells by itself.
    #[py("tell($self, kind, what, /)")]
    fn tell(cx: &mut Cx, this: &Ref<Feeder>, kind: &Obj, what: &Obj) -> PyResult<()> {
        let kind = int::to_i64(kind).and_then(|k| u32::try_from(k).ok()).filter(|k| *k < EVENTS.len() as u32);
        match (this.builder.cloned(cx), kind) {
            (Some(b), Some(kind)) => report(cx, &b, kind, what.clone()),
            _ => Ok(()),
        }
    }
}

/// What a parser does that calls handlers which are all a feeder's: the same, without calls.
impl Feeder {
    /// The feeder whose method a handler is.
    pub(crate) fn behind(cx: &Cx, handler: &Obj) -> Option<Ref<Feeder>> {
        let method = handler.cast::<Builtin>()?;
        let this = method.this.get(cx).as_ref()?.cast::<Feeder>()?;
        Some(this.clone())
    }
    /// A name in the tree's form.
    fn name_of(&self, cx: &mut Cx, name: &Name) -> PyResult {
        let number = name.number.map(|n| n as usize);
        if let Some(known) = number.and_then(|n| self.by_number.get(cx).get(n)).filter(|k| !k.is_none()) {
            return Ok(known.clone());
        }
        let spaced = name.text.contains('}');
        let made = if spaced { cx.str(&format!("{{{}", name.text))? } else { cx.str(&name.text)? };
        if let Some(n) = number {
            while self.by_number.get(cx).len() <= n {
                let none = cx.none();
                self.by_number.push(cx, none)?;
            }
            self.by_number.get_mut(cx)[n] = made.clone();
        }
        Ok(made)
    }
    pub(crate) fn begin_element(&self, cx: &mut Cx, tag: &Name, attributes: Vec<(Name, String)>) -> PyResult<()> {
        let tag = self.name_of(cx, tag)?;
        let mut attrib = None;
        if !attributes.is_empty() {
            let d = Dict::new(cx)?;
            for (name, value) in attributes {
                let (name, value) = (self.name_of(cx, &name)?, cx.str(&value)?);
                let old = d.insert(cx, &name, value)?;
                cx.release(old);
            }
            attrib = Some(d);
        }
        let r = match (self.builder.cloned(cx), self.start.cloned(cx)) {
            (Some(b), _) => start(cx, &b, tag, attrib)?,
            (None, Some(f)) => {
                let attrib = match attrib {
                    Some(d) => d,
                    None => Dict::new(cx)?,
                };
                protocol::call(cx, &f, &[tag, attrib.into_obj()])?
            }
            (None, None) => return Ok(()),
        };
        cx.release(r);
        Ok(())
    }
    /// `event`: an element's end.
    pub(crate) fn end_element(&self, cx: &mut Cx, event: &Event) -> PyResult<()> {
        let r = match (self.builder.cloned(cx), self.end.cloned(cx), event) {
            (Some(b), ..) => end(cx, &b)?,
            (None, Some(f), Event::End(name)) => {
                let tag = self.name_of(cx, name)?;
                protocol::call(cx, &f, &[tag])?
            }
            _ => return Ok(()),
        };
        cx.release(r);
        Ok(())
    }
    pub(crate) fn collect_text(&self, cx: &mut Cx, text: &Obj) -> PyResult<()> {
        match self.builder.cloned(cx) {
            Some(b) => collect(cx, &b, text),
            None => Ok(()),
        }
    }
}

pub fn feeder_spec() -> Spec {
    Spec {
        doc: "_Feeder(target)\n\nThe handlers that lead from a parser to a target.",
        flags: flags::GC,
        slots: Slots {
            new: Some(|cx, ty, args| {
                let target = args.unpack(cx, "_Feeder", 1, 1)?[0].clone();
                let mut handler = |name: &'static str| {
                    let name = cx.name(name);
                    protocol::lookup_attr(cx, &target, &name)
                };
                let (start, end) = (handler("start")?, handler("end")?);
                let names = Dict::new(cx)?;
                let own = cx.native_type("xml.etree.ElementTree.TreeBuilder");
                let builder = target.cast::<TreeBuilder>().filter(|b| std::ptr::eq(b.as_obj().ty(), &*own)).cloned();
                let made = memory::new(cx, ty, |head| Feeder {
                    head,
                    builder: Guarded::new(builder),
                    start: Guarded::new(start),
                    end: Guarded::new(end),
                    names: Guarded::new(names),
                    by_number: Guarded::new(Buf::empty()),
                })?;
                Ok(made.into_obj())
            }),
            ..Slots::EMPTY
        },
        methods: Feeder::METHODS,
        ..Spec::new::<Feeder>("_retic_elementtree._Feeder")
    }
}
