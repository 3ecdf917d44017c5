//! `FileIO`: a descriptor as a raw stream.

use super::base::{self, FLAGS};
use super::unsupported;
use retic_runtime::host::files::Place;
use retic_runtime::native::Args;
use retic_runtime::types::{Bytes, Slots, Spec, Str, exception, int};
use retic_runtime::{Cx, Obj, PyResult, Raised, Ref, codecs, layout, memory, protocol};
use std::cell::Cell;

layout! {
    /// An open descriptor; -1 once closed.
    pub struct FileIo = 211, "_io.FileIO" { fd: Cell<i32>, readable: Cell<bool>, writable: Cell<bool>, appending: Cell<bool>, created: Cell<bool>, closefd: Cell<bool>, seekable: Cell<Option<bool>>, finalizing: Cell<bool>, }
}

const O_CREAT: i32 = 0o100;
const O_EXCL: i32 = 0o200;
const O_TRUNC: i32 = 0o1000;
const O_APPEND: i32 = 0o2000;

fn closed(cx: &Cx) -> Raised {
    cx.value_error("I/O operation on closed file")
}
fn fd(cx: &Cx, this: &Ref<FileIo>) -> PyResult<i32> {
    if this.fd.get() < 0 { Err(closed(cx)) } else { Ok(this.fd.get()) }
}

/// What a mode text asks for: open flags, readable, writable, appending, created.
fn parse_mode(cx: &Cx, mode: &str) -> PyResult<(i32, bool, bool, bool, bool)> {
    let mut kind = None;
    let mut plus = false;
    for c in mode.chars() {
        match c {
            'r' | 'w' | 'a' | 'x' if kind.is_none() => kind = Some(c),
            'r' | 'w' | 'a' | 'x' => return Err(cx.value_error("Must have exactly one of create/read/write/append mode and at most one plus")),
            '+' if !plus => plus = true,
            '+' => return Err(cx.value_error("Must have exactly one of create/read/write/append mode and at most one plus")),
            'b' => {}
            _ => return Err(cx.value_error(format!("invalid mode: {mode}"))),
        }
    }
    let Some(kind) = kind else { return Err(cx.value_error("Must have exactly one of create/read/write/append mode and at most one plus")) };
    let (r, w) = (kind == 'r' || plus, kind != 'r' || plus);
    let access = match (r, w) {
        (true, true) => 2,
        (false, true) => 1,
        _ => 0,
    };
    let extra = match kind {
        'w' => O_CREAT | O_TRUNC,
        'a' => O_CREAT | O_APPEND,
        'x' => O_CREAT | O_EXCL,
        _ => 0,
    };
    Ok((access | extra, r, w, kind == 'a', kind == 'x'))
}

/// Opens a file by name or takes a descriptor over.
pub fn open(cx: &mut Cx, file: &Obj, mode: &str, closefd: bool, opener: Option<&Obj>) -> PyResult<Ref<FileIo>> {
    let ty = cx.native_type("_io.FileIO");
    let f = memory::new(cx, &ty, empty)?;
    start(cx, &f, file, mode, closefd, opener)?;
    Ok(f)
}

fn empty(head: retic_runtime::object::Header) -> FileIo {
    FileIo {
        head,
        fd: Cell::new(-1),
        readable: Cell::new(false),
        writable: Cell::new(false),
        appending: Cell::new(false),
        created: Cell::new(false),
        closefd: Cell::new(true),
        seekable: Cell::new(None),
        finalizing: Cell::new(false),
    }
}

/// The file descriptor that an argument stands for, if it is a number that can be one.
fn descriptor(cx: &mut Cx, file: &Obj) -> Option<i32> {
    file.ty().slots(cx).index?;
    match protocol::index(cx, file) {
        Ok(i) => int::to_i64(&i).and_then(|n| i32::try_from(n).ok()),
        Err(_) => {
            cx.clear_error();
            None
        }
    }
}

fn start(cx: &mut Cx, this: &Ref<FileIo>, file: &Obj, mode: &str, closefd: bool, opener: Option<&Obj>) -> PyResult<()> {
    let (flags, r, w, a, x) = parse_mode(cx, mode)?;
    if std::ptr::eq(file.ty(), &*cx.types.bool) {
        let category = cx.types.runtime_warning.clone();
        retic_runtime::modules::warnings::warn(cx, &category, "bool is used as a file descriptor", 1)?;
    }
    let number = descriptor(cx, file);
    cx.audit("open", &[file.into(), mode.replace('b', "").as_str().into(), i64::from(flags | 0o2_000_000).into()])?;
    let fd = match number {
        Some(n) if n < 0 => return Err(cx.value_error("negative file descriptor")),
        Some(n) => n,
        None => {
            if !closefd {
                return Err(cx.value_error("Cannot use closefd=False with file name"));
            }
            let text = crate::posix::fspath(cx, file)?;
            match opener.filter(|o| !o.is_none()) {
                Some(o) => {
                    let f = cx.int(i64::from(flags | 0o2_000_000))?;
                    let r = protocol::call(cx, o, &[file.clone(), f])?;
                    match int::to_i64(&r) {
                        Some(n) if n >= 0 => n as i32,
                        Some(n) => return Err(cx.value_error(format!("opener returned {n}"))),
                        None => return Err(cx.type_error("expected integer from opener")),
                    }
                }
                None => {
                    let bytes = match text.cast::<Str>() {
                        Some(s) => codecs::encode(cx, s, "utf-8", "surrogateescape")?,
                        None => text.cast::<Bytes>().map(|b| b.bytes().to_vec()).unwrap_or_default(),
                    };
                    if bytes.contains(&0) {
                        return Err(cx.value_error("embedded null byte"));
                    }
                    match cx.host.open(Place::of(&bytes), flags, 0o666) {
                        Ok(fd) => fd,
                        Err(e) => return Err(exception::raise_os(cx, &e, Some(file), None)),
                    }
                }
            }
        }
    };
    let own = number.is_none();
    match cx.host.fstat(fd) {
        Ok(s) if s.mode & 0o170_000 == 0o040_000 => {
            if own {
                let _ = cx.host.close(fd);
            }
            return Err(exception::raise_os(cx, &std::io::Error::from_raw_os_error(21), Some(file), None));
        }
        Ok(_) => {}
        Err(e) => return Err(exception::raise_os(cx, &e, None, None)),
    }
    this.fd.set(fd);
    this.readable.set(r);
    this.writable.set(w);
    this.appending.set(a);
    this.created.set(x);
    this.closefd.set(closefd);
    this.seekable.set(None);
    let name = cx.name("name");
    if let Err(e) = protocol::setattr(cx, this.as_obj(), &name, Some(file)) {
        if !own {
            // It is somebody else's to close.
            this.fd.set(-1);
        }
        return Err(e);
    }
    if a {
        let _ = cx.host.seek(fd, 0, 2);
    }
    Ok(())
}

/// Reads into `out`: how many bytes came; `None` when nothing is there yet and the descriptor does not wait.
fn read_into(cx: &mut Cx, this: &Ref<FileIo>, out: &mut [u8]) -> PyResult<Option<usize>> {
    let fd = fd(cx, this)?;
    if !this.readable.get() {
        return Err(unsupported(cx, "File not open for reading"));
    }
    if fd == 0 {
        cx.host.flush();
    }
    loop {
        crate::select::let_others_run(cx, fd)?;
        match cx.host.read(fd, out) {
            Ok(n) => return Ok(Some(n)),
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => return Ok(None),
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => cx.poll_native()?,
            Err(e) => return Err(exception::raise_os(cx, &e, None, None)),
        }
    }
}
/// Reads up to `n` bytes and shows them; `None` when nothing is there yet and the descriptor does not wait.
pub fn with_some<R>(cx: &mut Cx, this: &Ref<FileIo>, n: usize, look: impl FnOnce(&mut Cx, &[u8]) -> PyResult<R>) -> PyResult<Option<R>> {
    /// Room for more is given back at once.
    const KEPT_BYTES: usize = 1 << 18;
    protocol::check_size(cx, 1, n, 1)?;
    let mut room = std::mem::take(&mut cx.reading_room);
    if room.len() < n {
        room = vec![0; n];
    }
    let got = read_into(cx, this, &mut room[..n]);
    let shown = match got {
        Ok(Some(k)) => look(cx, &room[..k]).map(Some),
        Ok(None) => Ok(None),
        Err(r) => Err(r),
    };
    if room.len() <= KEPT_BYTES {
        cx.reading_room = room;
    }
    shown
}
/// Reads to the end.
pub fn read_all(cx: &mut Cx, this: &Ref<FileIo>) -> PyResult<Option<Vec<u8>>> {
    /// What is read at once where nothing is known of the size, at first; and at most.
    const FIRST_BYTES: usize = 8 << 10;
    const MOST_BYTES: usize = 1 << 26;
    let fd = fd(cx, this)?;
    // The size says how much to expect; one more byte finds the end.
    let expected = cx.host.fstat(fd).map_or(0, |s| s.size.max(0) as usize);
    let here = if expected > 0 { cx.host.seek(fd, 0, 1).map_or(0, |p| p as usize) } else { 0 };
    let (mut out, mut len) = (Vec::new(), 0);
    let mut chunk = if expected > here { (expected - here).min(MOST_BYTES) + 1 } else { FIRST_BYTES };
    loop {
        if out.is_empty() {
            protocol::check_size(cx, 1, chunk, 1)?;
            out = vec![0; chunk];
        } else if out.len() == len {
            chunk = len.clamp(FIRST_BYTES, 1 << 20);
            protocol::grow(cx, &mut out, chunk)?;
            out.resize(len + chunk, 0);
        }
        match read_into(cx, this, &mut out[len..])? {
            None if len == 0 => return Ok(None),
            None | Some(0) => break,
            Some(n) => len += n,
        }
        cx.poll_native()?;
    }
    out.truncate(len);
    Ok(Some(out))
}
/// Writes; `None` when nothing could be written without waiting.
pub fn write_some(cx: &mut Cx, this: &Ref<FileIo>, b: &[u8]) -> PyResult<Option<usize>> {
    let fd = fd(cx, this)?;
    if !this.writable.get() {
        return Err(unsupported(cx, "File not open for writing"));
    }
    match crate::select::write(cx, fd, b)? {
        Ok(n) => Ok(Some(n)),
        Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => Ok(None),
        Err(e) => Err(exception::raise_os(cx, &e, None, None)),
    }
}

fn mode_text(this: &FileIo) -> &'static str {
    match (this.created.get(), this.appending.get(), this.readable.get(), this.writable.get()) {
        (true, _, true, _) => "xb+",
        (true, ..) => "xb",
        (_, true, true, _) => "ab+",
        (_, true, ..) => "ab",
        (_, _, true, true) => "rb+",
        (_, _, true, false) => "rb",
        _ => "wb",
    }
}

#[retic_macros::methods]
impl FileIo {
    /// Read at most size bytes, returned as bytes.
    #[py("read($self, size=-1, /)")]
    fn read(cx: &mut Cx, this: &Ref<FileIo>, size: Option<&Obj>) -> PyResult {
        let r = match base::size_arg(cx, size)? {
            Some(n) => with_some(cx, this, n, |cx, bytes| Bytes::from_slice(cx, bytes))?,
            None => return FileIo::readall(cx, this),
        };
        Ok(r.unwrap_or_else(|| cx.none()))
    }
    /// Read all data from the file, returned as bytes.
    #[py("readall($self, /)")]
    fn readall(cx: &mut Cx, this: &Ref<FileIo>) -> PyResult {
        match read_all(cx, this)? {
            Some(b) => Bytes::from_slice(cx, &b),
            None => Ok(cx.none()),
        }
    }
    /// Same as RawIOBase.readinto().
    #[py("readinto($self, buffer, /)")]
    fn readinto(cx: &mut Cx, this: &Ref<FileIo>, buffer: &Obj) -> PyResult {
        fd(cx, this)?;
        let b = protocol::buffer::writable(cx, buffer, "readinto() argument 1")?;
        let got = with_some(cx, this, b.nbytes(), |cx, data| {
            protocol::buffer::fill(cx, &b, data);
            Ok(data.len())
        });
        protocol::buffer::release(cx, &b.exporter);
        match got? {
            Some(n) => cx.int(n as i64),
            None => Ok(cx.none()),
        }
    }
    /// Write buffer b to file, return number of bytes written.
    #[py("write($self, b, /)")]
    fn write(cx: &mut Cx, this: &Ref<FileIo>, b: &Obj) -> PyResult<Option<usize>> {
        fd(cx, this)?;
        let data = protocol::buffer::held(cx, b)?;
        write_some(cx, this, &data)
    }
    /// Move to new file position and return the file position.
    #[py("seek($self, pos, whence=0, /)")]
    pub fn seek(cx: &mut Cx, this: &Ref<FileIo>, pos: &Obj, whence: i64) -> PyResult<i64> {
        let fd = fd(cx, this)?;
        let pos = protocol::index_i64(cx, pos)?;
        cx.host.seek(fd, pos, whence as i32).map_err(|e| exception::raise_os(cx, &e, None, None))
    }
    /// Current file position.
    #[py("tell($self, /)")]
    fn tell(cx: &mut Cx, this: &Ref<FileIo>) -> PyResult<i64> {
        let fd = fd(cx, this)?;
        cx.host.seek(fd, 0, 1).map_err(|e| exception::raise_os(cx, &e, None, None))
    }
    /// Truncate the file to at most size bytes and return the truncated size.
    #[py("truncate($self, size=None, /)")]
    fn truncate(cx: &mut Cx, this: &Ref<FileIo>, size: Option<&Obj>) -> PyResult<i64> {
        let d = fd(cx, this)?;
        if !this.writable.get() {
            return Err(unsupported(cx, "File not open for writing"));
        }
        let n = match size.filter(|s| !s.is_none()) {
            Some(s) => protocol::index_i64(cx, s)?,
            None => FileIo::tell(cx, this)?,
        };
        cx.host.truncate(d, n).map_err(|e| exception::raise_os(cx, &e, None, None))?;
        Ok(n)
    }
    /// Close the file.
    #[py("close($self, /)")]
    fn close(cx: &mut Cx, this: &Ref<FileIo>) -> PyResult<()> {
        let base = cx.native_type("_io._RawIOBase");
        let name = cx.name("close");
        let inherited = retic_runtime::types::super_::lookup_after(cx, &this.as_obj().type_ref(), &base, &name)?;
        if this.finalizing.get() {
            FileIo::dealloc_warn(cx, this, this.as_obj());
        }
        let flushed = match inherited {
            Some(f) => protocol::call(cx, &f, &[this.as_obj().clone()]).map(drop),
            None => Ok(()),
        };
        base::both(cx, flushed, |cx| {
            let d = this.fd.replace(-1);
            if d >= 0
                && this.closefd.get()
                && let Err(e) = cx.host.close(d)
            {
                return Err(exception::raise_os(cx, &e, None, None));
            }
            Ok(())
        })
    }
    /// True if file supports random-access.
    #[py("seekable($self, /)")]
    pub fn seekable(cx: &mut Cx, this: &Ref<FileIo>) -> PyResult<bool> {
        let d = fd(cx, this)?;
        if this.seekable.get().is_none() {
            this.seekable.set(Some(cx.host.seek(d, 0, 1).is_ok()));
        }
        Ok(this.seekable.get() == Some(true))
    }
    /// True if file was opened in a read mode.
    #[py("readable($self, /)")]
    fn readable_method(cx: &mut Cx, this: &Ref<FileIo>) -> PyResult<bool> {
        fd(cx, this)?;
        Ok(this.readable.get())
    }
    /// True if file was opened in a write mode.
    #[py("writable($self, /)")]
    fn writable_method(cx: &mut Cx, this: &Ref<FileIo>) -> PyResult<bool> {
        fd(cx, this)?;
        Ok(this.writable.get())
    }
    /// Return the underlying file descriptor (an integer).
    #[py("fileno($self, /)")]
    fn fileno(cx: &mut Cx, this: &Ref<FileIo>) -> PyResult<i64> {
        fd(cx, this).map(i64::from)
    }
    /// True if the file is connected to a TTY device.
    #[py("isatty($self, /)")]
    fn isatty(cx: &mut Cx, this: &Ref<FileIo>) -> PyResult<bool> {
        let d = fd(cx, this)?;
        Ok(cx.host.isatty(d))
    }
    #[py("_isatty_open_only($self, /)")]
    fn isatty_open_only(cx: &mut Cx, this: &Ref<FileIo>) -> PyResult<bool> {
        FileIo::isatty(cx, this)
    }
    #[py("_dealloc_warn($self, source, /)")]
    fn dealloc_warn(cx: &mut Cx, this: &Ref<FileIo>, source: &Obj) {
        if this.fd.get() >= 0 && this.closefd.get() {
            retic_runtime::modules::warnings::unclosed(cx, source, "file ");
        }
    }
    #[get("_finalizing")]
    #[settable("")]
    fn finalizing(_cx: &mut Cx, this: &Ref<FileIo>) -> bool {
        this.finalizing.get()
    }
    fn set_finalizing(cx: &mut Cx, this: &Ref<FileIo>, value: Option<&Obj>) -> PyResult<()> {
        let Some(v) = value else { return Err(cx.attribute_error("cannot delete attribute")) };
        this.finalizing.set(protocol::truth(cx, v)?);
        Ok(())
    }
    /// True if the file is closed
    #[get("closed")]
    fn closed(_cx: &mut Cx, this: &Ref<FileIo>) -> bool {
        this.fd.get() < 0
    }
    /// True if the file descriptor will be closed by close().
    #[get("closefd")]
    fn closefd_get(_cx: &mut Cx, this: &Ref<FileIo>) -> bool {
        this.closefd.get()
    }
    /// String giving the file mode
    #[get("mode")]
    fn mode(_cx: &mut Cx, this: &Ref<FileIo>) -> &'static str {
        mode_text(this)
    }
    #[get("_blksize")]
    fn blksize(cx: &mut Cx, this: &Ref<FileIo>) -> i64 {
        cx.host.fstat(this.fd.get()).map_or(super::BUFFER_BYTES as i64 * 16, |s| s.blksize)
    }
}

pub fn spec() -> Spec {
    Spec {
        doc: "Open a file.",
        text_signature: "(file, mode='r', closefd=True, opener=None)",
        flags: FLAGS,
        slots: Slots {
            new: Some(|cx, ty, _| Ok(memory::new(cx, ty, empty)?.into_obj())),
            init: Some(|cx, o, args: Args<'_>| {
                let p = args.positional();
                let get = |cx: &Cx, i: usize, name: &str| p.get(i).or(args.keyword(cx, name)).cloned();
                let Some(this) = o.cast::<FileIo>().cloned() else { return Ok(()) };
                let Some(file) = get(cx, 0, "file") else { return Err(cx.type_error("FileIO() missing required argument 'file' (pos 1)")) };
                let mode = match get(cx, 1, "mode") {
                    Some(m) => base::text_arg(cx, &m)?.to_text(cx),
                    None => "r".into(),
                };
                let closefd = match get(cx, 2, "closefd") {
                    Some(c) => protocol::truth(cx, &c)?,
                    None => true,
                };
                let opener = get(cx, 3, "opener");
                if this.fd.get() >= 0 && this.closefd.get() {
                    let _ = cx.host.close(this.fd.replace(-1));
                }
                start(cx, &this, &file, &mode, closefd, opener.as_ref())
            }),
            repr: Some(|cx, o| {
                let Some(f) = o.cast::<FileIo>().cloned() else { return Ok(cx.none()) };
                if f.fd.get() < 0 {
                    return cx.str(&format!("<{} [closed]>", o.ty().name_text()));
                }
                let name = cx.name("name");
                let shown = match protocol::lookup_attr(cx, o, &name)? {
                    Some(n) => format!("name={}", base::shown_within(cx, o, &n)?),
                    None => format!("fd={}", f.fd.get()),
                };
                let closefd = if f.closefd.get() { "True" } else { "False" };
                cx.str(&format!("<{} {shown} mode='{}' closefd={closefd}>", o.ty().name_text(), mode_text(&f)))
            }),
            del: Some(base::finalize),
            ..Slots::EMPTY
        },
        methods: FileIo::METHODS,
        getset: FileIo::GETSET,
        ..Spec::new::<FileIo>("_io.FileIO")
    }
}
