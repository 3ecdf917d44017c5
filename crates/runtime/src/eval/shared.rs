//! What attributes were found to be, shared by all instructions of an interpreter: for instructions that meet more classes
//! than their own words remember. What is known stands as long as the key, as in the words of an instruction
//! (`ops/attributes.rs`).

use std::cell::Cell;

/// Entries; a power of two.
const ENTRIES: usize = 1024;

/// What is known of an attribute.
#[derive(Clone, Copy)]
pub(super) enum Known {
    /// Where it lies inline.
    Inline(u64),
    /// As LOAD_ATTR remembers of a class.
    OfClass(u64),
}

/// How an attribute is asked for, in the lowest bits of the name's address.
const INLINE: usize = 0;
const OF_CLASS: usize = 1;
const METHOD: usize = 2;

/// Names are those of interned texts that a class was asked for: they are immortal (`Type::lookup`).
#[derive(Clone, Copy)]
struct Entry {
    key: u64,
    name: usize,
    known: u64,
}

/// The table.
pub struct Shared(Box<[Cell<Entry>; ENTRIES]>);

impl Default for Shared {
    fn default() -> Shared {
        Shared(Box::new([const { Cell::new(Entry { key: 0, name: 0, known: 0 }) }; ENTRIES]))
    }
}

impl Shared {
    #[inline(always)]
    fn slot(&self, key: u64, name: usize, method: bool) -> &Cell<Entry> {
        let mixed = (key ^ key >> 32).wrapping_mul(0x9e37_79b9) ^ (name >> 4) as u64 ^ u64::from(method);
        &self.0[mixed as usize % ENTRIES]
    }
    /// What LOAD_ATTR may remember of the objects of a key.
    #[inline(always)]
    pub(super) fn attribute(&self, key: u64, name: usize) -> Option<Known> {
        let e = self.slot(key, name, false).get();
        match e.name ^ name {
            _ if e.key != key => None,
            INLINE => Some(Known::Inline(e.known)),
            OF_CLASS => Some(Known::OfClass(e.known)),
            _ => None,
        }
    }
    pub(super) fn set_attribute(&self, key: u64, name: usize, known: Known) {
        let (asked, known) = match known {
            Known::Inline(offset) => (INLINE, offset),
            Known::OfClass(known) => (OF_CLASS, known),
        };
        self.slot(key, name, false).set(Entry { key, name: name | asked, known });
    }
    /// What LOAD_METHOD may remember.
    #[inline(always)]
    pub(super) fn method(&self, key: u64, name: usize) -> Option<u64> {
        let e = self.slot(key, name, true).get();
        (e.key == key && e.name == name | METHOD).then_some(e.known)
    }
    pub(super) fn set_method(&self, key: u64, name: usize, known: u64) {
        self.slot(key, name, true).set(Entry { key, name: name | METHOD, known });
    }
}
