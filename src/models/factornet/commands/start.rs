//! Where the weights of a training run start: at random, two kernels from a known motif.

use super::train_args::Args;
use crate::Result;
use crate::dna::motif::Motif;
use crate::models::factornet::config::Config;
use crate::models::factornet::inject;
use crate::numbers::{counted, is_or_are};
use crate::train::folder::weights::Number;
use crate::train::model::Model;

impl Args {
    /// Fresh weights, with the known motif where there is one to start from.
    pub(super) fn weights<T: Number>(
        &self,
        config: &Config,
        motif: Option<&Motif>,
    ) -> Result<Vec<T>> {
        let network = &config.model.network;
        let layout = network.layout()?;
        let mut params = layout.initialise::<T>(self.seed);
        if let Some(motif) = motif {
            let injected = inject(network, &layout, &mut params, &motif.rows)?;
            if injected.cut > 0 {
                eprintln!(
                    "warning: -mo: {} has {}, -w is {}: {} {} cut off around its middle",
                    motif.shown(),
                    counted(motif.rows.len(), "position"),
                    network.motif_width,
                    injected.cut,
                    is_or_are(injected.cut)
                );
            }
        }
        Ok(params)
    }
}
