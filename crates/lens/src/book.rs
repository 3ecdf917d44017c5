//! The book kept from events: every object's life, every address's tenants, every frame, in order.

use retic_bytecode::{Code, Opcode, lines};
use retic_events::{Asked, ELDER, Event, Holder, How, Look, Nature, Phase, Trigger};
use retic_wire::FIRST_THREAD;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Lives that a book keeps. What comes after them is counted only.
pub const LIVES_MAX: usize = 4_000_000;
/// Changes that a book keeps; those after them are left out.
pub const CHANGES_MAX: usize = 8_000_000;

/// A code object of the recording.
pub struct CodeInfo {
    pub code: Rc<Code>,
    /// Its file is the user's.
    pub mine: bool,
}

/// A place in a program. Code 0: in none.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Site {
    pub code: u32,
    pub offset: u32,
}

/// When and where something happened.
#[derive(Clone, Copy, Default, Debug)]
pub struct Moment {
    /// Instructions carried out before it.
    pub step: u64,
    pub site: u32,
    /// Name of the native callable that ran.
    pub by: u32,
    /// The place of the innermost frame of the user's code; 0: none.
    pub mine: u32,
    /// The frame, by its number in [`Book::frames`].
    pub frame: u32,
    /// Its number among all moments.
    pub order: u32,
}

/// How a life ended.
#[derive(Clone, Copy, Debug)]
pub struct Death {
    pub at: Moment,
    pub how: How,
    pub arg: u32,
    /// Whose death it was part of; 0: nobody's.
    pub parent: u64,
    pub phase: Option<Phase>,
}

/// An object, or a buffer (`type_id` 0).
#[derive(Clone, Debug, Default)]
pub struct Life {
    pub serial: u64,
    pub type_id: u32,
    /// What `id` says; of a buffer, its block.
    pub address: u64,
    /// The block begins so many bytes before.
    pub before: u8,
    pub size: u64,
    pub born: Moment,
    pub death: Option<Death>,
    /// When the block went back.
    pub freed: Option<Moment>,
    /// How many lived at the block before, plus one; 0 for those older than the recording.
    pub tenant: u32,
    /// The one before and the one after at the block.
    pub previous: u64,
    pub next: u64,
    /// Why there was no birth, for those older than the recording.
    pub nature: Option<Nature>,
    pub finalized: Option<Moment>,
    pub revived: bool,
}

/// `id(x)`, `a is b` or a default repr.
#[derive(Clone, Copy, Debug)]
pub enum Question {
    Address { serial: u64, how: Asked },
    Same { a: u64, b: u64, same: bool },
}

/// A collection.
pub struct Collection {
    pub generation: u8,
    pub trigger: Trigger,
    pub at: Moment,
    pub found: u64,
}

/// Who held an object at a moment.
#[derive(Clone, Debug)]
pub struct Held {
    pub at: Moment,
    pub serial: u64,
    /// Its count; negative: not looked at.
    pub count: i32,
    pub kind: Look,
    /// Each holder with the site where that began; 0: not known.
    pub holders: Vec<(Holder, u32)>,
}

/// What changed between births and deaths, at the levels that tell it.
#[derive(Clone, Copy, Debug)]
pub enum Change {
    /// An object's count is this now.
    Count { serial: u64, count: u32 },
    /// A register of the frame holds this object now; 0: none.
    Slot { slot: u32, serial: u64 },
    /// An instruction of the user's begins.
    Step,
}

/// What an instruction made, of one type, and how much of it died.
#[derive(Clone, Copy, Debug)]
pub struct Total {
    pub site: u32,
    pub type_id: u32,
    pub born: u64,
    pub died: u64,
    pub bytes: u64,
}

#[derive(Default)]
pub struct Book {
    pub command: String,
    pub sources: BTreeMap<String, String>,
    pub codes: Vec<Option<CodeInfo>>,
    pub sites: Vec<Site>,
    lines: Vec<u32>,
    pub types: Vec<String>,
    pub names: Vec<String>,
    /// In the order of serial numbers, from `first` on.
    pub lives: Vec<Life>,
    /// The serial number of the first life; lives before it were not kept.
    pub first: u64,
    pub elders: Vec<Life>,
    /// The code of each frame that was entered; number 0 stands for no frame.
    pub frames: Vec<u32>,
    /// Frames entered (true) and left, with their codes; the first [`CHANGES_MAX`].
    pub calls: Vec<(Moment, u32, bool)>,
    pub questions: Vec<(Moment, Question)>,
    pub collections: Vec<Collection>,
    pub phases: Vec<(Moment, Phase)>,
    pub looks: Vec<Held>,
    pub changes: Vec<(Moment, Change)>,
    pub totals: Vec<Total>,
    pub output: Vec<u8>,
    /// Where in the output each print begins and ends.
    pub prints: Vec<(Moment, usize, usize)>,
    /// Events read; the last step.
    pub events: u64,
    pub steps: u64,
    /// What is wrong with the file, if anything.
    pub damage: Option<String>,
    now: Moment,
    order: u32,
    /// The frames of the thread that runs, and of the others.
    stack: Vec<Standing>,
    waiting: FxHashMap<u32, Vec<Standing>>,
    thread: u32,
    blocks: FxHashMap<u64, u64>,
    dying: Vec<u64>,
    phase: Option<Phase>,
    printed: usize,
    came: u64,
    went: u64,
    /// Event number, blocks in use, blocks that came and went by the events so far.
    checkpoints: Vec<(u64, u64, u64, u64)>,
}

/// A frame that is entered: its number, its code, whether that is the user's, and where the innermost frame of the user's was last.
#[derive(Clone, Copy)]
struct Standing {
    frame: u32,
    code: u32,
    is_mine: bool,
    mine: u32,
}

fn put<T: Default>(list: &mut Vec<T>, id: u64, value: T) {
    // Numbers are given in order: a wild one comes from a damaged file.
    if id as usize <= list.len() + 1 {
        if list.len() <= id as usize {
            list.resize_with(id as usize + 1, T::default);
        }
        list[id as usize] = value;
    }
}

impl Book {
    pub(crate) fn new() -> Book {
        Book { frames: vec![0], thread: FIRST_THREAD, first: 1, ..Book::default() }
    }
    pub(crate) fn add_code(&mut self, id: u64, code: Rc<Code>, mine: bool) {
        put(&mut self.codes, id, Some(CodeInfo { code, mine }));
    }
    pub(crate) fn add_site(&mut self, id: u64, code: u32, offset: u32) {
        put(&mut self.sites, id, Site { code, offset });
        let line = self.code(code).map_or(0, |c| lines::line_of(&c.code, offset));
        put(&mut self.lines, id, line);
    }
    pub(crate) fn add_type(&mut self, id: u64, name: String) {
        put(&mut self.types, id, name);
    }
    pub(crate) fn add_name(&mut self, id: u64, name: String) {
        put(&mut self.names, id, name);
    }

    /// A chunk begins. Where it is the first of those that were kept, lives are counted from there, inside frames of these codes.
    pub(crate) fn resume(&mut self, next: u64, stack: &[u32]) {
        if self.events > 0 || next <= 1 {
            return;
        }
        self.first = next;
        for code in stack {
            self.entered(*code);
        }
    }
    fn entered(&mut self, code: u32) {
        let frame = self.frames.len() as u32;
        self.frames.push(code);
        let (is_mine, mine) = (self.code(code).is_some_and(|c| c.mine), self.now.mine);
        self.stack.push(Standing { frame, code, is_mine, mine });
        self.top_changed();
        self.called(code, true);
    }
    fn called(&mut self, code: u32, enters: bool) {
        if self.calls.len() < CHANGES_MAX {
            let at = self.moment();
            self.calls.push((at, code, enters));
        }
    }

    /// What is on top of the stack now.
    fn top_changed(&mut self) {
        (self.now.frame, self.now.mine) = self.stack.last().map_or((0, 0), |s| (s.frame, s.mine));
    }
    fn moment(&mut self) -> Moment {
        self.order = self.order.wrapping_add(1);
        Moment { order: self.order, ..self.now }
    }

    /// Whether an event is told of after the last life that is kept; the others are counted.
    fn still_read(&mut self, event: &Event) -> bool {
        if self.damage.is_none() {
            self.damage = Some(format!("the recording has more than {LIVES_MAX} lives: what follows is counted only"));
        }
        match event {
            Event::Birth { .. } | Event::Buffer { .. } => self.came += 1,
            Event::Free { serial, .. } if self.life(*serial).is_none() => self.went += 1,
            Event::At { .. } | Event::Free { .. } | Event::Phase(_) | Event::Checkpoint { .. } => return true,
            _ => {}
        }
        false
    }

    /// Takes an event in.
    pub(crate) fn add(&mut self, event: &Event) {
        self.events += 1;
        if self.lives.len() >= LIVES_MAX && !self.still_read(event) {
            return;
        }
        match *event {
            Event::At { step, site, by } => {
                self.steps = step;
                (self.now.step, self.now.site, self.now.by) = (step, site, by);
                let code = self.site(site).code;
                if let Some(top) = self.stack.last_mut().filter(|s| s.is_mine && s.code == code) {
                    top.mine = site;
                }
                self.now.mine = self.stack.last().map_or(0, |s| s.mine);
            }
            Event::Birth { serial, address, size, before, type_id } => self.born(serial, address, u64::from(size), before, type_id),
            Event::Buffer { serial, address, size } => self.born(serial, address, size, 0, 0),
            Event::Elder { serial, address, type_id, nature } => {
                let life = Life { serial, type_id, address, nature: Some(nature), ..Life::default() };
                put(&mut self.elders, serial - ELDER + 1, life);
            }
            Event::Resize { serial, address, size } => {
                if let Some(l) = self.life_mut(serial) {
                    l.size = size;
                    l.address = address.wrapping_add(u64::from(l.before));
                    self.blocks.insert(address, serial);
                }
            }
            Event::Dying { serial, how, arg } => {
                let at = self.moment();
                let parent = match (how, arg) {
                    (How::OwnerDied, 0) => self.dying.last().copied().unwrap_or(0),
                    // Its turn came after its owner's: so many numbers from its own.
                    (How::OwnerDied, distance) => serial.wrapping_add_signed(i64::from(distance as i32)),
                    _ => 0,
                };
                let phase = self.phase;
                self.dying.push(serial);
                if let Some(l) = self.life_mut(serial) {
                    l.death = Some(Death { at, how, arg, parent, phase });
                }
            }
            Event::Free { serial, .. } => {
                self.went += 1;
                if let Some(i) = self.dying.iter().rposition(|s| *s == serial) {
                    self.dying.remove(i);
                }
                let at = self.moment();
                if let Some(l) = self.life_mut(serial) {
                    l.freed = Some(at);
                }
            }
            Event::Enter { code } => self.entered(code),
            Event::Leave { .. } => {
                if let Some(s) = self.stack.pop() {
                    self.called(s.code, false);
                }
                self.top_changed();
            }
            Event::Finalizer { serial, begins } => {
                let at = self.moment();
                if begins && let Some(l) = self.life_mut(serial) {
                    l.finalized = Some(at);
                }
            }
            Event::Revived { serial } => {
                if let Some(l) = self.life_mut(serial) {
                    l.revived = true;
                }
            }
            Event::GcBegins { generation, trigger } => {
                let at = self.moment();
                self.collections.push(Collection { generation, trigger, at, found: 0 });
            }
            Event::GcEnds { found } => {
                if let Some(c) = self.collections.last_mut() {
                    c.found = found;
                }
            }
            Event::Asked { serial, how } => {
                let at = self.moment();
                self.questions.push((at, Question::Address { serial, how }));
            }
            Event::Compared { a, b, same } => {
                let at = self.moment();
                self.questions.push((at, Question::Same { a, b, same }));
            }
            Event::Printed { bytes } => {
                let at = self.moment();
                let from = self.printed;
                self.printed += bytes as usize;
                self.prints.push((at, from, self.printed));
            }
            Event::Phase(p) => {
                let at = self.moment();
                self.phase = Some(p);
                self.phases.push((at, p));
            }
            Event::Thread { id } => {
                let arrives = self.waiting.remove(&id).unwrap_or_default();
                let leaves = std::mem::replace(&mut self.stack, arrives);
                self.waiting.insert(self.thread, leaves);
                self.thread = id;
                self.top_changed();
            }
            Event::Checkpoint { blocks } => self.checkpoints.push((self.events, blocks, self.came, self.went)),
            Event::Looked { serial, count, kind, .. } => {
                let at = self.moment();
                self.looks.push(Held { at, serial, count, kind, holders: Vec::new() });
            }
            Event::Held { serial, holder, since } => {
                if let Some(look) = self.looks.last_mut()
                    && look.serial == serial
                {
                    look.holders.push((holder, since));
                }
            }
            Event::Count { serial, count } => self.changed(Change::Count { serial, count }),
            Event::Slot { slot, serial } => self.changed(Change::Slot { slot, serial }),
            Event::Step => self.changed(Change::Step),
            Event::Total { site, type_id, born, died, bytes } => self.totals.push(Total { site, type_id, born, died, bytes }),
        }
    }

    fn changed(&mut self, change: Change) {
        if self.changes.len() < CHANGES_MAX {
            let at = self.moment();
            self.changes.push((at, change));
        } else if self.damage.is_none() {
            self.damage = Some(format!("the recording has more than {CHANGES_MAX} changes: those after them are left out"));
        }
    }

    fn born(&mut self, serial: u64, address: u64, size: u64, before: u8, type_id: u32) {
        let born = self.moment();
        self.came += 1;
        if serial != self.first + self.lives.len() as u64 {
            return;
        }
        let block = address.wrapping_sub(u64::from(before));
        self.lives.push(Life { serial, type_id, address, before, size, born, ..Life::default() });
        self.tenant(serial, block);
    }
    /// A block has a new tenant. The chain of tenants goes from older to younger: what moves in later joins none.
    fn tenant(&mut self, serial: u64, block: u64) {
        let previous = self.blocks.insert(block, serial).unwrap_or(0);
        let mut tenant = 1;
        if let Some(p) = self.life_mut(previous) {
            p.next = serial;
            tenant = p.tenant + 1;
        }
        if let Some(l) = self.life_mut(serial) {
            l.previous = previous;
            l.tenant = tenant;
        }
    }

    // ---- looking things up

    pub fn life(&self, serial: u64) -> Option<&Life> {
        if serial >= ELDER { self.elders.get((serial - ELDER + 1) as usize) } else { self.lives.get(serial.checked_sub(self.first)? as usize) }
    }
    fn life_mut(&mut self, serial: u64) -> Option<&mut Life> {
        if serial >= ELDER { self.elders.get_mut((serial - ELDER + 1) as usize) } else { self.lives.get_mut(serial.checked_sub(self.first)? as usize) }
    }
    /// The block of a life; 0: not known.
    pub(crate) fn block(&self, serial: u64) -> u64 {
        self.life(serial).map_or(0, |l| l.address.wrapping_sub(u64::from(l.before)))
    }
    pub fn site(&self, id: u32) -> Site {
        self.sites.get(id as usize).copied().unwrap_or_default()
    }
    pub fn code(&self, id: u32) -> Option<&CodeInfo> {
        self.codes.get(id as usize)?.as_ref()
    }
    pub fn code_at(&self, site: u32) -> Option<&CodeInfo> {
        self.code(self.site(site).code)
    }
    /// Line of a site; 0: none.
    pub fn line(&self, site: u32) -> u32 {
        self.lines.get(site as usize).copied().unwrap_or(0)
    }
    pub fn file(&self, site: u32) -> &str {
        self.code_at(site).map_or("", |c| &c.code.filename)
    }
    /// Name of the function of a site; the module's code is "<module>".
    pub fn function(&self, site: u32) -> &str {
        self.code_at(site).map_or("", |c| &c.code.name)
    }
    pub fn is_mine(&self, site: u32) -> bool {
        self.code_at(site).is_some_and(|c| c.mine)
    }
    /// Whether a moment was in the user's own code, not in what that called.
    pub fn directly_mine(&self, m: &Moment) -> bool {
        m.site != 0 && self.is_mine(m.site)
    }
    pub fn type_name(&self, id: u32) -> &str {
        self.types.get(id as usize).map_or("?", |t| t)
    }
    pub fn name(&self, id: u32) -> &str {
        self.names.get(id as usize).map_or("", |t| t)
    }
    /// Opcode and argument of a site, prefixes taken in.
    pub fn instruction(&self, site: u32) -> Option<(Opcode, u32)> {
        let s = self.site(site);
        self.instruction_at(s.code, s.offset)
    }
    pub fn instruction_at(&self, code: u32, offset: u32) -> Option<(Opcode, u32)> {
        let c = self.code(code)?;
        let found = c.code.instruction_at(offset)?;
        Some((Opcode::from_u8(found.opcode)?, found.arg))
    }
    /// The store of a local that a fused instruction at a site ends with: offset and name.
    pub fn store_behind(&self, site: u32) -> Option<(u32, &str)> {
        let s = self.site(site);
        let c = self.code(s.code)?;
        let next = c.code.instruction_behind(s.offset)?;
        let store = if Opcode::from_u8(next.opcode)? == Opcode::STORE_FAST { Some((next.offset, next.arg)) } else { None };
        let own = self.instruction(site).filter(|(op, _)| matches!(op, Opcode::STORE_FAST | Opcode::DELETE_FAST)).map(|(_, arg)| (s.offset, arg));
        let (offset, arg) = own.or(store)?;
        Some((offset, c.code.varnames.get(arg as usize)?))
    }
    /// The name that the value made at a site is stored under at once: kind of variable and name.
    pub fn stored_as(&self, site: u32) -> Option<(Opcode, &str)> {
        let s = self.site(site);
        let c = self.code(s.code)?;
        let next = c.code.instruction_behind(s.offset)?;
        let op = Opcode::from_u8(next.opcode)?;
        let list = match op {
            Opcode::STORE_FAST => &c.code.varnames,
            Opcode::STORE_NAME | Opcode::STORE_GLOBAL | Opcode::STORE_ATTR => &c.code.names,
            _ => return None,
        };
        Some((op, list.get(next.arg as usize)?))
    }
    /// Name of a register of a code: a local, a cell or a free variable.
    pub fn register(&self, code: u32, slot: u32) -> Option<&str> {
        self.code(code)?.code.register_name(slot as usize).map(|t| &**t)
    }
    /// The objects (not buffers) that a user's instruction made itself, or that belong to no code of the library.
    pub fn own_lives(&self) -> impl Iterator<Item = &Life> {
        self.lives.iter().filter(|l| l.type_id != 0 && self.directly_mine(&l.born))
    }
    /// The tenants of the block of a life, in order, as far as they are known.
    pub fn tenants(&self, serial: u64) -> Vec<u64> {
        let mut first = serial;
        while let Some(l) = self.life(first)
            && l.previous != 0
        {
            first = l.previous;
        }
        let mut out = Vec::new();
        while let Some(l) = self.life(first) {
            out.push(first);
            first = l.next;
            if first == 0 {
                break;
            }
        }
        out
    }
    /// Objects born and dead in the recording, and alive at its end.
    pub fn balance(&self) -> (u64, u64, u64) {
        let objects = self.lives.iter().filter(|l| l.type_id != 0);
        let (mut born, mut dead) = (0, 0);
        for l in objects {
            born += 1;
            dead += u64::from(l.freed.is_some());
        }
        (born, dead, born - dead)
    }
    /// Whether the books close: blocks that came less blocks that went are those in use more than at the start, at every
    /// checkpoint. The numbers that differ otherwise: by the events, in truth.
    pub fn closed(&self) -> Result<(), (i64, i64)> {
        let Some((_, first, came, went)) = self.checkpoints.first() else { return Ok(()) };
        for (_, blocks, c, w) in &self.checkpoints {
            let (told, truth) = ((c - came) as i64 - (w - went) as i64, *blocks as i64 - *first as i64);
            if told != truth {
                return Err((told, truth));
            }
        }
        Ok(())
    }
    /// Steps of the program itself: up to its last instruction.
    pub fn program_end(&self) -> u64 {
        self.phases.iter().find(|(_, p)| *p == Phase::ProgramEnded).map_or(self.steps, |(m, _)| m.step)
    }
}
