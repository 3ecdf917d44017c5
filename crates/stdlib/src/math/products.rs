//! Products of many integers: factorials, permutations, combinations.

use retic_numbers::Big;
use retic_runtime::{Cx, PyResult};

/// `first * (first + step) * ...`, `count` numbers below 2^63, by halves: those that fit a machine's word are multiplied there.
fn product(cx: &mut Cx, first: i64, count: i64, step: i64) -> PyResult<Big> {
    if count <= 0 {
        return Ok(Big::from_i128(1));
    }
    let last = i128::from(first) + i128::from(count - 1) * i128::from(step);
    let bits = 128 - last.leading_zeros();
    if count == 1 || i128::from(count) * i128::from(bits) <= 126 {
        cx.poll_native()?;
        return Ok(Big::from_i128((0..count).fold(1, |p, i| p * (i128::from(first) + i128::from(i * step)))));
    }
    let half = count / 2;
    let (x, y) = (product(cx, first, half, step)?, product(cx, first + half * step, count - half, step)?);
    Ok(x.mul(&y))
}

/// `n!` of a number that is not negative: the product of what is odd in its factors, which are those of `n`, of half of `n`
/// and so on, and a power of two.
pub fn factorial(cx: &mut Cx, n: i64) -> PyResult<Big> {
    if n <= 33 {
        return Ok(Big::from_i128((1..=i128::from(n)).product()));
    }
    let (mut all, mut odd, mut from) = (Big::from_i128(1), Big::from_i128(1), 3);
    for i in (0..n.ilog2()).rev() {
        let to = ((n >> i) + 1) | 1;
        if to <= from {
            continue;
        }
        odd = odd.mul(&product(cx, from, (to - from) / 2, 2)?);
        all = all.mul(&odd);
        from = to;
    }
    Ok(all.shl((n - i64::from(n.count_ones())) as usize))
}

/// `n * (n - 1) * ...`, `k` numbers of which none is negative.
pub fn permutations(cx: &mut Cx, n: &Big, k: i64) -> PyResult<Big> {
    match n.to_i64() {
        Some(n) => product(cx, n - k + 1, k, 1),
        None => falling(cx, n, 0, k),
    }
}

/// The same of a number that is no machine word, from the `from`th factor on, by halves.
fn falling(cx: &mut Cx, n: &Big, from: i64, count: i64) -> PyResult<Big> {
    if count < 2 {
        cx.poll_native()?;
        return Ok(if count == 0 { Big::from_i128(1) } else { n.sub(&Big::from_i128(i128::from(from))) });
    }
    let half = count / 2;
    let (x, y) = (falling(cx, n, from, half)?, falling(cx, n, from + half, count - half)?);
    Ok(x.mul(&y))
}

/// How many ways there are to choose `k` of `n`, at most half of `n`.
pub fn combinations(cx: &mut Cx, n: &Big, k: i64) -> PyResult<Big> {
    if let Some(small) = n.to_i64()
        && let Some(total) = machine_combinations(small, k)
    {
        return Ok(Big::from_i128(total));
    }
    let (ordered, orders) = (permutations(cx, n, k)?, factorial(cx, k)?);
    Ok(ordered.divmod(&orders).map_or_else(|| Big::from_i128(0), |d| d.0))
}

/// The same while everything fits a machine's words.
fn machine_combinations(n: i64, k: i64) -> Option<i128> {
    if k > 128 {
        return None;
    }
    let mut total = 1i128;
    for i in 0..i128::from(k) {
        total = match total.checked_mul(i128::from(n) - i) {
            // Words of 64 bits are divided by an instruction.
            Some(t) => match (u64::try_from(t), u64::try_from(i + 1)) {
                (Ok(t), Ok(by)) => i128::from(t / by),
                _ => t / (i + 1),
            },
            None => return None,
        };
    }
    Some(total)
}
