//! The command line of `python`: short options may stand together (`-Isc`), an argument may follow its letter at once.

use super::help;
use retic::Flags;

/// What to run.
pub enum Program {
    Command(String),
    Module(String),
    File(String),
    Stdin,
}

/// What the arguments ask for.
pub enum Request {
    Run {
        program: Program,
        rest: Vec<String>,
        flags: Flags,
        warn: Vec<String>,
        x: Vec<String>,
    },
    Help,
    /// Texts to print.
    Explain(Vec<&'static str>),
    Licenses,
    Version,
}

/// Reads the arguments after the program's own name; the error is a sentence for the user.
pub fn read(args: Vec<String>) -> Result<Request, String> {
    let mut args = args.into_iter();
    let (mut flags, mut warn, mut x) = (Flags { int_max_str_digits: 4300, ..Flags::default() }, Vec::new(), Vec::new());
    let mut program = None;
    while program.is_none() {
        let Some(arg) = args.next() else { break };
        match arg.as_str() {
            "--help" => return Ok(Request::Help),
            "--help-env" => return Ok(Request::Explain(vec![help::ENVIRONMENT])),
            "--help-xoptions" => return Ok(Request::Explain(vec![help::X_OPTIONS])),
            "--help-all" => {
                let options = [help::SUMMARY, "\n", help::OPTIONS].concat();
                return Ok(Request::Explain(vec![options.leak(), help::ENVIRONMENT, help::X_OPTIONS]));
            }
            "--check-hash-based-pycs" => match args.next() {
                Some(mode) => match ["always", "default", "never"].into_iter().find(|m| *m == mode) {
                    None => return Err("--check-hash-based-pycs must be one of 'default', 'always', or 'never'".into()),
                    known => flags.check_hash_pycs = known,
                },
                None => return Err("Argument expected for the --check-hash-based-pycs option".into()),
            },
            "--licenses" => return Ok(Request::Licenses),
            "--version" => return Ok(Request::Version),
            "-" => program = Some(Program::Stdin),
            "--" => program = Some(args.next().map_or(Program::Stdin, Program::File)),
            a if !a.starts_with('-') => program = Some(Program::File(arg)),
            a if a.starts_with("--") => return Err(format!("unknown option {a}")),
            cluster => {
                for (i, letter) in cluster.char_indices().skip(1) {
                    let mut operand = || {
                        let here = &cluster[i + letter.len_utf8()..];
                        if here.is_empty() { args.next().ok_or_else(|| format!("Argument expected for the -{letter} option")) } else { Ok(here.to_string()) }
                    };
                    match letter {
                        'c' => program = Some(Program::Command(operand()?)),
                        'm' => program = Some(Program::Module(operand()?)),
                        'W' => warn.push(operand()?),
                        'X' => x.push(operand()?),
                        'h' | '?' => return Ok(Request::Help),
                        'V' => return Ok(Request::Version),
                        'O' => flags.optimize += 1,
                        'I' => (flags.isolated, flags.ignore_environment, flags.no_user_site, flags.safe_path) = (1, 1, 1, true),
                        'E' => flags.ignore_environment = 1,
                        'P' => flags.safe_path = true,
                        's' => flags.no_user_site = 1,
                        'S' => flags.no_site = 1,
                        'B' => flags.dont_write_bytecode = 1,
                        'b' => flags.bytes_warning += 1,
                        'd' => flags.debug += 1,
                        'v' => flags.verbose += 1,
                        'q' => flags.quiet = 1,
                        'i' => (flags.inspect, flags.interactive) = (1, 1),
                        'u' => flags.unbuffered = true,
                        'R' => flags.random_hashes = true,
                        'x' => flags.skip_first_line = true,
                        other => return Err(format!("Unknown option: -{other}")),
                    }
                    if matches!(letter, 'c' | 'm' | 'W' | 'X') {
                        break;
                    }
                }
            }
        }
    }
    flags.optimize = flags.optimize.min(2);
    Ok(Request::Run { program: program.unwrap_or(Program::Stdin), rest: args.collect(), flags, warn, x })
}
