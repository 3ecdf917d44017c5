//! The pure-Python standard library inside the binary: sources and code of every module.
//!
//! Never here: Python objects. The runtime asks through function pointers that `retic` installs.
#![forbid(unsafe_code)]

use retic_bytecode::Code;
use std::rc::Rc;

include!(concat!(env!("OUT_DIR"), "/index.rs"));
static DATA: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/library.bin"));
/// The licence of the library's text.
pub static LICENCE: &str = include_str!(concat!(env!("OUT_DIR"), "/PSF-LICENSE"));

/// A module of the library.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    pub name: &'static str,
    /// Below `PREFIX`, such as `json/__init__.py`.
    pub path: &'static str,
    pub package: bool,
    source: (&'static [u8], usize),
    code: &'static [u8],
}

impl Entry {
    /// The module's text.
    pub fn source(&self) -> Vec<u8> {
        let (packed, len) = self.source;
        let mut out = vec![0; len];
        let mut unpacker = zlib_rs::Inflate::new(false, 15);
        match unpacker.decompress(packed, &mut out, zlib_rs::InflateFlush::Finish) {
            Ok(zlib_rs::Status::StreamEnd) => out,
            _ => Vec::new(),
        }
    }
    /// The compiled module; `None` when it did not compile.
    pub fn code(&self) -> Option<Rc<Code>> {
        retic_bytecode::pack::read_own(self.code)
    }
}

fn entry(i: usize) -> Entry {
    let (name, path, package, at, source, raw, code) = INDEX[i];
    Entry { name, path, package, source: (&DATA[at..at + source], raw), code: &DATA[at + source..at + source + code] }
}

/// The module of that dotted name.
pub fn find(name: &str) -> Option<Entry> {
    INDEX.binary_search_by(|e| e.0.cmp(name)).ok().map(entry)
}

/// The module whose file that is (an absolute path below `PREFIX`).
pub fn by_path(path: &str) -> Option<Entry> {
    let relative = path.strip_prefix(PREFIX)?.strip_prefix('/')?;
    let module = relative.strip_suffix(".py")?.replace('/', ".");
    find(module.strip_suffix(".__init__").unwrap_or(&module)).filter(|e| e.path == relative)
}

/// Names of all modules, sorted.
pub fn names() -> impl Iterator<Item = &'static str> {
    INDEX.iter().map(|e| e.0)
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_module_is_found_and_decodes() {
        let bad: Vec<&str> = super::names().filter(|n| super::find(n).is_none_or(|e| e.code().is_none() || e.source.1 > 0 && e.source().is_empty())).collect();
        assert!(bad.is_empty(), "modules without code: {bad:?}");
    }
}
