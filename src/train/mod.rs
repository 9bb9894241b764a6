//! Training: the loop, its checkpoints, the penalty path, and a model's folder.

pub mod checkpoint;
pub mod classification;
pub mod config;
pub mod factornet;
pub mod interrupt;
pub mod lock;
pub mod metrics;
pub mod network;
pub mod path;
pub mod saved;
pub mod trainer;
pub mod worker;

pub use config::Config;
pub use network::{Blueprint, Network, Trainable};
pub use trainer::{Samples, TrainSettings, Trainer};
