//! Making a result fit its context: rounding, exponents, and the flags of both.

use crate::limbs::{Limbs, NoMemory, POWERS};
use crate::{Context, Dec, Kind, Rounding, flag, invalid, with_memory};

/// Whether a coefficient grows by one, when digits that compare with a half as `rest` says (`Limbs::shift_right`) go.
pub fn goes_up(rest: u8, odd_or_low: &Limbs, negative: bool, rounding: Rounding) -> bool {
    match rounding {
        Rounding::Down => false,
        Rounding::Up => rest > 0,
        Rounding::HalfUp => rest >= 5,
        Rounding::HalfDown => rest > 5,
        Rounding::HalfEven => rest > 5 || rest == 5 && odd_or_low.is_odd(),
        Rounding::Ceiling => rest > 0 && !negative,
        Rounding::Floor => rest > 0 && negative,
        Rounding::ZeroFiveUp => rest > 0 && matches!(odd_or_low.last_digit(), 0 | 5),
    }
}

impl Dec {
    /// Lets digits go, rounding; the exponent grows. Gives what they compared with.
    fn drop_digits(&mut self, n: i64, rounding: Rounding) -> Result<u8, NoMemory> {
        if let (Some(c), 1..=18) = (self.coefficient.to_u128(), n) {
            // In machine numbers; by a word, which is quick.
            let by = u128::from(POWERS[n as usize]);
            let (mut q, r) = (c / by, (c % by) as u64);
            let half = POWERS[n as usize] / 2;
            let rest = match r.cmp(&half) {
                _ if r == 0 => 0,
                std::cmp::Ordering::Less => 1,
                std::cmp::Ordering::Equal => 5,
                std::cmp::Ordering::Greater => 6,
            };
            if rest != 0 && goes_up(rest, &Limbs::from_u64((q % 10) as u64), self.negative, rounding) {
                q += 1;
            }
            self.coefficient = Limbs::from_u128(q);
            self.exp += n;
            return Ok(rest);
        }
        let (mut c, rest) = self.coefficient.shift_right(usize::try_from(n).unwrap_or(usize::MAX))?;
        if goes_up(rest, &c, self.negative, rounding) {
            c = c.add_small(1)?;
        }
        self.coefficient = c;
        self.exp += n;
        Ok(rest)
    }

    fn overflowed(&mut self, ctx: &Context, status: &mut u32) -> Result<(), NoMemory> {
        *status |= flag::OVERFLOW | flag::INEXACT | flag::ROUNDED;
        let to_infinity = match ctx.rounding {
            Rounding::HalfUp | Rounding::HalfEven | Rounding::HalfDown | Rounding::Up => true,
            Rounding::Ceiling => !self.negative,
            Rounding::Floor => self.negative,
            Rounding::Down | Rounding::ZeroFiveUp => false,
        };
        if to_infinity {
            *self = Dec::infinity(self.negative);
        } else {
            self.coefficient = Limbs::nines(usize::try_from(ctx.prec).map_err(|_| NoMemory)?)?;
            self.exp = ctx.etop();
        }
        Ok(())
    }

    fn check_exponent(&mut self, ctx: &Context, status: &mut u32) -> Result<(), NoMemory> {
        let adjusted = self.adjusted();
        if adjusted > ctx.emax {
            if self.coefficient.is_zero() {
                self.exp = if ctx.clamp { ctx.etop() } else { ctx.emax };
                *status |= flag::CLAMPED;
                return Ok(());
            }
            return self.overflowed(ctx, status);
        }
        if ctx.clamp && self.exp > ctx.etop() {
            // Folding down: the same value with more zeros.
            let by = self.exp - ctx.etop();
            self.coefficient = self.coefficient.shift_left(usize::try_from(by).map_err(|_| NoMemory)?)?;
            self.exp -= by;
            *status |= flag::CLAMPED;
            if !self.coefficient.is_zero() && adjusted < ctx.emin {
                *status |= flag::SUBNORMAL;
            }
        } else if adjusted < ctx.emin {
            let etiny = ctx.etiny();
            if self.coefficient.is_zero() {
                if self.exp < etiny {
                    self.exp = etiny;
                    *status |= flag::CLAMPED;
                }
                return Ok(());
            }
            *status |= flag::SUBNORMAL;
            if self.exp < etiny {
                let rest = self.drop_digits(etiny - self.exp, ctx.rounding)?;
                *status |= flag::ROUNDED;
                if rest != 0 {
                    *status |= flag::INEXACT | flag::UNDERFLOW;
                    if self.coefficient.is_zero() {
                        *status |= flag::CLAMPED;
                    }
                }
            }
        }
        Ok(())
    }

    fn try_finalize(&mut self, ctx: &Context, status: &mut u32) -> Result<(), NoMemory> {
        match self.kind {
            Kind::Infinite => return Ok(()),
            Kind::Nan | Kind::SignallingNan => {
                let room = ctx.prec - i64::from(ctx.clamp);
                if self.digits() > room {
                    self.coefficient = self.coefficient.low_digits(room as usize);
                }
                return Ok(());
            }
            Kind::Finite => {}
        }
        self.check_exponent(ctx, status)?;
        if self.is_finite() && self.digits() > ctx.prec {
            let rest = self.drop_digits(self.digits() - ctx.prec, ctx.rounding)?;
            *status |= flag::ROUNDED;
            if rest != 0 {
                *status |= flag::INEXACT;
            }
            if self.digits() > ctx.prec {
                // A carry out of nines.
                self.drop_digits(1, Rounding::Down)?;
            }
            if self.adjusted() > ctx.emax {
                self.overflowed(ctx, status)?;
            }
        }
        Ok(())
    }

    /// Rounded and bounded by a context.
    #[inline]
    pub fn finalized(mut self, ctx: &Context, status: &mut u32) -> Dec {
        if self.kind == Kind::Finite
            && self.coefficient.len() <= 4
            && self.digits() <= ctx.prec
            && (-5000..5000).contains(&self.exp)
            && ctx.emax >= 6000
            && ctx.emin <= -6000
            && !ctx.clamp
        {
            // The usual case: nothing to do.
            return self;
        }
        match self.try_finalize(ctx, status) {
            Ok(()) => self,
            Err(e) => crate::no_memory(e, status),
        }
    }

    /// The same value with another exponent, rounded where it must be. `None`: it has no room.
    fn rescaled(&self, exp: i64, ctx: &Context) -> Result<Option<(Dec, u8)>, NoMemory> {
        let mut d = self.clone();
        if d.coefficient.is_zero() {
            d.exp = exp;
            return Ok(Some((d, 0)));
        }
        let shift = self.exp.saturating_sub(exp);
        if shift >= 0 {
            if self.digits().saturating_add(shift) > MAX_SHIFTED.min(ctx.prec) {
                return Ok(None);
            }
            d.coefficient = self.coefficient.shift_left(shift as usize)?;
            d.exp = exp;
            return Ok(Some((d, 0)));
        }
        let rest = d.drop_digits(-shift, ctx.rounding)?;
        d.exp = exp;
        Ok(Some((d, rest)))
    }

    /// A number equal to this after rounding, with the exponent of `b`.
    pub fn quantize(&self, b: &Dec, ctx: &Context, status: &mut u32) -> Dec {
        if self.is_special() || b.is_special() {
            if let Some(nan) = crate::compare::check_nans(self, b, ctx, status) {
                return nan;
            }
            return if self.is_infinite() && b.is_infinite() { self.clone() } else { invalid(flag::INVALID_OPERATION, status) };
        }
        if b.exp > ctx.emax || b.exp < ctx.etiny() {
            return invalid(flag::INVALID_OPERATION, status);
        }
        with_memory(status, |status| {
            let Some((d, rest)) = self.rescaled(b.exp, ctx)? else { return Ok(invalid(flag::INVALID_OPERATION, status)) };
            let (d, mut own) = (d, 0);
            if self.exp < b.exp && !self.is_zero() {
                own |= flag::ROUNDED;
                if rest != 0 {
                    own |= flag::INEXACT;
                }
            }
            if d.digits() > ctx.prec || d.adjusted() > ctx.emax {
                return Ok(invalid(flag::INVALID_OPERATION, status));
            }
            *status |= own;
            Ok(d.finalized(ctx, status))
        })
    }

    /// Rounded to an integer; `exact`: with the flags Rounded and Inexact.
    pub fn to_integral(&self, rounding: Rounding, exact: bool, ctx: &Context, status: &mut u32) -> Dec {
        if self.is_special() {
            return match crate::compare::check_nan(self, ctx, status) {
                Some(nan) => nan,
                None => self.clone(),
            };
        }
        if self.exp >= 0 {
            return self.clone();
        }
        if self.is_zero() {
            return Dec::finite(self.negative, Limbs::ZERO, 0);
        }
        with_memory(status, |status| {
            let mut d = self.clone();
            let rest = d.drop_digits(-self.exp, rounding)?;
            d.exp = 0;
            if exact {
                *status |= flag::ROUNDED;
                if rest != 0 {
                    *status |= flag::INEXACT;
                }
            }
            Ok(d)
        })
    }

    /// Without zeros at the end of its coefficient.
    pub fn normalize(&self, ctx: &Context, status: &mut u32) -> Dec {
        if self.is_special() {
            return crate::compare::check_nan(self, ctx, status).unwrap_or_else(|| self.clone());
        }
        let mut d = self.clone().finalized(ctx, status);
        if d.is_special() {
            return d;
        }
        if d.is_zero() {
            d.exp = 0;
            return d;
        }
        let most = if ctx.clamp { ctx.etop() } else { ctx.emax };
        let zeros = (d.coefficient.trailing_zeros() as i64).min(most - d.exp).max(0);
        if zeros > 0 && d.drop_digits(zeros, Rounding::Down).is_err() {
            return invalid(flag::MALLOC_ERROR, status);
        }
        d
    }
}

/// More digits than this no shift makes.
const MAX_SHIFTED: i64 = i64::MAX / 4;
