//! The commands of FactorNet as a user meets them.

mod evaluate;
mod keras;
mod predict;
mod prior;
mod published;
mod to_keras;
mod train;
mod visualize;
