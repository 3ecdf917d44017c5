//! The levels refs and steps: what changes between births and deaths. Before each instruction of the user's code the
//! registers of its frame are compared with what was told of them, and the counts of what they hold, or held before, with
//! the counts told last. What native code did out of sight is told at the next checkpoint, at no place.

use super::places::Blocks;
use super::recorder::{Recorder, busy};
use crate::cx::Cx;
use crate::eval::{Exec, Frame};
use crate::memory::{self, pre_size};
use crate::object::{Header, Obj};
use retic_events::Level;
use rustc_hash::FxHashMap;
use std::rc::Rc;

/// What was told so far.
#[derive(Default)]
pub struct Refs {
    /// What registers hold, of each frame that runs.
    frames: Vec<Held>,
    /// Frames that were left, for their room.
    spare: Vec<Held>,
    counts: Counts,
    /// Of register code, by address.
    live: FxHashMap<usize, Rc<Live>>,
}

/// What was told of counts, and whose are looked at next.
#[derive(Default)]
struct Counts {
    /// The count told last, by block.
    told: Blocks,
    /// Objects whose counts are looked at next.
    near: Near,
    /// Blocks that went since the registers were read last: another object may lie there.
    gone: Vec<usize>,
    /// Some bits of each of them.
    gone_bits: u64,
}

/// Blocks and addresses of objects: a few in a list, more in a table.
#[derive(Default)]
struct Near {
    few: Vec<(usize, usize)>,
    more: FxHashMap<usize, usize>,
}

/// Blocks that are searched one by one.
const FEW: usize = 24;

impl Near {
    fn insert(&mut self, block: usize, address: usize) {
        if self.few.iter().any(|n| n.0 == block) || self.more.contains_key(&block) {
            return;
        }
        if self.few.len() < FEW {
            self.few.push((block, address));
        } else {
            self.more.insert(block, address);
        }
    }
    fn is_empty(&self) -> bool {
        self.few.is_empty() && self.more.is_empty()
    }
    #[inline]
    fn remove(&mut self, block: usize) {
        if let Some(i) = self.few.iter().position(|n| n.0 == block) {
            self.few.swap_remove(i);
        } else if !self.more.is_empty() {
            self.more.remove(&block);
        }
    }
}

/// The temporaries in use before an instruction, by its word: where they begin among all, how many there are, and a bit for each.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Used {
    from: u32,
    n: u32,
    /// All ones: they have no bits.
    bits: u64,
}

/// Which temporaries are in use before each instruction of register code.
#[derive(Default)]
struct Live {
    at: Vec<Used>,
    registers: Vec<u16>,
    /// The code that this was read from.
    of: (usize, usize),
}

impl Live {
    fn read(exec: &Exec) -> Live {
        let mut live = Live { at: vec![Used::default(); exec.words.len()], registers: Vec::new(), of: Live::key(exec) };
        for (i, info) in exec.infos.iter().enumerate() {
            let from = live.registers.len();
            live.registers.extend(exec.held[info.held as usize].live(exec.base).map(|r| r as u16));
            let mut entry = Used { from: from as u32, n: (live.registers.len() - from) as u32, bits: 0 };
            for r in &live.registers[from..] {
                let nth = usize::from(*r).wrapping_sub(exec.base);
                entry.bits |= if nth < 63 { 1 << nth } else { u64::MAX };
            }
            let before = i.checked_sub(1).and_then(|i| live.at.get(exec.infos[i].word as usize).copied());
            if let Some(before) = before
                && live.list(before) == live.list(entry)
            {
                entry = before;
                live.registers.truncate(from);
            }
            let end = exec.infos.get(i + 1).map_or(exec.words.len(), |n| n.word as usize);
            if let Some(words) = live.at.get_mut(info.word as usize..end) {
                words.fill(entry);
            }
        }
        live
    }
    fn key(exec: &Exec) -> (usize, usize) {
        (exec.words.as_ptr() as usize, exec.infos.as_ptr() as usize)
    }
    #[inline]
    fn list(&self, used: Used) -> &[u16] {
        self.registers.get(used.from as usize..(used.from + used.n) as usize).unwrap_or_default()
    }
}

/// A frame's registers as they were told.
struct Held {
    frame: *mut Frame,
    exec: *const Exec,
    /// Its code is the user's.
    mine: bool,
    registers: Vec<Register>,
    live: Rc<Live>,
    /// Those of its temporaries that were in use, as in `Live::at`.
    used: Used,
}

#[derive(Clone, Copy, Default)]
struct Register {
    /// The word of its count when it was read last.
    seen: i32,
    object: usize,
    block: usize,
    serial: u64,
    /// -1: it never changes.
    count: i32,
}

impl Refs {
    fn live_of(&mut self, exec: &Exec) -> Rc<Live> {
        let known = self.live.entry(&raw const *exec as usize).or_default();
        // Register code may lie where other code lay.
        if known.of != Live::key(exec) {
            *known = Rc::new(Live::read(exec));
        }
        known.clone()
    }
    /// A block went.
    #[inline]
    pub fn went(&mut self, block: usize) {
        let counts = &mut self.counts;
        // More than a few stand for any.
        if counts.gone.len() <= FEW {
            counts.gone.push(block);
            counts.gone_bits |= bit(block);
        }
        counts.near.remove(block);
        counts.told.take(block);
    }
}

/// One of 64 bits, for a block.
fn bit(block: usize) -> u64 {
    1 << (block >> 4 & 63)
}

impl Counts {
    /// Whether a block may have gone since the registers were read last.
    #[inline(always)]
    fn is_gone(&self, block: usize) -> bool {
        self.gone_bits & bit(block) != 0 && self.search_gone(block)
    }
    #[inline(never)]
    fn search_gone(&self, block: usize) -> bool {
        self.gone.len() > FEW || self.gone.contains(&block)
    }
}

/// The first register, from one on and below another, that may not be as it was.
#[inline(never)]
fn first_changed(frame: &Frame, registers: &[Register], from: usize, below: usize, gone_bits: u64) -> Option<usize> {
    let differs = |(i, was): (usize, &Register)| {
        let obj = frame.register(from + i);
        obj.address() != was.object || obj.count_word() != was.seen || gone_bits & bit(was.block) != 0
    };
    registers.get(from..below)?.iter().enumerate().position(differs).map(|i| from + i)
}

impl Recorder {
    /// Before an instruction; `over`: the place of the one before.
    #[inline(always)]
    pub fn refs(&mut self, cx: &Cx, over: u64) {
        let Some(frame) = cx.stacks.current() else { return };
        let Some(mut refs) = self.refs.take() else { return };
        self.refs_of(cx, frame, over, &mut refs);
        self.refs = Some(refs);
    }
    #[inline(always)]
    fn refs_of(&mut self, cx: &Cx, frame: &Frame, over: u64, refs: &mut Refs) {
        let at = (&raw const *frame).cast_mut();
        let known = refs.frames.last().is_some_and(|f| f.frame == at && f.exec == frame.exec);
        let index = if known { refs.frames.len() - 1 } else { busy(cx, || self.find_frame(cx, frame, refs)) };
        let (Some(held), counts) = (refs.frames.get_mut(index), &mut refs.counts) else { return };
        if !held.mine {
            return;
        }
        let steps = self.level == Level::Steps;
        if steps {
            self.tell_step(cx);
        }
        self.by_place(over);
        let exec = frame.exec();
        // A register that nobody has read holds no block that went.
        if counts.gone.len() > FEW {
            counts.gone_bits = u64::MAX;
        }
        let mut i = 0;
        while let Some(changed) = first_changed(frame, &held.registers, i, exec.base, counts.gone_bits) {
            self.register(cx, counts, frame, changed, &mut held.registers[changed], true);
            i = changed + 1;
        }
        let word = (frame.pc as usize).wrapping_sub(exec.words.as_ptr() as usize) / size_of::<u64>();
        let now = held.live.at.get(word).copied().unwrap_or_default();
        for r in held.live.list(now) {
            if let Some(was) = held.registers.get_mut(usize::from(*r)) {
                self.register(cx, counts, frame, usize::from(*r), was, steps);
            }
        }
        if held.used != now {
            self.used_no_more(cx, counts, held, now, exec.base);
        }
        if !counts.near.is_empty() {
            self.compare_near(cx, counts);
        }
        if !counts.gone.is_empty() {
            counts.gone.clear();
            counts.gone_bits = 0;
        }
        self.by_place(0);
    }
    /// Temporaries that are not in use any more say nothing.
    #[inline(always)]
    fn used_no_more(&mut self, cx: &Cx, counts: &mut Counts, held: &mut Held, now: Used, base: usize) {
        let before = std::mem::replace(&mut held.used, now);
        if before.bits != u64::MAX && now.bits != u64::MAX {
            let mut over = before.bits & !now.bits;
            while over != 0 {
                let r = base + over.trailing_zeros() as usize;
                over &= over - 1;
                if let Some(was) = held.registers.get_mut(r) {
                    self.empty(cx, counts, r as u32, was);
                }
            }
            return;
        }
        for r in held.live.list(before) {
            if !held.live.list(now).contains(r)
                && let Some(was) = held.registers.get_mut(usize::from(*r))
            {
                self.empty(cx, counts, u32::from(*r), was);
            }
        }
    }
    /// Where a frame is that did not run last; a new one gets its place.
    #[inline(never)]
    fn find_frame(&mut self, cx: &Cx, frame: &Frame, refs: &mut Refs) -> usize {
        let at = (&raw const *frame).cast_mut();
        if let Some(i) = refs.frames.iter().rposition(|f| f.frame == at) {
            if refs.frames[i].exec == frame.exec {
                return i;
            }
            // Another frame lies where that one was.
            let gone = refs.frames.remove(i);
            self.all_go(&mut refs.counts, &gone);
            refs.spare.push(gone);
        }
        let code = self.code_of(cx, frame);
        let mine = self.names.is_mine(code);
        let mut held = refs.spare.pop().unwrap_or_else(|| Held { frame: at, exec: frame.exec, mine, registers: Vec::new(), live: Rc::default(), used: Used::default() });
        held.registers.clear();
        if mine {
            held.registers.resize(frame.exec().nregs, Register { count: -1, ..Register::default() });
            if held.live.of != Live::key(frame.exec()) {
                held.live = refs.live_of(frame.exec());
            }
        }
        (held.frame, held.exec, held.mine, held.used) = (at, frame.exec, mine, Used::default());
        refs.frames.push(held);
        refs.frames.len() - 1
    }
    #[inline(never)]
    fn compare_near(&mut self, cx: &Cx, counts: &mut Counts) {
        for i in 0..counts.near.few.len() {
            if let Some((block, address)) = counts.near.few.get(i).copied() {
                self.compare(cx, counts, block, address, 0);
            }
        }
        counts.near.few.clear();
        if !counts.near.more.is_empty() {
            for (block, address) in std::mem::take(&mut counts.near.more) {
                self.compare(cx, counts, block, address, 0);
            }
        }
    }
    #[inline(always)]
    fn register(&mut self, cx: &Cx, counts: &mut Counts, frame: &Frame, i: usize, was: &mut Register, tell: bool) {
        let obj = frame.register(i);
        if obj.address() != was.object || counts.is_gone(was.block) {
            self.changed(cx, counts, obj, i, was, tell);
        } else if obj.count_word() != was.seen {
            was.seen = obj.count_word();
            if was.count >= 0 {
                was.count = was.seen;
                self.compare(cx, counts, was.block, was.object, was.serial);
            }
        }
    }
    /// A register may hold another object than it did.
    #[inline(never)]
    fn changed(&mut self, cx: &Cx, counts: &mut Counts, obj: &Obj, i: usize, was: &mut Register, tell: bool) {
        if obj.is_unbound() {
            self.empty(cx, counts, i as u32, was);
            (was.object, was.seen) = (obj.address(), obj.count_word());
            return;
        }
        let serial = self.serial(cx, obj);
        if serial != was.serial {
            self.let_go(counts, was);
            let block = obj.address() - pre_size(obj.ty());
            *was = Register { object: obj.address(), block, serial, count: -1, seen: 0 };
            if tell {
                self.tell_slot(cx, i as u32, serial);
            }
            self.compare(cx, counts, block, was.object, serial);
        }
        if !obj.is_immortal() && obj.count() as i32 != was.count {
            self.compare(cx, counts, was.block, was.object, serial);
            was.count = obj.count() as i32;
        }
        was.seen = obj.count_word();
    }
    fn empty(&mut self, cx: &Cx, counts: &mut Counts, slot: u32, was: &mut Register) {
        if was.serial != 0 {
            let told = self.level == Level::Steps || slot < cx.stacks.current().map_or(0, |f| f.exec().base as u32);
            if told {
                self.tell_slot(cx, slot, 0);
            }
            self.let_go(counts, was);
        }
        *was = Register { count: -1, ..Register::default() };
    }
    /// A frame is left, for now or for ever.
    pub fn refs_left(&mut self, frame: *mut Frame) {
        let Some(mut refs) = self.refs.take() else { return };
        if let Some(i) = refs.frames.iter().rposition(|f| f.frame == frame) {
            let held = refs.frames.remove(i);
            self.all_go(&mut refs.counts, &held);
            refs.spare.push(held);
        }
        self.refs = Some(refs);
    }
    fn all_go(&self, counts: &mut Counts, held: &Held) {
        for r in &held.registers {
            self.let_go(counts, r);
        }
    }
    /// A register lost an object that may live on with another count.
    fn let_go(&self, counts: &mut Counts, was: &Register) {
        if was.serial != 0 && self.at_block(was.block) == was.serial {
            counts.near.insert(was.block, was.object);
        }
    }
    /// Tells an object's count if it is another than the one told last. `serial`: its number, if it is known.
    #[inline]
    fn compare(&mut self, cx: &Cx, counts: &mut Counts, block: usize, address: usize, serial: u64) {
        // SAFETY: L1; blocks that went are not among those looked at.
        let count = unsafe { (*(address as *const Header)).count.get() };
        let Ok(count) = u32::try_from(count) else { return };
        if count != 0 && counts.told.swap(block, u64::from(count)) != u64::from(count) {
            let raw = address as *mut Header;
            // SAFETY: as above; borrowed only.
            let serial = if serial != 0 { serial } else { self.serial(cx, unsafe { crate::eval::peek(&raw) }) };
            self.tell_count(cx, serial, count);
        }
    }
    /// What a dying object holds will have other counts.
    pub fn lets_go(&mut self, cx: &Cx, dying: &Obj) {
        let Some(refs) = &mut self.refs else { return };
        memory::trace(cx, dying, &mut |o| {
            refs.counts.near.insert(o.address() - pre_size(o.ty()), o.address());
        });
    }
    /// Tells every count that changed out of sight.
    pub fn all_counts(&mut self, cx: &Cx) {
        let Some(mut refs) = self.refs.take() else { return };
        self.machine(true);
        for address in self.living(cx) {
            let raw = address as *mut Header;
            // SAFETY: L1.
            let block = address - pre_size(unsafe { crate::eval::peek(&raw) }.ty());
            self.compare(cx, &mut refs.counts, block, address, 0);
        }
        self.machine(false);
        self.refs = Some(refs);
    }
}
