//! `retic -m dis`: the listing with the constants as real objects.

use retic_bytecode::{Code, dis};
use retic_runtime::cx::{Cx, PyResult};
use retic_runtime::object::Ref;
use retic_runtime::protocol;
use retic_runtime::types::{CodeObj, Tuple};
use std::rc::Rc;

/// The listing of a code object and, after it, of every code object among its constants.
pub fn of(cx: &mut Cx, code: Rc<Code>) -> PyResult<String> {
    let root = CodeObj::new(cx, code)?;
    let mut out = String::new();
    let mut work = vec![(root, false)];
    while let Some((code, titled)) = work.pop() {
        if titled {
            let shown = protocol::repr_text(cx, code.as_obj())?;
            out.push_str(&format!("\nDisassembly of {shown}:\n"));
        }
        one(cx, &code, &mut out)?;
        let mut inner: Vec<(Ref<CodeObj>, bool)> = constants(cx, &code)?.iter().filter_map(|o| o.cast::<CodeObj>().map(|c| (c.clone(), true))).collect();
        inner.reverse();
        work.extend(inner);
    }
    Ok(out)
}

fn constants(cx: &mut Cx, code: &Ref<CodeObj>) -> PyResult<Vec<retic_runtime::Obj>> {
    Ok(code.constants(cx)?.cast::<Tuple>().map(|t| t.items().to_vec()).unwrap_or_default())
}

fn one(cx: &mut Cx, code: &Ref<CodeObj>, out: &mut String) -> PyResult<()> {
    let consts = constants(cx, code)?;
    let mut error = None;
    dis::disassemble(
        &code.code(),
        None,
        &mut |i| match consts.get(i).map(|c| protocol::repr_text(cx, c)) {
            Some(Ok(t)) => t,
            Some(Err(r)) => {
                error = Some(r);
                String::new()
            }
            None => String::new(),
        },
        out,
    );
    error.map_or(Ok(()), Err)
}
