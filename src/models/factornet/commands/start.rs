//! Where the weights of a training run start: at random, two kernels from a known motif.

use super::train_args::Args;
use crate::io::meme::read_meme;
use crate::models::factornet::config::Config;
use crate::models::factornet::inject;
use crate::models::factornet::known_motif::find;
use crate::numbers::{counted, is_or_are};
use crate::train::folder::weights::Number;
use crate::train::model::Model;
use crate::{Error, Result};
use std::path::PathBuf;

impl Args {
    /// The file of known motifs, where kernels start from one.
    ///
    /// # Errors
    /// None is named and none lies in --resources.
    pub(super) fn known_motifs(&self) -> Result<Option<PathBuf>> {
        if !self.motif {
            return Ok(None);
        }
        let shared = &self.shared;
        let given = self.motif_db.clone();
        let file = given.or_else(|| shared.resource("HOCOMOCOv9.meme"));
        file.map(Some).ok_or_else(|| {
            Error::usage(format!(
                "-mo: no known motifs: give --motif-db MEME, or keep HOCOMOCOv9.meme in {}",
                shared.resources.display()
            ))
        })
    }

    /// Fresh weights, with the factor's motif where that is asked for.
    pub(super) fn weights<T: Number>(&self, config: &Config) -> Result<Vec<T>> {
        let network = &config.model.network;
        let layout = network.layout()?;
        let mut params = layout.initialise::<T>(self.seed);
        let (Some(file), Some(factor)) = (self.known_motifs()?, &self.factor) else {
            return Ok(params);
        };
        let motifs = read_meme(&file)?;
        match find(&motifs, factor) {
            None => eprintln!(
                "warning: -mo: {} has no motif whose name ends or begins with the word {factor}; the kernels start at random",
                file.display()
            ),
            Some(motif) => {
                let injected = inject(network, &layout, &mut params, &motif.rows)?;
                eprintln!("two kernels start from {} of {}", motif.id, file.display());
                if injected.cut > 0 {
                    eprintln!(
                        "warning: -mo: {} has {}, -w is {}: {} {} cut off around its middle",
                        motif.id,
                        counted(motif.rows.len(), "position"),
                        network.motif_width,
                        injected.cut,
                        is_or_are(injected.cut)
                    );
                }
            }
        }
        Ok(params)
    }
}
