//! The eval loop rests on handlers that end in a jump. This looks at the machine code.

use std::collections::HashSet;
use std::process::Command;

/// Disassembles `target/release/retic` and fails when a handler calls the next one.
pub fn run() -> Result<(), String> {
    let binary = crate::root().join("target/release/retic");
    let output = Command::new("objdump").args(["-d", "--no-show-raw-insn", "-C"]).arg(&binary).output().map_err(|e| format!("objdump: {e}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let (handlers, bad) = handlers_that_call(&String::from_utf8_lossy(&output.stdout));
    if handlers < 100 {
        return Err(format!("only {handlers} handlers found: has the module moved?"));
    }
    if bad.is_empty() { Ok(()) } else { Err(format!("handlers that call the next one:\n{}", bad.join("\n"))) }
}

/// The name in `<...>` that a line jumps to or calls, with whether it is the function's beginning.
fn target(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once('<')?;
    rest.strip_suffix('>')
}

/// How many functions of the copies of `ops` are handlers, and which of them call one: functions that run the next
/// instruction, and those that jump to such a function. Slow parts are ordinary functions: a jump in them is a jump table.
fn handlers_that_call(listing: &str) -> (usize, Vec<String>) {
    let mut functions: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in listing.lines() {
        if let Some(name) = line.strip_suffix(">:").and_then(|l| l.split_once('<')).map(|(_, n)| n) {
            functions.push((name, Vec::new()));
        } else if let Some((_, lines)) = functions.last_mut() {
            lines.push(line);
        }
    }
    let of_ops = |name: &str| (name.contains("eval::plain::ops::") || name.contains("eval::recording::ops::")) && !name.contains("slow");
    functions.retain(|(name, _)| of_ops(name));
    // The next handler's address was loaded just before, from where an instruction begins; a jump table's was added up.
    let runs_next = |lines: &[&str]| {
        lines.windows(4).any(|w| {
            let jump = w[3].contains("jmp ") && w[3].contains('*') && !w[3].contains("(%rip)");
            jump && !w[..3].iter().any(|l| l.contains("movslq"))
        })
    };
    let mut handlers: HashSet<&str> = functions.iter().filter(|(_, lines)| runs_next(lines)).map(|(name, _)| *name).collect();
    loop {
        let more: Vec<&str> = functions
            .iter()
            .filter(|(name, lines)| !handlers.contains(name) && lines.iter().any(|l| l.contains("\tjmp ") && target(l).is_some_and(|t| handlers.contains(t))))
            .map(|(name, _)| *name)
            .collect();
        // What a handler jumps to goes on where it should have: it is one, too.
        let behind: Vec<&str> = functions
            .iter()
            .filter(|(name, _)| handlers.contains(name))
            .flat_map(|(_, lines)| lines.iter().filter(|l| l.contains("\tjmp ")).filter_map(|l| target(l)))
            .filter(|t| !t.contains('+') && !handlers.contains(t) && functions.iter().any(|(name, _)| name == t))
            .collect();
        if more.is_empty() && behind.is_empty() {
            break;
        }
        handlers.extend(more);
        handlers.extend(behind);
    }
    let mut bad: Vec<String> = Vec::new();
    for (name, lines) in functions.iter().filter(|(name, _)| handlers.contains(name)) {
        for (at, l) in lines.iter().enumerate().filter(|(_, l)| l.contains("call ")) {
            let indirect = l.contains('*') && !l.contains("(%rip)") && !is_of_linker(l, &lines[..at]);
            if indirect || target(l).is_some_and(|t| handlers.contains(t)) {
                bad.push(format!("{name}: {}", l.trim()));
            }
        }
    }
    (handlers.len(), bad)
}

/// Whether a call goes through a register that was last loaded from the linker's table of functions: in front of a loop, say. A handler
/// is loaded from where an instruction begins.
fn is_of_linker(call: &str, before: &[&str]) -> bool {
    let Some((_, register)) = call.split_once('*').filter(|(_, r)| r.starts_with('%')) else { return false };
    let end = format!(",{}", register.trim());
    // What the disassembler says behind `#` does not count.
    before.iter().rev().map(|l| l.split('#').next().unwrap_or(l)).find(|l| l.trim_end().ends_with(&end)).is_some_and(|l| l.contains("mov ") && l.contains("(%rip)"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_handler_that_calls_is_found() {
        let good = "10 <r::eval::plain::ops::x>:\n 1:\tmov 1,2\n 1:\tmov 1,2\n 1:\tmov (%rsi),%rax\n 2:\tjmp    *%rax\n\n20 <r::eval::plain::ops::y>:\n 1:\tjmp    10 <r::eval::plain::ops::x>\n";
        assert_eq!(super::handlers_that_call(good), (2, vec![]));
        let bad = format!("{good} 2:\tcall   10 <r::eval::plain::ops::x>\n");
        assert_eq!(super::handlers_that_call(&bad).1.len(), 1);
        let bad = good.replace("10 <r::eval::plain::ops::x>:", "10 <r::eval::plain::ops::x>:\n 1:\tcall   *0x10(%rbx,%rax,8)");
        assert_eq!(super::handlers_that_call(&bad).1.len(), 1);
        let bad = format!("{good} 3:\tjmp    30 <r::eval::plain::ops::z>\n\n30 <r::eval::plain::ops::z>:\n 1:\tcall   *(%rbx)\n");
        assert_eq!(super::handlers_that_call(&bad).1.len(), 1);
        let bad = good.replace("10 <r::eval::plain::ops::x>:", "10 <r::eval::plain::ops::x>:\n 1:\tcall   *%rax");
        assert_eq!(super::handlers_that_call(&bad).1.len(), 1);
        let plain = good.replace("10 <r::eval::plain::ops::x>:", "10 <r::eval::plain::ops::x>:\n 1:\tmov    0x8(%rip),%rax        # 1 <t>\n 2:\tcall   *%rax");
        assert_eq!(super::handlers_that_call(&plain).1.len(), 0);
        let bad = plain.replace("\n 2:\tcall", "\n 2:\tmov    (%rsi),%rax\n 2:\tcall");
        assert_eq!(super::handlers_that_call(&bad).1.len(), 1);
    }
}
