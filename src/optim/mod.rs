//! Which update and which penalty each parameter gets, the learning rate's schedule, and early stopping.

pub mod adam;
mod plateau;
mod schedule;
pub mod ties;

pub use crate::optim::adam::{Form, Shrink};
pub use plateau::Plateau;
pub use schedule::Schedule;

use crate::engine::{Layout, Real};
use crate::optim::adam::{AdamStep, update};
use crate::optim::ties::tied;
use rayon::prelude::*;
use std::borrow::Cow;

/// Which form of Adam moves the parameters, and which penalty some of them get.
#[derive(Clone, Debug)]
pub struct OptimizerSettings {
    pub form: Form,
    /// Weight decay.
    pub decay: f64,
    pub shrink: Shrink,
    /// Parameters that the penalty acts on, by name.
    pub penalised: Vec<String>,
}

/// The decay of AdamW (PyTorch's default, as the original tiSFM's).
const WEIGHT_DECAY: f64 = 0.01;

impl OptimizerSettings {
    /// AdamW where there is no penalty; Adam and a proximal step on the named parameters where there is one.
    pub fn adamw(shrink: Shrink, penalised: Vec<String>) -> Self {
        OptimizerSettings {
            form: Form::Corrected,
            decay: if shrink == Shrink::None {
                WEIGHT_DECAY
            } else {
                0.0
            },
            shrink,
            penalised,
        }
    }

    /// Adam as Keras 1 has it: no decay, no penalty, epsilon outside the bias correction.
    pub fn keras() -> Self {
        OptimizerSettings {
            form: Form::Keras,
            decay: 0.0,
            shrink: Shrink::None,
            penalised: Vec::new(),
        }
    }
}

/// Elements that one task updates.
const CHUNK: usize = 1 << 14;

/// First and second moments of every parameter, and the number of steps taken.
pub struct Optimizer<T> {
    settings: OptimizerSettings,
    pub m: Vec<T>,
    pub v: Vec<T>,
    pub steps: u64,
}

impl<T: Real> Optimizer<T> {
    pub fn new(settings: OptimizerSettings, parameters: usize) -> Self {
        Optimizer {
            settings,
            m: vec![T::ZERO; parameters],
            v: vec![T::ZERO; parameters],
            steps: 0,
        }
    }

    /// Moves every parameter that learns; the others, and their moments, stay.
    pub fn step(&mut self, layout: &Layout, lr: f64, params: &mut [T], grads: &[T]) {
        self.steps += 1;
        let step = AdamStep {
            form: self.settings.form,
            ..AdamStep::new(lr, self.settings.decay, self.steps)
        };
        for param in layout.params.iter().filter(|p| p.learns()) {
            let shrink = if self.settings.penalised.contains(&param.name) {
                self.settings.shrink
            } else {
                Shrink::None
            };
            let range = param.range();
            let own = &grads[range.clone()];
            let ties = param.ties.as_deref();
            let grads = ties.map_or(Cow::Borrowed(own), |ties| tied(ties, own).into());
            params[range.clone()]
                .par_chunks_mut(CHUNK)
                .zip(grads.par_chunks(CHUNK))
                .zip(self.m[range.clone()].par_chunks_mut(CHUNK))
                .zip(self.v[range].par_chunks_mut(CHUNK))
                .for_each(|(((w, g), m), v)| update(&step, shrink, w, g, m, v));
        }
    }
}
