//! `threading.local`: an object with attributes of its own for each thread.

use crate::cx::{Cx, PyResult};
use crate::layout;
use crate::memory;
use crate::object::{Guarded, Obj, Ref};
use crate::types::type_::flags;
use crate::types::{Dict, Slots, Spec, Str, Type};

layout! {
    /// The attributes by thread, and what `__init__` gets when another thread looks for the first time.
    pub struct Local = 62, "thread._local" { dicts: Guarded<Ref<Dict>>, args: Guarded<Obj>, names: Guarded<Obj>, }
}

fn new(cx: &mut Cx, ty: &Ref<Type>, args: crate::native::Args<'_>) -> PyResult {
    let name = cx.name("__init__");
    let plain = ty.lookup(cx, &name).zip(cx.types.object.clone().lookup(cx, &name)).is_some_and(|(a, b)| a.is(&b));
    if plain && !args.is_empty() {
        return Err(cx.type_error("Initialization arguments are not supported"));
    }
    let dicts = Dict::new(cx)?;
    let (items, names) = (cx.tuple(args.items.to_vec())?, cx.tuple(args.names.to_vec())?);
    let local = memory::new(cx, ty, |head| Local { head, dicts: Guarded::new(dicts.clone()), args: Guarded::new(items), names: Guarded::new(names) })?.into_obj();
    // The maker's own `__init__` call follows: its thread has attributes already.
    let id = cx.int(cx.threads.current)?;
    let mine = Dict::new(cx)?;
    dicts.insert(cx, &id, mine.into_obj())?;
    let class = cx.types.weakref.clone();
    let weak = crate::types::weakref::make(cx, &class, &local, None)?;
    let mut known = cx.threads.locals.borrow_mut();
    known.retain(|w| crate::types::weakref::target(w).is_some());
    known.push(weak);
    drop(known);
    Ok(local)
}

/// The attributes of the running thread.
fn mine(cx: &mut Cx, o: &Obj) -> PyResult<Ref<Dict>> {
    let Some(this) = o.cast::<Local>().cloned() else { return Dict::new(cx) };
    let (dicts, id) = (this.dicts.cloned(cx), cx.int(cx.threads.current)?);
    if let Some(d) = dicts.get(cx, &id)?
        && let Ok(d) = d.downcast::<Dict>()
    {
        return Ok(d);
    }
    let d = Dict::new(cx)?;
    dicts.insert(cx, &id, d.as_obj().clone())?;
    let object = cx.types.object.slots(cx).init.map(|f| f as usize);
    if let Some(init) = o.ty().slots(cx).init.filter(|f| Some(*f as usize) != object) {
        let (items, names) = (this.args.cloned(cx), this.names.cloned(cx));
        let list = |t: &Obj| t.cast::<crate::types::Tuple>().map(|t| t.items().to_vec()).unwrap_or_default();
        let (items, names) = (list(&items), list(&names));
        if let Err(r) = init(cx, o, crate::native::Args { items: &items, names: &names }) {
            let saved = cx.save_error();
            let gone = dicts.remove(cx, &id);
            cx.release(gone);
            cx.restore_error(saved);
            return Err(r);
        }
    }
    Ok(d)
}

/// A thread is over: its attributes go.
pub(crate) fn forget(cx: &mut Cx, weak: &Obj, thread: i64) {
    let Some(o) = crate::types::weakref::target(weak) else { return };
    let Some(this) = o.cast::<Local>() else { return };
    let dicts = this.dicts.cloned(cx);
    let gone = cx.int(thread).and_then(|id| dicts.remove(cx, &id));
    if gone.is_err() {
        cx.clear_error();
    }
    cx.release(gone);
    cx.release(o);
}

fn get(cx: &mut Cx, o: &Obj, name: &Ref<Str>) -> PyResult {
    let d = mine(cx, o)?;
    if name.eq_str(cx, "__dict__") {
        return Ok(d.into_obj());
    }
    let of_class = o.ty().lookup(cx, name);
    if let Some(a) = &of_class
        && a.ty().slots(cx).set.is_some()
        && let Some(get) = a.ty().slots(cx).get
    {
        let class = o.type_ref().into_obj();
        return get(cx, a, Some(o), Some(&class));
    }
    if let Some(v) = d.get_str(cx, name) {
        return Ok(v);
    }
    match of_class {
        Some(a) => match a.ty().slots(cx).get {
            Some(get) => {
                let class = o.type_ref().into_obj();
                get(cx, &a, Some(o), Some(&class))
            }
            None => Ok(a),
        },
        None => crate::types::object::getattribute(cx, o, name),
    }
}

fn set(cx: &mut Cx, o: &Obj, name: &Ref<Str>, value: Option<&Obj>) -> PyResult<()> {
    let d = mine(cx, o)?;
    if name.eq_str(cx, "__dict__") {
        let class = o.ty().name_text();
        return Err(cx.attribute_error(format!("'{class}' object attribute '__dict__' is read-only")));
    }
    if let Some(a) = o.ty().lookup(cx, name)
        && let Some(set) = a.ty().slots(cx).set
    {
        return set(cx, &a, o, value);
    }
    match value {
        Some(v) => {
            let old = d.insert(cx, name.as_obj(), v.clone())?;
            cx.release(old);
            Ok(())
        }
        None => match d.remove(cx, name.as_obj())? {
            Some(old) => {
                cx.release(old);
                Ok(())
            }
            None => {
                let text = name.to_text(cx);
                let class = o.ty().name_text();
                Err(cx.attribute_error(format!("'{class}' object has no attribute '{text}'")))
            }
        },
    }
}

pub(super) fn spec() -> Spec {
    Spec {
        doc: "Thread-local data",
        text_signature: "()",
        flags: flags::MANAGED | flags::GC | flags::WEAK | flags::BASE,
        slots: Slots { new: Some(new), getattribute: Some(get), setattr: Some(set), ..Slots::EMPTY },
        ..Spec::new::<Local>("_thread._local")
    }
}
