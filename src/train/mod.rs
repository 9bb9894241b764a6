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
pub mod trainer;
pub mod worker;

pub use model::Model;
pub use trainer::{Begins, BestBy, TrainSettings, Trainer};
