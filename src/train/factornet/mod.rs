//! FactorNet's training: samples that are drawn anew each epoch, binary cross-entropy, Keras's Adam, early stopping by
//! the validation loss; and its model folder.

mod batch;
mod claim;
mod config;
mod history;
mod keras;
mod model;
mod source;
mod trainer;

pub use batch::{Feed, Source};
pub use claim::{FILES, check, claim, refuse_input_folder};
pub use config::{Config, MODEL, write_lists};
pub use history::EpochRecord;
pub use model::{FactorNet, Predictor};
pub use source::{MultiSource, SingleSource};
pub use trainer::{Outcome, Settings, Trainer};
