//! The weights that a run starts from.

use super::args::{Args, PositionStart};
use crate::io::state_dict::StateDict;
use crate::models::tisfm::config::Config;
use crate::models::tisfm::network::{Blueprint, Network};
use crate::models::tisfm::{foreign, saved};
use crate::train::folder::config::no_model;
use crate::train::folder::weights::Number;
use crate::train::folder::{BEST, CONFIG, epoch_digits, weights_file};
use crate::train::model::Kinds;
use crate::{Error, Result};
use std::collections::HashSet;
use std::path::Path;

impl Args {
    /// Fresh weights, or those that --model names.
    pub(super) fn start<T: Number>(
        &self,
        blueprint: Blueprint,
        config: &Config,
        known: Kinds,
    ) -> Result<Network<T>> {
        let Some(path) = &self.model else {
            let tables: HashSet<String> = match self.position_start {
                PositionStart::Zero => blueprint.spec.position_tables().collect(),
                PositionStart::Normal => HashSet::new(),
            };
            let mut network = Network::<T>::initialise(blueprint, self.seed)?;
            let params = network.layout.params.iter();
            for param in params.filter(|param| tables.contains(&param.name)) {
                network.params[param.range()].fill(T::ZERO);
            }
            return Ok(network);
        };
        let warn = |weights: &StateDict| {
            if let (Some(kernels), Some(strands)) = (&blueprint.kernels, blueprint.spec.strands()) {
                let shown = |place| config.model.shown_motif(place);
                let warning = foreign::of_other_motifs(kernels, strands, shown, weights);
                warning.iter().for_each(|warning| tell!("{warning}"));
            }
        };
        if self.calibrate_motifs_given() && blueprint.kernels.is_some() {
            tell!(
                "note: --calibrate-motifs does nothing here: --model gives the motifs' scales and biases"
            );
        }
        if path.is_dir() && path.join(CONFIG).exists() {
            let theirs = saved::open(path, known)?;
            let (ours, outputs) = (&config.model.outputs, &theirs.config.model.outputs);
            if outputs != ours {
                tell!(
                    "warning: {} was trained on the outputs {}, this run's are {}",
                    path.display(),
                    outputs.join(", "),
                    ours.join(", ")
                );
            }
            // By the same identifiers in the same order no factor has another's name: what differs was trained.
            if theirs.config.model.motifs != config.model.motifs {
                warn(&theirs.weights);
            }
            return Network::from_state_dict(blueprint, &theirs.weights, &theirs.file);
        }
        let file = match path.is_dir() {
            true if !path.join(BEST).exists() => return Err(no_model(path)),
            true => path.join(BEST),
            false => weights_file(path),
        };
        let weights = foreign::read(&blueprint.spec, &file)?;
        warn(&weights.state);
        let (network, notes) = Network::from_foreign(blueprint, weights)?;
        for note in notes {
            tell!("{note}");
        }
        Ok(network)
    }

    /// The original goes on in the folder of the weights, with the rate that it finds there.
    pub(super) fn check_apart(&self, weights: &Path) -> Result<()> {
        let folder = match (weights.is_dir(), weights.parent()) {
            (true, _) => weights,
            (false, Some(folder)) if !folder.as_os_str().is_empty() => folder,
            (false, _) => Path::new("."),
        };
        match (folder.canonicalize(), self.model_output.canonicalize()) {
            (Ok(folder), Ok(out)) if folder == out => Err(Error::usage(format!(
                "--model {}: it lies in --model-output itself: choose another folder; a run of this program goes on in its own folder with --resume and without --model",
                weights.display()
            ))),
            _ => Ok(()),
        }
    }

    /// The epoch of the weights that the run starts from, after which its own are numbered.
    pub(super) fn epochs_before(&self) -> Result<u64> {
        let Some(file) = self.model.as_deref().map(weights_file) else {
            return Ok(0);
        };
        let Some(digits) = epoch_digits(&file) else {
            return Ok(0);
        };
        let last = |before: &u64| before.checked_add(self.epochs()).is_some();
        let number = digits.parse().ok().filter(last);
        number.ok_or_else(|| {
            Error::usage(format!(
                "--model {}: epochs are numbered after that of the weights, and {digits} is too large a number: rename the file",
                file.display()
            ))
        })
    }
}
