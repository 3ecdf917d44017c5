//! `cargo xtask licenses`: what ships with the binary and under which licences, for `retic --licenses`.

use crate::root;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

const FILE: &str = "crates/cli/licenses.txt";

/// Writes the file, or with `check` only says whether it is what would be written.
pub fn run(check: bool) -> Result<(), String> {
    let text = generate()?;
    let path = root().join(FILE);
    if check {
        let now = std::fs::read_to_string(&path).map_err(|e| format!("{FILE}: {e}"))?;
        return if now == text { Ok(()) } else { Err(format!("{FILE} is not up to date: run `cargo xtask licenses`")) };
    }
    std::fs::write(path, text).map_err(|e| e.to_string())
}

/// The crates in the binary: name, version, licence, place of the sources.
fn crates() -> Result<Vec<[String; 4]>, String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let mut all = Vec::new();
    // The library of Python ships as data of a build script.
    for edges in [&["-p", "retic-cli", "-e", "normal,no-proc-macro"][..], &["-p", "retic-library", "-e", "build", "--depth", "1"]] {
        let mut command = Command::new(&cargo);
        command.args(["tree", "--locked", "--prefix", "none", "--format", "{p}|{l}|{r}"]).args(edges).current_dir(root());
        let out = command.output().map_err(|e| e.to_string())?;
        if !out.status.success() {
            return Err(String::from_utf8_lossy(&out.stderr).into_owned());
        }
        for line in String::from_utf8_lossy(&out.stdout).lines() {
            let mut parts = line.trim_end_matches(" (*)").split('|');
            let (package, license, place) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            let mut words = package.split(' ');
            let (name, version) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            if !name.is_empty() && !name.starts_with("retic") {
                all.push([name, version.trim_start_matches('v'), license, place].map(str::to_string));
            }
        }
    }
    all.sort();
    all.dedup();
    Ok(all)
}

/// The folders that cargo unpacks crates in.
fn registries() -> Vec<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| std::env::var_os("HOME").map(|h| Path::new(&h).join(".cargo")));
    let Some(home) = home else { return Vec::new() };
    std::fs::read_dir(home.join("registry/src")).map(|entries| entries.flatten().map(|e| e.path()).collect()).unwrap_or_default()
}

/// The licence files of a crate.
fn texts(name: &str, version: &str) -> Vec<String> {
    let Some(folder) = registries().into_iter().map(|r| r.join(format!("{name}-{version}"))).find(|f| f.is_dir()) else { return Vec::new() };
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder).map(|entries| entries.flatten().map(|e| e.path()).collect()).unwrap_or_default();
    files.push(folder.join("Lib/PSF-LICENSE"));
    files.sort();
    let about = |p: &PathBuf| {
        p.file_name().is_some_and(|n| ["license", "licence", "copying", "unlicense", "psf-license"].iter().any(|w| n.to_string_lossy().to_lowercase().starts_with(w)))
    };
    files.into_iter().filter(|p| p.is_file() && about(p)).filter_map(|p| std::fs::read_to_string(p).ok()).map(|t| t.replace("\r\n", "\n").trim().to_string()).collect()
}

fn generate() -> Result<String, String> {
    let mut out = String::from("What ships in this binary, and under which licences.\n\n");
    let mut by_text: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for [name, version, mut license, place] in crates()? {
        if name == "rustpython-pylib" {
            // Its manifest names a file only, which lies beside the library.
            license = "Python-2.0".into();
        }
        out += &format!("{name} {version}: {license} <{place}>\n");
        for text in texts(&name, &version) {
            by_text.entry(text).or_default().push(name.clone());
        }
    }
    for (text, names) in by_text {
        out += &format!("\n{}\n{}:\n\n{text}\n", "=".repeat(78), names.join(", "));
    }
    Ok(out)
}
