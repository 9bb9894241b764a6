//! `--prior`: probabilities for windows of which a smaller share is bound than in training.
//!
//! With training's share t and the share P that is expected, the odds of a window are those of the network times
//! P / (1 - P) / (t / (1 - t)): the network's own odds belong to what it was trained on.

use crate::args::numbers::number;
use crate::models::factornet::saved::FactorNet;
use crate::{Error, Result};
use std::path::Path;

#[derive(clap::Args, Clone, Copy, Debug)]
pub struct PriorArgs {
    /// Expect this share of the windows to be bound, such as 0.01, and correct the probabilities for it
    #[arg(long, value_name = "P", value_parser = share)]
    pub prior: Option<f64>,
    /// With --prior: the share that was bound in training [default: as the model knows it]
    #[arg(long, value_name = "P", requires = "prior", value_parser = share)]
    pub training_share: Option<f64>,
}

/// # Errors
/// "expected a number between 0 and 1".
fn share(text: &str) -> std::result::Result<f64, String> {
    match number(text)? {
        share if share > 0.0 && share < 1.0 => Ok(share),
        _ => Err("expected a number between 0 and 1".to_string()),
    }
}

/// What the odds of each of a model's outputs are multiplied by.
#[derive(Clone, Debug, PartialEq)]
pub struct Prior(Option<Vec<f64>>);

impl PriorArgs {
    /// For a model; `folder` names it.
    ///
    /// # Errors
    /// The share in training is not known.
    pub fn of(self, model: &FactorNet, folder: &Path) -> Result<Prior> {
        let Some(prior) = self.prior else {
            return Ok(Prior(None));
        };
        let model = &model.config.model;
        let shares = match self.training_share {
            Some(share) => vec![share; model.factors.len()],
            None => model.training_share.clone(),
        };
        let known = |share: &f64| *share > 0.0 && *share < 1.0;
        if shares.len() != model.factors.len() || !shares.iter().all(known) {
            return Err(Error::usage(format!(
                "--prior: {} does not say which share of its training windows was bound: give --training-share (0.5 where there were as many negatives as positives, as -n 1 has it)",
                folder.display()
            )));
        }
        let odds = |share: f64| share / (1.0 - share);
        let times = shares.into_iter().map(|share| odds(prior) / odds(share));
        Ok(Prior(Some(times.collect())))
    }
}

impl Prior {
    /// The probability of an output.
    pub fn apply(&self, output: usize, p: f64) -> f64 {
        match &self.0 {
            None => p,
            Some(times) => {
                let bound = p * times[output];
                bound / (bound + (1.0 - p))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odds_are_multiplied_and_certainty_stays() {
        let prior = Prior(Some(vec![0.01 / 0.99]));
        // Even odds become those of the prior.
        assert!((prior.apply(0, 0.5) - 0.01).abs() < 1e-12);
        assert_eq!((prior.apply(0, 0.0), prior.apply(0, 1.0)), (0.0, 1.0));
        let logit = |p: f64| (p / (1.0 - p)).ln();
        let moved = logit(prior.apply(0, 0.8)) - logit(0.8);
        assert!((moved - logit(0.01)).abs() < 1e-12);
        assert_eq!(Prior(None).apply(0, 0.8), 0.8);
    }
}
