//! `bench`: the programs of `benches/programs` in several interpreters, in turns. `count`: the instructions that Retic needs
//! for small runs of them, by callgrind, compared with `benches/counts.tsv`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Growth of a count that `count --check` refuses.
const TOLERANCE: f64 = 0.02;
const ROUNDS: usize = 5;

struct Program {
    name: String,
    path: PathBuf,
    /// Size of the run under callgrind.
    count: String,
    what: String,
}

fn programs() -> Result<Vec<Program>, String> {
    let dir = crate::root().join("benches/programs");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&dir).map_err(|e| format!("{}: {e}", dir.display()))? {
        let path = entry.map_err(|e| e.to_string())?.path();
        let text = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        let sizes = text.lines().find_map(|l| l.strip_prefix("N, COUNT = ")).ok_or_else(|| format!("{}: no line of sizes", path.display()))?;
        let count = sizes.rsplit(", ").next().unwrap_or_default().replace('_', "");
        let what = text.lines().next().unwrap_or_default().trim_matches('"').trim_end_matches('.').to_string();
        found.push(Program { name: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(), path, count, what });
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// The programs, and the sizes of their runs under callgrind.
pub fn counted() -> Result<Vec<(PathBuf, String)>, String> {
    Ok(programs()?.into_iter().map(|p| (p.path, p.count)).collect())
}

fn driver() -> PathBuf {
    crate::root().join("benches/driver.py")
}

/// Seconds of CPU of one run, and what it printed.
fn run_once(command: &str, program: &Path) -> Result<(f64, String), String> {
    let mut words = command.split(' ');
    let out = Command::new(words.next().unwrap_or_default()).args(words).arg(driver()).arg(program).env("PYTHONHASHSEED", "0").output().map_err(|e| format!("{command}: {e}"))?;
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    let seconds = said.lines().last().and_then(|l| l.parse().ok());
    match seconds.filter(|_| out.status.success()) {
        Some(s) => Ok((s, String::from_utf8_lossy(&out.stdout).into_owned())),
        None => Err(format!("{command} {}: {}", program.display(), said.lines().last().unwrap_or("it failed"))),
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// `bench NAME=COMMAND NAME=COMMAND ... [--rounds N] [--only a,b] [--write]`: the first interpreter is the one that the
/// others are compared with.
pub fn bench(args: &[String]) -> Result<(), String> {
    let (mut engines, mut rounds, mut only, mut write) = (Vec::new(), ROUNDS, None, false);
    let mut at = args.iter();
    while let Some(a) = at.next() {
        match a.as_str() {
            "--rounds" => rounds = at.next().and_then(|n| n.parse().ok()).filter(|n| *n > 0).ok_or("--rounds needs a number")?,
            "--only" => only = Some(at.next().ok_or("--only needs names")?.split(',').map(str::to_string).collect::<Vec<_>>()),
            "--write" => write = true,
            _ => engines.push(a.split_once('=').ok_or_else(|| format!("{a}: NAME=COMMAND is wanted"))?),
        }
    }
    if engines.len() < 2 {
        return Err("usage: cargo xtask bench NAME=COMMAND NAME=COMMAND ... [--rounds N] [--only a,b] [--write]".into());
    }
    let mut table = String::new();
    let head: String = engines[1..].iter().map(|(n, _)| format!(" {n} |")).collect();
    let _ = writeln!(table, "| program | {} s |{head} what |\n|---|---:|{}---|", engines[0].0, "---:|".repeat(engines.len() - 1));
    let mut logs = vec![(0.0, 0usize); engines.len()];
    for p in programs()?.iter().filter(|p| only.as_ref().is_none_or(|o| o.contains(&p.name))) {
        let mut times: Vec<Vec<f64>> = vec![Vec::new(); engines.len()];
        let mut expected: Option<String> = None;
        let mut failed: BTreeMap<usize, String> = BTreeMap::new();
        for _ in 0..rounds {
            for (i, (_, command)) in engines.iter().enumerate() {
                match run_once(command, &p.path) {
                    Ok((s, text)) => {
                        if expected.get_or_insert_with(|| text.clone()) != &text {
                            failed.insert(i, "another result".into());
                        }
                        times[i].push(s);
                    }
                    Err(e) => {
                        failed.insert(i, e);
                    }
                }
            }
        }
        if let Some(e) = failed.get(&0) {
            return Err(e.clone());
        }
        let first = median(&mut times[0]);
        let mut row = format!("| {} | {first:.3} |", p.name);
        for i in 1..engines.len() {
            if let Some(e) = failed.get(&i) {
                eprintln!("{}: {}: {e}", p.name, engines[i].0);
                row += " fails |";
                continue;
            }
            let ratio = first / median(&mut times[i]);
            logs[i].0 += ratio.ln();
            logs[i].1 += 1;
            let _ = write!(row, " {ratio:.2} |");
        }
        println!("{row}");
        let _ = writeln!(table, "{row} {} |", p.what);
    }
    let means: String = logs[1..].iter().map(|(sum, n)| format!(" **{:.2}** |", if *n == 0 { 0.0 } else { (sum / *n as f64).exp() })).collect();
    let _ = writeln!(table, "| geometric mean | |{means} |");
    println!("| geometric mean | |{means}");
    if write {
        let names: String = engines.iter().map(|(n, _)| format!("`{n}`")).collect::<Vec<_>>().join(", ");
        let text = format!(
            "# Results\n\nWritten by `cargo xtask bench ... --write`: CPU time of the whole process, medians of {rounds} interleaved rounds of {names}.\nA figure is speed against `{}`: 2.00 is twice as fast.\n\n{table}",
            engines[0].0
        );
        let path = crate::root().join("benches/RESULTS.md");
        let kept = std::fs::read_to_string(&path).ok().and_then(|t| t.find("\n## ").map(|i| t[i..].to_string())).unwrap_or_default();
        std::fs::write(&path, text + &kept).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    Ok(())
}

/// Instructions of one small run.
fn count_once(binary: &Path, p: &Program) -> Result<u64, String> {
    let out = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(binary)
        .arg(driver())
        .arg(&p.path)
        .arg(&p.count)
        .env("PYTHONHASHSEED", "0")
        .output()
        .map_err(|e| format!("valgrind: {e}"))?;
    let said = String::from_utf8_lossy(&out.stderr);
    let collected = said.lines().find_map(|l| l.split_once("Collected : ")).and_then(|(_, n)| n.trim().parse().ok());
    collected.filter(|_| out.status.success()).ok_or_else(|| format!("{}: {said}", p.name))
}

/// `count [--check | --write] [--only a,b]`: instruction counts of the release binary.
pub fn count(args: &[String]) -> Result<(), String> {
    let check = args.iter().any(|a| a == "--check");
    let only: Option<Vec<&str>> = args.iter().position(|a| a == "--only").and_then(|i| args.get(i + 1)).map(|o| o.split(',').collect());
    let binary = crate::root().join("target/release/retic");
    let file = crate::root().join("benches/counts.tsv");
    let known: BTreeMap<String, u64> =
        std::fs::read_to_string(&file).unwrap_or_default().lines().filter_map(|l| l.split_once('\t').and_then(|(n, c)| Some((n.to_string(), c.parse().ok()?)))).collect();
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("count: SKIPPED, there is no valgrind here");
        return Ok(());
    }
    let (mut counts, mut grown) = (known.clone(), Vec::new());
    for p in programs()?.iter().filter(|p| only.as_ref().is_none_or(|o| o.contains(&p.name.as_str()))) {
        let n = count_once(&binary, p)?;
        let before = known.get(&p.name).copied();
        let change = before.map_or(0.0, |b| n as f64 / b as f64 - 1.0);
        println!("{:16} {n:>12} {:+.1} %", p.name, change * 100.0);
        if change > TOLERANCE || before.is_none() {
            grown.push(p.name.clone());
        }
        counts.insert(p.name.clone(), n);
    }
    if args.iter().any(|a| a == "--write") {
        let text: String = counts.iter().map(|(n, c)| format!("{n}\t{c}\n")).collect();
        std::fs::write(&file, text).map_err(|e| format!("{}: {e}", file.display()))?;
    } else if check && !grown.is_empty() {
        return Err(format!("more instructions than benches/counts.tsv says (or not there): {}", grown.join(", ")));
    }
    Ok(())
}
