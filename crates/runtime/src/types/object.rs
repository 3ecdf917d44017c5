//! `object`: attribute access, default behaviour, and where instances keep their attributes.

use super::type_::{Cmp, flags};
use super::{Dict, Slots, Spec, Str, Type};
use crate::audit::audit_change;
use crate::cx::{Cx, PyResult, Raised};
use crate::layout;
use crate::memory::{self, managed};
use crate::native::{Args, GetSet};
use crate::object::{Header, Obj, Ref};
use crate::protocol;
use rustc_hash::FxHashMap;
use std::fmt::Write;
use std::ptr::NonNull;

layout! {
    /// An instance without fields of its own.
    pub struct Object = 0, "object" {}
}

/// The slot of an inline attribute.
///
/// # Safety
/// `slot` is below the inline capacity of the object's type.
unsafe fn inline_slot(obj: &Obj, slot: usize) -> *mut Option<Obj> {
    // SAFETY: inline values lie behind the fixed part.
    unsafe { obj.as_ptr().as_ptr().cast::<u8>().add(obj.ty().inline_offset.get() + slot * 8).cast() }
}

/// An attribute from the instance itself, not its class.
pub fn get_own(cx: &mut Cx, obj: &Obj, name: &Ref<Str>) -> PyResult<Option<Obj>> {
    if !obj.ty().has(flags::DICT) {
        return Ok(None);
    }
    // SAFETY: DICT types are managed; the slot comes from the object's own shape.
    unsafe {
        if let Some(d) = managed(obj.as_ptr()).dict.get() {
            let d: Ref<Dict> = (*(&d as *const NonNull<Header>).cast::<Ref<Dict>>()).clone();
            return d.get(cx, name.as_obj());
        }
        let shapes = cx.shapes.borrow();
        let Some(s) = shapes.get(obj.shape().wrapping_sub(crate::object::shape::FIRST_FREE) as usize) else { return Ok(None) };
        match s.slots.get(&name.as_obj().address()) {
            Some(i) => Ok((*inline_slot(obj, *i as usize)).clone()),
            None => Ok(None),
        }
    }
}

/// Sets or deletes an attribute on the instance itself. False: there was nothing to delete.
pub fn set_own(cx: &mut Cx, obj: &Obj, name: &Ref<Str>, value: Option<&Obj>) -> PyResult<bool> {
    // SAFETY: DICT types are managed.
    let dict = unsafe { managed(obj.as_ptr()) }.dict.get();
    if dict.is_none() && obj.shape() >= crate::object::shape::FIRST_FREE {
        let name = super::str::intern(cx, name.clone());
        let key = name.as_obj().address();
        let found = {
            let shapes = cx.shapes.borrow();
            let s = &shapes[(obj.shape() - crate::object::shape::FIRST_FREE) as usize];
            if s.in_dict { None } else { Some((s.slots.get(&key).copied(), s.names.len(), s.next.get(&key).copied())) }
        };
        match (found, value) {
            (Some((Some(slot), ..)), Some(v)) => {
                // SAFETY: a slot of the object's own shape.
                let old = unsafe { (*inline_slot(obj, slot as usize)).replace(v.clone()) };
                cx.release(old);
                return Ok(true);
            }
            (Some((None, n, next)), Some(v)) if n < obj.ty().inline_capacity.get() as usize => {
                let next = match next {
                    Some(id) => id,
                    None => extend_shape(cx, obj.shape(), &name),
                };
                // SAFETY: the new slot is below the capacity.
                unsafe { inline_slot(obj, n).write(Some(v.clone())) };
                obj.header().shape.set(next);
                return Ok(true);
            }
            (Some((None, ..)), None) => return Ok(false),
            _ => {}
        }
    }
    let d = dict_of(cx, obj)?;
    match value {
        Some(v) => {
            let old = d.insert(cx, name.as_obj(), v.clone())?;
            cx.release(old);
            Ok(true)
        }
        None => match d.remove(cx, name.as_obj())? {
            Some(old) => {
                cx.release(old);
                Ok(true)
            }
            None => Ok(false),
        },
    }
}

fn extend_shape(cx: &Cx, from: u32, name: &Ref<Str>) -> u32 {
    name.as_obj().make_immortal();
    let made = {
        let shapes = cx.shapes.borrow();
        let s = &shapes[(from - crate::object::shape::FIRST_FREE) as usize];
        let mut names: Vec<Obj> = s.names.clone();
        let mut slots = s.slots.clone();
        slots.insert(name.as_obj().address(), names.len() as u16);
        names.push(name.as_obj().clone());
        crate::cx::Shape { class: s.class, names, slots, next: FxHashMap::default(), in_dict: false, dict_shape: s.dict_shape, cached: std::cell::Cell::new(false) }
    };
    let id = cx.new_shape(made);
    cx.shapes.borrow_mut()[(from - crate::object::shape::FIRST_FREE) as usize].next.insert(name.as_obj().address(), id);
    id
}

/// The shape that an instance gets by a new attribute for which there is no room inline; nothing where there is.
pub(crate) fn overflows_to(cx: &Cx, obj: &Obj, name: &Ref<Str>) -> Option<u32> {
    let shapes = cx.shapes.borrow();
    let s = shapes.get(obj.shape().checked_sub(crate::object::shape::FIRST_FREE)? as usize)?;
    let full = !s.in_dict && s.names.len() >= obj.ty().inline_capacity.get() as usize && !has_dict(obj);
    (full && !s.slots.contains_key(&name.as_obj().address())).then_some(s.dict_shape)
}

/// The instance's dictionary; inline attributes move into it.
pub fn dict_of(cx: &mut Cx, obj: &Obj) -> PyResult<Ref<Dict>> {
    // SAFETY: only called for DICT types, which are managed; slots of the object's own shape.
    unsafe {
        let m = managed(obj.as_ptr());
        if let Some(d) = m.dict.get() {
            return Ok((*(&d as *const NonNull<Header>).cast::<Ref<Dict>>()).clone());
        }
        let d = Dict::new(cx)?;
        if obj.shape() >= crate::object::shape::FIRST_FREE {
            let (n, dict_shape) = {
                let shapes = cx.shapes.borrow();
                let s = &shapes[(obj.shape() - crate::object::shape::FIRST_FREE) as usize];
                if s.in_dict { (0, obj.shape()) } else { (s.names.len(), s.dict_shape) }
            };
            // They leave when all are in the dictionary: where there is no memory for it the object keeps them.
            for i in 0..n {
                if let Some(v) = (*inline_slot(obj, i)).clone() {
                    let name = cx.shapes.borrow()[(obj.shape() - crate::object::shape::FIRST_FREE) as usize].names[i].clone();
                    d.insert(cx, &name, v)?;
                }
            }
            for i in 0..n {
                drop((*inline_slot(obj, i)).take());
            }
            obj.header().shape.set(dict_shape);
        }
        m.dict.set(Some(d.clone().into_obj().into_raw()));
        Ok(d)
    }
}

/// The instance's dictionary, if it has one by now.
#[inline(always)]
pub(crate) fn peek_dict(obj: &Obj) -> Option<&Ref<Dict>> {
    // SAFETY: only asked of DICT types, which are managed; a dict's handle lies there or nothing.
    unsafe { (*(&raw const managed(obj.as_ptr()).dict).cast::<Option<Ref<Dict>>>()).as_ref() }
}

/// Whether the instance's attributes are in a dictionary.
pub fn has_dict(obj: &Obj) -> bool {
    // SAFETY: only asked of DICT types, which are managed.
    unsafe { managed(obj.as_ptr()) }.dict.get().is_some()
}

/// Puts another dictionary under an instance.
pub fn replace_dict(cx: &mut Cx, obj: &Obj, dict: Option<Ref<Dict>>) -> PyResult<()> {
    dict_of(cx, obj)?;
    let new = match dict {
        Some(d) => d,
        None => Dict::new(cx)?,
    };
    // SAFETY: managed, as above; the old dictionary's count moves out.
    let old = unsafe { managed(obj.as_ptr()).dict.replace(Some(new.into_obj().into_raw())).map(|d| Obj::from_raw(d)) };
    cx.release(old);
    Ok(())
}

/// What `object.__getattribute__` finds; `None` where the attribute is missing.
pub fn find(cx: &mut Cx, obj: &Obj, name: &Ref<Str>) -> PyResult<Option<Obj>> {
    let class_value = obj.ty().lookup(cx, name);
    let get = class_value.as_ref().and_then(|d| d.ty().slots(cx).get);
    if let (Some(d), Some(get)) = (&class_value, get)
        && d.ty().slots(cx).set.is_some()
    {
        return get(cx, d, Some(obj), Some(obj.type_ref().as_obj())).map(Some);
    }
    if let Some(v) = get_own(cx, obj, name)? {
        return Ok(Some(v));
    }
    // A module's namespace is no dictionary of an instance's.
    if let Some(m) = obj.cast::<super::module::Module>()
        && let Some(v) = m.dict.get(cx).get_str(cx, name)
    {
        return Ok(Some(v));
    }
    match (class_value, get) {
        (Some(d), Some(get)) => get(cx, &d, Some(obj), Some(obj.type_ref().as_obj())).map(Some),
        (value, _) => Ok(value),
    }
}

/// `object.__getattribute__`.
pub fn getattribute(cx: &mut Cx, obj: &Obj, name: &Ref<Str>) -> PyResult {
    match find(cx, obj, name)? {
        Some(v) => Ok(v),
        None => Err(missing(cx, obj, name)),
    }
}

/// The AttributeError of an object that has no such attribute.
#[cold]
pub(super) fn missing(cx: &mut Cx, obj: &Obj, name: &Ref<Str>) -> Raised {
    let text = format!("'{}' object has no attribute '{}'", obj.ty().name_text(), name.to_text(cx));
    super::exception::attribute_error(cx, text, obj, name)
}

/// `object.__setattr__` and `object.__delattr__`.
pub fn setattr(cx: &mut Cx, obj: &Obj, name: &Ref<Str>, value: Option<&Obj>) -> PyResult<()> {
    let class_value = obj.ty().lookup(cx, name);
    if let Some(d) = &class_value
        && let Some(set) = d.ty().slots(cx).set
    {
        return set(cx, d, obj, value);
    }
    if obj.ty().has(flags::DICT) && set_own(cx, obj, name, value)? {
        return Ok(());
    }
    let (ty, attr) = (obj.ty().name_text(), name.to_text(cx));
    let text = match (&class_value, obj.ty().has(flags::DICT)) {
        (Some(_), false) => format!("'{ty}' object attribute '{attr}' is read-only"),
        (None, false) => format!("'{ty}' object has no attribute '{attr}' and no __dict__ for setting new attributes"),
        _ => format!("'{ty}' object has no attribute '{attr}'"),
    };
    Err(super::exception::attribute_error(cx, text, obj, name))
}

fn repr(cx: &mut Cx, obj: &Obj) -> PyResult {
    let ty = obj.type_ref();
    let module = cx.name("__module__");
    let mut text = String::with_capacity(64);
    text.push('<');
    if ty.is_heap() {
        let module = ty.lookup(cx, &module);
        if let Some(m) = module.as_ref().and_then(|m| m.cast::<Str>()).filter(|m| !m.eq_str(cx, "builtins")) {
            push_text(cx, &mut text, m);
            text.push('.');
        }
        match ty.qualname.cloned(cx).as_ref().and_then(|q| q.cast::<Str>()) {
            Some(q) => push_text(cx, &mut text, q),
            None => text.push_str(&ty.short_name()),
        }
    } else {
        text.push_str(ty.static_name.get());
    }
    crate::lens::asked(cx, obj, retic_events::Asked::Repr);
    _ = write!(text, " object at {:#x}>", obj.address());
    cx.str(&text)
}

fn push_text(cx: &Cx, to: &mut String, text: &Str) {
    match text.ascii_bytes().map(std::str::from_utf8) {
        Some(Ok(ascii)) => to.push_str(ascii),
        _ => to.push_str(&text.to_text(cx)),
    }
}

fn str(cx: &mut Cx, obj: &Obj) -> PyResult {
    protocol::repr(cx, obj)
}

/// The identity hash: the address without its low bits.
pub fn hash(_cx: &mut Cx, obj: &Obj) -> PyResult<i64> {
    Ok(((obj.address() >> 4) | (obj.address() << 60)) as i64)
}

fn richcompare(cx: &mut Cx, a: &Obj, b: &Obj, op: Cmp) -> PyResult {
    match op {
        Cmp::Eq if a.is(b) => Ok(cx.bool(true)),
        Cmp::Ne => {
            let Some(eq) = a.ty().slots(cx).richcompare else { return Ok(cx.not_implemented()) };
            let r = eq(cx, a, b, Cmp::Eq)?;
            if r.is(&cx.consts.not_implemented) {
                return Ok(r);
            }
            let t = protocol::truth(cx, &r)?;
            Ok(cx.bool(!t))
        }
        _ => Ok(cx.not_implemented()),
    }
}

fn excess(cx: &mut Cx, ty: &Ref<Type>) -> bool {
    let o = cx.types.object.slots(cx).init.map(|f| f as usize);
    ty.slots(cx).init.map(|f| f as usize) == o
}

fn new(cx: &mut Cx, ty: &Ref<Type>, args: Args<'_>) -> PyResult {
    if !args.is_empty() {
        let own_new = ty.slots(cx).new.map(|f| f as usize) != cx.types.object.slots(cx).new.map(|f| f as usize);
        if own_new {
            return Err(cx.type_error("object.__new__() takes exactly one argument (the type to instantiate)"));
        }
        if excess(cx, ty) {
            return Err(cx.type_error(format!("{}() takes no arguments", ty.name_text())));
        }
    }
    if ty.has(flags::ABSTRACT) {
        let name = cx.name("__abstractmethods__");
        let set = protocol::getattr(cx, ty.as_obj(), &name)?;
        let mut names: Vec<String> = Vec::new();
        for n in protocol::collect(cx, &set)? {
            names.push(format!("'{}'", protocol::str_text(cx, &n)?));
        }
        names.sort();
        let plural = if names.len() == 1 { "" } else { "s" };
        return Err(cx.type_error(format!("Can't instantiate abstract class {} without an implementation for abstract method{plural} {}", ty.name_text(), names.join(", "))));
    }
    plain(cx, ty)
}

/// Whether all the state of an object is in its attributes: its class adds nothing native to `object`.
pub fn is_plain(cx: &Cx, o: &Obj) -> bool {
    let mro = o.ty().mro_list(cx).to_vec();
    // A native class whose instances are no larger has none either (`datetime.tzinfo`).
    let bare = cx.types.object.basicsize.get();
    mro.iter().all(|t| t.cast::<Type>().is_some_and(|t| t.is_heap() || t.basicsize.get() == bare))
}

/// An instance without arguments.
pub fn plain(cx: &Cx, ty: &Ref<Type>) -> PyResult {
    if ty.has(flags::PLAIN) {
        return memory::new_plain(cx, ty);
    }
    Ok(memory::new(cx, ty, |head| Object { head })?.into_obj())
}

fn init(cx: &mut Cx, obj: &Obj, args: Args<'_>) -> PyResult<()> {
    if !args.is_empty() {
        let ty = obj.type_ref();
        if !excess(cx, &ty) {
            return Err(cx.type_error("object.__init__() takes exactly one argument (the instance to initialize)"));
        }
        if ty.slots(cx).new.map(|f| f as usize) == cx.types.object.slots(cx).new.map(|f| f as usize) {
            return Err(cx.type_error(format!("{}() takes no arguments", ty.name_text())));
        }
    }
    Ok(())
}

/// `instance.__dict__`.
pub static DICT: GetSet = GetSet {
    name: "__dict__",
    doc: "dictionary for instance variables",
    get: |cx, obj| match obj.cast::<Type>() {
        // A class that derives from `type` has no other dictionary than every type.
        Some(_) => {
            let name = cx.name("__dict__");
            let own = cx.types.type_.lookup(cx, &name).unwrap_or_else(|| cx.none());
            match own.ty().slots(cx).get {
                Some(get) => get(cx, &own, Some(obj), None),
                None => Ok(own),
            }
        }
        None => Ok(dict_of(cx, obj)?.into_obj()),
    },
    set: Some(|cx, obj, value| match value {
        _ if obj.cast::<Type>().is_some() => Err(cx.attribute_error("attribute '__dict__' of 'type' objects is not writable")),
        _ if obj.cast::<super::module::Module>().is_some() => Err(cx.attribute_error("readonly attribute")),
        Some(v) => match v.cast::<Dict>() {
            Some(d) => replace_dict(cx, obj, Some(d.clone())),
            None => Err(cx.type_error(format!("__dict__ must be set to a dictionary, not a '{}'", v.ty().name_text()))),
        },
        None => replace_dict(cx, obj, None),
    }),
    member: false,
};

/// The same of a native type: its instances keep their dictionary.
pub static NATIVE_DICT: GetSet = GetSet {
    name: "__dict__",
    doc: "",
    get: DICT.get,
    set: Some(|cx, obj, value| match (value, DICT.set) {
        (Some(_), Some(set)) => set(cx, obj, value),
        _ => Err(cx.type_error("cannot delete __dict__")),
    }),
    member: false,
};

/// `instance.__weakref__`.
pub static WEAKREF: GetSet = GetSet {
    name: "__weakref__",
    doc: "list of weak references to the object",
    get: |cx, obj| Ok(memory::weak::list(obj).into_iter().next().map_or(cx.none(), Ref::into_obj)),
    set: None,
    member: false,
};

/// How many items CPython counts in an object of a built-in type that has no size of its own to tell.
fn items(cx: &Cx, o: &Obj) -> usize {
    if let Some(view) = o.cast::<super::MemoryView>() {
        return 3 * view.dimensions(cx);
    }
    let code = match (o.cast::<super::Generator>(), o.cast::<super::frame::FrameObj>()) {
        (Some(g), _) => g.function.get(cx).code.get(cx),
        (None, Some(f)) => f.code.get(cx),
        _ => return 0,
    };
    retic_bytecode::room::slots(&code.code())
}

#[retic_macros::methods]
impl Object {
    /// Return a formatted string representation of the object.
    #[py("__format__($self, format_spec, /)")]
    fn format(cx: &mut Cx, this: &Obj, format_spec: &Ref<Str>) -> PyResult {
        if !format_spec.is_empty() {
            return Err(cx.type_error(format!("unsupported format string passed to {}.__format__", this.ty().name_text())));
        }
        protocol::str(cx, this)
    }
    /// Size of object in memory, in bytes.
    #[py("__sizeof__($self, /)")]
    fn sizeof(cx: &mut Cx, this: &Obj) -> usize {
        if let Some(size) = super::type_::sizes::of(cx, &this.type_ref()).filter(|_| !super::type_::is_variable(this.ty().layout.get())) {
            return size.basic + size.item * items(cx, this);
        }
        // Room for inline attributes is not counted, as in CPython.
        let inline = if this.ty().is_heap() { this.ty().inline_capacity.get() as usize * 8 } else { 0 };
        memory::size_of_object(this) - memory::pre_size(this.ty()) - inline
    }
    /// Helper for pickle.
    #[py("__reduce__($self, /)")]
    fn reduce(cx: &mut Cx, this: &Obj) -> PyResult {
        protocol::pickle::reduce(cx, this, 0)
    }
    /// Helper for pickle.
    #[py("__reduce_ex__($self, protocol, /)")]
    fn reduce_ex(cx: &mut Cx, this: &Obj, protocol: i64) -> PyResult {
        let name = cx.name("__reduce__");
        if let (Some(own), Some(base)) = (this.ty().lookup(cx, &name), cx.types.object.lookup(cx, &name))
            && !own.is(&base)
        {
            return protocol::call_method(cx, this, "__reduce__", &[]);
        }
        protocol::pickle::reduce(cx, this, protocol)
    }
    /// Helper for pickle.
    #[py("__getstate__($self, /)")]
    fn getstate(cx: &mut Cx, this: &Obj) -> PyResult {
        protocol::pickle::getstate(cx, this)
    }
    /// Default dir() implementation.
    #[py("__dir__($self, /)")]
    fn dir(cx: &mut Cx, this: &Obj) -> PyResult {
        protocol::default_dir(cx, this)
    }
    /// This method is called when a class is subclassed.
    #[py("__init_subclass__($cls)", "($type, /)")]
    fn init_subclass(_cx: &mut Cx, _cls: &Obj) {}
    /// Abstract classes can override this to customize issubclass().
    #[py("__subclasshook__($cls, object, /)", "($type, object, /)")]
    fn subclasshook(cx: &mut Cx, _cls: &Obj, _object: &Obj) -> Obj {
        cx.not_implemented()
    }
    /// the object's class
    #[get("__class__")]
    #[settable("")]
    fn class(_cx: &mut Cx, this: &Obj) -> Ref<Type> {
        this.type_ref()
    }
}

impl Object {
    fn set_class(cx: &mut Cx, this: &Obj, value: Option<&Obj>) -> PyResult<()> {
        let Some(new) = value else { return Err(cx.type_error("can't delete __class__ attribute")) };
        let Some(new) = new.cast::<Type>() else {
            return Err(cx.type_error(format!("__class__ must be set to a class, not '{}' object", new.ty().name_text())));
        };
        audit_change(cx, this, "__class__", value)?;
        let old = this.type_ref();
        let same = old.layout.get() == new.layout.get()
            && old.members.get() == new.members.get()
            && old.inline_offset.get() == new.inline_offset.get()
            && (old.flags.get() ^ new.flags.get()) & (flags::DICT | flags::WEAK | flags::MANAGED) == 0;
        let modules = old.is_subtype(cx, &cx.types.module) && new.is_subtype(cx, &cx.types.module);
        if !modules && (old.has(flags::IMMUTABLE) || new.has(flags::IMMUTABLE)) {
            return Err(cx.type_error("__class__ assignment only supported for mutable types or ModuleType subclasses"));
        }
        if !same || !super::type_::bases::have_same_slots(cx, &old, new) {
            return Err(cx.type_error(format!("__class__ assignment: '{}' object layout differs from '{}'", new.name_text(), old.name_text())));
        }
        if new.basicsize.get() != old.basicsize.get() {
            let fixed = memory::fixed_size as *const () as usize;
            if new.ops.get().size as usize != fixed || !old.has(flags::DICT) {
                return Err(cx.type_error(format!("__class__ assignment: '{}' object layout differs from '{}'", new.name_text(), old.name_text())));
            }
            new.flags.set(new.flags.get() | flags::MISFITS);
        }
        if old.has(flags::DICT) {
            dict_of(cx, this)?;
        }
        // Instances of a class that can die hold a count of it.
        if new.is_heap() {
            std::mem::forget(new.clone());
        }
        this.header().ty.set(new.as_raw());
        this.header().shape.set(if new.has(flags::DICT) { new.dict_shape.get() } else { new.root_shape.get() });
        if old.is_heap() {
            cx.release(old.clone());
            // SAFETY: gives back the count the instance held on its old class.
            let counted = unsafe { Obj::from_raw(old.as_obj().as_ptr()) };
            cx.release(counted);
        }
        Ok(())
    }
}

pub fn spec() -> Spec {
    Spec {
        doc: "The base class of the class hierarchy.\n\nWhen called, it accepts no arguments and returns a new featureless\ninstance that has no instance attributes and cannot be given any.\n",
        flags: flags::BASE,
        slots: Slots {
            repr: Some(repr),
            str: Some(str),
            hash: Some(hash),
            getattribute: Some(getattribute),
            setattr: Some(setattr),
            richcompare: Some(richcompare),
            new: Some(new),
            init: Some(init),
            ..Slots::EMPTY
        },
        methods: Object::METHODS,
        getset: Object::GETSET,
        text_signature: "()",
        ..Spec::new::<Object>("object")
    }
}
