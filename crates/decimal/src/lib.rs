//! Decimal arithmetic: the General Decimal Arithmetic Specification 1.70 (Cowlishaw), with the ranges, flags and results of
//! libmpdec, on which CPython's `decimal` stands. Knows no object and no interpreter.

pub mod arith;
pub mod compare;
pub mod convert;
pub mod limbs;
pub mod logic;
pub mod round;
pub mod text;
pub mod transcend;

use limbs::Limbs;

/// What happened while a result was made; a set of these.
pub mod flag {
    pub const CLAMPED: u32 = 0x1;
    pub const CONVERSION_SYNTAX: u32 = 0x2;
    pub const DIVISION_BY_ZERO: u32 = 0x4;
    pub const DIVISION_IMPOSSIBLE: u32 = 0x8;
    pub const DIVISION_UNDEFINED: u32 = 0x10;
    pub const INEXACT: u32 = 0x40;
    pub const INVALID_CONTEXT: u32 = 0x80;
    pub const INVALID_OPERATION: u32 = 0x100;
    pub const MALLOC_ERROR: u32 = 0x200;
    pub const FLOAT_OPERATION: u32 = 0x400;
    pub const OVERFLOW: u32 = 0x800;
    pub const ROUNDED: u32 = 0x1000;
    pub const SUBNORMAL: u32 = 0x2000;
    pub const UNDERFLOW: u32 = 0x4000;
    /// The conditions that are signalled as InvalidOperation.
    pub const ALL_INVALID: u32 = CONVERSION_SYNTAX | DIVISION_IMPOSSIBLE | DIVISION_UNDEFINED | INVALID_CONTEXT | INVALID_OPERATION | MALLOC_ERROR;
}

/// The largest precision and exponents.
pub const MAX_PREC: i64 = 999_999_999_999_999_999;
pub const MAX_EMAX: i64 = 999_999_999_999_999_999;
pub const MIN_EMIN: i64 = -999_999_999_999_999_999;
pub const MIN_ETINY: i64 = MIN_EMIN - (MAX_PREC - 1);

/// Ways of rounding, in CPython's numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rounding {
    Up,
    Down,
    Ceiling,
    Floor,
    HalfUp,
    HalfDown,
    HalfEven,
    ZeroFiveUp,
}

/// The rules of a computation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Context {
    pub prec: i64,
    pub emax: i64,
    pub emin: i64,
    pub rounding: Rounding,
    pub clamp: bool,
}

impl Context {
    /// The widest range; precision as given.
    pub const fn wide(prec: i64) -> Context {
        Context { prec, emax: MAX_EMAX, emin: MIN_EMIN, rounding: Rounding::HalfEven, clamp: false }
    }
    /// The smallest exponent of a result.
    pub fn etiny(&self) -> i64 {
        self.emin - (self.prec - 1)
    }
    /// The largest exponent of a result with full precision.
    pub fn etop(&self) -> i64 {
        self.emax - (self.prec - 1)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Finite,
    Infinite,
    Nan,
    /// A NaN that signals.
    SignallingNan,
}

/// A decimal number: `coefficient * 10 ** exp`. A NaN's coefficient is its payload.
#[derive(Clone, Debug)]
pub struct Dec {
    pub negative: bool,
    pub kind: Kind,
    pub exp: i64,
    pub coefficient: Limbs,
}

impl Dec {
    pub const ZERO: Dec = Dec::finite(false, Limbs::ZERO, 0);
    pub const ONE: Dec = Dec::finite(false, Limbs::ONE, 0);
    pub const NAN: Dec = Dec { negative: false, kind: Kind::Nan, exp: 0, coefficient: Limbs::ZERO };

    pub const fn finite(negative: bool, coefficient: Limbs, exp: i64) -> Dec {
        Dec { negative, kind: Kind::Finite, exp, coefficient }
    }
    pub const fn infinity(negative: bool) -> Dec {
        Dec { negative, kind: Kind::Infinite, exp: 0, coefficient: Limbs::ZERO }
    }
    pub fn of_i64(n: i64) -> Dec {
        Dec::finite(n < 0, Limbs::from_u64(n.unsigned_abs()), 0)
    }
    #[inline]
    pub fn is_finite(&self) -> bool {
        self.kind == Kind::Finite
    }
    pub fn is_special(&self) -> bool {
        self.kind != Kind::Finite
    }
    pub fn is_infinite(&self) -> bool {
        self.kind == Kind::Infinite
    }
    pub fn is_nan(&self) -> bool {
        matches!(self.kind, Kind::Nan | Kind::SignallingNan)
    }
    pub fn is_snan(&self) -> bool {
        self.kind == Kind::SignallingNan
    }
    /// A zero of any sign and exponent.
    #[inline]
    pub fn is_zero(&self) -> bool {
        self.kind == Kind::Finite && self.coefficient.is_zero()
    }
    pub fn digits(&self) -> i64 {
        self.coefficient.digits() as i64
    }
    /// The exponent of the highest digit.
    pub fn adjusted(&self) -> i64 {
        self.exp + self.digits() - 1
    }
    /// Whether it has no part behind the point.
    pub fn is_integer(&self) -> bool {
        if !self.is_finite() {
            return false;
        }
        self.is_zero() || self.exp >= 0 || self.coefficient.trailing_zeros() as i64 >= -self.exp
    }
    /// Whether it is an integer, and odd.
    pub fn is_odd_integer(&self) -> bool {
        self.is_integer() && !self.is_zero() && self.exp <= 0 && self.coefficient.digit(-self.exp as usize) & 1 == 1
    }
    pub fn with_sign(&self, negative: bool) -> Dec {
        Dec { negative, ..self.clone() }
    }
}

/// NaN, because of `why`.
pub fn invalid(why: u32, status: &mut u32) -> Dec {
    *status |= why;
    Dec::NAN
}
/// NaN where there was no memory.
pub fn no_memory(_: limbs::NoMemory, status: &mut u32) -> Dec {
    invalid(flag::MALLOC_ERROR, status)
}
/// Runs what may run out of memory.
pub(crate) fn with_memory(status: &mut u32, f: impl FnOnce(&mut u32) -> Result<Dec, limbs::NoMemory>) -> Dec {
    f(status).unwrap_or_else(|e| no_memory(e, status))
}
