//! A model's folder.

pub mod claim;
pub mod config;
pub mod state;
pub mod weights;

pub const CONFIG: &str = "config.json";
pub const BEST: &str = "model.best.safetensors";
pub const LAST: &str = "model.last.safetensors";
pub const HISTORY: &str = "history.tsv";
pub const STATE: &str = "state.safetensors";
