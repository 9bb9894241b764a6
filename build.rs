//! Packs into the binary what it needs no files for: the golden cases of `cisgrad selftest`, and the CUDA kernels as text.
//! Calls no CUDA tool and no C++ compiler.

#[path = "build/golden.rs"]
mod golden;
#[path = "build/kernels.rs"]
mod kernels;

use std::env;
use std::path::{Path, PathBuf};

fn main() {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it"));
    golden::pack(&root, &out);
    if let Err(fault) = kernels::pack(&root, &out) {
        println!("cargo::error={fault}");
        std::process::exit(1);
    }
}

/// A folder's entries by name; none where there is no folder.
fn sorted(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .map(|entries| entries.flatten().map(|e| e.path()).collect())
        .unwrap_or_default();
    paths.sort();
    paths
}

/// The last part of a path.
fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}
