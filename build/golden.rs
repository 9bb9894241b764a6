//! The golden cases as one table of names and bytes.

use super::{file_name, sorted};
use std::fmt::Write;
use std::fs;
use std::path::Path;

pub fn pack(root: &Path, out: &Path) {
    println!("cargo::rerun-if-changed=tests/data/golden/tisfm");
    let mut table = String::from("&[\n");
    for case in sorted(&root.join("tests/data/golden/tisfm")) {
        if !case.is_dir() {
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
    fs::write(out.join("golden.rs"), table).expect("OUT_DIR can be written");
}
