//! A model's folder: what it is called, what it holds, who may write to it.

pub mod claim;
pub mod config;
pub mod open;
pub mod state;
pub mod weights;

pub const CONFIG: &str = "config.json";
/// The weights with the lowest validation loss.
pub const BEST: &str = "model.best.safetensors";
pub const LAST: &str = "model.last.safetensors";
pub const HISTORY: &str = "history.tsv";
/// All that an interrupted run needs to go on.
pub const STATE: &str = "state.safetensors";

/// The files of every kind of model.
pub const FILES: [&str; 5] = [BEST, LAST, STATE, HISTORY, CONFIG];
