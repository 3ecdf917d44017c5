//! The bond between slots and special methods, both ways: a native slot shows as a wrapper in the type's dict; a special
//! method written in Python fills the slot with a function that calls it.

use super::descriptor::Wrapper;
use super::type_::{Binary, Cmp, Op, SetAttr, flags};
use super::{Function, Slots, Str, Tuple, Type, python_buffer};
use crate::cx::{Cx, PyResult};
use crate::native::Args;
use crate::object::{Obj, Ref};
use crate::protocol;

/// One special method.
pub struct Dunder {
    pub name: &'static str,
    pub doc: &'static str,
    pub text: &'static str,
    /// Whether a native type has the slot behind it.
    pub present: fn(&Slots) -> bool,
    /// Calls the slot with Python arguments.
    pub call: fn(&mut Cx, &Slots, &Obj, Args<'_>) -> PyResult,
    /// Copies the slot of a native type.
    pub copy: fn(&Slots, &mut Slots),
    /// Fills the slot with the function that looks the method up.
    pub install: fn(&mut Slots),
}

/// The special method of an object's type, bound to it where it is a descriptor.
fn method(cx: &mut Cx, this: &Obj, name: &'static str) -> Option<(Obj, bool)> {
    let key = cx.name(name);
    let f = this.ty().lookup(cx, &key)?;
    if f.ty().has(flags::METHOD_DESCRIPTOR) {
        return Some((f, true));
    }
    Some((f, false))
}

pub(super) fn call_special(cx: &mut Cx, this: &Obj, name: &'static str, rest: &[&Obj]) -> PyResult {
    cx.room()?;
    let Some((f, unbound)) = method(cx, this, name) else {
        return Err(cx.attribute_error(name));
    };
    call_found(cx, this, f, unbound, rest)
}

/// Calls what `method` has found.
fn call_found(cx: &mut Cx, this: &Obj, f: Obj, unbound: bool, rest: &[&Obj]) -> PyResult {
    if unbound
        && let Some(function) = f.cast::<Function>()
        && let [] | [_] = rest
    {
        // A function of Python: its arguments need no vector.
        let args = rest.first().map_or(&[][..], |a| std::slice::from_ref(*a));
        let result = crate::eval::call_with(cx, function, Some(this), Args::positional_only(args));
        cx.release_with_error(f);
        return result;
    }
    let mut args: Vec<Obj> = Vec::with_capacity(rest.len() + 1);
    let f = if unbound {
        args.push(this.clone());
        f
    } else {
        match f.ty().slots(cx).get {
            Some(get) => get(cx, &f, Some(this), Some(this.type_ref().as_obj()))?,
            None => f,
        }
    };
    args.extend(rest.iter().map(|o| (*o).clone()));
    let result = protocol::call(cx, &f, &args);
    cx.release(args);
    cx.release(f);
    result
}

fn no_args(cx: &Cx, args: Args<'_>) -> PyResult<()> {
    let n = args.items.len();
    if n == 0 { Ok(()) } else { Err(cx.type_error(format!("expected 0 arguments, got {n}"))) }
}
fn one_arg<'a>(cx: &Cx, args: Args<'a>) -> PyResult<&'a Obj> {
    match args.items {
        [a] if args.names.is_empty() => Ok(a),
        _ => Err(cx.type_error(format!("expected 1 argument, got {}", args.items.len()))),
    }
}
/// The argument of `__mul__` of a sequence.
fn times<'a>(cx: &Cx, args: Args<'a>) -> PyResult<&'a Obj> {
    let o = one_arg(cx, args)?;
    if o.ty().slots(cx).index.is_none() {
        return Err(cx.type_error(format!("'{}' object cannot be interpreted as an integer", o.ty().name_text())));
    }
    Ok(o)
}
fn two_args<'a>(cx: &Cx, args: Args<'a>) -> PyResult<(&'a Obj, &'a Obj)> {
    match args.items {
        [a, b] if args.names.is_empty() => Ok((a, b)),
        _ => Err(cx.type_error(format!("expected 2 arguments, got {}", args.items.len()))),
    }
}
fn missing(cx: &Cx) -> crate::cx::Raised {
    cx.type_error("slot is empty")
}

fn attribute_name(cx: &mut Cx, o: &Obj) -> PyResult<Ref<Str>> {
    match o.cast::<Str>() {
        Some(s) => Ok(super::str::intern(cx, s.clone())),
        None => Err(cx.type_error(format!("attribute name must be string, not '{}'", o.ty().name_text()))),
    }
}

/// How an attribute is set by the slot of one of an object's built-in types. It is refused to go past the type that says how
/// (CPython's `hackcheck`).
fn setter(cx: &Cx, slots: &Slots, this: &Obj, what: &str) -> PyResult<SetAttr> {
    let mut of = Some(this.type_ref());
    while let Some(t) = of.take_if(|t| t.is_heap()) {
        of = t.base.cloned(cx);
    }
    let own = of.as_ref().and_then(|t| t.slots(cx).setattr);
    let given = slots.setattr.ok_or_else(|| missing(cx))?;
    match own {
        // Modules keep their dictionary in their own way.
        Some(own) if of.is_some_and(|t| t.as_obj().is(cx.types.module.as_obj())) => Ok(own),
        Some(own) if !std::ptr::fn_addr_eq(own, given) => Err(cx.type_error(format!("can't apply this {what} to {} object", this.ty().name_text()))),
        _ => Ok(given),
    }
}

macro_rules! unary {
    ($field:ident, $name:literal, $doc:literal) => {
        Dunder {
            name: $name,
            doc: $doc,
            text: "($self, /)",
            present: |s| s.$field.is_some(),
            call: |cx, s, this, args| {
                no_args(cx, args)?;
                s.$field.ok_or_else(|| missing(cx))?(cx, this)
            },
            copy: |from, to| to.$field = from.$field,
            install: |s| s.$field = Some(|cx, this| call_special(cx, this, $name, &[])),
        }
    };
}

fn binary_from_python(cx: &mut Cx, op: Op, names: (&'static str, &'static str), a: &Obj, b: &Obj) -> PyResult {
    // Called for (a, b) whenever either type has a Python method: tries a's method, then b's reflected one.
    let same = std::ptr::eq(a.ty(), b.ty());
    let here = |cx: &Cx, o: &Obj| o.ty().slots(cx).binary[op as usize].map(|f| f as usize);
    let mine = PYTHON_BINARY[op as usize] as usize;
    let key = cx.name(names.1);
    let right_is_python = !same && here(cx, b) == Some(mine);
    if here(cx, a) == Some(mine) {
        if right_is_python && b.ty().is_subtype(cx, &a.type_ref()) {
            let (l, r) = (a.ty().lookup(cx, &key), b.ty().lookup(cx, &key));
            let overloaded = match (&l, &r) {
                (Some(x), Some(y)) => !x.is(y),
                (None, Some(_)) => true,
                _ => false,
            };
            if overloaded {
                let result = call_special(cx, b, names.1, &[a])?;
                if !result.is(&cx.consts.not_implemented) {
                    return Ok(result);
                }
                return left(cx, names.0, a, b);
            }
        }
        let result = left(cx, names.0, a, b)?;
        if !result.is(&cx.consts.not_implemented) || same {
            return Ok(result);
        }
    }
    if right_is_python && method(cx, b, names.1).is_some() {
        return call_special(cx, b, names.1, &[a]);
    }
    Ok(cx.not_implemented())
}

fn left(cx: &mut Cx, name: &'static str, a: &Obj, b: &Obj) -> PyResult {
    if method(cx, a, name).is_none() {
        return Ok(cx.not_implemented());
    }
    call_special(cx, a, name, &[b])
}

/// Place of `**` among the binary slots.
const POWER: usize = Op::Pow as usize;

/// `__pow__` with a modulus.
fn power_of_three(cx: &mut Cx, s: &Slots, base: &Obj, exponent: &Obj, args: Args<'_>) -> PyResult {
    args.no_keywords(cx, "wrapper __pow__")?;
    let modulus = &args.items[1];
    match s.power {
        Some(f) if !modulus.is_none() => f(cx, base, exponent, modulus),
        None if !modulus.is_none() => Err(cx.type_error("pow() 3rd argument not allowed unless all arguments are integers")),
        _ => s.binary[POWER].ok_or_else(|| missing(cx))?(cx, base, exponent),
    }
}

macro_rules! binary {
    ($op:ident, $index:literal, $name:literal, $reflected:literal, $sign:literal) => {
        [
            Dunder {
                name: $name,
                doc: concat!("Return self", $sign, "value."),
                text: if $index == POWER { "($self, value, mod=None, /)" } else { "($self, value, /)" },
                present: |s| s.binary[$index].is_some(),
                call: |cx, s, this, args| {
                    if $index == POWER && args.items.len() == 2 {
                        return power_of_three(cx, s, this, &args.items[0], args);
                    }
                    let other = one_arg(cx, args)?;
                    s.binary[$index].ok_or_else(|| missing(cx))?(cx, this, other)
                },
                copy: |from, to| to.binary[$index] = from.binary[$index],
                install: |s| s.binary[$index] = Some(PYTHON_BINARY[$index]),
            },
            Dunder {
                name: $reflected,
                doc: concat!("Return value", $sign, "self."),
                text: if $index == POWER { "($self, value, mod=None, /)" } else { "($self, value, /)" },
                present: |s| s.binary[$index].is_some(),
                call: |cx, s, this, args| {
                    if $index == POWER && args.items.len() == 2 {
                        return power_of_three(cx, s, &args.items[0], this, args);
                    }
                    let other = one_arg(cx, args)?;
                    s.binary[$index].ok_or_else(|| missing(cx))?(cx, other, this)
                },
                copy: |from, to| to.binary[$index] = from.binary[$index],
                install: |s| s.binary[$index] = Some(PYTHON_BINARY[$index]),
            },
        ]
    };
}

macro_rules! inplace {
    ($index:literal, $name:literal, $sign:literal) => {
        Dunder {
            name: $name,
            doc: concat!("Return self", $sign, "value."),
            text: "($self, value, /)",
            present: |s| s.inplace[$index].is_some(),
            call: |cx, s, this, args| {
                // Sequences are multiplied by numbers.
                let other = if $index == 2 && s.repeat.is_some() { times(cx, args)? } else { one_arg(cx, args)? };
                s.inplace[$index].ok_or_else(|| missing(cx))?(cx, this, other)
            },
            copy: |from, to| to.inplace[$index] = from.inplace[$index],
            install: |s| s.inplace[$index] = Some(|cx, a, b| call_special(cx, a, $name, &[b])),
        }
    };
}

macro_rules! python_binary {
    ($($op:ident $name:literal $reflected:literal;)*) => {
        /// The slot functions that call `__add__` and its kin, by operator.
        static PYTHON_BINARY: [Binary; 14] = [$(|cx, a, b| binary_from_python(cx, Op::$op, ($name, $reflected), a, b),)*];
    };
}
python_binary! {
    Add "__add__" "__radd__"; Sub "__sub__" "__rsub__"; Mul "__mul__" "__rmul__"; MatMul "__matmul__" "__rmatmul__";
    TrueDiv "__truediv__" "__rtruediv__"; FloorDiv "__floordiv__" "__rfloordiv__"; Mod "__mod__" "__rmod__"; Pow "__pow__" "__rpow__";
    LShift "__lshift__" "__rlshift__"; RShift "__rshift__" "__rrshift__"; And "__and__" "__rand__"; Xor "__xor__" "__rxor__"; Or "__or__" "__ror__";
    DivMod "__divmod__" "__rdivmod__";
}

const COMPARE_NAMES: [&str; 6] = ["__lt__", "__le__", "__eq__", "__ne__", "__gt__", "__ge__"];

fn python_compare(cx: &mut Cx, a: &Obj, b: &Obj, op: Cmp) -> PyResult {
    let name = COMPARE_NAMES[op as usize];
    match method(cx, a, name) {
        None => Ok(cx.not_implemented()),
        Some((f, false)) if f.ty().slots(cx).get.is_some() => {
            cx.room()?;
            // A method that cannot be fetched is as one that is not there (CPython's `slot_tp_richcompare`).
            match f.ty().slots(cx).get.map(|get| get(cx, &f, Some(a), Some(a.type_ref().as_obj()))) {
                Some(Ok(bound)) => protocol::call(cx, &bound, std::slice::from_ref(b)),
                _ => {
                    cx.clear_error();
                    Ok(cx.not_implemented())
                }
            }
        }
        Some((f, unbound)) => {
            cx.room()?;
            call_found(cx, a, f, unbound, &[b])
        }
    }
}

macro_rules! compare {
    ($op:ident, $name:literal, $sign:literal) => {
        Dunder {
            name: $name,
            doc: concat!("Return self", $sign, "value."),
            text: "($self, value, /)",
            present: |s| s.richcompare.is_some(),
            call: |cx, s, this, args| {
                let other = one_arg(cx, args)?;
                s.richcompare.ok_or_else(|| missing(cx))?(cx, this, other, Cmp::$op)
            },
            copy: |from, to| to.richcompare = from.richcompare,
            install: |s| s.richcompare = Some(python_compare),
        }
    };
}

fn python_getattribute(cx: &mut Cx, this: &Obj, name: &Ref<Str>) -> PyResult {
    match python_find(cx, this, name)? {
        Some(v) => Ok(v),
        None => Err(super::object::missing(cx, this, name)),
    }
}

/// What `__getattribute__` and `__getattr__` find; `None` where the attribute is missing and neither has made an error of it.
pub fn python_find(cx: &mut Cx, this: &Obj, name: &Ref<Str>) -> PyResult<Option<Obj>> {
    let own = cx.name("__getattribute__");
    let found = match this.ty().lookup(cx, &own) {
        Some(f) if f.cast::<Wrapper>().is_some_and(|w| w.owner.get(cx).as_obj().is(cx.types.object.as_obj())) => super::object::find(cx, this, name),
        _ => call_special(cx, this, "__getattribute__", &[name.as_obj()]).map(Some),
    };
    let missing = match &found {
        Ok(v) => v.is_none(),
        Err(_) => cx.error_is(&cx.types.attribute_error),
    };
    if missing && method(cx, this, "__getattr__").is_some() {
        cx.clear_error();
        return call_special(cx, this, "__getattr__", &[name.as_obj()]).map(Some);
    }
    found
}

/// What an attribute is; `None` where it is missing. Where only built-in rules say so, no error is made.
pub fn find_attribute(cx: &mut Cx, this: &Obj, name: &Ref<Str>) -> PyResult<Option<Obj>> {
    type Find = fn(&mut Cx, &Obj, &Ref<Str>) -> PyResult<Option<Obj>>;
    type Get = fn(&mut Cx, &Obj, &Ref<Str>) -> PyResult;
    let get = this.ty().slots(cx).getattribute.expect("object has __getattribute__");
    let known: [(Get, Find); 4] = [
        (super::object::getattribute, super::object::find),
        (super::type_::getattribute, super::type_::find),
        (super::module::getattribute, super::module::find),
        (python_getattribute, python_find),
    ];
    match known.into_iter().find(|(g, _)| std::ptr::fn_addr_eq(*g, get)) {
        Some((_, find)) => find(cx, this, name),
        None => get(cx, this, name).map(Some),
    }
}

fn python_del(cx: &mut Cx, this: &Obj) {
    let Some((f, _)) = method(cx, this, "__del__") else { return };
    if call_special(cx, this, "__del__", &[]).is_err() {
        cx.unraisable(&f);
    }
    cx.release(f);
}

fn python_len(cx: &mut Cx, this: &Obj) -> PyResult<usize> {
    let r = call_special(cx, this, "__len__", &[])?;
    let n = protocol::index(cx, &r)?;
    match super::int::to_i64(&n) {
        Some(v) if v >= 0 => Ok(v as usize),
        Some(_) => Err(cx.value_error("__len__() should return >= 0")),
        None if super::int::to_big(&n).is_some_and(|b| b.is_negative()) => Err(cx.value_error("__len__() should return >= 0")),
        None => Err(cx.overflow_error("cannot fit 'int' into an index-sized integer")),
    }
}

fn python_hash(cx: &mut Cx, this: &Obj) -> PyResult<i64> {
    let r = call_special(cx, this, "__hash__", &[])?;
    if r.cast::<super::Int>().is_none() {
        return Err(cx.type_error("__hash__ method should return an integer"));
    }
    match super::int::to_i64(&r) {
        Some(-1) => Ok(-2),
        Some(v) => Ok(v),
        None => protocol::hash(cx, &r),
    }
}

/// What `hash()` says of types with `__hash__ = None`.
pub fn unhashable(cx: &mut Cx, this: &Obj) -> PyResult<i64> {
    Err(cx.type_error(format!("unhashable type: '{}'", this.ty().name_text())))
}

fn python_bool(cx: &mut Cx, this: &Obj) -> PyResult<bool> {
    let r = call_special(cx, this, "__bool__", &[])?;
    if !std::ptr::eq(r.ty(), &*cx.types.bool) {
        return Err(cx.type_error(format!("__bool__ should return bool, returned {}", r.ty().name_text())));
    }
    Ok(r.is(&cx.consts.true_))
}

fn python_contains(cx: &mut Cx, this: &Obj, item: &Obj) -> PyResult<bool> {
    match method(cx, this, "__contains__") {
        Some((f, _)) if f.is_none() => Err(cx.type_error(format!("'{}' object is not a container", this.ty().name_text()))),
        _ => {
            let r = call_special(cx, this, "__contains__", &[item])?;
            protocol::truth(cx, &r)
        }
    }
}

/// The next item of an iterator whose `__next__` is Python's, its StopIteration as it was raised; none: it is native.
pub fn next_of_python(cx: &mut Cx, this: &Obj) -> Option<PyResult> {
    let python = this.ty().slots(cx).next.map(|f| f as usize) == Some(python_next as *const () as usize);
    python.then(|| call_special(cx, this, "__next__", &[]))
}

fn python_next(cx: &mut Cx, this: &Obj) -> PyResult<Option<Obj>> {
    let r = call_special(cx, this, "__next__", &[]);
    let stop = cx.types.stop_iteration.clone();
    cx.swallow(r, &stop)
}

fn python_iter(cx: &mut Cx, this: &Obj) -> PyResult {
    match method(cx, this, "__iter__") {
        Some((f, _)) if f.is_none() => Err(cx.type_error(format!("'{}' object is not iterable", this.ty().name_text()))),
        _ => call_special(cx, this, "__iter__", &[]),
    }
}

fn python_call(cx: &mut Cx, this: &Obj, args: Args<'_>) -> PyResult {
    let Some((f, unbound)) = method(cx, this, "__call__") else {
        return Err(cx.type_error(format!("'{}' object is not callable", this.ty().name_text())));
    };
    if !unbound {
        let f = match f.ty().slots(cx).get {
            Some(get) => get(cx, &f, Some(this), Some(this.type_ref().as_obj()))?,
            None => f,
        };
        return protocol::call_args(cx, &f, args);
    }
    let items: Vec<Obj> = std::iter::once(this.clone()).chain(args.items.iter().cloned()).collect();
    protocol::call_args(cx, &f, Args { items: &items, names: args.names })
}

fn python_new(cx: &mut Cx, ty: &Ref<Type>, args: Args<'_>) -> PyResult {
    let name = cx.name("__new__");
    let f = protocol::getattr(cx, ty.as_obj(), &name)?;
    let items: Vec<Obj> = std::iter::once(ty.as_obj().clone()).chain(args.items.iter().cloned()).collect();
    protocol::call_args(cx, &f, Args { items: &items, names: args.names })
}

fn python_init(cx: &mut Cx, this: &Obj, args: Args<'_>) -> PyResult<()> {
    let Some((f, unbound)) = method(cx, this, "__init__") else { return Ok(()) };
    let r = if unbound {
        let items: Vec<Obj> = std::iter::once(this.clone()).chain(args.items.iter().cloned()).collect();
        protocol::call_args(cx, &f, Args { items: &items, names: args.names })?
    } else {
        let f = match f.ty().slots(cx).get {
            Some(get) => get(cx, &f, Some(this), Some(this.type_ref().as_obj()))?,
            None => f,
        };
        protocol::call_args(cx, &f, args)?
    };
    if r.is_none() { Ok(()) } else { Err(cx.type_error(format!("__init__() should return None, not '{}'", r.ty().name_text()))) }
}

fn none_or(o: Option<&Obj>) -> Option<&Obj> {
    o.filter(|o| !o.is_none())
}

fn text_result(cx: &Cx, name: &str, r: Obj) -> PyResult {
    if r.cast::<Str>().is_some() { Ok(r) } else { Err(cx.type_error(format!("{name} returned non-string (type {})", r.ty().name_text()))) }
}

static PLAIN: &[Dunder] = &[
    Dunder {
        install: |s| {
            s.repr = Some(|cx, o| {
                let r = call_special(cx, o, "__repr__", &[])?;
                text_result(cx, "__repr__", r)
            })
        },
        ..unary!(repr, "__repr__", "Return repr(self).")
    },
    Dunder {
        install: |s| {
            s.str = Some(|cx, o| {
                let r = call_special(cx, o, "__str__", &[])?;
                text_result(cx, "__str__", r)
            })
        },
        ..unary!(str, "__str__", "Return str(self).")
    },
    unary!(neg, "__neg__", "-self"),
    unary!(pos, "__pos__", "+self"),
    unary!(abs, "__abs__", "abs(self)"),
    unary!(invert, "__invert__", "~self"),
    unary!(int, "__int__", "int(self)"),
    unary!(float, "__float__", "float(self)"),
    unary!(index, "__index__", "Return self converted to an integer, if self is suitable for use as an index into a list."),
    unary!(await_, "__await__", "Return an iterator to be used in await expression."),
    unary!(aiter, "__aiter__", "Return an awaitable, that resolves in asynchronous iterator."),
    unary!(anext, "__anext__", "Return a value or raise StopAsyncIteration."),
    Dunder { install: |s| s.iter = Some(python_iter), ..unary!(iter, "__iter__", "Implement iter(self).") },
    Dunder {
        name: "__next__",
        doc: "Implement next(self).",
        text: "($self, /)",
        present: |s| s.next.is_some(),
        call: |cx, s, this, args| {
            no_args(cx, args)?;
            match s.next.ok_or_else(|| missing(cx))?(cx, this)? {
                Some(v) => Ok(v),
                None => Err(cx.stop_iteration(None)),
            }
        },
        copy: |f, t| t.next = f.next,
        install: |s| s.next = Some(python_next),
    },
    Dunder {
        name: "__hash__",
        doc: "Return hash(self).",
        text: "($self, /)",
        present: |s| s.hash.is_some(),
        call: |cx, s, this, args| {
            no_args(cx, args)?;
            let h = s.hash.ok_or_else(|| missing(cx))?(cx, this)?;
            cx.int(h)
        },
        copy: |f, t| t.hash = f.hash,
        install: |s| s.hash = Some(python_hash),
    },
    Dunder {
        name: "__bool__",
        doc: "True if self else False",
        text: "($self, /)",
        present: |s| s.bool.is_some(),
        call: |cx, s, this, args| {
            no_args(cx, args)?;
            let b = s.bool.ok_or_else(|| missing(cx))?(cx, this)?;
            Ok(cx.bool(b))
        },
        copy: |f, t| t.bool = f.bool,
        install: |s| s.bool = Some(python_bool),
    },
    Dunder {
        name: "__len__",
        doc: "Return len(self).",
        text: "($self, /)",
        present: |s| s.len.is_some(),
        call: |cx, s, this, args| {
            no_args(cx, args)?;
            let n = s.len.ok_or_else(|| missing(cx))?(cx, this)?;
            cx.int(n as i64)
        },
        copy: |f, t| t.len = f.len,
        install: |s| s.len = Some(python_len),
    },
    Dunder {
        name: "__getitem__",
        doc: "Return self[key].",
        text: "($self, key, /)",
        present: |s| s.getitem.is_some(),
        call: |cx, s, this, args| {
            let k = one_arg(cx, args)?;
            s.getitem.ok_or_else(|| missing(cx))?(cx, this, k)
        },
        copy: |f, t| t.getitem = f.getitem,
        install: |s| s.getitem = Some(|cx, o, k| call_special(cx, o, "__getitem__", &[k])),
    },
    Dunder {
        name: "__setitem__",
        doc: "Set self[key] to value.",
        text: "($self, key, value, /)",
        present: |s| s.setitem.is_some(),
        call: |cx, s, this, args| {
            let (k, v) = two_args(cx, args)?;
            s.setitem.ok_or_else(|| missing(cx))?(cx, this, k, Some(v))?;
            Ok(cx.none())
        },
        copy: |f, t| t.setitem = f.setitem,
        install: |s| s.setitem = Some(python_setitem),
    },
    Dunder {
        name: "__delitem__",
        doc: "Delete self[key].",
        text: "($self, key, /)",
        present: |s| s.setitem.is_some(),
        call: |cx, s, this, args| {
            let k = one_arg(cx, args)?;
            s.setitem.ok_or_else(|| missing(cx))?(cx, this, k, None)?;
            Ok(cx.none())
        },
        copy: |f, t| t.setitem = f.setitem,
        install: |s| s.setitem = Some(python_setitem),
    },
    Dunder {
        name: "__contains__",
        doc: "Return bool(key in self).",
        text: "($self, key, /)",
        present: |s| s.contains.is_some(),
        call: |cx, s, this, args| {
            let k = one_arg(cx, args)?;
            let b = s.contains.ok_or_else(|| missing(cx))?(cx, this, k)?;
            Ok(cx.bool(b))
        },
        copy: |f, t| t.contains = f.contains,
        install: |s| s.contains = Some(python_contains),
    },
    Dunder {
        name: "__call__",
        doc: "Call self as a function.",
        text: "($self, /, *args, **kwargs)",
        present: |s| s.call.is_some(),
        call: |cx, s, this, args| s.call.ok_or_else(|| missing(cx))?(cx, this, args),
        copy: |f, t| t.call = f.call,
        install: |s| s.call = Some(python_call),
    },
    Dunder {
        name: "__getattribute__",
        doc: "Return getattr(self, name).",
        text: "($self, name, /)",
        present: |s| s.getattribute.is_some(),
        call: |cx, s, this, args| {
            let n = one_arg(cx, args)?;
            let n = attribute_name(cx, n)?;
            s.getattribute.ok_or_else(|| missing(cx))?(cx, this, &n)
        },
        copy: |f, t| t.getattribute = f.getattribute,
        install: |s| s.getattribute = Some(python_getattribute),
    },
    Dunder {
        name: "__setattr__",
        doc: "Implement setattr(self, name, value).",
        text: "($self, name, value, /)",
        present: |s| s.setattr.is_some(),
        call: |cx, s, this, args| {
            let (n, v) = two_args(cx, args)?;
            let n = attribute_name(cx, n)?;
            setter(cx, s, this, "__setattr__")?(cx, this, &n, Some(v))?;
            Ok(cx.none())
        },
        copy: |f, t| t.setattr = f.setattr,
        install: |s| s.setattr = Some(python_setattr),
    },
    Dunder {
        name: "__delattr__",
        doc: "Implement delattr(self, name).",
        text: "($self, name, /)",
        present: |s| s.setattr.is_some(),
        call: |cx, s, this, args| {
            let n = one_arg(cx, args)?;
            let n = attribute_name(cx, n)?;
            setter(cx, s, this, "__delattr__")?(cx, this, &n, None)?;
            Ok(cx.none())
        },
        copy: |f, t| t.setattr = f.setattr,
        install: |s| s.setattr = Some(python_setattr),
    },
    Dunder {
        name: "__get__",
        doc: "Return an attribute of instance, which is of type owner.",
        text: "($self, instance, owner=None, /)",
        present: |s| s.get.is_some(),
        call: |cx, s, this, args| {
            let a = args.unpack(cx, "__get__", 1, 2)?;
            let (o, class) = (none_or(a.first()), none_or(a.get(1)));
            if o.is_none() && class.is_none() {
                return Err(cx.type_error("__get__(None, None) is invalid"));
            }
            s.get.ok_or_else(|| missing(cx))?(cx, this, o, class)
        },
        copy: |f, t| t.get = f.get,
        install: |s| {
            s.get = Some(|cx, d, obj, ty| {
                let none = cx.none();
                call_special(cx, d, "__get__", &[obj.unwrap_or(&none), ty.unwrap_or(&none)])
            })
        },
    },
    Dunder {
        name: "__set__",
        doc: "Set an attribute of instance to value.",
        text: "($self, instance, value, /)",
        present: |s| s.set.is_some(),
        call: |cx, s, this, args| {
            let (o, v) = two_args(cx, args)?;
            s.set.ok_or_else(|| missing(cx))?(cx, this, o, Some(v))?;
            Ok(cx.none())
        },
        copy: |f, t| t.set = f.set,
        install: |s| s.set = Some(python_set),
    },
    Dunder {
        name: "__delete__",
        doc: "Delete an attribute of instance.",
        text: "($self, instance, /)",
        present: |s| s.set.is_some(),
        call: |cx, s, this, args| {
            let o = one_arg(cx, args)?;
            s.set.ok_or_else(|| missing(cx))?(cx, this, o, None)?;
            Ok(cx.none())
        },
        copy: |f, t| t.set = f.set,
        install: |s| s.set = Some(python_set),
    },
    Dunder {
        name: "__init__",
        doc: "Initialize self.  See help(type(self)) for accurate signature.",
        text: "($self, /, *args, **kwargs)",
        present: |s| s.init.is_some(),
        call: |cx, s, this, args| {
            s.init.ok_or_else(|| missing(cx))?(cx, this, args)?;
            Ok(cx.none())
        },
        copy: |f, t| t.init = f.init,
        install: |s| s.init = Some(python_init),
    },
    Dunder {
        name: "__del__",
        doc: "Called when the instance is about to be destroyed.",
        text: "($self, /)",
        present: |s| s.del.is_some(),
        call: |cx, s, this, _| {
            if let Some(d) = s.del {
                d(cx, this);
            }
            Ok(cx.none())
        },
        copy: |f, t| t.del = f.del,
        install: |s| s.del = Some(python_del),
    },
    Dunder {
        name: "__buffer__",
        doc: "Return a buffer object that exposes the underlying memory of the object.",
        text: "($self, flags, /)",
        present: |s| s.buffer.is_some(),
        call: |cx, s, this, args| {
            let flags = one_arg(cx, args)?;
            let flags = protocol::index_i64(cx, flags)?;
            if i32::try_from(flags).is_err() {
                return Err(cx.overflow_error("buffer flags too large"));
            }
            let b = python_buffer::own(cx, s, this)?;
            if flags & python_buffer::WRITABLE != 0 && b.readonly {
                protocol::buffer::release(cx, &b.exporter);
                return Err(cx.error_of(&cx.types.buffer_error, "Object is not writable."));
            }
            super::memoryview::of_buffer(cx, b)
        },
        copy: |f, t| (t.buffer, t.storage, t.release_buffer) = (f.buffer, f.storage, f.release_buffer),
        install: |s| s.buffer = Some(python_buffer::get),
    },
    Dunder {
        name: "__release_buffer__",
        doc: "Release the buffer object that exposes the underlying memory of the object.",
        text: "($self, buffer, /)",
        present: |s| s.release_buffer.is_some(),
        call: |cx, _, this, args| {
            let view = one_arg(cx, args)?;
            python_buffer::release_view(cx, this, view)?;
            Ok(cx.none())
        },
        copy: |_, _| {},
        // A class that shows nothing is told nothing; the method before this one says whether it does.
        install: |s| s.buffer = s.buffer.map(|_| python_buffer::get as _),
    },
    compare!(Lt, "__lt__", "<"),
    compare!(Le, "__le__", "<="),
    compare!(Eq, "__eq__", "=="),
    compare!(Ne, "__ne__", "!="),
    compare!(Gt, "__gt__", ">"),
    compare!(Ge, "__ge__", ">="),
    inplace!(0, "__iadd__", "+="),
    inplace!(1, "__isub__", "-="),
    inplace!(2, "__imul__", "*="),
    inplace!(3, "__imatmul__", "@="),
    inplace!(4, "__itruediv__", "/="),
    inplace!(5, "__ifloordiv__", "//="),
    inplace!(6, "__imod__", "%="),
    inplace!(7, "__ipow__", "**="),
    inplace!(8, "__ilshift__", "<<="),
    inplace!(9, "__irshift__", ">>="),
    inplace!(10, "__iand__", "&="),
    inplace!(11, "__ixor__", "^="),
    inplace!(12, "__ior__", "|="),
];

static BINARY: &[[Dunder; 2]] = &[
    binary!(Add, 0, "__add__", "__radd__", "+"),
    binary!(Sub, 1, "__sub__", "__rsub__", "-"),
    binary!(Mul, 2, "__mul__", "__rmul__", "*"),
    binary!(MatMul, 3, "__matmul__", "__rmatmul__", "@"),
    binary!(TrueDiv, 4, "__truediv__", "__rtruediv__", "/"),
    binary!(FloorDiv, 5, "__floordiv__", "__rfloordiv__", "//"),
    binary!(Mod, 6, "__mod__", "__rmod__", "%"),
    binary!(Pow, 7, "__pow__", "__rpow__", "**"),
    binary!(LShift, 8, "__lshift__", "__rlshift__", "<<"),
    binary!(RShift, 9, "__rshift__", "__rrshift__", ">>"),
    binary!(And, 10, "__and__", "__rand__", "&"),
    binary!(Xor, 11, "__xor__", "__rxor__", "^"),
    binary!(Or, 12, "__or__", "__ror__", "|"),
    binary!(DivMod, 13, "__divmod__", "__rdivmod__", " divmod "),
];

/// `+` and `*` of sequences: `__add__` without a reflected twin, `__mul__` and `__rmul__`.
static SEQUENCE: &[Dunder] = &[
    Dunder {
        name: "__add__",
        doc: "Return self+value.",
        text: "($self, value, /)",
        present: |s| s.concat.is_some(),
        call: |cx, s, this, args| {
            let o = one_arg(cx, args)?;
            s.concat.ok_or_else(|| missing(cx))?(cx, this, o)
        },
        copy: |f, t| t.concat = f.concat,
        install: |s| s.binary[0] = Some(PYTHON_BINARY[0]),
    },
    Dunder {
        name: "__mul__",
        doc: "Return self*value.",
        text: "($self, value, /)",
        present: |s| s.repeat.is_some(),
        call: |cx, s, this, args| {
            let o = times(cx, args)?;
            s.repeat.ok_or_else(|| missing(cx))?(cx, this, o)
        },
        copy: |f, t| t.repeat = f.repeat,
        install: |s| s.binary[2] = Some(PYTHON_BINARY[2]),
    },
    Dunder {
        name: "__rmul__",
        doc: "Return value*self.",
        text: "($self, value, /)",
        present: |s| s.repeat.is_some(),
        call: |cx, s, this, args| {
            let o = times(cx, args)?;
            s.repeat.ok_or_else(|| missing(cx))?(cx, this, o)
        },
        copy: |f, t| t.repeat = f.repeat,
        install: |s| s.binary[2] = Some(PYTHON_BINARY[2]),
    },
];

fn python_setitem(cx: &mut Cx, o: &Obj, k: &Obj, v: Option<&Obj>) -> PyResult<()> {
    match v {
        Some(v) => call_special(cx, o, "__setitem__", &[k, v]).map(|_| ()),
        None => call_special(cx, o, "__delitem__", &[k]).map(|_| ()),
    }
}
fn python_setattr(cx: &mut Cx, o: &Obj, n: &Ref<Str>, v: Option<&Obj>) -> PyResult<()> {
    match v {
        Some(v) => call_special(cx, o, "__setattr__", &[n.as_obj(), v]).map(|_| ()),
        None => call_special(cx, o, "__delattr__", &[n.as_obj()]).map(|_| ()),
    }
}
fn python_set(cx: &mut Cx, d: &Obj, o: &Obj, v: Option<&Obj>) -> PyResult<()> {
    match v {
        Some(v) => call_special(cx, d, "__set__", &[o, v]).map(|_| ()),
        None => call_special(cx, d, "__delete__", &[o]).map(|_| ()),
    }
}

/// Every special method, sequence ones last.
pub fn all() -> impl Iterator<Item = &'static Dunder> {
    PLAIN.iter().chain(BINARY.iter().flatten()).chain(SEQUENCE)
}

/// Puts wrappers for a native type's own slots into its dict.
pub(crate) fn expose(cx: &mut Cx, ty: &Ref<Type>, own: &Slots) -> PyResult<()> {
    let dict = ty.dict.cloned(cx).expect("a type has a dict");
    for d in all() {
        if !(d.present)(own) {
            continue;
        }
        let key = cx.name(d.name);
        if dict.get_str(cx, &key).is_some() {
            continue;
        }
        let value = if d.name == "__hash__" && own.hash.map(|f| f as usize) == Some(unhashable as *const () as usize) { cx.none() } else { super::descriptor::wrapper(cx, ty, d)? };
        dict.insert(cx, key.as_obj(), value)?;
    }
    Ok(())
}

/// Inherits what a native type does not define itself.
pub(crate) fn inherit(cx: &Cx, ty: &Ref<Type>, base: &Type) {
    let from = *base.slots(cx);
    let mut own = *ty.slots(cx);
    let (had_hash, had_compare) = (own.hash.is_some(), own.richcompare.is_some());
    for d in all() {
        // Few slots are there to inherit: that is asked first.
        if !(d.present)(&from) || (d.present)(&own) || matches!(d.name, "__hash__" | "__eq__" | "__lt__" | "__le__" | "__ne__" | "__gt__" | "__ge__") {
            continue;
        }
        (d.copy)(&from, &mut own);
    }
    if !had_hash && !had_compare {
        own.hash = from.hash;
        own.richcompare = from.richcompare;
    } else if !had_compare {
        own.richcompare = from.richcompare;
    } else if !had_hash {
        own.hash = Some(unhashable);
    }
    // `object.__new__` makes plain objects only: a native type with fields of its own has its own `__new__` or none.
    let fields_of_its_own = !ty.is_heap() && ty.basicsize.get() > cx.types.object.basicsize.get();
    if !(fields_of_its_own && std::ptr::eq(base, &*cx.types.object)) {
        own.new = own.new.or(from.new);
    }
    own.del = own.del.or(from.del);
    own.power = own.power.or(from.power);
    // SAFETY: nobody borrows the slots while types are being set up.
    unsafe { *ty.slots.as_ptr() = own };
}

/// Special methods with a slot of their own: one in a class changes nothing about the others.
const ALONE: [&str; 7] = ["__init__", "__repr__", "__str__", "__call__", "__iter__", "__next__", "__len__"];

/// The usual class: one base, and of the special methods only such as stand alone. Its slots are the base's but for those.
fn fill_from_base(cx: &mut Cx, ty: &Ref<Type>, mro: &[Ref<Type>]) -> bool {
    let Some(base) = mro.get(1).filter(|b| b.is_heap() || b.has(flags::EXCEPTION) || b.as_obj().is(cx.types.object.as_obj())) else { return false };
    // Whoever makes the order by hand may have put another one behind the base.
    let inherited = base.mro_list(cx);
    if inherited.len() + 1 != mro.len() || !inherited.iter().zip(&mro[1..]).all(|(a, b)| a.is(b.as_obj())) {
        return false;
    }
    let (base, mut own) = (base.clone(), Vec::new());
    let Some(dict) = ty.dict.cloned(cx) else { return false };
    for (k, v) in dict.entries(cx) {
        let Some(name) = k.cast::<Str>().and_then(|s| s.ascii_bytes()).filter(|n| n.starts_with(b"__") && n.ends_with(b"__")) else { continue };
        match all().find(|d| d.name.as_bytes() == name) {
            Some(d) if ALONE.contains(&d.name) && v.shape() == crate::object::shape::FUNCTION => own.push(d),
            None if name != b"__new__" && name != b"__getattr__" => {}
            _ => return false,
        }
    }
    let mut slots = *base.slots(cx);
    own.iter().for_each(|d| (d.install)(&mut slots));
    let f = ty.flags.get();
    ty.flags.set(if base.has(flags::FINALIZER) { f | flags::FINALIZER } else { f & !flags::FINALIZER });
    // SAFETY: `&mut Cx` is held; nobody borrows the slots.
    unsafe { *ty.slots.as_ptr() = slots };
    ty.modified(cx);
    true
}

/// Fills all slots of a class from what its method resolution order says.
pub(crate) fn fill(cx: &mut Cx, ty: &Ref<Type>) {
    let mut slots = Slots::EMPTY;
    let mro: Vec<Ref<Type>> = match ty.mro.cloned(cx) {
        Some(m) => m.cast::<Tuple>().map(|t| t.items().iter().filter_map(|o| o.cast::<Type>().cloned()).collect()).unwrap_or_default(),
        None => Vec::new(),
    };
    if fill_from_base(cx, ty, &mro) {
        return;
    }
    let mut finalizer = false;
    // Base defaults first, so that slots without a special method (power, concat) come along.
    if let Some(native) = mro.iter().find(|t| !t.is_heap()) {
        let n = *native.slots(cx);
        (slots.new, slots.power, slots.del) = (n.new, n.power, n.del);
        // A class may have another way to show its bytes, but it has no other bytes.
        (slots.storage, slots.release_buffer) = (n.storage, n.release_buffer);
        finalizer = n.del.is_some();
    }
    if cx.consts.dunders.is_empty() {
        cx.consts.dunders = all().map(|d| cx.name(d.name)).collect();
    }
    for (i, d) in all().enumerate() {
        let key = &cx.consts.dunders[i];
        let Some(value) = mro.iter().find_map(|t| t.dict.get(cx).as_ref().and_then(|x| x.get_str(cx, key))) else { continue };
        if let Some(from) = super::descriptor::slot_as_method(cx, &value, d.name).filter(|from| (d.present)(from)) {
            (d.copy)(&from, &mut slots);
        } else if let Some(w) = value.cast::<Wrapper>() {
            let from = *w.owner.cloned(cx).slots(cx);
            let python_already = (d.present)(&slots) && matches!(d.name, "__delitem__" | "__delattr__" | "__delete__") || is_python_pair(&slots, d);
            // Another method's wrapper under this name, or a pair of methods from two types: only a lookup serves them.
            if !std::ptr::eq(w.dunder.get(), d) || shared_slot(&slots, d).is_some_and(|f| shared_slot(&from, d) != Some(f)) {
                (d.install)(&mut slots);
            } else if !python_already {
                (d.copy)(&from, &mut slots);
            }
        } else if d.name == "__hash__" && value.is_none() {
            slots.hash = Some(unhashable);
        } else {
            (d.install)(&mut slots);
            if d.name == "__del__" {
                finalizer = true;
            }
        }
    }
    let key = cx.name("__getattr__");
    if ty.lookup(cx, &key).is_some() {
        slots.getattribute = Some(python_getattribute);
    }
    let key = cx.name("__new__");
    if let Some(owner) = mro.iter().find(|t| t.dict.get(cx).as_ref().is_some_and(|x| x.get_str(cx, &key).is_some())).cloned() {
        slots.new = if owner.is_heap() { Some(python_new) } else { owner.slots(cx).new };
    }
    let f = ty.flags.get();
    ty.flags.set(if finalizer { f | flags::FINALIZER } else { f & !flags::FINALIZER });
    // SAFETY: `&mut Cx` is held; nobody borrows the slots.
    unsafe { *ty.slots.as_ptr() = slots };
    ty.modified(cx);
}

/// The address of the function that serves a special method, where it serves others too.
fn shared_slot(slots: &Slots, d: &Dunder) -> Option<usize> {
    match BINARY.iter().position(|pair| pair.iter().any(|p| std::ptr::eq(p, d))) {
        Some(i) => slots.binary[i].map(|f| f as usize),
        None => slots.richcompare.filter(|_| COMPARE_NAMES.contains(&d.name)).map(|f| f as usize),
    }
}

/// Two names share a slot and the other one is written in Python: the Python slot function serves both.
fn is_python_pair(slots: &Slots, d: &Dunder) -> bool {
    for (i, pair) in BINARY.iter().enumerate() {
        if pair.iter().any(|p| std::ptr::eq(p, d)) {
            return slots.binary[i].map(|f| f as usize) == Some(PYTHON_BINARY[i] as usize);
        }
    }
    COMPARE_NAMES.contains(&d.name) && slots.richcompare.map(|f| f as usize) == Some(python_compare as *const () as usize)
}
