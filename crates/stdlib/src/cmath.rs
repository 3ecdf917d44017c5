//! `cmath`: functions of complex numbers (C99, Annex G; Kahan, "Branch cuts for complex elementary functions").

use crate::math::special::asinh as real_asinh;
use retic_runtime::native::FromArg;
use retic_runtime::types::{complex, module};
use retic_runtime::{Cx, Obj, PyResult};
use std::f64::consts::{E, FRAC_PI_2, FRAC_PI_4, LN_2, LN_10, PI, TAU};

type Z = (f64, f64);

/// An argument: anything that becomes a complex number.
struct Number(Z);

impl<'a> FromArg<'a> for Number {
    fn from_arg(cx: &mut Cx, value: Option<&'a Obj>, name: &str) -> PyResult<Self> {
        let v = <&Obj>::from_arg(cx, value, name)?;
        complex::of_any(cx, v).map(Number)
    }
}

/// What went wrong.
enum Wrong {
    Domain,
    Range,
}

type Got = Result<Z, Wrong>;

fn told(cx: &mut Cx, got: Got) -> PyResult {
    match got {
        Ok((re, im)) => complex::make(cx, re, im),
        Err(Wrong::Domain) => Err(cx.value_error("math domain error")),
        Err(Wrong::Range) => Err(cx.overflow_error("math range error")),
    }
}

// Results where a part of the argument is not finite. Rows by the real part, columns by the imaginary one: -inf, negative, -0, 0,
// positive, inf, nan. I is inf, N nan, P pi; V: no result; a dot: the formula serves.

const ACOS: &str = "
    P34,I P,I P,I P,-I P,-I P34,-I N,I
    P2,I . . . . P2,-I N,N
    P2,I . . . . P2,-I P2,N
    P2,I . . . . P2,-I P2,N
    P2,I . . . . P2,-I N,N
    P4,I 0,I 0,I 0,-I 0,-I P4,-I N,I
    N,I N,N N,N N,N N,N N,-I N,N
";

const ACOSH: &str = "
    I,-P34 I,-P I,-P I,P I,P I,P34 I,N
    I,-P2 . . . . I,P2 N,N
    I,-P2 . . . . I,P2 N,N
    I,-P2 . . . . I,P2 N,N
    I,-P2 . . . . I,P2 N,N
    I,-P4 I,-0 I,-0 I,0 I,0 I,P4 I,N
    I,N N,N N,N N,N N,N I,N N,N
";

const ASINH: &str = "
    -I,-P4 -I,-0 -I,-0 -I,0 -I,0 -I,P4 -I,N
    -I,-P2 . . . . -I,P2 N,N
    -I,-P2 . . . . -I,P2 N,N
    I,-P2 . . . . I,P2 N,N
    I,-P2 . . . . I,P2 N,N
    I,-P4 I,-0 I,-0 I,0 I,0 I,P4 I,N
    I,N N,N N,-0 N,0 N,N I,N N,N
";

const ATANH: &str = "
    -0,-P2 -0,-P2 -0,-P2 -0,P2 -0,P2 -0,P2 -0,N
    -0,-P2 . . . . -0,P2 N,N
    -0,-P2 . . . . -0,P2 -0,N
    0,-P2 . . . . 0,P2 0,N
    0,-P2 . . . . 0,P2 N,N
    0,-P2 0,-P2 0,-P2 0,P2 0,P2 0,P2 0,N
    0,-P2 N,N N,N N,N N,N 0,P2 N,N
";

const COSH: &str = "
    V I,I I,0 I,-0 I,-I V I,N
    V . . . . V N,N
    V . . . . V N,0
    V . . . . V N,0
    V . . . . V N,N
    V I,-I I,-0 I,0 I,I V I,N
    N,N N,N N,0 N,0 N,N N,N N,N
";

const EXP: &str = "
    0,0 0,-0 0,-0 0,0 0,0 0,0 0,0
    V . . . . V N,N
    V . . . . V N,N
    V . . . . V N,N
    V . . . . V N,N
    V I,-I I,-0 I,0 I,I V I,N
    N,N N,N N,-0 N,0 N,N N,N N,N
";

const LOG: &str = "
    I,-P34 I,-P I,-P I,P I,P I,P34 I,N
    I,-P2 . . . . I,P2 N,N
    I,-P2 . . . . I,P2 N,N
    I,-P2 . . . . I,P2 N,N
    I,-P2 . . . . I,P2 N,N
    I,-P4 I,-0 I,-0 I,0 I,0 I,P4 I,N
    I,N N,N N,N N,N N,N I,N N,N
";

const SINH: &str = "
    V -I,-I -I,-0 -I,0 -I,I V I,N
    V . . . . V N,N
    V . . . . V 0,N
    V . . . . V 0,N
    V . . . . V N,N
    V I,-I I,-0 I,0 I,I V I,N
    N,N N,N N,-0 N,0 N,N N,N N,N
";

const SQRT: &str = "
    I,-I 0,-I 0,-I 0,I 0,I I,I N,I
    I,-I . . . . I,I N,N
    I,-I . . . . I,I N,N
    I,-I . . . . I,I N,N
    I,-I . . . . I,I N,N
    I,-I I,-0 I,-0 I,0 I,0 I,I I,N
    I,-I N,N N,N N,N N,N I,I N,N
";

const TANH: &str = "
    -1,0 -1,-0 -1,-0 -1,0 -1,0 -1,0 -1,0
    V . . . . V N,N
    V . . . . V N,N
    V . . . . V N,N
    V . . . . V N,N
    1,0 1,-0 1,-0 1,0 1,0 1,0 1,0
    N,N N,N N,-0 N,0 N,N N,N N,N
";

const RECT: &str = "
    V -I,I -I,0 -I,-0 -I,-I V I,N
    V . . . . V N,N
    0,0 . . . . 0,0 0,0
    0,0 . . . . 0,0 0,0
    V . . . . V N,N
    V I,-I I,-0 I,0 I,I V I,N
    N,N N,N N,0 N,0 N,N N,N N,N
";

/// The place of a number in a table.
fn class(x: f64) -> usize {
    match x {
        _ if x.is_nan() => 6,
        _ if x == f64::NEG_INFINITY => 0,
        _ if x == f64::INFINITY => 5,
        _ if x < 0.0 => 1,
        _ if x > 0.0 => 4,
        _ if x.is_sign_negative() => 2,
        _ => 3,
    }
}

/// The result of a table for an argument that is not finite in both parts.
fn special(table: &str, z: Z) -> Option<Got> {
    if z.0.is_finite() && z.1.is_finite() {
        return None;
    }
    let cell = table.split_whitespace().nth(class(z.0) * 7 + class(z.1))?;
    if cell == "V" {
        return Some(Err(Wrong::Domain));
    }
    let (re, im) = cell.split_once(',')?;
    let number = |text: &str| {
        let (sign, text) = text.strip_prefix('-').map_or((1.0, text), |t| (-1.0, t));
        sign * match text {
            "I" => f64::INFINITY,
            "N" => f64::NAN,
            "P" => PI,
            "P2" => FRAC_PI_2,
            "P4" => FRAC_PI_4,
            "P34" => 3.0 * FRAC_PI_4,
            "1" => 1.0,
            _ => 0.0,
        }
    };
    Some(Ok((number(re), number(im))))
}

/// Beyond this a square or a sum might overflow; and where a square, or an exponential would.
const LARGE: f64 = f64::MAX / 4.0;
fn sqrt_large() -> f64 {
    LARGE.sqrt()
}
fn log_large() -> f64 {
    LARGE.ln()
}

fn finite(z: Z) -> Got {
    if z.0.is_infinite() || z.1.is_infinite() { Err(Wrong::Range) } else { Ok(z) }
}

fn sqrt(z: Z) -> Got {
    if let Some(r) = special(SQRT, z) {
        return r;
    }
    if z.0 == 0.0 && z.1 == 0.0 {
        return Ok((0.0, z.1));
    }
    let (ax, ay) = (z.0.abs(), z.1.abs());
    let s = if ax < f64::MIN_POSITIVE && ay < f64::MIN_POSITIVE {
        // Subnormal parts are scaled up, and the root, of a half of it, down.
        let (up, down) = (2f64.powi(53), 2f64.powi(-27));
        let ax = ax * up;
        (ax + ax.hypot(ay * up)).sqrt() * down
    } else {
        let ax = ax / 8.0;
        2.0 * (ax + ax.hypot(ay / 8.0)).sqrt()
    };
    let d = ay / (2.0 * s);
    Ok(if z.0 >= 0.0 { (s, d.copysign(z.1)) } else { (d, s.copysign(z.1)) })
}

fn exp(z: Z) -> Got {
    if !z.0.is_finite() || !z.1.is_finite() {
        // The sign of a huge or vanishing result turns with the imaginary part.
        if z.0.is_infinite() && z.1.is_finite() && z.1 != 0.0 {
            let size = if z.0 > 0.0 { f64::INFINITY } else { 0.0 };
            return Ok((size.copysign(z.1.cos()), size.copysign(z.1.sin())));
        }
        return special(EXP, z).unwrap_or(Ok(z));
    }
    if z.0 > log_large() {
        let l = (z.0 - 1.0).exp();
        return finite((l * z.1.cos() * E, l * z.1.sin() * E));
    }
    let l = z.0.exp();
    finite((l * z.1.cos(), l * z.1.sin()))
}

fn log(z: Z) -> Got {
    if let Some(r) = special(LOG, z) {
        return r;
    }
    let (ax, ay) = (z.0.abs(), z.1.abs());
    let re = if ax > LARGE || ay > LARGE {
        (ax / 2.0).hypot(ay / 2.0).ln() + LN_2
    } else if ax < f64::MIN_POSITIVE && ay < f64::MIN_POSITIVE {
        if ax == 0.0 && ay == 0.0 {
            return Err(Wrong::Domain);
        }
        let up = 2f64.powi(53);
        (ax * up).hypot(ay * up).ln() - 53.0 * LN_2
    } else {
        let h = ax.hypot(ay);
        if (0.71..=1.73).contains(&h) {
            let (more, less) = (ax.max(ay), ax.min(ay));
            ((more - 1.0) * (more + 1.0) + less * less).ln_1p() / 2.0
        } else {
            h.ln()
        }
    };
    Ok((re, z.1.atan2(z.0)))
}

fn asinh(z: Z) -> Got {
    if let Some(r) = special(ASINH, z) {
        return r;
    }
    if z.0.abs() > LARGE || z.1.abs() > LARGE {
        let size = (z.0 / 2.0).hypot(z.1 / 2.0).ln() + LN_2 * 2.0;
        return Ok((size.copysign(z.0), z.1.atan2(z.0.abs())));
    }
    let (a, b) = (sqrt((1.0 + z.1, -z.0))?, sqrt((1.0 - z.1, z.0))?);
    Ok((real_asinh(a.0 * b.1 - b.0 * a.1), z.1.atan2(a.0 * b.0 - a.1 * b.1)))
}

fn acosh(z: Z) -> Got {
    if let Some(r) = special(ACOSH, z) {
        return r;
    }
    if z.0.abs() > LARGE || z.1.abs() > LARGE {
        return Ok(((z.0 / 2.0).hypot(z.1 / 2.0).ln() + LN_2 * 2.0, z.1.atan2(z.0)));
    }
    let (a, b) = (sqrt((z.0 - 1.0, z.1))?, sqrt((z.0 + 1.0, z.1))?);
    Ok((real_asinh(a.0 * b.0 + a.1 * b.1), 2.0 * a.1.atan2(b.0)))
}

fn acos(z: Z) -> Got {
    if let Some(r) = special(ACOS, z) {
        return r;
    }
    if z.0.abs() > LARGE || z.1.abs() > LARGE {
        let size = (z.0 / 2.0).hypot(z.1 / 2.0).ln() + LN_2 * 2.0;
        return Ok((z.1.abs().atan2(z.0), size.copysign(-z.1)));
    }
    let (a, b) = (sqrt((1.0 - z.0, -z.1))?, sqrt((1.0 + z.0, z.1))?);
    Ok((2.0 * a.0.atan2(b.0), real_asinh(b.0 * a.1 - b.1 * a.0)))
}

fn atanh(z: Z) -> Got {
    if let Some(r) = special(ATANH, z) {
        return r;
    }
    if z.0 < 0.0 || z.0 == 0.0 && z.0.is_sign_negative() {
        return atanh((-z.0, -z.1)).map(|(re, im)| (-re, -im));
    }
    let ay = z.1.abs();
    if z.0 > sqrt_large() || ay > sqrt_large() {
        let h = (z.0 / 2.0).hypot(ay / 2.0);
        return Ok((z.0 / 4.0 / h / h, -(FRAC_PI_2.copysign(-z.1))));
    }
    if z.0 == 1.0 && ay < f64::MIN_POSITIVE.sqrt() {
        if ay == 0.0 {
            return Err(Wrong::Domain);
        }
        return Ok((-(ay.sqrt() / ay.hypot(2.0).sqrt()).ln(), (2f64.atan2(-ay) / 2.0).copysign(z.1)));
    }
    let less = 1.0 - z.0;
    Ok(((4.0 * z.0 / (less * less + ay * ay)).ln_1p() / 4.0, -(-2.0 * z.1).atan2(less * (1.0 + z.0) - ay * ay) / 2.0))
}

/// A hyperbolic function where the real part is infinite: its sign turns with the imaginary part. `odd`: of sinh.
fn at_infinity(z: Z, odd: bool) -> Option<Got> {
    if !z.0.is_infinite() || !z.1.is_finite() || z.1 == 0.0 {
        return None;
    }
    let (c, s) = (f64::INFINITY.copysign(z.1.cos()), f64::INFINITY.copysign(z.1.sin()));
    Some(Ok(match (z.0 > 0.0, odd) {
        (true, _) => (c, s),
        (false, true) => (-c, s),
        (false, false) => (c, -s),
    }))
}

fn cosh(z: Z) -> Got {
    if let Some(r) = at_infinity(z, false).or_else(|| special(COSH, z)) {
        return r;
    }
    if z.0.abs() > log_large() {
        let less = z.0 - 1f64.copysign(z.0);
        return finite((z.1.cos() * less.cosh() * E, z.1.sin() * less.sinh() * E));
    }
    finite((z.1.cos() * z.0.cosh(), z.1.sin() * z.0.sinh()))
}

fn sinh(z: Z) -> Got {
    if let Some(r) = at_infinity(z, true).or_else(|| special(SINH, z)) {
        return r;
    }
    if z.0.abs() > log_large() {
        let less = z.0 - 1f64.copysign(z.0);
        return finite((z.1.cos() * less.sinh() * E, z.1.sin() * less.cosh() * E));
    }
    finite((z.1.cos() * z.0.sinh(), z.1.sin() * z.0.cosh()))
}

fn tanh(z: Z) -> Got {
    if z.0.is_infinite() && z.1.is_finite() && z.1 != 0.0 {
        return Ok((1f64.copysign(z.0), 0f64.copysign(2.0 * z.1.sin() * z.1.cos())));
    }
    if let Some(r) = special(TANH, z) {
        return r;
    }
    if z.0.abs() > log_large() {
        return Ok((1f64.copysign(z.0), 4.0 * z.1.sin() * z.1.cos() * (-2.0 * z.0.abs()).exp()));
    }
    let (tx, ty, cx) = (z.0.tanh(), z.1.tan(), 1.0 / z.0.cosh());
    let both = tx * ty;
    let under = 1.0 + both * both;
    Ok((tx * (1.0 + ty * ty) / under, ty / under * cx * cx))
}

/// A circular function from its hyperbolic one: f(z) = -i g(iz).
fn turned(g: fn(Z) -> Got, z: Z) -> Got {
    g((-z.1, z.0)).map(|(re, im)| (im, -re))
}

#[retic_macros::methods]
mod functions {
    //! This module provides access to mathematical functions for complex numbers.
    use super::*;

    /// Return the arc cosine of z.
    #[py("acos(z, /)")]
    pub fn acos(cx: &mut Cx, z: Number) -> PyResult {
        told(cx, super::acos(z.0))
    }
    /// Return the inverse hyperbolic cosine of z.
    #[py("acosh(z, /)")]
    pub fn acosh(cx: &mut Cx, z: Number) -> PyResult {
        told(cx, super::acosh(z.0))
    }
    /// Return the arc sine of z.
    #[py("asin(z, /)")]
    pub fn asin(cx: &mut Cx, z: Number) -> PyResult {
        told(cx, turned(super::asinh, z.0))
    }
    /// Return the inverse hyperbolic sine of z.
    #[py("asinh(z, /)")]
    pub fn asinh(cx: &mut Cx, z: Number) -> PyResult {
        told(cx, super::asinh(z.0))
    }
    /// Return the arc tangent of z.
    #[py("atan(z, /)")]
    pub fn atan(cx: &mut Cx, z: Number) -> PyResult {
        told(cx, turned(super::atanh, z.0))
    }
    /// Return the inverse hyperbolic tangent of z.
    #[py("atanh(z, /)")]
    pub fn atanh(cx: &mut Cx, z: Number) -> PyResult {
        told(cx, super::atanh(z.0))
    }
    /// Return the cosine of z.
    #[py("cos(z, /)")]
    pub fn cos(cx: &mut Cx, z: Number) -> PyResult {
        told(cx, super::cosh((-z.0.1, z.0.0)))
    }
    /// Return the hyperbolic cosine of z.
    #[py("cosh(z, /)")]
    pub fn cosh(cx: &mut Cx, z: Number) -> PyResult {
        told(cx, super::cosh(z.0))
    }
    /// Return the exponential value e**z.
    #[py("exp(z, /)")]
    pub fn exp(cx: &mut Cx, z: Number) -> PyResult {
        told(cx, super::exp(z.0))
    }
    /// Determine whether two complex numbers are close in value.
    #[py("isclose(a, b, *, rel_tol=1e-09, abs_tol=0.0)")]
    pub fn isclose(cx: &mut Cx, a: Number, b: Number, rel_tol: Option<f64>, abs_tol: Option<f64>) -> PyResult<bool> {
        let (a, b) = (a.0, b.0);
        let (rel, abs) = (rel_tol.unwrap_or(1e-9), abs_tol.unwrap_or(0.0));
        if rel < 0.0 || abs < 0.0 {
            return Err(cx.value_error("tolerances must be non-negative"));
        }
        if a == b {
            return Ok(true);
        }
        if [a.0, a.1, b.0, b.1].iter().any(|x| x.is_infinite()) {
            return Ok(false);
        }
        let diff = (a.0 - b.0).hypot(a.1 - b.1);
        Ok(diff <= rel * b.0.hypot(b.1) || diff <= rel * a.0.hypot(a.1) || diff <= abs)
    }
    /// Return True if both the real and imaginary parts of z are finite, else False.
    #[py("isfinite(z, /)")]
    pub fn isfinite(_cx: &mut Cx, z: Number) -> bool {
        z.0.0.is_finite() && z.0.1.is_finite()
    }
    /// Checks if the real or imaginary part of z is infinite.
    #[py("isinf(z, /)")]
    pub fn isinf(_cx: &mut Cx, z: Number) -> bool {
        z.0.0.is_infinite() || z.0.1.is_infinite()
    }
    /// Checks if the real or imaginary part of z not a number (NaN).
    #[py("isnan(z, /)")]
    pub fn isnan(_cx: &mut Cx, z: Number) -> bool {
        z.0.0.is_nan() || z.0.1.is_nan()
    }
    /// log(z[, base]) -> the logarithm of z to the given base.
    ///
    /// If the base is not specified, returns the natural logarithm (base e) of z.
    #[py("log(z, base=<unrepresentable>, /)")]
    pub fn log(cx: &mut Cx, z: Number, base: Option<&Obj>) -> PyResult {
        let top = super::log(z.0);
        let Some(base) = base else { return told(cx, top) };
        let base = complex::of_any(cx, base)?;
        match (top, super::log(base)) {
            (Ok(a), Ok(b)) => {
                let (a, b) = (complex::make(cx, a.0, a.1)?, complex::make(cx, b.0, b.1)?);
                match retic_runtime::protocol::binary(cx, &a, &b, retic_runtime::types::type_::Op::TrueDiv) {
                    Err(r) if cx.error_is(&cx.types.zero_division_error.clone()) => {
                        let _ = r;
                        cx.clear_error();
                        Err(cx.value_error("math domain error"))
                    }
                    other => other,
                }
            }
            (Err(e), _) | (_, Err(e)) => told(cx, Err(e)),
        }
    }
    /// Return the base-10 logarithm of z.
    #[py("log10(z, /)")]
    pub fn log10(cx: &mut Cx, z: Number) -> PyResult {
        told(cx, super::log(z.0).map(|(re, im)| (re / LN_10, im / LN_10)))
    }
    /// Return argument, also known as the phase angle, of a complex.
    #[py("phase(z, /)")]
    pub fn phase(_cx: &mut Cx, z: Number) -> f64 {
        z.0.1.atan2(z.0.0)
    }
    /// Convert a complex from rectangular coordinates to polar coordinates.
    ///
    /// r is the distance from 0 and phi the phase angle.
    #[py("polar(z, /)")]
    pub fn polar(cx: &mut Cx, z: Number) -> PyResult {
        let z = z.0;
        let r = z.0.hypot(z.1);
        if r.is_infinite() && z.0.is_finite() && z.1.is_finite() {
            return told(cx, Err(Wrong::Range));
        }
        let both = vec![cx.float(r)?, cx.float(z.1.atan2(z.0))?];
        cx.tuple(both)
    }
    /// Convert from polar coordinates to rectangular coordinates.
    #[py("rect(r, phi, /)")]
    pub fn rect(cx: &mut Cx, r: f64, phi: f64) -> PyResult {
        let got = if r.is_infinite() && phi.is_finite() && phi != 0.0 {
            let (c, s) = (f64::INFINITY.copysign(phi.cos()), f64::INFINITY.copysign(phi.sin()));
            Ok(if r > 0.0 { (c, s) } else { (-c, -s) })
        } else if let Some(got) = special(RECT, (r, phi)) {
            got
        } else if phi == 0.0 {
            Ok((r, r * phi))
        } else {
            Ok((r * phi.cos(), r * phi.sin()))
        };
        told(cx, got)
    }
    /// Return the sine of z.
    #[py("sin(z, /)")]
    pub fn sin(cx: &mut Cx, z: Number) -> PyResult {
        told(cx, turned(super::sinh, z.0))
    }
    /// Return the hyperbolic sine of z.
    #[py("sinh(z, /)")]
    pub fn sinh(cx: &mut Cx, z: Number) -> PyResult {
        told(cx, super::sinh(z.0))
    }
    /// Return the square root of z.
    #[py("sqrt(z, /)")]
    pub fn sqrt(cx: &mut Cx, z: Number) -> PyResult {
        told(cx, super::sqrt(z.0))
    }
    /// Return the tangent of z.
    #[py("tan(z, /)")]
    pub fn tan(cx: &mut Cx, z: Number) -> PyResult {
        told(cx, turned(super::tanh, z.0))
    }
    /// Return the hyperbolic tangent of z.
    #[py("tanh(z, /)")]
    pub fn tanh(cx: &mut Cx, z: Number) -> PyResult {
        told(cx, super::tanh(z.0))
    }
}

pub fn make(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "cmath", functions::DOC, functions::FUNCTIONS)?;
    for (name, v) in [("pi", PI), ("e", E), ("tau", TAU), ("inf", f64::INFINITY), ("nan", f64::NAN)] {
        let v = cx.float(v)?;
        m.set(cx, name, v)?;
    }
    for (name, v) in [("infj", f64::INFINITY), ("nanj", f64::NAN)] {
        let v = complex::make(cx, 0.0, v)?;
        m.set(cx, name, v)?;
    }
    Ok(m.into_obj())
}
