//! One file a format; nothing here knows a model.

pub mod atomic;
pub mod hash;
pub mod history;
pub mod meme;
pub mod npy;
pub mod signals;
pub mod state_dict;
pub mod text;
