//! Gradients of elements that move together ([`Ties`](crate::engine::params::Ties)): each of a pair gets the mean of both, one at rest
//! gets 0. No tape entry: it runs after the gradients of a whole batch, before [`adam`](super::adam). A pair that begins with one number
//! then stays one number, bit for bit, since Adam moves every element by its own gradient and moments alone; an element at rest stays
//! at 0.

mod cpu;
mod cuda;

pub use cpu::tied;
pub use cuda::{TiesLaunch, tie_on};
