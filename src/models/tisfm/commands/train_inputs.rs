//! What the runs of `cisgrad tisfm train` read, once for all models of an ensemble, and what simple rules make of it.

use super::data_args::check_response_num;
use super::train_args::Args;
use crate::args::say;
use crate::data::Notes;
use crate::data::dataset::Dataset;
use crate::data::split::rows::Split;
use crate::dna::motif::Motif;
use crate::io::sources::Sources;
use crate::models::tisfm::baselines::{Baseline, baselines};
use crate::models::tisfm::measured::misleading;
use crate::models::tisfm::{MotifKernels, Spec};
use crate::numbers::{counted, has_or_have};
use crate::{Error, Result};
use std::sync::{Arc, Mutex, PoisonError};

/// What the simple rules say of the test sequences of splits that had their turn.
#[derive(Default)]
pub(super) struct Rules(Mutex<Vec<(Split, Arc<Vec<Baseline>>)>>);

impl Rules {
    pub fn of(&self, dataset: &Dataset, split: &Split) -> Arc<Vec<Baseline>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, rules)) = known.iter().find(|(of, _)| of == split) {
            return rules.clone();
        }
        let rules = Arc::new(baselines(dataset, split, &split.test));
        known.push((split.clone(), rules.clone()));
        rules
    }
}

/// The inputs of a run.
pub(super) struct Read {
    pub dataset: Dataset,
    pub kernels: Option<MotifKernels>,
    pub motifs: Vec<Motif>,
    pub notes: Notes,
}

impl Read {
    pub fn of(args: &Args, spec: &Spec, sources: &Sources) -> Result<Read> {
        let mut notes = args.ignored(spec);
        let (kernels, motifs) = args.motifs(spec, sources, &mut notes)?;
        let read = Dataset::read(
            sources.lines(&args.inputs.atac_file)?,
            &args.columns(),
            sources.lines(&args.inputs.sequences)?,
            args.inputs.genome.as_deref(),
            &mut notes,
        );
        // What was noticed on the way may be why.
        let (dataset, unused) = read.inspect_err(|_| say(&notes))?;
        if unused > 0 {
            notes.push(format!(
                "note: {} {} no row in {}",
                counted(unused, "sequence"),
                has_or_have(unused),
                args.inputs.atac_file.display()
            ));
        }
        if let Some(window) = args.window_size
            && window != dataset.length
        {
            return Err(Error::invalid(format!(
                "--window-size {window}: the sequences of {} are {} long",
                args.inputs.sequences.display(),
                counted(dataset.length, "base")
            )));
        }
        if let Some(outputs) = args.response_num {
            check_response_num(outputs, &args.inputs.atac_file, &dataset)?;
        }
        if let Some(which) = misleading(&dataset.outputs) {
            return Err(Error::format(&args.inputs.atac_file, which));
        }
        Ok(Read {
            dataset,
            kernels,
            motifs,
            notes,
        })
    }
}
