//! scores.json of a model folder: what training's end found out about the scores of the best weights. On all windows of the validation
//! regions: thresholds and, where it was asked for, a calibration; on training windows: the second simple rule.

use super::config::Description;
use super::second_rule::SecondRule;
use crate::io::atomic::write_atomic;
use crate::io::hash::sha256_file;
use crate::io::text::read_text;
use crate::metrics::false_discovery::Thresholds;
use crate::metrics::isotonic::Isotonic;
use crate::train::folder::BEST;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The file's name.
pub const FILE: &str = "scores.json";

const REMEDY: &str = "; remove it, and train with --resume makes it again";

/// `--calibrate` in config.json, where it was given.
pub const CALIBRATE: &str = "calibrate";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// SHA-256 of the weights whose scores these are.
    weights: String,
    /// Folders of the cell lines of validation.
    pub cells: Vec<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_rule: Option<SecondRule>,
    /// In the order of the probabilities.
    pub factors: Vec<OfFactor>,
}

/// What the windows of the validation regions say of a factor's scores, which are the network's own probabilities.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OfFactor {
    pub name: String,
    /// Windows of which it is known whether they are bound, and those that are.
    pub windows: u64,
    pub bound: u64,
    pub thresholds: Thresholds,
    /// Some of the scores of bound windows, in rising order; models of earlier versions have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub peaks: Vec<f32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Isotonic>,
}

/// What a folder's file is worth.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// No such file: older versions wrote none, converted models have none.
    Nothing,
    /// It is of other weights: training went on and has not come to its end.
    Outdated,
    Scores(Scores),
}

impl Scores {
    /// Those of the folder's best weights.
    ///
    /// # Errors
    /// The weights cannot be read.
    pub fn new(
        folder: &Path,
        cells: Vec<PathBuf>,
        second_rule: Option<SecondRule>,
        factors: Vec<OfFactor>,
    ) -> Result<Scores> {
        Ok(Scores {
            weights: sha256_file(folder.join(BEST))?,
            cells,
            second_rule,
            factors,
        })
    }

    /// # Errors
    /// A file that is damaged, or of another model.
    pub fn find(folder: &Path, model: &Description) -> Result<Found> {
        let path = folder.join(FILE);
        if path.is_dir() {
            return Err(Error::format(
                &path,
                "a folder; expected what training's end writes",
            ));
        }
        // A folder that Keras saved has weights of other names.
        if !path.is_file() || !folder.join(BEST).is_file() {
            return Ok(Found::Nothing);
        }
        let text = read_text(&path)?;
        let scores: Scores = serde_json::from_str(&text)
            .map_err(|e| Error::format_at(&path, e.line() as u64, format!("{e}{REMEDY}")))?;
        let sound = scores.check(model);
        sound.map_err(|message| Error::format(&path, format!("{message}{REMEDY}")))?;
        match scores.weights == sha256_file(folder.join(BEST))? {
            true => Ok(Found::Scores(scores)),
            false => Ok(Found::Outdated),
        }
    }

    fn check(&self, model: &Description) -> std::result::Result<(), String> {
        let names = self.factors.iter().map(|factor| &factor.name);
        if !names.eq(&model.factors) {
            return Err("other factors than the model's".to_string());
        }
        for factor in &self.factors {
            factor.thresholds.check()?;
            factor
                .calibration
                .as_ref()
                .map_or(Ok(()), Isotonic::check)?;
        }
        let rule = self.second_rule.as_ref();
        rule.map_or(Ok(()), |rule| rule.check(&model.network))
    }

    /// Whether every factor has a calibration.
    pub fn calibrated(&self) -> bool {
        self.factors
            .iter()
            .all(|factor| factor.calibration.is_some())
    }

    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(FILE);
        let text = serde_json::to_string(self).map_err(|e| Error::format(&path, e.to_string()))?;
        write_atomic(&path, |w| writeln!(w, "{text}"))
    }
}
