//! The command `retic`: runs programs as `python` does.

mod environment;
mod help;
mod lens;
mod options;
mod site;

use environment::Environment;
use options::{Program, Request};
use retic::{Python, Settings};
use std::ffi::OsString;
use std::io::{IsTerminal, Read, Seek, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    // Python code may nest deeply: the interpreter runs on a stack of its own size.
    let process = std::process::id();
    retic::share_malloc();
    let run = std::thread::Builder::new().stack_size(16 << 20).spawn(move || {
        let original: Vec<OsString> = std::env::args_os().collect();
        let texts: Vec<String> = original.iter().skip(1).map(|a| a.to_string_lossy().into_owned()).collect();
        let status = lens::command(&texts).unwrap_or_else(|| match options::read(texts.clone()) {
            Ok(request) => start(request, original, None),
            Err(problem) => usage(&problem),
        });
        if std::process::id() != process {
            // A child made by `os.fork` has this thread only: nobody waits for its result.
            std::process::exit(status);
        }
        status
    });
    retic::leave_signals_to_others();
    match run.map(std::thread::JoinHandle::join) {
        Ok(Ok(status)) => ExitCode::from(status as u8),
        _ => ExitCode::from(70),
    }
}

/// What takes a recording, and what it is to hold.
type Recorder = (Box<dyn retic::events::Sink>, retic::Wanted);

/// Carries a request out; the program's status. `original` is the whole command line.
fn start(request: Request, original: Vec<OsString>, recorder: Option<Recorder>) -> i32 {
    if recorder.is_none() {
        // A recording's file must not become a standard stream.
        retic::close_what_was_closed();
    }
    let (program, rest, flags, warn, x) = match request {
        Request::Run { program, rest, flags, warn, x } => (program, rest, flags, warn, x),
        Request::Help => {
            // Who reads on may stop at any page.
            let _ = write!(std::io::stdout(), "{}\n{}{}", help::SUMMARY, help::OPTIONS, lens::USAGE);
            return 0;
        }
        Request::Explain(texts) => {
            for (i, text) in texts.iter().enumerate() {
                let _ = write!(std::io::stdout(), "{}{text}", if i == 0 { "" } else { "\n" });
            }
            return 0;
        }
        Request::Licenses => {
            let _ = write!(std::io::stdout(), "{}\n{}", include_str!("../../../LICENSE"), include_str!("../licenses.txt"));
            return 0;
        }
        Request::Version => {
            println!("Python 3.14.0 (Retic {})", env!("CARGO_PKG_VERSION"));
            return 0;
        }
    };
    let environment = Environment { ignored: flags.ignore_environment != 0 };
    let (interactive_flag, skip_first) = (flags.inspect != 0, flags.skip_first_line);
    let mut settings = match environment::settings(flags, warn, x, &environment) {
        Ok(settings) => settings,
        Err((step, problem)) => {
            eprintln!("Fatal Python error: {step}: {problem}\nPython runtime state: preinitialized\n");
            return 1;
        }
    };
    settings.catch_interrupts = true;
    settings.lens = recorder.as_ref().map_or_else(retic::Machine::default, |(_, wanted)| wanted.machine());
    let executable = site::executable(original.first().map(OsString::as_os_str));
    settings.environment = site::environment(&executable).map(|(folder, maker)| (folder.to_string_lossy().into_owned(), maker));
    settings.executable = executable.to_string_lossy().into_owned();
    let terminal = std::io::stdin().is_terminal();
    let interactive = terminal || interactive_flag;
    let safe = settings.flags.safe_path;
    // Arguments are handed on as they were given, whatever their bytes mean.
    let given: Vec<OsString> = original[original.len() - rest.len().min(original.len())..].to_vec();
    settings.original_argv = original;
    // The first entry of `sys.path`, then PYTHONPATH.
    let first = match &program {
        _ if safe => None,
        Program::Command(_) | Program::Stdin => Some(String::new()),
        Program::Module(_) => Some(std::env::current_dir().map(|p| p.to_string_lossy().into_owned()).unwrap_or_default()),
        Program::File(path) => {
            let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.into());
            Some(real.parent().map(|p| p.to_string_lossy().into_owned()).unwrap_or_default())
        }
    };
    settings.path = first.iter().cloned().collect();
    settings.program_folder = first;
    if let Some(more) = environment.get("PYTHONPATH") {
        settings.path.extend(std::env::split_paths(&more).map(|p| p.to_string_lossy().into_owned()));
    }
    settings.home = environment.get("PYTHONHOME").map(|home| match home.split_once(':') {
        Some((prefix, exec_prefix)) => (prefix.to_string(), exec_prefix.to_string()),
        None => (home.clone(), home),
    });
    settings.start_with_site = site::is_wanted(&settings, usize::from(settings.program_folder.is_some()), &environment);
    let mut argv = |zero: &str| settings.argv = std::iter::once(zero.into()).chain(given.iter().cloned()).collect();
    match program {
        Program::Command(text) => {
            argv("-c");
            run(&settings, recorder, |p| p.run_source(text.as_bytes(), "<string>", false))
        }
        Program::File(path) if holds_main(&path) => {
            argv(&path);
            settings.path.retain(|p| Some(p) != settings.program_folder.as_ref());
            settings.path.insert(0, absolute(&path));
            run(&settings, recorder, Python::run_main_of_path)
        }
        Program::File(path) => match std::fs::read(&path) {
            Ok(code) if path.ends_with(".pyc") => {
                argv(&path);
                run(&settings, recorder, |p| p.run_compiled(&code, &absolute(&path)))
            }
            Ok(mut source) => {
                argv(&path);
                if skip_first {
                    // The end of the line stays, so that the others keep their numbers.
                    let end = source.iter().position(|b| *b == b'\n').unwrap_or(source.len());
                    source.drain(..end);
                }
                run(&settings, recorder, |p| p.run_source(&source, &absolute(&path), true))
            }
            Err(e) => {
                let errno = e.raw_os_error().unwrap_or(0);
                let text = e.to_string();
                let text = text.split(" (os error").next().unwrap_or("");
                eprintln!("retic: can't open file '{path}': [Errno {errno}] {text}");
                2
            }
        },
        Program::Stdin if interactive => {
            argv(if rest.is_empty() { "" } else { "-" });
            let (quiet, editing) = (settings.flags.quiet != 0, terminal && std::io::stdout().is_terminal());
            run(&settings, recorder, |p| p.interact(quiet, editing))
        }
        Program::Stdin => {
            let mut source = Vec::new();
            if std::io::stdin().read_to_end(&mut source).is_err() {
                return 1;
            }
            argv(if rest.is_empty() { "" } else { "-" });
            run(&settings, recorder, |p| p.run_source(&source, "<stdin>", false))
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
            argv("-m");
            run(&settings, recorder, |p| p.run_module(&name))
        }
    }
}

/// The path of a script as its code and `__file__` have it: from the root, but as it was given otherwise.
fn absolute(path: &str) -> String {
    match std::env::current_dir() {
        Ok(here) if !path.starts_with('/') => format!("{}/{path}", here.display()),
        _ => path.to_string(),
    }
}

/// Whether a path is a folder or a zip file, in which a module `__main__` is the program.
fn holds_main(path: &str) -> bool {
    const END_BYTES: u64 = 22 + 65_535;
    // A pipe can be read once only.
    match std::fs::metadata(path) {
        Ok(m) if m.is_dir() => return true,
        Ok(m) if m.is_file() => {}
        _ => return false,
    }
    let tail = || -> std::io::Result<Vec<u8>> {
        let mut file = std::fs::File::open(path)?;
        let size = file.metadata()?.len();
        file.seek(std::io::SeekFrom::Start(size.saturating_sub(END_BYTES)))?;
        let mut tail = Vec::new();
        file.read_to_end(&mut tail)?;
        Ok(tail)
    };
    // The record that ends a zip file; sources hold none.
    tail().is_ok_and(|t| t.windows(4).any(|w| w == b"PK\x05\x06"))
}

/// Runs a program in a new interpreter. One that an interrupt ends takes the process with it.
fn run(settings: &Settings, recorder: Option<Recorder>, program: impl FnOnce(&mut Python) -> i32) -> i32 {
    let mut python = Python::new(settings);
    if let Some((sink, wanted)) = recorder {
        python.record(sink, wanted);
    }
    let status = program(&mut python);
    python.pass_interrupt_on();
    status
}

fn usage(problem: &str) -> i32 {
    eprintln!("{problem}\n{}\n{}", help::SUMMARY, help::AFTER_COMPLAINT);
    2
}
