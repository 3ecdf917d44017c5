//! `_decimal`: `Decimal` and `Context` over the crate `decimal` (what they do is what Modules/_decimal/_decimal.c does).

mod context;
mod methods;
mod number;
mod signals;

use crate::contextvars::{self, ContextVar};
use context::ContextObj;
use retic_decimal::{Context, MAX_EMAX, MAX_PREC, MIN_EMIN, MIN_ETINY, Rounding};
use retic_runtime::types::{Type, module};
use retic_runtime::{Args, Cx, Obj, PyResult, Ref, interp, modules, protocol};
use signals::Signals;
use std::rc::Rc;

/// What the module keeps for an interpreter.
pub struct State {
    decimal: Ref<Type>,
    context: Ref<Type>,
    manager: Ref<Type>,
    signal_dict: Ref<Type>,
    tuple: Obj,
    signals: Signals,
    rational: Obj,
    /// The template of contexts, and the other contexts that are the module's.
    default: Ref<ContextObj>,
    templates: Vec<Obj>,
    var: Ref<ContextVar>,
}

fn state(cx: &Cx) -> Rc<State> {
    cx.native_states.get().expect("the module is imported")
}

/// Ways of rounding, by the names that Python sees.
const ROUNDINGS: [(&str, Rounding); 8] = [
    ("ROUND_UP", Rounding::Up),
    ("ROUND_DOWN", Rounding::Down),
    ("ROUND_CEILING", Rounding::Ceiling),
    ("ROUND_FLOOR", Rounding::Floor),
    ("ROUND_HALF_UP", Rounding::HalfUp),
    ("ROUND_HALF_DOWN", Rounding::HalfDown),
    ("ROUND_HALF_EVEN", Rounding::HalfEven),
    ("ROUND_05UP", Rounding::ZeroFiveUp),
];
fn rounding_name(r: Rounding) -> &'static str {
    ROUNDINGS.iter().find(|(_, x)| *x == r).map_or("", |(name, _)| name)
}

/// The context of the running thread and context; made of the template when it is first asked for.
#[inline]
fn current(cx: &mut Cx, state: &State) -> PyResult<Ref<ContextObj>> {
    match contextvars::peek(cx, &state.var, state.var.as_obj()).and_then(|c| c.cast::<ContextObj>()) {
        Some(c) => Ok(c.clone()),
        None => searched(cx, state),
    }
}

#[inline(never)]
fn searched(cx: &mut Cx, state: &State) -> PyResult<Ref<ContextObj>> {
    if let Some(c) = contextvars::value_of(cx, &state.var, None)? {
        return c.cast::<ContextObj>().cloned().ok_or_else(|| cx.type_error("argument must be a context"));
    }
    let new = context::copy(cx, state, &state.default)?;
    new.status.0.set(0);
    contextvars::set_value(cx, &state.var, new.as_obj())?;
    Ok(new)
}

fn set_current(cx: &mut Cx, state: &State, c: &Obj) -> PyResult<()> {
    let Some(given) = c.cast::<ContextObj>().cloned() else { return Err(cx.type_error("argument must be a context")) };
    let chosen = if state.templates.iter().any(|t| t.is(c)) {
        // The module's own contexts stay as they are.
        let copy = context::copy(cx, state, &given)?;
        copy.status.0.set(0);
        copy
    } else {
        given
    };
    contextvars::set_value(cx, &state.var, chosen.as_obj())
}

/// An optional argument that is a context: None and nothing mean the current one.
fn context_or_current(cx: &mut Cx, state: &State, given: Option<&Obj>) -> PyResult<Ref<ContextObj>> {
    match given.filter(|c| !c.is_none()) {
        None => current(cx, state),
        Some(c) => c.cast::<ContextObj>().cloned().ok_or_else(|| cx.type_error("optional argument must be a context")),
    }
}

#[retic_macros::methods]
mod functions {
    use super::*;

    /// Get the current default context.
    #[py("getcontext()")]
    pub fn getcontext(cx: &mut Cx) -> PyResult {
        let s = state(cx);
        Ok(current(cx, &s)?.into_obj())
    }
    /// Set a new default context.
    #[py("setcontext(context, /)")]
    pub fn setcontext(cx: &mut Cx, context: &Obj) -> PyResult<()> {
        let s = state(cx);
        set_current(cx, &s, context)
    }
    /// For a with statement: within it a copy of ctx is the current context, and behind it the former one again.
    ///
    /// Without ctx it is a copy of the current one; keywords set its attributes.
    #[py("localcontext(ctx=None, **kwargs)")]
    pub fn localcontext(cx: &mut Cx, ctx: Option<&Obj>, kwargs: Vec<(&Obj, &Obj)>) -> PyResult {
        let s = state(cx);
        let outer = current(cx, &s)?;
        let of = match ctx {
            None => outer.clone(),
            Some(c) => c.cast::<ContextObj>().cloned().ok_or_else(|| cx.type_error("optional argument must be a context"))?,
        };
        let local = context::copy(cx, &s, &of)?;
        for (name, value) in kwargs {
            context::set_by_name(cx, &local, name, value)?;
        }
        context::manager(cx, &s, local, outer)
    }
    /// Return a context object initialized to the proper values for one of the IEEE
    /// interchange formats. The argument must be a multiple of 32 and not larger
    /// than IEEE_CONTEXT_MAX_BITS.
    #[py("IEEEContext(bits, /)")]
    pub fn ieee_context(cx: &mut Cx, bits: &Obj) -> PyResult {
        let bits = protocol::index_i64(cx, bits)?;
        if bits <= 0 || bits > 512 || bits % 32 != 0 {
            return Err(cx.value_error("argument must be a multiple of 32, with a maximum of 512"));
        }
        let emax = 3 * (1i64 << (bits / 16 + 3));
        let s = state(cx);
        let c = Context { prec: 9 * (bits / 32) - 2, emax, emin: 1 - emax, rounding: Rounding::HalfEven, clamp: true };
        Ok(context::new(cx, &s.context, c, true, 0)?.into_obj())
    }
}

pub fn make(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "_decimal", "C decimal arithmetic module", functions::FUNCTIONS)?;
    let known = cx.native_states.get::<State>().is_some();
    let decimal = m.add_type(cx, &number::spec())?;
    let context_type = m.add_type(cx, &context::spec())?;
    let object = cx.types.object.clone();
    let manager = interp::native_type(cx, &context::manager_spec(), &object)?;
    if !known {
        let signals = Signals::make(cx)?;
        let mixin = interp::native_type(cx, &signals::mixin_spec(), &object)?;
        let abc = modules::import::import(cx, "_collections_abc")?;
        let name = cx.name("MutableMapping");
        let mapping = protocol::getattr(cx, &abc, &name)?;
        let signal_dict = signals::make_class(cx, &mixin, &mapping)?;
        let collections = modules::import::import(cx, "collections")?;
        let name = cx.name("namedtuple");
        let namedtuple = protocol::getattr(cx, &collections, &name)?;
        let (title, fields, of) = (cx.str("DecimalTuple")?, cx.str("sign digits exponent")?, cx.str("decimal")?);
        let keyword = [cx.name("module").into_obj()];
        let tuple = protocol::call_args(cx, &namedtuple, Args { items: &[title, fields, of], names: &keyword })?;
        let numbers = modules::import::import(cx, "numbers")?;
        let (number, rational) = (cx.name("Number"), cx.name("Rational"));
        let number = protocol::getattr(cx, &numbers, &number)?;
        protocol::call_method(cx, &number, "register", &[decimal.as_obj().clone()])?;
        let rational = protocol::getattr(cx, &numbers, &rational)?;
        let usual = Context { prec: 28, emax: 999_999, emin: -999_999, rounding: Rounding::HalfEven, clamp: false };
        let traps = signals::USUAL_TRAPS;
        let default = context::new(cx, &context_type, usual, true, traps)?;
        let basic = Context { prec: 9, rounding: Rounding::HalfUp, ..usual };
        let basic = context::new(cx, &context_type, basic, true, traps | signals::MORE_TRAPS)?;
        let extended = context::new(cx, &context_type, Context { prec: 9, ..usual }, true, 0)?;
        let var = contextvars::new_var(cx, "decimal_context")?;
        let templates = vec![default.as_obj().clone(), basic.into_obj(), extended.into_obj()];
        let state = State { decimal: decimal.clone(), context: context_type, manager, signal_dict, tuple, signals, rational, default, templates, var };
        cx.native_states.insert(state);
    }
    let s = state(cx);
    for (name, t) in ["DefaultContext", "BasicContext", "ExtendedContext"].into_iter().zip(&s.templates) {
        m.set(cx, name, t.clone())?;
    }
    for (name, class) in s.signals.all() {
        m.set(cx, name, class.clone())?;
    }
    m.set(cx, "DecimalTuple", s.tuple.clone())?;
    for (name, _) in ROUNDINGS {
        let text = cx.name(name).into_obj();
        m.set(cx, name, text)?;
    }
    for (name, n) in [("MAX_PREC", MAX_PREC), ("MAX_EMAX", MAX_EMAX), ("MIN_EMIN", MIN_EMIN), ("MIN_ETINY", MIN_ETINY), ("IEEE_CONTEXT_MAX_BITS", 512)] {
        m.set_int(cx, name, n)?;
    }
    let yes = cx.bool(true);
    m.set(cx, "HAVE_THREADS", yes.clone())?;
    m.set(cx, "HAVE_CONTEXTVAR", yes)?;
    for (name, text) in [("__version__", "1.70"), ("__libmpdec_version__", "2.5.1")] {
        let text = cx.str(text)?;
        m.set(cx, name, text)?;
    }
    Ok(m.into_obj())
}
