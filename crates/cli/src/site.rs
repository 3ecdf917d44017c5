//! Whether the module `site` has anything to do before a program. It costs more than the rest of the start, so it is imported
//! only then: where there are packages of the user's, a virtual environment, or modules that customise the start.

use super::environment::Environment;
use retic::Settings;
use std::path::{Path, PathBuf};

/// The folder of packages under a base.
fn packages(base: &Path) -> PathBuf {
    base.join("lib/python3.14/site-packages")
}

/// Where `sitecustomize` or `usercustomize` could be found; a file may be a zip file that holds them.
fn may_customize(entry: &Path) -> bool {
    let has = |name: &str| entry.join(format!("{name}.py")).is_file() || entry.join(name).is_dir();
    entry.is_file() || has("sitecustomize") || has("usercustomize")
}

/// Whether `site` is to be imported; `first` entries of the path are the program's.
pub fn is_wanted(settings: &Settings, first: usize, env: &Environment) -> bool {
    if settings.flags.no_site != 0 {
        return false;
    }
    let user = || {
        let base = env.get("PYTHONUSERBASE").map(PathBuf::from).or_else(|| std::env::var_os("HOME").map(|h| Path::new(&h).join(".local")));
        settings.flags.no_user_site == 0 && base.is_some_and(|b| packages(&b).is_dir())
    };
    let base = settings.home.as_ref().map_or(retic::PREFIX, |(prefix, _)| prefix);
    settings.path.iter().skip(first).any(|entry| may_customize(Path::new(entry))) || user() || settings.environment.is_some() || packages(Path::new(base)).is_dir()
}

/// The program's own path as it was called: links are not followed, so that a virtual environment is found. A name that
/// leads elsewhere is not believed.
pub fn executable(called: Option<&std::ffi::OsStr>) -> PathBuf {
    let itself = std::env::current_exe().unwrap_or_default();
    let is_it = |p: &PathBuf| std::fs::canonicalize(p).is_ok_and(|p| p == itself);
    let found = called.map(Path::new).and_then(|called| {
        if called.components().count() > 1 {
            return std::path::absolute(called).ok().filter(is_it);
        }
        let folders = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&folders).map(|f| f.join(called)).find(|p| p.is_absolute() && is_it(p))
    });
    found.unwrap_or(itself)
}

/// The folder of the virtual environment (PEP 405) that the program is called from, and the program that it was made by.
pub fn environment(executable: &Path) -> Option<(PathBuf, Option<String>)> {
    let folder = executable.parent()?;
    let (base, text) = [folder, folder.parent()?].into_iter().find_map(|f| Some((f, std::fs::read_to_string(f.join("pyvenv.cfg")).ok()?)))?;
    let value = |key: &str| text.lines().filter_map(|l| l.split_once('=')).find(|(k, _)| k.trim().eq_ignore_ascii_case(key)).map(|(_, v)| v.trim().to_string());
    let maker = value("executable").or_else(|| Some(Path::new(&value("home")?).join(executable.file_name()?).to_string_lossy().into_owned()));
    Some((base.to_path_buf(), maker))
}
