//! Names of elements and attributes, each kept once.

use rustc_hash::FxHashMap;
use std::rc::Rc;

/// A name, and its number among those that a parser keeps.
#[derive(Clone, Debug)]
pub struct Name {
    pub text: Rc<str>,
    /// `None`: there were too many.
    pub number: Option<u32>,
}

impl PartialEq for Name {
    fn eq(&self, other: &Name) -> bool {
        self.text == other.text
    }
}
impl Eq for Name {}
impl std::hash::Hash for Name {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

/// So many are kept; a document may have more.
const KEPT_MAX: usize = 1 << 12;

#[derive(Default)]
pub(crate) struct Names(FxHashMap<Rc<str>, u32>);

impl Names {
    pub(crate) fn get(&mut self, text: &str) -> Name {
        if let Some((text, number)) = self.0.get_key_value(text) {
            return Name { text: text.clone(), number: Some(*number) };
        }
        let (text, number): (Rc<str>, u32) = (text.into(), self.0.len() as u32);
        if self.0.len() >= KEPT_MAX {
            return Name { text, number: None };
        }
        self.0.insert(text.clone(), number);
        Name { text, number: Some(number) }
    }
}
