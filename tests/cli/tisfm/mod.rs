//! The commands of tiSFM as a user meets them.

mod convert;
mod evaluate;
mod inputs;
mod penalties;
mod train;
