//! The numbers of the original programs that lie in the repository, see `tests/data/golden`.

use std::path::{Path, PathBuf};

/// A case of tiSFM, or all of them for "".
pub fn tisfm(name: &str) -> PathBuf {
    data().join("golden/tisfm").join(name)
}

/// A file of FactorNet's cases, or all of them for "".
pub fn factornet(name: &str) -> PathBuf {
    data().join("golden/factornet").join(name)
}

/// A file that PyTorch wrote.
pub fn pytorch(name: &str) -> PathBuf {
    data().join("pytorch").join(name)
}

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}
