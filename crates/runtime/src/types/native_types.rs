//! The native types of an interpreter by their names: code that makes such objects asks for the type each time.

use super::Type;
use crate::object::Ref;
use rustc_hash::FxHashMap;
use std::cell::Cell;

/// Names found without a hash.
const NEAR: usize = 128;

/// Types by name.
pub struct NativeTypes {
    places: FxHashMap<&'static str, u32>,
    list: Vec<Ref<Type>>,
    /// By the end of a name's address: address, length, place in the list.
    near: [Cell<(usize, usize, u32)>; NEAR],
}

impl Default for NativeTypes {
    fn default() -> NativeTypes {
        NativeTypes { places: FxHashMap::default(), list: Vec::new(), near: [const { Cell::new((0, 0, 0)) }; NEAR] }
    }
}

impl NativeTypes {
    /// The type of a name, if its module is imported.
    #[inline]
    pub fn get(&self, name: &'static str) -> Option<&Ref<Type>> {
        let (address, length, place) = self.near[name.as_ptr() as usize / 4 % NEAR].get();
        if (address, length) == (name.as_ptr() as usize, name.len()) { self.list.get(place as usize) } else { self.far(name) }
    }
    #[inline(never)]
    fn far(&self, name: &'static str) -> Option<&Ref<Type>> {
        let place = *self.places.get(name)?;
        self.near[name.as_ptr() as usize / 4 % NEAR].set((name.as_ptr() as usize, name.len(), place));
        self.list.get(place as usize)
    }
    /// From now on this is the type of the name.
    pub fn insert(&mut self, name: &'static str, class: Ref<Type>) {
        match self.places.get(name) {
            Some(place) => self.list[*place as usize] = class,
            None => {
                self.places.insert(name, self.list.len() as u32);
                self.list.push(class);
            }
        }
    }
}
