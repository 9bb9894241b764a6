//! Inputs, looked at before the work begins: that they are there, and no folders.

use crate::io::sources::is_there;
use crate::{Error, Result};
use std::path::PathBuf;

/// # Errors
/// The first that is not there, in the words that reading it would have, or is a folder.
pub fn check_there<'a>(paths: impl IntoIterator<Item = &'a PathBuf>) -> Result<()> {
    paths.into_iter().try_for_each(|path| {
        if is_there(path) {
            return Ok(());
        }
        std::fs::metadata(path).map_err(|e| Error::io(path, e))?;
        Err(Error::format(path, "a folder; expected a file"))
    })
}
