//! A host that watches a guest: it takes slices of events, counts the living objects of each type, and ends the guest when one
//! type has too many.
//!
//!     cargo run --release --example stop_at -- SCRIPT.py 10000

use retic::events::{Event, Level, Sink};
use retic::{Python, Settings, Wanted};
use std::collections::HashMap;

#[derive(Default)]
struct Living {
    limit: u64,
    names: HashMap<u32, String>,
    types: HashMap<u64, u32>,
    alive: HashMap<u32, u64>,
    stopped: Option<u32>,
}

impl Sink for Living {
    fn events(&mut self, events: &[Event]) {
        for e in events {
            match *e {
                Event::Birth { serial, type_id, .. } => {
                    self.types.insert(serial, type_id);
                    let n = self.alive.entry(type_id).or_default();
                    *n += 1;
                    if *n > self.limit && self.stopped.is_none() {
                        self.stopped = Some(type_id);
                    }
                }
                Event::Free { serial, .. } => {
                    if let Some(n) = self.types.remove(&serial).and_then(|t| self.alive.get_mut(&t)) {
                        *n -= 1;
                    }
                }
                _ => {}
            }
        }
    }
    fn type_name(&mut self, id: u32, name: &str) {
        self.names.insert(id, name.to_string());
    }
    fn code(&mut self, _: u32, _: &[u8], _: bool) {}
    fn site(&mut self, _: u32, _: u32, _: u32) {}
    fn name(&mut self, _: u32, _: &str) {}
    fn printed(&mut self, _: &[u8]) {}
    fn is_mine(&self, file: &str) -> bool {
        !file.starts_with("/retic/lib/")
    }
    /// The guest ends at the next batch of events.
    fn enough(&mut self, _: u64, _: u64) -> bool {
        self.stopped.is_some()
    }
    fn finish(&mut self) {
        if let Some(t) = self.stopped {
            eprintln!("stopped: this guest holds {} objects of type {}", self.alive[&t], self.names[&t]);
        }
    }
}

fn main() {
    let mut args = std::env::args().skip(1);
    let (Some(path), limit) = (args.next(), args.next().and_then(|n| n.parse().ok()).unwrap_or(10_000)) else {
        eprintln!("usage: stop_at SCRIPT [LIMIT]");
        return;
    };
    let source = match std::fs::read(&path) {
        Ok(source) => source,
        Err(e) => return eprintln!("{path}: {e}"),
    };
    let mut python = Python::new(&Settings { lens: retic::Machine::Recording, argv: vec![path.clone().into()], ..Settings::default() });
    python.record(Box::new(Living { limit, ..Living::default() }), Wanted { level: Level::Lives, ..Wanted::default() });
    std::process::exit(python.run_source(&source, &path, true));
}
