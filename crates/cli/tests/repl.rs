//! Interactive sessions: what is typed comes through a pipe, as it would from `retic -i < file`.

use std::io::Write;
use std::process::{Command, Stdio};

/// Runs `retic` with arguments and input; status, standard output, standard error.
fn session(arguments: &[&str], input: &str) -> (Option<i32>, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_retic"))
        .args(arguments)
        .env_remove("PYTHONSTARTUP")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("retic starts");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn values_are_shown_and_blocks_wait_for_an_empty_line() {
    let (status, out, err) = session(&["-i", "-q"], "x = 41\nx + 1\n_ * 2\nif x:\n    print('block')\n\ndef f(a):\n    return a\n\nf('s')\nNone\n");
    assert_eq!(status, Some(0));
    assert_eq!(out, "42\n84\nblock\n's'\n");
    assert_eq!(err, ">>> >>> >>> >>> ... ... >>> ... ... >>> >>> >>> \n");
}

#[test]
fn errors_end_a_statement_and_not_the_session() {
    let (status, out, err) = session(&["-i", "-q"], "1/0\n(1,\n2)\ny =\nprint('on')\nexit(7)\n");
    assert_eq!(status, Some(7));
    assert_eq!(out, "(1, 2)\non\n");
    assert!(err.contains("ZeroDivisionError: division by zero\n"), "{err}");
    assert!(err.contains("SyntaxError: invalid syntax\n"), "{err}");
}

#[test]
fn a_session_follows_a_program() {
    let (status, out, err) = session(&["-i", "-c", "a = 5; raise SystemExit(3)"], "a\n");
    assert_eq!((status, out.as_str()), (Some(0), "5\n"));
    assert!(err.contains("SystemExit: 3\n"), "{err}");
}

#[test]
fn without_a_terminal_input_is_a_program() {
    let (status, out, err) = session(&[], "x = 2\nx\nprint(x)\n");
    assert_eq!((status, out.as_str(), err.as_str()), (Some(0), "2\n", ""));
}
