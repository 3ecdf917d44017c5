//! What `copy` and `pickle` ask of an object: `object.__reduce_ex__` and `object.__getstate__` (PEP 307, PEP 3154).

use super::{call, call_method, getattr, iter, lookup_attr, special};
use crate::cx::{Cx, PyResult};
use crate::modules::import;
use crate::object::Obj;
use crate::types::type_::flags;
use crate::types::{Dict, List, Str, Tuple};

/// The names of `__slots__` of a class and its bases, by `copyreg`.
fn slot_names(cx: &mut Cx, o: &Obj) -> PyResult<Vec<Obj>> {
    if !o.ty().is_heap() {
        return Ok(Vec::new());
    }
    let copyreg = import(cx, "copyreg")?;
    let class = o.type_ref().into_obj();
    let names = call_method(cx, &copyreg, "_slotnames", &[class])?;
    super::collect(cx, &names)
}

/// `object.__getstate__`: the dict, and the values of slots where there are any; None for neither.
pub fn getstate(cx: &mut Cx, o: &Obj) -> PyResult {
    let mut state = cx.none();
    if o.ty().has(flags::DICT) {
        let d = crate::types::object::dict_of(cx, o)?;
        if d.len(cx) > 0 {
            state = d.copy(cx)?.into_obj();
        }
    }
    let values = Dict::new(cx)?;
    for name in slot_names(cx, o)? {
        let Some(name) = name.cast::<Str>().cloned() else { continue };
        if let Some(v) = lookup_attr(cx, o, &name)? {
            let old = values.insert(cx, name.as_obj(), v)?;
            cx.release(old);
        }
    }
    if values.len(cx) > 0 { cx.tuple_of([state, values.into_obj()]) } else { Ok(state) }
}

/// `object.__reduce_ex__(protocol)`.
pub fn reduce(cx: &mut Cx, o: &Obj, protocol: i64) -> PyResult {
    let copyreg = import(cx, "copyreg")?;
    if protocol < 2 {
        let p = cx.int(protocol)?;
        return call_method(cx, &copyreg, "_reduce_ex", &[o.clone(), p]);
    }
    let class = o.type_ref();
    let cannot = |cx: &mut Cx| cx.type_error(format!("cannot pickle '{}' object", o.ty().name_text()));
    if class.slots(cx).new.is_none() {
        return Err(cannot(cx));
    }
    let (mut args, mut kwargs) = (None, None);
    let (with_keywords, plain) = (cx.name("__getnewargs_ex__"), cx.name("__getnewargs__"));
    if let Some(f) = special(cx, o, &with_keywords)? {
        let pair = call(cx, &f, &[])?;
        let Some(parts) = pair.cast::<Tuple>().map(|t| t.items()) else {
            return Err(cx.type_error(format!("__getnewargs_ex__ should return a tuple, not '{}'", pair.ty().name_text())));
        };
        let [a, k] = parts else {
            return Err(cx.value_error(format!("__getnewargs_ex__ should return a tuple of length 2, not {}", parts.len())));
        };
        let item = |cx: &mut Cx, which: &str, wanted: &str, o: &Obj| {
            cx.type_error(format!("{which} item of the tuple returned by __getnewargs_ex__ must be a {wanted}, not '{}'", o.ty().name_text()))
        };
        if a.cast::<Tuple>().is_none() {
            return Err(item(cx, "first", "tuple", a));
        }
        if k.cast::<Dict>().is_none() {
            return Err(item(cx, "second", "dict", k));
        }
        (args, kwargs) = (Some(a.clone()), Some(k.clone()));
    } else if let Some(f) = special(cx, o, &plain)? {
        args = Some(call(cx, &f, &[])?);
    }
    if let Some(a) = args.as_ref().filter(|a| a.cast::<Tuple>().is_none()) {
        return Err(cx.type_error(format!("__getnewargs__ should return a tuple, not '{}'", a.ty().name_text())));
    }
    let (list, dict) = (o.cast::<List>().is_some(), o.cast::<Dict>().is_some());
    let state_name = cx.name("__getstate__");
    let usual = cx.types.object.clone().lookup(cx, &state_name);
    let own_state = class.lookup(cx, &state_name).is_some_and(|f| !usual.is_some_and(|u| u.is(&f)));
    // State that is not in attributes cannot be asked for, unless the class says it.
    if !own_state && args.is_none() && !list && !dict && !crate::types::object::is_plain(cx, o) {
        return Err(cannot(cx));
    }
    let name = cx.name("__getstate__");
    let f = getattr(cx, o, &name)?;
    let state = call(cx, &f, &[])?;
    let items = if list { iter(cx, o)? } else { cx.none() };
    let pairs = if dict {
        let view = call_method(cx, o, "items", &[])?;
        iter(cx, &view)?
    } else {
        cx.none()
    };
    let args = match args {
        Some(a) => a,
        None => cx.tuple(Vec::new())?,
    };
    let (maker, made) = match kwargs.filter(|k| k.cast::<Dict>().is_none_or(|d| d.len(cx) > 0)) {
        Some(k) => ("__newobj_ex__", cx.tuple_of([class.into_obj(), args, k])?),
        None => {
            let mut all = vec![class.into_obj()];
            all.extend(args.cast::<Tuple>().into_iter().flat_map(|t| t.items().to_vec()));
            ("__newobj__", cx.tuple(all)?)
        }
    };
    let name = cx.name(maker);
    let maker = getattr(cx, &copyreg, &name)?;
    cx.tuple_of([maker, made, state, items, pairs])
}
