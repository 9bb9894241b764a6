//! The motifs of an ensemble: ranked by the mean over its models, with how much these agree.

use super::motif_ranks::{Activity, By, Ranked, Seen, motif_ranks, put_in_order};
use super::saved::SavedModel;
use crate::Result;
use crate::metrics::deviation;
use std::collections::HashMap;

/// How much the models agree about a motif in an output: standard deviations of a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Agreement {
    pub weight_sd: f64,
    pub rank_mean: f64,
    pub rank_sd: f64,
    /// The share of the models that have it among their first ones.
    pub in_top: f64,
}

/// As [`motif_ranks`], by the mean importance or weight over the models; the agreement in the same order. `models`: two or more, of the
/// same motifs and architecture; `activities`: of each, on its own sequences; `top`: how many motifs are first ones.
///
/// # Errors
/// Those of [`motif_ranks`].
pub fn ensemble_ranks(
    models: &[SavedModel],
    activities: Option<&[Activity]>,
    by: By,
    top: usize,
) -> Result<Vec<(Ranked, Agreement)>> {
    let of = |(i, model)| motif_ranks(model, activities.map(|all| &all[i]), by);
    let each: Vec<Vec<Ranked>> = models.iter().enumerate().map(of).collect::<Result<_>>()?;
    Ok(merged(&each, by, top))
}

/// What the models say of one motif in one output.
#[derive(Default)]
struct Said {
    weights: Vec<f64>,
    seen: Vec<Seen>,
    ranks: Vec<f64>,
}

fn merged(each: &[Vec<Ranked>], by: By, top: usize) -> Vec<(Ranked, Agreement)> {
    type Key<'a> = (&'a str, &'a str, Option<&'a str>);
    fn key(row: &Ranked) -> Key<'_> {
        (&row.output, &row.motif, row.block.as_deref())
    }
    let mut found: HashMap<Key<'_>, Said> = HashMap::new();
    for row in each.iter().flatten() {
        let said = found.entry(key(row)).or_default();
        said.weights.push(row.weight);
        said.seen.extend(row.seen);
        said.ranks.push(row.rank as f64);
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let first = each.first().map(Vec::as_slice).unwrap_or_default();
    let mut ranked = Vec::new();
    // Rows of an output stand together, and keep their order among equals.
    for of_output in first.chunk_by(|a, b| a.output == b.output) {
        let row = |row: &Ranked| {
            let said = &found[&key(row)];
            let of_seen = |of: fn(&Seen) -> f64| {
                let all: Vec<f64> = said.seen.iter().map(of).collect();
                mean(&all)
            };
            Ranked {
                weight: mean(&said.weights),
                seen: row.seen.map(|_| Seen {
                    importance: of_seen(|seen| seen.importance),
                    activity: of_seen(|seen| seen.activity),
                }),
                ..row.clone()
            }
        };
        let mut rows: Vec<Ranked> = of_output.iter().map(row).collect();
        put_in_order(&mut rows, by);
        ranked.extend(rows.into_iter().map(|row| {
            let said = &found[&key(&row)];
            let firsts = said.ranks.iter().filter(|rank| **rank <= top as f64);
            let agreement = Agreement {
                weight_sd: deviation(&said.weights).unwrap_or(f64::NAN),
                rank_mean: mean(&said.ranks),
                rank_sd: deviation(&said.ranks).unwrap_or(f64::NAN),
                in_top: firsts.count() as f64 / said.ranks.len() as f64,
            };
            (row, agreement)
        }));
    }
    ranked
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
            seen: None,
            rank,
        };
        let each = [
            vec![row("a", 1, 1.0), row("b", 2, 0.8)],
            vec![row("b", 1, 0.6), row("a", 2, 0.0)],
        ];
        let found = merged(&each, By::Importance, 1);
        let shown: Vec<(&str, usize, f64, f64)> = found
            .iter()
            .map(|(r, a)| (r.motif.as_str(), r.rank, r.weight, a.rank_mean))
            .collect();
        assert_eq!(shown, [("b", 1, 0.7, 1.5), ("a", 2, 0.5, 1.5)]);
        assert!((found[1].1.weight_sd - 0.5f64.sqrt()).abs() < 1e-12);
        assert_eq!(found[1].1.in_top, 0.5);
    }
}
