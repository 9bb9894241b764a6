//! The commands of tiSFM as a user meets them.

mod convert;
mod evaluate;
mod inputs;
mod missing;
mod originals;
mod own_architectures;
mod penalties;
mod pictures;
mod pooled;
mod train;
