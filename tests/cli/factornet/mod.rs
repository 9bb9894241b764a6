//! The commands of FactorNet as a user meets them.

mod evaluate;
mod keras;
mod predict;
mod train;
mod visualize;
