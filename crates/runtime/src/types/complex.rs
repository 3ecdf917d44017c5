//! `complex`.

use super::type_::{Cmp, Op, flags};
use super::{Float, Int, Slots, Spec, Str};
use crate::cx::{Cx, PyResult};
use crate::layout;
use crate::memory;
use crate::object::{Obj, Ref};
use crate::protocol;
use retic_numbers::{float, hash};
use std::cell::Cell;

layout! {
    /// Two doubles.
    pub struct Complex = 41, "complex" { re: Cell<f64>, im: Cell<f64>, }
}

/// Real and imaginary part.
pub fn value(o: &Obj) -> (f64, f64) {
    o.cast::<Complex>().map_or((0.0, 0.0), |c| (c.re.get(), c.im.get()))
}
pub fn make(cx: &Cx, re: f64, im: f64) -> PyResult {
    Ok(memory::new(cx, &cx.types.complex, |head| Complex { head, re: Cell::new(re), im: Cell::new(im) })?.into_obj())
}

fn parts(cx: &mut Cx, o: &Obj) -> PyResult<Option<(f64, f64)>> {
    if let Some(c) = o.cast::<Complex>() {
        return Ok(Some((c.re.get(), c.im.get())));
    }
    if o.cast::<Float>().is_some() || o.cast::<Int>().is_some() {
        return Ok(Some((protocol::to_float(cx, o)?, 0.0)));
    }
    Ok(None)
}

fn divide(cx: &Cx, (a, b): (f64, f64), (c, d): (f64, f64)) -> PyResult<(f64, f64)> {
    if c == 0.0 && d == 0.0 {
        return Err(cx.zero_division("division by zero"));
    }
    // Smith's method: no overflow on the way.
    if c.abs() >= d.abs() {
        let r = d / c;
        let den = c + d * r;
        Ok(((a + b * r) / den, (b - a * r) / den))
    } else {
        let r = c / d;
        let den = c * r + d;
        Ok(((a * r + b) / den, (b * r - a) / den))
    }
}

fn arith<const OP: usize>(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
    let (Some(x), Some(y)) = (parts(cx, a)?, parts(cx, b)?) else { return Ok(cx.not_implemented()) };
    let (re, im) = match Op::from_index(OP) {
        Op::Add => (x.0 + y.0, x.1 + y.1),
        Op::Sub => (x.0 - y.0, x.1 - y.1),
        Op::Mul => (x.0 * y.0 - x.1 * y.1, x.0 * y.1 + x.1 * y.0),
        Op::TrueDiv => divide(cx, x, y)?,
        Op::Pow => {
            if y == (0.0, 0.0) {
                (1.0, 0.0)
            } else if x == (0.0, 0.0) {
                if y.1 != 0.0 || y.0 < 0.0 {
                    return Err(cx.zero_division("zero to a negative or complex power"));
                }
                (0.0, 0.0)
            } else if y.1 == 0.0 && y.0.fract() == 0.0 && y.0.abs() <= 100.0 {
                let mut r = (1.0, 0.0);
                for _ in 0..y.0.abs() as u32 {
                    r = (r.0 * x.0 - r.1 * x.1, r.0 * x.1 + r.1 * x.0);
                }
                if y.0 < 0.0 { divide(cx, (1.0, 0.0), r)? } else { r }
            } else {
                let (size, angle) = (x.0.hypot(x.1), x.1.atan2(x.0));
                let length = size.powf(y.0) * (-y.1 * angle).exp();
                let phase = angle * y.0 + y.1 * size.ln();
                (length * phase.cos(), length * phase.sin())
            }
        }
        _ => return Ok(cx.not_implemented()),
    };
    make(cx, re, im)
}

fn text(v: f64) -> String {
    let t = float::repr(v);
    t.strip_suffix(".0").map(str::to_string).unwrap_or(t)
}

fn repr(cx: &mut Cx, o: &Obj) -> PyResult {
    let Some(c) = o.cast::<Complex>() else { return Ok(cx.none()) };
    let (re, im) = (c.re.get(), c.im.get());
    if re == 0.0 && !re.is_sign_negative() {
        return cx.str(&format!("{}j", text(im)));
    }
    let sign = if im.is_nan() || !im.is_sign_negative() { "+" } else { "" };
    cx.str(&format!("({}{sign}{}j)", text(re), text(im)))
}

fn parse(s: &str) -> Option<(f64, f64)> {
    let t = s.trim();
    let t = t.strip_prefix('(').and_then(|t| t.strip_suffix(')')).map_or(t, str::trim);
    let Some(body) = t.strip_suffix(['j', 'J']) else { return Some((float::parse(t)?, 0.0)) };
    let split = body.char_indices().rev().find(|(i, c)| *i > 0 && matches!(c, '+' | '-') && !matches!(body.as_bytes()[i - 1], b'e' | b'E')).map(|(i, _)| i);
    let (re, im) = match split {
        Some(i) => (float::parse(&body[..i])?, &body[i..]),
        None => (0.0, body),
    };
    let im = match im {
        "" | "+" => 1.0,
        "-" => -1.0,
        other => float::parse(other)?,
    };
    Some((re, im))
}

#[retic_macros::methods]
impl Complex {
    /// Return the complex conjugate of its argument. (3-4j).conjugate() == 3+4j.
    #[py("conjugate($self, /)")]
    fn conjugate(cx: &mut Cx, this: &Ref<Complex>) -> PyResult {
        make(cx, this.re.get(), -this.im.get())
    }
    /// the real part of a complex number
    #[get("real")]
    fn real(_cx: &mut Cx, this: &Ref<Complex>) -> f64 {
        this.re.get()
    }
    /// the imaginary part of a complex number
    #[get("imag")]
    fn imag(_cx: &mut Cx, this: &Ref<Complex>) -> f64 {
        this.im.get()
    }
}

/// What `__complex__` of another type answers.
fn special_value(cx: &mut Cx, o: &Obj) -> PyResult<Option<(f64, f64)>> {
    if o.cast::<Complex>().is_some() {
        return Ok(None);
    }
    let name = cx.name("__complex__");
    let Some(f) = protocol::special(cx, o, &name)? else { return Ok(None) };
    let r = protocol::call(cx, &f, &[])?;
    match r.cast::<Complex>() {
        Some(c) => Ok(Some((c.re.get(), c.im.get()))),
        None => Err(cx.type_error(format!("{}.__complex__() must return a complex, not {}", o.ty().name_text(), r.ty().name_text()))),
    }
}

pub fn spec() -> Spec {
    Spec {
        doc: "Create a complex number from a string or numbers.",
        text_signature: "(real=0, imag=0)",
        flags: flags::BASE,
        slots: Slots {
            repr: Some(repr),
            hash: Some(|_, o| {
                let Some(c) = o.cast::<Complex>() else { return Ok(0) };
                let (a, b) = (hash::float(c.re.get()).unwrap_or(0), hash::float(c.im.get()).unwrap_or(0));
                let h = a.wrapping_add(b.wrapping_mul(1000003));
                Ok(if h == -1 { -2 } else { h })
            }),
            richcompare: Some(|cx, a, b, op: Cmp| {
                if !matches!(op, Cmp::Eq | Cmp::Ne) {
                    return Ok(cx.not_implemented());
                }
                let (Some(x), Some(y)) = (parts(cx, a)?, parts(cx, b)?) else { return Ok(cx.not_implemented()) };
                Ok(cx.bool((x == y) == (op == Cmp::Eq)))
            }),
            neg: Some(|cx, o| {
                let (a, b) = parts(cx, o)?.unwrap_or((0.0, 0.0));
                make(cx, -a, -b)
            }),
            pos: Some(|_, o| Ok(o.clone())),
            abs: Some(|cx, o| {
                let (a, b) = parts(cx, o)?.unwrap_or((0.0, 0.0));
                cx.float(a.hypot(b))
            }),
            bool: Some(|cx, o| Ok(parts(cx, o)?.is_some_and(|p| p != (0.0, 0.0)))),
            new: Some(|cx, ty, args| {
                let pos = args.positional();
                let re = pos.first().or(args.keyword(cx, "real"));
                let im = pos.get(1).or(args.keyword(cx, "imag"));
                let made = |cx: &Cx, re: f64, im: f64| Ok(memory::new(cx, ty, |head| Complex { head, re: Cell::new(re), im: Cell::new(im) })?.into_obj());
                if let (Some(r), None) = (re, im)
                    && std::ptr::eq(r.ty(), &*cx.types.complex)
                    && std::ptr::eq(&**ty, &*cx.types.complex)
                {
                    return Ok(r.clone());
                }
                if im.is_some_and(|i| i.cast::<Str>().is_some()) {
                    return Err(cx.type_error("complex() second arg can't be a string"));
                }
                if let Some(s) = re.and_then(|r| r.cast::<Str>()) {
                    if im.is_some() {
                        return Err(cx.type_error("complex() can't take second arg if first is a string"));
                    }
                    let t = s.to_text(cx);
                    return match parse(&t) {
                        Some((a, b)) => made(cx, a, b),
                        None => Err(cx.value_error("complex() arg is a malformed string")),
                    };
                }
                let number = |cx: &mut Cx, o: Option<&Obj>| match o {
                    None => Ok((0.0, 0.0)),
                    Some(o) => match special_value(cx, o)? {
                        Some(p) => Ok(p),
                        None => match parts(cx, o)? {
                            Some(p) => Ok(p),
                            None => Ok((protocol::as_f64(cx, o)?, 0.0)),
                        },
                    },
                };
                for (o, which) in [(re, "first"), (im, "second")] {
                    let Some(o) = o else { continue };
                    let name = cx.name("__complex__");
                    let real = o.ty().slots(cx).float.is_some() || o.ty().slots(cx).index.is_some();
                    if !real && parts(cx, o)?.is_none() && o.ty().lookup(cx, &name).is_none() {
                        let kinds = if which == "first" { "a string or a number" } else { "a number" };
                        return Err(cx.type_error(format!("complex() {which} argument must be {kinds}, not '{}'", o.ty().name_text())));
                    }
                }
                let (a, b) = (number(cx, re)?, number(cx, im)?);
                made(cx, a.0 - b.1, a.1 + b.0)
            }),
            ..Slots::EMPTY
        }
        .with(&[(Op::Add, arith::<0>), (Op::Sub, arith::<1>), (Op::Mul, arith::<2>), (Op::TrueDiv, arith::<4>), (Op::Pow, arith::<7>)]),
        methods: Complex::METHODS,
        getset: Complex::GETSET,
        ..Spec::new::<Complex>("complex")
    }
}
