//! The motifs of an ensemble: ranked by their mean weight, with how much its models agree.

use super::motif_ranks::{Ranked, motif_ranks};
use super::saved::SavedModel;
use crate::Result;
use crate::metrics::deviation;
use crate::numbers::descending;
use std::collections::HashMap;

/// How much the models agree about a motif in an output: standard deviations of a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Agreement {
    pub weight_sd: f64,
    pub rank_mean: f64,
    pub rank_sd: f64,
}

/// As [`motif_ranks`], by the mean weight over the models; the agreement in the same order. `models`: two or more, of the same motifs and
/// architecture.
///
/// # Errors
/// Those of [`motif_ranks`].
pub fn ensemble_ranks(models: &[SavedModel]) -> Result<Vec<(Ranked, Agreement)>> {
    let each: Vec<Vec<Ranked>> = models.iter().map(motif_ranks).collect::<Result<_>>()?;
    Ok(merged(&each))
}

fn merged(each: &[Vec<Ranked>]) -> Vec<(Ranked, Agreement)> {
    type Key<'a> = (&'a str, &'a str, Option<&'a str>);
    fn key(row: &Ranked) -> Key<'_> {
        (&row.output, &row.motif, row.block.as_deref())
    }
    let mut found: HashMap<Key<'_>, (Vec<f64>, Vec<f64>)> = HashMap::new();
    for row in each.iter().flatten() {
        let (weights, ranks) = found.entry(key(row)).or_default();
        weights.push(row.weight);
        ranks.push(row.rank as f64);
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let first = each.first().map(Vec::as_slice).unwrap_or_default();
    let mut rows: Vec<(Ranked, Agreement)> = first
        .iter()
        .map(|row| {
            let (weights, ranks) = &found[&key(row)];
            let agreement = Agreement {
                weight_sd: deviation(weights).unwrap_or(f64::NAN),
                rank_mean: mean(ranks),
                rank_sd: deviation(ranks).unwrap_or(f64::NAN),
            };
            let row = Ranked {
                weight: mean(weights),
                ..row.clone()
            };
            (row, agreement)
        })
        .collect();
    // Rows of an output stand together, and keep their order among equals.
    for of_output in rows.chunk_by_mut(|(a, _), (b, _)| a.output == b.output) {
        of_output.sort_by(|(a, _), (b, _)| descending(a.weight, b.weight));
        for (place, (row, _)) in of_output.iter_mut().enumerate() {
            row.rank = place + 1;
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn motifs_are_ranked_by_their_mean_weight() {
        let row = |motif: &str, rank: usize, weight: f64| Ranked {
            output: "B".into(),
            motif: motif.into(),
            name: None,
            block: None,
            weight,
            rank,
        };
        let found = merged(&[
            vec![row("a", 1, 1.0), row("b", 2, 0.8)],
            vec![row("b", 1, 0.6), row("a", 2, 0.0)],
        ]);
        let shown: Vec<(&str, usize, f64, f64)> = found
            .iter()
            .map(|(r, a)| (r.motif.as_str(), r.rank, r.weight, a.rank_mean))
            .collect();
        assert_eq!(shown, [("b", 1, 0.7, 1.5), ("a", 2, 0.5, 1.5)]);
        assert!((found[1].1.weight_sd - 0.5f64.sqrt()).abs() < 1e-12);
    }
}
