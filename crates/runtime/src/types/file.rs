//! File objects: whole files read at once, writes gathered until `flush`, and the standard streams. The layered `io` module
//! takes their place when it is built.

use super::type_::flags;
use super::{Slots, Spec, Str};
use crate::cx::{Cx, PyResult};
use crate::layout;
use crate::memory;
use crate::object::{Buf, Guarded, Obj, Ref};
use crate::protocol;
use std::cell::Cell;

/// What a file object stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    Read,
    Write,
    Stdin,
    Stdout,
    Stderr,
}

layout! {
    /// An open file.
    pub struct File = 42, "TextIOWrapper" {
        name: Guarded<Obj>,
        mode: Guarded<Obj>,
        /// What was read, or what waits to be written.
        data: Guarded<Buf<u8>>,
        at: Cell<usize>,
        stream: Cell<Stream>,
        binary: Cell<bool>,
        closed: Cell<bool>,
    }
}

fn make(cx: &mut Cx, name: Obj, mode: &str, stream: Stream, binary: bool, bytes: &[u8]) -> PyResult<Ref<File>> {
    let mode = cx.str(mode)?;
    let mut data = Buf::with_capacity(cx, bytes.len())?;
    for b in bytes {
        data.push(cx, *b)?;
    }
    memory::new(cx, &cx.types.file, |head| File {
        head,
        name: Guarded::new(name),
        mode: Guarded::new(mode),
        data: Guarded::new(data),
        at: Cell::new(0),
        stream: Cell::new(stream),
        binary: Cell::new(binary),
        closed: Cell::new(false),
    })
}

/// A standard stream.
pub fn standard(cx: &mut Cx, name: &str, stream: Stream) -> PyResult {
    let n = cx.str(name)?;
    let mode = if stream == Stream::Stdin { "r" } else { "w" };
    Ok(make(cx, n, mode, stream, false, &[])?.into_obj())
}

fn os_error(cx: &mut Cx, e: &std::io::Error, name: &Obj) -> crate::cx::Raised {
    let class = match e.kind() {
        std::io::ErrorKind::NotFound => cx.types.file_not_found_error.clone(),
        std::io::ErrorKind::PermissionDenied => cx.types.permission_error.clone(),
        std::io::ErrorKind::AlreadyExists => cx.types.file_exists_error.clone(),
        std::io::ErrorKind::IsADirectory => cx.types.is_a_directory_error.clone(),
        std::io::ErrorKind::NotADirectory => cx.types.not_a_directory_error.clone(),
        _ => cx.types.os_error.clone(),
    };
    let text = e.to_string();
    let text = text.split(" (os error").next().unwrap_or("").to_string();
    let made = (|| {
        let args = [cx.int(i64::from(e.raw_os_error().unwrap_or(0)))?, cx.str(&text)?, name.clone()];
        protocol::call(cx, class.as_obj(), &args)
    })();
    match made {
        Ok(exc) => cx.raise(exc),
        Err(r) => r,
    }
}

/// `open(file, mode)`.
pub fn open(cx: &mut Cx, name: &Obj, mode: &str) -> PyResult {
    let binary = mode.contains('b');
    let kinds = mode.chars().filter(|c| matches!(c, 'r' | 'w' | 'a' | 'x')).count();
    if mode.chars().any(|c| !"rwaxbt+".contains(c)) || kinds > 1 || (binary && mode.contains('t')) {
        return Err(cx.value_error(format!("invalid mode: '{mode}'")));
    }
    if kinds == 0 {
        return Err(cx.value_error("Must have exactly one of create/read/write/append mode and at most one plus"));
    }
    if mode.contains('+') {
        return Err(cx.error_of(&cx.types.not_implemented_error, "files open for reading and writing at once are not built yet"));
    }
    let Some(path) = name.cast::<Str>().map(|s| s.to_text(cx)) else {
        return Err(cx.type_error(format!("expected str, bytes or os.PathLike object, not {}", name.ty().name_text())));
    };
    if mode.contains('r') {
        let bytes = match cx.host.read_file(&path) {
            Ok(b) => b,
            Err(e) => return Err(os_error(cx, &e, name)),
        };
        if !binary {
            // Universal newlines; the text must decode.
            let text = match String::from_utf8(bytes) {
                Ok(t) => t,
                Err(e) => {
                    crate::codecs::decode(cx, e.as_bytes(), "utf-8", "strict")?;
                    String::new()
                }
            };
            let text = text.replace("\r\n", "\n").replace('\r', "\n");
            return Ok(make(cx, name.clone(), mode, Stream::Read, false, text.as_bytes())?.into_obj());
        }
        return Ok(make(cx, name.clone(), mode, Stream::Read, true, &bytes)?.into_obj());
    }
    if mode.contains('x') && cx.host.is_file(&path) {
        return Err(os_error(cx, &std::io::Error::from_raw_os_error(17), name));
    }
    if let Err(e) = cx.host.write_file(&path, &[], mode.contains('a')) {
        return Err(os_error(cx, &e, name));
    }
    Ok(make(cx, name.clone(), mode, Stream::Write, binary, &[])?.into_obj())
}

impl File {
    fn check(&self, cx: &Cx, reading: bool) -> PyResult<()> {
        if self.closed.get() {
            return Err(cx.value_error("I/O operation on closed file."));
        }
        let can_read = matches!(self.stream.get(), Stream::Read | Stream::Stdin);
        if can_read == reading { Ok(()) } else { Err(cx.error_of(&cx.types.os_error, if reading { "not readable" } else { "not writable" })) }
    }
    /// The next `n` bytes, or up to the end of the line.
    fn take(&self, cx: &mut Cx, n: Option<usize>, line: bool) -> PyResult<Vec<u8>> {
        if self.stream.get() == Stream::Stdin {
            let mut out = Vec::new();
            loop {
                let more = cx.host.read_line().map_err(|e| cx.error_of(&cx.types.os_error, e.to_string()))?;
                if more.is_empty() {
                    return Ok(out);
                }
                out.extend(more);
                if line {
                    return Ok(out);
                }
            }
        }
        let at = self.at.get();
        let rest = self.data.get(cx).get(at..).unwrap_or(&[]);
        let mut end = rest.len();
        if line {
            end = rest.iter().position(|b| *b == b'\n').map_or(end, |i| i + 1);
        }
        if let Some(n) = n {
            end = if self.binary.get() {
                end.min(n)
            } else {
                // Count characters: every byte that does not continue one begins one.
                rest.iter().enumerate().filter(|(_, b)| **b & 0xc0 != 0x80).nth(n).map_or(end, |(i, _)| i.min(end))
            };
        }
        let out = rest[..end].to_vec();
        self.at.set(at + end);
        Ok(out)
    }
    fn give_out(&self, cx: &mut Cx, bytes: &[u8]) -> PyResult {
        if self.binary.get() { super::Bytes::from_slice(cx, bytes) } else { crate::codecs::decode(cx, bytes, "utf-8", "replace") }
    }
    fn flush_now(&self, cx: &mut Cx) -> PyResult<()> {
        match self.stream.get() {
            Stream::Stdout => cx.host.flush(),
            Stream::Write => {
                let bytes = self.data.get(cx).to_vec();
                if bytes.is_empty() {
                    return Ok(());
                }
                self.data.set(cx, Buf::empty());
                let name = self.name.cloned(cx);
                let path = name.cast::<Str>().map(|s| s.to_text(cx)).unwrap_or_default();
                if let Err(e) = cx.host.write_file(&path, &bytes, true) {
                    return Err(os_error(cx, &e, &name));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

#[retic_macros::methods]
impl File {
    /// Read and return at most n characters (or bytes); all by default.
    #[py("read($self, n=-1, /)")]
    fn read(cx: &mut Cx, this: &Ref<File>, n: i64) -> PyResult {
        this.check(cx, true)?;
        let out = this.take(cx, usize::try_from(n).ok(), false)?;
        this.give_out(cx, &out)
    }
    /// Read until newline or EOF.
    #[py("readline($self, size=-1, /)")]
    fn readline(cx: &mut Cx, this: &Ref<File>, size: i64) -> PyResult {
        this.check(cx, true)?;
        let out = this.take(cx, usize::try_from(size).ok(), true)?;
        this.give_out(cx, &out)
    }
    /// Return a list of lines from the stream.
    #[py("readlines($self, /)")]
    fn readlines(cx: &mut Cx, this: &Ref<File>) -> PyResult {
        let items = protocol::collect(cx, this.as_obj())?;
        cx.list(items)
    }
    /// Write string to stream; returns the number of characters written.
    #[py("write($self, text, /)")]
    fn write(cx: &mut Cx, this: &Ref<File>, text: &Obj) -> PyResult<usize> {
        this.check(cx, false)?;
        let (bytes, n) = if this.binary.get() {
            let b = super::bytes::bytes_of(cx, text)?;
            let n = b.len();
            (b, n)
        } else {
            let Some(s) = text.cast::<Str>() else { return Err(cx.type_error(format!("write() argument must be str, not {}", text.ty().name_text()))) };
            (crate::codecs::encode(cx, s, "utf-8", "strict")?, s.len())
        };
        match this.stream.get() {
            Stream::Stdout => cx.host.write_stdout(&bytes),
            Stream::Stderr => cx.host.write_stderr(&bytes),
            _ => {
                let mut all = this.data.replace(cx, Buf::empty());
                for b in bytes {
                    all.push(cx, b)?;
                }
                this.data.set(cx, all);
            }
        }
        Ok(n)
    }
    /// Write a list of lines to stream.
    #[py("writelines($self, lines, /)")]
    fn writelines(cx: &mut Cx, this: &Ref<File>, lines: &Obj) -> PyResult<()> {
        for l in protocol::collect(cx, lines)? {
            File::write(cx, this, &l)?;
        }
        Ok(())
    }
    /// Flush write buffers, if applicable.
    #[py("flush($self, /)")]
    fn flush(cx: &mut Cx, this: &Ref<File>) -> PyResult<()> {
        this.flush_now(cx)
    }
    /// Flush and close the file.
    #[py("close($self, /)")]
    fn close(cx: &mut Cx, this: &Ref<File>) -> PyResult<()> {
        if !this.closed.replace(true) {
            this.flush_now(cx)?;
        }
        Ok(())
    }
    #[py("__enter__($self, /)")]
    fn enter(cx: &mut Cx, this: &Ref<File>) -> PyResult {
        if this.closed.get() {
            return Err(cx.value_error("I/O operation on closed file."));
        }
        Ok(this.as_obj().clone())
    }
    #[py("__exit__($self, *args)")]
    fn exit(cx: &mut Cx, this: &Ref<File>, args: &[Obj]) -> PyResult<()> {
        let _ = args;
        File::close(cx, this)
    }
    /// Return whether this is an interactive stream.
    #[py("isatty($self, /)")]
    fn isatty(_cx: &mut Cx, _this: &Ref<File>) -> bool {
        false
    }
    #[py("readable($self, /)")]
    fn readable(_cx: &mut Cx, this: &Ref<File>) -> bool {
        matches!(this.stream.get(), Stream::Read | Stream::Stdin)
    }
    #[py("writable($self, /)")]
    fn writable(_cx: &mut Cx, this: &Ref<File>) -> bool {
        !matches!(this.stream.get(), Stream::Read | Stream::Stdin)
    }
    #[get("name")]
    fn name_get(cx: &mut Cx, this: &Ref<File>) -> Obj {
        this.name.cloned(cx)
    }
    #[get("mode")]
    fn mode_get(cx: &mut Cx, this: &Ref<File>) -> Obj {
        this.mode.cloned(cx)
    }
    #[get("closed")]
    fn closed_get(_cx: &mut Cx, this: &Ref<File>) -> bool {
        this.closed.get()
    }
    #[get("encoding")]
    fn encoding(_cx: &mut Cx, _this: &Ref<File>) -> &'static str {
        "utf-8"
    }
}

pub fn spec() -> Spec {
    Spec {
        flags: flags::GC | flags::MANAGED | flags::WEAK | flags::NO_NEW | flags::FINALIZER,
        slots: Slots {
            repr: Some(|cx, o| {
                let Some(f) = o.cast::<File>() else { return Ok(cx.none()) };
                let (n, m) = (f.name.cloned(cx), f.mode.cloned(cx));
                let (n, m) = (protocol::repr_text(cx, &n)?, protocol::repr_text(cx, &m)?);
                cx.str(&format!("<_io.TextIOWrapper name={n} mode={m} encoding='utf-8'>"))
            }),
            iter: Some(|_, o| Ok(o.clone())),
            next: Some(|cx, o| {
                let Some(f) = o.cast::<File>() else { return Ok(None) };
                f.check(cx, true)?;
                let line = f.take(cx, None, true)?;
                if line.is_empty() { Ok(None) } else { f.give_out(cx, &line).map(Some) }
            }),
            del: Some(|cx, o| {
                if let Some(f) = o.cast::<File>().cloned()
                    && File::close(cx, &f).is_err()
                {
                    cx.unraisable(o);
                }
            }),
            ..Slots::EMPTY
        },
        methods: File::METHODS,
        getset: File::GETSET,
        ..Spec::new::<File>("_io.TextIOWrapper")
    }
}
