//! The library's one error type: every variant names what the user can change.

use std::path::{Path, PathBuf};

pub type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused: missing file, no permission, disk full.
    #[error("{path}: {source}", path = path.display())]
    Io {
        path: PathBuf,
        source: std::io::Error,
    },

    /// A file does not hold what its format asks for. `line` counts from 1.
    #[error("{path}{at}: {message}", path = path.display(), at = line.map(|n| format!(", line {n}")).unwrap_or_default())]
    Format {
        path: PathBuf,
        line: Option<u64>,
        message: String,
    },

    /// The command's arguments contradict each other or name something unknown (exit code 2).
    #[error("{0}")]
    Usage(String),

    /// The inputs are readable but do not fit together, or the run cannot go on.
    #[error("{0}")]
    Invalid(String),

    /// The graphics card, its driver or its compiler cannot do what the run needs.
    #[error("{0}")]
    Device(String),

    /// SIGINT or SIGTERM, after the state was saved (exit code 130).
    #[error("interrupted")]
    Interrupted,
}

impl Error {
    pub fn io(path: impl AsRef<Path>, source: std::io::Error) -> Self {
        Error::Io {
            path: path.as_ref().to_path_buf(),
            source,
        }
    }

    /// A format error with no line: binary files, or the file as a whole.
    pub fn format(path: impl AsRef<Path>, message: impl Into<String>) -> Self {
        Error::Format {
            path: path.as_ref().to_path_buf(),
            line: None,
            message: message.into(),
        }
    }

    /// A format error at a line, counted from 1.
    pub fn format_at(path: impl AsRef<Path>, line: u64, message: impl Into<String>) -> Self {
        Error::Format {
            path: path.as_ref().to_path_buf(),
            line: Some(line),
            message: message.into(),
        }
    }

    pub fn invalid(message: impl Into<String>) -> Self {
        Error::Invalid(message.into())
    }

    pub fn usage(message: impl Into<String>) -> Self {
        Error::Usage(message.into())
    }
}
