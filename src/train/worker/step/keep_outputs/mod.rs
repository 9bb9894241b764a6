//! The outputs of a step, put where the host reads those of many steps at once. No tape entry and no CPU form: there, the
//! host has them.

mod cuda;

pub use cuda::{KeepOutputsLaunch, keep_outputs_on};
