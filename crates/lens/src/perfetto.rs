//! `retic lens export --perfetto`: a trace for ui.perfetto.dev, as TrackEvent protobuf (perfetto's protos/perfetto/trace). A
//! step of the program is a microsecond there. Tracks: the user's functions as slices that nest; a counter of living objects and
//! one of their bytes; a track of lives, on which each death of an object points with an arrow to the next tenant of its block.

use crate::book::{Book, Life};
use crate::story;
use crate::words::Lang;

/// Protobuf's wire format: tag and value.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut v: u64) {
        while v >= 0x80 {
            self.0.push(v as u8 | 0x80);
            v >>= 7;
        }
        self.0.push(v as u8);
    }
    fn number(&mut self, field: u32, v: u64) -> &mut Self {
        self.varint(u64::from(field) << 3);
        self.varint(v);
        self
    }
    fn bytes(&mut self, field: u32, b: &[u8]) -> &mut Self {
        self.varint(u64::from(field) << 3 | 2);
        self.varint(b.len() as u64);
        self.0.extend_from_slice(b);
        self
    }
    fn text(&mut self, field: u32, t: &str) -> &mut Self {
        self.bytes(field, t.as_bytes())
    }
    fn message(&mut self, field: u32, m: &Message) -> &mut Self {
        self.bytes(field, &m.0)
    }
    fn fixed(&mut self, field: u32, v: u64) -> &mut Self {
        self.varint(u64::from(field) << 3 | 1);
        self.0.extend_from_slice(&v.to_le_bytes());
        self
    }
}

// Field numbers of TracePacket, TrackDescriptor, CounterDescriptor and TrackEvent.
const PACKET: u32 = 1;
const TIMESTAMP: u32 = 8;
const SEQUENCE: u32 = 10;
const TRACK_EVENT: u32 = 11;
const SEQUENCE_FLAGS: u32 = 13;
const TRACK_DESCRIPTOR: u32 = 60;
const UUID: u32 = 1;
const TRACK_NAME: u32 = 2;
const COUNTER: u32 = 8;
const EVENT_TYPE: u32 = 9;
const EVENT_TRACK: u32 = 11;
const EVENT_NAME: u32 = 23;
const COUNTER_VALUE: u32 = 30;
const FLOWS: u32 = 47;
const SLICE_BEGIN: u64 = 1;
const SLICE_END: u64 = 2;
const INSTANT: u64 = 3;
const COUNT: u64 = 4;

const FRAMES: u64 = 1;
const ALIVE: u64 = 2;
const BYTES: u64 = 3;
const LIVES: u64 = 4;

struct Trace(Message);

impl Trace {
    fn track(&mut self, uuid: u64, name: &str, counter: bool) {
        let mut track = Message::default();
        track.number(UUID, uuid).text(TRACK_NAME, name);
        if counter {
            track.message(COUNTER, &Message::default());
        }
        let mut packet = Message::default();
        packet.number(SEQUENCE, 1).message(TRACK_DESCRIPTOR, &track);
        // The first packet of a sequence says that nothing was before it.
        packet.number(SEQUENCE_FLAGS, 1);
        self.0.message(PACKET, &packet);
    }
    fn event(&mut self, step: u64, kind: u64, track: u64, fill: impl FnOnce(&mut Message)) {
        let mut event = Message::default();
        event.number(EVENT_TYPE, kind).number(EVENT_TRACK, track);
        fill(&mut event);
        let mut packet = Message::default();
        packet.number(TIMESTAMP, step * 1000).number(SEQUENCE, 1).message(TRACK_EVENT, &event);
        self.0.message(PACKET, &packet);
    }
}

/// What happens on the tracks of lives, in order.
enum What<'b> {
    Birth(&'b Life),
    Death(&'b Life),
    Enter(u32),
    Leave,
}

/// The trace as bytes. `all`: objects and functions of the library, too.
pub fn perfetto(book: &Book, all: bool) -> Vec<u8> {
    let mut trace = Trace(Message::default());
    for (uuid, name, counter) in [(FRAMES, "functions", false), (ALIVE, "living objects", true), (BYTES, "bytes of living objects", true), (LIVES, "lives", false)] {
        trace.track(uuid, name, counter);
    }
    let mut happened: Vec<(u32, u64, What)> = Vec::new();
    for l in book.lives.iter().filter(|l| l.type_id != 0 && (all || book.directly_mine(&l.born))) {
        happened.push((l.born.order, l.born.step, What::Birth(l)));
        if let Some(d) = &l.death {
            happened.push((d.at.order, d.at.step, What::Death(l)));
        }
    }
    for (at, code, enters) in &book.calls {
        if book.code(*code).is_some_and(|c| all || c.mine) {
            happened.push((at.order, at.step, if *enters { What::Enter(*code) } else { What::Leave }));
        }
    }
    happened.sort_by_key(|h| h.0);
    let (mut alive, mut bytes, mut open) = (0u64, 0u64, 0u64);
    for (_, step, what) in happened {
        match what {
            What::Birth(l) => {
                alive += 1;
                bytes += l.size;
                // The arrow from the tenant before, if that is shown.
                let from = book.life(l.previous).filter(|p| p.type_id != 0 && (all || book.directly_mine(&p.born)));
                let flow = from.map(|_| l.previous);
                let place = format!("{} #{} born, line {}", book.type_name(l.type_id), l.serial, book.line(l.born.site));
                trace.event(step, INSTANT, LIVES, |e| {
                    e.text(EVENT_NAME, &place);
                    if let Some(f) = flow {
                        e.fixed(FLOWS, f);
                    }
                });
            }
            What::Death(l) => {
                alive = alive.saturating_sub(1);
                bytes = bytes.saturating_sub(l.size);
                let why = story::end(book, l).map_or(String::new(), |e| Lang::En.cause(&e.cause, ""));
                let next = book.life(l.next).is_some_and(|n| n.type_id != 0 && (all || book.directly_mine(&n.born)));
                trace.event(step, INSTANT, LIVES, |e| {
                    e.text(EVENT_NAME, &format!("{} #{} died: {why}", book.type_name(l.type_id), l.serial));
                    if next {
                        e.fixed(FLOWS, l.serial);
                    }
                });
            }
            What::Enter(code) => {
                open += 1;
                let name = book.code(code).map_or("?", |c| &c.code.qualname).to_string();
                trace.event(step, SLICE_BEGIN, FRAMES, |e| _ = e.text(EVENT_NAME, &name));
                continue;
            }
            What::Leave if open > 0 => {
                open -= 1;
                trace.event(step, SLICE_END, FRAMES, |_| ());
                continue;
            }
            What::Leave => continue,
        }
        trace.event(step, COUNT, ALIVE, |e| _ = e.number(COUNTER_VALUE, alive));
        trace.event(step, COUNT, BYTES, |e| _ = e.number(COUNTER_VALUE, bytes));
    }
    trace.0.0
}
