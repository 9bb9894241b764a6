//! Columns of a signal table that are no outputs: the rows' weights and batches.

use super::LARGEST;
use super::missing::is_missing;
use crate::io::near::nearest;
use crate::io::text::excerpt;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// The columns that are no outputs, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowColumns {
    /// How much each row counts in the loss.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<String>,
    /// Which batch (experiment) each row is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<String>,
}

impl RowColumns {
    /// All columns are outputs.
    pub fn is_empty(&self) -> bool {
        *self == RowColumns::default()
    }

    /// With the flags that name them.
    fn named(&self) -> impl Iterator<Item = (&'static str, Column, &String)> {
        let weights = ("--weights", Column::Weight, &self.weights);
        let batch = ("--batch-column", Column::Batch, &self.batch);
        let all = [weights, batch].into_iter();
        all.filter_map(|(flag, column, name)| Some((flag, column, name.as_ref()?)))
    }
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Output,
    Weight,
    Batch,
}

/// What each column of a header holds.
///
/// # Errors
/// A column that is not there: names those that are like it; one column for two things; no column of signals.
pub(super) fn chosen(own: &RowColumns, names: &[String]) -> Result<Vec<Column>> {
    let mut columns = vec![Column::Output; names.len()];
    for (flag, column, name) in own.named() {
        let Some(place) = names.iter().position(|found| found == name) else {
            let near: Vec<String> = nearest(name, names, |name| vec![name.as_str()])
                .into_iter()
                .map(|name| excerpt(name))
                .collect();
            return Err(Error::invalid(format!(
                "no column {} ({flag}); did you mean {}?",
                excerpt(name),
                near.join(", ")
            )));
        };
        if columns[place] != Column::Output {
            return Err(Error::usage(format!(
                "{flag} {name}: it is the column of --weights already; expected another one"
            )));
        }
        columns[place] = column;
    }
    match columns.contains(&Column::Output) {
        true => Ok(columns),
        false => Err(Error::invalid(
            "no column of signals is left beside those of --weights and --batch-column",
        )),
    }
}

/// A row's weight.
///
/// # Errors
/// What was expected.
pub(super) fn weight(value: &str) -> std::result::Result<f64, String> {
    let number = value.parse::<f64>().ok();
    number
        .filter(|weight| (0.0..=LARGEST).contains(weight))
        .ok_or_else(|| "a weight, a number of 0 or more (0 leaves the row out)".to_string())
}

/// A row's batch.
///
/// # Errors
/// What was expected.
pub(super) fn batch(value: &str) -> std::result::Result<String, String> {
    match is_missing(value) {
        true => Err("the name of the row's batch".to_string()),
        false => Ok(value.to_string()),
    }
}
