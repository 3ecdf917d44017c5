//! The command line of `python`: what may be run, and what options and variables do.

use std::path::PathBuf;
use std::process::Command;

/// Runs `retic` with arguments and variables; status, standard output, standard error.
fn retic(arguments: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_retic"));
    for name in ["PYTHONUNBUFFERED", "PYTHONIOENCODING", "PYTHONWARNINGS", "PYTHONHASHSEED", "PYTHONDEVMODE"] {
        command.env_remove(name);
    }
    let output = command.args(arguments).envs(variables.iter().copied()).output().expect("retic starts");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// A folder of its own for a test.
fn folder(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&path).expect("a folder");
    path
}

#[test]
fn a_folder_or_a_zip_file_holds_a_main_module() {
    let app = folder("app");
    std::fs::write(app.join("__main__.py"), "import sys, helper\nprint(__name__, helper.NAME, sys.argv[1:], sys.path[0] == sys.argv[0])\n").expect("written");
    std::fs::write(app.join("helper.py"), "NAME = 'helper'\n").expect("written");
    let path = app.to_str().expect("text");
    assert_eq!(retic(&[path, "a", "b"], &[]), (Some(0), "__main__ helper ['a', 'b'] True\n".into(), String::new()));
    let zip = folder("zips").join("app.zip");
    let zip = zip.to_str().expect("text");
    let pack = "import sys, zipfile, os\nwith zipfile.ZipFile(sys.argv[2], 'w') as z:\n for n in ('__main__.py', 'helper.py'): z.write(os.path.join(sys.argv[1], n), n)";
    assert_eq!(retic(&["-c", pack, path, zip], &[]).0, Some(0));
    assert_eq!(retic(&[zip], &[]), (Some(0), "__main__ helper [] True\n".into(), String::new()));
    let empty = folder("empty");
    let (status, _, err) = retic(&[empty.to_str().expect("text")], &[]);
    assert_eq!(status, Some(1));
    assert!(err.contains("can't find '__main__' module in"), "{err}");
}

#[test]
fn a_library_on_disk_comes_before_the_one_in_the_binary() {
    let home = folder("home");
    let library = home.join("lib/python3.14");
    std::fs::create_dir_all(library.join("site-packages")).expect("a folder");
    std::fs::write(library.join("shelve.py"), "MINE = 'of the disk'\n").expect("written");
    std::fs::write(library.join("site-packages/installed.py"), "").expect("written");
    let home = home.to_str().expect("text");
    let show = "import sys, shelve, textwrap, installed\nprint(shelve.MINE, textwrap.__file__, sys.prefix, sys.exec_prefix, sys.base_prefix, sys.path[1])";
    let expected = format!("of the disk /retic/lib/python3.14/textwrap.py {home} {home} {home} {home}/lib/python3.14\n");
    assert_eq!(retic(&["-c", show], &[("PYTHONHOME", home)]), (Some(0), expected, String::new()));
    let prefixes = "import sys; print(sys.prefix, sys.exec_prefix)";
    assert_eq!(retic(&["-c", prefixes], &[("PYTHONHOME", "/a:/b")]).1, "/a /b\n");
    assert_eq!(retic(&["-E", "-c", prefixes], &[("PYTHONHOME", "/a")]).1, "/retic /retic\n");
}

#[cfg(unix)]
#[test]
fn a_pipe_is_opened_once() {
    let pipe = folder("pipe").join("named");
    let script = "rm -f \"$1\"; mkfifo \"$1\" && { echo 'print(7)' > \"$1\" & } && exec \"$0\" \"$1\"";
    let output = Command::new("timeout").args(["20", "sh", "-c", script, env!("CARGO_BIN_EXE_retic")]).arg(&pipe).output().expect("sh starts");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "7\n");
}

#[test]
fn compiled_files_run() {
    let at = folder("compiled");
    let (source, compiled) = (at.join("prog.py"), at.join("prog.pyc"));
    std::fs::write(&source, "import sys\nprint('ran', __name__, sys.argv[1:])\n").expect("written");
    let (source, compiled) = (source.to_str().expect("text"), compiled.to_str().expect("text"));
    assert_eq!(retic(&["-c", "import py_compile, sys; py_compile.compile(sys.argv[1], sys.argv[2])", source, compiled], &[]).0, Some(0));
    assert_eq!(retic(&[compiled, "x"], &[]), (Some(0), "ran __main__ ['x']\n".into(), String::new()));
    std::fs::write(compiled, b"not compiled at all").expect("written");
    let (status, _, err) = retic(&[compiled], &[]);
    assert_eq!((status, err.ends_with("RuntimeError: Bad magic number in .pyc file\n")), (Some(1), true), "{err}");
}

#[test]
fn the_first_line_may_be_left_out() {
    let file = folder("first_line").join("batch.py");
    std::fs::write(&file, "@echo off & retic -x %0\nimport sys\nprint(sys._getframe().f_lineno)\n").expect("a file is written");
    let path = file.to_str().expect("a path is a text");
    assert_eq!(retic(&["-x", path], &[]).1, "3\n");
    assert_eq!(retic(&[path], &[]).0, Some(1));
}

#[test]
fn a_null_byte_shows_its_line() {
    let path = folder("nulls").join("nul.py");
    std::fs::write(&path, "x = 1\ny = 'a\0b'\n").expect("written");
    let (status, _, err) = retic(&[path.to_str().expect("text")], &[]);
    assert_eq!(status, Some(1));
    assert!(err.ends_with("line 2\n    y = 'a\nSyntaxError: source code cannot contain null bytes\n"), "{err}");
}

#[test]
fn options_and_variables_set_flags() {
    let show = "import sys, os; f = sys.flags; print(f.debug, f.optimize, f.dont_write_bytecode, f.verbose, f.dev_mode, f.utf8_mode, f.int_max_str_digits, os.cpu_count(), os.process_cpu_count(), sys.pycache_prefix, sys.warnoptions)";
    let out = |arguments: &[&str], variables: &[(&str, &str)]| retic(&[arguments, &["-c", show]].concat(), variables).1;
    let plain = [("LC_ALL", "C.UTF-8"), ("PYTHON_CPU_COUNT", "3"), ("PYTHONDONTWRITEBYTECODE", "")];
    assert_eq!(out(&[], &plain), "0 0 0 0 False 0 4300 3 3 None []\n");
    assert_eq!(
        out(
            &["-X", "cpu_count=7", "-X", "int_max_str_digits=640", "-X", "pycache_prefix=p", "-W", "error", "-b"],
            &[
                ("LC_ALL", "C"),
                ("PYTHONDEBUG", "2"),
                ("PYTHONOPTIMIZE", "x"),
                ("PYTHONDONTWRITEBYTECODE", "1"),
                ("PYTHONVERBOSE", "2"),
                ("PYTHONWARNINGS", "once,ignore"),
                ("PYTHONDEVMODE", "1")
            ]
        ),
        "1 1 1 2 True 1 640 7 7 p ['default', 'once', 'ignore', 'error', 'default::BytesWarning']\n"
    );
    assert_eq!(out(&["-E", "-X", "utf8=0", "-X", "cpu_count=2"], &[("PYTHONOPTIMIZE", "2"), ("PYTHONDEVMODE", "1")]).split(' ').nth(1), Some("0"));
    for (bad, step) in [
        ("int_max_str_digits=5", "config_init_int_max_str_digits"),
        ("cpu_count=0", "config_init_cpu_count"),
        ("utf8=2", "preconfig_init_utf8_mode"),
        ("context_aware_warnings", "config_init_context_aware_warnings"),
        ("tracemalloc=0", "config_init_tracemalloc"),
    ] {
        let (status, _, err) = retic(&["-X", bad, "-c", "pass"], &[]);
        assert_eq!(status, Some(1));
        assert!(err.starts_with(&format!("Fatal Python error: {step}: ")), "{err}");
    }
}

#[test]
fn warnings_follow_the_context_where_they_are_told_to() {
    let program = "import asyncio, sys, warnings
async def step(n):
    with warnings.catch_warnings(record=True) as w:
        warnings.simplefilter('always')
        await asyncio.sleep(0)
        warnings.warn(f'step {n}')
        await asyncio.sleep(0)
        return [str(x.message) for x in w]
async def main():
    print(sys.flags.context_aware_warnings, await asyncio.gather(step(1), step(2)))
asyncio.run(main())";
    let told = "1 [['step 1'], ['step 2']]\n";
    assert_eq!(retic(&["-X", "context_aware_warnings=1", "-c", program], &[]).1, told);
    assert_eq!(retic(&["-c", program], &[("PYTHON_CONTEXT_AWARE_WARNINGS", "1")]).1, told);
}

/// What `-c` gave is shown by the library's own tracebacks, too, and no frame of the library where a warning became an error.
#[test]
fn lines_of_a_command_are_known_to_the_library() {
    let program = "import traceback, warnings\ntry:\n    warnings.warn('w')\nexcept UserWarning:\n    traceback.print_exc()";
    let wanted = "Traceback (most recent call last):\n  File \"<string>\", line 3, in <module>\n    warnings.warn('w')\n    ~~~~~~~~~~~~~^^^^^\nUserWarning: w\n";
    assert_eq!(retic(&["-W", "error", "-c", program], &[]).2, wanted);
}

#[test]
fn the_standard_streams_are_as_they_are_wanted() {
    let show = "import sys; print(*((s.encoding, s.errors, s.line_buffering, s.write_through) for s in (sys.stdout, sys.stderr)))";
    assert_eq!(retic(&["-c", show], &[("LC_ALL", "C.UTF-8")]).1, "('utf-8', 'surrogateescape', False, False) ('utf-8', 'backslashreplace', True, False)\n");
    assert_eq!(retic(&["-u", "-c", show], &[("LC_ALL", "C")]).1, "('utf-8', 'surrogateescape', False, True) ('utf-8', 'backslashreplace', False, True)\n");
    assert_eq!(retic(&["-c", show], &[("PYTHONIOENCODING", "iso8859-15:replace")]).1, "('iso8859-15', 'replace', False, False) ('iso8859-15', 'backslashreplace', True, False)\n");
    assert_eq!(retic(&["-u", "-c", "import os, sys; sys.stdout.write('a'); sys.stdout.buffer.write(b'b'); os._exit(4)"], &[]), (Some(4), "ab".into(), String::new()));
    assert_eq!(retic(&["-c", r"import sys; sys.exit('lone\udcff')"], &[]), (Some(1), String::new(), "lone\\udcff\n".into()));
    let (status, _, err) = retic(&["-c", "import os, sys; sys.stdout.write('x'); os.close(1)"], &[]);
    assert_eq!(status, Some(120));
    for end in ["raise SystemExit(4)", "1/0"] {
        assert_eq!(retic(&["-c", &format!("import sys; sys.stdout = 3; {end}")], &[]).0, Some(120));
    }
    assert!(err.starts_with("Exception ignored on flushing sys.stdout:\nOSError: "), "{err}");
}

#[cfg(unix)]
#[test]
fn arguments_pass_whatever_their_bytes_mean() {
    use std::os::unix::ffi::OsStrExt;
    let strange = std::ffi::OsStr::from_bytes(b"\xff\xc3\xc3\xa9");
    let output =
        Command::new(env!("CARGO_BIN_EXE_retic")).args(["-c", "import sys, os; print(ascii(sys.argv[1]), os.fsencode(sys.argv[1]))"]).arg(strange).output().expect("retic starts");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "'\\udcff\\udcc3\\xe9' b'\\xff\\xc3\\xc3\\xa9'\n");
}
