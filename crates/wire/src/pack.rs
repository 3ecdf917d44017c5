//! From events to bytes.

use crate::laps::*;
use crate::state::State;
use retic_bytecode::varint::{number, zigzag};
use retic_events::{Asked, ELDER as ELDER_SERIAL, Event, Holder, How, Left, Link};

/// Raw bytes of a chunk.
const CHUNK: usize = 1 << 20;
/// After so many events somebody may want them.
const BATCH: u32 = 4096;

/// When and where something happens, in words of whoever tells of it: they are compared, and say nothing to a reader.
#[derive(Clone, Copy, Default)]
pub struct Here {
    pub place: u64,
    pub callee: u64,
    pub step: u64,
}

// The key of an event says all of it but what is known by age, by address, or by a word of the teller's.
#[inline(always)]
pub fn birth(size: u32, before: u8) -> u64 {
    u64::from(BIRTH) | u64::from(before >> 4) << 8 | u64::from(size) << 16
}
#[inline(always)]
pub fn buffer(size: u64) -> u64 {
    u64::from(BUFFER) | size << 8
}
#[inline(always)]
pub fn dying(how: How, arg: u32) -> u64 {
    u64::from(DYING) | (how as u64) << 8 | u64::from(arg) << 16
}
#[inline(always)]
pub fn dies(how: How, arg: u32) -> u64 {
    u64::from(DIES) | (how as u64) << 8 | u64::from(arg) << 16
}
#[inline(always)]
pub fn enter() -> u64 {
    u64::from(ENTER)
}
#[inline(always)]
pub fn leave(how: Left) -> u64 {
    u64::from(LEAVE) | (how as u64) << 8
}
#[inline(always)]
pub fn asked(how: Asked) -> u64 {
    u64::from(ASKED) | (how as u64) << 8
}
#[inline(always)]
pub fn count(n: u32) -> u64 {
    u64::from(COUNT) | u64::from(n) << 8
}
#[inline(always)]
pub fn slot(n: u32) -> u64 {
    u64::from(SLOT) | u64::from(n) << 8
}
#[inline(always)]
pub fn step() -> u64 {
    u64::from(STEP)
}

/// With a serial number: the object is the same each time.
const FIXED: u64 = 1 << 63;

/// An event that is remembered, as its teller knows it and as its reader does.
#[derive(Clone, Copy, Default)]
struct Node {
    key: u64,
    /// The age of its object, or which it is (`FIXED`), or a word for its code or type.
    extra: u64,
    place: u64,
    callee: u64,
    /// Its object the last time.
    serial: u64,
    ahead: u32,
    site: u32,
    by: u32,
    id: u32,
    next: Next,
    pile: u8,
    nth: u8,
}

/// Writes events.
pub struct Packer {
    nodes: Box<[Node; NODES]>,
    piles: Piles,
    /// The remembered event that came last, and the one that is expected.
    last: u16,
    expected: u16,
    /// Events that came as expected and are not written yet.
    run: u32,
    /// The site and callee there are the last node's unless something was told whole since.
    now: State,
    whole: bool,
    /// The serial number that came next when the chunk began.
    first: u64,
    /// Calls of `id`, `is` and default reprs.
    asked: u64,
    events: u32,
    /// It is time to look whether somebody wants what is here; with so many events it is.
    due: bool,
    due_with: u32,
    bytes: Vec<u8>,
    /// Of events told one by one: the piles of the blocks of what was born in the chunk; the place told last.
    born: Vec<u8>,
    at: (u64, u32, u32),
}

impl Default for Packer {
    fn default() -> Packer {
        let mut p = Packer {
            nodes: Box::new([Node::default(); NODES]),
            piles: Piles::default(),
            last: START,
            expected: START,
            run: 0,
            now: State::default(),
            whole: true,
            first: 1,
            asked: 0,
            events: 0,
            due: false,
            due_with: BATCH,
            bytes: Vec::with_capacity(CHUNK + (1 << 12)),
            born: Vec::new(),
            at: (0, 0, 0),
        };
        p.begin();
        p
    }
}

impl Packer {
    /// The step of the last event, and how many questions about addresses there were.
    pub fn so_far(&self) -> (u64, u64) {
        (self.now.step, self.asked)
    }
    /// Whether the chunk should end.
    pub fn is_full(&self) -> bool {
        self.bytes.len() >= CHUNK || self.events >= EVENTS_MAX
    }
    /// Whether there are some thousand events since `not_due`, or the chunk is full.
    #[inline(always)]
    pub fn is_due(&self) -> bool {
        self.due
    }
    pub fn not_due(&mut self) {
        (self.due, self.due_with) = (false, self.events + BATCH);
    }
    fn one_more(&mut self) {
        self.events += 1;
        self.due |= self.events >= self.due_with || self.is_full();
    }
    /// The chunk, if it has any events; a new one begins.
    pub fn chunk(&mut self, take: impl FnOnce(&[u8])) {
        self.write_run();
        if self.events > 0 {
            take(&self.bytes);
            self.begin();
        }
    }
    /// Writes what the reader of a chunk must know of those before.
    fn begin(&mut self) {
        (self.now.site, self.now.by) = self.place();
        self.whole = true;
        self.nodes.fill(Node::default());
        self.piles.clear();
        (self.last, self.expected, self.first, self.events) = (START, START, self.now.next, 0);
        self.born.clear();
        self.bytes.clear();
        self.now.save(&mut self.bytes);
    }
    /// No word of the teller's stands for what it stood for any more.
    pub fn forget(&mut self) {
        for n in self.nodes.iter_mut() {
            n.place = u64::MAX;
        }
    }

    #[inline(always)]
    fn node(&self, i: u16) -> &Node {
        &self.nodes[i as usize % NODES]
    }
    /// Site and callee of the last event.
    fn place(&self) -> (u32, u32) {
        let last = self.node(self.last);
        if self.whole { (self.now.site, self.now.by) } else { (last.site, last.by) }
    }
    #[inline(always)]
    fn follow(&mut self, i: u16) {
        self.last = i;
        self.expected = self.node(i).next.0[0];
    }
    #[inline(always)]
    fn goes_on(&mut self, step: u64) {
        self.now.step = step;
        self.whole = false;
        self.follow(self.expected);
        self.run += 1;
        if self.run == RUN_MAX {
            self.write_run();
            self.due = true;
        }
    }
    #[inline(never)]
    fn write_run(&mut self) {
        let n = std::mem::take(&mut self.run);
        self.events += n;
        if n >= u32::from(RUN_LONG) {
            self.bytes.push(RUN | RUN_LONG);
            number(&mut self.bytes, u64::from(n));
        } else if n > 0 {
            self.bytes.push(RUN | n as u8);
        }
    }

    /// Whether an event of this key, here, is expected next. Of a birth it is not known yet of what type.
    #[inline(always)]
    pub fn expects(&self, key: u64, here: &Here) -> bool {
        let n = self.node(self.expected);
        n.key == key && n.place == here.place && n.callee == here.callee && u64::from(n.ahead) == here.step.wrapping_sub(self.now.step)
    }
    /// The place of the event that is expected: the teller's words for it and for the callee, and their numbers.
    pub fn expected_place(&self) -> (u64, u64, u32, u32) {
        let n = self.node(self.expected);
        (n.place, n.callee, n.site, n.by)
    }
    /// An event that is about no object happens: true where it was expected; else it must be told. `extra`: a word for its code.
    #[inline(always)]
    pub fn again(&mut self, key: u64, extra: u64, here: &Here) -> bool {
        let expected = self.expects(key, here) && self.node(self.expected).extra == extra;
        if expected {
            self.goes_on(here.step);
        }
        expected || self.second(key, extra, None, here)
    }
    /// The same of an event that is about an object: one as old as it was the last time, or the same.
    #[inline(always)]
    pub fn again_of(&mut self, key: u64, serial: u64, here: &Here) -> bool {
        let age = self.now.age(serial);
        let expected = self.expects(key, here) && matches!(self.node(self.expected).extra, extra if extra == age || extra == serial | FIXED);
        if expected {
            self.nodes[self.expected as usize % NODES].serial = serial;
            self.goes_on(here.step);
        }
        expected || self.second(key, age, Some(serial), here)
    }
    /// The same for the event that came next before: branches go this way and that.
    #[inline(never)]
    fn second(&mut self, key: u64, extra: u64, serial: Option<u64>, here: &Here) -> bool {
        let i = self.node(self.last).next.0[1];
        let n = self.node(i);
        let same = n.key == key
            && (n.extra == extra || serial.is_some_and(|serial| n.extra == serial | FIXED))
            && n.place == here.place
            && n.callee == here.callee
            && u64::from(n.ahead) == here.step.wrapping_sub(self.now.step);
        if same {
            self.write_run();
            self.one_more();
            self.bytes.push(ALMOST | SECOND);
            self.nodes[self.last as usize % NODES].next.0.swap(0, 1);
            self.nodes[i as usize % NODES].serial = serial.unwrap_or(0);
            (self.now.step, self.whole) = (here.step, false);
            self.follow(i);
        }
        same
    }
    /// The birth that was expected happened, of this type (a word for it; 0: a buffer) in this block: its pile, or nothing where
    /// type or block are others; then it must be told.
    #[inline(always)]
    pub fn born_again(&mut self, ty: u64, block: u64, step: u64) -> Option<u8> {
        let n = self.node(self.expected);
        let pile = n.pile;
        if n.extra != ty || self.piles.top(pile) != block {
            return None;
        }
        self.piles.pop(pile);
        self.now.next += 1;
        self.goes_on(step);
        Some(pile)
    }
    /// The code of the event that came last and was expected.
    #[inline(always)]
    pub fn again_id(&self) -> u32 {
        self.node(self.last).id
    }
    /// What is dying innermost; 0: nothing.
    #[inline(always)]
    fn innermost(&self) -> u64 {
        self.now.dying.last().copied().unwrap_or(0)
    }
    /// A block goes: what `again_of` is to other events.
    #[inline(always)]
    pub fn free_again(&mut self, serial: u64, here: &Here) -> bool {
        if self.frees_innermost(serial) { self.again(u64::from(FREE_DYING), 0, here) } else { self.again_of(u64::from(FREE), serial, here) }
    }
    fn frees_innermost(&self, serial: u64) -> bool {
        serial != 0 && self.innermost() == serial
    }
    /// The key of a block's end.
    pub fn free(&self, serial: u64) -> u64 {
        u64::from(if self.frees_innermost(serial) { FREE_DYING } else { FREE })
    }
    // What is to be said besides of events that were expected or told.
    #[inline(always)]
    pub fn is_dying(&mut self, serial: u64) {
        self.now.dying.push(serial);
    }
    /// A block went.
    #[inline(always)]
    pub fn is_free(&mut self, serial: u64, block: u64, pile: u8) {
        if self.innermost() == serial {
            self.now.dying.pop();
        }
        self.is_dead(serial, block, pile);
    }
    /// The same where dying and free are one.
    #[inline(always)]
    pub fn is_dead(&mut self, serial: u64, block: u64, pile: u8) {
        // Who reads the chunk knows no blocks of those born before it.
        if serial >= self.first && serial < ELDER_SERIAL {
            self.piles.push(pile, block);
        }
    }
    #[inline(always)]
    pub fn is_entered(&mut self, code: u32) {
        self.now.stack.push(code);
    }
    #[inline(always)]
    pub fn is_left(&mut self) {
        self.now.stack.pop();
    }
    #[inline(always)]
    pub fn is_asked(&mut self) {
        self.asked += 1;
    }

    /// Tells an event that was not expected. `extra` is the teller's word as for `again` and `born_again`, `event` all of it; then the
    /// numbers of its place and of what is called there.
    #[inline(never)]
    pub fn tell(&mut self, key: u64, extra: u64, here: &Here, (site, by): (u32, u32), event: &Event, category: Category) {
        self.write_run();
        self.one_more();
        let kind = key as u8;
        let block = match event {
            Event::Birth { address, before, .. } => address.wrapping_sub(u64::from(*before)),
            Event::Buffer { address, .. } => *address,
            _ => 0,
        };
        if let Event::Birth { serial, .. } | Event::Buffer { serial, .. } = event {
            self.now.next = serial + 1;
        }
        let serial = match event {
            Event::Dying { serial, .. } | Event::Free { serial, .. } | Event::Asked { serial, .. } | Event::Count { serial, .. } | Event::Slot { serial, .. } => *serial,
            _ => 0,
        };
        let extra = if has_age(kind) { self.now.age(serial) } else { extra };
        if self.tell_almost(key, extra, serial, here, block) {
            return;
        }
        let nth = match self.node(self.last) {
            last if (last.site, last.by) == (site, by) && here.step == self.now.step => (last.nth + 1).min(7),
            _ => 0,
        };
        let ahead = here.step.wrapping_sub(self.now.step);
        let after = (self.node(self.last).key as u8, self.node(self.last).site);
        self.put_place(here.step, site, by);
        let mut node = Node {
            key,
            extra,
            place: here.place,
            callee: here.callee,
            serial,
            ahead: u32::try_from(ahead).unwrap_or(u32::MAX),
            site,
            by,
            id: 0,
            next: Next::default(),
            pile: 0,
            nth,
        };
        self.bytes.push(kind);
        match *event {
            Event::Birth { size, before, type_id, .. } => {
                (node.id, node.pile) = (type_id, pile(u64::from(size), category));
                number(&mut self.bytes, u64::from(type_id));
                number(&mut self.bytes, u64::from(size) << 6 | u64::from(category.0) << 3 | u64::from(before >> 4));
                self.put_block(node.pile, block);
            }
            Event::Buffer { size, .. } => {
                node.pile = pile(size, OTHER);
                number(&mut self.bytes, size);
                self.put_block(node.pile, block);
            }
            Event::Dying { how, arg, .. } => {
                number(&mut self.bytes, extra);
                number(&mut self.bytes, u64::from(arg) << 3 | how as u64);
            }
            Event::Free { .. } if kind == FREE => number(&mut self.bytes, extra),
            Event::Enter { code } => {
                node.id = code;
                number(&mut self.bytes, u64::from(code));
            }
            Event::Leave { how } => self.bytes.push(how as u8),
            Event::Asked { how, .. } => {
                self.bytes.push(how as u8);
                number(&mut self.bytes, extra);
            }
            Event::Count { count, .. } => {
                number(&mut self.bytes, extra);
                number(&mut self.bytes, u64::from(count));
            }
            Event::Slot { slot, .. } => {
                number(&mut self.bytes, u64::from(slot));
                number(&mut self.bytes, extra);
            }
            _ => {}
        }
        let slot = if let Event::Slot { slot, .. } = event { *slot } else { 0 };
        let i = New { kind, site, by, nth, slot, after }.node();
        let known = self.node(i);
        if (known.key as u8, known.site, known.by, known.nth) == (kind, site, by, nth) {
            node.next = known.next;
        }
        self.nodes[self.last as usize % NODES].next.learn(i);
        if self.last == i {
            node.next.learn(i);
        }
        self.nodes[i as usize % NODES] = node;
        self.whole = false;
        self.follow(i);
    }
    /// Tells what differs from one of the two events that came next so far, if that is all that can be told by a number.
    fn tell_almost(&mut self, key: u64, extra: u64, serial: u64, here: &Here, block: u64) -> bool {
        let kind = key as u8;
        let ahead = here.step.wrapping_sub(self.now.step);
        for which in 0..2u8 {
            let i = self.node(self.last).next.0[which as usize];
            let n = *self.node(i);
            let (aged, alike) = (has_age(kind), n.key == key || kind == COUNT && n.key as u8 == COUNT);
            if !alike || n.place != here.place || n.callee != here.callee || !aged && n.extra != extra {
                continue;
            }
            let other_step = u64::from(n.ahead) != ahead;
            let other_object = aged && (n.extra != extra && n.extra != serial | FIXED || n.key != key);
            let other_block = has_block(kind) && self.piles.top(n.pile) != block;
            let bit = |is: bool, bit: u8| if is { bit } else { 0 };
            let differs = bit(other_step, OTHER_STEP) | bit(other_object, OTHER_OBJECT) | bit(other_block, OTHER_BLOCK);
            self.bytes.push(ALMOST | bit(which == 1, SECOND) | differs);
            if other_step {
                number(&mut self.bytes, ahead);
            }
            if other_object {
                number(&mut self.bytes, extra);
                if kind == COUNT {
                    number(&mut self.bytes, key >> 8);
                }
            }
            if other_block {
                self.put_address(block);
            }
            if has_block(kind) {
                self.piles.pop(n.pile);
            }
            if which == 1 {
                self.nodes[self.last as usize % NODES].next.0.swap(0, 1);
            }
            let node = &mut self.nodes[i as usize % NODES];
            if other_object {
                node.extra = if n.serial == serial && serial != 0 { serial | FIXED } else { extra };
            }
            (node.key, node.serial, node.ahead) = (key, serial, u32::try_from(ahead).unwrap_or(u32::MAX));
            self.now.step = here.step;
            self.whole = false;
            self.follow(i);
            return true;
        }
        false
    }
    fn put_place(&mut self, step: u64, site: u32, by: u32) {
        let (ahead, before) = (step.wrapping_sub(self.now.step), self.place());
        if (site, by) == before {
            if ahead != 0 {
                self.bytes.push(AT_STEP);
                number(&mut self.bytes, ahead);
            }
        } else {
            self.bytes.push(if by == 0 { AT_SITE } else { AT });
            number(&mut self.bytes, ahead);
            number(&mut self.bytes, zigzag(i64::from(site) - i64::from(before.0)));
            if by != 0 {
                number(&mut self.bytes, u64::from(by));
            }
        }
        (self.now.step, self.now.site, self.now.by, self.whole) = (step, site, by, true);
    }
    fn put_address(&mut self, address: u64) {
        number(&mut self.bytes, zigzag((address.wrapping_sub(self.now.address) as i64) >> 4));
        self.now.address = address;
    }
    /// A block: zero where it is the one that comes next, else its address.
    fn put_block(&mut self, pile: u8, block: u64) {
        if self.piles.top(pile) == block {
            self.bytes.push(0);
        } else {
            number(&mut self.bytes, zigzag((block.wrapping_sub(self.now.address) as i64) >> 4) + 1);
        }
        self.now.address = block;
        self.piles.pop(pile);
    }
    fn put_serial(&mut self, serial: u64) {
        let age = self.now.age(serial);
        number(&mut self.bytes, age);
    }

    /// Tells an event that is not remembered.
    #[inline(never)]
    pub fn tell_whole(&mut self, step: u64, site: u32, by: u32, event: &Event) {
        self.write_run();
        self.one_more();
        self.put_place(step, site, by);
        match *event {
            Event::Elder { serial, address, type_id, nature } => {
                self.bytes.push(ELDER);
                number(&mut self.bytes, serial.wrapping_sub(ELDER_SERIAL));
                number(&mut self.bytes, u64::from(type_id));
                self.bytes.push(nature as u8);
                number(&mut self.bytes, address);
            }
            Event::Resize { serial, address, size } => {
                self.bytes.push(RESIZE);
                self.put_serial(serial);
                number(&mut self.bytes, size);
                self.put_address(address);
            }
            Event::Finalizer { serial, begins } => {
                self.bytes.extend([FINALIZER, u8::from(begins)]);
                self.put_serial(serial);
            }
            Event::Revived { serial } => {
                self.bytes.push(REVIVED);
                self.put_serial(serial);
            }
            Event::GcBegins { generation, trigger } => self.bytes.extend([GC_BEGINS, generation, trigger as u8]),
            Event::GcEnds { found } => {
                self.bytes.push(GC_ENDS);
                number(&mut self.bytes, found);
            }
            Event::Compared { a, b, same } => {
                self.asked += 1;
                self.bytes.extend([COMPARED, u8::from(same)]);
                self.put_serial(a);
                self.put_serial(b);
            }
            Event::Printed { bytes } => {
                self.bytes.push(PRINTED);
                number(&mut self.bytes, u64::from(bytes));
            }
            Event::Phase(p) => self.bytes.extend([PHASE, p as u8]),
            Event::Thread { id } => {
                self.bytes.push(THREAD);
                number(&mut self.bytes, u64::from(id));
                self.now.switch(id);
            }
            Event::Checkpoint { blocks } => {
                self.bytes.push(CHECKPOINT);
                number(&mut self.bytes, blocks);
            }
            Event::Looked { serial, count, kind, holders } => {
                self.bytes.extend([LOOKED, kind as u8]);
                self.put_serial(serial);
                number(&mut self.bytes, zigzag(i64::from(count)));
                number(&mut self.bytes, u64::from(holders));
            }
            Event::Held { serial, holder, since } => {
                self.bytes.push(HELD);
                self.put_serial(serial);
                number(&mut self.bytes, u64::from(since));
                self.put_holder(holder);
            }
            Event::Total { site, type_id, born, died, bytes } => {
                self.bytes.push(TOTAL);
                for n in [u64::from(site), u64::from(type_id), born, died, bytes] {
                    number(&mut self.bytes, n);
                }
            }
            // The others are remembered.
            _ => {}
        }
    }
    fn put_holder(&mut self, holder: Holder) {
        let (tag, numbers) = match holder {
            Holder::Local { code, slot } => (0, [code, slot]),
            Holder::Stack { code, slot } => (1, [code, slot]),
            Holder::Native { by } => (2, [by, 0]),
            Holder::Global { module, name } => (8, [module, name]),
            Holder::Inside { owner, link } => {
                let (tag, arg) = match link {
                    Link::Item(i) => (3, i),
                    Link::Value(n) => (4, n),
                    Link::Key => (5, 0),
                    Link::Attribute(n) => (6, n),
                    Link::Field => (7, 0),
                };
                self.bytes.push(tag);
                self.put_serial(owner);
                return number(&mut self.bytes, u64::from(arg));
            }
        };
        self.bytes.push(tag);
        number(&mut self.bytes, u64::from(numbers[0]));
        if tag != 2 {
            number(&mut self.bytes, u64::from(numbers[1]));
        }
    }

    // ---- events one by one

    /// Writes an event, whose place is that of the `At` before it.
    pub fn write(&mut self, event: &Event) {
        let (step, site, by) = self.at;
        let here = Here { place: u64::from(site), callee: u64::from(by), step };
        let born = |p: &Packer, serial: u64| serial.checked_sub(p.first).and_then(|i| p.born.get(i as usize)).copied().unwrap_or(0);
        let (key, extra) = match *event {
            Event::At { step, site, by } => {
                self.at = (step, site, by);
                return;
            }
            Event::Birth { size, before, type_id, .. } => (birth(size, before), u64::from(type_id)),
            Event::Buffer { size, .. } => (buffer(size), 0),
            Event::Dying { how, arg, .. } => (dying(how, arg), 0),
            Event::Free { serial, .. } => (self.free(serial), 0),
            Event::Enter { code } => (enter(), u64::from(code)),
            Event::Leave { how } => (leave(how), 0),
            Event::Asked { how, .. } => (asked(how), 0),
            Event::Count { count: n, .. } => (count(n), 0),
            Event::Slot { slot: n, .. } => (slot(n), 0),
            Event::Step => (crate::pack::step(), 0),
            Event::Resize { serial, size, .. } => {
                if let Some(p) = serial.checked_sub(self.first).and_then(|i| self.born.get_mut(i as usize)) {
                    *p = pile(size, OTHER);
                }
                return self.tell_whole(step, site, by, event);
            }
            _ => return self.tell_whole(step, site, by, event),
        };
        let again = match *event {
            Event::Birth { address, before, .. } => self.expects(key, &here) && self.born_again(extra, address.wrapping_sub(u64::from(before)), step).is_some(),
            Event::Buffer { address, .. } => self.expects(key, &here) && self.born_again(0, address, step).is_some(),
            Event::Free { serial, .. } => self.free_again(serial, &here),
            Event::Dying { serial, .. } | Event::Asked { serial, .. } | Event::Count { serial, .. } | Event::Slot { serial, .. } => self.again_of(key, serial, &here),
            _ => self.again(key, extra, &here),
        };
        if !again {
            self.tell(key, extra, &here, (site, by), event, OTHER);
        }
        match *event {
            Event::Birth { size, .. } => self.born.push(pile(u64::from(size), OTHER)),
            Event::Buffer { size, .. } => self.born.push(pile(size, OTHER)),
            Event::Dying { serial, .. } => self.is_dying(serial),
            Event::Free { serial, block } => {
                let pile = born(self, serial);
                self.is_free(serial, block, pile);
            }
            Event::Enter { code } => self.is_entered(code),
            Event::Leave { .. } => self.is_left(),
            Event::Asked { .. } => self.is_asked(),
            _ => {}
        }
    }
}
