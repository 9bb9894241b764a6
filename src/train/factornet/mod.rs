//! FactorNet's training: samples that are drawn anew each epoch, binary cross-entropy, Keras's Adam, early stopping by
//! the validation loss; and its model folder.

mod batch;
mod config;
mod history;
mod model;
mod trainer;

pub use batch::{Feed, Source};
pub use config::{Config, GencodeSpan, write_lists};
pub use history::EpochRecord;
pub use model::{FactorNet, Predictor};
pub use trainer::{Outcome, Settings, Trainer};
