//! Files of recordings and of the sources that they hold.

use std::io::{Read, Result, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// A file that is written and read, and may become shorter.
pub struct OpenFile(std::fs::File);

impl OpenFile {
    /// A new file, or an old one made empty.
    pub fn create(path: &Path) -> Result<OpenFile> {
        std::fs::File::options().read(true).write(true).create(true).truncate(true).open(path).map(OpenFile)
    }
    /// Cuts it off behind so many bytes.
    pub fn cut(&mut self, bytes: u64) -> Result<()> {
        self.0.set_len(bytes)
    }
}

impl Read for OpenFile {
    fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        self.0.read(out)
    }
}
impl Write for OpenFile {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.0.write(bytes)
    }
    fn flush(&mut self) -> Result<()> {
        self.0.flush()
    }
}
impl Seek for OpenFile {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        self.0.seek(to)
    }
}

/// A whole file.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path)
}

/// A path without links, or as it is where it leads nowhere.
pub fn real(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.into())
}
