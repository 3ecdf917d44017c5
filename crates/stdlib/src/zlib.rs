//! `zlib`: compression by the crate zlib-rs.

use retic_runtime::object::Guarded;
use retic_runtime::protocol::buffer;
use retic_runtime::types::code::Hidden;
use retic_runtime::types::type_::flags;
use retic_runtime::types::{Bytes, Slots, Spec, int, module};
use retic_runtime::{Cx, Obj, PyResult, Raised, Ref, layout, memory, protocol};
use std::cell::{Cell, RefCell};
use zlib_rs::{Deflate, DeflateConfig, DeflateFlush, Inflate, InflateError, InflateFlush, Status, Strategy};

layout! {
    /// A compression under way; nothing once finished.
    pub struct Compress = 290, "zlib.Compress" { stream: Hidden<RefCell<Option<Deflate>>>, }
}
layout! {
    /// A decompression under way; the stream is out while it works: it may poll, and what runs then may come back here.
    pub struct Decompress = 291, "zlib.Decompress" {
        stream: Hidden<RefCell<Option<Inflate>>>,
        unused: Guarded<Obj>,
        tail: Guarded<Obj>,
        dictionary: Guarded<Option<Obj>>,
        eof: Cell<bool>,
        needs_input: Cell<bool>,
    }
}

const CHUNK: usize = 64 << 10;

fn error(cx: &mut Cx, code: i32, action: &str, message: Option<&str>) -> Raised {
    let message = message.or(match code {
        -5 => Some("incomplete or truncated stream"),
        -2 => Some("inconsistent stream state"),
        -3 => Some("invalid input data"),
        _ => None,
    });
    let class = cx.native_type("zlib.error");
    match message {
        Some(m) => cx.error_of(&class, format!("Error {code} {action}: {m}")),
        None => cx.error_of(&class, format!("Error {code} {action}")),
    }
}

fn inflate_code(e: InflateError) -> i32 {
    match e {
        InflateError::NeedDict { .. } => 2,
        InflateError::StreamError => -2,
        InflateError::DataError => -3,
        InflateError::MemError => -4,
    }
}

fn new_inflate(cx: &mut Cx, wbits: i64) -> PyResult<Inflate> {
    match wbits {
        0 | 8..=15 | 24..=31 | 40..=47 => Ok(Inflate::new(true, wbits as u8)),
        -15..=-8 => Ok(Inflate::new(false, -wbits as u8)),
        _ => Err(cx.value_error("Invalid initialization option")),
    }
}
fn new_deflate(cx: &mut Cx, level: i64, wbits: i64, mem_level: i64, strategy: i64) -> PyResult<Deflate> {
    let strategy = match strategy {
        0 => Some(Strategy::Default),
        1 => Some(Strategy::Filtered),
        2 => Some(Strategy::HuffmanOnly),
        3 => Some(Strategy::Rle),
        4 => Some(Strategy::Fixed),
        _ => None,
    };
    let window = match wbits {
        8 => Some(9),
        9..=15 | 25..=31 | -15..=-9 => Some(wbits as i32),
        24 => Some(25),
        _ => None,
    };
    let (Some(strategy), Some(window_bits), true, true) = (strategy, window, (-1..=9).contains(&level), (1..=9).contains(&mem_level)) else {
        return Err(cx.value_error("Invalid initialization option"));
    };
    Ok(Deflate::new_with_config(DeflateConfig { level: level as i32, window_bits, mem_level: mem_level as i32, strategy, ..DeflateConfig::default() }))
}

/// Feeds data to a compressor and takes what comes out.
fn deflate(cx: &mut Cx, stream: &mut Deflate, mut data: &[u8], flush: DeflateFlush) -> PyResult<Vec<u8>> {
    let mut out = Vec::new();
    loop {
        let at = out.len();
        protocol::grow(cx, &mut out, CHUNK)?;
        out.resize(at + CHUNK, 0);
        let (before_in, before_out) = (stream.total_in(), stream.total_out());
        let r = stream.compress(data, &mut out[at..], flush);
        let made = (stream.total_out() - before_out) as usize;
        data = &data[(stream.total_in() - before_in) as usize..];
        out.truncate(at + made);
        match r {
            Err(_) => return Err(error(cx, -2, "while compressing data", None)),
            Ok(Status::StreamEnd) => return Ok(out),
            Ok(_) if data.is_empty() && made < CHUNK => return Ok(out),
            Ok(_) => cx.poll_native()?,
        }
    }
}

/// What came of feeding data to a decompressor: output, bytes used, the end was met.
struct Inflated {
    out: Vec<u8>,
    used: usize,
    end: bool,
}

/// Feeds data; stops at `max` bytes of output. A dictionary is given when the stream asks for one.
fn inflate(cx: &mut Cx, stream: &mut Inflate, data: &[u8], max: usize, dictionary: Option<&[u8]>, action: &str) -> PyResult<Inflated> {
    let mut r = Inflated { out: Vec::new(), used: 0, end: false };
    loop {
        let at = r.out.len();
        let room = CHUNK.min(max - at);
        protocol::grow(cx, &mut r.out, room)?;
        r.out.resize(at + room, 0);
        let (before_in, before_out) = (stream.total_in(), stream.total_out());
        let status = stream.decompress(&data[r.used..], &mut r.out[at..], InflateFlush::SyncFlush);
        let made = (stream.total_out() - before_out) as usize;
        r.used += (stream.total_in() - before_in) as usize;
        r.out.truncate(at + made);
        match status {
            Err(InflateError::NeedDict { .. }) if dictionary.is_some() => {
                if stream.set_dictionary(dictionary.unwrap_or_default()).is_err() {
                    return Err(error(cx, -3, "while setting zdict", None));
                }
            }
            Err(e) => {
                let message = stream.error_message();
                return Err(error(cx, inflate_code(e), action, message));
            }
            Ok(Status::StreamEnd) => {
                r.end = true;
                return Ok(r);
            }
            Ok(_) if r.out.len() >= max || made < room => return Ok(r),
            Ok(_) => cx.poll_native()?,
        }
    }
}

fn flush_mode(cx: &mut Cx, mode: i64) -> PyResult<DeflateFlush> {
    i32::try_from(mode).ok().and_then(|m| DeflateFlush::try_from(m).ok()).ok_or_else(|| error(cx, -2, "while flushing", None))
}

#[retic_macros::methods]
impl Compress {
    /// Returns a bytes object containing compressed data.
    #[py("compress($self, data, /)")]
    fn compress(cx: &mut Cx, this: &Ref<Compress>, data: &Obj) -> PyResult {
        let b = buffer::held(cx, data)?;
        let Some(mut stream) = this.stream.0.take() else { return Err(error(cx, -2, "while compressing data", None)) };
        let r = deflate(cx, &mut stream, &b, DeflateFlush::NoFlush);
        this.stream.0.replace(Some(stream));
        Bytes::from_slice(cx, &r?)
    }
    /// Return a bytes object containing any remaining compressed data.
    #[py("flush($self, mode=4, /)")]
    fn flush(cx: &mut Cx, this: &Ref<Compress>, mode: i64) -> PyResult {
        if mode == 0 {
            return Bytes::from_slice(cx, b"");
        }
        let mode = flush_mode(cx, mode)?;
        let Some(mut stream) = this.stream.0.take() else { return Err(error(cx, -2, "while flushing", None)) };
        let r = deflate(cx, &mut stream, b"", mode);
        if mode != DeflateFlush::Finish {
            this.stream.0.replace(Some(stream));
        }
        Bytes::from_slice(cx, &r?)
    }
}

/// Output limit of a `max_length` argument.
fn limit(cx: &mut Cx, n: i64, zero_is_all: bool) -> PyResult<usize> {
    match n {
        0 if zero_is_all => Ok(usize::MAX),
        n if n < 0 && zero_is_all => Err(cx.value_error("max_length must be non-negative")),
        n if n < 0 => Ok(usize::MAX),
        n => Ok(n as usize),
    }
}

/// The dictionary a stream may ask for.
fn dictionary(cx: &mut Cx, this: &Ref<Decompress>) -> PyResult<Option<Vec<u8>>> {
    match this.dictionary.cloned(cx) {
        Some(o) => buffer::bytes(cx, &o).map(Some),
        None => Ok(None),
    }
}

/// Decompresses more input: what the stream did not use is what follows its end, or waits for the next call.
fn feed(cx: &mut Cx, this: &Ref<Decompress>, b: &[u8], max: usize) -> PyResult {
    let action = "while decompressing data";
    let zdict = dictionary(cx, this)?;
    let Some(mut stream) = this.stream.0.take() else { return Err(error(cx, -2, action, None)) };
    let r = if max == 0 { Ok(Inflated { out: Vec::new(), used: 0, end: false }) } else { inflate(cx, &mut stream, b, max, zdict.as_deref(), action) };
    this.stream.0.replace(Some(stream));
    let r = r?;
    this.eof.set(r.end);
    this.needs_input.set(!r.end && r.used == b.len() && r.out.len() < max);
    let (rest, none) = (Bytes::from_slice(cx, &b[r.used..])?, Bytes::from_slice(cx, b"")?);
    let (unused, tail) = if r.end { (rest, none) } else { (none, rest) };
    this.unused.set(cx, unused);
    this.tail.set(cx, tail);
    Bytes::from_slice(cx, &r.out)
}

fn concat(cx: &mut Cx, a: &Obj, b: &[u8]) -> PyResult {
    let first = a.cast::<Bytes>().map(|b| b.bytes()).unwrap_or_default();
    let all = [first, b].concat();
    Bytes::from_slice(cx, &all)
}

#[retic_macros::methods]
impl Decompress {
    /// Return a bytes object containing the decompressed version of the data.
    #[py("decompress($self, data, /, max_length=0)")]
    fn decompress(cx: &mut Cx, this: &Ref<Decompress>, data: &Obj, max_length: i64) -> PyResult {
        let max = limit(cx, max_length, true)?;
        let b = buffer::held(cx, data)?;
        if this.eof.get() {
            let unused = this.unused.cloned(cx);
            let more = concat(cx, &unused, &b)?;
            this.unused.set(cx, more);
            return Bytes::from_slice(cx, b"");
        }
        feed(cx, this, &b, max)
    }
    /// Return a bytes object containing any remaining decompressed data.
    #[py("flush($self, length=16384, /)")]
    fn flush(cx: &mut Cx, this: &Ref<Decompress>, length: i64) -> PyResult {
        if length <= 0 {
            return Err(cx.value_error("length must be greater than zero"));
        }
        let tail = this.tail.cloned(cx);
        let b = tail.cast::<Bytes>().map(|b| b.bytes().to_vec()).unwrap_or_default();
        if this.eof.get() {
            return Bytes::from_slice(cx, b"");
        }
        feed(cx, this, &b, usize::MAX)
    }
    #[member("unused_data")]
    fn unused_data_get(cx: &mut Cx, this: &Ref<Decompress>) -> Obj {
        this.unused.cloned(cx)
    }
    #[get("unconsumed_tail")]
    fn unconsumed_tail_get(cx: &mut Cx, this: &Ref<Decompress>) -> Obj {
        this.tail.cloned(cx)
    }
    #[member("eof")]
    fn eof_get(cx: &mut Cx, this: &Ref<Decompress>) -> Obj {
        cx.bool(this.eof.get())
    }
}

layout! {
    /// The decompressor of `gzip` and `zipfile`: input it could not use waits inside it.
    pub struct Feeder = 292, "zlib._ZlibDecompressor" { inner: Guarded<Ref<Decompress>>, }
}

#[retic_macros::methods]
impl Feeder {
    /// Decompress *data*, returning uncompressed data as bytes.
    #[py("decompress($self, data, max_length=-1)", "($self, /, data, max_length=-1)")]
    fn decompress(cx: &mut Cx, this: &Ref<Feeder>, data: &Obj, max_length: i64) -> PyResult {
        let inner = this.inner.cloned(cx);
        let max = limit(cx, max_length, false)?;
        if inner.eof.get() {
            return Err(cx.error_of(&cx.types.eof_error, "End of stream already reached"));
        }
        let new = buffer::held(cx, data)?;
        let waiting = inner.tail.cloned(cx);
        let b = [waiting.cast::<Bytes>().map(|b| b.bytes()).unwrap_or_default(), &new].concat();
        feed(cx, &inner, &b, max)
    }
    #[member("eof")]
    fn eof_get(cx: &mut Cx, this: &Ref<Feeder>) -> Obj {
        cx.bool(this.inner.get(cx).eof.get())
    }
    #[member("needs_input")]
    fn needs_input_get(cx: &mut Cx, this: &Ref<Feeder>) -> Obj {
        cx.bool(this.inner.get(cx).needs_input.get())
    }
    #[member("unused_data")]
    fn unused_data_get(cx: &mut Cx, this: &Ref<Feeder>) -> Obj {
        this.inner.get(cx).unused.cloned(cx)
    }
}

fn new_decompress(cx: &mut Cx, wbits: i64, zdict: Option<&Obj>) -> PyResult<Ref<Decompress>> {
    let mut stream = new_inflate(cx, wbits)?;
    if let Some(z) = zdict {
        if !buffer::exports(cx, z) {
            return Err(cx.type_error("zdict argument must support the buffer protocol"));
        }
        // A raw stream never asks: it is told at once.
        if wbits < 0 {
            let b = buffer::held(cx, z)?;
            if stream.set_dictionary(&b).is_err() {
                return Err(error(cx, -2, "while setting zdict", None));
            }
        }
    }
    let (unused, tail) = (Bytes::from_slice(cx, b"")?, Bytes::from_slice(cx, b"")?);
    let ty = cx.native_type("zlib.Decompress");
    memory::new(cx, &ty, |head| Decompress {
        head,
        stream: Hidden(RefCell::new(Some(stream))),
        unused: Guarded::new(unused),
        tail: Guarded::new(tail),
        dictionary: Guarded::new(zdict.cloned()),
        eof: Cell::new(false),
        needs_input: Cell::new(true),
    })
}

/// The start of a running checksum.
fn start(cx: &mut Cx, value: Option<&Obj>, default: u32) -> PyResult<u32> {
    match value {
        None => Ok(default),
        Some(o) => {
            let n = protocol::index(cx, o)?;
            // Only the low 32 bits count.
            Ok(int::to_i64(&n).map(|n| n as u32).or_else(|| int::to_u64(&n).map(|n| n as u32)).unwrap_or(0))
        }
    }
}

#[retic_macros::methods]
mod functions {
    //! The functions in this module allow compression and decompression using the zlib library, which is based on GNU zip.
    use super::*;

    /// Returns a bytes object containing compressed data.
    #[py("compress(data, /, level=-1, wbits=15)", "(data, /, level=Z_DEFAULT_COMPRESSION, wbits=MAX_WBITS)")]
    pub fn compress(cx: &mut Cx, data: &Obj, level: i64, wbits: i64) -> PyResult {
        let b = buffer::held(cx, data)?;
        let Ok(mut stream) = new_deflate(cx, level, wbits, 8, 0) else {
            cx.clear_error();
            let class = cx.native_type("zlib.error");
            return Err(cx.error_of(&class, "Bad compression level"));
        };
        let out = deflate(cx, &mut stream, &b, DeflateFlush::Finish)?;
        Bytes::from_slice(cx, &out)
    }
    /// Returns a bytes object containing the uncompressed data.
    #[py("decompress(data, /, wbits=15, bufsize=16384)", "(data, /, wbits=MAX_WBITS, bufsize=DEF_BUF_SIZE)")]
    pub fn decompress(cx: &mut Cx, data: &Obj, wbits: i64, bufsize: i64) -> PyResult {
        let b = buffer::held(cx, data)?;
        if bufsize < 0 {
            return Err(cx.value_error("bufsize must be non-negative"));
        }
        let Ok(mut stream) = new_inflate(cx, wbits) else {
            cx.clear_error();
            return Err(error(cx, -2, "while preparing to decompress data", None));
        };
        let r = inflate(cx, &mut stream, &b, usize::MAX, None, "while decompressing data")?;
        if !r.end {
            return Err(error(cx, -5, "while decompressing data", None));
        }
        Bytes::from_slice(cx, &r.out)
    }
    /// Return a compressor object.
    #[py("compressobj(level=-1, method=8, wbits=15, memLevel=8, strategy=0, zdict=None)")]
    pub fn compressobj(cx: &mut Cx, level: i64, method: i64, wbits: i64, #[allow(non_snake_case)] memLevel: i64, strategy: i64, zdict: Option<&Obj>) -> PyResult {
        if method != 8 {
            return Err(cx.value_error("Invalid initialization option"));
        }
        let mut stream = new_deflate(cx, level, wbits, memLevel, strategy)?;
        if let Some(z) = zdict {
            let b = buffer::held(cx, z)?;
            if stream.set_dictionary(&b).is_err() {
                return Err(cx.value_error("Invalid dictionary"));
            }
        }
        let ty = cx.native_type("zlib.Compress");
        Ok(memory::new(cx, &ty, |head| Compress { head, stream: Hidden(RefCell::new(Some(stream))) })?.into_obj())
    }
    /// Return a decompressor object.
    #[py("decompressobj(wbits=15, zdict=b'')", "(wbits=MAX_WBITS, zdict=b'')")]
    pub fn decompressobj(cx: &mut Cx, wbits: i64, zdict: Option<&Obj>) -> PyResult {
        Ok(new_decompress(cx, wbits, zdict)?.into_obj())
    }
    /// Compute a CRC-32 checksum of data.
    #[py("crc32(data, value=0, /)")]
    pub fn crc32(cx: &mut Cx, data: &Obj, value: Option<&Obj>) -> PyResult<i64> {
        let b = buffer::held(cx, data)?;
        let value = start(cx, value, 0)?;
        Ok(i64::from(zlib_rs::crc32::crc32(value, &b)))
    }
    /// Compute an Adler-32 checksum of data.
    #[py("adler32(data, value=1, /)")]
    pub fn adler32(cx: &mut Cx, data: &Obj, value: Option<&Obj>) -> PyResult<i64> {
        let b = buffer::held(cx, data)?;
        let value = start(cx, value, 1)?;
        Ok(i64::from(zlib_rs::adler32::adler32(value, &b)))
    }
}

const CONSTANTS: &[(&str, i64)] = &[
    ("MAX_WBITS", 15),
    ("DEFLATED", 8),
    ("DEF_MEM_LEVEL", 8),
    ("DEF_BUF_SIZE", 16384),
    ("Z_BEST_SPEED", 1),
    ("Z_BEST_COMPRESSION", 9),
    ("Z_NO_COMPRESSION", 0),
    ("Z_DEFAULT_COMPRESSION", -1),
    ("Z_DEFAULT_STRATEGY", 0),
    ("Z_FILTERED", 1),
    ("Z_HUFFMAN_ONLY", 2),
    ("Z_RLE", 3),
    ("Z_FIXED", 4),
    ("Z_NO_FLUSH", 0),
    ("Z_PARTIAL_FLUSH", 1),
    ("Z_SYNC_FLUSH", 2),
    ("Z_FULL_FLUSH", 3),
    ("Z_FINISH", 4),
    ("Z_BLOCK", 5),
    ("Z_TREES", 6),
];

pub fn make(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "zlib", functions::DOC, functions::FUNCTIONS)?;
    for (name, n) in CONSTANTS {
        m.set_int(cx, name, *n)?;
    }
    for name in ["ZLIB_VERSION", "ZLIB_RUNTIME_VERSION"] {
        let v = cx.str("1.3.1")?;
        m.set(cx, name, v)?;
    }
    let version = cx.str("1.0")?;
    m.set(cx, "__version__", version)?;
    let base = cx.types.exception.as_obj().clone();
    m.add_exception(cx, "zlib.error", &base)?;
    let object = cx.types.object.clone();
    let spec = Spec { flags: flags::NO_NEW, slots: Slots::EMPTY, methods: Compress::METHODS, ..Spec::new::<Compress>("zlib.Compress") };
    retic_runtime::interp::native_type(cx, &spec, &object)?;
    let spec =
        Spec { flags: flags::NO_NEW | flags::GC, slots: Slots::EMPTY, methods: Decompress::METHODS, getset: Decompress::GETSET, ..Spec::new::<Decompress>("zlib.Decompress") };
    retic_runtime::interp::native_type(cx, &spec, &object)?;
    let spec = Spec {
        doc: "Create a decompressor object for decompressing data incrementally.",
        text_signature: "(wbits=15, zdict=b'')",
        flags: flags::GC,
        slots: Slots {
            new: Some(|cx, ty, args| {
                let wbits = match args.positional().first().or(args.keyword(cx, "wbits")).cloned() {
                    Some(o) => protocol::index_i64(cx, &o)?,
                    None => 15,
                };
                let zdict = args.positional().get(1).or(args.keyword(cx, "zdict")).cloned();
                let inner = new_decompress(cx, wbits, zdict.as_ref())?;
                Ok(memory::new(cx, ty, |head| Feeder { head, inner: Guarded::new(inner) })?.into_obj())
            }),
            ..Slots::EMPTY
        },
        methods: Feeder::METHODS,
        getset: Feeder::GETSET,
        ..Spec::new::<Feeder>("zlib._ZlibDecompressor")
    };
    m.add_type(cx, &spec)?;
    Ok(m.into_obj())
}
