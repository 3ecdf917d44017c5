//! Memory that is a file's.

use super::files::checked;
use retic_runtime::host::{MapRequest, Mapping};
use std::cell::Cell;
use std::io::{Error, Result};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// A mapping of this process, and the file behind it.
struct Map {
    at: Cell<*mut u8>,
    len: Cell<usize>,
    offset: u64,
    prot: i32,
    flags: i32,
    file: Option<OwnedFd>,
    /// Bytes from the beginning that have the file behind them: see `settle`.
    whole: Cell<usize>,
}

pub(crate) fn page_bytes() -> usize {
    // SAFETY: asks for a number.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096)
}

pub fn map(request: &MapRequest) -> Result<Box<dyn Mapping>> {
    let file = match request.fd {
        -1 => None,
        // SAFETY: the copy is ours alone.
        fd => Some(unsafe { OwnedFd::from_raw_fd(checked(i64::from(libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0)))? as i32) }),
    };
    let fd = file.as_ref().map_or(-1, AsRawFd::as_raw_fd);
    let flags = request.flags & !(libc::MAP_FIXED | libc::MAP_FIXED_NOREPLACE);
    // SAFETY: a new mapping at a place that the kernel chooses.
    let at = unsafe { libc::mmap(std::ptr::null_mut(), request.len, request.prot, flags, fd, request.offset as libc::off_t) };
    if at == libc::MAP_FAILED {
        return Err(Error::last_os_error());
    }
    Ok(Box::new(Map { at: Cell::new(at.cast()), len: Cell::new(request.len), offset: request.offset, prot: request.prot, flags, file, whole: Cell::new(request.len) }))
}

impl Map {
    /// A file may have been cut off since it was mapped: touching what is gone would end the process. Pages without a file
    /// behind them are made empty ones.
    fn settle(&self) {
        let Some(file) = &self.file else { return };
        // SAFETY: all-zero is a valid struct, which the call fills.
        let size = unsafe {
            let mut st: libc::stat = std::mem::zeroed();
            if libc::fstat(file.as_raw_fd(), &raw mut st) != 0 || st.st_mode & libc::S_IFMT != libc::S_IFREG {
                return;
            }
            st.st_size as u64
        };
        let page = page_bytes();
        let there = usize::try_from(size.saturating_sub(self.offset)).unwrap_or(usize::MAX).next_multiple_of(page).min(self.len.get());
        if there < self.whole.get() {
            // SAFETY: the pages are this mapping's own; nobody reads them meanwhile.
            unsafe {
                libc::mmap(self.at.get().add(there).cast(), self.len.get() - there, self.prot, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED, -1, 0);
            }
            self.whole.set(there);
        }
    }
}

impl Mapping for Map {
    fn parts(&self) -> (*const u8, usize) {
        self.settle();
        (self.at.get(), self.len.get())
    }
    fn len(&self) -> usize {
        self.len.get()
    }
    fn flush(&self, offset: usize, len: usize) -> Result<()> {
        // SAFETY: a range of this mapping.
        checked(i64::from(unsafe { libc::msync(self.at.get().add(offset).cast(), len, libc::MS_SYNC) }))?;
        Ok(())
    }
    fn advise(&self, advice: i32, offset: usize, len: usize) -> Result<()> {
        // SAFETY: a range of this mapping; whoever asked wants it to be as the advice makes it.
        checked(i64::from(unsafe { libc::madvise(self.at.get().add(offset).cast(), len, advice) }))?;
        Ok(())
    }
    fn resize(&self, len: usize) -> Result<()> {
        if len == 0 {
            return Err(Error::from_raw_os_error(libc::EINVAL));
        }
        if let Some(file) = &self.file {
            // SAFETY: a descriptor of ours.
            checked(i64::from(unsafe { libc::ftruncate(file.as_raw_fd(), (self.offset + len as u64) as libc::off_t) }))?;
        }
        if self.file.is_none() && self.flags & libc::MAP_PRIVATE == 0 && len > self.len.get() {
            // The kernel would give addresses with nothing behind them.
            return Err(Error::from(std::io::ErrorKind::Unsupported));
        }
        // What lost its file is let go of first: pages of two kinds cannot be moved at once.
        let fd = self.file.as_ref().map_or(-1, AsRawFd::as_raw_fd);
        if self.whole.get() < self.len.get() {
            // SAFETY: as in `settle`; the file reaches there again, or the pages are not looked at before `settle` is asked.
            unsafe { libc::mmap(self.at.get().cast(), self.len.get(), self.prot, self.flags | libc::MAP_FIXED, fd, self.offset as libc::off_t) };
        }
        // SAFETY: the mapping is this one's own; views of it are counted by whoever hands them out, and there are none.
        let at = unsafe { libc::mremap(self.at.get().cast(), self.len.get(), len, libc::MREMAP_MAYMOVE) };
        if at == libc::MAP_FAILED {
            return Err(Error::last_os_error());
        }
        self.at.set(at.cast());
        self.len.set(len);
        self.whole.set(len);
        Ok(())
    }
    fn file_size(&self) -> Option<Result<u64>> {
        let file = self.file.as_ref()?;
        Some(super::files::fstat(file.as_raw_fd()).map(|s| s.size as u64))
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        // SAFETY: mapped by `map`, and nobody looks at it any more.
        unsafe { libc::munmap(self.at.get().cast(), self.len.get()) };
    }
}
