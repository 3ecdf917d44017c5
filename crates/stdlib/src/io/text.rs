//! `TextIOWrapper`: characters over a buffered binary stream.

use super::base::{self, FLAGS};
use super::buffered::{self, Buffered};
use super::{BUFFER_BYTES, newline, unsupported};
use retic_runtime::codecs::{self, ByteOrder, Coding};
use retic_runtime::object::{Buf, Guarded};
use retic_runtime::types::{Bytes, Slots, Spec, Str};
use retic_runtime::{Args, Cx, Obj, PyResult, Ref, layout, memory, protocol};
use std::cell::Cell;

/// A built-in coding, or nothing: then the codec's incremental objects do the work.
#[derive(Clone, Copy)]
pub struct MaybeCoding(Option<Coding>);

/// How line ends are read and written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// All kinds are read as `\n`.
    Translate,
    /// All kinds end a line, none is changed.
    Keep,
    Lf,
    Cr,
    CrLf,
}

layout! {
    /// A text stream.
    pub struct Text = 217, "_io.TextIOWrapper" {
        buffer: Guarded<Option<Obj>>,
        encoding: Guarded<Option<Obj>>,
        errors: Guarded<Option<Obj>>,
        encoder: Guarded<Option<Obj>>,
        decoder: Guarded<Option<Obj>>,
        coding: Cell<MaybeCoding>,
        /// The coding of what comes next: byte order marks are behind us.
        reading: Cell<MaybeCoding>,
        writing: Cell<MaybeCoding>,
        ends: Cell<Ends>,
        line_buffering: Cell<bool>,
        write_through: Cell<bool>,
        /// Encoded text on its way to the buffer.
        pending: Guarded<Buf<u8>>,
        /// Decoded text and how much of it the program has read.
        decoded: Guarded<Option<Obj>>,
        used: Cell<usize>,
        /// Bytes that `decoded` was made of, for `tell`; bytes not decoded yet.
        chunk: Guarded<Buf<u8>>,
        tail: Guarded<Buf<u8>>,
        mask: Cell<u8>,
        telling: Cell<bool>,
        detached: Cell<bool>,
        strict: Cell<bool>,
    }
}

fn buffer(cx: &Cx, this: &Ref<Text>) -> PyResult {
    match this.buffer.cloned(cx) {
        Some(b) => Ok(b),
        None if this.detached.get() => Err(cx.value_error("underlying buffer has been detached")),
        None => Err(cx.value_error("I/O operation on uninitialized object")),
    }
}
fn open_buffer(cx: &mut Cx, this: &Ref<Text>) -> PyResult {
    let b = buffer(cx, this)?;
    if base::is_closed(cx, &b)? { Err(cx.value_error("I/O operation on closed file.")) } else { Ok(b) }
}
/// The buffer when it is one of ours and nobody overrides its methods.
fn plain_buffer(b: &Obj) -> Option<Ref<Buffered>> {
    b.cast::<Buffered>().filter(|_| !b.ty().is_heap()).cloned()
}
fn text_of(cx: &Cx, o: Option<Obj>, default: &str) -> String {
    o.and_then(|o| o.cast::<Str>().map(|s| s.to_text(cx))).unwrap_or_else(|| default.into())
}
fn bytes_buf(cx: &Cx, b: &[u8]) -> PyResult<Buf<u8>> {
    let mut out = Buf::empty();
    if !b.is_empty() {
        out.splice(cx, 0, 0, b)?;
    }
    Ok(out)
}

// ---- writing

fn flush_pending(cx: &mut Cx, this: &Ref<Text>) -> PyResult<()> {
    if this.pending.get(cx).is_empty() {
        return Ok(());
    }
    let b = buffer(cx, this)?;
    let bytes = this.pending.get(cx).to_vec();
    this.pending.set(cx, Buf::empty());
    match plain_buffer(&b) {
        Some(plain) => buffered::write_bytes(cx, &plain, &bytes),
        None => {
            let data = Bytes::from_slice(cx, &bytes)?;
            protocol::call_method(cx, &b, "write", &[data]).map(drop)
        }
    }
}

fn encoded(cx: &mut Cx, this: &Ref<Text>, s: &Ref<Str>) -> PyResult<Vec<u8>> {
    if let Some(coding) = this.writing.get().0 {
        if this.strict.get()
            && let Some(a) = s.ascii_bytes()
            && matches!(coding, Coding::Utf8 | Coding::Latin1 | Coding::Ascii)
        {
            return Ok(a.to_vec());
        }
        let errors = text_of(cx, this.errors.cloned(cx), "strict");
        let b = codecs::encode_points(cx, coding, s, &errors)?;
        // The mark is written once.
        this.writing.set(MaybeCoding(Some(match coding {
            Coding::Utf16(ByteOrder::Native) => Coding::Utf16(ByteOrder::Little),
            Coding::Utf32(ByteOrder::Native) => Coding::Utf32(ByteOrder::Little),
            c => c,
        })));
        return Ok(b);
    }
    let Some(e) = this.encoder.cloned(cx) else { return Err(unsupported(cx, "not writable")) };
    let r = protocol::call_method(cx, &e, "encode", &[s.as_obj().clone()])?;
    match r.cast::<Bytes>() {
        Some(b) => Ok(b.bytes().to_vec()),
        None => Err(cx.type_error(format!("encoder should return a bytes object, not '{}'", r.ty().name_text()))),
    }
}

fn write(cx: &mut Cx, this: &Ref<Text>, s: &Ref<Str>) -> PyResult<()> {
    open_buffer(cx, this)?;
    let points = if s.ascii_bytes().is_some() { None } else { Some(s.code_points()) };
    let has = |c: u32| match (&points, s.ascii_bytes()) {
        (_, Some(a)) => memchr::memchr(c as u8, a).is_some(),
        (Some(p), _) => p.contains(&c),
        _ => false,
    };
    let line_end = has(10);
    let flush = this.line_buffering.get() && (line_end || has(13));
    let bytes = match this.ends.get() {
        Ends::Cr | Ends::CrLf if line_end => {
            let end: &[u32] = if this.ends.get() == Ends::Cr { &[13] } else { &[13, 10] };
            let p: Vec<u32> = s.code_points().into_iter().flat_map(|c| if c == 10 { end.to_vec() } else { vec![c] }).collect();
            let t = Str::from_points(cx, &p)?;
            encoded(cx, this, &t)?
        }
        _ => encoded(cx, this, s)?,
    };
    let n = this.pending.get(cx).len();
    let mut data = this.pending.replace(cx, Buf::empty());
    let r = data.splice(cx, n, n, &bytes);
    this.pending.replace(cx, data);
    r?;
    if n + bytes.len() > BUFFER_BYTES || flush || this.write_through.get() {
        flush_pending(cx, this)?;
    }
    if flush {
        let b = buffer(cx, this)?;
        protocol::call_method(cx, &b, "flush", &[])?;
    }
    if this.decoded.get(cx).is_some() {
        forget(cx, this);
    }
    Ok(())
}

/// `print` to a text stream whose `write` nobody overrides. False: the caller must call `write`.
pub fn print(cx: &mut Cx, stream: &Obj, s: &Ref<Str>) -> PyResult<bool> {
    match stream.cast::<Text>().filter(|_| !stream.ty().is_heap()).cloned() {
        Some(t) => write(cx, &t, s).map(|()| true),
        None => Ok(false),
    }
}

// ---- reading

fn forget(cx: &mut Cx, this: &Ref<Text>) {
    this.decoded.set(cx, None);
    this.used.set(0);
    this.chunk.set(cx, Buf::empty());
    this.tail.set(cx, Buf::empty());
    this.reading.set(this.coding.get());
}

/// Decodes the next piece; false at the end.
fn fill(cx: &mut Cx, this: &Ref<Text>, all: bool) -> PyResult<bool> {
    let b = open_buffer(cx, this)?;
    if this.coding.get().0.is_none() && this.decoder.get(cx).is_none() || !can_read(cx, this, &b)? {
        return Err(unsupported(cx, "not readable"));
    }
    flush_pending(cx, this)?;
    let new = match (plain_buffer(&b), all) {
        (Some(p), false) if b.ty().short_name() != "BufferedWriter" => buffered::read_once(cx, &p, None)?,
        _ => {
            let r = if all {
                protocol::call_method(cx, &b, "read", &[])?
            } else {
                let n = cx.int(BUFFER_BYTES as i64)?;
                let name = cx.name("read1");
                match protocol::lookup_attr(cx, &b, &name)? {
                    Some(f) => protocol::call(cx, &f, &[n])?,
                    None => protocol::call_method(cx, &b, "read", &[n])?,
                }
            };
            if r.is_none() && all {
                return Err(cx.error_of(&cx.types.blocking_io_error, "Read returned None."));
            }
            if !protocol::buffer::exports(cx, &r) {
                return Err(cx.type_error(format!("underlying read1() should have returned a bytes-like object, not '{}'", r.ty().name_text())));
            }
            protocol::buffer::bytes(cx, &r)?
        }
    };
    let end = new.is_empty() || all;
    let before = this.tail.get(cx).to_vec();
    let bytes = [before, new].concat();
    let (text, used) = match this.reading.get().0 {
        Some(coding) => {
            let errors = text_of(cx, this.errors.cloned(cx), "strict");
            let d = codecs::decode_part(cx, coding, &bytes, &errors, end)?;
            if d.used > 0 {
                this.reading.set(MaybeCoding(Some(match coding {
                    Coding::Utf16(ByteOrder::Native) => Coding::Utf16(d.order),
                    Coding::Utf32(ByteOrder::Native) => Coding::Utf32(d.order),
                    c => c,
                })));
            }
            (d.text, d.used)
        }
        None => {
            let d = this.decoder.cloned(cx).unwrap_or_else(|| cx.none());
            let (data, last) = (Bytes::from_slice(cx, &bytes)?, cx.bool(end));
            (protocol::call_method(cx, &d, "decode", &[data, last])?, bytes.len())
        }
    };
    let Some(s) = text.cast::<Str>() else { return Err(cx.type_error(format!("decoder should return a string result, not '{}'", text.ty().name_text()))) };
    let (mut text, mut used) = (s.clone(), used);
    if matches!(this.ends.get(), Ends::Translate | Ends::Keep) {
        let has_cr = match text.ascii_bytes() {
            Some(a) => memchr::memchr(b'\r', a).is_some(),
            None => text.code_points().contains(&13),
        };
        if has_cr || this.mask.get() & newline::LF == 0 {
            let mut p = text.code_points();
            // A carriage return at the end may be half of a line end: it waits.
            if p.last() == Some(&13) && !end && this.reading.get().0.is_some() {
                p.pop();
                used -= match this.reading.get().0 {
                    Some(Coding::Utf16(_)) => 2,
                    Some(Coding::Utf32(_)) => 4,
                    _ => 1,
                };
            }
            this.mask.set(this.mask.get() | newline::seen(&p));
            if this.ends.get() == Ends::Translate {
                p = newline::translated(&p);
            }
            text = Str::from_points(cx, &p)?;
        }
    }
    let tail = bytes_buf(cx, &bytes[used..])?;
    let chunk = bytes_buf(cx, &bytes[..used])?;
    this.tail.set(cx, tail);
    // What the program has not read yet stays in front.
    let left = rest_of(cx, this)?;
    if left.is_empty() {
        this.chunk.set(cx, chunk);
        this.decoded.set(cx, Some(text.into_obj()));
    } else {
        let joined = retic_runtime::types::str::concat(cx, left.as_obj(), text.as_obj())?;
        let old = prefix_bytes(cx, this, this.used.get());
        let kept = this.chunk.get(cx)[old.min(this.chunk.get(cx).len())..].to_vec();
        let chunk = bytes_buf(cx, &[&kept[..], &bytes[..used]].concat())?;
        this.chunk.set(cx, chunk);
        this.decoded.set(cx, Some(joined));
    }
    this.used.set(0);
    Ok(!end || !bytes.is_empty() && used > 0)
}

fn can_read(cx: &mut Cx, this: &Ref<Text>, b: &Obj) -> PyResult<bool> {
    let _ = this;
    if b.cast::<Buffered>().is_some() && b.ty().short_name() == "BufferedWriter" {
        return Ok(false);
    }
    base::can(cx, b, "readable")
}

fn decoded(cx: &Cx, this: &Ref<Text>) -> Option<Ref<Str>> {
    this.decoded.get(cx).as_ref().and_then(|d| d.cast::<Str>().cloned())
}
/// The decoded text that was not read yet.
fn rest_of(cx: &mut Cx, this: &Ref<Text>) -> PyResult<Ref<Str>> {
    match decoded(cx, this) {
        Some(d) => {
            let n = d.len();
            part(cx, &d, this.used.get().min(n), n)
        }
        None => cx.str_ref(""),
    }
}
fn part(cx: &Cx, s: &Ref<Str>, start: usize, end: usize) -> PyResult<Ref<Str>> {
    if start == 0 && end == s.len() {
        return Ok(s.clone());
    }
    match s.ascii_bytes() {
        Some(a) => Str::from_latin1(cx, &a[start..end]),
        None => Str::from_points(cx, &s.code_points()[start..end]),
    }
}

/// Bytes of `chunk` that the first `n` characters of `decoded` came from.
fn prefix_bytes(cx: &Cx, this: &Ref<Text>, n: usize) -> usize {
    let b = this.chunk.get(cx);
    let translate = this.ends.get() == Ends::Translate;
    let (mut at, mut chars) = (0, 0);
    let wide = match this.reading.get().0 {
        Some(Coding::Utf16(o)) => Some((2, o)),
        Some(Coding::Utf32(o)) => Some((4, o)),
        _ => None,
    };
    if let Some((size, order)) = wide
        && b.len() >= size
        && (b[..2] == [0xff, 0xfe] || order == ByteOrder::Big && b[size - 2..size] == [0xfe, 0xff])
    {
        at = size;
    }
    let unit = |i: usize| -> u32 {
        match wide {
            Some((2, ByteOrder::Big)) => b.get(i..i + 2).map_or(0, |u| u32::from(u[0]) << 8 | u32::from(u[1])),
            Some((2, _)) => b.get(i..i + 2).map_or(0, |u| u32::from(u[1]) << 8 | u32::from(u[0])),
            Some((_, ByteOrder::Big)) => b.get(i + 2..i + 4).map_or(0, |u| u32::from(u[0]) << 8 | u32::from(u[1])),
            Some(_) => b.get(i..i + 2).map_or(0, |u| u32::from(u[1]) << 8 | u32::from(u[0])),
            None => b.get(i).map_or(0, |u| u32::from(*u)),
        }
    };
    let size = wide.map_or(1, |w| w.0);
    while chars < n && at < b.len() {
        let c = unit(at);
        at += match (this.reading.get().0, c) {
            (Some(Coding::Utf8), 0xc0..=0xdf) => 2,
            (Some(Coding::Utf8), 0xe0..=0xef) => 3,
            (Some(Coding::Utf8), 0xf0..) => 4,
            (Some(Coding::Utf16(_)), 0xd800..=0xdbff) => 4,
            _ => size,
        };
        if translate && c == 13 && unit(at) == 10 && at < b.len() {
            at += size;
        }
        chars += 1;
    }
    at.min(b.len())
}

/// Where the next line ends in the text from `from` on; `None`: not in there.
fn line_end(ends: Ends, s: &Ref<Str>, from: usize, last: bool) -> Option<usize> {
    if let Some(a) = s.ascii_bytes() {
        let rest = &a[from..];
        return match ends {
            Ends::Translate | Ends::Lf => memchr::memchr(b'\n', rest).map(|i| from + i + 1),
            Ends::Cr => memchr::memchr(b'\r', rest).map(|i| from + i + 1),
            Ends::CrLf => memchr::memmem::find(rest, b"\r\n").map(|i| from + i + 2),
            Ends::Keep => memchr::memchr2(b'\n', b'\r', rest).and_then(|i| keep_end(rest[i] == b'\r', rest.get(i + 1).map(|c| *c == b'\n'), from + i, last)),
        };
    }
    let p = s.code_points();
    let rest = &p[from..];
    match ends {
        Ends::Translate | Ends::Lf => rest.iter().position(|c| *c == 10).map(|i| from + i + 1),
        Ends::Cr => rest.iter().position(|c| *c == 13).map(|i| from + i + 1),
        Ends::CrLf => rest.windows(2).position(|w| w == [13, 10]).map(|i| from + i + 2),
        Ends::Keep => rest.iter().position(|c| matches!(c, 10 | 13)).and_then(|i| keep_end(rest[i] == 13, rest.get(i + 1).map(|c| *c == 10), from + i, last)),
    }
}
fn keep_end(is_cr: bool, next_is_lf: Option<bool>, at: usize, last: bool) -> Option<usize> {
    match (is_cr, next_is_lf) {
        (true, Some(true)) => Some(at + 2),
        (true, None) if !last => None,
        _ => Some(at + 1),
    }
}

fn read_line(cx: &mut Cx, this: &Ref<Text>, limit: usize) -> PyResult<Ref<Str>> {
    open_buffer(cx, this)?;
    let mut last = false;
    loop {
        if let Some(d) = decoded(cx, this) {
            let from = this.used.get();
            let found = line_end(this.ends.get(), &d, from, last);
            let end = match found {
                Some(e) => Some(e.min(from.saturating_add(limit))),
                None if d.len() - from >= limit => Some(from + limit),
                None if last => Some(d.len()),
                None => None,
            };
            if let Some(e) = end {
                let l = part(cx, &d, from, e)?;
                this.used.set(e);
                return Ok(l);
            }
        } else if last {
            return cx.str_ref("");
        }
        last = !fill(cx, this, false)?;
        cx.poll_native()?;
    }
}

fn read_text(cx: &mut Cx, this: &Ref<Text>, n: Option<usize>) -> PyResult<Ref<Str>> {
    open_buffer(cx, this)?;
    let Some(n) = n else {
        fill(cx, this, true)?;
        let r = rest_of(cx, this)?;
        forget_read(cx, this, r.len());
        return Ok(r);
    };
    let mut more = true;
    while more && decoded(cx, this).map_or(0, |d| d.len() - this.used.get()) < n {
        more = fill(cx, this, false)?;
        cx.poll_native()?;
    }
    match decoded(cx, this) {
        Some(d) => {
            let from = this.used.get();
            let end = d.len().min(from.saturating_add(n));
            this.used.set(end);
            part(cx, &d, from, end)
        }
        None => cx.str_ref(""),
    }
}
fn forget_read(cx: &Cx, this: &Ref<Text>, _n: usize) {
    this.used.set(decoded(cx, this).map_or(0, |d| d.len()));
}

// ---- making one

fn ends_of(cx: &Cx, newline: Option<&str>) -> PyResult<Ends> {
    Ok(match newline {
        None => Ends::Translate,
        Some("") => Ends::Keep,
        Some("\n") => Ends::Lf,
        Some("\r") => Ends::Cr,
        Some("\r\n") => Ends::CrLf,
        Some(o) => return Err(cx.value_error(format!("illegal newline value: {o}"))),
    })
}

fn empty(head: retic_runtime::object::Header) -> Text {
    Text {
        head,
        buffer: Guarded::new(None),
        encoding: Guarded::new(None),
        errors: Guarded::new(None),
        encoder: Guarded::new(None),
        decoder: Guarded::new(None),
        coding: Cell::new(MaybeCoding(None)),
        reading: Cell::new(MaybeCoding(None)),
        writing: Cell::new(MaybeCoding(None)),
        ends: Cell::new(Ends::Translate),
        line_buffering: Cell::new(false),
        write_through: Cell::new(false),
        pending: Guarded::new(Buf::empty()),
        decoded: Guarded::new(None),
        used: Cell::new(0),
        chunk: Guarded::new(Buf::empty()),
        tail: Guarded::new(Buf::empty()),
        mask: Cell::new(0),
        telling: Cell::new(true),
        detached: Cell::new(false),
        strict: Cell::new(true),
    }
}

fn set_encoding(cx: &mut Cx, this: &Ref<Text>, encoding: Option<String>, errors: Option<String>) -> PyResult<()> {
    let name = match encoding {
        Some(e) if e == "locale" => "utf-8".to_string(),
        Some(e) => e,
        None => "utf-8".into(),
    };
    if name.contains('\0') {
        return Err(cx.value_error("embedded null character"));
    }
    let errors = errors.unwrap_or_else(|| "strict".into());
    let coding = codecs::built_in(&name);
    if coding.is_none() {
        let codec = codecs::lookup(cx, &name)?;
        let flag = cx.name("_is_text_encoding");
        if let Some(f) = protocol::lookup_attr(cx, &codec, &flag)?
            && !protocol::truth(cx, &f)?
        {
            return Err(cx.error_of(&cx.types.lookup_error, format!("'{name}' is not a text encoding; use codecs.open() to handle arbitrary codecs")));
        }
        let e = cx.str(&errors)?;
        for (attr, slot) in [("incrementalencoder", &this.encoder), ("incrementaldecoder", &this.decoder)] {
            let attr = cx.name(attr);
            let make = protocol::getattr(cx, &codec, &attr)?;
            let made = if make.is_none() { None } else { Some(protocol::call(cx, &make, std::slice::from_ref(&e))?) };
            slot.set(cx, made);
        }
    }
    this.coding.set(MaybeCoding(coding));
    this.reading.set(MaybeCoding(coding));
    this.writing.set(MaybeCoding(coding));
    this.strict.set(true);
    let (n, e) = (cx.str(&name)?, cx.str(&errors)?);
    this.encoding.set(cx, Some(n));
    this.errors.set(cx, Some(e));
    Ok(())
}

/// A text stream over a buffer.
pub fn over(cx: &mut Cx, buffer: &Obj, encoding: Option<&Ref<Str>>, errors: Option<&Ref<Str>>, newline: Option<&Ref<Str>>, line_buffering: bool) -> PyResult {
    let ty = cx.native_type("_io.TextIOWrapper");
    let t = memory::new(cx, &ty, empty)?;
    let (enc, err, nl) = (encoding.map(|e| e.to_text(cx)), errors.map(|e| e.to_text(cx)), newline.map(|n| n.to_text(cx)));
    start(cx, &t, buffer, enc, err, nl, line_buffering, false)?;
    Ok(t.into_obj())
}

fn start(
    cx: &mut Cx,
    t: &Ref<Text>,
    buffer: &Obj,
    encoding: Option<String>,
    errors: Option<String>,
    newline: Option<String>,
    line_buffering: bool,
    write_through: bool,
) -> PyResult<()> {
    t.ends.set(ends_of(cx, newline.as_deref())?);
    set_encoding(cx, t, encoding, errors)?;
    t.buffer.set(cx, Some(buffer.clone()));
    t.line_buffering.set(line_buffering);
    t.write_through.set(write_through);
    t.detached.set(false);
    forget(cx, t);
    // Appending: the byte order mark is there already.
    let writable = base::can(cx, buffer, "writable")? && base::can(cx, buffer, "seekable")?;
    if writable && matches!(t.coding.get().0, Some(Coding::Utf16(ByteOrder::Native) | Coding::Utf32(ByteOrder::Native))) {
        let at = protocol::call_method(cx, buffer, "tell", &[])?;
        if protocol::index_i64(cx, &at)? != 0 {
            skip_mark(t);
        }
    }
    Ok(())
}
fn skip_mark(t: &Ref<Text>) {
    t.writing.set(MaybeCoding(t.coding.get().0.map(|c| match c {
        Coding::Utf16(ByteOrder::Native) => Coding::Utf16(ByteOrder::Little),
        Coding::Utf32(ByteOrder::Native) => Coding::Utf32(ByteOrder::Little),
        c => c,
    })));
}

/// One of `sys.stdin`, `sys.stdout`, `sys.stderr`.
pub fn standard(cx: &mut Cx, fd: i32, name: &str, mode: &str) -> PyResult {
    let number = cx.int(i64::from(fd))?;
    let raw = super::fileio::open(cx, &number, mode, false, None)?.into_obj();
    let (key, shown) = (cx.name("name"), cx.str(&format!("<{name}>"))?);
    protocol::setattr(cx, &raw, &key, Some(&shown))?;
    let class = if fd == 0 { "_io.BufferedReader" } else { "_io.BufferedWriter" };
    let at_once = cx.unbuffered && fd != 0;
    let buffer = if at_once { raw } else { buffered::over(cx, class, &raw, BUFFER_BYTES)?.into_obj() };
    let tty = cx.host.isatty(fd);
    let errors = match fd {
        2 => "backslashreplace",
        _ if cx.escaped_streams => "surrogateescape",
        _ => "strict",
    };
    let errors = cx.str_ref(errors)?;
    let t = over(cx, &buffer, None, Some(&errors), None, !at_once && (tty || fd == 2))?;
    if at_once {
        t.cast::<Text>().inspect(|t| t.write_through.set(true));
    }
    let (key, value) = (cx.name("mode"), cx.str(if fd == 0 { "r" } else { "w" })?);
    protocol::setattr(cx, &t, &key, Some(&value))?;
    Ok(t)
}

fn flush(cx: &mut Cx, this: &Ref<Text>) -> PyResult<()> {
    let b = open_buffer(cx, this)?;
    flush_pending(cx, this)?;
    protocol::call_method(cx, &b, "flush", &[]).map(drop)
}

#[retic_macros::methods]
impl Text {
    #[py("read($self, size=-1, /)")]
    fn read(cx: &mut Cx, this: &Ref<Text>, size: Option<&Obj>) -> PyResult<Ref<Str>> {
        let n = base::size_arg(cx, size)?;
        read_text(cx, this, n)
    }
    #[py("readline($self, size=-1, /)")]
    fn readline(cx: &mut Cx, this: &Ref<Text>, size: Option<&Obj>) -> PyResult<Ref<Str>> {
        let n = base::size_arg(cx, size)?.unwrap_or(usize::MAX);
        read_line(cx, this, n)
    }
    #[py("write($self, text, /)")]
    fn write_method(cx: &mut Cx, this: &Ref<Text>, text: &Obj) -> PyResult<usize> {
        let Some(s) = text.cast::<Str>() else {
            return Err(cx.type_error(format!("write() argument must be str, not {}", text.ty().name_text())));
        };
        write(cx, this, s)?;
        Ok(s.len())
    }
    #[py("flush($self, /)")]
    fn flush_method(cx: &mut Cx, this: &Ref<Text>) -> PyResult<()> {
        flush(cx, this)
    }
    #[py("close($self, /)")]
    fn close(cx: &mut Cx, this: &Ref<Text>) -> PyResult<()> {
        let Some(b) = this.buffer.cloned(cx) else { return Ok(()) };
        if base::is_closed(cx, &b)? {
            return Ok(());
        }
        let flushed = protocol::call_method(cx, this.as_obj(), "flush", &[]);
        let saved = if flushed.is_err() { cx.take_error() } else { None };
        let closed = protocol::call_method(cx, &b, "close", &[]);
        match saved {
            Some(e) => {
                cx.clear_error();
                Err(cx.raise(e))
            }
            None => closed.map(drop),
        }
    }
    #[py("detach($self, /)")]
    fn detach(cx: &mut Cx, this: &Ref<Text>) -> PyResult {
        let b = buffer(cx, this)?;
        protocol::call_method(cx, this.as_obj(), "flush", &[])?;
        this.buffer.set(cx, None);
        this.detached.set(true);
        Ok(b)
    }
    #[py("tell($self, /)")]
    fn tell(cx: &mut Cx, this: &Ref<Text>) -> PyResult<i64> {
        let b = open_buffer(cx, this)?;
        if !base::can(cx, &b, "seekable")? {
            return Err(unsupported(cx, "underlying stream is not seekable"));
        }
        if !this.telling.get() {
            return Err(cx.error_of(&cx.types.os_error, "telling position disabled by next() call"));
        }
        flush(cx, this)?;
        let at = protocol::call_method(cx, &b, "tell", &[])?;
        let at = protocol::index_i64(cx, &at)?;
        if this.decoded.get(cx).is_none() {
            return Ok(at);
        }
        if this.reading.get().0.is_none() {
            return Err(cx.error_of(&cx.types.os_error, "can't reconstruct logical file position"));
        }
        let start = at - this.tail.get(cx).len() as i64 - this.chunk.get(cx).len() as i64;
        Ok(start + prefix_bytes(cx, this, this.used.get()) as i64)
    }
    #[py("seek($self, cookie, whence=0, /)")]
    fn seek(cx: &mut Cx, this: &Ref<Text>, cookie: &Obj, whence: i64) -> PyResult<i64> {
        let b = open_buffer(cx, this)?;
        if !base::can(cx, &b, "seekable")? {
            return Err(unsupported(cx, "underlying stream is not seekable"));
        }
        let to = protocol::index_i64(cx, cookie)?;
        let to = match whence {
            0 => to,
            1 if to != 0 => return Err(unsupported(cx, "can't do nonzero cur-relative seeks")),
            1 => Text::tell(cx, this)?,
            2 if to != 0 => return Err(unsupported(cx, "can't do nonzero end-relative seeks")),
            2 => {
                flush(cx, this)?;
                forget(cx, this);
                let (zero, two) = (cx.int(0)?, cx.int(2)?);
                let at = protocol::call_method(cx, &b, "seek", &[zero, two])?;
                let at = protocol::index_i64(cx, &at)?;
                if at != 0 {
                    skip_mark(this);
                }
                return Ok(at);
            }
            _ => return Err(cx.value_error(format!("invalid whence ({whence}, should be 0, 1 or 2)"))),
        };
        if to < 0 {
            return Err(cx.value_error(format!("negative seek position {to}")));
        }
        flush(cx, this)?;
        let order = this.reading.get();
        forget(cx, this);
        if to != 0 {
            this.reading.set(order);
            skip_mark(this);
        } else {
            this.writing.set(this.coding.get());
        }
        if let Some(d) = this.decoder.cloned(cx) {
            protocol::call_method(cx, &d, "reset", &[])?;
        }
        let t = cx.int(to)?;
        protocol::call_method(cx, &b, "seek", &[t])?;
        Ok(to)
    }
    #[py("truncate($self, pos=None, /)")]
    fn truncate(cx: &mut Cx, this: &Ref<Text>, pos: Option<&Obj>) -> PyResult {
        flush(cx, this)?;
        let b = buffer(cx, this)?;
        let n = match pos.filter(|p| !p.is_none()) {
            Some(p) => p.clone(),
            None => {
                let at = Text::tell(cx, this)?;
                cx.int(at)?
            }
        };
        protocol::call_method(cx, &b, "truncate", &[n])
    }
    /// Reconfigure the text stream with new parameters.
    #[py("reconfigure($self, /, *, encoding=None, errors=None, newline=<unrepresentable>, line_buffering=None, write_through=None)")]
    fn reconfigure(
        cx: &mut Cx,
        this: &Ref<Text>,
        encoding: Option<&Obj>,
        errors: Option<&Obj>,
        newline: Option<&Obj>,
        line_buffering: Option<&Obj>,
        write_through: Option<&Obj>,
    ) -> PyResult<()> {
        if this.decoded.get(cx).is_some() && (encoding.is_some() || errors.is_some() || newline.is_some()) {
            return Err(unsupported(cx, "It is not possible to set the encoding or newline of stream after the first read"));
        }
        flush(cx, this)?;
        let text = |cx: &Cx, o: Option<&Obj>| o.and_then(|o| o.cast::<Str>().map(|s| s.to_text(cx)));
        let (enc, err) = (text(cx, encoding), text(cx, errors));
        if enc.is_some() || err.is_some() {
            let err = err.or_else(|| if enc.is_some() { None } else { Some(text_of(cx, this.errors.cloned(cx), "strict")) });
            let enc = enc.unwrap_or_else(|| text_of(cx, this.encoding.cloned(cx), "utf-8"));
            set_encoding(cx, this, Some(enc), err)?;
        }
        if let Some(n) = newline {
            let n = text(cx, Some(n));
            this.ends.set(ends_of(cx, n.as_deref())?);
        }
        if let Some(l) = line_buffering {
            this.line_buffering.set(protocol::truth(cx, l)?);
        }
        if let Some(w) = write_through {
            this.write_through.set(protocol::truth(cx, w)?);
        }
        Ok(())
    }
    #[py("readable($self, /)")]
    fn readable(cx: &mut Cx, this: &Ref<Text>) -> PyResult {
        let b = buffer(cx, this)?;
        protocol::call_method(cx, &b, "readable", &[])
    }
    #[py("writable($self, /)")]
    fn writable(cx: &mut Cx, this: &Ref<Text>) -> PyResult {
        let b = buffer(cx, this)?;
        protocol::call_method(cx, &b, "writable", &[])
    }
    #[py("seekable($self, /)")]
    fn seekable(cx: &mut Cx, this: &Ref<Text>) -> PyResult {
        let b = buffer(cx, this)?;
        protocol::call_method(cx, &b, "seekable", &[])
    }
    #[py("fileno($self, /)")]
    fn fileno(cx: &mut Cx, this: &Ref<Text>) -> PyResult {
        let b = buffer(cx, this)?;
        protocol::call_method(cx, &b, "fileno", &[])
    }
    #[py("isatty($self, /)")]
    fn isatty(cx: &mut Cx, this: &Ref<Text>) -> PyResult {
        let b = buffer(cx, this)?;
        protocol::call_method(cx, &b, "isatty", &[])
    }
    #[get("buffer")]
    fn buffer_get(cx: &mut Cx, this: &Ref<Text>) -> PyResult {
        buffer(cx, this)
    }
    #[get("encoding")]
    fn encoding_get(cx: &mut Cx, this: &Ref<Text>) -> Option<Obj> {
        this.encoding.cloned(cx)
    }
    #[get("errors")]
    fn errors_get(cx: &mut Cx, this: &Ref<Text>) -> Option<Obj> {
        this.errors.cloned(cx)
    }
    #[get("newlines")]
    fn newlines(cx: &mut Cx, this: &Ref<Text>) -> PyResult {
        newline::shown(cx, this.mask.get())
    }
    #[get("line_buffering")]
    fn line_buffering_get(_cx: &mut Cx, this: &Ref<Text>) -> bool {
        this.line_buffering.get()
    }
    #[get("write_through")]
    fn write_through_get(_cx: &mut Cx, this: &Ref<Text>) -> bool {
        this.write_through.get()
    }
    #[get("closed")]
    fn closed(cx: &mut Cx, this: &Ref<Text>) -> PyResult<bool> {
        let b = buffer(cx, this)?;
        base::is_closed(cx, &b)
    }
    #[get("name")]
    fn name(cx: &mut Cx, this: &Ref<Text>) -> PyResult {
        let b = buffer(cx, this)?;
        let name = cx.name("name");
        protocol::getattr(cx, &b, &name)
    }
    #[get("_CHUNK_SIZE")]
    fn chunk_size(_cx: &mut Cx, this: &Ref<Text>) -> usize {
        let _ = this;
        BUFFER_BYTES
    }
}

pub fn spec() -> Spec {
    Spec {
        doc: "Character and line based layer over a BufferedIOBase object, buffer.",
        text_signature: "(buffer, encoding=None, errors=None, newline=None, line_buffering=False, write_through=False)",
        flags: FLAGS,
        slots: Slots {
            new: Some(|cx, ty, _| Ok(memory::new(cx, ty, empty)?.into_obj())),
            init: Some(|cx, o, args: Args<'_>| {
                let Some(this) = o.cast::<Text>().cloned() else { return Ok(()) };
                let p = args.positional();
                let get = |cx: &Cx, i: usize, name: &str| p.get(i).or(args.keyword(cx, name)).filter(|v| !v.is_none()).cloned();
                let Some(b) = get(cx, 0, "buffer") else { return Err(cx.type_error("TextIOWrapper() missing required argument 'buffer' (pos 1)")) };
                let mut texts = Vec::new();
                for (i, name) in [(1, "encoding"), (2, "errors"), (3, "newline")] {
                    texts.push(match get(cx, i, name) {
                        None => None,
                        Some(v) => match v.cast::<Str>() {
                            Some(s) => Some(s.to_text(cx)),
                            None => return Err(cx.type_error(format!("TextIOWrapper() argument '{name}' must be str or None, not {}", v.ty().name_text()))),
                        },
                    });
                }
                let mut flag = |i: usize, name: &str| -> PyResult<bool> {
                    match get(cx, i, name) {
                        Some(v) => protocol::truth(cx, &v),
                        None => Ok(false),
                    }
                };
                let (line, through) = (flag(4, "line_buffering")?, flag(5, "write_through")?);
                let (newline, errors, encoding) = (texts.pop().flatten(), texts.pop().flatten(), texts.pop().flatten());
                start(cx, &this, &b, encoding, errors, newline, line, through)
            }),
            repr: Some(|cx, o| {
                let Some(t) = o.cast::<Text>().cloned() else { return Ok(cx.none()) };
                let mut out = format!("<{}", retic_runtime::types::type_::full_name(cx, &o.type_ref()));
                for key in ["name", "mode"] {
                    let k = cx.name(key);
                    match protocol::lookup_attr(cx, o, &k) {
                        Ok(Some(v)) => out.push_str(&format!(" {key}={}", protocol::repr_text(cx, &v)?)),
                        Ok(None) => {}
                        Err(_) => cx.clear_error(),
                    }
                }
                let encoding = text_of(cx, t.encoding.cloned(cx), "utf-8");
                out.push_str(&format!(" encoding='{encoding}'>"));
                cx.str(&out)
            }),
            iter: Some(|cx, o| {
                base::check_closed(cx, o)?;
                Ok(o.clone())
            }),
            next: Some(|cx, o| {
                let Some(t) = o.cast::<Text>().cloned() else { return Ok(None) };
                if o.ty().is_heap() {
                    return base::next_line(cx, o);
                }
                t.telling.set(false);
                let l = read_line(cx, &t, usize::MAX)?;
                if l.is_empty() {
                    t.telling.set(true);
                    return Ok(None);
                }
                Ok(Some(l.into_obj()))
            }),
            del: Some(base::finalize),
            ..Slots::EMPTY
        },
        methods: Text::METHODS,
        getset: Text::GETSET,
        ..Spec::new::<Text>("_io.TextIOWrapper")
    }
}
