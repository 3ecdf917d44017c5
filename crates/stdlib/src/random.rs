//! `_random`: the Mersenne Twister (MT19937), bit for bit as CPython's.

use retic_runtime::types::code::Hidden;
use retic_runtime::types::type_::flags;
use retic_runtime::types::{Slots, Spec, Tuple, int, module};
use retic_runtime::{Cx, Obj, PyResult, Ref, layout, memory, protocol};
use std::cell::RefCell;

const N: usize = 624;
const M: usize = 397;

/// The state: 624 words and how many of them were used.
#[derive(Clone)]
pub struct Twister {
    words: [u32; N],
    at: usize,
}
impl Twister {
    fn seeded(seed: u32) -> Twister {
        let mut t = Twister { words: [0; N], at: N };
        t.words[0] = seed;
        for i in 1..N {
            t.words[i] = 1_812_433_253u32.wrapping_mul(t.words[i - 1] ^ (t.words[i - 1] >> 30)).wrapping_add(i as u32);
        }
        t
    }
    fn from_key(key: &[u32]) -> Twister {
        let mut t = Twister::seeded(19_650_218);
        let (mut i, mut j) = (1, 0);
        for _ in 0..N.max(key.len()) {
            let before = t.words[i - 1];
            t.words[i] = (t.words[i] ^ (before ^ (before >> 30)).wrapping_mul(1_664_525)).wrapping_add(key[j]).wrapping_add(j as u32);
            i += 1;
            j += 1;
            if i >= N {
                t.words[0] = t.words[N - 1];
                i = 1;
            }
            if j >= key.len() {
                j = 0;
            }
        }
        for _ in 0..N - 1 {
            let before = t.words[i - 1];
            t.words[i] = (t.words[i] ^ (before ^ (before >> 30)).wrapping_mul(1_566_083_941)).wrapping_sub(i as u32);
            i += 1;
            if i >= N {
                t.words[0] = t.words[N - 1];
                i = 1;
            }
        }
        t.words[0] = 0x8000_0000;
        t
    }
    fn next(&mut self) -> u32 {
        if self.at >= N {
            for k in 0..N {
                let y = (self.words[k] & 0x8000_0000) | (self.words[(k + 1) % N] & 0x7fff_ffff);
                self.words[k] = self.words[(k + M) % N] ^ (y >> 1) ^ if y & 1 == 1 { 0x9908_b0df } else { 0 };
            }
            self.at = 0;
        }
        let mut y = self.words[self.at];
        self.at += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }
    fn float(&mut self) -> f64 {
        let (a, b) = (self.next() >> 5, self.next() >> 6);
        (f64::from(a) * 67_108_864.0 + f64::from(b)) * (1.0 / 9_007_199_254_740_992.0)
    }
}

layout! {
    /// A generator.
    pub struct Random = 270, "_random.Random" { state: Hidden<RefCell<Twister>>, }
}

fn seed(cx: &mut Cx, this: &Ref<Random>, n: Option<&Obj>) -> PyResult<()> {
    let key: Vec<u32> = match n.filter(|n| !n.is_none()) {
        None => {
            let mut b = vec![0u8; N * 4];
            cx.host.random_bytes(&mut b);
            b.chunks(4).map(|c| u32::from_le_bytes([c[0], c[1], c[2], c[3]])).collect()
        }
        Some(o) => {
            let big = match int::to_big(o) {
                Some(b) => b.abs(),
                None => {
                    let h = protocol::hash(cx, o)?;
                    retic_numbers::Big::from_i128(i128::from(h as u64))
                }
            };
            let bytes = big.to_bytes_le(big.bit_length().div_ceil(32).max(1) as usize * 4, false).unwrap_or_else(|| vec![0; 4]);
            bytes.chunks(4).map(|c| u32::from_le_bytes([c[0], c[1], c[2], c[3]])).collect()
        }
    };
    *this.state.0.borrow_mut() = Twister::from_key(&key);
    Ok(())
}

#[retic_macros::methods]
impl Random {
    /// random() -> x in the interval [0, 1).
    #[py("random($self, /)")]
    fn random(_cx: &mut Cx, this: &Ref<Random>) -> f64 {
        this.state.0.borrow_mut().float()
    }
    /// seed([n]) -> None.
    #[py("seed($self, n=None, /)")]
    fn seed_method(cx: &mut Cx, this: &Ref<Random>, n: Option<&Obj>) -> PyResult<()> {
        seed(cx, this, n)
    }
    /// getstate() -> tuple containing the current state.
    #[py("getstate($self, /)")]
    fn getstate(cx: &mut Cx, this: &Ref<Random>) -> PyResult {
        let s = this.state.0.borrow().clone();
        let mut out = Vec::with_capacity(N + 1);
        for w in s.words {
            out.push(cx.int(i64::from(w))?);
        }
        out.push(cx.int(s.at as i64)?);
        cx.tuple(out)
    }
    /// setstate(state) -> None.  Restores generator state.
    #[py("setstate($self, state, /)")]
    fn setstate(cx: &mut Cx, this: &Ref<Random>, state: &Obj) -> PyResult<()> {
        let Some(t) = state.cast::<Tuple>() else { return Err(cx.type_error("state vector must be a tuple")) };
        if t.items().len() != N + 1 {
            return Err(cx.value_error("state vector is the wrong size"));
        }
        let mut new = Twister { words: [0; N], at: 0 };
        for (i, o) in t.items().iter().enumerate() {
            let Some(v) = int::to_i64(o).filter(|v| *v >= 0) else { return Err(cx.type_error("state vector must contain non-negative integers")) };
            if i < N { new.words[i] = v as u32 } else { new.at = v as usize }
        }
        if new.at > N {
            return Err(cx.value_error("invalid state"));
        }
        *this.state.0.borrow_mut() = new;
        Ok(())
    }
    /// getrandbits(k) -> x.  Generates an int with k random bits.
    #[py("getrandbits($self, k, /)")]
    fn getrandbits(cx: &mut Cx, this: &Ref<Random>, k: i64) -> PyResult {
        if k < 0 {
            return Err(cx.value_error("number of bits must be non-negative"));
        }
        if k <= 32 {
            let v = if k == 0 { 0 } else { this.state.0.borrow_mut().next() >> (32 - k) };
            return cx.int(i64::from(v));
        }
        let words = (k as usize - 1) / 32 + 1;
        protocol::check_size(cx, words, 4, 1)?;
        let mut bytes = Vec::with_capacity(words * 4);
        let mut left = k;
        for _ in 0..words {
            let mut r = this.state.0.borrow_mut().next();
            if left < 32 {
                r >>= 32 - left;
            }
            bytes.extend(r.to_le_bytes());
            left -= 32;
        }
        int::from_big(cx, &retic_numbers::Big::from_bytes_le(&bytes, false))
    }
}

pub fn make(cx: &mut Cx) -> PyResult {
    let m = module::new(cx, "_random", Some("Module implements the Mersenne Twister random number generator."))?;
    let spec = Spec {
        doc: "Random() -> create a random number generator with its own internal state.",
        flags: flags::GC | flags::BASE | flags::MANAGED | flags::WEAK,
        slots: Slots {
            new: Some(|cx, ty, _| Ok(memory::new(cx, ty, |head| Random { head, state: Hidden(RefCell::new(Twister::seeded(5489))) })?.into_obj())),
            init: Some(|cx, o, args| {
                let Some(r) = o.cast::<Random>().cloned() else { return Ok(()) };
                let n = args.positional().first().cloned();
                seed(cx, &r, n.as_ref())
            }),
            ..Slots::EMPTY
        },
        methods: Random::METHODS,
        ..Spec::new::<Random>("_random.Random")
    };
    m.add_type(cx, &spec)?;
    Ok(m.into_obj())
}
