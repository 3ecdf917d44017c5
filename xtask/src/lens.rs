//! `cargo xtask lens [--rounds N]`: what recording costs. The four programs of `benches/lens` under the release binary, without a
//! recorder and at each level, in turns; CPU time as ratios of medians. Then what a recording takes on disk for each event.

use crate::root;
use std::process::Command;

const PROGRAMS: [&str; 4] = ["objects", "calls", "mixed", "seed"];
pub const LEVELS: [&str; 4] = ["--counts", "--lives", "--refs", "--steps"];

/// CPU seconds of a command, user and system, as bash's `time` has them.
fn cpu(command: &str) -> Result<f64, String> {
    let script = format!("TIMEFORMAT='%3U %3S'; time {command} >/dev/null 2>&1");
    let out = Command::new("bash").args(["-c", &script]).output().map_err(|e| e.to_string())?;
    if !out.status.success() {
        return Err(format!("failed: {command}"));
    }
    let text = String::from_utf8_lossy(&out.stderr);
    let sum: Option<f64> = text.split_whitespace().map(|w| w.parse::<f64>().ok()).sum();
    sum.ok_or_else(|| format!("no times in {text:?}"))
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

pub fn run(args: &[String]) -> Result<(), String> {
    let rounds: usize = args.iter().position(|a| a == "--rounds").and_then(|i| args.get(i + 1)).map_or(Ok(5), |n| n.parse().map_err(|_| "--rounds N".to_string()))?;
    let retic = root().join("target/release/retic").display().to_string();
    let recording = std::env::temp_dir().join(format!("retic-cost-{}.lens", std::process::id()));
    let recording = recording.display().to_string();
    let mut times = vec![vec![Vec::new(); LEVELS.len() + 1]; PROGRAMS.len()];
    let mut sizes = vec![vec![String::new(); LEVELS.len()]; PROGRAMS.len()];
    for round in 0..rounds {
        for (p, name) in PROGRAMS.iter().enumerate() {
            let program = root().join(format!("benches/lens/{name}.py")).display().to_string();
            times[p][0].push(cpu(&format!("{retic} {program}"))?);
            for (l, level) in LEVELS.iter().enumerate() {
                times[p][l + 1].push(cpu(&format!("{retic} trace {level} --quiet -o {recording} {program}"))?);
                if round == 0 && *level != "--counts" {
                    let out = Command::new(&retic).args(["lens", "stats", &recording]).output().map_err(|e| e.to_string())?;
                    let text = String::from_utf8_lossy(&out.stdout).into_owned();
                    sizes[p][l] = text.lines().find_map(|l| l.split_once('(')).map_or(String::new(), |(_, s)| s.trim_end_matches(" an event)").to_string());
                }
            }
        }
    }
    let _ = std::fs::remove_file(&recording);
    println!("CPU time over Retic without a recorder (bytes an event on disk)\n");
    println!("{:<10}{:>10}{}", "program", "seconds", LEVELS.map(|l| format!("{:>16}", &l[2..])).join(""));
    for (p, name) in PROGRAMS.iter().enumerate() {
        let plain = median(&mut times[p][0]);
        let cells: Vec<String> = (0..LEVELS.len())
            .map(|l| {
                let ratio = median(&mut times[p][l + 1]) / plain;
                let size = if sizes[p][l].is_empty() { String::new() } else { format!(" ({})", sizes[p][l]) };
                format!("{:>16}", format!("{ratio:.1}{size}"))
            })
            .collect();
        println!("{name:<10}{plain:>10.3}{}", cells.join(""));
    }
    Ok(())
}
