//! Numbers as a place writes them: the kind `n` of the format mini-language.

use crate::format::{Spec, assemble};

/// How a locale writes numbers.
#[derive(Clone, Debug)]
pub struct Locale {
    pub point: String,
    pub separator: String,
    /// Sizes of groups from the right; 0: the last one goes on, 127: no more groups.
    pub groups: Vec<u8>,
}
impl Default for Locale {
    fn default() -> Locale {
        Locale { point: ".".into(), separator: String::new(), groups: Vec::new() }
    }
}
impl Locale {
    fn group(&self, digits: &str) -> String {
        let (mut parts, mut left, mut size, mut groups) = (Vec::new(), digits, 0, self.groups.iter());
        loop {
            match groups.next() {
                Some(127) => break,
                Some(0) | None => groups = [].iter(),
                Some(n) => size = usize::from(*n),
            }
            if size == 0 || left.len() <= size {
                break;
            }
            let (rest, part) = left.split_at(left.len() - size);
            parts.push(part);
            left = rest;
        }
        parts.push(left);
        parts.reverse();
        parts.join(&self.separator)
    }
    /// The fewest digits that fill so many characters with the separators among them.
    fn digits_for(&self, room: usize) -> usize {
        let separator = self.separator.chars().count();
        let (mut digits, mut filled, mut size, mut groups) = (0, 0, 0, self.groups.iter());
        loop {
            match groups.next() {
                Some(127) => size = 0,
                Some(0) | None => groups = [].iter(),
                Some(n) => size = usize::from(*n),
            }
            // The last group takes the rest.
            let left = room.saturating_sub(filled);
            if size == 0 || left <= size {
                return digits + left;
            }
            // A separator stands in front of a digit.
            digits += size;
            filled += size + separator;
            if filled >= room {
                return digits + 1;
            }
        }
    }
    /// What follows the whole part, with this place's point.
    pub fn rest(&self, rest: &str) -> String {
        rest.strip_prefix('.').map_or_else(|| rest.to_string(), |after| format!("{}{after}", self.point))
    }
    /// As `assemble`; zeros in front take part in the grouping.
    pub fn assemble(&self, spec: &Spec, negative: bool, mut whole: String, rest: &str) -> String {
        let zeros = spec.fill == '0' && spec.align == Some('=');
        let sign = usize::from(negative || matches!(spec.sign, Some('+' | ' ')));
        let room = spec.width.unwrap_or(0).saturating_sub(sign + rest.chars().count());
        if zeros {
            let missing = self.digits_for(room).saturating_sub(whole.len());
            whole.insert_str(0, &"0".repeat(missing));
        }
        assemble(spec, negative, "", &self.group(&whole), rest, 3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_fill_a_width_with_as_few_digits_as_can() {
        for groups in [&[3][..], &[3, 2], &[3, 0], &[2, 3, 127], &[127], &[], &[0]] {
            for separator in ["", ".", "::"] {
                let place = Locale { point: ",".into(), separator: separator.into(), groups: groups.to_vec() };
                for room in 0..40 {
                    let fits = |n: &usize| place.group(&"0".repeat(*n)).chars().count() >= room;
                    assert_eq!(Some(place.digits_for(room)), (0..=room).find(fits), "{place:?} {room}");
                }
            }
        }
    }
}
