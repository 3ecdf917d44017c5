//! The eval loop rests on handlers that end in a jump. This looks at the machine code.

use std::process::Command;

/// Disassembles `target/release/retic` and fails when a handler ends in an indirect call.
pub fn run() -> Result<(), String> {
    let binary = crate::root().join("target/release/retic");
    let output = Command::new("objdump").args(["-d", "--no-show-raw-insn", "-C"]).arg(&binary).output().map_err(|e| format!("objdump: {e}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let bad = handlers_that_call(&String::from_utf8_lossy(&output.stdout));
    if bad.is_empty() { Ok(()) } else { Err(format!("handlers that call the next one:\n{}", bad.join("\n"))) }
}

/// Functions of `eval::ops` with both an indirect jump and an indirect call through a register.
fn handlers_that_call(listing: &str) -> Vec<String> {
    let mut bad = Vec::new();
    let (mut name, mut calls, mut jumps) = (String::new(), false, false);
    for line in listing.lines().chain(["0000 <end>:"]) {
        if line.ends_with(">:") {
            // Slow parts are ordinary functions: a jump in them is a jump table.
            if name.contains("eval::ops") && !name.contains("slow") && calls && jumps {
                bad.push(name.clone());
            }
            (name, calls, jumps) = (line.to_string(), false, false);
        }
        let indirect = line.contains('*') && !line.contains("(%rip)");
        calls |= indirect && line.contains("call ");
        jumps |= indirect && line.contains("jmp ");
    }
    bad
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_handler_that_calls_is_found() {
        let bad = "10 <retic::eval::ops::x>:\n 1: call *(%rsi)\n 2: jmp *(%rsi)\n";
        assert_eq!(super::handlers_that_call(bad).len(), 1);
        assert!(super::handlers_that_call("10 <retic::eval::ops::x>:\n 2: jmp *(%rsi)\n").is_empty());
    }
}
