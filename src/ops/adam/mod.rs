//! The optimizer's update of one parameter, with or without a sparsity penalty. No tape entry: it
//! runs after the gradients of a whole batch.
//!
//! With g the gradient and t the step from 1 (Kingma and Ba 2015; Loshchilov and Hutter 2019):
//!
//! ```text
//! w <- w (1 - lr decay)
//! m <- b1 m + (1 - b1) g
//! v <- b2 v + (1 - b2) g^2
//! d  = sqrt(v / (1 - b2^t)) + eps
//! w <- w - lr / (1 - b1^t) m / d
//! ```
//!
//! then, on a penalised parameter, the proximal step of lambda times the penalty, each weight's
//! threshold r = lr / (1 - b1^t) lambda / d scaled as its update was:
//! L1: w <- sign(w) max(|w| - r, 0); MCP(b): that times b / (b - 1), but no larger than |w|.

mod cpu;
mod cuda;
#[cfg(test)]
mod tests;

pub use cpu::update;
pub use cuda::{AdamLaunch, flag, update_on};

/// Which penalty shrinks a weight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shrink {
    None,
    L1 {
        lambda: f64,
    },
    /// The minimax concave penalty of Zhang (2010) with parameter `b` > 1.
    Mcp {
        lambda: f64,
        b: f64,
    },
}

/// One step's constants.
#[derive(Clone, Copy, Debug)]
pub struct AdamStep {
    pub lr: f64,
    pub beta1: f64,
    pub beta2: f64,
    pub eps: f64,
    pub decay: f64,
    /// From 1.
    pub t: u64,
}

impl AdamStep {
    /// The usual constants.
    pub fn new(lr: f64, decay: f64, t: u64) -> Self {
        AdamStep {
            lr,
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-8,
            decay,
            t,
        }
    }
}
