//! What every kind says about its golden cases, so that `selftest` runs them without knowing the kind.

use crate::Result;
use crate::check::golden::{self, Check, Embedded};
use crate::engine::cuda::Gpu;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Runs every check of a case in a folder.
type OnCpu = fn(&Path) -> Result<Vec<Check>>;
type OnGpu = fn(&Path, &Arc<Gpu>) -> Result<Vec<Check>>;

/// The golden cases of one kind of model.
pub struct Golden {
    /// The kind's name in messages.
    pub kind: &'static str,
    /// The cases inside the program.
    pub embedded: Embedded,
    /// What every case's folder has beside `case.json`, and no other kind's has.
    pub files: &'static [&'static str],
    pub check: OnCpu,
    /// None for a kind whose ops have no kernels.
    pub check_on: Option<OnGpu>,
}

impl Golden {
    /// Unpacks the embedded cases into a folder.
    pub fn unpack(&self, folder: &Path) -> Result<()> {
        golden::unpack(self.embedded, folder)
    }

    /// This kind's cases in a folder, by name.
    pub fn folders(&self, golden: &Path) -> Result<Vec<PathBuf>> {
        let mut folders = golden::folders(golden)?;
        folders.retain(|folder| self.owns(folder));
        Ok(folders)
    }

    /// Whether a folder is a case of this kind.
    pub fn owns(&self, case: &Path) -> bool {
        golden::has(case, self.files)
    }
}
