//! `scandir` and its entries.

use super::path;
use retic_runtime::host::files::HERE;
use retic_runtime::object::{Buf, Guarded};
use retic_runtime::types::type_::flags;
use retic_runtime::types::{Slots, Spec, exception};
use retic_runtime::{Cx, Obj, PyResult, Ref, layout, memory, protocol};
use std::cell::Cell;

layout! {
    /// One entry of a folder.
    pub struct DirEntry = 200, "posix.DirEntry" { name: Guarded<Obj>, path: Guarded<Obj>, kind: Cell<u8>, ino: Cell<u64>, folder: Cell<i32>, stat: Guarded<Option<Obj>>, lstat: Guarded<Option<Obj>>, }
}
layout! {
    /// The entries still to come.
    pub struct Scan = 201, "posix.ScandirIterator" { entries: Guarded<Buf<Obj>>, at: Cell<usize>, closed: Cell<bool>, }
}

const LINK: u8 = 10;
const FOLDER: u8 = 4;
const FILE: u8 = 8;

/// `os.scandir`.
pub fn scan(cx: &mut Cx, folder: &path::Path) -> PyResult {
    let listed = match folder.fd {
        Some(fd) => cx.host.list_open(fd),
        None => cx.host.list(&folder.bytes),
    };
    let list = match listed {
        Ok(l) => l,
        Err(e) => return Err(exception::raise_os(cx, &e, Some(&folder.given), None)),
    };
    let ty = cx.native_type("posix.DirEntry");
    let mut entries = Buf::empty();
    for (name, kind, ino) in list {
        let mut full = folder.bytes.clone();
        if !full.is_empty() && full.last() != Some(&b'/') {
            full.push(b'/');
        }
        full.extend_from_slice(&name);
        let (name, full) = (path::name(cx, &name, folder.is_bytes)?, path::name(cx, &full, folder.is_bytes)?);
        let e = memory::new(cx, &ty, |head| DirEntry {
            head,
            name: Guarded::new(name),
            path: Guarded::new(full),
            kind: Cell::new(kind),
            ino: Cell::new(ino),
            folder: Cell::new(folder.fd.unwrap_or(HERE)),
            stat: Guarded::new(None),
            lstat: Guarded::new(None),
        })?;
        entries.push(cx, e.into_obj())?;
    }
    let ty = cx.native_type("posix.ScandirIterator");
    Ok(memory::new(cx, &ty, |head| Scan { head, entries: Guarded::new(entries), at: Cell::new(0), closed: Cell::new(false) })?.into_obj())
}

fn is_kind(cx: &mut Cx, this: &Ref<DirEntry>, kind: u8, follow: bool) -> PyResult<bool> {
    if this.kind.get() != LINK && this.kind.get() != 0 || !follow && this.kind.get() == LINK {
        return Ok(this.kind.get() == kind);
    }
    match DirEntry::stat_method(cx, this, follow) {
        Ok(s) => {
            let name = cx.name("st_mode");
            let mode = protocol::getattr(cx, &s, &name)?;
            let mode = protocol::index_i64(cx, &mode)?;
            Ok(mode & 0o170_000 == if kind == FOLDER { 0o040_000 } else { 0o100_000 })
        }
        Err(_) if cx.error_is(&cx.types.file_not_found_error) => {
            cx.clear_error();
            Ok(false)
        }
        Err(r) => Err(r),
    }
}

#[retic_macros::methods]
impl DirEntry {
    /// See PEP 585
    #[py("__class_getitem__($type, object, /)")]
    fn class_getitem(cx: &mut Cx, cls: &Obj, object: &Obj) -> PyResult {
        retic_runtime::types::generic::alias(cx, cls, object)
    }
    /// Return True if the entry is a directory; cached per entry.
    #[py("is_dir($self, /, *, follow_symlinks=True)")]
    fn is_dir(cx: &mut Cx, this: &Ref<DirEntry>, follow_symlinks: bool) -> PyResult<bool> {
        is_kind(cx, this, FOLDER, follow_symlinks)
    }
    /// Return True if the entry is a file; cached per entry.
    #[py("is_file($self, /, *, follow_symlinks=True)")]
    fn is_file(cx: &mut Cx, this: &Ref<DirEntry>, follow_symlinks: bool) -> PyResult<bool> {
        is_kind(cx, this, FILE, follow_symlinks)
    }
    /// Return True if the entry is a symbolic link; cached per entry.
    #[py("is_symlink($self, /)")]
    fn is_symlink(_cx: &mut Cx, this: &Ref<DirEntry>) -> bool {
        this.kind.get() == LINK
    }
    /// Return True if the entry is a junction; cached per entry.
    #[py("is_junction($self, /)")]
    fn is_junction(_cx: &mut Cx, this: &Ref<DirEntry>) -> bool {
        let _ = this;
        false
    }
    /// Return stat_result object for the entry; cached per entry.
    #[py("stat($self, /, *, follow_symlinks=True)")]
    fn stat_method(cx: &mut Cx, this: &Ref<DirEntry>, follow_symlinks: bool) -> PyResult {
        let slot = if follow_symlinks { &this.stat } else { &this.lstat };
        if let Some(s) = slot.cloned(cx) {
            return Ok(s);
        }
        let p = this.path.cloned(cx);
        let folder = Some(this.folder.get()).filter(|fd| *fd != HERE).map(super::arguments::DirFd);
        let s = super::named::stat_of(cx, &p, folder, follow_symlinks, "stat", false)?;
        slot.set(cx, Some(s.clone()));
        Ok(s)
    }
    /// Return inode of the entry; cached per entry.
    #[py("inode($self, /)")]
    fn inode(_cx: &mut Cx, this: &Ref<DirEntry>) -> i64 {
        this.ino.get() as i64
    }
    /// Returns the path for the entry.
    #[py("__fspath__($self, /)")]
    fn fspath(cx: &mut Cx, this: &Ref<DirEntry>) -> Obj {
        this.path.cloned(cx)
    }
    /// the entry's base filename, relative to scandir() "path" argument
    #[member("name")]
    fn name_get(cx: &mut Cx, this: &Ref<DirEntry>) -> Obj {
        this.name.cloned(cx)
    }
    /// the entry's full path name; equivalent to os.path.join(scandir_path, entry.name)
    #[member("path")]
    fn path_get(cx: &mut Cx, this: &Ref<DirEntry>) -> Obj {
        this.path.cloned(cx)
    }
}

pub fn entry_spec() -> Spec {
    Spec {
        flags: flags::GC | flags::NO_NEW,
        slots: Slots {
            repr: Some(|cx, o| {
                let Some(e) = o.cast::<DirEntry>() else { return Ok(cx.none()) };
                let n = e.name.cloned(cx);
                let text = format!("<DirEntry {}>", protocol::repr_text(cx, &n)?);
                cx.str(&text)
            }),
            ..Slots::EMPTY
        },
        methods: DirEntry::METHODS,
        getset: DirEntry::GETSET,
        ..Spec::new::<DirEntry>("posix.DirEntry")
    }
}

/// A walk that dies before its end, and was not closed, warns.
fn finalize(cx: &mut Cx, o: &Obj) {
    let Some(this) = o.cast::<Scan>().cloned() else { return };
    if this.closed.replace(true) {
        return;
    }
    retic_runtime::modules::warnings::unclosed(cx, o, "scandir iterator ");
}

#[retic_macros::methods]
impl Scan {
    #[py("close($self, /)")]
    fn close(cx: &mut Cx, this: &Ref<Scan>) {
        this.closed.set(true);
        this.entries.set(cx, Buf::empty());
    }
    #[py("__enter__($self, /)")]
    fn enter(_cx: &mut Cx, this: &Ref<Scan>) -> Obj {
        this.as_obj().clone()
    }
    #[py("__exit__($self, /, *exc_info)")]
    fn exit(cx: &mut Cx, this: &Ref<Scan>, exc_info: &[Obj]) {
        let _ = exc_info;
        Scan::close(cx, this);
    }
}

pub fn scan_spec() -> Spec {
    Spec {
        flags: flags::GC | flags::NO_NEW,
        slots: Slots {
            iter: Some(|_, o| Ok(o.clone())),
            del: Some(finalize),
            next: Some(|cx, o| {
                let Some(s) = o.cast::<Scan>() else { return Ok(None) };
                let i = s.at.get();
                s.at.set(i + 1);
                let next = s.entries.get(cx).get(i).cloned();
                if next.is_none() {
                    s.closed.set(true);
                }
                Ok(next)
            }),
            ..Slots::EMPTY
        },
        methods: Scan::METHODS,
        ..Spec::new::<Scan>("posix.ScandirIterator")
    }
}
