//! `cargo xtask COMMAND`: the tools of the house.
//!
//! - `tidy`: the rules no compiler checks; each has a bad example as its own test.
//! - `oracle [--bless]`: checks (or writes) the expectations of all cases with CPython: output by python3.13, listings by
//!   python3.9. Commands may be given in RETIC_PYTHON and RETIC_PYTHON39.
//! - `tailcalls`: disassembles the release binary and requires that no handler calls the next one.
#![forbid(unsafe_code)]

mod oracle;
mod tailcalls;
mod tidy;

use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let result = match args.first().map(String::as_str) {
        Some("tidy") => tidy::run(),
        Some("oracle") => oracle::run(args.iter().any(|a| a == "--bless")),
        Some("tailcalls") => tailcalls::run(),
        _ => Err("usage: cargo xtask tidy | oracle [--bless] | tailcalls".into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            eprintln!("{text}");
            ExitCode::FAILURE
        }
    }
}

/// The root of the repository.
fn root() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the repository").to_path_buf()
}
