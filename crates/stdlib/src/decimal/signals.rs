//! Signals: what contexts remember and raise, and the mappings that show it.

use retic_decimal::flag;
use retic_runtime::types::code::Hidden;
use retic_runtime::types::type_::{Cmp, flags};
use retic_runtime::types::{Dict, Slots, Spec, Type};
use retic_runtime::{Cx, Obj, PyResult, Raised, Ref, layout, memory, protocol};
use std::cell::Cell;
use std::rc::Rc;

pub const USUAL_TRAPS: u32 = flag::ALL_INVALID | flag::DIVISION_BY_ZERO | flag::OVERFLOW;
pub const MORE_TRAPS: u32 = flag::UNDERFLOW | flag::CLAMPED;

/// The signals in the order of a mapping.
const SIGNALS: [(&str, u32); 9] = [
    ("InvalidOperation", flag::ALL_INVALID),
    ("FloatOperation", flag::FLOAT_OPERATION),
    ("DivisionByZero", flag::DIVISION_BY_ZERO),
    ("Overflow", flag::OVERFLOW),
    ("Underflow", flag::UNDERFLOW),
    ("Subnormal", flag::SUBNORMAL),
    ("Inexact", flag::INEXACT),
    ("Rounded", flag::ROUNDED),
    ("Clamped", flag::CLAMPED),
];
/// The conditions that InvalidOperation stands for.
const CONDITIONS: [(&str, u32); 5] = [
    ("InvalidOperation", flag::INVALID_OPERATION),
    ("ConversionSyntax", flag::CONVERSION_SYNTAX),
    ("DivisionImpossible", flag::DIVISION_IMPOSSIBLE),
    ("DivisionUndefined", flag::DIVISION_UNDEFINED),
    ("InvalidContext", flag::INVALID_CONTEXT),
];
/// The names in the order of their bits: what a context's repr shows.
const BY_BITS: [(&str, u32); 9] = [
    ("Clamped", flag::CLAMPED),
    ("InvalidOperation", flag::ALL_INVALID),
    ("DivisionByZero", flag::DIVISION_BY_ZERO),
    ("Inexact", flag::INEXACT),
    ("FloatOperation", flag::FLOAT_OPERATION),
    ("Overflow", flag::OVERFLOW),
    ("Rounded", flag::ROUNDED),
    ("Subnormal", flag::SUBNORMAL),
    ("Underflow", flag::UNDERFLOW),
];

/// The exception classes, by name.
pub struct Signals(Vec<(&'static str, Obj)>);

impl Signals {
    pub fn make(cx: &mut Cx) -> PyResult<Signals> {
        let builtin = |cx: &Cx, name: &str| match name {
            "ArithmeticError" => cx.types.arithmetic_error.as_obj().clone(),
            "TypeError" => cx.types.type_error.as_obj().clone(),
            _ => cx.types.zero_division_error.as_obj().clone(),
        };
        let rows: [(&'static str, &[&str]); 14] = [
            ("DecimalException", &["ArithmeticError"]),
            ("InvalidOperation", &["DecimalException"]),
            ("FloatOperation", &["DecimalException", "TypeError"]),
            ("DivisionByZero", &["DecimalException", "ZeroDivisionError"]),
            ("Inexact", &["DecimalException"]),
            ("Rounded", &["DecimalException"]),
            ("Subnormal", &["DecimalException"]),
            ("Clamped", &["DecimalException"]),
            ("Overflow", &["Inexact", "Rounded"]),
            ("Underflow", &["Inexact", "Rounded", "Subnormal"]),
            ("ConversionSyntax", &["InvalidOperation"]),
            ("DivisionImpossible", &["InvalidOperation"]),
            ("DivisionUndefined", &["InvalidOperation", "ZeroDivisionError"]),
            ("InvalidContext", &["InvalidOperation"]),
        ];
        let mut made: Vec<(&'static str, Obj)> = Vec::new();
        for (name, bases) in rows {
            let bases = bases.iter().map(|b| made.iter().find(|(n, _)| n == b).map_or_else(|| builtin(cx, b), |(_, c)| c.clone())).collect();
            let class = make_type(cx, name, bases)?;
            made.push((name, class));
        }
        Ok(Signals(made))
    }
    pub fn all(&self) -> &[(&'static str, Obj)] {
        &self.0
    }
    fn class(&self, name: &str) -> Obj {
        self.0.iter().find(|(n, _)| *n == name).map(|(_, c)| c.clone()).expect("every signal has a class")
    }
    /// The flags of a class that is a signal.
    fn flags_of(&self, class: &Obj) -> Option<u32> {
        SIGNALS.iter().find(|(name, _)| self.class(name).is(class)).map(|(_, f)| *f)
    }
    /// The signals of a set of flags, one class each.
    pub fn list(&self, cx: &Cx, status: u32) -> PyResult {
        cx.list(SIGNALS.iter().filter(|(_, f)| status & f != 0).map(|(name, _)| self.class(name)).collect())
    }
    /// The exception of trapped flags: the first signal, with a list of all conditions.
    pub fn error(&self, cx: &mut Cx, trapped: u32) -> Raised {
        let Some((name, _)) = SIGNALS.iter().find(|(_, f)| trapped & f != 0) else { return cx.system_error("no signal was raised") };
        let rows = CONDITIONS.iter().chain(&SIGNALS[1..]);
        let all: Vec<Obj> = rows.filter(|(_, f)| trapped & f != 0).map(|(name, _)| self.class(name)).collect();
        let class = self.class(name);
        match cx.list(all).and_then(|l| protocol::call(cx, &class, &[l])) {
            Ok(e) => cx.raise(e),
            Err(r) => r,
        }
    }
    /// Flags from a list of signals, or from a mapping of all of them.
    pub fn flags_from(&self, cx: &mut Cx, o: &Obj) -> PyResult<u32> {
        if let Some(d) = o.cast::<SignalDict>() {
            return Ok(d.bits.0.as_ref().map_or(0, |b| b.get()));
        }
        if let Some(list) = o.cast::<retic_runtime::types::List>() {
            let mut out = 0;
            for class in list.to_vec(cx) {
                out |= self.flags_of(&class).ok_or_else(|| no_signal(cx))?;
            }
            return Ok(out);
        }
        if let Some(dict) = o.cast::<Dict>().cloned() {
            if dict.len(cx) != SIGNALS.len() {
                return Err(key_error(cx, "invalid signal dict"));
            }
            let mut out = 0;
            for (key, value) in dict.entries(cx) {
                let Some(f) = self.flags_of(&key) else { return Err(key_error(cx, "invalid signal dict")) };
                if protocol::truth(cx, &value)? {
                    out |= f;
                }
            }
            return Ok(out);
        }
        Err(cx.type_error("argument must be a signal dict"))
    }
}

fn no_signal(cx: &mut Cx) -> Raised {
    key_error(cx, "valid values for signals are:\n  [InvalidOperation, FloatOperation, DivisionByZero,\n   Overflow, Underflow, Subnormal, Inexact, Rounded,\n   Clamped]")
}
fn key_error(cx: &mut Cx, text: &str) -> Raised {
    match cx.str(text) {
        Ok(t) => cx.key_error(&t),
        Err(r) => r,
    }
}

fn make_type(cx: &mut Cx, name: &str, bases: Vec<Obj>) -> PyResult {
    let (name, bases, ns) = (cx.str(name)?, cx.tuple(bases)?, Dict::new(cx)?);
    let module = cx.str("decimal")?;
    ns.set_str(cx, "__module__", module)?;
    let meta = cx.types.type_.as_obj().clone();
    protocol::call(cx, &meta, &[name, bases, ns.into_obj()])
}

/// The names of flags as a context shows them.
pub fn names(status: u32) -> String {
    let all: Vec<&str> = BY_BITS.iter().filter(|(_, f)| status & f != 0).map(|(name, _)| *name).collect();
    format!("[{}]", all.join(", "))
}

layout! {
    /// The flags or traps of a context, as a mapping of signals to bools; none: it is of no context.
    pub struct SignalDict = 335, "decimal.SignalDictMixin" { bits: Hidden<Option<Rc<Cell<u32>>>>, }
}

/// The mapping over a set of flags that somebody else keeps, too.
pub fn dict(cx: &mut Cx, class: &Ref<Type>, bits: Rc<Cell<u32>>) -> PyResult {
    Ok(memory::new(cx, class, |head| SignalDict { head, bits: Hidden(Some(bits)) })?.into_obj())
}

/// The class that contexts use: the native mapping, and what every mapping can do.
pub fn make_class(cx: &mut Cx, mixin: &Ref<Type>, mapping: &Obj) -> PyResult<Ref<Type>> {
    let (name, bases, ns) = (cx.str("SignalDict")?, cx.tuple_of([mixin.as_obj().clone(), mapping.clone()])?, Dict::new(cx)?);
    let module = cx.str("decimal")?;
    ns.set_str(cx, "__module__", module)?;
    let slots = cx.consts.empty_tuple.clone();
    ns.set_str(cx, "__slots__", slots)?;
    let meta = mapping.type_ref().into_obj();
    let made = protocol::call(cx, &meta, &[name, bases, ns.into_obj()])?;
    made.downcast::<Type>().map_err(|_| cx.type_error("type() made no type"))
}

fn bits(cx: &Cx, o: &Obj) -> PyResult<Rc<Cell<u32>>> {
    o.cast::<SignalDict>().and_then(|d| d.bits.0.clone()).ok_or_else(|| cx.value_error("invalid signal dict"))
}
fn flag_of(cx: &mut Cx, key: &Obj) -> PyResult<u32> {
    let s = super::state(cx);
    match s.signals.flags_of(key) {
        Some(f) => Ok(f),
        None => Err(no_signal(cx)),
    }
}

#[retic_macros::methods]
impl SignalDict {
    #[py("copy($self, /)")]
    fn copy(cx: &mut Cx, this: &Ref<SignalDict>) -> PyResult {
        let b = bits(cx, this.as_obj())?.get();
        as_dict(cx, b)
    }
}
fn as_dict(cx: &mut Cx, bits: u32) -> PyResult {
    let s = super::state(cx);
    let out = Dict::new(cx)?;
    for (name, f) in SIGNALS {
        let value = cx.bool(bits & f != 0);
        out.insert(cx, &s.signals.class(name), value)?;
    }
    Ok(out.into_obj())
}

pub fn mixin_spec() -> Spec {
    Spec {
        flags: flags::GC | flags::BASE | flags::MAPPING,
        slots: Slots {
            new: Some(|cx, ty, _| Ok(memory::new(cx, ty, |head| SignalDict { head, bits: Hidden(None) })?.into_obj())),
            init: Some(|_, _, _| Ok(())),
            len: Some(|cx, o| bits(cx, o).map(|_| SIGNALS.len())),
            getitem: Some(|cx, o, key| {
                let bits = bits(cx, o)?;
                let f = flag_of(cx, key)?;
                Ok(cx.bool(bits.get() & f != 0))
            }),
            setitem: Some(|cx, o, key, value| {
                let bits = bits(cx, o)?;
                let Some(value) = value else { return Err(cx.value_error("signal keys cannot be deleted")) };
                let f = flag_of(cx, key)?;
                let on = protocol::truth(cx, value)?;
                bits.set(if on { bits.get() | f } else { bits.get() & !f });
                Ok(())
            }),
            iter: Some(|cx, o| {
                bits(cx, o)?;
                let s = super::state(cx);
                let all = SIGNALS.iter().map(|(name, _)| s.signals.class(name)).collect();
                let t = cx.tuple(all)?;
                protocol::iter(cx, &t)
            }),
            repr: Some(|cx, o| {
                let b = bits(cx, o)?.get();
                let s = super::state(cx);
                let mut rows = Vec::new();
                for (name, f) in SIGNALS {
                    let class = protocol::repr_text(cx, &s.signals.class(name))?;
                    rows.push(format!("{class}:{}", if b & f != 0 { "True" } else { "False" }));
                }
                cx.str(&format!("{{{}}}", rows.join(", ")))
            }),
            richcompare: Some(|cx, a, b, op| {
                if !matches!(op, Cmp::Eq | Cmp::Ne) {
                    return Ok(cx.not_implemented());
                }
                let s = super::state(cx);
                let other = if b.cast::<SignalDict>().is_some() {
                    bits(cx, b)?.get()
                } else if b.cast::<Dict>().is_some() {
                    match s.signals.flags_from(cx, b) {
                        Ok(f) => f,
                        Err(_) if cx.error_is(&cx.types.key_error) => {
                            cx.clear_error();
                            return Ok(cx.not_implemented());
                        }
                        Err(r) => return Err(r),
                    }
                } else {
                    return Ok(cx.not_implemented());
                };
                Ok(cx.bool((bits(cx, a)?.get() == other) == (op == Cmp::Eq)))
            }),
            ..Slots::EMPTY
        },
        methods: SignalDict::METHODS,
        ..Spec::new::<SignalDict>("decimal.SignalDictMixin")
    }
}
