//! The command `retic`: runs programs as `python` does.

use retic::{Python, Settings};
use std::io::Read;
use std::process::ExitCode;

const USAGE: &str = "usage: retic [option] ... [-c cmd | -m dis file | file | -] [arg] ...
Options:
-c cmd : program passed in as string (terminates option list)
-h     : print this help message and exit
-I -S -s -E -B -u -P : accepted
-m dis : print the bytecode of a file
-O     : remove assert statements; -OO: and docstrings
-V     : print the Python version number and exit
";

enum Program {
    Command(String),
    Module(String),
    File(String),
    Stdin,
}

fn main() -> ExitCode {
    // Python code may nest deeply: the interpreter runs on a stack of its own size.
    let run = std::thread::Builder::new().stack_size(16 << 20).spawn(start);
    match run.map(std::thread::JoinHandle::join) {
        Ok(Ok(status)) => ExitCode::from(status as u8),
        _ => ExitCode::from(70),
    }
}

fn start() -> i32 {
    let mut args = std::env::args().skip(1).peekable();
    let mut settings = Settings::default();
    let mut program = None;
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "-c" => {
                let Some(command) = args.next() else { return usage("argument expected for the -c option") };
                program = Some(Program::Command(command));
            }
            "-m" => {
                let Some(name) = args.next() else { return usage("argument expected for the -m option") };
                program = Some(Program::Module(name));
            }
            "-h" | "--help" => {
                print!("{USAGE}");
                return 0;
            }
            "-V" | "--version" => {
                println!("Python 3.14.0 (Retic {})", env!("CARGO_PKG_VERSION"));
                return 0;
            }
            "-O" => settings.optimize = settings.optimize.max(1),
            "-OO" => settings.optimize = 2,
            "-I" | "-S" | "-s" | "-E" | "-B" | "-u" | "-P" | "-q" | "-b" | "-d" | "-v" => continue,
            "-X" | "-W" => {
                args.next();
                continue;
            }
            "-" => program = Some(Program::Stdin),
            other if other.starts_with('-') => return usage(&format!("unknown option {other}")),
            _ => program = Some(Program::File(arg)),
        }
        if program.is_some() {
            break;
        }
    }
    settings.hash_seed = std::env::var("PYTHONHASHSEED").ok().filter(|s| s != "random").and_then(|s| s.parse().ok());
    let rest: Vec<String> = args.collect();
    match program.unwrap_or(Program::Stdin) {
        Program::Command(text) => {
            settings.argv = std::iter::once("-c".to_string()).chain(rest).collect();
            settings.path = vec![String::new()];
            Python::new(&settings).run_source(text.as_bytes(), "<string>", false)
        }
        Program::File(path) => match std::fs::read(&path) {
            Ok(source) => {
                let folder = std::path::Path::new(&path).parent().map(|p| p.to_string_lossy().into_owned()).unwrap_or_default();
                settings.path = vec![folder];
                settings.argv = std::iter::once(path.clone()).chain(rest).collect();
                Python::new(&settings).run_source(&source, &path, true)
            }
            Err(e) => {
                let errno = e.raw_os_error().unwrap_or(0);
                let text = e.to_string();
                let text = text.split(" (os error").next().unwrap_or("");
                eprintln!("retic: can't open file '{path}': [Errno {errno}] {text}");
                2
            }
        },
        Program::Stdin => {
            let mut source = Vec::new();
            if std::io::stdin().read_to_end(&mut source).is_err() {
                return 1;
            }
            settings.argv = vec![String::new()];
            settings.path = vec![String::new()];
            Python::new(&settings).run_source(&source, "<stdin>", false)
        }
        Program::Module(name) if name == "dis" => {
            let Some(path) = rest.first() else { return usage("-m dis needs a file") };
            match std::fs::read(path) {
                Ok(source) => match Python::new(&settings).listing(&source, path) {
                    Ok(text) => {
                        print!("{text}");
                        0
                    }
                    Err(status) => status,
                },
                Err(e) => {
                    eprintln!("retic: can't open file '{path}': {e}");
                    2
                }
            }
        }
        Program::Module(name) => {
            eprintln!("retic: No module named {name}");
            1
        }
    }
}

fn usage(problem: &str) -> i32 {
    eprintln!("{problem}\n{USAGE}");
    2
}
