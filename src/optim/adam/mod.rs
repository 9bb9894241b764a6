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
//! Keras 1's form, [`Form::Keras`], leaves epsilon as it is where the first divides it by the bias correction too:
//! `w <- w - lr sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + eps)`.
//!
//! Then, on a penalised parameter, the proximal step of lambda times the penalty, each weight's
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

/// Where epsilon stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// Added to the corrected root: PyTorch's.
    #[default]
    Corrected,
    /// Added to the root before its correction: Keras 1's.
    Keras,
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
    pub form: Form,
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
            form: Form::Corrected,
        }
    }

    /// `1 - beta^t`.
    fn correction(&self, beta: f64) -> f64 {
        1.0 - beta.powi(self.t.min(i32::MAX as u64) as i32)
    }

    /// What m / d is multiplied by.
    fn rate(&self) -> f64 {
        match self.form {
            Form::Corrected => self.lr / self.correction(self.beta1),
            Form::Keras => {
                self.lr * self.correction(self.beta2).sqrt() / self.correction(self.beta1)
            }
        }
    }

    /// What sqrt(v) is divided by.
    fn spread(&self) -> f64 {
        match self.form {
            Form::Corrected => self.correction(self.beta2).sqrt(),
            Form::Keras => 1.0,
        }
    }
}
