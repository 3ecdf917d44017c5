//! `cargo xtask COMMAND`: the tools of the house.
//!
//! - `tidy`: the rules no compiler checks; each has a bad example as its own test.
//! - `oracle [--bless]`: checks (or writes) the expectations of all cases with CPython: output by python3.13, listings by
//!   python3.9. Commands may be given in RETIC_PYTHON and RETIC_PYTHON39.
//! - `licenses [--check]`: writes (or checks) what `retic --licenses` prints.
//! - `bench`: our programs in several interpreters, in turns; `count`: their instructions, compared with what is on record.
//! - `compare lifetimes|addresses|decimal FIRST LAST`: random programs in CPython and in Retic, by seed.
//! - `lens [--rounds N]`: what recording costs at each level.
//! - `profile`: records the profile that release builds are compiled with.
//! - `order`: records in which order the linker lays out the functions of the release binary.
//! - `sanitize [WORD]`, `valgrind [WORD]`: the cases, or those that hold a word, under the address sanitizer or memcheck.
//! - `verify [WORD]`: the same by a binary that recounts its heap at each collection.
//! - `tailcalls`: disassembles the release binary and requires that no handler calls the next one.
#![forbid(unsafe_code)]

mod bench;
mod compare;
mod lens;
mod licenses;
mod oracle;
mod order;
mod profile;
mod sanitize;
mod tailcalls;
mod tidy;

use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let result = match args.first().map(String::as_str) {
        Some("tidy") => tidy::run(),
        Some("oracle") => oracle::run(args.iter().any(|a| a == "--bless")),
        Some("tailcalls") => tailcalls::run(),
        Some("bench") => bench::bench(&args[1..]),
        Some("count") => bench::count(&args[1..]),
        Some("compare") => compare::run(&args[1..]),
        Some("lens") => lens::run(&args[1..]),
        Some("ucd") => ucd(),
        Some("sizes") => sizes(),
        Some("sanitize") => sanitize::address(args.get(1).map_or("", String::as_str)),
        Some("verify") => sanitize::verify(args.get(1).map_or("", String::as_str)),
        Some("valgrind") => sanitize::valgrind(args.get(1).map_or("", String::as_str)),
        Some("order") => order::record(),
        Some("profile") => profile::record(),
        Some("licenses") => licenses::run(args.iter().any(|a| a == "--check")),
        _ => {
            Err("usage: cargo xtask tidy | oracle [--bless] | licenses [--check] | tailcalls | profile | order | sanitize [WORD] | valgrind [WORD] | verify [WORD] | ucd | sizes | compare NAME FIRST LAST | lens [--rounds N] | bench NAME=COMMAND ... | count [--check | --write]".into())
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            eprintln!("{text}");
            ExitCode::FAILURE
        }
    }
}

/// Writes the Unicode tables again, asking the CPython 3.14 named by RETIC_PYTHON314 (a command, split at spaces).
fn ucd() -> Result<(), String> {
    let command = std::env::var("RETIC_PYTHON314").map_err(|_| "RETIC_PYTHON314 names no CPython 3.14".to_string())?;
    let mut words = command.split(' ');
    let mut python = std::process::Command::new(words.next().unwrap_or_default());
    let out = python.args(words).arg(root().join("xtask/src/ucd.py")).output().map_err(|e| e.to_string())?;
    if !out.status.success() || !out.stdout.starts_with(b"version 16") {
        return Err(format!("it wrote no tables of version 16: {}", String::from_utf8_lossy(&out.stderr)));
    }
    std::fs::write(root().join("crates/unicode/data/ucd.txt"), out.stdout).map_err(|e| e.to_string())
}

/// Writes the sizes of CPython's structures again, asking the CPython 3.13 named by RETIC_PYTHON (or `python3.13`).
fn sizes() -> Result<(), String> {
    let python = std::env::var("RETIC_PYTHON").unwrap_or_else(|_| "python3.13".into());
    let out = std::process::Command::new(python).args(["-W", "ignore"]).arg(root().join("xtask/src/sizes.py")).output().map_err(|e| e.to_string())?;
    if !out.status.success() {
        return Err(format!("it wrote no sizes: {}", String::from_utf8_lossy(&out.stderr)));
    }
    std::fs::write(root().join("crates/runtime/data/sizes.txt"), out.stdout).map_err(|e| e.to_string())
}

/// The root of the repository.
fn root() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the repository").to_path_buf()
}
