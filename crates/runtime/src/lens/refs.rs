//! The levels refs and steps: what changes between births and deaths. Before each instruction of the user's code the
//! registers of its frame are compared with what was told of them, and the counts of what they hold, or held before, with
//! the counts told last. What native code did out of sight is told at the next checkpoint, at no place.

use super::recorder::Recorder;
use crate::cx::Cx;
use crate::eval::Frame;
use crate::memory::{self, pre_size};
use crate::object::{Header, Obj};
use retic_events::{Event, Level};
use rustc_hash::FxHashMap;

/// What was told so far.
#[derive(Default)]
pub struct Refs {
    /// The count told last, by block.
    told: FxHashMap<usize, u32>,
    /// Objects whose counts are looked at next: their blocks and addresses.
    near: FxHashMap<usize, usize>,
    /// What registers hold, of each frame that runs.
    frames: Vec<Held>,
    /// Blocks that came or went since the registers were read last.
    moved: bool,
}

/// A frame's registers as they were told.
struct Held {
    frame: *mut Frame,
    /// Its code is the user's.
    mine: bool,
    registers: Vec<Register>,
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
    /// A block came.
    pub fn came(&mut self) {
        self.moved = true;
    }
    /// A block went.
    pub fn went(&mut self, block: usize) {
        self.moved = true;
        if !self.near.is_empty() {
            self.near.remove(&block);
        }
        self.told.remove(&block);
    }
}

impl Recorder {
    /// Before an instruction; `over`: the site of the one before.
    pub fn refs(&mut self, cx: &Cx, over: u32) {
        let Some(frame) = cx.stacks.current() else { return };
        let at = (&raw const *frame).cast_mut();
        let index = match self.refs.frames.iter().rposition(|f| f.frame == at) {
            Some(i) => i,
            None => {
                let code = self.code_of(cx, frame);
                self.refs.frames.push(Held { frame: at, mine: self.names.is_mine(code), registers: vec![Register::default(); frame.exec().nregs], live: Vec::new() });
                self.refs.frames.len() - 1
            }
        };
        if !self.refs.frames[index].mine {
            return;
        }
        if self.level == Level::Steps {
            self.tell(cx, Event::Step);
        }
        self.by_instruction = over;
        let mut refs = std::mem::take(&mut self.refs);
        let mut held = std::mem::take(&mut refs.frames[index].registers);
        let mut live = std::mem::take(&mut refs.frames[index].live);
        let moved = std::mem::take(&mut refs.moved);
        let base = frame.exec().base;
        for (i, was) in held.iter_mut().enumerate().take(base) {
            self.register(cx, &mut refs, frame, i, was, moved, true);
        }
        // Temporaries that are not in use any more say nothing.
        let before = live.len();
        live.extend(frame.info().into_iter().flat_map(|info| info.live(base)).map(|r| r as u32));
        for r in &live[before..] {
            if let Some(was) = held.get_mut(*r as usize) {
                self.register(cx, &mut refs, frame, *r as usize, was, moved, self.level == Level::Steps);
            }
        }
        for i in 0..before {
            let r = live[i];
            if !live[before..].contains(&r)
                && let Some(was) = held.get_mut(r as usize)
            {
                self.empty(cx, &mut refs, r, was);
            }
        }
        live.drain(..before);
        if !refs.near.is_empty() {
            for (block, address) in std::mem::take(&mut refs.near) {
                self.compare(cx, &mut refs, block, address);
            }
        }
        (refs.frames[index].registers, refs.frames[index].live) = (held, live);
        self.refs = refs;
        self.by_instruction = 0;
    }
    #[expect(clippy::too_many_arguments, reason = "one register in its whole surroundings")]
    #[inline(always)]
    fn register(&mut self, cx: &Cx, refs: &mut Refs, frame: &Frame, i: usize, was: &mut Register, moved: bool, tell: bool) {
        let obj = frame.register(i);
        if obj.address() != was.object || moved {
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
        let Some(i) = self.refs.frames.iter().rposition(|f| f.frame == frame) else { return };
        let mut refs = std::mem::take(&mut self.refs);
        for r in &refs.frames.remove(i).registers {
            self.let_go(&mut refs, r);
        }
        self.refs = refs;
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
        if count != 0 && refs.told.insert(block, count) != Some(count) {
            let raw = address as *mut Header;
            // SAFETY: as above; borrowed only.
            let serial = self.serial(cx, unsafe { crate::eval::peek(&raw) });
            self.tell(cx, Event::Count { serial, count });
        }
    }
    /// What a dying object holds will have other counts.
    pub fn lets_go(&mut self, cx: &Cx, dying: &Obj) {
        let near = &mut self.refs.near;
        memory::trace(cx, dying, &mut |o| {
            near.insert(o.address() - pre_size(o.ty()), o.address());
        });
    }
    /// Tells every count that changed out of sight.
    pub fn all_counts(&mut self, cx: &Cx) {
        let mut refs = std::mem::take(&mut self.refs);
        self.machine(true);
        for address in self.living() {
            let raw = address as *mut Header;
            // SAFETY: L1.
            let block = address - pre_size(unsafe { crate::eval::peek(&raw) }.ty());
            self.compare(cx, &mut refs, block, address);
        }
        self.machine(false);
        self.refs = refs;
    }
}
