//! `float`.

use super::type_::{Cmp, Op, flags};
use super::{Int, Slots, Spec, Str, Type, int};
use crate::cx::{Cx, PyResult};
use crate::layout;
use crate::memory;
use crate::native::Args;
use crate::object::{Obj, Ref, shape};
use crate::protocol;
use retic_numbers::{Big, float, hash};
use std::cell::Cell;

layout! {
    /// A double.
    pub struct Float = 4, "float" {
        value: Cell<f64>,
    }
}

impl Float {
    #[inline]
    pub fn new(cx: &Cx, v: f64) -> PyResult {
        memory::new_float(cx, v)
    }
}

/// The value of a float or an int (exactly as CPython's CONVERT_TO_DOUBLE); `None` for other types.
fn number(cx: &Cx, o: &Obj) -> PyResult<Option<f64>> {
    if let Some(f) = o.cast::<Float>() {
        return Ok(Some(f.value.get()));
    }
    if o.cast::<Int>().is_some() {
        return int::to_f64(cx, o).map(Some);
    }
    Ok(None)
}

fn arith<const OP: usize>(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
    let (Some(x), Some(y)) = (number(cx, a)?, number(cx, b)?) else { return Ok(cx.not_implemented()) };
    let v = match Op::from_index(OP) {
        Op::Add => x + y,
        Op::Sub => x - y,
        Op::Mul => x * y,
        Op::TrueDiv if y == 0.0 => return Err(cx.zero_division("division by zero")),
        Op::TrueDiv => x / y,
        Op::FloorDiv if y == 0.0 => return Err(cx.zero_division("division by zero")),
        Op::FloorDiv => float::divmod(x, y).0,
        Op::Mod if y == 0.0 => return Err(cx.zero_division("division by zero")),
        Op::Mod => float::divmod(x, y).1,
        Op::DivMod => {
            if y == 0.0 {
                return Err(cx.zero_division("division by zero"));
            }
            let (q, r) = float::divmod(x, y);
            let pair = vec![cx.float(q)?, cx.float(r)?];
            return cx.tuple(pair);
        }
        Op::Pow => return power(cx, x, y),
        _ => return Ok(cx.not_implemented()),
    };
    cx.float(v)
}

/// `x ** y`.
pub fn power(cx: &mut Cx, x: f64, y: f64) -> PyResult {
    match float::pow(x, y) {
        float::Power::Value(v) => cx.float(v),
        float::Power::ZeroDivision => Err(cx.zero_division("zero to a negative power")),
        float::Power::Overflow => Err(cx.overflow_error("(34, 'Numerical result out of range')")),
        float::Power::Complex => super::complex::power(cx, (x, 0.0), (y, 0.0)),
    }
}

fn compare(cx: &mut Cx, a: &Obj, b: &Obj, op: Cmp) -> PyResult {
    let Some(x) = a.cast::<Float>().map(|f| f.value.get()) else { return Ok(cx.not_implemented()) };
    if let Some(y) = b.cast::<Float>() {
        return Ok(cx.bool(op.of(x, y.value.get())));
    }
    let Some(i) = b.cast::<Int>() else { return Ok(cx.not_implemented()) };
    if !x.is_finite() {
        return Ok(cx.bool(op.of(x, 0.0)));
    }
    if let Some(v) = i.small()
        && v.unsigned_abs() < 1 << 53
    {
        return Ok(cx.bool(op.of(x, v as f64)));
    }
    let whole = Big::from_f64(x.trunc());
    let big = i.big();
    let r = if whole == big { op.of(x.fract(), 0.0) } else { op.of(&whole, &big) };
    Ok(cx.bool(r))
}

fn value(o: &Obj) -> f64 {
    o.cast::<Float>().map_or(0.0, |f| f.value.get())
}

fn new(cx: &mut Cx, ty: &Ref<Type>, args: Args<'_>) -> PyResult {
    if std::ptr::eq(&**ty, &*cx.types.float) || ty.slots(cx).init.map(|f| f as usize) == cx.types.float.slots(cx).init.map(|f| f as usize) {
        args.no_keywords(cx, "float")?;
    }
    let a = Args::positional_only(args.positional()).unpack(cx, "float", 0, 1)?;
    let v = match a.first() {
        None => 0.0,
        Some(x)
            if x.shape() == shape::STR
                && let Some(v) = x.cast::<Str>().and_then(|s| s.ascii_bytes()).and_then(|b| std::str::from_utf8(b).ok()).and_then(|t| float::parse(t.trim_ascii())) =>
        {
            v
        }
        Some(x) => {
            let number = x.ty().slots(cx).float.is_some() || x.ty().slots(cx).index.is_some();
            let text = match x.cast::<Str>() {
                Some(s) => Some(s.to_text(cx)),
                // Bytes beyond ASCII are no digits and no blanks.
                None if !number && protocol::buffer::in_a_row(cx, x) => {
                    Some(protocol::buffer::bytes(cx, x)?.into_iter().map(|b| if b.is_ascii() { char::from(b) } else { '?' }).collect())
                }
                None => None,
            };
            if let Some(text) = text {
                let t: String = text.chars().map(|c| retic_unicode::decimal(c as u32).and_then(|d| char::from_digit(d, 10)).unwrap_or(c)).collect();
                match float::parse(t.trim()) {
                    Some(v) => v,
                    None => {
                        let shown = protocol::repr_text(cx, x)?;
                        return Err(cx.value_error(format!("could not convert string to float: {shown}")));
                    }
                }
            } else {
                if std::ptr::eq(x.ty(), &**ty) && x.shape() == shape::FLOAT {
                    return Ok(x.clone());
                }
                if x.cast::<Float>().is_some()
                    && let Some(f) = x.ty().slots(cx).float
                {
                    // A subclass may answer otherwise.
                    value(&f(cx, x)?)
                } else {
                    protocol::to_float(cx, x)?
                }
            }
        }
    };
    if ty.as_obj().is(cx.types.float.as_obj()) {
        return cx.float(v);
    }
    Ok(memory::new(cx, ty, |head| Float { head, value: Cell::new(v) })?.into_obj())
}

#[retic_macros::methods]
impl Float {
    /// Return True if the float is an integer.
    #[py("is_integer($self, /)")]
    fn is_integer(_cx: &mut Cx, this: &Ref<Float>) -> bool {
        this.value.get().is_finite() && this.value.get().fract() == 0.0
    }
    /// Return a hexadecimal representation of a floating-point number.
    #[py("hex($self, /)")]
    fn hex(_cx: &mut Cx, this: &Ref<Float>) -> String {
        float::hex(this.value.get())
    }
    /// Create a floating-point number from a hexadecimal string.
    #[py("fromhex($type, string, /)")]
    fn fromhex(cx: &mut Cx, r#type: &Obj, string: &Ref<super::Str>) -> PyResult {
        let v = match float::from_hex(&string.to_text(cx)) {
            Ok(v) => cx.float(v)?,
            Err(float::HexError::Invalid) => return Err(cx.value_error("invalid hexadecimal floating-point string")),
            Err(float::HexError::TooLarge) => return Err(cx.overflow_error("hexadecimal value too large to represent as a float")),
        };
        if r#type.is(cx.types.float.as_obj()) { Ok(v) } else { protocol::call(cx, r#type, &[v]) }
    }
    /// You probably don't want to use this function.
    #[py("__getformat__($type, typestr, /)")]
    fn getformat(cx: &mut Cx, r#type: &Obj, typestr: &Ref<super::Str>) -> PyResult<String> {
        let _ = r#type;
        let order = if cfg!(target_endian = "little") { "little" } else { "big" };
        match typestr.to_text(cx).as_str() {
            "double" | "float" => Ok(format!("IEEE, {order}-endian")),
            _ => Err(cx.value_error("__getformat__() argument 1 must be 'double' or 'float'")),
        }
    }
    /// Return self, the complex conjugate of any float.
    #[py("conjugate($self, /)")]
    fn conjugate(cx: &mut Cx, this: &Ref<Float>) -> PyResult {
        cx.float(this.value.get())
    }
    /// Return a pair of integers, whose ratio is exactly equal to the original float.
    #[py("as_integer_ratio($self, /)")]
    fn as_integer_ratio(cx: &mut Cx, this: &Ref<Float>) -> PyResult {
        let v = this.value.get();
        if v.is_nan() {
            return Err(cx.value_error("cannot convert NaN to integer ratio"));
        }
        if v.is_infinite() {
            return Err(cx.overflow_error("cannot convert Infinity to integer ratio"));
        }
        let (n, k) = float::integer_ratio(v);
        let pair = vec![int::from_big(cx, &n)?, int::from_big(cx, &Big::from(1).shl(k as usize))?];
        cx.tuple(pair)
    }
    /// Return the Integral closest to x between 0 and x.
    #[py("__trunc__($self, /)")]
    fn trunc(cx: &mut Cx, this: &Ref<Float>) -> PyResult {
        int::of_f64(cx, this.value.get())
    }
    /// Return the floor as an Integral.
    #[py("__floor__($self, /)")]
    fn floor(cx: &mut Cx, this: &Ref<Float>) -> PyResult {
        int::of_f64(cx, this.value.get().floor())
    }
    /// Return the ceiling as an Integral.
    #[py("__ceil__($self, /)")]
    fn ceil(cx: &mut Cx, this: &Ref<Float>) -> PyResult {
        int::of_f64(cx, this.value.get().ceil())
    }
    /// Return the Integral closest to x, rounding half toward even.
    #[py("__round__($self, ndigits=None, /)")]
    fn round(cx: &mut Cx, this: &Ref<Float>, ndigits: Option<&Obj>) -> PyResult {
        let v = this.value.get();
        let digits = match ndigits.filter(|n| !n.is_none()) {
            None => None,
            Some(n) => {
                let n = protocol::index(cx, n)?;
                // More digits than any float has, or fewer.
                Some(int::to_i64(&n).unwrap_or_else(|| if int::to_big(&n).is_some_and(|b| b.is_negative()) { i64::MIN } else { i64::MAX }))
            }
        };
        match digits {
            None => int::of_f64(cx, float::round_half_even(v)),
            Some(n) => {
                let r = float::round_digits(v, n);
                if r.is_infinite() && v.is_finite() {
                    return Err(cx.overflow_error("rounded value too large to represent"));
                }
                cx.float(r)
            }
        }
    }
    /// Convert real number to a floating-point number.
    #[py("from_number($type, number, /)")]
    fn from_number(cx: &mut Cx, r#type: &Obj, number: &Obj) -> PyResult {
        let v = protocol::as_f64(cx, number)?;
        let v = cx.float(v)?;
        if r#type.is(cx.types.float.as_obj()) { Ok(v) } else { protocol::call(cx, r#type, &[v]) }
    }
    /// Formats the float according to format_spec.
    #[py("__format__($self, format_spec, /)")]
    fn format(cx: &mut Cx, this: &Ref<Float>, format_spec: &Ref<Str>) -> PyResult {
        let spec = format_spec.to_text(cx);
        let t = protocol::format::float(cx, this.value.get(), &spec, &this.as_obj().ty().name_text())?;
        cx.str(&t)
    }
    #[py("__getnewargs__($self, /)")]
    fn getnewargs(cx: &mut Cx, this: &Ref<Float>) -> PyResult {
        let v = cx.float(this.value.get())?;
        cx.tuple_of([v])
    }
    /// the real part of a complex number
    #[get("real")]
    fn real(cx: &mut Cx, this: &Ref<Float>) -> PyResult {
        cx.float(this.value.get())
    }
    /// the imaginary part of a complex number
    #[get("imag")]
    fn imag(_cx: &mut Cx, _this: &Ref<Float>) -> f64 {
        0.0
    }
}

pub fn spec() -> Spec {
    Spec {
        doc: "Convert a string or number to a floating-point number, if possible.",
        flags: flags::BASE | flags::MATCH_SELF,
        shape: shape::FLOAT,
        text_signature: "(x=0, /)",
        slots: Slots {
            repr: Some(|cx, o| cx.str(&float::repr(value(o)))),
            hash: Some(|cx, o| match hash::float(value(o)) {
                Some(h) => Ok(h),
                None => super::object::hash(cx, o),
            }),
            richcompare: Some(compare),
            neg: Some(|cx, o| cx.float(-value(o))),
            pos: Some(|cx, o| cx.float(value(o))),
            abs: Some(|cx, o| cx.float(value(o).abs())),
            bool: Some(|_, o| Ok(value(o) != 0.0)),
            int: Some(|cx, o| int::of_f64(cx, value(o))),
            float: Some(|cx, o| cx.float(value(o))),
            new: Some(new),
            ..Slots::EMPTY
        }
        .with(&[
            (Op::Add, arith::<0>),
            (Op::Sub, arith::<1>),
            (Op::Mul, arith::<2>),
            (Op::TrueDiv, arith::<4>),
            (Op::FloorDiv, arith::<5>),
            (Op::Mod, arith::<6>),
            (Op::Pow, arith::<7>),
            (Op::DivMod, arith::<13>),
        ]),
        methods: Float::METHODS,
        getset: Float::GETSET,
        ..Spec::new::<Float>("float")
    }
}
