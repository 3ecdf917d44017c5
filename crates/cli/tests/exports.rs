//! What others read of a recording: Parquet tables (with pyarrow) and a Perfetto trace; and the difference of two runs. Without a
//! Python that has pyarrow (`RETIC_PYARROW`, else `python3`) the tables are not read, and the test says so, loudly.

use std::path::{Path, PathBuf};
use std::process::Command;

const PROGRAM: &str = "class Order: pass\ndef test():\n    ins = Order()\n    return id(ins)\nkept = [Order()]\nfor _ in range(NUMBER):\n    test()\n";

fn folder(name: &str) -> PathBuf {
    let at = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("exports-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&at).expect("a folder for the test");
    at
}

fn retic(args: &[&str]) -> String {
    let out = Command::new(env!("CARGO_BIN_EXE_retic")).args(args).output().expect("retic runs");
    assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).into_owned()
}

/// The recording of the program with so many laps.
fn record(at: &Path, name: &str, level: &str, laps: u32) -> String {
    let (program, recording) = (at.join(format!("{name}.py")), at.join(format!("{name}.lens")));
    std::fs::write(&program, PROGRAM.replace("NUMBER", &laps.to_string())).expect("the program is written");
    let recording = recording.to_string_lossy().into_owned();
    retic(&["trace", level, "--quiet", "-o", &recording, &program.to_string_lossy()]);
    recording
}

#[test]
fn pyarrow_reads_the_tables() {
    let python = std::env::var("RETIC_PYARROW").unwrap_or_else(|_| "python3".to_string());
    if !Command::new(&python).args(["-c", "import pyarrow.parquet"]).output().is_ok_and(|o| o.status.success()) {
        eprintln!("\n*** THE PARQUET TABLES WERE NOT READ BACK: there is no Python with pyarrow on this machine ***\n");
        return;
    }
    let at = folder("parquet");
    let recording = record(&at, "orders", "--refs", 5);
    let tables = at.join("tables").to_string_lossy().into_owned();
    retic(&["lens", "export", "--parquet", &tables, &recording]);
    let script = "
import sys, pyarrow.parquet as pq
read = lambda n: pq.read_table(f'{sys.argv[1]}/{n}.parquet').to_pylist()
orders = [r for r in read('objects') if r['type'] == 'Order']
print(len(orders), sum(r['died_step'] is not None for r in orders), sorted({r['born_line'] for r in orders}), {r['born_op'] for r in orders})
first, second = [r for r in orders if r['born_line'] == 3][:2]
print(first['address'] == second['address'], first['next'] == second['serial'], second['tenant'] - first['tenant'], first['cause'])
events = read('events')
print([(e['kind'], e['value']) for e in events if e['serial'] == first['serial'] and e['kind'] in ('birth', 'count', 'death')])
print(all(a['order'] <= b['order'] for a, b in zip(events, events[1:])), {r['function'] for r in read('sites') if r['mine']} >= {'<module>', 'test'}, read('gc')[-1]['because'])
";
    let out = Command::new(&python).args(["-c", script, &tables]).output().expect("python runs");
    let told = String::from_utf8_lossy(&out.stdout).into_owned();
    let want = "6 6 [3, 5] {'CALL_FUNCTION'}\nTrue True 1 line 4, RETURN_VALUE: test returned and let ins go\n[('birth', SIZE), ('count', 1), ('count', 2), ('count', 1), ('death', 0)]\nTrue True the interpreter ended\n";
    let size = told.split("('birth', ").nth(1).and_then(|t| t.split(')').next()).unwrap_or("SIZE").to_string();
    assert_eq!(told, want.replace("SIZE", &size), "{}", String::from_utf8_lossy(&out.stderr));
}

/// Fields of a protobuf message: number, and the bytes of what has a length.
fn fields(mut bytes: &[u8]) -> Vec<(u64, Vec<u8>)> {
    fn varint(bytes: &mut &[u8]) -> u64 {
        let (mut v, mut shift) = (0, 0);
        while let Some((b, rest)) = bytes.split_first() {
            *bytes = rest;
            v |= u64::from(b & 0x7f) << shift;
            shift += 7;
            if b & 0x80 == 0 {
                break;
            }
        }
        v
    }
    let mut out = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes);
        let n = match tag & 7 {
            0 => {
                let v = varint(&mut bytes);
                out.push((tag >> 3, v.to_le_bytes().to_vec()));
                continue;
            }
            1 => 8,
            2 => varint(&mut bytes) as usize,
            other => panic!("wire type {other}"),
        };
        out.push((tag >> 3, bytes[..n].to_vec()));
        bytes = &bytes[n..];
    }
    out
}

#[test]
fn the_trace_has_slices_counters_and_arrows() {
    let at = folder("perfetto");
    let recording = record(&at, "orders", "--lives", 3);
    let path = at.join("orders.pftrace");
    retic(&["lens", "export", "--perfetto", &path.to_string_lossy(), &recording]);
    let bytes = std::fs::read(&path).expect("the trace is there");
    let (mut begins, mut ends, mut names, mut flows, mut tracks) = (0, 0, Vec::new(), Vec::new(), 0);
    for (number, packet) in fields(&bytes) {
        assert_eq!(number, 1, "packets only");
        for (number, inner) in fields(&packet) {
            tracks += usize::from(number == 60);
            if number != 11 {
                continue;
            }
            let event = fields(&inner);
            let get = |n: u64| event.iter().find(|f| f.0 == n).map(|f| f.1.clone());
            match get(9).map(|k| k[0]) {
                Some(1) => begins += 1,
                Some(2) => ends += 1,
                _ => {}
            }
            names.extend(get(23).map(|n| String::from_utf8_lossy(&n).into_owned()));
            flows.extend(get(47));
        }
    }
    assert_eq!((begins, tracks), (ends, 4));
    assert_eq!(names.iter().filter(|n| *n == "test").count(), 3);
    assert_eq!(names.iter().filter(|n| n.starts_with("Order") && n.contains("died: test returned and let ins go")).count(), 3);
    // An arrow has two ends.
    assert!(!flows.is_empty() && flows.iter().all(|f| flows.iter().filter(|g| *g == f).count() == 2));
}

#[test]
fn two_runs_differ_by_what_they_made() {
    let at = folder("diff");
    for level in ["--lives", "--counts"] {
        let (a, b) = (record(&at, "five", level, 5), record(&at, "nine", level, 9));
        let told = retic(&["lens", "diff", "--lang", "en", &a, &b]);
        assert!(told.contains("          +4          +0          +0  Order  nine.py:3  ins = Order()"), "{told}");
        assert_eq!(retic(&["lens", "diff", "--lang", "en", &a, &a]), "Both runs made the same objects and left the same alive.\n");
    }
}

#[test]
fn counts_and_lives_know_of_the_same_births() {
    let at = folder("births");
    for (program, size) in [("objects", "500"), ("calls", "9"), ("mixed", "6000"), ("seed", "500")] {
        let script = format!("{}/../../benches/lens/{program}.py", env!("CARGO_MANIFEST_DIR"));
        let record = |level: &str| {
            let file = at.join(format!("{program}{level}.lens")).display().to_string();
            retic(&["trace", level, "--quiet", "-o", &file, &script, size]);
            file
        };
        // A row: how many more were born, lived, how many bytes; where.
        let told = retic(&["lens", "diff", "--lang", "en", &record("--counts"), &record("--lives")]);
        let born: Vec<&str> = told.lines().skip(1).filter_map(|l| l.split_whitespace().next()).collect();
        assert!(born.iter().all(|b| *b == "+0"), "{told}");
    }
}

#[test]
fn a_recording_does_not_say_where_it_was_made() {
    let at = folder("where");
    std::fs::write(at.join("orders.py"), PROGRAM.replace("NUMBER", "2")).expect("the program is written");
    let run = |args: &[&str]| {
        let out = Command::new(env!("CARGO_BIN_EXE_retic")).args(args).current_dir(&at).output().expect("retic runs");
        assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8_lossy(&out.stdout).into_owned()
    };
    run(&["trace", "--quiet", "-o", "orders.lens", "orders.py"]);
    let told = run(&["lens", "export", "--json", "orders.lens"]);
    assert!(told.contains("\"orders.py\"") && !told.contains(&*at.to_string_lossy()), "{told}");
    // The program itself is told its whole path.
    std::fs::write(at.join("path.py"), "print(__file__, (lambda: 0).__code__.co_filename == __file__)\n").expect("the program is written");
    assert_eq!(run(&["path.py"]), format!("{} True\n", at.join("path.py").display()));
}
