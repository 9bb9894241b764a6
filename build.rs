//! Packs the golden cases into the binary, so that `cisgrad selftest` needs no files.

use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=tests/data/golden/tisfm");
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let out = env::var("OUT_DIR").expect("cargo sets it");
    let golden = Path::new(&root).join("tests/data/golden/tisfm");
    let mut table = String::from("&[\n");
    for case in sorted(&golden) {
        if !case.is_dir() {
            continue;
        }
        let name = case
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let _ = writeln!(table, "({name:?}, &[");
        for file in sorted(&case) {
            let name = file
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let _ = writeln!(
                table,
                "({name:?}, include_bytes!({:?})),",
                file.display().to_string()
            );
        }
        table.push_str("]),\n");
    }
    table.push(']');
    fs::write(Path::new(&out).join("golden.rs"), table).expect("OUT_DIR can be written");
}

fn sorted(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(folder)
        .map(|entries| entries.flatten().map(|e| e.path()).collect())
        .unwrap_or_default();
    paths.sort();
    paths
}
