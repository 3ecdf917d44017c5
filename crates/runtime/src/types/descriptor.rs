//! Descriptors: slot wrappers, native methods and attributes, `__slots__` members, property, classmethod, staticmethod.

use super::dunders::Dunder;
use super::function::{self, Builtin};
use super::type_::{Cmp, flags};
use super::{Slots, Spec, Str, Type};
use crate::cx::{Cx, PyResult};
use crate::layout;
use crate::memory;
use crate::native::{Args, GetSet, MemberDef, MemberKind, MethodDef};
use crate::object::{Guarded, Obj, Ref};
use crate::protocol;
use std::cell::Cell;

layout! {
    /// A native slot as a method.
    pub struct Wrapper = 26, "wrapper_descriptor" { owner: Guarded<Ref<Type>>, dunder: Cell<&'static Dunder>, }
}
layout! {
    /// A slot wrapper bound to an object.
    pub struct BoundWrapper = 27, "method-wrapper" { wrapper: Guarded<Ref<Wrapper>>, this: Guarded<Obj>, }
}
layout! {
    /// A native method of a type.
    pub struct MethodDescr = 28, "method_descriptor" { owner: Guarded<Ref<Type>>, def: Cell<&'static MethodDef>, }
}
layout! {
    /// A computed attribute of a type.
    pub struct GetSetDescr = 29, "getset_descriptor" { owner: Guarded<Ref<Type>>, def: Cell<&'static GetSet>, }
}
layout! {
    /// A `__slots__` member.
    pub struct Member = 30, "member_descriptor" { owner: Guarded<Ref<Type>>, name: Guarded<Ref<Str>>, offset: Cell<usize>, kind: Cell<MemberKind>, doc: Cell<&'static str>, computed: Cell<Option<&'static GetSet>>, }
}
layout! {
    /// A property.
    pub struct Property = 31, "property" { get: Guarded<Option<Obj>>, set: Guarded<Option<Obj>>, del: Guarded<Option<Obj>>, doc: Guarded<Option<Obj>>, name: Guarded<Option<Obj>>, getter_doc: Cell<bool>, }
}
layout! {
    /// A static method.
    pub struct StaticMethod = 32, "staticmethod" { function: Guarded<Obj>, }
}
layout! {
    /// A class method.
    pub struct ClassMethod = 33, "classmethod" { function: Guarded<Obj>, }
}

pub fn wrapper(cx: &Cx, ty: &Ref<Type>, d: &'static Dunder) -> PyResult {
    Ok(memory::new(cx, &cx.types.wrapper_descriptor, |head| Wrapper { head, owner: Guarded::new(ty.clone()), dunder: Cell::new(d) })?.into_obj())
}
pub fn method(cx: &Cx, ty: &Ref<Type>, def: &'static MethodDef) -> PyResult {
    Ok(memory::new(cx, &cx.types.method_descriptor, |head| MethodDescr { head, owner: Guarded::new(ty.clone()), def: Cell::new(def) })?.into_obj())
}
/// Calls a method descriptor with an object of its type in front; none: somebody else has the words for what is wrong.
#[inline]
pub fn call_direct(cx: &mut Cx, descr: &Obj, args: Args<'_>) -> Option<PyResult> {
    let d = descr.cast::<MethodDescr>()?;
    let (first, rest) = args.items.split_first()?;
    let owner = d.owner.get(cx);
    if !std::ptr::eq(first.ty(), &**owner) && !first.ty().is_subtype(cx, owner) {
        return None;
    }
    let def = d.def.get();
    Some((def.call)(cx, def, first, Args { items: rest, names: args.names }))
}
/// The native function of a method descriptor.
///
/// # Safety
/// It is a method descriptor.
#[inline(always)]
pub(crate) unsafe fn method_of(descr: &Obj) -> &'static MethodDef {
    // SAFETY: O3, as promised.
    unsafe { descr.cast_unchecked::<MethodDescr>() }.def.get()
}
/// Whether an object is an instance of the class that a method descriptor is of.
///
/// # Safety
/// As `method_of`.
#[inline(always)]
pub(crate) unsafe fn is_of_class(cx: &Cx, descr: &Obj, this: &Obj) -> bool {
    // SAFETY: O3, as promised; the class is held by the descriptor.
    let owner = unsafe { &*descr.cast_unchecked::<MethodDescr>().owner.as_ptr() };
    std::ptr::eq(this.ty(), &**owner) || inherits(cx, this, owner)
}
#[inline(never)]
fn inherits(cx: &Cx, this: &Obj, owner: &Ref<Type>) -> bool {
    this.ty().is_subtype(cx, owner)
}
/// The native function of a method descriptor, bound to an object.
pub fn bound(cx: &Cx, descr: &Obj, this: &Obj) -> Option<PyResult> {
    let d = descr.cast::<MethodDescr>()?;
    Some(super::function::builtin(cx, d.def.get(), Some(this.clone()), None))
}
/// The class and the native function of a method descriptor.
pub(crate) fn method_parts(o: &Obj) -> Option<(&Type, &'static MethodDef)> {
    let m = o.cast::<MethodDescr>()?;
    // SAFETY: the descriptor is borrowed, and it holds its class.
    Some((unsafe { &*m.owner.as_ptr() }, m.def.get()))
}
/// The slots of the built-in type that has this method instead of a slot wrapper (METH_COEXIST).
pub(super) fn slot_as_method(cx: &Cx, o: &Obj, name: &str) -> Option<Slots> {
    let m = o.cast::<MethodDescr>().filter(|m| m.def.get().name == name)?;
    let owner = m.owner.get(cx);
    if owner.is_heap() { None } else { Some(*owner.slots(cx)) }
}
/// Whether an object is the method descriptor of a native function.
pub fn is_method(o: &Obj, def: &'static MethodDef) -> bool {
    o.cast::<MethodDescr>().is_some_and(|m| std::ptr::eq(m.def.get(), def))
}
pub fn class_method(cx: &Cx, ty: &Ref<Type>, def: &'static MethodDef) -> PyResult {
    Ok(memory::new(cx, &cx.types.classmethod_descriptor, |head| MethodDescr { head, owner: Guarded::new(ty.clone()), def: Cell::new(def) })?.into_obj())
}
pub fn getset(cx: &mut Cx, ty: &Ref<Type>, def: &'static GetSet) -> PyResult {
    if def.member {
        let name = cx.name(def.name);
        let m = make_member(cx, ty, &name, 0, MemberKind::Computed, def.doc)?;
        if let Some(m) = m.cast::<Member>() {
            m.computed.set(Some(def));
        }
        return Ok(m);
    }
    Ok(memory::new(cx, &cx.types.getset_descriptor, |head| GetSetDescr { head, owner: Guarded::new(ty.clone()), def: Cell::new(def) })?.into_obj())
}
/// A member of `__slots__`.
pub fn member(cx: &Cx, ty: &Ref<Type>, name: &Ref<Str>, offset: usize) -> PyResult {
    make_member(cx, ty, name, offset, MemberKind::Slot, "")
}
/// A field of a struct sequence.
pub fn read_only_member(cx: &Cx, ty: &Ref<Type>, name: &Ref<Str>, offset: usize) -> PyResult {
    make_member(cx, ty, name, offset, MemberKind::ReadOnly, "")
}
/// A field of a native type.
pub fn member_of(cx: &mut Cx, ty: &Ref<Type>, def: &MemberDef) -> PyResult {
    let name = cx.name(def.name);
    make_member(cx, ty, &name, def.offset, def.kind, def.doc)
}
fn make_member(cx: &Cx, ty: &Ref<Type>, name: &Ref<Str>, offset: usize, kind: MemberKind, doc: &'static str) -> PyResult {
    let (owner, name) = (ty.clone(), name.clone());
    Ok(memory::new(cx, &cx.types.member_descriptor, |head| Member {
        head,
        owner: Guarded::new(owner),
        name: Guarded::new(name),
        offset: Cell::new(offset),
        kind: Cell::new(kind),
        doc: Cell::new(doc),
        computed: Cell::new(None),
    })?
    .into_obj())
}
/// Where a member lies in its object.
pub fn member_offset(o: &Obj) -> Option<usize> {
    o.cast::<Member>().filter(|m| m.kind.get() != MemberKind::Computed).map(|m| m.offset.get())
}
/// The name of a slot that a class itself adds.
pub fn slot_name(cx: &Cx, o: &Obj, owner: &Ref<Type>) -> Option<String> {
    let m = o.cast::<Member>().filter(|m| m.kind.get() == MemberKind::Slot && m.owner.get(cx).as_obj().is(owner.as_obj()))?;
    Some(m.name.get(cx).to_text(cx))
}
/// The same if a class's instances have that place: its owner is among the class's bases.
pub fn member_offset_in(cx: &Cx, o: &Obj, ty: &Type) -> Option<usize> {
    member_offset(o).filter(|_| o.cast::<Member>().is_some_and(|m| ty.is_subtype(cx, m.owner.get(cx))))
}
/// The same for a member that may be assigned whatever it is.
pub fn writable_member(o: &Obj) -> Option<usize> {
    o.cast::<Member>().filter(|m| matches!(m.kind.get(), MemberKind::Slot | MemberKind::Object)).map(|m| m.offset.get())
}
/// Whether an object is a property, and not of a subclass.
pub fn is_exact_property(cx: &Cx, o: &Obj) -> bool {
    std::ptr::eq(o.ty(), &*cx.types.property)
}
/// What a property calls for its value, as the eval loop has it; null: nothing.
pub(crate) unsafe fn getter_of(p: &Property) -> *mut crate::object::Header {
    // SAFETY: the caller holds the property; a handle or nothing lies there.
    unsafe { (*p.get.as_ptr()).as_ref().map_or(std::ptr::null_mut(), |o| o.as_ptr().as_ptr()) }
}
pub fn staticmethod(cx: &Cx, f: Obj) -> PyResult {
    Ok(memory::new(cx, &cx.types.staticmethod, |head| StaticMethod { head, function: Guarded::new(f) })?.into_obj())
}
pub fn classmethod(cx: &Cx, f: Obj) -> PyResult {
    Ok(memory::new(cx, &cx.types.classmethod, |head| ClassMethod { head, function: Guarded::new(f) })?.into_obj())
}

/// The receiver of an unbound call, checked against the owner.
fn split<'a>(cx: &Cx, owner: &Ref<Type>, name: &str, args: Args<'a>) -> PyResult<(&'a Obj, Args<'a>)> {
    let Some((first, rest)) = args.items.split_first().filter(|_| !args.positional().is_empty()) else {
        return Err(cx.type_error(format!("unbound method {}.{name}() needs an argument", owner.name_text())));
    };
    applies(cx, owner, name, first)?;
    Ok((first, Args { items: rest, names: args.names }))
}

/// Only calls and the making of objects take keywords.
fn no_keywords(cx: &Cx, d: &Dunder, args: Args<'_>) -> PyResult<()> {
    if args.names.is_empty() || matches!(d.name, "__call__" | "__init__" | "__new__") {
        return Ok(());
    }
    Err(cx.type_error(format!("wrapper {}() takes no keyword arguments", d.name)))
}

fn call_wrapper(cx: &mut Cx, o: &Obj, args: Args<'_>) -> PyResult {
    let Some(w) = o.cast::<Wrapper>() else { return Ok(cx.none()) };
    let owner = w.owner.cloned(cx);
    let d = w.dunder.get();
    let (this, rest) = match split(cx, &owner, d.name, args) {
        Ok(x) => x,
        Err(_) if args.positional().is_empty() => {
            cx.clear_error();
            return Err(cx.type_error(format!("descriptor '{}' of '{}' object needs an argument", d.name, owner.name_text())));
        }
        Err(r) => {
            cx.clear_error();
            let _ = r;
            return Err(cx.type_error(format!("descriptor '{}' requires a '{}' object but received a '{}'", d.name, owner.name_text(), args.items[0].ty().name_text())));
        }
    };
    no_keywords(cx, d, args)?;
    let slots = *owner.slots(cx);
    (d.call)(cx, &slots, this, rest)
}

pub fn wrapper_spec() -> Spec {
    Spec {
        flags: flags::GC | flags::METHOD_DESCRIPTOR | flags::NO_NEW,
        slots: Slots {
            repr: Some(|cx, o| {
                let Some(w) = o.cast::<Wrapper>() else { return Ok(cx.none()) };
                let t = format!("<slot wrapper '{}' of '{}' objects>", w.dunder.get().name, w.owner.get(cx).name_text());
                cx.str(&t)
            }),
            call: Some(call_wrapper),
            get: Some(|cx, d, obj, _| match obj {
                Some(o) => {
                    // SAFETY: O3, this slot is only reached through wrappers.
                    let w = unsafe { d.cast_unchecked::<Wrapper>() }.clone();
                    Ok(memory::new(cx, &cx.types.method_wrapper, |head| BoundWrapper { head, wrapper: Guarded::new(w), this: Guarded::new(o.clone()) })?.into_obj())
                }
                None => Ok(d.clone()),
            }),
            ..Slots::EMPTY
        },
        methods: Wrapper::METHODS,
        getset: Wrapper::GETSET,
        ..Spec::new::<Wrapper>("wrapper_descriptor")
    }
}
#[retic_macros::methods]
impl Wrapper {
    #[get("__qualname__")]
    fn qualname(cx: &mut Cx, this: &Ref<Wrapper>) -> String {
        format!("{}.{}", this.owner.get(cx).short_name(), this.dunder.get().name)
    }
    /// Helper for pickle.
    #[py("__reduce__($self, /)")]
    fn reduce(cx: &mut Cx, this: &Ref<Wrapper>) -> PyResult {
        let (of, name) = (this.owner.cloned(cx).into_obj(), cx.str(this.dunder.get().name)?);
        super::function::by_name(cx, of, name)
    }
    #[member("__name__")]
    fn name(_cx: &mut Cx, this: &Ref<Wrapper>) -> &'static str {
        this.dunder.get().name
    }
    #[get("__doc__")]
    fn doc(_cx: &mut Cx, this: &Ref<Wrapper>) -> &'static str {
        this.dunder.get().doc
    }
    #[get("__text_signature__")]
    fn text(_cx: &mut Cx, this: &Ref<Wrapper>) -> &'static str {
        this.dunder.get().text
    }
    #[member("__objclass__")]
    fn objclass(cx: &mut Cx, this: &Ref<Wrapper>) -> Ref<Type> {
        this.owner.cloned(cx)
    }
}
pub fn method_wrapper_spec() -> Spec {
    Spec {
        flags: flags::GC | flags::NO_NEW,
        slots: Slots {
            repr: Some(|cx, o| {
                let Some(b) = o.cast::<BoundWrapper>() else { return Ok(cx.none()) };
                let (w, this) = (b.wrapper.cloned(cx), b.this.cloned(cx));
                cx.str(&format!("<method-wrapper '{}' of {} object at {:#x}>", w.dunder.get().name, this.ty().name_text(), this.address()))
            }),
            hash: Some(|cx, o| {
                let Some(b) = o.cast::<BoundWrapper>() else { return Ok(0) };
                Ok(((b.this.get(cx).address() >> 4) ^ (b.wrapper.get(cx).as_obj().address() >> 4)) as i64)
            }),
            richcompare: Some(|cx, a, b, op| {
                let (Some(x), Some(y)) = (a.cast::<BoundWrapper>(), b.cast::<BoundWrapper>()) else { return Ok(cx.not_implemented()) };
                if !matches!(op, Cmp::Eq | Cmp::Ne) {
                    return Ok(cx.not_implemented());
                }
                let same = x.this.get(cx).is(y.this.get(cx)) && x.wrapper.get(cx).as_obj().is(y.wrapper.get(cx).as_obj());
                Ok(cx.bool(same == (op == Cmp::Eq)))
            }),
            call: Some(|cx, o, args| {
                let Some(b) = o.cast::<BoundWrapper>() else { return Ok(cx.none()) };
                let (w, this) = (b.wrapper.cloned(cx), b.this.cloned(cx));
                let slots = *w.owner.get(cx).slots(cx);
                no_keywords(cx, w.dunder.get(), args)?;
                cx.deeper("", |cx| (w.dunder.get().call)(cx, &slots, &this, args))
            }),
            ..Slots::EMPTY
        },
        methods: BoundWrapper::METHODS,
        getset: BoundWrapper::GETSET,
        ..Spec::new::<BoundWrapper>("method-wrapper")
    }
}
#[retic_macros::methods]
impl BoundWrapper {
    /// Helper for pickle.
    #[py("__reduce__($self, /)")]
    fn reduce(cx: &mut Cx, this: &Ref<BoundWrapper>) -> PyResult {
        let name = cx.str(this.wrapper.get(cx).dunder.get().name)?;
        let of = BoundWrapper::this_get(cx, this);
        super::function::by_name(cx, of, name)
    }
    #[get("__name__")]
    fn name(cx: &mut Cx, this: &Ref<BoundWrapper>) -> &'static str {
        this.wrapper.get(cx).dunder.get().name
    }
    #[get("__text_signature__")]
    fn text(cx: &mut Cx, this: &Ref<BoundWrapper>) -> &'static str {
        this.wrapper.get(cx).dunder.get().text
    }
    #[get("__objclass__")]
    fn objclass(cx: &mut Cx, this: &Ref<BoundWrapper>) -> Ref<Type> {
        this.wrapper.get(cx).owner.cloned(cx)
    }
    #[get("__qualname__")]
    fn qualname(cx: &mut Cx, this: &Ref<BoundWrapper>) -> String {
        let w = this.wrapper.cloned(cx);
        format!("{}.{}", w.owner.get(cx).short_name(), w.dunder.get().name)
    }
    #[get("__self__")]
    fn this_get(cx: &mut Cx, this: &Ref<BoundWrapper>) -> Obj {
        this.this.cloned(cx)
    }
    #[get("__doc__")]
    fn doc(cx: &mut Cx, this: &Ref<BoundWrapper>) -> &'static str {
        this.wrapper.get(cx).dunder.get().doc
    }
}

fn bind_builtin(cx: &Cx, def: &'static MethodDef, this: Obj) -> PyResult {
    Ok(memory::new(cx, &cx.types.builtin, |head| Builtin { head, def: Cell::new(def), this: Guarded::new(Some(this)), module: Guarded::new(None) })?.into_obj())
}

pub fn method_spec() -> Spec {
    Spec {
        flags: flags::GC | flags::METHOD_DESCRIPTOR | flags::NO_NEW,
        shape: crate::object::shape::METHOD_DESCRIPTOR,
        slots: Slots {
            repr: Some(method_repr),
            call: Some(|cx, o, args| {
                // SAFETY: O3, this slot is only reached through method descriptors.
                let m = unsafe { o.cast_unchecked::<MethodDescr>() };
                let def = m.def.get();
                let owner = m.owner.get(cx);
                let (this, rest) = split(cx, owner, def.name, args)?;
                (def.call)(cx, def, this, rest)
            }),
            get: Some(|cx, d, obj, _| match (obj, d.cast::<MethodDescr>()) {
                (Some(o), Some(m)) => {
                    applies(cx, m.owner.get(cx), m.def.get().name, o)?;
                    bind_builtin(cx, m.def.get(), o.clone())
                }
                _ => Ok(d.clone()),
            }),
            ..Slots::EMPTY
        },
        methods: MethodDescr::METHODS,
        getset: MethodDescr::GETSET,
        ..Spec::new::<MethodDescr>("method_descriptor")
    }
}
fn method_repr(cx: &mut Cx, o: &Obj) -> PyResult {
    let Some(m) = o.cast::<MethodDescr>() else { return Ok(cx.none()) };
    let t = format!("<method '{}' of '{}' objects>", m.def.get().name, m.owner.get(cx).name_text());
    cx.str(&t)
}
pub fn class_method_spec() -> Spec {
    Spec {
        flags: flags::GC | flags::NO_NEW,
        slots: Slots {
            repr: Some(method_repr),
            call: Some(|cx, o, args| {
                // SAFETY: O3, this slot is only reached through descriptors of class methods.
                let m = unsafe { o.cast_unchecked::<MethodDescr>() };
                let def = m.def.get();
                let Some(class) = args.positional().first() else {
                    return Err(cx.type_error(format!("descriptor '{}' of '{}' object needs an argument", def.name, m.owner.get(cx).name_text())));
                };
                applies_to_class(cx, m, class)?;
                (def.call)(cx, def, class, Args { items: &args.items[1..], names: args.names })
            }),
            get: Some(|cx, d, obj, ty| {
                let Some(m) = d.cast::<MethodDescr>() else { return Ok(d.clone()) };
                let class = match (ty, obj) {
                    (Some(t), _) => t.clone(),
                    (None, Some(o)) => o.type_ref().into_obj(),
                    _ => return Ok(d.clone()),
                };
                applies_to_class(cx, m, &class)?;
                bind_builtin(cx, m.def.get(), class)
            }),
            ..Slots::EMPTY
        },
        getset: MethodDescr::GETSET,
        ..Spec::new::<MethodDescr>("classmethod_descriptor")
    }
}
#[retic_macros::methods]
impl MethodDescr {
    /// Helper for pickle.
    #[py("__reduce__($self, /)")]
    fn reduce(cx: &mut Cx, this: &Ref<MethodDescr>) -> PyResult {
        let (of, name) = (this.owner.cloned(cx).into_obj(), cx.str(this.def.get().name)?);
        super::function::by_name(cx, of, name)
    }
    #[member("__name__")]
    fn name(_cx: &mut Cx, this: &Ref<MethodDescr>) -> &'static str {
        this.def.get().name
    }
    #[get("__qualname__")]
    fn qualname(cx: &mut Cx, this: &Ref<MethodDescr>) -> String {
        format!("{}.{}", this.owner.get(cx).short_name(), this.def.get().name)
    }
    #[get("__doc__")]
    fn doc(_cx: &mut Cx, this: &Ref<MethodDescr>) -> Option<&'static str> {
        Some(this.def.get().doc).filter(|d| !d.is_empty())
    }
    #[get("__text_signature__")]
    fn text(_cx: &mut Cx, this: &Ref<MethodDescr>) -> Option<&'static str> {
        Some(this.def.get().signature.text).filter(|t| !t.is_empty())
    }
    #[member("__objclass__")]
    fn objclass(cx: &mut Cx, this: &Ref<MethodDescr>) -> Ref<Type> {
        this.owner.cloned(cx)
    }
}

/// Refuses what is not a class below the one that a descriptor of a class method is of.
fn applies_to_class(cx: &Cx, m: &MethodDescr, class: &Obj) -> PyResult<()> {
    let (name, owner) = (m.def.get().name, m.owner.get(cx));
    match class.cast::<Type>() {
        None => {
            let (owner, given) = (owner.name_text(), class.ty().name_text());
            Err(cx.type_error(format!("descriptor '{name}' for type '{owner}' needs a type, not a '{given}' as arg 2")))
        }
        Some(t) if !t.is_subtype(cx, owner) => Err(cx.type_error(format!("descriptor '{name}' requires a subtype of '{}' but received '{}'", owner.name_text(), t.name_text()))),
        Some(_) => Ok(()),
    }
}

/// Refuses an object that is not of a descriptor's class.
fn applies(cx: &Cx, owner: &Ref<Type>, name: &str, o: &Obj) -> PyResult<()> {
    if std::ptr::eq(o.ty(), &**owner) || o.ty().is_subtype(cx, owner) {
        return Ok(());
    }
    Err(cx.type_error(format!("descriptor '{name}' for '{}' objects doesn't apply to a '{}' object", owner.name_text(), o.ty().name_text())))
}

pub fn getset_spec() -> Spec {
    Spec {
        flags: flags::GC | flags::NO_NEW,
        slots: Slots {
            repr: Some(|cx, o| {
                let Some(m) = o.cast::<GetSetDescr>() else { return Ok(cx.none()) };
                let t = format!("<attribute '{}' of '{}' objects>", m.def.get().name, m.owner.get(cx).name_text());
                cx.str(&t)
            }),
            get: Some(|cx, d, obj, _| match (obj, d.cast::<GetSetDescr>()) {
                (Some(o), Some(g)) => {
                    applies(cx, g.owner.get(cx), g.def.get().name, o)?;
                    (g.def.get().get)(cx, o)
                }
                _ => Ok(d.clone()),
            }),
            set: Some(|cx, d, o, v| {
                let Some(g) = d.cast::<GetSetDescr>() else { return Ok(()) };
                applies(cx, g.owner.get(cx), g.def.get().name, o)?;
                match g.def.get().set {
                    Some(set) => set(cx, o, v),
                    None => Err(cx.attribute_error(format!("attribute '{}' of '{}' objects is not writable", g.def.get().name, g.owner.get(cx).name_text()))),
                }
            }),
            ..Slots::EMPTY
        },
        getset: GetSetDescr::GETSET,
        ..Spec::new::<GetSetDescr>("getset_descriptor")
    }
}
#[retic_macros::methods]
impl GetSetDescr {
    #[get("__qualname__")]
    fn qualname(cx: &mut Cx, this: &Ref<GetSetDescr>) -> String {
        format!("{}.{}", this.owner.get(cx).short_name(), this.def.get().name)
    }
    #[member("__name__")]
    fn name(_cx: &mut Cx, this: &Ref<GetSetDescr>) -> &'static str {
        this.def.get().name
    }
    #[get("__doc__")]
    fn doc(_cx: &mut Cx, this: &Ref<GetSetDescr>) -> Option<&'static str> {
        Some(this.def.get().doc).filter(|d| !d.is_empty())
    }
    #[member("__objclass__")]
    fn objclass(cx: &mut Cx, this: &Ref<GetSetDescr>) -> Ref<Type> {
        this.owner.cloned(cx)
    }
}

/// The storage of a member in an instance of its class.
fn member_slot(cx: &Cx, m: &Ref<Member>, o: &Obj) -> PyResult<*mut Option<Obj>> {
    let owner = m.owner.get(cx);
    if !o.ty().is_subtype(cx, owner) {
        return Err(cx.type_error(format!("descriptor '{}' for '{}' objects doesn't apply to a '{}' object", m.name.get(cx).to_text(cx), owner.name_text(), o.ty().name_text())));
    }
    // SAFETY: instances of the owner and its subclasses have the member at this offset.
    Ok(unsafe { o.as_ptr().as_ptr().cast::<u8>().add(m.offset.get()).cast() })
}

pub fn member_spec() -> Spec {
    Spec {
        flags: flags::GC | flags::NO_NEW,
        slots: Slots {
            repr: Some(|cx, o| {
                let Some(m) = o.cast::<Member>() else { return Ok(cx.none()) };
                let t = format!("<member '{}' of '{}' objects>", m.name.get(cx).to_text(cx), m.owner.get(cx).name_text());
                cx.str(&t)
            }),
            get: Some(|cx, d, obj, _| {
                let (Some(o), Some(m)) = (obj, d.cast::<Member>()) else { return Ok(d.clone()) };
                let slot = member_slot(cx, m, o)?;
                if let Some(def) = m.computed.get() {
                    return (def.get)(cx, o);
                }
                // SAFETY: the slot holds a handle or nothing.
                match unsafe { (*slot).clone() } {
                    Some(v) => Ok(v),
                    None if m.kind.get() != MemberKind::Slot => Ok(cx.none()),
                    None => {
                        let name = m.name.cloned(cx);
                        let text = format!("'{}' object has no attribute '{}'", super::type_::shown_name(cx, &o.type_ref()), name.to_text(cx));
                        Err(super::exception::attribute_error(cx, text, o, &name))
                    }
                }
            }),
            set: Some(|cx, d, o, v| {
                let Some(m) = d.cast::<Member>() else { return Ok(()) };
                let kind = m.kind.get();
                if kind == MemberKind::ReadOnly {
                    return Err(cx.attribute_error("readonly attribute"));
                }
                let slot = member_slot(cx, m, o)?;
                if let Some(def) = m.computed.get() {
                    return match def.set {
                        Some(set) => set(cx, o, v),
                        None => Err(cx.attribute_error("readonly attribute")),
                    };
                }
                if kind == MemberKind::Index {
                    match v {
                        None => return Err(cx.type_error("can't delete numeric/char attribute")),
                        Some(v) if v.cast::<super::Int>().is_none() => return Err(cx.type_error("an integer is required")),
                        Some(v) if super::int::to_i64(v).is_none() => return Err(cx.overflow_error("Python int too large to convert to C long")),
                        Some(_) => {}
                    }
                }
                // SAFETY: as above; emptied before the old value is released (M1).
                let old = unsafe { std::mem::replace(&mut *slot, v.cloned()) };
                if v.is_none() && old.is_none() && kind == MemberKind::Slot {
                    return Err(cx.attribute_error(m.name.get(cx).to_text(cx)));
                }
                cx.release(old);
                Ok(())
            }),
            ..Slots::EMPTY
        },
        methods: Member::METHODS,
        getset: Member::GETSET,
        ..Spec::new::<Member>("member_descriptor")
    }
}
#[retic_macros::methods]
impl Member {
    #[get("__qualname__")]
    fn qualname(cx: &mut Cx, this: &Ref<Member>) -> String {
        format!("{}.{}", this.owner.get(cx).short_name(), this.name.get(cx).to_text(cx))
    }
    /// Helper for pickle.
    #[py("__reduce__($self, /)")]
    fn reduce(cx: &mut Cx, this: &Ref<Member>) -> PyResult {
        let (of, name) = (this.owner.cloned(cx).into_obj(), this.name.cloned(cx).into_obj());
        super::function::by_name(cx, of, name)
    }
    #[get("__doc__")]
    fn doc_get(_cx: &mut Cx, this: &Ref<Member>) -> Option<&'static str> {
        Some(this.doc.get()).filter(|d| !d.is_empty())
    }
    #[member("__name__")]
    fn name_get(cx: &mut Cx, this: &Ref<Member>) -> Ref<Str> {
        this.name.cloned(cx)
    }
    #[member("__objclass__")]
    fn objclass(cx: &mut Cx, this: &Ref<Member>) -> Ref<Type> {
        this.owner.cloned(cx)
    }
}

fn prop(o: &Obj) -> &Ref<Property> {
    // SAFETY: O3, these slots are only reached through properties.
    unsafe { o.cast_unchecked::<Property>() }
}
fn no_accessor(cx: &mut Cx, p: &Ref<Property>, o: &Obj, what: &str) -> crate::cx::Raised {
    // Its own name, or that of its getter.
    let name = match Property::name_get(cx, p) {
        Ok(n) => protocol::repr_text(cx, &n).unwrap_or_default(),
        Err(_) if cx.error_is(&cx.types.attribute_error) => {
            cx.clear_error();
            String::new()
        }
        Err(e) => return e,
    };
    let shown = if name.is_empty() { String::new() } else { format!(" {name}") };
    let key = cx.name("__qualname__");
    let class = match protocol::getattr(cx, o.type_ref().as_obj(), &key) {
        Ok(q) => protocol::repr_text(cx, &q).unwrap_or_default(),
        Err(_) => {
            cx.clear_error();
            format!("'{}'", o.ty().name_text())
        }
    };
    cx.attribute_error(format!("property{shown} of {class} object has no {what}"))
}
/// A copy of a property with another function: its own class is called, as CPython's `property_copy` does.
fn property_with(cx: &mut Cx, p: &Ref<Property>, which: usize, f: &Obj) -> PyResult {
    let mut parts = [p.get.cloned(cx), p.set.cloned(cx), p.del.cloned(cx)];
    parts[which] = Some(f.clone());
    let [get, set, del] = parts.map(|f| f.unwrap_or_else(|| cx.none()));
    // A docstring that came from the getter is taken from the new one.
    let doc = if p.getter_doc.get() && !get.is_none() { cx.none() } else { p.doc.cloned(cx).unwrap_or_else(|| cx.none()) };
    let class = p.as_obj().type_ref().into_obj();
    let new = protocol::call(cx, &class, &[get, set, del, doc])?;
    if let Some(n) = new.cast::<Property>() {
        let name = p.name.cloned(cx);
        n.name.set(cx, name);
    }
    Ok(new)
}

pub fn property_spec() -> Spec {
    Spec {
        doc: "Property attribute.",
        text_signature: "(fget=None, fset=None, fdel=None, doc=None)",
        flags: flags::GC | flags::BASE,
        slots: Slots {
            get: Some(|cx, d, obj, _| {
                let Some(o) = obj else { return Ok(d.clone()) };
                match prop(d).get.cloned(cx) {
                    Some(f) => protocol::call(cx, &f, &[o.clone()]),
                    None => Err(no_accessor(cx, prop(d), o, "getter")),
                }
            }),
            set: Some(|cx, d, o, v| {
                let (f, what) = match v {
                    Some(_) => (prop(d).set.cloned(cx), "setter"),
                    None => (prop(d).del.cloned(cx), "deleter"),
                };
                let Some(f) = f else { return Err(no_accessor(cx, prop(d), o, what)) };
                let r = match v {
                    Some(v) => protocol::call(cx, &f, &[o.clone(), v.clone()])?,
                    None => protocol::call(cx, &f, std::slice::from_ref(o))?,
                };
                cx.release(r);
                Ok(())
            }),
            new: Some(|cx, ty, _| {
                Ok(memory::new(cx, ty, |head| Property {
                    head,
                    get: Guarded::new(None),
                    set: Guarded::new(None),
                    del: Guarded::new(None),
                    doc: Guarded::new(None),
                    name: Guarded::new(None),
                    getter_doc: Cell::new(false),
                })?
                .into_obj())
            }),
            init: Some(|cx, o, args| {
                let pos = args.positional();
                args.only(cx, "property", &["fget", "fset", "fdel", "doc"])?;
                let get = |cx: &Cx, i: usize, n: &str| pos.get(i).or(args.keyword(cx, n)).filter(|v| !v.is_none()).cloned();
                let (g, s, d, doc) = (get(cx, 0, "fget"), get(cx, 1, "fset"), get(cx, 2, "fdel"), get(cx, 3, "doc"));
                let key = cx.name("__doc__");
                let of_getter = doc.is_none();
                let doc = match (doc, &g) {
                    (Some(d), _) => Some(d),
                    (None, Some(f)) => protocol::lookup_attr(cx, f, &key)?.filter(|d| !d.is_none()),
                    _ => None,
                };
                prop(o).getter_doc.set(of_getter && doc.is_some());
                if !std::ptr::eq(o.ty(), &*cx.types.property) {
                    // The docstring of the class would hide one that the property keeps inside.
                    let value = doc.clone().unwrap_or_else(|| cx.none());
                    match protocol::setattr(cx, o, &key, Some(&value)) {
                        // With `__slots__` there may be no place for it: that of a getter is missed, one that was asked for is not.
                        Err(_) if !prop(o).getter_doc.get() && cx.error_is(&cx.types.attribute_error) => cx.clear_error(),
                        other => other?,
                    }
                }
                let p = prop(o);
                p.get.set(cx, g);
                p.set.set(cx, s);
                p.del.set(cx, d);
                p.doc.set(cx, doc);
                p.name.set(cx, None);
                Ok(())
            }),
            ..Slots::EMPTY
        },
        methods: Property::METHODS,
        getset: Property::GETSET,
        ..Spec::new::<Property>("property")
    }
}
#[retic_macros::methods]
impl Property {
    #[get("__isabstractmethod__")]
    fn is_abstract(cx: &mut Cx, this: &Ref<Property>) -> PyResult<bool> {
        let functions: Vec<Obj> = [this.get.cloned(cx), this.set.cloned(cx), this.del.cloned(cx)].into_iter().flatten().collect();
        any_abstract(cx, &functions)
    }
    /// Descriptor to obtain a copy of the property with a different getter.
    #[py("getter($self, fget, /)", "($self, object, /)")]
    fn getter(cx: &mut Cx, this: &Ref<Property>, fget: &Obj) -> PyResult {
        property_with(cx, this, 0, fget)
    }
    /// Descriptor to obtain a copy of the property with a different setter.
    #[py("setter($self, fset, /)", "($self, object, /)")]
    fn setter(cx: &mut Cx, this: &Ref<Property>, fset: &Obj) -> PyResult {
        property_with(cx, this, 1, fset)
    }
    /// Descriptor to obtain a copy of the property with a different deleter.
    #[py("deleter($self, fdel, /)", "($self, object, /)")]
    fn deleter(cx: &mut Cx, this: &Ref<Property>, fdel: &Obj) -> PyResult {
        property_with(cx, this, 2, fdel)
    }
    /// Set the name of the property, as the class body binds it.
    #[py("__set_name__($self, *args)", "($self, owner, name, /)")]
    fn set_name(cx: &mut Cx, this: &Ref<Property>, args: &[Obj]) -> PyResult<()> {
        let [_, name] = args else { return Err(cx.type_error(format!("__set_name__() takes 2 positional arguments but {} were given", args.len()))) };
        this.name.set(cx, Some(name.clone()));
        Ok(())
    }
    #[member("fget")]
    fn fget(cx: &mut Cx, this: &Ref<Property>) -> Option<Obj> {
        this.get.cloned(cx)
    }
    #[member("fset")]
    fn fset(cx: &mut Cx, this: &Ref<Property>) -> Option<Obj> {
        this.set.cloned(cx)
    }
    #[member("fdel")]
    fn fdel(cx: &mut Cx, this: &Ref<Property>) -> Option<Obj> {
        this.del.cloned(cx)
    }
    #[member("__doc__")]
    #[settable("")]
    fn doc_get(cx: &mut Cx, this: &Ref<Property>) -> Option<Obj> {
        this.doc.cloned(cx)
    }
    fn set_doc_get(cx: &mut Cx, this: &Ref<Property>, value: Option<&Obj>) -> PyResult<()> {
        this.doc.set(cx, value.cloned());
        this.getter_doc.set(false);
        Ok(())
    }
    #[get("__name__")]
    #[settable("")]
    fn name_get(cx: &mut Cx, this: &Ref<Property>) -> PyResult {
        if let Some(name) = this.name.cloned(cx) {
            return Ok(name);
        }
        let key = cx.name("__name__");
        let of_getter = match this.get.cloned(cx) {
            Some(f) => protocol::lookup_attr(cx, &f, &key)?,
            None => None,
        };
        match of_getter {
            Some(name) => Ok(name),
            None => Err(super::exception::attribute_error(cx, "'property' object has no attribute '__name__'".into(), this.as_obj(), &key)),
        }
    }
    fn set_name_get(cx: &mut Cx, this: &Ref<Property>, value: Option<&Obj>) -> PyResult<()> {
        this.name.set(cx, value.cloned());
        Ok(())
    }
}

fn wrapper_repr(cx: &mut Cx, o: &Obj, name: &str) -> PyResult {
    let f = match (o.cast::<StaticMethod>(), o.cast::<ClassMethod>()) {
        (Some(s), _) => s.function.cloned(cx),
        (_, Some(c)) => c.function.cloned(cx),
        _ => cx.none(),
    };
    let shown = protocol::repr_text(cx, &f)?;
    cx.str(&format!("<{name}({shown})>"))
}

pub fn staticmethod_spec() -> Spec {
    Spec {
        text_signature: "(function, /)",
        doc: "Convert a function to be a static method.",
        flags: flags::GC | flags::BASE | flags::MANAGED | flags::DICT | flags::WEAK,
        slots: Slots {
            repr: Some(|cx, o| wrapper_repr(cx, o, "staticmethod")),
            get: Some(|cx, d, _, _| Ok(d.cast::<StaticMethod>().map_or(cx.none(), |s| s.function.cloned(cx)))),
            call: Some(|cx, o, args| {
                let f = o.cast::<StaticMethod>().map(|s| s.function.cloned(cx)).unwrap_or_else(|| cx.none());
                protocol::call_args(cx, &f, args)
            }),
            new: Some(|cx, ty, _| {
                let none = cx.none();
                Ok(memory::new(cx, ty, |head| StaticMethod { head, function: Guarded::new(none) })?.into_obj())
            }),
            init: Some(|cx, o, args| {
                let f = args.unpack(cx, "staticmethod", 1, 1)?[0].clone();
                if let Some(this) = o.cast::<StaticMethod>() {
                    this.function.set(cx, f.clone());
                }
                copy_attributes(cx, &f, o)
            }),
            ..Slots::EMPTY
        },
        getset: StaticMethod::GETSET,
        ..Spec::new::<StaticMethod>("staticmethod")
    }
}
#[retic_macros::methods]
impl StaticMethod {
    #[get("__isabstractmethod__")]
    fn is_abstract(cx: &mut Cx, this: &Ref<StaticMethod>) -> PyResult<bool> {
        let functions: Vec<Obj> = vec![this.function.cloned(cx)];
        any_abstract(cx, &functions)
    }
    #[member("__func__")]
    fn func(cx: &mut Cx, this: &Ref<StaticMethod>) -> Obj {
        this.function.cloned(cx)
    }
    #[member("__wrapped__")]
    fn wrapped(cx: &mut Cx, this: &Ref<StaticMethod>) -> Obj {
        this.function.cloned(cx)
    }
    #[get("__annotations__")]
    #[settable("")]
    fn annotations(cx: &mut Cx, this: &Ref<StaticMethod>) -> PyResult {
        let f = this.function.cloned(cx);
        of_wrapped(cx, this.as_obj(), &f, "__annotations__")
    }
    fn set_annotations(cx: &mut Cx, this: &Ref<StaticMethod>, value: Option<&Obj>) -> PyResult<()> {
        set_own(cx, this.as_obj(), "__annotations__", value)
    }
    #[get("__annotate__")]
    #[settable("")]
    fn annotate(cx: &mut Cx, this: &Ref<StaticMethod>) -> PyResult {
        let f = this.function.cloned(cx);
        of_wrapped(cx, this.as_obj(), &f, "__annotate__")
    }
    fn set_annotate(cx: &mut Cx, this: &Ref<StaticMethod>, value: Option<&Obj>) -> PyResult<()> {
        set_own(cx, this.as_obj(), "__annotate__", value)
    }
}
pub fn classmethod_spec() -> Spec {
    Spec {
        text_signature: "(function, /)",
        doc: "Convert a function to be a class method.",
        flags: flags::GC | flags::BASE | flags::MANAGED | flags::DICT | flags::WEAK,
        slots: Slots {
            repr: Some(|cx, o| wrapper_repr(cx, o, "classmethod")),
            get: Some(|cx, d, obj, ty| {
                let Some(c) = d.cast::<ClassMethod>() else { return Ok(d.clone()) };
                let f = c.function.cloned(cx);
                let class = match (ty, obj) {
                    (Some(t), _) => t.clone(),
                    (None, Some(o)) => o.type_ref().into_obj(),
                    _ => return Ok(d.clone()),
                };
                function::bind(cx, f, class)
            }),
            new: Some(|cx, ty, _| {
                let none = cx.none();
                Ok(memory::new(cx, ty, |head| ClassMethod { head, function: Guarded::new(none) })?.into_obj())
            }),
            init: Some(|cx, o, args| {
                let f = args.unpack(cx, "classmethod", 1, 1)?[0].clone();
                if let Some(this) = o.cast::<ClassMethod>() {
                    this.function.set(cx, f.clone());
                }
                copy_attributes(cx, &f, o)
            }),
            ..Slots::EMPTY
        },
        getset: ClassMethod::GETSET,
        ..Spec::new::<ClassMethod>("classmethod")
    }
}
#[retic_macros::methods]
impl ClassMethod {
    #[get("__isabstractmethod__")]
    fn is_abstract(cx: &mut Cx, this: &Ref<ClassMethod>) -> PyResult<bool> {
        let functions: Vec<Obj> = vec![this.function.cloned(cx)];
        any_abstract(cx, &functions)
    }
    #[member("__func__")]
    fn func(cx: &mut Cx, this: &Ref<ClassMethod>) -> Obj {
        this.function.cloned(cx)
    }
    #[member("__wrapped__")]
    fn wrapped(cx: &mut Cx, this: &Ref<ClassMethod>) -> Obj {
        this.function.cloned(cx)
    }
    #[get("__annotations__")]
    #[settable("")]
    fn annotations(cx: &mut Cx, this: &Ref<ClassMethod>) -> PyResult {
        let f = this.function.cloned(cx);
        of_wrapped(cx, this.as_obj(), &f, "__annotations__")
    }
    fn set_annotations(cx: &mut Cx, this: &Ref<ClassMethod>, value: Option<&Obj>) -> PyResult<()> {
        set_own(cx, this.as_obj(), "__annotations__", value)
    }
    #[get("__annotate__")]
    #[settable("")]
    fn annotate(cx: &mut Cx, this: &Ref<ClassMethod>) -> PyResult {
        let f = this.function.cloned(cx);
        of_wrapped(cx, this.as_obj(), &f, "__annotate__")
    }
    fn set_annotate(cx: &mut Cx, this: &Ref<ClassMethod>, value: Option<&Obj>) -> PyResult<()> {
        set_own(cx, this.as_obj(), "__annotate__", value)
    }
}

/// What a wrapped function is called goes over to its wrapper (CPython's `functools_wraps`). Annotations are looked up in the
/// function when they are asked for.
fn copy_attributes(cx: &mut Cx, f: &Obj, to: &Obj) -> PyResult<()> {
    for name in ["__module__", "__name__", "__qualname__", "__doc__"] {
        let name = cx.name(name);
        if let Some(v) = protocol::lookup_attr(cx, f, &name)? {
            super::object::dict_of(cx, to)?.insert(cx, name.as_obj(), v)?;
        }
    }
    Ok(())
}

/// An attribute of the wrapped function, kept in the wrapper's own dictionary once it was asked for.
fn of_wrapped(cx: &mut Cx, this: &Obj, f: &Obj, name: &'static str) -> PyResult {
    let (dict, name) = (super::object::dict_of(cx, this)?, cx.name(name));
    if let Some(known) = dict.get_str(cx, &name) {
        return Ok(known);
    }
    let v = protocol::getattr(cx, f, &name)?;
    dict.insert(cx, name.as_obj(), v.clone())?;
    Ok(v)
}
fn set_own(cx: &mut Cx, this: &Obj, name: &'static str, value: Option<&Obj>) -> PyResult<()> {
    let (dict, name) = (super::object::dict_of(cx, this)?, cx.name(name));
    let old = match value {
        Some(v) => dict.insert(cx, name.as_obj(), v.clone())?,
        None => match dict.remove(cx, name.as_obj())? {
            Some(old) => Some(old),
            None => return Err(cx.attribute_error(name.to_text(cx))),
        },
    };
    cx.release(old);
    Ok(())
}

/// Whether one of the functions is marked abstract.
fn any_abstract(cx: &mut Cx, functions: &[Obj]) -> PyResult<bool> {
    let name = cx.name("__isabstractmethod__");
    for f in functions {
        if let Some(mark) = protocol::lookup_attr(cx, f, &name)?
            && protocol::truth(cx, &mark)?
        {
            return Ok(true);
        }
    }
    Ok(false)
}
