//! `_retic_calls`: one function for each of the ways in which native functions take their arguments, as functions of a module, as
//! methods, as methods of a class and as static ones, which tell what reached them. CPython's own tests of calls ask for them.
//!
//! Source: CPython's Modules/_testcapi/docstring.c and _testcapimodule.c (`METH_*`).

use retic_runtime::native::{Args, MethodDef, MethodKind, Signature};
use retic_runtime::types::type_::flags;
use retic_runtime::types::{Dict, Slots, Spec, Tuple, module};
use retic_runtime::{Cx, Obj, PyResult, layout, memory, native};

layout! {
    /// An object of one of the classes here.
    pub struct Receiver = 343, "MethInstance" {}
}

/// The parameters behind what a function is called on, as `inspect` shows them.
const fn shown(kind: MethodKind, texts: [&'static str; 3]) -> &'static str {
    match kind {
        MethodKind::Method => texts[0],
        MethodKind::Class => texts[1],
        MethodKind::Static => texts[2],
    }
}
/// No arguments.
const fn none(kind: MethodKind) -> Signature {
    Signature { star: false, star_star: false, ..Signature::open("meth_noargs", shown(kind, ["($self, /)", "($type, /)", "()"])) }
}
/// Exactly one.
const fn just_one(kind: MethodKind) -> Signature {
    let text = shown(kind, ["($self, object, /)", "($type, object, /)", "(object, /)"]);
    Signature { params: &["object"], positional_only: 1, positional: 1, required: 1, star: false, star_star: false, ..Signature::open("meth_o", text) }
}

const fn any(name: &'static str, keywords: bool) -> Signature {
    Signature { star_star: keywords, ..Signature::open(name, "") }
}

/// What a function was called on, as it sees it: of a static one, nothing.
fn receiver(cx: &Cx, def: &MethodDef, this: &Obj) -> Obj {
    if def.kind == MethodKind::Static { cx.none() } else { this.clone() }
}

/// All that reached a function.
fn told(cx: &mut Cx, this: Obj, rest: &[Obj], keywords: Option<&[(&Obj, &Obj)]>) -> PyResult {
    let mut out = vec![this, Tuple::of_slice(cx, rest)?];
    match keywords {
        Some([]) => out.push(cx.none()),
        Some(given) => {
            let dict = Dict::new(cx)?;
            for (name, value) in given {
                dict.insert(cx, name, (*value).clone())?;
            }
            out.push(dict.into_obj());
        }
        None => {}
    }
    Tuple::from_vec(cx, out)
}

fn no_arguments(cx: &mut Cx, def: &'static MethodDef, this: &Obj, args: Args<'_>) -> PyResult {
    native::bind(cx, def, this, args, &mut [])?;
    Ok(receiver(cx, def, this))
}
fn one(cx: &mut Cx, def: &'static MethodDef, this: &Obj, args: Args<'_>) -> PyResult {
    let mut slots = [None];
    native::bind(cx, def, this, args, &mut slots)?;
    let argument = slots[0].cloned().unwrap_or_else(|| cx.none());
    Tuple::from_vec(cx, vec![receiver(cx, def, this), argument])
}
fn positional(cx: &mut Cx, def: &'static MethodDef, this: &Obj, args: Args<'_>) -> PyResult {
    let bound = native::bind(cx, def, this, args, &mut [])?;
    told(cx, receiver(cx, def, this), bound.rest, None)
}
fn all(cx: &mut Cx, def: &'static MethodDef, this: &Obj, args: Args<'_>) -> PyResult {
    let bound = native::bind(cx, def, this, args, &mut [])?;
    told(cx, receiver(cx, def, this), bound.rest, Some(&bound.keywords))
}

const fn functions(kind: MethodKind) -> [MethodDef; 6] {
    [
        MethodDef { name: "meth_noargs", kind, signature: none(kind), doc: "", call: no_arguments },
        MethodDef { name: "meth_o", kind, signature: just_one(kind), doc: "", call: one },
        MethodDef { name: "meth_varargs", kind, signature: any("meth_varargs", false), doc: "", call: positional },
        MethodDef { name: "meth_varargs_keywords", kind, signature: any("meth_varargs_keywords", true), doc: "", call: all },
        MethodDef { name: "meth_fastcall", kind, signature: any("meth_fastcall", false), doc: "", call: positional },
        MethodDef { name: "meth_fastcall_keywords", kind, signature: any("meth_fastcall_keywords", true), doc: "", call: all },
    ]
}

static METHODS: [MethodDef; 6] = functions(MethodKind::Method);
static OF_CLASS: [MethodDef; 6] = functions(MethodKind::Class);
static STATIC: [MethodDef; 6] = functions(MethodKind::Static);

static ADD: [MethodDef; 1] = [MethodDef {
    name: "add_to",
    kind: MethodKind::Method,
    signature: Signature {
        name: "add_to",
        params: &["module"],
        positional_only: 1,
        positional: 1,
        required: 1,
        star: false,
        star_star: false,
        ..Signature::open("", "(module, /)")
    },
    doc: "Puts the functions into a module.",
    call: |cx, def, this, args| {
        let mut slots = [None];
        native::bind(cx, def, this, args, &mut slots)?;
        match slots[0].and_then(|o| o.cast::<module::Module>()).cloned() {
            Some(m) => module::add_functions(cx, &m, &METHODS)?,
            None => return Err(cx.type_error("add_to() argument must be a module")),
        }
        Ok(cx.none())
    },
}];

pub fn make(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "_retic_calls", "Native functions that tell how they were called.", &ADD)?;
    for (name, methods) in [("MethInstance", &METHODS), ("MethClass", &OF_CLASS), ("MethStatic", &STATIC)] {
        let slots = Slots {
            // As CPython's, which take any arguments.
            new: Some(|cx, ty, _| Ok(memory::new(cx, ty, |head| Receiver { head })?.into_obj())),
            ..Slots::EMPTY
        };
        m.add_type(cx, &Spec { flags: flags::IMMUTABLE, slots, methods, ..Spec::new::<Receiver>(name) })?;
    }
    Ok(m.into_obj())
}
