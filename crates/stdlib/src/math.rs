//! `math`: the functions of one and two floats, and the integer ones most programs use.

use retic_runtime::types::{int, module};
use retic_runtime::{Cx, Obj, PyResult, protocol};

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
        checked(cx, x + y, x.powf(y))
    }
    /// Return the floor of x as an Integral.
    #[py("floor(x, /)")]
    pub fn floor(cx: &mut Cx, x: &Obj) -> PyResult {
        if int::to_big(x).is_some() {
            return protocol::index(cx, x);
        }
        let v = protocol::as_f64(cx, x)?;
        int::of_f64(cx, v.floor())
    }
    /// Return the ceiling of x as an Integral.
    #[py("ceil(x, /)")]
    pub fn ceil(cx: &mut Cx, x: &Obj) -> PyResult {
        if int::to_big(x).is_some() {
            return protocol::index(cx, x);
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
    #[py("log(x, base=None, /)")]
    pub fn log(cx: &mut Cx, x: f64, base: Option<f64>) -> PyResult<f64> {
        if x <= 0.0 || base.is_some_and(|b| b <= 0.0) {
            return Err(cx.value_error("expected a positive input"));
        }
        Ok(match base {
            Some(b) => x.ln() / b.ln(),
            None => x.ln(),
        })
    }
    /// Return the base 2 logarithm of x.
    #[py("log2(x, /)")]
    pub fn log2(cx: &mut Cx, x: f64) -> PyResult<f64> {
        if x > 0.0 { Ok(x.log2()) } else { Err(cx.value_error("expected a positive input")) }
    }
    /// Return the base 10 logarithm of x.
    #[py("log10(x, /)")]
    pub fn log10(cx: &mut Cx, x: f64) -> PyResult<f64> {
        if x > 0.0 { Ok(x.log10()) } else { Err(cx.value_error("expected a positive input")) }
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
