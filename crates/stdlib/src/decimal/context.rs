//! `Context`: precision, range, rounding, flags and traps.

use super::signals;
use super::{ROUNDINGS, State, rounding_name, state};
use crate::params::{Params, bind};
use retic_decimal::{Context, MAX_EMAX, MAX_PREC, MIN_EMIN, Rounding, flag};
use retic_runtime::object::Guarded;
use retic_runtime::types::code::Hidden;
use retic_runtime::types::type_::flags;
use retic_runtime::types::{Slots, Spec, Str, Type, int};
use retic_runtime::{Args, Cx, Obj, PyResult, Raised, Ref, layout, memory, protocol};
use std::cell::Cell;
use std::rc::Rc;

layout! {
    /// A context. Its flags and traps are shared with the mappings that show them.
    pub struct ContextObj = 334, "decimal.Context" {
        rules: Hidden<Cell<Context>>,
        capitals: Cell<bool>,
        traps: Hidden<Rc<Cell<u32>>>,
        status: Hidden<Rc<Cell<u32>>>,
        /// The mappings over traps and flags, made when they are asked for.
        traps_dict: Guarded<Option<Obj>>,
        flags_dict: Guarded<Option<Obj>>,
    }
}
layout! {
    /// A `with` that makes one context the current one, and then another.
    pub struct Manager = 336, "decimal.ContextManager" { local: Guarded<Obj>, outer: Guarded<Obj>, }
}

pub fn new(cx: &mut Cx, ty: &Ref<Type>, rules: Context, capitals: bool, traps: u32) -> PyResult<Ref<ContextObj>> {
    memory::new(cx, ty, |head| ContextObj {
        head,
        rules: Hidden(Cell::new(rules)),
        capitals: Cell::new(capitals),
        traps: Hidden(Rc::new(Cell::new(traps))),
        status: Hidden(Rc::default()),
        traps_dict: Guarded::new(None),
        flags_dict: Guarded::new(None),
    })
}
/// Another context with the same rules, flags and traps.
pub fn copy(cx: &mut Cx, state: &State, of: &Ref<ContextObj>) -> PyResult<Ref<ContextObj>> {
    let c = new(cx, &state.context, of.rules(), of.capitals.get(), of.traps.0.get())?;
    c.status.0.set(of.status.0.get());
    Ok(c)
}
pub fn manager(cx: &mut Cx, state: &State, local: Ref<ContextObj>, outer: Ref<ContextObj>) -> PyResult {
    let (local, outer) = (local.into_obj(), outer.into_obj());
    Ok(memory::new(cx, &state.manager, |head| Manager { head, local: Guarded::new(local), outer: Guarded::new(outer) })?.into_obj())
}

impl ContextObj {
    #[inline]
    pub fn rules(&self) -> Context {
        self.rules.0.get()
    }
    /// Remembers flags; those that are trapped are raised.
    #[inline]
    pub fn signal(&self, cx: &mut Cx, status: u32) -> PyResult<()> {
        if status == 0 {
            return Ok(());
        }
        self.status.0.set(self.status.0.get() | status);
        let trapped = status & (self.traps.0.get() | flag::MALLOC_ERROR);
        if trapped == 0 { Ok(()) } else { Err(raise(cx, trapped)) }
    }
    fn change(&self, f: impl FnOnce(&mut Context)) {
        let mut rules = self.rules();
        f(&mut rules);
        self.rules.0.set(rules);
    }
}

#[cold]
fn raise(cx: &mut Cx, trapped: u32) -> Raised {
    if trapped & flag::MALLOC_ERROR != 0 {
        return cx.memory_error();
    }
    let s = state(cx);
    s.signals.error(cx, trapped)
}

fn whole(cx: &mut Cx, o: &Obj) -> PyResult<i64> {
    if o.cast::<retic_runtime::types::Int>().is_none() {
        return Err(cx.type_error("an integer is required"));
    }
    int::to_i64(o).ok_or_else(|| cx.overflow_error("Python int too large to convert to C ssize_t"))
}

/// The way of rounding that a text names.
pub fn rounding(cx: &mut Cx, o: &Obj) -> PyResult<Rounding> {
    let text = o.cast::<Str>().map(|s| s.to_text(cx));
    match ROUNDINGS.iter().find(|(name, _)| text.as_deref() == Some(name)) {
        Some((_, r)) => Ok(*r),
        None => Err(cx.type_error(
            "valid values for rounding are:\n  [ROUND_CEILING, ROUND_FLOOR, ROUND_UP, ROUND_DOWN,\n   ROUND_HALF_UP, ROUND_HALF_DOWN, ROUND_HALF_EVEN,\n   ROUND_05UP]",
        )),
    }
}

/// Sets an attribute; false: there is none of that name.
fn set(cx: &mut Cx, this: &ContextObj, name: &str, value: &Obj) -> PyResult<bool> {
    match name {
        "prec" => {
            let n = whole(cx, value)?;
            if !(1..=MAX_PREC).contains(&n) {
                return Err(cx.value_error("valid range for prec is [1, MAX_PREC]"));
            }
            this.change(|c| c.prec = n);
        }
        "Emin" => {
            let n = whole(cx, value)?;
            if !(MIN_EMIN..=0).contains(&n) {
                return Err(cx.value_error("valid range for Emin is [MIN_EMIN, 0]"));
            }
            this.change(|c| c.emin = n);
        }
        "Emax" => {
            let n = whole(cx, value)?;
            if !(0..=MAX_EMAX).contains(&n) {
                return Err(cx.value_error("valid range for Emax is [0, MAX_EMAX]"));
            }
            this.change(|c| c.emax = n);
        }
        "rounding" => {
            let r = rounding(cx, value)?;
            this.change(|c| c.rounding = r);
        }
        "capitals" => match whole(cx, value)? {
            n @ 0..=1 => this.capitals.set(n == 1),
            _ => return Err(cx.value_error("valid values for capitals are 0 or 1")),
        },
        "clamp" => match whole(cx, value)? {
            n @ 0..=1 => this.change(|c| c.clamp = n == 1),
            _ => return Err(cx.value_error("valid values for clamp are 0 or 1")),
        },
        "flags" => {
            let s = state(cx);
            let f = s.signals.flags_from(cx, value)?;
            this.status.0.set(f);
        }
        "traps" => {
            let s = state(cx);
            let f = s.signals.flags_from(cx, value)?;
            this.traps.0.set(f);
        }
        _ => return Ok(false),
    }
    Ok(true)
}
/// The same with a name of Python's; one that is unknown is no keyword argument.
pub fn set_by_name(cx: &mut Cx, this: &Ref<ContextObj>, name: &Obj, value: &Obj) -> PyResult<()> {
    let text = protocol::str_text(cx, name)?;
    if value.is_none() || set(cx, this, &text, value)? {
        return Ok(());
    }
    Err(cx.type_error(format!("this function got an unexpected keyword argument '{text}'")))
}

fn getter(cx: &mut Cx, o: &Obj, name: &str) -> PyResult {
    let Some(this) = o.cast::<ContextObj>().cloned() else { return Ok(cx.none()) };
    let c = this.rules();
    match name {
        "prec" => cx.int(c.prec),
        "Emin" => cx.int(c.emin),
        "Emax" => cx.int(c.emax),
        "rounding" => Ok(cx.name(rounding_name(c.rounding)).into_obj()),
        "capitals" => cx.int(this.capitals.get().into()),
        "clamp" => cx.int(c.clamp.into()),
        "flags" | "traps" => {
            let (field, bits) = if name == "flags" { (&this.flags_dict, &this.status.0) } else { (&this.traps_dict, &this.traps.0) };
            if let Some(d) = field.cloned(cx) {
                return Ok(d);
            }
            let s = state(cx);
            let d = signals::dict(cx, &s.signal_dict, bits.clone())?;
            field.set(cx, Some(d.clone()));
            Ok(d)
        }
        _ => Ok(cx.none()),
    }
}
fn setter(cx: &mut Cx, o: &Obj, name: &str, value: Option<&Obj>) -> PyResult<()> {
    let Some(this) = o.cast::<ContextObj>().cloned() else { return Ok(()) };
    match value {
        Some(v) if v.cast::<retic_runtime::types::List>().is_some() && matches!(name, "flags" | "traps") => Err(cx.type_error("argument must be a signal dict")),
        Some(v) => set(cx, &this, name, v).map(drop),
        None => Err(cx.attribute_error("context attributes cannot be deleted")),
    }
}
macro_rules! attribute {
    ($name:literal) => {
        retic_runtime::native::GetSet { name: $name, doc: "", get: |cx, o| getter(cx, o, $name), set: Some(|cx, o, v| setter(cx, o, $name, v)), member: false }
    };
}
static ATTRIBUTES: &[retic_runtime::native::GetSet] =
    &[attribute!("prec"), attribute!("Emin"), attribute!("Emax"), attribute!("rounding"), attribute!("capitals"), attribute!("clamp"), attribute!("flags"), attribute!("traps")];

const NAMES: &[&str] = &["prec", "rounding", "Emin", "Emax", "capitals", "clamp", "flags", "traps"];

fn init(cx: &mut Cx, o: &Obj, args: Args<'_>) -> PyResult<()> {
    let Some(this) = o.cast::<ContextObj>().cloned() else { return Ok(()) };
    bind(
        cx,
        &Params { function: "", names: NAMES, required: 0, positional: NAMES.len() },
        &args,
        |cx, i, v| if v.is_none() { Ok(()) } else { set(cx, &this, NAMES[i], v).map(drop) },
    )
}

#[retic_macros::methods]
impl ContextObj {
    /// Emin - prec + 1: the least exponent of a subnormal result, which underflow ends at.
    #[py("Etiny($self, /)")]
    fn etiny(_cx: &mut Cx, this: &Ref<ContextObj>) -> i64 {
        this.rules().etiny()
    }
    /// Emax - prec + 1: the greatest exponent of a context that clamps.
    #[py("Etop($self, /)")]
    fn etop(_cx: &mut Cx, this: &Ref<ContextObj>) -> i64 {
        this.rules().etop()
    }
    /// Reset all flags to False.
    #[py("clear_flags($self, /)")]
    fn clear_flags(_cx: &mut Cx, this: &Ref<ContextObj>) {
        this.status.0.set(0);
    }
    /// Set all traps to False.
    #[py("clear_traps($self, /)")]
    fn clear_traps(_cx: &mut Cx, this: &Ref<ContextObj>) {
        this.traps.0.set(0);
    }
    /// Return a duplicate of the context with all flags cleared.
    #[py("copy($self, /)")]
    fn copy(cx: &mut Cx, this: &Ref<ContextObj>) -> PyResult {
        let s = state(cx);
        Ok(copy(cx, &s, this)?.into_obj())
    }
    #[py("__copy__($self, /)")]
    fn copy_too(cx: &mut Cx, this: &Ref<ContextObj>) -> PyResult {
        let s = state(cx);
        Ok(copy(cx, &s, this)?.into_obj())
    }
    #[py("__reduce__($self, /)")]
    fn reduce(cx: &mut Cx, this: &Ref<ContextObj>) -> PyResult {
        let (s, c) = (state(cx), this.rules());
        let flags = s.signals.list(cx, this.status.0.get())?;
        let traps = s.signals.list(cx, this.traps.0.get())?;
        let (prec, emin, emax) = (cx.int(c.prec)?, cx.int(c.emin)?, cx.int(c.emax)?);
        let (capitals, clamp) = (cx.int(this.capitals.get().into())?, cx.int(c.clamp.into())?);
        let rounding = cx.name(rounding_name(c.rounding)).into_obj();
        let args = cx.tuple_of([prec, rounding, emin, emax, capitals, clamp, flags, traps])?;
        cx.tuple_of([this.as_obj().type_ref().into_obj(), args])
    }
}

pub fn spec() -> Spec {
    Spec {
        doc: "The context affects almost all operations and controls rounding,\nOver/Underflow, raising of exceptions and much more.  A new context\ncan be initialized with precision, rounding, range, flags and traps.",
        text_signature: "(prec=None, rounding=None, Emin=None, Emax=None, capitals=None, clamp=None, flags=None, traps=None)",
        flags: flags::GC | flags::BASE,
        slots: Slots {
            new: Some(|cx, ty, _| {
                // Like the template, which is not there while it is itself made.
                let s = state(cx);
                let d = &s.default;
                Ok(new(cx, ty, d.rules(), d.capitals.get(), d.traps.0.get())?.into_obj())
            }),
            init: Some(init),
            repr: Some(|cx, o| {
                let Some(this) = o.cast::<ContextObj>().cloned() else { return Ok(cx.none()) };
                let c = this.rules();
                cx.str(&format!(
                    "Context(prec={}, rounding={}, Emin={}, Emax={}, capitals={}, clamp={}, flags={}, traps={})",
                    c.prec,
                    rounding_name(c.rounding),
                    c.emin,
                    c.emax,
                    u8::from(this.capitals.get()),
                    u8::from(c.clamp),
                    signals::names(this.status.0.get()),
                    signals::names(this.traps.0.get())
                ))
            }),
            ..Slots::EMPTY
        },
        methods: ContextObj::METHODS,
        more_methods: super::methods::OF_CONTEXT,
        getset: ATTRIBUTES,
        ..Spec::new::<ContextObj>("decimal.Context")
    }
}

#[retic_macros::methods]
impl Manager {
    #[py("__enter__($self, /)")]
    fn enter(cx: &mut Cx, this: &Ref<Manager>) -> PyResult {
        let (s, local) = (state(cx), this.local.cloned(cx));
        super::set_current(cx, &s, &local)?;
        Ok(local)
    }
    #[py("__exit__($self, /, *args)")]
    fn exit(cx: &mut Cx, this: &Ref<Manager>, _args: &[Obj]) -> PyResult {
        let (s, outer) = (state(cx), this.outer.cloned(cx));
        super::set_current(cx, &s, &outer)?;
        Ok(cx.bool(false))
    }
}

pub fn manager_spec() -> Spec {
    Spec { flags: flags::GC | flags::NO_NEW, methods: Manager::METHODS, ..Spec::new::<Manager>("decimal.ContextManager") }
}
