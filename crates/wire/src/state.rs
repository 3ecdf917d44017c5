//! What the reader of a chunk must know of those before.

use crate::laps::FIRST_THREAD;
use crate::unpack::Input;
use retic_bytecode::varint::number;
use retic_events::ELDER;

/// Where a recording stands between two events.
pub(crate) struct State {
    /// Where the last event happened.
    pub step: u64,
    pub site: u32,
    pub by: u32,
    /// The serial number that comes next.
    pub next: u64,
    /// The address that was told last.
    pub address: u64,
    pub dying: Vec<u64>,
    /// The codes of the frames of the thread that runs, and of the others.
    pub stack: Vec<u32>,
    pub waiting: Vec<(u32, Vec<u32>)>,
    pub thread: u32,
}

impl Default for State {
    fn default() -> State {
        State { step: 0, site: 0, by: 0, next: 1, address: 0, dying: Vec::new(), stack: Vec::new(), waiting: Vec::new(), thread: FIRST_THREAD }
    }
}

/// Frames, dying objects and threads that a state names are at most so many; more come from a damaged file.
const SAVED_MAX: u64 = 1 << 20;

impl State {
    pub fn save(&self, out: &mut Vec<u8>) {
        for n in [self.step, u64::from(self.site), u64::from(self.by), self.next, self.address, u64::from(self.thread)] {
            number(out, n);
        }
        put_list(out, self.dying.iter().copied());
        put_list(out, self.stack.iter().map(|n| u64::from(*n)));
        number(out, self.waiting.len() as u64);
        for (id, stack) in &self.waiting {
            number(out, u64::from(*id));
            put_list(out, stack.iter().map(|n| u64::from(*n)));
        }
    }
    /// What `save` wrote.
    pub fn load(input: &mut Input) -> Option<State> {
        let (step, site, by) = (input.number()?, input.small()?, input.small()?);
        let (next, address, thread) = (input.number()?, input.number()?, input.small()?);
        let (dying, stack) = (list(input)?, small_list(input)?);
        let n = input.number().filter(|n| *n <= SAVED_MAX)?;
        let waiting = (0..n).map(|_| Some((input.small()?, small_list(input)?))).collect::<Option<_>>()?;
        Some(State { step, site, by, next, address, dying, stack, waiting, thread })
    }
    /// How a serial number is told: elders by number, odd; others by age, even; zero for none.
    #[inline(always)]
    pub fn age(&self, serial: u64) -> u64 {
        if serial == 0 {
            0
        } else if serial >= ELDER {
            (serial - ELDER) << 1 | 1
        } else {
            self.next.wrapping_sub(serial) << 1
        }
    }
    /// The serial number that was told so.
    pub fn serial(&self, age: u64) -> Option<u64> {
        match age {
            0 => Some(0),
            age if age & 1 == 1 => ELDER.checked_add(age >> 1),
            age => self.next.checked_sub(age >> 1),
        }
    }
    /// Another thread runs: its stack comes, the other's goes.
    pub fn switch(&mut self, id: u32) {
        let arrives = self.waiting.iter().position(|w| w.0 == id).map(|i| self.waiting.swap_remove(i).1).unwrap_or_default();
        let leaves = std::mem::replace(&mut self.stack, arrives);
        self.waiting.push((self.thread, leaves));
        self.thread = id;
    }
}

fn put_list(out: &mut Vec<u8>, list: impl ExactSizeIterator<Item = u64>) {
    number(out, list.len() as u64);
    for n in list {
        number(out, n);
    }
}
fn list(input: &mut Input) -> Option<Vec<u64>> {
    let n = input.number().filter(|n| *n <= SAVED_MAX)?;
    (0..n).map(|_| input.number()).collect()
}
fn small_list(input: &mut Input) -> Option<Vec<u32>> {
    list(input)?.into_iter().map(|n| u32::try_from(n).ok()).collect()
}
