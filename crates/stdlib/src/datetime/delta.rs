//! `timedelta`: a length of time, in microseconds.

use super::calendar::DAY_MICROS;
use super::{Params, bind};
use retic_numbers::big::Big;
use retic_runtime::types::type_::{Cmp, Op, flags};
use retic_runtime::types::{Float, Int, Slots, Spec, Tuple, Type, int};
use retic_runtime::{Args, Cx, Obj, PyResult, Ref, layout, memory, protocol};
use std::cell::Cell;

layout! {
    /// Days, and seconds and microseconds that are never negative. `hash` is -1 until it is asked for.
    pub struct Delta = 314, "datetime.timedelta" { hash: Cell<i64>, days: Cell<i32>, seconds: Cell<i32>, micros: Cell<i32>, }
}

impl Delta {
    /// The whole length in microseconds.
    pub fn total(&self) -> i128 {
        i128::from(self.days.get()) * i128::from(DAY_MICROS) + i128::from(self.within_day())
    }
    /// Microseconds behind the whole days.
    pub fn within_day(&self) -> i64 {
        i64::from(self.seconds.get()) * 1_000_000 + i64::from(self.micros.get())
    }
    pub fn is_zero(&self) -> bool {
        self.key() == (0, 0, 0)
    }
    pub fn key(&self) -> (i32, i32, i32) {
        (self.days.get(), self.seconds.get(), self.micros.get())
    }
}

/// A timedelta of so many microseconds.
pub fn new(cx: &mut Cx, micros: i128) -> PyResult<Ref<Delta>> {
    let ty = cx.native_type("datetime.timedelta");
    of_class(cx, &ty, micros)
}

fn of_class(cx: &mut Cx, ty: &Ref<Type>, micros: i128) -> PyResult<Ref<Delta>> {
    let (days, rest) = match i64::try_from(micros) {
        Ok(n) => (i128::from(n.div_euclid(DAY_MICROS)), n.rem_euclid(DAY_MICROS)),
        Err(_) => (micros.div_euclid(DAY_MICROS.into()), micros.rem_euclid(DAY_MICROS.into()) as i64),
    };
    let Ok(days) = i32::try_from(days) else { return Err(too_large(cx)) };
    if days.abs() > 999_999_999 {
        return Err(cx.overflow_error(format!("days={days}; must have magnitude <= 999999999")));
    }
    let (seconds, micros) = ((rest / 1_000_000) as i32, (rest % 1_000_000) as i32);
    memory::new(cx, ty, |head| Delta { head, hash: Cell::new(-1), days: Cell::new(days), seconds: Cell::new(seconds), micros: Cell::new(micros) })
}

fn too_large(cx: &Cx) -> retic_runtime::Raised {
    cx.overflow_error("Python int too large to convert to C int")
}
fn by_zero(cx: &Cx) -> retic_runtime::Raised {
    cx.zero_division("division by zero")
}

/// An int that 126 bits hold.
fn to_i128(o: &Obj) -> Option<i128> {
    if let Some(n) = int::to_i64(o) {
        return Some(n.into());
    }
    let big = int::to_big(o).filter(|b| b.bit_length() < 126)?;
    Some(i128::from_le_bytes(big.to_bytes_le(16, true)?.try_into().ok()?))
}

/// An int of any size.
fn int_of(cx: &Cx, v: i128) -> PyResult {
    match i64::try_from(v) {
        Ok(n) => cx.int(n),
        Err(_) => int::from_big(cx, &Big::from_i128(v)),
    }
}

/// The quotient, rounded to the nearest, halves to even. `b` is not zero.
fn div_nearest(a: i128, b: i128) -> i128 {
    let (a, b) = if b < 0 { (-a, -b) } else { (a, b) };
    let (q, r) = (a.div_euclid(b), a.rem_euclid(b));
    let up = r > b - r || r == b - r && q % 2 != 0;
    q + i128::from(up)
}

/// A finite float as `mantissa * 2 ** exponent`, with an odd mantissa.
fn decode(f: f64) -> (i128, i32) {
    if f == 0.0 {
        return (0, 0);
    }
    let bits = f.to_bits();
    let raw = ((bits >> 52) & 0x7ff) as i32;
    let fraction = bits & ((1 << 52) - 1);
    let (m, e) = if raw == 0 { (fraction, -1074) } else { (fraction | 1 << 52, raw - 1075) };
    let zeros = m.trailing_zeros();
    let m = i128::from(m >> zeros);
    (if f < 0.0 { -m } else { m }, e + zeros as i32)
}

fn shifted(v: i128, bits: i32) -> Option<i128> {
    if v == 0 {
        return Some(0);
    }
    let bits = u32::try_from(bits).ok()?;
    (bits < v.unsigned_abs().leading_zeros().saturating_sub(1)).then(|| v << bits)
}

/// `micros * o` or `micros / o` for a float, rounded.
fn scale(cx: &mut Cx, micros: i128, o: &Obj, divide: bool) -> PyResult<i128> {
    if !o.type_ref().as_obj().is(cx.types.float.as_obj()) {
        return scale_ratio(cx, micros, o, divide);
    }
    let f = protocol::exact_float(o);
    if f.is_nan() {
        return Err(cx.value_error("cannot convert NaN to integer ratio"));
    }
    if f.is_infinite() {
        return Err(cx.overflow_error("cannot convert Infinity to integer ratio"));
    }
    let (m, e) = decode(f);
    if divide && m == 0 {
        return Err(by_zero(cx));
    }
    // What does not fit 126 bits is too large for a timedelta as a product, and makes nothing as a divisor.
    let r = match (divide, e >= 0) {
        (false, true) => micros.checked_mul(m).and_then(|v| shifted(v, e)),
        (false, false) => micros.checked_mul(m).map(|v| shifted(1, -e).map_or(0, |d| div_nearest(v, d))),
        (true, true) => Some(shifted(m, e).map_or(0, |d| div_nearest(micros, d))),
        (true, false) => shifted(micros, -e).map(|v| div_nearest(v, m)),
    };
    r.ok_or_else(|| too_large(cx))
}

/// The same for a class derived from float, which says itself what ratio it is.
fn scale_ratio(cx: &mut Cx, micros: i128, o: &Obj, divide: bool) -> PyResult<i128> {
    let ratio = protocol::call_method(cx, o, "as_integer_ratio", &[])?;
    let Some(pair) = ratio.cast::<Tuple>().map(|t| t.items().to_vec()) else {
        return Err(cx.type_error(format!("unexpected return type from as_integer_ratio(): expected tuple, not '{}'", ratio.ty().name_text())));
    };
    let [above, below] = &pair[..] else { return Err(cx.value_error("as_integer_ratio() must return a 2-tuple")) };
    let (Some(above), Some(below)) = (int::to_big(above), int::to_big(below)) else { return Err(cx.type_error("as_integer_ratio() must return integers")) };
    let (above, below) = if divide { (below, above) } else { (above, below) };
    let product = Big::from_i128(micros).mul(&above);
    let Some((q, r)) = product.divmod(&below) else { return Err(by_zero(cx)) };
    // Twice the remainder against the divisor; both have its sign.
    let twice = r.add(&r).abs().sub(&below.abs());
    let up = !twice.is_negative() && (!twice.is_zero() || q.is_odd());
    let q = if up { q.add(&Big::from_i128(1)) } else { q };
    int::from_big(cx, &q).ok().as_ref().and_then(to_i128).ok_or_else(|| too_large(cx))
}

/// The sum of the arguments of a timedelta, while it is a machine number and beyond.
struct Sum {
    micros: i128,
    large: Option<Obj>,
    /// Parts of microseconds.
    left: f64,
}
impl Sum {
    fn add(&mut self, cx: &mut Cx, number: &Obj, factor: i64) -> PyResult<()> {
        match to_i128(number).and_then(|n| n.checked_mul(factor.into())).and_then(|n| self.micros.checked_add(n)) {
            Some(sum) => self.micros = sum,
            None => {
                let factor = cx.int(factor)?;
                let product = protocol::binary(cx, number, &factor, Op::Mul)?;
                self.large = Some(match &self.large {
                    Some(sum) => protocol::binary(cx, sum, &product, Op::Add)?,
                    None => product,
                });
            }
        }
        Ok(())
    }
    fn component(&mut self, cx: &mut Cx, name: &str, value: &Obj, factor: i64) -> PyResult<()> {
        if value.cast::<Int>().is_some() {
            return self.add(cx, value, factor);
        }
        let Some(f) = value.cast::<Float>().map(|f| f.value.get()) else {
            return Err(cx.type_error(format!("unsupported type for timedelta {name} component: {}", value.ty().name_text())));
        };
        let whole = int::of_f64(cx, f)?;
        self.add(cx, &whole, factor)?;
        let part = f.fract();
        if part != 0.0 {
            let micros = factor as f64 * part;
            let whole = int::of_f64(cx, micros)?;
            self.left += micros.fract();
            self.add(cx, &whole, 1)?;
        }
        Ok(())
    }
    fn total(mut self, cx: &mut Cx) -> PyResult<i128> {
        if self.left != 0.0 {
            let mut whole = self.left.round();
            if (whole - self.left).abs() == 0.5 {
                // Half a microsecond: the sum becomes even.
                let odd = match &self.large {
                    Some(large) => int::to_big(large).is_some_and(|b| b.is_odd()) != (self.micros % 2 != 0),
                    None => self.micros % 2 != 0,
                };
                let odd = f64::from(u8::from(odd));
                whole = 2.0 * ((self.left + odd) * 0.5).round() - odd;
            }
            self.micros += whole as i128;
        }
        let Some(large) = self.large else { return Ok(self.micros) };
        let small = int_of(cx, self.micros)?;
        let sum = protocol::binary(cx, &large, &small, Op::Add)?;
        to_i128(&sum).ok_or_else(|| too_large(cx))
    }
}

const PARAMS: Params = Params { function: "__new__", names: &["days", "seconds", "microseconds", "milliseconds", "minutes", "hours", "weeks"], required: 0, positional: 7 };

fn make(cx: &mut Cx, ty: &Ref<Type>, args: Args<'_>) -> PyResult {
    let mut given = [None; 7];
    bind(cx, &PARAMS, &args, |_, i, value| {
        given[i] = Some(value);
        Ok(())
    })?;
    let mut sum = Sum { micros: 0, large: None, left: 0.0 };
    for (i, factor) in [(2, 1), (3, 1000), (1, 1_000_000), (4, 60_000_000), (5, 3_600_000_000), (0, DAY_MICROS), (6, 7 * DAY_MICROS)] {
        if let Some(value) = given[i] {
            sum.component(cx, PARAMS.names[i], value, factor)?;
        }
    }
    let micros = sum.total(cx)?;
    Ok(of_class(cx, ty, micros)?.into_obj())
}

fn delta(o: &Obj) -> Option<&Ref<Delta>> {
    o.cast::<Delta>()
}
fn made(cx: &mut Cx, micros: i128) -> PyResult {
    Ok(new(cx, micros)?.into_obj())
}

fn add(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
    match (delta(a), delta(b)) {
        (Some(a), Some(b)) => made(cx, a.total() + b.total()),
        _ => Ok(cx.not_implemented()),
    }
}
fn sub(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
    match (delta(a), delta(b)) {
        (Some(a), Some(b)) => made(cx, a.total() - b.total()),
        _ => Ok(cx.not_implemented()),
    }
}
fn mul(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
    let (this, factor) = match (delta(a), delta(b)) {
        (Some(a), None) => (a.total(), b),
        (None, Some(b)) => (b.total(), a),
        _ => return Ok(cx.not_implemented()),
    };
    if factor.cast::<Int>().is_some() {
        let micros = if this == 0 { Some(0) } else { to_i128(factor).and_then(|n| this.checked_mul(n)) };
        let Some(micros) = micros else { return Err(too_large(cx)) };
        return made(cx, micros);
    }
    if factor.cast::<Float>().is_none() {
        return Ok(cx.not_implemented());
    }
    let micros = scale(cx, this, factor, false)?;
    made(cx, micros)
}
fn true_div(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
    let Some(this) = delta(a).map(|d| d.total()) else { return Ok(cx.not_implemented()) };
    if let Some(other) = delta(b).map(|d| d.total()) {
        return match Big::from_i128(this).true_div(&Big::from_i128(other)) {
            Some(f) if other != 0 => cx.float(f),
            _ => Err(by_zero(cx)),
        };
    }
    if b.cast::<Int>().is_some() {
        return match to_i128(b) {
            Some(0) => Err(by_zero(cx)),
            Some(n) => made(cx, div_nearest(this, n)),
            None => made(cx, 0),
        };
    }
    if b.cast::<Float>().is_none() {
        return Ok(cx.not_implemented());
    }
    let micros = scale(cx, this, b, true)?;
    made(cx, micros)
}
/// Quotient and remainder of two timedeltas, rounded down.
fn floor(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult<Option<(i128, i128)>> {
    let (Some(a), Some(b)) = (delta(a), delta(b)) else { return Ok(None) };
    let (a, b) = (a.total(), b.total());
    if b == 0 {
        return Err(by_zero(cx));
    }
    let q = a / b - i128::from(a % b != 0 && (a < 0) != (b < 0));
    Ok(Some((q, a - q * b)))
}
fn floor_div(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
    if let Some((q, _)) = floor(cx, a, b)? {
        return int_of(cx, q);
    }
    let Some(this) = delta(a).map(|d| d.total()).filter(|_| b.cast::<Int>().is_some()) else { return Ok(cx.not_implemented()) };
    match to_i128(b) {
        Some(0) => Err(by_zero(cx)),
        Some(n) => made(cx, this / n - i128::from(this % n != 0 && (this < 0) != (n < 0))),
        None => {
            let negative = int::to_big(b).is_some_and(|b| b.is_negative());
            made(cx, -i128::from(this != 0 && (this < 0) != negative))
        }
    }
}
fn modulo(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
    match floor(cx, a, b)? {
        Some((_, r)) => made(cx, r),
        None => Ok(cx.not_implemented()),
    }
}
fn divmod(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
    match floor(cx, a, b)? {
        Some((q, r)) => {
            let (q, r) = (int_of(cx, q)?, made(cx, r)?);
            cx.tuple_of([q, r])
        }
        None => Ok(cx.not_implemented()),
    }
}

fn richcompare(cx: &mut Cx, a: &Obj, b: &Obj, op: Cmp) -> PyResult {
    match (delta(a), delta(b)) {
        (Some(a), Some(b)) => Ok(cx.bool(op.of(a.key(), b.key()))),
        _ => Ok(cx.not_implemented()),
    }
}
fn parts(cx: &Cx, d: &Delta) -> PyResult {
    cx.tuple_of([cx.int(d.days.get().into())?, cx.int(d.seconds.get().into())?, cx.int(d.micros.get().into())?])
}
pub fn hash(cx: &mut Cx, d: &Ref<Delta>) -> PyResult<i64> {
    if d.hash.get() == -1 {
        let t = parts(cx, d)?;
        let h = protocol::hash(cx, &t)?;
        d.hash.set(h);
    }
    Ok(d.hash.get())
}

fn of(o: &Obj) -> Ref<Delta> {
    delta(o).cloned().expect("slots of timedelta are reached through timedeltas")
}
fn repr(cx: &mut Cx, o: &Obj) -> PyResult {
    let d = of(o);
    let parts: Vec<String> =
        [("days", d.days.get()), ("seconds", d.seconds.get()), ("microseconds", d.micros.get())].iter().filter(|p| p.1 != 0).map(|(name, n)| format!("{name}={n}")).collect();
    let inner = if parts.is_empty() { "0".to_string() } else { parts.join(", ") };
    cx.str(&format!("{}({inner})", o.ty().name_text()))
}
fn str(cx: &mut Cx, o: &Obj) -> PyResult {
    let d = of(o);
    let (days, s, us) = d.key();
    let mut text = match days {
        0 => String::new(),
        1 | -1 => format!("{days} day, "),
        _ => format!("{days} days, "),
    };
    text += &format!("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
    if us != 0 {
        text += &format!(".{us:06}");
    }
    cx.str(&text)
}

#[retic_macros::methods]
impl Delta {
    /// The whole length in seconds.
    #[py("total_seconds($self, /)")]
    pub fn total_seconds(cx: &mut Cx, this: &Ref<Delta>) -> PyResult<f64> {
        let total = this.total();
        if total.unsigned_abs() < 1 << 53 {
            return Ok(total as f64 / 1e6);
        }
        Big::from_i128(total).true_div(&Big::from_i128(1_000_000)).ok_or_else(|| too_large(cx))
    }
    /// What pickle writes: the class, and days, seconds and microseconds.
    #[py("__reduce__($self, /)")]
    fn reduce(cx: &mut Cx, this: &Ref<Delta>) -> PyResult {
        let state = parts(cx, this)?;
        cx.tuple_of([this.as_obj().type_ref().into_obj(), state])
    }
    /// Whole days.
    #[member("days")]
    fn get_days(_: &mut Cx, this: &Ref<Delta>) -> i64 {
        this.days.get().into()
    }
    /// Seconds behind the days, from 0 to 86399.
    #[member("seconds")]
    fn get_seconds(_: &mut Cx, this: &Ref<Delta>) -> i64 {
        this.seconds.get().into()
    }
    /// Microseconds behind the seconds, from 0 to 999999.
    #[member("microseconds")]
    fn get_micros(_: &mut Cx, this: &Ref<Delta>) -> i64 {
        this.micros.get().into()
    }
}

pub fn spec() -> Spec {
    Spec {
        doc: "A length of time, which may be negative: the difference of two dates or times.\n\n\
              The arguments, ints or floats of any sign, are added up; days, seconds and\nmicroseconds remain, and a fraction of a microsecond is rounded, halves to even.",
        flags: flags::BASE,
        slots: Slots {
            new: Some(make),
            repr: Some(repr),
            str: Some(str),
            hash: Some(|cx, o| hash(cx, &of(o))),
            richcompare: Some(richcompare),
            neg: Some(|cx, o| made(cx, -of(o).total())),
            pos: Some(|cx, o| made(cx, of(o).total())),
            abs: Some(|cx, o| made(cx, of(o).total().abs())),
            bool: Some(|_, o| Ok(!of(o).is_zero())),
            ..Slots::EMPTY
        }
        .with(&[(Op::Add, add), (Op::Sub, sub), (Op::Mul, mul), (Op::TrueDiv, true_div), (Op::FloorDiv, floor_div), (Op::Mod, modulo), (Op::DivMod, divmod)]),
        methods: Delta::METHODS,
        getset: Delta::GETSET,
        ..Spec::new::<Delta>("datetime.timedelta")
    }
}
