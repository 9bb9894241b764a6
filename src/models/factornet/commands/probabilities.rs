//! What predict and evaluate make of a network's probabilities: as they are, calibrated where the model keeps a calibration
//! (`train --calibrate`), or with `--prior` for windows of which a smaller share is bound than in training.
//!
//! With training's share t and the share P that is expected, the odds of a window are those of the network times
//! P / (1 - P) / (t / (1 - t)): the network's own odds belong to what it was trained on. A calibration has learned the share that is bound
//! in the validation regions: it takes the place of a prior.

use crate::args::numbers::number;
use crate::metrics::isotonic::Isotonic;
use crate::models::factornet::saved::FactorNet;
use crate::models::factornet::scores::{CALIBRATE, FILE, Found, Scores};
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
pub fn share(text: &str) -> std::result::Result<f64, String> {
    match number(text)? {
        share if share > 0.0 && share < 1.0 => Ok(share),
        _ => Err("expected a number between 0 and 1".to_string()),
    }
}

/// What becomes of the probability of each of a model's outputs. Their order stays.
#[derive(Clone, Debug, PartialEq)]
pub enum Correction {
    None,
    /// What the odds are multiplied by.
    Prior(Vec<f64>),
    Calibration(Vec<Isotonic>),
}

/// What training's end has left in a model's folder, where it is of the weights that are there; says so where it is not.
///
/// # Errors
/// Those of [`Scores::find`]; a model that was to be calibrated and is not.
pub fn scores_of(folder: &Path, model: &FactorNet) -> Result<Option<Scores>> {
    let calibrates = model.config.flags.contains_key(CALIBRATE);
    match Scores::find(folder, &model.config.model)? {
        Found::Scores(scores) if scores.calibrated() || !calibrates => Ok(Some(scores)),
        Found::Nothing if !calibrates => Ok(None),
        Found::Nothing | Found::Scores(_) => Err(Error::invalid(format!(
            "{}: a model with --calibrate whose calibration is not there: its training has not come to its end, or {FILE} was removed or changed; the training command with --resume makes it",
            folder.display()
        ))),
        Found::Outdated => {
            tell!(
                "warning: {}: its training went on and has not come to its end: what it keeps of thresholds and calibration is of earlier weights and not used",
                folder.display()
            );
            Ok(None)
        }
    }
}

impl PriorArgs {
    /// For a model with what its folder keeps; `folder` names it.
    ///
    /// # Errors
    /// The share in training is not known; a prior for a model that is calibrated.
    pub fn of(
        self,
        model: &FactorNet,
        scores: Option<&Scores>,
        folder: &Path,
    ) -> Result<Correction> {
        let curves = scores.map_or(Vec::new(), |scores| {
            let curves = scores.factors.iter();
            curves.filter_map(|of| of.calibration.clone()).collect()
        });
        let calibrated = curves.len() == model.config.model.factors.len();
        let Some(prior) = self.prior else {
            return Ok(match calibrated {
                true => Correction::Calibration(curves),
                false => Correction::None,
            });
        };
        if calibrated {
            return Err(Error::usage(format!(
                "--prior: {} is calibrated (train --calibrate): its probabilities are those of all windows of its validation regions already; leave --prior out",
                folder.display()
            )));
        }
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
        Ok(Correction::Prior(times.collect()))
    }
}

impl Correction {
    /// The probability of an output.
    pub fn apply(&self, output: usize, p: f64) -> f64 {
        match self {
            Correction::None => p,
            Correction::Prior(times) => {
                let bound = p * times[output];
                bound / (bound + (1.0 - p))
            }
            Correction::Calibration(curves) => curves[output].apply(p),
        }
    }

    pub fn is_calibrated(&self) -> bool {
        matches!(self, Correction::Calibration(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odds_are_multiplied_and_certainty_stays() {
        let prior = Correction::Prior(vec![0.01 / 0.99]);
        // Even odds become those of the prior.
        assert!((prior.apply(0, 0.5) - 0.01).abs() < 1e-12);
        assert_eq!((prior.apply(0, 0.0), prior.apply(0, 1.0)), (0.0, 1.0));
        let logit = |p: f64| (p / (1.0 - p)).ln();
        let moved = logit(prior.apply(0, 0.8)) - logit(0.8);
        assert!((moved - logit(0.01)).abs() < 1e-12);
        assert_eq!(Correction::None.apply(0, 0.8), 0.8);
    }
}
