//! UnicodeDecodeError, UnicodeEncodeError, UnicodeTranslateError: what could not be converted, where and why.

use super::fields::{member, place, with_fields};
use super::{exc, init, spec};
use crate::cx::{Cx, PyResult};
use crate::native::{Args, MemberDef, MemberKind};
use crate::object::Obj;
use crate::protocol;
use crate::types::{Bytes, Slots, Spec, Str, int};

const MEMBERS: &[MemberDef] = &[
    member("encoding", place::ENCODING, MemberKind::Object, "exception encoding"),
    member("object", place::OBJECT, MemberKind::Object, "exception object"),
    member("start", place::START, MemberKind::Index, "exception start"),
    member("end", place::END, MemberKind::Index, "exception end"),
    member("reason", place::REASON, MemberKind::Object, "exception reason"),
];

/// UnicodeDecodeError.
pub fn decode_spec(name: &'static str, doc: &'static str) -> Spec {
    let base = spec(name, doc);
    let init = |cx: &mut Cx, o: &Obj, args: Args<'_>| take_in(cx, o, args, place::ENCODING, true);
    let str = |cx: &mut Cx, o: &Obj| shown(cx, o, Some("decode"), true);
    Spec { slots: Slots { init: Some(init), str: Some(str), ..base.slots }, ..with_fields(5, MEMBERS, base) }
}
/// UnicodeEncodeError.
pub fn encode_spec(name: &'static str, doc: &'static str) -> Spec {
    let base = spec(name, doc);
    let init = |cx: &mut Cx, o: &Obj, args: Args<'_>| take_in(cx, o, args, place::ENCODING, false);
    let str = |cx: &mut Cx, o: &Obj| shown(cx, o, Some("encode"), false);
    Spec { slots: Slots { init: Some(init), str: Some(str), ..base.slots }, ..with_fields(5, MEMBERS, base) }
}
/// UnicodeTranslateError: no encoding.
pub fn translate_spec(name: &'static str, doc: &'static str) -> Spec {
    let base = spec(name, doc);
    let init = |cx: &mut Cx, o: &Obj, args: Args<'_>| take_in(cx, o, args, place::OBJECT, false);
    let str = |cx: &mut Cx, o: &Obj| shown(cx, o, None, false);
    Spec { slots: Slots { init: Some(init), str: Some(str), ..base.slots }, ..with_fields(5, MEMBERS, base) }
}

/// The arguments, each for one field, from `first` on.
fn take_in(cx: &mut Cx, o: &Obj, args: Args<'_>, first: usize, bytes: bool) -> PyResult<()> {
    init(cx, o, args)?;
    let (given, wanted) = (args.positional(), place::REASON + 1 - first);
    if given.len() != wanted {
        return Err(cx.type_error(format!("function takes exactly {wanted} arguments ({} given)", given.len())));
    }
    let mut values = Vec::with_capacity(wanted);
    for (i, v) in given.iter().enumerate() {
        values.push(match first + i {
            place::START | place::END => {
                let n = protocol::index_i64(cx, v)?;
                cx.int(n)?
            }
            place::OBJECT if bytes => v.clone(),
            _ if v.cast::<Str>().is_some() => v.clone(),
            _ => {
                let got = if v.is_none() { "None".into() } else { v.ty().name_text() };
                return Err(cx.type_error(format!("argument {} must be str, not {got}", i + 1)));
            }
        });
    }
    let object = place::OBJECT - first;
    if bytes && values[object].cast::<Bytes>().is_none() {
        let data = protocol::buffer::bytes(cx, &values[object])?;
        values[object] = Bytes::from_slice(cx, &data)?;
    }
    for (i, v) in values.into_iter().enumerate() {
        exc(o).set_field(cx, first + i, Some(v));
    }
    Ok(())
}

/// The sentence, from the fields as they are now. `verb`: what the codec cannot do; none: a translation.
fn shown(cx: &mut Cx, o: &Obj, verb: Option<&str>, bytes: bool) -> PyResult {
    let e = exc(o).clone();
    let Some(object) = e.field(cx, place::OBJECT).cloned() else { return cx.str("") };
    let text = |cx: &mut Cx, place: usize| match e.field(cx, place).cloned() {
        Some(v) => protocol::str_text(cx, &v),
        None => Ok("<NULL>".to_string()),
    };
    let (reason, encoding) = (text(cx, place::REASON)?, if verb.is_some() { text(cx, place::ENCODING)? } else { String::new() });
    let number = |cx: &Cx, place: usize| e.field(cx, place).and_then(int::to_i64).unwrap_or(0);
    let (start, end) = (number(cx, place::START), number(cx, place::END));
    let one = end == start.wrapping_add(1);
    let of_its_kind = if bytes { object.cast::<Bytes>().is_some() } else { object.cast::<Str>().is_some() };
    if !of_its_kind {
        return Err(cx.type_error(format!("UnicodeError 'object' attribute must be a {}", if bytes { "bytes" } else { "string" })));
    }
    let at = usize::try_from(start).ok().filter(|_| one);
    let single = at.and_then(|i| match (object.cast::<Str>(), object.cast::<Bytes>()) {
        (Some(s), _) => s.code_points().get(i).map(|c| format!("character '{}'", crate::codecs::escape(*c))),
        (_, Some(b)) => b.bytes().get(i).map(|c| format!("byte 0x{c:02x}")),
        _ => None,
    });
    let part = match single {
        Some(one) => format!("{one} in position {start}"),
        None => format!("{} in position {start}-{}", if bytes { "bytes" } else { "characters" }, end.wrapping_sub(1)),
    };
    let said = match verb {
        Some(verb) => format!("'{encoding}' codec can't {verb} {part}: {reason}"),
        None => format!("can't translate {part}: {reason}"),
    };
    cx.str(&said)
}
