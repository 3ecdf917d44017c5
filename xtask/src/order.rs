//! `order`: which functions programs really use, written down for the linker: it lays them side by side, and a process that
//! starts and imports little touches fewer pages.

use crate::root;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The library's modules that most programs import.
const IMPORTS: &str = "import json, argparse, re, dataclasses, typing, subprocess, logging, asyncio, random, datetime, decimal, pickle";

/// Instructions that each function ran itself, by the linker's name.
fn functions(recording: &str) -> HashMap<String, u64> {
    let (mut names, mut costs) = (HashMap::<&str, &str>::new(), HashMap::<String, u64>::new());
    let (mut now, mut of_call) = ("", false);
    for line in recording.lines() {
        let named = line.strip_prefix("fn=").or_else(|| line.strip_prefix("cfn="));
        if let Some((id, name)) = named.and_then(|n| n.split_once(')')) {
            let name = match name.trim() {
                "" => names.get(id).copied().unwrap_or_default(),
                n => n.split('\'').next().unwrap_or(n),
            };
            names.insert(id, name);
            if line.starts_with("fn=") {
                now = name;
            }
        } else if line.starts_with("calls=") {
            of_call = true;
        } else if line.starts_with(|c: char| c.is_ascii_digit() || "+-*".contains(c)) {
            let own = line.split(' ').nth(1).and_then(|n| n.parse::<u64>().ok()).filter(|_| !of_call);
            of_call = false;
            if let Some(n) = own.filter(|_| now.starts_with("_R") || now.starts_with("_ZN")) {
                *costs.entry(now.to_string()).or_default() += n;
            }
        }
    }
    costs
}

fn recorded(out: &Path, args: &[&str]) -> Result<HashMap<String, u64>, String> {
    let status = Command::new("valgrind")
        .args(["--tool=callgrind", "--demangle=no"])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(root().join("target/release/retic"))
        .args(args)
        .env("PYTHONHASHSEED", "0")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .map_err(|e| format!("valgrind: {e}"))?;
    if !status.success() {
        return Err(format!("retic {}: {status}", args.join(" ")));
    }
    std::fs::read_to_string(out).map(|text| functions(&text)).map_err(|e| format!("{}: {e}", out.display()))
}

/// Writes `profile/order.txt`: first what every start needs, then what the imports do, then the rest of what the programs of
/// `benches/` and the training use; within each what runs most.
pub fn record() -> Result<(), String> {
    let out = root().join("target/order.callgrind");
    let text = |p: PathBuf| p.to_string_lossy().into_owned();
    let (driver, training) = (text(root().join("benches/driver.py")), text(root().join("benches/training.py")));
    let mut runs = vec![recorded(&out, &["-I", "-S", "-c", "pass"])?, recorded(&out, &["-c", "pass"])?, recorded(&out, &["-c", IMPORTS])?];
    for (program, size) in crate::bench::counted()? {
        println!("{}", program.display());
        runs.push(recorded(&out, &[&driver, &text(program), &size])?);
    }
    runs.push(recorded(&out, &[&training])?);
    let _ = std::fs::remove_file(&out);
    // The run that needs a function first, and what it costs in all of them.
    let mut found = HashMap::<&str, (usize, u64)>::new();
    for (i, costs) in runs.iter().enumerate() {
        for (name, n) in costs {
            found.entry(name).or_insert((i.min(3), 0)).1 += n;
        }
    }
    let mut names: Vec<_> = found.into_iter().map(|(name, (first, cost))| (first, std::cmp::Reverse(cost), name)).collect();
    names.sort_unstable();
    let lines: String = names.iter().map(|(_, _, name)| format!("{name}\n")).collect();
    std::fs::write(root().join("profile/order.txt"), lines).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    #[test]
    fn costs_are_a_functions_own() {
        let costs = super::functions("fn=(1) _Ra'2\n10 5\n+1 2\ncfn=(2) _Rb\ncalls=1 7\n* 100\n+2 1\nfn=(2)\n7 30\ncfn=(1)\ncalls=1 3\n7 900\nfn=(3) main\n1 4\n");
        assert_eq!((costs["_Ra"], costs["_Rb"], costs.len()), (8, 30, 2));
    }
}
