//! The golden cases: for each kind of model one table of names and bytes.

use super::{file_name, sorted};
use std::fmt::Write;
use std::fs;
use std::path::Path;

const GOLDEN: &str = "tests/data/golden";

pub fn pack(root: &Path, out: &Path) {
    println!("cargo::rerun-if-changed={GOLDEN}");
    for kind in sorted(&root.join(GOLDEN)) {
        let table_file = out.join(format!("golden_{}.rs", file_name(&kind)));
        fs::write(table_file, table(&kind)).expect("OUT_DIR can be written");
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
