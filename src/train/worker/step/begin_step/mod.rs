//! The start of a training step on the card: the numbers of the epoch's next step become the current ones, and the step
//! counter moves on. So a recorded step can be replayed without a word from the host. No tape entry and no CPU form:
//! there, the step's numbers are arguments.

mod cuda;

pub use cuda::begin_step_on;
