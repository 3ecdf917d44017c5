//! Events as bytes: a tag byte and varints. Objects are named by their age, addresses by their distance from the last.

use retic_bytecode::varint::{number, unzigzag, zigzag};
use retic_events::{Asked, ELDER, Event, Holder, How, Left, Link, Look, Nature, Phase, Trigger};

/// What both ends remember from event to event.
#[derive(Clone, Default)]
pub struct State {
    step: u64,
    site: u32,
    by: u32,
    next: u64,
    address: u64,
    dying: Vec<u64>,
    /// Blocks by serial number would be too much to remember: only the last few that went.
    blocks: Ring,
    /// The codes of the frames of the thread that runs, and of the others.
    stack: Vec<u32>,
    waiting: Vec<(u32, Vec<u32>)>,
    thread: u32,
    expected: Expected,
    /// The second of two events that were one in the file.
    second: Option<Event>,
    /// Calls of `id`, `is` and default reprs written.
    asked: u64,
}

/// Loops repeat themselves: what came last time, by the end of a site's number. Known to both ends from a chunk's beginning.
#[derive(Clone)]
struct Expected {
    /// The `At` behind one of that site and callee: steps ahead, site, callee.
    at: Box<[(u64, u32, u32); EXPECTED]>,
    /// The birth there: type, size, bytes in front of the header.
    births: Box<[(u32, u32, u8); EXPECTED]>,
}

const EXPECTED: usize = 2048;

impl Default for Expected {
    fn default() -> Expected {
        Expected { at: Box::new([(0, 0, 0); EXPECTED]), births: Box::new([(0, 0, 0); EXPECTED]) }
    }
}

impl Expected {
    fn clear(&mut self) {
        self.at.fill((0, 0, 0));
        self.births.fill((0, 0, 0));
    }
}

/// Where something is expected behind an `At`.
#[inline]
fn slot(site: u32, by: u32) -> usize {
    (site.wrapping_add(by.wrapping_mul(61))) as usize % EXPECTED
}

/// Frames, dying objects and threads that a state names are at most so many; more come from a damaged file.
const SAVED_MAX: u64 = 1 << 20;

/// The blocks that went last, and where the next of them is noted.
#[derive(Clone, Default)]
struct Ring([u64; RING], usize);

const RING: usize = 16;

const AT: u8 = 0;
const BIRTH: u8 = 1;
const ELDER_TAG: u8 = 2;
const BUFFER: u8 = 3;
const RESIZE: u8 = 4;
const DYING: u8 = 5;
const FREE: u8 = 6;
const ENTER: u8 = 7;
const LEAVE: u8 = 8;
const FINALIZER: u8 = 9;
const REVIVED: u8 = 10;
const GC_BEGINS: u8 = 11;
const GC_ENDS: u8 = 12;
const ASKED: u8 = 13;
const COMPARED: u8 = 14;
const PRINTED: u8 = 15;
const PHASE: u8 = 16;
const THREAD: u8 = 17;
const LOOKED: u8 = 18;
/// `Free` of what is dying innermost.
const FREE_DYING: u8 = 19;
/// `At` in the same site, called by the same.
const AT_STEP: u8 = 20;
/// `At` with another site, called by nobody.
const AT_SITE: u8 = 21;
const CHECKPOINT: u8 = 22;
const HELD: u8 = 23;
const COUNT: u8 = 24;
const SLOT: u8 = 25;
const TOTAL: u8 = 26;
const STEP: u8 = 27;
/// `At` as it was expected.
const AT_NEXT: u8 = 28;
/// `Birth` of what was born there last time; in the block that went last.
const BIRTH_AGAIN: u8 = 29;
const BIRTH_IN_LAST: u8 = 30;
/// `Dying` and `Free` in one; of a temporary.
const DIES: u8 = 31;
const DIES_DROPPED: u8 = 32;

fn put_list(out: &mut Vec<u8>, list: &[u64]) {
    number(out, list.len() as u64);
    for n in list {
        number(out, *n);
    }
}

fn get_list(input: &mut Input) -> Option<Vec<u64>> {
    let n = input.number().filter(|n| *n <= SAVED_MAX)?;
    (0..n).map(|_| input.number()).collect()
}

/// Bytes being read; every read may find the end.
pub struct Input<'a>(pub &'a [u8]);
impl Input<'_> {
    pub fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }
    pub fn number(&mut self) -> Option<u64> {
        let mut v = 0u64;
        for shift in (0..64).step_by(7) {
            let b = self.byte()?;
            v |= u64::from(b & 0x7f) << shift;
            if b < 0x80 {
                return Some(v);
            }
        }
        None
    }
    pub fn text(&mut self) -> Option<String> {
        let n = self.number()? as usize;
        if n > self.0.len() {
            return None;
        }
        let (text, rest) = self.0.split_at(n);
        self.0 = rest;
        Some(String::from_utf8_lossy(text).into_owned())
    }
    fn small(&mut self) -> Option<u32> {
        u32::try_from(self.number()?).ok()
    }
}

impl Ring {
    #[inline]
    fn went(&mut self, address: u64) {
        self.0[self.1 % RING] = address;
        self.1 = (self.1 + 1) % RING;
    }
    /// How long ago an address went, from 1.
    #[inline]
    fn find(&self, address: u64) -> u64 {
        (1..=RING).find(|age| self.0[self.1.wrapping_sub(*age) % RING] == address).unwrap_or(0) as u64
    }
    fn at(&self, age: u64) -> Option<u64> {
        if age as usize > RING { None } else { Some(self.0[self.1.wrapping_sub(age as usize) % RING]) }
    }
    /// From the one that went longest ago.
    fn list(&self) -> Vec<u64> {
        (1..=RING).rev().map(|age| self.0[self.1.wrapping_sub(age) % RING]).collect()
    }
    fn of(list: &[u64]) -> Option<Ring> {
        Some(Ring(list.try_into().ok()?, 0))
    }
}

/// The number of the thread that begins.
pub const FIRST_THREAD: u32 = 1;

impl State {
    /// Before the first event.
    pub fn new() -> State {
        State { thread: FIRST_THREAD, ..State::default() }
    }
    /// The serial number that comes next; from 1.
    pub fn next(&self) -> u64 {
        self.next.max(1)
    }
    /// The step of the last place, and how many questions about addresses were written.
    pub fn so_far(&self) -> (u64, u64) {
        (self.step, self.asked)
    }
    /// Whether an event is left that was read already.
    pub fn has_more(&self) -> bool {
        self.second.is_some()
    }
    /// The codes of the frames of the thread that runs, outermost first.
    pub fn stack(&self) -> &[u32] {
        &self.stack
    }
    /// Everything that the reader of the next events must know of those before.
    pub fn save(&mut self, out: &mut Vec<u8>) {
        self.expected.clear();
        for n in [self.step, u64::from(self.site), u64::from(self.by), self.next, self.address, u64::from(self.thread)] {
            number(out, n);
        }
        let wide = |list: &[u32]| list.iter().map(|n| u64::from(*n)).collect::<Vec<u64>>();
        let lists = [self.dying.clone(), self.blocks.list(), wide(&self.stack)];
        for list in lists.iter() {
            put_list(out, list);
        }
        number(out, self.waiting.len() as u64);
        for (id, stack) in &self.waiting {
            number(out, u64::from(*id));
            put_list(out, &wide(stack));
        }
    }
    /// What `save` wrote.
    pub fn load(input: &mut Input) -> Option<State> {
        let mut state = State { step: input.number()?, site: input.small()?, by: input.small()?, next: input.number()?, address: input.number()?, ..State::default() };
        state.thread = input.small()?;
        state.dying = get_list(input)?;
        state.blocks = Ring::of(&get_list(input)?)?;
        let narrow = |list: Vec<u64>| list.into_iter().map(|n| u32::try_from(n).ok()).collect::<Option<Vec<u32>>>();
        state.stack = narrow(get_list(input)?)?;
        for _ in 0..input.number().filter(|n| *n <= SAVED_MAX)? {
            let id = input.small()?;
            state.waiting.push((id, narrow(get_list(input)?)?));
        }
        Some(state)
    }
    fn entered(&mut self, code: u32) {
        self.stack.push(code);
    }
    fn switched(&mut self, id: u32) {
        let arrives = self.waiting.iter().position(|w| w.0 == id).map(|i| self.waiting.swap_remove(i).1).unwrap_or_default();
        let leaves = std::mem::replace(&mut self.stack, arrives);
        self.waiting.push((self.thread, leaves));
        self.thread = id;
    }

    fn put_serial(&self, out: &mut Vec<u8>, serial: u64) {
        // Elders by number, odd; others by age, even; zero for none.
        if serial == 0 {
            out.push(0);
        } else if serial >= ELDER {
            number(out, (serial - ELDER) << 1 | 1);
        } else {
            number(out, (self.next.wrapping_sub(serial)) << 1);
        }
    }
    fn get_serial(&self, input: &mut Input) -> Option<u64> {
        let v = input.number()?;
        match v {
            0 => Some(0),
            v if v & 1 == 1 => ELDER.checked_add(v >> 1),
            v => self.next.checked_sub(v >> 1),
        }
    }
    fn put_address(&mut self, out: &mut Vec<u8>, address: u64) {
        number(out, zigzag((address.wrapping_sub(self.address) as i64) >> 4));
        self.address = address;
    }
    fn get_address(&mut self, input: &mut Input) -> Option<u64> {
        let v = unzigzag(input.number()?);
        self.address = self.address.wrapping_add((v << 4) as u64);
        Some(self.address)
    }
    /// A block: how long ago it went, or its address.
    fn put_block(&mut self, out: &mut Vec<u8>, block: u64) {
        let age = self.blocks.find(block);
        number(out, age);
        if age == 0 {
            self.put_address(out, block);
        }
    }
    fn get_block(&mut self, input: &mut Input) -> Option<u64> {
        match input.number()? {
            0 => self.get_address(input),
            age => self.blocks.at(age),
        }
    }

    /// Writes events in their order.
    pub fn write_all(&mut self, out: &mut Vec<u8>, events: &[Event]) {
        let mut i = 0;
        while let Some(event) = events.get(i) {
            i += 1;
            match (event, events.get(i)) {
                (Event::Dying { serial, how, arg }, Some(Event::Free { serial: freed, block })) if serial == freed => {
                    i += 1;
                    if (*how, *arg) == (How::Dropped, 0) {
                        out.push(DIES_DROPPED);
                        self.put_serial(out, *serial);
                    } else {
                        out.push(DIES);
                        self.put_serial(out, *serial);
                        number(out, u64::from(*arg) << 3 | *how as u64);
                    }
                    self.blocks.went(*block);
                }
                _ => self.write(out, event),
            }
        }
    }
    fn write(&mut self, out: &mut Vec<u8>, event: &Event) {
        match *event {
            Event::At { step, site, by } => {
                let ahead = step.wrapping_sub(self.step);
                let expected = &mut self.expected.at[slot(self.site, self.by)];
                if *expected == (ahead, site, by) {
                    out.push(AT_NEXT);
                    (self.step, self.site, self.by) = (step, site, by);
                    return;
                }
                *expected = (ahead, site, by);
                if site == self.site && by == self.by {
                    out.push(AT_STEP);
                    number(out, ahead);
                } else {
                    out.push(if by == 0 { AT_SITE } else { AT });
                    number(out, ahead);
                    number(out, zigzag(i64::from(site) - i64::from(self.site)));
                    if by != 0 {
                        number(out, u64::from(by));
                    }
                }
                (self.step, self.site, self.by) = (step, site, by);
            }
            Event::Birth { serial, address, size, before, type_id } => {
                self.next = serial + 1;
                let block = address - u64::from(before);
                let expected = &mut self.expected.births[slot(self.site, self.by)];
                if *expected == (type_id, size, before) {
                    let age = self.blocks.find(block);
                    if age == 1 {
                        out.push(BIRTH_IN_LAST);
                    } else {
                        out.push(BIRTH_AGAIN);
                        number(out, age);
                        if age == 0 {
                            self.put_address(out, block);
                        }
                    }
                    return;
                }
                *expected = (type_id, size, before);
                out.push(BIRTH);
                number(out, u64::from(type_id));
                number(out, u64::from(size) << 2 | u64::from(before >> 4));
                self.put_block(out, block);
            }
            Event::Elder { serial, address, type_id, nature } => {
                out.push(ELDER_TAG);
                number(out, serial - ELDER);
                number(out, u64::from(type_id));
                out.push(nature as u8);
                number(out, address);
            }
            Event::Buffer { serial, address, size } => {
                out.push(BUFFER);
                self.next = serial + 1;
                number(out, size);
                self.put_block(out, address);
            }
            Event::Resize { serial, address, size } => {
                out.push(RESIZE);
                self.put_serial(out, serial);
                number(out, size);
                self.put_address(out, address);
            }
            Event::Dying { serial, how, arg } => {
                out.push(DYING);
                self.put_serial(out, serial);
                number(out, u64::from(arg) << 3 | how as u64);
                self.dying.push(serial);
            }
            Event::Free { serial, block } => {
                if self.dying.last() == Some(&serial) {
                    out.push(FREE_DYING);
                    self.dying.pop();
                } else {
                    out.push(FREE);
                    self.put_serial(out, serial);
                }
                if serial != 0 {
                    self.blocks.went(block);
                }
            }
            Event::Enter { code } => {
                out.push(ENTER);
                number(out, u64::from(code));
                self.entered(code);
            }
            Event::Leave { how } => {
                out.extend([LEAVE, how as u8]);
                self.stack.pop();
            }
            Event::Finalizer { serial, begins } => {
                out.extend([FINALIZER, u8::from(begins)]);
                self.put_serial(out, serial);
            }
            Event::Revived { serial } => {
                out.push(REVIVED);
                self.put_serial(out, serial);
            }
            Event::GcBegins { generation, trigger } => out.extend([GC_BEGINS, generation, trigger as u8]),
            Event::GcEnds { found } => {
                out.push(GC_ENDS);
                number(out, found);
            }
            Event::Asked { serial, how } => {
                self.asked += 1;
                out.extend([ASKED, how as u8]);
                self.put_serial(out, serial);
            }
            Event::Compared { a, b, same } => {
                self.asked += 1;
                out.extend([COMPARED, u8::from(same)]);
                self.put_serial(out, a);
                self.put_serial(out, b);
            }
            Event::Printed { bytes } => {
                out.push(PRINTED);
                number(out, u64::from(bytes));
            }
            Event::Phase(p) => out.extend([PHASE, p as u8]),
            Event::Thread { id } => {
                out.push(THREAD);
                number(out, u64::from(id));
                self.switched(id);
            }
            Event::Checkpoint { blocks } => {
                out.push(CHECKPOINT);
                number(out, blocks);
            }
            Event::Looked { serial, count, kind, holders } => {
                out.extend([LOOKED, kind as u8]);
                self.put_serial(out, serial);
                number(out, zigzag(i64::from(count)));
                number(out, u64::from(holders));
            }
            Event::Held { serial, holder, since } => {
                out.push(HELD);
                self.put_serial(out, serial);
                number(out, u64::from(since));
                self.put_holder(out, holder);
            }
            Event::Count { serial, count } => {
                out.push(COUNT);
                self.put_serial(out, serial);
                number(out, u64::from(count));
            }
            Event::Slot { slot, serial } => {
                out.push(SLOT);
                number(out, u64::from(slot));
                self.put_serial(out, serial);
            }
            Event::Step => out.push(STEP),
            Event::Total { site, type_id, born, died, bytes } => {
                out.push(TOTAL);
                for n in [u64::from(site), u64::from(type_id), born, died, bytes] {
                    number(out, n);
                }
            }
        }
    }

    fn put_holder(&self, out: &mut Vec<u8>, holder: Holder) {
        match holder {
            Holder::Local { code, slot } => {
                out.push(0);
                number(out, u64::from(code));
                number(out, u64::from(slot));
            }
            Holder::Global { module, name } => {
                out.push(8);
                number(out, u64::from(module));
                number(out, u64::from(name));
            }
            Holder::Stack { code, slot } => {
                out.push(1);
                number(out, u64::from(code));
                number(out, u64::from(slot));
            }
            Holder::Native { by } => {
                out.push(2);
                number(out, u64::from(by));
            }
            Holder::Inside { owner, link } => {
                let (tag, arg) = match link {
                    Link::Item(i) => (3, i),
                    Link::Value(n) => (4, n),
                    Link::Key => (5, 0),
                    Link::Attribute(n) => (6, n),
                    Link::Field => (7, 0),
                };
                out.push(tag);
                self.put_serial(out, owner);
                number(out, u64::from(arg));
            }
        }
    }
    fn get_holder(&self, input: &mut Input) -> Option<Holder> {
        Some(match input.byte()? {
            0 => Holder::Local { code: input.small()?, slot: input.small()? },
            8 => Holder::Global { module: input.small()?, name: input.small()? },
            1 => Holder::Stack { code: input.small()?, slot: input.small()? },
            2 => Holder::Native { by: input.small()? },
            tag @ 3..=7 => {
                let owner = self.get_serial(input)?;
                let arg = input.small()?;
                let link = match tag {
                    3 => Link::Item(arg),
                    4 => Link::Value(arg),
                    5 => Link::Key,
                    6 => Link::Attribute(arg),
                    _ => Link::Field,
                };
                Holder::Inside { owner, link }
            }
            _ => return None,
        })
    }

    /// Reads an event; `None` where the bytes make no sense. `block_of` gives the block of what goes.
    pub fn read(&mut self, input: &mut Input, block_of: &mut dyn FnMut(u64) -> u64) -> Option<Event> {
        if let Some(second) = self.second.take() {
            return Some(second);
        }
        Some(match input.byte()? {
            AT_NEXT => {
                let (ahead, site, by) = self.expected.at[slot(self.site, self.by)];
                (self.step, self.site, self.by) = (self.step.wrapping_add(ahead), site, by);
                Event::At { step: self.step, site, by }
            }
            tag @ (BIRTH_AGAIN | BIRTH_IN_LAST) => {
                let (type_id, size, before) = self.expected.births[slot(self.site, self.by)];
                let serial = self.next.max(1);
                self.next = serial + 1;
                let block = if tag == BIRTH_IN_LAST { self.blocks.at(1)? } else { self.get_block(input)? };
                Event::Birth { serial, address: block.wrapping_add(u64::from(before)), size, before, type_id }
            }
            tag @ (DIES | DIES_DROPPED) => {
                let serial = self.get_serial(input)?;
                let v = if tag == DIES { input.number()? } else { 0 };
                let block = block_of(serial);
                self.blocks.went(block);
                self.second = Some(Event::Free { serial, block });
                Event::Dying { serial, how: one_of((v & 7) as u8, &HOWS)?, arg: u32::try_from(v >> 3).ok()? }
            }
            tag @ (AT | AT_STEP | AT_SITE) => {
                let place = slot(self.site, self.by);
                let ahead = input.number()?;
                self.step = self.step.wrapping_add(ahead);
                if tag != AT_STEP {
                    self.site = u32::try_from(i64::from(self.site).checked_add(unzigzag(input.number()?))?).ok()?;
                    self.by = if tag == AT { input.small()? } else { 0 };
                }
                self.expected.at[place] = (ahead, self.site, self.by);
                Event::At { step: self.step, site: self.site, by: self.by }
            }
            BIRTH => {
                let serial = self.next.max(1);
                self.next = serial + 1;
                let type_id = input.small()?;
                let size = input.number()?;
                let before = ((size & 3) << 4) as u8;
                let size = u32::try_from(size >> 2).ok()?;
                self.expected.births[slot(self.site, self.by)] = (type_id, size, before);
                let block = self.get_block(input)?;
                Event::Birth { serial, address: block.wrapping_add(u64::from(before)), size, before, type_id }
            }
            ELDER_TAG => {
                let serial = ELDER.checked_add(input.number()?)?;
                let type_id = input.small()?;
                let nature = one_of(input.byte()?, &NATURES)?;
                Event::Elder { serial, address: input.number()?, type_id, nature }
            }
            BUFFER => {
                let serial = self.next.max(1);
                self.next = serial + 1;
                let size = input.number()?;
                Event::Buffer { serial, address: self.get_block(input)?, size }
            }
            RESIZE => {
                let serial = self.get_serial(input)?;
                let size = input.number()?;
                Event::Resize { serial, address: self.get_address(input)?, size }
            }
            DYING => {
                let serial = self.get_serial(input)?;
                let v = input.number()?;
                self.dying.push(serial);
                Event::Dying { serial, how: one_of((v & 7) as u8, &HOWS)?, arg: u32::try_from(v >> 3).ok()? }
            }
            tag @ (FREE | FREE_DYING) => {
                let serial = if tag == FREE { self.get_serial(input)? } else { self.dying.pop()? };
                let block = block_of(serial);
                if serial != 0 {
                    self.blocks.went(block);
                }
                Event::Free { serial, block }
            }
            ENTER => {
                let code = input.small()?;
                self.entered(code);
                Event::Enter { code }
            }
            LEAVE => {
                self.stack.pop();
                Event::Leave { how: one_of(input.byte()?, &[Left::Returned, Left::Yielded, Left::Raised])? }
            }
            FINALIZER => {
                let begins = input.byte()? == 1;
                Event::Finalizer { serial: self.get_serial(input)?, begins }
            }
            REVIVED => Event::Revived { serial: self.get_serial(input)? },
            GC_BEGINS => Event::GcBegins { generation: input.byte()?, trigger: one_of(input.byte()?, &[Trigger::Threshold, Trigger::Call, Trigger::Exit])? },
            GC_ENDS => Event::GcEnds { found: input.number()? },
            ASKED => {
                let how = one_of(input.byte()?, &[Asked::Id, Asked::Repr])?;
                Event::Asked { serial: self.get_serial(input)?, how }
            }
            COMPARED => {
                let same = input.byte()? == 1;
                Event::Compared { a: self.get_serial(input)?, b: self.get_serial(input)?, same }
            }
            PRINTED => Event::Printed { bytes: input.small()? },
            PHASE => Event::Phase(one_of(input.byte()?, &PHASES)?),
            THREAD => {
                let id = input.small()?;
                self.switched(id);
                Event::Thread { id }
            }
            CHECKPOINT => Event::Checkpoint { blocks: input.number()? },
            LOOKED => {
                let kind = one_of(input.byte()?, &[Look::Line, Look::Call, Look::End])?;
                let serial = self.get_serial(input)?;
                let count = i32::try_from(unzigzag(input.number()?)).ok()?;
                Event::Looked { serial, count, kind, holders: input.small()? }
            }
            HELD => {
                let serial = self.get_serial(input)?;
                let since = input.small()?;
                Event::Held { serial, holder: self.get_holder(input)?, since }
            }
            COUNT => {
                let serial = self.get_serial(input)?;
                Event::Count { serial, count: input.small()? }
            }
            SLOT => {
                let slot = input.small()?;
                Event::Slot { slot, serial: self.get_serial(input)? }
            }
            STEP => Event::Step,
            TOTAL => Event::Total { site: input.small()?, type_id: input.small()?, born: input.number()?, died: input.number()?, bytes: input.number()? },
            _ => return None,
        })
    }
}

const NATURES: [Nature; 7] = [Nature::Older, Nature::Singleton, Nature::SmallInt, Nature::Shared, Nature::Interned, Nature::Constant, Nature::BuiltIn];
const HOWS: [How; 7] = [How::Dropped, How::Overwritten, How::FrameLeft, How::Unwound, How::OwnerDied, How::Cycle, How::Later];
const PHASES: [Phase; 5] = [Phase::ProgramEnded, Phase::AtExit, Phase::Modules, Phase::FinalCollection, Phase::Over];

fn one_of<T: Copy>(n: u8, all: &[T]) -> Option<T> {
    all.get(n as usize).copied()
}
