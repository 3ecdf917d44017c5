//! `super`.

use super::type_::flags;
use super::{CellObj, Slots, Spec, Str, Type};
use crate::cx::{Cx, PyResult};
use crate::layout;
use crate::memory;
use crate::object::{Guarded, Obj, Ref};

layout! {
    /// A view of an object from behind one of its classes.
    pub struct Super = 35, "super" { class: Guarded<Option<Obj>>, this: Guarded<Option<Obj>>, of: Guarded<Option<Obj>>, }
}

/// What the classes after `after` in the order of `start` say for a name, bound to `start` as a class.
pub fn lookup_after(cx: &mut Cx, start: &Ref<Type>, after: &Ref<Type>, name: &Ref<Str>) -> PyResult<Option<Obj>> {
    let Some(v) = raw_after(cx, start, after, name) else { return Ok(None) };
    match v.ty().slots(cx).get {
        Some(get) => get(cx, &v, None, Some(start.as_obj())).map(Some),
        None => Ok(Some(v)),
    }
}

/// The same, not bound.
pub(crate) fn raw_after(cx: &Cx, start: &Ref<Type>, after: &Ref<Type>, name: &Ref<Str>) -> Option<Obj> {
    let mro = start.mro_list(cx);
    let at = mro.iter().position(|t| t.is(after.as_obj()))?;
    mro[at + 1..].iter().find_map(|t| t.cast::<Type>()?.dict.get(cx).as_ref()?.get_str(cx, name))
}

fn getattribute(cx: &mut Cx, o: &Obj, name: &Ref<Str>) -> PyResult {
    let Some(s) = o.cast::<Super>() else { return Ok(cx.none()) };
    let (class, this, of) = (s.class.cloned(cx), s.this.cloned(cx), s.of.cloned(cx));
    if let (Some(class), Some(this), Some(of)) = (&class, &this, &of)
        && !name.eq_str(cx, "__class__")
        && let (Some(c), Some(start)) = (class.cast::<Type>(), of.cast::<Type>())
        && let Some(v) = raw_after(cx, start, c, name)
    {
        return match v.ty().slots(cx).get {
            Some(get) => get(cx, &v, if this.is(of) { None } else { Some(this) }, Some(of)),
            None => Ok(v),
        };
    }
    super::object::getattribute(cx, o, name)
}

fn check(cx: &mut Cx, class: &Ref<Type>, obj: &Obj) -> PyResult<Obj> {
    if let Some(t) = obj.cast::<Type>()
        && t.is_subtype(cx, class)
    {
        return Ok(obj.clone());
    }
    if obj.ty().is_subtype(cx, class) {
        return Ok(obj.type_ref().into_obj());
    }
    // A proxy says what it stands for.
    let name = cx.name("__class__");
    let said = match crate::protocol::lookup_attr(cx, obj, &name) {
        Ok(said) => said,
        Err(_) => {
            cx.clear_error();
            None
        }
    };
    if let Some(said) = said
        && said.cast::<Type>().is_some_and(|t| t.is_subtype(cx, class))
    {
        return Ok(said);
    }
    let (kind, name) = match obj.cast::<Type>() {
        Some(t) => ("type", t.name_text()),
        None => ("instance of", obj.ty().name_text()),
    };
    Err(cx.type_error(format!("super(type, obj): obj ({kind} {name}) is not an instance or subtype of type ({}).", class.name_text())))
}

fn init(cx: &mut Cx, o: &Obj, args: crate::native::Args<'_>) -> PyResult<()> {
    args.no_keywords(cx, "super")?;
    let a = args.unpack(cx, "super()", 0, 2)?;
    let (class, this) = match a {
        [] => implicit(cx)?,
        [c] => (c.clone(), None),
        [c, t, ..] => (c.clone(), Some(t.clone()).filter(|t| !t.is_none())),
    };
    let Some(c) = class.cast::<Type>() else {
        return Err(cx.type_error(format!("super() argument 1 must be a type, not {}", class.ty().name_text())));
    };
    let of = match &this {
        Some(t) => Some(check(cx, c, t)?),
        None => None,
    };
    let Some(s) = o.cast::<Super>() else { return Ok(()) };
    s.class.set(cx, Some(class));
    s.this.set(cx, this);
    s.of.set(cx, of);
    Ok(())
}

/// The class cell and first argument of the calling function.
fn implicit(cx: &mut Cx) -> PyResult<(Obj, Option<Obj>)> {
    let Some(frame) = cx.stacks.current() else { return Err(cx.runtime_error("super(): no current frame")) };
    let exec = frame.exec();
    let code = frame.function().code.cloned(cx);
    if code.code().argcount == 0 {
        return Err(cx.runtime_error("super(): no arguments"));
    }
    let frame = cx.stacks.current().expect("checked above");
    let mut this = frame.register(0).clone();
    if let Some((c, _)) = exec_cell(frame, 0) {
        this = frame.register(c).cast::<CellObj>().and_then(|c| c.value.cloned(cx)).unwrap_or(this);
    }
    if this.is_unbound() {
        return Err(cx.runtime_error("super(): arg[0] deleted"));
    }
    let Some(i) = code.code().freevars.iter().position(|n| &**n == "__class__") else {
        return Err(cx.runtime_error("super(): __class__ cell not found"));
    };
    let _ = exec;
    let e = frame.exec();
    let cell = frame.register(e.nlocals + e.ncells + i).clone();
    match cell.cast::<CellObj>().and_then(|c| c.value.cloned(cx)) {
        Some(c) => Ok((c, Some(this))),
        None => Err(cx.runtime_error("super(): empty __class__ cell")),
    }
}

fn exec_cell(frame: &crate::eval::Frame, arg: usize) -> Option<(usize, usize)> {
    let e = frame.exec();
    e.cell_args.iter().find(|(_, a)| *a == arg).map(|(c, a)| (e.nlocals + c, *a))
}

pub fn spec() -> Spec {
    Spec {
        doc: "super() -> same as super(__class__, <first argument>)\nsuper(type) -> unbound super object\nsuper(type, obj) -> bound super object; requires isinstance(obj, type)\nsuper(type, type2) -> bound super object; requires issubclass(type2, type)",
        flags: flags::GC | flags::BASE,
        slots: Slots {
            repr: Some(|cx, o| {
                let Some(s) = o.cast::<Super>() else { return Ok(cx.none()) };
                let name = |o: Option<Obj>| o.and_then(|o| o.cast::<Type>().map(|t| t.name_text()));
                let class = name(s.class.cloned(cx)).unwrap_or_else(|| "NULL".into());
                let t = match name(s.of.cloned(cx)) {
                    Some(of) => format!("<super: <class '{class}'>, <{of} object>>"),
                    None => format!("<super: <class '{class}'>, NULL>"),
                };
                cx.str(&t)
            }),
            getattribute: Some(getattribute),
            get: Some(|cx, o, obj, _| {
                let (Some(s), Some(obj)) = (o.cast::<Super>(), obj) else { return Ok(o.clone()) };
                let (Some(class), None) = (s.class.cloned(cx), s.this.cloned(cx)) else { return Ok(o.clone()) };
                // One that is not bound yet shows the view of this object.
                crate::protocol::call(cx, o.type_ref().as_obj(), &[class, obj.clone()])
            }),
            new: Some(|cx, ty, _| Ok(memory::new(cx, ty, |head| Super { head, class: Guarded::new(None), this: Guarded::new(None), of: Guarded::new(None) })?.into_obj())),
            init: Some(init),
            ..Slots::EMPTY
        },
        getset: Super::GETSET,
        ..Spec::new::<Super>("super")
    }
}

#[retic_macros::methods]
impl Super {
    /// The class that super() was called with.
    #[member("__thisclass__")]
    fn thisclass(cx: &mut Cx, this: &Ref<Super>) -> Option<Obj> {
        this.class.cloned(cx)
    }
    /// The instance that super() was called with; may be None.
    #[member("__self__")]
    fn self_get(cx: &mut Cx, this: &Ref<Super>) -> Option<Obj> {
        this.this.cloned(cx)
    }
    /// The type of that instance; may be None.
    #[member("__self_class__")]
    fn self_class(cx: &mut Cx, this: &Ref<Super>) -> Option<Obj> {
        this.of.cloned(cx)
    }
}
