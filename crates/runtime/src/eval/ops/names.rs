//! Locals that may be empty, globals, names of namespaces, cells.

use super::*;
use crate::cx::{Cx, PyResult};
use crate::eval::unwind::fail;
use crate::eval::{Slot, consume, give, peek, take};
use crate::object::{Obj, Ref};
use crate::protocol;
use crate::types::{CellObj, Dict, Str};

pub unsafe fn name_of<'a>(word: *mut u64) -> &'a Ref<Str> {
    // SAFETY: names live as long as the code.
    unsafe { &*(word as *const Ref<Str>) }
}

/// The error for an empty local.
#[cold]
unsafe fn unbound_local(cx: &mut Cx, register: usize) -> crate::cx::Raised {
    // SAFETY: the frame runs (promise 1).
    let code = unsafe { (*cx.stacks.top).function().code.cloned(cx) };
    let code = code.code();
    let name = code.register_name(register).map_or("?", |n| n);
    cx.error_of(&cx.types.unbound_local_error, format!("cannot access local variable '{name}' where it is not associated with a value"))
}

handler!(check_bound, 2, |cx, pc, regs| {
    let i = f(pc, 1);
    if peek(&*regs.add(i)).is_unbound() {
        return Err(unbound_local(cx, i));
    }
    Ok(())
});

handler!(delete_fast, 2, |cx, pc, regs| {
    let i = f(pc, 1);
    let unbound = cx.consts.unbound.as_ptr().as_ptr();
    let old = take(std::mem::replace(&mut *regs.add(i), unbound));
    if old.is_unbound() {
        return Err(unbound_local(cx, i));
    }
    cx.release(old);
    Ok(())
});

pub fn name_error(cx: &mut Cx, name: &Ref<Str>) -> crate::cx::Raised {
    let text = format!("name '{}' is not defined", name.to_text(cx));
    crate::types::exception::name_error(cx, text, name)
}

/// The value of a global: words 3 to 5 hold its address and the versions of both dicts. Turns itself into the version for
/// a name of the module, or of the built-ins.
#[inline(never)]
pub unsafe fn load_global<const D: u8>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: the slow part runs no Python but for errors.
    unsafe {
        at(cx, pc);
        let (v, owner) = load_global_slow(&mut *cx, pc);
        if v.is_null() {
            return fail(cx, pc, regs);
        }
        match owner {
            Owner::Module => quicken(cx, pc, load_global_known::<D, true>),
            Owner::Builtins => quicken(cx, pc, load_global_known::<D, false>),
            Owner::Other => {}
        }
        finish(cx, pc, regs, pc.add(6), D == 1, v)
    }
}

unsafe fn load_global_known<const D: u8, const OWN: bool>(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: the address is good while the version of the dict that has the name stands, and the one in front of it.
    unsafe {
        let function = (*(*cx).stacks.top).function.cast::<crate::types::Function>();
        let current = (*(*function).globals.as_ptr()).as_raw().as_ref().version() == *pc.add(4);
        if current && (OWN || (*(*function).builtins.as_ptr()).as_raw().as_ref().version() == *pc.add(5)) {
            let v = *(*pc.add(3) as *const Slot);
            incref(v);
            return finish(cx, pc, regs, pc.add(6), D == 1, v);
        }
        load_global::<D>(cx, pc, regs)
    }
}

/// Where a global was found; `Other`: in a subclass of dict, which is asked each time.
enum Owner {
    Module,
    Builtins,
    Other,
}

#[inline(never)]
unsafe fn load_global_slow(cx: &mut Cx, pc: *mut u64) -> (Slot, Owner) {
    // SAFETY: the running frame's function is alive.
    unsafe {
        let name = name_of(pc.add(2));
        let (g, b) = {
            let function = (*cx.stacks.top).function();
            (function.globals.cloned(cx), function.builtins.cloned(cx))
        };
        let mapped = b.stands_for(cx).is_some();
        if g.as_obj().shape() != shape::DICT || b.as_obj().shape() != shape::DICT || mapped {
            return (global(cx, name).map_or(std::ptr::null_mut(), give), Owner::Other);
        }
        for (d, owner) in [(&g, Owner::Module), (&b, Owner::Builtins)] {
            if let Some(i) = d.find_str(cx, name) {
                let slot = d.value_slot(cx, i);
                *pc.add(3) = slot as u64;
                *pc.add(4) = g.version();
                *pc.add(5) = b.version();
                return (give((*slot).clone()), owner);
            }
        }
        let _ = name_error(cx, name);
        (std::ptr::null_mut(), Owner::Other)
    }
}

fn namespace(cx: &Cx) -> Obj {
    match cx.stacks.current().and_then(|f| f.namespace().cloned()) {
        Some(n) => n,
        None => cx.stacks.current().map(|f| f.function().globals.cloned(cx).into_obj()).expect("a frame is running"),
    }
}

/// A name from a mapping: `None` when it has no such key.
pub(super) fn lookup_in(cx: &mut Cx, ns: &Obj, name: &Ref<Str>) -> PyResult<Option<Obj>> {
    match ns.cast::<Dict>() {
        Some(d) if ns.shape() == crate::object::shape::DICT => Ok(d.get_str(cx, name)),
        _ => {
            let r = protocol::getitem(cx, ns, name.as_obj());
            let key_error = cx.types.key_error.clone();
            cx.swallow(r, &key_error)
        }
    }
}

fn global(cx: &mut Cx, name: &Ref<Str>) -> PyResult {
    let (g, b) = {
        let f = cx.stacks.current().expect("a frame is running").function();
        (f.globals.cloned(cx), f.builtin_names(cx))
    };
    if let Some(v) = lookup_in(cx, g.as_obj(), name)? {
        return Ok(v);
    }
    match lookup_in(cx, &b, name)? {
        Some(v) => Ok(v),
        None => Err(name_error(cx, name)),
    }
}

handler!(load_name, 3, |cx, pc, regs| {
    let name = name_of(pc.add(2));
    let ns = namespace(cx);
    let v = match lookup_in(cx, &ns, name)? {
        Some(v) => v,
        None => global(cx, name)?,
    };
    *regs.add(f(pc, 0)) = give(v);
    Ok(())
});

handler!(store_name, 3, |cx, pc, regs| {
    let value = consume(cx, regs, f(pc, 1));
    store_in_namespace(cx, name_of(pc.add(2)), value)
});

// The `__qualname__` of a class body; 3.13 puts the line where the class begins behind it.
handler!(store_qualname, 3, |cx, pc, regs| {
    let value = consume(cx, regs, f(pc, 1));
    store_in_namespace(cx, name_of(pc.add(2)), value)?;
    let line = (*cx.stacks.top).function().code.get(cx).code().firstlineno;
    let (key, line) = (cx.name("__firstlineno__"), cx.int(i64::from(line))?);
    store_in_namespace(cx, &key, line)
});

fn store_in_namespace(cx: &mut Cx, name: &Ref<Str>, value: Obj) -> PyResult<()> {
    let ns = namespace(cx);
    match ns.cast::<Dict>() {
        Some(d) if ns.shape() == crate::object::shape::DICT => {
            let old = d.insert(cx, name.as_obj(), value)?;
            cx.release(old);
            Ok(())
        }
        _ => {
            let r = protocol::setitem(cx, &ns, name.as_obj(), Some(&value));
            cx.release(value);
            r
        }
    }
}

handler!(store_global, 3, |cx, pc, regs| {
    let name = name_of(pc.add(2));
    let value = consume(cx, regs, f(pc, 1));
    let g = (*cx.stacks.top).function().globals.cloned(cx);
    let old = g.insert(cx, name.as_obj(), value)?;
    cx.release(old);
    Ok(())
});

handler!(delete_name, 3, |cx, pc, _regs| {
    let name = name_of(pc.add(2));
    let ns = namespace(cx);
    if let Some(d) = ns.cast::<Dict>() {
        return match d.remove(cx, name.as_obj())? {
            Some(old) => {
                cx.release(old);
                Ok(())
            }
            None => Err(name_error(cx, name)),
        };
    }
    protocol::setitem(cx, &ns, name.as_obj(), None)
});

handler!(delete_global, 3, |cx, pc, _regs| {
    let name = name_of(pc.add(2));
    let g = (*cx.stacks.top).function().globals.cloned(cx);
    match g.remove(cx, name.as_obj())? {
        Some(old) => {
            cx.release(old);
            Ok(())
        }
        None => Err(name_error(cx, name)),
    }
});

handler!(load_build_class, 2, |cx, pc, regs| {
    // Of the built-in names alone: a program's own may answer anything.
    let builtins = cx.stacks.current().expect("a frame is running").function().builtin_names(cx);
    let name = cx.name("__build_class__");
    let found = lookup_in(cx, &builtins, &name)?;
    let class = cx.types.name_error.clone();
    let v = found.ok_or_else(|| cx.error_of(&class, "__build_class__ not found"))?;
    *regs.add(f(pc, 0)) = give(v);
    Ok(())
});

handler!(load_assertion_error, 2, |cx, pc, regs| {
    *regs.add(f(pc, 0)) = give(cx.types.assertion_error.as_obj().clone());
    Ok(())
});

handler!(setup_annotations, 2, |cx, _pc, _regs| {
    let ns = namespace(cx);
    let name = cx.name("__annotations__");
    if lookup_in(cx, &ns, &name)?.is_none() {
        let d = Dict::new(cx)?.into_obj();
        protocol::setitem(cx, &ns, name.as_obj(), Some(&d))?;
    }
    Ok(())
});

// ---- cells

fn free_error(cx: &mut Cx, index: usize) -> crate::cx::Raised {
    let code = cx.stacks.current().expect("a frame is running").function().code.cloned(cx);
    let c = code.code();
    match c.cellvars.get(index) {
        Some(name) => cx.error_of(&cx.types.unbound_local_error, format!("cannot access local variable '{name}' where it is not associated with a value")),
        None => {
            let name = c.freevars[index - c.cellvars.len()].clone();
            cx.error_of(&cx.types.name_error, format!("cannot access free variable '{name}' where it is not associated with a value in enclosing scope"))
        }
    }
}

/// The name of the cell or free variable with this index.
fn cell_name(cx: &mut Cx, index: usize) -> PyResult<Ref<Str>> {
    let code = cx.stacks.current().expect("a frame is running").function().code.cloned(cx);
    let c = code.code();
    let text = c.cellvars.get(index).cloned().unwrap_or_else(|| c.freevars[index - c.cellvars.len()].clone());
    crate::types::str::intern_text(cx, &text)
}

pub unsafe fn load_deref(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: cell registers hold cells; a handle or nothing lies in one.
    unsafe {
        let cell = &*(*regs.add(f(pc, 1))).cast::<CellObj>();
        let v = *cell.value.as_ptr().cast::<Slot>();
        if v.is_null() {
            return load_empty_deref(cx, pc, regs);
        }
        incref(v);
        *regs.add(f(pc, 0)) = v;
        go(cx, pc.add(2), regs)
    }
}

handler!(load_empty_deref, 2, |cx, pc, regs| {
    let slot = *regs.add(f(pc, 1));
    let value = peek(&slot).cast::<CellObj>().and_then(|c| c.value.cloned(cx));
    match value {
        Some(v) => {
            *regs.add(f(pc, 0)) = give(v);
            Ok(())
        }
        None => Err(free_error(cx, f(pc, 3))),
    }
});

handler!(load_classderef, 2, |cx, pc, regs| {
    let index = f(pc, 3);
    let name = cell_name(cx, index)?;
    let ns = namespace(cx);
    let found = lookup_in(cx, &ns, &name)?;
    let slot = *regs.add(f(pc, 1));
    let v = match found {
        Some(v) => v,
        None => peek(&slot).cast::<CellObj>().and_then(|c| c.value.cloned(cx)).ok_or_else(|| free_error(cx, index))?,
    };
    *regs.add(f(pc, 0)) = give(v);
    Ok(())
});

// The name of an annotation scope inside a class: the class's namespace is
// on top and goes first (PEP 695).
handler!(load_from_dict_or_globals, 3, |cx, pc, regs| {
    let name = name_of(pc.add(2));
    let ns = consume(cx, regs, f(pc, 1));
    let found = lookup_in(cx, &ns, name);
    cx.release(ns);
    let v = match found? {
        Some(v) => v,
        None => global(cx, name)?,
    };
    *regs.add(f(pc, 0)) = give(v);
    Ok(())
});

handler!(load_from_dict_or_deref, 2, |cx, pc, regs| {
    let index = f(pc, 3);
    let name = cell_name(cx, index)?;
    let ns = consume(cx, regs, f(pc, 1));
    let found = lookup_in(cx, &ns, &name);
    cx.release(ns);
    let slot = *regs.add(f(pc, 2));
    let v = match found? {
        Some(v) => v,
        None => peek(&slot).cast::<CellObj>().and_then(|c| c.value.cloned(cx)).ok_or_else(|| free_error(cx, index))?,
    };
    *regs.add(f(pc, 0)) = give(v);
    Ok(())
});

pub unsafe fn load_closure(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: cell registers hold cells.
    unsafe {
        let c = *regs.add(f(pc, 1));
        incref(c);
        *regs.add(f(pc, 0)) = c;
        go(cx, pc.add(2), regs)
    }
}

pub unsafe fn store_deref(cx: *mut Cx, pc: *mut u64, regs: *mut Slot) {
    // SAFETY: cell registers hold cells; the temporary moves into one, what was there dies last.
    unsafe {
        let cell = &*(*regs.add(f(pc, 0))).cast::<CellObj>();
        let place = cell.value.as_ptr().cast::<Slot>();
        let old = std::mem::replace(&mut *place, *regs.add(f(pc, 1)));
        if old.is_null() { go(cx, pc.add(2), regs) } else { go_without(cx, pc, regs, pc.add(2), old) }
    }
}

handler!(delete_deref, 2, |cx, pc, regs| {
    let slot = *regs.add(f(pc, 0));
    let Some(c) = peek(&slot).cast::<CellObj>() else { return Ok(()) };
    match c.value.replace(cx, None) {
        Some(old) => {
            cx.release(old);
            Ok(())
        }
        None => Err(free_error(cx, f(pc, 3))),
    }
});
