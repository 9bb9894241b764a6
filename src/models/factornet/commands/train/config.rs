//! What config.json keeps of a run.

use super::args::{Args, TransformArg};
use super::cells::{Cells, lasting_name, tracks_of, values_of};
use super::files;
use crate::Result;
use crate::args::lr_decay::Decay;
use crate::data::tracks::Transform;
use crate::data::tracks::reverse_order;
use crate::io::sources::{Sources, is_fleeting};
use crate::models::factornet::cell_line::factor_files;
use crate::models::factornet::config::{BLACKLIST, Config, Description};
use crate::models::factornet::scores::CALIBRATE;
use crate::models::factornet::{Dropouts, KIND, Recurrent, Spec};
use crate::train::BestBy;
use crate::train::folder::config::{PIPE, Precision, named};
use std::path::PathBuf;

impl Args {
    pub(super) fn config(
        &self,
        cells: &Cells,
        precision: Precision,
        sources: &Sources,
    ) -> Result<Config> {
        let first = &cells.train[0];
        let tracks: Vec<String> = first.tracks.iter().map(|t| t.name.clone()).collect();
        let factors: Vec<String> = match &self.factor {
            Some(name) => {
                factor_files(&cells.all(), name)?;
                vec![name.clone()]
            }
            None => first.factors.iter().map(|f| f.name.clone()).collect(),
        };
        let meta: Vec<String> = match self.meta {
            true => first.meta.iter().map(|m| m.name.clone()).collect(),
            false => Vec::new(),
        };
        let folders = |list: &[PathBuf]| list.iter().map(|p| named(p)).collect::<Result<Vec<_>>>();
        let scale = self
            .shared
            .track_scale
            .clone()
            .unwrap_or_else(|| "none".to_string());
        scale.parse::<crate::data::tracks::Scale>()?;
        let flags = serde_json::json!({
            "inputdirs": folders(&self.inputdirs)?,
            "validinputdirs": folders(&self.validinputdirs)?,
            "validchroms": files::lasting(&self.validation()),
            "testchroms": files::lasting(&self.test()),
            "epochs": self.epochs(),
            "patience": self.patience(),
            "learningrate": self.rate(),
            "negatives": self.negatives(),
            "seed": self.seed,
            "factor": self.factor,
            "motif": self.motif,
            "motif_name": self.motif_name,
            "max_shift": self.max_shift(),
            "batch_size": self.batch_size(),
            "track_storage": format!("{:?}", self.shared.track_storage).to_lowercase(),
            "genome": lasting_name(&self.shared.genome_file()?)?,
            "bigwig.txt": tracks_of(&cells.all())?,
            "meta.txt": self.meta.then(|| values_of(&cells.all())),
            "annotations": match (self.gencode, &self.shared.gtf) {
                (true, None) => Some(named(self.shared.annotations_folder())?),
                _ => None,
            },
            "gtf": match &self.shared.gtf {
                Some(gtf) if self.gencode && is_fleeting(gtf) => Some(PIPE.to_string()),
                Some(gtf) if self.gencode => Some(named(gtf)?),
                _ => None,
            },
            "promoter": (self.gencode && self.shared.gtf.is_some()).then_some(&self.shared.promoter),
        });
        let mut flags = match flags {
            serde_json::Value::Object(map) => map,
            _ => serde_json::Map::new(),
        };
        // A flag that changes nothing is left out: older runs go on.
        if self.calibrates() {
            flags.insert(CALIBRATE.to_string(), true.into());
        }
        if self.best_by() == BestBy::Overall {
            flags.insert("best_by".to_string(), "auPRC".into());
        }
        if self.lr_decay() == Decay::Cosine {
            flags.insert("lr_decay".to_string(), "cosine".into());
        }
        // For the commands that look at the model later; what it holds is compared with the files.
        let lasting = |file: &&PathBuf| !is_fleeting(file);
        if let Some(file) = self.shared.blacklist.as_ref().filter(lasting) {
            flags.insert(BLACKLIST.to_string(), named(file)?.into());
        }
        let mut config = Config {
            version: env!("CARGO_PKG_VERSION").to_string(),
            kind: KIND.name.to_string(),
            model: Description {
                network: Spec {
                    length: self.seqlen,
                    motif_width: self.motifwidth,
                    kernels: self.kernels,
                    recurrent: Recurrent::of(self.recurrent),
                    dense: self.dense,
                    rc_order: reverse_order(&tracks)?,
                    tracks,
                    meta: 0,
                    factors: factors.len(),
                    dropout: Dropouts::of(self.dropout),
                },
                factors,
                meta,
                gencode: self.gencode,
                gencode_span: self.span(),
                track_scale: scale,
                track_transform: match self.track_transform() {
                    TransformArg::None => Transform::None,
                    TransformArg::Log1p => Transform::Log1p,
                },
                // Known when the tracks have been read.
                track_means: Vec::new(),
                // Known when the samples have been drawn.
                training_share: Vec::new(),
                genome: String::new(),
            },
            precision,
            files: self.files(&cells.all(), sources)?,
            flags,
        };
        let model = &mut config.model;
        model.network.meta = model.meta_inputs();
        model.network.check()?;
        Ok(config)
    }
}
