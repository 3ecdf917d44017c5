//! Struct sequences: tuples with named fields, such as `sys.version_info` and `os.stat_result`. Fields beyond the visible
//! ones lie behind the items. As CPython's `Objects/structseq.c`.

use super::type_::flags;
use super::{Dict, Slots, Spec, Tuple, Type};
use crate::cx::{Cx, PyResult};
use crate::memory::{self, Ops};
use crate::object::{Header, Layout, Obj, Ref};
use crate::protocol;
use std::ptr::NonNull;

/// What a struct sequence type looks like. A field without a name is a visible item only.
pub struct Definition {
    /// With its module: `time.struct_time`.
    pub name: &'static str,
    pub doc: &'static str,
    pub fields: &'static [&'static str],
    pub visible: usize,
}

/// The item that has no attribute of its own.
pub const UNNAMED: &str = "";

const HEAD_BYTES: usize = 24;

fn hidden(raw: NonNull<Header>) -> usize {
    // SAFETY: O1.
    unsafe { raw.as_ref().ty.get().as_ref() }.members.get() as usize
}
unsafe fn all<'a>(raw: NonNull<Header>) -> &'a [Obj] {
    // SAFETY: visible and hidden handles lie behind the header, all of them written at birth.
    unsafe {
        let n = raw.cast::<Tuple>().as_ref().items().len() + hidden(raw);
        std::slice::from_raw_parts(raw.as_ptr().cast::<u8>().add(HEAD_BYTES).cast(), n)
    }
}
unsafe fn drop_fields(raw: NonNull<Header>) {
    // SAFETY: dying; each field is dropped once, from last to first.
    unsafe {
        for o in all(raw).iter().rev() {
            (o as *const Obj).cast_mut().drop_in_place();
        }
    }
}
unsafe fn trace_fields(raw: NonNull<Header>, visit: &mut dyn FnMut(&Obj)) {
    // SAFETY: live.
    unsafe { all(raw) }.iter().for_each(visit);
}
unsafe fn nothing(_: NonNull<Header>, _: &mut Vec<Obj>) {}
unsafe fn size(raw: NonNull<Header>) -> usize {
    // SAFETY: live.
    HEAD_BYTES + 8 * unsafe { all(raw) }.len()
}
static OPS: Ops = Ops { drop: drop_fields, trace: trace_fields, clear: nothing, size };

/// A constructor and its signature.
pub type Constructor = (fn(&mut Cx, &Ref<Type>, crate::native::Args<'_>) -> PyResult, &'static str);

/// The type of a definition.
pub fn make_type(cx: &mut Cx, def: &Definition) -> PyResult<Ref<Type>> {
    make_type_with(cx, def, (construct, ""))
}

/// The same with a constructor of its own.
pub fn make_type_with(cx: &mut Cx, def: &Definition, (constructor, text_signature): Constructor) -> PyResult<Ref<Type>> {
    let base = cx.types.tuple.clone();
    let spec = Spec {
        doc: def.doc,
        text_signature,
        basicsize: HEAD_BYTES,
        ops: &OPS,
        flags: flags::GC | flags::SEQUENCE,
        slots: Slots { repr: Some(repr), new: Some(constructor), ..Slots::EMPTY },
        methods: StructSequence::METHODS,
        ..Spec::new::<Tuple>(def.name)
    };
    let ty = crate::interp::native_type(cx, &spec, &base)?;
    ty.members.set((def.fields.len() - def.visible) as u32);
    let dict = ty.dict.cloned(cx).expect("made with the type");
    let mut names = Vec::new();
    for (i, f) in def.fields.iter().enumerate().filter(|(_, f)| **f != UNNAMED) {
        let name = crate::types::str::intern_text(cx, f)?;
        let member = super::descriptor::read_only_member(cx, &ty, &name, HEAD_BYTES + i * 8)?;
        let old = dict.insert(cx, name.as_obj(), member)?;
        cx.release(old);
        if i < def.visible {
            names.push(name.into_obj());
        }
    }
    let unnamed = def.fields.iter().filter(|f| **f == UNNAMED).count();
    for (name, n) in [("n_fields", def.fields.len()), ("n_sequence_fields", def.visible), ("n_unnamed_fields", unnamed)] {
        let n = cx.int(n as i64)?;
        dict.set_str(cx, name, n)?;
    }
    let names = cx.tuple(names)?;
    dict.set_str(cx, "__match_args__", names)?;
    Ok(ty)
}

/// An instance: visible values first, then the hidden ones; what is missing is None.
pub fn new(cx: &Cx, ty: &Ref<Type>, visible: usize, mut values: Vec<Obj>) -> PyResult {
    let total = visible + ty.members.get() as usize;
    values.truncate(total);
    values.resize(total, cx.none());
    let raw = memory::birth(cx, ty, ty.root_shape.get(), HEAD_BYTES + 8 * total)?;
    // SAFETY: the block has room for all fields, which move in.
    unsafe {
        raw.cast::<usize>().add(2).write(visible);
        let at = raw.as_ptr().cast::<u8>().add(HEAD_BYTES).cast::<Obj>();
        for (i, v) in values.into_iter().enumerate() {
            at.add(i).write(v);
        }
        memory::cycles::track(cx, raw);
        Ok(Obj::from_raw(raw))
    }
}

fn number(cx: &mut Cx, ty: &Ref<Type>, name: &'static str) -> usize {
    let key = cx.name(name);
    ty.dict.get(cx).as_ref().and_then(|d| d.get_str(cx, &key)).and_then(|n| super::int::to_i64(&n)).unwrap_or(0) as usize
}

/// `T(sequence, dict={})`.
fn construct(cx: &mut Cx, ty: &Ref<Type>, args: crate::native::Args<'_>) -> PyResult {
    let a = args.positional();
    let Some(sequence) = a.first().or(args.keyword(cx, "sequence")).cloned() else {
        return Err(cx.type_error(format!("{}() missing required argument 'sequence' (pos 1)", ty.name_text())));
    };
    let extra = a.get(1).or(args.keyword(cx, "dict")).cloned();
    let (visible, total) = (number(cx, ty, "n_sequence_fields"), number(cx, ty, "n_fields"));
    let mut items = match protocol::collect(cx, &sequence) {
        Ok(v) => v,
        Err(_) if cx.error_is(&cx.types.type_error) => {
            cx.clear_error();
            return Err(cx.type_error("constructor requires a sequence"));
        }
        Err(r) => return Err(r),
    };
    let (n, name) = (items.len(), super::type_::full_name(cx, ty));
    if n < visible || n > total {
        let (word, limit) = match (visible == total, n < visible) {
            (true, _) => ("a", visible),
            (_, true) => ("an at least", visible),
            _ => ("an at most", total),
        };
        return Err(cx.type_error(format!("{name}() takes {word} {limit}-sequence ({n}-sequence given)")));
    }
    if let Some(d) = &extra {
        let Some(d) = d.cast::<Dict>() else { return Err(cx.type_error(format!("{name}() takes a dict as second arg, if any"))) };
        let hidden = hidden_names(cx, ty);
        let used = hidden.iter().skip(n.saturating_sub(visible)).filter(|h| d.get_str(cx, h).is_some()).count();
        if used < d.len(cx) {
            return Err(cx.type_error(format!("{name}() got duplicate or unexpected field name(s)")));
        }
        for name in hidden.into_iter().skip(n.saturating_sub(visible)) {
            let v = d.get_str(cx, &name).unwrap_or_else(|| cx.none());
            items.push(v);
        }
    }
    new(cx, ty, visible, items)
}

/// Field names in order of their place.
fn field_names(cx: &mut Cx, ty: &Ref<Type>) -> Vec<Ref<super::Str>> {
    let Some(dict) = ty.dict.cloned(cx) else { return Vec::new() };
    let mut all: Vec<(usize, Ref<super::Str>)> =
        dict.entries(cx).into_iter().filter_map(|(k, v)| Some((super::descriptor::member_offset(&v)?, k.cast::<super::Str>()?.clone()))).collect();
    all.sort_by_key(|e| e.0);
    all.into_iter().map(|e| e.1).collect()
}
fn hidden_names(cx: &mut Cx, ty: &Ref<Type>) -> Vec<Ref<super::Str>> {
    let named = number(cx, ty, "n_sequence_fields") - number(cx, ty, "n_unnamed_fields");
    field_names(cx, ty).split_off(named)
}

fn repr(cx: &mut Cx, o: &Obj) -> PyResult {
    let ty = o.type_ref();
    let names = field_names(cx, &ty);
    let items = o.cast::<Tuple>().map(|t| t.items().to_vec()).unwrap_or_default();
    let mut parts = Vec::new();
    for (name, v) in names.iter().zip(&items) {
        parts.push(format!("{}={}", name.to_text(cx), protocol::repr_text(cx, v)?));
    }
    let name = super::type_::full_name(cx, &ty);
    cx.str(&format!("{name}({})", parts.join(", ")))
}

struct StructSequence;
#[retic_macros::methods]
impl StructSequence {
    #[py("__reduce__($self, /)")]
    fn reduce(cx: &mut Cx, this: &Ref<Tuple>) -> PyResult {
        let ty = this.as_obj().type_ref();
        let visible = cx.tuple(this.items().to_vec())?;
        let rest = Dict::new(cx)?;
        for name in hidden_names(cx, &ty) {
            let v = protocol::getattr(cx, this.as_obj(), &name)?;
            let old = rest.insert(cx, name.as_obj(), v)?;
            cx.release(old);
        }
        let args = cx.tuple_of([visible, rest.into_obj()])?;
        cx.tuple_of([ty.into_obj(), args])
    }
    /// Return a copy of the structure with new values for the specified fields.
    #[py("__replace__($self, /, **changes)")]
    fn replace(cx: &mut Cx, this: &Ref<Tuple>, changes: Vec<(&Obj, &Obj)>) -> PyResult {
        let ty = this.as_obj().type_ref();
        if number(cx, &ty, "n_unnamed_fields") > 0 {
            let name = super::type_::full_name(cx, &ty);
            return Err(cx.type_error(format!("__replace__() is not supported for {name} because it has unnamed field(s)")));
        }
        let names = field_names(cx, &ty);
        // SAFETY: a struct sequence, so the hidden fields are there.
        let mut values = unsafe { all(this.as_obj().as_ptr()) }.to_vec();
        for (k, v) in changes {
            let Some(key) = k.cast::<super::Str>() else { continue };
            match names.iter().position(|n| n.same(key)) {
                Some(i) => values[i] = v.clone(),
                None => {
                    let shown = protocol::repr_text(cx, k)?;
                    return Err(cx.type_error(format!("Got unexpected field name(s): [{shown}]")));
                }
            }
        }
        let _ = Tuple::ID;
        new(cx, &ty, this.items().len(), values)
    }
}
