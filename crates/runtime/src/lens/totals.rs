//! The level counts: how many objects of each type each instruction made, and how many of them died. Nothing is kept of
//! single objects but which sum they belong to.

use super::places::Blocks;
use super::recorder::Recorder;
use crate::cx::Cx;
use crate::object::Header;
use retic_events::{Event, Sink};
use retic_heap::Entry;
use rustc_hash::FxHashMap;
use std::ptr::NonNull;

struct Total {
    site: u32,
    type_id: u32,
    born: u64,
    died: u64,
    bytes: u64,
    /// Its objects are classes, or code: their addresses stand for numbers.
    names: bool,
}

/// Sums by site and type.
#[derive(Default)]
pub struct Totals {
    /// By site and address of the type.
    index: FxHashMap<(u32, usize), u32>,
    last: ((u32, usize), u32),
    list: Vec<Total>,
    /// The number of the sum of each block.
    blocks: Blocks,
}

impl Recorder {
    /// Takes the journal into the sums.
    pub fn sum_up(&mut self, cx: &Cx) {
        let mut journal = std::mem::take(&mut self.journal);
        cx.heap.journal.take(&mut journal);
        let site = self.place(cx);
        let passing = self.passing(&journal);
        for (i, entry) in journal.iter().enumerate() {
            match *entry {
                Entry::Came { before: Entry::BUFFER, .. } | Entry::Resized { .. } => {}
                // One that has gone already has no header to read.
                Entry::Came { block, .. } if if passing { self.passes[i] } else { journal[i + 1..].contains(&Entry::Went { block }) } => {}
                Entry::Came { block, size, before } => {
                    // SAFETY: L1; whoever took the block wrote the header before anything else could happen.
                    let ty = unsafe { (*((block + before) as *const Header)).ty.get() };
                    let key = (site, ty.as_ptr() as usize);
                    let n = if self.totals.last.0 == key { self.totals.last.1 } else { self.total_of(cx, key, ty) };
                    self.totals.last = (key, n);
                    let total = &mut self.totals.list[n as usize - 1];
                    total.born += 1;
                    total.bytes += size as u64;
                    self.totals.blocks.set(block, u64::from(n));
                }
                Entry::Went { block } => {
                    let n = self.totals.blocks.take(block) as usize;
                    if n == 0 {
                        continue;
                    }
                    let total = &mut self.totals.list[n - 1];
                    total.died += 1;
                    if total.names {
                        self.totals.index.clear();
                        self.totals.last = ((0, 0), 0);
                        self.names.forget_all();
                    }
                }
            }
        }
        self.journal = journal;
    }
    fn total_of(&mut self, cx: &Cx, key: (u32, usize), ty: NonNull<crate::types::Type>) -> u32 {
        if let Some(n) = self.totals.index.get(&key) {
            return *n;
        }
        let type_id = self.names.type_of(&mut *self.sink, ty);
        // SAFETY: the type of a live object is live.
        let class = unsafe { ty.as_ref() };
        let names = class.is_subtype(cx, &cx.types.type_) || class.is_subtype(cx, &cx.types.code);
        self.totals.list.push(Total { site: key.0, type_id, born: 0, died: 0, bytes: 0, names });
        let n = self.totals.list.len() as u32;
        self.totals.index.insert(key, n);
        n
    }
    /// Tells the sums.
    pub fn tell_totals(&mut self) {
        let totals = std::mem::take(&mut self.totals);
        let events: Vec<Event> = totals.list.iter().map(|t| Event::Total { site: t.site, type_id: t.type_id, born: t.born, died: t.died, bytes: t.bytes }).collect();
        Sink::events(&mut *self.sink, &events);
    }
}
