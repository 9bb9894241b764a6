//! Lets integration tests run the CUDA backend on a machine without a GPU.
//!
//! `standin/build.sh` compiles the kernels for the host into a stand-in for the driver's library. In the test's own process
//! [`install`] loads it before cudarc looks for a driver; a child process finds it when `LD_LIBRARY_PATH` is
//! [`folder`]. Environment variables say how it behaves, see `standin/runtime/settings.h`.
#![allow(dead_code)] // each test uses its part

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// What `build.sh` ends with where there is no C++ compiler.
const NO_COMPILER: i32 = 77;

/// The folder of the stand-in with the project's kernels, built if need be. `None` if there is no C++ compiler: the
/// test is to be skipped then, unless the environment variable `CISGRAD_NO_SKIP` forbids that.
pub fn folder() -> Option<&'static Path> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOLDER
        .get_or_init(|| build(&kind(), &kind(), &[]))
        .as_deref()
}

/// Makes this process use the stand-in as its CUDA driver; false if the test is to be skipped. Call it before
/// anything of cudarc is used.
pub fn install() -> bool {
    folder().is_some_and(|folder| {
        load(folder);
        true
    })
}

/// The kind of build: plain, unless `run.sh` runs this process under a sanitizer.
pub fn kind() -> String {
    std::env::var("CUDA_STANDIN_KIND").unwrap_or_else(|_| "plain".to_owned())
}

/// Builds a stand-in of another kind or of other kernels than [`folder`], into `target/standin/NAME`.
pub fn build(kind: &str, name: &str, variables: &[(&str, &str)]) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let out = target().join("standin").join(name);
    let status = Command::new("sh")
        .arg(root.join("standin/build.sh"))
        .arg(kind)
        .arg(&out)
        .env_remove("LD_PRELOAD") // a sanitizer is for the test, not for the compiler
        .envs(variables.iter().copied())
        .status()
        .expect("sh runs the build script");
    if status.code() == Some(NO_COMPILER) {
        let why = "there is no C++ compiler to build the stand-in for the CUDA driver with";
        assert!(
            std::env::var_os("CISGRAD_NO_SKIP").is_none(),
            "CUDA tests must not be skipped here, but {why}"
        );
        eprintln!("CUDA tests are skipped: {why}");
        return None;
    }
    assert!(
        status.success(),
        "the stand-in for the CUDA driver did not build"
    );
    Some(out)
}

/// Loads the stand-in of a folder, for good. The loader then answers `dlopen("libcuda.so")`, which cudarc tries
/// first, as well as `dlopen("libcuda.so.1")` by the names that the two libraries carry.
pub fn load(folder: &Path) {
    static LOADED: OnceLock<[libloading::Library; 2]> = OnceLock::new();
    LOADED.get_or_init(|| {
        ["libcuda.so.1", "libcuda.so"].map(|name| {
            // SAFETY: the library's constructors only fill tables.
            unsafe { libloading::Library::new(folder.join(name)) }.expect("the stand-in loads")
        })
    });
}

/// Cargo's target folder: the test runs from `TARGET/PROFILE/deps`.
fn target() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its path");
    match test.ancestors().nth(3) {
        Some(folder) if folder.join("CACHEDIR.TAG").exists() => folder.to_path_buf(),
        _ => Path::new(env!("CARGO_MANIFEST_DIR")).join("target"),
    }
}
