//! Learning rate cut when the validation loss stops falling (PyTorch's ReduceLROnPlateau with the
//! original's settings).

use serde::{Deserialize, Serialize};

/// The rate and what it waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plateau {
    pub lr: f64,
    pub patience: u32,
    /// The lowest loss so far; None before the first epoch.
    best: Option<f64>,
    bad_epochs: u32,
}

const FACTOR: f64 = 0.1;
const RELATIVE_THRESHOLD: f64 = 1e-4;
/// A smaller cut is not made.
const LEAST_CUT: f64 = 1e-8;

impl Plateau {
    pub fn new(lr: f64, patience: u32) -> Self {
        Plateau {
            lr,
            patience,
            best: None,
            bad_epochs: 0,
        }
    }

    /// After an epoch: a loss that is not below best (1 - 1e-4) for more than `patience` epochs
    /// cuts the rate to a tenth.
    pub fn observe(&mut self, loss: f64) {
        if self
            .best
            .is_none_or(|best| loss < best * (1.0 - RELATIVE_THRESHOLD))
        {
            self.best = Some(loss);
            self.bad_epochs = 0;
        } else {
            self.bad_epochs += 1;
        }
        if self.bad_epochs > self.patience {
            let cut = self.lr * FACTOR;
            if self.lr - cut > LEAST_CUT {
                self.lr = cut;
            }
            self.bad_epochs = 0;
        }
    }

    /// The rate has fallen to the threshold (within 1e-6 of it).
    pub fn reached(&self, threshold: f64) -> bool {
        self.lr <= threshold * (1.0 + 1e-6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_falls_after_patience_plus_one_bad_epochs() {
        let mut plateau = Plateau::new(1e-3, 2);
        for loss in [1.0, 1.0, 1.0] {
            plateau.observe(loss);
            assert_eq!(plateau.lr, 1e-3);
        }
        plateau.observe(1.0);
        assert_eq!(plateau.lr, 1e-4);
    }

    #[test]
    fn a_gain_below_the_relative_threshold_is_none() {
        let mut plateau = Plateau::new(1e-3, 0);
        plateau.observe(1.0);
        plateau.observe(0.99995);
        assert_eq!(plateau.lr, 1e-4);
        plateau.observe(0.5);
        assert_eq!(plateau.lr, 1e-4);
    }

    #[test]
    fn four_cuts_of_a_thousandth_reach_the_default_threshold() {
        let mut plateau = Plateau::new(1e-3, 0);
        plateau.observe(1.0);
        for _ in 0..4 {
            assert!(!plateau.reached(1e-7));
            plateau.observe(2.0);
        }
        assert!(plateau.reached(1e-7), "{:e}", plateau.lr);
    }

    #[test]
    fn a_cut_below_its_least_size_is_not_made() {
        let mut plateau = Plateau::new(1e-8, 0);
        plateau.observe(1.0);
        plateau.observe(1.0);
        assert_eq!(plateau.lr, 1e-8);
    }
}
