//! `sanitize` and `valgrind`: the cases under `tests/`, run by a binary whose heap asks the system for each block (`--cfg
//! retic_plain`), so that who watches the system's blocks sees the use of one after its end. `verify`: by one that recounts its
//! heap at each collection (`--cfg retic_verify`).

use crate::root;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Builds the binary: optimised, because handlers must jump; without the recorded profile.
fn build(folder: &str, flags: &str) -> Result<PathBuf, String> {
    let target = root().join("target").join(folder);
    let mut command = Command::new("cargo");
    command.current_dir(root()).args(["build", "--release", "--package", "retic-cli", "--target", TARGET, "--target-dir"]).arg(&target);
    // The sanitizers come with every toolchain; the option that chooses one is not stable yet.
    command.env("RUSTFLAGS", flags).env("RUSTC_BOOTSTRAP", "1");
    match command.status() {
        Ok(s) if s.success() => Ok(target.join(TARGET).join("release/retic")),
        Ok(s) => Err(format!("{command:?}: {s}")),
        Err(e) => Err(format!("{command:?}: {e}")),
    }
}

/// Lines of standard error in which a watcher says that it found something.
fn found(err: &str) -> Option<&str> {
    err.lines().find(|l| {
        l.contains("ERROR: AddressSanitizer")
            || l.contains("retic_verify:")
            || l.contains("Invalid read")
            || l.contains("Invalid write")
            || l.contains("uninitialised")
            || l.contains("Invalid free")
    })
}

/// Runs every case whose title or file holds `only`, two at a time.
fn run_cases(command: &[String], environment: &[(&str, &str)], only: &str) -> Result<(), String> {
    let cases: Vec<_> = retic_testkit::find(&root().join("tests"))
        .map_err(|e| e.to_string())?
        .into_iter()
        .filter(|c| (c.out.is_some() || c.err.is_some()) && (c.title.contains(only) || c.file.to_string_lossy().contains(only)))
        .collect();
    let scratch = root().join("target/sanitize-cases");
    std::fs::create_dir_all(&scratch).map_err(|e| e.to_string())?;
    let (next, bad) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(text) = run_one(command, environment, case, &scratch, next.load(Ordering::Relaxed)) {
                        println!("{}: {}\n{text}\n", case.file.display(), case.title);
                        bad.lock().unwrap_or_else(PoisonError::into_inner).push(case.title.clone());
                    }
                }
            });
        }
    });
    let bad = bad.into_inner().unwrap_or_else(PoisonError::into_inner);
    println!("{} cases, {} with findings", cases.len(), bad.len());
    if bad.is_empty() { Ok(()) } else { Err(bad.join("\n")) }
}

fn run_one(command: &[String], environment: &[(&str, &str)], case: &retic_testkit::Case, scratch: &Path, number: usize) -> Result<(), String> {
    let program = scratch.join(format!("case_{number}.py"));
    std::fs::write(&program, &case.program).map_err(|e| e.to_string())?;
    let out = Command::new(&command[0])
        .args(&command[1..])
        .arg(&program)
        .envs(environment.iter().copied())
        .env("PYTHONHASHSEED", "0")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(std::process::Stdio::null())
        .output()
        .map_err(|e| format!("{}: {e}", command[0]))?;
    let _ = std::fs::remove_file(&program);
    let err = String::from_utf8_lossy(&out.stderr);
    match found(&err) {
        Some(_) => Err(err.lines().filter(|l| !l.is_empty()).take(60).collect::<Vec<_>>().join("\n")),
        None if out.status.code().is_none() => Err(format!("{}\n{err}", out.status)),
        None => Ok(()),
    }
}

/// `sanitize [WORD]`: all cases, or those that hold a word, under the address sanitizer. What a program prints is not compared:
/// addresses are others.
pub fn address(only: &str) -> Result<(), String> {
    let retic = build("sanitize", "--cfg retic_plain -Zsanitizer=address -Cforce-frame-pointers=yes")?;
    // Blocks that live at the end of a process are no finding; the stack's own limits are the interpreter's business.
    let options = [("ASAN_OPTIONS", "detect_leaks=0:detect_stack_use_after_return=0:allocator_may_return_null=1")];
    run_cases(&[retic.to_string_lossy().into_owned()], &options, only)
}

/// `verify [WORD]`: all cases, or those that hold a word, by a binary that recounts its heap.
pub fn verify(only: &str) -> Result<(), String> {
    let retic = build("verify", "--cfg retic_verify")?;
    run_cases(&[retic.to_string_lossy().into_owned()], &[], only)
}

/// `valgrind [WORD]`: the same under valgrind's memcheck, which also sees what was never written.
pub fn valgrind(only: &str) -> Result<(), String> {
    let retic = build("valgrind", "--cfg retic_plain")?;
    let command =
        ["valgrind", "--quiet", "--trace-children=no", "--max-stackframe=16777216"].iter().map(|s| s.to_string()).chain([retic.to_string_lossy().into_owned()]).collect::<Vec<_>>();
    run_cases(&command, &[], only)
}
