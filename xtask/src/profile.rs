//! `profile`: records what the programs of `benches/` run, as the profile that release builds are compiled with.

use crate::root;
use std::path::{Path, PathBuf};
use std::process::Command;

fn run(command: &mut Command) -> Result<(), String> {
    let shown = format!("{command:?}");
    match command.status() {
        Ok(s) if s.success() => Ok(()),
        Ok(s) => Err(format!("{shown}: {s}")),
        Err(e) => Err(format!("{shown}: {e}")),
    }
}

fn programs(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))? {
        let path = entry.map_err(|e| e.to_string())?.path();
        if path.extension().is_some_and(|e| e == "py") {
            out.push(path);
        }
    }
    out.sort();
    Ok(out)
}

/// Builds a binary that counts, runs the programs of the benches, the training and those of the lens with it, and merges the counts into
/// `profile/retic.profdata`. LLVM_PROFDATA names an `llvm-profdata` of version 19 or newer.
pub fn record() -> Result<(), String> {
    let (target, raw) = (root().join("target/profile"), root().join("target/profile/raw"));
    let _ = std::fs::remove_dir_all(&raw);
    run(Command::new("cargo").current_dir(root()).args(["build", "--release", "--package", "retic-cli", "--target-dir"]).arg(&target).env("RETIC_PROFILE_DIR", &raw))?;
    let retic = target.join("release/retic");
    let benches = root().join("benches");
    for p in programs(&benches.join("programs"))? {
        run(Command::new(&retic).arg(benches.join("driver.py")).arg(p).env("PYTHONHASHSEED", "0").stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()))?;
    }
    for training in ["training.py", "training_large.py", "training_trees.py", "training_features.py", "training_library.py"] {
        run(Command::new(&retic).arg(benches.join(training)).env("PYTHONHASHSEED", "0").stdout(std::process::Stdio::null()))?;
    }
    // What runs under the lens must not push aside what runs without: it weighs little, but is not cold.
    let (recording, lens) = (target.join("training.lens"), target.join("raw-lens"));
    let _ = std::fs::remove_dir_all(&lens);
    for (program, size) in [("objects", "40000"), ("calls", "18"), ("mixed", "20000"), ("seed", "40000")] {
        for level in crate::lens::LEVELS {
            let script = benches.join(format!("lens/{program}.py"));
            let mut command = Command::new(&retic);
            command.args(["trace", level, "--quiet", "-o"]).arg(&recording).arg(script).arg(size);
            command.env("PYTHONHASHSEED", "0").env("LLVM_PROFILE_FILE", lens.join("%m.profraw"));
            run(command.stdout(std::process::Stdio::null()))?;
        }
    }
    let profdata = std::env::var("LLVM_PROFDATA").unwrap_or_else(|_| "llvm-profdata-19".into());
    run(Command::new(profdata)
        .args(["merge", "--sparse", "--output"])
        .arg(root().join("profile/retic.profdata"))
        .arg(format!("--weighted-input=200,{}", raw.display()))
        .arg(format!("--weighted-input=40,{}", lens.display())))
}
