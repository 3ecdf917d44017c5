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
    let environment = || {
        let folder = Path::new(&settings.executable).parent();
        folder.is_some_and(|f| f.join("pyvenv.cfg").is_file() || f.parent().is_some_and(|p| p.join("pyvenv.cfg").is_file()))
    };
    settings.path.iter().skip(first).any(|entry| may_customize(Path::new(entry))) || user() || environment() || packages(Path::new("/retic")).is_dir()
}
