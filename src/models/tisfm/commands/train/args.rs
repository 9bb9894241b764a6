//! The flags of `cisgrad tisfm train`: the original train_model.py's, and ours.

use crate::args::ensemble_args::EnsembleArgs;
use crate::args::lr_decay::Decay;
use crate::args::numbers::{number, one_or_more, zero_or_more};
use crate::args::outputs::check_log_dir;
use crate::args::recipe::{Recipe, choose};
use crate::args::{DeviceArgs, PrecisionArg};
use crate::models::tisfm::KIND;
use crate::models::tisfm::commands::input_args::InputArgs;
use crate::models::tisfm::network::Trainable;
use crate::models::tisfm::penalty_path::{PenaltyKind, linear_range, log_range, sorted};
use crate::train::BestBy;
use crate::train::folder::config::own_flag;
use crate::{Error, Result};
use serde_json::Value;
use std::path::PathBuf;

#[derive(clap::Args, Clone, Debug)]
pub struct Args {
    #[command(flatten)]
    pub(super) inputs: InputArgs,
    /// Folder of the model; must not hold one
    #[arg(long, visible_alias = "out", value_name = "DIR")]
    pub(super) model_output: PathBuf,
    /// A set of choices that trained well (docs/guide.md); a flag that is given wins over it
    #[arg(long, value_name = "NAME")]
    pub(super) recipe: Option<Recipe>,
    /// A built-in architecture, or the path of a TOML file [default: model_pos_attention_calib_sigmoid_interaction]
    #[arg(long, value_name = "NAME")]
    architecture: Option<String>,
    /// Accepted and ignored: the original's name of the Python class
    #[arg(long, value_name = "NAME")]
    pub(super) class_name: Option<String>,
    /// Accepted and ignored: the original's heads of attention, in its script for AI-TAC
    #[arg(long, value_name = "N", hide = true, value_parser = one_or_more::<usize>)]
    pub(super) num_of_heads: Option<usize>,
    /// Must agree with the signals' columns: of the original's script for AI-TAC
    #[arg(long, value_name = "N", hide = true, value_parser = one_or_more::<usize>)]
    pub(super) response_num: Option<usize>,
    /// Length of the sequences [default: theirs]
    #[arg(long, value_name = "BASES", value_parser = one_or_more::<usize>)]
    pub(super) window_size: Option<usize>,
    /// Passes over the training sequences [default: 10]
    #[arg(long, value_name = "N", value_parser = one_or_more::<u64>)]
    number_of_epochs: Option<u64>,
    /// Sequences of an optimizer step [default: 254]
    #[arg(long, value_name = "N", value_parser = one_or_more::<usize>)]
    batch_size: Option<usize>,
    /// Strength of the penalty; several make a path
    #[arg(long, num_args = 1.., value_name = "LAMBDA", conflicts_with = "penalty_param_range", value_parser = number)]
    pub(super) penalty_param: Vec<f64>,
    /// A path over NUM strengths from START to STOP, and 0; with --log-penalty-param-range beside it, a switch, their logarithms
    /// are evenly spaced
    #[arg(long, num_args = 3, value_names = ["START", "STOP", "NUM"], allow_negative_numbers = true, value_parser = number)]
    pub(super) penalty_param_range: Vec<f64>,
    // A switch, which help shows with the flag above: numbers are taken here for a message of their own alone.
    #[arg(long, num_args = 0.., hide = true, allow_negative_numbers = true)]
    pub(super) log_penalty_param_range: Option<Vec<String>>,
    /// The MCP's b, above 1
    #[arg(long, default_value_t = 3.0, value_name = "B", value_parser = number)]
    pub(super) mcp_param: f64,
    /// Penalty: l1, or mcp, which leaves large weights unshrunk
    #[arg(long, default_value = "l1", value_name = "TYPE")]
    pub(super) penalty_type: PenaltyType,
    /// Start from these weights: a model folder, safetensors, or PyTorch's own file (a checkpoint, too); after DIR/model.7 epochs are
    /// numbered from 8, but for those of a path
    #[arg(long, value_name = "PATH")]
    pub(super) model: Option<PathBuf>,
    /// Learning rate [default: 0.001; with --resume the run's own]
    #[arg(long, value_name = "LR", value_parser = number)]
    lr: Option<f64>,
    /// Learning rate of a path's steps after the first [default: a tenth of --lr]
    #[arg(long, value_name = "LR", value_parser = number)]
    pub(super) step_lr: Option<f64>,
    /// Train the motif kernels too
    #[arg(long)]
    pub(super) unfreeze_conv: bool,
    /// Train the motif kernels too, but of each motif only its own columns, and its two strands as one: they stay each other's reverse
    /// complement
    #[arg(long)]
    pub(super) tie_kernels: bool,
    /// Train everything
    #[arg(long)]
    pub(super) unfreeze_all: bool,
    /// Train the final linear layer alone
    #[arg(long, conflicts_with_all = ["unfreeze_conv", "unfreeze_all", "tie_kernels"])]
    pub(super) freeze_all_except_final_layer: bool,
    /// Parameters that the penalty acts on
    #[arg(long, num_args = 1.., default_value = "linreg.weight", value_name = "NAME")]
    pub(super) penalize_layers: Vec<String>,
    /// Keep the weights of every epoch
    #[arg(long)]
    pub(super) save_all: bool,
    /// Stop when the learning rate has fallen to the threshold
    #[arg(long)]
    pub(super) early_stopping: bool,
    /// Learning rate at which --early-stopping stops
    #[arg(long, default_value_t = 1e-7, value_name = "LR", value_parser = number)]
    pub(super) early_stopping_threshold: f64,
    /// Start conv_scale and conv_bias from each motif's score distribution (nothing beside --model)
    #[arg(long)]
    calibrate_motifs: bool,
    /// How the position scalars start: zero, or normal, as in the original (nothing beside --model)
    #[arg(long, default_value = "normal", value_name = "START")]
    pub(super) position_start: PositionStart,
    /// What decides which epoch's weights are the best, and when the rate is cut: loss, or r, the mean of the outputs' correlations
    /// [default: loss]
    #[arg(long, value_name = "WHAT")]
    best_by: Option<BestByArg>,
    /// The rate is cut to a tenth after more than so many epochs without a gain [default: 10; 20 on a path]
    #[arg(long, value_name = "N", value_parser = zero_or_more::<u32>)]
    patience: Option<u32>,
    /// Stop after more than so many epochs without a gain
    #[arg(long, value_name = "N", value_parser = zero_or_more::<u64>)]
    pub(super) stop_after: Option<u64>,
    /// Write losses, correlations and the learning rate for TensorBoard into a folder of the run's own in DIR
    #[arg(long, value_name = "DIR")]
    pub(super) log_dir: Option<PathBuf>,
    /// Epochs in which the learning rate rises to its value [default: 0]
    #[arg(long, value_name = "N", value_parser = zero_or_more::<u64>)]
    warmup: Option<u64>,
    /// What becomes of the learning rate over the epochs, besides cuts
    #[arg(long, default_value = "none", value_name = "WHAT")]
    pub(super) lr_decay: Decay,
    /// Do not compare with simple rules after training
    #[arg(long)]
    pub(super) no_baselines: bool,
    /// Leave out the last training batch when it is not full, as the original does
    #[arg(long)]
    pub(super) drop_last: bool,
    /// Seed of initial values, shuffling, dropout and random splits
    #[arg(long, default_value_t = 0, value_parser = zero_or_more::<u64>)]
    pub(super) seed: u64,
    #[command(flatten)]
    pub(super) ensemble: EnsembleArgs,
    /// Of a random split, where it is not --seed: that of the ensemble which the model is one of.
    #[arg(skip)]
    pub(super) split_seed: Option<u64>,
    /// Go on where a run into the same folder stopped
    #[arg(long)]
    pub(super) resume: bool,
    /// Arithmetic and weights: f32, f64 (the reference) or bf16 (GPU)
    #[arg(long, default_value = "f32", value_name = "TYPE")]
    pub(super) precision: PrecisionArg,
    #[command(flatten)]
    pub(super) device: DeviceArgs,
}

/// Steps of a path: more would be a slip.
const MOST_STEPS: f64 = 10_000.0;

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum PenaltyType {
    L1,
    Mcp,
}

impl PenaltyType {
    pub fn name(self) -> &'static str {
        match self {
            PenaltyType::L1 => "l1",
            PenaltyType::Mcp => "mcp",
        }
    }
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PositionStart {
    Zero,
    Normal,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BestByArg {
    Loss,
    R,
}

impl Args {
    /// What a recipe says where no flag does.
    fn or<T>(&self, given: Option<T>, recommended: T, original: T) -> T {
        choose(given, self.recipe, recommended, original)
    }

    pub(super) fn architecture(&self) -> &str {
        let original = "model_pos_attention_calib_sigmoid_interaction";
        self.or(self.architecture.as_deref(), "plain_gate", original)
    }

    pub(super) fn epochs(&self) -> u64 {
        self.or(self.number_of_epochs, 14, 10)
    }

    pub(super) fn batch_size(&self) -> usize {
        self.or(self.batch_size, 32, 254)
    }

    pub(super) fn calibrate_motifs(&self) -> bool {
        self.or(self.calibrate_motifs.then_some(true), true, false)
    }

    /// The flag itself, for what it does not do.
    pub(super) fn calibrate_motifs_given(&self) -> bool {
        self.calibrate_motifs
    }

    pub(super) fn patience(&self) -> u32 {
        let original = if self.lambdas().len() > 1 { 20 } else { 10 };
        self.or(self.patience, 2, original)
    }

    pub(super) fn warmup(&self) -> u64 {
        self.or(self.warmup, 1, 0)
    }

    /// By what the best epoch is chosen.
    pub(super) fn best_by(&self) -> BestBy {
        match self.or(self.best_by, BestByArg::R, BestByArg::Loss) {
            BestByArg::Loss => BestBy::Loss,
            BestByArg::R => BestBy::Overall,
        }
    }

    /// The flags that the original does not have, where they change a run.
    pub(super) fn own_flags(&self) -> [(&'static str, Option<Value>); 6] {
        let zero = self.position_start == PositionStart::Zero;
        let by_r = self.best_by() == BestBy::Overall;
        let patience = self.patience.is_some() || self.recipe.is_some();
        [
            ("position_start", zero.then(|| "zero".into())),
            ("best_by", by_r.then(|| "r".into())),
            ("patience", patience.then(|| self.patience().into())),
            ("stop_after", self.stop_after.map(Into::into)),
            (
                "lr_decay",
                (self.lr_decay == Decay::Cosine).then(|| "cosine".into()),
            ),
            ("warmup", (self.warmup() > 0).then(|| self.warmup().into())),
        ]
    }

    pub(super) fn check(&self) -> Result<()> {
        check_log_dir(self.log_dir.as_deref())?;
        self.ensemble.check()?;
        self.ensemble.ensemble(&KIND, self.seed)?;
        match self.ensemble.folds {
            None => self.inputs.check()?,
            Some(_) => self.inputs.check_no_split("--folds")?,
        }
        if self.ensemble.folds.is_some() && self.inputs.columns().batch.is_some() {
            return Err(Error::usage(
                "--folds with --batch-column: each fold's training sequences give offsets of their own, which one ensemble cannot hold: give --seeds, or train each fold by itself (--split fold:1/5)",
            ));
        }
        if self.ensemble.given() && self.lambdas().len() > 1 {
            return Err(Error::usage(
                "--seeds and --folds go with one penalty (--penalty-param), not with a path of several",
            ));
        }
        let positive = [
            ("--lr", self.lr.unwrap_or(1.0)),
            ("--step-lr", self.step_lr.unwrap_or(1.0)),
        ];
        for (flag, value) in positive {
            if value <= 0.0 || !value.is_finite() {
                return Err(Error::usage(format!(
                    "{flag} {value}: expected a number above 0"
                )));
            }
        }
        if self.mcp_param <= 1.0 || !self.mcp_param.is_finite() {
            return Err(Error::usage(format!(
                "--mcp-param {}: expected a finite number above 1",
                self.mcp_param
            )));
        }
        let threshold = self.early_stopping_threshold;
        if threshold < 0.0 || !threshold.is_finite() {
            return Err(Error::usage(format!(
                "--early-stopping-threshold {threshold}: expected a number of 0 or more"
            )));
        }
        self.check_range()?;
        if let Some(bad) = self.lambdas().iter().find(|l| **l < 0.0 || !l.is_finite()) {
            return Err(Error::usage(format!(
                "a penalty of {bad} (--penalty-param or --penalty-param-range): expected a number of 0 or more that is finite"
            )));
        }
        Ok(())
    }

    fn check_range(&self) -> Result<()> {
        let fail = |message: String| Err(Error::usage(message));
        let form = "--penalty-param-range START STOP NUM --log-penalty-param-range";
        match (
            &self.log_penalty_param_range,
            self.penalty_param_range.is_empty(),
        ) {
            (Some(numbers), _) if !numbers.is_empty() => {
                return fail(format!(
                    "--log-penalty-param-range {}: it takes no numbers; START and STOP are strengths, not powers of ten: {form}",
                    numbers.join(" ")
                ));
            }
            (Some(_), true) => {
                return fail(format!(
                    "--log-penalty-param-range goes with a range: {form}"
                ));
            }
            _ => {}
        }
        let [start, stop, count] = self.penalty_param_range[..] else {
            return Ok(());
        };
        let given = format!("--penalty-param-range {start} {stop} {count}");
        if let Some(bad) = [start, stop].into_iter().find(|end| !end.is_finite()) {
            return fail(format!(
                "{given}: START and STOP are finite numbers, and {bad} is none"
            ));
        }
        if !(count >= 1.0 && count.fract() == 0.0) {
            return fail(format!(
                "{given}: NUM, the number of steps, is a whole number from 1"
            ));
        }
        if self.log_penalty_param_range.is_some() && (start <= 0.0 || stop <= 0.0) {
            return fail(format!(
                "{given}: with --log-penalty-param-range START and STOP are numbers above 0"
            ));
        }
        if count > MOST_STEPS {
            return fail(format!(
                "{given}: NUM, the number of steps, is {MOST_STEPS} at most: each is a model that is trained, with a folder of its own"
            ));
        }
        Ok(())
    }

    /// The learning rate: as given, else that of the run that goes on, else the original's.
    pub(super) fn lr(&self) -> f64 {
        const ORIGINAL: f64 = 0.001;
        const RECOMMENDED: f64 = 0.01;
        let own = || {
            self.resume
                .then(|| own_flag(&self.model_output, "lr"))??
                .as_f64()
        };
        self.or(self.lr.or_else(own), RECOMMENDED, ORIGINAL)
    }

    pub(super) fn lambdas(&self) -> Vec<f64> {
        match (&self.penalty_param_range[..], &self.log_penalty_param_range) {
            ([start, stop, count], None) => linear_range(*start, *stop, *count as usize),
            ([start, stop, count], Some(_)) => log_range(*start, *stop, *count as usize),
            _ => sorted(self.penalty_param.clone()),
        }
    }

    pub(super) fn kind(&self) -> PenaltyKind {
        match self.penalty_type {
            PenaltyType::L1 => PenaltyKind::L1,
            PenaltyType::Mcp => PenaltyKind::Mcp { b: self.mcp_param },
        }
    }

    pub(super) fn trainable(&self) -> Trainable {
        if self.freeze_all_except_final_layer {
            Trainable::FinalLayer
        } else if self.tie_kernels {
            Trainable::TiedMotifs
        } else if self.unfreeze_all || self.unfreeze_conv {
            Trainable::All
        } else {
            Trainable::AllButMotifs
        }
    }
}
