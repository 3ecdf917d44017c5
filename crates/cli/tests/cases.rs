//! Runs every Markdown case under `tests/`, and once more under the lens.

use libtest_mimic::{Arguments, Trial};
use std::path::Path;

fn main() {
    let args = Arguments::from_args();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests");
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).to_path_buf();
    let cases = retic_testkit::find(&folder).expect("the folder tests can be read");
    let trials = cases
        .into_iter()
        .flat_map(|case| {
            let group = case.file.parent().and_then(|p| p.file_name()).map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            let scratch = scratch.clone();
            let (again, place) = (case.clone(), scratch.clone());
            let lens = Trial::test(format!("lens, {group}: {}", case.title), move || {
                let own = place.join(std::process::id().to_string());
                std::fs::create_dir_all(&own).map_err(|e| e.to_string())?;
                retic_testkit::check_under_lens(env!("CARGO_BIN_EXE_retic"), &again, &own).map_err(Into::into)
            });
            let plain = Trial::test(format!("{group}: {}", case.title), move || {
                let own = scratch.join(std::process::id().to_string());
                std::fs::create_dir_all(&own).map_err(|e| e.to_string())?;
                retic_testkit::check(env!("CARGO_BIN_EXE_retic"), &case, &own).map_err(Into::into)
            });
            [plain, lens]
        })
        .collect();
    libtest_mimic::run(&args, trials).exit();
}
