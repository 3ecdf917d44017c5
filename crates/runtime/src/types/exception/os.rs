//! `OSError` and its kin: the class that a number stands for, file names, and how requests to the host fail.

use super::fields::{member, place, reduce_with_files, with_fields};
use super::{Exception, create, exc, keep, spec, str};
use crate::cx::{Cx, PyResult, Raised};
use crate::native::{Args, MemberDef, MemberKind};
use crate::object::{Obj, Ref};
use crate::protocol;
use crate::types::{Slots, Spec, Type, int};

/// The class that an error number stands for.
fn class_of(cx: &Cx, errno: i64) -> Option<Ref<Type>> {
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

/// A class with an `__init__` of its own, and `OSError.__new__`: what it hands on to `OSError.__init__` counts. For all
/// others `__new__` has looked at the arguments.
fn init_decides(cx: &Cx, ty: &Type) -> bool {
    let slots = ty.slots(cx);
    slots.init.map(|f| f as usize) != Some(init as *const () as usize) && slots.new.map(|f| f as usize) == Some(new as *const () as usize)
}

/// Sets fields and `args` from the arguments.
fn take_in(cx: &mut Cx, o: &Obj, given: &[Obj]) -> PyResult<()> {
    let mut kept = given;
    if (2..=5).contains(&given.len()) {
        let some = |i: usize| given.get(i).filter(|v| !v.is_none()).cloned();
        if let Some(file) = some(2) {
            let counts = o.ty().is_subtype(cx, &cx.types.blocking_io_error) && (file.ty().slots(cx).index.is_some() || file.ty().slots(cx).float.is_some());
            if counts && std::ptr::eq(o.ty(), &*cx.types.blocking_io_error) {
                // The number of characters written before it would have had to wait.
                let n = protocol::index(cx, &file)?;
                if int::to_i64(&n).is_none() {
                    return Err(cx.value_error(format!("cannot fit '{}' into an index-sized integer", file.ty().name_text())));
                }
                exc(o).set_field(cx, place::WRITTEN, Some(n));
            } else {
                exc(o).set_field(cx, place::FILE, Some(file));
                exc(o).set_field(cx, place::FILE2, some(4));
                kept = &given[..2];
            }
        }
        exc(o).set_field(cx, place::ERRNO, Some(given[0].clone()));
        exc(o).set_field(cx, place::STRERROR, Some(given[1].clone()));
    }
    keep(cx, o, kept)
}

fn new(cx: &mut Cx, ty: &Ref<Type>, args: Args<'_>) -> PyResult {
    let empty = cx.consts.empty_tuple.clone();
    if init_decides(cx, ty) {
        return create(cx, ty, empty);
    }
    args.no_keywords(cx, &ty.name_text())?;
    let mut class = ty.clone();
    if ty.as_obj().is(cx.types.os_error.as_obj())
        && (2..=5).contains(&args.positional().len())
        && let Some(c) = int::to_i64(&args.positional()[0]).and_then(|n| class_of(cx, n))
    {
        class = c;
    }
    let e = create(cx, &class, empty)?;
    take_in(cx, &e, args.positional())?;
    Ok(e)
}

fn init(cx: &mut Cx, o: &Obj, args: Args<'_>) -> PyResult<()> {
    if !init_decides(cx, o.ty()) {
        return Ok(());
    }
    args.no_keywords(cx, &o.ty().name_text())?;
    take_in(cx, o, args.positional())
}

fn os_str(cx: &mut Cx, o: &Obj) -> PyResult {
    let e = exc(o).clone();
    let shown = |cx: &mut Cx, place: usize| match e.field(cx, place).cloned() {
        Some(v) => protocol::str_text(cx, &v),
        None => Ok("None".to_string()),
    };
    if let Some(file) = e.field(cx, place::FILE).cloned() {
        let (code, text) = (shown(cx, place::ERRNO)?, shown(cx, place::STRERROR)?);
        let file = protocol::repr_text(cx, &file)?;
        let text = match e.field(cx, place::FILE2).cloned() {
            Some(second) => {
                let second = protocol::repr_text(cx, &second)?;
                format!("[Errno {code}] {text}: {file} -> {second}")
            }
            None => format!("[Errno {code}] {text}: {file}"),
        };
        return cx.str(&text);
    }
    if e.field(cx, place::ERRNO).is_some() && e.field(cx, place::STRERROR).is_some() {
        let (code, text) = (shown(cx, place::ERRNO)?, shown(cx, place::STRERROR)?);
        return cx.str(&format!("[Errno {code}] {text}"));
    }
    str(cx, o)
}

const MEMBERS: &[MemberDef] = &[
    member("errno", place::ERRNO, MemberKind::Object, "POSIX exception code"),
    member("strerror", place::STRERROR, MemberKind::Object, "exception strerror"),
    member("filename", place::FILE, MemberKind::Object, "exception filename"),
    member("filename2", place::FILE2, MemberKind::Object, "second exception filename"),
];

/// OSError.
pub fn root_spec(name: &'static str, doc: &'static str) -> Spec {
    let base = kin_spec(name, doc);
    Spec { slots: Slots { str: Some(os_str), ..base.slots }, methods: OsErrors::METHODS, getset: OsErrors::GETSET, members: MEMBERS, ..base }
}
/// What derives from OSError inherits what is shown.
pub fn kin_spec(name: &'static str, doc: &'static str) -> Spec {
    let base = spec(name, doc);
    Spec { slots: Slots { new: Some(new), init: Some(init), ..base.slots }, ..with_fields(5, &[], base) }
}

struct OsErrors;
#[retic_macros::methods]
impl OsErrors {
    /// Helper for pickle.
    #[py("__reduce__($self, /)")]
    fn reduce(cx: &mut Cx, this: &Ref<Exception>) -> PyResult {
        reduce_with_files(cx, this)
    }
    #[get("characters_written")]
    #[settable("")]
    fn written(cx: &mut Cx, this: &Ref<Exception>) -> PyResult {
        match this.field(cx, place::WRITTEN).cloned() {
            Some(n) => Ok(n),
            None => Err(cx.attribute_error("characters_written")),
        }
    }
}
impl OsErrors {
    fn set_written(cx: &mut Cx, this: &Ref<Exception>, value: Option<&Obj>) -> PyResult<()> {
        let n = match value {
            Some(v) => {
                let n = protocol::index_i64(cx, v)?;
                Some(cx.int(n)?)
            }
            None if this.field(cx, place::WRITTEN).is_none() => return Err(cx.attribute_error("characters_written")),
            None => None,
        };
        this.set_field(cx, place::WRITTEN, n);
        Ok(())
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
