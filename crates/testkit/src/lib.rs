//! Test cases as Markdown: a title that is a true sentence, a program, and what it prints. One file may hold several.
//!
//! Blocks of a case: ```` ```py ```` the program, ```` ```out ```` its standard output, ```` ```err ```` the last line of its
//! standard error, ```` ```dis ```` its listing by CPython 3.9. Expectations come from CPython (`cargo xtask oracle`).
//! ```` ```retic why id --lang en ```` has what that command says of the program: nobody else can say it, so people read it.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};
use std::process::Command;

/// One program and what is expected of it.
#[derive(Clone, Debug, Default)]
pub struct Case {
    pub file: PathBuf,
    pub title: String,
    pub program: String,
    pub out: Option<String>,
    pub err: Option<String>,
    pub dis: Option<String>,
    /// Commands of the lens and what they say.
    pub told: Vec<(String, String)>,
}

/// Reads the cases of a Markdown file.
pub fn parse(file: &Path, text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut block: Option<(String, String)> = None;
    for line in text.lines() {
        if let Some((kind, body)) = &mut block {
            if line.trim_end() == "```" {
                if let Some(case) = cases.last_mut() {
                    match kind.as_str() {
                        "py" => case.program = body.clone(),
                        "out" => case.out = Some(body.clone()),
                        "err" => case.err = Some(body.trim_end().to_string()),
                        "dis" => case.dis = Some(body.clone()),
                        other => {
                            if let Some(command) = other.strip_prefix("retic ") {
                                case.told.push((command.to_string(), body.clone()));
                            }
                        }
                    }
                }
                block = None;
            } else {
                body.push_str(line);
                body.push('\n');
            }
        } else if let Some(title) = line.strip_prefix("# ") {
            cases.push(Case { file: file.to_path_buf(), title: title.to_string(), ..Case::default() });
        } else if let Some(kind) = line.strip_prefix("```") {
            block = Some((kind.trim().to_string(), String::new()));
        }
    }
    cases
}

/// All cases under a folder, files in order of their names.
///
/// # Errors
/// A file that cannot be read; two cases whose titles make one name of a file, which they would share while they run.
pub fn find(folder: &Path) -> std::io::Result<Vec<Case>> {
    let mut files = Vec::new();
    let mut work = vec![folder.to_path_buf()];
    while let Some(dir) = work.pop() {
        for entry in std::fs::read_dir(dir)? {
            let path = entry?.path();
            if path.is_dir() {
                work.push(path);
            } else if path.extension().is_some_and(|e| e == "md") && path.file_name().is_some_and(|n| n != "README.md") {
                files.push(path);
            }
        }
    }
    files.sort();
    let mut cases = Vec::new();
    for file in files {
        cases.extend(parse(&file, &std::fs::read_to_string(&file)?));
    }
    let mut names = std::collections::HashSet::new();
    match cases.iter().find(|case| !names.insert(file_name(&case.title))) {
        Some(twice) => Err(std::io::Error::other(format!("{}: another case is called like \"{}\"", twice.file.display(), twice.title))),
        None => Ok(cases),
    }
}

/// What a command printed for a program: standard output and the last line of standard error.
pub fn run(command: &[String], program: &Path) -> Result<(String, String), String> {
    let output = Command::new(&command[0])
        .args(&command[1..])
        .arg(program)
        .env("PYTHONHASHSEED", "0")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(std::process::Stdio::null())
        .output()
        .map_err(|e| format!("{}: {e}", command[0]))?;
    if output.status.code().is_none() {
        return Err(format!("killed: {}", output.status));
    }
    let err = String::from_utf8_lossy(&output.stderr);
    Ok((String::from_utf8_lossy(&output.stdout).into_owned(), err.trim_end().lines().last().unwrap_or("").to_string()))
}

/// A listing without addresses and paths.
pub fn normalise(listing: &str) -> String {
    let mut out = String::new();
    for line in listing.lines() {
        let mut line = addressless(line);
        if let Some(at) = line.find(", file \"")
            && let Some(end) = line[at + 8..].find('"')
        {
            line.replace_range(at + 8..at + 8 + end, "FILE");
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// A title as the name of a file.
fn file_name(title: &str) -> String {
    title.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).take(60).collect()
}

/// Runs one case; the error says what differs.
pub fn check(retic: &str, case: &Case, scratch: &Path) -> Result<(), String> {
    let name = file_name(&case.title);
    let program = scratch.join(format!("{name}.py"));
    std::fs::write(&program, &case.program).map_err(|e| e.to_string())?;
    if case.out.is_some() || case.err.is_some() {
        let (out, err) = run(&[retic.to_string()], &program)?;
        if let Some(want) = &case.out {
            same(want, &out, &err)?;
        }
        if let Some(want) = &case.err {
            same(want, &err, "")?;
        } else if !err.is_empty() && !err.contains("Warning") {
            return Err(format!("unexpected error: {err}"));
        }
    }
    if let Some(want) = &case.dis {
        let (out, err) = run(&[retic.to_string(), "-m".into(), "dis".into()], &program)?;
        same(&normalise(want), &normalise(&out), &err)?;
    }
    for (command, want) in &case.told {
        // The name of the program is part of what is told.
        let own = scratch.join(&name);
        std::fs::create_dir_all(&own).map_err(|e| e.to_string())?;
        let program = own.join("p.py");
        std::fs::write(&program, &case.program).map_err(|e| e.to_string())?;
        let mut words: Vec<String> = vec![retic.to_string()];
        words.extend(command.split(' ').map(str::to_string));
        let (out, err) = run(&words, &program)?;
        same(&lettered(want), &lettered(&addressless(&out)), &err).map_err(|e| format!("retic {command}: {e}"))?;
    }
    if case.out.is_none() && case.err.is_none() && case.dis.is_none() && case.told.is_empty() {
        return Err("the case expects nothing".into());
    }
    Ok(())
}

/// Runs a case as `retic trace` does at every level: it prints the same, and the books of the recording close.
pub fn check_under_lens(retic: &str, case: &Case, scratch: &Path) -> Result<(), String> {
    if case.out.is_none() && case.err.is_none() {
        return Ok(());
    }
    for level in ["counts", "lives", "refs", "steps"] {
        check_at(level, retic, case, scratch).map_err(|e| format!("--{level}: {e}"))?;
    }
    Ok(())
}

fn check_at(level: &str, retic: &str, case: &Case, scratch: &Path) -> Result<(), String> {
    let name = file_name(&case.title);
    let program = scratch.join(format!("lens_{name}.py"));
    let recording = program.with_extension("lens");
    std::fs::write(&program, &case.program).map_err(|e| e.to_string())?;
    let command: Vec<String> = [retic, "trace", &format!("--{level}"), "--quiet", "-o"].iter().map(|s| s.to_string()).chain([recording.to_string_lossy().into_owned()]).collect();
    let (out, err) = run(&command, &program)?;
    if let Some(want) = &case.out {
        same(want, &out, &err)?;
    }
    if let Some(want) = &case.err {
        same(want, &err, "")?;
    }
    let (stats, err) = run(&[retic.to_string(), "lens".to_string(), "stats".to_string()], &recording)?;
    let _ = std::fs::remove_file(&recording);
    if !stats.starts_with("books    closed\n") {
        return Err(format!("{} {err}", stats.lines().next().unwrap_or("no statistics")));
    }
    Ok(())
}

/// A text with every address, whole or its end, as ADDRESS.
pub fn addressless(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("0x") {
        let tail = &rest[at + 2..];
        let digits = tail.find(|c: char| !(c.is_ascii_hexdigit() || c == '…')).unwrap_or(tail.len());
        out.push_str(&rest[..at]);
        out.push_str("ADDRESS");
        rest = &tail[digits..];
    }
    out.push_str(rest);
    out
}

/// A text with every number of an object as letters of the same width, in the order in which they are first named: how many
/// objects the interpreter made before a program began is not part of what is told of it.
fn lettered(text: &str) -> String {
    let mut known: Vec<&str> = Vec::new();
    let mut parts = text.split('#');
    let mut out = parts.next().unwrap_or("").to_string();
    for part in parts {
        let (number, rest) = part.split_at(part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len()));
        let mut at = known.iter().position(|k| *k == number).unwrap_or_else(|| {
            known.push(number);
            known.len() - 1
        });
        let mut letters: Vec<u8> = Vec::new();
        for _ in number.bytes() {
            letters.insert(0, b'a' + (at % 26) as u8);
            at /= 26;
        }
        out.push('#');
        out.push_str(&String::from_utf8_lossy(&letters));
        out.push_str(rest);
    }
    out
}

fn same(want: &str, got: &str, err: &str) -> Result<(), String> {
    if want == got {
        return Ok(());
    }
    let at = want.lines().zip(got.lines()).position(|(a, b)| a != b).unwrap_or(want.lines().count().min(got.lines().count()));
    let line = |s: &str| s.lines().nth(at).unwrap_or("<end>").to_string();
    Err(format!("line {}: expected {:?}, got {:?} {err}", at + 1, line(want), line(got)))
}
