//! The golden cases: for each kind of model one table of names and bytes.

use super::{file_name, sorted};
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// Kinds, as the folders of their cases are named.
const KINDS: [&str; 2] = ["tisfm", "factornet"];

pub fn pack(root: &Path, out: &Path) {
    for kind in KINDS {
        let folder = format!("tests/data/golden/{kind}");
        println!("cargo::rerun-if-changed={folder}");
        let table = table(&root.join(folder));
        fs::write(out.join(format!("golden_{kind}.rs")), table).expect("OUT_DIR can be written");
    }
}

fn table(folder: &Path) -> String {
    let mut table = String::from("&[\n");
    for case in sorted(folder) {
        // What else is there, tests read from the repository.
        if !case.join("case.json").is_file() {
            continue;
        }
        let _ = writeln!(table, "({:?}, &[", file_name(&case));
        for file in sorted(&case) {
            let path = file.display().to_string();
            let _ = writeln!(table, "({:?}, include_bytes!({path:?})),", file_name(&file));
        }
        table.push_str("]),\n");
    }
    table.push(']');
    table
}
