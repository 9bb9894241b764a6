//! The commands of FactorNet as a user meets them: training, prediction, evaluation, visualisation, conversion.

#[path = "../common/mod.rs"]
mod common;

mod evaluate;
mod folders;
mod keras;
mod predict;
mod readme;
mod train;
mod visualize;
