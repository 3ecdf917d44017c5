//! `TextIOWrapper`: characters over a buffered binary stream.

use super::base::{self, FLAGS};
use super::buffered::{self, Buffered};
use super::cookie::{self, Cookie};
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
        /// Of a decoder that is not built in: its flags before it decoded `chunk`.
        flags: Guarded<Option<Obj>>,
        /// How much of `decoded` comes from before that.
        lead: Cell<usize>,
        /// Bytes to read, and to write, at a time.
        piece: Cell<usize>,
        detached: Cell<bool>,
        strict: Cell<bool>,
        /// What the buffer said of itself when the stream was made.
        readable: Cell<bool>,
        writable: Cell<bool>,
        seekable: Cell<bool>,
        /// Its finaliser runs.
        finalizing: Cell<bool>,
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
    let bytes = this.pending.get(cx).to_vec();
    this.pending.set(cx, Buf::empty());
    pass_on(cx, this, &bytes)
}
/// Writes bytes to the stream below.
fn pass_on(cx: &mut Cx, this: &Ref<Text>, bytes: &[u8]) -> PyResult<()> {
    let b = buffer(cx, this)?;
    match plain_buffer(&b) {
        Some(plain) => buffered::write_bytes(cx, &plain, bytes),
        None => {
            let data = Bytes::from_slice(cx, bytes)?;
            protocol::call_method(cx, &b, "write", &[data]).map(drop)
        }
    }
}
/// Keeps bytes behind the `n` that wait to be written.
fn keep(cx: &mut Cx, this: &Ref<Text>, n: usize, bytes: &[u8]) -> PyResult<()> {
    let mut data = this.pending.replace(cx, Buf::empty());
    let r = data.splice(cx, n, n, bytes);
    this.pending.replace(cx, data);
    r
}

fn encoded(cx: &mut Cx, this: &Ref<Text>, s: &Ref<Str>) -> PyResult<Vec<u8>> {
    if let Some(coding) = this.writing.get().0 {
        if let Some(a) = as_it_is(this, s) {
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
    if !this.writable.get() {
        return Err(unsupported(cx, "not writable"));
    }
    let flush = this.line_buffering.get() && (s.find_point(10, 0).is_some() || s.find_point(13, 0).is_some());
    let kept = this.pending.get(cx).len();
    if let Some(plain) = as_it_is(this, s)
        && !matches!(this.ends.get(), Ends::Cr | Ends::CrLf)
        && !flush
        && !this.write_through.get()
        && kept + plain.len() < this.piece.get()
    {
        keep(cx, this, kept, plain)?;
        return after_write(cx, this);
    }
    let bytes = match this.ends.get() {
        Ends::Cr | Ends::CrLf if s.find_point(10, 0).is_some() => {
            let end: &[u32] = if this.ends.get() == Ends::Cr { &[13] } else { &[13, 10] };
            let p: Vec<u32> = s.code_points().into_iter().flat_map(|c| if c == 10 { end.to_vec() } else { vec![c] }).collect();
            let t = Str::from_points(cx, &p)?;
            encoded(cx, this, &t)?
        }
        _ => encoded(cx, this, s)?,
    };
    // No more than a piece is kept: what is larger goes on its way behind what was there. Flushing may write to this very stream.
    while !this.pending.get(cx).is_empty() && this.pending.get(cx).len() + bytes.len() > this.piece.get() {
        flush_pending(cx, this)?;
        cx.poll_native()?;
    }
    let n = this.pending.get(cx).len();
    if n == 0 && bytes.len() > this.piece.get() {
        pass_on(cx, this, &bytes)?;
    } else {
        keep(cx, this, n, &bytes)?;
    }
    if this.pending.get(cx).len() >= this.piece.get() || flush || this.write_through.get() {
        flush_pending(cx, this)?;
    }
    if flush {
        let b = buffer(cx, this)?;
        protocol::call_method(cx, &b, "flush", &[])?;
    }
    after_write(cx, this)
}

/// The bytes of a text that are in the stream's encoding as they lie there.
fn as_it_is<'a>(this: &Ref<Text>, s: &'a Ref<Str>) -> Option<&'a [u8]> {
    let plain = this.strict.get() && matches!(this.writing.get().0, Some(Coding::Utf8 | Coding::Latin1 | Coding::Ascii));
    s.ascii_bytes().filter(|_| plain)
}

/// What was read ahead does not follow what was written.
fn after_write(cx: &mut Cx, this: &Ref<Text>) -> PyResult<()> {
    if this.decoded.get(cx).is_some() && this.seekable.get() {
        forget(cx, this);
        if let Some(d) = this.decoder.cloned(cx) {
            protocol::call_method(cx, &d, "reset", &[])?;
        }
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
    this.flags.set(cx, None);
    this.lead.set(0);
    this.reading.set(this.coding.get());
}

/// Decodes the next piece; false at the end.
fn fill(cx: &mut Cx, this: &Ref<Text>, all: bool) -> PyResult<bool> {
    let b = open_buffer(cx, this)?;
    if !this.readable.get() || this.coding.get().0.is_none() && this.decoder.get(cx).is_none() {
        return Err(unsupported(cx, "not readable"));
    }
    flush_pending(cx, this)?;
    let new = match (plain_buffer(&b), all) {
        (Some(p), false) if b.ty().short_name() != "BufferedWriter" && this.piece.get() == BUFFER_BYTES => buffered::read_once(cx, &p, None)?,
        _ => {
            let r = if all {
                protocol::call_method(cx, &b, "read", &[])?
            } else {
                let n = cx.int(this.piece.get() as i64)?;
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
    if this.reading.get().0.is_none() {
        return fill_by_decoder(cx, this, new, end);
    }
    let bytes = if this.tail.get(cx).is_empty() { new } else { [this.tail.get(cx), &new[..]].concat() };
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
        None => (cx.str("")?, bytes.len()),
    };
    let (mut text, mut used) = (text.cast::<Str>().cloned().map_or_else(|| cx.str_ref(""), Ok)?, used);
    if matches!(this.ends.get(), Ends::Translate | Ends::Keep) {
        if text.find_point(13, 0).is_none() {
            let lf = this.mask.get() & newline::LF == 0 && text.find_point(10, 0).is_some();
            this.mask.set(this.mask.get() | if lf { newline::LF } else { 0 });
        } else {
            let mut p = text.code_points();
            // A carriage return at the end may be half of a line end: it waits.
            if p.last() == Some(&13) && !end {
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

/// As `fill`, by a decoder that is not built in; it sees to line ends itself.
fn fill_by_decoder(cx: &mut Cx, this: &Ref<Text>, new: Vec<u8>, end: bool) -> PyResult<bool> {
    let d = this.decoder.cloned(cx).unwrap_or_else(|| cx.none());
    let snapshot = if this.telling.get() { Some(cookie::state_of(cx, &d)?) } else { None };
    let (data, last) = (Bytes::from_slice(cx, &new)?, cx.bool(end));
    let text = protocol::call_method(cx, &d, "decode", &[data, last])?;
    let Some(text) = text.cast::<Str>().cloned() else { return Err(cx.type_error(format!("decoder should return a string result, not '{}'", text.ty().name_text()))) };
    let grew = !text.is_empty();
    // What the program has not read yet stays in front, and is read before anybody asks for a place again: places are told from
    // the state before this piece.
    let left = rest_of(cx, this)?;
    let chunk = match &snapshot {
        Some((held, _)) => bytes_buf(cx, &[&held[..], &new[..]].concat())?,
        None => Buf::empty(),
    };
    let joined = retic_runtime::types::str::concat(cx, left.as_obj(), text.as_obj())?;
    this.chunk.set(cx, chunk);
    this.flags.set(cx, snapshot.map(|s| s.1));
    this.decoded.set(cx, Some(joined));
    this.used.set(0);
    this.lead.set(left.len());
    Ok(!end || grew && !new.is_empty())
}

/// Where the program is in a stream with a decoder that is not built in.
fn place_by_decoder(cx: &mut Cx, this: &Ref<Text>, position: i64) -> PyResult {
    let (Some(d), Some(flags)) = (this.decoder.cloned(cx), this.flags.cloned(cx)) else { return cx.int(position) };
    let chunk = this.chunk.get(cx).to_vec();
    let (lead, characters) = (this.lead.get(), decoded(cx, this).map_or(0, |t| t.len()));
    let (Some(used), Some(characters)) = (this.used.get().checked_sub(lead), characters.checked_sub(lead)) else {
        return Err(cx.error_of(&cx.types.os_error, "can't reconstruct logical file position"));
    };
    cookie::find(cx, &d, &flags, &chunk, position - chunk.len() as i64, used, characters)
}

/// Goes on behind a cookie, the stream below standing where it says.
fn follow(cx: &mut Cx, this: &Ref<Text>, b: &Obj, cookie: &Cookie) -> PyResult<()> {
    let Some(d) = this.decoder.cloned(cx) else { return Ok(()) };
    if cookie.position == 0 && cookie.flags == 0 {
        protocol::call_method(cx, &d, "reset", &[])?;
    } else {
        let flags = cx.int(cookie.flags)?;
        cookie::set_state(cx, &d, &flags)?;
    }
    let flags = cx.int(cookie.flags)?;
    this.flags.set(cx, Some(flags));
    if cookie.skip == 0 {
        return Ok(());
    }
    let n = cx.int(cookie.feed)?;
    let r = protocol::call_method(cx, b, "read", &[n])?;
    let Some(bytes) = r.cast::<Bytes>() else {
        return Err(cx.type_error(format!("underlying read() should have returned a bytes object, not '{}'", r.ty().name_text())));
    };
    let chunk = bytes_buf(cx, bytes.bytes())?;
    this.chunk.set(cx, chunk);
    let (data, last) = (r.clone(), cx.bool(cookie.end));
    let text = protocol::call_method(cx, &d, "decode", &[data, last])?;
    match text.cast::<Str>() {
        Some(s) if s.len() >= cookie.skip as usize => {
            this.decoded.set(cx, Some(text.clone()));
            this.used.set(cookie.skip as usize);
            Ok(())
        }
        _ => Err(cx.error_of(&cx.types.os_error, "can't restore logical file position")),
    }
}

/// The encoder begins at the stream's start, or elsewhere: there it writes no byte order mark.
fn place_encoder(cx: &mut Cx, this: &Ref<Text>, at_start: bool) -> PyResult<()> {
    if at_start {
        this.writing.set(this.coding.get());
    } else {
        skip_mark(this);
    }
    let Some(e) = this.encoder.cloned(cx) else { return Ok(()) };
    if at_start {
        protocol::call_method(cx, &e, "reset", &[]).map(drop)
    } else {
        let zero = cx.int(0)?;
        protocol::call_method(cx, &e, "setstate", &[zero]).map(drop)
    }
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
    s.part(cx, start..end)
}

/// Bytes of `chunk` that the first `n` characters of `decoded` came from.
fn prefix_bytes(cx: &Cx, this: &Ref<Text>, n: usize) -> usize {
    let b = this.chunk.get(cx);
    let narrow = matches!(this.reading.get().0, Some(Coding::Utf8 | Coding::Latin1 | Coding::Ascii));
    if narrow && decoded(cx, this).is_some_and(|d| d.len() == b.len()) {
        // As many characters as bytes: each came from one.
        return n.min(b.len());
    }
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
    match ends {
        Ends::Translate | Ends::Lf => s.find_point(10, from).map(|i| i + 1),
        Ends::Cr => s.find_point(13, from).map(|i| i + 1),
        Ends::CrLf => {
            let mut at = from;
            while let Some(i) = s.find_point(13, at) {
                at = i + 1;
                if at < s.len() && s.chars().get(at) == 10 {
                    return Some(at + 1);
                }
            }
            None
        }
        Ends::Keep => {
            let c = s.chars();
            let i = match s.ascii_bytes() {
                Some(a) => memchr::memchr2(b'\n', b'\r', &a[from..])? + from,
                None => (from..s.len()).find(|i| matches!(c.get(*i), 10 | 13))?,
            };
            keep_end(c.get(i) == 13, (i + 1 < s.len()).then(|| c.get(i + 1) == 10), i, last)
        }
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

/// In development mode names of error handlers are looked up at once.
pub fn check_errors(cx: &mut Cx, errors: Option<&str>) -> PyResult<()> {
    let Some(errors) = errors.filter(|e| *e != "strict") else { return Ok(()) };
    if super::flag(cx, "dev_mode")? && codecs::lookup_error(cx, errors)?.is_none() && !crate::codecs::HANDLER_NAMES.contains(&errors) {
        return Err(cx.error_of(&cx.types.lookup_error, format!("unknown error handler name '{errors}'")));
    }
    Ok(())
}

/// An argument that is text or None, and can be encoded.
fn given_text(cx: &mut Cx, o: Option<&Obj>, function: &str, name: &str) -> PyResult<Option<String>> {
    let Some(o) = o.filter(|o| !o.is_none()) else { return Ok(None) };
    let Some(s) = o.cast::<Str>().cloned() else {
        return Err(cx.type_error(format!("{function}() argument '{name}' must be str or None, not {}", o.ty().name_text())));
    };
    codecs::encode(cx, &s, "utf-8", "strict")?;
    let text = s.to_text(cx);
    if text.contains('\0') && function != "reconfigure" {
        return Err(cx.value_error("embedded null character"));
    }
    Ok(Some(text))
}

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
        flags: Guarded::new(None),
        lead: Cell::new(0),
        piece: Cell::new(BUFFER_BYTES),
        detached: Cell::new(false),
        strict: Cell::new(true),
        readable: Cell::new(false),
        writable: Cell::new(false),
        seekable: Cell::new(false),
        finalizing: Cell::new(false),
    }
}

fn set_encoding(cx: &mut Cx, this: &Ref<Text>, encoding: Option<String>, errors: Option<String>) -> PyResult<()> {
    let name = match encoding {
        Some(e) if e != "locale" => e,
        None if super::flag(cx, "utf8_mode")? => "utf-8".into(),
        _ => cx.host.locale_encoding(retic_runtime::host::locales::category::CTYPE),
    };
    let errors = errors.unwrap_or_else(|| "strict".into());
    if name.contains('\0') {
        return Err(cx.error_of(&cx.types.lookup_error, format!("unknown encoding: {name}")));
    }
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
        if let Some(d) = this.decoder.cloned(cx)
            && matches!(this.ends.get(), Ends::Translate | Ends::Keep)
        {
            let d = newline::around(cx, d, this.ends.get() == Ends::Translate)?;
            this.decoder.set(cx, Some(d));
        }
    } else {
        this.encoder.set(cx, None);
        this.decoder.set(cx, None);
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
    let mut texts = Vec::new();
    for (given, name) in [(encoding, "encoding"), (errors, "errors"), (newline, "newline")] {
        texts.push(given_text(cx, given.map(Ref::as_obj), "open", name)?);
    }
    let (nl, err, enc) = (texts.pop().flatten(), texts.pop().flatten(), texts.pop().flatten());
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
    for (what, known) in [("seekable", &t.seekable), ("readable", &t.readable), ("writable", &t.writable)] {
        known.set(base::can(cx, buffer, what)?);
    }
    t.telling.set(t.seekable.get());
    place_encoder_here(cx, t, buffer)
}
/// Appending: the byte order mark is there already.
fn place_encoder_here(cx: &mut Cx, t: &Ref<Text>, buffer: &Obj) -> PyResult<()> {
    let marks = matches!(t.coding.get().0, None | Some(Coding::Utf16(ByteOrder::Native) | Coding::Utf32(ByteOrder::Native)));
    if marks && t.writable.get() && t.seekable.get() {
        let at = protocol::call_method(cx, buffer, "tell", &[])?;
        if protocol::index_i64(cx, &at)? != 0 {
            return place_encoder(cx, t, false);
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
    let encoding = cx.str_ref("utf-8")?;
    let t = over(cx, &buffer, Some(&encoding), Some(&errors), None, !at_once && (tty || fd == 2))?;
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
        let b = buffer(cx, this)?;
        if base::is_closed(cx, &b)? {
            return Ok(());
        }
        if this.finalizing.get() {
            base::warn_below(cx, Some(b.clone()), this.as_obj());
        }
        let flushed = protocol::call_method(cx, this.as_obj(), "flush", &[]).map(drop);
        base::both(cx, flushed, |cx| protocol::call_method(cx, &b, "close", &[]).map(drop))
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
    fn tell(cx: &mut Cx, this: &Ref<Text>) -> PyResult {
        let b = open_buffer(cx, this)?;
        if !this.seekable.get() {
            return Err(unsupported(cx, "underlying stream is not seekable"));
        }
        if !this.telling.get() {
            return Err(cx.error_of(&cx.types.os_error, "telling position disabled by next() call"));
        }
        flush(cx, this)?;
        let at = protocol::call_method(cx, &b, "tell", &[])?;
        let at = protocol::index_i64(cx, &at)?;
        if this.coding.get().0.is_none() {
            return place_by_decoder(cx, this, at);
        }
        if this.decoded.get(cx).is_none() {
            return cx.int(at);
        }
        let start = at - this.tail.get(cx).len() as i64 - this.chunk.get(cx).len() as i64;
        cx.int(start + prefix_bytes(cx, this, this.used.get()) as i64)
    }
    #[py("seek($self, cookie, whence=0, /)", "($self, cookie, whence=os.SEEK_SET, /)")]
    fn seek(cx: &mut Cx, this: &Ref<Text>, cookie: &Obj, whence: i64) -> PyResult {
        let b = open_buffer(cx, this)?;
        if !this.seekable.get() {
            return Err(unsupported(cx, "underlying stream is not seekable"));
        }
        let zero = retic_runtime::types::int::to_i64(cookie) == Some(0);
        let cookie = match whence {
            0 => cookie.clone(),
            1 if !zero => return Err(unsupported(cx, "can't do nonzero cur-relative seeks")),
            1 => Text::tell(cx, this)?,
            2 if !zero => return Err(unsupported(cx, "can't do nonzero end-relative seeks")),
            2 => {
                flush(cx, this)?;
                forget(cx, this);
                if let Some(d) = this.decoder.cloned(cx) {
                    protocol::call_method(cx, &d, "reset", &[])?;
                }
                let (zero, two) = (cx.int(0)?, cx.int(2)?);
                let at = protocol::call_method(cx, &b, "seek", &[zero, two])?;
                let there = protocol::index_i64(cx, &at)?;
                place_encoder(cx, this, there == 0)?;
                return Ok(at);
            }
            _ => return Err(cx.value_error(format!("invalid whence ({whence}, should be 0, 1 or 2)"))),
        };
        let place = Cookie::unpack(cx, &cookie)?;
        flush(cx, this)?;
        let order = this.reading.get();
        forget(cx, this);
        if place.position != 0 {
            this.reading.set(order);
        }
        let t = cx.int(place.position)?;
        protocol::call_method(cx, &b, "seek", &[t])?;
        follow(cx, this, &b, &place)?;
        place_encoder(cx, this, place.position == 0 && place.flags == 0)?;
        Ok(cookie)
    }
    #[py("truncate($self, pos=None, /)")]
    fn truncate(cx: &mut Cx, this: &Ref<Text>, pos: Option<&Obj>) -> PyResult {
        flush(cx, this)?;
        let b = buffer(cx, this)?;
        let n = match pos.filter(|p| !p.is_none()) {
            Some(p) => p.clone(),
            None => Text::tell(cx, this)?,
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
        let (enc, err) = (given_text(cx, encoding, "reconfigure", "encoding")?, given_text(cx, errors, "reconfigure", "errors")?);
        let line = line_buffering.filter(|l| !l.is_none()).map(|l| protocol::index_i64(cx, l)).transpose()?;
        let through = write_through.filter(|w| !w.is_none()).map(|w| protocol::index_i64(cx, w)).transpose()?;
        let ends = match newline {
            Some(n) => {
                let n = given_text(cx, Some(n), "reconfigure", "newline")?;
                Some(ends_of(cx, n.as_deref())?)
            }
            None => None,
        };
        if let Some(ends) = ends {
            this.ends.set(ends);
        }
        if enc.is_some() || err.is_some() || ends.is_some() {
            let err = err.or_else(|| if enc.is_some() { None } else { Some(text_of(cx, this.errors.cloned(cx), "strict")) });
            let enc = enc.unwrap_or_else(|| text_of(cx, this.encoding.cloned(cx), "utf-8"));
            set_encoding(cx, this, Some(enc), err)?;
            let b = buffer(cx, this)?;
            place_encoder_here(cx, this, &b)?;
        }
        if let Some(l) = line {
            this.line_buffering.set(l != 0);
        }
        if let Some(w) = through {
            this.write_through.set(w != 0);
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
    #[member("buffer")]
    fn buffer_get(cx: &mut Cx, this: &Ref<Text>) -> PyResult {
        buffer(cx, this)
    }
    #[member("encoding")]
    fn encoding_get(cx: &mut Cx, this: &Ref<Text>) -> Option<Obj> {
        this.encoding.cloned(cx)
    }
    #[get("errors")]
    fn errors_get(cx: &mut Cx, this: &Ref<Text>) -> Option<Obj> {
        this.errors.cloned(cx)
    }
    #[get("newlines")]
    fn newlines(cx: &mut Cx, this: &Ref<Text>) -> PyResult {
        let mask = this.decoder.cloned(cx).and_then(|d| newline::seen_by(&d)).unwrap_or(this.mask.get());
        newline::shown(cx, mask)
    }
    #[member("line_buffering")]
    fn line_buffering_get(_cx: &mut Cx, this: &Ref<Text>) -> bool {
        this.line_buffering.get()
    }
    #[member("write_through")]
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
    #[settable("")]
    fn chunk_size(_cx: &mut Cx, this: &Ref<Text>) -> usize {
        this.piece.get()
    }
    fn set_chunk_size(cx: &mut Cx, this: &Ref<Text>, value: Option<&Obj>) -> PyResult<()> {
        let Some(v) = value else { return Err(cx.attribute_error("cannot delete attribute")) };
        let n = protocol::index_i64(cx, v)?;
        if n <= 0 {
            return Err(cx.value_error("a strictly positive integer is required"));
        }
        this.piece.set(n as usize);
        Ok(())
    }
    #[get("_finalizing")]
    #[settable("")]
    fn finalizing(_cx: &mut Cx, this: &Ref<Text>) -> bool {
        this.finalizing.get()
    }
    fn set_finalizing(cx: &mut Cx, this: &Ref<Text>, value: Option<&Obj>) -> PyResult<()> {
        let Some(v) = value else { return Err(cx.attribute_error("cannot delete attribute")) };
        this.finalizing.set(protocol::truth(cx, v)?);
        Ok(())
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
                this.buffer.set(cx, None);
                this.detached.set(false);
                let mut texts = Vec::new();
                for (i, name) in [(1, "encoding"), (2, "errors"), (3, "newline")] {
                    let given = get(cx, i, name);
                    let text = given_text(cx, given.as_ref(), "TextIOWrapper", name);
                    // Of line ends only the known ones will do, whatever is in the text.
                    let text = if name == "newline" && given.as_ref().is_some_and(|g| g.cast::<Str>().is_some()) && text.is_err() {
                        cx.clear_error();
                        return Err(cx.value_error("illegal newline value"));
                    } else {
                        text?
                    };
                    texts.push(text);
                }
                let mut flag = |i: usize, name: &str| -> PyResult<bool> {
                    match get(cx, i, name) {
                        Some(v) => protocol::truth(cx, &v),
                        None => Ok(false),
                    }
                };
                let (line, through) = (flag(4, "line_buffering")?, flag(5, "write_through")?);
                let (newline, errors, encoding) = (texts.pop().flatten(), texts.pop().flatten(), texts.pop().flatten());
                if encoding.is_none() {
                    super::warn_of_default_encoding(cx, 1)?;
                }
                check_errors(cx, errors.as_deref())?;
                start(cx, &this, &b, encoding, errors, newline, line, through)
            }),
            repr: Some(|cx, o| {
                let Some(t) = o.cast::<Text>().cloned() else { return Ok(cx.none()) };
                let mut out = format!("<{}", retic_runtime::types::type_::full_name(cx, &o.type_ref()));
                if !t.detached.get() {
                    buffer(cx, &t)?;
                }
                for key in ["name", "mode"] {
                    let k = cx.name(key);
                    match protocol::lookup_attr(cx, o, &k) {
                        Ok(Some(v)) => out.push_str(&format!(" {key}={}", base::shown_within(cx, o, &v)?)),
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
                    t.telling.set(t.seekable.get());
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
