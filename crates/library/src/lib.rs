//! The pure-Python standard library inside the binary: sources and code of every module.
//!
//! Never here: Python objects. The runtime asks through function pointers that `retic` installs.
#![forbid(unsafe_code)]

use retic_bytecode::Code;
use std::hash::{Hash, Hasher};
use std::rc::Rc;

include!(concat!(env!("OUT_DIR"), "/index.rs"));
static CODES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/code.bin"));
static SOURCES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/sources.bin"));
/// The code of all modules: it lies in the program's file, and comes into memory as it is read.
pub fn codes() -> &'static [u8] {
    CODES
}

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
    /// How many bytes the text has.
    pub fn size(&self) -> usize {
        self.source.1
    }
    /// The compiled module; `None` when it did not compile.
    pub fn code(&self) -> Option<Rc<Code>> {
        retic_bytecode::pack::read_own(self.code)
    }
}

fn entry(i: usize) -> Entry {
    let (name, path, package, [code_at, code, source_at, source, raw]) = INDEX[i];
    Entry { name, path, package, source: (&SOURCES[source_at..source_at + source], raw), code: &CODES[code_at..code_at + code] }
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

/// What lies at an absolute path in or above `PREFIX`.
pub struct Found {
    /// One number for one file or folder, whatever the path to it.
    pub number: u64,
    pub what: What,
}
pub enum What {
    File(Entry),
    /// Names in it, sorted, and whether they are folders.
    Folder(Vec<(&'static str, bool)>),
}

/// The file or folder of the library at a path, which may go up and down.
pub fn at(path: &str) -> Option<Found> {
    // Most files that are not there are nowhere near.
    if !path.contains(PREFIX.split('/').nth(1)?) {
        return None;
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in path.strip_prefix('/')?.split('/') {
        match part {
            "" | "." => {}
            ".." => _ = parts.pop(),
            _ => parts.push(part),
        }
    }
    let clean = format!("/{}", parts.join("/"));
    let number = {
        let mut hasher = std::hash::DefaultHasher::new();
        clean.hash(&mut hasher);
        hasher.finish()
    };
    let what = what(&clean).filter(|what| matches!(what, What::Folder(_)) || !path.ends_with('/'))?;
    Some(Found { number, what })
}

/// The same of a path that goes straight down.
fn what(clean: &str) -> Option<What> {
    if let Some(entry) = by_path(clean) {
        return Some(What::File(entry));
    }
    let inside = match clean.strip_prefix(PREFIX) {
        Some("") => String::new(),
        Some(rest) => format!("{}/", rest.strip_prefix('/')?),
        None => {
            // The root of the disk is not the library's.
            let below = PREFIX.strip_prefix(clean).filter(|_| clean != "/")?.strip_prefix('/')?;
            return Some(What::Folder(vec![(below.split('/').next()?, true)]));
        }
    };
    let mut names: Vec<(&'static str, bool)> = Vec::new();
    for (_, path, ..) in INDEX {
        if let Some(rest) = path.strip_prefix(inside.as_str()) {
            names.push(match rest.split_once('/') {
                Some((folder, _)) => (folder, true),
                None => (rest, false),
            });
        }
    }
    names.sort_unstable();
    names.dedup();
    (!names.is_empty()).then_some(What::Folder(names))
}

/// Names of all modules, sorted.
pub fn names() -> impl Iterator<Item = &'static str> {
    INDEX.iter().map(|e| e.0)
}

#[cfg(test)]
mod tests {
    #[test]
    fn paths_lead_to_files_and_folders() {
        use super::{What, at};
        let what = |path: &str| at(path).map(|found| found.what);
        let names = |path: &str| match what(path) {
            Some(What::Folder(names)) => names,
            _ => Vec::new(),
        };
        assert!(matches!(what("/retic/lib/python3.14/json/../json//decoder.py"), Some(What::File(e)) if e.size() == e.source().len()));
        assert!(at("/retic/lib/python3.14/json/decoder.py/").is_none());
        assert!(at("/retic/lib/python3.14/jso").is_none() && at("/ret").is_none() && at("/").is_none() && at("json").is_none());
        assert!(names("/retic/lib/python3.14/json").contains(&("decoder.py", false)));
        assert!(names("/retic/lib/python3.14/").contains(&("json", true)));
        assert_eq!(names("/retic"), [("lib", true)]);
        let number = |path: &str| at(path).map(|found| found.number);
        assert!(number("/retic/lib/../lib/") == number("/retic/lib") && number("/retic/lib") != number("/retic"));
    }
    #[test]
    fn every_module_is_found_and_decodes() {
        let bad: Vec<&str> = super::names().filter(|n| super::find(n).is_none_or(|e| e.code().is_none() || e.source.1 > 0 && e.source().is_empty())).collect();
        assert!(bad.is_empty(), "modules without code: {bad:?}");
    }
}
