//! One file a format; nothing here knows a model.

pub mod atomic;
pub mod bed;
pub mod bigwig;
pub mod chrom_sizes;
pub mod distinct;
pub mod edges;
pub mod fasta;
pub mod fields;
mod foreign;
pub mod genome;
pub mod gtf;
pub mod hash;
pub mod history;
pub mod keras_hdf5;
pub mod keras_history;
mod line_ends;
pub mod meme;
pub mod npy;
pub mod scientific;
pub mod scored_bed;
pub mod sequences;
pub mod signals;
pub mod sources;
pub mod state_dict;
pub mod text;
pub mod tomtom_table;
pub mod two_bit;
