//! The arguments of `cisgrad factornet train`, checked.

use crate::args::ensemble_args::EnsembleArgs;
use crate::args::lr_decay::Decay;
use crate::args::numbers::{number, one_or_more, zero_or_more};
use crate::args::outputs::check_log_dir;
use crate::args::recipe::{Recipe, choose};
use crate::data::windows::annotations::GencodeSpan;
use crate::models::factornet::KIND;
use crate::models::factornet::commands::args::{BATCH, SharedArgs};
use crate::models::factornet::scores::CALIBRATE;
use crate::train::BestBy;
use crate::train::folder::config::own_flag;
use crate::{Error, Result};
use std::path::{Path, PathBuf};

#[derive(clap::Args, Clone)]
pub struct Args {
    /// Folders of the cell lines to train on
    #[arg(short = 'i', long, num_args = 1.., required = true, value_name = "DIR")]
    pub inputdirs: Vec<PathBuf>,
    /// (-vi) Folders of the cell lines to validate on [default: those of -i]
    #[arg(long, num_args = 1.., value_name = "DIR")]
    pub validinputdirs: Vec<PathBuf>,
    /// Validation: chromosomes, regions (chr22:30000000-35000000), BED files, a fold (fold:2/5, of the genome's blocks of 1 Mb) or a
    /// file FOLD.json, of which it is the list valid [default: chr11]
    #[arg(short = 'v', long, num_args = 1.., value_name = "REGION")]
    pub validchroms: Vec<String>,
    /// Test, kept out of training: likewise [default: chr1 chr8 chr21]
    #[arg(short = 't', long, num_args = 1.., value_name = "REGION")]
    pub testchroms: Vec<String>,
    /// A set of choices that trained well (docs/guide.md): log1p of the tracks, more negatives, smaller shifts, smaller batches, a falling rate, the
    /// best epoch by auPRC; a flag that is given wins over it
    #[arg(long, value_name = "NAME")]
    pub recipe: Option<Recipe>,
    /// Passes over the positives [default: 100]
    #[arg(short = 'e', long, value_name = "N", value_parser = one_or_more::<u64>)]
    epochs: Option<u64>,
    /// (-ep) Epochs without a gain before training ends [default: 20]
    #[arg(long, value_name = "N", value_parser = zero_or_more::<u64>)]
    patience: Option<u64>,
    /// What decides which epoch's weights are the best, and when training ends: the validation samples' loss, or their auPRC [default: loss]
    #[arg(long, value_name = "WHAT")]
    best_by: Option<BestByArg>,
    /// (-lr) Learning rate [default: 0.001; with --resume the run's own]
    #[arg(long, value_name = "RATE", value_parser = number)]
    learningrate: Option<f64>,
    /// What becomes of the learning rate over the epochs [default: none]
    #[arg(long, value_name = "WHAT")]
    lr_decay: Option<Decay>,
    /// Negatives for each positive and epoch [default: 1]
    #[arg(short = 'n', long, value_name = "N", value_parser = one_or_more::<u32>)]
    pub(super) negatives: Option<u32>,
    /// Bases of the input
    #[arg(short = 'L', long, default_value_t = 1000, value_name = "BASES", value_parser = one_or_more::<usize>)]
    pub seqlen: usize,
    /// Bases under a kernel
    #[arg(short = 'w', long, default_value_t = 26, value_name = "BASES", value_parser = one_or_more::<usize>)]
    pub motifwidth: usize,
    /// Kernels
    #[arg(short = 'k', long, default_value_t = 32, value_name = "N", value_parser = one_or_more::<usize>)]
    pub kernels: usize,
    /// Units of the LSTM in each direction; 0: no LSTM; negative: the maximum over all positions instead
    #[arg(
        short = 'r',
        long,
        default_value_t = 32,
        allow_negative_numbers = true,
        value_name = "N"
    )]
    pub recurrent: i64,
    /// Units of the dense layers
    #[arg(short = 'd', long, default_value_t = 128, value_name = "N", value_parser = one_or_more::<usize>)]
    pub dense: usize,
    /// Probability of dropout before the dense layers
    #[arg(short = 'p', long, default_value_t = 0.5, value_name = "P", value_parser = number)]
    pub dropout: f64,
    /// Seed of weights, negatives, shifts, order and dropout
    #[arg(short = 's', long, default_value_t = 420, value_name = "N", value_parser = zero_or_more::<u64>)]
    pub seed: u64,
    /// The factor to train on [default: all of chip.txt at once]
    #[arg(short = 'f', long, value_name = "NAME")]
    pub factor: Option<String>,
    /// Take the values of meta.txt as inputs
    #[arg(short = 'm', long)]
    pub meta: bool,
    /// Take annotation features (CpG island, CDS, intron, promoter, UTRs) as inputs
    #[arg(short = 'g', long)]
    pub gencode: bool,
    /// (-mo) Start two kernels from the factor's known motif
    #[arg(long)]
    pub motif: bool,
    /// Known motifs, MEME [default: HOCOMOCOv9.meme in --resources]
    #[arg(long, value_name = "MEME")]
    pub motif_db: Option<PathBuf>,
    /// The known motif that -mo starts from, by the first word after MOTIF [default: the factor's, found by name]
    #[arg(long, value_name = "ID")]
    pub motif_name: Option<String>,
    /// Move a positive's window by at most this many bases in training [default: peak end - window start - 76, as the original]
    #[arg(long, value_name = "BASES", value_parser = zero_or_more::<u32>)]
    max_shift: Option<u32>,
    /// What becomes of the tracks' values: none, or log1p, ln(1 + x), which the model then does wherever it is used [default: none]
    #[arg(long, value_name = "WHAT")]
    track_transform: Option<TransformArg>,
    /// What of a positive is looked up in the annotation: its window, as in prediction, or the whole peak
    #[arg(long, default_value = "window", value_name = "SPAN")]
    pub gencode_span: SpanArg,
    /// Fit the probabilities to the share of bound windows in the validation regions, all of them (isotonic regression); kept in the
    /// model. With --resume a model that was trained without can have it
    #[arg(long)]
    pub calibrate: bool,
    /// Model folder to make; it must not exist
    #[arg(
        short = 'o',
        long,
        value_name = "DIR",
        conflicts_with = "outputdirc",
        required_unless_present = "outputdirc"
    )]
    pub outputdir: Option<PathBuf>,
    /// (-oc) Model folder to make, or to write over
    #[arg(long, value_name = "DIR")]
    pub outputdirc: Option<PathBuf>,
    /// Write losses, auPRC and the learning rate for TensorBoard into a folder of the run's own in DIR
    #[arg(long, value_name = "DIR")]
    pub(super) log_dir: Option<PathBuf>,
    #[command(flatten)]
    pub ensemble: EnsembleArgs,
    /// Go on with the run in the model folder
    #[arg(long)]
    pub resume: bool,
    #[command(flatten)]
    pub shared: SharedArgs,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanArg {
    Window,
    Peak,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransformArg {
    None,
    Log1p,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum BestByArg {
    Loss,
    #[value(name = "auPRC")]
    AuPrc,
}

/// The learning rate in config.json.
pub const RATE: &str = "learningrate";
pub const VALIDATION: [&str; 1] = ["chr11"];
pub const TEST: [&str; 3] = ["chr1", "chr8", "chr21"];

/// The words of a choice of regions, or those of its default.
pub fn words(given: &[String], default: &[&str]) -> Vec<String> {
    if given.is_empty() {
        default.iter().map(|w| (*w).to_string()).collect()
    } else {
        given.to_vec()
    }
}

impl Args {
    /// # Errors
    /// The first thing that no run can have.
    pub fn check(&self) -> Result<()> {
        check_log_dir(self.log_dir.as_deref())?;
        let fail = |message: String| Err(Error::usage(message));
        self.ensemble.check()?;
        self.ensemble.ensemble(&KIND, self.seed)?;
        if self.ensemble.folds.is_some() {
            let given = [("-v", &self.validchroms), ("-t", &self.testchroms)];
            if let Some((flag, _)) = given.iter().find(|(_, words)| !words.is_empty()) {
                return fail(format!("--folds makes the splits itself: leave out {flag}"));
            }
        }
        if self.factor.is_none() {
            let single: [(&str, bool); 4] = [
                ("-vi", !self.validinputdirs.is_empty()),
                ("-m", self.meta),
                ("-g", self.gencode),
                ("-mo", self.motif),
            ];
            if let Some((flag, _)) = single.iter().find(|(_, given)| *given) {
                return fail(format!(
                    "{flag} goes with -f: without a factor all are trained at once"
                ));
            }
            if self.inputdirs.len() > 1 {
                return fail(format!(
                    "-i with {} folders goes with -f: without a factor all of one cell line are trained at once",
                    self.inputdirs.len()
                ));
            }
        }
        if !self.seqlen.is_multiple_of(2) {
            return fail(format!(
                "-L {}: expected an even number of bases",
                self.seqlen
            ));
        }
        if self.motifwidth < 2 || self.motifwidth > self.seqlen {
            return fail(format!(
                "-w {}: expected 2 to -L {}",
                self.motifwidth, self.seqlen
            ));
        }
        if let (false, Some(name)) = (self.motif, &self.motif_name) {
            return fail(format!(
                "--motif-name {name} says which motif -mo starts from: give -mo as well"
            ));
        }
        if self.motif && self.kernels < 2 {
            return fail(format!(
                "-mo takes two kernels, one for each strand; -k is {}",
                self.kernels
            ));
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return fail(format!(
                "-p {}: expected 0 or more and below 1",
                self.dropout
            ));
        }
        if let Some(rate) = self.learningrate
            && !(rate > 0.0 && rate.is_finite())
        {
            return fail(format!("-lr {rate}: expected a number above 0"));
        }
        Ok(())
    }

    /// What a recipe says where no flag does.
    fn or<T>(&self, given: Option<T>, recommended: T, original: T) -> T {
        choose(given, self.recipe, recommended, original)
    }

    pub fn negatives(&self) -> u32 {
        self.or(self.negatives, 3, 1)
    }

    /// Whether `--max-shift` stands there.
    pub fn shift_given(&self) -> bool {
        self.max_shift.is_some()
    }

    pub fn epochs(&self) -> u64 {
        self.or(self.epochs, 60, 100)
    }

    pub fn patience(&self) -> u64 {
        self.or(self.patience, 60, 20)
    }

    pub fn best_by(&self) -> BestBy {
        match self.or(self.best_by, BestByArg::AuPrc, BestByArg::Loss) {
            BestByArg::Loss => BestBy::Loss,
            BestByArg::AuPrc => BestBy::Overall,
        }
    }

    pub fn lr_decay(&self) -> Decay {
        self.or(self.lr_decay, Decay::Cosine, Decay::None)
    }

    pub fn max_shift(&self) -> Option<u32> {
        // Of all factors at once windows are moved in another way.
        let recommended = self.factor.as_ref().map(|_| 60);
        self.or(self.max_shift.map(Some), recommended, None)
    }

    pub fn track_transform(&self) -> TransformArg {
        self.or(
            self.track_transform,
            TransformArg::Log1p,
            TransformArg::None,
        )
    }

    pub fn batch_size(&self) -> usize {
        self.or(self.shared.batch_size, 20, BATCH)
    }

    /// The learning rate: as given, else that of the run that goes on, else the original's.
    pub fn rate(&self) -> f64 {
        const ORIGINAL: f64 = 0.001;
        let own = || {
            self.resume
                .then(|| own_flag(self.folder(), RATE))??
                .as_f64()
        };
        self.learningrate.or_else(own).unwrap_or(ORIGINAL)
    }

    /// Whether the model is to be calibrated: asked for now, or by the run that goes on.
    pub fn calibrates(&self) -> bool {
        let own = || self.resume && own_flag(self.folder(), CALIBRATE) == Some(true.into());
        self.calibrate || own()
    }

    /// The model folder.
    pub fn folder(&self) -> &Path {
        let given = self.outputdir.as_deref().or(self.outputdirc.as_deref());
        given.unwrap_or(Path::new(""))
    }

    /// Whether the model folder may be there already.
    pub fn overwrite(&self) -> bool {
        self.outputdirc.is_some()
    }

    pub fn validation(&self) -> Vec<String> {
        words(&self.validchroms, &VALIDATION)
    }

    pub fn test(&self) -> Vec<String> {
        words(&self.testchroms, &TEST)
    }

    pub fn span(&self) -> GencodeSpan {
        match self.gencode_span {
            SpanArg::Window => GencodeSpan::Window,
            SpanArg::Peak => GencodeSpan::Peak,
        }
    }
}
