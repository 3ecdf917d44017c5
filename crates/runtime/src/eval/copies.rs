//! Which code was translated, so that all of it can change from one copy of the handlers to the other while it runs: the
//! register code of both is alike but for the handlers' addresses and what caches know.

use super::Exec;
use super::tracing::restore;
use crate::cx::{Cx, PyResult};
use crate::object::{Header, Obj, Ref};
use crate::types::CodeObj;
use rustc_hash::FxHashSet;
use std::cell::RefCell;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::rc::Rc;

type List = Rc<RefCell<FxHashSet<NonNull<Header>>>>;

/// The code objects of an interpreter that have register code.
#[derive(Default)]
pub struct Translated(List);

/// A place on the list, given up with the register code.
pub struct Listed {
    list: List,
    code: NonNull<Header>,
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.list.borrow_mut().remove(&self.code);
    }
}

impl Translated {
    pub fn add(&self, code: &CodeObj) -> Listed {
        let code = NonNull::from(code).cast();
        self.0.borrow_mut().insert(code);
        Listed { list: self.0.clone(), code }
    }
    fn all(&self) -> Vec<Ref<CodeObj>> {
        let list = self.0.borrow();
        // SAFETY: code objects leave the list before they go; one that is dying has no count and is left out. The count that
        // a handle would give back is not given back.
        let alive = list.iter().filter(|raw| unsafe { raw.as_ref() }.count.get() != 0).map(|raw| ManuallyDrop::new(unsafe { Obj::from_raw(*raw) }));
        alive.filter_map(|o| o.cast::<CodeObj>().cloned()).collect()
    }
}

/// Lets everything run on the copy of the handlers that tells the recorder, or on the plain one. Instructions that are being
/// carried out end on the copy they began on.
pub fn use_machine(cx: &mut Cx, recording: bool) -> PyResult<()> {
    cx.lens.set_on(recording);
    for code in cx.translated.all() {
        cx.poll_native()?;
        let made = super::translate(cx, &code)?;
        let known = code.exec_known();
        if known.is_null() {
            continue;
        }
        // SAFETY: the code object holds it, and we hold that.
        let known: &Exec = unsafe { &*known };
        restore(known);
        debug_assert_eq!(known.words.len(), made.words.len());
        if known.words.len() == made.words.len() {
            replace(known, &made);
        }
    }
    cx.watchers_changed();
    Ok(())
}

/// Puts one translation's words in the place of another's.
fn replace(known: &Exec, made: &Exec) {
    let mut operands: FxHashSet<usize> = FxHashSet::default();
    operands.extend(made.infos.iter().map(|i| i.word as usize + 1));
    let (here, there) = (known.words.as_ptr().cast_mut(), made.words.as_ptr_range());
    for (i, word) in made.words.iter().enumerate() {
        // Jumps name their targets by address; the first word behind the handler has small operands.
        let target = there.contains(&(*word as *const u64)) && !operands.contains(&i);
        let word = if target { here as u64 + (word - there.start as u64) } else { *word };
        // SAFETY: the words belong to this interpreter, and nobody looks at them now; what they point at is kept by the code
        // object's constants and the interned names that `known.keep` holds.
        unsafe { here.add(i).write(word) };
    }
}
