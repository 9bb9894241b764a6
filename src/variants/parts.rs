//! Where what is computed is kept until it is written: in a folder beside the output, from which a run that was stopped goes
//! on, or in a temporary one, where the output or the variants are a stream.

use super::request::Request;
use crate::io::grown_files::GrownFiles;
use crate::io::sources::is_fleeting;
use crate::{Error, Result};
use std::path::{Path, PathBuf};

/// Ends the message of a folder of another run.
const OTHERS: &str = "of another model, other variants or other flags than this run's: repeat the command as it was, or remove the folder";

fn beside(out: &Path) -> PathBuf {
    let mut name = out.as_os_str().to_os_string();
    name.push(".partial");
    PathBuf::from(name)
}

/// Looks at what is beside the output, changing nothing.
///
/// # Errors
/// Those of [`GrownFiles::stopped`]; without `resume` an unfinished run; with it a stream.
pub fn check(request: &Request) -> Result<()> {
    if let (true, Some((flag, name))) = (request.resume, request.stream()) {
        return Err(Error::usage(format!(
            "--resume with {flag} {}: a stream, of which no run can go on; expected a file",
            name.display()
        )));
    }
    if is_fleeting(&request.out) {
        return Ok(());
    }
    let folder = beside(&request.out);
    match GrownFiles::stopped(&folder)? && !request.resume {
        true => Err(Error::invalid(format!(
            "{}: a run that was not finished; --resume goes on with it, or remove the folder",
            folder.display()
        ))),
        false => Ok(()),
    }
}

/// Opens the folder for a run of this fingerprint.
///
/// # Errors
/// Those of [`check`] and of [`GrownFiles::open`].
pub fn open(request: &Request, fingerprint: &str) -> Result<GrownFiles> {
    check(request)?;
    match request.stream() {
        None => GrownFiles::open(&beside(&request.out), fingerprint, OTHERS),
        Some(_) => GrownFiles::temporary(),
    }
}
