//! Turns `data/ucd.txt` into static tables.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;

const PAGE: usize = 128;
const TOP: usize = 0x11_0000;

fn section<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    let head = format!("\n[{name} ");
    let body = &text[text.find(&head).unwrap_or_else(|| panic!("no section {name}")) + 1..];
    let mut lines = body.lines();
    let count = lines.next().and_then(|l| l[name.len() + 2..].trim_end_matches(']').parse().ok()).expect("a number of lines");
    lines.take(count).collect()
}
fn hex(t: &str) -> u32 {
    u32::from_str_radix(t, 16).expect("a code point")
}

/// A value for every code point, from runs.
fn spread(lines: &[&str]) -> Vec<u16> {
    let mut out = vec![0; TOP];
    let runs: Vec<(usize, u16)> = lines.iter().map(|l| l.split_once(' ').map(|(p, v)| (hex(p) as usize, v.parse().expect("a number"))).expect("a run")).collect();
    for (i, (start, value)) in runs.iter().enumerate() {
        let end = runs.get(i + 1).map_or(TOP, |r| r.0);
        out[*start..end].fill(*value);
    }
    out
}

/// Two-level table: pages that are alike are stored once.
fn paged(out: &mut String, name: &str, values: &[u16]) {
    let (mut known, mut blocks, mut index) = (HashMap::new(), Vec::new(), Vec::new());
    for page in values.chunks(PAGE) {
        let next = known.len() as u16;
        let at = *known.entry(page.to_vec()).or_insert_with(|| {
            blocks.extend_from_slice(page);
            next
        });
        index.push(at);
    }
    let _ = writeln!(out, "static {name}_INDEX: [u16; {}] = {index:?};\nstatic {name}_BLOCKS: [u16; {}] = {blocks:?};", index.len(), blocks.len());
}

fn option(t: &str) -> String {
    if t == "-" { "None".into() } else { format!("Some({t})") }
}

/// A line of numbers as a table row; `None` for a code point that has none.
fn number(line: &str) -> (u32, String) {
    let [point, rest @ ..] = &line.split(' ').collect::<Vec<_>>()[..] else { panic!("an empty line") };
    let row = match rest {
        [] => "None".into(),
        [decimal, digit, numeric] => {
            let numeric = numeric.split_once('/').map_or("None".into(), |(n, d)| format!("Some(({n}, {d}))"));
            format!("Some(Number {{ decimal: {}, digit: {}, numeric: {numeric} }})", option(decimal), option(digit))
        }
        _ => panic!("{line}"),
    };
    (hex(point), row)
}
fn rows(out: &mut String, name: &str, ty: &str, rows: impl IntoIterator<Item = (u32, String)>) {
    let sorted: BTreeMap<u32, String> = rows.into_iter().collect();
    let list: String = sorted.iter().map(|(p, r)| format!("({p}, {r}), ")).collect();
    let _ = writeln!(out, "static {name}: &[(u32, {ty})] = &[{list}];");
}
fn mapping(line: &str) -> (u32, String) {
    let (point, text) = line.split_once(' ').unwrap_or((line, ""));
    (hex(point), format!("{text:?}"))
}
fn points(t: &str, separator: char) -> String {
    let list: Vec<String> = t.split(separator).map(|p| hex(p).to_string()).collect();
    format!("&[{}]", list.join(", "))
}

fn main() {
    println!("cargo:rerun-if-changed=data/ucd.txt");
    println!("cargo:rerun-if-changed=build.rs");
    let text = std::fs::read_to_string("data/ucd.txt").expect("the tables are there");
    let mut out = String::new();
    let version = text.lines().next().and_then(|l| l.strip_prefix("version ")).expect("a version");
    let _ = writeln!(out, "const VERSION: &str = {version:?};");
    let records: String = section(&text, "records")
        .iter()
        .map(|l| {
            let f: Vec<&str> = l.split(' ').collect();
            let bidirectional = if f[1] == "-" { "" } else { f[1] };
            format!("Record {{ category: {:?}, bidirectional: {bidirectional:?}, combining: {}, mirrored: {}, width: {:?} }},\n", f[0], f[2], f[3] == "1", f[4])
        })
        .collect();
    let _ = writeln!(out, "static RECORDS: &[Record] = &[{records}];");
    paged(&mut out, "CURRENT", &spread(&section(&text, "runs")));
    paged(&mut out, "OLD", &spread(&section(&text, "old runs")));
    paged(&mut out, "FLAGS", &spread(&section(&text, "flags")));
    rows(&mut out, "NUMBERS", "Option<Number>", section(&text, "numeric").into_iter().map(number));
    rows(&mut out, "OLD_NUMBERS", "Option<Number>", section(&text, "old numeric").into_iter().map(number));
    rows(&mut out, "DECOMPOSITIONS", "&str", section(&text, "decomposition").into_iter().map(mapping));
    rows(&mut out, "OLD_DECOMPOSITIONS", "&str", section(&text, "old decomposition").into_iter().map(mapping));
    rows(&mut out, "CORRECTIONS", "&[u32]", section(&text, "old corrections").into_iter().map(|l| l.split_once(' ').map(|(p, t)| (hex(p), points(t, ' '))).expect("a correction")));
    rows(
        &mut out,
        "CASES",
        "Case",
        section(&text, "case").into_iter().map(|l| {
            let f: Vec<&str> = l.split(' ').collect();
            let forms: Vec<String> = f[1..].iter().map(|t| points(t, ',')).collect();
            (hex(f[0]), format!("Case {{ lower: {}, upper: {}, title: {}, fold: {} }}", forms[0], forms[1], forms[2], forms[3]))
        }),
    );
    let mut pairs: Vec<(u32, u32, u32)> = section(&text, "compose").iter().map(|l| l.split(' ').map(hex).collect::<Vec<_>>()).map(|p| (p[0], p[1], p[2])).collect();
    pairs.sort_unstable();
    let list: String = pairs.iter().map(|(a, b, c)| format!("(({a}, {b}), {c}), ")).collect();
    let _ = writeln!(out, "static PAIRS: &[((u32, u32), u32)] = &[{list}];");
    let folder = std::env::var("OUT_DIR").expect("cargo sets it");
    std::fs::write(std::path::Path::new(&folder).join("tables.rs"), out).expect("the tables are written");
}
