//! When the learning rate is cut, and when training ends before its last epoch.

use super::Plateau;
use crate::numbers::rounded;

/// What follows from the validation losses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Schedule {
    /// The rate is cut when the loss stops falling ([`Plateau`]).
    Plateau {
        /// Epochs without a gain before the rate is cut.
        patience: u32,
        /// Training ends when the rate has fallen to this.
        stop_at: Option<f64>,
    },
    /// The rate stays.
    Constant {
        /// Epochs without a gain that are tolerated: one more ends training, as in Keras 1.
        patience: u64,
    },
}

impl Schedule {
    /// What a run keeps of the schedule from epoch to epoch.
    pub fn start(&self, lr: f64) -> Option<Plateau> {
        match *self {
            Schedule::Plateau { patience, .. } => Some(Plateau::new(lr, patience)),
            Schedule::Constant { .. } => None,
        }
    }

    /// Why training ends after `epoch`, if it does; `plateau` has seen the epoch's loss.
    pub fn stop(&self, plateau: Option<&Plateau>, epoch: u64, best_epoch: u64) -> Option<String> {
        match (*self, plateau) {
            (Schedule::Plateau { stop_at, .. }, Some(plateau)) => {
                let reached = stop_at.is_some_and(|threshold| plateau.reached(threshold));
                reached
                    .then(|| format!("the learning rate has fallen to {:e}", rounded(plateau.lr)))
            }
            (Schedule::Plateau { .. }, None) => None,
            (Schedule::Constant { patience }, _) => {
                (epoch - best_epoch > patience).then(|| format!("no gain since epoch {best_epoch}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_rate_tolerates_as_many_epochs_as_its_patience() {
        let schedule = Schedule::Constant { patience: 2 };
        assert!(schedule.start(0.1).is_none());
        assert_eq!(schedule.stop(None, 5, 3), None);
        let why = schedule.stop(None, 6, 3).unwrap();
        assert_eq!(why, "no gain since epoch 3");
    }

    #[test]
    fn a_rate_that_has_fallen_to_the_threshold_ends_training() {
        let schedule = Schedule::Plateau {
            patience: 0,
            stop_at: Some(1e-4),
        };
        let mut plateau = schedule.start(1e-3).unwrap();
        plateau.observe(1.0);
        assert_eq!(schedule.stop(Some(&plateau), 1, 1), None);
        plateau.observe(1.0);
        let why = schedule.stop(Some(&plateau), 2, 1).unwrap();
        assert_eq!(why, "the learning rate has fallen to 1e-4");
    }
}
