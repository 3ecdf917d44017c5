//! `math`.

mod products;
pub(crate) mod special;

use retic_numbers::Big;
use retic_runtime::types::{Type, int, module};
use retic_runtime::{Cx, Obj, PyResult, Ref, protocol};

/// A result, or CPython's complaint about the argument.
fn checked(cx: &Cx, x: f64, r: f64) -> PyResult<f64> {
    if r.is_nan() && !x.is_nan() {
        return Err(cx.value_error("math domain error"));
    }
    if r.is_infinite() && x.is_finite() {
        return Err(cx.overflow_error("math range error"));
    }
    Ok(r)
}

/// Mantissa in [0.5, 1) and exponent.
fn split(x: f64) -> (f64, i64) {
    if x == 0.0 || !x.is_finite() {
        return (x, 0);
    }
    let (x, less) = if x.abs() < f64::MIN_POSITIVE { (x * 2f64.powi(54), 54) } else { (x, 0) };
    let bits = x.to_bits();
    let e = (bits >> 52 & 0x7ff) as i64;
    (f64::from_bits(bits & !(0x7ff << 52) | 1022 << 52), e - 1022 - less)
}
/// `m * 2**e` with one rounding.
fn scaled(m: f64, e: i64) -> f64 {
    if e > 1024 {
        return f64::INFINITY.copysign(m);
    }
    if e < -1080 {
        return 0f64.copysign(m);
    }
    if e >= -1021 { m * 2.0 * 2f64.powi(e as i32 - 1) } else { m * 2f64.powi(-1021) * 2f64.powi(e as i32 + 1021) }
}
/// A sum, and what its rounding lost (Knuth).
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let x = a + b;
    let z = x - a;
    (x, (a - (x - z)) + (b - z))
}
/// A product, and what its rounding lost.
fn two_product(a: f64, b: f64) -> (f64, f64) {
    let x = a * b;
    (x, a.mul_add(b, -x))
}
/// A product added to a sum of three parts, of which each holds what the one before lost.
fn add_product(parts: [f64; 3], x: f64, y: f64) -> [f64; 3] {
    let (product, rest) = two_product(x, y);
    let (high, lost) = two_sum(parts[0], product);
    let (low, tiny) = two_sum(parts[1], rest);
    let (low, more) = two_sum(low, lost);
    [high, low, parts[2] + tiny + more]
}
/// The length of a vector, without overflow on the way and rounded right in nearly all cases: squares of scaled values are
/// added up in two parts, and the root is corrected once.
fn norm(v: &[f64]) -> f64 {
    if v.iter().any(|x| x.is_infinite()) {
        return f64::INFINITY;
    }
    let max = v.iter().fold(0f64, |m, x| m.max(x.abs()));
    if max == 0.0 || v.len() < 2 || v.iter().any(|x| x.is_nan()) {
        return v.iter().fold(0f64, |s, x| s + x.abs());
    }
    if max < f64::MIN_POSITIVE {
        // A power of two brings small values where squares have all their bits.
        let larger: Vec<f64> = v.iter().map(|x| x / f64::MIN_POSITIVE).collect();
        return f64::MIN_POSITIVE * norm(&larger);
    }
    // The power of two above the largest value, and its reciprocal.
    let exponent = ((max.to_bits() >> 52) as i64) - 1022;
    let scale = |x: f64| libm::scalbn(x, -exponent as i32);
    let (mut sum, mut lost) = (1.0, 0.0);
    for x in v {
        let x = scale(*x);
        let (square, rest) = two_product(x, x);
        let (s, l) = two_sum(sum, square);
        (sum, lost) = (s, lost + rest + l);
    }
    let root = (sum - 1.0 + lost).sqrt();
    let (square, rest) = two_product(-root, root);
    let (s, l) = two_sum(sum, square);
    let left = s - 1.0 + (lost + rest + l);
    libm::scalbn(root + left / (2.0 * root), exponent as i32)
}
/// An integer that is not negative.
fn whole(cx: &mut Cx, o: &Obj, name: &str) -> PyResult<Big> {
    let i = protocol::index(cx, o)?;
    match int::to_big(&i).filter(|b| !b.is_negative()) {
        Some(b) => Ok(b),
        None => Err(cx.value_error(format!("{name} must be a non-negative integer"))),
    }
}
/// A logarithm; that of an int too large for a float is made of its highest bits and their place.
fn logarithm(cx: &mut Cx, x: &Obj, f: fn(f64) -> f64) -> PyResult<f64> {
    if let Some(b) = int::to_big(x) {
        if b.is_zero() || b.is_negative() {
            return Err(cx.value_error("expected a positive input"));
        }
        let place = b.bit_length();
        if place > 1000 {
            let high = b.shr(place as usize - 64).to_f64().unwrap_or(f64::INFINITY) * 2f64.powi(-64);
            return Ok(f(high) + f(2.0) * place as f64);
        }
    }
    let v = protocol::as_f64(cx, x)?;
    if v.is_nan() {
        return Ok(v);
    }
    if v > 0.0 { Ok(f(v)) } else { Err(cx.value_error("expected a positive input")) }
}

#[retic_macros::methods]
mod functions {
    //! This module provides access to the mathematical functions defined by the C standard.
    use super::*;

    /// Return the square root of x.
    #[py("sqrt(x, /)")]
    pub fn sqrt(cx: &mut Cx, x: f64) -> PyResult<f64> {
        checked(cx, x, x.sqrt())
    }
    /// Return the sine of x (measured in radians).
    #[py("sin(x, /)")]
    pub fn sin(cx: &mut Cx, x: f64) -> PyResult<f64> {
        checked(cx, x, x.sin())
    }
    /// Return the cosine of x (measured in radians).
    #[py("cos(x, /)")]
    pub fn cos(cx: &mut Cx, x: f64) -> PyResult<f64> {
        checked(cx, x, x.cos())
    }
    /// Return the tangent of x (measured in radians).
    #[py("tan(x, /)")]
    pub fn tan(cx: &mut Cx, x: f64) -> PyResult<f64> {
        checked(cx, x, x.tan())
    }
    /// Return the arc cosine (measured in radians) of x.
    #[py("acos(x, /)")]
    pub fn acos(cx: &mut Cx, x: f64) -> PyResult<f64> {
        checked(cx, x, x.acos())
    }
    /// Return the arc sine (measured in radians) of x.
    #[py("asin(x, /)")]
    pub fn asin(cx: &mut Cx, x: f64) -> PyResult<f64> {
        checked(cx, x, x.asin())
    }
    /// Return the hyperbolic sine of x.
    #[py("sinh(x, /)")]
    pub fn sinh(cx: &mut Cx, x: f64) -> PyResult<f64> {
        checked(cx, x, x.sinh())
    }
    /// Return the hyperbolic cosine of x.
    #[py("cosh(x, /)")]
    pub fn cosh(cx: &mut Cx, x: f64) -> PyResult<f64> {
        checked(cx, x, x.cosh())
    }
    /// Return the hyperbolic tangent of x.
    #[py("tanh(x, /)")]
    pub fn tanh(cx: &mut Cx, x: f64) -> PyResult<f64> {
        checked(cx, x, x.tanh())
    }
    /// Return the inverse hyperbolic sine of x.
    #[py("asinh(x, /)")]
    pub fn asinh(cx: &mut Cx, x: f64) -> PyResult<f64> {
        checked(cx, x, special::asinh(x))
    }
    /// Return the inverse hyperbolic cosine of x.
    #[py("acosh(x, /)")]
    pub fn acosh(cx: &mut Cx, x: f64) -> PyResult<f64> {
        checked(cx, x, special::acosh(x))
    }
    /// Return the inverse hyperbolic tangent of x.
    #[py("atanh(x, /)")]
    pub fn atanh(cx: &mut Cx, x: f64) -> PyResult<f64> {
        if x.abs() == 1.0 { Err(cx.value_error("math domain error")) } else { checked(cx, x, special::atanh(x)) }
    }
    /// Return 2 raised to the power of x.
    #[py("exp2(x, /)")]
    pub fn exp2(cx: &mut Cx, x: f64) -> PyResult<f64> {
        checked(cx, x, x.exp2())
    }
    /// Return exp(x)-1.
    #[py("expm1(x, /)")]
    pub fn expm1(cx: &mut Cx, x: f64) -> PyResult<f64> {
        checked(cx, x, x.exp_m1())
    }
    /// Return the natural logarithm of 1+x (base e).
    #[py("log1p(x, /)")]
    pub fn log1p(cx: &mut Cx, x: f64) -> PyResult<f64> {
        if x <= -1.0 { Err(cx.value_error("expected argument value > -1")) } else { checked(cx, x, x.ln_1p()) }
    }
    /// Return the cube root of x.
    #[py("cbrt(x, /)")]
    pub fn cbrt(cx: &mut Cx, x: f64) -> PyResult<f64> {
        checked(cx, x, x.cbrt())
    }
    /// Convert angle x from radians to degrees.
    #[py("degrees(x, /)")]
    pub fn degrees(cx: &mut Cx, x: f64) -> PyResult<f64> {
        let _ = cx;
        Ok(x * (180.0 / std::f64::consts::PI))
    }
    /// Convert angle x from degrees to radians.
    #[py("radians(x, /)")]
    pub fn radians(cx: &mut Cx, x: f64) -> PyResult<f64> {
        let _ = cx;
        Ok(x * (std::f64::consts::PI / 180.0))
    }
    /// Return the value of the least significant bit of the float x.
    #[py("ulp(x, /)")]
    pub fn ulp(cx: &mut Cx, x: f64) -> PyResult<f64> {
        let _ = cx;
        Ok(if x.is_nan() {
            x
        } else if x.is_infinite() {
            x.abs()
        } else {
            let a = x.abs();
            if a == f64::MAX { a - a.next_down() } else { a.next_up() - a }
        })
    }
    /// Return the integer part of x.
    #[py("trunc(x, /)")]
    pub fn trunc(cx: &mut Cx, x: &Obj) -> PyResult {
        let name = cx.name("__trunc__");
        match protocol::special(cx, x, &name)? {
            Some(f) => protocol::call(cx, &f, &[]),
            None => Err(cx.type_error(format!("type {} doesn't define __trunc__ method", x.ty().name_text()))),
        }
    }
    /// Return fmod(x, y), according to platform C.
    #[py("fmod(x, y, /)")]
    pub fn fmod(cx: &mut Cx, x: f64, y: f64) -> PyResult<f64> {
        if y.is_infinite() && x.is_finite() {
            return Ok(x);
        }
        checked(cx, if y.is_nan() { y } else { x }, x % y)
    }
    /// Difference between x and the closest integer multiple of y.
    #[py("remainder(x, y, /)")]
    pub fn remainder(cx: &mut Cx, x: f64, y: f64) -> PyResult<f64> {
        if x.is_nan() || y.is_nan() {
            return Ok(f64::NAN);
        }
        if x.is_infinite() || y == 0.0 {
            return Err(cx.value_error("math domain error"));
        }
        if y.is_infinite() {
            return Ok(x);
        }
        let (a, b) = (x.abs(), y.abs());
        let m = a % b;
        let c = b - m;
        let r = if m < c {
            m
        } else if m > c {
            -c
        } else {
            m - 2.0 * ((0.5 * (a - m)) % b)
        };
        Ok(r.copysign(if r == 0.0 { x } else { r * 1f64.copysign(x) }))
    }
    /// Return a float with the magnitude (absolute value) of x but the sign of y.
    #[py("copysign(x, y, /)")]
    pub fn copysign(_cx: &mut Cx, x: f64, y: f64) -> f64 {
        x.copysign(y)
    }
    /// Return the mantissa and exponent of x, as pair (m, e).
    #[py("frexp(x, /)")]
    pub fn frexp(cx: &mut Cx, x: f64) -> PyResult {
        let (m, e) = split(x);
        let pair = vec![cx.float(m)?, cx.int(e)?];
        cx.tuple(pair)
    }
    /// Return x * (2**i).
    #[py("ldexp(x, i, /)")]
    pub fn ldexp(cx: &mut Cx, x: f64, i: &Obj) -> PyResult<f64> {
        if x == 0.0 || !x.is_finite() {
            return Ok(x);
        }
        let n = protocol::index(cx, i)?;
        let n = int::to_i64(&n).unwrap_or_else(|| if int::to_big(&n).is_some_and(|b| b.is_negative()) { -100_000 } else { 100_000 }).clamp(-100_000, 100_000);
        let (m, e) = split(x);
        let r = scaled(m, e + n);
        if r.is_infinite() { Err(cx.overflow_error("math range error")) } else { Ok(r) }
    }
    /// Return the fractional and integer parts of x.
    #[py("modf(x, /)")]
    pub fn modf(cx: &mut Cx, x: f64) -> PyResult {
        let whole = x.trunc();
        let part = if x.is_infinite() { 0f64.copysign(x) } else { (x - whole).copysign(x) };
        let pair = vec![cx.float(part)?, cx.float(whole)?];
        cx.tuple(pair)
    }
    /// Multidimensional Euclidean distance from the origin to a point.
    #[py("hypot(*coordinates)")]
    pub fn hypot(cx: &mut Cx, coordinates: &[Obj]) -> PyResult<f64> {
        let mut v = Vec::new();
        for c in coordinates {
            v.push(protocol::as_f64(cx, c)?);
        }
        Ok(norm(&v))
    }
    /// Return the Euclidean distance between two points p and q.
    #[py("dist(p, q, /)")]
    pub fn dist(cx: &mut Cx, p: &Obj, q: &Obj) -> PyResult<f64> {
        let (p, q) = (protocol::collect(cx, p)?, protocol::collect(cx, q)?);
        if p.len() != q.len() {
            return Err(cx.value_error("both points must have the same number of dimensions"));
        }
        let mut v = Vec::new();
        for (a, b) in p.iter().zip(&q) {
            v.push(protocol::as_f64(cx, a)? - protocol::as_f64(cx, b)?);
        }
        Ok(norm(&v))
    }
    /// Return an accurate floating-point sum of values in the iterable seq.
    #[py("fsum(seq, /)")]
    pub fn fsum(cx: &mut Cx, seq: &Obj) -> PyResult<f64> {
        let mut partials: Vec<f64> = Vec::new();
        let (mut special, mut infinities) = (0.0, 0.0);
        for o in protocol::collect(cx, seq)? {
            let mut x = protocol::as_f64(cx, &o)?;
            let given = x;
            let mut n = 0;
            for j in 0..partials.len() {
                let mut y = partials[j];
                if x.abs() < y.abs() {
                    std::mem::swap(&mut x, &mut y);
                }
                let hi = x + y;
                let lo = y - (hi - x);
                if lo != 0.0 {
                    partials[n] = lo;
                    n += 1;
                }
                x = hi;
            }
            partials.truncate(n);
            if x != 0.0 {
                if !x.is_finite() {
                    if given.is_finite() {
                        return Err(cx.overflow_error("intermediate overflow in fsum"));
                    }
                    if given.is_infinite() {
                        infinities += given;
                    }
                    special += given;
                    partials.clear();
                } else {
                    partials.push(x);
                }
            }
        }
        if special != 0.0 {
            return if f64::is_nan(infinities) { Err(cx.value_error("-inf + inf in fsum")) } else { Ok(special) };
        }
        let Some(mut hi) = partials.pop() else { return Ok(0.0) };
        let mut lo = 0.0;
        while let Some(y) = partials.pop() {
            let x = hi;
            hi = x + y;
            lo = y - (hi - x);
            if lo != 0.0 {
                break;
            }
        }
        if let Some(last) = partials.last()
            && (lo < 0.0 && *last < 0.0 || lo > 0.0 && *last > 0.0)
        {
            let y = lo * 2.0;
            let x = hi + y;
            if y == x - hi {
                hi = x;
            }
        }
        Ok(hi)
    }
    /// Calculate the product of all the elements in the input iterable.
    #[py("prod(iterable, /, *, start=1)")]
    pub fn prod(cx: &mut Cx, iterable: &Obj, start: Option<&Obj>) -> PyResult {
        let mut total = match start {
            Some(s) => s.clone(),
            None => cx.int(1)?,
        };
        let it = protocol::iter(cx, iterable)?;
        while let Some(v) = protocol::next(cx, &it)? {
            total = protocol::binary(cx, &total, &v, retic_runtime::types::type_::Op::Mul)?;
            cx.poll_native()?;
        }
        Ok(total)
    }
    /// Return the sum of products of values from two iterables p and q.
    #[py("sumprod(p, q, /)")]
    pub fn sumprod(cx: &mut Cx, p: &Obj, q: &Obj) -> PyResult {
        use retic_runtime::types::type_::Op;
        let (a, b) = (protocol::collect(cx, p)?, protocol::collect(cx, q)?);
        if a.len() != b.len() {
            return Err(cx.value_error("Inputs are not the same length"));
        }
        let mut total = cx.int(0)?;
        // Ints first, as long as they fit a machine word; then floats, and ints and bools beside them, which are added up in three
        // parts until something else or infinite comes.
        let exact = |o: &Obj, ty: &Ref<Type>| std::ptr::eq(o.ty(), &**ty);
        let mut ints = 0i64;
        let small = |o: &Obj| int::to_i64(o).filter(|_| exact(o, &cx.types.int));
        let begin = a.iter().zip(&b).map_while(|(x, y)| small(x)?.checked_mul(small(y)?).and_then(|v| ints.checked_add(v)).map(|v| ints = v)).count();
        if begin > 0 {
            total = cx.int(ints)?;
        }
        let float = |o: &Obj| exact(o, &cx.types.float);
        let number = |o: &Obj| {
            if float(o) {
                return Some(protocol::exact_float(o));
            }
            (exact(o, &cx.types.int) || exact(o, &cx.types.bool)).then(|| int::to_big(o)?.to_f64()).flatten()
        };
        let fast = a.iter().zip(&b).skip(begin).map_while(|(x, y)| if float(x) || float(y) { Some((number(x)?, number(y)?)) } else { None });
        let mut parts = [0.0; 3];
        let mut done = 0;
        for (x, y) in fast {
            let next = add_product(parts, x, y);
            if !next[0].is_finite() {
                break;
            }
            (parts, done) = (next, done + 1);
        }
        if done > 0 {
            let (sum, lost) = two_sum(parts[1], parts[0]);
            let value = cx.float(parts[2] + lost + sum)?;
            total = protocol::binary(cx, &total, &value, Op::Add)?;
        }
        for (x, y) in a.iter().zip(&b).skip(begin + done) {
            let v = protocol::binary(cx, x, y, Op::Mul)?;
            total = protocol::binary(cx, &total, &v, Op::Add)?;
            cx.poll_native()?;
        }
        Ok(total)
    }
    /// Find n!.
    #[py("factorial(n, /)")]
    pub fn factorial(cx: &mut Cx, n: &Obj) -> PyResult {
        let i = protocol::index(cx, n)?;
        let n = match int::to_i64(&i) {
            Some(v) if v < 0 => return Err(cx.value_error("factorial() not defined for negative values")),
            Some(v) => v,
            None if int::to_big(&i).is_some_and(|b| b.is_negative()) => return Err(cx.value_error("factorial() not defined for negative values")),
            None => return Err(cx.overflow_error("factorial() argument should not exceed 9223372036854775807")),
        };
        products::factorial(cx, n).and_then(|b| int::from_big(cx, &b))
    }
    /// Number of ways to choose k items from n items without repetition and without order.
    #[py("comb(n, k, /)")]
    pub fn comb(cx: &mut Cx, n: &Obj, k: &Obj) -> PyResult {
        let (n, k) = (whole(cx, n, "n")?, whole(cx, k, "k")?);
        let other = n.sub(&k);
        if other.is_negative() {
            return cx.int(0);
        }
        let k = match (k.to_i64(), other.to_i64()) {
            (Some(k), Some(o)) => k.min(o),
            (Some(k), None) => k,
            (None, Some(o)) => o,
            (None, None) => return Err(cx.overflow_error("min(n - k, k) must not exceed 9223372036854775807")),
        };
        let total = products::combinations(cx, &n, k)?;
        int::from_big(cx, &total)
    }
    /// Number of ways to choose k items from n items without repetition and with order.
    #[py("perm(n, k=None, /)")]
    pub fn perm(cx: &mut Cx, n: &Obj, k: Option<&Obj>) -> PyResult {
        let Some(k) = k else { return factorial(cx, n) };
        let (n, k) = (whole(cx, n, "n")?, whole(cx, k, "k")?);
        if n.sub(&k).is_negative() {
            return cx.int(0);
        }
        let Some(k) = k.to_i64() else { return Err(cx.overflow_error("k must not exceed 9223372036854775807")) };
        let total = products::permutations(cx, &n, k)?;
        int::from_big(cx, &total)
    }
    /// Least Common Multiple.
    #[py("lcm(*integers)")]
    pub fn lcm(cx: &mut Cx, integers: &[Obj]) -> PyResult {
        let mut total = Big::from_i128(1);
        for o in integers {
            let i = protocol::index(cx, o)?;
            let b = int::to_big(&i).map(|b| b.abs()).unwrap_or_else(|| Big::from_i128(0));
            if b.is_zero() || total.is_zero() {
                total = Big::from_i128(0);
                continue;
            }
            let g = total.gcd(&b);
            total = total.divmod(&g).map_or_else(|| Big::from_i128(0), |d| d.0).mul(&b);
        }
        int::from_big(cx, &total)
    }
    /// Determine whether two floating-point numbers are close in value.
    #[py("isclose(a, b, *, rel_tol=1e-09, abs_tol=0.0)")]
    pub fn isclose(cx: &mut Cx, a: f64, b: f64, rel_tol: Option<f64>, abs_tol: Option<f64>) -> PyResult<bool> {
        let (rel, abs) = (rel_tol.unwrap_or(1e-9), abs_tol.unwrap_or(0.0));
        if rel < 0.0 || abs < 0.0 {
            return Err(cx.value_error("tolerances must be non-negative"));
        }
        if a == b {
            return Ok(true);
        }
        if a.is_infinite() || b.is_infinite() {
            return Ok(false);
        }
        let diff = (b - a).abs();
        Ok(diff <= (rel * b).abs() || diff <= (rel * a).abs() || diff <= abs)
    }
    /// Return the next floating-point value after x towards y.
    #[py("nextafter(x, y, /, *, steps=None)")]
    pub fn nextafter(cx: &mut Cx, x: f64, y: f64, steps: Option<&Obj>) -> PyResult<f64> {
        let n = match steps.filter(|s| !s.is_none()) {
            None => 1,
            Some(s) => {
                let s = protocol::index(cx, s)?;
                match int::to_i64(&s) {
                    Some(n) if n >= 0 => i128::from(n),
                    None if int::to_big(&s).is_some_and(|b| !b.is_negative()) => i128::from(u64::MAX),
                    _ => return Err(cx.value_error("steps must be a non-negative integer")),
                }
            }
        };
        if x.is_nan() || y.is_nan() {
            return Ok(x + y);
        }
        // Bit patterns in the order of the values.
        let key = |v: f64| {
            let b = v.to_bits() as i64;
            if b < 0 { i128::from(i64::MIN) - i128::from(b) } else { i128::from(b) }
        };
        let back = |k: i128| f64::from_bits(if k < 0 { (i128::from(i64::MIN) - k) as i64 as u64 } else { k as u64 });
        let (a, b) = (key(x), key(y));
        let to = if a < b { (a + n).min(b) } else { (a - n).max(b) };
        Ok(if to == b {
            y
        } else if to == a {
            x
        } else {
            back(to)
        })
    }
    /// Fused multiply-add operation: (x * y) + z with a single round.
    #[py("fma(x, y, z, /)")]
    pub fn fma(cx: &mut Cx, x: f64, y: f64, z: f64) -> PyResult<f64> {
        let r = x.mul_add(y, z);
        if r.is_finite() || x.is_nan() || y.is_nan() || z.is_nan() {
            return Ok(r);
        }
        if r.is_nan() {
            return Err(cx.value_error("invalid operation in fma"));
        }
        if x.is_finite() && y.is_finite() && z.is_finite() { Err(cx.overflow_error("overflow in fma")) } else { Ok(r) }
    }
    /// Gamma function at x.
    #[py("gamma(x, /)")]
    pub fn gamma(cx: &mut Cx, x: f64) -> PyResult<f64> {
        if x == f64::NEG_INFINITY || x == x.floor() && x <= 0.0 {
            return Err(cx.value_error("expected a noninteger or positive integer"));
        }
        checked(cx, x, special::gamma(x))
    }
    /// Natural logarithm of absolute value of Gamma function at x.
    #[py("lgamma(x, /)")]
    pub fn lgamma(cx: &mut Cx, x: f64) -> PyResult<f64> {
        if x.is_finite() && x == x.floor() && x <= 0.0 {
            return Err(cx.value_error("expected a noninteger or positive integer"));
        }
        if x.is_infinite() {
            return Ok(f64::INFINITY);
        }
        checked(cx, x, special::ln_gamma(x))
    }
    /// Error function at x.
    #[py("erf(x, /)")]
    pub fn erf(_cx: &mut Cx, x: f64) -> f64 {
        libm::erf(x)
    }
    /// Complementary error function at x.
    #[py("erfc(x, /)")]
    pub fn erfc(_cx: &mut Cx, x: f64) -> f64 {
        libm::erfc(x)
    }
    /// Return the arc tangent (measured in radians) of x.
    #[py("atan(x, /)")]
    pub fn atan(_cx: &mut Cx, x: f64) -> f64 {
        x.atan()
    }
    /// Return the arc tangent (measured in radians) of y/x.
    #[py("atan2(y, x, /)")]
    pub fn atan2(_cx: &mut Cx, y: f64, x: f64) -> f64 {
        y.atan2(x)
    }
    /// Return e raised to the power of x.
    #[py("exp(x, /)")]
    pub fn exp(cx: &mut Cx, x: f64) -> PyResult<f64> {
        checked(cx, x, x.exp())
    }
    /// Return the absolute value of the float x.
    #[py("fabs(x, /)")]
    pub fn fabs(_cx: &mut Cx, x: f64) -> f64 {
        x.abs()
    }
    /// Return x**y (x to the power of y).
    #[py("pow(x, y, /)")]
    pub fn pow(cx: &mut Cx, x: f64, y: f64) -> PyResult<f64> {
        let r = x.powf(y);
        if r.is_infinite() && x == 0.0 && y.is_finite() {
            return Err(cx.value_error("math domain error"));
        }
        checked(cx, x + y, r)
    }
    /// Return the floor of x as an Integral.
    #[py("floor(x, /)")]
    pub fn floor(cx: &mut Cx, x: &Obj) -> PyResult {
        if !x.type_ref().as_obj().is(cx.types.float.as_obj()) {
            let name = cx.name("__floor__");
            if let Some(f) = protocol::special(cx, x, &name)? {
                return protocol::call(cx, &f, &[]);
            }
        }
        let v = protocol::as_f64(cx, x)?;
        int::of_f64(cx, v.floor())
    }
    /// Return the ceiling of x as an Integral.
    #[py("ceil(x, /)")]
    pub fn ceil(cx: &mut Cx, x: &Obj) -> PyResult {
        if !x.type_ref().as_obj().is(cx.types.float.as_obj()) {
            let name = cx.name("__ceil__");
            if let Some(f) = protocol::special(cx, x, &name)? {
                return protocol::call(cx, &f, &[]);
            }
        }
        let v = protocol::as_f64(cx, x)?;
        int::of_f64(cx, v.ceil())
    }
    /// Return True if x is a NaN (not a number), and False otherwise.
    #[py("isnan(x, /)")]
    pub fn isnan(_cx: &mut Cx, x: f64) -> bool {
        x.is_nan()
    }
    /// Return True if x is a positive or negative infinity, and False otherwise.
    #[py("isinf(x, /)")]
    pub fn isinf(_cx: &mut Cx, x: f64) -> bool {
        x.is_infinite()
    }
    /// Return True if x is neither an infinity nor a NaN, and False otherwise.
    #[py("isfinite(x, /)")]
    pub fn isfinite(_cx: &mut Cx, x: f64) -> bool {
        x.is_finite()
    }
    /// log(x, [base=math.e]): return the logarithm of x to the given base.
    #[py("log(x, base=None, /)", "")]
    pub fn log(cx: &mut Cx, x: &Obj, base: Option<&Obj>) -> PyResult<f64> {
        let x = logarithm(cx, x, f64::ln)?;
        match base {
            Some(b) => {
                let b = logarithm(cx, b, f64::ln)?;
                if b == 0.0 { Err(cx.zero_division("division by zero")) } else { Ok(x / b) }
            }
            None => Ok(x),
        }
    }
    /// Return the base 2 logarithm of x.
    #[py("log2(x, /)")]
    pub fn log2(cx: &mut Cx, x: &Obj) -> PyResult<f64> {
        logarithm(cx, x, f64::log2)
    }
    /// Return the base 10 logarithm of x.
    #[py("log10(x, /)")]
    pub fn log10(cx: &mut Cx, x: &Obj) -> PyResult<f64> {
        logarithm(cx, x, f64::log10)
    }
    /// Return the integer part of the square root of the input.
    #[py("isqrt(n, /)")]
    pub fn isqrt(cx: &mut Cx, n: &Obj) -> PyResult {
        let i = protocol::index(cx, n)?;
        match int::to_big(&i) {
            Some(b) if !b.is_negative() => int::from_big(cx, &b.isqrt()),
            _ => Err(cx.value_error("isqrt() argument must be nonnegative")),
        }
    }
    /// Greatest Common Divisor.
    #[py("gcd(*integers)")]
    pub fn gcd(cx: &mut Cx, integers: &[Obj]) -> PyResult {
        let zero = cx.int(0)?;
        let mut total = int::to_big(&zero);
        for o in integers {
            let i = protocol::index(cx, o)?;
            total = total.zip(int::to_big(&i)).map(|(a, b)| a.gcd(&b));
        }
        match total {
            Some(t) => int::from_big(cx, &t),
            None => Ok(zero),
        }
    }
}

pub fn make(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "math", functions::DOC, functions::FUNCTIONS)?;
    for (name, v) in [("pi", std::f64::consts::PI), ("e", std::f64::consts::E), ("tau", std::f64::consts::TAU), ("inf", f64::INFINITY), ("nan", f64::NAN)] {
        let v = cx.float(v)?;
        m.set(cx, name, v)?;
    }
    Ok(m.into_obj())
}
