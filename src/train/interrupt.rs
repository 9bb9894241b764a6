//! SIGINT and SIGTERM: noted here, acted on between two steps.

use crate::Error;
use crate::io::atomic::remove_unfinished;
use crate::report::progress::Reporter;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Starts to note the signals; a second one ends the process at once with code 130, and leaves no temporary file.
pub fn watch() {
    // A handler that is already there (two runs in one process) serves as well.
    let _ = ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::SeqCst) {
            remove_unfinished();
            std::process::exit(130);
        }
    });
}

pub fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

/// What an interrupted run returns, after it has said how to go on.
pub fn stopped(folder: &Path, reporter: &Reporter) -> Error {
    reporter.line(&format!(
        "saved in {}; the same command with --resume goes on",
        folder.display()
    ));
    Error::Interrupted
}
