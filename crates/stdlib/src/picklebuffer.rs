//! `_pickle`: only `PickleBuffer` (PEP 574). Pickling itself is `Lib/pickle.py`, which takes its own code where the
//! rest is missing.

use retic_runtime::object::Guarded;
use retic_runtime::protocol::buffer::{self, Buffer};
use retic_runtime::types::type_::flags;
use retic_runtime::types::{Slots, Spec, memoryview, module};
use retic_runtime::{Cx, Obj, PyResult, Ref, layout, memory, protocol};

layout! {
    /// A buffer that may be pickled out of band: its object, and who owns the bytes; nothing once released.
    pub struct PickleBuffer = 286, "pickle.PickleBuffer" { object: Guarded<Option<Obj>>, exporter: Guarded<Option<Obj>>, }
}

fn object(cx: &mut Cx, this: &Ref<PickleBuffer>) -> PyResult {
    this.object.cloned(cx).ok_or_else(|| cx.value_error("operation forbidden on released PickleBuffer object"))
}

#[retic_macros::methods]
impl PickleBuffer {
    /// Return a memoryview of the raw memory underlying this buffer.
    #[py("raw($self, /)")]
    fn raw(cx: &mut Cx, this: &Ref<PickleBuffer>) -> PyResult {
        let o = object(cx, this)?;
        let view = memoryview::of(cx, &o)?;
        let contiguous = cx.name("contiguous");
        let whole = protocol::getattr(cx, &view, &contiguous)?;
        if !protocol::truth(cx, &whole)? {
            return Err(cx.error_of(&cx.types.buffer_error, "cannot extract raw buffer from non-contiguous buffer"));
        }
        let format = cx.str("B")?;
        protocol::call_method(cx, &view, "cast", &[format])
    }
    /// Release the underlying buffer exposed by the PickleBuffer object.
    #[py("release($self, /)")]
    fn release(cx: &mut Cx, this: &Ref<PickleBuffer>) {
        let object = this.object.replace(cx, None);
        if let Some(o) = this.exporter.replace(cx, None) {
            buffer::release(cx, &o);
            cx.release(o);
        }
        cx.release(object);
    }
}

pub fn make(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "_picklebuffer", "The buffer type of the pickle module.", &[])?;
    let spec = Spec {
        doc: "Wrapper for potentially out-of-band buffers",
        text_signature: "(object)",
        flags: flags::GC | flags::MANAGED | flags::WEAK,
        slots: Slots {
            new: Some(|cx, ty, args| {
                let a = args.unpack(cx, "PickleBuffer", 1, 1)?;
                // The view is held until release.
                let view: Buffer = buffer::get(cx, &a[0])?;
                Ok(memory::new(cx, ty, |head| PickleBuffer { head, object: Guarded::new(Some(a[0].clone())), exporter: Guarded::new(Some(view.exporter)) })?.into_obj())
            }),
            buffer: Some(|cx, o| {
                let this = o.cast::<PickleBuffer>().cloned().expect("a PickleBuffer");
                let inner = object(cx, &this)?;
                buffer::get(cx, &inner)
            }),
            del: Some(|cx, o| {
                if let Some(this) = o.cast::<PickleBuffer>().cloned() {
                    PickleBuffer::release(cx, &this);
                }
            }),
            ..Slots::EMPTY
        },
        methods: PickleBuffer::METHODS,
        ..Spec::new::<PickleBuffer>("pickle.PickleBuffer")
    };
    m.add_type(cx, &spec)?;
    Ok(m.into_obj())
}
