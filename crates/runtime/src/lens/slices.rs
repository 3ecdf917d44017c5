//! For a sink that wants events one by one: what was packed is read back, chunk by chunk.

use retic_events::Event;
use retic_wire::{Input, Unpacker};
use rustc_hash::FxHashMap;

/// What reads them back.
#[derive(Default)]
pub struct OneByOne {
    unpacker: Unpacker,
    /// By serial number, of what lives.
    blocks: FxHashMap<u64, u64>,
}

impl OneByOne {
    /// The events of a chunk, which was packed here and is whole.
    pub fn read(&mut self, chunk: &[u8]) -> Vec<Event> {
        let (mut input, mut events, mut seen) = (Input(chunk), Vec::new(), 0);
        let mut more = self.unpacker.begin(&mut input);
        while more.is_some() && !input.0.is_empty() {
            more = self.unpacker.read(&mut input, &|serial| self.blocks.get(&serial).copied().unwrap_or(0), &mut events);
            for event in &events[seen..] {
                match *event {
                    Event::Birth { serial, address, before, .. } => _ = self.blocks.insert(serial, address - u64::from(before)),
                    Event::Elder { serial, address, .. } | Event::Buffer { serial, address, .. } | Event::Resize { serial, address, .. } => {
                        self.blocks.insert(serial, address);
                    }
                    Event::Free { serial, .. } => _ = self.blocks.remove(&serial),
                    _ => {}
                }
            }
            seen = events.len();
        }
        events
    }
}
