//! Iterators over sets and frozensets.

use super::Set;
use crate::cx::{Cx, PyResult};
use crate::layout;
use crate::memory;
use crate::object::{Guarded, Header, Obj, Ref};
use crate::types::iterators::rebuilt;
use crate::types::type_::flags;
use crate::types::{Slots, Spec};
use std::cell::Cell;

layout! {
    /// A position in a set's table, how many items the set had, how many are left.
    pub struct SetIter = 63, "set_iterator" { set: Guarded<Option<Ref<Set>>>, at: Cell<usize>, used: Cell<usize>, left: Cell<usize>, }
}

pub fn over(cx: &Cx, set: &Ref<Set>) -> PyResult {
    let n = set.len();
    Ok(memory::new(cx, &cx.types.set_iterator, |head| SetIter { head, set: Guarded::new(Some(set.clone())), at: Cell::new(0), used: Cell::new(n), left: Cell::new(n) })?.into_obj())
}

impl SetIter {
    /// The next item, borrowed; null at the end and when the set has another number of items.
    #[inline(always)]
    pub(crate) fn advance(&self, cx: &Cx) -> *mut Header {
        let Some(set) = self.set.get(cx).as_ref().filter(|s| s.len() == self.used.get()) else { return std::ptr::null_mut() };
        let mut at = self.at.get();
        let Some(v) = set.entry_from(cx, &mut at) else { return std::ptr::null_mut() };
        self.at.set(at);
        self.left.set(self.left.get().saturating_sub(1));
        v.as_ptr().as_ptr()
    }
}

fn next(cx: &mut Cx, o: &Obj) -> PyResult<Option<Obj>> {
    let Some(it) = o.cast::<SetIter>() else { return Ok(None) };
    let Some(set) = it.set.get(cx) else { return Ok(None) };
    if set.len() != it.used.get() {
        it.used.set(usize::MAX);
        return Err(cx.runtime_error("Set changed size during iteration"));
    }
    let mut at = it.at.get();
    match set.next_entry(cx, &mut at) {
        Some((v, _)) => {
            it.at.set(at);
            it.left.set(it.left.get().saturating_sub(1));
            Ok(Some(v))
        }
        None => {
            it.set.set(cx, None);
            Ok(None)
        }
    }
}

#[retic_macros::methods]
impl SetIter {
    /// Private method returning an estimate of len(list(it)).
    #[py("__length_hint__($self, /)")]
    fn length_hint(cx: &mut Cx, this: &Ref<SetIter>) -> usize {
        let same = this.set.cloned(cx).is_some_and(|s| s.len() == this.used.get());
        if same { this.left.get() } else { 0 }
    }
    /// Return state information for pickling.
    #[py("__reduce__($self, /)")]
    fn reduce(cx: &mut Cx, this: &Ref<SetIter>) -> PyResult {
        let mut items = Vec::new();
        let mut at = this.at.get();
        if let Some(set) = this.set.cloned(cx) {
            while let Some((v, _)) = set.next_entry(cx, &mut at) {
                items.push(v);
            }
        }
        let list = cx.list(items)?;
        rebuilt(cx, "iter", vec![list], None)
    }
}

pub fn spec() -> Spec {
    Spec {
        flags: flags::GC | flags::NO_NEW,
        slots: Slots { iter: Some(|_, o| Ok(o.clone())), next: Some(next), ..Slots::EMPTY },
        methods: SetIter::METHODS,
        ..Spec::new::<SetIter>("set_iterator")
    }
}
