//! `_bz2`: compression by the crate bzip2, with libbz2 in Rust.

use bzip2::{Action, Compress, Compression, Decompress, Status};
use retic_runtime::object::Guarded;
use retic_runtime::protocol::buffer;
use retic_runtime::types::code::Hidden;
use retic_runtime::types::type_::flags;
use retic_runtime::types::{Bytes, Slots, Spec, module};
use retic_runtime::{Cx, Obj, PyResult, Ref, layout, memory, protocol};
use std::cell::{Cell, RefCell};

layout! {
    /// A compression under way; nothing once finished. The stream is out while it works: it may poll.
    pub struct Compressor = 296, "_bz2.BZ2Compressor" { stream: Hidden<RefCell<Option<Compress>>>, }
}
layout! {
    /// A decompression under way; input that it could not use yet waits in `tail`.
    pub struct Decompressor = 297, "_bz2.BZ2Decompressor" {
        stream: Hidden<RefCell<Option<Decompress>>>,
        unused: Guarded<Obj>,
        tail: Guarded<Obj>,
        eof: Cell<bool>,
        needs_input: Cell<bool>,
    }
}

/// Bytes of output made at once.
const CHUNK: usize = 16 << 10;

/// Feeds data to a compressor and takes what comes out; at `Finish` until the end.
fn compress(cx: &mut Cx, stream: &mut Compress, mut data: &[u8], action: Action) -> PyResult<Vec<u8>> {
    let mut out = Vec::new();
    loop {
        let at = out.len();
        protocol::grow(cx, &mut out, CHUNK)?;
        out.resize(at + CHUNK, 0);
        let (before_in, before_out) = (stream.total_in(), stream.total_out());
        let r = stream.compress(data, &mut out[at..], action);
        let made = (stream.total_out() - before_out) as usize;
        data = &data[(stream.total_in() - before_in) as usize..];
        out.truncate(at + made);
        match r {
            Err(_) => return Err(cx.value_error("Internal error - Invalid parameters passed to libbzip2")),
            Ok(Status::StreamEnd) => return Ok(out),
            Ok(_) if matches!(action, Action::Run) && data.is_empty() && made < CHUNK => return Ok(out),
            Ok(_) => cx.poll_native()?,
        }
    }
}

/// What came of feeding data to a decompressor: output, bytes used, the end was met.
struct Fed {
    out: Vec<u8>,
    used: usize,
    end: bool,
}

/// Feeds data; stops at `max` bytes of output.
fn decompress(cx: &mut Cx, stream: &mut Decompress, data: &[u8], max: usize) -> PyResult<Fed> {
    let mut r = Fed { out: Vec::new(), used: 0, end: false };
    loop {
        let at = r.out.len();
        let room = CHUNK.min(max - at);
        protocol::grow(cx, &mut r.out, room)?;
        r.out.resize(at + room, 0);
        let (before_in, before_out) = (stream.total_in(), stream.total_out());
        let status = stream.decompress(&data[r.used..], &mut r.out[at..]);
        let made = (stream.total_out() - before_out) as usize;
        let taken = (stream.total_in() - before_in) as usize;
        r.used += taken;
        r.out.truncate(at + made);
        match status {
            Err(_) => {
                let class = cx.types.os_error.clone();
                return Err(cx.error_of(&class, "Invalid data stream"));
            }
            Ok(Status::MemNeeded) => return Err(cx.memory_error()),
            Ok(Status::StreamEnd) => {
                r.end = true;
                return Ok(r);
            }
            Ok(_) if r.out.len() >= max || made < room || made == 0 && taken == 0 => return Ok(r),
            Ok(_) => cx.poll_native()?,
        }
    }
}

#[retic_macros::methods]
impl Compressor {
    /// Provide data to the compressor object.
    ///
    /// Returns a chunk of compressed data if possible, or b'' otherwise.
    #[py("compress($self, data, /)")]
    fn compress_method(cx: &mut Cx, this: &Ref<Compressor>, data: &Obj) -> PyResult {
        let b = buffer::held(cx, data)?;
        let Some(mut stream) = this.stream.0.take() else { return Err(cx.value_error("Compressor has been flushed")) };
        let r = compress(cx, &mut stream, &b, Action::Run);
        this.stream.0.replace(Some(stream));
        Bytes::from_slice(cx, &r?)
    }
    /// Finish the compression process.
    ///
    /// Returns the compressed data left in internal buffers.
    #[py("flush($self, /)")]
    fn flush(cx: &mut Cx, this: &Ref<Compressor>) -> PyResult {
        let Some(mut stream) = this.stream.0.take() else { return Err(cx.value_error("Repeated call to flush()")) };
        let r = compress(cx, &mut stream, b"", Action::Finish)?;
        Bytes::from_slice(cx, &r)
    }
}

#[retic_macros::methods]
impl Decompressor {
    /// Decompress *data*, returning uncompressed data as bytes.
    ///
    /// If *max_length* is nonnegative, returns at most *max_length* bytes of decompressed data.
    #[py("decompress($self, /, data, max_length=-1)")]
    fn decompress_method(cx: &mut Cx, this: &Ref<Decompressor>, data: &Obj, max_length: i64) -> PyResult {
        let new = buffer::held(cx, data)?;
        if this.eof.get() {
            return Err(cx.error_of(&cx.types.eof_error, "End of stream already reached"));
        }
        let max = usize::try_from(max_length).unwrap_or(usize::MAX);
        let Some(mut stream) = this.stream.0.take() else { return Err(cx.value_error("the decompressor is at work")) };
        let waiting = this.tail.cloned(cx);
        let mut input = Vec::new();
        let old = waiting.cast::<Bytes>().map(|b| b.bytes()).unwrap_or_default();
        protocol::grow(cx, &mut input, old.len() + new.len())?;
        input.extend_from_slice(old);
        input.extend_from_slice(&new);
        let r = decompress(cx, &mut stream, &input, max);
        this.stream.0.replace(Some(stream));
        let fed = r?;
        let rest = Bytes::from_slice(cx, &input[fed.used..])?;
        let none = Bytes::from_slice(cx, b"")?;
        let (unused, tail) = if fed.end { (rest, none) } else { (none, rest) };
        this.unused.set(cx, unused);
        this.tail.set(cx, tail);
        this.eof.set(fed.end);
        // What was held back for want of room comes without more input.
        this.needs_input.set(!fed.end && fed.out.len() < max && fed.used == input.len());
        Bytes::from_slice(cx, &fed.out)
    }
    /// True if the end-of-stream marker has been reached.
    #[get("eof")]
    fn eof_get(cx: &mut Cx, this: &Ref<Decompressor>) -> Obj {
        cx.bool(this.eof.get())
    }
    /// True if more input is needed before more decompressed data can be produced.
    #[get("needs_input")]
    fn needs_input_get(cx: &mut Cx, this: &Ref<Decompressor>) -> Obj {
        cx.bool(this.needs_input.get())
    }
    /// Data found after the end of the compressed stream.
    #[get("unused_data")]
    fn unused_data_get(cx: &mut Cx, this: &Ref<Decompressor>) -> Obj {
        this.unused.cloned(cx)
    }
}

pub fn make(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "_bz2", "Compression with the bzip2 format.", &[])?;
    let spec = Spec {
        doc: "Create a compressor object for compressing data incrementally.",
        text_signature: "(compresslevel=9, /)",
        slots: Slots {
            new: Some(|cx, ty, args| {
                let a = args.unpack(cx, "BZ2Compressor", 0, 1)?;
                let level = match a.first() {
                    Some(o) => protocol::index_i64(cx, o)?,
                    None => 9,
                };
                if !(1..=9).contains(&level) {
                    return Err(cx.value_error("compresslevel must be between 1 and 9"));
                }
                let stream = Compress::new(Compression::new(level as u32), 0);
                Ok(memory::new(cx, ty, |head| Compressor { head, stream: Hidden(RefCell::new(Some(stream))) })?.into_obj())
            }),
            ..Slots::EMPTY
        },
        methods: Compressor::METHODS,
        ..Spec::new::<Compressor>("_bz2.BZ2Compressor")
    };
    m.add_type(cx, &spec)?;
    let spec = Spec {
        doc: "Create a decompressor object for decompressing data incrementally.",
        text_signature: "()",
        flags: flags::GC,
        slots: Slots {
            new: Some(|cx, ty, args| {
                args.unpack(cx, "BZ2Decompressor", 0, 0)?;
                let (unused, tail) = (Bytes::from_slice(cx, b"")?, Bytes::from_slice(cx, b"")?);
                let made = memory::new(cx, ty, |head| Decompressor {
                    head,
                    stream: Hidden(RefCell::new(Some(Decompress::new(false)))),
                    unused: Guarded::new(unused),
                    tail: Guarded::new(tail),
                    eof: Cell::new(false),
                    needs_input: Cell::new(true),
                })?;
                Ok(made.into_obj())
            }),
            ..Slots::EMPTY
        },
        methods: Decompressor::METHODS,
        getset: Decompressor::GETSET,
        ..Spec::new::<Decompressor>("_bz2.BZ2Decompressor")
    };
    m.add_type(cx, &spec)?;
    Ok(m.into_obj())
}
