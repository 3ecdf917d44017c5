//! Where each name lives: the scopes of a program resolved, from the module on inward (analyze_block of symtable.c).

use super::{DEF_BOUND, DEF_FREE_CLASS, DEF_GLOBAL, DEF_NONLOCAL, DEF_TYPE_PARAM, Done, Resolved, ScopeKind, Symbol, Table};
use crate::error::Lines;
use ruff_text_size::TextRange;
use rustc_hash::{FxHashMap, FxHashSet};
use std::rc::Rc;

pub(super) type Names = FxHashSet<Rc<str>>;

/// What a scope finds around it.
#[derive(Clone, Default)]
pub(super) struct Around {
    /// Names bound in the functions around; none in the module.
    bound: Option<Names>,
    /// Those of them that are type parameters.
    type_params: Names,
    /// The class whose names an annotation scope sees first.
    class: Option<usize>,
}

/// Resolves the names of one scope and its children (analyze_block of symtable.c).
pub(super) fn analyze(table: &mut Table, id: usize, around: &Around, free: &mut Names, global: &mut Names, lines: &Lines) -> Done {
    stacker::maybe_grow(64 << 10, 1 << 20, || analyze_inner(table, id, around, free, global, lines))
}

fn analyze_inner(table: &mut Table, id: usize, around: &Around, free: &mut Names, global: &mut Names, lines: &Lines) -> Done {
    let bound = around.bound.as_ref();
    let mut type_params = around.type_params.clone();
    let kind = table.scopes[id].kind;
    let is_function = matches!(kind, ScopeKind::Function | ScopeKind::Annotation);
    let mut local = Names::default();
    let mut bound_here: Option<Names> = bound.cloned();
    let mut new_global = Names::default();
    let mut new_bound = Names::default();
    let mut new_free = Names::default();
    if kind == ScopeKind::Class {
        new_global.extend(global.iter().cloned());
        new_bound.extend(bound.into_iter().flatten().cloned());
    }
    let mut names: Vec<Rc<str>> = table.scopes[id].symbols.keys().cloned().collect();
    names.sort();
    // A name that the class binds is asked of it when the code runs, and of no function around it then.
    let mut seen_in_class: FxHashMap<Rc<str>, Resolved> = FxHashMap::default();
    if let Some(class) = around.class.filter(|_| table.scopes[id].sees_class) {
        for (name, symbol) in &table.scopes[class].symbols {
            if symbol.flags & DEF_GLOBAL != 0 {
                seen_in_class.insert(name.clone(), Resolved::GlobalExplicit);
            } else if symbol.flags & DEF_BOUND != 0 && symbol.flags & DEF_NONLOCAL == 0 {
                seen_in_class.insert(name.clone(), Resolved::GlobalImplicit);
            }
        }
    }
    for name in names {
        let nested = table.scopes[id].nested;
        let Some(symbol) = table.scopes[id].symbols.get_mut(&name) else { continue };
        let (flags, at) = (symbol.flags, symbol.at);
        let fail = |text: String| Err(lines.error(text, at.start().to_u32(), at.end().to_u32()));
        let mut has_free = false;
        let resolved = if flags & DEF_GLOBAL != 0 {
            if flags & DEF_NONLOCAL != 0 {
                return fail(format!("name '{name}' is nonlocal and global"));
            }
            global.insert(name.clone());
            if let Some(b) = &mut bound_here {
                b.remove(&name);
            }
            Resolved::GlobalExplicit
        } else if flags & DEF_NONLOCAL != 0 {
            if bound.is_none() {
                return fail("nonlocal declaration not allowed at module level".into());
            }
            if !bound_here.as_ref().is_some_and(|b| b.contains(&name)) {
                return fail(format!("no binding for nonlocal '{name}' found"));
            }
            if type_params.contains(&name) {
                return fail(format!("nonlocal binding not allowed for type parameter '{name}'"));
            }
            has_free = true;
            free.insert(name.clone());
            Resolved::Free
        } else if flags & DEF_BOUND != 0 {
            local.insert(name.clone());
            global.remove(&name);
            if flags & DEF_TYPE_PARAM != 0 {
                type_params.insert(name.clone());
            } else {
                type_params.remove(&name);
            }
            Resolved::Local
        } else if let Some(resolved) = seen_in_class.get(&name) {
            *resolved
        } else if bound_here.as_ref().is_some_and(|b| b.contains(&name)) {
            has_free = true;
            free.insert(name.clone());
            Resolved::Free
        } else if global.contains(&name) {
            Resolved::GlobalImplicit
        } else {
            has_free = nested;
            Resolved::GlobalImplicit
        };
        if let Some(symbol) = table.scopes[id].symbols.get_mut(&name) {
            symbol.resolved = Some(resolved);
        }
        table.scopes[id].has_free |= has_free;
    }
    if kind != ScopeKind::Class {
        if is_function {
            new_bound.extend(local.iter().cloned());
        }
        new_bound.extend(bound_here.iter().flatten().cloned());
        new_global.extend(global.iter().cloned());
    } else {
        new_bound.insert("__class__".into());
        new_bound.insert("__classdict__".into());
    }
    let inside = Around { bound: Some(new_bound), type_params, class: if kind == ScopeKind::Class { Some(id) } else { around.class } };
    for child in table.scopes[id].children.clone() {
        let mut child_free = Names::default();
        let mut child_global = new_global.clone();
        analyze(table, child, &inside, &mut child_free, &mut child_global, lines)?;
        if table.scopes[child].has_free {
            table.scopes[id].has_free |= !child_free.is_empty();
        }
        new_free.extend(child_free);
    }
    let scope = &mut table.scopes[id];
    if is_function {
        for (name, symbol) in scope.symbols.iter_mut() {
            if symbol.resolved == Some(Resolved::Local) && new_free.remove(name) {
                symbol.resolved = Some(Resolved::Cell);
            }
        }
    } else if kind == ScopeKind::Class {
        scope.needs_class_closure |= new_free.remove("__class__");
        scope.needs_classdict |= new_free.remove("__classdict__");
    }
    let through: Vec<Rc<str>> = new_free.iter().cloned().collect();
    for name in through {
        match scope.symbols.get_mut(&name) {
            Some(symbol) => {
                let global = matches!(symbol.resolved, Some(Resolved::GlobalExplicit | Resolved::GlobalImplicit));
                if kind == ScopeKind::Class && symbol.flags & (DEF_BOUND | DEF_GLOBAL) != 0 || scope.sees_class && global {
                    symbol.flags |= DEF_FREE_CLASS;
                }
            }
            None => {
                if bound_here.as_ref().is_some_and(|b| !b.contains(&name)) {
                    continue;
                }
                scope.symbols.insert(name.clone(), Symbol { flags: 0, resolved: Some(Resolved::Free), at: TextRange::default() });
            }
        }
    }
    if id == 0 {
        new_free.clear();
    }
    free.extend(new_free);
    Ok(())
}
