//! `retic trace`, `retic why`, `retic lens`: running a program under the lens, and reading recordings.

use crate::options::{self, Program, Request};
use retic::events::Level;
use retic::lens::report::{self, Style};
use retic::lens::{Book, Lang, Writer, why};
use retic::recording::{Kept, Mine, Recording};
use retic::{Wanted, Watch, Window};
use std::cell::RefCell;
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::rc::Rc;

pub const USAGE: &str = "The lens:
retic trace [--counts|--lives|--refs|--steps] [-o FILE.lens] [--mine PATH] [--all] [--quiet]
            [--watch NAME@FUNCTION[:LINE]] [--from LINE] [--to LINE] [--keep SIZE] SCRIPT [ARGS]
        run a program (also -m, -c), tell who was born and who died; the recording goes to SCRIPT.lens.
        counts: sums by line and type; lives (unless said otherwise): births and deaths; refs: and every change of a
        count; steps: and every instruction. --keep 64M: only the last part of the recording
retic why id|is|cycle [FILE[:LINE]]
retic why died|alive #17|NAME@FUNCTION|NAME|TYPE [FILE]
retic why count NAME@FUNCTION:LINE SCRIPT
        run a script (or read a .lens file) and answer in words
retic lens open [-o FILE.html] FILE.lens       write the page of a recording
retic lens report|stats FILE.lens
retic lens export --json | --parquet FOLDER | --perfetto FILE FILE.lens
retic lens diff A.lens B.lens    what the second run made more of, and left alive, by line
retic dis [--lives] SCRIPT       the listing, with births and deaths beside each instruction
Options of all: --lang en|zh, --plain, --width COLUMNS
";

/// Questions about ids after which `retic why` has seen enough, and instructions.
const QUESTIONS_MAX: u64 = 10_000;
const STEPS_MAX: u64 = 50_000_000;

/// What the options before the program ask for.
struct Asked {
    style: Style,
    output: Option<PathBuf>,
    /// No report.
    quiet: bool,
    json: bool,
    parquet: Option<PathBuf>,
    perfetto: Option<PathBuf>,
    /// How much is recorded; of `dis`, whether births and deaths are shown.
    level: Option<Level>,
    watch: Option<Watch>,
    watched: Option<String>,
    /// Lines where the recording begins and ends; 0: with the program.
    from: u32,
    to: u32,
    /// Bytes of events to keep.
    keep: u64,
    mine: Vec<String>,
    rest: Vec<String>,
}

fn watch_of(who: &why::Who) -> Result<Watch, String> {
    match who {
        why::Who::Variable { name, function, line } => Ok(Watch::new(function, *line, name)),
        why::Who::Name(name) => Ok(Watch::new("<module>", None, name)),
        why::Who::Serial(_) => Err("a variable is asked for: NAME@FUNCTION:LINE".to_string()),
    }
}

fn line_of(text: &str) -> Result<u32, String> {
    text.parse().ok().filter(|n| *n > 0).ok_or_else(|| format!("a line number is asked for, not {text}"))
}

/// A size: bytes, or with K, M or G behind.
fn bytes_of(text: &str) -> Result<u64, String> {
    let (digits, unit) = match text.char_indices().last() {
        Some((i, 'k' | 'K')) => (&text[..i], 1 << 10),
        Some((i, 'm' | 'M')) => (&text[..i], 1 << 20),
        Some((i, 'g' | 'G')) => (&text[..i], 1 << 30),
        _ => (text, 1),
    };
    digits.parse::<u64>().ok().and_then(|n| n.checked_mul(unit)).ok_or_else(|| format!("--keep: a size like 64M is asked for, not {text}"))
}

/// Carries out a lens command; `None`: the arguments are not one.
pub fn command(args: &[String]) -> Option<i32> {
    let first = args.first()?;
    match first.as_str() {
        "trace" => Some(told(trace(args[1..].to_vec()))),
        "why" => Some(told(why_command(args[1..].to_vec()))),
        "lens" => Some(told(lens(args[1..].to_vec()))),
        "dis" => Some(told(dis(args[1..].to_vec()))),
        _ => None,
    }
}

fn told(result: Result<i32, String>) -> i32 {
    result.unwrap_or_else(|problem| {
        eprintln!("retic: {problem}");
        2
    })
}

impl Asked {
    fn new() -> Asked {
        let lang = ["LC_ALL", "LC_MESSAGES", "LANG"].iter().filter_map(|n| std::env::var(n).ok()).find(|v| !v.is_empty()).and_then(|v| Lang::of(&v)).unwrap_or_default();
        let style = Style { lang, ..Style::default() };
        Asked {
            style,
            output: None,
            quiet: false,
            json: false,
            parquet: None,
            perfetto: None,
            level: None,
            watch: None,
            watched: None,
            from: 0,
            to: 0,
            keep: u64::MAX,
            mine: Vec::new(),
            rest: Vec::new(),
        }
    }

    /// Reads the options that come next; what follows them goes to `rest`.
    fn read(&mut self, args: Vec<String>) -> Result<(), String> {
        let mut args = args.into_iter();
        while let Some(a) = args.next() {
            let mut operand = || args.next().ok_or_else(|| format!("{a} needs an operand"));
            match a.as_str() {
                "--counts" => self.level = Some(Level::Counts),
                "--lives" => self.level = Some(Level::Lives),
                "--refs" => self.level = Some(Level::Refs),
                "--steps" => self.level = Some(Level::Steps),
                "--watch" => {
                    let who = operand()?;
                    self.watch = Some(watch_of(&why::parse_who(&who)?)?);
                    self.watched = Some(who);
                }
                "--from" => self.from = line_of(&operand()?)?,
                "--to" => self.to = line_of(&operand()?)?,
                "--keep" => self.keep = bytes_of(&operand()?)?,
                "--plain" => self.style.plain = true,
                "--quiet" => self.quiet = true,
                "--json" => self.json = true,
                "--parquet" => self.parquet = Some(operand()?.into()),
                "--perfetto" => self.perfetto = Some(operand()?.into()),
                "--all" => self.style.all = true,
                "--width" => self.style.width = operand()?.parse().map_err(|_| "--width needs a number".to_string())?,
                "--lang" => {
                    let name = operand()?;
                    self.style.lang = Lang::of(&name).ok_or_else(|| format!("--lang: en or zh, not {name}"))?;
                }
                "--mine" => self.mine.push(operand()?),
                "-o" => self.output = Some(operand()?.into()),
                other if other.starts_with("--") && other.len() > 2 => return Err(format!("unknown option {other}\n{USAGE}")),
                _ => {
                    self.rest.push(a);
                    break;
                }
            }
        }
        self.rest.extend(args);
        Ok(())
    }

    /// The next word that is no option, and what options follow it.
    fn word(&mut self) -> Result<Option<String>, String> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let word = self.rest.remove(0);
        let rest = std::mem::take(&mut self.rest);
        self.read(rest)?;
        Ok(Some(word))
    }
}

/// The options in front of everything else.
fn options(args: Vec<String>) -> Result<Asked, String> {
    let mut asked = Asked::new();
    asked.read(args)?;
    Ok(asked)
}

/// What is run, read from the arguments of `python`.
struct Run {
    request: Request,
    /// The command line without the lens: `sys.orig_argv` shows no difference.
    original: Vec<OsString>,
    /// As the user would say it.
    name: String,
    /// Where a recording of it goes if nobody says otherwise.
    file: PathBuf,
    mine: Mine,
}

fn run_of(args: Vec<String>, mine: &[String]) -> Result<Run, String> {
    let original = std::env::args_os().take(1).chain(args.iter().map(OsString::from)).collect();
    let request = options::read(args)?;
    let Request::Run { program, .. } = &request else { return Err(format!("nothing to run\n{USAGE}")) };
    let here = std::env::current_dir().unwrap_or_default();
    let (name, file, folder) = match program {
        Program::File(path) => {
            let p = Path::new(path);
            let real = std::fs::canonicalize(p).map_err(|e| format!("can't open file '{path}': {e}"))?;
            (p.file_name().map_or_else(|| path.clone(), |n| n.to_string_lossy().into_owned()), p.with_extension("lens"), real.parent().map(Path::to_path_buf).unwrap_or_default())
        }
        Program::Module(m) => (format!("-m {m}"), format!("{m}.lens").into(), here.clone()),
        Program::Command(_) => ("-c".to_string(), "command.lens".into(), here.clone()),
        Program::Stdin => ("-".to_string(), "stdin.lens".into(), here.clone()),
    };
    let mut folders = vec![folder];
    if !mine.is_empty() {
        folders = mine.iter().map(|m| std::fs::canonicalize(m).map_err(|e| format!("--mine {m}: {e}"))).collect::<Result<_, _>>()?;
    }
    // The library makes texts of its own: only a program that is in no file has such code.
    let texts = matches!(program, Program::Command(_) | Program::Stdin);
    let mine = Mine { folders, texts };
    Ok(Run { request, original, name, file, mine })
}

fn trace(args: Vec<String>) -> Result<i32, String> {
    let asked = options(args)?;
    let run = run_of(asked.rest, &asked.mine)?;
    let path = asked.output.unwrap_or_else(|| run.file.clone());
    let kept = Kept::file(&path).map_err(|e| format!("can't write '{}': {e}", path.display()))?;
    let writer = Writer::new(kept, &run.name, Box::new(move |f| run.mine.has(f))).map_err(|e| format!("can't write '{}': {e}", path.display()))?.keep(asked.keep);
    let style = asked.style;
    let (at, quiet, watched) = (path.clone(), asked.quiet, asked.watched);
    let end = move |written: Result<u64, String>| match written {
        Ok(_) if quiet => {}
        Ok(bytes) => match std::fs::read(&at).map_err(|e| e.to_string()).and_then(|b| retic::lens::read(&b)) {
            Ok(book) => {
                let mut text = report::report(&book, &style);
                if let Some(who) = &watched {
                    text.push_str(&why::ask(&book, &style, "count", Some(who), None).unwrap_or_else(|e| format!("{e}\n")));
                }
                text.push_str(&match style.lang {
                    Lang::En => format!(" wrote {} ({})     retic why id {0}\n", at.display(), size(bytes)),
                    Lang::Zh => format!(" 已写入 {}({})     retic why id {0}\n", at.display(), size(bytes)),
                });
                eprint!("{text}");
            }
            Err(e) => eprintln!("retic: {}: {e}", at.display()),
        },
        Err(e) => eprintln!("retic: the recording could not be written to the end: {e}"),
    };
    let window = (asked.from != 0 || asked.to != 0).then(|| Window::new(asked.from, asked.to));
    let wanted = Wanted { level: asked.level.unwrap_or_default(), watch: asked.watch, window };
    Ok(crate::start(run.request, run.original, Some((Box::new(Recording::new(writer, Box::new(end))), wanted))))
}

fn size(bytes: u64) -> String {
    match bytes {
        0..=9_999 => format!("{:.1} KB", bytes as f64 / 1e3),
        10_000..=999_999 => format!("{} KB", bytes / 1000),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

/// An answer made of a book.
type Told = Box<dyn FnOnce(&Book) -> Result<String, String>>;
/// The answer to a question about a book.
type Answer = Box<dyn FnOnce(&Book, &Style) -> Result<String, String>>;

fn why_command(args: Vec<String>) -> Result<i32, String> {
    let mut asked = options(args)?;
    let Some(verb) = asked.word()? else { return Err(format!("why what?\n{USAGE}")) };
    let who = match verb.as_str() {
        "died" | "alive" | "count" => asked.word()?,
        _ => None,
    };
    let style = asked.style;
    let (mut file, mut line) = (asked.rest.first().cloned(), None);
    if let Some(f) = &file
        && let Some((path, n)) = f.rsplit_once(':')
        && let Ok(n) = n.parse::<u32>()
        && !Path::new(f).exists()
    {
        line = Some(n);
        asked.rest[0] = path.to_string();
        file = Some(path.to_string());
    }
    let subject = match (verb.as_str(), &who) {
        ("died" | "alive" | "count", Some(w)) => Some(why::parse_who(w)?),
        ("died" | "alive" | "count", None) | ("id" | "is" | "cycle", _) => None,
        (other, _) => return Err(format!("why {other}: there is id, is, count, died, alive, cycle\n{USAGE}")),
    };
    let watch = subject.filter(|_| verb == "count").map(|w| watch_of(&w)).transpose()?;
    let questions = if verb == "id" || verb == "is" { QUESTIONS_MAX } else { u64::MAX - 1 };
    let answer: Answer = Box::new(move |b, s| why::ask(b, s, &verb, who.as_deref(), line));
    let file = match file {
        Some(f) => f,
        None => newest()?,
    };
    if file.ends_with(".lens") {
        let book = open(&file)?;
        if let Some(d) = &book.damage {
            eprintln!("retic: {file}: {d}");
        }
        say(&answer(&book, &style)?);
        return Ok(0);
    }
    if asked.rest.is_empty() {
        asked.rest.push(file);
    }
    run_and_answer(asked.rest, &asked.mine, watch, (questions, STEPS_MAX), Box::new(move |book| answer(book, &style)))
}

/// `retic dis [--lives] FILE`.
fn dis(args: Vec<String>) -> Result<i32, String> {
    let asked = options(args)?;
    let Some(file) = asked.rest.first().cloned() else { return Err(format!("dis needs a file\n{USAGE}")) };
    if asked.level.is_none() {
        let request = options::read(vec!["-m".into(), "dis".into(), file])?;
        return Ok(crate::start(request, std::env::args_os().collect(), None));
    }
    let style = asked.style;
    let show = move |book: &Book| retic::lens::listing::with_lives(book, style.lang, style.width);
    if file.ends_with(".lens") {
        say(&show(&open(&file)?));
        return Ok(0);
    }
    run_and_answer(asked.rest, &asked.mine, None, (u64::MAX - 1, STEPS_MAX), Box::new(move |b| Ok(show(b))))
}

/// Runs a program whose own output goes nowhere, and prints the answer made from its recording.
fn run_and_answer(rest: Vec<String>, mine: &[String], watch: Option<Watch>, limits: (u64, u64), answer: Told) -> Result<i32, String> {
    let run = run_of(rest, mine)?;
    let memory = Rc::new(RefCell::new(Vec::new()));
    let writer = Writer::new(Kept::Memory(memory.clone()), &run.name, Box::new(move |f| run.mine.has(f))).map_err(|e| e.to_string())?;
    let writer = writer.limit(limits.0, limits.1);
    let mut out = retic::set_aside_stdout().map_err(|e| format!("standard output: {e}"))?;
    let failed = Rc::new(std::cell::Cell::new(false));
    let told = failed.clone();
    let end = move |written: Result<u64, String>| match written.and_then(|_| retic::lens::read(&memory.borrow())).and_then(|book| answer(&book)) {
        Ok(text) => {
            let _ = out.write_all(text.as_bytes());
            let _ = out.flush();
        }
        Err(e) => {
            eprintln!("retic: {e}");
            told.set(true);
        }
    };
    crate::start(run.request, run.original, Some((Box::new(Recording::new(writer, Box::new(end))), Wanted { watch, ..Wanted::default() })));
    Ok(i32::from(failed.get()))
}

/// The recording made last in this folder.
fn newest() -> Result<String, String> {
    let entries = std::fs::read_dir(".").map_err(|e| e.to_string())?;
    let found = entries.flatten().filter(|e| e.path().extension().is_some_and(|x| x == "lens"));
    let newest = found.max_by_key(|e| e.metadata().and_then(|m| m.modified()).ok());
    newest.map(|e| e.path().to_string_lossy().into_owned()).ok_or_else(|| format!("which file? There is no .lens file here.\n{USAGE}"))
}

/// Prints an answer. Whoever closes the pipe has read enough.
fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

fn open(path: &str) -> Result<Book, String> {
    let bytes = std::fs::read(path).map_err(|e| format!("can't open file '{path}': {e}"))?;
    retic::lens::read(&bytes).map_err(|e| format!("{path}: {e}"))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    std::fs::write(path, bytes).map_err(|e| format!("can't write '{}': {e}", path.display()))?;
    say(&format!("{}\n", path.display()));
    Ok(())
}

fn lens(args: Vec<String>) -> Result<i32, String> {
    let mut asked = options(args)?;
    let Some(verb) = asked.word()? else { return Err(format!("lens what?\n{USAGE}")) };
    let style = asked.style;
    let file = match asked.rest.first() {
        Some(f) => f.clone(),
        None => newest()?,
    };
    let book = open(&file)?;
    match verb.as_str() {
        "report" => say(&report::report(&book, &style)),
        "stats" => {
            let bytes = std::fs::metadata(&file).map(|m| m.len()).unwrap_or(0);
            let (born, dead, alive) = book.balance();
            let books = match book.closed() {
                Ok(()) => "closed".to_string(),
                Err((told, truth)) => format!("not closed: {told} blocks more than at the start by the events, {truth} in truth"),
            };
            say(&format!(
                "books    {books}\nevents   {}\nbytes    {bytes} ({:.2} an event)\nsteps    {}\nobjects  {born} born, {dead} died, {alive} alive at the end\nframes   {}\nsites    {}\n",
                book.events,
                bytes as f64 / book.events.max(1) as f64,
                book.steps,
                book.frames.len() - 1,
                book.sites.len()
            ));
        }
        "open" => {
            let path = asked.output.unwrap_or_else(|| Path::new(&file).with_extension("html"));
            let text = retic::lens::page::page(&book, style.all);
            std::fs::write(&path, text).map_err(|e| format!("can't write '{}': {e}", path.display()))?;
            say(&format!("{}\n", path.display()));
        }
        "export" if asked.json => say(&retic::lens::export::json(&book, style.all)),
        "export" if asked.parquet.is_some() || asked.perfetto.is_some() => {
            if let Some(folder) = &asked.parquet {
                std::fs::create_dir_all(folder).map_err(|e| format!("can't make '{}': {e}", folder.display()))?;
                for (name, bytes) in retic::lens::parquet::tables(&book, style.all) {
                    write(&folder.join(format!("{name}.parquet")), &bytes)?;
                }
            }
            if let Some(path) = &asked.perfetto {
                write(path, &retic::lens::perfetto::perfetto(&book, style.all))?;
            }
        }
        "export" => return Err("lens export: --json, --parquet FOLDER or --perfetto FILE".to_string()),
        "diff" => {
            let Some(other) = asked.rest.get(1) else { return Err("lens diff needs two recordings".to_string()) };
            say(&retic::lens::diff::diff(&book, &open(other)?, &style));
        }
        other => return Err(format!("lens {other}: there is open, report, stats, export, diff\n{USAGE}")),
    }
    Ok(0)
}
