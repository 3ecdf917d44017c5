//! Native modules that need only the runtime's public face. `MODULES` is the table of contents.
#![forbid(unsafe_code)]

mod math;
mod time;

use retic_runtime::{Cx, PyResult};

/// Makes a module.
type Make = fn(&mut Cx) -> PyResult;

/// Every module here: its name and the function that makes it.
pub const MODULES: &[(&str, Make)] = &[("math", math::make), ("time", time::make)];

/// Makes the modules known to an interpreter; each is made when it is first imported.
pub fn install(cx: &mut Cx) {
    cx.native_modules.extend_from_slice(MODULES);
}
