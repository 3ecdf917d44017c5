//! What `_pickle` has of Rust: `dumps` and `loads` for the usual case, and `PickleBuffer` (PEP 574). The classes Pickler and
//! Unpickler, whose subclasses may decide everything, are those of `Lib/pickle.py` (`lib/_pickle.py`).

mod dump;
mod load;
mod memo;
mod op;

use retic_runtime::object::Guarded;
use retic_runtime::protocol::buffer::{self, Buffer};
use retic_runtime::types::type_::flags;
use retic_runtime::types::{Bytes, Slots, Spec, int, memoryview, module};
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

/// A name of a module of the library.
fn from_module(cx: &mut Cx, module: &'static str, name: &'static str) -> PyResult {
    let m = retic_runtime::modules::import::import(cx, module)?;
    let name = cx.name(name);
    protocol::getattr(cx, &m, &name)
}

#[retic_macros::methods]
mod functions {
    //! Native parts of the pickle module.
    use super::*;

    /// The pickle of an object, as bytes.
    ///
    /// The protocol is that of `pickle.DEFAULT_PROTOCOL` unless given; a negative one is the highest.
    /// With protocol 5 `buffer_callback` is handed each PickleBuffer, which then stays out of the pickle if it answers falsely.
    #[py("dumps(obj, protocol=None, *, fix_imports=True, buffer_callback=None)")]
    pub fn dumps(cx: &mut Cx, obj: &Obj, protocol: Option<&Obj>, fix_imports: bool, buffer_callback: Option<&Obj>) -> PyResult {
        const HIGHEST: i64 = 5;
        let number = match protocol {
            Some(p) => match int::to_i64(p) {
                Some(n) if n < 0 => HIGHEST,
                Some(n) => n,
                None => protocol::index_i64(cx, p)?,
            },
            None => {
                let p = from_module(cx, "pickle", "DEFAULT_PROTOCOL")?;
                int::to_i64(&p).unwrap_or(HIGHEST)
            }
        };
        if number > HIGHEST {
            return Err(cx.value_error(format!("pickle protocol must be <= {HIGHEST}")));
        }
        if number < 4 || buffer_callback.is_some() {
            let dumps = from_module(cx, "_pickle", "_dumps")?;
            let none = cx.none();
            let (number, fix) = (cx.int(number)?, cx.bool(fix_imports));
            return protocol::call(cx, &dumps, &[obj.clone(), number, fix, buffer_callback.cloned().unwrap_or(none)]);
        }
        let mut dump = dump::Dump::new(number as u8);
        dump.run(cx, obj)?;
        Bytes::from_slice(cx, &dump.out)
    }
    /// Write the pickle of an object to a file, in one call of its write().
    #[py("dump(obj, file, protocol=None, *, fix_imports=True, buffer_callback=None)")]
    pub fn dump(cx: &mut Cx, obj: &Obj, file: &Obj, protocol: Option<&Obj>, fix_imports: bool, buffer_callback: Option<&Obj>) -> PyResult<()> {
        let write = cx.name("write");
        let Some(write) = protocol::lookup_attr(cx, file, &write)? else {
            return Err(cx.type_error("file must have a 'write' attribute"));
        };
        let data = dumps(cx, obj, protocol, fix_imports, buffer_callback)?;
        let r = protocol::call(cx, &write, &[data])?;
        cx.release(r);
        Ok(())
    }
    /// The object of the pickle that a file, which has read() and readline(), goes on with.
    #[py("load(file, *, fix_imports=True, encoding='ASCII', errors='strict', buffers=())")]
    pub fn load(cx: &mut Cx, file: &Obj, fix_imports: bool, encoding: Option<&Obj>, errors: Option<&Obj>, buffers: Option<&Obj>) -> PyResult {
        let load = from_module(cx, "_pickle", "_load")?;
        let (ascii, strict, empty) = (cx.str("ASCII")?, cx.str("strict")?, cx.consts.empty_tuple.clone());
        let fix = cx.bool(fix_imports);
        protocol::call(cx, &load, &[file.clone(), fix, encoding.cloned().unwrap_or(ascii), errors.cloned().unwrap_or(strict), buffers.cloned().unwrap_or(empty)])
    }
    /// The object of a pickle of any protocol; what stands behind its end does not count.
    #[py("loads(data, /, *, fix_imports=True, encoding='ASCII', errors='strict', buffers=())")]
    pub fn loads(cx: &mut Cx, data: &Obj, fix_imports: bool, encoding: Option<&Obj>, errors: Option<&Obj>, buffers: Option<&Obj>) -> PyResult {
        let text = |cx: &mut Cx, o: Option<&Obj>, default: &str| match o {
            Some(o) => protocol::str_text(cx, o),
            None => Ok(default.to_string()),
        };
        let (encoding, errors) = (text(cx, encoding, "ASCII")?, text(cx, errors, "strict")?);
        let given = match buffers {
            Some(b) if !b.is_none() => b.cast::<retic_runtime::types::Tuple>().is_none_or(|t| !t.items().is_empty()),
            _ => false,
        };
        if given {
            let loads = from_module(cx, "_pickle", "_loads")?;
            let (fix, encoding, errors) = (cx.bool(fix_imports), cx.str(&encoding)?, cx.str(&errors)?);
            return protocol::call(cx, &loads, &[data.clone(), fix, encoding, errors, buffers.cloned().unwrap_or_else(|| cx.none())]);
        }
        // Bytes do not change; others are copied, for Python runs meanwhile.
        let copy;
        let bytes = match data.cast::<Bytes>() {
            Some(b) => b.bytes(),
            None => {
                copy = buffer::bytes(cx, data)?;
                &copy
            }
        };
        load::Load::new(bytes, fix_imports, &encoding, &errors).run(cx)
    }
}

pub fn make(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "_pickle", functions::DOC, functions::FUNCTIONS)?;
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
