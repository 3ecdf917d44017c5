//! Template strings (PEP 750): `string.templatelib.Template` and `Interpolation`.

use super::type_::{Op, flags};
use super::{Slots, Spec, Str, Tuple};
use crate::cx::{Cx, PyResult};
use crate::layout;
use crate::memory;
use crate::object::{Guarded, Obj, Ref};
use crate::protocol;

layout! {
    /// What a t-string evaluates to: n + 1 strings around n interpolations.
    pub struct Template = 50, "string.templatelib.Template" { strings: Guarded<Obj>, interpolations: Guarded<Obj>, }
}
layout! {
    /// One hole of a t-string.
    pub struct Interpolation = 51, "string.templatelib.Interpolation" { value: Guarded<Obj>, expression: Guarded<Obj>, conversion: Guarded<Obj>, format_spec: Guarded<Obj>, }
}

fn items(o: &Obj) -> Vec<Obj> {
    o.cast::<Tuple>().map(|t| t.items().to_vec()).unwrap_or_default()
}

pub fn make(cx: &Cx, strings: Obj, interpolations: Obj) -> PyResult {
    Ok(memory::new(cx, &cx.types.template, |head| Template { head, strings: Guarded::new(strings), interpolations: Guarded::new(interpolations) })?.into_obj())
}
/// `conversion`: 0 none, 1 `s`, 2 `r`, 3 `a`.
pub fn interpolation(cx: &Cx, value: Obj, expression: Obj, conversion: usize, format_spec: Option<Obj>) -> PyResult {
    let conversion = match conversion {
        0 => cx.none(),
        c => cx.str(["", "s", "r", "a"][c & 3])?,
    };
    let format_spec = match format_spec {
        Some(f) => f,
        None => cx.consts.empty_str.clone(),
    };
    Ok(memory::new(cx, &cx.types.interpolation, |head| Interpolation {
        head,
        value: Guarded::new(value),
        expression: Guarded::new(expression),
        conversion: Guarded::new(conversion),
        format_spec: Guarded::new(format_spec),
    })?
    .into_obj())
}

/// Strings and interpolations in any order: neighbouring strings join, gaps between interpolations get empty ones.
fn from_parts(cx: &mut Cx, parts: &[Obj]) -> PyResult {
    let (mut strings, mut holes) = (Vec::new(), Vec::new());
    let mut last: Option<Obj> = None;
    for p in parts {
        if p.cast::<Str>().is_some() {
            last = Some(match last {
                Some(l) => super::str::concat(cx, &l, p)?,
                None => p.clone(),
            });
        } else if p.cast::<Interpolation>().is_some() {
            strings.push(last.take().unwrap_or_else(|| cx.consts.empty_str.clone()));
            holes.push(p.clone());
        } else {
            return Err(cx.type_error(format!("Template.__new__ *args need to be of type 'str' or 'Interpolation', got {}", p.ty().name_text())));
        }
    }
    strings.push(last.unwrap_or_else(|| cx.consts.empty_str.clone()));
    let (s, h) = (cx.tuple(strings)?, cx.tuple(holes)?);
    make(cx, s, h)
}

/// Strings that are not empty and interpolations, in order.
fn parts(cx: &Cx, t: &Ref<Template>) -> Vec<Obj> {
    let (strings, holes) = (items(t.strings.get(cx)), items(t.interpolations.get(cx)));
    let mut holes = holes.into_iter();
    let mut out = Vec::new();
    for s in strings {
        if s.cast::<Str>().is_some_and(|s| !s.is_empty()) {
            out.push(s);
        }
        out.extend(holes.next());
    }
    out
}

#[retic_macros::methods]
impl Template {
    #[get("strings")]
    fn strings_get(cx: &mut Cx, this: &Ref<Template>) -> Obj {
        this.strings.cloned(cx)
    }
    #[get("interpolations")]
    fn interpolations_get(cx: &mut Cx, this: &Ref<Template>) -> Obj {
        this.interpolations.cloned(cx)
    }
    /// Values of interpolations
    #[get("values")]
    fn values(cx: &mut Cx, this: &Ref<Template>) -> PyResult {
        let list = items(this.interpolations.get(cx)).iter().filter_map(|i| i.cast::<Interpolation>().map(|i| i.value.cloned(cx))).collect();
        cx.tuple(list)
    }
    #[py("__reduce__($self, /)")]
    fn reduce(cx: &mut Cx, this: &Ref<Template>) -> PyResult {
        let args = cx.tuple(parts(cx, this))?;
        cx.tuple_of([cx.types.template.as_obj().clone(), args])
    }
}

pub fn spec() -> Spec {
    Spec {
        doc: "Template object",
        flags: flags::GC,
        slots: Slots {
            new: Some(|cx, _, args| {
                args.no_keywords(cx, "Template.__new__")?;
                from_parts(cx, args.items)
            }),
            repr: Some(|cx, o| {
                let Some(t) = o.cast::<Template>() else { return Ok(cx.none()) };
                let (s, i) = (t.strings.cloned(cx), t.interpolations.cloned(cx));
                let text = format!("Template(strings={}, interpolations={})", protocol::repr_text(cx, &s)?, protocol::repr_text(cx, &i)?);
                cx.str(&text)
            }),
            iter: Some(|cx, o| {
                let Some(t) = o.cast::<Template>() else { return Ok(cx.none()) };
                let all = cx.tuple(parts(cx, t))?;
                protocol::iter(cx, &all)
            }),
            ..Slots::EMPTY.with(&[(Op::Add, |cx, a, b| {
                let (Some(x), Some(y)) = (a.cast::<Template>(), b.cast::<Template>()) else {
                    if a.cast::<Template>().is_some() {
                        return Err(cx.type_error(format!("can only concatenate string.templatelib.Template (not \"{}\") to string.templatelib.Template", b.ty().name_text())));
                    }
                    return Ok(cx.not_implemented());
                };
                let all: Vec<Obj> = parts(cx, x).into_iter().chain(parts(cx, y)).collect();
                from_parts(cx, &all)
            })])
        },
        methods: Template::METHODS,
        getset: Template::GETSET,
        ..Spec::new::<Template>("string.templatelib.Template")
    }
}

#[retic_macros::methods]
impl Interpolation {
    #[get("value")]
    fn value_get(cx: &mut Cx, this: &Ref<Interpolation>) -> Obj {
        this.value.cloned(cx)
    }
    #[get("expression")]
    fn expression_get(cx: &mut Cx, this: &Ref<Interpolation>) -> Obj {
        this.expression.cloned(cx)
    }
    #[get("conversion")]
    fn conversion_get(cx: &mut Cx, this: &Ref<Interpolation>) -> Obj {
        this.conversion.cloned(cx)
    }
    #[get("format_spec")]
    fn format_spec_get(cx: &mut Cx, this: &Ref<Interpolation>) -> Obj {
        this.format_spec.cloned(cx)
    }
    #[get("__match_args__")]
    fn match_args(cx: &mut Cx, _this: &Ref<Interpolation>) -> PyResult {
        let names = ["value", "expression", "conversion", "format_spec"].iter().map(|n| cx.str(n)).collect::<PyResult<Vec<_>>>()?;
        cx.tuple(names)
    }
    #[py("__reduce__($self, /)")]
    fn reduce(cx: &mut Cx, this: &Ref<Interpolation>) -> PyResult {
        let args = cx.tuple_of([this.value.cloned(cx), this.expression.cloned(cx), this.conversion.cloned(cx), this.format_spec.cloned(cx)])?;
        cx.tuple_of([cx.types.interpolation.as_obj().clone(), args])
    }
}

pub fn interpolation_spec() -> Spec {
    Spec {
        doc: "Interpolation object",
        text_signature: "(value, expression='', conversion=None, format_spec='')",
        flags: flags::GC,
        slots: Slots {
            new: Some(|cx, _, args| {
                let p = args.positional();
                let get = |cx: &Cx, i: usize, name: &str| p.get(i).or(args.keyword(cx, name)).cloned();
                let Some(value) = get(cx, 0, "value") else {
                    return Err(cx.type_error("Interpolation() missing required argument 'value' (pos 1)"));
                };
                let expression = get(cx, 1, "expression").unwrap_or_else(|| cx.consts.empty_str.clone());
                let conversion = match get(cx, 2, "conversion").filter(|c| !c.is_none()) {
                    None => 0,
                    Some(c) => match c.cast::<Str>().map(|s| s.to_text(cx)).as_deref() {
                        Some("s") => 1,
                        Some("r") => 2,
                        Some("a") => 3,
                        _ => return Err(cx.value_error("Interpolation() argument 'conversion' must be one of 's', 'a' or 'r'")),
                    },
                };
                interpolation(cx, value, expression, conversion, get(cx, 3, "format_spec"))
            }),
            repr: Some(|cx, o| {
                let Some(i) = o.cast::<Interpolation>() else { return Ok(cx.none()) };
                let all = cx.tuple_of([i.value.cloned(cx), i.expression.cloned(cx), i.conversion.cloned(cx), i.format_spec.cloned(cx)])?;
                let text = format!("Interpolation{}", protocol::repr_text(cx, &all)?);
                cx.str(&text)
            }),
            ..Slots::EMPTY
        },
        methods: Interpolation::METHODS,
        getset: Interpolation::GETSET,
        ..Spec::new::<Interpolation>("string.templatelib.Interpolation")
    }
}
