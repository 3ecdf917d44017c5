//! `Element`.

use super::{dict_argument, or_none, walk};
use retic_runtime::object::{Buf, Guarded};
use retic_runtime::types::type_::flags;
use retic_runtime::types::{Dict, List, Slice, Slots, Spec, Str, Tuple, Type, slice};
use retic_runtime::{Args, Cx, Obj, PyResult, Ref, layout, memory, protocol};

layout! {
    /// An element. `attrib` is made when it is first asked for or written.
    pub struct Element = 337, "xml.etree.ElementTree.Element" {
        tag: Guarded<Option<Obj>>,
        text: Guarded<Option<Obj>>,
        tail: Guarded<Option<Obj>>,
        attrib: Guarded<Option<Ref<Dict>>>,
        children: Guarded<Buf<Obj>>,
    }
}

type E = Ref<Element>;

pub fn of_type(cx: &Cx, ty: &Type, tag: Option<Obj>, attrib: Option<Ref<Dict>>) -> PyResult<E> {
    let (text, tail) = (Guarded::new(None), Guarded::new(None));
    memory::new(cx, ty, |head| Element { head, tag: Guarded::new(tag), text, tail, attrib: Guarded::new(attrib), children: Guarded::new(Buf::empty()) })
}

/// An element of the class itself.
pub fn make(cx: &mut Cx, tag: Obj, attrib: Option<Ref<Dict>>) -> PyResult<E> {
    let ty = cx.native_type("xml.etree.ElementTree.Element");
    of_type(cx, &ty, Some(tag), attrib)
}

/// The attributes of a new element: a copy of those given, with the keywords; nothing where there are none.
pub fn attributes(cx: &mut Cx, given: Option<&Ref<Dict>>, kwargs: &[(&Obj, &Obj)]) -> PyResult<Option<Ref<Dict>>> {
    let mut given = given.cloned();
    let mut rest = Vec::new();
    for (k, v) in kwargs {
        if given.is_none() && k.cast::<Str>().is_some_and(|k| k.eq_str(cx, "attrib")) {
            given = dict_argument(cx, Some(v), "attrib")?.cloned();
        } else {
            rest.push((*k, *v));
        }
    }
    if rest.is_empty() && given.as_ref().is_none_or(|d| d.len(cx) == 0) {
        return Ok(None);
    }
    let new = Dict::new(cx)?;
    if let Some(d) = given {
        new.update_from(cx, d.as_obj())?;
    }
    for (k, v) in rest {
        let old = new.insert(cx, k, v.clone())?;
        cx.release(old);
    }
    Ok(Some(new))
}

pub fn append(cx: &mut Cx, parent: &E, child: Obj) -> PyResult<()> {
    parent.children.push(cx, child)
}

/// An argument that must be an element.
fn element<'a>(cx: &Cx, o: &'a Obj, what: &str) -> PyResult<&'a Obj> {
    if o.cast::<Element>().is_some() { Ok(o) } else { Err(cx.type_error(format!("{what} must be xml.etree.ElementTree.Element, not {}", o.ty().name_text()))) }
}

fn expect_element(cx: &Cx, o: &Obj) -> PyResult<()> {
    if o.cast::<Element>().is_some() { Ok(()) } else { Err(cx.type_error(format!("expected an Element, not \"{}\"", o.ty().name_text()))) }
}

/// The items of an iterable of elements, before anything of it is used.
fn elements(cx: &mut Cx, o: &Obj, complaint: &str) -> PyResult<Vec<Obj>> {
    let items = match protocol::collect(cx, o) {
        Err(_) if cx.error_is(&cx.types.type_error) && o.ty().slots(cx).iter.is_none() => {
            cx.clear_error();
            return Err(cx.type_error(complaint));
        }
        r => r?,
    };
    for o in &items {
        expect_element(cx, o)?;
    }
    Ok(items)
}

/// The attributes, made if there were none.
fn attrib(cx: &mut Cx, this: &E) -> PyResult<Ref<Dict>> {
    if let Some(d) = this.attrib.cloned(cx) {
        return Ok(d);
    }
    let d = Dict::new(cx)?;
    this.attrib.set(cx, Some(d.clone()));
    Ok(d)
}

/// Whether a path is nothing but the name of a child, which needs no `ElementPath`.
fn is_name(path: &Obj) -> bool {
    let Some(s) = path.cast::<Str>() else { return true };
    // Namespaces may be anything but "any" and "none".
    let at = |i: usize| if i < s.len() { char::from_u32(s.chars().get(i)) } else { None };
    let mut inside = false;
    for i in 0..s.len() {
        match at(i) {
            Some('{') if matches!((at(i + 1), at(i + 2)), (Some('}'), _) | (Some('*'), Some('}'))) => return false,
            Some('{') => inside = true,
            Some('}') => inside = false,
            Some('/' | '*' | '[' | '@' | '.') if !inside => return false,
            _ => {}
        }
    }
    true
}

fn through_paths(cx: &mut Cx, this: &E, function: &'static str, args: &[Obj]) -> PyResult {
    let m = retic_runtime::modules::import(cx, "xml.etree.ElementPath")?;
    let mut all = vec![this.as_obj().clone()];
    all.extend(args.iter().cloned());
    protocol::call_method(cx, &m, function, &all)
}

/// The children whose tag a name is, one by one; `what` says whether to go on.
fn named(cx: &mut Cx, this: &E, name: &Obj, mut what: impl FnMut(&mut Cx, &E) -> PyResult<bool>) -> PyResult<()> {
    let mut i = 0;
    while let Some(child) = this.children.get(cx).get(i).cloned() {
        i += 1;
        let Some(e) = child.cast::<Element>().cloned() else { continue };
        let tag = or_none(cx, e.tag.cloned(cx));
        if protocol::equal(cx, &tag, name)? && !what(cx, &e)? {
            break;
        }
        cx.poll_native()?;
    }
    Ok(())
}

fn new_children(cx: &mut Cx, this: &E, items: Vec<Obj>) -> PyResult<()> {
    let new = Buf::from_vec(cx, items)?;
    let old = this.children.replace(cx, new);
    cx.release(old);
    Ok(())
}

fn getitem(cx: &mut Cx, o: &Obj, key: &Obj) -> PyResult {
    let Some(this) = o.cast::<Element>().cloned() else { return Ok(cx.none()) };
    if let Some(s) = key.cast::<Slice>() {
        let at = slice::resolve_late(cx, s, |cx| this.children.get(cx).len())?;
        let items = this.children.get(cx);
        let picked = at.indices().filter_map(|i| items.get(i).cloned()).collect();
        return cx.list(picked);
    }
    let i = index(cx, key)?;
    let items = this.children.get(cx);
    match protocol::wrap_index(i, items.len()) {
        Some(i) => Ok(items[i].clone()),
        None => Err(cx.index_error("child index out of range")),
    }
}

fn index(cx: &mut Cx, key: &Obj) -> PyResult<i64> {
    if key.ty().slots(cx).index.is_none() {
        return Err(cx.type_error("element indices must be integers"));
    }
    protocol::index_i64(cx, key)
}

fn setitem(cx: &mut Cx, o: &Obj, key: &Obj, value: Option<&Obj>) -> PyResult<()> {
    let Some(this) = o.cast::<Element>().cloned() else { return Ok(()) };
    if let Some(s) = key.cast::<Slice>() {
        let new = match value {
            Some(v) => elements(cx, v, "assignment expects an iterable")?,
            None => Vec::new(),
        };
        let at = slice::resolve_late(cx, s, |cx| this.children.get(cx).len())?;
        let mut items: Vec<Obj> = this.children.get(cx).iter().cloned().collect();
        if at.step == 1 {
            let start = at.start as usize;
            items.splice(start..start + at.len, new);
        } else if value.is_none() {
            let mut gone: Vec<usize> = at.indices().collect();
            gone.sort_unstable();
            for i in gone.into_iter().rev() {
                items.remove(i);
            }
        } else {
            if new.len() != at.len {
                return Err(cx.value_error(format!("attempt to assign sequence of size {} to extended slice of size {}", new.len(), at.len)));
            }
            for (i, v) in at.indices().zip(new) {
                items[i] = v;
            }
        }
        return new_children(cx, &this, items);
    }
    let i = index(cx, key)?;
    let Some(i) = protocol::wrap_index(i, this.children.get(cx).len()) else { return Err(cx.index_error("child assignment index out of range")) };
    let old = match value {
        Some(v) => {
            expect_element(cx, v)?;
            std::mem::replace(&mut this.children.get_mut(cx)[i], v.clone())
        }
        None => this.children.get_mut(cx).remove(i),
    };
    cx.release(old);
    Ok(())
}

fn init(cx: &mut Cx, o: &Obj, args: Args<'_>) -> PyResult<()> {
    let Some(this) = o.cast::<Element>().cloned() else { return Ok(()) };
    let p = args.positional();
    if !(1..=2).contains(&p.len()) {
        let most = if p.is_empty() { "at least 1 argument" } else { "at most 2 arguments" };
        return Err(cx.type_error(format!("Element() takes {most} ({} given)", p.len())));
    }
    let given = dict_argument(cx, p.get(1), "Element() argument 2")?;
    let kwargs: Vec<(&Obj, &Obj)> = args.keywords().collect();
    let attrib = attributes(cx, given, &kwargs)?;
    this.attrib.set(cx, attrib);
    this.tag.set(cx, Some(p[0].clone()));
    this.text.set(cx, None);
    this.tail.set(cx, None);
    Ok(())
}

#[retic_macros::methods]
impl Element {
    #[py("append($self, subelement, /)")]
    fn append_method(cx: &mut Cx, this: &E, subelement: &Obj) -> PyResult<()> {
        let new = element(cx, subelement, "append() argument 1")?.clone();
        append(cx, this, new)
    }
    #[py("clear($self, /)")]
    fn clear(cx: &mut Cx, this: &E) {
        this.attrib.set(cx, None);
        let old = this.children.replace(cx, Buf::empty());
        cx.release(old);
        this.text.set(cx, None);
        this.tail.set(cx, None);
    }
    #[py("extend($self, elements, /)")]
    fn extend(cx: &mut Cx, this: &E, elements: &Obj) -> PyResult<()> {
        let items = match protocol::collect(cx, elements) {
            Err(_) if cx.error_is(&cx.types.type_error) && elements.ty().slots(cx).iter.is_none() => {
                cx.clear_error();
                return Err(cx.type_error("'elements' must be an iterable"));
            }
            r => r?,
        };
        for o in items {
            expect_element(cx, &o)?;
            append(cx, this, o)?;
        }
        Ok(())
    }
    #[py("find($self, /, path, namespaces=None)")]
    fn find(cx: &mut Cx, this: &E, path: &Obj, namespaces: Option<&Obj>) -> PyResult {
        let spaces = or_none(cx, namespaces.cloned());
        if !is_name(path) || !spaces.is_none() {
            return through_paths(cx, this, "find", &[path.clone(), spaces]);
        }
        let mut found = None;
        named(cx, this, path, |_, e| {
            found = Some(e.as_obj().clone());
            Ok(false)
        })?;
        Ok(or_none(cx, found))
    }
    #[py("findtext($self, /, path, default=None, namespaces=None)")]
    fn findtext(cx: &mut Cx, this: &E, path: &Obj, default: Option<&Obj>, namespaces: Option<&Obj>) -> PyResult {
        let (default, spaces) = (or_none(cx, default.cloned()), or_none(cx, namespaces.cloned()));
        if !is_name(path) || !spaces.is_none() {
            return through_paths(cx, this, "findtext", &[path.clone(), default, spaces]);
        }
        let mut found = None;
        named(cx, this, path, |cx, e| {
            found = Some(e.text.cloned(cx).filter(|t| !t.is_none()).map_or_else(|| cx.str(""), Ok)?);
            Ok(false)
        })?;
        Ok(found.unwrap_or(default))
    }
    #[py("findall($self, /, path, namespaces=None)")]
    fn findall(cx: &mut Cx, this: &E, path: &Obj, namespaces: Option<&Obj>) -> PyResult {
        let spaces = or_none(cx, namespaces.cloned());
        if !is_name(path) || !spaces.is_none() {
            return through_paths(cx, this, "findall", &[path.clone(), spaces]);
        }
        let mut found = Vec::new();
        named(cx, this, path, |cx, e| {
            protocol::grow(cx, &mut found, 1)?;
            found.push(e.as_obj().clone());
            Ok(true)
        })?;
        cx.list(found)
    }
    #[py("iterfind($self, /, path, namespaces=None)")]
    fn iterfind(cx: &mut Cx, this: &E, path: &Obj, namespaces: Option<&Obj>) -> PyResult {
        let spaces = or_none(cx, namespaces.cloned());
        through_paths(cx, this, "iterfind", &[path.clone(), spaces])
    }
    #[py("get($self, /, key, default=None)")]
    fn get_method(cx: &mut Cx, this: &E, key: &Obj, default: Option<&Obj>) -> PyResult {
        let found = match this.attrib.cloned(cx) {
            Some(d) => d.get(cx, key)?,
            None => None,
        };
        Ok(or_none(cx, found.or(default.cloned())))
    }
    #[py("set($self, key, value, /)")]
    fn set_method(cx: &mut Cx, this: &E, key: &Obj, value: &Obj) -> PyResult<()> {
        let d = attrib(cx, this)?;
        let old = d.insert(cx, key, value.clone())?;
        cx.release(old);
        Ok(())
    }
    #[py("keys($self, /)")]
    fn keys(cx: &mut Cx, this: &E) -> PyResult {
        let keys = this.attrib.cloned(cx).map_or_else(Vec::new, |d| d.entries(cx).into_iter().map(|e| e.0).collect());
        cx.list(keys)
    }
    #[py("items($self, /)")]
    fn items(cx: &mut Cx, this: &E) -> PyResult {
        let mut items = Vec::new();
        for (k, v) in this.attrib.cloned(cx).map_or_else(Vec::new, |d| d.entries(cx)) {
            items.push(cx.tuple_of([k, v])?);
        }
        cx.list(items)
    }
    #[py("insert($self, index, subelement, /)")]
    fn insert(cx: &mut Cx, this: &E, index: &Obj, subelement: &Obj) -> PyResult<()> {
        let index = protocol::index_i64(cx, index)?;
        let new = element(cx, subelement, "insert() argument 2")?.clone();
        let n = this.children.get(cx).len() as i64;
        let at = if index < 0 { (index + n).max(0) } else { index.min(n) } as usize;
        this.children.insert(cx, at, new)
    }
    #[py("iter($self, /, tag=None)")]
    fn iter(cx: &mut Cx, this: &E, tag: Option<&Obj>) -> PyResult {
        let all = tag.is_none_or(|t| t.cast::<Str>().is_some_and(|s| s.eq_str(cx, "*")));
        walk::over(cx, this, tag.filter(|_| !all).cloned(), false)
    }
    #[py("itertext($self, /)")]
    fn itertext(cx: &mut Cx, this: &E) -> PyResult {
        walk::over(cx, this, None, true)
    }
    #[py("makeelement($self, tag, attrib, /)")]
    fn makeelement(cx: &mut Cx, this: &E, tag: &Obj, attrib: &Obj) -> PyResult {
        let _ = this;
        let given = dict_argument(cx, Some(attrib), "makeelement() argument 2")?.cloned();
        let attrib = attributes(cx, given.as_ref(), &[])?;
        Ok(make(cx, tag.clone(), attrib)?.into_obj())
    }
    #[py("remove($self, subelement, /)")]
    fn remove(cx: &mut Cx, this: &E, subelement: &Obj) -> PyResult<()> {
        element(cx, subelement, "remove() argument")?;
        let mut found = this.children.get(cx).iter().position(|c| c.is(subelement));
        let mut i = 0;
        while found.is_none()
            && let Some(c) = this.children.get(cx).get(i).cloned()
        {
            if protocol::equal(cx, &c, subelement)? {
                found = Some(i);
            }
            i += 1;
        }
        match found.filter(|i| *i < this.children.get(cx).len()) {
            Some(i) => {
                let old = this.children.get_mut(cx).remove(i);
                cx.release(old);
                Ok(())
            }
            None => Err(cx.value_error("Element.remove(x): element not found")),
        }
    }
    #[py("__copy__($self, /)")]
    fn copy(cx: &mut Cx, this: &E) -> PyResult {
        let (tag, attrib) = (or_none(cx, this.tag.cloned(cx)), this.attrib.cloned(cx));
        let new = make(cx, tag, attrib)?;
        let (text, tail) = (this.text.cloned(cx), this.tail.cloned(cx));
        new.text.set(cx, text);
        new.tail.set(cx, tail);
        let children = this.children.get(cx).iter().cloned().collect();
        new_children(cx, &new, children)?;
        Ok(new.into_obj())
    }
    #[py("__deepcopy__($self, memo, /)")]
    fn deepcopy(cx: &mut Cx, this: &E, memo: &Obj) -> PyResult {
        cx.room()?;
        let copy = retic_runtime::modules::import(cx, "copy")?;
        let deep = |cx: &mut Cx, o: Obj| protocol::call_method(cx, &copy, "deepcopy", &[o, memo.clone()]);
        let tag = or_none(cx, this.tag.cloned(cx));
        let tag = deep(cx, tag)?;
        let attrib = match this.attrib.cloned(cx) {
            Some(d) => deep(cx, d.into_obj())?.cast::<Dict>().cloned(),
            None => None,
        };
        let new = make(cx, tag, attrib)?;
        for (from, to) in [(&this.text, &new.text), (&this.tail, &new.tail)] {
            if let Some(t) = from.cloned(cx) {
                let t = deep(cx, t)?;
                to.set(cx, Some(t));
            }
        }
        let mut i = 0;
        while let Some(c) = this.children.get(cx).get(i).cloned() {
            let c = deep(cx, c)?;
            expect_element(cx, &c)?;
            append(cx, &new, c)?;
            i += 1;
        }
        if let Some(memo) = memo.cast::<Dict>() {
            let id = cx.int(this.as_obj().address() as i64)?;
            memo.insert(cx, &id, new.as_obj().clone())?;
        }
        Ok(new.into_obj())
    }
    #[py("__getstate__($self, /)")]
    fn getstate(cx: &mut Cx, this: &E) -> PyResult {
        let d = Dict::new(cx)?;
        let children = this.children.get(cx).iter().cloned().collect();
        let children = cx.list(children)?;
        let attrib = match this.attrib.cloned(cx) {
            Some(d) => d.into_obj(),
            None => Dict::new(cx)?.into_obj(),
        };
        let (tag, text, tail) = (this.tag.cloned(cx), this.text.cloned(cx), this.tail.cloned(cx));
        for (name, value) in [("tag", tag), ("_children", Some(children)), ("attrib", Some(attrib)), ("text", text), ("tail", tail)] {
            let (name, value) = (cx.name(name), or_none(cx, value));
            d.insert(cx, name.as_obj(), value)?;
        }
        Ok(d.into_obj())
    }
    #[py("__setstate__($self, state, /)")]
    fn setstate(cx: &mut Cx, this: &E, state: &Obj) -> PyResult<()> {
        let Some(d) = state.cast::<Dict>().cloned() else {
            let shown = protocol::repr_text(cx, state)?;
            return Err(cx.type_error(format!("Don't know how to unpickle \"{shown}\" as an Element")));
        };
        let mut found: [Option<Obj>; 5] = [const { None }; 5];
        for (k, v) in d.entries(cx) {
            let name = k.cast::<Str>().map_or_else(|| "?".to_string(), |s| s.to_text(cx));
            match ["tag", "_children", "attrib", "text", "tail"].iter().position(|n| *n == name) {
                Some(i) => found[i] = Some(v),
                None => return Err(cx.type_error(format!("this function got an unexpected keyword argument '{name}'"))),
            }
        }
        let [tag, children, attrib, text, tail] = found;
        let items = match &children {
            Some(c) if c.cast::<List>().is_some() || c.cast::<Tuple>().is_some() => elements(cx, c, "")?,
            Some(c) if !c.is_none() => return Err(cx.type_error(format!("'_children' is not a list, but {}", c.ty().name_text()))),
            _ => Vec::new(),
        };
        let attrib = dict_argument(cx, attrib.as_ref().filter(|a| !a.is_none()), "attrib")?.cloned();
        this.tag.set(cx, tag);
        this.text.set(cx, text);
        this.tail.set(cx, tail);
        this.attrib.set(cx, attrib);
        new_children(cx, this, items)
    }
    #[py("__sizeof__($self, /)")]
    fn sizeof(cx: &mut Cx, this: &E) -> usize {
        // The C type's: its head; then attributes, counts and places for four children, or more elsewhere.
        const EXTRA: usize = 64;
        const INSIDE: usize = 4;
        let n = this.children.get(cx).len();
        let more = this.attrib.get(cx).is_some() || n > 0;
        retic_runtime::types::type_::sizes::basic(cx, this.as_obj()) + if more { EXTRA } else { 0 } + if n > INSIDE { this.children.get(cx).capacity().max(n) * 8 } else { 0 }
    }
    #[get("tag")]
    #[settable("")]
    fn tag_get(cx: &mut Cx, this: &E) -> Obj {
        or_none(cx, this.tag.cloned(cx))
    }
    #[get("text")]
    #[settable("")]
    fn text_get(cx: &mut Cx, this: &E) -> Obj {
        or_none(cx, this.text.cloned(cx))
    }
    #[get("tail")]
    #[settable("")]
    fn tail_get(cx: &mut Cx, this: &E) -> Obj {
        or_none(cx, this.tail.cloned(cx))
    }
    #[get("attrib")]
    #[settable("")]
    fn attrib_get(cx: &mut Cx, this: &E) -> PyResult {
        Ok(attrib(cx, this)?.into_obj())
    }
}

fn given<'a>(cx: &Cx, value: Option<&'a Obj>) -> PyResult<&'a Obj> {
    value.ok_or_else(|| cx.attribute_error("can't delete element attribute"))
}

impl Element {
    fn set_tag_get(cx: &mut Cx, this: &E, value: Option<&Obj>) -> PyResult<()> {
        let v = given(cx, value)?.clone();
        this.tag.set(cx, Some(v));
        Ok(())
    }
    fn set_text_get(cx: &mut Cx, this: &E, value: Option<&Obj>) -> PyResult<()> {
        let v = given(cx, value)?.clone();
        this.text.set(cx, Some(v));
        Ok(())
    }
    fn set_tail_get(cx: &mut Cx, this: &E, value: Option<&Obj>) -> PyResult<()> {
        let v = given(cx, value)?.clone();
        this.tail.set(cx, Some(v));
        Ok(())
    }
    fn set_attrib_get(cx: &mut Cx, this: &E, value: Option<&Obj>) -> PyResult<()> {
        let v = given(cx, value)?;
        let d = dict_argument(cx, Some(v), "attrib")?.cloned();
        this.attrib.set(cx, d);
        Ok(())
    }
}

pub fn spec() -> Spec {
    Spec {
        flags: flags::GC | flags::MANAGED | flags::WEAK | flags::BASE,
        slots: Slots {
            new: Some(|cx, ty, _| Ok(of_type(cx, ty, None, None)?.into_obj())),
            init: Some(init),
            repr: Some(|cx, o| {
                let Some(this) = o.cast::<Element>().cloned() else { return Ok(cx.none()) };
                let tag = or_none(cx, this.tag.cloned(cx));
                let Some(mark) = protocol::enter_repr(cx, o) else {
                    return Err(cx.runtime_error(format!("reentrant call inside {}.__repr__", o.ty().name_text())));
                };
                let shown = protocol::repr_text(cx, &tag);
                protocol::leave_repr(cx, mark);
                let text = format!("<Element {} at {:#x}>", shown?, o.address());
                cx.str(&text)
            }),
            len: Some(|cx, o| Ok(o.cast::<Element>().map_or(0, |e| e.children.get(cx).len()))),
            bool: Some(|cx, o| {
                let text = "Testing an element's truth value will always return True in future versions.  Use specific 'len(elem)' or 'elem is not None' test instead.";
                let class = cx.types.deprecation_warning.clone();
                retic_runtime::modules::warnings::warn(cx, &class, text, 1)?;
                Ok(o.cast::<Element>().is_some_and(|e| !e.children.get(cx).is_empty()))
            }),
            getitem: Some(getitem),
            setitem: Some(setitem),
            ..Slots::EMPTY
        },
        methods: Element::METHODS,
        getset: Element::GETSET,
        ..Spec::new::<Element>("xml.etree.ElementTree.Element")
    }
}
