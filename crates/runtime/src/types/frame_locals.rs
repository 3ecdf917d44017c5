//! `f_locals` of a function's frame (PEP 667): a mapping that reads and writes the variables where they live.

use super::frame::{FrameObj, variables};
use super::type_::{Cmp, Op, flags};
use super::{CellObj, Dict, Slots, Spec, Str};
use crate::cx::{Cx, PyResult};
use crate::layout;
use crate::memory;
use crate::object::{Guarded, Obj, Ref};
use crate::protocol;

layout! {
    /// The mapping.
    pub struct FrameLocals = 293, "FrameLocalsProxy" { frame: Guarded<Ref<FrameObj>>, }
}

/// A new mapping over a frame.
pub fn proxy(cx: &mut Cx, frame: &Ref<FrameObj>) -> PyResult {
    Ok(memory::new(cx, &cx.types.frame_locals, |head| FrameLocals { head, frame: Guarded::new(frame.clone()) })?.into_obj())
}

fn frame_of(cx: &Cx, this: &Obj) -> Option<Ref<FrameObj>> {
    this.cast::<FrameLocals>().map(|p| p.frame.cloned(cx))
}

/// Register of a variable by name, and whether a cell lies there.
fn find(cx: &mut Cx, f: &Ref<FrameObj>, key: &Obj) -> PyResult<Option<(usize, bool)>> {
    if let Some(name) = key.cast::<Str>()
        && let Some((_, i)) = crate::types::frame::hidden(cx, f).into_iter().find(|(n, i)| name.eq_str(cx, n) && f.register(cx, *i).is_some())
    {
        return Ok(Some((i, false)));
    }
    let code = f.code.cloned(cx);
    let c = code.code().clone();
    let (cells, plain) = (c.cellvars.iter().chain(&c.freevars), c.varnames.iter());
    let (cell, local) = match key.cast::<Str>().filter(|_| std::ptr::eq(key.ty(), &*cx.types.str)) {
        Some(name) => (cells.clone().position(|n| name.eq_str(cx, n)), plain.clone().position(|n| name.eq_str(cx, n))),
        None => {
            // Whatever is equal to a name and has its hash stands for it.
            let hash = protocol::hash(cx, key)?;
            let (mut cell, mut local) = (None, None);
            for (i, n) in cells.enumerate().map(|(i, n)| (c.varnames.len() + i, n)).chain(plain.enumerate()) {
                let name = crate::types::str::intern_text(cx, n)?.into_obj();
                if protocol::hash(cx, &name)? == hash && protocol::equal(cx, &name, key)? {
                    *(if i < c.varnames.len() { &mut local } else { &mut cell }) = Some(if i < c.varnames.len() { i } else { i - c.varnames.len() });
                    break;
                }
            }
            (cell, local)
        }
    };
    Ok(cell.map(|i| code.cell_place(i)).or(local.map(|i| (i, false))))
}

fn value(cx: &mut Cx, f: &Ref<FrameObj>, place: (usize, bool)) -> Option<Obj> {
    let v = f.register(cx, place.0)?;
    if place.1 { v.cast::<CellObj>()?.value.cloned(cx) } else { Some(v) }
}

fn get(cx: &mut Cx, f: &Ref<FrameObj>, key: &Obj) -> PyResult<Option<Obj>> {
    if let Some(place) = find(cx, f, key)?
        && let Some(v) = value(cx, f, place)
    {
        return Ok(Some(v));
    }
    match f.extra.cloned(cx) {
        Some(d) => d.get(cx, key),
        None => {
            protocol::hash(cx, key)?;
            Ok(None)
        }
    }
}

fn set(cx: &mut Cx, f: &Ref<FrameObj>, key: &Obj, new: Option<&Obj>) -> PyResult<()> {
    if let Some((i, cell)) = find(cx, f, key)? {
        let Some(new) = new else { return Err(cx.value_error("cannot remove local variables from FrameLocalsProxy")) };
        if cell {
            if let Some(c) = f.register(cx, i).and_then(|v| v.cast::<CellObj>().cloned()) {
                c.value.set(cx, Some(new.clone()));
            }
        } else {
            f.set_register(cx, i, new.clone());
        }
        return Ok(());
    }
    let extra = match f.extra.cloned(cx) {
        Some(d) => d,
        None if new.is_none() => return Err(cx.key_error(key)),
        None => {
            let d = Dict::new(cx)?;
            f.extra.set(cx, Some(d.clone()));
            d
        }
    };
    protocol::setitem(cx, extra.as_obj(), key, new)
}

/// Everything in the mapping as a new dict.
fn snapshot(cx: &mut Cx, f: &Ref<FrameObj>) -> PyResult<Ref<Dict>> {
    let d = Dict::new(cx)?;
    for (name, value) in variables(cx, f)? {
        d.insert(cx, &name, value)?;
    }
    if let Some(extra) = f.extra.cloned(cx) {
        d.update_from(cx, extra.as_obj())?;
    }
    Ok(d)
}

fn whole(cx: &mut Cx, this: &Obj) -> PyResult<Ref<Dict>> {
    match frame_of(cx, this) {
        Some(f) => snapshot(cx, &f),
        None => Dict::new(cx),
    }
}

/// Adds the items of a mapping or of pairs.
fn update(cx: &mut Cx, f: &Ref<FrameObj>, other: &Obj) -> PyResult<()> {
    if other.cast::<FrameLocals>().is_none() && other.cast::<Dict>().is_none() {
        return Err(cx.type_error("update() argument must be dict or another FrameLocalsProxy"));
    }
    let d = Dict::new(cx)?;
    d.update_from(cx, other)?;
    for (k, v) in d.entries(cx) {
        set(cx, f, &k, Some(&v))?;
    }
    Ok(())
}

fn or(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
    let mut sides = Vec::new();
    for o in [a, b] {
        if o.cast::<FrameLocals>().is_some() {
            sides.push(whole(cx, o)?.into_obj());
        } else if o.cast::<Dict>().is_some() {
            sides.push(o.clone());
        } else {
            return Ok(cx.not_implemented());
        }
    }
    let d = Dict::new(cx)?;
    d.update_from(cx, &sides[0])?;
    d.update_from(cx, &sides[1])?;
    Ok(d.into_obj())
}

#[retic_macros::methods]
impl FrameLocals {
    #[py("__contains__($self, key, /)")]
    fn contains(cx: &mut Cx, this: &Ref<FrameLocals>, key: &Obj) -> PyResult<bool> {
        let f = this.frame.cloned(cx);
        Ok(get(cx, &f, key)?.is_some())
    }
    #[py("__reversed__($self, /)")]
    fn reversed(cx: &mut Cx, this: &Ref<FrameLocals>) -> PyResult {
        let d = whole(cx, this.as_obj())?;
        let keys: Vec<Obj> = d.entries(cx).into_iter().rev().map(|e| e.0).collect();
        cx.list(keys)
    }
    #[py("copy($self, /)")]
    fn copy(cx: &mut Cx, this: &Ref<FrameLocals>) -> PyResult<Ref<Dict>> {
        whole(cx, this.as_obj())
    }
    #[py("get($self, key, default=None, /)")]
    fn get_method(cx: &mut Cx, this: &Ref<FrameLocals>, key: &Obj, default: Option<&Obj>) -> PyResult {
        let f = this.frame.cloned(cx);
        Ok(get(cx, &f, key)?.or(default.cloned()).unwrap_or_else(|| cx.none()))
    }
    #[py("items($self, /)")]
    fn items(cx: &mut Cx, this: &Ref<FrameLocals>) -> PyResult {
        let d = whole(cx, this.as_obj())?;
        let pairs = d.entries(cx).into_iter().map(|(k, v)| cx.tuple_of([k, v])).collect::<PyResult<Vec<_>>>()?;
        cx.list(pairs)
    }
    #[py("keys($self, /)")]
    fn keys(cx: &mut Cx, this: &Ref<FrameLocals>) -> PyResult {
        let d = whole(cx, this.as_obj())?;
        let keys = d.entries(cx).into_iter().map(|e| e.0).collect();
        cx.list(keys)
    }
    #[py("values($self, /)")]
    fn values(cx: &mut Cx, this: &Ref<FrameLocals>) -> PyResult {
        let d = whole(cx, this.as_obj())?;
        let values = d.entries(cx).into_iter().map(|e| e.1).collect();
        cx.list(values)
    }
    #[py("pop($self, key, default=None, /)")]
    fn pop(cx: &mut Cx, this: &Ref<FrameLocals>, key: &Obj, default: Option<&Obj>) -> PyResult {
        let f = this.frame.cloned(cx);
        if find(cx, &f, key)?.is_some() {
            return Err(cx.value_error("cannot remove local variables from FrameLocalsProxy"));
        }
        let found = match f.extra.cloned(cx) {
            Some(d) => d.remove(cx, key)?,
            None => None,
        };
        match found.or(default.cloned()) {
            Some(v) => Ok(v),
            None => Err(cx.key_error(key)),
        }
    }
    #[py("setdefault($self, key, default=None, /)")]
    fn setdefault(cx: &mut Cx, this: &Ref<FrameLocals>, key: &Obj, default: Option<&Obj>) -> PyResult {
        let f = this.frame.cloned(cx);
        if let Some(v) = get(cx, &f, key)? {
            return Ok(v);
        }
        let v = default.cloned().unwrap_or_else(|| cx.none());
        set(cx, &f, key, Some(&v))?;
        Ok(v)
    }
    #[py("update($self, other, /)")]
    fn update_method(cx: &mut Cx, this: &Ref<FrameLocals>, other: &Obj) -> PyResult<()> {
        let f = this.frame.cloned(cx);
        update(cx, &f, other)
    }
}

fn compare(cx: &mut Cx, a: &Obj, b: &Obj, op: Cmp) -> PyResult {
    if !matches!(op, Cmp::Eq | Cmp::Ne) {
        return Ok(cx.not_implemented());
    }
    let equal = match b.cast::<FrameLocals>() {
        Some(other) => frame_of(cx, a).is_some_and(|f| f.as_obj().is(other.frame.get(cx).as_obj())),
        None if b.cast::<Dict>().is_some() => {
            let d = whole(cx, a)?;
            protocol::equal(cx, d.as_obj(), b)?
        }
        None => return Ok(cx.not_implemented()),
    };
    Ok(cx.bool(equal == (op == Cmp::Eq)))
}

fn construct(cx: &mut Cx, _ty: &Ref<super::Type>, args: crate::native::Args<'_>) -> PyResult {
    let given = args.unpack(cx, "FrameLocalsProxy", 1, 1)?;
    match given[0].cast::<FrameObj>() {
        Some(f) => proxy(cx, &f.clone()),
        None => Err(cx.type_error(format!("expect frame, not {}", given[0].ty().name_text()))),
    }
}

pub fn spec() -> Spec {
    Spec {
        doc: "Create a write-through view of the locals dictionary for a frame.\n\n  frame\n    the frame object to wrap.",
        flags: flags::GC | flags::MAPPING,
        slots: Slots {
            new: Some(construct),
            repr: Some(|cx, o| match protocol::enter_repr(cx, o) {
                None => cx.str("{...}"),
                Some(address) => {
                    let r = whole(cx, o).and_then(|d| protocol::repr(cx, d.as_obj()));
                    protocol::leave_repr(cx, address);
                    r
                }
            }),
            hash: Some(super::dunders::unhashable),
            richcompare: Some(compare),
            len: Some(|cx, o| Ok(whole(cx, o)?.len(cx))),
            getitem: Some(|cx, o, k| match frame_of(cx, o) {
                Some(f) => match get(cx, &f, k)? {
                    Some(v) => Ok(v),
                    None => {
                        let text = protocol::repr_text(cx, k)?;
                        let text = cx.str(&format!("local variable '{text}' is not defined"))?;
                        Err(cx.key_error(&text))
                    }
                },
                None => Err(cx.key_error(k)),
            }),
            setitem: Some(|cx, o, k, v| match frame_of(cx, o) {
                Some(f) => set(cx, &f, k, v),
                None => Ok(()),
            }),
            contains: Some(|cx, o, k| match frame_of(cx, o) {
                Some(f) => Ok(get(cx, &f, k)?.is_some()),
                None => Ok(false),
            }),
            iter: Some(|cx, o| {
                let d = whole(cx, o)?;
                let keys = d.entries(cx).into_iter().map(|e| e.0).collect();
                let list = cx.list(keys)?;
                protocol::iter(cx, &list)
            }),
            ..Slots::EMPTY
        }
        .with(&[(Op::Or, or)])
        .with_inplace(&[(Op::Or, |cx, a, b| {
            if let Some(f) = frame_of(cx, a) {
                update(cx, &f, b)?;
            }
            Ok(a.clone())
        })]),
        methods: FrameLocals::METHODS,
        ..Spec::new::<FrameLocals>("FrameLocalsProxy")
    }
}
