//! What every model folder's config.json holds, whatever its kind.

use crate::Result;
use crate::io::hash::sha256_file;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Number type of the weights on disk and of the arithmetic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    F64,
    #[default]
    F32,
    /// f32 in files and sums; the factors of matrix products are rounded to bf16. On a card alone.
    Bf16,
}

impl Precision {
    /// As the kernels of a card know it.
    pub fn on_card(self) -> crate::engine::cuda::Precision {
        match self {
            Precision::Bf16 => crate::engine::cuda::Precision::Bf16,
            Precision::F32 | Precision::F64 => crate::engine::cuda::Precision::F32,
        }
    }
}

/// An input file as it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputFile {
    pub path: PathBuf,
    pub sha256: String,
}

impl InputFile {
    pub fn of(path: &Path) -> Result<Self> {
        Ok(InputFile {
            path: path.to_path_buf(),
            sha256: sha256_file(path)?,
        })
    }
}
