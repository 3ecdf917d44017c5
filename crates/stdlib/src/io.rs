//! `_io`: files, buffers, text streams. As `Lib/_pyio.py` describes them, natively.

mod base;
mod buffered;
mod bytesio;
mod cookie;
mod fileio;
mod newline;
mod open;
mod stringio;
mod text;

use retic_runtime::types::{Type, module};
use retic_runtime::{Cx, Obj, PyResult, Raised, Ref, interp};

/// Bytes that a buffer holds unless told otherwise.
pub const BUFFER_BYTES: usize = 8192;

/// `io.UnsupportedOperation`.
pub fn unsupported(cx: &Cx, what: &str) -> Raised {
    let class = cx.native_type("io.UnsupportedOperation");
    cx.error_of(&class, what)
}

/// Whether `sys.flags` has a flag set.
fn flag(cx: &mut Cx, name: &'static str) -> PyResult<bool> {
    let Some(sys) = cx.sys.clone() else { return Ok(false) };
    let (flags, name) = (cx.name("flags"), cx.name(name));
    let flags = retic_runtime::protocol::getattr(cx, &sys, &flags)?;
    let value = retic_runtime::protocol::getattr(cx, &flags, &name)?;
    retic_runtime::protocol::truth(cx, &value)
}

/// EncodingWarning where nobody said which encoding is meant, if such warnings are asked for.
fn warn_of_default_encoding(cx: &mut Cx, level: i64) -> PyResult<()> {
    if !flag(cx, "warn_default_encoding")? {
        return Ok(());
    }
    let category = cx.types.encoding_warning.clone();
    retic_runtime::modules::warnings::warn(cx, &category, "'encoding' argument not specified", level)
}

/// A class with a base of this module.
fn derived(cx: &mut Cx, m: &Ref<module::Module>, spec: &retic_runtime::types::Spec, base: &Ref<Type>) -> PyResult<Ref<Type>> {
    let ty = interp::native_type(cx, spec, base)?;
    let d = m.dict.cloned(cx);
    let short = spec.name.rsplit('.').next().unwrap_or(spec.name);
    d.set_str(cx, short, ty.as_obj().clone())?;
    Ok(ty)
}

/// `class UnsupportedOperation(OSError, ValueError)`, made once.
fn unsupported_operation(cx: &mut Cx, m: &module::Module) -> PyResult<()> {
    const NAME: &str = "io.UnsupportedOperation";
    if cx.native_types.get(NAME).is_none() {
        let meta = cx.types.type_.as_obj().clone();
        let bases = cx.tuple_of([cx.types.os_error.as_obj().clone(), cx.types.value_error.as_obj().clone()])?;
        let (name, ns) = (cx.str("UnsupportedOperation")?, retic_runtime::types::Dict::new(cx)?);
        let module_name = cx.str("io")?;
        ns.set_str(cx, "__module__", module_name)?;
        if let Ok(t) = retic_runtime::protocol::call(cx, &meta, &[name, bases, ns.into_obj()])?.downcast::<Type>() {
            cx.native_types.insert(NAME, t);
        }
    }
    let class = cx.native_type(NAME);
    m.set(cx, "UnsupportedOperation", class.as_obj().clone())
}

pub fn make(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "_io", open::functions::DOC, open::functions::FUNCTIONS)?;
    unsupported_operation(cx, &m)?;
    let blocking = cx.types.blocking_io_error.as_obj().clone();
    m.set(cx, "BlockingIOError", blocking)?;
    m.set_int(cx, "DEFAULT_BUFFER_SIZE", BUFFER_BYTES as i64 * 16)?;
    let io_base = m.add_type(cx, &base::io_base_spec())?;
    let raw = derived(cx, &m, &base::raw_spec(), &io_base)?;
    let buffered = derived(cx, &m, &base::buffered_spec(), &io_base)?;
    let text = derived(cx, &m, &base::text_spec(), &io_base)?;
    derived(cx, &m, &fileio::spec(), &raw)?;
    derived(cx, &m, &bytesio::spec(), &buffered)?;
    for spec in [buffered::reader_spec(), buffered::writer_spec(), buffered::random_spec(), buffered::pair_spec()] {
        derived(cx, &m, &spec, &buffered)?;
    }
    let random = cx.native_type("_io.BufferedRandom");
    interp::add_methods(cx, &random, buffered::WRITING)?;
    derived(cx, &m, &stringio::spec(), &text)?;
    derived(cx, &m, &text::spec(), &text)?;
    m.add_type(cx, &newline::spec())?;
    Ok(m.into_obj())
}

/// Makes `sys.stdin`, `sys.stdout`, `sys.stderr`.
pub fn standard_streams(cx: &mut Cx) -> PyResult<()> {
    retic_runtime::modules::import(cx, "_io")?;
    let Some(sys) = cx.sys.clone() else { return Ok(()) };
    for (name, hidden, fd, mode) in [("stdin", "__stdin__", 0, "rb"), ("stdout", "__stdout__", 1, "wb"), ("stderr", "__stderr__", 2, "wb")] {
        let stream: Obj = match cx.host.fstat(fd) {
            Ok(_) => text::standard(cx, fd, name, mode)?,
            Err(_) => cx.none(),
        };
        for key in [name, hidden] {
            let key = cx.name(key);
            retic_runtime::protocol::setattr(cx, &sys, &key, Some(&stream))?;
        }
    }
    cx.print_hook = Some(text::print);
    Ok(())
}

/// `builtins.open`.
pub fn builtin_open(cx: &mut Cx) -> PyResult<()> {
    let m = retic_runtime::modules::import(cx, "_io")?;
    let name = cx.name("open");
    let open = retic_runtime::protocol::getattr(cx, &m, &name)?;
    if let Some(b) = cx.builtins.clone() {
        b.set_str(cx, "open", open)?;
    }
    Ok(())
}
