//! Commands as a page shows them, run as they stand.

use crate::common::Run;
use std::path::Path;
use std::process::Command;

/// The block of shell commands behind a marker of a page, which shows these commands.
pub fn block(page: &str, marker: &str, commands: &[&str]) -> String {
    let (_, after) = page.split_once(marker).expect("the page has its marker");
    let (_, after) = after
        .split_once("```sh\n")
        .expect("a block of shell commands follows");
    let (script, _) = after.split_once("```").expect("the block ends");
    for command in commands {
        assert!(script.contains(&format!("cisgrad {command}")), "{command}");
    }
    script.to_string()
}

pub fn shell(folder: &Path, script: &str) -> Run {
    let binary = Path::new(env!("CARGO_BIN_EXE_cisgrad"));
    let path = format!(
        "{}:{}",
        binary.parent().unwrap().display(),
        std::env::var("PATH").unwrap()
    );
    let output = Command::new("sh")
        .args(["-e", "-c", script])
        .current_dir(folder)
        .env("PATH", path)
        .output();
    Run::of(output.unwrap(), script)
}
