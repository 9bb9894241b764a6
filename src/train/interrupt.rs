//! SIGINT, SIGTERM and SIGHUP. No signal leaves a temporary file: it ends the program at once with code 130, or, in a run that
//! can save its state, is noted here and acted on between two steps.

use crate::Error;
use crate::report::progress::Reporter;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
/// The run acts on a signal by itself.
static WATCHED: AtomicBool = AtomicBool::new(false);
static WAITING: AtomicBool = AtomicBool::new(false);

/// Catches the signals; each ends the program. Those that whoever started it wants to be ignored (SIGHUP under nohup) stay so.
#[cfg(unix)]
pub fn install() {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;
    use std::sync::Once;

    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let ignored = ignored();
        let wanted = [SIGINT, SIGTERM, SIGHUP];
        let caught = wanted.into_iter().filter(|s| ignored & 1 << (s - 1) == 0);
        // Where they cannot be caught a signal ends the program all the same.
        let Ok(mut signals) = Signals::new(caught) else {
            return;
        };
        std::thread::spawn(move || signals.forever().for_each(|_| arrived()));
    });
}

#[cfg(not(unix))]
pub fn install() {}

/// The signals that are ignored, a bit each from number 1 on; none where the system does not tell.
#[cfg(unix)]
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|l| l.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or_default()
}

#[cfg(unix)]
fn arrived() {
    let before = INTERRUPTED.swap(true, Ordering::SeqCst);
    if before || !WATCHED.load(Ordering::SeqCst) || WAITING.load(Ordering::SeqCst) {
        crate::io::atomic::remove_unfinished();
        tell!("{}", Error::Interrupted);
        std::process::exit(130);
    }
}

/// From now on the run asks [`interrupted`] between two steps, and the first signal is only noted; a second one, and any while
/// a [`Waiting`] lives, ends the program at once.
pub fn watch() {
    install();
    WATCHED.store(true, Ordering::SeqCst);
}

pub fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

/// While it lives the program waits for input, which may never come, and a signal ends it at once.
pub struct Waiting(());

impl Waiting {
    pub fn begin() -> Waiting {
        WAITING.store(true, Ordering::SeqCst);
        Waiting(())
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        WAITING.store(false, Ordering::SeqCst);
    }
}

/// What an interrupted run returns, after it has said how to go on.
pub fn stopped(folder: &Path, reporter: &Reporter) -> Error {
    reporter.line(&format!(
        "saved in {}; the same command with --resume goes on",
        folder.display()
    ));
    Error::Interrupted
}
