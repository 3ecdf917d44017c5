//! What was pickled already: which number each object has, by its address.

use retic_runtime::Obj;

/// A table of open places with its objects in their order. These live as long as it does, so that no other gets their address.
pub struct Memo {
    /// Number and 1, by a hash of the address; 0: free. At least a quarter of them are.
    places: Vec<u32>,
    objects: Vec<Obj>,
}

/// Places at first.
const FIRST: usize = 512;

impl Memo {
    pub fn new() -> Memo {
        Memo { places: vec![0; FIRST], objects: Vec::with_capacity(64) }
    }
    /// Where an address is, or could be.
    #[inline]
    fn place(&self, address: usize) -> usize {
        let mask = self.places.len() - 1;
        let mut at = ((address >> 4).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) & mask;
        loop {
            match self.places[at] {
                0 => return at,
                n if self.objects[n as usize - 1].address() == address => return at,
                _ => at = (at + 1) & mask,
            }
        }
    }
    /// The number of an object.
    #[inline]
    pub fn get(&self, o: &Obj) -> Option<u32> {
        self.places[self.place(o.address())].checked_sub(1)
    }
    /// Gives an object that has none the next number. False: there is no memory for it.
    #[must_use]
    pub fn add(&mut self, o: &Obj) -> bool {
        if (self.objects.len() + 1) * 4 > self.places.len() * 3 && !self.grow() {
            return false;
        }
        if self.objects.try_reserve(1).is_err() || self.objects.len() >= u32::MAX as usize - 1 {
            return false;
        }
        let at = self.place(o.address());
        self.objects.push(o.clone());
        self.places[at] = self.objects.len() as u32;
        true
    }
    fn grow(&mut self) -> bool {
        let mut more = Vec::new();
        let n = self.places.len() * 4;
        if more.try_reserve_exact(n).is_err() {
            return false;
        }
        more.resize(n, 0);
        self.places = more;
        for i in 0..self.objects.len() {
            let at = self.place(self.objects[i].address());
            self.places[at] = i as u32 + 1;
        }
        true
    }
}
