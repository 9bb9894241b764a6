//! What a run read, beside what is there now.

use super::config::InputFile;
use crate::io::sources::Sources;

/// A file's bytes are those that the run read: `None` where it is not there any more, or came through a pipe.
pub fn is_same(file: &InputFile) -> Option<bool> {
    let found = InputFile::of(&Sources::new(), "", &file.path).ok()?;
    file.pipe.is_none().then_some(found.sha256 == file.sha256)
}
