//! Exceptions: one layout for the whole tree; the fields of a class (`fields.rs`) lie behind it. Sizes are CPython's.

pub mod fields;
pub mod os;
pub mod unicode;

use super::type_::flags;
use super::{Slots, Spec, Str, Tuple, Type};
use crate::cx::{Cx, PyResult, Raised};
use crate::memory::{self, Ops, OpsOf};
use crate::native::Args;
use crate::object::{Guarded, Header, Layout, Obj, Ref, Trace, Visit};
use crate::protocol;
use fields::place;
pub use os::raise_os;
use std::cell::Cell;
use std::ptr::NonNull;

/// An exception. The fields of its class follow (`fields::place`), and behind them the attributes of the user's.
#[repr(C)]
pub struct Exception {
    pub head: Header,
    pub args: Guarded<Obj>,
    pub traceback: Guarded<Option<Obj>>,
    pub context: Guarded<Option<Obj>>,
    pub cause: Guarded<Option<Obj>>,
    pub suppress_context: Cell<bool>,
    pub context_set: Cell<bool>,
    /// How many fields follow.
    fields: Cell<u8>,
}
// SAFETY: O3, `repr(C)` with the header first.
unsafe impl Layout for Exception {
    const ID: u16 = 38;
    const NAME: &'static str = "BaseException";
}

impl Exception {
    /// Where the field at a place lies. Null: the class has no such field.
    fn slot(&self, place: usize) -> *mut Option<Obj> {
        if place >= self.fields.get() as usize {
            return std::ptr::null_mut();
        }
        // SAFETY: so many fields lie behind the struct.
        unsafe { (self as *const Exception).add(1).cast::<Option<Obj>>().add(place).cast_mut() }
    }
    /// A field of its class, if it has a value.
    pub(crate) fn field<'a>(&'a self, _cx: &'a Cx, place: usize) -> Option<&'a Obj> {
        // SAFETY: a handle or nothing lies there; changes need `&mut Cx`.
        unsafe { self.slot(place).as_ref()?.as_ref() }
    }
    pub(crate) fn set_field(&self, cx: &mut Cx, place: usize, value: Option<Obj>) {
        // SAFETY: as above; emptied before the old value is released (M1).
        if let Some(slot) = unsafe { self.slot(place).as_mut() } {
            let old = std::mem::replace(slot, value);
            cx.release(old);
        }
    }
}

unsafe fn drop_fields(raw: NonNull<Header>) {
    // SAFETY: dying; the fields of its class go first, then those all have; each once.
    unsafe {
        let e = raw.cast::<Exception>();
        for i in 0..e.as_ref().fields.get() as usize {
            e.as_ref().slot(i).drop_in_place();
        }
        e.drop_in_place();
    }
}
unsafe fn trace_fields(raw: NonNull<Header>, visit: &mut dyn FnMut(&Obj)) {
    // SAFETY: a live exception.
    unsafe { raw.cast::<Exception>().as_ref() }.trace(visit);
}
unsafe fn clear_fields(raw: NonNull<Header>, out: &mut Vec<Obj>) {
    // SAFETY: a live exception; values are moved out before anything can run.
    unsafe {
        let e = raw.cast::<Exception>().as_ref();
        for i in 0..e.fields.get() as usize {
            out.extend((*e.slot(i)).take());
        }
        e.traceback.clear(out);
        e.context.clear(out);
        e.cause.clear(out);
    }
}
impl Trace for Exception {
    fn trace(&self, visit: Visit<'_>) {
        for i in 0..self.fields.get() as usize {
            // SAFETY: the collector holds the interpreter; nobody changes the field during the walk.
            if let Some(o) = unsafe { &*self.slot(i) } {
                visit(o);
            }
        }
        self.args.trace(&mut *visit);
        self.traceback.trace(&mut *visit);
        self.context.trace(&mut *visit);
        self.cause.trace(visit);
    }
}
static OPS: Ops = Ops { drop: drop_fields, trace: trace_fields, clear: clear_fields, size: OpsOf::<Exception>::OPS.size };

pub(super) fn create(cx: &Cx, ty: &Ref<Type>, args: Obj) -> PyResult {
    let mut native: &Type = ty;
    while native.is_heap()
        && let Some(base) = native.base.get(cx)
    {
        native = base;
    }
    let fields = (native.basicsize.get() - size_of::<Exception>()) / size_of::<Obj>();
    Ok(memory::new(cx, ty, |head| Exception {
        head,
        args: Guarded::new(args),
        traceback: Guarded::new(None),
        context: Guarded::new(None),
        cause: Guarded::new(None),
        suppress_context: Cell::new(false),
        context_set: Cell::new(false),
        fields: Cell::new(fields as u8),
    })?
    .into_obj())
}

/// A new built-in exception with at most one argument, which is also the first field where the class says so.
pub fn make(cx: &Cx, ty: &Ref<Type>, arg: Option<Obj>) -> PyResult {
    let args = match &arg {
        Some(arg) => cx.tuple_of([arg.clone()])?,
        None => cx.consts.empty_tuple.clone(),
    };
    let e = create(cx, ty, args)?;
    let (x, t) = (exc(&e), &cx.types);
    if x.fields.get() > 0 && [&t.stop_iteration, &t.import_error, &t.syntax_error, &t.system_exit].iter().any(|c| ty.is_subtype(cx, c)) {
        // SAFETY: nobody has seen the exception yet; the field is empty.
        unsafe { *x.slot(0) = arg };
    }
    Ok(e)
}

/// AttributeError with `name` and `obj`.
pub fn attribute_error(cx: &mut Cx, text: String, obj: &Obj, name: &Ref<Str>) -> Raised {
    let r = cx.attribute_error(text);
    annotate(cx, &[(place::NAME, name.as_obj()), (place::OBJ, obj)]);
    r
}
/// An AttributeError that says neither whose attribute nor which was asked for is told (CPython's
/// `_PyObject_SetAttributeErrorContext`): who raises one in `__getattr__` seldom does.
#[cold]
pub(crate) fn place_attribute_error(cx: &mut Cx, obj: &Obj, name: &Ref<Str>) {
    let Some(e) = cx.error_ref().cloned() else { return };
    if e.ty().is_subtype(cx, &cx.types.attribute_error)
        && let Some(x) = e.cast::<Exception>()
        && x.field(cx, place::NAME).is_none()
        && x.field(cx, place::OBJ).is_none()
    {
        annotate(cx, &[(place::NAME, name.as_obj()), (place::OBJ, obj)]);
    }
}
/// NameError with `name`.
pub fn name_error(cx: &mut Cx, text: String, name: &Ref<Str>) -> Raised {
    let r = cx.error_of(&cx.types.name_error, text);
    annotate(cx, &[(place::NAME, name.as_obj())]);
    r
}
/// ImportError of `from module import name`.
pub(super) fn import_error(cx: &mut Cx, text: String, module: Obj, path: Option<Obj>, name: &Ref<Str>) -> Raised {
    let r = cx.error_of(&cx.types.import_error, text);
    annotate(cx, &[(place::MODULE, &module), (place::NAME_FROM, name.as_obj())]);
    if let Some(path) = path {
        annotate(cx, &[(place::PATH, &path)]);
    }
    r
}
/// Fills fields of the waiting exception.
fn annotate(cx: &mut Cx, values: &[(usize, &Obj)]) {
    if let Some(e) = cx.error_ref().cloned()
        && let Some(x) = e.cast::<Exception>()
    {
        for (place, value) in values {
            x.set_field(cx, *place, Some((*value).clone()));
        }
    }
}

/// What `raise x` raises: an instance, or a class called without arguments.
pub fn instantiate(cx: &mut Cx, o: &Obj) -> PyResult {
    if let Some(t) = o.cast::<Type>()
        && t.has(flags::EXCEPTION)
    {
        let e = protocol::call(cx, o, &[])?;
        if e.cast::<Exception>().is_none() {
            let shown = protocol::repr_text(cx, o)?;
            let class = super::type_::full_name(cx, &e.type_ref());
            return Err(cx.type_error(format!("calling {shown} should have returned an instance of BaseException, not <class '{class}'>")));
        }
        return Ok(e);
    }
    if o.cast::<Exception>().is_some() {
        return Ok(o.clone());
    }
    Err(cx.type_error("exceptions must derive from BaseException"))
}

/// `raise ... from cause`.
pub fn set_cause(cx: &mut Cx, exc: &Obj, cause: &Obj) -> PyResult<()> {
    let Some(e) = exc.cast::<Exception>() else { return Ok(()) };
    let cause = if cause.is_none() {
        None
    } else {
        match instantiate(cx, cause) {
            Ok(c) => Some(c),
            Err(_) if cause.cast::<Type>().is_none_or(|t| !t.has(flags::EXCEPTION)) => {
                cx.clear_error();
                return Err(cx.type_error("exception causes must derive from BaseException"));
            }
            Err(r) => return Err(r),
        }
    };
    e.suppress_context.set(true);
    e.cause.set(cx, cause);
    Ok(())
}

/// The value of the waiting StopIteration, which is swallowed.
pub fn take_stop_value(cx: &mut Cx) -> Obj {
    let e = cx.take_error();
    let v = e.as_ref().and_then(|e| e.cast::<Exception>()).and_then(|x| x.field(cx, place::VALUE).cloned());
    cx.release(e);
    v.unwrap_or_else(|| cx.none())
}

fn exc(o: &Obj) -> &Ref<Exception> {
    // SAFETY: O3, these slots are only reached through exceptions.
    unsafe { o.cast_unchecked::<Exception>() }
}

/// `str()` of an exception: its only argument, or all of them.
fn str(cx: &mut Cx, o: &Obj) -> PyResult {
    let args = exc(o).args.cloned(cx);
    match args.cast::<Tuple>().map(|t| t.items()) {
        Some([]) => cx.str(""),
        Some([one]) => protocol::str(cx, one),
        _ => protocol::str(cx, &args),
    }
}

fn repr(cx: &mut Cx, o: &Obj) -> PyResult {
    let args = exc(o).args.cloned(cx);
    let name = o.ty().short_name();
    let items = args.cast::<Tuple>().map(|t| t.items().to_vec()).unwrap_or_default();
    let inner = match &items[..] {
        [one] => format!("({})", protocol::repr_text(cx, one)?),
        _ => protocol::repr_text(cx, &args)?,
    };
    cx.str(&format!("{name}{inner}"))
}

/// Keeps the arguments, by keyword none.
fn init(cx: &mut Cx, o: &Obj, args: Args<'_>) -> PyResult<()> {
    args.no_keywords(cx, &o.ty().name_text())?;
    keep(cx, o, args.positional())
}
/// What is in `args` from now on.
fn keep(cx: &mut Cx, o: &Obj, items: &[Obj]) -> PyResult<()> {
    // Mostly what `__new__` was given: the same tuple stays.
    let same = exc(o).args.get(cx).cast::<super::Tuple>().is_some_and(|t| t.items().len() == items.len() && t.items().iter().zip(items).all(|(a, b)| a.is(b)));
    if !same {
        let t = super::Tuple::of_slice(cx, items)?;
        exc(o).args.set(cx, t);
    }
    Ok(())
}
fn new(cx: &mut Cx, ty: &Ref<Type>, args: Args<'_>) -> PyResult {
    let t = super::Tuple::of_slice(cx, args.positional())?;
    create(cx, ty, t)
}

fn no_delete(cx: &Cx, what: &str) -> Raised {
    cx.type_error(format!("{what} may not be deleted"))
}

#[retic_macros::methods]
impl Exception {
    /// Exception.with_traceback(tb) -- set self.__traceback__ to tb and return self.
    #[py("with_traceback($self, tb, /)")]
    fn with_traceback(cx: &mut Cx, this: &Ref<Exception>, tb: &Obj) -> PyResult {
        if !tb.is_none() && tb.cast::<crate::types::traceback::Traceback>().is_none() {
            return Err(cx.type_error("__traceback__ must be a traceback or None"));
        }
        this.traceback.set(cx, Some(tb.clone()).filter(|t| !t.is_none()));
        Ok(this.as_obj().clone())
    }
    /// Exception.add_note(note) -- add a note to the exception
    #[py("add_note($self, note, /)")]
    fn add_note(cx: &mut Cx, this: &Ref<Exception>, note: &Ref<Str>) -> PyResult<()> {
        let name = cx.name("__notes__");
        let list = match protocol::lookup_attr(cx, this.as_obj(), &name)? {
            Some(l) => l,
            None => {
                let l = cx.list(Vec::new())?;
                protocol::setattr(cx, this.as_obj(), &name, Some(&l))?;
                l
            }
        };
        match list.cast::<super::List>() {
            Some(l) => l.push(cx, note.as_obj().clone()),
            None => Err(cx.type_error("Cannot add note: __notes__ is not a list")),
        }
    }
    /// Helper for pickle: the class, its arguments and the attributes.
    #[py("__reduce__($self, /)")]
    fn reduce(cx: &mut Cx, this: &Ref<Exception>) -> PyResult {
        let args = this.args.cloned(cx);
        reduced(cx, this.as_obj(), args)
    }
    /// Sets the attributes of a state.
    #[py("__setstate__($self, state, /)")]
    fn setstate(cx: &mut Cx, this: &Ref<Exception>, state: &Obj) -> PyResult<()> {
        if state.is_none() {
            return Ok(());
        }
        let Some(d) = state.cast::<super::Dict>().cloned() else { return Err(cx.type_error("state is not a dictionary")) };
        for (k, v) in d.entries(cx) {
            let Some(name) = k.cast::<Str>().cloned() else { return Err(cx.type_error("attribute name must be string")) };
            protocol::setattr(cx, this.as_obj(), &name, Some(&v))?;
        }
        Ok(())
    }
    #[get("args")]
    #[settable("")]
    fn args_get(cx: &mut Cx, this: &Ref<Exception>) -> Obj {
        this.args.cloned(cx)
    }
    #[get("__traceback__")]
    #[settable("")]
    fn traceback_get(cx: &mut Cx, this: &Ref<Exception>) -> Option<Obj> {
        this.traceback.cloned(cx)
    }
    /// The exception that was being handled when this one was raised.
    #[get("__context__")]
    #[settable("")]
    fn context_get(cx: &mut Cx, this: &Ref<Exception>) -> Option<Obj> {
        this.context.cloned(cx)
    }
    /// The exception named by `raise ... from`.
    #[get("__cause__")]
    #[settable("")]
    fn cause_get(cx: &mut Cx, this: &Ref<Exception>) -> Option<Obj> {
        this.cause.cloned(cx)
    }
    #[get("__suppress_context__")]
    #[settable("")]
    fn suppress_get(_cx: &mut Cx, this: &Ref<Exception>) -> bool {
        this.suppress_context.get()
    }
}
impl Exception {
    fn set_suppress_get(cx: &mut Cx, this: &Ref<Exception>, value: Option<&Obj>) -> PyResult<()> {
        match value {
            Some(v) if v.is(&cx.consts.true_) || v.is(&cx.consts.false_) => {
                this.suppress_context.set(v.is(&cx.consts.true_));
                Ok(())
            }
            Some(_) => Err(cx.type_error("attribute value type must be bool")),
            None => Err(cx.type_error("can't delete numeric/char attribute")),
        }
    }
    fn set_args_get(cx: &mut Cx, this: &Ref<Exception>, value: Option<&Obj>) -> PyResult<()> {
        let Some(v) = value else { return Err(no_delete(cx, "args")) };
        let items = protocol::collect(cx, v)?;
        let t = cx.tuple(items)?;
        this.args.set(cx, t);
        Ok(())
    }
    fn set_traceback_get(cx: &mut Cx, this: &Ref<Exception>, value: Option<&Obj>) -> PyResult<()> {
        let Some(v) = value else { return Err(no_delete(cx, "__traceback__")) };
        if !v.is_none() && v.cast::<super::traceback::Traceback>().is_none() {
            return Err(cx.type_error("__traceback__ must be a traceback or None"));
        }
        this.traceback.set(cx, Some(v.clone()).filter(|v| !v.is_none()));
        Ok(())
    }
    fn set_context_get(cx: &mut Cx, this: &Ref<Exception>, value: Option<&Obj>) -> PyResult<()> {
        let Some(v) = value else { return Err(no_delete(cx, "__context__")) };
        if !v.is_none() && v.cast::<Exception>().is_none() {
            return Err(cx.type_error("exception context must be None or derive from BaseException"));
        }
        this.context.set(cx, Some(v.clone()).filter(|v| !v.is_none()));
        Ok(())
    }
    fn set_cause_get(cx: &mut Cx, this: &Ref<Exception>, value: Option<&Obj>) -> PyResult<()> {
        let Some(v) = value else { return Err(no_delete(cx, "__cause__")) };
        if !v.is_none() && v.cast::<Exception>().is_none() {
            return Err(cx.type_error("exception cause must be None or derive from BaseException"));
        }
        set_cause(cx, this.as_obj(), v)
    }
}

/// What pickle asks for: the class, the arguments that make it, and the dictionary if there is something in it.
fn reduced(cx: &mut Cx, o: &Obj, args: Obj) -> PyResult {
    let mut parts = vec![o.type_ref().into_obj(), args];
    let dict = super::object::dict_of(cx, o)?;
    if dict.len(cx) > 0 {
        parts.push(dict.into_obj());
    }
    cx.tuple(parts)
}

/// The root: what all exceptions share. Other classes inherit it.
pub fn root_spec(name: &'static str, doc: &'static str) -> Spec {
    let base = spec(name, doc);
    Spec { slots: Slots { repr: Some(repr), str: Some(str), ..base.slots }, methods: Exception::METHODS, getset: Exception::GETSET, ..base }
}
/// A class without fields of its own.
pub fn spec(name: &'static str, doc: &'static str) -> Spec {
    Spec {
        doc,
        flags: flags::GC | flags::MANAGED | flags::DICT | flags::BASE | flags::EXCEPTION,
        slots: Slots { new: Some(new), init: Some(init), ..Slots::EMPTY },
        ops: &OPS,
        ..Spec::new::<Exception>(name)
    }
}
/// The specification of a class that derives from one with fields, made from its base's: what it inherits is not in it again.
pub fn kin(base: Spec) -> Spec {
    Spec { slots: Slots { str: None, ..base.slots }, methods: &[], getset: &[], members: &[], ..base }
}
/// `KeyError`: its only argument is shown as it is written.
pub fn key_error_spec(name: &'static str, doc: &'static str) -> Spec {
    let base = spec(name, doc);
    let str: super::type_::Unary = |cx, o| {
        let args = exc(o).args.cloned(cx);
        match args.cast::<Tuple>().map(|t| t.items()) {
            Some([one]) => protocol::repr(cx, one),
            _ => str(cx, o),
        }
    };
    Spec { slots: Slots { str: Some(str), ..base.slots }, ..base }
}

/// The dictionary of notes and other attributes, for formatting.
pub fn notes(cx: &mut Cx, o: &Obj) -> Vec<Obj> {
    let name = cx.name("__notes__");
    match protocol::lookup_attr(cx, o, &name) {
        Ok(Some(l)) => protocol::collect(cx, &l).unwrap_or_default(),
        _ => {
            cx.clear_error();
            Vec::new()
        }
    }
}
