//! Exceptions: one layout for the whole tree, with the fields some classes show as attributes.

use super::type_::flags;
use super::{Slots, Spec, Str, Tuple, Type};
use crate::cx::{Cx, PyResult, Raised};
use crate::layout;
use crate::memory;
use crate::native::Args;
use crate::object::{Guarded, Obj, Ref};
use crate::protocol;
use std::cell::Cell;

layout! {
    /// An exception.
    pub struct Exception = 38, "BaseException" {
        args: Guarded<Obj>,
        traceback: Guarded<Option<Obj>>,
        context: Guarded<Option<Obj>>,
        cause: Guarded<Option<Obj>>,
        /// `name` and `obj` of AttributeError, NameError, ImportError.
        name: Guarded<Option<Obj>>,
        obj: Guarded<Option<Obj>>,
        /// `name_from` of ImportError.
        name_from: Guarded<Option<Obj>>,
        suppress_context: Cell<bool>,
        context_set: Cell<bool>,
    }
}

pub(super) fn create(cx: &Cx, ty: &Ref<Type>, args: Obj) -> PyResult {
    Ok(memory::new(cx, ty, |head| Exception {
        head,
        args: Guarded::new(args),
        traceback: Guarded::new(None),
        context: Guarded::new(None),
        cause: Guarded::new(None),
        name: Guarded::new(None),
        obj: Guarded::new(None),
        name_from: Guarded::new(None),
        suppress_context: Cell::new(false),
        context_set: Cell::new(false),
    })?
    .into_obj())
}

/// A new built-in exception.
pub fn make(cx: &Cx, ty: &Ref<Type>, arg: Option<Obj>) -> PyResult {
    let args = cx.tuple(arg.into_iter().collect())?;
    create(cx, ty, args)
}

/// AttributeError with `name` and `obj`.
pub fn attribute_error(cx: &mut Cx, text: String, obj: &Obj, name: &Ref<Str>) -> Raised {
    let r = cx.attribute_error(text);
    annotate(cx, Some(name.as_obj().clone()), Some(obj.clone()));
    r
}
/// An AttributeError that says neither whose attribute nor which was asked for is told (CPython's
/// `_PyObject_SetAttributeErrorContext`): who raises one in `__getattr__` seldom does.
#[cold]
pub(crate) fn place_attribute_error(cx: &mut Cx, obj: &Obj, name: &Ref<Str>) {
    let Some(e) = cx.error_ref().cloned() else { return };
    if e.ty().is_subtype(cx, &cx.types.attribute_error)
        && let Some(x) = e.cast::<Exception>()
        && x.name.get(cx).is_none()
        && x.obj.get(cx).is_none()
    {
        annotate(cx, Some(name.as_obj().clone()), Some(obj.clone()));
    }
}
/// NameError with `name`.
pub fn name_error(cx: &mut Cx, text: String, name: &Ref<Str>) -> Raised {
    let r = cx.error_of(&cx.types.name_error, text);
    annotate(cx, Some(name.as_obj().clone()), None);
    r
}
/// ImportError of `from module import name`.
pub(super) fn import_error(cx: &mut Cx, text: String, module: Obj, path: Option<Obj>, name: &Ref<Str>) -> Raised {
    let r = cx.error_of(&cx.types.import_error, text);
    annotate(cx, Some(module), path);
    if let Some(e) = cx.error_ref().cloned() {
        exc(&e).name_from.set(cx, Some(name.as_obj().clone()));
    }
    r
}
fn annotate(cx: &mut Cx, name: Option<Obj>, obj: Option<Obj>) {
    if let Some(e) = cx.error_ref().cloned()
        && let Some(x) = e.cast::<Exception>()
    {
        x.name.set(cx, name);
        x.obj.set(cx, obj);
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
            return Err(cx.type_error(format!("calling {shown} should have returned an instance of BaseException, not {}", e.ty().name_text())));
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
            Err(_) => {
                cx.clear_error();
                return Err(cx.type_error("exception causes must derive from BaseException"));
            }
        }
    };
    e.suppress_context.set(true);
    e.cause.set(cx, cause);
    Ok(())
}

/// The value of the waiting StopIteration, which is swallowed.
pub fn take_stop_value(cx: &mut Cx) -> Obj {
    let e = cx.take_error();
    let v = e.as_ref().and_then(|e| e.cast::<Exception>()).and_then(|x| x.args.get(cx).cast::<Tuple>().and_then(|t| t.items().first().cloned()));
    cx.release(e);
    v.unwrap_or_else(|| cx.none())
}

fn exc(o: &Obj) -> &Ref<Exception> {
    // SAFETY: O3, these slots are only reached through exceptions.
    unsafe { o.cast_unchecked::<Exception>() }
}

fn str(cx: &mut Cx, o: &Obj) -> PyResult {
    let args = exc(o).args.cloned(cx);
    let items = args.cast::<Tuple>().map(|t| t.items().to_vec()).unwrap_or_default();
    match &items[..] {
        [] => cx.str(""),
        [one] if o.ty().is_subtype(cx, &cx.types.key_error) => protocol::repr(cx, one),
        [one] => protocol::str(cx, one),
        [message, details] if o.ty().is_subtype(cx, &cx.types.syntax_error) && details.cast::<Tuple>().is_some() => {
            let d = details.cast::<Tuple>().map(|t| t.items().to_vec()).unwrap_or_default();
            let m = protocol::str_text(cx, message)?;
            let file = d.first().and_then(|f| f.cast::<Str>()).map(|s| s.to_text(cx)).unwrap_or_default();
            let file = file.rsplit('/').next().unwrap_or("").to_string();
            match d.get(1).and_then(super::int::to_i64) {
                Some(line) => cx.str(&format!("{m} ({file}, line {line})")),
                None => cx.str(&m),
            }
        }
        [_, _, _, ..] if o.ty().is_subtype(cx, &cx.types.unicode_error) => match unicode_text(cx, o)? {
            Some(t) => cx.str(&t),
            None => protocol::str(cx, &args),
        },
        [code, text] if o.ty().is_subtype(cx, &cx.types.os_error) => {
            let (c, t) = (protocol::str_text(cx, code)?, protocol::str_text(cx, text)?);
            match (exc(o).obj.cloned(cx), exc(o).name.cloned(cx)) {
                (Some(f), Some(g)) => {
                    let (f, g) = (protocol::repr_text(cx, &f)?, protocol::repr_text(cx, &g)?);
                    cx.str(&format!("[Errno {c}] {t}: {f} -> {g}"))
                }
                (Some(f), None) => {
                    let f = protocol::repr_text(cx, &f)?;
                    cx.str(&format!("[Errno {c}] {t}: {f}"))
                }
                _ => cx.str(&format!("[Errno {c}] {t}")),
            }
        }
        _ => protocol::str(cx, &args),
    }
}

/// The sentence of a Unicode error, from its attributes.
fn unicode_text(cx: &mut Cx, o: &Obj) -> PyResult<Option<String>> {
    let mut get = |name: &'static str| {
        let name = cx.name(name);
        let v = protocol::getattr(cx, o, &name)?;
        Ok(v)
    };
    let (object, start, end, reason) = (get("object")?, get("start")?, get("end")?, get("reason")?);
    let (Some(start), Some(end)) = (super::int::to_i64(&start), super::int::to_i64(&end)) else { return Ok(None) };
    let reason = protocol::str_text(cx, &reason)?;
    let one = end == start + 1;
    let place = if one { format!("position {start}") } else { format!("position {start}-{}", end - 1) };
    if let Some(s) = object.cast::<Str>() {
        let shown = match s.code_points().get(start as usize) {
            Some(c) if one => format!("character '{}'", crate::codecs::escape(*c)),
            _ => "characters".to_string(),
        };
        if o.ty().is_subtype(cx, &cx.types.unicode_translate_error) {
            return Ok(Some(format!("can't translate {shown} in {place}: {reason}")));
        }
        let name = cx.name("encoding");
        let encoding = protocol::getattr(cx, o, &name)?;
        let encoding = protocol::str_text(cx, &encoding)?;
        return Ok(Some(format!("'{encoding}' codec can't encode {shown} in {place}: {reason}")));
    }
    let Some(b) = object.cast::<super::Bytes>() else { return Ok(None) };
    let shown = match b.bytes().get(start as usize) {
        Some(c) if one => format!("byte 0x{c:02x}"),
        _ => "bytes".to_string(),
    };
    let name = cx.name("encoding");
    let encoding = protocol::getattr(cx, o, &name)?;
    let encoding = protocol::str_text(cx, &encoding)?;
    Ok(Some(format!("'{encoding}' codec can't decode {shown} in {place}: {reason}")))
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

fn init(cx: &mut Cx, o: &Obj, args: Args<'_>) -> PyResult<()> {
    for field in [&exc(o).name, &exc(o).obj, &exc(o).name_from] {
        field.set(cx, None);
    }
    for (k, v) in args.keywords() {
        let key = k.cast::<Str>().map(|s| s.to_text(cx)).unwrap_or_default();
        let name = o.ty().name_text();
        match field(cx, o, &key) {
            Some(field) => field.set(cx, Some(v.clone())),
            None if fields(cx, o).is_empty() => return Err(cx.type_error(format!("{name}() takes no keyword arguments"))),
            None => return Err(cx.type_error(format!("{name}() got an unexpected keyword argument '{key}'"))),
        }
    }
    let t = cx.tuple(args.positional().to_vec())?;
    exc(o).args.set(cx, t);
    Ok(())
}

/// The attributes that live in fields of their own, and can be set.
fn fields(cx: &Cx, o: &Obj) -> &'static [&'static str] {
    let kinds = [(&cx.types.import_error, &["name", "path", "name_from"][..]), (&cx.types.attribute_error, &["name", "obj"]), (&cx.types.name_error, &["name"])];
    kinds.into_iter().find(|(t, _)| o.ty().is_subtype(cx, t)).map_or(&[], |(_, names)| names)
}
/// The field of an attribute.
fn field<'a>(cx: &Cx, o: &'a Obj, name: &str) -> Option<&'a Guarded<Option<Obj>>> {
    let e = exc(o);
    fields(cx, o).contains(&name).then(|| match name {
        "name" => &e.name,
        "name_from" => &e.name_from,
        _ => &e.obj,
    })
}

fn set_field(cx: &mut Cx, o: &Obj, name: &Ref<Str>, value: Option<&Obj>) -> PyResult<()> {
    match field(cx, o, &name.to_text(cx)) {
        Some(field) => {
            field.set(cx, value.cloned());
            Ok(())
        }
        None => super::object::setattr(cx, o, name, value),
    }
}

fn no_delete(cx: &Cx, what: &str) -> Raised {
    cx.type_error(format!("{what} may not be deleted"))
}

#[retic_macros::methods]
impl Exception {
    /// Exception.with_traceback(tb) -- set self.__traceback__ to tb and return self.
    #[py("with_traceback($self, tb, /)")]
    fn with_traceback(cx: &mut Cx, this: &Ref<Exception>, tb: &Obj) -> Obj {
        this.traceback.set(cx, Some(tb.clone()).filter(|t| !t.is_none()));
        this.as_obj().clone()
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
        let o = this.as_obj();
        let mut args = this.args.cloned(cx);
        let is_os_error = o.ty().is_subtype(cx, &cx.types.os_error.clone());
        let two = args.cast::<super::Tuple>().filter(|t| is_os_error && t.items().len() == 2).map(|t| t.items().to_vec());
        if let Some(mut items) = two {
            for (name, before) in [("filename", None), ("filename2", Some(cx.none()))] {
                let name = cx.name(name);
                if let Some(v) = protocol::lookup_attr(cx, o, &name)?.filter(|v| !v.is_none()) {
                    items.extend(before);
                    items.push(v);
                }
            }
            args = cx.tuple(items)?;
        }
        let mut parts = vec![o.type_ref().into_obj(), args];
        let dict = super::object::dict_of(cx, o)?;
        let state = dict.copy(cx)?;
        // An AttributeError leaves its object behind, a NameError its name, too.
        let left = o.ty().is_subtype(cx, &cx.types.name_error);
        for field in fields(cx, o).iter().filter(|f| !left && **f != "obj") {
            let key = cx.name(field);
            if let Some(v) = protocol::lookup_attr(cx, o, &key)?.filter(|v| !v.is_none()) {
                state.set_str(cx, field, v)?;
            }
        }
        if state.len(cx) > 0 {
            parts.push(state.into_obj());
        }
        cx.tuple(parts)
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
    #[get("__context__")]
    #[settable("")]
    fn context_get(cx: &mut Cx, this: &Ref<Exception>) -> Option<Obj> {
        this.context.cloned(cx)
    }
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

/// Attributes that only some classes show: (class field, attribute, which).
fn extra(cx: &mut Cx, o: &Obj, name: &Ref<Str>) -> Option<Obj> {
    let text = name.to_text(cx);
    let e = exc(o).clone();
    let arg = |cx: &Cx, i: usize| e.args.get(cx).cast::<Tuple>().and_then(|t| t.items().get(i).cloned());
    let is = |cx: &Cx, t: &Ref<Type>| o.ty().is_subtype(cx, t);
    let or_none = |cx: &Cx, v: Option<Obj>| Some(v.unwrap_or_else(|| cx.none()));
    match text.as_str() {
        "value" if is(cx, &cx.types.stop_iteration) => or_none(cx, arg(cx, 0)),
        "code" if is(cx, &cx.types.system_exit) => or_none(cx, arg(cx, 0)),
        "name" if is(cx, &cx.types.attribute_error) || is(cx, &cx.types.name_error) || is(cx, &cx.types.import_error) => or_none(cx, e.name.cloned(cx)),
        "obj" if is(cx, &cx.types.attribute_error) => or_none(cx, e.obj.cloned(cx)),
        "path" if is(cx, &cx.types.import_error) => or_none(cx, e.obj.cloned(cx)),
        "name_from" if is(cx, &cx.types.import_error) => or_none(cx, e.name_from.cloned(cx)),
        "msg" if is(cx, &cx.types.import_error) || is(cx, &cx.types.syntax_error) => or_none(cx, arg(cx, 0)),
        "encoding" | "object" | "start" | "end" | "reason" if is(cx, &cx.types.unicode_error) => {
            let translate = is(cx, &cx.types.unicode_translate_error);
            let names: &[&str] = if translate { &["object", "start", "end", "reason"] } else { &["encoding", "object", "start", "end", "reason"] };
            or_none(cx, arg(cx, names.iter().position(|n| *n == text)?))
        }
        "errno" if is(cx, &cx.types.os_error) => or_none(cx, arg(cx, 0).filter(|_| arg(cx, 1).is_some())),
        "strerror" if is(cx, &cx.types.os_error) => or_none(cx, arg(cx, 1)),
        "filename" if is(cx, &cx.types.os_error) => or_none(cx, e.obj.cloned(cx)),
        "filename2" if is(cx, &cx.types.os_error) => or_none(cx, e.name.cloned(cx)),
        "lineno" | "offset" | "text" | "end_lineno" | "end_offset" | "filename" if is(cx, &cx.types.syntax_error) => {
            let i = ["filename", "lineno", "offset", "text", "end_lineno", "end_offset"].iter().position(|n| *n == text)?;
            let v = arg(cx, 1).and_then(|t| t.cast::<Tuple>().and_then(|t| t.items().get(i).cloned()));
            or_none(cx, v)
        }
        _ => None,
    }
}

pub fn spec(name: &'static str, doc: &'static str) -> Spec {
    Spec {
        doc,
        flags: flags::GC | flags::MANAGED | flags::DICT | flags::BASE | flags::EXCEPTION,
        slots: Slots {
            repr: Some(repr),
            str: Some(str),
            getattribute: Some(|cx, o, n| match super::object::get_own(cx, o, n)? {
                Some(v) => Ok(v),
                None => match extra(cx, o, n) {
                    Some(v) => Ok(v),
                    None => super::object::getattribute(cx, o, n),
                },
            }),
            // Only where there are such fields: attributes of other exceptions are set by inline caches.
            setattr: if matches!(name, "ImportError" | "AttributeError" | "NameError") { Some(set_field) } else { None },
            new: Some(|cx, ty, args| {
                let t = cx.tuple(args.positional().to_vec())?;
                create(cx, ty, t)
            }),
            init: Some(init),
            ..Slots::EMPTY
        },
        methods: Exception::METHODS,
        getset: Exception::GETSET,
        ..Spec::new::<Exception>(name)
    }
}

/// The class that an error number stands for.
fn os_class(cx: &Cx, errno: i64) -> Option<Ref<Type>> {
    let t = &cx.types;
    Some(
        match errno {
            11 | 114 | 115 => &t.blocking_io_error,
            32 | 108 => &t.broken_pipe_error,
            10 => &t.child_process_error,
            103 => &t.connection_aborted_error,
            111 => &t.connection_refused_error,
            104 => &t.connection_reset_error,
            17 => &t.file_exists_error,
            2 => &t.file_not_found_error,
            21 => &t.is_a_directory_error,
            20 => &t.not_a_directory_error,
            4 => &t.interrupted_error,
            1 | 13 => &t.permission_error,
            3 => &t.process_lookup_error,
            110 => &t.timeout_error,
            _ => return None,
        }
        .clone(),
    )
}

/// Splits the arguments of OSError: what stays in `args`, and the file names.
fn os_parts(cx: &Cx, ty: &Ref<Type>, args: &[Obj]) -> (Vec<Obj>, Option<Obj>, Option<Obj>) {
    if !(3..=5).contains(&args.len()) {
        return (args.to_vec(), None, None);
    }
    // The third argument of BlockingIOError is the number of characters written.
    let counts = ty.is_subtype(cx, &cx.types.blocking_io_error) && args[2].cast::<super::Int>().is_some();
    if counts {
        return (args[..2].to_vec(), None, None);
    }
    let some = |o: Option<&Obj>| o.filter(|o| !o.is_none()).cloned();
    (args[..2].to_vec(), some(args.get(2)), some(args.get(4)))
}

pub fn os_error_spec(name: &'static str, doc: &'static str) -> Spec {
    let base = spec(name, doc);
    Spec {
        slots: Slots {
            new: Some(|cx, ty, args| {
                let mut class = ty.clone();
                if ty.as_obj().is(cx.types.os_error.as_obj())
                    && args.positional().len() >= 2
                    && let Some(c) = super::int::to_i64(&args.positional()[0]).and_then(|n| os_class(cx, n))
                {
                    class = c;
                }
                let (kept, file, second) = os_parts(cx, &class, args.positional());
                let t = cx.tuple(kept)?;
                let e = create(cx, &class, t)?;
                exc(&e).obj.set(cx, file);
                exc(&e).name.set(cx, second);
                Ok(e)
            }),
            init: Some(|cx, o, args| {
                args.no_keywords(cx, &o.ty().name_text())?;
                let (kept, file, second) = os_parts(cx, &o.type_ref(), args.positional());
                let t = cx.tuple(kept)?;
                exc(o).args.set(cx, t);
                exc(o).obj.set(cx, file);
                exc(o).name.set(cx, second);
                Ok(())
            }),
            ..base.slots
        },
        ..base
    }
}

/// Raises the OSError of a failed request to the host.
pub fn raise_os(cx: &mut Cx, e: &std::io::Error, file: Option<&Obj>, second: Option<&Obj>) -> Raised {
    let errno = match (e.raw_os_error(), e.kind()) {
        (Some(n), _) => n,
        (None, std::io::ErrorKind::PermissionDenied) => 1,
        (None, std::io::ErrorKind::NotFound) => 2,
        (None, std::io::ErrorKind::InvalidInput) => return cx.value_error("embedded null byte"),
        (None, _) => 5,
    };
    let text = cx.host.error_text(errno);
    let made = (|| {
        let mut args = vec![cx.int(i64::from(errno))?, cx.str(&text)?];
        if let Some(f) = file {
            args.push(f.clone());
        }
        if let Some(s) = second {
            args.extend([cx.none(), s.clone()]);
        }
        let class = cx.types.os_error.as_obj().clone();
        protocol::call(cx, &class, &args)
    })();
    match made {
        Ok(exc) => cx.raise(exc),
        Err(r) => r,
    }
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
