//! Keys made of passwords: PBKDF2 (RFC 8018) and scrypt (RFC 7914), for `hashlib`.

use super::blake2::{Blake2, Parameters};
use super::{KINDS, Running};
use retic_runtime::protocol::buffer;
use retic_runtime::types::{Bytes, Int, Str, int, module};
use retic_runtime::{Cx, Obj, PyResult, native, protocol};

/// Bytes of the largest block of a hash function, and of the largest digest.
const BLOCK_MAX: usize = 256;
const DIGEST_MAX: usize = 64;
/// Bytes of memory that scrypt takes at most where nothing is said, as in OpenSSL.
const SCRYPT_MEMORY: u64 = 32 << 20;
/// The largest product of r and p.
const SCRYPT_PRODUCT: u64 = (1 << 30) - 1;

/// A keyed hash (RFC 2104): the states behind the two paddings.
struct Keyed {
    inner: Running,
    outer: Running,
    size: usize,
}
impl Keyed {
    fn new(make: &dyn Fn() -> Running, block: usize, size: usize, key: &[u8]) -> Keyed {
        let mut padded = [0u8; BLOCK_MAX];
        if key.len() > block {
            let mut h = make();
            h.update(key);
            h.finish(&mut padded[..size]);
        } else {
            padded[..key.len()].copy_from_slice(key);
        }
        let with = |pad: u8| {
            let mut h = make();
            let block: Vec<u8> = padded[..block].iter().map(|b| b ^ pad).collect();
            h.update(&block);
            h
        };
        Keyed { inner: with(0x36), outer: with(0x5c), size }
    }
    fn digest(&self, parts: &[&[u8]], out: &mut [u8]) {
        let mut h = self.inner.clone();
        parts.iter().for_each(|p| h.update(p));
        h.finish(out);
        let mut h = self.outer.clone();
        h.update(out);
        h.finish(out);
    }
    /// PBKDF2 with this key.
    fn derive(&self, cx: &mut Cx, salt: &[u8], iterations: u32, out: &mut [u8]) -> PyResult<()> {
        const TURNS: u32 = 256;
        let (mut u, mut sum, mut last) = ([0u8; DIGEST_MAX], [0u8; DIGEST_MAX], [0u8; DIGEST_MAX]);
        let (u, sum, last) = (&mut u[..self.size], &mut sum[..self.size], &mut last[..self.size]);
        for (i, part) in out.chunks_mut(self.size).enumerate() {
            self.digest(&[salt, &(i as u32 + 1).to_be_bytes()], u);
            sum.copy_from_slice(u);
            for turn in 1..iterations {
                if turn % TURNS == 0 {
                    cx.poll_native()?;
                }
                last.copy_from_slice(u);
                self.digest(&[last], u);
                sum.iter_mut().zip(u.iter()).for_each(|(s, u)| *s ^= u);
            }
            part.copy_from_slice(&sum[..part.len()]);
            cx.poll_native()?;
        }
        Ok(())
    }
}

/// A hash function by the name that `hashlib` or OpenSSL has for it.
fn keyed(name: &str, key: &[u8]) -> Option<Keyed> {
    let name = name.to_ascii_lowercase().replace('-', "_");
    let blake = match name.as_str() {
        "blake2b" | "blake2b512" => Some((true, 128, 64)),
        "blake2s" | "blake2s256" => Some((false, 64, 32)),
        _ => None,
    };
    if let Some((wide, block, size)) = blake {
        let p = Parameters { size: size as u8, fanout: 1, depth: 1, ..Parameters::default() };
        return Some(Keyed::new(&|| Running::Blake2(Blake2::new(wide, &p)), block, size, key));
    }
    let k = KINDS.iter().find(|k| (k.name == name || k.name.replace("sha", "sha_") == name) && k.size > 0)?;
    Some(Keyed::new(&k.make, k.block, k.size, key))
}

/// Eight rounds of Salsa20 on a block of sixteen words.
fn salsa(block: &mut [u32; 16]) {
    let mut x = *block;
    let quarter = |x: &mut [u32; 16], a: usize, b: usize, c: usize, d: usize| {
        x[b] ^= x[a].wrapping_add(x[d]).rotate_left(7);
        x[c] ^= x[b].wrapping_add(x[a]).rotate_left(9);
        x[d] ^= x[c].wrapping_add(x[b]).rotate_left(13);
        x[a] ^= x[d].wrapping_add(x[c]).rotate_left(18);
    };
    for _ in 0..4 {
        quarter(&mut x, 0, 4, 8, 12);
        quarter(&mut x, 5, 9, 13, 1);
        quarter(&mut x, 10, 14, 2, 6);
        quarter(&mut x, 15, 3, 7, 11);
        quarter(&mut x, 0, 1, 2, 3);
        quarter(&mut x, 5, 6, 7, 4);
        quarter(&mut x, 10, 11, 8, 9);
        quarter(&mut x, 15, 12, 13, 14);
    }
    block.iter_mut().zip(x).for_each(|(b, x)| *b = b.wrapping_add(x));
}
/// Mixes `2 * r` blocks into `out`: those of even number first.
fn mix_blocks(from: &[u32], out: &mut [u32], r: usize) {
    let mut x = [0u32; 16];
    x.copy_from_slice(&from[from.len() - 16..]);
    for (i, block) in from.chunks_exact(16).enumerate() {
        x.iter_mut().zip(block).for_each(|(x, b)| *x ^= b);
        salsa(&mut x);
        let to = i / 2 + if i % 2 == 0 { 0 } else { r };
        out[to * 16..to * 16 + 16].copy_from_slice(&x);
    }
}
/// The part of scrypt that takes memory: `v` has room for `n` times the words of `b`.
fn mix_memory(cx: &mut Cx, b: &mut [u32], v: &mut [u32], n: usize, r: usize) -> PyResult<()> {
    const TURNS: usize = 64;
    let words = b.len();
    let mut y = vec![0u32; words];
    for i in 0..n {
        if i % TURNS == 0 {
            cx.poll_native()?;
        }
        v[i * words..(i + 1) * words].copy_from_slice(b);
        mix_blocks(b, &mut y, r);
        b.copy_from_slice(&y);
    }
    for i in 0..n {
        if i % TURNS == 0 {
            cx.poll_native()?;
        }
        let at = (u64::from(b[words - 16]) | u64::from(b[words - 15]) << 32) as usize & (n - 1);
        b.iter_mut().zip(&v[at * words..(at + 1) * words]).for_each(|(b, v)| *b ^= v);
        mix_blocks(b, &mut y, r);
        b.copy_from_slice(&y);
    }
    Ok(())
}

/// A parameter of scrypt.
fn number(cx: &mut Cx, o: Option<&Obj>, name: &str) -> PyResult<u64> {
    let missing = format!("{name} is required and must be an unsigned int");
    let Some(o) = o else { return Err(cx.type_error(missing)) };
    if o.cast::<Int>().is_none() {
        return Err(cx.type_error(format!("scrypt() argument '{name}' must be int, not {}", native::called(o))));
    }
    match int::to_big(o).and_then(|n| n.to_u64()) {
        Some(n) => Ok(n),
        None => Err(cx.type_error(missing)),
    }
}

#[retic_macros::methods]
mod functions {
    //! Keys made of passwords.
    use super::*;

    /// A key made of a password by PBKDF2: HMAC with the hash function of a name, so many times over.
    ///
    /// dklen is the length of the key in bytes; None: that of the function's digest.
    #[py("pbkdf2_hmac(hash_name, password, salt, iterations, dklen=None)", "(hash_name, password, salt, iterations,\n            dklen=None)")]
    pub fn pbkdf2_hmac(cx: &mut Cx, hash_name: &Obj, password: &Obj, salt: &Obj, iterations: &Obj, dklen: Option<&Obj>) -> PyResult {
        let Some(name) = hash_name.cast::<Str>().map(|s| s.to_text(cx)) else {
            return Err(cx.type_error(format!("pbkdf2_hmac() argument 'hash_name' must be str, not {}", native::called(hash_name))));
        };
        let (password, salt) = (buffer::bytes(cx, password)?, buffer::bytes(cx, salt)?);
        let limited = |cx: &mut Cx, o: &Obj, what: &str| {
            let n = protocol::index(cx, o)?;
            match int::to_i64(&n) {
                Some(n) if n < 1 => Err(cx.value_error(format!("{what} must be greater than 0."))),
                Some(n) if n <= i64::from(i32::MAX) => Ok(n as u32),
                _ => Err(cx.overflow_error(format!("{what} is too great."))),
            }
        };
        let Some(keyed) = keyed(&name, &password) else { return Err(cx.value_error(format!("unsupported hash type {name}"))) };
        let iterations = limited(cx, iterations, "iteration value")?;
        let length = match dklen {
            Some(o) => limited(cx, o, "key length")? as usize,
            None => keyed.size,
        };
        let mut out = protocol::zeroed(cx, length)?;
        keyed.derive(cx, &salt, iterations, &mut out)?;
        Bytes::from_slice(cx, &out)
    }
    /// A key made of a password by scrypt, which takes memory, too.
    ///
    /// n is the cost, a power of two; r the size of blocks, p how often it is done. maxmem are the bytes of memory it may
    /// take, 0 for 32 MiB; dklen is the length of the key in bytes.
    #[py("scrypt(password, *, salt=None, n=None, r=None, p=None, maxmem=0, dklen=64)", "(password, *, salt=None, n=None, r=None, p=None,\n       maxmem=0, dklen=64)")]
    pub fn scrypt(cx: &mut Cx, password: &Obj, salt: Option<&Obj>, n: Option<&Obj>, r: Option<&Obj>, p: Option<&Obj>, maxmem: Option<&Obj>, dklen: Option<&Obj>) -> PyResult {
        const LARGEST: i64 = i32::MAX as i64;
        let password = buffer::bytes(cx, password)?;
        let Some(salt) = salt else { return Err(cx.type_error("salt is required")) };
        let salt = buffer::bytes(cx, salt)?;
        let n = number(cx, n, "n")?;
        if n < 2 || !n.is_power_of_two() {
            return Err(cx.value_error("n must be a power of 2."));
        }
        let (r, p) = (number(cx, r, "r")?, number(cx, p, "p")?);
        let bounded = |cx: &mut Cx, o: Option<&Obj>, least: i64, default: i64, sentence: &str| {
            let given = match o {
                Some(o) => int::to_i64(&protocol::index(cx, o)?).unwrap_or(i64::MAX),
                None => default,
            };
            if (least..=LARGEST).contains(&given) { Ok(given as u64) } else { Err(cx.value_error(sentence)) }
        };
        let maxmem = bounded(cx, maxmem, 0, 0, "maxmem must be positive and smaller than 2147483647")?;
        let length = bounded(cx, dklen, 1, 64, "dklen must be greater than 0 and smaller than 2147483647")?;
        if r == 0 || p == 0 {
            return Err(cx.value_error("Invalid parameter combination for n, r, p, maxmem."));
        }
        let most = if maxmem == 0 { SCRYPT_MEMORY } else { maxmem };
        let blocks = p.checked_mul(128).and_then(|b| b.checked_mul(r));
        let memory = n.checked_add(2).and_then(|n| n.checked_mul(128)).and_then(|b| b.checked_mul(r));
        let needed = blocks.zip(memory).and_then(|(b, m)| b.checked_add(m)).filter(|all| *all <= most && p.saturating_mul(r) <= SCRYPT_PRODUCT);
        if needed.is_none() {
            return Err(cx.value_error("[digital envelope routines] memory limit exceeded"));
        }
        let (n, r, p) = (n as usize, r as usize, p as usize);
        let words = 32 * r;
        protocol::check_size(cx, 4, words * (n + 2), 1)?;
        let Some(keyed) = keyed("sha256", &password) else { return Err(cx.value_error("unsupported hash type sha256")) };
        let mut b = protocol::zeroed(cx, p * 4 * words)?;
        keyed.derive(cx, &salt, 1, &mut b)?;
        let mut v = vec![0u32; n * words];
        for part in b.chunks_mut(4 * words) {
            let mut block: Vec<u32> = part.chunks_exact(4).map(|w| u32::from_le_bytes([w[0], w[1], w[2], w[3]])).collect();
            mix_memory(cx, &mut block, &mut v, n, r)?;
            part.chunks_exact_mut(4).zip(&block).for_each(|(to, w)| to.copy_from_slice(&w.to_le_bytes()));
        }
        let mut out = protocol::zeroed(cx, length as usize)?;
        keyed.derive(cx, &b, 1, &mut out)?;
        Bytes::from_slice(cx, &out)
    }
}

pub fn make(cx: &mut Cx) -> PyResult {
    Ok(module::of_functions(cx, "_retic_derivation", functions::DOC, functions::FUNCTIONS)?.into_obj())
}
