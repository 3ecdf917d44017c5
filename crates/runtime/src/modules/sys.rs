//! The module `sys`.

use crate::cx::{Cx, PyResult};
use crate::memory;
use crate::object::{Obj, Ref};
use crate::protocol;
use crate::types::module::{self, Module};
use crate::types::traceback;

#[retic_macros::methods]
mod functions {
    //! This module provides access to some objects used or maintained by the interpreter.
    use super::*;

    /// Return the reference count of object.
    #[py("getrefcount(object, /)")]
    pub fn getrefcount(_cx: &mut Cx, object: &Obj) -> i64 {
        object.count()
    }
    /// Return the size of object in bytes.
    #[py("getsizeof(object, default=<unrepresentable>, /)")]
    pub fn getsizeof(cx: &mut Cx, object: &Obj, default: Option<&Obj>) -> PyResult {
        let _ = default;
        let r = protocol::call_method(cx, object, "__sizeof__", &[])?;
        let n = protocol::index_i64(cx, &r)?;
        cx.int(n + memory::pre_size(object.ty()) as i64)
    }
    /// Exit the interpreter by raising SystemExit(status).
    #[py("exit(status=None, /)")]
    pub fn exit(cx: &mut Cx, status: Option<&Obj>) -> PyResult {
        Err(cx.raise_new(&cx.types.system_exit.clone(), status.cloned()))
    }
    /// ``Intern'' the given string.
    #[py("intern(string, /)")]
    pub fn intern(cx: &mut Cx, string: &Ref<crate::types::Str>) -> Obj {
        crate::types::str::intern(cx, string.clone()).into_obj()
    }
    /// Set the maximum depth of the Python interpreter stack to n.
    #[py("setrecursionlimit(limit, /)")]
    pub fn setrecursionlimit(cx: &mut Cx, limit: i64) -> PyResult<()> {
        if limit < 1 {
            return Err(cx.value_error("recursion limit must be greater or equal than 1"));
        }
        cx.recursion_limit.set(limit as usize);
        Ok(())
    }
    /// Return the current value of the recursion limit.
    #[py("getrecursionlimit()")]
    pub fn getrecursionlimit(cx: &mut Cx) -> usize {
        cx.recursion_limit.get()
    }
    /// Return the number of memory blocks currently allocated.
    #[py("getallocatedblocks()")]
    pub fn getallocatedblocks(cx: &mut Cx) -> usize {
        cx.heap.allocated_blocks()
    }
    /// Return current exception information: (type, value, traceback).
    #[py("exc_info()")]
    pub fn exc_info(cx: &mut Cx) -> PyResult {
        let items = match cx.handled() {
            Some(e) => {
                let tb = traceback::of(cx, &e);
                vec![e.type_ref().into_obj(), e, tb]
            }
            None => vec![cx.none(), cx.none(), cx.none()],
        };
        cx.tuple(items)
    }
    /// Return the current exception.
    #[py("exception()")]
    pub fn exception(cx: &mut Cx) -> Option<Obj> {
        cx.handled()
    }
    /// Return a frame object from the call stack.
    #[py("_getframe(depth=0, /)")]
    pub fn getframe(cx: &mut Cx, depth: i64) -> PyResult {
        let mut at = cx.stacks.top;
        for _ in 0..depth {
            if cx.stacks.is_bottom(at) {
                break;
            }
            at = cx.stacks.below(at);
        }
        if cx.stacks.is_bottom(at) {
            return Err(cx.value_error("call stack is not deep enough"));
        }
        traceback::frame_object(cx, at)
    }
    /// Print an object to sys.stdout and also save it in builtins._
    #[py("displayhook(object, /)")]
    pub fn displayhook(cx: &mut Cx, object: &Obj) -> PyResult<()> {
        super::displayhook(cx, object.clone())
    }
    /// Return True if Python is exiting.
    #[py("is_finalizing()")]
    pub fn is_finalizing(_cx: &mut Cx) -> bool {
        false
    }
}

/// What interactive mode does with the value of an expression.
pub fn displayhook(cx: &mut Cx, o: Obj) -> PyResult<()> {
    if o.is_none() {
        return Ok(());
    }
    let b = cx.builtins.clone().expect("builtins exist");
    let none = cx.none();
    b.set_str(cx, "_", none)?;
    let mut text = protocol::repr_text(cx, &o)?;
    text.push('\n');
    cx.host.write_stdout(text.as_bytes());
    b.set_str(cx, "_", o)
}

pub(crate) fn make(cx: &mut Cx) -> PyResult<Ref<Module>> {
    let m = module::of_functions(cx, "sys", functions::DOC, functions::FUNCTIONS)?;
    let modules = cx.modules.clone().expect("made first").into_obj();
    m.set(cx, "modules", modules)?;
    for name in ["path", "argv", "warnoptions", "meta_path", "path_hooks"] {
        let l = cx.list(Vec::new())?;
        m.set(cx, name, l)?;
    }
    for (name, text) in
        [("version", "3.14.0 (Retic)"), ("platform", "linux"), ("byteorder", "little"), ("executable", ""), ("prefix", ""), ("copyright", "Copyright (c) the Retic developers")]
    {
        let t = cx.str(text)?;
        m.set(cx, name, t)?;
    }
    use crate::types::file::{Stream, standard};
    for (name, hidden, text, stream) in
        [("stdin", "__stdin__", "<stdin>", Stream::Stdin), ("stdout", "__stdout__", "<stdout>", Stream::Stdout), ("stderr", "__stderr__", "<stderr>", Stream::Stderr)]
    {
        let f = standard(cx, text, stream)?;
        m.set(cx, name, f.clone())?;
        m.set(cx, hidden, f)?;
    }
    let parts = vec![cx.int(3)?, cx.int(14)?, cx.int(0)?, cx.str("final")?, cx.int(0)?];
    let version = cx.tuple(parts)?;
    m.set(cx, "version_info", version)?;
    let v = cx.int(0x030e_00f0)?;
    m.set(cx, "hexversion", v)?;
    let v = cx.int(i64::MAX)?;
    m.set(cx, "maxsize", v)?;
    let v = cx.int(0x10ffff)?;
    m.set(cx, "maxunicode", v)?;
    Ok(m)
}
