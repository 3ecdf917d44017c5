//! Random programs, run in two interpreters: what they print must be the same.
//!
//! `programs/NAME.py SEED` makes the program of a seed out of its own random numbers and runs it.

use std::process::Command;

/// Of programs that differ so many are named.
const SHOWN: usize = 20;

/// `compare NAME FIRST LAST [retic=COMMAND] [cpython=COMMAND]`.
pub fn run(args: &[String]) -> Result<(), String> {
    let usage = "usage: cargo xtask compare lifetimes|addresses|decimal FIRST LAST [retic=COMMAND] [cpython=COMMAND]";
    let [name, first, last, rest @ ..] = args else { return Err(usage.into()) };
    let program = crate::root().join("xtask/src/programs").join(format!("{name}.py"));
    let (Ok(first), Ok(last)) = (first.parse::<u32>(), last.parse::<u32>()) else { return Err(usage.into()) };
    if !program.is_file() {
        return Err(usage.into());
    }
    let named = |key: &str| rest.iter().find_map(|a| a.strip_prefix(key).map(str::to_string));
    let retic = named("retic=").unwrap_or_else(|| crate::root().join("target/release/retic").display().to_string());
    let cpython = named("cpython=").or_else(|| std::env::var("RETIC_PYTHON").ok()).unwrap_or_else(|| "python3.13".into());
    let version = Command::new(&cpython).arg("--version").output().map_err(|e| format!("{cpython}: {e}"))?;
    if !String::from_utf8_lossy(&version.stdout).starts_with("Python 3.13") {
        return Err(format!("{cpython} is not Python 3.13; name one in RETIC_PYTHON, or with cpython="));
    }
    let mut unlike = Vec::new();
    for seed in first..=last {
        let said = [&cpython, &retic].map(|command| Command::new(command).arg("-I").arg(&program).arg(seed.to_string()).output());
        let [Ok(theirs), Ok(ours)] = said else { return Err(format!("{cpython} or {retic} does not run")) };
        if theirs.stdout != ours.stdout {
            let (a, b) = (String::from_utf8_lossy(&theirs.stdout).into_owned(), String::from_utf8_lossy(&ours.stdout).into_owned());
            let line = a.lines().zip(b.lines()).position(|(x, y)| x != y).unwrap_or_else(|| a.lines().count().min(b.lines().count()));
            let at = |text: &str| text.lines().nth(line).unwrap_or("<end>").to_string();
            unlike.push(format!("seed {seed}, line {}: {:?} and {:?}", line + 1, at(&a), at(&b)));
        }
    }
    println!("{} programs, {} unlike", last.saturating_sub(first) + 1, unlike.len());
    unlike.truncate(SHOWN);
    if unlike.is_empty() { Ok(()) } else { Err(unlike.join("\n")) }
}
