//! Walks over elements in the order of the document.

use super::element::Element;
use retic_runtime::object::{Buf, Guarded};
use retic_runtime::types::code::Hidden;
use retic_runtime::types::type_::flags;
use retic_runtime::types::{Slots, Spec};
use retic_runtime::{Cx, Obj, PyResult, Ref, layout, memory, protocol};
use std::cell::{Cell, RefCell};

layout! {
    /// A walk: the elements it is inside of, with how many children of each it has been to. `root` stands until the walk begins.
    pub struct Walk = 338, "_elementtree._element_iterator" {
        root: Guarded<Option<Obj>>,
        path: Guarded<Buf<Obj>>,
        places: Hidden<RefCell<Vec<usize>>>,
        tag: Guarded<Option<Obj>>,
        texts: Cell<bool>,
    }
}

/// Over an element and what is in it: elements of a tag, or all; or all texts.
pub fn over(cx: &mut Cx, root: &Ref<Element>, tag: Option<Obj>, texts: bool) -> PyResult {
    let ty = cx.native_type("_elementtree._element_iterator");
    Ok(memory::new(cx, &ty, |head| Walk {
        head,
        root: Guarded::new(Some(root.as_obj().clone())),
        path: Guarded::new(Buf::empty()),
        places: Hidden(RefCell::default()),
        tag: Guarded::new(tag),
        texts: Cell::new(texts),
    })?
    .into_obj())
}

/// A text that is shown.
fn shown(cx: &mut Cx, text: Option<Obj>) -> PyResult<Option<Obj>> {
    match text {
        Some(t) if protocol::truth(cx, &t)? => Ok(Some(t)),
        _ => Ok(None),
    }
}

fn enter(cx: &mut Cx, it: &Ref<Walk>, o: Obj) -> PyResult<()> {
    it.path.push(cx, o)?;
    it.places.0.borrow_mut().push(0);
    Ok(())
}

fn next(cx: &mut Cx, o: &Obj) -> PyResult<Option<Obj>> {
    let Some(it) = o.cast::<Walk>().cloned() else { return Ok(None) };
    loop {
        cx.poll_native()?;
        let new = if let Some(root) = it.root.replace(cx, None) {
            root
        } else {
            let Some(parent) = it.path.get(cx).last().cloned() else { return Ok(None) };
            let at = it.places.0.borrow().last().copied().unwrap_or(0);
            let child = parent.cast::<Element>().and_then(|e| e.children.get(cx).get(at).cloned());
            match child {
                Some(c) => {
                    if let Some(place) = it.places.0.borrow_mut().last_mut() {
                        *place += 1;
                    }
                    c
                }
                None => {
                    it.places.0.borrow_mut().pop();
                    let left = it.path.get_mut(cx).pop();
                    cx.release(left);
                    // The text behind an element; what is behind the root is not in it.
                    if it.texts.get()
                        && !it.path.get(cx).is_empty()
                        && let Some(e) = parent.cast::<Element>().cloned()
                    {
                        let tail = e.tail.cloned(cx);
                        if let Some(t) = shown(cx, tail)? {
                            return Ok(Some(t));
                        }
                    }
                    continue;
                }
            }
        };
        enter(cx, &it, new.clone())?;
        let Some(e) = new.cast::<Element>().cloned() else { continue };
        if it.texts.get() {
            let text = e.text.cloned(cx);
            if let Some(t) = shown(cx, text)? {
                return Ok(Some(t));
            }
            continue;
        }
        let Some(wanted) = it.tag.cloned(cx) else { return Ok(Some(new)) };
        let tag = e.tag.cloned(cx).unwrap_or_else(|| cx.none());
        if tag.is(&wanted) || protocol::equal(cx, &tag, &wanted)? {
            return Ok(Some(new));
        }
    }
}

pub fn spec() -> Spec {
    Spec {
        flags: flags::GC | flags::NO_NEW,
        slots: Slots { iter: Some(|_, o| Ok(o.clone())), next: Some(next), ..Slots::EMPTY },
        ..Spec::new::<Walk>("_elementtree._element_iterator")
    }
}
