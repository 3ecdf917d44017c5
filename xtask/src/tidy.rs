//! The seven nevers of ARCHITECTURE.md, and what else no compiler checks.

use std::path::{Path, PathBuf};

/// A rule looks at one file: its path from the root and its text. It answers with complaints.
type Rule = fn(&str, &str) -> Vec<String>;

const RULES: &[(&str, Rule)] = &[
    ("never 1: runtime never uses compiler", |path, text| forbid(path, text, &["crates/runtime/"], &["retic_compiler", "retic-compiler"])),
    ("never 2: only compiler names ruff", |path, text| if path.starts_with("crates/compiler/") { Vec::new() } else { forbid(path, text, &["crates/"], &["ruff_python"]) }),
    ("never 2: only numbers names the big-integer crate", |path, text| if path.starts_with("crates/numbers/") { Vec::new() } else { forbid(path, text, &["crates/"], &["dashu"]) }),
    ("never 3: lens never uses runtime", |path, text| forbid(path, text, &["crates/lens/"], &["retic_runtime", "retic-runtime", "retic_heap"])),
    ("never 4: events holds numbers only", |path, text| forbid(path, text, &["crates/events/"], &["*const", "*mut", "NonNull", "Rc<", "unsafe {"])),
    ("never 5: the outside world is system's", outside_world),
    ("never 6: heap knows no types, bytecode no heap", |path, text| {
        let mut out = forbid(path, text, &["crates/heap/"], &["retic_runtime", "retic-runtime"]);
        out.extend(forbid(path, text, &["crates/bytecode/"], &["retic_heap", "retic-heap", "retic_runtime"]));
        out
    }),
    ("never 7: nothing depends on cli, testkit, xtask", |path, text| {
        if path.ends_with("Cargo.toml") && !path.starts_with("xtask") && !path.starts_with("crates/cli") && path != "Cargo.toml" && !path.contains("testkit") {
            forbid(path, text, &["crates/"], &["retic-testkit", "retic-cli", "xtask"])
        } else {
            Vec::new()
        }
    }),
    (
        "a crate says what it is",
        |path, text| if path.ends_with("src/lib.rs") && !text.starts_with("//!") { vec![format!("{path}: no description at the top")] } else { Vec::new() },
    ),
    ("no unfinished code called done", |path, text| forbid(path, text, &["crates/"], &["todo!(", "unimplemented!("])),
];

fn forbid(path: &str, text: &str, below: &[&str], words: &[&str]) -> Vec<String> {
    if !below.iter().any(|b| path.starts_with(b)) {
        return Vec::new();
    }
    let mut out = Vec::new();
    for (n, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or("");
        for w in words.iter().filter(|w| code.contains(**w)) {
            out.push(format!("{path}:{}: {w}", n + 1));
        }
    }
    out
}

fn outside_world(path: &str, text: &str) -> Vec<String> {
    let allowed = ["crates/system/", "crates/cli/", "crates/testkit/", "crates/compiler/examples/"];
    // A build script runs before there is a program.
    if allowed.iter().any(|a| path.starts_with(a)) || path.ends_with("/build.rs") {
        return Vec::new();
    }
    forbid(path, text, &["crates/"], &["std::fs", "std::env::", "std::net", "std::process", "SystemTime"])
}

fn files(dir: &Path, out: &mut Vec<PathBuf>) -> Result<(), String> {
    for entry in std::fs::read_dir(dir).map_err(|e| e.to_string())? {
        let path = entry.map_err(|e| e.to_string())?.path();
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            files(&path, out)?;
        } else if name.ends_with(".rs") || name == "Cargo.toml" {
            out.push(path);
        }
    }
    Ok(())
}

/// The layout ids that a file hands out (promise O3: no two structs have one).
fn layout_ids(text: &str) -> Vec<u32> {
    let number = |rest: &str| rest.trim_start().split(|c: char| !c.is_ascii_digit()).next().and_then(|n| n.parse().ok());
    text.lines()
        .filter(|l| !l.trim_start().starts_with("//"))
        .filter_map(|l| match (l.split_once("pub struct "), l.split_once("const ID: u16 =")) {
            (_, Some((_, rest))) => number(rest),
            (Some((_, rest)), _) => rest.split_once(" = ").and_then(|(_, rest)| number(rest)),
            _ => None,
        })
        .collect()
}

/// Applies every rule to every file.
pub fn run() -> Result<(), String> {
    let root = crate::root();
    let mut all = Vec::new();
    files(&root, &mut all)?;
    let mut complaints = Vec::new();
    let mut layouts = std::collections::HashMap::new();
    for file in all {
        let text = std::fs::read_to_string(&file).map_err(|e| e.to_string())?;
        let path = file.strip_prefix(&root).unwrap_or(&file).to_string_lossy().into_owned();
        for (rule, check) in RULES {
            complaints.extend(check(&path, &text).into_iter().map(|c| format!("{rule}: {c}")));
        }
        for id in if path.starts_with("crates/") { layout_ids(&text) } else { Vec::new() } {
            if let Some(other) = layouts.insert(id, path.clone()) {
                complaints.push(format!("O3: layout {id} stands in {path} and in {other}"));
            }
        }
    }
    if complaints.is_empty() { Ok(()) } else { Err(complaints.join("\n")) }
}

#[cfg(test)]
mod tests {
    use super::RULES;

    #[test]
    fn layout_ids_are_found() {
        let text = "    pub struct Poll = 280, \"select.poll\" { a: u8, }\n    const ID: u16 = 38;\n/// pub struct X = 8,\npub struct Plain { a: u8 }";
        assert_eq!(super::layout_ids(text), [280, 38]);
    }

    #[test]
    fn every_rule_finds_its_bad_example() {
        let bad = [
            ("crates/runtime/src/x.rs", "use retic_compiler::compile;"),
            ("crates/cli/src/x.rs", "use ruff_python_ast::Expr;"),
            ("crates/runtime/src/x.rs", "use dashu_int::IBig;"),
            ("crates/lens/src/x.rs", "use retic_runtime::Obj;"),
            ("crates/events/src/lib.rs", "at: *const u8,"),
            ("crates/runtime/src/x.rs", "std::fs::read(path)"),
            ("crates/heap/src/x.rs", "use retic_runtime::Obj;"),
            ("crates/heap/Cargo.toml", "retic-testkit = 1"),
            ("crates/heap/src/lib.rs", "fn f() {}"),
            ("crates/heap/src/x.rs", "fn f() { todo!() }"),
        ];
        assert_eq!(bad.len(), RULES.len());
        for ((path, text), (name, rule)) in bad.iter().zip(RULES) {
            assert!(!rule(path, text).is_empty(), "{name}");
        }
    }
}
