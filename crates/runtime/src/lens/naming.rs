//! Numbers for what events speak of: codes, sites, types, names. The sink hears of each before its first event.

use crate::cx::Cx;
use crate::eval::Frame;
use crate::object::Header;
use crate::types::{CodeObj, Type};
use retic_bytecode::{Code, Const};
use retic_events::Sink;
use retic_wire::Category;
use rustc_hash::FxHashMap;
use std::ptr::NonNull;
use std::rc::Rc;

/// Numbers given last, by the end of an address.
struct Recent(Box<[(usize, u32); NEAR]>);

const NEAR: usize = 512;

impl Default for Recent {
    fn default() -> Recent {
        Recent(Box::new([(0, 0); NEAR]))
    }
}

impl Recent {
    #[inline(always)]
    fn slot(&mut self, address: usize) -> &mut (usize, u32) {
        &mut self.0[((address >> 3) ^ (address >> 12)) % NEAR]
    }
}

/// The numbers given so far.
#[derive(Default)]
pub struct Names {
    /// By what runs, and the offset where it begins: a comprehension that runs inside of another code counts for itself.
    codes: FxHashMap<(usize, u32), u32>,
    mine: Vec<bool>,
    /// By address of the instruction.
    at: FxHashMap<usize, u32>,
    sites: FxHashMap<(u32, u32), u32>,
    /// Sites, by address of the instruction.
    recent: Recent,
    types: FxHashMap<usize, (u32, Category)>,
    next_type: u32,
    texts: FxHashMap<String, u32>,
    callees: FxHashMap<usize, u32>,
    last_callee: (usize, u32),
    /// By the end of the address: codes asked for last.
    near_codes: Recent,
    /// Places in a frame's own code, by address of the instruction.
    outer: Recent,
}

impl Names {
    /// The number of a frame's code.
    pub fn code(&mut self, cx: &Cx, sink: &mut dyn Sink, frame: &Frame) -> u32 {
        let exec = frame.exec as usize;
        let near = *self.near_codes.slot(exec);
        if near.0 == exec {
            return near.1;
        }
        let key = (exec, 0);
        let id = match self.codes.get(&key) {
            Some(id) => *id,
            None => self.new_code(sink, key, &frame.function().code.get(cx).code()),
        };
        *self.near_codes.slot(exec) = (exec, id);
        id
    }
    fn new_code(&mut self, sink: &mut dyn Sink, key: (usize, u32), code: &Code) -> u32 {
        let id = self.mine.len() as u32 + 1;
        let mine = sink.is_mine(&code.filename);
        sink.code(id, &retic_bytecode::pack::write(&shallow(code, mine)).unwrap_or_default(), mine);
        self.codes.insert(key, id);
        self.mine.push(mine);
        id
    }
    /// The code that a frame is in, which may be a comprehension's, and the offset there.
    fn inner(&mut self, cx: &Cx, sink: &mut dyn Sink, frame: &Frame) -> (u32, u32) {
        let offset = frame.offset();
        let code = frame.function().code.get(cx).code().clone();
        let (inner, within) = code.resolve(offset);
        let key = (frame.exec as usize, offset - within);
        match self.codes.get(&key) {
            Some(id) => (*id, within),
            None => (self.new_code(sink, key, inner), within),
        }
    }
    /// Whether a code is the user's.
    pub fn is_mine(&self, code: u32) -> bool {
        (code as usize).checked_sub(1).and_then(|i| self.mine.get(i)).copied().unwrap_or(false)
    }
    /// The number of the place at an instruction, if it was asked for lately; else 0.
    #[inline(always)]
    pub fn known_site(&mut self, pc: usize) -> u32 {
        let recent = *self.recent.slot(pc);
        if recent.0 == pc { recent.1 } else { 0 }
    }
    /// The number of the place at an instruction that was asked for before; else 0.
    pub fn site_at(&mut self, pc: usize) -> u32 {
        match self.known_site(pc) {
            0 => self.at.get(&pc).copied().unwrap_or(0),
            known => known,
        }
    }
    /// The number of the place where a frame is.
    pub fn site(&mut self, cx: &Cx, sink: &mut dyn Sink, frame: &Frame) -> u32 {
        let pc = frame.pc as usize;
        let recent = *self.recent.slot(pc);
        if recent.0 == pc {
            return recent.1;
        }
        let id = match self.at.get(&pc) {
            Some(id) => *id,
            None => {
                let (code, offset) = self.inner(cx, sink, frame);
                let next = self.sites.len() as u32 + 1;
                let id = *self.sites.entry((code, offset)).or_insert(next);
                if id == next {
                    sink.site(id, code, offset);
                }
                self.at.insert(pc, id);
                id
            }
        };
        *self.recent.slot(pc) = (pc, id);
        id
    }
    /// The number of the place in a frame's own code: of a comprehension inside of it, where it is called.
    pub fn outer_site(&mut self, cx: &Cx, sink: &mut dyn Sink, frame: &Frame) -> u32 {
        let site = self.find_outer_site(cx, sink, frame);
        *self.outer.slot(frame.pc as usize) = (frame.pc as usize, site);
        site
    }
    /// The same of an instruction that was asked about lately; else 0.
    #[inline(always)]
    pub fn known_outer_site(&mut self, pc: usize) -> u32 {
        let known = *self.outer.slot(pc);
        if known.0 == pc { known.1 } else { 0 }
    }
    fn find_outer_site(&mut self, cx: &Cx, sink: &mut dyn Sink, frame: &Frame) -> u32 {
        if frame.exec().own == frame.exec().base {
            return self.site(cx, sink, frame);
        }
        let code = frame.function().code.get(cx).code().clone();
        let Some(called) = code.inlining().around(frame.offset()).last().map(|r| r.call) else { return self.site(cx, sink, frame) };
        let of = self.code(cx, sink, frame);
        let next = self.sites.len() as u32 + 1;
        let id = *self.sites.entry((of, called)).or_insert(next);
        if id == next {
            sink.site(id, of, called);
        }
        id
    }
    /// The number of a type, and whose blocks those of its dead become.
    pub fn type_of(&mut self, sink: &mut dyn Sink, ty: NonNull<Type>) -> (u32, Category) {
        let key = ty.as_ptr() as usize;
        if let Some(known) = self.types.get(&key) {
            return *known;
        }
        self.next_type += 1;
        // SAFETY: the type of a live object is live.
        let name = unsafe { ty.as_ref() }.name_text();
        sink.type_name(self.next_type, &name);
        let known = (self.next_type, Category::of(&name));
        self.types.insert(key, known);
        known
    }
    /// The number of a text.
    pub fn text(&mut self, sink: &mut dyn Sink, text: &str) -> u32 {
        if let Some(id) = self.texts.get(text) {
            return *id;
        }
        let id = self.texts.len() as u32 + 1;
        sink.name(id, text);
        self.texts.insert(text.to_string(), id);
        id
    }
    /// The name of what is called; 0: it is not native.
    pub fn callee(&mut self, sink: &mut dyn Sink, callee: *mut Header) -> u32 {
        if callee.is_null() {
            return 0;
        }
        // SAFETY: the register of a call holds what is called until the call is over.
        let obj = unsafe { crate::eval::peek(&callee) };
        let key = key_of(obj);
        if key == NOT_NATIVE {
            return 0;
        }
        if self.last_callee.0 == key {
            return self.last_callee.1;
        }
        let id = match self.callees.get(&key) {
            Some(id) => *id,
            None => {
                let text = callee_name(obj);
                let id = self.text(sink, &text);
                self.callees.insert(key, id);
                id
            }
        };
        self.last_callee = (key, id);
        id
    }
    /// As `forget`, of an object that is not known: no address stands for a number any more.
    pub fn forget_all(&mut self) {
        self.codes.clear();
        self.at.clear();
        self.types.clear();
        self.callees.clear();
        (self.recent, self.outer, self.near_codes) = Default::default();
        self.last_callee = (0, 0);
    }
    /// A type or a code object dies: its address may be another's soon. Whether it is one.
    #[inline]
    pub fn forget(&mut self, obj: &crate::object::Obj) -> bool {
        let known = obj.cast::<Type>().is_some() || obj.cast::<CodeObj>().is_some();
        if known {
            self.forget_this(obj);
        }
        known
    }
    #[cold]
    #[inline(never)]
    fn forget_this(&mut self, obj: &crate::object::Obj) {
        if obj.cast::<Type>().is_some() {
            self.types.remove(&obj.address());
            self.callees.remove(&obj.address());
            self.last_callee = (0, 0);
        } else if let Some(code) = obj.cast::<CodeObj>() {
            let exec = code.exec_known();
            if !exec.is_null() {
                self.codes.retain(|key, _| key.0 != exec as usize);
                // SAFETY: the code object is whole until it is taken apart.
                let words = unsafe { &(*exec).words }.as_ptr_range();
                let (from, to) = (words.start as usize, words.end as usize);
                self.at.retain(|pc, _| *pc < from || *pc >= to);
                (self.recent, self.outer, self.near_codes) = Default::default();
            }
        }
    }
}

/// What stands for a callable that is not native.
const NOT_NATIVE: usize = 1;
/// What stands for a callable that nobody has asked about.
pub const NOT_ASKED: u64 = u64::MAX;

/// By what a native callable is known: the same for every binding of a function.
fn key_of(obj: &crate::object::Obj) -> usize {
    match (obj.cast::<crate::types::function::Builtin>(), crate::types::descriptor::method_parts(obj)) {
        (Some(b), _) => b.def.get() as *const _ as usize,
        (_, Some((_, def))) => def as *const _ as usize,
        _ if obj.cast::<Type>().is_some() => obj.address(),
        _ => NOT_NATIVE,
    }
}

/// A word for what is called; 0: nothing is.
#[inline(always)]
pub fn callee_word(lens: &super::Lens) -> u64 {
    let word = lens.callee_word.get();
    if word == NOT_ASKED { new_callee_word(lens, lens.callee.get()) } else { word }
}
#[inline(never)]
fn new_callee_word(lens: &super::Lens, callee: *mut Header) -> u64 {
    // SAFETY: the register of a call holds what is called until the call is over.
    let word = key_of(unsafe { crate::eval::peek(&callee) }) as u64;
    lens.callee_word.set(word);
    word
}

/// "list.append", "object", "print".
fn callee_name(obj: &crate::object::Obj) -> String {
    let owned = |ty: &Type, name: &str| format!("{}.{name}", ty.name_text());
    if let Some(t) = obj.cast::<Type>() {
        return t.name_text();
    }
    if let Some((ty, def)) = crate::types::descriptor::method_parts(obj) {
        return owned(ty, def.name);
    }
    let Some(b) = obj.cast::<crate::types::function::Builtin>() else { return String::new() };
    let name = b.def.get().name;
    // SAFETY: borrowed while the function is called.
    match unsafe { &*b.this.as_ptr() } {
        Some(o) if o.cast::<crate::types::module::Module>().is_some() => name.to_string(),
        Some(o) => o.cast::<Type>().map_or_else(|| owned(o.ty(), name), |t| owned(t, name)),
        None => name.to_string(),
    }
}

/// A code with the names of the code objects among its constants in their places, and without what the lens does not
/// ask for: columns; of the library's codes, constants.
fn shallow(code: &Code, mine: bool) -> Code {
    let mut out = code.clone();
    out.positions.clear();
    out.static_attributes.clear();
    // Comprehensions that run inside of it stay: their instructions count as its own.
    let within: Vec<u32> = code.inlining().regions.iter().map(|r| r.constant).collect();
    if !mine && within.is_empty() {
        out.consts.clear();
    }
    for (i, c) in out.consts.iter_mut().enumerate() {
        match c {
            Const::Code(inner) if within.contains(&(i as u32)) => *c = Const::Code(Rc::new(shallow(inner, mine))),
            Const::Code(inner) if mine => *c = Const::Str(format!("<code object {}>", inner.name).into()),
            _ if mine => {}
            _ => *c = Const::None,
        }
    }
    out
}
