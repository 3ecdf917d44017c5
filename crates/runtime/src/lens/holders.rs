//! Who holds an object at this moment: a walk over every live object and every frame. Nothing is kept between walks.

use super::naming::Names;
use super::recorder::Recorder;
use crate::cx::{Cx, PyResult};
use crate::eval::Frame;
use crate::memory;
use crate::object::{Header, Obj};
use crate::types::module::Module;
use crate::types::{Dict, List, Str, Tuple, flags};
use retic_bytecode::Opcode;
use retic_events::{Event, Holder, Link, Look};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// Holders found at the end of a program are not told when they are more than this.
const HOLDERS_MAX: usize = 2_000_000;

/// A variable whose value is looked at whenever a line of a function runs.
pub struct Watch {
    pub function: String,
    pub line: Option<u32>,
    pub name: String,
    /// The line and the site that the function was at last, and where the variable was stored last.
    pub(super) line_before: u32,
    pub(super) last: u32,
    pub(super) value: *mut Header,
    pub(super) stored: u32,
}

impl Watch {
    pub fn new(function: &str, line: Option<u32>, name: &str) -> Watch {
        Watch { function: function.to_string(), line, name: name.to_string(), line_before: 0, last: 0, value: std::ptr::null_mut(), stored: 0 }
    }
    /// The value of the variable in a frame.
    pub(super) fn value_in(&self, cx: &Cx, frame: &Frame) -> Option<Obj> {
        let code = frame.function().code.get(cx).code();
        // In a comprehension that runs inside of it the variables are those of the comprehension first.
        let hidden = |r: &retic_bytecode::inline::Region| Some(r.first as usize + r.code.varnames.iter().position(|v| **v == *self.name)?);
        if let Some(i) = code.inlining().around(frame.offset()).find_map(hidden) {
            return Some(frame.register(frame.exec().own + i).clone()).filter(|o| !o.is_unbound());
        }
        if let Some(i) = code.varnames.iter().position(|v| **v == *self.name) {
            let value = frame.register(i).clone();
            // A parameter that closures share has moved to its cell.
            if !value.is_unbound() || !code.cellvars.contains(&code.varnames[i]) {
                return Some(value).filter(|o| !o.is_unbound());
            }
        }
        if let Some(i) = code.cellvars.iter().chain(&code.freevars).position(|v| **v == *self.name) {
            let (register, in_cell) = frame.exec().cell_place(i);
            let held = frame.register(register);
            return if in_cell { held.cast::<crate::types::CellObj>()?.value.cloned(cx) } else { Some(held.clone()).filter(|o| !o.is_unbound()) };
        }
        // A walk through a namespace is for the line that is asked about only.
        if self.line.is_some_and(|l| l != Names::line_of(cx, frame)) {
            return None;
        }
        let key = self.name.as_bytes();
        let find = |d: &Dict| d.entries(cx).into_iter().find(|(k, _)| k.cast::<Str>().is_some_and(|s| s.to_text(cx).as_bytes() == key)).map(|(_, v)| v);
        let inner = frame.namespace().and_then(|o| o.cast::<Dict>()).and_then(|d| find(d));
        inner.or_else(|| find(frame.function().globals.get(cx)))
    }
}

/// Which dictionary is the namespace of which module.
pub fn namespaces(cx: &Cx) -> FxHashMap<usize, String> {
    let mut out = FxHashMap::default();
    for (k, m) in cx.modules.as_ref().map(|m| m.entries(cx)).unwrap_or_default() {
        if let (Some(name), Some(m)) = (k.cast::<Str>(), m.cast::<Module>()) {
            out.insert(m.dict.get(cx).as_obj().address(), name.to_text(cx));
        }
    }
    out
}

/// What each reference from an object to one of `targets` is there.
fn links(cx: &Cx, owner: &Obj, wanted: &dyn Fn(&Obj) -> bool, found: &mut dyn FnMut(&Obj, Place)) {
    if let Some(d) = owner.cast::<Dict>() {
        for (k, v) in d.entries(cx) {
            if wanted(&v) {
                let key = k.cast::<Str>().map(|s| s.to_text(cx)).or_else(|| crate::types::int::to_i64(&k).map(|i| i.to_string()));
                found(&v, Place::Value(key));
            }
            if wanted(&k) {
                found(&k, Place::Key);
            }
        }
        return;
    }
    if owner.cast::<List>().is_some() || owner.cast::<Tuple>().is_some() {
        let items: &[Obj] = owner.cast::<Tuple>().map_or_else(|| owner.cast::<List>().map_or(&[][..], |l| l.items(cx)), |t| t.items());
        for (i, o) in items.iter().enumerate().filter(|(_, o)| wanted(o)) {
            found(o, Place::Item(i as u32));
        }
        // What instances of derived classes have comes behind the items.
        let mut i = 0;
        memory::trace(cx, owner, &mut |o| {
            if i >= items.len() && wanted(o) {
                found(o, Place::Field);
            }
            i += 1;
        });
        return;
    }
    // Attributes in the instance itself come last in the walk, in the order of their shape.
    let ty = owner.ty();
    let names: Vec<Obj> = if ty.flags.get() & flags::MANAGED != 0 {
        cx.shapes
            .borrow()
            .get((owner.shape().saturating_sub(crate::object::shape::FIRST_FREE)) as usize)
            .map(|s| if s.in_dict { Vec::new() } else { s.names.clone() })
            .unwrap_or_default()
    } else {
        Vec::new()
    };
    let mut all: Vec<Obj> = Vec::new();
    let mut any = false;
    memory::trace(cx, owner, &mut |o| any |= wanted(o));
    if !any {
        return;
    }
    memory::trace(cx, owner, &mut |o| all.push(o.clone()));
    let start = ty.inline_offset.get();
    for o in all.iter().filter(|o| wanted(o)) {
        let attribute = names.iter().enumerate().find(|(i, _)| {
            // SAFETY: inline values below the shape's length are handles or empty.
            let at = unsafe { *owner.as_ptr().as_ptr().cast::<u8>().add(start + i * 8).cast::<*mut Header>() };
            at == o.as_ptr().as_ptr()
        });
        found(o, attribute.and_then(|(_, n)| n.cast::<Str>()).map_or(Place::Field, |n| Place::Attribute(n.to_text(cx))));
    }
}

/// The module whose frames only look.
const LOOKER: &str = "/retic.py";

/// The variables of running frames that hold an object, in words.
fn variables(cx: &Cx, obj: &Obj) -> Vec<String> {
    let mut out = Vec::new();
    for f in cx.stacks.iter() {
        let code = f.function().code.get(cx).code().clone();
        if code.filename.ends_with(LOOKER) {
            continue;
        }
        for i in (0..f.exec().base).filter(|i| f.register(*i).is(obj)) {
            if let Some(name) = code.register_name(i) {
                out.push(format!("local {name} of {}", code.qualname));
            }
        }
    }
    out
}

/// What a reference is, in words: of a module's namespace a variable, which has no owner.
fn in_words(spaces: &FxHashMap<usize, String>, owner: &Obj, place: &Place) -> (bool, String) {
    let words = match (place, spaces.get(&owner.address())) {
        (Place::Value(Some(n)), Some(module)) if module == "__main__" => return (true, format!("global {n}")),
        (Place::Value(Some(n)), Some(module)) => return (true, format!("global {n} of module {module}")),
        (Place::Item(i), _) => format!("item {i}"),
        (Place::Value(Some(n)), _) => format!("value under {n}"),
        (Place::Value(None), _) => "a value".to_string(),
        (Place::Key, _) => "a key".to_string(),
        (Place::Attribute(n), _) => format!("attribute {n}"),
        (Place::Field, _) => "inside".to_string(),
    };
    (false, words)
}

/// Every holder of an object that can be walked to: the object it is in, if it is in one, and what it is there, in words.
/// Variables of frames and of modules have no object. For `import retic`.
pub fn holders(cx: &mut Cx, obj: &Obj) -> PyResult<Vec<(Option<Obj>, String)>> {
    let mut out: Vec<(Option<Obj>, String)> = variables(cx, obj).into_iter().map(|w| (None, w)).collect();
    let spaces = namespaces(cx);
    for owner in walkable(cx) {
        cx.poll_native()?;
        links(cx, &owner, &|o| o.is(obj), &mut |_, place| {
            let (variable, words) = in_words(&spaces, &owner, &place);
            out.push(((!variable).then(|| owner.clone()), words));
        });
    }
    Ok(out)
}

/// The shortest way from an object to a variable: each holder as `holders` gives it. Empty: no variable leads to it.
pub fn chain(cx: &mut Cx, obj: &Obj) -> PyResult<Vec<(Option<Obj>, String)>> {
    let spaces = namespaces(cx);
    let all = walkable(cx);
    let mut owners: FxHashMap<usize, Vec<usize>> = FxHashMap::default();
    for (i, owner) in all.iter().enumerate() {
        cx.poll_native()?;
        memory::trace(cx, owner, &mut |o| {
            let list = owners.entry(o.address()).or_default();
            if list.last() != Some(&i) {
                list.push(i);
            }
        });
    }
    // By address: the owner's number, and the address of what it holds on the way.
    let mut from: FxHashMap<usize, (usize, usize)> = FxHashMap::default();
    let mut work = std::collections::VecDeque::from([obj.clone()]);
    let edge = |cx: &Cx, owner: &Obj, held: usize| {
        let mut found = None;
        links(cx, owner, &|o| o.address() == held, &mut |_, p| {
            if found.is_none() {
                found = Some(in_words(&spaces, owner, &p));
            }
        });
        found.unwrap_or((false, "inside".to_string()))
    };
    let way = |cx: &Cx, from: &FxHashMap<usize, (usize, usize)>, mut at: usize, last: Option<(Option<Obj>, String)>| {
        let mut out: Vec<(Option<Obj>, String)> = last.into_iter().collect();
        while let Some((owner, held)) = from.get(&at) {
            out.push((Some(all[*owner].clone()), edge(cx, &all[*owner], *held).1));
            at = *held;
        }
        out.reverse();
        out
    };
    while let Some(at) = work.pop_front() {
        cx.poll_native()?;
        if let Some(words) = variables(cx, &at).into_iter().next() {
            return Ok(way(cx, &from, at.address(), Some((None, words))));
        }
        for i in owners.get(&at.address()).into_iter().flatten() {
            let owner = &all[*i];
            if spaces.contains_key(&owner.address())
                && let (true, words) = edge(cx, owner, at.address())
            {
                return Ok(way(cx, &from, at.address(), Some((None, words))));
            }
            if !owner.is(obj) && !from.contains_key(&owner.address()) {
                from.insert(owner.address(), (*i, at.address()));
                work.push_back(owner.clone());
            }
        }
    }
    Ok(Vec::new())
}

/// The objects that the collector tracks, and the containers it gave up tracking that those hold.
fn walkable(cx: &Cx) -> Vec<Obj> {
    let mut all = memory::cycles::objects(cx, None);
    all.extend(memory::cycles::objects(cx, Some(3)));
    let mut known: rustc_hash::FxHashSet<usize> = all.iter().map(Obj::address).collect();
    let mut at = 0;
    while at < all.len() {
        let mut more = Vec::new();
        memory::trace(cx, &all[at], &mut |o| {
            if o.ty().flags.get() & flags::GC != 0 && known.insert(o.address()) {
                more.push(o.clone());
            }
        });
        all.extend(more);
        at += 1;
    }
    all
}

enum Place {
    Item(u32),
    Value(Option<String>),
    Key,
    Attribute(String),
    Field,
}

impl Recorder {
    /// Every object that may hold others: those the collector tracks, and those it does not but that were recorded.
    fn owners(&mut self, cx: &Cx) -> Vec<Obj> {
        let mut all = memory::cycles::objects(cx, None);
        all.extend(memory::cycles::objects(cx, Some(3)));
        let known: rustc_hash::FxHashSet<usize> = all.iter().map(Obj::address).collect();
        for address in self.living(cx) {
            if !known.contains(&address) {
                // SAFETY: the block of a recorded object that did not go; a count is taken while it is looked at.
                let raw = unsafe { std::ptr::NonNull::new_unchecked(address as *mut Header) };
                // SAFETY: L1; an object that is dying keeps a count of zero and is left out.
                if unsafe { raw.as_ref() }.count.get() != 0 {
                    // SAFETY: alive; the count that the handle would give back is not given back.
                    let kept = std::mem::ManuallyDrop::new(unsafe { Obj::from_raw(raw) });
                    all.push((*kept).clone());
                }
            }
        }
        // Those from before the recording first, then in the order of their births.
        all.sort_by_cached_key(|o| self.known(o));
        all
    }

    fn holder(&mut self, cx: &Cx, spaces: &FxHashMap<usize, String>, owner: &Obj, place: Place) -> Holder {
        if let (Some(module), Place::Value(Some(name))) = (spaces.get(&owner.address()), &place) {
            let (module, name) = (self.text(module), self.text(name));
            return Holder::Global { module, name };
        }
        let link = match place {
            Place::Item(i) => Link::Item(i),
            Place::Value(Some(n)) => Link::Value(self.text(&n)),
            Place::Value(None) => Link::Value(0),
            Place::Key => Link::Key,
            Place::Attribute(n) => Link::Attribute(self.text(&n)),
            Place::Field => Link::Field,
        };
        Holder::Inside { owner: self.serial(cx, owner), link }
    }

    /// Tells who holds an object now. `held_here`: counts that the caller's handles add.
    pub fn look(&mut self, cx: &Cx, obj: &Obj, kind: Look, held_here: i64, since: u32) {
        let count = obj.count() - held_here;
        let serial = self.serial(cx, obj);
        let spaces = namespaces(cx);
        let mut holders: Vec<(Holder, u32)> = Vec::new();
        let mut stack = Vec::new();
        for (depth, f) in cx.stacks.iter().enumerate() {
            self.frame_holders(cx, f, depth == 0, obj, since, &mut stack);
        }
        holders.append(&mut stack);
        let mut found = Vec::new();
        for owner in self.owners(cx) {
            links(cx, &owner, &|o| o.is(obj), &mut |_, place| found.push((owner.clone(), place)));
        }
        for (owner, place) in found {
            // What a generator, or a frame that runs, has in its registers was counted with the frames.
            let h = self.holder(cx, &spaces, &owner, place);
            holders.push((h, 0));
        }
        self.tell(cx, Event::Looked { serial, count: count as i32, kind, holders: holders.len() as u32 });
        for (holder, since) in holders {
            self.tell(cx, Event::Held { serial, holder, since });
        }
    }

    fn frame_holders(&mut self, cx: &Cx, f: &Frame, top: bool, obj: &Obj, since: u32, out: &mut Vec<(Holder, u32)>) {
        let code = self.code_of(cx, f);
        let exec = f.exec();
        for i in 0..exec.base {
            if f.register(i).is(obj) {
                out.push((Holder::Local { code, slot: i as u32 }, if top { since } else { 0 }));
            }
        }
        let (Some(info), Some(held)) = (f.info(), f.held()) else { return };
        let site = self.site_of(cx, f);
        let window = if top { window_of(cx, f, info.offset) } else { None };
        for r in held.live(exec.base) {
            // A call's window is told as arguments.
            if window.is_none_or(|(w, n)| r < w || r > w + n) && f.register(r).is(obj) {
                out.push((Holder::Stack { code, slot: 0 }, site));
            }
        }
        if let Some((w, n)) = window {
            for i in 1..=n {
                if f.register(w + i).is(obj) {
                    out.push((Holder::Stack { code, slot: i as u32 }, site));
                }
            }
        }
        for slot in [f.extra, f.namespace] {
            if slot == obj.as_ptr().as_ptr() {
                out.push((Holder::Native { by: 0 }, 0));
            }
        }
    }

    /// Tells the holders of everything that the program leaves behind.
    pub fn look_at_all(&mut self, cx: &Cx) {
        let spaces = namespaces(cx);
        let owners = self.owners(cx);
        let mut found: BTreeMap<u64, Vec<(Obj, Place)>> = BTreeMap::new();
        let mut n = 0;
        for owner in &owners {
            links(cx, owner, &|o| self.known(o) != 0, &mut |o, place| {
                n += 1;
                found.entry(self.known(o)).or_default().push((owner.clone(), place));
            });
            if n > HOLDERS_MAX {
                return;
            }
        }
        drop(owners);
        for (serial, places) in found {
            self.tell(cx, Event::Looked { serial, count: -1, kind: Look::End, holders: places.len() as u32 });
            for (owner, place) in places {
                let holder = self.holder(cx, &spaces, &owner, place);
                self.tell(cx, Event::Held { serial, holder, since: 0 });
            }
        }
    }
}

/// The window of the call that the top frame carries out: its first register and the number of arguments.
fn window_of(cx: &Cx, f: &Frame, offset: u32) -> Option<(usize, usize)> {
    let code = f.function().code.get(cx).code();
    let op = Opcode::from_u8(*code.code.get(offset as usize)?)?;
    if cx.lens.callee.get().is_null() || !matches!(op, Opcode::CALL_FUNCTION | Opcode::CALL_METHOD) {
        return None;
    }
    // SAFETY: the instruction is a call: operand 1 of word 1 is its window, word 2 the number of arguments.
    let (mut w, mut n) = unsafe { (*f.pc.add(1).cast::<u16>().add(1) as usize, *f.pc.add(2) as usize) };
    if op == Opcode::CALL_METHOD {
        if f.register(w).is_unbound() {
            w += 1;
        } else {
            n += 1;
        }
    }
    Some((w, n))
}

impl Names {
    /// The line where a frame is.
    pub fn line_of(cx: &Cx, frame: &Frame) -> u32 {
        let code = frame.function().code.get(cx).code();
        retic_bytecode::lines::line_of(&code, frame.offset())
    }
}
