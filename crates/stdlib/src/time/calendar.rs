//! Broken-down times and their text: the proleptic Gregorian calendar and `strftime`.

use retic_runtime::host::locales::{c_text, item};

/// A moment as a calendar shows it. `month` and `yday` count from 1, `wday` from Monday = 0.
#[derive(Clone, Debug)]
pub struct Moment {
    pub year: i64,
    pub month: i64,
    pub day: i64,
    pub hour: i64,
    pub minute: i64,
    pub second: i64,
    pub wday: i64,
    pub yday: i64,
    pub isdst: i64,
    pub zone: String,
    pub offset: i64,
}

pub const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
pub const MONTHS: [&str; 12] = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

/// Days from 1970-01-01 to a date.
pub fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let of_era = y.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let (era, of_era) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let m = (5 * of_year + 2) / 153;
    let month = if m < 10 { m + 3 } else { m - 9 };
    (year + era * 400 + i64::from(month <= 2), month, of_year - (153 * m + 2) / 5 + 1)
}

impl Moment {
    /// `seconds` since the Epoch, shown in a zone `offset` seconds east of UTC.
    pub fn at(seconds: i64, offset: i64, zone: String, dst: bool) -> Moment {
        let local = seconds + offset;
        let (days, rest) = (local.div_euclid(86_400), local.rem_euclid(86_400));
        let (year, month, day) = civil_from_days(days);
        Moment {
            year,
            month,
            day,
            hour: rest / 3600,
            minute: rest / 60 % 60,
            second: rest % 60,
            wday: (days + 3).rem_euclid(7),
            yday: days - days_from_civil(year, 1, 1) + 1,
            isdst: i64::from(dst),
            zone,
            offset,
        }
    }
    /// Seconds since the Epoch of the same numbers read as UTC; months and days beyond their range carry over.
    pub fn naive(&self) -> i128 {
        let months = self.year * 12 + self.month - 1;
        let days = i128::from(days_from_civil(months.div_euclid(12), months.rem_euclid(12) + 1, 1)) + i128::from(self.day) - 1;
        days * 86_400 + i128::from(self.hour) * 3600 + i128::from(self.minute) * 60 + i128::from(self.second)
    }
    /// ISO 8601 year and week.
    fn iso(&self) -> (i64, i64) {
        let leap = |y: i64| (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
        let weeks = |y: i64| {
            let jan1 = (days_from_civil(y, 1, 1) + 3).rem_euclid(7);
            if jan1 == 3 || (jan1 == 2 && leap(y)) { 53 } else { 52 }
        };
        let week = (self.yday - 1 - self.wday + 10) / 7;
        match week {
            0 => (self.year - 1, weeks(self.year - 1)),
            53 if weeks(self.year) == 52 => (self.year + 1, 1),
            w => (self.year, w),
        }
    }
    /// `time.asctime`'s text.
    pub fn asctime(&self) -> String {
        format!(
            "{} {}{:3} {:02}:{:02}:{:02} {}",
            &DAYS[self.wday as usize][..3],
            &MONTHS[(self.month - 1).rem_euclid(12) as usize][..3],
            self.day,
            self.hour,
            self.minute,
            self.second,
            self.year
        )
    }
}

/// A number in a field: width and fill by default, or as the glibc flag (`-`, `_`, `0`) says.
fn number(out: &mut String, flag: Option<char>, width: Option<usize>, value: i64, usual: usize, fill: char) {
    let width = width.unwrap_or(usual);
    let text = value.to_string();
    match flag {
        Some('-') => out.push_str(&text),
        f => {
            let fill = match f {
                Some('_') => ' ',
                Some('0') => '0',
                _ => fill,
            };
            if let Some(digits) = text.strip_prefix('-').filter(|_| fill == '0') {
                out.push('-');
                (text.len()..width).for_each(|_| out.push('0'));
                out.push_str(digits);
            } else {
                (text.len()..width).for_each(|_| out.push(fill));
                out.push_str(&text);
            }
        }
    }
}

/// `strftime` as glibc's; `local`: the texts of the user's language, by the numbers of `<langinfo.h>`, where it is another than C.
/// A directive it does not know stays as it is.
pub fn format(m: &Moment, format: &str, local: &mut dyn FnMut(i32) -> Option<String>) -> String {
    let mut out = String::new();
    let mut rest = format.chars().peekable();
    while let Some(c) = rest.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut raw = String::from("%");
        let mut flag = None;
        while let Some(&f) = rest.peek().filter(|f| matches!(f, '-' | '_' | '0' | '^' | '#')) {
            flag = Some(f);
            raw.push(f);
            rest.next();
        }
        let mut width = None;
        while let Some(d) = rest.peek().and_then(|d| d.to_digit(10)) {
            width = Some((width.unwrap_or(0) * 10 + d as usize).min(1024));
            raw.extend(rest.next());
        }
        while let Some(&e) = rest.peek().filter(|e| matches!(e, 'E' | 'O')) {
            raw.push(e);
            rest.next();
        }
        let Some(d) = rest.next() else {
            out.push_str(&raw);
            break;
        };
        raw.push(d);
        let mut num = |v: i64, w: usize, fill: char| number(&mut out, flag, width, v, w, fill);
        let twelve = if m.hour % 12 == 0 { 12 } else { m.hour % 12 };
        let (day, month) = ((m.wday as i32 + 1) % 7, (m.month - 1).rem_euclid(12) as i32);
        let mut said = |i: i32| local(i).unwrap_or_else(|| c_text(i).to_string());
        match d {
            'Y' => num(m.year, 1, '0'),
            'C' => num(m.year.div_euclid(100), 2, '0'),
            'y' => num(m.year.rem_euclid(100), 2, '0'),
            'G' => num(m.iso().0, 1, '0'),
            'g' => num(m.iso().0.rem_euclid(100), 2, '0'),
            'V' => num(m.iso().1, 2, '0'),
            'U' => num((m.yday - 1 + 7 - (m.wday + 1) % 7) / 7, 2, '0'),
            'W' => num((m.yday - 1 + 7 - m.wday) / 7, 2, '0'),
            'm' => num(m.month, 2, '0'),
            'd' => num(m.day, 2, '0'),
            'e' => num(m.day, 2, ' '),
            'H' => num(m.hour, 2, '0'),
            'k' => num(m.hour, 2, ' '),
            'I' => num(twelve, 2, '0'),
            'l' => num(twelve, 2, ' '),
            'M' => num(m.minute, 2, '0'),
            'S' => num(m.second, 2, '0'),
            'j' => num(m.yday, 3, '0'),
            'u' => num(m.wday + 1, 1, '0'),
            'w' => num((m.wday + 1) % 7, 1, '0'),
            's' => num((m.naive() - i128::from(m.offset)) as i64, 1, '0'),
            'a' | 'A' | 'b' | 'B' | 'h' | 'p' | 'P' | 'Z' => {
                let text = match d {
                    'a' => said(item::SHORT_DAY + day),
                    'A' => said(item::DAY + day),
                    'b' | 'h' => said(item::SHORT_MONTH + month),
                    'B' => said(item::MONTH + month),
                    'p' => said(if m.hour < 12 { item::AM } else { item::PM }),
                    'P' => said(if m.hour < 12 { item::AM } else { item::PM }).to_lowercase(),
                    _ => m.zone.clone(),
                };
                let text = match flag {
                    Some('^') => text.to_uppercase(),
                    Some('#') if matches!(d, 'p' | 'Z') => text.to_lowercase(),
                    Some('#') => text.to_uppercase(),
                    _ => text,
                };
                (text.chars().count()..width.unwrap_or(0)).for_each(|_| out.push(' '));
                out.push_str(&text);
            }
            'z' if m.isdst < 0 => {}
            'z' => {
                let a = m.offset.abs();
                out.push_str(&std::format!("{}{:02}{:02}", if m.offset < 0 { '-' } else { '+' }, a / 3600, a / 60 % 60));
            }
            'n' => out.push('\n'),
            't' => out.push('\t'),
            '%' => out.push('%'),
            'c' | 'x' | 'X' | 'r' => {
                let within = said(match d {
                    'c' => item::DATE_AND_TIME,
                    'x' => item::DATE,
                    'X' => item::TIME,
                    _ => item::TWELVE_HOURS,
                });
                // A locale that knows no such hours has no text for them.
                let within = if within.is_empty() { c_text(item::TWELVE_HOURS) } else { &within };
                out.push_str(&self::format(m, within, local));
            }
            'D' => out.push_str(&self::format(m, "%m/%d/%y", local)),
            'F' => out.push_str(&self::format(m, "%Y-%m-%d", local)),
            'R' => out.push_str(&self::format(m, "%H:%M", local)),
            'T' => out.push_str(&self::format(m, "%H:%M:%S", local)),
            _ => out.push_str(&raw),
        }
    }
    out
}
