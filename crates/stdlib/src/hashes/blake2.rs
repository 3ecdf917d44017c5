//! BLAKE2 (RFC 7693) with all parameters of the reference: key, salt, person and tree hashing.

/// The arithmetic of one of the two widths.
trait Word: Copy + Default + PartialEq {
    const BYTES: usize;
    const ROUNDS: usize;
    const TURNS: [u32; 4];
    const IV: [Self; 8];
    fn add(self, o: Self) -> Self;
    fn xor(self, o: Self) -> Self;
    fn turn(self, n: u32) -> Self;
    fn read(b: &[u8]) -> Self;
    fn write(self, out: &mut Vec<u8>);
    fn low(n: u128) -> Self;
    fn high(n: u128) -> Self;
    fn all_ones() -> Self;
}

macro_rules! word {
    ($ty:ty, $bytes:literal, $rounds:literal, $turns:expr, $iv:expr) => {
        impl Word for $ty {
            const BYTES: usize = $bytes;
            const ROUNDS: usize = $rounds;
            const TURNS: [u32; 4] = $turns;
            const IV: [$ty; 8] = $iv;
            fn add(self, o: $ty) -> $ty {
                self.wrapping_add(o)
            }
            fn xor(self, o: $ty) -> $ty {
                self ^ o
            }
            fn turn(self, n: u32) -> $ty {
                self.rotate_right(n)
            }
            fn read(b: &[u8]) -> $ty {
                <$ty>::from_le_bytes(b.try_into().unwrap_or_default())
            }
            fn write(self, out: &mut Vec<u8>) {
                out.extend(self.to_le_bytes());
            }
            fn low(n: u128) -> $ty {
                n as $ty
            }
            fn high(n: u128) -> $ty {
                (n >> (8 * $bytes)) as $ty
            }
            fn all_ones() -> $ty {
                <$ty>::MAX
            }
        }
    };
}
word!(
    u64,
    8,
    12,
    [32, 24, 16, 63],
    [
        0x6a09_e667_f3bc_c908,
        0xbb67_ae85_84ca_a73b,
        0x3c6e_f372_fe94_f82b,
        0xa54f_f53a_5f1d_36f1,
        0x510e_527f_ade6_82d1,
        0x9b05_688c_2b3e_6c1f,
        0x1f83_d9ab_fb41_bd6b,
        0x5be0_cd19_137e_2179
    ]
);
word!(u32, 4, 10, [16, 12, 8, 7], [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19]);

const ORDER: [[usize; 16]; 10] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
    [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
    [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
    [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
    [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
    [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
    [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
    [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
    [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
];

#[derive(Clone)]
struct State<W> {
    h: [W; 8],
    block: Vec<u8>,
    count: u128,
    last_node: bool,
    size: usize,
}

impl<W: Word> State<W> {
    /// A block is sixteen words; the parameter block is eight.
    fn new(parameters: &[u8], key: &[u8], size: usize, last_node: bool) -> State<W> {
        let mut h = W::IV;
        for (word, b) in h.iter_mut().zip(parameters.chunks(W::BYTES)) {
            *word = word.xor(W::read(b));
        }
        let mut s = State { h, block: Vec::new(), count: 0, last_node, size };
        if !key.is_empty() {
            let mut first = key.to_vec();
            first.resize(W::BYTES * 16, 0);
            s.update(&first);
        }
        s
    }
    fn update(&mut self, mut data: &[u8]) {
        let full = W::BYTES * 16;
        while !data.is_empty() {
            // The last block waits: it is marked as such.
            if self.block.len() == full {
                self.count += full as u128;
                self.compress(false);
                self.block.clear();
            }
            let n = data.len().min(full - self.block.len());
            self.block.extend_from_slice(&data[..n]);
            data = &data[n..];
        }
    }
    fn finish(mut self) -> Vec<u8> {
        self.count += self.block.len() as u128;
        self.block.resize(W::BYTES * 16, 0);
        self.compress(true);
        let mut out = Vec::new();
        self.h.iter().for_each(|w| w.write(&mut out));
        out.truncate(self.size);
        out
    }
    fn compress(&mut self, last: bool) {
        let mut m = [W::default(); 16];
        for (word, b) in m.iter_mut().zip(self.block.chunks_exact(W::BYTES)) {
            *word = W::read(b);
        }
        let mut v = [W::default(); 16];
        v[..8].copy_from_slice(&self.h);
        v[8..].copy_from_slice(&W::IV);
        v[12] = v[12].xor(W::low(self.count));
        v[13] = v[13].xor(W::high(self.count));
        if last {
            v[14] = v[14].xor(W::all_ones());
            if self.last_node {
                v[15] = v[15].xor(W::all_ones());
            }
        }
        let [r1, r2, r3, r4] = W::TURNS;
        let mut mix = |a: usize, b: usize, c: usize, d: usize, x: W, y: W| {
            v[a] = v[a].add(v[b]).add(x);
            v[d] = v[d].xor(v[a]).turn(r1);
            v[c] = v[c].add(v[d]);
            v[b] = v[b].xor(v[c]).turn(r2);
            v[a] = v[a].add(v[b]).add(y);
            v[d] = v[d].xor(v[a]).turn(r3);
            v[c] = v[c].add(v[d]);
            v[b] = v[b].xor(v[c]).turn(r4);
        };
        for round in 0..W::ROUNDS {
            let s = &ORDER[round % 10];
            mix(0, 4, 8, 12, m[s[0]], m[s[1]]);
            mix(1, 5, 9, 13, m[s[2]], m[s[3]]);
            mix(2, 6, 10, 14, m[s[4]], m[s[5]]);
            mix(3, 7, 11, 15, m[s[6]], m[s[7]]);
            mix(0, 5, 10, 15, m[s[8]], m[s[9]]);
            mix(1, 6, 11, 12, m[s[10]], m[s[11]]);
            mix(2, 7, 8, 13, m[s[12]], m[s[13]]);
            mix(3, 4, 9, 14, m[s[14]], m[s[15]]);
        }
        for i in 0..8 {
            self.h[i] = self.h[i].xor(v[i]).xor(v[i + 8]);
        }
    }
}

/// What a hash is made with beside its data; lengths are checked by the caller.
#[derive(Clone, Default)]
pub struct Parameters {
    pub size: u8,
    pub key: Vec<u8>,
    pub salt: Vec<u8>,
    pub person: Vec<u8>,
    pub fanout: u8,
    pub depth: u8,
    pub leaf_size: u32,
    pub node_offset: u64,
    pub node_depth: u8,
    pub inner_size: u8,
    pub last_node: bool,
}

/// A running hash of either width.
#[derive(Clone)]
pub struct Blake2(Width);
#[derive(Clone)]
enum Width {
    B(Box<State<u64>>),
    S(Box<State<u32>>),
}

impl Blake2 {
    pub fn new(wide: bool, p: &Parameters) -> Blake2 {
        let mut b = vec![p.size, p.key.len() as u8, p.fanout, p.depth];
        b.extend(p.leaf_size.to_le_bytes());
        // The offset has eight bytes in the wide form, six in the narrow one; the wide form then has fourteen spare bytes.
        b.extend(&p.node_offset.to_le_bytes()[..if wide { 8 } else { 6 }]);
        b.extend([p.node_depth, p.inner_size]);
        if wide {
            b.extend([0; 14]);
        }
        let part = if wide { 16 } else { 8 };
        for text in [&p.salt, &p.person] {
            let mut t = text.clone();
            t.resize(part, 0);
            b.extend(t);
        }
        let size = usize::from(p.size);
        Blake2(if wide { Width::B(Box::new(State::new(&b, &p.key, size, p.last_node))) } else { Width::S(Box::new(State::new(&b, &p.key, size, p.last_node))) })
    }
    pub fn update(&mut self, data: &[u8]) {
        match &mut self.0 {
            Width::B(s) => s.update(data),
            Width::S(s) => s.update(data),
        }
    }
    pub fn finish(self) -> Vec<u8> {
        match self.0 {
            Width::B(s) => s.finish(),
            Width::S(s) => s.finish(),
        }
    }
}
