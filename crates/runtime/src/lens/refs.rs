//! The levels refs and steps: what changes between births and deaths. Before each instruction of the user's code the
//! registers of its frame are compared with what was told of them, and the counts of what they hold, or held before, with
//! the counts told last. What native code did out of sight is told at the next checkpoint, at no place.

use super::places::Blocks;
use super::recorder::Recorder;
use crate::cx::Cx;
use crate::eval::{Exec, Frame};
use crate::memory::{self, pre_size};
use crate::object::{Header, Obj};
use retic_events::{Event, Level};
use rustc_hash::FxHashMap;
use std::rc::Rc;

/// What was told so far.
#[derive(Default)]
pub struct Refs {
    /// The count told last, by block.
    told: Blocks,
    /// Objects whose counts are looked at next.
    near: Near,
    /// What registers hold, of each frame that runs.
    frames: Vec<Held>,
    /// Blocks that went since the registers were read last: another object may lie there.
    gone: Vec<usize>,
    /// Of register code, by address: which of its instructions begins at a word.
    instructions: FxHashMap<usize, Rc<Vec<u32>>>,
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
    #[inline]
    fn remove(&mut self, block: usize) {
        if let Some(i) = self.few.iter().position(|n| n.0 == block) {
            self.few.swap_remove(i);
        } else if !self.more.is_empty() {
            self.more.remove(&block);
        }
    }
}

/// A frame's registers as they were told.
struct Held {
    frame: *mut Frame,
    /// Its code is the user's.
    mine: bool,
    registers: Vec<Register>,
    instructions: Rc<Vec<u32>>,
    /// Those of its temporaries that were in use.
    live: Vec<u32>,
}

#[derive(Clone, Copy, Default)]
struct Register {
    object: usize,
    block: usize,
    serial: u64,
    count: i32,
}

impl Refs {
    fn instructions_of(&mut self, exec: &Exec) -> Rc<Vec<u32>> {
        let known = self.instructions.entry(&raw const *exec as usize).or_insert_with(|| {
            let mut table = vec![u32::MAX; exec.words.len()];
            for (i, info) in exec.infos.iter().enumerate() {
                if let Some(place) = table.get_mut(info.word as usize) {
                    *place = i as u32;
                }
            }
            Rc::new(table)
        });
        known.clone()
    }
    /// A block went.
    pub fn went(&mut self, block: usize) {
        // More than a few stand for any.
        if self.gone.len() <= FEW {
            self.gone.push(block);
        }
        self.near.remove(block);
        self.told.take(block);
    }
}

impl Recorder {
    /// Before an instruction; `over`: the site of the one before.
    pub fn refs(&mut self, cx: &Cx, over: u32) {
        let Some(frame) = cx.stacks.current() else { return };
        let Some(mut refs) = self.refs.take() else { return };
        self.refs_of(cx, frame, over, &mut refs);
        self.refs = Some(refs);
    }
    fn refs_of(&mut self, cx: &Cx, frame: &Frame, over: u32, refs: &mut Refs) {
        let at = (&raw const *frame).cast_mut();
        let index = match refs.frames.iter().rposition(|f| f.frame == at) {
            Some(i) => i,
            None => {
                let code = self.code_of(cx, frame);
                let mine = self.names.is_mine(code);
                let (registers, instructions) = if mine { (vec![Register::default(); frame.exec().nregs], refs.instructions_of(frame.exec())) } else { Default::default() };
                refs.frames.push(Held { frame: at, mine, registers, instructions, live: Vec::new() });
                refs.frames.len() - 1
            }
        };
        if !refs.frames[index].mine {
            return;
        }
        if self.level == Level::Steps {
            self.tell(cx, Event::Step);
        }
        self.by_instruction = over;
        let mut held = std::mem::take(&mut refs.frames[index].registers);
        let mut live = std::mem::take(&mut refs.frames[index].live);
        let gone = std::mem::take(&mut refs.gone);
        let base = frame.exec().base;
        for (i, was) in held.iter_mut().enumerate().take(base) {
            self.register(cx, refs, frame, i, was, &gone, true);
        }
        // Temporaries that are not in use any more say nothing.
        let before = live.len();
        let exec = frame.exec();
        let word = (frame.pc as usize).wrapping_sub(exec.words.as_ptr() as usize) / size_of::<u64>();
        let info = refs.frames[index].instructions.get(word).and_then(|i| exec.infos.get(*i as usize)).filter(|i| i.word as usize == word);
        // Register code that lies where other code lay is looked up the long way.
        let info = info.or_else(|| frame.info());
        live.extend(info.into_iter().flat_map(|info| info.live(base)).map(|r| r as u32));
        for r in &live[before..] {
            if let Some(was) = held.get_mut(*r as usize) {
                self.register(cx, refs, frame, *r as usize, was, &gone, self.level == Level::Steps);
            }
        }
        for i in 0..before {
            let r = live[i];
            if !live[before..].contains(&r)
                && let Some(was) = held.get_mut(r as usize)
            {
                self.empty(cx, refs, r, was);
            }
        }
        live.drain(..before);
        let mut near = std::mem::take(&mut refs.near);
        for (block, address) in near.few.drain(..).chain(near.more.drain()) {
            self.compare(cx, refs, block, address);
        }
        refs.near = near;
        refs.gone = gone;
        refs.gone.clear();
        (refs.frames[index].registers, refs.frames[index].live) = (held, live);
        self.by_instruction = 0;
    }
    #[expect(clippy::too_many_arguments, reason = "one register in its whole surroundings")]
    #[inline(always)]
    fn register(&mut self, cx: &Cx, refs: &mut Refs, frame: &Frame, i: usize, was: &mut Register, gone: &[usize], tell: bool) {
        let obj = frame.register(i);
        // Of many blocks that went, any may be this one's.
        if obj.address() != was.object || !gone.is_empty() && (gone.len() > FEW || gone.contains(&was.block)) {
            self.changed(cx, refs, obj, i, was, tell);
        } else if was.count >= 0 && obj.count() as i32 != was.count {
            was.count = obj.count() as i32;
            self.compare(cx, refs, was.block, was.object);
        }
    }
    /// A register may hold another object than it did.
    fn changed(&mut self, cx: &Cx, refs: &mut Refs, obj: &Obj, i: usize, was: &mut Register, tell: bool) {
        if obj.is_unbound() {
            return self.empty(cx, refs, i as u32, was);
        }
        let serial = self.serial(cx, obj);
        if serial != was.serial {
            self.let_go(refs, was);
            let block = obj.address() - pre_size(obj.ty());
            *was = Register { object: obj.address(), block, serial, count: -1 };
            if tell {
                self.tell(cx, Event::Slot { slot: i as u32, serial });
            }
            self.compare(cx, refs, block, was.object);
        }
        if !obj.is_immortal() && obj.count() as i32 != was.count {
            self.compare(cx, refs, was.block, was.object);
            was.count = obj.count() as i32;
        }
    }
    fn empty(&mut self, cx: &Cx, refs: &mut Refs, slot: u32, was: &mut Register) {
        if was.object != 0 {
            let told = slot < cx.stacks.current().map_or(0, |f| f.exec().base as u32) || self.level == Level::Steps;
            if told && was.serial != 0 {
                self.tell(cx, Event::Slot { slot, serial: 0 });
            }
            self.let_go(refs, was);
            *was = Register::default();
        }
    }
    /// A frame is left, for now or for ever.
    pub fn refs_left(&mut self, frame: *mut Frame) {
        let Some(mut refs) = self.refs.take() else { return };
        if let Some(i) = refs.frames.iter().rposition(|f| f.frame == frame) {
            for r in &refs.frames.remove(i).registers {
                self.let_go(&mut refs, r);
            }
        }
        self.refs = Some(refs);
    }
    /// A register lost an object that may live on with another count.
    fn let_go(&self, refs: &mut Refs, was: &Register) {
        if was.serial != 0 && self.at_block(was.block) == was.serial {
            refs.near.insert(was.block, was.object);
        }
    }
    /// Tells an object's count if it is another than the one told last.
    fn compare(&mut self, cx: &Cx, refs: &mut Refs, block: usize, address: usize) {
        // SAFETY: L1; blocks that went are not among those looked at.
        let count = unsafe { (*(address as *const Header)).count.get() };
        let Ok(count) = u32::try_from(count) else { return };
        if count != 0 && refs.told.get(block) != u64::from(count) {
            refs.told.set(block, u64::from(count));
            let raw = address as *mut Header;
            // SAFETY: as above; borrowed only.
            let serial = self.serial(cx, unsafe { crate::eval::peek(&raw) });
            self.tell(cx, Event::Count { serial, count });
        }
    }
    /// What a dying object holds will have other counts.
    pub fn lets_go(&mut self, cx: &Cx, dying: &Obj) {
        let Some(refs) = &mut self.refs else { return };
        memory::trace(cx, dying, &mut |o| {
            refs.near.insert(o.address() - pre_size(o.ty()), o.address());
        });
    }
    /// Tells every count that changed out of sight.
    pub fn all_counts(&mut self, cx: &Cx) {
        let Some(mut refs) = self.refs.take() else { return };
        self.machine(true);
        for address in self.living() {
            let raw = address as *mut Header;
            // SAFETY: L1.
            let block = address - pre_size(unsafe { crate::eval::peek(&raw) }.ty());
            self.compare(cx, &mut refs, block, address);
        }
        self.machine(false);
        self.refs = Some(refs);
    }
}
