//! Orders: by value, and the total one over all representations.

use crate::{Context, Dec, Kind, flag};
use std::cmp::Ordering;

/// The NaN that an operation on one operand gives, if that is one.
pub fn check_nan(a: &Dec, ctx: &Context, status: &mut u32) -> Option<Dec> {
    if !a.is_nan() {
        return None;
    }
    if a.is_snan() {
        *status |= flag::INVALID_OPERATION;
    }
    let mut own = 0;
    Some(Dec { kind: Kind::Nan, ..a.clone() }.finalized(ctx, &mut own))
}
/// The same of two: one that signals goes first.
pub fn check_nans(a: &Dec, b: &Dec, ctx: &Context, status: &mut u32) -> Option<Dec> {
    let which = if b.is_snan() && !a.is_snan() || !a.is_nan() { b } else { a };
    check_nan(which, ctx, status)
}

/// Coefficients as if they had the same exponent.
fn compare_magnitudes(a: &Dec, b: &Dec) -> Ordering {
    match (a.coefficient.is_zero(), b.coefficient.is_zero()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Less,
        (false, true) => return Ordering::Greater,
        _ => {}
    }
    let by_size = a.adjusted().cmp(&b.adjusted());
    if by_size != Ordering::Equal {
        return by_size;
    }
    if a.exp == b.exp {
        return a.coefficient.compare(&b.coefficient);
    }
    // As many digits before the point: compare digit by digit, the shorter has zeros behind.
    let (m, n) = (a.coefficient.digits(), b.coefficient.digits());
    for i in 1..=m.max(n) {
        let x = if i <= m { a.coefficient.digit(m - i) } else { 0 };
        let y = if i <= n { b.coefficient.digit(n - i) } else { 0 };
        if x != y {
            return x.cmp(&y);
        }
    }
    Ordering::Equal
}

/// By value; neither is a NaN.
pub fn by_value(a: &Dec, b: &Dec) -> Ordering {
    let sign = |d: &Dec| match (d.is_zero(), d.negative) {
        (true, _) => 0,
        (_, true) => -1,
        _ => 1,
    };
    let (x, y) = (sign(a), sign(b));
    if x != y || x == 0 {
        return x.cmp(&y);
    }
    let magnitude = match (a.is_infinite(), b.is_infinite()) {
        (false, false) => compare_magnitudes(a, b),
        (x, y) => x.cmp(&y),
    };
    if x < 0 { magnitude.reverse() } else { magnitude }
}

fn as_dec(o: Ordering) -> Dec {
    Dec::of_i64(o as i64)
}

/// -1, 0 or 1, or a NaN.
pub fn compare(a: &Dec, b: &Dec, ctx: &Context, status: &mut u32) -> Dec {
    check_nans(a, b, ctx, status).unwrap_or_else(|| as_dec(by_value(a, b)))
}
/// The same; every NaN signals.
pub fn compare_signal(a: &Dec, b: &Dec, ctx: &Context, status: &mut u32) -> Dec {
    if a.is_nan() || b.is_nan() {
        *status |= flag::INVALID_OPERATION;
    }
    compare(a, b, ctx, status)
}

/// The total order: -NaN < -sNaN < -inf < ... < inf < sNaN < NaN, and by exponents among equals.
pub fn total(a: &Dec, b: &Dec) -> Ordering {
    if a.negative != b.negative {
        return b.negative.cmp(&a.negative);
    }
    let rank = |d: &Dec| match d.kind {
        Kind::Finite => 0,
        Kind::Infinite => 1,
        Kind::SignallingNan => 2,
        Kind::Nan => 3,
    };
    let magnitude = rank(a).cmp(&rank(b)).then_with(|| match a.kind {
        Kind::Finite => compare_magnitudes(a, b).then(a.exp.cmp(&b.exp)),
        Kind::Infinite => Ordering::Equal,
        _ => a.coefficient.compare(&b.coefficient),
    });
    if a.negative { magnitude.reverse() } else { magnitude }
}
pub fn compare_total(a: &Dec, b: &Dec) -> Dec {
    as_dec(total(a, b))
}
pub fn compare_total_mag(a: &Dec, b: &Dec) -> Dec {
    as_dec(total(&a.with_sign(false), &b.with_sign(false)))
}

/// The larger or smaller of two, by value or magnitude; a number goes before a quiet NaN.
pub fn select(a: &Dec, b: &Dec, larger: bool, magnitude: bool, ctx: &Context, status: &mut u32) -> Dec {
    match (a.kind == Kind::Nan, b.kind == Kind::Nan) {
        (true, false) if !b.is_nan() => return b.clone().finalized(ctx, status),
        (false, true) if !a.is_nan() => return a.clone().finalized(ctx, status),
        _ => {}
    }
    if let Some(nan) = check_nans(a, b, ctx, status) {
        return nan;
    }
    let mut order = if magnitude { by_value(&a.with_sign(false), &b.with_sign(false)) } else { by_value(a, b) };
    if magnitude && order == Ordering::Equal {
        order = by_value(a, b);
    }
    let order = order.then_with(|| total(a, b));
    let first = (order == Ordering::Greater) == larger;
    let chosen = if order == Ordering::Equal && !larger {
        b
    } else if first {
        a
    } else {
        b
    };
    chosen.clone().finalized(ctx, status)
}
