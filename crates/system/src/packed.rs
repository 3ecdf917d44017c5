//! Files that lie in the binary, read as if they lay on a disk. Where the disk has something under their names, that is meant.

use retic_runtime::host::Stat;
use std::io::{Error, Result};

/// What lies at a path.
pub struct Found {
    /// One number for one file or folder, whatever the path to it: `st_ino`.
    pub number: u64,
    pub what: What,
}
pub enum What {
    /// A file's length, and how its bytes are had.
    File(usize, Box<dyn FnOnce() -> Vec<u8>>),
    /// Names in a folder, and whether they are folders.
    Folder(Vec<(&'static str, bool)>),
}

/// Finds a file or folder by its absolute path.
pub type Finder = fn(&str) -> Option<Found>;

/// What a finder says of a path in bytes.
pub fn find(finder: Option<Finder>, path: &[u8]) -> Option<Found> {
    finder?(std::str::from_utf8(path).ok()?)
}

/// Asks where the disk has nothing.
pub fn instead<T>(real: Result<T>, finder: Option<Finder>, path: &[u8], answer: impl FnOnce(Found) -> Result<T>) -> Result<T> {
    match real {
        Err(e) if e.raw_os_error() == Some(libc::ENOENT) => match find(finder, path) {
            Some(found) => answer(found),
            None => Err(e),
        },
        real => real,
    }
}

/// A descriptor to read a file by.
pub fn open(found: Found, flags: i32) -> Result<i32> {
    match found.what {
        _ if flags & libc::O_ACCMODE != libc::O_RDONLY => Err(Error::from_raw_os_error(libc::EROFS)),
        What::Folder(_) => Err(Error::from_raw_os_error(libc::EISDIR)),
        What::File(_, bytes) => in_memory(&bytes()),
    }
}

#[cfg(target_os = "linux")]
fn in_memory(bytes: &[u8]) -> Result<i32> {
    // SAFETY: a text with its final zero.
    let fd = crate::files::checked(i64::from(unsafe { libc::memfd_create(c"library".as_ptr(), libc::MFD_CLOEXEC) }))? as i32;
    let mut rest = bytes;
    let filled = loop {
        match crate::files::write(fd, rest) {
            Ok(n) if n < rest.len() => rest = &rest[n..],
            Ok(_) => break crate::files::seek(fd, 0, libc::SEEK_SET),
            Err(e) => break Err(e),
        }
    };
    match filled {
        Ok(_) => Ok(fd),
        Err(e) => {
            let _ = crate::files::close(fd);
            Err(e)
        }
    }
}
#[cfg(not(target_os = "linux"))]
fn in_memory(_: &[u8]) -> Result<i32> {
    Err(Error::from_raw_os_error(libc::ENOENT))
}

/// What `stat` says: nobody may write there, and it was always there.
pub fn stat(found: &Found) -> Stat {
    let (mode, size) = match &found.what {
        What::File(size, _) => (libc::S_IFREG | 0o444, *size),
        What::Folder(names) => (libc::S_IFDIR | 0o555, names.len()),
    };
    Stat {
        mode,
        ino: found.number,
        dev: 0,
        nlink: 1,
        uid: 0,
        gid: 0,
        size: size as i64,
        atime_ns: 0,
        mtime_ns: 0,
        ctime_ns: 0,
        blksize: 4096,
        blocks: size.div_ceil(512) as i64,
        rdev: 0,
    }
}

/// Names with their `d_type`.
pub fn list(found: Found) -> Result<Vec<(Vec<u8>, u8, u64)>> {
    match found.what {
        What::File(..) => Err(Error::from_raw_os_error(libc::ENOTDIR)),
        What::Folder(names) => Ok(names.into_iter().map(|(name, folder)| (name.into(), if folder { libc::DT_DIR } else { libc::DT_REG }, 0)).collect()),
    }
}

/// Whether something may be done there: reading, and going into folders.
pub fn allows(found: &Found, mode: i32) -> bool {
    mode & libc::W_OK == 0 && (mode & libc::X_OK == 0 || matches!(found.what, What::Folder(_)))
}
