//! What is written reads back, event by event: made-up programs that loop, branch and wander, in one chunk and in many.

use retic_events::{Asked, ELDER, Event, How, Left, Nature};
use retic_wire::{Input, Packer, Unpacker};
use std::collections::HashMap;

/// Numbers that look random.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % n
    }
}

/// A program of `n` events or some more. `chaos` in a hundred are where nobody expects them.
fn program(seed: u64, n: usize, chaos: u64) -> Vec<Event> {
    let mut random = Random(seed * 0x9e37_79b9 + 1);
    let (mut out, mut living, mut free): (Vec<Event>, Vec<(u64, u64)>, Vec<u64>) = (Vec::new(), Vec::new(), (1..40).map(|i| i * 64).collect());
    let (mut next, mut step, mut depth, mut lap) = (1, 0, 0, 0u64);
    while out.len() < n {
        lap += 1;
        for site in 1..=8u32 {
            let wild = random.below(100) < chaos;
            step += if wild { random.below(1 << 34) } else { u64::from(site % 3) };
            let site = if wild { random.below(300) as u32 } else { site };
            out.push(Event::At { step, site, by: if site % 4 == 0 { site / 4 } else { 0 } });
            match (site + random.below(if wild { 12 } else { 1 }) as u32) % 12 {
                0 | 1 | 4 => {
                    let block = if wild || free.is_empty() { 0x1_0000 + random.below(1 << 40) * 16 } else { free.pop().unwrap_or(16) };
                    let before = 16 * (site % 2) as u8;
                    let event = match site % 5 {
                        4 => Event::Buffer { serial: next, address: block, size: 8 + random.below(600) },
                        _ => Event::Birth { serial: next, address: block + u64::from(before), size: 32 + 8 * (site % 4), before, type_id: site % 3 + 1 },
                    };
                    out.push(event);
                    living.push((next, block));
                    next += 1;
                }
                2 | 5 if !living.is_empty() => {
                    let at = if wild { random.below(living.len() as u64) as usize } else { living.len() - 1 };
                    let (serial, block) = living.remove(at);
                    out.push(Event::Dying { serial, how: if wild { How::Cycle } else { How::Dropped }, arg: 0 });
                    if lap % 3 == 0 {
                        out.push(Event::Step);
                    }
                    out.push(Event::Free { serial, block });
                    free.push(block);
                }
                3 => {
                    out.push(Event::Enter { code: site });
                    depth += 1;
                }
                6 if depth > 0 => {
                    out.push(Event::Leave { how: if wild { Left::Raised } else { Left::Returned } });
                    depth -= 1;
                }
                7 => {
                    let serial = living.last().map_or(0, |l| l.0);
                    out.extend([Event::Slot { slot: site, serial }, Event::Count { serial, count: 1 + (lap / 4) as u32 % 5 }, Event::Asked { serial, how: Asked::Id }]);
                }
                8 => out.push(Event::Elder { serial: ELDER + lap, address: lap * 16, type_id: 1, nature: Nature::Older }),
                9 if !living.is_empty() => {
                    let last = living.len() - 1;
                    living[last].1 += 0x1000;
                    out.push(Event::Resize { serial: living[last].0, address: living[last].1, size: 100 + lap % 64 });
                }
                10 => out.push(Event::Thread { id: 1 + (lap % 3) as u32 }),
                _ => out.push(Event::Step),
            }
        }
    }
    out
}

/// Where each event happens, without places at which nothing does.
fn placed(events: &[Event]) -> Vec<(Event, Event)> {
    let mut at = Event::Step;
    let mut out = Vec::new();
    for e in events {
        match e {
            Event::At { .. } => at = *e,
            e => out.push((at, *e)),
        }
    }
    out
}

fn round_trip(events: &[Event], chunk_every: usize) {
    let (mut packer, mut unpacker, mut blocks, mut back) = (Packer::default(), Unpacker::default(), HashMap::new(), Vec::new());
    let mut read = |bytes: &[u8]| {
        let mut input = Input(bytes);
        unpacker.begin(&mut input).expect("a chunk begins");
        while !input.0.is_empty() {
            let before = back.len();
            unpacker.read(&mut input, &|serial| blocks.get(&serial).copied().unwrap_or(0), &mut back).expect("what was written");
            for e in &back[before..] {
                match *e {
                    Event::Birth { serial, address, before, .. } => _ = blocks.insert(serial, address - u64::from(before)),
                    Event::Buffer { serial, address, .. } | Event::Resize { serial, address, .. } => _ = blocks.insert(serial, address),
                    _ => {}
                }
            }
        }
    };
    for (i, event) in events.iter().enumerate() {
        packer.write(event);
        if packer.is_full() || i % chunk_every == chunk_every - 1 {
            packer.chunk(&mut read);
        }
    }
    packer.chunk(&mut read);
    let (written, read) = (placed(events), placed(&back));
    for (i, (w, r)) in written.iter().zip(&read).enumerate() {
        assert_eq!(w, r, "event {i}");
    }
    assert_eq!(written.len(), read.len());
}

#[test]
fn what_is_written_reads_back() {
    for seed in 0..60 {
        for chaos in [0, 3, 40] {
            let events = program(seed, 3000, chaos);
            round_trip(&events, usize::MAX);
            round_trip(&events, 500);
        }
    }
}

#[test]
fn a_chunk_ends_before_its_reader_has_enough() {
    round_trip(&program(7, 2_500_000, 0), usize::MAX);
}

#[test]
fn what_repeats_itself_is_a_number() {
    let mut events = Vec::new();
    for lap in 0..10_000u64 {
        let (step, serial, block) = (lap * 10, lap * 2 + 1, 0x7000_0000 + lap % 2 * 64);
        events.extend([
            Event::At { step, site: 1, by: 0 },
            Event::Enter { code: 1 },
            Event::At { step: step + 3, site: 2, by: 1 },
            Event::Birth { serial, address: block + 16, size: 48, before: 16, type_id: 1 },
            Event::Buffer { serial: serial + 1, address: 0x8000_0000, size: 1000 },
            Event::At { step: step + 6, site: 3, by: 0 },
            Event::Free { serial: serial + 1, block: 0x8000_0000 },
            Event::Dying { serial, how: How::FrameLeft, arg: 2 },
            Event::Free { serial, block },
            Event::Leave { how: Left::Returned },
        ]);
    }
    round_trip(&events, usize::MAX);
    let (mut packer, mut size) = (Packer::default(), 0);
    events.iter().for_each(|e| packer.write(e));
    packer.chunk(|bytes| size = bytes.len());
    // The block of each second object is not the one that was freed last.
    assert!(size < 5 * 10_000, "{size} bytes for {} events", events.len());
}
