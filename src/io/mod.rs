//! One file a format; nothing here knows a model.

pub mod atomic;
pub mod hash;
pub mod history;
pub mod state_dict;
