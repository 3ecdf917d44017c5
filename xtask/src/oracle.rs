//! Asks CPython what the cases should expect.

use retic_testkit::{Case, find, normalise};
use std::path::Path;

fn python(variable: &str, default: &str) -> Vec<String> {
    std::env::var(variable).unwrap_or_else(|_| default.into()).split_whitespace().map(str::to_string).collect()
}

/// Checks every expectation, or writes it.
pub fn run(bless: bool) -> Result<(), String> {
    let new = python("RETIC_PYTHON", "python3.13");
    let old = python("RETIC_PYTHON39", "python3.9");
    for (command, version) in [(&new, "Python 3.13"), (&old, "Python 3.9")] {
        let said = std::process::Command::new(&command[0]).args(&command[1..]).arg("--version").output().map_err(|e| format!("{}: {e}", command[0]))?;
        if !String::from_utf8_lossy(&said.stdout).starts_with(version) {
            return Err(format!("{} is not {version}; name one in RETIC_PYTHON or RETIC_PYTHON39", command[0]));
        }
    }
    let cases = find(&crate::root().join("tests")).map_err(|e| e.to_string())?;
    let scratch = std::env::temp_dir().join(format!("retic-oracle-{}", std::process::id()));
    std::fs::create_dir_all(&scratch).map_err(|e| e.to_string())?;
    let mut wrong = Vec::new();
    for case in &cases {
        if case.file.components().any(|c| c.as_os_str() == "differences") {
            continue;
        }
        check(case, &new, &old, &scratch, bless, &mut wrong)?;
    }
    std::fs::remove_dir_all(&scratch).map_err(|e| e.to_string())?;
    if wrong.is_empty() { Ok(()) } else { Err(format!("CPython disagrees with:\n{}", wrong.join("\n"))) }
}

fn check(case: &Case, new: &[String], old: &[String], scratch: &Path, bless: bool, wrong: &mut Vec<String>) -> Result<(), String> {
    let program = scratch.join("case.py");
    std::fs::write(&program, &case.program).map_err(|e| e.to_string())?;
    let mut blocks: Vec<(&str, String, Option<String>)> = Vec::new();
    if case.out.is_some() || case.err.is_some() {
        let (out, err) = run_with(new, &program)?;
        if let Some(have) = &case.out {
            blocks.push(("out", out, Some(have.clone())));
        }
        if let Some(have) = &case.err {
            blocks.push(("err", format!("{err}\n"), Some(format!("{have}\n"))));
        }
    }
    if let Some(have) = &case.dis {
        let command: Vec<String> = old.iter().cloned().chain(["-m".into(), "dis".into()]).collect();
        let (out, _) = run_with(&command, &program)?;
        blocks.push(("dis", normalise(&out), Some(normalise(have))));
    }
    for (kind, truth, have) in blocks {
        if have.as_deref() == Some(&truth) {
            continue;
        }
        if bless {
            write(case, kind, &truth)?;
        } else {
            wrong.push(format!("  {}: {} ({kind})", case.file.display(), case.title));
        }
    }
    Ok(())
}

fn run_with(command: &[String], program: &Path) -> Result<(String, String), String> {
    retic_testkit::run(command, program)
}

/// Replaces the block of a case in its file.
fn write(case: &Case, kind: &str, text: &str) -> Result<(), String> {
    let source = std::fs::read_to_string(&case.file).map_err(|e| e.to_string())?;
    let heading = format!("# {}\n", case.title);
    let start = source.find(&heading).ok_or("the case moved")?;
    let fence = format!("```{kind}\n");
    let open = start + source[start..].find(&fence).ok_or("the block moved")? + fence.len();
    let close = open + source[open..].find("```").ok_or("the block has no end")?;
    let new = format!("{}{}{}", &source[..open], text, &source[close..]);
    std::fs::write(&case.file, new).map_err(|e| e.to_string())
}
