//! Arguments to parameters. Arguments lie on the value stack already; `arrange` moves them to their parameters in place.
//! Where that cannot be done the arguments are wrong, and `refuse` finds the words.

use super::{Exec, Slot, give, peek, take};
use crate::cx::{Cx, PyResult, Raised};
use crate::native::Args;
use crate::object::{Obj, Ref};
use crate::types::{Dict, Function, Str, Tuple};
use retic_bytecode::code::*;

/// Most keywords of a call, and most parameters of a function, that are arranged without asking for memory.
const KEYWORDS_MAX: usize = 24;

/// Which parameter a keyword names.
pub(super) fn parameter(exec: &Exec, name: &Obj) -> Option<usize> {
    let candidates = &exec.params[exec.posonly..];
    let found = candidates.iter().position(|p| p.is(name)).or_else(|| {
        let text = name.cast::<Str>()?;
        candidates.iter().position(|p| p.cast::<Str>().is_some_and(|p| p.same(text)))
    });
    found.map(|i| i + exec.posonly)
}

/// Puts `n` positional arguments at `base`, and the keyword arguments behind them, where the parameters are: positional
/// with defaults, keyword-only, `*args`, `**kwargs` (which is the dict `keywords` if there is one). False: they do not fit,
/// and nothing was moved.
///
/// # Safety
/// `base` is above all registers in use, or the window of a call; each argument is owned. Names are exact strings: Python
/// that ran here would use the same place.
pub(super) unsafe fn arrange(cx: &mut Cx, f: &Ref<Function>, exec: &Exec, base: *mut Slot, n: usize, names: &[Obj], keywords: Option<Obj>) -> bool {
    // SAFETY: as promised; whatever can fail is done before the first argument moves.
    unsafe {
        let (argcount, named) = (exec.argcount, exec.params.len());
        if names.len() > KEYWORDS_MAX || named > 64 {
            return arrange_many(cx, f, exec, base, n, names);
        }
        if n > argcount && !exec.star {
            return false;
        }
        // Which parameters have a value, and where each keyword goes.
        let mut given: u64 = if n.min(argcount) >= 64 { u64::MAX } else { (1 << n.min(argcount)) - 1 };
        let mut places = [0u8; KEYWORDS_MAX];
        let mut kwdict = None;
        if let Some(d) = keywords {
            kwdict = d.cast::<Dict>().cloned();
        } else if exec.star_star {
            match Dict::new(cx) {
                Ok(d) => kwdict = Some(d),
                Err(_) => {
                    cx.clear_error();
                    return false;
                }
            }
        }
        const TO_DICT: u8 = u8::MAX;
        for (k, name) in names.iter().enumerate() {
            match parameter(exec, name) {
                Some(i) if given >> i & 1 == 1 => return false,
                Some(i) => {
                    given |= 1 << i;
                    places[k] = i as u8;
                }
                None => {
                    let Some(d) = kwdict.as_ref().filter(|_| name.cast::<Str>().is_some()) else { return false };
                    if d.insert(cx, name, peek(&*base.add(n + k)).clone()).is_err() {
                        cx.clear_error();
                        return false;
                    }
                    places[k] = TO_DICT;
                }
            }
        }
        // What is missing has a default.
        let all = if named == 64 { u64::MAX } else { (1u64 << named) - 1 };
        let missing = all & !given;
        let mut keyword_defaults: Vec<Obj> = Vec::new();
        let mut first_default = argcount;
        let mut defaults: &[Obj] = &[];
        if missing != 0 {
            if let Some(d) = f.defaults.get(cx).as_ref().and_then(|d| d.cast::<Tuple>()) {
                defaults = d.items();
            }
            first_default = argcount.saturating_sub(defaults.len());
            let positional = if argcount >= 64 { u64::MAX } else { (1 << argcount) - 1 };
            let without = if first_default >= 64 { u64::MAX } else { (1u64 << first_default) - 1 };
            if missing & positional & without != 0 {
                return false;
            }
            let kwdefaults = f.kwdefaults.get(cx).as_ref().and_then(|d| d.cast::<Dict>());
            for i in (argcount..named).filter(|i| missing >> i & 1 == 1) {
                let value = exec.params[i].cast::<Str>().and_then(|name| kwdefaults?.get_str(cx, name));
                let Some(v) = value else { return false };
                keyword_defaults.push(v);
            }
        }
        let mut rest = std::ptr::null_mut();
        if exec.star {
            // The last thing that may fail: these move at once.
            match Tuple::of_slots(cx, base.add(argcount.min(n)).cast::<Obj>(), n.saturating_sub(argcount)) {
                Ok(t) => rest = give(t),
                Err(_) => {
                    cx.clear_error();
                    return false;
                }
            }
        }
        // Now they move.
        let mut values = [std::ptr::null_mut(); KEYWORDS_MAX];
        std::ptr::copy_nonoverlapping(base.add(n), values.as_mut_ptr(), names.len());
        if missing != 0 {
            for i in (n.min(argcount)..argcount).filter(|i| missing >> i & 1 == 1) {
                let skip = defaults.len() - (argcount - first_default);
                *base.add(i) = give(defaults[skip + i - first_default].clone());
            }
            for (i, v) in (argcount..named).filter(|i| missing >> i & 1 == 1).zip(keyword_defaults) {
                *base.add(i) = give(v);
            }
        }
        for (k, v) in values.iter().take(names.len()).enumerate() {
            if places[k] == TO_DICT { drop(take(*v)) } else { *base.add(usize::from(places[k])) = *v }
        }
        let mut at = named;
        if exec.star {
            *base.add(at) = rest;
            at += 1;
        }
        if let Some(d) = kwdict {
            *base.add(at) = give(d.into_obj());
        }
        true
    }
}

/// As `arrange`, for calls with very many keywords and functions of very many parameters.
#[cold]
unsafe fn arrange_many(cx: &mut Cx, f: &Ref<Function>, exec: &Exec, base: *mut Slot, n: usize, names: &[Obj]) -> bool {
    // SAFETY: the arguments are copied; the originals go when the copies are in place.
    unsafe {
        let total = n + names.len();
        let items: Vec<Obj> = (0..total).map(|i| peek(&*base.add(i)).clone()).collect();
        let Ok(values) = bind(cx, f, Args { items: &items, names }) else {
            cx.clear_error();
            return false;
        };
        for i in 0..total {
            drop(take(*base.add(i)));
        }
        put(cx, exec, base, values);
        true
    }
}

/// Puts bound values into the registers of the parameters.
///
/// # Safety
/// The registers at `base` are free.
pub(super) unsafe fn put(cx: &Cx, exec: &Exec, base: *mut Slot, values: Vec<Option<Obj>>) {
    for (i, v) in values.into_iter().enumerate().take(exec.arg_slots) {
        // SAFETY: as promised.
        unsafe { *base.add(i) = give(v.unwrap_or_else(|| cx.consts.unbound.clone())) };
    }
}

/// Raises what is wrong with arguments that `arrange` did not take.
#[cold]
#[inline(never)]
pub(super) fn refuse(cx: &mut Cx, f: &Ref<Function>, items: Vec<Obj>, names: &[Obj]) -> Raised {
    let r = bind(cx, f, Args { items: &items, names });
    match r {
        Err(r) => {
            cx.release_with_error(items);
            r
        }
        // Only memory was missing.
        Ok(values) => {
            cx.release(values);
            cx.release(items);
            cx.memory_error()
        }
    }
}

/// The values of the parameters, the slow way: it finds the words for what is wrong.
pub(super) fn bind(cx: &mut Cx, f: &Ref<Function>, args: Args<'_>) -> PyResult<Vec<Option<Obj>>> {
    let code_obj = f.code.cloned(cx);
    let code = code_obj.code().clone();
    let (argcount, kwonly, posonly) = (code.argcount as usize, code.kwonlyargcount as usize, code.posonlyargcount as usize);
    let has_star = code.flags & CO_VARARGS != 0;
    let has_kw = code.flags & CO_VARKEYWORDS != 0;
    let mut out: Vec<Option<Obj>> = vec![None; code.arg_slots()];
    let positional = args.positional();
    let n = positional.len();
    let name = f.qualname_text(cx);
    for (slot, v) in out.iter_mut().zip(positional.iter().take(argcount)) {
        *slot = Some(v.clone());
    }
    let kwdict = if has_kw { Some(Dict::new(cx)?) } else { None };
    let mut posonly_named: Vec<String> = Vec::new();
    for (key, value) in args.keywords() {
        let Some(k) = key.cast::<Str>() else { return Err(cx.type_error(format!("{name}() keywords must be strings"))) };
        let found = code.varnames[..argcount + kwonly].iter().enumerate().skip(posonly).find(|(_, v)| k.eq_str(cx, v)).map(|(i, _)| i);
        match found {
            Some(i) if out[i].is_some() => return Err(cx.type_error(format!("{name}() got multiple values for argument '{}'", code.varnames[i]))),
            Some(i) => out[i] = Some(value.clone()),
            None => match &kwdict {
                Some(d) => {
                    d.insert(cx, key, value.clone())?;
                }
                None => {
                    let text = k.to_text(cx);
                    if code.varnames[..posonly].iter().any(|v| **v == *text) {
                        posonly_named.push(text);
                        continue;
                    }
                    let hint = crate::suggestions::hint(&text, code.varnames[posonly..argcount + kwonly].iter().map(|v| &**v));
                    return Err(cx.type_error(format!("{name}() got an unexpected keyword argument '{text}'{hint}")));
                }
            },
        }
    }
    if !posonly_named.is_empty() {
        return Err(cx.type_error(format!("{name}() got some positional-only arguments passed as keyword arguments: '{}'", posonly_named.join(", "))));
    }
    if n > argcount && !has_star {
        return Err(too_many(cx, f, &code, n, &out));
    }
    let defaults: Vec<Obj> = f.defaults.get(cx).as_ref().and_then(|d| d.cast::<Tuple>()).map(|t| t.items().to_vec()).unwrap_or_default();
    let first_default = argcount.saturating_sub(defaults.len());
    let missing: Vec<&str> = (0..first_default).filter(|i| out[*i].is_none()).map(|i| &*code.varnames[i]).collect();
    if !missing.is_empty() {
        return Err(missing_error(cx, &name, "positional", &missing));
    }
    for (i, d) in defaults.iter().enumerate().skip(defaults.len().saturating_sub(argcount)) {
        let at = first_default + i;
        if at < argcount && out[at].is_none() {
            out[at] = Some(d.clone());
        }
    }
    if kwonly > 0 {
        let mut missing = Vec::new();
        for (i, slot) in out.iter_mut().enumerate().skip(argcount).take(kwonly) {
            if slot.is_some() {
                continue;
            }
            let key = crate::types::str::intern_text(cx, &code.varnames[i])?;
            let default = f.kwdefaults.get(cx).as_ref().and_then(|d| d.cast::<Dict>()).and_then(|d| d.get_str(cx, &key));
            match default {
                Some(v) => *slot = Some(v),
                None => missing.push(&*code.varnames[i]),
            }
        }
        if !missing.is_empty() {
            return Err(missing_error(cx, &name, "keyword-only", &missing));
        }
    }
    let mut at = argcount + kwonly;
    if has_star {
        let rest = if n > argcount { positional[argcount..].to_vec() } else { Vec::new() };
        out[at] = Some(cx.tuple(rest)?);
        at += 1;
    }
    if let Some(d) = kwdict {
        out[at] = Some(d.into_obj());
    }
    Ok(out)
}

fn missing_error(cx: &Cx, name: &str, kind: &str, missing: &[&str]) -> crate::cx::Raised {
    let quoted: Vec<String> = missing.iter().map(|m| format!("'{m}'")).collect();
    let list = match &quoted[..] {
        [a] => a.clone(),
        [a, b] => format!("{a} and {b}"),
        [rest @ .., last] => format!("{}, and {last}", rest.join(", ")),
        [] => String::new(),
    };
    let s = if missing.len() == 1 { "" } else { "s" };
    cx.type_error(format!("{name}() missing {} required {kind} argument{s}: {list}", missing.len()))
}

fn too_many(cx: &Cx, f: &Ref<Function>, code: &Code, given: usize, out: &[Option<Obj>]) -> crate::cx::Raised {
    let name = f.qualname_text(cx);
    let max = code.argcount as usize;
    let defaults = f.defaults.get(cx).as_ref().and_then(|d| d.cast::<Tuple>()).map_or(0, |t| t.items().len());
    let (takes, plural) = if defaults > 0 { (format!("from {} to {max}", max - defaults), true) } else { (max.to_string(), max != 1) };
    let kwonly_given = out[max..max + code.kwonlyargcount as usize].iter().filter(|o| o.is_some()).count();
    let extra = if kwonly_given > 0 {
        let s = |n: usize| if n == 1 { "" } else { "s" };
        format!(" positional argument{} (and {kwonly_given} keyword-only argument{})", s(given), s(kwonly_given))
    } else {
        String::new()
    };
    let was = if given == 1 && kwonly_given == 0 { "was" } else { "were" };
    cx.type_error(format!("{name}() takes {takes} positional argument{} but {given}{extra} {was} given", if plural { "s" } else { "" }))
}
