//! What the runs of `cisgrad tisfm train` read, once for all models of an ensemble, and what simple rules make of it.

use super::args::{Args, PositionStart};
use crate::args::{outputs, say};
use crate::data::Notes;
use crate::data::dataset::Dataset;
use crate::data::split::rows::Split;
use crate::data::split::rows::SplitSpec;
use crate::dna::motif::Motif;
use crate::engine::Philox;
use crate::engine::params::STREAM_SPLIT;
use crate::io::meme::parse_meme;
use crate::io::sources::Sources;
use crate::models::tisfm::KIND;
use crate::models::tisfm::baselines::{Baseline, baselines};
use crate::models::tisfm::commands::data_args::check_response_num;
use crate::models::tisfm::measured::misleading;
use crate::models::tisfm::{MotifKernels, Spec};
use crate::numbers::{counted, has_or_have};
use crate::report::progress::Reporter;
use crate::{Error, Result};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// What the simple rules say of the test sequences of splits that had their turn.
#[derive(Default)]
pub struct Rules(Mutex<Vec<(Split, Arc<Vec<Baseline>>)>>);

impl Rules {
    pub fn of(&self, dataset: &Dataset, split: &Split, reporter: &Reporter) -> Arc<Vec<Baseline>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, rules)) = known.iter().find(|(of, _)| of == split) {
            return rules.clone();
        }
        reporter.line("simple rules are fitted to the same training sequences, to compare with");
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
            sources.lines(&args.inputs.signals())?,
            &args.inputs.columns(),
            sources.lines(&args.inputs.sequences())?,
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
                args.inputs.signals().display()
            ));
        }
        if let Some(window) = args.window_size
            && window != dataset.length
        {
            return Err(Error::invalid(format!(
                "--window-size {window}: the sequences of {} are {} long",
                args.inputs.sequences().display(),
                counted(dataset.length, "base")
            )));
        }
        if let Some(outputs) = args.response_num {
            check_response_num(outputs, &args.inputs.signals(), &dataset)?;
        }
        if let Some(which) = misleading(&dataset.outputs) {
            return Err(Error::format(args.inputs.signals(), which));
        }
        let own_split = args.inputs.split.is_some() || args.ensemble.folds.is_some();
        if let Some(prepared) = args.inputs.prepared()?
            && own_split
            && prepared.transform.is_fitted()
        {
            notes.push(format!(
                "note: {}: its transform ({}) was fitted on the training rows of the folder's own split, not of this run's",
                args.inputs.signals().display(),
                prepared.transform.describe()
            ));
        }
        Ok(Read {
            dataset,
            kernels,
            motifs,
            notes,
        })
    }
}

impl Args {
    /// The files that the flags name.
    pub(super) fn inputs(&self) -> Vec<PathBuf> {
        let mut files = self.inputs.files();
        files.push(PathBuf::from(self.architecture()));
        if let Some(model) = &self.model {
            files.extend(outputs::model_files(model, &KIND));
            files.push(model.clone());
        }
        files
    }

    /// The motifs with their kernels, where the architecture has a motif layer.
    pub(super) fn motifs(
        &self,
        spec: &Spec,
        sources: &Sources,
        notes: &mut Notes,
    ) -> Result<(Option<MotifKernels>, Vec<Motif>)> {
        match (&self.inputs.meme_file, spec.strands()) {
            (Some(file), Some(_)) => {
                let motifs = parse_meme(sources.lines(file)?, notes)?;
                let kernels = MotifKernels::new(&motifs, self.calibrate_motifs());
                Ok((Some(kernels), motifs))
            }
            (None, Some(_)) => Err(Error::usage(format!(
                "--architecture {} needs --meme-file",
                spec.name
            ))),
            (_, None) => Ok((None, Vec::new())),
        }
    }

    /// Flags that do nothing here.
    pub(super) fn ignored(&self, spec: &Spec) -> Notes {
        let class = self
            .class_name
            .as_ref()
            .map(|_| "note: --class-name is ignored; --architecture decides".to_string());
        let heads = self
            .num_of_heads
            .map(|_| "note: --num-of-heads is ignored; --architecture decides".to_string());
        let flags = [
            (self.inputs.meme_file.is_some(), "--meme-file is ignored"),
            (
                self.calibrate_motifs_given(),
                "--calibrate-motifs does nothing",
            ),
        ];
        let idle = match () {
            () if self.position_start == PositionStart::Normal => None,
            () if self.model.is_some() => Some("--model gives the position scalars".to_string()),
            () if spec.position_tables().next().is_none() => {
                Some(format!("{} has no position scalars", spec.name))
            }
            () => None,
        };
        let idle = idle.map(|why| format!("note: --position-start does nothing here: {why}"));
        let motifs = flags
            .iter()
            .filter(|(given, _)| *given && spec.strands().is_none())
            .map(|(_, what)| format!("note: {} has no motif layer; {what}", spec.name));
        class
            .into_iter()
            .chain(heads)
            .chain(idle)
            .chain(motifs)
            .collect()
    }

    pub(super) fn split(&self, dataset: &Dataset) -> Result<Split> {
        let spec = match (self.inputs.split_folder(), &self.inputs.split) {
            (Some(folder), _) => SplitSpec::Folder(folder.to_path_buf()),
            (None, Some(rule)) => rule.parse()?,
            (None, None) => return Err(Error::usage("a split is needed")),
        };
        let philox = Philox::new(self.split_seed.unwrap_or(self.seed));
        let mut index = 0;
        spec.split(dataset, || {
            index += 1;
            philox.bits(STREAM_SPLIT, index)
        })
    }
}
