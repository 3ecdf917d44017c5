//! The values `sys` shows: versions, limits of numbers, flags, paths.

use crate::cx::{Cx, PyResult};
use crate::object::{Obj, Ref};
use crate::types::module::Module;
use crate::types::namespace;
use crate::types::structseq::{self, Definition};

/// What the command line and the environment decided; the attributes of `sys.flags` in order.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    pub debug: u8,
    pub inspect: u8,
    pub interactive: u8,
    pub optimize: u8,
    pub dont_write_bytecode: u8,
    pub no_user_site: u8,
    pub no_site: u8,
    pub ignore_environment: u8,
    pub verbose: u8,
    pub bytes_warning: u8,
    pub quiet: u8,
    pub hash_randomization: u8,
    pub isolated: u8,
    pub dev_mode: bool,
    pub utf8_mode: u8,
    pub warn_default_encoding: u8,
    pub safe_path: bool,
    pub int_max_str_digits: i64,
    pub thread_inherit_context: u8,
    pub context_aware_warnings: u8,
    /// `-u`, which `sys.flags` does not show.
    pub unbuffered: bool,
    /// `-R`: no seed is fixed.
    pub random_hashes: bool,
    /// The program's first line is not Python (`-x`).
    pub skip_first_line: bool,
    /// `--check-hash-based-pycs`, where it is given.
    pub check_hash_pycs: Option<&'static str>,
}

static FLAGS: Definition = Definition {
    name: "sys.flags",
    doc: "sys.flags\n\nFlags provided through command line arguments or environment vars.",
    fields: &[
        "debug",
        "inspect",
        "interactive",
        "optimize",
        "dont_write_bytecode",
        "no_user_site",
        "no_site",
        "ignore_environment",
        "verbose",
        "bytes_warning",
        "quiet",
        "hash_randomization",
        "isolated",
        "dev_mode",
        "utf8_mode",
        "warn_default_encoding",
        "safe_path",
        "int_max_str_digits",
        "gil",
        "thread_inherit_context",
        "context_aware_warnings",
    ],
    visible: 18,
};
static VERSION: Definition = Definition {
    name: "sys.version_info",
    doc: "sys.version_info\n\nVersion information as a named tuple.",
    fields: &["major", "minor", "micro", "releaselevel", "serial"],
    visible: 5,
};
static FLOAT: Definition = Definition {
    name: "sys.float_info",
    doc: "sys.float_info\n\nA named tuple holding information about the float type. It contains low level\ninformation about the precision and internal representation.",
    fields: &["max", "max_exp", "max_10_exp", "min", "min_exp", "min_10_exp", "dig", "mant_dig", "epsilon", "radix", "rounds"],
    visible: 11,
};
static INT: Definition = Definition {
    name: "sys.int_info",
    doc: "sys.int_info\n\nA named tuple that holds information about Python's\ninternal representation of integers.  The attributes are read only.",
    fields: &["bits_per_digit", "sizeof_digit", "default_max_str_digits", "str_digits_check_threshold"],
    visible: 4,
};
static HASH: Definition = Definition {
    name: "sys.hash_info",
    doc: "hash_info\n\nA named tuple providing parameters used for computing hashes.",
    fields: &["width", "modulus", "inf", "nan", "imag", "algorithm", "hash_bits", "seed_bits", "cutoff"],
    visible: 9,
};
static THREAD: Definition = Definition {
    name: "sys.thread_info",
    doc: "sys.thread_info\n\nA named tuple holding information about the thread implementation.",
    fields: &["name", "lock", "version"],
    visible: 3,
};

/// `sys.prefix` where no virtual environment is.
pub const PREFIX: &str = "/retic";
/// The folder the packed library says it lies in.
pub const LIBRARY: &str = "/retic/lib/python3.14";

fn ints(cx: &Cx, values: &[i64]) -> PyResult<Vec<Obj>> {
    values.iter().map(|v| cx.int(*v)).collect()
}

fn put_struct(cx: &mut Cx, m: &Ref<Module>, key: &'static str, def: &Definition, values: Vec<Obj>) -> PyResult {
    let ty = structseq::make_type(cx, def)?;
    // Programs see one instance and make no others.
    ty.slots.get_mut(cx).new = None;
    let v = structseq::new(cx, &ty, def.visible, values)?;
    m.set(cx, key, v.clone())?;
    Ok(v)
}

fn version(cx: &Cx) -> PyResult<Vec<Obj>> {
    Ok(vec![cx.int(3)?, cx.int(14)?, cx.int(0)?, cx.str("final")?, cx.int(0)?])
}

/// `sys.flags`.
pub fn set_flags(cx: &mut Cx, m: &Ref<Module>, f: &Flags) -> PyResult<()> {
    let first = [
        f.debug,
        f.inspect,
        f.interactive,
        f.optimize,
        f.dont_write_bytecode,
        f.no_user_site,
        f.no_site,
        f.ignore_environment,
        f.verbose,
        f.bytes_warning,
        f.quiet,
        f.hash_randomization,
        f.isolated,
    ];
    let mut v = first.iter().map(|v| cx.int(i64::from(*v))).collect::<PyResult<Vec<_>>>()?;
    v.push(cx.bool(f.dev_mode));
    v.push(cx.int(i64::from(f.utf8_mode))?);
    v.push(cx.int(i64::from(f.warn_default_encoding))?);
    v.push(cx.bool(f.safe_path));
    v.push(cx.int(f.int_max_str_digits)?);
    v.push(cx.int(1)?);
    v.extend([cx.int(i64::from(f.thread_inherit_context))?, cx.int(i64::from(f.context_aware_warnings))?]);
    put_struct(cx, m, "flags", &FLAGS, v)?;
    cx.int_max_str_digits.set(usize::try_from(f.int_max_str_digits).unwrap_or(0));
    let dont = cx.bool(f.dont_write_bytecode > 0);
    m.set(cx, "dont_write_bytecode", dont)
}

pub(super) fn fill(cx: &mut Cx, m: &Ref<Module>) -> PyResult<()> {
    let v = version(cx)?;
    let info = put_struct(cx, m, "version_info", &VERSION, v)?;
    set_flags(cx, m, &Flags { hash_randomization: 1, int_max_str_digits: 4300, ..Flags::default() })?;
    let v = vec![
        cx.float(f64::MAX)?,
        cx.int(1024)?,
        cx.int(308)?,
        cx.float(f64::MIN_POSITIVE)?,
        cx.int(-1021)?,
        cx.int(-307)?,
        cx.int(15)?,
        cx.int(53)?,
        cx.float(f64::EPSILON)?,
        cx.int(2)?,
        cx.int(1)?,
    ];
    put_struct(cx, m, "float_info", &FLOAT, v)?;
    let v = ints(cx, &[30, 4, 4300, 640])?;
    put_struct(cx, m, "int_info", &INT, v)?;
    let mut v = ints(cx, &[64, (1 << 61) - 1, 314_159, 0, 1_000_003])?;
    v.push(cx.str("siphash13")?);
    v.extend(ints(cx, &[64, 128, 0])?);
    put_struct(cx, m, "hash_info", &HASH, v)?;
    let v = vec![cx.str("pthread")?, cx.str("semaphore")?, cx.none()];
    put_struct(cx, m, "thread_info", &THREAD, v)?;

    let name = cx.str("retic")?;
    let tag = cx.str("retic-314")?;
    let hex = cx.int(0x030e_00f0)?;
    let multiarch = cx.str("x86_64-linux-gnu")?;
    let yes = cx.bool(true);
    let implementation =
        namespace::with(cx, &[("name", name), ("cache_tag", tag), ("version", info), ("hexversion", hex), ("_multiarch", multiarch), ("supports_isolated_interpreters", yes)])?;
    m.set(cx, "implementation", implementation)?;
    for (name, text) in [
        ("version", "3.14.0 (Retic 0.1.0) [Rust]"),
        ("platform", "linux"),
        ("byteorder", "little"),
        ("executable", ""),
        ("_base_executable", ""),
        ("prefix", PREFIX),
        ("exec_prefix", PREFIX),
        ("base_prefix", PREFIX),
        ("base_exec_prefix", PREFIX),
        ("platlibdir", "lib"),
        ("_stdlib_dir", LIBRARY),
        ("abiflags", ""),
        ("float_repr_style", "short"),
        ("_framework", ""),
        ("copyright", "Copyright (c) the Retic developers.\nThe library: Copyright (c) 2001 Python Software Foundation."),
    ] {
        let t = cx.str(text)?;
        m.set(cx, name, t)?;
    }
    for (name, v) in [("hexversion", 0x030e_00f0), ("maxsize", i64::MAX), ("maxunicode", 0x10ffff), ("api_version", 1013)] {
        let v = cx.int(v)?;
        m.set(cx, name, v)?;
    }
    let none = cx.none();
    m.set(cx, "pycache_prefix", none)?;
    let xoptions = crate::types::Dict::new(cx)?.into_obj();
    m.set(cx, "_xoptions", xoptions)?;
    let cache = crate::types::Dict::new(cx)?.into_obj();
    m.set(cx, "path_importer_cache", cache)?;
    let git = vec![cx.str("Retic")?, cx.str("")?, cx.str("")?];
    let git = cx.tuple(git)?;
    m.set(cx, "_git", git)
}

/// `builtin_module_names` and `stdlib_module_names`, once all native modules are known.
pub fn module_names(cx: &mut Cx, library: &[&str]) -> PyResult<()> {
    let mut native: Vec<&str> = cx.native_modules.iter().map(|e| e.0).chain(["builtins", "sys"]).collect();
    native.sort_unstable();
    native.dedup();
    let m = match cx.sys.clone().and_then(|s| s.downcast::<Module>().ok()) {
        Some(m) => m,
        None => return Ok(()),
    };
    let mut names = native.iter().map(|n| cx.str(n)).collect::<PyResult<Vec<_>>>()?;
    let tuple = cx.tuple(names.clone())?;
    m.set(cx, "builtin_module_names", tuple)?;
    for n in library.iter().filter(|n| !n.contains('.')) {
        names.push(cx.str(n)?);
    }
    let set = crate::types::set::frozen(cx, names)?;
    m.set(cx, "stdlib_module_names", set)
}
