//! Natural numbers in base 10^19, lowest limb first, without leading zero limbs; zero has no limb.

use retic_numbers::big::Big;
use std::cmp::Ordering;
use std::ops::Deref;

/// Digits in a limb.
pub const WIDTH: usize = 19;
/// The base.
pub const BASE: u64 = 10_000_000_000_000_000_000;

pub const POWERS: [u64; 20] = {
    let mut p = [1u64; 20];
    let mut i = 1;
    while i < 20 {
        p[i] = p[i - 1] * 10;
        i += 1;
    }
    p
};

/// A coefficient: up to four limbs in place, more in memory of their own.
#[derive(Clone, Debug)]
#[repr(u32)]
pub enum Limbs {
    Few(u32, [u64; 4]),
    Many(Vec<u64>),
}

impl Default for Limbs {
    fn default() -> Limbs {
        Limbs::ZERO
    }
}
impl Deref for Limbs {
    type Target = [u64];
    #[inline]
    fn deref(&self) -> &[u64] {
        match self {
            Limbs::Few(n, a) => &a[..*n as usize],
            Limbs::Many(v) => v,
        }
    }
}

/// There is no memory for a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoMemory;

/// An empty vector with room, or NoMemory.
pub fn room(n: usize) -> Result<Vec<u64>, NoMemory> {
    let mut v = Vec::new();
    v.try_reserve_exact(n).map_err(|_| NoMemory)?;
    Ok(v)
}

impl Limbs {
    pub const ZERO: Limbs = Limbs::Few(0, [0; 4]);
    pub const ONE: Limbs = Limbs::Few(1, [1, 0, 0, 0]);

    #[inline]
    pub fn from_u64(n: u64) -> Limbs {
        Limbs::from_u128(n.into())
    }
    #[inline]
    pub fn from_u128(n: u128) -> Limbs {
        if n < BASE as u128 {
            return Limbs::Few(u32::from(n != 0), [n as u64, 0, 0, 0]);
        }
        let (high, low) = split(n);
        if high < BASE { Limbs::Few(2, [low, high, 0, 0]) } else { Limbs::Few(3, [low, high - BASE, 1, 0]) }
    }
    /// Of limbs that may have leading zeros.
    pub fn of_slice(limbs: &[u64]) -> Limbs {
        let n = limbs.len() - limbs.iter().rev().take_while(|l| **l == 0).count();
        if n <= 4 {
            let mut a = [0; 4];
            a[..n].copy_from_slice(&limbs[..n]);
            return Limbs::Few(n as u32, a);
        }
        Limbs::Many(limbs[..n].to_vec())
    }
    pub fn of_vec(mut limbs: Vec<u64>) -> Limbs {
        while limbs.last() == Some(&0) {
            limbs.pop();
        }
        if limbs.len() <= 4 { Limbs::of_slice(&limbs) } else { Limbs::Many(limbs) }
    }
    #[inline]
    pub fn is_zero(&self) -> bool {
        self.is_empty()
    }
    /// The number of decimal digits; zero has one.
    #[inline]
    pub fn digits(&self) -> usize {
        match self.last() {
            None => 1,
            Some(top) => (self.len() - 1) * WIDTH + width_of(*top),
        }
    }
    /// Bytes outside of the object.
    pub fn bytes(&self) -> usize {
        match self {
            Limbs::Few(..) => 0,
            Limbs::Many(v) => v.capacity() * 8,
        }
    }
    /// As a machine number, where it fits.
    pub fn to_u128(&self) -> Option<u128> {
        match **self {
            [] => Some(0),
            [a] => Some(a.into()),
            [a, b] => Some(u128::from(b) * u128::from(BASE) + u128::from(a)),
            _ => None,
        }
    }
    pub fn is_odd(&self) -> bool {
        self.first().is_some_and(|l| l & 1 == 1)
    }
    /// The lowest digit.
    pub fn last_digit(&self) -> u64 {
        self.first().map_or(0, |l| l % 10)
    }
    /// How many zeros it ends with; of zero none.
    pub fn trailing_zeros(&self) -> usize {
        let Some(at) = self.iter().position(|l| *l != 0) else { return 0 };
        let (mut l, mut n) = (self[at], at * WIDTH);
        while l % 10 == 0 {
            l /= 10;
            n += 1;
        }
        n
    }
    /// Whether it is one and zeros.
    pub fn is_power_of_ten(&self) -> bool {
        !self.is_zero() && self.trailing_zeros() + 1 == self.digits() && self.digit(self.digits() - 1) == 1
    }
    /// The digit at a place from the right.
    pub fn digit(&self, at: usize) -> u8 {
        self.get(at / WIDTH).map_or(0, |l| (l / POWERS[at % WIDTH] % 10) as u8)
    }

    /// Decimal digits, highest first; the text is nothing but digits.
    pub fn parse(digits: &[u8]) -> Result<Limbs, NoMemory> {
        let first = digits.iter().position(|d| *d != b'0').unwrap_or(digits.len());
        let digits = &digits[first..];
        let number = |part: &[u8]| part.iter().fold(0u64, |n, d| n * 10 + u64::from(d - b'0'));
        if digits.len() <= WIDTH {
            return Ok(Limbs::from_u64(number(digits)));
        }
        let mut v = room(digits.len().div_ceil(WIDTH))?;
        v.extend(digits.rchunks(WIDTH).map(number));
        Ok(Limbs::of_vec(v))
    }
    /// Decimal digits, highest first, behind what is there.
    pub fn push_digits(&self, out: &mut Vec<u8>) {
        let mut buffer = [b'0'; WIDTH];
        let mut top = true;
        for limb in self.iter().rev() {
            let (mut n, mut at) = (*limb, WIDTH);
            while n != 0 {
                at -= 1;
                buffer[at] = b'0' + (n % 10) as u8;
                n /= 10;
            }
            if top {
                out.extend_from_slice(&buffer[at..]);
                top = false;
            } else {
                buffer[..at].fill(b'0');
                out.extend_from_slice(&buffer);
            }
        }
        if top {
            out.push(b'0');
        }
    }

    pub fn of_big(n: &Big) -> Result<Limbs, NoMemory> {
        if let Some(n) = n.to_u64() {
            return Ok(Limbs::from_u64(n));
        }
        Limbs::parse(n.to_text(10).as_bytes())
    }
    pub fn to_big(&self) -> Big {
        if let Some(n) = self.to_u128()
            && n < 1 << 126
        {
            return Big::from_i128(n as i128);
        }
        if self.len() < 40 {
            let base = Big::from_i128(BASE.into());
            return self.iter().rev().fold(Big::from_i128(0), |n, l| n.mul(&base).add(&Big::from_i128((*l).into())));
        }
        let mut text = Vec::new();
        self.push_digits(&mut text);
        Big::parse(&String::from_utf8(text).unwrap_or_default(), 10).unwrap_or_else(|| Big::from_i128(0))
    }

    /// The sum.
    pub fn add(&self, other: &Limbs) -> Result<Limbs, NoMemory> {
        let (a, b) = if self.len() >= other.len() { (&**self, &**other) } else { (&**other, &**self) };
        if a.len() < 4 {
            let mut out = [0; 4];
            out[..a.len()].copy_from_slice(a);
            add_into(&mut out, b);
            return Ok(Limbs::of_slice(&out));
        }
        let mut out = room(a.len() + 1)?;
        out.extend_from_slice(a);
        out.push(0);
        add_into(&mut out, b);
        Ok(Limbs::of_vec(out))
    }
    /// The difference; `other` is not larger.
    pub fn sub(&self, other: &Limbs) -> Result<Limbs, NoMemory> {
        if self.len() <= 4 {
            let mut out = [0; 4];
            out[..self.len()].copy_from_slice(self);
            sub_from(&mut out, other);
            return Ok(Limbs::of_slice(&out));
        }
        let mut out = room(self.len())?;
        out.extend_from_slice(self);
        sub_from(&mut out, other);
        Ok(Limbs::of_vec(out))
    }
    pub fn add_small(&self, n: u64) -> Result<Limbs, NoMemory> {
        self.add(&Limbs::from_u64(n))
    }
    /// The product.
    pub fn mul(&self, other: &Limbs) -> Result<Limbs, NoMemory> {
        if let ([a], [b]) = (&**self, &**other) {
            return Ok(Limbs::from_u128(u128::from(*a) * u128::from(*b)));
        }
        let n = self.len() + other.len();
        if n <= 4 {
            let mut out = [0; 4];
            mul_school(&mut out, self, other);
            return Ok(Limbs::of_slice(&out));
        }
        let mut out = room(n)?;
        out.resize(n, 0);
        let (a, b) = if self.len() >= other.len() { (&**self, &**other) } else { (&**other, &**self) };
        mul_any(&mut out, a, b)?;
        Ok(Limbs::of_vec(out))
    }
    /// Quotient and remainder; the divisor is not zero.
    pub fn divmod(&self, by: &Limbs) -> Result<(Limbs, Limbs), NoMemory> {
        if self.compare(by) == Ordering::Less {
            return Ok((Limbs::ZERO, self.clone()));
        }
        if let ([a], [b]) = (&**self, &**by) {
            return Ok((Limbs::from_u64(a / b), Limbs::from_u64(a % b)));
        }
        if let [b] = **by {
            let mut out = room(self.len())?;
            out.resize(self.len(), 0);
            let r = div_small(&mut out, self, b);
            return Ok((Limbs::of_vec(out), Limbs::from_u64(r)));
        }
        div_long(self, by)
    }
    /// Ten times itself so often.
    pub fn shift_left(&self, n: usize) -> Result<Limbs, NoMemory> {
        if n == 0 || self.is_zero() {
            return Ok(self.clone());
        }
        let (whole, part) = (n / WIDTH, n % WIDTH);
        if let [a] = **self
            && whole == 0
        {
            return Ok(Limbs::from_u128(u128::from(a) * u128::from(POWERS[part])));
        }
        let len = self.len() + whole + 1;
        let mut small = [0; 4];
        let mut large = Vec::new();
        let out: &mut [u64] = if len <= 4 {
            &mut small[..len]
        } else {
            large = room(len)?;
            large.resize(len, 0);
            &mut large
        };
        if part == 0 {
            out[whole..len - 1].copy_from_slice(self);
        } else {
            let mut carry = 0;
            for (o, l) in out[whole..].iter_mut().zip(self.iter()) {
                let (high, low) = split(u128::from(*l) * u128::from(POWERS[part]) + u128::from(carry));
                *o = low;
                carry = high;
            }
            out[len - 1] = carry;
        }
        Ok(if len <= 4 { Limbs::of_slice(&small[..len]) } else { Limbs::of_vec(large) })
    }
    /// Without its lowest digits, and how these compare with a half: 0 nothing, 1 less, 5 a half, 6 more.
    pub fn shift_right(&self, n: usize) -> Result<(Limbs, u8), NoMemory> {
        if n == 0 || self.is_zero() {
            return Ok((self.clone(), 0));
        }
        let (whole, part) = (n / WIDTH, n % WIDTH);
        if whole >= self.len() {
            let r = if n > self.digits() { 1 } else { rounding_digit(self.digit(n - 1), self.lower_is_zero(n - 1)) };
            return Ok((Limbs::ZERO, r));
        }
        let r = rounding_digit(self.digit(n - 1), self.lower_is_zero(n - 1));
        let len = self.len() - whole;
        let mut small = [0; 4];
        let mut large = Vec::new();
        let out: &mut [u64] = if len <= 4 {
            &mut small[..len]
        } else {
            large = room(len)?;
            large.resize(len, 0);
            &mut large
        };
        if part == 0 {
            out.copy_from_slice(&self[whole..]);
        } else {
            let (low, high) = (POWERS[part], POWERS[WIDTH - part]);
            for (i, o) in out.iter_mut().enumerate() {
                let next = self.get(whole + i + 1).copied().unwrap_or(0);
                *o = self[whole + i] / low + next % low * high;
            }
        }
        Ok((if len <= 4 { Limbs::of_slice(&small[..len]) } else { Limbs::of_vec(large) }, r))
    }
    fn lower_is_zero(&self, n: usize) -> bool {
        let (whole, part) = (n / WIDTH, n % WIDTH);
        self.iter().take(whole).all(|l| *l == 0) && self.get(whole).is_none_or(|l| l % POWERS[part] == 0)
    }
    /// Its lowest digits.
    pub fn low_digits(&self, n: usize) -> Limbs {
        let (whole, part) = (n / WIDTH, n % WIDTH);
        if whole >= self.len() {
            return self.clone();
        }
        let mut v = self[..=whole].to_vec();
        v[whole] %= POWERS[part];
        Limbs::of_vec(v)
    }
    pub fn compare(&self, other: &Limbs) -> Ordering {
        self.len().cmp(&other.len()).then_with(|| self.iter().rev().cmp(other.iter().rev()))
    }
    /// A number of nines.
    pub fn nines(n: usize) -> Result<Limbs, NoMemory> {
        let mut v = room(n / WIDTH + 1)?;
        v.resize(n / WIDTH, BASE - 1);
        v.push(POWERS[n % WIDTH] - 1);
        Ok(Limbs::of_vec(v))
    }
}

fn rounding_digit(digit: u8, exact: bool) -> u8 {
    match (digit, exact) {
        (0, true) => 0,
        (0..5, _) => 1,
        (5, true) => 5,
        _ => 6,
    }
}

/// The number of digits of a limb that is not zero.
#[inline]
pub fn width_of(n: u64) -> usize {
    // By the number of bits, which says it but for one.
    let about = (((64 - n.leading_zeros()) * 1233) >> 12) as usize;
    about + usize::from(n >= POWERS[about])
}

/// Quotient and remainder by the base of a number below its square.
#[inline]
fn split(n: u128) -> (u64, u64) {
    // The base has its highest bit set, so one multiplication by its reciprocal gives the quotient, at most two too small
    // (Moeller and Granlund, "Improved division by invariant integers", 2011).
    const RECIPROCAL: u64 = (u128::MAX / BASE as u128 - (1 << 64)) as u64;
    let (high, low) = ((n >> 64) as u64, n as u64);
    if high == 0 && low < BASE {
        return (0, low);
    }
    if high >= BASE {
        return ((n / u128::from(BASE)) as u64, (n % u128::from(BASE)) as u64);
    }
    let q = u128::from(RECIPROCAL) * u128::from(high) + n;
    let (q1, q0) = (((q >> 64) as u64).wrapping_add(1), q as u64);
    let mut r = low.wrapping_sub(q1.wrapping_mul(BASE));
    let mut q1 = q1;
    if r > q0 {
        q1 = q1.wrapping_sub(1);
        r = r.wrapping_add(BASE);
    }
    if r >= BASE {
        q1 += 1;
        r -= BASE;
    }
    (q1, r)
}

/// `a += b`; the carry has room.
fn add_into(a: &mut [u64], b: &[u64]) {
    let mut carry = 0;
    for (i, x) in a.iter_mut().enumerate() {
        let y = b.get(i).copied().unwrap_or(0);
        if i >= b.len() && carry == 0 {
            return;
        }
        let (sum, over) = x.overflowing_add(y);
        let (sum, over2) = sum.overflowing_add(carry);
        if over || over2 || sum >= BASE {
            *x = sum.wrapping_sub(BASE);
            carry = 1;
        } else {
            *x = sum;
            carry = 0;
        }
    }
}
/// `a -= b`, which is not larger.
fn sub_from(a: &mut [u64], b: &[u64]) {
    let mut borrow = 0;
    for (i, x) in a.iter_mut().enumerate() {
        let y = b.get(i).copied().unwrap_or(0);
        if i >= b.len() && borrow == 0 {
            return;
        }
        let (d, under) = x.overflowing_sub(y);
        let (d, under2) = d.overflowing_sub(borrow);
        if under || under2 {
            *x = d.wrapping_add(BASE);
            borrow = 1;
        } else {
            *x = d;
            borrow = 0;
        }
    }
}

/// The product of `a` and `b`, which is not longer; `out` is long enough for it and zero there. Column by column: one
/// division by the base for each, not for each product of two limbs.
fn mul_school(out: &mut [u64], a: &[u64], b: &[u64]) {
    if a.is_empty() || b.is_empty() {
        return;
    }
    let mut carry = 0u128;
    for (k, place) in out[..a.len() + b.len()].iter_mut().enumerate() {
        // The sum of the column is `over` times 2^128 and `sum`.
        let (mut sum, mut over) = (carry, 0u64);
        let first = (k + 1).saturating_sub(b.len());
        let last = k.min(a.len() - 1);
        if first <= last {
            for (x, y) in a[first..=last].iter().zip(b[k - last..=k - first].iter().rev()) {
                let (next, wrapped) = sum.overflowing_add(u128::from(*x) * u128::from(*y));
                (sum, over) = (next, over + u64::from(wrapped));
            }
        }
        let (high, rest) = split(u128::from(over) << 64 | sum >> 64);
        let (low, digit) = split(u128::from(rest) << 64 | u128::from(sum as u64));
        *place = digit;
        carry = u128::from(high) << 64 | u128::from(low);
    }
}

/// Below so many limbs the school's way is the fastest.
const KARATSUBA: usize = 40;

/// The product of `a` and `b`, which is not longer, into zeros.
fn mul_any(out: &mut [u64], a: &[u64], b: &[u64]) -> Result<(), NoMemory> {
    if b.len() < KARATSUBA {
        mul_school(out, a, b);
        return Ok(());
    }
    if a.len() >= 2 * b.len() {
        // Piece by piece of b's length.
        let mut part = room(2 * b.len())?;
        for (i, piece) in a.chunks(b.len()).enumerate() {
            part.clear();
            part.resize(piece.len() + b.len(), 0);
            if piece.len() >= b.len() {
                mul_any(&mut part, piece, b)?
            } else {
                mul_any(&mut part, b, piece)?
            }
            add_into(&mut out[i * b.len()..], &part);
        }
        return Ok(());
    }
    let half = a.len().div_ceil(2);
    if b.len() <= half {
        let mut part = room(half + b.len() + 1)?;
        part.resize(half + b.len(), 0);
        mul_any(&mut out[..half + b.len()], &a[..half], b)?;
        let high = &a[half..];
        part.truncate(high.len() + b.len());
        if high.len() >= b.len() {
            mul_any(&mut part, high, b)?
        } else {
            mul_any(&mut part, b, high)?
        }
        add_into(&mut out[half..], &part);
        return Ok(());
    }
    // Karatsuba: three products of half the length.
    let ((a0, a1), (b0, b1)) = (a.split_at(half), b.split_at(half));
    let (mut sa, mut sb) = (room(half + 1)?, room(half + 1)?);
    for (s, low, high) in [(&mut sa, a0, a1), (&mut sb, b0, b1)] {
        s.extend_from_slice(low);
        s.push(0);
        add_into(s, high);
    }
    let mut middle = room(2 * half + 2)?;
    middle.resize(2 * half + 2, 0);
    mul_any(&mut middle, &sa, &sb)?;
    let (low, high) = out.split_at_mut(2 * half);
    mul_any(low, a0, b0)?;
    let n = a1.len() + b1.len();
    if a1.len() >= b1.len() {
        mul_any(&mut high[..n], a1, b1)?
    } else {
        mul_any(&mut high[..n], b1, a1)?
    }
    sub_from(&mut middle, low);
    sub_from(&mut middle, &high[..n]);
    add_into(&mut out[half..], &middle[..middle.len() - middle.iter().rev().take_while(|l| **l == 0).count()]);
    Ok(())
}

fn div_small(out: &mut [u64], a: &[u64], by: u64) -> u64 {
    let mut r = 0u64;
    for (o, l) in out.iter_mut().zip(a).rev() {
        let n = u128::from(r) * u128::from(BASE) + u128::from(*l);
        if by == 1 {
            *o = *l;
            continue;
        }
        *o = (n / u128::from(by)) as u64;
        r = (n % u128::from(by)) as u64;
    }
    r
}

/// The school's long division (Knuth, algorithm D).
fn div_long(a: &[u64], b: &[u64]) -> Result<(Limbs, Limbs), NoMemory> {
    let d = BASE / (b[b.len() - 1] + 1);
    let scale = |limbs: &[u64], by: u64, out: &mut Vec<u64>| {
        let mut carry = 0;
        for l in limbs {
            let (high, low) = split(u128::from(*l) * u128::from(by) + u128::from(carry));
            out.push(low);
            carry = high;
        }
        out.push(carry);
    };
    let (mut u, mut v) = (room(a.len() + 1)?, room(b.len() + 1)?);
    scale(a, d, &mut u);
    scale(b, d, &mut v);
    v.pop();
    let n = v.len();
    let m = u.len() - n;
    let mut q = room(m)?;
    q.resize(m, 0);
    let (v1, v2) = (u128::from(v[n - 1]), u128::from(v[n - 2]));
    for j in (0..m).rev() {
        let top = u128::from(u[j + n]) * u128::from(BASE) + u128::from(u[j + n - 1]);
        let (mut guess, mut rest) = (top / v1, top % v1);
        while guess >= u128::from(BASE) || guess * v2 > rest * u128::from(BASE) + u128::from(u[j + n - 2]) {
            guess -= 1;
            rest += v1;
            if rest >= u128::from(BASE) {
                break;
            }
        }
        let guess = guess as u64;
        if guess == 0 {
            continue;
        }
        // Subtract guess * v.
        let (mut carry, mut borrow) = (0, 0);
        for i in 0..n {
            let (high, low) = split(u128::from(guess) * u128::from(v[i]) + u128::from(carry));
            carry = high;
            let (d, under) = u[i + j].overflowing_sub(low);
            let (d, under2) = d.overflowing_sub(borrow);
            borrow = u64::from(under || under2);
            u[i + j] = if under || under2 { d.wrapping_add(BASE) } else { d };
        }
        let (d, under) = u[j + n].overflowing_sub(carry);
        let (d, under2) = d.overflowing_sub(borrow);
        u[j + n] = d;
        q[j] = guess;
        if under || under2 {
            // One too many.
            q[j] -= 1;
            u[j + n] = 0;
            let mut carry = 0;
            for i in 0..n {
                let (sum, over) = u[i + j].overflowing_add(v[i]);
                let (sum, over2) = sum.overflowing_add(carry);
                carry = u64::from(over || over2 || sum >= BASE);
                u[i + j] = if carry == 1 { sum.wrapping_sub(BASE) } else { sum };
            }
        }
    }
    u.truncate(n);
    let mut r = room(n)?;
    r.resize(n, 0);
    div_small(&mut r, &u, d);
    Ok((Limbs::of_vec(q), Limbs::of_vec(r)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Limbs {
        Limbs::parse(text.as_bytes()).unwrap()
    }
    fn text(l: &Limbs) -> String {
        let mut out = Vec::new();
        l.push_digits(&mut out);
        String::from_utf8(out).unwrap()
    }
    /// Numbers of many lengths whose limbs are extreme or mixed.
    fn samples() -> Vec<Limbs> {
        let mut out = vec![Limbs::ZERO, Limbs::ONE];
        let mut seed = 7u64;
        for n in [1usize, 2, 3, 4, 5, 9, 31, 32, 33, 64, 65, 70, 129, 200] {
            for kind in 0..4 {
                let limbs: Vec<u64> = (0..n)
                    .map(|_| {
                        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                        match kind {
                            0 => BASE - 1,
                            1 => seed % BASE,
                            2 if seed >> 40 & 1 == 0 => 0,
                            2 => BASE - 1,
                            _ => seed >> 60,
                        }
                    })
                    .collect();
                out.push(Limbs::of_vec(limbs));
            }
        }
        out
    }

    #[test]
    fn arithmetic_agrees_with_binary() {
        let all = samples();
        for a in &all {
            for b in &all {
                let (x, y) = (a.to_big(), b.to_big());
                assert_eq!(a.add(b).unwrap().to_big(), x.add(&y));
                assert_eq!(a.mul(b).unwrap().to_big(), x.mul(&y));
                assert_eq!(a.compare(b), x.cmp(&y));
                if a.compare(b) != Ordering::Less {
                    assert_eq!(a.sub(b).unwrap().to_big(), x.sub(&y));
                }
                if let Some((q, r)) = x.divmod(&y) {
                    let (p, s) = a.divmod(b).unwrap();
                    assert_eq!((p.to_big(), s.to_big()), (q, r), "{} / {}", text(a), text(b));
                }
            }
        }
    }

    #[test]
    fn shifts_move_digits() {
        let a = of("123456789012345678901234567890123456789");
        assert_eq!(text(&a.shift_left(25).unwrap()), format!("123456789012345678901234567890123456789{}", "0".repeat(25)));
        let (b, r) = a.shift_right(20).unwrap();
        assert_eq!((text(&b).as_str(), r), ("1234567890123456789", 1));
        assert_eq!(of("15").shift_right(1).unwrap().1, 5);
        assert_eq!(of("151").shift_right(2).unwrap().1, 6);
        assert_eq!(of("5").shift_right(1).unwrap().1, 5);
        assert_eq!(of("5").shift_right(2).unwrap().1, 1);
        assert_eq!(text(&a.low_digits(21)), "901234567890123456789");
        assert_eq!(of(&format!("1{}", "0".repeat(40))).trailing_zeros(), 40);
        assert_eq!(text(&Limbs::nines(40).unwrap()), "9".repeat(40));
    }
}
