//! `Decimal`: numbers as objects.

use super::context::ContextObj;
use super::{State, context_or_current, current, state};
use crate::params::{Params, bind};
use retic_decimal::limbs::Limbs;
use retic_decimal::{Context, Dec, Kind, MAX_PREC, Rounding, arith, compare, flag, transcend};
use retic_numbers::format::parse_spec;
use retic_numbers::locale::Locale;
use retic_runtime::types::code::Hidden;
use retic_runtime::types::complex::{self, Complex};
use retic_runtime::types::type_::{Cmp, Op, flags};
use retic_runtime::types::{Dict, Float, Int, List, Slots, Spec, Str, Tuple, Type, int};
use retic_runtime::{Args, Cx, Obj, PyResult, Ref, layout, memory, protocol};
use std::cell::Cell;

layout! {
    /// A number. `hash` is -1 until it is asked for; the object has the size of CPython's.
    pub struct Decimal = 333, "decimal.Decimal" { hash: Cell<i64>, value: Hidden<Dec>, spare: Cell<[u64; 3]>, }
}

/// An object of the class itself.
#[inline]
pub fn make(cx: &mut Cx, state: &State, value: Dec) -> PyResult {
    of_class(cx, &state.decimal, value)
}
pub fn of_class(cx: &mut Cx, ty: &Ref<Type>, value: Dec) -> PyResult {
    Ok(memory::new(cx, ty, |head| Decimal { head, hash: Cell::new(-1), value: Hidden(value), spare: Cell::default() })?.into_obj())
}
/// The result of a computation, its flags signalled.
#[inline]
pub fn finish(cx: &mut Cx, state: &State, ctx: &ContextObj, value: Dec, status: u32) -> PyResult {
    ctx.signal(cx, status)?;
    make(cx, state, value)
}

/// An int, exactly.
fn of_int(cx: &mut Cx, o: &Obj) -> PyResult<Dec> {
    match int::to_i64(o) {
        Some(n) => Ok(Dec::of_i64(n)),
        None => {
            let big = int::to_big(o).unwrap_or_else(|| retic_numbers::big::Big::from_i128(0));
            Dec::of_big(&big).map_err(|_| cx.memory_error())
        }
    }
}

/// An operand: a Decimal, or an int, whose number is put in `place`.
pub fn operand<'a>(cx: &mut Cx, o: &'a Obj, place: &'a mut Dec) -> PyResult<Option<&'a Dec>> {
    if let Some(d) = o.cast::<Decimal>() {
        return Ok(Some(&d.value.0));
    }
    if o.cast::<Int>().is_some() {
        *place = of_int(cx, o)?;
        return Ok(Some(place));
    }
    Ok(None)
}
/// The same; others are refused.
pub fn required<'a>(cx: &mut Cx, o: &'a Obj, place: &'a mut Dec) -> PyResult<&'a Dec> {
    match operand(cx, o, place)? {
        Some(d) => Ok(d),
        None => Err(cx.type_error(format!("conversion from {} to Decimal is not supported", o.ty().name_text()))),
    }
}

type Function2 = fn(&Dec, &Dec, &Context, &mut u32) -> Dec;

fn binary(cx: &mut Cx, a: &Obj, b: &Obj, f: Function2) -> PyResult {
    if let (Some(x), Some(y)) = (a.cast::<Decimal>(), b.cast::<Decimal>()) {
        return computed(cx, &x.value.0, &y.value.0, f);
    }
    let (mut x, mut y) = (Dec::ZERO, Dec::ZERO);
    let (Some(x), Some(y)) = (operand(cx, a, &mut x)?, operand(cx, b, &mut y)?) else { return Ok(cx.not_implemented()) };
    computed(cx, x, y, f)
}
#[inline]
fn computed(cx: &mut Cx, x: &Dec, y: &Dec, f: Function2) -> PyResult {
    let s = state(cx);
    let ctx = current(cx, &s)?;
    let mut status = 0;
    let r = f(x, y, &ctx.rules(), &mut status);
    finish(cx, &s, &ctx, r, status)
}
fn unary(cx: &mut Cx, a: &Obj, f: fn(&Dec, &Context, &mut u32) -> Dec) -> PyResult {
    let Some(d) = a.cast::<Decimal>() else { return Ok(cx.not_implemented()) };
    let s = state(cx);
    let ctx = current(cx, &s)?;
    let mut status = 0;
    let r = f(&d.value.0, &ctx.rules(), &mut status);
    finish(cx, &s, &ctx, r, status)
}
fn divmod(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
    let (mut x, mut y) = (Dec::ZERO, Dec::ZERO);
    let (Some(x), Some(y)) = (operand(cx, a, &mut x)?, operand(cx, b, &mut y)?) else { return Ok(cx.not_implemented()) };
    let s = state(cx);
    let ctx = current(cx, &s)?;
    pair(cx, &s, &ctx, x, y)
}
/// Quotient and remainder as a tuple.
pub fn pair(cx: &mut Cx, s: &State, ctx: &ContextObj, x: &Dec, y: &Dec) -> PyResult {
    let mut status = 0;
    let (q, r) = arith::divmod(x, y, &ctx.rules(), &mut status);
    ctx.signal(cx, status)?;
    let (q, r) = (make(cx, s, q)?, make(cx, s, r)?);
    cx.tuple_of([q, r])
}
fn power(cx: &mut Cx, a: &Obj, b: &Obj, m: &Obj) -> PyResult {
    let (mut x, mut y, mut z) = (Dec::ZERO, Dec::ZERO, Dec::ZERO);
    let (Some(x), Some(y)) = (operand(cx, a, &mut x)?, operand(cx, b, &mut y)?) else { return Ok(cx.not_implemented()) };
    let s = state(cx);
    let ctx = current(cx, &s)?;
    let mut status = 0;
    let r = if m.is_none() {
        transcend::pow(x, y, &ctx.rules(), &mut status)
    } else {
        let Some(z) = operand(cx, m, &mut z)? else { return Ok(cx.not_implemented()) };
        transcend::pow_mod(x, y, z, &ctx.rules(), &mut status)
    };
    finish(cx, &s, &ctx, r, status)
}

/// The digits of a text as ASCII: other decimal digits become theirs, space around it goes, and underscores.
fn ascii(text: &Ref<Str>, lenient: bool) -> Vec<u8> {
    let points = text.code_points();
    let mut part = &points[..];
    if lenient {
        while let [first, rest @ ..] = part
            && retic_unicode::is_space(*first)
        {
            part = rest;
        }
        while let [rest @ .., last] = part
            && retic_unicode::is_space(*last)
        {
            part = rest;
        }
    }
    let one = |c: &u32| match u8::try_from(*c) {
        Ok(c) if c.is_ascii() => c,
        _ => retic_unicode::decimal(*c).map_or(b'?', |d| b'0' + d as u8),
    };
    part.iter().filter(|c| !lenient || **c != u32::from(b'_')).map(one).collect()
}

/// A tuple of sign, digits and exponent, as text.
fn tuple_text(cx: &mut Cx, o: &Obj) -> PyResult<Vec<u8>> {
    let items = match o.cast::<List>() {
        Some(l) => l.to_vec(cx),
        None => o.cast::<Tuple>().map(|t| t.items().to_vec()).unwrap_or_default(),
    };
    let [sign, digits, exponent] = &items[..] else { return Err(cx.value_error("argument must be a sequence of length 3")) };
    let mut out = match (sign.cast::<Int>(), int::to_i64(sign)) {
        (Some(_), Some(0)) => Vec::new(),
        (Some(_), Some(1)) => vec![b'-'],
        _ => return Err(cx.value_error("sign must be an integer with the value 0 or 1")),
    };
    let mut exp = None;
    if let Some(t) = exponent.cast::<Str>() {
        match t.to_text(cx).as_str() {
            "F" => {
                out.extend_from_slice(b"Inf");
                return Ok(out);
            }
            "n" => out.extend_from_slice(b"NaN"),
            "N" => out.extend_from_slice(b"sNaN"),
            _ => return Err(cx.value_error("string argument in the third position must be 'F', 'n' or 'N'")),
        }
    } else {
        if exponent.cast::<Int>().is_none() {
            return Err(cx.value_error("exponent must be an integer"));
        }
        let Some(n) = int::to_i64(exponent) else { return Err(cx.overflow_error("Python int too large to convert to C ssize_t")) };
        exp = Some(n);
    }
    let digits = match digits.cast::<List>() {
        Some(l) => l.to_vec(cx),
        None => match digits.cast::<Tuple>() {
            Some(t) => t.items().to_vec(),
            None => return Err(cx.value_error("coefficient must be a tuple of digits")),
        },
    };
    if digits.is_empty() && exp.is_some() {
        out.push(b'0');
    }
    for d in &digits {
        match (d.cast::<Int>(), int::to_i64(d)) {
            (Some(_), Some(n @ 0..=9)) => out.push(b'0' + n as u8),
            _ => return Err(cx.value_error("coefficient must be a tuple of digits")),
        }
    }
    if let Some(n) = exp {
        out.extend_from_slice(format!("E{n}").as_bytes());
    }
    Ok(out)
}

/// The number that `Decimal(value)` is: exact.
pub fn exact(cx: &mut Cx, ctx: &ContextObj, value: &Obj) -> PyResult<Dec> {
    if let Some(d) = value.cast::<Decimal>() {
        return Ok(d.value.0.clone());
    }
    if let Some(t) = value.cast::<Str>().cloned() {
        return from_text(cx, ctx, &ascii(&t, true));
    }
    if value.cast::<Int>().is_some() {
        return of_int(cx, value);
    }
    if value.cast::<Tuple>().is_some() || value.cast::<List>().is_some() {
        let t = tuple_text(cx, value)?;
        return from_text(cx, ctx, &t);
    }
    if let Some(f) = value.cast::<Float>() {
        let f = f.value.get();
        ctx.signal(cx, flag::FLOAT_OPERATION)?;
        return Dec::of_f64(f).map_err(|_| cx.memory_error());
    }
    Err(cx.type_error(format!("conversion from {} to Decimal is not supported", value.ty().name_text())))
}
fn from_text(cx: &mut Cx, ctx: &ContextObj, text: &[u8]) -> PyResult<Dec> {
    let mut status = 0;
    let d = Dec::parse_exact(text, &mut status);
    ctx.signal(cx, status)?;
    Ok(d)
}
/// The number that `create_decimal(value)` is: rounded.
pub fn in_context(cx: &mut Cx, ctx: &ContextObj, value: &Obj) -> PyResult<Dec> {
    let (rules, mut status) = (ctx.rules(), 0);
    let d = if let Some(t) = value.cast::<Str>().cloned() {
        Dec::parse(&ascii(&t, false), &rules, &mut status)
    } else if value.cast::<Tuple>().is_some() || value.cast::<List>().is_some() {
        Dec::parse(&tuple_text(cx, value)?, &rules, &mut status)
    } else if let Some(d) = value.cast::<Decimal>().filter(|d| d.value.0.is_nan() && !d.value.0.coefficient.is_zero()) {
        if d.value.0.digits() > rules.prec - i64::from(rules.clamp) {
            status |= flag::CONVERSION_SYNTAX;
            Dec::NAN
        } else {
            d.value.0.clone()
        }
    } else {
        exact(cx, ctx, value)?.finalized(&rules, &mut status)
    };
    ctx.signal(cx, status)?;
    Ok(d)
}

fn new(cx: &mut Cx, ty: &Ref<Type>, args: Args<'_>) -> PyResult {
    let mut given: [Option<&Obj>; 2] = [None; 2];
    if let ([value], []) = (args.items, args.names) {
        given[0] = Some(value);
    } else {
        bind(cx, &Params { function: "", names: &["value", "context"], required: 0, positional: 2 }, &args, |_, i, v| {
            given[i] = Some(v);
            Ok(())
        })?;
    }
    let s = state(cx);
    let ctx = context_or_current(cx, &s, given[1])?;
    let Some(value) = given[0] else { return of_class(cx, ty, Dec::ZERO) };
    let own = std::ptr::eq(&**ty, &*s.decimal);
    if own && std::ptr::eq(value.ty(), &*s.decimal) {
        return Ok(value.clone());
    }
    let d = exact(cx, &ctx, value)?;
    of_class(cx, ty, d)
}

/// An object of a class that may be derived: through the class itself then.
pub fn for_class(cx: &mut Cx, cls: &Obj, d: Dec) -> PyResult {
    let s = state(cx);
    let made = make(cx, &s, d)?;
    if cls.is(s.decimal.as_obj()) { Ok(made) } else { protocol::call(cx, cls, &[made]) }
}

fn hash(cx: &mut Cx, o: &Obj) -> PyResult<i64> {
    let Some(d) = o.cast::<Decimal>() else { return Ok(0) };
    let known = d.hash.get();
    if known != -1 {
        return Ok(known);
    }
    let v = &d.value.0;
    let h = match v.kind {
        Kind::Finite => v.hash(),
        Kind::Infinite if v.negative => -314_159,
        Kind::Infinite => 314_159,
        Kind::Nan => (o.address() >> 4 | (o.address() & 15) << 60) as i64,
        Kind::SignallingNan => return Err(cx.type_error("Cannot hash a signaling NaN value")),
    };
    d.hash.set(h);
    Ok(h)
}

fn richcompare(cx: &mut Cx, a: &Obj, b: &Obj, op: Cmp) -> PyResult {
    let Some(first) = a.cast::<Decimal>().cloned() else { return Ok(cx.not_implemented()) };
    let s = state(cx);
    let ctx = current(cx, &s)?;
    let equality = matches!(op, Cmp::Eq | Cmp::Ne);
    let mut place = Dec::ZERO;
    let mut x = &first.value.0;
    let scaled;
    let y = match operand(cx, b, &mut place)? {
        Some(y) => y.clone(),
        None => {
            let float = match b.cast::<Complex>() {
                Some(c) if equality => {
                    let (re, im) = (c.re.get(), c.im.get());
                    if im != 0.0 {
                        return Ok(cx.not_implemented());
                    }
                    Some(re)
                }
                _ => b.cast::<Float>().map(|f| f.value.get()),
            };
            if let Some(f) = float {
                if equality {
                    ctx.status.0.set(ctx.status.0.get() | flag::FLOAT_OPERATION);
                } else {
                    ctx.signal(cx, flag::FLOAT_OPERATION)?;
                }
                Dec::of_f64(f).map_err(|_| cx.memory_error())?
            } else if protocol::isinstance(cx, b, &s.rational)? {
                // Times the denominator, exactly, against the numerator.
                let mut part = |name: &'static str| {
                    let name = cx.name(name);
                    let v = protocol::getattr(cx, b, &name)?;
                    if v.cast::<Int>().is_none() {
                        return Err(cx.type_error(format!("{} must be an integer", name.to_text(cx))));
                    }
                    of_int(cx, &v)
                };
                let (n, d) = (part("numerator")?, part("denominator")?);
                let mut own = 0;
                scaled = if x.is_special() { x.clone() } else { arith::mul(x, &d, &Context::wide(MAX_PREC), &mut own) };
                x = &scaled;
                n
            } else {
                return Ok(cx.not_implemented());
            }
        }
    };
    if x.is_nan() || y.is_nan() {
        if !equality || x.is_snan() || y.is_snan() {
            ctx.signal(cx, flag::INVALID_OPERATION)?;
        }
        return Ok(cx.bool(op == Cmp::Ne));
    }
    let order = compare::by_value(x, &y);
    Ok(cx.bool(op.of(order, std::cmp::Ordering::Equal)))
}

/// What a dict says of a locale's numbers: `decimal_point`, `thousands_sep`, `grouping`.
fn locale_of(cx: &mut Cx, o: &Obj) -> PyResult<Locale> {
    let Some(dict) = o.cast::<Dict>().cloned() else { return Err(cx.type_error("optional argument must be a dict")) };
    let mut locale = Locale::default();
    for name in ["decimal_point", "thousands_sep", "grouping"] {
        let key = cx.name(name);
        let Some(value) = dict.get(cx, key.as_obj())? else { continue };
        let Some(text) = value.cast::<Str>().map(|s| s.to_text(cx)) else { return Err(cx.type_error("override dict values must be str")) };
        match name {
            "grouping" => locale.groups = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(255)).collect(),
            "thousands_sep" => locale.separator = text,
            _ => locale.point = text,
        }
    }
    let wrong = locale.point.chars().count() != 1 || locale.separator.chars().count() > 1 || locale.groups.iter().any(|g| *g > 127);
    if wrong { Err(cx.value_error("invalid override dict")) } else { Ok(locale) }
}

/// An int by a way of rounding.
fn to_int(cx: &mut Cx, o: &Obj, rounding: Rounding) -> PyResult {
    let Some(d) = o.cast::<Decimal>().cloned() else { return Ok(cx.none()) };
    if d.value.0.is_nan() {
        return Err(cx.value_error("cannot convert NaN to integer"));
    }
    if d.value.0.is_infinite() {
        return Err(cx.overflow_error("cannot convert Infinity to integer"));
    }
    let mut status = 0;
    let whole = d.value.0.to_integral(rounding, false, &Context::wide(MAX_PREC), &mut status);
    if status & flag::MALLOC_ERROR != 0 {
        return Err(cx.memory_error());
    }
    if let Some(n) = whole.to_i64() {
        return cx.int(n);
    }
    let big = whole.to_big().map_err(|_| cx.memory_error())?;
    int::from_big(cx, &big)
}

fn float(cx: &mut Cx, o: &Obj) -> PyResult<f64> {
    let Some(d) = o.cast::<Decimal>() else { return Ok(0.0) };
    if d.value.0.is_snan() {
        return Err(cx.value_error("cannot convert signaling NaN to float"));
    }
    Ok(d.value.0.to_f64())
}

#[retic_macros::methods]
impl Decimal {
    /// Class method that converts a float to a decimal number, exactly.
    /// Since 0.1 is not exactly representable in binary floating point,
    /// Decimal.from_float(0.1) is not the same as Decimal('0.1').
    #[py("from_float($cls, f, /)", "($type, f, /)")]
    fn from_float(cx: &mut Cx, cls: &Obj, f: &Obj) -> PyResult {
        let d = if f.cast::<Int>().is_some() {
            of_int(cx, f)?
        } else if let Some(x) = f.cast::<Float>() {
            Dec::of_f64(x.value.get()).map_err(|_| cx.memory_error())?
        } else {
            return Err(cx.type_error("argument must be int or float"));
        };
        for_class(cx, cls, d)
    }
    /// Class method that converts a real number to a decimal number, exactly.
    #[py("from_number($cls, number, /)", "($type, number, /)")]
    fn from_number(cx: &mut Cx, cls: &Obj, number: &Obj) -> PyResult {
        if number.cast::<Decimal>().is_some() && cls.is(number.type_ref().as_obj()) {
            return Ok(number.clone());
        }
        let d = if let Some(x) = number.cast::<Decimal>() {
            x.value.0.clone()
        } else if number.cast::<Int>().is_some() {
            of_int(cx, number)?
        } else if let Some(x) = number.cast::<Float>() {
            Dec::of_f64(x.value.get()).map_err(|_| cx.memory_error())?
        } else {
            let text = protocol::repr_text(cx, number)?;
            return Err(cx.type_error(format!("Cannot convert {text} to Decimal")));
        };
        for_class(cx, cls, d)
    }
    /// Return the adjusted exponent of the number.  Defined as exp + digits - 1.
    #[py("adjusted($self, /)")]
    fn adjusted(_cx: &mut Cx, this: &Ref<Decimal>) -> i64 {
        if this.value.0.is_special() { 0 } else { this.value.0.adjusted() }
    }
    /// The number as a fraction in lowest terms: numerator and positive denominator.
    ///
    /// An infinity raises OverflowError, a NaN ValueError.
    #[py("as_integer_ratio($self, /)")]
    fn as_integer_ratio(cx: &mut Cx, this: &Ref<Decimal>) -> PyResult {
        let v = &this.value.0;
        if v.is_nan() {
            return Err(cx.value_error("cannot convert NaN to integer ratio"));
        }
        if v.is_infinite() {
            return Err(cx.overflow_error("cannot convert Infinity to integer ratio"));
        }
        let (n, d) = v.as_ratio().map_err(|_| cx.memory_error())?;
        let (n, d) = (int::from_big(cx, &n)?, int::from_big(cx, &d)?);
        cx.tuple_of([n, d])
    }
    /// Return a tuple representation of the number.
    #[py("as_tuple($self, /)")]
    fn as_tuple(cx: &mut Cx, this: &Ref<Decimal>) -> PyResult {
        let v = &this.value.0;
        let sign = cx.int(v.negative.into())?;
        let exponent = match v.kind {
            Kind::Finite => cx.int(v.exp)?,
            Kind::Infinite => cx.str("F")?,
            Kind::Nan => cx.str("n")?,
            Kind::SignallingNan => cx.str("N")?,
        };
        let text = if v.is_nan() && v.coefficient.is_zero() { String::new() } else { retic_decimal::text::digits_text(&v.coefficient) };
        let digits = text.bytes().map(|d| cx.int(i64::from(d - b'0'))).collect::<PyResult<Vec<Obj>>>()?;
        let digits = cx.tuple(digits)?;
        let class = state(cx).tuple.clone();
        protocol::call(cx, &class, &[sign, digits, exponent])
    }
    #[py("__copy__($self, /)")]
    fn copy(_cx: &mut Cx, this: &Ref<Decimal>) -> Obj {
        this.as_obj().clone()
    }
    #[py("__deepcopy__($self, memo, /)")]
    fn deepcopy(_cx: &mut Cx, this: &Ref<Decimal>, _memo: &Obj) -> Obj {
        this.as_obj().clone()
    }
    #[py("__reduce__($self, /)")]
    fn reduce(cx: &mut Cx, this: &Ref<Decimal>) -> PyResult {
        let text = protocol::str(cx, this.as_obj())?;
        let args = cx.tuple_of([text])?;
        cx.tuple_of([this.as_obj().type_ref().into_obj(), args])
    }
    #[py("__format__($self, fmtarg, override=<unrepresentable>, /)", "")]
    fn format(cx: &mut Cx, this: &Ref<Decimal>, fmtarg: &Obj, r#override: Option<&Obj>) -> PyResult {
        let Some(spec) = fmtarg.cast::<Str>().map(|s| s.to_text(cx)) else { return Err(cx.type_error("format arg must be str")) };
        let s = state(cx);
        let ctx = current(cx, &s)?;
        if spec.is_empty() {
            let text = this.value.0.to_text(false, ctx.capitals.get());
            return cx.str(&text);
        }
        let bad = |cx: &Cx| cx.value_error("invalid format string");
        // `N` is `n` in capitals, which newer versions of the specification do not know.
        let (spec, capitals) = match spec.strip_suffix('N') {
            Some(rest) => {
                let category = cx.types.deprecation_warning.clone();
                retic_runtime::modules::warnings::warn(cx, &category, "Format specifier 'N' is deprecated", 1)?;
                (format!("{rest}n"), true)
            }
            None => (spec, false),
        };
        let Ok(parsed) = parse_spec(&spec) else { return Err(bad(cx)) };
        let too_wide = parsed.width.is_some_and(|w| w as i64 > MAX_PREC) || parsed.precision.is_some_and(|p| p as i64 > MAX_PREC);
        if parsed.grouping == Some('_') || too_wide || parsed.kind == Some('n') && parsed.grouping.is_some() {
            return Err(bad(cx));
        }
        protocol::check_size(cx, 1, parsed.width.unwrap_or(0).max(parsed.precision.unwrap_or(0)), 4)?;
        let locale = match r#override {
            Some(o) => locale_of(cx, o)?,
            None if parsed.kind == Some('n') => protocol::locales::numbers(cx).unwrap_or_default(),
            None => Locale::default(),
        };
        let mut status = 0;
        let default = if ctx.capitals.get() { 'G' } else { 'g' };
        let text = this.value.0.format(&parsed, default, ctx.rules().rounding, &locale, &mut status);
        ctx.signal(cx, status & flag::MALLOC_ERROR)?;
        match text {
            Some(t) if status & flag::INVALID_OPERATION == 0 => cx.str(&if capitals { t.to_uppercase() } else { t }),
            Some(_) => {
                ctx.signal(cx, flag::INVALID_OPERATION)?;
                cx.str("NaN")
            }
            None => Err(bad(cx)),
        }
    }
    #[py("__round__($self, ndigits=None, /)")]
    fn round(cx: &mut Cx, this: &Ref<Decimal>, ndigits: Option<&Obj>) -> PyResult {
        let Some(n) = ndigits else { return to_int(cx, this.as_obj(), Rounding::HalfEven) };
        if n.cast::<Int>().is_none() {
            return Err(cx.type_error("optional arg must be an integer"));
        }
        let n = int::to_i64(n).ok_or_else(|| cx.overflow_error("Python int too large to convert to C ssize_t"))?;
        let s = state(cx);
        let ctx = current(cx, &s)?;
        let q = Dec::finite(false, Limbs::ONE, n.saturating_neg());
        let mut status = 0;
        let r = this.value.0.quantize(&q, &ctx.rules(), &mut status);
        finish(cx, &s, &ctx, r, status)
    }
    #[py("__trunc__($self, /)")]
    fn trunc(cx: &mut Cx, this: &Ref<Decimal>) -> PyResult {
        to_int(cx, this.as_obj(), Rounding::Down)
    }
    #[py("__floor__($self, /)")]
    fn floor(cx: &mut Cx, this: &Ref<Decimal>) -> PyResult {
        to_int(cx, this.as_obj(), Rounding::Floor)
    }
    #[py("__ceil__($self, /)")]
    fn ceil(cx: &mut Cx, this: &Ref<Decimal>) -> PyResult {
        to_int(cx, this.as_obj(), Rounding::Ceiling)
    }
    #[py("__complex__($self, /)")]
    fn complex(cx: &mut Cx, this: &Ref<Decimal>) -> PyResult {
        let f = float(cx, this.as_obj())?;
        complex::make(cx, f, 0.0)
    }
    /// Return self.
    #[py("conjugate($self, /)")]
    fn conjugate(_cx: &mut Cx, this: &Ref<Decimal>) -> Obj {
        this.as_obj().clone()
    }
    /// Return 10: decimal has that radix.
    #[py("radix($self, /)")]
    fn radix(cx: &mut Cx, this: &Ref<Decimal>) -> PyResult {
        let _ = this;
        let s = state(cx);
        make(cx, &s, Dec::of_i64(10))
    }
    /// Returns self unless it is no canonical encoding; here every number is one.
    #[py("canonical($self, /)")]
    fn canonical(_cx: &mut Cx, this: &Ref<Decimal>) -> Obj {
        this.as_obj().clone()
    }
    /// The number without its sign, neither rounded nor seen by any flag.
    #[py("copy_abs($self, /)")]
    fn copy_abs(cx: &mut Cx, this: &Ref<Decimal>) -> PyResult {
        let s = state(cx);
        make(cx, &s, this.value.0.with_sign(false))
    }
    /// The number with the other sign, neither rounded nor seen by any flag.
    #[py("copy_negate($self, /)")]
    fn copy_negate(cx: &mut Cx, this: &Ref<Decimal>) -> PyResult {
        let s = state(cx);
        make(cx, &s, this.value.0.with_sign(!this.value.0.negative))
    }
    #[py("__sizeof__($self, /)")]
    fn sizeof(cx: &mut Cx, this: &Ref<Decimal>) -> usize {
        retic_runtime::types::type_::sizes::basic(cx, this.as_obj()) + this.value.0.coefficient.bytes()
    }
    #[get("real")]
    fn real(_cx: &mut Cx, this: &Ref<Decimal>) -> Obj {
        this.as_obj().clone()
    }
    #[get("imag")]
    fn imag(cx: &mut Cx, this: &Ref<Decimal>) -> PyResult {
        let _ = this;
        let s = state(cx);
        make(cx, &s, Dec::ZERO)
    }
}

pub fn spec() -> Spec {
    Spec {
        doc: "A decimal number, from an int, a text, a float, a tuple (sign, digits,\nexponent) or a Decimal, exactly; 0 when nothing is given. The context says\nonly whether a text that is no number raises InvalidOperation.",
        text_signature: "(value='0', context=None)",
        flags: flags::GC | flags::BASE,
        slots: Slots {
            new: Some(new),
            init: Some(|_, _, _| Ok(())),
            repr: Some(|cx, o| {
                let Some(d) = o.cast::<Decimal>().cloned() else { return Ok(cx.none()) };
                let s = state(cx);
                let capitals = current(cx, &s)?.capitals.get();
                cx.str(&format!("Decimal('{}')", d.value.0.to_text(false, capitals)))
            }),
            str: Some(|cx, o| {
                let Some(d) = o.cast::<Decimal>().cloned() else { return Ok(cx.none()) };
                let s = state(cx);
                let capitals = current(cx, &s)?.capitals.get();
                cx.str(&d.value.0.to_text(false, capitals))
            }),
            hash: Some(hash),
            richcompare: Some(richcompare),
            bool: Some(|_, o| Ok(o.cast::<Decimal>().is_some_and(|d| !d.value.0.is_zero()))),
            neg: Some(|cx, o| unary(cx, o, arith::minus)),
            pos: Some(|cx, o| unary(cx, o, arith::plus)),
            abs: Some(|cx, o| unary(cx, o, arith::abs)),
            int: Some(|cx, o| to_int(cx, o, Rounding::Down)),
            float: Some(|cx, o| {
                let f = float(cx, o)?;
                cx.float(f)
            }),
            power: Some(power),
            ..Slots::EMPTY
        }
        .with(&[
            (Op::Add, |cx, a, b| binary(cx, a, b, arith::add)),
            (Op::Sub, |cx, a, b| binary(cx, a, b, arith::sub)),
            (Op::Mul, |cx, a, b| binary(cx, a, b, arith::mul)),
            (Op::TrueDiv, |cx, a, b| binary(cx, a, b, arith::div)),
            (Op::FloorDiv, |cx, a, b| binary(cx, a, b, arith::div_int)),
            (Op::Mod, |cx, a, b| binary(cx, a, b, arith::rem)),
            (Op::DivMod, divmod),
            (Op::Pow, |cx, a, b| {
                let none = cx.none();
                power(cx, a, b, &none)
            }),
        ]),
        methods: Decimal::METHODS,
        more_methods: super::methods::OF_DECIMAL,
        getset: Decimal::GETSET,
        ..Spec::new::<Decimal>("decimal.Decimal")
    }
}
