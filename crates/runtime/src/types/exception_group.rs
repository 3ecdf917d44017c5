//! `BaseExceptionGroup` and `ExceptionGroup` (PEP 654), and what `except*` asks of them.
//! A group's fields are its message and the tuple of its exceptions.

use super::exception::fields::{member, place, with_fields};
use super::type_::flags;
use super::{Exception, List, Slots, Spec, Str, Tuple, Type};
use crate::cx::{Cx, PyResult};
use crate::native::{Args, MemberDef, MemberKind};
use crate::object::{Obj, Ref};
use crate::protocol;

/// Whether an object is a group.
pub fn is_group(cx: &Cx, o: &Obj) -> bool {
    o.ty().is_subtype(cx, &cx.types.base_exception_group)
}

/// The exceptions directly in a group.
pub fn exceptions(cx: &Cx, o: &Obj) -> Vec<Obj> {
    let tuple = o.cast::<Exception>().and_then(|e| e.field(cx, place::EXCEPTIONS).cloned());
    tuple.and_then(|t| t.cast::<Tuple>().map(|t| t.items().to_vec())).unwrap_or_default()
}

fn new(cx: &mut Cx, ty: &Ref<Type>, args: Args<'_>) -> PyResult {
    let a = args.positional();
    if a.len() != 2 {
        return Err(cx.type_error(format!("BaseExceptionGroup.__new__() takes exactly 2 arguments ({} given)", a.len())));
    }
    if a[0].cast::<Str>().is_none() {
        return Err(cx.type_error(format!("argument 1 must be str, not {}", a[0].ty().name_text())));
    }
    if !a[1].ty().has(flags::SEQUENCE) && a[1].ty().slots(cx).getitem.is_none() || a[1].ty().has(flags::MAPPING) {
        return Err(cx.type_error("second argument (exceptions) must be a sequence"));
    }
    let list = protocol::collect(cx, &a[1])?;
    if list.is_empty() {
        return Err(cx.value_error("second argument (exceptions) must be a non-empty sequence"));
    }
    let mut plain = true;
    for (i, e) in list.iter().enumerate() {
        if e.cast::<Exception>().is_none() {
            return Err(cx.value_error(format!("Item {i} of second argument (exceptions) is not an exception")));
        }
        plain &= e.ty().is_subtype(cx, &cx.types.exception);
    }
    let mut ty = ty.clone();
    if ty.as_obj().is(cx.types.base_exception_group.as_obj()) {
        if plain {
            ty = cx.types.exception_group.clone();
        }
    } else if !plain && ty.as_obj().is(cx.types.exception_group.as_obj()) {
        return Err(cx.type_error("Cannot nest BaseExceptions in an ExceptionGroup"));
    } else if !plain && ty.is_subtype(cx, &cx.types.exception.clone()) {
        return Err(cx.type_error(format!("Cannot nest BaseExceptions in '{}'", ty.name_text())));
    }
    let tuple = cx.tuple(list)?;
    let all = cx.tuple(a.to_vec())?;
    let e = super::exception::create(cx, &ty, all)?;
    if let Some(x) = e.cast::<Exception>() {
        x.set_field(cx, place::MESSAGE, Some(a[0].clone()));
        x.set_field(cx, place::EXCEPTIONS, Some(tuple));
    }
    Ok(e)
}

/// A group made by the machine.
pub fn make(cx: &mut Cx, message: &str, list: Vec<Obj>) -> PyResult {
    let (m, l) = (cx.str(message)?, cx.list(list)?);
    let class = cx.types.base_exception_group.as_obj().clone();
    protocol::call(cx, &class, &[m, l])
}

/// What `split` and `subgroup` look for.
enum Condition {
    Classes(Obj),
    Callable(Obj),
    /// Leaves by address.
    Leaves(Vec<usize>),
}

impl Condition {
    fn of(cx: &mut Cx, o: &Obj) -> PyResult<Condition> {
        let class = |o: &Obj| o.cast::<Type>().is_some_and(|t| t.has(flags::EXCEPTION));
        if class(o) || o.cast::<Tuple>().is_some_and(|t| !t.items().is_empty() && t.items().iter().all(class)) {
            return Ok(Condition::Classes(o.clone()));
        }
        if o.cast::<Type>().is_none() && o.ty().slots(cx).call.is_some() {
            return Ok(Condition::Callable(o.clone()));
        }
        Err(cx.type_error("expected an exception type, a tuple of exception types, or a callable (other than a class)"))
    }
    fn matches(&self, cx: &mut Cx, exc: &Obj) -> PyResult<bool> {
        match self {
            Condition::Classes(c) => protocol::exception_matches(cx, exc, c),
            Condition::Callable(f) => {
                let r = protocol::call(cx, f, &[exc.clone()])?;
                protocol::truth(cx, &r)
            }
            Condition::Leaves(ids) => Ok(!is_group(cx, exc) && ids.contains(&exc.address())),
        }
    }
}

/// A group like `orig` of other exceptions: same traceback, cause, context, notes.
fn derive(cx: &mut Cx, orig: &Obj, list: Vec<Obj>) -> PyResult<Option<Obj>> {
    if list.is_empty() {
        return Ok(None);
    }
    let list = cx.list(list)?;
    let new = protocol::call_method(cx, orig, "derive", &[list])?;
    if !is_group(cx, &new) {
        return Err(cx.type_error("derive must return an instance of BaseExceptionGroup"));
    }
    if let (Some(from), Some(to)) = (orig.cast::<Exception>(), new.cast::<Exception>()) {
        let (tb, context, cause) = (from.traceback.cloned(cx), from.context.cloned(cx), from.cause.cloned(cx));
        to.traceback.set(cx, tb);
        to.context_set.set(true);
        to.context.set(cx, context);
        to.suppress_context.set(from.suppress_context.get());
        to.cause.set(cx, cause);
    }
    let name = cx.name("__notes__");
    if let Some(notes) = protocol::lookup_attr(cx, orig, &name)?
        && notes.ty().has(flags::SEQUENCE)
    {
        let copied = protocol::collect(cx, &notes)?;
        let copied = cx.list(copied)?;
        protocol::setattr(cx, &new, &name, Some(&copied))?;
    }
    Ok(Some(new))
}

fn split(cx: &mut Cx, exc: &Obj, condition: &Condition, want_rest: bool) -> PyResult<(Option<Obj>, Option<Obj>)> {
    if condition.matches(cx, exc)? {
        return Ok((Some(exc.clone()), None));
    }
    if !is_group(cx, exc) {
        return Ok((None, want_rest.then(|| exc.clone())));
    }
    let (mut matched, mut rest) = (Vec::new(), Vec::new());
    for e in exceptions(cx, exc) {
        let (m, r) = cx.deeper(" in exceptiongroup_split_recursive", |cx| split(cx, &e, condition, want_rest))?;
        matched.extend(m);
        rest.extend(r);
    }
    let matched = derive(cx, exc, matched)?;
    let rest = if want_rest { derive(cx, exc, rest)? } else { None };
    Ok((matched, rest))
}

/// `CHECK_EG_MATCH`: what of the exception an `except*` clause takes, and what is left.
pub fn clause(cx: &mut Cx, exc: &Obj, class: &Obj) -> PyResult<(Option<Obj>, Option<Obj>)> {
    let list = class.cast::<Tuple>().map_or_else(|| vec![class.clone()], |t| t.items().to_vec());
    for c in &list {
        match c.cast::<Type>().filter(|t| t.has(flags::EXCEPTION)) {
            None => return Err(cx.type_error("catching classes that do not inherit from BaseException is not allowed")),
            Some(t) if t.is_subtype(cx, &cx.types.base_exception_group) => {
                return Err(cx.type_error("catching ExceptionGroup with except* is not allowed. Use except instead."));
            }
            _ => {}
        }
    }
    if exc.is_none() {
        return Ok((None, None));
    }
    if protocol::exception_matches(cx, exc, class)? {
        if is_group(cx, exc) {
            return Ok((Some(exc.clone()), None));
        }
        // A bare exception comes to the clause in a group of its own.
        let group = make(cx, "", vec![exc.clone()])?;
        if let (Some(from), Some(to)) = (exc.cast::<Exception>(), group.cast::<Exception>()) {
            let tb = from.traceback.cloned(cx);
            to.traceback.set(cx, tb);
        }
        return Ok((Some(group), None));
    }
    if is_group(cx, exc) {
        let pair = protocol::call_method(cx, exc, "split", &[class.clone()])?;
        let Some(t) = pair.cast::<Tuple>() else {
            return Err(cx.type_error(format!("{}.split must return a tuple, not {}", exc.ty().name_text(), pair.ty().name_text())));
        };
        let [m, r] = t.items() else {
            return Err(cx.type_error(format!("{}.split must return a 2-tuple, got tuple of size {}", exc.ty().name_text(), t.items().len())));
        };
        let some = |o: &Obj| Some(o.clone()).filter(|o| !o.is_none());
        return Ok((some(m), some(r)));
    }
    Ok((None, Some(exc.clone())))
}

fn leaves(cx: &mut Cx, exc: &Obj, out: &mut Vec<usize>) -> PyResult<()> {
    if !is_group(cx, exc) {
        out.push(exc.address());
        return Ok(());
    }
    for e in exceptions(cx, exc) {
        cx.deeper(" in collect_exception_group_leaf_ids", |cx| leaves(cx, &e, out))?;
    }
    Ok(())
}

/// Whether both are the same group as far as a program can tell: parts of one group raised again.
fn same_metadata(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult<bool> {
    let (Some(x), Some(y)) = (a.cast::<Exception>(), b.cast::<Exception>()) else { return Ok(false) };
    if !is_group(cx, a) || !is_group(cx, b) {
        return Ok(false);
    }
    let same = |p: Option<Obj>, q: Option<Obj>| match (p, q) {
        (Some(p), Some(q)) => p.is(&q),
        (None, None) => true,
        _ => false,
    };
    let notes = cx.name("__notes__");
    let (m, n) = (protocol::lookup_attr(cx, a, &notes)?, protocol::lookup_attr(cx, b, &notes)?);
    // Notes are copied by split: compared by their items.
    let (m, n) = (m.map(|m| protocol::collect(cx, &m)).transpose()?, n.map(|n| protocol::collect(cx, &n)).transpose()?);
    let same_notes = match (m, n) {
        (Some(m), Some(n)) => m.len() == n.len() && m.iter().zip(&n).all(|(p, q)| p.is(q)),
        (None, None) => true,
        _ => false,
    };
    Ok(same_notes && same(x.traceback.cloned(cx), y.traceback.cloned(cx)) && same(x.cause.cloned(cx), y.cause.cloned(cx)) && same(x.context.cloned(cx), y.context.cloned(cx)))
}

/// `PREP_RERAISE_STAR`: what is to be raised after the clauses, from what they raised and what nobody took.
pub fn after_clauses(cx: &mut Cx, orig: &Obj, results: &[Obj]) -> PyResult<Option<Obj>> {
    if !is_group(cx, orig) {
        return Ok(results.iter().find(|r| !r.is_none()).cloned());
    }
    let (mut raised, mut again) = (Vec::new(), Vec::new());
    for r in results.iter().filter(|r| !r.is_none()) {
        if r.is(orig) || same_metadata(cx, r, orig)? {
            leaves(cx, r, &mut again)?;
        } else {
            raised.push(r.clone());
        }
    }
    let kept = if again.is_empty() { None } else { split(cx, orig, &Condition::Leaves(again), false)?.0 };
    if raised.is_empty() {
        return Ok(kept);
    }
    raised.extend(kept);
    if raised.len() == 1 {
        return Ok(raised.pop());
    }
    make(cx, "", raised).map(Some)
}

struct Group;
#[retic_macros::methods]
impl Group {
    /// See PEP 585
    #[py("__class_getitem__($type, object, /)")]
    fn class_getitem(cx: &mut Cx, cls: &Obj, object: &Obj) -> PyResult {
        super::generic::alias(cx, cls, object)
    }
    #[py("derive($self, excs, /)")]
    fn derive_method(cx: &mut Cx, this: &Ref<Exception>, excs: &Obj) -> PyResult {
        let message = this.field(cx, place::MESSAGE).cloned().unwrap_or_else(|| cx.none());
        let class = cx.types.base_exception_group.as_obj().clone();
        protocol::call(cx, &class, &[message, excs.clone()])
    }
    #[py("split($self, matcher_value, /)")]
    fn split_method(cx: &mut Cx, this: &Ref<Exception>, matcher_value: &Obj) -> PyResult {
        let c = Condition::of(cx, matcher_value)?;
        let (m, r) = split(cx, this.as_obj(), &c, true)?;
        let pair = vec![m.unwrap_or_else(|| cx.none()), r.unwrap_or_else(|| cx.none())];
        cx.tuple(pair)
    }
    #[py("subgroup($self, matcher_value, /)")]
    fn subgroup(cx: &mut Cx, this: &Ref<Exception>, matcher_value: &Obj) -> PyResult<Option<Obj>> {
        let c = Condition::of(cx, matcher_value)?;
        Ok(split(cx, this.as_obj(), &c, false)?.0)
    }
}

const MEMBERS: &[MemberDef] =
    &[member("message", place::MESSAGE, MemberKind::ReadOnly, "exception message"), member("exceptions", place::EXCEPTIONS, MemberKind::ReadOnly, "nested exceptions")];

pub fn spec(name: &'static str, doc: &'static str) -> Spec {
    let base = super::exception::spec(name, doc);
    Spec {
        slots: Slots {
            new: Some(new),
            init: Some(|cx, o, args| {
                args.no_keywords(cx, &o.ty().name_text())?;
                Ok(())
            }),
            str: Some(|cx, o| {
                let n = exceptions(cx, o).len();
                let message = o.cast::<Exception>().and_then(|e| e.field(cx, place::MESSAGE).cloned()).unwrap_or_else(|| cx.none());
                let message = protocol::str_text(cx, &message)?;
                cx.str(&format!("{message} ({n} sub-exception{})", if n == 1 { "" } else { "s" }))
            }),
            repr: Some(|cx, o| {
                let message = o.cast::<Exception>().and_then(|e| e.field(cx, place::MESSAGE).cloned()).unwrap_or_else(|| cx.none());
                let args = o.cast::<Exception>().map(|e| e.args.cloned(cx));
                // Shown as it was given: a list as a list, a tuple as a tuple.
                let as_list = args.as_ref().and_then(|a| a.cast::<Tuple>()).and_then(|t| t.items().get(1).cloned()).is_none_or(|s| s.cast::<List>().is_some());
                let all = exceptions(cx, o);
                let shown = if as_list { cx.list(all)? } else { cx.tuple(all)? };
                let text = format!("{}({}, {})", o.ty().name_text(), protocol::repr_text(cx, &message)?, protocol::repr_text(cx, &shown)?);
                cx.str(&text)
            }),
            ..base.slots
        },
        methods: Group::METHODS,
        ..with_fields(2, MEMBERS, base)
    }
}
/// ExceptionGroup: a BaseExceptionGroup that can be referred to weakly, as CPython's heap type can.
pub fn exception_group_spec(name: &'static str, doc: &'static str) -> Spec {
    let root = spec(name, doc);
    let slots = Slots { str: None, repr: None, ..root.slots };
    Spec { slots, methods: &[], members: &[], flags: root.flags | flags::WEAK, basicsize: root.basicsize + super::type_::GAP, ..root }
}
