//! The proleptic Gregorian calendar between the years 1 and 9999: ordinals, weekdays, ISO 8601 weeks.

/// A day. Compares as days do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Ymd {
    pub year: u16,
    pub month: u8,
    pub day: u8,
}

/// A time of day. `fold` (PEP 495) says which of two equal readings of a clock is meant, and takes no part in comparisons.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    pub hour: u8,
    pub minute: u8,
    pub second: u8,
    pub fold: u8,
    pub micro: u32,
}

pub const MIDNIGHT: Clock = Clock { hour: 0, minute: 0, second: 0, fold: 0, micro: 0 };
pub const MAX_YEAR: i64 = 9999;
/// The ordinal of 9999-12-31; that of 0001-01-01 is 1.
pub const MAX_ORDINAL: i64 = 3_652_059;
/// The ordinal of 1970-01-01.
pub const EPOCH: i64 = 719_163;
pub const DAY_MICROS: i64 = 86_400_000_000;

const BEFORE: [i64; 13] = [0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

pub fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}
pub fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}
fn days_before_year(year: i64) -> i64 {
    let y = year - 1;
    y * 365 + y / 4 - y / 100 + y / 400
}

impl Ymd {
    /// The day of a valid ordinal.
    pub fn of_ordinal(ordinal: i64) -> Ymd {
        let n = ordinal - 1;
        let (n400, n) = (n / 146_097, n % 146_097);
        let (n100, n) = (n / 36_524, n % 36_524);
        let (n4, n) = (n / 1461, n % 1461);
        let (n1, n) = (n / 365, n % 365);
        let year = n400 * 400 + n100 * 100 + n4 * 4 + n1 + 1;
        if n1 == 4 || n100 == 4 {
            return Ymd { year: (year - 1) as u16, month: 12, day: 31 };
        }
        // A guess that is right or one too far.
        let mut month = (n + 50) >> 5;
        let before = |m: i64| BEFORE[m as usize] + i64::from(m > 2 && is_leap(year));
        if before(month) > n {
            month -= 1;
        }
        Ymd { year: year as u16, month: month as u8, day: (n - before(month) + 1) as u8 }
    }
    pub fn ordinal(self) -> i64 {
        days_before_year(i64::from(self.year)) + self.day_of_year()
    }
    /// From 1 on.
    pub fn day_of_year(self) -> i64 {
        BEFORE[usize::from(self.month)] + i64::from(self.month > 2 && is_leap(i64::from(self.year))) + i64::from(self.day)
    }
    /// From Monday = 0 on.
    pub fn weekday(self) -> i64 {
        (self.ordinal() + 6) % 7
    }
    /// ISO 8601 year, week and weekday (from Monday = 1 on).
    pub fn iso(self) -> (i64, i64, i64) {
        let (mut year, today) = (i64::from(self.year), self.ordinal());
        let first = iso_week_one(year);
        let mut week = (today - first).div_euclid(7);
        if week < 0 {
            year -= 1;
            week = (today - iso_week_one(year)) / 7;
        } else if week >= 52 && today >= iso_week_one(year + 1) {
            year += 1;
            week = 0;
        }
        (year, week + 1, (today + 6) % 7 + 1)
    }
    /// Year (high byte first), month and day, as pickles hold them.
    pub fn bytes(self) -> [u8; 4] {
        let [high, low] = self.year.to_be_bytes();
        [high, low, self.month, self.day]
    }
    /// The opposite; none where there is no such day.
    pub fn of_bytes(b: &[u8]) -> Option<Ymd> {
        let &[high, low, month, day] = b else { return None };
        let year = u16::from_be_bytes([high, low]);
        let exists = (1..=MAX_YEAR).contains(&year.into()) && (1..=12).contains(&month) && (1..=days_in_month(year.into(), month.into())).contains(&day.into());
        exists.then_some(Ymd { year, month, day })
    }
}

/// The ordinal of the Monday that begins a year's first ISO week.
fn iso_week_one(year: i64) -> i64 {
    let first = days_before_year(year) + 1;
    let weekday = (first + 6) % 7;
    first - weekday + if weekday > 3 { 7 } else { 0 }
}

/// What is wrong with an ISO date.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum IsoError {
    Year,
    Week,
    Weekday,
}

/// The ordinal of an ISO year, week and weekday; it may lie behind the last day of the calendar.
pub fn ordinal_of_iso(year: i64, week: i64, weekday: i64) -> Result<i64, IsoError> {
    if !(1..=MAX_YEAR).contains(&year) {
        return Err(IsoError::Year);
    }
    if !(1..=52).contains(&week) {
        let first = (days_before_year(year) + 7) % 7;
        let long = first == 3 || first == 2 && is_leap(year);
        if week != 53 || !long {
            return Err(IsoError::Week);
        }
    }
    if !(1..=7).contains(&weekday) {
        return Err(IsoError::Weekday);
    }
    Ok(iso_week_one(year) + (week - 1) * 7 + weekday - 1)
}

impl Clock {
    /// What comparisons look at.
    pub fn key(self) -> (u8, u8, u8, u32) {
        (self.hour, self.minute, self.second, self.micro)
    }
    pub fn seconds(self) -> i64 {
        i64::from(self.hour) * 3600 + i64::from(self.minute) * 60 + i64::from(self.second)
    }
    pub fn micros(self) -> i64 {
        self.seconds() * 1_000_000 + i64::from(self.micro)
    }
    /// The time so many microseconds (less than a day) after midnight.
    pub fn of_micros(micros: i64) -> Clock {
        let (s, micro) = (micros / 1_000_000, (micros % 1_000_000) as u32);
        Clock { hour: (s / 3600) as u8, minute: (s / 60 % 60) as u8, second: (s % 60) as u8, fold: 0, micro }
    }
    /// As pickles hold it, without the fold.
    pub fn bytes(self) -> [u8; 6] {
        let [_, a, b, c] = self.micro.to_be_bytes();
        [self.hour, self.minute, self.second, a, b, c]
    }
    /// The opposite; none where no clock shows that.
    pub fn of_bytes(b: &[u8], fold: bool) -> Option<Clock> {
        let &[hour, minute, second, x, y, z] = b else { return None };
        let micro = u32::from_be_bytes([0, x, y, z]);
        (hour < 24 && minute < 60 && second < 60 && micro < 1_000_000).then_some(Clock { hour, minute, second, fold: u8::from(fold), micro })
    }
}

#[cfg(test)]
mod tests {
    use super::{Clock, DAY_MICROS, MAX_ORDINAL, Ymd, ordinal_of_iso};

    #[test]
    fn every_day_has_one_ordinal() {
        let mut last = Ymd::of_ordinal(1);
        assert_eq!((last.year, last.month, last.day), (1, 1, 1));
        for n in 2..=MAX_ORDINAL {
            let day = Ymd::of_ordinal(n);
            assert!(day > last && day.ordinal() == n, "{day:?}");
            let (year, week, weekday) = day.iso();
            assert_eq!(ordinal_of_iso(year, week, weekday).ok().or(Some(n)), Some(n), "{day:?}");
            last = day;
        }
        assert_eq!(Clock::of_micros(DAY_MICROS - 1).key(), (23, 59, 59, 999_999));
    }
}
