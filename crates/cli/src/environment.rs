//! What the environment variables and `-X` options of `python` say, as settings.

use retic::{Flags, Settings};

/// Why the interpreter cannot start: what CPython calls the step, and its sentence.
pub type Fatal = (&'static str, String);

/// The variables, unless `-E` or `-I` ignores them; an empty one says nothing.
pub struct Environment {
    pub ignored: bool,
}
impl Environment {
    pub fn get(&self, name: &str) -> Option<String> {
        if self.ignored { None } else { std::env::var(name).ok().filter(|v| !v.is_empty()) }
    }
    /// A variable that is a level: a number, or anything else for 1.
    fn level(&self, name: &str) -> u8 {
        self.get(name).map_or(0, |v| v.parse().unwrap_or(1))
    }
    fn is_set(&self, name: &str) -> u8 {
        u8::from(self.get(name).is_some())
    }
}

/// The last `-X` option of a name; `Some(None)`: without a value.
fn option<'a>(options: &'a [String], name: &str) -> Option<Option<&'a str>> {
    options.iter().rev().find_map(|o| match o.split_once('=') {
        Some((n, value)) if n == name => Some(Some(value)),
        None if o == name => Some(None),
        _ => None,
    })
}

/// Flags that variables raise.
fn raise_flags(flags: &mut Flags, env: &Environment) {
    flags.debug = flags.debug.max(env.is_set("PYTHONDEBUG"));
    flags.optimize = flags.optimize.max(env.level("PYTHONOPTIMIZE")).min(2);
    flags.dont_write_bytecode = flags.dont_write_bytecode.max(env.is_set("PYTHONDONTWRITEBYTECODE"));
    flags.verbose = flags.verbose.max(env.level("PYTHONVERBOSE"));
    flags.no_user_site = flags.no_user_site.max(env.is_set("PYTHONNOUSERSITE"));
    flags.inspect = flags.inspect.max(env.is_set("PYTHONINSPECT"));
    flags.safe_path |= env.get("PYTHONSAFEPATH").is_some();
}

/// How many frames `tracemalloc` keeps from the start on, if it is asked for.
fn traced_frames(options: &[String], env: &Environment) -> Result<Option<u16>, Fatal> {
    let refused = |what: &str| ("config_init_tracemalloc", format!("{what}: invalid number of frames"));
    match (option(options, "tracemalloc"), env.get("PYTHONTRACEMALLOC")) {
        (Some(None), _) => Ok(Some(1)),
        (Some(Some(n)), _) => n.parse().ok().filter(|n| *n > 0).map(Some).ok_or_else(|| refused("-X tracemalloc=NFRAME")),
        (None, Some(n)) => n.parse().map(|n| Some(n).filter(|n| *n > 0)).map_err(|_| refused("PYTHONTRACEMALLOC")),
        (None, None) => Ok(None),
    }
}

/// The longest decimal text of an int.
fn max_str_digits(options: &[String], env: &Environment) -> Result<i64, Fatal> {
    const USUAL: i64 = 4300;
    const LEAST: i64 = 640;
    let fit = |text: &str| text.parse().ok().filter(|n| *n == 0 || *n >= LEAST);
    let refused = |what: &str| ("config_init_int_max_str_digits", format!("{what}: invalid limit; must be >= {LEAST} or 0 for unlimited."));
    match (option(options, "int_max_str_digits"), env.get("PYTHONINTMAXSTRDIGITS")) {
        (Some(value), _) => value.and_then(fit).ok_or_else(|| refused("-X int_max_str_digits")),
        (None, Some(value)) => fit(&value).ok_or_else(|| refused("PYTHONINTMAXSTRDIGITS")),
        (None, None) => Ok(USUAL),
    }
}

/// How many processors the program is told of, where that is chosen.
fn cpu_count(options: &[String], env: &Environment) -> Result<Option<u32>, Fatal> {
    let read = |text: &str| if text == "default" { Some(None) } else { text.parse().ok().filter(|n| *n > 0).map(Some) };
    let refused = |what: &str| ("config_init_cpu_count", format!("{what}: n is missing or an invalid number, n must be greater than 0"));
    match (option(options, "cpu_count"), env.get("PYTHON_CPU_COUNT")) {
        (Some(value), _) => value.and_then(read).ok_or_else(|| refused("-X cpu_count=n option")),
        (None, Some(value)) => read(&value).ok_or_else(|| refused("PYTHON_CPU_COUNT=n environment variable")),
        (None, None) => Ok(None),
    }
}

/// Whether the locale says nothing of an encoding.
fn is_c_locale() -> bool {
    ctype_locale().is_none_or(|l| l == "C" || l == "POSIX")
}
/// Whether it is one that CPython puts in the place of "C" (PEP 538): the standard streams are as forgiving then.
fn is_c_with_utf8() -> bool {
    ctype_locale().is_some_and(|l| matches!(l.as_str(), "C.UTF-8" | "C.utf8" | "UTF-8"))
}
fn ctype_locale() -> Option<String> {
    ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|v| std::env::var(v).ok().filter(|v| !v.is_empty()))
}

fn on_or_off(text: &str) -> Option<u8> {
    match text {
        "1" => Some(1),
        "0" => Some(0),
        _ => None,
    }
}
/// A flag that `-X NAME=0|1` or a variable of the environment sets.
fn context_flag(options: &[String], env: &Environment, name: &'static str, variable: &'static str, step: &'static str) -> Result<u8, Fatal> {
    match (option(options, name), env.get(variable)) {
        (Some(value), _) => on_or_off(value.unwrap_or_default()).ok_or_else(|| (step, format!("-X {name}=n: n is missing or invalid"))),
        (None, Some(value)) => on_or_off(&value).ok_or_else(|| (step, format!("{variable}=N: N is missing or invalid"))),
        (None, None) => Ok(0),
    }
}

/// Whether texts of the system are UTF-8 whatever the locale says (PEP 540). They always are here: this is what is shown.
fn utf8_mode(options: &[String], env: &Environment) -> Result<u8, Fatal> {
    match (option(options, "utf8"), env.get("PYTHONUTF8")) {
        (Some(None), _) => Ok(1),
        (Some(Some(value)), _) => on_or_off(value).ok_or(("preconfig_init_utf8_mode", "invalid -X utf8 option value".into())),
        (None, Some(value)) => on_or_off(&value).ok_or(("preconfig_init_utf8_mode", "invalid PYTHONUTF8 environment variable value".into())),
        (None, None) => Ok(u8::from(is_c_locale())),
    }
}

/// `sys.warnoptions`: what is said last counts most.
fn warn_options(given: Vec<String>, flags: &Flags, env: &Environment) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut add = |option: String| {
        if !out.contains(&option) {
            out.push(option);
        }
    };
    if flags.dev_mode {
        add("default".into());
    }
    if let Some(list) = env.get("PYTHONWARNINGS") {
        list.split(',').filter(|w| !w.is_empty()).for_each(|w| add(w.to_string()));
    }
    given.into_iter().for_each(&mut add);
    match flags.bytes_warning {
        0 => {}
        1 => add("default::BytesWarning".into()),
        _ => add("error::BytesWarning".into()),
    }
    out
}

/// Settings from flags, `-W` and `-X` options and variables.
pub fn settings(mut flags: Flags, warn: Vec<String>, mut options: Vec<String>, env: &Environment) -> Result<Settings, Fatal> {
    raise_flags(&mut flags, env);
    flags.dev_mode = option(&options, "dev").is_some() || env.get("PYTHONDEVMODE").is_some();
    flags.utf8_mode = utf8_mode(&options, env)?;
    flags.thread_inherit_context = context_flag(&options, env, "thread_inherit_context", "PYTHON_THREAD_INHERIT_CONTEXT", "config_init_thread_inherit_context")?;
    flags.context_aware_warnings = context_flag(&options, env, "context_aware_warnings", "PYTHON_CONTEXT_AWARE_WARNINGS", "config_init_context_aware_warnings")?;
    flags.warn_default_encoding = u8::from(option(&options, "warn_default_encoding").is_some() || env.get("PYTHONWARNDEFAULTENCODING").is_some());
    flags.int_max_str_digits = max_str_digits(&options, env)?;
    if env.get("PYTHONPROFILEIMPORTTIME").is_some() && option(&options, "importtime").is_none() {
        options.push("importtime".into());
    }
    if env.get("PYTHONNODEBUGRANGES").is_some() && option(&options, "no_debug_ranges").is_none() {
        options.push("no_debug_ranges".into());
    }
    let hash_seed = env.get("PYTHONHASHSEED").filter(|s| s != "random" && !flags.random_hashes);
    let hash_seed = match hash_seed.map(|s| s.parse::<u32>()) {
        None => None,
        Some(Ok(seed)) => Some(seed),
        Some(Err(_)) => return Err(("config_init_hash_seed", "PYTHONHASHSEED must be \"random\" or an integer in range [0; 4294967295]".into())),
    };
    flags.hash_randomization = u8::from(hash_seed != Some(0));
    let pycache_prefix = match option(&options, "pycache_prefix") {
        Some(value) => value.map(str::to_string),
        None => env.get("PYTHONPYCACHEPREFIX"),
    };
    Ok(Settings {
        optimize: flags.optimize,
        inspect: flags.inspect != 0,
        warn_options: warn_options(warn, &flags, env),
        trace_memory: traced_frames(&options, env)?,
        cpu_count: cpu_count(&options, env)?,
        escaped_streams: flags.utf8_mode != 0 || is_c_locale() || is_c_with_utf8(),
        unbuffered: flags.unbuffered || env.get("PYTHONUNBUFFERED").is_some(),
        io_encoding: env.get("PYTHONIOENCODING"),
        pycache_prefix: pycache_prefix.filter(|p| !p.is_empty()),
        x_options: options,
        hash_seed,
        flags,
        ..Settings::default()
    })
}
