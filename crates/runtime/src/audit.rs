//! Audit events (PEP 578): the hooks of `sys.addaudithook` are told of what matters for security, before it happens. A hook that
//! raises keeps it from happening.

use crate::cx::{Cx, PyResult};
use crate::object::{Obj, Ref};
use crate::protocol;
use crate::types::Str;

/// An argument of an event, made into an object where somebody listens.
#[derive(Clone, Copy)]
pub enum Told<'a> {
    Object(&'a Obj),
    Number(i64),
    Real(f64),
    Text(&'a str),
    Nothing,
}
impl<'a> From<&'a Obj> for Told<'a> {
    fn from(o: &'a Obj) -> Told<'a> {
        Told::Object(o)
    }
}
impl<'a> From<Option<&'a Obj>> for Told<'a> {
    fn from(o: Option<&'a Obj>) -> Told<'a> {
        o.map_or(Told::Nothing, Told::Object)
    }
}
impl From<i64> for Told<'_> {
    fn from(n: i64) -> Self {
        Told::Number(n)
    }
}
impl From<f64> for Told<'_> {
    fn from(n: f64) -> Self {
        Told::Real(n)
    }
}
impl<'a> From<&'a str> for Told<'a> {
    fn from(text: &'a str) -> Told<'a> {
        Told::Text(text)
    }
}

impl Cx {
    /// Whether anybody listens.
    pub fn is_audited(&self) -> bool {
        !self.audit_hooks.is_empty()
    }
    /// Tells the audit hooks of an event.
    ///
    /// # Errors
    /// What a hook raised.
    #[inline]
    pub fn audit(&mut self, event: &'static str, args: &[Told<'_>]) -> PyResult<()> {
        if self.audit_hooks.is_empty() { Ok(()) } else { self.audit_told(event, args) }
    }
    #[cold]
    #[inline(never)]
    fn audit_told(&mut self, event: &'static str, args: &[Told<'_>]) -> PyResult<()> {
        let event = crate::types::str::intern_text(self, event)?;
        let mut items = Vec::new();
        for a in args {
            items.push(match a {
                Told::Object(o) => (*o).clone(),
                Told::Number(n) => self.int(*n)?,
                Told::Real(n) => self.float(*n)?,
                Told::Text(text) => self.str(text)?,
                Told::Nothing => self.none(),
            });
        }
        tell(self, &event, &items)
    }
}

/// Tells every hook, in their order.
pub fn tell(cx: &mut Cx, event: &Ref<Str>, args: &[Obj]) -> PyResult<()> {
    let traceable = cx.name("__cantrace__");
    for hook in cx.audit_hooks.clone() {
        let args = cx.tuple(args.to_vec())?;
        let traced = match protocol::lookup_attr(cx, &hook, &traceable)? {
            Some(yes) => protocol::truth(cx, &yes)?,
            None => false,
        };
        // Nobody watches a hook unless it wants that.
        let before = cx.tracing.hide(!traced);
        let r = protocol::call(cx, &hook, &[event.as_obj().clone(), args]);
        cx.tracing.show(before);
        let r = r?;
        cx.release(r);
    }
    Ok(())
}

/// An attribute that matters is set, or deleted.
pub fn audit_change(cx: &mut Cx, of: &Obj, name: &str, value: Option<&Obj>) -> PyResult<()> {
    match value {
        Some(v) => cx.audit("object.__setattr__", &[of.into(), name.into(), v.into()]),
        None => cx.audit("object.__delattr__", &[of.into(), name.into()]),
    }
}
