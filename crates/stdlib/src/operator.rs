//! `_operator`: what `operator` cannot say in Python.

use retic_runtime::types::{Str, module};
use retic_runtime::{Cx, Obj, PyResult, protocol};

#[retic_macros::methods]
mod functions {
    //! Operator interface.
    use super::*;

    /// Return 'a == b'. The time it takes does not tell where they differ.
    #[py("_compare_digest(a, b, /)")]
    pub fn compare_digest(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult<bool> {
        let (x, y) = match (a.cast::<Str>(), b.cast::<Str>()) {
            (Some(s), Some(t)) => match (s.ascii_bytes(), t.ascii_bytes()) {
                (Some(p), Some(q)) => (p.to_vec(), q.to_vec()),
                _ => return Err(cx.type_error("comparing strings with non-ASCII characters is not supported")),
            },
            (None, None) if protocol::buffer::exports(cx, a) && protocol::buffer::exports(cx, b) => (protocol::buffer::bytes(cx, a)?, protocol::buffer::bytes(cx, b)?),
            _ => return Err(cx.type_error(format!("unsupported operand types(s) or combination of types: '{}' and '{}'", a.ty().name_text(), b.ty().name_text()))),
        };
        let differ = y.iter().enumerate().fold(u8::from(x.len() != y.len()), |d, (i, c)| d | (c ^ x.get(i).unwrap_or(c)));
        Ok(differ == 0)
    }
}

pub fn make(cx: &mut Cx) -> PyResult {
    Ok(module::of_functions(cx, "_operator", functions::DOC, functions::FUNCTIONS)?.into_obj())
}
