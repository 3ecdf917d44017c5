//! "Did you mean": the name that is nearest to one that was not found (Python/suggestions.c).

use crate::{Cx, Obj, Raised};

/// The cost of a byte that is moved, put in or left out, and of one in the other case.
const MOVE: usize = 2;
const CASE: usize = 1;
/// Longer names are not compared, and more are not looked through.
const LONGEST: usize = 40;
const MOST: usize = 750;

/// The candidate nearest to a name, if one is near enough.
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut found = None;
    let mut best = usize::MAX;
    for (i, candidate) in candidates.enumerate() {
        if i >= MOST {
            return None;
        }
        if candidate == name {
            continue;
        }
        let most = ((name.len() + candidate.len() + 3) * MOVE / 6).min(best - 1);
        if let Some(d) = distance(name.as_bytes(), candidate.as_bytes(), most) {
            (best, found) = (d, Some(candidate));
            if d == 0 {
                break;
            }
        }
    }
    found
}

/// What follows a message about a name: nothing, or ". Did you mean '...'?".
pub fn hint<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> String {
    nearest(name, candidates).map_or_else(String::new, |n| format!(". Did you mean '{n}'?"))
}

fn substitution(a: u8, b: u8) -> usize {
    if a == b {
        0
    } else if a.eq_ignore_ascii_case(&b) {
        CASE
    } else {
        MOVE
    }
}

/// The distance of Levenshtein between two names, unless it is greater than `most`.
pub fn distance<'a>(mut a: &'a [u8], mut b: &'a [u8], most: usize) -> Option<usize> {
    let same = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    (a, b) = (&a[same..], &b[same..]);
    let same = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count();
    (a, b) = (&a[..a.len() - same], &b[..b.len() - same]);
    if a.len() > b.len() {
        (a, b) = (b, a);
    }
    if a.is_empty() {
        return Some(b.len() * MOVE).filter(|d| *d <= most);
    }
    if b.len() > LONGEST || (b.len() - a.len()) * MOVE > most {
        return None;
    }
    let mut row: Vec<usize> = (1..=a.len()).map(|i| i * MOVE).collect();
    let mut result = 0;
    for (j, y) in b.iter().enumerate() {
        let mut before = j * MOVE;
        result = before;
        let mut least = usize::MAX;
        for (x, cell) in a.iter().zip(&mut row) {
            let exchanged = before + substitution(*x, *y);
            before = *cell;
            result = exchanged.min(result.min(before) + MOVE);
            *cell = result;
            least = least.min(result);
        }
        if least > most {
            return None;
        }
    }
    Some(result).filter(|d| *d <= most)
}

/// An object cannot be entered: says so, and which other `with` it is for.
#[cold]
pub fn no_manager(cx: &mut Cx, manager: &Obj, is_async: bool, missed: &'static str) -> Raised {
    const PROTOCOLS: [&str; 2] = ["context manager protocol", "asynchronous context manager protocol"];
    let (own, other) = if is_async { (PROTOCOLS[1], PROTOCOLS[0]) } else { (PROTOCOLS[0], PROTOCOLS[1]) };
    let (names, with) = if is_async { (["__enter__", "__exit__"], "with") } else { (["__aenter__", "__aexit__"], "async with") };
    let names = names.map(|name| cx.name(name));
    let hint =
        if names.iter().all(|name| manager.ty().lookup(cx, name).is_some()) { format!(" but it supports the {other}. Did you mean to use '{with}'?") } else { String::new() };
    cx.type_error(format!("'{}' object does not support the {own} (missed {missed} method){hint}", manager.ty().name_text()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found() {
        assert_eq!(nearest("maxsplt", ["sep", "maxsplit"].into_iter()), Some("maxsplit"));
        assert_eq!(nearest("kye", ["key", "reverse"].into_iter()), None);
        assert_eq!(nearest("bluch", ["noise", "bluchin"].into_iter()), Some("bluchin"));
        assert_eq!(distance(b"ABCD", b"abcd", 10), Some(4));
        assert_eq!(distance(b"", b"ab", 4), Some(4));
        assert_eq!(distance(b"kitten", b"sitting", 20), Some(6));
    }
}
