//! The commands of tiSFM as a user meets them.

mod convert;
mod ensembles;
mod evaluate;
mod inputs;
mod missing;
mod originals;
mod own_architectures;
mod penalties;
mod pictures;
mod pooled;
mod ranking;
mod select;
mod train;
