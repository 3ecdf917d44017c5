//! Retic: a Python you can see into. The embedding face: make an interpreter, run programs.

pub mod listing;
pub mod recording;

mod ast;
mod inside;
mod symtable;

pub use retic_bytecode as bytecode;
pub use retic_events as events;
pub use retic_lens as lens;
pub use retic_runtime::lens::{Machine, Wanted, Watch, Window};
pub use retic_runtime::modules::sys::info::{Flags, PREFIX};

use retic_compiler::{CompileError, ErrorKind, Mode, Options};
use retic_runtime::Obj;
use retic_runtime::cx::{CompileRequest, Cx, PyResult};
use retic_runtime::interp::{self, Interp};
use std::borrow::Cow;
use std::ffi::OsString;
use std::rc::Rc;

/// A Python interpreter on this machine, with everything allowed.
pub struct Python {
    interp: Interp,
    /// A recording that begins with the next program.
    waiting: Option<(Box<dyn events::Sink>, Wanted)>,
    inspect: bool,
}

/// What a run asks for.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// `-O` level.
    pub optimize: u8,
    /// `sys.argv`.
    pub argv: Vec<OsString>,
    /// `sys.path`.
    pub path: Vec<String>,
    /// What `sys.path` begins with, if that is the program's folder; empty: wherever the process is.
    pub program_folder: Option<String>,
    /// `sys.executable`.
    pub executable: String,
    /// The folder of the virtual environment that the program runs in, and the executable that it was made by, if that is known.
    pub environment: Option<(String, Option<String>)>,
    /// Where the library lies on disk instead of in the binary: `sys.prefix` and `sys.exec_prefix` (`PYTHONHOME`). What is not found in
    /// its `lib/python3.14` is the binary's.
    pub home: Option<(String, String)>,
    /// The module `site` is imported before the program.
    pub start_with_site: bool,
    /// `sys.orig_argv`.
    pub original_argv: Vec<OsString>,
    /// `sys.warnoptions`.
    pub warn_options: Vec<String>,
    /// `-X` options, `name` or `name=value`.
    pub x_options: Vec<String>,
    /// What `os.cpu_count()` says; none: how many there are.
    pub cpu_count: Option<u32>,
    /// Bytes that are no UTF-8 pass the standard streams unharmed (PEP 540).
    pub escaped_streams: bool,
    /// Standard output is written at once.
    pub unbuffered: bool,
    /// The encoding of the standard streams, `encoding`, `:errors` or both.
    pub io_encoding: Option<String>,
    /// `sys.pycache_prefix`.
    pub pycache_prefix: Option<String>,
    /// Memory is traced from the start (`tracemalloc`), with so many frames a block.
    pub trace_memory: Option<u16>,
    /// `sys.flags`.
    pub flags: Flags,
    /// Seed of text hashes; `None`: random.
    pub hash_seed: Option<u32>,
    /// The interpreter can be recorded: see [`Python::record`].
    pub lens: Machine,
    /// An interactive session follows the program.
    pub inspect: bool,
    /// Ctrl-C raises KeyboardInterrupt.
    pub catch_interrupts: bool,
}

/// What the process writes to standard output from now on goes nowhere; the handle given still leads there.
pub fn set_aside_stdout() -> std::io::Result<Box<dyn std::io::Write + Send>> {
    retic_system::set_aside_stdout()
}

/// Closes the standard descriptors that were closed when the process began, and that Rust's start opened. For binaries
/// that are a Python.
pub fn close_what_was_closed() {
    retic_system::close_again();
}

/// One heap of `malloc` for all threads of the process: for a program that is nothing but the interpreter, before it has threads.
pub fn share_malloc() {
    retic_system::share_malloc();
}

/// The running thread leaves signals to the others: for the thread that only waits for the interpreter's.
pub fn leave_signals_to_others() {
    retic_system::signals::leave_to_others();
}

/// The library's files, for those who read them by their names.
fn library_file(path: &str) -> Option<retic_system::packed::Found> {
    use retic_system::packed::{Found, What};
    let found = retic_library::at(path)?;
    let what = match found.what {
        retic_library::What::File(entry) => What::File(entry.size(), Box::new(move || entry.source())),
        retic_library::What::Folder(names) => What::Folder(names),
    };
    Some(Found { number: found.number, what })
}

impl Python {
    /// A fresh interpreter.
    pub fn new(settings: &Settings) -> Python {
        use retic_runtime::host::Host;
        let mut host = retic_system::System::default();
        host.show(library_file);
        if settings.unbuffered {
            host.write_at_once();
        }
        let key = match settings.hash_seed {
            Some(seed) => hash_key(seed),
            None => {
                let mut bytes = [0u8; 16];
                host.random_bytes(&mut bytes);
                let word = |b: &[u8]| u64::from_le_bytes(b.try_into().unwrap_or([0; 8]));
                (word(&bytes[..8]), word(&bytes[8..]))
            }
        };
        let mut interp = interp::new(Box::new(host), key);
        let cx = interp.cx();
        cx.put_under_lens(settings.lens);
        cx.compile_hook = Some(compile_hook);
        cx.source_hook = Some(|cx, bytes, filename| decoded(cx, bytes, filename, false));
        cx.tree_hook = Some(tree_hook);
        cx.tree_compile_hook = Some(tree_compile_hook);
        cx.unbuffered = settings.unbuffered;
        cx.escaped_streams = settings.escaped_streams;
        cx.library = Some(library);
        cx.cpu_count = settings.cpu_count;
        cx.check_hash_pycs = settings.flags.check_hash_pycs.unwrap_or("default");
        retic_stdlib::install(cx);
        cx.native_modules.push(("_symtable", symtable::make));
        cx.optimize = settings.optimize;
        cx.recordings = Some(Box::new(inside::Inside::default()));
        if settings.catch_interrupts {
            const SIGINT: i32 = 2;
            let word = &raw const cx.poll;
            if matches!(cx.host.signal_action(SIGINT), Ok(retic_runtime::host::SignalAction::Default)) {
                let _ = cx.host.on_signal(SIGINT, retic_runtime::host::SignalAction::Catch, word);
            }
        }
        let _ = describe(cx, settings);
        if let Some(frames) = settings.trace_memory {
            retic_runtime::memory::tracer::start(cx, usize::from(frames));
        }
        if settings.flags.no_site == 0 {
            let _ = retic_runtime::modules::site::install(cx);
        }
        let names: Vec<&str> = retic_library::names().collect();
        let _ = retic_runtime::modules::sys::info::module_names(cx, &names);
        if let Some(wanted) = &settings.io_encoding
            && recode_streams(cx, wanted).is_err()
        {
            interp::show(cx);
        }
        if !settings.warn_options.is_empty() && retic_runtime::modules::import(cx, "warnings").is_err() {
            interp::show(cx);
        }
        if settings.start_with_site && retic_runtime::modules::import(cx, "site").is_err() {
            interp::report(cx);
        }
        Python { interp, waiting: None, inspect: settings.inspect }
    }

    /// Runs source text as `__main__`; returns the exit status.
    pub fn run_source(&mut self, source: &[u8], filename: &str, is_file: bool) -> i32 {
        let cx = self.interp.cx();
        // A command is UTF-8, whatever it says of itself.
        let whole = |cx: &mut Cx| match std::str::from_utf8(source) {
            Ok(text) if !is_file && filename == "<string>" => Ok(text.to_string()),
            _ => decoded(cx, source, filename, true),
        };
        let compiled = without_nulls(cx, source, filename).and_then(|()| whole(cx)).and_then(|text| compile(cx, &text, filename, Mode::Exec, 0, 0).map(|code| (code, text)));
        match compiled {
            Ok((code, text)) => {
                self.begin();
                let inspect = self.inspect;
                self.interp.run_program(|cx| {
                    let r = interp::run_main(cx, code, is_file.then_some(filename), &text);
                    then_inspect(cx, inspect, r)
                })
            }
            Err(r) => {
                let inspect = self.inspect;
                if !inspect {
                    return interp::report(self.interp.cx());
                }
                self.interp.run_program(|cx| then_inspect(cx, true, Err(r)))
            }
        }
    }

    /// Records what the next program does, if the settings put this interpreter under the lens. The recording ends with the
    /// program, which it does not change.
    pub fn record(&mut self, sink: Box<dyn events::Sink>, wanted: Wanted) {
        self.waiting = Some((sink, wanted));
    }

    fn begin(&mut self) {
        interp::keep_some(self.interp.cx());
        if let Some((sink, wanted)) = self.waiting.take() {
            self.interp.cx().begin_recording(sink, wanted);
        }
    }

    /// Ends the process as by Ctrl-C if that is how the program ended, so that a shell sees why.
    pub fn pass_interrupt_on(&mut self) {
        let cx = self.interp.cx();
        if cx.signals.interrupted {
            cx.host.flush();
            retic_system::signals::die_interrupted();
        }
    }

    /// Runs a module as `__main__` (`python -m`); returns the exit status.
    pub fn run_module(&mut self, name: &str) -> i32 {
        self.begin();
        let inspect = self.inspect;
        self.interp.run_program(|cx| {
            let r = run_module(cx, name);
            then_inspect(cx, inspect, r)
        })
    }

    /// Runs the module `__main__` of the folder or zip file that `Settings::path` begins with.
    pub fn run_main_of_path(&mut self) -> i32 {
        self.begin();
        let inspect = self.inspect;
        self.interp.run_program(|cx| {
            let r = run_main_of_path(cx);
            then_inspect(cx, inspect, r)
        })
    }

    /// Runs a compiled file (`.pyc`).
    pub fn run_compiled(&mut self, bytes: &[u8], filename: &str) -> i32 {
        self.begin();
        let inspect = self.inspect;
        self.interp.run_program(|cx| {
            let r = run_compiled(cx, bytes, filename);
            then_inspect(cx, inspect, r)
        })
    }

    /// An interactive session on standard input; returns the exit status. `editing`: with the line editor.
    pub fn interact(&mut self, quiet: bool, editing: bool) -> i32 {
        self.begin();
        self.interp.run_program(|cx| {
            retic_runtime::modules::main_module(cx)?;
            interact(cx, quiet, editing)
        })
    }

    /// The listing of `python3.9 -m dis`, or the exit status of a program that does not compile.
    pub fn listing(&mut self, source: &[u8], filename: &str) -> Result<String, i32> {
        let cx = self.interp.cx();
        let compiled = decoded(cx, source, filename, true).and_then(|text| compile(cx, &text, filename, Mode::Exec, 0, 0));
        let listed = compiled.and_then(|code| listing::of(cx, code));
        listed.map_err(|_| interp::report(self.interp.cx()))
    }
}

fn run_module(cx: &mut Cx, name: &str) -> PyResult<()> {
    retic_runtime::modules::main_module(cx)?;
    let runpy = retic_runtime::modules::import(cx, "runpy")?;
    let name = cx.str(name)?;
    let done = retic_runtime::protocol::call_method(cx, &runpy, "_run_module_as_main", &[name])?;
    cx.release(done);
    Ok(())
}

fn run_main_of_path(cx: &mut Cx) -> PyResult<()> {
    retic_runtime::modules::main_module(cx)?;
    let runpy = retic_runtime::modules::import(cx, "runpy")?;
    let args = [cx.str("__main__")?, cx.bool(false)];
    let done = retic_runtime::protocol::call_method(cx, &runpy, "_run_module_as_main", &args)?;
    cx.release(done);
    Ok(())
}

fn run_compiled(cx: &mut Cx, bytes: &[u8], filename: &str) -> PyResult<()> {
    retic_runtime::modules::main_module(cx)?;
    let m = retic_runtime::modules::import(cx, "_retic_main")?;
    let args = [retic_runtime::types::Bytes::from_slice(cx, bytes)?, cx.str(filename)?];
    let done = retic_runtime::protocol::call_method(cx, &m, "run_compiled", &args)?;
    cx.release(done);
    Ok(())
}

/// The end of a program after which a session may follow: then its exception is shown, whatever it is.
fn then_inspect(cx: &mut Cx, inspect: bool, ended: PyResult<()>) -> PyResult<()> {
    if !inspect {
        return ended;
    }
    if ended.is_err() {
        retic_runtime::modules::main_module(cx)?;
        interp::show(cx);
    }
    interact(cx, true, false)
}

fn interact(cx: &mut Cx, quiet: bool, editing: bool) -> PyResult<()> {
    let m = retic_runtime::modules::import(cx, "_retic_repl")?;
    let (quiet, editing) = (cx.bool(quiet), cx.bool(editing));
    let done = retic_runtime::protocol::call_method(cx, &m, "interact", &[quiet, editing])?;
    cx.release(done);
    Ok(())
}

fn entry_of(name: &str) -> Option<retic_library::Entry> {
    if name.starts_with('/') { retic_library::by_path(name) } else { retic_library::find(name) }
}

/// A module of the packed library, by dotted name or by path.
fn library(name: &str) -> Option<retic_runtime::cx::LibraryModule> {
    let entry = entry_of(name)?;
    Some(retic_runtime::cx::LibraryModule {
        path: format!("{}/{}", retic_library::PREFIX, entry.path),
        package: entry.package,
        source: |name| entry_of(name).map(|e| e.source()).unwrap_or_default(),
        code: |name| {
            // Of the modules before, the program has what it wanted.
            retic_system::constant::let_go(retic_library::codes());
            retic_library::find(name).and_then(|e| e.code())
        },
    })
}

/// CPython's hash secret for a seed: a linear congruential generator (`PYTHONHASHSEED`).
fn hash_key(seed: u32) -> (u64, u64) {
    if seed == 0 {
        return (0, 0);
    }
    let mut x = seed;
    let mut bytes = [0u8; 16];
    for b in &mut bytes {
        x = x.wrapping_mul(214013).wrapping_add(2531011);
        *b = (x >> 16) as u8;
    }
    let word = |b: &[u8]| u64::from_le_bytes(b.try_into().unwrap_or([0; 8]));
    (word(&bytes[..8]), word(&bytes[8..]))
}

/// What `sys` shows of the settings.
fn describe(cx: &mut Cx, settings: &Settings) -> PyResult<()> {
    set_arguments(cx, "argv", &settings.argv)?;
    set_arguments(cx, "orig_argv", &settings.original_argv)?;
    set_list(cx, "warnoptions", &settings.warn_options)?;
    // The folder of the library that stands in for the binary's, if there is one.
    let instead = settings.home.as_ref().map(|(prefix, _)| format!("{prefix}/lib/python3.14"));
    let path: Vec<String> = settings.path.iter().cloned().chain(instead.clone()).chain([retic_library::PREFIX.to_string()]).collect();
    set_list(cx, "path", &path)?;
    if settings.x_options.iter().any(|x| x == "importtime" || x.starts_with("importtime=")) {
        cx.imports.times = Some((0, 0.0));
        retic_runtime::modules::sys::write_error(cx, "import time: self [us] | cumulative | imported package\n");
    }
    cx.no_columns = settings.x_options.iter().any(|x| x == "no_debug_ranges");
    cx.program_folder.clone_from(&settings.program_folder);
    let sys = cx.sys.clone().expect("sys is made with the interpreter");
    let (folder, maker) = match &settings.environment {
        Some((folder, maker)) => (Some(folder), maker.as_ref()),
        None => (None, None),
    };
    let (prefix, exec_prefix) = settings.home.as_ref().map(|(p, e)| (p, e)).unzip();
    let places = [
        ("executable", Some(&settings.executable)),
        ("_base_executable", maker.or(Some(&settings.executable))),
        ("prefix", folder.or(prefix)),
        ("exec_prefix", folder.or(exec_prefix)),
        ("base_prefix", prefix),
        ("base_exec_prefix", exec_prefix),
        ("_stdlib_dir", instead.as_ref()),
    ];
    for (name, value) in places.into_iter().filter_map(|(n, v)| Some((n, v?))) {
        let (key, value) = (cx.name(name), cx.str(value)?);
        retic_runtime::protocol::setattr(cx, &sys, &key, Some(&value))?;
    }
    if let Some(prefix) = &settings.pycache_prefix {
        let (key, prefix) = (cx.name("pycache_prefix"), cx.str(prefix)?);
        retic_runtime::protocol::setattr(cx, &sys, &key, Some(&prefix))?;
    }
    let key = cx.name("_xoptions");
    let options = retic_runtime::protocol::getattr(cx, &sys, &key)?;
    for option in &settings.x_options {
        let (name, value) = match option.split_once('=') {
            Some((name, value)) => (name, cx.str(value)?),
            None => (option.as_str(), cx.bool(true)),
        };
        let name = cx.str(name)?;
        retic_runtime::protocol::setitem(cx, &options, &name, Some(&value))?;
    }
    match sys.cast::<retic_runtime::types::module::Module>() {
        Some(m) => retic_runtime::modules::sys::info::set_flags(cx, &m.clone(), &settings.flags),
        None => Ok(()),
    }
}

/// Gives the standard streams another encoding (`encoding`, `:errors` or both); standard error escapes what it cannot say.
fn recode_streams(cx: &mut Cx, wanted: &str) -> PyResult<()> {
    let (encoding, errors) = wanted.split_once(':').unwrap_or((wanted, ""));
    let encoding = if encoding.is_empty() {
        None
    } else {
        // Under the codec's own name.
        let codec = retic_runtime::codecs::lookup(cx, encoding)?;
        let name = cx.name("name");
        Some(retic_runtime::protocol::getattr(cx, &codec, &name)?)
    };
    let sys = cx.sys.clone().expect("sys is made with the interpreter");
    for name in ["stdin", "stdout", "stderr"] {
        let key = cx.name(name);
        let Some(stream) = retic_runtime::protocol::lookup_attr(cx, &sys, &key)?.filter(|s| !s.is_none()) else { continue };
        let how = match (name, errors) {
            ("stderr", _) => "backslashreplace",
            (_, "") => "strict",
            (_, errors) => errors,
        };
        let names = [cx.str("encoding")?, cx.str("errors")?];
        let values = [encoding.clone().unwrap_or_else(|| cx.none()), cx.str(how)?];
        let key = cx.name("reconfigure");
        let f = retic_runtime::protocol::getattr(cx, &stream, &key)?;
        let r = retic_runtime::protocol::call_keywords(cx, &f, &[], &[(&names[0], &values[0]), (&names[1], &values[1])])?;
        cx.release(r);
    }
    Ok(())
}

/// Arguments of the process: bytes that are no UTF-8 are escaped, as in names of files.
fn set_arguments(cx: &mut Cx, name: &'static str, values: &[OsString]) -> PyResult<()> {
    let mut items = Vec::with_capacity(values.len());
    for v in values {
        items.push(retic_runtime::codecs::decode(cx, v.as_encoded_bytes(), "utf-8", "surrogateescape")?);
    }
    let list = cx.list(items)?;
    let sys = cx.sys.clone().expect("sys is made with the interpreter");
    let key = cx.name(name);
    retic_runtime::protocol::setattr(cx, &sys, &key, Some(&list))
}

fn set_list(cx: &mut Cx, name: &'static str, values: &[String]) -> PyResult<()> {
    let items = values.iter().map(|v| cx.str(v)).collect::<PyResult<Vec<_>>>()?;
    let list = cx.list(items)?;
    let sys = cx.sys.clone().expect("sys is made with the interpreter");
    let key = cx.name(name);
    retic_runtime::protocol::setattr(cx, &sys, &key, Some(&list))
}

/// How source is compiled now.
fn options(cx: &Cx, filename: &str, mode: Mode, flags: u32, feature_version: u8) -> Options {
    use retic_bytecode::code::{CO_FUTURE_ANNOTATIONS, CO_FUTURE_BARRY_AS_BDFL};
    let flags = flags & (CO_FUTURE_ANNOTATIONS | CO_FUTURE_BARRY_AS_BDFL | retic_compiler::TYPE_COMMENTS | retic_compiler::TOP_LEVEL_AWAIT);
    Options { optimize: cx.optimize, flags, feature_version, digits_max: cx.int_max_str_digits.get(), ..Options::new(mode, filename) }
}

fn compile(cx: &mut Cx, text: &str, filename: &str, mode: Mode, flags: u32, feature_version: u8) -> PyResult<Rc<retic_bytecode::Code>> {
    let options = options(cx, filename, mode, flags, feature_version);
    let compiled = retic_compiler::compile(text, &options);
    if flags & (ALLOW_INCOMPLETE_INPUT | DONT_IMPLY_DEDENT) != 0 && retic_compiler::is_incomplete(text, mode, mode == Mode::Single && flags & DONT_IMPLY_DEDENT != 0) {
        return Err(incomplete(cx, flags));
    }
    match compiled {
        Ok(compiled) => {
            for w in &compiled.warnings {
                warn(cx, w, filename, text)?;
            }
            Ok(compiled.code)
        }
        Err(e) => Err(syntax_error(cx, &e, filename, &read(text, mode))),
    }
}

/// Text as the tokenizer reads it: the last line of a program has an end, that of an expression or of a statement that was typed need not have one.
fn read(text: &str, mode: Mode) -> Cow<'_, str> {
    if mode != Mode::Exec || text.is_empty() || text.ends_with('\n') { Cow::Borrowed(text) } else { Cow::Owned(format!("{text}\n")) }
}

/// Flags of `compile` for text that is typed line by line.
const DONT_IMPLY_DEDENT: u32 = 0x200;
const ALLOW_INCOMPLETE_INPUT: u32 = 0x4000;

/// Raises what tells an interactive reader to ask for another line.
fn incomplete(cx: &mut Cx, flags: u32) -> retic_runtime::Raised {
    let class = if flags & ALLOW_INCOMPLETE_INPUT != 0 { cx.types.incomplete_input_error.clone() } else { cx.types.syntax_error.clone() };
    cx.error_of(&class, "incomplete input")
}

/// Gives a SyntaxWarning; where a filter makes it an error, that error is a SyntaxError at its place.
fn warn(cx: &mut Cx, w: &retic_compiler::Warning, filename: &str, text: &str) -> PyResult<()> {
    let category = cx.types.syntax_warning.clone();
    match retic_runtime::modules::warnings::warn_at(cx, &category, &w.message, filename, i64::from(w.line)) {
        Err(_) if cx.error_is(&category) => {
            cx.clear_error();
            // As errors, invalid escapes have a shorter sentence.
            let message = w.message.replace(" Such sequences will not work in the future.", "");
            let e = CompileError { kind: ErrorKind::Syntax, message, line: w.line, column: w.column, end_line: w.end_line, end_column: w.end_column, late: w.late, cut: false };
            Err(syntax_error(cx, &e, filename, &read(text, Mode::Exec)))
        }
        other => other,
    }
}

/// A program that is read line by line shows the line that a null byte ends.
fn without_nulls(cx: &mut Cx, source: &[u8], filename: &str) -> PyResult<()> {
    let Some(at) = source.iter().position(|b| *b == 0) else { return Ok(()) };
    let before = &source[..at];
    let line = before.iter().filter(|b| **b == b'\n').count() as u32 + 1;
    let e =
        CompileError { kind: ErrorKind::Syntax, message: "source code cannot contain null bytes".into(), line, column: 0, end_line: line, end_column: 0, late: false, cut: false };
    Err(syntax_error(cx, &e, filename, &read(&String::from_utf8_lossy(before), Mode::Exec)))
}

/// The text of a source in whatever coding it names; SyntaxError where that is not known or does not fit.
fn decoded(cx: &mut Cx, bytes: &[u8], filename: &str, is_file: bool) -> PyResult<String> {
    let Some(coding) = retic_compiler::foreign_coding(bytes) else {
        return retic_compiler::decode(bytes, is_file.then_some(filename)).map_err(|e| {
            let body = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
            syntax_error(cx, &e, filename, &String::from_utf8_lossy(body))
        });
    };
    match retic_runtime::codecs::decode(cx, bytes, &coding, "strict") {
        Ok(text) => retic_runtime::protocol::str_text(cx, &text),
        Err(r) => {
            let unknown = cx.error_is(&cx.types.lookup_error);
            if !unknown && !cx.error_is(&cx.types.unicode_error) {
                return Err(r);
            }
            let error = cx.take_error();
            let said = error.map(|e| retic_runtime::protocol::str_text(cx, &e)).transpose()?.unwrap_or_default();
            let sentence = if unknown && said.starts_with("unknown encoding") { format!("unknown encoding: {coding}") } else { said };
            let e = CompileError { kind: ErrorKind::Coding, message: sentence, line: 0, column: 0, end_line: 0, end_column: 0, late: false, cut: false };
            Err(syntax_error(cx, &e, filename, ""))
        }
    }
}

fn compile_hook(cx: &mut Cx, request: CompileRequest<'_>) -> PyResult<Rc<retic_bytecode::Code>> {
    compile(cx, request.source, request.filename, mode_of(request.mode), request.flags, request.feature_version)
}

fn tree_hook(cx: &mut Cx, request: CompileRequest<'_>) -> PyResult {
    let options = options(cx, request.filename, mode_of(request.mode), request.flags, request.feature_version);
    ast::tree(cx, request.source, &options, request.mode == "func_type")
}

fn tree_compile_hook(cx: &mut Cx, tree: &Obj, request: CompileRequest<'_>) -> PyResult<Rc<retic_bytecode::Code>> {
    let node = ast::node(cx, tree)?;
    let mut options = options(cx, request.filename, mode_of(request.mode), request.flags, 0);
    (options.optimize, options.digits_max) = (request.optimize, 0);
    match retic_compiler::compile_tree(node, &options) {
        Ok(compiled) => {
            for w in &compiled.warnings {
                warn(cx, w, request.filename, "")?;
            }
            Ok(compiled.code)
        }
        Err(retic_compiler::Problem::Type(text)) => Err(cx.type_error(text)),
        Err(retic_compiler::Problem::Value(text)) => Err(cx.value_error(text)),
        Err(retic_compiler::Problem::Syntax(e)) => Err(syntax_error(cx, &e, request.filename, "")),
    }
}

fn mode_of(name: &str) -> Mode {
    match name {
        "eval" => Mode::Eval,
        "single" => Mode::Single,
        _ => Mode::Exec,
    }
}

/// Raises the SyntaxError (or its kin) of a refused program.
fn syntax_error(cx: &mut Cx, e: &CompileError, filename: &str, text: &str) -> retic_runtime::Raised {
    let class = match e.kind {
        ErrorKind::Syntax | ErrorKind::Empty | ErrorKind::Coding => cx.types.syntax_error.clone(),
        ErrorKind::Indentation => cx.types.indentation_error.clone(),
        ErrorKind::Tab => cx.types.tab_error.clone(),
        ErrorKind::Memory => return cx.memory_error(),
        ErrorKind::Recursion => return cx.recursion_error(&e.message),
    };
    let made = (|| {
        // The compiler, behind the parser, looks for the text in the file.
        let file = if e.late { retic_runtime::types::traceback::source_bytes(cx, filename) } else { None };
        let file = file.as_deref().map(String::from_utf8_lossy);
        let shown = if e.late { file.as_deref().unwrap_or("") } else { text };
        let line = shown.split_inclusive('\n').nth((e.line as usize).wrapping_sub(1)).map(|l| {
            let bare = l.trim_end_matches(['\n', '\r']);
            if e.cut || bare.len() == l.len() { bare.to_string() } else { format!("{bare}\n") }
        });
        let (none, none_end) = (cx.none(), cx.none());
        let empty = e.kind == ErrorKind::Empty;
        let number = |cx: &Cx, n: u32| if n == 0 && !empty { Ok(cx.none()) } else { cx.int(i64::from(n)) };
        let details = vec![
            cx.str(filename)?,
            number(cx, e.line)?,
            if e.line == 0 && !empty { cx.none() } else { cx.int(i64::from(e.column))? },
            match line {
                Some(l) => cx.str(&l)?,
                None if empty => cx.str("")?,
                None => none,
            },
            number(cx, e.end_line)?,
            if e.end_line == 0 && !empty { none_end } else { cx.int(i64::from(e.end_column))? },
        ];
        let details = if e.kind == ErrorKind::Coding { vec![cx.str(filename)?, cx.int(0)?, cx.int(-1)?, cx.none(), cx.none(), cx.none()] } else { details };
        let details = cx.tuple(details)?;
        let message = cx.str(&e.message)?;
        retic_runtime::protocol::call(cx, class.as_obj(), &[message, details])
    })();
    match made {
        Ok(exc) => cx.raise(exc),
        Err(r) => r,
    }
}
