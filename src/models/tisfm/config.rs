//! What config.json says of a tiSFM model.

use super::network::{Blueprint, Loss, Trainable};
use super::{Dimensions, MotifKernels, Spec};
use crate::data::batch_offsets::BatchOffsets;
use crate::data::transforms::FittedChain;
use crate::dna::motif::{self, Motif};
use crate::io::signals::RowColumns;
use crate::train::folder::config::{Described, Difference};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
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
pub struct Description {
    pub architecture: Spec,
    /// The motifs' identifiers, in the order of their kernels.
    pub motifs: Vec<String>,
    /// The factors' names, by identifier, of the motifs that have one; folders of older versions hold none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub motif_names: BTreeMap<String, String>,
    /// Columns of the motif kernels' buffer.
    pub motif_width: usize,
    pub outputs: Vec<String>,
    /// Length of the sequences.
    pub window: usize,
    #[serde(default)]
    pub trainable: Trainable,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<DataFiles>,
    /// The columns of the signal table that are no outputs.
    #[serde(default, skip_serializing_if = "RowColumns::is_empty")]
    pub columns: RowColumns,
    /// What was taken off the signals of each batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_offsets: Option<BatchOffsets>,
    /// What was done to the signals before they were written, where `cisgrad prepare` did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transform: Option<FittedChain>,
}

/// config.json of a tiSFM model.
pub type Config = crate::train::folder::config::Config<Description>;

impl Description {
    /// Of a model before its data are known.
    pub fn of(blueprint: &Blueprint, motifs: &[Motif], outputs: Vec<String>) -> Self {
        let (motifs, motif_names) = named_motifs(motifs);
        Description {
            architecture: blueprint.spec.clone(),
            motifs,
            motif_names,
            motif_width: blueprint.kernels.as_ref().map_or(0, MotifKernels::width),
            outputs,
            window: blueprint.dimensions.window,
            trainable: blueprint.trainable,
            data: None,
            columns: RowColumns::default(),
            batch_offsets: None,
            transform: None,
        }
    }

    fn offsets_fit(&self) -> bool {
        let offsets = self.batch_offsets.as_ref();
        offsets.is_none_or(|offsets| offsets.are_of(self.outputs.len()))
    }

    /// What is known of how the signals were made, for where results are shown.
    pub fn tell_transform(&self) {
        if let Some(transform) = &self.transform {
            tell!("{}", transform.sentence());
        }
    }

    /// A motif by the place of its kernel, as messages call it.
    pub fn shown_motif(&self, place: usize) -> Option<String> {
        let id = self.motifs.get(place)?;
        let name = self.motif_names.get(id).map(String::as_str);
        Some(motif::shown(id, name))
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
            loss: Loss::default(),
        }
    }
}

/// Identifiers in the collection's order, and the names that some motifs have.
fn named_motifs(motifs: &[Motif]) -> (Vec<String>, BTreeMap<String, String>) {
    let name = |motif: &Motif| Some((motif.id.clone(), motif.label.clone()?));
    let ids = motifs.iter().map(|motif| motif.id.clone());
    (ids.collect(), motifs.iter().filter_map(name).collect())
}

impl Described for Description {
    fn check(&self) -> Result<(), String> {
        match () {
            () if self.outputs.is_empty() => Err("a model without outputs".to_string()),
            () if self.window == 0 => Err("a model of sequences without a base".to_string()),
            () if self.motif_width == 0 && !self.motifs.is_empty() => {
                Err("a model of motifs without a position".to_string())
            }
            () if !self.offsets_fit() => Err("offsets of batches for other outputs".to_string()),
            () => Ok(()),
        }
    }

    fn difference(&self, now: &Self) -> Option<Difference> {
        // Before the outputs, which follow from them.
        let (a, b) = (&self.columns, &now.columns);
        let columns = [
            ("--weights", &a.weights, &b.weights),
            ("--batch-column", &a.batch, &b.batch),
        ];
        let column = columns.into_iter().find(|(_, before, now)| before != now);
        if let Some((flag, before, now)) = column {
            return Some(Difference {
                what: flag.to_string(),
                before: before.clone(),
                now: now.clone(),
            });
        }
        if self.architecture != now.architecture {
            return Some(Difference {
                what: "architecture".to_string(),
                before: Some(self.architecture.name.clone()),
                now: Some(now.architecture.name.clone()),
            });
        }
        // Of as many motifs, the first other one.
        let other = self
            .motifs
            .iter()
            .zip(&now.motifs)
            .position(|(a, b)| a != b);
        let other = other.filter(|_| self.motifs.len() == now.motifs.len());
        let motifs = |d: &Self| match other {
            Some(at) => d.shown_motif(at).unwrap_or_default(),
            None => d.motifs.len().to_string(),
        };
        let trainable = |d: &Self| format!("{:?}", d.trainable);
        Difference::among([
            ("outputs", self.outputs.join(","), now.outputs.join(",")),
            ("motifs", motifs(self), motifs(now)),
            ("window", self.window.to_string(), now.window.to_string()),
            ("trainable", trainable(self), trainable(now)),
        ])
    }

    fn keep_paths(&mut self, before: &Self, gone: &dyn Fn(&Path) -> bool) {
        if let (Some(now), Some(before)) = (&mut self.data, &before.data) {
            let pairs = [
                (&mut now.atac_file, &before.atac_file),
                (&mut now.sequences, &before.sequences),
            ];
            for (now, before) in pairs {
                if gone(now) {
                    now.clone_from(before);
                }
            }
        }
    }
}
