//! Which step of a penalty path to go on with: by the validation loss, never by the test sequences.

use crate::numbers::rounded;

/// What is known of a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tried {
    pub lambda: f64,
    pub validation_loss: f64,
}

/// How a step is picked.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    /// The lowest validation loss
    Min,
    /// The largest penalty whose validation loss is within one standard error of the lowest
    #[value(name = "1se")]
    OneSe,
}

impl Pick {
    /// As tables have it.
    pub fn name(self) -> &'static str {
        match self {
            Pick::Min => "min",
            Pick::OneSe => "1se",
        }
    }
}

/// The steps that both rules pick, by place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Picked {
    pub min: usize,
    pub one_se: usize,
    /// Of the lowest loss.
    pub standard_error: f64,
}

impl Picked {
    /// `tried`: by rising penalty; `standard_error`: of the mean loss over the validation sequences, at the step of the lowest. A step
    /// without penalty leaves all weights and selects nothing: it is picked only where there is no other. None without steps.
    pub fn of(tried: &[Tried], standard_error: impl FnOnce(usize) -> f64) -> Option<Picked> {
        let loss = |step: &usize| tried[*step].validation_loss;
        let penalised = |step: &usize| tried[*step].lambda > 0.0;
        let any = (0..tried.len()).any(|step| penalised(&step));
        let steps = (0..tried.len())
            .rev()
            .filter(|step| !any || penalised(step));
        // Of equal losses the sparser step.
        let min = steps.min_by(|a, b| loss(a).total_cmp(&loss(b)))?;
        let standard_error = standard_error(min);
        let most = loss(&min) + standard_error;
        let one_se = (min..tried.len()).rev().find(|step| loss(step) <= most);
        Some(Picked {
            min,
            one_se: one_se.unwrap_or(min),
            standard_error,
        })
    }

    pub fn by(&self, pick: Pick) -> usize {
        match pick {
            Pick::Min => self.min,
            Pick::OneSe => self.one_se,
        }
    }

    /// What a table has in the row of a step: the rules that pick it, with a comma between two.
    pub fn mark(&self, step: usize) -> String {
        let rules = [Pick::Min, Pick::OneSe].into_iter();
        let picking = rules.filter(|rule| self.by(*rule) == step);
        picking.map(Pick::name).collect::<Vec<_>>().join(",")
    }

    /// In a sentence.
    pub fn describe(&self, tried: &[Tried]) -> String {
        let shown = |step: usize| format!("path_{step} (lambda {})", rounded(tried[step].lambda));
        format!(
            "of the steps with a penalty: lowest validation loss {:.5} (standard error {:.5}) at {}; largest penalty within one standard error: {}",
            tried[self.min].validation_loss,
            self.standard_error,
            shown(self.min),
            shown(self.one_se)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(losses: &[f64]) -> Vec<Tried> {
        let all = losses.iter().enumerate();
        let of = |(step, &validation_loss): (usize, &f64)| Tried {
            lambda: step as f64,
            validation_loss,
        };
        all.map(of).collect()
    }

    #[test]
    fn the_lowest_and_the_sparsest_within_one_standard_error_are_marked() {
        // The first step has no penalty.
        let tried = tried(&[0.9, 1.0, 1.05, 1.09, 1.5, 1.02]);
        let picked = Picked::of(&tried, |_| 0.06).unwrap();
        assert_eq!((picked.min, picked.one_se), (1, 5));
        let marks: Vec<String> = (0..6).map(|step| picked.mark(step)).collect();
        assert_eq!(marks, ["", "min", "", "", "", "1se"]);
        let sure = Picked::of(&tried, |_| 0.0).unwrap();
        assert_eq!(sure.mark(1), "min,1se");
        assert!(sure.describe(&tried).contains("path_1 (lambda 1)"));
        assert_eq!(Picked::of(&[], |_| 0.0), None);
    }

    #[test]
    fn of_equal_losses_the_sparser_step_is_the_lowest() {
        let picked = |losses: &[f64]| Picked::of(&tried(losses), |_| 0.0).unwrap().min;
        assert_eq!(picked(&[0.5, 1.0, 1.0, 2.0]), 2);
        assert_eq!(picked(&[0.5]), 0, "no other step");
    }
}
