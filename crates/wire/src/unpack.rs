//! From bytes to events.

use crate::laps::*;
use crate::state::State;
use retic_bytecode::varint::unzigzag;
use retic_events::{ELDER as ELDER_SERIAL, Event, Holder, Link, Look, Nature, Phase, Trigger};

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
    pub(crate) fn small(&mut self) -> Option<u32> {
        u32::try_from(self.number()?).ok()
    }
}

/// An event that is remembered: all of it but serial number and address.
#[derive(Clone, Copy, Default)]
struct Node {
    kind: u8,
    before: u8,
    pile: u8,
    nth: u8,
    /// How it died, was left or asked for.
    how: u8,
    /// Of a death; the slot; the count.
    arg: u32,
    /// The type or the code.
    id: u32,
    site: u32,
    by: u32,
    size: u64,
    /// The age of its object, unless that is the same each time.
    age: u64,
    fixed: bool,
    /// Its object the last time.
    serial: u64,
    ahead: u32,
    next: Next,
}

/// Reads events, chunk by chunk.
pub struct Unpacker {
    nodes: Box<[Node; NODES]>,
    piles: Piles,
    last: u16,
    now: State,
    /// The serial number that came next when the chunk began.
    first: u64,
    events: u32,
    /// Block and pile of what was born in the chunk.
    born: Vec<(u64, u8)>,
    /// The place told last.
    told: (u64, u32, u32),
    /// How many steps ahead the next event was told to be.
    ahead_told: u64,
}

impl Default for Unpacker {
    fn default() -> Unpacker {
        Unpacker {
            nodes: Box::new([Node::default(); NODES]),
            piles: Piles::default(),
            last: START,
            now: State::default(),
            first: 1,
            events: 0,
            born: Vec::new(),
            told: (u64::MAX, 0, 0),
            ahead_told: 0,
        }
    }
}

impl Unpacker {
    /// A chunk begins: reads what it says of those before.
    pub fn begin(&mut self, input: &mut Input) -> Option<()> {
        self.nodes.fill(Node::default());
        self.piles.clear();
        self.born.clear();
        (self.last, self.events) = (START, 0);
        self.now = State::load(input)?;
        self.first = self.now.next;
        Some(())
    }
    /// The serial number that comes next; from 1.
    pub fn next_serial(&self) -> u64 {
        self.now.next.max(1)
    }
    /// The codes of the frames of the thread that runs, outermost first.
    pub fn stack(&self) -> &[u32] {
        &self.now.stack
    }

    /// Reads events that are one in the bytes; nothing where these make no sense. `block_of` gives the block of what was born in a
    /// chunk before.
    pub fn read(&mut self, input: &mut Input, block_of: &dyn Fn(u64) -> u64, out: &mut Vec<Event>) -> Option<()> {
        let mut tag = input.byte()?;
        while matches!(tag, AT | AT_SITE | AT_STEP) {
            let ahead = input.number()?;
            self.now.step = self.now.step.wrapping_add(ahead);
            if tag != AT_STEP {
                self.now.site = u32::try_from(i64::from(self.now.site).checked_add(unzigzag(input.number()?))?).ok()?;
                self.now.by = if tag == AT { input.small()? } else { 0 };
            }
            self.ahead_told = ahead;
            tag = input.byte()?;
        }
        self.events += 1;
        if !matches!(tag, 1..=REMEMBERED) {
            self.ahead_told = 0;
        }
        match tag {
            RUN.. => {
                let n = if tag & RUN_LONG == RUN_LONG { input.number()? } else { u64::from(tag & RUN_LONG) };
                if n == 0 || n > u64::from(RUN_MAX) {
                    return None;
                }
                self.events += n as u32 - 1;
                for _ in 0..n {
                    let i = self.node(self.last).next.0[0];
                    self.again(i, u64::from(self.node(i).ahead), None, block_of, out)?;
                }
            }
            ALMOST..RUN => self.almost(tag, input, block_of, out)?,
            1..=REMEMBERED => self.new_node(tag, input, block_of, out)?,
            _ => {
                let event = self.whole(tag, input)?;
                self.tell_place(out);
                out.push(event);
            }
        }
        // Who writes begins a new chunk before; a damaged one asks for no end of memory.
        if self.events > EVENTS_MAX + 2 * RUN_MAX { None } else { Some(()) }
    }
    fn node(&self, i: u16) -> &Node {
        &self.nodes[i as usize % NODES]
    }
    fn tell_place(&mut self, out: &mut Vec<Event>) {
        let here = (self.now.step, self.now.site, self.now.by);
        if self.told != here {
            self.told = here;
            out.push(Event::At { step: self.now.step, site: self.now.site, by: self.now.by });
        }
    }
    fn block_of(&self, serial: u64, older: &dyn Fn(u64) -> u64) -> u64 {
        match serial.checked_sub(self.first) {
            Some(i) if serial < ELDER_SERIAL => self.born.get(i as usize).map_or(0, |b| b.0),
            _ => older(serial),
        }
    }
    /// A remembered event happens again, so many steps ahead; `address`: of its block, where that is not the one that comes next.
    fn again(&mut self, i: u16, ahead: u64, address: Option<u64>, older: &dyn Fn(u64) -> u64, out: &mut Vec<Event>) -> Option<()> {
        let n = *self.node(i);
        (self.now.step, self.now.site, self.now.by) = (self.now.step.wrapping_add(ahead), n.site, n.by);
        self.last = i;
        self.happens(i, &n, address, older, out)
    }
    /// What a remembered event is, here and now.
    fn happens(&mut self, i: u16, n: &Node, address: Option<u64>, older: &dyn Fn(u64) -> u64, out: &mut Vec<Event>) -> Option<()> {
        self.tell_place(out);
        let serial = match has_age(n.kind) {
            true if n.fixed => n.serial,
            true => self.now.serial(n.age)?,
            false => 0,
        };
        self.nodes[i as usize % NODES].serial = serial;
        let event = match n.kind {
            BIRTH | BUFFER => {
                let block = address.unwrap_or(self.piles.top(n.pile));
                self.piles.pop(n.pile);
                let serial = self.now.next.max(1);
                self.now.next = serial.checked_add(1)?;
                self.born.push((block, n.pile));
                match n.kind {
                    BIRTH => Event::Birth { serial, address: block.wrapping_add(u64::from(n.before)), size: u32::try_from(n.size).ok()?, before: n.before, type_id: n.id },
                    _ => Event::Buffer { serial, address: block, size: n.size },
                }
            }
            DYING => {
                self.now.dying.push(serial);
                Event::Dying { serial, how: one_of(n.how, &HOWS)?, arg: n.arg }
            }
            DIES => {
                out.push(Event::Dying { serial, how: one_of(n.how, &HOWS)?, arg: n.arg });
                self.freed(serial, older)
            }
            FREE | FREE_DYING => {
                let serial = if n.kind == FREE { serial } else { *self.now.dying.last()? };
                if self.now.dying.last() == Some(&serial) {
                    self.now.dying.pop();
                }
                self.freed(serial, older)
            }
            ENTER => {
                self.now.stack.push(n.id);
                Event::Enter { code: n.id }
            }
            LEAVE => {
                self.now.stack.pop();
                Event::Leave { how: one_of(n.how, &LEFTS)? }
            }
            ASKED => Event::Asked { serial, how: one_of(n.how, &ASKEDS)? },
            COUNT => Event::Count { serial, count: n.arg },
            SLOT => Event::Slot { slot: n.arg, serial },
            STEP => Event::Step,
            _ => return None,
        };
        out.push(event);
        Some(())
    }
    fn freed(&mut self, serial: u64, older: &dyn Fn(u64) -> u64) -> Event {
        let block = self.block_of(serial, older);
        if serial < ELDER_SERIAL
            && let Some((_, pile)) = serial.checked_sub(self.first).and_then(|i| self.born.get(i as usize)).copied()
        {
            self.piles.push(pile, block);
        }
        Event::Free { serial, block }
    }
    /// An expected event that differs.
    fn almost(&mut self, tag: u8, input: &mut Input, older: &dyn Fn(u64) -> u64, out: &mut Vec<Event>) -> Option<()> {
        let which = tag & SECOND;
        let i = self.node(self.last).next.0[which as usize];
        let mut n = *self.node(i);
        let ahead = if tag & OTHER_STEP != 0 { input.number()? } else { u64::from(n.ahead) };
        n.ahead = wide(ahead);
        if tag & OTHER_OBJECT != 0 {
            n.age = input.number()?;
            if n.kind == COUNT {
                n.arg = input.small()?;
            }
            let serial = self.now.serial(n.age)?;
            n.fixed = serial == n.serial && serial != 0;
        }
        let address = if tag & OTHER_BLOCK != 0 { Some(self.address(input)?) } else { None };
        if which == SECOND {
            self.nodes[self.last as usize % NODES].next.0.swap(0, 1);
            if self.last == i {
                n.next = self.node(i).next;
            }
        }
        self.nodes[i as usize % NODES] = n;
        self.again(i, ahead, address, older, out)
    }
    fn address(&mut self, input: &mut Input) -> Option<u64> {
        let v = unzigzag(input.number()?);
        self.now.address = self.now.address.wrapping_add((v << 4) as u64);
        Some(self.now.address)
    }
    /// A block: none where it is the one that comes next.
    fn block(&mut self, pile: u8, input: &mut Input) -> Option<u64> {
        self.now.address = match input.number()? {
            0 => self.piles.top(pile),
            v => self.now.address.wrapping_add((unzigzag(v - 1) << 4) as u64),
        };
        Some(self.now.address)
    }
    /// An event that is remembered from now on.
    fn new_node(&mut self, kind: u8, input: &mut Input, older: &dyn Fn(u64) -> u64, out: &mut Vec<Event>) -> Option<()> {
        let (site, by, ahead) = (self.now.site, self.now.by, std::mem::take(&mut self.ahead_told));
        let nth = match self.node(self.last) {
            last if (last.site, last.by) == (site, by) && ahead == 0 => (last.nth + 1).min(7),
            _ => 0,
        };
        let mut n = Node { kind, site, by, nth, ahead: wide(ahead), ..Node::default() };
        let mut address = None;
        match kind {
            BIRTH => {
                n.id = input.small()?;
                let v = input.number()?;
                (n.before, n.size) = (((v & 7) << 4) as u8, v >> 6);
                n.pile = pile(n.size, Category((v >> 3 & 7) as u8));
                address = Some(self.block(n.pile, input)?);
            }
            BUFFER => {
                n.size = input.number()?;
                n.pile = pile(n.size, OTHER);
                address = Some(self.block(n.pile, input)?);
            }
            DYING | DIES => {
                n.age = input.number()?;
                let v = input.number()?;
                (n.how, n.arg) = ((v & 7) as u8, u32::try_from(v >> 3).ok()?);
            }
            FREE => n.age = input.number()?,
            ENTER => n.id = input.small()?,
            LEAVE => n.how = input.byte()?,
            ASKED => (n.how, n.age) = (input.byte()?, input.number()?),
            COUNT => (n.age, n.arg) = (input.number()?, input.small()?),
            SLOT => (n.arg, n.age) = (input.small()?, input.number()?),
            _ => {}
        }
        let last = self.node(self.last);
        let slot = if kind == SLOT { n.arg } else { 0 };
        let i = New { kind, site, by, nth, slot, after: (last.kind, last.site) }.node();
        let known = self.node(i);
        if (known.kind, known.site, known.by, known.nth) == (kind, site, by, nth) {
            n.next = known.next;
        }
        self.nodes[self.last as usize % NODES].next.learn(i);
        if self.last == i {
            n.next.learn(i);
        }
        self.nodes[i as usize % NODES] = n;
        self.last = i;
        self.happens(i, &n, address, older, out)
    }
    fn whole(&mut self, tag: u8, input: &mut Input) -> Option<Event> {
        Some(match tag {
            ELDER => {
                let serial = ELDER_SERIAL.checked_add(input.number()?)?;
                let type_id = input.small()?;
                let nature = one_of(input.byte()?, &NATURES)?;
                Event::Elder { serial, address: input.number()?, type_id, nature }
            }
            RESIZE => {
                let age = input.number()?;
                let serial = self.now.serial(age)?;
                let size = input.number()?;
                let address = self.address(input)?;
                if let Some(b) = serial.checked_sub(self.first).and_then(|i| self.born.get_mut(i as usize)) {
                    *b = (address, pile(size, OTHER));
                }
                Event::Resize { serial, address, size }
            }
            FINALIZER => {
                let begins = input.byte()? == 1;
                Event::Finalizer { serial: self.get_serial(input)?, begins }
            }
            REVIVED => Event::Revived { serial: self.get_serial(input)? },
            GC_BEGINS => Event::GcBegins { generation: input.byte()?, trigger: one_of(input.byte()?, &[Trigger::Threshold, Trigger::Call, Trigger::Exit])? },
            GC_ENDS => Event::GcEnds { found: input.number()? },
            COMPARED => {
                let same = input.byte()? == 1;
                Event::Compared { a: self.get_serial(input)?, b: self.get_serial(input)?, same }
            }
            PRINTED => Event::Printed { bytes: input.small()? },
            PHASE => Event::Phase(one_of(input.byte()?, &PHASES)?),
            THREAD => {
                let id = input.small()?;
                self.now.switch(id);
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
                Event::Held { serial, holder: self.holder(input)?, since }
            }
            TOTAL => Event::Total { site: input.small()?, type_id: input.small()?, born: input.number()?, died: input.number()?, bytes: input.number()? },
            _ => return None,
        })
    }
    fn get_serial(&self, input: &mut Input) -> Option<u64> {
        self.now.serial(input.number()?)
    }
    fn holder(&self, input: &mut Input) -> Option<Holder> {
        Some(match input.byte()? {
            0 => Holder::Local { code: input.small()?, slot: input.small()? },
            1 => Holder::Stack { code: input.small()?, slot: input.small()? },
            2 => Holder::Native { by: input.small()? },
            8 => Holder::Global { module: input.small()?, name: input.small()? },
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
}

fn wide(ahead: u64) -> u32 {
    u32::try_from(ahead).unwrap_or(u32::MAX)
}

const NATURES: [Nature; 7] = [Nature::Older, Nature::Singleton, Nature::SmallInt, Nature::Shared, Nature::Interned, Nature::Constant, Nature::BuiltIn];
const PHASES: [Phase; 5] = [Phase::ProgramEnded, Phase::AtExit, Phase::Modules, Phase::FinalCollection, Phase::Over];

fn one_of<T: Copy>(n: u8, all: &[T]) -> Option<T> {
    all.get(n as usize).copied()
}
