//! Each track's mean as the network saw it, and what to say where it is another on the cell line at hand: a model has
//! learned from values of one depth.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::data::Notes;

/// The means of a cell line that a model was trained on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CellMeans {
    /// Its folder.
    pub cell: PathBuf,
    /// By track: the mean after scaling, over all bases of the chromosomes on which the track has values.
    pub means: BTreeMap<String, f64>,
}

/// A track of the cell line at hand.
#[derive(Clone, Debug, PartialEq)]
pub struct SeenTrack {
    pub name: String,
    /// What its values are multiplied by.
    pub factor: f32,
    /// As in [`CellMeans::means`].
    pub mean: f64,
}

/// By how much a mean may differ from those of training.
pub const FARTHEST: f64 = 2.0;

/// The means of a track in training: smallest, largest, and the one to aim at, in the middle of a ratio scale.
struct Trained {
    smallest: f64,
    largest: f64,
    aim: f64,
}

impl Trained {
    /// `None` where it is not known, or no ratio can be taken: a mean that is not above 0.
    fn of(track: &str, cells: &[CellMeans]) -> Option<Trained> {
        let means = cells.iter().map(|cell| cell.means.get(track).copied());
        let means: Option<Vec<f64>> = means.collect();
        let means = means.filter(|means| !means.is_empty() && means.iter().all(|m| *m > 0.0))?;
        let logs: f64 = means.iter().map(|mean| mean.ln()).sum();
        let aim = (logs / means.len() as f64).exp();
        Some(Trained {
            smallest: means.iter().copied().fold(f64::INFINITY, f64::min),
            largest: means.iter().copied().fold(0.0, f64::max),
            aim,
        })
    }

    fn is_far(&self, mean: f64) -> bool {
        mean > FARTHEST * self.largest || mean < self.smallest / FARTHEST
    }

    fn shown(&self) -> String {
        if self.smallest == self.largest {
            short(self.smallest)
        } else {
            format!("{} to {}", short(self.smallest), short(self.largest))
        }
    }
}

/// A warning for each track whose mean is more than twice the largest or less than half the smallest of training, with the
/// flag that brings it there. `cell` names the cell line at hand. Nothing where the means of training are not known.
pub fn compare(cell: &str, seen: &[SeenTrack], trained: &[CellMeans]) -> Notes {
    let far = |track: &SeenTrack| {
        let trained = Trained::of(&track.name, trained)?;
        trained.is_far(track.mean).then_some(trained)
    };
    let found: Vec<Option<Trained>> = seen.iter().map(far).collect();
    // One flag sets all tracks: those that it does not name would lose the factor that they have.
    let factor = |(track, far): (&SeenTrack, &Option<Trained>)| match far {
        Some(trained) if track.mean > 0.0 => {
            let factor = f64::from(track.factor) * trained.aim / track.mean;
            Some(format!("{}={}", track.name, short(factor)))
        }
        _ if track.factor != 1.0 => Some(format!("{}={}", track.name, track.factor)),
        _ => None,
    };
    let factors: Vec<String> = seen.iter().zip(&found).filter_map(factor).collect();
    let warning = |(track, far): (&SeenTrack, &Option<Trained>)| {
        let trained = far.as_ref()?;
        let advice = if track.mean > 0.0 {
            format!("--track-scale {} brings it there", factors.join(","))
        } else {
            "no scale brings it there".to_string()
        };
        Some(format!(
            "warning: {cell}: track '{}' has a mean of {}, in training it was {}; {advice}",
            track.name,
            short(track.mean),
            trained.shown()
        ))
    };
    seen.iter().zip(&found).filter_map(warning).collect()
}

/// Three significant digits, without zeros at the end.
pub fn short(number: f64) -> String {
    if number == 0.0 || !number.is_finite() {
        return number.to_string();
    }
    let digits = (2.0 - number.abs().log10().floor()).max(0.0) as usize;
    let text = format!("{number:.digits$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_string(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(means: &[(&str, f64)]) -> CellMeans {
        CellMeans {
            cell: "A".into(),
            means: means.iter().map(|&(n, m)| (n.to_string(), m)).collect(),
        }
    }

    fn seen(name: &str, factor: f32, mean: f64) -> SeenTrack {
        SeenTrack {
            name: name.to_string(),
            factor,
            mean,
        }
    }

    #[test]
    fn a_mean_within_a_factor_of_two_of_training_is_no_matter() {
        let trained = [cell(&[("D", 0.5)]), cell(&[("D", 2.0)])];
        for mean in [0.25, 1.0, 4.0] {
            assert!(
                compare("B", &[seen("D", 1.0, mean)], &trained).is_empty(),
                "{mean}"
            );
        }
        for mean in [0.249, 4.01] {
            assert_eq!(
                compare("B", &[seen("D", 1.0, mean)], &trained).len(),
                1,
                "{mean}"
            );
        }
    }

    #[test]
    fn the_warning_has_both_numbers_and_the_flag() {
        let one = compare("B", &[seen("D", 1.0, 1.94)], &[cell(&[("D", 0.9)])]);
        assert_eq!(
            one,
            [
                "warning: B: track 'D' has a mean of 1.94, in training it was 0.9; --track-scale D=0.464 brings it there"
            ]
        );
        // In the middle of the ratios, times the factor that it has; other tracks keep theirs.
        let two = [
            cell(&[("D", 0.5), ("U", 1.0)]),
            cell(&[("D", 2.0), ("U", 1.0)]),
        ];
        let tracks = [
            seen("D", 2.0, 10.0),
            seen("U", 0.25, 1.0),
            seen("V", 1.0, 9.0),
        ];
        assert_eq!(
            compare("B", &tracks, &two),
            [
                "warning: B: track 'D' has a mean of 10, in training it was 0.5 to 2; --track-scale D=0.2,U=0.25 brings it there"
            ]
        );
    }

    #[test]
    fn what_is_not_known_or_has_no_ratio_is_passed_over() {
        assert!(compare("B", &[seen("D", 1.0, 9.0)], &[]).is_empty());
        assert!(compare("B", &[seen("D", 1.0, 9.0)], &[cell(&[("U", 1.0)])]).is_empty());
        assert!(compare("B", &[seen("D", 1.0, 9.0)], &[cell(&[("D", 0.0)])]).is_empty());
        let zero = compare("B", &[seen("D", 1.0, 0.0)], &[cell(&[("D", 1.0)])]);
        assert!(
            zero[0].ends_with("has a mean of 0, in training it was 1; no scale brings it there")
        );
    }

    #[test]
    fn numbers_have_three_digits() {
        let numbers = [0.5154639, 1.0, 0.25, 12345.6, 0.000123456, 9.999, 100.0];
        let expected = ["0.515", "1", "0.25", "12346", "0.000123", "10", "100"];
        assert_eq!(numbers.map(short), expected);
    }
}
