//! The one way to files outside the repository: real genomes, peaks, motifs and published models, and the original
//! programs' numbers on these. They may not be copied into the project, so tests that need them are skipped where they
//! are absent.

use std::path::{Path, PathBuf};

/// The folder of the real data: the one that `CISGRAD_DATA` names, otherwise `shared/data` beside the repository. Without
/// it the test is skipped: `None`, and a line that says so. `CISGRAD_NO_SKIP` forbids that.
pub fn real_data() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let folder = std::env::var_os("CISGRAD_DATA").map_or_else(beside, PathBuf::from);
    or_skip("the real data", folder)
}

/// The folder of the original programs' numbers on published models: `golden` beside the real data, skipped as these.
pub fn published_numbers() -> Option<PathBuf> {
    let folder = real_data()?.join("../golden");
    or_skip("the original programs' numbers on published models", folder)
}

fn or_skip(what: &str, folder: PathBuf) -> Option<PathBuf> {
    if folder.is_dir() {
        return Some(folder);
    }
    let test = std::thread::current();
    let test = test.name().unwrap_or("a test");
    let told = format!(
        "{test} needs {what}, and there is no folder {}: set CISGRAD_DATA to the folder of the real data",
        folder.display()
    );
    assert!(
        std::env::var_os("CISGRAD_NO_SKIP").is_none(),
        "CISGRAD_NO_SKIP forbids to skip, but {told}"
    );
    eprintln!("skipped: {told}");
    None
}
