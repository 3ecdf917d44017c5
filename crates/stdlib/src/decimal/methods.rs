//! The operations that `Decimal` and `Context` both have as methods: tables of names over functions of the crate `decimal`.

use super::context::{self, ContextObj};
use super::number::{self, Decimal, finish, make, required};
use super::{context_or_current, state};
use retic_decimal::{Context, Dec, arith, compare, logic, transcend};
use retic_runtime::native::{self, MethodDef, MethodKind, Signature, receiver};
use retic_runtime::types::Int;
use retic_runtime::{Args, Cx, Obj, PyResult, Ref};

type One = fn(&Dec, &Context, &mut u32) -> Dec;
type Two = fn(&Dec, &Dec, &Context, &mut u32) -> Dec;
type Test = fn(&Dec, &Context) -> bool;

fn and(a: u8, b: u8) -> u8 {
    a & b
}
fn or(a: u8, b: u8) -> u8 {
    a | b
}
fn xor(a: u8, b: u8) -> u8 {
    a ^ b
}
fn logical_and(a: &Dec, b: &Dec, c: &Context, s: &mut u32) -> Dec {
    logic::logical(a, b, and, c, s)
}
fn logical_or(a: &Dec, b: &Dec, c: &Context, s: &mut u32) -> Dec {
    logic::logical(a, b, or, c, s)
}
fn logical_xor(a: &Dec, b: &Dec, c: &Context, s: &mut u32) -> Dec {
    logic::logical(a, b, xor, c, s)
}
fn max(a: &Dec, b: &Dec, c: &Context, s: &mut u32) -> Dec {
    compare::select(a, b, true, false, c, s)
}
fn min(a: &Dec, b: &Dec, c: &Context, s: &mut u32) -> Dec {
    compare::select(a, b, false, false, c, s)
}
fn max_mag(a: &Dec, b: &Dec, c: &Context, s: &mut u32) -> Dec {
    compare::select(a, b, true, true, c, s)
}
fn min_mag(a: &Dec, b: &Dec, c: &Context, s: &mut u32) -> Dec {
    compare::select(a, b, false, true, c, s)
}
fn compare_total(a: &Dec, b: &Dec, _: &Context, _: &mut u32) -> Dec {
    compare::compare_total(a, b)
}
fn compare_total_mag(a: &Dec, b: &Dec, _: &Context, _: &mut u32) -> Dec {
    compare::compare_total_mag(a, b)
}
fn copy_sign(a: &Dec, b: &Dec, _: &Context, _: &mut u32) -> Dec {
    a.with_sign(b.negative)
}
fn copy_abs(a: &Dec, _: &Context, _: &mut u32) -> Dec {
    a.with_sign(false)
}
fn copy_negate(a: &Dec, _: &Context, _: &mut u32) -> Dec {
    a.with_sign(!a.negative)
}
fn normalize(a: &Dec, c: &Context, s: &mut u32) -> Dec {
    a.normalize(c, s)
}
fn quantize(a: &Dec, b: &Dec, c: &Context, s: &mut u32) -> Dec {
    a.quantize(b, c, s)
}
fn to_integral_value(a: &Dec, c: &Context, s: &mut u32) -> Dec {
    a.to_integral(c.rounding, false, c, s)
}
fn to_integral_exact(a: &Dec, c: &Context, s: &mut u32) -> Dec {
    a.to_integral(c.rounding, true, c, s)
}

const fn signature(name: &'static str, params: &'static [&'static str], positional_only: usize, required: usize, text: &'static str) -> Signature {
    Signature { name, params, positional_only, positional: params.len(), required, keyword_required: 0, star: false, star_star: false, text }
}

/// A method of `Decimal` with the context as its last argument.
macro_rules! decimal {
    (one $name:literal $f:path) => {
        MethodDef {
            name: $name,
            kind: MethodKind::Method,
            signature: signature($name, &["context"], 0, 0, "($self, /, context=None)"),
            doc: concat!("The operation `", $name, "` of the decimal specification on this number; None stands for the current context."),
            call: |cx, def, this, args| decimal_one(cx, def, this, args, $f),
        }
    };
    (two $name:literal $f:path) => {
        MethodDef {
            name: $name,
            kind: MethodKind::Method,
            signature: signature($name, &["other", "context"], 0, 1, "($self, /, other, context=None)"),
            doc: concat!("The operation `", $name, "` of the decimal specification on this number and another; None stands for the current context."),
            call: |cx, def, this, args| decimal_two(cx, def, this, args, $f),
        }
    };
    (rounded $name:literal $f:path) => {
        MethodDef {
            name: $name,
            kind: MethodKind::Method,
            signature: signature($name, &["rounding", "context"], 0, 0, "($self, /, rounding=None, context=None)"),
            doc: concat!("The operation `", $name, "` of the decimal specification: to an integer, rounded as given or as the context says."),
            call: |cx, def, this, args| decimal_rounded(cx, def, this, args, $f),
        }
    };
    (test $name:literal $f:expr) => {
        MethodDef {
            name: $name,
            kind: MethodKind::Method,
            signature: signature($name, &[], 0, 0, "($self, /)"),
            doc: concat!("Whether the number is what `", $name, "` asks."),
            call: |cx, def, this, args| {
                let this: &Ref<Decimal> = receiver(cx, this)?;
                native::bind(cx, def, this.as_obj(), args, &mut [])?;
                let f: fn(&Dec) -> bool = $f;
                Ok(cx.bool(f(&this.value.0)))
            },
        }
    };
    (range $name:literal $f:expr) => {
        MethodDef {
            name: $name,
            kind: MethodKind::Method,
            signature: signature($name, &["context"], 0, 0, "($self, /, context=None)"),
            doc: concat!("Whether the number is what `", $name, "` asks, by the range of the context."),
            call: |cx, def, this, args| {
                let mut slots = [None; 1];
                native::bind(cx, def, this, args, &mut slots)?;
                let this: &Ref<Decimal> = receiver(cx, this)?;
                let s = state(cx);
                let ctx = context_or_current(cx, &s, slots[0])?;
                let f: Test = $f;
                Ok(cx.bool(f(&this.value.0, &ctx.rules())))
            },
        }
    };
}

fn decimal_one(cx: &mut Cx, def: &'static MethodDef, this: &Obj, args: Args<'_>, f: One) -> PyResult {
    let mut slots = [None; 1];
    native::bind(cx, def, this, args, &mut slots)?;
    let this: &Ref<Decimal> = receiver(cx, this)?;
    let s = state(cx);
    let ctx = context_or_current(cx, &s, slots[0])?;
    let mut status = 0;
    let r = f(&this.value.0, &ctx.rules(), &mut status);
    finish(cx, &s, &ctx, r, status)
}
fn decimal_two(cx: &mut Cx, def: &'static MethodDef, this: &Obj, args: Args<'_>, f: Two) -> PyResult {
    let mut slots = [None; 2];
    native::bind(cx, def, this, args, &mut slots)?;
    let this: &Ref<Decimal> = receiver(cx, this)?;
    let [Some(other), context] = slots else { return Ok(cx.none()) };
    let s = state(cx);
    let ctx = context_or_current(cx, &s, context)?;
    let mut place = Dec::ZERO;
    let other = required(cx, other, &mut place)?;
    let mut status = 0;
    let r = f(&this.value.0, other, &ctx.rules(), &mut status);
    finish(cx, &s, &ctx, r, status)
}
fn decimal_rounded(cx: &mut Cx, def: &'static MethodDef, this: &Obj, args: Args<'_>, f: One) -> PyResult {
    let mut slots = [None; 2];
    native::bind(cx, def, this, args, &mut slots)?;
    let this: &Ref<Decimal> = receiver(cx, this)?;
    let s = state(cx);
    let ctx = context_or_current(cx, &s, slots[1])?;
    let rules = with_rounding(cx, &ctx, slots[0])?;
    let mut status = 0;
    let r = f(&this.value.0, &rules, &mut status);
    finish(cx, &s, &ctx, r, status)
}
fn with_rounding(cx: &mut Cx, ctx: &ContextObj, rounding: Option<&Obj>) -> PyResult<Context> {
    Ok(match rounding.filter(|r| !r.is_none()) {
        None => ctx.rules(),
        Some(r) => Context { rounding: context::rounding(cx, r)?, ..ctx.rules() },
    })
}

pub static OF_DECIMAL: &[MethodDef] = &[
    decimal!(one "exp" transcend::exp),
    decimal!(one "ln" transcend::ln),
    decimal!(one "log10" transcend::log10),
    decimal!(one "sqrt" transcend::sqrt),
    decimal!(one "logb" logic::logb),
    decimal!(one "logical_invert" logic::invert),
    decimal!(one "next_minus" arith::next_minus),
    decimal!(one "next_plus" arith::next_plus),
    decimal!(one "normalize" normalize),
    decimal!(rounded "to_integral" to_integral_value),
    decimal!(rounded "to_integral_value" to_integral_value),
    decimal!(rounded "to_integral_exact" to_integral_exact),
    decimal!(two "compare" compare::compare),
    decimal!(two "compare_signal" compare::compare_signal),
    decimal!(two "compare_total" compare_total),
    decimal!(two "compare_total_mag" compare_total_mag),
    decimal!(two "copy_sign" copy_sign),
    decimal!(two "logical_and" logical_and),
    decimal!(two "logical_or" logical_or),
    decimal!(two "logical_xor" logical_xor),
    decimal!(two "max" max),
    decimal!(two "max_mag" max_mag),
    decimal!(two "min" min),
    decimal!(two "min_mag" min_mag),
    decimal!(two "next_toward" arith::next_toward),
    decimal!(two "remainder_near" arith::remainder_near),
    decimal!(two "rotate" logic::rotate),
    decimal!(two "scaleb" logic::scaleb),
    decimal!(two "shift" logic::shift),
    decimal!(test "is_canonical" |_| true),
    decimal!(test "is_finite" |d| d.is_finite()),
    decimal!(test "is_infinite" |d| d.is_infinite()),
    decimal!(test "is_nan" |d| d.is_nan()),
    decimal!(test "is_qnan" |d| d.kind == retic_decimal::Kind::Nan),
    decimal!(test "is_snan" |d| d.is_snan()),
    decimal!(test "is_signed" |d| d.negative),
    decimal!(test "is_zero" |d| d.is_zero()),
    decimal!(range "is_normal" |d, c| d.is_normal(c)),
    decimal!(range "is_subnormal" |d, c| d.is_subnormal(c)),
    MethodDef {
        name: "number_class",
        kind: MethodKind::Method,
        signature: signature("number_class", &["context"], 0, 0, "($self, /, context=None)"),
        doc: "The class of the number, one of ten texts: 'sNaN', 'NaN', and signs with Infinity, Normal, Subnormal and Zero.",
        call: |cx, def, this, args| {
            let mut slots = [None; 1];
            native::bind(cx, def, this, args, &mut slots)?;
            let this: &Ref<Decimal> = receiver(cx, this)?;
            let s = state(cx);
            let ctx = context_or_current(cx, &s, slots[0])?;
            cx.str(this.value.0.number_class(&ctx.rules()))
        },
    },
    MethodDef {
        name: "to_eng_string",
        kind: MethodKind::Method,
        signature: signature("to_eng_string", &["context"], 0, 0, "($self, /, context=None)"),
        doc: "As text in engineering notation: exponents are multiples of three.",
        call: |cx, def, this, args| {
            let mut slots = [None; 1];
            native::bind(cx, def, this, args, &mut slots)?;
            let this: &Ref<Decimal> = receiver(cx, this)?;
            let s = state(cx);
            let ctx = context_or_current(cx, &s, slots[0])?;
            cx.str(&this.value.0.to_text(true, ctx.capitals.get()))
        },
    },
    MethodDef {
        name: "same_quantum",
        kind: MethodKind::Method,
        signature: signature("same_quantum", &["other", "context"], 0, 1, "($self, /, other, context=None)"),
        doc: "Whether the other number has the same exponent, or both are NaN, or both infinite. Quiet and without rounding.",
        call: |cx, def, this, args| {
            let mut slots = [None; 2];
            native::bind(cx, def, this, args, &mut slots)?;
            let this: &Ref<Decimal> = receiver(cx, this)?;
            let [Some(other), context] = slots else { return Ok(cx.none()) };
            let s = state(cx);
            context_or_current(cx, &s, context)?;
            let mut place = Dec::ZERO;
            let other = required(cx, other, &mut place)?;
            Ok(cx.bool(this.value.0.same_quantum(other)))
        },
    },
    MethodDef {
        name: "quantize",
        kind: MethodKind::Method,
        signature: signature("quantize", &["exp", "rounding", "context"], 0, 1, "($self, /, exp, rounding=None, context=None)"),
        doc: "The number rounded to the exponent of another. InvalidOperation when it has no room in the precision.",
        call: |cx, def, this, args| {
            let mut slots = [None; 3];
            native::bind(cx, def, this, args, &mut slots)?;
            let this: &Ref<Decimal> = receiver(cx, this)?;
            let [Some(exp), rounding, context] = slots else { return Ok(cx.none()) };
            let s = state(cx);
            let ctx = context_or_current(cx, &s, context)?;
            let rules = with_rounding(cx, &ctx, rounding)?;
            let mut place = Dec::ZERO;
            let exp = required(cx, exp, &mut place)?;
            let mut status = 0;
            let r = this.value.0.quantize(exp, &rules, &mut status);
            finish(cx, &s, &ctx, r, status)
        },
    },
    MethodDef {
        name: "fma",
        kind: MethodKind::Method,
        signature: signature("fma", &["other", "third", "context"], 0, 2, "($self, /, other, third, context=None)"),
        doc: "self * other + third, rounded once.",
        call: |cx, def, this, args| {
            let mut slots = [None; 3];
            native::bind(cx, def, this, args, &mut slots)?;
            let this: &Ref<Decimal> = receiver(cx, this)?;
            let [Some(other), Some(third), context] = slots else { return Ok(cx.none()) };
            let s = state(cx);
            let ctx = context_or_current(cx, &s, context)?;
            let (mut p, mut q) = (Dec::ZERO, Dec::ZERO);
            let (other, third) = (required(cx, other, &mut p)?, required(cx, third, &mut q)?);
            let mut status = 0;
            let r = arith::fma(&this.value.0, other, third, &ctx.rules(), &mut status);
            finish(cx, &s, &ctx, r, status)
        },
    },
];

/// A method of `Context`.
macro_rules! context {
    (one $name:literal $f:path) => {
        MethodDef {
            name: $name,
            kind: MethodKind::Method,
            signature: signature($name, &["x"], 1, 1, "($self, x, /)"),
            doc: concat!("The operation `", $name, "` of the decimal specification, in this context."),
            call: |cx, def, this, args| context_one(cx, def, this, args, $f),
        }
    };
    (two $name:literal $f:path) => {
        MethodDef {
            name: $name,
            kind: MethodKind::Method,
            signature: signature($name, &["x", "y"], 0, 2, "($self, x, y, /)"),
            doc: concat!("The operation `", $name, "` of the decimal specification, in this context."),
            call: |cx, def, this, args| context_two(cx, def, this, args, $f),
        }
    };
    (test $name:literal $f:expr) => {
        MethodDef {
            name: $name,
            kind: MethodKind::Method,
            signature: signature($name, &["x"], 1, 1, "($self, x, /)"),
            doc: concat!("Whether a number is what `", $name, "` asks, in this context."),
            call: |cx, def, this, args| {
                let mut slots = [None; 1];
                native::bind(cx, def, this, args, &mut slots)?;
                let ctx: &Ref<ContextObj> = receiver(cx, this)?;
                let [Some(x)] = slots else { return Ok(cx.none()) };
                let mut place = Dec::ZERO;
                let x = required(cx, x, &mut place)?;
                let f: Test = $f;
                Ok(cx.bool(f(x, &ctx.rules())))
            },
        }
    };
    (text $name:literal $f:expr) => {
        MethodDef {
            name: $name,
            kind: MethodKind::Method,
            signature: signature($name, &["x"], 1, 1, "($self, x, /)"),
            doc: concat!("What `", $name, "` gives for a number in this context, as text."),
            call: |cx, def, this, args| {
                let mut slots = [None; 1];
                native::bind(cx, def, this, args, &mut slots)?;
                let ctx: &Ref<ContextObj> = receiver(cx, this)?;
                let [Some(x)] = slots else { return Ok(cx.none()) };
                let mut place = Dec::ZERO;
                let x = required(cx, x, &mut place)?;
                let f: fn(&Dec, &ContextObj) -> String = $f;
                let text = f(x, ctx);
                cx.str(&text)
            },
        }
    };
}

fn context_one(cx: &mut Cx, def: &'static MethodDef, this: &Obj, args: Args<'_>, f: One) -> PyResult {
    let mut slots = [None; 1];
    native::bind(cx, def, this, args, &mut slots)?;
    let ctx: &Ref<ContextObj> = receiver(cx, this)?;
    let [Some(x)] = slots else { return Ok(cx.none()) };
    let s = state(cx);
    let mut place = Dec::ZERO;
    let x = required(cx, x, &mut place)?;
    let mut status = 0;
    let r = f(x, &ctx.rules(), &mut status);
    finish(cx, &s, ctx, r, status)
}
fn context_two(cx: &mut Cx, def: &'static MethodDef, this: &Obj, args: Args<'_>, f: Two) -> PyResult {
    let mut slots = [None; 2];
    native::bind(cx, def, this, args, &mut slots)?;
    let ctx: &Ref<ContextObj> = receiver(cx, this)?;
    let [Some(x), Some(y)] = slots else { return Ok(cx.none()) };
    let s = state(cx);
    let (mut p, mut q) = (Dec::ZERO, Dec::ZERO);
    let (x, y) = (required(cx, x, &mut p)?, required(cx, y, &mut q)?);
    let mut status = 0;
    let r = f(x, y, &ctx.rules(), &mut status);
    finish(cx, &s, ctx, r, status)
}

pub static OF_CONTEXT: &[MethodDef] = &[
    context!(one "abs" arith::abs),
    context!(one "exp" transcend::exp),
    context!(one "ln" transcend::ln),
    context!(one "log10" transcend::log10),
    context!(one "logb" logic::logb),
    context!(one "logical_invert" logic::invert),
    context!(one "minus" arith::minus),
    context!(one "next_minus" arith::next_minus),
    context!(one "next_plus" arith::next_plus),
    context!(one "normalize" normalize),
    context!(one "plus" arith::plus),
    context!(one "sqrt" transcend::sqrt),
    context!(one "to_integral" to_integral_value),
    context!(one "to_integral_value" to_integral_value),
    context!(one "to_integral_exact" to_integral_exact),
    context!(one "copy_abs" copy_abs),
    context!(one "copy_negate" copy_negate),
    context!(two "add" arith::add),
    context!(two "compare" compare::compare),
    context!(two "compare_signal" compare::compare_signal),
    context!(two "compare_total" compare_total),
    context!(two "compare_total_mag" compare_total_mag),
    context!(two "copy_sign" copy_sign),
    context!(two "divide" arith::div),
    context!(two "divide_int" arith::div_int),
    context!(two "logical_and" logical_and),
    context!(two "logical_or" logical_or),
    context!(two "logical_xor" logical_xor),
    context!(two "max" max),
    context!(two "max_mag" max_mag),
    context!(two "min" min),
    context!(two "min_mag" min_mag),
    context!(two "multiply" arith::mul),
    context!(two "next_toward" arith::next_toward),
    context!(two "quantize" quantize),
    context!(two "remainder" arith::rem),
    context!(two "remainder_near" arith::remainder_near),
    context!(two "rotate" logic::rotate),
    context!(two "scaleb" logic::scaleb),
    context!(two "shift" logic::shift),
    context!(two "subtract" arith::sub),
    MethodDef {
        name: "is_canonical",
        kind: MethodKind::Method,
        signature: signature("is_canonical", &["x"], 1, 1, "($self, x, /)"),
        doc: "Return True: every Decimal is canonical.",
        call: |cx, def, this, args| {
            let mut slots = [None; 1];
            native::bind(cx, def, this, args, &mut slots)?;
            match slots[0] {
                Some(x) if x.cast::<Decimal>().is_some() => Ok(cx.bool(true)),
                _ => Err(cx.type_error("argument must be a Decimal")),
            }
        },
    },
    context!(test "is_finite" |d, _| d.is_finite()),
    context!(test "is_infinite" |d, _| d.is_infinite()),
    context!(test "is_nan" |d, _| d.is_nan()),
    context!(test "is_qnan" |d, _| d.kind == retic_decimal::Kind::Nan),
    context!(test "is_snan" |d, _| d.is_snan()),
    context!(test "is_signed" |d, _| d.negative),
    context!(test "is_zero" |d, _| d.is_zero()),
    context!(test "is_normal" |d, c| d.is_normal(c)),
    context!(test "is_subnormal" |d, c| d.is_subnormal(c)),
    context!(text "number_class" |d, c| d.number_class(&c.rules()).to_string()),
    context!(text "to_sci_string" |d, c| d.to_text(false, c.capitals.get())),
    context!(text "to_eng_string" |d, c| d.to_text(true, c.capitals.get())),
    MethodDef {
        name: "divmod",
        kind: MethodKind::Method,
        signature: signature("divmod", &["x", "y"], 0, 2, "($self, x, y, /)"),
        doc: "Quotient and remainder of a division, in this context.",
        call: |cx, def, this, args| {
            let mut slots = [None; 2];
            native::bind(cx, def, this, args, &mut slots)?;
            let ctx: &Ref<ContextObj> = receiver(cx, this)?;
            let [Some(x), Some(y)] = slots else { return Ok(cx.none()) };
            let s = state(cx);
            let (mut p, mut q) = (Dec::ZERO, Dec::ZERO);
            let (x, y) = (required(cx, x, &mut p)?, required(cx, y, &mut q)?);
            number::pair(cx, &s, ctx, x, y)
        },
    },
    MethodDef {
        name: "same_quantum",
        kind: MethodKind::Method,
        signature: signature("same_quantum", &["x", "y"], 0, 2, "($self, x, y, /)"),
        doc: "Whether two numbers have the same exponent.",
        call: |cx, def, this, args| {
            let mut slots = [None; 2];
            native::bind(cx, def, this, args, &mut slots)?;
            let [Some(x), Some(y)] = slots else { return Ok(cx.none()) };
            let (mut p, mut q) = (Dec::ZERO, Dec::ZERO);
            let (x, y) = (required(cx, x, &mut p)?, required(cx, y, &mut q)?);
            Ok(cx.bool(x.same_quantum(y)))
        },
    },
    MethodDef {
        name: "fma",
        kind: MethodKind::Method,
        signature: signature("fma", &["x", "y", "z"], 0, 3, "($self, x, y, z, /)"),
        doc: "x * y + z, rounded once, in this context.",
        call: |cx, def, this, args| {
            let mut slots = [None; 3];
            native::bind(cx, def, this, args, &mut slots)?;
            let ctx: &Ref<ContextObj> = receiver(cx, this)?;
            let [Some(x), Some(y), Some(z)] = slots else { return Ok(cx.none()) };
            let s = state(cx);
            let (mut p, mut q, mut r) = (Dec::ZERO, Dec::ZERO, Dec::ZERO);
            let (x, y, z) = (required(cx, x, &mut p)?, required(cx, y, &mut q)?, required(cx, z, &mut r)?);
            let mut status = 0;
            let r = arith::fma(x, y, z, &ctx.rules(), &mut status);
            finish(cx, &s, ctx, r, status)
        },
    },
    MethodDef {
        name: "power",
        kind: MethodKind::Method,
        signature: signature("power", &["a", "b", "modulo"], 0, 2, "($self, /, a, b, modulo=None)"),
        doc: "a ** b, or a ** b % modulo of integers, in this context.",
        call: |cx, def, this, args| {
            let mut slots = [None; 3];
            native::bind(cx, def, this, args, &mut slots)?;
            let ctx: &Ref<ContextObj> = receiver(cx, this)?;
            let [Some(x), Some(y), modulo] = slots else { return Ok(cx.none()) };
            let s = state(cx);
            let (mut p, mut q, mut r) = (Dec::ZERO, Dec::ZERO, Dec::ZERO);
            let (x, y) = (required(cx, x, &mut p)?, required(cx, y, &mut q)?);
            let mut status = 0;
            let value = match modulo.filter(|m| !m.is_none()) {
                None => transcend::pow(x, y, &ctx.rules(), &mut status),
                Some(m) => transcend::pow_mod(x, y, required(cx, m, &mut r)?, &ctx.rules(), &mut status),
            };
            finish(cx, &s, ctx, value, status)
        },
    },
    MethodDef {
        name: "radix",
        kind: MethodKind::Method,
        signature: signature("radix", &[], 0, 0, "($self, /)"),
        doc: "Return 10.",
        call: |cx, def, this, args| {
            native::bind(cx, def, this, args, &mut [])?;
            let s = state(cx);
            make(cx, &s, Dec::of_i64(10))
        },
    },
    MethodDef {
        name: "canonical",
        kind: MethodKind::Method,
        signature: signature("canonical", &["x"], 1, 1, "($self, x, /)"),
        doc: "Return the same number.",
        call: |cx, def, this, args| {
            let mut slots = [None; 1];
            native::bind(cx, def, this, args, &mut slots)?;
            match slots[0] {
                Some(x) if x.cast::<Decimal>().is_some() => Ok(x.clone()),
                _ => Err(cx.type_error("argument must be a Decimal")),
            }
        },
    },
    MethodDef {
        name: "copy_decimal",
        kind: MethodKind::Method,
        signature: signature("copy_decimal", &["x"], 1, 1, "($self, x, /)"),
        doc: "Return the number, made a Decimal.",
        call: |cx, def, this, args| {
            let mut slots = [None; 1];
            native::bind(cx, def, this, args, &mut slots)?;
            let Some(x) = slots[0] else { return Ok(cx.none()) };
            if x.cast::<Decimal>().is_some() {
                return Ok(x.clone());
            }
            let s = state(cx);
            let mut place = Dec::ZERO;
            let d = required(cx, x, &mut place)?.clone();
            make(cx, &s, d)
        },
    },
    context!(one "_apply" apply),
    CREATE,
    MethodDef {
        name: "create_decimal_from_float",
        kind: MethodKind::Method,
        signature: signature("create_decimal_from_float", &["f"], 1, 1, "($self, f, /)"),
        doc: "A number from a float, rounded in this context.",
        call: |cx, def, this, args| {
            let mut slots = [None; 1];
            native::bind(cx, def, this, args, &mut slots)?;
            let ctx: &Ref<ContextObj> = receiver(cx, this)?;
            let Some(f) = slots[0] else { return Ok(cx.none()) };
            let s = state(cx);
            let exact = if f.cast::<Int>().is_some() {
                let mut place = Dec::ZERO;
                required(cx, f, &mut place)?.clone()
            } else if let Some(x) = f.cast::<retic_runtime::types::Float>() {
                Dec::of_f64(x.value.get()).map_err(|_| cx.memory_error())?
            } else {
                return Err(cx.type_error("argument must be int or float"));
            };
            let mut status = 0;
            let r = exact.finalized(&ctx.rules(), &mut status);
            finish(cx, &s, ctx, r, status)
        },
    },
];

/// Rounds.
fn apply(a: &Dec, c: &Context, s: &mut u32) -> Dec {
    a.clone().finalized(c, s)
}
const CREATE: MethodDef = MethodDef {
    name: "create_decimal",
    kind: MethodKind::Method,
    signature: signature("create_decimal", &["num"], 1, 0, "($self, num=\"0\", /)"),
    doc: "A number, rounded in this context, whose traps and flags are used.",
    call: |cx, def, this, args| {
        let mut slots = [None; 1];
        native::bind(cx, def, this, args, &mut slots)?;
        let ctx: &Ref<ContextObj> = receiver(cx, this)?;
        let s = state(cx);
        let d = match slots[0] {
            Some(x) => number::in_context(cx, ctx, x)?,
            None => Dec::ZERO,
        };
        make(cx, &s, d)
    },
};
