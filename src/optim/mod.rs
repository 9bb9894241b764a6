//! Which update and which penalty each parameter gets, and the learning-rate schedule.

pub mod adam;
mod plateau;

pub use crate::optim::adam::{Form, Shrink};
pub use plateau::Plateau;

use crate::engine::{Layout, Real};
use crate::optim::adam::{AdamStep, update};
use rayon::prelude::*;

/// AdamW without a penalty; Adam and a proximal step on the named layers with one.
#[derive(Clone, Debug)]
pub struct OptimizerSettings {
    pub shrink: Shrink,
    /// Parameters that the penalty acts on, by name.
    pub penalised: Vec<String>,
}

/// The decay of AdamW (PyTorch's default, as the original's).
const WEIGHT_DECAY: f64 = 0.01;

/// AdamW where there is no penalty, Adam where there is one.
pub fn weight_decay(settings: &OptimizerSettings) -> f64 {
    if settings.shrink == Shrink::None {
        WEIGHT_DECAY
    } else {
        0.0
    }
}

/// Elements that one task updates.
const CHUNK: usize = 1 << 14;

/// First and second moments of every parameter, and the number of steps taken.
pub struct Optimizer<T> {
    settings: OptimizerSettings,
    form: Form,
    decay: f64,
    pub m: Vec<T>,
    pub v: Vec<T>,
    pub steps: u64,
}

impl<T: Real> Optimizer<T> {
    pub fn new(settings: OptimizerSettings, parameters: usize) -> Self {
        Optimizer {
            form: Form::Corrected,
            decay: weight_decay(&settings),
            settings,
            m: vec![T::ZERO; parameters],
            v: vec![T::ZERO; parameters],
            steps: 0,
        }
    }

    /// Adam as Keras 1 has it: no decay, no penalty, epsilon outside the bias correction.
    pub fn keras(parameters: usize) -> Self {
        let settings = OptimizerSettings {
            shrink: Shrink::None,
            penalised: Vec::new(),
        };
        Optimizer {
            form: Form::Keras,
            decay: 0.0,
            ..Optimizer::new(settings, parameters)
        }
    }

    /// Moves every parameter that learns; the others, and their moments, stay.
    pub fn step(&mut self, layout: &Layout, lr: f64, params: &mut [T], grads: &[T]) {
        self.steps += 1;
        let step = AdamStep {
            form: self.form,
            ..AdamStep::new(lr, self.decay, self.steps)
        };
        for param in layout.params.iter().filter(|p| p.learns()) {
            let shrink = if self.settings.penalised.contains(&param.name) {
                self.settings.shrink
            } else {
                Shrink::None
            };
            let range = param.range();
            params[range.clone()]
                .par_chunks_mut(CHUNK)
                .zip(grads[range.clone()].par_chunks(CHUNK))
                .zip(self.m[range.clone()].par_chunks_mut(CHUNK))
                .zip(self.v[range].par_chunks_mut(CHUNK))
                .for_each(|(((w, g), m), v)| update(&step, shrink, w, g, m, v));
        }
    }
}
