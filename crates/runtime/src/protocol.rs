//! What any object may be asked: attributes, calls, comparison, iteration, arithmetic, text.

pub mod buffer;
pub mod format;
pub mod locales;
pub mod pickle;

use crate::cx::{Cx, PyResult};
use crate::native::Args;
use crate::object::{Obj, Ref, shape};
use crate::types::type_::{Cmp, Op, flags};
use crate::types::{Bytes, Dict, Float, Int, List, Str, Tuple, Type, int};

// ---- calls

pub fn call(cx: &mut Cx, f: &Obj, args: &[Obj]) -> PyResult {
    call_args(cx, f, Args::positional_only(args))
}
/// Of a module its member of the same name may have been meant.
#[cold]
fn not_callable(cx: &mut Cx, f: &Obj) -> crate::cx::Raised {
    let mut hint = String::new();
    if let Some(m) = f.cast::<crate::types::module::Module>().cloned() {
        let key = cx.name("__name__");
        let name = m.dict.get(cx).get_str(cx, &key).and_then(|n| n.cast::<Str>().cloned());
        if let Some(name) = name
            && let Some(found) = m.dict.get(cx).get_str(cx, &name)
            && found.ty().slots(cx).call.is_some()
        {
            let name = name.to_text(cx);
            hint = format!(". Did you mean: '{name}.{name}(...)'?");
        }
    }
    cx.type_error(format!("'{}' object is not callable{hint}", f.ty().name_text()))
}
pub fn call_args(cx: &mut Cx, f: &Obj, args: Args<'_>) -> PyResult {
    let Some(slot) = f.ty().slots(cx).call else {
        return Err(not_callable(cx, f));
    };
    cx.room()?;
    if cx.may_run.get() {
        // Called while something dies: what runs now holds borrows of its own.
        cx.may_run.set(false);
        let r = slot(cx, f, args);
        cx.may_run.set(true);
        return r;
    }
    slot(cx, f, args)
}
/// A call with keywords, as collected by a native function.
pub fn call_keywords(cx: &mut Cx, f: &Obj, args: &[Obj], kwargs: &[(&Obj, &Obj)]) -> PyResult {
    let mut items = args.to_vec();
    items.extend(kwargs.iter().map(|(_, v)| (*v).clone()));
    let names: Vec<Obj> = kwargs.iter().map(|(k, _)| (*k).clone()).collect();
    call_args(cx, f, Args { items: &items, names: &names })
}
pub fn call_method(cx: &mut Cx, o: &Obj, name: &'static str, args: &[Obj]) -> PyResult {
    let key = cx.name(name);
    let m = getattr(cx, o, &key)?;
    call(cx, &m, args)
}
/// `name()` for messages about a call's arguments.
pub fn callable_name(cx: &mut Cx, f: &Obj) -> String {
    let key = cx.name("__qualname__");
    let q = lookup_attr(cx, f, &key).ok().flatten().and_then(|q| q.cast::<Str>().map(|s| s.to_text(cx)));
    cx.clear_error();
    let module = cx.name("__module__");
    let m = lookup_attr(cx, f, &module).ok().flatten().and_then(|q| q.cast::<Str>().map(|s| s.to_text(cx)));
    cx.clear_error();
    match (q, m) {
        (Some(q), Some(m)) if m != "builtins" => format!("{m}.{q}()"),
        (Some(q), _) => format!("{q}()"),
        _ => str_text(cx, f).unwrap_or_else(|_| {
            cx.clear_error();
            format!("{} object", f.ty().name_text())
        }),
    }
}

/// `os.fspath`.
pub fn fspath(cx: &mut Cx, o: &Obj) -> PyResult {
    if o.cast::<Str>().is_some() || o.cast::<Bytes>().is_some() {
        return Ok(o.clone());
    }
    let name = cx.name("__fspath__");
    let Some(f) = special(cx, o, &name)?.filter(|f| !f.is_none()) else {
        return Err(cx.type_error(format!("expected str, bytes or os.PathLike object, not {}", o.ty().name_text())));
    };
    let r = call(cx, &f, &[])?;
    if r.cast::<Str>().is_some() || r.cast::<Bytes>().is_some() {
        return Ok(r);
    }
    Err(cx.type_error(format!("expected {}.__fspath__() to return str or bytes, not {}", o.ty().name_text(), r.ty().name_text())))
}

// ---- attributes

pub fn getattr(cx: &mut Cx, o: &Obj, name: &Ref<Str>) -> PyResult {
    cx.room()?;
    let get = o.ty().slots(cx).getattribute.expect("object has __getattribute__");
    let found = if name.is_interned() { get(cx, o, name) } else { get(cx, o, &crate::types::str::intern(cx, name.clone())) };
    if found.is_err() {
        crate::types::exception::place_attribute_error(cx, o, name);
    }
    found
}
pub fn setattr(cx: &mut Cx, o: &Obj, name: &Ref<Str>, value: Option<&Obj>) -> PyResult<()> {
    cx.room()?;
    let set = o.ty().slots(cx).setattr.expect("object has __setattr__");
    if name.is_interned() { set(cx, o, name, value) } else { set(cx, o, &crate::types::str::intern(cx, name.clone()), value) }
}
/// `None` where the attribute is missing.
pub fn lookup_attr(cx: &mut Cx, o: &Obj, name: &Ref<Str>) -> PyResult<Option<Obj>> {
    cx.room()?;
    let find = crate::types::dunders::find_attribute;
    let r = if name.is_interned() { find(cx, o, name) } else { find(cx, o, &crate::types::str::intern(cx, name.clone())) };
    match r {
        Err(_) if cx.error_is(&cx.types.attribute_error) => {
            cx.clear_error();
            Ok(None)
        }
        r => r,
    }
}
/// A special method from the type, bound.
pub fn special(cx: &mut Cx, o: &Obj, name: &Ref<Str>) -> PyResult<Option<Obj>> {
    cx.room()?;
    let Some(f) = o.ty().lookup(cx, name) else { return Ok(None) };
    match f.ty().slots(cx).get {
        Some(get) => get(cx, &f, Some(o), Some(o.type_ref().as_obj())).map(Some),
        None => Ok(Some(f)),
    }
}

// ---- truth, comparison, hashing

#[inline]
pub fn truth(cx: &mut Cx, o: &Obj) -> PyResult<bool> {
    match o.shape() {
        shape::BOOL => return Ok(o.is(&cx.consts.true_)),
        shape::NONE => return Ok(false),
        shape::INT => return Ok(int::to_i64(o) != Some(0)),
        _ => {}
    }
    let s = o.ty().slots(cx);
    if let Some(f) = s.bool {
        return f(cx, o);
    }
    match s.len {
        Some(f) => Ok(f(cx, o)? > 0),
        None => Ok(true),
    }
}
/// Whether `a < b`.
#[inline]
pub fn less(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult<bool> {
    if a.shape() == shape::INT
        && b.shape() == shape::INT
        && let (Some(x), Some(y)) = (a.cast::<Int>().and_then(|i| i.small()), b.cast::<Int>().and_then(|i| i.small()))
    {
        return Ok(x < y);
    }
    let r = richcompare(cx, a, b, Cmp::Lt)?;
    let truth = truth(cx, &r);
    cx.release(r);
    truth
}
pub fn richcompare(cx: &mut Cx, a: &Obj, b: &Obj, op: Cmp) -> PyResult {
    cx.deeper(" in comparison", |cx| compare_inner(cx, a, b, op))
}
fn compare_inner(cx: &mut Cx, a: &Obj, b: &Obj, op: Cmp) -> PyResult {
    let (fa, fb) = (a.ty().slots(cx).richcompare, b.ty().slots(cx).richcompare);
    let same = std::ptr::eq(a.ty(), b.ty());
    let mut tried = false;
    let ni = |cx: &Cx, r: &Obj| r.is(&cx.consts.not_implemented);
    if !same
        && let Some(f) = fb
        && b.ty().is_subtype(cx, &a.type_ref())
    {
        tried = true;
        let r = f(cx, b, a, op.swapped())?;
        if !ni(cx, &r) {
            return Ok(r);
        }
    }
    if let Some(f) = fa {
        let r = f(cx, a, b, op)?;
        if !ni(cx, &r) {
            return Ok(r);
        }
    }
    if !tried && let Some(f) = fb {
        let r = f(cx, b, a, op.swapped())?;
        if !ni(cx, &r) {
            return Ok(r);
        }
    }
    match op {
        Cmp::Eq => Ok(cx.bool(a.is(b))),
        Cmp::Ne => Ok(cx.bool(!a.is(b))),
        _ => Err(cx.type_error(format!("'{}' not supported between instances of '{}' and '{}'", op.symbol(), a.ty().name_text(), b.ty().name_text()))),
    }
}
/// `a is b or a == b`.
pub fn equal(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult<bool> {
    if a.is(b) { Ok(true) } else { equal_unidentical(cx, a, b) }
}
pub fn equal_unidentical(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult<bool> {
    if a.shape() == shape::INT
        && b.shape() == shape::INT
        && let (Some(x), Some(y)) = (int::to_i64(a), int::to_i64(b))
    {
        return Ok(x == y);
    }
    if a.shape() == shape::STR && b.shape() == shape::STR {
        // SAFETY: O3, both shapes say str.
        return Ok(unsafe { a.cast_unchecked::<Str>().same(b.cast_unchecked::<Str>()) });
    }
    let r = richcompare(cx, a, b, Cmp::Eq)?;
    let t = truth(cx, &r);
    cx.release(r);
    t
}
pub fn hash(cx: &mut Cx, o: &Obj) -> PyResult<i64> {
    if o.shape() == shape::STR {
        // SAFETY: O3, the shape says str.
        return Ok(unsafe { o.cast_unchecked::<Str>() }.hash(cx));
    }
    if let Some(v) = crate::types::int::small_value(o) {
        return Ok(retic_numbers::hash::small(v));
    }
    cx.room()?;
    match o.ty().slots(cx).hash {
        Some(f) => f(cx, o),
        None => crate::types::dunders::unhashable(cx, o),
    }
}
/// Lexicographic comparison of two sequences of `n` and `m` items. `look` shows the pairs of items from a place on, as they are now,
/// until it is told that it is enough.
pub fn compare_sequences(cx: &mut Cx, n: usize, m: usize, op: Cmp, look: impl Fn(&Cx, usize, &mut dyn FnMut(&Obj, &Obj) -> bool)) -> PyResult {
    if n != m && matches!(op, Cmp::Eq | Cmp::Ne) {
        return Ok(cx.bool(op == Cmp::Ne));
    }
    let mut i = 0;
    loop {
        // As far as it goes without Python, and no further than the next poll.
        let (mut other, end) = (None, i + (1 << 16));
        look(cx, i, &mut |a, b| {
            if crate::types::set::same_plain(a, b) == Some(true) {
                i += 1;
                return i < end;
            }
            other = Some((a.clone(), b.clone()));
            false
        });
        cx.poll_native()?;
        let Some((a, b)) = other else {
            if i == end {
                continue;
            }
            break;
        };
        if !equal(cx, &a, &b)? {
            return match op {
                Cmp::Eq => Ok(cx.bool(false)),
                Cmp::Ne => Ok(cx.bool(true)),
                _ => richcompare(cx, &a, &b, op),
            };
        }
        i += 1;
    }
    Ok(cx.bool(op.of(n, m)))
}

// ---- text

pub fn repr(cx: &mut Cx, o: &Obj) -> PyResult {
    let f = o.ty().slots(cx).repr.expect("object has __repr__");
    cx.deeper(" while getting the repr of an object", |cx| f(cx, o))
}
pub fn str(cx: &mut Cx, o: &Obj) -> PyResult {
    if o.shape() == shape::STR {
        return Ok(o.clone());
    }
    let f = o.ty().slots(cx).str.expect("object has __str__");
    cx.deeper(" while getting the str of an object", |cx| f(cx, o))
}
pub fn ascii(cx: &mut Cx, o: &Obj) -> PyResult {
    let r = repr(cx, o)?;
    let Some(text) = r.cast::<Str>().filter(|s| !s.is_ascii()) else { return Ok(r) };
    let mut out = String::with_capacity(text.len() * 2);
    let chars = text.chars();
    for c in (0..text.len()).map(|i| chars.get(i)) {
        match c {
            0..=0x7f => out.push(c as u8 as char),
            0x80..=0xff => out.push_str(&format!("\\x{c:02x}")),
            0x100..=0xffff => out.push_str(&format!("\\u{c:04x}")),
            _ => out.push_str(&format!("\\U{c:08x}")),
        }
    }
    cx.str(&out)
}
pub fn repr_points(cx: &mut Cx, o: &Obj) -> PyResult<Vec<u32>> {
    let r = repr(cx, o)?;
    Ok(r.cast::<Str>().map(|s| s.code_points()).unwrap_or_default())
}
pub fn repr_text(cx: &mut Cx, o: &Obj) -> PyResult<String> {
    let r = repr(cx, o)?;
    Ok(r.cast::<Str>().map(|s| s.to_text(cx)).unwrap_or_default())
}
pub fn str_text(cx: &mut Cx, o: &Obj) -> PyResult<String> {
    let r = str(cx, o)?;
    Ok(r.cast::<Str>().map(|s| s.to_text(cx)).unwrap_or_default())
}
/// `None` when the object's repr is already being made.
pub fn enter_repr(cx: &mut Cx, o: &Obj) -> Option<usize> {
    let mut list = cx.reprs.borrow_mut();
    if list.contains(&o.address()) {
        return None;
    }
    list.push(o.address());
    Some(o.address())
}
pub fn leave_repr(cx: &mut Cx, address: usize) {
    cx.reprs.borrow_mut().retain(|a| *a != address);
}
/// Appends `repr(o)`.
pub fn push_repr(cx: &mut Cx, out: &mut crate::types::str::builder::Text, o: &Obj) -> PyResult<()> {
    let r = repr(cx, o)?;
    if let Some(s) = r.cast::<Str>() {
        out.str(s);
    }
    cx.release(r);
    Ok(())
}
pub fn join_reprs(cx: &mut Cx, items: Vec<Obj>, open: &str, close: &str) -> PyResult {
    let mut out = crate::types::str::builder::Text::default();
    out.rust(open);
    for (i, o) in items.iter().enumerate() {
        if i > 0 {
            out.rust(", ");
        }
        push_repr(cx, &mut out, o)?;
    }
    out.rust(close);
    out.finish(cx)
}
/// `format(value, spec)`.
pub fn format_value(cx: &mut Cx, o: &Obj, spec: &Obj) -> PyResult {
    if let Some(r) = format::built_in(cx, o, spec) {
        return r;
    }
    let r = {
        let name = cx.name("__format__");
        let Some(f) = special(cx, o, &name)? else { return Err(cx.type_error(format!("Type {} doesn't define __format__", o.ty().name_text()))) };
        call(cx, &f, std::slice::from_ref(spec))?
    };
    if r.cast::<Str>().is_none() {
        return Err(cx.type_error(format!("__format__ must return a str, not {}", r.ty().name_text())));
    }
    Ok(r)
}

// ---- iteration

pub fn iter(cx: &mut Cx, o: &Obj) -> PyResult {
    cx.room()?;
    if let Some(f) = o.ty().slots(cx).iter {
        let it = f(cx, o)?;
        if it.ty().slots(cx).next.is_none() {
            return Err(cx.type_error(format!("iter() returned non-iterator of type '{}'", it.ty().name_text())));
        }
        return Ok(it);
    }
    // Of what the machine has, only sequences are run over by index.
    let by_index = o.ty().slots(cx).getitem.is_some() && (o.ty().is_heap() || o.ty().slots(cx).len.is_some());
    if by_index && o.cast::<Dict>().is_none() && o.cast::<Type>().is_none() {
        return crate::types::iterators::over(cx, &cx.types.sequence_iterator.clone(), o);
    }
    Err(cx.type_error(format!("'{}' object is not iterable", o.ty().name_text())))
}
#[inline]
pub fn next(cx: &mut Cx, it: &Obj) -> PyResult<Option<Obj>> {
    if let Some(v) = crate::types::iterators::Iter::quick_next(it) {
        return Ok(Some(v));
    }
    cx.room()?;
    match it.ty().slots(cx).next {
        Some(f) => {
            let r = f(cx, it);
            if r.is_err() && cx.error_is(&cx.types.stop_iteration) {
                cx.clear_error();
                return Ok(None);
            }
            r
        }
        None => Err(cx.type_error(format!("'{}' object is not an iterator", it.ty().name_text()))),
    }
}
/// Hands on what an iterator gives, to its end.
pub fn each_next(cx: &mut Cx, it: &Obj, mut put: impl FnMut(&mut Cx, Obj) -> PyResult<()>) -> PyResult<()> {
    // Built-in types keep their slots, and the room that there is now is there at every step.
    cx.room()?;
    let step = it.ty().slots(cx).next.filter(|_| !it.ty().is_heap());
    loop {
        let v = match step {
            Some(f) => match f(cx, it) {
                Err(_) if cx.error_is(&cx.types.stop_iteration) => {
                    cx.clear_error();
                    None
                }
                r => r?,
            },
            None => next(cx, it)?,
        };
        let Some(v) = v else { return Ok(()) };
        put(cx, v)?;
        cx.poll_native()?;
    }
}
/// The next value; StopIteration is raised at the end.
pub fn next_raising(cx: &mut Cx, it: &Obj) -> PyResult {
    cx.room()?;
    if let Some(r) = crate::types::dunders::next_of_python(cx, it) {
        return r;
    }
    match it.ty().slots(cx).next {
        Some(f) => match f(cx, it)? {
            Some(v) => Ok(v),
            None => Err(cx.stop_iteration(None)),
        },
        None => Err(cx.type_error(format!("'{}' object is not an iterator", it.ty().name_text()))),
    }
}
/// All items of an iterable.
pub fn collect(cx: &mut Cx, o: &Obj) -> PyResult<Vec<Obj>> {
    collect_at_most(cx, o, usize::MAX)
}
pub fn collect_at_most(cx: &mut Cx, o: &Obj, max: usize) -> PyResult<Vec<Obj>> {
    match o.shape() {
        shape::TUPLE => return Ok(o.cast::<Tuple>().map(|t| t.items().to_vec()).unwrap_or_default()),
        shape::LIST => return Ok(o.cast::<List>().map(|l| l.to_vec(cx)).unwrap_or_default()),
        _ => {}
    }
    let mut out = Vec::new();
    let it = iter(cx, o)?;
    if max == usize::MAX
        && crate::types::iterators::each_plain(cx, o, |cx, v| {
            grow(cx, &mut out, 1)?;
            out.push(v);
            Ok(())
        })?
    {
        cx.release(it);
        return Ok(out);
    }
    if max == usize::MAX {
        each_next(cx, &it, |cx, v| {
            grow(cx, &mut out, 1)?;
            out.push(v);
            Ok(())
        })?;
    } else {
        while out.len() < max
            && let Some(v) = next(cx, &it)?
        {
            grow(cx, &mut out, 1)?;
            out.push(v);
            cx.poll_native()?;
        }
    }
    cx.release(it);
    Ok(out)
}
/// How many items an object says it has, or will give; `default` where it does not say (CPython's `PyObject_LengthHint`).
pub fn length_hint(cx: &mut Cx, o: &Obj, default: i64) -> PyResult<i64> {
    cx.room()?;
    if o.ty().slots(cx).len.is_some() {
        match len(cx, o) {
            Err(_) if cx.error_is(&cx.types.type_error) => cx.clear_error(),
            r => return r.map(|n| n as i64),
        }
    }
    let name = cx.name("__length_hint__");
    let Some(f) = special(cx, o, &name)? else { return Ok(default) };
    let hint = match call(cx, &f, &[]) {
        Err(_) if cx.error_is(&cx.types.type_error) => {
            cx.clear_error();
            return Ok(default);
        }
        r => r?,
    };
    if hint.is(&cx.consts.not_implemented) {
        return Ok(default);
    }
    if hint.cast::<Int>().is_none() {
        return Err(cx.type_error(format!("__length_hint__ must be an integer, not {}", hint.ty().name_text())));
    }
    match int::to_i64(&hint) {
        Some(n) if n >= 0 => Ok(n),
        Some(_) => Err(cx.value_error("__length_hint__() should return >= 0")),
        None => Err(cx.overflow_error("Python int too large to convert to C ssize_t")),
    }
}

// ---- containers

pub fn len(cx: &mut Cx, o: &Obj) -> PyResult<usize> {
    cx.room()?;
    match o.ty().slots(cx).len {
        Some(f) => f(cx, o),
        None => Err(cx.type_error(format!("object of type '{}' has no len()", o.ty().name_text()))),
    }
}
pub fn getitem(cx: &mut Cx, o: &Obj, k: &Obj) -> PyResult {
    cx.room()?;
    if let Some(f) = o.ty().slots(cx).getitem {
        return f(cx, o, k);
    }
    if o.cast::<Type>().is_some() {
        if o.is(cx.types.type_.as_obj()) {
            return crate::types::generic::alias(cx, o, k);
        }
        let name = cx.name("__class_getitem__");
        if let Some(f) = lookup_attr(cx, o, &name)?.filter(|f| !f.is_none()) {
            return call(cx, &f, std::slice::from_ref(k));
        }
        let name = o.cast::<Type>().map(|t| t.name_text()).unwrap_or_default();
        return Err(cx.type_error(format!("type '{name}' is not subscriptable")));
    }
    Err(cx.type_error(format!("'{}' object is not subscriptable", o.ty().name_text())))
}
pub fn setitem(cx: &mut Cx, o: &Obj, k: &Obj, v: Option<&Obj>) -> PyResult<()> {
    cx.room()?;
    match o.ty().slots(cx).setitem {
        Some(f) => f(cx, o, k, v),
        None => {
            let what = if v.is_some() { "assignment" } else { "deletion" };
            Err(cx.type_error(format!("'{}' object {} item {what}", o.ty().name_text(), if v.is_some() { "does not support" } else { "doesn't support" })))
        }
    }
}
pub fn contains(cx: &mut Cx, o: &Obj, k: &Obj) -> PyResult<bool> {
    cx.room()?;
    if let Some(f) = o.ty().slots(cx).contains {
        return f(cx, o, k);
    }
    let it = match iter(cx, o) {
        Ok(it) => it,
        Err(r) => {
            if cx.error_is(&cx.types.type_error) && o.ty().slots(cx).iter.is_none() {
                cx.clear_error();
                return Err(cx.type_error(format!("argument of type '{}' is not a container or iterable", o.ty().name_text())));
            }
            return Err(r);
        }
    };
    while let Some(v) = next(cx, &it)? {
        if equal(cx, &v, k)? {
            return Ok(true);
        }
        cx.poll_native()?;
    }
    Ok(false)
}
/// An index for a sequence, with the sequence's own complaint.
pub fn sequence_index(cx: &mut Cx, k: &Obj, what: &str) -> PyResult<i64> {
    if k.shape() == shape::INT {
        return Ok(int::to_i64(k).unwrap_or(0));
    }
    if k.ty().slots(cx).index.is_none() {
        let ty = k.ty().name_text();
        return Err(cx.type_error(if what == "string" {
            format!("string indices must be integers, not '{ty}'")
        } else {
            format!("{what} indices must be integers or slices, not {ty}")
        }));
    }
    let i = index(cx, k)?;
    int::to_i64(&i).ok_or_else(|| cx.index_error("cannot fit 'int' into an index-sized integer"))
}
/// An index from the front or the end, if inside.
pub fn wrap_index(i: i64, n: usize) -> Option<usize> {
    let i = if i < 0 { i + n as i64 } else { i };
    (0..n as i64).contains(&i).then_some(i as usize)
}
pub fn clamp_range(start: i64, stop: i64, n: usize) -> (usize, usize) {
    let fix = |v: i64| if v < 0 { (v + n as i64).max(0) as usize } else { (v as usize).min(n) };
    (fix(start), fix(stop))
}
/// How often to repeat a sequence; `None` where the operand is no integer.
pub fn repeat_count(cx: &mut Cx, n: &Obj) -> PyResult<Option<usize>> {
    if n.ty().slots(cx).index.is_none() {
        return Err(cx.type_error(format!("can't multiply sequence by non-int of type '{}'", n.ty().name_text())));
    }
    let i = index(cx, n)?;
    match int::to_i64(&i) {
        Some(v) => Ok(Some(v.max(0) as usize)),
        None => Err(cx.overflow_error(format!("cannot fit '{}' into an index-sized integer", n.ty().name_text()))),
    }
}
/// From this size on `check_size` asks the allocator.
const PROBED_BYTES: usize = 1 << 20;

/// So many zero bytes, or MemoryError. Large room is only taken from the system where it is written.
pub fn zeroed(cx: &mut Cx, n: usize) -> PyResult<Vec<u8>> {
    const LAZY_BYTES: usize = 1 << 20;
    let mut room = Vec::new();
    grow(cx, &mut room, n)?;
    if n >= LAZY_BYTES {
        drop(room);
        return Ok(vec![0; n]);
    }
    room.resize(n, 0);
    Ok(room)
}

/// Refuses results that could not be held.
pub fn check_size(cx: &Cx, len: usize, times: usize, item_bytes: usize) -> PyResult<()> {
    match len.checked_mul(times).and_then(|n| n.checked_mul(item_bytes)) {
        Some(bytes) if bytes < PROBED_BYTES => Ok(()),
        // Working copies are plain vectors: whether one fits is asked where it can still be refused.
        Some(bytes) if bytes < 1 << 36 => Vec::<u8>::new().try_reserve_exact(bytes).map_err(|_| cx.memory_error()),
        _ => Err(cx.memory_error()),
    }
}
/// How long rows are together.
pub fn sum_of_lengths(cx: &Cx, rows: &[&[u8]]) -> PyResult<usize> {
    rows.iter().try_fold(0usize, |n, row| n.checked_add(row.len())).ok_or_else(|| cx.memory_error())
}
/// Shows pairs of items, one of each of two rows, from a place on.
pub fn pairs_from(a: &[Obj], b: &[Obj], from: usize, goes_on: &mut dyn FnMut(&Obj, &Obj) -> bool) {
    let rest = |row: &[Obj]| row.len().min(from);
    _ = a[rest(a)..].iter().zip(&b[rest(b)..]).all(|(x, y)| goes_on(x, y));
}
/// Makes room for `more` items in a working copy.
pub fn grow<T>(cx: &Cx, out: &mut Vec<T>, more: usize) -> PyResult<()> {
    if out.len() < 1 << 33 && out.try_reserve(more).is_ok() { Ok(()) } else { Err(cx.memory_error()) }
}

// ---- numbers

pub fn binary(cx: &mut Cx, a: &Obj, b: &Obj, op: Op) -> PyResult {
    cx.room()?;
    let i = op as usize;
    let fa = a.ty().slots(cx).binary[i];
    let mut right = None;
    if !std::ptr::eq(a.ty(), b.ty()) {
        right = b.ty().slots(cx).binary[i].filter(|fb| fa.map(|f| f as usize) != Some(*fb as usize));
    }
    if let Some(f) = fa {
        if let Some(r) = right
            && b.ty().is_subtype(cx, &a.type_ref())
        {
            let v = r(cx, a, b)?;
            if !v.is(&cx.consts.not_implemented) {
                return Ok(v);
            }
            right = None;
        }
        let v = f(cx, a, b)?;
        if !v.is(&cx.consts.not_implemented) {
            return Ok(v);
        }
    }
    if let Some(f) = right {
        let v = f(cx, a, b)?;
        if !v.is(&cx.consts.not_implemented) {
            return Ok(v);
        }
    }
    match op {
        Op::Add => {
            if let Some(f) = a.ty().slots(cx).concat {
                return f(cx, a, b);
            }
        }
        Op::Mul => {
            if let Some(f) = a.ty().slots(cx).repeat {
                return f(cx, a, b);
            }
            if let Some(f) = b.ty().slots(cx).repeat {
                return f(cx, b, a);
            }
        }
        _ => {}
    }
    Err(unsupported(cx, a, b, op, ""))
}
fn unsupported(cx: &Cx, a: &Obj, b: &Obj, op: Op, eq: &str) -> crate::cx::Raised {
    let symbol = if eq.is_empty() {
        op.symbol().to_string()
    } else if op == Op::Pow {
        "**=".into()
    } else {
        format!("{}{eq}", op.symbol())
    };
    // `print >> file` was a statement once.
    let printing = symbol == ">>" && crate::types::function::native_def(a).is_some_and(|d| d.name == "print");
    let hint = if printing { ". Did you mean \"print(<message>, file=<output_stream>)\"?" } else { "" };
    cx.type_error(format!("unsupported operand type(s) for {symbol}: '{}' and '{}'{hint}", a.ty().name_text(), b.ty().name_text()))
}
pub fn inplace(cx: &mut Cx, a: &Obj, b: &Obj, op: Op) -> PyResult {
    if let Some(f) = a.ty().slots(cx).inplace[op as usize] {
        let v = f(cx, a, b)?;
        if !v.is(&cx.consts.not_implemented) {
            return Ok(v);
        }
    }
    let r = binary(cx, a, b, op);
    if r.is_err()
        && cx.error_is(&cx.types.type_error)
        && let Some(e) = cx.error_ref().cloned()
        && let Ok(t) = str_text(cx, &e)
        && t.starts_with("unsupported operand type(s) for ")
    {
        cx.clear_error();
        return Err(unsupported(cx, a, b, op, "="));
    }
    r
}
pub fn power(cx: &mut Cx, a: &Obj, b: &Obj, m: Option<&Obj>) -> PyResult {
    match m {
        Some(m) if !m.is_none() => match power_by_method(cx, a, b, m)? {
            Some(v) => Ok(v),
            None if [a, b, m].iter().any(|o| o.cast::<crate::types::complex::Complex>().is_some()) => Err(cx.value_error("complex modulo")),
            None if [a, b, m].iter().any(|o| o.cast::<Float>().is_some()) => Err(cx.type_error("pow() 3rd argument not allowed unless all arguments are integers")),
            None => Err(cx.type_error(format!("unsupported operand type(s) for ** or pow(): '{}', '{}', '{}'", a.ty().name_text(), b.ty().name_text(), m.ty().name_text()))),
        },
        _ => binary(cx, a, b, Op::Pow),
    }
}
/// Three-argument power: the slot of the first operand or its own `__pow__`, then `__rpow__` of the second.
fn power_by_method(cx: &mut Cx, a: &Obj, b: &Obj, m: &Obj) -> PyResult<Option<Obj>> {
    for (name, this, other) in [("__pow__", a, b), ("__rpow__", b, a)] {
        let key = cx.name(name);
        let own = this.type_ref().lookup(cx, &key).filter(|f| this.ty().is_heap() && !std::ptr::eq(f.ty(), &*cx.types.wrapper_descriptor));
        let r = if own.is_some() {
            let Some(f) = special(cx, this, &key)? else { continue };
            call(cx, &f, &[other.clone(), m.clone()])?
        } else if name == "__pow__"
            && let Some(f) = this.ty().slots(cx).power
        {
            f(cx, a, b, m)?
        } else {
            continue;
        };
        if !r.is(&cx.consts.not_implemented) {
            return Ok(Some(r));
        }
    }
    Ok(None)
}
pub fn unary(cx: &mut Cx, o: &Obj, op: &str) -> PyResult {
    cx.room()?;
    let s = o.ty().slots(cx);
    let f = match op {
        "-" => s.neg,
        "+" => s.pos,
        _ => s.invert,
    };
    match f {
        Some(f) => f(cx, o),
        None => Err(cx.type_error(format!("bad operand type for unary {op}: '{}'", o.ty().name_text()))),
    }
}
/// `operator.index`.
pub fn index(cx: &mut Cx, o: &Obj) -> PyResult {
    cx.room()?;
    if o.cast::<Int>().is_some() {
        return exactly(cx, o.clone());
    }
    let Some(f) = o.ty().slots(cx).index else {
        return Err(cx.type_error(format!("'{}' object cannot be interpreted as an integer", o.ty().name_text())));
    };
    let r = f(cx, o)?;
    if r.cast::<Int>().is_none() {
        return Err(cx.type_error(format!("__index__ returned non-int (type {})", r.ty().name_text())));
    }
    if !std::ptr::eq(r.ty(), &*cx.types.int) {
        warn_of_subclass(cx, &format!("__index__ returned non-int (type {})", r.ty().name_text()), "int")?;
    }
    exactly(cx, r)
}
/// What a special method gave is of a subclass of the type that it should have given.
pub fn warn_of_subclass(cx: &mut Cx, what: &str, of: &str) -> PyResult<()> {
    let text = format!("{what}.  The ability to return an instance of a strict subclass of {of} is deprecated, and may be removed in a future version of Python.");
    crate::modules::warnings::warn(cx, &cx.types.deprecation_warning.clone(), &text, 1)
}
/// An int as an object of no subclass.
fn exactly(cx: &mut Cx, o: Obj) -> PyResult {
    if std::ptr::eq(o.ty(), &*cx.types.int) {
        return Ok(o);
    }
    if let Some(n) = int::to_i64(&o) {
        return cx.int(n);
    }
    match int::to_big(&o) {
        Some(b) => int::from_big(cx, &b),
        None => Ok(o),
    }
}
pub fn index_i64(cx: &mut Cx, o: &Obj) -> PyResult<i64> {
    if let Some(n) = int::to_i64(o) {
        return Ok(n);
    }
    let i = index(cx, o)?;
    int::to_i64(&i).ok_or_else(|| cx.overflow_error("Python int too large to convert to C ssize_t"))
}
pub fn exact_float(o: &Obj) -> f64 {
    o.cast::<Float>().map_or(0.0, |f| f.value.get())
}
/// `float(o)` for numbers.
pub fn to_float(cx: &mut Cx, o: &Obj) -> PyResult<f64> {
    if let Some(f) = o.cast::<Float>() {
        return Ok(f.value.get());
    }
    if o.cast::<Int>().is_some() {
        return int::to_f64(cx, o);
    }
    if let Some(f) = o.ty().slots(cx).float {
        let r = f(cx, o)?;
        return match r.cast::<Float>() {
            Some(f) => {
                if !std::ptr::eq(r.ty(), &*cx.types.float) {
                    warn_of_subclass(cx, &format!("{}.__float__ returned non-float (type {})", o.ty().name_text(), r.ty().name_text()), "float")?;
                }
                Ok(f.value.get())
            }
            None => Err(cx.type_error(format!("{}.__float__ returned non-float (type {})", o.ty().name_text(), r.ty().name_text()))),
        };
    }
    if o.ty().slots(cx).index.is_some() {
        let i = index(cx, o)?;
        return int::to_f64(cx, &i);
    }
    Err(cx.type_error(format!("float() argument must be a string or a real number, not '{}'", o.ty().name_text())))
}
pub fn as_f64(cx: &mut Cx, o: &Obj) -> PyResult<f64> {
    if o.cast::<Float>().is_none() && o.cast::<Int>().is_none() && o.ty().slots(cx).float.is_none() && o.ty().slots(cx).index.is_none() {
        return Err(cx.type_error(format!("must be real number, not {}", o.ty().name_text())));
    }
    to_float(cx, o)
}

// ---- classes

/// Whether `__class__` of an object is its type, and nothing can say otherwise.
pub(crate) fn has_plain_class(cx: &Cx, o: &Obj) -> bool {
    let ty = o.ty();
    let usual = crate::types::object::getattribute as fn(&mut Cx, &Obj, &Ref<Str>) -> PyResult;
    if !ty.slots(cx).getattribute.is_some_and(|g| std::ptr::fn_addr_eq(g, usual)) {
        return false;
    }
    let Some(name) = &cx.quick.class_name else { return false };
    !ty.is_heap() || ty.lookup(cx, name).is_some_and(|d| cx.types.object.lookup(cx, name).is_some_and(|own| own.is(&d)))
}
pub fn real_isinstance(cx: &mut Cx, o: &Obj, class: &Ref<Type>) -> PyResult<bool> {
    if o.ty().is_subtype(cx, class) {
        return Ok(true);
    }
    if has_plain_class(cx, o) {
        return Ok(false);
    }
    let name = cx.name("__class__");
    Ok(match lookup_attr(cx, o, &name)? {
        Some(c) => c.cast::<Type>().is_some_and(|t| t.is_subtype(cx, class)),
        None => false,
    })
}
pub fn isinstance(cx: &mut Cx, o: &Obj, class: &Obj) -> PyResult<bool> {
    if o.type_ref().as_obj().is(class) {
        return Ok(true);
    }
    if class.type_ref().as_obj().is(cx.types.type_.as_obj())
        && let Some(t) = class.cast::<Type>()
    {
        return real_isinstance(cx, o, t);
    }
    if let Some(t) = class.cast::<Tuple>() {
        for c in t.items() {
            if cx.deeper(" in __instancecheck__", |cx| isinstance(cx, o, c))? {
                return Ok(true);
            }
        }
        return Ok(false);
    }
    if let Some(union) = class.cast::<crate::types::generic::Union>() {
        return union.has_instance(cx, o);
    }
    let name = cx.name("__instancecheck__");
    if let Some(t) = class.cast::<Type>() {
        // Most metaclasses ask as `type` itself does.
        let usual = cx.types.type_.clone();
        if let Some(f) = class.ty().lookup(cx, &name)
            && usual.lookup(cx, &name).is_some_and(|own| own.is(&f))
        {
            return real_isinstance(cx, o, t);
        }
    }
    if let Some(f) = special(cx, class, &name)? {
        let r = call(cx, &f, std::slice::from_ref(o))?;
        return truth(cx, &r);
    }
    if let Some(t) = class.cast::<Type>() {
        return real_isinstance(cx, o, t);
    }
    if bases_of(cx, class)?.is_none() {
        return Err(cx.type_error("isinstance() arg 2 must be a type, a tuple of types, or a union"));
    }
    let name = cx.name("__class__");
    match lookup_attr(cx, o, &name)? {
        Some(c) => derives_from(cx, &c, class),
        None => Ok(false),
    }
}
/// The `__bases__` of an object that is used as a class; `None` where it has no tuple of them.
fn bases_of(cx: &mut Cx, class: &Obj) -> PyResult<Option<Vec<Obj>>> {
    let name = cx.name("__bases__");
    Ok(lookup_attr(cx, class, &name)?.and_then(|b| b.cast::<Tuple>().map(|t| t.items().to_vec())))
}
/// Whether a class is reached from another one through `__bases__`.
fn derives_from(cx: &mut Cx, derived: &Obj, class: &Obj) -> PyResult<bool> {
    let mut at = derived.clone();
    loop {
        if at.is(class) {
            return Ok(true);
        }
        cx.poll_native()?;
        match bases_of(cx, &at)?.as_deref() {
            None | Some([]) => return Ok(false),
            Some([one]) => at = one.clone(),
            Some(many) => {
                for b in many {
                    if cx.deeper(" in __issubclass__", |cx| derives_from(cx, b, class))? {
                        return Ok(true);
                    }
                }
                return Ok(false);
            }
        }
    }
}
/// `issubclass` without hooks: of types by their order of resolution, of other objects by `__bases__`.
pub fn real_issubclass(cx: &mut Cx, a: &Obj, class: &Obj) -> PyResult<bool> {
    if let (Some(s), Some(t)) = (a.cast::<Type>(), class.cast::<Type>()) {
        return Ok(s.is_subtype(cx, t));
    }
    if bases_of(cx, a)?.is_none() {
        return Err(cx.type_error("issubclass() arg 1 must be a class"));
    }
    if bases_of(cx, class)?.is_none() {
        return Err(cx.type_error("issubclass() arg 2 must be a class, a tuple of classes, or a union"));
    }
    derives_from(cx, a, class)
}
pub fn issubclass(cx: &mut Cx, a: &Obj, class: &Obj) -> PyResult<bool> {
    if std::ptr::eq(class.ty(), &*cx.types.type_) && a.cast::<Type>().is_some() {
        return real_issubclass(cx, a, class);
    }
    if let Some(t) = class.cast::<Tuple>() {
        for c in t.items() {
            if cx.deeper(" in __subclasscheck__", |cx| issubclass(cx, a, c))? {
                return Ok(true);
            }
        }
        return Ok(false);
    }
    let name = cx.name("__subclasscheck__");
    match special(cx, class, &name)? {
        Some(f) => {
            let r = call(cx, &f, std::slice::from_ref(a))?;
            truth(cx, &r)
        }
        None => real_issubclass(cx, a, class),
    }
}
/// Whether an `except` clause catches.
pub fn exception_matches(cx: &mut Cx, exc: &Obj, pattern: &Obj) -> PyResult<bool> {
    let bad = "catching classes that do not inherit from BaseException is not allowed";
    let list = match pattern.cast::<Tuple>() {
        Some(t) => t.items(),
        None => std::slice::from_ref(pattern),
    };
    for p in list {
        if !p.cast::<Type>().is_some_and(|t| t.has(flags::EXCEPTION)) {
            return Err(cx.type_error(bad));
        }
    }
    // The handler's stack holds the exception's class; other callers have the exception.
    let class = exc.cast::<Type>().map_or_else(|| exc.ty(), std::ops::Deref::deref);
    Ok(list.iter().any(|p| p.cast::<Type>().is_some_and(|t| class.is_subtype(cx, t))))
}
/// The attributes a class pattern asks for, or `None` when the subject does not match.
pub fn match_class(cx: &mut Cx, subject: &Obj, class: &Obj, names: &Obj, positional: usize) -> PyResult<Option<Obj>> {
    let Some(t) = class.cast::<Type>().cloned() else { return Err(cx.type_error("called match pattern must be a class")) };
    if !isinstance(cx, subject, class)? {
        return Ok(None);
    }
    let mut out = Vec::new();
    let mut seen: Vec<Obj> = Vec::new();
    if positional > 0 {
        let key = cx.name("__match_args__");
        let args = match lookup_attr(cx, class, &key)? {
            Some(a) if a.cast::<Tuple>().is_some() => collect(cx, &a)?,
            Some(a) => return Err(cx.type_error(format!("{}.__match_args__ must be a tuple (got {})", t.name_text(), a.ty().name_text()))),
            None if t.has(flags::MATCH_SELF) => {
                if positional > 1 {
                    return Err(cx.type_error(format!("{}() accepts 1 positional sub-pattern ({positional} given)", t.name_text())));
                }
                out.push(subject.clone());
                Vec::new()
            }
            None => Vec::new(),
        };
        if out.is_empty() {
            if positional > args.len() {
                let s = if args.len() == 1 { "" } else { "s" };
                return Err(cx.type_error(format!("{}() accepts {} positional sub-pattern{s} ({positional} given)", t.name_text(), args.len())));
            }
            for (i, a) in args[..positional].iter().enumerate() {
                let twice = a.cast::<Str>().is_some_and(|a| args[..i].iter().any(|b| b.cast::<Str>().is_some_and(|b| b.same(a))));
                if twice {
                    let shown = repr_text(cx, a)?;
                    return Err(cx.type_error(format!("{}() got multiple sub-patterns for attribute {shown}", t.name_text())));
                }
                let Some(n) = a.cast::<Str>() else { return Err(cx.type_error(format!("__match_args__ elements must be strings (got {})", a.ty().name_text()))) };
                match lookup_attr(cx, subject, n)? {
                    Some(v) => out.push(v),
                    None => return Ok(None),
                }
                seen.push(a.clone());
            }
        }
    }
    for n in collect(cx, names)? {
        let Some(s) = n.cast::<Str>() else { continue };
        if seen.iter().any(|known| known.cast::<Str>().is_some_and(|k| k.same(s))) {
            let shown = repr_text(cx, &n)?;
            return Err(cx.type_error(format!("{}() got multiple sub-patterns for attribute {shown}", t.name_text())));
        }
        seen.push(n.clone());
        match lookup_attr(cx, subject, s)? {
            Some(v) => out.push(v),
            None => return Ok(None),
        }
    }
    cx.tuple(out).map(Some)
}

// ---- odds and ends

/// Whether the type of an object has a method of that name.
pub fn lookup_attr_quiet(cx: &mut Cx, o: &Obj, name: &'static str) -> bool {
    let name = cx.name(name);
    o.ty().lookup(cx, &name).is_some()
}
/// `__annotations__` of a class or module, evaluated on first use.
pub fn lazy_annotations(cx: &mut Cx, dict: &Ref<Dict>) -> PyResult {
    let key = cx.name("__annotations__");
    if let Some(a) = dict.get_str(cx, &key) {
        return Ok(a);
    }
    let f = cx.name("__annotate__");
    let made = match dict.get_str(cx, &f) {
        Some(f) if !f.is_none() => {
            let one = cx.int(1)?;
            call(cx, &f, &[one])?
        }
        _ => Dict::new(cx)?.into_obj(),
    };
    dict.insert(cx, key.as_obj(), made.clone())?;
    Ok(made)
}
/// `dir(o)`: own attributes and those of the class.
pub fn default_dir(cx: &mut Cx, o: &Obj) -> PyResult {
    let out = Dict::new(cx)?;
    let (own, class) = (cx.name("__dict__"), cx.name("__class__"));
    if let Some(d) = lookup_attr(cx, o, &own)?.filter(|d| d.cast::<Dict>().is_some()) {
        out.update_from(cx, &d)?;
    }
    // An object may show another class than it has.
    let shown = lookup_attr(cx, o, &class)?.and_then(|c| c.cast::<Type>().cloned());
    let classes = shown.map_or_else(Vec::new, |ty| ty.mro_list(cx).to_vec());
    for t in classes {
        if let Some(d) = t.cast::<Type>().and_then(|t| t.dict.cloned(cx)) {
            out.update_from(cx, d.as_obj())?;
        }
    }
    let keys = out.entries(cx).into_iter().map(|e| e.0).collect();
    cx.list(keys)
}
