//! Functions of `sys` for settings of CPython's machinery, and for all threads at once.

use crate::cx::{Cx, PyResult};
use crate::object::Obj;

#[retic_macros::methods]
pub mod functions {
    use super::*;

    /// The flags that extension modules are loaded with; there are none here, the number is kept.
    #[py("getdlopenflags()")]
    pub fn getdlopenflags(cx: &mut Cx) -> i64 {
        i64::from(cx.dlopen_flags)
    }
    /// Sets the flags that extension modules are loaded with; there are none here, the number is kept.
    #[py("setdlopenflags(flags, /)")]
    pub fn setdlopenflags(cx: &mut Cx, flags: i32) {
        cx.dlopen_flags = flags;
    }
    /// How many texts are interned; with _only_immortal those that stay for ever, of which there are none.
    #[py("getunicodeinternedsize(*, _only_immortal=False)")]
    pub fn getunicodeinternedsize(cx: &mut Cx, _only_immortal: bool) -> usize {
        if _only_immortal { 0 } else { cx.interned.borrow().count() }
    }
    /// Whether a profiler of the system sees Python's functions: never.
    #[py("is_stack_trampoline_active()")]
    pub fn is_stack_trampoline_active(_cx: &mut Cx) -> bool {
        false
    }
    /// Lets a profiler of the system see Python's functions. There is no such support here.
    #[py("activate_stack_trampoline(backend, /)")]
    pub fn activate_stack_trampoline(cx: &mut Cx, backend: &Obj) -> PyResult<()> {
        let Some(name) = backend.cast::<crate::types::Str>().map(|s| s.to_text(cx)) else {
            return Err(cx.type_error(format!("activate_stack_trampoline() argument must be str, not {}", crate::native::called(backend))));
        };
        match name.as_str() {
            "perf" | "perf_jit" => Err(cx.value_error("perf trampoline not available")),
            other => Err(cx.value_error(format!("invalid backend: {other}"))),
        }
    }
    /// Ends what activate_stack_trampoline() began.
    #[py("deactivate_stack_trampoline()")]
    pub fn deactivate_stack_trampoline(_cx: &mut Cx) {}
    /// Sets the tracing function of all threads.
    #[py("_settraceallthreads(function, /)")]
    pub fn settraceallthreads(cx: &mut Cx, function: &Obj) -> PyResult<()> {
        cx.audit("sys.settrace", &[])?;
        let f = Some(function.clone()).filter(|f| !f.is_none());
        crate::threads::watch_all(cx, |state| std::mem::replace(&mut state.trace, f.clone()));
        Ok(())
    }
    /// Sets the profiling function of all threads.
    #[py("_setprofileallthreads(function, /)")]
    pub fn setprofileallthreads(cx: &mut Cx, function: &Obj) -> PyResult<()> {
        cx.audit("sys.setprofile", &[])?;
        let f = Some(function.clone()).filter(|f| !f.is_none());
        crate::threads::watch_all(cx, |state| std::mem::replace(&mut state.profile, f.clone()));
        Ok(())
    }
}
