//! Numbers: against the original programs, against real data, and in files that others wrote.

#[path = "../common/mod.rs"]
mod common;

mod attributions;
mod factornet_chr22;
mod factornet_golden;
mod factornet_pipeline;
mod factornet_published;
mod state_dict;
mod tisfm_golden;
mod tisfm_peaks;
