//! `complex`.

use super::type_::{Cmp, Op, flags};
use super::{Float, Int, Slots, Spec, Str, Type, int};
use crate::cx::{Cx, PyResult};
use crate::layout;
use crate::memory;
use crate::native::Args;
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

/// A number that takes part in complex arithmetic. Real ones stay real: Annex G of C99.
#[derive(Clone, Copy)]
enum Part {
    Real(f64),
    Complex(f64, f64),
}
impl Part {
    fn pair(self) -> (f64, f64) {
        match self {
            Part::Real(x) => (x, 0.0),
            Part::Complex(x, y) => (x, y),
        }
    }
}

fn part(cx: &mut Cx, o: &Obj) -> PyResult<Option<Part>> {
    if let Some(c) = o.cast::<Complex>() {
        return Ok(Some(Part::Complex(c.re.get(), c.im.get())));
    }
    if let Some(f) = o.cast::<Float>() {
        return Ok(Some(Part::Real(f.value.get())));
    }
    if o.cast::<Int>().is_some() {
        return Ok(Some(Part::Real(int::to_f64(cx, o)?)));
    }
    Ok(None)
}

/// One or zero with the sign: what an infinity or a finite number counts where infinities are made good again.
fn boxed(v: f64) -> f64 {
    (if v.is_infinite() { 1.0f64 } else { 0.0 }).copysign(v)
}
fn no_nan(v: f64) -> f64 {
    if v.is_nan() { 0f64.copysign(v) } else { v }
}

fn multiply((mut a, mut b): (f64, f64), (mut c, mut d): (f64, f64)) -> (f64, f64) {
    let (ac, bd, ad, bc) = (a * c, b * d, a * d, b * c);
    let r = (ac - bd, ad + bc);
    if !(r.0.is_nan() && r.1.is_nan()) {
        return r;
    }
    let mut again = false;
    if a.is_infinite() || b.is_infinite() {
        (a, b, c, d) = (boxed(a), boxed(b), no_nan(c), no_nan(d));
        again = true;
    }
    if c.is_infinite() || d.is_infinite() {
        (c, d, a, b) = (boxed(c), boxed(d), no_nan(a), no_nan(b));
        again = true;
    }
    if !again && [ac, bd, ad, bc].iter().any(|v| v.is_infinite()) {
        (a, b, c, d) = (no_nan(a), no_nan(b), no_nan(c), no_nan(d));
        again = true;
    }
    if again { (f64::INFINITY * (a * c - b * d), f64::INFINITY * (a * d + b * c)) } else { r }
}

/// The quotient by Smith's method; nothing for a divisor of zero.
fn divide((a, b): (f64, f64), (c, d): (f64, f64)) -> Option<(f64, f64)> {
    let r = if c.abs() >= d.abs() {
        if c == 0.0 {
            return None;
        }
        let ratio = d / c;
        let den = c + d * ratio;
        ((a + b * ratio) / den, (b - a * ratio) / den)
    } else if d.abs() >= c.abs() {
        let ratio = c / d;
        let den = c * ratio + d;
        ((a * ratio + b) / den, (b * ratio - a) / den)
    } else {
        (f64::NAN, f64::NAN)
    };
    if !(r.0.is_nan() && r.1.is_nan()) {
        return Some(r);
    }
    Some(if (a.is_infinite() || b.is_infinite()) && c.is_finite() && d.is_finite() {
        let (x, y) = (boxed(a), boxed(b));
        (f64::INFINITY * (x * c + y * d), f64::INFINITY * (y * c - x * d))
    } else if (c.is_infinite() || d.is_infinite()) && a.is_finite() && b.is_finite() {
        let (x, y) = (boxed(c), boxed(d));
        (0.0 * (a * x + b * y), 0.0 * (b * x - a * y))
    } else {
        r
    })
}

/// `x ** y`.
pub fn power(cx: &mut Cx, x: (f64, f64), y: (f64, f64)) -> PyResult {
    let zero_division = |cx: &Cx| cx.zero_division("zero to a negative or complex power");
    let (re, im) = if y.1 == 0.0 && y.0.fract() == 0.0 && y.0.abs() <= 100.0 {
        let n = y.0.abs() as u32;
        let (mut r, mut p, mut mask) = ((1.0, 0.0), x, 1);
        while mask <= n {
            if n & mask != 0 {
                r = multiply(r, p);
            }
            mask <<= 1;
            p = multiply(p, p);
        }
        if y.0 < 0.0 { divide((1.0, 0.0), r).ok_or_else(|| zero_division(cx))? } else { r }
    } else if y == (0.0, 0.0) {
        (1.0, 0.0)
    } else if x == (0.0, 0.0) {
        if y.1 != 0.0 || y.0 < 0.0 {
            return Err(zero_division(cx));
        }
        (0.0, 0.0)
    } else {
        let (size, angle) = (x.0.hypot(x.1), x.1.atan2(x.0));
        let (mut length, mut phase) = (size.powf(y.0), angle * y.0);
        if y.1 != 0.0 {
            length *= (-angle * y.1).exp();
            phase += y.1 * size.ln();
        }
        (length * phase.cos(), length * phase.sin())
    };
    if re.is_infinite() || im.is_infinite() {
        return Err(cx.overflow_error("complex exponentiation"));
    }
    make(cx, re, im)
}

fn arith<const OP: usize>(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
    let (Some(x), Some(y)) = (part(cx, a)?, part(cx, b)?) else { return Ok(cx.not_implemented()) };
    use Part::{Complex as C, Real as R};
    let (re, im) = match (Op::from_index(OP), x, y) {
        (Op::Add, C(a, b), R(c)) | (Op::Add, R(c), C(a, b)) => (a + c, b),
        (Op::Add, _, _) => (x.pair().0 + y.pair().0, x.pair().1 + y.pair().1),
        (Op::Sub, C(a, b), R(c)) => (a - c, b),
        (Op::Sub, R(c), C(a, b)) => (c - a, -b),
        (Op::Sub, _, _) => (x.pair().0 - y.pair().0, x.pair().1 - y.pair().1),
        (Op::Mul, C(a, b), R(c)) | (Op::Mul, R(c), C(a, b)) => (a * c, b * c),
        (Op::Mul, _, _) => multiply(x.pair(), y.pair()),
        (Op::TrueDiv, C(a, b), R(c)) if c != 0.0 => (a / c, b / c),
        (Op::TrueDiv, R(c), C(..)) => divide_real(c, y.pair()).ok_or_else(|| cx.zero_division("division by zero"))?,
        (Op::TrueDiv, _, _) => divide(x.pair(), y.pair()).ok_or_else(|| cx.zero_division("division by zero"))?,
        (Op::Pow, _, _) => return power(cx, x.pair(), y.pair()),
        _ => return Ok(cx.not_implemented()),
    };
    make(cx, re, im)
}

/// A real number through a complex one.
fn divide_real(a: f64, (c, d): (f64, f64)) -> Option<(f64, f64)> {
    let r = if c.abs() >= d.abs() {
        if c == 0.0 {
            return None;
        }
        let ratio = d / c;
        let den = c + d * ratio;
        (a / den, (-a * ratio) / den)
    } else if d.abs() >= c.abs() {
        let ratio = c / d;
        let den = c * ratio + d;
        ((a * ratio) / den, (-a) / den)
    } else {
        (f64::NAN, f64::NAN)
    };
    if r.0.is_nan() && r.1.is_nan() && a.is_finite() && (c.is_infinite() || d.is_infinite()) {
        let (x, y) = (boxed(c), boxed(d));
        return Some((0.0 * (a * x), 0.0 * (-a * y)));
    }
    Some(r)
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
    let space = |c: char| retic_unicode::is_space(u32::from(c));
    let t = s.trim_matches(space);
    let t = match t.strip_prefix('(') {
        Some(inner) => inner.strip_suffix(')')?.trim_matches(space),
        None => t,
    };
    if t.chars().any(space) {
        return None;
    }
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
    /// Convert this value to exact type complex.
    #[py("__complex__($self, /)")]
    fn complex(cx: &mut Cx, this: &Ref<Complex>) -> PyResult {
        exact(cx, this.as_obj())
    }
    #[py("__getnewargs__($self, /)")]
    fn getnewargs(cx: &mut Cx, this: &Ref<Complex>) -> PyResult {
        let pair = [cx.float(this.re.get())?, cx.float(this.im.get())?];
        cx.tuple_of(pair)
    }
    /// Convert to a string according to format_spec.
    #[py("__format__($self, format_spec, /)")]
    fn format(cx: &mut Cx, this: &Ref<Complex>, format_spec: &Ref<Str>) -> PyResult {
        let spec = format_spec.to_text(cx);
        if spec.is_empty() {
            return protocol::str(cx, this.as_obj());
        }
        let t = protocol::format::complex(cx, (this.re.get(), this.im.get()), &spec, &this.as_obj().ty().name_text())?;
        cx.str(&t)
    }
    /// Convert number to a complex floating-point number.
    #[py("from_number($type, number, /)")]
    fn from_number(cx: &mut Cx, r#type: &Obj, number: &Obj) -> PyResult {
        let (re, im) = match special_value(cx, number)? {
            Some(p) => p,
            None => match number.cast::<Complex>() {
                Some(c) => (c.re.get(), c.im.get()),
                None => (protocol::as_f64(cx, number)?, 0.0),
            },
        };
        let v = make(cx, re, im)?;
        if r#type.is(cx.types.complex.as_obj()) { Ok(v) } else { protocol::call(cx, r#type, &[v]) }
    }
    /// the real part of a complex number
    #[member("real")]
    fn real(_cx: &mut Cx, this: &Ref<Complex>) -> f64 {
        this.re.get()
    }
    /// the imaginary part of a complex number
    #[member("imag")]
    fn imag(_cx: &mut Cx, this: &Ref<Complex>) -> f64 {
        this.im.get()
    }
}

fn exact(cx: &mut Cx, o: &Obj) -> PyResult {
    if std::ptr::eq(o.ty(), &*cx.types.complex) {
        return Ok(o.clone());
    }
    let (re, im) = value(o);
    make(cx, re, im)
}

/// What `__complex__` of another type answers.
fn special_value(cx: &mut Cx, o: &Obj) -> PyResult<Option<(f64, f64)>> {
    if std::ptr::eq(o.ty(), &*cx.types.complex) || o.cast::<Float>().is_some() || o.cast::<Int>().is_some() {
        return Ok(None);
    }
    let name = cx.name("__complex__");
    let Some(f) = protocol::special(cx, o, &name)? else { return Ok(None) };
    let r = protocol::call(cx, &f, &[])?;
    let Some(c) = r.cast::<Complex>() else { return Err(cx.type_error(format!("__complex__ returned non-complex (type {})", r.ty().name_text()))) };
    if !std::ptr::eq(r.ty(), &*cx.types.complex) {
        let text = format!(
            "__complex__ returned non-complex (type {}).  The ability to return an instance of a strict subclass of complex is deprecated, and may be removed in a future version of Python.",
            r.ty().name_text()
        );
        deprecated(cx, &text)?;
    }
    Ok(Some((c.re.get(), c.im.get())))
}

fn deprecated(cx: &mut Cx, text: &str) -> PyResult<()> {
    let class = cx.types.deprecation_warning.clone();
    crate::modules::warnings::warn(cx, &class, text, 1)
}

/// The parts of anything that becomes a complex number: by `__complex__`, else as a real number.
pub fn of_any(cx: &mut Cx, o: &Obj) -> PyResult<(f64, f64)> {
    if let Some(parts) = special_value(cx, o)? {
        return Ok(parts);
    }
    of_number(cx, o)
}

/// The same without `__complex__`.
fn of_number(cx: &mut Cx, o: &Obj) -> PyResult<(f64, f64)> {
    match o.cast::<Complex>() {
        Some(c) => Ok((c.re.get(), c.im.get())),
        None => Ok((protocol::as_f64(cx, o)?, 0.0)),
    }
}

/// Refuses what is no number as an argument of `complex`.
fn check_number(cx: &mut Cx, o: &Obj, name: Option<&str>) -> PyResult<()> {
    if o.cast::<Complex>().is_some() || o.ty().slots(cx).float.is_some() || o.ty().slots(cx).index.is_some() {
        return Ok(());
    }
    let ty = o.ty().name_text();
    Err(cx.type_error(match name {
        Some(name) => format!("complex() argument '{name}' must be a real number, not {ty}"),
        None => format!("complex() argument must be a string or a number, not {ty}"),
    }))
}

/// The parts of a number given as `real` or `imag`, and whether they are those of a complex number; `special` are those that its
/// `__complex__` gave.
fn argument(cx: &mut Cx, o: &Obj, name: &str, special: Option<(f64, f64)>) -> PyResult<((f64, f64), bool)> {
    let Some(parts) = special.or_else(|| o.cast::<Complex>().map(|c| (c.re.get(), c.im.get()))) else {
        return Ok(((protocol::as_f64(cx, o)?, 0.0), false));
    };
    let text = format!("complex() argument '{name}' must be a real number, not {}", o.ty().name_text());
    deprecated(cx, &text)?;
    Ok((parts, true))
}

fn new(cx: &mut Cx, ty: &Ref<Type>, args: Args<'_>) -> PyResult {
    let pos = args.positional();
    if args.items.len() > 2 {
        return Err(cx.type_error(format!("complex() takes at most 2 arguments ({} given)", args.items.len())));
    }
    for (name, _) in args.keywords() {
        let text = name.cast::<Str>().map(|s| s.to_text(cx)).unwrap_or_default();
        let place = ["real", "imag"].iter().position(|n| *n == text);
        match place {
            None => {
                let hint = crate::suggestions::hint(&text, ["real", "imag"].into_iter());
                return Err(cx.type_error(format!("complex() got an unexpected keyword argument '{text}'{hint}")));
            }
            Some(i) if i < pos.len() => return Err(cx.type_error(format!("argument for complex() given by name ('{text}') and position ({})", i + 1))),
            Some(_) => {}
        }
    }
    let re = pos.first().or(args.keyword(cx, "real"));
    let im = pos.get(1).or(args.keyword(cx, "imag"));
    let made = |cx: &Cx, re: f64, im: f64| Ok(memory::new(cx, ty, |head| Complex { head, re: Cell::new(re), im: Cell::new(im) })?.into_obj());
    match (re, im) {
        (None, None) => made(cx, 0.0, 0.0),
        (Some(r), None) if args.names.is_empty() => {
            let own = std::ptr::eq(&**ty, &*cx.types.complex);
            if std::ptr::eq(r.ty(), &*cx.types.complex) && own {
                return Ok(r.clone());
            }
            if let Some(s) = r.cast::<Str>() {
                let t = s.to_text(cx);
                return match parse(&t) {
                    Some((a, b)) => made(cx, a, b),
                    None => Err(cx.value_error("complex() arg is a malformed string")),
                };
            }
            let (a, b) = match special_value(cx, r)? {
                Some(parts) => parts,
                None => {
                    check_number(cx, r, None)?;
                    of_number(cx, r)?
                }
            };
            made(cx, a, b)
        }
        _ => {
            let special = match re {
                Some(r) => special_value(cx, r)?,
                None => None,
            };
            if let Some(r) = re.filter(|_| special.is_none()) {
                check_number(cx, r, Some("real"))?;
            }
            if let Some(i) = im {
                check_number(cx, i, Some("imag"))?;
            }
            let (a, first_complex) = match re {
                Some(r) => argument(cx, r, "real", special)?,
                None => ((0.0, 0.0), false),
            };
            let Some(i) = im else { return made(cx, a.0, a.1) };
            let (b, second_complex) = argument(cx, i, "imag", None)?;
            made(cx, if second_complex { a.0 - b.1 } else { a.0 }, if first_complex { b.0 + a.1 } else { b.0 })
        }
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
                let (re, im) = value(a);
                let same = match b.cast::<Complex>() {
                    Some(c) => (re, im) == (c.re.get(), c.im.get()),
                    None if b.cast::<Float>().is_some() || b.cast::<Int>().is_some() => {
                        let re = cx.float(re)?;
                        im == 0.0 && protocol::equal(cx, &re, b)?
                    }
                    None => return Ok(cx.not_implemented()),
                };
                Ok(cx.bool(same == (op == Cmp::Eq)))
            }),
            neg: Some(|cx, o| {
                let (a, b) = value(o);
                make(cx, -a, -b)
            }),
            pos: Some(exact),
            abs: Some(|cx, o| {
                let (a, b) = value(o);
                let size = a.hypot(b);
                if size.is_infinite() && a.is_finite() && b.is_finite() {
                    return Err(cx.overflow_error("absolute value too large"));
                }
                cx.float(size)
            }),
            bool: Some(|_, o| Ok(value(o) != (0.0, 0.0))),
            new: Some(new),
            ..Slots::EMPTY
        }
        .with(&[(Op::Add, arith::<0>), (Op::Sub, arith::<1>), (Op::Mul, arith::<2>), (Op::TrueDiv, arith::<4>), (Op::Pow, arith::<7>)]),
        methods: Complex::METHODS,
        getset: Complex::GETSET,
        ..Spec::new::<Complex>("complex")
    }
}
