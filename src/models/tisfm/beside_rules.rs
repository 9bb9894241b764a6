//! How a model stands beside simple rules: differences, columns of tables, lines for people.

use super::baselines::Baseline;
use crate::args::Digits;
use crate::data::dataset::Dataset;
use crate::data::split::folds::blocks;
use crate::metrics::blocks::{Difference, FEWEST_BLOCKS, correlation_difference};
use crate::metrics::regression::{mse, pearson};

/// The columns that a table of agreement gets for the rules; empty fields where a rule is not there.
pub const COLUMNS: [&str; 6] = [
    "ridge_mse",
    "ridge_pearson",
    "GC_mse",
    "GC_pearson",
    "mean_mse",
    "r_above_ridge",
];

/// How a model stands beside a rule, in an output.
#[derive(Clone, Debug, PartialEq)]
pub struct Beside {
    pub name: &'static str,
    pub mse: f64,
    /// NaN where the rule predicts the same for all.
    pub pearson: f64,
    /// The model's r less the rule's.
    pub difference: Option<Difference>,
}

/// Of each output and rule; `predictions`: the model's, rows x outputs. Rows in the same megabase of a chromosome are one block, rows without a
/// place are blocks of their own; rows whose signal is missing are in no output's.
pub fn beside(
    dataset: &Dataset,
    rows: &[usize],
    predictions: &[f64],
    baselines: &[Baseline],
) -> Vec<Vec<Beside>> {
    let outputs = dataset.outputs.len();
    let of_output = |output: usize| {
        let known = |&place: &usize| !dataset.signals(rows[place])[output].is_nan();
        let places: Vec<usize> = (0..rows.len()).filter(known).collect();
        let column = |values: &[f64]| -> Vec<f64> {
            let value = |place: &usize| values[place * outputs + output];
            places.iter().map(value).collect()
        };
        let own = column(predictions);
        let rows: Vec<usize> = places.iter().map(|&place| rows[place]).collect();
        let signals = rows.iter().map(|&row| dataset.signals(row)[output]);
        let signals: Vec<f64> = signals.collect();
        let blocks = blocks(dataset, &rows);
        let of_rule = |baseline: &Baseline| {
            let rule = column(&baseline.predictions);
            Beside {
                name: baseline.name,
                mse: mse(&rule, &signals),
                pearson: pearson(&rule, &signals),
                difference: correlation_difference(&own, &rule, &signals, &blocks, 0),
            }
        };
        baselines.iter().map(of_rule).collect()
    };
    (0..outputs).map(of_output).collect()
}

/// The fields of [`COLUMNS`] of an output.
pub fn fields(beside: &[Beside], digits: Digits) -> [String; 6] {
    let of = |name: &str| beside.iter().find(|rule| rule.name == name);
    let number =
        |value: Option<f64>| value.map_or(String::new(), |value| digits.of(value).to_string());
    let above = of("ridge").and_then(|rule| rule.difference).map(|d| {
        let [value, low, high] = [d.value, d.low, d.high].map(|x| format!("{x:.3}"));
        format!("{value} ({low} to {high})")
    });
    [
        number(of("ridge").map(|rule| rule.mse)),
        number(of("ridge").map(|rule| rule.pearson)),
        number(of("GC").map(|rule| rule.mse)),
        number(of("GC").map(|rule| rule.pearson)),
        number(of("mean").map(|rule| rule.mse)),
        above.unwrap_or_default(),
    ]
}

/// Which rules a model does not beat: its r is not above the rule's beyond chance (the interval of the difference reaches 0), or its mean
/// squared error is not below that of the mean. `losses`: the model's, by output, NaN where none was measured.
pub fn told(
    outputs: &[String],
    losses: &[f64],
    beside: &[Vec<Beside>],
    baselines: &[Baseline],
) -> Vec<String> {
    let mut lines = Vec::new();
    let mut beaten = Vec::new();
    for (place, baseline) in baselines.iter().enumerate() {
        let mut not = Vec::new();
        for ((output, loss), rules) in outputs.iter().zip(losses).zip(beside) {
            let rule = &rules[place];
            if loss.is_nan() {
                continue;
            }
            match rule.difference {
                Some(difference) if difference.low > 0.0 => {}
                Some(Difference { value, low, high }) => not.push(format!(
                    "{output} (r {:.3}, the model's {:.3}; difference {value:.3}, 95 % interval {low:.3} to {high:.3})",
                    rule.pearson,
                    rule.pearson + value
                )),
                None if rule.mse <= *loss => not.push(format!(
                    "{output} (mean squared error {:.4}, the model's {loss:.4})",
                    rule.mse
                )),
                None => {}
            }
        }
        match not.is_empty() {
            true => beaten.push(baseline.what.as_str()),
            false => lines.push(format!(
                "not beaten: {} in {}",
                baseline.what,
                not.join(", ")
            )),
        }
    }
    if !beaten.is_empty() {
        // Where both have an r, only too few blocks leave a difference without an interval.
        let mut rules = beside.iter().flatten();
        let by_loss = match rules.any(|rule| rule.difference.is_none() && !rule.pearson.is_nan()) {
            true => format!(
                " (by the mean squared error; fewer than {FEWEST_BLOCKS} blocks of 1 Mb give no interval)"
            ),
            false => String::new(),
        };
        lines.push(format!(
            "beaten in every output{by_loss}: {}",
            beaten.join("; ")
        ));
    }
    lines
}
