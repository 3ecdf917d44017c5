//! Reading ISO 8601 texts, as far as `fromisoformat` understands them.

use super::calendar;

/// A text that is none of the formats.
pub struct Malformed;
type Parsed<T> = Result<T, Malformed>;

/// Hour, minute, second, microsecond.
pub type Parts = [i64; 4];

/// A time and the zone behind it.
pub struct TimeText {
    pub parts: Parts,
    /// The offset from UTC in microseconds, if the text names one.
    pub offset: Option<i64>,
}

fn is_digit(c: u32) -> bool {
    (48..58).contains(&c)
}
fn is(c: Option<&u32>, what: char) -> bool {
    c == Some(&(what as u32))
}

/// A number of exactly `n` digits.
fn digits(s: &[u32], at: &mut usize, n: usize) -> Parsed<i64> {
    let part = s.get(*at..*at + n).ok_or(Malformed)?;
    *at += n;
    part.iter().try_fold(0, |v, &c| if is_digit(c) { Ok(v * 10 + i64::from(c - 48)) } else { Err(Malformed) })
}

/// `YYYY-MM-DD`, `YYYYMMDD`, `YYYY-Www[-D]`, `YYYYWww[D]`: year, month, day, which need not exist.
pub fn date(s: &[u32]) -> Parsed<(i64, i64, i64)> {
    let mut at = 0;
    let year = digits(s, &mut at, 4)?;
    let dashed = is(s.get(at), '-');
    at += usize::from(dashed);
    if is(s.get(at), 'W') {
        at += 1;
        let week = digits(s, &mut at, 2)?;
        let mut weekday = 1;
        if at < s.len() {
            if dashed {
                if !is(s.get(at), '-') {
                    return Err(Malformed);
                }
                at += 1;
            }
            weekday = digits(s, &mut at, 1)?;
        }
        if at != s.len() {
            return Err(Malformed);
        }
        let ordinal = calendar::ordinal_of_iso(year, week, weekday).map_err(|_| Malformed)?;
        if ordinal < 1 {
            return Ok((0, 1, 1));
        }
        if ordinal > calendar::MAX_ORDINAL {
            return Ok((calendar::MAX_YEAR + 1, 1, 1));
        }
        let d = calendar::Ymd::of_ordinal(ordinal);
        return Ok((i64::from(d.year), i64::from(d.month), i64::from(d.day)));
    }
    let month = digits(s, &mut at, 2)?;
    if dashed {
        if !is(s.get(at), '-') {
            return Err(Malformed);
        }
        at += 1;
    }
    let day = digits(s, &mut at, 2)?;
    if at == s.len() { Ok((year, month, day)) } else { Err(Malformed) }
}

/// Where the date of a date and time ends (the text has 7 characters at least).
pub fn separator(s: &[u32]) -> Parsed<usize> {
    if s.len() == 7 {
        return Ok(7);
    }
    if is(s.get(4), '-') {
        if !is(s.get(5), 'W') {
            return Ok(10);
        }
        // YYYY-Www, unless a dash and one digit follow.
        return match (s.get(8), s.get(9), s.get(10)) {
            (Some(&45), None, _) => Err(Malformed),
            (Some(&45), _, Some(&c)) if is_digit(c) => Ok(8),
            (Some(&45), ..) => Ok(10),
            _ => Ok(8),
        };
    }
    if !is(s.get(4), 'W') {
        return Ok(8);
    }
    // YYYYWww or YYYYWwwD: what is left must be pairs of digits.
    let end = s.iter().skip(7).position(|&c| !is_digit(c)).map_or(s.len(), |n| n + 7);
    Ok(if end < 9 { end } else { 7 + end % 2 })
}

/// `HH[:MM[:SS[.f+]]]`, or the same without colons; also whether something follows it.
fn clock(s: &[u32]) -> Parsed<(Parts, bool)> {
    let mut parts = [0; 4];
    let (mut at, mut colons) = (0, true);
    for i in 0..3 {
        parts[i] = digits(s, &mut at, 2)?;
        let Some(&c) = s.get(at) else { return Ok((parts, false)) };
        let colon = c == ':' as u32;
        if i == 0 {
            colons = colon;
        }
        if at + 1 == s.len() && (colons || !is_digit(c)) {
            return Ok((parts, true));
        }
        if colons && colon && i < 2 {
            at += 1;
        } else if c == '.' as u32 || c == ',' as u32 {
            if i < 2 {
                return Err(Malformed);
            }
            at += 1;
            break;
        } else if colons || i == 2 {
            return Err(Malformed);
        }
    }
    let n = (s.len() - at).min(6);
    parts[3] = digits(s, &mut at, n)? * 10i64.pow(6 - n as u32);
    let rest = s[at..].iter().all(|&c| is_digit(c));
    Ok((parts, !rest))
}

/// A time with or without a zone. The hour may be 24, and no part is checked against its range.
pub fn time(s: &[u32]) -> Parsed<TimeText> {
    let zone = s.iter().position(|&c| matches!(char::from_u32(c), Some('+' | '-' | 'Z')));
    let (parts, more) = clock(&s[..zone.unwrap_or(s.len())])?;
    let Some(zone) = zone else { return if more { Err(Malformed) } else { Ok(TimeText { parts, offset: None }) } };
    let rest = &s[zone + 1..];
    if is(s.get(zone), 'Z') {
        return if rest.is_empty() { Ok(TimeText { parts, offset: Some(0) }) } else { Err(Malformed) };
    }
    if matches!(rest.len(), 0 | 1 | 3) {
        return Err(Malformed);
    }
    let ([h, m, sec, us], more) = clock(rest)?;
    if more {
        return Err(Malformed);
    }
    let micros = ((h * 60 + m) * 60 + sec) * 1_000_000 + us;
    Ok(TimeText { parts, offset: Some(if is(s.get(zone), '-') { -micros } else { micros }) })
}
