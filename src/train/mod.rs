//! Training and prediction for any kind of model: the loop, the workers, the model's folder.

pub mod batch;
pub mod batch_size;
pub mod ensemble;
mod events;
pub mod folder;
pub mod interrupt;
pub mod model;
pub mod observer;
pub mod predictor;
mod settings;
pub mod trainer;
pub mod worker;

pub use model::Model;
pub use settings::{BestBy, TrainSettings};
pub use trainer::{Begins, Trainer};
