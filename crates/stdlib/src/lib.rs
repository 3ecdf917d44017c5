//! Native modules that need only the runtime's public face. `MODULES` is the table of contents.
#![deny(unsafe_code)]
// Native functions have the arguments of the Python functions they are.
#![allow(clippy::too_many_arguments)]

mod abc;
mod accounts;
mod array;
mod asyncio;
mod binascii;
mod bisect;
mod bz2;
mod calls;
mod cmath;
mod codecs;
mod collections;
mod contextvars;
mod csv;
mod datetime;
mod decimal;
mod elementtree;
mod errno;
mod expat;
mod fcntl;
mod functools;
mod hashes;
mod heapq;
mod io;
mod itertools;
mod json;
mod locale;
mod math;
mod mmap;
mod multiprocessing;
mod operator;
mod params;
mod pickle;
mod posix;
mod profiler;
mod queue;
mod random;
mod resource;
mod select;
mod signals;
mod socket;
mod sre;
mod string;
mod structs;
mod subprocess;
mod termios;
mod time;
mod unicodedata;
mod zlib;

use retic_runtime::{Cx, PyResult};

/// Makes a module.
type Make = fn(&mut Cx) -> PyResult;

/// Every module here: its name and the function that makes it.
pub const MODULES: &[(&str, Make)] = &[
    ("_io", io::make),
    ("_sre", sre::make),
    ("_string", string::make),
    ("_struct", structs::make),
    ("_signal", signals::make),
    ("_socket", socket::make),
    ("_random", random::make),
    ("_codecs", codecs::make),
    ("_collections", collections::make),
    ("_asyncio", asyncio::make),
    ("_contextvars", contextvars::make),
    ("_csv", csv::make),
    ("_datetime", datetime::make),
    ("_decimal", decimal::make),
    ("_json", json::make),
    ("_locale", locale::make),
    ("_functools", functools::make),
    ("_blake2", hashes::make_blake2),
    ("_md5", hashes::make_md5),
    ("_retic_derivation", hashes::derivation::make),
    ("_sha1", hashes::make_sha1),
    ("_sha2", hashes::make_sha2),
    ("_sha3", hashes::make_sha3),
    ("_operator", operator::make),
    ("_bisect", bisect::make),
    ("_heapq", heapq::make),
    ("_lsprof", profiler::make),
    ("_queue", queue::make),
    ("_retic_calls", calls::make),
    ("_retic_pickle", pickle::make),
    ("_posixsubprocess", subprocess::make),
    ("_abc", abc::make),
    ("pwd", accounts::make_pwd),
    ("grp", accounts::make_grp),
    ("resource", resource::make),
    ("fcntl", fcntl::make),
    ("termios", termios::make),
    ("select", select::make),
    ("array", array::make),
    ("binascii", binascii::make),
    ("_bz2", bz2::make),
    ("_retic_elementtree", elementtree::make),
    ("errno", errno::make),
    ("pyexpat", expat::make),
    ("itertools", itertools::make_module),
    ("cmath", cmath::make),
    ("math", math::make),
    ("mmap", mmap::make_module),
    ("_multiprocessing", multiprocessing::make),
    ("_posixshmem", multiprocessing::make_memory),
    ("posix", posix::make),
    ("time", time::make),
    ("unicodedata", unicodedata::make),
    ("zlib", zlib::make),
];

/// Makes the modules known to an interpreter; each is made when it is first imported.
pub fn install(cx: &mut Cx) {
    cx.native_modules.extend_from_slice(MODULES);
    if io::standard_streams(cx).and_then(|()| io::builtin_open(cx)).is_err() {
        cx.clear_error();
    }
}
