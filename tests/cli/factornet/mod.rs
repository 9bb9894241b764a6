//! The commands of FactorNet as a user meets them.

mod calibrate;
mod calls;
mod ensembles;
mod evaluate;
mod keras;
mod predict;
mod prior;
mod published;
mod rules_and_regions;
mod to_keras;
mod train;
mod visualize;
