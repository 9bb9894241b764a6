//! FactorNet: a convolution over sequence and tracks, a bidirectional LSTM, dense layers; both strands through the same
//! weights, and the mean of their probabilities.

pub mod baselines;
pub mod bench;
mod build;
pub mod cell_line;
pub mod commands;
pub mod config;
mod explained;
pub mod genome_inputs;
pub mod golden;
mod inject;
pub mod keras;
pub mod kernel_contribution;
pub mod kernel_sites;
pub mod known_motif;
pub mod mutants;
mod network;
pub mod samples;
pub mod saved;
pub mod scores;
pub mod second_rule;
pub mod site_signals;
mod spec;
pub mod track_means;

use crate::train::model::Kind;

pub use build::{Activations, Built, Masking, build};
pub use inject::{Injected, inject};
pub use spec::{Dropouts, Recurrent, Spec};

/// The kind of model.
pub static KIND: Kind = Kind {
    name: "factornet",
    title: "FactorNet",
    predict: "cisgrad factornet predict",
    old_key: None,
    rows: "samples",
    rate: "samples_per_s",
    sizes: "-L, -w, -k, -r and -d",
    remedy: "lower -lr or look at the tracks' values (--track-scale)",
    again: "write over it with -oc, or go on with it by --resume",
    restart: "or start over with -oc",
    reuse: "write over it with -oc",
    files: &[
        "chip.txt",
        "feature.txt",
        "bigwig.txt",
        "meta.txt",
        scores::FILE,
    ],
    parts: None,
    free_flags: &[
        "epochs",
        "patience",
        "learningrate",
        scores::CALIBRATE,
        config::BLACKLIST,
    ],
};
