//! A training step on the card once its loss is known, before the optimizer runs: the sum of the batch's losses goes to
//! the epoch's list, and one that is not finite stops every later update, this step's too. No tape entry and no CPU form:
//! there, the host sums the losses and looks at each.

mod cuda;

pub use cuda::{EndStepLaunch, end_step_on};
