//! The classes whose exceptions have fields of their own, and the members that show them. What OSError and the Unicode
//! errors do with theirs is in files of their own.

use super::{Exception, exc, init, keep, reduced, spec, str};
use crate::cx::{Cx, PyResult};
use crate::native::{Args, MemberDef, MemberKind};
use crate::object::{Obj, Ref};
use crate::protocol;
use crate::types::{Slots, Spec, Str, Tuple, int};

/// Where each class has its fields.
pub mod place {
    /// AttributeError and NameError.
    pub const NAME: usize = 0;
    pub const OBJ: usize = 1;
    /// ImportError and SyntaxError.
    pub const MSG: usize = 0;
    /// ImportError.
    pub const MODULE: usize = 1;
    pub const PATH: usize = 2;
    pub const NAME_FROM: usize = 3;
    /// StopIteration, and SystemExit's code.
    pub const VALUE: usize = 0;
    /// SyntaxError: from here on the parts of its second argument, in their order.
    pub const FILENAME: usize = 1;
    pub const LINENO: usize = 2;
    pub const OFFSET: usize = 3;
    pub const TEXT: usize = 4;
    pub const END_LINENO: usize = 5;
    pub const END_OFFSET: usize = 6;
    pub const METADATA: usize = 7;
    pub const PRINT: usize = 8;
    /// OSError.
    pub const ERRNO: usize = 0;
    pub const STRERROR: usize = 1;
    pub const FILE: usize = 2;
    pub const FILE2: usize = 3;
    pub const WRITTEN: usize = 4;
    /// Unicode errors; UnicodeTranslateError has no encoding.
    pub const ENCODING: usize = 0;
    pub const OBJECT: usize = 1;
    pub const START: usize = 2;
    pub const END: usize = 3;
    pub const REASON: usize = 4;
    /// Groups.
    pub const MESSAGE: usize = 0;
    pub const EXCEPTIONS: usize = 1;
}

/// A member that shows a field.
pub(in crate::types) const fn member(name: &'static str, place: usize, kind: MemberKind, doc: &'static str) -> MemberDef {
    MemberDef { name, offset: size_of::<Exception>() + place * size_of::<Obj>(), kind, doc }
}
const fn object(name: &'static str, place: usize, doc: &'static str) -> MemberDef {
    member(name, place, MemberKind::Object, doc)
}
/// The specification of a class with so many fields.
pub(in crate::types) const fn with_fields(n: usize, members: &'static [MemberDef], base: Spec) -> Spec {
    Spec { basicsize: size_of::<Exception>() + n * size_of::<Obj>(), members, ..base }
}

/// Keyword arguments that go to fields; `class` says who complains about others.
fn keywords(cx: &mut Cx, o: &Obj, args: Args<'_>, class: &str, names: &[(&str, usize)]) -> PyResult<()> {
    for (_, place) in names {
        exc(o).set_field(cx, *place, None);
    }
    let (given, most) = (args.names.len(), names.len());
    if given > most {
        let plural = if most == 1 { "" } else { "s" };
        return Err(cx.type_error(format!("{class}() takes at most {most} keyword argument{plural} ({given} given)")));
    }
    for (k, v) in args.keywords() {
        let key = k.cast::<Str>().map(|s| s.to_text(cx)).unwrap_or_default();
        match names.iter().find(|(name, _)| *name == key) {
            Some((_, place)) => exc(o).set_field(cx, *place, Some(v.clone())),
            None => {
                let hint = crate::suggestions::hint(&key, names.iter().map(|n| n.0));
                return Err(cx.type_error(format!("{class}() got an unexpected keyword argument '{key}'{hint}")));
            }
        }
    }
    keep(cx, o, args.positional())
}

/// AttributeError.
pub fn attribute_error_spec(name: &'static str, doc: &'static str) -> Spec {
    const MEMBERS: &[MemberDef] = &[object("name", place::NAME, "attribute name"), object("obj", place::OBJ, "object")];
    let base = spec(name, doc);
    let init = |cx: &mut Cx, o: &Obj, args: Args<'_>| keywords(cx, o, args, "AttributeError", &[("name", place::NAME), ("obj", place::OBJ)]);
    Spec { slots: Slots { init: Some(init), ..base.slots }, methods: AttributeErrors::METHODS, ..with_fields(2, MEMBERS, base) }
}
struct AttributeErrors;
#[retic_macros::methods]
impl AttributeErrors {
    /// The attributes, the name and the arguments; the object is left behind.
    #[py("__getstate__($self, /)")]
    fn getstate(cx: &mut Cx, this: &Ref<Exception>) -> PyResult {
        let state = crate::types::object::dict_of(cx, this.as_obj())?.copy(cx)?;
        if let Some(name) = this.field(cx, place::NAME).cloned() {
            state.set_str(cx, "name", name)?;
        }
        let args = this.args.cloned(cx);
        state.set_str(cx, "args", args)?;
        Ok(state.into_obj())
    }
    /// Helper for pickle.
    #[py("__reduce__($self, /)")]
    fn reduce(cx: &mut Cx, this: &Ref<Exception>) -> PyResult {
        let state = AttributeErrors::getstate(cx, this)?;
        let parts = vec![this.as_obj().type_ref().into_obj(), this.args.cloned(cx), state];
        cx.tuple(parts)
    }
}

/// NameError.
pub fn name_error_spec(name: &'static str, doc: &'static str) -> Spec {
    const MEMBERS: &[MemberDef] = &[object("name", place::NAME, "name")];
    let base = spec(name, doc);
    let init = |cx: &mut Cx, o: &Obj, args: Args<'_>| keywords(cx, o, args, "NameError", &[("name", place::NAME)]);
    Spec { slots: Slots { init: Some(init), ..base.slots }, ..with_fields(1, MEMBERS, base) }
}

/// ImportError.
pub fn import_error_spec(name: &'static str, doc: &'static str) -> Spec {
    const MEMBERS: &[MemberDef] = &[
        object("msg", place::MSG, "exception message"),
        object("name", place::MODULE, "module name"),
        object("path", place::PATH, "module path"),
        object("name_from", place::NAME_FROM, "name imported from module"),
    ];
    let base = spec(name, doc);
    let init = |cx: &mut Cx, o: &Obj, args: Args<'_>| {
        keywords(cx, o, args, "ImportError", &[("name", place::MODULE), ("path", place::PATH), ("name_from", place::NAME_FROM)])?;
        let message = args.positional().first().filter(|_| args.positional().len() == 1).cloned();
        exc(o).set_field(cx, place::MSG, message);
        Ok(())
    };
    let shown = |cx: &mut Cx, o: &Obj| match exc(o).field(cx, place::MSG) {
        Some(m) if std::ptr::eq(m.ty(), &*cx.types.str) => Ok(m.clone()),
        _ => str(cx, o),
    };
    Spec { slots: Slots { init: Some(init), str: Some(shown), ..base.slots }, methods: ImportErrors::METHODS, ..with_fields(4, MEMBERS, base) }
}
struct ImportErrors;
#[retic_macros::methods]
impl ImportErrors {
    /// Helper for pickle.
    #[py("__reduce__($self, /)")]
    fn reduce(cx: &mut Cx, this: &Ref<Exception>) -> PyResult {
        let state = crate::types::object::dict_of(cx, this.as_obj())?.copy(cx)?;
        for (name, place) in [("name", place::MODULE), ("path", place::PATH), ("name_from", place::NAME_FROM)] {
            if let Some(v) = this.field(cx, place).cloned() {
                state.set_str(cx, name, v)?;
            }
        }
        let mut parts = vec![this.as_obj().type_ref().into_obj(), this.args.cloned(cx)];
        if state.len(cx) > 0 {
            parts.push(state.into_obj());
        }
        cx.tuple(parts)
    }
}

/// StopIteration: its first argument is its value.
pub fn stop_iteration_spec(name: &'static str, doc: &'static str) -> Spec {
    const MEMBERS: &[MemberDef] = &[object("value", place::VALUE, "generator return value")];
    let base = spec(name, doc);
    let init = |cx: &mut Cx, o: &Obj, args: Args<'_>| {
        init(cx, o, args)?;
        let value = args.positional().first().cloned().unwrap_or_else(|| cx.none());
        exc(o).set_field(cx, place::VALUE, Some(value));
        Ok(())
    };
    Spec { slots: Slots { init: Some(init), ..base.slots }, ..with_fields(1, MEMBERS, base) }
}

/// SystemExit: its only argument is its code, several are one together.
pub fn system_exit_spec(name: &'static str, doc: &'static str) -> Spec {
    const MEMBERS: &[MemberDef] = &[object("code", place::VALUE, "exception code")];
    let base = spec(name, doc);
    let init = |cx: &mut Cx, o: &Obj, args: Args<'_>| {
        init(cx, o, args)?;
        let code = match args.positional() {
            [] => None,
            [one] => Some(one.clone()),
            _ => Some(exc(o).args.cloned(cx)),
        };
        exc(o).set_field(cx, place::VALUE, code);
        Ok(())
    };
    Spec { slots: Slots { init: Some(init), ..base.slots }, ..with_fields(1, MEMBERS, base) }
}

/// SyntaxError: a message, and a tuple of file, line, offset, text, end line, end offset and what the machine adds.
pub fn syntax_error_spec(name: &'static str, doc: &'static str) -> Spec {
    const MEMBERS: &[MemberDef] = &[
        object("msg", place::MSG, "exception msg"),
        object("filename", place::FILENAME, "exception filename"),
        object("lineno", place::LINENO, "exception lineno"),
        object("offset", place::OFFSET, "exception offset"),
        object("text", place::TEXT, "exception text"),
        object("end_lineno", place::END_LINENO, "exception end lineno"),
        object("end_offset", place::END_OFFSET, "exception end offset"),
        object("print_file_and_line", place::PRINT, "exception print_file_and_line"),
        object("_metadata", place::METADATA, "exception private metadata"),
    ];
    let base = spec(name, doc);
    Spec { slots: Slots { init: Some(syntax_init), str: Some(syntax_str), ..base.slots }, ..with_fields(9, MEMBERS, base) }
}
fn syntax_init(cx: &mut Cx, o: &Obj, args: Args<'_>) -> PyResult<()> {
    init(cx, o, args)?;
    let given = args.positional();
    if let Some(message) = given.first() {
        exc(o).set_field(cx, place::MSG, Some(message.clone()));
    }
    let [_, details] = given else { return Ok(()) };
    let parts = protocol::collect(cx, details)?;
    match parts.len() {
        n @ 0..4 => return Err(cx.type_error(format!("function takes at least 4 arguments ({n} given)"))),
        n @ 8.. => return Err(cx.type_error(format!("function takes at most 7 arguments ({n} given)"))),
        _ => {}
    }
    for place in place::FILENAME..=place::METADATA {
        exc(o).set_field(cx, place, parts.get(place - place::FILENAME).cloned());
    }
    if parts.len() == 5 {
        return Err(cx.type_error("end_offset must be provided when end_lineno is provided"));
    }
    Ok(())
}
fn syntax_str(cx: &mut Cx, o: &Obj) -> PyResult {
    let message = exc(o).field(cx, place::MSG).cloned().unwrap_or_else(|| cx.none());
    let file = exc(o).field(cx, place::FILENAME).and_then(|f| f.cast::<Str>()).map(|s| s.to_text(cx));
    let file = file.as_deref().map(|f| f.rsplit('/').next().unwrap_or(f));
    let line = exc(o).field(cx, place::LINENO).filter(|l| std::ptr::eq(l.ty(), &*cx.types.int)).and_then(int::to_i64);
    let place = match (file, line) {
        (None, None) => return protocol::str(cx, &message),
        (Some(f), Some(l)) => format!("({f}, line {l})"),
        (Some(f), None) => format!("({f})"),
        (None, Some(l)) => format!("(line {l})"),
    };
    let m = protocol::str_text(cx, &message)?;
    cx.str(&format!("{m} {place}"))
}

/// What pickle asks for of an OSError: its file names are arguments again.
pub(super) fn reduce_with_files(cx: &mut Cx, this: &Ref<Exception>) -> PyResult {
    let mut args = this.args.cloned(cx);
    let two = args.cast::<Tuple>().filter(|t| t.items().len() == 2).map(|t| t.items().to_vec());
    if let (Some(mut items), Some(file)) = (two, this.field(cx, place::FILE).cloned()) {
        items.push(file);
        if let Some(second) = this.field(cx, place::FILE2).cloned() {
            items.extend([cx.none(), second]);
        }
        args = cx.tuple(items)?;
    }
    reduced(cx, this.as_obj(), args)
}
