//! `history.pkl` and our `history.tsv`: the same numbers under other names.

use crate::Result;
use crate::io::history::{read, write_measured};
use crate::io::keras_history::{self, KEYS, KerasHistory};
use crate::models::factornet::Spec;
use crate::models::factornet::keras::HISTORY;
use crate::train::folder;
use crate::train::trainer;
use std::path::Path;

/// Our columns of Keras's keys, in their order.
const COLUMNS: [&str; KEYS.len()] = [
    "train_loss",
    "train_accuracy",
    "validation_loss",
    "validation_accuracy",
];

/// Makes the history of a Keras folder the history.tsv of a model folder of ours, if there is one. What Keras did not keep
/// (seconds, samples a second) stays empty.
///
/// # Errors
/// The file cannot be written. What is wrong with a history of Keras's is the note that comes back.
pub fn write_as_ours(network: &Spec, from: &Path, to: &Path) -> Result<Option<String>> {
    let path = from.join(HISTORY);
    if !path.exists() {
        return Ok(None);
    }
    let history = match keras_history::read(&path) {
        Ok(history) => history,
        Err(error) => {
            return Ok(Some(format!(
                "note: {error}; the model is converted without its history"
            )));
        }
    };
    let epochs = history.epochs();
    let measured = COLUMNS.into_iter().zip(history.measured);
    let measured = measured.filter_map(|(column, numbers)| Some((column, numbers?)));
    let columns = trainer::columns(network, false);
    let file = to.join(folder::HISTORY);
    write_measured(&file, &columns, epochs, &measured.collect())?;
    Ok(None)
}

/// Makes our history.tsv a history.pkl as the original's train.py writes it, if there is one with epochs.
///
/// # Errors
/// The file cannot be written. What is wrong with our history is the note that comes back.
pub(super) fn write_as_keras(from: &Path, to: &Path) -> Result<Option<String>> {
    if !from.exists() {
        return Ok(None);
    }
    let mut columns = match read(from) {
        Ok(columns) => columns,
        Err(error) => {
            return Ok(Some(format!(
                "note: {error}; the model is converted without its history"
            )));
        }
    };
    let rows = columns.values().map(Vec::len).max();
    // A column with a gap was not measured.
    let measured = COLUMNS.map(|name| columns.remove(name)?.into_iter().collect());
    let history = KerasHistory { measured };
    match history.epochs() {
        // A run that has finished no epoch has a header alone.
        0 if rows.unwrap_or(0) > 0 => Ok(Some(format!(
            "note: {}: no whole column among {}; the model is converted without its history",
            from.display(),
            COLUMNS.join(", ")
        ))),
        0 => Ok(None),
        _ => keras_history::write(to, &history).map(|()| None),
    }
}
