//! Runs that are looked at, signalled or killed on their way.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use cisgrad::io::state_dict::read;

use super::{Random, cisgrad, command};

/// Starts a run; what it says is kept for `wait_with_output`.
pub fn spawn(folder: &Path, arguments: &str) -> Child {
    command(folder, arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// `-INT`, `-TERM`: the signal reaches the run alone.
pub fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill")
        .args([name, &child.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
}

/// Waits until something is so, or the run has ended.
#[track_caller]
pub fn wait_until(child: &mut Child, what: &str, mut so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !so() && child.try_wait().unwrap().is_none() {
        assert!(start.elapsed() < Duration::from_secs(60), "never: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Waits until a file is there, or the run has ended.
#[track_caller]
pub fn wait_for(path: &Path, child: &mut Child) {
    wait_until(child, &path.display().to_string(), || path.exists());
}

/// Starts a run and kills it as soon as a file is there.
#[track_caller]
pub fn kill_after(folder: &Path, arguments: &str, file: &Path) {
    let mut child = spawn(folder, arguments);
    wait_for(file, &mut child);
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success(), "ended before the kill");
}

/// Kills a resumed run at random moments until it ends by itself; how often it was hit.
#[track_caller]
pub fn kill_until_done(folder: &Path, arguments: &str, random: &mut Random) -> usize {
    let mut kills = 0;
    let resumed = format!("{arguments} --resume");
    for _ in 0..8 {
        let mut child = spawn(folder, &resumed);
        std::thread::sleep(Duration::from_millis(random.below(250)));
        child.kill().unwrap();
        let status = child.wait().unwrap();
        if status.success() {
            break;
        }
        assert_eq!(status.code(), None, "ended by the kill alone");
        kills += 1;
    }
    cisgrad(folder, &resumed).ok();
    kills
}

/// How far a run has come by its state: whole epochs, and batches of the next one.
#[track_caller]
pub fn progress(folder: &Path) -> (u64, u64) {
    let state = read(folder.join("state.safetensors")).unwrap();
    let progress: serde_json::Value = serde_json::from_str(&state.metadata["state"]).unwrap();
    let number = |key: &str| progress[key].as_u64();
    (number("epoch").unwrap(), number("batch").unwrap_or(0))
}
