//! What the compiler makes may run: the verifier has nothing against any function of the library, or of the programs of our cases.

use retic_bytecode::{Code, Const};
use std::path::Path;

fn look_at(code: &Code, count: &mut usize, faults: &mut Vec<String>) {
    *count += 1;
    match retic_bytecode::verify::verify(code) {
        Err(f) => faults.push(format!("{} {} at {}: {}", code.filename, code.qualname, f.offset, f.why)),
        Ok(deepest) if deepest > code.stacksize + code.inlining().stacksize => {
            faults.push(format!("{} {}: {deepest} deep, {} announced", code.filename, code.qualname, code.stacksize));
        }
        Ok(_) => {}
    }
    for c in &code.consts {
        if let Const::Code(inner) = c {
            look_at(inner, count, faults);
        }
    }
}

#[test]
fn every_function_of_the_library_passes() {
    let (mut count, mut faults) = (0, Vec::new());
    for entry in retic_library::names().filter_map(retic_library::find) {
        if let Some(code) = entry.code() {
            look_at(&code, &mut count, &mut faults);
        }
    }
    assert!(count > 10_000, "{count} functions");
    assert!(faults.is_empty(), "{} of {count}:\n{}", faults.len(), faults[..faults.len().min(40)].join("\n"));
}

#[test]
fn every_case_passes() {
    let (mut count, mut faults) = (0, Vec::new());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests");
    let cases = retic_testkit::find(&folder).expect("the cases are there");
    for case in &cases {
        let options = retic_compiler::Options::new(retic_compiler::Mode::Exec, &case.title);
        // Some are about what does not compile.
        if let Ok(compiled) = retic_compiler::compile(&case.program, &options) {
            look_at(&compiled.code, &mut count, &mut faults);
        }
    }
    assert!(count > 2500, "{count} functions");
    assert!(faults.is_empty(), "{} of {count}:\n{}", faults.len(), faults[..faults.len().min(40)].join("\n"));
}
