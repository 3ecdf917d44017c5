//! Packs the pure-Python library: every module's source and its code, compiled by our own compiler.
//! `lib/` at the root of the repository comes before the crate `rustpython-pylib`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where the library says it lies.
const PREFIX: &str = "/retic/lib/python3.14";
/// Folders that are not shipped: tools with a screen of their own, and pip's wheel.
const LEFT_OUT: [&str; 4] = ["idlelib", "turtledemo", "ensurepip", "test"];
/// Exact texts that must read otherwise here: file, text, replacement. A text that is not there fails the build.
const SUBSTITUTIONS: &[(&str, &str, &str)] = &[
    ("site.py", "return 'RustPython' # XXX: RUSTPYTHON; for site-packages", "return 'Python'"),
    ("site.py", "{userbase}/lib/rustpython{version", "{userbase}/lib/python{version"),
    // CPython has imported `site` before the program's folder is put in front of sys.path; here that may be later.
    ("site.py", "if not sys.flags.no_site:\n    main()", "if not sys.flags.no_site:\n    import _retic_site\n    _retic_site.run(main)"),
    ("sysconfig/__init__.py", "return 'RustPython'  # XXX: RUSTPYTHON; For site-packages", "return 'Python'"),
    ("sysconfig/__init__.py", "f'_sysconfigdata_{sys.abiflags}_{sys.platform}_{multiarch}'", "'_retic_sysconfigdata'"),
    // There is no OpenSSL: these two functions are ours.
    ("hashlib.py", "    from _hashlib import pbkdf2_hmac", "    from _retic_derivation import pbkdf2_hmac"),
    ("hashlib.py", "    from _hashlib import scrypt", "    from _retic_derivation import scrypt"),
    // No instruction comes before those of a function's first line.
    ("pdb.py", "if prev is not None and prev.opname == 'RESUME':", "if True:"),
    // The type of buffers is native; `_pickle` itself needs `pickle`.
    ("pickle.py", "    from _pickle import PickleBuffer", "    from _retic_pickle import PickleBuffer"),
    // CPython has imported `os`, and so `os.path`, before any program begins; here that waits until somebody asks.
    (
        "importlib/util.py",
        "    if fullname not in sys.modules:\n        parent_name",
        "    if fullname == 'os.path': import os\n    if fullname not in sys.modules:\n        parent_name",
    ),
    ("platform.py", "if \"RustPython\" in sys_version:\n            name = \"RustPython\"", "if \"Retic\" in sys_version:\n            name = \"Retic\""),
];

fn collect(root: &Path, folder: &Path, out: &mut BTreeMap<String, (PathBuf, String, bool)>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for e in entries.flatten() {
        let path = e.path();
        let name = e.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            if !LEFT_OUT.contains(&name.as_str()) && !name.contains('-') && name != "__pycache__" {
                collect(root, &path, out);
            }
            continue;
        }
        if !name.ends_with(".py") {
            continue;
        }
        let relative = path.strip_prefix(root).expect("inside").to_string_lossy().into_owned();
        let dotted = relative.trim_end_matches(".py").replace('/', ".");
        let (module, package) = match dotted.strip_suffix(".__init__") {
            Some(p) => (p.to_string(), true),
            None => (dotted, false),
        };
        out.insert(module, (path, relative, package));
    }
}

/// Raw deflate: sources are read rarely (tracebacks, `inspect`), and are half of the library.
fn packed(raw: &[u8]) -> Vec<u8> {
    let mut packer = zlib_rs::Deflate::new(9, false, 15);
    let mut out = vec![0; raw.len() + raw.len() / 8 + 128];
    let done = packer.compress(raw, &mut out, zlib_rs::DeflateFlush::Finish);
    assert!(matches!(done, Ok(zlib_rs::Status::StreamEnd)), "a source is packed");
    out.truncate(packer.total_out() as usize);
    out
}

fn main() {
    let manifest = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let own = manifest.join("../../lib");
    println!("cargo:rerun-if-changed={}", own.display());
    println!("cargo:rerun-if-changed=build.rs");
    let mut modules = BTreeMap::new();
    collect(Path::new(rustpython_pylib::LIB_PATH), Path::new(rustpython_pylib::LIB_PATH), &mut modules);
    collect(&own, &own, &mut modules);
    // What runs lies together, before the sources, which few programs ask for: pages come into memory by the dozen.
    let (mut codes, mut sources): (Vec<u8>, Vec<u8>) = Default::default();
    let mut index = String::new();
    let mut substituted = 0;
    for (module, (path, relative, package)) in &modules {
        let Ok(bytes) = std::fs::read(path) else { continue };
        let Ok(mut text) = String::from_utf8(bytes) else { continue };
        for (file, from, to) in SUBSTITUTIONS.iter().filter(|s| s.0 == relative) {
            assert!(text.contains(from), "{file} no longer contains {from:?}");
            text = text.replace(from, to);
            substituted += 1;
        }
        let filename = match module.as_str() {
            "importlib._bootstrap" | "importlib._bootstrap_external" | "_retic_library" => format!("<frozen {module}>"),
            _ => format!("{PREFIX}/{relative}"),
        };
        let options = retic_compiler::Options::new(retic_compiler::Mode::Exec, &filename);
        let code = match retic_compiler::compile(&text, &options) {
            Ok(c) => retic_bytecode::pack::write(&c.code).expect("no module is that deep"),
            // A module that does not compile says why when it is imported.
            Err(_) => Vec::new(),
        };
        let (code_at, source_at) = (codes.len(), sources.len());
        codes.extend_from_slice(&code);
        sources.extend_from_slice(&packed(text.as_bytes()));
        index.push_str(&format!("({module:?}, {relative:?}, {package}, [{code_at}, {}, {source_at}, {}, {}]),\n", code.len(), sources.len() - source_at, text.len()));
    }
    assert_eq!(substituted, SUBSTITUTIONS.len(), "every substitution applies once");
    let out = PathBuf::from(std::env::var("OUT_DIR").expect("cargo sets it"));
    std::fs::write(out.join("code.bin"), codes).expect("the library is written");
    std::fs::write(out.join("sources.bin"), sources).expect("the library is written");
    let table = format!("pub const PREFIX: &str = {PREFIX:?};\npub static INDEX: &[(&str, &str, bool, [usize; 5])] = &[\n{index}];\n");
    std::fs::write(out.join("index.rs"), table).expect("the index is written");
    let licence = std::fs::read_to_string(Path::new(rustpython_pylib::LIB_PATH).join("PSF-LICENSE")).unwrap_or_default();
    std::fs::write(out.join("PSF-LICENSE"), licence).expect("the licence is written");
}
