//! `_symtable`: the compiler's symbol tables.

use crate::{decoded, syntax_error};
use retic_compiler::{Entry, Mode, SYMTABLE_FLAGS};
use retic_runtime::object::Guarded;
use retic_runtime::types::type_::flags;
use retic_runtime::types::{Dict, Slots, Spec, Str, module};
use retic_runtime::{Cx, Obj, PyResult, Ref, layout, memory, protocol};

layout! {
    /// One table; the tables within it are its children.
    pub struct Table = 320, "symtable entry" {
        name: Guarded<Obj>,
        symbols: Guarded<Obj>,
        varnames: Guarded<Obj>,
        children: Guarded<Obj>,
        numbers: std::cell::Cell<(u32, u32, bool)>,
    }
}

#[retic_macros::methods]
impl Table {
    #[get("id")]
    fn id(_: &mut Cx, this: &Ref<Table>) -> usize {
        this.as_obj().address()
    }
    #[get("name")]
    fn get_name(cx: &mut Cx, this: &Ref<Table>) -> Obj {
        this.name.cloned(cx)
    }
    #[get("symbols")]
    fn get_symbols(cx: &mut Cx, this: &Ref<Table>) -> Obj {
        this.symbols.cloned(cx)
    }
    #[get("varnames")]
    fn get_varnames(cx: &mut Cx, this: &Ref<Table>) -> Obj {
        this.varnames.cloned(cx)
    }
    #[get("children")]
    fn get_children(cx: &mut Cx, this: &Ref<Table>) -> Obj {
        this.children.cloned(cx)
    }
    #[get("type")]
    fn kind(_: &mut Cx, this: &Ref<Table>) -> i64 {
        this.numbers.get().0.into()
    }
    #[get("lineno")]
    fn lineno(_: &mut Cx, this: &Ref<Table>) -> i64 {
        this.numbers.get().1.into()
    }
    #[get("nested")]
    fn nested(_: &mut Cx, this: &Ref<Table>) -> i64 {
        this.numbers.get().2.into()
    }
}

/// A table and all within it. Tables nest as deep as the program does, which has been read.
fn table(cx: &mut Cx, entry: &Entry) -> PyResult {
    let mut children = Vec::with_capacity(entry.children.len());
    for c in &entry.children {
        let made = cx.deeper(" while building a symbol table", |cx| table(cx, c))?;
        children.push(made);
    }
    let symbols = Dict::new(cx)?;
    for (name, flags) in &entry.symbols {
        let (name, flags) = (cx.str(name)?, cx.int(i64::from(*flags))?);
        let old = symbols.insert(cx, &name, flags)?;
        cx.release(old);
    }
    let varnames = entry.parameters.iter().map(|p| cx.str(p)).collect::<PyResult<Vec<_>>>()?;
    let (varnames, children) = (cx.list(varnames)?, cx.list(children)?);
    let name = cx.str(&entry.name)?;
    let ty = cx.native_type("symtable entry");
    let made = memory::new(cx, &ty, |head| Table {
        head,
        name: Guarded::new(name),
        symbols: Guarded::new(symbols.into_obj()),
        varnames: Guarded::new(varnames),
        children: Guarded::new(children),
        numbers: std::cell::Cell::new((entry.kind as u32, entry.line, entry.nested)),
    })?;
    Ok(made.into_obj())
}

#[retic_macros::methods]
mod functions {
    use super::*;

    /// The symbol tables of a program (a str or bytes), from that of its module on. `startstr` is the mode of compile().
    #[py("symtable(source, filename, startstr, /)")]
    pub fn symtable(cx: &mut Cx, source: &Obj, filename: &Obj, startstr: &Ref<Str>) -> PyResult {
        let name = if filename.cast::<Str>().is_some() {
            filename.clone()
        } else {
            let os = retic_runtime::modules::import::import(cx, "os")?;
            protocol::call_method(cx, &os, "fsdecode", std::slice::from_ref(filename))?
        };
        let file = protocol::str_text(cx, &name)?;
        let mode = match startstr.to_text(cx).as_str() {
            "exec" => Mode::Exec,
            "eval" => Mode::Eval,
            "single" => Mode::Single,
            _ => return Err(cx.value_error("symtable() arg 3 must be 'exec' or 'eval' or 'single'")),
        };
        let text = match source.cast::<Str>() {
            Some(s) => s.to_text(cx),
            None if protocol::buffer::exports(cx, source) => {
                let bytes = protocol::buffer::bytes(cx, source)?;
                decoded(cx, &bytes, &file, false)?
            }
            None => return Err(cx.type_error("symtable() arg 1 must be a string or bytes object")),
        };
        if text.contains('\0') {
            return Err(cx.error_of(&cx.types.syntax_error, "source code string cannot contain null bytes"));
        }
        match retic_compiler::symtable(&text, mode) {
            Ok(entry) => table(cx, &entry),
            Err(e) => Err(syntax_error(cx, &e, &file, &crate::read(&text, mode))),
        }
    }
}

pub fn make(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "_symtable", "The compiler's symbol tables.", functions::FUNCTIONS)?;
    let spec = Spec {
        flags: flags::GC,
        slots: Slots {
            repr: Some(|cx, o| {
                let Some(t) = o.cast::<Table>().cloned() else { return cx.str("<symtable entry>") };
                let name = t.name.cloned(cx);
                let name = protocol::str_text(cx, &name)?;
                cx.str(&format!("<symtable entry {name}({}), line {}>", o.address(), t.numbers.get().1))
            }),
            ..Slots::EMPTY
        },
        getset: Table::GETSET,
        ..Spec::new::<Table>("symtable entry")
    };
    let base = cx.types.object.clone();
    retic_runtime::interp::native_type(cx, &spec, &base)?;
    for (name, value) in SYMTABLE_FLAGS {
        m.set_int(cx, name, i64::from(*value))?;
    }
    Ok(m.into_obj())
}
