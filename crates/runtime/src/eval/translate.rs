//! Wordcode to register code. The operand stack is simulated: loads of locals and constants emit nothing and become
//! operands; a store after an operation becomes its destination; at jump targets everything lies in canonical registers.

use super::LENS;
use super::ops::{self, K, L, T};
use crate::cx::{Cx, PyResult};
use crate::eval::bound::{Locals, bound_at_labels};
use crate::eval::tracing::{Instruments, LinePoint};
use crate::eval::{Exec, Handler, Held, Info};
use crate::object::{Obj, Ref};
use crate::types::{CodeObj, Str, Tuple};
use retic_bytecode::Opcode::{self, *};
use retic_bytecode::code::*;
use retic_bytecode::inline::{INLINE_END, Inlining, Region};
use rustc_hash::{FxHashMap, FxHashSet};
use std::rc::Rc;

/// Entries of the stack up to which moves note what they hold, too: debuggers jump to where a line begins, which may be one.
const NOTED_MAX: usize = 16;
/// How many lists of registers are looked through for an equal one.
const SHARED_MAX: usize = 8;

#[derive(Clone, Copy, PartialEq, Debug)]
enum E {
    /// Owned, in a register.
    T(u16),
    /// A local, borrowed.
    L(u16),
    /// A constant.
    C(u32),
}

struct Tr<'a> {
    code: &'a Code,
    consts: Vec<Obj>,
    /// The constant that is the body's docstring, until it was met.
    doc: Option<u32>,
    names: Vec<Ref<Str>>,
    words: Vec<u64>,
    infos: Vec<Info>,
    /// Their handlers are those of wordcode until the end.
    held: Vec<Held>,
    stack: Vec<E>,
    base: usize,
    max: usize,
    offset: u32,
    handlers: Vec<(u32, u16)>,
    /// `Held::saved` of the instruction at hand.
    saved: Vec<u16>,
    /// Lists of registers that instructions share.
    lists: Vec<Rc<[u16]>>,
    no_list: Rc<[u16]>,
    scratch: Vec<u16>,
    fixups: Vec<(usize, u32, usize)>,
    /// Word where the wordcode at an offset (halved) begins; `u32::MAX` where none was needed.
    starts: Vec<u32>,
    bound: Locals,
    is_gen: bool,
    keep: Vec<Obj>,
    lines: Vec<LinePoint>,
    /// Registers of comprehensions, right below `base`.
    hidden: u32,
    /// The marker of an empty local, as a word.
    unbound: u64,
    /// Stores to locals that follow the instruction at hand: offset and local.
    ahead: Vec<(u32, u16)>,
    /// The locals that take the pairs of the FOR_ITER at hand, and the word of its `for_pair` that says how far it skips.
    pair: Option<[u16; 2]>,
    skipped_pair: Option<usize>,
    /// For the CALL_FUNCTION at hand, which calls `super` and has an attribute read of what it gives: that name, and whether by
    /// LOAD_METHOD; then the instruction that does both at once.
    super_name: Option<(u32, bool)>,
    skipped_super: Option<usize>,
    /// Calls of methods with keywords that make no bound method: the offsets of both instructions.
    keyword_methods: FxHashSet<u32>,
    /// Arguments that have cells: the cell and the argument.
    cell_args: Vec<(usize, usize)>,
}

/// State at a jump target.
#[derive(Clone)]
struct Label {
    depth: usize,
    handlers: Vec<(u32, u16)>,
    saved: Vec<u16>,
}

/// Variables that only comprehensions share which run in the frame itself (PEP 709): they become locals in the list of
/// instructions. An argument stays where it is, another lies where its cell would.
fn uncelled(code: &Code, list: &mut [Instruction]) -> Box<[Option<u16>]> {
    if code.cellvars.is_empty() || code.flags & CO_OPTIMIZED == 0 {
        return Box::default();
    }
    let n = code.cellvars.len();
    let mut alone = vec![true; n];
    for i in list.iter() {
        if matches!(Opcode::from_u8(i.opcode), Some(LOAD_CLOSURE | LOAD_CLASSDEREF | LOAD_FROM_DICT_OR_DEREF))
            && let Some(a) = alone.get_mut(i.arg as usize)
        {
            *a = false;
        }
    }
    if !alone.contains(&true) {
        return Box::default();
    }
    let argument = |name: &Rc<str>| code.varnames.iter().take(code.arg_slots()).position(|v| v == name);
    let places: Box<[Option<u16>]> = alone.iter().enumerate().map(|(i, alone)| alone.then(|| argument(&code.cellvars[i]).unwrap_or(code.nlocals() + i) as u16)).collect();
    for i in list.iter_mut() {
        let Some(Some(place)) = places.get(i.arg as usize) else { continue };
        let op = match Opcode::from_u8(i.opcode) {
            Some(LOAD_DEREF) => LOAD_FAST,
            Some(STORE_DEREF) => STORE_FAST,
            Some(DELETE_DEREF) => DELETE_FAST,
            _ => continue,
        };
        (i.opcode, i.arg) = (op as u8, u32::from(*place));
    }
    places
}

/// Translates a code object.
pub(in crate::eval) fn translate(cx: &mut Cx, code_obj: &CodeObj) -> PyResult<Exec> {
    let code = code_obj.code().clone();
    if (code.foreign || cfg!(retic_verify))
        && let Err(fault) = retic_bytecode::verify::verify(&code)
    {
        return Err(cx.error_of(&cx.types.system_error, format!("bad bytecode in {} at offset {}: {}", code.qualname, fault.offset, fault.why)));
    }
    let nlocals = code.nlocals();
    // What runs: its own instructions, with comprehensions in their places (PEP 709).
    let (mut list, inlining) = code.expanded();
    let uncelled = uncelled(&code, &mut list);
    let celled = |i: &usize| uncelled.get(*i).is_none_or(Option::is_none);
    let cells: Box<[u16]> = (0..code.cellvars.len()).filter(celled).map(|i| i as u16).collect();
    let own = nlocals + code.cellvars.len() + code.freevars.len();
    let base = own + inlining.hidden as usize;
    if base + (code.stacksize + inlining.stacksize) as usize + 64 > u16::MAX as usize {
        return Err(cx.memory_error());
    }
    let mut names = Vec::new();
    for n in code.names.iter().chain(inlining.regions.iter().flat_map(|r| &r.code.names)) {
        names.push(crate::types::str::intern_text(cx, n)?);
    }
    let mut consts = code_obj.constants(cx)?.cast::<Tuple>().map(|t| t.items().to_vec()).unwrap_or_default();
    for r in &inlining.regions {
        let inner = consts.get(r.constant as usize).and_then(|c| c.cast::<CodeObj>()).cloned();
        let more = inner.map(|c| c.constants(cx)).transpose()?;
        consts.extend(more.iter().filter_map(|t| t.cast::<Tuple>()).flat_map(|t| t.items().iter().cloned()));
    }
    // What the body stores as `__doc__`, behind all other constants.
    let doc = if code.flags & DOC_STORED == 0 { None } else { stored_doc(&code) };
    if let Some(text) = doc.and_then(|d| consts.get(d as usize)).cloned() {
        consts.push(crate::types::function::cleaned_doc(cx, &text)?);
    }
    let mut params = Vec::new();
    for n in code.varnames.iter().take((code.argcount + code.kwonlyargcount) as usize) {
        params.push(crate::types::str::intern_text(cx, n)?.into_obj());
    }
    let is_gen = code.flags & (CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR) != 0;
    let bound = Locals::first(code.arg_slots());
    let mut keep: Vec<Obj> = names.iter().map(|n| n.as_obj().clone()).collect();
    keep.extend(consts.iter().cloned());
    let mut tr = Tr {
        code: &code,
        consts,
        doc,
        names,
        words: Vec::new(),
        infos: Vec::new(),
        held: Vec::new(),
        stack: Vec::new(),
        base,
        max: base,
        offset: 0,
        handlers: Vec::new(),
        saved: Vec::new(),
        lists: Vec::new(),
        no_list: Rc::new([]),
        scratch: Vec::new(),
        fixups: Vec::new(),
        starts: vec![u32::MAX; inlining.end as usize / 2 + 1],
        bound,
        is_gen,
        keep,
        lines: Vec::new(),
        hidden: inlining.hidden,
        unbound: cx.consts.unbound.as_ptr().as_ptr() as u64,
        ahead: Vec::new(),
        pair: None,
        skipped_pair: None,
        super_name: None,
        skipped_super: None,
        keyword_methods: FxHashSet::default(),
        cell_args: code
            .cellvars
            .iter()
            .enumerate()
            .filter_map(|(i, c)| code.varnames.iter().take(code.arg_slots()).position(|v| v == c).map(|a| (i, a)))
            .filter(|(i, _)| celled(i))
            .collect(),
    };
    tr.run(list, &inlining)?;
    let words = tr.finish();
    const ARRANGED: u32 = CO_VARARGS | CO_VARKEYWORDS | CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR;
    let near = code.flags & (ARRANGED | CO_OPTIMIZED) == CO_OPTIMIZED;
    let all_positional = code.flags & (CO_VARARGS | CO_VARKEYWORDS) == 0 && code.kwonlyargcount == 0 && code.flags & CO_OPTIMIZED != 0;
    let generator_args = if is_gen && all_positional { code.argcount as usize } else { usize::MAX };
    let plain_args = if near && code.kwonlyargcount == 0 && cells.is_empty() && code.freevars.is_empty() { code.argcount as usize } else { usize::MAX };
    Ok(Exec {
        words,
        infos: std::mem::take(&mut tr.infos).into(),
        held: std::mem::take(&mut tr.held).into(),
        nlocals,
        ncells: code.cellvars.len(),
        nfrees: code.freevars.len(),
        own,
        base,
        nregs: tr.max + 4,
        near_room: tr.max + 4 + if code.cellvars.is_empty() { 0 } else { 2 * code.cellvars.len() + code.argcount as usize + ops::NEAR_KEYWORDS + 2 },
        flags: code.flags,
        argcount: code.argcount as usize,
        posonly: code.posonlyargcount as usize,
        arg_slots: code.arg_slots(),
        star: code.flags & CO_VARARGS != 0,
        star_star: code.flags & CO_VARKEYWORDS != 0,
        generator: is_gen,
        params,
        plain_args,
        generator_args,
        near,
        cell_args: std::mem::take(&mut tr.cell_args),
        uncelled,
        cells,
        keep: std::mem::take(&mut tr.keep),
        lines: std::mem::take(&mut tr.lines),
        instruments: Instruments::default(),
        listed: None,
    })
}

/// The stores of `a, b = x, y` or `a, b, c = x, y, z` to distinct locals, behind the instruction that turns the values round
/// (CPython 3.11's `apply_static_swaps`).
fn swapped_stores<'a>(op: Opcode, rest: &'a [Instruction], plain: &dyn Fn(&Instruction) -> bool) -> Option<&'a [Instruction]> {
    let stores = match op {
        ROT_TWO => rest.get(..2)?,
        ROT_THREE if rest.first().is_some_and(|n| n.opcode == ROT_TWO as u8 && plain(n)) => rest.get(1..4)?,
        _ => return None,
    };
    let distinct = stores.iter().enumerate().all(|(i, n)| stores[..i].iter().all(|m| m.arg != n.arg));
    (distinct && stores.iter().all(|n| n.opcode == STORE_FAST as u8 && plain(n))).then_some(stores)
}

impl Tr<'_> {
    fn canon(&self, i: usize) -> u16 {
        (self.base + i) as u16
    }

    fn free_reg(&mut self, prefer: u16) -> u16 {
        let used = |s: &[E], r: u16| s.contains(&E::T(r));
        let mut r = prefer;
        if used(&self.stack, r) {
            r = self.base as u16 + self.stack.len() as u16;
            while used(&self.stack, r) {
                r += 1;
            }
        }
        self.max = self.max.max(r as usize + 1);
        r
    }

    fn note(&mut self) {
        self.note_live(self.stack.len());
    }

    /// Notes a move, which cannot fail: with much on the stack, what is held meanwhile is told to the lens alone.
    fn note_move(&mut self) {
        if LENS || self.stack.len() <= NOTED_MAX {
            return self.note();
        }
        let none = self.no_list.clone();
        self.know(Held { handler: u32::MAX, depth: 0, run: 0, above: none.clone(), saved: none });
    }

    /// Adds what is known of the next instruction; most hold what one shortly before held.
    fn know(&mut self, held: Held) {
        let same = |h: &Held| (h.handler, h.depth, h.run) == (held.handler, held.depth, held.run) && Rc::ptr_eq(&h.above, &held.above) && Rc::ptr_eq(&h.saved, &held.saved);
        let last = self.infos.last().map(|i| i.held as usize).filter(|i| same(&self.held[*i]));
        let known = last.or_else(|| self.held.iter().enumerate().rev().take(SHARED_MAX).find(|(_, h)| same(h)).map(|(i, _)| i));
        let place = known.unwrap_or(self.held.len());
        if known.is_none() {
            self.held.push(held);
        }
        self.infos.push(Info { word: self.words.len() as u32, offset: self.offset, held: place as u32 });
    }

    /// The same list again if there was one: most instructions hold what another held.
    fn shared(&mut self, list: &[u16]) -> Rc<[u16]> {
        if list.is_empty() {
            return self.no_list.clone();
        }
        if let Some(known) = self.lists.iter().rev().take(SHARED_MAX).find(|l| ***l == *list) {
            return known.clone();
        }
        let new: Rc<[u16]> = list.into();
        self.lists.push(new.clone());
        new
    }

    /// Notes what is known of the next instruction, which holds temporaries among the lowest `depth` entries when it fails.
    fn note_live(&mut self, depth: usize) {
        let base = self.base;
        let run = self.stack[..depth].iter().enumerate().take_while(|(i, e)| **e == E::T((base + i) as u16)).count();
        let above = if run == depth {
            self.no_list.clone()
        } else {
            let mut list = std::mem::take(&mut self.scratch);
            list.clear();
            list.extend(self.stack[run..depth].iter().filter_map(|e| if let E::T(r) = e { Some(*r) } else { None }));
            let above = self.shared(&list);
            self.scratch = list;
            above
        };
        let own = std::mem::take(&mut self.saved);
        let saved = self.shared(&own);
        self.saved = own;
        let run = run as u16;
        let (handler, depth) = match self.handlers.last() {
            Some((h, d)) => (*h, *d),
            None => (u32::MAX, 0),
        };
        self.know(Held { handler, depth, run, above, saved });
    }

    /// Emits an instruction: handler, four small operands, more words.
    fn emit(&mut self, h: Handler, d: u16, a: u16, b: u16, c: u16, more: &[u64]) {
        self.note();
        self.raw(h, d, a, b, c, more);
    }
    fn raw(&mut self, h: Handler, d: u16, a: u16, b: u16, c: u16, more: &[u64]) {
        self.words.push(h as usize as u64);
        self.words.push(u64::from(d) | u64::from(a) << 16 | u64::from(b) << 32 | u64::from(c) << 48);
        self.words.extend_from_slice(more);
    }

    fn const_ptr(&self, c: u32) -> u64 {
        self.consts[c as usize].as_ptr().as_ptr() as u64
    }
    fn name_ptr(&self, n: u32) -> u64 {
        self.names[n as usize].as_raw().as_ptr() as u64
    }

    /// Moves an entry into an owned register.
    fn move_to(&mut self, index: usize, target: u16) {
        let e = self.stack[index];
        if e == E::T(target) {
            return;
        }
        if let Some(j) = self.stack.iter().position(|x| *x == E::T(target)) {
            let spare = self.free_reg(self.canon(self.stack.len()));
            self.emit(ops::move_owned, spare, target, 0, 0, &[]);
            self.stack[j] = E::T(spare);
        }
        self.note_move();
        match e {
            E::T(r) => self.raw(ops::move_owned, target, r, 0, 0, &[]),
            E::L(l) => self.raw(ops::copy_local, target, l, 0, 0, &[]),
            E::C(c) => {
                let p = self.const_ptr(c);
                self.raw(ops::load_const, target, 0, 0, 0, &[p]);
            }
        }
        self.max = self.max.max(target as usize + 1);
        self.stack[index] = E::T(target);
    }

    /// Puts everything from `from` upwards into canonical registers.
    fn flush_from(&mut self, from: usize) {
        for i in from..self.stack.len() {
            let target = self.canon(i);
            self.move_to(i, target);
        }
    }
    fn flush(&mut self) {
        self.flush_from(0);
    }

    /// Owns copies of a local that is about to change.
    fn save_local(&mut self, local: u16) {
        for i in 0..self.stack.len() {
            if self.stack[i] == E::L(local) {
                let prefer = self.canon(i);
                let r = self.free_reg(prefer);
                self.emit(ops::copy_local, r, local, 0, 0, &[]);
                self.stack[i] = E::T(r);
            }
        }
    }

    fn pop(&mut self) -> E {
        self.stack.pop().expect("the compiler's stack depth is right")
    }

    /// A register for a result at the current depth.
    fn push_reg(&mut self) -> u16 {
        let prefer = self.canon(self.stack.len());
        let r = self.free_reg(prefer);
        self.stack.push(E::T(r));
        r
    }

    /// Operand kind, index and constant word.
    fn operand(&self, e: E) -> (u8, u16, u64) {
        match e {
            E::L(l) => (L, l, 0),
            E::T(r) => (T, r, 0),
            E::C(c) => (K, 0, self.const_ptr(c)),
        }
    }

    /// The entry as a register operand (constants are loaded).
    fn no_const(&mut self, index: usize) {
        if let E::C(_) = self.stack[index] {
            let prefer = self.canon(index);
            let r = self.free_reg(prefer);
            self.move_to(index, r);
        }
    }

    fn jump(&mut self, at: usize, target: u32) {
        self.fixups.push((at, target, self.words.len()));
    }

    fn start_of(&self, offset: u32) -> Option<u32> {
        self.starts.get(offset as usize / 2).copied().filter(|w| *w != u32::MAX)
    }

    fn finish(&mut self) -> Box<[u64]> {
        for (at, target, _) in &self.fixups {
            let word = self.start_of(*target).unwrap_or(0);
            self.words[*at] = u64::from(word);
        }
        for i in 0..self.held.len() {
            self.held[i].handler = self.start_of(self.held[i].handler).unwrap_or(u32::MAX);
        }
        let mut words: Box<[u64]> = std::mem::take(&mut self.words).into();
        // Jump targets become addresses, now that the words have theirs.
        let start = words.as_ptr() as u64;
        for (at, ..) in &self.fixups {
            words[*at] = start + words[*at] * 8;
        }
        words
    }

    fn run(&mut self, expanded: Vec<Instruction>, inlining: &Inlining) -> PyResult<()> {
        let size = inlining.end as usize / 2;
        let mut list = expanded;
        // Jumps may target the EXTENDED_ARG in front of an instruction: those are its own, too.
        let mut prefix: FxHashMap<u32, u32> = FxHashMap::default();
        let mut pending: Vec<u32> = Vec::new();
        list.retain(|i| {
            let is_prefix = i.opcode == EXTENDED_ARG as u8;
            if is_prefix {
                pending.push(i.offset);
            } else {
                prefix.extend(pending.drain(..).map(|p| (p, i.offset)));
            }
            !is_prefix
        });
        let fix = |t: u32| if prefix.is_empty() { t } else { prefix.get(&t).copied().unwrap_or(t) };
        // Where jumps lead, and where lines begin, by half the offset.
        let (mut targets, mut line_starts) = (vec![false; size + 1], vec![false; size + 1]);
        for t in list.iter().filter_map(Instruction::target) {
            if let Some(place) = targets.get_mut(fix(t) as usize / 2) {
                *place = true;
            }
        }
        let inner = inlining.regions.iter().flat_map(|r| retic_bytecode::lines::line_starts(&r.code).into_iter().map(|(o, l)| (o + r.base, l)));
        for (offset, _) in retic_bytecode::lines::line_starts(self.code).into_iter().chain(inner) {
            if let Some(place) = line_starts.get_mut(fix(offset) as usize / 2) {
                *place = true;
            }
        }
        // Not to jump leads where the jump leads, but over lines that tracing tells of.
        let forks: FxHashSet<u32> = self.code.paths.iter().map(|p| p.from).filter(|from| from & 1 == 1 && *from < retic_bytecode::code::RAISED).collect();
        let is_target = |o: u32| targets[o as usize / 2];
        let bound_at = bound_at_labels(self.code, inlining.hidden, &list, &fix, &is_target);
        let starts_line = |o: u32| line_starts[o as usize / 2];
        self.words.reserve(list.len() * 4);
        self.infos.reserve(list.len());
        let mut labels: FxHashMap<u32, Label> = FxHashMap::default();
        if self.is_gen {
            self.emit(ops::gen_start, 0, 0, 0, 0, &[]);
        } else if targets.first() == Some(&true) {
            // A frame begins at a word that no jump leads to.
            self.one(JUMP_FORWARD, 0, Some(0), None, &mut labels, &fix)?;
        }
        self.keyword_methods = crate::eval::keyword_methods::find(&list, &is_target);
        let mut reachable = true;
        let mut at = 0;
        while at < list.len() {
            let i = list[at];
            at += 1;
            self.offset = i.offset;
            if is_target(i.offset) {
                if reachable {
                    self.flush();
                    let depth = self.stack.len();
                    labels.entry(i.offset).or_insert_with(|| Label { depth, handlers: self.handlers.clone(), saved: self.saved.clone() });
                }
                match labels.get(&i.offset) {
                    Some(l) => {
                        self.stack.clear();
                        self.stack.extend((0..l.depth).map(|k| E::T((self.base + k) as u16)));
                        self.max = self.max.max(self.base + l.depth);
                        self.handlers.clone_from(&l.handlers);
                        self.saved.clone_from(&l.saved);
                        reachable = true;
                    }
                    None => reachable = false,
                }
                if let Some(b) = bound_at.get(&i.offset) {
                    self.bound = *b;
                }
                self.starts[i.offset as usize / 2] = self.words.len() as u32;
                if reachable && !starts_line(i.offset) {
                    self.lines.push(LinePoint { word: self.words.len() as u32, offset: i.offset, start: false });
                }
            }
            if !reachable {
                continue;
            }
            if i.opcode == INLINE_END {
                if let Some(r) = inlining.regions.get(i.arg as usize) {
                    self.end_comprehension(r);
                }
                continue;
            }
            let Some(op) = Opcode::from_u8(i.opcode) else { continue };
            if starts_line(i.offset) {
                self.lines.push(LinePoint { word: self.words.len() as u32, offset: i.offset, start: true });
            }
            let next = list.get(at).filter(|n| !is_target(n.offset)).copied();
            if op == UNPACK_SEQUENCE {
                let stores = list[at..].iter().take(i.arg as usize).take_while(|n| n.opcode == STORE_FAST as u8 && !is_target(n.offset) && !starts_line(n.offset));
                self.ahead.clear();
                self.ahead.extend(stores.map(|n| (n.offset, n.arg as u16)));
            }
            let turned = at > 1 && list[at - 2].opcode == ROT_THREE as u8;
            if let Some(stores) = swapped_stores(op, &list[at..], &|n| !turned && !is_target(n.offset) && !starts_line(n.offset)) {
                // Newer compilers swap the stores and not the values: the old ones die in that order.
                for n in stores.iter().rev() {
                    self.offset = n.offset;
                    self.one(STORE_FAST, n.arg, None, None, &mut labels, &fix)?;
                }
                at += if op == ROT_TWO { 2 } else { 4 };
                continue;
            }
            if op == FOR_ITER && !LENS {
                let plain = |n: &Instruction, op: Opcode| n.opcode == op as u8 && !is_target(n.offset) && !starts_line(n.offset);
                self.pair = match &list[at..] {
                    [u, a, b, ..] if plain(u, UNPACK_SEQUENCE) && u.arg == 2 && plain(a, STORE_FAST) && plain(b, STORE_FAST) && a.arg != b.arg => {
                        Some([a.arg as u16, b.arg as u16])
                    }
                    _ => None,
                };
            }
            if op == CALL_FUNCTION && i.arg == 0 && at > 1 && !is_target(i.offset) && (i.offset as usize) < self.code.code.len() {
                let plain = |n: &&Instruction| matches!(Opcode::from_u8(n.opcode), Some(LOAD_METHOD | LOAD_ATTR)) && !is_target(n.offset) && !starts_line(n.offset);
                let of_super = list[at - 2].opcode == LOAD_GLOBAL as u8 && &*self.code.names[list[at - 2].arg as usize] == "super";
                self.super_name = list
                    .get(at)
                    .filter(plain)
                    .filter(|_| of_super && !starts_line(i.offset))
                    .map(|n| (n.arg, n.opcode == LOAD_METHOD as u8 || self.keyword_methods.contains(&n.offset)));
            }
            let consumed = self.one(op, i.arg, i.target(), next, &mut labels, &fix)?;
            // A line that began inside what was fused is reported behind it.
            for i in &list[at..at + consumed] {
                if starts_line(i.offset) {
                    self.lines.push(LinePoint { word: self.words.len() as u32, offset: i.offset, start: true });
                }
            }
            let beside = if forks.is_empty() { &[][..] } else { &list[at - 1..at + consumed] };
            for i in beside {
                if Opcode::from_u8(i.opcode).is_some_and(Opcode::is_conditional_jump) && forks.contains(&(i.offset | 1)) {
                    self.offset = i.offset | 1;
                    self.one(JUMP_FORWARD, 0, i.target(), None, &mut labels, &fix)?;
                }
            }
            at += consumed;
            reachable = !op.ends_flow();
        }
        Ok(())
    }

    /// Where all items of a sequence go to locals: an instruction that does it at once and skips those that do it one by one, which
    /// follow. Gives the word that says how far it skips.
    fn unpack_to_locals(&mut self, count: usize) -> Option<usize> {
        let distinct = self.ahead.iter().enumerate().all(|(i, (_, l))| self.ahead[..i].iter().all(|(_, m)| m != l));
        if LENS || self.ahead.len() != count || !(2..=ops::UNPACKED_MAX).contains(&count) || !distinct {
            return None;
        }
        let stores = std::mem::take(&mut self.ahead);
        for (_, local) in &stores {
            self.save_local(*local);
        }
        for i in 0..self.stack.len() - 1 {
            self.move_to(i, self.canon(i));
        }
        let mut more = vec![0; 1 + count.div_ceil(4)];
        for (i, (_, local)) in stores.iter().enumerate() {
            more[1 + i / 4] |= u64::from(*local) << (i % 4 * 16);
        }
        self.ahead = stores;
        let top = self.stack.len() - 1;
        self.no_const(top);
        let at = self.words.len() + 2;
        match self.stack[top] {
            E::L(l) => self.emit(ops::unpack_to_locals::<false>, l, 0, count as u16, 0, &more),
            E::T(r) => self.emit(ops::unpack_to_locals::<true>, r, 0, count as u16, 0, &more),
            E::C(_) => return None,
        }
        Some(at)
    }

    /// The variables of a comprehension are over; its value stays on the stack.
    fn end_comprehension(&mut self, r: &Region) {
        let first = self.base as u32 - self.hidden + r.first;
        // The first is the iterator, which lies on the stack alone.
        for local in (first + 1..first + r.code.varnames.len() as u32).map(|l| l as u16) {
            self.save_local(local);
            self.emit(ops::store_const, local, 0, 0, 0, &[self.unbound]);
            self.bound.set(local as usize, false);
        }
    }

    fn label(&mut self, labels: &mut FxHashMap<u32, Label>, target: u32, depth: usize) {
        let handlers = self.handlers.clone();
        let saved = self.saved.clone();
        labels.entry(target).or_insert(Label { depth, handlers, saved });
    }

    /// Destination of a result: the next STORE_FAST's local, or a register. Returns (register, 1 if local, words consumed).
    fn dest(&mut self, next: Option<Instruction>) -> (u16, u8, usize) {
        if let Some(n) = next
            && n.opcode == STORE_FAST as u8
        {
            let l = n.arg as u16;
            self.bound.set(l as usize, true);
            return (l, 1, 1);
        }
        let r = self.push_reg();
        (r, 0, 0)
    }

    /// Before a result goes to a local: copies of the old value on the stack become owned.
    fn prepare_dest(&mut self, next: Option<Instruction>, keep_operands: usize) {
        if let Some(n) = next
            && n.opcode == STORE_FAST as u8
        {
            let l = n.arg as u16;
            let top = self.stack.len() - keep_operands;
            for i in 0..top {
                if self.stack[i] == E::L(l) {
                    let prefer = self.canon(i);
                    let r = self.free_reg(prefer);
                    self.emit(ops::copy_local, r, l, 0, 0, &[]);
                    self.stack[i] = E::T(r);
                }
            }
        }
    }

    #[allow(clippy::too_many_lines)]
    fn one(&mut self, op: Opcode, arg: u32, target: Option<u32>, next: Option<Instruction>, labels: &mut FxHashMap<u32, Label>, fix: &dyn Fn(u32) -> u32) -> PyResult<usize> {
        let target = target.map(fix);
        match op {
            NOP | EXTENDED_ARG => {}
            LOAD_FAST => {
                let l = arg as u16;
                if !self.bound.has(arg as usize) {
                    self.emit(ops::check_bound, 0, l, 0, 0, &[]);
                    self.bound.set(arg as usize, true);
                }
                self.stack.push(E::L(l));
            }
            LOAD_CONST if self.doc == Some(arg) && next.is_some_and(|n| n.opcode == STORE_NAME as u8 && &*self.code.names[n.arg as usize] == "__doc__") => {
                self.doc = None;
                self.stack.push(E::C(self.consts.len() as u32 - 1));
            }
            LOAD_CONST => self.stack.push(E::C(arg)),
            STORE_FAST => {
                let l = arg as u16;
                self.bound.set(arg as usize, true);
                if self.stack.last() == Some(&E::L(l)) {
                    self.pop();
                    return Ok(0);
                }
                // The value stays on the stack meanwhile: its register is not free for a copy of the old local.
                self.save_local(l);
                let e = self.pop();
                match e {
                    E::T(r) => self.emit(ops::store_owned, l, r, 0, 0, &[]),
                    E::L(x) => self.emit(ops::store_copy, l, x, 0, 0, &[]),
                    E::C(c) => {
                        let p = self.const_ptr(c);
                        self.emit(ops::store_const, l, 0, 0, 0, &[p]);
                    }
                }
            }
            DELETE_FAST => {
                let l = arg as u16;
                self.save_local(l);
                self.emit(ops::delete_fast, 0, l, 0, 0, &[]);
                self.bound.set(arg as usize, false);
            }
            POP_TOP => {
                if let E::T(r) = self.pop() {
                    self.emit(ops::pop_top, 0, r, 0, 0, &[]);
                }
            }
            ROT_TWO => {
                let n = self.stack.len();
                self.stack.swap(n - 1, n - 2);
            }
            ROT_THREE => self.rotate(3),
            ROT_FOUR => self.rotate(4),
            ROT_N => self.rotate(arg as usize),
            DUP_TOP => self.dup(1),
            DUP_TOP_TWO => {
                self.dup(2);
                self.dup(2);
            }
            BINARY_POWER
            | BINARY_MULTIPLY
            | BINARY_MATRIX_MULTIPLY
            | BINARY_MODULO
            | BINARY_ADD
            | BINARY_SUBTRACT
            | BINARY_FLOOR_DIVIDE
            | BINARY_TRUE_DIVIDE
            | BINARY_LSHIFT
            | BINARY_RSHIFT
            | BINARY_AND
            | BINARY_XOR
            | BINARY_OR
            | INPLACE_POWER
            | INPLACE_MULTIPLY
            | INPLACE_MATRIX_MULTIPLY
            | INPLACE_MODULO
            | INPLACE_ADD
            | INPLACE_SUBTRACT
            | INPLACE_FLOOR_DIVIDE
            | INPLACE_TRUE_DIVIDE
            | INPLACE_LSHIFT
            | INPLACE_RSHIFT
            | INPLACE_AND
            | INPLACE_XOR
            | INPLACE_OR => {
                return Ok(self.binary(ops::binary_number(op), next));
            }
            BINARY_SUBSCR => {
                let n = self.stack.len();
                self.no_const(n - 2);
                self.prepare_dest(next, 2);
                let (b, a) = (self.stack[n - 1], self.stack[n - 2]);
                let ((ka, ia, _), (kb, ib, pb)) = (self.operand(a), self.operand(b));
                self.note();
                self.stack.truncate(n - 2);
                let (d, kd, used) = self.dest(next);
                self.raw(ops::subscr(ka, kb, kd), d, ia, ib, 0, &[pb]);
                return Ok(used);
            }
            COMPARE_OP | IS_OP | CONTAINS_OP => return Ok(self.compare(op, arg, next, labels, fix)),
            POP_JUMP_IF_FALSE | POP_JUMP_IF_TRUE => {
                let n = self.stack.len();
                self.no_const(n - 1);
                for i in 0..n - 1 {
                    let t = self.canon(i);
                    self.move_to(i, t);
                }
                let e = self.stack[n - 1];
                self.note();
                self.pop();
                let (k, a, _) = self.operand(e);
                let t = target.unwrap_or(0);
                self.label(labels, t, n - 1);
                let at = self.words.len() + 2;
                self.raw(ops::pop_jump(k, op == POP_JUMP_IF_TRUE), 0, a, 0, 0, &[0]);
                self.jump(at, t);
            }
            JUMP_IF_FALSE_OR_POP | JUMP_IF_TRUE_OR_POP => {
                self.flush();
                let n = self.stack.len();
                let r = self.canon(n - 1);
                let t = target.unwrap_or(0);
                self.label(labels, t, n);
                let at = self.words.len() + 2;
                let h = if op == JUMP_IF_TRUE_OR_POP { ops::jump_or_pop::<true> as Handler } else { ops::jump_or_pop::<false> as Handler };
                self.emit(h, 0, r, 0, 0, &[0]);
                self.jump(at, t);
                self.pop();
            }
            JUMP_FORWARD | JUMP_ABSOLUTE => {
                self.flush();
                let t = target.unwrap_or(0);
                let n = self.stack.len();
                self.label(labels, t, n);
                let at = self.words.len() + 2;
                let back = self.start_of(t).is_some();
                self.emit(if back { ops::jump::<true> } else { ops::jump::<false> }, 0, 0, 0, 0, &[0]);
                self.jump(at, t);
            }
            GET_ITER => {
                self.one_operand(ops::get_iter);
            }
            FOR_ITER => {
                self.flush();
                let n = self.stack.len();
                let it = self.canon(n - 1);
                if let Some([a, b]) = self.pair.take() {
                    self.skipped_pair = Some(self.words.len() + 2);
                    self.emit(ops::for_pair, it, a, b, 0, &[0]);
                }
                let t = target.unwrap_or(0);
                self.label(labels, t, n - 1);
                self.note();
                let (d, kd, used) = self.dest(next);
                let at = self.words.len() + 2;
                self.raw(ops::for_iter(kd), d, it, 0, u16::from(kd), &[0]);
                self.jump(at, t);
                return Ok(used);
            }
            RETURN_VALUE => {
                let n = self.stack.len();
                if !self.cell_args.is_empty() {
                    self.emit(ops::settle_cells, 0, 0, 0, 0, &[]);
                }
                let e = self.stack[n - 1];
                // Whatever else is on the stack (an iterator left by return in a loop is popped by the compiler) is owned by nobody.
                self.note();
                self.pop();
                let (k, a, p) = self.operand(e);
                self.raw(ops::return_value(k), u16::from(k), a, 0, 0, &[p]);
            }
            LOAD_GLOBAL => {
                let p = self.name_ptr(arg);
                let (d, kd, used) = self.dest_after(next);
                self.raw(if kd == 1 { ops::load_global::<1> } else { ops::load_global::<0> }, d, 0, 0, 0, &[p, 0, 0, 0]);
                return Ok(used);
            }
            LOAD_NAME => self.produce(ops::load_name, &[self.name_ptr(arg)]),
            LOAD_ATTR if self.keyword_methods.contains(&self.offset) => self.load_method(arg),
            LOAD_ATTR => {
                let n = self.stack.len();
                self.no_const(n - 1);
                self.prepare_dest(next, 1);
                let e = self.stack[n - 1];
                let (k, a, _) = self.operand(e);
                self.note();
                self.pop();
                let p = self.name_ptr(arg);
                let (d, kd, used) = self.dest(next);
                self.raw(ops::load_attr(k, kd), d, a, u16::from(k), u16::from(kd), &[p, 0, 0, 0, 0]);
                self.end_super(d, kd);
                return Ok(used);
            }
            STORE_ATTR => {
                // value, object
                let n = self.stack.len();
                self.no_const(n - 1);
                let (obj, value) = (self.stack[n - 1], self.stack[n - 2]);
                let ((ko, io, _), (kv, iv, pv)) = (self.operand(obj), self.operand(value));
                let p = self.name_ptr(arg);
                self.note();
                self.stack.truncate(n - 2);
                self.raw(ops::store_attr(ko, kv), 0, io, iv, 0, &[pv, p, 0, 0, 0, 0, 0]);
            }
            LOAD_METHOD => self.load_method(arg),
            CALL_FUNCTION if self.super_name.is_some() => {
                self.super_attr();
                return Ok(self.call(1, 0, if self.is_gen { ops::call_any::<true> } else { ops::call_any::<false> }, None));
            }
            CALL_FUNCTION => return Ok(self.call(arg as usize + 1, arg, if self.is_gen { ops::call_any::<true> } else { ops::call_any::<false> }, next)),
            CALL_METHOD => return Ok(self.call(arg as usize + 2, arg, if self.is_gen { ops::call_method::<true> } else { ops::call_method::<false> }, next)),
            CALL_FUNCTION_KW if self.keyword_methods.contains(&self.offset) => return Ok(self.call(arg as usize + 3, arg, ops::call_method_kw, next)),
            CALL_FUNCTION_KW => return Ok(self.call(arg as usize + 2, arg, ops::call_kw, next)),
            CALL_FUNCTION_EX => return Ok(self.call(2 + (arg & 1) as usize, arg, ops::call_ex, next)),
            STORE_SUBSCR => {
                // value, container, key
                let n = self.stack.len();
                self.no_const(n - 2);
                self.no_const(n - 3);
                let (v, c, i) = (self.stack[n - 3], self.stack[n - 2], self.stack[n - 1]);
                let ((kv, iv, _), (kc, ic, _), (ki, ii, pi)) = (self.operand(v), self.operand(c), self.operand(i));
                self.note();
                self.stack.truncate(n - 3);
                self.raw(ops::store_subscr(kc, ki, kv), ic, ii, iv, 0, &[pi]);
            }
            UNPACK_SEQUENCE => {
                let n = self.stack.len();
                let count = arg as usize;
                let fused = self.unpack_to_locals(count);
                if fused.is_none()
                    && let Some(at) = self.skipped_pair.take()
                {
                    self.words[at - 2] = ops::for_no_pair as Handler as usize as u64;
                }
                self.flush();
                let src = self.canon(n - 1);
                self.note();
                self.pop();
                // Results lie so that the first item is on top.
                self.max = self.max.max(self.base + n - 1 + count);
                for k in 0..count {
                    let r = self.canon(n - 1 + k);
                    self.stack.push(E::T(r));
                }
                self.raw(ops::unpack_sequence, src, 0, arg as u16, 0, &[u64::from(arg)]);
                if let Some(at) = fused {
                    // The stores, for what the instruction in front of all this leaves to them.
                    for (offset, local) in std::mem::take(&mut self.ahead) {
                        self.offset = offset;
                        self.bound.set(local as usize, true);
                        if let E::T(r) = self.pop() {
                            self.emit(ops::store_owned, local, r, 0, 0, &[]);
                        }
                    }
                    self.words[at] = (self.words.len() - at) as u64;
                    if let Some(at) = self.skipped_pair.take() {
                        self.words[at] = (self.words.len() - at) as u64;
                    }
                    return Ok(count);
                }
            }
            UNPACK_EX => {
                let n = self.stack.len();
                self.flush();
                let count = ((arg & 0xff) + 1 + (arg >> 8)) as usize;
                let src = self.canon(n - 1);
                self.note();
                self.pop();
                self.max = self.max.max(self.base + n - 1 + count);
                for k in 0..count {
                    let r = self.canon(n - 1 + k);
                    self.stack.push(E::T(r));
                }
                self.raw(ops::unpack_ex, src, 0, 0, 0, &[u64::from(arg)]);
            }
            SETUP_FINALLY | SETUP_WITH | SETUP_ASYNC_WITH => {
                let t = target.unwrap_or(0);
                if op == SETUP_WITH {
                    // manager -> exit, result of enter
                    self.flush();
                    let n = self.stack.len();
                    let r = self.canon(n - 1);
                    self.emit(ops::with_enter, r, 0, 0, 0, &[]);
                    self.max = self.max.max(self.base + n + 1);
                    self.stack.push(E::T(self.canon(n)));
                    self.flush();
                    self.label(labels, t, n + 6);
                    self.handlers.push((t, n as u16));
                } else {
                    self.flush();
                    let depth = self.stack.len() - usize::from(op == SETUP_ASYNC_WITH);
                    self.label(labels, t, depth + 6);
                    self.handlers.push((t, depth as u16));
                }
                self.max = self.max.max(self.base + self.stack.len() + 8);
                let after = self.handlers.pop();
                // The handler itself runs outside of its own block.
                if let Some(l) = labels.get_mut(&t) {
                    l.handlers = self.handlers.clone();
                    l.saved = self.saved.clone();
                    l.saved.extend(after.map(|(_, depth)| self.base as u16 + depth + 1));
                }
                self.handlers.extend(after);
            }
            POP_BLOCK => {
                self.handlers.pop();
            }
            POP_EXCEPT => {
                self.flush();
                let n = self.stack.len();
                let r = self.canon(n - 3);
                self.emit(ops::pop_except, r, 0, 0, 0, &[]);
                self.saved.pop();
                self.stack.truncate(n - 3);
            }
            RERAISE => {
                self.flush();
                let n = self.stack.len();
                let r = self.canon(n - 3);
                self.emit(ops::reraise, r, 0, 0, 0, &[]);
                self.stack.truncate(n - 3);
            }
            JUMP_IF_NOT_EXC_MATCH => {
                self.flush();
                let n = self.stack.len();
                let r = self.canon(n - 2);
                let t = target.unwrap_or(0);
                self.label(labels, t, n - 2);
                self.note();
                self.stack.truncate(n - 2);
                let at = self.words.len() + 2;
                self.raw(ops::exc_match_jump, r, 0, 0, 0, &[0]);
                self.jump(at, t);
            }
            WITH_EXCEPT_START => {
                self.flush();
                let n = self.stack.len();
                let r = self.canon(n);
                let low = self.canon(n - 7);
                self.emit(ops::with_except_start, r, low, 0, 0, &[]);
                self.max = self.max.max(self.base + n + 1);
                self.stack.push(E::T(r));
            }
            YIELD_VALUE => {
                if self.code.flags & CO_ASYNC_GENERATOR != 0 {
                    self.one_operand(ops::wrap_yielded);
                }
                self.flush();
                let n = self.stack.len();
                let r = self.canon(n - 1);
                self.emit(ops::yield_value, r, r, 0, 0, &[]);
            }
            YIELD_FROM => {
                self.flush();
                let n = self.stack.len();
                let r = self.canon(n - 2);
                self.emit(ops::yield_from, r, 0, 0, 0, &[]);
                self.pop();
            }
            RAISE_VARARGS => {
                let n = arg as usize;
                self.flush();
                let from = self.stack.len() - n;
                let r = self.canon(from);
                self.emit(ops::raise, r, 0, 0, arg as u16, &[]);
                self.stack.truncate(from);
            }
            LOAD_DEREF | LOAD_CLOSURE | LOAD_CLASSDEREF => {
                let h = match op {
                    LOAD_DEREF => ops::load_deref as Handler,
                    LOAD_CLOSURE => ops::load_closure,
                    _ => ops::load_classderef,
                };
                let cell = (self.code.nlocals() + arg as usize) as u16;
                let r = {
                    self.note();
                    self.push_reg()
                };
                self.raw(h, r, cell, 0, arg as u16, &[]);
            }
            STORE_DEREF => {
                let n = self.stack.len();
                let t = self.canon(n - 1);
                self.move_to(n - 1, t);
                let cell = (self.code.nlocals() + arg as usize) as u16;
                self.note();
                self.pop();
                self.raw(ops::store_deref, cell, t, 0, 0, &[]);
            }
            DELETE_DEREF => {
                let cell = (self.code.nlocals() + arg as usize) as u16;
                self.emit(ops::delete_deref, cell, 0, 0, arg as u16, &[]);
            }
            MAKE_FUNCTION => {
                let n = 2 + (arg & 0x1f).count_ones() as usize;
                return Ok(self.window(n, 1, ops::make_function, arg as u16, &[], next));
            }
            BUILD_TUPLE => return Ok(self.build(ops::build_tuple, arg, arg as usize, next)),
            BUILD_LIST => return Ok(self.build(ops::build_list, arg, arg as usize, next)),
            BUILD_SET => return Ok(self.build(ops::build_set, arg, arg as usize, next)),
            BUILD_MAP => return Ok(self.build(ops::build_map, arg, 2 * arg as usize, next)),
            BUILD_STRING => return Ok(self.build(ops::build_string, arg, arg as usize, next)),
            BUILD_CONST_KEY_MAP => return Ok(self.build(ops::build_const_key_map, arg, arg as usize + 1, next)),
            BUILD_SLICE => return Ok(self.build(ops::build_slice, arg, if arg == 3 { 3 } else { 2 }, next)),
            FORMAT_VALUE => return Ok(self.build(ops::format_value, arg, 1 + usize::from(arg & 4 != 0), next)),
            LIST_APPEND | SET_ADD | LIST_EXTEND | SET_UPDATE | DICT_UPDATE | DICT_MERGE => {
                let h = match op {
                    LIST_APPEND => ops::list_append as Handler,
                    SET_ADD => ops::set_add,
                    LIST_EXTEND => ops::list_extend,
                    SET_UPDATE => ops::set_update,
                    DICT_UPDATE => ops::dict_update,
                    _ => ops::dict_merge,
                };
                self.flush();
                let n = self.stack.len();
                let (value, container) = (self.canon(n - 1), self.canon(n - 1 - arg as usize));
                let callee = if op == DICT_MERGE { self.canon(n - 1 - arg as usize - 2) } else { 0 };
                self.note();
                self.pop();
                self.raw(h, container, value, callee, 0, &[]);
            }
            MAP_ADD => {
                self.flush();
                let n = self.stack.len();
                let (key, container) = (self.canon(n - 2), self.canon(n - 2 - arg as usize));
                self.note();
                self.stack.truncate(n - 2);
                self.raw(ops::map_add, container, key, 0, 0, &[]);
            }
            UNARY_NOT | UNARY_NEGATIVE | UNARY_POSITIVE | UNARY_INVERT => {
                let h = match op {
                    UNARY_NOT => ops::unary_not as Handler,
                    UNARY_NEGATIVE => ops::unary_neg,
                    UNARY_POSITIVE => ops::unary_pos,
                    _ => ops::unary_invert,
                };
                self.one_operand(h);
            }
            LIST_TO_TUPLE => self.one_operand(ops::list_to_tuple),
            GET_YIELD_FROM_ITER => self.one_operand(ops::get_yield_from_iter),
            GET_AWAITABLE => {
                let before = |words: usize| (self.offset as usize).checked_sub(2 * words).and_then(|at| Opcode::from_u8(*self.code.code.get(at)?));
                let whose = match (before(1), before(2)) {
                    (Some(BEFORE_ASYNC_WITH), _) => 1,
                    (Some(WITH_EXCEPT_START), _) | (Some(CALL_FUNCTION), Some(DUP_TOP)) => 2,
                    _ => 0,
                };
                self.in_place(ops::get_awaitable, 0, whose, &[]);
            }
            GET_AITER => self.one_operand(ops::get_aiter),
            GET_ANEXT => {
                self.flush();
                let n = self.stack.len();
                let a = self.canon(n - 1);
                self.note();
                let r = self.push_reg();
                self.raw(ops::get_anext, r, a, 0, 0, &[]);
            }
            BEFORE_ASYNC_WITH => {
                // manager -> exit method, awaitable of the enter method
                self.flush();
                let n = self.stack.len();
                let r = self.canon(n - 1);
                self.emit(ops::before_async_with, r, 0, 0, 0, &[]);
                self.max = self.max.max(self.base + n + 1);
                self.stack.push(E::T(self.canon(n)));
            }
            END_ASYNC_FOR => {
                self.flush();
                let n = self.stack.len();
                let r = self.canon(n - 7);
                self.emit(ops::end_async_for, r, 0, 0, 0, &[]);
                self.saved.pop();
                self.stack.truncate(n - 7);
            }
            CHECK_EG_MATCH => {
                self.flush();
                let r = self.canon(self.stack.len() - 2);
                self.emit(ops::check_eg_match, r, 0, 0, 0, &[]);
            }
            PREP_RERAISE_STAR => {
                self.flush();
                let n = self.stack.len();
                let (list, orig) = (self.canon(n - 1), self.canon(n - 3));
                self.emit(ops::prep_reraise_star, list, orig, 0, 0, &[]);
            }
            BUILD_TEMPLATE => return Ok(self.window(2, 1, ops::build_template, 0, &[], next)),
            BUILD_INTERPOLATION => return Ok(self.window(2 + (arg & 1) as usize, 1, ops::build_interpolation, arg as u16, &[], next)),
            STORE_NAME | STORE_GLOBAL | PRINT_EXPR | IMPORT_STAR => {
                let h = match op {
                    STORE_NAME if arg == 2 && self.offset == 6 && begins_class(&self.code.names) => ops::store_qualname as Handler,
                    STORE_NAME => ops::store_name,
                    STORE_GLOBAL => ops::store_global,
                    PRINT_EXPR => ops::print_expr,
                    _ => ops::import_star,
                };
                let n = self.stack.len();
                let t = self.canon(n - 1);
                self.move_to(n - 1, t);
                let p = if matches!(op, STORE_NAME | STORE_GLOBAL) { self.name_ptr(arg) } else { 0 };
                self.note();
                self.pop();
                self.raw(h, 0, t, 0, 0, &[p]);
            }
            DELETE_NAME => self.emit(ops::delete_name, 0, 0, 0, 0, &[self.name_ptr(arg)]),
            DELETE_GLOBAL => self.emit(ops::delete_global, 0, 0, 0, 0, &[self.name_ptr(arg)]),
            DELETE_ATTR => {
                let p = self.name_ptr(arg);
                let n = self.stack.len();
                let t = self.canon(n - 1);
                self.move_to(n - 1, t);
                self.note();
                self.pop();
                self.raw(ops::delete_attr, 0, t, 0, 0, &[p]);
            }
            DELETE_SUBSCR => {
                self.flush();
                let n = self.stack.len();
                let r = self.canon(n - 2);
                self.note();
                self.stack.truncate(n - 2);
                self.raw(ops::delete_subscr, r, 0, 0, 0, &[]);
            }
            IMPORT_NAME => {
                let p = self.name_ptr(arg);
                return Ok(self.window(2, 1, ops::import_name, 0, &[p], next));
            }
            IMPORT_FROM => {
                self.flush();
                let n = self.stack.len();
                let from = self.canon(n - 1);
                let p = self.name_ptr(arg);
                self.note();
                let r = self.push_reg();
                self.raw(ops::import_from, r, from, 0, 0, &[p]);
            }
            LOAD_BUILD_CLASS => self.produce(ops::load_build_class, &[]),
            LOAD_ASSERTION_ERROR => self.produce(ops::load_assertion_error, &[]),
            SETUP_ANNOTATIONS => self.emit(ops::setup_annotations, 0, 0, 0, 0, &[]),
            GET_LEN | MATCH_MAPPING | MATCH_SEQUENCE => {
                let h = match op {
                    GET_LEN => ops::get_len as Handler,
                    MATCH_MAPPING => ops::match_mapping,
                    _ => ops::match_sequence,
                };
                self.flush();
                let n = self.stack.len();
                let a = self.canon(n - 1);
                self.note();
                let r = self.push_reg();
                self.raw(h, r, a, 0, 0, &[]);
            }
            MATCH_KEYS => {
                self.flush();
                let n = self.stack.len();
                let a = self.canon(n - 2);
                self.note();
                self.push_reg();
                self.push_reg();
                self.raw(ops::match_keys, a, 0, 0, 0, &[]);
            }
            MATCH_CLASS => {
                self.flush();
                let n = self.stack.len();
                let a = self.canon(n - 3);
                self.note();
                self.pop();
                self.raw(ops::match_class, a, 0, 0, arg as u16, &[]);
            }
            COPY_DICT_WITHOUT_KEYS => {
                self.flush();
                let n = self.stack.len();
                let a = self.canon(n - 2);
                self.emit(ops::copy_dict_without_keys, a, 0, 0, 0, &[]);
            }
            LOAD_FROM_DICT_OR_GLOBALS => {
                let name = self.name_ptr(arg);
                self.in_place(ops::load_from_dict_or_globals, 0, 0, &[name]);
            }
            LOAD_FROM_DICT_OR_DEREF => {
                let cell = (self.code.nlocals() + arg as usize) as u16;
                self.in_place(ops::load_from_dict_or_deref, cell, arg as u16, &[]);
            }
            CALL_INTRINSIC_1 => return Ok(self.window(1, 1, ops::intrinsic_1, arg as u16, &[], next)),
            CALL_INTRINSIC_2 => return Ok(self.window(2, 1, ops::intrinsic_2, arg as u16, &[], next)),
        }
        Ok(0)
    }

    fn rotate(&mut self, n: usize) {
        let len = self.stack.len();
        self.stack[len - n..].rotate_right(1);
    }

    fn dup(&mut self, depth: usize) {
        let e = self.stack[self.stack.len() - depth];
        match e {
            E::T(r) => {
                self.note();
                let d = self.push_reg();
                self.raw(ops::copy_local, d, r, 0, 0, &[]);
            }
            _ => self.stack.push(e),
        }
    }

    fn dest_after(&mut self, next: Option<Instruction>) -> (u16, u8, usize) {
        self.prepare_dest(next, 0);
        self.note();
        self.dest(next)
    }

    fn produce(&mut self, h: Handler, more: &[u64]) {
        self.note();
        let r = self.push_reg();
        self.raw(h, r, 0, 0, 0, more);
    }

    /// An operation that replaces the top by its result, in place.
    fn one_operand(&mut self, h: Handler) {
        self.in_place(h, 0, 0, &[]);
    }

    /// The same with a further register and number, and words that follow.
    fn in_place(&mut self, h: Handler, register: u16, number: u16, more: &[u64]) {
        let n = self.stack.len();
        let prefer = self.canon(n - 1);
        if !matches!(self.stack[n - 1], E::T(_)) {
            let r = self.free_reg(prefer);
            self.move_to(n - 1, r);
        }
        let E::T(r) = self.stack[n - 1] else { return };
        self.emit(h, r, r, register, number, more);
    }

    fn binary(&mut self, number: u16, next: Option<Instruction>) -> usize {
        let n = self.stack.len();
        if matches!((self.stack[n - 2], self.stack[n - 1]), (E::C(_), E::C(_))) {
            self.no_const(n - 2);
        }
        self.prepare_dest(next, 2);
        let (b, a) = (self.stack[n - 1], self.stack[n - 2]);
        let ((ka, ia, pa), (kb, ib, pb)) = (self.operand(a), self.operand(b));
        self.note();
        self.stack.truncate(n - 2);
        let (d, kd, used) = self.dest(next);
        self.raw(ops::binary(ka, kb, kd), d, ia, ib, number, &[pa | pb, 0]);
        used
    }

    fn compare(&mut self, op: Opcode, arg: u32, next: Option<Instruction>, labels: &mut FxHashMap<u32, Label>, fix: &dyn Fn(u32) -> u32) -> usize {
        let n = self.stack.len();
        if matches!((self.stack[n - 2], self.stack[n - 1]), (E::C(_), E::C(_))) {
            self.no_const(n - 2);
        }
        let number = match op {
            COMPARE_OP => arg as u16,
            IS_OP => 6 + arg as u16,
            _ => 8 + arg as u16,
        };
        let branch = next.filter(|n| matches!(Opcode::from_u8(n.opcode), Some(POP_JUMP_IF_FALSE | POP_JUMP_IF_TRUE)));
        if branch.is_some() {
            for i in 0..n - 2 {
                let t = self.canon(i);
                self.move_to(i, t);
            }
        } else {
            self.prepare_dest(next, 2);
        }
        let (b, a) = (self.stack[n - 1], self.stack[n - 2]);
        let ((ka, ia, pa), (kb, ib, pb)) = (self.operand(a), self.operand(b));
        self.note();
        self.stack.truncate(n - 2);
        if let Some(j) = branch {
            let t = fix(j.arg);
            self.label(labels, t, n - 2);
            let at = self.words.len() + 3;
            let sense = u16::from(j.opcode == POP_JUMP_IF_TRUE as u8);
            self.raw(ops::compare_jump(ka, kb, number), sense, ia, ib, number, &[pa | pb, 0]);
            self.jump(at, t);
            return 1;
        }
        let (d, kd, used) = self.dest(next);
        self.raw(ops::compare(ka, kb, kd), d, ia, ib, number, &[pa | pb]);
        used
    }

    /// Operands in a window of canonical registers that a call consumes, whatever happens.
    fn call(&mut self, count: usize, arg: u32, h: Handler, next: Option<Instruction>) -> usize {
        let from = self.stack.len() - count;
        let window = self.canon(from);
        self.prepare_dest(next, count);
        // The callee's registers begin at the window: what lies below on the stack must not live there (a rotation may
        // have left it so). Every turn brings one entry home for good.
        while let Some(i) = self.stack[..from].iter().position(|e| matches!(e, E::T(r) if *r >= window)) {
            let home = self.canon(i);
            self.move_to(i, home);
        }
        self.flush_from(from);
        self.note_live(from);
        self.stack.truncate(from);
        let (d, kd, used) = self.dest(next);
        self.max = self.max.max(window as usize + count + 3);
        self.raw(h, d, window, arg as u16, u16::from(kd), &[u64::from(arg), 0, 0]);
        used
    }

    /// The method of an object, and the object: or a marker, and what else has that name.
    fn load_method(&mut self, arg: u32) {
        let n = self.stack.len();
        self.no_const(n - 1);
        let (lo, hi) = (self.canon(n - 1), self.canon(n));
        // Both result registers must be free of other values.
        for r in [lo, hi] {
            if let Some(j) = self.stack[..n - 1].iter().position(|x| *x == E::T(r)) {
                let spare = self.free_reg(self.canon(n + 2));
                self.emit(ops::move_owned, spare, r, 0, 0, &[]);
                self.stack[j] = E::T(spare);
            }
        }
        self.max = self.max.max(hi as usize + 1);
        let (k, a, _) = self.operand(self.stack[n - 1]);
        let p = self.name_ptr(arg);
        self.note();
        self.pop();
        self.stack.push(E::T(lo));
        self.stack.push(E::T(hi));
        self.raw(ops::load_method(k), lo, a, 0, 0, &[p, 0, 0, 0, 0, 0, 0]);
        self.end_super(lo, 0);
    }

    /// In front of a call of `super` without arguments whose result is only asked for an attribute: an instruction that does both
    /// where it can, and skips those that do it one by one.
    fn super_attr(&mut self) {
        let Some((name, method)) = self.super_name.take() else { return };
        let Some(cell) = self.code.freevars.iter().position(|n| &**n == "__class__") else { return };
        if self.code.argcount == 0 || self.cell_args.iter().any(|(_, a)| *a == 0) {
            return;
        }
        let from = self.stack.len() - 1;
        let window = self.canon(from);
        for i in 0..from {
            if matches!(self.stack[i], E::T(r) if r >= window) {
                return;
            }
        }
        // What comes between must emit nothing but the call and the read, for they may be skipped.
        self.flush();
        let cell = self.code.nlocals() + self.code.cellvars.len() + cell;
        let name = self.name_ptr(name);
        self.skipped_super = Some(self.words.len());
        self.max = self.max.max(window as usize + 2);
        self.emit(ops::super_attr, window, 0, cell as u16, u16::from(method), &[0, name, 0, 0, 0, 0]);
    }

    /// Behind the attribute read that a `super_attr` may have done: where its value goes, and how far to skip.
    fn end_super(&mut self, d: u16, kind: u8) {
        if let Some(at) = self.skipped_super.take() {
            self.words[at + 2] = (self.words.len() - at) as u64;
            self.words[at + 4] = u64::from(d) | u64::from(kind) << 16;
        }
    }

    fn build(&mut self, h: Handler, arg: u32, count: usize, next: Option<Instruction>) -> usize {
        self.window(count, 1, h, arg as u16, &[u64::from(arg)], next)
    }

    /// Operands in a window that the operation consumes when it succeeds; one result.
    fn window(&mut self, count: usize, _results: usize, h: Handler, c: u16, more: &[u64], next: Option<Instruction>) -> usize {
        let from = self.stack.len() - count;
        self.flush_from(from);
        self.prepare_dest(next, count);
        let window = self.canon(from);
        self.note();
        self.stack.truncate(from);
        let (d, kd, used) = self.dest(next);
        self.raw(h, d, window, u16::from(kd), c, more);
        used
    }
}

/// Whether names are those of a class body, which stores its module and its qualified name first.
/// The constant that a body stores as its docstring.
fn stored_doc(code: &Code) -> Option<u32> {
    let mut loaded = None;
    for i in code.instructions() {
        if i.opcode == STORE_NAME as u8 && loaded.is_some() && code.names.get(i.arg as usize).is_some_and(|n| &**n == "__doc__") {
            return loaded;
        }
        loaded = (i.opcode == LOAD_CONST as u8).then_some(i.arg);
    }
    None
}

fn begins_class(names: &[std::rc::Rc<str>]) -> bool {
    matches!(names, [a, b, c, ..] if &**a == "__name__" && &**b == "__module__" && &**c == "__qualname__")
}
