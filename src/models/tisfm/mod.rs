//! tiSFM: known motifs as convolution kernels, attention, programmable pooling, a sparse interpretable output layer.

pub mod activities;
mod attention;
pub mod baselines;
pub mod bench;
pub mod beside_rules;
mod build;
pub mod builtin;
pub mod calibration;
pub mod commands;
pub mod config;
mod effect;
mod explained;
pub mod families;
mod focal;
pub mod foreign;
pub mod golden;
mod inside;
pub mod interactions;
pub mod kernel_sites;
mod layers;
pub mod measured;
pub mod members;
pub mod motif_effects;
pub mod motif_kernels;
pub mod motif_ranks;
pub mod motif_spread;
pub mod mutants;
pub mod network;
mod nystrom;
mod parse;
pub mod parts;
pub mod penalty_path;
pub mod pick;
mod pooling;
pub mod samples;
pub mod saved;
pub mod simulate;
mod sizes;
pub mod spec;
pub mod targets;
pub mod trained_kernels;

use crate::train::folder::TRAIN_BEST;
use crate::train::model::Kind;
use measured::{BASELINES, QUANTILES, TEST};

pub use build::{Built, Dimensions, Features, KernelLayer, build};
pub use motif_kernels::MotifKernels;
pub use spec::Spec;

/// The kind of model.
pub static KIND: Kind = Kind {
    name: "tisfm",
    title: "tiSFM",
    predict: "cisgrad tisfm predict",
    old_key: Some("architecture"),
    rows: "sequences",
    rate: "seq_per_s",
    sizes: "--architecture and the length of the sequences",
    remedy: "lower --lr or look at the signals",
    again: "or say --resume to go on with it",
    restart: "or start from its weights (--model)",
    reuse: "it can be used again",
    files: &[
        "train_split.txt",
        "validation_split.txt",
        "test_split.txt",
        "path.tsv",
        TEST,
        BASELINES,
        QUANTILES,
        TRAIN_BEST,
    ],
    parts: Some("path_"),
    free_flags: &[
        "number_of_epochs",
        "lr",
        "early_stopping",
        "early_stopping_threshold",
        // What they hold is compared, whatever their path.
        "model",
        "model_sha256",
    ],
};
