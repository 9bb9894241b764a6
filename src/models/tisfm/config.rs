//! config.json of a model folder: everything needed to rebuild the model and find its data.

use super::network::{Blueprint, Trainable};
use crate::io::atomic::write_atomic;
use crate::models::tisfm::{Dimensions, MotifKernels, Spec};
use crate::train::folder::CONFIG;
use crate::train::folder::config::{InputFile, Precision};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The files that a model was trained on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataFiles {
    pub atac_file: PathBuf,
    pub sequences: PathBuf,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub genome: Option<PathBuf>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// Version of cisgrad that wrote it.
    pub version: String,
    pub architecture: Spec,
    pub motifs: Vec<String>,
    /// Columns of the motif kernels' buffer.
    pub motif_width: usize,
    pub outputs: Vec<String>,
    /// Length of the sequences.
    pub window: usize,
    pub precision: Precision,
    #[serde(default)]
    pub trainable: Trainable,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<DataFiles>,
    #[serde(default)]
    pub files: Vec<InputFile>,
    /// The training flags as given, by name.
    #[serde(default)]
    pub flags: serde_json::Map<String, serde_json::Value>,
}

impl Config {
    pub fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(CONFIG);
        let text =
            serde_json::to_string_pretty(self).map_err(|e| Error::format(&path, e.to_string()))?;
        write_atomic(&path, |w| writeln!(w, "{text}"))
    }

    /// # Errors
    /// No config.json there, or one that is not ours.
    pub fn read(folder: &Path) -> Result<Config> {
        let path = folder.join(CONFIG);
        let text = std::fs::read_to_string(&path).map_err(|e| {
            if e.kind() == std::io::ErrorKind::NotFound {
                Error::invalid(format!(
                    "{}: no model folder (no {CONFIG} in it)",
                    folder.display()
                ))
            } else {
                Error::io(&path, e)
            }
        })?;
        serde_json::from_str(&text)
            .map_err(|e| Error::format_at(&path, e.line() as u64, e.to_string()))
    }

    /// The model with its motifs' number and width; their numbers come from the weights.
    pub fn blueprint(&self) -> Blueprint {
        Blueprint {
            spec: self.architecture.clone(),
            dimensions: Dimensions {
                window: self.window,
                outputs: self.outputs.len(),
            },
            kernels: self
                .architecture
                .strands()
                .map(|_| MotifKernels::empty(self.motifs.len(), self.motif_width)),
            trainable: self.trainable,
        }
    }
}

/// Flags that a resumed run may change.
const FREE_FLAGS: [&str; 3] = [
    "number_of_epochs",
    "early_stopping",
    "early_stopping_threshold",
];

impl Config {
    /// A run can go on in a folder when everything that its numbers depend on is the same.
    ///
    /// # Errors
    /// The first thing that differs.
    pub fn check_resumable(&self, now: &Config, folder: &Path) -> Result<()> {
        let refuse = |what: &str, before: String, now: String| {
            Err(Error::invalid(format!(
                "--resume: {} was started with {what} {before}, this run has {now}",
                folder.display()
            )))
        };
        if self.architecture != now.architecture {
            return refuse(
                "architecture",
                self.architecture.name.clone(),
                now.architecture.name.clone(),
            );
        }
        let pairs = [
            ("outputs", self.outputs.join(","), now.outputs.join(",")),
            (
                "motifs",
                self.motifs.len().to_string(),
                now.motifs.len().to_string(),
            ),
            ("window", self.window.to_string(), now.window.to_string()),
            (
                "precision",
                format!("{:?}", self.precision),
                format!("{:?}", now.precision),
            ),
            (
                "trainable",
                format!("{:?}", self.trainable),
                format!("{:?}", now.trainable),
            ),
        ];
        for (what, before, now) in pairs {
            if before != now {
                return refuse(what, before, now);
            }
        }
        for (a, b) in self.files.iter().zip(&now.files) {
            if a.sha256 != b.sha256 {
                let text =
                    |f: &InputFile| format!("{} (sha256 {:.12})", f.path.display(), f.sha256);
                return refuse("file", text(a), text(b));
            }
        }
        for (flag, value) in &now.flags {
            let before = self.flags.get(flag).unwrap_or(&serde_json::Value::Null);
            if before != value && !FREE_FLAGS.contains(&flag.as_str()) {
                return refuse(
                    &format!("--{}", flag.replace('_', "-")),
                    before.to_string(),
                    value.to_string(),
                );
            }
        }
        Ok(())
    }
}
