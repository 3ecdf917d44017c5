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
    /// What follows the whole part, with this place's point.
    pub fn rest(&self, rest: &str) -> String {
        rest.strip_prefix('.').map_or_else(|| rest.to_string(), |after| format!("{}{after}", self.point))
    }
    /// As `assemble`; zeros in front take part in the grouping.
    pub fn assemble(&self, spec: &Spec, negative: bool, mut whole: String, rest: &str) -> String {
        let zeros = spec.fill == '0' && spec.align == Some('=');
        let sign = usize::from(negative || matches!(spec.sign, Some('+' | ' ')));
        let room = spec.width.unwrap_or(0).saturating_sub(sign + rest.chars().count());
        while zeros && self.group(&whole).chars().count() < room {
            whole.insert(0, '0');
        }
        assemble(spec, negative, "", &self.group(&whole), rest, 3)
    }
}
