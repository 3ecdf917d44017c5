//! The table of interned strings: open addressing with linear probing, so that a name costs no allocation of its own.

use super::Str;
use std::ptr::NonNull;

/// Strings by their hash. It owns none: a string leaves the table when it dies.
#[derive(Default)]
pub struct Interned {
    /// A power of two of places, at most half of them taken.
    places: Vec<Option<(i64, NonNull<Str>)>>,
    taken: usize,
}

impl Interned {
    fn start(&self, hash: i64) -> usize {
        hash as usize & (self.places.len() - 1)
    }

    /// The string with that hash that `is_it` agrees to.
    #[inline]
    pub fn find(&self, hash: i64, is_it: impl Fn(NonNull<Str>) -> bool) -> Option<NonNull<Str>> {
        let mask = self.places.len().checked_sub(1)?;
        let mut at = self.start(hash);
        while let Some((h, s)) = self.places[at] {
            if h == hash && is_it(s) {
                return Some(s);
            }
            at = (at + 1) & mask;
        }
        None
    }

    /// How many strings are in it.
    pub fn count(&self) -> usize {
        self.taken
    }

    /// Puts a string in that is not there yet.
    pub fn insert(&mut self, hash: i64, s: NonNull<Str>) {
        if self.taken * 2 >= self.places.len() {
            let larger = (self.places.len() * 2).max(1024);
            let old = std::mem::replace(&mut self.places, vec![None; larger]);
            old.into_iter().flatten().for_each(|(h, s)| self.put(h, s));
        }
        self.taken += 1;
        self.put(hash, s);
    }
    fn put(&mut self, hash: i64, s: NonNull<Str>) {
        let mask = self.places.len() - 1;
        let mut at = self.start(hash);
        while self.places[at].is_some() {
            at = (at + 1) & mask;
        }
        self.places[at] = Some((hash, s));
    }

    /// Takes a string out.
    pub fn remove(&mut self, hash: i64, s: NonNull<Str>) {
        let Some(mask) = self.places.len().checked_sub(1) else { return };
        let mut hole = self.start(hash);
        loop {
            match self.places[hole] {
                None => return,
                Some((_, known)) if known == s => break,
                Some(_) => hole = (hole + 1) & mask,
            }
        }
        self.taken -= 1;
        // Those behind move up, unless that would put them before the place where the search for them starts.
        let mut at = hole;
        loop {
            at = (at + 1) & mask;
            let Some((h, _)) = self.places[at] else { break };
            let start = self.start(h);
            if at.wrapping_sub(start) & mask >= at.wrapping_sub(hole) & mask {
                self.places[hole] = self.places[at];
                hole = at;
            }
        }
        self.places[hole] = None;
    }
}
