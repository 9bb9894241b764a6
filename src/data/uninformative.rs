//! What of a data set can neither teach nor test a model: sequences without a base, outputs that are the same in every row, or
//! missing.

use super::Notes;
use super::dataset::Dataset;
use super::split::rows::{PARTS, Split};
use crate::dna::bases::N;
use crate::io::text::first_names;
use crate::{Error, Result};

/// A warning that names the sequences of which no base is known. `codes`: names x length, row-major.
pub fn without_bases(names: &[String], codes: &[u8], length: usize) -> Option<String> {
    let rows = names.iter().zip(codes.chunks_exact(length.max(1)));
    let empty = rows.filter(|(_, row)| row.iter().all(|&code| code == N));
    let empty: Vec<&String> = empty.map(|(name, _)| name).collect();
    let what = match empty.len() {
        0 => return None,
        1 => "sequence without",
        _ => "sequences without",
    };
    Some(format!(
        "warning: {what} a single A, C, G or T: {}; what a model makes of N alone means nothing",
        first_names(&empty)
    ))
}

/// The outputs whose known signals are one and the same in all these rows, also a single one; all outputs where there is no
/// row.
pub fn constant_outputs<'a>(data: &'a Dataset, rows: &[usize]) -> Vec<&'a str> {
    outputs(data, rows, |known| match known {
        [] => rows.is_empty(),
        [first, others @ ..] => others.iter().all(|signal| signal == first),
    })
}

/// The outputs all of whose signals are missing in these rows.
fn missing_outputs<'a>(data: &'a Dataset, rows: &[usize]) -> Vec<&'a str> {
    outputs(data, rows, |known| known.is_empty() && !rows.is_empty())
}

/// The outputs whose known signals in these rows are so.
fn outputs<'a>(data: &'a Dataset, rows: &[usize], so: impl Fn(&[f64]) -> bool) -> Vec<&'a str> {
    let known = |output: usize| -> Vec<f64> {
        let signals = rows.iter().map(|&row| data.signals(row)[output]);
        signals.filter(|signal| !signal.is_nan()).collect()
    };
    let outputs = data.outputs.iter().enumerate();
    let found = outputs.filter(|(output, _)| so(&known(*output)));
    found.map(|(_, name)| name.as_str()).collect()
}

/// What to know before training: outputs that are constant or missing over the training rows, and where others are over the
/// rows of validation or test.
///
/// # Errors
/// Every output is constant over the training rows, or missing there.
pub fn check(data: &Dataset, split: &Split) -> Result<Notes> {
    let constant = constant_outputs(data, &split.train);
    let missing = missing_outputs(data, &split.train);
    if constant.len() + missing.len() == data.outputs.len() {
        let which = match constant.len() {
            1 if missing.is_empty() => "the only output",
            _ => "every output",
        };
        let what = match missing.len() {
            0 => "one and the same number",
            _ => "missing, or one and the same number,",
        };
        return Err(Error::invalid(format!(
            "nothing to learn: {which} ({}) is {what} in all training sequences; expected signals that differ (look at the table's columns and at the split)",
            first_names(&data.outputs)
        )));
    }
    let mut notes = Notes::new();
    let means_nothing = "what is predicted there means nothing";
    notes.extend(warning(&constant, SAME, "training", means_nothing));
    notes.extend(warning(&missing, MISSING, "training", means_nothing));
    let known = [constant, missing].concat();
    for (part, rows) in PARTS.iter().zip(split.parts()).skip(1) {
        notes.extend(unmeasurable(data, part, rows, &known));
    }
    Ok(notes)
}

/// Warnings that name the outputs which these rows of a part cannot measure, or not in full, but for those that are `known` to
/// mean nothing: no signal, or one and the same, so that there is no correlation. One row has none anyway.
pub fn unmeasurable(data: &Dataset, part: &str, rows: &[usize], known: &[&str]) -> Notes {
    let mut constant = match rows.len() {
        0 | 1 => Vec::new(),
        _ => constant_outputs(data, rows),
    };
    let mut missing = missing_outputs(data, rows);
    constant.retain(|output| !known.contains(output));
    missing.retain(|output| !known.contains(output));
    let constant = warning(&constant, SAME, part, "correlations there are not defined");
    let missing = warning(
        &missing,
        MISSING,
        part,
        "what is predicted there is not measured",
    );
    constant.into_iter().chain(missing).collect()
}

const SAME: &str = "one and the same number";
const MISSING: &str = "missing";

fn warning(outputs: &[&str], what: &str, part: &str, therefore: &str) -> Option<String> {
    let (noun, verb) = match outputs.len() {
        0 => return None,
        1 => ("output", "is"),
        _ => ("outputs", "are each"),
    };
    Some(format!(
        "warning: {noun} {} {verb} {what} in all {part} sequences: {therefore}",
        first_names(outputs)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(signals: &[[f64; 3]]) -> Dataset {
        Dataset {
            names: (0..signals.len()).map(|i| format!("s{i}")).collect(),
            outputs: ["a", "b", "c"].map(String::from).to_vec(),
            length: 2,
            codes: vec![0; 2 * signals.len()],
            signals: signals.concat(),
            weights: None,
            batches: None,
            chromosomes: None,
        }
    }

    fn split(train: &[usize], validation: &[usize], test: &[usize]) -> Split {
        Split {
            train: train.to_vec(),
            validation: validation.to_vec(),
            test: test.to_vec(),
        }
    }

    #[test]
    fn sequences_of_n_alone_are_named() {
        let names = ["x", "y", "z"].map(String::from);
        assert_eq!(without_bases(&names, &[4, 0, 4, 3, 1, 4], 2), None);
        let one = without_bases(&names, &[4, 0, 4, 4, 1, 4], 2).unwrap();
        assert!(
            one.starts_with("warning: sequence without a single A, C, G or T: 'y';"),
            "{one}"
        );
        let two = without_bases(&names, &[4, 4, 4, 4, 1, 4], 2).unwrap();
        assert!(
            two.contains("sequences without a single A, C, G or T: 'x', 'y';"),
            "{two}"
        );
        assert_eq!(without_bases(&[], &[], 0), None);
    }

    #[test]
    fn training_rows_alone_decide_what_can_be_learned() {
        // Output a differs in row 3 alone, b among the training rows, c everywhere.
        let data = data(&[
            [1.0, 0.0, 1.0],
            [1.0, 2.0, 2.0],
            [1.0, 2.0, 3.0],
            [9.0, 2.0, 4.0],
        ]);
        let notes = check(&data, &split(&[0, 1], &[1, 2], &[2, 3])).unwrap();
        assert_eq!(
            notes,
            [
                "warning: output 'a' is one and the same number in all training sequences: what is predicted there means nothing",
                "warning: output 'b' is one and the same number in all validation sequences: correlations there are not defined",
                "warning: output 'b' is one and the same number in all test sequences: correlations there are not defined",
            ]
        );
        assert!(
            check(&data, &split(&[0, 1, 2, 3], &[0], &[1]))
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn outputs_that_are_all_constant_are_an_error() {
        let data = data(&[[1.0, 0.0, 5.0], [1.0, 0.0, 5.0], [2.0, 1.0, 6.0]]);
        let error = check(&data, &split(&[0, 1], &[2], &[2])).unwrap_err();
        let error = error.to_string();
        assert!(
            error.contains(
                "every output ('a', 'b', 'c') is one and the same number in all training"
            ),
            "{error}"
        );
        assert!(check(&data, &split(&[0, 1, 2], &[0], &[1])).is_ok());
    }

    #[test]
    fn missing_signals_neither_teach_nor_measure() {
        let nan = f64::NAN;
        // Output a is known in one training row alone, b in none, c lacks the test rows.
        let data = data(&[
            [1.0, nan, 1.0],
            [nan, nan, 2.0],
            [2.0, 5.0, nan],
            [3.0, 6.0, nan],
        ]);
        let notes = check(&data, &split(&[0, 1], &[0, 1], &[2, 3])).unwrap();
        assert_eq!(
            notes,
            [
                "warning: output 'a' is one and the same number in all training sequences: what is predicted there means nothing",
                "warning: output 'b' is missing in all training sequences: what is predicted there means nothing",
                "warning: output 'c' is missing in all test sequences: what is predicted there is not measured",
            ]
        );
        let error = check(&data, &split(&[0], &[1], &[2])).unwrap_err();
        let expected =
            "every output ('a', 'b', 'c') is missing, or one and the same number, in all training";
        assert!(error.to_string().contains(expected), "{error}");
    }
}
